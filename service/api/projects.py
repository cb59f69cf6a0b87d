"""/v1/projects: the lines of the plans, and each project's own log."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api import answer, parameters, reader
from service.api.events import MOST_IN_PAGE, answer_page
from service.api.problems import Problem

bp = Blueprint("projects", __name__, url_prefix="/v1/projects")


@bp.get("")
def all_projects() -> Response:
    asked = parameters.read(fund=parameters.code, min_position=parameters.whole())
    with reader().at(asked["min_position"] or 0) as snapshot:
        rows = snapshot.rows("projects", fund=asked["fund"], project=None)
        return answer({"as_of": {"position": snapshot.position}, "projects": rows})


@bp.get("/<code:project>")
def one_project(project: str) -> Response:
    asked = parameters.read(min_position=parameters.whole())
    with reader().at(asked["min_position"] or 0) as snapshot:
        row = snapshot.one("projects", fund=None, project=project)
        if row is None:
            raise Problem("not-found", project=project)
        return answer(
            {
                **row,
                "as_of": {"position": snapshot.position},
                "batches": snapshot.rows("project_batches", fund=row["fund"], project=project),
                "award_list": snapshot.rows("project_awards", fund=row["fund"], project=project),
                "payments": snapshot.rows("project_payments", fund=row["fund"], project=project),
            }
        )


@bp.get("/<code:project>/events")
def events(project: str) -> Response:
    asked = parameters.read(after=parameters.whole(), limit=parameters.whole(1, MOST_IN_PAGE))
    after, limit = asked["after"] or 0, asked["limit"] or 100
    with reader().at() as snapshot:
        stream = f"project/{project}"
        rows = snapshot.rows("stream_events", stream=stream, after=after, limit=limit)
        if not rows and not snapshot.rows("stream_events", stream=stream, after=0, limit=1):
            raise Problem("not-found", project=project)
    following = f"/v1/projects/{project}/events?after={rows[-1]['version']}&limit={limit}" if rows else None
    return answer_page(rows, following)
