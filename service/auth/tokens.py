"""Authenticates tokens (JWT) of an OpenID Connect issuer; a configuration file maps their roles to grants."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from threading import Lock
from typing import Any, cast

import structlog
import yaml
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from service.auth import issuer_documents
from service.auth.grants import POSTING, SCOPES, Grant, NotAuthenticated, Principal, grant
from service.config import OperatorError
from service.yaml_file.document import FileUnreadable, bytes_of

log = structlog.get_logger()

FETCH_SECONDS = 5.0
"""The issuer's keys, and before them its discovery document, are fetched within this time in all."""
MAX_KEYS_AGE_SECONDS = 600.0
"""The keys with which the issuer's tokens are verified are fetched again when they are older than this."""
FETCHED_AGAIN_SECONDS = 10.0
"""If a token cannot be verified, the issuer's keys are fetched again, unless the last fetch is at most this long ago.
"""
LEEWAY_SECONDS = 30
NAME = re.compile("[!-~]{1,100}")
"""The form of the claim that becomes the name of the principal, usually `sub`: only visible ASCII, so that two
different names never look the same."""
SUBJECT = re.compile("[!-~]{1,255}")
"""The form of a token's subject (`sub`), which names a person together with the issuer (OpenID Connect Core, 2)."""
MAX_TOKEN_LENGTH = 16_384
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""The accepted algorithms: only asymmetric signatures. Shared secrets (HS…) and `none` are never accepted."""


NO_SOURCE = "a role that may post names the sources of its events 可以提交事件的角色须写明来源"


class TokenFileWrong(OperatorError):
    """The configuration file that SUYUAN_OIDC names is missing or invalid."""

    def __init__(self, file: Path, reason: object) -> None:
        super().__init__(f"{file}: {reason}\nSUYUAN_OIDC 配置文件有误。")


class _Role(Schema):
    """The grant of those who have the role. `program`: they are programs, so that a token's subject is no person."""

    scopes = fields.List(fields.String(validate=validate.OneOf(SCOPES)), required=True)
    program = fields.Boolean(load_default=False)
    funds = fields.List(fields.String(), load_default=())
    projects = fields.List(fields.String(), load_default=())
    sources = fields.List(fields.String(), load_default=())

    @validates_schema
    def _names_sources(self, role: Mapping[str, Any], **_: Any) -> None:
        if POSTING.intersection(role["scopes"]) and not role["sources"]:
            raise ValidationError(NO_SOURCE, "sources")


