"""Gradient descent: this package against autograd and compiled loops, and how the cost of a step grows."""

from __future__ import annotations

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

from benchmarks.timing import Peer, interleaved, quartiles, table
from lrnn_helpers import dynamics, network, tasks, training

N, T, P, NETWORKS, STEPS, RATE = 4, 8, 200, 512, 2000, 3e-3
AR = 0.8  # correlation of an input with the one before it


# The tasks


def white_task(N, T, P):
    """A structured task, inputs exactly white."""
    s = dynamics.inverse_exponential(np.linspace(0.5, 1.0, N), np.linspace(0.7, 1.0, N), T)
    return tasks.structured_task(s, P, seed=0)


def correlated_task(N, T, P):
    """Inputs that are correlated in time, Σ_p x_t x_tᵀ about I, and the answers of a network."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((P, T, N)) / np.sqrt(P)
    for t in range(1, T):
        x[:, t] = AR * x[:, t - 1] + np.sqrt(1 - AR**2) * x[:, t]
    return tasks.Task(x, network.forward(start(N, 1, seed=2), x)[0])


def start(N_h, networks, N_x=None, seed=1):
    """Random weights of many networks, not aligned."""
    N_x = N_x or N_h
    return network.unaligned_weights(np.full(networks, 0.5), N_x, N_h, N_x, seed=seed)


def operations(T, N_x, N_h, N_y, white=True):
    """Floating-point operations of one step of one network, two to a multiply-add.

    W_h^k W_x and its adjoint: 3 products a lag after the first; answers, their adjoint and ∂L/∂W_y: 3 a lag; the error
    (diagonal, or the whole covariance); the step.
    """
    products = 3 * (T - 1) * N_h * N_h * N_x + 3 * T * N_y * N_h * N_x
    error = T * N_x * N_y if white else (T * N_x) ** 2 * N_y
    return 2 * (products + error + N_h * (N_x + N_h + N_y))


# The peers: each takes weights, task and number of steps, and returns a function without arguments that trains


def ours(weights, task, steps, **how):
    """Train by this package."""
    return lambda: training.train(weights, task, RATE, steps, **how).final


def torch_loop(weights, task, steps):
    """One network after the other, autograd through the unrolled network: what one writes first."""
    x, y = torch.tensor(task.x), torch.tensor(task.y)

    def run():
        out = []
        for W in zip(*weights, strict=True):
            Wx, Wh, Wy = W = [torch.tensor(w, requires_grad=True) for w in W]
            for _ in range(steps):
                h = x[:, 0] @ Wx.T
                for t in range(1, x.shape[1]):
                    h = h @ Wh.T + x[:, t] @ Wx.T
                loss = 0.5 * ((y - h @ Wy.T) ** 2).sum()
                grads = torch.autograd.grad(loss, W)
                with torch.no_grad():
                    for w, g in zip(W, grads, strict=True):
                        w -= RATE * g
            out.append([w.detach().numpy() for w in W])
        return [np.stack(w) for w in zip(*out, strict=True)]

    return run


def torch_batched(weights, task, steps):
    """All networks in one graph, matrix products batched over them; losses of networks add up."""
    x, y = torch.tensor(task.x), torch.tensor(task.y)

    def run():
        Wx, Wh, Wy = W = [torch.tensor(w, requires_grad=True) for w in weights]
        for _ in range(steps):
            h = x[:, 0] @ Wx.mT
            for t in range(1, x.shape[1]):
                h = torch.baddbmm(x[:, t] @ Wx.mT, h, Wh.mT)
            grads = torch.autograd.grad(0.5 * ((y - h @ Wy.mT) ** 2).sum(), W)
            with torch.no_grad():
                for w, g in zip(W, grads, strict=True):
                    w -= RATE * g
        return [w.detach().numpy() for w in W]

    return run


def torch_vmap(weights, task, steps):
    """torch.func: vmap over networks of the gradient of one network's loss."""
    x, y = torch.tensor(task.x), torch.tensor(task.y)

    def loss(W):
        Wx, Wh, Wy = W
        h = x[:, 0] @ Wx.T
        for t in range(1, x.shape[1]):
            h = h @ Wh.T + x[:, t] @ Wx.T
        return 0.5 * ((y - h @ Wy.T) ** 2).sum()

    gradient = torch.func.vmap(torch.func.grad(loss))

    def run():
        W = tuple(torch.tensor(w) for w in weights)
        for _ in range(steps):
            W = tuple(w - RATE * g for w, g in zip(W, gradient(W), strict=True))
        return [w.numpy() for w in W]

    return run


