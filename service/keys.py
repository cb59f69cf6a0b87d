"""API keys: 256 random bits, shown once, stored only as a keyed hash, revocable. Posts carry their key's name."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg_pool import ConnectionPool

from service.queries import QUERIES

SCOPES = (
    "post:fund",
    "post:call",
    "post:award",
    "post:acceptance",
    "post:payment",
    "approve:payment",
    "read",
    "admin",
)
PREFIX = "suyuan_"
REMEMBERED_SECONDS = 2.0
"""A key is looked up again after this long, so a revocation takes effect within it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: the name of an API key and what it may do."""

    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as it is listed: never the key itself."""

    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


class KeyExists(Exception):
    """There is, or was, a key of this name; names are never used again, because events carry them."""


class OtherSecret(Exception):
    """The database was set up with another secret: with this one no key and no account would be recognised."""

    def __init__(self) -> None:
        super().__init__(
            "SUYUAN_SECRET (or the file `secret` in SUYUAN_HOME) is not the one this database was set up with.\n"
            "SUYUAN_SECRET（或 SUYUAN_HOME 中的 secret 文件）与建库时不同。"
        )


def check_secret(conn: Connection[Any], secret: bytes) -> None:
    """Raises OtherSecret; the first secret that asks is the database's own."""
    mine = hmac.digest(secret, b"the secret of this ledger", hashlib.sha256)
    row = conn.execute(QUERIES["claim_secret"], {"fingerprint": mine}).fetchone()
    if row is None or not hmac.compare_digest(bytes(row["fingerprint"]), mine):
        raise OtherSecret


def create(conn: Connection[Any], secret: bytes, name: str, scopes: Iterable[str]) -> str:
    """Make a key and return it, the only time it is ever seen. Raises KeyExists."""
    key = PREFIX + secrets.token_urlsafe(32)
    row = {"name": name, "digest": _digest(secret, key), "scopes": sorted(set(scopes))}
    try:
        conn.execute(QUERIES["create_key"], row)
    except UniqueViolation as error:
        raise KeyExists(name) from error
    return key


def ensure(conn: Connection[Any], secret: bytes, name: str, key: str, scopes: Iterable[str]) -> None:
    """Let a demo key in, in place of an earlier one of its name."""
    row = {"name": name, "digest": _digest(secret, key), "scopes": sorted(set(scopes))}
    conn.execute(QUERIES["ensure_key"], row)


def revoke(conn: Connection[Any], name: str) -> bool:
    """Revoke the key of this name; False if there is none in force."""
    return conn.execute(QUERIES["revoke_key"], {"name": name}).rowcount == 1


def listed(conn: Connection[Any]) -> list[KeyRecord]:
    """All keys that ever were, oldest first."""
    rows = conn.execute(QUERIES["list_keys"]).fetchall()
    return [KeyRecord(row["name"], tuple(row["scopes"]), row["created_at"], row["revoked_at"]) for row in rows]


def _digest(secret: bytes, key: str) -> bytes:
    return hmac.digest(secret, key.encode(), hashlib.sha256)


class Keyring:
    """Looks keys up, remembering each answer for a moment."""

    def __init__(self, pool: ConnectionPool[Connection[dict[str, Any]]], secret: bytes) -> None:
        self._pool, self._secret = pool, secret
        self._remembered: dict[bytes, tuple[float, Principal | None]] = {}

    def principal(self, key: str) -> Principal | None:
        """Who holds `key`; None if nobody does any more."""
        digest = _digest(self._secret, key)
        until, principal = self._remembered.get(digest, (0.0, None))
        if time.monotonic() < until:
            return principal
        principal = self._look_up(digest)
        if len(self._remembered) > 1_000:
            self._remembered.clear()
        self._remembered[digest] = (time.monotonic() + REMEMBERED_SECONDS, principal)
        return principal

    def _look_up(self, digest: bytes) -> Principal | None:
        with self._pool.connection() as conn:
            row = conn.execute(QUERIES["find_key"], {"digest": digest}).fetchone()
        return Principal(row["name"], frozenset(row["scopes"])) if row else None
