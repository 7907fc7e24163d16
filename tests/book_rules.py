"""What must be true of the whole book: each rule takes a book and returns what breaks it, one line each.

The tests of the ledger apply every rule to the book as it is; the tests of planted faults apply them to spoilt copies.
"""

import ast
import base64
import io
import re
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from lrnn_helpers.ledger import read_records, read_rows, statuses, verdicts
from lrnn_helpers.ledger._book import errata, is_number, read_notebooks, sentence, summary, totals
from lrnn_helpers.ledger._seal import FENCE, digest, displays, normalise, read_texts, sealable, shown_latex
from lrnn_helpers.ledger._statement import certified, gaps

# The 199 printed forms, read against the paper. Change it only with the paper in hand.
FROZEN = "664cf5f52c8d"
TOLERANCE = {"approximation": 0.1}  # the largest rtol that needs no reason, by kind
STRICT = 1e-8
SIZED = re.compile(r"(?<![A-Za-z\\])T(?![A-Za-z])|\\sum|\\prod")  # LaTeX that speaks of every length
MEASURED = re.compile(r"(?<![\w.,])\d+\.\d+(?:e-?\d+)?|(?<![\w.])\d+(?= ?%)|(?<![\w.])\d+(?= of \d)")
MARKS = re.compile(r"<!-- totals:begin -->\n(.*?)<!-- totals:end -->", re.S)


class Book(NamedTuple):
    """All that the rules read: rows and seals, pages, notebooks, what they recorded, the README."""

    rows: dict
    free: dict
    texts: dict
    notebooks: dict
    records: list
    readme: str
    colab: str

    @property
    def chapters(self):
        """The notebooks that have a page."""
        return [chapter for chapter in self.notebooks if chapter in self.texts]


def read(root, colab=""):
    """The book of a project's root."""
    import json

    book = Path(root) / "book"
    notebooks = read_notebooks(book)
    seals = book / "seals.json"
    return Book(
        read_rows(book / "ledger.yml"),
        json.loads(seals.read_text(encoding="utf-8")) if seals.exists() else {},
        read_texts(book),
        notebooks,
        read_records(notebooks),
        (Path(root) / "README.md").read_text(encoding="utf-8"),
        colab,
    )


def _shown(book):
    """(chapter, label, LaTeX) of the paper's numbers on pages with a notebook."""
    return [(c, *item) for c in book.chapters for item in shown_latex(book.texts[c]).items()]


def _id(label):
    return label.split("-", 1)[1]


def _code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _source(cell):
    return "".join(cell.get("source", ""))


# ---- equations and their checks


def records_name_rows_and_statuses_follow(book):
    """A claim stands on no equation, a record on a row that exists, and no row rests on itself."""
    try:
        statuses(book.rows, book.records)
    except ValueError as error:
        return [str(error)]
    return []


def shown_is_stated(book):
    """The LaTeX on a page is that of the row, up to typography."""
    out = []
    for chapter, label, latex in _shown(book):
        row = book.rows.get(_id(label), {})
        stated = row.get("latex") if label.startswith("paper-") else row.get("erratum", {}).get("corrected")
        if stated is None or normalise(latex) != normalise(stated):
            out.append(f"{label} in {chapter} is not what its row states")
    return out


def shown_is_checked(book):
    """A number, or a corrected form, that a chapter shows has its check there."""
    out = []
    for chapter, label, _ in _shown(book):
        row = book.rows.get(_id(label), {"id": _id(label)})
        names = {row["id"], row.get("of", row["id"])}
        here = [r["call"] for r in book.records if r["chapter"] == chapter and names & set(r["ids"])]
        if not here or (label.startswith("corrected-") and "refutes" not in here):
            out.append(f"{label} stands in {chapter} without its check")
    return out


def every_number_is_shown_once(book):
    """Each numbered equation stands on one page under its number."""
    labels = [label for text in book.texts.values() for label in shown_latex(text)]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    numbers = [f"paper-{id}" for id, row in book.rows.items() if is_number(row) and row["kind"] != "empty"]
    lost = [label for label in numbers if label not in labels]
    return [f"{label} stands twice" for label in twice] + [f"{label} stands on no page" for label in lost]


def printed_forms_are_frozen(book):
    """The printed forms are those that were read against the paper."""
    forms = [[id, row["latex"]] for id, row in book.rows.items() if is_number(row)]
    found = digest(forms)
    return [] if found == FROZEN else [f"the printed forms are not the frozen ones: {found}, not {FROZEN}"]


