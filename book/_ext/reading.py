"""Reading mode: each cell's code folds to one line, each check says its verdict in a sentence.

A post-transform reads the notebook's records and turns every input into ``<details open>``: without JavaScript nothing
is hidden. ``reading.js`` closes the long ones and remembers what a reader chose. Long are checks of more than eight
lines and other cells of more than twelve; the short ones are the book's idea and stay in sight.
"""

import ast
import re
from html import escape

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from verdicts import FORMS, SIGNS, Links, slug, style

from lrnn_helpers.ledger import MIME

LONG_CHECK, LONG_CELL = 8, 12
NAMES = "Code: "  # where a cell says nothing of itself; a test wants more of a folded one
IMPORTS = "Imports"  # folded whatever their length: they teach nothing
REMADE = {"yes": ("✓", "remade"), "in part": ("◐", "remade in part"), "no": ("✗", "not remade"), "open": ("○", "open")}


class fold(nodes.Element):
    """A cell's input under a line that says what it holds."""


def visit_fold(self, node):
    """Open the fold and write its line."""
    kinds = " ".join(node["kinds"])
    opened = "" if node["hidden"] else " open"
    self.body.append(
        f'<details class="fold {kinds}"{opened}><summary><span class="fold-title">{node["title"]}</span>'
        f'<span class="fold-size">{escape(node["size"])}</span></summary>\n'
    )


def depart_fold(self, node):
    """Close the fold."""
    self.body.append("</details>\n")


# ---- titles


