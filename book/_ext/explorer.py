"""Explorers: small pictures with sliders, drawn in the reader's browser.

```` ```{explorer} one-mode ```` places one. Its scripts are added to the pages that have it and to no others; where no
script runs, in a PDF and on paper from the source, its questions stand with their answers and a sentence that says what
could be moved. What an explorer computes is in ``_static/explorers/lrnn.js``, which tests/test_explorers.py holds
against the package.
"""

from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

TABLE = "mutant-table"  # what the explorer of mutants shows
TEXTS = Path(__file__).with_name("explorers.yml")
EXPLORERS = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))


class explorer(nodes.General, nodes.Element):
    """The place of one explorer; its children are what stands there without scripts."""


class Explorer(SphinxDirective):
    """Place the explorer that the one argument names."""

    required_arguments = 1

    def run(self):
        """Title, fallback and questions, as MyST text."""
        name = self.arguments[0]
        if name not in EXPLORERS:
            raise self.error(f"there is no explorer {name!r}; there are {', '.join(EXPLORERS)}")
        self.env.note_dependency(str(TEXTS))
        texts = EXPLORERS[name]
        title = texts["title"]
        place = explorer(name=name, title=title)
        place += nodes.paragraph("", title, classes=["explorer-title"])
        place += nodes.paragraph("", texts["fallback"], classes=["explorer-fallback"])
        text = "\n".join(f"1. {q['ask']}\n\n   {q['answer']}\n" for q in texts["questions"])
        self.state.nested_parse(StringList(text.splitlines(), source=f"explorer {name}"), self.content_offset, place)
        return [place]


def _open(writer, node):
    place = {"data-explorer": node["name"], "role": "group", "aria-label": f"Explorer: {node['title']}"}
    writer.body.append(writer.starttag(node, "div", CLASS="explorer", **place))


def _close(writer, node):
    writer.body.append("</div>\n")


def _nothing(writer, node):
    pass


def _scripts(app, page, template, context, doctree):
    names = dict.fromkeys(place["name"] for place in doctree.findall(explorer)) if doctree else ()
    if names:
        app.add_css_file("explorers/explorers.css")
        data = [TABLE] if "mutants" in names else []
        for script in ("lrnn", "explorer", *data, *names):
            app.add_js_file(f"explorers/{script}.js", loading_method="defer")


def setup(app):
    """Register the directive."""
    plain = (_nothing, _nothing)
    app.add_node(explorer, html=(_open, _close), latex=plain, text=plain, man=plain, texinfo=plain)
    app.add_directive("explorer", Explorer)
    app.connect("html-page-context", _scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
