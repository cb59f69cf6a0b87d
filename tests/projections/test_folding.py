"""However the log is cut, the tables are the same, and they say what the domain says."""

from collections import Counter
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


@pytest.mark.parametrize("seed", range(3))
def test_the_tables_are_the_same_however_the_log_is_cut(log, seed):
    log.append(a_life(seed).events)
    tables = []
    for span in (1, 2, 7, 10_000):
        log.empty()
        log.fold(span)
        tables.append({name: log.rows(name) for name in projections.ORDER})
    assert tables[0] == tables[1] == tables[2] == tables[3]
    assert all(tables[0].values()), "every table has rows, or this says little"


@pytest.mark.parametrize("seed", range(6))
def test_the_tables_say_what_the_aggregates_say(log, seed):
    life = a_life(seed)
    log.append(life.events).fold(50)
    books = life.scenario.books
    expected = Counter()
    for owner in (books.fund("f"), *(books.project(code) for code in PROJECTS)):
        for at, fen in owner.accounts.books.items():
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
        for at, fen in life.scenario.books.project(code).accounts.books.items():
            for depth, award in (("allotted", ""), ("awarded", at.place.award)):
                if depth == "allotted" or at.account in AWARD_LEVEL:
                    key = (depth, at.place.batch, award)
                    held[key] = held.get(key, FenSet()) + fen
        rows = log.conn.execute(
            "select depth, batch, award, fen::text from lot where project = %s and fen <> '{}'", [code]
        ).fetchall()
        assert {(r["depth"], r["batch"], r["award"]): FenSet.parse(r["fen"]) for r in rows} == held


@pytest.mark.parametrize("seed", range(3))
def test_statuses_are_those_of_the_aggregates(log, seed):
    life = a_life(seed)
    log.append(life.events).fold()
    payments = {
        (r["project"], r["payment"]): (r["status"], r["award"], r["batch"])
        for r in log.conn.execute("select * from payment").fetchall()
    }
    awards = {
        (r["project"], r["award"]): (r["acceptance"], r["rectify_by"])
        for r in log.conn.execute("select * from award").fetchall()
    }
    scores = {
        (r["project"], r["application"]): (r["screened"], r["score"])
        for r in log.conn.execute("select * from application").fetchall()
    }
    projects = [(code, life.scenario.books.project(code)) for code in PROJECTS]
    assert payments == {(c, n): (e.status.value, e.award, e.batch) for c, p in projects for n, e in p.payments.items()}
    assert awards == {(c, n): (e.acceptance.value, e.rectify_by) for c, p in projects for n, e in p.awards.items()}
    assert scores == {
        (c, n): (e.screening.value, None if e.score is None else str(e.score))
        for c, p in projects
        for n, e in p.applications.items()
    }


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


def test_an_event_that_overdraws_an_account_stops_the_fold_there_and_says_so(log):
    life = a_life(1, 60)
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
    life = a_life(1, 60)
    log.append(life.events)
    stray = {"from": "pool", "to": "surrendered", "fen": "{[900000,900001)}", "amount": "0.01"}
    log.raw("fund/f", 10_000, "Invented", {"fund": "f", "booked_on": "2020-01-01", "moves": [stray]})
    with pytest.raises(FoldStopped) as stopped:
        log.fold()
    assert stopped.value.projection == "lot"
    assert "{[900000,900001)}" in stopped.value.finding


def test_a_fen_in_two_places_stops_the_fold(log):
    life = a_life(1, 60)
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
    "serials issued a second time": {"from": "treasury", "to": "pool", "fen": "{[1199,1200)}", "amount": "0.01"},
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
    log.append(a_life(2, 60).events)
    with log.conn.transaction(force_rollback=True):
        projections.advance(log.conn)
        assert log.rows("projection")
    assert log.rows("projection") == log.rows("movement") == []
