"""/v1/keys: who holds which key, and what the sender's own key may do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.api import response_types
from service.api.http.operation import operation
from service.api.http.request_context import principal, reader
from service.api.http.responses import answer
from service.auth import api_keys
from service.auth.grants import Grant

bp = Blueprint("keys", __name__)


@bp.get("/v1/keys")
@operation("Who holds a key, and every change of it", "密钥持有者及其全部变更", response_types.Keys, scope="admin")
def held() -> Response:
    with reader().at() as snapshot:
        listed, changes = api_keys.listed(snapshot.conn), api_keys.history(snapshot.conn)
    return answer({"keys": [_shown(key) for key in listed], "changes": changes})


@bp.get("/v1/keys/self")
@operation("Who you are, and what you may do", "本密钥的名称与权限", response_types.Self, scope=None)
def own() -> Response:
    return answer({"name": principal().name, "grants": [_of(grant) for grant in principal().grants]})


def _of(grant: Grant) -> dict[str, list[str]]:
    return {part: sorted(getattr(grant, part)) for part in ("scopes", "funds", "projects", "sources")}


def _shown(key: api_keys.KeyRecord) -> dict[str, Any]:
    return {
        "name": key.name,
        "state": key.state,
        **_of(key.grant),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
