"""The ledger: how a statement of a paper becomes a checked one.

`check` compares what is printed with something that was not written from it, shows that the comparison can fail, tries
sentences on their domains, and emits a record. `glue` hands a computed number to the page. `read_rows`, `read_records`,
`statuses` and `verdicts` join the rows of a book's ledger with the records that its notebooks hold. This package's
`check` is this book's: another paper makes its own with `Check`.
"""

from lrnn_helpers._validation import extra

with extra("ledger"):
    import sympy  # noqa: F401  what `check` and the symbols need: said here, where the extra has a name

from lrnn_helpers import symbolic
from lrnn_helpers.ledger._book import read_records, read_rows, statuses, verdicts
from lrnn_helpers.ledger._check import MIME, Check, glue
from lrnn_helpers.ledger._mutants import mutants
from lrnn_helpers.modes import Modes
from lrnn_helpers.symbolic import witnesses

check = Check(symbolic, made={"modes": Modes})

# fmt: off
__all__ = ["MIME", "Check", "check", "glue", "mutants", "read_records", "read_rows", "statuses", "verdicts",
           "witnesses"]
