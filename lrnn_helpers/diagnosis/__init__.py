"""From data to a prediction: what a linear RNN will make of inputs and targets, before it is trained.

`decompose` finds the patterns of the data, pairs of directions in the inputs and in the targets that do not mix with
others; `diagnose` follows the connectivity modes of each from the weights that training would start from. All sums run
over samples, as those of loss (4) do, so that learning rates are those of `training.train`; ``loss="mean"`` counts as
that of the same name there. Nothing is trained, nothing is drawn at random but the start.

Rooms below do the work: `modes` descends and knows the best modes and their curvature, `network.effective_modes` reads
the start, `solutions` extrapolates. What is here is the decomposition, the bounds, and what units without a dimension
of their own do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lrnn_helpers import _validation as valid
from lrnn_helpers import modes, network, solutions, tasks
from lrnn_helpers.diagnosis import _around, _bounds, _decompose, _predict, _report
from lrnn_helpers.diagnosis._around import Escape
from lrnn_helpers.modes import Best, Modes
from lrnn_helpers.network import EffectiveModes, Weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from lrnn_helpers.training import History

__all__ = [
    "Assumption",
    "Comparison",
    "Decomposition",
    "Diagnosis",
    "Dynamics",
    "Escape",
    "Share",
    "decompose",
    "diagnose",
]


class Share(NamedTuple):
    """A share of squared entries that should be 0, and what the sampling of so many samples alone would make of it.

    Attributes
    ----------
    value : float
        What was found, from 0 to 1.
    noise : float
        Its expectation if what should be 0 is 0 in the population, by the variance of the products that are summed:
        an analytic estimate for independent samples, nothing is resampled.
    """

    value: float
    noise: float


class Decomposition(NamedTuple):
    """Data in joint singular vectors, as `decompose` gives them: N = min(N_x, N_y) dimensions, T timesteps.

    Attributes
    ----------
    U, V : numpy.ndarray, (N_y, N), (N_x, N)
        Orthonormal columns, by falling size of `s`; the sign is that in which the last correlation is positive.
    w : numpy.ndarray, (N, T)
        What `modes` takes as ``s``: the weights that the best linear map of a dimension's input gives each of them.
    inputs : numpy.ndarray, (N, T, T)
        What `modes` takes as ``inputs``: the covariance over time of each dimension's input, a sum over samples.
    s : numpy.ndarray, (N, T)
        Singular values: correlations of each dimension's input and target, ``inputs @ w``. Of white inputs these are w.
    off_diagonal : Share
        Of the squared correlations, what stands off the diagonals of UᵀΣ_tV: Assumption 2.
    mixing : Share
        Of the squared input covariance, what stands between patterns: what is asked of inputs that are not white.
    colour : Share
        Of the squared input covariance, what a multiple of the identity leaves over: Assumption 1.
    """

    U: np.ndarray
    V: np.ndarray
    w: np.ndarray
    inputs: np.ndarray
    s: np.ndarray
    off_diagonal: Share
    mixing: Share
    colour: Share


class Assumption(NamedTuple):
    """One of the assumptions of the prediction, and whether the data and the start meet it.

    Attributes
    ----------
    name : str
        The paper's, or what is asked.
    holds : bool
        Whether `value` is within `allowed`.
    value, allowed : float
        What was found, 0 being ideal, and up to where it holds.
    noise : float
        What sampling alone would make of it; NaN where nothing is sampled.
    """

    name: str
    holds: bool
    value: float
    allowed: float
    noise: float


class Dynamics(NamedTuple):
    """The single power that is nearest to each dimension's weights, in the metric of its inputs.

    Attributes
    ----------
    kind : tuple of str, (N,)
        "constant", "exponential" or "inverse exponential", the functions of `dynamics`: exponential where early inputs
        count more; constant where λ = 1 is no worse than noise allows.
    delta, lam : numpy.ndarray, (N,)
        Its δ and λ; NaN where no power is best (the best b is infinite).
    residual : numpy.ndarray, (N,)
        The share of what the best linear map of this dimension explains that the power leaves: 0 is zero loss.
    noise : numpy.ndarray, (N,)
        The residual that noise in the targets would make on average if a power were right.
    """

    kind: tuple
    delta: np.ndarray
    lam: np.ndarray
    residual: np.ndarray
    noise: np.ndarray


class Diagnosis(NamedTuple):
    """What `diagnose` found. ``print(d)`` is the report, ``d.plot()`` the figure. N dimensions, R records.

    Losses and rates count as the ``loss`` that was asked for, sum or mean.

    Attributes
    ----------
    assumptions : tuple of Assumption
        What the prediction rests on.
    notes : tuple of str
        What the data have that is no error but worth knowing.
    data : Decomposition
        Of the dimensions that have a hidden unit.
    dynamics : Dynamics
        Fitted to each dimension.
    weights : Weights
        The start.
    start : EffectiveModes
        Its modes, R and alignment.
    learning_rate : float
        Given, or a tenth of the largest stable one.
    steps : numpy.ndarray of int, (R,)
        Of the records below.
    modes : Modes, each (R, N)
        Predicted learning curves of the modes; ``modes.u`` is ac. They begin where `start` is, but for an R in which
        the dimensions that grow first come first.
    gain : numpy.ndarray, (R, N)
        By how much each dimension lowers the loss.
    loss : numpy.ndarray, (R,)
        Predicted learning curve of the loss.
    nothing : float
        The loss of answering nothing.
    half : numpy.ndarray, (N,)
        The step at which a dimension has half of what it will gain; inf where that is beyond the records.
    order : numpy.ndarray of int, (N,)
        The dimensions in the order of these.
    end : Modes, each (N,)
        Where the modes tend to from this start.
    end_gain : numpy.ndarray, (N,)
        By how much each dimension has lowered the loss there.
    end_loss : float
        The loss there.
    best : Best
        The best single mode of each dimension, whatever the start; energies are sums over samples.
    between : float
        What the best linear map gains beyond all dimensions together, by answering across them.
    floor : float
        The loss of the best linear map of all inputs.
    bound : float
        A loss that no network of this many hidden units beats, >= floor.
    hankel : numpy.ndarray
        Singular values of the Hankel matrix of the best linear map.
    units : int
        Hidden units that this map asks for, its Hankel rank above noise.
    escape : Escape
        When units that are spare, or another dimension's, leave the landing.
    stable_rate : float
        The largest stable learning rate at the end, for all weights of a network of this size.
    mode_rates : numpy.ndarray, (N,)
        The same for the three modes of each dimension alone, `modes.stable_rate`.
    counts : str
        "sum" or "mean".
    moments : tasks.Moments
        Of the data.
    """

    assumptions: tuple
    notes: tuple
    data: Decomposition
    dynamics: Dynamics
    weights: Weights
    start: EffectiveModes
    learning_rate: float
    steps: np.ndarray
    modes: Modes
    gain: np.ndarray
    loss: np.ndarray
    nothing: float
    half: np.ndarray
    order: np.ndarray
    end: Modes
    end_gain: np.ndarray
    end_loss: float
    best: Best
    between: float
    floor: float
    bound: float
    hankel: np.ndarray
    units: int
    escape: Escape
    stable_rate: float
    mode_rates: np.ndarray
    counts: str
    moments: tasks.Moments

    def __str__(self):
        """The report; what fails comes first."""
        return _report.report(self)

    def __repr__(self):
        """One line; `str` is the report."""
        return f"<Diagnosis of {len(self.data.w)} dimensions, {self.loss[0]:.3g} to {self.end_loss:.3g}>"

    @property
    def holds(self) -> bool:
        """Whether every assumption holds."""
        return all(a.holds for a in self.assumptions)

    @property
    def activity(self) -> float:
        """The root mean square of the hidden units at the predicted end, over units and samples.

        A tanh network is linear while it is far below 1.
        """
        T, m = self.data.w.shape[1], self.end
        ways = np.asarray(m.a)[:, None] * np.asarray(m.b)[:, None] ** np.arange(T)[::-1]
        square = np.einsum("nt,ntu,nu->", ways, self.data.inputs, ways)
        return float(np.sqrt(square / (self.moments.samples * len(self.weights.Wh))))

    def end_weights(self) -> Weights:
        """The aligned network at the predicted end.

        Returns
        -------
        Weights
        """
        return network.aligned_weights(self.end, self.data.U, self.start.R, self.data.V)

    def extrapolate(self, x: ArrayLike, y: ArrayLike) -> float:
        """The loss at the predicted end on data of any length T': what a trained network will make of them.

        Parameters
        ----------
        x : array_like, (P', T', N_x)
        y : array_like, (P', N_y)

        Returns
        -------
        float
            A sum over these samples, or their mean, as the diagnosis counts.

        Raises
        ------
        ValueError
            If the sizes do not fit or an entry is not finite.
        """
        x, y = valid.samples(x, y, len(self.data.V), len(self.data.U))
        if y.ndim == 3:
            raise ValueError(LAST.format(y.shape))
        gap = y - network.forward(self.end_weights(), x)
        return float(0.5 * np.sum(gap**2) * (1.0 if self.counts == "sum" else 2.0 / y.size))

    def extrapolation_error(self, lengths: ArrayLike) -> np.ndarray:
        """The error of the predicted end at other lengths T', if the fitted dynamics go on and inputs are white.

        `solutions.extrapolation_error` for inputs of the variance of those given; for anything else `extrapolate` takes
        data.

        Parameters
        ----------
        lengths : array_like of int, (n,)
            Each T' >= 1.

        Returns
        -------
        numpy.ndarray, (n, N)
            By dimension; NaN where no dynamics could be fitted.

        Raises
        ------
        ValueError
            If a length is < 1.
        """
        lengths = [valid.integer("lengths", T, at_least=1) for T in np.atleast_1d(lengths)]
        variance = np.trace(self.data.inputs, axis1=1, axis2=2) / self.data.inputs.shape[1]
        out = np.full((len(lengths), len(variance)), np.nan)
        for row, T in zip(out, lengths, strict=True):
            for n, kind in enumerate(self.dynamics.kind):
                delta, lam = self.dynamics.delta[n], self.dynamics.lam[n]
                if np.isfinite(delta) and np.isfinite(lam):
                    s = delta * lam ** (np.arange(1, T + 1) if kind == "exponential" else np.arange(T)[::-1])
                    row[n] = variance[n] * solutions.extrapolation_error(self.end.u[n], self.end.b[n], s)
        return out * _scale(self.counts, self.moments)

    def compare(self, history: History) -> Comparison:
        """Lay a training run over the prediction: one from `weights` at `learning_rate`, counted by the same loss.

        Parameters
        ----------
        history : training.History
            Of one network, ``training.train(d.weights, task, d.learning_rate, steps, record_every=r, loss=d.counts)``.

        Returns
        -------
        Comparison
            ``print(c)`` is a table, ``c.plot()`` the figure of `plot` with the run in it.

        Raises
        ------
        ValueError
            If the history is of more than one network, or of one of other sizes.
        """
        Wx, Wh, Wy = valid.weights(history.weights)
        sizes = tuple(w.shape[1:] for w in (Wx, Wh, Wy))
        if Wx.ndim != 3 or sizes != tuple(w.shape for w in self.weights):
            raise ValueError(
                f"history must be of one network of the sizes of this diagnosis, (R, *) with "
                f"* = {', '.join(str(w.shape) for w in self.weights)}, got {Wx.shape}, {Wh.shape}, {Wy.shape}"
            )
        return _compare(self, history)

    def plot(self, axes: Sequence[Axes] | None = None, *, comparison: Comparison | None = None) -> Sequence[Axes]:
        """The figure: what is asked and what is answered, the loss, the modes. Dashed is predicted.

        Wrap it in ``with plotting.style():`` for the book's look.

        Parameters
        ----------
        axes : three matplotlib.axes.Axes, optional
            New ones by default.
        comparison : Comparison, optional
            A run to draw under the prediction.

        Returns
        -------
        three matplotlib.axes.Axes

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        with valid.extra("plot"):
            from lrnn_helpers.diagnosis import _figure
        return _figure.draw(self, axes, comparison)


class Comparison(NamedTuple):
    """A training run beside the prediction, as `Diagnosis.compare` gives it. N dimensions, R records of the run.

    Attributes
    ----------
    diagnosis : Diagnosis
        The prediction.
    steps : numpy.ndarray, (R,)
        Of the run.
    loss, predicted : numpy.ndarray, (R,)
        The run's loss and the predicted one at its steps.
    modes : Modes, each (R, N)
        Of the run, read as `network.effective_modes` reads them.
    gain : numpy.ndarray, (R, N)
        By how much the run lowers the loss along each column of U.
    half : numpy.ndarray, (N,)
        The step at which a dimension of the run has half of its predicted gain; inf for never, NaN where `gain` at the
        end is predicted to be less than a thousandth of the loss.
    predicted_half : numpy.ndarray, (N,)
        `Diagnosis.half`.
    until : int
        The last step of the run before spare units are predicted to leave the landing.
    deviation : float
        The root mean square of loss minus predicted until then, over the loss of answering nothing.
    """

    diagnosis: Diagnosis
    steps: np.ndarray
    loss: np.ndarray
    predicted: np.ndarray
    modes: Modes
    gain: np.ndarray
    half: np.ndarray
    predicted_half: np.ndarray
    until: int
    deviation: float

    def __str__(self):
        """The table."""
        return _report.table(self)

    def __repr__(self):
        """One line."""
        return f"<Comparison over {self.steps[-1]} steps, off by {self.deviation:.2g} of the loss>"

    def plot(self, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
        """As `Diagnosis.plot`, with the run in it."""
        return self.diagnosis.plot(axes, comparison=self)


LAST = (
    "y must have shape (P, N_y): a diagnosis is of the answer at the last timestep, as with T outputs earlier ones see "
    "fewer inputs; take y[:, -1], got shape {}"
)


def decompose(x: ArrayLike, y: ArrayLike) -> Decomposition:
    """The patterns of data: joint singular vectors of all correlations and all input covariances, and what is asked.

    U and V bring UᵀΣ^(YX_t)V, for all t, and Vᵀ Σ^(X_t X_t') V, for all t and t', as near to diagonal matrices as one
    pair can: a joint diagonalisation over all lags by Jacobi rotations, each matrix weighed by its sampling noise. With
    the paper's assumptions nothing stays off the diagonals; with inputs that are not white but whose patterns are
    uncorrelated neither. Dimensions with the same singular values at all lags have no vectors of their own: any are
    right.

    Parameters
    ----------
    x : array_like, (P, T, N_x)
        Inputs, P > T·N_x samples. Means are not taken off, as a network has no bias.
    y : array_like, (P, N_y)
        Targets at the last timestep.

    Returns
    -------
    Decomposition

    Raises
    ------
    ValueError
        If the shapes do not fit, `y` has a time axis or is 0, a channel of `x` is 0 throughout, an entry is not finite,
        or there are too few samples.

    Notes
    -----
    In the book: :doc:`/book/own_task`.

    Examples
    --------
    >>> from lrnn_helpers import diagnosis, dynamics, tasks
    >>> task = tasks.structured_task(dynamics.inverse_exponential([1.0, 0.5], [0.9, 0.5], T=3), P=20, seed=0)
    >>> found = diagnosis.decompose(task.x, task.y)
    >>> found.w.round(3)
    array([[0.81 , 0.9  , 1.   ],
           [0.125, 0.25 , 0.5  ]])
    >>> bool(found.off_diagonal.value < 1e-20 < found.off_diagonal.noise)
    True
    """
    x, y = _samples(x, y)
    P, T, N_x = x.shape
    N = min(N_x, y.shape[1])
    yx, C = tasks.correlations(x, y), tasks.input_covariance(x)
    size = np.sqrt(np.mean(y**2) / np.mean(x**2))
    U, V = _decompose.joint_vectors(yx, C, size)
    S = U.T @ yx @ V
    s = np.diagonal(S, axis1=1, axis2=2)[:, :N].T
    z, answers = x @ V, y @ U
    inputs = np.einsum("ptn,pun->ntu", z[..., :N], z[..., :N])
    inputs = (inputs + inputs.mT) / 2
    w = np.stack([np.linalg.lstsq(c, row, rcond=T * np.finfo(float).eps)[0] for c, row in zip(inputs, s, strict=True)])
    # What the paper's small networks feel first is the last input: its correlation is to be positive.
    last = np.where(np.abs(s[:, -1]) > 1e-9 * np.abs(s).max(), s[:, -1], s[np.arange(N), np.abs(s).argmax(axis=1)])
    sign = np.where(last < 0, -1.0, 1.0)[:, None]
    order = np.argsort(-np.linalg.norm(s, axis=1), kind="stable")

    flat = z.reshape(P, T * N_x)
    covariance, spread = flat.T @ flat, _decompose.noise_of_products(flat, flat)
    square, pattern = np.sum(covariance**2), np.arange(T * N_x) % N_x
    white = np.trace(covariance) / (T * N_x) * np.eye(T * N_x)
    between = (pattern[:, None] != pattern) & (np.minimum(pattern[:, None], pattern) < N)
    off = np.eye(y.shape[1], N_x)[:, pattern] == 0
    return Decomposition(
        (U[:, :N] * sign.T)[:, order],
        V[:, :N][:, order],
        (w * sign)[order],
        inputs[order],
        (s * sign)[order],
        _share(answers.T @ flat, off, _decompose.noise_of_products(answers, flat)),
        _share(covariance, between, spread),
        Share(float(np.sum((covariance - white) ** 2) / square), float(min(1.0, spread.sum() / square))),
    )


def diagnose(
    x: ArrayLike,
    y: ArrayLike,
    *,
    hidden: int | None = None,
    scale: float | None = None,
    seed: int | np.random.Generator | None = None,
    weights: Weights | None = None,
    learning_rate: float | None = None,
    loss: Literal["sum", "mean"] = "sum",
) -> Diagnosis:
    """What a linear RNN will learn from data, when, and where it will stop, before it is trained.

    The network starts from ``network.unaligned_weights(scale, N_x, hidden, N_y, seed)``, or from `weights`, and is to
    be trained by gradient descent, as `training.train` does. Its effective modes are followed in each dimension that
    `decompose` finds, on inputs as they are, white or not.

    Parameters
    ----------
    x : array_like, (P, T, N_x)
        Inputs, P > T·N_x samples. T = 1 is a network without time: b stays where it starts. A constant channel is a
        bias.
    y : array_like, (P, N_y)
        Targets at the last timestep. A time axis is refused.
    hidden : int, optional
        Hidden units N_h, 16 by default. With fewer than dimensions, those whose last input tells most get one.
    scale : float, optional
        Initialisation scale σ of P.1.2, 0.05 by default. The prediction is for small ones.
    seed : int or numpy.random.Generator, optional
        Of the start, 0 by default.
    weights : Weights, optional
        A start of one's own, in place of these three.
    learning_rate : float, optional
        A tenth of the largest stable one by default.
    loss : {"sum", "mean"}
        How losses and learning rates count, as in `training.train`.

    Returns
    -------
    Diagnosis
        ``print`` it for the report; its `assumptions` say what to make of it.

    Raises
    ------
    ValueError
        As `decompose`; if weights are given beside hidden, scale or seed, or do not fit the data; if a number is not
        > 0.

    Notes
    -----
    In the book: :doc:`/book/own_task`.

    Examples
    --------
    An echo that fades by 0.8 a step, from 200 samples:

    >>> import numpy as np
    >>> from lrnn_helpers import diagnosis
    >>> x = np.random.default_rng(0).standard_normal((200, 6, 1))
    >>> y = np.einsum("t,ptn->pn", 0.8 ** np.arange(6)[::-1], x)
    >>> d = diagnosis.diagnose(x, y, hidden=4, scale=0.02, seed=1)
    >>> d.dynamics.kind, d.dynamics.lam.round(6), d.units
    (('inverse exponential',), array([0.8]), 1)
    """
    valid.one_of("loss", loss, ("sum", "mean"))
    x, y = _samples(x, y)
    given = [name for name, value in (("hidden", hidden), ("scale", scale), ("seed", seed)) if value is not None]
    if weights is not None:
        if given:
            raise ValueError(f"weights stand in place of hidden, scale and seed, got {' and '.join(given)} too")
        weights = Weights(*valid.weights(weights))
    else:
        scale = float(valid.positive("scale", 0.05 if scale is None else scale))
        seed = 0 if seed is None else seed
        weights = network.unaligned_weights(scale, x.shape[2], 16 if hidden is None else hidden, y.shape[1], seed)
    sizes = (weights.Wx.shape[-1], weights.Wy.shape[-2])
    if any(w.ndim != 2 or not np.isfinite(w).all() for w in weights) or sizes != (x.shape[2], y.shape[1]):
        raise ValueError(
            f"weights must be finite and of one network with N_x = {x.shape[2]} and N_y = {y.shape[1]}, "
            f"got Wx {weights.Wx.shape}, Wh {weights.Wh.shape}, Wy {weights.Wy.shape}"
        )
    moments, every = tasks.moments(x, y), decompose(x, y)
    factor = _scale(loss, moments)
    if learning_rate is not None:
        learning_rate = float(valid.positive("learning_rate", learning_rate)) * factor
    N_h = len(weights.Wh)
    kept = np.sort(np.argsort(-every.s[:, -1], kind="stable")[:N_h])
    data = every._replace(
        U=every.U[:, kept], V=every.V[:, kept], w=every.w[kept], inputs=every.inputs[kept], s=every.s[kept]
    )
    start = network.effective_modes(weights, data.U, data.V)
    bounds = _bounds.of_linear_maps(x, y, N_h)
    best = modes.best(data.w, inputs=data.inputs)
    energy = modes.energy(Modes(0.0, 0.0, 0.0), data.w, inputs=data.inputs)
    nothing = 0.5 * float(np.sum(y**2))
    path = _predict.predict(data, weights, start, best, energy, nothing, learning_rate, x)
    fitted = Dynamics(*_bounds.fitted(data, best, energy, bounds.variance))
    loss_curve = nothing - path.gain.sum(axis=-1)
    order = np.argsort(path.half, kind="stable")
    return Diagnosis(
        assumptions=_assumptions(data, start, weights, path, fitted, best, energy),
        notes=_notes(x, every, kept, path),
        data=data,
        dynamics=fitted,
        weights=weights,
        start=start,
        learning_rate=path.learning_rate / factor,
        steps=path.steps,
        modes=path.modes,
        gain=path.gain * factor,
        loss=loss_curve * factor,
        nothing=nothing * factor,
        half=path.half,
        order=order,
        end=path.end,
        end_gain=path.end_gain * factor,
        end_loss=max(0.0, float(nothing - path.end_gain.sum())) * factor,
        best=best,
        between=max(0.0, float(nothing - energy.sum() - bounds.floor)) * factor,
        floor=bounds.floor * factor,
        bound=bounds.bound * factor,
        hankel=bounds.hankel,
        units=bounds.units,
        escape=path.escape._replace(rate=path.escape.rate * factor, shared_rate=path.escape.shared_rate * factor),
        stable_rate=path.stable_rate / factor,
        mode_rates=path.mode_rates / factor,
        counts=loss,
        moments=moments,
    )


def _samples(x, y):
    """Data of which something can be said."""
    x, y = valid.samples(x, y)
    if y.ndim == 3:
        raise ValueError(LAST.format(y.shape))
    P, T, N_x = x.shape
    if T * N_x >= P:
        raise ValueError(
            f"x must have more than T·N_x = {T * N_x} samples, or a linear map fits any targets and sampling noise has "
            f"no measure, got P = {P}"
        )
    silent = np.flatnonzero(~x.any(axis=(0, 1)))
    if silent.size:
        raise ValueError(
            f"x must have no channel that is 0 throughout, which nothing can be learned of, got {silent[0]}"
        )
    if not y.any():
        raise ValueError("y must not be 0 throughout: there is nothing to learn")
    return x, y


def _scale(loss, moments):
    """What sums over samples are multiplied by, as `training.train` does."""
    return 1.0 if loss == "sum" else 2.0 / (moments.samples * moments.correlations.shape[-2])


def _share(matrix, off, variance):
    square = np.sum(matrix**2)
    return Share(*(float(min(1.0, np.sum(m[off]) / square)) if square else 0.0 for m in (matrix**2, variance)))


# The largest norm of a matrix of the start, by that of the smallest mode that is learned, at which weights that are not
# aligned do little harm. Measured, of white and coloured tasks and 4 to 32 units: half-times are off by up to 0.05
# under 0.25, up to 0.2 at 0.5, and a half at 1; with hardly more units than dimensions up to 0.3.
SMALL = 0.5
# A share holds within a hundredth, which moves no curve that one sees, or within three times what noise makes of it.
NEGLIGIBLE, NOISES = 0.01, 3.0


def _assumptions(data, start, weights, path, fitted, best, energy):
    out = []
    for name, share in (
        ("white inputs (1)", data.colour),
        ("patterns uncorrelated", data.mixing),
        ("constant singular vectors (2)", data.off_diagonal),
    ):
        allowed = max(NEGLIGIBLE, NOISES * share.noise)
        out.append(Assumption(name, share.value <= allowed, share.value, allowed, share.noise))
    drop = 1 - min(float(a) for a in start.alignment if np.isfinite(a)) if any(np.isfinite(start.alignment)) else 0.0
    # Weights that are not aligned do no harm while they are small beside what they grow to.
    ends = np.where(path.learned, np.maximum(np.abs(path.end.a), np.abs(path.end.c)), np.sqrt(np.abs(best.u)))
    counted = (energy > _predict.LEARNED * energy.sum()) & (ends > 0)
    size = max(float(np.linalg.norm(w, 2)) for w in weights) / np.min(ends, initial=np.inf, where=counted)
    value, allowed = (drop, NEGLIGIBLE) if drop <= NEGLIGIBLE else (size, SMALL)
    out.append(Assumption("aligned start (3), or small", value <= allowed, value, allowed, np.nan))
    # In the last one counts what of the explainable the powers leave, all dimensions together.
    left, noise = ((energy @ part) / (energy.sum() or 1.0) for part in (fitted.residual, fitted.noise))
    allowed = max(NEGLIGIBLE, NOISES * noise)
    out.append(Assumption("one mode a dimension", bool(left <= allowed), float(left), float(allowed), float(noise)))
    return tuple(out)


def _notes(x, every, kept, path):
    """What is no error and yet a reader's business."""
    out = []
    if x.shape[1] == 1:
        out.append("T = 1: there is no time, and b stays where it starts")
    constant = np.flatnonzero(np.ptp(x, axis=(0, 1)) == 0)
    out += [f"input channel {n} is constant: it serves as a bias" for n in constant]
    mean = float(np.sum(np.mean(x, axis=0) ** 2) / np.mean(np.sum(x**2, axis=(1, 2))))
    if mean > max(NEGLIGIBLE, NOISES / len(x)) and not constant.size:
        out.append(f"inputs have means, {mean:.0%} of their squares: a pattern that is learned as any other")
    if len(kept) < len(every.w):
        out.append(f"{len(every.w) - len(kept)} of {len(every.w)} dimensions have no hidden unit and are not learned")
    out += [f"dimension {n + 1} does not get to its best mode from this start" for n in np.flatnonzero(path.missed)]
    if path.cut:
        out.append(f"learning goes on beyond the {path.steps[-1]} steps that are followed here")
    return tuple(out)


def _predicted(diagnosis, steps):
    """The predicted loss at these steps, which are evenly spaced, as `training.train` records them."""
    data, factor, start = diagnosis.data, _scale(diagnosis.counts, diagnosis.moments), (m[0] for m in diagnosis.modes)
    every = int(steps[1] - steps[0]) if len(steps) > 1 else 1
    path = modes.descend(
        Modes(*start), data.w, diagnosis.learning_rate * factor, int(steps[-1]), record_every=every, inputs=data.inputs
    )
    nothing, at = (modes.energy(m, data.w, inputs=data.inputs) for m in (Modes(0.0, 0.0, 0.0), path))
    return diagnosis.nothing - factor * np.sum(nothing - at, axis=-1)


def _compare(diagnosis, history):
    """The run of the history in the dimensions of the diagnosis."""
    data, moments = diagnosis.data, diagnosis.moments
    factor, T = _scale(diagnosis.counts, moments), data.w.shape[1]
    steps = np.asarray(history.steps)
    response = network.impulse_response(Weights(*history.weights), T)  # (R, T, N_y, N_x)
    along = np.einsum("yn,rtyx->rntx", data.U, response)
    target = np.einsum("yn,tyx->ntx", data.U, moments.correlations)
    with np.errstate(all="ignore"):
        square = np.einsum("rntx,tuxv,rnuv->rn", along, moments.covariance, along, optimize=True)
        gain = factor * (np.einsum("rntx,ntx->rn", along, target) - square / 2)
    final = diagnosis.end_gain
    half = np.array([_around.crossing(steps, g, f / 2) for g, f in zip(gain.T, final, strict=True)])
    half = np.where(final > 1e-3 * diagnosis.nothing, half, np.nan)
    predicted = _predicted(diagnosis, steps)
    before = steps <= diagnosis.escape.first
    gap = (np.asarray(history.loss) - predicted)[before] / diagnosis.nothing
    return Comparison(
        diagnosis, steps, np.asarray(history.loss), predicted,
        network.effective_modes(Weights(*history.weights), data.U, data.V).modes,
        gain, half, diagnosis.half, int(steps[before][-1]), float(np.sqrt(np.mean(gap**2))),
    )  # fmt: skip
