"""What can be said without following any learning: the best linear map, the units it asks for, the nearest powers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lrnn_helpers import solutions

ROUNDING = 1e-12  # of squares: singular values a millionth of the largest


class Bounds(NamedTuple):
    """Sums over samples."""

    floor: float  # the loss of the best linear map
    bound: float  # of the best network of so many units, from below
    hankel: np.ndarray
    units: int
    variance: np.ndarray  # (N_y, N_y), what of the targets no linear map explains, a sample


def of_linear_maps(x, y, N_h):
    """The best linear map of all inputs to y, and what a state of N_h numbers can keep of it."""
    P, T, N_x = x.shape
    flat = x[:, ::-1].reshape(P, -1)  # by lag
    G, _, rank, sizes = np.linalg.lstsq(flat, y, rcond=None)
    rest = y - flat @ G
    rest = np.where(np.abs(rest) > 1e-13 * np.abs(y).max(), rest, 0.0)
    floor = 0.5 * float(np.sum(rest**2))
    variance = rest.T @ rest / (P - rank)
    lags = G.reshape(T, N_x, -1).mT
    # A network's map is W_y W_h^k W_x: as a whole, (N_y, T N_x), of rank N_h, and so is its Hankel matrix.
    explained = np.linalg.svd(np.linalg.qr(flat, mode="r") @ G, compute_uv=False)
    beyond = 0.5 * np.sum(explained[N_h:] ** 2)
    rows = (T + 1) // 2
    hankel = np.linalg.svd(_hankel(lags, rows), compute_uv=False)
    # In it a lag occurs `rows` times at most, and a change of weights costs at least the least variance of any input.
    least = sizes[-1] ** 2 if rank == T * N_x else 0.0
    beyond = max(beyond, 0.5 * least * np.sum(hankel[N_h:] ** 2) / rows)
    inverse = np.linalg.pinv(flat.T @ flat, hermitian=True)
    by_lag = np.trace(inverse.reshape(T, N_x, T, N_x), axis1=1, axis2=3).diagonal()
    counts = [min(k + 1, rows, T - k, T + 1 - rows) for k in range(T)]
    noise = np.trace(variance) * float(np.dot(counts, by_lag))
    tails = np.append(np.cumsum(hankel[::-1] ** 2)[::-1], 0.0)
    units = int(np.argmax(tails <= max(noise, ROUNDING * tails[0])))
    return Bounds(floor, floor + float(beyond), hankel, units, variance)


def _hankel(lags, rows):
    return np.block([[lags[i + j] for j in range(len(lags) + 1 - rows)] for i in range(rows)])


def fitted(data, best, energy, variance):
    """The kind, δ, λ and residual of each dimension's nearest power, and the residual that noise would make."""
    T = data.w.shape[1]
    noise = np.einsum("yn,yz,zn->n", data.U, variance, data.U)
    ones = np.ones(T)
    at_one = np.einsum("ntu,nu,t->n", data.inputs, data.w, ones) / np.einsum("ntu,t,u->n", data.inputs, ones, ones)
    constant = solutions.extrapolation_error(at_one, 1.0, data.w, inputs=data.inputs)
    kinds, deltas, lams = [], [], []
    for n, (u, b) in enumerate(zip(best.u, best.b, strict=True)):
        # One number more lowers the loss by half of σ²χ²: four is what chance gives it once in twenty times.
        if constant[n] - best.energy[n] <= 2 * noise[n] + ROUNDING * energy[n]:
            kind, delta, lam = "constant", at_one[n], 1.0
        elif abs(b) > 1:
            kind, delta, lam = "exponential", u * b**T, 1 / b
        else:
            kind, delta, lam = "inverse exponential", u, b
        finite = np.isfinite(delta) and np.isfinite(b)
        kinds.append(kind)
        deltas.append(delta if finite else np.nan)
        lams.append(lam if finite else np.nan)
    size = np.where(energy > 0, energy, 1.0)
    # The T weights of the best linear map carry σ²T/2 of noise, of which a power takes up the part of its two numbers.
    residual, left = np.clip(best.energy / size, 0.0, 1.0), noise * max(T - 2, 0) / 2 / size
    return tuple(kinds), np.array(deltas), np.array(lams), residual, left
