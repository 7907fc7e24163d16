"""Mutation report: how many small errors, planted in the package one at a time, do its own tests notice?

    python tools/mutation.py [ROOM ...] [--sample N] [--seed S]

A mutant is a module with one error in its syntax tree: those of `lrnn_helpers.ledger.mutants`, and the edits below. It
runs in a process of its own, forked from this one, which has numpy, scipy, torch and the rest imported already; the
tests that reach its line run shortest first, until one fails, crashes or takes far longer than without the error.
`tests/mutation.yml` lists what survives. The command fails where too many do.
"""

import argparse
import ast
import importlib
import importlib.machinery
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

import coverage
import hypothesis
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
PACKAGE = ROOT / "lrnn_helpers"
REPORT = ROOT / "tests" / "mutation.yml"
HEADER = """\
# Written by `make mutants`, but for `explained`: mutants of which somebody has seen that no result changes, and why.
# What stands under `survived` is to be noticed by a test, or to be explained."""
COUNTS = "mutants", "drawn", "killed", "equivalent", "survived"
LEAST = 0.98  # of the mutants that change a result, the share that must be noticed
# {room: (its files, the files of its tests)}
ROOMS = {
    "package": ("_jit _lags _threads _validation", "threads jit training dynamics network coloured solutions"),
    "dynamics": ("dynamics", "dynamics"),
    "bases": ("bases", "network tasks eigenspace"),
    "symbolic": ("symbolic", "symbolic words coloured"),
    "modes": ("modes", "modes landau_figures coloured"),
    "solutions": ("solutions", "solutions coloured"),
    "transitions": ("transitions", "transitions phase_transitions"),
    "network": ("network", "network eigenspace t_outputs"),
    "autograd": ("autograd", "autograd network training"),
    "tasks": ("tasks", "tasks coloured"),
    "training": ("training", "training sweep coloured"),
    "ntk": ("ntk", "ntk feature_learning rich_learning"),
    "diagnosis": ("diagnosis", "diagnosis"),
    "plotting": ("plotting _renderings", "plotting"),
    "exercise": ("exercise", "exercise"),
    "ledger": ("ledger", "ledger ledger_rows proofs other_paper"),
}
# Compiled, from a cache that only the source's date renews: a mutant would not run.
COMPILED = {"_lanes.py", "_simd.py", "modes/_compiled.py", "modes/_radau.py", "training/_tiles.py"}
HEAVY = ("matplotlib.pyplot", "numba", "scipy.integrate", "scipy.optimize", "scipy.stats", "sympy", "torch", "joblib")
AT_IMPORT = ""  # coverage's name for what runs as the tests' files are imported: any test may depend on it
SPARE = 5.0, 20.0  # a test may take so many times as long as without the error, and so many seconds more


