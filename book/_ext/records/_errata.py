"""The errata: a table of all, then each with its two forms and its evidence."""

import re

from docutils import nodes
from docutils.parsers.rst import directives

from lrnn_helpers.ledger._book import ERRATA, errata
from lrnn_helpers.ledger._errata import entries
from records._shown import Shown, evidence_of, named, slug

KINDS = {"substantive": "wrong", "condition": "right under a condition", "slip": "slip"}


def first(text):
    """The first sentence of a consequence."""
    return re.split(r"(?<=[.:;])\s", text, maxsplit=1)[0].rstrip(":;")


def span(rows, ids):
    """The names of rows, runs of consecutive numbers drawn together: "(114) to (121), (123)"."""
    runs = []
    for id in ids:
        if runs and id.isdigit() and runs[-1][-1].isdigit() and int(id) == int(runs[-1][-1]) + 1:
            runs[-1].append(id)
        else:
            runs.append([id])
    names = [[named(rows, id) for id in run] for run in runs]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in names)


class Summary(Shown):
    """All errata in one table, those first that change a conclusion."""

    def run(self):
        """A row an entry, linked to it."""
        self.begin()
        header = ("where", "what", "in a word", "which conclusion of the paper changes")
        lines = []
        for entry in entries(self.rows, self.records):
            name = f"{{ref}}`{span(self.rows, entry['rows'])} <erratum-{slug(entry['id'])}>`"
            cells = (name, KINDS[entry["kind"]], first(entry["consequence"]), entry["conclusion"])
            lines.append((f"errata-line-{slug(entry['id'])}", [f"kind-{entry['kind']}"], cells, []))
        return [self.tabled(header, lines, (14, 12, 40, 34), "errata")]


class Errata(Shown):
    """Every entry of one ``:kind:`` that changes no conclusion, or with ``:changes:`` those that do, of any kind."""

    option_spec = {"kind": lambda value: directives.choice(value, tuple(ERRATA)), "changes": directives.flag}

    def run(self):
        """One section an entry."""
        self.begin()
        wanted = {"changes": True} if "changes" in self.options else {"changes": False, "kind": self.options["kind"]}
        mine = [e for e in entries(self.rows, self.records) if wanted.items() <= e.items()]
        return [self._entry(entry) for entry in mine] or self.parsed("None.")

    def _entry(self, entry):
        members, name = entry["rows"], f"erratum-{slug(entry['id'])}"
        section = self.section(f"{span(self.rows, members)}", name, ["erratum"])
        for id in members[1:]:
            # a citation of any row leads to its own form, or to the entry
            std = self.env.get_domain("std")
            std.anonlabels[f"erratum-{slug(id)}".lower()] = (self.env.docname, f"erratum-{slug(id)}")
            std.labels[f"erratum-{slug(id)}".lower()] = (self.env.docname, f"erratum-{slug(id)}", named(self.rows, id))
        places = ", ".join(map(self.place, entry["chapters"]))
        changes = entry["conclusion"] if entry["changes"] else "none"
        section += self.parsed(
            f"§{entry['section']}, {KINDS[entry['kind']]}; checked in {places}.\n\n{entry['consequence']}\n\n"
            f"**Conclusion that changes:** {changes}.\n"
        )
        forms = {form["id"]: form for form in entry["forms"]}
        for id in members:
            holder = nodes.container(classes=["forms"], ids=[] if id == entry["id"] else [f"erratum-{slug(id)}"])
            for side, word in (("printed", "Printed"), ("corrected", "Corrected")):
                if side in forms.get(id, {}):
                    which = f" {self.cite(id)}" if len(members) > 1 else ""
                    display = ["```{math}", ":nowrap:", rf"\[{forms[id][side]}\]", "```", ""]
                    text = "\n".join([f"{word}{which}:", "", *display])
                    holder += nodes.container("", *self.parsed(text), classes=["form", side])
            if len(holder) or holder["ids"]:
                section += holder
        lines = [f"- {evidence_of(record)}" for record in entry["evidence"]]
        section += self.parsed("\n".join(["Evidence:", "", *lines]))
        return section


class Waiting(Shown):
    """Errata whose check is still to come."""

    def text(self):
        """A sentence, or nothing."""
        shown = {id for entry in entries(self.rows, self.records) for id in entry["rows"]}
        waiting = [head for id, head in errata(self.rows).items() if id == head and id not in shown]
        lines = [f"- {self.cite(id)}: {self.rows[id]['erratum']['consequence'].strip()}" for id in waiting]
        return "\n".join(["No check of their own:", "", *lines]) if lines else ""
