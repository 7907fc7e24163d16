"""Peers measured interleaved: every peer once a round, so that a busy moment hits them all."""

from __future__ import annotations

import gc
import hashlib
import json
import math
from collections.abc import Callable
from time import process_time
from typing import Any, NamedTuple

import numpy as np

SHORTEST = 0.02  # seconds; a shorter run is repeated within a round and the mean taken


class Peer(NamedTuple):
    """One way to do a table's task.

    Attributes
    ----------
    name : str
    run : callable
        Does the task, or a part of it, and returns the result when it is there.
    error : callable, optional
        The largest difference of that result from the reference.
    scale : float
        The table's task over what `run` does.
    scaled_from : str, optional
        What `run` does, where `scale` is not 1.
    facts : dict
        More for the entry: operations, steps a second, …
    """

    name: str
    run: Callable[[], Any]
    error: Callable[[Any], float] | None = None
    scale: float = 1.0
    scaled_from: str | None = None
    facts: dict[str, Any] = {}  # noqa: RUF012


def seconds(run, number=1, clock=process_time):
    """Mean time of `number` runs; a run that knows its own time (in another process) is asked for it.

    By default it is the time of the process, all threads together: on one core, with one thread, that of the clock on
    the wall, less what other programs take of the core.
    """
    own = getattr(run, "seconds", None)
    if own:
        return own(number)
    start = clock()
    for _ in range(number):
        run()
    return (clock() - start) / number


def interleaved(runs, repeats, once=None, clock=process_time):
    """Seconds of each run, (repeats, len(runs)); they have run before, and took `once` then, compiling apart."""
    once = once or [seconds(run, clock=clock) for run in runs]
    number = [max(1, math.ceil(SHORTEST / t)) for t in once]
    times = np.empty((repeats, len(runs)))
    gc.collect()
    gc.disable()
    try:
        for r in range(repeats):
            for i in np.roll(np.arange(len(runs)), -r):
                times[r, i] = seconds(runs[i], number[i], clock)
    finally:
        gc.enable()
    return times


def spread(times):
    """The least, the quartiles and the number of the rounds, as the entries of the results have them."""
    values = np.quantile(times, (0.0, 0.25, 0.5, 0.75), axis=0)
    named = {name: short(x) for name, x in zip(("least", "q1", "median", "q3"), values, strict=True)}
    return named | {"repeats": len(times)}


def short(x):
    """Five digits."""
    return [float(f"{v:.5g}") for v in x] if np.ndim(x) else float(f"{x:.5g}")


def table(name, title, task, peers, repeats, equal=0.0):
    """Check that all peers give the same, then time them.

    Parameters
    ----------
    name, title : str
    task : dict
        The sizes.
    peers : list of Peer
    repeats : int
        Rounds.
    equal : float
        The largest difference allowed, where a peer has a reference.

    Returns
    -------
    dict
        With one entry a peer; `first` is the first call less the median: compiling, caches, first touch of memory.

    Raises
    ------
    AssertionError
        If a peer's result is off: then there is no time to report.
    """
    first, once, errors = [], [], []
    for p in peers:
        first.append(seconds(p.run))
        began = process_time()
        result = p.run()
        once.append(process_time() - began if getattr(p.run, "seconds", None) is None else p.run.seconds(1))
        errors.append(None if p.error is None else float(f"{p.error(result):.1e}"))
        assert errors[-1] is None or errors[-1] <= equal, f"{title}: {p.name} is off by {errors[-1]}"
    times = interleaved([p.run for p in peers], repeats, once)
    entries = []
    for p, error, t, start in zip(peers, errors, times.T, first, strict=True):
        entry = {"name": p.name, **spread(t * p.scale), "scaled_from": p.scaled_from}
        entry |= {"first": short(max(0.0, start - np.median(t))), "error": error}
        entries.append(entry | p.facts)
    return {"id": name, "title": title, "task": task, "equal": equal, "entries": entries}


def digest(results):
    """Hash of all results but itself, written beside them: a number changed by hand is seen."""
    rest = {key: value for key, value in results.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]
