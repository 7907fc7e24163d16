"""Directives that show the ledger: what the rows state, joined with what the notebooks recorded.

``{ledger-totals}``, ``{ledger-graph}``, ``{ledger-table}`` (equations, or claims with ``:claims:``), ``{errata-list}``,
``{figure-verdicts}`` and, at the top of a chapter, ``{chapter-card}``. Nothing is typed: each number and verdict is
read from ``ledger.yml`` and the committed notebooks when the book is built.
"""

from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from lrnn_helpers.ledger import read_records, read_rows, statuses, verdicts
from lrnn_helpers.ledger._book import shown_latex, totals

BOOK = Path(__file__).resolve().parents[1]
WORDS = {
    "open": "open",
    "refuted": "refuted, no correction",
    "corrected": "corrected",
    "numeric": "numeric",
    "symbolic": "symbolic for listed T",
    "proved": "proved for all T",
    "defined": "definition",
}


@cache
def ledger():
    """Rows, records, statuses, verdicts, and the labels that chapters show, read once a build."""
    rows, records = read_rows(BOOK / "ledger.yml"), read_records(BOOK)
    shown = {}
    for chapter in sorted({row["chapter"] for row in rows.values()}):
        if (BOOK / f"{chapter}.md").exists():
            shown |= {label: chapter for label in shown_latex((BOOK / f"{chapter}.md").read_text())}
    return rows, records, statuses(rows, records), verdicts(rows, records), shown


def name(id):
    """A row's id as text, linked to its equation where a chapter shows it."""
    if f"paper-{id}" in ledger()[4]:
        return f"{{eq}}`eq:paper-{id}`"
    return f"({id})" if id.isdigit() else f"`{id}`"


def place(chapter):
    """A chapter's link, or its bare name while it is not written."""
    return f"{{doc}}`/book/{chapter}`" if (BOOK / f"{chapter}.md").exists() else f"*{chapter.split('/')[-1]}*"


def badge(status):
    """A coloured word for a status or a verdict."""
    return f"[{WORDS.get(status, status)}]{{.status .status-{status.replace(' ', '-')}}}"


def table(header, rows, widths):
    """MyST text of a list-table."""
    lines = ["::::{list-table}", ":header-rows: 1", f":widths: {' '.join(map(str, widths))}", ":class: ledger", ""]
    for cells in [header, *rows]:
        lines += [f"{'* -' if k == 0 else '  -'} {cell}" for k, cell in enumerate(cells)]
    return "\n".join([*lines, "::::", ""])


class Shown(SphinxDirective):
    """A directive whose output is MyST text made from the ledger."""

    def run(self):
        """Parse what `text` returns in place."""
        self.env.note_dependency(str(BOOK / "ledger.yml"))
        holder = nodes.container()
        from docutils.statemachine import StringList

        self.state.nested_parse(StringList(self.text().splitlines(), source="ledger"), self.content_offset, holder)
        return holder.children


class Totals(Shown):
    """The totals as a row of cards."""

    def text(self):
        """One card a number."""
        t = totals(*ledger()[:2])
        cards = [
            (f"{t['checked']} / {t['equations']}", "numbered equations checked"),
            (t["corrected"], "of them corrected"),
            (f"{t['judged']} / {t['claims']}", "claims of the text judged"),
            (f"{t['remade']} / {t['figures']}", "figures judged"),
            (t["mutants"], "wrong variants rejected"),
        ]
        lines = ["::::{grid} 2 3 5 5", ":gutter: 2", ":class-container: totals", ""]
        for number, what in cards:
            lines += [":::{grid-item-card}", ":text-align: center", f"[{number}]{{.total}}", "", what, ":::"]
        return "\n".join([*lines, "::::"])


