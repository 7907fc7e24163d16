"""Appendix M: an output at every step; apart from the notebook."""

import numpy as np
import pytest

from lrnn_helpers import bases, modes, network, ntk, solutions, tasks, training
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights


def toeplitz(row):
    """s[..., t, i] = row[..., t - i]."""
    T = np.shape(row)[-1]
    return sum(np.asarray(row)[..., k, None, None] * np.eye(T, k=-k) for k in range(T))


def means(s):
    """The mean at each lag along the last axis."""
    return np.stack([np.diagonal(s, -k, -2, -1).mean(axis=-1) for k in range(s.shape[-1])], axis=-1)


def norm(x):
    return np.sqrt((np.asarray(x) ** 2).sum())


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("T", [1, 2, 3, 6])
def test_only_the_mean_at_each_lag_moves_the_modes(rng, T):
    s, m = np.tril(rng.normal(size=(40, T, T))), Modes(*rng.normal(size=(3, 40)))
    stationary = toeplitz(means(s))
    for one, other in zip(
        modes.velocity(m, s, outputs="all"), modes.velocity(m, stationary, outputs="all"), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    gap = modes.energy(m, s, outputs="all") - modes.energy(m, stationary, outputs="all")
    floor = sum(np.diagonal(s, -k, -2, -1).var(axis=-1) * (T - k) for k in range(T)) / 2
    np.testing.assert_allclose(gap, floor, rtol=1e-11, atol=1e-12)
    weights = T - np.arange(T)
    residual = means(s) - m.u[:, None] * m.b[:, None] ** np.arange(T)
    energy = (weights * residual**2).sum(axis=-1) / 2
    np.testing.assert_allclose(modes.energy(m, stationary, outputs="all"), energy, rtol=1e-12)


@pytest.mark.parametrize("T", [1, 3, 5])
def test_everything_is_a_sum_over_the_lengths_up_to_T(rng, T):
    s, m = np.tril(rng.normal(size=(20, T, T))), Modes(*rng.normal(size=(3, 20)))
    rows = [s[:, t, : t + 1] for t in range(T)]
    for function in (modes.velocity, modes.energy_terms):
        single = np.sum([function(m, row) for row in rows], axis=0)
        np.testing.assert_allclose(function(m, s, outputs="all"), single, rtol=1e-11, atol=1e-12)
    single = sum(modes.hessian(m, row) for row in rows)
    np.testing.assert_allclose(modes.hessian(m, s, outputs="all"), single, rtol=1e-11, atol=1e-12)
    for n in (1, 2, 3):
        single = sum(solutions.energy_derivative(n, m.u, m.b, row) for row in rows)
        np.testing.assert_allclose(
            solutions.energy_derivative(n, m.u, m.b, s, outputs="all"), single, rtol=1e-11, atol=1e-10
        )


def test_a_batch_of_trained_networks_has_the_modes_of_descent_at_the_same_steps(rng):
    T, N, B, eta, steps = 4, 3, 5, 0.004, 150
    s = np.tril(rng.uniform(0, 1, (N, T, T)))
    U, R, V = (bases.random_orthogonal(n, rng)[:, :N] for n in (4, 5, 3))
    task = tasks.structured_task(s, 3 * T + 1, seed=1, U=U, V=V, outputs="all")
    start = Modes(*rng.uniform(0.1, 0.6, (3, B, N)))
    run = training.train(network.aligned_weights(start, U, R, V), task, eta, steps, record_every=50)
    found = network.recover_modes(run.weights, U, R, V)
    expected = modes.descend(start, s, eta, steps, record_every=50, outputs="all")
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)
    loss = modes.energy(Modes(*found), s, outputs="all").sum(axis=-1)
    np.testing.assert_allclose(run.loss, loss, rtol=1e-10)
    assert np.max(network.misalignment(run.weights, U, R, V)) < 1e-12


def test_no_width_goes_below_the_floor(rng):
    T, N = 4, 2
    s = np.tril(rng.uniform(0, 1, (N, T, T)))
    task = tasks.structured_task(s, N * T + 1, seed=0, outputs="all")
    floor = sum(np.diagonal(s, -k, -2, -1).var(axis=-1) * (T - k) for k in range(T)).sum() / 2
    ends = [
        training.train(network.unaligned_weights(np.full(3, 0.5), N, N_h, N, seed=N_h), task, 0.02, 8000).loss[-1]
        for N_h in (1, 2, 4, 10)
    ]
    assert np.min(ends) > floor - 1e-10
    np.testing.assert_allclose(ends[-1], floor, rtol=1e-3)
    assert np.min(ends[0]) > floor * 1.1


