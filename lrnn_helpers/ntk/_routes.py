"""Tangent kernels of a batch of linear RNNs, without checks: weights (B, ·, ·), inputs x (n, T, N_x).

With h_t = W_h h_(t-1) + W_x x_t and B_t = W_y W_h^(T-t), the Jacobian of ŷ_T is Σ_t [x_t, h_(t-1)] ⊗ B_t in W_x and
W_h, and h_T ⊗ I in W_y. Its kernel is Σ_(t,s) (x_t·x_s + h_(t-1)·h_(s-1)) B_t B_sᵀ + h_T·h_T I. Three ways to sum it:

- `by_jacobian`: rows of the Jacobian against each other; for a small N_h.
- `by_gram`: Gram matrices of the states and of the B_t first, so that N_h is gone; for few samples of many channels.
- `by_impulses`: that for N_x unit impulses in place of samples. The network is linear in its inputs, so the kernel of
  the impulses is the input-space matrix Q of K = (X ⊗ I) Q (X ⊗ I)ᵀ, whose cost does not grow with the samples.

The outputs ŷ_1 … ŷ_T are no different: they are the last outputs of trajectories that begin with zeros.
"""

from __future__ import annotations

import numpy as np

from lrnn_helpers import _jit

COMPILED = "lrnn_helpers.ntk._small"
# Half the squared difference of two normalized kernels whose entries differ by rounding alone.
ROUNDING = 32 * np.finfo(float).eps ** 2


def sizes(W):
    """N_x, N_h, N_y."""
    return W[0].shape[-1], W[1].shape[-1], W[2].shape[-2]


def states(W, x):
    """Hidden states h_1 … h_T, (B, T, n, N_h)."""
    Wx, Wh, _ = W
    h = x.swapaxes(0, 1) @ Wx.mT[:, None]
    step = np.ascontiguousarray(Wh.mT)
    for t in range(1, h.shape[1]):
        h[:, t] += h[:, t - 1] @ step
    return h


def adjoints(W, T):
    """B_t = W_y W_h^(T-t) for t = 1 … T, (B, T, N_y, N_h)."""
    _, Wh, Wy = W
    out = np.empty((len(Wy), T, *Wy.shape[1:]))
    out[:, -1] = Wy
    for t in range(T - 2, -1, -1):
        out[:, t] = out[:, t + 1] @ Wh
    return out


def unrolled(x, outputs):
    """Trajectories whose last outputs are the ones asked for: x itself, or (P·T, T, N_x) that begin with zeros."""
    if outputs == "last":
        return x
    P, T, N_x = x.shape
    out = np.zeros((P, T, T, N_x))
    for t in range(T):
        out[:, t, T - 1 - t :] = x[:, : t + 1]
    return out.reshape(P * T, T, N_x)


def jacobian(W, x):
    """Jacobian of ŷ_T: Σ_t [x_t, h_(t-1)] ⊗ B_t, (B, n, N_y, N_x + N_h, N_h), and h_T, (B, n, N_h)."""
    n, T, N_x = x.shape
    h = states(W, x)
    batch, N_h = len(h), h.shape[-1]
    read = np.empty((batch, T, n, N_x + N_h))
    read[..., :N_x] = x.swapaxes(0, 1)
    read[:, 0, :, N_x:] = 0
    read[:, 1:, :, N_x:] = h[:, :-1]
    J = read.reshape(batch, T, -1).mT @ adjoints(W, T).reshape(batch, T, -1)
    return J.reshape(batch, n, N_x + N_h, -1, N_h).swapaxes(2, 3), h[:, -1]


def by_jacobian(W, x, outputs):
    """Kernel, (B, rows, rows)."""
    J, last = jacobian(W, unrolled(x, outputs))
    batch, n, N_y = J.shape[:3]
    J = J.reshape(batch, n * N_y, -1)
    K = J @ J.mT
    gram = last @ last.mT
    for y in range(N_y):
        K[:, y::N_y, y::N_y] += gram
    return K


def by_compiled(W, x, outputs):
    """`by_jacobian` in one compiled call."""
    x = unrolled(x, outputs)
    rows = len(x) * W[2].shape[1]
    K = np.empty((len(W[0]), rows, rows))
    _jit.compiled(COMPILED).kernels(*(np.array(w, order="C") for w in (*W, x)), K)
    return K


