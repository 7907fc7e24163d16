"""One dimension's gradient flow, solved; `modes.flow` is the door to it.

By (5) and (7), or (182) and (184), v = |a|^2 - |c|^2 keeps its value, so the flow of (a, b, c) is one of u = ac and b:

    u' = N G,    b' = conj(u) H,    N = |a|^2 + |c|^2 = sqrt(v^2 + 4|u|^2),

G and H being the sums of (5) and (6) without c and ca. What remains is a phase, of whichever of a and c is larger:
its rate is Im(conj(u) G) over its squared size. Solved this way, v is exact, nothing drifts along the hyperbola of
minima ac = const, and a mode that starts or ends very small keeps its relative accuracy. Where u cannot pass through
zero, or hardly ever does (v = 0; complex modes), the solver sees its logarithm.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
from scipy.integrate import LSODA, Radau

RTOL = 1e-12
# Below this part of its start a real variable may be taken for zero.
FLOOR = 1e-40
# A solver weighs the two parts of a complex number one by one, and what one part may be off must follow the size of
# both: the solver starts anew when a size has grown or fallen by these factors. Sizes below the third part of |v|, or
# of the first b, count as that part, since u and b may pass through zero.
GROWS, FALLS, SMALL = 1e1, 1e-2, 1e-9
# LSODA nearly always needs a few thousand evaluations; where it does not see that it should turn stiff, Radau does.
METHODS = ((LSODA, 50_000), (Radau, 50_000))


def solve(a0, b0, c0, d, n, times):
    """(a, b, c) at `times` / tau, (3, n); NaN if no solver reaches the end."""
    start = np.array([a0, b0, c0])
    if not times[-1] or a0 * c0 == 0 == abs(a0) - abs(c0):
        return np.repeat(start[:, None], len(times), axis=1)
    v = (abs(a0) - abs(c0)) * (abs(a0) + abs(c0))
    if np.isrealobj(start):
        solver = _real if v else _balanced
    elif not any(x.imag.any() for x in (start, d, n)):
        return solve(a0.real, b0.real, c0.real, d.real, n.real, times)
    else:
        solver = _complex
    out = np.array(solver(_System(v, d, n), a0, b0, c0, times))
    out[:, times == 0] = start[:, None]
    return out


def _real(system, a0, b0, c0, times):
    state = np.array([a0 * c0, b0])
    atol = np.maximum(FLOOR * np.array([abs(a0 * c0) or abs(system.v), system.scale_of_b(b0)]), np.finfo(float).tiny)
    u, b = _integrate(system.real_rates, system.real_jacobian, state, times, lambda y: (1.0, atol))
    return _modes(system.v, u, b, np.sign(a0 if system.v >= 0 else c0))


def _balanced(system, a0, b0, c0, times):
    """|a| = |c| for all time, so that u keeps its sign: its logarithm is solved for, which cannot cross zero."""
    state = np.array([np.log(abs(a0 * c0)), b0, np.sign(a0 * c0)])
    atol = [RTOL, max(FLOOR * system.scale_of_b(b0), np.finfo(float).tiny), 1.0]
    w, b, sign = _integrate(system.log_rates, system.log_jacobian, state, times, lambda y: (1.0, atol))
    a = np.sign(a0) * np.exp(w / 2)
    return a, b, sign * a


def _complex(system, a0, b0, c0, times):
    """By the logarithm of u, which has the right accuracy at every size; by u itself where that fails, at u = 0."""
    v, u0 = system.v, a0 * c0
    smallest = np.maximum(SMALL * np.array([abs(v), system.scale_of_b(b0)]), np.finfo(float).tiny)

    def tolerance(logarithmic, y):
        size = np.maximum(np.abs(_pair(y)), smallest)
        if logarithmic:
            size[0] = 1.0
        return size, RTOL * np.append(np.repeat(size, 2), 1.0)

    for logarithmic in (True, False) if u0 else (False,):
        state = np.append(np.array([np.log(u0) if logarithmic else u0, b0]).view(float), np.angle(a0 if v >= 0 else c0))
        system_seen = (partial(f, logarithmic) for f in (system.complex_rates, system.complex_jacobian))
        methods = METHODS[:1] if logarithmic else METHODS
        y = _integrate(*system_seen, state, times, partial(tolerance, logarithmic), methods)
        if np.isfinite(y).all():
            break
    u = y[0] + 1j * y[1]
    return _modes(v, np.exp(u) if logarithmic else u, y[2] + 1j * y[3], np.exp(1j * y[4]))


def _pair(y):
    return np.ascontiguousarray(y[:4]).view(complex)


def _modes(v, u, b, direction):
    """The modes of product u, conserved v, and the direction (sign, phase) of the larger of a and c."""
    larger = direction * np.sqrt((np.hypot(v, 2 * np.abs(u)) + abs(v)) / 2)
    return (larger, b, u / larger) if v >= 0 else (u / larger, b, larger)


class _System:
    """The flow of (u, b) at a conserved `v`, from `d` and `n`, the numbers of each lag or a matrix."""

    def __init__(self, v, d, n):
        self.v, self.d, self.n, self.k = v, d, np.asarray(n), np.arange(len(d))
        self.size = np.abs(d)

    def weigh(self, x):
        return self.n * x if self.n.ndim == 1 else self.n @ x

    def scale_of_b(self, b0):
        """The size that b starts from: its own, but 1 where it is next to nothing and the data move it from there."""
        return 1.0 if not b0 or (abs(b0) < FLOOR and self.size[1:2].any()) else abs(b0)

    def rates(self, u, b):
        """u', b' and G."""
        power = b**self.k
        slopes = self.k[1:] * power[:-1]
        answers = u * power
        model = self.weigh(answers)
        residual = self.d - model
        G, H = power.conj() @ residual, slopes.conj() @ residual[1:]
        # At rest the sums are rounding errors, which a solver would follow in tiny steps for all time to come.
        model = model if self.n.ndim == 1 else np.abs(self.n) @ np.abs(answers)
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
        residual = self.d - self.weigh(u * power)
        N, G = np.hypot(self.v, 2 * abs(u)), power.conj() @ residual
        seen, moved = self.weigh(power), self.weigh(first)
        plain = [
            [2 * u.conjugate() / N * G - N * (power.conj() @ seen), -N * u * (power.conj() @ moved)],
            [-u.conjugate() * (first.conj() @ seen), -u.conjugate() * u * (first.conj() @ moved)],
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

    def complex_rates(self, logarithmic, _, y):
        u, b = _pair(y)
        u = np.exp(u) if logarithmic else u
        du, db, G = self.rates(u, b)
        turn = 2 * (u.conjugate() * G).imag / (np.hypot(self.v, 2 * abs(u)) + abs(self.v))
        return np.append(np.array([du / u if logarithmic else du, db]).view(float), turn)

    def complex_jacobian(self, logarithmic, _, y):
        u, b = _pair(y)
        u = np.exp(u) if logarithmic else u
        plain, conjugate = self.jacobian(u, b)
        if logarithmic:
            plain = plain * [[1, 1 / u], [u, 1]] - np.diag([self.rates(u, b)[0] / u, 0])
            conjugate = conjugate * [[u.conjugate() / u, 1 / u], [u.conjugate(), 1]]
        # The phase feeds back on nothing, so that its row may stay empty: this only steers the solver's iteration.
        J = np.zeros((5, 5))
        J[0:4:2, 0:4:2], J[0:4:2, 1:4:2] = (plain + conjugate).real, (conjugate - plain).imag
        J[1:4:2, 0:4:2], J[1:4:2, 1:4:2] = (plain + conjugate).imag, (plain - conjugate).real
        return J


def _integrate(rates, jacobian, start, times, tolerance, methods=None):
    """The solution at `times`; NaN if no solver reaches the end."""
    moments, where = np.unique(times, return_inverse=True)
    for method, budget in methods or METHODS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            solution = _march(method, budget, rates, jacobian, start, moments, tolerance)
        if solution is not None:
            return solution[:, where]
    return np.full((len(start), len(times)), np.nan)


def _march(method, budget, rates, jacobian, start, moments, tolerance):
    """The solution at `moments`, or None where `method` fails, leaves the floats or needs more than its budget."""
    t, y, spent, out = 0.0, start, 0, np.full((len(start), len(moments)), start[:, None])
    while t < moments[-1]:
        size, atol = tolerance(y)
        solver = method(rates, t, y, moments[-1], rtol=RTOL, atol=atol, jac=jacobian)
        while solver.status == "running":
            try:
                solver.step()
            except (ValueError, np.linalg.LinAlgError):  # a matrix of the implicit step holds NaN or has no inverse
                return None
            if solver.status == "failed" or spent + solver.nfev > budget or not np.isfinite(solver.y).all():
                return None
            passed = (moments > solver.t_old) & (moments <= solver.t)
            if passed.any():
                out[:, passed] = solver.dense_output()(moments[passed])
            change = tolerance(solver.y)[0] / size
            if np.max(change) > GROWS or np.min(change) < FALLS:
                break
        t, y, spent = solver.t, solver.y, spent + solver.nfev
    return out
