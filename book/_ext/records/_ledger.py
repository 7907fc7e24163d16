"""The ledger's page: totals, the box that filters, the tables of statements and of claims, the checks below a floor."""

from collections import Counter
from html import escape

from docutils import nodes
from docutils.parsers.rst import directives

from lrnn_helpers.ledger._book import EVIDENCE, PRINTED, VERDICTS, totals
from lrnn_helpers.ledger._errata import entries
from lrnn_helpers.ledger._seal import displays, read_texts
from records._shown import WORDS, Shown, anchor, badge, evidence_of, listed, named, sign, slug, statement, tag

# What a reader looks for first when wrong forms come first.
GRAVEST = ("wrong (no correction known)", "wrong (corrected)", "right under a stated condition", "slip")
GRAVEST += ("not supported", "in part", "open")
CLOSE = nodes.raw("", "</details>", format="html")


class Totals(Shown):
    """The totals as a row of cards."""

    def text(self):
        """One card a number, and what it counts."""
        t = totals(self.rows, self.records)
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


class Filter(Shown):
    """The box that filters the tables of its page; without JavaScript it stays hidden and every row is there."""

    def run(self):
        """A form, whose choices are those that occur."""
        self.begin()
        of = self.rows.values()
        part = lambda row: row["section"].split(".")[0] if row["section"][:1].isalpha() else row["section"]  # noqa: E731
        shown = [row for row in of if row["kind"] not in {"figure", "empty"}]
        count = {
            "section": Counter(f"in-{slug(part(row))}" for row in shown),
            "kind": Counter(f"kind-{slug(row['kind'])}" for row in shown),
            "verdict": Counter(f"verdict-{slug(self._word(row['id']))}" for row in shown),
            "evidence": Counter(f"evidence-{s.own}" for s in self.status.values()),
        }
        words = {
            "section": {f"in-{slug(part(row))}": sign(part(row)) for row in shown},
            "kind": {f"kind-{slug(row['kind'])}": row["kind"] for row in shown},
            "verdict": {f"verdict-{slug(word)}": word for word in (*PRINTED, *VERDICTS)},
            "evidence": {f"evidence-{word}": WORDS.get(word, word) for word in EVIDENCE},
        }
        fields = []
        for name, options in words.items():
            choices = [
                f'<option value="{k}">{escape(w)} ({count[name][k]})</option>'
                for k, w in options.items()
                if count[name][k]
            ]
            fields.append(
                f'<label>{name} <select name="{name}"><option value="">any</option>{"".join(choices)}</select></label>'
            )
        html = (
            '<form class="records-filter" hidden role="search" aria-label="Filter the rows">'
            '<label class="wide">find <input type="search" name="words" autocomplete="off" '
            'placeholder="106, kernel, ours, 3.4.5"></label>'
            f"{''.join(fields)}"
            '<label class="check"><input type="checkbox" name="gravest"> wrong forms first</label>'
            '<button type="reset">all rows</button><output aria-live="polite"></output></form>'
        )
        return [nodes.raw("", html, format="html")]

    def _word(self, id):
        return self.status[id].printed if id in self.status else str(self.verdict[id])


