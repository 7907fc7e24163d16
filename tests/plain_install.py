"""Build the package's wheel, install it without extras into an empty environment, and use it there.

    python tests/plain_install.py

Not a test of pytest's: it needs a package index, and an environment without what the other tests use. The workflow runs
it with each supported Python. The wheel is built from a copy, so that nothing of an earlier build gets into it.
"""

import importlib
import pydoc
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from importlib.metadata import distributions, requires, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLAIN = {"numpy", "scipy", "joblib", "tqdm"}
OPTIONAL = {"torch", "numba", "sympy", "matplotlib", "pyyaml", "dask", "distributed", "neurogym"}
EXTRAS = {"autograd": "witness", "symbolic": "symbolic", "plotting": "plot", "ledger": "ledger"}


def outside():
    """Build, install, and run `inside` with the new environment's Python, which sees nothing of this folder."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        source, empty = here / "source", here / "venv"
        shutil.copytree(ROOT / "lrnn_helpers", source / "lrnn_helpers", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        venv.create(empty, with_pip=True)
        python = next(p for p in (empty / "bin" / "python", empty / "Scripts" / "python.exe") if p.exists())
        pip = [python, "-m", "pip"]
        subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", here, source], check=True)
        (wheel,) = here.glob("*.whl")
        look_into(wheel)
        subprocess.run([*pip, "install", "-q", wheel], check=True)
        subprocess.run([python, "-I", __file__, "inside"], check=True, cwd=here)


def look_into(wheel):
    """All modules and the marker of types are in the wheel, and nothing else but its metadata."""
    code = {p.relative_to(ROOT).as_posix() for p in (ROOT / "lrnn_helpers").rglob("*.py")}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == code | {"lrnn_helpers/py.typed"}, held ^ code
    print(f"{wheel.name}: {len(held)} files")


def inside():
    """Use what is installed: numbers that two routes give, and errors that name the extra."""
    installed = {d.name.lower() for d in distributions()} - {"pip", "setuptools", "lrnn-helpers"}
    assert installed >= PLAIN and not OPTIONAL & installed, installed
    assert {line.split(">")[0] for line in requires("lrnn-helpers") if "extra ==" not in line} == PLAIN

    import lrnn_helpers

    assert Path(lrnn_helpers.__file__).is_relative_to(sys.prefix), lrnn_helpers.__file__
    assert lrnn_helpers.__version__ == version("lrnn-helpers")
    print(f"Python {sys.version.split()[0]}, lrnn-helpers {lrnn_helpers.__version__}, {', '.join(sorted(installed))}")
    a_flow()
    a_kernel_distance()
    a_sweep()
    what_is_missing(lrnn_helpers)


def a_flow():
    """At T = 1 the gradient flow from a = c has the closed form (47)."""
    import numpy as np

    from lrnn_helpers import modes, solutions

    times = np.linspace(0.0, 5.0, 11)
    curve = modes.flow(modes.Modes(0.1, 0.3, 0.1), [2.0], times)
    exact = solutions.input_output_mode(times, 0.01, 0.3, [2.0])
    np.testing.assert_allclose(curve.u, exact, rtol=1e-6)
    print(f"flow: u goes from {curve.u[0]:.2f} to {curve.u[-1]:.4f}, as its closed form does")


def a_kernel_distance():
    """From the network alone, and from kernels on white inputs."""
    import numpy as np

    from lrnn_helpers import network, ntk, tasks

    start, end = (network.unaligned_weights(0.7, 3, 4, 2, seed=seed) for seed in (0, 1))
    x = tasks.structured_task(np.ones((2, 3)), P=30, seed=2, U=np.eye(2), V=np.eye(3)[:, :2]).x
    direct = ntk.ntk_distance(start, end, T=3)
    by_kernels = ntk.kernel_distance(ntk.ntk(start, x), ntk.ntk(end, x))
    np.testing.assert_allclose(direct, by_kernels, rtol=1e-9)
    print(f"kernel distance: {direct:.4f} by two routes")


def a_sweep():
    """Aligned networks, trained in two processes, have the modes that `descend` gives."""
    import numpy as np

    from lrnn_helpers import bases, modes, network, tasks, training

    s = np.array([[0.5, 0.7, 1.0], [0.2, 0.4, 0.8]])
    task = tasks.structured_task(s, P=20, seed=0)
    start = modes.Modes(*np.full((3, 2), 0.3))
    R = bases.random_orthogonal(2, seed=1)
    weights = network.aligned_weights(start, task.U, R, task.V)
    rates = (0.02, 0.05)
    settings = [{"weights": weights, "task": task, "learning_rate": rate} for rate in rates]
    histories = training.sweep(settings, steps=60, n_jobs=2)
    for rate, history in zip(rates, histories, strict=True):
        found = network.recover_modes(history.final, task.U, R, task.V)
        np.testing.assert_allclose(found, modes.descend(start, s, rate, 60), rtol=1e-9)
        print(f"sweep: learning rate {rate}, loss from {history.loss[0]:.3f} to {history.loss[-1]:.1e}")


def what_is_missing(lrnn_helpers):
    """A room or function whose package is not here says which extra brings it, and help() still works."""
    from lrnn_helpers import modes, network, tasks, training, transitions

    for room, extra in EXTRAS.items():
        assert not hasattr(lrnn_helpers, room)
        names(extra, importlib.import_module, f"lrnn_helpers.{room}")
    weights = network.unaligned_weights(0.1, 2, 2, 2, seed=0)
    task = tasks.structured_task([[1.0, 1.0], [1.0, 1.0]], P=9, seed=0)
    names("witness", training.train, weights, task, 0.1, 1, method="autograd")
    names("fast", training.train, weights, task, 0.1, 1, compiled=True)
    names("fast", modes.descend, modes.Modes(0.1, 0.1, 0.1), [1.0], 0.1, 1, compiled=True)
    names("symbolic", transitions.landau_coefficients, 3, 4)
    names("symbolic", transitions.stationary_points, 1.0, 4)
    names("sensory", tasks.sensory_task, "sum", 4, 40, 0)
    assert all(room in pydoc.render_doc(lrnn_helpers) for room in lrnn_helpers.__all__)
    print("what needs an extra names it")


def names(extra, function, *args, **options):
    """The call raises an ImportError that names the extra."""
    try:
        function(*args, **options)
    except ImportError as error:
        assert f"lrnn-helpers[{extra}]" in str(error), f"{function.__name__}: {error}"
    else:
        raise AssertionError(f"{function.__name__}{args} needs the extra {extra}, and ran without it")


if __name__ == "__main__":
    inside() if sys.argv[1:] == ["inside"] else outside()
