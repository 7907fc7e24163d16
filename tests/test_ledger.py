"""The ledger's mechanism: checks that can fail, mutants, statuses, seals."""

import json
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from cells import define

from lrnn_helpers import modes, symbolic
from lrnn_helpers.ledger import MIME, _book, check, mutants, read_records, read_rows, statuses, verdicts, witnesses
from lrnn_helpers.ledger.__main__ import with_seals

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


def test_crashes_are_counted_apart():
    text = """
    def f(A, B):
        return A @ B + 2 * A @ B
    """
    rng = np.random.default_rng(0)
    at = [dict(A=rng.normal(size=(2, 3)), B=rng.normal(size=(3, 4)))]
    check.holds("x", define(text), lambda A, B: 3 * np.einsum("ij,jk->ik", A, B), at=at)
    counts = check.records[-1]["mutants"]
    assert counts["crashed"] >= 2 and counts["rejected"] >= 2


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


def test_refutes_needs_a_printed_form_that_fails_and_a_corrected_one_that_holds(capsys):
    right = define("def right(a, b):\n    return a - b\n")
    wrong = define("def wrong(a, b):\n    return a + b\n")
    unreadable = define("def unreadable(a, b):\n    return a - q\n")
    at = [dict(a=3.0, b=2.0), dict(a=1.5, b=-4.0)]

    def target(a, b):
        return -b + a

    check.refutes("26", wrong, right, target, at)
    assert "refuted as printed, off by up to 4.0e+00 (2 of 2 witnesses); corrected form" in capsys.readouterr().out
    check.refutes("26", unreadable, right, target, at)
    assert "it has no value" in capsys.readouterr().out
    check.refutes("26", wrong, None, target, at)
    assert check.records[-1]["corrected"] is None
    with pytest.raises(AssertionError, match="is not refuted: the printed form holds at all 2 witnesses"):
        check.refutes("26", right, right, target, at)
    with pytest.raises(AssertionError, match="fails at witness 0"):
        check.refutes("26", wrong, wrong, target, at)


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
    one_term = define("def one_term(T):\n    return 1 + 1 / T\n")
    check.limit("111", lambda T: 1 + 1 / T + 1 / T**2, one_term, [1e3, 1e4, 1e5], order=-2)


def test_a_claim_must_come_out_otherwise_on_its_control(capsys):
    check.claim("2.5", holds=True, control=lambda: np.bool_(False), condition="for σ ≤ 0.1")
    assert capsys.readouterr().out.startswith("claim 2.5  supported for σ ≤ 0.1  ·  ")
    check.claim("2.5", holds=False, control=True, supported=False)
    for holds, control in [(True, True), (False, False), (False, True)]:
        with pytest.raises(AssertionError, match="expected True and control False"):
            check.claim("2.5", holds, control)
    with pytest.raises(TypeError, match="holds must be True or False, got 1"):
        check.claim("2.5", 1, False)


def test_a_figure_s_verdict_is_computed(capsys):
    check.claim("f.1", True, False)
    check.claim("f.2", False, True, supported=False)
    check.claim("f.3", True, False)
    check.claim("f.3", False, True, condition="for T = 2", supported=False)
    for claims, verdict in [
        (["f.1"], "replicated:"),
        (["f.2"], "not replicated:"),
        (["f.1", "f.3"], "replicated in part:"),
    ]:
        check.figure("fig-3", claims, {"learning rate": 0.1})
        assert f"fig-3  {verdict}" in capsys.readouterr().out
    assert check.records[-1]["settings"] == {"learning rate": "0.1"}
    with pytest.raises(ValueError, match=r"got unchecked f\.9"):
        check.figure("fig-3", ["f.1", "f.9"], {})


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
        "range start+1", "exp dropped", "conj dropped",
    }  # fmt: skip
    f = dict(mutants(define("def g(a, b):\n    return a - b * a\n")))
    assert f["sign: a - b * a"](2, 5) == 12 and f["left factor dropped: b * a"](2, 5) == 0

    def closure(q):
        def inner(a):
            return a + q

        return inner

    with pytest.raises(ValueError, match="must not use local variables of another function, got q"):
        mutants(closure(1))


def test_witnesses_are_generic_and_repeatable():
    at = witnesses(T=(1, 4, 7), seed=3, extra=1)
    assert at == witnesses(T=(1, 4, 7), seed=3, extra=1) != witnesses(T=(1, 4, 7), seed=4, extra=1)
    for w in at:
        assert len(w["s"]) == w["T"] == len(set(w["s"])) and w["tau"] > 0 and w["extra"] == 1
        assert {abs(w[name]) for name in "abc"}.isdisjoint({0, 1})
    with pytest.raises(ValueError, match="trajectory lengths >= 1"):
        witnesses(T=0)


