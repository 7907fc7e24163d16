"""Appendix N: complex modes against networks of every shape that the appendix speaks of; apart from the notebook."""

import numpy as np
import pytest

from lrnn_helpers import bases, dynamics, modes, network, tasks, training
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights
from lrnn_helpers.tasks import Task


def paired(rng, pairs, reals, *size):
    z = rng.normal(size=(pairs, *size)) + 1j * rng.normal(size=(pairs, *size))
    rows = [row for pair in z for row in (pair, pair.conj())]
    return np.array([*rows, *rng.normal(size=(reals, *size))], dtype=complex)


def turned(rng, d):
    N, T = d.shape
    task = tasks.rotational_task(d, P=N * T + 1, seed=rng)
    Q = bases.random_orthogonal(N, rng)
    return Task(task.x @ Q.T, task.y @ Q.T, P=Q @ task.P, d=task.d)


@pytest.mark.parametrize("T", [1, 2, 5])
@pytest.mark.parametrize(("pairs", "reals"), [(1, 0), (0, 2), (2, 1)])
def test_gradient_of_a_real_network_is_the_velocity_of_its_complex_modes(T, pairs, reals):
    rng = np.random.default_rng(T)
    d, *abc = (paired(rng, pairs, reals, *size) for size in ((T,), (), (), ()))
    task, m = turned(rng, d), Modes(*abc)
    gradient = training.gradient(network.rotational_weights(m, task.P), task, "autograd")
    for name, rate in modes.velocity(m, d)._asdict().items():
        matrix = -task.P.conj().T @ getattr(gradient, {"a": "Wx", "b": "Wh", "c": "Wy"}[name]) @ task.P
        np.testing.assert_allclose(matrix, np.diag(rate), rtol=0, atol=1e-11 * max(1, np.abs(rate).max()))


def test_training_keeps_the_eigenvectors_and_follows_descent_on_modes():
    rng = np.random.default_rng(0)
    lam = np.array([0.9 * np.exp(0.7j), 0.9 * np.exp(-0.7j), -0.5])
    d = dynamics.inverse_exponential([1.2, 1.2, 0.8], lam, 5)
    task, start = turned(rng, d), Modes(*(0.3 * paired(rng, 1, 1) for _ in range(3)))
    final = training.train(network.rotational_weights(start, task.P), task, 0.02, 500).final
    after = modes.descend(start, d, 0.02, 500)
    for W, m in zip(final, after, strict=True):
        np.testing.assert_allclose(task.P.conj().T @ W @ task.P, np.diag(m), rtol=0, atol=1e-11)


def test_loss_counts_a_pair_twice():
    rng = np.random.default_rng(1)
    d, *abc = (paired(rng, 2, 1, *size) for size in ((4,), (), (), ()))
    task = turned(rng, d)
    loss = training.loss_value(network.rotational_weights(Modes(*abc), task.P), task)
    energy = modes.energy(Modes(*abc), d)
    assert loss == pytest.approx(2 * energy[0] + 2 * energy[2] + energy[4], rel=1e-12)


def test_complex_flow_conserves_the_difference_of_squared_moduli():
    rng = np.random.default_rng(2)
    d, a, b, c = (0.6 * paired(rng, 20, 0, *size) for size in ((5,), (), (), ()))
    v = modes.velocity(Modes(a, b, c), d)
    np.testing.assert_allclose(a.conj() * v.a, c.conj() * v.c, rtol=1e-10)
    end = modes.descend(Modes(a, b, c), d, 1e-4, 2000)
    change = np.abs(end.a) ** 2 - np.abs(end.c) ** 2 - np.abs(a) ** 2 + np.abs(c) ** 2
    assert np.abs(change).max() < 1e-3


def test_an_input_that_the_target_ignores_changes_nothing_and_makes_the_task_square():
    rng = np.random.default_rng(3)
    s, T = rng.uniform(0.5, 1.5, (3, 4)), 4
    U, V_3, R = (bases.random_orthogonal(n, rng) for n in (4, 3, 5))
    V = np.eye(4)
    V[:3, :3] = V_3
    wide = tasks.structured_task(s, 30, 0, U=U[:, :3], V=V[:, :3])
    narrow = Task(wide.x[..., :3], wide.y)
    start = network.aligned_weights(Modes(*rng.uniform(0.2, 0.6, (3, 3))), U, R, V_3)
    grown = start._replace(Wx=np.pad(start.Wx, ((0, 0), (0, 1))))
    one, two = (training.train(w, t, 0.02, 300, "autograd").final for w, t in ((start, narrow), (grown, wide)))
    np.testing.assert_allclose(two.Wx, np.pad(one.Wx, ((0, 0), (0, 1))), rtol=0, atol=1e-12)
    np.testing.assert_allclose(two.Wh, one.Wh, rtol=0, atol=1e-12)
    Sigma = V @ U.T @ tasks.correlations(wide.x, wide.y)
    for t in range(T):
        np.testing.assert_allclose(Sigma[t] @ Sigma.mT, Sigma.mT @ Sigma[t], rtol=0, atol=1e-12)


def test_eigenvectors_that_are_not_orthogonal_mix_the_modes_at_once():
    rng = np.random.default_rng(4)
    for skew, mixes in ((0.0, False), (0.3, True)):
        mixing = bases.random_orthogonal(4, rng) + skew * rng.normal(size=(4, 4))
        P = mixing @ bases.rotation_basis(4)
        own, teacher = (Weights(*((P * paired(rng, 2, 0) @ np.linalg.inv(P)).real for _ in range(3))) for _ in range(2))
        x = tasks.structured_task(np.ones((4, 3)), 20, 0).x
        gradient = training.gradient(own, Task(x, network.forward(teacher, x)))
        inside = np.linalg.inv(P) @ gradient.Wh @ P
        share = np.linalg.norm(inside - np.diag(np.diag(inside))) / np.linalg.norm(inside)
        assert (share > 0.05) == mixes and (mixes or share < 1e-12)
