"""How many threads, and what each gets."""

import os
import threading

import pytest

from lrnn_helpers import _threads


@pytest.mark.parametrize(
    ("numba", "omp", "number"), [("3", "2", 3), (None, "2,4", 2), ("", "5", 5), ("no", "0", None), (None, None, None)]
)
def test_the_environment_says_how_many(numba, omp, number, monkeypatch):
    for name, value in (("NUMBA_NUM_THREADS", numba), ("OMP_NUM_THREADS", omp)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert _threads.number() == (number or cores)


def test_a_thread_starts_no_more_threads(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "4")
    got = []
    thread = threading.Thread(target=lambda: got.append(_threads.number()))
    thread.start()
    thread.join()
    assert got == [1]


@pytest.mark.parametrize("threads", ["1", "2", "7"])
@pytest.mark.parametrize(("count", "group", "least"), [(0, 1, 1), (1, 16, 1), (100, 16, 1), (100, 16, 4), (33, 1, 1)])
def test_the_parts_are_all_of_it_in_whole_groups(threads, count, group, least, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    parts = []
    _threads.over(parts.append, count, group, least)
    parts.sort(key=lambda part: part.start)
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(count))
    assert all(part.start % group == 0 for part in parts)
    assert len(parts) == 1 or all(part.stop - part.start > group * (least - 1) for part in parts)


@pytest.mark.parametrize("where", [0, 5])
def test_an_error_in_a_part_comes_out(where, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    with pytest.raises(ZeroDivisionError):
        _threads.over(lambda part: 1 / (part.start - where), 10)
