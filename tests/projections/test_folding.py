"""The projected tables do not depend on the span size, and they agree with the aggregates of the domain."""

from collections import Counter
from itertools import count, product
from random import Random

import psycopg
import pytest

import projections
from domain.entry_reversed import EntryReversed
from domain.fen import FenSet
from domain.fund.reconciliation import StatementReconciled
from domain.money import Money
from domain.posting import ACCOUNTS, ALLOTTED, OF_INTEREST, POSTINGS
from projections import FoldStopped
from service.postgres.queries import QUERIES
from tests.random_life import PROJECTS, RandomLife
from tests.random_life.model import outstanding_of

AWARD_LEVEL = tuple(account for account in ALLOTTED if account != "line")


def new_life(seed, steps=250):
    life = RandomLife(Random(seed))
    for _ in life.live(steps):
        pass
    return life


def short_life():
    """The first short life that has allotted money and still has money in its pool."""
    lives = (new_life(seed, 20) for seed in count())
    return next(life for life in lives if life.fund.allotted and life.fund.accounts.balance("pool"))


def eventful_life():
    """The first of the random lives whose plan lists sources and whose events write to every table."""
    lives = (life for life in (new_life(seed, 600) for seed in count()) if life.fund.sources)
    return next(life for life in lives if writes_to_every_table(life))


def writes_to_every_table(life):
    types = {type(event.fact).__name__ for event in life.events}
    writing = (projections.TYPES[name] - {"EntryReversed"} for name in projections.ORDER)
    return all(types & each for each in writing if each)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long("other logs")) for seed in range(1, 3))]
)
def test_the_tables_do_not_depend_on_the_span_size(log, seed):
    log.append(new_life(seed, 350).events)
    tables = []
    for span in (1, 2, 7, 10_000):
        log.empty()
        log.fold(span)
        tables.append({name: log.rows(name) for name in projections.ORDER})
    assert tables[0] == tables[1] == tables[2] == tables[3]


def test_a_projection_without_events_in_a_span_has_nothing_to_fold(log, monkeypatch):
    log.append(eventful_life().events).fold(1)
    passed_over = {name: log.rows(name) for name in projections.ORDER}
    log.empty()
    monkeypatch.setattr(projections, "OF_EVERY_TYPE", frozenset(projections.ORDER))
    log.fold()
    assert passed_over == {name: log.rows(name) for name in projections.ORDER}


def test_a_long_life_writes_rows_to_every_table(log):
    """The other tests of this file would prove nothing about a table without rows."""
    log.append(eventful_life().events).fold()
    assert [name for name in projections.ORDER if not log.rows(name)] == []


@pytest.mark.parametrize("seed", range(6))
def test_the_balance_table_agrees_with_the_accounts_of_the_aggregates(log, seed):
    life = new_life(seed)
    log.append(life.events).fold(50)
    expected = Counter()
    for state in life.aggregates():
        for at, fen in state.accounts.holdings.items():
            place = at.place
            if at.account in OF_INTEREST:
                continue  # it is no balance of the fund's money
            expected[at.account, place.project or "", place.batch or 0, place.award or ""] += fen.total
    found = Counter()
    for row in log.conn.execute("select * from balance").fetchall():
        for account in (*ALLOTTED, "pool", "recovered", "surrendered"):
            if row[account]:
                found[account, row["project"], row["batch"], row["award"]] += row[account]
    assert found == expected


@pytest.mark.parametrize("seed", range(6))
def test_a_lot_holds_exactly_the_fen_of_its_accounts(log, seed):
    life = new_life(seed)
    log.append(life.events).fold(50)
    for code in PROJECTS:
        held = {}
        for at, fen in life.scenario.ledger.project(code).accounts.holdings.items():
            for depth, award in (("allotted", ""), ("awarded", at.place.award)):
                if depth == "allotted" or at.account in AWARD_LEVEL:
                    key = (depth, at.place.batch, award)
                    held[key] = held.get(key, FenSet()) + fen
        rows = log.conn.execute(
            "select depth, batch, award, fen::text from lot where project = %s and fen <> '{}'", [code]
        ).fetchall()
        assert {(r["depth"], r["batch"], r["award"]): FenSet.parse(r["fen"]) for r in rows} == held


