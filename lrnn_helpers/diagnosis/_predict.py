"""The prediction itself: the way of the modes from the start, and their end; `_around` says how steep that is.

All sums run over samples. E is tau E of `modes`, with the covariance C of a dimension's inputs and its weights w.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lrnn_helpers import modes, network
from lrnn_helpers.diagnosis import _around
from lrnn_helpers.modes import Modes
from lrnn_helpers.network import Weights

RECORDS, MOST_STEPS = 400, 100_000
# Gradient flow is followed until this many times the time of growth, in which a and c move.
SPAN = 1e5
MISSED = 0.01  # of the loss of answering nothing: by how much an end must be worse than the best modes to be another
SHARE = 0.1  # of the largest stable rate, where none is given
LEARNED = 1e-3  # of the loss of answering nothing: what counts as something to learn


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
    missed: np.ndarray
    escape: _around.Escape
    stable_rate: float
    mode_rates: np.ndarray
    cut: bool


def predict(data, weights, start, best, energy, nothing, learning_rate, x):
    """Follow each dimension from its start."""
    w, C = data.w, data.inputs
    first, R = _first_come(data, weights, start, best)
    end, needed = _ends(first, w, C, best, energy)
    end_gain = energy - modes.energy(end, w, inputs=C)
    mode_rates, sharpest = modes.stable_rate(end, w, inputs=C), _around.sharpest(data, end, x)
    missed = np.maximum(0.0, energy - end_gain - best.energy - MISSED * nothing)
    rate = learning_rate
    if rate is None:
        # A start that misses the best modes may end where it is flat, and yet leave that for where it is not.
        side = np.sqrt(np.abs(best.u))
        top = Modes(side, best.b, np.copysign(side, best.u))
        reached = np.isfinite(best.u) & np.isfinite(best.b) & (missed > 0)
        sharper = max(sharpest, np.max(modes.sharpness(top, w, inputs=C), initial=0.0, where=reached))
        rate = SHARE * 2 / sharper if sharper > 0 else 1.0
    learned = end_gain > LEARNED * nothing
    wanted = max(100, 1.5 * np.max(needed[energy > LEARNED * nothing], initial=0.0) / rate)
    steps, path, gain = _follow(first, w, C, energy, rate, wanted)
    couplings = _around.Couplings(data, weights, R, end, end_gain, energy - end_gain, LEARNED * nothing, rate)
    escape = couplings.escape(steps, path, gain)
    leaves = 1.3 * escape.first
    if wanted < leaves <= MOST_STEPS:
        steps, path, gain = _follow(first, w, C, energy, rate, leaves)
        escape = couplings.escape(steps, path, gain)
    half = _halves(steps, path, gain, end_gain, rate, w, C)
    with np.errstate(divide="ignore"):
        stable = 2 / sharpest
    return Path(
        rate, steps, path, gain, half, end, end_gain, learned, missed > 0, escape, stable, mode_rates,
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
        out[n] = _around.crossing(
            steps[k - 1] + np.arange(every + 1), nothing - modes.energy(fine, w[n], inputs=C[n]), level
        )
    return out


def _follow(start, w, C, energy, rate, wanted):
    """Descent in at most so many steps, in `RECORDS` records."""
    every = max(1, int(np.ceil(min(wanted, MOST_STEPS) / RECORDS)))
    count = every * int(np.ceil(min(wanted, MOST_STEPS) / every))
    path = modes.descend(start, w, rate, count, record_every=every, inputs=C)
    return np.arange(0, count + 1, every), path, energy - modes.energy(path, w, inputs=C)


def _ends(first, w, C, best, energy):
    """Where gradient flow tends to, and the time in which 99 % of the gain is there."""
    s = np.einsum("ntu,nu->nt", C, w)
    # By the correlations, or by the inputs where no input tells anything of a dimension.
    size = np.abs(s).max(axis=1)
    unit = 1 / np.maximum(np.where(size > 0, size, np.abs(C).max(axis=(1, 2))), np.finfo(float).tiny)
    # b moves by u times as fast as a and c do.
    slow = np.min(np.abs(best.u), initial=1.0, where=(best.u != 0) & np.isfinite(best.u))
    times = np.concatenate([[0.0], np.geomspace(1e-2, min(SPAN / slow, 1e12), 400)])
    path = modes.flow(first, w, times, tau=1 / unit, inputs=C)
    gain = energy - modes.energy(path, w, inputs=C)
    needed = np.array([_around.crossing(times, g, 0.99 * g[-1]) for g in gain.T]) * unit
    last = Modes(*(m[-1] for m in path))
    u, b = _rest(last.u, last.b, w, C, best, energy - gain[-1], energy)
    # a² - c² stays along the flow, and with u and the sign of a it gives both, the smaller by u to keep its digits.
    difference = np.asarray(first.a) ** 2 - np.asarray(first.c) ** 2
    larger = np.sqrt((np.abs(difference) + np.hypot(difference, 2 * u)) / 2)
    smaller = np.divide(np.abs(u), larger, out=np.zeros_like(u), where=larger > 0)
    a = np.copysign(np.where(difference > 0, larger, smaller), last.a)
    return Modes(a, b, np.copysign(np.where(difference > 0, smaller, larger), u * last.a)), needed


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
