"""Modes: their gradient flow against ODE solvers at equal accuracy, and their gradient descent."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.timing import Peer, table
from lrnn_helpers import dynamics, modes

ACCURACY = 1e-7  # relative, of every mode at every time
MOST = 65536  # steps of a diffrax solver
# The loosest power of ten that reaches ACCURACY; the table asserts that it does. An explicit solver is of no use where
# the task is stiff.
TOLERANCES = {
    "flow": {"LSODA": 1e-9, "Tsit5": 1e-8, "Kvaerno5": 1e-9},
    "flow_stiff": {"LSODA": 1e-10, "Kvaerno5": 1e-8},
}


def settings(n, lam, T):
    """Starts (n,) with a = c over two decades, and task dynamics (n, T)."""
    rng = np.random.default_rng(0)
    a = np.exp(rng.uniform(np.log(1e-2), np.log(0.3), n))
    return modes.Modes(a, rng.uniform(0.05, 0.6, n), a), dynamics.inverse_exponential(1.0, rng.uniform(*lam, n), T)


def rates(lags, y):
    """(5)-(7) times τ by Horner's rule: one setting, or many along the last axis. `lags` are s_T … s_1."""
    a, b, c = y
    u, level, slope, power, last = a * c, 0.0, 0.0, 1.0, 0.0
    for k, s in enumerate(lags):
        residual = s - u * power
        level = level + power * residual
        slope = slope + k * last * residual
        last, power = power, power * b
    return c * level, u * slope, a * level


def plain(start, lags, times, rtol, method):
    """scipy, one setting after the other."""

    def run():
        out = []
        for y0, s in zip(np.transpose(start), lags, strict=True):
            solution = solve_ivp(
                lambda t, y, s=s: rates(s, y), (0, times[-1]), y0, method, times, rtol=rtol, atol=1e-2 * rtol
            )
            out.append(solution.y)
        return np.stack(out, axis=-1)

    return run


def vmapped(start, lags, times, rtol, solver):
    """diffrax, all settings in one compiled call; steps are chosen for each setting."""
    import diffrax
    import jax
    import jax.numpy as jnp

    term = diffrax.ODETerm(lambda t, y, s: jnp.stack(rates(s, y)))
    control = diffrax.PIDController(rtol=rtol, atol=1e-2 * rtol)
    save = diffrax.SaveAt(ts=jnp.asarray(times))

    def one(y0, s):
        solution = diffrax.diffeqsolve(
            term,
            solver,
            0.0,
            times[-1],
            None,
            y0,
            s,
            saveat=save,
            stepsize_controller=control,
            max_steps=MOST,
            throw=False,
        )
        return jnp.where(solution.result == diffrax.RESULTS.successful, solution.ys, jnp.nan)

    call = jax.jit(jax.vmap(one))
    y0, s = jnp.asarray(np.transpose(start)), jnp.asarray(lags)
    return lambda: np.asarray(jax.block_until_ready(call(y0, s))).transpose(2, 1, 0)


def relative(values, reference):
    """The worst relative error."""
    return float(np.max(np.abs(np.asarray(values) / reference - 1)))


def flow(name, title, n, lam, T, end, rounds):
    """One table: all ways to the same accuracy, measured against a solution at 1e-13 that a second solver confirms."""
    start, s = settings(n, lam, T)
    times, lags = np.linspace(0, end, 61), s[:, ::-1]
    reference = plain(start, lags, times, 1e-13, "LSODA")()
    two = modes.Modes(*(x[:2] for x in start))
    again = plain(two, lags[:2], times, 1e-13, "Radau" if name == "flow_stiff" else "DOP853")()
    assert relative(again, reference[..., :2]) < 1e-10, "the two references disagree"
    # What an explicit solver has to follow, step by step: the largest curvature times the end.
    curvature = np.linalg.eigvalsh(modes.hessian(modes.Modes(*reference[:, -1]), s)).max()

    def error(result):
        return relative(result, reference)

    import diffrax

    peers = []
    for way, rtol in TOLERANCES[name].items():
        if way == "LSODA":
            label, run = "scipy LSODA, a loop over settings", plain(start, lags, times, rtol, way)
        else:
            label, run = f"diffrax {way}, vmap", vmapped(start, lags, times, rtol, getattr(diffrax, way)())
        peers.append(Peer(label, run, error, facts={"rtol": rtol}))
    peers.append(Peer("ours, modes.flow", lambda: modes.flow(start, s, times), error))
    task = {"settings": n, "T": T, "lambda": list(lam), "end": end, "times": len(times), "accuracy": ACCURACY}
    return table(name, title, task | {"stiffness": float(f"{curvature * end:.3g}")}, peers, rounds, ACCURACY)


def jax_descend(start, s, rate, steps):
    """Gradient descent of all settings as one compiled loop."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    lags = jnp.asarray(s[:, ::-1].T)

    def step(_, y):
        return tuple(x + rate * dx for x, dx in zip(y, rates(lags, y), strict=True))

    call = jax.jit(lambda y: lax.fori_loop(0, steps, step, y))
    y0 = tuple(jnp.asarray(x) for x in start)
    return lambda: [np.asarray(x) for x in jax.block_until_ready(call(y0))]


def descent(rounds, n, steps):
    """Gradient descent of many settings."""
    (start, s), rate = settings(n, (0.6, 1.1), 8), 1e-3
    reference = modes.descend(start, s, rate, steps, compiled=False)

    def error(result):
        return max(np.abs(a - b).max() for a, b in zip(result, reference, strict=True))

    peers = [
        Peer("JAX, fori_loop", jax_descend(start, s, rate, steps), error),
        Peer("ours, numpy", lambda: modes.descend(start, s, rate, steps, compiled=False), error),
        Peer("ours, compiled", lambda: modes.descend(start, s, rate, steps, compiled=True), error),
    ]
    task = {"settings": n, "T": 8, "steps": steps, "rate": rate}
    return table("descend", "Gradient descent of modes", task, peers, rounds, 1e-10)


def tables(quick):
    """Every table of this file."""
    rounds = 1 if quick else 5
    n = 8 if quick else 64
    return [
        flow("flow", "Gradient flow of modes", n, (0.6, 1.1), 8, 40.0, rounds),
        flow("flow_stiff", "Gradient flow of modes, a stiff task", max(n // 4, 4), (1.05, 1.2), 24, 40.0, rounds),
        descent(rounds, 512 if quick else 4096, 100 if quick else 2000),
    ]