def table_rows(log, table, *columns):
    """The values of `columns` in each row of `table`, by project and entity name."""
    rows = log.conn.execute(f"select * from {table}").fetchall()
    return {(row["project"], row[table]): tuple(row[column] for column in columns) for row in rows}


def expected_rows(life, kind, row_of):
    """The rows that a table of the entities of `kind` should have, by project and entity name.

    `row_of` makes a row from the state of the project, the entity's name and the entity.
    """
    projects = [(code, life.scenario.ledger.project(code)) for code in PROJECTS]
    return {(code, name): row_of(p, name, each) for code, p in projects for name, each in p.entities(kind).items()}


def not_reversed(rows):
    return {key: values for key, values in rows.items() if values[0] != "reversed"}


def application_row(project, name, each):
    statuses = {"withdrawn": each.withdrawn, "excluded": each.excluded, "awarded": each.award, "live": True}
    status = next(status for status, applies in statuses.items() if applies)
    score = project.rounds[str(each.round)].scores.get(name)
    # A later review omits withdrawn and excluded applications; the table keeps their last scores.
    return status, each.screening.value, each.round, None if score is None or status in INACTIVE else str(score)


INACTIVE = ("withdrawn", "excluded")


def award_row(_, __, each):
    last = each.check()
    due = last.rectify_by if last.status == "rectifying" else None
    return each.status.value, last.status.value, due, each.ends_on, each.payee.name, each.payee.account.last4


def checks_of_award(_, __, each):
    due = {at: str(check.rectify_by) if check.status == "rectifying" else None for at, check in each.checks.items()}
    return (
        each.status.value,
        {at: (str(check.status), str(check.since), due[at]) for at, check in each.checks.items()},
    )


def payment_row(project, name, each):
    recovered = sum(project.recovered.get(recovery, 0) for recovery in project.recoveries_of.get(name, ()))
    return each.status.value, each.award, each.batch, recovered


@pytest.mark.parametrize("seed", range(8))
def test_applications_awards_and_payments_agree_with_the_aggregates(log, seed):
    life = new_life(seed)
    log.append(life.events).fold(37)
    applications = table_rows(log, "application", "status", "screened", "round", "score")
    applications = {k: (*row[:3], None if row[0] in INACTIVE else row[3]) for k, row in applications.items()}
    awards = table_rows(log, "award", "status", "acceptance", "rectify_by", "ends_on", "payee", "payee_account")
    payments = table_rows(log, "payment", "status", "award", "batch", "recovered")
    payments = {key: ("confirmed" if row[0] == "returned" else row[0], *row[1:]) for key, row in payments.items()}
    assert not_reversed(applications) == expected_rows(life, "application", application_row)
    assert not_reversed(awards) == expected_rows(life, "award", award_row)
    checks = {
        key: (status, {at: (each["status"], each["on"], each.get("rectify_by")) for at, each in checkpoints.items()})
        for key, (status, checkpoints) in table_rows(log, "award", "status", "checkpoints").items()
    }
    assert not_reversed(checks) == expected_rows(life, "award", checks_of_award)
    assert payments == expected_rows(life, "payment", payment_row)


def round_row(_, __, each):
    notice = each.notice
    days = (notice.first_day, notice.last_day, notice.completed and notice.completed.on) if notice else (None,) * 3
    return each.status.value, each.opens_on, each.closes_on, each.closed_on, each.review and each.review.on, *days


def objection_row(_, __, each):
    return each.resolved, each.application, each.received.on


def outstanding(log):
    """The outstanding amounts that the query `recoveries` returns, by project and recovery. Zeros are left out."""
    rows = {
        (code, row["recovery"]): Money.parse(row["outstanding"])
        for code in PROJECTS
        for row in log.conn.execute(
            QUERIES["recoveries"], {"fund": "f", "project": code, "after": 0, "limit": None}
        ).fetchall()
    }
    return {at: left for at, left in rows.items() if left}


def recovery_row(project, name, each):
    return "ordered", each.payment, each.due_on, each.amount, project.recovered.get(name, 0), each.waived, each.lapsed


