"""Rules for the acceptance of an award."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.money import Money
from domain.rules.refused import PRACTICE, SEED, Refused, setting


@dataclass(eq=False)
class AcceptanceStatusWrong(Refused):
    """The {checkpoint} of award {award} has the status {status}; it must be {wanted}."""

    zh = "立项 {award} 的{checkpoint}状态为 {status}，应为 {wanted}。"
    remedy = "Post the steps in order: the request, then the pass or failure; after a failure, first the rectification."
    remedy_zh = "按顺序办理：申请验收，登记通过或未通过；未通过的，责令整改后再申请验收。"
    award: str
    checkpoint: str
    status: str
    wanted: str


@dataclass(eq=False)
class CheckpointNotInPlan(Refused):
    """The line {project} of the plan has no checkpoint {checkpoint}."""

    zh = "计划中项目 {project} 没有检查点“{checkpoint}”。"
    remedy = (
        "Name one of the checkpoints that the plan lists for this project, or leave the field out for the last one."
    )
    remedy_zh = "填写计划为该项目列明的检查点；终期验收可以不填。"
    source = SEED
    project: str
    checkpoint: str


@dataclass(eq=False)
class GoalNotInPlan(Refused):
    """The line {project} of the plan has no goal named {goal}."""

    zh = "计划中项目 {project} 没有名为“{goal}”的绩效目标。"
    remedy = "Use the names of goals that the plan lists for this project; revise the plan if one is missing."
    remedy_zh = "使用计划为该项目列明的绩效目标名称；缺少的，先调整计划。"
    source = SEED
    project: str
    goal: str


@dataclass(eq=False)
class CheckpointOutOfTurn(Refused):
    """The {checkpoint} of award {award} comes after its {earlier}, which is not passed: its status is {status}."""

    zh = "立项 {award} 的{checkpoint}须在{earlier}通过之后，后者状态为 {status}。"
    remedy = "Have the earlier checkpoint passed first, or have the rule waived for this award (WaiverGranted)."
    remedy_zh = "先通过先前的检查点，再申请本次验收；或经批准对该立项豁免（WaiverGranted）。"
    source = SEED
    waivable = "award"
    award: str
    checkpoint: str
    earlier: str
    status: str


@dataclass(eq=False)
class EarlierBatchesUnsettled(Refused):
    """Batch {batch} of award {award} still has {amount} yuan unpaid."""

    zh = "立项 {award} 第 {batch} 批尚有 {amount} 元未支付。"
    remedy = (
        "Pay the batch in full and post the bank's confirmations, then request acceptance; or have the rule waived for"
        " this award (WaiverGranted)."
    )
    remedy_zh = "先将该批次资金全部支付并登记支付确认，再申请验收；或经批准对该立项豁免（WaiverGranted）。"
    source = SEED
    waivable = "award"
    improper = True
    award: str
    batch: int
    amount: Money


@dataclass(eq=False)
class NoTriesLeft(Refused):
    """The award {award} has failed acceptance {failed} times; the limit is {allowed}."""

    zh = "立项 {award} 验收已 {failed} 次未通过，最多允许 {allowed} 次。"
    remedy = "Terminate the award, or have one more attempt approved and post WaiverGranted for this rule."
    remedy_zh = "终止该立项；或经批准增加一次验收，登记豁免批准（WaiverGranted）。"
    source = setting("acceptance_tries")
    waivable = "award"
    improper = True
    award: str
    failed: int
    allowed: int


@dataclass(eq=False)
class RectificationOverdue(Refused):
    """The rectification of award {award} was due on {due_on}; {occurred_on} is too late."""

    zh = "立项 {award} 的整改期限为 {due_on}，{occurred_on} 已逾期。"
    remedy = "Have the due date extended (ExtensionGranted), or terminate the award."
    remedy_zh = "经批准延长整改期限（ExtensionGranted），或终止该立项。"
    source = PRACTICE
    improper = True
    award: str
    due_on: date
    occurred_on: date


@dataclass(eq=False)
class RectificationTooLong(Refused):
    """The due date {due_on} is later than {latest}: a rectification may take at most {months} months."""

    zh = "整改期限 {due_on} 晚于 {latest}：整改最长 {months} 个月。"
    remedy = "Choose an earlier due date; more time can only be granted by ExtensionGranted."
    remedy_zh = "选择更早的期限；确需延长的，另行批准延期。"
    source = setting("rectification_months")
    improper = True
    due_on: date
    months: int
    latest: date
