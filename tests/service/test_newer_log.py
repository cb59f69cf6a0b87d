"""A log in which a newer version of the program has recorded an event that this version does not know completely."""

import psycopg
import pytest

from service import __version__

NEWER = """
    insert into event (position, stream, version, type, recorded_at, fact)
    select (select max(position) from event) + 1, 'fund/f', 2, %(type)s, now(), fact || %(more)s::jsonb
    from event where stream = 'fund/f' and version = 1
"""


def founding(api, fund):
    settings = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
    return api.event("FundEstablished", f"fund/{fund}", cites=["立项依据"], name="专项资金", settings=settings)


def appropriation(api, fund):
    cites = ["上级指标文号"]
    return api.event("AppropriationReceived", f"fund/{fund}", cites=cites, amount="1.00", budget_year=2019)


@pytest.mark.parametrize(
    ("type_", "more", "fields"), [("TaxLevied", "{}", []), ("FundEstablished", '{"tax": "1"}', ["tax"])]
)
def test_an_older_program_answers_503_with_what_it_does_not_know_and_goes_on_with_other_funds(api, type_, more, fields):
    for fund in ("f", "g"):
        assert api.post(founding(api, fund), "fund-office").status_code == 201
    with psycopg.connect(api.url, autocommit=True) as admin:
        admin.execute(NEWER, {"type": type_, "more": more})
    refused = api.post(appropriation(api, "f"), "fund-office")
    assert (refused.status_code, refused.json["type"]) == (503, "/v1/problems/newer-log")
    assert (refused.json["event_type"], refused.json["fields"]) == (type_, fields)
    assert refused.json["version"] == __version__
    assert api.post(appropriation(api, "g"), "fund-office").status_code == 201
