"""Invariants of the ledger after a reversal: limits of the plan, and balances of awards, gates and closed projects."""

from __future__ import annotations

from collections.abc import Iterable

from domain.event import Restored
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.posting import ACCOUNTS, ALLOTTED, COMMITTED, IN_FLIGHT, PAID, PAYABLE, Move
from domain.rules.award import NoPlacesLeft
from domain.rules.fund import AllotmentExceedsPlan
from domain.rules.reversal import WouldUnsettle
from domain.state.entities import AwardStatus
from domain.state.fund import Fund
from domain.state.project import Project

UNPAID = (COMMITTED, PAYABLE, *IN_FLIGHT)


def must_hold(
    before: LedgerView,
    ledger: LedgerView,
    code: str,
    moves: Iterable[Move],
    restored: Iterable[Restored],
    *,
    stream: str,
) -> None:
    """Checks the plan's limits and the balances of every project and award that a reversal changed.

    Raises the first rule that is broken. `before`: the ledger before the reversal. `ledger`: the ledger after the
    reversal. `code`: the code of the fund. `moves`: the moves of the reversal. `restored`: the entities that the
    reversal restored. `stream`: the name of the stream of the reversal.
    """
    fund = ledger.fund(code)
    places = [m.place for m in moves if "project" in (ACCOUNTS[m.source].owner, ACCOUNTS[m.target].owner)]
    projects = {str(place.project) for place in places}
    awards = {(str(place.project), place.award) for place in places if place.award}
    if stream.startswith("project/"):
        name = stream.partition("/")[2]
        projects.add(name)
        awards |= {(name, each.name) for each in restored if each.kind == "award"}
    for place in places:
        _within_plan(fund, str(place.project), place.batch or 0)
    for name in sorted(projects):
        _closed_holds_only_paid(ledger.project(name))
        _places(before.project(name), ledger.project(name), fund)
    for name, award in sorted(awards):
        _award_is_sound(ledger.project(name), fund, award)


def _within_plan(fund: Fund, code: str, batch: int) -> None:
    line = fund.lines.get(code)
    planned = line.find(batch) if line else None
    amount = planned.amount if planned else Money(0)
    allotted = fund.allotted.get((code, batch), 0)
    if allotted > amount:
        raise AllotmentExceedsPlan(project=code, batch=batch, allotted=Money(0), amount=Money(allotted), planned=amount)


def _places(before: Project, project: Project, fund: Fund) -> None:
    """Raises NoPlacesLeft if the reversal raises the number of awards above the award limit of the project's line.

    A limit that was already exceeded before the reversal only must not be exceeded further. `before`: the project
    before the reversal. `project`: the project after the reversal.
    """
    if not project.awards:
        return
    line = fund.line(project.code)
    already, taken = before.places_taken(line), project.places_taken(line)
    if taken > max(already, line.awards):
        raise NoPlacesLeft(limit=line.awards, taken=already, asked=taken - already)


def _closed_holds_only_paid(project: Project) -> None:
    if project.closed:
        _must_be_empty(project, (account for account in ALLOTTED if account != PAID))


def _must_be_empty(project: Project, accounts: Iterable[str]) -> None:
    for account in accounts:
        if amount := project.accounts.total((account,)):
            raise WouldUnsettle(account=account, amount=amount)


def _award_is_sound(project: Project, fund: Fund, name: str) -> None:
    """Raises WouldUnsettle if money of the award `name` is in an account that the award's status or gates forbid.

    Only a live award may have unpaid money. While the gate of a batch is shut, the money of the batch must be in
    `committed`. Once the gate is open, the money must be in `payable`, `in_approval`, `in_transit` or `paid`. The money
    of the payments in `Project.apart` is exempt.
    """
    award, line = project.awards.get(name), fund.line(project.code)
    for batch in line.batches:
        forbidden: tuple[str, ...]
        if award is None:
            forbidden = (*UNPAID, PAID)
        elif award.status is not AwardStatus.LIVE:
            forbidden = UNPAID
        elif line.gate_of(batch) in award.gates:
            forbidden = (COMMITTED,)
        else:
            forbidden = (PAYABLE, *IN_FLIGHT, PAID)
        place = project.place(name, batch.batch)
        for account in forbidden:
            apart = project.paid_apart(name, batch.batch, account) if award else 0
            if amount := project.accounts.balance(account, place) - apart:
                raise WouldUnsettle(account=account, amount=Money(amount))
