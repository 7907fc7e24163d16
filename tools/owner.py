"""Carry the repository's address and the authors' name from _config.yml to the files that repeat them.

Edit `repository.url` and `author` in _config.yml, then `make owner`. The old values are read from CITATION.cff.
"""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
REPEATING = (
    "README.md",
    "CITATION.cff",
    "LICENSE",
    "LICENSE-TEXT",
    "pyproject.toml",
    "book/**/*.md",
    "book/**/*.ipynb",
)


def stated(root: Path = ROOT) -> tuple[str, str]:
    """Return (address, authors) as _config.yml states them."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return config["repository"]["url"], config["author"]


def repeated(root: Path = ROOT) -> tuple[str, str]:
    """Return (address, authors) as CITATION.cff repeats them."""
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    return citation["repository-code"], citation["authors"][0]["name"]


def carry(root: Path = ROOT) -> list[Path]:
    """Replace the old values by the stated ones and return the files that changed."""
    changed = []
    for path in (p for pattern in REPEATING for p in sorted(root.glob(pattern))):
        text = new = path.read_text(encoding="utf-8")
        for old, value in zip(repeated(root), stated(root), strict=True):
            new = new.replace(old, value)
        if new != text:
            changed.append((path, new))
    for path, new in changed:
        path.write_text(new, encoding="utf-8")
    return [path for path, _ in changed]


if __name__ == "__main__":
    print("\n".join(f"changed {p.relative_to(ROOT)}" for p in carry()) or "nothing to change")
