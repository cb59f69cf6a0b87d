"""For those who run the ledger: /metrics for Prometheus, and who holds which key."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST

from service import metrics
from service.access import Grant, keys
from service.api import answer, http, principal, reader
from service.api.contract import shapes
from service.api.contract.operation import operation

bp = Blueprint("operations", __name__)


@bp.get("/metrics")
@operation("Measurements for Prometheus", "供 Prometheus 采集的指标", None, scope="admin")
def measurements() -> Response:
    text = metrics.exposition(current_app.extensions["metrics"])
    return Response(text, headers={"Cache-Control": http.NEVER}, content_type=CONTENT_TYPE_LATEST)


@bp.get("/v1/keys")
@operation("Who holds a key, and every change of it", "密钥持有者及其全部变更", shapes.Keys, scope="admin")
def held() -> Response:
    with reader().at() as snapshot:
        listed, changes = keys.listed(snapshot.conn), keys.history(snapshot.conn)
    return answer({"keys": [_shown(key) for key in listed], "changes": changes})


@bp.get("/v1/keys/self")
@operation("Who you are, and what you may do", "本密钥的名称与权限", shapes.Self, scope=None)
def own() -> Response:
    return answer({"name": principal().name, "grants": [_of(grant) for grant in principal().grants]})


def _of(grant: Grant) -> dict[str, list[str]]:
    return {part: sorted(getattr(grant, part)) for part in ("scopes", "funds", "projects", "sources")}


def _shown(key: keys.KeyRecord) -> dict[str, Any]:
    return {
        "name": key.name,
        "state": key.state,
        **_of(key.grant),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
