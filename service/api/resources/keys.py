"""/v1/keys: all keys with their grants and changes, and the grants of the caller's own key."""

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
@operation("List all keys and every change to them", "密钥持有者及其全部变更", response_types.Keys, scope="admin")
def held() -> Response:
    with reader().at() as snapshot:
        listed, changes = api_keys.list_keys(snapshot.conn), api_keys.history(snapshot.conn)
    return answer({"keys": [_key(key) for key in listed], "changes": changes})


@bp.get("/v1/keys/self")
@operation("Get the name and the grants of your own key", "本密钥的名称与权限", response_types.Self, scope=None)
def own() -> Response:
    sender = principal()
    grants = [_grant(grant) for grant in sender.grants]
    return answer({"name": sender.name, "person": sender.person, "grants": grants})


def _grant(grant: Grant) -> dict[str, list[str]]:
    return {part: sorted(getattr(grant, part)) for part in ("scopes", "funds", "projects", "sources")}


def _key(key: api_keys.KeyRecord) -> dict[str, Any]:
    return {
        "name": key.name,
        "person": key.person,
        "state": key.state,
        **_grant(key.grant),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
