"""The ledger: how a statement of the paper becomes a checked one.

`check` compares what is printed with something that was not written from it, shows that the comparison can fail, and
emits a record. `mutants` and `witnesses` are what it is made of. `read_rows`, `read_records` and `statuses` join the
rows of the book's ledger with the records that its notebooks hold.
"""

from lrnn_helpers.ledger._book import read_records, read_rows, statuses, verdicts
from lrnn_helpers.ledger._check import MIME, check, witnesses
from lrnn_helpers.ledger._mutants import mutants

__all__ = ["MIME", "check", "mutants", "read_records", "read_rows", "statuses", "verdicts", "witnesses"]
