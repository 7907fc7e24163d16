"""Anchors in the chapters: the cell that judges a row is "check-3-4-5", which the records and any page can cite."""

from docutils import nodes

from lrnn_helpers.ledger import MIME
from records._shown import ledger, named, notebooks, slug


def judged(book, chapter):
    """Index of each cell of a chapter to the ids of the rows that it judges, each where it first does."""
    found, seen = {}, set()
    for index, cell in enumerate(notebooks(book).get(chapter, {}).get("cells", ())):
        outputs = [output.get("data", {}) for output in cell.get("outputs", ())]
        ids = [id for data in outputs if MIME in data for id in data[MIME]["ids"] if id not in seen]
        seen.update(ids)
        if ids:
            found[index] = list(dict.fromkeys(ids))
    return found


def mark(app, doctree):
    """Give the cells of a chapter their ids, as labels."""
    book, page = f"{app.srcdir}/{app.config.ledger_book}", app.env.docname
    cells = judged(book, page.removeprefix(f"{app.config.ledger_book}/"))
    std = app.env.get_domain("std")
    for node in doctree.findall(nodes.container) if cells else ():
        if node.get("nb_element") == "cell_code":
            for id in cells.get(node["cell_index"], ()):
                anchor = f"check-{slug(id)}"
                if "reading" not in app.extensions:  # which sets the anchor inside the cell, in its fold
                    node["ids"].append(anchor)
                std.labels[anchor.lower()] = (page, anchor, named(ledger(book)[0], id))
                std.anonlabels[anchor.lower()] = (page, anchor)


def unmarked(app, env, node, contnode):
    """A row whose chapter is shown without its cells keeps its name, without a link."""
    return contnode if node.get("reftarget", "").startswith("check-") else None