def files(room):
    """The modules of a room, those of a package with all it holds."""
    named = [PACKAGE / name for name in ROOMS[room][0].split()]
    found = [f for path in named for f in (sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")])]
    return [f for f in found if f.relative_to(PACKAGE).as_posix() not in COMPILED]


def names(room):
    return {file.relative_to(PACKAGE).as_posix() for file in files(room)}


def sites(node, statement=None, function=False):
    """Yield (node, its statement, whether inside a function) of a tree, without texts, types and imports."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or field in ("annotation", "returns"):
                continue
            text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            checker = isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING"
            if text or checker or isinstance(child, (ast.Import, ast.ImportFrom)):
                continue
            inner = child if isinstance(child, ast.stmt) else statement
            within = function or (isinstance(node, ast.FunctionDef) and field == "body")
            yield child, inner, within
            if not isinstance(child, ast.Raise):
                yield from sites(child, inner, within)


def edits(node):
    """Yield (what, edit) for each way to spoil a node, beside those that spoil a printed function."""
    match node:
        case ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
            other = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}[type(node.ops[0])]
            yield "end of a comparison", lambda n: n.ops.__setitem__(0, other())
        case ast.Compare(ops=[ast.Is() | ast.IsNot() | ast.In() | ast.NotIn()]):
            other = {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}[type(node.ops[0])]
            yield "comparison reversed", lambda n: n.ops.__setitem__(0, other())
        case ast.BoolOp():
            other = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield "and/or exchanged", lambda n: setattr(n, "op", other())
        case ast.UnaryOp(op=ast.Not()):
            yield "not dropped", lambda n: become(n, n.operand)
        case ast.BinOp(op=ast.FloorDiv() | ast.Mod()):
            yield "right operand dropped", lambda n: become(n, n.left)
        case ast.Constant(value=bool()):
            yield "truth reversed", lambda n: setattr(n, "value", not n.value)
        case ast.Constant(value=int()):
            yield "constant+1", lambda n: setattr(n, "value", n.value + 1)
            yield "constant-1", lambda n: setattr(n, "value", n.value - 1)
        case ast.Constant(value=float()):
            yield "constant doubled", lambda n: setattr(n, "value", 2 * n.value or 1.0)
        case ast.Call(keywords=[_, *_]):
            for at, keyword in enumerate(node.keywords):
                if keyword.arg:
                    yield f"{keyword.arg} dropped", lambda n, at=at: n.keywords.pop(at)
        case ast.Return(value=ast.AST()) if getattr(node.value, "value", ...) is not None:
            yield "None returned", lambda n: setattr(n, "value", ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Raise():
            yield "statement dropped", lambda n: become(n, ast.Pass())
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield "statement dropped", lambda n: become(n, ast.Pass())
        case ast.If() if not isinstance(node.body[0], ast.Raise):
            yield "branch never taken", lambda n: setattr(n, "test", ast.Constant(False))
            yield "branch always taken", lambda n: setattr(n, "test", ast.Constant(True))


def become(node, other):
    """Turn a node into another one in place, so that whatever holds it holds the other, on the same line."""
    place = {name: getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")}
    node.__class__, node.__dict__ = other.__class__, {**other.__dict__, **place}


def mutants(path):
    """Yield each mutant of a module: its key (file, line, what), the lines that its tests run, tree, node and edit."""
    from lrnn_helpers.ledger._mutants import _edits

    text, seen = path.read_text(encoding="utf-8"), Counter()
    lines, tree = text.splitlines(), ast.parse(text)
    for node, statement, function in sites(tree):
        for what, edit in [*_edits(node), *edits(node)]:
            if " cut " in what:  # it needs a name that a module does not have
                continue
            key = path.relative_to(PACKAGE).as_posix(), lines[node.lineno - 1].strip(), f"{what}: {brief(node)}"
            seen[key] += 1
            key = key if seen[key] == 1 else (*key[:2], f"{key[2]} #{seen[key]}")
            last = statement.body[0].lineno - 1 if hasattr(statement, "body") else statement.end_lineno
            reach = range(statement.lineno, max(last, statement.lineno) + 1) if function else ()
            yield key, reach, tree, node, edit


def brief(node):
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else text[:57] + "..."


class Tests:
    """The plugin of pytest: which tests, in which order, each with its time limit; and what the first run measures."""

    def __init__(self, chosen=None, cover=None):
        self.chosen, self.cover, self.seconds, self.failed = chosen, cover, {}, []

    def pytest_collection_modifyitems(self, items):
        """Keep the chosen ones, shortest first."""
        if self.chosen is not None:
            place = {name: at for at, name in enumerate(self.chosen)}
            items[:] = sorted((i for i in items if i.nodeid in place), key=lambda i: place[i.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        """Time a test, and note the lines it runs; or end the process where it takes too long."""
        if self.cover:
            self.cover.switch_context(item.nodeid)
        else:
            signal.setitimer(signal.ITIMER_REAL, SPARE[0] * self.chosen[item.nodeid] + SPARE[1])
        start = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.perf_counter() - start
            signal.setitimer(signal.ITIMER_REAL, 0)

    def pytest_runtest_logreport(self, report):
        """Note what fails."""
        self.failed += [report.nodeid] if report.failed else []


def forked(function, *arguments):
    """Run a function in a copy of this process, silently: what it returns, None where it crashed."""

    def run():
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        there.send(function(*arguments))
        there.close()
        os._exit(0)

    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        return None
    finally:
        with suppress(ProcessLookupError):  # whatever it has started goes with it
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
        here.close()


def run_tests(names, plugin):
    paths = [str(ROOT / "tests" / f"test_{name}.py") for name in names]
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT), *paths], plugins=[plugin])


def forget():
    """Import the package anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE.name]:
        del sys.modules[name]


def unspoilt(names):
    """Run tests without an error: {test: seconds}, {(file, line): the tests that run it} and the tests that fail."""
    cover = coverage.Coverage(data_file=None, include=[f"{PACKAGE}/*"], config_file=False)
    plugin = Tests(cover=cover)
    forget()
    cover.start()
    good = run_tests(names, plugin) == pytest.ExitCode.OK
    cover.stop()
    reach, data = defaultdict(set), cover.get_data()
    for file in data.measured_files():
        for line, tests in data.contexts_by_lineno(file).items():
            reach[file, line] |= set(tests)
    return plugin.seconds, dict(reach), [] if good else plugin.failed or ["one that cannot be imported"]


def noticed(path, tree, node, edit, chosen):
    """Plant the error and run the chosen tests, {test: seconds}; True where one of them fails."""
    edit(node)
    spoilt, plain = ast.fix_missing_locations(tree), importlib.machinery.SourceFileLoader.get_code

    def get_code(self, name):
        return compile(spoilt, self.path, "exec", dont_inherit=True) if self.path == str(path) else plain(self, name)

    importlib.machinery.SourceFileLoader.get_code = get_code
    forget()
    named = dict.fromkeys(test.partition("::")[0].partition("test_")[2].removesuffix(".py") for test in chosen)
    return run_tests(named, Tests(chosen)) in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)


