"""The linear RNN, as numpy arrays and as a PyTorch module, and its weights built from modes and taken apart again.

h_t = W_h h_(t-1) + W_x x_t with h_0 = 0, and ŷ_t = W_y h_t: equations (1)-(3) and (12)-(14). Leading axes of weights
are independent networks.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lrnn_helpers import _validation as valid
from lrnn_helpers.bases import orthonormal_columns
from lrnn_helpers.modes import Modes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "EffectiveModes",
    "SingularValues",
    "Weights",
    "aligned_weights",
    "effective_modes",
    "forward",
    "hidden_states",
    "hidden_velocity",
    "impulse_response",
    "misalignment",
    "recover_modes",
    "recover_rotational_modes",
    "rotational_weights",
    "singular_values",
    "unaligned_weights",
]


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


def forward(weights: Weights, x: ArrayLike, *, outputs: Literal["last", "all"] = "last") -> np.ndarray:
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

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import network
    >>> W = network.Weights(np.eye(2), 0.5 * np.eye(2), np.eye(2))
    >>> x = np.array([[[1.0, 0.0], [0.0, 1.0]]])  # one trajectory of T = 2
    >>> network.forward(W, x)
    array([[0.5, 1. ]])
    >>> network.forward(W, x, outputs="all").shape
    (1, 2, 2)
    """
    valid.outputs(outputs)
    Wx, Wh, Wy = valid.weights(weights)
    x = valid.inputs(x, Wx.shape[-1])
    with np.errstate(all="ignore"):
        if outputs == "all":
            return np.stack([h @ Wy.mT for h in _states(Wx, Wh, x)], axis=-2)
        *_, h = _states(Wx, Wh, x)
        return h @ Wy.mT


def hidden_states(weights: Weights, x: ArrayLike) -> np.ndarray:
    """The hidden states h_1 … h_T, (1) and (12); ŷ_t = W_y h_t.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    x : array_like, (P, T, N_x)
        Input trajectories, the same for every network.

    Returns
    -------
    numpy.ndarray, (..., P, T, N_h)
        In the paper's count h_t is its h_(t+1): here the state that x_t has reached.

    Raises
    ------
    ValueError
        If the sizes do not fit together or `x` is not finite.

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import network
    >>> W = network.Weights(np.eye(1), 0.5 * np.eye(1), np.eye(1))
    >>> network.hidden_states(W, np.ones((1, 3, 1))).ravel()  # an echo that fades by half
    array([1.  , 1.5 , 1.75])
    """
    Wx, Wh, _ = valid.weights(weights)
    x = valid.inputs(x, Wx.shape[-1])
    with np.errstate(all="ignore"):
        return np.stack(list(_states(Wx, Wh, x)), axis=-2)


def _states(Wx, Wh, x):
    h = x[:, 0] @ Wx.mT
    yield h
    for t in range(1, x.shape[1]):
        h = h @ Wh.mT + x[:, t] @ Wx.mT
        yield h


def hidden_velocity(weights: Weights, velocity: Weights, x: ArrayLike) -> np.ndarray:
    """How fast the last hidden state moves while the weights do, dh_T/dt, Appendix L's hidden gradient.

    It is the derivative of h_T along `velocity`, exact: h_t' = W_h h_(t-1)' + W_h' h_(t-1) + W_x' x_t.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    velocity : Weights
        The rates of the three, of the same shapes; under gradient flow minus `training.gradient` (W_y' plays no part).
    x : array_like, (P, T, N_x)
        Input trajectories, the same for every network.

    Returns
    -------
    numpy.ndarray, (..., P, N_h)
        In the unit of h over that of the time in `velocity`.

    Raises
    ------
    ValueError
        If the sizes do not fit together or `x` is not finite.

    Notes
    -----
    In the book: :doc:`/book/appendices/p_simulations`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import network
    >>> W = network.Weights(np.eye(1), 0.5 * np.eye(1), np.eye(1))
    >>> rate = network.Weights(0 * W.Wx, np.eye(1), 0 * W.Wy)  # only W_h moves
    >>> network.hidden_velocity(W, rate, np.ones((1, 3, 1)))  # d/db (1 + b + b²) = 1 + 2b
    array([[2.]])
    """
    Wx, Wh, _ = valid.weights(weights)
    dWx, dWh, _ = valid.weights(velocity)
    if dWx.shape[-2:] != Wx.shape[-2:]:
        raise ValueError(f"velocity must have the weights' sizes, got Wx {dWx.shape} beside {Wx.shape}")
    x = valid.inputs(x, Wx.shape[-1])
    with np.errstate(all="ignore"):
        states = list(_states(Wx, Wh, x))
        rate = x[:, 0] @ dWx.mT
        for t in range(1, x.shape[1]):
            rate = rate @ Wh.mT + states[t - 1] @ dWh.mT + x[:, t] @ dWx.mT
        return rate


