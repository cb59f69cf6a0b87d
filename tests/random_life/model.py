"""A second, naive implementation of the money: plain dictionaries, one set of fen for each account, no events.

Written from the table of events in DOMAIN, not from the domain's code. For every event that counts it says itself which
fen leave which account and enter which, and compares: with the moves recorded, and with all accounts of the books.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from domain.event import Posted, Recorded
from domain.ledger_view import LedgerView
from domain.posting import Move
from domain.rules import Refused

Account = tuple[object, ...]
"""The account's name, and what tells its books apart."""
Takes = tuple[Account, Account, int | set[int]]
"""Out of one account into another: so many of the lowest fen, or just these."""
Moved = dict[tuple[Account, Account], set[int]]

OF_AWARD = ("project", "award", "batch")
KEYS = {
    "treasury": (),
    "pool": ("fund",),
    "surrendered": ("fund",),
    "recovered": OF_AWARD,
    "line": ("project", "batch"),
    "committed": OF_AWARD,
    "payable": OF_AWARD,
    "in_approval": ("project", "payment"),
    "in_transit": ("project", "payment"),
    "paid": ("project", "payment"),
}
TREASURY: Account = ("treasury",)


class Model:
    """Looks on at a life. `accounts` is the money; the notes are the little that the table's conditions ask for.

    A note knows the version of the event that it is of, so that a reversal can strike it out.
    """

    def __init__(self) -> None:
        self.accounts: defaultdict[Account, set[int]] = defaultdict(set)
        self.issued = 0
        self.gates: dict[tuple[str, int], str] = {}
        self.draft: Any = None
        self.opened: dict[tuple[str, str, str, int], None] = {}
        self.ended: dict[tuple[str, str], int] = {}
        self.closed: dict[str, int] = {}
        self.payments: dict[tuple[str, str], tuple[str, int]] = {}
        self.paid_in: dict[tuple[str, str], int] = {}
        self.ordered: dict[tuple[str, str], str] = {}
        self.entries: dict[tuple[str, int], list[tuple[Account, Account, set[int]]]] = {}
        self.undone: defaultdict[tuple[str, int], set[int]] = defaultdict(set)

    def __call__(self, _: Posted, outcome: tuple[Recorded, ...] | Refused, ledger: LedgerView) -> None:
        if isinstance(outcome, tuple):
            leader = outcome[0]
            assert self.apply(leader) == recorded(leader), f"the moves of {leader.fact}"
        kept = {at: fen for at, fen in self.accounts.items() if fen and at != TREASURY}
        assert kept == held(ledger), "the accounts of the books"

    def apply(self, event: Recorded) -> Moved:
        """Moves the money of `event`; what went from where to where."""
        entry = self.entries.setdefault((event.stream, event.version), [])
        money = MONEY.get(type(event.fact).__name__)
        for source, target, wanted in money(self, event.stream.partition("/")[2], event.fact, event) if money else ():
            fen = wanted if isinstance(wanted, set) else set(sorted(self.accounts[source])[:wanted])
            assert isinstance(wanted, set) or len(fen) == wanted, f"{source} holds too little for {event.fact}"
            assert fen <= self.accounts[source], f"{source} has not the fen of {event.fact}"
            self.accounts[source] -= fen
            self.accounts[target] |= fen
            entry.append((source, target, fen))
        return {(source, target): fen for source, target, fen in entry if fen}

    def behind_gate(self, project: str, award: str, batch: int) -> Account:
        """Where the money of an award stands until it is asked for."""
        gate = self.gates[project, batch]
        is_open = any(note[:3] == (project, award, gate) for note in self.opened)
        return ("payable" if is_open else "committed", project, award, batch)

    def all_of(self, account: str, project: str, award: str) -> Iterator[tuple[Account, int]]:
        """What an award has in this account, batch by batch."""
        for at, fen in list(self.accounts.items()):
            if at[:3] == (account, project, award) and fen:
                yield at, len(fen)


# The fund --------------------------------------------------------------------


def _appropriate(model: Model, fund: str, fact: Any, _: Recorded) -> Iterator[Takes]:
    new = set(range(model.issued, model.issued + fact.amount))
    model.issued += fact.amount
    model.accounts[TREASURY] |= new
    yield TREASURY, ("pool", fund), new


