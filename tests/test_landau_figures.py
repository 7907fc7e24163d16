"""The arrays behind Figures A2 and A3 (Appendices G and H): the claims, from the package without the book."""

import numpy as np
import pytest

from lrnn_helpers import dynamics, modes
from lrnn_helpers import transitions as tr
from lrnn_helpers.modes import Modes

BETAS = np.linspace(0.4, 1.6, 241)


def searched(T, b_max, betas=BETAS, points=2001):
    """b, E* by a search of b on [0, b_max]."""
    b = np.linspace(0, b_max, points)
    energy = tr.effective_energy(b, betas[:, None], T)
    return b[energy.argmin(axis=1)], energy.min(axis=1)


def first_beta(T, b_max):
    betas = np.arange(0.5, 1.6, 0.02)
    _, energy = searched(T, b_max, betas)
    return betas[np.argmax(energy < betas**2 * (1 - 1e-9))]


def test_a2_the_regulariser_is_the_same_for_every_task_and_the_data_term_is_not():
    b, u = np.linspace(-0.5, 2, 60), np.linspace(-0.5, 2, 50)[:, None]
    tasks = [dynamics.dirac_delta(s1, 1, 5) for s1 in (0.5, 1.5, 2.5)]
    data, term = zip(*(modes.energy_terms(Modes(u, b, 1.0), s) for s in tasks), strict=True)
    assert all(np.array_equal(term[0], other) for other in term[1:])
    assert not any(np.allclose(data[0], other) for other in data[1:])
    np.testing.assert_allclose(term[0], u**2 * sum(b ** (2 * k) for k in range(5)) / 2, rtol=1e-13)


@pytest.mark.parametrize(("T", "bound"), [(4, 2.1483), (5, 2.7748), (8, 3.7730)])
def test_a2_the_best_ac_falls_with_b_up_to_a_bound_on_s_1(T, bound):
    b = np.linspace(0.001, 3, 6000)

    def best(s1):
        return (s1 * b ** (T - 1) + 1) / sum(b ** (2 * k) for k in range(T))

    assert (np.diff(best(bound - 0.01)) < 0).all()
    assert (np.diff(best(bound + 0.01)) > 0).any()


def test_a3_three_timesteps_leave_zero_continuously_at_one_over_root_two():
    b, energy = tr.minimum(BETAS, 3)
    assert (b[BETAS < 0.707] == 0).all()
    assert (b[BETAS > 0.708] > 0).all()
    near = np.array([1, 4]) * 1e-6 + 0.5**0.5
    np.testing.assert_allclose(np.divide(*tr.minimum(near, 3)[0]), 0.5, rtol=1e-3)
    assert (energy <= BETAS**2 + 1e-15).all()


@pytest.mark.parametrize("T", [4, 5, 6, 10, 20])
def test_a3_longer_ones_switch_at_one_to_infinity(T):
    b, energy = tr.minimum(BETAS, T)
    np.testing.assert_array_equal(b, np.where(BETAS > 1, np.inf, 0))
    np.testing.assert_allclose(energy, np.minimum(BETAS**2, BETAS**-2), rtol=1e-12)
    for b_max in (2, 30):
        assert (searched(T, b_max)[1] >= energy * (1 - 1e-12)).all()


def test_a3_a_bounded_search_sees_the_papers_number_for_one_range():
    assert [round(first_beta(T, 2), 2) for T in (4, 8, 20, 60)] == [1.02, 1.08, 1.08, 1.08]
    assert round(first_beta(60, 5), 2) == 1.02
    assert round(first_beta(60, 1.5), 2) == 1.16
    at_end, _ = searched(20, 2)
    assert (at_end[BETAS > 1.08] == 2).all()
