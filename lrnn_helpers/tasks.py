"""Tasks: inputs and targets of chosen correlations, appendix P.4, and the statistics that training needs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lrnn_helpers import _validation as valid
from lrnn_helpers.bases import orthonormal_columns, random_orthogonal, rotation_basis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "SOURCES",
    "TARGETS",
    "Moments",
    "Task",
    "correlations",
    "input_covariance",
    "moments",
    "rotational_task",
    "sensory_task",
    "structured_task",
    "white_inputs",
]


TARGETS = ("sum", "mean", "late", "early")
SOURCES = ("neurogym", "gaussian")


class Task(NamedTuple):
    """Samples, and what they were built from (None where data are given).

    Attributes
    ----------
    x : numpy.ndarray, (samples, T, N_x)
        Inputs.
    y : numpy.ndarray, (samples, N_y) or (samples, T, N_y)
        Targets; three axes mean T outputs.
    U, V : numpy.ndarray, (N_y, N), (N_x, N)
        Singular vectors of a structured task.
    P : numpy.ndarray, (N, N)
        Eigenvectors of a rotational task, the paper's P; the number of samples is ``len(x)``.
    s, d : numpy.ndarray, (N, T)
        Singular values (or (N, T, T)), eigenvalues.
    """

    x: np.ndarray
    y: np.ndarray
    U: np.ndarray | None = None
    V: np.ndarray | None = None
    P: np.ndarray | None = None
    s: np.ndarray | None = None
    d: np.ndarray | None = None


class Moments(NamedTuple):
    """What loss (4) depends on, in place of samples: `training.train` takes it where it takes a Task.

    Attributes
    ----------
    correlations : numpy.ndarray, (T, N_y, N_x) or (T_out, T_in, N_y, N_x)
        As `correlations` gives them; four axes mean T outputs.
    covariance : numpy.ndarray, (T, T, N_x, N_x)
        As `input_covariance` gives it.
    square : float, optional
        Σ_p ‖y_p‖² (and Σ_t). Without it losses count from that of the best linear map of the inputs.
    samples : int, optional
        Their number P, which only the mean loss needs.
    """

    correlations: np.ndarray
    covariance: np.ndarray
    square: float | None = None
    samples: int | None = None


def white_inputs(T: int, N_x: int, P: int, seed: int | np.random.Generator) -> np.ndarray:
    """Inputs of zero sample mean with Σ_p x_t x_t'ᵀ = δ_tt' I, uniformly distributed among all such (Assumption 1).

    A sum over samples, as loss (4) counts: a single entry has variance 1/P.

    Parameters
    ----------
    T, N_x : int
        Trajectory length and number of inputs, >= 1.
    P : int
        Number of samples, >= T·N_x + 1.
    seed : int or numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    numpy.ndarray, (P, T, N_x)
        White and of zero mean, both to rounding.

    Raises
    ------
    ValueError
        If P is too small to whiten, or a size is < 1.

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import tasks
    >>> x = tasks.white_inputs(T=3, N_x=2, P=20, seed=0)
    >>> np.round(np.abs(tasks.input_covariance(x)[0, 0]), 12)  # Σ_p x_1 x_1ᵀ
    array([[1., 0.],
           [0., 1.]])
    """
    T, N_x = valid.integer("T", T, at_least=1), valid.integer("N_x", N_x, at_least=1)
    P = valid.integer("P", P, at_least=1)
    if T * N_x + 1 > P:
        raise ValueError(
            f"P must be >= T·N_x + 1 = {T * N_x + 1} for exactly white inputs of zero sample mean "
            f"(T = {T}, N_x = {N_x}), got {P}"
        )
    x = np.random.default_rng(seed).standard_normal((P, T * N_x))
    Q, R = np.linalg.qr(x - x.mean(axis=0))
    return (Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)).reshape(P, T, N_x)


def structured_task(
    s: ArrayLike,
    P: int,
    seed: int | np.random.Generator,
    U: ArrayLike | None = None,
    V: ArrayLike | None = None,
    *,
    outputs: Literal["last", "all"] = "last",
) -> Task:
    """White inputs and targets whose correlations are Σ^(YX_t) = U S_t Vᵀ, P.4.1 with (203) put right.

    y_p = Σ_i U S_i Vᵀ x_(p,i); for T outputs y_(p,t) = Σ_(i≤t) U S_(t,i) Vᵀ x_(p,i).

    Parameters
    ----------
    s : array_like, (N, T)
        Singular values, the last axis is time; (N, T, T), lower-triangular, for ``outputs="all"``.
    P : int
        Number of samples, >= T·N_x + 1.
    seed : int or numpy.random.Generator
        Draws the inputs, then U, then V.
    U, V : array_like, (N_y, ≥ N), (N_x, ≥ N), optional
        Orthonormal columns, of which the first N are used; random orthogonal (N, N) by default.
    outputs : {"last", "all"}
        One target a trajectory, or one each time step.

    Returns
    -------
    Task
        With Σ_p x_t x_t'ᵀ = δ_tt' I (a sum, not a mean) and zero sample mean, both to rounding.

    Raises
    ------
    ValueError
        If `s` is not (N, T), P is too small to whiten, or U or V has columns that are not orthonormal.

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import dynamics, tasks
    >>> task = tasks.structured_task(dynamics.inverse_exponential([1.0, 0.5], [0.9, 0.5], T=3), P=20, seed=0)
    >>> S = task.U.T @ tasks.correlations(*task[:2]) @ task.V
    >>> np.round(np.diagonal(S, axis1=1, axis2=2).T, 12)
    array([[0.81 , 0.9  , 1.   ],
           [0.125, 0.25 , 0.5  ]])
    """
    valid.outputs(outputs)
    s = _rows("s", valid.trajectory("s", valid.array("s", s, real=True), outputs), outputs)
    N, T = s.shape[0], s.shape[-1]
    rng = np.random.default_rng(seed)
    V = None if V is None else orthonormal_columns("V", V, N)
    U = None if U is None else orthonormal_columns("U", U, N)
    x = white_inputs(T, N if V is None else V.shape[0], P, rng)
    # Both are always drawn, so that giving one does not change the other.
    drawn = random_orthogonal(N, rng), random_orthogonal(N, rng)
    U, V = drawn[0] if U is None else U, drawn[1] if V is None else V
    subscripts = "ya,ai,na,pin->py" if outputs == "last" else "ya,ati,na,pin->pty"
    return Task(x, np.einsum(subscripts, U, s, V, x, optimize=True), U=U, V=V, s=s)


def _rows(name, value, outputs="last"):
    """(N, T), or (N, T, T): tasks have one axis of dimensions and no batch."""
    if value.ndim != (2 if outputs == "last" else 3) or value.shape[0] < 1:
        shape = "(N, T)" if outputs == "last" else "(N, T, T)"
        raise ValueError(f"{name} must have shape {shape}, N >= 1, got shape {value.shape}")
    return value


def rotational_task(d: ArrayLike, P: int, seed: int | np.random.Generator) -> Task:
    """White inputs and targets whose correlations are Σ^(YX_t) = P D_t P†, real; P.4.1 with (204) put right.

    y_p = Σ_i P D_i P† x_(p,i), where P is `bases.rotation_basis`, so that P D_i P† is block-diagonal with blocks
    [[μ, -ν], [ν, μ]] for an eigenvalue μ + iν and its conjugate.

    Parameters
    ----------
    d : array_like, (N, T)
        Eigenvalues, the last axis is time. A complex row is followed by its conjugate; a real row stands alone.
    P : int
        Number of samples, >= T·N + 1.
    seed : int or numpy.random.Generator
        Draws the inputs.

    Returns
    -------
    Task
        Its `P` holds the eigenvectors, in the order of the rows of `d`.

    Raises
    ------
    ValueError
        If `d` is not (N, T), a complex row is not followed by its conjugate, or the number of samples is too small.

    Notes
    -----
    In the book: :doc:`/book/appendices/n_eigenspace`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import dynamics, tasks
    >>> d = dynamics.inverse_exponential(1.0, 0.9 * np.exp(0.5j), T=4)
    >>> task = tasks.rotational_task([d, d.conj()], P=20, seed=0)
    >>> task.x.shape, task.y.shape
    ((20, 4, 2), (20, 2))
    """
    d = _rows("d", valid.trajectory("d", d)).astype(complex)
    N, T = d.shape
    basis = rotation_basis(N, _conjugate_pairs(d))
    x = white_inputs(T, N, P, seed)
    sigma = np.einsum("na,at,ma->tnm", basis, d, basis.conj()).real
    return Task(x, np.einsum("tnm,ptm->pn", sigma, x), P=basis, d=d)


def _conjugate_pairs(d):
    """First row of each pair of conjugate rows."""
    pairs, j = [], 0
    while j < len(d):
        tolerance = 1e-12 * np.abs(d[j]).max()
        if (np.abs(d[j].imag) <= tolerance).all():
            j += 1
            continue
        if j + 1 == len(d) or (np.abs(d[j + 1] - d[j].conj()) > tolerance).any():
            got = "no row after it" if j + 1 == len(d) else f"{d[j + 1]}"
            raise ValueError(f"d must have the conjugate of complex row {j} in row {j + 1}, got {d[j]} and {got}")
        pairs.append(j)
        j += 2
    return pairs


def sensory_task(
    target: str | ArrayLike,
    T: int,
    P: int,
    seed: int | np.random.Generator,
    *,
    source: Literal["neurogym", "gaussian"] = "neurogym",
) -> Task:
    """The sensory integration task of P.4.3: neurogym's two noisy modalities of two channels each, not whitened.

    Four input channels (fixation dropped): 0.5 ± c/200 at every step of a trial, plus noise of standard deviation 0.1
    (dt = 100 ms). The sign is the side, + in one channel of each modality and - in the other; the coherence of the
    trial, 5, 15 or 50, is split between the modalities at random. The target is, in each channel, Σ x_t ("sum"),
    Σ x_t / T ("mean"), 0.1 Σ t x_t ("late"), Σ x_t / t ("early"), or Σ w_t x_t.

    Parameters
    ----------
    target : {"sum", "mean", "late", "early"} or array_like, (T,)
        What is to be computed; an array holds the weights w_t.
    T : int
        Number of time steps of the stimulus, >= 1.
    P : int
        Number of trials, >= 1.
    seed : int or numpy.random.Generator
        Seeds the environment, or draws the trials.
    source : {"neurogym", "gaussian"}
        The environment itself, or trials of the same law drawn here, without neurogym.

    Returns
    -------
    Task
        x (P, T, 4) and y (P, 4).

    Raises
    ------
    ValueError
        If `target` is unknown or no array of T finite numbers, `source` is unknown, or T or P is < 1.
    ImportError
        If neurogym is asked for and not installed.

    Notes
    -----
    In the book: :doc:`/book/appendices/p_simulations`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import tasks
    >>> task = tasks.sensory_task("mean", T=6, P=100, seed=0, source="gaussian")
    >>> task.x.shape, bool(np.allclose(task.y, task.x.mean(axis=1)))
    ((100, 6, 4), True)
    """
    T, P = valid.integer("T", T, at_least=1), valid.integer("P", P, at_least=1)
    weight = _target_weights(target, T)
    rng = np.random.default_rng(seed)
    draw = {"neurogym": _neurogym_trials, "gaussian": _gaussian_trials}[valid.one_of("source", source, SOURCES)]
    x = draw(T, P, rng)
    return Task(x, np.einsum("t,ptn->pn", weight, x))


def _target_weights(target, T):
    if isinstance(target, str):
        t = np.arange(1, T + 1)
        known = {"sum": np.ones(T), "mean": np.full(T, 1 / T), "late": 0.1 * t, "early": 1 / t}
        return known[valid.one_of("target", target, TARGETS)]
    weight = valid.array("target", target, real=True)
    if weight.shape != (T,):
        raise ValueError(f"target must be one of {', '.join(TARGETS)} or T = {T} weights, got shape {weight.shape}")
    return weight


def _neurogym_trials(T, P, rng):
    try:
        from neurogym.envs.native.multisensory import MultiSensoryIntegration
    except ImportError as error:
        raise ImportError(
            "sensory_task needs neurogym: pip install 'lrnn-helpers[sensory]', or take source=\"gaussian\""
        ) from error
    dt = 100
    # neurogym's own 750 ms are seven steps at 100 ms; a stimulus of T·dt ms has T.
    env = MultiSensoryIntegration(dt=dt, timing={"fixation": dt, "stimulus": T * dt, "decision": dt})
    env.seed(int(rng.integers(2**31)))
    x = np.empty((P, T, 4))
    for p in range(P):
        env.new_trial()
        x[p] = env.view_ob("stimulus")[:, 1:]
    return x


def _gaussian_trials(T, P, rng):
    coherence, split, side = rng.choice([5.0, 15.0, 50.0], P), rng.random(P), rng.choice([-1.0, 1.0], P)
    strength = np.stack([split, 1 - split], axis=-1) * (coherence * side / 200)[:, None]
    mean = 0.5 + np.stack([strength, -strength], axis=-1).reshape(P, 1, 4)
    return mean + 0.1 * rng.standard_normal((P, T, 4))


def correlations(x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Input-output correlations Σ_p y_p x_(p,t)ᵀ, (19) and (145): sums over samples, not means.

    Parameters
    ----------
    x : array_like, (P, T, N_x)
        Inputs.
    y : array_like, (P, N_y) or (P, T, N_y)
        Targets.

    Returns
    -------
    numpy.ndarray, (T, N_y, N_x) or (T_out, T_in, N_y, N_x)
        For T outputs every pair of times is there, also inputs later than the output, which (145) leaves out.

    Raises
    ------
    ValueError
        If the shapes do not fit or an entry is not finite.

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import tasks
    >>> x = np.array([[[1.0], [2.0]], [[0.0], [1.0]]])  # P = 2, T = 2, N_x = 1
    >>> tasks.correlations(x, np.array([[1.0], [3.0]])).ravel()
    array([1., 5.])
    """
    x, y = valid.samples(x, y)
    return np.einsum("py,ptn->tyn" if y.ndim == 2 else "poy,ptn->otyn", y, x, optimize=True)


