"""Measure everything and write results.json.

    python -m benchmarks [--quick] [--output FILE] [--core N] [--neural-tangents PYTHON]

One process, pinned to one core, one thread; about eight minutes. neural-tangents needs an older jax, so it is asked in
an environment of its own (see neural_tangents_worker.py); without it the tables of its last run are kept as they are.
"""

# ruff: noqa: E402
import os

# What has to stand before numpy, torch and jax are loaded: one thread, and the BLAS kernel that the machine chooses.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

import argparse
import datetime
import json
import platform
import re
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

RESULTS = Path(__file__).with_name("results.json")
PACKAGES = ("numpy", "scipy", "torch", "numba", "jax", "jaxlib", "diffrax")


def machine(core):
    """What the times depend on."""
    import threadpoolctl

    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    wide = [flag for flag in ("avx2", "avx512f") if re.search(rf"\b{flag}\b", text)]
    caches = {}
    for index in sorted(Path(f"/sys/devices/system/cpu/cpu{core}/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            caches[f"L{level}"] = size
    blas = [i for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas" and "numpy" in i["filepath"]]
    return {
        "cpu": model[1] if model else platform.processor(),
        "cores": os.cpu_count(),
        "used": 1,
        "simd": wide,
        "caches": caches,
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name).split("+")[0] for name in PACKAGES},
        "blas": {k: blas[0][k] for k in ("internal_api", "version", "architecture", "num_threads")} if blas else None,
        "date": datetime.date.today().isoformat(),
    }


def main():
    """Run all tables and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of small runs, to try it out")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--core", type=int, help="the core to run on; the last one by default")
    parser.add_argument("--neural-tangents", metavar="PYTHON", help="a Python that has neural-tangents")
    args = parser.parse_args()
    core = (os.cpu_count() or 1) - 1 if args.core is None else args.core
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    import torch

    torch.set_num_threads(1)
    from benchmarks import flows, kernels, training
    from benchmarks.timing import digest

    began = perf_counter()
    tables = []
    for part in (
        lambda: training.tables(args.quick),
        lambda: [training.first_call(args.quick)],
        lambda: flows.tables(args.quick),
        lambda: kernels.tables(args.quick, args.neural_tangents),
    ):
        tables += part()
        print(f"{perf_counter() - began:5.0f} s  {tables[-1]['title']}", flush=True)
    series = training.series(args.quick)
    here = machine(core)
    for table in tables:
        if "versions" in table:
            table["recorded"] = here["date"]
    if not args.neural_tangents and RESULTS.exists():
        tables += [t for t in json.loads(RESULTS.read_text())["tables"] if "recorded" in t]
    results = {"machine": here, "quick": args.quick, "tables": tables, "series": series}
    results["digest"] = digest(results)
    args.output.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(f"{perf_counter() - began:5.0f} s  wrote {args.output.name}")


if __name__ == "__main__":
    main()
