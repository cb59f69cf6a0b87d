"""Check the log against the rules: decode every event, decide it again on the state before it, and move its fen again.

Funds are independent of each other. At most two processes share the funds, and each checks one fund after the other. So
the states of at most two funds are in memory at a time, however long the log is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import psycopg
from immutables import Map
from msgspec.structs import replace
from psycopg import IsolationLevel
from psycopg.rows import dict_row
from stdnum.cn import uscc

from domain.decision import TITLES, decide
from domain.documents import PROJECT_CODE, Claim
from domain.event import Posted, Recorded, Reference
from domain.fen import FenMissing, FenOverlap
from domain.ledger_view import LedgerView
from domain.posting import TREASURY
from domain.replay import advance
from domain.rules import Refused
from service import calendar, codec
from service.calendar import imports
from service.calendar.working_days import packaged_working_days
from service.check.finding import Finding, Report, new_finding
from service.ledger.states import SNAPSHOT_KEY
from service.look_alikes import alike
from service.postgres import session
from service.postgres.queries import QUERIES

PROCESSES = 2
MIN_EVENTS_FOR_PROCESSES = 20_000
"""A log with fewer events than this is checked in one process, because starting another takes as long as checking this
many events."""
FETCH_SIZE = 2_000
"""The number of events fetched from the database at a time."""


class Part(NamedTuple):
    """The funds that one process checks.

    All funds are divided into as many parts as `of` says; `number` is this part's number, counted from 0. All events of
    this part's funds are checked, but the report's number of checked events includes only those up to the log position
    `upto`.
    """

    url: str
    number: int
    of: int
    upto: int


class Row(NamedTuple):
    """A decoded log row. `event`: None if it cannot be decoded. `finding`: what is wrong with the row, or None."""

    position: int
    fund: str
    event: Recorded | None
    finding: Finding | None


def check_rules(url: str, report: Report) -> None:
    """Decide every event again, and add the findings to `report`.

    Events after `report.head` are decided too. The reason is the table of claimed numbers: it is read in a database
    snapshot that already has these events, and they may have claimed or freed numbers.
    """
    if report.head < MIN_EVENTS_FOR_PROCESSES:
        report.merge(check_part(Part(url, 0, 1, report.head)))
        return
    parts = [Part(url, number, PROCESSES, report.head) for number in range(PROCESSES)]
    # Spawned instead of forked, because this process has threads and connections.
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        for part_report in processes.map(check_part, parts):
            report.merge(part_report)


def check_part(part: Part) -> Report:
    """Decide every event of this part's funds again; return a report with the findings.

    The report also has the number of events checked, which includes only those up to the log position `part.upto`.
    """
    report = Report()
    with session.connect(part.url, session.COMMANDS, autocommit=False) as conn:
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        params = {"number": part.number, "of": part.of}
        with conn.cursor(row_factory=dict_row) as cursor:
            index = _LogIndex(
                frozenset(
                    Reference(r["stream"], r["version"]) for r in cursor.execute(QUERIES["check_referred"], params)
                ),
                imports.history(conn),
            )
            for row in cursor.execute(QUERIES["check_claims"]):
                claims = index.claims.setdefault(row["stream"], {})
                claim = Claim(*[row[name] for name in Claim.__struct_fields__])
                claims[claim] = Reference(row["stream"], row["version"])
                if claim.kind == PROJECT_CODE:
                    index.project_codes.add(claim)
            for row in cursor.execute(QUERIES["check_snapshots"], {"code": SNAPSHOT_KEY}):
                index.snapshots.add(Reference(row["stream"], row["version"]))
            index.saved_state = partial(_saved_state, conn)
        with conn.cursor("events", row_factory=dict_row) as cursor:
            cursor.itersize = FETCH_SIZE
            rows = map(_decoded, cursor.execute(QUERIES["check_events"], params))
            for _, rows_of_fund in groupby(rows, key=attrgetter("fund")):
                report.add(_fund(counted := _Counted(rows_of_fund, part.upto), index))
                report.events += counted.count
    return report


@dataclass(slots=True)
class _LogIndex:
    """What the check of a fund looks up about the log.

    `referred`: the entries that other events refer to. `calendars`: the imported calendars. `claims`: maps each stream
    to the claims that its events made. `project_codes`: those of the claims that are codes of projects.
    `snapshots`: the stream and version of each saved state of a stream. `saved_state`: a function that reads the saved
    state of a stream.
    """

    referred: frozenset[Reference]
    calendars: list[imports.Import]
    claims: dict[str, dict[Claim, Reference]] = field(default_factory=dict)
    project_codes: set[Claim] = field(default_factory=set)
    snapshots: set[Reference] = field(default_factory=set)
    saved_state: Callable[[str], str] = str


class _Counted:
    """Iterates over rows. `count` is the number of rows so far whose position is at most `upto`."""

    def __init__(self, rows: Iterator[Row], upto: int) -> None:
        self._rows, self._upto, self.count = rows, upto, 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += row.position <= self._upto
            yield row


def _decoded(row: dict[str, Any]) -> Row:
    try:
        event = codec.decode(row["stream"], row["version"], row["type"], row["body"])
    except codec.NewerEvent as error:
        return Row(row["position"], row["fund"] or "", None, _not_decoded(row, error))
    return Row(row["position"], row["fund"], event, None)


def _not_decoded(row: dict[str, Any], error: codec.NewerEvent) -> Finding:
    about = {"position": row["position"], "type": row["type"]}
    if isinstance(error, codec.UnreadableEvent):
        return new_finding("unreadable-event", **about, reason=str(error.__cause__))
    names = ", ".join(error.fields)
    unknown, unknown_zh = (f"the field {names}", f"字段 {names}") if names else ("its type", "其类型")
    return new_finding("newer-event", **about, fields=error.fields, unknown=unknown, unknown_zh=unknown_zh)


def _fund(rows: _Counted, index: _LogIndex) -> Iterator[Finding]:
    """The findings in one fund. `rows`: all events of the fund.

    If an event cannot be decoded or folded, the fund's later events are decoded, but not decided.
    """
    view = LedgerView(calendar.today(), packaged_working_days, uscc.is_valid, alike)
    streams: set[str] = set()
    foldable = True
    for group in _groups(rows):
        yield from (row.finding for row in group if row.finding)
        events = [row.event for row in group if row.event]
        foldable = foldable and len(events) == len(group)
        if not foldable:
            continue
        streams |= {event.stream for event in events}
        view = _as_of(_with_next_serial(view, events[0]), group[0].position, index)
        yield from _decided_again(view, group[0].position, events)
        try:
            view = _advanced(view, events, index)
        except (FenMissing, FenOverlap) as error:
            leader = events[0]
            yield new_finding("fen-misplaced", stream=leader.stream, version=leader.version, reason=str(error))
            foldable = False
        except Exception as error:  # noqa: BLE001 - an event that no rule allows may raise anything
            name = type(events[0].fact).__name__
            yield new_finding("unreadable-event", position=group[0].position, type=name, reason=repr(error))
            foldable = False
        yield from _snapshots(view, events, index)
    if foldable:
        yield from _claims(view, streams, index)


def _snapshots(view: LedgerView, events: list[Recorded], index: _LogIndex) -> Iterator[Finding]:
    """A finding for each wrong snapshot (saved state of a stream) that was saved at the version of one of `events`.

    A snapshot is wrong if it cannot be decoded, or if it differs from the stream's state in `view`.
    """
    for event in events:
        at = Reference(event.stream, event.version)
        if at not in index.snapshots or view.stream(event.stream).version != event.version:
            continue
        reason = "another state"
        try:
            if codec.decode_stream(event.stream, event.version, index.saved_state(event.stream)) == view.stream(
                event.stream
            ):
                continue
        except Exception as error:  # noqa: BLE001 - a damaged snapshot may raise anything
            reason = repr(error)
        yield new_finding("snapshot-wrong", stream=event.stream, version=event.version, reason=reason)


def _saved_state(conn: psycopg.Connection[Any], stream: str) -> str:
    row = conn.execute(QUERIES["snapshot_state"], {"stream": stream}).fetchone()
    assert row is not None, "the snapshot of the database in which it was found has it"
    return str(row[0])


def _groups(rows: _Counted) -> Iterator[list[Row]]:
    """The rows in groups: each group has the events that one post recorded.

    The first event of a group is the one that was posted. The others are its mirrors, with which the stream of another
    fund or project records the same movement of money.
    """
    group: list[Row] = []
    for row in rows:
        if group and not (row.event and row.event.mirrors):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _with_next_serial(view: LedgerView, leader: Recorded) -> LedgerView:
    """`view` with the next serial that the ledger had when `leader` was decided: the lowest that `leader` issued.

    The next serial depends on all funds, and `view` has only one fund, so the serial is taken from `leader`. If
    `leader` issued no fen, `view` is returned unchanged.
    """
    issued = [lo for move in leader.moves if move.source == TREASURY for lo, _ in move.fen.ranges]
    return replace(view, next_serial=min(issued, default=view.next_serial))


def _as_of(view: LedgerView, position: int, index: _LogIndex) -> LedgerView:
    """The view with the calendar that was in force for the event at log position `position`."""
    if not index.calendars:
        return view
    return replace(
        view, working_days=imports.calendar_of(index.calendars, packaged_working_days, position).working_days
    )


def _advanced(view: LedgerView, events: list[Recorded], index: _LogIndex) -> LedgerView:
    """The view after `events`. To save memory, the view keeps only the entries that other events refer to."""
    before = view.entries
    after = advance(view, events)
    referred = {at: event for event in events if (at := Reference(event.stream, event.version)) in index.referred}
    return replace(after, entries=before.update(referred) if referred else before)


def _decided_again(view: LedgerView, position: int, events: list[Recorded]) -> Iterator[Finding]:
    leader, *_ = events
    name = type(leader.fact).__name__
    if leader.mirrors is not None:
        yield new_finding("moves-otherwise", position=position, type=name, differs="a mirror without its leader")
        return
    try:
        again = decide(view, Posted(leader.stream, leader.fact, leader.header))
    except Refused as refusal:
        yield _refused(position, name, refusal)
    except Exception as error:  # noqa: BLE001 - on the state of a damaged log, a rule may raise anything
        yield new_finding("unreadable-event", position=position, type=name, reason=repr(error))
    else:
        yield from _differs(position, name, events, tuple(_known_then(leader, event) for event in again))


def _known_then(leader: Recorded, event: Recorded) -> Recorded:
    """`event` without `distinguished_by`, if `leader` has none: it may be recorded before events had this field."""
    if leader.header.distinguished_by:
        return event
    return replace(event, header=replace(event.header, distinguished_by=None))


def _refused(position: int, name: str, refusal: Refused) -> Finding:
    rule, reason_zh = type(refusal).__name__, refusal.chinese(TITLES)
    return new_finding(
        "refused-today", position=position, type=name, rule=rule, reason=str(refusal), reason_zh=reason_zh
    )


def _differs(position: int, name: str, events: list[Recorded], again: tuple[Recorded, ...]) -> Iterator[Finding]:
    if tuple(events) == again:
        return
    moved = [[str(move.fen) for move in event.moves] for event in events[:1]]
    moves = [[str(move.fen) for move in event.moves] for event in again[:1]]
    if len(events) != len(again) or [e.moves for e in events] != [e.moves for e in again]:
        yield new_finding("moves-otherwise", position=position, type=name, differs=f"{moved} / {moves}")
    else:
        yield new_finding("says-otherwise", position=position, type=name, differs=_differing_fields(events, again))


def _differing_fields(events: list[Recorded], again: tuple[Recorded, ...]) -> str:
    differing = (
        f"{name}: {value!r} / {now.get(name)!r}"
        for one, other in zip(events, again, strict=True)
        for now in [msgspec.json.decode(codec.encode(other))]
        for name, value in msgspec.json.decode(codec.encode(one)).items()
        if value != now.get(name)
    )
    return "; ".join(differing) or "fields that were not recorded at the time"


def _claims(view: LedgerView, streams: set[str], index: _LogIndex) -> Iterator[Finding]:
    """The claims of a fund that the table of claims has not, or has otherwise.

    Before 2026-12, the plans of two funds could name the same project: then its code belongs to the first of them.
    """
    stored = Map({claim: at for stream in streams for claim, at in index.claims.get(stream, {}).items()})
    for claim in set(view.claims) | set(stored):
        of_other_fund = claim not in stored and claim in index.project_codes
        if view.claims.get(claim) != stored.get(claim) and not of_other_fund:
            missing = claim not in stored
            state, state_zh = ("missing", "缺失") if missing else ("wrong", "有误")
            yield new_finding("claim-wrong", of=claim.kind, number=claim.number, state=state, state_zh=state_zh)
