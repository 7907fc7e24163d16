"""How two sides of a check are called and compared, and whether one was written from the other."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Mapping

import numpy as np


def call(function, arguments, made, run=lambda function, arguments: function(**arguments)):
    """`function` on those arguments that it names; `made` are constructors of further ones, by name."""
    names = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in names.values()):
        return run(function, arguments)
    chosen = {name: value for name, value in arguments.items() if name in names}
    for name in made.keys() & names.keys() - chosen.keys():
        chosen[name] = made[name](*(arguments[part] for part in inspect.signature(made[name]).parameters))
    return run(function, chosen)


def parts(value):
    """The parts of a tuple or a list, or the value as the only one."""
    return list(value) if isinstance(value, (tuple, list)) else [value]


def shapes(value):
    """The shape of each part."""
    return [shapes(v) if isinstance(v, (tuple, list)) else np.shape(v) for v in parts(value)]


def error(value, target):
    """‖value − target‖/‖target‖, the worst part of a tuple; 0 only where all is equal, inf where shapes differ."""
    if isinstance(target, (tuple, list)) or isinstance(value, (tuple, list)):
        if not (isinstance(target, (tuple, list)) and isinstance(value, (tuple, list))) or len(value) != len(target):
            return np.inf
        return max((error(v, t) for v, t in zip(value, target, strict=True)), default=0.0)
    value, target = np.asarray(value), np.asarray(target)
    if value.shape != target.shape:
        return np.inf
    if object in (value.dtype, target.dtype):
        if all(bool(v == t) for v, t in zip(value.ravel(), target.ravel(), strict=True)):
            return 0.0
        value, target = value.astype(complex), target.astype(complex)
    if not (np.isfinite(value).all() and np.isfinite(target).all()):
        return np.inf
    gap = np.linalg.norm((value.astype(complex) - target.astype(complex)).ravel())
    if gap == 0:
        return 0.0
    size = np.linalg.norm(target.astype(complex).ravel())
    return float(gap / size) if size else np.inf


def flat(value):
    """All numbers of a value or a tuple of values, one after the other."""
    return np.concatenate([np.ravel(np.asarray(part, dtype=complex)) for part in parts(value)])


def reached(start):
    """Every function of the notebook that `start` can call: globals, closures, defaults, partials, attributes.

    The walk stops at modules: what a package holds was not written in the cell.
    """
    found, seen, waiting = [], {}, [start]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, (types.ModuleType, str, bytes, int, float, complex, np.ndarray)):
            continue
        seen[id(thing)] = thing
        if isinstance(thing, functools.partial):
            waiting += [thing.func, *thing.args, *thing.keywords.values()]
        elif isinstance(thing, types.MethodType):
            waiting += [thing.__func__, thing.__self__]
        elif isinstance(thing, types.FunctionType):
            found.append(thing)
            waiting += [*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values()]
            waiting += [cell.cell_contents for cell in thing.__closure__ or () if _filled(cell)]
            if hasattr(thing, "__wrapped__"):
                waiting.append(thing.__wrapped__)
            if thing is start or not _installed(thing):
                waiting += [thing.__globals__[name] for name in names(thing.__code__) if name in thing.__globals__]
        elif isinstance(thing, (list, tuple, set, frozenset, Mapping)):
            waiting += [*thing.values()] if isinstance(thing, Mapping) else [*thing]
        elif isinstance(thing, (property, staticmethod, classmethod, functools.cached_property)):
            waiting += [getattr(thing, name, None) for name in ("fget", "__func__", "func")]
        elif not isinstance(thing, type):
            waiting += [*getattr(thing, "__dict__", {}).values(), type(thing)]
        elif not _installed(thing):
            waiting += [*vars(thing).values(), *thing.__mro__[1:-1]]
    return found


def names(code):
    """Every global, attribute and outer name that a code object or one inside it uses."""
    inner = (name for const in code.co_consts if hasattr(const, "co_names") for name in names(const))
    return {*code.co_names, *code.co_freevars, *inner}


def same_code(one, other):
    """Whether two functions are the same up to their docstrings and the names of functions and local variables."""
    return one is other or _shape(one.__code__, one.__doc__) == _shape(other.__code__, other.__doc__)


def _shape(code, doc=None):
    consts = [_shape(c) if hasattr(c, "co_code") else None if c == doc else repr(c) for c in code.co_consts]
    return code.co_code, code.co_names, code.co_argcount, tuple(map(str, consts))


def _installed(thing):
    return getattr(thing, "__module__", None) != "__main__"


def _filled(cell):
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