def impulse_response(weights: Weights, T: int) -> np.ndarray:
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

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import network
    >>> W = network.Weights(np.eye(1), 0.5 * np.eye(1), 2 * np.eye(1))
    >>> network.impulse_response(W, T=3).ravel()
    array([0.5, 1. , 2. ])
    """
    Wx, Wh, Wy = valid.weights(weights)
    states, T = [Wx], valid.integer("T", T, at_least=1)
    with np.errstate(all="ignore"):
        for _ in range(T - 1):
            states.append(Wh @ states[-1])
        return np.stack([Wy @ A for A in np.broadcast_arrays(*reversed(states))], axis=-3)


def aligned_weights(modes: Modes, U: ArrayLike, R: ArrayLike, V: ArrayLike) -> Weights:
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

    Notes
    -----
    In the book: :doc:`/book/appendices/p_simulations`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import bases, network
    >>> from lrnn_helpers.modes import Modes
    >>> m = Modes(np.array([0.3, 0.2]), np.array([0.9, 0.5]), np.array([0.3, 0.2]))
    >>> U, R, V = (bases.random_orthogonal(n, seed=n) for n in (2, 4, 3))
    >>> W = network.aligned_weights(m, U, R[:, :2], V)
    >>> [w.shape for w in W]
    [(4, 3), (4, 4), (2, 4)]
    """
    a, b, c = valid.modes(modes, real=True, columns=True)
    N = a.shape[-1]
    U, R, V = (orthonormal_columns(n, m, N) for n, m in (("U", U), ("R", R), ("V", V)))
    with np.errstate(all="ignore"):
        return Weights(*((left * m[..., None, :]) @ right.T for left, m, right in ((R, a, V), (R, b, R), (U, c, R))))


def rotational_weights(modes: Modes, P: ArrayLike) -> Weights:
    """Real square weights P diag P† with eigenvectors P and complex modes, (194)-(196).

    Parameters
    ----------
    modes : Modes, each (..., N)
        The eigenvalues; conjugate columns of P carry conjugate modes, real columns real modes.
    P : array_like, (n, ≥ N)
        Orthonormal (unitary) columns, of which the first N are used; see `bases.rotation_basis`.

    Returns
    -------
    Weights
        Three real (..., n, n) matrices.

    Raises
    ------
    ValueError
        If P is not unitary, or the modes do not make real matrices.

    Notes
    -----
    In the book: :doc:`/book/appendices/n_eigenspace`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import bases, network
    >>> from lrnn_helpers.modes import Modes
    >>> m = Modes(np.array([1.0, 1.0]), np.array([0.6 + 0.8j, 0.6 - 0.8j]), np.array([1.0, 1.0]))
    >>> np.round(network.rotational_weights(m, bases.rotation_basis(2)).Wh, 12)
    array([[ 0.6, -0.8],
           [ 0.8,  0.6]])
    """
    modes = Modes(*valid.modes(modes, columns=True))
    P = orthonormal_columns("P", P, modes.a.shape[-1], real=False)
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


def unaligned_weights(sigma: ArrayLike, N_x: int, N_h: int, N_y: int, seed: int | np.random.Generator) -> Weights:
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

    Notes
    -----
    In the book: :doc:`/book/appendices/p_simulations`.

    Examples
    --------
    >>> from lrnn_helpers import network
    >>> W = network.unaligned_weights([0.01, 0.1], N_x=3, N_h=8, N_y=2, seed=0)  # two networks
    >>> [w.shape for w in W]
    [(2, 8, 3), (2, 8, 8), (2, 2, 8)]
    """
    sigma = valid.array("sigma", sigma, real=True)
    if (sigma < 0).any():
        raise ValueError(f"sigma must be >= 0, got {sigma[sigma < 0].flat[0]}")
    N_x, N_h, N_y = (valid.integer(n, v, at_least=1) for n, v in (("N_x", N_x), ("N_h", N_h), ("N_y", N_y)))
    rng = np.random.default_rng(seed)
    scale = sigma[..., None, None]
    sizes = ((N_h, N_x), (N_h, N_h), (N_y, N_h))
    return Weights(*(scale / np.sqrt(n) * rng.standard_normal((*sigma.shape, m, n)) for m, n in sizes))


def recover_modes(weights: Weights, U: ArrayLike, R: ArrayLike, V: ArrayLike) -> Modes:
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

    Notes
    -----
    In the book: :doc:`/book/appendices/p_simulations`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import bases, network
    >>> from lrnn_helpers.modes import Modes
    >>> m = Modes(np.array([0.3, 0.2]), np.array([0.9, 0.5]), np.array([0.4, 0.1]))
    >>> U, R, V = (bases.random_orthogonal(2, seed=n) for n in range(3))
    >>> found = network.recover_modes(network.aligned_weights(m, U, R, V), U, R, V)
    >>> np.round(found.b, 12)
    array([0.9, 0.5])
    """
    Wx, Wh, Wy = valid.weights(weights)
    U, R, V = _singular_vectors(U=(U, Wy.shape[-2]), R=(R, Wx.shape[-2]), V=(V, Wx.shape[-1]))
    shape = (*valid.broadcast(Wx=Wx.shape[:-2], Wh=Wh.shape[:-2], Wy=Wy.shape[:-2]), U.shape[1])
    with np.errstate(all="ignore"):
        diagonals = [np.einsum("ia,...ij,ja->...a", *args) for args in ((R, Wx, V), (R, Wh, R), (U, Wy, R))]
    return Modes(*(np.broadcast_to(d, shape).copy() for d in diagonals))


