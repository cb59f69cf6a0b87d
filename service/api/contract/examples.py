"""The example life of a small fund: a valid sequence of events in which every event type occurs at least once.

`/v1/event-types` publishes the events as examples, and the tests post them. All data is invented and marked 示例.

Each chapter is a generator. It yields an event, and receives the version of the event's stream after that event. A
sender gets this version in the response to a post.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from hashlib import sha256
from typing import Any, TypeVar

Event = dict[str, Any]
BuildEvent = Callable[..., Event]
T = TypeVar("T")
Chapter = Generator[Event, int, T]
"""A part of the example life: a generator that yields events and returns a T. After each event, it is sent the version
that the event's stream then has."""

SOURCE = "/example/sender"
FUND, FIRST, SECOND, THIRD = "demo-2025", "demo-2025-01", "demo-2025-02", "demo-2025-03"
CLERK, APPROVER, HEAD, ACCOUNTANT = "示例·经办人周某", "示例·审批人吴某", "示例·局长郑某", "示例·会计冯某"
INSPECTOR = "示例·检查组秦某"
LEVELS = ["审核", "审批"]
BATCHES = {1: "第一批", 2: "第二批", 3: "第三批"}
GATES = {1: "award", 2: "agreement", 3: "final"}
CHECKPOINTS = ["midterm", "final"]
GOALS = [{"name": "发明专利授权", "target": "不少于 20", "unit": "件"}, {"name": "服务企业", "target": "覆盖全区"}]

PAYEE = {"name": "示例科技有限公司", "uscc": "91440104MA00000014", "account": "6222 0212 3456 7890 123"}
MOVED = {**PAYEE, "account": "6222 0212 3456 7890 456"}
HONG_KONG = {"country": "HK", "kind": "BR", "number": "12345678-000"}
MATERIALS = {"name": "示例材料（香港）有限公司", "registration": HONG_KONG}
TOOLS = {"name": "示例工具有限公司", "uscc": "91440104MA0000003A"}
OPTICS = {"name": "示例光学有限公司", "uscc": "91440104MA0000004D"}
SEEDS = {"name": "示例种业有限公司", "uscc": "91440104MA0000005G", "account": "6222 0212 3456 7890 555"}
PUMPS = {"name": "示例泵业有限公司", "uscc": "91440104MA0000006K", "account": "6222 0212 3456 7890 666"}
PERSON = {"name": "示例发明人何某", "id_card": "440104190001010001", "account": "6222 0212 3456 7890 777"}
GLASS = {"name": "示例玻璃有限公司", "uscc": "91440104MA0000008R", "account": "6222 0212 3456 7890 888"}
LAMPS = {"name": "示例照明有限公司", "uscc": "91440104MA00000102", "account": "6222 0212 3456 7890 999"}
AUTHOR = {"name": "示例发明人吕某", "id_card": "440104190001010028", "account": "6222 0212 3456 7890 000"}


APPLIED = {
    "amount": "1200000.00", "title": "示例申报项目", "place": "示例区",
    "starts_on": "2025-04-01", "ends_on": "2025-12-31",
}  # fmt: skip
"""What the applications say that is optional."""


def life() -> list[Event]:
    """The events of the example life, in order, each with a unique id."""
    events: list[Event] = []
    versions = Counter[str]()
    chapters = _chapters()
    event = next(chapters)
    while True:
        events.append({"specversion": "1.0", "id": f"demo-{len(events) + 1:03}", "source": SOURCE, **event})
        versions.update(_streams(event))
        try:
            event = chapters.send(versions[event["subject"]])
        except StopIteration:
            return events


def _streams(event: Event) -> Iterator[str]:
    """The streams whose versions the event raises: its own stream, and each stream to or from which it moves money."""
    yield event["subject"]
    for name in ("project", "from_project", "to_project"):
        if event["type"] in ("FundsAllotted", "AllotmentWithdrawn", "FundsReallocated") and name in event["data"]:
            yield f"project/{event['data'][name]}"
    if event["type"] in ("RecoveryReceived", "ProjectClosed", "UnorderedPaymentFound"):
        yield f"fund/{FUND}"


def _chapters() -> Chapter[None]:
    appropriation = yield from _founding()
    yield from _first_call()
    yield from _failed_call()
    yield from _second_call()
    yield from _rewards()
    irregular = yield from _payments()
    yield from _changes()
    yield from _acceptance()
    yield from _notes()
    yield from _next_year(appropriation)
    yield from _wrong(irregular)
    yield from _closing()


