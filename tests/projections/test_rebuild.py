"""A rebuild beside the live tables: it switches when all is the same, and else, or when killed, leaves them alone."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from random import Random

import psycopg
import pytest
from psycopg.rows import dict_row

import projections
from projections import Changed
from projections.rebuild import NotLevel, Running, rebuild
from projections.shadow_tables import lanes
from service import codec
from service.postgres.snapshots import Reader, open_pool
from service.workers import projector
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


class Books:
    """A database of its own with a life in its log, folded."""

    def __init__(self, url, events):
        self.url, self.position = url, 0
        self.conn = self.connect()
        self.append(events)
        projector.catch_up(url)

    def connect(self):
        return psycopg.connect(self.url, autocommit=True, row_factory=dict_row)

    def append(self, events):
        for event in events:
            self.position += 1
            row = [self.position, event.stream, event.version, type(event.fact).__name__, codec.encode(event)]
            self.conn.execute("insert into event values (%s, %s, %s, %s, now(), %s)", row)

    def rebuild(self, *names, **how):
        return rebuild(self.connect, names or projections.ORDER, **how)

    def tables(self):
        return {
            name: sorted(map(repr, self.conn.execute(f"select * from {name}").fetchall()))
            for name in (*projections.ORDER, "projection")
        }

    def look(self):
        """All tables as they are, without when their cursors moved."""
        return {name: rows for name, rows in self.tables().items() if name != "projection"}


@pytest.fixture(scope="module")
def events():
    def lived(seed):
        life = RandomLife(Random(seed))
        deque(life.live(400), maxlen=0)
        return life.events

    return max(map(lived, range(6)), key=len)


@pytest.fixture
def books(database_url, events):
    books = Books(database_url, events)
    yield books
    books.conn.close()


def test_what_is_the_same_takes_the_place_of_the_old_with_its_indexes_constraints_and_rights(books):
    books.conn.execute("create role a_reader_of_tests")
    try:
        books.conn.execute("grant select, insert on movement, balance to a_reader_of_tests")
        schema, rows = books.conn.execute(SCHEMA).fetchall(), books.look()
        old = books.conn.execute("select 'movement'::regclass::oid").fetchone()
        rebuilt = books.rebuild()
        assert rebuilt.switched
        assert rebuilt.position == books.position
        assert {each.name for each in rebuilt.comparisons} == set(projections.ORDER)
        assert all(each.live_digest == each.new_digest for each in rebuilt.comparisons)
        assert books.conn.execute("select 'movement'::regclass::oid").fetchone() != old
        assert books.conn.execute(SCHEMA).fetchall() == schema
        assert books.look() == rows
    finally:
        books.conn.execute("drop owned by a_reader_of_tests")
        books.conn.execute("drop role a_reader_of_tests")


def test_after_the_switch_the_projector_goes_on_where_the_new_tables_end(books):
    assert books.rebuild("balance").switched
    books.conn.execute(
        "insert into event values (%s, 'fund/z', 1, 'FundEstablished', now(), %s)",
        [books.position + 1, '{"fund": "z", "name": "又一专项", "settings": {}, "booked_on": "2020-01-01"}'],
    )
    assert projector.catch_up(books.url) == books.position + 1
    assert books.conn.execute("select name from fund where fund = 'z'").fetchone() == {"name": "又一专项"}


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
def test_what_differs_is_shown_and_stays_until_the_difference_is_accepted(books, damage, table):
    right = books.look()
    books.conn.execute(damage)
    wrong = books.look()
    refused = books.rebuild()
    assert (refused.switched, refused.unexpected) == (False, (table,))
    [found] = [each for each in refused.comparisons if each.differing]
    assert found.differing == 1
    [row] = found.shown
    assert row.live != row.anew
    assert books.look() == wrong
    assert not books.rebuild(accepted=["award"]).switched
    assert books.rebuild(accepted=[table]).switched
    assert books.look() == right


def test_what_a_projection_reads_is_rebuilt_with_it(books):
    assert [each.name for each in books.rebuild("award").comparisons] == ["application", "award"]


def test_other_sql_is_not_folded_into_the_tables_of_before(books):
    books.conn.execute("update projection set version = 'another' where name in ('award', 'lot')")
    assert projections.changed(books.conn) == ("lot", "award")
    with pytest.raises(Changed, match="lot award"):
        projector.catch_up(books.url)
    assert books.rebuild("award", "lot").switched
    assert projections.changed(books.conn) == ()
    assert projector.catch_up(books.url) == 0


def test_tables_of_before_versions_were_kept_are_taken_as_they_are(books):
    books.conn.execute("update projection set version = null")
    assert projections.changed(books.conn) == ()
    projector.catch_up(books.url)
    versions = {row["name"]: row["version"] for row in books.conn.execute("select name, version from projection")}
    assert versions == projections.VERSIONS


def test_a_projector_that_has_stopped_is_waited_for_where_it_stands(books):
    books.conn.execute("update projection set position = position - 1 where name = 'award'")
    with pytest.raises(NotLevel):
        books.rebuild("award")


def test_a_rebuild_of_all_puts_cursors_right_that_are_beyond_the_log(books):
    books.conn.execute("update projection set position = position + 100")
    assert books.rebuild().switched
    assert {row["position"] for row in books.conn.execute("select position from projection")} == {books.position}


def test_one_rebuild_runs_at_a_time(books):
    books.conn.execute("select pg_advisory_lock(7002)")
    with pytest.raises(Running):
        books.rebuild("plan")


@pytest.mark.parametrize("names", [projections.ORDER, ("plan",), ("award", "application"), ("movement", "plan", "lot")])
def test_lanes_hold_each_projection_once_and_with_what_it_reads(names):
    parts = lanes(projections.with_what_they_read(names))
    assert sorted(name for lane in parts for name in lane) == sorted(projections.with_what_they_read(names))
    for lane in parts:
        assert all(projections.READS[name] <= set(lane) for name in lane)


# Under load, and killed ------------------------------------------------------


class Busy:
    """Appends the rest of a life, follows it, and reads, all at a time; `wrong` is what readers saw."""

    def __init__(self, books, events):
        self.books, self.events = books, events
        self.stop, self.wrong, self.reads = threading.Event(), [], 0
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
        with self.books.connect() as conn:
            for event in self.events:
                self.books.position += 1
                row = [self.books.position, event.stream, event.version, type(event.fact).__name__, codec.encode(event)]
                conn.execute("insert into event values (%s, %s, %s, %s, now(), %s)", row)
                time.sleep(0.002)

    def follow(self):
        projector.follow(self.books.url, self.stop)

    def read(self):
        """Whatever position a snapshot says, it holds the movements up to that one."""
        pool = open_pool(self.books.url, size=1)
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
                self.wrong.append((snapshot.position, found, expected))
        pool.close()


def test_under_posts_and_reads_it_switches_with_nothing_lost_and_no_reader_misled(database_url, events):
    half = len(events) // 2
    books = Books(database_url, events[:half])
    with Busy(books, events[half:]) as busy:
        for _ in range(3):
            assert books.rebuild().switched
        busy.threads[0].join()
    projector.catch_up(books.url)
    assert busy.reads > 10
    assert busy.wrong == []
    after = books.look()
    books.conn.execute("truncate " + ", ".join(projections.ORDER))
    books.conn.execute("delete from projection")
    projector.catch_up(books.url)
    assert books.look() == after
    books.conn.close()


REBUILD = """
import sys, psycopg
from projections.rebuild import rebuild
url = sys.argv[1]
print("begun", flush=True)
rebuild(lambda: psycopg.connect(url, autocommit=True))
print("done", flush=True)
"""


def test_killed_at_any_moment_it_leaves_the_tables_whole(books):
    right, chance = books.look(), random.Random(3)
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", REBUILD, books.url], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begun\n"
        time.sleep(chance.uniform(0.0, 0.6))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert books.look() == right
    until = time.monotonic() + 20
    while True:  # the server may not have noticed yet that the last one is gone
        try:
            assert books.rebuild().switched
            break
        except Running:
            assert time.monotonic() < until
            time.sleep(0.1)
    assert books.look() == right
    assert books.conn.execute("select to_regnamespace('suyuan_rebuild') as left_over").fetchone() == {"left_over": None}
