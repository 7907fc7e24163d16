"""`check`: what is printed, held against something that was not written from it; a sentence, tried on its domain."""

from __future__ import annotations

import inspect
import pickle
import re
import sys
from contextlib import suppress
from math import ceil, log10

import numpy as np
import sympy

from lrnn_helpers.ledger._compare import call, error, flat, parts, reached, same_code, shapes
from lrnn_helpers.ledger._mutants import mutants, source
from lrnn_helpers.ledger._statement import SIGN, Statement, in_ascii

MIME = "application/vnd.ledger.check+json"
GLUED = "application/papermill.record/"  # the prefix under which MyST-NB looks for what {glue:text} shows
OURS = (NameError, TypeError, AttributeError)  # a slip of whoever wrote the function, never a fact about the print
CASES, RUNS = 30, 10  # the fewest cases over which a claim is judged: cheap ones, and training runs
REAL = 0.5  # a crash is no rejection: the least share of rejected mutants among those that do not survive
ROUNDING = 1e-9  # errors up to here are not told apart in a record: they differ between machines


class Check:
    """The calls that turn a printed statement, or a sentence, into a record; a book has one instance, `check`.

    Every call prints one line, the same on every machine, and inside Jupyter displays one record under its own MIME
    type. It reads and writes no file. `records` holds what this session has recorded.

    Parameters
    ----------
    symbolic : module or namespace, optional
        The book's mathematics: ``symbols(T)``, a dict of the arguments of printed functions (T None: for every T), may
        have ``vanishes(expression)``, and derivations, functions of T that bear the name of an `against`.
    made : dict of str to callable, optional
        Arguments made from others of the witness: name to a constructor whose parameters name those others.

    Attributes
    ----------
    thorough : bool
        Whether a proof for "all" is tried on every mutant too; False, since it takes many times as long.
    """

    thorough = False

    def __init__(self, symbolic=None, made=None):
        self.records = []
        self._symbolic, self._made = symbolic, made or {}

    # fmt: off
    def holds(self, ids, printed, against, at, *, rtol=1e-12, symbolic=(), derivation=None, symbols=None,
              assuming="", invariant=(), excuse=""):
        """The printed form agrees with `against` at every witness, and its mutants do not.

        Parameters
        ----------
        ids : str or sequence of str
            Rows of the ledger that this one check covers.
        printed : function
            What is printed, written with ``def`` in the cell.
        against : callable
            Something not written from it: it may not reach `printed`, nor a copy of it, in any way. Both are called
            with those keyword arguments of a witness that they name.
        at : sequence of dict
            The witnesses.
        rtol : float
            Largest ‖printed − against‖/‖against‖, for each part of a tuple. 0 asks for exact equality.
        symbolic : sequence of int, or "all"
            Lengths T for which `printed`, on symbols, must reduce to ``derivation(T)``; "all" leaves T, a lag or the
            size of matrices symbolic, which is a proof for every one. The record says whether there was such a symbol.
        derivation, symbols : callable, optional
            T (None for "all") to expressions, independent of `printed`, and to the arguments of `printed`. By default
            the book's: its function with the name of `against`, its symbols.
        assuming, excuse : str
            The condition under which the statement holds; why this check stays below a floor of the book.
        invariant : sequence of str
            The mutants that agree too, by name: exactly these, no more and no fewer.

        Raises
        ------
        AssertionError
            Where a witness or a T disagrees, survivors are not those named, or too few mutants are rejected; with
            `thorough` also where a mutant that fails at a witness reduces on symbols for "all".
        ValueError
            Where `printed` was not written in the cell, `against` or `derivation` uses it, or there is no witness.
        """
        # fmt: on
        derive = lambda: self._derive(ids, printed, against, symbolic, derivation, symbols, excuse)  # noqa: E731
        outcome, fields = self._compared(ids, printed, against, at, rtol, invariant, excuse, derive)
        how = f"holds: {_in_words(fields['symbolic'], rtol, at)}"
        self._emit("holds", ids, how, outcome, assuming, excuse, printed=source(printed), **fields)

    def defines(self, ids, printed, against, at, *, rtol=1e-12, assuming="", invariant=(), excuse=""):
        """The printed definition and the package's agree; parameters and errors as in `holds`."""
        outcome, fields = self._compared(ids, printed, against, at, rtol, invariant, excuse)
        how = f"defined as in the package: {_in_words((), rtol, at)}"
        self._emit("defines", ids, how, outcome, assuming, excuse, printed=source(printed), **fields)

    # fmt: off
    def refutes(self, ids, printed, corrected, against, at, *, undefined=(), rtol=1e-12, symbolic=(), derivation=None,
                symbols=None, assuming="", invariant=(), excuse=""):
        """The printed form fails by its value at a witness; the corrected one holds at all, and its mutants do not.

        Parameters
        ----------
        ids : str or sequence of str
            Several ids are judged each by its own part: `printed` then returns a tuple with one part for each.
        printed, corrected : function
            Written with ``def`` in the cell; `corrected` None where no correction is known.
        undefined : exception class or tuple of them
            What the printed form is declared to raise where it has no value. An exception that is not declared, a value
            that is not finite or has another shape refute nothing and stop; NameError, TypeError and AttributeError
            always do: they are slips of ours.
        against, at, rtol, symbolic, derivation, symbols, assuming, invariant, excuse
            As in `holds` of the corrected form, and so are the errors.
        """
        # fmt: on
        ids, at = _ids(ids), _witnesses(ids, at)
        _written_here(printed, against, "against")
        undefined = undefined if isinstance(undefined, tuple) else (undefined,)
        failures = [self._failure(ids, printed, against, witness, undefined) for witness in at]
        size, where = "", 0
        for part, id in enumerate(ids):
            errors = [f if isinstance(f, str) else f[part] if len(ids) > 1 else max(f) for f in failures]
            failing = [e for e in errors if isinstance(e, str) or not e <= rtol]
            if not failing:
                raise AssertionError(
                    f"{_label([id])} is not refuted: the printed form holds at all {len(at)} witnesses"
                )
            where = max(where, len(failing))
            finite = [e for e in failing if not isinstance(e, str)]
            size = f"off by up to {max(finite):.1e}" if finite else f"where it has no value ({failing[0]})"
            size = "not 0 where it must be" if np.inf in finite else size
        how = f"refuted as printed, {size} ({where} of {len(at)} witnesses)"
        if corrected is None:
            outcome, fields = ([], [], [], ()), _witnessed(at, rtol, None, against)
        else:
            derive = lambda: self._derive(ids, corrected, against, symbolic, derivation, symbols, excuse)  # noqa: E731
            outcome, fields = self._compared(ids, corrected, against, at, rtol, invariant, excuse, derive)
            how += f"; corrected form {_in_words(fields['symbolic'], rtol, at)}"
        texts = dict(printed=source(printed), corrected=corrected and source(corrected))
        self._emit("refutes", ids, how, outcome, assuming, excuse, **texts, **fields)

    def limit(self, ids, exact, approximation, towards, order, *, tolerance=0.1, assuming="", invariant=(), excuse=""):
        """The error of the printed approximation falls as the stated power of a small (or large) parameter.

        Parameters
        ----------
        exact, approximation : callable
            Of the parameter h; `approximation` is the printed side, written with ``def`` in the cell.
        towards : sequence of float
            At least three values of h > 0, on the way to the limit.
        order, tolerance : float
            ‖exact − approximation‖ ∝ h**order, negative where h grows; and the largest |measured − order|, the measured
            one by least squares in the logarithms.
        ids, assuming, invariant, excuse
            As in `holds`, and so are the errors; a mutant is rejected where its error has another order.
        """
        ids, towards = _ids(ids), [float(h) for h in towards]
        _written_here(approximation, exact, "exact")
        if len(set(towards)) < 3 or min(towards) <= 0:
            raise ValueError(f"towards must be at least three distinct values > 0, got {towards}")
        targets = [flat(exact(h)) for h in towards]

        def slope(function):
            errors = [np.linalg.norm(flat(function(h)) - target) for h, target in zip(towards, targets, strict=True)]
            if not np.all(np.isfinite(errors)) or min(errors) == 0:
                return np.nan
            return np.polyfit(np.log(towards), np.log(errors), 1)[0]

        measured = slope(approximation)
        if not abs(measured - order) <= tolerance:
            raise AssertionError(f"{_label(ids)} fails: the error has order {measured:.3f}, not {order:g}")
        agrees = lambda mutant: abs(slope(mutant) - order) <= tolerance  # noqa: E731
        outcome = _judge(ids, approximation, agrees, invariant, excuse)
        how = f"holds in the limit: error of order {order:g} (measured {measured:.2f})"
        fields = dict(printed=source(approximation), against=_text(exact), tolerance=tolerance, towards=towards)
        self._emit("limit", ids, how, outcome, assuming, excuse, **fields)

    def claim(self, id, predicate, *, over, outside, domain, part="", share=1.0, supported=True, runs=False):
        """A sentence, decided by one predicate on cases of its domain and on cases outside it.

        Parameters
        ----------
        id, part : str
            The claim's row, and the part of it that is judged, where the row has parts.
        predicate : function
            Of a case, returns a bool; written with ``def`` in the cell. Its docstring is the sentence that is judged,
            the one that the row states. A case that is a dict is passed as keywords, any other as the one argument.
        over, outside : sequence, or callable without arguments that returns one
            Cases drawn from the whole domain that the sentence names, at least 30, or 10 with `runs` where each is a
            training run; and cases beyond it, on which the same predicate must fail at least once.
        domain : str
            The domain, in words.
        share : float
            Below 1, declared before the draw: supported where the 95 % Clopper-Pearson interval lies above it.
        supported : bool
            False records that the sentence is *not* supported: it fails on at least one case of `over` (with `share`:
            the interval lies below it), and holds on at least one of `outside`, then cases where it is right.

        Raises
        ------
        AssertionError
            Where it comes out otherwise, or the share lies inside the interval.
        TypeError, NameError, AttributeError
            Where the predicate returns no truth value, or raises it.
        ValueError
            Where there are too few cases, one stands inside and outside or is nothing but truth values, or the
            predicate has no docstring or was not written in the cell.
        """
        (id,) = _ids(id)
        sentence = " ".join((inspect.getdoc(predicate) or "").split())
        if not callable(predicate) or isinstance(predicate, type):
            raise TypeError(f"predicate must be a function of a case, got {predicate!r}")
        _in_the_cell(predicate)
        if not sentence or not domain.strip():
            raise ValueError(f"{id}: the predicate needs a docstring, the sentence that is judged, and domain words")
        if not 0 < share <= 1:
            raise ValueError(f"share must be in (0, 1], got {share}")
        inside, beyond = _cases(over), _cases(outside)
        least = RUNS if runs else CASES
        if len(inside) < least or not beyond:
            raise ValueError(
                f"{id}: over must hold at least {least} cases and outside one, got {len(inside)}, {len(beyond)}"
            )
        if told := {_key(case) for case in inside} & {_key(case) for case in beyond}:
            raise ValueError(f"{id}: outside must lie beyond the domain, {len(told)} of its cases stand in both")
        held, passed = (sum(_truth(predicate, case) for case in cases) for cases in (inside, beyond))
        low, high = _interval(held, len(inside)) if share < 1 else [held / len(inside)] * 2
        good, bad = low >= share, high < share
        came = f"it holds on {held} of {len(inside)} cases and, outside, on {passed} of {len(beyond)}"
        if not (good or bad):
            raise AssertionError(f"{id}: undecided, {share:g} lies in [{low:.2f}, {high:.2f}]; draw more cases: {came}")
        if supported is not good or not (passed < len(beyond) if supported else passed):
            wanted = "hold, and fail outside" if supported else "fail, and hold somewhere outside"
            raise AssertionError(f"{id}: the sentence was expected to {wanted}, but {came}")
        verdict = "supported" if supported else "not supported"
        statistic = "" if share == 1 else f" (95 % interval {low:.2f} to {high:.2f}, wanted {share:g})"
        other = f"{'fails' if supported else 'holds'} on {len(beyond) - passed if supported else passed}"
        text = f"{sentence}  [{id}{f', {part}' if part else ''}]  {verdict}: holds on {held} of {len(inside)} "
        text += f"{'runs' if runs else 'cases'}{statistic}, {domain}  ·  outside, {other} of {len(beyond)}"
        fields = dict(part=part, verdict=verdict, sentence=sentence, domain=domain, cases=len(inside), held=held)
        fields |= dict(outside=len(beyond), passed=passed, runs=bool(runs), share=share, interval=[low, high])
        sources = dict(predicate=_text(predicate), over=_text(over), beyond=_text(outside))
        self._record(dict(call="claim", ids=[id], text=text, **fields, **sources))

    # fmt: off
    def follows(self, id, printed, gives, given=(), *, knowing=(), where=None, part=None, excuse=""):
        """A relation that a step of a proof concludes, certified over its whole range from what the step takes.

        The value of `printed`, on real symbols with the names of its parameters, is the left side of a relation with 0,
        else what the larger side exceeds the other by; that it is this is an identity, which `holds` checks.
        ``positive`` of the book's mathematics must show its sign, and must fail to without any one of the hypotheses.

        Parameters
        ----------
        id : str
            The step's row, which states the same `given` and `gives`.
        printed : function
            Written with ``def`` in the cell.
        gives : str
            ``left sign right for conditions``; a condition on letters of `printed` is used.
        given : sequence of str
            What earlier steps give, in the same form. A relation with <, ≤, > or ≥ is used; an equation, a sentence, or
            the label of an equation, states where an identity comes from.
        knowing : sequence of str
            Elementary relations that need no step, with the conditions under which they hold if those are among the
            conditions of `gives`: ``others ≥ 0 for n ≥ 3``.
        where : dict of str to str, optional
            Letters or terms of the value, or of what is given, to what they are in other letters, by an equation of the
            page; a term of a sum with positive factors may stand for the sum.
        part : int, optional
            Which part of a tuple that `printed` returns.
        excuse : str
            Why no `holds` of the chapter proves that `printed` is what it stands for: a theorem of calculus, say.

        Raises
        ------
        AssertionError
            Where the sign does not follow.
        ValueError
            Where the range is wider than that of what is given or known, or a condition is on letters that nothing
            here has; or a relation is not used, or not needed, or none is, so that the check cannot fail.
        """
        # fmt: on
        (id,), given, knowing, where = _ids(id), list(given), list(knowing), dict(where or {})
        _in_the_cell(printed)
        said = Statement.read(gives)
        if said.sign not in (">", ">=", "<", "<="):
            raise ValueError(f"{id}: gives must be a relation with <, ≤, > or ≥, got {gives!r}")
        under = in_ascii(gives).partition(" for ")[2]
        heads = [text.partition(" for ")[0] for text in knowing]
        stands = Statement.read(f"it for {', '.join([under, *heads])}")  # all conditions, with what is known besides
        value = printed(**{name: _real(name) for name in inspect.signature(printed).parameters})
        value = sympy.sympify(value if part is None else value[part])
        names, value = _named(value), _replaced(value, where)
        value = -value if said.right == "0" and said.sign[0] == "<" else value
        letters = names | _named(value) | said.letters()
        short = [text for text in given if not Statement.read(text).covers(stands, letters)]
        if short := short + [text for text in knowing if not Statement.read(text).covers(said)]:
            raise ValueError(f"{id}: {gives!r} reaches beyond the range of {short[0]!r}")
        taken = {text: _relation(Statement.read(text), where) for text in [*given, *knowing]}
        for text, relation in taken.items():
            states = text in given and Statement.read(text).sign in ("", "=")
            if not states and (relation is None or not relation.free_symbols & value.free_symbols):
                raise ValueError(f"{id}: {text!r} is no relation in letters of the value, {sorted(_named(value))}")
        taken = {text: relation for text, relation in taken.items() if relation is not None}
        ranges = {one: [_relation(Statement.read(link)) for link in _links(one)] for one in under.split(", ")}
        took = [Statement.read(text) for text in [*given, *knowing]]
        loose = said.ranges.keys() - set().union(*(one.letters() for one in took)) - _named(value)
        for one in said.words.difference(*(other.words for other in took)):
            if not ranges[one] or any(r is None or r.free_symbols - value.free_symbols for r in ranges[one]):
                loose |= {one}
        if loose:
            raise ValueError(f"{id}: {gives!r}: nothing that the step takes is on {sorted(loose)}")
        ranges = [relation for some in ranges.values() for relation in some if relation is not None]
        strict = said.sign in (">", "<")
        shown = lambda relations: self._symbolic.positive(value, relations, strict)  # noqa: E731
        if not shown([*taken.values(), *ranges]):
            raise AssertionError(f"{id}: {gives!r} does not follow from {[*taken, *ranges]}")
        for text in taken:
            if shown([*(r for other, r in taken.items() if other != text), *ranges]):
                raise ValueError(f"{id}: {gives!r} follows without {text!r}, which is not needed")
        if shown([]):
            raise ValueError(f"{id}: {gives!r} follows from nothing, so the check cannot fail")
        text = f"{id}  gives {gives}" + (f", from {'; '.join(given)}" if given else "") + "  ·  over the whole range"
        fields = dict(printed=source(printed), given=given, gives=gives, knowing=knowing, where=where)
        fields |= dict(excuse=excuse) if excuse else {}
        self._record(dict(call="follows", ids=[id], text=text, **fields))

    def figure(self, id, *, shows, says=(), settings):
        """What a figure of the paper shows, what its text reads from it, and our settings; it holds no verdict.

        Parameters
        ----------
        shows, says : sequence of str
            The rows of what its panels show, on whose verdicts rests whether it is remade; and the claims that the text
            reads from it.
        settings : dict
            What the paper leaves open, and what was chosen: name to value.
        """
        (id,), shows, says = _ids(id), _ids(shows), _ids(says) if says else ()
        settings = {str(name): str(value) for name, value in settings.items()}
        text = f"{id}  shows {', '.join(shows)}"
        text += f"; the text reads {', '.join(says)} from it" if says else "; the text reads no claim from it"
        self._record(dict(call="figure", ids=[id], shows=[*shows], says=[*says], settings=settings, text=text))

    def _call(self, function, witness):
        return call(function, witness, self._made)

    def _compared(self, ids, function, against, at, rtol, invariant, excuse, derive=lambda: ({}, None)):
        """Hold a function and its mutants against the other side: the mutants' fates, and the record's fields."""
        ids, at = _ids(ids), _witnesses(ids, at)
        _written_here(function, against, "against")
        targets, worst = [self._call(against, witness) for witness in at], 0.0
        for number, (witness, target) in enumerate(zip(at, targets, strict=True)):
            found = error(self._call(function, witness), target)
            if not found <= rtol:
                raise AssertionError(f"{_label(ids)} fails at witness {number}: relative error {found:.1e} > {rtol:g}")
            worst = max(worst, found)
        derived, reduces = derive()
        fields = _witnessed(at, rtol, worst, against) | derived

        def errors(mutant):
            return [error(self._call(mutant, w), t) for w, t in zip(at, targets, strict=True)]

        def proved(mutant):  # not only of another shape
            return any(rtol < e < np.inf for e in errors(mutant)) and reduces(mutant)

        agrees = lambda mutant: max(errors(mutant)) <= rtol  # noqa: E731
        thorough = proved if self.thorough and reduces else None
        return _judge(ids, function, agrees, invariant, excuse, thorough), fields

    def _failure(self, ids, printed, against, witness, undefined):
        """The errors of the parts of the printed form at a witness, or a word for why it has no value there."""
        target = self._call(against, witness)
        try:
            with np.errstate(all="ignore"):
                value = self._call(printed, witness)
        except OURS:
            raise
        except Exception as found:
            if not isinstance(found, undefined):
                raise ValueError(f"{_label(ids)}: the printed form raises {found!r}, which is not declared") from found
            return type(found).__name__
        if shapes(value) != shapes(target) or (len(ids) > 1 and len(parts(value)) != len(ids)):
            wanted = f"{shapes(target)}, one part for each of {len(ids)} ids" if len(ids) > 1 else shapes(target)
            raise ValueError(f"{_label(ids)}: the printed form must have shape {wanted}, got {shapes(value)}")
        errors = [error(v, t) for v, t in zip(parts(value), parts(target), strict=True)]
        if not np.isfinite(flat(value)).all():
            if not undefined:
                raise ValueError(f"{_label(ids)}: the printed form has no finite value, which is not declared")
            return "not finite"
        return errors

    def _derive(self, ids, printed, against, symbolic, derivation, symbols, excuse):
        """Check `printed` on symbols for each T: the lengths or "all", and whether a symbol stands for every size.

        Also a function that tells whether a mutant reduces too, if with "all".
        """
        ids = _ids(ids)
        if not symbolic:
            return dict(symbolic=[]), None
        derivation = derivation or getattr(self._symbolic, getattr(against, "__name__", ""), None)
        if derivation is None:
            raise ValueError(f"{_label(ids)}: derivation must be given, the book has none named like {against!r}")
        _apart(printed, derivation, "derivation")
        symbols = symbols or self._symbolic.symbols
        vanishes = getattr(self._symbolic, "vanishes", lambda e: sympy.simplify(e) == 0)
        run = dict(run=self._symbolic.run) if hasattr(self._symbolic, "run") else {}

        def reduces(mutant):  # over the same range of its index, where it is a list
            changed = _expressions(call(mutant, symbols(None), self._made, **run))
            same = [getattr(e, "given", None) for e in changed] == [getattr(e, "given", None) for e in found]
            return same and all(vanishes(one - other) for one, other in zip(changed, wanted, strict=True))

        for T in [None] if symbolic == "all" else symbolic:
            value = call(printed, symbols(T), self._made, **run)
            found, wanted = _expressions(value), _expressions(derivation(T))
            matrix = value.shape if isinstance(value, sympy.MatrixBase) and len(value) > 1 else None
            if len(found) != len(wanted):
                raise AssertionError(f"{_label(ids)} gives {len(found)} expressions, its derivation {len(wanted)}")
            for one, other in zip(found, wanted, strict=True):
                if not vanishes(one - other):
                    which = "all T" if T is None else f"T = {T}"
                    raise AssertionError(f"{_label(ids)} fails for {which}: {one} != {other}")
        if symbolic != "all":
            return dict(symbolic=[int(T) for T in symbolic], every_size=None, derivation=_text(derivation)), None
        every = any(s.is_integer or not s.is_commutative for e in found for s in e.free_symbols)
        if matrix and not every and not excuse:
            raise ValueError(f'{_label(ids)}: "all" needs matrices of every size, got one of shape {matrix}')
        return dict(symbolic="all", every_size=every, derivation=_text(derivation)), reduces

    def _emit(self, call, ids, how, outcome, assuming, excuse, **fields):
        ids, (rejected, crashed, survived, invariant) = _ids(ids), outcome
        rejected, crashed, made = len(rejected), len(crashed), len(rejected + crashed + survived)
        text = f"{_label(ids)}  {how}"
        if assuming:
            text += f", assuming {assuming}"
        if made:
            text += f"  ·  {rejected} of {made - crashed} mutants rejected"
            text += f", {crashed} more crash" if crashed else ""
            text += "".join(f"; invariant: {name}" for name in invariant)
        counts = dict(rejected=rejected, crashed=crashed, invariant=list(invariant))
        fields |= dict(excuse=excuse) if excuse else {}
        self._record(dict(call=call, ids=list(ids), assuming=assuming, mutants=counts, text=text, **fields))

    def _record(self, record):
        self.records.append(record)
        _display({"text/plain": record["text"], MIME: record}) or print(record["text"])


