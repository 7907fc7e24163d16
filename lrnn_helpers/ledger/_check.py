"""`check`: what is printed, held against something that was not written from it."""

from __future__ import annotations

import inspect
import numbers
from fractions import Fraction
from random import Random
from typing import NamedTuple

import numpy as np
import sympy

from lrnn_helpers import symbolic as symbolic_room
from lrnn_helpers.ledger._mutants import mutants, source
from lrnn_helpers.modes import Modes

MIME = "application/vnd.lrnn.check+json"


def witnesses(T=(1, 2, 3, 5, 8), seed=0, **extra):
    """Exact rational modes and task dynamics, one witness for each trajectory length.

    Parameters
    ----------
    T : int or sequence of int
        Trajectory lengths, each >= 1.
    seed : int
        The same seed gives the same witnesses everywhere.
    **extra
        Added to every witness as it is.

    Returns
    -------
    list of dict
        Keyword arguments ``a, b, c, tau`` (Fraction, generic: none is 0, 1 or -1, tau > 0), ``s`` (list of T distinct
        Fractions) and ``T``.

    Raises
    ------
    ValueError
        Where a length is below 1.
    """
    lengths = (T,) if isinstance(T, numbers.Integral) else tuple(T)
    if not lengths or min(lengths) < 1:
        raise ValueError(f"T must be one or more trajectory lengths >= 1, got {T!r}")
    random = Random(seed)

    def rational():
        value = Fraction(random.randint(2, 12), 7)
        return value * random.choice((-1, 1)) if value != 1 else Fraction(5, 3)

    out = []
    for length in lengths:
        s = [value + Fraction(k, 97) for k, value in enumerate(rational() for _ in range(length))]
        out.append(dict(a=rational(), b=rational(), c=rational(), s=s, T=length, tau=abs(rational()), **extra))
    return out


class Outcome(NamedTuple):
    """How the mutants of one function fared: names of the rejected, crashed and surviving ones."""

    rejected: list
    crashed: list
    survived: list