def _jax_descent(gradient, weights, steps):
    """The whole descent as one compiled loop."""

    def step(W, _):
        return tuple(w - RATE * g for w, g in zip(W, gradient(W), strict=True)), None

    descend = jax.jit(lambda W: lax.scan(step, W, None, length=steps)[0])
    W = tuple(jnp.asarray(w) for w in weights)
    return lambda: [np.asarray(w) for w in jax.block_until_ready(descend(W))]


def jax_bptt(weights, task, steps, unroll=1):
    """Backpropagation through a lax.scan over time, vmap over networks."""
    x, y = jnp.asarray(task.x.swapaxes(0, 1)), jnp.asarray(task.y)

    def loss(W):
        Wx, Wh, Wy = W
        h = jnp.zeros((x.shape[1], len(Wh)))
        h, _ = lax.scan(lambda h, xt: (h @ Wh.T + xt @ Wx.T, None), h, x, unroll=unroll)
        return 0.5 * jnp.sum((y - h @ Wy.T) ** 2)

    return _jax_descent(jax.vmap(jax.grad(loss)), weights, steps)


def jax_statistics(weights, task, steps):
    """Our algorithm: gradient from covariance and correlation, networks first as in our numpy path."""
    x, y = task.x, task.y
    phi = x[:, ::-1].reshape(len(x), -1)
    diagonal, correlation = jnp.asarray((phi**2).sum(axis=0)[:, None]), jnp.asarray(phi.T @ y)
    lags, N_x = x.shape[1:]

    def gradient(W):
        Wx, Wh, Wy = W
        rows = [Wx.mT]
        for _ in range(lags - 1):
            rows.append(rows[-1] @ Wh.mT)
        H = jnp.concatenate(rows, axis=1)
        E = diagonal * (H @ Wy.mT) - correlation
        adjoint = E @ Wy
        back = [adjoint[:, -N_x:]]
        for k in range(lags - 1, 0, -1):
            back.append(adjoint[:, (k - 1) * N_x : k * N_x] + back[-1] @ Wh)
        A = jnp.concatenate(back[::-1], axis=1)
        return A[:, :N_x].mT, A[:, N_x:].mT @ H[:, :-N_x], E.mT @ H

    return _jax_descent(gradient, weights, steps)


def jax_last(weights, task, steps, product):
    """Our algorithm with networks on the last axis, as in our compiled kernel."""
    x, y = task.x, task.y
    lags = x.shape[1]
    phi = x[:, ::-1].reshape(len(x), -1)
    diagonal = jnp.asarray((phi**2).sum(axis=0).reshape(lags, 1, -1, 1))
    correlation = jnp.asarray((phi.T @ y).reshape(lags, -1, y.shape[1], 1).swapaxes(1, 2))

    def gradient(W):
        Wx, Wh, Wy = W
        WhT, WyT = Wh.swapaxes(0, 1), Wy.swapaxes(0, 1)
        A = [Wx]
        for _ in range(lags - 1):
            A.append(product(Wh, A[-1]))
        E = [d * product(Wy, a) - c for d, c, a in zip(diagonal, correlation, A, strict=True)]
        back, dWh = product(WyT, E[-1]), 0
        for k in range(lags - 1, 0, -1):
            dWh = dWh + product(back, A[k - 1].swapaxes(0, 1))
            back = product(WhT, back) + product(WyT, E[k - 1])
        return back, dWh, sum(product(e, a.swapaxes(0, 1)) for e, a in zip(E, A, strict=True))

    run = _jax_descent(gradient, [np.moveaxis(w, 0, -1) for w in weights], steps)
    return lambda: [np.moveaxis(w, -1, 0) for w in run()]


def by_sums(A, B):
    """Products of (i, j, networks) and (j, k, networks), written as sums of products."""
    return (A[:, :, None] * B[None]).sum(axis=1)


def by_dot(A, B):
    """The same as XLA's batched dot."""
    return lax.dot_general(A, B, (((1,), (0,)), ((2,), (2,)))).transpose(1, 2, 0)


