"""What Figure 5 rests on: kernel distances of trained networks, and the closed forms that need no training."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from lrnn_helpers import bases, modes, network, ntk, tasks, training
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights

N = 4
LENGTHS, SCALES, SEEDS = (1, 2, 3, 5), np.array([0.1, 0.3, 0.5, 0.8]), 10
UNIT = Modes(*np.ones((3, N)))


def task(T):
    return tasks.structured_task(np.ones((N, T)), P=N * T + 1, seed=0)


def rate(T):
    return 0.5 / (2 * T + np.sum(np.arange(T) ** 2))


def lag_kernel(T):
    """A block of the kernel of the balanced solution, from its definition."""
    k = np.arange(T)
    return 2 * np.ones((T, T)) + np.outer(k, k)


def starts(N_h=N):
    return network.unaligned_weights(np.repeat(SCALES[:, None], SEEDS, axis=1), N, N_h, N, seed=7)


def trained(W, T, time=80):
    run = training.train(W, task(T), rate(T), int(time / rate(T)))
    return run.final, np.nan_to_num(run.loss[-1], nan=1.0) < 1e-6


@pytest.fixture(scope="module")
def sweep():
    """The ends and solved runs of networks from the same starts, by trajectory length."""
    W = starts()
    return W, {T: trained(W, T) for T in LENGTHS}


def distance(sweep, T, lags):
    W, ends = sweep
    end, solved = ends[T]
    return np.where(solved, ntk.ntk_distance(W, end, T=lags), np.nan)


def rank(x, values):
    there = ~np.isnan(values)
    return spearmanr(np.broadcast_to(x, values.shape)[there], values[there]).statistic


@pytest.mark.parametrize("T", LENGTHS)
def test_the_distance_falls_with_the_scale(sweep, T):
    assert rank(SCALES[:, None], distance(sweep, T, T)) < -0.3


def test_the_distance_grows_with_the_length_but_not_in_one_window(sweep):
    own = np.array([distance(sweep, T, T) for T in LENGTHS])
    seen = np.array([distance(sweep, T, max(LENGTHS)) for T in LENGTHS])
    own, seen = (np.where(np.isnan(own).any(axis=0), np.nan, d) for d in (own, seen))
    for i in range(len(SCALES)):
        assert rank(np.array(LENGTHS)[:, None], own[:, i]) > 0.7
        assert abs(rank(np.array(LENGTHS[1:])[:, None], seen[1:, i])) < 0.25
        assert np.nanmedian(seen[1, i] - seen[0, i]) > 0.2


def test_with_no_spare_units_all_lengths_have_one_set_of_solutions(sweep):
    _, ends = sweep
    for T in LENGTHS[1:]:
        end, solved = ends[T]
        np.testing.assert_allclose(end.Wh[solved], np.broadcast_to(np.eye(N), end.Wh[solved].shape), atol=5e-3)


def test_with_spare_units_longer_trajectories_move_the_kernel_more():
    W = network.unaligned_weights(np.full(12, 0.5), N, 16, N, seed=7)
    (short, _), (long, _) = trained(W, 2, time=60), trained(W, 4, time=60)
    assert np.median(ntk.ntk_distance(W, long, T=4) - ntk.ntk_distance(W, short, T=4)) > 0.05


@pytest.mark.parametrize("T", [1, 2, 4, 7])
def test_aligned_networks_end_where_the_closed_form_says(T):
    data = task(T)
    begin = Modes(*np.broadcast_to(SCALES[:, None], (3, len(SCALES), N)))
    W = network.aligned_weights(begin, data.U, bases.random_orthogonal(N, seed=1), data.V)
    end, solved = trained(W, T)
    assert solved.all()
    np.testing.assert_allclose(
        ntk.ntk_distance(W, end, T=T), ntk.aligned_ntk_distance(begin, UNIT, T), rtol=1e-9, atol=1e-14
    )


@pytest.mark.parametrize("T", [1, 2, 3, 6])
def test_the_limit_of_small_aligned_starts(T):
    nothing = Modes(*np.full((3, N), 1e-16))
    wanted = 1 - 2 / np.linalg.norm(lag_kernel(T))
    assert abs(ntk.aligned_ntk_distance(nothing, UNIT, T) - wanted) < 1e-14


@pytest.mark.parametrize(("T", "N_h"), [(1, 4), (1, 9), (2, 4), (3, 4), (3, 6)])
def test_the_limit_of_small_unaligned_starts(T, N_h):
    W = Weights(*(1e-3 * w for w in network.unaligned_weights(np.ones(8), N, N_h, N, seed=3)))
    end, solved = trained(W, T)
    A, B = W.Wy @ W.Wy.mT, W.Wx.mT @ W.Wx
    lag_0 = np.array([np.kron(a, np.eye(N)) + np.kron(np.eye(N), b) for a, b in zip(A, B, strict=True)])
    kappa = np.trace(lag_0, axis1=1, axis2=2) / N / np.linalg.norm(lag_0, axis=(1, 2))
    assert solved.all() and np.all(kappa < 1)
    wanted = 1 - 2 * kappa / np.linalg.norm(lag_kernel(T))
    np.testing.assert_allclose(ntk.ntk_distance(W, end, T=T), wanted, atol=1e-3)


def test_small_unaligned_runs_need_no_training(sweep):
    W, ends = sweep
    solution = network.aligned_weights(UNIT, *[np.eye(N)] * 3)
    for T in LENGTHS:
        end, solved = ends[T]
        error = np.abs(ntk.ntk_distance(W, end, T=T) - ntk.ntk_distance(W, solution, T=T))
        assert solved[0].all() and error[0].max() < 0.01


def test_the_distance_along_training_follows_the_flow_of_the_modes():
    T, data, eta = 3, task(3), 0.02 * rate(3)
    begin = Modes(*np.full((3, N), 0.2))
    W = network.aligned_weights(begin, data.U, bases.random_orthogonal(N, seed=1), data.V)
    run = training.train(W, data, eta, int(6 / eta), record_every=int(1 / eta))
    flow = modes.flow(begin, np.ones((N, T)), run.steps * eta)
    simulated = ntk.ntk_distance(W, run.weights, T=T)
    assert np.ptp(simulated) > 0.5
    np.testing.assert_allclose(simulated, ntk.aligned_ntk_distance(begin, flow, T), atol=5e-3)


def test_a_network_of_width_n_can_rest_where_a_dimension_is_lost():
    shares = []
    for N_h in (4, 7):
        W = network.unaligned_weights(np.full(60, 0.8), N, N_h, N, seed=5)
        run = training.train(W, task(2), 0.1, 5000)
        stuck = (run.loss[-1] > 0.5) & (np.abs(run.loss[-1] - np.round(run.loss[-1])) < 1e-6)
        shares.append(stuck.mean())
        assert np.mean(run.loss[-1][~stuck] < 1e-3) > 0.9  # a rare run has its W_h run off
        gradient = training.gradient(Weights(*(w[stuck] for w in run.final)), task(2))
        assert max((np.abs(g).max() for g in gradient if g.size), default=0) < 1e-6
    assert shares[0] > 0.4 and shares[1] == 0
