"""Why money is not paid yet: the conditions of each post that would bring it on its way, met or not, and by what.

The conditions are the very guards that refuse those posts, or the decision itself, so that the answer and the posts
cannot disagree.
"""

from __future__ import annotations

from domain.ledger_view import LedgerView
from domain.why import of_award, of_line
from domain.why.step import Answer, Condition, Sentence, Step

__all__ = ["Answer", "Condition", "Sentence", "Step", "why"]


def why(ledger: LedgerView, code: str, batch: int, award: str | None = None) -> Answer:
    """Why a batch of an award is not paid; without an award, why what is planned for the batch is not awarded.

    Raises UnknownStream, UnknownName, NotInPlan, BatchNotInPlan.
    """
    project = ledger.project(code)
    ledger.fund(project.fund).line(code).batch(batch)
    return of_line.answer(ledger, project, batch) if award is None else of_award.answer(ledger, project, award, batch)
