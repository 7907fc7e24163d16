"""The modes against exact fractions, loops as the paper writes them, and automatic differentiation."""

import warnings
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrnn_helpers import _lags, dynamics, modes, solutions, transitions
from lrnn_helpers.modes import Modes, _flow

rationals = st.fractions(-2, 2, max_denominator=8)


@st.composite
def problems(draw, outputs=None):
    """(a, b, c, s, tau, outputs) of fractions."""
    T, outputs = draw(st.integers(1, 6)), outputs or draw(st.sampled_from(["last", "all"]))
    if outputs == "last":
        s = [draw(rationals) for _ in range(T)]
    else:
        s = [[draw(rationals) if i <= t else Fraction(0) for i in range(T)] for t in range(T)]
    return *(draw(rationals) for _ in "abc"), s, draw(st.fractions(Fraction(1, 4), 4, max_denominator=8)), outputs


def pairs(s, outputs):
    """(lag, target) of every output and every input that it may depend on."""
    T = len(s)
    if outputs == "last":
        return [(T - i, s[i - 1]) for i in range(1, T + 1)]
    return [(t - i, s[t - 1][i - 1]) for t in range(1, T + 1) for i in range(1, t + 1)]


def brute_energy(a, b, c, s, tau, outputs):
    return sum((target - c * b**lag * a) ** 2 for lag, target in pairs(s, outputs)) / (2 * tau)


def brute_velocity(a, b, c, s, tau, outputs):
    """(5)–(7) and (152), (153), (155) term by term, the sum over r included."""
    da = db = dc = 0
    for lag, target in pairs(s, outputs):
        residual = target - c * b**lag * a
        da += b**lag * c * residual
        db += sum(b**r * c * residual * a * b ** (lag - 1 - r) for r in range(lag))
        dc += residual * a * b**lag
    return da / tau, db / tau, dc / tau


def floats(values):
    return np.array(values, dtype=float)


def generic(rng, *shape, T=5, outputs="last", complex_=False):
    """Random modes and dynamics with leading axes `shape`."""

    def draw(*size):
        z = rng.normal(size=size)
        return z + 1j * rng.normal(size=size) if complex_ else z

    s = draw(*shape, T) if outputs == "last" else np.tril(draw(*shape, T, T))
    return Modes(*(0.8 * draw(*shape) for _ in "abc")), s


@given(problems())
def test_energy_is_the_exact_sum_of_squares(problem):
    *abc, s, tau, outputs = problem
    exact = brute_energy(*abc, s, tau, outputs)
    received = modes.energy(Modes(*map(float, abc)), floats(s), float(tau), outputs=outputs)
    # Squares do not cancel, but their residuals do: what rounding may do is set by the sizes of the terms.
    a, b, c = map(abs, abc)
    size = sum((abs(y) + c * b**lag * a) ** 2 for lag, y in pairs(s, outputs)) / (2 * tau)
    assert abs(received - float(exact)) <= 1e-14 * float(size)
    data, regularization = modes.energy_terms(Modes(*abc), s, tau, outputs=outputs)
    assert abs(data + regularization - received) <= 1e-14 * float(size)
    exact = sum((c * b**lag * a) ** 2 for lag, _ in pairs(s, outputs)) / (2 * tau)
    assert regularization == pytest.approx(float(exact), rel=1e-14, abs=0)


@given(problems())
def test_velocity_is_the_papers_sums(problem):
    *abc, s, tau, outputs = problem
    exact = brute_velocity(*abc, s, tau, outputs)
    received = modes.velocity(Modes(*map(float, abc)), floats(s), float(tau), outputs=outputs)
    a, b, c = map(abs, abc)
    size = [0, 0, 0]
    for lag, y in pairs(s, outputs):
        residual = (abs(y) + c * b**lag * a) / tau
        for j, factor in enumerate((c * b**lag, c * a * lag * b ** max(lag - 1, 0), a * b**lag)):
            size[j] += factor * residual
    for left, right, bound in zip(received, exact, size, strict=True):
        assert abs(left - float(right)) <= 1e-14 * float(bound)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("T", [1, 2, 3, 7])
def test_velocity_is_minus_the_autograd_gradient(outputs, complex_, T):
    rng = np.random.default_rng(T)
    start, s = generic(rng, T=T, outputs=outputs, complex_=complex_)
    tau = 0.7
    a, b, c = (torch.tensor(x, requires_grad=True) for x in start)
    loss = sum(abs(torch.as_tensor(y) - c * b**lag * a) ** 2 for lag, y in pairs(s, outputs)) / (2 * tau)
    # On complex numbers torch gives the direction of steepest ascent, 2 dE/dz*, which is what (182)–(184) need.
    gradient = torch.autograd.grad(loss, (a, b, c), allow_unused=True)
    assert modes.energy(start, s, tau, outputs=outputs) == pytest.approx(float(loss.detach()), rel=1e-14)
    for rate, g in zip(modes.velocity(start, s, tau, outputs=outputs), gradient, strict=True):
        expected = 0 if g is None else -g.numpy()
        np.testing.assert_allclose(rate, expected, rtol=1e-12, atol=1e-14)
        assert rate.dtype == (np.complex128 if complex_ else np.float64)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("b", [0.0, 0.6, -1.0, None])
