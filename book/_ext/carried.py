"""The verdict on a claim where a page speaks of it.

The role ``{verdict}`` puts the word beside a claim's id, or alone where the id follows a tilde; of an equation or a
result of our own it is the effective evidence. The directive ``{carried}`` does so for a claim that sums up others: its
sentence, and then each claim, or part of one, that carries it, with its chapter. The role ``{measured}`` shows on any
page what a cell of a chapter has glued, ``{measured}`appendices/h_landau::h-apparent-two` ``.
"""

import ast
from functools import cache

from docutils import nodes
from records._shown import WORDS, Shown, badge, ledger, notebooks
from sphinx.util.docutils import SphinxRole

from lrnn_helpers.ledger._book import carrier
from lrnn_helpers.ledger._check import GLUED


def found(book, entry):
    """The sentence, the chapter and the verdict of a claim or of a part of one, "3.5.3/longer"."""
    rows, records, _, verdict, _ = ledger(book)
    id, part = carrier(entry)
    if not part:
        return rows[id]["claim"], rows[id]["chapter"], verdict[id]
    word = next((r["verdict"] for r in records if id in r["ids"] and r.get("part") == part), "open")
    return rows[id]["parts"][part], rows[id]["chapter"], word


@cache
def glued(book, chapter):
    """Name to text of what the cells of a chapter have glued."""
    cells = notebooks(book)[chapter]["cells"]
    outputs = [
        output for cell in cells for output in cell.get("outputs", ()) if "scrapbook" in output.get("metadata", {})
    ]
    return {o["metadata"]["scrapbook"]["name"]: ast.literal_eval(o["data"][f"{GLUED}text/plain"]) for o in outputs}


class Verdict(SphinxRole):
    """``{verdict}`3.5.4` ``: the id and its coloured word; ``{verdict}`~ours-kernel` ``: the word alone."""

    def run(self):
        """One word, in the colours of the ledger."""
        book = f"{self.env.app.srcdir}/{self.config.ledger_book}"
        self.env.note_dependency(f"{book}/ledger.yml")
        id = self.text.removeprefix("~")
        status = ledger(book)[2].get(id)
        word = status.effective if status else found(book, id)[2]
        shown = nodes.inline("", WORDS.get(word, word), classes=["status", f"status-{word.replace(' ', '-')}"])
        return [shown] if self.text != id else [nodes.literal("", id), nodes.Text(" "), shown], []


class Measured(SphinxRole):
    """``{measured}`chapter::name` ``: what a cell of that chapter glued under that name."""

    def run(self):
        """The text, or an error that names what there is."""
        book = f"{self.env.app.srcdir}/{self.config.ledger_book}"
        chapter, _, name = self.text.partition("::")
        self.env.note_dependency(f"{book}/{chapter}.ipynb")
        texts = glued(book, chapter) if chapter in notebooks(book) else {}
        if name not in texts:
            error = f"{self.text!r} is not CHAPTER::NAME of a glued text; {chapter!r} has {', '.join(texts) or 'none'}"
            return [], [self.inliner.reporter.error(error, line=self.lineno)]
        return [nodes.Text(texts[name])], []


class Carried(Shown):
    """A claim that sums up others, its verdict, and the claims from which it is computed."""

    required_arguments = 1

    def text(self):
        """A card with a list."""
        id = self.arguments[0]
        rows = ledger(self.book)[0]
        sentence, _, word = found(self.book, id)
        lines = [":::{card}", f"**{sentence[0].upper() + sentence[1:]}.** {badge(word)}", ""]
        for entry in rows[id]["carried"]:
            says, chapter, word = found(self.book, entry)
            lines.append(f"- `{entry}` {' '.join(says.split())}: {badge(word)}, {self.place(chapter)}")
        return "\n".join([*lines, ":::"])


def setup(app):
    """Register role and directive; the ledger is read by `records`."""
    app.setup_extension("records")
    app.add_role("measured", Measured())
    app.add_role("verdict", Verdict())
    app.add_directive("carried", Carried)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
