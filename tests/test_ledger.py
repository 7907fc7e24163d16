"""The ledger's mechanism: checks that can fail, mutants, statuses, seals."""

import functools
import hashlib
import json
import types
import warnings
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
import scipy.stats
import sympy as sp
import yaml
from cells import define

from lrnn_helpers import modes, symbolic
from lrnn_helpers.ledger import (
    MIME,
    _book,
    _check,
    _seal,
    check,
    glue,
    mutants,
    read_records,
    read_rows,
    statuses,
    verdicts,
    witnesses,
)
from lrnn_helpers.ledger.__main__ import MARKS, first_rows, main
from lrnn_helpers.ledger._seal import digest

EQ9 = """
def eq9(a, b, c, s, T, tau):
    data = sum(s[i-1]**2 - 2*s[i-1]*c*b**(T-i)*a for i in range(1, T+1)) / (2*tau)
    return data + c**2*a**2*(1 - b**(2*T))/(1 - b**2) / (2*tau)
"""


def exact_energy(a, b, c, s, T, tau):
    return sum((s[i] - c * b ** (T - 1 - i) * a) ** 2 for i in range(T)) / (2 * tau)


def test_the_design_s_own_example_runs(capsys):
    check.holds("9", define(EQ9), modes.energy, at=witnesses(T=(1, 2, 3, 5, 8)), symbolic=(1, 2, 3), assuming="b² ≠ 1")
    out = capsys.readouterr().out
    assert out.startswith("(9)  holds: symbolic for T = 1, 2, 3; to 1e-12 at 5 witnesses, assuming b² ≠ 1  ·  ")
    record = check.records[-1]
    assert record["mutants"]["rejected"] > 30 and record["symbolic"] == [1, 2, 3]
    assert record["printed"].startswith("def eq9(")


def test_exact_comparison_accepts_nothing_but_equality():
    check.holds("9", define(EQ9), exact_energy, at=witnesses(), rtol=0)
    wrong = define(EQ9.replace("2*s[i-1]", "(2 + Fraction(1, 10**15))*s[i-1]"), Fraction=Fraction)
    with pytest.raises(AssertionError, match=r"\(9\) fails at witness 0"):
        check.holds("9", wrong, exact_energy, at=witnesses(), rtol=0)


@pytest.mark.parametrize(
    ("old", "new"), [("- 2*s", "+ 2*s"), ("b**(2*T)", "b**(2*T-2)"), ("range(1, T+1)", "range(1, T)"), ("a**2", "a")]
)
def test_a_wrong_sign_exponent_range_or_factor_fails(old, new):
    assert old in EQ9
    with pytest.raises(AssertionError, match="fails at witness"):
        check.holds("9", define(EQ9.replace(old, new)), modes.energy, at=witnesses())


def test_a_wrong_form_that_agrees_at_the_witnesses_fails_symbolically():
    text = EQ9.replace("    return data", "    data = data + (b - b0)\n    return data")
    at = [w for w in witnesses(T=(3,))]
    wrong = define(text, b0=at[0]["b"])
    with pytest.raises(AssertionError, match="fails for T = 3"):
        check.holds("9", wrong, modes.energy, at=at, symbolic=(3,))


def test_weak_witnesses_let_mutants_survive():
    at = [dict(w, s=[0], T=1) for w in witnesses(T=1)]
    with pytest.raises(AssertionError, match="mutants that survive unnamed"):
        check.holds("9", define(EQ9), modes.energy, at=at)


def test_survivors_must_be_exactly_those_named():
    text = """
    def f(b, T):
        return sum(i * b**i for i in range(0, T))
    """
    at = [dict(b=Fraction(2, 3), T=4), dict(b=Fraction(7, 3), T=6)]

    def target(b, T):
        return sum(i * b**i for i in range(1, T))

    named = ["range start+1: range(0, T)"]
    check.holds("x", define(text), target, at=at, rtol=0, invariant=named)
    with pytest.raises(AssertionError, match=r"survive unnamed \['range start\+1: range\(0, T\)'\]"):
        check.holds("x", define(text), target, at=at, rtol=0)
    with pytest.raises(AssertionError, match=r"named that do not survive \['sign: no such'\]"):
        check.holds("x", define(text), target, at=at, rtol=0, invariant=[*named, "sign: no such"])


def test_a_check_that_no_mutant_can_fail_is_refused():
    with pytest.raises(AssertionError, match="the check cannot fail"):
        check.holds("x", define("def f(a):\n    return a\n"), lambda a: 1 * a, at=[dict(a=2)])


def test_crashes_are_counted_apart_and_are_no_rejections():
    text = """
    def f(A, B):
        return A @ B + 2 * A @ B
    """
    rng = np.random.default_rng(0)
    at = [dict(A=rng.normal(size=(2, 3)), B=rng.normal(size=(3, 4)))]
    against = lambda A, B: 3 * np.einsum("ij,jk->ik", A, B)  # noqa: E731
    with pytest.raises(AssertionError, match="at least 50% of the mutants must be rejected, but 2 are rejected and 5"):
        check.holds("x", define(text), against, at=at)
    check.holds("x", define(text), against, at=at, excuse="a product of two matrices: most mutants do not fit together")
    counts = check.records[-1]["mutants"]
    assert check.records[-1]["text"].endswith("2 of 2 mutants rejected, 5 more crash")
    assert (counts["crashed"], counts["rejected"]) == (5, 2) and "most mutants" in check.records[-1]["excuse"]


