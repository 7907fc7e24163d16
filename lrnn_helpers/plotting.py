"""The book's house style and the figures that come back in several chapters.

Every function draws on the axes it is given, or on new ones, and returns them. Importing this room changes no setting
of matplotlib's: wrap a figure in ``with plotting.style():``. Figures are drawn on white; `show` adds their twins for
dark and for narrow pages. Simulations are coloured and solid, theory is black and dashed on top of them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lrnn_helpers import _validation as valid

with valid.extra("plot"):
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

    from lrnn_helpers import _renderings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from lrnn_helpers.modes import Modes

__all__ = [
    "COLOURS",
    "complex_path",
    "heat_map",
    "loss_curve",
    "mode_curves",
    "schematic",
    "show",
    "simulation",
    "style",
    "theory",
]


# Okabe and Ito's colours, which stay apart for colour-blind readers; black is kept for theory.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def style() -> AbstractContextManager:
    """A context manager with the house style, for one figure.

    Returns
    -------
    context manager
        ``with plotting.style(): fig, ax = plt.subplots()``; outside it nothing is changed.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import plotting
    >>> with plotting.style():
    ...     ax = plotting.simulation([0, 1], [0, 1])
    >>> ax.spines["top"].get_visible()
    False
    """
    return mpl.rc_context(
        {
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 11,
            "axes.labelsize": 11,
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "figure.figsize": (6.4, 3.6),
            "font.size": 10,
            "image.cmap": "cividis",
            "legend.frameon": False,
            "lines.linewidth": 2,
            "savefig.dpi": 170,
        }
    )


def _axes(ax):
    return plt.subplots()[1] if ax is None else ax


def simulation(x: ArrayLike, y: ArrayLike, label: str | None = None, ax: Axes | None = None, **line: object) -> Axes:
    """A simulated curve: solid, in the next colour of the cycle.

    Parameters
    ----------
    x, y : array_like, (n,)
    label : str, optional
        For the legend.
    ax : matplotlib.axes.Axes, optional
        New ones by default.
    **line
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import plotting
    >>> ax = plotting.simulation([0, 1, 2], [0, 1, 4], label="u")
    >>> len(ax.get_lines())
    1
    """
    ax = _axes(ax)
    ax.plot(x, y, label=label, **{"zorder": 2, **line})
    return ax


def theory(x: ArrayLike, y: ArrayLike, label: str | None = "theory", ax: Axes | None = None, **line: object) -> Axes:
    """A predicted curve: thin, black and dashed, above the simulations. Parameters as in `simulation`.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import plotting
    >>> ax = plotting.theory([0, 1, 2], [0, 1, 4], ax=plotting.simulation([0, 1, 2], [0, 1, 4]))
    >>> [line.is_dashed() for line in ax.get_lines()]
    [False, True]
    """
    ax = _axes(ax)
    if label is not None and label in [other.get_label() for other in ax.get_lines()]:
        label = None
    ax.plot(x, y, label=label, **{"color": "black", "linestyle": (0, (4, 3)), "linewidth": 1.3, "zorder": 3, **line})
    return ax


def mode_curves(
    times: ArrayLike,
    modes: Modes,
    predicted: Modes | None = None,
    axes: Sequence[Axes] | None = None,
    labels: Sequence[str] | None = None,
) -> Sequence[Axes]:
    """Input-output and recurrent modes over learning time, side by side; a prediction dashed over them.

    Parameters
    ----------
    times : array_like, (n,)
        Learning time, in units of tau.
    modes : Modes
        Real, each (n,) or (n, N), the times first as in `training.History` and `modes.flow`; one curve a dimension.
    predicted : Modes, optional
        The same shapes.
    axes : pair of matplotlib.axes.Axes, optional
        For u = ac and for b. New ones by default.
    labels : sequence of str, optional
        One for each dimension.

    Returns
    -------
    pair of matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the modes are not (n,) or (n, N).

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import modes, plotting
    >>> from lrnn_helpers.modes import Modes
    >>> t = np.linspace(0, 10, 50)
    >>> path = modes.flow(Modes(np.array([0.1, 0.2]), 0.3, np.array([0.1, 0.2])), np.ones(4), t)
    >>> axes = plotting.mode_curves(t, path, labels=["small", "large"])
    >>> axes[0].get_ylabel()
    'input-output mode $u = ac$'
    """
    n = len(times)
    solid = _curves("modes", modes, n)
    dashed = ([], []) if predicted is None else _curves("predicted", predicted, n)
    if axes is None:
        _, axes = plt.subplots(1, 2, figsize=(8, 3.2))
    for ax, name, values, expected in zip(
        axes, (r"input-output mode $u = ac$", r"recurrent mode $b$"), solid, dashed, strict=True
    ):
        for alpha, curve in enumerate(values):
            simulation(times, curve, labels[alpha] if labels is not None else None, ax)
        for curve in expected:
            theory(times, curve, ax=ax)
        ax.set_xlabel(r"learning time $t_\theta / \tau$")
        ax.set_ylabel(name)
    if labels is not None or predicted is not None:
        axes[1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def _curves(name, modes, n):
    """The curves of u and of b, one a row, from modes with n times first."""
    out = []
    for mode, values in (("u", np.asarray(modes.u)), ("b", np.asarray(modes.b))):
        if values.ndim not in (1, 2) or len(values) != n:
            raise ValueError(
                f"{name}.{mode} must have shape (n,) or (n, N) with n = len(times) = {n}, got {values.shape}"
            )
        out.append(np.atleast_2d(values.T))
    return out


def complex_path(
    z: ArrayLike,
    predicted: ArrayLike | None = None,
    label: str | None = None,
    ax: Axes | None = None,
    arrows: int = 2,
    **line: object,
) -> Axes:
    """A path in the complex plane, with the direction of time on it: task dynamics, or a complex mode as it learns.

    A ring stands where it starts, arrowheads point the way; the axes have one scale and a cross at 0.

    Parameters
    ----------
    z : array_like, (n,)
        Real or complex, time along the axis: d_1, ..., d_T, or a mode over learning time. NaN leave gaps.
    predicted : array_like, (m,), optional
        Drawn dashed over it.
    label : str, optional
        For the legend.
    ax : matplotlib.axes.Axes, optional
        New ones by default.
    arrows : int
        How many arrowheads, >= 0, evenly along the way.
    **line
        Passed on to ``Axes.plot``; ``marker="o"`` shows the steps of a task.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If `z` or `predicted` is not one-dimensional or is empty, or arrows < 0.
    TypeError
        If an argument does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/appendices/o_rotations`.

    Examples
    --------
    A positive angle a step turns clockwise, for the last step is at 1 and the one before it an angle ahead:

    >>> import numpy as np
    >>> from lrnn_helpers import dynamics, plotting
    >>> d = dynamics.inverse_exponential(1.0, np.exp(0.5j), T=4)
    >>> ax = plotting.complex_path(d, marker="o")
    >>> ax.get_xlabel(), ax.get_aspect()
    ('real part', 1.0)
    """
    z, *more = (_path(name, x) for name, x in (("z", z), ("predicted", predicted)) if x is not None)
    arrows = valid.integer("arrows", arrows, at_least=0)
    ax = _axes(ax)
    ax.axhline(0, color="0.85", linewidth=1, zorder=0)
    ax.axvline(0, color="0.85", linewidth=1, zorder=0)
    simulation(z.real, z.imag, label, ax, **line)
    colour = ax.get_lines()[-1].get_color()
    for each in more:
        theory(each.real, each.imag, ax=ax)
    ax.plot(z[:1].real, z[:1].imag, "o", color=colour, markerfacecolor="white", markersize=7, zorder=4)
    way = z[np.isfinite(z)]
    walked = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(way)))])
    for share in (np.arange(arrows) + 0.5) / max(arrows, 1) if walked[-1] > 0 else ():
        k = min(np.searchsorted(walked, share * walked[-1], side="right"), len(way) - 1)
        step = way[k] - way[k - 1]
        at = way[k - 1] + step * (share * walked[-1] - walked[k - 1]) / (walked[k] - walked[k - 1])
        head = (3, 0, np.angle(step, deg=True) - 90)
        ax.plot([at.real], [at.imag], marker=head, color=colour, markersize=9, linestyle="none", zorder=4)
    ax.set(xlabel="real part", ylabel="imaginary part")
    ax.set_aspect("equal", adjustable="datalim")
    return ax


def _path(name, z):
    z = valid.array(name, z, finite=False)
    if z.ndim != 1 or not len(z):
        raise ValueError(f"{name} must have shape (n,) with n >= 1, got {z.shape}")
    return z.astype(complex)


def loss_curve(steps: ArrayLike, loss: ArrayLike, label: str | None = None, ax: Axes | None = None) -> Axes:
    """Loss over training on a logarithmic axis.

    Parameters
    ----------
    steps : array_like, (n,)
    loss : array_like, (n,) or (n, networks)
        > 0; zeros and NaN leave gaps.
    label : str, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import plotting
    >>> ax = plotting.loss_curve([0, 1, 2], [1.0, 0.1, 0.01])
    >>> ax.get_yscale()
    'log'
    """
    ax = _axes(ax)
    loss = np.asarray(loss, dtype=float)
    ax.plot(steps, np.where(loss > 0, loss, np.nan), label=label)
    ax.set_yscale("log")
    ax.set_xlabel("training step")
    ax.set_ylabel(r"loss $\mathcal{L}$")
    return ax


def heat_map(
    values: ArrayLike, x: ArrayLike, y: ArrayLike, ax: Axes | None = None, label: str = "", **mesh: object
) -> Axes:
    """A grid of values with a colour bar; cells without a value are hatched.

    Parameters
    ----------
    values : array_like, (len(y), len(x))
        NaN where there is none, as for a diverged network.
    x, y : sequence
        What stands along each axis; every cell is drawn of equal size.
    ax : matplotlib.axes.Axes, optional
    label : str
        Of the colour bar.
    **mesh
        Passed on to ``Axes.imshow``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the shape of `values` is not (len(y), len(x)).

    Notes
    -----
    In the book: :doc:`/book/results/rich_learning`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import plotting
    >>> ax = plotting.heat_map(np.ones((2, 3)), [1, 2, 3], [0.1, 0.2])
    >>> len(ax.collections)
    0
    """
    values = np.asarray(values, dtype=float)
    if values.shape != (len(y), len(x)):
        raise ValueError(f"values must have shape (len(y), len(x)) = {(len(y), len(x))}, got {values.shape}")
    ax = _axes(ax)
    image = ax.imshow(values, origin="lower", aspect="auto", **mesh)
    for row, column in np.argwhere(np.isnan(values)):
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="///", edgecolor="0.6", linewidth=0))
    ax.set_xticks(range(len(x)), [f"{v:g}" if isinstance(v, (int, float, np.number)) else str(v) for v in x])
    ax.set_yticks(range(len(y)), [f"{v:g}" if isinstance(v, (int, float, np.number)) else str(v) for v in y])
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(image, ax=ax, label=label)
    return ax


def schematic(s: ArrayLike = ((1.0, 0.55), (0.8, 0.7), (0.35, 0.9), (0.15, 1.0)), ax: Axes | None = None) -> Axes:
    r"""The paper's Figure 1 in our own drawing: the network unrolled in time, and its task below it.

    Parameters
    ----------
    s : array_like, (T, N)
        The singular values shown on the diagonals of S_t, between 0 and 1; T = 4 steps are drawn as
        :math:`t = 1, 2, \dots, T-1, T`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> from lrnn_helpers import plotting
    >>> ax = plotting.schematic()
    >>> ax.axison
    False
    """
    s = np.asarray(s, dtype=float)
    ax = plt.subplots(figsize=(9, 5))[1] if ax is None else ax
    ax.set(xlim=(-0.9, 10.6), ylim=(-3.4, 3.5), aspect="equal")
    ax.axis("off")
    blue, orange, green = COLOURS[:3]
    places, names, states = (0.6, 3.0, 6.2, 8.6), ("1", "2", "T-1", "T"), ("2", "3", "T", "T+1")

    def node(x, y, text, colour):
        box = FancyBboxPatch((x - 0.42, y - 0.3), 0.84, 0.6, boxstyle="round,pad=0.04,rounding_size=0.16")
        box.set(facecolor="white", edgecolor=colour, linewidth=1.6)
        ax.add_patch(box)
        ax.text(x, y, text, ha="center", va="center", fontsize=12)

    def arrow(start, end, text="", colour="0.3", shift=(0.0, 0.0)):
        ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=colour, linewidth=1.6))
        if text:
            x, y = (np.array(start) + end) / 2 + shift
            ax.text(x, y, text, ha="center", va="center", color=colour, fontsize=12)

    for x, name, state in zip(places, names, states, strict=True):
        node(x, 0.35, rf"$\mathbf{{x}}_{{{name}}}$", "0.4")
        node(x, 1.75, rf"$\mathbf{{h}}_{{{state}}}$", orange)
        arrow((x, 0.72), (x, 1.38), "$W_x$", blue, (0.38, 0))
    for left, right in pairwise(places):
        if right - left > 3:
            middle = (left + right) / 2
            ax.text(middle, 1.75, r"$\cdots$", ha="center", va="center", fontsize=16)
            ax.text(middle, -1.7, r"$\cdots$", ha="center", va="center", fontsize=16)
            arrow((left + 0.5, 1.75), (middle - 0.35, 1.75), "$W_h$", orange, (0, 0.3))
            arrow((middle + 0.35, 1.75), (right - 0.5, 1.75), "$W_h$", orange, (0, 0.3))
        else:
            arrow((left + 0.5, 1.75), (right - 0.5, 1.75), "$W_h$", orange, (0, 0.3))
    node(places[-1], 3.1, r"$\hat{\mathbf{y}}_T$", green)
    arrow((places[-1], 2.12), (places[-1], 2.74), "$W_y$", green, (0.38, 0))

    def block(x, y, width, height, colour, alpha=1.0):
        ax.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor="0.4", linewidth=0.7, alpha=alpha))

    size, N = 0.5, s.shape[1]
    for x, name, values in zip(places, names, s, strict=True):
        block(x - 0.95, -1.95, size, size, blue, 0.45)
        block(x + 0.45, -1.95, size, size, green, 0.45)
        ax.text(x - 0.7, -1.7, "$U_y$", ha="center", va="center", fontsize=11)
        ax.text(x + 0.7, -1.7, r"$V_x^\top$", ha="center", va="center", fontsize=11)
        block(x - 0.3, -2.0, 0.6, 0.6, "white")
        for n, value in enumerate(values):
            cell = 0.6 / N
            block(x - 0.3 + n * cell, -1.4 - (n + 1) * cell, cell, cell, mpl.colormaps["Oranges"](0.15 + 0.7 * value))
        ax.text(x, -1.12, rf"$\Sigma^{{YX_{{{name}}}}}$", ha="center", va="center", fontsize=11)
        ax.text(x, -2.35, rf"$S_{{{name}}}$", ha="center", va="center", fontsize=11)
        ax.plot([x, x], [-0.02, -0.82], color="0.6", linewidth=1, linestyle=(0, (2, 2)))
    ax.text(4.85, -3.0, "same singular vectors at every step, singular values of their own", ha="center", color="0.25")
    return ax


def show(*, agree: float | None = None) -> None:
    """Show the open figures with a digest of what is drawn, so that a changed curve changes a text that tests compare.

    The figure is a sharp PNG for a bright page. Its twins for dark and for narrow pages, where panels are stacked, go
    with it in the output's metadata: the book shows them, Jupyter and Colab the first. No text is smaller than 9 px.

    The line "Figure: 2 lines · 3f9a12c4" stands in place of the figure where there are no pictures, and in the PNGs'
    metadata. The digest is made of labels, scales and limits of each axes and of a few means of every line, collection
    and image, as shares of the axes to three decimals: rounding errors do not reach it, so that it is the same on every
    machine as long as the limits are. Set the limits of a logarithmic axis above the noise.

    Parameters
    ----------
    agree : float, optional
        Every dashed theory line must follow a simulation in its axes this closely, as a share of the axes' height; a
        path in the plane is followed anywhere, not only above and below.

    Raises
    ------
    AssertionError
        Where a theory line does not, or is the simulation itself, or there is none.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import plotting
    >>> ax = plotting.simulation([0, 1, 2], [0, 1, 4])
    >>> plotting.show()  # in Jupyter: the figure, and a line with its digest
    """
    for figure in map(plt.figure, plt.get_fignums()):
        figure.canvas.draw()
        if agree is not None:
            _must_agree(figure, agree)
        try:
            from IPython import get_ipython
            from IPython.display import display
        except ImportError:
            continue
        if get_ipython() is not None:
            line = _drawn(figure)
            pictures = _renderings.renderings(figure, line)
            data = {"image/png": pictures.pop("light"), "text/plain": line}
            display(data, metadata={"renderings": pictures}, raw=True)
    plt.close("all")


def _drawn(figure):
    """The line that stands for a figure: how many artists, and the digest."""
    axes, count = [], Counter()
    for ax in figure.axes:
        artists = []
        for artist in [*ax.lines, *ax.collections, *ax.images, *ax.patches]:
            kind = "line" if artist in ax.lines else "image" if artist in ax.images else "shape"
            count[kind] += 1
            artists.append([type(artist).__name__, *_features(ax, artist)])
        legend = ax.get_legend()
        words = [ax.get_title(), ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale(), ax.get_yscale()]
        words += [text.get_text() for text in [*ax.texts, *(legend.get_texts() if legend else ())]]
        axes.append([words, [f"{v:.2e}" for v in (*ax.get_xlim(), *ax.get_ylim())], artists])
    code = hashlib.sha256(json.dumps(axes).encode()).hexdigest()[:8]
    return "Figure: " + ", ".join(f"{n} {kind}{'s' * (n > 1)}" for kind, n in count.items()) + f" · {code}"


def _features(ax, artist):
    """A few means that move when the artist does, as strings of three decimals."""
    values = artist.get_array() if hasattr(artist, "get_array") else None
    if values is not None and np.ndim(values) >= 1:
        z = np.ma.filled(np.ma.masked_invalid(np.ma.asarray(artist.norm(values), dtype=float)), np.nan)
        z = z.reshape(len(z), -1)
        here = np.isfinite(z)
        x, y = (axis[here] for axis in np.meshgrid(*(np.linspace(0, 1, n) for n in z.shape[::-1])))
        z = np.clip(z[here], 0, 1)
        means = [np.mean(v) for v in (z, z * x, z * y, z**2)] if z.size else []
        return [str(np.shape(values)), *(f"{v:.3f}" for v in means)]
    if hasattr(artist, "get_xydata"):
        points = _shares(ax, artist.get_xydata(), artist.get_transform())
    elif hasattr(artist, "get_offsets") and len(np.atleast_2d(artist.get_offsets())) > 1:
        points = _shares(ax, artist.get_offsets(), artist.get_offset_transform())
    else:
        paths = artist.get_paths() if hasattr(artist, "get_paths") else [artist.get_path()]
        vertices = [_shares(ax, path.vertices, artist.get_transform()) for path in paths]
        points = np.concatenate([np.empty((0, 2)), *vertices])
    x, y = points.T
    means = [np.mean(v) for v in (x, y, x * y, y**2, y[: len(y) // 2 + 1])] if len(points) else []
    return [len(points), *(f"{v + 0.0:.3f}" for v in means)]


def _shares(ax, points, transform):
    """Points as shares of the axes, clipped to them; those that are not finite left out."""
    with np.errstate(all="ignore"):
        shares = (transform - ax.transAxes).transform(np.ma.filled(np.ma.asarray(points, dtype=float), np.nan))
    return np.clip(shares[np.isfinite(shares).all(axis=1)], 0, 1)


def _must_agree(figure, agree):
    """AssertionError where a black dashed line follows no other line of its axes within `agree` of the height."""
    found = False
    for ax in figure.axes:
        dashed = [line for line in ax.lines if line.get_color() == "black" and line.is_dashed()]
        others = [line for line in ax.lines if line not in dashed and len(line.get_xdata()) > 2]
        for line in dashed:
            found = True
            gaps = {other: _gap(ax, line, other) for other in others}
            nearest = min(gaps, key=gaps.get, default=None)
            assert nearest is not None and gaps[nearest] <= agree, (
                f"a theory line is {gaps.get(nearest, np.inf):.3f} of the axes' height off every simulation"
            )
            assert not np.array_equal(line.get_ydata(), nearest.get_ydata()), "a theory line is the simulation itself"
    assert found, "there is no theory line to compare"


def _gap(ax, line, other):
    """The largest distance of a theory line from another, as a share of the axes' height.

    Vertical where both have values. A path that goes back in x has no height there: each point's distance from it.
    """
    (x, y), (u, v) = (_shares(ax, each.get_xydata(), each.get_transform()).T for each in (line, other))
    if (np.diff(u) < 0).any():
        points, start, way = (x + 1j * y)[:, None], (u + 1j * v)[:-1], np.diff(u + 1j * v)
        length = np.where(way == 0, 1, np.abs(way) ** 2)
        along = np.clip(((points - start) * way.conj()).real / length, 0, 1)
        return np.abs(points - start - along * way).min(axis=1).max(initial=0.0)
    inside = (x >= u.min(initial=1)) & (x <= u.max(initial=0))
    return np.max(np.abs(np.interp(x[inside], u, v) - y[inside])) if inside.any() else np.inf
