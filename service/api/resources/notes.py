"""/v1/notes: what was put on record 备案 about funds, projects, applications and awards."""

from __future__ import annotations

from flask import Blueprint, Response

from domain.note import NOTE_KINDS_ZH, NoteKind
from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import as_of, tables
from service.api.http.operation import operation
from service.api.http.parameters import AWARD, FUND, MIN_POSITION, PROJECT, one_of, text, whole
from service.api.http.visibility import must_read

bp = Blueprint("notes", __name__, url_prefix="/v1/notes")


@bp.get("")
@operation(
    "List the notes on record, or find notes by a part of their text",
    "备案事项",
    response_types.Notes,
    fund=FUND,
    project=PROJECT,
    award=AWARD,
    kind=one_of("Filter by kind of note", "仅限该类事项", *NoteKind),
    q=text("Filter by a part of the text", "内容中含有的文字", 100),
    after=whole("Cursor: return only what comes after this log position", "从该位置之后开始"),
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def listed(
    *,
    fund: str | None,
    project: str | None,
    award: str | None,
    kind: str | None,
    q: str | None,
    after: int | None,
    limit: int | None,
    min_position: int | None,
) -> Response:
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    filters = {"fund": fund, "project": project, "award": award, "kind": kind, "q": q}
    with tables(min_position, fund, project) as snapshot:
        rows = snapshot.rows("notes", **filters, after=after or 0, limit=size)
        members = {"as_of": as_of(snapshot, fund, project)}
    rows = [{**row, "kind_zh": NOTE_KINDS_ZH[NoteKind(row["kind"])]} for row in rows]
    return pagination.answer_rows("notes", rows, members, size, lambda row: str(row["position"]))