def _grams(W, x):
    """x_t·x_s + h_(t-1)·h_(s-1) and h_t·h_s, both (B, T, n, n, T), and B_t B_sᵀ, (B, T, T, N_y, N_y)."""
    n, T, _ = x.shape
    h, back = states(W, x), adjoints(W, T)
    batch, N_h, N_y = len(h), h.shape[-1], back.shape[2]
    # The order t, sample, sample, s lets what follows multiply without moving these large arrays.
    hh = (h.reshape(batch, T * n, N_h) @ h.transpose(0, 3, 2, 1).reshape(batch, N_h, n * T)).reshape(-1, T, n, n, T)
    xx = (x.swapaxes(0, 1).reshape(T * n, -1) @ x.reshape(n * T, -1).T).reshape(T, n, n, T)
    read = np.broadcast_to(xx, hh.shape).copy()
    read[:, 1:, :, :, 1:] += hh[:, :-1, :, :, :-1]
    back = back.reshape(batch, T * N_y, N_h)
    return read, hh, (back @ back.mT).reshape(batch, T, N_y, T, N_y).swapaxes(2, 3)


def _last(W, x):
    """Kernel of ŷ_T by Gram matrices, (B, n, n, N_y, N_y)."""
    read, hh, back = _grams(W, x)
    batch, T, n, _, _ = read.shape
    N_y = back.shape[-1]
    back = back.reshape(batch, T, T, N_y * N_y)
    K = sum(read[:, t].reshape(batch, n * n, T) @ back[:, t] for t in range(T)).reshape(batch, n, n, N_y, N_y)
    for y in range(N_y):
        K[..., y, y] += hh[:, -1, ..., -1]
    return K


def _all(W, x):
    """Kernel of ŷ_1 … ŷ_T by Gram matrices, (B, T, n, n, T, N_y, N_y)."""
    read, hh, back = _grams(W, x)
    batch, T, n, _, _ = read.shape
    N_y = back.shape[-1]
    # ŷ_t reads the states up to t against the lags of B: a convolution in t and one in s. The one in s is a product
    # with a banded matrix, the one in t is the loop.
    lags = back[:, ::-1, ::-1]
    band = np.zeros((batch, T, T, T, N_y, N_y))
    for s in range(T):
        band[:, :, s, s:] = lags[:, :, : T - s]
    band = band.reshape(batch, T, T, -1)
    read = read.reshape(batch, T * n * n, T)
    K = np.zeros((batch, T * n * n, band.shape[-1]))
    for r in range(T):
        K[:, r * n * n :] += read[:, : (T - r) * n * n] @ band[:, r]
    K = K.reshape(batch, T, n, n, T, N_y, N_y)
    for y in range(N_y):
        K[..., y, y] += hh
    return K


def _symmetric(K):
    """K without the rounding that its two triangles do not share."""
    K = K + K.mT
    K *= 0.5
    return K


def by_gram(W, x, outputs):
    """Kernel, (B, rows, rows)."""
    K = _last(W, x).swapaxes(2, 3) if outputs == "last" else _all(W, x).transpose(0, 2, 1, 5, 3, 4, 6)
    rows = len(x) * W[2].shape[1] * (1 if outputs == "last" else x.shape[1])
    return _symmetric(K.reshape(-1, rows, rows))


def responses(W, T):
    """Q as (B, T, N_x, N_x, T, N_y, N_y): lag, channel, channel', lag', output, output'."""
    N_x = W[0].shape[-1]
    impulses = np.zeros((N_x, T, N_x))
    impulses[:, 0] = np.eye(N_x)
    return _all(W, impulses)


def by_impulses(W, x, outputs):
    """Kernel, (B, rows, rows)."""
    x = unrolled(x, outputs)
    n, T, N_x = x.shape
    N_y = W[2].shape[1]
    Q = responses(W, T).transpose(0, 1, 2, 5, 6, 3, 4).reshape(len(W[0]), T * N_x, -1)
    left = x[:, ::-1].reshape(n, -1)
    right = x[:, ::-1].swapaxes(1, 2).reshape(n, -1)
    K = (left @ Q).reshape(len(Q), n * N_y * N_y, -1) @ right.T
    return _symmetric(K.reshape(-1, n, N_y, N_y, n).swapaxes(3, 4).reshape(-1, n * N_y, n * N_y))


# The costs below are multiply-adds for one network, an entry that is moved counted as 20.


def response_cost(W, T):
    """What `responses` costs."""
    N_x, N_h, N_y = sizes(W)
    return N_x**2 * (T**2 * (N_h + 20) + T**3 * (T + 10) * N_y**2 / 2)


