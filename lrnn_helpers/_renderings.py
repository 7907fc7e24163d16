"""One figure in four pictures: for a bright and for a dark page, for a wide and for a narrow one.

The dark one is not the bright one turned round: data keep their colours and colour maps, only what is grey (text,
spines, ticks, theory lines) changes places with the background. The narrow one stacks the panels, so that its text is
as large on a phone as in a book. All carry the same digest of what is drawn.
"""

import base64
import contextlib
import io
import warnings
from itertools import chain

import matplotlib as mpl
import numpy as np
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from PIL import Image, PngImagePlugin

INK, PAPER = np.array(to_rgba("#e8eaed")[:3]), np.array(to_rgba("#121212")[:3])
# Twice the pixels that a page shows; text of no less than 9 px in 800 px, or 350 px for a narrow one.
DPI, WIDE, NARROW = 220, 800, 350
NARROW_INCHES, SMALLEST = 4.2, 9
MOST_IN_A_COLUMN = 4
SEEN, ENOUGH = 3, 4.5  # contrasts on the dark ground that a hue needs, and that leave it as it is


def renderings(figure, line):
    """The four pictures of a figure as base64 PNG by name; the narrow ones only where panels can be stacked."""
    _enlarge(figure, figure.get_figwidth(), WIDE)
    pictures = _pair(figure, line, "")
    if _stack(figure):
        _enlarge(figure, NARROW_INCHES, NARROW)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="constrained_layout not applied")
            with contextlib.suppress(UserWarning):  # no room for its parts: on a phone the wide picture serves
                pictures |= _pair(figure, line, "-narrow")
    return pictures


def _pair(figure, line, ending):
    figure.canvas.draw()
    light = _png(figure, line)
    restore = darken(figure)
    dark = _png(figure, line)
    for setter, value in reversed(restore):
        setter(value)
    return {f"light{ending}": light, f"dark{ending}": dark}


def _png(figure, line):
    """A PNG of 256 colours: a third of the size, and no eye sees the difference in a plot."""
    file, small = io.BytesIO(), io.BytesIO()
    figure.savefig(file, dpi=DPI, bbox_inches="tight", facecolor=figure.get_facecolor())
    about = PngImagePlugin.PngInfo()
    about.add_text("Drawn", line)
    picture = Image.open(file).convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE)
    picture.save(small, "png", optimize=True, pnginfo=about)
    return base64.b64encode(small.getvalue()).decode()


def _enlarge(figure, inches, pixels):
    """Give every text the size at which it has 9 px on the page, if it is smaller."""
    least = SMALLEST * 72 * inches / pixels
    for text in figure.findobj(Text):
        text.set_fontsize(max(text.get_fontsize(), least))
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            for which in ("major", "minor"):
                size = axis.get_tick_params(which).get("labelsize", mpl.rcParams[f"{axis.axis_name}tick.labelsize"])
                size = mpl.font_manager.FontProperties(size=size).get_size_in_points()
                axis.set_tick_params(which, labelsize=max(size, least))


# ---- dark


def dark_colour(colour):
    """The colour's twin on a dark page: greys change from paper to ink, dark hues are lightened until they are seen.

    Parameters
    ----------
    colour : colour of matplotlib's

    Returns
    -------
    tuple
        Red, green, blue, alpha.
    """
    *rgb, alpha = to_rgba(colour)
    rgb = np.array(rgb)
    if np.ptp(rgb) < 0.06:
        rgb = INK + (PAPER - INK) * rgb.mean()
    elif (given := contrast(rgb)) < ENOUGH and alpha == 1:
        # From nothing to enough becomes from seen to enough: shades keep their order.
        wanted = SEEN + (ENOUGH - SEEN) * (given - 1) / (ENOUGH - 1)
        while contrast(rgb) < wanted:
            rgb = rgb + 0.01 * (1 - rgb)
    return (*map(float, rgb), alpha)


