import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.linalg import matrix_power

from lrnn_helpers import autograd, bases, modes, network, ntk, training
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights
from lrnn_helpers.tasks import Task

SIZES = (3, 5, 2)  # N_x, N_h, N_y: all different, or a missing transpose shows nowhere


def orthonormal(rng, n, m):
    return np.linalg.qr(rng.standard_normal((n, m)))[0]


@pytest.mark.parametrize("T", [1, 2, 3, 8])
@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_three_routes_to_the_outputs(T, lead):
    rng = np.random.default_rng(T)
    weights = network.unaligned_weights(np.full(lead, 0.8), *SIZES, rng)
    x = rng.standard_normal((7, T, SIZES[0]))
    outputs = network.forward(weights, x, outputs="all")
    assert outputs.shape == (*lead, 7, T, SIZES[2])
    assert network.forward(weights, x).shape == (*lead, 7, SIZES[2])
    np.testing.assert_array_equal(network.forward(weights, x), outputs[..., -1, :])
    for t in range(T):
        response = network.impulse_response(weights, t + 1)
        assert response.shape == (*lead, t + 1, SIZES[2], SIZES[0])
        summed = np.einsum("...iyn,pin->...py", response, x[:, : t + 1])
        np.testing.assert_allclose(outputs[..., t, :], summed, rtol=1e-12, atol=1e-13)
    for kind in ("last", "all"):
        module = autograd.LinearRNN(weights, outputs=kind)
        got = module(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(got, network.forward(weights, x, outputs=kind), rtol=1e-13, atol=1e-14)


def test_impulse_response_is_the_matrix_power_of_each_lag():
    Wx, Wh, Wy = weights = network.unaligned_weights(1.3, *SIZES, 0)
    got = network.impulse_response(weights, 6)
    for i in range(1, 7):
        np.testing.assert_allclose(got[i - 1], Wy @ matrix_power(Wh, 6 - i) @ Wx, rtol=1e-12, atol=1e-14)


def test_leading_axes_of_the_three_matrices_broadcast():
    rng = np.random.default_rng(0)
    Wx, Wh, Wy = rng.normal(size=(5, 3)), rng.normal(size=(4, 1, 5, 5)), rng.normal(size=(6, 2, 5))
    x = rng.normal(size=(7, 3, 3))
    assert network.impulse_response((Wx, Wh, Wy), 3).shape == (4, 6, 3, 2, 3)
    assert network.impulse_response((Wx, Wh[0, 0], Wy), 1).shape == (6, 1, 2, 3)
    out = network.forward((Wx, Wh, Wy), x)
    assert out.shape == (4, 6, 7, 2)
    np.testing.assert_allclose(out[2, 5], network.forward((Wx, Wh[2, 0], Wy[5]), x), rtol=1e-13)
    R, U, V = (orthonormal(rng, n, 2) for n in (5, 2, 3))
    recovered = network.recover_modes((Wx, Wh, Wy), U, R, V)
    assert [m.shape for m in recovered] == [(4, 6, 2)] * 3


def test_module_is_an_ordinary_one():
    weights = network.unaligned_weights(0.5, *SIZES, 0)
    module = autograd.LinearRNN(weights)
    assert [name for name, _ in module.named_parameters()] == ["Wx", "Wh", "Wy"]
    assert all(p.dtype == torch.float64 and p.requires_grad for p in module.parameters())
    for got, want in zip(module.weights(), weights, strict=True):
        np.testing.assert_array_equal(got, want)
    x = torch.ones((4, 3, SIZES[0]), dtype=torch.float64)
    before = module(x)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    (before**2).sum().backward()
    optimizer.step()
    assert not torch.equal(module(x), before)
    np.testing.assert_array_equal(weights.Wx, network.unaligned_weights(0.5, *SIZES, 0).Wx)  # a copy was trained
    other = autograd.LinearRNN(network.unaligned_weights(0.5, *SIZES, 1))
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(x), module(x))
    assert module.float()(x).dtype == torch.float32


