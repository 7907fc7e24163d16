"""Modes of inputs that are not white: against networks on samples, against sympy, and against the white case."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
import torch
from scipy.integrate import solve_ivp

from lrnn_helpers import _lags, autograd, bases, modes, network, solutions, symbolic, tasks, training
from lrnn_helpers.modes import Modes

OUTPUTS = ("last", "all")


def covariance(rng, *shape, T, complex_=False, rank=None):
    X = rng.normal(size=(*shape, T, rank or 2 * T))
    X = X + 1j * rng.normal(size=X.shape) if complex_ else X
    return X @ np.swapaxes(X.conj(), -2, -1) / X.shape[-1]


def generic(rng, *shape, T=5, outputs="last", complex_=False):
    """Random modes, weights and covariances with leading axes `shape`."""

    def draw(*size):
        return rng.normal(size=size) + (1j * rng.normal(size=size) if complex_ else 0)

    s = draw(*shape, T) if outputs == "last" else np.tril(draw(*shape, T, T))
    return Modes(*(0.7 * draw(*shape) for _ in "abc")), s, covariance(rng, *shape, T=T, complex_=complex_)


def rows_of(s, outputs):
    return [s] if outputs == "last" else [s[t, : t + 1] for t in range(len(s))]


def literal(a, b, c, s, C, outputs):
    """tau E as the mean of the squared errors, summed over outputs, entry by entry."""
    total = 0
    for row in rows_of(s, outputs):
        gap = [w - c * b ** (len(row) - 1 - i) * a for i, w in enumerate(row)]
        total = total + sum(C[i, j] * gap[i].conj() * gap[j] for i, j in np.ndindex(len(row), len(row))) / 2
    return total.real


# Against networks on samples


def network_and_samples(seed, T, N, outputs):
    """An aligned network, and samples whose inputs have a covariance of their own along each dimension, exactly."""
    rng = np.random.default_rng(seed)
    U, R, V = (bases.random_orthogonal(n, rng) for n in (N + 1, N + 2, N))
    m = Modes(*rng.uniform(0.3, 0.9, (3, N)))
    C = covariance(rng, N, T=T)
    s = rng.normal(size=(N, T)) if outputs == "last" else np.tril(rng.normal(size=(N, T, T)))
    z, _ = np.linalg.qr(rng.normal(size=(N * T + 3, N * T)))  # columns as they are: covariance 1
    z = np.einsum("pna,nta->pnt", z.reshape(-1, N, T), np.linalg.cholesky(C))
    answer = np.einsum("pni,ni->pn" if outputs == "last" else "pni,nti->ptn", z, s)
    x, y = np.einsum("xn,pnt->ptx", V, z), answer @ U[:, :N].T
    return m, s, C, network.aligned_weights(m, U, R, V), tasks.Task(x, y), (U, R, V)


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize(("T", "N"), [(1, 2), (2, 1), (4, 3), (7, 2)])
def test_energy_and_velocity_are_the_loss_and_the_gradient_of_a_network(T, N, outputs):
    m, s, C, weights, task, vectors = network_and_samples(T, T, N, outputs)
    net = autograd.LinearRNN(weights, outputs=outputs)
    loss = 0.5 * ((torch.as_tensor(task.y) - net(task.x)) ** 2).sum()
    assert modes.energy(m, s, outputs=outputs, inputs=C).sum() == pytest.approx(float(loss.detach()), rel=1e-12)
    loss.backward()
    # Of a single step W_h has no part, and no gradient.
    down = network.Weights(*(0 * w.detach() if w.grad is None else -w.grad for w in (net.Wx, net.Wh, net.Wy)))
    U, R, V = vectors
    # The gradient stays in the singular vectors, so that an aligned network stays aligned.
    rate = modes.velocity(m, s, outputs=outputs, inputs=C)
    for got, want in zip(network.aligned_weights(rate, U, R, V), down, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_descent_is_the_training_of_a_network_by_backpropagation(outputs):
    m, s, C, weights, task, vectors = network_and_samples(5, 4, 3, outputs)
    rate = 0.3 * modes.stable_rate(m, s, outputs=outputs, inputs=C).min()
    history = training.train(weights, task, rate, 300, method="autograd", record_every=100)
    predicted = modes.descend(m, s, rate, 300, record_every=100, outputs=outputs, inputs=C)
    for got, want in zip(predicted, network.recover_modes(history.weights, *vectors), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)
    loss = modes.energy(predicted, s, outputs=outputs, inputs=C).sum(axis=-1)
    np.testing.assert_allclose(loss, history.loss, rtol=1e-9)
    assert loss[-1] < 0.9 * loss[0]


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_extrapolation_error_is_the_loss_of_the_network_on_longer_samples(outputs):
    m, s, C, weights, task, _ = network_and_samples(6, 6, 2, outputs)
    error = 0.5 * ((network.forward(weights, task.x, outputs=outputs) - task.y) ** 2).sum()
    got = solutions.extrapolation_error(m.u, m.b, s, outputs=outputs, inputs=C)
    assert got.sum() == pytest.approx(error, rel=1e-12)


# Against sympy


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("T", [1, 2, 3, 4])
def test_energy_velocity_and_hessian_are_sympys(T, outputs):
    m, s, C = generic(np.random.default_rng(T), T=T, outputs=outputs)
    tau = 1.7
    values = symbolic.data(T) if outputs == "last" else [x for row in symbolic.data_matrix(T) for x in row if x != 0]
    matrix = symbolic.covariance(T)
    E = symbolic.energy(T, outputs, matrix)
    abc = (symbolic.a, symbolic.b, symbolic.c)
    forms = [E, list(symbolic.velocity(T, outputs, matrix)), sp.hessian(symbolic.tau * E, abc).tolist()]
    entries = s if outputs == "last" else s[np.tril_indices(T)]
    upper = np.triu_indices(T)
    numbers = [*m, tau, *entries, *C[upper]]
    f = sp.lambdify([*abc, symbolic.tau, *values, *(matrix[i, j] for i, j in zip(*upper, strict=True))], forms)
    energy, velocity, hessian = f(*map(float, numbers))
    assert modes.energy(m, s, tau, outputs=outputs, inputs=C) == pytest.approx(energy, rel=1e-12)
    assert sum(modes.energy_terms(m, s, tau, outputs=outputs, inputs=C)) == pytest.approx(energy, rel=1e-12)
    np.testing.assert_allclose(modes.velocity(m, s, tau, outputs=outputs, inputs=C), velocity, rtol=1e-12)
    H = modes.hessian(m, s, outputs=outputs, inputs=C)
    np.testing.assert_allclose(H, hessian, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(H, H.T)
    assert modes.sharpness(m, s, outputs=outputs, inputs=C) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-12)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_a_squared_minus_c_squared_is_conserved_whatever_the_inputs(outputs):
    da, _, dc = symbolic.velocity(3, outputs, symbolic.covariance(3))
    assert symbolic.vanishes(symbolic.a * da - symbolic.c * dc)
    assert not symbolic.vanishes(symbolic.a * da + symbolic.c * dc)


def test_white_inputs_are_those_of_the_identity_in_sympy():
    for outputs in OUTPUTS:
        gap = symbolic.energy(3, outputs, sp.eye(3)) - symbolic.energy(3, outputs)
        assert symbolic.vanishes(gap)


# Complex numbers


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("T", [1, 2, 5])
def test_complex_modes_follow_autograd(T, outputs):
    m, s, C = generic(np.random.default_rng(T), T=T, outputs=outputs, complex_=True)
    if T == 2:
        C = C.real  # modes may be complex where inputs are not

    def tau_energy(y):
        a, b, c = torch.complex(y[0::2], y[1::2])
        total = 0
        for row in rows_of(s, outputs):
            k = len(row)
            powers = torch.stack([b**0 if k - 1 == i else b ** (k - 1 - i) for i in range(k)])
            gap = torch.as_tensor(row) - c * powers * a
            total = total + (gap.conj() @ torch.as_tensor(C[:k, :k]).to(gap.dtype) @ gap).real / 2
        return total

    point = torch.tensor(np.array(m).view(float), requires_grad=True)
    value = tau_energy(point)
    assert modes.energy(m, s, outputs=outputs, inputs=C) == pytest.approx(float(value.detach()), rel=1e-12)
    assert literal(*m, s, C, outputs) == pytest.approx(float(value.detach()), rel=1e-12)
    down = -torch.autograd.grad(value, point)[0].numpy().view(complex)
    np.testing.assert_allclose(modes.velocity(m, s, outputs=outputs, inputs=C), down, rtol=1e-11, atol=1e-13)
    H = torch.func.hessian(tau_energy)(point.detach()).numpy()
    np.testing.assert_allclose(modes.hessian(m, s, outputs=outputs, inputs=C), H, rtol=1e-11, atol=1e-12)
    parts = modes.energy_terms(m, s, outputs=outputs, inputs=C)
    assert sum(parts) == pytest.approx(float(value.detach()), rel=1e-12)
    step = modes.descend(m, s, 1e-3, 1, outputs=outputs, inputs=C)
    np.testing.assert_allclose(step, np.array(m) + 1e-3 * down, rtol=1e-12)


def test_complex_inputs_are_those_of_real_networks_that_rotate():
    """Samples of two real channels, seen along the eigenvector of a rotation: C_ij is the mean of x_i* x_j."""
    rng = np.random.default_rng(4)
    P = bases.rotation_basis(2)
    d = rng.normal(size=5) + 1j * rng.normal(size=5)
    m = Modes(*(rng.normal(size=3) + 1j * rng.normal(size=3)))
    pair = Modes(*(np.array([z, np.conj(z)]) for z in m))
    x = rng.normal(size=(40, 5, 2)) @ rng.normal(size=(2, 2))
    along = x @ P.conj()  # P^dagger x, by sample and time
    # Both columns of P count; the second is the first, conjugated, and where they mix there is more than modes.
    C = along[..., 0].conj().T @ along[..., 0]
    y = np.real((along[..., 0] @ d)[:, None] * P[:, 0] + (along[..., 1] @ d.conj())[:, None] * P[:, 1])
    error = 0.5 * ((network.forward(network.rotational_weights(pair, P), x) - y) ** 2).sum()
    both = modes.energy(m, d, inputs=C) + modes.energy(Modes(*np.conj(m)), d.conj(), inputs=C.conj())
    assert both == pytest.approx(error, rel=1e-12)


# The flow


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("T", [1, 2, 4])
def test_flow_is_the_solution_of_the_velocity(T, complex_, outputs):
    rng = np.random.default_rng(T)
    for kind in ("any", "a = c", "small", "inputs alone complex"):
        m, s, C = generic(rng, T=T, outputs=outputs, complex_=complex_ or kind == "inputs alone complex")
        if kind == "inputs alone complex":
            m, s = Modes(*(z.real for z in m)), s.real
        m = {"a = c": m._replace(c=m.a), "small": Modes(*(1e-3 * z for z in m))}.get(kind, m)
        s = s / np.linalg.norm(s)  # so that nothing is stiff, and an explicit solver can be the witness
        start = np.array(m, dtype=np.result_type(*m, s, C))

        def rates(_, y, s=s, C=C):
            return np.array(modes.velocity(Modes(*y), s, 1.4, outputs=outputs, inputs=C))

        times = [0.0, 0.5, 3.0]
        want = solve_ivp(rates, (0, 3), start, "DOP853", times, rtol=1e-12, atol=1e-14).y
        got = modes.flow(m, s, times, 1.4, outputs=outputs, inputs=C)
        np.testing.assert_allclose(np.array(got), want, rtol=1e-7, atol=1e-9)
        conserved = abs(got.a) ** 2 - abs(got.c) ** 2
        np.testing.assert_allclose(conserved, conserved[0], atol=1e-13)


def test_descent_follows_the_flow_up_to_an_error_linear_in_the_rate():
    _, s, C = generic(np.random.default_rng(5), T=5)
    m = Modes(0.3, 0.4, 0.2)
    exact = np.array(modes.flow(m, s, [1.5], inputs=C))[:, 0]
    gaps = [np.abs(np.array(modes.descend(m, s, 1.5 / n, n, inputs=C)) - exact).max() for n in (1000, 2000, 4000)]
    assert 1e-7 < gaps[2] < 1e-2
    np.testing.assert_allclose([gaps[0] / gaps[1], gaps[1] / gaps[2]], 2, rtol=2e-2)


def test_flow_ends_at_the_best_modes_where_it_starts_near_them():
    C = 0.7 ** np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    s = 0.8 ** np.arange(5, -1, -1) + 0.2 * np.random.default_rng(6).normal(size=(6, 6))
    best = modes.best(s, inputs=C)
    size = np.sqrt(best.u)
    end = modes.flow(Modes(size, best.b + 1e-2, size), s, [0.0, 200.0], inputs=C)
    np.testing.assert_allclose([end.u[-1], end.b[-1]], [best.u, best.b], rtol=1e-7)


# The white case, batches, and rounding


CALLS = {
    "energy": lambda m, s, **kw: modes.energy(m, s, 1.3, **kw),
    "energy_terms": lambda m, s, **kw: np.stack(modes.energy_terms(m, s, 1.3, **kw), axis=-1),
    "velocity": lambda m, s, **kw: np.stack(modes.velocity(m, s, 1.3, **kw), axis=-1),
    "descend": lambda m, s, **kw: np.stack(modes.descend(m, s, 0.002, 40, **kw), axis=-1),
    "flow": lambda m, s, **kw: np.stack([x[-1] for x in modes.flow(m, s, [0.3, 1.0], **kw)], axis=-1),
    "hessian": lambda m, s, **kw: modes.hessian(m, s, **kw),
    "sharpness": lambda m, s, **kw: modes.sharpness(m, s, **kw),
    "stable_rate": lambda m, s, **kw: modes.stable_rate(m, s, **kw),
    "extrapolation_error": lambda m, s, **kw: solutions.extrapolation_error(m.u, m.b, s, **kw),
    "input_output_mode": lambda m, s, **kw: solutions.input_output_mode(0.4, abs(m.u), m.b, s, **kw),
    "input_output_mode_unbalanced": lambda m, s, **kw: solutions.input_output_mode_unbalanced(
        0.4, m.a, m.c, m.b, s, **kw
    ),
}
REAL = {
    "best": lambda m, s, **kw: np.stack(modes.best(s, **kw), axis=-1),
    "energy_derivative": lambda m, s, **kw: solutions.energy_derivative(2, m.u, m.b, s, **kw),
    "recurrent_series": lambda m, s, **kw: solutions.recurrent_series(m.b, m.u, s, 6, **kw),
    "recurrent_mode": lambda m, s, **kw: solutions.recurrent_mode(0.3, m.b, m.u, s, window=0.05, **kw),
    "recurrent_time": lambda m, s, **kw: solutions.recurrent_time(m.b + 0.01, m.b, m.u, s, **kw),
    "convergence_radius": lambda m, s, **kw: solutions.convergence_radius(m.b, m.u, s, **kw),
    "learning_time": lambda m, s, **kw: solutions.learning_time(0.5, abs(m.u) / 100, m.b, s, **kw),
}
EACH = [(name, False) for name in CALLS | REAL] + [(name, True) for name in CALLS]


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize(("name", "complex_"), EACH)
def test_the_identity_is_white(name, complex_, outputs):
    m, s, _ = generic(np.random.default_rng(1), 6, T=4, outputs=outputs, complex_=complex_)
    call = (CALLS | REAL)[name]
    white, identity = call(m, s, outputs=outputs), call(m, s, outputs=outputs, inputs=np.eye(4))
    assert white.dtype == identity.dtype
    np.testing.assert_allclose(identity, white, rtol=1e-10, atol=1e-13)
    assert np.isfinite(white).any()


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize(("name", "complex_"), EACH)
def test_a_batch_is_the_loop(name, complex_, outputs):
    m, s, C = generic(np.random.default_rng(2), 2, 3, T=4, outputs=outputs, complex_=complex_)
    m, s, C = m._replace(a=m.a[:, :1], b=0.5 * m.b[0]), s[0], C[:, :1]
    call = (CALLS | REAL)[name]
    batch = call(m, s, outputs=outputs, inputs=C)
    assert batch.shape[:2] == (2, 3)
    for i, j in np.ndindex(2, 3):
        alone = call(Modes(m.a[i, 0], m.b[j], m.c[i, j]), s[j], outputs=outputs, inputs=C[i, 0])
        exact = name in ("energy", "velocity", "descend") and not complex_
        np.testing.assert_allclose(batch[i, j], alone, rtol=0 if exact else 1e-10, atol=0 if exact else 1e-12)
    one = call(m, s, outputs=outputs, inputs=C[0, 0])
    np.testing.assert_allclose(one if name == "best" else one[0], batch[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("record_every", [None, 7])
def test_compiled_descent_gives_the_same_bits(outputs, record_every):
    rng = np.random.default_rng(3)
    m, s, C = generic(rng, 300, T=5, outputs=outputs)
    m = Modes(*(np.stack([x, 0.5 * x]) for x in m))
    m.b[1, 7] = np.nan
    rate = rng.uniform(0.001, 0.02, 300)
    rate[:20] = 5.0  # some diverge
    for inputs in (C, C[0]):
        options = {"record_every": record_every, "outputs": outputs, "inputs": inputs}
        got, want = (modes.descend(m, s, rate, 60, compiled=compiled, **options) for compiled in (True, False))
        assert np.isnan(got.a).any() and np.isfinite(got.a).any()
        for x, y in zip(got, want, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.filterwarnings("ignore:no solver reached the end")
@pytest.mark.parametrize("name", CALLS)
def test_a_diverged_row_stays_alone(name):
    m, s, C = generic(np.random.default_rng(4), 3, T=4)
    call = CALLS[name]
    clean = call(m, s, inputs=C)
    for bad in (np.nan, np.inf, 1e200):
        received = call(m._replace(b=np.where(np.arange(3) == 1, bad, m.b)), s, inputs=C)
        np.testing.assert_array_equal(received[[0, 2]], clean[[0, 2]])
        if not name.startswith("input_output"):  # which ends at u = 0 where b is that large
            assert not np.isfinite(received[1]).all()


def test_energy_does_not_cancel_near_zero_loss():
    C = np.array([[1.0, 0.9, 0.8], [0.9, 1.0, 0.9], [0.8, 0.9, 1.0]])
    s = np.ones(3) + 2.0**-40 * np.array([1, -2, 3])
    gap = 2.0**-40 * np.array([1, -2, 3])
    expected = gap @ C @ gap / 2
    assert modes.energy(Modes(1.0, 1.0, 1.0), s, inputs=C) == pytest.approx(expected, rel=1e-12)
    assert solutions.extrapolation_error(1.0, 1.0, s, inputs=C) == pytest.approx(expected, rel=1e-12)


def test_inputs_that_repeat_themselves_cost_nothing_along_what_they_never_are():
    C, m = np.ones((4, 4)), Modes(1.0, 1.0, 1.0)
    # Always the same input: only the sum of the weights counts, and each of these has the sum 4.
    s = np.array([[1.0, 1.0, 1.0, 1.0], [4.0, 0.0, 0.0, 0.0], [-3.0, 5.0, 1.0, 1.0], [5.0, 0.0, 0.0, 0.0]])
    energy = modes.energy(m, s, inputs=C)
    assert (energy >= 0).all()
    np.testing.assert_allclose(energy, [0, 0, 0, 0.5], atol=1e-28)


@pytest.mark.parametrize("factor", [0.98, 1.02])
@pytest.mark.parametrize("outputs", OUTPUTS)
def test_the_stable_rate_is_where_descent_starts_to_leave(factor, outputs):
    C = 0.8 ** np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    end, s = Modes(1.0, 0.9, 1.0), _lags.model(np.array(1.0), np.array(0.9), 6, outputs)
    rate = modes.stable_rate(end, s, outputs=outputs, inputs=C)
    assert rate < 0.7 * modes.stable_rate(end, s, outputs=outputs)
    start = Modes(1.0, 0.9 + 1e-6, 1.0)
    left = modes.energy(modes.descend(start, s, factor * rate, 2000, outputs=outputs, inputs=C), s, outputs=outputs)
    ratio = left / modes.energy(start, s, outputs=outputs)
    assert ratio < 1e-2 if factor < 1 else not ratio < 1e2


# The best modes


def grid_best(s, C, outputs):
    """The least energy on a fine grid of b, u at its best; and that at infinity, for a single output."""
    b = np.tan(np.linspace(-np.pi / 2, np.pi / 2, 20001)[1:-1])
    S, B = _lags.level(*_lags.sums(s, outputs, C), b)
    return modes.energy(Modes(S / B, b, 1.0), s, outputs=outputs, inputs=C).min()


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("T", [1, 2, 3, 6])
def test_best_is_below_every_point_of_a_grid_and_where_it_says(T, outputs):
    rng = np.random.default_rng(T)
    _, s, C = generic(rng, 6, T=T, outputs=outputs)
    C[3:] = 0.9 ** np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    best = modes.best(s, outputs=outputs, inputs=C)
    here = modes.energy(Modes(best.u, best.b, 1.0), s, outputs=outputs, inputs=C)
    np.testing.assert_allclose(best.energy, here, rtol=1e-11, atol=1e-28)
    for row in range(6):
        least = grid_best(s[row], C[row], outputs)
        assert least * 0.99 - 1e-5 <= best.energy[row] <= least * (1 + 1e-11) + 1e-28
    still = modes.velocity(Modes(best.u, best.b, 1.0), s, outputs=outputs, inputs=C)
    np.testing.assert_allclose([still.a, still.b], 0, atol=1e-10)


def exact_stationary(d, N):
    """Real b with S' B = S B' / 2, by exact isolation of the roots, from integers d and N."""
    b = sp.Symbol("b")
    S, B = (sum(sp.Integer(int(x)) * b**k for k, x in enumerate(z)) for z in (d, N))
    slope = sp.Poly(2 * sp.diff(S, b) * B - S * sp.diff(B, b), b)
    return np.array([float(r) for r in slope.nroots(n=30, maxsteps=500) if abs(sp.im(r)) < 1e-20])


@pytest.mark.parametrize("T", [2, 3, 5, 8])
def test_best_is_the_least_of_all_stationary_points(T):
    rng = np.random.default_rng(T)
    for _ in range(4):
        X = rng.integers(-3, 4, (T, 2 * T))
        C, s = X @ X.T, rng.integers(-4, 5, T)
        d, n = (x.astype(float) for x in _lags.sums(s.astype(float), "last", C.astype(float)))
        b = exact_stationary(d, _lags.spectrum(n))
        S, B = _lags.level(d, n, b)
        at_infinity = 0.5 * (s @ C @ s - d[-1] ** 2 / n[-1, -1])
        energies = modes.energy(Modes(S / B, b, 1.0), s, inputs=C)
        best = modes.best(s, inputs=C)
        assert best.energy == pytest.approx(min(energies.min(), at_infinity), rel=1e-11, abs=1e-25)
        if np.isfinite(best.b) and T > 2:
            assert np.abs(b - best.b).min() < 1e-9 * (1 + abs(best.b))


@pytest.mark.parametrize("rho", [0.99, 0.9999, 1 - 1e-8])
def test_best_where_inputs_hardly_change(rho):
    """Nearly singular covariances: the energy of a geometric s is found to be 0 at its b and u."""
    T, lam = 8, np.array([-0.9, -0.3, 0.0, 0.7, 1.0, 1.2])
    C = rho ** np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    s = 1.5 * lam[:, None] ** np.arange(T - 1, -1, -1)
    best = modes.best(s, inputs=C)
    assert (best.energy < 1e-28).all()
    np.testing.assert_allclose([best.b, best.u], [lam, np.full(6, 1.5)], rtol=1e-6, atol=1e-6)
    # A cumulative sum of what hardly changes is nearly as well the last input alone, 8 times.
    last = modes.energy(Modes(8.0, 0.0, 1.0), np.ones(8), inputs=C)
    assert 0 < last < 200 * (1 - rho)


def test_best_where_some_inputs_never_vary():
    C = np.diag([0.0, 1.0, 1.0, 1.0, 0.0])
    rng = np.random.default_rng(5)
    # Only the lags 1, 2, 3 count: s as if it were three long, u b being the first of these.
    s = rng.normal(size=(5, 5))
    short, best = modes.best(s[:, 1:4]), modes.best(s, inputs=C)
    np.testing.assert_allclose(best.b, short.b, rtol=1e-10)
    np.testing.assert_allclose(best.u * best.b, short.u, rtol=1e-10)
    np.testing.assert_allclose(best.energy, short.energy, rtol=1e-10)
    # What the last input that varies has to give alone, no b but 0 gives, with an infinite u.
    only = modes.best([9.0, 0.0, 0.0, -2.0, 9.0], inputs=C)
    assert only == (-np.inf, 0.0, 0.0)
    first = modes.best([9.0, 2.0, 0.0, 0.0, 9.0], inputs=C)
    assert first == (0.0, np.inf, 0.0)
    assert modes.best([1.0, 2.0], inputs=np.zeros((2, 2))) == (0, 0, 0)
    # Of inputs that are all the same, the last alone will do.
    assert modes.best([1.0, 2.0, 3.0], inputs=np.ones((3, 3))) == pytest.approx((6, 0, 0), abs=1e-12)
    # Of inputs whose sum is always 0 the task knows the weights up to a constant.
    demeaned = np.eye(4) - 0.25
    u, b, energy = modes.best(0.5 ** np.arange(3, -1, -1) + 3.0, inputs=demeaned)
    np.testing.assert_allclose([u, b, energy], [1, 0.5, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("weights", "u", "b", "sharpness"),
    [
        (np.ones(6), 1, 1, 297.6),
        (np.full(6, 1 / 6), 1 / 6, 1, 18.3),
        (0.1 * np.arange(1, 7), 0.6263, 0.7586, 37.1),
        (1 / np.arange(1, 7), 0.0984, 1.5765, 155.2),
    ],
)
def test_best_and_sharpness_of_the_mean_mode_of_evidence(weights, u, b, sharpness):
    """Four channels that share a mean of 1 and have noise of variance 0.01: summed, averaged, late or early."""
    C = np.ones((6, 6)) + 0.01 * np.eye(6)
    best = modes.best(weights, inputs=C)
    np.testing.assert_allclose([best.u, best.b], [u, b], atol=6e-5)
    size = np.sqrt(best.u)
    end = Modes(size, best.b, size)
    assert modes.sharpness(end, weights, inputs=C) == pytest.approx(sharpness, abs=0.06)
    # What gradient descent on samples needs: the samples' mode is this one.
    rate = modes.stable_rate(end, weights, inputs=C)
    x = np.linalg.qr(np.random.default_rng(0).normal(size=(40, 6)))[0] @ np.linalg.cholesky(C).T
    task = tasks.Task(x[:, :, None], x @ weights[:, None])
    one = np.eye(1)
    start = network.aligned_weights(Modes(*(np.array([z]) for z in (size, best.b + 1e-5, size))), one, one, one)
    best_loss = training.loss_value(network.aligned_weights(Modes(*(np.array([z]) for z in end)), one, one, one), task)
    ends = [training.train(start, task, factor * rate, 3000).loss[-1] for factor in (0.95, 1.05)]
    assert best_loss == pytest.approx(best.energy, rel=1e-9, abs=1e-12)
    assert ends[0] - best_loss < 1e-9
    assert not ends[1] - best_loss < 1e-6


# Closed forms


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_closed_forms_follow_the_velocity_of_the_modes(outputs):
    rng = np.random.default_rng(6)
    for T, _ in product((1, 2, 3, 5), range(3)):
        (a, b, c), s, C = generic(rng, T=T, outputs=outputs)
        kw = {"outputs": outputs, "inputs": C}

        def rate_of_u(_, y, b=b, s=s, kw=kw):
            v = modes.velocity(Modes(y[0], b, y[1]), s, 2.0, **kw)
            return [v.a, v.c]

        def rate_of_b(_, y, u=a * c, s=s, kw=kw):
            return [modes.velocity(Modes(u, y[0], 1.0), s, 2.0, **kw).b]

        options = {"rtol": 1e-11, "atol": 1e-12, "method": "DOP853"}
        y = solve_ivp(rate_of_u, (0, 1.5), [a, c], **options).y[:, -1]
        got = solutions.input_output_mode_unbalanced(1.5, a, c, b, s, 2.0, **kw)
        assert got == pytest.approx(y.prod(), rel=1e-8, abs=1e-9)
        y = solve_ivp(rate_of_u, (0, 1.5), [abs(a), abs(a)], **options).y[:, -1]
        got = solutions.input_output_mode(1.5, a**2, b, s, 2.0, **kw)
        assert got == pytest.approx(y.prod(), rel=1e-8, abs=1e-9)
        assert solutions.energy_derivative(1, a * c, b, s, **kw) == pytest.approx(2 * rate_of_b(0, [b])[0], rel=1e-11)
        span = min(0.5 * 2 * solutions.convergence_radius(b, a * c, s, **kw), 0.2)
        y = solve_ivp(rate_of_b, (0, span), [b], **options).y[0, -1]
        series = solutions.recurrent_series(b, a * c, s, 40, **kw)
        assert np.polyval(series[::-1], span / 2) == pytest.approx(y, rel=1e-8)
        assert solutions.recurrent_mode(span, b, a * c, s, 2.0, window=span / 20, **kw) == pytest.approx(y, rel=1e-7)
        if T > 1:
            assert solutions.recurrent_time(y, b, a * c, s, 2.0, **kw) == pytest.approx(span, rel=1e-6)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_learning_time_is_when_the_mode_is_there(outputs):
    rng = np.random.default_rng(7)
    _, s, C = generic(rng, 20, T=4, outputs=outputs)
    b, u0 = rng.uniform(-1, 1, 20), 1e-3
    kw = {"outputs": outputs, "inputs": C}
    t = solutions.learning_time(0.5, u0, b, s, 0.7, **kw)
    S, B = _lags.level(*_lags.sums(s, outputs, C), b)
    assert np.isfinite(t).any()
    np.testing.assert_array_equal(np.isfinite(t), 2 * u0 < S / B)
    there = solutions.input_output_mode(np.nan_to_num(t), u0, b, s, 0.7, **kw)
    np.testing.assert_allclose(there[np.isfinite(t)], 0.5 * (S / B)[np.isfinite(t)], rtol=1e-10)


def test_the_series_against_differentiation_in_sympy():
    """b^(n)(0) by the chain rule from the symbolic energy."""
    T, order = 3, 5
    rng = np.random.default_rng(8)
    C = np.round(covariance(rng, T=T), 2)
    s, u, b0 = rng.integers(-8, 9, T) / 8, 0.75, 0.5
    E = symbolic.energy(T, inputs=sp.Matrix(T, T, lambda i, j: sp.Rational(str(C[i, j]))))
    values = dict(zip(symbolic.data(T), map(sp.Rational, s), strict=True))
    b = symbolic.b
    drift = -sp.diff(E, b).subs(values | {symbolic.a: sp.Rational(u), symbolic.c: 1, symbolic.tau: 1})
    term, expected = b, []
    for n in range(order + 1):
        expected.append(float(term.subs(b, sp.Rational(b0)) / sp.factorial(n)))
        term = sp.expand(sp.diff(term, b) * drift)
    np.testing.assert_allclose(solutions.recurrent_series(b0, u, s, order, inputs=C), expected, rtol=1e-10)


def test_recurrent_forms_where_the_first_inputs_never_vary_are_those_of_the_shorter_task():
    rng = np.random.default_rng(9)
    C = covariance(rng, T=5)
    C[:2] = C[:, :2] = 0
    s, u = rng.normal(size=(4, 5)), rng.uniform(0.5, 1, 4)
    b = np.full(4, 0.1)
    for name in ("recurrent_time", "convergence_radius", "recurrent_series"):
        call = REAL[name]
        long, short = call(Modes(u, b, 1.0), s, inputs=C), call(Modes(u, b, 1.0), s[:, 2:], inputs=C[2:, 2:])
        assert np.isfinite(long).all()
        np.testing.assert_allclose(long, short, rtol=1e-10)
    mixed = solutions.recurrent_time(b + 0.01, b, u, s, inputs=np.stack([C, np.eye(5), C, np.zeros((5, 5))]))
    np.testing.assert_allclose(mixed[[0, 2]], REAL["recurrent_time"](Modes(u, b, 1.0), s, inputs=C)[[0, 2]], rtol=1e-12)
    np.testing.assert_allclose(mixed[1], REAL["recurrent_time"](Modes(u, b, 1.0), s)[1], rtol=1e-10)
    assert np.isnan(mixed[3])


# What is refused


@pytest.mark.parametrize("name", CALLS | REAL)
@pytest.mark.parametrize(
    ("C", "error", "message"),
    [
        (np.eye(3), ValueError, r"inputs must end in two axes \(T, T\) with T = 2, as s has, got shape \(3, 3\)"),
        ([1.0, 1.0], ValueError, r"inputs must end in two axes .* got shape \(2,\)"),
        ([[1.0, 0.5], [0.4, 1.0]], ValueError, r"inputs must be symmetric, got 0.5 at index \(0, 1\) and 0.4 at"),
        ([[1.0, 2.0], [2.0, 1.0]], ValueError, "inputs must be positive semi-definite, got an eigenvalue of -1$"),
        ([np.eye(2), -np.eye(2)], ValueError, r"inputs must be positive semi-definite, .* -1 in entry \(1,\)"),
        ([[np.nan, 0.0], [0.0, 1.0]], ValueError, r"inputs must be finite, got nan at index \(0, 0\)"),
        ([["x", 0.0], [0.0, 1.0]], TypeError, "inputs must hold numbers"),
    ],
)
def test_what_is_no_covariance_is_refused(name, C, error, message):
    m = Modes(*np.full((3, 2), 0.3))
    with pytest.raises(error, match=message):
        (CALLS | REAL)[name](m, np.ones((2, 2)), inputs=C)
    with pytest.raises(ValueError, match=r"leading axes must broadcast, got .*inputs \(3,\)"):
        (CALLS | REAL)[name](m, np.ones((2, 2)), inputs=np.stack(3 * [np.eye(2)]))


def test_complex_inputs_are_hermitian_and_not_for_best():
    bad = np.array([[1.0, 0.5j], [0.5j, 1.0]])
    with pytest.raises(ValueError, match="inputs must be Hermitian, got"):
        modes.energy(Modes(1.0, 0.5, 1.0), [1.0, 2.0], inputs=bad)
    with pytest.raises(TypeError, match="inputs must be real"):
        modes.best([1.0, 2.0], inputs=bad.conj() + bad)


def test_rounding_of_a_sample_covariance_is_accepted():
    rng = np.random.default_rng(10)
    x = rng.normal(size=(1000, 2)) @ rng.normal(size=(2, 8))  # rank 2: six eigenvalues are 0, or rounding
    C = x.T @ x
    C[0, 1] *= 1 + 1e-14
    assert np.isfinite(modes.energy(Modes(1.0, 0.5, 1.0), np.ones(8), inputs=C))
