"""How `training` steps: the statistics of the data, the gradient in closed form and by autograd, and the step itself.

The loss is a quadratic form in the impulse response G_k = W_y W_h^k W_x: with φ the inputs in order of their lag k and
one such vector for each target, L = ½ Σ ‖y - G φ‖². So training needs C = Σ φ φᵀ and Σ y φᵀ only, whatever the number
of samples; T outputs are no different, they have more targets and a φ that is zero where the past has not begun.

Weights are (B, ., .) here, without checks. Each of `by_numpy`, `by_compiled` and `by_autograd` takes so many steps in
place, and a network's steps are to the last bit the same in any batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lrnn_helpers import _jit, _threads
from lrnn_helpers import _validation as valid
from lrnn_helpers.network import Weights, forward

COMPILED = "lrnn_helpers.training._tiles"
WIDE = "lrnn_helpers.training._wide"
# Steps of networks, and multiply-adds of wide ones, for which it pays to start a thread.
WORTH, WORTH_WIDE = 10_000, 10_000_000

# A correlation of two inputs below this is rounding: whitening leaves about 1e-15.
WHITE = 1e-13
# Entries of the largest array of the numpy path: those of a few networks at a time stay in the cache, and arrays of
# this size are not handed back to the system at each step.
CACHE = 15_000


class Statistics(NamedTuple):
    """What of the data the loss depends on; N_φ = T·N_x, lag k from 0 in rows k·N_x … (k+1)·N_x - 1."""

    covariance: np.ndarray  # Σ φ φᵀ, (N_φ, N_φ)
    diagonal: np.ndarray | None  # its diagonal, repeated to (N_φ, N_y), if there is nothing else in it
    correlation: np.ndarray  # Σ φ yᵀ, (N_φ, N_y)
    root: np.ndarray  # R of φ = QR: the loss is ½‖R Gᵀ - target‖² + least
    target: np.ndarray  # Qᵀ y
    least: float  # ½‖y - Q Qᵀ y‖²; R, target and this are one R, that of φ and y side by side
    lags: int  # T


def statistics(x, y):
    """The Statistics of samples x (P, T, N_x) and y (P, N_y) or (P, T, N_y), in memory of the order of the data."""
    P, T, N_x = x.shape
    N_y, N_phi = y.shape[-1], T * N_x
    with np.errstate(all="ignore"):
        if y.ndim == 2:
            phi = x[:, ::-1].reshape(P, -1)
            covariance, correlation = phi.T @ phi, phi.T @ y
            root = np.linalg.qr(np.concatenate([phi, y], axis=1), mode="r")
        else:
            covariance, correlation = _summed_by_lag(x, y)
            root = _root_by_lag(x, y)
        least = 0.5 * np.sum(root[N_phi:, N_phi:] ** 2)
    diagonal = _alone(covariance, N_y)
    return Statistics(covariance, diagonal, correlation, root[:N_phi, :N_phi], root[:N_phi, N_phi:], least, T)


def _summed_by_lag(x, y):
    """Σ φ φᵀ and Σ φ yᵀ over samples and outputs, from sums over the samples of products of two times."""
    P, T, N_x = x.shape
    flat = x.reshape(P, -1)
    inputs = (flat.T @ flat).reshape(T, N_x, T, N_x)
    outputs = (flat.T @ y.reshape(P, -1)).reshape(T, N_x, T, -1)
    covariance, correlation = np.empty_like(inputs), np.empty((T, N_x, y.shape[-1]))
    for k in range(T):
        early, late = np.arange(T - k), np.arange(k, T)
        correlation[k] = outputs[early, :, late].sum(axis=0)
        # Two lags that are k apart meet at times that are k apart: at all of them up to T less the longer lag.
        sums = inputs[early, :, late].cumsum(axis=0)[::-1]
        covariance[late, :, early] = sums
        covariance[early, :, late] = sums.mT
    return covariance.reshape(T * N_x, -1), correlation.reshape(T * N_x, -1)


def _root_by_lag(x, y):
    """R of the QR decomposition of φ and y, side by side, over samples and outputs."""
    P, T, N_x = x.shape
    # Samples may be turned into each other: their own R does for them.
    samples = np.concatenate([x.reshape(P, -1), y.reshape(P, -1)], axis=1)
    if samples.shape[1] < P:
        samples = np.linalg.qr(samples, mode="r")
    x, y = samples[:, : T * N_x].reshape(-1, T, N_x), samples[:, T * N_x :].reshape(-1, T, y.shape[-1])
    root, size = np.empty((0, T * N_x + y.shape[-1])), max(P // T, N_x)
    for start in range(0, len(x), size):
        part, target = x[start : start + size], y[start : start + size]
        phi = np.zeros((*part.shape[:2], T, N_x))
        for t in range(T):
            phi[:, t, : t + 1] = part[:, t::-1]
        rows = np.concatenate([phi.reshape(-1, T * N_x), target.reshape(-1, y.shape[-1])], axis=1)
        root = np.linalg.qr(np.concatenate([root, rows]), mode="r")
    return root


def _alone(covariance, N_y):
    """The diagonal of the covariance, repeated to (N_φ, N_y), or None where something else is in it."""
    diagonal = np.diagonal(covariance)
    with np.errstate(all="ignore"):
        size, off = np.sqrt(diagonal), np.abs(covariance - np.diag(diagonal))
        # Each against its own two variances: a small channel must not pass for white beside a large one.
        if not (off <= WHITE * np.outer(size, size)).all():
            return None
    return np.repeat(diagonal[:, None], N_y, axis=1)


def statistics_of_moments(moments, N_x, N_y):
    """The same from `tasks.Moments`, without samples; checked."""
    correlations = valid.array("correlations", moments.correlations, real=True)
    covariance = valid.array("covariance", moments.covariance, real=True)
    T = covariance.shape[0] if covariance.ndim else 0
    if covariance.shape != (T, T, N_x, N_x) or not T:
        raise ValueError(f"covariance must have shape (T, T, N_x, N_x), N_x = {N_x}, got shape {covariance.shape}")
    if correlations.shape not in ((T, N_y, N_x), (T, T, N_y, N_x)):
        raise ValueError(
            f"correlations must have shape {(T, N_y, N_x)}, or {(T, T, N_y, N_x)} for T outputs, "
            f"got shape {correlations.shape}"
        )
    if correlations.ndim == 3:
        C, yx = covariance[::-1, ::-1], correlations[::-1]
    else:
        # The output at t has lag k at t - k: each entry is a sum along a diagonal.
        C, yx = np.zeros_like(covariance), np.zeros((T, N_y, N_x))
        for t in range(T):
            C[: t + 1, : t + 1] += covariance[t::-1, t::-1] if t else covariance[:1, :1]
            yx[: t + 1] += correlations[t, t::-1] if t else correlations[0, :1]
    C = C.transpose(0, 2, 1, 3).reshape(T * N_x, T * N_x)
    yx = yx.transpose(0, 2, 1).reshape(T * N_x, N_y)
    size = np.abs(C).max()
    if np.abs(C - C.T).max() > 1e-12 * size:
        raise ValueError(f"covariance must be symmetric, got entries that differ by {np.abs(C - C.T).max():.1e}")
    values, vectors = np.linalg.eigh(C)
    if values[0] < -1e-12 * len(values) * size:
        raise ValueError(f"covariance must be positive semidefinite, got an eigenvalue {values[0]:.1e}")
    kept = values > 1e-13 * len(values) * max(values[-1], 0.0)
    values, vectors = np.sqrt(values[kept]), vectors[:, kept]
    target = vectors.T @ yx / values[:, None]
    if np.abs(yx - vectors @ (values[:, None] * target)).max() > 1e-8 * np.abs(yx).max(initial=0.0):
        raise ValueError("correlations must lie in the range of the covariance: no data have these")
    least = 0.0
    if moments.square is not None:
        square = valid.at_least("square", moments.square)
        least = 0.5 * (square - np.sum(target**2))
        if least < -1e-12 * square:
            raise ValueError(
                f"square must be >= {np.sum(target**2):g}, the part that the inputs explain, got {square:g}"
            )
    return Statistics(C, _alone(C, N_y), yx, values[:, None] * vectors.T, target, max(least, 0.0), T)


def _hidden_response(Wx, Wh, lags):
    """Rows W_xᵀ, (W_h W_x)ᵀ, …: (B, T·N_x, N_h). Transposes lie one below the other and so make one product of many."""
    batch, N_h, N_x = Wx.shape
    H = np.empty((batch, lags * N_x, N_h))
    H[:, :N_x] = Wx.mT
    step = np.ascontiguousarray(Wh.mT)  # BLAS is three times slower on a small transposed right factor
    for k in range(1, lags):
        H[:, k * N_x : (k + 1) * N_x] = H[:, (k - 1) * N_x : k * N_x] @ step
    return H


def gradient(Wx, Wh, Wy, stats):
    """The gradient of the loss, (23)-(25) and (146)-(148) with a minus, for any input covariance; O(T N³)."""
    N_x = Wx.shape[-1]
    H = _hidden_response(Wx, Wh, stats.lags)
    G = H @ np.ascontiguousarray(Wy.mT)
    # The error as one difference: expanding the square would lose half the digits near zero loss.
    E = (stats.covariance @ G if stats.diagonal is None else stats.diagonal * G) - stats.correlation
    adjoint = E @ Wy
    for k in range(stats.lags - 1, 0, -1):
        adjoint[:, (k - 1) * N_x : k * N_x] += adjoint[:, k * N_x : (k + 1) * N_x] @ Wh
    return Weights(adjoint[:, :N_x].mT, adjoint[:, N_x:].mT @ H[:, :-N_x], E.mT @ H)


def loss(Wx, Wh, Wy, stats):
    residual = stats.root @ (_hidden_response(Wx, Wh, stats.lags) @ np.ascontiguousarray(Wy.mT)) - stats.target
    return 0.5 * np.sum(residual**2, axis=(1, 2)) + stats.least


class State(NamedTuple):
    """Networks on their way; each of the arrays is changed in place."""

    weights: Weights  # (B, ., .)
    rate: np.ndarray  # (B,)
    live: np.ndarray  # (B,), networks that have not stopped
    taken: np.ndarray  # (B,)
    tolerance: float


def _descend(state, grads):
    """One step; False once no network goes on. One whose gradient is NaN takes its last step, to be NaN itself."""
    going = state.live
    if state.tolerance >= 0:
        norm = np.sqrt(sum(np.sum(g**2, axis=(1, 2)) for g in grads))
        lost = state.live & np.isnan(norm)
        np.logical_and(state.live, norm > state.tolerance, out=state.live)
        going = state.live | lost
        if not going.any():
            return False
    np.add(state.taken, going, out=state.taken)
    pace = np.where(going, state.rate, 0.0)[:, None, None]
    for w, g in zip(state.weights, grads, strict=True):
        w -= pace * g
    return True


def by_numpy(state, stats, steps):
    """So many steps on the statistics; with `gradient` the reference for the compiled ones."""
    N_h, N_x = state.weights.Wx.shape[1:]
    size = max(1, CACHE // (stats.lags * N_x * N_h))
    for start in range(0, len(state.rate), size):
        part = slice(start, start + size)
        part = State(Weights(*(w[part] for w in state.weights)), *(z[part] for z in state[1:4]), state.tolerance)
        for _ in range(steps):
            if not _descend(part, gradient(*part.weights, stats)):
                break


def _filled(stats, N_x, N_y, rows, columns):
    """Covariance, diagonal (one of them empty) and correlation, N_x filled up to whole `rows`, N_y to `columns`."""
    T, spare_x, spare_y = stats.lags, (0, -N_x % rows), (0, -N_y % columns)
    correlation = np.pad(stats.correlation.reshape(T, N_x, N_y), ((0, 0), spare_x, spare_y))
    covariance, diagonal = np.empty((0, 0)), np.empty(0)
    if stats.diagonal is None:
        blocks = np.pad(stats.covariance.reshape(T, N_x, T, N_x), ((0, 0), spare_x) * 2)
        covariance = blocks.reshape(T * blocks.shape[1], -1)
    else:
        diagonal = np.pad(stats.diagonal[:, 0].reshape(T, N_x), ((0, 0), spare_x)).reshape(-1)
    return covariance, diagonal, correlation.reshape(-1, correlation.shape[2])


def _in_parts(train, state, data, stats, steps, group, least):
    """So many steps of a compiled `train`, the networks spread over the cores."""
    if state.tolerance < 0:
        np.add(state.taken, steps, out=state.taken)

    def part(rows):
        own = (x[rows] for x in (*state.weights, *state[1:4]))
        train(*own, *data, stats.lags, steps, state.tolerance)

    _threads.over(part, len(state.rate), group, least)


def by_compiled(state, stats, steps):
    """The same in compiled code, on data filled up to whole tiles."""
    tiles, (N_x, N_y) = _jit.compiled(COMPILED), (state.weights.Wx.shape[2], state.weights.Wy.shape[1])
    side = tiles.SIDE

    def cut(matrix):
        """Tile after tile."""
        return matrix.reshape(len(matrix) // side, side, matrix.shape[1] // side, side).swapaxes(1, 2).reshape(-1)

    covariance, diagonal, correlation = _filled(stats, N_x, N_y, side, side)
    # A thread is worth starting for some milliseconds of work.
    least = 1 + WORTH // (tiles.REGISTER * max(steps, 1))
    _in_parts(tiles.train, state, (cut(covariance), diagonal, cut(correlation)), stats, steps, tiles.REGISTER, least)


def by_wide(state, stats, steps):
    """The same for networks of any N_h, one by one."""
    wide, (N_h, N_x), N_y = _jit.compiled(WIDE), state.weights.Wx.shape[1:], state.weights.Wy.shape[1]
    covariance, diagonal, correlation = _filled(stats, N_x, N_y, wide.TALL, wide.WIDE)
    least = 1 + WORTH_WIDE // (max(steps, 1) * 3 * stats.lags * N_x * N_h**2)
    _in_parts(wide.train, state, (covariance.reshape(-1), diagonal, correlation), stats, steps, 1, least)


def sample_loss(Wx, Wh, Wy, data):
    """The loss on the samples."""
    x, y = data
    error = y - forward((Wx, Wh, Wy), x, outputs="last" if y.ndim == 2 else "all")
    return 0.5 * np.sum(error**2, axis=tuple(range(1, error.ndim)))


def by_autograd(state, data, steps):
    """So many steps by autograd on the samples."""
    from lrnn_helpers import autograd

    modules = autograd.modules_of(state.weights, data[1])
    grads = Weights(*(np.empty_like(w) for w in state.weights))
    with autograd.one_thread():
        for _ in range(steps):
            if not _descend(state, autograd.backpropagate(modules, data, grads)):
                break


def by_backpropagation(W, data):
    """The gradient by autograd on the samples."""
    from lrnn_helpers import autograd

    with autograd.one_thread():
        grads = Weights(*(np.empty_like(w) for w in W))
        return autograd.backpropagate(autograd.modules_of(W, data[1]), data, grads)
