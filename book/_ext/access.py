"""Small mendings of what the extensions write, so that a page's parts have names and its ids are its own."""

import re

UNNAMED = '<span class="visually-hidden">no heading</span>'
# What is exchanged in a page's body: pattern, text.
MENDED = (
    # An exercise, a solution and a proof wrap their text in a section of always the same id.
    (r'(<section[^>]*) id="(?:exercise|solution|proof)-content"', r"\1"),
    # The id of a theorem stands at its box already.
    (r'<p class="admonition-title" id="[^"]*">', '<p class="admonition-title">'),
    # A list of references needs items; the role that docutils writes is withdrawn from the standard.
    (r'role="doc-biblioentry"', 'role="listitem"'),
    # A column without a heading is one to those who hear the table, too.
    (
        r'(<th class="[^"]*head[^"]*">)\s*(?:<p>\s*</p>)?\s*</th>',
        r'\1<span class="visually-hidden">no heading</span></th>',
    ),
)
# A short formula, with the bracket before and the punctuation after it: they stay on one line.
WHOLE = re.compile(r'(\(?)(<span class="math [^>]*>[^<]{1,40}</span>)([.,;:!?)]*)')
NOSCRIPT = (
    "<noscript><p>Mathematics is drawn by a script. Without it you read its TeX: <code>\\(b^{T-1}\\)</code> is b to "
    "the power T − 1, <code>\\[ … \\]</code> a formula on a line of its own.</p></noscript>"
)


def mended(body):
    """A page's body with its parts named."""
    for pattern, text in MENDED:
        body = re.sub(pattern, text, body)
    return WHOLE.sub(lambda m: f'<span class="whole">{m[0]}</span>' if m[1] or m[3] else m[0], body)


def _mend(app, pagename, templatename, context, doctree):
    if "body" in context:
        body = mended(context["body"])
        if 'class="math ' in body:
            body = re.sub(r"(</h1>)", lambda m: m[1] + NOSCRIPT, body, count=1)
        context["body"] = body


def setup(app):
    """Register the extension."""
    app.connect("html-page-context", _mend)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
