"""The gradient flow of many real modes, compiled; imported only where numba is there.

The variables are those of `_flow._angle`, phi and b, the method is collocation at the right-hand Radau points (Hairer &
Wanner, Solving ODEs II, IV.5 and IV.8): L-stable, so that a stiff row takes no more steps than a mild one, and of order
2 STAGES - 1 at the end of a step, so that what a saddle stretches is small. Between the ends it is a polynomial of
degree STAGES, which is what the times are read from, and whose last coefficients say how well it resolves the step.
Each row has steps of its own and depends on no other.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.polynomial import legendre

from lrnn_helpers._jit import OPTIONS

STAGES = 7
# A step is as long as the last coefficient may be, as a part of the accuracy that is promised; and the least of it.
SHARE, LEAST = 1e-3, 1e-13
# What a variable may take for zero, as a part of its start, or of 1 where it starts at zero.
FLOOR, TINY = 1e-100, 1e-300
STEPS, ITERATIONS = 20_000, 14


def _collocation():
    """Points, matrix A, its eigenvalues with two bases, what a polynomial's coefficients are made of."""
    last = np.zeros(STAGES + 1)
    last[-2:] = -1.0, 1.0
    x = np.sort(legendre.legroots(last).real)
    x[-1] = 1.0
    basis = np.eye(STAGES)
    integrals = np.stack([legendre.legval(x, legendre.legint(p, lbnd=-1)) for p in basis], axis=1) / 2
    A = integrals @ np.linalg.inv(legendre.legvander(x, STAGES - 1))
    values, vectors = np.linalg.eig(A)
    half = values.imag > -1e-12  # the others are their conjugates
    inverse = np.linalg.inv(vectors)[half]
    twice = np.where(values[half].imag > 1e-12, 2.0, 1.0)
    # Coefficients of the polynomial that is 0 at the left end and Z at the points.
    fit = np.linalg.inv(legendre.legvander(np.append(-1.0, x), STAGES))[:, 1:]
    return (x + 1) / 2, A, values[half], np.ascontiguousarray(vectors[:, half] * twice), inverse, fit


POINTS, A, VALUES, BACK, FORTH, FIT = (np.ascontiguousarray(x) for x in _collocation())


@njit(**OPTIONS)
def _exp(x):
    return math.exp(x) if x < 709.0 else math.inf


@njit(**OPTIONS)
def _pair(phi, root, turn):
    """The larger mode and the smaller one, from phi; v = 0 where root is NaN."""
    if math.isnan(root):
        size = _exp(phi)
        return size, turn * size
    size = _exp(abs(phi) + root) * (1.0 + math.exp(-2.0 * abs(phi))) / 2.0
    return size, size * math.tanh(phi)


@njit(**OPTIONS)
def _level(u, b, d, n, matrix):
    """G and H, the sums of (5) and (6) without c and ca."""
    G, H, power, before = 0.0, 0.0, 1.0, 0.0
    for k in range(len(d)):
        if len(matrix):
            seen, other = 0.0, u
            for j in range(len(d)):
                seen += matrix[k, j] * other
                other *= b
            residual = d[k] - seen
        else:
            residual = d[k] - n[k] * (u * power)
        G += power * residual
        H += k * before * residual
        before, power = power, power * b
    return G, H


@njit(**OPTIONS)
def _bend(u, b, d, n, matrix):
    """-dG/du, -dH/du and dH/db."""
    B, Q, K, power, before, second = 0.0, 0.0, 0.0, 1.0, 0.0, 0.0
    for k in range(len(d)):
        if len(matrix):
            seen, moved, other, last = 0.0, 0.0, 1.0, 0.0
            for j in range(len(d)):
                seen += matrix[k, j] * other
                moved += matrix[k, j] * (j * last)
                last, other = other, other * b
        else:
            seen, moved = n[k] * power, n[k] * (k * before)
        B += power * seen
        Q += k * before * seen
        K += k * (k - 1) * second * (d[k] - u * seen) - u * (k * before) * moved
        second, before, power = before, power, power * b
    return B, Q, K


