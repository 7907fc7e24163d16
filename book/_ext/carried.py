"""The verdict on a claim where a page speaks of it.

The role ``{verdict}`` puts the word beside a claim's id, and so does the directive ``{carried}`` for a claim that sums
up others: its sentence, and then each claim, or part of one, that carries it, with its chapter.
"""

from docutils import nodes
from records._shown import Shown, badge, ledger
from sphinx.util.docutils import SphinxRole

from lrnn_helpers.ledger._book import carrier


def found(book, entry):
    """The sentence, the chapter and the verdict of a claim or of a part of one, "3.5.3/longer"."""
    rows, records, _, verdict, _ = ledger(book)
    id, part = carrier(entry)
    if not part:
        return rows[id]["claim"], rows[id]["chapter"], verdict[id]
    word = next((r["verdict"] for r in records if id in r["ids"] and r.get("part") == part), "open")
    return rows[id]["parts"][part], rows[id]["chapter"], word


class Verdict(SphinxRole):
    """``{verdict}`3.5.4` ``: the id and its coloured word."""

    def run(self):
        """One word, in the colours of the ledger."""
        book = f"{self.env.app.srcdir}/{self.config.ledger_book}"
        self.env.note_dependency(f"{book}/ledger.yml")
        word = found(book, self.text)[2]
        classes = ["status", f"status-{word.replace(' ', '-')}"]
        return [nodes.literal("", self.text), nodes.Text(" "), nodes.inline("", word, classes=classes)], []


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
    app.add_role("verdict", Verdict())
    app.add_directive("carried", Carried)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
