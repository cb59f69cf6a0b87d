"""A fund is held if one of its events cannot be folded.

The rows of the fund stay as they were before this event. The events of all other funds are folded.
"""

import json
import re
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

import projections
from projections import FoldStopped
from projections.held_fund import hold
from service import codec
from service.workers import projector
from tests.random_life import RandomLife

NO_SUCH_FEN = {"from": "pool", "to": "surrendered", "fen": "{[900000000,900000001)}", "amount": "0.01"}
TOO_LONG = "".join(map(chr, Random(1).choices(range(0x4E00, 0x9000), k=9_000)))
BROKEN: dict[str, dict[str, Any]] = {
    "an account is overdrawn": {"moves": [NO_SUCH_FEN | {"fen": "{[0,99999999)}", "amount": "999999.99"}]},
    "fen move that were never there": {"moves": [NO_SUCH_FEN]},
    "an account is unknown": {"moves": [NO_SUCH_FEN | {"to": "pocket"}]},
    "a date is none": {"documents": [{"kind": "批复", "number": "1", "date": "some day"}]},
    "one rule is marked as broken twice": {
        "occurred_on": "2020-01-01",
        "actor": "甲",
        "irregular": [{"rule": "GateShut", "found_by": "audit", "basis": {"kind": "审计报告", "number": "1"}}] * 2,
    },
    "a number is longer than an index takes": {"documents": [{"kind": "批复", "number": TOO_LONG}]},
}


def fact_of(event, prefix="", first_serial=0):
    """The recorded fact of `event`, moved to another fund.

    `prefix` is put before the codes of the fund and its projects. `first_serial` is added to all serials.
    """

    def moved(value, key=""):
        match value:
            case dict():
                return {name: moved(each, name) for name, each in value.items()}
            case list():
                return [moved(each, key) for each in value]
            case str() if key in ("fund", "project"):
                return prefix + value
            case str() if key == "fen":
                return re.sub(r"\d+", lambda serial: str(int(serial[0]) + first_serial), value)
        return value

    return moved(json.loads(codec.encode(event)))


def rows_of_life(random, steps, prefix="", first_serial=0):
    """The events of a random life as stream, version, type and fact, with codes and serials as `fact_of` makes them."""
    life = RandomLife(random)
    for _ in life.live(steps):
        pass
    return [
        (event.stream.replace("/", f"/{prefix}"), event.version, type(event.fact).__name__, fact)
        for event in life.events
        for fact in [fact_of(event, prefix, first_serial)]
    ]


def merged(random, *lives):
    """The events of all `lives` in one list, interleaved at random. The order within each life is kept."""
    turns = [number for number, life in enumerate(lives) for _ in life]
    random.shuffle(turns)
    rest = [iter(life) for life in lives]
    return [next(rest[number]) for number in turns]


@contextmanager
def recorded(log, rows):
    """Within the context, the log has the rows `rows`, given by position. Afterwards the log is as it was before."""
    with log.conn.transaction(force_rollback=True):
        for position, (stream, version, type_, fact) in rows.items():
            row = [position, stream, version, type_, json.dumps(fact)]
            log.conn.execute("insert into event values (%s, %s, %s, %s, now(), %s)", row)
        yield


def folded(log, span=projections.SPAN):
    """The rows of all tables after the log was folded. A fund whose event cannot be folded is held."""
    while projector.fold(log.conn, span):
        pass
    return {name: log.rows(name) for name in projections.ORDER}


