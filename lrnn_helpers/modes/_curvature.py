"""Second derivatives of tau E, from the same two parts for real and for complex modes.

With m_k = c b^k a, e = d - n m and a step z of (a, b, c), tau E grows by 1/2 J z . n J z - 1/2 Re sum of conj(e_k) z^T
m_k'' z, J being the slopes of m. A complex step counts as its real and imaginary part: the slope of m_k along the
second is i times that along the first.
"""

from __future__ import annotations

import numpy as np

from lrnn_helpers import _lags


def hessian(a, b, c, d, n):
    """(..., 3, 3), or (..., 6, 6) where modes and data are complex; `d` and `n` lags first."""
    times = _lags.times
    parts = np.array([1.0, 1j]) if np.iscomplexobj(a) else np.array([1.0])
    size, zero = 3 * len(parts), np.zeros_like(b)
    slopes, bends, answers = [], [], []
    power, first, second = np.ones_like(b), zero, zero
    for k in range(len(d)):
        slope = np.stack([times(c, power), times(times(c, first), a), times(power, a)], axis=-1)
        slopes.append((slope[..., None] * parts).reshape(*b.shape, size))
        bent, fall = times(c, first), times(first, a)
        rows = (zero, bent, power), (bent, times(times(c, second), a), fall), (power, fall, zero)
        bend = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
        bends.append((bend[..., :, None, :, None] * parts[:, None, None] * parts).reshape(*b.shape, size, size))
        answers.append(times(times(c, power), a))
        # First and second derivative of b^(k+1), by the product rule: no negative power, so b = 0 is exact.
        power, first, second = power * b, (k + 1) * power, (k + 1) * first
    pulled = slopes if n.ndim == 1 else _lags.weigh(n[..., None], slopes)
    H = np.zeros((*b.shape, size, size))
    for k, answer in enumerate(_lags.weigh(n, answers)):
        square = times(_lags.conj(slopes[k])[..., :, None], pulled[k][..., None, :]).real
        H += n[k] * square if n.ndim == 1 else square
        H -= times(_lags.conj(d[k] - answer)[..., None, None], bends[k]).real
    return _lags.nan_where(*(x[..., None, None] for x in (a, b, c)), (H + np.swapaxes(H, -2, -1)) / 2)


def largest_eigenvalue(H):
    """(...); NaN where an entry is not finite."""
    finite = np.isfinite(H).all(axis=(-2, -1))
    out = np.linalg.eigvalsh(np.where(finite[..., None, None], H, 0.0))[..., -1]
    return np.where(finite, out, np.nan)