@pytest.mark.parametrize("seed", range(8))
def test_rounds_objections_recoveries_and_waivers_agree_with_the_aggregates(log, seed):
    life = new_life(seed)
    log.append(life.events).fold(29)
    rounds = table_rows(
        log, "round", "status", "opens_on", "closes_on", "closed_on", "reviewed_on", "notice_from", "notice_to",
        "notice_completed_on",
    )  # fmt: skip
    objections = not_reversed(table_rows(log, "objection", "status", "application", "received_on"))
    recoveries = table_rows(log, "recovery", "status", "payment", "due_on", "amount", "received", "waived", "lapsed")
    assert not_reversed(rounds) == expected_rows(life, "round", round_row)
    resolved = {key: (row[0] != "open", *row[1:]) for key, row in objections.items()}
    assert resolved == expected_rows(life, "objection", objection_row)
    assert not_reversed(recoveries) == expected_rows(life, "recovery", recovery_row)
    assert outstanding(log) == outstanding_of(life.ledger)
    assert set(not_reversed(table_rows(log, "waiver", "status"))) == set(expected_rows(life, "waiver", lambda *_: None))


def outdated_since(events):
    """For the version of each acceptance, the position of the first reversal that made the acceptance outdated.

    A reversal does so if it leaves less of an entry than the acceptance lists. None if there is no such reversal.
    """
    left, found = {}, {}
    for event in events:
        left[event.stream, event.version] = sum(moved.fen.total for moved in event.moves)
    accepted = [event for event in events if isinstance(event.fact, StatementReconciled) and event.fund == "f"]
    for position, event in enumerate(events, 1):
        if isinstance(event.fact, EntryReversed) and event.fund == "f":
            at = (event.stream, event.fact.version)
            left[at] -= sum(moved.fen.total for moved in event.moves)
            for each in accepted:
                listed = {(entry.stream, entry.version): entry.amount for entry in each.fact.entries}
                if listed.get(at, 0) > left[at]:
                    found.setdefault(each.version, position)
    return {each.version: found.get(each.version) for each in accepted}


