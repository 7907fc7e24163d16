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
from lrnn_helpers.ledger._errata import entries

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
    """The cells, as text, of every table row on a page whose table has this header, by the row's anchor."""
    found = {}
    for table in page_soup(page).select("article table"):
        head, *body = table.select("tr")
        if [text(cell) for cell in head.select("th, td")] == header:
            for row in body:
                assert row["id"] not in found, f"two rows are {row['id']}"
                found[row["id"]] = [text(cell) for cell in row.select("th, td")]
    return found


def text(tag):
    return " ".join(tag.get_text().split())


def slug(id):
    return re.sub("[^A-Za-z0-9]+", "-", id)


def test_the_ledger_page_shows_the_statuses_that_follow_from_the_records(site):
    shown = rows_of("book/ledger", ["row", "what", "printed form", "evidence", "with what it uses"])
    expected = {f"row-{slug(id)}": (s.printed, *(EVIDENCE.get(e, e) for e in s[1:])) for id, s in STATUS.items()}
    assert {anchor: tuple(row[2:5]) for anchor, row in shown.items()} == expected
    for id in STATUS:
        name, what = shown[f"row-{slug(id)}"][:2]
        assert name == f"({id})" if is_number(BOOK.rows[id]) else name.lower().split()[-1] in id.lower()
        assert BOOK.rows[id].get("latex", "").strip() in page_soup("book/ledger").find(id=f"row-{slug(id)}").get_text()
        for record in BOOK.records:
            if id in record["ids"] and "mutants" in record and record["mutants"]["rejected"]:
                assert f"{record['mutants']['rejected']} of " in what and record["call"][:5] in what


def test_the_ledger_page_shows_the_verdicts_on_claims(site):
    shown = rows_of("book/ledger", ["claim", "in our words", "verdict", "over its domain, and outside"])
    claims = {id: row for id, row in BOOK.rows.items() if row["kind"] in ("claim", "panel")}
    assert {anchor: row[2] for anchor, row in shown.items()} == {f"claim-{slug(id)}": VERDICT[id] for id in claims}
    for id in claims:
        _, said, _, found = shown[f"claim-{slug(id)}"]
        assert len(said) > 10
        for record in BOOK.records:
            if id in record["ids"] and "predicate" in record:
                assert f"{record['held']} of {record['cases']}" in found
                assert f"outside, on {record['passed']} of {record['outside']}" in found


def test_a_claim_leads_to_the_cell_that_judges_it(site):
    judged = {r["ids"][0]: r for r in BOOK.records if r["call"] == "claim" and not r["ids"][0].startswith("ours-")}
    for id, record in judged.items():
        link = page_soup("book/ledger").find(id=f"claim-{slug(id)}").td.a["href"]
        assert link == f"{record['chapter']}.html#check-{slug(id)}"
        place = page_soup(f"book/{record['chapter']}").find(id=f"check-{slug(id)}")
        cell = place if "cell" in place.get("class", ()) else place.find_parent("div", class_="cell")
        assert f"[{id}" in cell.get_text()


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


def test_the_graph_shows_effective_evidence_and_every_edge(site):
    nodes = {node["id"].removeprefix("node-"): node for node in page_soup("book/ledger").select(".ledger-graph a.node")}
    assert {id: node["class"][1] for id, node in nodes.items()} == {
        slug(id): f"status-{s.effective}" for id, s in STATUS.items()
    }
    for id in STATUS:
        row, node = BOOK.rows[id], nodes[slug(id)]
        below = [*row.get("uses", ()), *row.get("proof", ()), *([row["of"]] if "of" in row else [])]
        assert set(node["data-uses"].split()) == {slug(other) for other in below if other in STATUS}
        assert node["href"] == f"#row-{slug(id)}" and len(text(node)) >= len(id.split("-")[-1])


