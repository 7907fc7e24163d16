"""Mutants of a printed function: copies of its syntax tree, each with one small error."""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections import Counter

import numpy as np
import sympy

POWERS = {"power", "matrix_power"}
DROPPED = {"exp", "log", "sqrt", "abs", "conj", "conjugate", "transpose"}


def source(function):
    """The text of a function written with ``def``, dedented; ValueError where there is none."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise ValueError(f"the source of {function!r} cannot be read; write it with def in a cell") from error
    if not text.lstrip().startswith(("def ", "@")) or not inspect.isfunction(function):
        raise ValueError(f"{function!r} must be a function written with def, got {text.strip().splitlines()[0]!r}")
    return text.rstrip() + "\n"


def mutants(function):
    """Every mutant of a printed function: a list of (name, function), such as ``"exponent+1: b ** (T - i)"``.

    One mutant has one error: ``+`` for ``-`` or the reverse, a unary minus dropped, a factor of ``*``, ``/`` or ``@``
    dropped, the exponent of ``**``, ``power`` or ``matrix_power`` one larger or wrong from 2 on, an end of a ``range``
    moved by one or cut after two terms, a transpose or a conjugate dropped, ``exp``, ``log``, ``sqrt`` or ``abs``
    dropped, a comparison or the branches of a conditional expression reversed. Equal names are told apart by ``#2``.

    Raises
    ------
    ValueError
        Where the source cannot be read, or the function closes over local variables.
    """
    text = source(function)
    if function.__closure__:
        names = ", ".join(function.__code__.co_freevars)
        raise ValueError(f"{function.__name__} must not use local variables of another function, got {names}")
    tree = ast.parse(text)
    tree.body[0].decorator_list = []
    out, seen, names = [], {ast.unparse(tree)}, Counter()
    for index, node in enumerate(ast.walk(tree)):
        for what, edit in _edits(node):
            changed = copy.deepcopy(tree)
            edit(list(ast.walk(changed))[index])
            code = ast.unparse(ast.fix_missing_locations(changed))
            if code in seen:
                continue
            seen.add(code)
            name = f"{what}: {ast.unparse(node)}"
            names[name] += 1
            environment = dict(function.__globals__, _short=_short)
            exec(compile(code, f"<mutant of {function.__name__}>", "exec"), environment)
            out.append((name if names[name] == 1 else f"{name} #{names[name]}", environment[function.__name__]))
    return out


def _edits(node):
    """Yield (what, edit) for each way to spoil `node`; an edit changes the node it is given in place."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield "sign", lambda n: setattr(n, "op", ast.Sub() if isinstance(n.op, ast.Add) else ast.Add())
        case ast.BinOp(op=ast.Mult() | ast.MatMult()):
            yield "left factor dropped", lambda n: _become(n, n.right)
            yield "right factor dropped", lambda n: _become(n, n.left)
        case ast.BinOp(op=ast.Div()):
            yield "divisor dropped", lambda n: _become(n, n.left)
        case ast.BinOp(op=ast.Pow()):
            yield "exponent+1", lambda n: setattr(n, "right", _plus(n.right, 1))
            yield "exponent dropped", lambda n: _become(n, n.left)
            if _is_lag(node.right) and not isinstance(node.left, ast.Constant):
                yield "exponent cut at 1", lambda n: setattr(n, "right", _cut(n.right))
        case ast.AugAssign(op=ast.Add() | ast.Sub()):
            yield "sign", lambda n: setattr(n, "op", ast.Sub() if isinstance(n.op, ast.Add) else ast.Add())
        case ast.UnaryOp(op=ast.USub()):
            yield "minus dropped", lambda n: _become(n, n.operand)
        case ast.Attribute(attr="T" | "H"):
            yield "transpose dropped", lambda n: _become(n, n.value)
        case ast.IfExp():
            yield "branches swapped", lambda n: n.__dict__.update(body=n.orelse, orelse=n.body)
        case ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
            yield "comparison reversed", _reverse
        case ast.Call():
            yield from _call_edits(node)


def _call_edits(node):
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "range" and node.args and not any(isinstance(each, ast.Starred) for each in node.args):
        stop = 0 if len(node.args) == 1 else 1
        yield "range end+1", lambda n: n.args.__setitem__(stop, _plus(n.args[stop], 1))
        yield "range end-1", lambda n: n.args.__setitem__(stop, _plus(n.args[stop], -1))
        if len(node.args) > 1:
            yield "range start+1", lambda n: n.args.__setitem__(0, _plus(n.args[0], 1))
        if _is_lag(node.args[stop]):
            yield (
                "range cut at 2",
                lambda n: n.args.__setitem__(stop, _cut(n.args[stop], n.args[0] if stop else ast.Constant(0))),
            )
    elif name in POWERS and len(node.args) == 2:
        if _is_lag(node.args[1]):
            yield "exponent cut at 1", lambda n: n.args.__setitem__(1, _cut(n.args[1]))
        yield "exponent+1", lambda n: n.args.__setitem__(1, _plus(n.args[1], 1))
        yield "exponent dropped", lambda n: _become(n, n.args[0])
    elif name in DROPPED and len(node.args) == 1:
        yield f"{name} dropped", lambda n: _become(n, n.args[0])
    elif name in DROPPED and not node.args and isinstance(node.func, ast.Attribute):
        yield f"{name} dropped", lambda n: _become(n, n.func.value)


def _is_lag(node):
    """Whether an exponent or an end varies and may well be a whole number: T - i is; 1/T, sqrt(2)/4, T - T are not."""
    inner = list(ast.walk(node))
    names = {n.id: sympy.Symbol(n.id) for n in inner if isinstance(n, ast.Name)}
    if not names or any(isinstance(n, (ast.Div, ast.Call)) for n in inner):
        return False
    plain = not any(isinstance(n, (ast.Attribute, ast.Subscript)) for n in inner)
    return not (plain and sympy.sympify(ast.unparse(node), names).is_number)


def _cut(node, start=None):
    """The same up to lag 1 or two terms of a sum, and wrong beyond: what only witnesses of length >= 3 tell apart."""
    bound = [ast.Constant(1)] if start is None else [ast.Constant(2), start]
    return ast.Call(ast.Name("_short", ast.Load()), [node, *bound], [])


def _short(value, most, start=0):
    """`value`, no further than `most` from `start`."""
    if np.ndim(value):
        return np.clip(value, start - most, start + most)
    return max(start - most, min(value, start + most))


def _become(node, other):
    """Turn `node` into `other` in place, so that whatever holds it holds the other."""
    node.__class__ = other.__class__
    node.__dict__ = other.__dict__


def _plus(node, step):
    return ast.BinOp(node, ast.Add() if step > 0 else ast.Sub(), ast.Constant(abs(step)))


def _reverse(node):
    pairs = ((ast.Eq, ast.NotEq), (ast.Lt, ast.GtE), (ast.Gt, ast.LtE))
    opposite = {one: other for pair in pairs for one, other in (pair, pair[::-1])}
    node.ops[0] = opposite[type(node.ops[0])]()
