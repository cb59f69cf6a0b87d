"""/v1/events: the event feed and its digest. Clients read pages, wait for new events, or receive server-sent events.

All three forms use the same cursor, the log position. Pages are JSON or NDJSON, and their size is limited. A complete
page never changes and may be cached for ever. A stream of server-sent events ends after a number of bytes, to limit the
cost of a slow or disconnected reader. The reader resumes the stream with `Last-Event-ID`.
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
from service.api.http.work import EXPENSIVE
from service.codec import leaf
from service.postgres.snapshots import NotInTheLog, Reader, Snapshot

bp = Blueprint("events", __name__, url_prefix="/v1")

AFTER = whole("Cursor: return only events after this log position", "从该位置之后开始")
MAX_SCANNED_POSITIONS = 50_000
"""Maximum number of log positions that are searched for the requested event types to fill one page."""
MAX_WAIT_SECONDS = 30
MAX_DIGEST_EVENTS = 100_000
MAX_NONCE = 2**53
WAIT, FOLLOW = "suyuan.wait", "suyuan.follow"
"""Keys of the WSGI environment by which a view asks the gateway to wait for events, or to stream them.

Without a gateway the response is sent at once.
"""
WAITED_AFTER = "suyuan.waited_after"
"""Key of the WSGI environment that is set when a request runs again after a wait: the Cursor after which it waited."""


def _types() -> Parameter:
    base = pattern(
        "[A-Za-z]+(,[A-Za-z]+)*", "Filter by event types, separated by commas", "仅限这些事件类型，以逗号分隔"
    )

    def read(given: str) -> list[str]:
        names = str(base.read(given)).split(",")
        if unknown := sorted(set(names) - set(FACTS)):
            raise ValueError(f"There is no event type {unknown[0]}. 没有事件类型 {unknown[0]}。")
        return names

    return base._replace(read=read)


FILTERS: dict[str, Any] = {"fund": FUND, "project": PROJECT, "type": _types()}


class Cursor(NamedTuple):
    """The last event that a reader has read: its log position, and its nonce, None if it is not known.

    The nonce tells the event from another event at this position, which the log may have after a restore.
    """

    position: int
    nonce: int | None

    @classmethod
    def at(cls, position: int, snapshot: Snapshot) -> Cursor:
        """The cursor at this position of the log."""
        row = snapshot.one("nonce", position=position)
        return cls(position, row["nonce"] if row else None)

    def must_be_in(self, snapshot: Snapshot) -> None:
        """Raises NotInTheLog if the log does not have the event that was read.

        This happens if the database was restored to a state without this event.
        """
        if self.position > snapshot.head:
            raise NotInTheLog(snapshot.head)
        if self.nonce is not None and self != Cursor.at(self.position, snapshot):
            raise NotInTheLog(snapshot.head)


class Selection(NamedTuple):
    """The filters with which a reader selects events of the log. A filter that is None selects all events."""

    fund: str | None
    project: str | None
    types: list[str] | None

    @property
    def query(self) -> str:
        """The name of the SQL query that reads the selected events."""
        return "feed_of_project" if self.project else "feed_of_fund" if self.fund else "feed"

    def page(self, snapshot: Snapshot, source: str, after: int, limit: int, upto: int = MAX_INTEGER) -> Page:
        """The next page of the selected events after position `after`, up to and including `upto`.

        The page has at most `limit` rows, and ends when it has reached MAX_PAGE_BYTES. If the selection has
        event types but neither fund nor project, the page covers at most MAX_SCANNED_POSITIONS positions. `source`: the
        name of the ledger.
        """
        last = min(upto, snapshot.head)
        if self.types and self.query == "feed":
            last = min(last, after + MAX_SCANNED_POSITIONS)
        params = {
            "fund": self.fund, "stream": f"project/{self.project}", "types": self.types, "source": source,
            "after": after, "upto": last, "limit": limit, "bytes": MAX_PAGE_BYTES,
        }  # fmt: skip
        rows = snapshot.rows(self.query, **params)
        full = bool(rows) and (rows[0]["found"] > len(rows) or rows[0]["found"] == limit)
        cursor = rows[-1]["cursor"] if full else max(last, after)
        return Page([row["line"] for row in rows], cursor, full or last < snapshot.head)


class Page(NamedTuple):
    """A page of events, each as one line of JSON.

    `cursor`: the position up to which the log was searched. `complete`: no later event can be added to this page.
    """

    lines: list[str]
    cursor: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """A request to wait up to `seconds` for events after `after`, because there are none yet."""

    after: Cursor
    seconds: int


@dataclass(frozen=True, slots=True)
class Follow:
    """A response that sends the selected events after `after` as server-sent events."""

    after: Cursor
    source: str
    selection: Selection

    def next(self, reader: Reader, after: Cursor) -> tuple[bytes, Cursor]:
        """The next server-sent events after `after`, as bytes, and the cursor at the last position that was searched.

        If events were searched but none of them is selected, the bytes only give the client that position as its new
        cursor. If no event was searched, the bytes are empty. Raises NotInTheLog if the log no longer has the event at
        `after`.
        """
        with reader.at() as snapshot:
            after.must_be_in(snapshot)
            page = self.selection.page(snapshot, self.source, after.position, pagination.MAX_ROWS)
            reached = Cursor.at(page.cursor, snapshot)
        text = "".join(f"id: {_position(line)}\ndata: {line}\n\n" for line in page.lines)
        if page.cursor > after.position and not page.lines:
            text = f"id: {page.cursor}\n\n"  # only the cursor: no event up to it is selected
        return text.encode(), reached


def _position(line: str) -> str:
    """The log position of a serialized event: the value of `id`, the second member of its JSON."""
    return line.split('"', 8)[7]


@bp.get("/events")
@operation(
    "List the events of the log, wait for new ones, or stream them",
    "日志",
    response_types.Events,
    after=AFTER,
    limit=whole("Maximum number of events per page; default 100", "每页事件数，默认 100", 1, MAX_FEED_LINES),
    history=whole(
        "The `history` that `Link` gave together with `after`: 404 if the log was restored without what was read",
        "与 after 一同由 Link 给出：账簿恢复后缺少已读事件时答复 404",
        0,
        MAX_NONCE,
    ),
    timeout=whole(
        "Seconds to wait for a new event if there is none yet", "没有新事件时等待的秒数", 0, MAX_WAIT_SECONDS
    ),
    **FILTERS,
)
def log(*, after: int | None, limit: int | None, history: int | None, timeout: int | None, **filters: Any) -> Response:
    selection, start = _selection(filters), Cursor(after or 0, history)
    kind = request.accept_mimetypes.best_match([BUNDLE, LINES, STREAM], BUNDLE)
    # Only a client that names this type expects a response without end.
    if kind == STREAM and STREAM in request.headers["Accept"]:
        start = _stream_start(start)
        with reader().at() as snapshot:
            start.must_be_in(snapshot)
            start = Cursor.at(start.position, snapshot)
        request.environ[FOLLOW] = Follow(start, _source(), selection)
        unbuffered = {"X-Accel-Buffering": "no"}  # a proxy (nginx) passes on each event at once
        headers = {"Cache-Control": response_headers.NO_STORE, **unbuffered}
        return Response(b"retry: 1000\n\n", 200, headers, content_type=STREAM)
    kind = BUNDLE if kind == STREAM else kind
    with reader().at() as snapshot:
        start.must_be_in(snapshot)
        request.environ.get(WAITED_AFTER, start).must_be_in(snapshot)
        page = selection.page(snapshot, _source(), start.position, limit or pagination.DEFAULT_ROWS)
        reached = Cursor.at(page.cursor, snapshot)
    if timeout and not page.lines and not page.complete:
        request.environ[WAIT] = Wait(reached, timeout)
    headers = {
        "Cache-Control": response_headers.IMMUTABLE if page.complete else response_headers.NO_STORE,
        "Vary": "Accept",
    }
    if page.cursor > start.position:
        headers["Link"] = f'<{pagination.next_url(str(page.cursor), history=reached.nonce)}>; rel="next"'
    return Response(_serialized(page.lines, kind), 200, headers, content_type=kind)


def _selection(filters: Mapping[str, Any]) -> Selection:
    """The selection that `filters` request. Raises Problem if the principal may not read the selected events."""
    must_read(filters["fund"], filters["project"])
    return Selection(filters["fund"], filters["project"], filters["type"])


def _stream_start(start: Cursor) -> Cursor:
    """The cursor after which the server-sent events begin.

    It is at `Last-Event-ID` if the client sent this header, else `start`. Raises Problem if the header is not a
    position.
    """
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return start
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise Problem("bad-header", header="Last-Event-ID")
    return Cursor(int(given), None)


def _source() -> str:
    return str(current_app.config["SOURCE"])


def _serialized(lines: Sequence[str], kind: str) -> str:
    return "".join(f"{line}\n" for line in lines) if kind == LINES else f"[{','.join(lines)}]\n"


# The digest ------------------------------------------------------------------


@bp.get("/events/digest")
@operation(
    "Get the number and the hash of the events in a range",
    "一段日志的事件数与哈希",
    response_types.Digest,
    work=EXPENSIVE,
    after=AFTER,
    upto=whole("Last log position of the range, included", "至该位置（含）")._replace(required=True),
    **FILTERS,
)
def digest(*, after: int | None, upto: int, **filters: Any) -> Response:
    """The number and the hash of the selected events after position `after`, up to and including `upto`.

    A reader compares both with the events that it received, and so verifies that none is missing.
    """
    selection, start = _selection(filters), after or 0
    if upto - start > MAX_DIGEST_EVENTS:
        raise Problem("bad-parameter", parameter="upto", detail=_TOO_LONG)
    with reader().at() as snapshot:
        if upto > snapshot.head:
            raise NotInTheLog(snapshot.head)
        count, sha256 = _digest(selection, snapshot, _source(), start, upto)
    body = {"after": start, "upto": upto, "count": count, "sha256": sha256}
    return answer(body, headers={"Cache-Control": response_headers.IMMUTABLE})


_TOO_LONG = f"A range has at most {MAX_DIGEST_EVENTS} positions. 一段至多 {MAX_DIGEST_EVENTS} 个位置。"


def _digest(selection: Selection, snapshot: Snapshot, source: str, after: int, upto: int) -> tuple[int, str]:
    count, whole_range = 0, hashlib.sha256()
    for line in _lines(lambda at: selection.page(snapshot, source, at, pagination.MAX_ROWS, upto), after, upto):
        whole_range.update(leaf(msgspec.json.decode(line)))
        count += 1
    return count, whole_range.hexdigest()


def _lines(next_page: Callable[[int], Page], after: int, upto: int) -> Iterator[str]:
    while after < upto:
        page = next_page(after)
        yield from page.lines
        after = page.cursor
