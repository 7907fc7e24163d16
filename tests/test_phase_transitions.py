"""§3.4: stationary points of any task dynamics, and what Figure 4 and its neighbours plot; apart from the notebook."""

import numpy as np
import pytest

from lrnn_helpers import dynamics
from lrnn_helpers import transitions as tr

# stationary_modes


@pytest.mark.parametrize("T", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("beta", [0.5, 0.9, 0.97, 1.3, 3.0])
def test_stationary_modes_of_the_dirac_task_are_stationary_points(beta, T):
    special = tr.stationary_points(beta, T)
    general = tr.stationary_modes(dynamics.dirac_delta(beta, 1 / beta, T))
    assert [kind for _, _, kind in special] == [kind for _, _, _, kind in general]
    for (b, energy, _), (b_, u, energy_, _) in zip(special, general, strict=True):
        # 1/beta as a float is not 1/beta, and double roots halve the digits.
        assert b_ == pytest.approx(b, rel=1e-7, abs=1e-12)
        assert energy_ == pytest.approx(energy, rel=1e-12, abs=1e-14)
        assert u == pytest.approx(tr.optimal_u(b, beta, T), rel=1e-6, abs=1e-9)


def test_stationary_modes_are_the_turns_of_the_least_energy():
    rng = np.random.default_rng(0)
    grid = np.tan(np.linspace(-1.569, 1.569, 200001))
    for T in rng.integers(2, 8, size=30):
        s = rng.normal(size=T)
        powers = grid[:, None] ** np.arange(T)[::-1]
        energy = s @ s - (powers @ s) ** 2 / (powers**2).sum(axis=1)
        falls = np.diff(energy) < 0
        turns = np.flatnonzero(falls[1:] != falls[:-1])
        found = [point for point in tr.stationary_modes(s) if abs(point[0]) < 500]
        assert ["min" if falls[t] else "max" for t in turns] == [kind for *_, kind in found]
        np.testing.assert_allclose(grid[turns + 1], [point[0] for point in found], rtol=2e-2, atol=1e-4)


def test_stationary_modes_find_zero_loss_and_far_points():
    for delta, lam, T in ((2.0, 0.5, 4), (-1.0, -3.0, 6), (1e-3, 1e3, 5), (1.0, 0.01, 30)):
        points = tr.stationary_modes(dynamics.inverse_exponential(delta, lam, T))
        best = min(points, key=lambda point: point[2])
        assert best[3] == "min"
        assert best[0] == pytest.approx(lam, rel=1e-12)
        assert best[1] == pytest.approx(delta, rel=1e-12)
        assert best[2] < 1e-24 * (delta * lam**T) ** 2 + 1e-24


def test_stationary_modes_at_zero():
    # s_(T-1) = 0 makes b = 0 stationary: a minimum, a maximum, or, with a cubic, neither
    assert (0.0, 1.0, 1.0, "min") in tr.stationary_modes([1.0, 0.0, 0.0, 1.0])
    assert (0.0, 1.0, 1.0, "max") in tr.stationary_modes([1.0, 0.0, 1.0])
    assert next(p for p in tr.stationary_modes([0.3, 0.5, 0.0, 1.0]) if p[0] == 0)[3] == "saddle"
    assert all(p[0] != 0 for p in tr.stationary_modes([1.0, 0.1, 1.0]))
    assert tr.stationary_modes([1.0, 0.0]) == [(0.0, 0.0, 1.0, "max")]


@pytest.mark.parametrize(
    ("error", "message", "s"),
    [
        (ValueError, r"s must be \(T,\) with T >= 2", [1.0]),
        (ValueError, r"s must be \(T,\) with T >= 2", [[1.0, 2.0]]),
        (ValueError, "not all zero", [0.0, 0.0]),
        (ValueError, "s must be finite", [1.0, np.nan]),
        (TypeError, "s must be real", [1.0, 1j]),
    ],
)
def test_stationary_modes_name_what_is_wrong(error, message, s):
    with pytest.raises(error, match=message):
        tr.stationary_modes(s)
