"""The recurring figures: what they draw is what they were given, and they leave matplotlib as it was."""

import base64
import io
import re
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.text import Text
from PIL import Image

from lrnn_helpers import _renderings, plotting
from lrnn_helpers.modes import Modes


@pytest.fixture(autouse=True)
def headless():
    backend = mpl.get_backend()
    mpl.use("Agg")
    yield
    plt.close("all")
    mpl.use(backend)


def test_the_style_is_gone_afterwards():
    before = mpl.rcParams.copy()
    with plotting.style():
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(plotting.COLOURS)
    assert mpl.rcParams == before


def test_theory_is_dashed_and_drawn_over_the_simulation():
    x, y = np.linspace(0, 1, 5), np.arange(5.0) ** 2
    ax = plotting.simulation(x, y, "trained")
    assert plotting.theory(x, 2 * y, ax=ax) is ax
    plotting.theory(x, 3 * y, ax=ax)
    trained, theory, second = ax.get_lines()
    np.testing.assert_array_equal(trained.get_xydata(), np.stack([x, y], axis=1))
    np.testing.assert_array_equal(theory.get_ydata(), 2 * y)
    assert theory.is_dashed() and not trained.is_dashed() and theory.get_zorder() > trained.get_zorder()
    assert [line.get_label() for line in (trained, theory)] == ["trained", "theory"]
    assert second.get_label().startswith("_"), "one entry for all theory in the legend"


def test_mode_curves_shows_u_and_b_of_every_dimension():
    times = np.linspace(0, 2, 4)
    modes = Modes(np.full((4, 2), 2.0), np.arange(8.0).reshape(4, 2), np.ones((4, 2)))
    left, right = plotting.mode_curves(times, modes, predicted=modes, labels=["first", "second"])
    np.testing.assert_array_equal([line.get_ydata() for line in left.get_lines()], np.full((4, 4), 2.0))
    np.testing.assert_array_equal([line.get_ydata() for line in right.get_lines()[:2]], modes.b.T)
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["first", "second", "theory"]
    assert "$b$" in right.get_ylabel() and "$u = ac$" in left.get_ylabel() and "t_" in left.get_xlabel()


def test_mode_curves_takes_one_dimension_and_refuses_times_that_are_not_first():
    times, one = np.linspace(0, 2, 4), Modes(np.arange(4.0), np.arange(4.0) + 1, 2.0)
    left, right = plotting.mode_curves(times, one)
    np.testing.assert_array_equal([line.get_ydata() for line in left.get_lines()], [2 * np.arange(4.0)])
    np.testing.assert_array_equal([line.get_ydata() for line in right.get_lines()], [np.arange(4.0) + 1])
    figures = plt.get_fignums()
    for wrong in (Modes(*np.ones((3, 2, 4))), Modes(*np.ones((3, 3))), Modes(*np.ones((3, 4, 2, 1))), Modes(1, 1, 1)):
        shape = re.escape(str(np.shape(wrong.u)))
        with pytest.raises(ValueError, match=rf"modes\.u must have shape \(n,\) or \(n, N\).* = 4, got {shape}"):
            plotting.mode_curves(times, wrong)
        with pytest.raises(ValueError, match=r"predicted\.u must"):
            plotting.mode_curves(times, one, wrong)
    with pytest.raises(ValueError, match=r"modes\.b must have shape"):
        plotting.mode_curves(times, one._replace(b=np.ones((2, 4))[0, :2]))
    assert plt.get_fignums() == figures, "nothing is drawn of what is refused"


def test_loss_curve_is_logarithmic_and_leaves_gaps_at_zero():
    ax = plotting.loss_curve([0, 1, 2], [1.0, 0.1, 0.0])
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), [1.0, 0.1, np.nan])


