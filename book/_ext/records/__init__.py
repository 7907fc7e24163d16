"""Directives that show the ledger: what the rows state, joined with what the notebooks recorded.

On the ledger's page ``{ledger-totals}``, ``{records-filter}``, ``{ledger-table}`` (equations, or claims with
``:claims:``), ``{ledger-graph}``, ``{ledger-excuses}`` and ``{ledger-displays}``; ``{errata-summary}``,
``{errata-list}`` and ``{errata-waiting}``; ``{figure-gallery}``; ``{find-list}``, an index by the paper's numbers;
``{letter}``, a summary for the paper's authors; at the top of a chapter ``{chapter-card}``.
"""

from records import _cells, _errata, _figures, _find, _graph, _ledger, _letter
from records._card import Card
from records._shown import ledger, notebooks

DIRECTIVES = {
    "ledger-totals": _ledger.Totals,
    "records-filter": _ledger.Filter,
    "ledger-table": _ledger.Table,
    "ledger-excuses": _ledger.Excuses,
    "ledger-displays": _ledger.Displays,
    "ledger-graph": _graph.Graph,
    "errata-summary": _errata.Summary,
    "errata-list": _errata.Errata,
    "errata-waiting": _errata.Waiting,
    "figure-gallery": _figures.Figures,
    "find-list": _find.Find,
    "letter": _letter.Letter,
    "chapter-card": Card,
}


def _read_anew(app):
    for cached in (ledger, notebooks):
        cached.cache_clear()


def _outdated(app, env, added, changed, removed):
    # they say what the chapters' notebooks recorded, and any of those may have changed
    return [page for page, about in env.metadata.items() if about.get("records") and page in env.found_docs]


def _load(app, page, template, context, doctree):
    if app.env.metadata.get(page, {}).get("records"):
        app.add_css_file("records.css")
        app.add_js_file("records.js")
    if page == "search":
        app.add_js_file("find-index.js")
        app.add_js_file("search-find.js")


def setup(app):
    """Register the directives."""
    app.add_config_value("ledger_book", "book", "env")
    for word, directive in DIRECTIVES.items():
        app.add_directive(word, directive)
    app.connect("builder-inited", _read_anew)
    app.connect("env-get-outdated", _outdated)
    app.connect("doctree-read", _cells.mark)
    app.connect("missing-reference", _cells.unmarked)
    app.connect("doctree-resolved", _find.fill)
    app.connect("html-page-context", _load)
    app.connect("build-finished", _figures.write_thumbnails)
    app.connect("build-finished", _find.write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
