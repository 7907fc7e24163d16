"""What is said while numba compiles."""

import os
import subprocess
import sys

import pytest

CALL = """
import logging
import sys
{log}
from lrnn_helpers import modes
modes.descend(modes.Modes(0.1, 0.2, 0.3), [1.0, 2.0], 0.1, 3, compiled=True)
"""
SAID = "compiling lrnn_helpers.modes._compiled for this machine, once"


def run(cache, log="", **how):
    """What a fresh process writes to stdout and stderr, with the compiled code kept in `cache`."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    return subprocess.run([sys.executable, "-c", CALL.format(log=log)], check=True, env=env, text=True, **how)


def test_only_who_asks_hears_of_it_and_only_the_first_time(tmp_path):
    log = "logging.basicConfig(level='INFO', stream=sys.stdout)"
    silent = run(tmp_path / "one", capture_output=True)
    assert silent.stdout == silent.stderr == ""
    first, second = (run(tmp_path / "two", log, capture_output=True) for _ in range(2))
    assert first.stdout == f"INFO:lrnn_helpers:{SAID}\n"
    assert first.stderr == second.stdout == second.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_shows_a_line_that_goes_again(tmp_path):
    import pty
    import termios

    heard = []
    for _ in range(2):
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 100))
        run(tmp_path, stderr=slave)
        os.close(slave)
        heard.append(b"")
        while True:
            try:
                part = os.read(master, 1000)
            except OSError:  # how Linux says that nobody writes any more
                break
            if not part:
                break
            heard[-1] += part
        os.close(master)
    first, second = (x.decode() for x in heard)
    assert SAID in first
    assert first.rpartition("\r")[0].rpartition("\r")[2].strip() == ""  # wiped out
    assert second == ""