def _builder(subject: str) -> BuildEvent:
    """A function that builds events of the stream `subject`.

    The parameter `cites` of the returned function lists the cited documents, each as `kind number`, separated
    by commas.
    """

    def build(type_: str, day: str, cites: str = "", *, actor: str = CLERK, **data: Any) -> Event:
        kinds = [cite.split() for cite in cites.split(",") if cite]
        documents = {"documents": [{"kind": kind, "number": number} for kind, number in kinds]} if kinds else {}
        return {"type": type_, "subject": subject, "data": {"occurred_on": day, "actor": actor, **documents, **data}}

    return build


fund = _builder(f"fund/{FUND}")
first, second, third = (_builder(f"project/{code}") for code in (FIRST, SECOND, THIRD))


# The fund --------------------------------------------------------------------


def _founding() -> Chapter[int]:
    """The fund from its establishment to the close of its first accounting period.

    Two AppropriationReceived events are recorded and one is reversed. Returns the version of the one that is not
    reversed.
    """
    settings: Event = {"notice_working_days": 5, "approvals": LEVELS, "acceptance_tries": 3}
    yield fund("FundEstablished", "2025-01-06", "立项依据 示例〔2025〕1号", name="示例专项资金", settings=settings)
    received = {"amount": "1600000.00", "budget_year": 2025}
    appropriation = yield fund("AppropriationReceived", "2025-01-10", "上级指标文号 示例指标〔2025〕1号", **received)
    lines = {
        FIRST: {1: "600000.00", 2: "200000.00", 3: "200000.00"},
        SECOND: {1: "300000.00", 2: "200000.00"},
        THIRD: {1: "100000.00"},
    }
    batches = {1: "1000000.00", 2: "400000.00", 3: "200000.00"}
    totals = {FIRST: "1000000.00", SECOND: "500000.00", THIRD: "100000.00"}
    draft = yield fund("PlanDrafted", "2025-01-15", **_plan("1600000.00", batches, totals, lines))
    yield fund("PlanAdopted", "2025-01-20", "局文 示例局〔2025〕3号", draft=draft)
    for build in (first, second, third):
        yield build("ProjectOpened", "2025-01-21", fund=FUND)
    for project, amounts in lines.items():
        for share in _amounts(amounts):
            yield fund("FundsAllotted", "2025-01-22", "资金分配文 示例分配〔2025〕1号", project=project, **share)
    duplicate = yield fund("AppropriationReceived", "2025-01-23", "本级指标文号 示例预〔2025〕9号", **received)
    reason = "与示例指标〔2025〕1号为同一笔，重复登记"
    yield fund(
        "EntryReversed", "2025-01-24", "冲销凭证号 示例冲销1", actor=ACCOUNTANT, version=duplicate, reason=reason
    )
    more = {
        "notice_order": "before_decision", "rectification_months": 3, "quantum": "100.00",
        "years_to_spend": 2, "period_close_days": 20,
        "bank": "示例银行", "extension_months": 12, "acceptance_months": 6,
    }  # fmt: skip
    yield fund("SettingsChanged", "2025-01-27", "批复 示例批〔2025〕1号", settings={**settings, **more})
    yield fund("PeriodClosed", "2025-02-05", "对账单 示例对账〔2025〕1号", period="2025-01")
    return appropriation


