"""Pages of a list: a cursor that stays valid while the list grows, and the URL of the next page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.urls import iri_to_uri

from service.api.http.limits import MAX_PAGE_ROWS
from service.api.http.parameters import pattern, whole
from service.api.http.responses import answer

DEFAULT_ROWS, MAX_ROWS = 100, MAX_PAGE_ROWS
LIMIT = whole("Maximum number of rows per page; default 100", "每页行数，默认 100", 1, MAX_ROWS)
LONG_LIMIT = whole("Maximum number of rows per page; default 1000", "每页行数，默认 1000", 1, MAX_ROWS)
"""The limit of lists that had no pages before: clients that know of none get as many rows as a page can have."""


def answer_rows(
    name: str, rows: Sequence[dict[str, Any]], members: dict[str, Any], size: int, cursor: Callable[[Any], str]
) -> Response:
    """A response whose body has `members`, and a page of rows as the member called `name`.

    `size`: the maximum number of rows of a page. `cursor`: the function that makes a cursor from a row. If the page is
    full, the member `next` is the cursor of the last row, and the Link header has the URL of the next page. Otherwise
    `next` is null.
    """
    after = cursor(rows[-1]) if len(rows) >= size else None
    headers = {"Link": f'<{next_url(after)}>; rel="next"'} if after else {}
    return answer({**members, name: rows, "next": after}, headers=headers)


AFTER_NAME = pattern(
    "[0-9]{1,18}[.][A-Za-z0-9][A-Za-z0-9._-]{0,63}", "Cursor: the `next` of the previous page", "从 next 所示之后开始"
)
"""The parameter `after` of a list whose rows are in the order of a log position and then of a name."""


def name_cursor(position: int, name: str) -> str:
    """The cursor of the row with this position and name: a value of AFTER_NAME."""
    return f"{position}.{name}"


def position_and_name(after: str | None) -> tuple[int, str]:
    """The position and the name of the last row of the page before; (0, "") if there was none."""
    position, _, name = (after or "0.").partition(".")
    return int(position), name


def next_url(after: str, **others: object) -> str:
    """The URL of this request with `after` as its cursor, and with the parameters `others` that are not None."""
    given = {name: str(value) for name, value in others.items() if value is not None}
    kept = {name: value for name, value in request.args.to_dict().items() if name not in ("after", *others)}
    arguments = {**kept, "after": after, **given}
    return f"{iri_to_uri(request.path)}?{urlencode(arguments)}"
