"""What the paper's authors would want to know, on two sheets: generated, ordered by consequence."""

from collections import Counter

from lrnn_helpers.ledger._book import is_number, totals
from lrnn_helpers.ledger._errata import entries
from records._errata import first, span
from records._shown import Shown, named, slug

SHORT = 110  # characters of LaTeX that still fit a line of the letter


class Letter(Shown):
    """Four lists: conclusions that change, sentences that do not hold throughout, steps that change, slips."""

    def run(self):
        """One section a list."""
        self.begin()
        found = entries(self.rows, self.records)
        groups = {
            "What stands": [self._stands()],
            "Where a conclusion changes": [
                self._entry(e) + f" *Changes:* {e['conclusion']}." for e in found if e["changes"]
            ],
            "Sentences of the text that do not hold on their whole domain": self._claims(),
            "Where a step is wrong, and no conclusion changes": [
                self._entry(e) for e in found if not e["changes"] and e["kind"] == "substantive"
            ],
            "Where a condition is missing, and no conclusion changes": [
                self._entry(e) for e in found if not e["changes"] and e["kind"] == "condition"
            ],
            "Slips": [self._entry(e) for e in found if not e["changes"] and e["kind"] == "slip"],
        }
        out = []
        for title, lines in groups.items():
            if lines:
                section = self.section(title, f"letter-{slug(title.lower())}")
                section += self.parsed("\n".join(f"- {line}" for line in lines) if len(lines) > 1 else lines[0])
                out.append(section)
        return out

    def _stands(self):
        t = totals(self.rows, self.records)
        printed = Counter(
            self.status[id].printed for id, row in self.rows.items() if is_number(row) and id in self.status
        )
        right = printed["right"] + printed["definition"]
        judged = Counter(self.verdict[id] for id, row in self.rows.items() if row["kind"] == "claim")
        return (
            f"Of the {t['equations']} numbered equations {right} are right as printed, "
            f"{t['proved']} of them or of their corrected forms proved in general; "
            f"{printed['right under a stated condition']} are right under a condition, {t['slips']} have a slip, "
            f"{t['wrong']} are wrong and have a corrected form. Of the {t['claims']} claims that we count in the text "
            f"{judged['supported']} hold wherever they were tried, {judged['in part']} in part, "
            f"{judged['not supported']} not as worded, and {judged['open']} we have not tried. "
            f"{t['figures_remade']} of {t['figures']} figures are remade."
        )

    def _entry(self, entry):
        name = f"**{{ref}}`{span(self.rows, entry['rows'])} <erratum-{slug(entry['id'])}>`** (§{entry['section']})."
        corrected = [form["corrected"] for form in entry["forms"] if "corrected" in form]
        reads = f" Should read ${corrected[0]}$." if len(entry["rows"]) == 1 and len(corrected[0]) <= SHORT else ""
        said = entry["consequence"] if entry["changes"] else first(entry["consequence"]).removesuffix(".") + "."
        return f"{name} {said}{reads}"

    def _claims(self):
        """One line for each claim with a part that fails: those parts, with how often they held."""
        lines = []
        for id, row in self.rows.items():
            mine = [r for r in self.records if r["call"] == "claim" and r["ids"] == [id] and row["kind"] == "claim"]
            failed = [r for r in mine if r["verdict"] == "not supported"]
            if failed:
                tried = "; ".join(f"{r['sentence'].removesuffix('.')} ({r['held']} of {r['cases']})" for r in failed)
                holds = len(mine) - len(failed)
                others = f" {holds} other {'part holds' if holds == 1 else 'parts hold'}." if holds else ""
                lines.append(
                    (row["section"], f"**{{ref}}`{named(self.rows, id)} <claim-{slug(id)}>`.** {tried}.{others}")
                )
        return [line for _, line in sorted(lines, key=lambda pair: pair[0][:1].isalpha())]
