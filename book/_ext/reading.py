"""Reading mode: each cell's code folds to one line, each check says its verdict in a sentence.

A post-transform reads the notebook's records and turns every input into ``<details open>``: without JavaScript nothing
is hidden. ``reading.js`` closes the long ones and remembers what a reader chose. Long are checks of more than eight lines
and other cells of more than twelve; the short ones are the book's idea and stay in sight.
"""

import ast
import re
from html import escape

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from verdicts import FORMS, SIGNS, Links, slug, style

from lrnn_helpers.ledger import MIME
from lrnn_helpers.ledger._book import is_number

LONG_CHECK, LONG_CELL = 8, 12
REMADE = {"yes": ("✓", "remade"), "in part": ("◐", "remade in part"), "no": ("✗", "not remade"), "open": ("○", "open")}


class fold(nodes.Element):
    """A cell's input under a line that says what it holds."""


def visit_fold(self, node):
    """Open the fold and write its line."""
    kinds = " ".join(node["kinds"])
    opened = "" if node["hidden"] else " open"
    self.body.append(
        f'<details class="fold {kinds}"{opened}><summary><span class="fold-title">{escape(node["title"])}</span>'
        f'<span class="fold-size">{escape(node["size"])}</span></summary>\n'
    )


def depart_fold(self, node):
    """Close the fold."""
    self.body.append("</details>\n")


# ---- titles