def test_the_printed_side_is_written_in_the_cell_and_apart_from_the_other():
    with pytest.raises(ValueError, match=r"exact_energy must be defined in the cell, got one from test_ledger"):
        check.holds("9", exact_energy, modes.energy, at=witnesses())
    eq9 = define(EQ9)
    with pytest.raises(ValueError, match="against must not be written from the printed function eq9"):
        check.holds("9", eq9, eq9, at=witnesses())
    with pytest.raises(ValueError, match="against must not be written from the printed function eq9"):
        check.holds("9", eq9, lambda a, b, c, s, T, tau: eq9(a, b, c, s, T, tau), at=witnesses())
    with pytest.raises(ValueError, match="must be a function written with def"):
        check.holds("9", define("f = lambda a: a + 1"), lambda a: a + 1, at=[dict(a=1)])
    with pytest.raises(ValueError, match="at must hold at least one witness"):
        check.holds("9", eq9, modes.energy, at=[])
    with pytest.raises(ValueError, match="ids must be one or more non-empty strings"):
        check.holds((), eq9, modes.energy, at=witnesses())
    with pytest.raises(ValueError, match="derivation must be given"):
        check.holds("9", eq9, exact_energy, at=witnesses(), symbolic=(2,))


def leak(eq):
    """Ways in which something could be written from the printed function without naming it."""
    h1 = define("def h1(a, b):\n    return eq(a, b)\n", eq=eq)
    table = types.SimpleNamespace(formula=eq)

    class Holder:
        __module__ = "__main__"

        def value(self, a, b):
            return eq(a, b)

    return {
        "itself": eq,
        "partial": functools.partial(eq),
        "helper of a helper": define("def h2(a, b):\n    return h1(a, b)\n", h1=h1),
        "default": lambda a, b, f=eq: f(a, b),
        "keyword default": lambda a, b, *, f=eq: f(a, b),
        "closure": lambda a, b: eq(a, b),
        "alias": define("def h3(a, b):\n    return formula(a, b)\n", formula=eq),
        "table": define("def h4(a, b):\n    return d['x'](a, b)\n", d={"x": [eq]}),
        "namespace": lambda a, b: table.formula(a, b),
        "method": Holder().value,
        "instance": functools.partial(Holder.value, Holder()),
        "decorated": functools.wraps(eq)(lambda a, b: 1),
        "a copy under other names": define("def copy(x, y):\n    'Other words.'\n    z = x - y\n    return z * x\n"),
    }


EQ = "def eq(a, b):\n    c = a - b\n    return c * a\n"
WAYS = sorted(leak(define(EQ)))


@pytest.mark.parametrize("way", WAYS)
def test_neither_side_may_reach_the_printed_function(way):
    eq = define(EQ)
    other, at = leak(eq)[way], [dict(a=3, b=2), dict(a=5, b=7)]
    for use in (
        lambda: check.holds("1", eq, other, at),
        lambda: check.refutes("1", eq, None, other, at),
        lambda: check.defines("1", eq, other, at),
        lambda: check.limit("1", other, eq, [0.1, 0.2, 0.3], order=1),
    ):
        with pytest.raises(ValueError, match="must not be written from the printed function eq"):
            use()
    with pytest.raises(ValueError, match="derivation must not be written from the printed function eq"):
        independent = lambda a, b: a * a - a * b  # noqa: E731
        check.holds("1", eq, independent, at, symbolic="all", derivation=other)


def test_the_derivations_of_the_book_agree_with_its_package():
    for w in witnesses(T=(1, 3, 4)):
        values = dict(
            zip((symbolic.a, symbolic.b, symbolic.c, symbolic.tau), (w["a"], w["b"], w["c"], w["tau"]), strict=True)
        )
        values |= dict(zip(symbolic.data(w["T"]), w["s"], strict=True))
        found = [float(e.subs(values)) for e in (symbolic.energy(w["T"]), *symbolic.velocity(w["T"]))]
        start = modes.Modes(w["a"], w["b"], w["c"])
        expected = [modes.energy(start, w["s"], w["tau"]), *modes.velocity(start, w["s"], w["tau"])]
        np.testing.assert_allclose(found, np.array(expected, dtype=float), rtol=1e-12)


def test_what_is_independent_is_taken_for_it():
    eq = define(EQ)
    square = define("def square(a):\n    return a * a\n")
    define("def other(a, b):\n    return eq(a, b)\n", eq=eq)
    against = define("def against(a, b):\n    return square(a) - np.multiply(a, b)\n", square=square)
    check.holds("1", eq, against, [dict(a=3, b=2), dict(a=5, b=7)])


@pytest.mark.parametrize("value", [np.nan, np.inf, np.ones(2), (1.0, 2.0)])
def test_nan_infinity_and_wrong_shapes_never_agree(value):
    f = define("def f(a):\n    return value if a else a + 1\n", value=value)
    with pytest.raises(AssertionError, match="relative error inf"):
        check.holds("x", f, lambda a: value if np.ndim(value) == 0 else 1.0, at=[dict(a=1)])


def test_symbolic_for_all_T():
    text = """
    def summand(a, b, c, s, k):
        return c * b**k * (s - c * b**k * a)
    """

    def by_differentiation(T):
        v = symbolic.symbols()
        return -sp.diff((v["s"] - v["c"] * v["b"] ** v["k"] * v["a"]) ** 2 / 2, v["a"])

    def numeric(a, b, c, s, k):
        h = Fraction(1, 10**9)
        half = lambda a: (s - c * b**k * a) ** 2 / 2  # noqa: E731
        return (half(a - h) - half(a + h)) / (2 * h)

    at = [dict(a=Fraction(2, 3), b=Fraction(5, 7), c=Fraction(-3, 4), s=Fraction(9, 5), k=3)]
    check.holds("s", define(text), numeric, at=at, rtol=0, symbolic="all", derivation=by_differentiation)
    assert check.records[-1]["symbolic"] == "all"
    with pytest.raises(AssertionError, match="fails for all T"):
        wrong = define(text.replace("c * b**k * (s", "c * b**3 * (s"))
        check.holds("s", wrong, numeric, at=at, rtol=0, symbolic="all", derivation=by_differentiation)


