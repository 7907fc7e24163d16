"""§3.4: stationary points of any task dynamics, and what Figure 4 and its neighbours plot; apart from the notebook."""

import warnings
from fractions import Fraction

import numpy as np
import pytest

from lrnn_helpers import dynamics, modes
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


@pytest.mark.parametrize("size", [-1000, -700, 700, 1000])
def test_stationary_modes_of_data_of_any_size(size):
    """b does not know the size of s, u goes with it and E* with its square, until they leave the floats."""
    rng = np.random.default_rng(3)
    for T in (2, 3, 6):
        s = rng.normal(size=T)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            large = tr.stationary_modes(np.ldexp(s, size))
        for got, want in zip(large, tr.stationary_modes(s), strict=True):
            assert got[0] == want[0] and got[3] == want[3]
            np.testing.assert_allclose(got[1], np.ldexp(want[1], size), rtol=1e-13, atol=1e-16 * 2.0**size)
            with np.errstate(over="ignore"):
                assert got[2] == np.ldexp(want[2], 2 * size)
    # E* is in range where little is left of large data.
    loss = np.ldexp([1.0, 2.0, 4.0 * (1 + 2.0**-30)], 510)
    best = min(tr.stationary_modes(loss), key=lambda point: point[2])
    small = min(tr.stationary_modes(np.ldexp(loss, -510)), key=lambda point: point[2])
    np.testing.assert_allclose(best[2], small[2] * 4.0**510, rtol=1e-4)


@pytest.mark.parametrize(
    "s", [[1e-300, 1e300, 1.0], [1.0, 1e300, 1e-300], [1e200, 2e200, 1e200], [5e-324, 1.7e308, 1.0], [1, 1e-300, 1e300]]
)
def test_stationary_modes_of_extreme_data(s):
    """Every point lies where an exact slope turns, to the float next to it; it took minutes, and warned."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        points = tr.stationary_modes(s)
    s1, s2, s3 = map(Fraction, s)

    def slope(b):
        S, Z = s3 + s2 * b + s1 * b**2, 1 + b**2 + b**4
        return -S * (2 * (s2 + 2 * s1 * b) * Z - S * (2 * b + 4 * b**3))

    assert len(points) >= 2 and [p[0] for p in points] == sorted(p[0] for p in points)
    for b, u, _, kind in points:
        if 0 < abs(b) < np.inf:
            low, high = (
                slope(Fraction(b) * (1 + int(sign) * Fraction(1, 2**50))) for sign in (-np.sign(b), np.sign(b))
            )
            assert (low < 0 < high) if kind == "min" else (low > 0 > high)
            exact = (s3 + s2 * Fraction(b) + s1 * Fraction(b) ** 2) / (1 + Fraction(b) ** 2 + Fraction(b) ** 4)
            assert abs(u - exact) <= 1e-15 * max(s)


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


# what the figures plot


def stationary_ratio(b, T):
    """δ/κ at which b is stationary for constant dynamics, from the energy's own derivative in exact arithmetic."""
    k = np.arange(T)
    A, dA = (b ** k[1:]).sum(), (k[1:] * b ** (k[1:] - 1)).sum()
    B, dB = (b ** (2 * k)).sum(), (2 * k[1:] * b ** (2 * k[1:] - 1.0)).sum()
    return dB / (2 * dA * B - A * dB)


def minima(T, ratio):
    points = tr.stationary_modes(dynamics.with_last(dynamics.constant(ratio, T), 1.0))
    return [b for b, _, _, kind in points if kind == "min" and b > 0]


def test_constant_dynamics_have_two_minima_from_eleven_steps_on():
    assert len(minima(11, 0.201)) == 2
    assert len(minima(20, 0.17)) == 2
    for ratio in np.linspace(0.15, 0.25, 101):
        assert len(minima(10, ratio)) == 1
    assert stationary_ratio(0.5, 40) == pytest.approx(0.2, abs=1e-9)


def test_descent_prunes_then_switches():
    s = dynamics.with_last(dynamics.constant(np.array([0.02, 0.19, 0.3]), 12), 1.0)
    end = modes.descend(modes.Modes(0.1, 0.1, 0.1), s, 2e-3, 20000)
    assert end.b[0] < 0.05
    assert end.u[0] == pytest.approx(1, abs=0.01)
    assert end.b[1] < 0.5
    assert end.b[2] > 0.85


def test_flow_is_hysteretic_inside_the_fold():
    s = dynamics.with_last(dynamics.constant(0.17, 20), 1.0)
    ends = [modes.flow(modes.Modes(0.9, b, 0.9), s, [0, 300.0]).b[-1] for b in (0.1, 0.85)]
    np.testing.assert_allclose(ends, minima(20, 0.17), rtol=1e-6)


def test_runaway_constant():
    s = dynamics.dirac_delta(3.0, 1.0, 10)
    b = modes.flow(modes.Modes(1.0, 1.5, 1.0), s, [0, 1e4, 1e6]).b
    np.testing.assert_allclose(b[1:] ** 4 / (36 * np.array([1e4, 1e6])), 1, atol=2e-3)
