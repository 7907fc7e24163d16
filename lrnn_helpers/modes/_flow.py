"""One dimension's gradient flow, solved; `modes.flow` is the door to it.

By (5) and (7), or (182) and (184), v = |a|^2 - |c|^2 keeps its value, so the flow of (a, b, c) is one of u = ac and b,
and v is exact. With G and H the sums of (5) and (6) without c and ca:

- Real modes: the larger of a and c is sqrt|v| cosh(phi), the smaller sqrt|v| sinh(phi), and phi' = G. Near 0 phi is
  the smaller mode, far out a logarithm; so u may pass through zero and may grow or fall by any factor. Where v = 0
  u cannot pass through zero, and phi is log|a|.
- Complex modes: the logarithms of u and b, and the phase of the larger of a and c. Only a path through zero is lost to
  them.
- What these cannot do: (a, b, c) as they stand.
"""

from __future__ import annotations

import cmath
import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import LSODA, ODEintWarning, odeint

# What a solver is asked for, as a part of the accuracy that is promised: errors of single steps add up, and the flow
# stretches them where it leaves a saddle. LSODA refuses less than a hundred roundings.
SHARE, LEAST = 1e-5, 1e-13
# The second try is looser, for where rounding in G or H stands above the first tolerance.
LOOSER = 100.0
# What the first and the second try may take for zero: as a part of the start, or of 1 where the start is zero.
FLOORS = (1e-40, 1e-15)
# Evaluations of the rates. LSODA needs some hundreds, some thousands where the flow is stiff or stalls.
BUDGET = 50_000
# A logarithm cannot start at zero; it starts at this part of the other mode, or of 1.
NEXT = 1e-30
# (a, b, c) as they stand are weighed part by part, and what one part may be off must follow the size of the whole
# number: the solver starts anew when a size has grown or fallen by these factors. A size below the third, as a part of
# its start or of its partner, counts as that.
GROWS, FALLS, SMALL = 1e1, 1e-2, 1e-9
TINY = 1e-300


class _Chart(NamedTuple):
    """The flow in real variables of its own."""

    start: Any
    rates: Any  # rates(t, y)
    jacobian: Any  # jacobian(t, y), or None for differences
    relative: Any  # what each variable may be off, as a part of itself
    absolute: Any  # and in any case
    modes: Any  # (a, b, c) of arrays of the variables


class _GivenUp(Exception):
    """Too many evaluations, or a logarithm on its way to zero."""


def solve(a0, b0, c0, d, n, times, rtol):
    """(a, b, c) at `times` / tau, (3, times), from `d` and `n` of `_lags`; NaN if no solver gets there."""
    start = np.array([a0, b0, c0])
    if np.iscomplexobj(start) and not any(x.imag.any() for x in (start, d, n)):
        return solve(a0.real, b0.real, c0.real, d.real, n.real, times, rtol)
    if not times[-1] or a0 == c0 == 0:
        return np.repeat(start[:, None], len(times), axis=1)
    moments, where = np.unique(np.append(0.0, times), return_inverse=True)
    sums, tol = _Sums(d, n), max(SHARE * rtol, LEAST)
    if np.iscomplexobj(start):
        charts = [partial(_logarithms, *start.tolist(), sums)] * 2
    else:
        charts = [partial(_angle, *start.tolist(), sums, floor) for floor in FLOORS]
    tries = [partial(_march, chart, eps) for chart, eps in zip(charts, (tol, LOOSER * tol), strict=True)]
    for attempt in (*tries, partial(_plain_march, start, sums, LOOSER * tol)):
        try:
            out = np.array(attempt(moments))
        except (_GivenUp, ODEintWarning, ArithmeticError, ValueError, np.linalg.LinAlgError):
            continue
        if np.isfinite(out).all():
            out[:, 0] = start
            return out[:, where[1:]]
    return np.full((3, len(times)), np.nan)


