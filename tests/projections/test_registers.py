"""The registers of applications and awards say what the events of a life did, whatever was reversed."""

from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from domain.entry_reversed import EntryReversed
from domain.event import Reference
from domain.fund.plan import PlanAdopted, PlanRevised
from domain.money import UNITS, Money
from domain.project.amendment import AwardAmended, AwardDeclined, AwardRevoked, AwardTerminated
from domain.project.award import AwardListDecided
from domain.project.call import ApplicationReceived
from domain.project.payment import PaymentReturned
from domain.project.recovery import RecoveryReceived
from domain.project.selection import Entry, NoticeStarted
from domain.state.fund import Fund
from domain.state.project import Project
from service.export.annex import compared, plan_table
from service.postgres.queries import QUERIES
from tests.random_life import PROJECTS, RandomLife

ROWS = 1_000
FIRST_PAGE = {"position": 0, "application": ""}
NO_FILTERS = dict.fromkeys(("fund", "project", "status", "acceptance", "uscc", "payee", "recipient", "recipient_name"))


NOW = {"position": None, "booked_on": None}


BACK_TO_LINE = (AwardAmended, AwardDeclined, AwardRevoked, AwardTerminated)


class Lived:
    """A random life, its log folded into the tables, and the entries that its events reversed."""

    def __init__(self, log, seed):
        self.life, self.log = RandomLife(Random(seed)), log
        for _ in self.life.live(700):
            pass
        log.append(self.life.events).fold(50)
        self.recorded = {Reference(event.stream, event.version): event for event in self.life.events}

    def rows(self, query, **cursor):
        return self.log.conn.execute(QUERIES[query], {**NO_FILTERS, **cursor, "limit": ROWS}).fetchall()

    def moved(self, entry, account, sign):
        """By project and award: the amounts that entries of this type, less reversals, took out of `account`."""
        amounts = Counter()
        for event in self.life.events:
            if event.mirrors:
                continue
            entered, back = event, 1
            if isinstance(event.fact, EntryReversed):
                entered, back = self.recorded[Reference(event.stream, event.fact.version)], -1
            if isinstance(entered.fact, entry):
                for move in event.moves:
                    out = (move.source == account) - (move.target == account)
                    amounts[move.place.project, move.place.award] += out * move.amount * sign
                    assert back * out >= 0 or entry in BACK_TO_LINE
        return amounts


@pytest.fixture(params=range(6))
def lived(log, request):
    return Lived(log, request.param)


def test_an_award_has_what_its_list_decided_and_what_amendments_returns_and_recoveries_changed(lived):
    moved = {
        "decided": lived.moved(AwardListDecided, "line", 1),
        "amended": lived.moved(AwardAmended, "line", 1),
        "returned": lived.moved(PaymentReturned, "paid", 1),
        "recovery_received": lived.moved(RecoveryReceived, "paid", 1),
    }
    rows = lived.rows("awards", position=0, award="")
    for row in rows:
        expected = {name: str(Money(amounts[row["project"], row["award"]])) for name, amounts in moved.items()}
        assert {name: row[name] for name in moved} == expected, row
    assert {(row["project"], row["award"]) for row in rows} >= {at for at, each in moved["decided"].items() if each}


def test_the_months_add_up_to_what_was_awarded_returned_recovered_and_paid_by_the_bank(lived):
    """Also where a recovery brought interest, and where the bank paid what nobody had ordered out of the pool."""
    of_fund = {project.code for project in lived.life.projects() if project.fund == "f"}

    def moved(account, *entries):
        return sum(
            amount
            for entry in entries
            for (project, _), amount in lived.moved(entry, account, 1).items()
            if project in of_fund
        )

    rows = lived.log.conn.execute(QUERIES["balances_by_month"], {"fund": "f", **NOW}).fetchall()
    assert {name: sum(Decimal(row[name]) * 100 for row in rows) for name in MONTHLY} == {
        name: moved(account, *entries) for name, (account, *entries) in MONTHLY.items()
    }


MONTHLY = {
    "awarded": ("line", AwardListDecided, *BACK_TO_LINE),
    "returned": ("paid", PaymentReturned),
    "recovery_received": ("paid", RecoveryReceived),
}
"""What the months say, with the account and the entries that it is taken from."""


