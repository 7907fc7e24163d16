"""A proof must not prove what is wrong: the mutants of printed functions are run on symbols too."""

import linecache
from types import SimpleNamespace

import notebooks
import pytest
from conftest import ROOT

from lrnn_helpers import plotting
from lrnn_helpers.ledger import check


@pytest.mark.parametrize(
    "chapter", ["setup", "appendices/b_gradient_flow", "appendices/k_energy_shape", "appendices/n_eigenspace"]
)
def test_no_mutant_that_fails_at_a_witness_reduces(chapter, monkeypatch):
    for name in ("claim", "limit"):  # neither proves anything
        monkeypatch.setattr(check, name, lambda *_, **__: None)
    monkeypatch.setattr(plotting, "show", lambda **_: None)
    monkeypatch.setattr(check, "thorough", True)
    monkeypatch.setattr(check, "records", [])
    space = SimpleNamespace(__name__="__main__")
    for number, cell in enumerate(notebooks.read_master(ROOT / "book" / f"{chapter}.md").cells):
        if cell.cell_type == "code" and "%pip" not in cell.source:
            text, file = cell.source + "\n", f"<{chapter}, cell {number}>"
            linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
            exec(compile(text, file, "exec"), vars(space))
    assert [record for record in check.records if record.get("symbolic") == "all"]
