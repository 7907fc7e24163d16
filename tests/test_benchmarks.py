"""The recorded benchmarks are whole, and a wrong result gets no time. No timing is tested."""

import json
import re

import pytest
from conftest import ROOT

from benchmarks.timing import Peer, digest, table

TEXT = (ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8")
RESULTS = json.loads(TEXT)
TABLES = {t["id"]: t for t in RESULTS["tables"]}
EXPECTED = {
    *("training", "training_general", "training_large", "peak", "first_call", "flow", "flow_stiff", "descend"),
    *("kernel", "kernel_large", "kernel_neural_tangents", "kernel_large_neural_tangents", "distance_8", "distance_16"),
}


def test_every_table_is_there_from_a_full_run_of_a_known_machine():
    assert set(TABLES) == EXPECTED and not RESULTS["quick"]
    facts = ("cpu", "cores", "caches", "python", "numpy", "scipy", "torch", "numba", "jax", "diffrax", "blas", "date")
    assert all(RESULTS["machine"][fact] for fact in facts)
    assert not re.search(r"/(home|root|tmp|work|usr)/", TEXT)


def test_no_result_was_changed_by_hand():
    assert RESULTS["digest"] == digest(RESULTS)
    changed = json.loads(TEXT)
    changed["tables"][0]["entries"][0]["median"] /= 100
    assert changed["digest"] != digest(changed)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_entries_are_ordered_equal_and_say_where_they_are_scaled(name):
    for e in TABLES[name]["entries"]:
        assert 0 < e["q1"] <= e["median"] <= e["q3"] and e["repeats"] >= 3 and "scaled_from" in e
        assert e.get("error") is None or e["error"] <= TABLES[name]["equal"]


def test_the_growth_is_recorded_against_every_size():
    assert {s["axis"] for s in RESULTS["series"]} == {"T", "N", "P", "networks"}
    for s in RESULTS["series"]:
        assert len(s["x"]) == len(s["median"]) == len(s["flops"]) >= 4


def test_a_wrong_result_gets_no_time():
    def peers(result):
        return [Peer("one", lambda: result, lambda r: abs(r - 1.0)), Peer("half", lambda: 1.0, scale=2.0)]

    entries = table("t", "t", {}, peers(1.0), 2, 1e-9)["entries"]
    assert [e["name"] for e in entries] == ["one", "half"] and entries[0]["error"] == 0
    with pytest.raises(AssertionError, match="one is off"):
        table("t", "t", {}, peers(1.1), 2, 1e-9)
