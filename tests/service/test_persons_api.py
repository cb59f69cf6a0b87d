"""A key names the person who uses it: in the commands, in the events that are posted with it, and in rules for two."""

from __future__ import annotations

import json

import psycopg
import pytest
import yaml
from psycopg.rows import dict_row

from service.auth import api_keys
from service.auth.grants import Grant, grant
from service.check import check
from service.cli import duties
from service.cli.duties import KEPT_APART, BothSides, both_sides
from service.example import DEMO_PERSONS
from tests.service.conftest import SECRET, build, close, live
from tests.service.test_auth import provided
from tests.service.test_keys_command import keys, names, refused

PAYS, APPROVES = (grant([scope, "read"], sources=["/example/sender"]) for scope in ("post:payment", "approve:payment"))


def create(api, name, *more):
    answer = keys(api, "create", name, "--scope", "read", "--source", "/test", *more)
    assert answer.returncode == 0, answer.stderr
    return answer


def listed(api):
    return {key["name"]: key for key in json.loads(keys(api, "list", "--json").stdout)}


def changes(api, name):
    history = json.loads(keys(api, "history", "--json").stdout)
    return [(each["action"], each["detail"].get("person")) for each in history if each["key"] == name]


# The commands ----------------------------------------------------------------


def test_a_key_shows_the_person_it_was_created_for(api):
    key = create(api, "bank", "--person", "工号 2001 张[三]").stdout.strip()
    assert listed(api)["bank"]["person"] == "工号 2001 张[三]"
    assert "工号 2001 张[三]" in keys(api, "list").stdout
    assert changes(api, "bank") == [("created", "工号 2001 张[三]")]
    served = api.get("/v1/keys", "operator").json
    assert {each["name"]: each["person"] for each in served["keys"]} == {
        **dict.fromkeys(listed(api)),
        **DEMO_PERSONS,
        "bank": "工号 2001 张[三]",
    }
    assert api.get("/v1/keys/self", key).json["person"] == "工号 2001 张[三]"


def test_a_key_that_names_nobody_is_named_once_and_changes_hands_only_with_its_secret(api):
    old = create(api, "bank").stdout.strip()
    assert keys(api, "person", "bank", "2001", "--reason", "岗位到人").returncode == 0
    assert keys(api, "person", "bank", "2001").returncode == 0
    assert refused(keys(api, "person", "bank", "2002"), "2001", "keys rotate bank --person")
    assert refused(keys(api, "person", "bnk", "2002"), "bnk", "bank")
    assert api.get("/v1/keys/self", old).json["person"] == "2001"
    assert refused(keys(api, "rotate", "bank", "--person", "2002", "--overlap-hours", "24"), "--overlap-hours")
    rotated = keys(api, "rotate", "bank", "--person", "2002")
    assert rotated.returncode == 0, rotated.stderr
    api.app.extensions["authenticator"]._keyring._cache.clear()  # as 2 s later
    assert api.get("/v1/keys/self", old).status_code == 401
    assert api.get("/v1/keys/self", rotated.stdout.strip()).json["person"] == "2002"
    assert changes(api, "bank") == [("created", None), ("named", "2001"), ("rotated", "2002")]
    assert keys(api, "rotate", "bank").returncode == 0
    assert listed(api)["bank"]["person"] == "2002"
    assert keys(api, "revoke", "bank").returncode == 0
    assert refused(keys(api, "person", "bank", "2002"), "bank")


@pytest.mark.parametrize(
    "person", ["", " ", "a\nb", "\u202eabc", "张三\u200b", "x" * 201, "440102199001011234", "4401 0219 9001 0112 34"]
)
def test_a_person_that_cannot_be_read_or_is_an_identity_card_number_is_refused(api, person):
    for command in (["create", "bank", "--scope", "read", "--person"], ["rotate", "auditor", "--person"]):
        assert refused(keys(api, *command, person), "--person")
    assert refused(keys(api, "person", "auditor", "--", person), "--person")
    assert "bank" not in names(api)


def test_a_key_may_name_a_subject_of_the_issuer(api):
    create(api, "bank", "--person", "https://sso.example.gov#440102199001011234")
    assert listed(api)["bank"]["person"] == "https://sso.example.gov#440102199001011234"


