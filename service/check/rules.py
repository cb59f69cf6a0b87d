"""The log against the rules: every fact is read, decided again on the books before it, and its fen are moved again.

Funds do not touch each other, so they are gone through one by one, in two processes: a check holds the books of two
funds at a time, however long the log is.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import psycopg
from immutables import Map
from msgspec.structs import replace
from psycopg.rows import dict_row
from stdnum.cn import uscc

from domain.decision import FACTS, TITLES, decide
from domain.documents import Claim
from domain.event import Posted, Recorded, Reference
from domain.fen import FenMissing, FenOverlap
from domain.ledger_view import LedgerView
from domain.posting import TREASURY
from domain.replay import advance
from domain.rules import Refused
from service import calendar, codec
from service.check.finding import Finding, Report, found
from service.postgres.queries import QUERIES

PROCESSES = 2
WORTH_PROCESSES = 20_000
"""Events from which on they are: a process takes as long to begin as these take to be gone through."""
AT_A_TIME = 2_000
"""Events fetched in one go."""


class Part(NamedTuple):
    """Which funds a process goes through, of how many parts, and up to which position of the log."""

    url: str
    number: int
    of: int
    upto: int


class Row(NamedTuple):
    """An event as it was read; `event` is None where it cannot be."""

    position: int
    fund: str
    event: Recorded | None
    finding: Finding | None


def check_rules(url: str, report: Report) -> None:
    """Add to `report` what the rules, decided again, find in the log up to its position."""
    if report.head < WORTH_PROCESSES:
        report.merge(check_part(Part(url, 0, 1, report.head)))
        return
    parts = [Part(url, number, PROCESSES, report.head) for number in range(PROCESSES)]
    # Not forked: this process has threads and connections.
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        for found_there in processes.map(check_part, parts):
            report.merge(found_there)


def check_part(part: Part) -> Report:
    """How many events these funds have, and what was found in them."""
    own = Report()
    with psycopg.connect(part.url) as conn:
        asked = {"number": part.number, "of": part.of, "upto": part.upto}
        with conn.cursor(row_factory=dict_row) as cursor:
            known = _Known(
                frozenset(
                    Reference(r["stream"], r["version"]) for r in cursor.execute(QUERIES["check_referred"], asked)
                )
            )
            for row in cursor.execute(QUERIES["check_claims"]):
                claims = known.claims.setdefault(row["stream"], {})
                claims[Claim(row["kind"], row["number"])] = Reference(row["stream"], row["version"])
        with conn.cursor("events", row_factory=dict_row) as cursor:
            cursor.itersize = AT_A_TIME
            rows = map(_read, cursor.execute(QUERIES["check_events"], asked))
            for _, of_fund in groupby(rows, key=attrgetter("fund")):
                own.add(_fund(list_of := _Counted(of_fund), known))
                own.events += list_of.count
    return own


@dataclass(slots=True)
class _Known:
    """The entries that others refer to, and the numbers in use by stream."""

    referred: frozenset[Reference]
    claims: dict[str, dict[Claim, Reference]] = field(default_factory=dict)


class _Counted:
    """Rows, counted as they are gone through."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows, self.count = rows, 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _read(row: dict[str, Any]) -> Row:
    try:
        event = codec.decode(row["stream"], row["version"], row["type"], row["body"])
    except (msgspec.ValidationError, KeyError, ValueError) as error:
        reason = f"unknown type {error}" if isinstance(error, KeyError) else str(error)
        finding = found("unreadable-event", position=row["position"], type=row["type"], reason=reason)
        return Row(row["position"], row["fund"] or "", None, finding)
    return Row(row["position"], row["fund"], event, _unknown(row))


def _unknown(row: dict[str, Any]) -> Finding | None:
    """Fields beside those that its type has: they would be served, and say what nobody decided."""
    names = msgspec.json.decode(row["body"], type=dict[str, msgspec.Raw]).keys() - _FIELDS[row["type"]]
    if not names:
        return None
    return found("unknown-field", position=row["position"], type=row["type"], names=", ".join(sorted(names)))


_FIELDS = {name: codec.ENVELOPE | set(fact.__struct_fields__) for name, fact in FACTS.items()}


