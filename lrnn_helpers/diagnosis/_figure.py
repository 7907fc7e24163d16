"""The figure of a diagnosis; the only part that loads matplotlib."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np


def draw(d, axes, comparison):
    """Three axes: weights by timestep, loss, modes."""
    if axes is None:
        _, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    weights, loss, modes = axes
    T = d.data.w.shape[1]
    t = np.arange(1, T + 1)
    for n in range(len(d.data.w)):
        (dots,) = weights.plot(t, d.data.w[n], "o", ms=4, label=f"dimension {n + 1}")
        weights.plot(t, d.end.u[n] * d.end.b[n] ** (T - t), "--", color=dots.get_color())
    weights.set(xlabel="timestep $t$", ylabel="weight of the input", title="asked (dots), answered (dashed)")
    if len(d.data.w) > 1:
        weights.legend(fontsize="small")
    if comparison is not None:
        loss.plot(comparison.steps, comparison.loss / d.nothing, label="run")
    loss.plot(d.steps, d.loss / d.nothing, "k--", lw=1.3, label="predicted")
    loss.axhline(d.bound / d.nothing, color="0.6", lw=1)
    loss.annotate(
        "no such network below", (0.02, d.bound / d.nothing), xycoords=loss.get_yaxis_transform(), va="bottom",
        fontsize="small", color="0.4",
    )  # fmt: skip
    leaves = d.escape.first
    if leaves <= max(d.steps[-1], comparison.steps[-1] if comparison is not None else 0):
        loss.axvline(leaves, color="0.6", ls=":", lw=1.3, label="spare units leave")
    loss.set(xlabel="training step", ylabel="loss, of that of answering nothing", ylim=(-0.03, 1.15), title="loss")
    loss.legend(fontsize="small")
    for n in range(len(d.data.w)):
        colour = f"C{n}"
        if comparison is not None:
            modes.plot(comparison.steps, comparison.modes.u[:, n], color=colour, alpha=0.5)
            modes.plot(comparison.steps, comparison.modes.b[:, n], color=colour, alpha=0.5, lw=0.8)
        modes.plot(d.steps, d.modes.u[:, n], "--", color=colour, label=f"$u_{{{n + 1}}}$")
        modes.plot(d.steps, d.modes.b[:, n], ":", color=colour, label=f"$b_{{{n + 1}}}$")
    modes.set(xlabel="training step", title="modes: $u = ac$ dashed, $b$ dotted")
    modes.legend(fontsize="small", ncols=2)
    return axes
