"""The least tau E over u and b, from all stationary points at once.

By lag, tau E is a constant and 1/2 |y - u v|^2 with v = L (1, b, b^2, ...), L^T L = n and L^T y = d, so that the best u
is y.v / |v|^2 and b is where that leaves least of y. Its slope in b is a multiple of y.v times

    r = S' B - S B' / 2,    S = y.v = sum of d_k b^k,    B = |v|^2 = sum of N_m b^m,

a polynomial, all of whose roots are eigenvalues of one matrix. Where y.v = 0 nothing is explained, so that the least is
at a root of r, or at infinity. Beyond |b| = 1 all is done in x = 1/b, in which infinity is an ordinary point, x = 0.
"""

from __future__ import annotations

import numpy as np

from lrnn_helpers import _lags

EPS = np.finfo(float).eps


def least(s, outputs, inputs):
    """u, b and the answers u b^k, which stay finite where u and b do not; `s` (R, T) or (R, T, T), all real."""
    T = s.shape[-1]
    scale = np.abs(s).reshape(len(s), -1).max(axis=-1)
    scale = np.where(scale > 0, scale, 1.0)
    d, n, L, y = _by_lag(s / scale.reshape(-1, *[1] * (s.ndim - 1)), outputs, inputs)
    varied = np.broadcast_to(np.diagonal(n, 0, -2, -1) > 0 if n.ndim > 1 else n > 0, d.shape)
    # Lags at which inputs never vary are left out: the first and last power that count are those of the others.
    low, high = np.argmax(varied, axis=-1), T - 1 - np.argmax(varied[:, ::-1], axis=-1)
    lines = _Lines(L, y, low[:, None, None], high[:, None, None])
    x, far = _candidates(d, _lags.spectrum(n))
    for _ in range(6):
        x, far = lines.improve(x, far)
    x, far = _choose(lines, x, far)
    for _ in range(3):
        x, far = lines.improve(x, far)
    (v,) = lines.directions(x, far, 1)
    level = lines.level(v)[:, 0] * scale
    x, far = x[:, 0], far[:, 0]
    u = np.where(far, level * x**high, level / x**low)
    u = np.where(level == 0, 0.0, u)
    beyond = far & ((u == 0) & (level != 0) | np.isinf(1 / x))
    b = np.where(beyond, np.copysign(np.inf, x), np.where(far, 1 / x, x))
    answers = level[:, None] * x[:, None] ** lines.exponents(far[:, None])[:, 0]
    return np.where(beyond, 0.0, u), b, answers


def _by_lag(s, outputs, inputs):
    """d, n, L and y of the module's first lines; what y - u v leaves out is the same for all modes."""
    if inputs is not None:
        size = np.abs(inputs).max(axis=(-2, -1), keepdims=True)
        inputs = inputs / np.where(size > 0, size, 1.0)
    d, n = _lags.sums(s, outputs, inputs)
    if inputs is None:
        return d, n, np.diag(np.sqrt(n)), d / np.sqrt(n)
    y = _lags.whitened(s, outputs, inputs)
    # Column k: what becomes of the answer 1 at lag k. Of these an orthonormal basis will do, which costs y no digits.
    v = np.stack([_lags.whitened(_lags.spread(e, outputs), outputs, inputs) for e in np.eye(s.shape[-1])], axis=-1)
    Q, L = np.linalg.qr(v)
    return d, n, L, (np.swapaxes(Q, -2, -1) @ y[..., None])[..., 0]


