"""Around an aligned network: how the loss curves in all weights, and which of its couplings grow.

The second-order change of the loss falls apart into the three modes of each dimension, the
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

from lrnn_helpers import modes


class Escape(NamedTuple):
    """When a landing, on which one mode a dimension ends, is left. N dimensions; steps of `Diagnosis.learning_rate`.

    Attributes
    ----------
    rate : numpy.ndarray, (N,)
        Growth per unit of time (steps times learning rate) of the fastest coupling of a spare hidden unit to this
        dimension, at its end; 0 where there is no spare unit or nothing is left to gain.
    step : numpy.ndarray, (N,)
        The step by which spare units are predicted to have gained half of what the landing leaves; inf for never, NaN
        where the modes of a dimension stay near 0: such a start is left by recurrent weights of all units, sooner than
        a growth that is linear around it says.
    shared_rate, shared_step : numpy.ndarray, (N, N)
        The same of couplings between the units of two dimensions, each of which is a spare unit of the other, above all
        while it is not learned. Symmetric, 0 and inf on the diagonal. A rougher number: from about this step on the
        two no longer follow their modes, which need not lower the loss by as much. The step may be finite with a rate
        of 0, where a landing on the way is left and the end is not.
    """

    rate: np.ndarray
    step: np.ndarray
    shared_rate: np.ndarray
    shared_step: np.ndarray

    @property
    def first(self) -> float:
        """The first of all these steps, inf if there is none."""
        steps = np.append(self.step, self.shared_step)
        return float(np.min(steps, initial=np.inf, where=~np.isnan(steps)))


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


def residuals(m, w, C):
    """The correlations e of residual and input that are left, by lag, (..., N, T)."""
    with np.errstate(all="ignore"):
        answers = np.asarray(m.u)[..., None] * np.asarray(m.b)[..., None] ** np.arange(w.shape[-1])[::-1]
        return np.einsum("...tu,...u->...t", C, w - answers)[..., ::-1]


def _powers(b, T):
    return np.asarray(b)[..., None] ** np.arange(T)


def _between(p, q):
    """The product of two power series, one lag later: P_k of the module's first lines."""
    out = np.zeros(np.broadcast_shapes(p.shape, q.shape))
    for k in range(1, out.shape[-1]):
        out[..., k] = np.sum(p[..., :k] * q[..., k - 1 :: -1], axis=-1)
    return out


def _there_and_back(a, b, c, other, e):
    """The forms of (y, h) and (x, h'), (..., 2, 2): minus what ways over a unit with b = `other` change, times e."""
    p, q = _powers(b, e.shape[-1]), _powers(other, e.shape[-1])
    P = _between(p, q)
    one, two, three = (np.sum(e * z, axis=-1) for z in (q, P, _between(P, p)))
    return -np.stack([np.stack([one, a * two], axis=-1), np.stack([c * two, a * c * three], axis=-1)], axis=-2)


def spare(m, e, n):
    """The Hessian of the couplings y, h, x, h' of a spare unit to dimension n, (..., 4, 4)."""
    a, b, c = (np.asarray(z)[..., n] for z in m)
    H = np.zeros((*a.shape, 4, 4))
    H[..., :2, 2:] = form = _there_and_back(a, b, c, np.zeros_like(b), e[..., n, :])
    H[..., 2:, :2] = form.mT
    return H


def pair(m, e, C, i, j):
    """The Hessian of the couplings of two dimensions, (..., 6, 6): y, h, x into i from j, then into j from i."""
    a, b, c = (np.asarray(z) for z in m)
    H = np.zeros((*a.shape[:-1], 6, 6))
    for n, o, into, back in ((i, j, 0, 3), (j, i, 3, 0)):
        p, q = _powers(b[..., n], e.shape[-1]), _powers(b[..., o], e.shape[-1])
        an, bn, cn, ao = (z[..., k, None] for z, k in ((a, n), (b, n), (c, n), (a, o)))
        g = np.stack([ao * q, cn * ao * _between(p, q), cn * p], axis=-2)
        H[..., into : into + 3, into : into + 3] += g @ C[o][::-1, ::-1] @ g.mT
        # In by y and h of these three, and back by x and h of the other three.
        form = _there_and_back(an[..., 0], bn[..., 0], cn[..., 0], b[..., o], e[..., n, :])
        for row in (0, 1):
            for column, k in ((2, 0), (1, 1)):
                H[..., into + row, back + column] += form[..., row, k]
                H[..., back + column, into + row] += form[..., row, k]
    return H


