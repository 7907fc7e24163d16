"""The chapters in a browser: verdicts at the equations, folds, previews, keyboard, weight, accessibility."""

import re
import sys
from functools import cache
from importlib.resources import files

import measure
import pytest
from conftest import ROOT, toc_pages
from docutils.nodes import make_id
from test_site import BOOK, FLAGS, HTML, STATUS, VERDICT, Visit, browser, find_browser, page_soup, text  # noqa: F401

from lrnn_helpers.ledger._book import read_notebooks
from lrnn_helpers.ledger._seal import read_texts, shown_latex

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import code_links
import reading
import renderings

NOTEBOOKS = read_notebooks(ROOT / "book")
CHAPTERS = [page for page in toc_pages() if page.removeprefix("book/") in {r["chapter"] for r in BOOK.records}]
SHOWN = {label: page for page, words in read_texts(ROOT / "book").items() for label in shown_latex(words)}
HEAVY = "book/appendices/m_t_outputs"  # the longest chapter
ERRATA = "book/appendices/h_landau"  # has refuted equations
WHOLE = "book/appendices/g_regularization"  # axe looks at the insides of its formulas and code too
WRONG = {"slip", "wrong (corrected)", "wrong (no correction known)"}


@cache
def by_id(page):
    return {tag["id"]: tag for tag in page_soup(page).find_all(id=True)}


def equation(page, label):
    return by_id(page)[make_id(f"equation-eq-{label}")]


# ---- verdicts, from the records


def test_every_number_carries_the_sign_of_its_status(site):
    signs = {"right": "✓", "definition": "=", "right under a stated condition": "◐", "open": "○"}
    seen = 0
    for label, chapter in SHOWN.items():
        side, id = label.split("-", 1)
        page = f"book/{chapter}"
        if id not in STATUS or page not in toc_pages():
            continue
        seen += 1
        sign = equation(page, label).select_one(".eqno a.sign")
        printed = STATUS[id].printed
        assert text(sign) == ("✓" if side == "corrected" else signs.get(printed, "✗")), label
        barred = side == "paper" and printed in WRONG
        colour = printed if barred or printed.startswith("right under") else STATUS[id].effective
        assert f"status-{re.sub('[^a-z]+', '-', colour).strip('-')}" in sign["class"], label
        assert ("printed-wrong" in equation(page, label)["class"]) is barred, label
        assert ("corrected" in equation(page, label)["class"]) is (side == "corrected"), label
    assert seen > 190


def test_a_sign_leads_to_a_check_of_its_row(site):
    for label, chapter in SHOWN.items():
        id = label.split("-", 1)[1]
        if id not in STATUS or not any(id in r["ids"] and r["chapter"] == chapter for r in BOOK.records):
            continue
        link = equation(f"book/{chapter}", label).select_one("a.sign")["href"]
        where = by_id(f"book/{next(r['chapter'] for r in BOOK.records if id in r['ids'])}")
        anchor = where[link.split("#")[1]]
        assert "check-anchor" in anchor["class"]
        # The cell at that place is the one that checks the row.
        lines = anchor.find_parent(class_="cell").select_one("pre.record-lines").text
        assert re.search(rf"(?<!\d){re.escape(id)}(?!\d)", lines), label


def test_below_an_equation_stands_what_it_uses_and_what_uses_it(site):
    line = equation(ERRATA, "paper-94").find_next(class_="verdict-line")
    said = text(line)
    assert "Held against modes.energy" in said
    for other in BOOK.rows["94"]["uses"]:
        assert other in re.search(r"Uses (.*?)\. Used", said)[1]
    users = [id for id, row in BOOK.rows.items() if "94" in row.get("uses", ())]
    assert users and all(id in said.split("Used by")[1] for id in users)


