"""Why money planned for a batch is not awarded yet: the steps missing, from the allotment to the award list."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from domain.event import Fact
from domain.fund.funding import FundsAllotted
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.posting import LINE, Place
from domain.project.award import AwardListDecided
from domain.project.call import Applicant, ApplicationScreened, CallClosed, CallPublished
from domain.project.condition import OPEN
from domain.project.eligibility import LIST, OF_ROWS, PLACES, Awarded, BatchAmount
from domain.project.selection import (
    Entry,
    NoticeCompleted,
    NoticeStarted,
    ObjectionResolved,
    Proposal,
    ReviewConcluded,
    Score,
)
from domain.state.entities import BankAccount, Payee, Round, RoundStatus, Screening
from domain.state.project import Project
from domain.why.step import Answer, Sentence, Step, decided, guarded

NOBODY = Payee("", "", account=BankAccount("", ""))
ENTRY = Entry("?", Applicant("", ""), "?", Money(1), "?")
MAX_LISTED = 10
"""The maximum number of applications for which one answer lists that they must be screened."""


def answer(ledger: LedgerView, project: Project, batch: int) -> Answer:
    fund = ledger.fund(project.fund)
    planned = fund.line(project.code).batch(batch).amount
    held = project.accounts.balance(LINE, Place(project.code, batch))
    allotted = fund.allotted.get((project.code, batch), 0)
    left = Money(max(planned - allotted, 0))
    says = Sentence(
        f"The line holds {held} yuan; {left} of the planned {planned} yuan is not allotted.",
        f"项目额度余 {held} 元；计划 {planned} 元中尚有 {left} 元未分配。",
    )
    steps: list[Step] = []
    if left:
        steps.append(decided(ledger, project, FundsAllotted(project.code, batch, left), f"fund/{fund.code}"))
    if held or left:
        steps += (decided(ledger, project, fact) for fact in _next_in_round(ledger, project))
        steps.append(_list(ledger, project, batch))
    return Answer({LINE: held}, says, tuple(steps))


def _next_in_round(ledger: LedgerView, project: Project) -> Iterator[Fact]:
    """The facts to post next before an award list can be posted, in order. Empty if only the list is left to post.

    An ObjectionResolved for each open objection comes first, then the next step of the round: its call, the screening,
    the review or the public notice.
    """
    line, current = ledger.fund(project.fund).line(project.code), project.rounds.get(str(project.round))
    for objection in sorted(project.open_objections):
        yield ObjectionResolved(objection, upheld=False, reason="?")
    candidates = _candidates(ledger, project)
    if current is None or (current.status is not RoundStatus.UNDER_WAY and not candidates):
        call = CallPublished(project.round + 1, ledger.today, ledger.today)
        yield _notice(ledger, project, (), (ENTRY,)) if line.is_list else call
    elif current.closed_on is None:
        yield CallClosed(current.number)
    elif current.status is RoundStatus.UNDER_WAY and current.is_list:
        yield from _notices(ledger, project, current)
    elif current.status is RoundStatus.UNDER_WAY:
        yield from _selection(ledger, project, current)


def _selection(ledger: LedgerView, project: Project, current: Round) -> Iterator[Fact]:
    applied = project.live_applications(current.number)
    pending = [name for name, each in sorted(applied.items()) if each.screening is Screening.PENDING]
    yield from (ApplicationScreened(name, passed=True) for name in pending[:MAX_LISTED])
    if current.review is None:
        passed = [n for n, each in sorted(applied.items()) if each.screening is Screening.PASSED and not each.excluded]
        yield ReviewConcluded("?", tuple(Score(name, Decimal(0)) for name in passed))
    else:
        yield from _notices(ledger, project, current)


def _notices(ledger: LedgerView, project: Project, current: Round) -> Iterator[Fact]:
    """The notice of all eligible applications, or its completion, if the decision waits for it."""
    if current.notice and current.notice.completed is None:
        yield NoticeCompleted()
    elif current.notice is None and _notices_come_first(ledger, project, current):
        listed = (name for name in _selectable(project, current) if project.eligible(name))
        yield _notice(ledger, project, tuple(Proposal(name, Money(1)) for name in listed))


def _selectable(project: Project, current: Round) -> list[str]:
    """The applications that the review scored; of a list, its entries."""
    return sorted(project.live_applications(current.number) if current.is_list else current.scores)


def _notice(
    ledger: LedgerView, project: Project, listed: tuple[Proposal, ...], entries: tuple[Entry, ...] | None = None
) -> NoticeStarted:
    """A notice that starts today and lasts as many working days as the settings require.

    If the calendar ends earlier, the notice ends on the first day that the calendar does not cover. Then the rule that
    refuses the notice names the missing year.
    """
    last_day = ledger.earliest_end(ledger.today, ledger.fund(project.fund).settings.notice_working_days)
    return NoticeStarted(ledger.today, last_day, listed, entries)


def _notices_come_first(ledger: LedgerView, project: Project, current: Round) -> bool:
    return current.notice_comes_first(ledger.fund(project.fund).settings)


def _candidates(ledger: LedgerView, project: Project) -> list[str]:
    """The names of the applications that an award list could name now, in order of score, the best last.

    If notices precede the decision and the round has a notice, only applications on this notice are returned. Entries
    of a list have no score: they are in order of name.
    """
    current = project.rounds.get(str(project.round))
    if current is None or current.status is RoundStatus.FAILED:
        return []
    noticed = current.notice if _notices_come_first(ledger, project, current) else None
    names = noticed.applications if noticed else _selectable(project, current)
    return sorted((n for n in names if project.eligible(n)), key=lambda n: (current.scores.get(n, 0), n))


def _list(ledger: LedgerView, project: Project, batch: int) -> Step:
    """The post of an award list that awards all money of the line to the application with the best score.

    If the line has no money, the list awards 1 fen of `batch`. If no application can be awarded, the list is empty.
    """
    current = project.rounds.get(str(project.round))
    is_list = current.is_list if current else ledger.fund(project.fund).line(project.code).is_list
    review = current.review.version if current and current.review else None if is_list else 0
    noticed = current.notice if current and _notices_come_first(ledger, project, current) else None
    empty = AwardListDecided("", (), review, noticed.version if noticed else None)
    row = Awarded("?", "?", NOBODY, 1, ())
    candidates = _candidates(ledger, project)
    if current is None or not candidates:
        # Without rows, the conditions of rows would all be met trivially, so they are left out. PLACES is checked with
        # one row, since any listed application would take a place.
        without_rows = guarded(
            ledger, project, empty, (OPEN, *(each for each in LIST if each not in (*OF_ROWS, PLACES)))
        )
        place = guarded(ledger, project, empty, (PLACES,), about=replace(empty, awards=(row,)))
        return replace(without_rows, conditions=(*without_rows.conditions, *place.conditions))
    best = candidates[-1]
    line = ledger.fund(project.fund).line(project.code)
    held = {each.batch: project.accounts.balance(LINE, Place(project.code, each.batch)) for each in line.batches}
    shares = tuple(BatchAmount(n, amount) for n, amount in held.items() if amount) or (BatchAmount(batch, Money(1)),)
    best_row = replace(row, application=best, score=current.scores.get(best), amounts=shares)
    return guarded(ledger, project, replace(empty, awards=(best_row,)), (OPEN, *LIST))
