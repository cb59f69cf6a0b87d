"""The invented history of the example's fund, from the calls for applications to the closing of a project.

The first part is one of a fund with any plan. Some awards have troubles, such as a returned payment. Each stage is
posted for all projects before the next stage, so that the log is in chronological order. The second part, in
matching.py, is one of a plan with two batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from domain.money import Money
from domain.period import following, last_day, period_of
from domain.state.fund import Gate
from service.example.history import History, WorkingDays, poster_of
from service.example.matching import Matching, Moved
from service.example.payments import TROUBLES, Due, accept, pay
from service.example.recipients import Recipient, allocate_by_score, invent
from service.example.steps import EventPoster, Post, Project, days, proposals, rows


def play(post: Post, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
    """Post the invented history of the example's fund, which the events `setup` established.

    `post` posts one CloudEvent and returns the new version of its stream.
    """
    poster = poster_of(post, setup)
    first = _FirstPart(poster, setup, working_days)
    ended = first.play()
    Matching(poster, setup, working_days).play(ended + days(20), first.moved)


def play_first_part(post: Post, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
    """Post an invented history of the fund with any plan that the events `setup` established."""
    _FirstPart(poster_of(post, setup), setup, working_days).play()


class _FirstPart(History):
    """The fund as its plan was adopted. `moved`: what was reallocated since."""

    def __init__(self, poster: EventPoster, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
        super().__init__(poster, setup, working_days)
        self.moved: list[Moved] = []

    def play(self) -> date:
        """Post the first part. Returns its last day."""
        closed = self._call(self._start + days(5))
        decided = self._decide(self._notice(self._review(closed)))
        first = self._substitute(decided) + days(10)
        self._pay(first, Gate.AWARD, Gate.AGREEMENT)
        requested = decided + days(250)
        self._carry_forward(requested)
        self._poster.post_in_order(
            step for project, recipient in self._awarded() for step in accept(project, recipient, requested)
        )
        last = requested + days(70)
        self._pay(last, Gate.ACCEPTANCE)
        self._return_money(last + days(30))
        return self._close(last + days(60))

    def _awarded(self) -> Iterator[tuple[Project, Recipient]]:
        return ((project, recipient) for project in self._projects for recipient in project.awarded)

    def _troubled(self, trouble: str) -> Iterator[tuple[Project, Recipient]]:
        return ((project, each) for project, each in self._awarded() if each.trouble == trouble)

    # From the call to the award

    def _call(self, on: date) -> date:
        opens, closes = on + days(2), on + days(32)
        window = {"opens_on": opens.isoformat(), "closes_on": closes.isoformat()}
        for project in self._projects:
            self._poster.post(project.stream, "CallPublished", on, "申报指南", round=1, **window)
        for number, project in enumerate(self._projects, 1):
            project.applicants = list(invent(project.code, number, min(project.line["awards"], 7) + 2))
            for index, each in enumerate(project.applicants):
                received = opens + days(3 + index)
                application = {"application": each.application, "applicant": each.identity}
                self._poster.post(project.stream, "ApplicationReceived", received, "受理号", **application)
        for project in self._projects:
            self._poster.post(project.stream, "CallClosed", closes + days(1), round=1)
        return closes + days(1)

    def _review(self, closed: date) -> date:
        """Post the screenings and reviews of all projects. `closed`: the day on which the calls closed.

        Returns the first day of the public notice. In each project, the last applicant fails the screening, and the
        best of those who passed are proposed for awards.
        """
        for project in self._projects:
            *passed, _ = project.applicants
            for each in project.applicants:
                screened = {"application": each.application, "passed": each in passed}
                if each not in passed:
                    screened["reason"] = "示例：申报材料不齐"
                self._poster.post(project.stream, "ApplicationScreened", closed + days(3), "审查表", **screened)
            project.review = self._poster.post(
                project.stream,
                "ReviewConcluded",
                closed + days(8),
                "评审意见",
                method="示例：专家独立评分，取平均分",
                scores=[{"application": each.application, "score": each.score} for each in passed],
            )
            exact = project.line["award_rule"] == "exact"
            project.awarded = passed[: project.line["awards"] if exact else max(1, len(passed) - 1)]
            project.quantum = allocate_by_score(project.amounts(), project.awarded)
        return closed + days(10)

    def _notice(self, first: date) -> date:
        """Give public notice of the proposals of all projects from the day `first`.

        Returns the day on which the notices are completed. In one project, an objection is upheld: the next best
        applicant replaces the applicant that is excluded.
        """
        last = first
        for project in self._projects:
            last = self._start_notice(project, first, proposals(project.awarded))
        disputed = next((each for each in self._projects if each.next_best()), None)
        if disputed:
            last = max(last, self._object(disputed, first + days(2)))
        for project in self._projects:
            self._poster.post(project.stream, "NoticeCompleted", last + days(1))
        return last + days(1)

    def _start_notice(self, project: Project, first: date, listed: Sequence[Mapping[str, str]]) -> date:
        """Give public notice of these proposals from the day `first`. Returns the last day of the notice."""
        last = self._notice_ends(first)
        shown = {"first_day": first.isoformat(), "last_day": last.isoformat()}
        project.notice = self._poster.post(project.stream, "NoticeStarted", first, "公示", applications=listed, **shown)
        return last

    def _object(self, project: Project, on: date) -> date:
        """Post an objection that is received on the day `on` and upheld, then a new public notice.

        Returns the last day of the new notice.
        """
        excluded, substitute = project.awarded[0], project.next_best()
        assert substitute is not None, "the project was chosen because it has one"
        objection = f"{project.code}-O1"
        data = {"objection": objection, "application": excluded.application, "reason": "示例：知识产权权属不清"}
        self._poster.post(project.stream, "ObjectionReceived", on, "异议书", **data)
        resolved = on + days(4)
        self._poster.post(
            project.stream, "ObjectionResolved", resolved, objection=objection, upheld=True, reason="示例：经核实成立"
        )
        excluded.out = True
        project.awarded = [*project.awarded[1:], substitute]
        project.quantum = allocate_by_score(project.amounts(), project.awarded)
        return self._start_notice(project, resolved + days(1), proposals(project.awarded))

    def _decide(self, noticed: date) -> date:
        decided, signed = noticed + days(2), noticed + days(6)
        for project in self._projects:
            for number, each in enumerate(project.awarded, 1):
                each.award = f"{project.code}-L{number:02d}"
            self._decide_list(project, decided, project.awarded, by_score=True)
        awarded = [recipient for _, recipient in self._awarded()]
        for index, trouble in TROUBLES.items():
            if -len(awarded) // 2 <= index < len(awarded):
                awarded[index].trouble = trouble
        for project, each in self._awarded():
            self._sign(project, each, signed)
        return signed

    def _decide_list(self, project: Project, on: date, recipients: Sequence[Recipient], *, by_score: bool) -> None:
        self._poster.post(
            project.stream,
            "AwardListDecided",
            on,
            "纪要",
            "立项文号",
            review=project.review,
            notice=project.notice,
            method="示例：按评审得分高低",
            quantum=str(Money(project.quantum)),
            by_score=by_score,
            awards=list(rows(recipients)),
        )

    def _sign(self, project: Project, each: Recipient, on: date) -> None:
        term = {"starts_on": on.isoformat(), "ends_on": (on + days(365)).isoformat()}
        self._poster.post(project.stream, "AgreementSigned", on, "合同号", award=each.award, **term)

    def _substitute(self, on: date) -> date:
        """In the project with the most awards, one recipient declines its award, and the next best applicant gets one.

        Before the new award, there is a public notice of the new applicant. Returns the day on which the new agreement
        is signed. If the project has only one award or no other applicant, no recipient declines, and `on` is returned.
        """
        project = max(self._projects, key=lambda each: len(each.awarded))
        substitute, declining = project.next_best(), project.awarded[-1]
        if substitute is None or len(project.awarded) == 1:
            return on
        reason = {"award": declining.award, "reason": "示例：企业经营调整，放弃立项"}
        self._poster.post(project.stream, "AwardDeclined", on + days(3), "放弃函", **reason)
        declining.out = True
        first = on + days(5)
        substitute.amounts, substitute.trouble = dict(declining.amounts), declining.trouble
        substitute.award = f"{project.code}-L{len(project.awarded) + 1:02d}"
        last = self._start_notice(project, first, proposals([substitute]))
        self._poster.post(project.stream, "NoticeCompleted", last + days(1))
        self._decide_list(project, last + days(3), [substitute], by_score=False)
        self._sign(project, substitute, last + days(6))
        project.awarded[-1] = substitute
        return last + days(6)

    # From the first payment to the end

    def _pay(self, on: date, *gates: Gate) -> None:
        """From the day `on`, pay the batches whose gate is one of `gates`.

        If ACCEPTANCE is one of `gates`, only awards that passed their acceptance are paid.
        """
        self._poster.post_in_order(
            step
            for project, recipient in self._awarded()
            for batch in (project.batches_behind(*gates) if recipient.accepted or Gate.ACCEPTANCE not in gates else ())
            if recipient.amounts.get(batch)
            for step in pay(Due(project, recipient, batch, self._settings["approvals"]), on)
        )

    def _carry_forward(self, until: date) -> None:
        """Carry forward the unspent amount of the appropriation at the end of each year before the year of `until`.

        The first of these years is the budget year.
        """
        for year in range(self._appropriated["budget_year"], until.year):
            unspent = Money(Money.parse(self._appropriated["amount"]) - self._poster.spent(year))
            carried = {"appropriation": self._received, "year": year, "amount": str(unspent)}
            self._poster.post(self._fund, "YearCarriedForward", date(year + 1, 1, 10), "结转批复", **carried)

    def _return_money(self, on: date) -> None:
        """Record that the bank returns payments made in the previous year, and reinstate the returned money.

        Then terminate the awards whose rectification is late.
        """
        for project, recipient in self._troubled("returned next year"):
            batch = min(recipient.amounts)
            amount = str(Money(recipient.amounts[batch]))
            returned = {"payment": f"{recipient.award}-B{batch}-1", "amount": amount, "passive": True}
            self._poster.post(project.stream, "PaymentReturned", on, "退回通知书", **returned, reason="示例：账户注销")
            place = {"project": project.code, "award": recipient.award, "batch": batch}
            self._poster.post(self._fund, "FundsReinstated", on + days(5), "恢复文", **place, amount=amount)
        for project, recipient in self._troubled("terminated"):
            self._terminate(project, recipient, on)

    def _terminate(self, project: Project, recipient: Recipient, on: date) -> None:
        """Terminate the award of `recipient`, and reallocate its last batch to another project if possible.

        The events happen from the day `on`. A recovery of half of the award's first payment is ordered. A quarter of
        that payment is received and surrendered; the rest of the ordered amount stays unpaid.
        """
        reason = {"award": recipient.award, "reason": "示例：逾期未整改"}
        self._poster.post(project.stream, "AwardTerminated", on + days(1), "终止文号", **reason)
        batch = min(recipient.amounts)
        half, quarter = Money(recipient.amounts[batch] // 2), Money(recipient.amounts[batch] // 4)
        recovery = {"recovery": f"{recipient.award}-R1"}
        order = {"payment": f"{recipient.award}-B{batch}-1", "amount": str(half), "due_on": (on + days(60)).isoformat()}
        self._poster.post(
            project.stream, "RecoveryOrdered", on + days(3), "追缴通知", **recovery, **order, reason="示例：终止立项"
        )
        self._poster.post(project.stream, "RecoveryReceived", on + days(8), "缴款书", **recovery, amount=str(quarter))
        place = {"project": project.code, "award": recipient.award, "batch": batch}
        self._poster.post(
            self._fund, "SurplusSurrendered", on + days(9), "缴款书", account="recovered", amount=str(quarter), **place
        )
        self._reallocate(project, recipient, on + days(10))

    def _reallocate(self, project: Project, recipient: Recipient, on: date) -> None:
        """Move the money of the last batch of the recipient's award to the fund's first project, if possible.

        It is possible if three conditions hold: `project` is not the first project, the first project has the same
        batch, and the first award of the first project has passed its acceptance. A supplementary notice shows the new
        amount of this first award; then the award is increased by the moved amount, and the increase is paid.
        """
        other, batch = self._projects[0], max(recipient.amounts)
        if project is other or batch not in other.amounts() or not other.awarded[0].accepted:
            return
        moved = {"from_project": project.code, "from_batch": batch, "to_project": other.code, "to_batch": batch}
        amount = Money(recipient.amounts[batch])
        self._poster.post(self._fund, "FundsReallocated", on, "调剂批复", **moved, amount=str(amount))
        self.moved.append(Moved(batch, project.code, other.code, amount))
        raised = other.awarded[0]
        total = Money(sum(raised.amounts.values()) + amount)
        last = self._start_notice(other, on + days(1), [{"application": raised.application, "amount": str(total)}])
        self._poster.post(other.stream, "NoticeCompleted", last + days(1))
        change = {"award": raised.award, "batch": batch, "increase": True, "amount": str(amount)}
        self._poster.post(other.stream, "AwardAmended", last + days(2), "纪要", **change, reason="示例：扩大专利组合")
        due = Due(other, raised, batch, self._settings["approvals"], amount)
        self._poster.post_in_order(pay(due, last + days(3), attempt=2))

    def _close(self, on: date) -> date:
        """On the day `on`, close the first project; then close the fund's accounting periods of all past years.

        Returns the day on which they are closed.
        """
        self._poster.post(self._projects[0].stream, "ProjectClosed", on, "结项")
        period = period_of(self._established)
        while last_day(period).year < on.year:
            self._poster.post(self._fund, "PeriodClosed", on + days(5), "对账单", period=period)
            period = following(period)
        return on + days(5)
