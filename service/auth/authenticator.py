"""Authenticates the Authorization header of a request: an API key, or a token of the trusted identity provider."""

from __future__ import annotations

import hashlib
import time

from service.auth.api_keys import CACHE_SECONDS, MAX_CACHED, PREFIX, Keyring
from service.auth.grants import NotAuthenticated, Principal
from service.auth.tokens import Issuer


class Authenticator:
    """Finds the principal of a request. `issuer`: the token issuer that is trusted, if any."""

    def __init__(self, keyring: Keyring, issuer: Issuer | None) -> None:
        self._keyring, self._issuer = keyring, issuer
        self._tokens: dict[bytes, tuple[float, Principal]] = {}
        """By the hash of each token: until when it is cached as valid, and its principal."""

    def cached(self, authorization: str) -> Principal | None:
        """The principal of the header `authorization`, if it was found less than CACHE_SECONDS ago.

        Never queries the database or the issuer.
        """
        scheme, _, bearer = authorization.partition(" ")
        if scheme.lower() != "bearer" or not bearer.isascii():
            return None
        bearer = bearer.strip()
        if bearer.startswith(PREFIX):
            return self._keyring.cached(bearer)
        until, principal = self._tokens.get(_hash(bearer), (0.0, None))
        return principal if time.monotonic() < until else None

    def authenticate(self, authorization: str) -> Principal:
        """The principal that the header `authorization` authenticates. Raises NotAuthenticated."""
        scheme, _, bearer = authorization.partition(" ")
        bearer = bearer.strip()
        if scheme.lower() != "bearer" or not bearer.isascii():
            raise NotAuthenticated("no-key")
        if bearer.startswith(PREFIX):
            return self._keyring.authenticate(bearer)
        if self._issuer:
            principal = self._issuer.authenticate(bearer)
            if len(self._tokens) >= MAX_CACHED:
                self._tokens.clear()
            self._tokens[_hash(bearer)] = time.monotonic() + CACHE_SECONDS, principal
            return principal
        raise NotAuthenticated("no-key")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
