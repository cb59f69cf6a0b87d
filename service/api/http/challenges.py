"""The header WWW-Authenticate: what is wrong with the credentials of a request (RFC 6750)."""

from __future__ import annotations

from service.api.http.problem_types import PROBLEM_TYPES

REALM = 'Bearer realm="suyuan"'


def of_unauthenticated(kind: str, authorization: str | None) -> dict[str, str]:
    """The header of a 401 with the problem type `kind`. `authorization`: the request's header Authorization.

    There is an error code only if the request has a bearer credential. Without one, or with another scheme, the client
    does not know yet what it must send (RFC 6750, section 3.1).
    """
    scheme, _, credential = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        return {"WWW-Authenticate": REALM}
    return {"WWW-Authenticate": f"{REALM}, {_error('invalid_token', kind)}"}


def of_forbidden(kind: str, scope: str | None) -> dict[str, str]:
    """The header of a 403 with the problem type `kind`.

    `scope`: the scope that the key lacks; None if the key has the scope, but not for this fund, project or source.
    """
    lacking = f', scope="{scope}"' if scope else ""
    return {"WWW-Authenticate": f"{REALM}, {_error('insufficient_scope', kind)}{lacking}"}


def _error(code: str, kind: str) -> str:
    """The error code and its description: the problem type's English title, which is ASCII without quotation marks."""
    return f'error="{code}", error_description="{PROBLEM_TYPES[kind].title}"'
