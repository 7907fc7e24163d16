"""What a reference refers to, shown where one hovers over it or reaches it by keyboard, without a network.

Collected when pages are written, from their trees: equations, figures, theorems, citations, terms, the package's
functions; from the ledger its claims and checks. ``previews.js`` is a classic script, so that it loads from a disk too,
and only when the first reference to another page is hovered over. What is on the same page is copied from there.
"""

import json
import re
from html import escape

from docutils import nodes
from docutils.nodes import make_id
from sphinx import addnodes
from verdicts import FORMS, LEDGER, Links, of_app, slug

LIMIT = 700  # characters of a theorem's text
SILENT = (nodes.table, nodes.raw, nodes.literal_block, addnodes.desc, nodes.target, nodes.system_message)
HEAD = "window.bookPreviews = "


def shown(node):
    """HTML of a node's text and mathematics, and of nothing else."""
    if isinstance(node, nodes.Text):
        return escape(node.astext(), quote=False)
    if isinstance(node, nodes.math):
        return rf'<span class="math">\({escape(node.astext(), quote=False)}\)</span>'
    if isinstance(node, nodes.math_block):
        return rf'<div class="math">\[{escape(node.astext(), quote=False)}\]</div>'
    if isinstance(node, SILENT) or "cell" in node.get("classes", ()):
        return ""
    inside = "".join(map(shown, node.children))
    if isinstance(node, nodes.paragraph):
        return f"<p>{inside}</p>"
    if isinstance(node, nodes.literal):
        return f"<code>{inside}</code>"
    if isinstance(node, nodes.title | nodes.term):
        return f"<p><strong>{inside}</strong></p>"
    return inside


def shortened(parts):
    """Parts until they are long enough."""
    out, length = [], 0
    for part in parts:
        if length > LIMIT:
            return "".join([*out, "<p>…</p>"])
        out.append(part)
        length += len(part)
    return "".join(out)


def _signature(desc):
    signature = next(iter(desc.findall(addnodes.desc_signature)), None)
    content = next(iter(desc.findall(addnodes.desc_content)), None)
    if signature is None or not signature["ids"]:
        return {}
    first = next((c for c in content.children if isinstance(c, nodes.paragraph)), None) if content else None
    head = f"<p><code>{escape(signature.astext(), quote=False)}</code></p>"
    return {signature["ids"][0]: head + (shown(first) if first else "")}


def targets(doctree):
    """Id to HTML of everything on a page that is referred to from elsewhere."""
    out = {}
    for node in doctree.findall(nodes.Element):
        if isinstance(node, nodes.math_block) and node.get("label"):
            out[make_id(f"equation-{node['label']}")] = shown(node)
        elif isinstance(node, addnodes.desc):
            out.update(_signature(node))
        elif isinstance(node, nodes.figure):
            caption = next(iter(node.findall(nodes.caption)), None)
            out.update({id: shown(caption) for id in node["ids"] if caption})
        elif isinstance(node, nodes.citation):
            body = "".join(shown(c) for c in node.children if not isinstance(c, nodes.label))
            out.update({id: body for id in node["ids"]})
        elif isinstance(node, nodes.term):
            out.update({id: shown(node.parent) for id in node["ids"]})
        elif type(node).__module__.startswith(("sphinx_proof", "sphinx_exercise")):
            out.update({id: shortened(map(shown, node.children)) for id in node["ids"]})
    return {id: html for id, html in out.items() if html}


def _collect(app, doctree, docname):
    if app.builder.format == "html":
        found = {f"{docname}#{id}": html for id, html in targets(doctree).items()}
        app.builder.book_previews.update(found)


def from_ledger(app):
    """The same of the ledger's rows and of the places where they are checked."""
    book, out = of_app(app), {}
    links = Links(app, f"{app.config.ledger_book}/{LEDGER}")
    for id, row in book.rows.items():
        if id in book.verdict and row["kind"] != "figure":
            said = row.get("claim") or next(iter(row.get("parts", {}).values()), "")
            html = f"<p>{escape(' '.join(said.split()), quote=False)}</p><p>{book.verdict[id]}</p>"
        elif id in book.status:
            tex = f'<div class="math">\\[{escape(row["latex"], quote=False)}\\]</div>' if row.get("latex") else ""
            html = f"{tex}<p>{escape(book.name(id))} {escape(FORMS[book.status[id].printed][1])}</p>"
        else:
            continue
        out[f"{app.config.ledger_book}/{LEDGER}#{links.row_anchor(id)}"] = html
        if id in book.checked_in:
            texts = dict.fromkeys(r["text"].split("  ·  ")[0] for r in book.of_row[id])
            checks = "".join(f"<p>{escape(text, quote=False)}</p>" for text in list(texts)[:4])
            out[f"{app.config.ledger_book}/{book.checked_in[id]}#check-{slug(id)}"] = checks
    return out


def _start(app):
    app.builder.book_previews = {}


def _write(app, exception):
    if exception or app.builder.format != "html":
        return
    path = app.outdir / "_static" / "previews.js"
    found = app.builder.book_previews | from_ledger(app)
    if path.exists():  # pages that were not written again
        before = json.loads(re.sub(r";\s*$", "", path.read_text(encoding="utf-8").removeprefix(HEAD)))
        found = before | found
    path.write_text(f"{HEAD}{json.dumps(found, ensure_ascii=False, sort_keys=True, indent=0)};\n", encoding="utf-8")


def setup(app):
    """Register the extension."""
    app.connect("builder-inited", _start)
    app.connect("doctree-resolved", _collect, priority=900)
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
