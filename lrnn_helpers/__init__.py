"""The numerics of the machine-checked edition of "Learning dynamics in linear recurrent neural networks".

One module a room, from the ground up: `dynamics`, `modes`, `network`, `symbolic`, `tasks`, `training`, `plotting`,
`ledger`. Import the room, not the house: ``from lrnn_helpers import modes, network``.
"""

__version__ = "0.1.0"
