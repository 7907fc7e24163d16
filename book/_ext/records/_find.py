"""An index by the paper's own names: its sections and pages, numbers, figures, claims, and the book's headings."""

import json
import re
from html import escape, unescape
from pathlib import Path

import yaml
from docutils import nodes

from lrnn_helpers.ledger._book import errata, is_number
from lrnn_helpers.ledger._errata import entries
from records._shown import Shown, anchor, named, sign, slug, tag


def contents(book):
    """The paper's table of contents, ``contents.yml``: dicts of section, title and, where it names one, page."""
    path = Path(book) / "contents.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []


def pages(listed, section):
    """The pages on which a section may stand, "17–19": from its own to that of the next one; "" where none is named."""
    numbered = [entry for entry in listed if "page" in entry]
    for end in range(len(section), 0, -1):
        for here, entry in enumerate(numbered):
            if entry["section"] == section[:end].rstrip("."):
                later = numbered[here + 1]["page"] if here + 1 < len(numbered) else entry["page"]
                return f"{entry['page']}–{later}" if later > entry["page"] else str(entry["page"])
    return ""


def worded(text):
    """A sentence as HTML, with its mathematics between dollars for MathJax."""
    return re.sub(r"\$([^$]+)\$", r'<span class="math">\\(\1\\)</span>', escape(text))


def folded(lines):
    """A list under a line that says how long it is; without a script it is open."""
    listed = f'<ul class="find-list">{"".join(lines)}</ul>'
    return f'<details class="rows" open><summary>{len(lines)} lines</summary>{listed}</details>'


class Find(Shown):
    """One line for everything that the paper numbers; `fill` adds the book's headings once every page is read."""

    def run(self):
        """The box and the lines."""
        self.begin()
        self.listed = contents(self.book)
        self.entry = {id: head for id, head in errata(self.rows).items() if self._entered(head)}
        of = list(self.rows.values())
        groups = {
            "Sections of the paper": [self._section(each) for each in self.listed],
            "Equations": [self._equation(row["id"]) for row in of if is_number(row)],
            "Figures": [self._figure(row["id"]) for row in of if row["kind"] == "figure"],
            "Claims of the text": [self._claim(row["id"]) for row in of if row["kind"] == "claim"],
            "Assumptions, lemmas, steps of proofs, results of ours": [
                self._claim(row["id"]) for row in of if not is_number(row) and row["id"] in self.status
            ],
        }
        html = (
            '<form class="records-filter" hidden role="search" aria-label="Filter the lines"><label class="wide">find '
            '<input type="search" name="words" autocomplete="off" placeholder="(47), Figure A5, 3.4.5, page 26">'
            '</label><button type="reset">all lines</button><output aria-live="polite"></output></form>'
        )
        out = [nodes.raw("", html, format="html")]
        for title, lines in groups.items():
            if lines:
                section = self.section(title, f"find-{slug(title.lower())}")
                section += nodes.raw("", folded(lines), format="html")
                out.append(section)
        section = self.section("Headings of this book", "find-headings")
        section += nodes.raw("", "", format="html", find=True)
        return [*out, section]

    def _entered(self, head):
        return any(entry["id"] == head for entry in entries(self.rows, self.records))

    def _line(self, keys, links, words):
        shown = " · ".join(f'<a href="{address}">{escape(text)}</a>' for address, text in links if address)
        return f'<li data-keys="{escape(keys)}">{shown} <span class="what">{words}</span></li>'

    def _where(self, section):
        found = pages(self.listed, section)
        if not found:
            return sign(section), ""
        first, _, last = found.partition("–")
        keys = " ".join(f"page {page}" for page in range(int(first), int(last or first) + 1))
        return f"§{section}, page {found} of the paper", keys

    def _section(self, entry):
        name = entry["section"]
        inside = [r for r in self.rows.values() if f"{r['section']}.".startswith(f"{name}.")]
        chapters = [r["chapter"] for r in inside if (Path(self.book) / f"{r['chapter']}.md").exists()]
        word = "Appendix" if name.isalpha() else "§"
        title = f"{word} {name}".replace("§ ", "§")
        where, keys = self._where(name)
        links = [(self.uri(chapters[0]), f"{title} {entry['title']}")] if chapters else []
        words = where.partition(", ")[2] if links else f"{title} {escape(entry['title'])}, no chapter here"
        return self._line(f"section {title} {name} {keys} {entry.get('also', '')}", links, words)

    def _rows(self, id):
        return self.uri("ledger", anchor(self.rows, id))

    def _equation(self, id):
        row = self.rows[id]
        where, keys = self._where(row["section"])
        links = [(self.equation(id), f"({id})")]
        if id in self.status:
            links.append((self._rows(id), "row"))
            where += f" {tag(self.status[id].printed)}"
        else:
            where += " an empty line"
        if id in self.entry:
            links.append((self.uri("errata", f"erratum-{slug(id)}"), "erratum"))
        words = f"{'' if links[0][0] else f'({id}) '}{where}"
        return self._line(f"equation {id} eq {id} ({id}) {keys}", links, words)

    def _figure(self, id):
        row, name = self.rows[id], named(self.rows, id)
        where, keys = self._where(row["section"])
        links = [(self.uri(row["chapter"], row["plot"]) if "plot" in row else "", name)]
        links.append((self.uri("figures", anchor(self.rows, id)), "verdicts and settings" if "plot" in row else name))
        return self._line(
            f"{name} fig {id.removeprefix('fig-')} {id} {keys}", links, f"{where}: {worded(row['claim'])}"
        )

    def _claim(self, id):
        row, name = self.rows[id], named(self.rows, id)
        where, keys = self._where(row["section"])
        words = " ".join((row.get("claim") or "; ".join(row.get("parts", {}).values())).split())
        word = self.status[id].printed if id in self.status else self.verdict[id]
        return self._line(
            f"{row['kind']} {name} {id} {keys}", [(self._rows(id), name)], f"{where} {tag(word)} {worded(words)}"
        )


