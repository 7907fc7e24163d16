"""The book to take away: one PDF of it, or one HTML file of a chapter, both made from the built pages.

    python tools/take_away.py pdf _build/html _build/book.pdf             all chapters, errata, figures, letter
    python tools/take_away.py html _build/html results/stability out.html   one chapter; needs no other file

The PDF is printed by a Chromium that is installed; code is left out, equations keep their numbers and links lead
within the file. It is not written if a formula is not set, an image is missing or it has too few pages.
"""

import base64
import mimetypes
import re
import shutil
import sys
from contextlib import contextmanager
from html import escape
from pathlib import Path
from posixpath import dirname, normpath
from urllib.parse import unquote

import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
# What has its use on a screen or beside the code only.
SCREEN_ONLY = ("book/find", "book/ledger", "book/api/")
LEAST_PAGES, PATIENCE = 150, 480_000  # pages; ms
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PRINT = """
body { font-size: 10.5pt; background: #fff; }
.bd-article section.chapter { break-before: page; }
.bd-article { max-width: none; padding: 0; }
.bd-article h1 { font-size: 20pt; }
.bd-article h2 { font-size: 15pt; margin: 1.2em 0 0.5em; }
.bd-article h3 { font-size: 12pt; }
.bd-article div.math mjx-container[display="true"] { font-size: 100% !important; overflow: visible; }
.bd-article table { font-size: 8.5pt; min-width: 0 !important; width: 100%; }
.bd-article table td { overflow-wrap: anywhere; }
.bd-article .pst-scrollable-table-container, .bd-article .ledger-figure { overflow: visible !important; }
.take-away-title { break-after: page; padding-top: 25vh; }
.take-away-contents { break-after: page; }
.take-away-contents ol { list-style: none; padding-left: 1.2em; margin: 0.1em 0; }
.take-away-contents > ol { padding: 0; columns: 2; }
.take-away-contents > ol > li { margin-top: 0.5em; font-weight: 600; break-inside: avoid; }
.take-away-contents li li { font-weight: 400; font-size: 0.9em; }
"""
# What is wrong with a page as it stands before it is printed or saved.
FAULTS = r"""() => {
  const seen = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), raw = [];
  while (seen.nextNode()) {
    if (seen.currentNode.parentElement.closest('pre, code, script, noscript, style, mjx-container')) continue;
    if (/\\\(|\\\[|\\begin\{|\\frac/.test(seen.currentNode.data)) raw.push(seen.currentNode.data.trim().slice(0, 60));
  }
  return [
    ...raw.map(text => `raw TeX: ${text}`),
    ...[...document.querySelectorAll('mjx-merror')].map(e => `not set: ${e.textContent.slice(0, 60)}`),
    ...[...document.querySelectorAll('.math')].filter(m => !m.querySelector('mjx-container'))
      .map(m => `not set: ${m.textContent.slice(0, 60)}`),
    ...[...document.images].filter(i => !i.naturalWidth).map(i => `no image: ${i.src.slice(-60)}`),
    ...[...document.querySelectorAll('a[href^="#"]')].map(a => decodeURIComponent(a.hash.slice(1)))
      .filter(id => id && !document.getElementById(id)).map(id => `a link to nothing: ${id}`),
  ];
}"""


def pages() -> list[str]:
    """Return the documents of the table of contents that go into the PDF, in order."""
    listed = re.findall(r"^\s*(?:- file|root): (\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"), re.M)
    return [page for page in listed if not page.startswith(SCREEN_ONLY)]


def section_id(page: str) -> str:
    """Return the name that a page has within the one file."""
    return re.sub(r"[^a-z0-9]+", "-", page.lower())


