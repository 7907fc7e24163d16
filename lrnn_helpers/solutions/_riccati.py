"""The product u = ac under a' = c (S - u B), c' = a (S - u B), from any start.

a + c grows by exp(theta), theta' = S - u B, and a - c falls by it, so that w = exp(2 theta) solves a Riccati equation
with constant coefficients, w' = B y^2 / 2 + 2 S w - B x^2 w^2 / 2 with x = a0 + c0, y = a0 - c0 and w(0) = 1.
"""

from __future__ import annotations

import numpy as np


def product(t, a0, c0, S, B):
    """The product u(t); NaN from where it came from infinity on, at some t < 0."""
    x, y = a0 + c0, a0 - c0
    M, side = B * x * y / 2, np.sign(t)
    omega = np.hypot(S, M)
    rise = omega * np.abs(t)
    # exp(-omega t) sinh(omega t) / omega
    sinh = side * np.where(rise < 1e-8, np.abs(t) * (1 - rise), -np.expm1(-2 * rise) / (2 * omega))
    p, r = _exponentials(side * S, M, rise)
    p, r = p + B * y**2 / 2 * sinh, r + B * x**2 / 2 * sinh
    up, down = _exponentials(side * M, S, rise)
    # w = p / r. Each mode can be written in two ways; the one of smaller terms is the one that cancels less. They
    # share a factor sqrt(p / r), so that neither overflows while their product does not.
    a = _lesser((x / 2, y * r / p / 2), (a0 * up / p, c0 * S * sinh / p))
    c = _lesser((x * p / r / 2, -y / 2), (c0 * down / r, a0 * S * sinh / r))
    # Only an exponential that has fallen below the floats makes p or r zero: then u has too.
    u = np.where((p == 0) | (r == 0), np.where(t > 0, 0.0, np.nan), a * c)
    return np.where((p < 0) | (r < 0), np.nan, u)


def _exponentials(S, M, rise):
    """(cosh ± S / omega sinh)(rise) exp(-rise), omega^2 = S^2 + M^2, of positive terms only."""
    omega = np.hypot(S, M)
    major = np.where(omega > 0, 1 + np.abs(S) / omega, 2.0)
    minor = np.where(omega > 0, (M / omega) ** 2, 0.0) / major  # 1 - |S| / omega
    fall = np.exp(-2 * rise)
    more, less = (major + minor * fall) / 2, (minor + major * fall) / 2
    return np.where(S >= 0, more, less), np.where(S >= 0, less, more)


def _lesser(first, second):
    """The sum of whichever pair has the smaller terms."""
    smaller = sum(np.abs(x) for x in first) <= sum(np.abs(x) for x in second)
    return np.where(smaller, sum(first), sum(second))
