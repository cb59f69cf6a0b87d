"""API keys: 256 random bits, shown once and stored only as a keyed hash. Keys can expire, be rotated and be revoked."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege, UniqueViolation
from psycopg.types.json import Jsonb

from service.auth.grants import POSTING, Grant, NotAuthenticated, Principal, grant
from service.config import OperatorError
from service.look_alikes import alike
from service.postgres.queries import QUERIES
from service.postgres.session import Pool
from service.text import escaped

PREFIX = "suyuan_"
MARK_LENGTH = 8
"""The number of hexadecimal digits of the mark at the end of a key. The mark is a truncated HMAC, which shows that the
key was made with this ledger's secret."""
CACHE_SECONDS = 2.0
"""How long the result of looking up an API key is cached; the revocation of a key takes effect within this time."""
MAX_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The public data of the keys of one name, without the keys themselves.

    `person`: who uses the key; None if it names nobody. `secrets`: how many keys of this name are valid now; there can
    be more than one during a rotation.
    `expires_at`: when the last key of this name expires; None if a key of this name never expires.
    """

    name: str
    grant: Grant
    created_at: datetime
    revoked_at: datetime | None
    secrets: int
    expires_at: datetime | None
    last_used_at: datetime | None
    person: str | None = None

    @property
    def may_post_with_no_source(self) -> bool:
        """Whether the key is in force and may post, but names no source, so that it cannot post any event."""
        return self.state == "in force" and bool(self.grant.scopes & POSTING) and not self.grant.sources

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "in force" if self.secrets else "expired"


class KeyExists(Exception):
    """There is, or was, a key of this name. Names are never reused, because they are recorded in events."""


class LooksLikeAnother(Exception):
    """The name of a new key looks like that of the key `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class NamesAnother(Exception):
    """The key names the person `person` already. It is handed to another person by a rotation."""

    def __init__(self, person: str) -> None:
        super().__init__(person)
        self.person = person


class NoSuchKey(Exception):
    """There has never been a key of this name."""


class KeyEnded(Exception):
    """The key was revoked, or expired, at `at`. A key that expired can be rotated if it gets a new expiry."""

    def __init__(self, at: datetime, *, revoked: bool) -> None:
        super().__init__(at, revoked)
        self.at, self.revoked = at, revoked


class OtherSecret(OperatorError):
    """The database was set up with another secret than the configured one.

    Under the configured secret, API keys and account numbers have other digests than those in the database.
    """

    def __init__(self) -> None:
        super().__init__(
            "SUYUAN_SECRET (or the file `secret` in SUYUAN_HOME) is not the secret this database was set up with.\n"
            "SUYUAN_SECRET（或 SUYUAN_HOME 中的 secret 文件）与建库时不同。"
        )


class NoSecret(OperatorError):
    """The database has no secret yet, and its role may not set it up."""

    def __init__(self) -> None:
        super().__init__(
            "this database has no secret yet: run `suyuan migrate` as its owner.\n"
            "此数据库尚未登记密钥：请以所有者角色运行 suyuan migrate。"
        )


def check_secret(conn: Connection[Any], secret: bytes) -> bool:
    """Whether the database was already set up with `secret`; False if it has no secret yet. Writes nothing.

    Raises OtherSecret if the database was set up with another secret.
    """
    row = conn.execute(QUERIES["fingerprint"]).fetchone()
    if row and not hmac.compare_digest(bytes(row["fingerprint"]), _fingerprint(secret)):
        raise OtherSecret
    return row is not None


def claim_secret(conn: Connection[Any], secret: bytes) -> None:
    """Set up the database with `secret`, if the database has no secret yet.

    Raises OtherSecret if the database was set up with another secret, and NoSecret if the role may not set it up.
    """
    if not check_secret(conn, secret):
        try:
            conn.execute(QUERIES["claim_secret"], {"fingerprint": _fingerprint(secret)})
        except InsufficientPrivilege as error:
            raise NoSecret from error
        check_secret(conn, secret)  # another process may have claimed it meanwhile


def fingerprint(secret: bytes) -> str:
    """A digest that identifies the secret without disclosing it."""
    return _fingerprint(secret).hex()


def _fingerprint(secret: bytes) -> bytes:
    return hmac.digest(secret, b"the secret of this ledger", hashlib.sha256)


def new(secret: bytes) -> str:
    """A new random key that ends with a mark computed from `secret`.

    A guessed key lacks the right mark, and is rejected without a database query.
    """
    random = secrets.token_urlsafe(32)
    return PREFIX + random + _mark(secret, random)


def create(
    conn: Connection[Any],
    secret: bytes,
    name: str,
    of: Grant,
    expires_at: datetime | None = None,
    *,
    person: str | None = None,
    reason: str | None = None,
) -> str:
    """Create a key and return it. Raises KeyExists, LooksLikeAnother.

    `of`: the key's grant. Only a digest of the key is stored, so the key cannot be shown again. `person`: who uses the
    key; None if several people or a program do. `reason`: why the key is created, for the history.
    """
    key = new(secret)
    with conn.transaction():
        for other in list_keys(conn):
            if other.name != name and alike(other.name, name):
                raise LooksLikeAnother(other.name)
        try:
            conn.execute(QUERIES["create_key"], {"name": name, "person": person, **_lists(of)})
        except UniqueViolation as error:
            raise KeyExists(name) from error
        _add_secret(conn, secret, name, key, expires_at)
        until = expires_at and expires_at.isoformat()
        _log_change(conn, name, "created", **_lists(of), person=person, expires_at=until, reason=reason)
    return key


def ensure(conn: Connection[Any], secret: bytes, name: str, key: str, of: Grant, *, person: str | None = None) -> None:
    """Make the demo key `key` valid under `name`. If the key is already stored, only sources are added to it.

    `of`: the key's grant, and `person` who uses it, if the name is new. If `key` is not stored yet, earlier keys of
    this name expire now, because the file of demo keys was lost.
    """
    if conn.execute(QUERIES["find_secret"], {"digest": _digest(secret, key)}).fetchone():
        [stored] = (each for each in list_keys(conn) if each.name == name)
        missing = of.sources - stored.grant.sources
        if missing and not stored.revoked_at:  # a version before 2026-12 created the key
            allow(conn, name, missing)
        return
    with conn.transaction():
        created = conn.execute(QUERIES["ensure_key"], {"name": name, "person": person, **_lists(of)}).rowcount == 1
        conn.execute(QUERIES["expire_secrets"], {"name": name, "overlap": timedelta()})
        _add_secret(conn, secret, name, key, None)
        if created:
            _log_change(conn, name, "created", **_lists(of), person=person)
        else:
            _log_change(conn, name, "rotated", **_lists(of))


def rotate(
    conn: Connection[Any],
    secret: bytes,
    name: str,
    overlap: timedelta,
    expires_at: datetime | None = None,
    *,
    person: str | None = None,
    reason: str | None = None,
) -> str:
    """Create and return a new key of this name; the old one stays valid for `overlap` at most.

    Without `expires_at`, the new key expires when the old one would have expired. `person`: who uses the new key, if it
    is handed over; then the old one ends now, because events name one person for a key. `reason`: why, for the history.
    Raises NoSuchKey; KeyEnded if the key was revoked, or if it has expired and there is no `expires_at`.
    """
    key = new(secret)
    with conn.transaction():
        row = _lock(conn, name)
        if row["expired"] and expires_at is None:
            raise KeyEnded(row["expires_at"], revoked=False)
        expires_at = expires_at or row["expires_at"]
        if person:
            overlap = timedelta()
            conn.execute(QUERIES["name_person"], {"name": name, "person": person})
        conn.execute(QUERIES["expire_secrets"], {"name": name, "overlap": overlap})
        _add_secret(conn, secret, name, key, expires_at)
        until = expires_at and expires_at.isoformat()
        _log_change(conn, name, "rotated", overlap=str(overlap), expires_at=until, person=person, reason=reason)
    return key


def allow(conn: Connection[Any], name: str, sources: Collection[str], *, reason: str | None = None) -> None:
    """Let the keys of this name also post events of `sources`. `reason`: why, for the history.

    Raises NoSuchKey, or KeyEnded if the key was revoked.
    """
    with conn.transaction():
        _lock(conn, name)
        conn.execute(QUERIES["add_sources"], {"name": name, "sources": sorted(sources)})
        _log_change(conn, name, "allowed", sources=sorted(sources), reason=reason)


def name_person(conn: Connection[Any], name: str, person: str, *, reason: str | None = None) -> None:
    """Name the person who uses a key that names nobody yet. Raises NoSuchKey, KeyEnded if it was revoked, NamesAnother.

    `reason`: why, for the history. Naming the same person again changes nothing.
    """
    with conn.transaction():
        known = _lock(conn, name)["person"]
        if known not in (None, person):
            raise NamesAnother(known)
        if known is None:
            conn.execute(QUERIES["name_person"], {"name": name, "person": person})
            _log_change(conn, name, "named", person=person, reason=reason)


def revoke(conn: Connection[Any], name: str, *, reason: str | None = None) -> None:
    """Revoke all keys of this name. `reason`: why, for the history. Raises NoSuchKey, or KeyEnded if it was revoked."""
    with conn.transaction():
        _lock(conn, name)
        conn.execute(QUERIES["revoke_key"], {"name": name})
        _log_change(conn, name, "revoked", reason=reason)


def _lock(conn: Connection[Any], name: str) -> dict[str, Any]:
    """Lock the key of this name until the transaction ends. Raises NoSuchKey, or KeyEnded if it was revoked."""
    row: dict[str, Any] | None = conn.execute(QUERIES["lock_key"], {"name": name}).fetchone()
    if row is None:
        raise NoSuchKey(name)
    if row["revoked_at"]:
        raise KeyEnded(row["revoked_at"], revoked=True)
    return row


def list_keys(conn: Connection[Any]) -> list[KeyRecord]:
    """All keys, including revoked and expired ones, oldest first."""
    return [
        KeyRecord(
            row["name"],
            _grant(row),
            row["created_at"],
            row["revoked_at"],
            row["secrets"],
            row["expires_at"],
            row["last_used_at"],
            row["person"],
        )
        for row in conn.execute(QUERIES["list_keys"])
    ]


def history(conn: Connection[Any]) -> list[dict[str, Any]]:
    """All changes to keys, oldest first: rows of `at`, `key`, `action`, `by`, `reason`, `detail`."""
    return list(conn.execute(QUERIES["access_changes"]))


def _add_secret(conn: Connection[Any], secret: bytes, name: str, key: str, expires_at: datetime | None) -> None:
    row = {"digest": _digest(secret, key), "name": name, "expires_at": expires_at}
    conn.execute(QUERIES["add_secret"], row)


def _log_change(conn: Connection[Any], name: str, action: str, **detail: Any) -> None:
    given = {key: value for key, value in detail.items() if value}
    conn.execute(
        QUERIES["note_access_change"], {"key": name, "action": action, "by": operator(), "detail": Jsonb(given)}
    )


MAX_OPERATOR = 100


def operator() -> str:
    """The operating system user who runs the command. The name is escaped, because LOGNAME may contain anything."""
    try:
        return escaped(getpass.getuser())[:MAX_OPERATOR]
    except (OSError, KeyError):  # in a container the user may have only a number
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
    """Authenticates API keys; the result of each lookup is cached for CACHE_SECONDS."""

    def __init__(self, pool: Pool, secret: bytes) -> None:
        self._pool, self._secret = pool, secret
        self._cache: dict[bytes, tuple[float, Principal | NotAuthenticated]] = {}

    def authenticate(self, key: str) -> Principal:
        """The principal of `key`. Raises NotAuthenticated."""
        digest = _digest(self._secret, key)
        result = self._cached_for(digest)
        if result is None:
            random, mark = key[len(PREFIX) : -MARK_LENGTH], key[-MARK_LENGTH:]
            if not hmac.compare_digest(mark.encode(), _mark(self._secret, random).encode()):
                raise NotAuthenticated("no-key")
            result = self._look_up(digest)
        if isinstance(result, NotAuthenticated):
            raise NotAuthenticated(result.kind)
        return result

    def cached(self, key: str) -> Principal | None:
        """The principal of `key`, if `key` is cached as valid. Never queries the database."""
        result = self._cached_for(_digest(self._secret, key))
        return result if isinstance(result, Principal) else None

    def _cached_for(self, digest: bytes) -> Principal | NotAuthenticated | None:
        expires_at, result = self._cache.get(digest, (0.0, None))
        return result if time.monotonic() < expires_at else None

    def _look_up(self, digest: bytes) -> Principal | NotAuthenticated:
        with self._pool.connection() as conn:
            row = conn.execute(QUERIES["find_key"], {"digest": digest}).fetchone()
            if row and row["in_force"] and row["use_is_news"]:
                with suppress(psycopg.Error):  # a standby or a full disk: the key is valid all the same
                    conn.execute(QUERIES["key_used"], {"digest": digest})
        result: Principal | NotAuthenticated
        if row is None:
            result = NotAuthenticated("no-key")
        else:
            principal = Principal(row["name"], (_grant(row),), row["person"])
            result = principal if row["in_force"] else NotAuthenticated("expired-key")
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        self._cache[digest] = (time.monotonic() + CACHE_SECONDS, result)
        return result