class Table(Shown):
    """Every row that is not a figure: equations and other statements by default, claims with ``:claims:``."""

    option_spec = {"claims": directives.flag}

    def run(self):
        """One section for each chapter: a line with its totals, under it the table."""
        self.begin()
        claims, out = "claims" in self.options, []
        self.entered = {id for entry in entries(self.rows, self.records) for id in entry["rows"]}
        for chapter in dict.fromkeys(row["chapter"] for row in self.rows.values()):
            of = [row for row in self.rows.values() if row["chapter"] == chapter]
            mine = [r for r in of if (r["kind"] in ("claim", "panel") if claims else r["id"] in self.status)]
            if not mine:
                continue
            name = f"{'claims' if claims else 'rows'}-{slug(chapter)}"
            section = self.section(self.place(chapter), name)
            section += nodes.raw("", f'<details class="rows" open><summary>{self._sums(mine)}</summary>', format="html")
            if claims:
                header, widths = ("claim", "in our words", "verdict", "over its domain, and outside"), (12, 38, 12, 38)
                section += self.tabled(header, [self._claim(row) for row in mine], widths, "claims")
            else:
                header = ("row", "what", "printed form", "evidence", "with what it uses")
                section += self.tabled(
                    header, [self._statement(row) for row in mine], (14, 41, 17, 14, 14), "statements"
                )
            section += CLOSE.deepcopy()
            out.append(section)
        return out

    def _sums(self, mine):
        """How many rows a chapter has, by printed form and evidence or by verdict."""
        ids = [row["id"] for row in mine]
        if ids[0] in self.status:
            words = Counter(self.status[id].printed for id in ids), Counter(self.status[id].own for id in ids)
            orders = PRINTED, EVIDENCE
        else:
            words, orders = (Counter(self.verdict[id] for id in ids),), (VERDICTS,)
        sums = [
            " ".join(f"{found[word]} {tag(word)}" for word in order if found[word])
            for found, order in zip(words, orders, strict=True)
        ]
        return f"{len(ids)} {'row' if len(ids) == 1 else 'rows'}: {' · '.join(sums)}"

    def _classes(self, row, word):
        section = row["section"].split(".")[0] if row["section"][:1].isalpha() else row["section"]
        grave = GRAVEST.index(word) if word in GRAVEST else len(GRAVEST)
        return [f"kind-{slug(row['kind'])}", f"in-{slug(section)}", f"verdict-{slug(word)}", f"grave-{grave}"]

    def _link(self, id):
        """A row's name, linked to its equation, else to the cell that judges it."""
        self.citable(anchor(self.rows, id), named(self.rows, id))
        if f"paper-{id}" in self.shown:
            return self.cite(id)
        judged = any(id in record["ids"] for record in self.records)
        return f"{{ref}}`{named(self.rows, id)} <check-{slug(id)}>`" if judged else named(self.rows, id)

    def _statement(self, row):
        id, own = row["id"], self.status[row["id"]]
        what = row["kind"] + (f" of {self.cite(row['of'])}" if "of" in row else "")
        what += f": {' '.join(row['claim'].split())}" if "claim" in row else ""
        what += f" · {{ref}}`erratum <erratum-{slug(id)}>`" if id in self.entered else ""
        checks = [evidence_of(r) for r in self.records if id in r["ids"]]
        checks = checks or (["as its original"] if "of" in row else [])
        folded = '<details class="statement"><summary>statement and checks</summary>' + statement(row, self._here)
        more = [nodes.raw("", folded, format="html"), *self.parsed(listed(checks, "no check")), CLOSE.deepcopy()]
        classes = [*self._classes(row, own.printed), f"evidence-{own.own}"]
        return anchor(self.rows, id), classes, (self._link(id), what, *map(badge, own)), more

    def _here(self, id):
        return f'<a href="#{anchor(self.rows, id)}">{escape(named(self.rows, id))}</a>'

    def _claim(self, row):
        id = row["id"]
        said = [f"{' '.join(row.get('claim', '').split())}"]
        said += [f"**{part}**: {' '.join(text.split())}" for part, text in row.get("parts", {}).items()]
        found = [evidence_of(r) for r in self.records if id in r["ids"] and r["call"] == "claim"]
        for entry in row.get("carried", ()):
            other, _, part = entry.partition("/")
            found.append(f"carried by {self.cite(other)}{f', {part}' if part else ''}")
        found += [f"read from {self.cite(row['figure'])}"] if row.get("figure") in self.rows else []
        cells = (self._link(id), listed([line for line in said if line]), badge(self.verdict[id]), listed(found))
        return anchor(self.rows, id), self._classes(row, self.verdict[id]), cells, []


class Excuses(Shown):
    """The checks that stay below a floor, with the reason that each gives."""

    def text(self):
        """A list."""
        found = [r for r in self.records if r.get("excuse")]
        names = [", ".join(map(self.cite, r["ids"])) for r in found]
        return "\n".join(f"- {name}: {r['excuse']}" for name, r in zip(names, found, strict=True)) or "None."


class Displays(Shown):
    """Where displays stand that have no number and belong to no row, so that nothing checks them."""

    def text(self):
        """A list of chapters."""
        texts = read_texts(self.book)
        free = {page: sum(label is None for label, _ in displays(text)) for page, text in texts.items()}
        return "\n".join(f"- {self.place(page)}: {number}" for page, number in free.items() if number)
