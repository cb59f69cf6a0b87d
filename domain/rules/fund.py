"""What a fund refuses: its appropriations, its plan and its allotments."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import Money
from domain.rules.refused import Refused


@dataclass(eq=False)
class FundExists(Refused):
    """The fund code {fund} is already used."""

    zh = "专项资金代码 {fund} 已被使用。"
    remedy = "Choose a code that no fund has; establish each fund once."
    remedy_zh = "换用未被使用的代码；同一专项资金只设立一次。"
    fund: str


@dataclass(eq=False)
class FundIsClosed(Refused):
    """The fund {fund} is closed."""

    zh = "专项资金 {fund} 已结项。"
    remedy = "Post what belongs to a fund before closing it; take an open fund for anything new."
    remedy_zh = "本专项资金的业务应在结项前办理；新业务使用未结项的专项资金。"
    fund: str


@dataclass(eq=False)
class SerialsExhausted(Refused):
    """The ledger has {left} serials left, fewer than the {amount} asked for."""

    zh = "账簿可用编号仅余 {left} 元，少于所需的 {amount} 元。"
    remedy = "Check the amount for a typing error; if it is right, begin a new ledger for further appropriations."
    remedy_zh = "核对金额是否有误；如无误，另建账簿登记新的指标。"
    left: Money
    amount: Money


@dataclass(eq=False)
class PlanAlreadyAdopted(Refused):
    """A plan is already adopted; it can only be revised."""

    zh = "资金安排计划已经批准，只能调整。"
    remedy = "Draft and adopt no second plan; have a change approved as a revision of the adopted one."
    remedy_zh = "计划批准后不再另行起草或批准；确需变动的，按计划调整程序报批。"


@dataclass(eq=False)
class PlanSumsDisagree(Refused):
    """The plan's sums disagree: {what} is stated as {stated} and adds up to {computed}."""

    zh = "计划合计不符：{what} 填报 {stated}，实际合计 {computed}。"
    remedy = "Correct the stated sum or the amounts it adds up, so that lines, batches and total agree."
    remedy_zh = "更正填报的合计或明细，使各项目、各批次与总额一致。"
    what: str
    stated: Money
    computed: Money


@dataclass(eq=False)
class PlanNamesTwice(Refused):
    """The plan names {what} more than once."""

    zh = "计划中 {what} 重复。"
    remedy = "List each task, batch, project and line number once in the plan, and each batch once in a line."
    remedy_zh = "任务、批次、项目和序号在计划中各列一次，同一项目内每个批次只列一次。"
    what: str


@dataclass(eq=False)
class PlanNamesUnknown(Refused):
    """The plan's line {project} names {what}, which the plan does not list."""

    zh = "计划项目 {project} 引用了计划未列出的 {what}。"
    remedy = "List the task or batch in the plan, or correct the line that names it."
    remedy_zh = "在计划中列出该任务或批次，或更正引用它的项目。"
    project: str
    what: str


@dataclass(eq=False)
class NotTheLatestDraft(Refused):
    """Version {draft} of the fund is not the plan's latest draft; the latest is: {latest}."""

    zh = "第 {draft} 号事件不是最新的计划草案；最新草案版本号：{latest}。"
    remedy = "Draft the plan first, then adopt the version of the fund's last PlanDrafted."
    remedy_zh = "先起草计划，再按最近一次计划草案（PlanDrafted）的版本号批准。"
    draft: int
    latest: int | None


@dataclass(eq=False)
class PlanExceedsPool(Refused):
    """The plan adds up to {planned}, more than the pool's {pool}."""

    zh = "计划总额 {planned} 元超过资金池 {pool} 元。"
    remedy = "Post the appropriations received before adopting the plan, or draft a smaller plan."
    remedy_zh = "先登记已下达的指标再批准计划，或压减计划总额后重新起草。"
    planned: Money
    pool: Money


@dataclass(eq=False)
class NotInPlan(Refused):
    """The adopted plan has no line for the project {project}."""

    zh = "已批准的计划中没有项目 {project}。"
    remedy = "Adopt the plan first, and use the code of a project that it names."
    remedy_zh = "先批准计划，并使用计划所列的项目代码。"
    project: str


@dataclass(eq=False)
class BatchNotInPlan(Refused):
    """The adopted plan has no batch {batch} for the project {project}."""

    zh = "已批准的计划中，项目 {project} 没有第 {batch} 批。"
    remedy = "Use a batch number that the plan gives this project."
    remedy_zh = "使用计划为该项目列明的批次号。"
    project: str
    batch: int


@dataclass(eq=False)
class AllotmentExceedsPlan(Refused):
    """{project}, batch {batch}: {allotted} already allotted and {amount} more exceed the planned {planned}."""

    zh = "项目 {project} 第 {batch} 批：已分配 {allotted} 元，再加 {amount} 元将超过计划 {planned} 元。"
    remedy = "Allot no more than the plan leaves for this batch of the project."
    remedy_zh = "分配金额不超过该项目该批次计划的未分配数。"
    project: str
    batch: int
    allotted: Money
    amount: Money
    planned: Money


@dataclass(eq=False)
class MoneyLeft(Refused):
    """Nothing may be left in {accounts}, but {amount} is."""

    zh = "{accounts} 中尚有 {amount} 元，须为零。"
    remedy = "Bring these accounts to zero first: what the pool holds is allotted, or was appropriated beyond the plan."
    remedy_zh = "先使上述账户余额归零（待分配资金应予分配，或为计划外多下达的部分），再办理结项。"
    accounts: str
    amount: Money


@dataclass(eq=False)
class ProjectsStillOpen(Refused):
    """These allotted projects are not closed: {projects}."""

    zh = "以下已分配资金的项目尚未结项：{projects}。"
    remedy = "Close these projects first, then the fund."
    remedy_zh = "先办理上述项目结项，再办理专项资金结项。"
    projects: str
