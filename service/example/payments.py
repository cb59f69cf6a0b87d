"""The steps of the example's payments and acceptances, for one award at a time, with the troubles of some awards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.money import Money
from service.example.recipients import Recipient
from service.example.steps import Project, Step, days

TROUBLES = {
    1: "request rejected",
    2: "bank fails",
    3: "payment returned",
    4: "acceptance fails once",
    5: "terminated",
    6: "confirmed wrongly",
    7: "acceptance pending",
    8: "returns a part",
    9: "returned next year",
    -2: "left in transit",
    -1: "left in approval",
}
"""The troubles of awards. Each key is the index of an award among all awards of the fund: it counts from 0, or from the
end if it is negative."""


@dataclass(frozen=True)
class Due:
    """A payment that is due: `amount` fen of one batch, for the award of `recipient`.

    If `amount` is 0, the award's whole amount in the batch is due. `levels`: the approval levels of the payment.
    """

    project: Project
    recipient: Recipient
    batch: int
    levels: Sequence[str]
    amount: int = 0

    @property
    def yuan(self) -> str:
        return str(Money(self.amount or self.recipient.amounts[self.batch]))

    def step(self, on: date, type_: str, *cites: str, **data: Any) -> Step:
        return Step(on, self.project.stream, type_, cites, data)

    def of_fund(self, on: date, type_: str, *cites: str, **data: Any) -> Step:
        return Step(on, f"fund/{self.project.fund}", type_, cites, data)


def pay(due: Due, on: date, attempt: int = 1) -> Iterator[Step]:
    """The steps of one payment. If it is rejected, fails or is returned by the bank, a second attempt follows.

    `on`: the day on which the payment is requested. `attempt`: the number of this attempt to pay the batch. What goes
    wrong (the recipient's `trouble`) goes wrong only in the first attempt to pay the first batch of the award.
    """
    trouble = due.recipient.trouble if due.batch == min(due.recipient.amounts) and attempt == 1 else ""
    payment = f"{due.recipient.award}-B{due.batch}-{attempt}"
    requested = {"award": due.recipient.award, "batch": due.batch, "amount": due.yuan, "payee": due.recipient.payee}
    yield due.step(on, "PaymentRequested", "支付申请编号", payment=payment, **requested)
    if trouble == "request rejected":
        yield due.step(on + days(1), "PaymentRejected", "审批单", payment=payment, reason="示例：附件不全")
        yield from pay(due, on + days(4), attempt + 1)
        return
    for number, level in enumerate(due.levels, 1):
        yield due.step(on + days(number), "PaymentApproved", "审批单", payment=payment, level=level)
        if trouble == "left in approval":
            return
    yield due.step(on + days(6), "PaymentInstructed", "支付凭证号", payment=payment)
    if trouble == "bank fails":
        reason = "示例：账户状态异常"
        yield due.step(on + days(7), "PaymentFailed", "银行通知", payment=payment, reason=reason)
        yield from pay(due, on + days(12), attempt + 1)
    elif trouble != "left in transit":
        paid = {"payment": payment, "amount": due.yuan}
        yield due.step(on + days(7), "PaymentConfirmed", "流水号", payee=due.recipient.payee, **paid)
        yield from AFTER_CONFIRMATION.get(trouble, _nothing)(due, paid, on)


def _nothing(_: Due, __: dict[str, str], ___: date) -> Iterator[Step]:
    return iter(())


def _confirmed_wrongly(due: Due, paid: dict[str, str], on: date) -> Iterator[Step]:
    yield due.step(on + days(8), "EntryReversed", "冲销凭证号", reason="示例：错用他笔回单登记", **paid)
    yield due.step(on + days(9), "PaymentConfirmed", "流水号", payee=due.recipient.payee, **paid)


def _returned(due: Due, paid: dict[str, str], on: date) -> Iterator[Step]:
    returned = {**paid, "passive": True, "reason": "示例：开户行有误，退票"}
    yield due.step(on + days(12), "PaymentReturned", "退回通知书", **returned)
    yield from pay(due, on + days(15), 2)


def _part_returned(due: Due, paid: dict[str, str], on: date) -> Iterator[Step]:
    """The steps in which the payee returns a tenth of the batch's amount.

    The award is then reduced by the returned amount. The returned amount is withdrawn from the project's allotment and
    surrendered. `paid`: the name and amount of the payment. `on`: the day on which the payment was requested.
    """
    part = str(Money(due.recipient.amounts[due.batch] // 10))
    place = {"batch": due.batch, "amount": part}
    returned = {**paid, "amount": part, "passive": False, "reason": "示例：节余退回"}
    yield due.step(on + days(20), "PaymentReturned", "退回通知书", **returned)
    cut = {"award": due.recipient.award, "increase": False, "reason": "示例：核减节余"}
    yield due.step(on + days(24), "AwardAmended", "纪要", **cut, **place)
    yield due.of_fund(on + days(30), "AllotmentWithdrawn", "批复", project=due.project.code, **place)
    yield due.of_fund(on + days(36), "SurplusSurrendered", "收回指标文", account="pool", amount=part)


AFTER_CONFIRMATION = {
    "confirmed wrongly": _confirmed_wrongly,
    "payment returned": _returned,
    "returns a part": _part_returned,
}
"""For some troubles of an award: the function that returns the steps after the award's payment is confirmed."""


def accept(project: Project, each: Recipient, on: date) -> Iterator[Step]:
    """The steps of an award's acceptance, from the day `on`. `each`: the recipient of the award.

    Sets `each.accepted` if the award passes. There are no steps if a payment of the award is still in approval or in
    transit.
    """

    def step(type_: str, after: int, *cites: str, **data: Any) -> Step:
        return Step(on + days(after), project.stream, type_, cites, {"award": each.award, **data})

    if each.trouble.startswith("left"):
        return
    yield step("AcceptanceRequested", 0)
    if each.trouble == "acceptance pending":
        return
    if each.trouble in ("terminated", "acceptance fails once"):
        yield step("AcceptanceFailed", 10, "验收意见", reason="示例：约定指标未完成")
        yield step("RectificationOrdered", 15, "整改通知", due_on=(on + days(90)).isoformat())
        if each.trouble == "terminated":
            return
        yield step("AcceptanceRequested", 45)
    yield step("AcceptancePassed", 55, "验收意见")
    each.accepted = True


def pass_checkpoint(project: Project, each: Recipient, checkpoint: str, on: date) -> Iterator[Step]:
    """The steps of an acceptance that is requested on the day `on` and passed, with what was reached of the goals."""
    award = {"award": each.award, "checkpoint": checkpoint}
    goals = project.line.get("goals", ()) if checkpoint == "final" else ()
    actuals = {"actuals": [{"goal": goal["name"], "actual": goal["target"]} for goal in goals]} if goals else {}
    yield Step(on, project.stream, "AcceptanceRequested", (), award)
    found = {**award, "conclusion": "qualified", "score": "85.0", **actuals}
    yield Step(on + days(20), project.stream, "AcceptancePassed", ("验收意见",), found)