def own_results_are_shown(book):
    """The LaTeX of a row of ours stands on its chapter's page, displayed or within a line."""
    out = []
    for id, row in book.rows.items():
        if id.startswith("ours-") and row.get("latex") and row["chapter"] in book.chapters:
            text = FENCE.sub("", book.texts[row["chapter"]])
            shown = [latex for _, latex in displays(text)] + re.findall(r"(?<![$\\])\$([^$]+)\$(?!\$)", text)
            if not any(normalise(row["latex"]) in normalise(latex) for latex in shown):
                out.append(f"the LaTeX of {id} is not shown in {row['chapter']}")
    return out


def rows_of_written_chapters_are_judged(book):
    """No row that is filed under a written chapter is open; no figure there is without its panels."""
    found, judged = statuses(book.rows, book.records), verdicts(book.rows, book.records)
    out = []
    for id, row in book.rows.items():
        if row["chapter"] not in book.chapters:
            continue
        if (id in found and found[id].printed == "open") or judged.get(id) == "open":
            out.append(f"{id} is open, and its chapter {row['chapter']} is written")
        if row["kind"] == "figure" and judged[id].remade == "open":
            out.append(f"figure {id} is open, and its chapter {row['chapter']} is written")
    return out


def checks_stand_in_the_chapter_of_their_row(book):
    """A check of an equation or a result stands in the chapter that its row names; a claim may stand anywhere."""
    out = []
    for record in book.records:
        for row in (book.rows[id] for id in record["ids"] if id in book.rows):
            if record["call"] not in ("claim", "figure") and row["chapter"] != record["chapter"]:
                out.append(f"{row['id']} is checked in {record['chapter']}, its row says {row['chapter']}")
    return out


def errata_are_what_the_checks_refute(book):
    """A refuted row has an erratum; a slip or a wrong form is refuted, one under a condition is checked."""
    heads = errata(book.rows)
    refuted = {id for r in book.records if r["call"] == "refutes" for id in r["ids"]}
    held = {id for r in book.records if r["call"] in ("holds", "limit", "refutes") for id in r["ids"]}
    out = [f"{id} is refuted and has no erratum" for id in sorted(refuted - heads.keys())]
    for id, head in heads.items():
        conditional = book.rows[head]["erratum"]["kind"] == "condition"
        if book.rows[id]["chapter"] in book.chapters and id not in (held if conditional else refuted):
            out.append(f"{id} has an erratum that no check bears out")
    return out


def seals_are_current(book):
    """Nothing changed since LaTeX, functions and rows were read side by side."""
    seals, free = sealable(book.rows, book.records, book.texts)
    out = [f"{id} changed since it was sealed" for id, row in book.rows.items() if row.get("seal") != seals[id]]
    for chapter in sorted(free.keys() | book.free.keys()):
        now, then = free.get(chapter, {}), book.free.get(chapter, {})
        names = sorted(label for label in now.keys() | then.keys() if now.get(label) != then.get(label))
        out += [f"{label or 'an unlabelled display'} of {chapter} changed since it was sealed" for label in names]
    return out


def witnesses_reach_the_floors(book):
    """T >= 3 among witnesses and symbols, two witnesses, a small rtol, few mutants that agree; else a reason."""
    out = []
    for record in book.records:
        where = f"{record['call']} of {', '.join(record['ids'])} in {record['chapter']}"
        excused = bool(record.get("excuse"))
        if record["call"] == "limit" and record["tolerance"] > 0.2 and not excused:
            out.append(f"{where}: tolerance of the order {record['tolerance']:g} > 0.2")
        if "rtol" not in record:
            continue
        kinds = [book.rows[id]["kind"] for id in record["ids"] if id in book.rows]
        most = min((TOLERANCE.get(kind, STRICT) for kind in kinds), default=STRICT)
        short = [name for name, least in (("T", 3), ("k", 2)) if max(record["sizes"].get(name, [least])) < least]
        lengths = record.get("symbolic") or []
        if lengths != "all" and lengths and max(lengths) < 3:
            short.append("T of the symbols")
        few = record["witnesses"] < 2
        many = len(record["mutants"]["invariant"]) > record["mutants"]["rejected"] / 4
        if record["call"] == "refutes" and not record["corrected"]:
            many = True  # without a corrected form nothing shows that the check can pass
        timeless = lengths == "all" and not record["every_size"]
        timeless &= any(SIZED.search(book.rows[id].get("latex", "")) for id in record["ids"] if id in book.rows)
        reasons = {
            f"witnesses too short in {', '.join(short)}": short,
            "only one witness": few,
            f"rtol {record['rtol']:g} > {most:g}": record["rtol"] > most,
            "too many mutants agree, or none was tried": many,
            '"all" without a symbol for T, a lag or a matrix': timeless,
        }
        out += [f"{where}: {reason}" for reason, broken in reasons.items() if broken and not excused]
        if record["error"] is not None and record["rtol"] > max(STRICT, 1e3 * record["error"]):
            out.append(f"{where}: rtol {record['rtol']:g} is far above the largest error, {record['error']:g}")
    return out