def _draft(model: Model, _: str, fact: Any, __: Recorded) -> Iterator[Takes]:
    model.draft = fact
    yield from ()


def _adopt(model: Model, code: str, _: Any, event: Recorded) -> Iterator[Takes]:
    yield from _revise(model, code, model.draft, event)


def _revise(model: Model, _: str, fact: Any, __: Recorded) -> Iterator[Takes]:
    for line in fact.lines:
        for batch in line.batches:
            model.gates[line.project, batch.batch] = batch.gate
    yield from ()


def _allot(_: Model, fund: str, fact: Any, __: Recorded) -> Iterator[Takes]:
    yield ("pool", fund), ("line", fact.project, fact.batch), fact.amount


def _withdraw(_: Model, fund: str, fact: Any, __: Recorded) -> Iterator[Takes]:
    yield ("line", fact.project, fact.batch), ("pool", fund), fact.amount


def _reallocate(_: Model, __: str, fact: Any, ___: Recorded) -> Iterator[Takes]:
    yield ("line", fact.from_project, fact.from_batch), ("line", fact.to_project, fact.to_batch), fact.amount


def _reinstate(_: Model, fund: str, fact: Any, __: Recorded) -> Iterator[Takes]:
    yield ("recovered", fact.project, fact.award, fact.batch), ("pool", fund), fact.amount


def _surrender(_: Model, fund: str, fact: Any, __: Recorded) -> Iterator[Takes]:
    recovered = ("recovered", fact.project, fact.award, fact.batch)
    yield ("pool", fund) if fact.account == "pool" else recovered, ("surrendered", fund), fact.amount


# Awards ----------------------------------------------------------------------


def _decide(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Takes]:
    for row in fact.awards:
        model.opened[project, row.award, "award", event.version] = None
        for share in row.amounts:
            yield (
                ("line", project, share.batch),
                model.behind_gate(project, row.award, share.batch),
                share.amount,
            )


def _amend(model: Model, project: str, fact: Any, _: Recorded) -> Iterator[Takes]:
    line, held = ("line", project, fact.batch), model.behind_gate(project, fact.award, fact.batch)
    yield (line, held, fact.amount) if fact.increase else (held, line, fact.amount)


def _end(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Takes]:
    model.ended[project, fact.award] = event.version
    for account in ("committed", "payable"):
        for at, amount in model.all_of(account, project, fact.award):
            yield at, ("line", project, at[3]), amount


def _sign(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Takes]:
    return _open(model, project, fact.award, "agreement", event)


def _accept(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Takes]:
    return _open(model, project, fact.award, "acceptance", event)


def _open(model: Model, project: str, award: str, gate: str, event: Recorded) -> Iterator[Takes]:
    model.opened[project, award, gate, event.version] = None
    for at, amount in model.all_of("committed", project, award):
        if model.gates[project, int(str(at[3]))] == gate:
            yield at, ("payable", *at[1:]), amount


# Payments --------------------------------------------------------------------


def _request(model: Model, project: str, fact: Any, _: Recorded) -> Iterator[Takes]:
    model.payments[project, fact.payment] = (fact.award, fact.batch)
    yield ("payable", project, fact.award, fact.batch), ("in_approval", project, fact.payment), fact.amount


def _whole(source: str, target: str) -> Callable[..., Iterator[Takes]]:
    """All that a payment has in one account goes to another of its accounts, or is payable again."""

    def money(model: Model, project: str, fact: Any, _: Recorded) -> Iterator[Takes]:
        at, to = (source, project, fact.payment), (target, project, fact.payment)
        if target == "payable":
            to = ("payable", project, *model.payments[project, fact.payment])
        yield at, to, len(model.accounts[at])

    return money


def _confirm(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Takes]:
    model.paid_in[project, fact.payment] = event.booked_on.year
    yield from _whole("in_transit", "paid")(model, project, fact, event)


def _return(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Takes]:
    award, batch = model.payments[project, fact.payment]
    same_year = event.booked_on.year == model.paid_in[project, fact.payment]
    live = (project, award) not in model.ended and project not in model.closed
    to = "payable" if same_year and live else "recovered"
    yield ("paid", project, fact.payment), (to, project, award, batch), fact.amount


