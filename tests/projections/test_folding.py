"""However the log is cut, the tables are the same, and they say what the domain says."""

from collections import Counter
from itertools import count
from random import Random

import pytest

import projections
from domain.fen import FenSet
from domain.posting import ALLOTTED
from projections import FoldStopped
from tests.random_life import PROJECTS, RandomLife

AWARD_LEVEL = tuple(account for account in ALLOTTED if account != "line")


def a_life(seed, steps=250):
    life = RandomLife(Random(seed))
    for _ in life.live(steps):
        pass
    return life


def a_young_life():
    """The first that has allotted something and has more in its pool."""
    lives = (a_life(seed, 20) for seed in count())
    return next(life for life in lives if life.fund.allotted and life.fund.accounts.balance("pool"))


def an_eventful_life():
    """Of some, the one that has seen most."""
    return max((a_life(seed, 600) for seed in range(8)), key=lambda life: len({type(e.fact) for e in life.events}))


@pytest.mark.parametrize("seed", range(3))
def test_the_tables_are_the_same_however_the_log_is_cut(log, seed):
    log.append(a_life(seed, 350).events)
    tables = []
    for span in (1, 2, 7, 10_000):
        log.empty()
        log.fold(span)
        tables.append({name: log.rows(name) for name in projections.ORDER})
    assert tables[0] == tables[1] == tables[2] == tables[3]


def test_a_long_life_leaves_rows_in_every_table(log):
    """Else the tests beside this one would say little."""
    log.append(an_eventful_life().events).fold()
    assert [name for name in projections.ORDER if not log.rows(name)] == []


@pytest.mark.parametrize("seed", range(6))
def test_the_tables_say_what_the_aggregates_say(log, seed):
    life = a_life(seed)
    log.append(life.events).fold(50)
    expected = Counter()
    for owner in life.owners():
        for at, fen in owner.accounts.holdings.items():
            place = at.place
            expected[at.account, place.project or "", place.batch or 0, place.award or ""] += fen.total
    found = Counter()
    for row in log.conn.execute("select * from balance").fetchall():
        for account in (*ALLOTTED, "pool", "recovered", "surrendered"):
            if row[account]:
                found[account, row["project"], row["batch"], row["award"]] += row[account]
    assert found == expected


@pytest.mark.parametrize("seed", range(6))
def test_a_lot_holds_exactly_the_fen_that_stand_there(log, seed):
    life = a_life(seed)
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


def told(log, table, *columns):
    """What the table says of each subject: its project and name, then these columns."""
    rows = log.conn.execute(f"select * from {table}").fetchall()
    return {(row["project"], row[table]): tuple(row[column] for column in columns) for row in rows}


def known(life, kind, tell):
    """What the aggregates say of each subject."""
    projects = [(code, life.scenario.ledger.project(code)) for code in PROJECTS]
    return {(code, name): tell(p, name, each) for code, p in projects for name, each in p.subjects(kind).items()}


def standing(rows):
    return {key: values for key, values in rows.items() if values[0] != "reversed"}


def tell_application(project, name, each):
    told = {"withdrawn": each.withdrawn, "excluded": each.excluded, "awarded": each.award, "live": True}
    status = next(word for word, holds in told.items() if holds)
    score = project.rounds[str(each.round)].scores.get(name)
    # A later review leaves those out that are out: the table keeps what they were scored.
    return status, each.screening.value, each.round, None if score is None or status in OUT else str(score)


OUT = ("withdrawn", "excluded")


def tell_award(_, __, each):
    due = each.rectify_by if each.acceptance == "rectifying" else None
    return each.status.value, each.acceptance.value, due, each.ends_on, each.payee.name, each.payee.account.last4


def tell_payment(project, name, each):
    came_back = Counter()
    status = each.status.value
    for recovery in project.recoveries_of.get(name, ()):
        came_back["recovered"] += project.recovered.get(recovery, 0)
    return status, each.award, each.batch, came_back["recovered"]


