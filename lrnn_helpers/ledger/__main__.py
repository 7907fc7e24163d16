"""``python -m lrnn_helpers.ledger COMMAND``: readme and seal write the numbers and the seals, totals prints."""

import re
import sys
from pathlib import Path

from lrnn_helpers.ledger._book import read_records, read_rows, sealable, summary, totals

README, LEDGER, BOOK = Path("README.md"), Path("book/ledger.yml"), Path("book")
MARKS = re.compile(r"(<!-- totals:begin -->\n).*?(<!-- totals:end -->)", re.S)


def with_seals(text, seals):
    """The ledger's text with each row's seal written as the last line of its block, comments and order kept."""
    blocks = re.split(r"(?m)^(?=- id: )", text)
    for number, block in enumerate(blocks[1:], start=1):
        id = re.match(r"- id: [\"']?([^\"'\n]+)", block)[1]
        block = re.sub(r"(?m)^  seal: .*\n", "", block)
        if id in seals:
            lines = block.split("\n")
            last = max(k for k, line in enumerate(lines) if line.startswith(("  ", "- id")))
            lines.insert(last + 1, f"  seal: '{seals[id]}'")
            block = "\n".join(lines)
        blocks[number] = block
    return "".join(blocks)


def main(command):
    """Run one command from the project's root."""
    rows, records = read_rows(LEDGER), read_records(BOOK)
    if command == "readme":
        README.write_text(MARKS.sub(lambda m: m[1] + summary(totals(rows, records)) + m[2], README.read_text()))
    elif command == "seal":
        LEDGER.write_text(with_seals(LEDGER.read_text(), sealable(rows, records, BOOK)))
    elif command == "totals":
        print(summary(totals(rows, records)), end="")
    else:
        raise SystemExit(f"command must be readme, seal or totals, got {command!r}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
