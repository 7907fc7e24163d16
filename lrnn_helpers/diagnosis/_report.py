"""The report and the table of a comparison, as text."""

from __future__ import annotations

import textwrap

import numpy as np

# Measured in own_task on one task, one start each: at 0.33 tanh ended within a hundredth of the loss of nothing.
LINEAR = 0.35
WIDTH = 92  # of the widest table


def report(d):
    """What fails first, then what will happen."""
    P, T = d.moments.samples, d.data.w.shape[1]
    N_h, N_x = d.weights.Wx.shape
    failed = [a for a in d.assumptions if not a.holds]
    lines = [f"{P} samples, T = {T}, {N_x} inputs, {len(d.weights.Wy)} outputs, {N_h} hidden units"]
    if failed:
        lines.append("Not met: " + "; ".join(f"{a.name} ({_meaning(a.name)})" for a in failed))
    else:
        lines.append("All assumptions are met.")
    lines += [f"Note: {note}" for note in d.notes]
    lines += ["", "assumption                         found   allowed   by sampling alone"]
    for a in d.assumptions:
        noise = "" if np.isnan(a.noise) else f"{a.noise:.1e}"
        lines.append(f"  {'ok  ' if a.holds else 'FAIL'} {a.name:29s} {a.value:7.1e}  {a.allowed:7.1e}   {noise}")
    lines += ["", "dimension  task by nearest power       left over   half at step    ends at u, b      of the loss"]
    for n in d.order:
        power = f"{d.dynamics.kind[n]}, δ {d.dynamics.delta[n]:.3g}, λ {d.dynamics.lam[n]:.3g}"
        lines.append(
            f"  {n + 1:3d}      {power:38s} {d.dynamics.residual[n]:6.1%}  {_half(d, n):>10s}    "
            f"{d.end.u[n]:7.3f} {d.end.b[n]:7.3f}   {d.end_gain[n] / d.nothing:6.1%}"
        )
    share = [max(v, 0.0) / d.nothing for v in (d.end_loss, d.bound, d.floor)]
    lines += [
        "",
        f"Loss ({d.counts}) from {d.loss[0]:.4g}; of that of answering nothing, {d.nothing:.4g}:",
        f"  one mode a dimension ends at {share[0]:.4f}",
        f"  no network of this size is below {share[1]:.4f}, no linear map below {share[2]:.4f}",
        f"  the best linear map asks for at least {d.units} hidden unit{'s' if d.units != 1 else ''}",
    ]
    leaves = d.escape.first
    if np.isfinite(leaves):
        if leaves == np.nanmin(d.escape.step):
            n = int(np.nanargmin(d.escape.step))
            who, rate = f"spare units leave it at about step {_step(leaves)} (dimension {n + 1}", d.escape.rate[n]
        else:
            i, j = np.argwhere(d.escape.shared_step == leaves)[0]
            who = f"dimensions {i + 1} and {j + 1} leave it at about step {_step(leaves)} by sharing units ("
            rate = d.escape.shared_rate[i, j]
        lines.append(
            f"  this is a landing: {who}; e-fold in {_step(1 / (rate * d.learning_rate))} steps)".replace("(; ", "(")
        )
    elif share[0] - share[1] > 1e-3 + d.between / d.nothing and not np.isnan(d.escape.step).any():
        lines.append("  no spare unit leaves this landing" + ("" if N_h > len(d.data.w) else ": there is none"))
    for n in np.flatnonzero(np.isnan(d.escape.step)):
        lines.append(
            f"  dimension {n + 1} stays near nothing; recurrent weights will change that, when is not predicted"
        )
    if d.between > 1e-3 * d.nothing:
        lines.append(
            f"  {d.between / d.nothing:.4f} of it is left to answers across dimensions, which are not followed here"
        )
    lines.append(
        f"Learning rate {d.learning_rate:.4g}; the largest stable one at the end is {d.stable_rate:.4g}"
        + (" — this one is NOT stable" if d.learning_rate > d.stable_rate else "")
    )
    saturating = "begin to saturate: expect them later, and above the losses that linear networks reach in the end"
    lines.append(
        f"Hidden activity at the end {d.activity:.2f} (root mean square): tanh units "
        + ("hardly saturate" if d.activity < LINEAR else saturating)
    )
    if {"white inputs (1)", "one mode a dimension"} & {a.name for a in failed}:
        lines.append(
            "Other lengths: not said, as inputs are not white or powers leave a part over; d.extrapolate(x, y) takes "
            "longer data"
        )
    else:
        lengths = (max(1, T // 2), T, 2 * T)
        error = np.nansum(d.extrapolation_error(lengths), axis=1) / d.nothing
        lines.append(
            "If the powers go on, the error at T' = "
            + ", ".join(f"{n}: {e if e > 1e-12 else 0:.3g}" for n, e in zip(lengths, error, strict=True))
            + " (of the loss of nothing)"
        )
    return "\n".join(map(_wrapped, lines))


def table(c):
    """The run beside the prediction."""
    d = c.diagnosis
    lines = ["dimension   half at step: predicted      run   ratio"]
    for n in d.order:
        ratio = c.half[n] / c.predicted_half[n]
        lines.append(
            f"  {n + 1:3d}    {_step(c.predicted_half[n]):>24s} {_step(c.half[n]):>8s}   "
            f"{ratio if np.isfinite(ratio) else np.nan:5.2f}"
        )
    lines.append(
        f"loss at step {c.steps[-1]}, of that of answering nothing: predicted {c.predicted[-1] / d.nothing:.4f}, "
        f"run {c.loss[-1] / d.nothing:.4f}"
    )
    lines.append(f"until step {c.until} the run is off by {c.deviation:.3f} of it, root mean square")
    return "\n".join(lines)


MEANING = {
    "white inputs (1)": "the modes are followed on inputs as they are; the paper's closed forms need S and B of them",
    "patterns uncorrelated": "dimensions feel each other: half-times and ends are approximate",
    "constant singular vectors (2)": "no one pair of patterns serves all lags: part of the task is left out",
    "aligned start (3), or small": "the start decides more than its modes say: half-times may be off",
    "one mode a dimension": "training first stops on a landing",
}


def _meaning(name):
    return MEANING[name]


def _half(d, n):
    return _step(d.half[n]) if np.isfinite(d.half[n]) else f">{d.steps[-1]}"


def _step(value):
    return "never" if not np.isfinite(value) else f"{value:.0f}"


def _wrapped(line):
    """A sentence within the width of the tables; a table's own lines as they are."""
    if len(line) <= WIDTH or "  " in line.strip():
        return line
    return textwrap.fill(line, WIDTH, subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2))
