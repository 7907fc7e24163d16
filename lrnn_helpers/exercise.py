"""A reader's answer to an exercise, held against the right one: says that it is right, or what to look at.

What is compared is what the exercise computes, never a number that somebody typed beside it. Prints one line; an
exercise that nobody has answered yet says so and fails nowhere.
"""

import sys
from collections.abc import Callable, Iterable
from numbers import Number

import numpy as np

__all__ = ["answer"]

DRAWS = 20


def answer(
    value: object,
    right: object,
    hint: str = "",
    *,
    at: Iterable[tuple] | Callable[[np.random.Generator], tuple] | None = None,
    rtol: float = 1e-6,
) -> None:
    """Print whether a reader's answer is right, or what to look at.

    Parameters
    ----------
    value : number, array_like, sympy expression, function or other object
        The reader's answer. ``...`` or None, or a function that returns one of them, is no answer yet.
    right : same kind as `value`
        What it is compared with: computed by the exercise's cell, and for a function another function.
    hint : str, optional
        What to look at, printed where the answer is not right.
    at : iterable of tuples or function, optional
        Where two functions are compared: the tuples of their arguments, or a function of a `numpy.random.Generator`
        that draws one, of which 20 are drawn from a fixed seed.
    rtol : float, optional
        Relative tolerance of numbers and arrays, by the largest entry of `right`.

    Raises
    ------
    TypeError
        If `right` is a function and `at` is missing, or `at` is given and `right` is no function.
    ValueError
        If `at` is empty, `rtol` is not a positive number, or `right` holds a number that is not finite.

    Notes
    -----
    Expressions of sympy are compared by equality, after simplification, and where sympy cannot tell by their values at
    20 points, in which a symbol of which nothing is assumed is a real number. Numbers and arrays are compared with the
    tolerance, functions by their values, and everything else, such as sets and words, with ``==``: there a list is as
    good as a tuple or an array, ``{}`` is the empty set, and capitals in words do not count. The exercises of
    :doc:`/book/introduction` use it.

    Examples
    --------
    >>> from lrnn_helpers.exercise import answer
    >>> answer(..., 0.75)
    no answer yet
    >>> answer(3 / 4, 0.75)
    right
    >>> answer(-0.75, 0.75, "which sign has a fading echo?")
    not yet: the size is right, the sign is not. Look at this: which sign has a fading echo?
    >>> answer(lambda b: b**2, lambda b: b**3, at=[(0.5,), (2.0,)])
    not yet: at (0.5,) it is 0.25, which is wrong
    """
    if not (np.isscalar(rtol) and isinstance(rtol, Number) and rtol > 0):
        raise ValueError(f"rtol must be a positive number, got {rtol!r}")
    if callable(right) != (at is not None):
        raise TypeError("at says where two functions are compared: give it with a function as right, and only then")
    wrong = _of_functions(value, right, at, rtol) if callable(right) else _wrong(value, right, rtol)
    if wrong is None:
        print("right")
    elif wrong is ...:
        print("no answer yet")
    else:
        print("not yet: " + wrong + (f". Look at this: {hint}" if hint else ""))


def _missing(value):
    """Whether nothing has been filled in yet, in a tuple too."""
    if isinstance(value, tuple | list):
        return any(_missing(part) for part in value)
    return value is None or value is ...


def _of_functions(value, right, at, rtol):
    """What is wrong with a function, where it is first seen; None if nothing is, ``...`` if it has no answer."""
    if _missing(value):
        return ...
    if not callable(value):
        return f"a function is asked for, and this is {value!r}"
    rng = np.random.default_rng(0)
    cases = [at(rng) for _ in range(DRAWS)] if callable(at) else list(at)
    if not cases:
        raise ValueError("at must hold at least one tuple of arguments, got none")
    for case in cases:
        expected = right(*case)
        try:
            got = value(*case)
        except Exception as error:  # whatever it is: it is what to look at
            return f"at {_shown(case)} it raises {type(error).__name__}: {error}"
        if _missing(got):
            return ...
        wrong = _wrong(got, expected, rtol)
        if wrong is not None:
            said = "which is wrong" if wrong.startswith(("this is another", "these are other")) else wrong
            return f"at {_shown(case)} it is {_shown(got)}, {said}"
    return None