def proofs_compose(book):
    """A step states what its checks took and gave, by proved functions, and a theorem takes what its steps give."""
    out = [line for id in book.rows for line in gaps(book.rows, id)]
    held = {(r["chapter"], r["printed"]) for r in book.records if r["call"] == "holds" and r["symbolic"] == "all"}
    follows = [record for record in book.records if record["call"] == "follows"]
    loose = [r for r in follows if (r["chapter"], r["printed"]) not in held and not r.get("excuse")]
    out += [f"{record['ids'][0]} reads a sign off a function that nothing proves" for record in loose]
    for id, row in book.rows.items():
        if row["kind"] == "step" and not certified(row, [r for r in book.records if id in r["ids"]]):
            out.append(f"{id} states another thing than its checks took and gave")
    return out


def printed_functions_write_out_the_line(book):
    """No printed function only calls that of another row."""
    trees = {}
    for record in book.records:
        if "printed" in record:
            for side in ("printed", "corrected"):
                if record.get(side):
                    trees.setdefault((record["chapter"], ", ".join(record["ids"])), []).append(
                        ast.parse(record[side]).body[0]
                    )
    names = {(chapter, tree.name) for (chapter, _), some in trees.items() for tree in some}
    out = []
    for (chapter, ids), some in trees.items():
        for tree in some:
            *before, last = [
                n for n in tree.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
            ]
            value = getattr(last, "value", None)
            while isinstance(value, ast.UnaryOp):
                value = value.operand
            bare = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and not before
            if bare and (chapter, value.func.id) in names:
                out.append(f"the function of {ids} in {chapter} only calls {value.func.id}")
    return out


# ---- claims, own results and figures


def claims_say_what_their_rows_say(book):
    """The sentence judged is the row's; each part has one record and each record its part; enough cases."""
    out = []
    for record in book.records:
        if record["call"] != "claim":
            continue
        (id,) = record["ids"]
        row, part = book.rows.get(id, {}), record.get("part", "")
        parts = row.get("parts", {"": row.get("claim", "")})
        where = f"{id}{f' ({part})' if part else ''} in {record['chapter']}"
        if part not in parts:
            out.append(f"{where}: the row has no such part")
        elif sentence(record["sentence"]) != sentence(parts[part]) and not (id.startswith("ours-") and not part):
            out.append(f"{where}: the sentence judged is not the row's")
        if record["cases"] < (10 if record["runs"] else 30) or not record["outside"]:
            out.append(f"{where}: too few cases")
        if id.startswith("ours-") and record["verdict"] != "supported":
            out.append(f"{where}: a result of ours that is not supported")
    for id, row in book.rows.items():
        found = [r.get("part", "") for r in book.records if r["call"] == "claim" and id in r["ids"]]
        if len(found) != len(set(found)) and not id.startswith("ours-"):
            out.append(f"{id}: a part is judged twice")
        if found and row.get("parts", {}).keys() - set(found):
            out.append(f"{id}: parts without a record")
    return out


def own_results_are_tried_on_their_domain(book):
    """Every result of ours says its domain, and a record draws at least 30 instances, or 10 runs, over it."""
    out = []
    for id, row in book.rows.items():
        if not id.startswith("ours-") or row["chapter"] not in book.chapters:
            continue
        mine = [r for r in book.records if id in r["ids"]]
        drawn = [r for r in mine if r["call"] == "claim" or r.get("witnesses", 0) >= 30]
        if not row.get("domain"):
            out.append(f"{id} states no domain")
        if not drawn:
            out.append(f"{id}: no check draws instances over its domain")
    return out


def figures_name_all_their_claims(book):
    """A figure shows the panels that are of it and says the claims whose row names it, no more and no fewer."""
    out = []
    for record in book.records:
        if record["call"] != "figure":
            continue
        (id,) = record["ids"]
        panels = {other for other, row in book.rows.items() if row["kind"] == "panel" and row.get("of") == id}
        claims = {other for other, row in book.rows.items() if row.get("figure") == id}
        if set(record["shows"]) != panels:
            out.append(f"{id} must show {sorted(panels)}, it shows {record['shows']}")
        if set(record["says"]) != claims:
            out.append(f"{id} must say {sorted(claims)}, it says {record['says']}")
    return out


def pictures_carry_their_digest(book):
    """Every picture was shown by `plotting.show` and is the one that its text stands for."""
    out = []
    for chapter, notebook in book.notebooks.items():
        for number, cell in enumerate(_code(notebook)):
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                line = "".join(data.get("text/plain", ""))
                drawn = line.startswith("Figure: ")
                if not drawn and "image/png" not in data:
                    continue
                where = f"picture in code cell {number} of {chapter}"
                if "image/png" not in data:
                    out.append(f"{where} is not there")
                elif not drawn:
                    out.append(f"{where} has no digest; end the cell in plotting.show()")
                else:
                    twins = output.get("metadata", {}).get("renderings", {})
                    for name, text in {"light": "".join(data["image/png"]), **twins}.items():
                        png = Image.open(io.BytesIO(base64.b64decode(text)))
                        if png.text.get("Drawn") != line:
                            out.append(f"{where}, {name}, is another one than its text says")
    return out


