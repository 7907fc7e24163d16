"""What rests on what: every statement by name, coloured by effective evidence; a script draws what one rests on."""

from html import escape

from docutils import nodes

from lrnn_helpers.ledger._book import EVIDENCE, is_number
from records._shown import WORDS, Shown, anchor, named, sign, slug, tag


class Graph(Shown):
    """A list of links to the rows, in lines that wrap, so that it is read on a phone and without JavaScript.

    ``data-uses`` holds the edges. A script draws, into the SVG that lies over the list, those that lead from the node
    under the pointer or in focus down to all that it rests on, and shows its statement.
    """

    def run(self):
        """One line a section."""
        self.begin()
        sections = {}
        for id, row in self.rows.items():
            if id in self.status:
                part = row["section"].split(".")[0] if row["section"][:1].isalpha() else row["section"]
                sections.setdefault(part, []).append(id)
        lines = [
            f'<div class="graph-line"><h3>{escape(sign(part))}</h3><ul>{"".join(map(self._node, ids))}</ul></div>'
            for part, ids in sorted(sections.items())
        ]
        key = " ".join(tag(word) for word in EVIDENCE)
        html = (
            f'<p class="ledger-key">{key}</p>'
            '<div class="ledger-graph" role="group" aria-label="Every statement, coloured by its evidence">'
            f'<svg class="edges" aria-hidden="true" focusable="false"></svg>{"".join(lines)}</div>'
            '<div class="graph-panel" hidden role="status"></div>'
        )
        return [nodes.raw("", html, format="html")]

    def _node(self, id):
        uses = [u for u in (*self.rows[id].get("uses", ()), *self.rows[id].get("proof", ())) if u in self.status]
        uses += [self.rows[id]["of"]] if self.rows[id].get("of") in self.status else []
        effective = self.status[id].effective
        text = id if is_number(self.rows[id]) else named(self.rows, id)
        edges = " ".join(map(slug, dict.fromkeys(uses)))
        return (
            f'<li><a id="node-{slug(id)}" class="node status-{effective}" href="#{anchor(self.rows, id)}" '
            f'data-uses="{edges}" title="{WORDS.get(effective, effective)}">{escape(text)}</a></li>'
        )
