"""Lists in pages: a cursor that stays true while the list grows, and the address of the next page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.urls import iri_to_uri

from service.api.http.limits import MAX_PAGE_ROWS
from service.api.http.parameters import whole
from service.api.http.responses import answer

DEFAULT_ROWS, MAX_ROWS = 100, MAX_PAGE_ROWS
LIMIT = whole("Rows in a page, 100 if left out", "每页行数，默认 100", 1, MAX_ROWS)


def answer_rows(
    name: str, rows: Sequence[dict[str, Any]], beside: dict[str, Any], size: int, cursor: Callable[[Any], str]
) -> Response:
    """A page of rows; `next`, in the body and as a Link, is where the next one begins, if there may be one."""
    after = cursor(rows[-1]) if len(rows) >= size else None
    headers = {"Link": f'<{next_address(after)}>; rel="next"'} if after else {}
    return answer({**beside, name: rows, "next": after}, headers=headers)


def next_address(after: str) -> str:
    """The request's own address, from `after` on."""
    arguments = {**request.args.to_dict(), "after": after}
    return f"{iri_to_uri(request.path)}?{urlencode(arguments)}"