@pytest.mark.parametrize(("known", "new"), [("clerk-1", "clerk-l"), ("office0", "officeo"), ("forms", "forrns")])
def test_the_name_of_a_new_key_must_not_look_like_that_of_another(api, known, new):
    create(api, known)
    assert keys(api, "revoke", known).returncode == 0
    assert refused(keys(api, "create", new, "--scope", "read"), known, new)
    assert refused(keys(api, "create", known, "--scope", "read"), known)
    create(api, "clerk-2")


# Duties ----------------------------------------------------------------------


def test_the_pairs_of_scopes_that_are_kept_apart_come_from_the_events():
    assert KEPT_APART == [
        ("post:award", "post:reversal"),
        ("post:award", "post:waiver"),
        ("post:finding", "post:reversal"),
        ("post:irregular", "post:reversal"),
        ("post:note", "post:award"),
        ("post:payment", "approve:payment"),
        ("post:waiver", "approve:payment"),
        ("post:waiver", "post:acceptance"),
        ("post:waiver", "post:call"),
        ("post:waiver", "post:payment"),
        ("post:waiver", "post:reversal"),
    ]


def test_a_person_who_would_hold_both_sides_is_named_when_a_key_is_created_rotated_or_handed_over(api):
    create(api, "pays", "--scope", "post:payment", "--person", "2001")
    other = create(api, "approves", "--scope", "approve:payment", "--person", "2002")
    assert "注意" not in other.stderr
    create(api, "approves-too", "--scope", "approve:payment")
    for answer in (
        create(api, "third", "--scope", "approve:payment", "--person", "2001"),
        keys(api, "rotate", "approves", "--person", "2001"),
        keys(api, "person", "approves-too", "2001"),
    ):
        assert answer.returncode == 0, answer.stderr
        assert "2001 一人兼有" in answer.stderr
        assert "holds both sides" in answer.stderr
        assert "post:payment (pays) 与 and approve:payment" in answer.stderr
    assert "注意" not in create(api, "reads", "--person", "2001").stderr


def test_a_key_for_a_duty_that_is_kept_apart_and_names_nobody_is_pointed_out(api):
    answer = create(api, "pays", "--scope", "post:payment")
    assert "pays 未指明使用人" in answer.stderr
    assert "typed names and keys" in answer.stderr
    assert "注意" not in create(api, "reads", "--scope", "post:fund").stderr
    both = create(api, "both", "--scope", "post:payment", "--scope", "approve:payment")
    assert "both 一人兼有" in both.stderr


def test_a_review_lists_who_holds_both_sides_and_which_keys_name_nobody(api):
    assert keys(api, "revoke", "all").returncode == 0
    expected = ["acceptance-panel", "call-desk"]
    review = keys(api, "review")
    assert [name for name in expected if f"密钥 {name} 未指明使用人" not in review.stdout] == []
    for name in expected:
        assert keys(api, "person", name, f"工号 {name}").returncode == 0
    assert "无人兼任" in keys(api, "review").stdout
    create(api, "pays", "--scope", "post:payment", "--person", DEMO_PERSONS["approver"])
    found = {"person": DEMO_PERSONS["approver"], "first": "post:payment", "first_key": "pays"}
    found |= {"second": "approve:payment", "second_key": "approver"}
    others = {"without_person": [], "without_source": []}
    assert json.loads(keys(api, "review", "--json").stdout) == {"both_sides": [found], **others}
    assert keys(api, "revoke", "pays").returncode == 0
    assert "无人兼任" in keys(api, "review").stdout


def test_a_review_knows_the_fund_of_a_project(sample_copy):
    for name in ("all", "treasury", "approver"):
        assert keys(sample_copy, "revoke", name).returncode == 0
    pays = ["--scope", "post:payment", "--project", "yx-ip-2018-01", "--person", "2001"]
    create(sample_copy, "pays", *pays)
    found = create(sample_copy, "in", "--scope", "approve:payment", "--fund", "yx-ip-2018", "--person", "2001")
    assert "holds both sides" in found.stderr
    fund = ["--fund", "yx-other", "--not-yet-established", "--person", "2001"]
    assert "holds" not in create(sample_copy, "out", "--scope", "approve:payment", *fund).stderr


def record(name, of: Grant, person, *, secrets=1):
    return api_keys.KeyRecord(name, of, None, None, secrets, None, None, person)


