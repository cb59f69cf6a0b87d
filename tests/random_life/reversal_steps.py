"""Reversals: of what came last, and of older money, around which the books have changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.entry_reversed import EntryReversed
from domain.event import Posted, Recorded
from domain.project.payment import PaymentReturned
from domain.project.recovery import RecoveryReceived
from domain.state.project import Project
from tests.random_life.fund_steps import OTHER_FUND

if TYPE_CHECKING:
    from tests.random_life.life import RandomLife


def reverse_of_project(life: RandomLife, project: Project) -> Posted | None:
    return reverse_late(life, f"project/{project.code}")


def reverse_of_fund(life: RandomLife, _: Project) -> Posted | None:
    return reverse_late(life, "fund/f")


def reverse_in_other_fund(life: RandomLife, _: Project) -> Posted | None:
    return reverse_late(life, OTHER_FUND) if life.chance(20) else None


def reverse_money_of_project(life: RandomLife, project: Project) -> Posted | None:
    return reverse_money(life, f"project/{project.code}")


def reverse_money_of_fund(life: RandomLife, _: Project) -> Posted | None:
    return reverse_money(life, "fund/f")


def reverse_what_freed_a_place(life: RandomLife, project: Project) -> Posted | None:
    """What came back of an award that has ended, once all places are taken again."""
    line = life.fund.lines.get(project.code)
    if line is None or not project.ended or project.places_taken(line) < line.awards:
        return None
    came_back = (PaymentReturned, RecoveryReceived)
    found = [e for e in entries(life, f"project/{project.code}") if isinstance(e.fact, came_back)]
    of_ended = [entry for entry in found if entry.moves[0].place.award in project.ended]
    return reversal(life, life.pick(of_ended)) if of_ended else None


def reverse_late(life: RandomLife, stream: str) -> Posted | None:
    """One of the last entries, mostly the very last."""
    found = entries(life, stream)[-8:]
    if not found:
        return None
    return reversal(life, found[-1] if life.chance(60) else life.pick(found))


def reverse_money(life: RandomLife, stream: str) -> Posted | None:
    """Some entry that moved money, of any age: each type of entry as likely as another."""
    by_type: dict[str, list[Recorded]] = {}
    for entry in entries(life, stream):
        if entry.moves:
            by_type.setdefault(type(entry.fact).__name__, []).append(entry)
    return reversal(life, life.pick(by_type[life.pick(sorted(by_type))])) if by_type else None


def entries(life: RandomLife, stream: str) -> list[Recorded]:
    """The reversible entries of a stream; mostly only those after its closing, once it is closed."""
    owner = life.ledger.stream(stream).state
    since = owner.closed_at if owner and owner.closed_at and life.chance(90) else 0
    return [e for e in life.events if e.stream == stream and e.version >= since and e.fact.reversible]


def reversal(life: RandomLife, entry: Recorded) -> Posted:
    """As a whole, or in part."""
    in_part = entry.fact.reversible.in_part and life.chance(40)
    amount = life.amount(entry.moves[0].fen.total + 1) if in_part else None
    return life.post(EntryReversed(entry.version, "录入有误", amount), entry.stream)


def reverse_closing(life: RandomLife, project: Project) -> Posted | None:
    """A project is opened again."""
    if not project.closed_at:
        return None
    return life.post(EntryReversed(project.closed_at, "录入有误"), f"project/{project.code}")


REVERSAL_STEPS = {
    reverse_of_project: 3,
    reverse_of_fund: 1,
    reverse_in_other_fund: 1,
    reverse_money_of_project: 2,
    reverse_money_of_fund: 2,
    reverse_what_freed_a_place: 5,
}
REVERSAL_STEPS_AFTER_CLOSING = {
    reverse_of_project: 2,
    reverse_of_fund: 1,
    reverse_money_of_project: 1,
    reverse_money_of_fund: 2,
    reverse_closing: 1,
}
