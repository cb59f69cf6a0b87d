"""The alerts about recipients: another payee than the applicant, an account of several, awards in several projects."""

import json

import psycopg
import pytest
from psycopg.rows import dict_row

from service.api.contract.event_types import LIFE
from service.api.contract.examples import AUTHOR, FIRST, LAMPS, PERSON, SECOND
from service.auth import api_keys
from service.auth.grants import grant
from tests.service.conftest import SECRET, live

FUND = "demo-2025"
PAYEE, SEEDS, PUMPS, MERGED = (
    "91440104MA00000014", "91440104MA0000005G", "91440104MA0000006K", "91440104MA0000009W",
)  # fmt: skip
MOVED = f'"uscc": "{PAYEE}", "account": "6222 0212 3456 7890 456"'
"""The payee of the award L-01 after its change, as the events of the life have it."""


def changed(*changes, upto=None):
    """The life of the contract up to the first event of the type `upto`, with texts replaced by others."""
    last = next((at for at, each in enumerate(LIFE) if each["type"] == upto), None)
    text = json.dumps(LIFE[:last], ensure_ascii=False)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return json.loads(text)


def alerts(api, name, key="auditor", fund=FUND):
    api.fold()
    answer = api.get(f"/v1/funds/{fund}/alerts", key)
    assert answer.status_code == 200, answer.json
    assert not answer.json["left_out"]
    return [each for each in answer.json["alerts"] if each["alert"] == name]


def types(api, alert):
    return [api.get(f"/v1/events/{each}", "all").json["type"] for each in alert["events"]]


# Another payee than the applicant ---------------------------------------------


def test_the_life_of_the_contract_has_no_alert_about_recipients(api):
    live(api, LIFE)
    for name in ("payee-not-applicant", "account-shared", "recipient-twice"):
        assert alerts(api, name) == []


def test_a_payee_changed_to_another_recipient_is_reported(api):
    live(api, changed((MOVED, MOVED.replace(PAYEE, PUMPS)), upto="ProjectClosed"))
    [alert] = alerts(api, "payee-not-applicant")
    assert alert["project"] == FIRST
    assert alert["facts"] == {
        "award": "L-01", "applicant": "示例科技有限公司", "payee": "示例科技有限公司", "type": "PayeeChanged",
    }  # fmt: skip
    assert types(api, alert) == ["AwardListDecided", "PayeeChanged"]
    assert alert["rule"] == "PayeeNotApplicant"
    assert "依据是收款人变更" in alert["sentence_zh"]


def test_a_payee_changed_to_what_the_applicant_is_called_since_a_rename_is_not_reported(api):
    events = changed((MOVED, MOVED.replace(PAYEE, MERGED)))
    live(api, events[:-1])
    assert len(alerts(api, "payee-not-applicant")) == 1
    live(api, events[-1:])
    assert events[-1]["type"] == "RecipientRenamed"
    assert alerts(api, "payee-not-applicant") == []


def test_a_payee_who_is_the_applicant_only_since_a_rename_before_the_award_is_reported(api):
    live(api, changed(upto="AwardListDecided"))
    decided = json.loads(json.dumps(next(each for each in LIFE if each["type"] == "AwardListDecided")))
    decided["data"]["awards"][0]["payee"]["uscc"] = PUMPS
    old, new = {"name": "示例科技有限公司", "uscc": PAYEE}, {"name": "示例科技有限公司", "uscc": PUMPS}
    stream = f"project/{FIRST}"
    renamed = api.event(
        "RecipientRenamed", stream, "2025-03-19", ("变更函",), application="A-01", old=old, new=new, actor="示例·另一人"
    )  # fmt: skip
    assert api.post(renamed, "fund-office").status_code == 201
    live(api, [decided])
    [alert] = alerts(api, "payee-not-applicant")
    assert alert["facts"]["type"] == "RecipientRenamed"
    assert types(api, alert) == ["AwardListDecided", "RecipientRenamed"]


def test_a_payee_allowed_by_a_waiver_is_reported_with_the_waiver(api):
    live(api, changed(upto="AwardListDecided"))
    decided = next(each for each in LIFE if each["type"] == "AwardListDecided")
    to_person = json.loads(json.dumps(decided))
    to_person["data"]["awards"][0]["payee"] = PERSON
    waiver = {"rule": "PayeeNotApplicant", "application": "A-01", "payee": PERSON, "reason": "示例"}
    stream = f"project/{FIRST}"
    granted = api.event("WaiverGranted", stream, "2025-03-19", ("批准文件",), **waiver)
    assert api.post(granted, "waiver-board").status_code == 201
    live(api, [to_person])
    [alert] = alerts(api, "payee-not-applicant")
    assert alert["facts"]["payee"] == PERSON["name"]
    assert types(api, alert) == ["AwardListDecided", "WaiverGranted"]
    undone = api.event(
        "EntryReversed", stream, "2025-03-21", ("冲销凭证号",), version=_version(api, "AwardListDecided"), reason="误",
    )  # fmt: skip
    assert api.post(undone, "all").status_code == 201
    assert alerts(api, "payee-not-applicant") == [], "the award list was reversed"