def test_what_is_wrong_at_the_witnesses_may_not_be_proved_on_symbols(monkeypatch):
    monkeypatch.setattr(check, "thorough", True)
    powers, T_, Wh = np.linalg.matrix_power, symbolic.T, symbolic.words.matrix("Wh", "h", "h")
    scaled = define("def scaled(c, k):\n    return abs(c) * k\n")
    at = [dict(c=Fraction(-2, 3), k=3)]
    with pytest.raises(AssertionError, match=r"fail at the witnesses reduce on symbols: \['abs dropped: abs\(c\)'\]"):
        positive = dict(c=sp.Symbol("c", positive=True), k=symbolic.k)
        right = dict(symbols=lambda T: positive, derivation=lambda T: positive["c"] * positive["k"])
        check.holds("s", scaled, lambda c, k: -c * k, at, rtol=0, symbolic="all", **right)
    # A list is proved for the range of its index; a number 0 in place of a matrix of zeros is no other value.
    listed = define("def listed(Wh, T):\n    return [power(Wh, t) for t in range(1, T + 1)]\n", power=powers)
    letters = dict(Wh=Wh, T=T_)

    def one_by_one(Wh, T):
        return list(accumulate([Wh] * T, np.matmul))

    at = [dict(Wh=np.array([[0.5, 2.0], [-1.0, 0.3]]), T=T) for T in (2, 4)]
    every = dict(symbolic="all", symbols=lambda T: letters)
    other = define("def other(Wh, T):\n    return [Wh @ power(Wh, t - 1) for t in range(1, T + 1)]\n", power=powers)
    derived = symbolic.run(other, letters)
    check.holds("s", listed, one_by_one, at, derivation=lambda T: derived, **every)
    nothing = define("def nothing(Wh):\n    return 0 * Wh\n")
    check.holds("s", nothing, lambda Wh: np.zeros((2, 2)), at, derivation=lambda T: Wh - Wh, **every)


