"""Directives that show the ledger: what the rows state, joined with what the notebooks recorded.

``{ledger-totals}``, ``{ledger-graph}``, ``{ledger-table}`` (equations, or claims with ``:claims:``),
``{ledger-excuses}``, ``{ledger-displays}``, ``{errata-list}``, ``{figure-verdicts}`` and, at the top of a chapter,
``{chapter-card}``. Nothing is typed: each number and verdict is read from ``ledger.yml`` and the committed notebooks
when the book is built. The folder that holds them is the configuration's ``ledger_book``.
"""

import re
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from lrnn_helpers.ledger import read_records, read_rows, statuses, verdicts
from lrnn_helpers.ledger._book import CHECKS, ERRATA, EVIDENCE, errata, is_number, totals
from lrnn_helpers.ledger._seal import displays, read_texts, shown_latex

WORDS = {
    "symbolic": "symbolic for listed T",
    "definition": "definition",
    "yes": "remade",
    "no": "not remade",
    "in part": "in part",
}


@cache
def ledger(book):
    """Rows, records, statuses, verdicts, and the labels that pages show with their page, read once a build."""
    rows, records = read_rows(Path(book) / "ledger.yml"), read_records(book)
    shown = {label: page for page, text in read_texts(book).items() for label in shown_latex(text)}
    return rows, records, statuses(rows, records), verdicts(rows, records), shown


def badge(word):
    """A coloured word for a status or a verdict."""
    return f"[{WORDS.get(word, word)}]{{.status .status-{re.sub('[^a-z]+', '-', word).strip('-')}}}"


def table(header, rows, widths):
    """MyST text of a list-table."""
    lines = ["::::{list-table}", ":header-rows: 1", f":widths: {' '.join(map(str, widths))}", ":class: ledger", ""]
    for cells in [header, *rows]:
        lines += [f"{'* -' if k == 0 else '  -'} {cell}" for k, cell in enumerate(cells)]
    return "\n".join([*lines, "::::", ""])


def evidence_of(record):
    """A record's line without the ids, which stand beside it."""
    if record["call"] == "claim":
        return outcome_of(record)
    line, *invariant = record["text"].split("  ", 1)[1].split("; invariant: ")
    line += f", {len(invariant)} agree" if invariant else ""
    return line.replace("*", r"\*").replace("_", r"\_")


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
        self.book = str(Path(self.env.app.srcdir) / self.config.ledger_book)
        self.env.note_dependency(str(Path(self.book) / "ledger.yml"))
        holder = nodes.container()
        self.state.nested_parse(StringList(self.text().splitlines(), source="ledger"), self.content_offset, holder)
        return holder.children

    def cite(self, id):
        """A row's id as text, linked to its equation where a page shows it."""
        if f"paper-{id}" in ledger(self.book)[4]:
            return f"{{eq}}`eq:paper-{id}`"
        return f"({id})" if is_number(ledger(self.book)[0][id]) else f"`{id}`"

    def place(self, chapter):
        """A chapter's link, or its bare name while it is not written."""
        if (Path(self.book) / f"{chapter}.md").exists():
            return f"{{doc}}`/{self.config.ledger_book}/{chapter}`"
        return f"*{chapter.split('/')[-1]}*"

    def sections(self, kinds, cells, header, widths):
        """One table a chapter of the rows that `kinds` accepts."""
        rows, out = ledger(self.book)[0], []
        for chapter in dict.fromkeys(row["chapter"] for row in rows.values()):
            mine = [row for row in rows.values() if row["chapter"] == chapter and kinds(row)]
            if mine:
                lines = [cells(row) for row in mine]
                out += [f"**{sign(mine[0]['section'])}**: {self.place(chapter)}", "", table(header, lines, widths)]
        return "\n".join(out)


class Totals(Shown):
    """The totals as a row of cards."""

    def text(self):
        """One card a number, and what it counts."""
        t = totals(*ledger(self.book)[:2])
        cards = [
            (f"{t['settled']} / {t['equations']}", "numbered equations settled"),
            (t["slips"] + t["wrong"], f"of them misprinted: {t['slips']} slips, {t['wrong']} wrong"),
            (t["proved"], f"of them proved, {t['proved_with_all']} with all that they rest on"),
            (
                f"{t['claims_supported']} / {t['claims_judged']}",
                f"claims supported of those judged ({t['claims']} in all)",
            ),
            (f"{t['figures_remade']} / {t['figures']}", "figures remade"),
            (f"{t['own_proved']} / {t['own_results']}", "results of our own proved"),
            (t["mutants_rejected"], "wrong variants of the equations rejected"),
            (t["checks"], "checks in all"),
        ]
        lines = ["::::{grid} 2 2 4 4", ":gutter: 2", ":class-container: totals", ""]
        for number, what in cards:
            lines += [":::{grid-item-card}", ":text-align: center", f"[{number}]{{.total}}", "", what, ":::"]
        return "\n".join([*lines, "::::"])


