import tracemalloc
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.linalg import matrix_power

from lrnn_helpers import _jit, autograd, bases, modes, network, tasks, training
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights
from lrnn_helpers.tasks import Task
from lrnn_helpers.training import _gradient

# Every way to train: matrix products, the compiled kernel, and the witness.
ENGINES = ({"compiled": False}, {"compiled": True}, {"method": "autograd"})


def random_task(rng, T, N_x, N_y, P=30, outputs="last", white=False):
    x = rng.standard_normal((P, T, N_x)) @ rng.standard_normal((N_x, N_x)) / np.sqrt(P)
    if white:
        x = tasks.structured_task(np.ones((N_x, T)), max(P, T * N_x + 1), rng).x
    y = rng.standard_normal((len(x), N_y) if outputs == "last" else (len(x), T, N_y))
    return Task(x, y)


def assert_same(got, want, **tolerance):
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, **tolerance)


def assert_equal(got, want):
    for g, w in zip(got, want, strict=True):
        np.testing.assert_array_equal(g, w)


def printed_gradient(weights, x, y):
    """(16)-(18) summed term by term, with the error of each time where there are T outputs."""
    Wx, Wh, Wy = weights
    P, T, _ = x.shape
    grads = [np.zeros_like(w) for w in weights]
    for end in [T] if y.ndim == 2 else range(1, T + 1):
        for p in range(P):
            outer = (y[p] if y.ndim == 2 else y[p, end - 1]) - sum(
                Wy @ matrix_power(Wh, end - j) @ Wx @ x[p, j - 1] for j in range(1, end + 1)
            )
            for i in range(1, end + 1):
                grads[0] -= np.outer(matrix_power(Wh, end - i).T @ Wy.T @ outer, x[p, i - 1])
                grads[2] -= np.outer(outer, matrix_power(Wh, end - i) @ Wx @ x[p, i - 1])
                for r in range(end - i):
                    right = matrix_power(Wh, end - i - 1 - r) @ Wx @ x[p, i - 1]
                    grads[1] -= np.outer(matrix_power(Wh, r).T @ Wy.T @ outer, right)
    return grads