class _Lines:
    """The lines u v(x) of each of R rows, for K points x (R, K) each, `far` or not; v is (R, K, T)."""

    def __init__(self, L, y, low, high):
        self.L, self.y, self.low, self.high = L, y, low, high
        self.k = np.arange(y.shape[-1])

    def exponents(self, far):
        return np.maximum(np.where(far[..., None], self.high - self.k, self.k - self.low), 0)

    def directions(self, x, far, orders):
        """v and its derivatives by x, before the last of these orders."""
        e = self.exponents(far)
        powers = np.ones((*x.shape, len(self.k)))
        powers[..., 1:] = x[..., None]
        powers = np.multiply.accumulate(powers, axis=-1)
        for order in range(orders):
            factor = np.prod([e - i for i in range(order)], axis=0) if order else 1.0
            yield _lags.seen(self.L, factor * np.take_along_axis(powers, np.maximum(e - order, 0), -1))

    def along(self, v):
        return (v @ self.y[..., None])[..., 0]

    def level(self, v):
        """The best u, in units of b^low or b^-high; 0 where nothing is seen of any mode."""
        S, B = self.along(v), (v * v).sum(axis=-1)
        return np.where(B > 0, S / B, 0.0)

    def gap(self, v):
        """What the best u leaves, y - u v."""
        return self.y[:, None] - self.level(v)[..., None] * v

    def improve(self, x, far):
        """A step of Newton's towards r = 0, where it does not lead uphill by more than rounding."""
        v, v1, v2 = self.directions(x, far, 3)
        u, gap, B = self.level(v), self.gap(v), (v * v).sum(axis=-1)
        turn = (v * v1).sum(axis=-1) / B
        # r over B as gap . v', in which nothing cancels where little is left; gap is orthogonal to v.
        across = v1 - turn[..., None] * v
        r = (gap * across).sum(axis=-1)
        new = x - r / ((gap * v2).sum(axis=-1) - r * turn - u * (across * across).sum(axis=-1))
        out = np.abs(new) > 1
        new, side = np.where(out, 1 / new, new), far ^ out
        (moved,) = self.directions(new, side, 1)
        slack = 4 * EPS * np.linalg.norm(self.y, axis=-1)[:, None]
        better = np.isfinite(new) & (_norm(self.gap(moved)) <= _norm(gap) + slack)
        return np.where(better, new, x), np.where(better, side, far)


def _norm(x):
    return np.sqrt((x * x).sum(axis=-1))


def _candidates(d, N):
    """Points x (R, K) and whether they are 1/b: every real root of r, 0, 1, -1 and infinity."""
    R, T = d.shape
    r = np.zeros((R, 3 * T - 2))
    for k in range(T):
        r[:, k : k + 2 * T - 1] += (k - np.arange(2 * T - 1) / 2) * d[:, k, None] * N
    b = _roots(r[:, 1:-1])
    # A point too many does no harm, and a double root may come out as a pair.
    real = (np.abs(b.imag) <= 0.1 * np.abs(b)) & (b != 0)
    first = np.argsort(~real, axis=-1, kind="stable")[:, : real.sum(axis=-1).max(initial=0)]
    b = np.take_along_axis(np.where(real, b.real, 0.0), first, -1)
    b = np.concatenate([np.broadcast_to([np.inf, 0.0, 1.0, -1.0], (R, 4)), b], axis=-1)
    far = np.abs(b) > 1
    return np.where(far, 1 / b, b), far


def _roots(p):
    """The roots of each polynomial, the constant first, as eigenvalues, (R, D); 0 in place of those at infinity."""
    R, terms = p.shape
    out = np.zeros((R, max(terms - 1, 0)), dtype=complex)
    counts = np.abs(p) > EPS * np.abs(p).max(axis=-1, keepdims=True, initial=0.0)
    ends = np.stack([np.argmax(counts, axis=-1), terms - 1 - np.argmax(counts[:, ::-1], axis=-1)]) if terms else ()
    for first, last in np.unique(ends, axis=1).T if terms else ():
        rows = np.flatnonzero((ends[0] == first) & (ends[1] == last) & counts.any(axis=-1))
        size = last - first
        companion = np.zeros((len(rows), size, size))
        companion[:, np.arange(1, size), np.arange(size - 1)] = 1.0
        if size and len(rows):
            companion[:, :, -1] = -p[rows, first:last] / p[rows, last, None]
            out[rows, :size] = np.linalg.eigvals(companion)
    return out


def _choose(lines, x, far):
    """The one point of each row that leaves least; of equals the nearest to 0, and of these the positive one."""
    (v,) = lines.directions(x, far, 1)
    rest = _norm(lines.gap(v))
    with np.errstate(all="ignore"):
        b = np.where(far, 1 / np.where(x == 0, 0.0, x), x)
    # At b = 0 without input at lag 0, as at infinity, the least is only tended to.
    nowhere = (b == 0) & (lines.low[..., 0] > 0) & (lines.level(v) != 0)
    size = np.where(nowhere, np.inf, np.abs(b))
    slack = 16 * x.shape[-1] * EPS * np.linalg.norm(lines.y, axis=-1, keepdims=True)
    size = np.where(rest <= rest.min(axis=-1, keepdims=True) + slack, size, np.nan)
    close = size <= np.nanmin(size, axis=-1, keepdims=True) * (1 + 1e-9)
    chosen = np.argmax(np.where(close, b, -np.inf), axis=-1)[:, None]
    return np.take_along_axis(x, chosen, -1), np.take_along_axis(far, chosen, -1)