def test_heat_map_shows_the_values_and_hatches_what_is_missing():
    values = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])
    ax = plotting.heat_map(values, [1, 2, 3], [0.1, 0.2], label="$D$")
    np.testing.assert_array_equal(ax.get_images()[0].get_array().filled(np.nan), values)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0.1", "0.2"]
    (box,) = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_hatch()]
    assert box.get_xy() == (0.5, -0.5)
    with pytest.raises(ValueError, match=r"must have shape \(len\(y\), len\(x\)\) = \(3, 2\), got \(2, 3\)"):
        plotting.heat_map(values, [1, 2], [1, 2, 3])


def test_schematic_keeps_the_vectors_and_changes_the_values():
    ax = plotting.schematic()
    texts = [text.get_text() for text in ax.texts]
    for symbol in ("$W_x$", "$W_h$", "$W_y$", r"$\mathbf{x}_{T}$", r"$\mathbf{h}_{T+1}$", r"$\Sigma^{YX_{1}}$"):
        assert symbol in texts
    assert texts.count("$U_y$") == texts.count(r"$V_x^\top$") == 4
    one, other = plotting.schematic([[1, 0]] * 4), plotting.schematic([[0, 1]] * 4)
    colours = [[p.get_facecolor() for p in ax.patches] for ax in (one, other)]
    assert colours[0] != colours[1]


def test_schematic_ties_each_step_to_its_correlation():
    ax = plotting.schematic()
    place = {text.get_text(): text.get_position() for text in ax.texts}
    tied = [(*line.get_xdata(), *line.get_ydata()) for line in ax.get_lines()]
    for t in ("1", "2", "T-1", "T"):
        (x, low), (same, high) = place[rf"$\Sigma^{{YX_{{{t}}}}}$"], place[rf"$\mathbf{{x}}_{{{t}}}$"]
        (ends,) = (ends for ends in tied if ends[:2] == (x, x))
        assert x == same and low < min(ends[2:]) < max(ends[2:]) < high


def test_schematic_leads_each_arrow_from_one_node_to_the_next_and_names_it():
    ax = plotting.schematic()
    place = {}
    for text in ax.texts:
        place.setdefault(text.get_text(), []).append(np.array(text.get_position()))
    node = {}
    for box in (patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)):
        corner, size = np.array([box.get_x(), box.get_y()]), np.array([box.get_width(), box.get_height()])
        (name,) = [text for text, spots in place.items() if np.allclose(spots[0], corner + size / 2)]
        node[name] = corner + size / 2
    xs = [rf"$\mathbf{{x}}_{{{t}}}$" for t in ("1", "2", "T-1", "T")]
    hs = [rf"$\mathbf{{h}}_{{{t}}}$" for t in ("2", "3", "T", "T+1")]
    y_T, dots = r"$\hat{\mathbf{y}}_T$", place[r"$\cdots$"][0]
    assert sorted(node) == sorted([*xs, *hs, y_T])
    right, up = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    wanted = [("$W_x$", node[x] + 0.4 * up, node[h] - 0.4 * up) for x, h in zip(xs, hs, strict=True)]
    wanted += [("$W_y$", node[hs[-1]] + 0.4 * up, node[y_T] - 0.4 * up)]
    ways = [(node[hs[0]], node[hs[1]]), (node[hs[1]], dots), (dots, node[hs[2]]), (node[hs[2]], node[hs[3]])]
    wanted += [("$W_h$", start + 0.5 * right, end - 0.5 * right) for start, end in ways]
    drawn = [np.array(patch._posA_posB) for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert len(drawn) == len(wanted) == 9
    for name, start, end in wanted:
        (arrow,) = [ends for ends in drawn if np.abs(ends - [start, end]).max() < 0.2]
        assert min(np.linalg.norm(spot - arrow.mean(axis=0)) for spot in place[name]) < 0.5, name
    for t, x in zip(("1", "2", "T-1", "T"), xs, strict=True):
        for below in (rf"$\Sigma^{{YX_{{{t}}}}}$", rf"$S_{{{t}}}$"):
            assert place[below][0][0] == node[x][0] and place[below][0][1] < node[x][1]
    squares = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_width() == 0.5]
    named = [*place["$U_y$"], *place[r"$V_x^\top$"]]
    assert len(squares) == 8 and all(
        min(np.abs(np.array(p.get_center()) - at).max() for at in named) < 1e-9 for p in squares
    )
    spots = np.array([spot for found in place.values() for spot in found])
    gaps = np.linalg.norm(spots[:, None] - spots, axis=-1)[np.triu_indices(len(spots), 1)]
    (left, end), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert gaps.min() > 0.4 and (spots > [left, bottom]).all() and (spots < [end, top]).all()