# The tables


class Against:
    """The peers of one training table, compared on what is timed, and with autograd on a few networks to the end."""

    def __init__(self, weights, task, steps, check_steps, networks=4):
        self.weights, self.task, self.steps, self.check_steps = weights, task, steps, check_steps
        self.few = [w[:networks] for w in weights]
        self.witness = torch_loop(self.few, task, check_steps)()

    def peer(self, name, make, networks=None, run_steps=None, **how):
        """A peer, timed on a part of the networks and steps if so asked."""
        part, n = [w[:networks] for w in self.weights], run_steps or self.steps
        run = make(part, self.task, n, **how)

        def error(result):
            pairs = [
                (result, training.train(part, self.task, RATE, n).final),
                (make(self.few, self.task, self.check_steps, **how)(), self.witness),
            ]
            return max(np.abs(a - b).max() for pair in pairs for a, b in zip(*pair, strict=True))

        scale = len(self.weights[0]) * self.steps / (len(part[0]) * n)
        said = None if scale == 1 else f"{len(part[0])} networks, {n} steps"
        return Peer(name, run, error, scale, said, {"steps": self.steps})


def tables(quick):
    """Every table of this file."""
    rounds = 1 if quick else 7
    steps = STEPS // 20 if quick else STEPS
    few, some = (2, steps // 4) if quick else (10, steps // 4)  # shortened runs
    white, general, weights = white_task(N, T, P), correlated_task(N, T, P), start(N, NETWORKS)
    wide = start(300, 1, N_x=N)
    sizes = {"N": N, "T": T, "P": P, "networks": NETWORKS, "steps": steps, "check_steps": steps, "rate": RATE}
    peer = Against(weights, white, steps, steps).peer
    main = [
        peer("torch, a loop over networks", torch_loop, networks=1, run_steps=steps // 10),
        peer("torch, batched products", torch_batched, run_steps=few),
        peer("torch.func, vmap(grad)", torch_vmap, run_steps=few),
        peer("JAX, vmap + scan", jax_bptt, run_steps=2 * few),
        peer("JAX, vmap + scan, unrolled", jax_bptt, run_steps=2 * few, unroll=T),
        peer("JAX, statistics, networks last, sums", jax_last, run_steps=some, product=by_sums),
        peer("JAX, statistics, networks last, dots", jax_last, product=by_dot),
        peer("JAX, statistics, networks first", jax_statistics, run_steps=some),
        peer("ours, numpy", ours, run_steps=some, compiled=False),
        peer("ours, compiled", ours, compiled=True),
    ]
    peer = Against(weights, general, steps, steps).peer
    correlated = [
        peer("JAX, vmap + scan", jax_bptt, run_steps=2 * few),
        peer("JAX, vmap + scan, unrolled", jax_bptt, run_steps=2 * few, unroll=T),
        peer("ours, numpy", ours, run_steps=some, compiled=False),
        peer("ours, compiled", ours, compiled=True),
    ]
    peer = Against(wide, white, steps, steps // 10).peer
    large = [
        peer("torch, a loop over networks", torch_loop, run_steps=few),
        peer("JAX, vmap + scan", jax_bptt, run_steps=few),
        peer("JAX, vmap + scan, unrolled", jax_bptt, run_steps=few, unroll=T),
        peer("JAX, statistics, networks first", jax_statistics, run_steps=some),
        peer("ours, numpy", ours, run_steps=some),
    ]
    one = {**sizes, "N_h": 300, "networks": 1, "check_steps": steps // 10}
    return [
        table("training", "Training, white inputs", sizes, main, rounds, 1e-9),
        table("training_general", "Training, inputs correlated in time", {**sizes, "AR": AR}, correlated, rounds, 1e-9),
        table("training_large", "Training one wide network", one, large, rounds, 1e-9),
        peak(rounds, steps, weights, wide, white, general),
    ]


def peak(rounds, steps, weights, wide, white, general):
    """Operations a second beside those of one large matrix product."""
    A, B = np.random.default_rng(0).standard_normal((2, 1024, 1024))
    many, some = NETWORKS * steps, steps // 4
    small, full = operations(T, N, N, N), operations(T, N, N, N, white=False)
    peers = [
        Peer("matrix product, 1024³", lambda: A @ B, facts={"flops": 2 * 1024**3}),
        Peer("ours, compiled, white", ours(weights, white, steps, compiled=True), facts={"flops": many * small}),
        Peer("ours, compiled, general", ours(weights, general, steps, compiled=True), facts={"flops": many * full}),
        Peer(
            "ours, numpy, white", ours(weights, white, some, compiled=False), facts={"flops": NETWORKS * some * small}
        ),
        Peer(
            "ours, numpy, N_h = 300",
            ours(wide, white, some),
            facts={"flops": some * operations(T, N, 300, N)},
        ),
    ]
    return table("peak", "Share of the peak of one core", {"steps": steps}, peers, rounds)


# How the cost of a step grows


def series(quick):
    """Seconds a step against each size, the statistics (taken once) apart."""
    rounds = 1 if quick else 5
    Ts, Ns, wide = (4, 8, 16, 32, 64), (1, 2, 3, 4, 5, 6, 7, 8), (8, 16, 32, 64, 128)
    Ps, counts = (50, 200, 800, 3200, 12800), (8, 32, 128, 512, 2048, 8192)
    compiled, plain = {"compiled": True}, {"compiled": False}

    def growth(name, axis, xs, make, how, white=True):
        """`make(x)` gives weights, task and the number of steps to time."""
        runs, flops, steps = [], [], []
        for x in xs:
            weights, task, n = make(x)
            n = max(n // (20 if quick else 1), 2)
            runs += [ours(weights, task, n, **how), ours(weights, task, 0, **how)]
            (_, T, N_x), (_, N_y, N_h) = task.x.shape, weights[2].shape
            flops.append(len(weights[0]) * operations(T, N_x, N_h, N_y, white))
            steps.append(n)
        times = interleaved(runs, rounds)
        once = quartiles(times[:, 1::2])["median"]
        step = quartiles((times[:, ::2] - times[:, 1::2]) / steps)
        return {"name": name, "axis": axis, "x": list(xs), **step, "once": once, "flops": flops, "repeats": rounds}

    def steps(x, at, power):
        """As many steps as keep the time about the same, and enough to hide what is done once."""
        return int(np.clip(400 * (at / x) ** power, 50, 20_000))

    small = start(N, NETWORKS)

    def along_T(task):
        power = 1 if task is white_task else 2
        return lambda T: (small, task(N, T, 260), steps(T, 8, power))

    def along_P(count):
        return lambda P: (small, white_task(N, T, P), count)

    def along_networks(at):
        return lambda n: (start(N, n), white_task(N, T, P), steps(n, at, 1))

    def along_N(networks, at):
        return lambda N: (start(N, networks), white_task(N, T, max(P, T * N + 1)), steps(N, at, 3))

    return [
        growth("compiled, white", "T", Ts, along_T(white_task), compiled),
        growth("compiled, general", "T", Ts, along_T(correlated_task), compiled, white=False),
        growth("compiled, white", "N", Ns, along_N(NETWORKS, 4), compiled),
        growth("numpy, white", "N", wide, along_N(1, 32), plain),
        growth("compiled, white", "P", Ps, along_P(400), compiled),
        growth("numpy, white", "P", Ps, along_P(100), plain),
        growth("compiled, white", "networks", counts, along_networks(512), compiled),
        growth("numpy, white", "networks", counts, along_networks(128), plain),
    ]


FIRST = """
from time import perf_counter
import numpy as np
from lrnn_helpers import dynamics, network, tasks, training
task = tasks.structured_task(dynamics.constant(np.ones(4), 8), 40, 0)
weights = network.unaligned_weights(np.full(8, .5), 4, 4, 4, seed=1)
start = perf_counter()
training.train(weights, task, 1e-3, 10, compiled=True)
print(perf_counter() - start)
"""


def first_call(quick):
    """The compiled kernel's first call in a process of its own, its machine code already on disk."""
    rounds = 2 if quick else 6
    command = [sys.executable, "-c", FIRST]
    times = [float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(rounds)]
    entry = {"name": "ours, compiled", **quartiles(np.array(times[1:])), "repeats": rounds - 1, "scaled_from": None}
    return {"id": "first_call", "title": "First call in a fresh process", "task": {}, "equal": 0.0, "entries": [entry]}
