"""The prediction itself: the modes' way from the start, their end, its curvature, and what spare units do there.

All sums run over samples. E is tau E of `modes`, with the covariance C of a dimension's inputs and its weights w.

Around an aligned network the second-order change of the loss falls apart: into the three modes of each dimension, the
six couplings of each pair of dimensions α ≠ β (x from pattern β to unit α, h from unit β to unit α, y from unit β to
output α, and back), the four couplings of a spare unit to each dimension, and directions of the data in which there is
no dimension. A change of one coupling changes the answer to pattern β along output α,

    g_k = c_α b_α^k x + c_α a_β P_k h + a_β b_β^k y,    P_k = sum of b_α^i b_β^j over i + j = k - 1,

and costs ½ gᵀ C_β g; and a way there and back, α to β to α, changes the answer of dimension α to its own pattern by the
bilinear form

    (y_αβ, c_α h_αβ) [[b_β^k, P_k], [P_k, Q_k]] (x_βα, a_α h_βα),    Q_k = sum of b_α^i b_β^j b_α^l, i + j + l = k - 2,

which costs minus its product with e = C_α r_α, by lag: what correlation of residual and input is left. A spare unit is
a β that has b_β = 0, no pattern and no output.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lrnn_helpers import modes, network
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights

RECORDS, MOST_STEPS = 400, 100_000
# Gradient flow is followed until this many times the time of the fastest growth.
SPAN = 1e5
SHARE = 0.1  # of the largest stable rate, where none is given
LEARNED = 1e-3  # of the loss of answering nothing: what counts as something to learn
LANDED = 0.9  # of its gain: a dimension that has this much is at its landing


class Path(NamedTuple):
    """What `Diagnosis` says of learning, in sums over samples."""

    learning_rate: float
    steps: np.ndarray
    modes: Modes
    gain: np.ndarray
    half: np.ndarray
    end: Modes
    end_gain: np.ndarray
    learned: np.ndarray
    escape_rate: np.ndarray
    escape_step: np.ndarray
    stable_rate: float
    mode_rates: np.ndarray
    cut: bool


def predict(data, weights, start, best, energy, nothing, learning_rate, x):
    """Follow each dimension from its start."""
    w, C = data.w, data.inputs
    first, R = _first_come(data, weights, start, best)
    end, needed = _ends(first, w, C, best, energy)
    end_gain = energy - modes.energy(end, w, inputs=C)
    mode_rates, sharpest = modes.stable_rate(end, w, inputs=C), _sharpest(data, end, x)
    rate = learning_rate
    if rate is None:
        # A landing may be flat where what lies beyond it is not; the best modes are nearer to that.
        side = np.sqrt(np.abs(best.u))
        top = Modes(side, best.b, np.copysign(side, best.u))
        reached = np.isfinite(best.u) & np.isfinite(best.b)
        sharper = max(sharpest, np.max(modes.sharpness(top, w, inputs=C), initial=0.0, where=reached))
        rate = SHARE * 2 / sharper if sharper > 0 else 1.0
    learned = end_gain > LEARNED * nothing
    wanted = max(100, 1.5 * np.max(needed[energy > LEARNED * nothing], initial=0.0) / rate)
    steps, path, gain = _follow(first, w, C, energy, rate, wanted)
    spare = _Spare(data, weights, R, end, energy - end_gain, rate, nothing)
    escape_rate, escape_step = spare.escape(steps, path, gain, end_gain)
    leaves = 1.3 * np.min(escape_step, initial=np.inf, where=escape_step == escape_step)
    if wanted < leaves <= MOST_STEPS:
        steps, path, gain = _follow(first, w, C, energy, rate, leaves)
        escape_rate, escape_step = spare.escape(steps, path, gain, end_gain)
    half = _halves(steps, path, gain, end_gain, rate, w, C)
    with np.errstate(divide="ignore"):
        stable = 2 / sharpest
    return Path(
        rate, steps, path, gain, half, end, end_gain, learned, escape_rate, escape_step, stable, mode_rates,
        wanted > MOST_STEPS,
    )  # fmt: skip


def _first_come(data, weights, start, best):
    """The modes that weights start from and their R, the dimensions that are learned first having the first say.

    `network.effective_modes` treats all columns of W_x V + W_yᵀ U alike. They grow as exp(s_T t), each at its own pace,
    and the hidden units turn to the columns as they are when the first of them is learned.
    """
    U, V, pace = data.U, data.V, data.s[:, -1]
    with np.errstate(all="ignore"):
        size = np.abs(start.modes.a + start.modes.c) / 2
        until = np.log(np.sqrt(np.abs(best.u)) / size) / pace
    until = np.min(until[np.isfinite(until) & (until > 0)], initial=np.inf)
    if not np.isfinite(until):
        return start.modes, start.R
    grown = np.exp(np.maximum((pace - pace.max()) * until, -20.0))
    then = Weights(weights.Wx @ (V * grown) @ V.T, weights.Wh, (U * grown) @ U.T @ weights.Wy)
    R = network.effective_modes(then, U, V).R
    return network.recover_modes(weights, U, R, V), R


def _halves(steps, path, gain, end_gain, rate, w, C):
    """The step at which each dimension has half of its gain, looked up at every step between two records."""
    out = np.full(len(w), np.inf)
    for n, (g, level) in enumerate(zip(gain.T, end_gain / 2, strict=True)):
        k = int(np.argmax(g >= level)) if level > 0 else 0
        if k == 0:
            continue
        every = int(steps[k] - steps[k - 1])
        before = Modes(*(m[k - 1, n] for m in path))
        fine = modes.descend(before, w[n], rate, every, record_every=1, inputs=C[n])
        nothing = modes.energy(Modes(0.0, 0.0, 0.0), w[n], inputs=C[n])
        out[n] = crossing(steps[k - 1] + np.arange(every + 1), nothing - modes.energy(fine, w[n], inputs=C[n]), level)
    return out


def crossing(steps, values, level):
    """The step at which values first reach a level, between records on a straight line; inf if they do not."""
    with np.errstate(invalid="ignore"):
        above = np.asarray(values) >= level
    if not above.any():
        return np.inf
    k = int(np.argmax(above))
    if k == 0:
        return float(steps[0])
    before, after = values[k - 1], values[k]
    return float(steps[k - 1] + (steps[k] - steps[k - 1]) * (level - before) / (after - before))


def _follow(start, w, C, energy, rate, wanted):
    """Descent in at most so many steps, in `RECORDS` records."""
    every = max(1, int(np.ceil(min(wanted, MOST_STEPS) / RECORDS)))
    count = every * int(np.ceil(min(wanted, MOST_STEPS) / every))
    path = modes.descend(start, w, rate, count, record_every=every, inputs=C)
    return np.arange(0, count + 1, every), path, energy - modes.energy(path, w, inputs=C)


def _ends(start, w, C, best, energy):
    """Where gradient flow tends to, and the time in which 99 % of the gain is there."""
    s = np.einsum("ntu,nu->nt", C, w)
    unit = 1 / np.maximum(np.abs(s).max(axis=1), np.finfo(float).tiny)
    times = np.concatenate([[0.0], np.geomspace(1e-2, SPAN, 400)])
    path = modes.flow(start, w, times, tau=1 / unit, inputs=C)
    gain = energy - modes.energy(path, w, inputs=C)
    needed = np.array([crossing(times, g, 0.99 * g[-1]) for g in gain.T]) * unit
    last = Modes(*(m[-1] for m in path))
    u, b = _rest(last.u, last.b, w, C, best, energy - gain[-1], energy)
    # a² - c² stays along the flow, and with u and the sign of a it gives both.
    difference = np.asarray(start.a) ** 2 - np.asarray(start.c) ** 2
    a = np.sqrt((difference + np.sqrt(difference**2 + 4 * u**2)) / 2)
    c = np.sqrt((-difference + np.sqrt(difference**2 + 4 * u**2)) / 2)
    a = np.copysign(a, last.a)
    return Modes(a, b, np.copysign(c, u * a)), needed


def _rest(u, b, w, C, best, energy, whole):
    """The rest point next to the end of a flow: the best modes, if it came near them, else by Newton's method."""
    u, b = u.copy(), b.copy()
    for n in range(len(u)):
        near = energy[n] - best.energy[n] <= 1e-6 * whole[n] and np.isfinite(best.b[n]) and np.isfinite(best.u[n])
        if near and abs(best.b[n] - b[n]) <= 1e-2 * (1 + abs(b[n])):
            u[n], b[n] = best.u[n], best.b[n]
            continue
        point = np.array([b[n], u[n]])
        for _ in range(50):
            m = Modes(1.0, *point)
            slope = modes.velocity(m, w[n], inputs=C[n])
            bend = modes.hessian(m, w[n], inputs=C[n])[1:, 1:]
            step = np.linalg.lstsq(bend, np.array([slope.b, slope.c]), rcond=1e-12)[0]
            point = point + step
            if not np.isfinite(point).all() or np.abs(step).max() <= 1e-15 * np.abs(point).max():
                break
        moved = np.abs(point - [b[n], u[n]]).max()
        if moved <= 1e-2 * (1 + abs(b[n])) and modes.energy(Modes(1.0, *point), w[n], inputs=C[n]) <= energy[n]:
            b[n], u[n] = point
    return u, b