def test_schematic_darkens_the_diagonal_of_each_step_with_its_values():
    s = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.3], [1.0, 0.0]])
    squares = [p for p in plotting.schematic(s).patches if isinstance(p, Rectangle)]
    for frame, values in zip([p for p in squares if p.get_facecolor()[:3] == (1, 1, 1)], s, strict=True):
        first, second = [p for p in squares if p.get_width() == 0.3 and 0 <= p.get_x() - frame.get_x() + 1e-9 < 0.6]
        side = frame.get_width() / 2
        np.testing.assert_allclose(np.array(first.get_xy()) - frame.get_xy(), [0, side], atol=1e-12)
        np.testing.assert_allclose(np.array(second.get_xy()) - frame.get_xy(), [side, 0], atol=1e-12)
        dark = [-sum(cell.get_facecolor()[:3]) for cell in (first, second)]
        assert (dark[0] > dark[1]) == (values[0] > values[1])


def test_the_colours_stay_apart_in_lightness_or_hue():
    rgb = np.array([mpl.colors.to_rgb(colour) for colour in plotting.COLOURS])
    gaps = np.linalg.norm(rgb[:, None] - rgb[None], axis=-1)[np.triu_indices(len(rgb), 1)]
    assert gaps.min() > 0.25


# ---- what a figure's digest sees


def drawing(scale=1.0, noise=0.0, label="theory", log=False, shift=0):
    x = np.linspace(0, 3, 200)
    with plotting.style():
        fig, (left, right) = plt.subplots(1, 2)
        plotting.simulation(x, np.tanh(x) * (1 + noise), label="training", ax=left)
        plotting.theory(x, np.tanh(x) * scale + 0.001, label=label, ax=left)
        left.set_yscale("log" if log else "linear")
        left.legend()
        mesh = right.pcolormesh(np.arange(12.0).reshape(3, 4) ** 2 * (1 + noise), vmin=0, vmax=200)
        mesh.set_array(np.roll(mesh.get_array(), shift, axis=1))
        right.scatter(x[:5] + noise, x[:5] ** 2)
        right.fill_between(x[:9], 0, x[:9] * scale)
    fig.canvas.draw()
    line = plotting._drawn(fig)
    plt.close(fig)
    return line


def test_a_figure_s_digest_moves_with_what_is_drawn_and_not_with_rounding():
    line = drawing()
    assert re.fullmatch(r"Figure: 2 lines, 3 shapes · [0-9a-f]{8}", line) and drawing() == line
    assert drawing(noise=1e-11) == line
    changed = [drawing(scale=0.8), drawing(scale=0.98), drawing(label="other"), drawing(log=True), drawing(shift=1)]
    assert len({line, *changed}) == 6


def test_a_figure_s_digest_moves_with_a_swing_about_the_same_mean():
    lines = []
    for size in (0.2, 0.6):
        _, ax = plt.subplots()
        ax.plot(size * np.array([1, -1, -1, 1, 0, 0, 0, 0]))
        ax.set_ylim(-1, 1)
        lines.append(plotting._drawn(ax.figure))
    assert lines[0] != lines[1]


