"""What the pages of the records share: the ledger joined with what the notebooks recorded, and how a row is shown.

Nothing is typed: each number and verdict is read from ``ledger.yml`` and the committed notebooks when the book is
built. The folder that holds them is the configuration's ``ledger_book``.
"""

import re
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from lrnn_helpers.ledger import read_rows, statuses, verdicts
from lrnn_helpers.ledger._book import is_number, read_notebooks, read_records
from lrnn_helpers.ledger._seal import FENCE, read_texts, shown_latex

WORDS = {
    "symbolic": "symbolic for listed T",
    "definition": "definition",
    "yes": "remade",
    "no": "not remade",
    "in part": "in part",
}
LONG = {"fig": "Figure", "prop": "Proposition"}


@cache
def notebooks(book):
    """The chapters' notebooks, read once a build."""
    return read_notebooks(book)


@cache
def ledger(book):
    """Rows, records, statuses, verdicts, and the labels that pages show with their page, read once a build."""
    rows, records = read_rows(Path(book) / "ledger.yml"), read_records(notebooks(book))
    shown = {label: page for page, text in read_texts(book).items() for label in shown_latex(text)}
    return rows, records, statuses(rows, records), verdicts(rows, records), shown


def slug(text):
    """Text as part of an HTML id or class: "3.4.5" is "3-4-5"."""
    return re.sub("[^A-Za-z0-9]+", "-", text).strip("-")


def sign(section):
    """A section of the paper with its sign; rows beyond the paper say "beyond"."""
    return section if section.islower() else f"§{section}"


def anchor(rows, id):
    """The HTML id of a row on its page: "row-106", "claim-3-4-5", "fig-A5"."""
    if rows[id]["kind"] == "figure":
        return slug(id)
    return f"claim-{slug(id)}" if rows[id]["kind"] in ("claim", "panel") else f"row-{slug(id)}"


def named(rows, id):
    """A row's name in words: "(106)", "3.4.5", "Lemma 3.2", "Figure A5", "ours conserved"."""
    if is_number(rows[id]):
        return f"({id})"
    found = re.fullmatch(r"([a-z]+)-([A-Z\d][\w.]*)(?:-(\w+))?", id)
    if not found:
        return id.replace("-", " ")
    word, number, panel = found.groups()
    return f"{LONG.get(word, word.capitalize())} {number}" + (f", {panel}" if panel else "")


def badge(word):
    """A coloured word for a status or a verdict."""
    return f"[{WORDS.get(word, word)}]{{.status .status-{re.sub('[^a-z]+', '-', word).strip('-')}}}"


def tag(word):
    """The same as HTML."""
    return f'<span class="status status-{re.sub("[^a-z]+", "-", word).strip("-")}">{WORDS.get(word, word)}</span>'


def table(header, rows, widths):
    """MyST text of a list-table."""
    lines = ["::::{list-table}", ":header-rows: 1", f":widths: {' '.join(map(str, widths))}", ":class: ledger", ""]
    for cells in [header, *rows]:
        lines += [
            f"{'* -' if k == 0 else '  -'} {cell.replace(chr(10), chr(10) + '    ')}" for k, cell in enumerate(cells)
        ]
    return "\n".join([*lines, "::::", ""])


def listed(lines, none="—"):
    """One line as it is, several as a list."""
    return "\n".join(f"- {line}" for line in lines) if len(lines) > 1 else "".join(lines) or none


def plain(text):
    """Text in which MyST finds no markup."""
    return re.sub(r"([*_`$<\[\]])", r"\\\1", text)


def evidence_of(record):
    """What a check recorded, in a sentence without the ids, which stand beside it."""
    if record["call"] == "claim":
        return outcome_of(record)
    how, _, mutants = record["text"].split("  ", 1)[1].partition("  ·  ")
    counts, *agree = mutants.split("; invariant: ")
    parts = [how.replace("holds: to", "holds to"), counts.replace(" mutants", " wrong variants")]
    parts += [f"{len(agree)} of them changes nothing"] if agree else []
    against = re.match(r"\s*def (\w+)", record.get("against") or "")
    parts[0] += f", held against *{against[1]}*".replace("_", r"\_") if against else ""
    return "; ".join(part if "held against" in part else plain(part) for part in parts if part)


def outcome_of(record):
    """A claim's verdict on its domain: how many of how many cases, and how many outside."""
    part = f"**{record['part']}**: " if record["part"] else ""
    cases = "runs" if record["runs"] else "cases"
    share = "" if record["share"] == 1 else " (95 % interval {:.2f} to {:.2f})".format(*record["interval"])
    return (
        f"{part}{badge(record['verdict'])} holds on {record['held']} of {record['cases']} {cases}{share}, "
        f"{record['domain']}; outside, on {record['passed']} of {record['outside']}"
    )


