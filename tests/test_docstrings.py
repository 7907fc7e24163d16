"""What a user reads in an editor: every public function has hints, an example that runs, and its chapter."""

import doctest
import inspect
import re
from importlib import import_module

import numpy as np
import pytest

import lrnn_helpers

mpl = pytest.importorskip("matplotlib")
ROOMS = [room for room in lrnn_helpers.__all__ if room != "ledger"]
PUBLIC = [
    (room, name)
    for room in ROOMS
    for name in import_module(f"lrnn_helpers.{room}").__all__
    if inspect.isfunction(getattr(import_module(f"lrnn_helpers.{room}"), name))
]


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("agg")
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.parametrize(("room", "name"), PUBLIC)
def test_a_public_function_has_an_example_and_its_chapter(room, name, root):
    function = getattr(import_module(f"lrnn_helpers.{room}"), name)
    doc = inspect.getdoc(function)
    assert "\nExamples\n--------\n" in doc
    chapters = re.findall(r":doc:`/(book/[\w/]+)`", doc)
    assert chapters and all((root / f"{chapter}.md").exists() for chapter in chapters)


@pytest.mark.parametrize(("room", "name"), PUBLIC)
def test_a_public_function_has_hints_for_all_it_takes_and_gives(room, name):
    signature = inspect.signature(getattr(import_module(f"lrnn_helpers.{room}"), name))
    assert signature.return_annotation is not inspect.Signature.empty
    bare = [p.name for p in signature.parameters.values() if p.annotation is inspect.Parameter.empty]
    assert bare == []


# What `training` takes from the only room with torch; its own door is `training.gradient(method="autograd")`.
SHARED = {"backpropagate", "modules_of", "one_thread"}


@pytest.mark.parametrize("room", ROOMS)
def test_what_is_public_is_listed(room):
    module = import_module(f"lrnn_helpers.{room}")
    here = {
        name
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }
    here -= SHARED if room == "autograd" else set()
    assert here <= set(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__) and all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_examples_run(room):
    with np.printoptions(legacy=False):
        found = doctest.testmod(import_module(f"lrnn_helpers.{room}"))
    assert found.attempted > 0 and found.failed == 0