def test_the_errata_page_shows_each_form_under_its_name(site):
    shown, page = {}, page_soup("book/errata")
    for entry in page.select("section.erratum"):
        head = next(id for id in BOOK.rows if entry["id"] == f"erratum-{slug(id)}")
        for form in entry.select("div.form"):
            (side,) = {"printed", "corrected"} & set(form["class"])
            which = re.fullmatch(r"(Printed|Corrected)(?: \(?(.*?)\)?)?:", text(form.p))
            assert which[1].lower() == side
            named = next((id for id in BOOK.rows if which[2] and slug(id).lower() == slug(which[2]).lower()), head)
            latex = form.select_one("div.math").get_text().strip()
            shown[named, which[1]] = latex.removeprefix(r"\[").removesuffix(r"\]")
    checked = {i for r in BOOK.records if "printed" in r for i in r["ids"]}
    listed = [i for i, head in errata(BOOK.rows).items() if head in checked]
    expected = {(i, "Printed"): BOOK.rows[i].get("latex") for i in listed}
    expected |= {(i, "Corrected"): BOOK.rows[i].get("erratum", {}).get("corrected") for i in listed}
    assert shown == {key: latex.strip() for key, latex in expected.items() if latex}
    assert all(page.find(id=f"erratum-{slug(i)}") for i in listed)


@pytest.mark.parametrize("page", ["book/errata", "book/letter"])
def test_errata_come_in_the_order_of_their_consequence(site, page):
    order = [entry["id"] for entry in entries(BOOK.rows, BOOK.records)]
    links = [a["href"].partition("#erratum-")[2] for a in page_soup(page).select("article table a, article li a")]
    places = [links.index(slug(id)) for id in order]
    assert places == sorted(places)
    said = text(page_soup(page).select_one("article"))
    for entry in entries(BOOK.rows, BOOK.records):
        # formulas are set otherwise on the page than in the ledger
        first, *_ = re.split(r"[$(]", entry["conclusion"])
        assert not entry["changes"] or first.strip() in said


def test_the_figures_page_shows_what_is_remade_and_what_is_read(site):
    cards = {card["id"]: card for card in page_soup("book/figures").select(".figure-card")}
    figures = [id for id, row in BOOK.rows.items() if row["kind"] == "figure"]
    assert list(cards) == figures
    for id in figures:
        card = cards[id]
        assert text(card.select_one(".status")) == REMADE.get(VERDICT[id].remade, VERDICT[id].remade)
        judged = {text(item.a): text(item.select_one(".status")) for item in card.select("li")}
        for record in [r for r in BOOK.records if id in r["ids"] and "shows" in r]:
            named = {
                i: next(name for name in judged if slug(name) == slug(i).replace("fig-", "Figure-"))
                for i in [*record["shows"], *record["says"]]
            }
            assert all(judged[named[i]] == VERDICT[i] for i in named)
            assert f"{VERDICT[id].supported} supported" in text(card) or not VERDICT[id].supported
            settings = dict(zip(map(text, card.select("dt")), map(text, card.select("dd")), strict=True))
            assert settings.keys() == record["settings"].keys() and "np." not in "".join(settings.values())
            picture, plot = card.select_one("a.thumbnail"), BOOK.rows[id]["plot"]
            assert picture["href"].endswith(f"{record['chapter']}.html#{plot}")
            assert (HTML / "book" / picture.img["src"]).resolve().is_file()


