"""Recipients of the three kinds over HTTP, and that the number of an identity card is written nowhere in clear."""

import json
import subprocess

import psycopg
import pytest

from service.api.contract.event_types import LIFE
from service.api.contract.examples import FIRST, PERSON, SECOND
from service.identities import identity_of, personal_id
from service.postgres.embedded import programs
from tests.service.conftest import SECRET, live

ID_CARD = PERSON["id_card"]
WITH_X = "44010419000101001X"
UNIT = "91440104MA0000005G"
"""The code of the unit with the payment P-21 of the life, which the tests replace by other identities."""
REGISTRATION = {"country": "HK", "kind": "BR", "number": "12345678-001"}


def life_with(identity):
    """The life of the contract, in which the recipient of the award M-01 has another identity."""
    return json.loads(json.dumps(LIFE).replace(f'"uscc": "{UNIT}"', json.dumps(identity)[1:-1]))


@pytest.fixture
def lived(api):
    def play(**identity):
        live(api, life_with(identity))
        api.fold()
        return api

    return play


@pytest.fixture
def called(api):
    """The service with the first project of the life while its call is open."""
    live(api, LIFE[: next(at for at, each in enumerate(LIFE) if each["type"] == "CallExtended")])
    return api


def apply(api, application="Z-1", **applicant):
    data = {"application": application, "applicant": applicant}
    event = api.event("ApplicationReceived", f"project/{FIRST}", "2025-02-19", ("受理号",), **data)
    return api.post(event, "all")


# What is posted --------------------------------------------------------------


def test_an_identity_card_is_stored_as_its_last_four_characters_and_a_digest(called):
    assert apply(called, name="某人", id_card=WITH_X).status_code == 201
    [event] = called.get(f"/v1/projects/{FIRST}/events?limit=100", "all").json[-1:]
    stored = personal_id(SECRET, WITH_X)
    assert event["data"]["applicant"] == {"name": "某人", "id_card": {"last4": "001X", "digest": stored.digest}}


def test_a_small_x_is_the_same_person(called):
    assert apply(called, "Z-1", name="某人", id_card=WITH_X).status_code == 201
    again = apply(called, "Z-2", name="某某人", id_card=WITH_X.lower())
    assert again.json["rule"] == "AlreadyApplied"
    assert again.json["facts"]["uscc"] == "…001X"


def test_a_registration_is_compared_without_its_separators(called):
    assert apply(called, "Z-1", name="示例（香港）", registration=REGISTRATION).status_code == 201
    again = {**REGISTRATION, "number": "1234 5678.001"}
    assert apply(called, "Z-2", name="示例香港", registration=again).json["facts"]["uscc"] == "HK/BR/12345678001"
    other = {**REGISTRATION, "kind": "CR"}
    assert apply(called, "Z-3", name="示例香港", registration=other).status_code == 201


@pytest.mark.parametrize(
    ("identity", "pointer"),
    [
        ({"id_card": "440104190001010002"}, "/id_card"),  # check digit
        ({"id_card": "440104190002300000"}, "/id_card"),  # 30 February
        ({"id_card": "440104000101001"}, "/id_card"),  # the form before 1999
        ({"id_card": 440104190001010001}, "/id_card"),
        ({"id_card": ID_CARD + " "}, "/id_card"),
        ({"uscc": ID_CARD}, "/uscc"),
        ({"uscc": "440104190001010002"}, "/uscc"),  # as a mistyped identity card
        ({"registration": {**REGISTRATION, "number": ID_CARD}}, "/registration/number"),
        ({"registration": {**REGISTRATION, "number": "440104-19000101-0001"}}, "/registration/number"),
        ({"registration": {**REGISTRATION, "country": "CN"}}, "/registration/country"),
        ({"registration": {**REGISTRATION, "country": "Hong Kong"}}, "/registration/country"),
        ({"registration": {**REGISTRATION, "kind": "商业登记"}}, "/registration/kind"),
        ({"registration": {"country": "HK", "number": "1"}}, "/registration/kind"),
        ({}, ""),
        ({"id_card": ID_CARD, "uscc": UNIT}, ""),
        ({"registration": REGISTRATION, "uscc": UNIT}, ""),
    ],
)
def test_a_wrong_identity_is_refused_and_not_repeated(called, capfd, identity, pointer):
    answer = apply(called, name="某人", **identity)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json["errors"]] == [f"/data/applicant{pointer}"]
    text = answer.text + capfd.readouterr().err + called.get("/v1/refusals", "all").text
    assert "44010" not in text
    assert "0001" not in answer.json["errors"][0]["detail"]


