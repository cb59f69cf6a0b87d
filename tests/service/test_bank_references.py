"""What tells documents with the same number apart, in PostgreSQL and in the alerts."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg.rows import tuple_row

from domain.decision import decide
from domain.documents import Claim
from domain.fund.lifecycle import SettingsChanged
from domain.rules.every_post import DocumentAlreadyUsed
from service.archive.manifest import empty
from service.archive.restore import restore
from service.archive.write import archive
from service.auth import api_keys
from service.check import check
from service.ledger.outcomes import Committed
from service.ledger.recorder import LastEvent, Recorder
from service.workers.projector import catch_up
from tests.conftest import new_database
from tests.domain.test_bank_references import CCB, ICBC, INSTRUCTIONS, cited, confirm, two_instructed
from tests.lives import FUND, PROJECT, SETTINGS
from tests.posting import identified, open_ledger, put
from tests.scenario import post
from tests.service.conftest import SECRET
from tests.service.test_ledger import awarded_posts

DAYS = st.sampled_from(("", "2019-03-13", "2019-03-14", "2019-03-15"))
BANKS = st.sampled_from(("", "甲", "乙"))
CLAIMS = st.builds(Claim, st.just("流水号"), st.just("1"), st.just("/a"), BANKS, BANKS, DAYS, DAYS)
FIRST, SECOND = confirm("P1", "3-14", cited(ICBC)), confirm("P2", "3-14", cited())
ANOTHER = confirm("P2", "3-15", cited(CCB, "2019-03-15"))
"""Two citations that may be of one slip, and one that is of another slip with the same number."""


@pytest.fixture
def oracle(conn):
    return conn.cursor(row_factory=tuple_row)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=CLAIMS, other=CLAIMS)
def test_postgresql_tells_documents_apart_as_the_domain_does(oracle, one, other):
    fields = [each for claim in (one, other) for each in (claim.issuer, claim.own_bank, claim.day, claim.event_day)]
    [(same,)] = oracle.execute("select claims_are_same(%s, %s, %s, %s, %s, %s, %s, %s)", fields).fetchall()
    assert same == one.is_same(other) == other.is_same(one)


@pytest.fixture
def ledger(database_url):
    with open_ledger(database_url) as ledger:
        put(ledger, (*awarded_posts(), *INSTRUCTIONS))
        yield ledger


def test_the_database_takes_one_of_two_citations_that_may_be_of_one_slip(ledger, database_url):
    with open_ledger(database_url) as other, ThreadPoolExecutor(2) as pool:
        posts = pool.map(lambda of, each: of.post([identified(each)])[0], (ledger, other), (FIRST, SECOND))
        outcomes = sorted(posts, key=lambda each: isinstance(each, Committed))
    refused, recorded = outcomes
    assert isinstance(recorded, Committed)
    assert isinstance(refused.rule, DocumentAlreadyUsed)


def last_of(conn, stream):
    row = conn.execute("select version, position, nonce from event where stream = %s order by 1 desc limit 1", [stream])
    return LastEvent(*row.fetchone().values())


def decided_unaware(posted, version):
    """The event of `posted`, decided without any slip that was used before; its version is `version`."""
    [event] = decide(two_instructed.ledger, posted)
    return replace(event, version=version)


def test_the_database_refuses_a_slip_that_is_used_though_a_decision_did_not_know_it(ledger):
    put(ledger, [FIRST])
    recorder = cast(Recorder, ledger.recorder)
    with recorder.datastore.get_connection() as conn:
        last = last_of(conn, PROJECT)
        used, other = decided_unaware(SECOND, last.version + 1), decided_unaware(ANOTHER, last.version + 1)
        assert recorder.append(conn, [used], {PROJECT: last}) is None
        assert recorder.append(conn, [other], {PROJECT: last}) is not None


def test_the_database_refuses_two_events_of_one_transaction_that_use_one_slip(ledger):
    recorder = cast(Recorder, ledger.recorder)
    with recorder.datastore.get_connection() as conn:
        last = last_of(conn, PROJECT)
    events = [decided_unaware(FIRST, last.version + 1), decided_unaware(SECOND, last.version + 2)]
    refused = pytest.raises(Exception, match="use up the same document")
    with refused, recorder.datastore.get_connection() as conn:
        recorder.append(conn, events, {PROJECT: last})
    put(ledger, [FIRST, ANOTHER])


def test_the_claims_of_banks_and_days_are_checked_and_restored(ledger, database_url, server_url, template, tmp_path):
    put(ledger, [FIRST, ANOTHER])
    catch_up(database_url)
    assert check(database_url).errors == 0
    with psycopg.connect(database_url) as conn:
        archived = archive(conn, tmp_path, empty("/suyuan", api_keys.fingerprint(SECRET)), 1_000)
        claims = conn.execute(ALL_CLAIMS).fetchall()
    with new_database(server_url, template) as other, psycopg.connect(other) as conn:
        restore(conn, archived)
        restored = conn.execute(ALL_CLAIMS).fetchall()
    assert [each[:-1] for each in restored] == [each[:-1] for each in claims]
    assert ("流水号", "0001", CCB, "2019-03-15", PROJECT, True) in [(*row[:3], *row[4:]) for row in claims]


ALL_CLAIMS = "select kind, number, issuer, event_day, day, stream, shared from claim order by 1, 2, 3, 4, 5"


def test_a_table_with_two_claims_of_one_slip_is_found_by_the_check(ledger, database_url):
    put(ledger, [FIRST, ANOTHER])
    catch_up(database_url)
    with psycopg.connect(database_url) as conn:
        conn.execute("update claim set issuer = '' where issuer = %s", [CCB])
        conn.execute("update claim set day = '2019-03-14' where issuer = '' and number = '0001'")
    states = {each.facts["state"] for each in check(database_url).findings if each.kind == "claim-wrong"}
    assert states == {"used twice", "missing", "wrong"}


def test_one_number_of_two_banks_is_reported_once(api):
    with open_ledger(api.url) as ledger:
        put(ledger, (*awarded_posts(), *INSTRUCTIONS))
        positions = {put(ledger, [each]) for each in (FIRST, ANOTHER)}
    api.fold()
    found = api.get("/v1/funds/f/alerts").json["alerts"]
    reported = [(each["facts"], set(each["events"])) for each in found if each["alert"] == "number-shared"]
    assert reported == [({"kind": "流水号", "number": "0001"}, positions)]


def test_the_check_decides_a_slip_by_the_bank_that_its_fund_had_then(ledger, database_url):
    def with_bank(bank, on):
        return post(FUND, SettingsChanged(replace(SETTINGS, bank=bank)), on)

    slips = confirm("P1", "3-14", cited()), confirm("P2", "3-14", cited())
    put(ledger, [with_bank(ICBC, "3-10"), slips[0], with_bank(CCB, "3-14"), slips[1], with_bank(None, "3-15")])
    catch_up(database_url)
    assert {each.kind for each in check(database_url).findings} == {"refused-today"}, (
        "its calendar and codes are invented"
    )
    with psycopg.connect(database_url) as conn:
        assert conn.execute(OWN_BANKS).fetchall() == [(ICBC,), (CCB,)]
        conn.execute("alter table event disable trigger user")
        conn.execute("update event set fact = fact || '{\"own_bank\": \"乙\"}' where fact ->> 'own_bank' = %s", [CCB])
    assert {"says-otherwise", "claim-wrong"} <= {each.kind for each in check(database_url).findings}


OWN_BANKS = "select fact ->> 'own_bank' from event where fact ? 'own_bank' order by position"