class Check:
    """The calls that turn a printed statement into a record; use the one instance, `check`.

    Every call prints one line that is the same on every machine and, inside Jupyter, displays one record under its own
    MIME type. It reads and writes no file. `records` holds what this session has recorded.
    """

    def __init__(self):
        self.records = []

    def holds(self, ids, printed, against, at, *, rtol=1e-12, symbolic=(), derivation=None, assuming="", invariant=()):
        """The printed form agrees with `against` at every witness, and its mutants do not.

        Parameters
        ----------
        ids : str or sequence of str
            Rows of the ledger that this one check covers.
        printed : function
            What is printed, written with ``def`` in the cell.
        against : callable
            Something not written from it. Both are called with those keyword arguments of a witness that they name; one
            that names ``modes`` receives ``Modes(a, b, c)``.
        at : sequence of dict
            The witnesses.
        rtol : float
            Largest ‖printed − against‖/‖against‖, for each part of a tuple. 0 asks for exact equality.
        symbolic : sequence of int, or "all"
            Trajectory lengths T for which `printed`, on symbols, must reduce to ``derivation(T)``; "all" leaves T (and
            a lag k) symbolic, which makes the check a proof for every T.
        derivation : callable, optional
            T to a sympy expression or a tuple of them. By default the function of `lrnn_helpers.symbolic` that has the
            name of `against`.
        assuming : str
            The condition under which the statement holds, in words.
        invariant : sequence of str
            The mutants that agree too, by name: exactly these, no more and no fewer.

        Raises
        ------
        AssertionError
            Where a witness or a T disagrees, a mutant survives that is not named (or is named and does not survive), or
            no mutant is rejected.
        ValueError
            Where `printed` was not written in the cell, `against` uses it, or there is no witness.
        """
        ids, at = _prepare(ids, printed, against, at)
        _agree(ids, printed, against, at, rtol)
        lengths = _derive(ids, printed, against, symbolic, derivation)
        outcome = _judge(ids, printed, lambda mutant: _worst(mutant, against, at) <= rtol, invariant)
        how = _in_words(lengths, rtol, at)
        self._emit(
            "holds", ids, f"holds: {how}", outcome, invariant, assuming, symbolic=lengths, printed=source(printed)
        )

    def defines(self, ids, printed, against, at, *, rtol=1e-12, assuming="", invariant=()):
        """The printed definition and the package's agree; parameters and errors as in `holds`."""
        ids, at = _prepare(ids, printed, against, at)
        _agree(ids, printed, against, at, rtol)
        outcome = _judge(ids, printed, lambda mutant: _worst(mutant, against, at) <= rtol, invariant)
        how = f"defined as in the package: {_in_words((), rtol, at)}"
        self._emit("defines", ids, how, outcome, invariant, assuming, printed=source(printed))

    def refutes(self, ids, printed, corrected, against, at, *, rtol=1e-12, assuming="", invariant=()):
        """The printed form fails at a witness; the corrected one holds at all, and its mutants do not.

        `corrected` is a function like `printed`, or None where no correction is known. Other parameters and errors are
        those of `holds`; a printed form that raises at a witness fails there.
        """
        ids, at = _prepare(ids, printed, against, at)
        errors = [_attempt(printed, against, witness) for witness in at]
        failing = [error for error in errors if not error <= rtol]
        if not failing:
            raise AssertionError(f"{_label(ids)} is not refuted: the printed form holds at all {len(at)} witnesses")
        size = max(failing)
        size = f"off by up to {size:.1e}" if np.isfinite(size) else "it has no value of the right shape"
        how = f"refuted as printed, {size} ({len(failing)} of {len(at)} witnesses)"
        if corrected is None:
            self._emit("refutes", ids, how, Outcome([], [], []), (), assuming, printed=source(printed), corrected=None)
            return
        _prepare(ids, corrected, against, at)
        _agree(ids, corrected, against, at, rtol)
        outcome = _judge(ids, corrected, lambda mutant: _worst(mutant, against, at) <= rtol, invariant)
        how += f"; corrected form {_in_words((), rtol, at)}"
        texts = dict(printed=source(printed), corrected=source(corrected))
        self._emit("refutes", ids, how, outcome, invariant, assuming, **texts)

    def limit(self, ids, exact, approximation, towards, order, *, tolerance=0.1, assuming="", invariant=()):
        """The error of the printed approximation falls as the stated power of a small (or large) parameter.

        Parameters
        ----------
        ids : str or sequence of str
        exact, approximation : callable
            Of the parameter h; `approximation` is the printed side, written with ``def`` in the cell.
        towards : sequence of float
            At least three values of h > 0, on the way to the limit.
        order : float
            ‖exact − approximation‖ ∝ h**order; negative where h grows.
        tolerance : float
            Largest |measured − order|, the measured one by least squares in the logarithms.
        assuming, invariant
            As in `holds`: a mutant is rejected where its error has another order.

        Raises
        ------
        AssertionError, ValueError
            As in `holds`.
        """
        ids, towards = _ids(ids), [float(h) for h in towards]
        _written_here(approximation, exact)
        if len(set(towards)) < 3 or min(towards) <= 0:
            raise ValueError(f"towards must be at least three distinct values > 0, got {towards}")
        targets = [_flat(exact(h)) for h in towards]

        def slope(function):
            errors = [np.linalg.norm(_flat(function(h)) - target) for h, target in zip(towards, targets, strict=True)]
            if not np.all(np.isfinite(errors)) or min(errors) == 0:
                return np.nan
            return np.polyfit(np.log(towards), np.log(errors), 1)[0]

        measured = slope(approximation)
        if not abs(measured - order) <= tolerance:
            raise AssertionError(f"{_label(ids)} fails: the error has order {measured:.3f}, not {order:g}")
        outcome = _judge(ids, approximation, lambda mutant: abs(slope(mutant) - order) <= tolerance, invariant)
        how = f"holds in the limit: error of order {order:g} (measured {measured:.2f})"
        self._emit("limit", ids, how, outcome, invariant, assuming, printed=source(approximation))

    def claim(self, id, holds, control, *, condition="", supported=True):
        """A statement of the text, decided by a predicate that comes out otherwise on a control.

        Parameters
        ----------
        id : str
            The claim's row.
        holds, control : bool, or callable without arguments that returns one
            The predicate on computed results, and on a control where it must be false.
        condition : str
            Where or when; claims with one id and several conditions are judged together.
        supported : bool
            False records that the claim is *not* supported: then `holds` must be false, and the control (a case where
            the predicate is true) true.

        Raises
        ------
        AssertionError
            Where either comes out otherwise.
        TypeError
            Where either is no truth value.
        """
        (id,) = _ids(id)
        values = {name: _truth(name, value) for name, value in (("holds", holds), ("control", control))}
        if values != {"holds": supported, "control": not supported}:
            raise AssertionError(f"{_label((id,))}: expected {supported} and control {not supported}, got {values}")
        verdict = "supported" if supported else "not supported"
        text = f"claim {id}  {verdict}" + (f" {condition}" if condition else "")
        text += f"  ·  the same test on the control: {'fails' if supported else 'passes'}"
        self._record(dict(call="claim", ids=[id], verdict=verdict, condition=condition, text=text))

    def figure(self, id, claims, settings):
        """The verdict on a figure, computed from claims that were checked earlier in this session.

        Parameters
        ----------
        id : str
            Such as "fig-3".
        claims : sequence of str
            Their ids; at least one.
        settings : dict
            What the paper leaves open, and what was chosen: name to value.

        Raises
        ------
        ValueError
            Where there is no claim, or one has not been checked.
        """
        (id,) = _ids(id)
        claims = _ids(claims)
        found = {
            claim: {r["verdict"] for r in self.records if r["call"] == "claim" and claim in r["ids"]}
            for claim in claims
        }
        missing = [claim for claim, verdicts in found.items() if not verdicts]
        if missing:
            raise ValueError(f"claims must be checked before their figure, got unchecked {', '.join(missing)}")
        good = sum(verdicts == {"supported"} for verdicts in found.values())
        none = all(verdicts == {"not supported"} for verdicts in found.values())
        verdict = "replicated" if good == len(claims) else "not replicated" if none else "replicated in part"
        settings = {str(name): str(value) for name, value in settings.items()}
        text = f"{id}  {verdict}: {good} of {len(claims)} claims supported ({', '.join(claims)})"
        self._record(dict(call="figure", ids=[id], verdict=verdict, claims=list(claims), settings=settings, text=text))

    def _emit(self, call, ids, how, outcome, invariant, assuming, **fields):
        rejected, crashed = len(outcome.rejected), len(outcome.crashed)
        made = rejected + crashed + len(outcome.survived)
        text = f"{_label(ids)}  {how}"
        if assuming:
            text += f", assuming {assuming}"
        if made:
            text += f"  ·  {rejected} of {made - crashed} mutants rejected"
            text += f", {crashed} more crash" if crashed else ""
            text += "".join(f"; invariant: {name}" for name in invariant)
        counts = dict(rejected=rejected, crashed=crashed, invariant=list(invariant))
        self._record(dict(call=call, ids=list(ids), assuming=assuming, mutants=counts, text=text, **fields))

    def _record(self, record):
        self.records.append(record)
        try:
            from IPython import get_ipython
        except ImportError:
            get_ipython = lambda: None  # noqa: E731
        if get_ipython() is None:
            print(record["text"])
        else:
            from IPython.display import display

            display({"text/plain": record["text"], MIME: record}, raw=True)


