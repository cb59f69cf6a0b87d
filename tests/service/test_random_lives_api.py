"""Random lives over HTTP on PostgreSQL: the service answers each post as the domain does, and its tables agree."""

import hashlib
import json
from collections import Counter
from random import Random

import psycopg
import pytest
from marshmallow import ValidationError
from msgspec.structs import replace
from psycopg.rows import dict_row

from domain.event import Recorded
from domain.posting import ALLOTTED
from domain.rules.every_post import UnknownStream
from domain.why import why
from service import codec
from service.api.posting import cloudevents
from service.api.posting.event_schemas import SCHEMAS
from service.auth import api_keys
from service.auth.grants import SCOPES, grant
from service.ledger.application import Ledger
from tests.domain.scenario import TODAY, calendar_days
from tests.random_life import PROJECTS, RandomLife, replayable
from tests.random_life.model import Model
from tests.service.conftest import SECRET

ACCOUNTS = (*ALLOTTED, "pool", "recovered", "surrendered")
ANY_CODE = str.maketrans("IOSVZ", "ABCDE")


def wire(posted):
    """The CloudEvent that says what a post of the lives says, in the form in which senders post it."""
    header = posted.header
    dated = replace(header, booked_on=header.booked_on or header.occurred_on)
    told = json.loads(codec.encode(Recorded(posted.stream, 1, "f", dated, posted.fact)))
    type_ = type(posted.fact).__name__
    fields = SCHEMAS[type_].fields
    said = {name: each for name, each in told.items() if name in fields and (each != [] or fields[name].required)}
    data = {name: in_clear(each) for name, each in said.items()}
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
    """With an account number for each digest, and a code of 18 characters for each short one of the lives."""
    if isinstance(value, dict) and "digest" in value:
        return "62" + str(int(hashlib.sha256(value["digest"].encode()).hexdigest()[:12], 16))
    if isinstance(value, dict):
        told = {name: in_clear(each) for name, each in value.items()}
        return {**told, "uscc": told["uscc"].upper().translate(ANY_CODE).ljust(18, "0")} if "uscc" in told else told
    return [in_clear(each) for each in value] if isinstance(value, list) else value


class LifeOnTheWire(RandomLife):
    """A life whose posts can all be said on the wire: what has not the form would not reach the domain."""

    def try_(self, posted):
        try:
            cloudevents.read(cloudevents.opened(wire(posted)), "anyone", SECRET)
        except ValidationError:
            return False
        return super().try_(posted)


@pytest.fixture
def service(api):
    """The service with the calendar and the codes of the lives, and a key for each of their people."""
    api.app.extensions["ledger"].close()
    api.app.extensions["ledger"] = Ledger(
        api.url, today=lambda: TODAY, working_days=calendar_days, valid_uscc=lambda code: not code.startswith("0")
    )
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        for who in "甲乙丙丁":
            api.keys[f"key-{who}"] = api_keys.create(conn, SECRET, f"key-{who}", grant(SCOPES))
    return api


def tell(service):
    """A witness that posts over HTTP what the life posts, and holds the answer to the domain's."""

    def witness(posted, outcome, _):
        response = service.post(wire(posted), posted.header.key)
        if isinstance(outcome, tuple):
            assert response.status_code == 201, (posted.fact, response.json)
            assert response.json["version"] == outcome[0].version
        else:
            assert response.status_code == (404 if isinstance(outcome, UnknownStream) else 422)
            assert response.json["rule"] == type(outcome).__name__, (posted.fact, response.json)

    return witness


def money_of(books):
    """What stands in each account, by fund, project, batch and award, in fen."""
    found = Counter()
    for stream in books.streams.values():
        code = getattr(stream.state, "fund", stream.state.code)
        for at, fen in stream.state.accounts.holdings.items():
            place = at.place
            found[code, at.account, place.project or "", place.batch or 0, place.award or ""] += fen.total
    return found


def money_in_tables(service):
    found = Counter()
    with psycopg.connect(service.url, row_factory=dict_row) as conn:
        for row in conn.execute("select * from balance"):
            for account in ACCOUNTS:
                found[row["fund"], account, row["project"], row["batch"], row["award"]] += row[account]
    return +found


@pytest.mark.parametrize("seed", range(3))
def test_a_random_life_over_http_is_answered_recorded_and_folded_as_the_domain_says(service, seed):
    life = LifeOnTheWire(Random(seed))
    with replayable(life):
        life.show_to(Model())
        life.show_to(tell(service))
        for counted in life.live(150):
            if counted:
                service.fold()
                assert money_in_tables(service) == money_of(life.ledger)
        assert len(life.refusals) > 5
        assert {"AwardListDecided", "PaymentRequested"} <= {type(each.fact).__name__ for each in life.accepted}
        check_why_agrees_with_a_dry_run(service, life)


def check_why_agrees_with_a_dry_run(service, life):
    """For every award: what the service tells is missing is what it would refuse a payment by."""
    for code in PROJECTS:
        project = life.ledger.project(code)
        for award in sorted(project.awards):
            for batch in life.ledger.fund("f").line(code).batches:
                response = service.get(f"/v1/projects/{code}/why?batch={batch.batch}&award={award}", "all")
                steps = why(life.ledger, code, batch.batch, award).steps
                for told, step in zip(response.json["steps"], steps, strict=True):
                    asked = wire(life.post(step.fact, step.stream, on=TODAY, by="丁"))
                    asked["data"] |= {"payment": "why"} if told["event"] == "PaymentRequested" else {}
                    answer = service.post(asked, "all", "/v1/events?dry_run=true").json
                    missing = [each["missing"]["rule"] for each in told["conditions"] if not each["met"]]
                    assert answer.get("rule") == (missing[0] if missing else None)
                    assert (answer.get("outcome") == "would_record") == told["may_be_posted"]
