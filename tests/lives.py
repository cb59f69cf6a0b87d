"""Ready-made posts and scenarios: a fund with one project at each stage of a life without incidents."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from msgspec.structs import replace

from domain.event import Posted
from domain.fund.funding import AppropriationReceived, FundsAllotted
from domain.fund.lifecycle import FundEstablished, PeriodClosed, SettingsChanged
from domain.fund.plan import PlanAdopted, PlanDrafted, PlanRevised
from domain.money import Money
from domain.period import following
from domain.project.acceptance import AcceptancePassed, AcceptanceRequested
from domain.project.award import AwardListDecided
from domain.project.call import Applicant, ApplicationReceived, ApplicationScreened, CallClosed, CallPublished
from domain.project.eligibility import Awarded, BatchAmount
from domain.project.lifecycle import ProjectOpened
from domain.project.payment import (
    PaymentApproved,
    PaymentConfirmed,
    PaymentInstructed,
    PaymentRequested,
)
from domain.project.selection import NoticeCompleted, NoticeStarted, Proposal, ReviewConcluded, Score
from domain.project.unordered import UnorderedPaymentFound
from domain.project.waiver import WaiverGranted
from domain.state.entities import ActualPayee, BankAccount, Payee
from domain.state.fund import Gate, Line, LineBatch, NoticeOrder, PlannedBatch, Settings, Task
from tests.scenario import Scenario, day, post

FUND, PROJECT, OTHER_PROJECT = "fund/f", "project/p", "project/q"
ANOTHER = {"actor": "另一人", "key": "another"}
SETTINGS = Settings(notice_working_days=5, approvals=("审核", "审批"), acceptance_tries=2)


def yuan(text: str) -> Money:
    return Money.parse(text)


def line(
    project: str = "p",
    number: int = 1,
    awards: int = 2,
    *,
    fixed: bool = False,
    amounts: tuple[str, ...] = ("60.00", "40.00"),
    gates: tuple[str, ...] = (Gate.AWARD, Gate.ACCEPTANCE),
    checkpoints: tuple[str, ...] | None = None,
) -> Line:
    batches = tuple(LineBatch(n, yuan(a), g) for n, (a, g) in enumerate(zip(amounts, gates, strict=True), 1))
    total = Money(sum(b.amount for b in batches))
    name = f"{project}项目"
    return Line(project, number, name, name, ("一",), "max", awards, fixed, total, batches, checkpoints=checkpoints)


def plan(*lines: Line) -> PlanDrafted:
    """A draft plan of these lines, with correct sums."""
    numbers = sorted({b.batch for each in lines for b in each.batches})
    sums = {n: sum(b.amount for each in lines for b in each.batches if b.batch == n) for n in numbers}
    return PlanDrafted(
        title="计划",
        total=Money(sum(sums.values())),
        tasks=(Task("一", "任务一"),),
        batches=tuple(PlannedBatch(n, f"第{n}批", Money(a)) for n, a in sums.items()),
        lines=lines,
    )


def revised(*lines: Line) -> PlanRevised:
    """A revision that replaces the adopted plan by these lines."""
    whole = plan(*lines)
    return PlanRevised(whole.title, whole.total, whole.tasks, whole.batches, whole.lines)


def founded(*lines: Line, appropriated: str = "100.00") -> tuple[Posted, ...]:
    """The posts that lead to a fund with an adopted plan of these lines, each line opened as a project."""
    return (
        post(FUND, FundEstablished("专项资金", SETTINGS), "1-1"),
        post(FUND, AppropriationReceived(yuan(appropriated), 2018), "1-2"),
        post(FUND, plan(*lines), "1-3"),
        post(FUND, PlanAdopted(draft=3), "1-4"),
        *(post(f"project/{each.project}", ProjectOpened("f"), "1-5") for each in lines),
    )


def allotted(*lines: Line, appropriated: str = "100.00") -> tuple[Posted, ...]:
    """The posts that lead to a fund with an adopted plan of these lines, each line opened and wholly allotted."""
    return (
        *founded(*lines, appropriated=appropriated),
        *(
            post(FUND, FundsAllotted(each.project, batch.batch, batch.amount), "1-6")
            for each in lines
            for batch in each.batches
        ),
    )


def closed_months(first: int, last: int) -> tuple[Posted, ...]:
    """Closings of the months `first` to `last` of 2019, each on the fourth day of the next month."""
    periods = [f"2019-{month:02}" for month in range(first, last + 1)]
    return tuple(post(FUND, PeriodClosed(period), f"{following(period)}-4") for period in periods)


def two_projects() -> Scenario:
    """The scenario with the projects p and q, each with 100 yuan planned and allotted."""
    return Scenario().given(*allotted(line(), line("q", 2), appropriated="200.00"))


def balances(scenario: Scenario, stream: str = PROJECT) -> dict[str, str]:
    """The balances of a fund or project in yuan, by account."""
    state = scenario.ledger.streams[stream].state
    assert state is not None
    sums = Counter[str]()
    for (account, _), amount in state.accounts.sums.items():
        sums[account] += amount
    return {account: str(Money(amount)) for account, amount in sums.items()}


def payee(name: str = "a") -> Payee:
    return Payee(f"示例{name}", f"9{name}", account=BankAccount("0001", f"digest-{name}"))


def unordered(account: str, amount: str = "5.00", batch: int = 1, repeats: str | None = None) -> UnorderedPaymentFound:
    """A payment of the award L-a that nobody ordered, out of `account`."""
    return UnorderedPaymentFound("U1", "L-a", batch, account, yuan(amount), actual("x"), "重复执行", repeats)


def payee_waiver(award: str = "L-a", to: str = "b", at_most: str = "100.00") -> WaiverGranted:
    """A waiver by which the payee `to` may receive money of the award."""
    return WaiverGranted("PayeeMismatch", "批准", award, payee=payee(to), at_most=yuan(at_most))


def actual(name: str = "a", uscc: str | None = None) -> ActualPayee:
    """The payee that the bank reports."""
    return ActualPayee(payee(name).name, uscc, account=payee(name).account)


APPLICANTS = ("a", "b")


def called(*names: str) -> tuple[Posted, ...]:
    return (
        post(PROJECT, CallPublished(1, day("2-1"), day("2-10")), "1-31"),
        *(
            post(PROJECT, ApplicationReceived(f"A-{name}", Applicant(f"示例{name}", f"9{name}")), "2-5")
            for name in names or APPLICANTS
        ),
    )


def reviewed(*names: str) -> tuple[Posted, ...]:
    """The posts up to the review of the applications. All passed the screening; the first has the highest score."""
    names = names or APPLICANTS
    scores = tuple(Score(f"A-{name}", Decimal(90 - n)) for n, name in enumerate(names))
    return (
        *called(*names),
        post(PROJECT, CallClosed(1), "2-11"),
        *(post(PROJECT, ApplicationScreened(f"A-{name}", passed=True), "2-12") for name in names),
        post(PROJECT, ReviewConcluded("平均分", scores), "2-15"),
    )


def review(**scores: int) -> ReviewConcluded:
    return ReviewConcluded("平均分", tuple(Score(f"A-{n}", Decimal(s)) for n, s in scores.items()))


def notice(first: str, last: str, *names: str) -> NoticeStarted:
    proposed = tuple(Proposal(f"A-{name}", yuan("200.00")) for name in names)
    return NoticeStarted(day(first), day(last), proposed)


def shown(*names: str, month: str = "2") -> tuple[Posted, ...]:
    """The posts of a notice of five days that lists the applications, and of its completion."""
    return (
        post(PROJECT, notice(f"{month}-16", f"{month}-20", *names), f"{month}-16"),
        post(PROJECT, NoticeCompleted(), f"{month}-21"),
    )


def noticed(*names: str) -> tuple[Posted, ...]:
    names = names or APPLICANTS
    return (*reviewed(*names), *shown(*names))


def row(name: str, *amounts: str, rank: int = 1, score: int = 90) -> Awarded:
    shares = tuple(BatchAmount(n, yuan(amount)) for n, amount in enumerate(amounts, 1))
    return Awarded(f"L-{name}", f"A-{name}", payee(name), rank, shares, Decimal(score))


def award_list(scenario: Scenario, *rows: Awarded) -> AwardListDecided:
    """An award list with these rows that cites the current review and notice."""
    round_ = scenario.ledger.project("p").current_round()
    assert round_.review is not None
    assert round_.notice is not None
    return AwardListDecided("按得分", rows, round_.review.version, round_.notice.version)


TWO_ROWS = (row("a", "30.00", "20.00"), row("b", "30.00", "20.00", rank=2, score=89))


def decided(scenario: Scenario, *rows: Awarded, on: str = "3-1") -> Scenario:
    """The scenario after the decision of an award list that cites the current review and notice."""
    return scenario.given(post(PROJECT, award_list(scenario, *rows), on))


def awarded(*lines: Line) -> Scenario:
    """The scenario with two awards, each of 30 yuan in batch 1 and 20 yuan in batch 2.

    By default, they use up a line of 60 yuan in batch 1 and 40 yuan in batch 2.
    """
    return decided(Scenario().given(*allotted(*(lines or (line(),))), *noticed()), *TWO_ROWS)


def only_a_awarded(*lines: Line) -> Scenario:
    """The scenario with one award, to the application a: 30 yuan in batch 1 and 20 yuan in batch 2.

    The application b is not awarded, and the rest of the money stays in the line.
    """
    return decided(Scenario().given(*allotted(*(lines or (line(),))), *noticed()), TWO_ROWS[0])


def noticed_after(*lines: Line) -> Scenario:
    """The scenario with a fund whose notices follow the decision. a and b are awarded, and no notice has started."""
    settings = replace(SETTINGS, notice_order=NoticeOrder.AFTER_DECISION)
    scenario = Scenario().given(
        *allotted(*(lines or (line(),))), post(FUND, SettingsChanged(settings), "1-7"), *reviewed()
    )
    review = scenario.ledger.project("p").current_round().review
    assert review is not None
    return scenario.given(post(PROJECT, AwardListDecided("按得分", TWO_ROWS, review.version), "2-15"))


def request(payment: str = "P1", award: str = "a", batch: int = 1, amount: str = "30.00", on: str = "3-2") -> Posted:
    fact = PaymentRequested(payment, f"L-{award}", batch, yuan(amount), payee(award))
    return post(PROJECT, fact, on, actor="申请人", key="treasury")


def approvals(payment: str = "P1", on: str = "3-3") -> tuple[Posted, ...]:
    return tuple(
        post(PROJECT, PaymentApproved(payment, level), on, actor=f"{level}人", key="approver")
        for level in SETTINGS.approvals
    )


def instructed(
    payment: str = "P1", award: str = "a", batch: int = 1, amount: str = "30.00", month: str = "3"
) -> tuple[Posted, ...]:
    return (
        request(payment, award, batch, amount, f"{month}-2"),
        *approvals(payment, f"{month}-3"),
        post(PROJECT, PaymentInstructed(payment), f"{month}-4"),
    )


def paid(
    payment: str = "P1", award: str = "a", batch: int = 1, amount: str = "30.00", month: str = "3"
) -> tuple[Posted, ...]:
    return (
        *instructed(payment, award, batch, amount, month),
        post(PROJECT, PaymentConfirmed(payment, yuan(amount), actual(award)), f"{month}-5"),
    )


def accepted(award: str = "a", month: str = "6") -> tuple[Posted, ...]:
    return (
        post(PROJECT, AcceptanceRequested(f"L-{award}"), f"{month}-1"),
        post(PROJECT, AcceptancePassed(f"L-{award}"), f"{month}-10"),
    )


def wholly_paid() -> Scenario:
    """The scenario in which both batches of both awards are paid, by the payments P1 to P4."""
    return awarded().given(
        *paid(),
        *paid("P2", "b"),
        *accepted(),
        *accepted("b"),
        *paid("P3", "a", 2, "20.00", "7"),
        *paid("P4", "b", 2, "20.00", "7"),
    )