@given(
    N=st.integers(1, 4),
    extra=st.tuples(*[st.integers(0, 3)] * 3),
    lead=st.sampled_from([(), (3,), (2, 2)]),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_modes_survive_being_woven_into_weights(N, extra, lead, seed):
    rng = np.random.default_rng(seed)
    modes = Modes(*rng.standard_normal((3, *lead, N)))
    U, R, V = (orthonormal(rng, N + e, N) for e in extra)
    weights = network.aligned_weights(modes, U, R, V)
    assert weights.Wh.shape == (*lead, N + extra[1], N + extra[1])
    for got, want in zip(network.recover_modes(weights, U, R, V), modes, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    assert (network.misalignment(weights, U, R, V) < 1e-14).all()
    # The impulse response telescopes for every lag: this is what R_y = R_x buys.
    for i, G in enumerate(np.moveaxis(network.impulse_response(weights, 4), -3, 0)):
        want = (U * (modes.c * modes.b ** (3 - i) * modes.a)[..., None, :]) @ V.T
        np.testing.assert_allclose(G, want, rtol=1e-11, atol=1e-12)


def test_square_singular_vectors_are_cut_to_the_modes():
    rng = np.random.default_rng(0)
    modes = Modes(*rng.standard_normal((3, 2)))
    U, R, V = (bases.random_orthogonal(n, rng) for n in (4, 6, 3))
    weights = network.aligned_weights(modes, U, R, V)
    assert [w.shape for w in weights] == [(6, 3), (6, 6), (4, 6)]
    for got, want in zip(network.recover_modes(weights, U, R, V), modes, strict=True):
        np.testing.assert_allclose(got, [*want, 0.0], rtol=1e-12, atol=1e-14)  # three columns in common, two modes


def test_misalignment_of_random_weights_and_of_none():
    rng = np.random.default_rng(0)
    U, R, V = (bases.random_orthogonal(4, rng) for _ in range(3))
    weights = network.unaligned_weights(0.5, 4, 4, 4, rng)
    bars = R.T @ weights.Wx @ V, R.T @ weights.Wh @ R, U.T @ weights.Wy @ R
    off = np.concatenate([(m - np.diag(np.diag(m))).ravel() for m in bars])
    want = np.linalg.norm(off) / np.linalg.norm([np.linalg.norm(w) for w in weights])
    np.testing.assert_allclose(network.misalignment(weights, U, R, V), want, rtol=1e-12)
    assert network.misalignment(Weights(*np.zeros((3, 4, 4))), U, R, V) == 0


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e-160, 1.0, 1e160, 1e200, 1e307])
def test_misalignment_does_not_depend_on_the_size(size):
    rng = np.random.default_rng(1)
    U, R, V = (bases.random_orthogonal(4, rng) for _ in range(3))
    weights = network.unaligned_weights(np.full(3, 0.5), 4, 4, 4, rng)
    scale = np.array([1.0, size, 1.0])[:, None, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*networks diverged")
        got = network.misalignment(Weights(*(w * scale for w in weights)), U, R, V)
    # 1e-320 has three digits.
    np.testing.assert_allclose(got, network.misalignment(weights, U, R, V), rtol=1e-2 if size < 1e-300 else 1e-12)
    half = Weights(*(size * np.array([[1.0, 1.0], [1.0, 1.0]]) for _ in range(3)))
    eye = np.eye(2)
    np.testing.assert_allclose(network.misalignment(half, eye, eye, eye), np.sqrt(0.5), rtol=1e-12)


def test_numbers_that_leave_the_floats_are_silent_everywhere():
    """As in the other rooms: inf or NaN in its own row, and no warning."""
    modes = Modes(*np.array([[[0.1, 0.2], [1e200, 1e308], [0.3, 0.4]]] * 3))
    Q, P, x = bases.random_orthogonal(2, 0), bases.rotation_basis(2), np.full((2, 4, 2), 1e10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*networks diverged")
        weights = network.aligned_weights(modes, Q, Q, Q)
        turned = network.rotational_weights(Modes(*(np.array([m[:, 0], m[:, 0]]).T for m in modes)), P)
        for w in (weights, turned):
            results = [network.forward(w, x, outputs=kind) for kind in ("last", "all")]
            results += [network.impulse_response(w, 5), *network.singular_values(w)]
            results += [*network.recover_modes(w, Q, Q, Q), *network.recover_rotational_modes(w, P)]
            results += [network.misalignment(w, Q, Q, Q)]
        infinite = Weights(*(np.where(np.arange(3)[:, None, None] == 1, np.inf, w) for w in weights))
        network.forward(infinite, x), network.recover_modes(infinite, Q, Q, Q)
        network.aligned_weights(modes._replace(a=np.where(modes.a > 1e199, np.inf, modes.a)), Q, Q, Q)
        spoilt = network.misalignment(infinite, Q, Q, Q)
    for result in results:
        assert np.isfinite(result[[0, 2]]).all()
    assert not np.isfinite(results[0][1]).all()
    np.testing.assert_array_equal(np.isnan(spoilt), [False, True, False])


def test_leading_axes_of_one_matrix_alone():
    rng = np.random.default_rng(2)
    Q, P, one = bases.random_orthogonal(4, rng), bases.rotation_basis(4), rng.normal(size=(3, 4, 4))
    for which in range(3):
        many = [w for w in one]
        many[which] = rng.normal(size=(2, 5, 4, 4))
        for recover in (
            lambda w: network.recover_rotational_modes(w, P),
            lambda w: network.recover_modes(w, Q, Q, Q),
        ):
            got = recover(many)
            assert [m.shape for m in got] == [(2, 5, 4)] * 3
            for row in np.ndindex(2, 5):
                alone = recover([w[row] if w.ndim > 2 else w for w in many])
                for g, w in zip(got, alone, strict=True):
                    np.testing.assert_allclose(g[row], w, rtol=1e-12)
        assert network.misalignment(many, Q, Q, Q).shape == (2, 5)


def test_a_diverged_network_stays_in_its_own_row():
    modes = Modes(*np.array([[[0.1, 0.2], [np.nan, 0.1], [0.3, 0.4]]] * 3))
    Q = bases.random_orthogonal(2, 0)
    weights = network.aligned_weights(modes, Q, Q, Q)
    x = np.ones((2, 3, 2))
    for finite in (
        np.isfinite(weights.Wx).all((-2, -1)),
        np.isfinite(network.forward(weights, x)).all((-2, -1)),
        np.isfinite(network.singular_values(weights).Wh).all(-1),
        np.isfinite(network.recover_modes(weights, Q, Q, Q).b).all(-1),
        np.isfinite(network.misalignment(weights, Q, Q, Q)),
    ):
        np.testing.assert_array_equal(finite, [True, False, True])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_rotations(n):
    rng = np.random.default_rng(n)
    P = bases.rotation_basis(n)
    np.testing.assert_allclose(P.conj().T @ P, np.eye(n), atol=1e-15)
    half = rng.standard_normal((3, 6, n // 2)) + 1j * rng.standard_normal((3, 6, n // 2))
    modes = np.stack([half, half.conj()], axis=-1).reshape(3, 6, -1)
    modes = Modes(*np.concatenate([modes, rng.standard_normal((3, 6, n % 2))], axis=-1))
    weights = network.rotational_weights(modes, P)
    for W, m in zip(weights, modes, strict=True):
        assert W.dtype == np.float64
        assert W.shape == (6, n, n)
        blocks = np.zeros((6, n, n))
        for j in range(0, n - 1, 2):
            mu, nu = m[:, j].real, m[:, j].imag
            blocks[:, j : j + 2, j : j + 2] = np.moveaxis(np.array([[mu, -nu], [nu, mu]]), -1, 0)
        if n % 2:
            blocks[:, -1, -1] = m[:, -1].real
        np.testing.assert_allclose(W, blocks, atol=1e-14)
    for got, want in zip(network.recover_rotational_modes(weights, P), modes, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-14)


def test_rotations_in_any_unitary_basis_of_conjugate_columns():
    Q = bases.random_orthogonal(4, 3)
    P = Q @ bases.rotation_basis(4, pairs=[1])
    m = np.array([0.3, 0.5 - 0.2j, 0.5 + 0.2j, -0.7])
    weights = network.rotational_weights(Modes(m, m**2, 2 * m), P)
    np.testing.assert_allclose(np.sort_complex(np.linalg.eigvals(weights.Wx)), np.sort_complex(m), atol=1e-13)
    np.testing.assert_allclose(network.recover_rotational_modes(weights, P).b, m**2, atol=1e-14)
    np.testing.assert_allclose(network.recover_rotational_modes(weights, P[:, 1:3]).b, m[1:3] ** 2, atol=1e-14)


def test_unaligned_weights_have_the_stated_spread():
    weights = network.unaligned_weights([0.5, 2.0], 30, 200, 50, 0)
    for W, columns in zip(weights, (30, 200, 200), strict=True):
        assert W.shape[0] == 2
        for w, sigma in zip(W, (0.5, 2.0), strict=True):
            assert abs(w.std() / (sigma / np.sqrt(columns)) - 1) < 5 / np.sqrt(2 * w.size)
            assert abs(w.mean()) < 5 * w.std() / np.sqrt(w.size)
    again = network.unaligned_weights([0.5, 2.0], 30, 200, 50, np.random.default_rng(0))
    np.testing.assert_array_equal(weights.Wy, again.Wy)


def test_singular_values_descend_and_leave_nan_alone():
    rng = np.random.default_rng(0)
    weights = network.unaligned_weights(np.ones(3), *SIZES, rng)
    weights.Wh[1, 0, 0] = np.nan
    spectra = network.singular_values(weights)
    assert [s.shape for s in spectra] == [(3, 3), (3, 5), (3, 2)]
    for n in (0, 2):
        for s, W in zip(spectra, weights, strict=True):
            np.testing.assert_allclose(s[n] ** 2, np.linalg.eigvalsh(W[n] @ W[n].T)[::-1][: s.shape[1]], atol=1e-13)
    assert np.isnan(spectra.Wh[1]).all()
    assert np.isfinite(spectra.Wx).all()


def test_random_orthogonal_is_haar():
    draws = np.stack([bases.random_orthogonal(3, seed) for seed in range(2000)])
    np.testing.assert_allclose(draws @ draws.mT, np.broadcast_to(np.eye(3), draws.shape), atol=1e-14)
    # Haar has mean 0, second moment 1/n and ⟨tr² Q⟩ = 1; plain QR leaves a mean of order 1 on the diagonal.
    assert np.abs(draws.mean(axis=0)).max() < 0.07
    assert np.abs((draws**2).mean(axis=0) - 1 / 3).max() < 0.05
    assert abs((np.trace(draws, axis1=1, axis2=2) ** 2).mean() - 1) < 0.2


EYE = np.eye(2)
GOOD = Weights(np.ones((3, 2)), np.ones((3, 3)), np.ones((2, 3)))
PAIR = bases.rotation_basis(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: network.forward((np.ones((3, 2)), np.ones((4, 4)), np.ones((2, 3))), np.ones((1, 1, 2))), "N_h, N_h"),
        (lambda: network.forward((1, 2), np.ones((1, 1, 2))), "three matrices"),
        (lambda: network.forward((np.ones(3), np.ones((3, 3)), np.ones((2, 3))), np.ones((1, 1, 2))), r"got Wx \(3,\)"),
        (
            lambda: network.forward(Weights(np.ones((2, 3, 2)), np.ones((5, 3, 3)), GOOD.Wy), np.ones((1, 1, 2))),
            "leading",
        ),
        (lambda: network.forward(GOOD, np.ones((4, 2))), r"\(P, T, N_x\)"),
        (lambda: network.forward(GOOD, np.ones((4, 0, 2))), r"\(P, T, N_x\)"),
        (lambda: network.forward(GOOD, np.ones((4, 5, 3))), "N_x = 2"),
        (lambda: network.forward(GOOD, np.full((4, 5, 2), np.nan)), "x must be finite"),
        (lambda: network.forward(GOOD, np.ones((4, 5, 2)), outputs="some"), "outputs"),
        (lambda: autograd.LinearRNN(GOOD, outputs="some"), "outputs"),
        (lambda: network.forward(GOOD, np.ones((4, 5, 2)), outputs=np.array(["last"] * 2)), "outputs must be"),
        (lambda: network.forward(GOOD, [[[10**400, 1]]]), "x must hold floats, got a number beyond their range"),
        (lambda: autograd.LinearRNN(GOOD)(torch.ones(4, 5, 3)), r"\(P, T, 2\)"),
        (lambda: network.impulse_response(GOOD, 0), "T must be an integer >= 1"),
        (lambda: network.aligned_weights(Modes(0.1, 0.1, 0.1), EYE, EYE, EYE), "axis of N >= 1"),
        (lambda: network.aligned_weights(Modes([1, 2], [1, 2, 3], [1, 2]), EYE, EYE, EYE), "leading axes"),
        (lambda: network.aligned_weights(Modes(*np.ones((3, 3))), EYE, np.eye(3), np.eye(3)), "U must be a matrix"),
        (lambda: network.aligned_weights(Modes(*np.ones((3, 2))), EYE, 2 * EYE, EYE), "R must have orthonormal"),
        (lambda: network.aligned_weights(Modes(*np.ones((3, 2))), EYE, EYE, EYE + 1e-8), "V must have orthonormal"),
        (lambda: network.recover_modes(GOOD, EYE, EYE, EYE), "R must be a matrix of 3 rows"),
        (lambda: network.recover_modes(GOOD, EYE, np.ones((3, 2)), EYE), "R must have orthonormal"),
        (lambda: network.rotational_weights(Modes([1j, 1j], [1, 1], [1, 1]), PAIR), r"a\[..., 0\] and a\[..., 1\]"),
        (lambda: network.rotational_weights(Modes([1, 1], [1, 2], [1, 1]), PAIR), "b.*must be conjugates"),
        (lambda: network.rotational_weights(Modes([1, 1], [1, 1], [1, 1j]), EYE), r"c\[..., 1\] must be real"),
        (lambda: network.rotational_weights(Modes([1j], [1], [1]), PAIR[:, :1]), "conjugate of each complex column"),
        (lambda: network.rotational_weights(Modes([1, 1], [1, 1], [1, 1]), PAIR * 2), "P must have orthonormal"),
        (lambda: network.recover_rotational_modes(GOOD, np.eye(3)), "square"),
        (lambda: network.recover_rotational_modes(Weights(*np.ones((3, 2, 2))), np.eye(3)), "P must be a matrix of 2"),
        (lambda: network.unaligned_weights(-0.1, 1, 2, 3, 0), "sigma must be >= 0"),
        (lambda: network.unaligned_weights(np.nan, 1, 2, 3, 0), "sigma must be finite"),
        (lambda: network.unaligned_weights(0.1, 1, 0, 3, 0), "N_h must be"),
        (lambda: bases.random_orthogonal(0, 0), "n must be"),
        (lambda: bases.rotation_basis(3, pairs=[0, 1]), "disjoint"),
        (lambda: bases.rotation_basis(3, pairs=[2]), "below n = 3"),
        (lambda: bases.rotation_basis(3, pairs=[-1]), "pairs must be an integer >= 0"),
        (lambda: bases.rotation_basis(0), "n must be an integer >= 1"),
        (lambda: bases.orthonormal_columns("U", np.eye(3)[:1], 2), "at least 2 rows and columns"),
    ],
)
def test_errors_name_the_argument_and_what_was_received(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_hidden_states_are_the_recursion():
    x = np.random.default_rng(0).normal(size=(4, 5, 2))
    W = network.unaligned_weights([0.3, 0.9, 0.6, 1.1], 2, 3, 2, seed=1)
    h = network.hidden_states(W, x)
    assert h.shape == (4, 4, 5, 3)
    for n, p in np.ndindex(4, 4):
        state = np.zeros(3)
        for t in range(5):
            state = W.Wh[n] @ state + W.Wx[n] @ x[p, t]
            np.testing.assert_allclose(h[n, p, t], state, rtol=1e-12)
    np.testing.assert_allclose(h @ W.Wy.mT[:, None], network.forward(W, x, outputs="all"), rtol=1e-12)


def test_hidden_velocity_is_the_derivative_along_the_weights():
    rng = np.random.default_rng(1)
    x, task_y = rng.normal(size=(6, 4, 2)), rng.normal(size=(6, 2))
    W = network.unaligned_weights([0.5, 1.1, 0.8, 0.2], 2, 3, 2, seed=2)
    rate = Weights(*(-g for g in training.gradient(W, Task(x, task_y))))
    step = 1e-6
    ends = [
        network.hidden_states(Weights(*(w + e * r for w, r in zip(W, rate, strict=True))), x) for e in (step, -step)
    ]
    got = network.hidden_velocity(W, rate, x)
    np.testing.assert_allclose(got, (ends[0] - ends[1])[..., -1, :] / (2 * step), rtol=1e-6, atol=1e-8)
    assert got.shape == (4, 6, 3)
    with pytest.raises(ValueError, match="velocity must have the weights' sizes"):
        network.hidden_velocity(W, network.unaligned_weights(0.5, 3, 3, 2, 0), x)


def test_effective_modes_of_aligned_weights_are_their_modes():
    rng = np.random.default_rng(3)
    U, R, V = (bases.random_orthogonal(n, rng)[:, :2] for n in (4, 5, 3))
    m = Modes(*rng.uniform(0.1, 1, (3, 6, 2)))
    found = network.effective_modes(network.aligned_weights(m, U, R, V), U, V)
    for left, right in zip(found.modes, m, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)
    np.testing.assert_allclose(found.R, np.broadcast_to(R, (6, 5, 2)), atol=1e-12)
    for share in found.alignment:
        np.testing.assert_allclose(share, 1, rtol=1e-12)
    turned = network.effective_modes(network.aligned_weights(Modes(-m.a, m.b, -m.c), U, R, V), U, V)
    np.testing.assert_allclose(turned.R, np.broadcast_to(-R, (6, 5, 2)), atol=1e-12)


def test_effective_modes_maximise_the_trace_and_stay_in_their_row():
    rng = np.random.default_rng(4)
    W = network.unaligned_weights(np.ones(3), 3, 5, 4, rng)
    W.Wh[1, 0, 0] = np.nan
    U, V = bases.random_orthogonal(4, rng)[:, :3], bases.random_orthogonal(3, rng)
    found = network.effective_modes(W, U, V)
    assert np.isnan(found.modes.a[1]).all() and np.isnan(found.R[1]).all()
    for n in (0, 2):
        both = W.Wx[n] @ V + W.Wy[n].T @ U
        np.testing.assert_allclose(found.R[n].T @ found.R[n], np.eye(3), atol=1e-12)
        best = np.trace(found.R[n].T @ both)
        assert all(np.trace(bases.random_orthogonal(5, rng)[:, :3].T @ both) < best for _ in range(50))
        np.testing.assert_allclose((found.modes.a + found.modes.c)[n].sum(), best, rtol=1e-12)
        diagonal = np.diag(found.R[n].T @ W.Wh[n] @ found.R[n])
        np.testing.assert_allclose(found.modes.b[n], diagonal, rtol=1e-12)
        np.testing.assert_allclose(found.alignment.Wh[n], (diagonal**2).sum() / (W.Wh[n] ** 2).sum(), rtol=1e-12)
    with pytest.raises(ValueError, match="at most N_h = 2 columns"):
        network.effective_modes(network.unaligned_weights(1.0, 3, 2, 4, 0), U, V)


MATRICES = (np.eye(2), np.eye(2), np.eye(2))


@pytest.mark.parametrize(
    "call",
    [
        lambda m: network.aligned_weights(m, EYE, EYE, EYE),
        lambda m: network.rotational_weights(m, EYE),
        lambda m: ntk.aligned_ntk_distance(m, m, 2),
        lambda m: modes.energy(m, np.ones(3)),
        lambda m: modes.velocity(m, np.ones(3)),
        lambda m: modes.flow(m, np.ones(3), [1.0]),
        lambda m: modes.descend(m, np.ones(3), 0.1, 1),
        lambda m: modes.hessian(m, np.ones(3)),
    ],
)
@pytest.mark.parametrize("given", [Weights(*MATRICES), MATRICES, MATRICES[:2], [1, 2, 3], None, 1.0])
def test_only_modes_are_taken_for_modes(call, given):
    with pytest.raises(TypeError, match="must be Modes"):
        call(given)


def test_modes_are_not_taken_for_weights():
    with pytest.raises(TypeError, match=r"weights must be three matrices .* got Modes"):
        network.forward(Modes(*MATRICES), np.ones((1, 1, 2)))


def test_a_module_stands_where_weights_do():
    rnn, x = autograd.LinearRNN(GOOD), np.ones((4, 5, 2))
    np.testing.assert_array_equal(network.forward(rnn, x), network.forward(GOOD, x))
    np.testing.assert_array_equal(ntk.ntk(rnn, x), ntk.ntk(GOOD, x))
    task = Task(x, np.ones((4, GOOD.Wy.shape[0])))
    for left, right in zip(
        training.train(rnn, task, 0.01, 3).final, training.train(GOOD, task, 0.01, 3).final, strict=True
    ):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: network.recover_modes(GOOD, EYE, None, EYE), "R must hold numbers, got None"),
        (lambda: network.aligned_weights(Modes([1], [None], [1]), EYE, EYE, EYE), r"b must hold numbers, got \[None\]"),
        (lambda: network.forward((None, EYE, EYE), np.ones((1, 1, 2))), "Wx must hold numbers, got None"),
        (lambda: network.unaligned_weights(None, 1, 2, 3, 0), "sigma must hold numbers, got None"),
    ],
)
def test_none_is_no_number(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_aligned_weights_of_complex_modes_is_a_type_error():
    with pytest.raises(TypeError, match="a must be real"):
        network.aligned_weights(Modes([1j], [1], [1]), EYE, EYE, EYE)