def costs(W, n, T, outputs="last"):
    """What each way costs for n trajectories of length T."""
    N_x, N_h, N_y = sizes(W)
    many, convolution = (n * T, T**3 * (T + 10) * N_y**2 / 2) if outputs == "all" else (n, T**2 * N_y**2)
    return {
        by_jacobian: many * N_y * (N_x + N_h) * N_h * (many * N_y / 2 + T + 20),
        by_gram: n**2 * (T**2 * (N_h + N_x + 20) + convolution),
        by_impulses: response_cost(W, T) + many * T * N_x * N_y**2 * (T * N_x + many),
    }


def cheapest(W, x, outputs="last"):
    """The way that costs least, and its cost."""
    n, T, _ = x.shape
    return min(costs(W, n, T, outputs).items(), key=lambda item: item[1])


def _square(z, axes):
    return np.sum(z.real**2 + z.imag**2 if np.iscomplexobj(z) else z * z, axis=axes)


def _normalized(k):
    # Dividing by the largest entry first keeps the squares within the floats.
    k = k / np.abs(k).max(axis=-1, keepdims=True)
    return k / np.sqrt(_square(k, -1))[..., None]


def distance(k0, k1):
    """1 - cos of the angle between vectors (..., M), as half the squared difference of the two unit vectors."""
    with np.errstate(all="ignore"):
        d = 0.5 * _square(_normalized(k0) - _normalized(k1), -1)
        d = np.where(d <= ROUNDING, 0.0, d)
        return np.where((d > 1) & (d < 1 + 1e-14), 1.0, d)[()]


def distance_cost(rows):
    """What `distance` costs for two kernels."""
    return 60 * rows**2


def _tangents(W, x):
    """The Jacobian over its largest entry, in the two parts of `jacobian`."""
    J, last = jacobian(W, x)
    batch, n, N_y = J.shape[:3]
    scale = np.maximum(np.abs(J).max(axis=(1, 2, 3, 4)), np.abs(last).max(axis=(1, 2)))[:, None, None]
    return J.reshape(batch, n * N_y, -1) / scale, last / scale


def _inner(tangents0, tangents1):
    """⟨K, K'⟩ = ‖JᵀJ'‖²."""
    (J0, last0), (J1, last1) = tangents0, tangents1
    n, N_y = last0.shape[1], J0.shape[1] // last0.shape[1]
    products = (J0.mT @ J1, last0.mT @ J1.reshape(len(J1), n, -1), last1.mT @ J0.reshape(len(J0), n, -1))
    return sum(_square(z, (1, 2)) for z in products) + N_y * _square(last0.mT @ last1, (1, 2))


def tangent_distance(W0, W1, x):
    """`distance` of the two kernels of ŷ_T from their Jacobians; right to rounding of 1, not of itself."""
    t0, t1 = _tangents(W0, x), _tangents(W1, x)
    return 1 - _inner(t0, t1) / np.sqrt(_inner(t0, t0) * _inner(t1, t1))


def tangent_cost(W0, W1, n, T):
    """What `tangent_distance` costs."""
    (N_x, N0, N_y), (_, N1, _) = sizes(W0), sizes(W1)
    theta0, theta1 = (N_x + N0) * N0, (N_x + N1) * N1
    return n * N_y * ((T + 60) * (theta0 + theta1) + theta0**2 + theta1**2 + theta0 * theta1)


def mode_blocks(modes, root, idle_x, idle_y):
    """The kernel of aligned networks with white inputs, block by block in one row, (B, M); modes each (B, N).

    `root` weighs the lags; `idle_x` inputs and `idle_y` outputs have no mode.
    """
    a, b, c = (m[..., None] for m in modes)
    T = len(root)
    power = np.concatenate([np.ones_like(b), np.cumprod(np.repeat(b, T - 1, axis=-1), axis=-1)], axis=-1)
    # Σ_(r+q=k-1) b_μ^r b_ν^q, with no quotient that b_μ = b_ν would break.
    h = np.zeros((*b.shape[:-1], b.shape[-2], T), dtype=b.dtype)
    for k in range(1, T):
        h[..., k] = b * h[..., k - 1] + power[..., None, :, k - 1]
    u, v = root * a * power, root * c * power
    uu, vv, ww = (z[..., :, None] * z[..., None, :].conj() for z in (u, v, root * (c * a.mT)[..., None] * h))
    blocks = uu[:, None] + vv[:, :, None] + ww
    # What W_x does on an idle input is seen by every output, and the other way round.
    parts = (blocks, np.sqrt(idle_x) * vv, np.sqrt(idle_y) * uu)
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=-1)
