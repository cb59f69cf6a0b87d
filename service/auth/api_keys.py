"""API keys: 256 random bits, shown once, stored only as a keyed hash; limited, expiring, rotated, revoked."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from service.auth.grants import Grant, NotAuthenticated, Principal, grant
from service.postgres.queries import QUERIES

PREFIX = "suyuan_"
MARK_LENGTH = 8
CACHE_SECONDS = 2.0
"""A key is looked up again after this long, so a revocation takes effect within it."""
MAX_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as it is listed: never the key itself. `secrets`: how many open it now; `expires_at`: the last of them."""

    name: str
    grant: Grant
    created_at: datetime
    revoked_at: datetime | None
    secrets: int
    expires_at: datetime | None
    last_used_at: datetime | None

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "in force" if self.secrets else "expired"


class KeyExists(Exception):
    """There is, or was, a key of this name; names are never used again, because events carry them."""


class NoSuchKey(Exception):
    """No key of this name is in force."""


class OtherSecret(Exception):
    """The database was set up with another secret: with this one no key and no account would be recognised."""

    def __init__(self) -> None:
        super().__init__(
            "SUYUAN_SECRET (or the file `secret` in SUYUAN_HOME) is not the one this database was set up with.\n"
            "SUYUAN_SECRET（或 SUYUAN_HOME 中的 secret 文件）与建库时不同。"
        )


def check_secret(conn: Connection[Any], secret: bytes) -> None:
    """Raises OtherSecret; the first secret that asks is the database's own."""
    mine = _fingerprint(secret)
    row = conn.execute(QUERIES["claim_secret"], {"fingerprint": mine}).fetchone()
    if row is None or not hmac.compare_digest(bytes(row["fingerprint"]), mine):
        raise OtherSecret


def fingerprint(secret: bytes) -> str:
    """What tells that a secret is the same, and nothing else of it."""
    return _fingerprint(secret).hex()


def _fingerprint(secret: bytes) -> bytes:
    return hmac.digest(secret, b"the secret of this ledger", hashlib.sha256)


def new(secret: bytes) -> str:
    """A key that nobody holds yet. Its end is a mark of this ledger, so a guess is told without asking the database."""
    random = secrets.token_urlsafe(32)
    return PREFIX + random + _mark(secret, random)


def create(conn: Connection[Any], secret: bytes, name: str, of: Grant, expires_at: datetime | None = None) -> str:
    """Make a key and return it, the only time it is ever seen. Raises KeyExists."""
    key = new(secret)
    with conn.transaction():
        try:
            conn.execute(QUERIES["create_key"], {"name": name, **_lists(of)})
        except UniqueViolation as error:
            raise KeyExists(name) from error
        _add_secret(conn, secret, name, key, expires_at)
        _note(conn, name, "created", **_lists(of), expires_at=expires_at and expires_at.isoformat())
    return key


def ensure(conn: Connection[Any], secret: bytes, name: str, key: str, of: Grant) -> None:
    """Let a demo key in, in place of an earlier one of its name whose file was lost."""
    if conn.execute(QUERIES["find_secret"], {"digest": _digest(secret, key)}).fetchone():
        return
    with conn.transaction():
        made = conn.execute(QUERIES["ensure_key"], {"name": name, **_lists(of)}).rowcount == 1
        conn.execute(QUERIES["expire_secrets"], {"name": name, "overlap": timedelta()})
        _add_secret(conn, secret, name, key, None)
        _note(conn, name, "created" if made else "rotated", **_lists(of))


def rotate(
    conn: Connection[Any], secret: bytes, name: str, overlap: timedelta, expires_at: datetime | None = None
) -> str:
    """A new key for this name, expiring as the old one does unless told; the old one opens for `overlap` longer.

    Raises NoSuchKey.
    """
    key = new(secret)
    with conn.transaction():
        row = conn.execute(QUERIES["lock_key"], {"name": name}).fetchone()
        if row is None:
            raise NoSuchKey(name)
        expires_at = expires_at or row["expires_at"]
        conn.execute(QUERIES["expire_secrets"], {"name": name, "overlap": overlap})
        _add_secret(conn, secret, name, key, expires_at)
        _note(conn, name, "rotated", overlap=str(overlap), expires_at=expires_at and expires_at.isoformat())
    return key