@pytest.mark.parametrize("page", CHAPTERS)
def test_each_claim_is_a_sentence_with_its_verdict_and_domain(site, page):
    records = [r for r in BOOK.records if r["chapter"] == page.removeprefix("book/") and r["call"] == "claim"]
    shown = [text(li) for li in page_soup(page).select("ul.verdicts li.claim")]
    assert len(shown) == len(records)
    for line, record in zip(shown, records, strict=True):
        sentence = " ".join(record["sentence"].split()).removesuffix(".")
        assert sentence[1:] in line and record["verdict"].capitalize() in line
        assert " ".join(record["domain"].split("; outside: ")[0].split()) in line


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_input_is_in_a_fold_that_is_open_without_a_script(site, page):
    cells = [c for c in NOTEBOOKS[page.removeprefix("book/")]["cells"] if c["cell_type"] == "code"]
    cells = [c for c in cells if "remove-cell" not in c["metadata"].get("tags", ())]
    folds = page_soup(page).select("article details.fold")
    assert len(folds) == len(cells)
    for fold, cell in zip(folds, cells, strict=True):
        hidden = "hide-input" in cell["metadata"].get("tags", ())
        checks = any(m.endswith("ledger.check+json") for o in cell["outputs"] for m in o.get("data", {}))
        lines = "".join(cell["source"]).rstrip().count("\n") + 1
        assert fold.has_attr("open") is not hidden
        long = hidden or lines > (8 if checks else 12) or text(fold.select_one(".fold-title")) == "Imports"
        assert ("long" in fold["class"]) is long
        assert len(text(fold.select_one(".fold-title"))) > 3


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_fold_says_what_is_inside(site, page):
    for fold in page_soup(page).select("article details.fold.long"):
        if not fold.find_parent("section", id=re.compile("^exercises")):
            title = text(fold.select_one(".fold-title"))
            assert title != "Code" and not title.startswith(reading.NAMES), f"{title}: give the cell a first comment"


@pytest.mark.parametrize(
    ("source", "outputs", "title"),
    [
        ("# Two runs\nrun = 1", [], "Two runs"),
        ("ax = draw()", [{"data": {"image/png": ""}}], "Code of Plot 7"),
        ("show(rows)", [{"data": {"text/markdown": "| a |"}}], "Code of the table"),
        ('def gap(x):\n    """how far x\n    is off; a share. At most."""\n', [], "How far x is off"),
        ('def at(x):\n    """u and b at x."""\n', [], "u and b at x"),
        ("def eq12(a):\n    return a\ndef corrected13(a):\n    return a", [], "(12), (13′) as functions"),
        ("import numpy as np\n", [], "Imports"),
        ("import numpy as np\npi = np.pi", [], "Imports and settings"),
        ("a, b = 1, 2\nc = d = e = 3", [], "Code: a, b, c, d, …"),
        ("print(1)", [], "Code"),
    ],
)
def test_titles_of_folds(source, outputs, title):
    assert reading.title_of(source, outputs, "Plot 7") == title


@pytest.mark.parametrize("page", toc_pages())
def test_the_ids_of_a_page_are_its_own(site, page):
    ids = [tag["id"] for tag in page_soup(page).find_all(id=True)]
    assert sorted(ids) == sorted(set(ids))


def test_a_cell_s_names_lead_to_the_package(site):
    links = page_soup(ERRATA).select("div.cell_input a.code-link")
    assert any(a["href"].endswith("api/transitions.html#lrnn_helpers.transitions.effective_energy") for a in links)
    for cell in page_soup(ERRATA).select("div.cell_input"):
        addresses = [a["href"] for a in cell.select("a.code-link")]
        assert len(addresses) == len(set(addresses))  # once a cell


def test_marks_of_the_highlighter_that_colour_nothing_are_left_out(site):
    rules = (HTML / "_static" / "pygments.css").read_text(encoding="utf-8")
    rule = re.compile(r'\[data-theme="(\w+)"\] \.highlight( \.\w+)? \{.*?(?<!-)(color: #\w+) \}')
    ground = {theme: colour for theme, name, colour in rule.findall(rules) if not name}
    assert set(ground) == {"light", "dark"}
    names = {name.strip(" .") for _, name, _ in rule.findall(rules) if name}
    plain = {
        c for c in names if all((theme, f" .{c}", colour) in rule.findall(rules) for theme, colour in ground.items())
    }
    marks = {name for span in page_soup(ERRATA).select("div.cell_input span[class]") for name in span["class"]}
    assert {"k", "mi"} <= marks and not marks & plain
    left_out = set(re.search(r"\(\?:([\w|]+)\)", code_links.PLAIN.pattern)[1].split("|"))
    assert {"n", "p"} <= left_out <= plain