@pytest.mark.parametrize("seed", range(8))
def test_an_acceptance_is_outdated_since_the_first_reversal_that_left_less_than_it_lists(log, seed):
    life = new_life(seed, 400)
    log.append(life.events).fold(100)
    params = {"fund": "f", "position": len(log), "file_sha256": None}
    rows = log.conn.execute(QUERIES["reconciliations"], params).fetchall()
    expected = outdated_since(life.events)
    assert {row["version"]: (row["outdated_since"] or {}).get("position") for row in rows} == expected
    half = {**params, "position": len(log) // 2}
    for row in log.conn.execute(QUERIES["reconciliations"], half).fetchall():
        since = expected[row["version"]]
        assert (row["outdated_since"] or {}).get("position") == (since if since and since <= len(log) // 2 else None)


def test_some_of_these_acceptances_are_outdated():
    assert any(position for seed in range(8) for position in outdated_since(new_life(seed, 400).events).values())


@pytest.mark.parametrize("seed", range(8))
def test_the_plan_and_the_fund_agree_with_the_aggregates(log, seed):
    life = new_life(seed)
    log.append(life.events).fold(41)
    fund = life.scenario.ledger.fund("f")
    planned = {(r["project"], r["batch"]): r for r in log.conn.execute("select * from plan_at('f', null, null)")}
    lines = {(line.project, batch.batch): batch for line in fund.lines.values() for batch in line.batches}
    assert {at: (r["planned"], r["gate"]) for at, r in planned.items()} == {
        at: (batch.amount, str(batch.gate)) for at, batch in lines.items()
    }
    rows = log.conn.execute("select * from appropriation where fund = 'f'").fetchall()
    assert {r["version"]: (r["amount"], r["budget_year"], r["carried_out_of"]) for r in rows} == {
        version: (each.amount, each.budget_year, each.carried[-1].year if each.carried else None)
        for version, each in fund.appropriations.items()
    }
    row = log.conn.execute("select * from fund where fund = 'f'").fetchone()
    received = sum(each.amount for each in fund.appropriations.values())
    reversed_amount = sum(fund.reversed[v].total for v in fund.appropriations if v in fund.reversed)
    assert row["appropriated"] == received - reversed_amount
    assert row["closed_through"] == fund.closed_through
    assert row["settings"]["notice_working_days"] == fund.settings.notice_working_days
    assert row["settings_version"] == fund.settings_version
    assert (row["closed_position"] is not None) == fund.closed
    closed = {r["project"] for r in log.conn.execute("select project from project where closed_position is not null")}
    assert closed == {code for code in PROJECTS if life.scenario.ledger.project(code).closed} == fund.closed_projects


NOT_EMPTY = """
    (select * from {} as b
    where pool + surrendered + recovered + line + committed + payable + in_approval + in_transit + paid > 0) as rows
"""


@pytest.mark.parametrize("seed", range(3))
def test_balances_at_a_past_position_equal_the_balances_folded_up_to_it(log, seed):
    events = new_life(seed).events
    then = {}
    for cut in (len(events) // 3, len(events) // 2, len(events)):
        log.append(events[len(log) : cut]).fold()
        then[cut] = log.rows(NOT_EMPTY.format("balance"))
    for cut, rows in then.items():
        assert log.rows(NOT_EMPTY.format(f"balance_at({cut}, null)")) == rows


def test_an_event_that_overdraws_an_account_stops_the_fold_and_is_named(log):
    life = short_life()
    log.append(life.events)
    overdraft = {
        "fund": "f",
        "booked_on": "2020-01-01",
        "moves": [
            {"from": "pool", "to": "surrendered", "fen": "{[0,99999999)}", "amount": "999999.99"},
        ],
    }
    log.append_raw("fund/f", 10_000, "Invented", overdraft)
    log.append_raw("fund/f", 10_001, "Invented", {"fund": "f", "booked_on": "2020-01-01"})
    with pytest.raises(FoldStopped) as stopped:
        log.fold()
    position = len(life.events) + 1
    assert (stopped.value.position, stopped.value.projection) == (position, "balance")
    assert "balance_pool_check" in stopped.value.finding
    reached = log.conn.execute("select distinct position from projected").fetchall()
    assert reached == [{"position": position - 1}], "earlier events stay folded, and no event is skipped"


def test_moving_fen_that_the_account_does_not_hold_stops_the_fold_and_names_them(log):
    life = short_life()
    log.append(life.events)
    stray = {"from": "pool", "to": "surrendered", "fen": "{[900000,900001)}", "amount": "0.01"}
    log.append_raw("fund/f", 10_000, "Invented", {"fund": "f", "booked_on": "2020-01-01", "moves": [stray]})
    with pytest.raises(FoldStopped) as stopped:
        log.fold()
    assert stopped.value.projection == "lot"
    assert "{[900000,900001)}" in stopped.value.finding


def test_a_fen_in_two_places_stops_the_fold(log):
    life = short_life()
    log.append(life.events)
    allotted = next(e for e in life.events if type(e.fact).__name__ == "FundsAllotted")
    again = {
        "from": "pool",
        "to": "line",
        "fen": str(allotted.moves[0].fen.take(1)),
        "amount": "0.01",
        "project": "other",
        "batch": 1,
    }
    issued = {"from": "treasury", "to": "pool", "fen": "{[990000,990001)}", "amount": "0.01"}
    log.append_raw("fund/f", 10_000, "Invented", {"fund": "f", "booked_on": "2020-01-01", "moves": [issued, again]})
    with pytest.raises(FoldStopped) as stopped:
        log.fold()
    assert stopped.value.projection == "lot"
    assert "allotted_once" in stopped.value.finding


def test_fen_that_are_surrendered_twice_stop_the_fold(log):
    life = short_life()
    log.append(life.events)
    pool = life.fund.accounts.fen("pool").take(1)
    twice = [{"from": "pool", "to": "surrendered", "fen": str(pool), "amount": "0.01"}] * 2
    log.append_raw("fund/f", 10_000, "Invented", {"fund": "f", "booked_on": "2020-01-01", "moves": twice[:1]})
    log.fold()
    log.append_raw("fund/f", 10_001, "Invented", {"fund": "f", "booked_on": "2020-01-01", "moves": twice[1:]})
    with pytest.raises(FoldStopped) as stopped:
        log.fold()
    assert stopped.value.projection == "lot"
    assert str(pool) in stopped.value.finding


HEADER = {"fund": "f", "booked_on": "2020-01-01"}
INVALID_MOVES = {
    "an amount that differs from its fen": {
        "from": "pool",
        "to": "surrendered",
        "fen": "{[1199,1200)}",
        "amount": "0.02",
    },
    "an unknown account": {"from": "pool", "to": "payabel", "fen": "{[1199,1200)}", "amount": "0.01"},
    "serials issued a second time": {"from": "treasury", "to": "pool", "fen": "{[0,1)}", "amount": "0.01"},
}


@pytest.mark.parametrize("span", [1, 10_000])
@pytest.mark.parametrize("move", INVALID_MOVES.values(), ids=INVALID_MOVES.keys())
def test_an_invalid_move_stops_the_fold_at_its_position(log, move, span):
    life = RandomLife(Random(1))
    log.append(life.events)
    log.append_raw("fund/f", 10_000, "Invented", {**HEADER, "moves": [move]})
    with pytest.raises(FoldStopped) as stopped:
        log.fold(span)
    assert stopped.value.position == len(life.events) + 1


def test_a_new_projection_is_folded_from_the_start_while_the_others_wait(log):
    log.append(new_life(2).events).fold()
    payments = log.rows("payment")
    log.conn.execute("delete from payment")
    log.conn.execute("delete from projection where name = 'payment'")
    log.fold(20)
    assert log.rows("payment") == payments


def test_the_cursor_is_updated_in_the_transaction_of_the_rows(log):
    log.append(short_life().events)
    with log.conn.transaction(force_rollback=True):
        projections.advance(log.conn)
        assert log.rows("projection")
    assert log.rows("projection") == log.rows("movement") == []


def cursors(log):
    """The names of the projections that share a cursor, by the position of the cursor."""
    rows = log.conn.execute("select name, position from projected").fetchall()
    return {at: {row["name"] for row in rows if row["position"] == at} for at in {row["position"] for row in rows}}


def test_projections_share_one_cursor_while_they_move_together(log):
    log.append(new_life(2).events).fold(50)
    assert cursors(log) == {len(log): set(projections.ORDER)}
    assert len(log.conn.execute("select from projection_cursor").fetchall()) == 1


def test_a_projection_folded_alone_leaves_the_cursor_of_the_others_and_shares_it_when_they_follow(log):
    events = new_life(2).events
    log.append(events[:100]).fold()
    log.append(events[100:])
    projections.advance(log.conn, names=["citation"])
    assert cursors(log) == {100: {*projections.ORDER} - {"citation"}, len(log): {"citation"}}
    log.fold()
    assert cursors(log) == {len(log): set(projections.ORDER)}
    log.append_raw("fund/f", 10_000, "Invented", {"fund": "f", "booked_on": "2020-01-01"})
    log.fold()
    assert len({row["cursor"] for row in log.conn.execute("select cursor from projection")}) == 1


def test_the_database_moves_interest_only_as_the_posting_rules_do(log):
    """So that interest is never counted as money of the fund, nor the other way round."""
    rules = {(rule.source, rule.target) for rule in POSTINGS}
    touching = [pair for pair in product(ACCOUNTS, repeat=2) if set(pair) & set(OF_INTEREST)]
    stored = {pair for pair in touching if is_stored(log, *pair)}
    assert stored == {pair for pair in touching if pair in rules or pair[::-1] in rules}
    assert len(stored) == 4
    assert is_stored(log, "pool", "line")


def is_stored(log, source, target):
    """Whether the database stores a movement between these accounts. The movement is taken back."""
    columns = "position, seq, fund, type, booked_on, source, target, fen, amount"
    row = (1, 0, "f", "Invented", "2020-01-01", source, target, "{[0,1)}", 1)
    try:
        with log.conn.transaction(force_rollback=True):
            log.conn.execute(f"insert into movement ({columns}) values ({', '.join(['%s'] * len(row))})", row)
    except psycopg.errors.CheckViolation:
        return False
    return True