def test_mutants_are_judged_without_a_word_on_stderr():
    inverse = define("def inverse(a):\n    return 1 / (a - 1)\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check.holds("1", inverse, lambda a: (a - 1) ** -1.0, [dict(a=np.float64(-1)), dict(a=np.float64(3))])
    assert check.records[-1]["mutants"]["crashed"] == 0


RIGHT = "def right(a, b):\n    return a - b\n"
AT = [dict(a=3.0, b=2.0), dict(a=1.5, b=-4.0)]


def difference(a, b):
    return -b + a


def test_refutes_needs_a_printed_form_that_fails_and_a_corrected_one_that_holds(capsys):
    right, wrong = define(RIGHT), define("def wrong(a, b):\n    return a + b\n")
    check.refutes("26", wrong, right, difference, AT)
    assert "refuted as printed, off by up to 4.0e+00 (2 of 2 witnesses); corrected form" in capsys.readouterr().out
    check.refutes("26", wrong, None, difference, AT)
    assert check.records[-1]["corrected"] is None
    with pytest.raises(AssertionError, match="is not refuted: the printed form holds at all 2 witnesses"):
        check.refutes("26", right, define("def other(a, b):\n    return 0 + a - b\n"), difference, AT)
    with pytest.raises(AssertionError, match="fails at witness 0"):
        check.refutes("26", wrong, wrong, difference, AT)


@pytest.mark.parametrize(
    ("body", "stops"),
    [("a - q", NameError), ("a - len(b)", TypeError), ("a - b.q", AttributeError), ("a - sum([b], q)", NameError)],
)
def test_a_slip_of_ours_refutes_nothing(body, stops):
    typo = define(f"def typo(a, b):\n    return {body}\n")
    for undefined in ((), ZeroDivisionError, Exception):
        with pytest.raises(stops):
            check.refutes("26", typo, define(RIGHT), difference, AT, undefined=undefined)
    with pytest.raises(stops):
        check.holds("26", typo, difference, AT)


def test_what_has_no_value_refutes_only_where_that_is_declared(capsys):
    fraction = define("def fraction(a, b):\n    return a / (b - b)\n")
    with pytest.raises(ValueError, match=r"\(26\): the printed form raises ZeroDivisionError.*not declared"):
        check.refutes("26", fraction, define(RIGHT), difference, AT)
    with pytest.raises(ValueError, match="not declared"):
        check.refutes("26", fraction, define(RIGHT), difference, AT, undefined=(ValueError, OverflowError))
    check.refutes("26", fraction, define(RIGHT), difference, AT, undefined=ZeroDivisionError)
    assert "where it has no value (ZeroDivisionError) (2 of 2 witnesses)" in capsys.readouterr().out
    infinite = define("def infinite(a, b):\n    return np.divide(a, 0.0)\n")
    with pytest.raises(ValueError, match="no finite value, which is not declared"):
        check.refutes("26", infinite, define(RIGHT), difference, AT)
    with pytest.raises(ValueError, match=r"must have shape \[\(\)\], got \[\(2,\)\]"):
        pair = define("def pair(a, b):\n    return np.array([a, b])\n")
        check.refutes("26", pair, define(RIGHT), difference, AT, undefined=ZeroDivisionError)


def test_a_form_of_two_parts_is_refuted_by_either():
    right, wrong = "return a - b, a * b", "return a - b, a + b"
    forms = [define(f"def {name}(a, b):\n    {body}\n") for name, body in (("wrong", wrong), ("right", right))]
    check.refutes("26", *forms, lambda a, b: (-b + a, b * a), AT)
    assert check.records[-1]["witnesses"] == len(AT)


def test_each_id_is_refuted_by_its_own_part():
    both = define("def both(a, b):\n    return a + b, a + b\n")
    one = define("def one(a, b):\n    return a + b, a * b\n")
    right = define("def right(a, b):\n    return a - b, a * b\n")

    def target(a, b):
        return -b + a, b * a

    check.refutes(("26", "27"), both, right, target, AT)
    with pytest.raises(AssertionError, match=r"\(27\) is not refuted"):
        check.refutes(("26", "27"), one, right, target, AT)
    with pytest.raises(ValueError, match="one part for each of 3 ids"):
        check.refutes(("26", "27", "28"), both, right, target, AT)


def test_limit_measures_the_order():
    text = """
    def euler(h):
        return (1 + h) ** 2 - 1
    """

    def exact(h):
        return np.exp(2 * h) - 1 - h**2

    towards = [0.02, 0.01, 0.005, 0.0025]
    check.limit("48", exact, define("def square(h):\n    return 2*h + h**2\n"), towards, order=3)
    with pytest.raises(AssertionError, match=r"the error has order 2\.\d+, not 3"):
        check.limit("48", lambda h: np.exp(2 * h) - 1, define(text), towards, order=3)
    with pytest.raises(ValueError, match="at least three distinct values > 0"):
        check.limit("48", exact, define(text), [0.1, 0.1, 0.2], order=3)
    with pytest.raises(ValueError, match="at least three distinct values > 0"):
        check.limit("48", exact, define(text), [0.1, 0.2, 0.0], order=3)
    one_term = define("def one_term(T):\n    return 1 + 1 / T\n")
    check.limit("111", lambda T: 1 + 1 / T + 1 / T**2, one_term, [1e3, 1e4, 1e5], order=-2)


BELOW = """
def below(x, level):
    "A number of the domain lies below the level."
    return x < level
"""
OVER = [dict(x=x, level=40) for x in range(30)]
OUTSIDE = [dict(x=x, level=40) for x in range(38, 43)]


def claim(predicate=None, over=OVER, outside=OUTSIDE, **options):
    options = dict(domain="x = 0..29") | options
    check.claim("2.5", predicate or define(BELOW), over=over, outside=outside, **options)
    return check.records[-1]


def test_a_claim_is_judged_over_its_domain_and_the_same_predicate_outside(capsys):
    record = claim(part="b")
    line = capsys.readouterr().out
    assert line == (
        "A number of the domain lies below the level.  [2.5, b]  supported: holds on 30 of 30 cases, x = 0..29"
        "  ·  outside, fails on 3 of 5\n"
    )
    assert (record["part"], record["cases"], record["held"], record["outside"], record["passed"]) == ("b", 30, 30, 5, 2)
    assert record["predicate"].lstrip().startswith("def below") and record["domain"] == "x = 0..29"
    with pytest.raises(AssertionError, match="expected to hold, and fail outside, but it holds on 30 of 30"):
        claim(outside=[dict(x=30, level=40)])
    with pytest.raises(AssertionError, match="but it holds on 29 of 30"):
        claim(over=[*OVER[:-1], dict(x=50, level=40)])
    claim(define(BELOW.replace("x, level", "x").replace("< level", "< 40")), over=lambda: range(30), outside=[41])
    # Cases that cannot be pickled are told apart too.
    returns = define(BELOW.replace("x, level", "f").replace("x < level", "f() < 40"))
    claim(returns, over=[lambda x=x: x for x in range(30)], outside=[lambda: 41])


def test_a_sentence_that_is_not_supported_needs_a_case_where_it_is_right(capsys):
    over = [dict(x=x, level=40) for x in range(20, 50)]
    record = claim(over=over, outside=[dict(x=1, level=40), dict(x=60, level=40)], supported=False)
    assert record["verdict"] == "not supported" and record["held"] == 20
    assert "not supported: holds on 20 of 30 cases" in capsys.readouterr().out
    with pytest.raises(AssertionError, match="expected to fail, and hold somewhere outside"):
        claim(over=over, outside=[dict(x=60, level=40)], supported=False)
    with pytest.raises(AssertionError, match="expected to fail"):
        claim(supported=False, outside=[dict(x=31, level=40)])


def test_a_share_is_judged_by_its_interval(capsys):
    over = [dict(x=x, level=180) for x in range(200)]
    record = claim(over=over, share=0.8)
    assert record["share"] == 0.8 and 0.8 < record["interval"][0] < 0.9 < record["interval"][1]
    exact = scipy.stats.binomtest(180, 200).proportion_ci(method="exact")
    np.testing.assert_allclose(record["interval"], exact, atol=1e-6)
    assert "(95 % interval 0.85 to 0.94, wanted 0.8)" in capsys.readouterr().out
    with pytest.raises(AssertionError, match=r"undecided, 0\.9 lies in \[0\.85, 0\.94\]"):
        claim(over=over, share=0.9)
    claim(over=over, share=0.97, supported=False)
    with pytest.raises(ValueError, match="share must be in"):
        claim(share=1.5)


def test_a_claim_cannot_be_a_constant_or_a_handful():
    with pytest.raises(TypeError, match="predicate must be a function of a case, got True"):
        check.claim("2.5", True, over=OVER, outside=OUTSIDE, domain="d")
    with pytest.raises(AssertionError, match="it holds on 30 of 30 cases and, outside, on 5 of 5"):
        claim(define("def yes(**case):\n    'Always.'\n    return True\n"))
    with pytest.raises(TypeError, match="below must return True or False, got 1"):
        claim(define(BELOW.replace("x < level", "1")))
    with pytest.raises(ValueError, match="not its verdict, got True"):
        claim(over=[True] * 30)
    with pytest.raises(ValueError, match="at least 30 cases and outside one, got 29, 5"):
        claim(over=OVER[1:])
    assert claim(over=OVER[:10], runs=True)["runs"] is True
    with pytest.raises(ValueError, match="at least 10 cases and outside one, got 9, 5"):
        claim(over=OVER[:9], runs=True)
    with pytest.raises(ValueError, match="outside must lie beyond the domain, 1 of its cases stand in both"):
        claim(outside=[*OUTSIDE, dict(x=3, level=40)])
    with pytest.raises(ValueError, match="needs a docstring"):
        claim(define("def below(x, level):\n    return x < level\n"))
    with pytest.raises(ValueError, match="below_here must be defined in the cell"):
        claim(below_here)


def below_here(x, level):
    """A number lies below the level."""
    return x < level


@pytest.mark.parametrize(("body", "stops"), [("q", NameError), ("x.q", AttributeError), ("x + level[0]", TypeError)])
def test_a_slip_in_a_predicate_stops(body, stops):
    with pytest.raises(stops):
        claim(define(BELOW.replace("x < level", body)), supported=False)


def test_a_figure_holds_no_verdict(capsys):
    check.figure("fig-3", shows=["fig-3-left"], says=["3.3.3", "3.3.4"], settings={"learning rate": 0.1})
    assert capsys.readouterr().out == "fig-3  shows fig-3-left; the text reads 3.3.3, 3.3.4 from it\n"
    record = check.records[-1]
    assert record["settings"] == {"learning rate": "0.1"} and "verdict" not in record
    check.figure("fig-3", shows=["fig-3-left"], settings={})
    assert check.records[-1]["says"] == []
    with pytest.raises(ValueError, match="one or more non-empty strings"):
        check.figure("fig-3", shows=[], settings={})


def test_glue_hands_over_text_in_the_form_that_the_page_reads(monkeypatch):
    shown = []
    monkeypatch.setattr(_check, "_display", lambda data, metadata=None: shown.append((data, metadata)))
    glue("e-ratio", "0.36")
    ((data, metadata),) = shown
    assert data == {"application/papermill.record/text/plain": "'0.36'"}
    assert metadata == {"scrapbook": {"name": "e-ratio", "mime_prefix": "application/papermill.record/"}}
    for bad, error in [(("", "1"), ValueError), (("a:b", "1"), ValueError), (("a", 1.0), TypeError)]:
        with pytest.raises(error):
            glue(*bad)


def test_mutants_change_one_thing_each():
    text = """
    def f(W, x, T, s):
        y = sum(s[i] * np.linalg.matrix_power(W, T - i) @ x.T for i in range(1, T + 1))
        return -np.exp(y) / 2 if T > 2 else y.conj() ** 2
    """
    names = [name for name, _ in mutants(define(text))]
    assert len(names) == len(set(names))
    kinds = {name.split(":")[0] for name in names}
    assert kinds == {
        "sign", "left factor dropped", "right factor dropped", "divisor dropped", "exponent+1", "exponent dropped",
        "minus dropped", "transpose dropped", "branches swapped", "comparison reversed", "range end+1", "range end-1",
        "range start+1", "exp dropped", "conj dropped", "exponent cut at 1", "range cut at 2",
    }  # fmt: skip
    kept = [name for name, _ in mutants(define("def f(x):\n    return x.sum() + np.sum(x) + x.max(0)\n"))]
    assert not [name for name in kept if name.startswith(("sum", "max"))]
    cut = next(m for name, m in mutants(define("def f(x, k):\n    return x**k\n")) if "cut" in name)
    assert cut(2, np.arange(4)).tolist() == [1, 2, 2, 2] and cut(2, 3) == 2
    f = dict(mutants(define("def g(a, b):\n    return a - b * a\n")))
    assert f["sign: a - b * a"](2, 5) == 12 and f["left factor dropped: b * a"](2, 5) == 0

    def closure(q):
        def inner(a):
            return a + q

        return inner

    with pytest.raises(ValueError, match="must not use local variables of another function, got q"):
        mutants(closure(1))


def test_mutants_that_are_wrong_from_lag_2_on_need_long_witnesses():
    text = """
    def f(a, b, T):
        return a * sum(b**(T-i) for i in range(1, T+1))
    """

    def geometric(a, b, T):
        return a * (1 - b**T) / (1 - b)

    short = [dict(a=Fraction(2, 3), b=Fraction(5, 7), T=T) for T in (1, 2)]
    with pytest.raises(AssertionError, match=r"unnamed \['(exponent|range) cut at .*, '(exponent|range) cut at "):
        check.holds("43", define(text), geometric, short, rtol=0)
    check.holds("43", define(text), geometric, [*short, dict(short[0], T=3)], rtol=0)
    assert check.records[-1]["sizes"] == {"T": [1, 2, 3]}
    f = dict(mutants(define("def g(x, n):\n    return x ** n + x ** 0.5 + x ** (1 / n) + 1 ** n + x ** (n - n)\n")))
    assert [name for name in f if "cut" in name] == ["exponent cut at 1: x ** n"]
    assert f["exponent cut at 1: x ** n"](4.0, -3) == 0.25 + 2 + 4.0 ** (-1 / 3) + 1 + 1


def test_witnesses_are_generic_and_repeatable():
    at = witnesses(T=(1, 4, 7), seed=3, extra=1)
    assert at == witnesses(T=(1, 4, 7), seed=3, extra=1) != witnesses(T=(1, 4, 7), seed=4, extra=1)
    for w in at:
        assert len(w["s"]) == w["T"] == len(set(w["s"])) and w["tau"] > 0 and w["extra"] == 1
        assert {abs(w[name]) for name in "abc"}.isdisjoint({0, 1})
    assert all({w[name] > 0 for w in witnesses(range(1, 30))} == {True, False} for name in "abc")
    with pytest.raises(ValueError, match="trajectory lengths >= 1"):
        witnesses(T=0)


ROWS = """
- id: "1"
  kind: definition
- id: "2"
  kind: theorem
  uses: ["1"]
  proof: [step-x]
- id: "3"
  kind: identity
  uses: ["2", "4"]
- id: "4"
  kind: identity
- id: "5"
  kind: copy
  of: "4"
- id: "6"
  kind: empty
- id: step-x
  kind: step
- id: "c.1"
  kind: claim
- id: fig-1
  kind: figure
- id: ours-one
  kind: theorem
""".replace("  kind", "  section: '1'\n  chapter: one\n  kind")


def rec(call, *ids, **fields):
    return dict(call=call, ids=list(ids), chapter="one", **fields)


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "ledger.yml").write_text(ROWS)
    return read_rows(tmp_path / "ledger.yml")


