"""Authentication and authorisation: API keys, tokens of an issuer, scopes, limits and the rate limit."""

import base64
import hmac
import http.server
import json
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import yaml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from psycopg.rows import dict_row

from service.auth import api_keys, rate_limit, tokens
from service.auth.grants import NotAuthenticated, Principal, grant
from service.example import DEMO_KEYS, ensure_demo_keys
from service.postgres.snapshots import keys_pool
from tests.service.conftest import SMALL_PLAN, content, live

SECRET = b"s" * 32
OFFICE = grant(["read", "post:fund"])


@pytest.fixture
def admin(database_url):
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        yield conn


@pytest.fixture
def ring(database_url, monkeypatch):
    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 0.0)
    pool = keys_pool(database_url)
    yield api_keys.Keyring(pool, SECRET)
    pool.close()


def kind_of(ring, key):
    with pytest.raises(NotAuthenticated) as refused:
        ring.authenticate(key)
    return refused.value.kind


def test_a_key_authenticates_with_its_grant(admin, ring):
    key = api_keys.create(admin, SECRET, "office", OFFICE)
    assert len(key) >= len(api_keys.PREFIX) + 43 + api_keys.MARK_LENGTH, "256 bits and the mark"
    principal = ring.authenticate(key)
    assert (principal.name, principal.grants) == ("office", (OFFICE,))


def test_a_key_that_was_never_created_does_not_authenticate(admin, ring):
    key = api_keys.create(admin, SECRET, "office", OFFICE)
    assert kind_of(ring, key + "x") == "no-key"
    assert kind_of(ring, api_keys.new(SECRET)) == "no-key"


def test_a_guessed_key_is_rejected_by_its_mark_without_a_database_query(admin, ring, monkeypatch):
    monkeypatch.setattr(ring, "_look_up", lambda _: pytest.fail("the database was queried"))
    for guess in ("suyuan_", "suyuan_" + "x" * 51, api_keys.new(b"another secret" * 3)):
        assert kind_of(ring, guess) == "no-key"


def test_a_key_is_never_stored(admin):
    key = api_keys.create(admin, SECRET, "office", OFFICE)
    rows = [*admin.execute("select * from api_key"), *admin.execute("select * from api_secret")]
    rows += admin.execute("select * from access_change").fetchall()
    assert key not in repr(rows)
    assert key.encode() not in b"".join(bytes(row["digest"]) for row in rows if "digest" in row)


def test_a_key_does_not_authenticate_under_another_secret(admin, database_url):
    key = api_keys.create(admin, SECRET, "office", OFFICE)
    pool = keys_pool(database_url)
    assert kind_of(api_keys.Keyring(pool, b"another secret" * 3), key) == "no-key"
    pool.close()


def test_a_revoked_key_does_not_authenticate_and_stays_listed(admin, ring):
    key = api_keys.create(admin, SECRET, "office", OFFICE)
    assert ring.authenticate(key)
    api_keys.revoke(admin, "office")
    assert kind_of(ring, key) == "expired-key"
    [listed] = api_keys.list_keys(admin)
    assert (listed.state, listed.secrets) == ("revoked", 0)
    with pytest.raises(api_keys.KeyEnded):
        api_keys.revoke(admin, "office")


def test_a_key_expires(admin, ring):
    now = datetime.now(UTC)
    key = api_keys.create(admin, SECRET, "past", OFFICE, now - timedelta(seconds=1))
    assert kind_of(ring, key) == "expired-key"
    assert api_keys.list_keys(admin)[0].state == "expired"
    assert ring.authenticate(api_keys.create(admin, SECRET, "future", OFFICE, now + timedelta(days=1)))


def test_both_keys_authenticate_during_a_rotation_and_only_the_new_one_after_it(admin, ring):
    old = api_keys.create(admin, SECRET, "office", OFFICE)
    new = api_keys.rotate(admin, SECRET, "office", timedelta(hours=1))
    assert ring.authenticate(old) == ring.authenticate(new)
    assert api_keys.list_keys(admin)[0].secrets == 2
    newest = api_keys.rotate(admin, SECRET, "office", timedelta())
    assert kind_of(ring, old) == kind_of(ring, new) == "expired-key"
    assert ring.authenticate(newest).name == "office"
    with pytest.raises(api_keys.NoSuchKey):
        api_keys.rotate(admin, SECRET, "nobody", timedelta())


def test_a_key_keeps_its_expiry_when_it_is_rotated(admin):
    end = datetime.now(UTC) + timedelta(days=3)
    api_keys.create(admin, SECRET, "office", OFFICE, end)
    api_keys.rotate(admin, SECRET, "office", timedelta(hours=1))
    assert api_keys.list_keys(admin)[0].expires_at == end