@pytest.mark.parametrize("T", [1, 2, 3, 6])
def test_hessian_is_autograds(outputs, complex_, b, T):
    start, s = generic(np.random.default_rng(T), T=T, outputs=outputs, complex_=complex_)
    start = start if b is None else start._replace(b=b)

    def tau_energy(y):
        """Of three real numbers, or of the real and imaginary parts of three."""
        if complex_:
            y = torch.complex(y[0::2], y[1::2])
        powers = [torch.ones((), dtype=y.dtype)]
        for _ in range(T):
            powers.append(powers[-1] * y[1])
        return sum(abs(target.item() - y[2] * powers[lag] * y[0]) ** 2 for lag, target in pairs(s, outputs)) / 2

    point = np.array(start, dtype=complex).view(float) if complex_ else np.array(start, dtype=float)
    expected = torch.func.hessian(tau_energy)(torch.tensor(point)).numpy()
    received = modes.hessian(start, s, outputs=outputs)
    np.testing.assert_allclose(received, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(received, received.T)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_hessian_of_complex_numbers_holds_that_of_real_ones(outputs):
    m, s = generic(np.random.default_rng(1), 4, outputs=outputs)
    whole = modes.hessian(m._replace(b=m.b + 0j), s, outputs=outputs)
    np.testing.assert_allclose(whole[:, ::2, ::2], modes.hessian(m, s, outputs=outputs), rtol=1e-13, atol=1e-13)
    assert not whole[:, ::2, 1::2].any()


def test_hessian_is_exact_at_b_zero_and_at_length_one():
    np.testing.assert_array_equal(modes.hessian(Modes(2, 0, 3), [5]), [[9, 0, 7], [0, 0, 0], [7, 0, 4]])
    # tau E = ((7 - 6b^2)^2 + (5 - 6b)^2 + (1 - 6)^2) / 2 in b: second derivative -84 + 36 at b = 0.
    H = modes.hessian(Modes(2, 0, 3), [7, 5, 1])
    np.testing.assert_array_equal(H, [[9, -15, 11], [-15, -48, -10], [11, -10, 4]])


# Sharpness, and the best modes


@pytest.mark.parametrize("complex_", [False, True])
def test_sharpness_is_the_largest_curvature_along_any_line(complex_):
    rng = np.random.default_rng(2)
    m, s = generic(rng, 3, complex_=complex_)
    sharp, h = modes.sharpness(m, s), 1e-3
    lines = rng.normal(size=(4000, 3, 1)) + (1j * rng.normal(size=(4000, 3, 1)) if complex_ else 0)
    lines /= np.sqrt((abs(lines) ** 2).sum(axis=1, keepdims=True))
    along = [modes.energy(Modes(*(np.array(m) + step * lines).swapaxes(0, 1)), s) for step in (-h, 0, h)]
    curvature = (along[0] - 2 * along[1] + along[2]) / h**2
    assert (curvature <= sharp * (1 + 1e-4)).all()
    assert (curvature.max(axis=0) > 0.8 * sharp).all()


@pytest.mark.parametrize("b", [0.8, 1.0, -1.1, 0.9 * np.exp(0.7j)])
def test_descent_stays_below_the_stable_rate_and_leaves_above_it(b):
    m = Modes(1.0, b, 1.0)
    s = m.u * np.asarray(b) ** np.arange(6, -1, -1)
    rate = modes.stable_rate(m, s)
    assert rate == 2 / modes.sharpness(m, s)
    start = Modes(*(np.array(m) + 1e-7 * np.array([1, 2, -1])))
    ends = [modes.energy(modes.descend(start, s, part * rate, 2000), s) for part in (0.98, 1.02)]
    assert ends[0] < 1e-3 * modes.energy(start, s)
    assert not ends[1] < 1e3 * modes.energy(start, s)


def test_stable_rate_where_nothing_curves_upwards():
    assert modes.sharpness(Modes(0.0, 0.0, 0.0), [0.0, 0.0]) == 0
    assert modes.stable_rate(Modes(0.0, 0.0, 0.0), [0.0, 0.0]) == np.inf
    m = Modes(np.array([1.0, np.nan, np.inf, 1e200]), 0.5, 1.0)
    sharp, rate = modes.sharpness(m, [1.0, 2.0]), modes.stable_rate(m, [1.0, 2.0])
    np.testing.assert_array_equal(np.isnan(sharp), [False, True, True, True])
    np.testing.assert_array_equal(np.isnan(rate), np.isnan(sharp))


def exact_best(s):
    """(energy, b, u), from stationary points that are counted and isolated in exact arithmetic; or the limit."""
    points = [(e / 2, abs(b), -b, u) for b, u, e, kind in transitions.stationary_modes(s) if kind == "min"]
    e, _, b, u = min([*points, (s[1:] @ s[1:] / 2, np.inf, -np.inf, 0.0)])
    return e, -b, u


@pytest.mark.parametrize("tilt", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("T", [2, 3, 4, 5, 8, 13, 20])
def test_best_is_the_least_of_the_exact_stationary_points(T, tilt):
    s = np.random.default_rng(T).normal(size=(8, T)) * tilt ** np.arange(T)
    for row, u, b, energy in zip(s, *modes.best(s), strict=True):
        e, b_exact, u_exact = exact_best(row)
        assert abs(np.sqrt(energy) - np.sqrt(e)) <= 1e-14 * np.linalg.norm(row)
        np.testing.assert_allclose([u, b], [u_exact, b_exact], rtol=1e-12)


@pytest.mark.parametrize("beta", [0.3, 0.8, 0.99, 1.01, 1.2, 2.0])
@pytest.mark.parametrize("T", [2, 3, 4, 7, 15])
def test_best_of_the_dirac_task_is_transitions_minimum(T, beta):
    best = modes.best(dynamics.dirac_delta(beta, 1 / beta, T))
    b, energy = transitions.minimum(beta, T)
    np.testing.assert_allclose([best.b, 2 * best.energy], [b, energy], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(best.u, transitions.optimal_u(b, beta, T), rtol=1e-12)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("T", [1, 2, 3, 6])
def test_best_is_below_every_point_of_a_grid_and_where_it_says(T, outputs):
    _, s = generic(np.random.default_rng(T), 5, T=T, outputs=outputs)
    best = modes.best(s, outputs=outputs)
    here = modes.energy(Modes(best.u, best.b, 1.0), s, outputs=outputs)
    np.testing.assert_allclose(best.energy, here, rtol=1e-12, atol=1e-30)
    b = np.tan(np.linspace(-np.pi / 2, np.pi / 2, 2001)[1:-1])[:, None]
    S, B = _lags.level(*_lags.sums(s, outputs), b)
    grid = modes.energy(Modes(S / B, b, 1.0), s, outputs=outputs)
    assert (best.energy <= grid.min(axis=0) * (1 + 1e-12) + 1e-30).all()
    assert (best.energy >= grid.min(axis=0) * 0.99 - 1e-5).all()
    u = best.u + np.linspace(-1, 1, 201)[:, None]
    assert (best.energy <= modes.energy(Modes(u, best.b, 1.0), s, outputs=outputs) * (1 + 1e-12) + 1e-30).all()


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("lam", [0.0, 1e-9, 0.5, 1.0, -1.3, 40.0])
def test_best_finds_the_zero_loss(lam, outputs):
    s = dynamics.exponential(-1.7, lam, 6)
    s = _lags.model(np.array(-1.7), np.array(lam), 6, outputs)
    best, (u, b) = modes.best(s, outputs=outputs), solutions.zero_loss(s, outputs=outputs)
    np.testing.assert_allclose([best.u, best.b], [u, b], rtol=1e-14)
    assert best.energy <= (1e-15 * np.abs(s).max()) ** 2 * s.size


def test_best_where_the_infimum_is_not_attained_and_where_values_are_equal():
    s = [
        [0.0, 0.0, 0.0, 0.0],  # nothing to learn
        [0.0, 0.0, 0.0, -2.0],  # the last input alone
        [2.0, 0.0, 0.0, 0.0],  # the first: b to infinity
        [1.0, 0.0, 0.0, 1.0],  # as well at 0 as at infinity
        [0.0, 1.0, 0.0, 0.0],  # as well at b as at -b
        [0.0, -1.0, 0.0, 0.0],
    ]
    best = modes.best(s)
    np.testing.assert_allclose(best.b[:4], [0, 0, np.inf, 0], rtol=0)
    np.testing.assert_allclose(best.u[:4], [0, -2, 0, 1], rtol=0)
    np.testing.assert_allclose(best.energy[:4], [0, 0, 0, 0.5], rtol=0)
    assert best.b[4] == best.b[5] > 1
    assert best.u[4] == -best.u[5] > 0
    every = modes.best(np.diag([1.0, 2.0], -2) + np.zeros((4, 4)), outputs="all")
    grid = np.linspace(0, 40, 400001)
    S, B = 3 * grid**2, sum((4 - k) * grid ** (2 * k) for k in range(4))
    assert every.b == pytest.approx(grid[np.argmax(S**2 / B)], abs=1e-4) and every.b > 0
    # Next to the limit, b is as far out as the data say, until u = ac leaves the floats.
    assert modes.best([1.0, 1e-9, 0.0, 0.0]).b == pytest.approx(1e9, rel=1e-12)
    far = modes.best([1.0, 1e-200, 0.0, 0.0])
    assert far.b == np.inf and far.u == 0 and far.energy == 0
    assert modes.best([1.0, -1e-200, 0.0, 0.0]).b == -np.inf


def test_best_of_a_single_step_leaves_b_at_zero():
    assert modes.best([3.0]) == (3, 0, 0)
    assert modes.best([[-2.0]], outputs="all") == (-2, 0, 0)


@pytest.mark.parametrize("size", [1e-150, 1e-20, 1e20, 1e150])
def test_best_scales_with_the_data_and_turns_with_its_sign(size):
    s = np.random.default_rng(3).normal(size=(6, 5))
    best, scaled, turned, mirrored = (modes.best(x) for x in (s, size * s, -s, s * (-1.0) ** np.arange(4, -1, -1)))
    np.testing.assert_allclose(scaled.b, best.b, rtol=1e-12)
    np.testing.assert_allclose(scaled.u, size * best.u, rtol=1e-12)
    np.testing.assert_allclose(scaled.energy / size, size * best.energy, rtol=1e-12)
    np.testing.assert_allclose([turned.u, turned.b], [-best.u, best.b], rtol=1e-12)
    np.testing.assert_allclose([mirrored.u, mirrored.b], [best.u, -best.b], rtol=1e-12)


def test_regularization_is_the_closed_ratio_where_that_is_defined():
    a, b, c, T, tau = Fraction(3, 2), Fraction(4, 5), Fraction(-2, 3), 6, Fraction(5, 4)
    last = c**2 * a**2 * (1 - b ** (2 * T)) / (1 - b**2) / (2 * tau)
    every = c**2 * a**2 * (T * (1 - b**2) - b**2 * (1 - b ** (2 * T))) / (1 - b**2) ** 2 / (2 * tau)
    m = Modes(a, b, c)
    assert modes.energy_terms(m, np.ones(T), tau)[1] == pytest.approx(float(last), rel=1e-14)
    assert modes.energy_terms(m, np.tri(T), tau, outputs="all")[1] == pytest.approx(float(every), rel=1e-14)


@pytest.mark.parametrize("b", [1.0, -1.0, 1j])
def test_regularization_is_right_on_the_unit_circle(b):
    m = Modes(2.0, b, 3.0)
    assert modes.energy_terms(m, np.zeros(7))[1] == 36 * 7 / 2
    assert modes.energy_terms(m, np.zeros((7, 7)), outputs="all")[1] == 36 * 28 / 2


def test_energy_does_not_cancel_near_zero_loss():
    exact = (Fraction(1, 2**30)) ** 2 * 4 / 2
    s = dynamics.constant(1.0, 4) + 2.0**-30
    assert modes.energy(Modes(1.0, 1.0, 1.0), s) == float(exact)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_the_gradient_does_not_cancel_near_zero_loss(outputs):
    k = np.arange(6)
    gap = 2.0**-40 * np.array([1, -2, 3, 5, -4, 7])
    s = (0.5**k + gap)[::-1]
    n = np.ones(6)
    if outputs == "all":
        s, n = np.tril((0.5**k + gap)[np.maximum(np.subtract.outer(k, k), 0)]), 6 - k
    level, slope = np.sum(n * gap * 0.5**k), np.sum(n * gap * k * 0.5 ** np.maximum(k - 1, 0))
    rate = modes.velocity(Modes(1.0, 0.5, 1.0), s, outputs=outputs)
    assert rate == pytest.approx((level, slope, level), rel=1e-14)
    step = modes.descend(Modes(1.0, 0.5, 1.0), s, 2.0**40, 1, outputs=outputs, compiled=True)
    assert step == pytest.approx([x + 2.0**40 * dx for x, dx in zip((1.0, 0.5, 1.0), rate, strict=True)], rel=1e-14)


def test_u_is_the_product():
    np.testing.assert_array_equal(Modes([1.0, 2.0], 0, [3.0, 4.0]).u, [3, 8])
    assert Modes(Fraction(1, 2), 0, Fraction(1, 3)).u == Fraction(1, 6)
    assert Modes(2, 0, 1j).u == 2j
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(Modes(np.array([np.inf]), 0, np.array([0.0])).u).all()


def records_last(path):
    """Modes with records first as one array (..., 3, records)."""
    return np.moveaxis(np.stack(path), (0, 1), (-2, -1))


CALLS = {
    "energy": lambda m, s, scale, **kw: modes.energy(m, s, scale, **kw),
    "energy_terms": lambda m, s, scale, **kw: np.stack(modes.energy_terms(m, s, scale, **kw), axis=-1),
    "velocity": lambda m, s, scale, **kw: np.stack(modes.velocity(m, s, scale, **kw), axis=-1),
    "hessian": lambda m, s, scale, **kw: modes.hessian(m, s, **kw),
    "sharpness": lambda m, s, scale, **kw: modes.sharpness(m, s, **kw),
    "stable_rate": lambda m, s, scale, **kw: modes.stable_rate(m, s, **kw),
    "descend": lambda m, s, scale, **kw: records_last(modes.descend(m, s, 0.002 * scale, 40, 8, **kw)),
    "flow": lambda m, s, scale, **kw: records_last(modes.flow(m, s, [0.5, 2.0], scale, **kw)),
}


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_a_batch_is_bit_for_bit_the_loop(name, complex_, outputs):
    call, rng = CALLS[name], np.random.default_rng(5)
    m, s = generic(rng, 2, 3, T=9, outputs=outputs, complex_=complex_)
    m, s = m._replace(a=m.a[:, :1], b=0.5 * m.b[0]), s[0]
    scale = rng.uniform(0.5, 2, (4, 1, 1))
    batch = call(m, s, scale, outputs=outputs)
    scaled = name not in ("hessian", "sharpness", "stable_rate")
    lead = (4, 2, 3) if scaled else (2, 3)
    assert batch.shape[: len(lead)] == lead and np.isfinite(batch).all()
    expect = np.testing.assert_array_equal if not complex_ else partial(np.testing.assert_allclose, rtol=1e-12)
    for h, i, j in np.ndindex(4, 2, 3):
        alone = call(Modes(m.a[i, 0], m.b[j], m.c[i, j]), s[j], scale[h, 0, 0], outputs=outputs)
        # numpy multiplies complex numbers in vectors by other instructions than single ones, a rounding apart.
        expect(batch[h, i, j] if scaled else batch[i, j], alone)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_best_of_a_batch_is_the_loop(outputs):
    _, s = generic(np.random.default_rng(8), 2, 3, T=6, outputs=outputs)
    batch = modes.best(s, outputs=outputs)
    for i, j in np.ndindex(2, 3):
        np.testing.assert_allclose([x[i, j] for x in batch], modes.best(s[i, j], outputs=outputs), rtol=1e-13)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("which", "abc")
@pytest.mark.parametrize("name", CALLS)
def test_a_diverged_row_stays_alone_and_silent(name, which, bad):
    call = CALLS[name]
    m, s = generic(np.random.default_rng(6), 3, T=4)
    if name == "flow" and bad == 1e200:
        pytest.skip("a finite start; what it costs is tested elsewhere")
    poisoned = m._replace(**{which: np.where(np.arange(3) == 1, bad, getattr(m, which))})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        received, clean = call(poisoned, s, 1.0), call(m, s, 1.0)
    np.testing.assert_array_equal(received[[0, 2]], clean[[0, 2]])
    assert not np.isfinite(received[1]).all()
    if name in ("flow", "descend"):
        assert np.isnan(received[1][..., 1:]).all()


@pytest.mark.parametrize("T", [1, 2, 5, 9])
@pytest.mark.parametrize("b", [1e200, -1e200, 1e200j, 1e200 + 1e200j])
@pytest.mark.parametrize("start", [Modes(0.0, 0.0, 1.0), Modes(-2.0, 0.0, 0.0), Modes(0.0, 0.0, 0.0)])
def test_a_huge_recurrent_mode_does_nothing_where_no_echo_begins(start, b, T):
    """Powers of b overflow, but ac = 0: energy, b' and the rate of the mode that is not 0 are finite."""
    m, s = start._replace(b=b), np.arange(1.0, T + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert modes.energy(m, s) == s @ s / 2
        assert modes.energy_terms(m, s) == (s @ s / 2, 0.0)
        da, db, dc = modes.velocity(m, s)
    assert db == 0
    assert da == 0 or start.c
    assert dc == 0 or start.a
    if T == 2 and start.c:
        np.testing.assert_allclose(da, s[1] + s[0] * np.conj(b), rtol=1e-15)
    if T > 2 and start.c:
        assert not np.isfinite(da)
    if np.isrealobj(b):
        assert modes.hessian(m, s)[1, 1] == 0


def test_energy_is_finite_where_only_a_power_overflows():
    # u b^2 = 1e100 at T = 3, while b^2 = 1e400.
    assert modes.energy(Modes(1e-300, 1e200, 1.0), [0.0, 0.0, 0.0]) == pytest.approx(1e200 / 2, rel=1e-12)
    assert modes.energy_terms(Modes(1.0, 1e200, 1e-300), [1.0, 0.0, 0.0])[0] == pytest.approx(-1e100, rel=1e-12)


@pytest.mark.parametrize("which", "abc")
@pytest.mark.parametrize("start", [Modes(0.0, 0.5, 1.0), Modes(1.0, 0.5, 0.0), Modes(0.0, 0.0, 0.0)])
def test_a_mode_that_is_nan_is_not_hidden_by_a_zero(start, which):
    m = start._replace(**{which: np.nan})
    s = np.zeros(4)
    assert all(np.isnan(x).all() for x in (modes.energy(m, s), *modes.energy_terms(m, s), *modes.velocity(m, s)))
    assert np.isnan(modes.hessian(m, s)).all()


def test_types_follow_the_arguments():
    real, s = Modes(1, 0.5, 2), [1, 2, 3]
    assert modes.energy(real, s).dtype == np.float64
    assert modes.energy(Modes(1j, 0.5, 2), s).dtype == np.float64
    assert all(x.dtype == np.float64 for x in modes.velocity(real, s))
    for m, d in ((Modes(1, 0.5j, 2), s), (real, [1, 2j, 3])):
        assert all(x.dtype == np.complex128 for x in modes.velocity(m, d))
        assert all(x.dtype == np.complex128 for x in modes.flow(m, d, [1.0]))
        assert all(x.dtype == np.complex128 for x in modes.descend(m, d, 0.1, 2))
    assert all(
        np.ndim(x) == 0 for x in (modes.energy(real, s), *modes.velocity(real, s), *modes.descend(real, s, 1, 1))
    )
    assert modes.hessian(real, s).shape == (3, 3)


def test_the_last_of_all_outputs_alone_is_the_single_output():
    """Of an (T, T) task, the rows of a shorter network are single-output tasks of their own lengths."""
    m, s = generic(np.random.default_rng(7), T=5, outputs="all")
    rows = [s[t, : t + 1] for t in range(5)]
    assert modes.energy(m, s, outputs="all") == pytest.approx(sum(modes.energy(m, r) for r in rows), rel=1e-14)
    for j in range(3):
        parts = sum(modes.velocity(m, r)[j] for r in rows)
        np.testing.assert_allclose(modes.velocity(m, s, outputs="all")[j], parts, rtol=1e-12)


# The flow


def unbalanced(t, a0, c0, S):
    """u(t) at T = 1, by the substitution tanh; a second route, with 50 digits."""
    mp = pytest.importorskip("mpmath")
    with mp.workdps(60):
        a0, c0, S, t = map(mp.mpf, (a0, c0, S, t))
        v = abs(a0**2 - c0**2)
        omega = mp.sqrt(v**2 + 4 * S**2)
        p0 = mp.tanh(mp.asinh(2 * a0 * c0 / v) / 2)
        theta = mp.tanh(omega * t / 2)
        p = (p0 * omega + (2 * S - v * p0) * theta) / (omega + (2 * S * p0 + v) * theta)
        return float(v * p / (1 - p**2))


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("u0", [2.0, 1e-3, 1e-20])
@pytest.mark.parametrize("s", [2.0, -1.0, 0.0])
def test_flow_with_equal_modes_is_the_logistic_curve(u0, s, complex_):
    root = np.sqrt(u0) * (1 + 0j if complex_ else 1)
    t = np.linspace(0, 25, 41)
    flow = modes.flow(Modes(root, 0.3, root), [s], t)
    z = np.exp(-2 * s * t)
    expected = u0 / (1 + 2 * u0 * t) if s == 0 else u0 * s / (s * z + u0 * (1 - z))
    # A complex u is solved for in absolute terms, a real one keeps its digits however far it decays.
    np.testing.assert_allclose(flow.u, expected, rtol=1e-9, atol=1e-11 * u0 if complex_ else 0)
    np.testing.assert_allclose(flow.a, flow.c, rtol=1e-12, atol=1e-5 * abs(root) if complex_ else 0)
    np.testing.assert_array_equal(flow.b, 0.3)


def test_flow_from_opposite_modes_decays_to_the_saddle_and_never_crosses_it():
    # On a = -c the input-output mode keeps its sign: u -> 0 at rate 2 S(b), however long it takes.
    s = dynamics.inverse_exponential(2.0, 0.6, 5)
    flow = modes.flow(Modes(0.3, 0.2, -0.3), s, [0.0, 5.0, 50.0, 100.0, 400.0])
    assert (flow.u[:-1] < 0).all() and (flow.a >= 0).all()
    np.testing.assert_array_equal(flow.a, -flow.c)
    rate = np.log(flow.u[3] / flow.u[2]) / 50
    np.testing.assert_allclose(rate, -2 * s @ flow.b[3] ** np.arange(4, -1, -1), rtol=1e-9)


@pytest.mark.parametrize(
    ("a0", "c0", "s"),
    [(0.3, 0.1, 2.0), (0.1, -0.7, 1.0), (1.0, -1.0 + 1e-6, 1.0), (1e-9, 1.0, -0.5), (0.0, 0.5, 1.0), (2.0, 1e-30, 1.0)],
)
def test_flow_with_unequal_modes_is_its_closed_form(a0, c0, s):
    t = np.linspace(0, 20, 21)
    flow = modes.flow(Modes(a0, 0.0, c0), [s], t)
    expected = np.array([unbalanced(x, a0, c0, s) for x in t])
    np.testing.assert_allclose(flow.u, expected, rtol=1e-9)
    kept = flow.a**2 - flow.c**2 - (a0 - c0) * (a0 + c0)
    assert np.abs(kept).max() <= 4e-16 * (flow.a**2 + flow.c**2).max()


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("complex_", [False, True])
def test_flow_is_an_explicit_solution_of_the_papers_equations(outputs, complex_):
    """Runge–Kutta of order 8 on the loops above, all three modes, against the reduced system."""
    solve_ivp = pytest.importorskip("scipy.integrate").solve_ivp
    start, s = generic(np.random.default_rng(8), T=4, outputs=outputs, complex_=complex_)
    times, tau = np.array([0.0, 0.3, 0.3, 1.0, 4.0]), 1.7

    def rates(_, y):
        a, b, c = np.ascontiguousarray(y).view(complex)
        A = B = C = 0
        for lag, target in pairs(s, outputs):
            residual = target - c * b**lag * a
            A += np.conj(c * b**lag) * residual
            B += lag * np.conj(c * b ** max(lag - 1, 0) * a) * residual
            C += np.conj(a * b**lag) * residual
        return np.array([A, B, C]).view(float) / tau

    y0 = np.array(start, dtype=complex).view(float)
    witness = solve_ivp(rates, (0, 4), y0, "DOP853", np.unique(times), rtol=1e-12, atol=1e-14).y
    witness = (witness[0::2] + 1j * witness[1::2])[:, [0, 1, 1, 2, 3]]
    flow = np.stack(modes.flow(start, s, times, tau, outputs=outputs))
    np.testing.assert_allclose(flow, witness, rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(flow[:, 0], start)


def test_complex_flow_on_real_values_is_the_real_flow():
    s, t = dynamics.with_last(dynamics.constant(0.8, 6), 1.4), np.linspace(0, 40, 9)
    real = modes.flow(Modes(0.2, 0.3, 0.1), s, t)
    for left, right in zip(modes.flow(Modes(0.2 + 0j, 0.3, 0.1), s, t), real, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9)


@settings(max_examples=20)
@given(st.floats(0, 2 * np.pi), st.floats(0, 2 * np.pi))
def test_complex_flow_turns_with_its_start(phi, psi):
    """E keeps its value under (a, c) -> (a e^(i phi), c e^(-i phi)) and (b, d_i) -> (b e^(i psi), d_i e^(i psi k))."""
    m, d = generic(np.random.default_rng(9), T=3, complex_=True)
    turned = Modes(m.a * np.exp(1j * phi), m.b * np.exp(1j * psi), m.c * np.exp(-1j * phi))
    rotated = d * np.exp(1j * psi * np.array([2, 1, 0]))
    one, other = modes.flow(m, d, [0.5, 3.0]), modes.flow(turned, rotated, [0.5, 3.0])
    np.testing.assert_allclose(other.a, one.a * np.exp(1j * phi), rtol=1e-8)
    np.testing.assert_allclose(other.b, one.b * np.exp(1j * psi), rtol=1e-8)
    np.testing.assert_allclose(other.c, one.c * np.exp(-1j * phi), rtol=1e-8)


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("T", [8, 60])
def test_stiff_flow_reaches_the_zero_loss_solution(T, complex_):
    start = Modes(0.1 + (0.05j if complex_ else 0), 0.3, 0.2)
    flow = modes.flow(start, dynamics.constant(1.5, T), [1e5])
    np.testing.assert_allclose(flow.u, 1.5, rtol=1e-8)
    np.testing.assert_allclose(flow.b, 1.0, rtol=1e-8)


@pytest.mark.parametrize("size", [0.1, 1e-3, 1e-12])
@pytest.mark.parametrize("T", [3, 9])
def test_rotational_tasks_are_learned_from_small_complex_modes(T, size):
    """b turns from anywhere to lam, and ac to a real delta: the imaginary part that vanishes must not hold it up."""
    rng = np.random.default_rng(T)
    phase = np.exp(1j * rng.uniform(0, 2 * np.pi, (3, 4)))
    delta, lam = rng.uniform(0.5, 1.5, 4), rng.uniform(0.6, 1.1, 4) * np.exp(1j * rng.uniform(-0.5, 0.5, 4)) * phase[1]
    start = Modes(size * phase[0], 0.5 * phase[1], size * phase[2])
    flow = modes.flow(start, dynamics.inverse_exponential(delta, lam, T), [1.0, 3e3])
    np.testing.assert_allclose(flow.u[1], delta, rtol=1e-9)
    np.testing.assert_allclose(flow.b[1], lam, rtol=1e-9)


@pytest.mark.parametrize("noise", [0.0, 1e-17, 1e-9])
@pytest.mark.parametrize("start", [Modes(0.5, 0.3, -0.2), Modes(0.0, 0.3, 0.5), Modes(0.5, 0.0, 0.0)])
def test_complex_flow_passes_u_equal_to_zero_as_the_real_one_does(start, noise):
    s, t = np.array([0.3, -0.2, 1.0]), [0.5, 4.0, 60.0]
    real = modes.flow(start, s, t)
    turned = modes.flow(start, s + 1j * noise, t)
    for left, right in zip(turned, real, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=10 * noise)


def test_runaway_flow_keeps_its_accuracy():
    """Dirac dynamics above the transition: b runs off while u vanishes. Two lengths of the way give one state."""
    s = dynamics.dirac_delta(1.6, 0.4, 6)
    start = Modes(0.3, 1.2, 0.1)
    once = modes.flow(start, s, [200.0, 2000.0])
    half = Modes(*(x[0] for x in once))
    twice = modes.flow(half, s, [1800.0])
    assert once.b[1] > once.b[0] > 2
    np.testing.assert_allclose([x[1] for x in once], [x[0] for x in twice], rtol=1e-7)


@pytest.mark.parametrize(("a", "c"), [(0.3, -0.5), (-0.5, 0.2), (0.4, 0.4), (0.4, -0.4)])
def test_the_solver_sees_the_derivatives_of_its_rates(a, c):
    # It looks inside, since a wrong derivative shows in nothing but the time that a stiff flow takes.
    d, h = np.random.default_rng(13).normal(size=4), 1e-6
    chart = _flow._angle(a, 0.3, c, _flow._Sums(d, np.arange(4.0, 0, -1)), 1e-40, 1e-12)
    y = np.array(chart.start)
    slopes = [np.subtract(chart.rates(0, y + h * e), chart.rates(0, y - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(chart.jacobian(0, y), np.transpose(slopes), atol=1e-8)


def test_a_mode_at_rest_stays():
    times = [0.0, 1.0, 1e6]
    for start, s in ((Modes(0.0, 0.7, 0.0), [1.0, 2.0]), (Modes(2.0, 0.5, 0.5), [0.25, 0.5, 1.0])):
        for x, rest in zip(modes.flow(start, s, times), start, strict=True):
            np.testing.assert_allclose(x, rest, rtol=1e-14)
    assert (modes.flow(Modes(0.4, 0.0, 0.4), [2.0, 0.0, 1.0], times).b == 0).all()


def test_times_are_in_units_of_tau_and_need_not_start_at_zero():
    m, s = generic(np.random.default_rng(10), 3, T=4)
    tau = np.array([0.5, 1.0, 4.0])
    flow = modes.flow(m, s, [1.0, 2.0], tau)
    assert flow.a.shape == (2, 3)
    for i in range(3):
        alone = modes.flow(Modes(m.a[i], m.b[i], m.c[i]), s[i], np.array([0.0, 1.0, 1.0, 2.0]) / tau[i])
        np.testing.assert_allclose([x[:, i] for x in flow], [x[[1, 3]] for x in alone], rtol=1e-9)
    for x, start in zip(modes.flow(m, s, [0.0, 0.0]), m, strict=True):
        np.testing.assert_array_equal(x, np.stack([start, start]))


@pytest.mark.parametrize("start", [Modes(0.3, 0.2, 0.1), Modes(0.2, 0.2, 0.2), Modes(0.3 + 0.1j, 0.2, 0.1)])
@pytest.mark.parametrize("failing", [1, 2])
def test_where_one_try_gives_up_the_next_takes_over(start, failing, monkeypatch):
    # It looks inside: whether a try gives up must not depend on finding a problem that no solver likes.
    s, t, march = dynamics.constant(1.0, 4), [0.0, 0.5, 5.0, 5.0], _flow._march
    usual, tries = modes.flow(start, s, t, compiled=False), []

    def stubborn(chart, eps, moments):
        tries.append(eps)
        if len(tries) <= failing:
            raise _flow._GivenUp
        return march(chart, eps, moments)

    monkeypatch.setattr(_flow, "_march", stubborn)
    np.testing.assert_allclose(modes.flow(start, s, t, compiled=False), usual, rtol=1e-8)
    assert len(tries) == 2 and tries[1] > tries[0]


def test_a_row_that_no_solver_finishes_is_nan_and_is_named(monkeypatch):
    m, s = Modes(np.array([[0.3, np.nan, 1e170, 0.0]]), 0.2, 0.1), dynamics.constant(1.0, 4)
    with pytest.warns(RuntimeWarning, match=r"in 1 of 4 rows, NaN now: \(0, 2\)$") as caught:
        flow = modes.flow(m, s, [0.0, 5.0])
    assert len(caught) == 1 and caught[0].filename == __file__
    for x in flow:
        assert np.isnan(x[:, 0, 1:3]).all() and np.isfinite(x[:, 0, [0, 3]]).all()
    monkeypatch.setattr(_flow, "BUDGET", 5)
    with pytest.warns(RuntimeWarning, match=r"in 9 of 9 rows, NaN now: \(0,\), \(1,\), \(2,\), \(3,\), \(4,\), …$"):
        flow = modes.flow(Modes(np.full(9, 0.3), 0.2, 0.1), s, [5.0], compiled=False)
    assert np.isnan(flow).all()
    with pytest.warns(RuntimeWarning, match=r"in 1 of 1 rows, NaN now: \(\)$"):
        modes.flow(Modes(0.3 + 0.1j, 0.2, 0.1), s, [5.0])


@pytest.mark.parametrize("start", [Modes(0.3, 0.2, 0.1), Modes(np.full((2, 3), 0.3), 0.2, 0.1)])
def test_what_the_compiled_solver_gives_up_the_other_takes(start, monkeypatch):
    pytest.importorskip("numba")
    s, t = dynamics.constant(1.0, 4), [0.0, 0.5, 5.0]
    radau = pytest.importorskip("lrnn_helpers.modes._radau")
    want = modes.flow(start, s, t, compiled=False)
    monkeypatch.setattr(radau, "rows", lambda *arguments: None)
    for x, y in zip(modes.flow(start, s, t), want, strict=True):
        np.testing.assert_array_equal(x, y)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    T=st.integers(1, 12),
    kind=st.sampled_from(["last", "all", "coloured"]),
    decades=st.floats(-12, 0),
    rtol=st.sampled_from([1e-9, 1e-7, 1e-4]),
    equal=st.booleans(),
)
def test_the_compiled_flow_is_the_reference_at_the_accuracy_asked_for(seed, T, kind, decades, rtol, equal):
    pytest.importorskip("numba")
    rng = np.random.default_rng(seed)
    a, b, c = 10**decades * rng.normal(size=4), rng.uniform(-0.3, 0.9, 4), 10**decades * rng.normal(size=4)
    start = Modes(a, b, np.abs(a) if equal else c)
    lam = rng.uniform(0.3, 1.1, 4)
    s, how = dynamics.inverse_exponential(rng.uniform(0.5, 1.5, 4), lam, T), {}
    if kind == "all":
        s, how = (
            np.stack([np.tril(lam[0] ** np.abs(np.subtract.outer(np.arange(T), np.arange(T))))] * 4),
            {"outputs": kind},
        )
    elif kind == "coloured":
        root = rng.normal(size=(T, T)) / np.sqrt(T)
        how = {"inputs": np.eye(T) + root @ root.T}
    times = [0.0, 0.3, 0.3, 2.0, 5.0]
    want = modes.flow(start, s, times, compiled=False, rtol=1e-9, **how)
    got = modes.flow(start, s, times, compiled=True, rtol=rtol, **how)
    for x, y in zip(got, want, strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-9 * 10**decades)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_a_row_of_the_flow_depends_on_no_other_and_on_no_thread(threads, monkeypatch):
    pytest.importorskip("numba")
    rng = np.random.default_rng(5)
    start, s = Modes(*rng.normal(size=(3, 13))), rng.normal(size=(13, 6))
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    together = modes.flow(start, s, [0.1, 1.0, 20.0])
    for i in range(13):
        alone = modes.flow(Modes(*(x[i] for x in start)), s[i], [0.1, 1.0, 20.0])
        for x, y in zip(together, alone, strict=True):
            np.testing.assert_array_equal(x[:, i], y)


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_threads_do_not_change_a_bit_of_the_descent(threads, monkeypatch):
    pytest.importorskip("numba")
    rng = np.random.default_rng(6)
    start, s = Modes(*rng.uniform(-0.5, 0.5, (3, 700))), rng.normal(size=(700, 6))
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    got, want = (modes.descend(start, s, 0.01, 2000, compiled=how) for how in (True, False))
    for x, y in zip(got, want, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("bad", [1e-10, 0.0, -1.0, 1.0, 2.0, np.nan, [1e-7, 1e-7]])
def test_flow_refuses_an_accuracy_that_it_cannot_keep(bad):
    with pytest.raises(ValueError, match="rtol must be"):
        modes.flow(GOOD, [1.0], [1.0], rtol=bad)


@pytest.mark.parametrize("rtol", [1e-9, 1e-7, 1e-5, 1e-3])
def test_flow_is_as_accurate_as_is_asked(rtol):
    rng = np.random.default_rng(4)
    s, t = dynamics.inverse_exponential(1.0, rng.uniform(0.6, 1.1, 12), 6), [1.0, 4.0, 30.0]
    start = Modes(*0.3 * rng.normal(size=(3, 12)))
    best = np.array(modes.flow(start, s, t, rtol=1e-9))
    worst = np.abs(np.array(modes.flow(start, s, t, rtol=rtol)) / best - 1).max()
    assert worst <= rtol
    assert rtol < 1e-6 or worst > 0.0  # what is not asked for is not done


# Starts from which flow once was NaN, wrong or an error


def plain(start, s, times, rtol=1e-11, method="LSODA"):
    """A stock solver on (5)-(7) or (182)-(184) as they stand."""
    from scipy.integrate import solve_ivp

    def rates(_, y):
        return np.array(modes.velocity(Modes(*y.view(complex)), s), dtype=complex).view(float)

    solution = solve_ivp(
        rates, (0, times[-1]), np.array(start, dtype=complex).view(float), method, times, rtol=rtol, atol=1e-3 * rtol
    )
    assert solution.success
    return solution.y[0::2] + 1j * solution.y[1::2]


@pytest.mark.parametrize("a_first", [True, False])
@pytest.mark.parametrize(("b", "s"), [(-1 + 1e-9, [1, 1]), (0.5, [1, -0.5 + 1e-9]), (0.5, [-1, 0.5 - 1e-9])])
def test_flow_where_the_data_cancel(a_first, b, s):
    """S(b) = 1e-9 and one of a, c is 0: a regular point, where rounding leaves six digits of the smaller mode."""
    mp = pytest.importorskip("mpmath")
    with mp.workdps(40):
        (s1, s2), b0 = map(mp.mpf, s), mp.mpf(b)

        def rates(_, y):
            a, b, c = y
            r = s2 - c * a, s1 - c * b * a
            return [c * (r[0] + b * r[1]), c * a * r[1], a * (r[0] + b * r[1])]

        exact = [float(x) for x in mp.odefun(rates, 0, [mp.mpf(0.5), b0, 0])(1)]
    flow = modes.flow(Modes(0.5, b, 0.0) if a_first else Modes(0.0, b, 0.5), s, [1.0])
    np.testing.assert_allclose(np.ravel(flow), exact if a_first else exact[::-1], rtol=1e-7, atol=5e-16)


@pytest.mark.parametrize(("T", "c", "end"), [(40, 5.9e-8, 1e5), (100, 6.8e-9, 100.0), (100, 2e-8, 1e3)])
def test_flow_runs_away_from_the_edge(T, c, end):
    """From b = -1, where an even number of equal data cancels, b runs off and u follows it to nothing."""
    s = np.full(T, -0.51)
    flow = modes.flow(Modes(0.42, -1.0, c), s, [0.0, end / 2, end])
    k = np.arange(T)
    for t in (1, 2):
        S, B = (s[::-1] * flow.b[t] ** k).sum(), (flow.b[t] ** (2 * k)).sum()
        np.testing.assert_allclose(flow.u[t], S / B, rtol=1e-4)
    # With u at its best the flow is one of b alone: b' = -dE*/db, E* = -S^2 / 2B.
    from scipy.integrate import solve_ivp

    def slow(_, b):
        power = b ** (k - T + 1.0)  # over b^(T-1), so that none overflows
        S, B = s[::-1] @ power, power @ power
        dS, dB = (k * s[::-1]) @ power / b, 2 * (k * power) @ power / b
        return S * dS / B - S**2 * dB / (2 * B**2)

    expected = solve_ivp(slow, (0, end / 2), flow.b[1:2], "DOP853", rtol=1e-10, atol=1e-10).y[0, -1]
    np.testing.assert_allclose(flow.b[2], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("start", "s", "end"),
    [
        (Modes(0.0249 - 0.4994j, 0.7836 + 0.6212j, -0.4995 + 0.0229j), dynamics.dirac_delta(1.55, 0.48, 5), 1e5),
        (Modes(-0.1234 - 0.1169j, 0.5848 + 0.8112j, -0.1443 + 0.0898j), dynamics.dirac_delta(1.69, 0.9, 8), 1e3),
        (
            Modes(0.0524 - 0.1445j, 0.0309 + 0.856j, -0.3976 - 0.0173j),
            [1.81, 0.785, 1.799, 1.359, 0.239, -1.254, 1.467, 0.729, 0.501],
            1e3,
        ),
    ],
)
def test_complex_flow_runs_away(start, s, end):
    flow, stock = np.array(modes.flow(start, s, [end / 100, end])), plain(start, s, [end / 100, end])
    np.testing.assert_allclose(flow, stock, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("phase", [1.0, 1j])
@pytest.mark.parametrize(
    ("a0", "c0", "t"),
    [
        (1e-170, 1e-170, 300.0),
        (1e-170, 1e-170, 1000.0),
        (1e-161, 1e-161, 100.0),
        (1e-161, -1e-161, 100.0),
        (1e-170, 2e-170, 1.0),
        (1e-170, 2e-170, 1000.0),
        (1e-320, 1.0, 1.0),
        (1.0, 1e-320, 1.0),
        (1e6, 1e6, 1.0),
        (1e6, 2e6, 1.0),
    ],
)
def test_flow_at_any_size_is_its_closed_form(a0, c0, t, phase):
    mp = pytest.importorskip("mpmath")
    with mp.workdps(700):
        a, c, t_ = map(mp.mpf, (a0, c0, t))
        # w = exp(2 theta) solves a Riccati equation, w' = (y + 4 w - x w^2) / 2 where S = B = 1.
        x, y = (a + c) ** 2, (a - c) ** 2
        omega = mp.sqrt(1 + x * y / 4)
        sinh = mp.sinh(omega * t_) / omega
        w = (mp.cosh(omega * t_) + (1 + y / 2) * sinh) / (mp.cosh(omega * t_) + (x / 2 - 1) * sinh)
        root = mp.sqrt(w)
        exact = [float(((a + c) * root + side * (a - c) / root) / 2) for side in (1, -1)]
    if phase != 1 and a0 == -c0:
        pytest.skip("the saddle repels phases: what rounding makes of one grows")
    flow = modes.flow(Modes(a0 * phase, 0.5, c0 / phase), [1.0], [t])
    np.testing.assert_allclose(flow.a[0] / phase, exact[0], rtol=1e-7)
    np.testing.assert_allclose(flow.c[0] * phase, exact[1], rtol=1e-7)
    np.testing.assert_allclose(flow.b, 0.5, rtol=1e-12)


@pytest.mark.parametrize("c", [1e6, 2e6])
def test_flow_from_a_million(c):
    """The first move is of 1e-24 of a unit of time, and stiff."""
    start, s = Modes(1e6, 0.5, c), [1.0, 1.0]
    turned = Modes(1e6 * np.exp(0.3j), 0.5j, c * np.exp(-0.3j))
    flow, other = modes.flow(start, s, [1e-26, 1e-3, 1.0]), modes.flow(turned, [1j, 1.0], [1e-26, 1e-3, 1.0])
    for x, z in zip(flow, other, strict=True):
        np.testing.assert_allclose(np.abs(z), x, rtol=1e-7)
    np.testing.assert_allclose(flow.b[0], 0.5 * np.exp(-1e-26 * (1e6 * c) ** 2), rtol=1e-7)


def test_a_huge_row_leaves_the_batch_alone():
    m, s = Modes(np.array([0.3, 1e160, 0.2]), 0.5, np.array([0.1, 1e160, 0.4])), [1.0]
    with pytest.warns(RuntimeWarning, match=r"\(1,\)"):
        flow = modes.flow(m, s, [1.0])
    for x, y in zip(flow, modes.flow(Modes(m.a[[0, 2]], 0.5, m.c[[0, 2]]), s, [1.0]), strict=True):
        np.testing.assert_array_equal(x[:, [0, 2]], y)


@pytest.mark.parametrize("size", [0.3, 1e-6, 1e-12])
@pytest.mark.parametrize("zero", ["a", "b", "c", "ab", "bc"])
def test_complex_flow_starts_from_zero(zero, size):
    """What is zero goes where the data push it, and the task is learned; b stays where they do not."""
    lam = 0.8 * np.exp(0.9j)
    start = Modes(*(0.0 if name in zero else size * z for name, z in zip("abc", (1j, 0.3, 1 + 1j), strict=True)))
    flow = modes.flow(start, dynamics.inverse_exponential(1.2, lam, 5), [0.0, 1e-9, 100.0])
    np.testing.assert_allclose([flow.u[2], flow.b[2]], [1.2, lam], rtol=1e-8)
    at_rest = modes.flow(start._replace(b=0.0), [1.0, 1j, 0.0, 1.0], [100.0])
    np.testing.assert_allclose([at_rest.u[0], at_rest.b[0]], [1.0, 0.0], rtol=1e-8)


def test_complex_flow_through_zero_by_the_plain_equations():
    """Turned by a phase, this is a real flow whose b changes sign: no logarithm gets there."""
    start, s, t = Modes(0.7, -0.8, 1.4), [0.7, 0.8, 1.2], [0.5, 2.0, 40.0]
    real = modes.flow(start, s, t)
    assert real.b[0] * start.b > 0 > real.b[-1] * start.b
    turn = np.exp(0.4j)
    flow = modes.flow(Modes(start.a * turn, start.b, start.c / turn), s, t)
    np.testing.assert_allclose([flow.a / turn, flow.b, flow.c * turn], real, rtol=1e-7)


def test_complex_b_decays_below_the_floats():
    flow = modes.flow(Modes(0.5 + 0.1j, 0.3 + 0.2j, 0.4), [0.0, 0.0, 1.0], [10.0, 300.0, 3000.0])
    np.testing.assert_allclose(flow.u[1:], 1.0, rtol=1e-9)
    assert 0 < abs(flow.b[1]) < 1e-100 and flow.b[2] == 0


# Descent


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("complex_", [False, True])
def test_descent_takes_simultaneous_steps(outputs, complex_):
    m, s = generic(np.random.default_rng(11), T=3, outputs=outputs, complex_=complex_)
    path, eta = [tuple(m)], 0.02
    for _ in range(7):
        a, b, c = path[-1]
        A = B = C = 0
        for lag, target in pairs(s, outputs):
            residual = target - c * b**lag * a
            A += np.conj(c * b**lag) * residual
            B += lag * np.conj(c * b ** max(lag - 1, 0) * a) * residual
            C += np.conj(a * b**lag) * residual
        path.append((a + eta * A, b + eta * B, c + eta * C))
    records = modes.descend(m, s, eta, 7, record_every=3, outputs=outputs)
    np.testing.assert_allclose(np.stack(records, axis=-1), np.array(path)[[0, 3, 6]], rtol=1e-12)
    np.testing.assert_allclose(modes.descend(m, s, eta, 7, outputs=outputs), path[-1], rtol=1e-12)
    np.testing.assert_array_equal(modes.descend(m, s, eta, 0, outputs=outputs), m)
    assert modes.descend(m, s, eta, 0, record_every=2, outputs=outputs).a.shape == (1,)
    for steps in (1, 2):
        np.testing.assert_allclose(modes.descend(m, s, eta, steps, outputs=outputs), path[steps], rtol=1e-12)
        records = modes.descend(m, s, eta, steps, record_every=1, outputs=outputs)
        np.testing.assert_allclose(np.stack(records, axis=-1), np.array(path)[: steps + 1], rtol=1e-12)


def test_descent_follows_the_flow_up_to_an_error_linear_in_the_rate():
    m, s = Modes(0.3, 0.4, 0.2), dynamics.inverse_exponential(1.2, 0.7, 5)
    exact = np.array(modes.flow(m, s, [1.5]))[:, 0]
    gaps = [np.abs(np.array(modes.descend(m, s, 1.5 / n, n)) - exact).max() for n in (1000, 2000, 4000)]
    assert 1e-6 < gaps[2] < 1e-3
    np.testing.assert_allclose([gaps[0] / gaps[1], gaps[1] / gaps[2]], 2, rtol=5e-3)


def test_a_descent_that_diverges_is_nan_from_there_on():
    s, eta = dynamics.constant(1.0, 6), np.array([0.01, 5.0, 0.02])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        records = modes.descend(Modes(0.5, 0.9, 0.5), s, eta, 60, record_every=1)
    lost = np.isnan(records.a[:, 1])
    assert not lost[0] and lost[-1] and (np.diff(lost.astype(int)) >= 0).all()
    for x in records:
        np.testing.assert_array_equal(np.isnan(x[:, 1]), lost)
        assert np.isfinite(x[:, [0, 2]]).all() and not np.isinf(x).any()
    np.testing.assert_array_equal(records.a[:, 2], modes.descend(Modes(0.5, 0.9, 0.5), s, 0.02, 60, record_every=1).a)


def test_arguments_are_left_alone():
    m, s = generic(np.random.default_rng(12), 2, T=3)
    copies = [x.copy() for x in (*m, s)]
    for call in CALLS.values():
        call(m, s, 1.0)
    for x, y in zip((*m, s), copies, strict=True):
        np.testing.assert_array_equal(x, y)
    last = modes.descend(m, s, 0.1, 0)
    assert not np.shares_memory(last.a, m.a)


# What is refused

GOOD = Modes(0.1, 0.2, 0.3)
EACH = [
    lambda m, s, **kw: modes.energy(m, s, **kw),
    lambda m, s, **kw: modes.energy_terms(m, s, **kw),
    lambda m, s, **kw: modes.velocity(m, s, **kw),
    lambda m, s, **kw: modes.hessian(m, s, **kw),
    lambda m, s, **kw: modes.sharpness(m, s, **kw),
    lambda m, s, **kw: modes.stable_rate(m, s, **kw),
    lambda m, s, **kw: modes.flow(m, s, [0.0, 1.0], **kw),
    lambda m, s, **kw: modes.descend(m, s, 0.1, 2, **kw),
]


@pytest.mark.parametrize("call", EACH)
@pytest.mark.parametrize(
    ("m", "s", "outputs", "error", "message"),
    [
        (GOOD, [], "last", ValueError, r"s must end in an axis of length T >= 1, got shape \(0,\)"),
        (GOOD, 1.0, "last", ValueError, r"s must end in an axis of length T >= 1, got shape \(\)"),
        (GOOD, [1, np.nan], "last", ValueError, r"s must be finite, got nan at index \(1,\)"),
        (GOOD, ["x"], "last", TypeError, "s must hold numbers"),
        (GOOD, np.ones((3, 2)), "all", ValueError, r"s must end in two axes \(T, T\)"),
        (GOOD, np.ones(3), "all", ValueError, r"s must end in two axes \(T, T\)"),
        (GOOD, np.ones((3, 3)), "all", ValueError, r"s must be lower-triangular .* got 1.0 at index \(0, 1\)"),
        (GOOD, [1.0], "first", ValueError, 'outputs must be "last" or "all", got \'first\''),
        (Modes([1, 2], [1, 2, 3], 0), [1.0], "last", ValueError, r"got modes.a \(2,\), modes.b \(3,\), modes.c \(\)"),
        (Modes([1, 2], 0, 0), np.ones((3, 4)), "last", ValueError, r"s \(3,\)"),
        (Modes([1, 2], 0, 0), np.zeros((3, 4, 4)), "all", ValueError, r"s \(3,\)"),
        (Modes("x", 0, 0), [1.0], "last", TypeError, "modes.a must hold numbers"),
        ([0.1, 0.2, 0.3], [1.0], "last", TypeError, r"modes must be Modes\(a, b, c\), got"),
        ((0.1, 0.2), [1.0], "last", TypeError, r"modes must be Modes\(a, b, c\), got"),
        (Modes(None, 0.2, 0.3), [1.0], "last", TypeError, "modes.a must hold numbers, got None"),
        (Modes(0.1, [0.2, None], 0.3), [1.0], "last", TypeError, r"modes.b must hold numbers, got \[0.2, None\]"),
        (GOOD, None, "last", TypeError, "s must hold numbers, got None"),
        (GOOD, [1.0, None], "last", TypeError, r"s must hold numbers, got \[1.0, None\]"),
        (GOOD, [10**400, 1], "last", ValueError, "s must hold floats, got a number beyond their range"),
        (GOOD, [1.0], np.array(["last", "last"]), ValueError, 'outputs must be "last" or "all", got array'),
        (GOOD, [1.0], None, ValueError, 'outputs must be "last" or "all", got None'),
    ],
)
def test_every_function_refuses_what_none_can_use(call, m, s, outputs, error, message):
    with pytest.raises(error, match=message):
        call(m, s, outputs=outputs)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: modes.energy(GOOD, [1.0], 0.0), ValueError, "tau must be > 0, got 0.0"),
        (lambda: modes.energy_terms(GOOD, [1.0], [1.0, -2.0]), ValueError, "tau must be > 0, got -2.0"),
        (lambda: modes.velocity(GOOD, [1.0], np.inf), ValueError, "tau must be finite"),
        (lambda: modes.flow(GOOD, [1.0], [1.0], 1j), TypeError, "tau must be real"),
        (lambda: modes.velocity(Modes([1, 2], 0, 0), [1.0], np.ones(3)), ValueError, r"tau \(3,\)"),
        (
            lambda: modes.flow(GOOD, [1.0], []),
            ValueError,
            r"times must be one-dimensional and not empty, got shape \(0,\)",
        ),
        (
            lambda: modes.flow(GOOD, [1.0], 1.0),
            ValueError,
            r"times must be one-dimensional and not empty, got shape \(\)",
        ),
        (lambda: modes.flow(GOOD, [1.0], [[0.0, 1.0]]), ValueError, "times must be one-dimensional"),
        (lambda: modes.flow(GOOD, [1.0], [-1.0, 0.0]), ValueError, "times must be >= 0, got -1.0"),
        (lambda: modes.flow(GOOD, [1.0], [0.0, 2.0, 1.0]), ValueError, "times must be nondecreasing, got 2.0 before"),
        (lambda: modes.flow(GOOD, [1.0], [0.0, np.inf]), ValueError, "times must be finite"),
        (lambda: modes.flow(GOOD, [1.0], [1j]), TypeError, "times must be real"),
        (lambda: modes.flow(GOOD, [1.0], None), TypeError, "times must hold numbers, got None"),
        (lambda: modes.energy(GOOD, [1.0], None), TypeError, "tau must hold numbers, got None"),
        (lambda: modes.descend(GOOD, [1.0], 10**400, 3), ValueError, "learning_rate must hold floats"),
        (lambda: modes.descend(GOOD, [1.0], 0.0, 3), ValueError, "learning_rate must be > 0, got 0.0"),
        (lambda: modes.descend(GOOD, [1.0], np.nan, 3), ValueError, "learning_rate must be finite"),
        (lambda: modes.descend(Modes([1, 2], 0, 0), [1.0], np.ones(3), 3), ValueError, r"learning_rate \(3,\)"),
        (lambda: modes.descend(GOOD, [1.0], 0.1, -1), ValueError, "steps must be an integer >= 0, got -1"),
        (lambda: modes.descend(GOOD, [1.0], 0.1, 2.5), TypeError, "steps must be an integer, got 2.5"),
        (lambda: modes.descend(GOOD, [1.0], 0.1, 3, 0), ValueError, "record_every must be an integer >= 1, got 0"),
        (lambda: modes.best([]), ValueError, r"s must end in an axis of length T >= 1, got shape \(0,\)"),
        (lambda: modes.best([1.0, np.nan]), ValueError, "s must be finite"),
        (lambda: modes.best(np.ones((3, 3)), outputs="all"), ValueError, "s must be lower-triangular"),
        (lambda: modes.best([1j, 2.0]), TypeError, "s must be real for best, .* not the roots of one polynomial"),
    ],
)
def test_errors_name_the_argument_the_rule_and_what_was_received(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_importing_the_modes_does_not_import_torch():
    import subprocess
    import sys

    code = "import sys; import lrnn_helpers.modes, lrnn_helpers.dynamics; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize(("T", "record_every"), [(1, None), (2, 7), (5, None), (6, 1), (13, 7)])
def test_compiled_descent_gives_the_same_bits(outputs, T, record_every):
    rng = np.random.default_rng(3)
    s = rng.normal(size=(300, T, T) if outputs == "all" else (300, T))
    s = np.tril(s) if outputs == "all" else s
    start = Modes(*rng.normal(size=(3, 2, 300)))
    start.b[1, 7] = np.nan
    rate = rng.uniform(0.001, 0.05, 300)
    rate[:20] = 5.0  # some diverge
    ways = [
        modes.descend(start, s, rate, 60, record_every, outputs=outputs, compiled=compiled)
        for compiled in (True, False)
    ]
    assert np.isnan(ways[0].a).any()
    assert np.isfinite(ways[0].a).any()
    for got, want in zip(*ways, strict=True):
        np.testing.assert_array_equal(got, want)
    one = modes.descend(Modes(*(x[1, 250] for x in start)), s[250], rate[250], 60, outputs=outputs, compiled=True)
    last = Modes(*(x[1, 250] for x in ways[0])) if record_every is None else None
    if last is not None:
        np.testing.assert_array_equal(one, last)


def test_compiled_descent_is_refused_where_it_cannot_be():
    with pytest.raises(ValueError, match="compiled=True needs real modes, s and inputs, got complex"):
        modes.descend(Modes(0.1 + 0.1j, 0.2, 0.3), np.ones(3), 0.1, 5, compiled=True)
    with pytest.raises(ValueError, match="compiled must be True, False or None, got 1"):
        modes.descend(Modes(0.1, 0.2, 0.3), np.ones(3), 0.1, 5, compiled=1)
    complex_ones = modes.descend(Modes(0.1 + 0.1j, 0.2, 0.3), np.ones(3), 0.1, 5)
    assert np.iscomplexobj(complex_ones.a)


def test_compiled_descent_takes_axes_that_are_broadcast():
    rng = np.random.default_rng(4)
    s, rate = rng.normal(size=(3, 1, 5)), rng.uniform(0.01, 0.05, (3, 1))
    a, b, c = rng.normal(size=(3, 4))
    got, want = (modes.descend(Modes(a, b, c), s, rate, 50, compiled=compiled) for compiled in (True, False))
    for g, w in zip(got, want, strict=True):
        assert g.shape == (3, 4)
        np.testing.assert_array_equal(g, w)
    assert (got.a != a).all()


@pytest.mark.parametrize("s", [[1.0, 2.0, 0.5], [2.0, 0.0, 1.0], [1.0, 0.5, 0.2, 0.3], [1.0, 2.0]])
@pytest.mark.parametrize("c", [0.5, 0.7, -0.3, 0.5 + 0.2j])
@pytest.mark.parametrize("b", [1e-45, 1e-200, -1e-300, 5e-324])
def test_flow_from_a_recurrent_mode_next_to_nothing(s, c, b):
    """The data move it as they move b = 0, or, where they do not, it grows in proportion."""
    a = 0.5 if np.isrealobj(c) else 0.5 - 0.1j
    got, zero = (modes.flow(Modes(a, start, c), s, [0, 1.0, 5.0]) for start in (b, 0.0))
    if s[-2]:
        np.testing.assert_allclose(got.b[1:], zero.b[1:], rtol=1e-7)
    else:
        np.testing.assert_allclose(got.a, zero.a, rtol=1e-7)
        assert (np.abs(got.b) < 1e-30).all()