def _plan(total: str, batches: dict[int, str], totals: dict[str, str], lines: dict[str, dict[int, str]]) -> Event:
    details: dict[str, Event] = {
        FIRST: {
            "number": 1, "name": "示例项目一", "tasks": ["一"], "award_rule": "exact", "awards": 1,
            "checkpoints": CHECKPOINTS, "support": "advance", "goals": GOALS,
            "objective": "建设示例平台，服务辖区企业，形成一批高价值专利。",
        },
        SECOND: {"number": 2, "name": "示例项目二", "tasks": ["一", "二"], "award_rule": "max", "awards": 2},
        THIRD: {
            "number": 3, "name": "示例奖励", "tasks": ["二"], "award_rule": "max", "awards": 10,
            "support": "reward", "selection": "list",
        },
    }  # fmt: skip
    return {
        "title": "示例专项资金安排计划",
        "sources": [{"source": "中央", "name": "示例·中央专项资金", "level": "central", "amount": "1600000.00"}],
        "total": total,
        "tasks": [{"code": "一", "name": "示例任务一"}, {"code": "二", "name": "示例任务二"}],
        "batches": [{"batch": batch, "name": BATCHES[batch], "total": amount} for batch, amount in batches.items()],
        "lines": [
            {
                "project": project, **details[project], "name_annex": details[project]["name"],
                "fixed_total": project == SECOND, "total": totals[project],
                "batches": [{**share, "gate": GATES[share["batch"]]} for share in _amounts(amounts)],
            }
            for project, amounts in lines.items()
        ],
        "annex": {
            "label": "附件1", "caption": "附表", "title": "示例专项资金安排计划表", "unit": "万元",
            "headings": {
                "scheme": "实施方案", "tasks": "主要任务", "number": "序号", "name": "项目名称", "awards": "项数",
                "total": "总金额", "sum": "合计",
            },
        },
    }  # fmt: skip


def _amounts(amounts: dict[int, str]) -> list[Event]:
    return [{"batch": batch, "amount": amount} for batch, amount in amounts.items()]


# Calls, reviews and awards ----------------------------------------------------


def _first_call() -> Chapter[None]:
    """The first project, from its call to the agreement about its award.

    The application window is extended, one application is withdrawn, a late one is admitted by a waiver, and one fails
    the screening.
    """
    window = {"opens_on": "2025-02-05", "closes_on": "2025-02-21"}
    yield first("CallPublished", "2025-02-05", "申报指南 示例指南〔2025〕1号", round=1, **window)
    yield from _applied(first, "2025-02-18", {"A-01": PAYEE, "A-02": MATERIALS, "A-03": TOOLS})
    yield first("CallExtended", "2025-02-20", round=1, closes_on="2025-02-28")
    yield first("ApplicationWithdrawn", "2025-02-25", application="A-03", reason="申报单位另有安排")
    late = {"rule": "OutsideWindow", "application": "A-04", "reason": "申报平台故障，准予补交"}
    yield first("WaiverGranted", "2025-03-03", "批准文件 示例准〔2025〕1号", actor=HEAD, **late)
    yield from _applied(first, "2025-03-03", {"A-04": OPTICS})
    yield first("CallClosed", "2025-03-04", round=1)
    yield from _screened(first, "2025-03-05", {"A-01": True, "A-02": False, "A-04": True})
    review = yield _reviewed(first, "2025-03-10", {"A-01": "91.5", "A-04": "82"})
    notice = yield _noticed(first, "2025-03-11", "2025-03-12", "2025-03-18", {"A-01": "1000000.00"})
    yield first("NoticeCompleted", "2025-03-19")
    row = _row("L-01", "A-01", PAYEE, {1: "600000.00", 2: "200000.00", 3: "200000.00"}, score="91.5", rank=1)
    yield _decided(first, "2025-03-20", review, notice, row, method="专家评审得分")
    term = {"starts_on": "2025-04-01", "ends_on": "2025-09-30"}
    yield first("AgreementSigned", "2025-03-25", "合同号 示例合同1", award="L-01", **term)


def _failed_call() -> Chapter[None]:
    window = {"opens_on": "2025-02-06", "closes_on": "2025-02-21"}
    yield second("CallPublished", "2025-02-06", "申报指南 示例指南〔2025〕2号", round=1, **window)
    yield second("CallClosed", "2025-02-22", round=1)
    yield second("CallFailed", "2025-02-24", round=1, reason="无人申报")


