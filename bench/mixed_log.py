"""Generates a log of any length from copies of random lives and of the example's life.

Each copy of a life has its own fund, projects, serials and document numbers, and the events of several copies are
interleaved. So a ledger of many funds could have recorded the same log. The events are written without being decided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count, cycle
from random import Random
from typing import Any

from msgspec.structs import astuple, replace
from psycopg import Connection

from domain.documents import BY_YEAR_AND_ITEM, Claim
from domain.entry_reversed import EntryReversed
from domain.event import claimed
from domain.posting import TREASURY
from service import codec, example
from service.app import open_ledger
from service.calendar.working_days import Calendar
from service.example import life
from service.plans import plan_file
from tests.random_life import RandomLife

INTERLEAVED_LIVES = 64
"""The number of copies of lives whose events are interleaved at a time."""
RANDOM_LIVES, STEPS = 24, 2_000
SECRET = b"a secret of the benches, 32 bytes"
HOLE = "\x00"
"""The placeholder in an event's text for a part that differs in each copy: the copy's mark, or a set of fen."""

Event = tuple[str, int, str, str]
"""An event as the log stores it: its stream, version, type, and fact as JSON text."""
Claimed = tuple[Claim, bool]
"""A claim of an event, and True if the event makes it; False if the event frees it."""
Group = list[tuple[Event, list[Claimed]]]
"""The events that one post records, each with the claims that the event makes or frees."""


@dataclass(frozen=True)
class Template:
    """A life whose events have holes, which each copy fills with its own mark and its own fen.

    The mark is a text that makes the names and document numbers of a copy unique. `groups` has the events of each post.
    `events` is the number of events, and `serials` is the number of serials that the life uses.
    """

    groups: tuple[tuple[_Part, ...], ...]
    events: int
    serials: int


@dataclass(frozen=True)
class _Part:
    stream: str
    version: int
    type: str
    text: tuple[str, ...]  # separated by the copy's mark or, in order, the sets in `fen`
    fen: tuple[tuple[tuple[int, int], ...] | None, ...]
    claims: tuple[Claimed, ...]  # with a HOLE in each number


def random_template(seed: int) -> Template:
    random_life = RandomLife(Random(seed))
    for _ in random_life.live(STEPS):
        pass
    return _template(
        (event.stream, event.version, type(event.fact).__name__, codec.encode(event)) for event in random_life.events
    )


def example_template(url: str, conn: Connection[Any]) -> Template:
    """On the empty ledger at `url`, record the life that `make run` shows. Returns a Template made of its events."""
    setup = list(plan_file.posts(plan_file.read(example.PLAN), "示例"))
    ledger = open_ledger(url)
    try:
        post = example.poster(ledger, SECRET, lambda: None)
        for event in setup:
            post(event)
        life.play(post, setup, Calendar().working_days)
    finally:
        ledger.close()
    return _template(conn.execute("select stream, version, type, fact::text from event order by position"))


def _template(events: Any) -> Template:
    parts: list[list[_Part]] = []
    serials = 0
    for stream, version, name, text in events:
        fact = json.loads(text)
        part = _part(stream, version, name, fact)
        if "mirrors" in fact:
            parts[-1].append(part)
        else:
            parts.append([part])
        serials = max(serials, _issued(fact))
    return Template(tuple(map(tuple, parts)), sum(map(len, parts)), serials)


def _issued(fact: dict[str, Any]) -> int:
    """The first serial after those that an event issues; 0 if it issues none."""
    issued = [each["fen"] for each in fact.get("moves", ()) if each["from"] == TREASURY]
    return max((hi for fen in issued for _, hi in _ranges(fen)), default=0)


def _ranges(fen: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(lo), int(hi)) for lo, hi in re.findall(r"\[(\d+),(\d+)\)", fen))


def _part(stream: str, version: int, name: str, fact: dict[str, Any]) -> _Part:
    recorded = codec.decode(stream, version, name, json.dumps(fact))
    holes: list[tuple[tuple[int, int], ...] | None] = []
    marked = _marked(fact, holes)
    pieces = json.dumps(marked, ensure_ascii=False).replace(r"\u0000", HOLE).split(HOLE)
    freed = recorded.fact.frees if isinstance(recorded.fact, EntryReversed) else ()
    claims = [*((each, True) for each in claimed(recorded)), *((each, False) for each in freed)]
    with_holes = tuple((replace(each, number=_hole(each)), is_made) for each, is_made in claims)
    return _Part(stream, version, name, tuple(pieces), tuple(holes), with_holes)


def _hole(claim: Claim) -> str:
    """The number of the claim, with a HOLE where a copy's mark is inserted."""
    before, after = _split(claim.kind, claim.number) if claim.source else (claim.number, "")
    return before + HOLE + after


def _split(kind: str, number: str) -> tuple[str, str]:
    """The parts of a document number before and after the point where a copy's mark is inserted."""
    if kind.partition("（")[0] in BY_YEAR_AND_ITEM:  # without the purpose
        year, rest = number.split("/", 1)
        return f"{year}/", rest
    return "", number


CODES = frozenset({"fund", "project", "from_project", "to_project", "source_id"})