ROWS = """
- id: "1"
  kind: definition
  chapter: one
- id: "2"
  kind: theorem
  chapter: one
  uses: ["1"]
  proof: [step-x]
- id: "3"
  kind: identity
  chapter: one
  uses: ["2", "4"]
- id: "4"
  kind: identity
  chapter: one
- id: "5"
  kind: copy
  chapter: two
  of: "4"
- id: "6"
  kind: empty
  chapter: two
- id: step-x
  kind: step
  chapter: one
- id: "c.1"
  kind: claim
  chapter: one
- id: fig-1
  kind: figure
  chapter: one
"""


def rec(call, *ids, **fields):
    return dict(call=call, ids=list(ids), chapter="one", **fields)


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "ledger.yml").write_text(ROWS)
    return read_rows(tmp_path / "ledger.yml")


def test_status_comes_from_records_and_the_weakest_dependency(rows):
    records = [rec("defines", "1"), rec("holds", "2", symbolic=[1, 2]), rec("holds", "3", symbolic=[2])]
    found = statuses(rows, records)
    assert found["1"] == ("defined", "defined")
    assert found["2"] == ("symbolic", "open"), "a step of its proof is open"
    assert found["3"].effective == "open" and "6" not in found and "c.1" not in found
    records += [rec("holds", "step-x", symbolic="all"), rec("refutes", "4", corrected="def f(): ...")]
    found = statuses(rows, records)
    assert found["2"] == ("proved", "proved")
    assert found["3"] == ("symbolic", "corrected") and found["5"] == ("corrected", "corrected")
    records[-1]["corrected"] = None
    assert statuses(rows, records)["3"].effective == "refuted"


def test_a_listed_T_step_proves_nothing(rows):
    records = [rec("defines", "1"), rec("holds", "2", symbolic=[]), rec("holds", "step-x", symbolic=[1, 2])]
    assert statuses(rows, records)["2"].own == "numeric"


def test_cycles_and_unknown_rows_are_errors(rows):
    with pytest.raises(ValueError, match="names '9', which is no row"):
        statuses(rows, [rec("holds", "9", symbolic=[])])
    rows["4"]["uses"] = ["3"]
    with pytest.raises(ValueError, match="in a circle, got 3 -> 4 -> 3"):
        statuses(rows, [])


def test_ids_must_be_unique(tmp_path):
    (tmp_path / "l.yml").write_text('- id: "1"\n- id: "1"\n')
    with pytest.raises(ValueError, match="got '1' twice"):
        read_rows(tmp_path / "l.yml")


def test_verdicts_of_claims_and_figures(rows):
    assert verdicts(rows, []) == {"c.1": "open", "fig-1": "open"}
    one = rec("claim", "c.1", verdict="supported")
    two = rec("claim", "c.1", verdict="not supported")
    assert verdicts(rows, [one])["c.1"] == "supported" and verdicts(rows, [one, two])["c.1"] == "in part"
    assert verdicts(rows, [rec("figure", "fig-1", verdict="replicated")])["fig-1"] == "replicated"


def test_totals_are_counted(rows):
    records = [rec("defines", "1", mutants=dict(rejected=7)), rec("claim", "c.1", verdict="supported")]
    found = _book.totals(rows, records)
    assert (found["equations"], found["checked"], found["mutants"], found["judged"]) == (5, 1, 7, 1)


def test_only_what_stands_under_a_label_belongs_to_it():
    text = (
        "$$\nx\n$$\nwords\n\n$$\na = b \\\\\n+ c\n$$ (eq:paper-7)\n\n$$\ny\n$$ (eq:ours)\n$$\nz\n$$ (eq:corrected-7)\n"
    )
    assert _book.shown_latex(text) == {"paper-7": "a = b \\\\\n+ c", "corrected-7": "z"}


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
    assert (_book.normalise(one) == _book.normalise(other)) is same


def test_the_seal_moves_with_the_equation_and_with_the_function(tmp_path, rows):
    chapter = "text\n\n$$\na = b\n$$ (eq:paper-2)\n\nmore\n"
    (tmp_path / "one.md").write_text(chapter)
    record = rec("holds", "2", symbolic=[], printed="def f(): ...")
    seals = _book.sealable(rows, [record], tmp_path)
    assert list(seals) == ["2"]
    (tmp_path / "one.md").write_text(chapter.replace("a = b", "a = -b"))
    assert _book.sealable(rows, [record], tmp_path) != seals
    (tmp_path / "one.md").write_text(chapter)
    assert _book.sealable(rows, [dict(record, printed="def f(): 1")], tmp_path) != seals
    text = with_seals(ROWS, seals)
    assert with_seals(text, seals) == text and text.count("seal:") == 1
    (tmp_path / "l.yml").write_text(text)
    assert read_rows(tmp_path / "l.yml")["2"]["seal"] == seals["2"]


def test_records_survive_in_a_notebook(tmp_path):
    output = {"output_type": "display_data", "data": {MIME: rec("holds", "1"), "text/plain": "x"}}
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": [output, {"output_type": "stream"}]}]
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.ipynb").write_text(json.dumps({"cells": cells}))
    (found,) = read_records(tmp_path)
    assert found["chapter"] == "part/a" and found["ids"] == ["1"]
