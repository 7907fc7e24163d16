"""Whether the compiled kernels are there and wanted."""

from __future__ import annotations

from functools import cache

# Networks with a larger N_x, N_h or N_y do as well in BLAS.
LARGEST = 8


@cache
def kernels():
    """The module of compiled kernels; ImportError where numba is missing or has no place to keep what it compiles."""
    try:
        from lrnn_helpers import _compiled
    except (ImportError, RuntimeError) as error:
        raise ImportError(f"compiled=True needs numba: pip install 'lrnn-helpers[fast]' ({error})") from error
    return _compiled


@cache
def available():
    """Whether they can be had."""
    try:
        kernels()
    except ImportError:
        return False
    return True


def wanted(compiled, sizes):
    """Whether to run compiled: as told, or by default where that is possible and all `sizes` are small.

    It depends on nothing else, so that a result depends neither on the number of networks nor on the number of steps.
    """
    if compiled is False:
        return False
    if compiled is None:
        return max(sizes.values(), default=0) <= LARGEST and available()
    if compiled is not True:
        raise ValueError(f"compiled must be True, False or None, got {compiled!r}")
    kernels()
    large = {name: size for name, size in sizes.items() if size > LARGEST}
    if large:
        received = ", ".join(f"{name} = {size}" for name, size in large.items())
        raise ValueError(f"compiled=True needs sizes of at most {LARGEST}, got {received}")
    return True
