"""One dimension's gradient flow, solved; `modes.flow` is the door to it.

By (5) and (7), or (182) and (184), v = |a|^2 - |c|^2 keeps its value, so the flow of (a, b, c) is one of u = ac and b:

    u' = sqrt(v^2 + 4|u|^2) G,    b' = conj(u) H,

G and H being the sums of (5) and (6) without c and ca. What remains is a phase, of whichever of a and c is larger:
its rate is Im(conj(u) G) over its squared size. Solved this way, v is exact, nothing drifts along the hyperbola of
minima ac = const, and a mode that starts or ends very small keeps its relative accuracy.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.integrate import solve_ivp

RTOL = 1e-12
# Below this part of its start a real variable may be taken for zero; of a complex one, the smaller of its two parts.
FLOOR = {True: 1e-40, False: 1e-16}
# LSODA nearly always needs a few thousand evaluations; where it does not see that it should turn stiff, Radau does.
METHODS = (("LSODA", 50_000), ("Radau", 50_000))


class _GaveUp(Exception):
    pass


def solve(a0, b0, c0, d, n, times):
    """(a, b, c) at `times` / tau, (3, n); NaN if no solver reaches the end."""
    start = np.array([a0, b0, c0])
    if not times[-1] or (a0 == 0 and c0 == 0):
        return np.repeat(start[:, None], len(times), axis=1)
    real = not np.iscomplexobj(start)
    v = (abs(a0) - abs(c0)) * (abs(a0) + abs(c0))
    larger = a0 if v >= 0 else c0
    sums = _sums(d, n)

    def rates(_, y):
        u, b = y if real else np.ascontiguousarray(y[:4]).view(complex)
        N = np.hypot(v, 2 * abs(u))
        G, H = sums(u, b)
        if real:
            return N * G, u * H
        turn = (u.conjugate() * G).imag / (N + abs(v)) * 2
        return np.append(np.array([N * G, u.conjugate() * H]).view(float), turn)

    scale = np.array([abs(a0 * c0) or abs(v), abs(b0) or 1.0])
    if real:
        u, b = _integrate(rates, np.array([a0 * c0, b0]), FLOOR[real] * scale, times)
        direction = np.sign(larger)
    else:
        atol = np.append(FLOOR[real] * np.repeat(scale, 2), RTOL)
        y = _integrate(rates, np.append(np.array([a0 * c0, b0]).view(float), np.angle(larger)), atol, times)
        u, b, direction = y[0] + 1j * y[1], y[2] + 1j * y[3], np.exp(1j * y[4])
    larger = direction * np.sqrt((np.hypot(v, 2 * np.abs(u)) + abs(v)) / 2)
    out = np.array([larger, b, u / larger] if v >= 0 else [u / larger, b, larger])
    out[:, times == 0] = start[:, None]
    return out


def _sums(d, n):
    """The sums of (5) and (6) without their factors c and ca, as a function of u and b."""
    n, k = np.asarray(n, dtype=float), np.arange(len(d))
    size = np.abs(d)

    def sums(u, b):
        power = b**k
        slopes = k[1:] * power[:-1]
        model = n * (u * power)
        residual = d - model
        G, H = power.conj() @ residual, slopes.conj() @ residual[1:]
        # At rest the sums are rounding errors, which a solver would follow in tiny steps for all time to come.
        noise = 4 * np.finfo(float).eps * (size + np.abs(model))
        still = abs(G) < np.abs(power) @ noise, abs(H) < np.abs(slopes) @ noise[1:]
        return (0.0 if still[0] else G), (0.0 if still[1] else H)

    return sums


def _integrate(rates, start, atol, times):
    """The solution at `times`; NaN if no solver reaches the end."""
    moments, where = np.unique(times, return_inverse=True)
    for method, budget in METHODS:
        evaluations = iter(range(budget))

        def counted(t, y, evaluations=evaluations):
            if next(evaluations, None) is None:
                raise _GaveUp
            return rates(t, y)

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                solution = solve_ivp(counted, (0.0, moments[-1]), start, method, moments, rtol=RTOL, atol=atol)
        except (_GaveUp, ValueError, np.linalg.LinAlgError):
            continue
        if solution.success and np.isfinite(solution.y).all():
            return solution.y[:, where]
    return np.full((len(start), len(times)), np.nan)
