"""How a sum of words is reduced: letters, terms, the rules for neighbours, sums over symbolic ranges compared."""

from __future__ import annotations

import functools
import itertools
from fractions import Fraction
from typing import NamedTuple

import sympy as sp


class Letter(NamedTuple):
    """One matrix, or one of a family of matrices or vectors (`cols` is empty) that indices number."""

    name: str
    rows: str
    cols: str
    diagonal: bool = False
    orthonormal: bool = False
    real: bool = True
    similar: tuple = ()  # (R, B), letters, where this one is R B R†
    ends: tuple = ()  # of a family: the symbols at which its indices end


class Factor(NamedTuple):
    """A letter in a word: its indices, its power, whether it is transposed, whether conjugated."""

    letter: Letter
    index: tuple = ()
    power: sp.Expr = sp.Integer(1)
    T: bool = False
    C: bool = False

    @property
    def ends(self):
        ends = self.letter.rows, self.letter.cols
        return ends[::-1] if self.T else ends

    def flip(self, T=False, C=False):
        """The same factor transposed, conjugated or both."""
        letter = self.letter
        return self._replace(T=(self.T ^ T) and not letter.diagonal, C=(self.C ^ C) and not letter.real)

    def moved(self, change):
        return self._replace(
            index=tuple(sp.expand(i.xreplace(change)) for i in self.index), power=sp.expand(self.power.xreplace(change))
        )

    def __str__(self):
        marks = "'" * self.T + "*" * self.C
        index = f"[{', '.join(map(show, self.index))}]" if self.index else ""
        return f"{self.letter.name}{index}{marks}^{show(self.power)}"


class Term(NamedTuple):
    """A coefficient times closed words (traces) times one open word, summed over bound indices with limits >= 0."""

    coefficient: sp.Expr
    word: tuple = ()
    loops: tuple = ()
    bound: tuple = ()
    limits: frozenset = frozenset()

    def moved(self, change):
        return Term(
            self.coefficient.xreplace(change),
            tuple(f.moved(change) for f in self.word),
            tuple(tuple(f.moved(change) for f in loop) for loop in self.loops),
            tuple(i for i in self.bound if i not in change),
            frozenset(sp.expand(e.xreplace(change)) for e in self.limits),
        )

    def fresh(self):
        """The same term with bound indices of its own."""
        new = [sp.Dummy(i.name, integer=True) for i in self.bound]
        return self.moved(dict(zip(self.bound, new, strict=True)))._replace(bound=tuple(new))


def transposed(word):
    return tuple(f.flip(T=True) for f in reversed(word))


def _pair(f, g):
    """What two neighbours become, a tuple of factors, or None where no rule applies."""
    a, b = f.letter, g.letter
    dagger = g.flip(T=True, C=True)
    if f == dagger and f.power == 1 and ((f.T and a.orthonormal) or (a.orthonormal and a.rows == a.cols)):
        return ()
    if a == b and f.index == g.index and (f.T, f.C) == (g.T, g.C) and a.rows == a.cols:
        return (f._replace(power=sp.expand(f.power + g.power)),)
    if a.similar and b == a.similar[0] and not g.T and g.power == 1 and not f.C:
        inner = Factor(a.similar[1], f.index, f.power).flip(T=f.T, C=f.T)
        return g, inner.flip(C=g.C)
    if b.similar and a == b.similar[0] and f.T and f.power == 1 and not g.C:
        inner = Factor(b.similar[1], g.index, g.power).flip(T=g.T, C=g.T)
        return inner.flip(C=not f.C) if not a.real else inner, f
    if a.diagonal and b.diagonal and str(g) < str(f):
        return g, f
    return None


def _rewritten(word):
    """A word to whose neighbours no rule applies any more."""
    word, at = tuple(f for f in word if f.power != 0), 0
    while at < len(word) - 1:
        new = _pair(word[at], word[at + 1])
        if new is None:
            at += 1
        else:
            word, at = tuple(f for f in (*word[:at], *new, *word[at + 2 :]) if f.power != 0), 0
    return word


def _closed(loop):
    """A cyclic word, reduced across its seam too, and 1; or the empty word and the size of the space it is traced over."""
    for turn in range(len(loop)):
        turned = loop[turn:] + loop[:turn]
        if len(shorter := _rewritten(turned)) < len(turned):
            return _closed(shorter) if shorter else ((), _size(turned[0].ends[0]))
    return (_rewritten(loop), sp.Integer(1)) if loop else ((), sp.Integer(1))