def test_a_figure_s_digest_moves_with_the_rows_of_a_map():
    lines = []
    for row in range(3):
        _, ax = plt.subplots()
        ax.pcolormesh((np.arange(4) == row)[:, None] * np.ones(4), vmin=0, vmax=1)
        lines.append(plotting._drawn(ax.figure))
    assert len(set(lines)) == 3


def test_theory_that_leaves_the_simulation_is_not_shown():
    def draw(factor, also=True):
        x = np.linspace(0, 3, 50)
        fig, ax = plt.subplots()
        plotting.simulation(x, np.sin(x), ax=ax)
        plotting.simulation(x, np.cos(x), ax=ax)
        if also:
            plotting.theory(x[::2], np.sin(x[::2]) * factor, ax=ax)
        return fig

    draw(1.001)
    plotting.show(agree=0.01)
    assert not plt.get_fignums()
    for factor, also, message in ((0.8, True, "off every simulation"), (1, False, "no theory line")):
        draw(factor, also)
        with pytest.raises(AssertionError, match=message):
            plotting.show(agree=0.01)
        plt.close("all")
    _, ax = plt.subplots()
    plotting.simulation([0, 1, 2], [1, 2, 3], ax=ax)
    plotting.theory([0, 1, 2], [1, 2, 3], ax=ax)
    with pytest.raises(AssertionError, match="is the simulation itself"):
        plotting.show(agree=0.01)
    plt.close("all")


def test_a_path_in_the_complex_plane_points_the_way_of_time():
    z = np.exp(-1j * np.linspace(0, np.pi, 201))
    ax = plotting.complex_path(z, predicted=z[::2], label="turn", arrows=1)
    _, _, path, theory, ring, head = ax.get_lines()
    np.testing.assert_array_equal(path.get_xydata(), np.stack([z.real, z.imag], axis=1))
    np.testing.assert_array_equal(theory.get_xydata(), path.get_xydata()[::2])
    assert theory.is_dashed() and path.get_label() == "turn" and ax.get_aspect() == 1
    np.testing.assert_allclose(ring.get_xydata(), [[1, 0]], atol=1e-12)
    np.testing.assert_allclose(head.get_xydata(), [[0, -1]], atol=1e-3)
    assert abs(head.get_marker()[2] - 90) < 0.5, "half way round, clockwise: to the left"


def test_arrowheads_lie_evenly_on_the_way_and_only_where_it_leads():
    def heads(z, n):
        lines = plotting.complex_path(z, arrows=n, ax=plt.subplots()[1]).get_lines()[4:]
        return [complex(*line.get_xydata()[0]) for line in lines]

    np.testing.assert_allclose(heads([0, 1, 1 + 3j], 2), [1, 1 + 2j])
    np.testing.assert_allclose(heads([0, np.nan, 4], 2), [1, 3])
    assert heads([0, 1], 0) == heads([1j], 3) == heads([1j, 1j], 3) == []


def test_a_path_in_the_complex_plane_refuses_what_is_none():
    figures = plt.get_fignums()
    for wrong in (np.ones((2, 2)), [], 1.0):
        with pytest.raises(ValueError, match=r"z must have shape \(n,\)"):
            plotting.complex_path(wrong)
    with pytest.raises(ValueError, match="predicted must have shape"):
        plotting.complex_path([0, 1], predicted=[[0, 1]])
    with pytest.raises(ValueError, match="arrows must be"):
        plotting.complex_path([0, 1], arrows=-1)
    with pytest.raises(TypeError, match="z"):
        plotting.complex_path(["a"])
    assert plt.get_fignums() == figures


def test_a_theory_path_that_leaves_its_simulation_is_noticed():
    turn = np.exp(1j * np.linspace(0, 2 * np.pi, 201))
    plotting.complex_path(turn, predicted=1.001 * turn[::3])
    plotting.show(agree=0.01)
    plotting.complex_path(turn, predicted=1.2 * turn[::3])
    with pytest.raises(AssertionError, match="off every simulation"):
        plotting.show(agree=0.01)


