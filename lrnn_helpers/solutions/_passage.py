"""Times along b' = p(b), p a real polynomial: from one point to another, and to infinity through the complex plane."""

from __future__ import annotations

import heapq

import numpy as np

from lrnn_helpers.solutions._series import EPS, at_rest, horner, shift, solve

STEP, ORDER = 0.4, 30  # a step of this part of the radius leaves an error of STEP**ORDER, about 1e-12
NODES, WEIGHTS = (0.5 * x for x in np.polynomial.legendre.leggauss(40))
NODES = NODES + 0.5


def roots(p):
    """The D roots of each polynomial, (..., D); NaN where p is not finite or has no leading term."""
    out = np.full((*p.shape[:-1], p.shape[-1] - 1), np.nan, dtype=complex)
    for row in np.ndindex(p.shape[:-1]):
        if np.isfinite(p[row]).all() and p[row][-1] != 0:
            out[row] = np.roots(p[row][::-1])
    gaps = np.abs(out[..., :, None] - out[..., None, :]) + np.diag(np.full(out.shape[-1], np.inf))
    gap = gaps.min(axis=-1, initial=np.inf)
    slope = p[..., 1:] * np.arange(1, p.shape[-1])
    for _ in range(2):
        # Newton brings the error down to that of each coefficient by itself; within a cluster it would do harm.
        step = horner(p[..., None, :], out) / horner(slope[..., None, :], out)
        out = np.where(np.abs(step) < 1e-3 * gap, out - step, out)
    return out


def _degree(p):
    """The last power with a factor; that of p where all are 0."""
    return p.shape[-1] - 1 - np.argmax(p[..., ::-1] != 0, axis=-1)


def passage(p, b0, b):
    """The time from b0 to b, by partial fractions of 1 / p; inf at a rest point, NaN past one.

    Arguments share their leading axes. Where roots lie so close that the fractions cancel, 1 / p is integrated.
    """
    tops = _degree(p)
    if (tops < p.shape[-1] - 1).any():  # the first inputs never vary: each row to its own roots
        time = np.empty(b.shape)
        tops, p = (np.broadcast_to(x, (*b.shape, *x.shape[p.ndim - 1 :])) for x in (tops, p))
        for top in np.unique(tops):
            time[tops == top] = passage(p[tops == top, : top + 1], b0[tops == top], b[tops == top])
        return time
    r, start, end = roots(p), b0[..., None], b[..., None]
    rest, here = at_rest(p[..., None, :], r.real), at_rest(p, b)
    # Around a multiple root p is zero to rounding over a stretch; a point inside it is at that rest, not past it.
    joined = here[..., None] & at_rest(p[..., None, :], (r.real + end) / 2)
    past = (rest & ~joined & ((r.real - start) * (r.real - end) < 0)).any(axis=-1)
    terms = _log_ratio(start, end, r) / _slopes(p, r)
    time, size = terms.real.sum(axis=-1), np.abs(terms).sum(axis=-1)
    nowhere = past | at_rest(p, b0)
    time = np.where(nowhere, np.nan, np.where(here, np.copysign(np.inf, (b - b0) * horner(p, b0)), time))
    time = np.where(b == b0, 0.0, time)
    wanted = np.isfinite(p).all(axis=-1) & np.isfinite(b0) & np.isfinite(b) & (b != b0) & ~nowhere & ~here
    p = np.broadcast_to(p, (*time.shape, p.shape[-1]))
    for row in map(tuple, np.argwhere(wanted & ~(EPS * size < 1e-12 * np.abs(time)))):
        time[row] = _integral(lambda x, p=p[row]: 1 / horner(p, x), b0[row], b[row])
    return time