def _version(api, type_):
    with psycopg.connect(api.url) as conn:
        [(version,)] = conn.execute("select max(version) from event where type = %s", [type_])
    return version


# One account of several recipients --------------------------------------------


def test_an_account_of_two_payees_of_the_fund_is_reported(api):
    live(api, changed(("6222 0212 3456 7890 555", "6222 0212 3456 7890 456"), upto="ProjectClosed"))
    [alert] = alerts(api, "account-shared")
    assert alert["facts"] == {"last4": "0456", "payees": "示例种业有限公司, 示例科技有限公司"}
    assert types(api, alert) == ["AwardListDecided", "AwardListDecided"]


def test_an_account_that_a_waiver_names_for_another_is_reported(api):
    live(api, changed(("6222 0212 3456 7890 555", "6222 0212 3456 7890 123"), upto="ProjectClosed"))
    [alert] = alerts(api, "account-shared")
    assert types(api, alert) == ["AwardListDecided", "WaiverGranted"]


def test_an_account_of_one_recipient_before_and_after_its_rename_is_not_reported(api):
    events = changed(
        (SEEDS, MERGED), ("6222 0212 3456 7890 555", "6222 0212 3456 7890 456"), ("示例种业", "示例科技集团"),
    )  # fmt: skip
    live(api, events[:-1])
    assert len(alerts(api, "account-shared")) == 1
    live(api, events[-1:])
    assert alerts(api, "account-shared") == []


# One recipient with awards in several projects --------------------------------


@pytest.fixture
def other_fund(api):
    """The service with the life in two funds, of which the recipients are the same."""
    live(api, LIFE)
    live(api, changed(("demo-", "other-"), ('"number": "示例', '"number": "另例')))
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        for name, limits in {
            "one-fund": {"funds": [FUND]},
            "and-project": {"funds": [FUND], "projects": [SECOND.replace("demo", "other")]},
            "both": {"funds": [FUND, "other-2025"]},
        }.items():
            api.keys[name] = api_keys.create(conn, SECRET, name, grant(["read"], **limits))
    return api


def test_a_recipient_of_two_lines_of_the_fund_is_reported(api):
    live(api, changed((SEEDS, PAYEE), ("示例种业", "示例科技")))
    [alert] = alerts(api, "recipient-twice")
    assert alert["facts"] == {
        "recipient": "示例科技有限公司", "code": PAYEE, "awards": f"{FIRST}/L-01, {SECOND}/M-01",
    }  # fmt: skip
    assert types(api, alert) == ["AwardListDecided", "AwardListDecided"]


def test_a_person_of_two_lines_is_reported_by_the_last_four_characters(api):
    person = json.dumps(PERSON["id_card"])
    events = changed(
        (f'"uscc": "{SEEDS}"', '"id_card": "44010419000101001X"'),
        (f'"uscc": "{PAYEE}"', '"id_card": "44010419000101001X"'),
    )
    assert person in json.dumps(events)
    live(api, events)
    [alert] = alerts(api, "recipient-twice")
    assert alert["facts"]["code"] == "…001X"
    assert "44010419" not in json.dumps(alert)


def test_a_recipient_renamed_to_that_of_another_line_is_reported_since_the_rename(api):
    events = changed((SEEDS, MERGED))
    live(api, events[:-1])
    assert alerts(api, "recipient-twice") == []
    live(api, events[-1:])
    [alert] = alerts(api, "recipient-twice")
    assert alert["facts"]["awards"] == f"{FIRST}/L-01, {SECOND}/M-01"


OF_LISTS = {
    LAMPS["uscc"]: ["demo N-01", "demo N-02", "other N-01", "other N-02"],
    f"…{AUTHOR['id_card'][-4:]}": ["demo N-03", "other N-03"],
}
"""The recipients of the third project of both funds, whose awards are chosen from a list."""


@pytest.mark.parametrize(
    ("key", "awards"),
    [
        ("auditor", {MERGED: ["first", "other-first"], SEEDS: ["second", "other-second"], **OF_LISTS}),
        ("both", {MERGED: ["first", "other-first"], SEEDS: ["second", "other-second"], **OF_LISTS}),
        ("and-project", {SEEDS: ["second", "other-second"]}),
        ("one-fund", {}),
    ],
)
def test_a_recipient_of_two_funds_is_reported_only_to_those_who_may_read_both(other_fund, key, awards):
    names = {
        "first": f"{FIRST}/L-01", "second": f"{SECOND}/M-01", "other-first": "other-2025-01/L-01",
        "other-second": "other-2025-02/M-01",
    }  # fmt: skip
    for name in (each for of in OF_LISTS.values() for each in of):
        names[name] = name.replace(" ", "-2025-03/")
    found = {each["facts"]["code"]: each["facts"]["awards"] for each in alerts(other_fund, "recipient-twice", key)}
    assert found == {code: ", ".join(sorted(names[each] for each in of)) for code, of in awards.items()}


def test_an_award_that_was_declined_or_reversed_does_not_count(other_fund):
    reported = alerts(other_fund, "recipient-twice")
    assert PERSON["name"] not in json.dumps(reported, ensure_ascii=False), "M-02 was declined in both funds"