def title_of(source, outputs):
    """What a cell that is no check holds: its own first comment, else what it makes."""
    first = source.lstrip().split("\n")[0]
    if first.startswith("# "):
        return first[2:].strip()
    if any("image/png" in output.get("data", {}) for output in outputs):
        return "Code of the plot"
    try:
        body = ast.parse(re.sub(r"^\s*[%!].*$", "pass", source, flags=re.M)).body
    except SyntaxError:
        return "Code"
    if all(isinstance(node, ast.Import | ast.ImportFrom) for node in body):
        return "Imports"
    made = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for node in body:
        if isinstance(node, ast.Assign):
            made += [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    made = [name for name in dict.fromkeys(made) if not name.startswith("_")]
    if not made:
        return "Code"
    return f"Code: {', '.join(made[:4])}{', …' if len(made) > 4 else ''}"


def title_of_check(records, rows):
    """What a check's cell checks."""
    claims = sum(record["call"] == "claim" for record in records)
    ids = list(dict.fromkeys(id for r in records if r["call"] not in ("claim", "figure") for id in r["ids"]))
    figures = [id for r in records if r["call"] == "figure" for id in r["ids"]]
    numbers = [f"({id})" for id in ids if is_number(rows[id])]
    others = [id for id in ids if not is_number(rows[id])]
    parts = numbers[:6] + ["…"] * (len(numbers) > 6) + others[:3] + ["…"] * (len(others) > 3)
    said = [f"Check of {', '.join(parts)}"] if parts else []
    if claims:
        said.append(f"{'check' if said else 'Check'} of {'a claim' if claims == 1 else f'{claims} claims'}")
    said += [f"{figure_name(id)}" for id in figures]
    return "; ".join(said)


def figure_name(id):
    """The figure's name in words."""
    return id.replace("fig-", "Figure ")


# ---- what a record says, in the page


def judged(record, links, first):
    """HTML of one record: sign, what it is about, verdict; for a claim the sentence and its domain."""
    anchors = "".join(f'<span class="check-anchor" id="check-{slug(id)}"></span>' for id in first)
    if record["call"] == "claim":
        return _claim(record, links, anchors)
    if record["call"] == "figure":
        return _figure(record, links, anchors)
    ids = ", ".join(_to_statement(id, links) for id in record["ids"])
    sign, word, colour = _equation(record, links.ledger.status.get(record["ids"][0]))
    counts = record["mutants"]
    total = counts["rejected"] + len(counts["invariant"])
    wrong = f' <span class="fine">· {counts["rejected"]} of {total} wrong variants rejected</span>' if total else ""
    condition = f', if {escape(record["assuming"])}' if record.get("assuming") else ""
    return f'<li class="{colour}">{anchors}{_sign(sign)} {ids} {escape(word)}{condition}{wrong}</li>'


def _sign(sign):
    return f'<span class="sign" aria-hidden="true">{sign}</span>'


def _to_statement(id, links):
    """A row's name, linked to where it is stated, which the check's own place is not."""
    shown = links.ledger.shown.get(f"paper-{id}")
    if shown:
        return links.anchor(id)
    name = links.ledger.name(id)
    if not links.has_row(id):
        return escape(name)
    return f'<a class="row-ref" href="{escape(links.to("ledger", f"row-{slug(id)}"))}" data-row="{escape(id)}">{escape(name)}</a>'


def _equation(record, status):
    """Sign, words and colour of what one check of a statement found."""
    if record["call"] == "refutes":
        word = "refuted as printed" + (", the corrected form holds" if record["corrected"] else "")
        return "✗", word, style("slip" if status is None or status.printed == "slip" else "wrong (corrected)")
    if record["call"] == "defines":
        return *FORMS["definition"], style("definition")
    if record["call"] == "limit":
        return "✓", "holds in the limit", style("numeric")
    symbolic = record.get("symbolic")
    own = "proved" if symbolic == "all" else "symbolic" if symbolic else "numeric"
    words = {
        "proved": "holds on general symbols",
        "symbolic": f"holds on symbols, T = {', '.join(map(str, symbolic or ()))}",
        "numeric": f"holds at {record['witnesses']} witnesses",
    }
    return "✓", words[own], style(own)


def _claim(record, links, anchors):
    """A claim as a sentence with its verdict, its domain, and what happens outside."""
    verdict, cases = record["verdict"], "runs" if record["runs"] else "cases"
    names = ", ".join(_to_statement(id, links) for id in record["ids"])
    part = f"{escape(record['part'])}: " if record["part"] else ""
    sentence = record["sentence"].strip().removesuffix(".")
    inside, _, outside = record["domain"].partition("; outside: ")
    share = "all" if record["held"] == record["cases"] else f"{record['held']} of"
    domain = f"On {share} {record['cases']} {cases}: {inside}."
    if outside:
        domain += f" Outside ({outside}) it fails on {record['outside'] - record['passed']} of {record['outside']}."
    return (
        f'<li class="claim {style(verdict)}">{anchors}{_sign(SIGNS[verdict])} <strong>{escape(verdict.capitalize())}</strong>: '
        f'<q>{part}{escape(sentence[:1].upper() + sentence[1:])}.</q> '
        f'<span class="domain">{escape(domain)} ({names})</span></li>'
    )


def _figure(record, links, anchors):
    """A figure: whether it is remade, by its panels."""
    id = record["ids"][0]
    found = links.ledger.verdict[id]
    sign, word = REMADE[found.remade]
    read = f"; of what the text reads from it, {found.supported} of {found.read} supported" if found.read else ""
    name = _to_statement(id, links).replace(f">{id}<", f">{figure_name(id)}<")
    name = figure_name(id) if name == id else name
    return f'<li class="{style(found.remade)}">{anchors}{_sign(sign)} {name} {word}{read}</li>'


# ---- the transform


class Fold(SphinxPostTransform):
    """Wrap every cell's input, and put the verdicts of its records below."""

    default_priority = 190  # before MyST-NB hides what a tag hides
    formats = ("html",)

    def run(self, **kwargs):
        """Fold the cells of one page."""
        name = self.env.docname.removeprefix(f"{self.config.ledger_book}/")
        links = Links(self.app, self.env.docname)
        notebook, seen = links.ledger.notebooks.get(name), set()
        if notebook is None:
            return
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") == "cell_code":
                self.fold(cell, notebook["cells"][cell["cell_index"]], links, seen)

    def fold(self, cell, data, links, seen):
        """Fold one cell."""
        source = "".join(data["source"]).rstrip()
        records = [o["data"][MIME] for o in data["outputs"] if MIME in o.get("data", {})]
        code = next((c for c in cell.children if c.get("nb_element") == "cell_code_source"), None)
        if code is None:
            return
        lines = source.count("\n") + 1
        hidden = cell.get("hide_mode") == "input"
        if hidden:
            del cell["hide_mode"]  # ours is the fold
        long = hidden or lines > (LONG_CHECK if records else LONG_CELL)
        kinds = ["check" if records else "code", *(["long"] if long else [])]
        title = title_of_check(records, links.ledger.rows) if records else title_of(source, data["outputs"])
        wrapped = fold(kinds=kinds, title=title, size=f"{lines} {'line' if lines == 1 else 'lines'}", hidden=hidden)
        cell.replace(code, wrapped)
        wrapped += code
        if records:
            self.say(cell, wrapped, records, links, seen)

    @staticmethod
    def say(cell, wrapped, records, links, seen):
        """Put the records' lines into the fold, and their verdicts below it."""
        outputs = next(c for c in cell.children if c.get("nb_element") == "cell_code_output")
        texts = {record["text"] for record in records}
        for bundle in [c for c in outputs.children if c.astext().strip() in texts]:
            outputs.remove(bundle)
        said = "\n".join(record["text"] for record in records)
        wrapped += nodes.raw("", f'<pre class="record-lines">{escape(said)}</pre>\n', format="html")
        items = []
        for record in records:
            first = [id for id in record["ids"] if id not in seen]
            seen.update(first)
            items.append(judged(record, links, first))
        listed = nodes.raw("", f'<ul class="verdicts">{"".join(items)}</ul>\n', format="html")
        cell.insert(cell.index(wrapped) + 1, listed)
        if not outputs.children:
            cell.remove(outputs)


def setup(app):
    """Register the extension."""
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_post_transform(Fold)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
