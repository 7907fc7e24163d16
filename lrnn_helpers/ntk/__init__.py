"""The neural tangent kernel of a linear RNN of any width, and how far it moves.

What (129)-(134) and (160)-(162) aim at, with the printed forms put right: the recurrent term has the sign of the
others, every range reaches T, and powers of W_h do not commute with the gradient. Leading axes of weights and modes
are networks; one that is NaN has a NaN kernel and distance of its own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from lrnn_helpers import _jit, _threads
from lrnn_helpers import _validation as valid
from lrnn_helpers.ntk import _routes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lrnn_helpers.modes import Modes
    from lrnn_helpers.network import Weights

__all__ = [
    "aligned_ntk_distance",
    "jacobian",
    "kernel_distance",
    "ntk",
    "ntk_distance",
]


# Multiply-adds of one call to the batched routines: enough to hide Python, few enough to stay in the cache.
WORK = 2e7
# Multiply-adds for which it pays to start a thread.
WORTH = 5e6
# Below this a distance is not taken from 1 - cos, which keeps ten digits of it, but from the kernels themselves.
SMALL = 1e-6


def ntk(
    weights: Weights,
    x: ArrayLike,
    *,
    outputs: Literal["last", "all"] = "last",
    compiled: bool | None = None,
) -> np.ndarray:
    """The tangent kernel K = J Jᵀ of the outputs: (129)-(134), or (160)-(162) for T outputs, put right.

    With H_t = W_h H_(t-1) + W_x X_t and B_t = W_y W_h^(T-t),
    K = H_Tᵀ H_T ⊗ I + Σ_(t,s) (X_tᵀ X_s + H_(t-1)ᵀ H_(s-1)) ⊗ B_t B_sᵀ. The cheapest of three ways to sum it is taken;
    one of them goes through the input-space matrix Q of K = (X ⊗ I) Q (X ⊗ I)ᵀ, whose cost does not grow with P.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    x : array_like, (P, T, N_x)
        Inputs, the same for every network.
    outputs : {"last", "all"}
        The kernel of ŷ_T, or of ŷ_1 … ŷ_T with all its blocks K_(t,t').
    compiled : bool, optional
        Whether it is summed from Jacobians in code compiled by numba, or by numpy, the reference. By default it is
        compiled where numba is installed, N_x, N_h and N_y are at most 8 and no other way to sum it is cheaper. Results
        differ by rounding.

    Returns
    -------
    numpy.ndarray, (..., P·N_y, P·N_y) or (..., P·T·N_y, P·T·N_y)
        Symmetric, positive semidefinite; rows in the order of ``forward(weights, x, outputs=outputs).reshape(-1)``.

    Raises
    ------
    ValueError
        If the sizes do not fit together or `x` is not finite, or if `compiled` is asked for with wider networks.
    ImportError
        If `compiled` is asked for and numba is not installed.

    Notes
    -----
    In the book: :doc:`/book/appendices/i_ntk`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import network, ntk
    >>> W = network.unaligned_weights(1.0, N_x=2, N_h=5, N_y=3, seed=0)
    >>> x = np.random.default_rng(1).normal(size=(4, 6, 2))
    >>> K, J = ntk.ntk(W, x), ntk.jacobian(W, x)
    >>> K.shape, bool(np.allclose(K, J @ J.T))
    ((12, 12), True)
    """
    W, x = _network(weights, x, outputs)
    way, cost = _routes.cheapest(W, x, outputs)
    rows = len(x) * W[2].shape[-2] * (x.shape[1] if outputs == "all" else 1)
    sizes = dict(zip(("N_x", "N_h", "N_y"), _routes.sizes(W), strict=True))
    by_default = compiled is None and way is not _routes.by_jacobian
    if not by_default and _jit.wanted(compiled, _routes.COMPILED, sizes):
        way, cost = _routes.by_compiled, _routes.costs(W, *x.shape[:2], outputs)[_routes.by_jacobian]
    return _in_parts(lambda W: way(W, x, outputs), (rows, rows), cost, 2, weights=W)


def jacobian(weights: Weights, x: ArrayLike, *, outputs: Literal["last", "all"] = "last") -> np.ndarray:
    """The gradients of all outputs, the J of K = J Jᵀ.

    Parameters
    ----------
    weights, x, outputs
        As in `ntk`.

    Returns
    -------
    numpy.ndarray, (..., rows, N_h N_x + N_h² + N_y N_h)
        Rows as in `ntk`; columns are the entries of Wx, then Wh, then Wy, each in the order of ``reshape(-1)``.

    Raises
    ------
    ValueError
        As `ntk`.

    Notes
    -----
    In the book: :doc:`/book/appendices/i_ntk`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import network, ntk
    >>> W = network.unaligned_weights(1.0, N_x=2, N_h=5, N_y=3, seed=0)
    >>> ntk.jacobian(W, np.ones((4, 6, 2))).shape  # 4 · 3 outputs, 5 · 2 + 5 · 5 + 3 · 5 weights
    (12, 50)
    """
    W, x = _network(weights, x, outputs)
    x = _routes.unrolled(x, outputs)
    N_x, N_h, N_y = _routes.sizes(W)
    rows = len(x) * N_y

    def columns(W):
        J, last = _routes.jacobian(W, x)
        J = J.swapaxes(-2, -1)
        Jy = np.eye(N_y)[:, :, None] * last[:, :, None, None]
        return np.concatenate([b.reshape(len(J), rows, -1) for b in (J[..., :N_x], J[..., N_x:], Jy)], axis=-1)

    count = N_h * (N_x + N_h + N_y)
    return _in_parts(columns, (rows, count), 20 * rows * count, 2, weights=W)


def kernel_distance(k0: ArrayLike, k1: ArrayLike) -> np.ndarray:
    """Distance of two kernels, (135): 1 - ⟨K, K'⟩/(‖K‖ ‖K'‖), computed as ½ ‖K/‖K‖ - K'/‖K'‖‖².

    In that form a small distance keeps its digits and none is negative; the size of a kernel does not matter. It is 0
    for proportional kernels, at most 1 where both are positive semidefinite, at most 2 for any.

    Parameters
    ----------
    k0, k1 : array_like, (..., n, m)
        Kernels; leading axes broadcast. Complex ones enter by the real part of their inner product.

    Returns
    -------
    numpy.ndarray, (...)
        NaN where a kernel is zero, which has no direction, or not finite.

    Raises
    ------
    ValueError
        If the kernels do not end in two axes of the same sizes, or leading axes do not broadcast.

    Notes
    -----
    In the book: :doc:`/book/results/rich_learning`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import ntk
    >>> float(ntk.kernel_distance(np.eye(2), 3 * np.eye(2)))  # size does not matter
    0.0
    >>> round(float(ntk.kernel_distance(np.eye(2), np.diag([1.0, 0.0]))), 4)  # 1 - 1/√2
    0.2929
    """
    k0, k1 = (valid.array(name, k, finite=False) for name, k in (("k0", k0), ("k1", k1)))
    if min(k0.ndim, k1.ndim) < 2 or k0.shape[-2:] != k1.shape[-2:] or 0 in k0.shape[-2:]:
        raise ValueError(f"k0 and k1 must end in the same two axes, each >= 1, got shapes {k0.shape} and {k1.shape}")
    valid.broadcast(k0=k0.shape[:-2], k1=k1.shape[:-2])
    size = k0.shape[-2] * k0.shape[-1]
    return _routes.distance(*(k.reshape(*k.shape[:-2], size) for k in (k0, k1)))


def ntk_distance(
    weights0: Weights,
    weights1: Weights,
    x: ArrayLike | None = None,
    T: int | None = None,
    *,
    outputs: Literal["last", "all"] = "last",
) -> np.ndarray:
    """Distance (135) of the kernels of two networks, from the input covariance or, if that is white, without data.

    K = (X ⊗ I) Q (X ⊗ I)ᵀ, so the inner products need only Σ_p x_p x_pᵀ: a root of it takes the place of the samples,
    T·N_x rows however large P is. Where the network is small, ⟨K, K'⟩ = ‖Jᵀ J'‖² and no kernel is formed, unless the
    distance is so small that it needs them. As with `kernel_distance` a small distance keeps its digits.

    Parameters
    ----------
    weights0, weights1 : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h); leading axes broadcast, and the two N_h may differ.
    x : array_like, (P, T, N_x), optional
        Inputs. Exactly one of `x` and `T` is given.
    T : int, optional
        Trajectory length of white inputs, Σ_p x_t x_t'ᵀ = δ_tt' I or any multiple of it.
    outputs : {"last", "all"}
        As in `ntk`.

    Returns
    -------
    numpy.ndarray, (...)
        In [0, 1]; NaN where a network is not finite or its kernel is zero.

    Raises
    ------
    ValueError
        If both or none of `x` and `T` are given, the sizes do not fit together, T < 1 or `x` is not finite.

    Notes
    -----
    In the book: :doc:`/book/results/rich_learning`.

    Examples
    --------
    >>> from lrnn_helpers import network, ntk
    >>> W = network.unaligned_weights([0.5, 1.0], N_x=2, N_h=4, N_y=2, seed=0)
    >>> after = network.Weights(W.Wx, 0.5 * W.Wh, W.Wy)
    >>> ntk.ntk_distance(W, after, T=5).shape  # white inputs, no data needed
    (2,)
    """
    if (x is None) == (T is None):
        raise ValueError(f"exactly one of x and T must be given, got {'none' if x is None else 'both'}")
    valid.outputs(outputs)
    W0, W1 = _lost(valid.weights(weights0)), _lost(valid.weights(weights1))
    (N_x, _, N_y), other = _routes.sizes(W0), _routes.sizes(W1)
    if (N_x, N_y) != (other[0], other[2]):
        raise ValueError(
            "weights0 and weights1 must have the same N_x and N_y, "
            f"got N_x = {N_x}, N_y = {N_y} and N_x = {other[0]}, N_y = {other[2]}"
        )
    if x is None:
        root = _lag_root(valid.integer("T", T, at_least=1), outputs)
        x = _white(root, N_x)
        scale = np.outer(root, root)[:, None, None, :, None, None]
        cost = sum(_routes.response_cost(W, len(root)) for W in (W0, W1))

        def kernel(W):
            return _routes.responses(W, len(root)) * scale
    else:
        x = _covariance_root(_routes.unrolled(valid.inputs(x, N_x), outputs))
        cost = sum(_routes.cheapest(W, x)[1] for W in (W0, W1))

        def kernel(W):
            return _routes.cheapest(W, x)[0](W, x, "last")

    def by_kernels(W0, W1):
        return _routes.distance(*(kernel(W).reshape(len(W[0]), -1) for W in (W0, W1)))

    def by_tangents(W0, W1):
        d = _routes.tangent_distance(W0, W1, x)
        small = d < SMALL
        if small.any():
            W0, W1 = ([w if len(w) == 1 else w[small] for w in W] for W in (W0, W1))
            d[small] = _in_parts(by_kernels, (), kernel_cost, 2, weights0=W0, weights1=W1)
        return d

    kernel_cost = cost + _routes.distance_cost(len(x) * N_y)
    ways = ((_routes.tangent_cost(W0, W1, *x.shape[:2]), by_tangents), (kernel_cost, by_kernels))
    cost, way = min(ways, key=lambda item: item[0])
    return _in_parts(way, (), cost, 2, weights0=W0, weights1=W1)


def aligned_ntk_distance(
    modes0: Modes,
    modes1: Modes,
    T: int,
    N_x: int | None = None,
    N_y: int | None = None,
    *,
    outputs: Literal["last", "all"] = "last",
) -> np.ndarray:
    """Distance (135) of the kernels of two aligned networks with white inputs, in closed form in their modes.

    In the singular vectors (or eigenvectors) of the task the kernel falls into blocks, T by T in the lags, one for each
    output dimension μ and input dimension ν: u u† + v v† + w w† with u_k = a_ν b_ν^k, v_k = c_μ b_μ^k and
    w_k = c_μ a_ν Σ_(r+q=k-1) b_μ^r b_ν^q.

    Parameters
    ----------
    modes0, modes1 : Modes, each (..., N)
        Real modes of `aligned_weights` with the same U and V, or complex ones of `rotational_weights` with the same P;
        leading axes broadcast.
    T : int
        Trajectory length, >= 1.
    N_x, N_y : int, optional
        Numbers of inputs and outputs, N by default. The others have no mode, yet the kernel knows them. N_h is free.
    outputs : {"last", "all"}
        As in `ntk`.

    Returns
    -------
    numpy.ndarray, (...)
        In [0, 1]; NaN where a mode is not finite or all are zero.

    Raises
    ------
    ValueError
        If the shapes do not fit together, T < 1, or N_x or N_y is less than N.

    Notes
    -----
    In the book: :doc:`/book/results/rich_learning`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import ntk
    >>> from lrnn_helpers.modes import Modes
    >>> before, after = Modes(*np.full((3, 2), 0.1)), Modes(*np.ones((3, 2)))
    >>> round(float(ntk.aligned_ntk_distance(before, after, T=5)), 4)
    0.9336
    """
    T, outputs = valid.integer("T", T, at_least=1), valid.outputs(outputs)
    modes0, modes1 = (valid.modes(m, name, columns=True) for name, m in (("modes0", modes0), ("modes1", modes1)))
    N = modes0[0].shape[-1]
    if modes1[0].shape[-1] != N:
        raise ValueError(f"modes0 and modes1 must have the same N, got {N} and {modes1[0].shape[-1]}")
    idle = [0 if n is None else valid.integer(name, n, at_least=N) - N for name, n in (("N_x", N_x), ("N_y", N_y))]
    root = _lag_root(T, outputs)
    return _in_parts(
        lambda m0, m1: _routes.distance(*(_routes.mode_blocks(m, root, *idle) for m in (m0, m1))),
        (),
        20 * N**2 * T**2,
        1,
        modes0=modes0,
        modes1=modes1,
    )


def _network(weights, x, outputs):
    valid.outputs(outputs)
    W = _lost(valid.weights(weights))
    return W, valid.inputs(x, W[0].shape[-1])


def _lost(W):
    """The weights, all NaN for a network of which one is not finite: then every way to sum its kernel says so."""
    finite = np.logical_and.reduce(np.broadcast_arrays(*(np.isfinite(w).all(axis=(-2, -1)) for w in W)))
    return W if finite.all() else tuple(np.where(finite[..., None, None], w, np.nan) for w in W)


def _lag_root(T, outputs):
    """Root of how often each lag k = 0 … T-1 occurs: once, or T-k times with T outputs."""
    return np.ones(T) if outputs == "last" else np.sqrt(T - np.arange(T))


def _white(root, N_x):
    """Trajectories (T·N_x, T, N_x) with the covariance of white inputs: an impulse at each lag and channel."""
    return np.diag(np.repeat(root, N_x)).reshape(-1, len(root), N_x)[:, ::-1]


def _covariance_root(x):
    """Trajectories with the covariance of x, at most T·N_x of them."""
    n, T, N_x = x.shape
    return x if n <= T * N_x else np.linalg.qr(x.reshape(n, -1), mode="r").reshape(-1, T, N_x)


def _in_parts(function, shape, cost, core, **groups):
    """Results of `function`, each of this shape, for all networks: over the cores, and parts of the batch at a time.

    Each group is a list of arrays that end in `core` axes of their own; the leading axes of all are broadcast. One
    network costs `cost` multiply-adds.
    """
    own = {
        name: valid.broadcast(**dict(zip("abc", (m.shape[:-core] for m in g), strict=True)))
        for name, g in groups.items()
    }
    lead = valid.broadcast(**own)
    flat = []
    for axes, group in zip(own.values(), groups.values(), strict=True):
        # One network that stands against many is not repeated.
        axes = axes if math.prod(axes) == 1 else lead
        full = [m if m.shape[:-core] == axes else np.broadcast_to(m, axes + m.shape[-core:]) for m in group]
        flat.append([m.reshape(math.prod(axes), *m.shape[-core:]) for m in full])
    size, step = math.prod(lead), int(max(1, WORK // cost))

    def run(part):
        with np.errstate(all="ignore"):
            return function(*(g if len(g[0]) == 1 else [m[part] for m in g] for g in flat))

    if size == 1:
        return run(slice(1)).reshape((*lead, *shape))[()]
    out = np.empty((size, *shape))

    def fill(rows):
        for start in range(rows.start, rows.stop, step):
            part = slice(start, min(start + step, rows.stop))
            out[part] = run(part)

    _threads.over(fill, size, least=1 + int(WORTH // cost))
    return out.reshape((*lead, *shape))
