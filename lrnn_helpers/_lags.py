"""The data by lag, and what a mode makes of them: once, for every room.

An input of lag k = T - i (t - i with T outputs) is answered with u b^k. The network answers at T only, so that each lag
occurs once, or at every t, so that lag k occurs T - k times.
"""

from __future__ import annotations

import numpy as np


def entries(s, outputs):
    """The entries of `s` that u b^k has to meet, along a last axis, for k = 0, ..., T - 1: one, or a diagonal."""
    T = s.shape[-1]
    if outputs == "last":
        return [s[..., T - 1 - k : T - k] for k in range(T)]
    return [np.diagonal(s, -k, -2, -1) for k in range(T)]


def sums(s, outputs):
    """Sums d_k, (..., T), and numbers n_k, (T,), of those entries."""
    T = s.shape[-1]
    if outputs == "last":
        return s[..., ::-1], np.ones(T)
    return np.stack([lag.sum(axis=-1) for lag in entries(s, outputs)], axis=-1), np.arange(T, 0, -1.0)


def level(d, n, b):
    """S = sum d_k b^k and B = sum n_k b^(2k)."""
    S, B, power = 0.0, 0.0, np.ones_like(b)
    for k in range(len(n)):
        S, B = S + d[..., k] * power, B + n[k] * power**2
        power = power * b
    return S, B


def model(u, b, T, outputs):
    """u b^(T-i) along a last axis, or along two u b^(t-i) for i <= t and 0 above."""
    lag = np.arange(T)[::-1] if outputs == "last" else np.subtract.outer(np.arange(T), np.arange(T))
    u, b = (x.reshape(*x.shape, *[1] * lag.ndim) for x in (u, b))
    return np.where(lag < 0, 0, u * b ** np.maximum(lag, 0))
