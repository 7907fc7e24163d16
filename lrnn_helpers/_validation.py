"""What every room asks of its arguments: real or complex, finite, of a stated shape.

Each function returns the argument as a numpy array (float64 or complex128) or
raises an error that names the argument, the rule, and what was received.
"""

from __future__ import annotations

import operator
from contextlib import contextmanager

import numpy as np

OUTPUTS = ("last", "all")


def array(name, value, *, finite=True, real=False):
    """`value` as float64, or complex128 where it is complex and `real` is False."""
    try:
        out = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of numbers of one shape, got {value!r}") from error
    if out.dtype == object:
        # numpy would make NaN of None, and a number of a string of digits.
        if not all(hasattr(x, "__float__") or hasattr(x, "__complex__") for x in out.flat):
            raise TypeError(f"{name} must hold numbers, got {value!r}")
        try:
            out = out.astype(float)
        except OverflowError as error:
            raise ValueError(f"{name} must hold floats, got a number beyond their range") from error
        except TypeError:
            try:
                out = out.astype(complex)
            except TypeError as error:
                raise TypeError(f"{name} must hold numbers, got {value!r}") from error
    if out.dtype.kind not in "buifc":
        raise TypeError(f"{name} must hold numbers, got dtype {out.dtype}")
    if out.dtype.kind == "c":
        if real:
            raise TypeError(f"{name} must be real, got dtype {out.dtype}")
        out = out.astype(np.complex128)
    else:
        out = out.astype(np.float64)
    if finite and not np.isfinite(out).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(out))[0])
        raise ValueError(f"{name} must be finite, got {out[bad]} at index {bad}")
    return out


def integer(name, value, *, at_least):
    """`value` as an int that is at least `at_least`; a bool is not a number here."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        out = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} must be an integer, got {value!r}") from error
    if out < at_least:
        raise ValueError(f"{name} must be an integer >= {at_least}, got {out}")
    return out


def positive(name, value):
    """`value` as a finite float64 array, every entry > 0 (tau, learning rates, beta)."""
    out = array(name, value, real=True)
    if (out <= 0).any():
        raise ValueError(f"{name} must be > 0, got {out[out <= 0].flat[0]}")
    return out


def at_least(name, value, least=0.0):
    """`value` as one float that is at least `least`."""
    out = array(name, value, real=True)
    if out.ndim or out < least:
        raise ValueError(f"{name} must be one number >= {least:g}, got {value!r}")
    return float(out)


def outputs(value):
    """One of ``"last"`` (single output) and ``"all"`` (T outputs)."""
    if not isinstance(value, str) or value not in OUTPUTS:
        raise ValueError(f'outputs must be "last" or "all", got {value!r}')
    return value


def trajectory(name, value, outputs="last"):
    """Task dynamics: (..., T), or (..., T, T) lower-triangular where ``outputs="all"``; T >= 1."""
    out = array(name, value)
    if outputs == "last":
        if out.ndim < 1 or out.shape[-1] < 1:
            raise ValueError(f"{name} must end in an axis of length T >= 1, got shape {out.shape}")
        return out
    if out.ndim < 2 or out.shape[-1] != out.shape[-2] or out.shape[-1] < 1:
        raise ValueError(f'{name} must end in two axes (T, T), T >= 1, when outputs="all", got shape {out.shape}')
    if np.triu(out, 1).any():
        bad = tuple(int(i) for i in np.argwhere(np.triu(out, 1))[0])
        raise ValueError(
            f"{name} must be lower-triangular (an output cannot depend on later inputs), got {out[bad]} at index {bad}"
        )
    return out


def covariance(name, value, T, *, real=False):
    """The covariance over time of a dimension's input, (..., T, T): Hermitian, with no negative eigenvalue.

    Both are asked for to the rounding of sums over samples, 1e-12 of the largest entry; what comes back is exactly
    Hermitian.
    """
    out = array(name, value, real=real)
    if out.ndim < 2 or out.shape[-2:] != (T, T):
        raise ValueError(f"{name} must end in two axes (T, T) with T = {T}, as s has, got shape {out.shape}")
    adjoint = np.swapaxes(out.conj(), -2, -1)
    size = np.abs(out).max(axis=(-2, -1), keepdims=True, initial=0.0)
    uneven = np.abs(out - adjoint) > 1e-12 * size
    if uneven.any():
        bad = tuple(int(i) for i in np.argwhere(uneven)[0])
        other = (*bad[:-2], bad[-1], bad[-2])
        kind = "Hermitian" if out.dtype.kind == "c" else "symmetric"
        raise ValueError(f"{name} must be {kind}, got {out[bad]} at index {bad} and {out[other]} at index {other}")
    out = (out + adjoint) / 2
    least = np.linalg.eigvalsh(out)[..., 0]
    negative = least < -1e-12 * T * size[..., 0, 0]
    if negative.any():
        row = tuple(int(i) for i in np.argwhere(negative)[0])
        where = f" in entry {row}" if row else ""
        raise ValueError(f"{name} must be positive semi-definite, got an eigenvalue of {least[row]:.3g}{where}")
    return out


def broadcast(**shapes):
    """The common shape of the named leading axes; the error lists every one of them."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError as error:
        received = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"leading axes must broadcast, got {received}") from error