def _wrong(value, right, rtol):
    """What is wrong with a value: None if nothing is, ``...`` if there is none."""
    if _missing(value):
        return ...
    if _is_symbolic(value) or _is_symbolic(right):
        return _of_expressions(value, right)
    expected = _numbers(right)
    if expected is None:
        return _of_words(_plain(value), _plain(right))
    if not np.isfinite(expected).all():
        raise ValueError(f"right must be finite, got {right!r}")
    got = _numbers(value)
    if got is None:
        return "numbers are asked for"
    if got.shape != expected.shape:
        return f"its shape is {got.shape}, and {expected.shape} is asked for"
    if not np.isfinite(got).all():
        return "it holds a number that is not finite"
    allowed = rtol * np.abs(expected).max(initial=0) or rtol
    if np.abs(got - expected).max(initial=0) <= allowed:
        return None
    if np.abs(got + expected).max(initial=0) <= allowed:
        return "the size is right, the sign is not"
    return "this is another number" if expected.ndim == 0 else "these are other numbers"


def _of_words(value, right):
    """The same for words, True or False, sets, and lists of these, all of them plain."""
    if value == right:
        return None
    if isinstance(value, tuple) and isinstance(right, tuple) and len(value) == len(right):
        return next(wrong for parts in zip(value, right, strict=True) if (wrong := _of_words(*parts)))
    if isinstance(right, tuple):
        return f"a list of {len(right)} is asked for"
    for kind, name in ((str, "a word"), (bool, "True or False"), (frozenset, "a set")):
        if isinstance(right, kind) and not isinstance(value, kind):
            return f"{name} is asked for"
    return "this is another one"


def _plain(value):
    """Without what does not matter: array, list or tuple; capitals and blanks around a word; {} for the empty set."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, str):
        return value.strip().lower()
    if isinstance(value, set | frozenset) or value == {}:
        return frozenset(map(_plain, value))
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _of_expressions(value, right):
    """The same for two expressions of sympy."""
    sympy = sys.modules["sympy"]
    try:
        value, right = sympy.sympify(value), sympy.sympify(right)
        equal = _is_zero(value - right)
    except (TypeError, sympy.SympifyError):
        return "an expression is asked for"
    if equal:
        return None
    if strange := value.free_symbols - right.free_symbols:
        return f"the right one has no {', '.join(sorted(map(str, strange)))}"
    if _is_zero(value + right):
        return "the size is right, the sign is not"
    return "this is another expression"


def _is_zero(expression):
    """Whether an expression is 0; where sympy cannot tell, whether it is at numbers in place of its symbols."""
    sympy, rng = sys.modules["sympy"], np.random.default_rng(0)
    left = sympy.simplify(expression)
    known = left == 0 or left.equals(0)
    if known is not None:
        return known
    symbols, values = sorted(left.free_symbols, key=str), []
    for _ in range(DRAWS):
        at = {symbol: _drawn(symbol, rng) for symbol in symbols}
        if None in at.values():
            return False
        value = left.subs(at).evalf(30, chop=True)
        if value.is_number and value.is_finite:
            values.append(abs(value))
    return bool(values) and max(values) < 1e-12


def _drawn(symbol, rng):
    """A number that a symbol may stand for, real unless it must not be; None if none is found."""
    sympy = sys.modules["sympy"]
    wanted = symbol.assumptions0.items()
    for _ in range(DRAWS):
        real = sympy.Rational(int(rng.integers(-3000, 3001)), 1000)
        for number in (real, sympy.Integer(int(rng.integers(-9, 10))), sympy.I * real):
            if all(getattr(number, f"is_{name}") in (value, None) for name, value in wanted):
                return number
    return None


def _is_symbolic(value):
    sympy = sys.modules.get("sympy")  # an answer that is one has loaded it
    return sympy is not None and isinstance(value, sympy.Basic)


def _numbers(value):
    """As an array of floats or complex numbers, None where there is something else."""
    try:
        out = np.asarray(value)
    except ValueError:
        return None
    return out.astype(complex if out.dtype.kind == "c" else float) if out.dtype.kind in "iufc" else None


def _shown(value):
    """Arguments and values with few digits, large arrays by their shape."""
    if isinstance(value, np.ndarray) and value.ndim:
        return np.array2string(value, precision=4) if value.size <= 6 else f"an array of shape {value.shape}"
    if isinstance(value, tuple):
        inside = ", ".join(map(_shown, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return f"{value:.4g}" if isinstance(value, int | float | complex | np.number) else str(value)
