"""The ledger's rows: that every statement has one, and that each row is whole. What they mean, the checks decide."""

import re
from collections import Counter

import yaml
from conftest import ROOT

ROWS = yaml.safe_load((ROOT / "book" / "ledger.yml").read_text(encoding="utf-8"))
BY_ID = {row["id"]: row for row in ROWS}
EQUATIONS = ROWS[:204]
EMPTY = ["20", "22", "93", "178", "190"]
KEYS = [
    "id",
    "section",
    "chapter",
    "kind",
    "of",
    "figure",
    "uses",
    "carried",
    "proof",
    "given",
    "gives",
    "latex",
    "claim",
    "parts",
]
KEYS += ["domain", "assumes", "erratum", "plot", "seal"]
MATHEMATICS = {"definition", "identity", "theorem", "approximation", "continuation", "copy", "empty"}
RESULTS = "energy_function solutions stability phase_transitions rich_learning sensory_integration"
APPENDICES = (
    "a_notation b_gradient_flow c_input_output_mode d_recurrent_mode e_ordering f_zero_loss g_regularization h_landau "
    "h_proof i_ntk j_feature_learning k_energy_shape l_early_importance m_t_outputs n_eigenspace "
    "o_rotations p_simulations"
)
CHAPTERS = {
    *("introduction", "setup", "discussion", "own_task"),
    *(f"results/{name}" for name in RESULTS.split()),
    *(f"appendices/{name}" for name in APPENDICES.split()),
}


def but(whole, rows=ROWS):
    """Ids of the rows that are not `whole`."""
    return [row["id"] for row in rows if not whole(row)]


def rests_on(row):
    of = [row["of"]] if "of" in row and row["kind"] != "panel" else []
    return [*row.get("uses", ()), *row.get("proof", ()), *of]


def kind(id):
    return BY_ID[id]["kind"] if id in BY_ID else "missing"


def ids_of(name):
    return [row["id"] for row in ROWS if row["kind"] == name]


def balanced(latex):
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    pairs = ((r"\\left(?![a-z])", r"\\right(?![a-z])"), (r"\\begin\{", r"\\end\{"))
    return depth == 0 and all(len(re.findall(a, latex)) == len(re.findall(b, latex)) for a, b in pairs)


def test_every_number_has_one_row_in_order():
    assert [row["id"] for row in EQUATIONS] == [str(n) for n in range(1, 205)]


def test_ids_are_unique_strings():
    assert but(lambda row: isinstance(row["id"], str)) == []
    assert [id for id, count in Counter(row["id"] for row in ROWS).items() if count > 1] == []


def test_what_the_paper_states_without_a_number_has_a_row():
    assert ids_of("assumption") == [f"assumption-{case}" for case in ("1", "2.1", "2.2", "3.1", "3.2")]
    assert [id for id in BY_ID if id.startswith("lemma-")] == ["lemma-3.1", "lemma-3.2"]
    assert ids_of("proposition") == ["prop-B", "prop-N", "prop-F.1", "prop-F.2", "prop-H.ratio", "prop-M.3"]
    assert ids_of("table") == ["table-A1"]
    assert ids_of("figure") == [f"fig-{n}" for n in range(1, 7)] + [f"fig-A{n}" for n in range(1, 12)]


def test_the_claims_are_all_there():
    main = "abs 4, 2 5, 3.1 2, 3.2 7, 3.3 8, 3.4 9, 3.5 4, 3.6 4"
    appendices = "D 1, F 2, G 1, H 6, J 7, K 1, L 4, M 1, N 2, O 8, P 3"
    counts = (group.split() for group in f"{main}, {appendices}".split(", "))
    expected = [f"{place}.{n}" for place, count in counts for n in range(1, int(count) + 1)]
    assert ids_of("claim") == expected and len(expected) == 79


def test_rows_of_ours_and_steps_of_proofs():
    assert {"ours-conserved", "ours-constant"} <= BY_ID.keys()
    assert [id for id in BY_ID if id.startswith("step-")] == ids_of("step")
    assert {step for row in ROWS for step in row.get("proof", ())} == set(ids_of("step"))


def test_keys_are_known_and_in_order_and_none_is_a_verdict():
    assert but(lambda row: list(row) == [key for key in KEYS if key in row]) == []


def test_kinds_and_chapters_are_known():
    assert but(lambda row: row["kind"] in MATHEMATICS, EQUATIONS) == []
    other = {
        "assumption",
        "theorem",
        "identity",
        "approximation",
        "proposition",
        "table",
        "figure",
        "panel",
        "claim",
        "step",
    }
    assert but(lambda row: row["kind"] in other, ROWS[204:]) == []
    assert but(lambda row: row["chapter"] in CHAPTERS and isinstance(row["section"], str)) == []


def test_rows_say_what_they_state():
    assert ids_of("empty") == EMPTY
    assert but(lambda row: (row["latex"] == "") == (row["kind"] == "empty"), EQUATIONS) == []
    assert but(lambda row: row["claim"].strip() and not row["claim"].endswith("."), ROWS[204:]) == []
    bare = {"id", "section", "chapter", "kind", "latex", "seal"}
    assert but(lambda row: row["kind"] != "empty" or row.keys() == bare) == []


