"""What welcomes a reader: the landing page, the glossary's previews, the fields of exercises, the roles behind them."""

import json
import re
import sys
from importlib.resources import files
from io import StringIO

import pytest
from conftest import ROOT, toc_pages
from sphinx.application import Sphinx
from test_site import BOOK, FLAGS, HTML, STATUS, Visit, browser, find_browser, page_soup, text  # noqa: F401

from lrnn_helpers.ledger._book import read_notebooks

sys.path.append(str(ROOT / "book" / "_ext"))  # where Sphinx looks for the extensions

FIELD = re.compile(r"^`{3,}\{answer\} (\S+)\n((?::\w+: .*\n)+)", re.M)
NOTEBOOKS = read_notebooks(ROOT / "book")
MASTERS = {page: (ROOT / f"{page}.md").read_text(encoding="utf-8") for page in toc_pages()}
FIELDS = {page: FIELD.findall(source) for page, source in MASTERS.items() if "{answer}" in source}
WITH_FIELD = "book/results/stability"


def glued(page):
    """Name to text of what the cells of a page have glued."""
    outputs = [o for cell in NOTEBOOKS[page.removeprefix("book/")]["cells"] for o in cell.get("outputs", ())]
    outputs = [o for o in outputs if "scrapbook" in o.get("metadata", {})]
    return {o["metadata"]["scrapbook"]["name"]: "".join(*o["data"].values()).strip("'") for o in outputs}


# ---- exercises


def test_each_results_chapter_asks_for_a_number():
    pages = {page for page in FIELDS if page.startswith("book/results/")}
    assert pages == {page for page in toc_pages() if page.startswith("book/results/")}


@pytest.mark.parametrize("page", FIELDS)
def test_a_field_knows_what_a_cell_has_glued_and_stands_in_its_exercise(site, page):
    forms = page_soup(page).select("article form.answer")
    assert len(forms) == len(FIELDS[page])
    for form, (name, options) in zip(forms, FIELDS[page], strict=True):
        assert float(form["data-right"]) == float(glued(page)[name])
        assert float(form["data-tolerance"]) == float(re.search(r":tolerance: (.*)", options)[1])
        assert form["data-hint"] and text(form.label).startswith(re.search(r":ask: (.*)", options)[1])
        assert form.find_parent("div", class_="exercise") and form.has_attr("hidden")


@pytest.mark.parametrize("page", FIELDS)
def test_a_field_takes_the_right_number_and_no_other(site, browser, page):  # noqa: F811
    with Visit(browser, HTML / f"{page}.html") as visit:
        for form in visit.page.locator("form.answer").all():
            right, tolerance = (float(form.get_attribute(f"data-{key}")) for key in ("right", "tolerance"))
            field = form.get_by_role("textbox")
            for value, verdict in ((right + 0.9 * tolerance, "Right."), (right - 1.2 * tolerance, "Not yet: close")):
                field.fill(f"{value:.12g}")
                field.press("Enter")
                assert form.get_by_role("status").inner_text().startswith(verdict)
        assert visit.complaints == []


def test_a_field_says_what_to_look_at(site, browser):  # noqa: F811
    with Visit(browser, HTML / f"{WITH_FIELD}.html") as visit:
        form = visit.page.locator("form.answer").first
        field, said = form.get_by_role("textbox"), form.get_by_role("status")
        right, hint = float(form.get_attribute("data-right")), form.get_attribute("data-hint")
        told = {
            f"{right}": "Right.",
            f" {right * 8}/8 ": "Right.",
            f"{right}".replace(".", ","): "Right.",
            f"{right:e}": "Right.",
            f"−{right}": f"Not yet: the size is right, the sign is not; {hint}",
            "7": f"Not yet: {hint}",
            "": "Write a number, such as 0.75, 3/4 or 2e-3.",
            "1/0": "Write a number, such as 0.75, 3/4 or 2e-3.",
            "half": "Write a number, such as 0.75, 3/4 or 2e-3.",
        }
        for typed, expected in told.items():
            field.fill(typed)
            assert said.inner_text() == ""  # what was said of another number is gone
            field.press("Tab")  # to the button
            visit.page.keyboard.press("Enter")
            assert said.inner_text() == expected
            assert (field.get_attribute("aria-invalid") == "true") is (expected != "Right.")
        assert visit.page.url.endswith("stability.html")  # nothing was sent
        visit.page.emulate_media(media="print")
        assert not form.is_visible()


