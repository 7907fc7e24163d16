"""Proofs with inequalities: what a statement implies, what a check certifies, and that no step can be left out."""

import copy
import re

import book_rules
import pytest
import sympy as sp
from cells import define
from conftest import ROOT

from lrnn_helpers import symbolic
from lrnn_helpers.ledger import check
from lrnn_helpers.ledger._book import read_records, read_rows, statuses
from lrnn_helpers.ledger._statement import Statement, certified, gaps

ROWS = read_rows(ROOT / "book" / "ledger.yml")
RECORDS = read_records(ROOT / "book")
# what is proved in steps that state what they take and give; the list of the theorems that must be so
THEOREMS = [
    *("prop-F.2", "prop-M.3", "ours-unattained", "ours-ordering", "ours-transition-curve", "ours-fold-limit"),
    *(
        "ours-dual",
        "ours-landau-infimum",
        "ours-landau-negative",
        "ours-landau-four",
        "ours-finite-minima",
        "ours-apparent",
    ),
    "ours-landau-threshold",
]


# ---- statements


@pytest.mark.parametrize(
    "strong, weak",
    [
        ("F > 0 for n > 1, y > 0", "F > 0 for n > 1, y > 0"),
        ("F > 0 for n > 1", "F ≥ 0 for n > 1"),
        ("F > 0 for n > 1", "F > 0 for n ≥ 4, y > 0"),
        ("F > 0 for n ≥ 4", "F > 0 for T ≥ 5"),
        ("F > 0 for T ≥ 5", "F > 0 for n = 4"),
        ("D = 1 for n ≥ 1", "D ≤ 1 for n ≥ 2"),
        ("F > 0 for x > 0, x ≠ 1", "F > 0 for 0 < x < 1"),
        ("E* is even", "E* is even for T odd"),
        ("r < 1 for 0 < b < 1", "r < 1 for 1/4 < b ≤ 1/2"),
    ],
)
def test_a_statement_implies_a_weaker_one_and_not_the_reverse(strong, weak):
    strong, weak = Statement.read(strong), Statement.read(weak)
    assert strong.implies(weak)
    assert strong == weak or not weak.implies(strong)


@pytest.mark.parametrize(
    "one, other",
    [
        ("F > 0 for n > 1", "G > 0 for n > 1"),
        ("F > 0 for T ≥ 8", "F > 0 for T ≥ 5"),
        ("F > 0 for x > 0, x ≠ 1", "F > 0 for x > 0"),
        ("F > 0 for n > 4", "F > 0 for n ≥ 4"),
        ("F > 0 for 0 < b < 1", "F > 0 for 0 < b ≤ 1"),
        ("E* is even for T odd", "E* is even for T even"),
        ("F ≥ 0", "F > 0"),
        ("no minimum at b < 0 for T even", "no minimum at b ≤ 0 for T even"),
        ("b = 0 is a minimum for n ≥ 3", "b ≤ 0 is a minimum for n ≥ 3"),
        ("a minimum with b > 0 exists", "a minimum with b ≥ 0 exists"),
        ("zero loss needs s = δλ^k for T ≥ 2", "zero loss needs s = δλ^k for T ≥ 1"),
    ],
)
def test_a_statement_does_not_imply(one, other):
    assert not Statement.read(one).implies(Statement.read(other))


def test_the_range_of_a_statement_is_never_lost():
    with pytest.raises(ValueError, match="' for ' once"):
        Statement.read("zero loss asks for s = δλ^k for T ≥ 2")


# ---- signs

N, X, Y, F, D = sp.symbols("n x y F D", real=True)