def test_latex_is_whole():
    def whole(row):
        texts = [row.get("latex", ""), row.get("erratum", {}).get("corrected", "")]
        left = re.compile(r"\$|\\quad\s*\(\d+\)|\n|^\s|\s$")  # a printed number, or what stood around it
        return all(balanced(text) and not left.search(text) for text in texts)

    assert but(whole) == []


def test_copies_and_continuations_name_an_earlier_equation():
    assert but(lambda row: "of" in row or row["kind"] not in ("copy", "continuation")) == []
    followers = [row for row in ROWS if "of" in row and row["kind"] != "panel"]
    assert but(lambda row: int(row["of"]) < int(row["id"]), followers) == []
    assert but(lambda row: kind(row["of"]) not in ("empty", "continuation", "missing"), followers) == []


def test_panels_and_claims_name_their_figure():
    panels = [row for row in ROWS if row["kind"] == "panel"]
    assert but(lambda row: kind(row["of"]) == "figure" and row["id"].startswith(row["of"]), panels) == []
    assert but(lambda row: "figure" not in row or (row["kind"] == "claim" and kind(row["figure"]) == "figure")) == []


def test_the_four_key_properties_are_carried_by_claims():
    carried = [row for row in ROWS if "carried" in row]
    assert [row["id"] for row in carried] == ["abs.1", "abs.2", "abs.3", "abs.4"]
    assert but(lambda row: row["kind"] == "claim" and not row.keys() & {"parts", "uses"}, carried) == []


def test_parts_are_sentences_of_a_claim():
    with_parts = [row for row in ROWS if "parts" in row]
    assert but(lambda row: row["kind"] in ("claim", "panel") or row["id"].startswith("ours-"), with_parts) == []
    assert (
        but(lambda row: len(row["parts"]) > 1 and all(text.strip() for text in row["parts"].values()), with_parts) == []
    )


def test_lines_that_begin_with_an_operator_name_the_row_of_their_left_side():
    lines = [row for row in EQUATIONS if re.match(r"[=+-]", row["latex"])]
    assert len(lines) == 47
    assert but(lambda row: "of" in row, lines) == []
    assert but(lambda row: row["latex"][0] == "=" or row["kind"] == "continuation", lines) == []


def test_what_a_row_rests_on_exists():
    assert but(lambda row: all(kind(id) not in ("missing", "empty") for id in rests_on(row))) == []
    assert but(lambda row: all(kind(id) == "step" for id in row.get("proof", ()))) == []
    assert but(lambda row: len(set(rests_on(row))) == len(rests_on(row))) == []


def test_mathematics_rests_on_no_claim_and_nothing_on_a_figure():
    judging = ("claim", "panel", "figure")
    assert but(lambda row: row["kind"] == "panel" or all(kind(id) != "figure" for id in rests_on(row))) == []
    assert but(lambda row: row["kind"] in judging or all(kind(id) != "claim" for id in rests_on(row))) == []


def test_no_row_rests_on_itself():
    done = set()

    def visit(id, above):
        assert id not in above, " -> ".join([*above, id])
        if id not in done:
            for other in rests_on(BY_ID[id]):
                visit(other, [*above, id])
            done.add(id)

    for id in BY_ID:
        visit(id, [])


def test_errata_are_complete():
    found = [row for row in ROWS if "erratum" in row]
    heads = [row for row in found if "kind" in row["erratum"]]
    followers = [row for row in found if row not in heads]
    keys = ["kind", "also", "corrected", "consequence", "conclusion"]
    named = {id for row in heads for id in row["erratum"].get("also", ())}
    assert but(lambda row: list(row["erratum"]) == [key for key in keys if key in row["erratum"]], heads) == []
    assert but(lambda row: {"kind", "corrected", "consequence", "conclusion"} <= row["erratum"].keys(), heads) == []
    assert but(lambda row: list(row["erratum"]) == ["corrected"] and row["id"] in named, followers) == []
    assert but(lambda row: row["erratum"]["kind"] in ("substantive", "condition", "slip"), heads) == []
    assert but(lambda row: row["erratum"]["corrected"] not in ("", row.get("latex")), found) == []
    assert but(lambda row: row["erratum"]["consequence"].rstrip(")").endswith("."), heads) == []
    # a clause that says which conclusion of the paper changes, or the word
    clause = re.compile(r"none|(?!none)[a-z]\S* .*[^.]")
    assert but(lambda row: clause.fullmatch(row["erratum"]["conclusion"]), heads) == []
    assert but(lambda row: row["kind"] not in ("empty", "claim", "panel", "step", "assumption"), found) == []
    assert named <= BY_ID.keys() and named.isdisjoint(row["id"] for row in heads)
    conditions = [row for row in heads if row["erratum"]["kind"] == "condition"]
    assert all(BY_ID[id].get("assumes") for row in conditions for id in [row["id"], *row["erratum"].get("also", ())])
