"""Kernels by neural-tangents on request; run by `kernels.py` with a Python that has it, not imported.

It needs a jax of its time; `make bench` makes the environment.
"""

# ruff: noqa: E402
import json
import sys
import types
from pathlib import Path
from time import process_time

# Its bridge to TensorFlow is not needed here, and would need TensorFlow.
sys.modules["neural_tangents.experimental"] = types.ModuleType("neural_tangents.experimental")

import jax
import jax.numpy as jnp
import neural_tangents as nt
import numpy as np
from jax import lax


def apply(W, x):
    """Answers (P, N_y) of the network for inputs (P, T, N_x)."""
    Wx, Wh, Wy = W
    h = x[:, 0] @ Wx.T
    for t in range(1, x.shape[1]):
        h = h @ Wh.T + x[:, t] @ Wx.T
    return h @ Wy.T


def scanned(W, x):
    """The same as a loop, which compiles faster."""
    Wx, Wh, Wy = W
    h = jnp.zeros((len(x), len(Wh)))
    h, _ = lax.scan(lambda h, xt: (h @ Wh.T + xt @ Wx.T, None), h, x.swapaxes(0, 1))
    return h @ Wy.T


def main(file):
    """Answer requests until there are no more."""
    data = np.load(file)
    W, x = tuple(jnp.asarray(data[k]) for k in ("Wx", "Wh", "Wy")), jnp.asarray(data["x"])
    calls = {}
    for mode in nt.NtkImplementation:
        for name, function in ((mode.name, apply), (f"{mode.name}:scan", scanned)):
            kernel = nt.empirical_ntk_fn(function, trace_axes=(), vmap_axes=0, implementation=mode)
            calls[name] = jax.jit(lambda W, x, kernel=kernel: kernel(x, None, W))
    print(json.dumps({"neural-tangents": nt.__version__, "jax": jax.__version__, "numpy": np.__version__}), flush=True)
    for line in sys.stdin:
        what, mode, number = line.split()
        start = process_time()
        for _ in range(int(number)):
            K = jax.block_until_ready(calls[mode](W, x))
        took = (process_time() - start) / int(number)
        if what == "time":
            print(took, flush=True)
        else:
            rows = x.shape[0] * W[2].shape[0]
            out = Path(file).with_name("kernel.npy")
            np.save(out, np.asarray(K).swapaxes(1, 2).reshape(rows, rows))
            print(out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
