"""/v1/projects: the projects, which are the lines of the adopted plans, and the current state of each."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import absent, as_of, must_not_be_held, tables
from service.api.http.operation import operation
from service.api.http.parameters import FUND, MIN_POSITION
from service.api.http.responses import answer
from service.api.http.visibility import may_read

bp = Blueprint("projects", __name__, url_prefix="/v1/projects")


@bp.get("")
@operation(
    "List the projects of the adopted plans", "项目", response_types.Projects, fund=FUND, min_position=MIN_POSITION
)
def all_projects(*, fund: str | None, min_position: int | None) -> Response:
    with tables(min_position) as snapshot:
        rows = snapshot.rows("projects", fund=fund, project=None)
        rows = [row for row in rows if may_read(row["fund"], row["project"])]
        if fund and (rows or may_read(fund)):
            must_not_be_held(snapshot, fund)
        return answer({"as_of": as_of(snapshot, fund), "projects": rows})


@bp.get("/<code:project>")
@operation("Get a project", "单个项目", response_types.ProjectNow, min_position=MIN_POSITION)
def one_project(project: str, *, min_position: int | None) -> Response:
    with tables(min_position) as snapshot:
        rows = snapshot.rows("projects", fund=None, project=project)
        row = next((each for each in rows if may_read(each["fund"], project)), None)
        if row is None:
            raise absent(snapshot)
        must_not_be_held(snapshot, row["fund"])
        params = {"fund": row["fund"], "project": project}
        all_awards = {
            "status": None,
            "acceptance": None,
            "recipient": None,
            "recipient_name": None,
            "payee": None,
            "position": 0,
            "award": "",
            "limit": pagination.MAX_ROWS,
        }
        return answer(
            {
                **row,
                "as_of": {"position": snapshot.position},
                "batches": snapshot.rows("project_batches", **params),
                "award_list": snapshot.rows("awards", **params, **all_awards),
                "payments": snapshot.rows("project_payments", **params),
                "recoveries": snapshot.rows("recoveries", **params, after=0, limit=None),
                **{name: snapshot.rows(name, **params) for name in ("rounds", "objections", "waivers")},
            }
        )
