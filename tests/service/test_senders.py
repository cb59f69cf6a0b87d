"""What a sender has used up belongs to the sender: no other sender can use it up first."""

import psycopg
import pytest
from psycopg.rows import dict_row

from service.auth import api_keys
from service.auth.grants import grant
from tests.service.conftest import SECRET


def senders(api, scope):
    """Two keys with this scope: `a` for the fund `f` and the source /a, and `b` for the fund `g` and the source /b."""
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        for name, fund in (("a", "f"), ("b", "g")):
            limits = grant([scope, "read"], funds=[fund], sources=[f"/{name}"])
            api.keys[name] = api_keys.create(conn, SECRET, name, limits)


def founding(api, fund, **more):
    settings = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}
    event = api.event("FundEstablished", f"fund/{fund}", cites=("立项依据",), name="甲", settings=settings)
    return {**event, **more}


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events?dry_run=true"])
def test_no_sender_can_take_the_identity_of_a_post_of_another(api, path):
    senders(api, "post:fund")
    own = founding(api, "g", source="/b", id="1")
    taken = api.post(founding(api, "f", source="/b", id="1"), "a", path)
    assert (taken.status_code, taken.json["type"]) == (403, "/v1/problems/wrong-source")
    assert api.post(own, "b").status_code == 201
    again = api.post(founding(api, "f", source="/b", id="1"), "a", path)
    assert again.json["type"] == "/v1/problems/wrong-source", "the answer does not tell that the identity is used"
    assert api.post(own, "b").status_code == 200


def reversal(api, fund, number, **more):
    event = api.event("EntryReversed", f"fund/{fund}", version=2, reason="重复")
    event["data"]["documents"] = [{"kind": "冲销凭证号", "number": number}]
    return {**event, **more}


def test_no_sender_can_use_up_the_document_numbers_of_another(api):
    senders(api, "post:reversal")
    for fund in ("f", "g"):
        received = api.event(
            "AppropriationReceived", f"fund/{fund}", cites=["上级指标文号"], amount="1.00", budget_year=2019
        )
        for event in (founding(api, fund), received, received | {"id": f"{fund}-2"}):
            assert api.post(event, "all").status_code == 201
    assert api.post(reversal(api, "f", "红-1", source="/a"), "a").status_code == 201
    again = reversal(api, "f", "红－1", source="/a")
    again["data"]["version"] = 3
    assert api.post(again, "a").json["rule"] == "DocumentAlreadyUsed"
    assert api.post(reversal(api, "g", "红-1", source="/b"), "b").status_code == 201
    api.fold()
    for fund, name in (("f", "a"), ("g", "b")):
        assert shared(api, fund, name) == [], "a key that may not read the other fund learns nothing of its event"
        assert shared(api, fund, "auditor") == [({"kind": "冲销凭证号", "number": "2020/红-1/1"}, {7, 8})]


def test_a_number_that_two_senders_use_at_the_same_time_is_reported(api):
    for fund in ("f", "g"):
        received = api.event(
            "AppropriationReceived", f"fund/{fund}", cites=["上级指标文号"], amount="1.00", budget_year=2019
        )
        assert api.bundle([founding(api, fund), received], "all").status_code == 201
    both = [reversal(api, "f", "红-1", source="/test"), reversal(api, "g", "红-1", source="/second")]
    assert api.bundle(both, "all").status_code == 201
    api.fold()
    assert [len(shared(api, fund, "auditor")) for fund in ("f", "g")] == [1, 1]


def shared(api, fund, key):
    found = api.get(f"/v1/funds/{fund}/alerts", key).json["alerts"]
    return [(each["facts"], set(each["events"])) for each in found if each["alert"] == "number-shared"]