def test_what_lies_on_a_theory_path_is_not_off_it():
    """Between two of its points, too, however far these are apart."""
    corners = np.array([0, 2 + 1j, 0.2 + 2j, 1.8 + 3j])
    along = np.interp(np.linspace(0, 3, 61), np.arange(4), corners.real) + 1j * np.interp(
        np.linspace(0, 3, 61), np.arange(4), corners.imag
    )
    plotting.complex_path(along, predicted=corners)
    fig = plt.gcf()
    fig.canvas.draw()
    (ax,) = fig.axes
    theory, simulation = (
        next(line for line in ax.get_lines() if len(line.get_xdata()) == length) for length in (4, 61)
    )
    assert plotting._gap(ax, simulation, theory) < 1e-12
    plt.close(fig)


# ---- a figure's four pictures


def panels(rows=2, columns=3):
    """A figure with the difficult parts: shared labels, a legend beside a panel, small text, a map with marks on it."""
    x = np.linspace(0, 3, 30)
    with plotting.style():
        fig, axes = plt.subplots(rows, columns, figsize=(9, 2.6 * rows), sharex="col", squeeze=False)
        for ax in axes[:, :-1].flat:
            plotting.simulation(x, x, "training", ax)
            plotting.theory(x, x + 0.001, "theory", ax)
            ax.text(0.1, 2, "a note", fontsize=5, color="0.3")
            ax.tick_params(labelsize=6)
            ax.axhspan(0, 1, color=plotting.COLOURS[2], alpha=0.1, lw=0)
        for ax in axes[:, -1]:
            ax.imshow(np.eye(4), extent=(0, 3, 0, 3), aspect="auto")
            ax.plot(x, x, color="black")
        axes[0, 0].legend(loc="center left", bbox_to_anchor=(1, 0.5))
        axes[0, 0].set_ylabel("height")
        axes[-1, 0].set_xlabel("time")
    return fig


def opened(picture):
    return Image.open(io.BytesIO(base64.b64decode(picture)))


def pixels(picture):
    return np.array(opened(picture).convert("RGB"))


def share_of(picture, colour, within=12):
    """The share of pixels that have nearly this colour."""
    rgb = 255 * np.array(mpl.colors.to_rgb(colour))
    return np.mean(np.abs(pixels(picture) - rgb).max(axis=-1) <= within)


def test_a_figure_has_four_pictures_with_one_digest():
    fig = panels()
    fig.canvas.draw()
    line = plotting._drawn(fig)
    pictures = _renderings.renderings(fig, line)
    assert set(pictures) == {"light", "dark", "light-narrow", "dark-narrow"}
    assert {opened(picture).text["Drawn"] for picture in pictures.values()} == {line}
    sizes = {name: opened(picture).size for name, picture in pictures.items()}
    assert sizes["light"] == sizes["dark"] and sizes["light-narrow"] == sizes["dark-narrow"]
    assert sizes["light"][0] > 2 * 800 and 2 * 350 < sizes["light-narrow"][0] < 1200 < sizes["light-narrow"][1]
    assert max(len(picture) for picture in pictures.values()) < 200_000


def test_dark_changes_the_colours_and_nothing_that_is_drawn():
    fig = panels()
    fig.canvas.draw()
    line, before = plotting._drawn(fig), np.array(fig.canvas.buffer_rgba())
    restore = _renderings.darken(fig)
    fig.canvas.draw()
    assert plotting._drawn(fig) == line
    dark = np.array(fig.canvas.buffer_rgba())
    assert dark[0, 0, :3].max() < 40 and not np.array_equal(dark, before)
    for setter, value in reversed(restore):
        setter(value)
    fig.canvas.draw()
    np.testing.assert_array_equal(np.array(fig.canvas.buffer_rgba()), before)


