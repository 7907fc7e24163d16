"""Tangent kernels and their distance: this package against Jacobians, neural-tangents and a compiled Gram route."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch

from benchmarks.timing import Peer, table
from lrnn_helpers import network, ntk

EQUAL = 1e-10
SIZES = {"kernel": (4, 8, 100), "kernel_large": (300, 20, 100)}  # N_h, T, P
QUICK = {"kernel_large": (100, 8, 20)}
TITLES = {"kernel": "One kernel, a small network", "kernel_large": "One kernel, a wide network"}
# How neural-tangents is asked. With N_h = 300 its vector products take about as long as its best mode at ten samples
# and far longer at a hundred, its structured derivatives fifty times as long: only the best is timed.
CONTRACTION = ("JACOBIAN_CONTRACTION", "JACOBIAN_CONTRACTION:scan")
MODES = {"kernel": (*CONTRACTION, "NTK_VECTOR_PRODUCTS", "STRUCTURED_DERIVATIVES"), "kernel_large": CONTRACTION}
N = 4  # inputs and outputs


def case(N_h, T, P, networks=None):
    """Random weights and inputs."""
    rng = np.random.default_rng(0)
    W = network.unaligned_weights(np.full(networks or 1, 1.0), N, N_h, N, seed=1)
    return (W if networks else network.Weights(*(w[0] for w in W))), rng.standard_normal((P, T, N)) / np.sqrt(P)


def off(reference):
    """The largest difference over the largest entry."""
    return lambda K: float(np.abs(K - reference).max() / np.abs(reference).max())


def torch_jacobians(weights, x):
    """torch.func: vmap(jacrev) over samples, then the products of all pairs, a matrix at a time."""
    W, x = tuple(torch.tensor(w) for w in weights), torch.tensor(x)

    def answer(W, x):
        Wx, Wh, Wy = W
        h = Wx @ x[0]
        for xt in x[1:]:
            h = Wh @ h + Wx @ xt
        return Wy @ h

    jacobian = torch.func.vmap(torch.func.jacrev(answer), (None, 0))

    def run():
        J = [j.reshape(j.shape[0] * j.shape[1], -1) for j in jacobian(W, x)]
        return sum(j @ j.T for j in J).numpy()

    return run


class NeuralTangents:
    """neural-tangents in an environment of its own, asked for one kernel at a time; it keeps its own time."""

    def __init__(self, python, weights, x):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "case.npz"
        np.savez(self.file, Wx=weights.Wx, Wh=weights.Wh, Wy=weights.Wy, x=x)
        worker = Path(__file__).with_name("neural_tangents_worker.py")
        self.process = subprocess.Popen(
            [python, str(worker), str(self.file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "JAX_ENABLE_X64": "1"},
        )
        about = json.loads(self.process.stdout.readline())
        self.versions = about

    def ask(self, *words):
        """One line to the worker, one line back."""
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"neural-tangents stopped at: {' '.join(map(str, words))}")
        return answer

    def peer(self, mode, error):
        """One of its modes."""

        def run():
            return np.load(self.ask("kernel", mode, 1))

        run.seconds = lambda number: float(self.ask("time", mode, number))
        return Peer(f"neural-tangents, {mode.lower().replace('_', ' ').replace(':', ', ')}", run, error)

    def close(self):
        """End the worker."""
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


def kernel(name, options, python=None):
    """One kernel of one network: against torch.func, or against neural-tangents where its Python is given."""
    rounds = options.rounds if name == "kernel" else min(options.rounds, 3)
    sizes = QUICK.get(name, SIZES[name]) if options.quick else SIZES[name]
    weights, x = case(*sizes)
    error = off(ntk.ntk(weights, x))
    mine = Peer("ours", lambda: ntk.ntk(weights, x))
    task = dict(zip(("N_h", "T", "P"), sizes, strict=True)) | {"N_x": N, "N_y": N}
    if python is None:
        peers = [Peer("torch.func, vmap(jacrev)", torch_jacobians(weights, x), error), mine]
        return table(name, TITLES[name], task, peers, rounds, EQUAL)
    other = NeuralTangents(python, weights, x)
    try:
        peers = [*(other.peer(mode, error) for mode in MODES[name]), mine]
        result = table(f"{name}_neural_tangents", TITLES[name], task, peers, rounds, EQUAL)
    finally:
        other.close()
    return {**result, "versions": other.versions}


def jax_gram(x):
    """Kernels by Gram matrices of states and of W_y W_h^(T-t), then distance (135), vmap over pairs of networks."""
    x = jnp.asarray(x.swapaxes(0, 1))
    T, n, _ = x.shape
    xx = jnp.einsum("tpi,sqi->tspq", x, x)

    def kernel(W):
        Wx, Wh, Wy = W
        h, B = [x[0] @ Wx.T], [Wy]
        for t in range(1, T):
            h.append(h[-1] @ Wh.T + x[t] @ Wx.T)
            B.append(B[-1] @ Wh)
        h, B = jnp.stack(h), jnp.stack(B[::-1])
        before = jnp.concatenate([jnp.zeros_like(h[:1]), h[:-1]])
        read = xx + jnp.einsum("tpi,sqi->tspq", before, before)
        back = jnp.einsum("tyi,szi->tsyz", B, B)
        K = read.reshape(T * T, -1).T @ back.reshape(T * T, -1)
        return K.reshape(n, n, len(Wy), -1) + (h[-1] @ h[-1].T)[:, :, None, None] * jnp.eye(len(Wy))

    def distance(W0, W1):
        K0, K1 = (K / jnp.linalg.norm(K.ravel()) for K in (kernel(W0), kernel(W1)))
        return 0.5 * jnp.sum((K0 - K1) ** 2)

    return jax.jit(jax.vmap(distance))


def distances(T, options):
    """Distances of many pairs of small networks."""
    pairs = 4 if options.quick else 32
    W0, x = case(4, T, 100, pairs)
    W1 = network.unaligned_weights(np.full(pairs, 1.0), N, 4, N, seed=2)
    call = jax_gram(x)
    J0, J1 = (tuple(jnp.asarray(w) for w in W) for W in (W0, W1))
    reference = ntk.kernel_distance(ntk.ntk(W0, x), ntk.ntk(W1, x))
    peers = [
        Peer("JAX, Gram matrices, vmap", lambda: np.asarray(jax.block_until_ready(call(J0, J1))), off(reference)),
        Peer("ours", lambda: ntk.ntk_distance(W0, W1, x), off(reference)),
    ]
    task = {"N_h": 4, "N_x": N, "N_y": N, "T": T, "P": 100, "pairs": pairs}
    return table(f"distance_{T}", f"Distance of kernels, T = {T}", task, peers, options.rounds, EQUAL)


TABLES = {name: partial(kernel, name) for name in SIZES}
# These two only where the Python is given that has neural-tangents.
OTHERS = {f"{name}_neural_tangents": lambda o, name=name: kernel(name, o, o.neural_tangents) for name in SIZES}
TABLES |= {f"distance_{T}": partial(distances, T) for T in (8, 16)}