@pytest.mark.parametrize("page", [p for p in PAGES if p.removeprefix("book/") in {r["chapter"] for r in BOOK.records}])
def test_a_chapter_s_card_counts_its_checks(site, page):
    mine = [r for r in BOOK.records if r["chapter"] == page.removeprefix("book/") and r["call"] in CHECKS]
    wrong = {id for r in mine if r["call"] == "refutes" for id in r["ids"]}
    line = text(page_soup(page).select(".chapter-card p")[-1])
    assert line.startswith(f"{len(mine)} checks")
    statements = "statement" if len(wrong) == 1 else "statements"
    assert (f", {len(wrong)} {statements} of the paper corrected" in line) is bool(wrong)


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
    "graph": ("ledger", [("node status-numeric", "node status-proved")], "graph_shows"),
    "edges": ("ledger", [('data-uses="8 ', 'data-uses="')], "graph_shows"),
    "errata": ("errata", [("Printed", "X"), ("Corrected", "Printed"), ("X", "Corrected")], "each_form_under_its_name"),
    "a thumbnail": ("figures", [("#fig-j-width", "#fig-j-large")], "what_is_remade"),
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
    const source = 'pre, code, script, noscript, style, mjx-container, .highlight';
    const inCode = seen.currentNode.parentElement.closest(source);
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
        self.page.on("requestfailed", self.failed)
        self.page.goto(path.as_uri(), wait_until="load")
        self.page.wait_for_selector("article h1, #search-results", state="attached")  # index.html sends its reader on
        self.page.evaluate("() => window.MathJax && MathJax.startup && MathJax.startup.promise")
        self.page.evaluate("() => document.fonts.ready.then(() => null)")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def failed(self, request):
        """A request that failed is a fault, but not if the reader left the page before it was done."""
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"not loaded: {request.url}")

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


# ---- the records, for a reader who looks something up

VISIBLE = "lines => lines.filter(line => line.checkVisibility()).map(line => line.id || line.textContent.trim())"


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("(47)", "appendices/c_input_output_mode.html#equation-eq-paper-47"),
        ("equation 106", "appendices/h_landau.html#equation-eq-paper-106"),
        ("Figure A5", "appendices/j_feature_learning.html#fig-j-width"),
        ("3.4.5", "ledger.html#claim-3-4-5"),
        ("neural tangent kernel", "appendices/i_ntk.html"),
    ],
)
def test_it_is_found_in_two_clicks(site, browser, asked, target):
    with Visit(browser, HTML / "book" / "intro.html") as visit:
        visit.page.click("nav.bd-links a[href$='find.html']")
        visit.page.fill("form.records-filter [name=words]", asked)
        visit.page.wait_for_function(
            "() => / of /.test(document.querySelector('form.records-filter output').textContent)"
        )
        lines = visit.page.locator(".find-list li:visible")
        assert lines.count() < 25
        visit.page.locator(f".find-list li:visible a[href$='{target}']").first.click()
        assert visit.page.url.endswith(target)
        place = target.partition("#")[2]
        visit.page.locator(f"[id='{place}']" if place else "article h1").wait_for()
        assert visit.complaints == []


@pytest.mark.parametrize(
    "asked, target",
    [
        ("(47)", "book/appendices/c_input_output_mode.html#equation-eq-paper-47"),
        ("equation 106", "book/appendices/h_landau.html#equation-eq-paper-106"),
        ("Figure A5", "book/appendices/j_feature_learning.html#fig-j-width"),
        ("3.4.5", "book/ledger.html#claim-3-4-5"),
        ("neural tangent kernel", "book/appendices/i_ntk.html"),
        ("xyzzy", None),
    ],
)
def test_the_search_page_begins_with_what_the_paper_numbers(site, browser, asked, target):
    with Visit(browser, HTML / "index.html") as visit:
        visit.page.goto((HTML / "search.html").as_uri() + "?q=" + asked.replace(" ", "+"))
        visit.page.wait_for_function("() => /found|did not match/i.test(document.body.textContent)")
        first = visit.page.locator(".found-first li a")
        assert (first.first.get_attribute("href") if first.count() else None) == target


