"""Seals: what a page shows, what a row states and what its checks ran, hashed together after a person has read them."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

FENCE = re.compile(r"^(?P<f>`{3,}|~{3,})\{code-cell\}.*?^(?P=f)[ \t]*$", re.M | re.S)
DISPLAY = re.compile(
    r"(?<![\\$`])\$\$(?P<a>(?:(?!\$\$).)+?)\$\$(?:[ \t]*\((?P<la>[^)\s]+)\)[ \t]*$)?"
    r"|^[ \t]*(?P<f>`{3,}|:{3,})\{math\}[ \t]*\n(?P<o>(?:[ \t]*:[\w-]+:[^\n]*\n)*)(?P<b>.*?)^[ \t]*(?P=f)[ \t]*$",
    re.M | re.S,
)
STATED = (
    *("section", "chapter", "kind", "of", "figure", "uses", "carried", "proof"),
    *("given", "gives"),
    *("latex", "claim", "parts", "domain", "assumes", "erratum"),
)
RAN = (
    *("call", "printed", "corrected", "against", "derivation", "symbolic", "sizes", "witnesses", "rtol", "tolerance"),
    *("towards", "assuming", "excuse", "part", "domain", "predicate", "over", "beyond", "share", "runs", "cell"),
    *("shows", "says", "settings", "given", "gives", "knowing", "where"),
)


def displays(text):
    """Every display of a page, in order: (label or None, LaTeX), of ``$$`` blocks and of ``{math}`` directives."""
    out = []
    for match in DISPLAY.finditer(FENCE.sub("", text)):
        named = re.search(r":label:[ \t]*(\S+)", match["o"] or "")
        out.append((match["la"] or (named and named[1]), (match["a"] or match["b"]).strip()))
    return out


def shown_latex(text):
    """The equations under the paper's numbers that a page shows: label ("paper-8", "corrected-26") to LaTeX."""
    found = [(label.removeprefix("eq:"), latex) for label, latex in displays(text) if label]
    return {label: latex for label, latex in found if label.startswith(("paper-", "corrected-"))}


def normalise(latex):
    r"""LaTeX without its typography: white space, sizes, fonts of single letters, alignment, superfluous braces."""
    out = re.sub(r"\\begin\{(?:aligned|split)\}|\\end\{(?:aligned|split)\}|(?<!\\)&|\\\\(?:\[[^]]*\])?", " ", latex)
    out = re.sub(r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])|\\[,;:! ]|\\q?quad\b|\\(?:no)?limits\b", " ", out)
    out = re.sub(r"\\(?:mathbf|boldsymbol|bm|mathrm|mathcal)\s*\{([A-Za-z])\}", r"\1", out)
    out = out.replace(r"\overline", r"\bar").replace(r"\dfrac", r"\frac").replace(r"\intercal", r"\top")
    out = re.sub(r"\\(?:star|ast)(?![A-Za-z])", "*", out)
    # a space that ends a control word is kept as a mark, all other white space goes
    out = re.sub(r"(\\[A-Za-z]+)\s*", r"\1 ", out)
    out = re.sub(r"(?<!\\)\s+", lambda m: m.group() if re.search(r"\\[A-Za-z]+$", out[: m.start()]) else "", out)
    single = re.compile(r"(?<!\\bar )(?<!\\text )(?<!\\frac )\{\s*(\\[A-Za-z]+ |[^{}\\\s])\s*\}")
    while single.search(out):
        out = single.sub(r"\1", out)
    return re.sub(r"\s+", " ", out).strip(" .,")


def digest(thing):
    """Hash, 12 hex digits, of strings, numbers, lists and dicts."""
    return hashlib.sha256(json.dumps(thing, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def seal(row, shown, records):
    """What a row states, the LaTeX that stands under its number, and what its checks ran, as one hash."""
    stated = {key: row[key] for key in STATED if key in row}
    ran = [{key: record[key] for key in RAN if key in record} for record in records]
    return digest([stated, [normalise(latex) for latex in shown], ran])


def sealable(rows, records, book):
    """Seals by id of every row, and by chapter of the displays that belong to no row: label, or "" for the rest.

    Parameters
    ----------
    rows, records
        From `read_rows` and `read_records`.
    book : path-like or dict of str to str
        The book's folder, or chapter to text.
    """
    texts = book if isinstance(book, dict) else read_texts(book)
    shown, of_row, others = {}, {id: [] for id in rows}, {}
    for chapter, text in texts.items():
        free = []
        for label, latex in displays(text):
            if (label or "").removeprefix("eq:").startswith(("paper-", "corrected-")):
                shown[label.removeprefix("eq:")] = latex
            elif label:
                others.setdefault(chapter, {})[label] = digest(normalise(latex))
            else:
                free.append(normalise(latex))
        if free:
            others.setdefault(chapter, {})[""] = digest(free)
    for record in records:
        for id in record["ids"]:
            if id in of_row:
                of_row[id].append(record)
    stands = {id: [shown[label] for label in (f"paper-{id}", f"corrected-{id}") if label in shown] for id in rows}
    return {id: seal(row, stands[id], of_row[id]) for id, row in rows.items()}, others


def read_texts(book):
    """Chapter (path without suffix) to text, of the Markdown pages under a folder."""
    pages = {p.relative_to(book): p for p in sorted(Path(book).rglob("*.md"))}
    shown = {page: p for page, p in pages.items() if not any(part.startswith((".", "_")) for part in page.parts)}
    return {page.with_suffix("").as_posix(): p.read_text(encoding="utf-8") for page, p in shown.items()}


def with_seals(text, seals):
    """A ledger's text with each row's seal written as the last line of its block, comments and order kept."""
    blocks = re.split(r"(?m)^(?=- id: )", text)
    for number, block in enumerate(blocks[1:], start=1):
        id = re.match(r"- id: [\"']?([^\"'\n]+)", block)[1]
        lines = re.sub(r"(?m)^  seal: .*\n", "", block).split("\n")
        last = max(k for k, line in enumerate(lines) if line.startswith(("  ", "- id")))
        lines.insert(last + 1, f"  seal: '{seals[id]}'")
        blocks[number] = "\n".join(lines)
    return "".join(blocks)
