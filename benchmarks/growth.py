"""How cost grows: the time of a step against each size and the cores, memory against networks; and first calls.

A line has one value for each size, and `theory`: what the count of operations, or of bytes, says, up to a factor.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from time import perf_counter

import numpy as np

from benchmarks import flows
from benchmarks.timing import interleaved, short, spread
from benchmarks.training import NETWORKS, N, P, T, correlated_task, operations, ours, start, white_task
from lrnn_helpers import modes, network, ntk

COMPILED, PLAIN = {"compiled": True}, {"compiled": False}
SLOW = 1e-6  # a learning rate at which no network of any size diverges


def _steps(x, at, power):
    """As many steps as keep the time about the same, and enough to hide what is done once."""
    return int(np.clip(400 * (at / x) ** power, 50, 20_000))


def _along_T(task, power):
    return lambda x: (start(N, NETWORKS), task(N, x, 260), _steps(x, 8, power))


def _along_N(networks, at):
    return lambda x: (start(x, networks), white_task(x, T, max(P, T * x + 1)), _steps(x, at, 3))


def _along_P(steps):
    return lambda x: (start(N, NETWORKS), white_task(N, T, x), steps)


def _along_networks(at):
    return lambda x: (start(N, x), white_task(N, T, P), _steps(x, at, 1))


# For each axis its lines: name, sizes, how to train, and what to train, of a size; with white inputs or not.
TS, PS, COUNTS = (4, 8, 16, 32, 64), (50, 200, 800, 3200, 12800), (8, 32, 128, 512, 2048, 8192)
AXES = {
    "T": [
        ("compiled, white", TS, COMPILED, _along_T(white_task, 1), True),
        ("compiled, general", TS, COMPILED, _along_T(correlated_task, 2), False),
    ],
    "N": [
        ("compiled, white", (1, 2, 3, 4, 5, 6, 7, 8), COMPILED, _along_N(NETWORKS, 4), True),
        ("numpy, white", (8, 16, 32, 64, 128), PLAIN, _along_N(1, 32), True),
    ],
    "P": [
        ("compiled, white", PS, COMPILED, _along_P(400), True),
        ("numpy, white", PS, PLAIN, _along_P(100), True),
    ],
    "networks": [
        ("compiled, white", COUNTS, COMPILED, _along_networks(512), True),
        ("numpy, white", COUNTS, PLAIN, _along_networks(128), True),
    ],
}


def time(axis, options):
    """Seconds a step against one size, the statistics (taken once) apart."""
    runs, steps, lines = [], [], []
    for name, sizes, how, make, is_white in AXES[axis]:
        counted = []
        for x in sizes:
            weights, task, n = make(x)
            n = max(n // (20 if options.quick else 1), 2)
            runs += [ours(weights, task, count, SLOW, **how) for count in (n, 0)]
            steps.append(n)
            (_, lags, N_x), (_, N_y, N_h) = task.x.shape, weights[2].shape
            counted.append(len(weights[0]) * operations(lags, N_x, N_h, N_y, is_white))
        lines.append({"name": name, "x": list(sizes), "theory": counted})
    for run in runs:
        run()
    times = interleaved(runs, options.rounds)
    at = 0
    for line in lines:
        end = at + len(line["x"])
        step = (times[:, ::2] - times[:, 1::2])[:, at:end] / steps[at:end]
        line |= spread(step)
        # The least of a difference would be noise; the difference of the least times is not.
        least = times.min(axis=0)
        line["least"] = short((least[::2] - least[1::2])[at:end] / steps[at:end])
        at = end
    return {"id": f"growth_{axis}", "title": f"Time of a step against {axis}", "unit": "s", "lines": lines}


def cores(options):
    """Calls on one core and on more, time by the clock on the wall; the bits have to be the same."""
    little = options.quick
    weights, steps = start(N, NETWORKS), 100 if little else 4000
    begin, s = flows.settings(64 if little else 16384, (0.6, 1.1), 8)
    few, times = slice(32 if little else 2048), np.linspace(0, flows.END, 61)
    one = modes.Modes(*(x[few] for x in begin))
    pairs = [network.unaligned_weights(np.full(16 if little else 1024, 1.0), N, N, N, seed=seed) for seed in (1, 2)]
    x = np.random.default_rng(0).standard_normal((100, 8, N)) / 10
    jobs = {
        "train, white": ours(weights, white_task(N, T, P), steps, **COMPILED),
        "train, general": ours(weights, correlated_task(N, T, P), steps // 2, **COMPILED),
        "descend": lambda: modes.descend(begin, s, 1e-3, 100 if little else 4000, **COMPILED),
        "flow": lambda: modes.flow(one, s[few], times, **COMPILED),
        "ntk_distance": lambda: ntk.ntk_distance(*pairs, x),
    }
    before, variables = None, {name: os.environ.get(name) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")}
    if hasattr(os, "sched_getaffinity"):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, range(os.cpu_count()))
    counts = sorted({1, *(2**k for k in range(1, 12) if 2**k < os.cpu_count()), os.cpu_count()})

    def on(threads, job):
        def run():
            os.environ["NUMBA_NUM_THREADS"] = str(threads)
            return job()

        return run

    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    try:
        for name, job in jobs.items():
            want = np.concatenate([np.ravel(w) for w in on(1, job)()])
            for count in counts[1:]:
                got = np.concatenate([np.ravel(w) for w in on(count, job)()])
                assert np.array_equal(got, want), f"{name} on {count} cores has other bits than on one"
        runs = [on(count, job) for job in jobs.values() for count in counts]
        measured = interleaved(runs, 2 * options.rounds + 1, clock=perf_counter)
    finally:
        for name, value in variables.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        if before:
            os.sched_setaffinity(0, before)
    lines = []
    for i, name in enumerate(jobs):
        part = measured[:, i * len(counts) : (i + 1) * len(counts)]
        lines.append({"name": name, "x": counts, "theory": [1 / c for c in counts], **spread(part)})
    title = "Time of a call against cores"
    return {"id": "growth_cores", "title": title, "unit": "s", "load": load, "lines": lines}


# Memory: processes of their own, from whose peak what they had after a first small run is taken

ROOM = 64 * 2**20  # bytes that a limited process may take beyond that
MEMORY = """
import json, resource, sys
import numpy as np
from lrnn_helpers import dynamics, tasks, training
from lrnn_helpers.network import Weights

