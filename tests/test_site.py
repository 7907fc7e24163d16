"""The built book: every page, equation and link is there, nothing comes from elsewhere, and a browser shows it all."""

import os
import re
import shutil
import warnings
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from book_rules import read
from bs4 import BeautifulSoup
from conftest import ROOT, toc_pages
from docutils.nodes import make_id

import lrnn_helpers
from lrnn_helpers.ledger import statuses, verdicts
from lrnn_helpers.ledger._book import CHECKS, errata, is_number, totals

PAGES = toc_pages()
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
FENCED = re.compile(r"^(`{3,}|~{3,})\{code-cell\}.*?^\1\s*$", re.MULTILINE | re.DOTALL)
LABEL = re.compile(r"^\$\$\s*\(([^)\s]+)\)\s*$|\{math\}\s*\n(?::\w+:.*\n)*?:label:\s*(\S+)", re.MULTILINE)
REQUIRED = os.environ.get("LRNN_REQUIRE_BROWSER") == "1"


@cache
def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def page_soup(page):
    return soup(HTML / f"{page}.html")


def every_page():
    """Return all pages of the site, the generated ones (index, search) among them."""
    return [p for p in sorted(HTML.rglob("*.html")) if "_static" not in p.relative_to(HTML).parts]


def labels(page):
    """Return the labels of the equations in a page's source, cells left out."""
    return [a or b for a, b in LABEL.findall(FENCED.sub("", (ROOT / f"{page}.md").read_text(encoding="utf-8")))]


# ---- what is on the pages


@pytest.mark.parametrize("page", PAGES)
def test_page_is_there_with_its_equations(site, page):
    article = page_soup(page).select_one("article")
    assert article and article.select_one("h1"), "a page without a title"
    shown = {e["id"]: e.select_one(".eqno").find(string=True) for e in article.select("div.math[id^=equation-]")}
    expected = labels(page)
    assert len(article.select(".eqno")) == len(expected)
    assert set(shown) == {make_id(f"equation-{label}") for label in expected}
    for label in expected:
        number = re.match(r"eq:(paper|corrected)-(\w+)$", label)
        if number:
            prime = "′" if number[1] == "corrected" else ""
            assert shown[make_id(f"equation-{label}")] == f"({number[2]}{prime})"
        else:
            assert re.fullmatch(r"\([ivxlc]+\)", shown[make_id(f"equation-{label}")])


def test_an_equation_of_the_paper_has_one_place(site):
    everywhere = [label for page in PAGES for label in labels(page)]
    assert everywhere and len(everywhere) == len(set(everywhere))


@pytest.mark.parametrize("page", PAGES)
def test_every_image_says_what_it_shows(site, page):
    for image in page_soup(page).select("article img"):
        alt = image.get("alt", "")
        assert alt.strip() and not alt.endswith((".png", ".svg", ".jpg")), f"no alternative text: {image}"


@pytest.mark.parametrize("page", [p for p in PAGES if (ROOT / f"{p}.ipynb").exists()])
def test_a_chapter_opens_in_binder_and_colab(site, config, page):
    path, branch = urlsplit(config["repository"]["url"]).path, config["repository"]["branch"]
    links = {a["href"] for a in page_soup(page).select("a[href]")}
    assert f"https://mybinder.org/v2/gh{path}/{branch}?urlpath=lab/tree/{page}.ipynb" in links
    assert f"https://colab.research.google.com/github{path}/blob/{branch}/{page}.ipynb" in links


@pytest.mark.parametrize("page", PAGES)
def test_the_footer_says_which_version_of_what(site, config, page):
    footer = page_soup(page).select_one(".extra_footer")
    assert f"Version {lrnn_helpers.__version__}" in footer.text
    assert "Proca" in footer.text and "PMLR 267" in footer.text
    assert footer.select_one("a")["href"] == config["repository"]["url"] + "/issues/new"


# ---- the records, against the rows and what the notebooks recorded

BOOK = read(ROOT)
STATUS, VERDICT = statuses(BOOK.rows, BOOK.records), verdicts(BOOK.rows, BOOK.records)
EVIDENCE = {"symbolic": "symbolic for listed T"}
REMADE = {"yes": "remade", "no": "not remade"}


def rows_of(page, header):
    """The cells, as text, of every table row on a page whose table has this header."""
    found = []
    for table in page_soup(page).select("article table"):
        head, *body = ([text(cell) for cell in row.select("th, td")] for row in table.select("tr"))
        found += body if head == header else []
    return found


def text(tag):
    return " ".join(tag.get_text().split())