def report(room, sample, seed, explained, only=None):
    """Draw mutants of a room and try them: how many there are, were drawn, killed, equivalent; and the survivors.

    With `only`, of what was drawn these are tried, and all others taken to be killed.
    """
    seconds, reach, failed = forked(unspoilt, ROOMS[room][1].split()) or ({}, {}, ["whichever ended the process"])
    if failed:
        raise SystemExit(f"{room}: without any error these tests fail: {', '.join(failed)}")
    pool = [(path, mutant) for path in files(room) for mutant in mutants(path)]
    drawn = random.Random(f"{seed} {room}").sample(pool, min(sample or len(pool), len(pool)))
    shortest, survived, equivalent = sorted(seconds, key=seconds.get), [], 0
    for path, (key, lines, *error) in drawn:
        if key in explained:
            equivalent += 1
            continue
        if only is not None and key not in only:
            continue
        tests = {test for line in lines for test in reach.get((str(path), line), ())}
        chosen = {test: seconds[test] for test in shortest if not lines or {test, AT_IMPORT} & tests}
        if not chosen or forked(noticed, path, *error, chosen) is False:
            survived.append(key)
            print(f"  survived  {'  |  '.join(key)}  ({len(chosen)} tests)", flush=True)
    killed = len(drawn) - equivalent - len(survived)
    return dict(zip(COUNTS, (len(pool), len(drawn), killed, equivalent, len(survived)), strict=True)), survived


def line(room, counts):
    share = counts["killed"] / max(1, counts["drawn"] - counts["equivalent"])
    return f"{room:12}" + "".join(f"{counts[name]:>12}" for name in COUNTS) + f"{share:10.1%}"


def read():
    """The report: {room: counts}, and the mutants that survive, with the reason where no result changes."""
    told = yaml.safe_load(REPORT.read_text(encoding="utf-8"))
    keyed = {name: {(e["file"], e["line"], e["mutant"]): e for e in told[name]} for name in ("explained", "survived")}
    return told["rooms"], keyed["explained"], keyed["survived"]


def write(rooms, explained, survived):
    told = dict(rooms=rooms, survived=[*survived.values()], explained=[*explained.values()])
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=118)
    REPORT.write_text(f"{HEADER}\n{text}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rooms", nargs="*", choices=[[], *ROOMS], help="all by default")
    parser.add_argument("--sample", type=int, default=40, help="how many mutants of each room; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="try only what survived in the report's last run")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was forked ends too
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MPLBACKEND": "Agg"}
    os.chdir(ROOT)
    for name in HEAVY:
        importlib.import_module(name)
    # The same examples in each run, none kept, and no time limit but ours.
    hypothesis.settings.register_profile("mutation", deadline=None, database=None, derandomize=True)
    hypothesis.settings.load_profile("mutation")
    rooms, explained, survived = read()
    for room in given.rooms or ROOMS:
        of_room = {key for key in survived if key[0] in names(room)}
        if given.again and not of_room:
            continue
        # What survived is in the sample that was drawn then.
        sample, seed = (rooms[room]["drawn"], rooms[room]["seed"]) if given.again else (given.sample, given.seed)
        counts, found = report(room, sample, seed, explained, of_room if given.again else None)
        print(line(room, counts), flush=True)
        rooms, explained, survived = read()
        rooms[room] = {"seed": seed, **counts}
        survived = {key: entry for key, entry in survived.items() if key[0] not in names(room)}
        survived |= {key: dict(zip(("file", "line", "mutant"), key, strict=True)) for key in found}
        write({name: rooms[name] for name in ROOMS if name in rooms}, explained, survived)
    return total(rooms)


def total(rooms):
    """Print the sum over the rooms; whether too few are noticed."""
    counts = {name: sum(room[name] for room in rooms.values()) for name in COUNTS}
    print(line("all", counts))
    return counts["killed"] < LEAST * (counts["drawn"] - counts["equivalent"])


if __name__ == "__main__":
    sys.exit(main())