# ---- the curvature of the loss at an aligned network


def _powers(b, T):
    return b ** np.arange(T)


def _between(p, q):
    """P_k of the module's first lines from two sequences of powers: their product, one lag later."""
    return np.concatenate([[0.0], np.convolve(p, q)[: len(p) - 1]])


def _there_and_back(a, c, b, other, e):
    """The bilinear form of (y, h) and (x, h'): minus what the ways over a unit with b = `other` change times e."""
    p, q = _powers(b, len(e)), _powers(other, len(e))
    P = _between(p, q)
    Q = _between(P, p)
    return -np.array([[e @ q, a * (e @ P)], [c * (e @ P), a * c * (e @ Q)]])


def residuals(m, w, C):
    """e by lag, what correlation of residual and input is left, (..., T)."""
    with np.errstate(all="ignore"):
        answers = np.asarray(m.u)[..., None] * np.asarray(m.b)[..., None] ** np.arange(w.shape[-1])[::-1]
        return np.einsum("...tu,...u->...t", C, w - answers)[..., ::-1]


def pair(m, e, C, i, j):
    """The Hessian of the six couplings of two dimensions, in the order x, h, y into i and x, h, y into j."""
    H = np.zeros((6, 6))
    for at, (n, o) in ((0, (i, j)), (3, (j, i))):
        p, q = _powers(m.b[n], e.shape[1]), _powers(m.b[o], e.shape[1])
        g = np.stack([m.c[n] * p, m.c[n] * m.a[o] * _between(p, q), m.a[o] * q])
        H[at : at + 3, at : at + 3] += g @ C[o][::-1, ::-1] @ g.T
    for n, o, into, back in ((i, j, 0, 3), (j, i, 3, 0)):
        form = _there_and_back(m.a[n], m.c[n], m.b[n], m.b[o], e[n])
        # (y, h) lead from unit o into n, (x, h') from n to o.
        for row, k in ((2, 0), (1, 1)):
            for col in (0, 1):
                H[into + row, back + col] += form[k, col]
                H[back + col, into + row] += form[k, col]
    return H