# ---- in a browser


@pytest.fixture(scope="module")
def with_bars(browser):  # noqa: F811
    """A browser that shows its scroll bars, as most readers' do; playwright hides them otherwise."""
    where, hidden = find_browser(), ["--hide-scrollbars"]
    chromium = browser.browser_type.launch(executable_path=where, args=FLAGS, ignore_default_args=hidden)
    yield chromium
    chromium.close()


BARS = """() => [...document.querySelectorAll('article mjx-container:not([display="true"])')]
  .filter(e => e.offsetHeight - e.clientHeight > 2).map(e => e.parentElement.textContent.slice(0, 60))"""
STOPS = """() => ({
  formulas: document.querySelectorAll('article mjx-container').length,
  stops: [...document.querySelectorAll('article mjx-container[tabindex], article mjx-container [tabindex]')]
    .filter(e => !(e.scrollWidth > e.clientWidth + 1)).length,
})"""
HEIGHT = "() => document.querySelector('article').getBoundingClientRect().height"


@pytest.mark.parametrize("page", [ERRATA, "book/results/stability"])
def test_no_formula_in_a_line_has_a_scroll_bar_and_none_is_a_tab_stop(site, with_bars, page):
    with Visit(with_bars, HTML / f"{page}.html") as visit:
        assert visit.page.evaluate(BARS) == []
        found = visit.page.evaluate(STOPS)
        assert found["formulas"] > 100 and found["stops"] == 0
        # The test can see a bar: without the rule that mends it, there are many.
        visit.page.add_style_tag(
            content=".bd-article mjx-container mjx-assistive-mml "
            "{ width: auto !important; height: auto !important; overflow: visible !important }"
        )
        assert len(visit.page.evaluate(BARS)) > 50


def test_the_longest_chapter_is_light(site, browser):  # noqa: F811
    with Visit(browser, HTML / f"{HEAVY}.html") as visit:
        visit.page.wait_for_timeout(300)
        loaded = {url.split("?")[0] for url in visit.requests if url.startswith("file:")}
        weight = sum((HTML.parent.parent / url.removeprefix("file:" + "//")).stat().st_size for url in loaded)
        assert len(loaded) <= 25 and weight < 2_500_000, f"{len(loaded)} files, {weight / 1e6:.2f} MB"
        icons = visit.page.evaluate(
            '() => [...document.querySelectorAll(\'[class*=" fa-"], [class^="fa-"]\')].filter(e => '
            "getComputedStyle(e).maskImage === 'none' && getComputedStyle(e).webkitMaskImage === 'none').length"
        )
        assert icons == 0


@pytest.mark.parametrize("page", ["book/results/phase_transitions", "book/appendices/j_feature_learning"])
def test_a_chapter_read_to_its_end_is_light(site, browser, page):  # noqa: F811
    found = measure.measure(browser, HTML / f"{page}.html")
    assert found["weight"] < measure.GOAL_WEIGHT and found["requests"] <= measure.GOAL_REQUESTS
    assert found["figures"] >= 4 and found["long"] == 0 and 0 < found["code"] < 0.25 * found["height"]


def test_long_cells_fold_and_the_choice_is_remembered(site, browser):  # noqa: F811
    with Visit(browser, HTML / f"{ERRATA}.html") as visit:
        page = visit.page
        button = page.locator("button.reading-mode")
        state = "() => [...document.querySelectorAll('details.fold')].map(f => [f.classList.contains('long'), f.open])"
        folds = page.evaluate(state)
        assert folds and all(opened is not long for long, opened in folds)
        folded = page.evaluate(HEIGHT)
        button.click()
        assert not any(opened for _, opened in page.evaluate(state)) and button.inner_text() == "All code folded"
        assert page.evaluate(HEIGHT) < folded
        button.press("Enter")
        assert all(opened for _, opened in page.evaluate(state)) and button.inner_text() == "All code shown"
        assert folded < 0.7 * page.evaluate(HEIGHT)
        page.reload()
        page.wait_for_selector("button.reading-mode")
        assert all(opened for _, opened in page.evaluate(state))


