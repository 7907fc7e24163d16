"""One dimension's gradient flow, solved; `modes.flow` is the door to it.

By (5) and (7), or (182) and (184), v = |a|^2 - |c|^2 keeps its value, so the flow of (a, b, c) is one of u = ac and b:

    u' = N G,    b' = conj(u) H,    N = |a|^2 + |c|^2 = sqrt(v^2 + 4|u|^2),

G and H being the sums of (5) and (6) without c and ca. What remains is a phase, of whichever of a and c is larger:
its rate is Im(conj(u) G) over its squared size. Solved this way, v is exact, nothing drifts along the hyperbola of
minima ac = const, and a mode that starts or ends very small keeps its relative accuracy.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.integrate import solve_ivp

RTOL = 1e-12
# Below this part of its start a variable may be taken for zero.
FLOOR = 1e-40
# LSODA nearly always needs a few thousand evaluations; where it does not see that it should turn stiff, Radau does.
METHODS = (("LSODA", 50_000), ("Radau", 50_000))


class _GaveUp(Exception):
    pass


def solve(a0, b0, c0, d, n, times):
    """(a, b, c) at `times` / tau, (3, n); NaN if no solver reaches the end."""
    start = np.array([a0, b0, c0])
    if not times[-1] or (a0 == 0 and c0 == 0):
        return np.repeat(start[:, None], len(times), axis=1)
    v = (abs(a0) - abs(c0)) * (abs(a0) + abs(c0))
    larger = a0 if v >= 0 else c0
    system = _System(v, d, n)
    state, scale = np.array([a0 * c0, b0]), np.array([abs(a0 * c0) or abs(v), abs(b0) or 1.0])
    if np.iscomplexobj(start):
        atol = np.append(1e-16 * np.repeat(scale, 2), RTOL)
        state = np.append(state.view(float), np.angle(larger))
        y = _integrate(system.complex_rates, system.complex_jacobian, state, atol, times)
        u, b, direction = y[0] + 1j * y[1], y[2] + 1j * y[3], np.exp(1j * y[4])
    elif v == 0:
        # |a| = |c| for all time, so that u keeps its sign: its logarithm is solved for, which cannot cross zero.
        state = np.array([np.log(abs(a0 * c0)), b0, np.sign(a0 * c0)])
        w, b, sign = _integrate(system.log_rates, system.log_jacobian, state, [RTOL, FLOOR * scale[1], 1.0], times)
        larger = np.sign(larger) * np.exp(w / 2)
        out = np.array([larger, b, sign * larger])
        out[:, times == 0] = start[:, None]
        return out
    else:
        u, b = _integrate(system.real_rates, system.real_jacobian, state, FLOOR * scale, times)
        direction = np.sign(larger)
    larger = direction * np.sqrt((np.hypot(v, 2 * np.abs(u)) + abs(v)) / 2)
    out = np.array([larger, b, u / larger] if v >= 0 else [u / larger, b, larger])
    out[:, times == 0] = start[:, None]
    return out


class _System:
    """The flow of (u, b) at a conserved `v`, from the sums `d` and numbers `n` of each lag."""

    def __init__(self, v, d, n):
        self.v, self.d, self.n, self.k = v, d, np.asarray(n, dtype=float), np.arange(len(d))
        self.size = np.abs(d)

    def rates(self, u, b):
        """u', b' and G."""
        power = b**self.k
        slopes = self.k[1:] * power[:-1]
        model = self.n * (u * power)
        residual = self.d - model
        G, H = power.conj() @ residual, slopes.conj() @ residual[1:]
        # At rest the sums are rounding errors, which a solver would follow in tiny steps for all time to come.
        noise = 4 * np.finfo(float).eps * (self.size + np.abs(model))
        G = 0.0 if abs(G) < np.abs(power) @ noise else G
        H = 0.0 if abs(H) < np.abs(slopes) @ noise[1:] else H
        return np.hypot(self.v, 2 * abs(u)) * G, u.conjugate() * H, G

    def jacobian(self, u, b):
        """Derivatives of (u', b') by (u, b) and by their conjugates, (2, 2) each."""
        k = self.k
        power = b**k
        first, second = np.zeros_like(power), np.zeros_like(power)
        first[1:], second[2:] = k[1:] * power[:-1], k[2:] * k[1:-1] * power[:-2]
        residual = self.d - self.n * (u * power)
        N, G = np.hypot(self.v, 2 * abs(u)), power.conj() @ residual
        inner = self.n * first.conj()
        plain = [
            [2 * u.conjugate() / N * G - N * (self.n @ np.abs(power) ** 2), -N * u * (inner.conj() @ power.conj())],
            [-u.conjugate() * (inner @ power), -u.conjugate() * u * (inner @ first)],
        ]
        conjugate = [
            [2 * u / N * G, N * (first.conj() @ residual)],
            [first.conj() @ residual, u.conjugate() * (second.conj() @ residual)],
        ]
        return np.array(plain), np.array(conjugate)

    def real_rates(self, _, y):
        return self.rates(*y)[:2]

    def real_jacobian(self, _, y):
        return np.add(*self.jacobian(*y))

    def log_rates(self, _, y):
        w, b, sign = y
        _, db, G = self.rates(sign * np.exp(w), b)
        return 2 * sign * G, db, 0.0

    def log_jacobian(self, _, y):
        w, b, sign = y
        u = sign * np.exp(w) or sign * np.finfo(float).tiny
        J, G = np.add(*self.jacobian(u, b)), self.rates(u, b)[2]
        return np.array([[J[0, 0] - 2 * sign * G, J[0, 1] / u, 0.0], [J[1, 0] * u, J[1, 1], 0.0], [0.0, 0.0, 0.0]])

    def complex_rates(self, _, y):
        u, b = np.ascontiguousarray(y[:4]).view(complex)
        du, db, G = self.rates(u, b)
        turn = 2 * (u.conjugate() * G).imag / (np.hypot(self.v, 2 * abs(u)) + abs(self.v))
        return np.append(np.array([du, db]).view(float), turn)

    def complex_jacobian(self, _, y):
        plain, conjugate = self.jacobian(*np.ascontiguousarray(y[:4]).view(complex))
        # The phase feeds back on nothing, so that its row may stay empty: this only steers the solver's iteration.
        J = np.zeros((5, 5))
        J[0:4:2, 0:4:2], J[0:4:2, 1:4:2] = (plain + conjugate).real, (conjugate - plain).imag
        J[1:4:2, 0:4:2], J[1:4:2, 1:4:2] = (plain + conjugate).imag, (plain - conjugate).real
        return J


def _integrate(rates, jacobian, start, atol, times):
    """The solution at `times`; NaN if no solver reaches the end."""
    moments, where = np.unique(times, return_inverse=True)
    for method, budget in METHODS:
        evaluations = iter(range(budget))

        def counted(t, y, evaluations=evaluations):
            if next(evaluations, None) is None:
                raise _GaveUp
            return rates(t, y)

        options = {"jac": jacobian, "rtol": RTOL, "atol": atol}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                solution = solve_ivp(counted, (0.0, moments[-1]), start, method, moments, **options)
        except (_GaveUp, ValueError, np.linalg.LinAlgError):
            continue
        if solution.success and np.isfinite(solution.y).all():
            return solution.y[:, where]
    return np.full((len(start), len(times)), np.nan)
