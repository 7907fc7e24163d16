"""The symbols and derivations that checks are held against, by loops of their own and by exact numbers."""

from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
import sympy as sp

from lrnn_helpers import modes, symbolic
from lrnn_helpers.modes import Modes


@pytest.mark.parametrize("T", [1, 2, 5])
def test_data_are_T_real_symbols_in_the_order_of_time(T):
    s = symbolic.data(T)
    assert [x.name for x in s] == [f"s_{t}" for t in range(1, T + 1)]
    assert all(x.is_real and x.is_positive is None for x in s)


@pytest.mark.parametrize("T", [1, 2, 5])
def test_data_matrix_is_square_lower_triangular_and_each_entry_its_own(T):
    s = symbolic.data_matrix(T)
    assert len(s) == T and all(len(row) == T for row in s)
    for t, i in np.ndindex(T, T):
        if i > t:
            assert s[t][i] == 0
        else:
            assert s[t][i].name == f"s_{t + 1},{i + 1}" and s[t][i].is_real
    assert len({x for row in s for x in row if x != 0}) == T * (T + 1) // 2


def test_symbols_are_the_arguments_of_a_printed_function():
    every = symbolic.symbols()
    assert every["s"].is_real and every["T"].is_integer and every["k"].is_nonnegative
    for name in ("a", "b", "c", "u", "delta", "lam", "kappa"):
        assert every[name].is_real and every[name].is_positive is None
    assert every["tau"].is_positive and every["beta"].is_positive
    listed = symbolic.symbols(3)
    assert listed["T"] == 3 and listed["s"] == symbolic.data(3)
    assert {name: x for name, x in listed.items() if name not in "Ts"} == {
        name: x for name, x in every.items() if name not in "Ts"
    }


def values(T, outputs, seed=0):
    """Rational modes, tau and data with signs, and the substitution that puts them in."""
    rng = np.random.default_rng(seed)

    def draw():
        return Fraction(int(rng.integers(1, 9)) * int(rng.choice([-1, 1])), int(rng.integers(1, 9)))

    a, b, c, tau = draw(), draw(), draw(), abs(draw())
    if outputs == "last":
        names, s = symbolic.data(T), [draw() for _ in range(T)]
        flat = dict(zip(names, s, strict=True))
    else:
        names, s = symbolic.data_matrix(T), [[draw() if i <= t else 0 for i in range(T)] for t in range(T)]
        flat = {names[t][i]: s[t][i] for t in range(T) for i in range(t + 1)}
    chosen = {symbolic.a: a, symbolic.b: b, symbolic.c: c, symbolic.tau: tau} | flat
    return (a, b, c), tau, s, {name: sp.Rational(x.numerator, x.denominator) for name, x in chosen.items()}


def brute_energy(a, b, c, tau, s, outputs):
    """Every output and every input that it may depend on, lag by lag."""
    T = len(s)
    ends = [T] if outputs == "last" else range(1, T + 1)
    at = (lambda t, i: s[i - 1]) if outputs == "last" else (lambda t, i: s[t - 1][i - 1])
    return sum((at(t, i) - c * b ** (t - i) * a) ** 2 for t in ends for i in range(1, t + 1)) / (2 * tau)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("T", [1, 2, 3, 5])
def test_energy_is_the_sum_of_squared_residuals(T, outputs):
    abc, tau, s, chosen = values(T, outputs)
    exact = symbolic.energy(T, outputs).subs(chosen)
    assert Fraction(int(exact.p), int(exact.q)) == brute_energy(*abc, tau, s, outputs)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("T", [1, 2, 3, 5])
def test_velocity_goes_downhill(T, outputs):
    abc, tau, s, chosen = values(T, outputs, seed=T)
    velocity = [x.subs(chosen) for x in symbolic.velocity(T, outputs)]
    h = Fraction(1, 10**6)
    for n, rate in enumerate(velocity):
        # Central differences in fractions: off by h^2 and no rounding.
        ends = [[x + sign * h * (m == n) for m, x in enumerate(abc)] for sign in (1, -1)]
        up, down = (brute_energy(*y, tau, s, outputs) for y in ends)
        slope = float((up - down) / (2 * h))
        assert float(rate) == pytest.approx(-slope, rel=1e-6, abs=1e-6)
    floats = np.array(s, dtype=float)
    received = modes.velocity(Modes(*map(float, abc)), floats, float(tau), outputs=outputs)
    np.testing.assert_allclose(received, [float(x) for x in velocity], rtol=1e-12)


