"""The report of mutants: nothing is left out, what is explained is there, and the tool tells right from wrong."""

import subprocess
import sys

import mutation
from conftest import ROOT

ROOMS, EXPLAINED, SURVIVED = mutation.read()


def test_every_module_belongs_to_a_room():
    found = {name for room in mutation.ROOMS for name in mutation.names(room)} | mutation.COMPILED
    package = {path.relative_to(mutation.PACKAGE).as_posix() for path in mutation.PACKAGE.rglob("*.py")}
    assert package - found == {"__init__.py"}


def test_what_is_explained_can_be_planted_and_says_why():
    planted = {
        mutant[0] for room in mutation.ROOMS for file in mutation.files(room) for mutant in mutation.mutants(file)
    }
    assert set(EXPLAINED) - planted == set(), "gone from the package: take them out of tests/mutation.yml"
    assert all(len(entry["why"].split()) > 2 for entry in EXPLAINED.values())


def test_the_report_adds_up():
    assert set(ROOMS) <= set(mutation.ROOMS) and not set(SURVIVED) & set(EXPLAINED)
    for room, counts in ROOMS.items():
        made, drawn, *fates = (counts[name] for name in mutation.COUNTS)
        assert drawn == sum(fates) <= made, room
        assert counts["survived"] == sum(key[0] in mutation.names(room) for key in SURVIVED), room


TOY = '''
"""A module."""
from __future__ import annotations

def scaled(x: float, k: int = 2) -> float:
    """2 x, x >= 0."""
    if x < 0:
        raise ValueError(f"x must be >= 0, got {x + 0}")
    return k * abs(x)


def steps(n):
    count = 0
    while n > 0:
        n -= 1
        count += 1
    return count
'''
TESTS = """
import pytest
from lrnn_helpers import toy

def test_scaled():
    assert toy.scaled(1.5) == 3 and toy.scaled(0.0) == 0
    with pytest.raises(ValueError):
        toy.scaled(-1)

def test_steps():
    assert toy.steps(3) == 3
"""
RUN = """
import sys
from pathlib import Path
root, tools = Path(sys.argv[1]), sys.argv[2]
sys.path[:0] = [tools]
import mutation
import lrnn_helpers.ledger
sys.path[:0] = [str(root)]  # from here on there is another package of that name
mutation.ROOT, mutation.PACKAGE = root, root / "lrnn_helpers"
mutation.ROOMS, mutation.SPARE = dict(toy=("toy", "toy")), (5.0, 2.0)
counts, survived = mutation.report("toy", 0, 0, {("toy.py", "if x < 0:", "constant+1: 0")})
print(*counts.values())
"""


def test_an_error_is_noticed_where_a_test_fails_or_never_ends(tmp_path):
    for name, text in {"lrnn_helpers/__init__": "", "lrnn_helpers/toy": TOY, "tests/test_toy": TESTS}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", RUN, str(tmp_path), str(ROOT / "tools")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    *survived, counts = done.stdout.splitlines()
    assert survived == ["  survived  toy.py  |  return k * abs(x)  |  abs dropped: abs(x)  (1 tests)"]
    made, drawn, killed, equivalent, left = map(int, counts.split())
    assert made == drawn == killed + equivalent + left and (equivalent, left) == (1, 1) and killed > 20
