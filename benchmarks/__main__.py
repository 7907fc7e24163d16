"""Measure everything and write results.json.

    python -m benchmarks [--quick] [--only TABLE ...] [--rounds N] [--output FILE] [--core N]
                         [--neural-tangents PYTHON]

One process, pinned to one core, one thread (but for the table of the cores); about ten minutes. The file is written
after each table. With --only the other tables of the file stay, if they are of the same machine and versions.
neural-tangents needs an older jax, so it is asked in an environment of its own (see neural_tangents_worker.py); without
it the tables of its last run stay as they are. --quick tries everything out on small runs, and writes nothing unless
--output says where.
"""

# ruff: noqa: E402
import os

# What has to stand before numpy, torch and jax are loaded: one thread, and the BLAS kernel that the machine chooses.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NUMBA_NUM_THREADS"):
    os.environ.pop(name, None)
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

import argparse
import datetime
import json
import platform
import re
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import threadpoolctl
import torch

from benchmarks import flows, growth, kernels, training
from benchmarks.timing import digest

RESULTS = Path(__file__).with_name("results.json")
PACKAGES = ("numpy", "scipy", "torch", "numba", "jax", "jaxlib", "diffrax")
TABLES = training.TABLES | flows.TABLES | kernels.TABLES | kernels.OTHERS | growth.TABLES


def machine(core):
    """What the times depend on."""
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
        "simd": wide,
        "caches": caches,
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name).split("+")[0] for name in PACKAGES},
        "blas": {k: blas[0][k] for k in ("internal_api", "version", "architecture", "num_threads")} if blas else None,
    }


def kept(file, here, names):
    """The tables of an earlier run that stay, all of `names`; SystemExit if they are those of another machine."""
    old = json.loads(file.read_text(encoding="utf-8")) if names and file.exists() else {"tables": []}
    tables = {t["id"]: t for t in old["tables"] if t["id"] in names}
    if tables and old["machine"] != here:
        raise SystemExit(f"{file.name} is of another machine or other versions: measure all tables")
    return tables


def main():
    """Run all tables, or those asked for, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of small runs, to try it out")
    parser.add_argument("--rounds", type=int, help="how often each way has its turn: 7, or 1 with --quick")
    parser.add_argument("--only", action="append", metavar="TABLE", choices=TABLES, help="one of: " + ", ".join(TABLES))
    parser.add_argument("--output", type=Path, help="instead of results.json")
    parser.add_argument("--core", type=int, help="the core to run on; the last one by default")
    parser.add_argument("--neural-tangents", metavar="PYTHON", help="a Python that has neural-tangents")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 7)
    core = (os.cpu_count() or 1) - 1 if options.core is None else options.core
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    file = options.output or (None if options.quick else RESULTS)
    asked = [n for n in options.only or TABLES if options.neural_tangents or n not in kernels.OTHERS]
    here, today = machine(core), datetime.date.today().isoformat()
    rest = set(TABLES) if options.only else set(kernels.OTHERS)
    done = kept(file or RESULTS, here, rest - set(asked)) if file else {}
    began, failed = perf_counter(), []
    for name in asked:
        try:
            done[name] = {**TABLES[name](options), "recorded": today}
        except Exception:  # the other tables are still wanted, and this one's absence fails the tests
            traceback.print_exc()
            failed.append(name)
        print(f"{perf_counter() - began:5.0f} s  {name}", flush=True)
        if file:
            tables = [done[n] for n in TABLES if n in done]
            results = {"machine": here, "quick": options.quick, "tables": tables}
            results["digest"] = digest(results)
            file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
