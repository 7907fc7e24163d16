"""One lock, one version, one owner: what several files repeat must agree."""

import ast
import re
import shutil
import tomllib
from importlib.metadata import distributions

import lock
import owner
import pytest
import yaml
from conftest import toc_pages
from packaging.requirements import Requirement

import lrnn_helpers


@pytest.fixture(scope="module")
def locked(root):
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", pin) for pin in pins), "a pin is name==version, nothing more"
    names = [pin.split("==")[0] for pin in pins]
    assert names == sorted(set(names)), "the lock is sorted"
    return dict(pin.split("==") for pin in pins)


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def conda(root):
    listed = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    pins = dict(item.split("=", 1) for item in listed if isinstance(item, str) and "=" in item)
    return pins, next(item["pip"] for item in listed if isinstance(item, dict))


def test_conda_uses_the_same_lock(locked, conda, project):
    pins, pip = conda
    assert pip == ["-c constraints.txt", "-e .[book]"]
    assert pins["python"] == "3.11"
    assert pins["pytorch-cpu"] == locked["torch"]
    assert {lock.normal(name) for name in pins} - {"python", "pytorch-cpu"} <= set(locked)
    assert "book" in project["optional-dependencies"]


def test_what_is_installed_is_what_is_locked(locked):
    wrong = {name: found for name, found in lock.installed().items() if locked.get(name) != found}
    assert wrong == {}, "installed, but not at the lock's version; `make lock` after a deliberate upgrade"


def test_the_lock_satisfies_every_requirement(locked):
    """What `pip check` looks at, read from the lock: each requirement of a locked package is locked and allowed."""
    unmet = []
    for distribution in distributions():
        for line in distribution.requires or ():
            need = Requirement(line)
            if need.marker and not need.marker.evaluate({"extra": ""}):
                continue
            name = lock.normal(need.name)
            if name == "lrnn-helpers" or name.startswith(lock.SOMEWHERE):
                continue
            if name not in locked or not need.specifier.contains(locked[name], prereleases=True):
                unmet.append(f"{distribution.name} needs {need}, the lock has {locked.get(name)}")
    assert unmet == []


def test_what_builds_the_package_is_locked(locked):
    assert {"setuptools", "wheel"} <= set(locked)


def test_one_version(root, project):
    """It stands in the package; setuptools reads it there, and the citation and the changelog repeat it."""
    assert project["dynamic"] == ["version"]
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    latest = re.search(r"^## \[(\d.*?)\]", changelog, re.MULTILINE)
    assert {str(citation["version"]), latest[1]} == {lrnn_helpers.__version__}


def test_nothing_is_published_that_was_not_tested(root, project):
    (path,) = (root / ".github" / "workflows").iterdir()
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    assert set(jobs["publish"]["needs"]) == set(jobs) - {"publish"}
    assert [step.get("uses", "").split("@")[0] for step in jobs["publish"]["steps"]] == ["actions/deploy-pages"]
    assert [job for job in jobs if "upload-pages-artifact" in str(jobs[job])] == ["test"]
    tested = [v for job in ("package", "plain") for v in jobs[job]["strategy"]["matrix"]["python"]]
    promised = [c.split()[-1] for c in project["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert sorted(set(tested)) == promised and project["requires-python"] == f">={promised[0]}"


def test_stale_outputs_are_fatal_where_pages_are_published(root):
    site = re.search(r"^site:.*\n((?:\t.*\n)+)", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1]
    first = site.splitlines()[0]
    assert first.endswith("tools/notebooks.py stale") and not first.startswith("\t-")


def test_one_owner(root, project):
    address, authors = owner.stated()
    assert owner.repeated() == (address, authors)
    assert project["authors"] == [{"name": authors}]
    assert all(url.startswith(address) for url in project["urls"].values())
    for name in ("LICENSE", "LICENSE-TEXT"):
        assert authors in (root / name).read_text(encoding="utf-8")
    assert f"git clone {address}" in (root / "README.md").read_text(encoding="utf-8")


def test_a_new_owner_reaches_every_file(root, tmp_path):
    for name in ("_config.yml", "CITATION.cff", "LICENSE", "LICENSE-TEXT", "README.md", "pyproject.toml"):
        shutil.copy(root / name, tmp_path)
    old, authors = owner.stated()
    config = (tmp_path / "_config.yml").read_text(encoding="utf-8")
    config = config.replace(old, "https://example.org/a/b").replace(f"author: {authors}", "author: Someone Else")
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    assert len(owner.carry(tmp_path)) == 5
    assert owner.repeated(tmp_path) == owner.stated(tmp_path) == ("https://example.org/a/b", "Someone Else")
    assert owner.carry(tmp_path) == []
    assert not any(old in p.read_text(encoding="utf-8") for p in tmp_path.iterdir())


def test_what_the_guide_calls_exists(root):
    called = re.findall(r"\b(plotting|check)\.(\w+)\(", (root / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert {"loss_curve", "holds"} <= {name for _, name in called}
    rooms = {"plotting": lrnn_helpers.plotting, "check": lrnn_helpers.ledger.check}
    assert [name for room, name in called if not hasattr(rooms[room], name)] == []


def test_the_readme_and_the_index_give_every_extra(root, project):
    extras = set(project["optional-dependencies"])
    readme = (root / "README.md").read_text(encoding="utf-8")
    index = (root / "book" / "api" / "index.md").read_text(encoding="utf-8")
    assert named_extras(readme) == extras - {"bench"}
    assert named_extras(index) == extras - {"bench", "book", "test"}


def named_extras(text):
    """The names in the first column of the table of extras."""
    table = text.split("| extra | brings | for |", 1)[1].split("\n\n", 1)[0]
    return {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_readme_has_a_place_for_generated_numbers(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    assert re.search(r"<!-- totals:begin -->\n(.*\n)*?<!-- totals:end -->", text)


def test_every_room_has_a_page_in_the_book(root):
    pages = {path.stem for path in (root / "book" / "api").glob("*.md")} - {"index"}
    assert pages == set(lrnn_helpers.__all__)
    assert [page.split("/")[-1] for page in toc_pages() if page.startswith("book/api/")] == ["index", *index_rows(root)]


def test_the_index_and_help_have_the_same_order(root):
    assert re.findall(r"^- `(\w+)`: ", lrnn_helpers.__doc__, re.MULTILINE) == list(index_rows(root))


@pytest.mark.parametrize("room", lrnn_helpers.__all__)
def test_the_index_gives_a_room_equations_that_it_names(root, room):
    """Numbers like (5) or (5)–(8) in the index's row are in the docstrings of the room."""
    package = root / "lrnn_helpers"
    files = [package / f"{room}.py"] if (package / f"{room}.py").exists() else sorted((package / room).glob("*.py"))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    named = numbers(" ".join(ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)))
    assert numbers(index_rows(root)[room]) <= named


def index_rows(root):
    """{room: its equations} as the index of the package's pages gives them, in its order."""
    text = (root / "book" / "api" / "index.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| \{doc\}`(\w+)` \|[^|]*\|([^|]*)\|[^|]*\|$", text, re.MULTILINE))


def numbers(text):
    """The equations that a text names, ranges spelled out."""
    ranges = re.findall(r"\((\d+)\)(?:[–-]\((\d+)\))?", text)
    return {n for first, last in ranges for n in range(int(first), int(last or first) + 1)}