check = Check()


def _ids(ids):
    ids = (ids,) if isinstance(ids, str) else tuple(ids)
    if not ids or not all(isinstance(id, str) and id for id in ids):
        raise ValueError(f"ids must be one or more non-empty strings, got {ids!r}")
    return ids


def _label(ids):
    return f"({', '.join(ids)})" if all(id.isdigit() for id in ids) else ", ".join(ids)


def _truth(name, value):
    value = value() if callable(value) else value
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def _prepare(ids, printed, against, at):
    ids, at = _ids(ids), list(at)
    _written_here(printed, against)
    if not at:
        raise ValueError(f"{_label(ids)}: at must hold at least one witness")
    return ids, at


def _written_here(printed, against):
    source(printed)
    if printed.__module__ != "__main__":
        raise ValueError(f"{printed.__name__} must be defined in the cell, got one from {printed.__module__}")
    code = getattr(against, "__code__", None)
    if against is printed or (code is not None and printed.__name__ in _names(code)):
        raise ValueError(f"against must not be written from the printed function {printed.__name__}")


def _names(code):
    """Every global, attribute and outer name that a code object or one inside it uses."""
    inner = (name for const in code.co_consts if hasattr(const, "co_names") for name in _names(const))
    return {*code.co_names, *code.co_freevars, *inner}