def _fund(rows: _Counted, known: _Known) -> Iterator[Finding]:
    """What is found in one fund. Where its books cannot be kept any further, the rest of it is only read."""
    books = LedgerView(calendar.today(), calendar.working_days, uscc.is_valid)
    streams: set[str] = set()
    sound = True
    for group in _groups(rows):
        yield from (row.finding for row in group if row.finding)
        events = [row.event for row in group if row.event]
        sound = sound and len(events) == len(group)
        if not sound:
            continue
        streams |= {event.stream for event in events}
        books = _prepared(books, events[0])
        yield from _decided_again(books, group[0].position, events)
        try:
            books = _recorded(books, events, known)
        except (FenMissing, FenOverlap) as error:
            leader = events[0]
            yield found("fen-misplaced", stream=leader.stream, version=leader.version, reason=str(error))
            sound = False
        except Exception as error:  # noqa: BLE001 - whatever an impossible event leads to
            name = type(events[0].fact).__name__
            yield found("unreadable-event", position=group[0].position, type=name, reason=repr(error))
            sound = False
    if sound:
        yield from _claims(books, streams, known)


def _groups(rows: _Counted) -> Iterator[list[Row]]:
    """Each leader with its mirrors."""
    group: list[Row] = []
    for row in rows:
        if group and not (row.event and row.event.mirrors):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _prepared(books: LedgerView, leader: Recorded) -> LedgerView:
    """The books with the ledger's next serial of then, which the books of one fund do not tell."""
    issued = [lo for move in leader.moves if move.source == TREASURY for lo, _ in move.fen.ranges]
    return replace(books, next_serial=min(issued, default=books.next_serial))


def _recorded(books: LedgerView, events: list[Recorded], known: _Known) -> LedgerView:
    """The books after these events, remembering of the entries only those that others refer to."""
    before = books.entries
    after = advance(books, events)
    kept = {at: event for event in events if (at := Reference(event.stream, event.version)) in known.referred}
    return replace(after, entries=before.update(kept) if kept else before)


def _decided_again(books: LedgerView, position: int, events: list[Recorded]) -> Iterator[Finding]:
    leader, *_ = events
    name = type(leader.fact).__name__
    if leader.mirrors is not None:
        yield found("moves-otherwise", position=position, type=name, differs="a mirror without its leader")
        return
    try:
        again = decide(books, Posted(leader.stream, leader.fact, leader.header))
    except Refused as refusal:
        yield _refused(position, name, refusal)
    except Exception as error:  # noqa: BLE001 - the books of a damaged log may be anything
        yield found("unreadable-event", position=position, type=name, reason=repr(error))
    else:
        yield from _differs(position, name, events, again)


def _refused(position: int, name: str, refusal: Refused) -> Finding:
    rule, reason_zh = type(refusal).__name__, refusal.chinese(TITLES)
    return found("refused-today", position=position, type=name, rule=rule, reason=str(refusal), reason_zh=reason_zh)


def _differs(position: int, name: str, events: list[Recorded], again: tuple[Recorded, ...]) -> Iterator[Finding]:
    if tuple(events) == again:
        return
    moved = [[str(move.fen) for move in event.moves] for event in events[:1]]
    moves = [[str(move.fen) for move in event.moves] for event in again[:1]]
    if len(events) != len(again) or [e.moves for e in events] != [e.moves for e in again]:
        yield found("moves-otherwise", position=position, type=name, differs=f"{moved} / {moves}")
    else:
        yield found("says-otherwise", position=position, type=name, differs=_said(events, again))


def _said(events: list[Recorded], again: tuple[Recorded, ...]) -> str:
    told = (
        f"{name}: {value!r} / {now.get(name)!r}"
        for one, other in zip(events, again, strict=True)
        for now in [msgspec.json.decode(codec.encode(other))]
        for name, value in msgspec.json.decode(codec.encode(one)).items()
        if value != now.get(name)
    )
    return "; ".join(told) or "fields that were not kept then"


def _claims(books: LedgerView, streams: set[str], known: _Known) -> Iterator[Finding]:
    kept = Map({claim: at for stream in streams for claim, at in known.claims.get(stream, {}).items()})
    for claim in set(books.taken) | set(kept):
        if books.taken.get(claim) != kept.get(claim):
            missing = claim not in kept
            state, state_zh = ("missing", "缺失") if missing else ("wrong", "有误")
            yield found("claim-wrong", of=claim.kind, number=claim.number, state=state, state_zh=state_zh)