def _second_call() -> Chapter[None]:
    """The second project, from its second call to the agreement about an award.

    Of two objections to the public notice, one is upheld, so a second notice follows. The amounts are allocated by
    score. One award is declined, and a substitute gets an award.
    """
    window = {"opens_on": "2025-02-26", "closes_on": "2025-03-14"}
    yield second("CallPublished", "2025-02-26", "申报指南 示例指南〔2025〕3号", round=2, **window)
    yield from _applied(second, "2025-03-05", {"B-01": SEEDS, "B-02": PUMPS, "B-03": PERSON, "B-04": GLASS})
    yield second("CallClosed", "2025-03-15", round=2)
    yield from _screened(second, "2025-03-17", dict.fromkeys(("B-01", "B-02", "B-03", "B-04"), True))
    review = yield _reviewed(second, "2025-03-21", {"B-01": "90", "B-02": "75", "B-03": "60", "B-04": "55"})
    yield _noticed(second, "2025-03-21", "2025-03-24", "2025-03-28", {"B-01": "272700.00", "B-02": "227300.00"})
    against = {"objection": "O-01", "application": "B-02", "reason": "所报专利权属有争议"}
    yield second("ObjectionReceived", "2025-03-26", "异议书 示例异议1", **against)
    yield second("ObjectionReceived", "2025-03-27", "异议书 示例异议2", objection="O-02", reason="评审专家应当回避")
    yield second("ObjectionResolved", "2025-03-31", objection="O-01", upheld=True, reason="权属争议属实")
    yield second("ObjectionResolved", "2025-03-31", objection="O-02", upheld=False, reason="不存在应当回避的情形")
    notice = yield _noticed(
        second, "2025-04-01", "2025-04-01", "2025-04-08", {"B-01": "300000.00", "B-03": "200000.00"}
    )
    yield second("NoticeCompleted", "2025-04-09")
    rows = (
        _row("M-01", "B-01", SEEDS, {1: "180000.00", 2: "120000.00"}, score="90", rank=1),
        _row("M-02", "B-03", PERSON, {1: "120000.00", 2: "80000.00"}, score="60", rank=2),
    )
    by_score = {"by_score": True, "quantum": "100.00", "method": "按得分最大余数法分配"}
    yield _decided(second, "2025-04-10", review, notice, *rows, **by_score)
    yield second("AwardDeclined", "2025-04-14", "放弃函 示例放弃1", award="M-02", reason="自筹资金不足")
    notice = yield _noticed(second, "2025-04-14", "2025-04-15", "2025-04-21", {"B-04": "200000.00"})
    yield second("NoticeCompleted", "2025-04-22")
    row = _row("M-03", "B-04", GLASS, {1: "120000.00", 2: "80000.00"}, score="55", rank=1)
    yield _decided(second, "2025-04-23", review, notice, row, method="递补")
    term = {"starts_on": "2025-05-01", "ends_on": "2026-04-30"}
    yield second("AgreementSigned", "2025-04-25", "合同号 示例合同2", award="M-01", **term)


def _rewards() -> Chapter[None]:
    """The third project, whose awards are chosen from a list: one recipient has two items, another is a person."""
    listed = {
        "C-01": (LAMPS, "中国专利优秀奖", "50000.00", "示例奖励办法第三条，证书 示例奖〔2024〕1号"),
        "C-02": (LAMPS, "发明专利授权", "20000.00", "示例奖励办法第五条，证书 示例专利1"),
        "C-03": (AUTHOR, "发明专利授权", "30000.00", "示例奖励办法第五条，证书 示例专利2"),
    }
    entries = [
        {
            "application": name, "recipient": _without_account(recipient), "rewarded_for": rewarded_for,
            "amount": amount, "grounds": grounds,
        }
        for name, (recipient, rewarded_for, amount, grounds) in listed.items()
    ]  # fmt: skip
    days = {"first_day": "2025-03-12", "last_day": "2025-03-18"}
    notice = yield third("NoticeStarted", "2025-03-11", "公示 示例名单公示1", entries=entries, **days)
    yield third("NoticeCompleted", "2025-03-19")
    rows = [
        _row("N-01", "C-01", LAMPS, {1: "50000.00"}, rank=1),
        _row("N-02", "C-02", LAMPS, {1: "20000.00"}, rank=2),
        _row("N-03", "C-03", AUTHOR, {1: "30000.00"}, rank=3),
    ]
    cites = "纪要 示例纪要3,立项文号 示例立项3"
    yield third("AwardListDecided", "2025-03-24", cites, notice=notice, method="按奖励办法", awards=rows)
    for row in rows:
        paid = {"award": row["award"], **row["amounts"][0], "payee": row["payee"]}
        yield from _pay(third, f"P-3{row['rank']}", "2025-03-28", **paid)


def _without_account(recipient: Event) -> Event:
    return {part: recipient[part] for part in recipient if part != "account"}


def _applied(build: BuildEvent, day: str, applicants: dict[str, Event]) -> Iterator[Event]:
    for name, each in applicants.items():
        who = _without_account(each)
        yield build("ApplicationReceived", day, f"受理号 示例受理{name}", application=name, applicant=who, **APPLIED)