@pytest.mark.parametrize(
    "expression, given, strict, shown",
    [
        (N**2 - 4 * N + 1, [N >= 4], True, True),
        (N**2 - 4 * N + 1, [N > 3], True, False),
        (N - 4, [N >= 4], True, False),
        (N - 4, [N >= 4], False, True),
        ((N - 2) / 2 - D, [D < (N - 1) / 3, N >= 4], True, True),
        ((N - 2) / 2 - D, [D <= (N - 1) / 3, N >= 4], True, False),
        (X * (1 - X), [X > 0, X < 1], True, True),
        (X * (1 - X), [X >= 0, X < 1], True, False),
        (X * (1 - X), [X > 0, X <= 1], False, True),
        ((X - Y) ** 2, [], False, True),
        ((X - Y) ** 2, [], True, False),
        (1 / X**2, [sp.Ne(X, 0)], True, True),
        (1 / X**2, [], True, False),
        (F / (X - Y), [F > 0, X > Y], True, True),
        (F / (X - Y), [F > 0, X >= Y], True, False),
        (-X, [X < 0], True, True),
        (X + Y, [X >= 0, X <= 1, Y > 0], True, False),
        (X - 1, [sp.Eq(X, 2)], True, True),
        (X, [X * Y >= 0, Y > 0], False, True),
        (X, [X * Y >= 0, Y >= 0], False, False),
        (X, [sp.Eq(X**2, 4)], True, False),
        (X + Y, [sp.Ne(X, Y)], True, False),
        (X, [X > 0, X**2 > 2 * X], True, True),
        (X - 1, [X > 0, sp.Ne(X, 1)], True, False),
    ],
)
def test_a_sign_is_shown_over_the_whole_range_or_not_at_all(expression, given, strict, shown):
    assert symbolic.positive(expression, given, strict) is shown


def test_ranges_that_contradict_each_other_show_nothing():
    with pytest.raises(ValueError, match="contradict"):
        symbolic.positive(X, [X > 1, X < 0])


def test_an_equation_between_letters_is_refused():
    with pytest.raises(ValueError, match="equation between letters"):
        symbolic.positive(X - Y, [sp.Eq(X, Y)])


# ---- the call

ROOM = "def room(n, D):\n    return D - (n - 2)/2\n"
BOUND = "D < (n-1)/3 for n > 1"


def test_a_conclusion_follows_and_is_recorded():
    check.follows("step-x", define(ROOM), "slope < 0 for n ≥ 4", [BOUND, "(h-turn) for n ≥ 2"])
    record = check.records[-1]
    assert record["call"] == "follows" and record["given"] == [BOUND, "(h-turn) for n ≥ 2"]
    assert record["text"].startswith("step-x  gives slope < 0 for n ≥ 4, from D < (n-1)/3")


@pytest.mark.parametrize(
    "gives, given, knowing, error, message",
    [
        ("slope < 0 for n ≥ 3", [BOUND], [], AssertionError, "does not follow"),
        ("slope < 0 for n ≥ 4", ["D ≤ (n-1)/3 for n > 1"], [], AssertionError, "does not follow"),
        ("slope < 0 for n ≥ 4", [], [], AssertionError, "does not follow"),
        ("slope < 0 for n ≥ 4", ["D < (n-1)/3 for n ≥ 5"], [], ValueError, "beyond the range"),
        ("slope < 0 for n ≥ 4", [BOUND], ["x > 0"], ValueError, "no relation in letters"),
        ("slope < 0 for n ≥ 4", [BOUND, "x > 0"], [], ValueError, "no relation in letters"),
        ("slope < 0 for n ≥ 4", [BOUND, "|D| < 1"], [], ValueError, "no relation in letters"),
        ("slope < 0 for n ≥ 4", [BOUND], ["n > 0"], ValueError, "not needed"),
        ("slope < 0 for n ≥ 4", [], ["D < (n-1)/3 for n ≥ 5"], ValueError, "beyond the range"),
        ("slope < 0 for n ≥ 4", [f"{BOUND}, T even"], [], ValueError, "beyond the range"),
        ("slope < 0 for n ≥ 4", [f"{BOUND}, n > D"], [], ValueError, "beyond the range"),
        ("slope < 0 for n ≥ 4, x > 0", [BOUND], [], ValueError, "nothing that the step takes"),
        ("slope < 0 for n ≥ 4, T even", [BOUND], [], ValueError, "nothing that the step takes"),
        ("slope < 0 for n ≥ 4, k > l", [BOUND], [], ValueError, "nothing that the step takes"),
        ("slope = 0 for n ≥ 4", [BOUND], [], ValueError, "must be a relation"),
    ],
)
def test_a_conclusion_is_refused(gives, given, knowing, error, message):
    with pytest.raises(error, match=message):
        check.follows("step-x", define(ROOM), gives, given, knowing=knowing)


def test_what_follows_from_nothing_is_no_check():
    with pytest.raises(ValueError, match="from nothing"):
        check.follows("step-x", define("def one(x):\n    return 1 + x**2\n"), "x > 0")


# ---- the book's calls, made again