def sharpest(data, end, x):
    """The largest curvature at the end over all weights; never negative."""
    w, C = data.w, data.inputs
    (N, T), e = w.shape, residuals(end, w, C)
    largest = np.max(modes.sharpness(end, w, inputs=C), initial=0.0)
    for i in range(N):
        for j in range(i):
            largest = max(largest, np.linalg.eigvalsh(pair(end, e, C, i, j))[-1])
    # Outputs that are no dimension's, and inputs that are none.
    p = _powers(end.b, T)
    if data.U.shape[0] > N:
        seen = np.einsum("nk,nkl,nl->n", p, C[:, ::-1, ::-1], p)
        largest = max(largest, np.max(np.asarray(end.a) ** 2 * seen))
    if data.V.shape[0] > N:
        rest = x[:, ::-1] - x[:, ::-1] @ data.V @ data.V.T
        for power, c in zip(p, end.c, strict=True):
            z = np.einsum("k,pkx->px", power, rest)
            largest = max(largest, c**2 * np.linalg.eigvalsh(z.T @ z)[-1])
    return np.float64(largest)


class Couplings:
    """What of the start is no mode: couplings of spare units to each dimension, and of dimensions to each other."""

    def __init__(self, data, weights, R, end, end_gain, left, least, rate):
        self.data, self.end, self.end_gain, self.left, self.rate = data, end, end_gain, left, rate
        self.least = least  # what counts as something to gain
        Wx, Wh, Wy = weights
        rest = np.linalg.qr(R, mode="complete")[0][:, R.shape[1] :]
        # (4, units, N), in the order of `spare`.
        self.of_spare = np.stack([(data.U.T @ Wy @ rest).T, (R.T @ Wh @ rest).T, rest.T @ Wx @ data.V, rest.T @ Wh @ R])
        self.between = np.stack([data.U.T @ Wy @ R, R.T @ Wh @ R, R.T @ Wx @ data.V])  # (3, into, from)

    def escape(self, steps, path, gain):
        """The Escape, from the way of the modes at these steps."""
        with np.errstate(all="ignore"):  # modes that have left the floats
            return self._escape(steps, path, gain)

    def _escape(self, steps, path, gain):
        data, N = self.data, len(self.left)
        rate, step = np.zeros(N), np.full(N, np.inf)
        shared_rate, shared_step = np.zeros((N, N)), np.full((N, N), np.inf)
        e, at_end = (residuals(m, data.w, data.inputs) for m in (path, self.end))
        rest = self.left + self.end_gain - gain
        for n in range(N if self.of_spare.shape[1] else 0):
            M = (-spare(m, r, n) for m, r in ((self.end, at_end), (path, e)))
            rate[n], step[n] = self._leaves([n], *M, self.of_spare[..., n], steps, self._to_gain(rest, [n]), True)
        for i in range(N):
            for j in range(i):
                start = np.concatenate([self.between[:, i, j], self.between[:, j, i]])[:, None]
                M = (-pair(m, r, data.inputs, i, j) for m, r in ((self.end, at_end), (path, e)))
                # The unit of a dimension that is not learned yet is a spare unit of one that is, until it is.
                found = self._leaves([i, j], *M, start, steps, self._to_gain(rest, [i, j]), False)
                shared_rate[[i, j], [j, i]], shared_step[[i, j], [j, i]] = np.transpose([found, found])
        return Escape(rate, step, shared_rate, shared_step)

    def _to_gain(self, rest, dimensions):
        """What the dimension that is nearest to its end has still to gain, there and beyond; None if nothing beyond."""
        some = [n for n in dimensions if self.left[n] > self.least]
        return np.min(rest[:, some], axis=1) if some else None

    def _leaves(self, dimensions, end, M, z, steps, rest, settled):
        """Rate and step for z (couplings, units) that grow by M (R, couplings, couplings), at last by `end`.

        They have left once they gain half of the `rest`, (R,), that there is to gain; what they gain is judged by `end`
        where that is where the landing is, and else by M as it is on the way.
        """
        value, vector = np.linalg.eigh(end)
        pull = value[-1] if value[-1] > 1e-9 * np.abs(value).max() else 0.0
        if rest is None or (settled and not pull):
            return 0.0, np.inf
        # Beside modes that are hardly there such couplings are not small, and no linear growth says when.
        if np.max(self.end_gain[dimensions]) <= self.least or not np.isfinite(M).all():
            return pull, np.nan if pull else np.inf
        lasting = np.maximum(value, 0.0), vector
        value, vector = np.linalg.eigh((M[1:] + M[:-1]) / 2)
        grown = np.abs(1 + self.rate * value) ** (steps[1] - steps[0])
        share = np.zeros(len(steps))
        for r in range(len(value)):
            z = vector[r] @ (grown[r][:, None] * (vector[r].T @ z))
            gains, directions = lasting if settled else (np.maximum(value[r], 0.0), vector[r])
            share[r + 1] = np.sum(gains @ (directions.T @ z) ** 2) / rest[r + 1]
            if not share[r + 1] < 1e3:
                share[r + 1 :] = 1e3
                break
        # From when on it is gained for good: while a dimension lands, couplings may first grow and then decay.
        short = np.flatnonzero(share < 1)[-1]
        when = crossing(steps[short:], share[short:], 1.0)
        if np.isinf(when) and share[-1] > 0 and pull:
            when = steps[-1] - np.log(share[-1]) / (2 * np.log1p(self.rate * pull))
        return pull, when