def _screened(build: BuildEvent, day: str, passed: dict[str, bool]) -> Iterator[Event]:
    for name, has_passed in passed.items():
        data = {"application": name, "passed": has_passed, **({} if has_passed else {"reason": "材料不全"})}
        yield build("ApplicationScreened", day, f"审查表 示例审查{name}", **data)


def _reviewed(build: BuildEvent, day: str, scores: dict[str, str]) -> Event:
    rows = [{"application": name, "score": score} for name, score in scores.items()]
    return build("ReviewConcluded", day, f"评审意见 示例评审{day}", method="专家评审", scores=rows)


def _noticed(build: BuildEvent, day: str, first_day: str, last_day: str, proposed: dict[str, str]) -> Event:
    rows = [{"application": name, "amount": amount} for name, amount in proposed.items()]
    days = {"first_day": first_day, "last_day": last_day}
    return build("NoticeStarted", day, f"公示 示例公示{day}", applications=rows, **days)


def _row(award: str, application: str, payee: Event, amounts: dict[int, str], **score_and_rank: Any) -> Event:
    """One award of an award list, as a row of AwardListDecided. `amounts` maps batch numbers to awarded amounts."""
    awarded = {"award": award, "application": application, "payee": payee, **score_and_rank}
    return {**awarded, "amounts": _amounts(amounts)}


def _decided(build: BuildEvent, day: str, review: int, notice: int, *rows: Event, **more: Any) -> Event:
    """The AwardListDecided event with the awards `rows`.

    `review` and `notice`: the versions of the ReviewConcluded and NoticeStarted events. `more`: other fields of `data`,
    such as the method.
    """
    cites = f"纪要 示例纪要{day},立项文号 示例立项{day}"
    return build("AwardListDecided", day, cites, review=review, notice=notice, **more, awards=list(rows))


# Payments --------------------------------------------------------------------


def _payments() -> Chapter[int]:
    """Seven payments: one is returned, one is rejected, one is cancelled, one fails, and three succeed.

    The confirmation of one of the three has a wrong bank reference; it is reversed and posted again. The rejected one
    was requested for another account than the award's: the request is irregular. Returns its version.
    """
    request: Event = {"award": "L-01", "batch": 1, "amount": "600000.00", "payee": PAYEE}
    yield from _pay(first, "P-01", "2025-04-02", **request)
    returned = {"payment": "P-01", "amount": request["amount"], "passive": True, "year": 2025, "reason": "账户已销户"}
    yield first("PaymentReturned", "2025-04-08", "退回通知书 示例退回1", **returned)
    audited = {"kind": "审计报告", "number": "示例审〔2025〕1号"}
    other = {"rule": "PayeeMismatch", "found_by": "audit", "basis": audited}
    wrong = {**request, "payee": MOVED, "irregular": [other]}
    irregular = yield _request(first, "P-02", "2025-04-10", actor=INSPECTOR, **wrong)
    rejection = {"payment": "P-02", "reason": "收款账户与立项不一致", "level": LEVELS[0]}
    yield first("PaymentRejected", "2025-04-11", "审批单 P-02", actor=APPROVER, **rejection)
    yield _request(first, "P-03", "2025-04-14", **request)
    yield first("PaymentCancelled", "2025-04-14", payment="P-03", reason="重复申请")
    yield _request(first, "P-04", "2025-04-15", **request)
    yield from _approve(first, "P-04", "2025-04-16")
    yield first("PaymentInstructed", "2025-04-17", "支付凭证号 示例凭证P-04", payment="P-04")
    yield first("PaymentFailed", "2025-04-18", "银行通知 示例通知1", payment="P-04", reason="账户状态异常")
    change = {"award": "L-01", "old": PAYEE, "new": MOVED, "approver": APPROVER}
    yield first("PayeeChanged", "2025-04-21", "变更函 示例变更1", **change)
    request |= {"payee": MOVED}
    mistaken = yield from _pay(first, "P-05", "2025-04-22", **request)
    reason = "流水号登记有误"
    yield first(
        "EntryReversed", "2025-04-23", "冲销凭证号 示例冲销2", actor=ACCOUNTANT, version=mistaken, reason=reason
    )
    yield _confirm(first, "P-05", "2025-04-23", "示例流水P-05更正", **request)
    yield from _pay(first, "P-06", "2025-04-28", **{**request, "batch": 2, "amount": "200000.00"})
    yield from _pay(second, "P-21", "2025-04-30", award="M-01", batch=1, amount="180000.00", payee=SEEDS)
    tax = {"rule": "PayeeMismatch", "award": "M-01", "payee": PAYEE, "at_most": "20000.00", "reason": "代付检测费"}
    yield second("WaiverGranted", "2025-05-06", "批准文件 示例准〔2025〕2号", actor=HEAD, **tax)
    return irregular