class _Sums:
    """G and H as functions of u and b, from what the modes see of each lag, and their derivatives."""

    def __init__(self, d, n):
        self.d, self.k = d, np.arange(len(d), dtype=float)
        self.inner, self.bend = self.k[1:], self.k[2:] * self.k[1:-1]
        self.weigh = n.__mul__ if n.ndim == 1 else n.__matmul__

    def __call__(self, u, b):
        power = b**self.k
        residual = self.d - self.weigh(u * power)
        return np.vdot(power, residual).item(), np.vdot(power[:-1], self.inner * residual[1:]).item()

    def derivatives(self, u, b):
        """-dG/du, -dH/du and dH/db; real."""
        power = b**self.k
        slope = np.append(0.0, self.inner * power[:-1])
        seen = self.weigh(power)
        bend = power[:-2] @ (self.bend * (self.d - u * seen)[2:])
        return power @ seen, slope @ seen, bend - u * (slope @ self.weigh(slope))


def _angle(a, b, c, sums, floor, eps):
    """The chart of real modes: phi and b."""
    a_is_larger = abs(a) >= abs(c)
    larger, smaller = (a, c) if a_is_larger else (c, a)
    side = math.copysign(1.0, a) * math.copysign(1.0, c)
    gap = abs(larger) - abs(smaller)
    if gap:
        # sqrt|v| as a logarithm, which neither overflows nor vanishes.
        root, turn = (math.log(gap) + math.log(abs(larger) + abs(smaller))) / 2, 1.0
        phi = side * math.log1p(2 * abs(smaller) / gap) / 2

        def pair(phi, exp, tanh):
            size = exp(abs(phi) + root) * (1 + exp(-2 * abs(phi))) / 2
            return size, size * tanh(phi)
    else:
        phi, turn = math.log(abs(larger)), side

        def pair(phi, exp, _):
            return exp(phi), side * exp(phi)

    def rates(_, y):
        phi, b = y.tolist()
        one, other = pair(phi, _exp, math.tanh)
        G, H = sums(one * other, b)
        return turn * G, one * other * H

    def jacobian(_, y):
        phi, b = y.tolist()
        one, other = pair(phi, _exp, math.tanh)
        u, N = one * other, one * one + other * other
        B, Q, K = sums.derivatives(u, b)
        both = turn * (sums(u, b)[1] - u * Q)
        return np.array([[-N * B, both], [N * both, u * K]])

    def modes(phi, b):
        one, other = (math.copysign(1.0, larger) * x for x in pair(phi, np.exp, np.tanh))
        return (one, b, other) if a_is_larger else (other, b, one)

    floors = floor * _scale(phi, sums(0.0, b)[0]), floor * _scale(b, sums(0.0, 0.0)[1])
    relative, absolute = ((eps, eps), floors) if gap else ((LEAST / 2, eps), (eps, floors[1]))
    return _Chart((phi, b), rates, jacobian, relative, np.maximum(absolute, TINY), modes)


def _exp(x):
    """Infinity where math.exp would raise: a solver takes a smaller step then."""
    return math.exp(x) if x < 709 else math.inf


def _scale(start, push):
    """The size that a variable starts from: 1 where it starts at 0, or the data push it away from there."""
    return 1.0 if push or not start else abs(start)