def test_the_ledger_filters_and_sorts(site, browser):
    with Visit(browser, HTML / "book" / "ledger.html") as visit:
        page, form = visit.page, visit.page.locator("form.records-filter")
        rows = page.locator("table.ledger tbody tr[id]")
        every = rows.evaluate_all("rows => rows.map(row => row.id)")
        claims = [f"claim-{slug(id)}" for id, row in BOOK.rows.items() if row["kind"] in ("claim", "panel")]
        assert set(every) == {f"row-{slug(id)}" for id in STATUS} | set(claims)
        assert rows.evaluate_all(VISIBLE) == [], "they are folded, each chapter to a line"
        sums = page.locator("details.rows > summary").all_inner_texts()
        assert sum(int(line.split()[0]) for line in sums) == len(every)
        form.locator("[name=verdict]").select_option("verdict-slip")
        slips = {f"row-{slug(id)}" for id, status in STATUS.items() if status.printed == "slip"}
        assert set(rows.evaluate_all(VISIBLE)) == slips and slips
        form.locator("[name=words]").fill("65")
        assert rows.evaluate_all(VISIBLE) == ["row-65"]
        assert form.locator("output").text_content() == f"1 of {len(every)}"
        form.locator("button").click()
        page.wait_for_function("count => !document.querySelector('tbody tr[id][hidden]')", arg=len(every))
        assert rows.evaluate_all(VISIBLE) == []
        form.locator("[name=gravest]").check()
        first = [id for id, status in STATUS.items() if status.printed.startswith("wrong")]
        shown = page.locator("table.statements tbody tr[id]").evaluate_all(VISIBLE)
        assert set(shown[: len(first)]) == {f"row-{slug(id)}" for id in first}
        form.locator("[name=gravest]").uncheck()
        assert rows.evaluate_all(VISIBLE) == []
        page.locator("a.node#node-65").click()
        page.locator("#row-65").wait_for()
        assert set(rows.evaluate_all(VISIBLE)) < set(every) and visit.faults() == {}


def test_a_node_of_the_graph_opens_its_statement(site, browser):
    with Visit(browser, HTML / "book" / "ledger.html") as visit:
        panel, edges = visit.page.locator(".graph-panel"), visit.page.locator("svg.edges path")
        assert not panel.is_visible()
        visit.page.locator("#node-112").focus()
        visit.page.wait_for_selector(".graph-panel mjx-container")
        assert panel.inner_text().startswith("(112)") and edges.count()
        below = visit.page.locator("a.node.below").evaluate_all("nodes => nodes.map(node => node.id)")
        assert set(below) == {f"node-{slug(id)}" for id in rests_on("112")}
        visit.page.locator("#node-9").hover()
        assert panel.inner_text().startswith("(9)")
        visit.page.keyboard.press("Escape")
        assert not panel.is_visible() and visit.faults() == {}


def rests_on(id):
    """All statements below one in the graph."""
    row, found = BOOK.rows[id], set()
    for other in [*row.get("uses", ()), *row.get("proof", ()), *([row["of"]] if "of" in row else [])]:
        found |= {other} | rests_on(other) if other in STATUS else set()
    return found


def test_without_javascript_every_line_is_there(site, browser):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    for name, lines, form in (
        ("ledger", "table.ledger tbody tr[id]", True),
        ("find", ".find-list li", True),
        ("figures", ".figure-card", False),
    ):
        page.goto((HTML / "book" / f"{name}.html").as_uri())
        assert all(line.is_visible() for line in page.locator(lines).all()) and page.locator(lines).count() > 16
        assert not form or not page.locator("form.records-filter").is_visible(), "a box that does nothing"
    numbers = [id for id, row in BOOK.rows.items() if is_number(row)]
    keys = [line.get("data-keys") for line in page_soup("book/find").select(".find-list li")]
    assert all(any(key.startswith(f"equation {id} ") for key in keys) for id in numbers)
    context.close()


def test_the_letter_fills_two_sheets_at_most(site, browser, tmp_path):
    with Visit(browser, HTML / "book" / "letter.html") as visit:
        margin = {"top": "14mm", "bottom": "14mm", "left": "15mm", "right": "15mm"}
        paper = visit.page.pdf(format="A4", margin=margin)
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 2


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
