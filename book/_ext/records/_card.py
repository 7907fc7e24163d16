"""A chapter's first block."""

from docutils.parsers.rst import directives

from lrnn_helpers.ledger._book import CHECKS
from lrnn_helpers.ledger._errata import entries
from records._shown import Shown, named, slug


class Card(Shown):
    """A chapter's first block: its result in a sentence, then what was checked, counted from its own notebook."""

    has_content = True
    option_spec = {"section": directives.unchanged_required, "runtime": directives.unchanged_required}

    def begin(self):
        """A chapter is no page of the records."""
        super().begin()
        del self.env.metadata[self.env.docname]["records"]

    def text(self):
        """An admonition."""
        chapter = self.env.docname.removeprefix(f"{self.config.ledger_book}/")
        mine = [r for r in self.records if r["chapter"] == chapter and r["call"] in CHECKS]
        corrected = {id for r in mine if r["call"] == "refutes" for id in r["ids"]}
        counts = f"{len(mine)} checks"
        if corrected:
            counts += f", {len(corrected)} statement{'s' if len(corrected) > 1 else ''} of the paper corrected"
        links = self._links(chapter)
        lines = [*self.content, "", *([f"In the records: {' · '.join(links)}", ""] if links else [])]
        lines.append(f"*{counts} · runs in about {self.options['runtime']}*")
        section = self.options["section"]
        title = f"{section} of the paper" if section.startswith(("§", "Appendix")) else section
        return "\n".join([f":::{{admonition}} {title}", ":class: chapter-card", "", *lines, ":::"])

    def _links(self, chapter):
        """To the chapter's rows, claims, errata and figures."""
        mine = [row for row in self.rows.values() if row["chapter"] == chapter]
        links = [f"{{ref}}`statements <rows-{slug(chapter)}>`"] if any(row["id"] in self.status for row in mine) else []
        if any(row["kind"] in ("claim", "panel") for row in mine):
            links.append(f"{{ref}}`claims <claims-{slug(chapter)}>`")
        heads = [e["id"] for e in entries(self.rows, self.records) if chapter in e["chapters"]]
        if heads:
            names = (f"{{ref}}`{named(self.rows, id)} <erratum-{slug(id)}>`" for id in heads)
            links.append(f"{'erratum' if len(heads) == 1 else 'errata'} {', '.join(names)}")
        links += [f"{{ref}}`{named(self.rows, r['id'])} <{slug(r['id'])}>`" for r in mine if r["kind"] == "figure"]
        return links
