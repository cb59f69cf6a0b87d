"""An answer that refuses the credentials of a request says what is wrong with them, as RFC 6750 defines."""

import re

import psycopg
import pytest
from psycopg.rows import dict_row

from service.api.http import challenges
from service.api.http.problem_types import PROBLEM_TYPES
from service.auth import api_keys
from service.auth.grants import grant
from tests.service.conftest import SECRET
from tests.service.test_gateway import Served

REALM = 'Bearer realm="suyuan"'
UNKNOWN = (
    f'{REALM}, error="invalid_token", error_description="A valid API key or token is required as a Bearer credential."'
)
EXPIRED = f'{REALM}, error="invalid_token", error_description="This key or token has expired or was revoked."'
WRONG_SCOPE = (
    f'{REALM}, error="insufficient_scope", error_description="This key does not have the required scope.", scope='
)


@pytest.fixture
def admin(api):
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        yield conn


@pytest.fixture
def callers(api):
    """The service called through its gateway, and without it."""
    server = Served(api)

    def called(method, path, authorization):
        headers = {"Authorization": authorization} if authorization is not None else {}
        status, given, _ = server.call(method, path, None, None, **headers)
        bare = api.client.open(path, method=method, headers=headers)
        assert (bare.status_code, bare.headers["WWW-Authenticate"]) == (status, given["WWW-Authenticate"])
        return status, given["WWW-Authenticate"]

    yield called
    server.stop()


def test_a_401_has_an_error_code_only_if_the_request_has_a_credential(callers):
    guess, unknown = "suyuan_" + "x" * 51, api_keys.new(SECRET)
    for authorization, challenge in (
        (None, REALM),
        ("", REALM),
        ("Basic dTpw", REALM),
        ("Bearer", REALM),
        ("Bearer  ", REALM),
        (f"Bearer {guess}", UNKNOWN),
        (f"bearer {unknown}", UNKNOWN),
        ("Bearer a.token.elsewhere", UNKNOWN),
    ):
        assert callers("GET", "/v1/funds", authorization) == (401, challenge), authorization


def test_a_401_for_an_expired_or_revoked_key_says_so(api, callers, admin):
    api_keys.revoke(admin, "auditor")
    assert callers("GET", "/v1/funds", f"Bearer {api.keys['auditor']}") == (401, EXPIRED)


def test_a_403_names_the_scope_that_the_key_lacks(api, callers):
    assert callers("GET", "/v1/keys", f"Bearer {api.keys['auditor']}") == (403, f'{WRONG_SCOPE}"admin"')
    event = api.event("FundEstablished", "fund/f", cites=["立项依据"], name="甲", settings={})
    refused = api.post(event, "auditor")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (403, f'{WRONG_SCOPE}"post:fund"')


def test_a_403_for_another_fund_names_no_scope_because_no_scope_would_help(api, admin):
    key = api_keys.create(admin, SECRET, "limited", grant(["read"], funds=["f"]))
    outside = api.get("/v1/payments", key)
    assert outside.status_code == 403
    assert outside.headers["WWW-Authenticate"].startswith(f'{REALM}, error="insufficient_scope"')
    assert "scope=" not in outside.headers["WWW-Authenticate"]


def test_every_description_of_an_error_has_only_the_characters_that_the_standard_allows():
    kinds = [kind for kind, about in PROBLEM_TYPES.items() if about.status in (401, 403)]
    assert len(kinds) == 5
    for kind in kinds:
        for header in (challenges.of_unauthenticated(kind, "Bearer x"), challenges.of_forbidden(kind, None)):
            [described] = re.findall('error_description="([^"]*)"', header["WWW-Authenticate"])
            assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", described)
