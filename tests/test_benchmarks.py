"""The recorded benchmarks are whole, and a wrong result gets no time. No timing is tested."""

import json
import re

import pytest
from conftest import ROOT

from benchmarks.timing import Peer, digest, table

TEXT = (ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8")
RESULTS = json.loads(TEXT)
TABLES = {t["id"]: t for t in RESULTS["tables"]}
# The ways of each table, by the first words of their names; ours stand last.
PEERS = {
    "training": ("torch,", "torch.func", "JAX, vmap", "JAX, statistics", "ours"),
    "training_general": ("JAX, vmap", "JAX, statistics", "ours"),
    "training_large": ("torch", "JAX, vmap", "JAX, statistics", "ours"),
    "peak": ("matrix product", "ours"),
    "flow": ("scipy LSODA", "diffrax Tsit5", "diffrax Kvaerno5", "ours"),
    "flow_stiff": ("scipy LSODA", "diffrax Kvaerno5", "ours"),
    "descend": ("JAX, fori_loop", "ours"),
    "kernel": ("torch.func", "ours"),
    "kernel_large": ("torch.func", "ours"),
    "kernel_neural_tangents": ("neural-tangents", "ours"),
    "kernel_large_neural_tangents": ("neural-tangents", "ours"),
    "distance_8": ("JAX", "ours"),
    "distance_16": ("JAX", "ours"),
    "first_call": ("train,", "descend,", "flow,", "ntk,"),
}
GROWTH = {
    "growth_T": ("compiled, white", "compiled, general"),
    **{f"growth_{axis}": ("compiled, white", "numpy, white") for axis in ("N", "P", "networks")},
    "growth_cores": ("train, white", "train, general", "descend", "flow", "ntk_distance"),
    "growth_memory": ("train", "sweep, on_result"),
}


def test_every_table_is_there_from_a_full_run_of_a_known_machine():
    assert set(TABLES) == {*PEERS, *GROWTH} and not RESULTS["quick"]
    facts = ("cpu", "cores", "caches", "python", "numpy", "scipy", "torch", "numba", "jax", "diffrax", "blas")
    assert all(RESULTS["machine"][fact] for fact in facts)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", t["recorded"]) for t in RESULTS["tables"])
    assert not re.search(r"/(home|root|tmp|work|usr)/", TEXT)


def test_there_is_one_file_of_results():
    assert [p.name for p in (ROOT / "benchmarks").glob("*.json")] == ["results.json"]


def test_no_result_was_changed_by_hand():
    assert RESULTS["digest"] == digest(RESULTS)
    changed = json.loads(TEXT)
    changed["tables"][0]["entries"][0]["least"] /= 100
    assert changed["digest"] != digest(changed)


@pytest.mark.parametrize("name", PEERS)
def test_the_peers_are_there_and_entries_ordered_equal_and_say_where_they_are_scaled(name):
    entries = TABLES[name]["entries"]
    assert entries[-1]["name"].startswith(PEERS[name][-1])
    assert all(any(e["name"].startswith(peer) for e in entries) for peer in PEERS[name])
    for e in entries:
        assert 0 < e["least"] <= e["q1"] <= e["median"] <= e["q3"] and e["repeats"] >= 3 and "scaled_from" in e
        assert e.get("error") is None or e["error"] <= TABLES[name]["equal"]


@pytest.mark.parametrize("name", GROWTH)
def test_the_growth_is_recorded_beside_what_the_theory_counts(name):
    lines = TABLES[name]["lines"]
    assert tuple(line["name"] for line in lines) == GROWTH[name]
    for line in lines:
        assert line["x"] == sorted(set(line["x"])) and len(line["x"]) >= (2 if name == "growth_cores" else 3)
        assert all(len(line[key]) == len(line["x"]) for key in ("least", "q1", "median", "q3", "theory"))
        assert min(line["least"]) > 0 and line["repeats"] >= 3


def test_a_hundred_thousand_networks_were_swept_in_limited_memory():
    limit = TABLES["growth_memory"]["limit"]
    assert limit["networks"] == 100_000
    assert limit["fits"] == {"train": False, "sweep": True}


def test_a_wrong_result_gets_no_time():
    def peers(result):
        return [Peer("one", lambda: result, lambda r: abs(r - 1.0)), Peer("half", lambda: 1.0, scale=2.0)]

    entries = table("t", "t", {}, peers(1.0), 2, 1e-9)["entries"]
    assert [e["name"] for e in entries] == ["one", "half"] and entries[0]["error"] == 0
    with pytest.raises(AssertionError, match="one is off"):
        table("t", "t", {}, peers(1.1), 2, 1e-9)
