"""The examples of the docstrings, run as they stand."""

import doctest

import pytest

from lrnn_helpers import modes, solutions


@pytest.mark.parametrize("room", [modes, solutions], ids=lambda room: room.__name__)
def test_examples_come_out_as_printed(room):
    public = [x for name, x in vars(room).items() if getattr(x, "__module__", None) == room.__name__ and name[0] != "_"]
    finder = doctest.DocTestFinder(recurse=False)
    examples = {x.__name__: finder.find(x, globs={})[0] for x in public}
    # `Best` is what an example of `best` returns.
    assert [name for name, test in examples.items() if not test.examples and name != "Best"] == []
    runner = doctest.DocTestRunner(verbose=False)
    assert sum(runner.run(test).failed for test in examples.values()) == 0
