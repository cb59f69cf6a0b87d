"""Random lives are posted over HTTP. The service answers each post as the domain does, and the tables agree too."""

import hashlib
import json
from collections import Counter
from random import Random

import psycopg
import pytest
from marshmallow import ValidationError
from msgspec.structs import replace
from psycopg.rows import dict_row
from stdnum.cn import ric

from domain.event import EDITION, Recorded
from domain.posting import ALLOTTED, OF_INTEREST
from domain.rules.every_post import UnknownStream
from domain.why import why
from service import codec
from service.api.posting import cloudevents
from service.api.posting.event_schemas import SCHEMAS
from service.auth import api_keys
from service.auth.grants import SCOPES, grant
from service.ledger.application import Ledger
from service.look_alikes import alike
from tests.random_life import PROJECTS, RandomLife, replayable
from tests.random_life.base import PERSONS
from tests.random_life.model import Model
from tests.scenario import TODAY, calendar_days
from tests.service.conftest import SECRET, posting

ACCOUNTS = (*ALLOTTED, "pool", "recovered", "surrendered")
ANY_CODE = str.maketrans("IOSVZ-", "ABCDEY")


def wire(posted):
    """The CloudEvent that a sender would post for this post of a life."""
    header = posted.header
    dated = replace(header, booked_on=header.booked_on or header.occurred_on)
    encoded = json.loads(codec.encode(Recorded(posted.stream, 1, "f", dated, posted.fact)))
    type_ = type(posted.fact).__name__
    fields = SCHEMAS[type_].fields
    posted_fields = {
        name: each for name, each in encoded.items() if name in fields and (each != [] or fields[name].required)
    }
    data = {name: in_clear(each) for name, each in posted_fields.items()}
    if header.booked_on is None:
        del data["booked_on"]
    return {
        "specversion": "1.0",
        "id": header.source_id,
        "source": "/lives",
        "type": type_,
        "subject": posted.stream,
        "data": data,
    }


def in_clear(value):
    """The value as a sender would write it: a number replaces each digest, and a USCC has 18 characters."""
    if isinstance(value, dict) and "digest" in value:
        number = int(hashlib.sha256(value["digest"].encode()).hexdigest()[:12], 16)
        return id_card(number) if value["digest"].startswith("person-") else f"62{number}"
    if isinstance(value, dict):
        clear = {name: in_clear(each) for name, each in value.items()}
        return {**clear, "uscc": clear["uscc"].upper().translate(ANY_CODE).ljust(18, "0")} if "uscc" in clear else clear
    return [in_clear(each) for each in value] if isinstance(value, list) else value


def id_card(number):
    """One of the valid numbers of identity cards."""
    body = f"{number % 10**6:06}1990{number % 12 + 1:02}{number % 28 + 1:02}{number % 997:03}"
    return body + ric.calc_check_digit(body + "0")


class LifeOverHttp(RandomLife):
    """A life that makes only posts that pass the event schemas, because other posts would not reach the domain."""

    def try_(self, posted):
        try:
            cloudevents.parse_post(cloudevents.parse_envelope(wire(posted)), "any-key", SECRET)
        except ValidationError:
            return False
        return super().try_(posted)


@pytest.fixture
def service(api):
    """The service with the clock, calendar and USCC check of random lives, and with a key for each of their actors."""
    api.app.extensions["ledger"].close()
    api.app.extensions["ledger"] = Ledger(
        api.url,
        today=lambda: TODAY,
        working_days=calendar_days,
        valid_uscc=lambda code: not code.startswith("0"),
        alike=alike,
    )
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        for actor in "甲乙丙丁":
            key = api_keys.create(conn, SECRET, f"key-{actor}", posting(grant(SCOPES)), person=PERSONS.get(actor))
            api.keys[f"key-{actor}"] = key
    return api


def http_witness(service):
    """An observer that sends each post of a life over HTTP and compares the answer with the domain's outcome."""

    def witness(posted, outcome, _):
        if posted.header.edition < EDITION:
            return  # over HTTP, nobody posts by earlier rules
        response = service.post(wire(posted), posted.header.key)
        if isinstance(outcome, tuple):
            assert response.status_code == 201, (posted.fact, response.json)
            assert response.json["version"] == outcome[0].version
        else:
            assert response.status_code == (404 if isinstance(outcome, UnknownStream) else 422)
            assert response.json["rule"] == type(outcome).__name__, (posted.fact, response.json)

    return witness


def money_of(ledger):
    """The balance of each account in fen, by fund, account, project, batch and award."""
    balances = Counter()
    for stream in ledger.streams.values():
        code = getattr(stream.state, "fund", stream.state.code)
        for at, fen in stream.state.accounts.holdings.items():
            place = at.place
            balances[code, at.account, place.project or "", place.batch or 0, place.award or ""] += fen.total
    return balances


def money_in_tables(service):
    """The same as `money_of`, from the tables. Interest is in no balance of the fund: movements give its accounts."""
    balances = Counter()
    with psycopg.connect(service.url, row_factory=dict_row) as conn:
        for row in conn.execute("select * from balance"):
            for account in ACCOUNTS:
                balances[row["fund"], account, row["project"], row["batch"], row["award"]] += row[account]
        for row in conn.execute("select fund, source, target, amount from movement"):
            for account, change in ((row["source"], -row["amount"]), (row["target"], row["amount"])):
                if account in OF_INTEREST:
                    balances[row["fund"], account, "", 0, ""] += change
    return +balances


@pytest.mark.parametrize("seed", [4, *(pytest.param(seed, marks=pytest.mark.long("other lives")) for seed in (2, 6))])
def test_a_random_life_over_http_is_answered_recorded_and_folded_as_in_the_domain(service, seed):
    life = LifeOverHttp(Random(seed))
    with replayable(life):
        life.show_to(Model())
        life.show_to(http_witness(service))
        for counted in life.live(150):
            if counted:
                service.fold()
                assert money_in_tables(service) == money_of(life.ledger)
        assert len(life.refusals) > 5
        assert {"AwardListDecided", "PaymentRequested"} <= {type(each.fact).__name__ for each in life.accepted}
        check_why_agrees_with_a_dry_run(service, life)


def check_why_agrees_with_a_dry_run(service, life):
    """Check for every award that a dry run of a step is refused by the first rule that `why` reports as missing."""
    for code in PROJECTS:
        project = life.ledger.project(code)
        if code not in life.fund.lines:
            continue  # a revision of the plan has dropped it
        for award in sorted(project.awards):
            for batch in life.ledger.fund("f").line(code).batches:
                response = service.get(f"/v1/projects/{code}/why?batch={batch.batch}&award={award}", "all")
                steps = why(life.ledger, code, batch.batch, award).steps
                for answered, step in zip(response.json["steps"], steps, strict=True):
                    event = wire(life.post(step.fact, step.stream, on=TODAY, by="戊"))
                    event["data"] |= {"payment": "why"} if answered["event"] == "PaymentRequested" else {}
                    answer = service.post(event, "all", "/v1/events?dry_run=true").json
                    missing = [each["missing"]["rule"] for each in answered["conditions"] if not each["met"]]
                    assert answer.get("rule") == (missing[0] if missing else None)
                    assert (answer.get("outcome") == "would_record") == answered["may_be_posted"]
