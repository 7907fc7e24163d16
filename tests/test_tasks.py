import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrnn_helpers import bases, tasks


def assert_white(x):
    covariance = np.einsum("ptn,pum->tnum", x, x)
    size = x.shape[1] * x.shape[2]
    np.testing.assert_allclose(covariance.reshape(size, size), np.eye(size), atol=1e-12)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)


@given(N=st.integers(1, 4), T=st.integers(1, 6), spare=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_structured_task_has_the_correlations_asked_for(N, T, spare, seed):
    s = np.random.default_rng(seed).standard_normal((N, T))
    task = tasks.structured_task(s, T * N + spare, seed)
    assert task.x.shape == (T * N + spare, T, N)
    assert task.y.shape == (T * N + spare, N)
    assert_white(task.x)
    for t in range(T):
        sigma = sum(np.outer(y, x) for y, x in zip(task.y, task.x[:, t], strict=True))
        np.testing.assert_allclose(sigma, task.U @ np.diag(s[:, t]) @ task.V.T, atol=1e-12)
    assert task.P is None
    assert task.d is None


def test_structured_task_with_given_singular_vectors_and_t_outputs():
    rng = np.random.default_rng(0)
    N, T, P = 2, 4, 60
    U, V = bases.random_orthogonal(3, rng), np.linalg.qr(rng.standard_normal((5, 2)))[0]
    s = np.tril(rng.standard_normal((N, T, T)))
    task = tasks.structured_task(s, P, 1, U=U, V=V, outputs="all")
    assert task.x.shape == (P, T, 5)
    assert task.y.shape == (P, T, 3)
    assert task.U.shape == (3, 2)
    assert_white(task.x)
    sigma = tasks.correlations(task.x, task.y)
    for t in range(T):
        for i in range(T):
            np.testing.assert_allclose(sigma[t, i], U[:, :2] @ np.diag(s[:, t, i]) @ V.T, atol=1e-12)
    last = tasks.structured_task(s[:, -1], P, 1, U=U, V=V)
    np.testing.assert_array_equal(last.x, task.x)
    np.testing.assert_allclose(last.y, task.y[:, -1], atol=1e-13)


def test_tasks_follow_their_seed():
    s = np.ones((2, 3))
    a, b, c = (tasks.structured_task(s, 20, seed) for seed in (4, np.random.default_rng(4), 5))
    for name in ("x", "y", "U", "V"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert not np.allclose(getattr(a, name), getattr(c, name))
    given = tasks.structured_task(s, 20, 4, U=np.eye(2))
    np.testing.assert_array_equal(given.V, a.V)


def test_rotational_task_has_real_normal_correlations_with_the_eigenvalues_asked_for():
    T = 5
    lam = 0.9 * np.exp(0.7j)
    pair = lam ** np.arange(T)[::-1]
    d = np.stack([0.5 * np.ones(T), pair, pair.conj(), 0.3 ** np.arange(T), 2j * pair, -2j * pair.conj()])
    task = tasks.rotational_task(d, 40, 0)
    assert task.x.dtype == task.y.dtype == np.float64
    assert_white(task.x)
    sigma = tasks.correlations(task.x, task.y)
    for t in range(T):
        np.testing.assert_allclose(task.P @ np.diag(d[:, t]) @ task.P.conj().T, sigma[t], atol=1e-12)
        np.testing.assert_allclose(sigma[t] @ sigma[t].T, sigma[t].T @ sigma[t], atol=1e-12)
    mu, nu = pair[1].real, pair[1].imag
    np.testing.assert_allclose(sigma[1][1:3, 1:3], [[mu, -nu], [nu, mu]], atol=1e-12)
    np.testing.assert_array_equal(task.d, d)
    assert task.U is None
    assert task.s is None


@pytest.mark.parametrize("scale", [1.0, 1e-14])
def test_pairs_may_follow_one_another_in_either_order_and_at_any_scale(scale):
    turn = np.exp(0.7j * np.arange(3)) * scale
    d = np.stack([turn.conj(), turn, 2 * turn, 2 * turn.conj(), scale * np.ones(3)])
    d[:, 0] = np.array([-1j, 1j, 1 + 1j, 1 - 1j, 1]) * scale
    task = tasks.rotational_task(d, 30, 0)
    sigma = tasks.correlations(task.x, task.y)
    for t in range(3):
        np.testing.assert_allclose(task.P @ np.diag(d[:, t]) @ task.P.conj().T, sigma[t], atol=1e-12 * scale)


def test_correlations_and_covariance_are_sums_of_outer_products():
    rng = np.random.default_rng(0)
    x, y, yy = rng.standard_normal((7, 4, 3)), rng.standard_normal((7, 2)), rng.standard_normal((7, 4, 2))
    sigma, full, covariance = tasks.correlations(x, y), tasks.correlations(x, yy), tasks.input_covariance(x)
    assert (sigma.shape, full.shape, covariance.shape) == ((4, 2, 3), (4, 4, 2, 3), (4, 4, 3, 3))
    for t in range(4):
        np.testing.assert_allclose(sigma[t], sum(np.outer(y[p], x[p, t]) for p in range(7)), rtol=1e-12)
        for i in range(4):
            np.testing.assert_allclose(full[t, i], sum(np.outer(yy[p, t], x[p, i]) for p in range(7)), rtol=1e-12)
            np.testing.assert_allclose(covariance[t, i], sum(np.outer(x[p, t], x[p, i]) for p in range(7)), rtol=1e-12)


def test_task_of_given_data_needs_nothing_else():
    task = tasks.Task(np.ones((2, 3, 4)), np.ones((2, 5)))
    assert task.U is task.V is task.P is task.s is task.d is None


def test_sensory_task_is_neurogyms_stimulus_with_the_stated_targets():
    pytest.importorskip("neurogym")
    T, P = 6, 400
    task = {target: tasks.sensory_task(target, T, P, 3) for target in tasks.TARGETS}
    x = task["sum"].x
    assert x.shape == (P, T, 4)
    assert x.dtype == np.float64
    for other in task.values():
        np.testing.assert_array_equal(other.x, x)
    steps = [(t, x[:, t - 1]) for t in range(1, T + 1)]
    for target, weight in {
        "sum": lambda t: 1,
        "mean": lambda t: 1 / T,
        "late": lambda t: 0.1 * t,
        "early": lambda t: 1 / t,
    }.items():
        np.testing.assert_allclose(task[target].y, sum(weight(t) * xt for t, xt in steps), rtol=1e-12)
    assert not np.allclose(tasks.sensory_task("sum", T, P, 4).x, x)
    # Mean 1/2 with noise of 0.1 in every step: what a fixation column or one step of another period would spoil.
    np.testing.assert_allclose(x.mean(axis=0), 0.5, atol=0.03)
    np.testing.assert_allclose(
        (x - x.mean(axis=1, keepdims=True)).std(axis=0, ddof=1), 0.1 * np.sqrt(1 - 1 / T), rtol=0.15
    )


def test_a_step_of_the_sensory_task_is_a_tenth_of_a_second(monkeypatch):
    multisensory = pytest.importorskip("neurogym.envs.native.multisensory")
    plain, asked = multisensory.MultiSensoryIntegration, []

    def environment(**options):
        asked.append(options)
        return plain(**options)

    monkeypatch.setattr(multisensory, "MultiSensoryIntegration", environment)
    tasks.sensory_task("sum", 3, 4, 0)
    assert [(options["dt"], options["timing"]["stimulus"]) for options in asked] == [(100, 300)]


def test_sensory_task_without_neurogym_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "neurogym.envs.native.multisensory", None)
    with pytest.raises(ImportError, match=r"lrnn-helpers\[sensory\]"):
        tasks.sensory_task("sum", 3, 4, 0)


def second_moments(x):
    """E x_t x_u^T at equal and at different steps, both (4, 4)."""
    same = np.einsum("ptn,ptm->nm", x, x) / (x.shape[0] * x.shape[1])
    total = np.einsum("ptn,pum->nm", x, x) / x.shape[0]
    T = x.shape[1]
    return same, (total - T * same) / (T * (T - 1))


@pytest.mark.parametrize("source", tasks.SOURCES)
def test_sensory_inputs_have_the_second_moments_of_their_law(source):
    """1/4 everywhere, E(c/200)^2 times E split^2 = 1/3 or E split (1 - split) = 1/6 with a sign, noise 0.01."""
    if source == "neurogym":
        pytest.importorskip("neurogym")
    x = tasks.sensory_task(np.ones(3), 3, 6000, 5, source=source).x
    square = (25 + 225 + 2500) / 3 / 200**2
    sign = np.array([[1, -1], [-1, 1]])
    across = 0.25 + square * np.block([[sign / 3, sign / 6], [sign / 6, sign / 3]])
    same, different = second_moments(x)
    np.testing.assert_allclose(different, across, atol=2e-3)
    np.testing.assert_allclose(same, across + 0.01 * np.eye(4), atol=2e-3)


def test_sensory_targets_may_be_any_weights():
    weights = [0.5, -1.0, 2.0]
    task = tasks.sensory_task(weights, 3, 7, 0, source="gaussian")
    np.testing.assert_allclose(task.y, 0.5 * task.x[:, 0] - task.x[:, 1] + 2 * task.x[:, 2], rtol=1e-13)
    same = tasks.sensory_task("mean", 3, 7, 0, source="gaussian")
    np.testing.assert_array_equal(same.x, task.x)
    np.testing.assert_allclose(same.y, same.x.mean(axis=1), rtol=1e-13)


def test_white_inputs_are_white():
    x = tasks.white_inputs(4, 3, 20, seed=1)
    np.testing.assert_allclose(tasks.input_covariance(x), np.einsum("tu,nm->tunm", np.eye(4), np.eye(3)), atol=1e-14)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-15)
    # Each is what is left of its own draw, and not of its opposite: on every machine the same inputs.
    drawn = np.random.default_rng(1).standard_normal((20, 12)).reshape(20, 4, 3)
    assert ((x * drawn).sum(axis=0) > 0).all()


