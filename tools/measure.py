"""Measures of the built book as a browser shows it: a table of the chapters, and how they stand to the goals.

    python tools/measure.py _build/html

A row is a page with cells, 1440 px wide, as a reader first sees it. Height is the article's; of it code (folded code
is its one line), printed outputs, plots and displayed equations take shares. Words are those outside cells and
formulas. Weight and requests are of all that the page loads while it is read to its end.
"""

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from take_away import ROOT, chromium

WIDTH, LONG_CELL = 1440, 20  # px, lines
# The 20 chapters of commit 8faa636, before code was folded, measured by this script.
BEFORE = {
    "book/setup": 21788,
    "book/results/energy_function": 12431,
    "book/results/solutions": 14643,
    "book/results/stability": 24379,
    "book/results/phase_transitions": 26906,
    "book/results/rich_learning": 26429,
    "book/appendices/a_notation": 8860,
    "book/appendices/b_gradient_flow": 20489,
    "book/appendices/c_input_output_mode": 16225,
    "book/appendices/d_recurrent_mode": 22707,
    "book/appendices/e_ordering": 12709,
    "book/appendices/f_zero_loss": 20850,
    "book/appendices/g_regularization": 7146,
    "book/appendices/h_landau": 38603,  # the proof was in it
    "book/appendices/i_ntk": 37037,
    "book/appendices/j_feature_learning": 23986,
    "book/appendices/k_energy_shape": 9204,
    "book/appendices/m_t_outputs": 34082,
    "book/appendices/n_eigenspace": 31920,
    "book/appendices/p_simulations": 20072,
}
SINCE = ("book/appendices/h_proof",)  # parts of those chapters that are pages of their own now
GOAL_HEIGHT, GOAL_WEIGHT, GOAL_REQUESTS = 0.55, 2_500_000, 25
MEASURE = """long => {
  const article = document.querySelector('article');
  const all = (selector, within) => [...(within || article).querySelectorAll(selector)];
  const shown = e => e.checkVisibility() && e.offsetHeight;
  const outermost = found => found.filter(e => !found.some(other => other !== e && other.contains(e)));
  const height = found => outermost(found).filter(shown).reduce((sum, e) => sum + e.getBoundingClientRect().height, 0);
  const plots = all('div.cell_output :is(a.plot, img)');
  const figures = outermost(plots).filter(shown).length;
  // a copy in a document of its own: here its images would be loaded
  const prose = document.implementation.createHTMLDocument().importNode(article, true);
  all('div.cell, mjx-container, .math, nav, script, .headerlink, form', prose).forEach(e => e.remove());
  const lines = pre => pre.textContent.trimEnd().split('\\n').length;
  return {
    height: article.getBoundingClientRect().height,
    code: height(all('div.cell_input, details.fold > summary, details.hide > summary')),
    plots: height(plots),
    output: height(all('div.cell_output, pre.record-lines, ul.verdicts')) - height(plots),
    equations: height(all('div.math')) - height(all('div.cell div.math')),
    words: prose.textContent.split(/\\s+/).filter(word => /[\\p{L}\\p{N}]/u.test(word)).length,
    figures,
    long: all('div.cell_input pre').filter(pre => shown(pre) && lines(pre) > long).length,
    stops: all('a[href], button, input, select, textarea, summary, [tabindex]')
      .filter(e => e.tabIndex >= 0 && !e.disabled && shown(e)).length,
  };
}"""
HEADER = ["page", "height", "code", "output", "plots", "eqs", "words", "words/plot", "long-cells"]
HEADER += ["kB", "requests", "tab-stops"]


def pages():
    """The pages of the table of contents that are notebooks."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [file for file in files if (ROOT / f"{file}.ipynb").exists()]


def measure(browser, path):
    """The measures of one page."""
    loaded = {}
    with browser.new_context(viewport={"width": WIDTH, "height": 900}, offline=True) as context:
        page = context.new_page()
        page.on("request", lambda request: loaded.setdefault(request.url.split("?")[0]))
        page.goto(path.as_uri(), wait_until="load")
        page.evaluate("() => window.MathJax && MathJax.startup && MathJax.startup.promise.then(() => null)")
        page.evaluate("() => document.fonts.ready.then(() => null)")
        page.wait_for_timeout(300)
        found = page.evaluate(MEASURE, LONG_CELL)
        page.evaluate(
            """async () => { for (let y = 0; y < document.body.scrollHeight; y += 800) {
              scrollTo({top: y, behavior: 'instant'}); await new Promise(requestAnimationFrame); } }"""
        )
        page.wait_for_function("[...document.images].every(i => i.complete || !i.offsetWidth)")
    files = [Path(unquote(urlsplit(url).path)) for url in loaded if url.startswith("file:")]
    return found | {"weight": sum(file.stat().st_size for file in files), "requests": len(files)}


def row(name, m):
    """One line of the table."""
    shares = [f"{m[part] / m['height']:.0%}" for part in ("code", "output", "plots", "equations")]
    per = f"{m['words'] / m['figures']:.0f}" if m["figures"] else "-"
    rest = (m["words"], per, m["long"], round(m["weight"] / 1e3), m["requests"], m["stops"])
    return [name, f"{m['height']:.0f}", *shares, *map(str, rest)]


def main(html):
    """Print the table, and how the book stands to the goals."""
    with chromium() as browser:
        found = {page: measure(browser, Path(html).resolve() / f"{page}.html") for page in pages()}
    table = [HEADER, *(row(page.removeprefix("book/"), m) for page, m in found.items())]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join([line[0].ljust(widths[0]), *(w.rjust(n) for w, n in zip(line[1:], widths[1:], strict=True))]))
    total = {key: sum(m[key] for m in found.values()) for key in ("height", "code", "output", "plots", "equations")}
    shares = ", ".join(f"{key} {total[key] / total['height']:.0%}" for key in list(total)[1:])
    print(f"all: {total['height']:.0f} px; {shares}")
    now = sum(m["height"] for page, m in found.items() if page in {*BEFORE, *SINCE})
    before = sum(BEFORE.values())
    print(f"the chapters of before: {now:.0f} px of {before} ({now / before:.1%}, goal {GOAL_HEIGHT:.0%})")
    heavy = [p for p, m in found.items() if m["weight"] > GOAL_WEIGHT or m["requests"] > GOAL_REQUESTS]
    print(f"heavier than {GOAL_WEIGHT / 1e6} MB or more than {GOAL_REQUESTS} requests: {', '.join(heavy) or 'none'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