def _request(build: BuildEvent, payment: str, day: str, **request: Any) -> Event:
    return build("PaymentRequested", day, f"支付申请编号 示例申请{payment}", payment=payment, **request)


def _approve(build: BuildEvent, payment: str, day: str) -> Iterator[Event]:
    for level, actor in zip(LEVELS, (APPROVER, HEAD), strict=True):
        yield build("PaymentApproved", day, f"审批单 {payment}", actor=actor, payment=payment, level=level)


def _confirm(build: BuildEvent, payment: str, day: str, number: str, *, amount: str, payee: Event, **_: Any) -> Event:
    return build("PaymentConfirmed", day, f"流水号 {number}", payment=payment, amount=amount, payee=payee)


def _pay(build: BuildEvent, payment: str, day: str, **request: Any) -> Chapter[int]:
    """The events of the payment `payment` from request to confirmation, all on one day.

    Returns the version of the confirmation. `request`: the award, batch, amount and payee.
    """
    yield _request(build, payment, day, **request)
    yield from _approve(build, payment, day)
    yield build("PaymentInstructed", day, f"支付凭证号 示例凭证{payment}", payment=payment)
    confirmed = yield _confirm(build, payment, day, f"示例流水{payment}", **request)
    return confirmed


# Changes and acceptance -------------------------------------------------------


def _changes() -> Chapter[None]:
    """The award of the substitute from the second call is revoked, and the plan is revised.

    Part of the award's money is reallocated, and part is withdrawn.
    """
    yield second("AwardRevoked", "2025-05-08", "撤销文号 示例撤销1", award="M-03", reason="提供虚假材料")
    transfer = {"from_project": SECOND, "from_batch": 1, "to_project": FIRST, "to_batch": 3}
    yield fund("FundsReallocated", "2025-05-12", "调剂批复 示例调剂1", **transfer, amount="40000.00")
    yield _noticed(first, "2025-05-13", "2025-05-13", "2025-05-19", {"A-01": "1040000.00"})
    yield first("NoticeCompleted", "2025-05-20")
    raised = {"batch": 3, "increase": True, "amount": "40000.00", "reason": "增加示范任务"}
    yield first("AwardAmended", "2025-05-21", "纪要 示例纪要2025-05-21", award="L-01", **raised)
    withdrawn = {"project": SECOND, "batch": 1, "amount": "80000.00"}
    yield fund("AllotmentWithdrawn", "2025-05-15", "批复 示例批〔2025〕2号", **withdrawn)
    lines = {
        FIRST: {1: "600000.00", 2: "200000.00", 3: "240000.00"},
        SECOND: {1: "180000.00", 2: "200000.00"},
        THIRD: {1: "100000.00"},
    }
    batches = {1: "880000.00", 2: "400000.00", 3: "240000.00"}
    totals = {FIRST: "1040000.00", SECOND: "380000.00", THIRD: "100000.00"}
    revised = _plan("1520000.00", batches, totals, lines)
    yield fund("PlanRevised", "2025-05-20", "批复 示例批〔2025〕3号", **revised)
    back: Event = {"account": "pool", "amount": "80000.00", "funding_source": "中央"}
    yield fund("SurplusSurrendered", "2025-05-22", "收回指标文 示例收回1", **back)


