"""The numerics of the machine-checked edition of "Learning dynamics in linear recurrent neural networks".

One module a room, from the ground up; a room knows only those above it in this list:

- `dynamics`: what a task asks of one dimension at each timestep, s_t = δ f(λ, t)
- `bases`: random orthogonal matrices and the eigenvectors of rotations
- `symbolic`: the paper's symbols and what follows from them by differentiation (extra ``symbolic``)
- `modes`: the connectivity modes of one dimension: energy, gradient flow and descent, curvature
- `solutions`: closed forms: learning curves, learning times, zero-loss solutions, extrapolation
- `transitions`: the effective energy of the Dirac task, its stationary points and where it switches
- `network`: the linear RNN, its weights from modes and its modes from weights
- `autograd`: the same network as a PyTorch module, the witness of the rest (extra ``witness``)
- `tasks`: data with chosen correlations, and the correlations of given data
- `training`: gradient descent on the loss, for many networks at once; sweeps over settings
- `ntk`: the tangent kernel of a network and how far it moves
- `diagnosis`: from data to a prediction: what a network will learn, when, and where it will stop, before training
- `plotting`: the book's style and its recurring figures (extra ``plot``)
- `exercise`: whether a reader's answer is right, or what to look at
- `ledger`: checks of printed equations, their mutants and records (extra ``ledger``)

Import the rooms that you need, ``from lrnn_helpers import modes, network``; after ``import lrnn_helpers`` alone a room
is loaded when it is first asked for, as ``lrnn_helpers.modes``.
"""

from importlib import import_module

__version__ = "0.2.0"

__all__ = [
    "autograd",
    "bases",
    "diagnosis",
    "dynamics",
    "exercise",
    "ledger",
    "modes",
    "network",
    "ntk",
    "plotting",
    "solutions",
    "symbolic",
    "tasks",
    "training",
    "transitions",
]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its rooms are {', '.join(__all__)}")
    try:
        return import_module(f"{__name__}.{name}")
    except ImportError as error:  # hasattr(), help() and completion ask for every room, whatever is installed
        raise AttributeError(str(error)) from error


def __dir__():
    return sorted([*globals(), *__all__])
