"""While a fund is held, no answer comes from its tables, and other funds are answered. A repair releases the fund."""

import json
import re
import threading
from itertools import takewhile

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.rows import dict_row
from structlog.testing import capture_logs

import projections
from projections import FoldStopped
from projections.rebuild import HeldMeanwhile, NotHeld, rebuild
from service import example
from service.archive.compare import compare
from service.auth import api_keys
from service.auth.grants import grant
from service.check import check
from service.cli.commands import cli
from service.postgres import roles
from service.postgres.queries import QUERIES
from service.workers import projector
from tests.service.conftest import SECRET, live
from tests.service.test_projector import reached

HELD, OTHER = "yx-ip-2018", "demo-2025"
NUMBER = "第0号"


class TwoFunds:
    """The service with two funds: HELD, the fund of the example, and OTHER, the example fund of the contract.

    `break_` makes the service hold the fund HELD. The cause is a wrong constraint on the table of citations. So the log
    is right, and `repair` only drops the constraint.
    """

    def __init__(self, api):
        self.api, self.get = api, api.get
        life = api.get("/v1/event-types", key=None).json["example_life"]
        live(api, list(takewhile(lambda event: event["type"] != "ProjectClosed", life)))
        api.fold()

    def execute(self, statement, *parameters):
        with psycopg.connect(self.api.url, autocommit=True, row_factory=dict_row) as conn:
            cursor = conn.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def break_(self):
        """Post an event that cannot be folded, so that its fund is held. Returns the position of the event."""
        self.execute(f"alter table citation add constraint by_mistake check (number <> '{NUMBER}')")
        position = self.post_to(HELD, NUMBER)
        self.api.fold()
        return position

    def repair(self):
        self.execute("alter table citation drop constraint by_mistake")

    def post_to(self, fund, number="第1号"):
        event = self.api.event("AppropriationReceived", f"fund/{fund}", "2026-08-01", amount="1.00", budget_year=2026)
        event["data"]["documents"] = [{"kind": "上级指标文号", "number": number}]
        response = self.api.post(event, "all")
        assert response.status_code == 201, response.json
        return response.json["position"]

    def rebuild(self, *arguments, **options):
        return rebuild(lambda: psycopg.connect(self.api.url, autocommit=True), *arguments, **options)

    def tables(self, fund):
        with psycopg.connect(self.api.url, row_factory=dict_row) as conn:
            return {
                name: sorted(map(repr, conn.execute(f"select * from {name} where fund = %s", [fund])))
                for name in projections.ORDER
            }


@pytest.fixture
def two_funds(sample_copy):
    return TwoFunds(sample_copy)


LOG_READS = {
    "/v1/events", "/v1/events/digest", "/v1/events/{position}", "/v1/funds/{fund}/events",
    "/v1/projects/{project}/events", "/v1/refusals", "/v1/posts", "/v1/projects/{project}/why",
    "/v1/projects/{project}/allocations",
}  # fmt: skip
"""The reads that are answered from the log, or from the states on which posts are decided."""
TELLS_ITSELF = {"/v1/funds/{fund}/alerts", "/v1/funds", "/", "/metrics"}
NOT_OF_A_FUND = {
    "/healthz", "/readyz", "/v1/event-types", "/v1/event-types/{type_}", "/v1/rules", "/v1/rules/{rule}", "/docs",
    "/openapi.json", "/v1/posting-rules", "/v1/problems", "/v1/problems/{kind}", "/v1/checks", "/v1/checks/{number}",
    "/v1/keys", "/v1/keys/self", "/v1/calendars",
}  # fmt: skip


