"""Joint singular vectors: Jacobi rotations that bring all correlations and all input covariances as near to diagonal
matrices as one U and one V can.

Each matrix is counted in units of the sampling noise of its entries, which is the same for all of them once inputs and
targets have variance one. A set of matrices has as little off its diagonals as any orthonormal mixture of the set, so
that as many matrices will do as there are entries, however many lags there are.
"""

from __future__ import annotations

import numpy as np

SWEEPS, STARTS = 100, 4


def joint_vectors(correlations, covariance, size):
    """U (N_y, N_y) and V (N_x, N_x) for correlations (T, N_y, N_x) and the covariance (T, T, N_x, N_x) of the inputs.

    `size` is that of a target by that of an input, so that one unit of noise is the same in both.

    The first min(N_y, N_x) columns pair up. Of several starts, by fixed random mixtures of lags, the best end is taken:
    the search is local, and of Jacobi's kind, in which each plane is turned by its own best angle.
    """
    T, N_y, N_x = correlations.shape
    N = min(N_y, N_x)
    early, late = np.triu_indices(T)
    pairs = covariance[early, late]
    C = _fewest((pairs + pairs.mT) / 2)
    S = _fewest(correlations) / (size or 1.0)
    largest = max(np.abs(S).max(), np.abs(C).max()) or 1.0
    S, C = S / largest, C / largest
    best = None
    for U, V in _starts(correlations, S, C):
        found = _sweep(S, C, U, V, N, 1e-3)
        if best is None or found[0] < best[0] * (1 - 1e-9):
            best = found
    return _sweep(S, C, *best[1:], N, 1e-9)[1:]


def _fewest(matrices):
    """As few matrices as carry the same sums of squares in every basis."""
    flat = matrices.reshape(len(matrices), -1)
    if len(flat) > flat.shape[1]:
        flat = np.linalg.qr(flat, mode="r")
    return flat.reshape(-1, *matrices.shape[1:]).copy()


def _starts(correlations, S, C):
    strongest = np.argmax(np.linalg.norm(correlations, axis=(1, 2)))
    rng = np.random.default_rng(0)
    mixtures = [correlations[strongest], *np.tensordot(rng.standard_normal((STARTS - 2, len(S))), S, 1)]
    for mixture in mixtures:
        U, _, Vt = np.linalg.svd(mixture)
        yield U, Vt.T
    V = np.linalg.eigh(np.tensordot(rng.standard_normal(len(C)), C, 1))[1]
    sizes = np.linalg.norm(S @ V, axis=(0, 1))
    V = V[:, np.argsort(-sizes)]
    yield np.linalg.svd(np.concatenate(list(S @ V), axis=1))[0], V


def _sweep(S, C, U, V, N, gain):
    """What stays off the diagonals at the end of rotations from U and V, and these; a sweep must gain this share."""
    U, V = U.copy(), V.copy()
    S, C = U.T @ S @ V, V.T @ C @ V
    N_y, N_x = S.shape[1:]
    rest = _off(S) + _off(C)
    for _ in range(SWEEPS):
        before = rest
        for i in range(N):
            for j in range(i + 1, N_y):
                angle = _best_angle(*_of_pair(S, i, j, N), 0.0, 0.0)
                _turn(S, 1, i, j, angle)
                _turn(U, 1, i, j, angle)
        # Directions that are in no pair need not be told apart.
        for i in range(N):
            for j in range(i + 1, N_x):
                d, m = C[:, i, i] - C[:, j, j], C[:, i, j]
                angle = _best_angle(*_of_pair(S.mT, i, j, N), np.sum(d * d - 4 * m * m) / 4, np.sum(d * m))
                _turn(S, 2, i, j, angle)
                _turn(C, 1, i, j, angle)
                _turn(C, 2, i, j, angle)
                _turn(V, 1, i, j, angle)
        rest = _off(S) + _off(C)
        # Where all can be diagonal the rest falls to rounding, each time to about its square; else it settles.
        if before - rest <= gain * rest:
            break
    return rest, U, V


def _off(M):
    """The squares off the diagonals."""
    rest = M.copy()
    index = np.arange(min(M.shape[1:]))
    rest[:, index, index] = 0.0
    return float(np.sum(rest * rest))


def _of_pair(M, i, j, N):
    """The A, B of `_best_angle` where rows i and j of matrices are turned; row j has a diagonal entry if j < N."""
    p, q = M[:, i, i], M[:, j, i]
    if j >= N:
        return np.sum(p * p - q * q) / 2, np.sum(p * q)
    r, t = M[:, i, j], M[:, j, j]
    return np.sum(p * p + t * t - q * q - r * r) / 2, np.sum(p * q - r * t)


GRID = np.linspace(-np.pi, np.pi, 32, endpoint=False)


def _best_angle(A, B, C, D):
    """Half of the φ that makes A cos φ + B sin φ + C cos 2φ + D sin 2φ largest.

    It is climbed to from the best point of a grid; where two maxima are as high as each other to a hundredth, it may be
    the lower one, and a sweep gains a little less.
    """
    size = max(abs(A), abs(B), abs(C), abs(D))
    if size == 0:
        return 0.0
    if C == D == 0:
        return np.arctan2(B, A) / 2
    values = A * np.cos(GRID) + B * np.sin(GRID) + C * np.cos(2 * GRID) + D * np.sin(2 * GRID)
    best = np.argmax(values)
    # To leave a plane as it is must not lose to rounding: angles of half a turn would go on for ever.
    phi = 0.0 if values[best] - 1e-12 * size <= A + C else GRID[best]
    for _ in range(20):
        slope = -A * np.sin(phi) + B * np.cos(phi) - 2 * C * np.sin(2 * phi) + 2 * D * np.cos(2 * phi)
        bend = -A * np.cos(phi) - B * np.sin(phi) - 4 * C * np.cos(2 * phi) - 4 * D * np.sin(2 * phi)
        step = -slope / bend if bend < -1e-9 * size else slope / (8 * size)
        if abs(slope) < 1e-15 * size:
            break
        phi += np.clip(step, -0.2, 0.2)
    return phi / 2


def _turn(M, axis, i, j, angle):
    """Turn rows (axis 1 of a stack) or columns i and j, in place; of a single matrix its columns."""
    c, s = np.cos(angle), np.sin(angle)
    M = M if M.ndim == 2 else np.moveaxis(M, axis, 2)
    first, second = M[..., i].copy(), M[..., j].copy()
    M[..., i], M[..., j] = c * first + s * second, c * second - s * first


def noise_of_products(left, right):
    """The sampling variance of Σ_p left_p right_p for all pairs of columns of (P, n) and (P, m), were samples drawn.

    A sum of P independent terms has P times their variance, and that is estimated from the terms: no bootstrap.
    """
    return np.maximum((left**2).T @ right**2 - (left.T @ right) ** 2 / len(left), 0.0)