class Table(Shown):
    """Every row that is not a figure: equations and other statements by default, claims with ``:claims:``."""

    option_spec = {"claims": directives.flag}

    def text(self):
        """One table a chapter."""
        rows, records, status, verdict, _ = ledger()
        out = []
        for chapter in dict.fromkeys(row["chapter"] for row in rows.values()):
            if "claims" in self.options:
                mine = [row for row in rows.values() if row["chapter"] == chapter and row["kind"] == "claim"]
                lines = [self.claim(row, records, verdict[row["id"]]) for row in mine]
                header, widths = ("claim", "in our words", "verdict", "where and when"), (8, 50, 14, 28)
            else:
                mine = [row for row in rows.values() if row["chapter"] == chapter and row["id"] in status]
                lines = [self.statement(row, records, status[row["id"]]) for row in mine]
                header, widths = ("row", "kind", "own status", "with what it uses", "evidence"), (9, 13, 15, 15, 48)
            if lines:
                out += [f"**§{mine[0]['section']}**: {place(chapter)}", "", table(header, lines, widths)]
        return "\n".join(out)

    def statement(self, row, records, status):
        """The cells of a statement's row."""
        mine = [r for r in records if row["id"] in r["ids"]]
        kind = row["kind"] + (f" of {name(row['of'])}" if "of" in row else "")
        evidence = " ".join(evidence_of(r) for r in mine) or ("as its original" if "of" in row else "—")
        return name(row["id"]), kind, badge(status.own), badge(status.effective), evidence

    def claim(self, row, records, verdict):
        """The cells of a claim's row."""
        mine = [r for r in records if row["id"] in r["ids"] and r["call"] == "claim"]
        no = {False: " (no)", True: ""}
        where = [r.get("condition", r.get("domain", "")) + no[r["verdict"] == "supported"] for r in mine]
        return (
            f"`{row['id']}`",
            row.get("claim", "").replace("\n", " "),
            badge(verdict),
            "; ".join(filter(None, where)) or "—",
        )


def evidence_of(record):
    """A record's line without the ids, which stand beside it."""
    return record["text"].split("  ", 1)[1].replace("*", r"\*").replace("_", r"\_")


class Errata(Shown):
    """Printed form, corrected form, evidence and consequence of each refuted row, of one ``:kind:``."""

    option_spec = {"kind": lambda value: directives.choice(value, ("substantive", "slip"))}

    def text(self):
        """One block an erratum; those whose check is still to come are listed as such."""
        rows, records, *_ = ledger()
        out, waiting = [], []
        for id, row in rows.items():
            if row.get("erratum", {}).get("kind") != self.options["kind"]:
                continue
            mine = [r for r in records if id in r["ids"] and r["call"] == "refutes"]
            if not mine:
                waiting.append(f"({id})" if id.isdigit() else id)
                continue
            out += [f"**{name(id)}**, §{row['section']}, {place(row['chapter'])}", ""]
            if row.get("latex"):
                out += ["Printed:", "", "```{math}", ":nowrap:", rf"\[{row['latex'].strip()}\]", "```", ""]
            out += ["Corrected:", "", "```{math}", ":nowrap:", rf"\[{row['erratum']['corrected'].strip()}\]", "```", ""]
            out += [row["erratum"]["consequence"], "", *(f"Evidence: {evidence_of(r)}" for r in mine), "", "---", ""]
        # A rule stands between two entries; a page may not end with one.
        del out[-2:]
        if waiting:
            out += ["", "---", ""] if out else []
            out += [f"Suspected, not yet checked in a chapter: {', '.join(waiting)}."]
        return "\n".join(out)


class Figures(Shown):
    """The figures' verdicts, with the claims they rest on and the settings that the paper leaves open."""

    def text(self):
        """One table."""
        rows, records, _, verdict, _ = ledger()
        lines = []
        for id, row in rows.items():
            if row["kind"] != "figure":
                continue
            mine = [r for r in records if r["call"] == "figure" and id in r["ids"]]
            settings = "; ".join(f"{key}: {value}" for r in mine for key, value in r["settings"].items())
            claims = ", ".join(f"`{claim}`" for r in mine for claim in r.get("shows", ()))
            lines.append((f"`{id}`", place(row["chapter"]), badge(verdict[id].remade), claims or "—", settings or "—"))
        return table(
            ("figure", "chapter", "verdict", "claims", "our settings where the paper has none"),
            lines,
            (9, 20, 14, 17, 40),
        )


