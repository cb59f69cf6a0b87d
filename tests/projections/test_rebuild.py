"""A rebuild in shadow tables replaces the live tables only if nothing differs, and may be killed at any moment."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random

import psycopg
import pytest
from psycopg.errors import LockNotAvailable
from psycopg.rows import dict_row

import projections
from projections import Changed, FoldStopped
from projections.rebuild import ONE_AT_A_TIME, AlreadyRunning, rebuild
from projections.shadow_tables import compare, lanes
from service import codec
from service.postgres.snapshots import Reader, open_pool
from service.workers import projector
from tests.folded import OWN_CURSOR
from tests.projections.test_held_fund import BROKEN, HEADER, merged, rows_of_life
from tests.random_life import RandomLife

SCHEMA = """
    select c.relname, a.attname as part, format_type(a.atttypid, a.atttypmod) || a.attnotnull as definition
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
    union all
    select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace and conrelid <> 0
    union all
    select indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
    join pg_class as c on c.oid = indrelid where c.relnamespace = 'public'::regnamespace
    union all
    select relname, 'rights', relacl::text from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' and relacl is not null
    order by 1, 2, 3
"""


class Database:
    """A migrated database whose log has the events of a random life, all folded."""

    def __init__(self, url, events):
        self.url, self.position = url, 0
        self.conn = self.connect()
        self.append(events)
        projector.catch_up(url)

    def connect(self):
        return psycopg.connect(self.url, autocommit=True, row_factory=dict_row)

    def append(self, events):
        for event in events:
            self.record(event.stream, event.version, type(event.fact).__name__, json.loads(codec.encode(event)))

    def record(self, stream, version, type_, fact):
        """Append an event of any content, and return its position."""
        self.position += 1
        row = [self.position, stream, version, type_, json.dumps(fact)]
        self.conn.execute("insert into event values (%s, %s, %s, %s, now(), %s)", row)
        return self.position

    def record_another(self):
        """Append an event that establishes a fund."""
        fund = f"more{self.position + 1}"
        self.record(f"fund/{fund}", 1, "FundEstablished", {**HEADER, "fund": fund, "name": "又", "settings": {}})

    def damage(self, position, fact):
        """Add `fact` to the recorded fact of an event, as no program can: the log is append-only."""
        with self.conn.transaction():
            self.conn.execute("set local session_replication_role = replica")
            self.conn.execute("update event set fact = fact || %s where position = %s", [json.dumps(fact), position])

    def fold_again(self):
        """Empty all tables, and let the projector fold the log from the beginning."""
        self.conn.execute("truncate held_fund, " + ", ".join(projections.ORDER))
        self.conn.execute("delete from projection")
        projector.catch_up(self.url)

    def held(self):
        rows = self.conn.execute("select fund, position from held_fund order by position").fetchall()
        return [(row["fund"], row["position"]) for row in rows]

    def rebuild(self, *names, **options):
        return rebuild(self.connect, names or projections.ORDER, **options)

    def tables(self):
        return {
            name: sorted(map(repr, self.conn.execute(f"select * from {name}").fetchall()))
            for name in (*projections.ORDER, "projected")
        }

    def rows(self):
        """The rows of all projected tables. The cursors are left out, because their rows contain times."""
        return {name: rows for name, rows in self.tables().items() if name != "projected"}


@pytest.fixture(scope="module")
def events():
    def random_events(seed):
        life = RandomLife(Random(seed))
        deque(life.live(400), maxlen=0)
        return life.events

    return max(map(random_events, range(6)), key=len)


@pytest.fixture
def database(database_url, events):
    database = Database(database_url, events)
    yield database
    database.conn.close()


@pytest.fixture
def empty(database_url):
    database = Database(database_url, ())
    yield database
    database.conn.close()


def test_equal_tables_replace_the_live_ones_with_their_indexes_constraints_and_privileges(database):
    database.conn.execute("create role test_reader")
    try:
        database.conn.execute("grant select, insert on movement, balance to test_reader")
        schema, rows = database.conn.execute(SCHEMA).fetchall(), database.rows()
        old = database.conn.execute("select 'movement'::regclass::oid").fetchone()
        rebuilt = database.rebuild()
        assert rebuilt.switched
        assert rebuilt.position == database.position
        assert {each.name for each in rebuilt.comparisons} == set(projections.ORDER)
        assert all(each.live_digest == each.new_digest for each in rebuilt.comparisons)
        assert database.conn.execute("select 'movement'::regclass::oid").fetchone() != old
        assert database.conn.execute(SCHEMA).fetchall() == schema
        assert database.rows() == rows
    finally:
        database.conn.execute("drop owned by test_reader")
        database.conn.execute("drop role test_reader")


def test_a_rebuild_ends_although_the_live_tables_change_all_the_time(database, monkeypatch):
    """After each span, more events are recorded and folded."""
    monkeypatch.setattr("projections.shadow_tables.FIRST_SPAN", 100)
    turns, one_at_a_time = count(1), threading.Lock()

    def record_more(lane, position):
        with one_at_a_time:
            record_three()

    def record_three():
        if next(turns) > 200:
            pytest.fail("the rebuild does not end")
        for _ in range(3):
            database.record_another()
        projector.catch_up(database.url)

    rebuilt = database.rebuild(on_progress=record_more)
    assert rebuilt.switched
    assert rebuilt.position == database.position


def test_the_projector_goes_on_while_a_rebuild_compares(database, monkeypatch):
    def fold_another_and_compare(*arguments, **options):
        database.record_another()
        with database.connect() as conn:
            conn.execute("set lock_timeout = '1s'")
            try:
                projections.advance(conn)
            except LockNotAvailable:
                pytest.fail("the projector waits until the tables are compared")
        return compare(*arguments, **options)

    monkeypatch.setattr("projections.rebuild.compare", fold_another_and_compare)
    rebuilt = database.rebuild()
    assert rebuilt.switched
    assert rebuilt.position == database.position
    name = f"more{database.position}"
    assert database.conn.execute("select fund from fund where fund = %s", [name]).fetchone() == {"fund": name}


def test_no_attempt_to_switch_has_more_to_fold_than_the_first(database, monkeypatch):
    """Readers keep the switch from its lock three times, and the live tables move on meanwhile."""
    monkeypatch.setattr("projections.rebuild.NEAR_EVENTS", 2)
    try_to_switch, left = projections.rebuild._try_to_switch, []

    def fail_three_times(conn, *arguments):
        [cursor] = conn.execute("select min(position) as lowest from suyuan_rebuild.projection_cursor").fetchall()
        left.append(database.position - cursor["lowest"])
        if len(left) > 3:
            return try_to_switch(conn, *arguments)
        for _ in range(10):
            database.record_another()
        projector.catch_up(database.url)
        raise LockNotAvailable

    monkeypatch.setattr("projections.rebuild._try_to_switch", fail_three_times)
    assert database.rebuild().switched
    assert len(left) == 4
    assert max(left) <= 2


def test_after_the_switch_the_projector_continues_from_the_position_of_the_new_tables(database):
    assert database.rebuild("balance").switched
    database.conn.execute(
        "insert into event values (%s, 'fund/z', 1, 'FundEstablished', now(), %s)",
        [database.position + 1, '{"fund": "z", "name": "又一专项", "settings": {}, "booked_on": "2020-01-01"}'],
    )
    assert projector.catch_up(database.url) == database.position + 1
    assert database.conn.execute("select name from fund where fund = 'z'").fetchone() == {"name": "又一专项"}


@pytest.mark.parametrize(
    ("damage", "table"),
    [
        ("update balance set paid = paid + 1 where ctid = (select min(ctid) from balance)", "balance"),
        ("delete from citation where position = (select min(position) from citation)", "citation"),
        (
            "insert into waiver values ('p', 'x/award/y', 'f', 'x', 'y', null, '', '2020-1-1', '', 'granted', '{}')",
            "waiver",
        ),
    ],
)
def test_a_table_that_differs_is_reported_and_kept_until_the_difference_is_accepted(database, damage, table):
    right = database.rows()
    database.conn.execute(damage)
    wrong = database.rows()
    refused = database.rebuild()
    assert (refused.switched, refused.unexpected) == (False, (table,))
    [comparison] = [each for each in refused.comparisons if each.differing]
    assert comparison.differing == 1
    [row] = comparison.shown
    assert row.live != row.rebuilt
    assert database.rows() == wrong
    assert not database.rebuild(accepted=["award"]).switched
    assert database.rebuild(accepted=[table]).switched
    assert database.rows() == right


def test_the_projections_that_a_projection_reads_are_rebuilt_with_it(database):
    assert [each.name for each in database.rebuild("award").comparisons] == ["application", "award"]


def test_changed_sql_is_not_folded_into_tables_built_with_the_old_sql(database):
    database.conn.execute("update projection set version = 'another' where name in ('award', 'lot')")
    assert projections.changed(database.conn) == ("lot", "award")
    with pytest.raises(Changed, match="lot award"):
        projector.catch_up(database.url)
    assert database.rebuild("award", "lot").switched
    assert projections.changed(database.conn) == ()
    assert projector.catch_up(database.url) == 0


def test_tables_without_a_recorded_version_are_accepted_as_current(database):
    database.conn.execute("update projection set version = null")
    assert projections.changed(database.conn) == ()
    projector.catch_up(database.url)
    versions = {row["name"]: row["version"] for row in database.conn.execute("select name, version from projection")}
    assert versions == projections.VERSIONS


def test_a_rebuild_of_one_projection_rebuilds_all_while_they_are_at_different_positions(database):
    """The projector was stopped while it folded the citations, which were behind the other tables."""
    right, behind = database.rows(), database.position - 20
    database.conn.execute("delete from citation where position > %s", [behind])
    database.conn.execute(OWN_CURSOR.format(name="citation", position=behind))
    rebuilt = database.rebuild("award")
    assert rebuilt.switched
    assert [each.name for each in rebuilt.comparisons] == list(projections.ORDER)
    assert database.rows() == right
    assert {row["position"] for row in database.conn.execute("select position from projected")} == {database.position}


def test_while_projections_are_at_different_positions_those_that_are_not_behind_may_not_differ(database):
    database.conn.execute(OWN_CURSOR.format(name="citation", position=database.position - 1))
    database.conn.execute("update plan set planned = planned + 1")
    assert database.rebuild().unexpected == ("plan",)


def test_a_projection_that_reads_a_new_one_is_rebuilt_with_it(database):
    right = database.rows()
    database.conn.execute("update projection set version = 'another' where name = 'balance'")
    database.conn.execute("delete from projection where name = 'movement'")
    database.conn.execute("truncate movement")
    assert projections.outdated(database.conn) == ("movement", "balance")
    assert database.rebuild("balance").switched
    assert database.rows() == right
    assert projections.outdated(database.conn) == ()


def test_a_session_that_waits_while_another_one_changes_cursors_folds_each_event_once(database):
    """The other session folds one table alone, which gives that table's projection a cursor of its own."""
    right = database.rows()
    database.conn.execute("truncate " + ", ".join(projections.ORDER))
    database.conn.execute("update projection_cursor set position = 0")
    with database.connect() as first, database.connect() as second, ThreadPoolExecutor(1) as thread:
        with first.transaction():
            projections.advance(first, 100, names=["citation"])
            waiting = thread.submit(projector.fold, second, 200)
            while not waiting.done() and not database.conn.execute(WAITING).rowcount:
                time.sleep(0.01)
        waiting.result()
        while projector.fold(second, 200):
            pass
    assert database.rows() == right


