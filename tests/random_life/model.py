"""A second, naive implementation of the money: plain dictionaries, with one set of fen for each account.

The model was written from the table of events in DOMAIN, not from the domain's code. For every accepted event, the
model computes which fen move from which account to which. It compares them with the recorded moves, and compares all
accounts with those of the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from domain.event import Posted, Recorded
from domain.ledger_view import LedgerView
from domain.posting import Move
from domain.rules import Refused
from domain.state.project import Project

Account = tuple[object, ...]
"""The account's name, followed by the values of its key, such as project, award and batch."""
Transfer = tuple[Account, Account, int | set[int]]
"""The source, the target, and the fen to move: either the fen themselves, or only their number.

If only the number is given, the lowest fen of the source move.
"""
Moved = dict[tuple[Account, Account], set[int]]

OF_AWARD = ("project", "award", "batch")
KEYS = {
    "treasury": (),
    "pool": ("fund",),
    "surrendered": ("fund",),
    "interest": ("fund",),
    "interest_surrendered": ("fund",),
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
    """An observer of a life that computes the money of all accounts a second time.

    `accounts` has the fen of each account. `issues` has the source and the fen of each appropriation, by its fund and
    version; `first_source` the first source of each fund's plan. The other dictionaries have what the conditions of the
    events need. `opened`, `ended` and `closed` also have the version of the event, so that a reversal of the event can
    remove its items.
    """

    def __init__(self) -> None:
        self.accounts: defaultdict[Account, set[int]] = defaultdict(set)
        self.issued = 0
        self.issues: dict[tuple[str, int], tuple[str | None, set[int]]] = {}
        self.first_source: dict[str, str] = {}
        self.gates: dict[tuple[str, int], str] = {}
        self.last: dict[str, str] = {}
        self.draft: Any = None
        self.opened: dict[tuple[str, str, str, int], None] = {}
        self.ended: dict[tuple[str, str], int] = {}
        self.closed: dict[str, int] = {}
        self.payments: dict[tuple[str, str], tuple[str, int]] = {}
        self.paid_in: dict[tuple[str, str], int] = {}
        self.unordered: set[tuple[str, str]] = set()
        self.ordered: dict[tuple[str, str], str] = {}
        self.due: dict[tuple[str, str], int] = {}
        self.changed_due: dict[tuple[str, int], tuple[str, int]] = {}
        self.entries: dict[tuple[str, int], list[tuple[Account, Account, set[int]]]] = {}
        self.undone: defaultdict[tuple[str, int], set[int]] = defaultdict(set)

    def __call__(self, _: Posted, outcome: tuple[Recorded, ...] | Refused, ledger: LedgerView) -> None:
        if isinstance(outcome, tuple):
            leader = outcome[0]
            assert self.apply(leader) == recorded(leader), f"the moves of {leader.fact}"
        own = {at: fen for at, fen in self.accounts.items() if fen and at != TREASURY}
        assert own == accounts_of(ledger), "the accounts of the ledger"
        assert dict(self.outstanding()) == outstanding_of(ledger), "what is outstanding"

    def outstanding(self) -> Iterator[tuple[tuple[str, str], int]]:
        """The project, the name and the outstanding fen of each recovery that has an outstanding amount."""
        for (project, recovery), due in self.due.items():
            if left := min(due, self.paid(project, self.ordered[project, recovery])):
                yield (project, recovery), left

    def paid(self, project: str, payment: str) -> int:
        return len(self.accounts["paid", project, payment])

    def apply(self, event: Recorded) -> Moved:
        """Move the money of `event`. Returns the moved fen by source and target."""
        entry = self.entries.setdefault((event.stream, event.version), [])
        transfers = TRANSFERS.get(type(event.fact).__name__)
        code = event.stream.partition("/")[2]
        for source, target, wanted in transfers(self, code, event.fact, event) if transfers else ():
            fen = wanted if isinstance(wanted, set) else set(sorted(self.accounts[source])[:wanted])
            assert isinstance(wanted, set) or len(fen) == wanted, f"{source} holds too little for {event.fact}"
            assert fen <= self.accounts[source], f"{source} does not hold the fen of {event.fact}"
            self.accounts[source] -= fen
            self.accounts[target] |= fen
            entry.append((source, target, fen))
        return {(source, target): fen for source, target, fen in entry if fen}

    def behind_gate(self, project: str, award: str, batch: int) -> Account:
        """The account for money of the award that is not requested yet: `payable` if the batch's gate is open.

        If the gate is not open, the account is `committed`.
        """
        is_open = any(opening[:3] == (project, award, self.gate(project, batch)) for opening in self.opened)
        return ("payable" if is_open else "committed", project, award, batch)

    def gate(self, project: str, batch: int) -> str:
        """The gate of a batch; `acceptance` is the line's last checkpoint."""
        gate = self.gates[project, batch]
        return self.last[project] if gate == "acceptance" else gate

    def all_of(self, account: str, project: str, award: str) -> Iterator[tuple[Account, int]]:
        """The accounts of the kind `account` of an award, one for each batch, each with its amount in fen."""
        for at, fen in list(self.accounts.items()):
            if at[:3] == (account, project, award) and fen:
                yield at, len(fen)


# The fund --------------------------------------------------------------------


def _appropriate(model: Model, fund: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    new = set(range(model.issued, model.issued + fact.amount))
    model.issued += fact.amount
    model.issues[fund, event.version] = fact.funding_source, new
    model.accounts[TREASURY] |= new
    yield TREASURY, ("pool", fund), new


def _draft(model: Model, _: str, fact: Any, __: Recorded) -> Iterator[Transfer]:
    model.draft = fact
    yield from ()


def _adopt(model: Model, code: str, _: Any, event: Recorded) -> Iterator[Transfer]:
    yield from _revise(model, code, model.draft, event)


def _revise(model: Model, fund: str, fact: Any, _: Recorded) -> Iterator[Transfer]:
    if fact.sources:
        model.first_source[fund] = fact.sources[0].source
    for line in fact.lines:
        for batch in line.batches:
            model.gates[line.project, batch.batch] = batch.gate
        model.last[line.project] = (line.checkpoints or ("acceptance",))[-1]
    yield from ()


def _taken(model: Model, fund: str, source: Account, target: Account, fact: Any) -> Transfer:
    """The transfer of the lowest fen of `source` that are of the source of money or the appropriation in `fact`."""
    fen = set(model.accounts[source])
    if fact.appropriation is not None:
        fen &= model.issues[fund, fact.appropriation][1]
    if fact.funding_source is not None:
        first = model.first_source.get(fund)
        for (of_fund, _), (named, issued) in model.issues.items():
            if of_fund == fund and (named or first) != fact.funding_source:
                fen -= issued
    return source, target, set(sorted(fen)[: fact.amount])


def _allot(model: Model, fund: str, fact: Any, _: Recorded) -> Iterator[Transfer]:
    yield _taken(model, fund, ("pool", fund), ("line", fact.project, fact.batch), fact)


def _withdraw(model: Model, fund: str, fact: Any, _: Recorded) -> Iterator[Transfer]:
    yield _taken(model, fund, ("line", fact.project, fact.batch), ("pool", fund), fact)


def _reallocate(model: Model, fund: str, fact: Any, _: Recorded) -> Iterator[Transfer]:
    target = ("line", fact.to_project, fact.to_batch)
    yield _taken(model, fund, ("line", fact.from_project, fact.from_batch), target, fact)


def _reinstate(model: Model, fund: str, fact: Any, _: Recorded) -> Iterator[Transfer]:
    yield _taken(model, fund, ("recovered", fact.project, fact.award, fact.batch), ("pool", fund), fact)


def _surrender(model: Model, fund: str, fact: Any, _: Recorded) -> Iterator[Transfer]:
    place = (fact.project, fact.award, fact.batch)
    assert place == (None, None, None) or fact.account == "recovered", "only recovered money was in a place"
    source: Account = ("pool", fund) if fact.account == "pool" else ("recovered", *place)
    yield _taken(model, fund, source, ("surrendered", fund), fact)


# Awards ----------------------------------------------------------------------


def _decide(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    of_one = [row for row in fact.awards if row.appropriation]
    of_source = [row for row in fact.awards if row.funding_source and not row.appropriation]
    others = [row for row in fact.awards if not (row.funding_source or row.appropriation)]
    for row in (*of_one, *of_source, *others):
        model.opened[project, row.award, "award", event.version] = None
        for share in row.amounts:
            target = model.behind_gate(project, row.award, share.batch)
            wanted = SimpleNamespace(
                amount=share.amount, funding_source=row.funding_source, appropriation=row.appropriation
            )
            yield _taken(model, event.fund, ("line", project, share.batch), target, wanted)


def _amend(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    line, held = ("line", project, fact.batch), model.behind_gate(project, fact.award, fact.batch)
    source, target = (line, held) if fact.increase else (held, line)
    yield _taken(model, event.fund, source, target, fact)


def _end(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    model.ended[project, fact.award] = event.version
    for account in ("committed", "payable"):
        for at, amount in model.all_of(account, project, fact.award):
            yield at, ("line", project, at[3]), amount


def _sign(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    return _open(model, project, fact.award, "agreement", event)


def _accept(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    named = fact.checkpoint if fact.checkpoint not in (None, "acceptance") else model.last[project]
    return _open(model, project, fact.award, named, event)


def _open(model: Model, project: str, award: str, gate: str, event: Recorded) -> Iterator[Transfer]:
    model.opened[project, award, gate, event.version] = None
    for at, amount in model.all_of("committed", project, award):
        if model.gate(project, int(str(at[3]))) == gate:
            yield at, ("payable", *at[1:]), amount


# Payments --------------------------------------------------------------------


def _request(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    model.payments[project, fact.payment] = (fact.award, fact.batch)
    source = model.behind_gate(project, fact.award, fact.batch)
    model.unordered.discard((project, fact.payment))
    yield _taken(model, event.fund, source, ("in_approval", project, fact.payment), fact)


def _whole(source: str, target: str) -> Callable[..., Iterator[Transfer]]:
    """A function that transfers a payment's whole amount from the payment's account `source` to `target`.

    `target` is another account of the payment, or `payable`: the award's account, behind a shut gate `committed`.
    """

    def transfers(model: Model, project: str, fact: Any, _: Recorded) -> Iterator[Transfer]:
        at, to = (source, project, fact.payment), (target, project, fact.payment)
        if target == "payable":
            to = model.behind_gate(project, *model.payments[project, fact.payment])
        yield at, to, len(model.accounts[at])

    return transfers


def _confirm(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    model.paid_in[project, fact.payment] = event.booked_on.year
    yield from _whole("in_transit", "paid")(model, project, fact, event)


def _return(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    award, batch = model.payments[project, fact.payment]
    same_year = event.booked_on.year == model.paid_in[project, fact.payment]
    live = (project, award) not in model.ended and project not in model.closed
    ordered = (project, fact.payment) not in model.unordered
    is_open = model.behind_gate(project, award, batch)[0] == "payable"
    to = "payable" if same_year and live and ordered and is_open else "recovered"
    yield ("paid", project, fact.payment), (to, project, award, batch), fact.amount


def _find(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    """A payment that nobody ordered takes the lowest fen of the account that it names."""
    model.payments[project, fact.payment] = (fact.award, fact.batch)
    model.paid_in[project, fact.payment] = event.booked_on.year
    model.unordered.add((project, fact.payment))
    of_award: Account = (fact.account, project, fact.award, fact.batch)
    sources = {"line": ("line", project, fact.batch), "pool": ("pool", event.fund)}
    yield sources.get(fact.account, of_award), ("paid", project, fact.payment), fact.amount


def _interest(model: Model, _: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    yield _new_interest(model, event.fund, fact.amount)


def _new_interest(model: Model, fund: str, amount: int) -> Transfer:
    new = set(range(model.issued, model.issued + amount))
    model.issued += amount
    model.accounts[TREASURY] |= new
    return TREASURY, ("interest", fund), new


def _surrender_interest(_: Model, fund: str, fact: Any, __: Recorded) -> Iterator[Transfer]:
    yield ("interest", fund), ("interest_surrendered", fund), fact.amount


def _order(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    model.ordered[project, fact.recovery] = fact.payment
    model.due.pop((project, fact.recovery), None)
    _change_due(model, project, event, fact.amount)
    yield from ()


def _change_due(model: Model, project: str, event: Recorded, by: int) -> None:
    """Add `by` to what is due on the event's recovery. The change is stored so that a reversal can find it."""
    recovery = event.fact.recovery  # type: ignore[attr-defined]
    model.changed_due[project, event.version] = (recovery, by)
    model.due[project, recovery] = model.due.get((project, recovery), 0) + by


def _waive(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    """Reduce what is due by the waived amount, and by the money that was returned before the waiver.

    So no more is due after the waiver than is still paid.
    """
    due = model.due[project, fact.recovery]
    outstanding = min(due, model.paid(project, model.ordered[project, fact.recovery]))
    assert fact.amount <= outstanding, "no more is waived than is outstanding"
    _change_due(model, project, event, outstanding - fact.amount - due)
    yield from ()


def _receive(model: Model, project: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    payment = model.ordered[project, fact.recovery]
    _change_due(model, project, event, -fact.amount)
    target = ("recovered", project, *model.payments[project, payment])
    yield _taken(model, event.fund, ("paid", project, payment), target, fact)
    if fact.interest:
        yield _new_interest(model, event.fund, fact.interest)


# Ends and reversals ----------------------------------------------------------


def _close(model: Model, project: str, _: Any, event: Recorded) -> Iterator[Transfer]:
    model.closed[project] = event.version
    for at, fen in list(model.accounts.items()):
        if at[:2] == ("line", project):
            yield at, ("pool", event.fund), len(fen)


def _reverse(model: Model, code: str, fact: Any, event: Recorded) -> Iterator[Transfer]:
    """Transfer the fen of the reversed entry back.

    In a partial reversal, the lowest fen of the entry that are still in its target are transferred.
    """
    place = (event.stream, fact.version)
    entry = model.entries[place]
    there = {each for _, target, fen in entry for each in (fen - model.undone[place]) & model.accounts[target]}
    wanted = there if fact.amount is None else set(sorted(there)[: fact.amount])
    assert fact.amount in (None, len(wanted)), f"too little is left for {fact}"
    principal = 0
    for source, target, fen in entry:
        left = (fen - model.undone[place]) if fact.amount is None else fen & wanted
        model.undone[place] |= left
        principal += len(left) if target[0] != "interest" else 0
        yield target, source, left
    if event.stream.startswith("project/"):
        _forget(model, code, fact.version, principal if entry else None)


def _forget(model: Model, project: str, version: int, amount: int | None) -> None:
    """Remove what the reversed event of `version` has opened, ended, closed or made due.

    `amount` is the number of fen, without interest, that the reversal moved back; None if the event had moved none.
    """
    for opening in [each for each in model.opened if (each[0], each[3]) == (project, version)]:
        del model.opened[opening]
    for award in [award for award, by in model.ended.items() if (award[0], by) == (project, version)]:
        del model.ended[award]
    if model.closed.get(project) == version:
        del model.closed[project]
    if (project, version) in model.changed_due:
        recovery, by = model.changed_due[project, version]
        model.due[project, recovery] += -by if amount is None else amount


TRANSFERS: dict[str, Callable[[Model, str, Any, Recorded], Iterator[Transfer]]] = {
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
    "UnorderedPaymentFound": _find,
    "InterestReceived": _interest,
    "InterestSurrendered": _surrender_interest,
    "RecoveryOrdered": _order,
    "RecoveryReceived": _receive,
    "RecoveryWaived": _waive,
    "ProjectClosed": _close,
    "EntryReversed": _reverse,
}
"""The transfers of each event type; other event types move no money."""


# The domain's own accounts and moves ------------------------------------------


def recorded(event: Recorded) -> Moved:
    """The moves that `event` records. If a fen moves twice, only its first source and its last target count."""
    sources: dict[int, Account] = {}
    targets: dict[int, Account] = {}
    for moved in event.moves:
        for fen in serials(moved.fen.ranges):
            sources.setdefault(fen, account(moved.source, event.fund, moved))
            targets[fen] = account(moved.target, event.fund, moved)
    moves: defaultdict[tuple[Account, Account], set[int]] = defaultdict(set)
    for fen, source in sources.items():
        moves[source, targets[fen]].add(fen)
    return dict(moves)


def account(name: str, fund: str, at: Move | Any) -> Account:
    return (name, *(fund if part == "fund" else getattr(at.place, part) for part in KEYS[name]))


def serials(ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {fen for lo, hi in ranges for fen in range(lo, hi)}


def accounts_of(ledger: LedgerView) -> dict[Account, set[int]]:
    """The serials of the fen in each account of the funds and projects of `ledger`."""
    held: dict[Account, set[int]] = {}
    for name, stream in ledger.streams.items():
        assert stream.state is not None
        for at, fen in stream.state.accounts.holdings.items():
            held[account(at.account, name.partition("/")[2], at)] = serials(fen.ranges)
    return held


def outstanding_of(ledger: LedgerView) -> dict[tuple[str, str], int]:
    """The outstanding fen of each recovery in the states of the projects, by project and name. Zeros are left out."""
    states = (stream.state for stream in ledger.streams.values())
    return {
        (state.code, name): left
        for state in states
        if isinstance(state, Project)
        for name, left in state.all_outstanding()
    }
