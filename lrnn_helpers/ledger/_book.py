"""The reader: joins what a person states (the rows) with what the checks recorded (in the notebooks)."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import NamedTuple

from lrnn_helpers.ledger._check import MIME

# weakest to strongest; "defined" stands by fiat, so it weakens nothing that uses it
STATUSES = ("open", "refuted", "corrected", "numeric", "symbolic", "proved", "defined")
OLD_MIME = "application/vnd.lrnn.check+json"  # SHIM: goes when every chapter writes records of the new form
VERDICTS = ("supported", "in part", "not supported", "open")
JUDGED = {"claim", "panel", "figure"}
LABELLED = re.compile(r"^\$\$\n(?P<latex>(?:(?!\$\$).*\n)+?)\$\$ \(eq:(?P<label>(?:paper|corrected)-[^)]+)\)\s*$", re.M)


class Status(NamedTuple):
    """A row's own status and its effective one, the weakest along what it uses."""

    own: str
    effective: str


def read_rows(path):
    """The rows of a ledger.

    Parameters
    ----------
    path : path-like
        The YAML file.

    Returns
    -------
    dict of str to dict
        Id to row, in the file's order.

    Raises
    ------
    ValueError
        Where an id stands twice.
    """
    import yaml

    rows = {}
    for row in yaml.load(Path(path).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if row["id"] in rows:
            raise ValueError(f"ledger rows must have ids of their own, got {row['id']!r} twice")
        rows[row["id"]] = row
    return rows


def read_records(book):
    """What the checks recorded, in the notebooks under `book`.

    Parameters
    ----------
    book : path-like
        A folder.

    Returns
    -------
    list of dict
        The records in the order of chapters and cells, each with its ``chapter`` (the notebook's path, no suffix).
    """
    book, records = Path(book), []
    for path in sorted(book.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        for cell in json.loads(path.read_text())["cells"]:
            for output in cell.get("outputs", []):
                for mime in {MIME, OLD_MIME} & output.get("data", {}).keys():
                    chapter = path.relative_to(book).with_suffix("").as_posix()
                    records.append(dict(output["data"][mime], chapter=chapter))
    return records


def shown_latex(text):
    """The equations under the paper's numbers that a chapter shows: label ("paper-8", "corrected-26") to LaTeX."""
    return {match["label"]: match["latex"].strip() for match in LABELLED.finditer(text)}


def normalise(latex):
    r"""LaTeX without its typography: white space, sizes, fonts of single letters, alignment, superfluous braces."""
    out = re.sub(r"\\begin\{(?:aligned|split)\}|\\end\{(?:aligned|split)\}|(?<!\\)&|\\\\(?:\[[^]]*\])?", " ", latex)
    out = re.sub(r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])|\\[,;:! ]|\\q?quad\b|\\(?:no)?limits\b", " ", out)
    out = re.sub(r"\\(?:mathbf|boldsymbol|bm|mathrm|mathcal)\s*\{([A-Za-z])\}", r"\1", out)
    out = out.replace(r"\overline", r"\bar").replace(r"\dfrac", r"\frac").replace(r"\intercal", r"\top")
    out = re.sub(r"\\(?:star|ast)(?![A-Za-z])", "*", out)
    # a space that ends a control word is kept as a mark, all other white space goes
    out = re.sub(r"(\\[A-Za-z]+)\s*", r"\1 ", out)
    out = re.sub(r"(?<!\\)\s+", lambda m: m.group() if re.search(r"\\[A-Za-z]+$", out[: m.start()]) else "", out)
    single = re.compile(r"(?<!\\bar )(?<!\\text )(?<!\\frac )\{\s*(\\[A-Za-z]+ |[^{}\\\s])\s*\}")
    while single.search(out):
        out = single.sub(r"\1", out)
    return re.sub(r"\s+", " ", out).strip(" .,")


def seal(latex, records):
    """Hash, 12 hex digits, of the LaTeX shown (printed, corrected) and the sources of the functions that check it."""
    texts = [normalise(text) for text in latex]
    for record in records:
        texts += [record[side] for side in ("printed", "corrected") if record.get(side)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def sealable(rows, records, book):
    """Id to seal for every equation that a chapter shows and checks in one place."""
    out = {}
    for chapter in {record["chapter"] for record in records}:
        shown = shown_latex((Path(book) / f"{chapter}.md").read_text())
        for id, row in rows.items():
            mine = [
                r for r in records if r["chapter"] == chapter == row["chapter"] and id in r["ids"] and "printed" in r
            ]
            latex = [shown[label] for label in (f"paper-{id}", f"corrected-{id}") if label in shown]
            if mine and latex:
                out[id] = seal(latex, mine)
    return out


def statuses(rows, records):
    """Own and effective status of every row that is not a claim, a figure or empty.

    The status is derived from the records alone: none is "open"; a refuted form is "corrected" where a corrected one
    held, else "refuted"; a definition that agrees is "defined"; a statement that held is "numeric", "symbolic" for the
    listed T, or "proved" where it held on symbols for all T or every row of its ``proof`` did. A copy or a continuation
    without a check of its own has the status of the row it is ``of``.

    Parameters
    ----------
    rows : dict of str to dict
        From `read_rows`.
    records : list of dict
        From `read_records`.

    Returns
    -------
    dict of str to Status

    Raises
    ------
    ValueError
        Where a record or a row names a row that is not there, or rows use each other in a circle.
    """
    of_row = {id: [] for id in rows}
    for record in records:
        for id in record["ids"]:
            if id not in rows:
                raise ValueError(f"a check in {record['chapter']} names {id!r}, which is no row of the ledger")
            of_row[id].append(record)

    own, effective = {}, {}

    def own_status(id):
        if id not in own:
            row, mine = rows[id], of_row[id]
            if not mine and "of" in row:
                own[id] = own_status(row["of"])
            elif mine and row.get("proof") and all(_shown_for_all(of_row[step]) for step in row["proof"]):
                own[id] = min((_of_record(r) for r in mine), key=STATUSES.index)
                own[id] = "proved" if STATUSES.index(own[id]) >= STATUSES.index("numeric") else own[id]
            else:
                own[id] = _combined([_of_record(r) for r in mine])
        return own[id]

    def effective_status(id, above=()):
        if id in above:
            raise ValueError(f"rows must not use each other in a circle, got {' -> '.join((*above, id))}")
        if id not in effective:
            below = [effective_status(other, (*above, id)) for other in _rests_on(rows[id]) if _ranked(rows, other)]
            effective[id] = min([own_status(id), *below], key=STATUSES.index)
        return effective[id]

    for id, row in rows.items():
        for other in _rests_on(row):
            if other not in rows:
                raise ValueError(f"row {id!r} names {other!r}, which is no row of the ledger")
    return {id: Status(own_status(id), effective_status(id)) for id in rows if _ranked(rows, id)}


class FigureVerdict(NamedTuple):
    """Whether a figure is remade ("yes", "in part", "no" or "open"), and how many of the claims read from it hold."""

    remade: str
    supported: int
    read: int


def verdicts(rows, records):
    """What was found of every claim, panel and figure.

    A claim or panel is "supported", "not supported", "in part" (where its parts differ) or "open" (where it, or one of
    its parts, has no record). A figure is remade as far as the panels are supported that it shows, which are its claims
    about the figure itself; apart from that stands how many of the claims that the text reads from it are supported.

    Returns
    -------
    dict of str to str, or to FigureVerdict for a figure
    """
    out = {}
    for id, row in rows.items():
        if row["kind"] in ("claim", "panel"):
            mine = [r for r in records if id in r["ids"] and r["call"] == "claim"]
            found = {r["verdict"] for r in mine}
            missing = row.get("parts", {}).keys() - {r.get("part") for r in mine}
            if all("predicate" not in r for r in mine):  # SHIM: records of the old form have no parts
                missing = set()
            out[id] = "open" if missing or not mine else found.pop() if len(found) == 1 else "in part"
    for id, row in rows.items():
        if row["kind"] == "figure":
            mine = [r for r in records if id in r["ids"] and r["call"] == "figure" and "shows" in r]
            shows, says = ([out[i] for r in mine for i in r[side]] for side in ("shows", "says"))
            remade = "open" if not shows or "open" in shows else "in part"
            for verdict, word in (("supported", "yes"), ("not supported", "no")):
                remade = word if shows and set(shows) == {verdict} else remade
            out[id] = FigureVerdict(remade, says.count("supported"), len(says))
    return out


def totals(rows, records):
    """The numbers that the landing page and the README show, each counted from rows and records."""
    stands, judged = statuses(rows, records), verdicts(rows, records)
    numbered = [id for id in rows if id.isdigit() and rows[id]["kind"] != "empty"]
    claims = [judged[id] for id in judged if rows[id]["kind"] == "claim"]
    figures = [judged[id].remade for id in judged if rows[id]["kind"] == "figure"]
    return {
        "equations": len(numbered),
        "checked": sum(stands[id].own != "open" for id in numbered),
        "corrected": sum(stands[id].own in ("corrected", "refuted") for id in numbered),
        "claims": len(claims),
        "judged": sum(v != "open" for v in claims),
        "supported": claims.count("supported"),
        "figures": len(figures),
        "remade": sum(v != "open" for v in figures),
        "checks": len(records),
        "mutants": sum(r["mutants"]["rejected"] for r in records if "mutants" in r),
        "chapters": len({r["chapter"] for r in records}),
    }


def summary(t):
    """The totals in one sentence of Markdown, as the README shows them."""
    return (
        f"**{t['checked']} of {t['equations']}** numbered equations checked, **{t['corrected']}** of them corrected · "
        f"**{t['judged']} of {t['claims']}** claims and **{t['remade']} of {t['figures']}** figures judged · "
        f"**{t['mutants']}** wrong variants of the equations rejected by **{t['checks']}** checks "
        f"in **{t['chapters']}** chapters\n"
    )


def _rests_on(row):
    return [*row.get("uses", ()), *row.get("proof", ()), *([row["of"]] if "of" in row else [])]


def _ranked(rows, id):
    return rows[id]["kind"] not in JUDGED | {"empty"}


def _of_record(record):
    if record["call"] == "refutes":
        return "corrected" if record["corrected"] else "refuted"
    if record["call"] == "defines":
        return "defined"
    symbolic = record.get("symbolic")
    return "proved" if symbolic == "all" else "symbolic" if symbolic else "numeric"


def _shown_for_all(records):
    return any(record["call"] == "holds" and record["symbolic"] == "all" for record in records)


def _combined(found):
    """One status from several: a refutation outweighs what else was found, else the strongest counts."""
    if not found:
        return "open"
    wrong = [s for s in found if s in ("refuted", "corrected")]
    return max(wrong or found, key=STATUSES.index)
