"""Write the table behind the explorer of mutants: where a wrong variant of an equation first fails.

    python tools/mutant_table.py

The chapters' cells are run up to the checks named below, whose function, other side and witnesses are taken as the
chapter hands them over; every mutant of the function is then tried on every witness. A test makes the table again and
compares, so that it cannot fall behind the book.
"""

import ast
import inspect
import json
import linecache
import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import notebooks  # noqa: E402

from lrnn_helpers.ledger import _compare, _mutants, check  # noqa: E402

TABLE = ROOT / "book" / "_static" / "explorers" / "mutant-table.js"
# {chapter: {equations: what their value is called}}
CHOSEN = {
    "results/energy_function": {"8": "the energy", "5, 6, 7": "the three rates"},
    "appendices/c_input_output_mode": {"43": "the rate of u", "47": "u"},
    "appendices/h_landau": {"101": "the best u", "102": "the effective energy"},
}


class Taken:
    """Stands in for `check` in a chapter's cells: it keeps what `holds` is given, and judges nothing."""

    def __init__(self):
        self.found = {}

    def holds(self, ids, function, against, at=None, rtol=1e-12, invariant=(), **_):
        """Keep the arguments; of two checks of one equation the last."""
        ids = ids if isinstance(ids, str) else ", ".join(ids)
        self.found[ids] = (function, against, list(at), rtol, list(invariant))

    def __getattr__(self, name):
        return lambda *_, **__: None


def run(chapter, wanted):
    """Run a chapter's cells until all wanted checks have come."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    space, taken = {"__name__": "__main__"}, Taken()
    cells = [c for c in notebooks.read_master(ROOT / "book" / f"{chapter}.md").cells if c.cell_type == "code"]
    for number, cell in enumerate(cells):
        if "%pip" in cell.source:
            continue
        file = f"<{chapter}, cell {number}>"
        linecache.cache[file] = (len(cell.source), None, cell.source.splitlines(keepends=True), file)
        exec(compile(cell.source, file, "exec"), space)
        space |= {"check": taken} if "check" in space else {}
        if wanted <= set(taken.found):
            return taken.found
    raise ValueError(f"{chapter} has no check of {wanted - set(taken.found)}")


def brief(value):
    """A number in a few characters, a sequence in parentheses."""
    if np.ndim(value):
        return f"({', '.join(map(brief, value))})"
    text = str(value)
    return text if len(text) <= 7 else f"{float(value):.3g}"


def told(witness, function):
    """The numbers of a witness that the function asks for, in one line."""
    return ", ".join(f"{k} = {brief(witness[k])}" for k in inspect.signature(function).parameters)


def tried(mutant, witness, target, rtol):
    """How a mutant fares: ("0" agrees, "1" fails, "x" crashes; what it gives; what is right), at its worst part."""
    try:
        with np.errstate(all="ignore"):
            value = check._call(mutant, witness)
    except Exception:
        return "x", "", ""
    if _compare.error(value, target) <= rtol:
        return "0", "", ""
    pairs = list(zip(_compare.parts(value), _compare.parts(target), strict=True))
    pair = max(pairs, key=lambda pair: _compare.error(*pair))
    return "1", *(f"{float(np.real(_compare.flat(v)[0])):.4g}" for v in pair)


def equation(ids, what, function, against, at, rtol, invariant):
    """One equation's part of the table: each mutant's fate at every witness, and the values where it first fails."""
    targets, rows = [check._call(against, witness) for witness in at], []
    for name, mutant in _mutants.mutants(function):
        fates = [tried(mutant, witness, target, rtol) for witness, target in zip(at, targets, strict=True)]
        marks = "".join(mark for mark, *_ in fates)
        first = next((values for mark, *values in fates if mark == "1"), [])
        rows.append([name, marks, *first])
    text = ast.unparse(ast.parse(_mutants.source(function)))
    witnesses = [told(w, function) for w in at]
    return dict(ids=ids, what=what, code=text, witnesses=witnesses, same=invariant, mutants=rows)


def table():
    """The text of the script: one line an equation."""
    out = []
    for chapter, wanted in CHOSEN.items():
        found = run(chapter, set(wanted))
        out += [equation(ids, what, *found[ids]) for ids, what in wanted.items()]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in out)
    return (
        f"// Written by tools/mutant_table.py from the chapters; a test makes it again.\nvar MUTANTS = [\n{lines}\n];\n"
    )


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