class _Path(fields.Field[tuple[str, ...]]):
    """The path to a member of a token: names with dots between them, or a list of names, which may have dots."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        names = value.split(".") if isinstance(value, str) else value
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise ValidationError("must be a path such as realm_access.roles, or a list of names")
        return tuple(names)


class _File(Schema):
    issuer = fields.Url(required=True, require_tld=False)
    audience = fields.String(required=True)
    algorithms = fields.List(
        fields.String(validate=validate.OneOf(ALGORITHMS)), load_default=("RS256",), validate=validate.Length(min=1)
    )
    jwks_uri = fields.Url(require_tld=False, load_default=None)
    name_claim = _Path(load_default=("sub",))
    roles_claim = _Path(load_default=("roles",))
    roles = fields.Dict(keys=fields.String(), values=fields.Nested(_Role), required=True)


class Issuer:
    """The trusted token issuer, configured by a file (docs/api.md)."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._programs = {name for name, role in settings["roles"].items() if role["program"]}
        self._roles: dict[str, Grant] = {
            name: grant(role["scopes"], role["funds"], role["projects"], role["sources"])
            for name, role in settings["roles"].items()
        }
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings["issuer"]},
            aud={"essential": True, "value": settings["audience"]},
            exp={"essential": True},
        )
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._lock = Lock()

    def authenticate(self, token: str) -> Principal:
        """The principal of `token`, with the grants that the configuration file gives to the token's roles, if any.

        Raises NotAuthenticated if the token is invalid or expired, or if the issuer's keys are not available.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise NotAuthenticated("no-key")
        claims = self._verified(token)
        name = _claim(claims, self._settings["name_claim"])
        roles = _claim(claims, self._settings["roles_claim"])
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise NotAuthenticated("no-key")
        role_names = [roles] if isinstance(roles, str) else roles if isinstance(roles, list) else []
        held = [role for role in role_names if isinstance(role, str) and role in self._roles]
        person = None if self._programs.intersection(held) else self._person(claims.get("sub"))
        return Principal(f"oidc:{name}", tuple(self._roles[role] for role in held), person)

    def _person(self, subject: Any) -> str | None:
        """The person whom the issuer calls `subject`. An issuer never gives a subject to another person."""
        valid = isinstance(subject, str) and SUBJECT.fullmatch(subject)
        return f"{self._settings['issuer']}#{subject}" if valid else None

    def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            try:
                return self._read(token, self._current_keys(MAX_KEYS_AGE_SECONDS))
            except (JoseError, ValueError):  # the issuer may have changed its keys
                return self._read(token, self._current_keys(FETCHED_AGAIN_SECONDS))
        except NotAuthenticated:
            raise
        except ExpiredTokenError as error:
            raise NotAuthenticated("expired-key") from error
        except Exception as error:  # a forged token may trigger any error in the parser
            raise NotAuthenticated("no-key") from error

    def _read(self, token: str, keys: KeySet) -> Mapping[str, Any]:
        decoded = jwt.decode(token, keys, algorithms=list(self._settings["algorithms"]))
        self._claims.validate(decoded.claims)
        return decoded.claims

    def _current_keys(self, max_age_seconds: float) -> KeySet:
        """The issuer's keys, fetched again if they are older than `max_age_seconds`.

        If newer keys cannot be fetched, returns the older ones. Raises NotAuthenticated if there are no keys at all.
        """
        max_age = max_age_seconds if self._keys else FETCHED_AGAIN_SECONDS
        if time.monotonic() - self._fetched_at > max_age and self._lock.acquire(blocking=False):
            try:
                if time.monotonic() - self._fetched_at > max_age:  # another thread may have fetched them just now
                    self._fetch()
            finally:
                self._lock.release()
        if self._keys is None:
            raise NotAuthenticated("issuer-unavailable")
        return self._keys

    def _fetch(self) -> None:
        """Fetch the issuer's keys; the old keys stay in use if that fails."""
        deadline = time.monotonic() + FETCH_SECONDS
        try:
            uri = self._settings["jwks_uri"] or self._discovered(deadline)
            self._keys = KeySet.import_key_set(issuer_documents.fetch(uri, deadline))  # type: ignore[arg-type]
        except (OSError, ValueError, KeyError, JoseError) as error:
            log.warning("the issuer's keys cannot be fetched", issuer=self._settings["issuer"], reason=repr(error))
        self._fetched_at = time.monotonic()

    def _discovered(self, deadline: float) -> str:
        address = self._settings["issuer"].rstrip("/") + "/.well-known/openid-configuration"
        return str(issuer_documents.fetch(address, deadline)["jwks_uri"])


def read(file: Path) -> Issuer:
    """The issuer that a YAML file describes. Raises TokenFileWrong."""
    try:
        return Issuer(cast(dict[str, Any], _File().load(yaml.safe_load(bytes_of(file)))))
    except (OSError, ValueError, FileUnreadable, yaml.YAMLError) as error:
        raise TokenFileWrong(file, error) from error
    except ValidationError as error:
        raise TokenFileWrong(file, error.messages) from error


def _claim(claims: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value at `path` in the claims, None if there is none.

    The path ("realm_access", "roles") is the member `roles` of the claim `realm_access`, and nothing else: a claim with
    the name `realm_access.roles` may be one that a user has chosen.
    """
    return reduce(lambda value, name: value.get(name) if isinstance(value, dict) else None, path, cast(Any, claims))
