"""Sweeps over many settings: the same bits wherever they run, and nothing lost when a worker dies."""

import os
import signal
import subprocess
import sys
import threading
import time

import joblib
import numpy as np
import pytest

from lrnn_helpers import network, tasks, training
from lrnn_helpers.network import Weights


def settings_of(count=3, networks=10):
    """Settings of different T and sizes, with two leading axes."""
    out = []
    for n in range(count):
        task = tasks.structured_task(np.ones((2 + n % 2, 2 + n)), 40, n)
        weights = network.unaligned_weights(np.full((2, networks), 0.4), 2 + n % 2, 3, 2 + n % 2, n)
        out.append({"weights": weights, "task": task, "learning_rate": np.linspace(0.001, 0.01, networks)})
    return out


def flat(histories):
    return [x for h in histories for x in (h.steps, *h.weights, h.loss, *h.final, h.diverged, h.taken)]


def assert_same_bits(got, want):
    for g, w in zip(flat(got), flat(want), strict=True):
        assert g.shape == w.shape
        np.testing.assert_array_equal(g, w)


@pytest.fixture(scope="module")
def alone():
    return [training.train(**setting, steps=200, record_every=100) for setting in settings_of()]


@pytest.mark.parametrize("block", [1, 7, 20, 1000])
def test_blocks_do_not_change_a_bit(alone, block):
    assert_same_bits(training.sweep(settings_of(), steps=200, record_every=100, block=block), alone)


def test_processes_do_not_change_a_bit(alone):
    assert_same_bits(training.sweep(settings_of(), steps=200, record_every=100, block=7, n_jobs=2), alone)


def test_a_settings_own_arguments_come_first():
    settings = settings_of(2)
    settings[1]["steps"] = 3
    first, second = training.sweep(iter(settings), steps=5)
    assert (first.steps[-1], second.steps[-1]) == (5, 3)
    assert training.sweep([], steps=5) == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_as_they_are_done(alone, n_jobs):
    got = []
    left = training.sweep(
        (x for x in settings_of()),
        steps=200,
        record_every=100,
        block=7,
        n_jobs=n_jobs,
        on_result=lambda *x: got.append(x),
    )
    assert left == []
    assert [n for n, _ in got] == [0, 1, 2]
    assert_same_bits([h for _, h in got], alone)


def test_settings_are_drawn_as_they_are_needed():
    drawn, ahead = [], []

    def many():
        for n, setting in enumerate(settings_of(1, 2) * 30):
            drawn.append(n)
            yield setting

    training.sweep(many(), steps=1, on_result=lambda n, _: ahead.append(len(drawn) - n))
    assert len(ahead) == 30
    assert max(ahead) <= 2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_bad_setting_ends_a_stream_with_its_error(n_jobs):
    got = []
    with pytest.raises(TypeError, match="got 3 at index 2"):
        training.sweep([*settings_of(2), 3], steps=1, n_jobs=n_jobs, on_result=lambda n, _: got.append(n))
    assert got == [0, 1]


def test_a_hundred_thousand_networks_need_the_memory_of_a_block():
    """In a process of its own, whose memory the system limits to what it has after the first setting and 64 MB."""
    pytest.importorskip("resource")
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("needs /proc to know the memory in use")
    code = """
import resource
import numpy as np
from lrnn_helpers import tasks, training
from lrnn_helpers.network import Weights
task = tasks.structured_task(np.ones((4, 4)), 40, 0)
rng = np.random.default_rng(0)
def setting():
    return {"weights": Weights(*0.1 * rng.normal(size=(3, 1000, 4, 4))), "task": task, "learning_rate": 1e-3}
def settings():
    yield setting()
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + 64 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for _ in range(99):
        yield setting()
sums = []
options = {"steps": 20, "record_every": 1, "progress": False}
kept = training.sweep(settings(), on_result=lambda n, h: sums.append(h.diverged.size), **options)
print(kept, sum(sums))
try:
    training.sweep((setting() for _ in range(100)), **options)
except MemoryError:
    print("too much")
"""
    environment = os.environ | {"NUMBA_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[] 100000", "too much"]


def test_one_network_and_none():
    setting = settings_of(1)[0]
    one = Weights(*(w[0, 0] for w in setting["weights"]))
    none = Weights(*(w[0, :0] for w in setting["weights"]))
    single, empty = training.sweep(
        [setting | {"weights": one, "learning_rate": 0.01}, setting | {"weights": none, "learning_rate": 0.01}], steps=4
    )
    assert single.loss.shape == (2,)
    assert empty.loss.shape == (2, 0)
    assert empty.final.Wh.shape == (0, 3, 3)


def test_one_that_diverges_spoils_nothing_else():
    settings = settings_of(1)
    settings[0]["learning_rate"] = [0.001] * 4 + [60.0] + [0.001] * 5
    (history,) = training.sweep(settings, steps=100, block=3)
    assert history.diverged.sum() == 2
    assert history.diverged[:, 4].all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: training.sweep([3], steps=1), TypeError, "settings must be mappings .* got 3 at index 0"),
        (lambda: training.sweep([{"task": 1}], steps=1), TypeError, "got no weights at index 0"),
        (lambda: training.sweep(settings_of(1)), TypeError, "got no steps at index 0"),
        (lambda: training.sweep([], steps=1, on_result=3), TypeError, "on_result must be callable or None, got 3"),
        (lambda: training.sweep(settings_of(1), steps=1, block=0), ValueError, "block must be an integer >= 1"),
        (lambda: training.sweep(settings_of(1), steps=1, momentum=1), TypeError, "momentum"),
        (lambda: training.sweep(settings_of(1), steps=-1), ValueError, "steps must be"),
    ],
)
def test_errors_name_the_argument_and_what_was_received(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_bar_counts_networks(capsys):
    training.sweep(settings_of(1), steps=5, block=3)
    assert capsys.readouterr() == ("", "")
    training.sweep(settings_of(1), steps=5, block=3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "/20" in err


def test_a_cluster_loses_nothing_when_a_worker_is_killed():
    """A Dask cluster of two processes on the loopback; one is killed while it trains."""
    distributed = pytest.importorskip("distributed")
    settings, options = settings_of(3, 40), {"steps": 2000, "record_every": 1000, "block": 10, "compiled": False}
    want = training.sweep(settings, **options)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=60
    )
    killed = []

    def kill():
        """Kill a worker that is at work once a block is done."""
        while not killed:
            at_work = {name: w for name, w in cluster.scheduler.workers.copy().items() if w.processing}
            done = sum(task.state == "memory" for task in list(cluster.scheduler.tasks.values()))
            if done and len(at_work) == 2:
                victim = next(iter(at_work))
                os.kill(next(w.pid for w in cluster.workers.values() if w.worker_address == victim), signal.SIGKILL)
                killed.append(victim)
            time.sleep(0.01)

    with cluster, distributed.Client(cluster):
        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        with joblib.parallel_config(backend="dask"):
            got = []
            training.sweep(iter(settings), on_result=lambda _, history: got.append(history), **options)
        assert killed, "no worker was killed in mid-sweep"
    assert_same_bits(got, want)
