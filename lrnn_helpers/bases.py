"""Bases: orthogonal matrices, and the unitary eigenvectors of real rotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrnn_helpers import _validation as valid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


__all__ = ["orthonormal_columns", "random_orthogonal", "rotation_basis"]


def random_orthogonal(n: int, seed: int | np.random.Generator) -> np.ndarray:
    """A uniformly (Haar) distributed orthogonal (n, n) matrix.

    Parameters
    ----------
    n : int
        Size, >= 1.
    seed : int or numpy.random.Generator
        Where the randomness comes from.

    Notes
    -----
    In the book: :doc:`/book/appendices/p_simulations`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import bases
    >>> Q = bases.random_orthogonal(3, seed=0)
    >>> bool(np.allclose(Q.T @ Q, np.eye(3)))
    True
    """
    n = valid.integer("n", n, at_least=1)
    Q, R = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    # QR leaves the signs of R's diagonal to LAPACK; with them positive Q is Haar.
    return Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)


def rotation_basis(n: int, pairs: Sequence[int] | None = None) -> np.ndarray:
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

    Notes
    -----
    In the book: :doc:`/book/appendices/n_eigenspace`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import bases
    >>> P = bases.rotation_basis(2)
    >>> mu, nu = 0.8, 0.6
    >>> np.round((P * [mu + 1j * nu, mu - 1j * nu] @ P.conj().T).real, 12)
    array([[ 0.8, -0.6],
           [ 0.6,  0.8]])
    """
    n = valid.integer("n", n, at_least=1)
    pairs = range(0, n - 1, 2) if pairs is None else [valid.integer("pairs", j, at_least=0) for j in pairs]
    taken = sorted(k for j in pairs for k in (j, j + 1))
    if len(set(taken)) != len(taken) or any(k >= n for k in taken):
        raise ValueError(f"pairs must be disjoint columns j, j+1 below n = {n}, got {list(pairs)}")
    P = np.eye(n, dtype=complex)
    for j in pairs:
        P[j : j + 2, j : j + 2] = np.array([[1, 1], [-1j, 1j]]) / np.sqrt(2)
    return P


def orthonormal_columns(name: str, value: ArrayLike, columns: int, *, real: bool = True) -> np.ndarray:
    """The first `columns` columns of a (n, m) matrix, m >= columns, checked to be orthonormal to 1e-10.

    Notes
    -----
    In the book: :doc:`/book/appendices/p_simulations`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import bases
    >>> bases.orthonormal_columns("U", np.eye(3), 2).shape
    (3, 2)
    """
    out = valid.array(name, value, real=real)
    if out.ndim != 2 or out.shape[0] < columns or out.shape[1] < columns:
        raise ValueError(f"{name} must be a matrix with at least {columns} rows and columns, got shape {out.shape}")
    gram = out.conj().T @ out
    off = float(np.abs(gram - np.eye(out.shape[1])).max())
    if off > 1e-10:
        raise ValueError(f"{name} must have orthonormal columns, got columns whose Gram matrix is off by {off:.1e}")
    return out[:, :columns]