def fill(app, doctree, docname):
    """The headings of every page of the book, where the index asks for them."""
    for mark in [node for node in doctree.findall(nodes.raw) if node.get("find")]:
        lines = []
        for page in _in_order(app.env):
            base = app.builder.get_relative_uri(docname, page)
            title = app.env.titles[page].astext()
            for reference in app.env.tocs[page].findall(nodes.reference):
                text = reference.astext()
                if _depth(reference) > 2 or (text != title and page == docname):
                    continue
                keys = "chapter" if text == title else title
                words = "" if text == title else f'<span class="what">{escape(title)}</span>'
                address = base + reference["anchorname"]
                lines.append(f'<li data-keys="{escape(keys)}"><a href="{address}">{escape(text)}</a> {words}</li>')
        mark.replace_self(nodes.raw("", folded(lines), format="html"))


def _in_order(env):
    """The pages in the order of the table of contents."""
    order, queue = [], [env.config.root_doc]
    while queue:
        page = queue.pop(0)
        order.append(page)
        queue = [p for p in env.toctree_includes.get(page, ()) if p in env.titles] + queue
    return order


def _depth(reference):
    depth, node = 0, reference
    while node is not None:
        depth += isinstance(node, nodes.bullet_list)
        node = node.parent
    return depth


LINE = re.compile(r'<li data-keys="([^"]*)">(.*?)</li>', re.S)


def write_index(app, exception):
    """The lines of the page, as a script for the search page, whose own index knows no number of the paper."""
    page = f"{app.config.ledger_book}/find"
    written = Path(app.outdir) / f"{page}.html"
    if exception or app.builder.format != "html" or not written.exists():
        return
    lines = LINE.findall(written.read_text(encoding="utf-8"))
    home = f"{app.config.ledger_book}/"
    found = [
        (
            unescape(f"{keys} {re.sub('<[^>]+>', ' ', line)}"),
            re.sub(r'href="(?!https?:|#)', f'href="{home}', line).replace('href="#', f'href="{page}.html#'),
        )
        for keys, line in lines
    ]
    script = Path(app.outdir) / "_static" / "find-index.js"
    script.write_text(f"window.bookFind = {json.dumps(found, ensure_ascii=False)};\n", encoding="utf-8")