WAITING = "select from pg_locks where not granted and locktype in ('transactionid', 'tuple')"


def test_no_projection_is_outdated_while_nothing_has_been_folded(database):
    database.conn.execute("delete from projection")
    assert projections.outdated(database.conn) == ()


def test_a_full_rebuild_corrects_cursors_that_are_beyond_the_log(database):
    database.conn.execute("update projection_cursor set position = position + 100")
    assert database.rebuild().switched
    assert {row["position"] for row in database.conn.execute("select position from projected")} == {database.position}


def test_only_one_rebuild_runs_at_a_time(database):
    database.conn.execute(f"select pg_advisory_lock({ONE_AT_A_TIME})")
    with pytest.raises(AlreadyRunning):
        database.rebuild("plan")


@pytest.mark.parametrize("names", [projections.ORDER, ("plan",), ("award", "application"), ("movement", "plan", "lot")])
def test_lanes_hold_each_projection_once_with_the_projections_it_reads(names):
    parts = lanes(projections.with_dependencies(names))
    assert sorted(name for lane in parts for name in lane) == sorted(projections.with_dependencies(names))
    for lane in parts:
        assert all(projections.READS[name] <= set(lane) for name in lane)


# Events that cannot be folded ------------------------------------------------


def record_lives_with_two_broken_funds(database, random):
    """Record the lives of three pairs of funds, fold them, and then break one event of two funds.

    So an earlier version seems to have folded these events. Returns the positions of the events by fund.
    """
    lives, broken = [rows_of_life(random, 100)], {}
    for number, prefix in enumerate("xy", 1):
        life = rows_of_life(random, 100, prefix, number * 10_000_000)
        harmless = (f"fund/{prefix}f", 10_000, "Invented", HEADER | {"fund": f"{prefix}f"})
        life.insert(random.randrange(2, len(life)), harmless)
        lives.append(life)
    for row in merged(random, *lives):
        position = database.record(*row)
        if row[2] == "Invented":
            broken[row[3]["fund"]] = position
    projector.catch_up(database.url)
    for position in broken.values():
        database.damage(position, random.choice([*BROKEN.values()]))
    return broken


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long("other logs")) for seed in range(3, 12))]
)
def test_a_rebuild_holds_the_funds_that_the_projector_would_hold_and_leaves_the_same_rows(empty, seed, monkeypatch):
    random = Random(seed)
    monkeypatch.setattr("projections.shadow_tables.FIRST_SPAN", random.choice((7, 60, 1_000)))
    broken = record_lives_with_two_broken_funds(empty, random)
    tables_that_break = "balance", "lot", "citation", "finding"
    rebuilt = empty.rebuild(*random.choice((projections.ORDER, tables_that_break)))
    assert rebuilt.switched, rebuilt.unexpected
    assert [(each.fund, each.position) for each in rebuilt.held] == list(broken.items()) == empty.held()
    assert {row["position"] for row in empty.conn.execute("select position from projected")} == {empty.position}
    found = empty.rows()
    empty.fold_again()
    assert (empty.held(), empty.rows()) == (list(broken.items()), found)