def test_a_link_and_a_search_open_what_is_folded(site, browser):  # noqa: F811
    with Visit(browser, HTML / f"{ERRATA}.html") as visit:
        page = visit.page
        page.locator("#equation-eq-paper-94 a.sign").click()
        fold = page.locator("div.cell:has(#check-94) details.fold")
        assert fold.evaluate("f => f.open")
        word = "by_package"  # stands in code only
        page.goto((HTML / f"{ERRATA}.html").as_uri().split("#")[0] + f"?highlight={word}")
        page.wait_for_selector("article .highlighted", state="attached")
        page.wait_for_function("() => document.querySelector('details.fold[open].long')")
        assert page.evaluate("() => [...document.querySelectorAll('.highlighted')].every(e => e.checkVisibility())")


def test_without_javascript_all_is_there(site, browser):  # noqa: F811
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((HTML / f"{ERRATA}.html").as_uri())
    hidden = page.locator("article details.fold:not([open])").count()
    tagged = sum("hide-input" in c["metadata"].get("tags", ()) for c in NOTEBOOKS["appendices/h_landau"]["cells"])
    assert hidden == tagged
    assert page.locator("noscript p", has_text="its TeX").is_visible()
    context.close()


def test_hovering_a_reference_shows_what_it_refers_to(site, browser):  # noqa: F811
    with Visit(browser, HTML / f"{ERRATA}.html") as visit:
        page, tip = visit.page, visit.page.locator(".preview")
        page.locator("article p a[href*='energy_function.html#equation-eq-paper-8']").first.hover()
        tip.locator("mjx-container").first.wait_for()  # of another page, typeset
        page.keyboard.press("Escape")
        assert tip.count() == 0
        page.locator("article .verdict-line a[href='#equation-eq-paper-97']").first.focus()
        tip.locator("mjx-container").first.wait_for()  # of this page
        page.evaluate("() => document.activeElement.blur()")
        assert tip.count() == 0
        page.locator("article .verdict-line a.api").first.hover()
        tip.get_by_text("modes.energy").first.wait_for()
        page.mouse.move(0, 0)
        page.evaluate("() => document.querySelectorAll('details.fold').forEach(f => { f.open = true })")
        page.locator("article a.code-link[href*='effective_energy']").first.focus()  # the page still moves: no hover
        tip.get_by_text("effective_energy(").first.wait_for()
        assert visit.complaints == []


def test_a_citation_and_a_plot_are_shown_too(site, browser):  # noqa: F811
    with Visit(browser, HTML / "book/appendices/e_ordering.html") as visit:
        for link in ("a[href^='#fig-']:not(.headerlink)", "a[href*='bibliography.html#']"):
            visit.page.locator(f"article {link}").first.hover()
            visit.page.locator(".preview").wait_for()
            assert len(visit.page.locator(".preview").inner_text()) > 20
            visit.page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_plot_shows_its_caption(site, browser, scheme):  # noqa: F811
    with Visit(browser, HTML / "book/appendices/e_ordering.html") as visit:
        visit.page.evaluate("scheme => { document.documentElement.dataset.theme = scheme; }", scheme)
        shown = visit.page.locator("article figcaption").evaluate_all("all => all.map(c => c.checkVisibility())")
        assert shown and all(shown)


def test_paper_shows_what_the_screen_shows(site, browser):  # noqa: F811
    with Visit(browser, HTML / f"{ERRATA}.html") as visit:
        state = "() => [...document.querySelectorAll('article details')].map(f => f.open)"
        before = visit.page.evaluate(state)
        visit.page.emulate_media(media="print")
        visit.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
        assert visit.page.evaluate(state) == before
        style = "e => [getComputedStyle(e).breakInside, getComputedStyle(e).whiteSpace]"
        assert visit.page.locator("div.cell_input pre").first.evaluate(style)[1] == "pre-wrap"
        assert visit.page.locator("div.cell div.highlight").first.evaluate(style)[0] == "auto"


# ---- axe

