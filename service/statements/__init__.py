"""Statements of a treasury or a bank: a file as it comes, read into lines. Exact to the fen, or refused with the place.

CSV in UTF-8 or GBK, XLSX, and camt.053 of ISO 20022. Account numbers are kept as their last digits and a keyed digest.
Whoever sends a file may send anything: it is read in a process of its own, which may take only so much (`apart`).
"""

from service.statements.sandbox import Busy, read
from service.statements.statement import Statement, StatementWrong

__all__ = ["Busy", "Statement", "StatementWrong", "read"]
