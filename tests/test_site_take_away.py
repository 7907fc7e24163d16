"""What is taken away: a PDF of some pages, a chapter as one file. `make pdf` asserts the same of the whole book."""

import re
import shutil

import pytest
import take_away
from bs4 import BeautifulSoup
from test_site import HTML, browser  # noqa: F401  (a fixture)

FEW = ["book/errata", "book/appendices/g_regularization", "book/bibliography"]


@pytest.fixture
def few(site, monkeypatch, tmp_path):
    """A copy of the built book of which only a few pages are printed, so that the test is short."""
    for part in ("_static", "_images", *(f"{page}.html" for page in FEW)):
        to = tmp_path / part
        to.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (HTML / part).is_dir() else shutil.copy)(HTML / part, to)
    monkeypatch.setattr(take_away, "pages", lambda: FEW)
    monkeypatch.setattr(take_away, "LEAST_PAGES", 10)
    return tmp_path


def test_the_printed_book_has_contents_pages_and_links_and_no_tex(few, browser):  # noqa: F811
    text = BeautifulSoup(take_away.one_page(few), "html.parser")
    entries = [a["href"] for a in text.select(".take-away-contents > ol > li > a")]
    assert entries == [f"#{take_away.section_id(page)}" for page in FEW]
    ids = [tag["id"] for tag in text.select("[id]")]
    assert len(ids) == len(set(ids)), "the same name on two pages"
    assert len(text.select("a[href^='#book-']")) > 30 and text.select(".eqno")
    assert not text.select("details.fold, .only-dark, .headerlink")
    out = few / "book.pdf"
    take_away.write_pdf(few, out, browser)
    pdf = out.read_bytes()
    assert pdf.startswith(b"%PDF") and take_away.count_pages(pdf) > 10
    assert b"/Outlines" in pdf and len(re.findall(rb"/Dest ?[/\[(]|/Subtype /Link", pdf)) > 30
    assert not (few / "take-away.html").exists()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (r"<p>\frac{1}{2}</p>", "raw TeX"),
        ('<img src="nothing.png" alt="nothing">', "no image"),
        ('<a href="#nowhere">there</a>', "a link to nothing"),
        (r'<span class="math notranslate nohighlight">\(\undefined{x\)</span>', "not set"),
    ],
)
def test_a_page_that_cannot_be_printed_stops_it(few, browser, monkeypatch, fault, message):  # noqa: F811
    monkeypatch.setattr(take_away, "pages", lambda: ["book/bibliography"])
    page = few / "book" / "bibliography.html"
    body = '<article class="bd-article">'
    text = page.read_text(encoding="utf-8")
    assert body in text
    page.write_text(text.replace(body, body + fault), encoding="utf-8")
    with pytest.raises(SystemExit, match=message):
        take_away.write_pdf(few, few / "book.pdf", browser)
    assert not (few / "book.pdf").exists()


def test_a_book_of_few_pages_is_refused(few, browser, monkeypatch):  # noqa: F811
    monkeypatch.setattr(take_away, "pages", lambda: ["book/bibliography"])
    with pytest.raises(AssertionError, match=r"only \d+ pages"):
        take_away.write_pdf(few, few / "book.pdf", browser)


def test_the_whole_table_of_contents_is_printed_but_for_what_needs_a_screen(config):
    listed = take_away.pages()
    assert listed[0] == "book/intro" and listed[-1] == "book/bibliography" and len(listed) > 25
    assert not [page for page in listed if page.startswith(("book/api", "book/find", "book/ledger"))]


def test_a_chapter_is_one_file_that_asks_for_nothing(site, browser, tmp_path):  # noqa: F811
    out = tmp_path / "alone.html"
    take_away.main("html", str(HTML), "results/stability", str(out))
    assert out.stat().st_size < 6_000_000
    with browser.new_context(offline=True, color_scheme="dark") as context:
        page, asked, complaints = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(out.as_uri(), wait_until="load")
        page.evaluate("() => MathJax.startup.promise.then(() => null)")
        page.eval_on_selector_all("img", "all => all.forEach(i => { i.loading = 'eager'; })")
        page.wait_for_function("[...document.images].every(i => i.complete)")
        assert page.evaluate(take_away.FAULTS) == [] and complaints == []
        assert [url for url in asked if not url.startswith("data:")] == [out.as_uri()]
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.locator("a.plot:visible").count() == 6 and page.locator("mjx-container").count() > 100


def test_an_unknown_chapter_is_named(site):
    with pytest.raises(SystemExit, match="no such page: book/nothing"):
        take_away.chapter(HTML, "book/nothing")
