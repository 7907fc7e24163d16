"""The ledger against the book: rows, records, the LaTeX shown, and the seals agree."""

from pathlib import Path

import pytest

from lrnn_helpers.ledger import _book, read_records, read_rows, statuses
from lrnn_helpers.ledger.__main__ import MARKS

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
ROWS, RECORDS = read_rows(BOOK / "ledger.yml"), read_records(BOOK)
CHAPTERS = sorted(path.with_suffix("").relative_to(BOOK).as_posix() for path in BOOK.rglob("*.ipynb"))
CHAPTERS = [chapter for chapter in CHAPTERS if ".ipynb_checkpoints" not in chapter]
SHOWN = {chapter: _book.shown_latex((BOOK / f"{chapter}.md").read_text()) for chapter in CHAPTERS}
LABELS = [(chapter, label) for chapter in CHAPTERS for label in SHOWN[chapter]]


def row_of(label):
    return ROWS[label.split("-", 1)[1]]


def test_there_is_something_to_test():
    assert RECORDS and LABELS


@pytest.mark.parametrize(("chapter", "label"), LABELS)
def test_what_a_chapter_shows_is_what_the_row_states(chapter, label):
    row, shown = row_of(label), SHOWN[chapter][label]
    stated = row["latex"] if label.startswith("paper-") else row["erratum"]["corrected"]
    assert _book.normalise(shown) == _book.normalise(stated)


@pytest.mark.parametrize(("chapter", "label"), LABELS)
def test_what_a_chapter_shows_it_checks(chapter, label):
    row = row_of(label)
    covering = {row["id"], row.get("of", row["id"])}
    here = [r for r in RECORDS if r["chapter"] == chapter and covering & set(r["ids"])]
    assert here, f"({row['id']}) stands in {chapter} without a check"
    if label.startswith("corrected-"):
        assert any(r["call"] == "refutes" for r in here), f"({row['id']}) is corrected without a refutation"


def test_an_equation_stands_under_its_number_once():
    labels = [label for _, label in LABELS]
    assert len(labels) == len(set(labels))


def test_every_chapter_s_own_rows_are_checked_there():
    status = statuses(ROWS, RECORDS)
    waiting = [
        id for id, row in ROWS.items() if row["chapter"] in CHAPTERS and id in status and status[id].own == "open"
    ]
    assert not waiting, f"rows of written chapters without a check: {waiting}"


def test_a_check_stands_in_the_chapter_of_its_row():
    wrong = [
        (id, record["chapter"])
        for record in RECORDS
        for id in record["ids"]
        if ROWS[id]["chapter"] != record["chapter"] and ROWS[id]["kind"] not in ("claim", "figure")
    ]
    assert not wrong


def test_the_errata_are_those_that_the_checks_refute():
    refuted = {id for record in RECORDS if record["call"] == "refutes" for id in record["ids"]}
    stated = {id for id, row in ROWS.items() if "erratum" in row}
    assert refuted <= stated, "refuted by a check, and the ledger states no erratum"
    waiting = {id for id in stated - refuted if ROWS[id]["chapter"] in CHAPTERS}
    assert not waiting, "an erratum of a written chapter, and no check refutes the printed form"


def test_the_seals_are_those_of_what_is_shown_and_run():
    seals = _book.sealable(ROWS, RECORDS, BOOK)
    stated = {id: row["seal"] for id, row in ROWS.items() if "seal" in row}
    assert stated == seals, "read LaTeX and function side by side, then run `make seal`"


def test_the_readme_s_numbers_are_the_ledger_s():
    text = (ROOT / "README.md").read_text()
    (shown,) = [match[0] for match in MARKS.finditer(text)]
    assert _book.summary(_book.totals(ROWS, RECORDS)) in shown, "run `make ledger`"