@njit(**OPTIONS)
def _values(coefficients, x):
    """The polynomials of both variables at x in [-1, 1], by Legendre's recursion."""
    one, other, now, last = coefficients[0, 0], coefficients[0, 1], x, 1.0
    for k in range(1, STAGES + 1):
        one += coefficients[k, 0] * now
        other += coefficients[k, 1] * now
        last, now = now, ((2 * k + 1) * x * now - k * last) / (k + 1)
    return one, other


@njit(**OPTIONS)
def _coefficients(Z, out):
    for k in range(STAGES + 1):
        for v in range(2):
            out[k, v] = 0.0
            for i in range(STAGES):
                out[k, v] += FIT[k, i] * Z[i, v]


@njit(**OPTIONS)
def _newton(Z, phi, b, h, root, turn, d, n, matrix, weights, enough):
    """Solve Z = h A F(y + Z) from the guess in Z, with one Jacobian; whether that came to an end."""
    one, other = _pair(phi, root, turn)
    u, N = one * other, one * one + other * other
    B, Q, K = _bend(u, b, d, n, matrix)
    both = turn * (_level(u, b, d, n, matrix)[1] - u * Q)
    j00, j01, j10, j11 = -N * B * h, both * h, N * both * h, u * K * h
    F, R = np.empty((STAGES, 2)), np.empty((STAGES, 2))
    last = math.inf
    for iteration in range(ITERATIONS):
        for i in range(STAGES):
            at = b + Z[i, 1]
            one, other = _pair(phi + Z[i, 0], root, turn)
            G, H = _level(one * other, at, d, n, matrix)
            F[i, 0], F[i, 1] = h * turn * G, h * one * other * H
        for i in range(STAGES):
            x, y = -Z[i, 0], -Z[i, 1]
            for j in range(STAGES):
                x += A[i, j] * F[j, 0]
                y += A[i, j] * F[j, 1]
            R[i, 0], R[i, 1] = x, y
        # In the eigenvectors of A each part is a system of two.
        size = 0.0
        dZ = F
        dZ[:] = 0.0
        for e in range(len(VALUES)):
            x, y, value = 0j, 0j, VALUES[e]
            for i in range(STAGES):
                x += FORTH[e, i] * R[i, 0]
                y += FORTH[e, i] * R[i, 1]
            m00, m01, m10, m11 = 1.0 - value * j00, -value * j01, -value * j10, 1.0 - value * j11
            det = m00 * m11 - m01 * m10
            p, q = (m11 * x - m01 * y) / det, (m00 * y - m10 * x) / det
            for i in range(STAGES):
                dZ[i, 0] += (BACK[i, e] * p).real
                dZ[i, 1] += (BACK[i, e] * q).real
        for i in range(STAGES):
            for v in range(2):
                Z[i, v] += dZ[i, v]
                size = max(size, abs(dZ[i, v]) / (weights[v] + weights[2 + v] * abs(Z[i, v])))
                if not math.isfinite(Z[i, v]):
                    return False
        ratio = size / last if iteration else 1.0
        if size == 0.0 or (iteration and ratio < 1.0 and size * ratio / (1.0 - ratio) <= enough):
            return True
        if iteration > 1 and ratio > 0.7:
            return size <= 10.0 * enough  # rounding
        last = size
    return False