def invented(database, fund="f", **fact):
    """Append an event that changes no table. Returns its position."""
    return database.record(f"fund/{fund}", 10_000, "Invented", {**HEADER, "fund": fund, **fact})


def test_a_fund_whose_event_comes_while_the_tables_are_compared_is_held(database, monkeypatch):
    """The projector has folded the event by the earlier SQL."""
    positions = []

    def compare_and_record(*arguments, **options):
        yield from compare(*arguments, **options)
        if not positions:
            with database.connect() as conn:
                conn.execute("insert into event values (%s, 'fund/f', 10000, 'Invented', now(), %s)", row)
                conn.execute("update projection_cursor set position = %s", row[:1])
            positions.append(row[0])

    row = [database.position + 1, json.dumps({**HEADER, "fund": "f", **BROKEN["fen move that were never there"]})]
    monkeypatch.setattr("projections.rebuild.compare", compare_and_record)
    rebuilt = database.rebuild("lot")
    assert rebuilt.switched
    assert [(each.fund, each.position) for each in rebuilt.held] == [("f", row[0])]
    assert database.held() == [("f", row[0])]


def test_nothing_is_held_if_the_rebuilt_tables_do_not_replace_the_live_ones(database):
    position = invented(database, "another")
    projector.catch_up(database.url)
    database.damage(position, {"moves": [{}]})
    database.conn.execute("update plan set planned = planned + 1")
    refused = database.rebuild()
    assert (refused.switched, refused.unexpected) == (False, ("plan",))
    assert [each.fund for each in refused.held] == ["another"]
    assert database.held() == []
    assert database.rebuild(accepted=["plan"]).switched
    assert database.held() == [("another", position)]


