"""/v1/events: the log as a feed, in pages that are kept for ever, by long poll, as lines, or as a stream; its digest.

Every form goes by the same cursor, the position. A page's size is bounded, also as lines; a stream ends after so many
bytes and is taken up again with `Last-Event-ID`: a reader that is slow, or gone, costs no more than that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from flask import Blueprint, Response, current_app, request

from domain.decision import FACTS
from service.api import response_types
from service.api.http import pagination, response_headers
from service.api.http.limits import BUNDLE, LINES, MAX_FEED_LINES, MAX_PAGE_BYTES, STREAM
from service.api.http.operation import operation
from service.api.http.parameters import FUND, MAX_INTEGER, PROJECT, Parameter, pattern, whole
from service.api.http.problems import Problem
from service.api.http.request_context import reader
from service.api.http.responses import answer
from service.api.http.visibility import must_read
from service.codec import leaf
from service.postgres.snapshots import NotInTheLog, Reader, Snapshot

bp = Blueprint("events", __name__, url_prefix="/v1")

AFTER = whole("After this position", "从该位置之后开始")
MAX_SCANNED_POSITIONS = 50_000
"""Positions that one page looks through at most for the types asked for."""
MAX_WAIT_SECONDS = 30
MAX_DIGEST_EVENTS = 100_000
WAIT, FOLLOW = "suyuan.wait", "suyuan.follow"
"""Where a view leaves, for the front, what is to be waited for or followed; without a front it is answered at once."""
COUNTED = "suyuan.counted"
"""That a request is asked again after a wait: its key is looked at again, but it is one request."""


def _types() -> Parameter:
    known = pattern("[A-Za-z]+(,[A-Za-z]+)*", "Only these types, separated by commas", "仅限这些事件类型，以逗号分隔")

    def read(given: str) -> list[str]:
        names = str(known.read(given)).split(",")
        if unknown := sorted(set(names) - set(FACTS)):
            raise ValueError(f"There is no event type {unknown[0]}. 没有事件类型 {unknown[0]}。")
        return names

    return known._replace(read=read)


FILTERS: dict[str, Any] = {"fund": FUND, "project": PROJECT, "type": _types()}


class Wanted(NamedTuple):
    """What a reader wants of the log; None: all of it."""

    fund: str | None
    project: str | None
    types: list[str] | None

    @property
    def query(self) -> str:
        return "feed_of_project" if self.project else "feed_of_fund" if self.fund else "feed"

    def page(self, snapshot: Snapshot, source: str, after: int, limit: int, upto: int = MAX_INTEGER) -> Page:
        """What comes next after a position, up to another, as much as fits into a page."""
        most = min(upto, snapshot.head)
        if self.types and self.query == "feed":
            most = min(most, after + MAX_SCANNED_POSITIONS)
        asked = {
            "fund": self.fund, "stream": f"project/{self.project}", "types": self.types, "source": source,
            "after": after, "upto": most, "limit": limit, "bytes": MAX_PAGE_BYTES,
        }  # fmt: skip
        rows = snapshot.rows(self.query, **asked)
        full = bool(rows) and (rows[0]["found"] > len(rows) or rows[0]["found"] == limit)
        cursor = rows[-1]["cursor"] if full else max(most, after)
        return Page([row["line"] for row in rows], cursor, full or most < snapshot.head)


class Page(NamedTuple):
    """Events as lines of JSON; `cursor` is how far the log was looked through; `whole`: nothing will be added to it."""

    lines: list[str]
    cursor: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """That nothing is there yet after a position, and how long the reader would wait."""

    after: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Follow:
    """A stream from a position on: what comes next, as text for the stream and the new cursor."""

    after: int
    reader: Reader
    source: str
    wanted: Wanted

    def next(self, after: int) -> tuple[bytes, int]:
        """Server-sent events after a position, none if there is nothing; and the position looked through to."""
        with self.reader.at() as snapshot:
            found = self.wanted.page(snapshot, self.source, after, pagination.MAX_ROWS)
        told = "".join(f"id: {_position(line)}\ndata: {line}\n\n" for line in found.lines)
        if found.cursor > after and not found.lines:
            told = f"id: {found.cursor}\n\n"  # a cursor by itself: nothing of this was wanted
        return told.encode(), found.cursor


def _position(line: str) -> str:
    return line.split('"', 8)[7]


@bp.get("/events")
@operation(
    "The log from one position on",
    "日志",
    response_types.Events,
    after=AFTER,
    limit=whole("Events in a page, 100 if left out", "每页事件数，默认 100", 1, MAX_FEED_LINES),
    timeout=whole("Wait so many seconds if nothing is there yet", "没有新事件时等待的秒数", 0, MAX_WAIT_SECONDS),
    **FILTERS,
)
def log(*, after: int | None, limit: int | None, timeout: int | None, **filters: Any) -> Response:
    wanted, start = _wanted(filters), after or 0
    kind = request.accept_mimetypes.best_match([BUNDLE, LINES, STREAM], BUNDLE)
    if kind == STREAM and STREAM in request.headers["Accept"]:  # only who names it expects no end
        request.environ[FOLLOW] = Follow(_resumed(start), reader(), _source(), wanted)
        return Response(b"retry: 1000\n\n", 200, {"Cache-Control": response_headers.NEVER}, content_type=STREAM)
    kind = BUNDLE if kind == STREAM else kind
    with reader().at() as snapshot:
        found = wanted.page(snapshot, _source(), start, limit or pagination.DEFAULT_ROWS)
    if timeout and not found.lines and not found.whole:
        request.environ[WAIT] = Wait(found.cursor, timeout)
    headers = {"Cache-Control": response_headers.FOR_EVER if found.whole else response_headers.NEVER, "Vary": "Accept"}
    if found.cursor > start:
        headers["Link"] = f'<{pagination.next_address(str(found.cursor))}>; rel="next"'
    return Response(_written(found.lines, kind), 200, headers, content_type=kind)


def _wanted(filters: Mapping[str, Any]) -> Wanted:
    """What the reader asks for, if it may see that. Raises Problem."""
    must_read(filters["fund"], filters["project"])
    return Wanted(filters["fund"], filters["project"], filters["type"])


def _resumed(start: int) -> int:
    """Where a stream begins: `Last-Event-ID` is where it was left."""
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return start
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise Problem("bad-header", header="Last-Event-ID")
    return int(given)


def _source() -> str:
    return str(current_app.config["SOURCE"])


def _written(lines: Sequence[str], kind: str) -> str:
    return "".join(f"{line}\n" for line in lines) if kind == LINES else f"[{','.join(lines)}]\n"


# The digest ------------------------------------------------------------------


@bp.get("/events/digest")
@operation(
    "How many events a range has, and a hash of them all",
    "一段日志的事件数与哈希",
    response_types.Digest,
    after=AFTER,
    upto=whole("Up to this position, included", "至该位置（含）")._replace(required=True),
    **FILTERS,
)
def digest(*, after: int | None, upto: int, **filters: Any) -> Response:
    """A follower that hashed what it received proves by this that it has all of it."""
    wanted, start = _wanted(filters), after or 0
    if upto - start > MAX_DIGEST_EVENTS:
        raise Problem("bad-parameter", parameter="upto", detail=_TOO_LONG)
    with reader().at() as snapshot:
        if upto > snapshot.head:
            raise NotInTheLog(snapshot.head)
        count, hashed = _digested(wanted, snapshot, _source(), start, upto)
    said = {"after": start, "upto": upto, "count": count, "sha256": hashed}
    return answer(said, headers={"Cache-Control": response_headers.FOR_EVER})


_TOO_LONG = f"A range has {MAX_DIGEST_EVENTS} positions at most. 一段至多 {MAX_DIGEST_EVENTS} 个位置。"


def _digested(wanted: Wanted, snapshot: Snapshot, source: str, after: int, upto: int) -> tuple[int, str]:
    count, whole_range = 0, hashlib.sha256()
    for line in _lines(lambda at: wanted.page(snapshot, source, at, pagination.MAX_ROWS, upto), after, upto):
        whole_range.update(leaf(msgspec.json.decode(line)))
        count += 1
    return count, whole_range.hexdigest()


def _lines(next_page: Callable[[int], Page], after: int, upto: int) -> Iterator[str]:
    while after < upto:
        found = next_page(after)
        yield from found.lines
        after = found.cursor
