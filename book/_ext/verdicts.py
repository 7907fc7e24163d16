"""The verdict where the statement stands: a sign at each numbered equation, what it was held against, what it uses.

All of it is read from ``ledger.yml`` and from what the notebooks recorded; nothing is typed in a chapter. The sign at a
printed number says what became of the printed form, its colour how strong the evidence is along everything that it
rests on; it links to the check. A form that a check refutes is barred and labelled, so that nobody copies it.
"""

import ast
import re
from collections import defaultdict
from contextlib import suppress
from functools import cache
from html import escape
from pathlib import Path
from textwrap import dedent

from docutils import nodes
from docutils.nodes import make_id
from sphinx.transforms.post_transforms import SphinxPostTransform

from lrnn_helpers.ledger import read_records, read_rows, statuses, verdicts
from lrnn_helpers.ledger._book import is_number, read_notebooks
from lrnn_helpers.ledger._seal import read_texts, shown_latex

PACKAGE = "lrnn_helpers"
LEDGER = "ledger"  # the page of the records
# Sign and words for what became of a printed form.
FORMS = {
    "right": ("✓", "holds"),
    "definition": ("=", "a definition, as in the package"),
    "right under a stated condition": ("◐", "holds under a condition that the text does not state"),
    "slip": ("✗", "misprinted: a slip, corrected below"),
    "wrong (corrected)": ("✗", "wrong as printed, corrected below"),
    "wrong (no correction known)": ("✗", "wrong as printed, no correction known"),
    "open": ("○", "open"),
}
STRENGTH = {
    "open": "open",
    "numeric": "at witnesses",
    "symbolic": "symbolic for listed T",
    "proved": "proved",
    "definition": "definition",
}
SIGNS = {"supported": "✓", "in part": "◐", "not supported": "✗", "open": "○"}
BARRED = ("slip", "wrong (corrected)", "wrong (no correction known)")


def slug(id):
    """A row's id as part of an anchor."""
    return re.sub(r"[^A-Za-z0-9]", "-", id)


def style(word):
    """The class that colours a status."""
    return f"status-{re.sub('[^a-z]+', '-', word).strip('-')}"


class Ledger:
    """Rows and records joined, and where pages show what."""

    def __init__(self, book):
        self.rows, self.notebooks = read_rows(book / "ledger.yml"), read_notebooks(book)
        self.records = read_records(self.notebooks)
        self.status, self.verdict = statuses(self.rows, self.records), verdicts(self.rows, self.records)
        self.shown = {label: page for page, text in read_texts(book).items() for label in shown_latex(text)}
        self.used_by, self.checked_in, self.of_row = defaultdict(list), {}, defaultdict(list)
        for id, row in self.rows.items():
            for other in self.uses(row):
                self.used_by[other].append(id)
        for record in self.records:
            for id in record["ids"]:
                self.of_row[id].append(record)
                self.checked_in.setdefault(id, record["chapter"])

    @staticmethod
    def uses(row):
        """What a row rests on, once each."""
        return list(dict.fromkeys([*row.get("uses", ()), *row.get("proof", ()), *([row["of"]] if "of" in row else [])]))

    def origin(self, id):
        """The row whose check speaks for this one."""
        return id if id in self.of_row or "of" not in self.rows[id] else self.origin(self.rows[id]["of"])

    def name(self, id):
        """How a row is called in a sentence."""
        return f"({id})" if is_number(self.rows[id]) else id


@cache
def ledger(book):
    """The ledger of a folder, read once a build."""
    return Ledger(Path(book))


def of_app(app):
    """The ledger of the book that is built."""
    return ledger(str(Path(app.srcdir) / app.config.ledger_book))


# ---- links


class Links:
    """Addresses as seen from one page."""

    def __init__(self, app, docname):
        self.app, self.here, self.ledger = app, docname, of_app(app)
        self.book = app.config.ledger_book

    def to(self, page, anchor=""):
        """The address of a place in a page of the book."""
        page = f"{self.book}/{page}"
        if page == self.here:
            return f"#{anchor}"
        return self.app.builder.get_relative_uri(self.here, page) + (f"#{anchor}" if anchor else "")

    def row(self, id):
        """Where a row stands: its equation, else its check, else its line in the ledger."""
        shown = self.ledger.shown.get(f"paper-{id}")
        if shown:
            return self.to(shown, make_id(f"equation-eq-paper-{id}"))
        if id in self.ledger.checked_in:
            return self.check(id)
        return self.in_ledger(id) or self.to(LEDGER)

    def row_anchor(self, id):
        """The name that a row has on the ledger's page."""
        return f"{'claim' if self.ledger.rows[id]['kind'] in ('claim', 'panel') else 'row'}-{slug(id)}"

    def in_ledger(self, id):
        """The address of a row's line in the ledger, or None while it has none."""
        anchor = self.row_anchor(id)
        return self.to(LEDGER, anchor) if anchor in _ledger_anchors(self.app) else None

    def check(self, id):
        """Where a row is checked."""
        origin = self.ledger.origin(id)
        if origin not in self.ledger.checked_in:
            return self.to(LEDGER)
        return self.to(self.ledger.checked_in[origin], f"check-{slug(origin)}")

    def anchor(self, id):
        """A row's name, linked."""
        return f'<a class="row-ref" href="{escape(self.row(id))}">{escape(self.ledger.name(id))}</a>'

    def api(self, name):
        """The address of a public name of the package, or None."""
        found = self.app.env.get_domain("py").objects.get(name)
        if found is None:
            return None
        return self.app.builder.get_relative_uri(self.here, found.docname) + f"#{found.node_id}"

    def code(self, name):
        """A public name of the package, linked to its page."""
        short = escape(name.removeprefix(f"{PACKAGE}."))
        return f'<a class="api" href="{escape(self.api(name))}"><code>{short}</code></a>'