def test_bell_polynomials_count_partitions():
    ones = [sp.Integer(1)] * 8
    for n in range(8):
        for k in range(n + 1):
            stirling = sum((-1) ** (k - j) * comb(k, j) * j**n for j in range(k + 1)) // factorial(k)
            assert symbolic.bell(n, k, ones) == stirling
    x = sp.symbols("x_1:5")
    assert sp.expand(symbolic.bell(4, 2, x) - (3 * x[1] ** 2 + 4 * x[0] * x[2])) == 0


def test_vanishes_decides_what_is_zero_and_what_is_not():
    a, b, T = symbolic.a, symbolic.b, symbolic.T
    for zero in (
        0,
        (a + b) ** 2 - a**2 - 2 * a * b - b**2,
        (1 - b**6) / (1 - b**2) - 1 - b**2 - b**4,
        b ** (2 * T) - (b**T) ** 2,
        sp.sin(a) ** 2 + sp.cos(a) ** 2 - 1,
    ):
        assert symbolic.vanishes(zero)
    for other in (1, a, (a + b) ** 2 - a**2 - b**2, b ** (2 * T) - b**T, sp.sin(a) - a, a - sp.Float("1e-30")):
        assert not symbolic.vanishes(other)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: symbolic.data(0), ValueError, "T must be an integer >= 1, got 0"),
        (lambda: symbolic.data_matrix(2.0), TypeError, "T must be an integer, got 2.0"),
        (lambda: symbolic.symbols(0), ValueError, "T must be an integer >= 1, got 0"),
        (lambda: symbolic.energy(3, "first"), ValueError, "outputs must be"),
        (lambda: symbolic.bell(2, 3, []), ValueError, "k must be <= n, got k = 3 and n = 2"),
        (lambda: symbolic.bell(3, 1, [1, 2]), ValueError, "x must hold at least n - k \\+ 1 = 3 expressions, got 2"),
        (lambda: symbolic.bell(-1, 0, []), ValueError, "n must be an integer >= 0, got -1"),
    ],
)
def test_errors_name_the_argument_the_rule_and_what_was_received(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_sign_is_read_off_only_where_it_is_there():
    x = sp.Symbol("x", real=True)
    assert symbolic.positive(1 + x, [x > 0]) and symbolic.positive(1 + x, [x >= 0])
    assert symbolic.positive(x, [x > 0]) and symbolic.positive(x, [x >= 0], strict=False)
    for expression, given in ((x, [x >= 0]), (x - 1, [x > 0]), (-x, [x > 0]), (x**3, []), (1 - x, [x > 0, x < 2])):
        assert not symbolic.positive(expression, given)
    assert symbolic.positive(1 - x, [x > 0, x < 1]) and symbolic.positive(2 - x, [x >= 0, x < 2])
    assert not symbolic.positive(1 - x, [x > 0, x <= 1]) and symbolic.positive(1 - x, [x > 0, x <= 1], strict=False)


def test_a_value_left_out_is_all_that_is_left_out():
    x = sp.Symbol("x", real=True)
    assert symbolic.positive(x**2, [sp.Ne(x, 0)]) and not symbolic.positive(x, [sp.Ne(x, 0)])
    assert not symbolic.positive(x**2, [sp.Ne(x, 1)]) and symbolic.positive(x**2, [sp.Ne(x, 1)], strict=False)


@pytest.mark.parametrize("make", [symbolic.data, symbolic.data_matrix, symbolic.covariance])
def test_there_is_at_least_one_step(make):
    assert len(make(1)) == 1
    with pytest.raises(ValueError, match="T must be an integer >= 1, got 0"):
        make(0)
