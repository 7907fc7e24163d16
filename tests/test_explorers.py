"""The explorers: their mathematics against the package, their plumbing on a small book, their words by keyboard."""

import json
import re
import sys

import numpy as np
import pytest
from conftest import ROOT
from test_site import Visit, browser  # noqa: F401  (a fixture)

from lrnn_helpers import dynamics, modes, solutions
from lrnn_helpers.modes import Modes

sys.path.insert(0, str(ROOT / "book" / "_ext"))
from explorer import EXPLORERS  # noqa: E402

SCRIPTS = ROOT / "book" / "_static" / "explorers"
CASES = 200
CONF = """
extensions = ["myst_nb", "sphinx.ext.mathjax", "explorer", "mathjax_local"]
html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["book.css"]
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
"""


@pytest.fixture(scope="session")
def small_book(tmp_path_factory):
    """A notebook with every explorer in a Markdown cell of its own, a page with one, a page with none; built."""
    import nbformat
    from sphinx.application import Sphinx

    source = tmp_path_factory.mktemp("explorers")
    cells = ["# All of them", *(f"```{{explorer}} {name}\n```" for name in EXPLORERS)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text) for text in cells])
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    nbformat.write(notebook, source / "all.ipynb")
    (source / "one.md").write_text("# One\n\n```{explorer} one-mode\n```\n", encoding="utf-8")
    (source / "none.md").write_text("# None\n\nNothing to move.\n", encoding="utf-8")
    index = "# Index\n\n```{toctree}\nall\none\nnone\n```\n"
    (source / "index.md").write_text(index, encoding="utf-8")
    (source / "conf.py").write_text(CONF, encoding="utf-8")
    (source / "_static").symlink_to(ROOT / "book" / "_static")
    app = Sphinx(source, source, source / "html", source / "doctrees", "html", status=None, warningiserror=True)
    app.build()
    assert app.statuscode == 0
    return source / "html"
