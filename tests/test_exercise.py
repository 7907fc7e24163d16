"""A reader's answer: right, not yet and why, or none yet."""

import doctest

import numpy as np
import pytest
import sympy as sp

from lrnn_helpers import exercise
from lrnn_helpers.exercise import answer

b, u = sp.symbols("b u", positive=True)


def told(capsys, *args, **kw):
    answer(*args, **kw)
    return capsys.readouterr().out.rstrip("\n")


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (0.75 + 1e-9, 0.75),
        (np.float64(3), 3),
        ([1, 2.0], np.array([1.0, 2.0])),
        ((1, {7}), (1, {7})),
        (1j, 1j),
        (0.0, 0.0),
        ({3, 4}, {4, 3}),
        ("late", "late"),
        (" Larger", "larger"),
        (True, True),
        (np.True_, True),
        (({2}, {}), ({2}, set())),
        (["max", True], ("max", True)),
        (np.array(["max", "min"]), ("max", "min")),
        ([True, False], np.array([True, False])),
        ({frozenset({"Late"})}, {frozenset({"late"})}),
        ((1 - b**2) / (1 - b), 1 + b),
        (2 * sp.sin(b) * sp.cos(b), sp.sin(2 * b)),
        (1, sp.Integer(1)),
        (8 * sp.cos(sp.pi / 7) * sp.cos(2 * sp.pi / 7) * sp.cos(3 * sp.pi / 7), sp.Integer(1)),
    ],
)
def test_right(capsys, value, right):
    assert told(capsys, value, right, "nothing") == "right"


@pytest.mark.parametrize(
    ("value", "right", "said"),
    [
        (0.76, 0.75, "this is another number"),
        (-0.75, 0.75, "the size is right, the sign is not"),
        (-2.0, 0.75, "this is another number"),
        (np.nan, 0.75, "it holds a number that is not finite"),
        ("late", 0.75, "numbers are asked for"),
        ([1.0], 1.0, "its shape is (1,), and () is asked for"),
        ([1.0, 2.5], [1.0, 2.0], "these are other numbers"),
        (1e-3, 0.0, "this is another number"),
        ({3}, {4}, "this is another one"),
        (True, False, "this is another one"),
        ("True", True, "True or False is asked for"),
        (1.0, "late", "a word is asked for"),
        ("late", {"late"}, "a set is asked for"),
        (["late", "True"], ("late", True), "True or False is asked for"),
        (("late", "late"), ("late", "early"), "this is another one"),
        ("late", ("late", "early"), "a list of 2 is asked for"),
        (np.array(["late"]), ("late", "early"), "a list of 2 is asked for"),
        (b, b * 2, "this is another expression"),
        (b + 1, b, "this is another expression"),
        (-b, b, "the size is right, the sign is not"),
        (u * b, b, "the right one has no u"),
        ("1 +", b, "an expression is asked for"),
    ],
)
def test_not_yet(capsys, value, right, said):
    assert told(capsys, value, right) == f"not yet: {said}"
    assert told(capsys, value, right, "the lag") == f"not yet: {said}. Look at this: the lag"


def test_numbers_decide_where_sympy_cannot(capsys):
    """A root of a square is a size: it is 1 + b only where that is not negative."""
    root = lambda b: sp.sqrt(1 + 2 * b + b**2)  # noqa: E731
    other, sign = "not yet: this is another expression", "not yet: the size is right, the sign is not"
    for symbol in sp.Symbol("b"), sp.Symbol("b", real=True):
        assert told(capsys, root(symbol), abs(1 + symbol)) == "right"
        assert told(capsys, root(symbol), 1 + symbol) == told(capsys, root(symbol), -1 - symbol) == other
        assert told(capsys, -root(symbol), abs(1 + symbol)) == sign
    assert told(capsys, root(b), 1 + b) == told(capsys, root(b), abs(1 + b)) == "right"
    assert told(capsys, -root(b), 1 + b) == sign
    assert told(capsys, root(b), 1 + b + sp.Rational(1, 10**6)) == other
    A, B = sp.symbols("A B", commutative=False)
    assert told(capsys, A * B, B * A) == other


def test_the_tolerance_is_of_the_largest_entry(capsys):
    assert told(capsys, [1000.0, 0.5], [1000.0, 0.0], rtol=1e-3) == "right"
    assert told(capsys, [1000.0, 1.5], [1000.0, 0.0], rtol=1e-3) != "right"


@pytest.mark.parametrize("value", [..., None, (1.0, ...), [None]])
def test_no_answer_yet(capsys, value):
    assert told(capsys, value, 1.0) == "no answer yet"
    assert told(capsys, value, lambda x: x, at=[(1.0,)]) == "no answer yet"
    assert told(capsys, lambda x: value, lambda x: x, at=[(1.0,)]) == "no answer yet"


def test_functions_are_compared_by_their_values(capsys):
    def draw(rng):
        return rng.uniform(0.5, 2), rng.integers(2, 6)

    def right(x, n):
        return x**n

    seen = []
    assert told(capsys, lambda x, n: seen.append((x, n)) or np.exp(n * np.log(x)), right, at=draw) == "right"
    assert len(set(seen)) == 20
    assert "it is" in told(capsys, lambda x, n: x ** (n + 1), right, at=draw)
    assert told(capsys, lambda x, n: -(x**n), right, at=draw).endswith("the size is right, the sign is not")
    assert told(capsys, lambda x, n: 1 / 0, right, at=[(1.0, 2)]).endswith(
        "at (1, 2) it raises ZeroDivisionError: division by zero"
    )
    assert told(capsys, 3.0, right, at=draw) == "not yet: a function is asked for, and this is 3.0"
    assert told(capsys, lambda s: s * b, lambda s: b * s, at=[(u,)]) == "right"


@pytest.mark.parametrize(
    ("error", "args", "kw"),
    [
        (TypeError, (1.0, lambda x: x), {}),
        (TypeError, (1.0, 2.0), {"at": [(1,)]}),
        (ValueError, (abs, abs), {"at": []}),
        (ValueError, (1.0, np.nan), {}),
        (ValueError, (1.0, 1.0), {"rtol": 0}),
        (ValueError, (1.0, 1.0), {"rtol": "small"}),
    ],
)
def test_an_exercise_that_is_asked_wrongly_is_an_error(error, args, kw):
    with pytest.raises(error):
        answer(*args, **kw)


def test_the_examples_are_true():
    failed, tried = doctest.testmod(exercise)
    assert failed == 0 and tried == 5