def glue(name, text):
    """Hand a computed text to the page: the role ``glue:text`` of its name shows it in a sentence, card or caption.

    The name is its own in the whole book, without a colon: begin it with the chapter's. The text has few digits, so
    that it is the same on every machine.
    """
    for what, value in (("name", name), ("text", text)):
        if not isinstance(value, str):
            raise TypeError(f"{what} must be a string, got {value!r}")
        if not value.strip() or (what == "name" and ":" in value):
            raise ValueError(f"{what} must not be empty and a name holds no colon, got {value!r}")
    _display({GLUED + "text/plain": repr(text)}, {"scrapbook": {"name": name, "mime_prefix": GLUED}})


def _display(data, metadata=None):
    """Display inside Jupyter, and tell whether this is Jupyter."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        sys.modules["IPython"].display.display(data, raw=True, metadata=metadata or {})
    return shell is not None


def _real(name):
    return sympy.Symbol(name, real=True)


def _expression(text):
    """A formula in real letters, whatever sympy else means by their names; None where it is none."""
    text = in_ascii(text)
    letters = {name: _real(name) for name in re.findall(r"[^\W\d]\w*", text) if name != "sqrt"}
    with suppress(sympy.SympifyError, SyntaxError, TypeError):
        return sympy.sympify(text, locals=letters)


def _replaced(expression, where):
    """An expression with what its letters or terms are in other letters."""
    for term, meant in where.items():
        if (found := _expression(term)) is not None:
            expression = expression.subs(found, _expression(meant))
    return expression


def _named(expression):
    """The letters of an expression, as conditions name them."""
    return {"n" if str(letter) == "T" else str(letter) for letter in expression.free_symbols}


def _links(chain):
    """The relations of a chain: 0 < b < 1 is 0 < b and b < 1."""
    pieces = SIGN.split(chain)
    return ["".join(pieces[at : at + 3]) for at in range(0, len(pieces) - 2, 2)]


def _relation(statement, where=None):
    """A statement as a relation of sympy, None where it is a sentence or an equation.

    `where` says what its letters, or a whole side of it, are in other letters.
    """
    whole = {in_ascii(term): meant for term, meant in (where or {}).items()}
    sides = [_expression(whole.get(side, side)) for side in (statement.left, statement.right)]
    if statement.sign in ("", "=") or None in sides:
        return None
    signs = {">": sympy.Gt, ">=": sympy.Ge, "<": sympy.Lt, "<=": sympy.Le, "!=": sympy.Ne}
    return signs[statement.sign](*(_replaced(side, where or {}) for side in sides))


def _ids(ids):
    ids = (ids,) if isinstance(ids, str) else tuple(ids)
    if not ids or not all(isinstance(id, str) and id for id in ids):
        raise ValueError(f"ids must be one or more non-empty strings, got {ids!r}")
    return ids


def _label(ids):
    return f"({', '.join(ids)})" if all(id[:1].isdigit() for id in ids) else ", ".join(ids)


def _witnesses(ids, at):
    if not (at := list(at)):
        raise ValueError(f"{_label(_ids(ids))}: at must hold at least one witness")
    return at


def _truth(predicate, case):
    value = predicate(**case) if isinstance(case, dict) else predicate(case)
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{predicate.__name__} must return True or False, got {value!r}")
    return bool(value)


def _cases(cases):
    cases = list(cases() if callable(cases) else cases)
    for case in cases:
        if all(isinstance(v, (bool, np.bool_)) for v in (case.values() if isinstance(case, dict) else [case])):
            raise ValueError(f"a case must hold what the predicate judges, not its verdict, got {case!r}")
    return cases


def _key(case):
    try:
        return pickle.dumps(case)
    except Exception:  # a lambda, say: told apart by identity
        return id(case)


def _interval(held, n):
    """The 95 % Clopper-Pearson interval of a share."""
    from scipy.stats import beta

    low = beta.ppf(0.025, held, n - held + 1) if held else 0.0
    high = beta.ppf(0.975, held + 1, n - held) if held < n else 1.0
    return round(float(low), 6), round(float(high), 6)


def _in_the_cell(function):
    source(function)
    if function.__module__ != "__main__":
        raise ValueError(f"{function.__name__} must be defined in the cell, got one from {function.__module__}")


def _written_here(printed, against, name):
    _in_the_cell(printed)
    _apart(printed, against, name)


def _apart(printed, other, name):
    if any(same_code(printed, function) for function in reached(other)):
        raise ValueError(f"{name} must not be written from the printed function {printed.__name__}")


def _text(function):
    """The source of what a notebook defines, the full name of what a package does, "" for data."""
    function = getattr(function, "func", function)
    if not callable(function):
        return ""
    if getattr(function, "__module__", None) not in ("__main__", None):
        return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return repr(type(function))


def _witnessed(at, rtol, worst, against):
    """What a record holds of the witnesses: how many, their sizes, the tolerance, the decade of the largest error."""
    sizes = {}
    for witness in at:
        for name, value in witness.items():
            if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
                sizes.setdefault(name, set()).add(int(value))
    if worst is not None:
        worst = 0.0 if worst == 0 == rtol else max(ROUNDING, float(f"1e{ceil(log10(worst))}")) if worst else ROUNDING
    sizes = {name: sorted(values) for name, values in sorted(sizes.items())}
    return dict(witnesses=len(at), sizes=sizes, rtol=rtol, error=worst, against=_text(against))


def _expressions(value):
    if isinstance(value, sympy.MatrixBase):
        return list(value)
    return [v if hasattr(v, "free_symbols") else sympy.sympify(v) for v in np.ravel(np.array(value, dtype=object))]


def _judge(ids, function, agrees, invariant, excuse="", proves=None):
    """The rejected, crashed, surviving and named mutants; AssertionError where survivors differ or few are rejected.

    Also where one is rejected and `proves` says that the proof holds of it: a proof must not prove what is wrong.
    """
    rejected, crashed, survived, proved = [], [], [], []
    for name, mutant in mutants(function):
        try:
            with np.errstate(all="ignore"):
                fate = survived if agrees(mutant) else rejected
        except Exception:
            fate = crashed
        fate.append(name)
        if fate is rejected and proves:
            with suppress(Exception), np.errstate(all="ignore"):  # what has no meaning on symbols does not reduce
                proved += [name] if proves(mutant) else []
    if proved:
        raise AssertionError(f"{_label(ids)}: mutants that fail at the witnesses reduce on symbols: {proved}")
    unnamed = [name for name in survived if name not in invariant]
    absent = [name for name in invariant if name not in survived]
    if unnamed or absent:
        raise AssertionError(
            f"{_label(ids)}: mutants that survive unnamed {unnamed}, named that do not survive {absent}"
        )
    if not rejected:
        raise AssertionError(f"{_label(ids)}: no mutant of {function.__name__} was rejected, so the check cannot fail")
    if len(rejected) < REAL * (len(rejected) + len(crashed)) and not excuse:
        fates = f"{len(rejected)} are rejected and {len(crashed)} only crash"
        raise AssertionError(f"{_label(ids)}: at least {REAL:.0%} of the mutants must be rejected, but {fates}")
    return rejected, crashed, survived, invariant


def _in_words(lengths, rtol, at):
    which = "all T" if lengths == "all" else f"T = {', '.join(map(str, lengths))}"
    words = f"symbolic for {which}; " if lengths else ""
    precision = "exact" if rtol == 0 else f"to {rtol:g}"
    return f"{words}{precision} at {len(at)} witness{'es' if len(at) != 1 else ''}"