def reads(api):
    """The paths that can be read with GET, and the paths that only compute an answer. NOT_OF_A_FUND is left out."""
    paths = {
        re.sub("<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule)
        for rule in api.app.url_map.iter_rules()
        if "GET" in rule.methods or rule.rule.endswith("/allocations")
    }
    return sorted(paths - NOT_OF_A_FUND)


VALUES = {
    HELD: {
        "project": "yx-ip-2018-08",
        "payment": "yx-ip-2018-08-L01-B1-1",
        "serial": "0",
        "award": "yx-ip-2018-08-L01",
    },
    OTHER: {"project": "demo-2025-01", "payment": "P-05", "serial": "1030307472", "award": "L-01"},
}
NAMED_BY_QUERY = {
    "/v1/projects": "fund={fund}", "/v1/awards": "fund={fund}", "/v1/payments": "project={project}",
    "/v1/applications": "fund={fund}", "/v1/findings": "fund={fund}", "/v1/holds": "fund={fund}",
    "/v1/notes": "fund={fund}",
    "/v1/reconciliations": "fund={fund}", "/v1/refusals": "fund={fund}", "/v1/events": "fund={fund}",
    "/v1/events/digest": "fund={fund}&upto=9", "/v1/posts": "source=/test&id=test-1",
    "/v1/projects/{project}/why": "batch=1&award={award}", "/v1/documents/{number}": "fund={fund}",
}  # fmt: skip


def address(path, fund, number=NUMBER):
    return f"{path}?{NAMED_BY_QUERY.get(path, '')}".format(fund=fund, number=number, position=1, **VALUES[fund])


def test_every_route_about_a_held_fund_says_so_except_those_that_read_the_log(two_funds):
    position = two_funds.break_()
    api = two_funds.api
    for path in reads(api):
        if path in TELLS_ITSELF:
            continue
        at = address(path, HELD)
        answer = api.post("{}", "all", at, "application/json") if path.endswith("allocations") else api.get(at, "all")
        if path in LOG_READS:
            assert answer.status_code == (422 if path.endswith("allocations") else 200), (at, answer.text)
        else:
            assert answer.status_code == 503, (at, answer.text)
            facts = (answer.json["type"], answer.json["fund"], answer.json["position"])
            assert facts == ("/v1/problems/fund-held", HELD, position), at
            assert answer.json["remedy_zh"]


def test_every_route_about_another_fund_is_answered_as_before(two_funds):
    api = two_funds.api
    paths = [path for path in reads(api) if "{" in path or path in NAMED_BY_QUERY]
    paths = [path for path in paths if not path.endswith("/allocations") and path != "/v1/posts"]

    def answers():
        return {path: api.get(address(path, OTHER, "示例局〔2025〕3号"), "all") for path in paths}

    before = answers()
    assert {path: each.status_code for path, each in before.items()} == dict.fromkeys(paths, 200)
    position = two_funds.break_()
    for path, after in answers().items():
        assert after.status_code == 200, (path, after.text)
        one, other = (re.sub(r'"as_of":{"position":\d+}', "", each.text) for each in (before[path], after))
        assert one == other, path
    assert api.get(f"/v1/funds/{OTHER}/balances?min_position={position}").json["as_of"] == {"position": position}


def test_a_statement_is_not_compared_with_the_tables_of_a_held_fund(two_funds):
    two_funds.break_()
    answer = two_funds.api.post("date,amount\n", "auditor", f"/v1/reconciliations?fund={HELD}", "text/csv")
    assert (answer.status_code, answer.json["type"]) == (503, "/v1/problems/fund-held")


def test_lists_over_all_funds_name_the_held_fund_and_since_when(two_funds):
    assert {each["held_at"] for each in two_funds.get("/v1/funds").json["funds"]} == {None}
    position = two_funds.break_()
    listed = two_funds.get("/v1/funds").json
    assert {each["fund"]: each["held_at"] is not None for each in listed["funds"]} == {HELD: True, OTHER: False}
    for path in ("/v1/funds", "/v1/projects", "/v1/awards", "/v1/payments", "/v1/documents/示例局〔2025〕3号"):
        as_of = two_funds.get(path).json["as_of"]
        assert as_of == {"position": position, "held": [{"fund": HELD, "position": position}]}, path
    page = two_funds.get("/", key=None).text
    assert f"日志第 {position} 号事件无法推算" in page


def test_a_name_that_no_table_has_may_be_in_the_held_fund_for_those_who_may_read_it(two_funds):
    unknown = ("/v1/payments/none", "/v1/payments/none/trace", "/v1/fen/999999999999", "/v1/documents/none")
    for path in (*unknown, "/v1/projects/none"):
        assert two_funds.get(path).status_code == 404
    two_funds.break_()
    with psycopg.connect(two_funds.api.url, autocommit=True, row_factory=dict_row) as conn:
        only_other = api_keys.create(conn, SECRET, "other", grant({"read"}, funds={OTHER}))
    for path in (*unknown, "/v1/projects/none"):
        assert two_funds.get(path).json["type"] == "/v1/problems/fund-held", path
    for path in ("/v1/payments/none", "/v1/fen/999999999999", "/v1/projects/none"):
        assert two_funds.get(path, only_other).status_code == 404, path
    assert two_funds.get(f"/v1/funds/{HELD}", only_other).status_code == 403
    assert "held" not in two_funds.get("/v1/funds", only_other).json["as_of"]


def test_a_key_that_is_limited_to_a_project_of_the_held_fund_is_answered_in_the_same_way(two_funds):
    with psycopg.connect(two_funds.api.url, autocommit=True, row_factory=dict_row) as conn:
        keys = {
            fund: api_keys.create(conn, SECRET, fund, grant({"read"}, projects={VALUES[fund]["project"]}))
            for fund in VALUES
        }
    position = two_funds.break_()
    held = {HELD: [{"fund": HELD, "position": position}], OTHER: None}
    assert {fund: two_funds.get("/v1/projects", key).json["as_of"].get("held") for fund, key in keys.items()} == held
    status = {fund: two_funds.get("/v1/payments/none", key).status_code for fund, key in keys.items()}
    assert status == {HELD: 503, OTHER: 404}


def test_posts_to_a_held_fund_are_recorded_and_those_to_others_are_folded(two_funds):
    two_funds.break_()
    before = {fund: two_funds.tables(fund) for fund in (HELD, OTHER)}
    last = max(two_funds.post_to(OTHER), two_funds.post_to(HELD, "第2号"))
    assert two_funds.api.fold() == last
    assert two_funds.tables(HELD) == before[HELD]
    assert two_funds.tables(OTHER) != before[OTHER]


def test_the_alert_the_metric_and_the_check_name_the_event_and_the_finding(two_funds):
    position = two_funds.break_()
    [alert] = two_funds.get(f"/v1/funds/{HELD}/alerts").json["alerts"]
    assert (alert["alert"], alert["events"], alert["facts"]["position"]) == ("fund-held", [position], position)
    assert alert["facts"]["projection"] == "citation"
    for text in (alert["sentence"], alert["sentence_zh"]):
        assert "by_mistake" in text
        assert f"suyuan rebuild --release {HELD}" in text
    assert "AppropriationReceived" in alert["sentence"]
    assert "AppropriationReceived" not in alert["sentence_zh"]
    assert "fund-held" not in [each["alert"] for each in two_funds.get(f"/v1/funds/{OTHER}/alerts").json["alerts"]]
    assert "\nsuyuan_funds_held 1.0\n" in two_funds.get("/metrics", "all").text
    errors = [each for each in check(two_funds.api.url).findings if each.severity == "error"]
    assert [(each.kind, each.facts["fund"], each.facts["position"]) for each in errors] == [
        ("fund-held", HELD, position)
    ]
    for text in (errors[0].en, errors[0].zh):
        assert f"fund/{HELD}" in text
        assert "by_mistake" in text
    json.dumps(errors[0].document(), default=str)


def test_the_balances_that_another_engine_derived_from_the_whole_log_are_compared_without_the_held_fund(two_funds):
    position = two_funds.break_()
    balances = two_funds.execute(QUERIES["balances_at"].replace("%(position)s", "null::bigint"))
    rows = [row | {"pool": row["pool"] + 1} if row["fund"] == HELD else row for row in balances]
    with psycopg.connect(two_funds.api.url) as conn:
        compared = compare(conn, rows, position)
    assert (compared.differing, compared.held) == (0, (HELD,))
    assert 0 < compared.rows < len(balances)


def test_a_rebuild_skips_the_events_of_a_held_fund_and_finds_the_same_tables(two_funds):
    two_funds.break_()
    before = {fund: two_funds.tables(fund) for fund in (HELD, OTHER)}
    assert two_funds.rebuild().switched
    assert {fund: two_funds.tables(fund) for fund in (HELD, OTHER)} == before
    assert two_funds.execute("select fund from held_fund") == [{"fund": HELD}]


def test_a_fund_is_released_only_when_its_event_can_be_folded(two_funds):
    position = two_funds.break_()
    with pytest.raises(FoldStopped) as stopped:
        two_funds.rebuild(release=HELD)
    assert (stopped.value.position, stopped.value.projection) == (position, "citation")
    assert two_funds.get(f"/v1/funds/{HELD}").status_code == 503
    two_funds.repair()
    assert two_funds.rebuild(release=HELD).switched
    assert two_funds.execute("select fund from held_fund") == []
    assert two_funds.get(f"/v1/documents/{NUMBER}?fund={HELD}").json["citations"][0]["position"] == position
    assert check(two_funds.api.url).findings == []
    two_funds.post_to(HELD, "第2号")
    two_funds.api.fold()
    assert two_funds.get(f"/v1/documents/第2号?fund={HELD}").status_code == 200


def test_a_release_is_refused_while_rows_of_other_funds_differ(two_funds):
    two_funds.break_()
    two_funds.repair()
    two_funds.execute("update project set name = 'x' where fund = %s", OTHER)
    refused = two_funds.rebuild(release=HELD)
    assert (refused.switched, refused.unexpected) == (False, ("project",))
    assert two_funds.execute("select fund from held_fund") == [{"fund": HELD}]
    assert two_funds.rebuild(release=HELD, accepted=["project"]).switched


def test_a_rebuild_does_not_switch_if_a_fund_was_held_meanwhile(two_funds):
    def hold_another(*_):
        two_funds.execute(
            "insert into held_fund (fund, position, projection, finding) values (%s, 500, 'lot', '')"
            " on conflict do nothing",
            OTHER,
        )

    two_funds.break_()
    with pytest.raises(HeldMeanwhile):
        two_funds.rebuild(on_progress=hold_another)


def test_the_release_of_a_fund_holds_another_whose_event_cannot_be_folded(two_funds):
    two_funds.break_()
    two_funds.repair()
    position = two_funds.post_to(OTHER, "第9号")
    two_funds.api.fold()
    two_funds.execute("alter table citation add constraint by_mistake check (number <> '第9号') not valid")
    rebuilt = two_funds.rebuild(release=HELD)
    assert rebuilt.switched
    assert [(each.fund, each.position) for each in rebuilt.held] == [(OTHER, position)]
    assert two_funds.execute("select fund from held_fund") == [{"fund": OTHER}]
    assert two_funds.get(f"/v1/funds/{HELD}").status_code == 200
    assert two_funds.get(f"/v1/funds/{OTHER}").status_code == 503


def test_a_fund_that_a_rebuild_holds_is_released_by_another_after_the_repair(two_funds):
    position = two_funds.post_to(HELD, NUMBER)
    last = max(two_funds.post_to(HELD, "第2号"), two_funds.post_to(OTHER))
    two_funds.api.fold()
    before = {fund: two_funds.tables(fund) for fund in (HELD, OTHER)}
    two_funds.execute(f"alter table citation add constraint by_mistake check (number <> '{NUMBER}') not valid")
    [held] = two_funds.rebuild(["plan", "citation"]).held
    assert (held.fund, held.position, held.projection) == (HELD, position, "citation")
    assert "by_mistake" in held.finding
    assert two_funds.tables(OTHER) == before[OTHER]
    assert two_funds.get(f"/v1/funds/{OTHER}?min_position={last}").status_code == 200
    assert two_funds.get(f"/v1/funds/{HELD}").json["position"] == position
    assert [each.kind for each in check(two_funds.api.url).findings if each.severity == "error"] == ["fund-held"]
    two_funds.repair()
    assert two_funds.rebuild(release=HELD).switched
    assert {fund: two_funds.tables(fund) for fund in (HELD, OTHER)} == before
    assert check(two_funds.api.url).findings == []


def test_a_fund_that_is_not_held_cannot_be_released(two_funds):
    with pytest.raises(NotHeld, match=OTHER):
        two_funds.rebuild(release=OTHER)
    assert two_funds.execute("select to_regnamespace('suyuan_rebuild') as left_over") == [{"left_over": None}]


def test_the_command_names_the_event_that_still_cannot_be_folded_and_releases_the_fund_after_the_repair(
    two_funds, folder
):
    position = two_funds.break_()
    variables = {
        "DATABASE_URL": two_funds.api.url,
        "SUYUAN_SECRET": SECRET.decode(),  # each command removes it from its environment
        "SUYUAN_HOME": str(folder),
    }

    def run(*arguments):
        return CliRunner(env=variables).invoke(cli, ["rebuild", *arguments])

    statement = CliRunner(env=variables).invoke(cli, ["reconcile", "--fund", HELD, str(example.STATEMENT)])
    assert f"held at position {position}" in statement.output
    assert run("--release", HELD, "lot").exit_code == 2
    refused = run("--release", HELD)
    assert refused.exit_code == 1
    assert f"citation stopped at position {position}" in refused.output
    two_funds.repair()
    released = run("--release", HELD)
    assert released.exit_code == 0, released.output
    assert two_funds.get(f"/v1/funds/{HELD}").status_code == 200


def test_the_command_names_in_both_languages_the_fund_that_the_rebuild_holds(two_funds, folder):
    variables = {
        "DATABASE_URL": two_funds.api.url,
        "SUYUAN_SECRET": SECRET.decode(),  # each command removes it from its environment
        "SUYUAN_HOME": str(folder),
    }
    position = two_funds.post_to(HELD, NUMBER)
    two_funds.api.fold()
    two_funds.execute(f"alter table citation add constraint by_mistake check (number <> '{NUMBER}') not valid")
    two_funds.execute("update project set name = 'x' where fund = %s", OTHER)
    refused = CliRunner(env=variables).invoke(cli, ["rebuild"])
    assert refused.exit_code == 1
    assert f"专项资金 {HELD} 切换时将暂停推算：日志第 {position} 号事件无法推算到表 citation" in refused.output
    assert f"the fund {HELD} would be held: the event at position {position}" in refused.output
    assert "--accept-differences project" in refused.output
    rebuilt = CliRunner(env=variables).invoke(cli, ["rebuild", "citation", "--accept-differences", "project"])
    assert rebuilt.exit_code == 0, rebuilt.output
    assert f"专项资金 {HELD} 已暂停推算：日志第 {position} 号事件无法推算到表 citation" in rebuilt.output
    assert f"the fund {HELD} is held: the event at position {position} cannot be folded into citation" in rebuilt.output
    two_funds.execute("delete from held_fund")
    document = json.loads(CliRunner(env=variables).invoke(cli, ["rebuild", "--json"]).stdout)
    assert [(each["fund"], each["position"]) for each in document["held"]] == [(HELD, position)]


# The projector ---------------------------------------------------------------


class Projector:
    """The projector in a thread. Instead of each pause, `repair` is called with the number of the pause.

    `waits`: the seconds that each pause would have taken.
    """

    def __init__(self, url, repair):
        self.url, self.repair, self.waits, self.stop = url, repair, [], threading.Event()
        self.thread = threading.Thread(target=projector.follow, args=(url, self.stop, self.wait))

    def wait(self, seconds):
        self.waits.append(seconds)
        self.repair(len(self.waits))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def test_the_projector_holds_the_fund_and_goes_on_in_the_same_session(two_funds):
    two_funds.execute(f"alter table citation add constraint by_mistake check (number <> '{NUMBER}')")
    with Projector(two_funds.api.url, repair=lambda _: None) as following:
        position = two_funds.post_to(HELD, NUMBER)
        assert reached(two_funds.api.url, position)
        assert reached(two_funds.api.url, two_funds.post_to(OTHER))
        assert following.thread.is_alive()
    assert following.waits == []
    assert two_funds.execute("select fund, position from held_fund") == [{"fund": HELD, "position": position}]


def test_a_projector_that_owns_no_table_can_hold_a_fund(two_funds):
    """The projector has the rights of its role only. Only it and the checker may make temporary tables."""
    with psycopg.connect(two_funds.api.url) as admin:
        roles.hand_over(admin)
    two_funds.execute(f"alter table citation add constraint by_mistake check (number <> '{NUMBER}')")
    last = max(two_funds.post_to(HELD, NUMBER), two_funds.post_to(OTHER))
    assert two_funds.api.fold() == last
    assert [each["fund"] for each in two_funds.execute("select fund from held_fund")] == [HELD]


def test_an_error_that_is_not_in_the_events_is_logged_with_its_span_and_retried_with_growing_pauses(two_funds):
    def break_():
        two_funds.execute("alter table citation rename to citation_away")

    def repair(waits):
        if waits in (9, 10):
            two_funds.execute("alter table citation_away rename to citation")

    break_()
    with capture_logs() as logs, Projector(two_funds.api.url, repair) as following:
        position = two_funds.post_to(OTHER)
        assert reached(two_funds.api.url, position)
        assert following.waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        break_()
        assert reached(two_funds.api.url, two_funds.post_to(OTHER, "第2号"))
        assert following.waits[9:] == [1], "after a success the pauses begin again"
    logged = [each for each in logs if each["event"] == "projector cannot fold"]
    assert {each["sqlstate"] for each in logged} == {"42P01"}
    assert logged[0]["at"] == f"citation, positions {position} to {position}"
    assert "projector lost the database" not in [each["event"] for each in logs]
    assert two_funds.execute("select fund from held_fund") == []


def test_after_each_refusal_half_as_many_events_are_folded_so_that_the_log_names_the_event(two_funds, monkeypatch):
    monkeypatch.setattr(projector, "SPAN", 4)
    two_funds.execute("alter table citation rename to citation_away")
    first = two_funds.post_to(OTHER)
    for number in range(3):
        two_funds.post_to(OTHER, f"第1{number}号")

    def repair(waits):
        if waits == 4:
            two_funds.execute("alter table citation_away rename to citation")

    with capture_logs() as logs, Projector(two_funds.api.url, repair):
        assert reached(two_funds.api.url, first + 3)
    spans = [each["at"].removeprefix("citation, positions ") for each in logs if "at" in each]
    assert spans == [f"{first} to {first + more}" for more in (3, 1, 0, 0)]


def test_a_database_that_cannot_be_reached_is_tried_again_with_pauses_of_a_few_seconds():
    stop, waits = threading.Event(), []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 6:
            stop.set()

    with capture_logs() as logs:
        projector.follow("host=127.0.0.1 port=1", stop, wait)
    assert waits == [0.5, 1, 2, 4, 5, 5]
    assert {each["event"] for each in logs} == {"projector lost the database"}
