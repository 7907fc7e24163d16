"""Polynomials and power series behind `solutions`: one mode while the other is frozen.

With the d_k and N_m of `_lags`, -tau E = const + u sum d_k b^k - (u^2/2) sum N_m b^m. So d(-tau E)/db is a polynomial
in b, here called the drift, and everything about a frozen u follows from it.
Polynomials and series lie along the last axis, the constant first.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np

EPS = np.finfo(float).eps


def drift(d, N, u):
    """d(-tau E)/db over u, (..., D + 1) with degree D = 2T - 3; the constant 0 where T = 1."""
    T, u = d.shape[-1], np.asarray(u)[..., None]
    lead = np.broadcast_shapes(d.shape[:-1], N.shape[:-1], u.shape[:-1])
    q = np.zeros((*lead, max(2 * T - 2, 1)))
    q[..., : T - 1] = np.arange(1, T) * d[..., 1:]
    q[..., : 2 * T - 2] -= u * (np.arange(1, 2 * T - 1) / 2 * N[..., 1:])
    return q


def falling(m, n):
    """m (m - 1) ... (m - n + 1), in floats, as it may be larger than all of them."""
    return np.prod(np.arange(m - n + 1, m + 1, dtype=float))


def horner(p, x):
    """The polynomials p at x, which broadcasts with the leading axes."""
    value = 0.0
    for m in reversed(range(p.shape[-1])):
        value = value * x + p[..., m]
    return value


def at_rest(p, x):
    """Whether p(x) is zero as far as rounding of p and x can tell."""
    return np.abs(horner(p, x)) <= 2 * p.shape[-1] * EPS * horner(np.abs(p), np.abs(x))


def shift(p, b):
    """The polynomials p(b + x) in powers of x."""
    choose, lag = _binomials(p.shape[-1])
    powers = np.asarray(b)[..., None] ** np.arange(p.shape[-1])
    return (choose * powers[..., lag] * p[..., None, :]).sum(axis=-1)


@lru_cache
def _binomials(terms):
    """Row m, column j: j over m, and the power j - m that goes with it."""
    choose = np.array([[float(comb(j, m)) for j in range(terms)] for m in range(terms)])
    return choose, np.maximum(np.subtract.outer(np.arange(terms), np.arange(terms)).T, 0)


def solve(p, order):
    """Series of x(t), x(0) = 0 and x' = p(x), up to t^order: the composition p(x(t)) grown with x itself.

    Row m of `powers` holds the series of x^m. As x has no constant, its entry n needs x only up to n - 1, and a new
    coefficient of x needs entries n alone: order^2 D operations, where Faà di Bruno's sum (63) has a term for each
    partition.
    """
    p = p[..., : order + 1]
    x = np.zeros((*p.shape[:-1], order + 1), dtype=p.dtype)
    powers = np.zeros((*p.shape, order + 1), dtype=p.dtype)
    powers[..., 0, 0] = 1
    for n in range(order):
        if n:
            powers[..., 1:2, n] = x[..., n, None]
            powers[..., 2:, n] = (powers[..., 1:-1, 1:n] * x[..., None, n - 1 : 0 : -1]).sum(axis=-1)
        x[..., n + 1] = (p * powers[..., n]).sum(axis=-1) / (n + 1)
    return x


def expand(b, p, order):
    """Series of b(t) from b on, where b' = p(b)."""
    series = solve(shift(p, b), order)
    series[..., 0] += b
    return series