# axe walks over every node: of formulas and of highlighted code it need see the insides on one page only.
THIN = """() => {
  const boxes = [...document.querySelectorAll('mjx-container')].map(e => [e, e.getBoundingClientRect()]);
  for (const [e, at] of boxes) {
    Object.assign(e.style, {overflow: 'visible', width: `${at.width}px`, height: `${at.height}px`});
    e.textContent = 'x';
  }
  for (const code of document.querySelectorAll('div.highlight pre')) code.textContent = code.textContent;
}"""
AXE = """dark => axe.run(document, {
  runOnly: dark ? {type: 'rule', values: ['color-contrast']}
    : {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']},
  resultTypes: ['violations'],
}).then(found => found.violations.map(v => [v.id, v.nodes.length, v.nodes[0].target.join(' ')]))"""


def violations(visit, scheme):
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
    if not visit.page.evaluate("() => 'axe' in window"):
        visit.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    return visit.page.evaluate(AXE, scheme == "dark")


CUT = """() => [...document.querySelectorAll('article div.math[id] > mjx-container[display="true"]')]
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.parentElement.id)"""


@pytest.mark.parametrize("page", toc_pages())
def test_axe_finds_nothing_and_no_equation_is_cut(site, browser, page):  # noqa: F811
    with Visit(browser, HTML / f"{page}.html") as visit:
        assert visit.page.evaluate(CUT) == []
        if page != WHOLE:
            visit.page.evaluate(THIN)
        assert {scheme: violations(visit, scheme) for scheme in ("light", "dark")} == {"light": [], "dark": []}


def test_axe_sees_a_page_that_has_faults(site, browser):  # noqa: F811
    with Visit(browser, HTML / f"{ERRATA}.html") as visit:
        visit.page.evaluate(
            "() => document.querySelector('article').insertAdjacentHTML('beforeend', "
            '\'<img src=""><p style="color: #bbb; background: #fff">pale</p>\')'
        )
        assert {id for id, *_ in violations(visit, "light")} >= {"image-alt", "color-contrast"}


# ---- plots

PLOTS = "book/results/stability"
SHOWN_PLOTS = """() => [...document.querySelectorAll('article a.plot')].filter(a => a.offsetWidth).map(a => {
  const image = a.querySelector('img');
  return {file: image.currentSrc.split('/').pop(), filter: getComputedStyle(image).filter, link: a.href,
          background: getComputedStyle(image).backgroundColor, size: [image.naturalWidth, image.clientWidth]};
})"""


@pytest.mark.parametrize("width", [1440, 390])
def test_each_theme_and_width_has_plots_of_its_own_and_no_filter(site, browser, width):  # noqa: F811
    files, twins = {}, [*renderings.twins(ROOT / f"{PLOTS}.ipynb").values()]
    assert len(twins) == 6 and all("light-narrow" in each for each in twins)
    for scheme in ("light", "dark"):
        with Visit(browser, HTML / f"{PLOTS}.html") as visit:
            visit.page.set_viewport_size({"width": width, "height": 900})
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
            visit.page.eval_on_selector_all("article a.plot img", "all => all.forEach(i => { i.loading = 'eager'; })")
            visit.page.wait_for_function(
                "[...document.querySelectorAll('article a.plot')].filter(a => a.offsetWidth)"
                ".every(a => a.querySelector('img').complete && a.querySelector('img').naturalWidth)"
            )
            shown = visit.page.evaluate(SHOWN_PLOTS)
            name = scheme if width == 1440 else f"{scheme}-narrow"
            assert [plot["file"] for plot in shown] == [renderings.named(each[name]) for each in twins]
            for plot in shown:
                assert plot["filter"] == "none" and plot["background"] == "rgba(0, 0, 0, 0)"
                assert plot["size"][0] >= 1.9 * plot["size"][1], "two pixels of the file to one of the page"
            files[scheme] = {plot["link"] for plot in shown}
            visit.page.locator("article a.plot:visible").first.focus()
            visit.page.keyboard.press("Enter")
            visit.page.wait_for_url("**/_images/*.png")
            assert visit.page.url in files[scheme]
            assert not visit.complaints
    assert not files["light"] & files["dark"]


def test_a_plot_without_twins_is_shown_as_it_is():
    one = next(iter(renderings.twins(ROOT / f"{PLOTS}.ipynb").values()))["light"]
    html = renderings.picture({"light": one}, "_images", "what it shows")
    assert "only-" not in html and "<source" not in html and f"_images/{renderings.named(one)}" in html