def _acceptance() -> Chapter[None]:
    """The midterm check, which is failed once, and the final acceptance, which opens the third batch."""
    award = {"award": "L-01"}
    midterm = {**award, "checkpoint": "midterm"}
    yield first("AcceptanceRequested", "2025-09-01", **midterm)
    yield first("AcceptanceFailed", "2025-09-10", "验收意见 示例验收1", **midterm, reason="指标未达")
    yield first("RectificationOrdered", "2025-09-12", "整改通知 示例整改1", **midterm, due_on="2025-10-31")
    more = {"ends_on": "2025-12-31", "due_on": "2025-11-20"}
    yield first("ExtensionGranted", "2025-10-20", "批复 示例批〔2025〕4号", **midterm, **more)
    yield first("AcceptanceRequested", "2025-11-05", **midterm)
    reached = [{"goal": "发明专利授权", "actual": "12"}]
    graded = {"conclusion": "qualified", "score": "81.5", "settled": "800000.00", "actuals": reached}
    yield first("AcceptancePassed", "2025-11-10", "验收意见 示例验收2", **midterm, **graded)
    yield first("AcceptanceRequested", "2025-11-12", **award)
    yield first("AcceptancePassed", "2025-11-18", "验收意见 示例验收3", **award)
    reduced = {"batch": 3, "increase": False, "amount": "10000.00", "reason": "验收核减"}
    yield first("AwardAmended", "2025-11-20", "纪要 示例纪要2025-11-20", **award, **reduced)
    paid = yield from _pay(first, "P-07", "2025-11-25", **award, batch=3, amount="230000.00", payee=MOVED)
    yield fund("StatementReconciled", "2025-12-03", "对账单 示例对账〔2025〕11号", **_november(paid))


def _notes() -> Chapter[None]:
    """A change of the project's leader, which is written wrong and corrected, and the evaluation of the fund."""
    leader = {"kind": "leader_changed", "application": "A-01", "award": "L-01"}
    wrong = yield first("NoteRecorded", "2025-12-04", "函 示例函1", **leader, text="项目负责人变更为示例·孙某")
    right = {"text": "项目负责人变更为示例·李某", "corrects": wrong}
    yield first("NoteRecorded", "2025-12-05", "函 示例函1", **leader, **right)
    evaluation = {"kind": "evaluation", "text": "2025年度绩效自评得分 91 分"}
    yield fund("NoteRecorded", "2025-12-08", "报告 示例自评〔2025〕1号", **evaluation)


def _november(paid: int) -> Event:
    """The reconciled bank statement of November. It lists a payment, and a bank fee that the fund does not pay.

    `paid`: the version of the PaymentConfirmed event.
    """
    entry = {"stream": f"project/{FIRST}", "version": paid, "amount": "230000.00"}
    fee = {"number": 2, "on": "2025-11-28", "direction": "out", "amount": "12.50", "payee": "示例银行"}
    return {
        "file_sha256": sha256("示例对账单".encode()).hexdigest(),
        "first_day": "2025-11-01",
        "last_day": "2025-11-30",
        "position": 140,
        "lines": 2,
        "received": "0.00",
        "paid_out": "230012.50",
        "matches": [{"lines": [1], "entries": [entry], "reasons": ["reference", "amount", "date"], "confidence": 95}],
        "exceptions": [{"kind": "statement_only", "lines": [fee], "explanation": "银行手续费，由公用经费列支"}],
    }


# The year after ---------------------------------------------------------------


def _next_year(appropriation: int) -> Chapter[None]:
    """In the next year, an award is terminated, and a part of its paid money must be paid back.

    Most of this part is received, in two receipts; the recovery of the rest is waived. `appropriation`: the version of
    the AppropriationReceived event whose unspent money is carried forward.
    """
    unspent = {"appropriation": appropriation, "year": 2025, "amount": "210000.00"}
    yield fund("YearCarriedForward", "2026-01-08", "结转批复 示例结转〔2026〕1号", **unspent)
    renamed = {"name": "示例专项资金（更名）", "name_en": "Example fund (renamed)"}
    yield fund("FundRenamed", "2026-01-09", "批复 示例批〔2026〕2号", **renamed)
    yield second("AwardTerminated", "2026-02-10", "终止文号 示例终止1", award="M-01", reason="项目停滞")
    order = {"recovery": "R-01", "payment": "P-21", "amount": "100000.00", "due_on": "2026-03-31"}
    yield second("RecoveryOrdered", "2026-02-12", "追缴通知 示例追缴1", **order, reason="资金未用于项目")
    for day, amount in (("2026-03-10", "40000.00"), ("2026-03-25", "30000.00")):
        yield second("RecoveryReceived", day, f"缴款书 示例缴款{day}", recovery="R-01", amount=amount)
    extended = {"recovery": "R-01", "due_on": "2026-06-30"}
    yield second("RecoveryExtended", "2026-03-30", "批复 示例批〔2026〕1号", **extended)
    waived = {"recovery": "R-01", "amount": "30000.00", "reason": "已形成固定资产并移交"}
    yield second("RecoveryWaived", "2026-04-02", "批准文件 示例准〔2026〕1号", actor=HEAD, **waived)
    origin = {"project": SECOND, "award": "M-01", "batch": 1}
    yield fund("FundsReinstated", "2026-04-08", "恢复文 示例恢复1", **origin, amount="30000.00")
    rest = {"account": "recovered", **origin, "amount": "40000.00"}
    yield fund("SurplusSurrendered", "2026-04-10", "缴款书 示例缴款2026-04-10", **rest)