def test_the_plan_agrees_with_the_balances_and_the_adopted_draft_at_any_time(lived):
    """Also where a revision took a batch or a line out of the plan."""
    plans = {
        position: event.fact
        for position, event in enumerate(lived.life.events, 1)
        if event.fund == "f" and isinstance(event.fact, PlanAdopted | PlanRevised)
    }
    adopted, *revised = plans
    drafted = lived.recorded[Reference("fund/f", plans[adopted].draft)].fact
    for position in (adopted, *(each - 1 for each in revised), *revised, None):
        at = {"fund": "f", "position": position, "booked_on": None}
        total, lines, standing = (
            lived.log.conn.execute(query, at).fetchall()
            for query in (QUERIES["plan_totals"], QUERIES["plan_lines"], STANDING)
        )
        for name in STANDING_AMOUNTS:
            batches = [each[name] for line in lines for each in line["batches"]]
            assert sum(map(Money.parse, batches)) == Money.parse(total[0][name]) == standing[0][name], (position, name)
            assert sum(Money.parse(line[name]) for line in lines) == standing[0][name]
        assert sum(Money.parse(line["adopted"]) for line in lines) == drafted.total
        assert all(line["tasks"] for line in lines)


STANDING_AMOUNTS = ("planned", "allotted", "paid")
STANDING = """
select sum(planned)::bigint as planned, sum(allotted)::bigint as allotted, sum(paid)::bigint as paid
from standing_at(%(fund)s, %(position)s, %(booked_on)s)
"""


def test_an_application_has_what_it_asked_for_and_its_state(lived):
    rows = {(row["project"], row["application"]): row for row in lived.rows("applications", **FIRST_PAGE)}
    asked: dict[tuple[str, str], ApplicationReceived | Entry] = {}
    for event in lived.life.events:
        match event.fact:
            case ApplicationReceived():
                asked[event.stream.partition("/")[2], event.fact.application] = event.fact
            case NoticeStarted():
                asked |= {(event.stream.partition("/")[2], e.application): e for e in event.fact.entries or ()}
    assert rows.keys() == asked.keys()
    standing = set()
    for code in PROJECTS:
        project = lived.life.ledger.project(code)
        for name, each in project.applications.items():
            row, fact, shown = rows[code, name], asked[code, name], project.rounds[str(each.round)].noticed.get(name)
            standing.add((code, name))
            plans = [row[column] for column in ("amount", "title", "place", "starts_on", "ends_on", "number")]
            if isinstance(fact, Entry):
                assert (row["rewarded_for"], row["grounds"]) == (fact.rewarded_for, fact.grounds)
                assert plans == [None] * 6
            else:
                amount = None if fact.amount is None else str(fact.amount)
                assert plans == [amount, fact.title, fact.place, fact.starts_on, fact.ends_on, each.number]
            assert (row["round"], row["screening"]) == (each.round, each.screening)
            assert (row["withdrawn"], row["excluded"], row["award"]) == (each.withdrawn, each.excluded, each.award)
            assert row["shown"] == (str(shown.amount) if shown else None), (code, name)
    assert {at for at, row in rows.items() if row["status"] != "reversed"} == standing


def test_an_award_shows_what_its_application_asked_for_and_the_notices_showed(lived):
    of_applications = {(row["project"], row["application"]): row for row in lived.rows("applications", **FIRST_PAGE)}
    for row in lived.rows("awards", position=0, award=""):
        application = of_applications[row["project"], row["application"]]
        assert (row["applied"], row["shown"]) == (application["amount"], application["shown"])


def test_the_pages_of_applications_have_each_once(lived):
    whole, pages, after = lived.rows("applications", **FIRST_PAGE), [], FIRST_PAGE
    while page := lived.log.conn.execute(QUERIES["applications"], {**NO_FILTERS, **after, "limit": 2}).fetchall():
        pages += page
        after = {"position": page[-1]["received_position"], "application": page[-1]["application"]}
    assert pages == whole


def test_the_findings_and_holds_are_those_of_the_funds_and_projects(lived):
    """A finding stays until the whole event that opened it is reversed, and a hold until it or its event is."""
    owners = {f"fund/{state.code}": state for state in lived.life.aggregates() if isinstance(state, Fund)}
    owners |= {f"project/{state.code}": state for state in lived.life.aggregates() if isinstance(state, Project)}
    findings, holds = (lived.rows(name, position=0, name="") for name in ("findings", "holds"))
    assert {(row["stream"], row["finding"]): row["status"] for row in findings if row["status"] != "reversed"} == {
        (stream, name): "settled" if each.settled else "open"
        for stream, state in owners.items()
        for name, each in state.findings.items()
    }
    assert {(row["project"], row["hold"]): row["status"] for row in holds if row["status"] != "reversed"} == {
        (state.code, name): "released" if each.released else "held"
        for state in owners.values()
        if isinstance(state, Project)
        for name, each in state.holds.items()
    }


