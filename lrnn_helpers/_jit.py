"""Whether compiled code can be had and is wanted, how numba is to compile it, and a word while it does.

numba keeps what it has compiled on disk, so that a machine waits once, for some seconds, and is told why: on a terminal
by a line that goes when the wait is over, and everywhere in the log `lrnn_helpers`, of level INFO, which is silent
unless someone asks for it. So a notebook shows the same whether it waited or not.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module

import numpy as np

# Networks with N_x or N_y above this are as fast in BLAS; for tangent kernels the same holds for N_h.
LARGEST = 8
OPTIONS = {"cache": True, "boundscheck": False, "error_model": "numpy"}
# A multiplication and an addition become one instruction; nothing else may be rearranged.
FUSED = OPTIONS | {"fastmath": {"contract"}}


@cache
def compiled(module):
    """A module of compiled functions; ImportError where numba is missing or has no place to keep what it compiles."""
    try:
        found = import_module(module)
    except (ImportError, RuntimeError) as error:
        raise ImportError(f"compiled=True needs numba: pip install 'lrnn-helpers[fast]' ({error})") from error
    _say_when_compiling()
    return found


@cache
def _say_when_compiling():
    from numba.core import event
    from tqdm import tqdm

    class Listener(event.Listener):
        """Of what numba compiles, inner functions within outer ones; what is on disk it does not compile."""

        def __init__(self):
            self.depth, self.line = 0, None

        def on_start(self, event):
            self.depth += 1
            name = event.data["dispatcher"].py_func.__module__
            if self.line is None and name.startswith("lrnn_helpers."):
                said = f"compiling {name} for this machine, once"
                logging.getLogger("lrnn_helpers").info(said)
                self.line = self.depth, tqdm(desc=said, bar_format="{desc} …", leave=False, disable=None)

        def on_end(self, _):
            if self.line and self.line[0] == self.depth:
                self.line[1].close()
                self.line = None
            self.depth -= 1

    event.register("numba:compile", Listener())


def wanted(asked, module, sizes):
    """Whether to run compiled: as told, or by default where that is possible and all `sizes` are small.

    It depends on nothing else, so that a result depends neither on the number of networks nor on the number of steps.
    """
    if isinstance(asked, np.bool_):
        asked = bool(asked)
    if asked is False:
        return False
    if asked is None:
        return max(sizes.values(), default=0) <= LARGEST and _available(module)
    if asked is not True:
        raise ValueError(f"compiled must be True, False or None, got {asked!r}")
    compiled(module)
    large = {name: size for name, size in sizes.items() if size > LARGEST}
    if large:
        received = ", ".join(f"{name} = {size}" for name, size in large.items())
        raise ValueError(f"compiled=True needs sizes of at most {LARGEST}, got {received}")
    return True


@cache
def _available(module):
    try:
        compiled(module)
    except ImportError:
        return False
    return True