def holds(log):
    return log.conn.execute("select fund, position, projection, finding from held_fund").fetchall()


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long("other logs")) for seed in range(1, 4))]
)
def test_the_tables_with_a_held_fund_equal_those_of_a_log_that_lacks_its_event_and_all_its_later_ones(
    log, seed, broken
):
    random = Random(f"{seed} {sorted(broken)}")
    other = rows_of_life(random, 120)
    one = rows_of_life(random, 120, "x", 10_000_000)
    one.insert(random.randrange(2, len(one)), ("fund/xf", 10_000, "Invented", HEADER | broken))
    rows = dict(enumerate(merged(random, other, one), 1))
    [position] = [at for at, (_, _, type_, _) in rows.items() if type_ == "Invented"]
    with recorded(log, rows):
        found = folded(log, random.choice((1, 3, 50, 10_000)))
        assert [(each["fund"], each["position"]) for each in holds(log)] == [("xf", position)]
        reached = log.conn.execute("select distinct position from projected").fetchall()
        assert reached == [{"position": len(rows)}], "the events of the held fund count as reached"
    with recorded(log, {at: row for at, row in rows.items() if row[3]["fund"] != "xf" or at < position}):
        assert found == folded(log)
    with recorded(log, {at: row for at, row in rows.items() if row[3]["fund"] != "xf"}):
        without = folded(log)
    for name, theirs in without.items():
        assert [row for row in found[name] if "'fund': 'xf'" not in row] == theirs, name


HEADER = {"fund": "xf", "booked_on": "2020-01-01"}


def established(fund, **more):
    return (f"fund/{fund}", 1, "FundEstablished", {"fund": fund, "name": fund, "settings": {}, **more})


def test_several_funds_are_held_in_one_catch_up_and_a_fund_may_be_held_at_its_first_event(log):
    wrong = {"moves": [{}]}
    rows = [established("a"), established("b", **wrong), established("c"), established("d", **wrong), established("e")]
    with recorded(log, dict(enumerate(rows, 1))):
        folded(log)
        assert [(each["fund"], each["position"]) for each in holds(log)] == [("b", 2), ("d", 4)]
        assert log.rows("(select fund from fund) as f") == [repr({"fund": each}) for each in "ace"]


def test_an_event_that_names_no_fund_stops_the_fold_as_before(log):
    with recorded(log, {1: ("fund/a", 1, "Invented", {"moves": [{}]})}):
        with pytest.raises(FoldStopped):
            folded(log)
        assert holds(log) == []


def test_the_hold_moves_back_to_an_earlier_event_but_never_forward(log):
    rows = {at: ("fund/a", at, "Invented", {"fund": "a"}) for at in (1, 2, 3)}
    with recorded(log, rows):
        assert hold(log.conn, 2, "lot", "first") == "a"
        assert hold(log.conn, 3, "lot", "later") is None
        assert hold(log.conn, 1, "plan", "earlier") == "a"
        assert holds(log) == [{"fund": "a", "position": 1, "projection": "plan", "finding": "earlier"}]


def test_a_session_whose_statements_are_prepared_skips_the_events_of_a_fund_that_is_held_later(log):
    """Plans of prepared statements must be discarded: they still read the table `event` in place of the view."""
    rows = {at: established(f"f{at}") for at in range(1, 20)}
    log.conn.execute("create temporary table any_other_table ()")
    with recorded(log, rows | {20: ("fund/f1", 2, "FundClosed", {"fund": "f1"})}):
        while projections.advance(log.conn, 1, upto=19):
            pass
        assert log.conn.execute("select from pg_prepared_statements where statement like '%from event%'").fetchall()
        hold(log.conn, 20, "fund", "for a test")
        assert projections.advance(log.conn, 1).upto == 20
        assert log.rows("(select fund from fund where closed_position is not null) as f") == []


def test_while_no_fund_is_held_the_log_is_read_without_a_view(log):
    with recorded(log, {1: established("a")}):
        folded(log)
        assert log.conn.execute("select to_regclass('pg_temp.event') as view").fetchone() == {"view": None}


def test_the_view_in_front_of_the_log_is_planned_with_the_indexes_of_the_log(log):
    with recorded(log, {1: established("a", moves=[{}])}):
        folded(log)
        log.conn.execute("set local enable_seqscan = off")
        for condition in ("position = 1", "stream = 'fund/a' and version = 1", "position > 0 and position <= 9"):
            plan = "\n".join(
                row["QUERY PLAN"] for row in log.conn.execute(f"explain select * from event where {condition}")
            )
            assert "on event e" in plan
            assert "Index Scan using event_" in plan or "Bitmap Index Scan on event_" in plan, plan