def input_covariance(x: ArrayLike) -> np.ndarray:
    """Input correlations Σ_p x_(p,t) x_(p,t')ᵀ, (21): a sum over samples, not a mean.

    Parameters
    ----------
    x : array_like, (P, T, N_x)
        Inputs.

    Returns
    -------
    numpy.ndarray, (T, T, N_x, N_x)
        Entry [t, t'] is Σ^(X_t X_t').

    Raises
    ------
    ValueError
        If `x` is not (P, T, N_x) or not finite.

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import tasks
    >>> x = np.array([[[1.0], [2.0]], [[0.0], [1.0]]])
    >>> tasks.input_covariance(x)[:, :, 0, 0]
    array([[1., 2.],
           [2., 5.]])
    """
    x = valid.inputs(x)
    return np.einsum("ptn,pum->tunm", x, x, optimize=True)


def moments(x: ArrayLike, y: ArrayLike) -> Moments:
    """The moments of samples, all that training in closed form needs of them.

    Parameters
    ----------
    x : array_like, (P, T, N_x)
        Inputs.
    y : array_like, (P, N_y) or (P, T, N_y)
        Targets.

    Returns
    -------
    Moments

    Raises
    ------
    ValueError
        If the shapes do not fit or an entry is not finite.

    Notes
    -----
    In the book: :doc:`/book/scaling`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import tasks
    >>> m = tasks.moments(np.ones((4, 3, 2)), np.ones((4, 1)))
    >>> m.correlations.shape, m.covariance.shape, m.square, m.samples
    ((3, 1, 2), (3, 3, 2, 2), 4.0, 4)
    """
    x, y = valid.samples(x, y)
    return Moments(correlations(x, y), input_covariance(x), float(np.sum(y**2)), len(x))