def test_status_has_two_parts_from_records_and_the_weakest_dependency(rows):
    records = [rec("defines", "1"), rec("holds", "2", symbolic=[1, 2]), rec("holds", "3", symbolic=[2])]
    found = statuses(rows, records)
    assert found["1"] == ("definition", "definition", "definition")
    assert found["2"] == ("right", "symbolic", "open"), "a step of its proof is open"
    assert found["3"].effective == "open" and "6" not in found and "c.1" not in found
    records += [rec("holds", "step-x", symbolic="all"), rec("refutes", "4", corrected="def f(): ...")]
    found = statuses(rows, records)
    assert found["2"] == ("right", "proved", "proved")
    assert found["3"] == ("right", "symbolic", "numeric"), "the corrected form of (4) counts"
    assert found["4"] == found["5"] == ("wrong (corrected)", "numeric", "numeric")
    records += [rec("holds", "4", symbolic="all")]
    assert statuses(rows, records)["4"] == ("wrong (corrected)", "proved", "proved"), "the form that holds is proved"
    rows["4"]["erratum"] = dict(kind="slip")
    assert statuses(rows, records)["5"].printed == "slip"
    del records[-1]
    records[-1]["corrected"] = None
    assert statuses(rows, records)["4"] == ("wrong (no correction known)", "open", "open")
    assert statuses(rows, records)["3"].effective == "open"


