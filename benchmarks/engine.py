"""The flow and the descent of modes against what needs no JAX: python -m benchmarks.engine writes engine.json.

All ways of a table take turns, round after round; a time is the least processor time of a round, since the machine may
be busy with other things.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks import flows
from lrnn_helpers import modes

RESULTS = Path(__file__).with_name("engine.json")
FLOWS = {"flow": (64, (0.6, 1.1), 8), "flow_stiff": (16, (1.05, 1.2), 24)}
ROUNDS = 7


def least(ways):
    """The least processor time of each way, after a first call of each."""
    for run in ways.values():
        run()
    times = {name: np.inf for name in ways}
    for _ in range(ROUNDS):
        for name, run in ways.items():
            began = process_time()
            run()
            times[name] = min(times[name], process_time() - began)
    return times


def flow(name):
    """One task of `flows`, to the same accuracy, which is measured."""
    n, lam, T = FLOWS[name]
    (start, s), times = flows.settings(n, lam, T), np.linspace(0, 40.0, 61)
    lags = s[:, ::-1]
    reference = flows.plain(start, lags, times, 1e-13, "LSODA")()
    ways = {
        "scipy LSODA, a loop over settings": flows.plain(start, lags, times, flows.TOLERANCES[name]["LSODA"], "LSODA"),
        "modes.flow, by LSODA": lambda: modes.flow(start, s, times, compiled=False),
        "modes.flow, compiled": lambda: modes.flow(start, s, times, compiled=True),
    }
    errors = {way: flows.relative(run(), reference) for way, run in ways.items()}
    assert max(errors.values()) <= flows.ACCURACY, errors
    return {"settings": n, "T": T, "seconds": least(ways), "errors": errors}


def descent():
    """That of `flows.descent`."""
    start, s = flows.settings(4096, (0.6, 1.1), 8)
    ways = {
        "numpy": lambda: modes.descend(start, s, 1e-3, 2000, compiled=False),
        "compiled": lambda: modes.descend(start, s, 1e-3, 2000, compiled=True),
    }
    results = [run() for run in ways.values()]
    assert all(np.array_equal(x, y) for x, y in zip(*results, strict=True))
    return {"settings": 4096, "T": 8, "steps": 2000, "seconds": least(ways)}


if __name__ == "__main__":
    found = {name: flow(name) for name in FLOWS} | {"descend": descent(), "date": date.today().isoformat()}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