def _ledger_anchors(app):
    found = getattr(app, "book_ledger_anchors", None)
    if found is None:
        tree = app.env.get_doctree(f"{app.config.ledger_book}/{LEDGER}")
        found = {id for node in tree.findall(nodes.Element) for id in node.get("ids", ())}
        raw = "".join(node.astext() for node in tree.findall(nodes.raw))
        app.book_ledger_anchors = found = found | set(re.findall(r'id="([^"]*)"', raw))
    return found


# ---- against what


def imports(notebook):
    """Name in a notebook to the dotted name that it stands for, of what is imported."""
    out = {}
    for tree in _trees(notebook):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                out.update(
                    {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names}
                )
            elif isinstance(node, ast.ImportFrom) and node.module:
                out.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return out


def _trees(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            try:
                yield ast.parse(re.sub(r"^\s*[%!].*$", "pass", "".join(cell["source"]), flags=re.M))
            except SyntaxError:
                continue


def dotted(node):
    """A name with its attributes as text, or None."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return None


def resolve(name, known):
    """The full dotted name of what a chapter calls `name`."""
    head, *rest = name.split(".")
    return ".".join([known[head], *rest]) if head in known else None


def reach(source, notebook):
    """The imported functions that a piece of a chapter reaches, through the chapter's own functions too, in order."""
    known, own = imports(notebook), {}
    for tree in _trees(notebook):
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                own[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda | ast.Call):
                own.update({t.id: node.value for t in node.targets if isinstance(t, ast.Name)})
    seen, out = set(), []

    def visit(node):
        for part in ast.walk(node):
            name = dotted(part) if isinstance(part, ast.Name | ast.Attribute) else None
            if name is None:
                continue
            if full := name if name.startswith(f"{PACKAGE}.") else resolve(name, known):
                out.append(full)
            elif name in own and name not in seen:
                seen.add(name)
                visit(own[name])

    visit(source)
    return list(dict.fromkeys(out))


def _argument(record):
    """The tree of what a record was held against: a function, or the argument of the call in which it was written."""
    try:
        tree = ast.parse(dedent(record["against"]))
    except SyntaxError:  # a part of a cell that does not stand alone
        return None
    position = {"limit": 1, "refutes": 3}.get(record["call"], 2)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and str(dotted(call.func)).startswith("check."):
            named = {k.arg: k.value for k in call.keywords}
            return named.get("against") or (call.args[position] if len(call.args) > position else tree)
    return tree


OTHERS = {
    "torch": "automatic differentiation (torch)",
    "sympy": "sympy",
    "scipy.integrate": "a numerical solution of the differential equation (scipy)",
    "scipy.linalg": "scipy's linear algebra",
    "scipy.optimize": "a numerical root (scipy)",
    "numpy.linalg": "numpy's linear algebra",
}


def against(record, notebook, links):
    """HTML that says what a check held the statement against, from what its source reaches."""
    tree = _argument(record)
    found = reach(tree, notebook) if tree is not None else []
    names = [name for name in found if re.match(rf"{PACKAGE}\.\w+\.\w", name) and links.api(name)]
    # What makes witnesses and holds weights is not what the statement is compared with, unless it is all there is.
    functions = [name for name in names if name.rsplit(".", 1)[1][0].islower()]
    telling = [name for name in functions if name.split(".")[1] not in ("tasks", "dynamics", "bases")]
    parts = [links.code(name) for name in (telling or functions or names)[:3]]
    for prefix, words in OTHERS.items():
        if any(name == prefix or name.startswith(f"{prefix}.") for name in found):
            parts.append(words)
    if not parts:
        parts = ["another form of it, written out in the check"]
    if record.get("symbolic"):
        lengths = record["symbolic"]
        general = "general symbols" if lengths == "all" else f"symbols at T = {', '.join(map(str, lengths))}"
        parts.append(f"a derivation on {general}")
    return ", ".join(dict.fromkeys(parts))


# ---- the line below an equation


def line(id, links, notebooks, corrected=False):
    """HTML of the verdict on one numbered row: in words, against what, what it uses and what uses it."""
    book = links.ledger
    status, origin = book.status[id], book.origin(id)
    mine = [r for r in book.of_row[origin] if r["call"] != "claim"]
    words = _words(status, mine, corrected)
    barred = not corrected and status.printed in BARRED
    if barred and f"corrected-{id}" not in book.shown:
        words = words.replace("corrected below", "as the check says")
    # The evidence is for the form that holds: of a wrong one it stands at the corrected form.
    strength = f": {STRENGTH[status.own]}" if status.own not in ("open", "definition") and not barred else ""
    weaker = status.effective not in (status.own, "definition") and not barred
    rest = f" (with all that it rests on: {STRENGTH[status.effective]})" if weaker else ""
    out = [f'<span class="judged">{escape(words)}{strength}{rest}.</span>']
    if mine:
        record = mine[-1] if corrected else mine[0]
        out.append(f"Held against {against(record, notebooks[record['chapter']], links)}.")
    elif origin != id:
        out.append(f"As {links.anchor(origin)}.")
    uses = [links.anchor(i) for i in book.uses(book.rows[id]) if i in book.rows]
    used = [links.anchor(i) for i in book.used_by[id]]
    for word, found in (("Uses", uses), ("Used by", used)):
        if found and len(found) <= 6:
            out.append(f'<span class="rests">{word} {", ".join(found)}.</span>')
        elif found:
            more = f'<details class="more"><summary>{len(found) - 5} more</summary> {", ".join(found[5:])}</details>'
            out.append(f'<span class="rests">{word} {", ".join(found[:5])}, {more}</span>')
    return " ".join(out)


def _words(status, records, corrected):
    if corrected:
        return "The corrected form holds"
    if status.printed == "right" and records and all(r["call"] == "limit" for r in records):
        return "Holds in the limit that it is for"
    sign_words = FORMS[status.printed][1]
    return sign_words[:1].upper() + sign_words[1:]


LABEL = re.compile(r"eq:(paper|corrected)-(.+)$")


class Judge(SphinxPostTransform):
    """Put sign, label and line at every numbered equation of the paper."""

    default_priority = 150
    formats = ("html",)

    def run(self, **kwargs):
        """Mark the equations of one page."""
        links = Links(self.app, self.env.docname)
        for node in list(self.document.findall(nodes.math_block)):
            match = LABEL.match(node.get("label") or "")
            if not match or match[2] not in links.ledger.status:
                continue
            id, corrected = match[2], match[1] == "corrected"
            status = links.ledger.status[id]
            sign, words = ("✓", "the corrected form holds") if corrected else FORMS[status.printed]
            barred = not corrected and status.printed in BARRED
            colour = status.printed if barred or status.printed.startswith("right under") else status.effective
            said = f"({id}{'′' if corrected else ''}): {words}. To its check"
            node["sign"] = (
                f'<a class="sign {style(colour)}" href="{escape(links.check(id))}" aria-label="{escape(said)}" '
                f'title="{escape(said)}">{sign}</a>'
            )
            if barred or corrected:
                node["classes"].append("printed-wrong" if barred else "corrected")
                node["form"] = (
                    "corrected form"
                    if corrected
                    else "slip in print"
                    if status.printed == "slip"
                    else "wrong as printed"
                )
            text = line(id, links, links.ledger.notebooks, corrected)
            below = nodes.raw("", f'<div class="verdict-line {style(colour)}">{text}</div>\n', format="html")
            node.parent.insert(node.parent.index(node) + 1, below)


def _signed(visit):
    """The HTML writer's visitor of a display, with its sign beside the number and its label above."""

    def visit_signed(self, node):
        start = len(self.body)
        with suppress(nodes.SkipNode):
            visit(self, node)
        if node.get("sign"):
            end = next(i for i in range(start, len(self.body)) if self.body[i] == "</span>")
            self.body.insert(end, node["sign"])
            if node.get("form"):
                self.body.insert(start + 1, f'<span class="form">{node["form"]}</span>')
        raise nodes.SkipNode

    return visit_signed


def _sign_displays(app):
    ledger.cache_clear()
    renderers = app.registry.html_block_math_renderers
    visit, depart = renderers["mathjax"]
    if visit.__name__ != "visit_signed":
        renderers["mathjax"] = (_signed(visit), depart)


def setup(app):
    """Register the extension."""
    app.add_post_transform(Judge)
    app.connect("builder-inited", _sign_displays)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