def test_the_annex_adds_up_and_has_the_lines_of_the_adopted_draft_and_of_the_fund_s_state(lived):
    """By line and batch, and in the total: what was printed and its adjustment are what is planned now."""
    fund = lived.life.fund
    [adopted] = lived.log.conn.execute("select adopted_position from fund where fund = 'f'").fetchall()
    at = ({**NOW, "position": adopted["adopted_position"]}, NOW)
    printed, current = (
        plan_table(lived.log.conn.execute(QUERIES["annex_plan"], {"fund": "f", **time}).fetchone()) for time in at
    )
    annex = compared(printed, current)
    adoption = next(event for event in lived.life.events if isinstance(event.fact, PlanAdopted))
    drafted = lived.recorded[Reference(adoption.stream, adoption.fact.draft)]
    shown = {name: in_fen(annex, name) for name in ("printed", "adjustment", "current")}
    assert shown["printed"] == of_lines(drafted.fact.lines)
    assert shown["current"] == of_lines(fund.lines.values())
    for place in set().union(*shown.values()):
        assert shown["adjustment"][place] == shown["current"][place] - shown["printed"][place], place
    for amounts in shown.values():
        assert amounts["", 0] == sum(amount for (project, batch), amount in amounts.items() if project and batch)
    assert [row["project"] for row in annex["rows"] if row["in_plan"]] == [line["project"] for line in current.lines]


def in_fen(annex, name):
    """The amounts that are not zero, in fen, by project and batch; batch 0 and project "" are totals."""
    amounts = Counter()
    for row in (*annex["rows"], {"project": "", **annex["total"]}):
        for batch, amount in ((0, row[name]["total"]), *((b["batch"], b["amount"]) for b in row[name]["batches"])):
            amounts[row["project"], batch] = Decimal(amount) * 10 ** UNITS[annex["unit"]]
    return Counter({place: amount for place, amount in amounts.items() if amount})


def of_lines(lines):
    amounts = Counter()
    for each in lines:
        for batch in each.batches:
            for place in ((each.project, batch.batch), (each.project, 0), ("", batch.batch), ("", 0)):
                amounts[place] += batch.amount
    return Counter({place: amount for place, amount in amounts.items() if amount})


# As of a time ----------------------------------------------------------------


@pytest.fixture(params=range(3))
def life(request):
    life = RandomLife(Random(request.param))
    for _ in life.live(500):
        pass
    return life


def plans(log, at):
    queries = ("plan_lines", "plan_totals", "annex_plan")
    return [log.conn.execute(QUERIES[name], {"fund": "f", **at}).fetchall() for name in queries]


def awards(log, at):
    """The register of awards, page by page."""
    named = {f"at_{name}": value for name, value in at.items()}
    query, rows, cursor = "awards" if at == NOW else "awards_at", [], (0, "")
    while True:
        given = {**NO_FILTERS, **named, "position": cursor[0], "award": cursor[1], "limit": 3}
        page = log.conn.execute(QUERIES[query], given).fetchall()
        rows += page
        if len(page) < 3:
            return rows
        cursor = (page[-1]["events"][0], page[-1]["award"])


def without_positions(rows):
    """A part of a log by day has other positions, so only how many there are is compared."""
    return sorted(
        ({**row, "events": len(row["events"])} for row in rows), key=lambda row: (row["project"], row["award"])
    )


def of_part(log, events, read):
    """What `read` reads of a log with only these events; the log is empty again afterwards."""
    with log.conn.transaction(force_rollback=True):
        log.append(events).fold()
        return read(log, NOW)


def parts(life):
    """Parts of the life's log, each with the position or booking date that it ends with."""
    count = len(life.events)
    for position in range(5, count, count // 9):
        yield life.events[:position], {**NOW, "position": position}
    for day in sorted({event.booked_on for event in life.events})[::9]:
        yield [event for event in life.events if event.booked_on <= day], {**NOW, "booked_on": day}


def test_the_plan_of_a_past_time_is_the_plan_of_the_log_until_then(log, life):
    expected = [(at, of_part(log, events, plans)) for events, at in parts(life)]
    log.append(life.events).fold()
    for at, tables in expected:
        assert plans(log, at) == tables, at
    assert any(line["awarded_count"] for _, (lines, *_) in expected for line in lines)
    assert len({line["planned"] for _, (lines, *_) in expected for line in lines}) > 1


def test_the_register_of_awards_of_a_past_time_is_that_of_the_log_until_then(log, life):
    expected = [(at, of_part(log, events, awards)) for events, at in parts(life)]
    log.append(life.events).fold()
    for at, rows in expected:
        found = awards(log, at)
        if at["position"]:
            assert found == rows, at
        assert without_positions(found) == without_positions(rows), at
    assert any(row["shown"] for _, rows in expected for row in rows)
    assert {row["status"] for _, rows in expected for row in rows} > {"live"}
