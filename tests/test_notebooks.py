"""What nbval does not see: it passes cells that never ran, unknown magics, ignore tags and notebooks without code."""

import copy
import re
import subprocess

import nbformat
import notebooks
import pytest
from conftest import ROOT, toc_pages
from IPython.core.inputtransformer2 import TransformerManager

PAIRS = notebooks.masters()
SHOWING = {"hide-input", "hide-output", "hide-cell", "remove-input", "remove-cell", "scroll-output", "full-width"}
# {(page, cell id): why this cell may carry a tag outside SHOWING}
EXCUSED: dict[tuple[str, str], str] = {}
NBVAL_COMMENT = re.compile(r"#\s*(NBVAL|PYTEST_VALIDATE)_", re.IGNORECASE)


def faults(notebook, page="", colab=""):
    """Return what is wrong with a notebook that nbval would let pass, one line each."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    found = [] if code else ["no code cell"]
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        found.append("cells were not executed from first to last in one session")
    for cell in code:
        tags = set(cell.metadata.get("tags", ())) - SHOWING
        if tags and (page, cell.id) not in EXCUSED:
            found.append(f"{cell.id}: tags {sorted(tags)} are not known")
        if NBVAL_COMMENT.search(cell.source):
            found.append(f"{cell.id}: a comment switches nbval off")
        plain = cell.source.rstrip() + "\n"
        if TransformerManager().transform_cell(plain) != plain and cell.source != colab:
            found.append(f"{cell.id}: a magic, or something else that is not Python")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{cell.id}: an error among the outputs")
            if output.get("name") == "stderr":
                found.append(f"{cell.id}: text on stderr: {output.text[:80]}")
            if output.output_type == "execute_result" and output.execution_count != cell.execution_count:
                found.append(f"{cell.id}: an output from another execution")
    if any("lrnn_helpers" in c.source for c in code) and code[0].source != colab:
        found.append("the first code cell must be the one that installs the package on Colab")
    return found


@pytest.mark.parametrize("md", PAIRS, ids=lambda p: p.stem)
def test_pair_is_in_step_and_was_executed(md):
    ipynb = md.with_suffix(".ipynb")
    assert ipynb.exists(), f"run: make notebooks NAMES={md.stem}"
    notebook = nbformat.read(ipynb, as_version=4)
    nbformat.validate(notebook)
    assert notebooks.skeleton(notebook) == notebooks.skeleton(notebooks.read_master(md)), "run: make notebooks"
    assert faults(notebook, md.stem, notebooks.colab_cell()) == []


@pytest.mark.parametrize("md", PAIRS, ids=lambda p: p.stem)
def test_notebook_is_written_as_the_tool_writes(md):
    text = md.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert text == nbformat.writes(nbformat.reads(text, as_version=4), version=4) + "\n"


def test_every_pair_is_a_chapter_of_the_book():
    stray = [
        p for p in (ROOT / "book").rglob("*.ipynb") if "/." not in p.as_posix() and p.with_suffix(".md") not in PAIRS
    ]
    assert not stray, "a notebook without a master"
    listed = {ROOT / page for page in toc_pages()}
    assert [p for p in PAIRS if p.with_suffix("") not in listed] == [], "a chapter that _toc.yml does not list"


GOOD = """\
---
jupytext:
  formats: md:myst,ipynb
kernelspec:
  name: python3
  display_name: Python 3
  language: python
---

# A page

```{code-cell} ipython3
import sys
import matplotlib.pyplot as plt
print("a")
sys.stdout.flush()
print("b")
```

```{code-cell} ipython3
:tags: [hide-input]
plt.plot([1, 2])
plt.show()
```

```{code-cell} ipython3
6 * 7
```
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    md = tmp_path_factory.mktemp("book") / "page.md"
    md.write_text(GOOD, encoding="utf-8")
    return md, notebooks.execute(md)


def test_writing_twice_gives_the_same_bytes(written):
    md, text = written
    assert text == notebooks.execute(md)
    notebook = nbformat.reads(text, as_version=4)
    assert faults(notebook) == []
    printed, drawn, shown = (cell.outputs for cell in notebook.cells[1:])
    assert [o.text for o in printed] == ["a\nb\n"]
    assert "image/png" in drawn[-1].data
    assert shown[0].data["text/plain"] == "42"


def test_a_change_in_the_master_is_seen(written, tmp_path):
    _, text = written
    (tmp_path / "page.ipynb").write_text(text, encoding="utf-8")
    for master, same in (
        (GOOD, True),
        (GOOD.replace("6 * 7", "6 * 8"), False),
        (GOOD.replace("# A page", "# The page"), False),
        (GOOD.replace("hide-input", "hide-output"), False),
        (GOOD.replace("```{code-cell} ipython3\n6 * 7\n```\n", ""), False),
    ):
        (tmp_path / "page.md").write_text(master, encoding="utf-8")
        assert notebooks.in_step(tmp_path / "page.md") is same


SPOILT = {
    "never ran": lambda cells: cells[1].update(execution_count=None),
    "other order": lambda cells: (cells[1].update(execution_count=2), cells[2].update(execution_count=1)),
    "no code": lambda cells: cells.__delitem__(slice(1, None)),
    "raises-exception": lambda cells: cells[2].metadata.update(tags=["raises-exception"]),
    "ignore tag": lambda cells: cells[2].metadata.update(tags=["nbval-ignore-output"]),
    "ignore comment": lambda cells: cells[1].update(source="# NBVAL_IGNORE_OUTPUT\n1"),
    "unknown magic": lambda cells: cells[1].update(source="%%nonesuch\n1 + 1"),
    "shell": lambda cells: cells[1].update(source="!ls"),
    "error": lambda cells: cells[1].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])),
    "stderr": lambda cells: cells[1].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="warning")),
    "old result": lambda cells: cells[3].outputs[0].update(execution_count=7),
    "no colab cell": lambda cells: cells[1].update(source="import lrnn_helpers"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_each_fault_is_found(written, spoil):
    notebook = nbformat.reads(written[1], as_version=4)
    spoilt = copy.deepcopy(notebook)
    spoil(spoilt.cells)
    assert faults(spoilt, colab=notebooks.colab_cell())


def committed_texts():
    """Yield (path, text) of every text file that is, or is about to be, under version control."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for path in (ROOT / name for name in names if name):
        if path.is_file() and path.suffix not in (".png", ".ico", ".pdf"):
            yield path, path.read_text(encoding="utf-8")


MACHINE = re.compile(
    r"""(?<![\w.~])/(?:root|home|Users|work|tmp|opt)/\w"""  # a folder of somebody's machine
    r"""|file:/{2}|--(?:extra-)?index-url|--find-links|\+(?:cpu|cu\d+)\b"""
)


PICTURE = re.compile(r"[A-Za-z0-9+/]{60,}={0,2}")  # of a notebook, in base 64: it may spell anything


def test_no_text_names_a_machine_or_a_package_index():
    own = "test_notebooks.py"
    texts = ((p, PICTURE.sub("", t)) for p, t in committed_texts() if p.name != own)
    found = [f"{p.relative_to(ROOT)}: {m[0]}" for p, t in texts for m in MACHINE.finditer(t)]
    assert found == []
    assert MACHINE.search("see /" + "home/me/x") and MACHINE.search("torch==2.13.0+cpu")
