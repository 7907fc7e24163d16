from fractions import Fraction
from itertools import product
from math import factorial, prod

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lrnn_helpers import _lags, dynamics, modes, solutions, symbolic
from lrnn_helpers.modes import Modes
from lrnn_helpers.solutions import _passage

SEEDS = st.integers(0, 2**32 - 1)
OUTPUTS = ("last", "all")


def data(rng, T, outputs="last", scale=1.0):
    shape = (T,) if outputs == "last" else (T, T)
    s = scale * rng.standard_normal(shape)
    return s if outputs == "last" else np.tril(s)


def lags(s, outputs="last"):
    """Sums and numbers of the data at each lag, entry by entry."""
    T = len(s)
    if outputs == "last":
        return [s[T - 1 - k] for k in range(T)], [1] * T
    return [sum(s[t, t - k] for t in range(k, T)) for k in range(T)], [T - k for k in range(T)]


def level(b, s, outputs="last"):
    d, n = lags(s, outputs)
    return sum(d[k] * b**k for k in range(len(d))), sum(n[k] * b ** (2 * k) for k in range(len(d)))


def drift(u, s, outputs="last"):
    """Coefficients of d(-tau E)/db, the constant first."""
    d, n = lags(s, outputs)
    p = [0 * u] * max(2 * len(d) - 2, 1)
    for k in range(1, len(d)):
        p[k - 1] += u * k * d[k]
        p[2 * k - 1] -= u * u * k * n[k]
    return p


def tight(rates, start, t):
    """The solution at t, to about 1e-12."""
    if t == 0:
        return np.asarray(start)
    out = solve_ivp(lambda _, y: rates(y), (0, t), start, "DOP853", rtol=1e-13, atol=1e-30)
    assert out.success
    return out.y[:, -1]


def evaluate(p, x):
    return sum(c * x**m for m, c in enumerate(p))


# The input-output mode


