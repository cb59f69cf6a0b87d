"""What a sender has used up belongs to the sender: no other sender can use it up first."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from domain.project.call import CallPublished
from domain.rules.every_post import UnknownStream
from service.auth import api_keys
from service.auth.grants import grant
from service.ledger.outcomes import Committed, Refusal
from tests.lives import line, plan
from tests.posting import identified
from tests.scenario import day, post
from tests.service.conftest import SECRET
from tests.service.test_random_lives_api import wire


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


def test_the_owner_of_a_code_is_looked_up_although_all_streams_are_cached(api):
    for event in (founding(api, "f"), wire(post("fund/f", plan(line("p")), "2020-1-3")), founding(api, "g")):
        assert api.post({**event, "source": "/test"}, "all").status_code == 201
    again = {**wire(post("fund/f", plan(line("g-01")), "2020-1-3")), "source": "/test"}
    assert api.post(again, "all").json["rule"] == "CodeOfOtherFund"


def test_a_fund_that_is_established_while_another_drafts_its_plan_keeps_its_codes(api):
    """Whichever of the two events is recorded first decides whose the code is."""
    assert api.post(founding(api, "f"), "all").status_code == 201
    for number in range(8):
        fund, code = f"g{number}", f"g{number}-01"
        drafted = {**wire(post("fund/f", plan(line(code)), "2020-1-3")), "source": "/test"}
        with ThreadPoolExecutor(2) as pool:
            draft = pool.submit(api.post, drafted, "all")
            established = pool.submit(api.post, founding(api, fund), "all")
        assert established.result().status_code == 201
        owner = "f" if draft.result().status_code == 201 else fund
        with psycopg.connect(api.url) as conn:
            order = [stream for (stream,) in conn.execute(ORDER, [[f"fund/{fund}"], code])]
        assert order == (["fund/f", f"fund/{fund}"] if owner == "f" else [f"fund/{fund}"])


ORDER = """
    select stream from event
    where stream = any(%s) or fact -> 'lines' -> 0 ->> 'project' = %s
    order by position
"""


def test_a_post_does_not_count_in_another_fund_than_the_one_for_which_it_was_permitted(api):
    """A bundle opens the project in its own fund; while it is decided, the project is opened in another fund."""
    ledger = api.app.extensions["ledger"]
    for fund in ("f", "g"):
        assert api.post(founding(api, fund), "all").status_code == 201
    received = api.event("AppropriationReceived", "fund/g", cites=["上级指标文号"], amount="100.00", budget_year=2019)
    drafted = {**wire(post("fund/g", plan(line("g-01")), "2020-1-3")), "source": "/test"}
    adopted = api.event("PlanAdopted", "fund/g", "2020-01-03", cites=["局文"], draft=3)
    opened = api.event("ProjectOpened", "project/g-01", "2020-01-04", fund="g")
    assert api.bundle([received, drafted, adopted, opened], "all").status_code == 201
    called = post("project/g-01", CallPublished(1, day("2020-2-1"), day("2020-2-10")), "2020-1-31")
    [refused] = ledger.post([replace(identified(called), fund="f")])
    assert isinstance(refused, Refusal)
    assert isinstance(refused.rule, UnknownStream)
    [recorded] = ledger.post([replace(identified(called), fund="g")])
    assert isinstance(recorded, Committed)