def _wrong(irregular: int) -> Chapter[None]:
    """What went wrong: a hold, a voucher that the bank executed twice, findings; and interest.

    `irregular`: the version of the irregular request of a payment.
    """
    held = {"hold": "H-01", "award": "L-01", "amount": "1000.00", "until": "2026-05-31"}
    court = {"authority": "示例区人民法院", "reason": "财产保全"}
    yield first("FundsHeld", "2026-04-13", "冻结文书 示例冻结1", **held, **court)
    yield first("HoldReleased", "2026-04-14", "解除文书 示例解除1", hold="H-01", reason="保全解除")
    twice = {"payment": "U-01", "award": "M-01", "batch": 1, "account": "pool", "amount": "500.00"}
    repeated = {"payee": SEEDS, "repeats": "P-21", "reason": "同一凭证重复执行"}
    found = yield second("UnorderedPaymentFound", "2026-04-13", "流水号 示例流水U-01", actor=HEAD, **twice, **repeated)
    order = {"recovery": "R-02", "payment": "U-01", "amount": "500.00", "interest": "2.00", "due_on": "2026-04-30"}
    yield second("RecoveryOrdered", "2026-04-14", "追缴通知 示例追缴2", **order, reason="重复支付")
    back = {"recovery": "R-02", "amount": "500.00", "interest": "1.50"}
    yield second("RecoveryReceived", "2026-04-15", "缴款书 示例缴款2026-04-15", **back)
    small = {"recovery": "R-02", "amount": "0.00", "interest": "0.50", "reason": "金额微小"}
    yield second("RecoveryWaived", "2026-04-16", "批准文件 示例准〔2026〕2号", actor=HEAD, **small)
    settled = {"finding": f"UnorderedPaymentFound-{found}", "how": "recovered", "text": "重复支付的资金已追回"}
    yield second("FindingSettled", "2026-04-16", "缴款书 示例缴款2026-04-15", actor=HEAD, **settled)
    late = {"finding": f"PayeeMismatch-{irregular}", "how": "regularised", "text": "申请已退回，收款账户已更正"}
    yield first("FindingSettled", "2026-04-16", "整改报告 示例整改2", actor=HEAD, **late)
    about = {"events": [{"stream": f"project/{SECOND}", "version": found}], "amount": "500.00", "due_on": "2026-05-15"}
    report = {"finding": "W-01", "kind": "payment", "text": "支付凭证未设防重", "authority": "示例区审计局"}
    yield fund("FindingRecorded", "2026-04-16", "审计报告 示例审〔2026〕1号", actor=HEAD, **report, **about)
    rest = {"account": "recovered", "project": SECOND, "award": "M-01", "batch": 1, "amount": "500.00"}
    yield fund("SurplusSurrendered", "2026-04-17", "缴款书 示例缴款2026-04-17", **rest)
    paid_by_bank = {"amount": "12.34", "since": "2025-12-21", "until": "2026-03-20"}
    yield fund("InterestReceived", "2026-04-17", "利息单 示例利息1", **paid_by_bank)
    yield fund("InterestSurrendered", "2026-04-18", "缴款书 示例缴款2026-04-18", amount="13.84")


def _closing() -> Chapter[None]:
    for build in (first, second, third):
        yield build("ProjectClosed", "2026-04-20", "结项 示例结项1")
    yield fund("SurplusSurrendered", "2026-04-24", "收回指标文 示例收回2", account="pool", amount="239500.00")
    yield fund("FundClosed", "2026-04-30", "结项 示例结项2")
    old = {"name": PAYEE["name"], "uscc": PAYEE["uscc"]}
    new = {"name": "示例科技集团有限公司", "uscc": "91440104MA0000009W"}
    yield first("RecipientRenamed", "2026-05-06", "登记通知书 示例登记1", application="A-01", old=old, new=new)
