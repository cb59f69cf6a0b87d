"""The tables and queries that keep reads short give the figures of their definitions, which read every movement."""

from collections import Counter
from random import Random

import pytest

from domain.entry_reversed import EntryReversed
from domain.event import Reference
from domain.fen import FenSet
from domain.fund.funding import AppropriationReceived, FundsAllotted
from domain.posting import TREASURY
from domain.project.payment import PaymentConfirmed
from service.api.resources.funds import GROUPINGS
from service.postgres.queries import QUERIES
from tests.random_life import RandomLife

BLOCK = 10_000
FUND_ACCOUNTS = ("pool", "surrendered")
BATCH_ACCOUNTS = ("recovered", "line", "committed", "payable", "in_approval", "in_transit", "paid")
ROWS = 3


class Life:
    """A random life in the log whose middle is at the end of the first block of positions, folded into the tables.

    `times`: positions and booking dates as of which balances are read; None is now.
    """

    def __init__(self, log, seed):
        life = RandomLife(Random(seed))
        for _ in life.live(400):
            pass
        self.log, self.events = log, life.events
        half = len(self.events) // 2
        nothing = {"fund": "other", "booked_on": "2020-01-01"}
        log.append_raw("fund/other", 1, "Invented", nothing, position=BLOCK - half)
        log.append(self.events).fold(100)
        day = self.events[half].booked_on
        positions = (None, BLOCK, BLOCK - half // 2, BLOCK + half // 2)
        self.times = [*({"position": at, "booked_on": None} for at in positions), {"position": None, "booked_on": day}]
        self.times.append({"position": BLOCK + half // 2, "booked_on": day})

    def query(self, text, **params):
        return self.log.conn.execute(text, params).fetchall()


@pytest.fixture(params=[0, 1, 7])
def life(log, request):
    return Life(log, request.param)


def sums(of, key, accounts):
    """A query for the sums of these accounts over the rows of `of`; rows with only zeros are left out."""
    figures = ", ".join(f"sum({account})::bigint as {account}" for account in accounts)
    not_zero = " or ".join(f"sum({account}) <> 0" for account in accounts)
    return f"select {key}, {figures} from {of} as b group by {key} having {not_zero} order by {key}"


DEFINED = "(select * from balance_at(%(position)s, %(booked_on)s) as b where b.fund = 'f')"
STORED = "batch_balance_at('f', %(position)s, %(booked_on)s)"


@pytest.mark.parametrize(
    ("key", "accounts"), [("project, batch", BATCH_ACCOUNTS), ("1 = 1", FUND_ACCOUNTS)], ids=["batches", "the fund"]
)
def test_balances_of_batches_are_the_sums_of_the_balances_of_their_awards(life, key, accounts):
    for time in life.times:
        stored = life.query(sums(STORED, key, accounts), **time)
        assert stored == life.query(sums(DEFINED, key, accounts), **time), time
        assert stored, "a log without balances proves nothing"


def test_the_pages_of_the_balances_by_award_have_each_award_once_with_its_balances(life):
    for time in life.times:
        pages, cursor = [], None
        while len(page := by_award(life, cursor, time)) == ROWS:
            pages += page
            cursor = page[-1]["cursor"]
        pages += page
        assert pages == by_award(life, None, time, limit=1000)
        accounts = ("committed", "payable", "in_approval", "in_transit", "paid")
        defined = life.query(sums(DEFINED, "project, award", accounts), **time)
        found = {
            (row["project"], row["award"]): {account: fen(row["figures"][account]) for account in accounts}
            for row in pages
            if row["award"]
        }
        assert {at: row for at, row in found.items() if any(row.values())} == {
            (row["project"], row["award"]): {account: row[account] for account in accounts} for row in defined
        }
        assert {row["project"]: fen(row["figures"]["line"]) for row in pages if not row["award"]} == in_lines(
            life, time
        )


def in_lines(life, time):
    """The money of each project that no award has. Projects without money or without a plan for it are left out."""
    lines = {row["project"]: row["line"] for row in life.query(sums(DEFINED, "project", ("line",)), **time)}
    awarded = {row["project"]: row for row in life.query(sums(DEFINED, "project", BATCH_ACCOUNTS), **time)}
    planned = Counter()
    for row in life.query("select * from plan_at('f', %(position)s, %(booked_on)s)", **time):
        planned[row["project"]] += row["planned"]
    for project in planned:
        of_awards = sum(awarded.get(project, {}).get(account, 0) for account in BATCH_ACCOUNTS[2:])
        if planned[project] != of_awards:
            lines.setdefault(project, 0)
    return {project: amount for project, amount in lines.items() if project in planned}


def by_award(life, cursor, time, limit=ROWS):
    after = dict(zip(GROUPINGS["award"].after, cursor.split("/") if cursor else [None] * 4, strict=True))
    return life.query(QUERIES["balances_by_award"], fund="f", **after, **time, limit=limit)


def fen(yuan):
    return int(yuan.replace(".", ""))


def test_spending_is_what_the_events_did_with_the_fen_of_each_appropriation(life):
    issued = {(e.fund, e.version): e.moves[0].fen for e in life.events if isinstance(e.fact, AppropriationReceived)}
    recorded = {Reference(e.stream, e.version): e for e in life.events}
    defined = Counter()
    for event in life.events:
        if event.mirrors:
            continue
        entry, sign = event, 1
        if isinstance(event.fact, EntryReversed):
            entry, sign = recorded[Reference(event.stream, event.fact.version)], -1
        for move in event.moves:
            for appropriation, fen in issued.items():
                amount, at = common(move.fen, fen), (*appropriation, entry.booked_on)
                defined[*at, "allotted"] += sign * amount * isinstance(entry.fact, FundsAllotted)
                defined[*at, "confirmed"] += sign * amount * isinstance(entry.fact, PaymentConfirmed)
                defined[*at, "reversed"] += amount * (move.target == TREASURY)
                for account in ("paid", "surrendered"):
                    defined[*at, account] += amount * ((move.target == account) - (move.source == account))
    stored = Counter(
        {
            (row["fund"], row["version"], row["booked_on"], name): row[name]
            for row in life.query("select * from spending")
            for name in ("allotted", "confirmed", "reversed", "paid", "surrendered")
        }
    )
    assert +Counter(map(abs, stored.values()))
    assert {at: n for at, n in stored.items() if n} == {at: n for at, n in defined.items() if n}


def common(one: FenSet, other: FenSet):
    return sum(max(min(a[1], b[1]) - max(a[0], b[0]), 0) for a in one.ranges for b in other.ranges)


def test_the_balances_of_an_appropriation_are_its_fen_in_each_account_at_any_time(life):
    issued = {event.version: event.moves[0].fen for event in life.events if is_of(event, AppropriationReceived)}
    positions = {id(event): BLOCK - len(life.events) // 2 + number for number, event in enumerate(life.events, 1)}
    for time in life.times:
        defined = Counter()
        for event in life.events:
            late = time["position"] and positions[id(event)] > time["position"]
            if late or event.mirrors or (time["booked_on"] and event.booked_on > time["booked_on"]):
                continue
            for move in event.moves if event.fund == "f" else ():
                for version, fen in issued.items():
                    defined[version, move.source] -= common(move.fen, fen)
                    defined[version, move.target] += common(move.fen, fen)
        stored = {
            (row["version"], account): row[account]
            for row in life.query("select * from origin_balance_at('f', %(position)s, %(booked_on)s)", **time)
            for account in (*FUND_ACCOUNTS, *BATCH_ACCOUNTS)
        }
        assert {at: n for at, n in stored.items() if n} == {
            at: n for at, n in defined.items() if n and at[1] != TREASURY
        }, time
        assert any(stored.values())


def is_of(event, kind):
    return event.fund == "f" and isinstance(event.fact, kind)