def _size(space):
    return sp.Symbol(f"N_{space}", integer=True, positive=True)


def normal(term):
    """The terms that a term is: its coefficient multiplied out, its words reduced."""
    loops, size = [], sp.Integer(1)
    for loop in term.loops:
        loop, traced = _closed(loop)
        size *= traced
        if loop:
            loops.append(loop)
    coefficient = sp.powsimp(sp.expand(sp.sympify(term.coefficient * size), power_exp=False))
    word = _rewritten(term.word)
    for part in sp.Add.make_args(sp.expand(coefficient, power_exp=False)):
        if part != 0:
            yield term._replace(coefficient=part, word=word, loops=tuple(loops))


def _turns(loop):
    both = (loop, transposed(loop))
    return min("".join(map(str, w[k:] + w[:k])) for w in both for k in range(len(w)))


def _key(term):
    _, rest = term.coefficient.as_coeff_Mul()
    return show(rest), "".join(map(str, term.word)), *sorted(map(_turns, term.loops))


def _faces(term, given):
    """The term with its indices in every order, each counted from 0 at its lower end or back from its upper one."""
    limits = set(term.limits)
    for e in term.limits:
        if not _possible(limits - {e} | given | {-e - 1}):
            limits.discard(e)  # the others imply it
    term = term._replace(limits=frozenset(limits))
    names = [sp.Symbol(f"_{n}", integer=True) for n in range(len(term.bound))]
    for order in itertools.permutations(names):
        faces = [term.moved(dict(zip(term.bound, order, strict=True)))]
        for name in names:
            faces = [end for face in faces for end in _from_its_ends(face, name)]
        yield from faces


def _from_its_ends(term, name):
    lows = [name - e for e in term.limits if _coefficient(e, name) == 1]
    highs = [name + e for e in term.limits if _coefficient(e, name) == -1]
    changes = [end[0] + sign * name for end, sign in ((lows, 1), (highs, -1)) if len(end) == 1]
    return [term.moved({name: change}) for change in changes] or [term]


def collected(terms, given):
    """Terms with equal summands and equal ranges added up; those over an empty range, and those of sum 0, dropped."""
    kept = []  # [number, the term's faces by key, the term]
    for term in terms:
        if not _possible(term.limits | given):
            continue
        number = term.coefficient.as_coeff_Mul()[0]
        faces = {}
        for face in _faces(term, given):
            faces.setdefault(_key(face), []).append(face.limits)
        least = min(faces)
        for entry in kept:
            if entry[1] == least and any(
                _within(a, b, given) and _within(b, a, given) for a in faces[least] for b in entry[2]
            ):
                entry[0] += number
                break
        else:
            kept.append([number, least, faces[least], term])
    return [t._replace(coefficient=n * t.coefficient.as_coeff_Mul()[1]) for n, _, _, t in kept if n != 0]


def _within(limits, others, given):
    """Whether the whole numbers within `limits` are within `others`: for each, its opposite leaves nothing."""
    return all(e in limits or not _possible(limits | given | {-e - 1}) for e in others)


def _possible(limits):
    """Whether rational numbers satisfy all of these affine expressions >= 0, by Fourier and Motzkin."""
    rows = [_affine(e) for e in limits]
    symbols = {s for row in rows for s in row if s != 1}
    rows += [{s: Fraction(1), 1: Fraction(-1 if s.is_positive else 0)} for s in symbols if s.is_nonnegative]
    for s in sorted(symbols, key=str):
        up = [r for r in rows if r.get(s, 0) > 0]
        down = [r for r in rows if r.get(s, 0) < 0]
        rows = [r for r in rows if not r.get(s, 0)]
        for one, two in itertools.product(up, down):
            p, q = one[s], -two[s]
            mixed = {v: one.get(v, 0) * q + two.get(v, 0) * p for v in {*one, *two} - {s}}
            if mixed not in rows:
                rows.append(mixed)
    return all(r.get(1, 0) >= 0 for r in rows)


@functools.lru_cache(100_000)
def _affine(e):
    return {s: Fraction(int(v.p), int(v.q)) for s, v in sp.sympify(e).as_coefficients_dict().items()}


@functools.lru_cache(100_000)
def show(expression):
    return str(expression)


@functools.lru_cache(100_000)
def _coefficient(expression, name):
    return expression.coeff(name)
