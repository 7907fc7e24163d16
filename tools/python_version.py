"""Stop with one clear line unless this is the Python that the lock is made and tested for (any Python can run this)."""

import sys

if sys.version_info[:2] != (3, 11):
    found = "%s is %d.%d" % (sys.executable, sys.version_info[0], sys.version_info[1])  # noqa: UP031
    sys.exit(
        "Python 3.11 is needed (the lock is made and tested for it); "
        + found
        + ". Try: make PYTHON=python3.11. The package alone, pip install ., takes 3.11 to 3.13."
    )
