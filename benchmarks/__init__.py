"""Timings of the package against named peers; `python -m benchmarks` writes results.json. Never part of the tests."""
