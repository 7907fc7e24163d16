"""Positive roots of integer polynomials: counted, isolated and refined without rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lrnn_helpers._validation import extra

with extra("symbolic"):
    import sympy as sp


def positive_roots(c):
    """Pairs (root, turn), sorted, for an integer polynomial that is not 0, coefficients ascending.

    A root is a Fraction, right to 2^-60 of itself. `turn` is 1 where the polynomial goes from - to +, -1 where it goes
    from + to -, and 0 where it keeps its sign.
    """
    while c[0] == 0:
        c = c[1:]
    p = sp.Poly(c[::-1], sp.Symbol("x"), domain=sp.ZZ)
    # The square-free part changes sign at every root, so it can be bisected. The ends of an isolating interval are not
    # asked: they may be other roots.
    simple = [int(a) for a in p.sqf_part().all_coeffs()]
    sign, before, roots = _sign(c[::-1], Fraction(0)), _sign(simple, Fraction(0)), []
    # `intervals(inf=0)` would leave the negative roots out, but takes minutes where coefficients are large; and without
    # `fast` an interval goes in steps of 1 to a root that is far away.
    for (low, high), multiplicity in p.intervals(fast=True):
        if high <= 0:
            continue
        low, high = Fraction(int(low.p), int(low.q)), Fraction(int(high.p), int(high.q))
        while high - low > high / 2**60:
            middle = (low + high) / 2
            if _sign(simple, middle) == before:
                low = middle
            else:
                high = middle
        roots.append(((low + high) / 2, -sign if multiplicity % 2 else 0))
        sign, before = sign * (-1) ** multiplicity, -before
    return roots


def to_float(x):
    """The float nearest to a Fraction, infinite beyond the range of floats."""
    try:
        return float(x)
    except OverflowError:
        return np.inf if x > 0 else -np.inf


def _sign(c, x):
    """The sign of an integer polynomial, coefficients descending, at a Fraction; no division, so no common factors."""
    total, scale = 0, 1
    for a in c:
        total, scale = total * x.numerator + a * scale, scale * x.denominator
    return (total > 0) - (total < 0)