way, networks, room = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
task = tasks.structured_task(dynamics.constant(np.ones(4), 4), 40, 0)
rng = np.random.default_rng(0)

def some(n):
    return {"weights": Weights(*0.1 * rng.normal(size=(3, n, 4, 4))), "task": task, "learning_rate": 1e-3}

def of(what):
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(what))

training.sweep([some(1000)], steps=20, on_result=lambda n, h: None, progress=False)
base, done = of("VmRSS"), []
if room:
    resource.setrlimit(resource.RLIMIT_AS, (of("VmSize") + room,) * 2)
try:
    if way == "train":
        done.append(training.train(**some(networks), steps=20, progress=False).taken.size)
    else:
        many = (some(1000) for _ in range(networks // 1000))
        training.sweep(many, steps=20, on_result=lambda n, h: done.append(h.taken.size), progress=False)
    assert sum(done) == networks
    print(json.dumps({"base": base, "peak": of("VmHWM"), "fits": True}))
except MemoryError:
    print(json.dumps({"base": base, "peak": of("VmHWM"), "fits": False}))
"""


def _child(code, *arguments, **environment):
    """What a Python process of its own prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    return json.loads(done.stdout)


def memory(options):
    """Bytes at the peak against the number of networks: one call of `train`, and a sweep that keeps nothing."""
    counts = (1000, 10_000) if options.quick else (1000, 10_000, 100_000)
    more = () if options.quick else (1_000_000,)
    lines = []
    for name, way, sizes in (("train", "train", counts), ("sweep, on_result", "sweep", (*counts, *more))):
        found = [[_child(MEMORY, way, n, 0) for n in sizes] for _ in range(min(options.rounds, 3))]
        peaks = np.array([[r["peak"] - r["base"] for r in row] for row in found], dtype=float)
        # Counted: what `train` is given and hands back, the same for each network; a sweep keeps none of it.
        counted = [n if way == "train" else 1 for n in sizes]
        lines.append({"name": name, "x": list(sizes), "theory": counted, **spread(peaks)})
    limited = {way: _child(MEMORY, way, counts[-1], ROOM)["fits"] for way in ("train", "sweep")}
    return {
        "id": "growth_memory",
        "title": "Memory against networks",
        "unit": "B",
        "lines": lines,
        "limit": {"room": ROOM, "networks": counts[-1], "fits": limited},
    }


# First calls

FIRST = """
from time import process_time
import numpy as np
from lrnn_helpers import dynamics, modes, network, ntk, tasks, training
task = tasks.structured_task(dynamics.constant(np.ones(4), 8), 40, 0)
weights = network.unaligned_weights(np.full(8, .5), 4, 4, 4, seed=1)
start = modes.Modes(*np.full((3, 8), 0.1))
s = np.ones((8, 8))
calls = {
    "train": lambda: training.train(weights, task, 1e-3, 10),
    "descend": lambda: modes.descend(start, s, 1e-3, 10),
    "flow": lambda: modes.flow(start, s, np.linspace(0, 1, 3)),
    "ntk": lambda: ntk.ntk(network.Weights(*(w[0] for w in weights)), task.x),
}
import sys
began = process_time()
calls[sys.argv[1]]()
print(process_time() - began)
"""


def first_call(options):
    """First calls, each in a process of its own, the machine code on disk or yet to be made."""
    entries = []
    names = ("train", "descend", "flow", "ntk")
    for name in names:
        _child(FIRST, name)  # now the code is on disk
    kept = np.array([[_child(FIRST, name) for name in names] for _ in range(options.rounds)])
    for name, t in zip(names, kept.T, strict=True):
        entries.append({"name": f"{name}, compiled before", **spread(t), "scaled_from": None})
    made = []
    for _ in range(min(options.rounds, 3)):
        row = []
        for name in names:
            with tempfile.TemporaryDirectory() as empty:
                row.append(_child(FIRST, name, NUMBA_CACHE_DIR=empty))
        made.append(row)
    for name, t in zip(names, np.array(made).T, strict=True):
        entries.append({"name": f"{name}, first on this machine", **spread(t), "scaled_from": None})
    return {"id": "first_call", "title": "First call in a fresh process", "task": {}, "equal": 0.0, "entries": entries}


TABLES = {"first_call": first_call}
TABLES |= {f"growth_{axis}": partial(time, axis) for axis in AXES} | {"growth_cores": cores}
if os.path.exists("/proc/self/status"):
    TABLES["growth_memory"] = memory
