"""Few and light files: one style sheet, one script, and drawings of the icons in place of a library of thousands.

The theme and the extensions add a dozen style sheets and as many scripts to every page, and 1.9 MB of Font Awesome for
some twenty icons. What every page loads is joined here into ``book.bundle.css`` and ``book.bundle.js``; what only some
pages load (mathematics, the search) stays apart. Of Font Awesome only the drawings of the icons that occur are kept.
"""

import re
from posixpath import dirname, normpath
from urllib.parse import quote

from sphinx.errors import ExtensionError

THEME = ("_static/styles/theme.css", "_static/styles/bootstrap.css", "_static/styles/pydata-sphinx-theme.css")
AWESOME = "vendor/fontawesome/6.5.2"
UNUSED = {"_static/design-tabs.js"}  # no page has tabs
APART = {"_static/documentation_options.js"}  # each page adds a line to it
# Buttons that scripts add, not templates.
SCRIPTED = {"xmark", "arrow-up"}
ICON = re.compile(r'class="[^"]*\bfa-[^"]*"')
NAME = re.compile(r"\bfa-(?!solid\b|regular\b|brands\b|lg\b|fw\b)([a-z][a-z-]*)")
BUNDLE = "_static/book.bundle"


def _is_joined(asset, ending):
    name, kind = str(getattr(asset, "filename", "") or ""), asset.attributes.get("rel", "stylesheet")
    return name.startswith("_static/") and name.endswith(ending) and name not in APART and kind == "stylesheet"


def _start(app):
    if app.builder.format == "html":
        app.builder.book_bundle = None


def _context(app, pagename, templatename, context, doctree):
    builder = app.builder
    if builder.book_bundle is None:
        builder.book_bundle = (
            [str(a.filename) for a in builder._orig_css_files if _is_joined(a, ".css")],
            [str(a.filename) for a in builder._orig_js_files if _is_joined(a, ".js")],
        )
    css, js = builder.book_bundle
    context["css_files"] = [a for a in context["css_files"] if str(a.filename) not in css]
    context["script_files"] = [a for a in context["script_files"] if str(getattr(a, "filename", "")) not in js]


def _inline(static, name):
    """A style sheet's text with the sheets that it imports in place, its addresses as seen from `static`."""

    def here(address):
        return normpath(f"{dirname(name)}/{address}").lstrip("/")

    def shown(match):
        return match[0] if match[1].startswith(("data:", "#", "/", "http")) else f'url("{here(match[1])}")'

    text = (static / name).read_text(encoding="utf-8")
    # Addresses first: those of an imported sheet are already as seen from `static`.
    text = re.sub(r"""(?<!@import )url\(\s*["']?([^"')]+)["']?\s*\)""", shown, text)
    text = re.sub(r"""@import\s+(?:url\()?["']([^"')]+)["']\)?;""", lambda m: _inline(static, here(m[1])), text)
    return re.sub(r"/\*# sourceMappingURL.*?\*/", "", text)


def icons(library, names):
    """CSS that draws each named icon in the colour of the text."""
    rules = [
        ".fas, .fab, .far, .fa-solid, .fa-brands, .fa-regular, [class*=' fa-'] { display: inline-block; width: 1.1em; "
        "height: 1em; vertical-align: -0.125em; background: currentcolor; "
        "mask: var(--icon) center / contain no-repeat; -webkit-mask: var(--icon) center / contain no-repeat; } "
        ".fa-lg { font-size: 1.25em; }"
    ]
    for name in sorted(names):
        # The library lists brands first, then regular, then solid icons: the last of a name is what is meant.
        found = re.findall(rf'[{{,]"?{re.escape(name)}"?:\[(\d+),(\d+),\[[^\]]*\],"\w+","([^"]+)"', library)
        if not found:
            raise ExtensionError(f"no drawing of the icon {name!r} in {AWESOME}")
        width, height, path = found[-1]
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><path d="{path}"/></svg>'
        rules.append(f'.fa-{name} {{ --icon: url("data:image/svg+xml,{quote(svg)}"); }}')
    return "\n".join(rules)


def used_icons(pages):
    """The names of the icons that stand in HTML texts."""
    return {name for text in pages for found in ICON.findall(text) for name in NAME.findall(found)} | SCRIPTED


def _write(app, exception):
    if exception or app.builder.format != "html" or app.builder.book_bundle is None:
        return
    static = app.outdir / "_static"
    css, js = app.builder.book_bundle
    sheets = [_inline(static, name.removeprefix("_static/")) for name in dict.fromkeys([*THEME, *css])]
    pages = (p.read_text(encoding="utf-8") for p in app.outdir.rglob("*.html"))
    library = static / AWESOME / "js" / "all.min.js"
    # The drawings come before the book's own sheets, which may say more of them.
    sheets.insert(len(THEME), icons(library.read_text(encoding="utf-8"), used_icons(pages)))
    (app.outdir / f"{BUNDLE}.css").write_text("\n".join(sheets), encoding="utf-8")
    parts = [(app.outdir / name).read_text(encoding="utf-8") for name in js if name not in UNUSED]
    # Something before the first file: its "use strict" is for that file alone.
    (app.outdir / f"{BUNDLE}.js").write_text(";\n".join(["void 0", *parts]), encoding="utf-8")


def setup(app):
    """Register the extension."""
    app.connect("builder-inited", _start)
    app.connect("html-page-context", _context, priority=990)
    app.connect("build-finished", _write, priority=990)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
