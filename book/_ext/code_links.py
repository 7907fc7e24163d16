"""Names of the package in cells link to their page: the first time that a cell names them.

The names are found in the notebook's syntax trees (imports say what a name stands for), their places in Sphinx's own
index of Python objects, so a name that has no page stays as it is. Marks of the highlighter that have the colour of the
text are left out: they are a third of a long chapter's bytes.
"""

import re
from html import escape

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator
from verdicts import PACKAGE, Links, imports, resolve

NAME = r'<span class="n[a-z]*">(\w+)</span>'
DOTTED = re.compile(rf'(?<!<span class="o">\.</span>){NAME}((?:<span class="o">\.</span>{NAME})*)')
PART = re.compile(r'<span class="n[a-z]*">(\w+)</span>')
# Names, punctuation and spaces; a test holds it against the style sheet.
PLAIN = re.compile(r'<span class="(?:n|nn|nx|p|pm|w)">([^<]*)</span>')


def linked(html, known, address):
    """Highlighted code with each name that `address` knows made a link where it stands first."""
    seen = set()

    def link(match):
        parts = PART.findall(match[0])
        for length in range(len(parts), 0, -1):
            full = resolve(".".join(parts[:length]), known)
            if full is None or not re.match(rf"{PACKAGE}\.\w+\.\w", full):
                continue
            place = address(full)
            if place and full not in seen:
                seen.add(full)
                end = list(PART.finditer(match[0]))[length - 1].end()
                return f'<a class="code-link" href="{escape(place)}">{match[0][:end]}</a>{match[0][end:]}'
        return match[0]

    return DOTTED.sub(link, html)


class CodeLinks(SphinxPostTransform):
    """Say at each cell's code what its names stand for."""

    default_priority = 195
    formats = ("html",)

    def run(self, **kwargs):
        """Mark the cells of one page."""
        links = Links(self.app, self.env.docname)
        notebook = links.ledger.notebooks.get(self.env.docname.removeprefix(f"{self.config.ledger_book}/"))
        if notebook is None:
            return
        known = {name: full for name, full in imports(notebook).items() if full.split(".")[0] == PACKAGE}
        for source in self.document.findall(nodes.container):
            if source.get("nb_element") == "cell_code_source":
                for block in source.findall(nodes.literal_block):
                    block["names"], block["code_links"] = [], (known, links.api)


def _visit(self, node):
    start = len(self.body)
    try:
        HTML5Translator.visit_literal_block(self, node)
    finally:
        parts = self.body[start:]
        if "code_links" in node:
            parts = [linked(part, *node["code_links"]) for part in parts]
        self.body[start:] = [PLAIN.sub(r"\1", part) for part in parts]


def _depart(self, node):
    HTML5Translator.depart_literal_block(self, node)


def setup(app):
    """Register the extension."""
    app.add_post_transform(CodeLinks)
    app.add_node(nodes.literal_block, override=True, html=(_visit, _depart))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