# ---- sentences and cells


def cells_hide_nothing(book):
    """`remove-cell` only on the Colab cell; nothing private of the package is imported or called."""
    out = []
    private = re.compile(r"lrnn_helpers(?:\.\w+)*\._\w|from lrnn_helpers[\w.]* import [^\n]*\b_\w|\bcheck\._\w")
    for chapter, notebook in book.notebooks.items():
        for number, cell in enumerate(_code(notebook)):
            where = f"code cell {number} of {chapter}"
            if "remove-cell" in cell["metadata"].get("tags", ()) and _source(cell) != book.colab:
                out.append(f"{where} is removed from the page")
            if private.search(_source(cell)):
                out.append(f"{where} reaches into the package")
    return out


def measured_numbers_are_computed(book):
    """A measured number in a card, caption or alternative text is glued, or stands in an assertion or setting."""
    out = []
    for chapter in book.chapters:
        cells = _code(book.notebooks[chapter])
        checked = [_source(cell) for cell in cells if re.search(r"\bassert\b|\bcheck\.", _source(cell))]
        for card in re.findall(r"^`{3,}\{chapter-card\}\n(.*?)^`{3,}", book.texts[chapter], re.M | re.S):
            content = re.sub(r"(?m)^:\w+:.*$", "", card)
            out += [f"{n} in the card of {chapter}" for n in _by_hand(content, checked)]
        for number, cell in enumerate(cells):
            nb = cell["metadata"].get("mystnb", {})
            words = [nb.get("figure", {}).get("caption", ""), nb.get("image", {}).get("alt", "")]
            typed = _by_hand(" ".join(words), [*checked, _source(cell)])
            out += [f"{n} in the caption or alternative text of code cell {number} of {chapter}" for n in typed]
    return out


def _by_hand(text, sources):
    known = {float(n) for source in sources for n in re.findall(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?", source)}
    text = re.sub(r"\{glue:text\}`[^`]*`|\{\w+\}`[^`]*`|§[\d.]+", "", text)
    found = MEASURED.findall(text)
    return [n for n in found if float(n) not in known and float(n) / 100 not in known]


def glued_names_are_unique_and_used(book):
    """A glued number has a name of its own, and some page shows it."""
    names = [
        output["metadata"]["scrapbook"]["name"]
        for notebook in book.notebooks.values()
        for cell in _code(notebook)
        for output in cell.get("outputs", [])
        if "scrapbook" in output.get("metadata", {})
    ]
    used = set(
        re.findall(r"\{glue:\w*\}`(?:[^`]*::)?([^`:]+)", "\n".join(FENCE.sub(_front, t) for t in book.texts.values()))
    ) | set(re.findall(r"(?m)^[`:]{3,}\{answer\} *(\S+)", "\n".join(book.texts.values())))
    twice = sorted({name for name in names if names.count(name) > 1})
    out = [f"{name} is glued twice" for name in twice]
    out += [f"{name} is glued and shown nowhere" for name in sorted(set(names) - used)]
    return out + [f"{name} is shown and glued nowhere" for name in sorted(used - set(names))]


def _front(match):
    """A cell without its code: captions stand in its options."""
    return "".join(match[0].split("\n---\n", 2)[1:2])


def the_readme_counts_what_the_ledger_counts(book):
    """The README's numbers are the ledger's."""
    shown = MARKS.search(book.readme)
    current = shown and shown[1] == summary(totals(book.rows, book.records))
    return [] if current else ["the README's numbers are not the ledger's: run `make ledger`"]


RULES = [
    records_name_rows_and_statuses_follow,
    shown_is_stated,
    shown_is_checked,
    every_number_is_shown_once,
    printed_forms_are_frozen,
    own_results_are_shown,
    rows_of_written_chapters_are_judged,
    checks_stand_in_the_chapter_of_their_row,
    errata_are_what_the_checks_refute,
    seals_are_current,
    witnesses_reach_the_floors,
    proofs_compose,
    printed_functions_write_out_the_line,
    claims_say_what_their_rows_say,
    own_results_are_tried_on_their_domain,
    figures_name_all_their_claims,
    pictures_carry_their_digest,
    cells_hide_nothing,
    measured_numbers_are_computed,
    glued_names_are_unique_and_used,
    the_readme_counts_what_the_ledger_counts,
]
