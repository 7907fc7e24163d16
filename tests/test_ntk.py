import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrnn_helpers import _jit, autograd, bases, network, ntk, tasks, training
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights
from lrnn_helpers.ntk import _routes

SIZES = (3, 5, 2)  # N_x, N_h, N_y: all different, or a missing transpose shows nowhere
WAYS = (_routes.by_jacobian, _routes.by_gram, _routes.by_impulses)


@pytest.fixture(autouse=True)
def _no_warnings():
    """A diverged network is no news to numpy; torch may warn of what it will."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def random_weights(rng, lead=(), sizes=SIZES, scale=0.9):
    return network.unaligned_weights(np.full(lead, scale), *sizes, rng)


def random_modes(rng, lead, N, complex_pairs=False):
    if not complex_pairs:
        return Modes(*rng.standard_normal((3, *lead, N)))
    m = rng.standard_normal((3, *lead, N)) + 1j * rng.standard_normal((3, *lead, N))
    m[..., 1 : N - N % 2 : 2] = m[..., 0 : N - N % 2 : 2].conj()
    m[..., N - N % 2 :].imag = 0
    return Modes(*m)


def assert_close(got, want, tolerance=1e-12):
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max())


def by_jacrev(weights, x, outputs):
    """The Jacobian by torch.func, of the network unrolled here."""

    def run(Wx, Wh, Wy):
        h, y = torch.zeros(len(x), Wh.shape[0], dtype=torch.float64), []
        for t in range(x.shape[1]):
            h = h @ Wh.T + torch.tensor(x[:, t]) @ Wx.T
            y.append(h @ Wy.T)
        return (y[-1] if outputs == "last" else torch.stack(y, dim=1)).reshape(-1)

    J = torch.func.jacrev(run, argnums=(0, 1, 2))(*map(torch.tensor, weights))
    return torch.cat([j.reshape(len(j), -1) for j in J], dim=1).numpy()


def by_backward(weights, x, outputs):
    """The Jacobian by one backward pass of the module for each output."""
    rnn = autograd.LinearRNN(weights, outputs=outputs)
    parameters = (rnn.Wx, rnn.Wh, rnn.Wy)
    rows = []
    for y in rnn(x).reshape(-1):
        grads = torch.autograd.grad(y, parameters, retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([g.reshape(-1) for g in grads]).numpy())
    return np.array(rows)


def by_formula(weights, x):
    """K of ŷ_T term by term, with Kronecker products."""
    Wx, Wh, Wy = weights
    P, T, _ = x.shape
    H = [np.zeros((len(Wh), P))]
    for t in range(T):
        H.append(Wh @ H[-1] + Wx @ x[:, t].T)
    B = [Wy @ np.linalg.matrix_power(Wh, T - 1 - t) for t in range(T)]
    K = np.kron(H[T].T @ H[T], np.eye(len(Wy)))
    for t in range(T):
        for s in range(T):
            K += np.kron(x[:, t] @ x[:, s].T + H[t].T @ H[s], B[t] @ B[s].T)
    return K


@given(
    T=st.integers(1, 8),
    sizes=st.tuples(*[st.integers(1, 6)] * 3),
    P=st.integers(1, 6),
    outputs=st.sampled_from(["last", "all"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_kernel_is_the_gram_matrix_of_autodiff_jacobians(T, sizes, P, outputs, seed):
    rng = np.random.default_rng(seed)
    weights, x = random_weights(rng, sizes=sizes), rng.standard_normal((P, T, sizes[0]))
    J, second = by_jacrev(weights, x, outputs), by_backward(weights, x, outputs)
    K = ntk.ntk(weights, x, outputs=outputs)
    assert_close(K, J @ J.T)
    assert_close(K, second @ second.T)
    assert_close(ntk.jacobian(weights, x, outputs=outputs), J)
    for way in WAYS:
        assert_close(way([w[None] for w in weights], x, outputs)[0], J @ J.T)
    assert_close(ntk.ntk(weights, x, outputs=outputs, compiled=False), J @ J.T)


@given(
    T=st.integers(1, 8),
    sizes=st.tuples(*[st.integers(1, 8)] * 3),
    P=st.integers(1, 40),
    outputs=st.sampled_from(["last", "all"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_the_compiled_kernel_is_the_reference(T, sizes, P, outputs, seed):
    pytest.importorskip("numba")
    rng = np.random.default_rng(seed)
    P = P if outputs == "last" else P // T + 1
    weights, x = random_weights(rng, (2, 3), sizes), rng.standard_normal((P, T, sizes[0]))
    got = ntk.ntk(weights, x, outputs=outputs, compiled=True)
    assert_close(got, ntk.ntk(weights, x, outputs=outputs, compiled=False))
    np.testing.assert_array_equal(got, got.mT)
    one = Weights(*(w[1, 2] for w in weights))
    np.testing.assert_array_equal(got[1, 2], ntk.ntk(one, x, outputs=outputs, compiled=True))


@pytest.mark.parametrize("compiled", [True, False])
def test_threads_change_no_bit(compiled, monkeypatch):
    monkeypatch.setattr(ntk, "WORTH", 0)
    rng = np.random.default_rng(20)
    w0, w1, x = random_weights(rng, (7,)), random_weights(rng, (7,)), rng.standard_normal((6, 4, SIZES[0]))
    got = []
    for threads in ("1", "3"):
        monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
        got.append((ntk.ntk(w0, x, compiled=compiled), ntk.jacobian(w0, x), ntk.ntk_distance(w0, w1, x)))
    for one, other in zip(*got, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_numba_numpy_sums_the_kernel(monkeypatch):
    rng = np.random.default_rng(21)
    weights, x = random_weights(rng), rng.standard_normal((40, 3, SIZES[0]))
    want = ntk.ntk(weights, x, compiled=False)

    def missing(_):
        raise ImportError("no numba")

    monkeypatch.setattr(_jit, "compiled", missing)
    _jit._available.cache_clear()
    try:
        np.testing.assert_array_equal(ntk.ntk(weights, x), want)
        with pytest.raises(ImportError, match="no numba"):
            ntk.ntk(weights, x, compiled=True)
    finally:
        _jit._available.cache_clear()


@pytest.mark.parametrize("T", [1, 2, 5])
def test_kernel_is_the_corrected_formula(T):
    rng = np.random.default_rng(T)
    weights, x = random_weights(rng), rng.standard_normal((4, T, SIZES[0]))
    assert_close(ntk.ntk(weights, x), by_formula(weights, x))


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_kernel_moves_the_outputs_along_gradient_descent(outputs):
    rng = np.random.default_rng(1)
    weights, x = random_weights(rng), rng.standard_normal((6, 4, SIZES[0]))
    y = rng.standard_normal((6, SIZES[2]) if outputs == "last" else (6, 4, SIZES[2]))
    grads = training.gradient(weights, tasks.Task(x, y))
    eta = 1e-5
    ahead, behind = (
        network.forward(Weights(*(w + e * g for w, g in zip(weights, grads, strict=True))), x, outputs=outputs)
        for e in (-eta, eta)
    )
    residual = (y - network.forward(weights, x, outputs=outputs)).reshape(-1)
    want = ((ahead - behind) / (2 * eta)).reshape(-1)
    assert_close(ntk.ntk(weights, x, outputs=outputs) @ residual, want, 1e-7)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("sizes", [(3, 5, 2), (2, 2, 4)])
def test_kernel_is_symmetric_and_positive_semidefinite(outputs, sizes):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((7, 5, sizes[0]))
    weights = random_weights(rng, (3,), sizes)
    kernels = [ntk.ntk(weights, x, outputs=outputs), *(way(weights, x, outputs) for way in WAYS)]
    for K in kernels:
        np.testing.assert_array_equal(K, K.mT)
        eigenvalues = np.linalg.eigvalsh(K)
        assert (eigenvalues[:, 0] >= -1e-12 * eigenvalues[:, -1]).all()
        # No more directions than the input space has, which is where Q lives.
        assert (np.linalg.matrix_rank(K, tol=1e-10) <= 5 * sizes[0] * sizes[2]).all()


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize(
    ("sizes", "shape", "outputs", "way"),
    [
        ((4, 4, 4), (100, 8), "last", _routes.by_jacobian),
        ((4, 300, 4), (100, 20), "last", _routes.by_impulses),
        ((90, 120, 2), (5, 6), "last", _routes.by_gram),
        ((60, 60, 2), (3, 6), "all", _routes.by_gram),
        ((4, 60, 4), (10, 8), "all", _routes.by_impulses),
    ],
)
def test_the_cheapest_way_is_another_for_other_sizes_and_right(sizes, shape, outputs, way):
    rng = np.random.default_rng(3)
    weights, x = random_weights(rng, sizes=sizes), rng.standard_normal((*shape, sizes[0]))
    assert _routes.cheapest(weights, x, outputs)[0] is way
    K = ntk.ntk(weights, x, outputs=outputs)
    rows = rng.choice(len(K), 4, replace=False)
    # A row of the kernel by one vector-Jacobian and one Jacobian-vector product of autograd.
    rnn = autograd.LinearRNN(weights, outputs=outputs)
    names = ("Wx", "Wh", "Wy")
    for row in rows:
        grads = torch.autograd.grad(rnn(x).reshape(-1)[row], [getattr(rnn, n) for n in names])
        tangent = dict(zip(names, grads, strict=True))
        primal = {n: getattr(rnn, n).detach() for n in names}
        product = torch.func.jvp(lambda p: torch.func.functional_call(rnn, p, (x,)), (primal,), (tangent,))[1]
        assert_close(K[row], product.reshape(-1).detach().numpy())


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("work", [1.0, None])
def test_a_batch_is_a_loop(outputs, work, monkeypatch):
    if work:
        monkeypatch.setattr(ntk, "WORK", work)  # one network a part
    rng = np.random.default_rng(4)
    weights, other = random_weights(rng, (2, 3)), random_weights(rng, (3,))
    x = rng.standard_normal((5, 3, SIZES[0]))
    K, J = ntk.ntk(weights, x, outputs=outputs), ntk.jacobian(weights, x, outputs=outputs)
    D, white = ntk.ntk_distance(weights, other, x, outputs=outputs), ntk.ntk_distance(weights, other, T=3)
    m0, m1 = random_modes(rng, (2, 3), 4), random_modes(rng, (3,), 4)
    aligned = ntk.aligned_ntk_distance(m0, m1, 3)
    assert K.shape[:2] == J.shape[:2] == D.shape == white.shape == aligned.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one, two = (Weights(*(w[at] for w in W)) for W, at in ((weights, (i, j)), (other, j)))
        np.testing.assert_array_equal(K[i, j], ntk.ntk(one, x, outputs=outputs))
        np.testing.assert_array_equal(J[i, j], ntk.jacobian(one, x, outputs=outputs))
        np.testing.assert_array_equal(D[i, j], ntk.ntk_distance(one, two, x, outputs=outputs))
        np.testing.assert_array_equal(white[i, j], ntk.ntk_distance(one, two, T=3))
        first, second = (Modes(*(z[at] for z in m)) for m, at in ((m0, (i, j)), (m1, j)))
        np.testing.assert_array_equal(aligned[i, j], ntk.aligned_ntk_distance(first, second, 3))
    assert D.std() > 0.01


def test_leading_axes_of_the_three_matrices_broadcast_and_may_be_empty():
    rng = np.random.default_rng(5)
    weights, x = random_weights(rng, (3,)), rng.standard_normal((4, 2, SIZES[0]))
    mixed = Weights(weights.Wx[0], weights.Wh[:, None], weights.Wy)
    K = ntk.ntk(mixed, x)
    assert K.shape == (3, 3, 8, 8)
    np.testing.assert_array_equal(K[1, 2], ntk.ntk(Weights(weights.Wx[0], weights.Wh[1], weights.Wy[2]), x))
    empty = Weights(*(w[:0] for w in weights))
    assert ntk.ntk(empty, x).shape == (0, 8, 8)
    assert ntk.ntk_distance(empty, random_weights(rng), x).shape == (0,)


def test_kernel_distance_is_its_definition_and_within_its_range():
    rng = np.random.default_rng(6)
    A, B = rng.standard_normal((2, 4, 5, 3))
    k0, k1 = A @ A.mT, (B @ B.mT)[:2, None]
    got = ntk.kernel_distance(k0, k1)
    norms = np.linalg.norm(k0, axis=(-2, -1)) * np.linalg.norm(k1, axis=(-2, -1))
    np.testing.assert_allclose(got, 1 - np.einsum("...ij,...ij", k0, k1) / norms, rtol=0, atol=1e-14)
    assert got.shape == (2, 4)
    assert ((got > 0) & (got < 1)).all()
    assert ntk.kernel_distance(np.diag([1.0, 0, 0]), np.diag([0, 2.0, 3.0])) == 1
    # Rounding takes no kernel past 1, however many have nothing in common.
    half = rng.standard_normal((2, 300, 5, 5))
    apart = np.zeros((2, 300, 10, 10))
    apart[0, :, :5, :5], apart[1, :, 5:, 5:] = half @ half.mT
    assert (ntk.kernel_distance(*apart) <= 1).all()
    np.testing.assert_allclose(ntk.kernel_distance(*apart), 1, rtol=1e-14)
    # Only the right kernel is positive semidefinite: others may go further.
    np.testing.assert_allclose(ntk.kernel_distance(np.diag([1.0, 0.0]), np.diag([-1.0, np.sqrt(3)])), 1.5, rtol=1e-14)
    np.testing.assert_allclose(ntk.kernel_distance(k0, -k0), 2, rtol=1e-14)
    assert ntk.kernel_distance(k0[:, :2], k0[:, :2] * 7).shape == (4,)
    assert ntk.kernel_distance(k0[:0], k0[0]).shape == (0,)


@pytest.mark.parametrize("scale", [1.0, 3.0, 0.1, 1e-300, 1e300, np.pi])
def test_proportional_kernels_have_distance_zero(scale):
    A = np.random.default_rng(7).standard_normal((50, 60, 7))
    k = A @ A.mT
    k /= np.abs(k).max()
    assert (ntk.kernel_distance(k, scale * k) == 0).all()
    assert (ntk.kernel_distance(scale * k, k) == 0).all()


def test_kernel_distance_of_tiny_huge_and_close_kernels():
    rng = np.random.default_rng(8)
    k0, k1 = rng.standard_normal((2, 6, 6))
    want = ntk.kernel_distance(k0, k1)
    for a, b in ((1e-200, 1e-200), (1e200, 1e200), (1e-290, 1e290)):
        np.testing.assert_allclose(ntk.kernel_distance(a * k0, b * k1), want, rtol=1e-14)
    # 1 - cos loses everything below 1e-16; to second order D is half the squared part of the step across k0.
    unit = k0 / np.linalg.norm(k0)
    across = k1 - np.sum(k1 * unit) * unit
    for h in (1e-5, 1e-9, 1e-12):
        close = ntk.kernel_distance(unit, unit + h * k1)
        np.testing.assert_allclose(close, 0.5 * h**2 * np.sum(across**2), rtol=max(30 * h, 1e-3 * (h < 1e-10)))


def test_kernels_without_a_direction_are_nan_in_their_own_row():
    k = np.random.default_rng(9).standard_normal((5, 3, 3))
    other, want = k[::-1].copy(), ntk.kernel_distance(k, k[::-1])
    k[1, 0, 2], k[2], other[4] = np.nan, 0, np.inf
    got = ntk.kernel_distance(k, other)
    np.testing.assert_array_equal(np.isnan(got), [False, True, True, False, True])
    np.testing.assert_array_equal(got[[0, 3]], want[[0, 3]])


@given(
    T=st.integers(1, 8),
    sizes=st.tuples(*[st.integers(1, 6)] * 4),
    P=st.integers(1, 60),
    outputs=st.sampled_from(["last", "all"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_distance_needs_no_kernel(T, sizes, P, outputs, seed):
    rng = np.random.default_rng(seed)
    N_x, N_h, N_y, other = sizes
    P = P if outputs == "last" else P // 4 + 1
    w0, w1 = random_weights(rng, (2, 1), (N_x, N_h, N_y)), random_weights(rng, (3,), (N_x, other, N_y))
    x = rng.standard_normal((P, T, N_x)) @ rng.standard_normal((N_x, N_x))
    want = ntk.kernel_distance(ntk.ntk(w0, x, outputs=outputs), ntk.ntk(w1, x, outputs=outputs))
    got = ntk.ntk_distance(w0, w1, x, outputs=outputs)
    assert got.shape == (2, 3)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)
    assert ((got >= 0) & (got <= 1)).all()


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("tangents", [0.0, np.inf])
@pytest.mark.parametrize(("N_h", "T"), [(2, 6), (7, 3), (30, 1)])
def test_both_routes_to_the_distance_with_and_without_data(outputs, tangents, N_h, T, monkeypatch):
    monkeypatch.setattr(_routes, "tangent_cost", lambda *sizes: max(tangents, 1.0))
    rng = np.random.default_rng(10)
    w0, w1 = (random_weights(rng, (3,), (3, N_h, 2)) for _ in range(2))
    white = tasks.structured_task(np.ones((3, T)), 3 * T + 5, 11).x
    grams = [[(J := by_jacrev(Weights(*w), white, outputs)) @ J.T for w in zip(*W, strict=True)] for W in (w0, w1)]
    want = ntk.kernel_distance(*map(np.array, grams))
    np.testing.assert_allclose(ntk.ntk_distance(w0, w1, white, outputs=outputs), want, rtol=0, atol=1e-13)
    np.testing.assert_allclose(ntk.ntk_distance(w0, w1, 40 * white, outputs=outputs), want, rtol=0, atol=1e-13)
    np.testing.assert_allclose(ntk.ntk_distance(w0, w1, T=T, outputs=outputs), want, rtol=0, atol=1e-13)
    if N_h > 2:
        assert (want > 0.01).all()
    np.testing.assert_array_equal(ntk.ntk_distance(w0, w0, T=T, outputs=outputs), 0)
    np.testing.assert_array_equal(ntk.ntk_distance(w0, w0, white, outputs=outputs), 0)
    # The size of weights does not matter to the direction of the kernel at T = 1, however small they are.
    if T == 1:
        tiny = Weights(*(1e-60 * w for w in w1))
        np.testing.assert_allclose(ntk.ntk_distance(w0, tiny, T=1, outputs=outputs), want, rtol=0, atol=1e-13)


@pytest.mark.parametrize("tangents", [1.0, np.inf])
@pytest.mark.parametrize("h", [1e-3, 1e-5, 1e-8, 1e-9, 1e-12])
@pytest.mark.parametrize("turned", [False, True])
def test_a_small_distance_keeps_its_digits_by_every_route(tangents, h, turned, monkeypatch):
    """As `kernel_distance` does, whichever route is the cheaper one; also where hidden units are turned."""
    monkeypatch.setattr(_routes, "tangent_cost", lambda *sizes: tangents)
    rng = np.random.default_rng(15)
    w0 = random_weights(rng, (3,), (2, 2, 2))
    w1 = Weights(*(w + h * rng.standard_normal(w.shape) * np.array([0.0, 1.0, 2.0])[:, None, None] for w in w0))
    if turned:
        Q = bases.random_orthogonal(2, 3)
        w1 = Weights(Q @ w1.Wx, Q @ w1.Wh @ Q.T, w1.Wy @ Q.T)
    white = tasks.structured_task(np.ones((2, 3)), 20, 11).x
    want = np.zeros(3)
    for n in range(3):
        K0, K1 = (by_formula([w[n].astype(np.longdouble) for w in W], white.astype(np.longdouble)) for W in (w0, w1))
        want[n] = 0.5 * np.sum((K0 / np.sqrt(np.sum(K0**2)) - K1 / np.sqrt(np.sum(K1**2))) ** 2)
    assert 0 < want[1] < 10 * h**2
    for got in (
        ntk.ntk_distance(w0, w1, white),
        ntk.ntk_distance(w0, w1, T=3),
        ntk.kernel_distance(ntk.ntk(w0, white), ntk.ntk(w1, white)),
    ):
        # What rounding of the weights does to a kernel is 1e-15 of it; below 1e-31 a distance counts as 0.
        assert (np.abs(np.sqrt(got) - np.sqrt(want)) <= 3e-15 + 1e-10 * np.sqrt(want)).all()
        assert (got[1:] > 0).all()
        assert turned or got[0] == 0
    one = Weights(*(w[1] for w in w0))
    np.testing.assert_allclose(ntk.ntk_distance(one, w1, T=3)[1], want[1], rtol=1e-2 if h < 1e-11 else 1e-5)


def test_inputs_that_are_not_white_matter():
    rng = np.random.default_rng(12)
    w0, w1, x = random_weights(rng), random_weights(rng), rng.standard_normal((9, 3, 3)) + 2
    assert abs(ntk.ntk_distance(w0, w1, x) - ntk.ntk_distance(w0, w1, T=3)) > 0.01
    assert abs(ntk.ntk_distance(w0, w1, T=3, outputs="all") - ntk.ntk_distance(w0, w1, T=3)) > 1e-3


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("T", [1, 2, 3, 8])
def test_aligned_distance_is_that_of_the_aligned_networks(T, outputs):
    rng = np.random.default_rng(T)
    N_x, N_h, N_y, N = 5, 6, 4, 3
    U, R0, R1, V = (bases.random_orthogonal(n, rng) for n in (N_y, N_h, N_h + 2, N_x))
    m0, m1 = random_modes(rng, (3,), N), random_modes(rng, (2, 1), N)
    m1.b[0] = 0.0  # 0⁰ = 1
    m1.b[1] = m1.b[1, :, :1]  # equal modes: the quotient of h_k would be 0/0
    w0, w1 = network.aligned_weights(m0, U, R0, V), network.aligned_weights(m1, U, R1, V)
    got = ntk.aligned_ntk_distance(m0, m1, T, N_x=N_x, N_y=N_y, outputs=outputs)
    np.testing.assert_allclose(got, ntk.ntk_distance(w0, w1, T=T, outputs=outputs), rtol=0, atol=1e-13)
    x = tasks.structured_task(np.ones((N_x, T)), T * N_x + 1, 13).x
    kernels = (ntk.ntk(w, x, outputs=outputs) for w in (w0, w1))
    np.testing.assert_allclose(got, ntk.kernel_distance(*kernels), rtol=0, atol=1e-13)
    square = [network.aligned_weights(m, np.eye(3), R0, np.eye(3)) for m in (m0, m1)]
    got = ntk.aligned_ntk_distance(m0, m1, T, outputs=outputs)
    assert got.shape == (2, 3)
    np.testing.assert_allclose(got, ntk.ntk_distance(*square, T=T, outputs=outputs), rtol=0, atol=1e-13)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize(("N", "T"), [(1, 3), (2, 1), (2, 4), (3, 6), (5, 2)])
def test_aligned_distance_of_rotations(N, T, outputs):
    rng = np.random.default_rng(N)
    P = bases.rotation_basis(N)
    m0, m1 = random_modes(rng, (3,), N, True), random_modes(rng, (3,), N, True)
    w0, w1 = (network.rotational_weights(m, P) for m in (m0, m1))
    want = ntk.ntk_distance(w0, w1, T=T, outputs=outputs)
    got = ntk.aligned_ntk_distance(m0, m1, T, outputs=outputs)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)
    real = Modes(*(z.real for z in m1))
    np.testing.assert_allclose(
        ntk.aligned_ntk_distance(m0, real, T),
        ntk.aligned_ntk_distance(m0, Modes(*(z + 0j for z in real)), T),
        rtol=1e-14,
    )


def test_aligned_distance_where_it_is_known():
    one = np.ones((1, 3))
    rng = np.random.default_rng(14)
    # (135) ignores size: at T = 1 equal modes leave the kernel where it was, distinct ones do not.
    equal = [Modes(r * one, s * one, r * one) for r, s in ((0.01, 0.3), (1.1, 0.9))]
    assert ntk.aligned_ntk_distance(*equal, 1) == 0
    assert ntk.aligned_ntk_distance(equal[0], Modes(*rng.uniform(0.5, 2, (3, 1, 3))), 1) > 0.01
    for T in (2, 5, 20):
        lag = np.arange(T)
        limit = 1 - 2 / np.linalg.norm(2 * np.ones((T, T)) + np.outer(lag, lag))
        small = Modes(*(np.full((1, 3), 1e-9) for _ in range(3)))
        np.testing.assert_allclose(ntk.aligned_ntk_distance(small, Modes(one, one, one), T), limit, rtol=1e-8)


def test_distance_starts_at_zero_and_grows_along_training():
    task = tasks.structured_task(np.ones((4, 4)), 40, 15)
    modes = Modes(*np.full((3, 4), 0.2))
    R = bases.random_orthogonal(4, 16)
    start = network.aligned_weights(modes, task.U, R, task.V)
    history = training.train(start, task, 0.02, 400, record_every=20)
    D = ntk.ntk_distance(start, history.weights, task.x)
    assert D[0] == 0
    assert D[-1] > 0.3
    np.testing.assert_allclose(D, ntk.ntk_distance(start, history.weights, T=4), rtol=0, atol=1e-12)
    recovered = network.recover_modes(history.weights, task.U, R, task.V)
    np.testing.assert_allclose(D, ntk.aligned_ntk_distance(modes, recovered, 4), rtol=0, atol=1e-12)


def test_a_diverged_network_is_nan_in_its_own_row():
    rng = np.random.default_rng(17)
    w0, w1, x = random_weights(rng, (4,)), random_weights(rng, (4,)), rng.standard_normal((5, 3, SIZES[0]))
    m0, m1 = random_modes(rng, (4,), 3), random_modes(rng, (4,), 3)
    functions = [
        lambda w, m: ntk.ntk(w, x),
        lambda w, m: ntk.ntk(w, x, compiled=True),
        lambda w, m: ntk.ntk(w, x, outputs="all"),
        lambda w, m: ntk.jacobian(w, x)[..., :-10],
        lambda w, m: ntk.ntk_distance(w, w1, x),
        lambda w, m: ntk.ntk_distance(w1, w, T=3),
        lambda w, m: ntk.ntk_distance(w1, w, T=1),
        lambda w, m: ntk.aligned_ntk_distance(m, m1, 3),
    ]
    for bad in (np.nan, np.inf):
        weights, modes = (type(z)(*(v.copy() for v in z)) for z in (w0, m0))
        for v in (*weights, *modes):
            v[2] = bad
        for function in functions:
            clean, got = function(w0, m0), function(weights, modes)
            assert not np.isfinite(got[2]).any()
            np.testing.assert_array_equal(got[[0, 1, 3]], clean[[0, 1, 3]])


@pytest.mark.parametrize("T", [1, 3])
@pytest.mark.parametrize("outputs", ["last", "all"])
def test_one_number_lost_is_a_network_lost_on_every_route(outputs, T):
    rng = np.random.default_rng(19)
    weights, other = random_weights(rng, (2,)), random_weights(rng, (2,))
    weights.Wh[1, 0, 0] = np.inf  # at T = 1 no route would multiply it with anything but zero
    x = rng.standard_normal((4, T, SIZES[0]))
    found = [ntk.ntk(weights, x, outputs=outputs, compiled=compiled) for compiled in (None, True, False, np.True_)]
    found.append(ntk.jacobian(weights, x, outputs=outputs))
    found += [ntk.ntk_distance(weights, other, outputs=outputs, **data) for data in (dict(x=x), dict(T=T))]
    for values in found:
        assert np.isfinite(values[0]).all()
        assert np.isnan(values[1]).all()


def test_a_network_of_zeros_has_no_direction():
    other = random_weights(0)
    zero = Weights(*(0 * w for w in other))
    x = np.random.default_rng(18).standard_normal((5, 3, SIZES[0]))
    assert np.isnan(ntk.ntk_distance(zero, other, x))
    assert np.isnan(ntk.ntk_distance(other, other, 0 * x))
    assert np.isnan(ntk.aligned_ntk_distance(Modes(*np.zeros((3, 2))), Modes(*np.ones((3, 2))), 2))


def test_errors_name_the_argument():
    rng = np.random.default_rng(19)
    w, x = random_weights(rng), rng.standard_normal((5, 3, SIZES[0]))
    wide = random_weights(rng, sizes=(4, 5, 2))
    modes = random_modes(rng, (2,), 3)
    for match, call in [
        ("exactly one of x and T must be given, got none", lambda: ntk.ntk_distance(w, w)),
        ("exactly one of x and T must be given, got both", lambda: ntk.ntk_distance(w, w, x, 3)),
        ("weights0 and weights1 must have the same N_x and N_y", lambda: ntk.ntk_distance(w, wide, T=3)),
        ("weights0 .2,., weights1 .3,.", lambda: ntk.ntk_distance(*(random_weights(1, (n,)) for n in (2, 3)), T=3)),
        ("T must be an integer >= 1", lambda: ntk.ntk_distance(w, w, T=0)),
        ("outputs must be", lambda: ntk.ntk_distance(w, w, T=3, outputs="first")),
        ("outputs must be", lambda: ntk.ntk(w, x, outputs="first")),
        ("x must have N_x = 4", lambda: ntk.ntk(wide, x)),
        ("x must have shape", lambda: ntk.ntk(w, x[0])),
        ("x must be finite", lambda: ntk.jacobian(w, np.full_like(x, np.nan))),
        ("weights must", lambda: ntk.ntk(w[:2], x)),
        ("sizes of at most 8, got N_h = 9", lambda: ntk.ntk(random_weights(rng, sizes=(3, 9, 2)), x, compiled=True)),
        ("compiled must be True, False or None", lambda: ntk.ntk(w, x, compiled="yes")),
        (r"\(2, 2\) and \(3, 3\)", lambda: ntk.kernel_distance(np.eye(2), np.eye(3))),
        ("k0 and k1 must end", lambda: ntk.kernel_distance(np.ones(3), np.ones(3))),
        ("each >= 1", lambda: ntk.kernel_distance(np.ones((2, 0, 3)), np.ones((2, 0, 3)))),
        ("k0 .2,., k1 .3,.", lambda: ntk.kernel_distance(np.ones((2, 3, 3)), np.ones((3, 3, 3)))),
        ("T must be an integer >= 1", lambda: ntk.aligned_ntk_distance(modes, modes, 0)),
        ("modes1 must end", lambda: ntk.aligned_ntk_distance(modes, Modes(1.0, 1.0, 1.0), 2)),
        ("same N, got 3 and 2", lambda: ntk.aligned_ntk_distance(modes, Modes(*(m[..., :2] for m in modes)), 2)),
        ("N_y must be an integer >= 3", lambda: ntk.aligned_ntk_distance(modes, modes, 2, N_y=2)),
    ]:
        with pytest.raises(ValueError, match=match):
            call()
    with pytest.raises(TypeError, match="T must be an integer"):
        ntk.aligned_ntk_distance(modes, modes, 2.0)