def limited(of, **limits):
    return grant(of.scopes, **limits)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ({}, {}, True),
        ({"funds": ["f"]}, {}, True),
        ({"funds": ["f"]}, {"funds": ["f", "g"]}, True),
        ({"funds": ["f"]}, {"funds": ["g"]}, False),
        ({"projects": ["p"]}, {"projects": ["p", "q"]}, True),
        ({"projects": ["p"]}, {"projects": ["q"]}, False),
        ({"projects": ["p"]}, {"funds": ["f"]}, True),
        ({"projects": ["p"]}, {"funds": ["g"]}, False),
        ({"projects": ["new"]}, {"funds": ["f"]}, False),
        ({"sources": ["/a"]}, {"sources": ["/b"]}, True),
    ],
)
def test_one_person_holds_both_sides_only_in_the_same_fund_or_project(one, other, meet):
    funds = {"p": frozenset({"f"}), "q": frozenset({"f"})}
    for first, second in ((one, other), (other, one)):
        pair = [record("a", limited(PAYS, **first), "2001"), record("b", limited(APPROVES, **second), " 2001")]
        expected = [BothSides("2001", "post:payment", "a", "approve:payment", "b")]
        assert list(both_sides(pair, funds)) == (expected if meet else [])


def test_keys_that_ended_or_name_others_hold_no_side():
    pays = record("a", PAYS, "2001")
    for other in (record("b", APPROVES, "2002"), record("b", APPROVES, None), record("b", APPROVES, "2001", secrets=0)):
        assert list(both_sides([pays, other], {})) == []
    assert duties.without_person([record("a", PAYS, None), record("b", PAYS, None, secrets=0), pays]) == ["a"]


# Events ----------------------------------------------------------------------


def requested(api):
    """A payment of the life of the contract is requested. Returns its first approval, to be posted."""
    life = api.get("/v1/event-types", None).json["example_life"]
    first = next(n for n, event in enumerate(life) if event["type"] == "PaymentRequested")
    live(api, life[: first + 1])
    return life[first + 1]


def key_of(api, name, of, person):
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        api.keys[name] = api_keys.create(conn, SECRET, name, of, person=person)
    return name


def posted_by(api, event, key, actor):
    return api.post({**event, "data": {**event["data"], "actor": actor}}, key)


def test_one_person_cannot_approve_their_own_payment_with_a_second_key_under_a_second_name(api):
    approval = requested(api)
    again = key_of(api, "second", APPROVES, DEMO_PERSONS["treasury"].replace(" ", "　"))
    answer = posted_by(api, approval, again, "另一个名字")
    assert (answer.status_code, answer.json["rule"]) == (422, "RequesterMayNotApprove")
    assert answer.json["facts"]["requester"] == DEMO_PERSONS["treasury"]


def test_two_persons_of_one_name_approve_and_the_event_and_the_register_say_on_what_it_rests(api):
    approval = requested(api)
    requester = api.get("/v1/events?type=PaymentRequested&limit=1", "all").json[0]["data"]
    assert (requester["person"], "distinguished_by" in requester) == (DEMO_PERSONS["treasury"], False)
    answer = posted_by(api, approval, "approver", requester["actor"])
    assert answer.status_code == 201, answer.json
    event = api.get(f"/v1/events/{answer.json['position']}", "all").json["data"]
    assert (event["person"], event["distinguished_by"]) == (DEMO_PERSONS["approver"], "person")
    api.fold()
    payment = api.get(f"/v1/payments/{approval['data']['payment']}", "all").json
    assert payment["requested_by_person"] == DEMO_PERSONS["treasury"]
    [row] = payment["approvals"]
    assert (row["person"], row["distinguished_by"]) == (DEMO_PERSONS["approver"], "person")


def test_where_a_key_names_nobody_names_that_look_alike_are_refused_and_the_event_says_so(api):
    approval = requested(api)
    without_person = key_of(api, "without_person", APPROVES, None)
    requester = api.get("/v1/events?type=PaymentRequested&limit=1", "all").json[0]["data"]["actor"]
    assert "·" in requester
    for typed in (requester, requester.replace("·", "・"), requester.replace("示例", "示 例")):
        assert posted_by(api, approval, without_person, typed).json["rule"] == "RequesterMayNotApprove"
    answer = posted_by(api, approval, without_person, "另一人")
    assert answer.status_code == 201, answer.json
    event = api.get(f"/v1/events/{answer.json['position']}", "all").json["data"]
    assert (event.get("person"), event["distinguished_by"]) == (None, "name_and_key")


def test_a_post_cannot_name_its_person_itself(api):
    approval = requested(api)
    for field in ("person", "distinguished_by"):
        forged = {**approval, "data": {**approval["data"], field: "person"}}
        assert api.post(forged, "approver").json["errors"][0]["pointer"] == f"/data/{field}"


