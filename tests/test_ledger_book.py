"""The ledger against the book: every rule holds of it."""

import book_rules
import notebooks
import pytest
import yaml
from conftest import ROOT

from lrnn_helpers.ledger import _book
from lrnn_helpers.ledger._errata import errata_yaml

BOOK = book_rules.read(ROOT, notebooks.colab_cell())


def test_there_is_something_to_test():
    assert len(BOOK.records) > 100 and len(BOOK.chapters) > 15


@pytest.mark.parametrize("rule", book_rules.RULES, ids=lambda rule: rule.__name__)
def test_rule(rule):
    broken = rule(BOOK)
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


def test_every_rule_is_applied():
    rules = [f for f in vars(book_rules).values() if getattr(f, "__module__", "") == "book_rules" and callable(f)]
    helpers = {book_rules.Book, book_rules.read}
    assert [f for f in rules if f not in helpers and not f.__name__.startswith("_")] == book_rules.RULES


def test_totals_have_the_keys_that_the_design_fixes():
    keys = (
        "numbers empty equations settled proved proved_with_all slips wrong claims claims_judged claims_supported "
        "figures figures_remade own_results own_proved checks mutants_rejected mutants_crashed"
    )
    assert list(_book.totals(BOOK.rows, BOOK.records)) == keys.split()


def test_errata_yml_is_what_the_command_writes():
    text = (ROOT / "book" / "errata.yml").read_text(encoding="utf-8")
    assert text == errata_yaml(BOOK.rows, BOOK.records), "run: make ledger"


def test_errata_yml_says_everything_and_the_gravest_first():
    found = yaml.safe_load((ROOT / "book" / "errata.yml").read_text(encoding="utf-8"))
    checked = {id for record in BOOK.records if "printed" in record for id in record["ids"]}
    wanted = {head for id, head in _book.errata(BOOK.rows).items() if id in checked}
    assert {entry["id"] for entry in found} == wanted and len(found) == len(wanted)
    for entry in found:
        erratum = BOOK.rows[entry["id"]]["erratum"]
        assert entry["rows"][0] == entry["id"] and set(entry["rows"][1:]) == set(erratum.get("also", ()))
        assert entry["changes"] is (erratum["conclusion"] != "none") and entry["evidence"]
        forms = {form["id"]: (form.get("printed"), form.get("corrected")) for form in entry["forms"]}
        for id in entry["rows"]:
            row = BOOK.rows[id]
            stated = row.get("latex"), row.get("erratum", {}).get("corrected")
            assert forms.get(id, (None, None)) == tuple(text and text.strip() for text in stated)
    changes = [entry["changes"] for entry in found]
    assert changes == sorted(changes, reverse=True) and True in changes and False in changes


ROWS = _book.read_rows(ROOT / "book" / "ledger.yml")
STEPS = sorted({step for row in ROWS.values() for step in row.get("proof", ())})


@pytest.mark.parametrize("step", STEPS)
def test_a_proof_stands_by_each_of_its_steps(step):
    """Without its check, or with one for listed T only, a row that names it falls: it, or all that it rests on."""
    records = _book.read_records(ROOT / "book")
    whole = _book.statuses(ROWS, records)
    cited = [id for id, row in ROWS.items() if step in row.get("proof", ())]
    removed = [r for r in records if step not in r["ids"]]
    less = {"follows": dict(given=["1 > 0"])}  # a check that took what its row does not state
    weaker = [dict(r, symbolic=[3]) if step in r["ids"] and r.get("symbolic") else r for r in records]
    weaker = [r | less.get(r["call"], {}) if step in r["ids"] else r for r in weaker]
    for less in (removed, weaker):
        stands = _book.statuses(ROWS, less)
        assert any(stands[id] != whole[id] for id in cited), step
    without = {id: row for id, row in ROWS.items() if id != step}
    with pytest.raises(ValueError, match="no row of the ledger"):
        _book.statuses(without, removed)


def test_an_equation_is_proved_with_all_that_it_rests_on_or_a_definition():
    """As the README says."""
    stands = _book.statuses(ROWS, _book.read_records(ROOT / "book"))
    left = [id for id, row in ROWS.items() if _book.is_number(row) and id in stands]
    assert {id for id in left if stands[id].effective not in ("proved", "definition")} == set()
    assert "is not counted there as proved is a definition" in (ROOT / "README.md").read_text(encoding="utf-8")