def _logarithms(a, b, c, sums, eps):
    """The chart of complex modes: log u and log b in two parts each, and the phase of the larger of a and c."""
    # What starts at zero starts next to it, where the data push it; what nothing pushes stays.
    ahead = NEXT * _direction(sums(0j, b)[0])
    a, c = a or c.conjugate() * ahead, c or a.conjugate() * ahead
    push = sums(0j, 0j)[1]
    b = b or NEXT * _direction((_direction(a) * _direction(c)).conjugate() * push)
    if not (a and c):
        raise _GivenUp
    moves = b != 0
    a_is_larger, gap = abs(a) >= abs(c), abs(abs(a) - abs(c))
    log_v = math.log(gap) + math.log(abs(a) + abs(c)) if gap else -math.inf
    start = (
        math.log(abs(a)) + math.log(abs(c)),
        cmath.phase(a) + cmath.phase(c),
        math.log(abs(b)) if moves else 0.0,
        cmath.phase(b),
        cmath.phase(a if a_is_larger else c),
    )

    def rates(_, y):
        size, angle, size_b, angle_b, _ = y.tolist()
        if size_b < -300 and push:
            raise _GivenUp
        # Where b is as small as this and not pushed, the rate of its logarithm does not depend on its size, while H
        # and b would vanish.
        u, b = cmath.rect(_exp(size), angle), moves * cmath.rect(_exp(max(size_b, -300.0)), angle_b)
        G, H = sums(u, b)
        G, part = cmath.rect(1.0, -angle) * G, _exp(log_v - size)  # part: |v| / |u|
        du, db = math.hypot(part, 2) * G, u.conjugate() * H / b if moves else 0j
        return du.real, du.imag, db.real, db.imag, 2 * G.imag / (math.hypot(part, 2) + part)

    def modes(size, angle, size_b, angle_b, phase):
        part = np.exp(log_v - size)
        ratio = np.sqrt((np.hypot(part, 2) + part) / 2)
        one, other = np.exp(size / 2 + 1j * phase) * ratio, np.exp(size / 2 + 1j * (angle - phase)) / ratio
        b = moves * np.exp(size_b + 1j * angle_b)
        return (one, b, other) if a_is_larger else (other, b, one)

    return _Chart(start, rates, None, [LEAST / 2] * 5, [eps] * 5, modes)


def _direction(z):
    return z / abs(z) if z else 0j


def _march(chart, eps, moments):
    """(a, b, c) at `moments`, in the variables of a chart."""
    start, rates, jacobian, relative, absolute, modes = chart(eps)
    rates = _limited(rates)
    jacobian = jacobian or _differences(rates, np.ones(len(start)))
    y = odeint(rates, start, moments, Dfun=jacobian, rtol=relative, atol=absolute, mxstep=BUDGET, tfirst=True)
    return modes(*y.T)


def _plain_march(start, sums, eps, moments):
    """(a, b, c) at `moments`, from (5)-(7) or (182)-(184) as they stand."""
    parts, scale_of_b = len(start.view(float)) // 3, _scale(start[1], sums(0.0, 0.0)[1])

    def modes(y):
        return np.ascontiguousarray(y).view(start.dtype)

    def rates(_, y):
        a, b, c = modes(y).tolist()
        G, H = sums(a * c, b)
        return np.array([np.conj(c) * G, np.conj(a * c) * H, np.conj(a) * G], dtype=start.dtype).view(float)

    def sizes(y):
        a, b, c = np.abs(modes(y))
        least = SMALL * max(a, c)
        return np.array([max(a, least), max(b, SMALL * scale_of_b), max(c, least)])

    rates = _limited(rates)
    t, y, out = 0.0, start.view(float), np.full((len(moments), 3), start)
    while t < moments[-1]:
        size = sizes(y)
        each = np.repeat(size, parts)
        jacobian, atol = _differences(rates, each), np.maximum(eps * each, TINY)
        solver = LSODA(rates, t, y, moments[-1], rtol=eps, atol=atol, jac=jacobian)
        while solver.status == "running":
            solver.step()
            if solver.status == "failed" or not np.isfinite(solver.y).all():
                raise _GivenUp
            passed = (moments > solver.t_old) & (moments <= solver.t)
            if passed.any():
                out[passed] = modes(solver.dense_output()(moments[passed]).T)
            change = sizes(solver.y) / size
            if change.max() > GROWS or change.min() < FALLS:
                break
        t, y = solver.t, solver.y
    return out.T


def _limited(rates):
    """The same until the budget is spent."""
    count = 0

    def counted(t, y):
        nonlocal count
        count += 1
        if count > BUDGET:
            raise _GivenUp
        return rates(t, y)

    return counted


def _differences(rates, size):
    """The derivatives of the rates, by steps after `size`: LSODA's own are too short for a variable next to 0."""
    steps = 1e-7 * np.diag(size)

    def jacobian(t, y):
        here = np.array(rates(t, y))
        return np.stack([(rates(t, y + step) - here) / step.sum() for step in steps], axis=1)

    return jacobian