class Shown(SphinxDirective):
    """A directive whose output is MyST text made from the ledger."""

    def run(self):
        """Parse what `text` returns in place."""
        self.begin()
        return self.parsed(self.text())

    def begin(self):
        """Read the ledger; a page of the records gets its style and script."""
        self.book = str(Path(self.env.app.srcdir) / self.config.ledger_book)
        self.env.note_dependency(str(Path(self.book) / "ledger.yml"))
        self.rows, self.records, self.status, self.verdict, self.shown = ledger(self.book)
        self.env.metadata.setdefault(self.env.docname, {})["records"] = True

    def parsed(self, text):
        """The nodes of MyST text."""
        holder = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), source="ledger"), self.content_offset, holder)
        return holder.children

    def section(self, title, id, classes=()):
        """A section with an id of our choice, which other pages cite as ``{ref}``."""
        section = nodes.section(ids=[id], names=[], classes=[*classes])
        (line,) = self.parsed(title)
        section += nodes.title("", "", *line.children)
        self.citable(id, line.astext())
        return section

    def citable(self, id, title):
        """Make an id of this page a label."""
        std = self.env.get_domain("std")
        std.labels[id.lower()] = (self.env.docname, id, title)
        std.anonlabels[id.lower()] = (self.env.docname, id)

    def cite(self, id):
        """A row's id as text, linked to its equation where a page shows it, else to its row."""
        if f"paper-{id}" in self.shown:
            return f"{{eq}}`eq:paper-{id}`"
        return f"{{ref}}`{named(self.rows, id)} <{anchor(self.rows, id)}>`"

    def title(self, chapter):
        """A chapter's title, or its bare name where it has none."""
        text = FENCE.sub("", (Path(self.book) / f"{chapter}.md").read_text(encoding="utf-8"))
        found = re.search(r"(?m)^# (.+)$", text)
        return found[1] if found else chapter

    def place(self, chapter):
        """A chapter's link, or its bare name while it is not written."""
        if (Path(self.book) / f"{chapter}.md").exists():
            return f"{{doc}}`{self.title(chapter)} </{self.config.ledger_book}/{chapter}>`"
        return f"*{chapter.split('/')[-1].replace('_', ' ')}*"

    def uri(self, chapter, target=""):
        """The address of a page of the book, as seen from this one."""
        page = self.env.app.builder.get_relative_uri(self.env.docname, f"{self.config.ledger_book}/{chapter}")
        return page + (f"#{target}" if target else "")

    def equation(self, id):
        """The address of an equation of the paper, or None."""
        label = f"paper-{id}"
        return self.uri(self.shown[label], nodes.make_id(f"equation-eq-{label}")) if label in self.shown else None

    def tabled(self, header, rows, widths, name):
        """A table whose rows have ids and classes: `rows` are (id, classes, cells, nodes that end the second cell)."""
        (found,) = self.parsed(table(header, [cells for _, _, cells, _ in rows], widths))
        found["classes"].append(name)  # the style names its columns on a phone, where cells stand below each other
        lines = [row for row in found.findall(nodes.row) if row.parent.tagname == "tbody"]
        for line, (id, classes, _, more) in zip(lines, rows, strict=True):
            line["ids"], line["classes"] = [id], [*classes]
            line[1] += more
        return found


def statement(row, cite):
    """What is printed, what holds instead, for which domain, and what it rests on; `cite` makes a link of an id."""
    forms = [("printed", row.get("latex")), ("corrected", row.get("erratum", {}).get("corrected"))]
    parts = [
        f'<p class="form {word}" data-tex="{escape(latex.strip())}"><span class="word">{word}</span> '
        f'<code class="tex">{escape(latex.strip())}</code></p>'
        for word, latex in forms
        if latex
    ]
    parts += [f"<p>assuming {escape(row['assumes'])}</p>"] if "assumes" in row else []
    parts += [f"<p>stated for {escape(row['domain'])}</p>"] if "domain" in row else []
    for word, key in (("takes", "given"), ("gives", "gives")):
        parts += [f"<p>{word} {escape('; '.join(row[key]))}</p>"] if row.get(key) else []
    for word, key in (("rests on", "uses"), ("proved by", "proof")):
        parts += [f"<p>{word} {', '.join(map(cite, row[key]))}</p>"] if row.get(key) else []
    return "".join(parts)