def revoke(conn: Connection[Any], name: str) -> None:
    """Revoke the key of this name, all its secrets. Raises NoSuchKey."""
    with conn.transaction():
        if conn.execute(QUERIES["revoke_key"], {"name": name}).rowcount == 0:
            raise NoSuchKey(name)
        _note(conn, name, "revoked")


def listed(conn: Connection[Any]) -> list[KeyRecord]:
    """All keys that ever were, oldest first."""
    return [
        KeyRecord(
            row["name"],
            _grant(row),
            row["created_at"],
            row["revoked_at"],
            row["secrets"],
            row["expires_at"],
            row["last_used_at"],
        )
        for row in conn.execute(QUERIES["list_keys"])
    ]


def history(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Every grant and revocation, oldest first: `at`, `key`, `action`, `by`, `detail`."""
    return list(conn.execute(QUERIES["access_changes"]))


def _add_secret(conn: Connection[Any], secret: bytes, name: str, key: str, expires_at: datetime | None) -> None:
    row = {"digest": _digest(secret, key), "name": name, "expires_at": expires_at}
    conn.execute(QUERIES["add_secret"], row)


def _note(conn: Connection[Any], name: str, action: str, **detail: Any) -> None:
    told = {key: value for key, value in detail.items() if value}
    conn.execute(
        QUERIES["note_access_change"], {"key": name, "action": action, "by": _operator(), "detail": Jsonb(told)}
    )


def _operator() -> str:
    """The user of the machine who runs the command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have a number only
        return str(os.getuid())


def _lists(of: Grant) -> dict[str, list[str]]:
    return {part: sorted(getattr(of, part)) for part in ("scopes", "funds", "projects", "sources")}


def _grant(row: dict[str, Any]) -> Grant:
    return grant(row["scopes"], row["funds"], row["projects"], row["sources"])


def _digest(secret: bytes, key: str) -> bytes:
    return hmac.digest(secret, key.encode(), hashlib.sha256)


def _mark(secret: bytes, random: str) -> str:
    return hmac.digest(secret, b"mark:" + random.encode(), hashlib.sha256).hex()[:MARK_LENGTH]


class Keyring:
    """Looks keys up, remembering each for a moment."""

    def __init__(self, pool: ConnectionPool[Connection[dict[str, Any]]], secret: bytes) -> None:
        self._pool, self._secret = pool, secret
        self._cache: dict[bytes, tuple[float, Principal | NotAuthenticated]] = {}

    def authenticate(self, key: str) -> Principal:
        """Who holds `key`. Raises Refused."""
        digest = _digest(self._secret, key)
        found = self._cached_for(digest)
        if found is None:
            random, mark = key[len(PREFIX) : -MARK_LENGTH], key[-MARK_LENGTH:]
            if not hmac.compare_digest(mark.encode(), _mark(self._secret, random).encode()):
                raise NotAuthenticated("no-key")
            found = self._look_up(digest)
        if isinstance(found, NotAuthenticated):
            raise NotAuthenticated(found.kind)
        return found

    def is_cached(self, key: str) -> bool:
        """Whether `key` was in force a moment ago: told without asking the database."""
        return isinstance(self._cached_for(_digest(self._secret, key)), Principal)

    def _cached_for(self, digest: bytes) -> Principal | NotAuthenticated | None:
        until, found = self._cache.get(digest, (0.0, None))
        return found if time.monotonic() < until else None

    def _look_up(self, digest: bytes) -> Principal | NotAuthenticated:
        with self._pool.connection() as conn:
            row = conn.execute(QUERIES["find_key"], {"digest": digest}).fetchone()
        found: Principal | NotAuthenticated
        if row is None:
            found = NotAuthenticated("no-key")
        else:
            found = Principal(row["name"], (_grant(row),)) if row["in_force"] else NotAuthenticated("expired-key")
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        self._cache[digest] = (time.monotonic() + CACHE_SECONDS, found)
        return found