FOLLOWS = [record for record in RECORDS if record["call"] == "follows"]
# defaults of printed functions, in whose place the call puts symbols
DEFAULTS = dict.fromkeys(("Z_", "P_", "Q_", "S_", "B_", "l_", "r_", "mu_", "var_"))
SECOND = {"min(E) < s_1²/(2*tau*b²)", "sinh_z*cosh_z ≥ z", "E* < β² + β^-2", "d(δ/κ)/db > 0", "d(δ/κ)/db < 0"}
FIRST = {"min(E) > 0", "y*coth_y ≥ 1", "(u - 1/β)² ≤ E", "β²*b^(n-1)*Q - b*P > 0", "2*c_(n-1) + c_n > 0"}


def again(record, **changed):
    says = record | changed
    head = record["gives"].split(" for ")[0]
    part = 1 if head in SECOND else 0 if head in FIRST else None
    function = define(record["printed"], sp=sp, **DEFAULTS)
    where = {term: says["where"][term] for term in sorted(says["where"], key=len, reverse=True)}
    id, knowing = record["ids"][0], says["knowing"]
    check.follows(id, function, says["gives"], says["given"], knowing=knowing, where=where, part=part)


@pytest.mark.parametrize("record", FOLLOWS, ids=lambda record: record["gives"])
def test_a_call_of_the_book_fails_without_any_one_relation(record):
    again(record)
    for key in ("given", "knowing"):
        for text in record[key]:
            if Statement.read(text).sign not in ("", "="):
                with pytest.raises((AssertionError, ValueError)):
                    again(record, **{key: [other for other in record[key] if other != text]})


@pytest.mark.parametrize(
    "id, false",
    [
        ("step-landau-square", "(1 + |b|^n)² ≤ Z for n ≥ 2"),
        ("step-landau-below", "(b^n + β^-2)² ≤ (1 + |b|^n)² for n ≥ 1, β > 0"),
        ("step-unattained", "min(E) > 0 for T ≥ 1"),
        ("step-exchange", "b^l - b^k > 0 for 0 < b < 1"),
        ("step-exchange", "S_new - S > 0 for s > r"),
        ("step-exchange", "S_new - S > 0 for 0 < b < 1, s > r"),
        ("step-landau-left", "β²*b^(n-1)*Q - b*P > 0 for n ≥ 1, b < 0"),
        ("step-landau-four", "g' > 0 for T = 4, x > 0, x + 1/x < √9"),
        ("step-landau-gap", "D < (n-1)/3 for n > 1, x > 0"),
        ("step-landau-slope", "dE*/db > 0 for n ≥ 1, b > 0"),
        ("step-landau-confined", "E* < β² + β^-2 for n ≥ 1"),
        ("step-bound-together", "Q > n*√Z for n ≥ 1, b > 0"),
        ("step-bound-reached", "E* - β² > 0 for n ≥ 1, b < 0, β² < (√Z-1)/b^n"),
        ("step-level", "dt'/dS < 0 for u > 0"),
    ],
)
def test_a_call_of_the_book_refuses_what_is_false_on_a_wider_range(id, false):
    head = false.split(" for ")[0]
    (record,) = (r for r in FOLLOWS if id in r["ids"] and r["gives"].split(" for ")[0] == head)
    with pytest.raises((AssertionError, ValueError), match=r"beyond the range|does not follow|nothing that"):
        again(record, gives=false)


# ---- the book's theorems


def test_the_theorems_with_inequalities_are_proved_by_steps_that_compose():
    stands = statuses(ROWS, RECORDS)
    assert {id for id, row in ROWS.items() if row.get("proof") and row.get("given")} >= set(THEOREMS)
    for id in THEOREMS:
        assert ROWS[id]["gives"] and gaps(ROWS, id) == [] and stands[id].own == "proved", id


def test_every_step_states_what_its_checks_took_and_gave():
    steps = [id for id, row in ROWS.items() if row["kind"] == "step"]
    followed = {id for record in RECORDS if record["call"] == "follows" for id in record["ids"]}
    assert followed <= set(steps) and all(ROWS[id].get("gives") for id in followed)
    for id in steps:
        assert certified(ROWS[id], [record for record in RECORDS if id in record["ids"]]), id


STEPS = [(id, step) for id in THEOREMS for step in ROWS[id]["proof"]]


@pytest.mark.parametrize("theorem, step", STEPS)
def test_no_step_of_a_theorem_can_be_left_out(theorem, step):
    """Its record gone, or its name gone from the proof, the theorem is not proved."""
    records = [record for record in RECORDS if step not in record["ids"]]
    assert statuses(ROWS, records)[theorem].own != "proved"
    rows = copy.deepcopy(ROWS)
    rows[theorem]["proof"].remove(step)
    assert gaps(rows, theorem)