class Table(Shown):
    """Every row that is not a figure: equations and other statements by default, claims with ``:claims:``."""

    option_spec = {"claims": directives.flag}

    def text(self):
        """One table a chapter."""
        _, records, status, verdict, _ = ledger(self.book)

        def statement(row):
            own, mine = status[row["id"]], [r for r in records if row["id"] in r["ids"]]
            kind = row["kind"] + (f" of {self.cite(row['of'])}" if "of" in row else "")
            checks = " ".join(map(evidence_of, mine)) or ("as its original" if "of" in row else "—")
            return self.cite(row["id"]), kind, *map(badge, own), checks

        def claim(row):
            said = " ".join(row.get("claim", "").split())
            said += "".join(f" · **{part}**: {' '.join(text.split())}" for part, text in row.get("parts", {}).items())
            found = "; ".join(evidence_of(r) for r in records if row["id"] in r["ids"] and r["call"] == "claim")
            return f"`{row['id']}`", said, badge(verdict[row["id"]]), found or "—"

        if "claims" in self.options:
            header, widths = ("claim", "in our words", "verdict", "over its domain, and outside"), (8, 42, 12, 38)
            return self.sections(lambda row: row["kind"] in ("claim", "panel"), claim, header, widths)
        header = ("row", "kind", "printed form", "evidence", "with what it uses", "checks")
        return self.sections(lambda row: row["id"] in status, statement, header, (8, 12, 14, 12, 12, 42))


class Excuses(Shown):
    """The checks that stay below a floor, with the reason that each gives."""

    def text(self):
        """A list."""
        found = [r for r in ledger(self.book)[1] if r.get("excuse")]
        names = [", ".join(map(self.cite, r["ids"])) for r in found]
        lines = [f"- {name}: {r['excuse']}" for name, r in zip(names, found, strict=True)]
        return "\n".join(lines) or "None."


class Displays(Shown):
    """Where displays stand that have no number and belong to no row, so that nothing checks them."""

    def text(self):
        """A list of chapters."""
        texts = read_texts(self.book)
        free = {page: sum(label is None for label, _ in displays(text)) for page, text in texts.items()}
        return "\n".join(f"- {self.place(page)}: {number}" for page, number in free.items() if number)


class Errata(Shown):
    """Every entry of one ``:kind:``: all rows that it names, printed and corrected form, evidence, consequence."""

    option_spec = {"kind": lambda value: directives.choice(value, tuple(ERRATA))}

    def text(self):
        """One block an entry; those whose check is still to come are listed as such."""
        rows, records, *_ = ledger(self.book)
        heads, out, waiting = errata(rows), [], []
        for head, row in rows.items():
            if row.get("erratum", {}).get("kind") != self.options["kind"]:
                continue
            members = [id for id, of in heads.items() if of == head]
            mine = [r for r in records if set(members) & set(r["ids"]) and "printed" in r]
            if not mine:
                waiting.append(self.cite(head))
                continue
            places = ", ".join(dict.fromkeys(self.place(rows[id]["chapter"]) for id in members))
            out += [f"**{', '.join(map(self.cite, members))}**, {sign(row['section'])}, {places}", ""]
            for id in members:
                for word, latex in (
                    ("Printed", rows[id].get("latex")),
                    ("Corrected", rows[id].get("erratum", {}).get("corrected")),
                ):
                    if latex:
                        which = f" {self.cite(id)}" if len(members) > 1 else ""
                        display = ["```{math}", ":nowrap:", rf"\[{latex.strip()}\]", "```", ""]
                        out += [f"{word}{which}:", "", *display]
            out += [row["erratum"]["consequence"], "", *(f"Evidence: {evidence_of(r)}" for r in mine), "", "---", ""]
        # A rule stands between two entries; a page may not end with one.
        del out[-2:]
        if waiting:
            out += ["", "---", ""] if out else []
            out += [f"Suspected, not yet checked in a chapter: {', '.join(waiting)}."]
        return "\n".join(out) or "None."


