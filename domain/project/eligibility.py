"""The guards of an award list: on its review and notice, applications, number of awards, money and shares by score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from domain.allocation import allocate
from domain.decision_context import Context
from domain.event import Reference
from domain.event_part import EventPart
from domain.guard import Evidence, Guard
from domain.money import Money
from domain.normalise import number_order
from domain.posting import LINE, Place
from domain.project.condition import notice_binds
from domain.project.lifecycle import ProjectFact
from domain.project.waiver import key, waived_for
from domain.recipient import readable
from domain.rules.award import (
    AboveNotice,
    AllocationMismatch,
    BasisMismatch,
    FixedTotalNotUsed,
    LineNotAllotted,
    NobodyListed,
    NoPlacesLeft,
    NothingToShareBy,
    NotInNotice,
    PayeeNotApplicant,
    QuantumTooCoarse,
    ScoreMismatch,
    ShareMismatch,
)
from domain.rules.call import InvalidCode, NoNotice, NoReview, NoRoundUnderWay, NotStanding, ObjectionOpen
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, NameTaken, UnknownName
from domain.rules.fund import BatchNotInPlan, NotInPlan
from domain.rules.waiver import SamePerson
from domain.state.entities import Payee, no_name_twice
from domain.state.fund import Share
from domain.state.project import Project

# Contents -----------------------------------------------------------------------


class BatchAmount(EventPart, frozen=True):
    batch: int
    amount: Money


class Awarded(EventPart, frozen=True):
    """One row of the award list. `rank` is its rank in the list, from 1; `amounts` has its amount in each batch.

    `score` is the score of the application in the review; None for an entry of a list, because entries are not scored.
    If `funding_source` or `appropriation` is given, the money is taken from that source or appropriation; if both are
    omitted, from any.
    """

    award: str
    application: str
    payee: Payee
    rank: int
    amounts: tuple[BatchAmount, ...]
    score: Decimal | None = None
    funding_source: str | None = None
    appropriation: int | None = None


class AwardList(ProjectFact, frozen=True):
    """The fields of an award list: its rows (`awards`), and the review, notice and method that the rows are based on.

    `review` and `notice` are the versions of a ReviewConcluded and a NoticeStarted event. `review` is None if the
    awards are chosen from a list, because a list is not reviewed. `by_score`: whether the amounts are calculated from
    the scores.
    """

    method: str
    awards: tuple[Awarded, ...]
    review: int | None = None
    notice: int | None = None
    quantum: Money | None = None
    tie_order: str | None = None
    by_score: bool = False
    shared_among: tuple[str, ...] = ()


# Guards ------------------------------------------------------------------------


def _was_reviewed(context: Context, project: Project, fact: AwardList) -> Evidence:
    current = project.current_round()
    review = current.review
    if current.is_list and fact.review is None:
        return ()
    if current.is_list:
        raise BasisMismatch(what="review", cited=fact.review, current=None)
    if review is None:
        raise NoReview
    if review.version != fact.review:
        raise BasisMismatch(what="review", cited=fact.review, current=review.version)
    context.not_before("ReviewConcluded", review.on)
    return (Reference(context.stream, review.version),)


def _was_noticed(context: Context, project: Project, fact: AwardList) -> Evidence:
    current = project.current_round()
    notice = current.notice
    if not current.notice_comes_first(context.ledger.fund(project.fund).settings):
        if fact.notice is not None:
            raise BasisMismatch(what="notice", cited=fact.notice, current=None)
        return ()
    if notice is None or notice.completed is None:
        context.improper(NoNotice(wanted="completed"))
        return ()
    if notice.version != fact.notice:
        raise BasisMismatch(what="notice", cited=fact.notice, current=notice.version)
    context.not_before("NoticeCompleted", notice.completed.on)
    return (Reference(context.stream, notice.version), Reference(context.stream, notice.completed.version))


def _no_objection_is_open(context: Context, project: Project, _: AwardList) -> Evidence:
    if project.open_objections:
        context.improper(ObjectionOpen(objections=", ".join(sorted(project.open_objections))))
    return ()


def _names_are_new(_: Context, project: Project, fact: AwardList) -> Evidence:
    if not fact.awards:
        raise NobodyListed
    no_name_twice("award", (row.award for row in fact.awards))
    no_name_twice("application", (*(row.application for row in fact.awards), *fact.shared_among))
    no_name_twice("rank", (row.rank for row in fact.awards))
    for row in fact.awards:
        no_name_twice("batch", (share.batch for share in row.amounts))
        project.unused("award", row.award)
    return ()


def _applications_stand(context: Context, project: Project, fact: AwardList) -> Evidence:
    current = project.current_round()
    for row in fact.awards:
        project.application(row.application)
        project.must_be_eligible(row.application)
        if fact.notice is not None and current.notice and row.application not in current.notice.amounts:
            context.improper(NotInNotice(application=row.application))
        reviewed = current.scores.get(row.application)
        if row.score != reviewed:
            raise ScoreMismatch(application=row.application, score=row.score, reviewed=reviewed)
    return ()


def _are_paid_to_applicants(context: Context, project: Project, fact: AwardList) -> Evidence:
    """Checks that each payee is the applicant, or the payee whom a waiver for the application names.

    Raises InvalidCode, PayeeNotApplicant. The first edition of the rules did not check the payees. Returns the events
    of the waivers that are needed. Raises SamePerson if the person who posts the list granted one of these waivers.
    Raises it also if that person recorded the last RecipientRenamed of an application whose payee is the applicant.
    """
    evidence = []
    for row in fact.awards if context.header.edition > 1 else ():
        context.must_be_valid(row.payee)
        application = project.applications[row.application]
        applicant = application.identities[-1]
        if row.payee.identity == applicant:
            if application.renamed_by and (same := context.same_as(application.renamed_by)):
                raise SamePerson(who=same)
            continue
        waiver = waived_for(context, project, key("PayeeNotApplicant", "application", row.application), row.payee)
        if waiver is None:
            refusal = PayeeNotApplicant(
                application=row.application, payee=str(row.payee), applicant=readable(applicant)
            )
            context.improper(refusal)
            continue
        evidence.append(Reference(context.stream, waiver.version))
    return tuple(evidence)


def _is_within_notice(context: Context, project: Project, fact: AwardList) -> Evidence:
    """Checks that no application gets more than the notice that the list cites proposed. Raises AboveNotice."""
    notice = project.current_round().notice
    if not notice_binds(context, project) or fact.notice is None or notice is None:
        return ()
    for row in fact.awards:
        amount, shown = sum(share.amount for share in row.amounts), notice.amounts.get(row.application, Money())
        if amount > shown and row.application in notice.amounts:
            context.improper(AboveNotice(application=row.application, shown=shown, amount=Money(amount)))
    return ()


def _is_shared_as_planned(context: Context, project: Project, fact: AwardList) -> Evidence:
    share = context.ledger.fund(project.fund).line(project.code).share
    if share is not None and fact.by_score != (share is Share.BY_SCORE):
        context.improper(ShareMismatch(share=share, by_score=fact.by_score))
    return ()


def _places_are_left(context: Context, project: Project, fact: AwardList) -> Evidence:
    line = context.ledger.fund(project.fund).line(project.code)
    taken, listed = project.places_taken(line), len(fact.awards)
    if taken + listed > line.awards:
        context.improper(NoPlacesLeft(limit=line.awards, taken=taken, asked=listed))
    return ()


def _is_allotted(context: Context, project: Project, _: AwardList) -> Evidence:
    line = context.ledger.fund(project.fund).line(project.code)
    if not line.fixed_total or project.awards:
        return ()
    for batch in line.batches:
        allotted = project.accounts.balance(LINE, Place(project.code, batch.batch))
        if allotted != batch.amount:
            raise LineNotAllotted(batch=batch.batch, allotted=allotted, planned=batch.amount)
    return ()


def _is_by_score(context: Context, project: Project, fact: AwardList) -> Evidence:
    """If `fact.by_score` is true, checks that each amount of the list is the share calculated by score.

    For each batch, the sum of all rows is allocated to the applications in the rows and to those in `shared_among`.
    Raises AllocationMismatch if the amount of a row differs from its share, or if an application in `shared_among` has
    a share above zero. Returns no events.
    """
    if not fact.by_score:
        return ()
    quantum = fact.quantum or context.ledger.fund(project.fund).settings.quantum
    scores = {row.application: row.score or Decimal(0) for row in fact.awards}
    scores |= _of_others(project, fact.shared_among)
    shares = by_score(project, scores, _sums(fact), quantum)
    for name in fact.shared_among:
        if expected := sum(shares[name].values()):
            batch = next(number for number, amount in shares[name].items() if amount)
            context.improper(AllocationMismatch(award=name, batch=batch, amount=Money(0), expected=Money(expected)))
    for row in fact.awards:
        given = {each.batch: each.amount for each in row.amounts}
        for number, expected in shares[row.application].items():
            if given.get(number, 0) != expected:
                amount = Money(given.get(number, 0))
                context.improper(AllocationMismatch(award=row.award, batch=number, amount=amount, expected=expected))
    return ()


def _of_others(project: Project, names: tuple[str, ...]) -> dict[str, Decimal]:
    """The score of each application in `names`; these took part in the allocation but have no row in the award list.

    Raises UnknownName if an application does not exist, and NotStanding if it is not eligible for an award.
    """
    scores = project.current_round().scores
    for name in names:
        project.application(name)
        project.must_be_eligible(name)
    return {name: scores.get(name, Decimal(0)) for name in names}


def by_score(
    project: Project, scores: Mapping[str, Decimal], batches: Mapping[int, int], quantum: int
) -> dict[str, dict[int, Money]]:
    """The share of each application in each batch, by the application's name and the batch's number.

    `batches`: the amount to allocate in each batch, in fen. It is allocated in proportion to `scores`, in multiples of
    `quantum` fen. Raises QuantumTooCoarse, NothingToShareBy.
    """
    names = sorted(scores, key=lambda name: _tie_order(project, name))
    return dict(zip(names, allocate(batches, [scores[name] for name in names], quantum), strict=True))


def _tie_order(project: Project, name: str) -> tuple[object, int]:
    """The sort key that decides which application comes first if remainders of the allocation are equal.

    It is the number 受理号 of the application `name`, then the order of receipt.
    """
    application = project.applications[name]
    return number_order(application.number), application.received.version


def _sums(fact: AwardList) -> Counter[int]:
    """For each batch, the sum of its amounts in all rows of the award list, in fen."""
    sums = Counter[int]()
    for row in fact.awards:
        for share in row.amounts:
            sums[share.batch] += share.amount
    return sums


def _line_has_it(context: Context, project: Project, fact: AwardList) -> Evidence:
    line, sums = context.ledger.fund(project.fund).line(project.code), _sums(fact)
    for number, amount in sorted(sums.items()):
        line.batch(number)
        place = Place(project.code, number)
        available = project.accounts.balance(LINE, place)
        if amount > available:
            raise BalanceTooSmall(account=LINE, place=str(place), available=available, amount=Money(amount))
    for batch in line.batches if line.fixed_total else ():
        left = project.accounts.balance(LINE, Place(project.code, batch.batch)) - sums[batch.batch]
        if left:
            context.improper(FixedTotalNotUsed(batch=batch.batch, left=Money(left)))
    return ()


ROWS_ELIGIBLE = Guard(
    "Each application is eligible, is on the cited notice, and has its score from the review.",
    "所列申报均具备立项资格、已公示，且得分与评审一致。",
    (UnknownName, NotStanding, NotInNotice, ScoreMismatch),
    _applications_stand,
)
ROWS_PAYEES = Guard(
    "Each payee is the applicant, or a waiver names the payee.",
    "收款人为申报单位，或已批准例外。",
    (InvalidCode, PayeeNotApplicant, SamePerson),
    _are_paid_to_applicants,
)
ROWS_SHOWN = Guard(
    "No application gets more than the notice proposed.",
    "立项金额不超过公示金额。",
    (AboveNotice,),
    _is_within_notice,
)
PLACES = Guard("The award limit is not exceeded.", "立项名额未满。", (NotInPlan, NoPlacesLeft), _places_are_left)
ROWS_BY_SCORE = Guard(
    "Amounts allocated by score equal the calculated allocation.",
    "按得分分配的，金额与测算一致。",
    (QuantumTooCoarse, NothingToShareBy, UnknownName, NotStanding, AllocationMismatch),
    _is_by_score,
)
ROWS_COVERED = Guard(
    "The line covers the amounts of the list; a fixed total is used up.",
    "项目额度足够；总额不变的，全部安排完毕。",
    (BatchNotInPlan, BalanceTooSmall, FixedTotalNotUsed),
    _line_has_it,
)
OF_ROWS = (ROWS_ELIGIBLE, ROWS_PAYEES, ROWS_SHOWN, ROWS_BY_SCORE, ROWS_COVERED)
"""The guards that check the rows of an award list one by one; a list without rows passes them."""
LIST = (
    Guard(
        "The list cites a completed notice, or the fund's notices follow the decision.",
        "公示期满，名单引用该公示；或本专项资金先立项后公示。",
        (NoRoundUnderWay, NoNotice, BasisMismatch, BeforeItsCause),
        _was_noticed,
    ),
    Guard(
        "The list cites the review in force.",
        "评审结论有效，名单引用该结论。",
        (NoReview, BasisMismatch, BeforeItsCause),
        _was_reviewed,
    ),
    Guard("No objection is open.", "没有未处理的异议。", (ObjectionOpen,), _no_objection_is_open),
    Guard(
        "The list is not empty; no name, rank or batch occurs twice.",
        "名单不为空，名称、名次和批次均不重复。",
        (NobodyListed, NameTaken),
        _names_are_new,
    ),
    ROWS_ELIGIBLE,
    ROWS_PAYEES,
    ROWS_SHOWN,
    PLACES,
    Guard(
        "A fixed total is fully allotted before the first decision.",
        "总额不变的项目，首次立项前额度已全部分配。",
        (LineNotAllotted,),
        _is_allotted,
    ),
    Guard(
        "The money is shared as the plan says: by score, or as decided.",
        "按计划规定的方式分配：按得分，或由会议决定。",
        (NotInPlan, ShareMismatch),
        _is_shared_as_planned,
    ),
    ROWS_BY_SCORE,
    ROWS_COVERED,
)
"""The guards of an award list, in the order in which they are checked."""
