"""Whether compiled code can be had and is wanted, and how numba is to compile it."""

from __future__ import annotations

from functools import cache
from importlib import import_module

# Networks with a larger N_x, N_h or N_y do as well in BLAS.
LARGEST = 8
OPTIONS = {"cache": True, "boundscheck": False, "error_model": "numpy"}


@cache
def compiled(module):
    """A module of compiled functions; ImportError where numba is missing or has no place to keep what it compiles."""
    try:
        return import_module(module)
    except (ImportError, RuntimeError) as error:
        raise ImportError(f"compiled=True needs numba: pip install 'lrnn-helpers[fast]' ({error})") from error


def wanted(asked, module, sizes):
    """Whether to run compiled: as told, or by default where that is possible and all `sizes` are small.

    It depends on nothing else, so that a result depends neither on the number of networks nor on the number of steps.
    """
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
