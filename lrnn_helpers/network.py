"""The linear RNN, as numpy arrays and as a PyTorch module, and its weights built from modes and taken apart again.

h_t = W_h h_(t-1) + W_x x_t with h_0 = 0, and ŷ_t = W_y h_t: equations (1)-(3) and (12)-(14). Leading axes of weights
are independent networks.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
import torch

from lrnn_helpers import _validation as check
from lrnn_helpers.modes import Modes


class Weights(NamedTuple):
    """The three matrices of a linear RNN, or of many: (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h)."""

    Wx: np.ndarray
    Wh: np.ndarray
    Wy: np.ndarray


class SingularValues(NamedTuple):
    """Descending singular values of each weight matrix: (..., min of its two sizes)."""

    Wx: np.ndarray
    Wh: np.ndarray
    Wy: np.ndarray


class LinearRNN(torch.nn.Module):
    """The same network as an ordinary PyTorch module in float64, unrolled step by step.

    Parameters
    ----------
    weights : Weights
        The initial weights; they are copied. Leading axes are networks side by side.
    outputs : {"last", "all"}
        Whether the module returns ŷ_T only or ŷ_1 … ŷ_T.

    Raises
    ------
    ValueError
        If the sizes do not fit together.
    """

    def __init__(self, weights, outputs="last"):
        super().__init__()
        self.outputs = check.outputs(outputs)
        Wx, Wh, Wy = check.weights(weights)
        self.Wx = torch.nn.Parameter(torch.tensor(Wx))
        self.Wh = torch.nn.Parameter(torch.tensor(Wh))
        self.Wy = torch.nn.Parameter(torch.tensor(Wy))

    def forward(self, x):
        """Outputs (..., P, N_y) or (..., P, T, N_y) for inputs x (P, T, N_x)."""
        x = torch.as_tensor(x, dtype=self.Wx.dtype, device=self.Wx.device)
        if x.ndim != 3 or x.shape[1] < 1 or x.shape[2] != self.Wx.shape[-1]:
            raise ValueError(f"x must have shape (P, T, {self.Wx.shape[-1]}), T >= 1, got shape {tuple(x.shape)}")
        h = x[:, 0] @ self.Wx.mT
        states = [h]
        for t in range(1, x.shape[1]):
            h = h @ self.Wh.mT + x[:, t] @ self.Wx.mT
            states.append(h)
        if self.outputs == "last":
            return h @ self.Wy.mT
        return torch.stack([h @ self.Wy.mT for h in states], dim=-2)

    def weights(self):
        """The current parameters as numpy Weights (a copy)."""
        return Weights(*(w.detach().cpu().numpy().copy() for w in (self.Wx, self.Wh, self.Wy)))


def forward(weights, x, outputs="last"):
    """The network's outputs, equations (2)-(3), (13)-(14).

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    x : array_like, (P, T, N_x)
        Input trajectories, the same for every network.
    outputs : {"last", "all"}
        Return ŷ_T, or ŷ_1 … ŷ_T.

    Returns
    -------
    numpy.ndarray
        (..., P, N_y), or (..., P, T, N_y) for ``outputs="all"``.

    Raises
    ------
    ValueError
        If the sizes do not fit together or `x` is not finite.
    """
    check.outputs(outputs)
    Wx, Wh, Wy = check.weights(weights)
    x = check.inputs(x, Wx.shape[-1])
    with np.errstate(all="ignore"):
        h = x[:, 0] @ Wx.mT
        states = [h]
        for t in range(1, x.shape[1]):
            h = h @ Wh.mT + x[:, t] @ Wx.mT
            states.append(h)
        if outputs == "last":
            return h @ Wy.mT
        return np.stack([h @ Wy.mT for h in states], axis=-2)


def impulse_response(weights, T):
    """The maps W_y W_h^(T-i) W_x from each input x_i to the last output ŷ_T, as in (15).

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    T : int
        Trajectory length, >= 1.

    Returns
    -------
    numpy.ndarray, (..., T, N_y, N_x)
        Entry i (from 0) is W_y W_h^(T-1-i) W_x, the map from x_(i+1) to ŷ_T.

    Raises
    ------
    ValueError
        If the sizes do not fit together or T < 1.
    """
    Wx, Wh, Wy = check.weights(weights)
    states, T = [Wx], check.integer("T", T, at_least=1)
    with np.errstate(all="ignore"):
        for _ in range(T - 1):
            states.append(Wh @ states[-1])
        return np.stack([Wy @ A for A in np.broadcast_arrays(*reversed(states))], axis=-3)


def _modes(modes, real):
    """Three arrays of one shape (..., N)."""
    try:
        a, b, c = modes
    except (TypeError, ValueError) as error:
        raise ValueError(f"modes must be three arrays (a, b, c), got {type(modes).__name__}") from error
    a, b, c = (check.array(n, m, finite=False, real=real) for n, m in (("a", a), ("b", b), ("c", c)))
    check.broadcast(a=a.shape, b=b.shape, c=c.shape)
    a, b, c = np.broadcast_arrays(a, b, c)
    if a.ndim < 1 or a.shape[-1] < 1:
        raise ValueError(f"modes must end in an axis of N >= 1 dimensions, got shape {a.shape}")
    return Modes(a, b, c)


def aligned_weights(modes, U, R, V):
    """Weights that have the given singular vectors and modes, (191)-(193) with R_y = R_x = R.

    W_x = R diag(a) Vᵀ, W_h = R diag(b) Rᵀ, W_y = U diag(c) Rᵀ. There is one R: with the printed R_y = R_x⁻¹ the
    powers of W_h do not telescope.

    Parameters
    ----------
    modes : Modes, each (..., N)
        Real; the last axis is the dimension α, leading axes are networks.
    U, R, V : array_like, (N_y, ≥ N), (N_h, ≥ N), (N_x, ≥ N)
        Orthonormal columns, of which the first N are used.

    Returns
    -------
    Weights
        With the leading axes of `modes`.

    Raises
    ------
    ValueError
        If columns are missing or not orthonormal.
    TypeError
        If the modes are complex (see `rotational_weights`).
    """
    a, b, c = _modes(modes, real=True)
    N = a.shape[-1]
    U, R, V = (check.orthonormal_columns(n, m, N) for n, m in (("U", U), ("R", R), ("V", V)))
    with np.errstate(all="ignore"):
        return Weights(*((left * m[..., None, :]) @ right.T for left, m, right in ((R, a, V), (R, b, R), (U, c, R))))


def rotational_weights(modes, P):
    """Real square weights P diag P† with eigenvectors P and complex modes, (194)-(196).

    Parameters
    ----------
    modes : Modes, each (..., N)
        The eigenvalues; conjugate columns of P carry conjugate modes, real columns real modes.
    P : array_like, (n, ≥ N)
        Orthonormal (unitary) columns, of which the first N are used; see `rotation_basis`.

    Returns
    -------
    Weights
        Three real (..., n, n) matrices.

    Raises
    ------
    ValueError
        If P is not unitary, or the modes do not make real matrices.
    """
    modes = _modes(modes, real=False)
    P = check.orthonormal_columns("P", P, modes.a.shape[-1], real=False)
    # W is its own conjugate iff P†P* exchanges the modes with their conjugates.
    partner = np.abs(P.conj().T @ P.conj()) > 1e-8
    out = []
    for name, m in zip(modes._fields, modes, strict=True):
        tolerance = 1e-10 * np.max(np.abs(m), axis=-1, initial=0.0)[..., None, None]
        with np.errstate(all="ignore"):
            clash = partner & (np.abs(m[..., :, None] - m[..., None, :].conj()) > tolerance)
            W = (P * m[..., None, :]) @ P.conj().T
        if clash.any():
            *batch, j, k = (int(i) for i in np.argwhere(clash)[0])
            value = tuple(complex(m[(*batch, i)]) for i in (j, k))
            rule = (
                f"must be real, since column {j} of P is, got {value[0]}"
                if j == k
                else f"must be conjugates, since columns {j} and {k} of P are, got {value[0]} and {value[1]}"
            )
            where = f"{name}[..., {j}]" if j == k else f"{name}[..., {j}] and {name}[..., {k}]"
            raise ValueError(f"{where} {rule}")
        if (np.abs(W.imag) > tolerance).any():
            raise ValueError(f"P must hold the conjugate of each complex column, got {P.shape[1]} columns without")
        out.append(np.ascontiguousarray(W.real))
    return Weights(*out)


def unaligned_weights(sigma, N_x, N_h, N_y, seed):
    """Gaussian weights of mean 0 and standard deviation sigma/√(number of columns), P.1.2.

    Parameters
    ----------
    sigma : array_like
        Initialisation scale, >= 0; an array gives its shape as leading axes, each entry its own draw.
    N_x, N_h, N_y : int
        Sizes, >= 1.
    seed : int or numpy.random.Generator
        Wx, Wh and Wy are drawn from it in this order.

    Returns
    -------
    Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).

    Raises
    ------
    ValueError
        If `sigma` is negative or not finite, or a size is < 1.
    """
    sigma = check.array("sigma", sigma, real=True)
    if (sigma < 0).any():
        raise ValueError(f"sigma must be >= 0, got {sigma[sigma < 0].flat[0]}")
    N_x, N_h, N_y = (check.integer(n, v, at_least=1) for n, v in (("N_x", N_x), ("N_h", N_h), ("N_y", N_y)))
    rng = np.random.default_rng(seed)
    scale = sigma[..., None, None]
    sizes = ((N_h, N_x), (N_h, N_h), (N_y, N_h))
    return Weights(*(scale / np.sqrt(n) * rng.standard_normal((*sigma.shape, m, n)) for m, n in sizes))


def recover_modes(weights, U, R, V):
    """The modes of an aligned network, (197)-(199): the diagonals of Rᵀ W_x V, Rᵀ W_h R, Uᵀ W_y R.

    Whatever stands off the diagonals is dropped; `misalignment` says how much that is.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    U, R, V : array_like, (N_y, ·), (N_h, ·), (N_x, ·)
        Orthonormal columns; N is the smallest of the three numbers of columns.

    Returns
    -------
    Modes
        Each (..., N).

    Raises
    ------
    ValueError
        If the sizes do not fit, or columns are not orthonormal.
    """
    Wx, Wh, Wy = check.weights(weights)
    U, R, V = _singular_vectors(Wx, Wy, U, R, V)
    shape = (*check.broadcast(Wx=Wx.shape[:-2], Wh=Wh.shape[:-2], Wy=Wy.shape[:-2]), U.shape[1])
    with np.errstate(all="ignore"):
        diagonals = [np.einsum("ia,...ij,ja->...a", *args) for args in ((R, Wx, V), (R, Wh, R), (U, Wy, R))]
    return Modes(*(np.broadcast_to(d, shape).copy() for d in diagonals))


def _singular_vectors(Wx, Wy, U, R, V):
    """U, R, V cut to their common number of columns, rows checked against the weights."""
    sizes = (("U", U, Wy.shape[-2]), ("R", R, Wx.shape[-2]), ("V", V, Wx.shape[-1]))
    matrices = [check.array(name, m, real=True) for name, m, _ in sizes]
    for (name, _, rows), m in zip(sizes, matrices, strict=True):
        if m.ndim != 2 or m.shape[0] != rows or m.shape[1] < 1:
            raise ValueError(f"{name} must be a matrix of {rows} rows, as the weights have, got shape {m.shape}")
    N = min(m.shape[1] for m in matrices)
    return [check.orthonormal_columns(name, m, N) for (name, _, _), m in zip(sizes, matrices, strict=True)]


def misalignment(weights, U, R, V):
    """The share of the weights that `recover_modes` drops: 0 for an aligned network, at most 1.

    The Frobenius norm of the three matrices less what their recovered modes rebuild, over the norm of the three.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    U, R, V : array_like
        As in `recover_modes`.

    Returns
    -------
    numpy.ndarray, (...)
        0 where all weights are 0.
    """
    weights = Weights(*check.weights(weights))
    U, R, V = _singular_vectors(weights.Wx, weights.Wy, U, R, V)
    with np.errstate(all="ignore"):
        # A share has no size: each network is brought to the size of 1, by a power of 2, so that no square overflows.
        largest = reduce(np.maximum, (np.abs(w).max(axis=(-2, -1)) for w in weights))
        exponent = np.where(np.isfinite(largest), np.frexp(largest)[1], 0)[..., None, None]
        weights = Weights(*(np.ldexp(w, -exponent) for w in weights))
        rebuilt = aligned_weights(recover_modes(weights, U, R, V), U, R, V)
        rest = sum(np.sum((w - r) ** 2, axis=(-2, -1)) for w, r in zip(weights, rebuilt, strict=True))
        whole = sum(np.sum(w**2, axis=(-2, -1)) for w in weights)
        return np.sqrt(np.divide(rest, whole, out=np.zeros_like(rest), where=whole != 0))


def recover_rotational_modes(weights, P):
    """The complex modes of a network with eigenvectors P, (200)-(202): the diagonals of P† W P.

    Whatever stands off the diagonals is dropped.

    Parameters
    ----------
    weights : Weights
        Three (..., n, n) matrices.
    P : array_like, (n, N)
        Orthonormal (unitary) columns.

    Returns
    -------
    Modes
        Each (..., N), complex.

    Raises
    ------
    ValueError
        If the weights are not square, the sizes do not fit, or P is not unitary.
    """
    W = check.weights(weights)
    n = W[1].shape[-1]
    if any(w.shape[-2:] != (n, n) for w in W):
        raise ValueError(f"weights must be three square matrices, got {', '.join(str(w.shape) for w in W)}")
    P = check.array("P", P)
    if P.ndim != 2 or P.shape[0] != n:
        raise ValueError(f"P must be a matrix of {n} rows, as the weights have, got shape {P.shape}")
    P = check.orthonormal_columns("P", P, P.shape[1], real=False).astype(complex)
    shape = (*check.broadcast(Wx=W[0].shape[:-2], Wh=W[1].shape[:-2], Wy=W[2].shape[:-2]), P.shape[1])
    with np.errstate(all="ignore"):
        diagonals = [np.einsum("ia,...ij,ja->...a", P.conj(), w, P) for w in W]
    return Modes(*(np.broadcast_to(d, shape).copy() for d in diagonals))


def singular_values(weights):
    """The descending singular values of each matrix, what P.3 looks at where weights are not aligned.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).

    Returns
    -------
    SingularValues
        (..., min(N_h, N_x)), (..., N_h), (..., min(N_y, N_h)); NaN where a matrix is not finite.
    """
    return SingularValues(*(_spectrum(w) for w in check.weights(weights)))


def _spectrum(W):
    out = np.full((*W.shape[:-2], min(W.shape[-2:])), np.nan)
    finite = np.isfinite(W).all(axis=(-2, -1))
    # One NaN matrix makes LAPACK's whole stack an error.
    out[finite] = np.linalg.svd(W[finite], compute_uv=False)
    return out


def random_orthogonal(n, seed):
    """A uniformly (Haar) distributed orthogonal (n, n) matrix.

    Parameters
    ----------
    n : int
        Size, >= 1.
    seed : int or numpy.random.Generator
        Where the randomness comes from.
    """
    n = check.integer("n", n, at_least=1)
    Q, R = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    # QR leaves the signs of R's diagonal to LAPACK; with them positive Q is Haar.
    return Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)


def rotation_basis(n, pairs=None):
    """The unitary eigenvectors of real block-diagonal matrices, P.4.1 with its slips put right.

    Columns j, j+1 of a pair are [1, -i]/√2 and [1, i]/√2 in rows j, j+1: with the block [[μ, -ν], [ν, μ]] the first
    belongs to μ + iν. Every other column is one-hot.

    Parameters
    ----------
    n : int
        Size, >= 1.
    pairs : sequence of int, optional
        First column of each pair; by default 0, 2, 4, …, so that for odd n the last column is real.

    Returns
    -------
    numpy.ndarray, (n, n), complex

    Raises
    ------
    ValueError
        If n < 1, or pairs overlap or leave 0 … n-1.
    """
    n = check.integer("n", n, at_least=1)
    pairs = range(0, n - 1, 2) if pairs is None else [check.integer("pairs", j, at_least=0) for j in pairs]
    taken = sorted(k for j in pairs for k in (j, j + 1))
    if len(set(taken)) != len(taken) or any(k >= n for k in taken):
        raise ValueError(f"pairs must be disjoint columns j, j+1 below n = {n}, got {list(pairs)}")
    P = np.eye(n, dtype=complex)
    for j in pairs:
        P[j : j + 2, j : j + 2] = np.array([[1, 1], [-1j, 1j]]) / np.sqrt(2)
    return P
