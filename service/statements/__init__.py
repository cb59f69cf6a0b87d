"""Reads a statement of the treasury or a bank into lines, exact to the fen, or rejects it with the place of each error.

The formats are CSV in UTF-8 or GBK, XLSX, and camt.053 of ISO 20022. Account numbers are stored as their last four
digits and a keyed digest. Files are untrusted: each is read in a separate process with limits on time and memory
(sandbox.py).
"""

from service.overload import Overloaded
from service.statements.sandbox import read
from service.statements.statement import Choices, Statement, StatementWrong

__all__ = ["Choices", "Overloaded", "Statement", "StatementWrong", "read"]
