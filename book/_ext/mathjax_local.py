"""Serve MathJax from the book itself, so that a page read offline has its mathematics.

The files come with the package `django-static-mathjax`; only what a page can ask for is copied: the component, its
fonts, and the TeX extensions that it loads when a command needs one.
"""

import shutil
from importlib.resources import as_file, files

COMPONENT = "tex-chtml.js"
FOLDERS = ("output/chtml/fonts/woff-v2", "input/tex/extensions")


def _use_it(app, config):
    config.mathjax_path = f"mathjax/{COMPONENT}"


def _copy(app, exception):
    if exception or app.builder.format != "html":
        return
    target = app.outdir / "_static" / "mathjax"
    with as_file(files("mathjax") / "static" / "mathjax" / "es5") as source:
        for folder in FOLDERS:
            shutil.copytree(source / folder, target / folder, dirs_exist_ok=True)
        shutil.copy2(source / COMPONENT, target / COMPONENT)


def setup(app):
    """Register the extension."""
    app.connect("config-inited", _use_it)
    app.connect("build-finished", _copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