def contrast(rgb, ground=PAPER):
    """The contrast of two colours after WCAG 2, from 1 to 21."""
    lights = sorted(
        float(
            np.dot([0.2126, 0.7152, 0.0722], [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in c])
        )
        for c in (rgb, ground)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def darken(figure):
    """Give the figure its dark colours; return what restores it, as pairs of a setter and a value."""
    # What stands on a colour map was chosen for that map, which stays.
    kept = set()
    for ax in figure.axes:
        if any(_is_map(artist) for artist in (*ax.images, *ax.collections)):
            box = ax.get_window_extent()
            texts = [t for t in ax.texts if box.contains(*t.get_window_extent().get_points().mean(axis=0))]
            kept.update(map(id, (*ax.lines, *ax.collections, *ax.patches, *texts)))
    restore = []

    def change(artist, name, value):
        setter = getattr(artist, f"set_{name}")
        restore.append((setter, value))
        setter(_twin(value))

    parts = figure.findobj(lambda artist: id(artist) not in kept)
    more = [part.get_bbox_patch() for part in parts if isinstance(part, Text)]
    more += [part.arrow_patch for part in parts if isinstance(part, Annotation)]
    for artist in chain(parts, filter(None, more)):
        if isinstance(artist, Text):
            change(artist, "color", artist.get_color())
        elif isinstance(artist, Line2D):
            face, edge = artist.get_markerfacecolor(), artist.get_markeredgecolor()
            change(artist, "color", artist.get_color())
            change(artist, "markerfacecolor", face)
            change(artist, "markeredgecolor", edge)
        elif isinstance(artist, Patch):
            face = artist.get_facecolor()
            change(artist, "edgecolor", artist.get_edgecolor())
            if artist.get_fill():
                change(artist, "facecolor", face)
        elif isinstance(artist, Collection) and artist.get_array() is None:
            face, edge = artist.get_facecolor().copy(), artist.get_edgecolor().copy()
            for name, value in (("facecolor", face), ("edgecolor", edge)):
                if len(value):
                    change(artist, name, value)
    return restore


def _is_map(artist):
    if isinstance(artist, AxesImage):
        return True
    return isinstance(artist, Collection) and artist.get_array() is not None and not len(artist.get_offsets()) > 1


def _twin(value):
    if isinstance(value, str) and value == "none":
        return value
    if np.ndim(value) == 2:
        return np.array([dark_colour(row) for row in value])
    return dark_colour(value)


# ---- narrow


def _stack(figure):
    """Lay the panels out for a phone; False where they belong together as they are."""
    bars = [ax for ax in figure.axes if hasattr(ax, "_colorbar")]
    panels = [ax for ax in figure.axes if ax not in bars and ax.get_subplotspec() is not None]
    grids = {id(ax.get_subplotspec().get_gridspec()) for ax in panels}
    shared = [set(info["parents"]) for bar in bars if (info := getattr(bar, "_colorbar_info", None))]
    if len(grids) != 1 or len(panels) + len(bars) != len(figure.axes) or figure.get_layout_engine() is None:
        return False
    if any(1 < len(parents) < len(panels) for parents in shared):
        return False
    grid = panels[0].get_subplotspec().get_gridspec()
    count = grid.nrows * grid.ncols
    if count != len(panels):
        return False
    if not any(ax.axison for ax in panels):
        return False  # a drawing: its words would keep their size where its lines shrink
    # Two rows of many become two columns, so that what stood below each other stands side by side. Of more rows two
    # columns stand above the next two.
    columns = 1 if count <= MOST_IN_A_COLUMN or grid.ncols == 1 else 2
    width, height = figure.get_size_inches()
    rows = count // columns if grid.nrows <= 2 or columns == 1 else grid.nrows * -(-grid.ncols // 2)
    # A panel keeps its shape, but for what its labels need.
    panel = max(1.9, height / grid.nrows * min(1.0, NARROW_INCHES / columns / (width / grid.ncols)))
    places = [ax.get_subplotspec().num1 for ax in panels]
    panels = [ax for _, ax in sorted(zip(places, panels, strict=True), key=lambda pair: pair[0])]
    for number, ax in enumerate(panels):
        _carry_labels(ax, panels[number - number % grid.ncols], panels[count - grid.ncols + number % grid.ncols])
    names = [ax.yaxis.label.get_window_extent().height / figure.dpi for ax in panels]
    panel = max(panel, max(names) + 0.6)  # the names of two axes that stand above each other do not run together
    new = figure.add_gridspec(rows, columns)
    for number, ax in enumerate(panels):
        row, column = divmod(number, grid.ncols)
        if columns == 1:
            place = (number, 0)
        elif grid.nrows == 2:
            place = (column, row)
        else:
            place = (column // 2 * grid.nrows + row, column % 2)
        ax.set_subplotspec(new[place])
    for bar in bars:
        _place_bar(bar)
    beside = [legend for ax in panels if (legend := ax.get_legend()) is not None and _is_beside(legend, ax)]
    below = sum(_legend_below(figure, legend) for legend in [*beside, *figure.legends])
    figure.set_size_inches(NARROW_INCHES, rows * panel + below)
    return True


def _carry_labels(ax, first, last):
    """Panels that shared the labels of their row and column show them themselves."""
    if _is_bare(ax):
        return
    ax.tick_params(labelleft=True, labelbottom=True)
    ax.set_ylabel(ax.get_ylabel() or first.get_ylabel())
    ax.set_xlabel(ax.get_xlabel() or last.get_xlabel())


def _place_bar(bar):
    """Put a colour bar at the new place of its panels: as tall as it was it would push them out of the figure."""
    info = getattr(bar, "_colorbar_info", None)
    if info:
        box = Bbox.union([ax.get_position() for ax in info["parents"]])
        upright = info["location"] in ("left", "right")
        size = (0.03, box.height) if upright else (box.width, 0.01)
        bar.set_position([box.x1 if upright else box.x0, box.y0, *size])
        bar.set_in_layout(True)  # which setting a position by hand takes back


def _is_beside(legend, ax):
    return legend.get_bbox_to_anchor().x0 >= ax.get_window_extent().x1 - 1


def _legend_below(figure, legend):
    """Set a legend below the figure, in as many columns as a phone has room for; return the inches that it needs."""
    words = [text.get_text() for text in legend.get_texts()]
    columns = 2 if max(map(len, words), default=0) < 26 else 1
    title, frame = legend.get_title().get_text() or None, legend.get_frame_on()
    figure.legend(legend.legend_handles, words, title=title, frameon=frame, ncols=columns, loc="outside lower center")
    legend.remove()
    return 0.22 * -(-len(words) // columns) + 0.1


def _is_bare(ax):
    return not ax.axison or not (len(ax.get_xticks()) and len(ax.get_yticks()))
