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
    similar: tuple = ()  # (R, B), letters, where this one is R B R†, or R B R⁻¹ where R is not orthonormal
    ends: tuple = ()  # of a family: the symbols at which its indices end
    white: bool = False  # a family x of vectors with Σ_p x_pt x_pt'ᵀ = δ_tt' I


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
    """A coefficient times closed words (traces) times one open word, summed over bound indices with limits >= 0.

    `left` is the word before ⊗, where there is one.
    """

    coefficient: sp.Expr
    word: tuple = ()
    loops: tuple = ()
    bound: tuple = ()
    limits: frozenset = frozenset()
    left: tuple = ()

    @property
    def factors(self):
        """Every letter in it."""
        return (*self.left, *self.word, *itertools.chain(*self.loops))

    def moved(self, change):
        return Term(
            self.coefficient.xreplace(change),
            tuple(f.moved(change) for f in self.word),
            tuple(tuple(f.moved(change) for f in loop) for loop in self.loops),
            tuple(i for i in self.bound if i not in change),
            frozenset(sp.expand(e.xreplace(change)) for e in self.limits),
            tuple(f.moved(change) for f in self.left),
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
    if (swapped := _inverted(f, g)) is not None:
        return swapped
    if (
        a.similar and b == a.similar[0] and b.orthonormal and not g.T and g.power == 1
    ):  # W R = R B, and its conjugate and adjoint
        C = f.T ^ g.C if a.real else f.C
        if b.real or g.C == f.T ^ C:
            return g, Factor(a.similar[1], f.index, f.power).flip(T=f.T, C=C)
    if b.similar and a == b.similar[0] and a.orthonormal and f.T and f.power == 1:  # R† W = B R†
        C = g.T ^ (not f.C) if b.real else g.C
        if a.real or f.C != g.T ^ C:
            return Factor(b.similar[1], g.index, g.power).flip(T=g.T, C=C), f
    if a.diagonal and b.diagonal and str(g) < str(f):
        return g, f
    return None


def _inverted(f, g):
    """What neighbours become that are W = R B R⁻¹ and R (or R⁻¹ and W, or these transposed), or None."""
    for whole, basis, power in ((f, g, -1 if f.T else 1), (g, f, 1 if g.T else -1)):
        if not whole.letter.similar:
            continue
        R, B = whole.letter.similar
        alike = basis.T == whole.T and (basis.C == whole.C or R.real)
        if basis.letter == R and not R.orthonormal and basis.power == power and alike:
            inner = Factor(B, whole.index, whole.power).flip(T=whole.T, C=whole.C)
            return (basis, inner) if whole is f else (inner, basis)
    return None


def rewritten(word):
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
    """A cyclic word, reduced across its seam too, and 1; or the empty word and the size of the space it runs over."""
    for turn in range(len(loop)):
        turned = loop[turn:] + loop[:turn]
        if len(shorter := rewritten(turned)) < len(turned):
            return _closed(shorter) if shorter else ((), _size(turned[0].ends[0]))
    return (rewritten(loop), sp.Integer(1)) if loop else ((), sp.Integer(1))


def _size(space):
    return sp.Symbol(f"N_{space}", integer=True, positive=True)


def contracted(term, mean):
    """The term with its sums over samples done: where the two families of one stand side by side, as y_p x_pᵀ.

    `mean` takes the two factors and gives the word that the sum is and indices to be replaced, or None.
    """
    words = {None: term.word, "left": term.left, **dict(enumerate(term.loops))}
    for p in term.bound:
        used = [(w, at) for w, word in words.items() for at, f in enumerate(word) if any(i.has(p) for i in f.index)]
        if len(used) != 2 or used[0][0] != used[1][0] or term.coefficient.has(p):
            continue
        (which, first), (_, second) = used
        word = words[which]
        if isinstance(which, int) and second + 1 == len(word) and first == 0:
            word, first, second = (word[-1], *word[:-1]), 0, 1  # neighbours across the seam
        f, g = word[first], word[second]
        if second != first + 1 or f.letter.cols or g.letter.cols or f.T or not g.T or f.index[0] != g.index[0]:
            continue
        over = {e for e in term.limits if e.has(p)}
        if over != {sp.expand(f.index[0] - 1), sp.expand(f.letter.ends[0] - f.index[0])}:
            continue  # not the sum over all samples
        if (found := mean(f, g, term.bound)) is None:
            continue
        new, change = found
        words[which] = (*word[:first], *new, *word[second + 1 :])
        traced = sp.Integer(1)
        if isinstance(which, int) and not words[which]:
            del words[which]
            traced = _size(f.letter.rows)  # the trace of the identity that is left
        loops = tuple(word for w, word in words.items() if isinstance(w, int))
        bound, limits = tuple(k for k in term.bound if k != p), term.limits - over
        done = Term(term.coefficient * traced, words[None], loops, bound, limits, words["left"])
        return contracted(done.moved(change), mean)
    return term


def _whiteness(f, g, bound):
    """Σ_p x_pt x_pt'ᵀ = δ_tt' I: nothing is left, and a summation index is what makes t' equal t."""
    if f.letter != g.letter or not f.letter.white:
        return None
    change = {}
    for one, other in zip(f.index[1:], g.index[1:], strict=True):
        gap = sp.expand((one - other).xreplace(change))
        if gap != 0:
            name = next((n for n in bound if abs(_coefficient(gap, n)) == 1), None)
            if name is None:
                return None
            new = sp.expand(name - gap / _coefficient(gap, name))
            change = {n: sp.expand(e.xreplace({name: new})) for n, e in change.items()} | {name: new}
    return (), change


def normal(term):
    """The terms that a term is: white inputs summed, its coefficient multiplied out, its words reduced."""
    term = contracted(term, _whiteness)
    loops, size = [], sp.Integer(1)
    for loop in term.loops:
        loop, traced = _closed(loop)
        size *= traced
        if loop:
            loops.append(loop)
    coefficient = sp.powsimp(sp.expand(sp.sympify(term.coefficient * size), power_exp=False))
    word, left = rewritten(term.word), rewritten(term.left)
    for part in sp.Add.make_args(sp.expand(coefficient, power_exp=False)):
        if part != 0:
            yield term._replace(coefficient=part, word=word, loops=tuple(loops), left=left)


def _turns(loop):
    both = (loop, transposed(loop))
    return min("".join(map(str, w[k:] + w[:k])) for w in both for k in range(len(w)))


def _key(term):
    return (
        show(_counts(term.coefficient)[1]),
        "".join(map(str, term.left)),
        "".join(map(str, term.word)),
        *sorted(map(_turns, term.loops)),
    )


def _faces(term, changes):
    """The term with its indices in every order, each counted from 0 at its lower end or back from its upper one.

    A dict of what is summed to the terms that sum it.
    """
    names, found = tuple(sp.Symbol(f"_{n}", integer=True) for n in range(len(term.bound))), {}
    places = {name: _places_of(term, name) for name in term.bound}
    alike = itertools.groupby(sorted(term.bound, key=places.get), key=places.get)
    for orders in itertools.product(*(itertools.permutations(group) for _, group in alike)):
        faces = [term.moved(dict(zip(itertools.chain(*orders), names, strict=True)))]
        for name in names:
            faces = [end for face in faces for end in changes(face, name)]
        for face in faces:
            found.setdefault(_key(face), []).append(face._replace(bound=names))
    return found


def _places_of(term, name):
    """Where an index stands, whatever its name, its direction and the turn of the loops: only like ones may swap."""
    return sorted(
        f"{f.letter.name} {slot} {abs(_coefficient(e, name))}"
        for f in term.factors
        for slot, e in enumerate((f.power, *f.index))
        if e.has(name)
    )


def _ends(term, name):
    """The lower and the upper ends of an index, each with the limit that sets it."""
    limits = sorted(term.limits, key=show)
    lows = [(sp.expand(name - e), e) for e in limits if _coefficient(e, name) == 1]
    return lows, [(sp.expand(name + e), e) for e in limits if _coefficient(e, name) == -1]


def _from_its_ends(term, name):
    lows, highs = _ends(term, name)
    changes = [end[0][0] + sign * name for end, sign in ((lows, 1), (highs, -1)) if len(end) == 1]
    return [term.moved({name: change}) for change in changes] or [term]


def _from_its_place(term, name):
    powers = sorted(term.coefficient.atoms(sp.Pow), key=lambda p: (show(p.base), show(p.exp)))
    for e in (*(e for f in term.factors for e in (f.power, *f.index)), *(p.exp for p in powers)):
        m = _coefficient(e, name)
        if m.is_Integer and m != 0:
            offset = sp.expand(e / m - name)
            if all(c.is_Integer for c in offset.as_coefficients_dict().values()):
                return [term.moved({name: sp.sign(m) * name - offset})]
    return [term]


def _irredundant(term, given):
    limits = set(term.limits)
    for e in sorted(term.limits, key=show):
        if not _possible(frozenset(limits - {e} | given | {-e - 1})):
            limits.discard(e)  # the others imply it
    return term._replace(limits=frozenset(limits))


def _counted(term):
    """The term with an index done on which nothing depends: as many equal summands as its range is long."""
    for name in term.bound:
        used = term.coefficient.has(name) or any(e.has(name) for f in term.factors for e in (*f.index, f.power))
        lows, highs = _ends(term, name)
        if not used and len(lows) == len(highs) == 1:
            count = sp.expand(highs[0][0] - lows[0][0] + 1)
            limits = term.limits - {lows[0][1], highs[0][1]} | {sp.expand(count - 1)}
            bound = tuple(n for n in term.bound if n != name)
            return term._replace(coefficient=term.coefficient * count, limits=limits, bound=bound)
    return None


def collected(terms, given):
    """Terms with equal summands and equal ranges added up; those over an empty range, and those of sum 0, dropped.

    Where a range has a first or last value that the other lacks, that value's term is split off. Indices are first
    counted from the ends of their ranges, then, for what is left, by the power or index in which they stand.
    """
    terms, known = list(terms), {}
    for letter in (factor.letter for term in terms for factor in term.factors):
        if known.setdefault(letter.name, letter) != letter:  # words are compared by the names of their letters
            raise ValueError(f"two different letters are named {letter.name}")
    for changes in (_from_its_ends, _from_its_place):
        kept = []  # terms, each with its faces
        while terms:
            term = terms.pop(0)
            if not _possible(term.limits | given):
                continue
            term = _irredundant(term, given)
            faces = _faces(term, changes)
            counted = next((c for same in faces.values() for face in same if (c := _counted(face)) is not None), None)
            if counted is not None:
                terms[:0] = normal(counted)
                continue
            for place, (_, others) in enumerate(kept):
                if (parts := _joined(faces, others, given)) is not None:
                    del kept[place]
                    terms[:0] = [part for part in parts if part.coefficient != 0]
                    break
            else:
                kept.append((term, faces))
        terms = [term for term, _ in kept]
        if len(terms) < 2:
            break
    return terms


def _joined(faces, others, given):
    """Two sums of one summand as one sum, or as one and a rest where one range is a value longer; or None."""
    for key in (key for key in faces if key in others):
        for a, b in itertools.product(faces[key], others[key]):
            one, two = _within(a.limits, b.limits, given), _within(b.limits, a.limits, given)
            (p, rest), (q, _) = _counts(a.coefficient), _counts(b.coefficient)
            if one and two:
                return [b._replace(coefficient=sp.expand(p + q) * rest)]
            if not one and not two:
                for e in sorted(a.limits, key=show):  # each has a value that the other lacks
                    name = next((n for n in a.bound if abs(_coefficient(e, n)) == 1), None)
                    short = a.limits - {e} | {sp.expand(e - 1)}
                    if name is not None and _possible(short | given) and _within(short, b.limits, given):
                        at = {name: sp.expand(name - e / _coefficient(e, name))}
                        last = a._replace(limits=a.limits - {e}).moved(at)
                        return [a._replace(limits=short), b, *normal(last)]
                continue
            less, more = (a, b) if one else (b, a)
            for e in sorted(more.limits, key=show):
                name = next((n for n in more.bound if abs(_coefficient(e, n)) == 1), None)
                short = more.limits - {e} | {sp.expand(e - 1)}
                if name is not None and _within(less.limits, short, given):
                    at = {name: sp.expand(name - e / _coefficient(e, name))}
                    last = more._replace(limits=more.limits - {e}).moved(at)
                    if _within(short, less.limits, given):
                        return [less._replace(coefficient=sp.expand(p + q) * rest), *normal(last)]
                    if any(sp.expand(e - other).is_Integer for other in less.limits):  # some values more, not T more
                        return [less, more._replace(limits=short), *normal(last)]
    return None


def _counts(coefficient):
    """A coefficient as the polynomial in whole numbers that stands before it, and the rest."""
    counts, rest = [], []
    for factor in sp.Mul.make_args(coefficient):
        whole = all(s.is_integer for s in factor.free_symbols) and factor.is_polynomial()
        (counts if whole else rest).append(factor)
    return sp.Mul(*counts), sp.Mul(*rest)


def smallest(terms):
    """A symbol T >= 0 and a start > 0 below which one of the terms is not there, or None."""
    for term in terms:
        for e in sorted(term.limits, key=show):
            symbols = e.free_symbols
            if len(symbols) == 1 and not symbols & set(term.bound):
                (symbol,) = symbols
                start = symbol - e
                if symbol.is_nonnegative and start.is_Integer and start > 0:
                    return symbol, int(start)
    return None


def _within(limits, others, given):
    """Whether the whole numbers within `limits` are within `others`: for each, its opposite leaves nothing."""
    return all(e in limits or not _possible(limits | given | {-e - 1}) for e in others)


@functools.lru_cache(100_000)
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