def bare(id):
    return f"({id})" if is_number(BOOK.rows[id]) else id


def test_the_ledger_page_shows_the_statuses_that_follow_from_the_records(site):
    header = ["row", "kind", "printed form", "evidence", "with what it uses", "checks"]
    shown = rows_of("book/ledger", header)
    expected = {bare(id): (s.printed, *(EVIDENCE.get(e, e) for e in s[1:])) for id, s in STATUS.items()}
    assert {row[0]: tuple(row[2:5]) for row in shown} == expected and len(shown) == len(expected)
    for name, *_, checks in shown:
        mine = [r for r in BOOK.records if name.strip("()") in r["ids"] and "mutants" in r and r["mutants"]["rejected"]]
        for record in mine:
            assert f"{record['mutants']['rejected']} of " in checks and record["call"][:5] in checks


def test_the_ledger_page_shows_the_verdicts_on_claims(site):
    shown = rows_of("book/ledger", ["claim", "in our words", "verdict", "over its domain, and outside"])
    claims = {id: row for id, row in BOOK.rows.items() if row["kind"] in ("claim", "panel")}
    assert {row[0]: row[2] for row in shown} == {id: VERDICT[id] for id in claims}
    for id, said, _, found in shown:
        assert len(said) > 10
        for record in BOOK.records:
            if id in record["ids"] and "predicate" in record:
                assert f"{record['held']} of {record['cases']}" in found
                assert f"outside, on {record['passed']} of {record['outside']}" in found


@pytest.mark.parametrize("page", ["book/ledger", "book/intro"])
def test_the_totals_are_those_of_the_ledger(site, page):
    t = totals(BOOK.rows, BOOK.records)
    expected = {
        "numbered equations settled": f"{t['settled']} / {t['equations']}",
        f"of them misprinted: {t['slips']} slips, {t['wrong']} wrong": str(t["slips"] + t["wrong"]),
        f"of them proved, {t['proved_with_all']} with all that they rest on": str(t["proved"]),
        f"claims supported of those judged ({t['claims']} in all)": f"{t['claims_supported']} / {t['claims_judged']}",
        "figures remade": f"{t['figures_remade']} / {t['figures']}",
        "results of our own proved": f"{t['own_proved']} / {t['own_results']}",
        "wrong variants of the equations rejected": str(t["mutants_rejected"]),
        "checks in all": str(t["checks"]),
    }
    cards = [[text(p) for p in card.select("p")] for card in page_soup(page).select(".totals .sd-card-body")]
    assert {what: number for number, what in cards} == expected


def test_the_graph_shows_effective_evidence(site):
    cells = page_soup("book/ledger").select("svg.ledger-graph g.cell")
    shown = {cell.title.string.split(":")[0]: cell["class"][1] for cell in cells}
    assert shown == {id: f"status-{s.effective}" for id, s in STATUS.items()}


def test_the_errata_page_shows_each_form_under_its_name(site):
    shown, id, side = {}, None, None
    for tag in page_soup("book/errata").select("article p, article div.math"):
        words = text(tag)
        if (name := tag.select_one("strong")) and words.startswith(text(name)):
            names = [n.strip("()") for n in text(name).split(", ")]
            id = names[0] if len(names) == 1 else None
        elif match := re.fullmatch(r"(Printed|Corrected)(?: \(?(.*?)\)?)?:", words):
            side, id = match[1], match[2] or id
        elif tag.name == "div":
            shown[id, side] = tag.get_text().strip().removeprefix(r"\[").removesuffix(r"\]")
    checked = {i for r in BOOK.records if "printed" in r for i in r["ids"]}
    listed = [i for i, head in errata(BOOK.rows).items() if head in checked]
    expected = {(i, "Printed"): BOOK.rows[i].get("latex") for i in listed}
    expected |= {(i, "Corrected"): BOOK.rows[i].get("erratum", {}).get("corrected") for i in listed}
    assert shown == {key: latex.strip() for key, latex in expected.items() if latex}


def test_the_figures_page_shows_what_is_remade_and_what_is_read(site):
    header = ["figure", "chapter", "remade", "what its panels show", "what the text reads from it", "our settings"]
    shown = {row[0]: row[2:] for row in rows_of("book/figures", header)}
    figures = [id for id, row in BOOK.rows.items() if row["kind"] == "figure"]
    assert list(shown) == figures
    for id in figures:
        remade, panels, read, settings = shown[id]
        assert remade == REMADE.get(VERDICT[id].remade, VERDICT[id].remade)
        for record in [r for r in BOOK.records if id in r["ids"] and "shows" in r]:
            assert all(f"{panel} {VERDICT[panel]}" in panels for panel in record["shows"])
            assert all(f"{claim} {VERDICT[claim]}" in read for claim in record["says"])
            assert f"{VERDICT[id].supported} of {VERDICT[id].read} supported" in read or not record["says"]
            assert all(f"{name}: " in settings for name in record["settings"])


