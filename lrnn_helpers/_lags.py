"""The data by lag, and what a mode makes of them: once, for every room.

An input of lag k = T - i (t - i with T outputs) is answered with m_k = u b^k. Whatever the data are, what the modes see
of them is a vector and a matrix, of which the gradient is made:

    grad_m tau E = n m - d.

Where inputs are white, n is diagonal, and is kept as the vector of its entries: how often each lag occurs, once if the
network answers at T only and T - k times if at every t; d holds the sums of the entries of `s` at each lag. Where the
inputs of a dimension have the covariance C over time, tau E = 1/2 sum over outputs of r^H C r with r = s - m, by input,
so n is C by lag, d is C s by lag, and with T outputs both are summed over t, whose inputs are the first t.
"""

from __future__ import annotations

import numpy as np


def entries(s, outputs):
    """The entries of `s` that u b^k has to meet, along a last axis, for k = 0, ..., T - 1: one, or a diagonal."""
    T = s.shape[-1]
    if outputs == "last":
        return [s[..., T - 1 - k : T - k] for k in range(T)]
    return [np.diagonal(s, -k, -2, -1) for k in range(T)]


def sums(s, outputs, inputs=None):
    """What the modes see of the data: d, (..., T), and n, (T,), or (..., T, T) where `inputs` are given."""
    T = s.shape[-1]
    if inputs is None:
        if outputs == "last":
            return s[..., ::-1], np.ones(T)
        return np.stack([lag.sum(axis=-1) for lag in entries(s, outputs)], axis=-1), np.arange(T, 0, -1.0)
    by_lag = inputs[..., ::-1, ::-1]
    if outputs == "last":
        return seen(inputs, s[..., None, :])[..., 0, ::-1], by_lag
    n = np.zeros(by_lag.shape, dtype=by_lag.dtype)
    for rest in range(T):  # the lags of the output at T - rest
        n[..., : T - rest, : T - rest] += by_lag[..., rest:, rest:]
    return sums(seen(inputs, s), outputs)[0], n


def seen(matrix, rows):
    """The matrix (..., T, T) applied to each of the rows (..., outputs, T)."""
    # One product a row of the batch, so that none depends on its neighbours.
    return rows @ np.swapaxes(matrix, -2, -1)


def weigh(n, m):
    """The product n m, lags first: n (T,) or (T, T, ...), m a list of T arrays (...)."""
    if n.ndim == 1:
        return [number * answer for number, answer in zip(n, m, strict=True)]
    # One lag after the other: a row of a batch is then bit for bit what it is alone.
    total = 0.0
    for column, answer in zip(np.swapaxes(over(n, m[0].ndim), 0, 1), m, strict=True):
        total = total + column * answer
    return total


def over(n, axes):
    """A matrix n, lags first, for arrays of so many leading axes, with which its own broadcast."""
    return n.reshape(*n.shape[:2], *[1] * (axes + 2 - n.ndim), *n.shape[2:])


def powers(b, T):
    """The list of b^k for k = 0, ..., T - 1."""
    out = [np.ones_like(b)]
    for _ in range(T - 1):
        out.append(out[-1] * b)
    return out


def level(d, n, b):
    """S = sum of d_k b^k and B = sum of b^k n_kl b^l; the first power is conjugate where they are complex."""
    S, B, power = 0.0, 0.0, powers(b, d.shape[-1])
    if n.ndim == 1:
        for k, x in enumerate(power):
            S, B = S + d[..., k] * conj(x), B + n[k] * square(x)
        return S, B
    for k, (x, y) in enumerate(zip(power, weigh(np.moveaxis(n, (-2, -1), (0, 1)), power), strict=True)):
        S, B = S + d[..., k] * conj(x), B + (conj(x) * y).real
    return S, B


def spectrum(n):
    """The N_m in sum of b^k n_kl b^l = sum of N_m b^m for real b, (2T - 1,) or (..., 2T - 1)."""
    if n.ndim == 1:
        out = np.zeros(2 * len(n) - 1)
        out[::2] = n
        return out
    T = n.shape[-1]
    return np.stack([np.trace(n[..., ::-1], T - 1 - m, -2, -1) for m in range(2 * T - 1)], axis=-1)


def spread(answers, outputs):
    """The answers m_k, (..., T), where `s` has what they should be: u b^(T-i), or u b^(t-i) for i <= t and 0 above."""
    T = answers.shape[-1]
    if outputs == "last":
        return answers[..., ::-1]
    lag = np.subtract.outer(np.arange(T), np.arange(T))
    return np.where(lag < 0, 0, answers[..., np.maximum(lag, 0)])


def model(u, b, T, outputs):
    """u b^(T-i) along a last axis, or along two u b^(t-i) for i <= t and 0 above."""
    return spread(u[..., None] * b[..., None] ** np.arange(T), outputs)


def root(inputs):
    """L with L^H L = C, so that r^H C r = |L r|^2 cannot come out negative or lose more digits than r has."""
    values, vectors = np.linalg.eigh(inputs)
    return np.sqrt(np.maximum(values, 0))[..., None] * np.swapaxes(vectors.conj(), -2, -1)


def whitened(s, outputs, inputs):
    """What white inputs would have to be weighed with: the L s of all outputs as one vector, (..., T) or (..., T^2)."""
    out = seen(root(inputs), s[..., None, :] if outputs == "last" else s)
    return out.reshape(*out.shape[:-2], -1)


def times(x, y):
    """The product, where nothing times infinity is nothing: an overflow then stays in the terms that are large."""
    return np.where((x == 0) | (y == 0), 0.0, x * y)


def echoes(a, b, c):
    """The echoes c b^k a of lag k = 0, 1, ..., without end."""
    power, run = np.ones_like(b), a * c
    while True:
        echo = c * power * a
        yield np.where(np.isfinite(echo), echo, run)  # a power may overflow where its product with ac does not
        power, run = power * b, run * b


def nan_where(a, b, c, value):
    """The value, NaN where a mode is."""
    return np.where(np.isnan(a) | np.isnan(b) | np.isnan(c), np.nan, value)[()]


def square(z):
    """The squared modulus."""
    return z.real**2 + z.imag**2 if np.iscomplexobj(z) else z * z


def conj(z):
    """The conjugate; no copy of what is real."""
    return z.conj() if np.iscomplexobj(z) else z