def _singular_vectors(**sizes):
    """The matrices, rows checked against the weights, cut to their common number of columns, which are orthonormal."""
    matrices = {name: valid.array(name, m, real=True) for name, (m, _) in sizes.items()}
    for name, (_, rows) in sizes.items():
        m = matrices[name]
        if m.ndim != 2 or m.shape[0] != rows or m.shape[1] < 1:
            raise ValueError(f"{name} must be a matrix of {rows} rows, as the weights have, got shape {m.shape}")
    N = min(m.shape[1] for m in matrices.values())
    return [orthonormal_columns(name, m, N) for name, m in matrices.items()]


def misalignment(weights: Weights, U: ArrayLike, R: ArrayLike, V: ArrayLike) -> np.ndarray:
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

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import network
    >>> eye = np.eye(2)
    >>> float(network.misalignment(network.Weights(eye, eye, eye), eye, eye, eye))
    0.0
    >>> swap = np.eye(2)[::-1]
    >>> round(float(network.misalignment(network.Weights(eye, swap, eye), eye, eye, eye)), 4)
    0.5774
    """
    weights = Weights(*valid.weights(weights))
    U, R, V = _singular_vectors(U=(U, weights.Wy.shape[-2]), R=(R, weights.Wx.shape[-2]), V=(V, weights.Wx.shape[-1]))
    with np.errstate(all="ignore"):
        # A share has no size: each network is brought to the size of 1, by a power of 2, so that no square overflows.
        largest = reduce(np.maximum, (np.abs(w).max(axis=(-2, -1)) for w in weights))
        exponent = np.where(np.isfinite(largest), np.frexp(largest)[1], 0)[..., None, None]
        weights = Weights(*(np.ldexp(w, -exponent) for w in weights))
        rebuilt = aligned_weights(recover_modes(weights, U, R, V), U, R, V)
        rest = sum(np.sum((w - r) ** 2, axis=(-2, -1)) for w, r in zip(weights, rebuilt, strict=True))
        whole = sum(np.sum(w**2, axis=(-2, -1)) for w in weights)
        return np.sqrt(np.divide(rest, whole, out=np.zeros_like(rest), where=whole != 0))


class EffectiveModes(NamedTuple):
    """Where weights stand in the space of aligned ones.

    Attributes
    ----------
    modes : Modes, each (..., N)
        The diagonals of `recover_modes` with this R.
    R : numpy.ndarray, (..., N_h, N)
        Orthonormal columns.
    alignment : Weights
        For each of the three matrices the share of its squared entries that the modes account for, (...): 1 where it
        is aligned, NaN where it is 0.
    """

    modes: Modes
    R: np.ndarray
    alignment: Weights


def effective_modes(weights: Weights, U: ArrayLike, V: ArrayLike) -> EffectiveModes:
    """The modes that weights start from although they are not aligned: an R of their own, and what it leaves out.

    While the weights are small W_x V and W_yᵀ U grow together, so that the hidden units turn to the polar factor of
    W_x V + W_yᵀ U; with it as R the three matrices are read as in (197)-(199). Weights that are aligned with a + c > 0
    give their modes back; where a + c < 0, R comes with the other sign and with it a and c.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    U, V : array_like, (N_y, ·), (N_x, ·)
        Orthonormal columns; N <= N_h is the smaller number of columns.

    Returns
    -------
    EffectiveModes
        NaN where a network is not finite.

    Raises
    ------
    ValueError
        If the sizes do not fit, columns are not orthonormal, or N > N_h.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import dynamics, modes, network, tasks
    >>> task = tasks.structured_task(dynamics.constant([1.0, 0.5], T=4), P=50, seed=0)
    >>> W = network.unaligned_weights(0.05, N_x=2, N_h=16, N_y=2, seed=0)
    >>> start = network.effective_modes(W, task.U, task.V)
    >>> start.modes.u.shape, start.R.shape
    ((2,), (16, 2))
    """
    Wx, Wh, Wy = valid.weights(weights)
    lead = valid.broadcast(Wx=Wx.shape[:-2], Wh=Wh.shape[:-2], Wy=Wy.shape[:-2])
    Wx, Wh, Wy = (np.broadcast_to(w, (*lead, *w.shape[-2:])) for w in (Wx, Wh, Wy))
    N_h = Wx.shape[-2]
    U, V = _singular_vectors(U=(U, Wy.shape[-2]), V=(V, Wx.shape[-1]))
    if U.shape[1] > N_h:
        raise ValueError(f"U and V must have at most N_h = {N_h} columns in common, got {U.shape[1]}")
    both = Wx @ V + Wy.mT @ U
    R = np.full(both.shape, np.nan)
    finite = np.isfinite(both).all(axis=(-2, -1)) & np.isfinite(Wh).all(axis=(-2, -1))
    left, _, right = np.linalg.svd(both[finite], full_matrices=False)
    R[finite] = left @ right
    modes = (np.sum(x, axis=-2) for x in (R * (Wx @ V), R * (Wh @ R), U * (Wy @ R)))
    modes = Modes(*modes)
    with np.errstate(all="ignore"):
        sizes = (np.linalg.norm(w, axis=(-2, -1))[..., None] for w in (Wx, Wh, Wy))
        shares = (np.sum((m / size) ** 2, axis=-1) for m, size in zip(modes, sizes, strict=True))
        return EffectiveModes(modes, R, Weights(*shares))


def recover_rotational_modes(weights: Weights, P: ArrayLike) -> Modes:
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

    Notes
    -----
    In the book: :doc:`/book/appendices/n_eigenspace`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import bases, network
    >>> from lrnn_helpers.modes import Modes
    >>> P = bases.rotation_basis(2)
    >>> m = Modes(np.array([1.0, 1.0]), np.array([0.6 + 0.8j, 0.6 - 0.8j]), np.array([1.0, 1.0]))
    >>> np.round(network.recover_rotational_modes(network.rotational_weights(m, P), P).b, 12)
    array([0.6+0.8j, 0.6-0.8j])
    """
    W = valid.weights(weights)
    n = W[1].shape[-1]
    if any(w.shape[-2:] != (n, n) for w in W):
        raise ValueError(f"weights must be three square matrices, got {', '.join(str(w.shape) for w in W)}")
    P = valid.array("P", P)
    if P.ndim != 2 or P.shape[0] != n:
        raise ValueError(f"P must be a matrix of {n} rows, as the weights have, got shape {P.shape}")
    P = orthonormal_columns("P", P, P.shape[1], real=False).astype(complex)
    shape = (*valid.broadcast(Wx=W[0].shape[:-2], Wh=W[1].shape[:-2], Wy=W[2].shape[:-2]), P.shape[1])
    with np.errstate(all="ignore"):
        diagonals = [np.einsum("ia,...ij,ja->...a", P.conj(), w, P) for w in W]
    return Modes(*(np.broadcast_to(d, shape).copy() for d in diagonals))


def singular_values(weights: Weights) -> SingularValues:
    """The descending singular values of each matrix, what P.3 looks at where weights are not aligned.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).

    Returns
    -------
    SingularValues
        (..., min(N_h, N_x)), (..., N_h), (..., min(N_y, N_h)); NaN where a matrix is not finite.

    Notes
    -----
    In the book: :doc:`/book/appendices/p_simulations`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import network
    >>> network.singular_values(network.Weights(np.diag([1.0, 3.0]), np.eye(2), np.ones((1, 2)))).Wx
    array([3., 1.])
    """
    return SingularValues(*(_spectrum(w) for w in valid.weights(weights)))


def _spectrum(W):
    out = np.full((*W.shape[:-2], min(W.shape[-2:])), np.nan)
    finite = np.isfinite(W).all(axis=(-2, -1))
    # One NaN matrix makes LAPACK's whole stack an error.
    out[finite] = np.linalg.svd(W[finite], compute_uv=False)
    return out