def test_a_bank_slip_has_at_most_one_identity_and_no_identity_card_as_its_code(lived):
    api = lived(id_card=WITH_X)
    payee = {"name": "示例种业有限公司", "account": "6222021234567890555"}
    parts = ID_CARD[:6], ID_CARD[6:14], ID_CARD[14:]
    forms = (
        ID_CARD, f"ID {ID_CARD}", f"3{ID_CARD}", " ".join(parts), "-".join(parts), "·".join(parts),
        ID_CARD.translate({ord(str(n)): chr(ord("０") + n) for n in range(10)}), ID_CARD[:6] + "901231" + "123",
    )  # fmt: skip
    for more in ({"uscc": UNIT, "id_card": ID_CARD}, *({"uscc": each} for each in forms)):
        event = api.event(
            "PaymentConfirmed", f"project/{SECOND}", cites=("流水号",), payment="P-21", amount="1.00",
            payee={**payee, **more},
        )  # fmt: skip
        answer = api.post(event, "all")
        assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (422, "invalid-event"), more
        assert ID_CARD not in answer.text


def test_applications_are_found_by_any_identity_that_the_applicant_has_or_had(lived):
    api = lived(id_card=WITH_X)
    identity = api.post(json.dumps({"id_card": WITH_X}), "all", "/v1/identities", "application/json").json["recipient"]

    def found(query):
        return [each["application"] for each in api.get(f"/v1/applications?{query}", "all").json["applications"]]

    assert found(f"recipient={identity}") == ["B-01"]
    assert found("recipient=HK/BR/12345678000") == ["A-02"]
    renamed = next(each["data"] for each in LIFE if each["type"] == "RecipientRenamed")
    assert [found(f"uscc={renamed[each]['uscc']}") for each in ("old", "new")] == [["A-01"], ["A-01"]]
    [person] = api.get(f"/v1/applications?recipient={identity}", "all").json["applications"]
    assert (person["uscc"], person["identity_kind"], person["id_last4"]) == ("", "id_card", WITH_X[-4:])


# Where it is written ---------------------------------------------------------


def written(url):
    """All that the database has, as text."""
    dump = [str(programs() / "pg_dump"), "--data-only", "--inserts", "--dbname", url]
    return subprocess.run(dump, check=True, capture_output=True, text=True).stdout


def test_the_number_of_an_identity_card_is_written_nowhere_in_clear(lived, capfd):
    api = lived(id_card=WITH_X)
    refused = next(each for each in life_with({"id_card": WITH_X}) if WITH_X in json.dumps(each))
    answers = [api.post({**refused, "id": "again"}, "all"), api.post({**refused, "id": "x", "data": {}}, "all")]
    answers.append(api.post(json.dumps(refused)[:-1], "all"))
    assert [each.status_code for each in answers] == [422, 422, 400]
    assert api.post(json.dumps({"id_card": WITH_X}), "all", "/v1/identities", "application/json").status_code == 200
    assert api.get(f"/v1/awards?recipient={WITH_X}", "all").status_code == 400
    addresses = (
        "/v1/events?limit=500", "/v1/awards", "/v1/payments", "/v1/payments/P-21", "/v1/payments/P-21/trace",
        "/v1/refusals", f"/v1/projects/{SECOND}", f"/v1/projects/{SECOND}/why?batch=1&award=M-01", "/metrics",
        "/v1/funds/demo-2025/alerts", "/v1/funds/demo-2025/journal.hledger",
    )  # fmt: skip
    answers += [api.get(each, "all") for each in addresses]
    texts = [each.text for each in answers]
    texts += capfd.readouterr()
    texts.append(written(api.url))
    assert "0001/" in texts[-1], "the identity, by its last four characters"
    assert not [text for text in texts if any(number[:-1] in text for number in (ID_CARD, WITH_X))]