def _order(model: Model, project: str, fact: Any, _: Recorded) -> Iterator[Takes]:
    model.ordered[project, fact.recovery] = fact.payment
    yield from ()


def _receive(model: Model, project: str, fact: Any, _: Recorded) -> Iterator[Takes]:
    payment = model.ordered[project, fact.recovery]
    yield ("paid", project, payment), ("recovered", project, *model.payments[project, payment]), fact.amount


# Ends and reversals ----------------------------------------------------------


def _close(model: Model, project: str, _: Any, event: Recorded) -> Iterator[Takes]:
    model.closed[project] = event.version
    for at, fen in list(model.accounts.items()):
        if at[:2] == ("line", project):
            yield at, ("pool", event.fund), len(fen)


def _reverse(model: Model, code: str, fact: Any, event: Recorded) -> Iterator[Takes]:
    """The same fen back; of a part, the lowest that still stand where the entry put them."""
    place = (event.stream, fact.version)
    for source, target, fen in model.entries[place]:
        left = fen - model.undone[place]
        if fact.amount is not None:
            left = set(sorted(left & model.accounts[target])[: fact.amount])
            assert len(left) == fact.amount, f"{target} holds too little for {fact}"
        model.undone[place] |= left
        yield target, source, left
    if event.stream.startswith("project/"):
        _strike_out(model, code, fact.version)


def _strike_out(model: Model, project: str, version: int) -> None:
    for note in [note for note in model.opened if (note[0], note[3]) == (project, version)]:
        del model.opened[note]
    for award in [award for award, by in model.ended.items() if (award[0], by) == (project, version)]:
        del model.ended[award]
    if model.closed.get(project) == version:
        del model.closed[project]


MONEY: dict[str, Callable[[Model, str, Any, Recorded], Iterator[Takes]]] = {
    "AppropriationReceived": _appropriate,
    "PlanDrafted": _draft,
    "PlanAdopted": _adopt,
    "PlanRevised": _revise,
    "FundsAllotted": _allot,
    "AllotmentWithdrawn": _withdraw,
    "FundsReallocated": _reallocate,
    "FundsReinstated": _reinstate,
    "SurplusSurrendered": _surrender,
    "AwardListDecided": _decide,
    "AwardAmended": _amend,
    "AwardDeclined": _end,
    "AwardRevoked": _end,
    "AwardTerminated": _end,
    "AgreementSigned": _sign,
    "AcceptancePassed": _accept,
    "PaymentRequested": _request,
    "PaymentRejected": _whole("in_approval", "payable"),
    "PaymentCancelled": _whole("in_approval", "payable"),
    "PaymentInstructed": _whole("in_approval", "in_transit"),
    "PaymentConfirmed": _confirm,
    "PaymentFailed": _whole("in_transit", "payable"),
    "PaymentReturned": _return,
    "RecoveryOrdered": _order,
    "RecoveryReceived": _receive,
    "ProjectClosed": _close,
    "EntryReversed": _reverse,
}
"""What each event does with the money; an event that is not here moves none."""


# What the domain says --------------------------------------------------------


def recorded(event: Recorded) -> Moved:
    """The moves as recorded: each fen from where it first stood to where it last came."""
    came: dict[int, Account] = {}
    went: dict[int, Account] = {}
    for moved in event.moves:
        for fen in serials(moved.fen.ranges):
            came.setdefault(fen, account(moved.source, event.fund, moved))
            went[fen] = account(moved.target, event.fund, moved)
    moves: defaultdict[tuple[Account, Account], set[int]] = defaultdict(set)
    for fen, source in came.items():
        moves[source, went[fen]].add(fen)
    return dict(moves)


def account(name: str, fund: str, at: Move | Any) -> Account:
    return (name, *(fund if part == "fund" else getattr(at.place, part) for part in KEYS[name]))


def serials(ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {fen for lo, hi in ranges for fen in range(lo, hi)}


def held(ledger: LedgerView) -> dict[Account, set[int]]:
    """What the aggregates say that each account holds."""
    found: dict[Account, set[int]] = {}
    for name, stream in ledger.streams.items():
        assert stream.state is not None
        for at, fen in stream.state.accounts.holdings.items():
            found[account(at.account, name.partition("/")[2], at)] = serials(fen.ranges)
    return found
