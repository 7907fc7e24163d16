"""Predict, from data, what a linear RNN will learn: print the report, and write the figure if asked to.

The file is numpy's .npz with the inputs x (P, T, N_x) and the targets y (P, N_y).
"""

import argparse
from pathlib import Path

import numpy as np

from lrnn_helpers.diagnosis import diagnose


def main(arguments=None):
    """Run the command."""
    parser = argparse.ArgumentParser("python -m lrnn_helpers.diagnosis", description=__doc__)
    parser.add_argument("data", type=Path, help="numpy's .npz with x (P, T, N_x) and y (P, N_y)")
    parser.add_argument("--hidden", type=int, help="hidden units [16]")
    parser.add_argument("--scale", type=float, help="initialisation scale [0.05]")
    parser.add_argument("--seed", type=int, help="of the start [0]")
    parser.add_argument("--learning-rate", type=float, help="[a tenth of the largest stable one]")
    parser.add_argument("--loss", choices=("sum", "mean"), default="sum", help="over samples [sum]")
    parser.add_argument("--figure", type=Path, help="where to write the figure, .png, .pdf or .svg")
    given = parser.parse_args(arguments)
    try:
        with np.load(given.data) as file:
            missing = [name for name in ("x", "y") if name not in file]
            if missing:
                parser.error(f"{given.data} has no array {missing[0]}, only {', '.join(file.files) or 'none'}")
            x, y = file["x"], file["y"]
    except (OSError, ValueError, AttributeError) as error:
        parser.error(f"{given.data} is no .npz file that can be read: {error}")
    options = {name: getattr(given, name) for name in ("hidden", "scale", "seed", "learning_rate", "loss")}
    try:
        found = diagnose(x, y, **options)
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    print(found)
    if given.figure:
        axes = found.plot()
        axes[0].figure.savefig(given.figure, dpi=150)


if __name__ == "__main__":
    main()