def _sharpest(data, end, x):
    """The largest curvature at the end over all weights; never negative."""
    e = residuals(end, data.w, data.inputs)
    largest = np.max(modes.sharpness(end, data.w, inputs=data.inputs), initial=0.0)
    N = len(e)
    for i in range(N):
        for j in range(i):
            largest = max(largest, np.linalg.eigvalsh(pair(end, e, data.inputs, i, j))[-1])
    # Outputs that are no dimension's, and inputs that are none.
    T = e.shape[1]
    p = np.stack([_powers(b, T) for b in end.b])
    if data.U.shape[0] > N:
        seen = np.einsum("nk,nkl,nl->n", p, data.inputs[:, ::-1, ::-1], p)
        largest = max(largest, np.max(np.asarray(end.a) ** 2 * seen))
    if data.V.shape[0] > N:
        rest = x[:, ::-1] - x[:, ::-1] @ data.V @ data.V.T
        for power, c in zip(p, end.c, strict=True):
            z = np.einsum("k,pkx->px", power, rest)
            largest = max(largest, c**2 * np.linalg.eigvalsh(z.T @ z)[-1])
    return np.float64(largest)


class _Spare:
    """Units that have no dimension, and their couplings z = (x, y, p, q) to each: input, output, from it, to it."""

    def __init__(self, data, weights, R, end, left, rate, nothing):
        self.data, self.end, self.rate = data, end, rate
        self.left = left  # what the landing leaves of each dimension
        self.least = LEARNED * nothing
        self.something = left > self.least
        rest = np.linalg.qr(R, mode="complete")[0][:, R.shape[1] :]
        Wx, Wh, Wy = weights
        self.z = np.stack(
            [rest.T @ Wx @ data.V, (data.U.T @ Wy @ rest).T, rest.T @ Wh @ R, (R.T @ Wh @ rest).T]
        )  # (4, spare units, N)

    def growth(self, m):
        """Minus the Hessian in (x, y, p, q), (..., 4, 4); modes (..., N)."""
        e = residuals(m, self.data.w, self.data.inputs)
        T, b = e.shape[-1], np.asarray(m.b)[..., None]
        k = np.arange(T)
        e0, E1 = e[..., 0], (e[..., 1:] * b ** k[: T - 1]).sum(axis=-1)
        E2 = (e[..., 2:] * k[1 : T - 1] * b ** k[: max(T - 2, 0)]).sum(axis=-1)
        M = np.zeros((*e0.shape, 4, 4))
        for i, j, value in ((0, 1, e0), (0, 2, m.c * E1), (1, 3, m.a * E1), (2, 3, m.a * m.c * E2)):
            M[..., i, j] = M[..., j, i] = value
        return M

    def escape(self, steps, path, gain, end_gain):
        """The growth rate at the end, and the step by which half of what the landing leaves is gained."""
        N = len(self.left)
        rates, when = np.zeros(N), np.full(N, np.inf)
        if not self.z.shape[1]:
            return rates, when
        values, vectors = np.linalg.eigh(self.growth(self.end))
        rates = np.where(self.something, np.maximum(values[:, -1], 0.0), 0.0)
        # Beside a mode that is hardly there the spare couplings are not small, and no linear growth says when.
        when[(rates > 0) & (end_gain <= self.least)] = np.nan
        M = self.growth(path)
        if not np.isfinite(M).all():
            return rates, when
        every = steps[1] - steps[0]
        landed = [np.searchsorted(steps, crossing(steps, g, LANDED * f)) for g, f in zip(gain.T, end_gain, strict=True)]
        between = (M[1:] + M[:-1]) / 2
        value, vector = np.linalg.eigh(between)
        grown = np.abs(1 + self.rate * value) ** every
        for n in np.flatnonzero((rates > 0) & np.isinf(when)):
            # What grows at the end, and is not yet on its way down while the dimension itself is being learned.
            z, aim, direction, pull = self.z[..., n], self.left[n] / 2, vectors[n, :, -1], values[n, -1]
            gains = np.zeros(len(steps))
            for r in range(len(between)):
                z = vector[r, n] @ (grown[r, n][:, None] * (vector[r, n].T @ z))
                gains[r + 1] = 0.5 * pull * np.sum((direction @ z) ** 2) if r + 1 >= landed[n] else 0.0
                if not gains[r + 1] < 1e3 * aim:
                    gains[r + 1 :] = np.inf
                    break
            when[n] = crossing(steps, np.minimum(gains, 1e3 * aim), aim)
            if np.isinf(when[n]) and gains[-1] > 0:
                when[n] = steps[-1] + np.log(aim / gains[-1]) / (2 * np.log1p(self.rate * pull))
        return rates, when