def radius(p, b0):
    """How far the series of b(t), b(0) = b0, converges: the distance to the nearest t at which b is infinite.

    From b0 infinity is reached at as many times as there are ways around the roots of p, on different sheets. Those
    of the straight ways are tried in turn: b is followed along the segment from 0 to such a time. If it escapes
    there, the time is a singularity of b itself; if not, what lies nearest to where it came is one more to try.
    """
    if not (np.isfinite(p).all() and np.isfinite(b0)):
        return np.nan
    p = p[: _degree(p) + 1]
    if len(p) < 4 or at_rest(p, b0):
        return np.inf
    r = roots(p)
    queue = [_key(t) for t in _straight(p, b0, r)]
    heapq.heapify(queue)
    nearest, tried = np.inf, []
    while queue and queue[0][0] < nearest and len(tried) < 500:
        target = complex(*heapq.heappop(queue)[1:])
        if any(abs(target - t) <= 1e-9 * abs(t) for t in tried):
            continue
        tried.append(target)
        found, escaped = _follow(p, b0, target, r)
        if escaped and abs(found - target) <= 1e-6 * abs(target):
            nearest = min(nearest, abs(found))
        elif np.isfinite(found):
            heapq.heappush(queue, _key(found))
    # By Cauchy's bound a term of the series has about the size of b; a radius that is far too large shows at once.
    terms = np.abs(solve(nearest * shift(p, b0), 64))
    return nearest if terms.max() < 1e3 * (np.abs(r).max() + abs(b0)) else np.nan


def _key(t):
    # p and b0 are real, so singularities come in conjugate pairs and the upper half plane is enough.
    return abs(t), t.real, abs(t.imag)


def _straight(p, b0, r):
    """The times from b0 to infinity along rays, one ray between each two roots as seen from b0."""
    zero = r == 0
    if (m := zero.sum()) > 1:
        # The fractions need distinct roots, and a first guess allows to spread them on a small circle.
        size = np.abs(r[~zero]).min(initial=abs(b0))
        r = r.copy()
        r[zero] = EPS ** (0.5 / m) * size * np.exp(2j * np.pi * (np.arange(m) + 0.5) / m)
    angles = np.sort(np.angle(r - b0))
    rays = (angles + np.append(angles[1:], angles[0] + 2 * np.pi))[:, None] / 2
    # The logarithms of (b - r) meet at infinity, so each term is minus the one at b0, continued along its ray.
    turn = (np.angle(b0 - r) - rays + np.pi) % (2 * np.pi) - np.pi
    times = -((np.log(np.abs(b0 - r)) + 1j * turn) / _slopes(p, r)).sum(axis=-1)
    return times[np.isfinite(times)]


def _slopes(p, r):
    """p' at its roots, as a product over the other roots: so it belongs to these r even where they are inexact."""
    differences = r[..., :, None] - r[..., None, :] + np.eye(r.shape[-1])
    return p[..., -1:] * differences.prod(axis=-1)


def _follow(p, b0, target, r):
    """Where b escapes as t goes straight to `target`, True; or the straight escape from near there, False."""
    t, b, degree, far = 0.0, complex(b0), len(p) - 1, 1.5 * np.abs(r).max()
    for _ in range(2000):
        if abs(b) > far:
            # Beyond all roots the ways out have one time, the integral of 1 / p from b outwards, b / x with x <= 1.
            rest = horner((p * b ** np.arange(degree + 1))[::-1], NODES)
            return t + (WEIGHTS * b * NODES ** (degree - 2) / rest).sum(), True
        local = shift(p, b)
        # x' = p_0 / (1 - x / size) majorizes x' = local(x): its radius is a lower bound.
        size = (np.abs(local[0] / local[1:]) ** (1 / np.arange(1, degree + 1))).min()
        safe = size / (2 * abs(local[0]))
        if safe < 1e-10 * abs(t):
            # Where roots differ in size by orders, singularities crowd together closer than targets are known.
            return t, True
        if abs(target - t) <= safe:
            break
        step = STEP * safe * (target - t) / abs(target - t)
        t, b = t + step, b + solve(step * local, ORDER).sum()
    return t + min(_straight(p, b, r), key=abs, default=np.nan), False


def _integral(f, start, end):
    from scipy.integrate import quad  # takes a quarter of a second to load

    return quad(f, start, end, epsabs=0, epsrel=1e-13, limit=400, full_output=1)[0]


def _log_ratio(b0, b, r):
    """log((b - r) / (b0 - r)), which the straight way from b0 to b takes from 0 without a branch cut."""
    z, ratio = (b - b0) / (b0 - r), (b - r) / (b0 - r)
    close = np.abs(z) < 0.5
    size = np.where(close, 0.5 * np.log1p(2 * z.real + np.abs(z) ** 2), np.log(np.abs(ratio)))
    return size + 1j * np.where(close, np.arctan2(z.imag, 1 + z.real), np.angle(ratio))
