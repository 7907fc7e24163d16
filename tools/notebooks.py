"""Write the notebooks book/**/*.ipynb, with outputs, from their MyST masters book/**/*.md.

    python tools/notebooks.py write            the pairs out of step
    python tools/notebooks.py write NAME ...   these chapters (file name or path without suffix), or `all`
    python tools/notebooks.py stale            list the pairs out of step; exit status 1 if there are any

The same master gives the same bytes: cell ids count up, no times are kept, neighbouring stream outputs are one.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
ENVIRONMENT = THREADS | {
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
METADATA = {
    "jupytext": {"formats": "md:myst,ipynb"},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
COLAB = """\
# Only for Colab: it has everything that the cells below need but this book's own package
import importlib.util

if importlib.util.find_spec("lrnn_helpers") is None:
    %pip install -q --no-deps git+{address}"""


def colab_cell() -> str:
    """Return the first code cell of every chapter that uses the package (tag it `remove-cell`)."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return COLAB.format(address=config["repository"]["url"])


def masters(folder: Path = BOOK) -> list[Path]:
    """Return the Markdown files that are notebooks: those whose front matter names jupytext."""

    def front_matter(path):
        head, *rest = path.read_text(encoding="utf-8").split("\n---", 1)
        return head if head.startswith("---") and rest else ""

    return [p for p in sorted(folder.rglob("*.md")) if "jupytext:" in front_matter(p)]


def read_master(md: Path) -> nbformat.NotebookNode:
    """Return the master as a notebook without outputs, with counted ids and the metadata every chapter has."""
    notebook = jupytext.read(md)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"c{i:03d}"
    return notebook


def skeleton(notebook: nbformat.NotebookNode) -> list[tuple]:
    """Return what a pair must agree in: type, id, source and metadata of each cell, and the notebook's metadata."""
    cells = [(c.cell_type, c.get("id"), c.source, dict(c.metadata)) for c in notebook.cells]
    return [("metadata", dict(notebook.metadata)), *cells]


def in_step(md: Path) -> bool:
    """Tell whether the notebook beside the master exists and shows the master's cells."""
    ipynb = md.with_suffix(".ipynb")
    return ipynb.exists() and skeleton(nbformat.read(ipynb, as_version=4)) == skeleton(read_master(md))


def execute(md: Path) -> str:
    """Run the master from top to bottom in its own folder and return the notebook's text."""
    os.environ.update(ENVIRONMENT)
    notebook = read_master(md)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(md.parent)}},
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4) + "\n"


def write(md: Path) -> str:
    """Write the notebook beside its master and return a line that says so, or why not."""
    try:
        text = execute(md)
    except CellExecutionError as error:
        return f"FAILED  {md.relative_to(ROOT)}\n{error}"
    md.with_suffix(".ipynb").write_text(text, encoding="utf-8")
    return f"wrote   {md.with_suffix('.ipynb').relative_to(ROOT)}"


def chosen(names: list[str]) -> list[Path]:
    """Return the masters that the command line asks for."""
    pairs = masters()
    if not names:
        return [p for p in pairs if not in_step(p)]
    if names == ["all"]:
        return pairs
    known = {key: p for p in pairs for key in (p.stem, p.relative_to(BOOK).with_suffix("").as_posix())}
    unknown = [n for n in names if n not in known]
    if unknown:
        sys.exit(f"no such chapter: {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    return [known[n] for n in names]


def main(mode: str, *names: str) -> int:
    """Run one of the commands of the module's docstring and return the exit status."""
    todo = chosen(list(names))
    if mode == "stale":
        print("".join(f"out of step: {p.relative_to(ROOT)}\n" for p in todo), end="")
        return int(bool(todo))
    with ProcessPoolExecutor(2) as pool:
        lines = list(pool.map(write, todo))
    print("\n".join(lines) if lines else "every notebook is in step with its master")
    return int(any(line.startswith("FAILED") for line in lines))


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("write", "stale"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