@pytest.mark.parametrize("seed", range(8))
def test_statuses_are_those_of_the_aggregates(log, seed):
    life = a_life(seed)
    log.append(life.events).fold(37)
    applications = told(log, "application", "status", "screened", "round", "score")
    applications = {k: (*row[:3], None if row[0] in OUT else row[3]) for k, row in applications.items()}
    awards = told(log, "award", "status", "acceptance", "rectify_by", "ends_on", "payee", "payee_account")
    payments = told(log, "payment", "status", "award", "batch", "recovered")
    payments = {key: ("confirmed" if row[0] == "returned" else row[0], *row[1:]) for key, row in payments.items()}
    assert standing(applications) == known(life, "application", tell_application)
    assert standing(awards) == known(life, "award", tell_award)
    assert payments == known(life, "payment", tell_payment)


def tell_round(_, __, each):
    notice = each.notice
    days = (notice.first_day, notice.last_day, notice.completed and notice.completed.on) if notice else (None,) * 3
    return each.status.value, each.opens_on, each.closes_on, each.closed_on, each.review and each.review.on, *days


def tell_objection(_, __, each):
    return each.resolved, each.application, each.received.on


def tell_recovery(project, name, each):
    return "ordered", each.payment, each.due_on, each.amount, project.recovered.get(name, 0), each.waived


@pytest.mark.parametrize("seed", range(8))
def test_rounds_objections_recoveries_and_waivers_are_those_of_the_aggregates(log, seed):
    life = a_life(seed)
    log.append(life.events).fold(29)
    rounds = told(
        log, "round", "status", "opens_on", "closes_on", "closed_on", "reviewed_on", "notice_from", "notice_to",
        "notice_completed_on",
    )  # fmt: skip
    objections = standing(told(log, "objection", "status", "application", "received_on"))
    recoveries = told(log, "recovery", "status", "payment", "due_on", "amount", "received", "waived")
    assert standing(rounds) == known(life, "round", tell_round)
    resolved = {key: (row[0] != "open", *row[1:]) for key, row in objections.items()}
    assert resolved == known(life, "objection", tell_objection)
    assert standing(recoveries) == known(life, "recovery", tell_recovery)
    assert set(standing(told(log, "waiver", "status"))) == set(known(life, "waiver", lambda *_: None))


