"""A field for the number that an exercise asks for, which says whether it is right, or what to look at.

```` ```{answer} stability-mean ```` stands inside an exercise. What is right is what a cell of the same page has glued
under that name; nothing is typed here but the tolerance. Where no script runs the field is not shown, and the exercise
and its solution are what they are without it. ``_static/answer.js`` is a classic script, so that it runs from a file.
"""

from math import isfinite

from carried import glued
from docutils import nodes
from docutils.parsers.rst import directives
from records._shown import notebooks
from sphinx.util.docutils import SphinxDirective


class answer(nodes.General, nodes.Element):
    """The place of one field."""


class Answer(SphinxDirective):
    """Ask for the number that a cell has glued under the name that is the argument."""

    required_arguments = 1
    has_content = False
    option_spec = {
        "ask": directives.unchanged_required,
        "tolerance": directives.unchanged_required,
        "hint": directives.unchanged,
    }

    def run(self):
        """The field, with what is right and how near one must come."""
        book, name = f"{self.env.app.srcdir}/{self.config.ledger_book}", self.arguments[0]
        chapter = self.env.docname.removeprefix(f"{self.config.ledger_book}/")
        texts = glued(book, chapter) if chapter in notebooks(book) else {}
        if name not in texts:
            raise self.error(f"no cell of this page has glued {name!r}; glued are {', '.join(texts) or 'none'}")
        if "ask" not in self.options:
            raise self.error("ask must say what the number is, as in 'b ='")
        right, tolerance = self.number(texts[name], name), self.number(self.options.get("tolerance", ""), "tolerance")
        if not tolerance > 0:
            raise self.error(f"tolerance must be positive, got {tolerance}")
        return [answer(ask=self.options["ask"], right=right, tolerance=tolerance, hint=self.options.get("hint", ""))]

    def number(self, text, name):
        """A finite number, or the directive's error."""
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not isfinite(value):
            raise self.error(f"{name} must be a number, got {text!r}")
        return value


def _open(writer, node):
    data = {f"data-{key}": str(node[key]) for key in ("right", "tolerance", "hint")}
    writer.body.append(writer.starttag(node, "form", CLASS="answer", hidden="hidden", **data))
    writer.body.append(
        f'<label>{writer.encode(node["ask"])} <input type="text" inputmode="text" autocomplete="off"></label>'
        '<button type="submit">Check</button><output></output></form>\n'
    )
    raise nodes.SkipNode


def _nothing(writer, node):
    raise nodes.SkipNode


def _script(app, page, template, context, doctree):
    if doctree and next(iter(doctree.findall(answer)), None) is not None:
        app.add_js_file("answer.js", loading_method="defer")


def setup(app):
    """Register the directive."""
    app.setup_extension("carried")
    plain = (_nothing, None)
    app.add_node(answer, html=(_open, None), latex=plain, text=plain, man=plain, texinfo=plain)
    app.add_directive("answer", Answer)
    app.connect("html-page-context", _script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
