"""The ledger against the book: every rule holds of it."""

import book_rules
import notebooks
import pytest
from conftest import ROOT

from lrnn_helpers.ledger import _book

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
