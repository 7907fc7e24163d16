"""Each result is held against a route that shares no formula with it: (97) minimised, mpmath, sympy's series, grids."""

import math
import time
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrnn_helpers import dynamics, modes, symbolic
from lrnn_helpers import transitions as tr
from lrnn_helpers.transitions._roots import positive_roots, to_float

FOLD = (2 * (math.sqrt(2) - 1)) ** 0.25


def exact_energy(b, beta, T):
    """(102) as it is printed, with whatever numbers are handed in."""
    return beta**2 + 1 / beta**2 - (beta * b ** (T - 1) + 1 / beta) ** 2 / sum(b ** (2 * i) for i in range(T))


def kinds(points):
    return Counter(kind for _, _, kind in points)


def positive(points):
    return [point for point in points if point[0] > 0]


# effective_energy and optimal_u


@pytest.mark.parametrize("T", [2, 3, 4, 7, 30])
def test_effective_energy_is_the_energy_at_its_best_u(T):
    rng = np.random.default_rng(T)
    b = np.concatenate([rng.normal(size=20), [0, 1, -1]])[:, None]
    beta = np.array([0.3, 0.9, 1, 2.5])
    s = dynamics.dirac_delta(beta, 1 / beta, T)
    u = tr.optimal_u(b, beta, T)
    energy = [2 * modes.energy(modes.Modes(u + shift, b, 1.0), s) for shift in (0, 1e-3, -1e-3)]
    assert energy[0].shape == u.shape == (23, 4)
    np.testing.assert_allclose(tr.effective_energy(b, beta, T), energy[0], rtol=1e-13)
    assert (energy[1] > energy[0]).all()
    assert (energy[2] > energy[0]).all()
    v = b[..., None] ** np.arange(T - 1, -1, -1)
    fit = [[np.linalg.lstsq(v[i].T, s[j], rcond=None)[0][0] for j in range(4)] for i in range(23)]
    np.testing.assert_allclose(u, fit, rtol=1e-11, atol=1e-14)


@given(
    b=st.floats(-1e100, 1e100) | st.floats(-2, 2),
    beta=st.floats(1e-3, 1e3),
    T=st.integers(2, 40),
)
@example(b=1e100, beta=0.7, T=40)
@example(b=1.0, beta=3.0, T=5)
@example(b=-1.0, beta=3.0, T=5)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_both_are_right_to_the_last_digits_at_any_b(b, beta, T):
    x, y = Fraction(b), Fraction(beta)
    energy, scale = exact_energy(x, y, T), y**2 + 1 / y**2
    # The conditioning: an ulp of b^(T-1) moves E* by this much where the two residuals nearly cancel.
    np.testing.assert_allclose(tr.effective_energy(b, beta, T), float(energy), rtol=1e-13, atol=1e-29 * float(scale))
    Z = sum(x ** (2 * i) for i in range(T))
    terms = float(y * abs(x) ** (T - 1) / Z + 1 / y / Z)
    u = float((y * x ** (T - 1) + 1 / y) / Z)
    np.testing.assert_allclose(tr.optimal_u(b, beta, T), u, rtol=0, atol=1e-13 * terms + 1e-300)


def test_values_at_special_points():
    beta = np.array([0.4, 1.7])
    for T in (2, 3, 6):
        np.testing.assert_allclose(tr.effective_energy(0, beta, T), beta**2, rtol=1e-15)
        np.testing.assert_allclose(tr.optimal_u(0, beta, T), 1 / beta, rtol=1e-15)
        for b in (1e100, -1e100, np.inf, -np.inf):
            np.testing.assert_allclose(tr.effective_energy(b, beta, T), 1 / beta**2, rtol=1e-15)
            np.testing.assert_allclose(tr.optimal_u(b, beta, T), 0, atol=1e-99)
        np.testing.assert_allclose(
            tr.effective_energy(1, beta, T), beta**2 + 1 / beta**2 - (beta + 1 / beta) ** 2 / T, rtol=1e-14
        )
    np.testing.assert_array_equal(np.isnan(tr.effective_energy([np.nan, 1], 2, 3)), [True, False])
    np.testing.assert_array_equal(np.isnan(tr.optimal_u([np.nan, 1], 2, 3)), [True, False])
    # 1/beta^2 + beta^2 b^-2 + …, the first correction at large b
    assert tr.effective_energy(1e3, 2.0, 5) - 0.25 == pytest.approx(4e-6, rel=1e-5)
    assert isinstance(tr.effective_energy(0.5, 2, 3), float)