# theorem: a row that it rests on, how what the row gives begins, and what is changed in it to make it weaker
WEAKER = {
    "ours-finite-minima": [
        ("step-landau-series", "A > 0", ">", "≥"),
        ("step-landau-series", "A > 0", "z > 0", "z > 1"),
        ("step-landau-hyperbolic", "y*coth_y", "y > 0", "y > 2"),
        ("step-landau-hyperbolic", "sinh_z", "z > 0", "0 < z < 9"),
        ("step-landau-growth", "F_n", "n ≥ 1", "n ≥ 2"),
        ("step-landau-growth", "F_n", "F_n > 0", "F_n ≥ 0"),
        ("step-landau-mean", "F > 0", "y > 0", "0 < y < 3"),
        ("step-landau-even", "D(1/x)", "=", "≤"),
        ("step-landau-moments", "(h-moments)", "x ≠ 1", "x > 1"),
        ("step-landau-gap", "D <", "D <", "D ≤"),
        ("step-landau-gap", "D <", "x ≠ 1", "x > 1"),
        ("step-landau-one", "D =", "=", "≥"),
        ("step-landau-turn", "(h-turn)", "n ≥ 2", "n ≥ 5"),
        ("step-landau-falls", "x*g'/g <", "n ≥ 4", "T ≥ 8"),
        ("step-landau-falls", "x*g'/g <", "<", "≤"),
        ("step-landau-slope", "dE*/db >", "b > 0", "b > 1"),
        ("step-landau-slope", "dE*/db <", "<", "≤"),
        ("step-landau-left", "E* is even", "T odd", "T odd, n ≥ 6"),
        ("step-landau-ends", "g → ∞", "n ≥ 3", "n ≥ 5"),
        ("ours-landau-series", "b = 0", "n ≥ 3", "T ≥ 6"),
        ("ours-landau-negative", "no minimum", "b < 0", "b < -1"),
    ],
    "ours-landau-negative": [("step-landau-left", "β²", "- b*P >", "- b*P ≥")],
    "ours-landau-four": [
        ("step-landau-four", "g' >", ">", "≥"),
        ("step-landau-four", "g' <", "x > 0", "x > 1"),
        ("step-landau-ends", "g(1/b)", "b > 0", "b > 1"),
    ],
    "ours-landau-infimum": [
        ("step-landau-square", "(1 + |b|^n)²", "n ≥ 3", "T ≥ 5"),
        ("step-landau-below", "(b^n", "β ≥ 1", "β > 1"),
        ("ours-dual", "E*", "b ≠ 0", "b > 0"),
        ("step-landau-square", "(h-square)", "n ≥ 3", "n ≥ 4"),
        ("step-landau-below", "(h-below)", "n ≥ 1", "n ≥ 4"),
        ("111", "E* →", "→ β^-2", "→ 0"),
    ],
    "ours-apparent": [
        ("step-bound-middle", "2*c", ">", "≥"),
        ("step-bound-coefficients", "c_m", "n ≥ 4", "T ≥ 8"),
        ("step-bound-above", "c_k", "k ≥ n + 1", "k ≥ n + 2"),
        ("step-bound-together", "Q >", "n ≥ 4", "T ≥ 8"),
        ("step-bound-slope", "((√Z-1)/b^n)'", "n ≥ 4", "T ≥ 8"),
        ("step-bound-reached", "E* - β² >", ">", "≥"),
        ("step-bound-reached", "E* - β² ≤", "b > 0", "0 < b ≤ 1"),
    ],
    "ours-landau-threshold": [
        ("step-landau-confined", "(u - 1/β)²", "n ≥ 1", "n ≥ 5"),
        ("step-landau-confined", "E* <", "<", "≤"),
        ("ours-finite-minima", "one barrier", "T ≥ 5", "T ≥ 8"),
        ("ours-finite-minima", "g falls", "T ≥ 5", "T ≥ 8"),
        ("ours-landau-negative", "at b < 0", "T even", "T even, n ≥ 8"),
        ("step-landau-left", "E* is even", "T odd", "T odd, n ≥ 6"),
    ],
    "ours-unattained": [("step-unattained", "min(E) >", ">", "≥"), ("step-unattained", "min(E) <", "b ≠ 0", "b > 1")],
    "ours-ordering": [
        ("step-level", "dt'/dS", "<", "≤"),
        ("step-exchange", "S_new - S >", "b < 1", "b < 1/2"),
        ("step-exchange", "S_new - S <", "b > 1", "b > 2"),
    ],
    "ours-fold-limit": [
        ("step-fold-limit", "d(δ/κ)/db >", "0 < b", "1/4 < b"),
        ("step-fold-limit", "d(δ/κ)/db <", "db <", "db ≤"),
    ],
    "prop-F.2": [("step-zero-two-gaps", "b = λ", "T ≥ 2", "T ≥ 3")],
}