def one_of(name, value, options):
    """`value`, one of a few strings."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value


def weights(value):
    """(Wx, Wh, Wy) as float64 of shapes (..., N_h, N_x), (..., N_h, N_h), (..., N_y, N_h); NaN is allowed.

    Whatever has a method `weights`, as an `autograd.LinearRNN` has, is asked for them.
    """
    if callable(getattr(value, "weights", None)):
        value = value.weights()
    if hasattr(value, "u"):
        raise TypeError(f"weights must be three matrices (Wx, Wh, Wy), got {type(value).__name__}(a, b, c)")
    try:
        Wx, Wh, Wy = value
    except (TypeError, ValueError) as error:
        raise ValueError(f"weights must be three matrices (Wx, Wh, Wy), got {type(value).__name__}") from error
    Wx, Wh, Wy = (array(n, w, finite=False, real=True) for n, w in (("Wx", Wx), ("Wh", Wh), ("Wy", Wy)))
    shapes = f"got Wx {Wx.shape}, Wh {Wh.shape}, Wy {Wy.shape}"
    if min(Wx.ndim, Wh.ndim, Wy.ndim) < 2 or not (
        Wx.shape[-2] == Wh.shape[-2] == Wh.shape[-1] == Wy.shape[-1] and 0 not in (*Wx.shape[-2:], Wy.shape[-2])
    ):
        raise ValueError(f"weights must end in Wx (N_h, N_x), Wh (N_h, N_h), Wy (N_y, N_h), {shapes}")
    broadcast(Wx=Wx.shape[:-2], Wh=Wh.shape[:-2], Wy=Wy.shape[:-2])
    return Wx, Wh, Wy


def modes(value, name="modes", *, real=False, columns=False):
    """(a, b, c), float64 or complex128, NaN allowed; with `columns` of one shape (..., N), N >= 1.

    A plain tuple holds numbers or vectors: three matrices without the name of Modes may well be weights.
    """
    if not isinstance(value, tuple) or len(value) != 3 or hasattr(value, "Wx"):
        got = repr(value) if not isinstance(value, tuple) else f"{type(value).__name__} of length {len(value)}"
        raise TypeError(f"{name} must be Modes(a, b, c), got {got}")
    a, b, c = (array(f"{name}.{n}", m, finite=False, real=real) for n, m in zip("abc", value, strict=True))
    if not hasattr(value, "u") and max(a.ndim, b.ndim, c.ndim) > 1:
        raise TypeError(
            f"{name} must be Modes(a, b, c) where they have more than one axis, "
            f"got a plain tuple of arrays of shapes {a.shape}, {b.shape}, {c.shape}"
        )
    if not columns:
        return a, b, c
    broadcast(**{f"{name}.{n}": m.shape for n, m in zip("abc", (a, b, c), strict=True)})
    a, b, c = np.broadcast_arrays(a, b, c)
    if a.ndim < 1 or a.shape[-1] < 1:
        raise ValueError(f"{name} must end in an axis of N >= 1 dimensions, got shape {a.shape}")
    return a, b, c


def inputs(x, N_x=None):
    """Input trajectories (P, T, N_x), none of the three zero."""
    x = array("x", x, real=True)
    if x.ndim != 3 or 0 in x.shape:
        raise ValueError(f"x must have shape (P, T, N_x), each >= 1, got shape {x.shape}")
    if N_x is not None and x.shape[-1] != N_x:
        raise ValueError(f"x must have N_x = {N_x} columns, as Wx has, got shape {x.shape}")
    return x


def samples(x, y, N_x=None, N_y=None):
    """Inputs (P, T, N_x) with targets (P, N_y), or (P, T, N_y) for T outputs."""
    x, y = inputs(x, N_x), array("y", y, real=True)
    P, T, _ = x.shape
    if y.ndim not in (2, 3) or y.shape[:-1] not in ((P,), (P, T)) or y.shape[-1] < 1:
        raise ValueError(
            f"y must have shape ({P}, N_y) or ({P}, {T}, N_y) for x of shape {x.shape}, got shape {y.shape}"
        )
    if N_y is not None and y.shape[-1] != N_y:
        raise ValueError(f"y must have N_y = {N_y} columns, as Wy has rows, got shape {y.shape}")
    return x, y


def times(name, value):
    """Points in time: one-dimensional, not empty, real, finite, >= 0, nondecreasing."""
    out = array(name, value, real=True)
    if out.ndim != 1 or out.size == 0:
        raise ValueError(f"{name} must be one-dimensional and not empty, got shape {out.shape}")
    if (out < 0).any():
        raise ValueError(f"{name} must be >= 0, got {out[out < 0][0]}")
    if (np.diff(out) < 0).any():
        raise ValueError(f"{name} must be nondecreasing, got {out[np.argmax(np.diff(out) < 0)]} before a smaller value")
    return out


@contextmanager
def extra(name):
    """Around the import of optional packages: where one is missing, an ImportError names the extra that brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = f"{error.name} is needed here and not installed: pip install 'lrnn-helpers[{name}]'"
        raise ImportError(missing, name=error.name) from error