class Card(Shown):
    """A chapter's first block: its result in a sentence, then what was checked, counted from its own notebook."""

    has_content = True
    option_spec = {"section": directives.unchanged_required, "runtime": directives.unchanged_required}

    def text(self):
        """An admonition."""
        chapter = self.env.docname.removeprefix("book/")
        mine = [r for r in ledger()[1] if r["chapter"] == chapter]
        corrected = {id for r in mine if r["call"] == "refutes" for id in r["ids"]}
        counts = f"{len(mine)} checks"
        if corrected:
            counts += f", {len(corrected)} of the paper's numbers corrected"
        line = f"*{counts} · runs in about {self.options['runtime']}*"
        return "\n".join(
            [
                f":::{{admonition}} {self.options['section']} of the paper",
                ":class: chapter-card",
                "",
                *self.content,
                "",
                line,
                ":::",
            ]
        )


def part(section):
    """The appendix, or the section of the main text: "F.3.1" is in "F", "2.2" in "2.2"."""
    return section.split(".")[0] if section[0].isalpha() else section


class Graph(SphinxDirective):
    """What rests on what: a row of cells a section, coloured by effective status, as inline SVG."""

    def run(self):
        """Lay out in the paper's order; 20 cells a line."""
        rows, _, status, _, shown = ledger()
        builder, here = self.env.app.builder, self.env.docname
        sections, at = {}, {}
        for id, row in rows.items():
            if id in status:
                sections.setdefault(part(row["section"]), []).append(id)
        width, height, per_line, y, parts, labels = 38, 24, 18, 0, [], []
        for section, ids in sorted(sections.items()):
            labels.append(f'<text x="0" y="{y + 16}" class="section">§{escape(section)}</text>')
            for number, id in enumerate(ids):
                at[id] = (60 + width * (number % per_line), y + height * (number // per_line))
            y += height * (1 + (len(ids) - 1) // per_line) + 8
        for id in at:
            for other in rows[id].get("uses", ()):
                if other in at:
                    (x1, y1), (x2, y2) = ((x + 17, top + 10) for x, top in (at[other], at[id]))
                    curve = f"M{x1} {y1} C{x1} {y1 + 40} {x2} {y2 - 40} {x2} {y2}"
                    parts.append(f'<path class="edge" d="{curve}"/>')
        for id, (x, top) in at.items():
            effective = status[id].effective
            text = id if id.isdigit() else "".join(part[0] for part in id.replace(".", "-").split("-") if part)
            cell = (
                f'<g class="cell status-{effective}"><title>{escape(id)}: {WORDS[effective]}</title>'
                f'<rect x="{x}" y="{top}" width="34" height="20" rx="4"/>'
                f'<text x="{x + 17}" y="{top + 14}">{escape(text)}</text></g>'
            )
            if f"paper-{id}" in shown:
                uri = builder.get_relative_uri(here, f"book/{shown[f'paper-{id}']}") + f"#equation-eq-paper-{id}"
                cell = f'<a href="{uri}">{cell}</a>'
            parts.append(cell)
        svg = f'<svg class="ledger-graph" viewBox="-2 -2 {70 + width * per_line} {y + 4}" role="img" '
        svg += (
            'aria-label="Every statement of the paper, coloured by effective status; curves join what rests on what">'
        )
        key = "".join(f'<span class="status status-{s}">{word}</span> ' for s, word in WORDS.items())
        html = f'<div class="ledger-figure">{svg}{"".join(labels + parts)}</svg><p class="ledger-key">{key}</p></div>'
        return [nodes.raw("", html, format="html")]


def setup(app):
    """Register the directives."""
    for word, directive in {
        "ledger-totals": Totals,
        "ledger-table": Table,
        "ledger-graph": Graph,
        "errata-list": Errata,
        "figure-verdicts": Figures,
        "chapter-card": Card,
    }.items():
        app.add_directive(word, directive)
    app.connect("builder-inited", lambda app: ledger.cache_clear())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