@given(T=st.integers(1, 12), outputs=st.sampled_from(OUTPUTS), sign=st.sampled_from([-1, 0, 1]), seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_input_output_mode_follows_the_ode(T, outputs, sign, seed):
    rng = np.random.default_rng(seed)
    s, b, tau, u0 = data(rng, T, outputs), rng.uniform(-1.5, 1.5), 10 ** rng.uniform(-2, 2), 10 ** rng.uniform(-4, 1)
    if sign:
        s = sign * np.abs(s)
    S, B = level(b, s, outputs)
    t = tau * rng.uniform(0, 20) / (1e-3 + 2 * abs(S) + 2 * B * u0)
    expected = tight(lambda u: 2 * u * (S - u * B) / tau, [u0], t)[0]
    got = solutions.input_output_mode(t, u0, b, s, tau, outputs=outputs)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@given(
    T=st.integers(1, 12),
    outputs=st.sampled_from(OUTPUTS),
    kind=st.sampled_from(["any", "a = c", "a = -c", "a = 0", "c = 0", "near a = c", "near a = -c"]),
    seed=SEEDS,
)
@settings(max_examples=80, deadline=None)
def test_unbalanced_mode_follows_the_ode(T, outputs, kind, seed):
    rng = np.random.default_rng(seed)
    s, b, tau = data(rng, T, outputs), rng.uniform(-1.5, 1.5), 10 ** rng.uniform(-2, 2)
    a0, c0 = rng.standard_normal(2) * 10 ** rng.uniform(-2, 0.5, size=2)
    near = 1 + 1e-9 * rng.standard_normal()
    a0, c0 = {
        "any": (a0, c0),
        "a = c": (a0, a0),
        "a = -c": (a0, -a0),
        "a = 0": (0.0, c0),
        "c = 0": (a0, 0.0),
        "near a = c": (a0, a0 * near),
        "near a = -c": (a0, -a0 * near),
    }[kind]
    S, B = level(b, s, outputs)
    t = tau * rng.uniform(0, 8) / (1e-3 + 2 * abs(S) + B * (a0**2 + c0**2))

    def rates(y):
        gain = (S - y[0] * y[1] * B) / tau
        return np.array([y[1], y[0]]) * gain

    a, c = tight(rates, [a0, c0], t)
    got = solutions.input_output_mode_unbalanced(t, a0, c0, b, s, tau, outputs=outputs)
    # A zero of u is crossed with an error that belongs to the size of the larger mode.
    np.testing.assert_allclose(got, a * c, rtol=1e-9, atol=1e-12 * (a**2 + c**2) * (kind == "any"))


def test_both_forms_are_the_flow_of_the_modes_with_b_frozen():
    rng = np.random.default_rng(0)
    for T, outputs in product((1, 2, 5), OUTPUTS):
        s, b, tau = data(rng, T, outputs), 0.8, 1.7
        for a0, c0 in ((0.3, 0.3), (0.3, -0.9)):

            def rates(y, s=s, b=b, tau=tau, outputs=outputs):
                velocity = modes.velocity(Modes(y[0], b, y[1]), s, tau, outputs=outputs)
                return np.array([velocity.a, velocity.c])

            a, c = tight(rates, [a0, c0], 0.6)
            got = solutions.input_output_mode_unbalanced(0.6, a0, c0, b, s, tau, outputs=outputs)
            np.testing.assert_allclose(got, a * c, rtol=1e-11)
            if a0 == c0:
                got = solutions.input_output_mode(0.6, a0 * c0, b, s, tau, outputs=outputs)
                np.testing.assert_allclose(got, a * c, rtol=1e-11)


def literal_47(t, u0, b, s, tau):
    """Equation (47) as printed, in 700 digits and more."""
    with mp.workdps(700):
        t, u0, b, tau = (mp.mpf(float(x)) for x in (t, u0, b, tau))
        S, B = level(b, [mp.mpf(float(x)) for x in s])
        if S == 0:
            return u0 / (1 + 2 * B * u0 * t / tau)
        mp.mp.dps += int(abs(2 * S * t / tau))
        grow = mp.exp(2 * t * S / tau)
        return grow * S / (S / u0 - B + grow * B)


@pytest.mark.parametrize("b", [0.0, 0.5, -0.5, 1.0, -1.0, 1.4])
@pytest.mark.parametrize("s", [[2.0], [1.0, -0.5, 0.7], [-1.0, -2.0], [1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])
def test_input_output_mode_neither_overflows_nor_loses_digits(s, b):
    s = np.array(s)
    for t, u0, tau in product((0, 1e-12, 1e-3, 1.0, 30.0, 300.0), (1e-12, 0.1, 3.0), (0.5, 4.0)):
        got = solutions.input_output_mode(t, u0, b, s, tau)
        np.testing.assert_allclose(got, float(literal_47(t, u0, b, s, tau)), rtol=3e-12)


@pytest.mark.parametrize("tilt", [0.0, 1e-300, 1e-17, -1e-17, 1e-12, -1e-12, 1e-9, -1e-9, 1e-7])
def test_input_output_mode_is_smooth_at_S_zero(tilt):
    # s = (tilt - 1, 1) at b = 1 up to rounding of tilt - 1; b = 0 makes S exactly tilt
    s = np.array([-1.0, tilt])
    for t in (0.0, 0.3, 7.0, 1e6):
        got = solutions.input_output_mode(t, 0.4, 0.0, s)
        np.testing.assert_allclose(got, float(literal_47(t, 0.4, 0.0, s, 1.0)), rtol=1e-13)


def test_the_limits_of_the_input_output_mode():
    s = np.array([1.0, 2.0, 0.5])
    S, B = level(0.7, s)
    assert solutions.input_output_mode(1e9, 1e-9, 0.7, s) == pytest.approx(S / B, abs=0, rel=1e-15)
    assert solutions.input_output_mode(1e300, 1e-300, 0.7, s) == pytest.approx(S / B, abs=0, rel=1e-15)
    assert solutions.input_output_mode(1e9, 1.0, 0.7, -s) == 0
    assert solutions.input_output_mode(0.0, 0.3, 0.7, s) == 0.3
    # at T = 1 the recurrent mode is nowhere
    one_step = solutions.input_output_mode(0.4, 0.2, [0.0, 0.5, -9.0], [1.3])
    np.testing.assert_array_equal(one_step, one_step[0])
    assert one_step[0] == pytest.approx(float(literal_47(0.4, 0.2, 0.5, [1.3], 1.0)), abs=0, rel=1e-15)


def test_unbalanced_form_goes_to_the_balanced_one_smoothly():
    s, b, t = np.array([1.0, -0.4, 0.9]), 0.8, np.array([0.1, 1.0, 5.0, 300.0])
    balanced = solutions.input_output_mode(t, 0.09, b, s)
    np.testing.assert_allclose(solutions.input_output_mode_unbalanced(t, 0.3, 0.3, b, s), balanced, rtol=1e-13)
    np.testing.assert_allclose(solutions.input_output_mode_unbalanced(t, -0.3, -0.3, b, s), balanced, rtol=1e-13)
    errors = [
        solutions.input_output_mode_unbalanced(1.0, 0.3 * (1 + h), 0.3 / (1 + h), b, s) / balanced[1] - 1
        for h in (1e-2, 1e-3, 1e-4)
    ]
    # u0 is the same, v^2 is of second order
    np.testing.assert_allclose(np.diff(np.log10(np.abs(errors))), -2, atol=0.01)


def test_unbalanced_form_in_terms_of_v_and_theta():
    a0, c0, b, s, t, tau = 0.9, -0.2, 0.6, np.array([0.5, 1.0]), 0.7, 1.3
    S, B = level(b, s)
    v, u0 = abs(a0**2 - c0**2), a0 * c0
    omega = np.sqrt(B**2 * v**2 + 4 * S**2)
    theta, p0 = np.tanh(omega * t / (2 * tau)), np.tanh(np.arcsinh(2 * u0 / v) / 2)
    p = (p0 * omega + (2 * S - B * v * p0) * theta) / (omega + (2 * S * p0 + B * v) * theta)
    got = solutions.input_output_mode_unbalanced(t, a0, c0, b, s, tau)
    np.testing.assert_allclose(got, v * p / (1 - p**2), rtol=1e-13)


def test_unbalanced_form_at_extreme_times_and_its_zeros():
    s = np.array([1.0, 2.0])
    S, B = level(0.5, s)
    for a0, c0 in ((0.3, -0.9), (0.0, 1e-5), (1e-8, 0.0), (2.0, 2.0)):
        assert solutions.input_output_mode_unbalanced(1e6, a0, c0, 0.5, s) == pytest.approx(S / B, abs=0, rel=1e-14)
        assert solutions.input_output_mode_unbalanced(0, a0, c0, 0.5, s) == pytest.approx(a0 * c0, abs=0, rel=1e-15)
    # a = -c stays so: both go to zero
    assert solutions.input_output_mode_unbalanced(1e6, 0.3, -0.3, 0.5, s) == 0
    assert solutions.input_output_mode_unbalanced(1e6, 0.3, 0.3, 0.5, -s) == 0
    assert solutions.input_output_mode_unbalanced(3.0, 0.0, 0.0, 0.5, s) == 0
    # with b = 0, s_T = 0 and a = 0, nothing moves
    assert solutions.input_output_mode_unbalanced(3.0, 0.0, 0.7, 0.0, [1.0, 0.0]) == 0


def test_unbalanced_form_keeps_the_digits_of_small_products():
    b, s = 0.5, np.array([1.0, 2.0])
    S, B = level(b, s)
    # c0 is lost in a0 + c0 and in a0 - c0: to first order in t, u = a0 c0 + t (a0^2 + c0^2) (S - a0 c0 B)
    for a0, c0, t in ((1.0, 1e-12, 1e-14), (1e-13, -2.0, 1e-15), (-1.0, 1e-20, 1e-22)):
        first = a0 * c0 + t * (a0**2 + c0**2) * (S - a0 * c0 * B)
        assert solutions.input_output_mode_unbalanced(t, a0, c0, b, s) == pytest.approx(first, abs=0, rel=1e-9)
    # a = c and a = -c fall to nothing, by exp(-2 S t), and are the difference of nothing on the way
    for a0, c0, sign in ((0.3, 0.3, -1), (0.3, -0.3, 1)):
        t, u0 = np.array([1.0, 10.0, 100.0]), a0 * c0
        closed = u0 * np.exp(-2 * S * t) / (1 + abs(u0) * B * -np.expm1(-2 * S * t) / S)
        np.testing.assert_allclose(solutions.input_output_mode_unbalanced(t, a0, c0, b, sign * s), closed, rtol=1e-12)


def test_unbalanced_form_without_any_drive():
    # S = 0, and |a| = |c| leaves no rate at all: u0 / (1 + 2 B |u0| t), B = 1
    for sign in (1, -1):
        t = np.array([0.0, 0.4, 3.0, 1e9])
        got = solutions.input_output_mode_unbalanced(t, 0.7, sign * 0.7, 0.0, [5.0, 0.0])
        np.testing.assert_allclose(got, sign * 0.49 / (1 + 0.98 * t), rtol=1e-14)


def test_going_back_in_time():
    s, b = np.array([1.0, 2.0]), 0.5
    later = solutions.input_output_mode(0.8, 0.3, b, s)
    assert solutions.input_output_mode(-0.8, later, b, s) == pytest.approx(0.3, abs=0, rel=1e-13)
    a0, c0 = 0.4, -0.7
    y = tight(lambda y: np.array([y[1], y[0]]) * (level(b, s)[0] - y[0] * y[1] * level(b, s)[1]), [a0, c0], 0.5)
    assert solutions.input_output_mode_unbalanced(-0.5, *y, b, s) == pytest.approx(a0 * c0, abs=0, rel=1e-10)
    # u > S / B came down from infinity at a time before 0: -1/2S log(u0 B / (u0 B - S))
    S, B = level(b, s)
    birth = -np.log(5 * B / (5 * B - S)) / (2 * S)
    for form, start in ((solutions.input_output_mode, (5.0,)), (solutions.input_output_mode_unbalanced, 2 * (5**0.5,))):
        assert form(birth * 0.99, *start, b, s) > 100
        assert np.isnan(form(birth * 1.01, *start, b, s))


@pytest.mark.parametrize("u0", [0.0, -0.1, [0.2, -1.0]])
def test_input_output_mode_needs_a_positive_start_and_says_where_to_go(u0):
    with pytest.raises(ValueError, match=r"u0 must be > 0.*got (0\.0|-0\.1|-1\.0).*input_output_mode_unbalanced"):
        solutions.input_output_mode(1.0, u0, 0.5, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"u0 must be > 0.*input_output_mode_unbalanced"):
        solutions.learning_time(0.5, u0, 0.5, [1.0, 2.0])


# The input-output mode of complex modes


def complex_data(rng, T, outputs="last"):
    return data(rng, T, outputs) + 1j * data(rng, T, outputs)


def complex_rates(b, s, tau, outputs, inputs=None):
    """Those of the conjugate forms (182) and (184), b standing still."""

    def rates(y):
        velocity = modes.velocity(Modes(y[0], b, y[1]), s, tau, outputs=outputs, inputs=inputs)
        return np.array([velocity.a, velocity.c])

    return rates


@given(
    T=st.integers(1, 8),
    outputs=st.sampled_from(OUTPUTS),
    kind=st.sampled_from(["any", "|a| = |c|", "a = 0", "u0 against S", "no data", "white no more"]),
    seed=SEEDS,
)
@settings(max_examples=60, deadline=None)
def test_complex_modes_follow_the_ode(T, outputs, kind, seed):
    rng = np.random.default_rng(seed)
    s, tau = complex_data(rng, T, outputs), 10 ** rng.uniform(-2, 2)
    b, a0, c0 = (rng.standard_normal(3) + 1j * rng.standard_normal(3)) * 10 ** rng.uniform(-1, 0.2, size=3)
    C = rng.standard_normal((T, 2 * T)) + 1j * rng.standard_normal((T, 2 * T))
    C = C @ C.conj().T / T if kind == "white no more" else None
    s = 0 * s if kind == "no data" else s
    S, B = _lags.level(*_lags.sums(s, outputs, C), np.array(b))
    if kind in ("|a| = |c|", "u0 against S"):
        c0 *= abs(a0) / abs(c0)
    if kind == "u0 against S":
        # Towards the saddle at u = 0: a deviation of 1e-16 grows, so that time is short.
        c0 = -np.conj(a0) * S / abs(S)
    a0 = 0.0 if kind == "a = 0" else a0
    t = tau * rng.uniform(0, 4) / (1e-3 + 2 * abs(S) + B * (abs(a0) ** 2 + abs(c0) ** 2))
    a, c = tight(complex_rates(b, s, tau, outputs, C), np.array([a0, c0], dtype=complex), t)
    got = solutions.input_output_mode_unbalanced(t, a0, c0, b, s, tau, outputs=outputs, inputs=C)
    size = max(abs(a0 * c0), abs(a * c))
    np.testing.assert_allclose(got, a * c, rtol=1e-9, atol=1e-12 * size + 1e-12 * (abs(a) + abs(c)) ** 2 * (a0 == 0))
    if kind in ("|a| = |c|", "u0 against S"):
        got = solutions.input_output_mode(t, a0 * c0, b, s, tau, outputs=outputs, inputs=C)
        np.testing.assert_allclose(got, a * c, rtol=1e-9)


def test_complex_forms_of_real_numbers_are_the_real_forms():
    rng = np.random.default_rng(1)
    s, b, t = rng.standard_normal((40, 5)), rng.uniform(-1.2, 1.2, 40), np.linspace(0, 30, 13)[:, None]
    a, c = rng.standard_normal((2, 40))
    u0 = 10 ** rng.uniform(-6, 0.5, 40)
    for times in (t, -1e-3 * t):
        real, turned = (solutions.input_output_mode(times, u0, b + z, s) for z in (0, 0j))
        assert turned.dtype == np.complex128
        np.testing.assert_allclose(turned, real, rtol=1e-12)  # u0 decays by 100 orders, and none of them is lost
        real, turned = (solutions.input_output_mode_unbalanced(times, a, c, b + z, s) for z in (0, 0j))
        np.testing.assert_array_equal(np.isnan(turned), np.isnan(real))
        np.testing.assert_allclose(turned, real, rtol=1e-11, atol=1e-14 * np.abs(a * c).max())


def test_complex_mode_goes_straight_to_its_end():
    rng = np.random.default_rng(2)
    s, b = complex_data(rng, 4), 0.4 - 0.6j
    a0, c0 = 0.3 + 0.2j, -0.7 + 0.1j
    S, B = _lags.level(*_lags.sums(s, "last"), np.array(b))
    t = np.linspace(-0.05, 40, 200)
    for u, u0 in (
        (solutions.input_output_mode(t, 0.2j, b, s), 0.2j),
        (solutions.input_output_mode_unbalanced(t, a0, c0, b, s), a0 * c0),
    ):
        share = (u - u0) / (S / B - u0)
        assert np.abs(share.imag).max() < 1e-13
        assert (np.diff(share.real) >= -1e-15).all() and share.real[0] < 0
        assert share[-1] == pytest.approx(1, abs=1e-13)


def test_complex_forms_agree_where_both_hold_and_turn_with_the_task():
    rng = np.random.default_rng(3)
    s, b, turn = complex_data(rng, 4), 0.5 + 0.3j, np.exp(0.9j)
    t, a0, c0 = np.linspace(0, 3, 7), 0.1 + 0.2j, 0.2 - 0.1j
    balanced = solutions.input_output_mode(t, a0 * c0, b, s)
    np.testing.assert_allclose(solutions.input_output_mode_unbalanced(t, a0, c0, b, s), balanced, rtol=1e-12)
    turned = solutions.input_output_mode(t, a0 * c0 * turn, b, s * turn)
    np.testing.assert_allclose(turned, balanced * turn, rtol=1e-12)
    both = s * turn ** np.arange(3, -1, -1)
    np.testing.assert_allclose(solutions.input_output_mode(t, a0 * c0, b * turn, both), balanced, rtol=1e-12)


def test_complex_mode_at_extreme_times_without_drive_and_against_it():
    s, b = np.array([0.3 + 0.1j, 1.0 - 0.5j]), 0.4j
    S, B = _lags.level(*_lags.sums(s, "last"), np.array(b))
    for t in (1e3, 1e300):
        np.testing.assert_allclose(solutions.input_output_mode(t, 1e-9j, b, s), S / B, rtol=1e-13)
        np.testing.assert_allclose(solutions.input_output_mode_unbalanced(t, 1e-9j, 0.3, b, s), S / B, rtol=1e-13)
    none = np.zeros(2)
    expected = 0.5j / (1 + 2 * 1.16 * 0.5 * 3)
    np.testing.assert_allclose(solutions.input_output_mode(3.0, 0.5j, b, none), expected, rtol=1e-13)
    root = np.sqrt(0.5)
    got = solutions.input_output_mode_unbalanced(3.0, root, 1j * root, b, none)
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    # a = c = 0 stays; a = 0 alone does not.
    assert solutions.input_output_mode_unbalanced(5.0, 0.0, 0j, b, s) == 0
    assert abs(solutions.input_output_mode_unbalanced(5.0, 0.0, 0.1, b, s)) > 0.1
    # Against the phase of S, |a| = |c|, u dies at the rate 2 |S| as -u0 would by (47) for -|S|.
    t = np.array([1.0, 10.0, 100.0])
    got = solutions.input_output_mode(t, -0.2, 0.0, np.array([0.0, 1.0 + 0j]))
    np.testing.assert_allclose(got, -solutions.input_output_mode(t, 0.2, 0.0, [0.0, -1.0]), rtol=1e-13)
    # It came from infinity at a finite time.
    u = solutions.input_output_mode(np.array([-0.02, -20.0]), 3 + 1j, b, s)
    assert np.isfinite(u[0]) and np.isnan(u[1])


def test_complex_start_must_not_be_zero():
    with pytest.raises(ValueError, match="u0 must not be 0"):
        solutions.input_output_mode(1.0, [0.1j, 0.0], 0.5, [1.0, 2.0])
    with pytest.raises(TypeError, match="t must be real"):
        solutions.input_output_mode(1j, 0.1j, 0.5, [1.0, 2.0])


# Derivatives of the energy


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("T", [1, 2, 3, 4, 6])
def test_energy_derivative_is_sympys(T, outputs):
    rng = np.random.default_rng(T)
    s = np.round(data(rng, T, outputs), 2)
    values = symbolic.data(T) if outputs == "last" else [x for row in symbolic.data_matrix(T) for x in row if x != 0]
    entries = s if outputs == "last" else s[np.tril_indices(T)]
    values = {x: sp.Rational(str(v)) for x, v in zip(values, entries, strict=True)}
    tau, a, c = sp.Rational(3, 2), sp.Rational(7, 10), sp.Rational(-9, 5)
    E = (-symbolic.tau * symbolic.energy(T, outputs)).subs(values | {symbolic.a: a, symbolic.c: c, symbolic.tau: tau})
    for n in range(1, 2 * T + 1):
        E = sp.diff(E, symbolic.b)
        for b in (0, sp.Rational(-13, 10), 1, sp.Rational(3, 10)):
            expected = float(E.subs(symbolic.b, b))
            got = solutions.energy_derivative(n, float(a * c), float(b), s, outputs=outputs)
            np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11 * (expected != 0))


def test_energy_derivative_is_the_velocity_of_b():
    rng = np.random.default_rng(1)
    for T, outputs in product((1, 2, 5), OUTPUTS):
        s, (a, b, c) = data(rng, T, outputs), rng.standard_normal((3, 4))
        got = solutions.energy_derivative(1, a * c, b, s, outputs=outputs) / 2.5
        np.testing.assert_allclose(got, modes.velocity(Modes(a, b, c), s, 2.5, outputs=outputs).b, rtol=1e-12)


# The recurrent mode as a series


def lie_derivatives(b0, u, s, order, outputs):
    """b^(n)(0) / n! by (50)-(52): p d/db again and again, on polynomials in b with 100 digits."""
    with mp.workdps(100):
        exact = np.vectorize(lambda x: mp.mpf(float(x)), otypes=[object])
        p, f = drift(mp.mpf(float(u)), exact(s), outputs), [mp.mpf(0), mp.mpf(1)]
        out = []
        for n in range(order + 1):
            out.append(mp.polyval(f[::-1], mp.mpf(float(b0))) / mp.factorial(n))
            slope = [m * c for m, c in enumerate(f)][1:]
            f = [mp.mpf(0)] * (len(slope) + len(p))
            for i, x in enumerate(slope):
                for j, y in enumerate(p):
                    f[i + j] += x * y
        return out


@given(T=st.integers(1, 6), outputs=st.sampled_from(OUTPUTS), seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_series_of_order_30_is_exact_to_ten_digits(T, outputs, seed):
    rng = np.random.default_rng(seed)
    s, b0, u = data(rng, T, outputs), rng.uniform(-1.5, 1.5), rng.uniform(0.1, 2)
    got = solutions.recurrent_series(b0, u, s, 30, outputs=outputs)
    expected = lie_derivatives(b0, u, s, 30, outputs)
    assert got.shape == (31,)
    # A coefficient that happens to be nearly zero has the error of its neighbours.
    size = np.array([float(abs(x)) for x in expected])
    around = np.maximum.reduce([size, 1e-3 * np.sqrt(np.append(size[1:], 0) * np.append(0, size[:-1]))])
    assert np.all(np.abs(got - np.array([float(x) for x in expected])) <= 1e-10 * around)


def test_series_at_twelve_steps():
    s = dynamics.exponential(1.0, 1.1, 12)
    got = solutions.recurrent_series(0.5, 0.7, s, 20)
    expected = [float(x) for x in lie_derivatives(0.5, 0.7, s, 20, "last")]
    np.testing.assert_allclose(got, expected, rtol=1e-11)


def partition_sum(n, energy, b):
    """Equation (63): d^n b/dt^n from the derivatives of E and the lower ones of b, over all m_j of (64) and (65)."""
    total = 0
    for k in range(1, n):
        for m in product(range(n), repeat=n - k):
            if sum(m) == k and sum(j * x for j, x in enumerate(m, 1)) == n - 1:
                ways = Fraction(factorial(n - 1), prod(factorial(x) for x in m))
                total += energy[k + 1] * ways * prod((b[j] / factorial(j)) ** x for j, x in enumerate(m, 1))
    return total


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_series_against_the_partition_sum_and_sympys_bell_polynomials(outputs):
    rng = np.random.default_rng(5)
    T, order, b0, u = 4, 7, Fraction(-3, 8), Fraction(5, 4)
    s = np.round(8 * data(rng, T, outputs)) / 8
    x = sp.Symbol("x")
    p = sp.Poly(evaluate(drift(sp.Rational(u), np.vectorize(sp.Rational)(s), outputs), x), x)
    energy = [None]
    for _ in range(order):
        energy.append(Fraction(str(p.eval(sp.Rational(b0)))))
        p = p.diff(x)
    by_partitions, by_bell = [b0, energy[1]], [b0, energy[1]]
    for n in range(2, order + 1):
        by_partitions.append(partition_sum(n, energy, by_partitions))
        lower = [sp.Rational(v) for v in by_bell[1:]]
        bell = [Fraction(str(symbolic.bell(n - 1, k, lower))) for k in range(1, n)]
        by_bell.append(sum(e * b for e, b in zip(energy[2 : n + 1], bell, strict=True)))
    assert by_partitions == by_bell
    got = solutions.recurrent_series(float(b0), float(u), s, order, outputs=outputs)
    expected = [float(v / factorial(n)) for n, v in enumerate(by_partitions)]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def times_series(x, y):
    return [mp.fsum(x[i] * y[n - i] for i in range(n + 1)) for n in range(len(x))]


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_series_against_differentiation_of_the_inverse(outputs):
    s, b0, u, order = data(np.random.default_rng(7), 4, outputs), 0.3, 1.2, 30
    with mp.workdps(60):
        p = drift(mp.mpf(u), np.vectorize(mp.mpf, otypes=[object])(s), outputs)
        slope = mp.taylor(lambda b: 1 / evaluate(p, b), mp.mpf(b0), order)  # of dt/db
        # t = x / phi(x), x = b - b0; by Lagrange, x = sum of t^n / n times the coefficient n - 1 of phi^n
        quotient, phi = [c / (n + 1) for n, c in enumerate(slope)], []
        for n in range(order):
            known = mp.fsum(phi[i] * quotient[n - i] for i in range(n))
            phi.append(((n == 0) - known) / quotient[0])
        expected, power = [b0], phi
        for n in range(1, order + 1):
            expected.append(float(power[n - 1] / n))
            power = times_series(power, phi)
    got = solutions.recurrent_series(b0, u, s, order, outputs=outputs)
    np.testing.assert_allclose(got, expected, rtol=1e-10)


# The recurrent mode in windows


@given(T=st.integers(1, 12), outputs=st.sampled_from(OUTPUTS), seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_windowed_expansion_follows_the_ode(T, outputs, seed):
    rng = np.random.default_rng(seed)
    s, b0, u, tau = (
        data(rng, T, outputs),
        rng.uniform(-1.5, 1.5),
        10 ** rng.uniform(-1.5, 0.5),
        10 ** rng.uniform(-1, 1),
    )
    p = drift(u, s, outputs)
    # A lower bound of the radius of convergence between b0 and where the flow ends
    reach = max(abs(b0), 1) + 0.5
    window = tau * 0.1 / (1e-9 + sum(m * abs(c) * reach ** (m - 1) for m, c in enumerate(p)))
    t = window * rng.uniform(0, 60)
    got = solutions.recurrent_mode(t, b0, u, s, tau, order=20, window=window, outputs=outputs)
    expected = tight(lambda b: evaluate(p, b) / tau, [b0], t)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_error_falls_as_window_to_the_order(order):
    s, b0, u, t = np.array([1.0, 0.5, 2.0, 1.5]), 0.1, 0.9, 0.6
    expected = tight(lambda b: evaluate(drift(u, s), b), [b0], t)[0]
    assert solutions.recurrent_mode(t, b0, u, s, order=40, window=t / 100) == pytest.approx(expected, abs=0, rel=1e-12)
    expected = solutions.recurrent_mode(t, b0, u, s, order=40, window=t / 100)  # has fewer rounded digits
    windows = t / np.array([64, 128, 256])
    errors = np.abs(solutions.recurrent_mode(t, b0, u, s, order=order, window=windows) - expected)
    np.testing.assert_allclose(np.diff(np.log2(errors)), -order, atol=0.12)


def test_default_is_one_expansion_of_fifth_order_as_printed():
    s, b0, u, tau, t = np.array([1.0, 0.5, 2.0, 1.5]), 0.1, 0.9, 2.0, np.array([0.0, 0.1, -0.2, 0.5])
    e = [None, *(solutions.energy_derivative(n, u, b0, s) for n in range(1, 6))]
    x = t / tau
    printed = (
        b0
        + e[1] * x
        + e[2] * e[1] * x**2 / 2
        + (e[2] ** 2 + e[3] * e[1]) * e[1] * x**3 / 6
        + (4 * e[2] * e[3] * e[1] + e[2] ** 3 + e[4] * e[1] ** 2) * e[1] * x**4 / 24
        + (
            e[2] ** 4
            + 11 * e[2] ** 2 * e[3] * e[1]
            + 4 * e[3] ** 2 * e[1] ** 2
            + 7 * e[4] * e[2] * e[1] ** 2
            + e[5] * e[1] ** 3
        )
        * e[1]
        * x**5
        / 120
    )
    np.testing.assert_allclose(solutions.recurrent_mode(t, b0, u, s, tau), printed, rtol=1e-13)
    # a window longer than every time changes nothing, one that ends at t neither
    np.testing.assert_allclose(solutions.recurrent_mode(t, b0, u, s, tau, window=9.0), printed, rtol=1e-14)
    np.testing.assert_allclose(solutions.recurrent_mode(0.5, b0, u, s, tau, window=0.5), printed[-1], rtol=1e-14)


def test_windows_also_go_back():
    s, b0, u = np.array([1.0, 0.5, 2.0, 1.5]), 0.1, 0.9
    t = np.array([-0.3, 0.4])
    got = solutions.recurrent_mode(t, b0, u, s, order=12, window=0.02)
    expected = [
        tight(lambda b, w=w: w * evaluate(drift(u, s), b), [b0], abs(x))[0] for x, w in zip(t, (-1, 1), strict=True)
    ]
    np.testing.assert_allclose(got, expected, rtol=1e-10)
    there = solutions.recurrent_mode(0.4, b0, u, s, order=12, window=0.02)
    assert solutions.recurrent_mode(-0.4, there, u, s, order=12, window=0.02) == pytest.approx(b0, abs=0, rel=1e-10)


def test_one_expansion_fails_beyond_the_radius_and_windows_do_not():
    s, b0, u = np.array([1.0, 0.5, 2.0, 1.5]), 0.1, 0.9
    R = solutions.convergence_radius(b0, u, s)
    for part, order, fine in ((0.8, 100, True), (1.2, 100, False)):
        t = part * R
        expected = tight(lambda b: evaluate(drift(u, s), b), [b0], t)[0]
        error = abs(solutions.recurrent_mode(t, b0, u, s, order=order) - expected)
        assert error < 1e-8 if fine else error > 1
        windowed = solutions.recurrent_mode(t, b0, u, s, order=20, window=R / 20)
        assert windowed == pytest.approx(expected, abs=0, rel=1e-11)


# The exact time


@given(T=st.integers(2, 12), outputs=st.sampled_from(OUTPUTS), seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_recurrent_time_inverts_the_ode(T, outputs, seed):
    rng = np.random.default_rng(seed)
    s, b0, u, tau = (
        data(rng, T, outputs),
        rng.uniform(-1.5, 1.5),
        10 ** rng.uniform(-1.5, 0.5),
        10 ** rng.uniform(-1, 1),
    )
    p = drift(u, s, outputs)
    rate = sum(m * abs(c) * max(abs(b0), 1) ** (m - 1) for m, c in enumerate(p))
    t = tau * rng.uniform(0.01, 3) / rate
    b = tight(lambda b: evaluate(p, b) / tau, [b0], t)[0]
    speed = abs(evaluate(p, b) / tau)
    got = solutions.recurrent_time(b, b0, u, s, tau, outputs=outputs)
    # b itself is good to a few 1e-13, so time is to that over the speed
    np.testing.assert_allclose(got, t, rtol=1e-9, atol=1e-12 / speed)
    back = solutions.recurrent_time(b0, b, u, s, tau, outputs=outputs)
    np.testing.assert_allclose(back, -t, rtol=1e-9, atol=1e-12 / speed)


@pytest.mark.parametrize("T", [2, 3, 5, 8, 12])
@pytest.mark.parametrize("lam", [0.5, 1.0, 1.3])
def test_recurrent_time_at_the_solution_is_inf_and_beyond_it_nan(T, lam):
    s = dynamics.inverse_exponential(1.7, lam, T)
    b = np.array([lam, lam * (1 + 1e-9), lam + 0.2, 0.9 * lam, 0.6 * lam])
    times = solutions.recurrent_time(b, 0.6 * lam, 1.7, s)
    assert times[0] == np.inf
    assert np.isnan(times[1:3]).all()
    assert times[3] > 0
    assert times[4] == 0
    # at rest, nothing else is reached
    np.testing.assert_array_equal(solutions.recurrent_time([lam, 0.6 * lam], lam, 1.7, s), [0, np.nan])


def test_recurrent_time_with_multiple_roots():
    # u = 1: P = -2 (b - 1/2)^2 (b + 1), so 1 / P has the integral below
    s = np.array([1.25, -0.5, 0.7])

    def integral(b):
        return -np.log(abs((b + 1) / (b - 0.5))) * 2 / 9 + 1 / (3 * (b - 0.5))

    b = 0.5 + np.array([1.5, 0.4, 0.1, 1e-3, 1e-5])
    got = solutions.recurrent_time(b, 1.0, 1.0, s)
    # Rounding in P is of relative size 1e-16 / (b - 1/2)^2.
    np.testing.assert_allclose(got[:3], (integral(b) - integral(1.0))[:3], rtol=1e-12)
    np.testing.assert_allclose(got[3:], (integral(b) - integral(1.0))[3:], rtol=1e-7)
    np.testing.assert_array_equal(solutions.recurrent_time([0.5, 0.4, -1.0], 1.0, 1.0, s), [np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(solutions.recurrent_time([0.5, -1.0, -1.1], 0.0, 1.0, s), [-np.inf, np.inf, np.nan])
    # 2 s_1 = u, s_2 = 0: P = -2 u^2 b^3
    b = np.array([0.8, 0.2, 1e-3])
    got = solutions.recurrent_time(b, 0.5, 3.0, [1.5, 0.0, 4.0], 0.7)
    np.testing.assert_allclose(got, 0.7 * (b**-2.0 - 4) / 36, rtol=1e-11)
    np.testing.assert_array_equal(solutions.recurrent_time([0.0, -0.1], 0.5, 3.0, [1.5, 0.0, 4.0]), [np.inf, np.nan])


def test_recurrent_time_keeps_its_digits_near_the_start_and_near_rest():
    s, b0, u = np.array([1.0, 0.5, 2.0, 1.5]), 0.25, 0.9
    speed = evaluate(drift(u, s), b0)
    for step in (2.0**-20, 2.0**-40, -(2.0**-30)):
        bend = solutions.energy_derivative(2, u, b0, s) / (2 * speed) * step
        assert solutions.recurrent_time(b0 + step, b0, u, s) == pytest.approx(
            step / speed * (1 - bend), abs=0, rel=1e-10
        )
    # T = 2: b goes to s_1 / u = 2 by exp(-u^2 t)
    gaps = np.array([1.0, 2.0**-10, 2.0**-30, 2.0**-45])
    got = solutions.recurrent_time(2 - gaps, 0.5, 0.5, [1.0, 3.0], 1.5)
    np.testing.assert_allclose(got, 1.5 * np.log(1.5 / gaps) / 0.25, rtol=1e-14)


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_recurrent_time_past_roots_that_nearly_coincide(gap):
    # P = -2 ((b - 1/2)^2 + gap) (b + 1 + d) up to rounding: slow at 1/2, but it gets through
    s, b0, b = np.array([1.25, -0.5 - 3 * gap, 0.7]), 1.0, -0.5
    with mp.workdps(40):
        p = drift(1.0, np.array([mp.mpf(float(x)) for x in s]))
        ends = [
            mp.mpf(1),
            mp.mpf("0.51"),
            mp.mpf("0.501"),
            mp.mpf("0.5"),
            mp.mpf("0.499"),
            mp.mpf("0.49"),
            mp.mpf("-0.5"),
        ]
        expected = float(mp.quad(lambda x: 1 / evaluate(p, x), ends))
    np.testing.assert_allclose(solutions.recurrent_time(b, b0, 1.0, s), expected, rtol=1e-14 / gap)


def test_recurrent_time_without_a_moving_mode():
    for u, s in ((0.0, [1.0, 2.0, 3.0]), (1.0, [2.0]), (1.0, [0.0, 0.0, 0.0])):
        b0 = 0.3 if s[0] else 0.0
        np.testing.assert_array_equal(solutions.recurrent_time([b0, 0.4], b0, u, s), [0, np.nan])


# The radius of convergence


def root_test(b0, u, s, outputs, R, order=1200):
    """The radius from the size of the coefficients, which for such branch points are R^-n n^(1/(D-1) - 1)."""
    D = 2 * len(s) - 3
    # coefficients of t / R stay in range; scaling time by R is scaling P
    series = _rescaled_series(b0, [R * c for c in drift(u, s, outputs)], order)
    n = np.arange(1, order + 1)
    with np.errstate(divide="ignore"):
        size = np.log(np.abs(series[1:])) + (1 - 1 / (D - 1)) * np.log(n)
    slope = (size[-100:].max() - size[order // 2 - 100 : order // 2].max()) / (order / 2)
    return R * np.exp(-slope)


def _rescaled_series(b0, p, order):
    """Series of b' = p(b), with b not shifted, b^m from b^(m-1)."""
    powers = np.zeros((len(p), order + 1))
    powers[:, 0] = float(b0) ** np.arange(len(p))
    for n in range(order):
        powers[1, n + 1] = p @ powers[:, n] / (n + 1)
        for m in range(2, len(p)):
            powers[m, n + 1] = powers[m - 1, : n + 2] @ powers[1, n + 1 :: -1][: n + 2]
    return powers[1]


def least_over_straight_ways(b0, u, s):
    """What one would take for the radius without asking which sheet a way lies on."""
    p = np.array(drift(u, s))
    return np.abs(_passage._straight(p, b0, _passage.roots(p))).min()


@pytest.mark.parametrize("seed", range(24))
def test_radius_is_the_one_of_the_root_test(seed):
    rng = np.random.default_rng(seed)
    T, outputs = int(rng.integers(3, 10)), OUTPUTS[seed % 2]
    s, b0, u = data(rng, T, outputs), rng.uniform(-1.5, 1.5), 10 ** rng.uniform(-1, 0.5)
    R = solutions.convergence_radius(b0, u, s, outputs=outputs)
    assert root_test(b0, u, s, outputs, R) == pytest.approx(R, abs=0, rel=1e-3)


@pytest.mark.parametrize(
    ("s", "b0", "u"),
    [
        ([-0.6, -0.3, 0.7, 0.8, -0.4, 0.7], 0.6, 0.5),
        ([0.6, 2.2, 1.0, -1.1, -0.6, 0.9], 0.9, 0.9),
        ([1.0, 2.4, -0.2, -0.8, 0.3, -1.2], -0.9, 0.3),
        ([-0.3, 1.2, -0.4, -1.0, -1.3, -0.9], -1.1, 0.3),
    ],
)
def test_radius_is_that_of_the_branch_that_starts_at_b0(s, b0, u):
    R = solutions.convergence_radius(b0, u, s)
    assert least_over_straight_ways(b0, u, s) < 0.9 * R
    assert root_test(b0, u, s, "last", R) == pytest.approx(R, abs=0, rel=1e-3)


def test_radius_where_roots_are_far_from_the_start_or_from_one_another():
    # in the first the fractions at the roots have lost all digits, in the others singularities crowd together
    for s, b0, u in (
        ([0.38, -0.34, 0.12, 0.13, 0.0, -0.12, -0.085, 0.27, 0.24, 0.25, 0.0, 0.0], 3.1, 0.3),
        ([280.0, 0.0, 19.0, 0.0, 75.0, 230.0, 110.0, -43.0, 0.0, 0.0, 0.0], -0.46, 0.0002),
    ):
        R = solutions.convergence_radius(b0, u, s)
        assert root_test(b0, u, s, "last", R) == pytest.approx(R, abs=0, rel=1e-3)
    s = [170.0, -62.0, -5.6, 0.0, 520.0, 0.0, -220.0, 0.0, 0.0, 0.0, -96.0]
    R = solutions.convergence_radius(0.019, 0.0002, s)
    assert root_test(0.019, 0.0002, s, "last", R) == pytest.approx(R, abs=0, rel=2e-3)


def test_radius_is_not_given_where_the_series_denies_it(monkeypatch):
    b0, u, s = 0.1, 0.9, [1.0, 0.5, 2.0, 1.5]
    R = solutions.convergence_radius(b0, u, s)
    for part, plausible in ((1.0, True), (3.0, False)):
        monkeypatch.setattr(_passage, "_straight", lambda *_, part=part: [part * R])
        monkeypatch.setattr(_passage, "_follow", lambda p, b0, target, r: (target, True))
        assert np.isfinite(solutions.convergence_radius(b0, u, s)) == plausible


def test_radius_where_the_solution_is_elementary():
    b0, u = np.array([0.3, 0.5, -1.0, 2.0]), np.array([0.4, 1.0, 2.0])[:, None]
    # 2 s_1 = u and s_2 = 0: b = b0 / sqrt(1 + 4 u^2 b0^2 t)
    for row in u:
        R = solutions.convergence_radius(b0, row, [row[0] / 2, 0.0, 7.0])
        np.testing.assert_allclose(R, 1 / (4 * row**2 * b0**2), rtol=1e-9)
    # s = 0: 1 / b^2 = (1 / b0^2 + 2) exp(2 u^2 t) - 2, infinite at the log's values, i pi / u^2 apart
    R = solutions.convergence_radius(b0, u, [0.0, 0.0, 0.0])
    np.testing.assert_allclose(R, np.log(1 + 1 / (2 * b0**2)) / (2 * u**2), rtol=1e-9)
    # T outputs: n_1 = 2 and n_2 = 1, so b' = -2 u^2 (b + b^3)
    R = solutions.convergence_radius(b0, u, np.zeros((3, 3)), outputs="all")
    np.testing.assert_allclose(R, np.log(1 + 1 / b0**2) / (4 * u**2), rtol=1e-9)


def test_radius_without_a_singularity():
    assert solutions.convergence_radius(0.3, 0.5, [1.0]) == np.inf
    assert solutions.convergence_radius(0.3, 0.5, [1.0, 2.0]) == np.inf
    assert solutions.convergence_radius(0.3, 0.0, [1.0, 2.0, 3.0]) == np.inf
    for T in (3, 7):
        s = dynamics.inverse_exponential(1.3, 0.7, T)
        assert solutions.convergence_radius(0.7, 1.3, s) == np.inf
        assert solutions.convergence_radius(0.7001, 1.3, s) < 100


def test_radius_scales_with_the_units():
    s, b0, u = np.array([0.5, -1.0, 2.0, 0.7]), 0.3, 1.2
    R = solutions.convergence_radius(b0, u, s)
    for scale in (1e-6, 1e-2, 1e3, 1e9):
        np.testing.assert_allclose(solutions.convergence_radius(b0, scale * u, scale * s), R / scale**2, rtol=1e-9)


# Where learning ends


@pytest.mark.parametrize("T", [1, 2, 3, 7])
@pytest.mark.parametrize(("delta", "lam"), [(1.3, 0.5), (-2.0, 1.2), (0.7, -0.9), (1.1, 0.0), (0.5 + 1j, 0.8j)])
def test_zero_loss_finds_the_teacher(T, delta, lam):
    s = dynamics.inverse_exponential(delta, lam, T)
    u, b = solutions.zero_loss(s)
    assert u == delta
    np.testing.assert_allclose(b, lam if T > 1 else 0, rtol=1e-15)
    assert solutions.extrapolation_error(u, b, s) < 1e-29
    lag = np.subtract.outer(np.arange(T), np.arange(T))
    everything = np.where(lag < 0, 0, delta * np.array(lam) ** np.maximum(lag, 0))
    u, b = solutions.zero_loss(everything, outputs="all")
    assert u == delta
    np.testing.assert_allclose(b, lam if T > 1 else 0, rtol=1e-15)
    assert solutions.extrapolation_error(u, b, everything, outputs="all") < 1e-28


def test_zero_loss_of_the_three_dynamics():
    np.testing.assert_array_equal(solutions.zero_loss(dynamics.constant(0.6, 5)), (0.6, 1.0))
    u, b = solutions.zero_loss(dynamics.exponential([[0.6], [2.0]], [0.5, 1.3], 5))
    np.testing.assert_allclose(u, np.array([[0.6], [2.0]]) * np.array([0.5, 1.3]) ** 5, rtol=1e-14)
    np.testing.assert_allclose(b, np.broadcast_to([2, 1 / 1.3], (2, 2)), rtol=1e-14)


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("T", [1, 2, 4])
def test_zero_loss_of_nothing_is_nothing(T, outputs):
    s = np.zeros((3, T) if outputs == "last" else (3, T, T))
    u, b = solutions.zero_loss(s, outputs=outputs)
    np.testing.assert_array_equal(u, np.zeros(3))
    np.testing.assert_array_equal(b, np.zeros(3))


@pytest.mark.parametrize(
    "s",
    [
        [1.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 0.0, 1.0],
        [0.0, 1.0, 1.0],
        [1.0, 2.0, 3.0],
        [1.0, 1.0, 1.0 + 1e-8],
        [4.0, 2.0, -1.0],
    ],
)
def test_zero_loss_does_not_exist(s):
    with pytest.raises(ValueError, match="s must be s_i = s_T lam"):
        solutions.zero_loss(s)
    with pytest.raises(ValueError, match=r"in entry \(1, 0\)"):
        solutions.zero_loss([[np.ones_like(s)], [s]])


def test_zero_loss_with_T_outputs_needs_every_output():
    s = np.tril(np.ones((3, 3)))
    s[1, 0] = 1.1
    with pytest.raises(ValueError, match="s must be"):
        solutions.zero_loss(s, outputs="all")
    np.testing.assert_array_equal(solutions.zero_loss(s[-1]), (1, 1))


@pytest.mark.parametrize("sign", [1.0, -1.0, 1j, np.exp(2j)])
@pytest.mark.parametrize("size", [1e-200, 1e-9, 1.0, 1e9, 1e200])
def test_zero_loss_knows_no_sign_and_no_size(size, sign):
    u, b = solutions.zero_loss(sign * size * dynamics.inverse_exponential(3.0, 0.25, 4))
    np.testing.assert_allclose([u, b], [3 * sign * size, 0.25], rtol=1e-14)
    # What a spectrum of one value has elsewhere is its rounding.
    s = sign * size * np.array([-0.0, -0.0, -1e-17, 3.0])
    u, b = solutions.zero_loss(s)
    assert u == s[-1] and abs(b) < 1e-17
    for s in ([1.0, 5.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 0.0]):
        with pytest.raises(ValueError, match="to have a zero-loss solution"):
            solutions.zero_loss(sign * size * np.array(s))
        with pytest.raises(ValueError, match="to have a zero-loss solution"):
            solutions.zero_loss(sign * size * np.tril(np.add.outer(np.arange(3.0), s)), outputs="all")


def test_zero_loss_decides_at_1e_9_of_each_value():
    s = dynamics.inverse_exponential(1.0, 0.1, 7)
    for i in range(5):
        near, far = s.copy(), s.copy()
        near[i] *= 1 + 1e-10
        far[i] *= 1 + 1e-8
        assert solutions.zero_loss(near)[1] == pytest.approx(0.1, abs=0, rel=1e-9)
        with pytest.raises(ValueError, match="s must be"):
            solutions.zero_loss(far)
    # what rounding left of a zero is one
    assert solutions.zero_loss([1e-17, -1e-17, 1.0])[0] == 1


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_learning_time_is_when_the_mode_is_there(outputs):
    rng = np.random.default_rng(2)
    for T in (1, 2, 6):
        s, b, u0, tau = np.abs(data(rng, T, outputs)), np.array([0.0, 0.4, 1.2]), 1e-3, 1.7
        fraction = np.array([0.01, 0.5, 0.9, 1 - 1e-9])[:, None]
        aim = fraction * np.array([np.divide(*level(x, s, outputs)) for x in b])
        time = solutions.learning_time(fraction, u0, b, s, tau, outputs=outputs)
        reached = aim >= u0
        np.testing.assert_array_equal(np.isnan(time), ~reached)
        u = solutions.input_output_mode(np.nan_to_num(time), u0, b, s, tau, outputs=outputs)
        np.testing.assert_allclose(u[reached], aim[reached], rtol=1e-12)


def test_learning_time_never_and_passed():
    s, b = [1.0, 1.0, 1.0], 0.5
    end = 1.75 / (1 + 0.25 + 0.0625)
    np.testing.assert_array_equal(solutions.learning_time([0.0, -0.5, 1.0, 1.5, 0.2], 0.5, b, s), 5 * [np.nan])
    assert np.isnan(solutions.learning_time(0.5, 0.1, b, [-1.0, -1.0, -1.0]))
    assert np.isnan(solutions.learning_time(0.5, 0.1, b, [0.0, 0.0, 0.0]))
    # towards 0 it does pass -1/2 u*, but u* is not where it goes
    assert np.isnan(solutions.learning_time(-0.5, 9.0, b, [-1.0, -1.0, -1.0]))
    # a mode that starts above its end comes down to it
    time = solutions.learning_time([1.5, 1.01, 0.99, 3.0], 2 * end, b, s)
    np.testing.assert_array_equal(np.isnan(time), [False, False, True, True])
    np.testing.assert_allclose(
        solutions.input_output_mode(time[:2], 2 * end, b, s), np.array([1.5, 1.01]) * end, rtol=1e-12
    )
    # now is not past
    np.testing.assert_array_equal(solutions.learning_time([0.25, 1.0], [0.25, 1.0], 0.0, [9.0, 1.0]), [0, 0])


def test_learning_time_of_the_smallest_starts():
    s, b = [0.3, 1.0], 0.5
    S, B = level(b, s)
    expected = float(mp.log(mp.mpf(0.5) * (S / B - 1e-300) / (mp.mpf(1e-300) * 0.5)) / (2 * S))
    assert solutions.learning_time(0.5, 1e-300, b, s) == pytest.approx(expected, abs=0, rel=1e-14)


def test_extrapolation_error_in_closed_form():
    delta, lam, T = 1.3, 0.8, 5
    u, b = solutions.zero_loss(dynamics.exponential(delta, lam, T))
    for length in (1, 2, 5, 9, 14):
        s = dynamics.exponential(delta, lam, length)
        closed = delta**2 * (1 - lam ** (T - length)) ** 2 * lam**2 * (lam ** (2 * length) - 1) / (lam**2 - 1) / 2
        np.testing.assert_allclose(solutions.extrapolation_error(u, b, s), closed, rtol=1e-12, atol=1e-30)
        mean = solutions.extrapolation_error(1 / T, 1.0, dynamics.constant(1 / length, length))
        np.testing.assert_allclose(mean, (length - T) ** 2 / (2 * length * T**2), rtol=1e-12, atol=1e-30)
    u, b = solutions.zero_loss(dynamics.inverse_exponential(delta, lam, T))
    assert solutions.extrapolation_error(u, b, dynamics.inverse_exponential(delta, lam, 14)) < 1e-28


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_extrapolation_error_is_the_energy_complex_too(outputs):
    rng = np.random.default_rng(3)
    a, b, c = rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4))
    s = data(rng, 5, outputs) + 1j * data(rng, 5, outputs)
    got = solutions.extrapolation_error(a * c, b, s, outputs=outputs)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, modes.energy(Modes(a, b, c), s, outputs=outputs), rtol=1e-12)


# What all share

CALLS = {
    "input_output_mode": lambda s, x, **k: solutions.input_output_mode(x["t"], x["u"], x["b"], s, x["tau"], **k),
    "input_output_mode_unbalanced": lambda s, x, **k: solutions.input_output_mode_unbalanced(
        x["t"], x["u"], x["c"], x["b"], s, x["tau"], **k
    ),
    "energy_derivative": lambda s, x, **k: solutions.energy_derivative(3, x["u"], x["b"], s, **k),
    "recurrent_series": lambda s, x, **k: np.moveaxis(solutions.recurrent_series(x["b"], x["u"], s, 6, **k), -1, 0),
    "recurrent_mode": lambda s, x, **k: solutions.recurrent_mode(x["t"], x["b"], x["u"], s, x["tau"], **k),
    "recurrent_mode in windows": lambda s, x, **k: solutions.recurrent_mode(
        x["t"], x["b"], x["u"], s, x["tau"], order=3, window=x["tau"] / 9, **k
    ),
    "recurrent_time": lambda s, x, **k: solutions.recurrent_time(x["c"], x["b"], x["u"], s, x["tau"], **k),
    "convergence_radius": lambda s, x, **k: solutions.convergence_radius(x["b"], x["u"], s, **k),
    "learning_time": lambda s, x, **k: solutions.learning_time(x["t"], x["u"], x["b"], s, x["tau"], **k),
    "extrapolation_error": lambda s, x, **k: solutions.extrapolation_error(x["u"], x["b"], s, **k),
}
COMPLEX = ("input_output_mode", "input_output_mode_unbalanced", "extrapolation_error")
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@each_call
@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("T", [1, 2, 4])
def test_broadcasting_is_a_loop(call, outputs, T):
    rng = np.random.default_rng(T)
    shapes = {"t": (4, 1, 1), "u": (3, 1), "b": (1, 2), "c": (2,), "tau": (3, 2)}
    x = {name: rng.uniform(0.1, 0.8, shape) for name, shape in shapes.items()}
    s = np.stack([data(rng, T, outputs) for _ in range(2)])
    got = np.asarray(call(s, x, outputs=outputs))
    lead = got.shape[-3:] if "t" in call.__code__.co_consts else got.shape[-2:]
    assert lead == ((4, 3, 2) if len(lead) == 3 else (3, 2))
    for row in np.ndindex(lead):
        one = {name: np.broadcast_to(v, (4, 3, 2))[(0, *row)[-3:]] for name, v in x.items()}
        np.testing.assert_allclose(got[(..., *row)], call(s[row[-1]], one, outputs=outputs), rtol=1e-9, atol=1e-15)


@each_call
def test_scalars_in_scalars_out(call):
    x = {"t": 0.3, "u": 0.5, "b": 0.2, "c": 0.25, "tau": 2.0}
    got = call([0.4, 1.0, 0.8], x)
    assert isinstance(got, np.float64) or got.shape == (7,)


@each_call
def test_a_mode_that_is_nan_stays_in_its_row(call):
    whole = {"t": 0.3, "u": 0.5, "b": 0.2, "c": 0.25, "tau": 2.0}
    s, expected = [0.4, 1.0, 0.8], call([0.4, 1.0, 0.8], whole)
    for name in "ub":
        got = call(s, whole | {name: np.array([np.nan, whole[name]])})
        known = call is CALLS["recurrent_series"] and name == "u"  # b(0) is b0, whatever u
        assert np.isnan(got[1:, 0] if known else got[..., 0]).all()
        np.testing.assert_allclose(got[..., 1], expected, rtol=1e-12)


@each_call
def test_bad_arguments_are_named(call):
    x = {"t": 0.3, "u": 0.5, "b": 0.2, "c": 0.25, "tau": 2.0}
    used = set(call.__code__.co_consts)
    for s, outputs in (
        ([1.0, np.nan], "last"),
        ([[1.0, np.inf], [1.0, 1.0]], "all"),
        (np.ones((2, 2)), "all"),
        ([], "last"),
    ):
        with pytest.raises(ValueError, match=r"^s(_test)? must"):
            call(s, x, outputs=outputs)
    with pytest.raises(ValueError, match='outputs must be "last" or "all", got \'none\''):
        call([1.0, 2.0, 0.5], x, outputs="none")
    with pytest.raises(ValueError, match=r"leading axes must broadcast, got .*s(_test)? \(3,\)"):
        call(np.ones((3, 2)), x | {"u": np.full(2, 0.5)})
    with pytest.raises(TypeError, match="must hold numbers"):
        call([1.0, 2.0], x | {"u": "half"})
    if "tau" in used:
        for bad in (0.0, -1.0, np.nan):
            with pytest.raises(ValueError, match=r"(tau|window) must be"):
                call([1.0, 2.0], x | {"tau": bad})
    if "t" in used:
        with pytest.raises(ValueError, match=r"(t|fraction) must be finite, got inf"):
            call([1.0, 2.0], x | {"t": np.inf})
    if call not in (CALLS[name] for name in COMPLEX):
        why = "a complex u is no fraction" if call is CALLS["learning_time"] else "moves together with its conjugate"
        turned = np.array([[1.0, 0.1j], [-0.1j, 1.0]])
        for s, u, C in (([1.0, 2.0], 0.5j, None), ([1.0, 1j], 0.5, None), ([1.0, 2.0], 0.5, turned)):
            with pytest.raises(TypeError, match=f"must be real, got dtype complex128: .*{why}"):
                call(s, x | {"u": u}, inputs=C)


def test_counts_are_integers_in_range():
    with pytest.raises(ValueError, match="n must be an integer >= 1, got 0"):
        solutions.energy_derivative(0, 0.5, 0.5, [1.0, 2.0])
    with pytest.raises(TypeError, match="n must be an integer"):
        solutions.energy_derivative(1.0, 0.5, 0.5, [1.0, 2.0])
    with pytest.raises(ValueError, match="order must be an integer >= 0, got -1"):
        solutions.recurrent_series(0.5, 0.5, [1.0, 2.0], -1)
    with pytest.raises(ValueError, match="order must be an integer >= 0, got -1"):
        solutions.recurrent_mode(0.1, 0.5, 0.5, [1.0, 2.0], order=-1)
    with pytest.raises(ValueError, match="window must be > 0, got 0"):
        solutions.recurrent_mode(0.1, 0.5, 0.5, [1.0, 2.0], window=0)
