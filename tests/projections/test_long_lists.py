"""The cost of folding a long list grows only linearly with the length of the list."""

from decimal import Decimal

import pytest

import projections
from domain.entry_reversed import EntryReversed
from domain.posting import ACCOUNTS
from domain.project.call import Applicant, ApplicationReceived, ApplicationScreened, CallClosed, CallPublished
from domain.project.selection import NoticeCompleted, NoticeStarted, Proposal, ReviewConcluded, Score
from service.postgres.queries import QUERIES
from tests.lives import PROJECT, allotted, award_list, line, request, row, yuan
from tests.scenario import Scenario, day, post

MANY, PAID = 1_000, 300
LOT = projections.PROJECTIONS["lot"]


NAMES = [f"{n:04}" for n in range(MANY)]


def awarded(names=NAMES):
    """The scenario in which an award list of these awards, by default a thousand, was just decided."""
    many = len(names)
    whole = f"{many * 10}.00"
    life = Scenario().given(
        *allotted(line(awards=many, amounts=(whole, whole)), appropriated=f"{many * 20}.00"),
        post(PROJECT, CallPublished(1, day("2-1"), day("2-10")), "1-31"),
        *(post(PROJECT, ApplicationReceived(f"A-{n}", Applicant(n, f"9{n}")), "2-5") for n in names),
        post(PROJECT, CallClosed(1), "2-11"),
        *(post(PROJECT, ApplicationScreened(f"A-{n}", passed=True), "2-12") for n in names),
        post(PROJECT, ReviewConcluded("平均分", tuple(Score(f"A-{n}", Decimal(90)) for n in names)), "2-15"),
        post(
            PROJECT,
            NoticeStarted(day("2-16"), day("2-20"), tuple(Proposal(f"A-{n}", yuan("20.00")) for n in names)),
            "2-16",
        ),
        post(PROJECT, NoticeCompleted(), "2-21"),
    )
    rows = (row(n, "10.00", "10.00", rank=rank) for rank, n in enumerate(names, 1))
    return life.given(post(PROJECT, award_list(life, *rows), "3-1"))


def reversed_list(names=NAMES):
    """The scenario in which the award list of `awarded` was decided and then reversed."""
    decided = awarded(names)
    version = decided.ledger.stream(PROJECT).version
    return decided.given(post(PROJECT, EntryReversed(version, "有误"), "3-2", actor="另一人", key="other"))


def in_order(life):
    """The events of a scenario in the order of the log."""
    return sorted(life.ledger.entries.values(), key=lambda e: (int(e.header.source_id), e.mirrors is not None))


def test_an_award_list_of_a_thousand_awards_and_its_reversal_are_folded(log):
    log.append(in_order(reversed_list()))
    log.conn.execute("set local statement_timeout = '60s'")  # so that a hanging fold fails
    log.fold()
    assert log.conn.execute("select status, count(*) from award group by 1").fetchall() == [
        {"status": "reversed", "count": MANY}
    ]
    assert log.conn.execute("select status, score, count(*) from application group by 1, 2").fetchall() == [
        {"status": "live", "score": "90", "count": MANY}
    ]


def test_folding_reads_each_event_once_and_not_once_per_row_of_its_lists(log):
    """Ten times as many awards make ten times as many events, each as large as before, and lists ten times as long."""
    log.conn.execute("set local enable_seqscan = off")  # the planner would scan tables that are small only here
    pages = []
    for names in (NAMES[: MANY // 10], NAMES):
        with log.conn.transaction(force_rollback=True):
            log.append(in_order(reversed_list(names)))
            log.conn.execute("analyze")
            pages.append({name: pages_read(log, name) for name in projections.ORDER})
    fewer, more = pages
    grown = {name: more[name] / fewer[name] for name in projections.ORDER}
    assert max(grown.values()) < 20, grown


def pages_read(log, name):
    """The number of pages that PostgreSQL reads, before it writes, to fold the whole log into the table `name`."""
    explain = "explain (analyze, buffers, format json) " + projections.PROJECTIONS[name]
    [[plan]] = (row.values() for row in log.conn.execute(explain, {"after": 0, "upto": len(log)}))
    log.conn.execute(f"analyze {name}")
    return sum(part["Shared Hit Blocks"] + part["Shared Read Blocks"] for part in plan[0]["Plan"]["Plans"])


def rows_read(plan, table):
    """The number of rows of `table` that PostgreSQL read when it executed the query plan `plan`."""
    rows = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    own = rows if plan.get("Relation Name") == table else 0
    return own + sum(rows_read(each, table) for each in plan.get("Plans", ()))


@pytest.mark.parametrize(
    ("table", "query", "parameters", "max_rows"),
    [
        ("payment", QUERIES["never_paid"], {"fund": "f", "today": day("12-31"), "days": 1, "limit": 9}, 2 * PAID),
        ("movement", "select * from plan_at('f', null, null)", {}, 10),
    ],
    ids=["an award's payments", "changes of the plan"],
)
def test_frequent_queries_do_not_read_all_payments_or_moves(log, table, query, parameters, max_rows):
    paid = awarded().given(*(request(f"P{n}", n, amount="1.00") for n in NAMES[:PAID]))
    log.append(in_order(paid))
    log.fold()
    log.conn.execute("analyze")
    log.conn.execute("set local enable_hashjoin = off")  # the planner would not join whole tables if they were large
    log.conn.execute("set local enable_mergejoin = off")
    log.conn.execute("set local enable_seqscan = off")
    [[row_]] = (row.values() for row in log.conn.execute("explain (analyze, format json) " + query, parameters))
    assert rows_read(row_[0]["Plan"], table) <= max_rows


def test_a_reader_looks_up_a_cursor_once_and_not_once_for_each_projection(log):
    """While a long snapshot is open, each look-up goes through all earlier versions of the cursor's row."""
    log.append_raw("fund/f", 1, "Invented", {"fund": "f", "booked_on": "2020-01-01"})
    log.fold()
    names = {"names": list(projections.ORDER)}
    explain = "explain (analyze, format json) " + QUERIES["reached"]
    [[plan]] = (row.values() for row in log.conn.execute(explain, names))
    assert look_ups(plan[0]["Plan"], "projection_cursor") == 1


def look_ups(plan, table):
    """How often PostgreSQL scanned `table` when it executed the query plan `plan`."""
    own = plan["Actual Loops"] if plan.get("Relation Name") == table else 0
    return own + sum(look_ups(each, table) for each in plan.get("Plans", ()))


def pairs_rejected(plan):
    """The number of pairs of rows that PostgreSQL compared and did not join when it executed the query plan `plan`."""
    own = plan.get("Rows Removed by Join Filter", 0) * plan["Actual Loops"]
    return own + sum(pairs_rejected(each) for each in plan.get("Plans", ()))


def test_folding_a_span_does_not_compare_each_move_with_each_lot(log):
    """The planner has no statistics here, as in a new ledger or after a long span."""
    log.append(in_order(awarded().given(*(request(f"P{n}", n, amount="1.00") for n in NAMES[:PAID]))))
    projections.advance(log.conn, names=["movement"])
    parameters = {"after": 0, "upto": len(log)}
    [[plan]] = (row.values() for row in log.conn.execute("explain (analyze, format json) " + LOT, parameters))
    [moves] = log.conn.execute("select count(*) from movement").fetchone().values()
    assert moves > MANY
    assert pairs_rejected(plan[0]["Plan"]) <= moves * (len(ACCOUNTS) * 2 + 6), "each move with each account and depth"