def _call(function, arguments):
    """`function` on those arguments that it names."""
    names = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in names.values()):
        return function(**arguments)
    chosen = {name: value for name, value in arguments.items() if name in names}
    if "modes" in names and "modes" not in chosen:
        chosen["modes"] = Modes(arguments["a"], arguments["b"], arguments["c"])
    return function(**chosen)


def _error(value, target):
    """‖value − target‖/‖target‖, the worst part of a tuple; 0 only where all is equal, inf where shapes differ."""
    if isinstance(target, (tuple, list)) or isinstance(value, (tuple, list)):
        if not (isinstance(target, (tuple, list)) and isinstance(value, (tuple, list))) or len(value) != len(target):
            return np.inf
        return max((_error(v, t) for v, t in zip(value, target, strict=True)), default=0.0)
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


def _worst(function, against, at):
    return max(_error(_call(function, witness), _call(against, witness)) for witness in at)


def _attempt(printed, against, witness):
    target = _call(against, witness)
    try:
        return _error(_call(printed, witness), target)
    except Exception:  # a printed form that cannot even be evaluated fails
        return np.inf


def _agree(ids, function, against, at, rtol):
    for number, witness in enumerate(at):
        error = _error(_call(function, witness), _call(against, witness))
        if not error <= rtol:
            raise AssertionError(f"{_label(ids)} fails at witness {number}: relative error {error:.1e} > {rtol:g}")


def _derive(ids, printed, against, symbolic, derivation):
    """Check `printed` on symbols for each T; return the lengths, or "all"."""
    if not symbolic:
        return []
    if derivation is None:
        derivation = getattr(symbolic_room, getattr(against, "__name__", ""), None)
        if derivation is None:
            raise ValueError(
                f"{_label(ids)}: derivation must be given, the symbolic room has none named like {against!r}"
            )
    for T in [None] if symbolic == "all" else symbolic:
        found, wanted = _call(printed, symbolic_room.symbols(T)), derivation(T)
        found, wanted = _expressions(found), _expressions(wanted)
        if len(found) != len(wanted):
            raise AssertionError(f"{_label(ids)} gives {len(found)} expressions, its derivation {len(wanted)}")
        for one, other in zip(found, wanted, strict=True):
            if not symbolic_room.vanishes(one - other):
                raise AssertionError(
                    f"{_label(ids)} fails for {'all T' if T is None else f'T = {T}'}: {one} != {other}"
                )
    return "all" if symbolic == "all" else [int(T) for T in symbolic]


def _expressions(value):
    if isinstance(value, sympy.MatrixBase):
        return list(value)
    return [sympy.sympify(v) for v in np.ravel(np.array(value, dtype=object))]


def _judge(ids, function, agrees, invariant):
    """Run every mutant; AssertionError where the survivors are not exactly the named ones or nothing is rejected."""
    rejected, crashed, survived = [], [], []
    for name, mutant in mutants(function):
        try:
            with np.errstate(all="ignore"):
                fate = survived if agrees(mutant) else rejected
        except Exception:
            fate = crashed
        fate.append(name)
    unnamed = [name for name in survived if name not in invariant]
    absent = [name for name in invariant if name not in survived]
    if unnamed or absent:
        raise AssertionError(
            f"{_label(ids)}: mutants that survive unnamed {unnamed}, named that do not survive {absent}"
        )
    if not rejected:
        raise AssertionError(f"{_label(ids)}: no mutant of {function.__name__} was rejected, so the check cannot fail")
    return Outcome(rejected, crashed, survived)


def _in_words(lengths, rtol, at):
    words = []
    if lengths == "all":
        words.append("symbolic for all T")
    elif lengths:
        words.append(f"symbolic for T = {', '.join(map(str, lengths))}")
    precision = "exact" if rtol == 0 else f"to {rtol:g}"
    words.append(f"{precision} at {len(at)} witness{'es' if len(at) != 1 else ''}")
    return "; ".join(words)


def _flat(value):
    parts = value if isinstance(value, (tuple, list)) else (value,)
    return np.concatenate([np.ravel(np.asarray(part, dtype=complex)) for part in parts])