def test_tasks_of_singular_values_are_real():
    with pytest.raises(TypeError, match="s must be real"):
        tasks.structured_task(1j * ONES, 9, 0)


ONES = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tasks.structured_task(ONES, 6, 0), r"P must be >= T·N_x \+ 1 = 7 .* got 6"),
        (lambda: tasks.structured_task(ONES, 15, 0, V=np.eye(5)), r"T·N_x \+ 1 = 16"),
        (lambda: tasks.structured_task(np.ones(3), 9, 0), r"s must have shape \(N, T\)"),
        (lambda: tasks.structured_task(np.ones((2, 0)), 9, 0), "T >= 1"),
        (lambda: tasks.structured_task(np.ones((0, 2)), 9, 0), "N >= 1"),
        (lambda: tasks.structured_task([[1.0, np.inf]], 9, 0), "s must be finite"),
        (lambda: tasks.structured_task(ONES, 9, 0, U=np.ones((2, 2))), "U must have orthonormal columns"),
        (lambda: tasks.structured_task(ONES, 9, 0, V=np.eye(2)[:, :1]), "V must be a matrix with at least 2"),
        (lambda: tasks.structured_task(ONES, 9, 0, outputs="all"), r"\(T, T\)"),
        (lambda: tasks.structured_task(np.ones((2, 2, 2)), 9, 0, outputs="all"), "lower-triangular"),
        (lambda: tasks.structured_task(np.eye(2), 9, 0, outputs="all"), r"\(N, T, T\)"),
        (lambda: tasks.structured_task(ONES, 9, 0, outputs="both"), 'outputs must be "last" or "all", got'),
        (
            lambda: tasks.rotational_task([[1j, 1j], [1j, 1j]], 9, 0),
            "d must have the conjugate of complex row 0 in row 1",
        ),
        (lambda: tasks.rotational_task([[1, 1], [1j, 1]], 9, 0), "no row after it"),
        (lambda: tasks.rotational_task([[1j], [1], [-1j]], 9, 0), "complex row 0"),
        (lambda: tasks.rotational_task([[1, 1], [1, 1]], 4, 0), r"T·N_x \+ 1 = 5"),
        (lambda: tasks.rotational_task([1, 1], 4, 0), r"\(N, T\)"),
        (lambda: tasks.rotational_task([[np.nan]], 4, 0), "finite"),
        (
            lambda: tasks.sensory_task("median", 3, 4, 0),
            "target must be one of 'sum', 'mean', 'late', 'early', got 'median'",
        ),
        (lambda: tasks.sensory_task([1.0, 2.0], 3, 4, 0), r"or T = 3 weights, got shape \(2,\)"),
        (lambda: tasks.sensory_task([1.0, np.nan, 2.0], 3, 4, 0), "target must be finite"),
        (lambda: tasks.sensory_task("sum", 3, 4, 0, source="mail"), "source must be one of 'neurogym', 'gaussian'"),
        (lambda: tasks.white_inputs(2, 0, 6, 0), "N_x must be an integer >= 1"),
        (lambda: tasks.white_inputs(2, 3, 6, 0), r"P must be >= T·N_x \+ 1 = 7"),
        (lambda: tasks.sensory_task("sum", 0, 4, 0), "T must be"),
        (lambda: tasks.sensory_task("sum", 3, 0, 0), "P must be"),
        (lambda: tasks.correlations(np.ones((4, 3, 2)), np.ones((5, 2))), r"y must have shape \(4, N_y\)"),
        (lambda: tasks.correlations(np.ones((4, 3, 2)), np.ones((4, 2, 2))), r"got shape \(4, 2, 2\)"),
        (lambda: tasks.correlations(np.ones((4, 3)), np.ones((4, 2))), r"\(P, T, N_x\)"),
        (lambda: tasks.correlations(np.ones((4, 3, 2)), np.full((4, 2), np.nan)), "y must be finite"),
        (lambda: tasks.input_covariance(np.ones((4, 3))), r"\(P, T, N_x\)"),
    ],
)
def test_errors_name_the_argument_and_what_was_received(call, message):
    with pytest.raises(ValueError, match=message):
        call()