@pytest.mark.parametrize("theorem, weaker", [(id, weaker) for id, some in WEAKER.items() for weaker in some])
def test_no_step_of_a_theorem_can_be_weaker(theorem, weaker):
    """In the row and in what its check gave, or in the record alone."""
    id, begins, old, new = weaker
    (text,) = (text for text in ROWS[id]["gives"] if text.startswith(begins))
    assert old in text
    less, rows = text.replace(old, new, 1), copy.deepcopy(ROWS)
    assert not Statement.read(less).implies(Statement.read(text))
    rows[id]["gives"][rows[id]["gives"].index(text)] = less
    records = [dict(r, gives=less) if id in r["ids"] and r.get("gives") == text else r for r in RECORDS]
    for spoilt in (rows, records), (rows, RECORDS):
        assert gaps(rows, theorem) and statuses(*spoilt)[theorem].own != "proved"
    if records != RECORDS:
        assert statuses(ROWS, records)[theorem].own != "proved"


@pytest.mark.parametrize("theorem, text", [(id, text) for id in THEOREMS for text in ROWS[id]["given"]])
def test_a_theorem_takes_nothing_that_no_step_gives(theorem, text):
    """A hypothesis that is made stronger, by a sign or by its range, is not given any more."""
    rows = copy.deepcopy(ROWS)
    rows[theorem]["given"][ROWS[theorem]["given"].index(text)] = text.split(" for ")[0] + " and more"
    assert gaps(rows, theorem)


@pytest.mark.parametrize(
    "theorem, wider",
    [
        ("ours-finite-minima", "one barrier for T ≥ 4"),
        ("ours-apparent", "the largest b of (0, X] reaches β² first for T ≥ 4"),
        ("ours-landau-threshold", "b → ∞ for T ≥ 4"),
        ("ours-unattained", "inf E = 0 is not reached for T ≥ 1"),
        ("ours-landau-negative", "no minimum at b < 0"),
    ],
)
def test_a_theorem_reaches_no_further_than_what_it_takes(theorem, wider):
    rows = copy.deepcopy(ROWS)
    rows[theorem]["gives"] = [wider]
    assert any("beyond" in gap for gap in gaps(rows, theorem))


def roads(text):
    """The tables of steps on a page, each a list of (name, names of the steps it takes, id of its row)."""
    tables = re.findall(r"(?m)(?:^\|.*\|\n)+", text)
    lines = [[[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()] for table in tables]
    of_steps = [table for table in lines if table[0] == ["step", "takes", "gives", "row"]]
    return [[(n, set(filter(None, t.split(", "))), r.strip("`")) for n, t, _, r in table[2:]] for table in of_steps]


@pytest.mark.parametrize("road", roads((ROOT / "book" / "appendices" / "h_proof.md").read_text(encoding="utf-8")))
def test_the_road_map_says_which_step_feeds_which(road):
    gives = {name: [Statement.read(t) for t in ROWS[id]["gives"]] for name, _, id in road if id in ROWS}
    for name, takes, id in road:
        if id in ROWS:
            given = [Statement.read(text) for text in ROWS[id].get("given", ())]
            feeds = {other for other, some in gives.items() if any(s.implies(g) for s in some for g in given)}
            assert takes == feeds, name


def test_the_rule_sees_a_step_that_says_or_reads_something_else():
    book = book_rules.Book(copy.deepcopy(ROWS), {}, {}, {}, RECORDS, "", "")
    assert book_rules.proofs_compose(book) == []
    loose = [dict(r, printed="def gap(F):\n    return F\n") if r.get("call") == "follows" else r for r in RECORDS]
    assert "step-landau-gap reads a sign off a function that nothing proves" in book_rules.proofs_compose(
        book._replace(records=loose)
    )
    book.rows["step-landau-gap"]["gives"] = ["D ≤ (n-1)/3 for n > 1, x > 0, x ≠ 1"]
    broken = book_rules.proofs_compose(book)
    assert any("step-landau-gap" in line for line in broken) and any("nothing gives" in line for line in broken)
