"""Take the README's picture of the built book: the top of a chapter, at an equation and its check.

python tools/picture.py HTML PAGE ANCHOR, such as: _build/html book/results/energy_function equation-eq-paper-8
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

TARGET = Path(__file__).resolve().parents[1] / "book" / "_static" / "picture.png"


def main(html: str, page: str, anchor: str) -> None:
    """Open the page from its file, scroll to the anchor and write the picture."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        tab = chromium.new_page(viewport={"width": 1180, "height": 760}, color_scheme="light")
        tab.goto((Path(html).resolve() / f"{page}.html").as_uri())
        tab.evaluate("() => MathJax.startup.promise")
        tab.evaluate(f"() => window.scrollTo(0, document.getElementById('{anchor}').getBoundingClientRect().top - 250)")
        tab.wait_for_timeout(500)
        tab.evaluate("() => document.querySelector('.bd-sidebar-primary').scrollTo(0, 0)")
        tab.wait_for_timeout(500)
        tab.screenshot(path=TARGET)
        chromium.close()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
