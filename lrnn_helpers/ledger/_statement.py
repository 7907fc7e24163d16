"""Statements of a proof: what a step takes and gives, when one implies another, and whether the steps reach the end."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from math import inf
from typing import NamedTuple

ASCII = str.maketrans({"≥": ">=", "≤": "<=", "≠": "!=", "^": "**", "²": "**2"})
GREEK = {"β": "beta", "δ": "delta", "κ": "kappa", "λ": "lam", "μ": "mu", "σ": "sigma", "τ": "tau"}
ASCII |= str.maketrans(GREEK)
SIGN = re.compile(r"(?<![<>=!])(<=|>=|!=|<|>|=)(?![=])")
NUMBER = r"-?\d+(?:/\d+)?"
GAP = re.compile(r"[^\W\d]{2,} [^\W\d]")  # two words: a sentence, whatever sign stands in it
WITHIN = re.compile(rf"(?:({NUMBER}) (<=?) )?(\w+) (<=|>=|!=|<|>|=) ({NUMBER})")
PARITIES = {"T even", "T odd"}
# what a relation implies of the same two sides
IMPLIED = {">": {">", ">=", "!="}, "<": {"<", "<=", "!="}, "=": {"=", ">=", "<="}}


def in_ascii(text):
    """A text with the signs and the letters that Python has, on one line."""
    return re.sub(r"√(\w+)", r"sqrt(\1)", " ".join(str(text).split()).translate(ASCII))


class Range(NamedTuple):
    """The values of one letter: the ends as (value, whether it is left out), and single values that are left out."""

    low: tuple = (-inf, False)
    high: tuple = (inf, False)
    out: frozenset = frozenset()

    def has(self, value):
        """Whether a value lies in it."""
        (low, low_open), (high, high_open) = self.low, self.high
        return (low < value or (low == value and not low_open)) and (
            (value < high or (value == high and not high_open)) and value not in self.out
        )

    def within(self, other):
        """Whether it lies in another one."""
        ends = self.low >= other.low and self.high[0] <= other.high[0]
        ends &= self.high[0] < other.high[0] or self.high[1] >= other.high[1]
        return ends and not any(self.has(value) for value in other.out)


class Statement(NamedTuple):
    """``left sign right for conditions``: a relation, or a sentence, over ranges of letters and under conditions."""

    left: str
    sign: str
    right: str
    ranges: dict
    words: frozenset

    @classmethod
    @cache
    def read(cls, text):
        """From its text. n stands for T − 1, so that T ≥ 5 is n ≥ 4; what is no range of a letter stays a word."""
        said, _, under = in_ascii(text).partition(" for ")
        if " for " in under:
            raise ValueError(f"a statement holds ' for ' once, before its conditions, got {text!r}")
        ranges, words = {}, set()
        for condition in filter(None, under.split(", ")):
            found = WITHIN.fullmatch(condition)
            if not found:
                words.add(condition)
                continue
            first, less, letter, sign, last = found.groups()
            shift = 1 if letter == "T" else 0
            of = ranges.get("n" if shift else letter, Range())
            for one, value in ((less and {"<": ">", "<=": ">="}[less], first), (sign, last)):
                of = _narrowed(of, one, Fraction(value) - shift) if one else of
            ranges["n" if shift else letter] = of
        related = len(SIGN.findall(said)) == 1 and not GAP.search(said)
        left, sign, right = SIGN.split(said) if related else (said, "", "")
        return cls(left.strip(), sign, right.strip(), ranges, frozenset(words))

    def implies(self, other):
        """Whether the other one follows: the same two sides, no stronger a relation, nowhere beyond the range."""
        same = (self.left, self.right) == (other.left, other.right)
        same &= other.sign in IMPLIED.get(self.sign, {self.sign})
        return same and self.covers(other)

    def covers(self, other, letters=None):
        """Whether the other's conditions lie in these: in all of these, or in those that are on the given letters."""
        on = lambda names: letters is None or names <= letters  # noqa: E731
        words = {word for word in self.words if on(_names(word))}
        mine = [letter for letter in self.ranges if on({letter})]
        inside = all(other.ranges.get(letter, Range()).within(self.ranges[letter]) for letter in mine)
        return inside and words <= other.words

    def letters(self):
        """The letters of its conditions."""
        return set(self.ranges).union(*map(_names, self.words))


def _names(word):
    """The letters of a condition in words; none of a parity of T, which is on every T."""
    if word in PARITIES:
        return set()
    return {"n" if name == "T" else name for name in re.findall(r"[^\W\d]\w*", word)}


def _narrowed(of, sign, value):
    if sign == "!=":
        return of._replace(out=of.out | {value})
    if sign in (">", ">=", "="):
        of = of._replace(low=max(of.low, (value, sign == ">")))
    if sign in ("<", "<=", "="):
        of = of._replace(high=min(of.high, (value, sign == "<"), key=lambda end: (end[0], not end[1])))
    return of


def certified(row, records):
    """Whether what a step states is what its checks took and gave: each relation with <, ≤, > or ≥ has its record.

    A check may also take what an earlier one of the same step gave.
    """
    taken, gives = (list(map(Statement.read, row.get(key, ()))) for key in ("given", "gives"))
    known, took, gave = list(taken), [], []
    for record in (record for record in records if record["call"] == "follows"):
        of_this = list(map(Statement.read, record["given"]))
        if not all(statement in known for statement in of_this):
            return False
        took, gave = took + of_this, [*gave, Statement.read(record["gives"])]
        known.append(gave[-1])
    relation = lambda statement: statement.sign not in ("", "=")  # noqa: E731
    whole = all(s in gave for s in filter(relation, gives)) and all(s in gives for s in gave)
    return whole and all(s in took for s in filter(relation, taken))


def gaps(rows, id):
    """Where the proof of a row does not hold together, one line each; none of a step, or where a row takes nothing.

    The steps of ``proof`` and the results under ``uses`` give their statements one after the other, each step once all
    that it takes has been given. What a step, or the row at the end, takes and nothing gives is a gap; so is a row that
    states its conclusion where what it takes does not reach.
    """
    if not rows[id].get("given") or rows[id]["kind"] == "step":
        return []
    known = [Statement.read(text) for other in rows[id].get("uses", ()) for text in rows[other].get("gives", ())]
    waiting = [step for step in rows[id].get("proof", ()) if rows[step].get("gives")]

    def taken(of):
        lacking = (text for text in rows[of].get("given", ()))
        return [text for text in lacking if not any(k.implies(Statement.read(text)) for k in known)]

    while ready := [step for step in waiting if not taken(step)]:
        known += [Statement.read(text) for step in ready for text in rows[step]["gives"]]
        waiting = [step for step in waiting if step not in ready]
    out = [f"{of} takes {text!r}, which nothing gives" for of in (*waiting, id) for text in taken(of)]
    given = {text: Statement.read(text) for text in rows[id]["given"]}
    both = set().union(*(statement.words for statement in given.values())) >= PARITIES  # each T is one of the two
    for text in rows[id].get("gives", ()):
        said = Statement.read(text)
        said = said._replace(words=said.words | (PARITIES if both else set()))
        beyond = [one for one, statement in given.items() if not statement.covers(said, said.letters())]
        out += [f"{id} gives {text!r}, beyond {one!r}" for one in beyond]
    return out
