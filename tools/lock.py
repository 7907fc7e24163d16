"""Print the lock: what is installed here, one `name==version` a line, without local labels (torch's CPU builds have one)."""

import re
from importlib.metadata import distributions

HEADER = """\
# The one lock: readers, continuous integration and Binder install with `-c constraints.txt`. Made for Python 3.11.
# `make lock` writes it from what is installed.
"""


def normal(name: str) -> str:
    """Return the name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(without=("pip", "lrnn-helpers")) -> dict[str, str]:
    """Return {name: version} of the environment that runs this."""
    found = {normal(d.name): d.version.split("+")[0] for d in distributions()}
    return {name: found[name] for name in sorted(found) if name not in without}


if __name__ == "__main__":
    print(HEADER + "\n".join(f"{name}=={version}" for name, version in installed().items()))