@pytest.mark.parametrize("page", [p for p in PAGES if p.removeprefix("book/") in {r["chapter"] for r in BOOK.records}])
def test_a_chapter_s_card_counts_its_checks(site, page):
    mine = [r for r in BOOK.records if r["chapter"] == page.removeprefix("book/") and r["call"] in CHECKS]
    wrong = {id for r in mine if r["call"] == "refutes" for id in r["ids"]}
    line = text(page_soup(page).select(".chapter-card p")[-1])
    assert line.startswith(f"{len(mine)} checks")
    assert (f", {len(wrong)} statements of the paper corrected" in line) is bool(wrong)


# {fault: (page, what is exchanged in its HTML, the test that must see it)}
SPOILT = {
    "evidence": ("ledger", [("status-numeric", "status-proved"), (">numeric<", ">proved<")], "statuses_that_follow"),
    "printed form": ("ledger", [(">wrong (corrected)<", ">right<")], "statuses_that_follow"),
    "verdict": (
        "ledger",
        [(">supported<", ">x<"), (">in part<", ">supported<"), (">x<", ">in part<")],
        "verdicts_on_claims",
    ),
    "totals": ("ledger", [(" / 199<", " / 204<")], "totals_are_those"),
    "graph": ("ledger", [("cell status-numeric", "cell status-proved")], "graph_shows"),
    "errata": ("errata", [("Printed", "X"), ("Corrected", "Printed"), ("X", "Corrected")], "each_form_under_its_name"),
    "figures": (
        "figures",
        [(">remade<", ">x<"), (">open<", ">remade<"), (">in part<", ">remade<"), (">x<", ">open<")],
        "what_is_remade",
    ),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_record_is_seen(site, monkeypatch, fault):
    page, exchanged, name = SPOILT[fault]
    html = (HTML / f"book/{page}.html").read_text(encoding="utf-8")
    for old, new in exchanged:
        html = html.replace(old, new)
    spoilt = BeautifulSoup(html, "html.parser")
    monkeypatch.setitem(globals(), "page_soup", lambda _: spoilt)
    (test,) = (f for key, f in globals().items() if key.startswith("test_") and name in key)
    with pytest.raises(AssertionError):
        test(site, page) if "totals" in name else test(site)


# ---- links


def targets(path):
    """Yield (tag, attribute, address) of everything that a page loads or links to."""
    for tag in soup(path).find_all(True):
        for attribute in ("href", "src", "poster", "data"):
            if tag.get(attribute):
                yield tag, attribute, tag[attribute]


@cache
def anchors(path):
    """Return every name that a link to a place in the page may have."""
    return {tag[attribute] for attribute in ("id", "name") for tag in soup(path).find_all(attrs={attribute: True})}


def is_elsewhere(address):
    return bool(urlsplit(address).scheme or address.startswith("//"))


def broken(path):
    """Return the local links of a page that lead nowhere."""
    found = []
    for _, _, address in targets(path):
        if is_elsewhere(address):
            continue
        url = urlsplit(address)
        target = (path.parent / unquote(url.path)).resolve() if url.path else path
        if not target.is_file() or (url.fragment and target.suffix == ".html" and url.fragment not in anchors(target)):
            found.append(address)
    return found


def test_every_local_link_leads_somewhere(site):
    found = {p.relative_to(HTML).as_posix(): bad for p in every_page() if (bad := broken(p))}
    assert found == {}


def test_no_page_loads_anything_from_elsewhere(site):
    found = []
    for path in every_page():
        for tag, attribute, address in targets(path):
            loads = attribute != "href" or (tag.name == "link" and "canonical" not in tag.get("rel", ()))
            if loads and is_elsewhere(address) and not address.startswith("data:"):
                found.append((path.name, address))
    for style in HTML.rglob("*.css"):
        urls = re.findall(r"""(?:url\(|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", style.read_text(encoding="utf-8"))
        found += [(style.name, url) for url in urls]
    assert found == []


def test_a_broken_link_is_found(site, tmp_path):
    (tmp_path / "there.html").write_text("<p id='yes'></p>")
    (tmp_path / "page.html").write_text(
        "<a href='there.html#yes'></a><a href='there.html#no'></a><a href='gone.html'></a><a href='#up'></a>"
    )
    assert broken(tmp_path / "page.html") == ["there.html#no", "gone.html", "#up"]


# ---- in a browser without a network

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What a reader would see of mathematics that was not rendered, of a page wider than its window, of text left dark.
LOOK = r"""() => {
  const maths = [...document.querySelectorAll('.math')];
  const seen = document.createTreeWalker(document.querySelector('article') || document.body, NodeFilter.SHOW_TEXT);
  const raw = [];
  while (seen.nextNode()) {
    const inCode = seen.currentNode.parentElement.closest('pre, code, script, style, mjx-container, .highlight');
    const text = seen.currentNode.data;
    if (!inCode && /\$[^$]+\$|\\\(|\\\[|\\begin\{/.test(text)) raw.push(text);
  }
  return {
    unrendered: maths.filter(m => !m.querySelector('mjx-container')).map(m => m.textContent.slice(0, 80)),
    errors: [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(m => m.textContent.slice(0, 80)),
    raw: raw,
    maths: maths.length,
  };
}"""
WIDTH = """() => ({
  over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  wide: [...document.querySelectorAll('article *')].filter(e => {
    if (e.getBoundingClientRect().right <= document.documentElement.clientWidth + 1) return false;
    for (let p = e.parentElement; p; p = p.parentElement)
      if (getComputedStyle(p).overflowX !== 'visible') return false;
    return true;
  }).slice(0, 5).map(e => e.tagName + '.' + e.className),
})"""


def find_browser():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    where = find_browser()
    if where is None:
        message = "NO BROWSER FOUND (chromium, chromium-browser, google-chrome): how the pages look was NOT tested"
        if REQUIRED:
            pytest.fail(message)
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=where, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """A page opened from its file with the network off, and what it complained about."""

    def __init__(self, browser, path):
        self.complaints, self.requests = [], []
        self.context = browser.new_context(
            viewport={"width": 1280, "height": 900}, color_scheme="light", offline=True, reduced_motion="reduce"
        )
        self.context.set_default_timeout(90_000)  # a loaded machine is slow, not wrong
        self.page = self.context.new_page()
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"not loaded: {request.url}"))
        self.page.goto(path.as_uri(), wait_until="load")
        self.page.wait_for_selector("article h1, #search-results", state="attached")  # index.html sends its reader on
        self.page.evaluate("() => window.MathJax && MathJax.startup && MathJax.startup.promise")
        self.page.evaluate("() => document.fonts.ready.then(() => null)")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def faults(self):
        """Return everything that should be empty."""
        look = self.page.evaluate(LOOK)
        outside = [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]
        every = {"complaints": self.complaints, "outside": outside} | look
        return {name: value for name, value in every.items() if value and name != "maths"}


@pytest.mark.parametrize("page", PAGES)
def test_page_in_a_browser_without_network(site, browser, page):
    with Visit(browser, HTML / f"{page}.html") as visit:
        for scheme in ("light", "dark"):
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
            for width in (1280, 375):
                visit.page.set_viewport_size({"width": width, "height": 900})
                assert visit.page.evaluate(WIDTH) == {"over": 0, "wide": []}, (
                    f"scrolls sideways at {width} px, {scheme}"
                )
        assert visit.faults() == {}


def test_search_and_front_door_in_a_browser(site, browser):
    with Visit(browser, HTML / "index.html") as visit:
        assert visit.faults() == {}
    with Visit(browser, HTML / "search.html") as visit:
        visit.page.goto((HTML / "search.html").as_uri() + "?q=recurrent")
        visit.page.wait_for_selector("#search-results li")


def test_a_bad_page_is_seen(browser, site, tmp_path):
    text = (HTML / f"{PAGES[0]}.html").read_text(encoding="utf-8")
    bad = r"""<p>$left raw$</p><div class="math">never</div><mjx-merror></mjx-merror>
    <img src="https://example.org/x.png"><script>console.error("no")</script><div style="width: 3000px">wide</div>"""
    (tmp_path / "spoilt.html").write_text(
        text.replace("<head>", f'<head><base href="{(HTML / PAGES[0]).parent.as_uri()}/">').replace(
            '<article class="bd-article">', '<article class="bd-article">' + bad
        ),
        encoding="utf-8",
    )
    with Visit(browser, tmp_path / "spoilt.html") as visit:
        assert set(visit.faults()) == {"complaints", "outside", "unrendered", "errors", "raw"}
        assert visit.page.evaluate(WIDTH)["over"] > 0