def test_an_erratum_names_all_that_it_runs_through(rows):
    records = [rec("holds", "3", symbolic=[]), rec("refutes", "4", corrected="def f(): ...")]
    rows["4"]["erratum"] = dict(kind="condition", also=["3"])
    found = statuses(rows, records)
    assert found["3"].printed == found["4"].printed == "right under a stated condition"
    assert _book.errata(rows) == {"4": "4", "3": "4"}
    rows["2"]["erratum"] = dict(kind="slip", also=["3"])
    with pytest.raises(ValueError, match="names '3', which is no row or is in another entry"):
        statuses(rows, records)
    rows["2"]["erratum"] = dict(corrected="a")
    with pytest.raises(ValueError, match="erratum of '2' must say its kind"):
        statuses(rows, records)


def test_a_definition_that_rests_on_a_fact_is_no_stronger_than_it(rows):
    rows["1"]["uses"] = ["3"]
    rows["3"]["uses"] = []
    records = [rec("defines", "1"), rec("holds", "3", symbolic=[])]
    assert statuses(rows, records)["1"] == ("definition", "definition", "numeric")
    records[-1]["symbolic"] = "all"
    assert statuses(rows, records)["1"].effective == "definition"


def test_only_a_step_that_holds_for_every_T_proves_something(rows):
    records = [rec("defines", "1"), rec("holds", "2", symbolic=[]), rec("holds", "step-x", symbolic=[1, 2])]
    assert statuses(rows, records)["2"].own == "numeric"
    assert statuses(rows, [rec("holds", "step-x", symbolic="all")])["2"].own == "open", "no check of the row itself"


def test_a_claim_is_no_check_of_an_equation(rows):
    for supported in ("supported", "not supported"):
        with pytest.raises(ValueError, match="claim in one stands on '2', a theorem"):
            statuses(rows, [rec("claim", "2", verdict=supported)])
    with pytest.raises(ValueError, match=r"figure in one stands on 'c\.1', a claim"):
        statuses(rows, [rec("figure", "c.1")])
    assert statuses(rows, [rec("claim", "ours-one", verdict="supported")])["ours-one"].own == "numeric"
    assert statuses(rows, [rec("claim", "ours-one", verdict="not supported")])["ours-one"].own == "open"


