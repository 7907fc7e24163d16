"""The arrays behind Figures A4 to A7, at fewer draws and by routes that the chapter does not take."""

import numpy as np
import pytest

from lrnn_helpers import dynamics, modes, network, ntk, tasks, training
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights

N = 4
CONJUGATE = np.array([1, -1, 1, -1])


def summing(T):
    return tasks.structured_task(np.ones((N, T)), P=N * T + 1, seed=0)


def rate(T):
    return 0.35 / (2 * T + np.sum(np.arange(T) ** 2))


def random_starts(sigma, draws, N_h=N, seed=11):
    W = network.unaligned_weights(np.ones(draws), N, N_h, N, seed)
    return Weights(*(np.multiply.outer(np.asarray(sigma), w) for w in W))


def equal(sigma, b=None):
    one = np.ones(N)
    return Modes(sigma * one, (sigma if b is None else b) * one, sigma * one)


def ends(u=1.0, b=1.0):
    return Modes(np.sqrt(u) * np.ones(N), b * np.ones(N), np.sqrt(u) * np.ones(N))


def by_samples(start, end, T):
    """Distance of kernels formed on whitened samples, without the short cut for white inputs."""
    x = summing(T).x
    return ntk.kernel_distance(ntk.ntk(start, x), ntk.ntk(end, x))


@pytest.mark.parametrize("T", [2, 5])
@pytest.mark.parametrize("sigma", [0.1, 0.6, 1.0])
def test_a_rotation_s_panel_follows_without_training(T, sigma):
    lam = np.exp(1j * np.pi / 12 * CONJUGATE)
    task = tasks.rotational_task(dynamics.inverse_exponential(1.0, lam, T), P=N * T + 1, seed=0)
    start = network.rotational_weights(equal(sigma), task.P)
    run = training.train(start, task, rate(T), 4000)
    assert run.loss[-1] < 1e-10
    closed = ntk.aligned_ntk_distance(Modes(*(m + 0j for m in equal(sigma))), ends(b=lam), T)
    assert abs(by_samples(start, run.final, T) - closed) < 1e-5


def test_large_angles_are_another_picture():
    sigmas, lengths = np.array([0.05, 0.2, 0.4, 0.6, 0.8, 1.0]), (1, 2, 3, 5, 8)

    def panel(phi):
        b = np.exp(1j * phi * CONJUGATE)
        return np.array([[ntk.aligned_ntk_distance(equal(s), ends(b=b), T) for s in sigmas] for T in lengths])

    def rank_correlation(x, y):
        ranks = [np.unique(v.round(12), return_inverse=True)[1].astype(float) for v in (x.ravel(), y.ravel())]
        return np.corrcoef(*ranks)[0, 1]

    assert rank_correlation(panel(0), panel(np.pi / 12)) > 0.9 > 0.8 > rank_correlation(panel(0), panel(np.pi / 2))


@pytest.mark.parametrize("T", [2, 4])
def test_width_moves_the_distance_to_small_scales(T):
    sigmas, means = np.array([0.05, 0.2, 1.0]), {}
    for N_h in (4, 40, 120):
        start = random_starts(sigmas, 3, N_h)
        impulses = np.eye(T * N).reshape(T * N, T, N)
        top = np.linalg.eigvalsh(ntk.ntk(start, impulses))[..., -1]
        run = training.train(start, summing(T), 0.8 / (0.35 / rate(T) + top), 400)
        means[N_h] = ntk.ntk_distance(start, run.final, T=T).mean(axis=-1)
    assert means[120][0] > 0.5
    assert means[4][-1] > means[40][-1] > means[120][-1]
    assert means[120][0] > 20 * means[120][-1] and means[4][0] < 3 * means[4][-1]


def test_lazy_distance_falls_as_the_square_of_the_width():
    D = []
    for N_h in (80, 160, 320):
        start = random_starts(0.7, 6, N_h)
        top = np.linalg.eigvalsh(ntk.ntk(start, np.eye(2 * N).reshape(2 * N, 2, N)))[..., -1]
        D.append(ntk.ntk_distance(start, training.train(start, summing(2), 0.8 / (5 + top), 150).final, T=2).mean())
    assert np.allclose(np.log2(np.divide(D[:-1], D[1:])), 2, atol=0.6)


