"""What an import loads, what a plain install holds, and what a missing extra says."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest

import lrnn_helpers
from lrnn_helpers._validation import extra

# The packages that cost time or are not there in a plain install; numpy is everybody's.
WATCHED = {
    "dask",
    "distributed",
    "joblib",
    "matplotlib",
    "neurogym",
    "numba",
    "scipy",
    "sympy",
    "torch",
    "tqdm",
    "yaml",
}
# {room: which of them its import may load}; the others load none. (torch loads tqdm.)
LOADS = {
    "autograd": {"torch", "tqdm"},
    "ledger": {"sympy"},
    "plotting": {"matplotlib"},
    "symbolic": {"sympy"},
    "training": {"joblib", "tqdm"},
}
EXTRA = {"autograd": "witness", "ledger": "ledger", "plotting": "plot", "symbolic": "symbolic"}
HEAVY = {"autograd": "torch", "ledger": "sympy", "plotting": "matplotlib", "symbolic": "sympy"}


def run(code, root):
    """What `code` prints in a Python of its own."""
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def loaded(statement, root):
    """The watched packages that `statement` loads."""
    tops = "{name.partition('.')[0] for name in sys.modules}"
    code = f"import sys; before = {tops}; {statement}; print(*({tops} - before))"
    return set(run(code, root)) & WATCHED


@pytest.mark.parametrize("room", lrnn_helpers.__all__)
def test_a_room_loads_no_more_than_it_needs(room, root):
    assert loaded(f"import lrnn_helpers.{room}", root) <= LOADS.get(room, set())


def test_the_house_loads_nothing(root):
    code = (
        "import sys; import lrnn_helpers; print(*(m for m in sys.modules if m.startswith(('numpy', 'lrnn_helpers'))))"
    )
    assert run(code, root) == ["lrnn_helpers"]


def test_the_table_watches_what_the_package_asks_for(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for e in set(extras) - {"book", "test", "bench"} for line in extras[e])]
    names = {re.match(r"[\w-]+", line)[0] for line in lines} - {"lrnn-helpers", "numpy"}
    assert {"yaml" if name == "pyyaml" else name for name in names} == WATCHED


def test_the_rooms_are_the_files(root):
    package = root / "lrnn_helpers"
    files = {p.stem for p in package.glob("[!_]*.py")} | {p.parent.name for p in package.glob("[!_]*/__init__.py")}
    assert set(lrnn_helpers.__all__) == files
    assert sorted(lrnn_helpers.__all__) == lrnn_helpers.__all__


def test_the_docstring_lists_every_room_once():
    listed = re.findall(r"^- `(\w+)`: ", lrnn_helpers.__doc__, re.MULTILINE)
    assert sorted(listed) == lrnn_helpers.__all__


def test_a_room_knows_only_those_listed_above_it(root):
    order = re.findall(r"^- `(\w+)`: ", lrnn_helpers.__doc__, re.MULTILINE)
    upward = []
    for path in sorted((root / "lrnn_helpers").rglob("*.py")):
        room = path.relative_to(root / "lrnn_helpers").parts[0].removesuffix(".py")
        known = {name for name in imports(path) if name in order}
        if room not in order:  # the shared private modules are below every room
            upward += [(room, other) for other in known]
        else:
            upward += [(room, other) for other in known if order.index(other) > order.index(room)]
    assert upward == []


def imports(path):
    """The rooms and private modules that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "lrnn_helpers":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lrnn_helpers."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("lrnn_helpers."))


def test_a_room_is_loaded_when_it_is_asked_for(root):
    code = "import lrnn_helpers as h; print('modes' in vars(h), h.modes.__name__, 'modes' in vars(h))"
    assert run(code, root) == ["False", "lrnn_helpers.modes", "True"]
    assert set(lrnn_helpers.__all__) <= set(dir(lrnn_helpers))
    with pytest.raises(AttributeError, match="no attribute 'models'; its rooms are autograd, bases"):
        _ = lrnn_helpers.models


@pytest.mark.parametrize("room", sorted(EXTRA))
def test_a_room_without_its_extra_names_it(room, root):
    """As in a plain install: the package that the room needs is hidden."""
    hide = f"import sys, pydoc; sys.modules[{HEAVY[room]!r}] = None\n"
    attempt = f"try:\n    import lrnn_helpers.{room}\nexcept ImportError as error:\n    print(error)"
    assert f"lrnn-helpers[{EXTRA[room]}]" in " ".join(run(hide + attempt, root))
    helps = "import lrnn_helpers; print(pydoc.render_doc(lrnn_helpers)); print(hasattr(lrnn_helpers, {!r}))"
    assert run(hide + helps.format(room), root)[-1] == "False"


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        ("sympy", "symbolic", "transitions.landau_coefficients(3, 4)"),
        ("sympy", "symbolic", "transitions.folds(4)"),
        ("sympy", "symbolic", "transitions.stationary_points(1.0, 4)"),
        ("yaml", "ledger", "ledger.read_rows('book/ledger.yml')"),
        ("torch", "witness", "training.gradient(*given(), method='autograd')"),
        ("numba", "fast", "training.train(*given(), 0.1, 1, compiled=True)"),
        ("numba", "fast", "ntk.ntk(given()[0], [[[1.0]]], compiled=True)"),
        ("neurogym", "sensory", "tasks.sensory_task('sum', 4, 40, 0)"),
    ],
)
def test_a_function_without_its_extra_names_it(package, extra, call, root):
    code = f"""
import sys
import lrnn_helpers as h
from lrnn_helpers import {call.partition(".")[0]}
sys.modules[{package!r}] = None
given = lambda: (h.network.unaligned_weights(0.1, 1, 2, 1, seed=0), h.tasks.structured_task([[1.0]], P=9, seed=0))
try:
    {call}
except ImportError as error:
    print(error)
"""
    assert f"lrnn-helpers[{extra}]" in " ".join(run(code, root))


def test_a_missing_package_is_an_error_that_names_the_extra():
    named = r"nowhere is needed here.*pip install 'lrnn-helpers\[witness\]'"
    with pytest.raises(ImportError, match=named) as caught, extra("witness"):
        import nowhere  # noqa: F401
    assert caught.value.name == "nowhere"
    with pytest.raises(ImportError, match="cannot import name"), extra("witness"):
        from json import nothing  # noqa: F401
