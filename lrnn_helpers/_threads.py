"""Independent rows over the cores: threads on compiled code that holds no lock, the bits of one core."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor


def number():
    """How many threads: what the environment says, else one for each core that this process may use.

    One in any thread but the main one: whoever started it (joblib, Dask) has spread the work already. The processes
    that these start have the environment's variables set.
    """
    if threading.current_thread() is not threading.main_thread():
        return 1
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "").partition(",")[0].strip()
        if value.isdecimal() and int(value) > 0:
            return int(value)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def over(call, count, group=1, least=1):
    """`call(part)` for slices that together are range(count), whole groups each, and at least `least` groups."""
    groups = -(-count // group)
    threads = max(1, min(number(), groups // least))
    ends = [min(count, group * (groups * i // threads)) for i in range(threads + 1)]
    parts = [slice(*ends[i : i + 2]) for i in range(threads)]
    if threads == 1:
        call(parts[0])
        return
    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(call, part) for part in parts[1:]]
        call(parts[0])  # this thread takes a part too: one less to start
        for other in others:
            other.result()  # an error comes out here