def test_diverged_networks_are_nan_and_told_by_the_first_kernel():
    T, sigmas = 6, np.array([0.6, 1.0, 1.5])
    start = random_starts(sigmas, 24)
    run = training.train(start, summing(T), rate(T), 100)
    share = run.diverged.mean(axis=-1)
    assert share[0] == 0 < share[-1] and np.all(np.diff(share) >= 0)
    assert np.array_equal(np.isnan(ntk.ntk_distance(start, run.final, T=T)), run.diverged)
    top = rate(T) * np.linalg.eigvalsh(ntk.ntk(start, np.eye(T * N).reshape(T * N, T, N)))[..., -1]
    assert top[run.diverged].min() > 5
    assert np.mean(top[run.diverged][:, None] > top[~run.diverged]) > 0.95
    aligned = modes.descend(Modes(*[sigmas] * 3), np.ones(T), rate(T), 300)
    assert np.isfinite(aligned.u[:2]).all()


@pytest.mark.parametrize("T", [2, 4, 8])
def test_the_valley_follows_lambda_and_not_delta(T):
    sigmas = np.geomspace(0.1, 3, 300)

    def lowest(delta, lam):
        s = dynamics.inverse_exponential(delta, lam, T)
        end = Modes(*(m[-1] for m in modes.flow(equal(0.5), s, [0, 2000])))
        assert modes.energy(end, s).max() < 1e-12
        return sigmas[np.argmin([ntk.aligned_ntk_distance(equal(x), end, T) for x in sigmas])]

    assert abs(lowest(1.0, 1.0) - 1) < 0.02
    assert 0.9 * lowest(1.0, 1.0) < lowest(0.5, 1.0) < lowest(1.0, 1.0) < lowest(2.0, 1.0) < 1.25
    assert lowest(1.0, 1.6) > 2 * lowest(1.0, 0.5)


def test_the_two_steps_of_the_split():
    T, start = 4, Weights(*(w[0] for w in random_starts([1.0], 12)))
    run = training.train(start, summing(T), rate(T), 4000)
    done = run.loss[-1] < 1e-6
    assert done.sum() > 5
    first, last = (Weights(*(w[done] for w in W)) for W in (start, run.final))
    middle = []
    for w, v in zip(first, last, strict=True):
        u, _, vt = np.linalg.svd(w)
        middle.append(u @ (np.linalg.svd(v)[1][..., None] * vt))
    scale, turn = ntk.ntk_distance(first, Weights(*middle), T=T), ntk.ntk_distance(Weights(*middle), last, T=T)
    assert turn.mean() > 1.3 * scale.mean()
    angle = np.arccos(1 - np.array([ntk.ntk_distance(first, last, T=T), scale, turn]))
    assert np.all(angle[0] <= angle[1] + angle[2] + 1e-12)


def shares(D):
    D = D - D.mean()
    return np.mean(D.mean(axis=1) ** 2) / np.mean(D**2), np.mean(D.mean(axis=0) ** 2) / np.mean(D**2)


def test_the_recurrent_scale_decides_only_at_length_six_or_when_aligned():
    grid = np.array([0.05, 0.15, 0.25, 0.4])
    W = network.unaligned_weights(np.ones(40), N, N, N, 5)
    W = Weights(*(np.concatenate(pair) for pair in ((W.Wx, W.Wx), (W.Wh, -W.Wh), (W.Wy, W.Wy))))
    io, h = np.meshgrid(grid, grid, indexing="ij")
    start = Weights(*(np.multiply.outer(m, w) for m, w in zip((io, h, io), W, strict=True)))
    found = {}
    for T in (2, 6):
        run = training.train(start, summing(T), rate(T), 4000)
        D = np.where(run.loss[-1] < 1e-4, ntk.ntk_distance(start, run.final, T=T), np.nan)
        found[T] = shares(np.nanmean(D, axis=-1))
        aligned = np.array([[ntk.aligned_ntk_distance(equal(x, y), ends(), T) for y in grid] for x in grid])
        assert shares(aligned)[1] > 0.8
    assert found[6][1] > 2 * found[6][0] and found[2][1] < 2 * found[2][0]


def test_the_share_is_one_of_signs():
    grid, patterns = np.array([0.05, 0.15, 0.25, 0.4]), np.array(np.meshgrid(*[(-1, 1)] * N)).reshape(N, -1).T
    recurrent = []
    for factor in (np.ones((1, N)), patterns):
        D = [
            [ntk.aligned_ntk_distance(Modes(x * np.ones(N), y * factor, x * np.ones(N)), ends(), 2) for y in grid]
            for x in grid
        ]
        recurrent.append(shares(np.mean(D, axis=-1))[1])
    assert recurrent[0] > 0.9 and abs(recurrent[1] - 0.5) < 0.1
