"""Reversals of recent entries, and of older entries with money, after which the ledger has changed."""

from __future__ import annotations

from domain.entry_reversed import EntryReversed
from domain.event import Posted, Recorded
from domain.project.payment import PaymentReturned
from domain.project.recovery import RecoveryReceived
from domain.state.project import Project
from tests.random_life.base import Life
from tests.random_life.fund_steps import OTHER_FUND


def reverse_of_project(life: Life, project: Project) -> Posted | None:
    return reverse_recent(life, f"project/{project.code}")


def reverse_of_fund(life: Life, _: Project) -> Posted | None:
    return reverse_recent(life, "fund/f")


def reverse_in_other_fund(life: Life, _: Project) -> Posted | None:
    return reverse_recent(life, OTHER_FUND) if life.chance(20) else None


def reverse_money_of_project(life: Life, project: Project) -> Posted | None:
    return reverse_money(life, f"project/{project.code}")


def reverse_money_of_fund(life: Life, _: Project) -> Posted | None:
    return reverse_money(life, "fund/f")


def reverse_return_of_ended_award(life: Life, project: Project) -> Posted | None:
    """Reverse a return or a recovery of an ended award when all places of the line are taken again."""
    line = life.fund.lines.get(project.code)
    if line is None or not project.ended or project.places_taken(line) < line.awards:
        return None
    types = (PaymentReturned, RecoveryReceived)
    returns = [e for e in entries(life, f"project/{project.code}") if isinstance(e.fact, types)]
    of_ended = [entry for entry in returns if entry.moves[0].place.award in project.ended]
    return reversal(life, life.pick(of_ended)) if of_ended else None


def reverse_recent(life: Life, stream: str) -> Posted | None:
    """Reverse one of the last eight entries, mostly the last one."""
    recent = entries(life, stream)[-8:]
    if not recent:
        return None
    return reversal(life, recent[-1] if life.chance(60) else life.pick(recent))


def reverse_money(life: Life, stream: str) -> Posted | None:
    """Reverse an entry that moved money, of any age; each type of entry is equally likely."""
    by_type: dict[str, list[Recorded]] = {}
    for entry in entries(life, stream):
        if entry.moves:
            by_type.setdefault(type(entry.fact).__name__, []).append(entry)
    return reversal(life, life.pick(by_type[life.pick(sorted(by_type))])) if by_type else None


def entries(life: Life, stream: str) -> list[Recorded]:
    """The reversible entries of a stream. If its fund or project is closed, mostly only those since the closing."""
    owner = life.ledger.stream(stream).state
    since = owner.closed_at if owner and owner.closed_at and life.chance(90) else 0
    return [e for e in life.events if e.stream == stream and e.version >= since and e.fact.reversible]


def reversal(life: Life, entry: Recorded) -> Posted:
    """The reversal of an entry, as a whole or in part."""
    in_part = entry.fact.reversible.in_part and life.chance(40)
    amount = life.amount(entry.moves[0].fen.total + 1) if in_part else None
    return life.post(EntryReversed(entry.version, "录入有误", amount), entry.stream)


def reverse_closing(life: Life, project: Project) -> Posted | None:
    """Reverse the closing of a project."""
    if not project.closed_at:
        return None
    return life.post(EntryReversed(project.closed_at, "录入有误"), f"project/{project.code}")


REVERSAL_STEPS = {
    reverse_of_project: 3,
    reverse_of_fund: 1,
    reverse_in_other_fund: 1,
    reverse_money_of_project: 2,
    reverse_money_of_fund: 2,
    reverse_return_of_ended_award: 5,
}
REVERSAL_STEPS_AFTER_CLOSING = {
    reverse_of_project: 2,
    reverse_of_fund: 1,
    reverse_money_of_project: 1,
    reverse_money_of_fund: 2,
    reverse_closing: 1,
}
