"""The selection of an example's recipients without troubles, for all projects: from the calls to the agreements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any

from domain.money import Money
from service.example.recipients import allocate_by_score
from service.example.steps import EventPoster, Project, days, proposals, rows

TERM_DAYS = 540
"""How long an agreement runs."""


def select(
    poster: EventPoster,
    projects: Sequence[Project],
    on: date,
    notice_ends: Callable[[date], date],
    decided: Collection[int],
) -> date:
    """Post the selection of all projects from the day `on`. Returns the day on which the agreements are signed.

    The projects have their applicants, in descending order of their scores. `notice_ends`: the last day of a public
    notice that begins on a day. `decided`: the batches that the award lists decide; the public is shown all batches.
    """
    closed = _call(poster, projects, on)
    noticed = _notice(poster, projects, _review(poster, projects, closed), notice_ends)
    return _award(poster, projects, noticed, decided)


def _call(poster: EventPoster, projects: Sequence[Project], on: date) -> date:
    """Publish the calls, receive the applications, and close the calls, on the day that is returned."""
    opens, closes = on + days(1), on + days(30)
    window = {"opens_on": opens.isoformat(), "closes_on": closes.isoformat()}
    for project in projects:
        poster.post(project.stream, "CallPublished", on, "申报指南", round=1, **window)
    for project in projects:
        for index, each in enumerate(project.applicants, 1):
            each.application = f"{project.code}-A{index:02d}"
            received = {"application": each.application, "applicant": each.identity}
            poster.post(project.stream, "ApplicationReceived", opens + days(5 + index), "受理号", **received)
    for project in projects:
        poster.post(project.stream, "CallClosed", closes + days(1), round=1)
    return closes + days(1)


def _review(poster: EventPoster, projects: Sequence[Project], closed: date) -> date:
    """Screen and score the applications, and choose who is proposed for an award. Returns the notice's first day.

    An applicant that is `out` fails the screening. All batches of a project are shared among its proposals.
    """
    for project in projects:
        for each in project.applicants:
            failed = {"reason": "示例：不符合申报条件"} if each.out else {}
            screened = {"application": each.application, "passed": not each.out, **failed}
            poster.post(project.stream, "ApplicationScreened", closed + days(4), "审查表", **screened)
    for project in projects:
        passed = [each for each in project.applicants if not each.out]
        scores = [{"application": each.application, "score": each.score} for each in passed]
        reviewed = {"method": "示例：专家独立评分，取平均分", "scores": scores}
        project.review = poster.post(project.stream, "ReviewConcluded", closed + days(12), "评审意见", **reviewed)
        project.awarded = passed[: project.line["awards"]]
        project.quantum = allocate_by_score(project.amounts(), project.awarded)
    return closed + days(15)


def _notice(poster: EventPoster, projects: Sequence[Project], first: date, notice_ends: Callable[[date], date]) -> date:
    """Give public notice of the proposals from the day `first`. Returns the day on which the notices are completed."""
    last = notice_ends(first)
    shown = {"first_day": first.isoformat(), "last_day": last.isoformat()}
    for project in projects:
        listed = proposals(project.awarded)
        project.notice = poster.post(project.stream, "NoticeStarted", first, "公示", applications=listed, **shown)
    for project in projects:
        poster.post(project.stream, "NoticeCompleted", last + days(1))
    return last + days(1)


def _award(poster: EventPoster, projects: Sequence[Project], noticed: date, decided: Collection[int]) -> date:
    """Decide the award lists, and sign the agreements, on the day that is returned."""
    on, signed = noticed + days(3), noticed + days(12)
    for project in projects:
        for index, each in enumerate(project.awarded, 1):
            each.award = f"{project.code}-L{index:02d}"
        basis = {"review": project.review, "notice": project.notice, "method": "示例：按评审得分高低"}
        share = {"by_score": project.line.get("share") == "by_score", "quantum": str(Money(project.quantum))}
        awards = [_decided(row, decided) for row in rows(project.awarded)]
        poster.post(project.stream, "AwardListDecided", on, "纪要", "立项文号", **basis, **share, awards=awards)
    term = {"starts_on": signed.isoformat(), "ends_on": (signed + days(TERM_DAYS)).isoformat()}
    for project in projects:
        for each in project.awarded:
            poster.post(project.stream, "AgreementSigned", signed, "合同号", award=each.award, **term)
    return signed


def _decided(row: dict[str, Any], batches: Collection[int]) -> dict[str, Any]:
    """The row of an award list with only the amounts of these batches."""
    return {**row, "amounts": [each for each in row["amounts"] if each["batch"] in batches]}
