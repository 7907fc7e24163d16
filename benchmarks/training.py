"""Gradient descent: this package against autograd and compiled loops."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

from benchmarks.timing import Peer, table
from lrnn_helpers import dynamics, network, tasks, training

N, T, P, NETWORKS, STEPS, RATE = 4, 8, 200, 512, 2000, 3e-3
WIDE, EQUAL = 300, 1e-9
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


def ours(weights, task, steps, rate=RATE, **how):
    """Train by this package."""
    return lambda: training.train(weights, task, rate, steps, **how).final


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


def _moments(task, white):
    """What our algorithm needs of the data: Σ φφᵀ, or only its diagonal, and Σ φyᵀ, inputs in order of their lag."""
    phi = task.x[:, ::-1].reshape(len(task.x), -1)
    return (phi**2).sum(axis=0) if white else phi.T @ phi, phi.T @ task.y


def jax_statistics(weights, task, steps, white=True):
    """Our algorithm: gradient from covariance and correlation, networks first as in our numpy path."""
    covariance, correlation = map(jnp.asarray, _moments(task, white))
    lags, N_x = task.x.shape[1:]

    def gradient(W):
        Wx, Wh, Wy = W
        rows = [Wx.mT]
        for _ in range(lags - 1):
            rows.append(rows[-1] @ Wh.mT)
        H = jnp.concatenate(rows, axis=-2)
        G = H @ Wy.mT
        E = (covariance[:, None] * G if white else jnp.einsum("ij,...jk->...ik", covariance, G)) - correlation
        adjoint = E @ Wy
        back = [adjoint[..., -N_x:, :]]
        for k in range(lags - 1, 0, -1):
            back.append(adjoint[..., (k - 1) * N_x : k * N_x, :] + back[-1] @ Wh)
        A = jnp.concatenate(back[::-1], axis=-2)
        return A[..., :N_x, :].mT, A[..., N_x:, :].mT @ H[..., :-N_x, :], E.mT @ H

    return _jax_descent(gradient, weights, steps)


def jax_one(weights, task, steps):
    """The same for one network, without an axis of networks."""
    run = jax_statistics([w[0] for w in weights], task, steps)
    return lambda: [w[None] for w in run()]


def jax_last(weights, task, steps, product, white=True):
    """Our algorithm with networks on the last axis, as in our compiled kernel."""
    covariance, correlation = map(jnp.asarray, _moments(task, white))
    lags, N_x = task.x.shape[1:]
    correlation = correlation.reshape(lags, N_x, -1, 1).swapaxes(1, 2)
    diagonal = covariance.reshape(lags, 1, N_x, 1) if white else None

    def errors(G):
        if white:
            return [d * g - c for d, c, g in zip(diagonal, correlation, G, strict=True)]
        rows = jnp.stack(G).swapaxes(1, 2)  # lags, N_x, N_y, networks: one large product
        mixed = (covariance @ rows.reshape(lags * N_x, -1)).reshape(rows.shape)
        return list(mixed.swapaxes(1, 2) - correlation)

    def gradient(W):
        Wx, Wh, Wy = W
        WhT, WyT = Wh.swapaxes(0, 1), Wy.swapaxes(0, 1)
        A = [Wx]
        for _ in range(lags - 1):
            A.append(product(Wh, A[-1]))
        E = errors([product(Wy, a) for a in A])
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


def _sizes(options, **more):
    """The steps of a full run, and the facts of a table."""
    steps = STEPS // 20 if options.quick else STEPS
    task = {"N": N, "T": T, "P": P, "networks": NETWORKS, "steps": steps, "check_steps": steps, "rate": RATE}
    return steps, task | more


def white(options):
    """Many small networks, white inputs."""
    steps, task = _sizes(options)
    few, some = (2 if options.quick else 10), steps // 4  # shortened runs
    peer = Against(start(N, NETWORKS), white_task(N, T, P), steps, steps).peer
    peers = [
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
    return table("training", "Training, white inputs", task, peers, options.rounds, EQUAL)


def general(options):
    """The same with inputs that are correlated in time."""
    steps, task = _sizes(options, AR=AR)
    few, some = (2 if options.quick else 10), steps // 4
    peer = Against(start(N, NETWORKS), correlated_task(N, T, P), steps, steps).peer
    peers = [
        peer("JAX, vmap + scan", jax_bptt, run_steps=2 * few),
        peer("JAX, vmap + scan, unrolled", jax_bptt, run_steps=2 * few, unroll=T),
        peer("JAX, statistics, networks last, sums", jax_last, run_steps=some, product=by_sums, white=False),
        peer("JAX, statistics, networks last, dots", jax_last, product=by_dot, white=False),
        peer("JAX, statistics, networks first", jax_statistics, run_steps=some, white=False),
        peer("ours, numpy", ours, run_steps=some, compiled=False),
        peer("ours, compiled", ours, compiled=True),
    ]
    return table("training_general", "Training, inputs correlated in time", task, peers, options.rounds, EQUAL)


def large(options):
    """One wide network."""
    steps, task = _sizes(options, N_h=WIDE, networks=1)
    task["check_steps"] = steps // 10
    few, some = (2 if options.quick else 10), steps // 4
    peer = Against(start(WIDE, 1, N_x=N), white_task(N, T, P), steps, steps // 10).peer
    peers = [
        peer("torch, a loop over networks", torch_loop, run_steps=few),
        peer("JAX, vmap + scan", jax_bptt, run_steps=few),
        peer("JAX, vmap + scan, unrolled", jax_bptt, run_steps=few, unroll=T),
        peer("JAX, statistics, networks first", jax_statistics, run_steps=some),
        peer("JAX, statistics, one network", jax_one, run_steps=some),
        peer("ours, numpy", ours, run_steps=some, compiled=False),
        peer("ours, compiled", ours, run_steps=some, compiled=True),
    ]
    return table("training_large", "Training one wide network", task, peers, options.rounds, EQUAL)


def peak(options):
    """Operations a second beside those of one large matrix product."""
    steps, _ = _sizes(options)
    weights, wide, some = start(N, NETWORKS), start(WIDE, 1, N_x=N), steps // 4
    A, B = np.random.default_rng(0).standard_normal((2, 1024, 1024))
    one, task = operations(T, N, N, N), white_task(N, T, P)

    def peer(name, run, flops):
        return Peer(name, run, facts={"flops": flops})

    peers = [
        peer("matrix product, 1024³", lambda: A @ B, 2 * 1024**3),
        peer("ours, numpy, white", ours(weights, task, some, compiled=False), NETWORKS * some * one),
        peer("ours, numpy, N_h = 300", ours(wide, task, some, compiled=False), some * operations(T, N, WIDE, N)),
        peer("ours, compiled, N_h = 300", ours(wide, task, some, compiled=True), some * operations(T, N, WIDE, N)),
        peer(
            "ours, compiled, general",
            ours(weights, correlated_task(N, T, P), steps, compiled=True),
            NETWORKS * steps * operations(T, N, N, N, white=False),
        ),
        peer("ours, compiled, white", ours(weights, task, steps, compiled=True), NETWORKS * steps * one),
    ]
    return table("peak", "Share of the peak of one core", {"steps": steps}, peers, options.rounds)


TABLES = {"training": white, "training_general": general, "training_large": large, "peak": peak}
