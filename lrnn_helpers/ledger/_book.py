"""The reader: joins what a person states (the rows) with what the checks recorded (in the notebooks)."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import NamedTuple

from lrnn_helpers._validation import extra
from lrnn_helpers.ledger._check import MIME
from lrnn_helpers.ledger._statement import certified, gaps

PRINTED = (
    *("open", "right", "right under a stated condition", "slip"),
    *("wrong (corrected)", "wrong (no correction known)", "definition"),
)
# weakest to strongest; a definition stands by fiat, so it weakens nothing that uses it
EVIDENCE = ("open", "numeric", "symbolic", "proved", "definition")
VERDICTS = ("supported", "in part", "not supported", "open")
JUDGED = {"claim", "panel", "figure"}
ERRATA = {"slip": "slip", "condition": "right under a stated condition", "substantive": "wrong (corrected)"}
NUMBER = r"[A-Z]?\d+(?:\.\d+)*[a-z]?"  # of an equation: 12, S12, 3.1, 12a


class Status(NamedTuple):
    """What became of the printed form, and the evidence for the form that holds: its own, and with all it uses."""

    printed: str
    own: str
    effective: str


class FigureVerdict(NamedTuple):
    """Whether a figure is remade ("yes", "in part", "no" or "open"), and how many of the claims read from it hold."""

    remade: str
    supported: int
    read: int


def read_rows(path):
    """The rows of a ledger's YAML file: a dict of id to row, in its order.

    Raises
    ------
    ValueError
        Where a row has no id, section, chapter or kind, an id is no string, or one stands twice.
    """
    with extra("ledger"):
        import yaml

    rows = {}
    for row in yaml.load(Path(path).read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or []:
        id = row.get("id")
        if not isinstance(id, str):
            raise ValueError(f"every row of {path} needs an id that is a string (in quotes), got {id!r}")
        missing = [key for key in ("section", "chapter", "kind") if not isinstance(row.get(key), str)]
        if missing:
            raise ValueError(f"row {id!r} of {path} needs {', '.join(missing)}, as strings")
        if id in rows:
            raise ValueError(f"ledger rows must have ids of their own, got {id!r} twice")
        rows[id] = row
    return rows


def read_notebooks(book):
    """Chapter (the notebook's path, no suffix) to notebook, of those under a folder."""
    book = Path(book)
    paths = (p for p in sorted(book.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts)
    return {p.relative_to(book).with_suffix("").as_posix(): json.loads(p.read_text(encoding="utf-8")) for p in paths}


def read_records(book):
    """What the checks recorded, a list of dicts in the order of chapters and cells, each with its ``chapter``.

    A claim's has its ``cell`` too, the source in which its cases are drawn. `book` is a folder, or what
    `read_notebooks` found there.
    """
    records = []
    for chapter, notebook in (book if isinstance(book, dict) else read_notebooks(book)).items():
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                if MIME in output.get("data", {}):
                    record = dict(output["data"][MIME], chapter=chapter)
                    if record["call"] == "claim":
                        record["cell"] = "".join(cell.get("source", ""))
                    records.append(record)
    return records


def sentence(text):
    """A sentence without white space at its ends or twice, the case of its first letter and the final full stop."""
    words = " ".join(text.split()).removesuffix(".")
    return words[:1].lower() + words[1:]


def is_number(row):
    """Whether a row is one of the paper's numbered equations."""
    return bool(re.fullmatch(NUMBER, row["id"])) and row["kind"] not in JUDGED


def errata(rows):
    """Id of each row with an erratum to the id of the row whose entry it is, which names further rows in ``also``."""
    heads = {}
    for id, row in rows.items():
        if "kind" in row.get("erratum", {}):
            for member in [id, *row["erratum"].get("also", ())]:
                if member in heads or member not in rows:
                    raise ValueError(f"erratum of {id!r} names {member!r}, which is no row or is in another entry")
                heads[member] = id
    lost = [id for id, row in rows.items() if "erratum" in row and id not in heads]
    if lost:
        raise ValueError(f"erratum of {lost[0]!r} must say its kind, or be named by the entry that does")
    return heads


def statuses(rows, records):
    """Printed form and evidence of every row that is not a claim, a panel, a figure or empty, as a `Status` by id.

    Everything is derived from the records of `holds`, `limit`, `defines`, `refutes` and `follows`, and for results of
    our own (``ours-``) from claims over their domain. The printed form is open without a record; refuted, it is a slip,
    wrong, or right under a stated condition, as its erratum says; else it is right, or a definition. The evidence is
    that for the form that holds, the corrected one of a refuted row: numeric; symbolic for listed T; proved where it
    held on symbols for every T, or every row of its ``proof`` did. A row that says what it takes (``given``) is proved
    where its steps are and give it, else numeric; so is a step whose checks took or gave another thing than it states.
    A copy or a continuation without a check of its own has the status of the row it is ``of``. The effective evidence
    is the weakest along what a row uses.

    Raises
    ------
    ValueError
        Where a record or a row names a row that is not there, a claim stands on an equation's row, a row is in two
        errata or in none, or rows use each other in a circle.
    """
    of_row, heads, own, weakest = {id: [] for id in rows}, errata(rows), {}, {}
    for record in records:
        for id in record["ids"]:
            if id not in rows:
                raise ValueError(f"a check in {record['chapter']} names {id!r}, which is no row of the ledger")
            of_row[id].append(record)
            kind = rows[id]["kind"]
            claims = kind in ("claim", "panel") or id.startswith("ours-")
            if (record["call"] == "claim" and not claims) or (record["call"] == "figure" and kind != "figure"):
                raise ValueError(f"{record['call']} in {record['chapter']} stands on {id!r}, a {kind}")

    def origin(id):
        return id if of_row[id] or "of" not in rows[id] else origin(rows[id]["of"])

    def own_evidence(id):
        if id not in own:
            mine = of_row[origin(id)]
            found = [_evidence(record) for record in mine if record["call"] != "follows"]
            found = found or ["proved" for record in mine]
            if rows[id]["kind"] == "step" and not certified(rows[id], mine):
                found = ["numeric"] if mine else []
            real = [e for e in found if e != "definition"]
            own[id] = max(real or found or ["open"], key=EVIDENCE.index)
            steps, given = rows[id].get("proof", ()), rows[id]["kind"] != "step" and rows[id].get("given")
            if (steps or given) and own[id] not in ("open", "definition"):
                together = {own_evidence(step) for step in steps} <= {"proved"} and not gaps(rows, id)
                own[id] = "proved" if together else "numeric" if given else own[id]
        return own[id]

    def effective(id, above=()):
        if id in above:
            raise ValueError(f"rows must not use each other in a circle, got {' -> '.join((*above, id))}")
        if id not in weakest:
            below = [effective(other, (*above, id)) for other in _rests_on(rows[id]) if _ranked(rows, other)]
            weakest[id] = min([*below, own_evidence(id)], key=EVIDENCE.index)
        if own_evidence(id) == "definition" and weakest[id] == "proved":
            return "definition"
        return weakest[id]

    def printed(id):
        id = id if id in heads else origin(id)
        mine = of_row[origin(id)]
        refuted = [record for record in mine if record["call"] == "refutes"]
        if refuted and not all(record["corrected"] for record in refuted):
            return "wrong (no correction known)"
        if refuted or (id in heads and mine):
            return ERRATA[rows[heads[id]]["erratum"]["kind"]] if id in heads else "wrong (corrected)"
        return {"open": "open", "definition": "definition"}.get(own_evidence(id), "right")

    for id, row in rows.items():
        for other in _rests_on(row):
            if other not in rows:
                raise ValueError(f"row {id!r} names {other!r}, which is no row of the ledger")
    ranked = {id: effective(id) for id in rows if _ranked(rows, id)}
    return {id: Status(printed(id), own_evidence(id), weakest) for id, weakest in ranked.items()}


def verdicts(rows, records):
    """What was found of every claim and panel, a word by id, and of every figure, a `FigureVerdict`.

    A claim or panel is "supported", "not supported", "in part" (where its parts differ) or "open" (where it, or one of
    its parts, has no record). A claim that sums up others has no check of its own: its row names, under ``carried``,
    the claims that carry it, or single parts of them ("3.5.3/longer"), and their verdicts are joined as parts are. A
    figure is remade as far as the panels are supported that it shows, which are its claims
    about the figure itself; apart from that stands how many of the claims that the text reads from it are supported.

    Raises
    ------
    ValueError
        Where a row is ``carried`` by nothing, by what is no claim or part of one, or in a circle, or has a check or
        parts besides.
    """
    out, of_row = {}, {id: [] for id in rows}
    for record in records:
        for id in record["ids"] if record["call"] == "claim" else ():
            of_row.setdefault(id, []).append(record)

    def verdict(id, part="", above=()):
        """Of a row, or of one of its parts."""
        row = rows.get(id, {})
        if row.get("kind") not in ("claim", "panel") or (part and part not in row.get("parts", ())):
            raise ValueError(f"row {above[-1]!r} is carried by {_joined(id, part)!r}, which is no claim of the ledger")
        if id in above:
            raise ValueError(f"claims must not carry each other in a circle, got {' -> '.join((*above, id))}")
        if "carried" not in row:
            mine = [r for r in of_row[id] if not part or r.get("part") == part]
            missing = () if part else row.get("parts", {}).keys() - {r.get("part") for r in mine}
            return "open" if missing else _of_all(r["verdict"] for r in mine)
        if of_row[id] or "parts" in row or not row["carried"]:
            raise ValueError(f"row {id!r} is carried by other claims: it names at least one, and has no check or part")
        return _of_all(verdict(other, which, (*above, id)) for other, which in map(carrier, row["carried"]))

    for id, row in rows.items():
        if row["kind"] in ("claim", "panel"):
            out[id] = verdict(id)
    for id, row in rows.items():
        if row["kind"] == "figure":
            mine = [r for r in records if id in r["ids"] and r["call"] == "figure" and "shows" in r]
            shows, says = ([out.get(i, "open") for r in mine for i in r[side]] for side in ("shows", "says"))
            remade = "open" if not shows or "open" in shows else "in part"
            for verdict, word in (("supported", "yes"), ("not supported", "no")):
                remade = word if shows and set(shows) == {verdict} else remade
            out[id] = FigureVerdict(remade, says.count("supported"), len(says))
    return out


def totals(rows, records):
    """The numbers that the landing page and the README show, each counted from rows and records.

    Of mutants those of numbered equations count, once for each function, however often it is checked.
    """
    stands, judged = statuses(rows, records), verdicts(rows, records)
    numbers = [id for id, row in rows.items() if is_number(row)]
    equations = [stands[id] for id in numbers if id in stands]
    claims = [judged[id] for id, row in rows.items() if row["kind"] == "claim"]
    figures = [judged[id].remade for id, row in rows.items() if row["kind"] == "figure"]
    ours = [stands[id] for id in stands if id.startswith("ours-")]
    of_equations = {}
    for r in records:
        if "mutants" in r and any(is_number(rows[id]) for id in r["ids"]):
            function = ast.dump(ast.parse(r.get("corrected") or r["printed"]))
            counts = (r["mutants"]["rejected"], r["mutants"]["crashed"])
            of_equations[function] = max(of_equations.get(function, (0, 0)), counts)
    return {
        "numbers": len(numbers),
        "empty": len(numbers) - len(equations),
        "equations": len(equations),
        "settled": sum(s.printed != "open" for s in equations),
        "proved": sum(s.own == "proved" for s in equations),
        "proved_with_all": sum(s.effective == "proved" for s in equations),
        "slips": sum(s.printed == "slip" for s in equations),
        "wrong": sum(s.printed.startswith("wrong") for s in equations),
        "claims": len(claims),
        "claims_judged": sum(v != "open" for v in claims),
        "claims_supported": claims.count("supported"),
        "figures": len(figures),
        "figures_remade": figures.count("yes"),
        "own_results": len(ours),
        "own_proved": sum(s.own == "proved" for s in ours),
        "checks": sum(r["call"] in CHECKS for r in records),
        "mutants_rejected": sum(rejected for rejected, _ in of_equations.values()),
        "mutants_crashed": sum(crashed for _, crashed in of_equations.values()),
    }


def carrier(text):
    """The id and the part, "" for the whole claim, that an entry of ``carried`` names."""
    id, _, part = text.partition("/")
    return id, part


def _joined(id, part):
    return f"{id}/{part}" if part else id


def _of_all(found):
    """The verdict on a whole from those on what it consists of."""
    found = set(found)
    return "open" if "open" in found or not found else found.pop() if len(found) == 1 else "in part"


CHECKS = ("holds", "defines", "refutes", "limit", "claim", "follows")


def summary(t):
    """The totals in a paragraph of Markdown, as the README shows them."""
    return (
        f"**{t['settled']} of {t['equations']}** numbered equations settled by running code: **{t['slips']}** have a "
        f"slip, **{t['wrong']}** are wrong as printed; the form that holds is proved in general for **{t['proved']}**, "
        f"and for **{t['proved_with_all']}** with all that they rest on · **{t['claims_supported']}** of the "
        f"**{t['claims_judged']}** claims judged are supported as they stand (the paper makes {t['claims']}) · "
        f"**{t['figures_remade']} of {t['figures']}** figures remade · **{t['own_proved']} of {t['own_results']}** "
        f"results of our own proved · **{t['mutants_rejected']}** wrong variants of the numbered equations rejected · "
        f"**{t['checks']}** checks in all\n"
    )


def _rests_on(row):
    return [*row.get("uses", ()), *row.get("proof", ()), *([row["of"]] if "of" in row else [])]


def _ranked(rows, id):
    return rows[id]["kind"] not in JUDGED | {"empty"}


def _evidence(record):
    """What one record shows of the form that holds."""
    if record["call"] == "defines":
        return "definition"
    if record["call"] == "claim":
        return "numeric" if record["verdict"] == "supported" else "open"
    if record["call"] == "refutes" and not record["corrected"]:
        return "open"
    symbolic = record.get("symbolic")
    return "proved" if symbolic == "all" else "symbolic" if symbolic else "numeric"