def test_a_colour_map_is_not_turned_round_and_what_is_on_it_stays():
    fig = panels()
    light, dark, *_ = _renderings.renderings(fig, "Figure: test").values()
    top, bottom = mpl.colormaps["cividis"]([1.0, 0.0])[:, :3]
    for colour in (top, bottom):
        assert (
            share_of(light, colour) == pytest.approx(share_of(dark, colour), rel=0.1) and share_of(dark, colour) > 0.01
        )
    assert share_of(light, "white") > 0.3 > share_of(dark, "white")
    assert share_of(dark, _renderings.PAPER) > 0.3
    on_map, theory = fig.axes[-1].lines[0], fig.axes[0].lines[1]
    _renderings.darken(fig)
    assert on_map.get_color() == "black"
    np.testing.assert_allclose(theory.get_color()[:3], _renderings.INK)


@pytest.mark.parametrize("colour", [*plotting.COLOURS, *mpl.colormaps["cividis"](np.linspace(0, 1, 6)[:, None])[:, 0]])
def test_every_hue_is_seen_in_the_dark_and_kept_where_it_is(colour):
    given = mpl.colors.to_rgba(colour)
    dark = _renderings.dark_colour(colour)
    assert dark[3] == given[3] and _renderings.contrast(np.array(dark[:3])) >= 3
    if _renderings.contrast(np.array(given[:3])) >= 4.5 and np.ptp(given[:3]) >= 0.06:
        np.testing.assert_allclose(dark, given)


def test_shades_keep_their_order_in_the_dark():
    shades = [_renderings.dark_colour(c)[:3] for c in mpl.colormaps["cividis"](np.linspace(0, 0.4, 5))]
    contrasts = [_renderings.contrast(np.array(c)) for c in shades]
    assert min(np.diff(contrasts)) > 0.05


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_contrasts_from_nothing_to_enough_become_those_from_seen_to_enough(share):
    blue = share * np.array([0.2, 0.45, 0.9]) + (1 - share) * _renderings.PAPER
    given = _renderings.contrast(blue)
    wanted = np.interp(given, [1, 4.5], [3, 4.5])
    assert wanted <= _renderings.contrast(np.array(_renderings.dark_colour(blue)[:3])) < wanted + 0.2


def test_greys_change_places_with_the_ground():
    black, grey, white = (np.array(_renderings.dark_colour(c)[:3]) for c in ("black", "0.5", "white"))
    np.testing.assert_allclose(black, _renderings.INK)
    np.testing.assert_allclose(white, _renderings.PAPER)
    np.testing.assert_allclose(grey, (black + white) / 2)
    assert _renderings.contrast(black) > 12 and _renderings.contrast(white) == 1


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3)])
def test_text_has_nine_pixels_on_a_wide_page_and_on_a_phone(rows, columns):
    fig = panels(rows, columns + 1)
    _renderings._enlarge(fig, fig.get_figwidth(), _renderings.WIDE)
    for shown in (800, 350):
        fig.canvas.draw()
        texts = [t for t in fig.findobj(Text) if t.get_visible() and t.get_text().strip()]
        assert len(texts) > 10
        smallest = min(text.get_fontsize() for text in texts)
        assert smallest / 72 / fig.get_figwidth() * shown >= 9 - 1e-9
        if shown == 800:
            assert _renderings._stack(fig)
            _renderings._enlarge(fig, _renderings.NARROW_INCHES, _renderings.NARROW)


def test_ticks_that_come_later_are_as_large_as_those_that_were_there():
    fig = panels(1, 3)
    _renderings._enlarge(fig, fig.get_figwidth(), _renderings.WIDE)
    fig.axes[0].set_xticks(np.linspace(0, 3, 13))
    fig.canvas.draw()
    sizes = [label.get_fontsize() for label in fig.axes[0].get_xticklabels()]
    assert len(sizes) == 13 and min(sizes) / 72 / fig.get_figwidth() * 800 >= 9 - 1e-9


