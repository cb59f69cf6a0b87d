"""A long list is folded at all: its cost grows with its length, not with the square or the cube of it."""

from decimal import Decimal

from domain.project.call import Applicant, ApplicationReceived, ApplicationScreened, CallClosed, CallPublished
from domain.project.selection import NoticeCompleted, NoticeStarted, Proposal, ReviewConcluded, Score
from domain.reversal.fact import EntryReversed
from tests.domain.lives import PROJECT, allotted, award_list, line, row, yuan
from tests.domain.scenario import Scenario, day, post

MANY = 1_000


def test_a_list_of_a_thousand_awards_and_its_reversal_are_folded(log):
    names = [f"{n:04}" for n in range(MANY)]
    whole = f"{MANY * 10}.00"
    life = Scenario().given(
        *allotted(line(awards=MANY, amounts=(whole, whole)), appropriated=f"{MANY * 20}.00"),
        post(PROJECT, CallPublished(1, day("2-1"), day("2-10")), "1-31"),
        *(post(PROJECT, ApplicationReceived(f"A-{n}", Applicant(n, f"9{n}")), "2-5") for n in names),
        post(PROJECT, CallClosed(1), "2-11"),
        *(post(PROJECT, ApplicationScreened(f"A-{n}", passed=True), "2-12") for n in names),
        post(PROJECT, ReviewConcluded("平均分", tuple(Score(f"A-{n}", Decimal(90)) for n in names)), "2-15"),
        post(
            PROJECT,
            NoticeStarted(tuple(Proposal(f"A-{n}", yuan("20.00")) for n in names), day("2-16"), day("2-20")),
            "2-16",
        ),
        post(PROJECT, NoticeCompleted(), "2-21"),
    )
    rows = (row(n, "10.00", "10.00", rank=rank) for rank, n in enumerate(names, 1))
    decided = life.given(post(PROJECT, award_list(life, *rows), "3-1"))
    version = decided.books.stream(PROJECT).version
    back = decided.given(post(PROJECT, EntryReversed(version, "有误"), "3-2", actor="另一人", key="other"))
    log.append(sorted(back.books.entries.values(), key=lambda e: (int(e.header.source_id), e.mirrors is not None)))
    log.conn.execute("set local statement_timeout = '60s'")  # a fold that hangs is told as one
    log.fold()
    assert log.conn.execute("select status, count(*) from award group by 1").fetchall() == [
        {"status": "reversed", "count": MANY}
    ]
    assert log.conn.execute("select status, score, count(*) from application group by 1, 2").fetchall() == [
        {"status": "live", "score": "90", "count": MANY}
    ]