@njit(**OPTIONS)
def _row(a, b, c, d, n, matrix, times, tau, eps, out):
    """One row: out (3, times); False where the steps do not get there."""
    a_is_larger = abs(a) >= abs(c)
    larger, smaller = (a, c) if a_is_larger else (c, a)
    side, sign = math.copysign(1.0, a) * math.copysign(1.0, c), math.copysign(1.0, larger)
    gap = abs(larger) - abs(smaller)
    if gap:
        root = (math.log(gap) + math.log(abs(larger) + abs(smaller))) / 2.0
        turn, phi = 1.0, side * math.log1p(2.0 * abs(smaller) / gap) / 2.0
    else:
        root, turn, phi = math.nan, side, math.log(abs(larger))
    # What each may be off: in any case, and as a part of itself.
    scale_phi = 1.0 if _level(0.0, b, d, n, matrix)[0] != 0.0 or phi == 0.0 else abs(phi)
    scale_b = 1.0 if _level(0.0, 0.0, d, n, matrix)[1] != 0.0 or b == 0.0 else abs(b)
    floor_phi, part_phi = (max(FLOOR * scale_phi, TINY), eps) if gap else (eps, 0.0)
    floor_b = max(FLOOR * scale_b, TINY)
    end = times[-1] / tau
    Z, weights = np.empty((STAGES, 2)), np.empty(4)
    coefficients, old = np.empty((STAGES + 1, 2)), np.empty((STAGES + 1, 2))
    enough = max(1e-3, 1e-14 / eps)
    t, done, before = 0.0, 0, 0.0
    while done < len(times) and times[done] == 0.0:
        out[0, done], out[1, done], out[2, done] = a, b, c
        done += 1
    one, other = _pair(phi, root, turn)
    G, H = _level(one * other, b, d, n, matrix)
    h, H = end, one * other * H
    if G and phi:
        h = min(h, 0.1 * (abs(phi) if gap else 1.0) / abs(G))
    if H and b:
        h = min(h, 0.1 * abs(b) / abs(H))
    for _ in range(STEPS):
        if done == len(times):
            return True
        last = t + h >= end
        if last:
            h = end - t
        if t + h == t and not last:
            return False
        stretch = h / before if before else math.inf
        if stretch <= 2.0:
            left, right = _values(coefficients, 1.0)
            for i in range(STAGES):
                one, other = _values(coefficients, 1.0 + 2.0 * stretch * POINTS[i])
                Z[i, 0], Z[i, 1] = one - left, other - right
        else:
            Z[:] = 0.0
        weights[0], weights[1] = floor_phi + part_phi * abs(phi), floor_b + eps * abs(b)
        weights[2], weights[3] = part_phi, eps
        if not _newton(Z, phi, b, h, root, turn, d, n, matrix, weights, enough):
            h, before = 0.3 * h, 0.0
            continue
        # Not by slices: numba would compile what it says of shapes that differ, which takes seconds.
        old, coefficients = coefficients, old
        _coefficients(Z, coefficients)
        to_phi, to_b = phi + Z[-1, 0], b + Z[-1, 1]
        w0 = floor_phi + part_phi * max(abs(phi), abs(to_phi))
        w1 = floor_b + eps * max(abs(b), abs(to_b))
        error = max(
            max(abs(coefficients[STAGES, 0]), 0.02 * abs(coefficients[STAGES - 1, 0])) / w0,
            max(abs(coefficients[STAGES, 1]), 0.02 * abs(coefficients[STAGES - 1, 1])) / w1,
        )
        factor = 6.0 if error == 0.0 else min(6.0, max(0.1, 0.85 * error ** (-1.0 / STAGES)))
        if not error <= 1.0:
            h *= min(factor, 0.9)
            old, coefficients = coefficients, old
            continue
        while done < len(times) and (last or times[done] / tau <= t + h):
            x = min(1.0, 2.0 * (times[done] / tau - t) / h - 1.0)
            at_phi, at_b = _values(coefficients, x)
            one, other = _pair(phi + at_phi, root, turn)
            if gap:
                one = math.hypot(math.exp(root), other)  # closer to v, which is kept
            at = b + at_b
            out[1, done] = at
            out[0, done], out[2, done] = (sign * one, sign * other) if a_is_larger else (sign * other, sign * one)
            if not (math.isfinite(one) and math.isfinite(other) and math.isfinite(at)):
                return False
            done += 1
        t, before, phi, b = t + h, h, to_phi, to_b
        h *= factor
    return done == len(times)


@njit(nogil=True, **OPTIONS)
def rows(a, b, c, d, n, matrix, times, tau, eps, out, solved):
    """All rows: a, b, c and tau (S,), d (S, T), n (T,) and matrix (S, 0, 0), or matrix (S, T, T); out (S, 3, times)."""
    for i in range(len(a)):
        if not (math.isfinite(a[i]) and math.isfinite(b[i]) and math.isfinite(c[i])):
            solved[i] = True
        elif times[-1] == 0.0 or (a[i] == 0.0 and c[i] == 0.0):
            for t in range(len(times)):
                out[i, 0, t], out[i, 1, t], out[i, 2, t] = a[i], b[i], c[i]
            solved[i] = True
        else:
            solved[i] = _row(a[i], b[i], c[i], d[i], n, matrix[i], times, tau[i], eps, out[i])