def test_a_black_edge_is_bright_in_the_dark():
    fig, ax = plt.subplots()
    (bar,) = ax.bar([1], [1], facecolor=plotting.COLOURS[0], edgecolor="black")
    restore = _renderings.darken(fig)
    np.testing.assert_allclose(bar.get_edgecolor()[:3], _renderings.INK)
    for setter, value in reversed(restore):
        setter(value)
    assert bar.get_edgecolor() == mpl.colors.to_rgba("black")


def test_stacked_panels_keep_their_labels_and_their_legend():
    fig = panels(1, 3)
    fig.canvas.draw()
    assert _renderings._stack(fig)
    fig.canvas.draw()
    tops = [ax.get_position().y1 for ax in fig.axes]
    assert tops == sorted(tops, reverse=True) and len({round(ax.get_position().x0, 3) for ax in fig.axes}) == 1
    assert {ax.get_ylabel() for ax in fig.axes} == {"height"}
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training", "theory"]
    assert legend.get_window_extent().y1 < fig.axes[-1].get_window_extent().y0


def test_a_legend_below_gets_room_of_its_own():
    with_legend, without = panels(1, 3), panels(1, 3)
    without.axes[0].get_legend().remove()
    for fig in (with_legend, without):
        fig.canvas.draw()
        assert _renderings._stack(fig)
        fig.canvas.draw()
    (legend,) = with_legend.legends
    more = with_legend.get_figheight() - without.get_figheight()
    assert more > 0.9 * legend.get_window_extent().height / with_legend.dpi


def test_three_rows_and_more_become_two_columns_above_two():
    fig = panels(3, 4)
    before = np.array(fig.axes[:12]).reshape(3, 4)
    assert _renderings._stack(fig)
    fig.canvas.draw()
    x, y = (np.vectorize(lambda ax, i=i: round(ax.get_position().min[i], 2))(before) for i in (0, 1))
    assert (x == np.tile(x[0, :2], (3, 2))).all() and x[0, 0] < x[0, 1]
    assert y[:, 0].min() > y[:, 2].max() and (np.diff(y, axis=0) < 0).all() and (y[:, ::2] == y[:, 1::2]).all()


def test_maps_with_colour_bars_are_stacked():
    with plotting.style():
        fig, axes = plt.subplots(2, 2, figsize=(8.4, 6), sharex=True, sharey=True)
        for ax in axes.flat:
            plotting.heat_map(np.ones((8, 10)), range(10), range(8), ax)
    pictures = _renderings.renderings(fig, "a map")
    assert set(pictures) == {"light", "dark", "light-narrow", "dark-narrow"}
    for ax in axes.flat:
        (bar,) = ax._colorbars
        box, beside = ax.get_position(), bar.get_position()
        assert box.width > 0.5 and box.x1 < beside.x0 and abs(box.y0 - beside.y0) < 0.01


def test_a_column_stays_one_and_its_text_grows():
    with plotting.style():
        fig, axes = plt.subplots(3, 1, figsize=(8, 6), sharex=True)
    assert _renderings._stack(fig) and fig.get_figwidth() == _renderings.NARROW_INCHES
    fig.canvas.draw()
    tops = [ax.get_position().y1 for ax in axes]
    assert tops == sorted(tops, reverse=True) and len(set(tops)) == 3


def test_long_names_of_axes_above_each_other_stay_apart():
    fig = panels(2, 3)
    for ax in fig.axes[3:6]:
        ax.set_ylabel("what is measured along this axis, at length")
    assert _renderings._stack(fig)
    fig.canvas.draw()
    boxes = [ax.yaxis.label.get_window_extent() for ax in fig.axes[3:6]]
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(boxes))


def test_a_drawing_is_not_squeezed():
    ax = plotting.schematic()
    assert not _renderings._stack(ax.figure)


def test_panels_that_belong_together_are_not_stacked():
    fig, axes = plt.subplots(1, 3, layout="constrained")
    fig.colorbar(axes[0].imshow(np.eye(3)), ax=axes[:2])
    assert not _renderings._stack(fig)
