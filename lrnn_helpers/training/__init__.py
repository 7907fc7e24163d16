"""Gradient descent on loss (4) or (144), for many networks at once.

Training in closed form needs the correlations of the data only, whatever the number of samples; autograd on the samples
is the witness. A network never depends on the others of its batch, so batches may be cut and joined at will.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Mapping
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import joblib
import numpy as np
from tqdm import tqdm

from lrnn_helpers import _jit
from lrnn_helpers import _validation as valid
from lrnn_helpers.network import Weights
from lrnn_helpers.tasks import Moments
from lrnn_helpers.training import _gradient, _stability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import ArrayLike

    from lrnn_helpers.tasks import Task

__all__ = [
    "History",
    "gradient",
    "loss_value",
    "sweep",
    "train",
]


METHODS = ("covariance", "autograd")
LOSSES = ("sum", "mean")
# Steps between two looks at the clock, and the seconds before a progress bar shows.
PIECE, PATIENCE = 1000, 2.0


class History(NamedTuple):
    """What training recorded.

    Attributes
    ----------
    steps : numpy.ndarray of int, (R,)
        The numbers of steps taken at each record.
    weights : Weights
        The weights at each record, (R, ..., N_h, N_x) and so on.
    loss : numpy.ndarray, (R, ...)
        The loss of those weights.
    final : Weights
        The weights after the last step, (..., N_h, N_x) and so on.
    diverged : numpy.ndarray of bool, (...)
        Networks whose weights left the floating-point numbers; from then on they are NaN.
    taken : numpy.ndarray of int, (...)
        The steps that each network took: all of them, or with `gradient_tolerance` those before its gradient was small.
        Of one that diverged, those before its gradient was no number: one more or less with `compiled`.
    """

    steps: np.ndarray
    weights: Weights
    loss: np.ndarray
    final: Weights
    diverged: np.ndarray
    taken: np.ndarray


def _networks(weights, lead=()):
    """Leading axes and the weights as three contiguous (B, ., .) copies."""
    W = valid.weights(weights)
    lead = valid.broadcast(Wx=W[0].shape[:-2], Wh=W[1].shape[:-2], Wy=W[2].shape[:-2], learning_rate=lead)
    return lead, Weights(*(np.broadcast_to(w, (*lead, *w.shape[-2:])).reshape(-1, *w.shape[-2:]).copy() for w in W))


def _samples(task, weights):
    if isinstance(task, Moments):
        raise TypeError("samples are needed here, got Moments")
    try:
        x, y = task[:2]
    except (TypeError, ValueError) as error:
        raise ValueError(f"task must be a Task(x, y), got {type(task).__name__}") from error
    return valid.samples(x, y, weights.Wx.shape[-1], weights.Wy.shape[-2])


def _statistics(task, weights, loss):
    """What the closed form needs of samples or moments, and what the sum-of-squares loss (4) is multiplied by."""
    if not isinstance(task, Moments):
        x, y = _samples(task, weights)
        return _gradient.statistics(x, y), _scale(loss, y.size)
    N_x, N_y = weights.Wx.shape[-1], weights.Wy.shape[-2]
    statistics = _gradient.statistics_of_moments(task, N_x, N_y)
    if loss == "mean" and task.samples is None:
        raise ValueError('loss="mean" needs the number of samples, got Moments without it')
    outputs = N_y if np.ndim(task.correlations) == 3 else N_y * statistics.lags
    return statistics, _scale(loss, outputs * (task.samples or 1))


def _scale(loss, entries):
    """What the sum-of-squares loss (4) is multiplied by, for so many entries of y."""
    return 1.0 if valid.one_of("loss", loss, LOSSES) == "sum" else 2.0 / entries


def loss_value(weights: Weights, task: Task | Moments, loss: Literal["sum", "mean"] = "sum") -> np.ndarray:
    """Loss (4) of each network, (144) for T outputs, computed on the samples.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    task : Task or Moments
        Its `x` (P, T, N_x) and `y` (P, N_y) or (P, T, N_y) are used.
    loss : {"sum", "mean"}
        ½ Σ_p ‖y_p - ŷ_p‖² (and Σ_t), or P.2's mean squared error over all entries of y, 2/(P N_y) times that
        (2/(P T N_y) for T outputs).

    Returns
    -------
    numpy.ndarray, (...)

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import dynamics, network, tasks, training
    >>> task = tasks.structured_task(dynamics.constant([1.0], T=3), P=10, seed=0)
    >>> zero = network.Weights(np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> round(float(training.loss_value(zero, task)), 12)  # ½ (1 + 1 + 1)
    1.5
    """
    lead, W = _networks(weights)
    with np.errstate(all="ignore"):
        if isinstance(task, Moments):
            statistics, scale = _statistics(task, W, loss)
            return scale * _gradient.loss(*W, statistics).reshape(lead)
        x, y = _samples(task, W)
        return _scale(loss, y.size) * _gradient.sample_loss(*W, (x, y)).reshape(lead)


def gradient(
    weights: Weights,
    task: Task | Moments,
    method: Literal["covariance", "autograd"] = "covariance",
    loss: Literal["sum", "mean"] = "sum",
) -> Weights:
    """The gradient of the loss with respect to each matrix, (16)-(18), and that of (144) for T outputs.

    Parameters
    ----------
    weights : Weights
        Shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h).
    task : Task or Moments
        Its `x` (P, T, N_x) and `y` (P, N_y) or (P, T, N_y) are used.
    method : {"covariance", "autograd"}
        In closed form from the correlations, or by backpropagation through time on the samples.
    loss : {"sum", "mean"}
        As in `loss_value`.

    Returns
    -------
    Weights
        ∂L/∂W_x, ∂L/∂W_h, ∂L/∂W_y, shaped as the weights.

    Raises
    ------
    ValueError
        If sizes do not fit together or the data are not finite.

    Notes
    -----
    In the book: :doc:`/book/appendices/b_gradient_flow`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import dynamics, network, tasks, training
    >>> task = tasks.structured_task(dynamics.constant([1.0], T=3), P=10, seed=0)
    >>> W = network.unaligned_weights(0.5, N_x=1, N_h=2, N_y=1, seed=0)
    >>> by = [training.gradient(W, task, method=m).Wh for m in ("covariance", "autograd")]
    >>> bool(np.allclose(*by, rtol=1e-12))
    True
    """
    valid.one_of("method", method, METHODS)
    lead, W = _networks(weights)
    with np.errstate(all="ignore"):
        if method == "covariance":
            statistics, scale = _statistics(task, W, loss)
            grads = _gradient.gradient(*W, statistics)
        else:
            x, y = _samples(task, W)
            scale, grads = _scale(loss, y.size), _gradient.by_backpropagation(W, (x, y))
    return Weights(*((scale * g).reshape(*lead, *g.shape[1:]) for g in grads))


def train(
    weights: Weights,
    task: Task | Moments,
    learning_rate: ArrayLike,
    steps: int,
    method: Literal["covariance", "autograd"] = "covariance",
    record_every: int | None = None,
    loss: Literal["sum", "mean"] = "sum",
    *,
    gradient_tolerance: float | None = None,
    compiled: bool | None = None,
    progress: bool | None = None,
) -> History:
    """Gradient descent from `weights` on the loss of `task`, for every network of the batch.

    Parameters
    ----------
    weights : Weights
        The start: (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h); leading axes are independent networks.
    task : Task or Moments
        Its `x` (P, T, N_x) and `y` (P, N_y) or, for T outputs, (P, T, N_y) are used. `tasks.Moments` stand for samples
        of which only the correlations are known, or that are too many; not with "autograd".
    learning_rate : float or array_like
        η > 0; an array broadcasts with the leading axes. In the time of the gradient flow a step is η/τ.
    steps : int
        Number of steps, >= 0.
    method : {"covariance", "autograd"}
        "covariance" descends the closed-form gradient on the correlations of the data: O(T N³) a step where inputs at
        different times and channels are uncorrelated, T² N³ more otherwise, whatever P is. "autograd" is the witness:
        plain backpropagation through time on the samples, one network after the other.
    record_every : int, optional
        Record the steps 0, r, 2r, …; without it the start and the end. Nothing else is kept.
    loss : {"sum", "mean"}
        ½ Σ_p ‖y_p - ŷ_p‖² (and Σ_t), loss (4), or P.2's mean squared error over all entries of y, 2/(P N_y) times that
        (2/(P T N_y) for T outputs).
    gradient_tolerance : float, optional
        Stop a network once the norm of its gradient, over all weights, is not above this, >= 0.
    compiled : bool, optional
        Whether "covariance" runs compiled by numba, many networks in one instruction if N_h is at most 8 too, or as
        matrix products of numpy's, the reference. By default it is compiled where numba is installed and N_x and N_y
        are at most 8. Results differ by rounding. The first call on a machine waits some seconds for the compiler; a
        terminal says so, and the log ``lrnn_helpers``.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default in a terminal if it takes more than two seconds.

    Returns
    -------
    History
        A network does not depend on which others are in the batch, to the last bit. One that diverges is NaN, the
        others go on.

    Warns
    -----
    RuntimeWarning
        If a network diverges: which one, and the largest stable learning rate at the solution that the modes of the
        data foresee (`modes.stable_rate`).

    Raises
    ------
    ValueError
        If sizes do not fit together, leading axes do not broadcast, data are not finite, a learning rate is not > 0,
        steps < 0 or gradient_tolerance < 0, or if `compiled` is asked for with "autograd" or more channels.
    ImportError
        If `compiled` is asked for and numba is not installed.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import dynamics, network, tasks, training
    >>> task = tasks.structured_task(dynamics.inverse_exponential([1.0, 0.5], [0.9, 0.5], T=5), P=50, seed=0)
    >>> start = network.unaligned_weights([0.05, 0.1], N_x=2, N_h=4, N_y=2, seed=0)  # two networks
    >>> run = training.train(start, task, learning_rate=0.02, steps=20000)
    >>> run.loss.shape, bool((run.loss[-1] < 1e-12).all())
    ((2, 2), False)
    """
    valid.one_of("method", method, METHODS)
    steps = valid.integer("steps", steps, at_least=0)
    rate = valid.positive("learning_rate", learning_rate)
    if record_every is None:
        when = np.unique([0, steps])
    else:
        when = np.arange(0, steps + 1, valid.integer("record_every", record_every, at_least=1))
    lead, W = _networks(weights, rate.shape)
    if method == "autograd":
        if compiled:
            raise ValueError('compiled is for method="covariance", got method="autograd"')
        data = _samples(task, W)
        advance, value, scale = _gradient.by_autograd, _gradient.sample_loss, _scale(loss, data[1].size)
    else:
        data, scale = _statistics(task, W, loss)
        sizes, wide = {"N_x": W.Wx.shape[-1], "N_y": W.Wy.shape[-2]}, W.Wh.shape[-1] > _jit.LARGEST
        fast = _jit.wanted(compiled, _gradient.WIDE if wide else _gradient.COMPILED, sizes)
        steps_of = (_gradient.by_wide if wide else _gradient.by_compiled) if fast else _gradient.by_numpy
        advance, value = steps_of, _gradient.loss
    # Below zero: no gradient is small.
    tolerance = -1.0 if gradient_tolerance is None else valid.at_least("gradient_tolerance", gradient_tolerance) / scale
    state = _gradient.State(
        W,
        np.array(np.broadcast_to(rate * scale, lead)).reshape(-1),
        np.ones(len(W.Wh), dtype=bool),
        np.zeros(len(W.Wh), dtype=int),
        tolerance,
    )
    stops = np.union1d(when, [steps])
    records = Weights(*(np.empty((len(stops), *w.shape)) for w in W))
    losses = np.empty((len(stops), len(W.Wh)))
    with np.errstate(all="ignore"), _bar(steps, progress) as bar:
        for r, stop in enumerate(stops):
            for start, end in pairwise((*range(stops[r - 1] if r else 0, stop, PIECE), stop)):
                advance(state, data, end - start)
                bar.update(end - start)
            losses[r] = value(*W, data)
            for record, w in zip(records, W, strict=True):
                record[r] = w
    # Only what is not finite any more can never come back, so looking at the records is enough.
    alive = np.logical_and.reduce([np.isfinite(r).all(axis=(-2, -1)) for r in records])
    records = Weights(*(np.where(alive[..., None, None], r, np.nan) for r in records))
    losses = np.where(alive, scale * losses, np.nan)
    records = Weights(*(r.reshape(len(r), *lead, *r.shape[2:]) for r in records))
    if not alive[-1].all():
        _warn(~alive[-1].reshape(lead), task, W, loss)
    kept = len(when)
    return History(
        steps=when,
        weights=Weights(*(r[:kept] for r in records)),
        loss=losses.reshape(len(losses), *lead)[:kept],
        final=Weights(*(r[-1].copy() for r in records)),
        diverged=~alive[-1].reshape(lead),
        taken=state.taken.reshape(lead),
    )


def _warn(diverged, task, weights, loss):
    """Say which networks diverged, and what learning rate the data allow."""
    first = tuple(int(i) for i in np.argwhere(diverged)[0])
    with np.errstate(all="ignore"):
        statistics, scale = _statistics(task, weights, loss)
        rate = _stability.stable_rate(statistics, weights.Wx.shape[-1], weights.Wy.shape[-2]) / scale
    allowed = f"; where these data are learned the largest stable learning rate is about {rate:.2g}"
    warnings.warn(
        f"{diverged.sum()} of {diverged.size} networks diverged and are NaN now, the first at index {first}"
        + (allowed if np.isfinite(rate) else ""),
        RuntimeWarning,
        stacklevel=3,
    )


def sweep(
    settings: Iterable[Mapping],
    *,
    block: int = 1024,
    n_jobs: int | None = None,
    progress: bool | None = None,
    on_result: Callable[[int, History], object] | None = None,
    **common: object,
) -> list[History]:
    """Train many settings, each with a task of its own, in independent blocks that joblib spreads over processes.

    A network does not depend on the others of its batch, so neither the blocks nor where they run change a bit of the
    results. Without `n_jobs` they run where ``joblib.parallel_config`` says: here, one after the other; in processes of
    this machine; or with ``backend="dask"`` on a cluster, which trains a block again if its worker dies.

    Parameters
    ----------
    settings : iterable of dict
        The arguments of `train` that make each setting: ``{"weights": ..., "task": ..., "learning_rate": ...}``. With
        `on_result` they are drawn as they are needed, so that a generator may run through more than memory holds.
    block : int
        The most networks in one block, >= 1.
    n_jobs : int, optional
        How many blocks at once; -1 for one on each core. By default what ``joblib.parallel_config`` says, or 1.
    progress : bool, optional
        As in `train`, for the whole sweep; it counts the networks that were handed out.
    on_result : callable, optional
        Called here with the index of a setting and its History, in the order of the settings, as soon as that is there.
        Then nothing is kept: the sweep needs the memory of the settings at work, a few for each job.
    **common
        Arguments of `train` that all settings share; a setting's own come first.

    Returns
    -------
    list of History
        One for each setting, in their order, as `train` would give it; none where `on_result` has taken them.

    Raises
    ------
    ValueError, TypeError, ImportError
        As `train`; a setting that is no mapping, block < 1, an `on_result` that is not callable. With `on_result`, when
        that setting is drawn: the results of those before it have been handed over.

    See Also
    --------
    train : one setting.

    Notes
    -----
    In the book: :doc:`/book/scaling`.

    Examples
    --------
    >>> from lrnn_helpers import dynamics, network, tasks, training
    >>> def setting(lam):
    ...     task = tasks.structured_task(dynamics.inverse_exponential([1.0], [lam], T=4), P=10, seed=0)
    ...     return {"weights": network.unaligned_weights(0.1, 1, 1, 1, seed=3), "task": task, "learning_rate": 0.05}
    >>> runs = training.sweep([setting(lam) for lam in (0.5, 0.8)], steps=5000)
    >>> [round(float(run.final.Wh[0, 0]), 6) for run in runs]
    [0.5, 0.8]
    """
    block = valid.integer("block", block, at_least=1)
    if on_result is not None and not callable(on_result):
        raise TypeError(f"on_result must be callable or None, got {on_result!r}")
    drawn, total, results = _drawn(settings, block, common), None, []
    if on_result is None:  # all of them are kept, so all may be looked at first
        drawn = list(drawn)
        total = sum(len(job["learning_rate"]) for _, jobs in drawn for job in jobs)
    shapes, faults = deque(), []
    with _bar(total, progress, "network") as bar:

        def handed_out():
            try:
                for lead, jobs in drawn:
                    shapes.append((lead, len(jobs)))
                    for job in jobs:
                        bar.update(len(job["learning_rate"]))
                        yield joblib.delayed(train)(**job)
            except Exception as fault:  # joblib may draw in a thread of its own, which would lose it
                faults.append(fault)

        parts = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(handed_out())
        for n, first in enumerate(parts):
            lead, count = shapes.popleft()
            history = _joined([first, *islice(parts, count - 1)], lead)
            if on_result is None:
                results.append(history)
            else:
                on_result(n, history)
    if faults:
        raise faults[0]
    return results


def _drawn(settings, block, common):
    """Leading axes and blocks, as arguments of `train`, of one setting after the other."""
    for n, setting in enumerate(settings):
        if not isinstance(setting, Mapping):
            raise TypeError(f"settings must be mappings of arguments of train, got {setting!r} at index {n}")
        options = common | dict(setting)
        missing = [name for name in ("weights", "task", "learning_rate", "steps") if name not in options]
        if missing:
            raise TypeError(
                f"each setting needs weights, task, learning_rate and steps, got no {missing[0]} at index {n}"
            )
        rate = valid.positive("learning_rate", options["learning_rate"])
        lead, W = _networks(options["weights"], rate.shape)
        rate = np.broadcast_to(rate, lead).reshape(-1)
        jobs = []
        for start in range(0, max(len(rate), 1), block):
            part = slice(start, start + block)
            own = {"weights": Weights(*(w[part] for w in W)), "learning_rate": rate[part], "progress": False}
            jobs.append(options | own)
        yield lead, jobs


def _joined(parts, lead):
    """The History of networks with these leading axes from those of its blocks."""

    def glue(arrays, axis):
        out = np.concatenate(arrays, axis=axis)
        return out.reshape((*out.shape[:axis], *lead, *out.shape[axis + 1 :]))

    steps, weights, loss, final, diverged, taken = zip(*parts, strict=True)
    return History(
        steps[0],
        Weights(*(glue(w, 1) for w in zip(*weights, strict=True))),
        glue(loss, 1),
        Weights(*(glue(w, 0) for w in zip(*final, strict=True))),
        glue(diverged, 0),
        glue(taken, 0),
    )


def _bar(total, progress, unit="step"):
    """A progress bar, or what looks like one and shows nothing."""
    hidden = None if progress is None else not progress  # None: hidden where there is no terminal
    return tqdm(total=total, unit=unit, leave=False, disable=hidden, delay=0 if progress else PATIENCE)