class Figures(Shown):
    """The figures: what is remade of them, what the text reads from them, the settings that the paper leaves open."""

    def text(self):
        """One table."""
        rows, records, _, verdict, _ = ledger(self.book)
        lines = []
        for id, row in rows.items():
            if row["kind"] != "figure":
                continue
            mine = [r for r in records if r["call"] == "figure" and id in r["ids"] and "shows" in r]
            settings = "; ".join(f"{key}: {value}" for r in mine for key, value in r["settings"].items())
            panels = "; ".join(f"`{i}` {badge(verdict[i])}" for r in mine for i in r["shows"])
            said = [f"`{i}` {badge(verdict[i])}" for r in mine for i in r["says"]]
            read = f"{verdict[id].supported} of {verdict[id].read} supported: {'; '.join(said)}" if said else "no claim"
            cells = (badge(verdict[id].remade), panels or "—", read if mine else "—", settings or "—")
            lines.append((f"`{id}`", self.place(row["chapter"]), *cells))
        header = ("figure", "chapter", "remade", "what its panels show", "what the text reads from it", "our settings")
        return table(header, lines, (8, 14, 10, 22, 22, 24))


class Card(Shown):
    """A chapter's first block: its result in a sentence, then what was checked, counted from its own notebook."""

    has_content = True
    option_spec = {"section": directives.unchanged_required, "runtime": directives.unchanged_required}

    def text(self):
        """An admonition."""
        chapter = self.env.docname.removeprefix(f"{self.config.ledger_book}/")
        mine = [r for r in ledger(self.book)[1] if r["chapter"] == chapter and r["call"] in CHECKS]
        corrected = {id for r in mine if r["call"] == "refutes" for id in r["ids"]}
        counts = f"{len(mine)} checks"
        if corrected:
            counts += f", {len(corrected)} statements of the paper corrected"
        line = f"*{counts} · runs in about {self.options['runtime']}*"
        section = self.options["section"]
        title = f"{section} of the paper" if section.startswith(("§", "Appendix")) else section
        head = [f":::{{admonition}} {title}", ":class: chapter-card", ""]
        return "\n".join([*head, *self.content, "", line, ":::"])


def sign(section):
    """A section of the paper with its sign; rows beyond the paper say "beyond"."""
    return section if section.islower() else f"§{section}"


def part(section):
    """The appendix, or the section of the main text: "F.3.1" is in "F", "2.2" in "2.2"."""
    return section.split(".")[0] if section[:1].isalpha() else section


class Graph(Shown):
    """What rests on what: a row of cells a section, coloured by effective evidence, as inline SVG."""

    def run(self):
        """Lay out in the paper's order; 18 cells a line."""
        self.book = str(Path(self.env.app.srcdir) / self.config.ledger_book)
        rows, _, status, _, shown = ledger(self.book)
        builder, here = self.env.app.builder, self.env.docname
        sections, at = {}, {}
        for id, row in rows.items():
            if id in status:
                sections.setdefault(part(row["section"]), []).append(id)
        width, height, per_line, y, parts, labels = 38, 24, 18, 0, [], []
        for section, ids in sorted(sections.items()):
            labels.append(f'<text x="0" y="{y + 16}" class="section">{escape(sign(section))}</text>')
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
            printed, _, effective = status[id]
            text = id if is_number(rows[id]) else "".join(w[0] for w in id.replace(".", "-").split("-") if w)
            title = f"{escape(id)}: {printed}, with what it uses {WORDS.get(effective, effective)}"
            cell = (
                f'<g class="cell status-{effective}"><title>{title}</title>'
                f'<rect x="{x}" y="{top}" width="34" height="20" rx="4"/>'
                f'<text x="{x + 17}" y="{top + 14}">{escape(text)}</text></g>'
            )
            if f"paper-{id}" in shown:
                page = builder.get_relative_uri(here, f"{self.config.ledger_book}/{shown[f'paper-{id}']}")
                cell = f'<a href="{page}#{nodes.make_id(f"equation-eq-paper-{id}")}">{cell}</a>'
            parts.append(cell)
        svg = f'<svg class="ledger-graph" viewBox="-2 -2 {70 + width * per_line} {y + 4}" role="img" '
        svg += 'aria-label="Every statement, coloured by its evidence; curves join what rests on what">'
        key = "".join(f'<span class="status status-{s}">{WORDS.get(s, s)}</span> ' for s in EVIDENCE)
        html = f'<div class="ledger-figure">{svg}{"".join(labels + parts)}</svg><p class="ledger-key">{key}</p></div>'
        return [nodes.raw("", html, format="html")]


def setup(app):
    """Register the directives."""
    app.add_config_value("ledger_book", "book", "env")
    for word, directive in {
        "ledger-totals": Totals,
        "ledger-table": Table,
        "ledger-excuses": Excuses,
        "ledger-displays": Displays,
        "ledger-graph": Graph,
        "errata-list": Errata,
        "figure-verdicts": Figures,
        "chapter-card": Card,
    }.items():
        app.add_directive(word, directive)
    app.connect("builder-inited", lambda app: ledger.cache_clear())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
