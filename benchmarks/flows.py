"""Modes: their gradient flow against ODE solvers at equal accuracy, and their gradient descent."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.timing import Peer, table
from lrnn_helpers import dynamics, modes

ACCURACY = 1e-7  # relative, of every mode at every time
MOST = 65536  # steps of a diffrax solver
# The loosest power of ten that reaches ACCURACY; the table asserts that it does. An explicit solver is of no use where
# the task is stiff, and on u and b alone Kvaerno5 stays above ACCURACY at every tolerance at which it gets to the end.
TOLERANCES = {
    "flow": {"LSODA": 1e-9, "Tsit5": 1e-8, "Tsit5, reduced": 1e-8, "Kvaerno5": 1e-9},
    "flow_stiff": {"LSODA": 1e-10, "Kvaerno5": 1e-8},
}
TASKS = {"flow": (64, (0.6, 1.1), 8), "flow_stiff": (16, (1.05, 1.2), 24)}  # settings, λ, T
TITLES = {"flow": "Gradient flow of modes", "flow_stiff": "Gradient flow of modes, a stiff task"}
END = 40.0


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


def vmapped(start, lags, times, rtol, solver, reduced=False):
    """diffrax, all settings in one compiled call; steps are chosen for each setting.

    `reduced` solves for u and b only: v = a² - c² keeps its value, as in our own solver.
    """
    import diffrax
    import jax
    import jax.numpy as jnp

    v = start.a**2 - start.c**2

    def of_u(t, y, args):
        s, v = args
        root = jnp.sqrt(v**2 + 4 * y[0] ** 2)
        level, by_b, _ = rates(s, (y[0], y[1], 1.0))
        return jnp.stack([root * level, by_b])

    term = diffrax.ODETerm(of_u if reduced else lambda t, y, args: jnp.stack(rates(args[0], y)))
    control = diffrax.PIDController(rtol=rtol, atol=1e-2 * rtol)
    save = diffrax.SaveAt(ts=jnp.asarray(times))

    def one(y0, s, v):
        solution = diffrax.diffeqsolve(
            term,
            solver,
            0.0,
            times[-1],
            None,
            y0,
            (s, v),
            saveat=save,
            stepsize_controller=control,
            max_steps=MOST,
            throw=False,
        )
        ys = solution.ys.T
        if reduced:
            a = jnp.sqrt((v + jnp.sqrt(v**2 + 4 * ys[0] ** 2)) / 2)
            ys = jnp.stack([a, ys[1], ys[0] / a])
        return jnp.where(solution.result == diffrax.RESULTS.successful, ys, jnp.nan)

    call = jax.jit(jax.vmap(one, out_axes=2))
    y0 = (start.a * start.c, start.b) if reduced else start
    given = [jnp.asarray(x) for x in (np.transpose(y0), lags, v)]
    return lambda: np.asarray(jax.block_until_ready(call(*given)))


def relative(values, reference):
    """The worst relative error."""
    return float(np.max(np.abs(np.asarray(values) / reference - 1)))


def flow(name, options):
    """One table: all ways to the same accuracy, measured against a solution at 1e-13 that a second solver confirms."""
    import diffrax

    n, lam, T = TASKS[name]
    start, s = settings(8 if options.quick else n, lam, T)
    times, lags = np.linspace(0, END, 61), s[:, ::-1]
    reference = plain(start, lags, times, 1e-13, "LSODA")()
    two = modes.Modes(*(x[:2] for x in start))
    again = plain(two, lags[:2], times, 1e-13, "Radau" if name == "flow_stiff" else "DOP853")()
    assert relative(again, reference[..., :2]) < 1e-10, "the two references disagree"
    # What an explicit solver has to follow, step by step: the largest curvature times the end.
    curvature = np.linalg.eigvalsh(modes.hessian(modes.Modes(*reference[:, -1]), s)).max()

    def error(result):
        return relative(result, reference)

    peers = []
    for way, rtol in TOLERANCES[name].items():
        solver, _, reduced = way.partition(", ")
        if solver == "LSODA":
            label, run = "scipy LSODA, a loop over settings", plain(start, lags, times, rtol, solver)
        else:
            run = vmapped(start, lags, times, rtol, getattr(diffrax, solver)(), bool(reduced))
            label = f"diffrax {solver}, vmap" + bool(reduced) * ", on u and b"
        peers.append(Peer(label, run, error, facts={"rtol": rtol}))
    peers += [
        Peer("ours, by LSODA", lambda: modes.flow(start, s, times, compiled=False), error),
        Peer("ours, compiled", lambda: modes.flow(start, s, times, compiled=True), error),
    ]
    task = {"settings": len(s), "T": T, "lambda": list(lam), "end": END, "times": len(times), "accuracy": ACCURACY}
    task["stiffness"] = float(f"{curvature * END:.3g}")
    return table(name, TITLES[name], task, peers, options.rounds, ACCURACY)


def jax_descend(start, s, rate, steps, unroll=None):
    """Gradient descent of all settings as one compiled loop."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    lags = jnp.asarray(s[:, ::-1].T)

    def step(_, y):
        return tuple(x + rate * dx for x, dx in zip(y, rates(lags, y), strict=True))

    call = jax.jit(lambda y: lax.fori_loop(0, steps, step, y, unroll=unroll))
    y0 = tuple(jnp.asarray(x) for x in start)
    return lambda: [np.asarray(x) for x in jax.block_until_ready(call(y0))]


def descent(options):
    """Gradient descent of many settings."""
    n, steps = (512, 100) if options.quick else (4096, 2000)
    (start, s), rate = settings(n, (0.6, 1.1), 8), 1e-3
    reference = modes.descend(start, s, rate, steps, compiled=False)

    def error(result):
        return max(np.abs(a - b).max() for a, b in zip(result, reference, strict=True))

    peers = [
        Peer("JAX, fori_loop", jax_descend(start, s, rate, steps), error),
        Peer("JAX, fori_loop, four steps unrolled", jax_descend(start, s, rate, steps, unroll=4), error),
        Peer("ours, numpy", lambda: modes.descend(start, s, rate, steps, compiled=False), error),
        Peer("ours, compiled", lambda: modes.descend(start, s, rate, steps, compiled=True), error),
    ]
    task = {"settings": n, "T": 8, "steps": steps, "rate": rate}
    return table("descend", "Gradient descent of modes", task, peers, options.rounds, 1e-10)


TABLES = {name: partial(flow, name) for name in TASKS} | {"descend": descent}
