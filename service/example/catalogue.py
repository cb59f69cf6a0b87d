"""One life of a small fund in which every event that may be posted stands at least once, in an order that counts.

The contract's examples: `/v1/event-types` shows them, and the tests post them. All of it is invented, and marked 示例.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

FUND, PROJECT = "demo-2025", "demo-2025-01"
SOURCE = "/example/sender"
AWARD = "L-01"
PAYEE = {"name": "示例科技有限公司", "uscc": "91440104MA00000014", "account": "6222 0212 3456 7890 123"}
AMOUNTS: dict[int, str] = {1: "600000.00", 2: "200000.00", 3: "200000.00"}
GATES = {1: "award", 2: "agreement", 3: "acceptance"}
NAMES = {1: "第一批", 2: "第二批", 3: "第三批"}
MONEY: list[dict[str, Any]] = [{"batch": batch, "amount": amount} for batch, amount in AMOUNTS.items()]

Event = dict[str, Any]


def life() -> list[Event]:
    """The events in order, each with an id of its own."""
    events = [*_founding(), *_selection(), *_payments(), *_acceptance(), *_closing()]
    return [{"specversion": "1.0", "id": f"demo-{n:03}", "source": SOURCE, **e} for n, e in enumerate(events, 1)]


def _event(type_: str, day: str, cites: str = "", *, actor: str = "示例·经办人周某", **data: Any) -> Event:
    """`cites`: the documents as `kind number`, several divided by commas."""
    kinds = [cite.split() for cite in cites.split(",") if cite]
    documents = {"documents": [{"kind": kind, "number": number} for kind, number in kinds]} if kinds else {}
    data = {"occurred_on": day, "actor": actor, **documents, **data}
    subject = f"fund/{FUND}" if type_.startswith(OF_FUND) else f"project/{PROJECT}"
    return {"type": type_, "subject": subject, "data": data}


OF_FUND = ("FundE", "Approp", "Plan", "FundsAll", "FundC")


def _founding() -> Iterator[Event]:
    settings = {"notice_working_days": 5, "approvals": ["审核", "审批"], "acceptance_tries": 3}
    yield _event("FundEstablished", "2025-01-06", "立项依据 示例〔2025〕1号", name="示例专项资金", settings=settings)
    yield _event(
        "AppropriationReceived", "2025-01-10", "上级指标文号 示例指标〔2025〕1号", amount="1000000.00", budget_year=2025
    )
    line = {
        "project": PROJECT, "number": 1, "name": "示例项目", "name_annex": "示例项目", "tasks": ["一"],
        "award_rule": "exact", "awards": 1, "fixed_total": False, "total": "1000000.00",
        "batches": [{**money, "gate": GATES[money["batch"]]} for money in MONEY],
    }  # fmt: skip
    plan: dict[str, Any] = {
        "title": "示例专项资金安排计划",
        "total": "1000000.00",
        "tasks": [{"code": "一", "name": "示例任务"}],
        "batches": [{"batch": b, "name": NAMES[b], "total": amount} for b, amount in AMOUNTS.items()],
        "lines": [line],
    }
    yield _event("PlanDrafted", "2025-01-15", **plan)
    yield _event("PlanAdopted", "2025-01-20", "局文 示例局〔2025〕3号", draft=3)
    yield _event("ProjectOpened", "2025-01-21", fund=FUND)
    for money in MONEY:
        number = f"示例分配〔2025〕{money['batch']}号"
        yield _event("FundsAllotted", "2025-01-22", f"资金分配文 {number}", project=PROJECT, **money)


def _selection() -> Iterator[Event]:
    yield _event(
        "CallPublished",
        "2025-02-05",
        "申报指南 示例指南〔2025〕1号",
        round=1,
        opens_on="2025-02-05",
        closes_on="2025-02-28",
    )
    applicants = {
        "A-01": {"name": PAYEE["name"], "uscc": PAYEE["uscc"]},
        "A-02": {"name": "示例材料有限公司", "uscc": "91440104MA00000027"},
    }
    for n, (application, applicant) in enumerate(applicants.items(), 1):
        yield _event(
            "ApplicationReceived", "2025-02-20", f"受理号 示例受理{n}", application=application, applicant=applicant
        )
    yield _event("CallClosed", "2025-03-01", round=1)
    yield _event("ApplicationScreened", "2025-03-03", "审查表 示例审查1", application="A-01", passed=True)
    yield _event(
        "ApplicationScreened", "2025-03-03", "审查表 示例审查2", application="A-02", passed=False, reason="材料不全"
    )
    scores = [{"application": "A-01", "score": "91.5"}]
    yield _event("ReviewConcluded", "2025-03-10", "评审意见 示例评审1", method="专家评审", scores=scores)
    proposed = [{"application": "A-01", "amount": "1000000.00"}]
    yield _event(
        "NoticeStarted", "2025-03-11", "公示 示例公示1", applications=proposed,
        first_day="2025-03-12", last_day="2025-03-18",
    )  # fmt: skip
    yield _event("NoticeCompleted", "2025-03-19")
    award = {
        "award": AWARD, "application": "A-01", "payee": PAYEE, "score": "91.5", "rank": 1,
        "amounts": MONEY,
    }  # fmt: skip
    # `review` and `notice` are the versions that the project's stream had after those events.
    yield _event(
        "AwardListDecided", "2025-03-20", "纪要 示例纪要1,立项文号 示例立项〔2025〕1号",
        review=11, notice=12, method="专家评审得分", awards=[award],
    )  # fmt: skip
    yield _event(
        "AgreementSigned", "2025-03-25", "合同号 示例合同1", award=AWARD, starts_on="2025-04-01", ends_on="2025-09-30"
    )


def _payments() -> Iterator[Event]:
    yield from _pay("P-01", 1, "2025-04-02")
    yield _event(
        "PaymentReturned", "2025-04-08", "退回通知书 示例退回1",
        payment="P-01", amount=AMOUNTS[1], passive=True, reason="账户已销户",
    )  # fmt: skip
    yield _request("P-02", 1, "2025-04-10")
    yield _event(
        "PaymentRejected", "2025-04-11", "审批单 P-02", actor="示例·审批人吴某", payment="P-02", reason="附件缺失"
    )
    yield _request("P-03", 1, "2025-04-14")
    yield _event("PaymentCancelled", "2025-04-14", payment="P-03", reason="重复申请")
    yield _request("P-04", 1, "2025-04-15")
    yield from _approve("P-04", "2025-04-16")
    yield _event("PaymentInstructed", "2025-04-17", "支付凭证号 示例凭证P-04", payment="P-04")
    yield _event("PaymentFailed", "2025-04-18", "银行通知 示例通知1", payment="P-04", reason="户名不符")
    yield from _pay("P-05", 1, "2025-04-21")
    yield from _pay("P-06", 2, "2025-04-28")


def _acceptance() -> Iterator[Event]:
    yield _event("AcceptanceRequested", "2025-09-01", award=AWARD)
    yield _event("AcceptanceFailed", "2025-09-10", "验收意见 示例验收1", award=AWARD, reason="指标未达")
    yield _event("RectificationOrdered", "2025-09-12", "整改通知 示例整改1", award=AWARD, due_on="2025-11-30")
    yield _event("AcceptanceRequested", "2025-10-20", award=AWARD)
    yield _event("AcceptancePassed", "2025-10-30", "验收意见 示例验收2", award=AWARD)
    yield from _pay("P-07", 3, "2025-11-05")


def _closing() -> Iterator[Event]:
    yield _event("ProjectClosed", "2025-12-10", "结项 示例结项1")
    yield _event("FundClosed", "2025-12-20", "结项 示例结项2")


def _request(payment: str, batch: int, day: str) -> Event:
    return _event(
        "PaymentRequested", day, f"支付申请编号 示例申请{payment}",
        payment=payment, award=AWARD, batch=batch, amount=AMOUNTS[batch], payee=PAYEE,
    )  # fmt: skip


def _approve(payment: str, day: str) -> Iterator[Event]:
    for level in ("审核", "审批"):
        yield _event("PaymentApproved", day, f"审批单 {payment}", actor="示例·审批人吴某", payment=payment, level=level)


def _pay(payment: str, batch: int, day: str) -> Iterator[Event]:
    """A payment from its request to the bank's word, all on one day."""
    yield _request(payment, batch, day)
    yield from _approve(payment, day)
    yield _event("PaymentInstructed", day, f"支付凭证号 示例凭证{payment}", payment=payment)
    yield _event(
        "PaymentConfirmed", day, f"流水号 示例流水{payment}",
        payment=payment, amount=AMOUNTS[batch], payee=PAYEE,
    )  # fmt: skip