def _marked(value: Any, holes: list[tuple[tuple[int, int], ...] | None], key: str = "", kind: str = "") -> Any:
    """The fact `value`, or a part of a fact, with a HOLE in place of each fen set and wherever a copy puts its mark.

    Appends an item to `holes` for each HOLE, in the order in which the HOLEs occur in the fact: the ranges of the fen
    set, or None for a mark.
    """
    if isinstance(value, dict):
        kind_of_value = str(value.get("kind", ""))
        return {name: _marked(each, holes, name, kind_of_value) for name, each in value.items()}
    if isinstance(value, list):
        return [_marked(each, holes, key, kind) for each in value]
    if key == "fen" and isinstance(value, str):
        holes.append(_ranges(value))
        return HOLE
    if not isinstance(value, str):
        return value
    if key in CODES or (key == "name" and kind == "project"):
        holes.append(None)
        return value + HOLE
    if key == "stream":
        holes.append(None)
        return value + HOLE
    if key == "number" and kind:
        before, after = _split(kind, value) if "/" in value else ("", value)
        holes.append(None)
        return before + HOLE + after
    return value


def copies(templates: list[Template]) -> Iterator[Group]:
    """Yields, without end, the events of one post of a copy of a template.

    The posts of several copies are interleaved. Each copy is made from the next of `templates`, in turn.
    """
    numbers, serial = count(1), 0
    random = Random(7)
    source = cycle(templates)
    running: list[Iterator[Group]] = []
    while True:
        while len(running) < INTERLEAVED_LIVES:
            template = next(source)
            running.append(_renamed(template, f"-{next(numbers)}", serial))
            serial += template.serials
        index = random.randrange(len(running))
        group = next(running[index], None)
        if group is None:
            del running[index]
        else:
            yield group


def _renamed(template: Template, mark: str, shift: int) -> Iterator[Group]:
    for group in template.groups:
        yield [
            (
                (part.stream + mark, part.version, part.type, _filled(part, mark, shift)),
                [(_claim_of_copy(each, mark), is_made) for each, is_made in part.claims],
            )
            for part in group
        ]


def _claim_of_copy(claim: Claim, mark: str) -> Claim:
    return replace(claim, number=claim.number.replace(HOLE, f"{mark[1:]}-" if claim.source else mark))


def _filled(part: _Part, mark: str, shift: int) -> str:
    out = [part.text[0]]
    for fen, after in zip(part.fen, part.text[1:], strict=True):
        if fen is not None:
            out.append("{" + ",".join(f"[{lo + shift},{hi + shift})" for lo, hi in fen) + "}")
        elif after[:1] == '"':
            out.append(mark)  # a code: the mark is a suffix
        else:
            out.append(mark[1:] + "-")  # a document number: the mark is a prefix
        out.append(after)
    return "".join(out)


def fill(url: str, conn: Connection[Any], size: int, on_progress: Callable[[int], object] = lambda _: None) -> int:
    """Fill an empty, migrated ledger with at least `size` events. Returns the number of events.

    `conn` is a connection to the ledger at `url`. `on_progress` gets the number of events written so far.
    """
    templates = [*map(random_template, range(RANDOM_LIVES)), example_template(url, conn)]
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute("truncate event, post, claim, held_fund")
    claims: dict[Claim, tuple[str, int]] = {}
    posts: list[tuple[str, str, bytes, int, int]] = []
    position, serial = 0, 0
    with conn.cursor().copy("copy event (position, stream, version, type, recorded_at, fact) from stdin") as copy:
        for group in copies(templates):
            if position >= size:
                break
            first = position + 1
            for event, claimed_now in group:
                position += 1
                copy.write_row((position, *event[:3], _moment(position), event[3]))
                _claim(claims, claimed_now, event)
            leader = json.loads(group[0][0][3])
            serial = max(serial, _issued(leader))
            posts.append((leader["source"], leader["source_id"], _digest(leader), first, position))
            on_progress(position)
    conn.execute("analyze event")  # otherwise foreign keys are checked with a plan for the few earlier events
    _copy(conn, "post", posts)
    columns = "claim (kind, number, source, issuer, own_bank, day, event_day, stream, version, shared)"
    _copy(conn, columns, ((*astuple(each), *at, False) for each, at in claims.items()))
    conn.execute("update serial set next = %s", [serial])
    conn.execute("analyze")
    return position


def _digest(leader: dict[str, Any]) -> bytes:
    """The digest to store with the post of the event `leader`: the one that the event names, if it names one.

    A copy of an event names the digest of the event that it was copied from. It suffices that both are the same.
    """
    named: str | None = leader.get("content_sha256")
    return bytes.fromhex(named) if named else sha256(leader["source_id"].encode()).digest()


def _moment(position: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=position)


def _claim(claims: dict[Claim, tuple[str, int]], claimed_now: list[Claimed], event: Event) -> None:
    """Add the claims that `event` makes to `claims`, with the event's stream and version; remove those it frees."""
    for claim, is_made in claimed_now:
        if is_made:
            claims.setdefault(claim, event[:2])
        else:
            claims.pop(claim, None)


def _copy(conn: Connection[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with conn.cursor().copy(f"copy {table} from stdin".encode()) as copy:
        for row in rows:
            copy.write_row(row)