def test_an_event_that_names_no_fund_stops_a_rebuild_and_nothing_is_replaced(database):
    position = invented(database)
    projector.catch_up(database.url)
    before = database.tables()
    database.damage(position, {"fund": "", "moves": [{}]})
    with pytest.raises(FoldStopped, match=f"position {position}"):
        database.rebuild()
    assert database.tables() == before
    assert database.held() == []


def test_a_hold_moves_back_to_an_earlier_event_that_the_rebuild_cannot_fold(database):
    first, second = invented(database), database.position + 1
    database.record("fund/f", 10_001, "Invented", {**HEADER, "fund": "f", "moves": [{}]})
    projector.catch_up(database.url)
    assert database.held() == [("f", second)]
    database.damage(first, {"moves": [{}]})
    assert [(each.fund, each.position) for each in database.rebuild().held] == [("f", first)]
    assert database.held() == [("f", first)]
    assert database.rebuild().held == ()


def test_the_rows_of_a_held_fund_never_prevent_a_rebuild(database):
    """A table may be beyond the event for which the fund is held, for instance if the fund was held by hand."""
    position = invented(database)
    projector.catch_up(database.url)
    database.conn.execute("insert into held_fund values ('f', %s, 'lot', 'by hand')", [position // 2])
    rebuilt = database.rebuild()
    assert rebuilt.switched
    found = database.rows()
    assert rebuilt.held == ()
    database.conn.execute("truncate " + ", ".join(projections.ORDER))
    database.conn.execute("delete from projection")
    projector.catch_up(database.url)
    assert database.rows() == found


# Under load, and when killed -------------------------------------------------


class ConcurrentLoad:
    """Three threads that append events, run the projector and read snapshots at the same time.

    `inconsistent`: the position, the rows found and the rows expected of each snapshot where the two numbers differ.
    """

    def __init__(self, database, events):
        self.database, self.events = database, events
        self.stop, self.inconsistent, self.reads = threading.Event(), [], 0
        self.threads = [threading.Thread(target=each) for each in (self.post, self.follow, self.read)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def post(self):
        with self.database.connect() as conn:
            for event in self.events:
                self.database.position += 1
                row = [
                    self.database.position,
                    event.stream,
                    event.version,
                    type(event.fact).__name__,
                    codec.encode(event),
                ]
                conn.execute("insert into event values (%s, %s, %s, %s, now(), %s)", row)
                time.sleep(0.002)

    def follow(self):
        projector.follow(self.database.url, self.stop)

    def read(self):
        """Read snapshots, and note each snapshot that has more or fewer movements than the log up to its position."""
        pool = open_pool(self.database.url, size=1)
        reader = Reader(pool)
        counts = "select count(*) as n from movement"
        leaders = "select count(*) as n from event, jsonb_array_elements(fact -> 'moves') "
        leaders += "where position <= %s and not fact ? 'mirrors'"
        while not self.stop.is_set():
            with reader.at() as snapshot:
                time.sleep(random.choice((0, 0.01, 0.05)))
                found = snapshot.conn.execute(counts).fetchone()["n"]
                expected = snapshot.conn.execute(leaders, [snapshot.position]).fetchone()["n"]
            self.reads += 1
            if found != expected:
                self.inconsistent.append((snapshot.position, found, expected))
        pool.close()


def test_a_rebuild_during_posts_and_reads_loses_no_event_and_shows_no_inconsistent_snapshot(database_url, events):
    half = len(events) // 2
    database = Database(database_url, events[:half])
    with ConcurrentLoad(database, events[half:]) as load:
        for _ in range(3):
            assert database.rebuild().switched
        load.threads[0].join()
    projector.catch_up(database.url)
    assert load.reads > 10
    assert load.inconsistent == []
    after = database.rows()
    database.fold_again()
    assert database.rows() == after
    database.conn.close()


REBUILD = """
import sys, psycopg
from projections.rebuild import rebuild
url = sys.argv[1]
print("started", flush=True)
rebuild(lambda: psycopg.connect(url, autocommit=True))
print("done", flush=True)
"""


def test_a_rebuild_killed_at_any_moment_leaves_the_live_tables_unchanged(database):
    right, delays = database.rows(), random.Random(3)
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", REBUILD, database.url], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "started\n"
        time.sleep(delays.uniform(0.0, 0.6))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert database.rows() == right
    deadline = time.monotonic() + 20
    while True:  # the server may not have noticed yet that the last process is dead
        try:
            assert database.rebuild().switched
            break
        except AlreadyRunning:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert database.rows() == right
    assert database.conn.execute("select to_regnamespace('suyuan_rebuild') as left_over").fetchone() == {
        "left_over": None
    }