@pytest.mark.parametrize("T", [1, 2, 4, 6])
def test_blocks_of_the_kernel_are_corners_of_that_of_the_last_output(T):
    weights = network.unaligned_weights(np.full(3, 0.9), 2, 5, 3, seed=T)
    impulses = np.eye(2 * T).reshape(-1, T, 2)
    # samples (step, input) of both kernels; a block (i, t, j, t') of one is lag (t - i, t' - j) of the other
    K = ntk.ntk(weights, impulses, outputs="all").reshape(3, T, 2, T, 3, T, 2, T, 3)
    Q = ntk.ntk(weights, impulses).reshape(3, T, 2, 3, T, 2, 3)[:, ::-1, :, :, ::-1]
    for i in range(T):
        for j in range(T):
            for t in range(T):
                for t_ in range(T):
                    block, inside = K[:, i, :, t, :, j, :, t_], t >= i and t_ >= j
                    wanted = Q[:, t - i, :, :, t_ - j] if inside else np.zeros_like(block)
                    np.testing.assert_allclose(block, wanted, rtol=1e-12, atol=1e-12)
    share = 1 - sum((K[:, :, :, t, :, :, :, t] ** 2).sum() for t in range(T)) / (K**2).sum()
    assert -1e-12 < share <= 1 - 1 / T + 1e-12


def test_distances_of_trained_networks_are_those_of_their_modes_and_need_no_data(rng):
    T, N = 5, 3
    s = toeplitz(rng.uniform(0.7, 1.4, (N, 1)) * rng.uniform(0.4, 1, (N, 1)) ** np.arange(T))
    task = tasks.structured_task(s, N * T + 1, seed=0, outputs="all")
    start = Modes(*rng.uniform(0.1, 0.3, (3, 4, N)))
    R = bases.random_orthogonal(4, rng)[:, :N]
    built = network.aligned_weights(start, task.U, R, task.V)
    run = training.train(built, task, 0.01, 400)
    end = network.recover_modes(run.final, task.U, R, task.V)
    closed = ntk.aligned_ntk_distance(start, end, T, outputs="all")
    without = ntk.ntk_distance(built, run.final, T=T, outputs="all")
    measured = ntk.kernel_distance(*(ntk.ntk(w, task.x, outputs="all") for w in (built, run.final)))
    np.testing.assert_allclose(closed, without, rtol=1e-10)
    np.testing.assert_allclose(closed, measured, rtol=1e-9)
    single = ntk.aligned_ntk_distance(start, end, T)
    assert (closed > 0.05).all() and (np.abs(closed - single) > 1e-3).all()


@pytest.mark.parametrize("T", range(1, 9))
def test_the_limit_of_small_starts_in_closed_form(T):
    limit = 1 - 2 / np.sqrt((T + 1) ** 2 + (T**2 - 1) ** 2 / 9 + T**2 * (T**2 - 1) ** 2 / 144)
    for size, tolerance in ((1e-3, 3e-3), (1e-6, 3e-6)):
        D = ntk.aligned_ntk_distance(Modes(*np.full((3, 2), size)), Modes(*np.ones((3, 2))), T, outputs="all")
        assert abs(D - limit) < tolerance


@pytest.mark.parametrize("T", [2, 5, 9])
def test_gradient_descent_is_stable_up_to_the_rate_of_the_weighted_sums(T):
    delta = 1.3
    weights, k, m = T - np.arange(T), np.arange(T), 2 * delta
    B0, B1, B2 = (float((weights * k**p).sum()) for p in range(3))
    root = np.sqrt((m * B0 - delta**2 * B2) ** 2 + 4 * m * delta**2 * B1**2)
    rate = 4 / (m * B0 + delta**2 * B2 + root)
    off = Modes(delta**0.5 + 1e-6, 1.0, delta**0.5)
    # a network, not the modes: one dimension, trained on samples
    task = tasks.structured_task(delta * np.tri(T)[None], T + 1, seed=0, U=[[1.0]], V=[[1.0]], outputs="all")
    start = Weights(*(np.array([[x]]) for x in off))
    below, above = (training.train(start, task, f * rate, 60).loss for f in (0.9, 1.1))
    assert below[-1] < 0.01 * below[0]
    assert not above[-1] < 10 * above[0]


def test_one_running_mean_alone_is_learned_and_all_are_not():
    T = 5
    running = np.tril(np.ones((T, T))) / np.arange(1, T + 1)[:, None]
    for t in range(T):
        u, b = solutions.zero_loss(running[t, : t + 1])
        assert u == pytest.approx(1 / (t + 1)) and b == pytest.approx(float(t > 0))
    with pytest.raises(ValueError, match="zero-loss"):
        solutions.zero_loss(running, outputs="all")