def test_a_check_finds_nothing_in_events_from_before_they_had_persons(sample_copy):
    with psycopg.connect(sample_copy.url, autocommit=True) as conn:
        assert check(sample_copy.url).findings == []
        conn.execute("set session_replication_role = replica")
        changed = conn.execute("update event set fact = fact - 'person' - 'distinguished_by' where fact ? 'person'")
        assert changed.rowcount > 100
        assert check(sample_copy.url).findings == []
        conn.execute(
            "update event set fact = fact || '{\"distinguished_by\": \"person\"}' where type = 'PaymentApproved'"
        )
    assert {finding.kind for finding in check(sample_copy.url).findings} == {"says-otherwise"}


# Tokens ----------------------------------------------------------------------

ROLES = {
    "payer": {"scopes": ["post:payment", "read"], "sources": ["/example/sender"]},
    "approver": {"scopes": ["approve:payment", "read"], "sources": ["/example/sender"]},
    "gateway": {"scopes": ["approve:payment", "read"], "sources": ["/example/sender"], "program": True},
}


@pytest.fixture
def with_tokens(database_url, tmp_path):
    """The service with an issuer whose tokens have a user name besides the subject, and the issuer."""
    with provided() as provider:
        file = tmp_path / "oidc.yaml"
        settings = {"issuer": provider.issuer, "audience": "suyuan", "name_claim": "login", "roles": ROLES}
        file.write_text(yaml.safe_dump(settings))
        api = build(database_url, file)
        yield api, provider
        close(api)


def test_the_subject_of_a_token_is_the_person_whatever_the_user_name(with_tokens):
    api, provider = with_tokens
    token = provider.token(sub="u-1", login="zhou", roles=["payer"])
    own = api.get("/v1/keys/self", token).json
    assert (own["name"], own["person"]) == ("oidc:zhou", f"{provider.issuer}#u-1")
    for subject in (None, "", "u 1", "u\n1", "用户", "x" * 256, 7):
        claims = {"sub": subject} if subject is not None else {"sub": None}
        answer = api.get("/v1/keys/self", provider.token(**claims, login="zhou", roles=["payer"]))
        assert answer.json.get("person") is None
    program = api.get("/v1/keys/self", provider.token(sub="u-1", login="zhou", roles=["payer", "gateway"])).json
    assert program["person"] is None, "a program is no person"


def test_one_subject_cannot_take_both_steps_under_two_user_names_and_two_subjects_can(with_tokens):
    api, provider = with_tokens
    life = api.get("/v1/event-types", None).json["example_life"]
    first = next(n for n, event in enumerate(life) if event["type"] == "PaymentRequested")
    live(api, life[:first])
    payer = provider.token(sub="u-1", login="zhou", roles=["payer"])
    assert posted_by(api, life[first], payer, "周某").status_code == 201
    again = provider.token(sub="u-1", login="zhou-2", roles=["approver"])
    answer = posted_by(api, life[first + 1], again, "吴某")
    assert (answer.json["rule"], answer.json["facts"]["requester"]) == (
        "RequesterMayNotApprove",
        f"{provider.issuer}#u-1",
    )
    named = key_of(api, "named", APPROVES, f"{provider.issuer}#u-1")
    assert posted_by(api, life[first + 1], named, "吴某").json["rule"] == "RequesterMayNotApprove"
    other = provider.token(sub="u-2", login="wu", roles=["approver"])
    answer = posted_by(api, life[first + 1], other, "周某")
    assert answer.status_code == 201, answer.json
    data = api.get(f"/v1/events/{answer.json['position']}", "all").json["data"]
    assert (data["key"], data["person"], data["distinguished_by"]) == ("oidc:wu", f"{provider.issuer}#u-2", "person")


def test_a_person_of_the_issuer_and_one_of_the_ledger_are_distinguished_by_name_and_key(with_tokens):
    api, provider = with_tokens
    approval = requested(api)
    token = provider.token(sub="u-2", login="wu", roles=["approver"])
    requester = api.get("/v1/events?type=PaymentRequested&limit=1", "all").json[0]["data"]["actor"]
    assert posted_by(api, approval, token, requester).json["rule"] == "RequesterMayNotApprove"
    answer = posted_by(api, approval, token, "吴某")
    data = api.get(f"/v1/events/{answer.json['position']}", "all").json["data"]
    assert data["distinguished_by"] == "name_and_key"
