"""Authenticates the Authorization header of a request: an API key, or a token of the trusted identity provider."""

from __future__ import annotations

from service.auth.api_keys import PREFIX, Keyring
from service.auth.grants import NotAuthenticated, Principal
from service.auth.tokens import Issuer


class Authenticator:
    """Finds the principal of a request. `issuer`: the token issuer that is trusted, if any."""

    def __init__(self, keyring: Keyring, issuer: Issuer | None) -> None:
        self._keyring, self._issuer = keyring, issuer

    def is_cached(self, authorization: str) -> bool:
        """Whether the API key in the header `authorization` is cached as valid. Never queries the database."""
        scheme, _, bearer = authorization.partition(" ")
        return scheme.lower() == "bearer" and bearer.isascii() and self._keyring.is_cached(bearer.strip())

    def authenticate(self, authorization: str) -> Principal:
        """The principal that the header `authorization` authenticates. Raises NotAuthenticated."""
        scheme, _, bearer = authorization.partition(" ")
        bearer = bearer.strip()
        if scheme.lower() != "bearer" or not bearer.isascii():
            raise NotAuthenticated("no-key")
        if bearer.startswith(PREFIX):
            return self._keyring.authenticate(bearer)
        if self._issuer:
            return self._issuer.authenticate(bearer)
        raise NotAuthenticated("no-key")