def test_without_a_script_the_exercise_is_whole(site, browser):  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((HTML / f"{WITH_FIELD}.html").as_uri())
    assert page.locator("form.answer").count() and not page.locator("form.answer").first.is_visible()
    assert page.locator("div.exercise").first.is_visible() and page.locator("div.solution").first.is_visible()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_field_is_accessible(site, browser, theme):  # noqa: F811
    with Visit(browser, HTML / f"{WITH_FIELD}.html") as visit:
        visit.page.emulate_media(color_scheme=theme)
        form = visit.page.locator("form.answer").first
        form.get_by_role("textbox").fill("7")
        form.get_by_role("textbox").press("Enter")
        visit.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
        found = visit.page.evaluate("() => axe.run('form.answer').then(r => r.violations.map(v => v.id))")
        assert found == []


# ---- the glossary


def test_each_term_leads_to_the_glossary_and_is_used_somewhere(site):
    terms = {dt["id"] for dt in page_soup("book/glossary").select("dl.glossary dt[id]")}
    assert len(terms) > 40
    used = 0
    for page in toc_pages():
        seen = set()
        for link in page_soup(page).select("article a:has(> .std-term)"):
            target = link["href"].split("#")[1]
            assert target in terms
            if page != "book/glossary":
                assert target not in seen, f"{page} marks {target} twice"
                seen.add(target)
        used += len(seen)
    assert used > 15


def test_a_term_is_explained_where_one_hovers_or_comes_by_keyboard(site, browser):  # noqa: F811
    meaning = text(page_soup("book/glossary").select_one("#term-gradient-flow").find_next("dd"))
    with Visit(browser, HTML / "book/discussion.html") as visit:
        link, tip = visit.page.locator("article a[href$='#term-gradient-flow']").first, visit.page.locator(".preview")
        link.hover()
        tip.get_by_text("Gradient descent in the limit").first.wait_for()
        assert meaning.split(":")[0] in tip.inner_text()
        visit.page.keyboard.press("Escape")
        assert tip.count() == 0
        visit.page.mouse.move(0, 0)
        link.focus()
        tip.get_by_text("Gradient descent in the limit").first.wait_for()
        assert visit.complaints == []


# ---- the landing page


def test_the_landing_page_says_what_chapters_found(site):
    page = page_soup("book/intro")
    listed = text(page.select_one("#what-may-surprise-you ol"))
    shown = re.findall(r"\{measured\}`(\S+)::(\S+)`", MASTERS["book/intro"])
    assert len(shown) >= 5
    for chapter, name in shown:
        assert glued(f"book/{chapter}")[name] in listed
    ids = re.findall(r"\{verdict\}`~(\S+)`", MASTERS["book/intro"])
    words = [text(word) for word in page.select("#what-may-surprise-you ol span.status")]
    assert words == [STATUS[id].effective for id in ids] and len(ids) >= 5
    assert all(STATUS[id].printed.startswith("right") for id in ids)


def test_the_landing_page_leads_to_every_chapter_and_record(site):
    links = {a["href"].split("#")[0] for a in page_soup("book/intro").select("article a[href]")}
    chapters = [p.removeprefix("book/") for p in toc_pages() if p.startswith(("book/results/", "book/appendices/"))]
    others = ["introduction", "setup", "discussion", "find", "ledger", "errata", "figures", "letter", "glossary"]
    assert {f"{page}.html" for page in chapters + others} <= links


# ---- what the directives refuse


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("```{answer} other\n:ask: b =\n:tolerance: 0.1\n```", "no cell of this page has glued 'other'"),
        ("```{answer} share\n:tolerance: 0.1\n```", "ask must say what the number is"),
        ("```{answer} share\n:ask: b =\n```", "tolerance must be a number, got ''"),
        ("```{answer} share\n:ask: b =\n:tolerance: 0\n```", "tolerance must be positive"),
        ("```{answer} word\n:ask: b =\n:tolerance: 0.1\n```", "word must be a number, got 'late'"),
        ("{measured}`page::other`", "'page' has share, word"),
        ("{measured}`nowhere::share`", "'nowhere' has none"),
    ],
)
def test_a_field_or_number_that_no_cell_confirms_is_an_error(tmp_path, source, said):
    book = tmp_path / "book"
    book.mkdir()
    mime = "application/papermill.record/"
    outputs = [
        {"data": {f"{mime}text/plain": repr(value)}, "metadata": {"scrapbook": {"name": name}}}
        for name, value in (("share", "0.25"), ("word", "late"))
    ]
    (book / "page.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": outputs}]}))
    (book / "page.md").write_text(f"# A page\n\n{source}\n")
    (book / "ledger.yml").write_text("[]")
    warnings = StringIO()
    app = Sphinx(
        tmp_path,
        None,
        tmp_path / "out",
        tmp_path / "trees",
        "html",
        status=None,
        warning=warnings,
        confoverrides={
            "extensions": ["myst_parser", "records", "answer"],
            "root_doc": "book/page",
            "ledger_book": "book",
            "exclude_patterns": ["out", "**.ipynb"],
        },
    )
    app.build()
    assert said in warnings.getvalue()