def test_the_digest_of_a_post_does_not_tell_the_number(called):
    """Who knows the rest of a post cannot try numbers until the digest of its content fits."""
    answer = apply(called, name="某人", id_card=ID_CARD)
    with psycopg.connect(called.url) as conn:
        [(before,)] = conn.execute("select fact ->> 'content_sha256' from event order by position desc limit 1")
    assert answer.status_code == 201
    again = apply(called, "Z-2", name="某人", id_card=WITH_X)
    assert again.status_code == 201
    with psycopg.connect(called.url) as conn:
        [(after,)] = conn.execute("select fact ->> 'content_sha256' from event order by position desc limit 1")
    assert before != after, "another number is another content"


# The registers ---------------------------------------------------------------


def person(api, number=ID_CARD):
    """The identity of a person, as a reader gets it."""
    answer = api.post(json.dumps({"id_card": number}), "auditor", "/v1/identities", "application/json")
    assert answer.status_code == 200, answer.json
    assert answer.json["id_last4"] == number[-4:].upper()
    return answer.json["recipient"]


def found(api, query):
    return [each["award"] for each in api.get(f"/v1/awards?{query}").json["awards"]]


def paid(api, query):
    return [each["payment"] for each in api.get(f"/v1/payments?{query}").json["payments"]]


def test_the_registers_find_a_person(lived):
    api = lived(id_card=WITH_X)
    identity = person(api, WITH_X.lower())
    assert found(api, f"recipient={identity}") == ["M-01"]
    assert paid(api, f"recipient={identity}") == ["P-21", "U-01"]
    [award] = api.get(f"/v1/awards?recipient={identity}").json["awards"]
    assert (award["uscc"], award["identity_kind"], award["id_last4"], award["registration"]) == (
        "", "id_card", "001X", None,
    )  # fmt: skip
    assert (award["payee_uscc"], award["payee_identity_kind"], award["payee_id_last4"]) == ("", "id_card", "001X")
    payment = api.get("/v1/payments/P-21").json
    assert (payment["payee_uscc"], payment["payee_identity_kind"], payment["payee_id_last4"]) == (
        None, "id_card", "001X",
    )  # fmt: skip
    assert found(api, f"recipient={person(api, '440104190001010036')}") == []


def test_the_registers_find_a_registration(lived):
    api = lived(registration=REGISTRATION)
    for query in (found, paid):
        assert (
            query(api, "recipient=HK/BR/12345678001") == {"found": ["M-01"], "paid": ["P-21", "U-01"]}[query.__name__]
        )
        assert query(api, "recipient=MO/BR/12345678001") == []
    [award] = api.get("/v1/awards?recipient=HK/BR/12345678001").json["awards"]
    assert (award["registration"], award["payee_registration"]) == ("HK/BR/12345678001",) * 2
    assert api.get("/v1/payments/P-21").json["payee_registration"] == "HK/BR/12345678001"


def test_the_registers_find_a_unit_by_either_parameter_but_not_both(lived):
    api = lived(uscc=UNIT)
    for parameter in ("uscc", "recipient"):
        assert (found(api, f"{parameter}={UNIT}"), paid(api, f"{parameter}={UNIT}")) == (["M-01"], ["P-21", "U-01"])
    assert api.get(f"/v1/awards?uscc={UNIT}&recipient={UNIT}").json["parameter"] == "recipient"


@pytest.mark.parametrize("value", [ID_CARD, "440104190001010002", "HK/BR/", "id_card:0001/x", "", "甲"])
def test_another_recipient_in_a_query_is_refused_and_not_repeated(sample, value):
    answer = sample.get(f"/v1/awards?recipient={value}")
    assert (answer.status_code, answer.json["parameter"]) == (400, "recipient")
    assert "44010" not in answer.text
    with pytest.raises(ValueError, match="never the number"):
        identity_of(value)


