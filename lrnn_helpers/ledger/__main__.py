"""The ledger's commands, from a project's root.

init    write a ledger's first rows from a transcription: one for each numbered equation
totals  print the numbers behind README and landing page
seal    write the seals, after LaTeX, functions and rows were read side by side
errata  write errata.yml beside the ledger: what is printed, what holds, and what follows, as data
readme  write the totals between the README's marks, <!-- totals:begin --> and <!-- totals:end -->
"""

import argparse
import json
import re
from pathlib import Path

from lrnn_helpers.ledger._book import NUMBER, read_records, read_rows, summary, totals
from lrnn_helpers.ledger._errata import errata_yaml
from lrnn_helpers.ledger._seal import sealable, with_seals

MARKS = re.compile(r"(<!-- totals:begin -->\n).*?(<!-- totals:end -->)", re.S)
EQUATION = re.compile(
    rf"\$\$(?P<a>(?:(?!\$\$).)+?)\$\$(?:[ \t]*\((?:eq:)?(?P<na>{NUMBER})\))?"
    r"|\\begin\{equation\}(?P<b>.*?)\\end\{equation\}",
    re.S,
)
TAG = re.compile(rf"\\tag\{{({NUMBER})\}}|\\q?quad\s*\(({NUMBER})\)\s*$")


def first_rows(text):
    """YAML rows for the numbered displays of a transcription (Markdown or LaTeX), in order."""
    found, running = [], 0
    for match in EQUATION.finditer(text):
        latex = (match["a"] or match["b"]).strip()
        running += match["b"] is not None
        tag = TAG.search(latex)
        number = (tag and (tag[1] or tag[2])) or match["na"] or (str(running) if match["b"] is not None else None)
        if number:
            found.append((number, " ".join(re.sub(r"\\label\{[^}]*\}", "", TAG.sub("", latex)).split())))
    quoted = ((id, latex.replace("'", "''")) for id, latex in found)
    row = "- id: \"{}\"\n  section: ''\n  chapter: ''\n  kind: identity\n  latex: '{}'\n"
    return "\n".join(row.format(*each) for each in quoted)


def main(arguments=None):
    """Run one command."""
    parser = argparse.ArgumentParser("python -m lrnn_helpers.ledger", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--book", type=Path, default=Path("book"), help="folder of ledger.yml and the chapters [book]")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init", help="write ledger.yml").add_argument(
        "text", type=Path, help="transcription of a paper"
    )
    commands.add_parser("totals", help="print them").add_argument("--json", action="store_true", help="as one object")
    commands.add_parser("seal", help="write the seals")
    commands.add_parser("errata", help="write errata.yml")
    readme = commands.add_parser("readme", help="write the totals")
    readme.add_argument("--readme", type=Path, default=Path("README.md"), help="the file with the marks [README.md]")
    given = parser.parse_args(arguments)
    ledger = given.book / "ledger.yml"
    if given.command == "init":
        if ledger.exists():
            parser.error(f"{ledger} exists already")
        given.book.mkdir(parents=True, exist_ok=True)
        ledger.write_text(first_rows(given.text.read_text(encoding="utf-8")), encoding="utf-8")
        return
    if not ledger.exists():
        parser.error(f"there is no {ledger}: give the folder with --book, or begin with init")
    rows, records = read_rows(ledger), read_records(given.book)
    if given.command == "seal":
        seals, free = sealable(rows, records, given.book)
        ledger.write_text(with_seals(ledger.read_text(encoding="utf-8"), seals), encoding="utf-8")
        text = json.dumps(free, indent=1, sort_keys=True, ensure_ascii=False)
        (given.book / "seals.json").write_text(text + "\n", encoding="utf-8")
    elif given.command == "errata":
        (given.book / "errata.yml").write_text(errata_yaml(rows, records), encoding="utf-8")
    elif given.command == "readme":
        text = given.readme.read_text(encoding="utf-8")
        if not MARKS.search(text):
            parser.error(f"{given.readme} has no marks <!-- totals:begin --> and <!-- totals:end -->")
        numbers = summary(totals(rows, records))
        given.readme.write_text(MARKS.sub(lambda m: m[1] + numbers + m[2], text), encoding="utf-8")
    elif given.json:
        print(json.dumps(totals(rows, records)))
    else:
        print(summary(totals(rows, records)), end="")


if __name__ == "__main__":
    main()
