"""Small things that the whole book needs: one source a page, the version in the footer, no unused scripts."""

import re
from pathlib import Path

from lrnn_helpers import __version__


def _one_source_a_page(app, config):
    # A chapter's master (.md) stands beside the notebook (.ipynb) that is rendered; Sphinx must see only the latter.
    root = Path(app.srcdir)
    masters = (p.with_suffix(".md") for p in root.glob("book/**/*.ipynb"))
    config.exclude_patterns = config.exclude_patterns + [p.relative_to(root).as_posix() for p in masters if p.exists()]


def _version(app, config):
    config.version = config.release = __version__
    options = config.html_theme_options
    footer = options.get("extra_footer", "")
    for mark, text in {"|version|": __version__, "|repository|": options["repository_url"]}.items():
        footer = footer.replace(mark, text)
    options["extra_footer"] = footer


def _drop_live_code(app):
    # sphinx-thebe declares a constant twice on every page (an error in the console) for a button that we do not have.
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)
    app.registry.css_files = [entry for entry in app.registry.css_files if "thebe" not in str(entry[0])]


def _bars_are_bars(app, what, name, obj, options, lines):
    # Docstrings write |x| for a modulus; reStructuredText would look for a substitution of that name.
    for i, line in enumerate(lines):
        parts = re.split(r"(`+[^`]+`+)", line)
        lines[i] = "".join(part if part.startswith("`") else part.replace("|", r"\|") for part in parts)


def _no_field_numbers(app, what, name, obj, skip, options):
    # A NamedTuple's class docstring names its fields; autodoc would add "Alias for field number 0".
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    """Register the extension."""
    _drop_live_code(app)
    app.connect("config-inited", _one_source_a_page, priority=100)
    app.connect("config-inited", _version)
    app.connect("autodoc-skip-member", _no_field_numbers)
    app.connect("autodoc-process-docstring", _bars_are_bars)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