@pytest.mark.parametrize("body", ["[]", "{}", '{"id_card": "440104190001010002"}', '{"id_card": 1}', "{"])
def test_the_look_up_of_an_identity_refuses_other_bodies(sample, body):
    answer = sample.post(body, "auditor", "/v1/identities", "application/json")
    assert answer.status_code in (400, 422)
    assert "44010" not in answer.text


def test_the_look_up_of_an_identity_needs_the_scope_read_and_json(sample):
    body = json.dumps({"id_card": ID_CARD})
    assert sample.post(body, None, "/v1/identities", "application/json").status_code == 401
    assert sample.post(body, "auditor", "/v1/identities", "text/plain").status_code == 415


# Renames ---------------------------------------------------------------------

OLD, NEW = "91440104MA00000014", "91440104MA0000009W"
"""The recipient of the award L-01 before and after its merger, which the life records after the closing of the fund."""


def test_the_registers_find_a_renamed_recipient_by_either_identity_and_name(lived):
    api = lived(uscc=UNIT)
    payments = paid(api, f"uscc={OLD}")
    assert len(payments) > 3
    for query in (f"uscc={OLD}", f"uscc={NEW}", f"recipient={NEW}"):
        assert (found(api, query), paid(api, query)) == (["L-01"], payments)
    for name in ("示例科技有限公司", "示例科技集团有限公司", "示例科技集团 有限公司"):
        assert found(api, f"recipient_name={name}") == ["L-01"]
        assert paid(api, f"payee={name}") == payments
    [award] = api.get(f"/v1/awards?uscc={NEW}").json["awards"]
    assert (award["applicant"], award["uscc"], award["renamed_to"]) == ("示例科技有限公司", OLD, "示例科技集团有限公司")


def test_an_award_is_found_by_its_payee_after_a_change_of_payee(api):
    other = "91440104MA0000006K"
    moved = f'"uscc": "{OLD}", "account": "6222 0212 3456 7890 456"'
    text = json.dumps(LIFE)
    assert moved in text
    live(api, json.loads(text.replace(moved, moved.replace(OLD, other))))
    api.fold()
    assert found(api, f"uscc={other}") == found(api, f"uscc={OLD}") == found(api, f"uscc={NEW}") == ["L-01"]
    assert set(paid(api, f"uscc={other}")).isdisjoint(paid(api, f"uscc={OLD}"))
    assert "P-07" in paid(api, f"uscc={other}")
    assert "P-01" in paid(api, f"uscc={OLD}")


def test_a_reversed_rename_finds_nothing_any_more(lived):
    api = lived(uscc=UNIT)
    renamed = api.get(f"/v1/projects/{FIRST}/events?limit=500", "all").json[-1]
    assert renamed["type"] == "RecipientRenamed"
    reversal = api.event(
        "EntryReversed", f"project/{FIRST}", "2026-05-07", ("冲销凭证号",), version=renamed["streamversion"],
        reason="登记有误",
    )  # fmt: skip
    answer = api.post(reversal, "all")
    assert answer.status_code == 201, answer.json
    api.fold()
    assert (found(api, f"uscc={NEW}"), paid(api, f"uscc={NEW}")) == ([], [])
    assert found(api, "recipient_name=示例科技集团有限公司") == []
    [award] = api.get(f"/v1/awards?uscc={OLD}").json["awards"]
    assert award["renamed_to"] is None


def test_a_payment_to_another_payee_of_the_award_is_not_the_recipients(lived):
    api = lived(uscc=UNIT)
    with psycopg.connect(api.url) as conn:
        conn.execute("update payment set payee_identity = 'uscc:9', payee = '税务局' where payment = 'P-06'")
    assert "P-06" not in paid(api, f"uscc={OLD}")
    assert "P-06" not in paid(api, f"uscc={NEW}")
    assert paid(api, "payee=税务局") == ["P-06"]
