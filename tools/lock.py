"""Print the lock: what is installed here, one `name==version` a line, without the labels of local builds of torch."""

import re
from importlib.metadata import distributions

HEADER = """\
# The one lock: readers, continuous integration and Binder install with `-c constraints.txt`. Made for Python 3.11,
# and the package's tests hold with it on 3.12 and 3.13. `make lock` writes it from what is installed.
"""
OURS = ("pip", "lrnn-helpers")
# What comes only on some machines, and so is not locked: CUDA with pip's torch on Linux, a package of the Mac's kernel.
SOMEWHERE = ("nvidia-", "cuda-", "triton", "appnope")


def normal(name: str) -> str:
    """Return the name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """Return {name: version} of what the environment that runs this has, and every machine would have."""
    found = {normal(d.name): d.version.split("+")[0] for d in distributions()}
    return {name: found[name] for name in sorted(found) if name not in OURS and not name.startswith(SOMEWHERE)}


if __name__ == "__main__":
    print(HEADER + "\n".join(f"{name}=={version}" for name, version in installed().items()))