def test_cycles_and_unknown_rows_are_errors(rows):
    with pytest.raises(ValueError, match="names '9', which is no row"):
        statuses(rows, [rec("holds", "9", symbolic=[])])
    rows["4"]["uses"] = ["3"]
    with pytest.raises(ValueError, match="in a circle, got 3 -> 4 -> 3"):
        statuses(rows, [])
    rows["4"].update(uses=[], of="5")
    with pytest.raises(ValueError, match=r"in a circle, got .*4 -> 5 -> 4"):
        statuses(rows, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('- id: "1"\n  section: a\n  chapter: b\n  kind: c\n' * 2, "got '1' twice"),
        ("- id: 6\n", r"needs an id that is a string \(in quotes\), got 6"),
        ('- id: "6"\n  section: a\n', "row '6' of .* needs chapter, kind, as strings"),
    ],
)
def test_rows_must_be_whole(tmp_path, text, message):
    (tmp_path / "l.yml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_rows(tmp_path / "l.yml")


def judged(id, verdict, part=""):
    return rec("claim", id, verdict=verdict, part=part, predicate="def f(): ...")


def test_verdicts_of_claims_and_their_parts(rows):
    yes, no = "supported", "not supported"
    assert verdicts(rows, [])["c.1"] == "open"
    assert verdicts(rows, [judged("c.1", no)])["c.1"] == no
    rows["c.1"]["parts"] = dict(ac="one", b="other")
    assert verdicts(rows, [judged("c.1", yes, "ac")])["c.1"] == "open", "part b has no record"
    both = [judged("c.1", yes, "ac"), judged("c.1", yes, "b")]
    assert verdicts(rows, both)["c.1"] == yes
    assert verdicts(rows, [both[0], judged("c.1", no, "b")])["c.1"] == "in part"


def carried(*carriers, **others):
    return dict(id="abs.1", section="a", chapter="b", kind="claim", carried=[*carriers], **others)


def test_a_claim_that_sums_up_others_has_their_verdict(rows):
    yes, no = "supported", "not supported"
    rows["c.2"] = dict(id="c.2", kind="claim", parts=dict(near="one", far="other"))
    near, far = judged("c.2", yes, "near"), judged("c.2", no, "far")
    rows["abs.1"] = carried("c.1", "c.2")

    def found(*records):
        return verdicts(rows, [*records])["abs.1"]

    assert found(judged("c.1", yes), near, dict(far, verdict=yes)) == yes
    assert found(judged("c.1", no), dict(near, verdict=no), far) == no
    assert found(judged("c.1", yes), near, far) == found(judged("c.1", no), near, far) == "in part"
    assert found(judged("c.1", yes), dict(near, verdict=no), far) == "in part"
    assert found(near, far) == found(judged("c.1", yes), near) == "open"
    rows["abs.1"] = carried("c.1", "c.2/near")
    assert found(judged("c.1", yes), near, far) == found(judged("c.1", yes), near) == yes
    assert found(judged("c.1", no), near) == "in part" and found(judged("c.1", yes), far) == "open"
    rows["abs.2"] = dict(carried("abs.1"), id="abs.2")
    records = [judged("c.1", yes), near, far]
    assert verdicts(rows, records)["abs.2"] == yes
    t = _book.totals(rows, records)
    assert (t["claims"], t["claims_judged"], t["claims_supported"]) == (4, 4, 3)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (carried("c.9"), "'abs.1' is carried by 'c.9', which is no claim"),
        (carried("3"), "carried by '3', which is no claim"),
        (carried("c.1/near"), "carried by 'c.1/near', which is no claim"),
        (carried("abs.1"), "in a circle, got abs.1 -> abs.1"),
        (carried("abs.2"), "in a circle, got abs.1 -> abs.2 -> abs.1"),
        (carried(), "names at least one, and has no check or part"),
        (carried("c.1", parts=dict(a="one", b="other")), "has no check or part"),
    ],
)
def test_a_claim_is_carried_by_claims_alone(rows, row, message):
    rows |= {"abs.1": row, "abs.2": dict(carried("abs.1"), id="abs.2")}
    with pytest.raises(ValueError, match=message):
        verdicts(rows, [judged("c.1", "supported")])


def test_a_claim_that_is_carried_has_no_check_of_its_own(rows):
    rows["abs.1"] = carried("c.1")
    records = [judged("c.1", "supported")]
    assert verdicts(rows, records)["abs.1"] == "supported"
    with pytest.raises(ValueError, match="has no check or part"):
        verdicts(rows, [*records, judged("abs.1", "supported")])


def test_a_figure_is_remade_from_its_panels_and_its_text_is_another_matter(rows):
    rows["fig-1-left"] = dict(id="fig-1-left", kind="panel", of="fig-1")
    rows["fig-1-right"] = dict(id="fig-1-right", kind="panel", of="fig-1")
    assert verdicts(rows, [])["fig-1"] == ("open", 0, 0)
    figure = rec("figure", "fig-1", shows=["fig-1-left", "fig-1-right"], says=["c.1"])
    left, right = judged("fig-1-left", "supported"), judged("fig-1-right", "not supported")
    text = judged("c.1", "not supported")
    assert verdicts(rows, [figure, left])["fig-1"] == ("open", 0, 1)
    assert verdicts(rows, [figure, left, right, text])["fig-1"] == ("in part", 0, 1)
    assert verdicts(rows, [text, right, dict(left, ids=["fig-1-right"]), figure, left])["fig-1"].remade == "in part"
    assert verdicts(rows, [figure, left, judged("fig-1-right", "supported"), text])["fig-1"] == ("yes", 0, 1)
    assert verdicts(rows, [figure, judged("fig-1-left", "not supported"), right])["fig-1"].remade == "no"


def test_totals_are_counted_and_say_what_they_count(rows):
    function = "def f(a):\n    return a\n"
    counts = dict(rejected=7, crashed=2)
    records = [
        rec("defines", "1", mutants=counts, printed=function),
        rec("holds", "4", symbolic=[], mutants=counts, printed="def f(a): return a"),
        rec("refutes", "3", mutants=dict(rejected=5, crashed=0), printed=function, corrected="def g(a): return -a"),
        rec("holds", "step-x", symbolic="all", mutants=counts, printed="def s(a): return a"),
        rec("holds", "ours-one", symbolic="all", mutants=counts, printed="def o(a): return a"),
        judged("c.1", "not supported"),
        rec("figure", "fig-1", shows=["c.1"], says=[]),
    ]
    rows["3"]["erratum"] = dict(kind="slip")
    assert _book.totals(rows, records) == dict(
        numbers=6, empty=1, equations=5, settled=4, proved=0, proved_with_all=0, slips=1, wrong=0,
        claims=1, claims_judged=1, claims_supported=0, figures=1, figures_remade=0,
        own_results=1, own_proved=1, checks=6, mutants_rejected=12, mutants_crashed=2,
    )  # fmt: skip
    assert "**0** of the **1** claims judged are supported" in _book.summary(_book.totals(rows, records))


def test_only_what_stands_under_a_label_belongs_to_it():
    text = (
        "$$\nx\n$$\nwords\n\n$$\na = b \\\\\n+ c\n$$ (eq:paper-7)\n\n$$\ny\n$$ (eq:ours)\n$$\nz\n$$ (eq:corrected-7)\n"
        "```{math}\n:label: eq:paper-8\nd = e\n```\n```{code-cell}\n#\n$$\nq\n$$ (eq:paper-9)\n```\n"
    )
    assert _seal.shown_latex(text) == {"paper-7": "a = b \\\\\n+ c", "corrected-7": "z", "paper-8": "d = e"}
    assert _seal.displays(text)[0] == (None, "x") and ("eq:ours", "y") in _seal.displays(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (r"\left( a \right)", "(a)", True),
        (r"\mathbf{x}_{i}^\top", r"x_i^{\top}", True),
        (r"\overline{W}_x", r"\bar{W}_x", True),
        (r"\begin{aligned} a &= b \\ &+ c \end{aligned}", "a = b + c", True),
        ("a - b", "a + b", False),
        ("b^{T-i} a", "b^T - ia", False),
        (r"\frac{a}{b}", r"\frac{b}{a}", False),
        (r"W_h^\top W_y", "W_h W_y", False),
        (r"\sum_{i=1}^T", r"\sum_{i=1}^{T-1}", False),
    ],
)
def test_typography_is_ignored_and_nothing_else(one, other, same):
    assert (_seal.normalise(one) == _seal.normalise(other)) is same