@pytest.mark.parametrize("seed", range(8))
def test_the_plan_and_the_fund_are_those_of_the_aggregates(log, seed):
    life = a_life(seed)
    log.append(life.events).fold(41)
    fund = life.scenario.ledger.fund("f")
    planned = {(r["project"], r["batch"]): r for r in log.conn.execute("select * from plan_at('f', null, null)")}
    lines = {(line.project, batch.batch): batch for line in fund.lines.values() for batch in line.batches}
    assert {at: (r["planned"], r["gate"]) for at, r in planned.items()} == {
        at: (batch.amount, batch.gate.value) for at, batch in lines.items()
    }
    rows = log.conn.execute("select * from appropriation where fund = 'f'").fetchall()
    assert {r["version"]: (r["amount"], r["budget_year"], r["carried_out_of"]) for r in rows} == {
        version: (each.amount, each.budget_year, each.carried[-1].year if each.carried else None)
        for version, each in fund.appropriations.items()
    }
    row = log.conn.execute("select * from fund where fund = 'f'").fetchone()
    received = sum(each.amount for each in fund.appropriations.values())
    back = sum(fund.reversed[v].total for v in fund.appropriations if v in fund.reversed)
    assert row["appropriated"] == received - back
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
def test_balances_of_the_past_are_the_balances_as_they_were_then(log, seed):
    events = a_life(seed).events
    then = {}
    for cut in (len(events) // 3, len(events) // 2, len(events)):
        log.append(events[len(log) : cut]).fold()
        then[cut] = log.rows(NOT_EMPTY.format("balance"))
    for cut, rows in then.items():
        assert log.rows(NOT_EMPTY.format(f"balance_at({cut}, null)")) == rows


ACCOUNTS = ("pool", "surrendered", "recovered", "line", "committed", "payable", "in_approval", "in_transit", "paid")
IN_ONE_ROW = f"""
    (select fund, project, batch, case when award = '' then '' else '*' end as award,
        {", ".join(f"sum({account})::bigint as {account}" for account in ACCOUNTS)}
    from balance_at({{}}) as b group by 1, 2, 3, 4) as rows
"""


@pytest.mark.parametrize("seed", range(3))
def test_what_is_awarded_in_one_row_is_the_sum_of_its_awards(log, seed):
    events = a_life(seed).events
    log.append(events).fold()
    half = len(events) // 2
    for at in ("null, null", f"{half}, null", f"{len(events)}, null", f"null, '{events[half].booked_on}'"):
        rows = log.rows(f"(select * from balance_at({at}, false)) as rows")
        assert rows == log.rows(IN_ONE_ROW.format(at)) != []


def test_an_event_that_overdraws_an_account_stops_the_fold_there_and_says_so(log):
    life = a_young_life()
    log.append(life.events)
    bad = {
        "fund": "f",
        "booked_on": "2020-01-01",
        "moves": [
            {"from": "pool", "to": "surrendered", "fen": "{[0,99999999)}", "amount": "999999.99"},
        ],
    }
    log.raw("fund/f", 10_000, "Invented", bad)
    log.raw("fund/f", 10_001, "Invented", {"fund": "f", "booked_on": "2020-01-01"})
    with pytest.raises(FoldStopped) as stopped:
        log.fold()
    position = len(life.events) + 1
    assert (stopped.value.position, stopped.value.projection) == (position, "balance")
    assert "balance_pool_check" in stopped.value.finding
    reached = log.conn.execute("select distinct position from projection").fetchall()
    assert reached == [{"position": position - 1}], "what came before stays folded, nothing is skipped"


def test_fen_that_were_never_there_stop_the_fold_and_are_named(log):
    life = a_young_life()
    log.append(life.events)
    stray = {"from": "pool", "to": "surrendered", "fen": "{[900000,900001)}", "amount": "0.01"}
    log.raw("fund/f", 10_000, "Invented", {"fund": "f", "booked_on": "2020-01-01", "moves": [stray]})
    with pytest.raises(FoldStopped) as stopped:
        log.fold()
    assert stopped.value.projection == "lot"
    assert "{[900000,900001)}" in stopped.value.finding


def test_a_fen_in_two_places_stops_the_fold(log):
    life = a_young_life()
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
    filler = {"from": "treasury", "to": "pool", "fen": "{[990000,990001)}", "amount": "0.01"}
    log.raw("fund/f", 10_000, "Invented", {"fund": "f", "booked_on": "2020-01-01", "moves": [filler, again]})
    with pytest.raises(FoldStopped) as stopped:
        log.fold()
    assert stopped.value.projection == "lot"
    assert "allotted_once" in stopped.value.finding


STRAY = {"fund": "f", "booked_on": "2020-01-01"}
UNSOUND = {
    "an amount that is not its fen's": {"from": "pool", "to": "surrendered", "fen": "{[1199,1200)}", "amount": "0.02"},
    "an account that is none": {"from": "pool", "to": "payabel", "fen": "{[1199,1200)}", "amount": "0.01"},
    "serials issued a second time": {"from": "treasury", "to": "pool", "fen": "{[0,1)}", "amount": "0.01"},
}


@pytest.mark.parametrize("span", [1, 10_000])
@pytest.mark.parametrize("move", UNSOUND.values(), ids=UNSOUND.keys())
def test_a_move_that_cannot_be_stops_the_fold_at_its_position(log, move, span):
    life = RandomLife(Random(1))
    log.append(life.events)
    log.raw("fund/f", 10_000, "Invented", {**STRAY, "moves": [move]})
    with pytest.raises(FoldStopped) as stopped:
        log.fold(span)
    assert stopped.value.position == len(life.events) + 1


def test_a_new_projection_catches_up_from_the_start_while_the_others_wait(log):
    log.append(a_life(2).events).fold()
    payments = log.rows("payment")
    log.conn.execute("delete from payment")
    log.conn.execute("delete from projection where name = 'payment'")
    log.fold(20)
    assert log.rows("payment") == payments


def test_the_cursor_moves_in_the_transaction_of_the_rows(log):
    log.append(a_young_life().events)
    with log.conn.transaction(force_rollback=True):
        projections.advance(log.conn)
        assert log.rows("projection")
    assert log.rows("projection") == log.rows("movement") == []