def article(html: Path, page: str):
    """Return a page's text as it is taken away: nothing that only a screen or a reader of code needs."""
    soup = BeautifulSoup((html / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    body = soup.select_one("article.bd-article")
    unwanted = "details.fold, .only-dark, .headerlink, .explorer, script, noscript, button, picture source, .copybtn"
    for tag in body.select(unwanted):
        tag.decompose()
    for tag in body.select("details"):
        tag["open"] = ""
    for tag in body.select("img"):
        tag.attrs.pop("loading", None)
    for tag in body.select("a.plot"):
        tag.unwrap()
    return body


def within(body, page: str, included: set[str]) -> None:
    """Make names and links those of one file; where a link leads out of it, only its words stay."""
    for tag in body.select("[id]"):
        tag["id"] = f"{section_id(page)}--{tag['id']}"
    for link in body.select("a[href]"):
        href = link["href"]
        if re.match(r"[a-z]+:", href):
            continue
        address, _, name = href.partition("#")
        other = normpath(f"{dirname(page)}/{unquote(address)}").removesuffix(".html") if address else page
        if other not in included:
            link.unwrap()
        else:
            link["href"] = f"#{section_id(other)}--{name}" if name else f"#{section_id(other)}"
    for image in body.select("img[src]"):
        if not image["src"].startswith("data:"):
            image["src"] = normpath(f"{dirname(page)}/{image['src']}")


def contents(articles: dict) -> str:
    """Return the list of chapters and of their sections, as links."""
    out = []
    for page, body in articles.items():
        parts = "".join(
            f'<li><a href="#{s["id"]}">{s.h2.decode_contents()}</a></li>'
            for s in body.select("section[id]")
            if s.find("h2", recursive=False)
        )
        title = body.h1.decode_contents()
        out.append(f'<li><a href="#{section_id(page)}">{title}</a><ol>{parts}</ol></li>')
    return f'<nav class="take-away-contents"><h1>Contents</h1><ol>{"".join(out)}</ol></nav>'


def one_page(html: Path) -> str:
    """Return the HTML that is printed."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    version = re.search(r'__version__ = "(.+)"', (ROOT / "lrnn_helpers" / "__init__.py").read_text())[1]
    listed = pages()
    articles = {page: article(html, page) for page in listed}
    for page, body in articles.items():
        within(body, page, set(listed))
    chapters = "".join(
        f'<section class="chapter" id="{section_id(page)}">{body.decode_contents()}</section>'
        for page, body in articles.items()
    )
    title = escape(config["title"])
    front = (
        f'<div class="take-away-title"><h1>{title}</h1><p>{escape(config["author"])}</p><p>Version {version}</p>'
        "<p>Code, the ledger and the package's pages are left out here; they are in the book's repository, "
        f"{escape(config['repository']['url'])}.</p></div>"
    )
    return (
        f'<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>'
        f'<link rel="stylesheet" href="_static/book.bundle.css"><link rel="stylesheet" href="_static/records.css">'
        f"<style>{PRINT}</style>"
        '<script>window.MathJax = {"options": {"processHtmlClass": "tex2jax_process|mathjax_process|math"}}</script>'
        '<script defer src="_static/mathjax/book.js"></script></head><body>'
        f'<article class="bd-article">{front}{contents(articles)}{chapters}</article></body></html>'
    )


def chapter(html: Path, page: str) -> str:
    """Return a page as one HTML file: style sheets, scripts and images within, links out of it only to the web."""
    path = html / f"{page}.html"
    if not path.exists():
        sys.exit(f"no such page: {page}; give it as in _toc.yml, for example book/results/stability")
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    body = soup.select_one("article.bd-article")
    for tag in body.select("script, noscript, .explorer"):
        tag.decompose()
    for link in body.select("a[href]"):
        if "plot" in link.get("class", ()):
            del link["href"]  # the picture is here, in full
        elif not re.match(r"[a-z]+:|#", link["href"]):
            link.unwrap()
    for image in body.select("img[src]"):
        image["src"] = data_address((path.parent / unquote(image["src"])).resolve())
    for source in body.select("source[srcset]"):
        source["srcset"] = data_address((path.parent / unquote(source["srcset"])).resolve())
    css = (html / "_static" / "book.bundle.css").read_text(encoding="utf-8")
    css = re.sub(r"@font-face\s*\{[^}]*\}", "", css)
    css = re.sub(r'url\("(?!data:|#)[^")]*"\)', "none", css)
    # The script asks for its parts relative to itself; all that a chapter needs are within.
    maths = (html / "_static" / "mathjax" / "book.js").read_text(encoding="utf-8")
    maths = maths.replace('document.currentScript.src.replace(/[^/]*$/, "")', '"./"').replace("</script", "<\\/script")
    theme = "matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"
    return (
        f'<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(soup.title.text)}</title>'
        f"<style>{css}</style><style>.bd-article {{ max-width: 52rem; margin: auto; padding: 1rem; }}</style>"
        f"<script>document.documentElement.dataset.theme = {theme}</script></head><body>{body}"
        '<script>window.MathJax = {"options": {"processHtmlClass": "tex2jax_process|mathjax_process|math"}}</script>'
        f"<script>{maths}</script></body></html>"
    )


def data_address(path: Path) -> str:
    """Return a file as an address that holds it."""
    kind = mimetypes.guess_type(path.name)[0]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


@contextmanager
def chromium():
    """A browser of this machine."""
    from playwright.sync_api import sync_playwright

    where = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if where is None:
        sys.exit("printing needs a browser: chromium, chromium-browser or google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=FLAGS)
        yield browser
        browser.close()


def opened(browser, path: Path):
    """Open a file with the network off, and wait for its formulas."""
    page = browser.new_context(offline=True, viewport={"width": 794, "height": 1123}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(path.resolve().as_uri(), wait_until="load", timeout=PATIENCE)
    page.evaluate("() => MathJax.startup.promise.then(() => null)")
    page.evaluate("() => document.fonts.ready.then(() => null)")
    return page


def count_pages(pdf: bytes) -> int:
    """Return how many pages a PDF has that Chromium wrote."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def write_pdf(html: Path, out: Path, browser) -> str:
    """Print the book and return a line about it; stop where it is not what it should be."""
    source = html / "take-away.html"
    source.write_text(one_page(html), encoding="utf-8")
    try:
        page = opened(browser, source)
        faults = page.evaluate(FAULTS)
        if faults:
            sys.exit("the book cannot be printed:\n" + "\n".join(faults[:20]))
        small = "font-size: 8px; width: 100%; text-align: center"
        pdf = page.pdf(
            format="A4",
            outline=True,
            tagged=True,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=f'<div style="{small}"><span class="pageNumber"></span></div>',
            margin={"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
        )
        page.context.close()
    finally:
        source.unlink()
    number = count_pages(pdf)
    assert number > LEAST_PAGES, f"only {number} pages"
    assert b"/Outlines" in pdf, "no outline"
    out.write_bytes(pdf)
    return f"{out}: {number} pages, {len(pdf) / 1e6:.1f} MB"


def main(what: str, html: str, *more: str) -> None:
    """Run one of the commands of the module's docstring."""
    if what == "pdf":
        with chromium() as browser:
            print(write_pdf(Path(html), Path(more[0]), browser))
    else:
        page = more[0] if more[0].startswith("book/") else f"book/{more[0]}"
        text = chapter(Path(html), page)
        Path(more[1]).write_text(text, encoding="utf-8")
        print(f"{more[1]}: {len(text) / 1e6:.1f} MB")


if __name__ == "__main__":
    if not ((len(sys.argv) == 4 and sys.argv[1] == "pdf") or (len(sys.argv) == 5 and sys.argv[1] == "html")):
        sys.exit(__doc__)
    main(*sys.argv[1:])