CHAPTER = "text\n\n$$\na = b\n$$ (eq:paper-2)\n\nmore\n\n$$\nx\n$$\n\n$$\ny\n$$ (eq:y)\n"
SEALED = dict(symbolic=[], printed="def f(): ...", against="g", rtol=0, sizes={"T": [3]}, derivation="h")


def test_a_digest_is_that_of_the_letters_themselves():
    """Written into files: it must stay what it was, whatever the order of the keys, for every language."""
    expected = hashlib.sha256('{"a": "λ", "b": 1}'.encode()).hexdigest()[:12]
    assert digest({"b": 1, "a": "λ"}) == digest({"a": "λ", "b": 1}) == expected


def test_the_seal_moves_with_all_that_is_shown_stated_and_run(rows):
    def seals(chapter=CHAPTER, row=None, **ran):
        changed = dict(rows, **{"2": dict(rows["2"], **(row or {}))})
        ran = rec("holds", "2", **(SEALED | ran))
        return _seal.sealable(changed, [ran, rec("holds", "of no row")], dict(one=chapter))

    before, free = seals()
    assert before.keys() == rows.keys() and free["one"].keys() == {"", "eq:y"}
    assert seals(row=dict(seal="x")) == (before, free), "a seal does not seal itself"
    moved = [seals(CHAPTER.replace("a = b", "a = -b"))]
    moved += [
        seals(row={key: "x"}) for key in ("kind", "of", "proof", "latex", "claim", "assumes", "erratum", "domain")
    ]
    moved += [seals(row={"uses": ["1", "4"]}), seals(row={"parts": {"a": "b"}})]
    moved += [seals(**{key: "x"}) for key in ("printed", "corrected", "against", "derivation", "rtol", "sizes", "cell")]
    for seal, others in moved:
        assert [id for id in rows if seal[id] != before[id]] == ["2"] and others == free
    assert seals(CHAPTER.replace("$$\nx", "$$\n-x"))[1]["one"][""] != free["one"][""]
    assert seals(CHAPTER.replace("$$\ny", "$$\n-y"))[1]["one"]["eq:y"] != free["one"]["eq:y"]


def test_the_commands(tmp_path, capsys, monkeypatch):
    book, readme = tmp_path / "book", tmp_path / "README.md"
    (tmp_path / "paper.md").write_text("$$a = b' \\quad (1)$$ and $$c \\tag{S2}$$, $$no number$$ and $$d$$ (3.1)\n")
    monkeypatch.chdir(tmp_path)
    main(["init", "paper.md"])
    rows = yaml.safe_load((book / "ledger.yml").read_text())
    assert [(row["id"], row["latex"]) for row in rows] == [("1", "a = b'"), ("S2", "c"), ("3.1", "d")]
    assert first_rows(r"\begin{equation}\label{x} e \end{equation}").endswith("latex: 'e'\n")
    text = (book / "ledger.yml").read_text()
    (book / "ledger.yml").write_text(text.replace("chapter: ''", "chapter: one"))
    (book / "one.md").write_text("$$\na\n$$ (eq:paper-1)\n")
    mutants = dict(rejected=1, crashed=0)
    record = dict(rec("holds", "1", symbolic=[]), mutants=mutants, printed="def f(): ...")
    output = {"output_type": "display_data", "data": {MIME: record, "text/plain": "x"}}
    (book / "one.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": [output]}]}))
    main(["seal"])
    once = (book / "ledger.yml").read_text()
    assert all(list(row)[-1] == "seal" for row in yaml.safe_load(once))
    assert once.count("  seal: '") == 3 and read_rows(book / "ledger.yml")["S2"]["seal"]
    main(["seal"])
    assert (book / "ledger.yml").read_text() == once and json.loads((book / "seals.json").read_text()) == {}
    main(["totals", "--json"])
    assert json.loads(capsys.readouterr().out)["settled"] == 1
    main(["totals"])
    numbers = capsys.readouterr().out
    readme.write_text("a\n<!-- totals:begin -->\nstale\n<!-- totals:end -->\nb\n")
    main(["readme"])
    assert "**1 of 3** numbered equations" in MARKS.search(readme.read_text())[0] and "stale" not in readme.read_text()
    assert readme.read_text() == f"a\n<!-- totals:begin -->\n{numbers}<!-- totals:end -->\nb\n"
    readme.write_text("no marks")
    with pytest.raises(SystemExit):
        main(["readme"])
    assert "has no marks" in capsys.readouterr().err and readme.read_text() == "no marks"
    for bad in (["init", "paper.md"], ["--book", "none", "totals"], ["nonsense"], []):
        with pytest.raises(SystemExit):
            main(bad)
    assert "there is no none/ledger.yml" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0 and "write the seals" in capsys.readouterr().out


def test_records_survive_in_a_notebook(tmp_path):
    output = {"output_type": "display_data", "data": {MIME: rec("holds", "1"), "text/plain": "x"}}
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": [output, {"output_type": "stream"}]}]
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.ipynb").write_text(json.dumps({"cells": cells}))
    (found,) = read_records(tmp_path)
    assert found["chapter"] == "part/a" and found["ids"] == ["1"]