@given(b=st.floats(1e-3, 1e3), beta=st.floats(1e-2, 1e2), T=st.integers(2, 20), sign=st.sampled_from([-1, 1]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_duality(b, beta, T, sign):
    here, there = tr.effective_energy(sign * b, beta, T), tr.effective_energy(sign / b, 1 / beta, T)
    assert here == pytest.approx(there, rel=1e-12, abs=1e-26 * (beta**2 + 1 / beta**2))


def test_duality_needs_both_to_be_inverted():
    here = tr.effective_energy(0.7, 1.3, 5)
    assert here == pytest.approx(tr.effective_energy(1 / 0.7, 1 / 1.3, 5), rel=1e-14)
    assert here != pytest.approx(tr.effective_energy(0.7, 1 / 1.3, 5), rel=1e-2)
    assert here != pytest.approx(tr.effective_energy(1 / 0.7, 1.3, 5), rel=1e-2)


# landau_coefficients


@pytest.mark.parametrize("T", [2, 3, 4, 5, 6])
def test_landau_coefficients_are_sympys_series(T):
    b, beta, order = symbolic.b, symbolic.beta, 2 * T + 5
    series = sp.series(exact_energy(b, beta, T), b, 0, order + 1).removeO()
    ours = tr.landau_coefficients(T, order)
    assert list(ours) == list(range(order + 1))
    for power, coefficient in ours.items():
        assert sp.expand(coefficient - series.coeff(b, power)) == 0
    assert tr.landau_coefficients(T, 0) == {0: beta**2}


def test_landau_coefficients_multiply_back_at_high_order():
    T, order, beta = 40, 500, sp.Symbol("beta", positive=True)
    start = time.perf_counter()
    series = tr.landau_coefficients(T, order)
    assert time.perf_counter() - start < 2
    # E* Z has to be the polynomial (beta^2 + 1/beta^2) Z - (beta b^n + 1/beta)^2.
    want = Counter({2 * i: beta**2 + 1 / beta**2 for i in range(T)})
    for power, term in ((0, beta**-2), (T - 1, 2), (2 * T - 2, beta**2)):
        want[power] -= term
    for k in range(order + 1):
        assert sp.expand(sum(series[k - 2 * i] for i in range(T) if k >= 2 * i) - want[k]) == 0


def test_landau_coefficients_of_three_timesteps():
    beta = sp.Symbol("beta", positive=True)
    ours = tr.landau_coefficients(3, 8)
    want = {0: beta**2, 2: 1 / beta**2 - 2, 4: 2 - beta**2, 6: beta**2 - 1 / beta**2, 8: 1 / beta**2 - 2}
    for power in range(9):
        assert sp.expand(ours[power] - want.get(power, 0)) == 0
    critical = {beta: 1 / sp.sqrt(2)}
    assert (ours[2].subs(critical), ours[4].subs(critical)) == (0, sp.Rational(3, 2))


@pytest.mark.parametrize("T", range(4, 12))
def test_the_trivial_branch_is_a_minimum_for_four_timesteps_and_more(T):
    ours = tr.landau_coefficients(T, 2)
    assert ours[1] == 0
    assert ours[2] == 1 / sp.Symbol("beta", positive=True) ** 2


# stationary_points


def slope(b, beta, T):
    """The derivative of (102) by the quotient rule."""
    powers = [b * 0 + 1]
    for _ in range(2 * T - 2):
        powers.append(powers[-1] * b)
    top, Z = beta * powers[T - 1] + 1 / beta, sum(powers[::2])
    dtop, dZ = (T - 1) * beta * powers[T - 2], sum(2 * i * powers[2 * i - 1] for i in range(1, T))
    return top * (top * dZ - 2 * dtop * Z) / Z**2


# Extended precision, since the terms of the slope cancel at large b.
GRID = np.concatenate([-np.logspace(7, -7, 5001), [0], np.logspace(-7, 7, 5001)]).astype(np.longdouble)


@given(
    T=st.integers(2, 12),
    exponent=st.floats(-0.3, 0.3) | st.floats(-0.03, 0.03) | st.floats(-1.5, 1.5),
)
@example(T=4, exponent=math.log10(0.955))
@example(T=4, exponent=0.0)
@example(T=5, exponent=0.0)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_stationary_points_against_a_dense_grid_and_mpmath(T, exponent):
    beta = 10**exponent
    points = tr.stationary_points(beta, T)
    assert (np.diff([b for b, _, _ in points]) > 0).all()
    # The slope of the exact energy has, an ulp or two to either side, the signs that the kind says.
    with mpmath.workdps(60):
        for b, energy, kind in points:
            value = exact_energy(mpmath.mpf(b), mpmath.mpf(beta), T)
            assert abs(value - energy) <= 2e-15 * value + 1e-30 * (beta**2 + 1 / beta**2)
            step = abs(mpmath.mpf(b)) * mpmath.mpf(2) ** -52 if b else mpmath.mpf(10) ** -30
            signs = [mpmath.sign(slope(mpmath.mpf(b) + d, mpmath.mpf(beta), T)) for d in (-step, step)]
            assert signs == {"min": [-1, 1], "max": [1, -1]}[kind]
    # None is missing: a fine grid sees the slope change its sign as often, the same way, in the same places.
    signs = np.sign(slope(GRID, np.longdouble(beta), T))
    left = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    on = np.flatnonzero(signs == 0)
    seen = sorted([(GRID[i], GRID[i + 1], signs[i]) for i in left] + [(GRID[i], GRID[i], signs[i - 1]) for i in on])
    assert len(seen) == len(points)
    for (low, high, before), (b, _, kind) in zip(seen, points, strict=True):
        assert low * (1 - 1e-15 * np.sign(low)) <= b <= high * (1 + 1e-15 * np.sign(high))
        assert kind == ("max" if before > 0 else "min")


@pytest.mark.parametrize("T", [2, 3, 4, 5, 6, 9])
@pytest.mark.parametrize("beta", [0.61, 0.97, 1.04, 1.35, 1.9])
def test_minima_are_those_of_brute_force_minimisation(T, beta):
    b = np.linspace(-6, 6, 12001)
    s = dynamics.dirac_delta(beta, 1 / beta, T)
    # (97) is a parabola in u, so three values of it give its lowest point.
    less, zero, more = (2 * modes.energy(modes.Modes(u, b, 1.0), s) for u in (-1.0, 0.0, 1.0))
    energy = zero - (more - less) ** 2 / (8 * (more + less - 2 * zero))
    low = 1 + np.flatnonzero((energy[1:-1] < energy[:-2]) & (energy[1:-1] <= energy[2:]))
    ours = [point for point in tr.stationary_points(beta, T) if point[2] == "min" and abs(point[0]) < 6]
    assert len(low) == len(ours)
    np.testing.assert_allclose(b[low], [p[0] for p in ours], atol=1e-3)
    np.testing.assert_allclose(energy[low], [p[1] for p in ours], atol=1e-5)


@pytest.mark.parametrize("beta", [0.05, 0.7, 1.0, 1.0 + 2**-40, 3.7, 1e8])
def test_two_timesteps_have_a_zero_loss_minimum_at_beta_squared(beta):
    q = Fraction(beta) ** 2
    assert tr.stationary_points(beta, 2) == [(float(-1 / q), float(q + 1 / q), "max"), (float(q), 0.0, "min")]


@pytest.mark.parametrize("beta", [0.70711, 0.75, 0.9, 1.0, 1.3, 1.4142])
def test_three_timesteps_in_closed_form(beta):
    q = Fraction(beta) ** 2
    b = math.sqrt((2 * q - 1) / (2 - q))
    points = tr.stationary_points(beta, 3)
    assert [kind for _, _, kind in points] == ["min", "max", "min"]
    assert points[0][0] == -points[2][0]
    np.testing.assert_allclose([x for x, _, _ in points], [-b, 0, b], rtol=4e-16)
    np.testing.assert_allclose([e for _, e, _ in points][1:], [float(q), float((4 - q - 1 / q) / 3)], rtol=1e-15)
    assert tr.optimal_u(b, beta, 3) == pytest.approx(float(2 * (2 - q) / (3 * Fraction(beta))), rel=1e-13)


def test_three_timesteps_outside_the_range_of_the_minimum():
    assert tr.stationary_points(0.70710, 3) == [(0.0, 0.70710**2, "min")]
    assert tr.stationary_points(1.41422, 3) == [(0.0, 1.41422**2, "max")]


def test_a_float_next_to_a_critical_beta_is_on_one_side_of_it():
    below, above = 0.7071067811865475, 0.7071067811865476
    assert Fraction(below) ** 2 < Fraction(1, 2) < Fraction(above) ** 2
    assert math.nextafter(below, 1) == above
    assert [kind for _, _, kind in tr.stationary_points(below, 3)] == ["min"]
    points = tr.stationary_points(above, 3)
    assert [kind for _, _, kind in points] == ["min", "max", "min"]
    assert points[2][0] == pytest.approx(
        math.sqrt((2 * Fraction(above) ** 2 - 1) / (2 - Fraction(above) ** 2)), rel=1e-15
    )
    assert len(tr.stationary_points(math.nextafter(math.sqrt(2), 0), 3)) == 3
    assert len(tr.stationary_points(math.nextafter(math.sqrt(2), 2), 3)) == 1


def test_four_timesteps_have_a_minimum_between_the_folds_only():
    q2 = 2 * (sp.sqrt(2) - 1)
    below = FOLD
    while sp.Rational(Fraction(below) ** 4) > q2:
        below = math.nextafter(below, 0)
    while sp.Rational(Fraction(math.nextafter(below, 2)) ** 4) < q2:
        below = math.nextafter(below, 2)
    above = math.nextafter(below, 2)
    # The two floats between which the fold lies: to the last bit.
    assert kinds(positive(tr.stationary_points(below, 4))) == {"max": 1}
    assert kinds(positive(tr.stationary_points(above, 4))) == {"max": 2, "min": 1}
    for beta, count in ((FOLD - 1e-6, 1), (FOLD + 1e-6, 3), (1, 3), (1 / FOLD - 1e-6, 3), (1 / FOLD + 1e-6, 1)):
        assert len(positive(tr.stationary_points(beta, 4))) == count


def test_four_timesteps_tie_three_ways_at_beta_one():
    points = tr.stationary_points(1, 4)
    assert [(b, e) for b, e, kind in points if kind == "min"] == [(0.0, 1.0), (1.0, 1.0)]
    assert tr.effective_energy(np.inf, 1, 4) == 1
    for beta, order in ((0.99, [0, 1, 2]), (1.01, [2, 1, 0])):
        minima = [e for b, e, kind in tr.stationary_points(beta, 4) if kind == "min"] + [1 / beta**2]
        assert list(np.argsort(minima)) == order


@pytest.mark.parametrize("T", [*range(5, 31), 40, 50, 60])
def test_five_timesteps_and_more_have_one_barrier_and_no_other_minimum_than_zero(T):
    for beta in (0.2, 0.9541, 1.0, 1.0743, 6.0) if T < 13 else (0.97, 1.0, 1.05):
        points = tr.stationary_points(beta, T)
        assert kinds(positive(points)) == {"max": 1}
        assert [p for p in points if p[2] == "min"] == [(0.0, beta * beta, "min")]
        assert kinds([p for p in points if p[0] < 0]) == {"max": 1}
        barrier = positive(points)[0]
        assert barrier[1] > max(beta**2, 1 / beta**2)
        assert tr.stationary_beta(barrier[0], T) == pytest.approx(beta, rel=1e-13)
        if T % 2 == 0:
            assert points[0][1] == pytest.approx(beta**2 + 1 / beta**2, rel=1e-15)
            assert points[0][0] == pytest.approx(-(beta ** (-2 / (T - 1))), rel=1e-14)
    assert positive(tr.stationary_points(1.0, T))[0][0] == 1


@pytest.mark.parametrize("T", [3, 4, 5, 8, 21])
def test_stationary_points_are_dual(T):
    for beta in (0.72, 0.96, 1.3):
        points = tr.stationary_points(beta, T)
        dual = tr.stationary_points(1 / beta, T)
        mirrored = sorted((1 / b, e, kind) for b, e, kind in points if b)
        rest = [p for p in dual if p[0]]
        assert [kind for _, _, kind in mirrored] == [kind for _, _, kind in rest]
        np.testing.assert_allclose([p[:2] for p in mirrored], [p[:2] for p in rest], rtol=1e-13)
        assert all(0 in [b for b, _, _ in found] for found in (points, dual))


def test_stationary_points_are_quick_and_survive_extreme_beta():
    for T in (50, 60):
        for beta in (0.123456789, 0.99, 1.0000001, 37.1):
            start = time.process_time()
            assert len(tr.stationary_points(beta, T)) == 3
            assert time.process_time() - start < 1
    for T in (2, 3, 4, 5, 60):
        for beta in (1e-100, 1e-20, 1e20, 1e100):
            start = time.process_time()
            points = tr.stationary_points(beta, T)
            assert time.process_time() - start < 1
            assert np.isfinite([p[:2] for p in points]).all()
            assert len(points) == {2: 2, 3: 1}.get(T, 3)
    # Beyond the floats a point is at infinity, with the energy's limit.
    assert positive(tr.stationary_points(1e-160, 4)) == [(math.inf, math.inf, "max")]
    # At small beta the barrier is at b^(T-3) = n / beta^2.
    assert positive(tr.stationary_points(1e-20, 4))[0][0] == pytest.approx(3e40, rel=1e-15)


# positive_roots, what the above rests on


def test_positive_roots_counts_refines_and_tells_how_the_sign_turns():
    x = sp.Symbol("x")
    p = sp.Poly(-(x**2) * (x + 3) * (x - 1) * (3 * x - 1) ** 3 * (x**2 - 2) ** 2 * (x**2 + 1) * (5 * x - 13), x)
    found = positive_roots([int(c) for c in p.all_coeffs()[::-1]])
    want = [Fraction(1, 3), 1, math.sqrt(2), Fraction(13, 5)]
    np.testing.assert_allclose([to_float(r) for r, _ in found], [float(w) for w in want], rtol=2e-16)
    around = [0.1, 0.5, 1.2, 2, 3]
    signs = [int(np.sign(float(p.eval(sp.Rational(v).limit_denominator(10))))) for v in around]
    assert [turn for _, turn in found] == [(b - a) // 2 for a, b in pairwise(signs)]
    assert abs(found[2][0] ** 2 - 2) < Fraction(1, 2**58)
    assert positive_roots([7]) == []
    assert positive_roots([1, 0, 1]) == []
    assert positive_roots([0, 0, 5]) == []


def test_to_float_goes_to_infinity_beyond_the_floats():
    assert (to_float(Fraction(1, 3)), to_float(Fraction(10) ** 400), to_float(-(Fraction(10) ** 400))) == (
        1 / 3,
        math.inf,
        -math.inf,
    )


# stationary_beta and folds


@pytest.mark.filterwarnings("error")
def test_what_leaves_the_range_of_floats_is_0_or_infinity_without_a_warning():
    assert (tr.stationary_beta(1e-200, 7), tr.stationary_beta(1e200, 7)) == (np.inf, 0)


@given(b=st.floats(1e-2, 1e2), T=st.integers(2, 15))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_stationary_beta_makes_the_slope_vanish(b, T):
    beta = tr.stationary_beta(b, T)
    x = mpmath.mpf(b)
    with mpmath.workdps(50):
        signs = [mpmath.sign(slope(x, mpmath.mpf(float(beta)) * (1 + d), T)) for d in (-mpmath.mpf(1e-13), 1e-13)]
    assert signs == [1, -1]
    assert tr.stationary_beta([b, 1 / b], T) == pytest.approx([beta, 1 / beta], rel=1e-13)


def test_folds_are_only_those_of_four_timesteps():
    (low, beta_low), (high, beta_high) = tr.folds(4)
    assert (beta_low, beta_high) == (pytest.approx(FOLD, rel=1e-15), pytest.approx(1 / FOLD, rel=1e-15))
    assert pytest.approx(0.9540, abs=5e-5) == FOLD
    assert low * high == pytest.approx(1, rel=1e-15)
    # x + 1/x = 2 sqrt(2) there
    assert low**2 + high**2 == pytest.approx(2 * math.sqrt(2), rel=1e-14)
    for T in (2, 3, *range(5, 61)):
        assert tr.folds(T) == []


@pytest.mark.parametrize("T", range(5, 61))
def test_no_fold_by_a_certificate_of_its_own(T):
    """The slope of log g is a palindrome in x = b^2; in z = x + 1/x - 2 >= 0 no coefficient is positive."""
    n = T - 1
    P = np.array([Fraction(i) for i in range(1, n + 1)], dtype=object)
    Q = P[::-1]
    k = np.arange(n)
    twice = np.convolve(2 * k * P, Q) - np.convolve(P, 2 * k * Q) - (n - 2) * np.convolve(P, Q)
    assert (twice == twice[::-1]).all()
    # x^k + x^-k in powers of z, by the recurrence of Chebyshev's polynomials
    one, last = np.array([2] + [0] * n, dtype=object), np.array([2, 1] + [0] * (n - 1), dtype=object)
    total = np.array([twice[n - 1]] + [0] * n, dtype=object)
    for j in range(1, n):
        total = total + twice[n - 1 + j] * last
        one, last = last, 2 * last + np.concatenate([[0], last[:-1]]) - one
    assert (total <= 0).all()
    assert (total[1:n] < 0).all()
    assert (total[0] == 0) == (T == 5)


# minimum


@pytest.mark.parametrize("T", [2, 3, 4, 5, 8, 12])
def test_minimum_is_the_least_of_all_stationary_points_and_infinity(T):
    beta = np.array([0.3, 0.7, 0.72, 0.95, 0.99, 1.01, 1.2, 1.41, 1.42, 3.0])
    b, energy = tr.minimum(beta, T)
    assert b.shape == energy.shape == (10,)
    for i in range(10):
        options = [(e, x) for x, e, kind in tr.stationary_points(beta[i], T) if kind == "min" and x >= 0]
        best = min([*options, (1 / beta[i] ** 2, math.inf)])
        assert energy[i] == pytest.approx(best[0], rel=1e-13)
        assert b[i] == pytest.approx(best[1], rel=1e-13)
    grid = np.concatenate([-np.logspace(3, -3, 500), [0], np.logspace(-3, 3, 500)])[:, None]
    assert (tr.effective_energy(grid, beta, T) >= energy * (1 - 1e-13)).all()
    alone = tr.minimum(0.72, T)
    assert alone == (b[2], energy[2])


def test_minimum_switches_at_exactly_one():
    for T in (4, 5, 20):
        assert [float(x) for x in tr.minimum([math.nextafter(1, 0), 1.0, math.nextafter(1, 2)], T)[0]] == [
            0,
            0,
            math.inf,
        ]


# apparent_transition


@pytest.mark.parametrize("T", [3, 4, 5, 6, 7, 8, 25])
@pytest.mark.parametrize("b_max", [0.4, 0.999, 1.0, 1.3, 1.943, 2.0, 5.0])
def test_apparent_transition_is_where_a_search_first_reaches_the_trivial_energy(T, b_max):
    b = b_max * np.concatenate([np.logspace(-3, -1, 50), np.linspace(0.1, 1, 901)])
    power, Z = b ** (T - 1), sum(b ** (2 * i) for i in range(T))
    low, high = 0.3, 1e6
    while high / low > 1 + 1e-10:
        beta = math.sqrt(low * high)
        # E* <= beta^2, with the part that both have left out
        if (1 / beta**2 <= (beta * power + 1 / beta) ** 2 / Z * (1 + 1e-15)).any():
            high = beta
        else:
            low = beta
    # Where the infimum lies inside the range, T = 3 and 4, the grid only comes near it.
    found = tr.apparent_transition(T, b_max)
    assert found == pytest.approx(high, rel=3e-5 if T < 5 else 1e-9)
    assert found <= high * (1 + 1e-9)


def test_apparent_transition_where_the_audit_has_numbers():
    for X in (0.1, 1, 2, 100, np.inf):
        assert tr.apparent_transition(2, X) == 0
        assert tr.apparent_transition(3, X) == pytest.approx(1 / math.sqrt(2), rel=1e-15)
    for X in (1, 1.5, 2, 100, np.inf):
        assert tr.apparent_transition(4, X) == pytest.approx(1, rel=1e-15)
    assert tr.apparent_transition(4, 0.99) > 1
    assert tr.apparent_transition(60, 2) == pytest.approx((4 / 3) ** 0.25, rel=1e-12)
    assert tr.apparent_transition(60, 2) == pytest.approx(1.0746, abs=5e-5)
    assert tr.apparent_transition(60, 1.943) == pytest.approx(1.0800, abs=5e-5)
    for T in range(5, 20):
        X = np.array([0.3, 0.9, 1.0, 1.1, 2.0, 7.0])
        D = sum(X ** (2 * i) for i in range(T))
        np.testing.assert_allclose(tr.apparent_transition(T, X), np.sqrt((np.sqrt(D) - 1) / X ** (T - 1)), rtol=1e-9)
        assert (np.diff(tr.apparent_transition(T, np.logspace(-1, 3, 60))) < 0).all()
    for T in (5, 9, 60):
        assert tr.apparent_transition(T, np.inf) == 1
        assert tr.apparent_transition(T, 1e8) == pytest.approx(1, abs=1e-14)
    assert tr.apparent_transition(5, 1e-10) == pytest.approx(1e10**1 * math.sqrt(0.5), rel=1e-12)
    assert isinstance(tr.apparent_transition(5, 2.0), float)


@pytest.mark.parametrize("T", range(3, 61))
def test_the_bound_falls_with_b_where_the_notes_say(T):
    n, x = T - 1, sp.Symbol("x")
    Q, Z = sp.Poly(range(1, n + 1), x), sp.Poly([1] * (n + 1), x)
    difference = Q**2 - n**2 * Z
    bound = (sp.sqrt(Z.as_expr()) - 1) / sp.sqrt(x) ** n
    at = sp.Rational(7, 5)
    assert sp.sign(difference.eval(at)) == -sp.sign(sp.diff(bound, x).subs(x, at).evalf(30))
    if T >= 8:
        assert all(c >= 0 for c in difference.all_coeffs())
    elif T >= 5:
        assert difference.count_roots(0) == 1  # x = 0 itself
        assert difference.eval(1) > 0
    elif T == 3:
        assert difference == sp.Poly(-3 * x**2, x)
    else:
        assert difference == sp.Poly(x * (x - 1) * (x**2 - 4 * x - 3), x)


# errors


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "T must be an integer >= 2, got 1", lambda: tr.effective_energy(0, 1, 1)),
        (ValueError, "T must be an integer >= 2, got 1", lambda: tr.optimal_u(0, 1, 1)),
        (ValueError, "T must be an integer >= 2, got 1", lambda: tr.landau_coefficients(1, 2)),
        (ValueError, "T must be an integer >= 2, got 1", lambda: tr.stationary_points(1, 1)),
        (ValueError, "T must be an integer >= 2, got 0", lambda: tr.stationary_beta(1, 0)),
        (ValueError, "T must be an integer >= 2, got 0", lambda: tr.folds(0)),
        (ValueError, "T must be an integer >= 2, got 1", lambda: tr.minimum(1, 1)),
        (ValueError, "T must be an integer >= 2, got 1", lambda: tr.apparent_transition(1, 2)),
        (TypeError, "T must be an integer", lambda: tr.stationary_points(1, 3.0)),
        (ValueError, "order must be an integer >= 0, got -1", lambda: tr.landau_coefficients(3, -1)),
        (TypeError, "order must be an integer", lambda: tr.landau_coefficients(3, 2.5)),
        (ValueError, "beta must be > 0, got 0.0", lambda: tr.effective_energy(0, 0, 3)),
        (ValueError, "beta must be > 0, got -1.0", lambda: tr.optimal_u(0, [1, -1], 3)),
        (ValueError, "beta must be > 0, got -1.0", lambda: tr.stationary_points(-1, 3)),
        (ValueError, "beta must be > 0", lambda: tr.minimum(0, 3)),
        (ValueError, "beta must be finite", lambda: tr.stationary_points(math.inf, 3)),
        (ValueError, "beta must be finite", lambda: tr.effective_energy(0, math.nan, 3)),
        (ValueError, r"beta must be one number, got shape \(2,\)", lambda: tr.stationary_points([1, 2], 3)),
        (TypeError, "beta must be real", lambda: tr.stationary_points(1j, 3)),
        (TypeError, "b must be real", lambda: tr.effective_energy(1j, 1, 3)),
        (ValueError, "leading axes must broadcast, got b", lambda: tr.effective_energy([1, 2], [1, 2, 3], 3)),
        (ValueError, "b must be > 0, got 0.0", lambda: tr.stationary_beta(0, 3)),
        (ValueError, "b_max must be > 0, got 0.0", lambda: tr.apparent_transition(3, 0)),
        (ValueError, "b_max must be > 0, got -2.0", lambda: tr.apparent_transition(3, [1, -2])),
        (ValueError, "b_max must be > 0, got nan", lambda: tr.apparent_transition(3, math.nan)),
        (TypeError, "b_max must be real", lambda: tr.apparent_transition(3, 1j)),
    ],
)
def test_errors_name_the_argument_the_rule_and_what_came(error, message, call):
    with pytest.raises(error, match=message):
        call()


def test_symbol_is_the_books_beta():
    assert tr.landau_coefficients(3, 2)[2].free_symbols == {symbolic.beta}