@given(
    T=st.integers(1, 8),
    sizes=st.tuples(*[st.integers(1, 6)] * 3),
    P=st.integers(1, 40),
    outputs=st.sampled_from(["last", "all"]),
    white=st.booleans(),
    loss=st.sampled_from(["sum", "mean"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_both_gradients_agree(T, sizes, P, outputs, white, loss, seed):
    rng = np.random.default_rng(seed)
    task = random_task(rng, T, sizes[0], sizes[2], P, outputs, white)
    weights = network.unaligned_weights(np.full(2, 0.7), *sizes, rng)
    closed = training.gradient(weights, task, loss=loss)
    witness = training.gradient(weights, task, method="autograd", loss=loss)
    for g, w, W in zip(closed, witness, weights, strict=True):
        assert g.shape == W.shape
        np.testing.assert_allclose(g, w, rtol=1e-12, atol=1e-12 * np.abs(w).max())


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("T", [1, 2, 4])
def test_gradient_is_the_printed_sum(T, outputs):
    rng = np.random.default_rng(T)
    task = random_task(rng, T, 3, 2, 6, outputs)
    weights = network.unaligned_weights(1.0, 3, 4, 2, rng)
    assert_same(training.gradient(weights, task), printed_gradient(weights, *task[:2]), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_gradient_is_the_slope_of_the_loss(outputs):
    rng = np.random.default_rng(3)
    task, weights = random_task(rng, 4, 3, 2, 9, outputs), network.unaligned_weights(0.9, 3, 5, 2, rng)
    way = network.unaligned_weights(1.0, 3, 5, 2, rng)
    h = 1e-5
    ends = [
        training.loss_value(Weights(*(w + e * v for w, v in zip(weights, way, strict=True))), task) for e in (h, -h)
    ]
    slope = sum(np.sum(g * v) for g, v in zip(training.gradient(weights, task), way, strict=True))
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), slope, rtol=1e-7)


@pytest.mark.parametrize("loss", ["sum", "mean"])
@pytest.mark.parametrize("outputs", ["last", "all"])
def test_loss_is_what_it_says_and_what_is_recorded(outputs, loss):
    rng = np.random.default_rng(0)
    task = random_task(rng, 4, 3, 2, 50, outputs)
    weights = network.unaligned_weights(np.full((2, 3), 0.5), 3, 4, 2, rng)
    got = training.loss_value(weights, task, loss=loss)
    assert got.shape == (2, 3)
    module = autograd.LinearRNN(weights, outputs=outputs)
    error = torch.as_tensor(task.y) - module(task.x)
    want = (error**2).detach().numpy()[1, 2]
    np.testing.assert_allclose(got[1, 2], 0.5 * want.sum() if loss == "sum" else want.mean(), rtol=1e-13)
    for engine in ENGINES:
        history = training.train(weights, task, 1e-4, 3, loss=loss, record_every=1, **engine)
        for n in range(4):
            now = Weights(*(w[n] for w in history.weights))
            np.testing.assert_allclose(history.loss[n], training.loss_value(now, task, loss=loss), rtol=1e-13)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_zero_loss_is_zero_to_rounding_squared(outputs):
    rng = np.random.default_rng(0)
    teacher = network.unaligned_weights(1.0, 3, 4, 2, rng)
    x = rng.standard_normal((60, 4, 3))
    task = Task(x, network.forward(teacher, x, outputs=outputs))
    assert training.train(teacher, task, 1e-9, 0).loss[0] < 1e-25


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("white", [True, False])
def test_trajectories_agree_over_2000_steps(white, outputs):
    rng = np.random.default_rng(1)
    T, sizes = 5, (3, 4, 2)
    x = random_task(rng, T, sizes[0], sizes[2], 40, outputs, white).x
    task = Task(x, network.forward(network.unaligned_weights(1.0, *sizes, rng), x, outputs=outputs))
    weights = network.unaligned_weights(0.5, *sizes, rng)
    *runs, witness = [training.train(weights, task, 0.003, 2000, record_every=500, **engine) for engine in ENGINES]
    assert witness.loss[-1] < 0.5 * witness.loss[0]
    for run in runs:
        assert_same(run.weights, witness.weights, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(run.loss, witness.loss, rtol=1e-12)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_white_inputs_take_the_short_way_to_the_same_end(outputs, monkeypatch):
    rng = np.random.default_rng(1)
    task, weights = random_task(rng, 4, 3, 2, 40, outputs, white=True), network.unaligned_weights(0.5, 3, 4, 2, rng)
    assert _gradient.statistics(*task[:2]).diagonal is not None
    short = training.train(weights, task, 0.003, 500)
    monkeypatch.setattr(_gradient, "WHITE", -1.0)
    assert _gradient.statistics(*task[:2]).diagonal is None
    assert_same(training.train(weights, task, 0.003, 500).final, short.final, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize(
    "spread", [(1e5, 1e-2, 1e-2), (1e-2, 1e5, 1e-2), (1e3, 1e-4, 1e-4), (1e-8, 1.0, 1e8), (1.0, 1e-140, 1e-140)]
)
def test_the_gradient_knows_small_channels_beside_large_ones(spread, outputs):
    """Channels 1 and 3 are correlated by 0.9, however small they are: such inputs are not white."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((400, 3, 3))
    x[..., 2] = 0.9 * x[..., 1] + np.sqrt(1 - 0.81) * x[..., 2]
    y = rng.standard_normal((400, 2) if outputs == "last" else (400, 3, 2))
    task, weights = Task(x * spread, y), network.unaligned_weights(0.7, 3, 4, 2, rng)
    weights = weights._replace(Wx=weights.Wx / spread)  # every channel is heard
    closed, witness = (training.gradient(weights, task, method) for method in ("covariance", "autograd"))
    for g, w in zip(closed, witness, strict=True):
        assert (np.abs(g - w) <= 1e-10 * np.abs(w).max(axis=0)).all()


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("spread", [1e-6, 1e6, (1e6, 1.0, 1e-6), (0.0, 1.0, 1.0), 1e-150])
def test_white_channels_of_any_size_are_white(spread, outputs):
    task = random_task(np.random.default_rng(1), 4, 3, 2, 40, outputs, white=True)
    # It looks inside: the long way gives the same numbers.
    assert _gradient.statistics(task.x * spread, task.y).diagonal is not None
    x = task.x.copy()
    x[:, 1, 0] += 1e-9 * x[:, 1, 2]
    assert (_gradient.statistics(x * spread, task.y).diagonal is None) == (np.min(spread) > 0)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("P", [1, 3, 7, 40, 200])
@pytest.mark.parametrize(("T", "N_x", "N_y"), [(1, 2, 3), (5, 3, 1), (4, 1, 2), (9, 2, 2)])
def test_the_loss_of_few_and_of_many_samples(T, N_x, N_y, P, outputs):
    rng = np.random.default_rng(P)
    x = rng.standard_normal((P, T, N_x))
    task = Task(x, rng.standard_normal((P, N_y) if outputs == "last" else (P, T, N_y)))
    weights = network.unaligned_weights([0.2, 0.9], N_x, 3, N_y, rng)
    np.testing.assert_allclose(
        training.train(weights, task, 1e-4, 1).loss[0], training.loss_value(weights, task), rtol=1e-12
    )
    # What a network answers itself is without loss, to the square of rounding.
    answers = network.forward(Weights(*(w[1] if w.ndim > 2 else w for w in weights)), x, outputs=outputs)
    assert training.train(weights, Task(x, answers), 1e-9, 1).loss[0, 1] < 1e-26 * P * T


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_preparing_takes_memory_of_the_order_of_the_data(outputs):
    P, T, N = 2000, 40, 3
    rng = np.random.default_rng(0)
    task = Task(rng.standard_normal((P, T, N)), rng.standard_normal((P, N) if outputs == "last" else (P, T, N)))
    weights = network.unaligned_weights(0.1, N, 4, N, rng)
    tracemalloc.start()
    training.gradient(weights, task)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # With every output a sample of its own it would be T times the data.
    assert peak < 6 * (task.x.nbytes + task.y.nbytes)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_gradient_tolerance_of_nothing_stops_where_the_gradient_is_nothing(engine):
    rng = np.random.default_rng(0)
    task, start = random_task(rng, 3, 2, 2), network.unaligned_weights([0.5, 0.0], 2, 3, 2, rng)
    run = training.train(start, task, 0.01, 20, gradient_tolerance=0, **engine)
    np.testing.assert_array_equal(run.taken, [20, 0])
    free = training.train(start, task, 0.01, 20, **engine)
    np.testing.assert_array_equal(free.taken, 20)
    assert_equal(run.final, free.final)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_data_whose_squares_overflow_are_silent(outputs):
    rng = np.random.default_rng(0)
    task, start = random_task(rng, 3, 2, 2, outputs=outputs), network.unaligned_weights(0.5, 2, 3, 2, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*networks diverged")
        run = training.train(start, Task(1e200 * task.x, 1e200 * task.y), 0.01, 3)
        assert not np.isfinite(training.gradient(start, Task(1e200 * task.x, 1e200 * task.y)).Wx).all()
    assert run.diverged


def test_mean_loss_is_the_sum_at_another_rate():
    rng = np.random.default_rng(1)
    weights = network.unaligned_weights(0.5, 3, 4, 2, rng)
    for outputs, entries in (("last", 30 * 2), ("all", 30 * 5 * 2)):
        task = random_task(rng, 5, 3, 2, 30, outputs)
        for engine in ENGINES:
            mean = training.train(weights, task, 0.2, 50, loss="mean", **engine)
            total = training.train(weights, task, 0.2 * 2 / entries, 50, **engine)
            assert_same(mean.final, total.final, rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(mean.loss, total.loss * 2 / entries, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("white", [True, False])
def test_a_network_does_not_feel_the_others_even_when_one_diverges(engine, outputs, white):
    rng = np.random.default_rng(2)
    task = random_task(rng, 3, 3, 2, 30, outputs, white)
    weights = network.unaligned_weights(np.full((2, 3), 0.5), 3, 4, 2, rng)
    rates = np.array([0.003, 50.0, 0.002])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*networks diverged")
        batch = training.train(weights, task, rates, 60, record_every=20, **engine)
    np.testing.assert_array_equal(batch.diverged, [[False, True, False]] * 2)
    assert batch.loss.shape == (4, 2, 3)
    assert batch.weights.Wx.shape == (4, 2, 3, 4, 3)
    for n in np.ndindex(2, 3):
        alone = training.train(Weights(*(w[n] for w in weights)), task, rates[n[1]], 60, record_every=20, **engine)
        assert alone.diverged == batch.diverged[n]
        assert alone.loss.shape == (4,)
        assert_equal(alone.weights, [w[(slice(None), *n)] for w in batch.weights])
        assert_equal(alone.final, [w[n] for w in batch.final])
        np.testing.assert_array_equal(alone.loss, batch.loss[(slice(None), *n)])
    assert all(np.isnan(w[:, 1]).all() for w in batch.final)
    assert all(np.isfinite(w[:, ::2]).all() for w in batch.final)
    assert np.isfinite(batch.loss[0]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_network_that_starts_beyond_the_numbers_counts_as_diverged(bad):
    weights = network.unaligned_weights(np.full(2, 0.5), 1, 3, 2, 0)
    weights.Wy[1, 0, 0] = bad  # with one input its loss is infinite, not NaN, until it is told to be
    history = training.train(weights, random_task(np.random.default_rng(0), 1, 1, 2), 0.001, 4)
    np.testing.assert_array_equal(history.diverged, [False, True])
    assert np.isnan(history.weights.Wx[:, 1]).all()
    assert np.isfinite(history.loss[:, 0]).all()
    assert np.isnan(history.loss[:, 1]).all()


@pytest.mark.parametrize("N_h", [3, 12])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_whose_gradient_is_not_a_number_is_not_taken_for_one_at_rest(engine, N_h):
    rng = np.random.default_rng(0)
    task, weights = random_task(rng, 3, 2, 2), network.unaligned_weights([0.5, 0.5], 2, N_h, 2, rng)
    weights.Wh[1] *= 1e200  # finite, as are the others; W_h squared is not
    with pytest.warns(RuntimeWarning, match="1 of 2 networks diverged"):
        run = training.train(weights, task, 0.01, 20, gradient_tolerance=1e-9, **engine)
    np.testing.assert_array_equal(run.diverged, [False, True])
    np.testing.assert_array_equal(run.taken, [20, 1])


@pytest.mark.parametrize("N_h", [3, 12])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_tolerance_whose_square_overflows_is_a_tolerance(engine, N_h):
    rng = np.random.default_rng(0)
    task, weights = random_task(rng, 2, 2, 2), network.unaligned_weights([0.5, 0.5], 2, N_h, 2, rng)
    weights.Wh[1] *= 1e204  # its gradient is beyond all numbers
    with pytest.warns(RuntimeWarning, match="1 of 2 networks diverged"):
        run = training.train(weights, task, 0.01, 20, gradient_tolerance=1e200, **engine)
    np.testing.assert_array_equal(run.diverged, [False, True])
    assert run.taken[0] == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_recorded_when(engine):
    task = random_task(np.random.default_rng(0), 3, 2, 2)
    start = network.unaligned_weights(0.5, 2, 3, 2, 0)
    kept = [w.copy() for w in start]
    for steps, every, want in ((7, None, [0, 7]), (7, 3, [0, 3, 6]), (6, 3, [0, 3, 6]), (2, 5, [0]), (0, None, [0])):
        history = training.train(start, task, 0.01, steps, record_every=every, **engine)
        assert history.steps.tolist() == want
        assert history.loss.shape == (len(want),)
        assert_equal([w[0] for w in history.weights], start)
        for n, step in enumerate(want):
            part = training.train(start, task, 0.01, step, **engine)
            assert_equal([w[n] for w in history.weights], part.final)
        assert_equal(history.final, training.train(start, task, 0.01, steps, **engine).final)
    assert_equal(start, kept)


def test_learning_rates_make_a_batch_of_one_network():
    task = random_task(np.random.default_rng(0), 3, 2, 2)
    start = network.unaligned_weights(0.5, 2, 3, 2, 0)
    sweep = training.train(start, task, [0.001, 0.01], 20)
    assert sweep.final.Wy.shape == (2, 2, 3)
    assert_equal([w[1] for w in sweep.final], training.train(start, task, 0.01, 20).final)


def test_one_step_is_the_gradient_times_the_rate():
    task = random_task(np.random.default_rng(0), 3, 2, 4)
    start = network.unaligned_weights(0.5, 2, 3, 4, 0)
    step = [w - 0.01 * g for w, g in zip(start, training.gradient(start, task, method="autograd"), strict=True)]
    assert_same(training.train(start, task, 0.01, 1).final, step, rtol=1e-13, atol=1e-15)


def test_aligned_networks_stay_aligned_and_follow_their_modes():
    rng = np.random.default_rng(0)
    N, T, eta, steps = 3, 4, 0.01, 400
    s = rng.uniform(0.5, 1.5, (N, T))
    task = tasks.structured_task(s, 40, rng)
    a, b, c = start = Modes(*rng.uniform(0.1, 0.4, (3, N)))
    R = bases.random_orthogonal(N + 2, rng)
    final = training.train(network.aligned_weights(start, task.U, R, task.V), task, eta, steps).final
    assert network.misalignment(final, task.U, R, task.V) < 1e-12
    lag = np.arange(T)[::-1]
    for _ in range(steps):  # (36), (38), (39), all three from the same point
        error = s - c[:, None] * b[:, None] ** lag * a[:, None]
        power, slope = b[:, None] ** lag, lag * b[:, None] ** np.maximum(lag - 1, 0)
        da, db, dc = c * (error * power).sum(1), a * c * (error * slope).sum(1), a * (error * power).sum(1)
        a, b, c = a + eta * da, b + eta * db, c + eta * dc
    assert_same(network.recover_modes(final, task.U, R, task.V), (a, b, c), rtol=1e-11)
    assert np.abs(b - start.b).max() > 0.1


def test_rotational_networks_stay_in_their_eigenspace():
    lam = 0.8 * np.exp(0.5j)
    pair = lam ** np.arange(4)[::-1]
    task = tasks.rotational_task(np.stack([pair, pair.conj(), pair.real]), 30, 0)
    m = np.array([0.3 + 0.1j, 0.3 - 0.1j, 0.2])
    final = training.train(network.rotational_weights(Modes(m, m, m), task.P), task, 0.05, 3000).final
    modes = network.recover_rotational_modes(final, task.P)
    assert_same(network.rotational_weights(modes, task.P), final, atol=1e-11)
    np.testing.assert_allclose(modes.b[:2], [lam, lam.conj()], atol=1e-6)
    np.testing.assert_allclose(modes.u[:2], 1, atol=1e-6)


def test_what_gradient_flow_conserves_drifts_with_the_learning_rate():
    rng = np.random.default_rng(0)
    task, weights = random_task(rng, 4, 3, 2, 30), network.unaligned_weights(0.6, 3, 5, 2, rng)

    def conserved(w):
        return w.Wx @ w.Wx.T - w.Wy.T @ w.Wy + w.Wh @ w.Wh.T - w.Wh.T @ w.Wh

    drift = [
        np.abs(conserved(training.train(weights, task, eta, round(1 / eta)).final) - conserved(weights)).max()
        for eta in (0.002, 0.001, 0.0005)
    ]
    assert drift[0] < 0.1
    np.testing.assert_allclose([drift[0] / drift[1], drift[1] / drift[2]], 2, rtol=0.1)


def test_gradient_of_the_mean_is_the_scaled_gradient_of_the_sum():
    rng = np.random.default_rng(0)
    weights = network.unaligned_weights(0.5, 3, 4, 2, rng)
    for outputs, entries in (("last", 30 * 2), ("all", 30 * 5 * 2)):
        task = random_task(rng, 5, 3, 2, 30, outputs)
        for method in training.METHODS:
            total = training.gradient(weights, task, method=method)
            mean = training.gradient(weights, task, method=method, loss="mean")
            assert_same(mean, [2 / entries * g for g in total], rtol=1e-14)


def test_samples_matter_only_through_their_correlations():
    rng = np.random.default_rng(0)
    task, weights = random_task(rng, 3, 2, 2, 50), network.unaligned_weights(0.5, 2, 3, 2, rng)
    Q = bases.random_orthogonal(50, rng)
    mixed = Task(np.einsum("qp,ptn->qtn", Q, task.x), Q @ task.y)
    for engine in ENGINES:
        assert_same(
            training.train(weights, mixed, 0.01, 50, **engine).final,
            training.train(weights, task, 0.01, 50).final,
            rtol=1e-11,
            atol=1e-12,
        )


def test_torch_keeps_its_threads():
    before = torch.get_num_threads()
    task, weights = random_task(np.random.default_rng(0), 3, 2, 2), network.unaligned_weights(0.5, 2, 3, 2, 0)
    torch.set_num_threads(2)
    try:
        training.train(weights, task, 0.01, 2, method="autograd")
        training.gradient(weights, task, method="autograd")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@given(
    T=st.integers(1, 9),
    sizes=st.tuples(*[st.integers(1, 8)] * 3),
    outputs=st.sampled_from(["last", "all"]),
    white=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_compiled_steps_are_the_same_steps(T, sizes, outputs, white, seed):
    rng = np.random.default_rng(seed)
    task = random_task(rng, T, sizes[0], sizes[2], 20, outputs, white)
    weights = network.unaligned_weights(np.full(3, 0.6), *sizes, rng)
    ways = [training.train(weights, task, [0.0005, 0.002, 0.001], 30, compiled=c) for c in (True, False)]
    assert not ways[1].diverged.any()
    assert_same(ways[0].final, ways[1].final, rtol=1e-12, atol=1e-13)


@given(
    T=st.integers(1, 9),
    sizes=st.tuples(st.integers(1, 8), st.sampled_from((9, 15, 16, 17, 33, 60, 64)), st.integers(1, 8)),
    outputs=st.sampled_from(["last", "all"]),
    white=st.booleans(),
    tolerance=st.sampled_from((None, 1e-9)),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_compiled_steps_of_wide_networks_are_the_same_steps(T, sizes, outputs, white, tolerance, seed):
    rng = np.random.default_rng(seed)
    task = random_task(rng, T, sizes[0], sizes[2], 20, outputs, white)
    weights = network.unaligned_weights(np.full(2, 0.6), *sizes, rng)
    ways = [
        training.train(weights, task, [0.0005, 0.001], 20, gradient_tolerance=tolerance, compiled=c)
        for c in (True, False)
    ]
    assert not ways[1].diverged.any()
    assert_same(ways[0].final, ways[1].final, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(ways[0].taken, 20)


@pytest.mark.parametrize("sizes", [(3, 4, 2), (5, 7, 6), (2, 30, 3)])
@pytest.mark.parametrize("engine", ENGINES[:2])
@pytest.mark.parametrize("white", [True, False])
def test_any_split_of_a_batch_gives_the_same_bits(sizes, engine, white):
    rng = np.random.default_rng(5)
    task = random_task(rng, 4, sizes[0], sizes[2], 30, white=white)
    weights = network.unaligned_weights(rng.uniform(0.1, 0.9, 150), *sizes, rng)
    whole = training.train(weights, task, 0.003, 100, record_every=50, **engine)
    for cuts in ([1], [16], [7, 40, 41], [149]):
        parts = [
            training.train(Weights(*(w[i:j] for w in weights)), task, 0.003, 100, record_every=50, **engine)
            for i, j in zip([0, *cuts], [*cuts, 150], strict=True)
        ]
        assert_equal(whole.final, [np.concatenate(w) for w in zip(*(p.final for p in parts), strict=True)])
        np.testing.assert_array_equal(whole.loss, np.concatenate([p.loss for p in parts], axis=1))


@pytest.mark.parametrize("N_h", [3, 12])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_stops_where_its_gradient_is_small(engine, N_h):
    rng = np.random.default_rng(0)
    sizes, tolerance, most = (3, N_h, 3), 1e-3, 3000
    task = tasks.structured_task(np.ones((3, 3)), 30, rng)
    weights = network.unaligned_weights([0.3, 0.9, 0.5, 0.4], *sizes, rng)
    rates = [0.05, 0.02, 40.0, 0.0001]
    run = training.train(weights, task, rates, most, gradient_tolerance=tolerance, record_every=500, **engine)
    np.testing.assert_array_equal(run.diverged, [False, False, True, False])
    assert (run.taken[:2] < most).all()
    assert run.taken[0] != run.taken[1]
    assert run.taken[3] == most
    for n in (0, 1):
        one, taken = Weights(*(w[n] for w in weights)), int(run.taken[n])
        end, before = (training.train(one, task, rates[n], taken - k, **engine).final for k in (0, 1))
        assert_equal(end, [w[n] for w in run.final])
        size = [
            np.sqrt(sum(np.sum(g**2) for g in training.gradient(w, task, method="autograd"))) for w in (end, before)
        ]
        assert size[0] <= tolerance < size[1]
    assert_equal([w[-1] for w in run.weights], run.final)


def test_the_tolerance_is_that_of_the_chosen_loss():
    rng = np.random.default_rng(0)
    task, start = tasks.structured_task(np.ones((2, 3)), 30, rng), network.unaligned_weights(0.5, 2, 2, 2, rng)
    entries = task.y.size
    total = training.train(start, task, 0.05, 3000, gradient_tolerance=1e-4)
    mean = training.train(start, task, 0.05 * entries / 2, 3000, loss="mean", gradient_tolerance=1e-4 * 2 / entries)
    assert 0 < total.taken == mean.taken < 3000
    assert training.train(start, task, 0.05, 7).taken == 7


def test_where_numba_is_missing_numpy_does_it(monkeypatch):
    task, start = random_task(np.random.default_rng(0), 3, 2, 2), network.unaligned_weights(0.5, 2, 3, 2, 0)
    want = training.train(start, task, 0.01, 20, compiled=False).final

    def missing(_):
        raise ImportError("no numba")

    monkeypatch.setattr(_jit, "compiled", missing)
    _jit._available.cache_clear()
    try:
        assert_equal(training.train(start, task, 0.01, 20).final, want)
        with pytest.raises(ImportError, match="no numba"):
            training.train(start, task, 0.01, 20, compiled=True)
    finally:
        _jit._available.cache_clear()


def test_networks_of_many_channels_are_not_compiled_unless_that_is_asked_for():
    task, start = random_task(np.random.default_rng(0), 3, 9, 2), network.unaligned_weights(0.5, 9, 10, 2, 0)
    assert_equal(
        training.train(start, task, 0.01, 20).final, training.train(start, task, 0.01, 20, compiled=False).final
    )
    with pytest.raises(ValueError, match="sizes of at most 8, got N_x = 9"):
        training.train(start, task, 0.01, 20, compiled=True)


@pytest.mark.parametrize("N_h", [4, 30])
def test_threads_change_no_bit(N_h, monkeypatch):
    monkeypatch.setattr(_gradient, "WORTH", 0)
    monkeypatch.setattr(_gradient, "WORTH_WIDE", 0)
    rng = np.random.default_rng(7)
    task, weights = random_task(rng, 4, 3, 2), network.unaligned_weights(rng.uniform(0.1, 0.9, 70), 3, N_h, 2, rng)
    runs = []
    for threads in ("1", "3"):
        monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
        runs.append(training.train(weights, task, 0.003, 40, compiled=True))
    assert_equal(runs[0].final, runs[1].final)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bar_shows_only_when_asked_for_or_in_a_terminal(engine, capsys, monkeypatch):
    task, start = random_task(np.random.default_rng(0), 3, 2, 2), network.unaligned_weights(0.5, 2, 3, 2, 0)
    monkeypatch.setattr(training, "PATIENCE", 0.0)
    for progress in (None, False):
        training.train(start, task, 0.01, 40, progress=progress, **engine)
        assert capsys.readouterr() == ("", "")
    training.train(start, task, 0.01, 40, progress=True, **engine)
    out, err = capsys.readouterr()
    assert out == ""
    assert "/40" in err
    bars, tqdm = [], training.tqdm
    monkeypatch.setattr(training, "tqdm", lambda **options: bars.append(tqdm(**options)) or bars[-1])
    training.train(start, task, 0.01, 2500, progress=True, **engine)
    assert [(bar.n, bar.total) for bar in bars] == [(2500, 2500)]


def test_memory_goes_with_what_is_recorded():
    task, start = random_task(np.random.default_rng(0), 3, 2, 2), network.unaligned_weights(0.5, 2, 3, 2, 0)
    peaks = []
    for steps in (1000, 100_000):
        tracemalloc.start()
        history = training.train(start, task, 0.001, steps, record_every=steps // 10)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(history.steps) == 11
    assert peaks[1] < 2 * peaks[0]


TASK = Task(np.ones((4, 3, 2)), np.ones((4, 5)))
GOOD = network.unaligned_weights(0.5, 2, 3, 5, 0)
BATCH = network.unaligned_weights(np.full(2, 0.5), 2, 3, 5, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training.train(GOOD, TASK, 0.0, 3), "learning_rate must be > 0, got 0.0"),
        (lambda: training.train(GOOD, TASK, [0.1, -1], 3), "learning_rate must be > 0, got -1"),
        (lambda: training.train(GOOD, TASK, np.nan, 3), "learning_rate must be finite"),
        (lambda: training.train(GOOD, TASK, 0.1, -1), "steps must be an integer >= 0, got -1"),
        (lambda: training.train(GOOD, TASK, 0.1, 3, record_every=0), "record_every must be an integer >= 1"),
        (
            lambda: training.train(GOOD, TASK, 0.1, 3, method="adam"),
            "method must be one of 'covariance', 'autograd', got",
        ),
        (lambda: training.train(GOOD, TASK, 0.1, 3, compiled="yes"), "compiled must be True, False or None, got 'yes'"),
        (lambda: training.train(GOOD, TASK, 0.1, 3, "autograd", compiled=True), "compiled is for method"),
        (lambda: training.train(GOOD, TASK, 0.1, 3, gradient_tolerance=-1), "gradient_tolerance .* >= 0, got -1"),
        (lambda: training.train(GOOD, TASK, 0.1, 3, gradient_tolerance=[1, 2]), "gradient_tolerance must be one"),
        (lambda: training.train(GOOD, TASK, 0.1, 3, loss="max"), "loss must be one of 'sum', 'mean', got 'max'"),
        (lambda: training.train(BATCH, TASK, [0.1, 0.1, 0.1], 3), r"leading axes .* learning_rate \(3,\)"),
        (lambda: training.train(Weights(BATCH.Wx, np.ones((3, 3, 3)), GOOD.Wy), TASK, 0.1, 3), "leading axes"),
        (lambda: training.train(Weights(GOOD.Wx.T, GOOD.Wh, GOOD.Wy), TASK, 0.1, 3), r"got Wx \(2, 3\)"),
        (lambda: training.train(GOOD, Task(np.ones((4, 3, 3)), TASK.y), 0.1, 3), r"N_x = 2 .* got shape \(4, 3, 3\)"),
        (lambda: training.train(GOOD, Task(TASK.x, np.ones((4, 2))), 0.1, 3), r"N_y = 5 .* got shape \(4, 2\)"),
        (lambda: training.train(GOOD, Task(TASK.x, np.ones((3, 5))), 0.1, 3), r"y must have shape \(4, N_y\)"),
        (lambda: training.train(GOOD, Task(TASK.x, np.ones((4, 2, 5))), 0.1, 3), r"or \(4, 3, N_y\)"),
        (lambda: training.train(GOOD, Task(TASK.x * np.inf, TASK.y), 0.1, 3), "x must be finite"),
        (lambda: training.train(GOOD, Task(TASK.x, TASK.y * np.nan), 0.1, 3), "y must be finite"),
        (lambda: training.train(GOOD, None, 0.1, 3), "task must be a Task"),
        (lambda: training.gradient(GOOD, TASK, method="magic"), "method"),
        (lambda: training.gradient(GOOD, Task(TASK.x, np.ones((4, 2)))), "N_y = 5"),
        (lambda: training.loss_value(GOOD, TASK, loss="max"), "loss must be one of"),
    ],
)
def test_errors_name_the_argument_and_what_was_received(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("loss", ["sum", "mean"])
def test_moments_stand_for_samples(outputs, loss):
    rng = np.random.default_rng(21)
    task = random_task(rng, 4, 3, 2, 60, outputs)
    weights, moments = network.unaligned_weights([0.3, 0.8], 3, 4, 2, rng), tasks.moments(*task[:2])
    got, want = (training.train(weights, data, 0.003, 300, record_every=100, loss=loss) for data in (moments, task))
    assert_same(got.final, want.final, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.loss, want.loss, rtol=1e-9)
    np.testing.assert_allclose(training.loss_value(weights, moments, loss), training.loss_value(weights, task, loss))
    assert_same(training.gradient(weights, moments, loss=loss), training.gradient(weights, task, loss=loss), rtol=1e-10)
    floor = training.loss_value(weights, moments._replace(square=None, samples=60), loss)
    apart = training.loss_value(weights, task, loss) - floor  # what no linear map of the inputs answers
    np.testing.assert_allclose(apart, apart[0], rtol=1e-9)
    assert apart[0] > 0


def test_moments_of_fewer_samples_than_inputs():
    task = random_task(np.random.default_rng(22), 5, 3, 2, 7)
    weights = network.unaligned_weights(0.5, 3, 4, 2, 1)
    got, want = (training.train(weights, data, 0.01, 200).loss for data in (tasks.moments(*task[:2]), task))
    np.testing.assert_allclose(got, want, rtol=1e-8)


def test_moments_that_no_data_have_are_refused():
    rng = np.random.default_rng(23)
    task, weights = random_task(rng, 3, 2, 2, 9), network.unaligned_weights(0.5, 2, 3, 2, 1)
    good = tasks.moments(*task[:2])
    flat = np.zeros_like(good.covariance)
    flat[0, 0] = np.eye(2)
    for bad, match in (
        (good._replace(covariance=good.covariance[:, :, 0]), "covariance must have shape"),
        (good._replace(correlations=good.correlations[1:]), "correlations must have shape"),
        (good._replace(covariance=-good.covariance), "positive semidefinite, got an eigenvalue"),
        (good._replace(covariance=good.covariance + np.arange(3)[:, None, None, None]), "symmetric"),
        (good._replace(covariance=flat), "correlations must lie in the range"),
        (good._replace(square=0.1), "square must be >="),
        (good._replace(covariance=np.full_like(flat, np.nan)), "covariance must be finite"),
    ):
        with pytest.raises(ValueError, match=match):
            training.train(weights, bad, 0.01, 1)
    with pytest.raises(ValueError, match="needs the number of samples"):
        training.train(weights, good._replace(samples=None), 0.01, 1, loss="mean")
    with pytest.raises(TypeError, match="samples are needed here, got Moments"):
        training.train(weights, good, 0.01, 1, method="autograd")


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("loss", ["sum", "mean"])
def test_a_diverged_run_says_so_and_names_the_rate_that_the_data_allow(outputs, loss):
    rows = np.array([1.5 * 0.9 ** np.arange(4), 0.5 * 0.5 ** np.arange(4)])[:, ::-1]
    s = rows if outputs == "last" else np.stack([sum(r[3 - k] * np.eye(4, k=-k) for k in range(4)) for r in rows])
    task = tasks.structured_task(s, 30, 0, outputs=outputs)
    start = network.unaligned_weights(np.array([0.1, 0.2]), 2, 2, 2, 1)
    side = np.sqrt(1.5)
    right = modes.stable_rate(Modes(side, 0.9, side), s[0], outputs=outputs)
    right = right if loss == "sum" else right * task.y.size / 2
    with pytest.warns(RuntimeWarning, match=r"1 of 2 networks diverged .* index \(1,\)") as caught:
        run = training.train(start, task, right * np.array([0.5, 30.0]), 3000, loss=loss)
    assert list(run.diverged) == [False, True] and len(caught) == 1 and caught[0].filename == __file__
    assert f"is about {right:.2g}" in str(caught[0].message)


@pytest.mark.parametrize("threads", ["2", "3"])
def test_threads_do_not_change_a_bit(threads, monkeypatch):
    pytest.importorskip("numba")
    task = tasks.structured_task(np.ones((3, 5)), 40, 0)
    weights = network.unaligned_weights(np.full(70, 0.4), 3, 4, 3, 1)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    one = training.train(weights, task, 0.01, 2000, gradient_tolerance=1e-2)
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    more = training.train(weights, task, 0.01, 2000, gradient_tolerance=1e-2)
    assert len(set(one.taken)) > 1
    np.testing.assert_array_equal(more.taken, one.taken)
    for x, y in zip(more.final, one.final, strict=True):
        np.testing.assert_array_equal(x, y)