def title_of(source, outputs, plot="the plot"):
    """What a cell that is no check holds.

    Its own first comment, else what it draws or tabulates, else the first sentence that one of its functions says of
    itself, else the equations it codes, else the names it makes.
    """
    first = source.lstrip().split("\n")[0]
    if first.startswith("# "):
        return first[2:].strip()
    for kind, what in (("image/png", plot), ("text/markdown", "the table")):
        if any(kind in output.get("data", {}) for output in outputs):
            return f"Code of {what}"
    try:
        body = ast.parse(re.sub(r"^\s*[%!].*$", "pass", source, flags=re.M)).body
    except SyntaxError:
        return "Code"
    if all(isinstance(node, ast.Import | ast.ImportFrom) for node in body):
        return IMPORTS
    defined = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    if not defined and isinstance(body[0], ast.Import | ast.ImportFrom):
        return f"{IMPORTS} and settings"
    for said in filter(None, map(ast.get_docstring, defined)):
        sentence = re.split(r"[.;](?:\s|$)", " ".join(said.split()))[0]
        return sentence[:1].upper() + sentence[1:] if re.match(r"[a-z]{3}", sentence) else sentence
    equations = [re.fullmatch(r"(eq|corrected)(\d+)", node.name) for node in defined]
    if equations and all(equations):
        return ", ".join(f"({found[2]}{'′' * (found[1] != 'eq')})" for found in equations) + " as functions"
    made = [node.name for node in defined]
    for node in body:
        if isinstance(node, ast.Assign):
            made += [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    made = [name for name in dict.fromkeys(made) if not name.startswith("_")]
    return f"{NAMES}{', '.join(made[:4])}{', …' if len(made) > 4 else ''}" if made else "Code"


def title_of_check(records, links):
    """HTML of a check's line: what the checks of statements found, grouped; claims are sentences of their own below."""
    groups = {}
    for record in records:
        if record["call"] not in ("claim", "figure"):
            names = groups.setdefault(_equation(record, links.ledger.status.get(record["ids"][0])), [])
            names += [links.ledger.name(id) for id in record["ids"]]
    claims = sum(record["call"] == "claim" for record in records)
    said = [
        f'<span class="found {colour}">{_sign(sign)} {escape(", ".join(names))} {escape(word)}</span>'
        for (sign, word, colour), names in groups.items()
    ]
    if claims:
        said.append(f"Check of {'a claim' if claims == 1 else f'{claims} claims'}")
    elif not said:
        said = ["What the figure shows"]
    return " ".join(said)


def size_of(source, records):
    """How long a cell is, and how many wrong variants its checks reject."""
    lines = source.count("\n") + 1
    size = f"{lines} {'line' if lines == 1 else 'lines'}"
    counts = [record["mutants"] for record in records if "mutants" in record]
    rejected = sum(c["rejected"] for c in counts)
    tried = rejected + sum(len(c["invariant"]) for c in counts)
    return f"{rejected} of {tried} wrong variants rejected · {size}" if tried else size


def figure_name(id):
    """The figure's name in words."""
    return id.replace("fig-", "Figure ")


# ---- what a record says, in the page


def _sign(sign):
    return f'<span class="sign" aria-hidden="true">{sign}</span>'


def _anchors(ids):
    return "".join(f'<span class="check-anchor" id="check-{slug(id)}"></span>' for id in ids)


def _to_statement(id, links):
    """A row's name, linked to its line in the ledger where there is one."""
    name = figure_name(id) if id.startswith("fig-") else links.ledger.name(id)
    place = links.in_ledger(id)
    return f'<a class="row-ref" href="{escape(place)}">{escape(name)}</a>' if place else escape(name)


def _equation(record, status):
    """Sign, words and colour of what one check of a statement found."""
    condition = f", if {record['assuming']}" if record.get("assuming") else ""
    if record["call"] == "refutes":
        word = "refuted as printed" + (", the corrected form holds" if record["corrected"] else "")
        return (
            "✗",
            word + condition,
            style("slip" if status is None or status.printed == "slip" else "wrong (corrected)"),
        )
    if record["call"] == "defines":
        return *FORMS["definition"], style("definition")
    if record["call"] == "follows":
        return "✓", f"gives {record['gives']}", style("proved")
    if record["call"] == "limit":
        return "✓", "holds in the limit" + condition, style("numeric")
    symbolic = record.get("symbolic")
    own = "proved" if symbolic == "all" else "symbolic" if symbolic else "numeric"
    words = {
        "proved": "holds on general symbols",
        "symbolic": f"holds on symbols, T = {', '.join(map(str, symbolic or ()))}",
        "numeric": f"holds at {record['witnesses']} witnesses",
    }
    return "✓", words[own] + condition, style(own)


def claim(record, links, anchors):
    """HTML of a claim as a sentence with its verdict, its domain, and what happens outside."""
    verdict, cases = record["verdict"], "runs" if record["runs"] else "cases"
    names = ", ".join(_to_statement(id, links) for id in record["ids"])
    part = f"{escape(record['part'])}: " if record["part"] else ""
    sentence = escape(record["sentence"].strip().removesuffix("."))
    inside, _, outside = record["domain"].partition("; outside: ")
    share = "all" if record["held"] == record["cases"] else f"{record['held']} of"
    domain = f"On {share} {record['cases']} {cases}: {inside}."
    if outside:
        domain += f" Outside ({outside}) it fails on {record['outside'] - record['passed']} of {record['outside']}."
    return (
        f'<li class="claim {style(verdict)}">{anchors}{_sign(SIGNS[verdict])} <strong>{verdict.capitalize()}</strong>: '
        f"<q>{part}{sentence[:1].upper() + sentence[1:]}.</q> "
        f'<span class="domain">{escape(domain)} ({names})</span></li>'
    )


def figure(record, links, anchors):
    """HTML of a figure's verdict: whether it is remade, by its panels, and what the text reads from it."""
    id = record["ids"][0]
    found = links.ledger.verdict[id]
    sign, word = REMADE[found.remade]
    read = f"; of what the text reads from it, {found.supported} of {found.read} supported" if found.read else ""
    return f'<li class="{style(found.remade)}">{anchors}{_sign(sign)} {_to_statement(id, links)} {word}{read}</li>'


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
        hidden = cell.get("hide_mode") == "input"
        if hidden:
            del cell["hide_mode"]  # ours is the fold
        title = (
            title_of_check(records, links) if records else escape(title_of(source, data["outputs"], self.plot(cell)))
        )
        long = source.count("\n") >= (LONG_CHECK if records else LONG_CELL)
        kinds = ["check" if records else "code", *(["long"] if long or hidden or title == IMPORTS else [])]
        wrapped = fold(kinds=kinds, title=title, size=size_of(source, records), hidden=hidden)
        cell.replace(code, wrapped)
        wrapped += code
        if records:
            self.say(cell, wrapped, records, links, seen)

    def plot(self, cell):
        """The plot that a cell draws, by its number."""
        numbers = self.env.toc_fignumbers.get(self.env.docname, {}).get("figure", {})
        found = [numbers[id] for figure in cell.findall(nodes.figure) for id in figure["ids"] if id in numbers]
        return f"Plot {'.'.join(map(str, found[0]))}" if found else "the plot"

    @staticmethod
    def say(cell, wrapped, records, links, seen):
        """Put the records' lines into the fold, and what they say of claims and figures below it."""
        outputs = next(c for c in cell.children if c.get("nb_element") == "cell_code_output")
        texts = {record["text"] for record in records}
        for bundle in [c for c in outputs.children if c.astext().strip() in texts]:
            outputs.remove(bundle)
        said = "\n".join(record["text"] for record in records)
        wrapped += nodes.raw("", f'<pre class="record-lines">{escape(said)}</pre>\n', format="html")
        above, below = "", ""
        for record in records:
            first = [id for id in record["ids"] if id not in seen]
            seen.update(first)
            if say := {"claim": claim, "figure": figure}.get(record["call"]):
                below += say(record, links, _anchors(first))
            else:
                above += _anchors(first)
        if above:
            cell.insert(cell.index(wrapped), nodes.raw("", above + "\n", format="html"))
        if below:
            listed = nodes.raw("", f'<ul class="verdicts">{below}</ul>\n', format="html")
            cell.insert(cell.index(wrapped) + 1, listed)
        if not outputs.children:
            cell.remove(outputs)


def setup(app):
    """Register the extension."""
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_post_transform(Fold)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