def test_the_last_use_of_a_key_is_recorded(admin, ring):
    key = api_keys.create(admin, SECRET, "office", OFFICE)
    assert api_keys.list_keys(admin)[0].last_used_at is None
    ring.authenticate(key)
    first = api_keys.list_keys(admin)[0].last_used_at
    assert first
    ring.authenticate(key)
    assert api_keys.list_keys(admin)[0].last_used_at == first, "precise to a minute, so that not every request writes"


def test_every_grant_and_revocation_is_kept_permanently(admin):
    api_keys.create(admin, SECRET, "office", grant(["read"], funds=["f"]))
    api_keys.rotate(admin, SECRET, "office", timedelta(hours=1))
    api_keys.revoke(admin, "office")
    changes = api_keys.history(admin)
    assert [change["action"] for change in changes] == ["created", "rotated", "revoked"]
    assert changes[0]["detail"] == {"scopes": ["read"], "funds": ["f"]}
    assert all(change["by"] for change in changes)
    for statement in ("update access_change set by = 'x'", "delete from access_change", "truncate access_change"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute(statement)


def test_a_database_refuses_a_secret_other_than_its_first(admin):
    assert not api_keys.check_secret(admin, SECRET), "a check claims nothing"
    api_keys.claim_secret(admin, SECRET)
    api_keys.claim_secret(admin, SECRET)
    assert api_keys.check_secret(admin, SECRET)
    for refuses in (api_keys.check_secret, api_keys.claim_secret):
        with pytest.raises(api_keys.OtherSecret):
            refuses(admin, b"another secret" * 3)


def test_a_name_is_never_used_again_because_events_carry_it(admin):
    api_keys.create(admin, SECRET, "office", OFFICE)
    api_keys.revoke(admin, "office")
    with pytest.raises(api_keys.KeyExists):
        api_keys.create(admin, SECRET, "office", OFFICE)


def test_demo_keys_are_created_once_in_a_file_that_only_its_owner_can_read(admin, ring, tmp_path):
    file = tmp_path / "demo-keys.json"
    ensure_demo_keys(admin, SECRET, file)
    first = file.read_text()
    ensure_demo_keys(admin, SECRET, file)
    assert file.read_text() == first
    assert file.stat().st_mode & 0o777 == 0o600
    for name, key in json.loads(first).items():
        assert (ring.authenticate(key).name, ring.authenticate(key).grants) == (name, (DEMO_KEYS[name],))
    assert len(api_keys.history(admin)) == len(DEMO_KEYS)


def test_a_demo_key_of_an_earlier_version_gets_its_sources_unless_it_was_revoked(admin, ring, tmp_path):
    file = tmp_path / "demo-keys.json"
    ensure_demo_keys(admin, SECRET, file)
    admin.execute("update api_key set sources = '{/own}'")
    api_keys.revoke(admin, "approver")
    ensure_demo_keys(admin, SECRET, file)
    sources = {each.name: each.grant.sources for each in api_keys.list_keys(admin)}
    assert sources["treasury"] == DEMO_KEYS["treasury"].sources | {"/own"}
    assert sources["approver"] == sources["auditor"] == {"/own"}


def test_a_new_demo_key_is_added_to_an_existing_file_and_the_others_are_unchanged(admin, ring, tmp_path):
    file = tmp_path / "demo-keys.json"
    ensure_demo_keys(admin, SECRET, file)
    before = {name: key for name, key in json.loads(file.read_text()).items() if name != "corrections"}
    file.write_text(json.dumps(before))
    ensure_demo_keys(admin, SECRET, file)
    after = json.loads(file.read_text())
    assert {name: after[name] for name in before} == before
    assert ring.authenticate(after["corrections"]).grants == (DEMO_KEYS["corrections"],)
    assert file.stat().st_mode & 0o777 == 0o600


def test_demo_keys_whose_file_was_lost_are_replaced_and_the_old_ones_revoked(admin, ring, tmp_path):
    file = tmp_path / "demo-keys.json"
    ensure_demo_keys(admin, SECRET, file)
    lost = json.loads(file.read_text())
    file.unlink()
    ensure_demo_keys(admin, SECRET, file)
    for name, key in json.loads(file.read_text()).items():
        assert ring.authenticate(key).name == name
        assert kind_of(ring, lost[name]) == "expired-key"


@pytest.fixture
def limited(api):
    """Funds f and g are established; the key `limited` is for fund f and source /test only."""
    for code in ("f", "g"):
        settings = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
        event = api.event("FundEstablished", f"fund/{code}", cites=["立项依据"], name="专项", settings=settings)
        assert api.post(event, "all").status_code == 201
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        granted = grant(["post:fund", "read"], funds=["f"], sources=["/test"])
        api.keys["limited"] = api_keys.create(conn, api.app.config["SECRET"], "limited", granted)
    api.fold()
    return api


def appropriation(api, fund, **more):
    event = api.event("AppropriationReceived", f"fund/{fund}", cites=["上级指标文号"], amount="1.00", budget_year=2019)
    return {**event, **more}


def test_a_key_limited_to_a_fund_cannot_post_to_another(limited):
    assert limited.post(appropriation(limited, "f"), "limited").status_code == 201
    refused = limited.post(appropriation(limited, "g"), "limited")
    assert (refused.status_code, refused.json["type"]) == (403, "/v1/problems/out-of-limits")


def test_a_key_limited_to_a_source_cannot_post_for_another(limited):
    refused = limited.post(appropriation(limited, "f", source="/elsewhere"), "limited")
    assert (refused.status_code, refused.json["type"]) == (403, "/v1/problems/wrong-source")


def test_a_key_limited_to_a_fund_cannot_read_another(limited):
    assert limited.get("/v1/funds/f", "limited").status_code == 200
    assert [fund["fund"] for fund in limited.get("/v1/funds", "limited").json["funds"]] == ["f"]
    for path in (
        "/v1/funds/g", "/v1/funds/g/balances", "/v1/funds/g/plan", "/v1/funds/g/movements", "/v1/funds/g/events",
        "/v1/payments?fund=g", "/v1/payments", "/v1/awards", "/v1/events", "/v1/refusals?fund=g",
        "/v1/refusals", "/v1/documents/x",
    ):  # fmt: skip
        assert limited.get(path, "limited").status_code == 403, path
    assert limited.get("/v1/events/1", "limited").status_code == 200
    assert content(limited.get("/v1/events/2", "limited")) == content(limited.get("/v1/events/99", "limited"))
    assert limited.get("/v1/payments?fund=f", "limited").status_code == 200


def test_a_project_of_another_fund_is_not_reached_by_a_claim_to_open_it(limited):
    """The fund of a project is taken from the log, not from the request. So the second item is out of limits."""
    live(limited, [e for e in limited.get("/v1/event-types", None).json["example_life"] if e["id"] <= "demo-005"])
    claim = limited.event("ProjectOpened", "project/demo-2025-01", fund="f")
    close = limited.event("ProjectClosed", "project/demo-2025-01", cites=["结项"])
    answer = limited.bundle([claim, close], "limited", "/v1/events?atomic=false")
    kinds = [each["type"] for each in answer.json["outcomes"]]
    assert kinds == ["/v1/problems/not-in-plan", "/v1/problems/out-of-limits"]


def test_a_key_limited_to_a_fund_cannot_administer(limited):
    with psycopg.connect(limited.url, autocommit=True, row_factory=dict_row) as conn:
        key = api_keys.create(conn, limited.app.config["SECRET"], "half", grant(["admin"], funds=["f"]))
    assert limited.get("/v1/keys", key).status_code == 403
    assert limited.get("/metrics", key).status_code == 403


def test_a_bundle_that_opens_a_project_of_the_fund_may_post_to_that_project(limited):
    bundle = [
        appropriation(limited, "f"),
        limited.event("PlanDrafted", "fund/f", **SMALL_PLAN),
        limited.event("PlanAdopted", "fund/f", cites=["局文"], draft=3),
        limited.event("ProjectOpened", "project/p", fund="f"),
        limited.event("ProjectClosed", "project/p", cites=["结项"]),
    ]
    assert limited.bundle(bundle, "limited").status_code == 201
    other = limited.event("ProjectOpened", "project/q", fund="g")
    assert limited.post(other, "limited").status_code == 403


def test_only_the_operator_sees_the_keys_and_the_metrics(api):
    for path in ("/v1/keys", "/metrics"):
        assert api.get(path, "auditor").status_code == 403
        assert api.get(path, "operator").status_code == 200
    shown = api.get("/v1/keys", "operator")
    assert {key["name"] for key in shown.json["keys"]} == {*DEMO_KEYS, "all"}
    assert not any(key in shown.text for key in api.keys.values())


def test_a_key_can_read_its_own_grants(limited):
    answer = limited.get("/v1/keys/self", "limited").json
    assert answer == {
        "name": "limited",
        "person": None,
        "grants": [{"scopes": ["post:fund", "read"], "funds": ["f"], "projects": [], "sources": ["/test"]}],
    }


def test_neither_the_requester_nor_the_key_of_the_request_may_approve_it(api):
    life = api.get("/v1/event-types", None).json["example_life"]
    first = next(n for n, event in enumerate(life) if event["type"] == "PaymentRequested")
    live(api, life[:first])
    assert api.post(life[first], "all").status_code == 201
    approval = life[first + 1]
    requester, other = life[first]["data"]["actor"], approval["data"]["actor"]

    def approved(key, actor):
        event = {**approval, "data": {**approval["data"], "actor": actor}}
        return api.post(event, key, "/v1/events?dry_run=true")

    for key, actor in (("all", other), ("all", requester), ("approver", requester)):
        assert approved(key, actor).json["rule"] == "RequesterMayNotApprove", (key, actor)
    assert approved("approver", other).json["outcome"] == "would_record"


@given(st.integers(1, 20), st.lists(st.floats(0, 0.4), max_size=200))
def test_no_second_of_the_clock_admits_more_requests_than_the_limit(limit, pauses):
    window, at, admitted = rate_limit._SlidingWindow(0), 0.0, Counter()
    for pause in pauses:
        at += pause
        admitted[int(at)] += window.count(at, limit)
    assert all(count <= limit for count in admitted.values())
    assert window.count(at + 2, limit), "after two idle seconds a request is admitted"


class Provider:
    """An OpenID Connect issuer that serves its discovery document and its keys over real HTTP, and issues tokens."""

    def __init__(self):
        self.key = RSAKey.generate_key(2048, {"kid": "k1"}, auto_kid=False)
        self.fetched = 0
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.fetched += 1
                discovery = {"issuer": provider.issuer, "jwks_uri": f"{provider.issuer}/keys"}
                documents = {"/.well-known/openid-configuration": discovery, "/keys": provider.jwks()}
                body = json.dumps(documents[self.path]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def jwks(self):
        return KeySet([self.key]).as_dict(private=False)

    def token(self, key=None, algorithm="RS256", **claims):
        now = int(time.time())
        default = {"iss": self.issuer, "aud": "suyuan", "exp": now + 300, "sub": "zhou", "roles": ["payer"], **claims}
        present = {name: value for name, value in default.items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": "k1"}, present, key or self.key, algorithms=[algorithm])


@contextmanager
def provided():
    provider = Provider()
    try:
        yield provider
    finally:
        provider.server.shutdown()
        provider.server.server_close()


@pytest.fixture
def provider():
    with provided() as provider:
        yield provider


def issuer(provider, folder, **more):
    file = folder / "oidc.yaml"
    roles = {
        "payer": {"scopes": ["post:payment", "read"], "funds": ["f"], "sources": ["/bank"]},
        "clerk": {"scopes": ["read"]},
    }
    settings = {"issuer": provider.issuer, "audience": "suyuan", "roles": roles, **more}
    file.write_text(yaml.safe_dump(settings))
    return tokens.read(file)


def test_a_token_s_roles_are_mapped_to_grants(provider, tmp_path):
    principal = issuer(provider, tmp_path).authenticate(provider.token(roles=["payer", "stranger"]))
    assert principal.name == "oidc:zhou"
    assert principal.grants == (grant(["post:payment", "read"], ["f"], sources=["/bank"]),)
    assert principal.may("read", "f")
    assert not principal.may("read", "g")


def test_the_limits_of_one_role_do_not_apply_to_another(provider, tmp_path):
    principal = issuer(provider, tmp_path).authenticate(provider.token(roles=["payer", "clerk"]))
    assert principal.may("read", "g")
    assert not principal.may("post:payment", "g")


def test_the_source_of_one_grant_and_the_fund_of_another_do_not_combine():
    either = grant(["post:fund"], ["f"], sources=["/other"]), grant(["post:fund"], ["g"], sources=["/s"])
    both = Principal("oidc:x", either)
    assert both.may("post:fund", "f", None, "/other")
    assert both.may("post:fund", "g", None, "/s")
    assert not both.may("post:fund", "g", None, "/other")


def test_a_role_that_may_post_names_the_sources_of_its_events(tmp_path):
    role = {"scopes": ["approve:payment"], "funds": ["f"]}
    file = tmp_path / "oidc.yaml"
    file.write_text(json.dumps({"issuer": "https://sso.example", "audience": "suyuan", "roles": {"approver": role}}))
    with pytest.raises(tokens.TokenFileWrong, match="来源"):
        tokens.read(file)


def test_a_token_without_a_mapped_role_has_no_grants(provider, tmp_path):
    assert issuer(provider, tmp_path).authenticate(provider.token(roles=["stranger"])).grants == ()


def signed(provider, header, body):
    """A token with exactly these bytes as header and body, and with a valid signature of the issuer."""
    signed_part = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, body))
    signature = provider.key.private_key.sign(signed_part, padding.PKCS1v15(), hashes.SHA256())
    return (signed_part + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def forged(provider):
    """Tokens that must not authenticate, by the fault of each token."""
    header, body, signature = provider.token().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').rstrip(b"=").decode()
    hs256 = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').rstrip(b"=").decode()
    by_public_key = hmac.digest(provider.key.as_pem(private=False), f"{hs256}.{body}".encode(), "sha256")
    return {
        "another issuer": provider.token(iss="http://other.example"),
        "another audience": provider.token(aud="other"),
        "no audience": provider.token(aud=None),
        "no expiry": provider.token(exp=None),
        "not yet": provider.token(nbf=int(time.time()) + 900),
        "another key": provider.token(RSAKey.generate_key(2048, {"kid": "k1"}, auto_kid=False)),
        "no signature": f"{none}.{body}.",
        "the public key as a shared secret": f"{hs256}.{body}."
        + base64.urlsafe_b64encode(by_public_key).rstrip(b"=").decode(),
        "an algorithm that is not listed": provider.token(ECKey.generate_key("P-256", {"kid": "k1"}), "ES256"),
        "a body of another": f"{header}.{provider.token(sub='wu').split('.')[1]}.{signature}",
        "no name": provider.token(sub=None),
        "rubbish": "x.y.z",
        "too long": "x" * 20_000,
        "a header that breaks parsers": signed(provider, b'{"alg":"RS256","kid":"k1","crit":1}', b"{}"),
        "a body that breaks parsers": signed(provider, b'{"alg":"RS256","kid":"k1"}', b"[" * 5_000),
        "a name with an unseen end": provider.token(sub="zhou "),
    }


def test_a_forged_token_does_not_authenticate(provider, tmp_path):
    authenticator = issuer(provider, tmp_path)
    for fault, token in forged(provider).items():
        with pytest.raises(NotAuthenticated) as refused:
            authenticator.authenticate(token)
        assert refused.value.kind == "no-key", fault


def test_an_expired_token_is_reported_as_expired(provider, tmp_path):
    with pytest.raises(NotAuthenticated) as refused:
        issuer(provider, tmp_path).authenticate(provider.token(exp=int(time.time()) - 60))
    assert refused.value.kind == "expired-key"


def test_a_new_key_of_the_issuer_is_fetched_and_forged_tokens_cause_no_more_fetches(provider, tmp_path, monkeypatch):
    authenticator = issuer(provider, tmp_path)
    assert authenticator.authenticate(provider.token())
    provider.key = RSAKey.generate_key(2048, {"kid": "k1"}, auto_kid=False)
    monkeypatch.setattr(tokens, "FETCHED_AGAIN_SECONDS", 0.0)
    assert authenticator.authenticate(provider.token())
    monkeypatch.undo()
    before = provider.fetched
    for token in forged(provider).values():
        with pytest.raises(NotAuthenticated):
            authenticator.authenticate(token)
    assert provider.fetched == before


def test_an_unreachable_issuer_has_its_own_problem_type_and_its_cached_keys_stay_valid(tmp_path):
    with provided() as provider:
        authenticator, fresh = issuer(provider, tmp_path), issuer(provider, tmp_path)
        token = provider.token()
        assert authenticator.authenticate(token)
    assert authenticator.authenticate(token).name == "oidc:zhou"
    with pytest.raises(NotAuthenticated) as refused:
        fresh.authenticate(token)
    assert refused.value.kind == "issuer-unavailable"


def test_an_issuer_that_was_unreachable_at_first_is_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "FETCHED_AGAIN_SECONDS", 0.0)
    with provided() as provider:
        late = issuer(provider, tmp_path)
        token = provider.token()
        with monkeypatch.context() as patch:
            patch.setattr(tokens.Issuer, "_discovered", lambda *_: (_ for _ in ()).throw(OSError("unreachable")))
            with pytest.raises(NotAuthenticated) as refused:
                late.authenticate(token)
        assert refused.value.kind == "issuer-unavailable"
        assert late.authenticate(token).name == "oidc:zhou"


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"issuer": "x"},
        {"roles": {"a": {}}},
        {"roles_claim": ""},
        {"roles_claim": "a..b"},
        {"roles_claim": []},
        {"name_claim": [1]},
        {"name_claim": {}},
    ],
)
def test_a_wrong_token_file_raises_token_file_wrong(provider, tmp_path, wrong):
    with pytest.raises(tokens.TokenFileWrong):
        issuer(provider, tmp_path, **wrong)
