"""Explains why money is not paid yet: the next posts needed, their conditions, and the events that meet the conditions.

The explanation cannot differ from the answer that a post would get, because both come from the same guards, or from the
decision itself.
"""

from __future__ import annotations

from domain.ledger_view import LedgerView
from domain.why import of_award, of_line
from domain.why.step import Answer, Condition, Sentence, Step

__all__ = ["Answer", "Condition", "Sentence", "Step", "why"]


def why(ledger: LedgerView, code: str, batch: int, award: str | None = None) -> Answer:
    """Why the money of the award `award` in batch number `batch` is not paid yet. `code` is the project's code.

    Without `award`, the answer is why money planned for the batch is not awarded yet.

    Raises UnknownStream, UnknownName, NotInPlan, BatchNotInPlan.
    """
    project = ledger.project(code)
    ledger.fund(project.fund).line(code).batch(batch)
    return of_line.answer(ledger, project, batch) if award is None else of_award.answer(ledger, project, award, batch)
