"""The product u = ac of complex modes under a' = conj(c) (S - u B), c' = conj(a) (S - u B), from any start.

With v = |a|^2 - |c|^2, which is conserved, and N = |a|^2 + |c|^2 = sqrt(v^2 + 4|u|^2), u' = N (S - u B). In the time
that runs with N, S - u B only shrinks: u goes straight from u0 to S / B, u = u* + (u0 - u*) / w. What is left is real
and linear, w'' = omega^2 w + const in t with omega^2 = (v B)^2 + 4|S|^2, so that w = 1 + B K with

    K = N0 / omega [(1 + q)/2 (e^(omega t) - 1) + (1 - q)/2 (1 - e^(-omega t))],

q the cosine between (v B, 2 S) and (v, 2 u0), whose lengths are omega and N0. Then u = (u0 + S K) / (1 + B K).
"""

from __future__ import annotations

import numpy as np


def balanced(t, u0, S, B):
    """For |a| = |c|, by a root of u0 seen from S: its real part grows, its imaginary part falls. No digits are lost."""
    size = np.abs(S)
    turn = np.where(size > 0, S / np.where(size > 0, size, 1.0), 1.0)
    side, z = t >= 0, 2 * size * np.abs(t)
    half = np.sqrt(u0 * turn.conj() + 0j)
    grows, falls = half.real, half.imag
    fall = np.exp(-z)
    rise = np.where(z < 1e-8, 2 * np.abs(t) * (1 - z / 2), -np.expm1(-z) / size)
    above = np.where(side, grows + 1j * falls * fall, grows * fall + 1j * falls) ** 2
    change = B * rise * np.where(side, grows**2 + falls**2 * fall, -(grows**2) * fall - falls**2)
    below = fall + change
    return np.where(below > 0, turn * above / below, np.nan)


def product(t, a0, c0, S, B):
    """The product u(t) from any start; NaN from where it came from infinity on, at some t < 0."""
    v, u0 = (np.abs(a0) - np.abs(c0)) * (np.abs(a0) + np.abs(c0)), a0 * c0
    N, omega = np.abs(a0) ** 2 + np.abs(c0) ** 2, np.hypot(v * B, 2 * np.abs(S))
    drive, start = np.stack([v * B, 2 * S]) / omega, np.stack([v, 2 * u0]) / N
    with_it, against = ((np.abs(drive + sign * start) ** 2).sum(axis=0) for sign in (1, -1))
    # (1 + q) / 2 and (1 - q) / 2. Without a drive only N t counts, in whatever parts.
    with_it, against = (np.where(omega * N > 0, x / 4, 0.5) for x in (with_it, against))
    side, x = np.sign(t), omega * np.abs(t)
    fall = np.exp(-x)
    rise = np.where(x < 1e-8, np.abs(t) * (1 - x / 2), -np.expm1(-x) / omega)
    K = side * N * rise * np.where(side > 0, with_it + against * fall, with_it * fall + against)
    below = fall + B * K
    return np.where(below > 0, (u0 * fall + S * K) / below, np.nan)
