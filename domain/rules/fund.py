"""Rules for a fund: its appropriations, its plan, its allotments and its periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.money import Money
from domain.rules.refused import ACCOUNTING, BUDGET, PRACTICE, SEED, Refused, setting


@dataclass(eq=False)
class FundExists(Refused):
    """The fund code {fund} is already used."""

    zh = "专项资金代码 {fund} 已被使用。"
    remedy = "Choose an unused code; establish each fund only once."
    remedy_zh = "换用未被使用的代码；同一专项资金只设立一次。"
    fund: str


@dataclass(eq=False)
class CodeOfOtherFund(Refused):
    """The project code {project} belongs to another fund."""

    zh = "项目代码 {project} 属于其他专项资金。"
    remedy = "Give the project another code: best one that begins with this fund's code and a hyphen."
    remedy_zh = "换用其他项目代码，最好以本专项资金的代码加连字符开头。"
    project: str


@dataclass(eq=False)
class FundIsClosed(Refused):
    """The fund {fund} is closed."""

    zh = "专项资金 {fund} 已结项。"
    remedy = "Post a fund's events before closing it; use an open fund for new business."
    remedy_zh = "本专项资金的业务应在结项前办理；新业务使用未结项的专项资金。"
    fund: str


@dataclass(eq=False)
class SerialsExhausted(Refused):
    """The ledger has unused serial numbers for {left} yuan, less than the {amount} yuan requested."""

    zh = "账簿可用编号仅余 {left} 元，少于所需的 {amount} 元。"
    remedy = "Check the amount for a typing error; if it is right, start a new ledger for further appropriations."
    remedy_zh = "核对金额是否有误；如无误，另建账簿登记新的指标。"
    left: Money
    amount: Money


@dataclass(eq=False)
class AppropriationTooLarge(Refused):
    """An appropriation of this fund may have at most {ceiling} yuan, not {amount}."""

    zh = "本专项资金的一笔指标至多 {ceiling} 元，填报为 {amount} 元。"
    remedy = "Check the amount for a typing error; if it is right, first raise max_appropriation by SettingsChanged."
    remedy_zh = "核对金额是否有误；如无误，先变更规则参数（SettingsChanged）提高 max_appropriation。"
    source = setting("max_appropriation")
    ceiling: Money
    amount: Money


@dataclass(eq=False)
class AppropriationsTooLarge(Refused):
    """All appropriations of this fund may have at most {ceiling} yuan; with this one, they would have {total}."""

    zh = "本专项资金的指标合计至多 {ceiling} 元，登记本笔后为 {total} 元。"
    remedy = "Check the amount for a typing error; if it is right, first raise max_total by SettingsChanged."
    remedy_zh = "核对金额是否有误；如无误，先变更规则参数（SettingsChanged）提高 max_total。"
    source = setting("max_total")
    ceiling: Money
    total: Money


@dataclass(eq=False)
class PlanAlreadyAdopted(Refused):
    """A plan is already adopted; it can only be revised."""

    zh = "资金安排计划已经批准，只能调整。"
    remedy = "Post PlanRevised with the whole revised plan, citing its approval."
    remedy_zh = "登记计划调整（PlanRevised）：填报调整后的完整计划，并引用批复。"
    source = SEED


@dataclass(eq=False)
class PlanSumsDisagree(Refused):
    """The plan's sums disagree: {what} is stated as {stated} yuan but adds up to {computed} yuan."""

    zh = "计划合计不符：{what} 填报 {stated}，实际合计 {computed}。"
    remedy = "Correct the stated sum or the amounts it adds up, so that lines, batches and total agree."
    remedy_zh = "更正填报的合计或明细，使各项目、各批次与总额一致。"
    source = SEED
    what: str
    stated: Money
    computed: Money


@dataclass(eq=False)
class PlanNamesTwice(Refused):
    """The plan lists {what} more than once."""

    zh = "计划中 {what} 重复。"
    remedy = "List each task, batch, project and line number once in the plan, and each batch once in a line."
    remedy_zh = "任务、批次、项目和序号在计划中各列一次，同一项目内每个批次只列一次。"
    source = SEED
    what: str


@dataclass(eq=False)
class PlanExceedsSources(Refused):
    """The plan's lines have {planned} yuan together; its sources give {sources}."""

    zh = "计划各项目合计 {planned} 元，超过资金来源合计 {sources} 元。"
    remedy = "Lower the lines, or list the source that gives the rest."
    remedy_zh = "调减项目金额，或补列提供其余资金的来源。"
    source = PRACTICE
    planned: Money
    sources: Money


@dataclass(eq=False)
class ListHasNoScores(Refused):
    """The awards of the line {project} are chosen from a list, whose entries have no scores to share the money by."""

    zh = "项目 {project} 按名单立项，各项没有得分，不能按得分分配。"
    remedy = "Omit share or give decided, or choose the awards by open_call."
    remedy_zh = "不填 share 或填 decided；须按得分分配的，改为公开征集（open_call）。"
    project: str


@dataclass(eq=False)
class PlanLacksSource(Refused):
    """The fund has received money from the source {named}, which the plan does not list, or no longer lists first."""

    zh = "已收到来源 {named} 的指标，计划的资金来源中没有列出，或不再列为第一个。"
    remedy = (
        "Add every source that has given money to the plan's sources, and leave the first one first: appropriations"
        " that name no source are of it."
    )
    remedy_zh = "在计划的资金来源中列出每个已到位的来源；原第一个来源仍列第一（未填来源的指标属于它）。"
    source = PRACTICE
    named: str


@dataclass(eq=False)
class UnknownSource(Refused):
    """The fund has no source {named}."""

    zh = "本专项资金没有来源 {named}。"
    remedy = "Use the name of a source as the plan lists it, or revise the plan first."
    remedy_zh = "按计划所列填写来源；计划未列的，先调整计划。"
    source = PRACTICE
    named: str


@dataclass(eq=False)
class UnknownAppropriation(Refused):
    """Version {appropriation} of the fund's stream is no appropriation."""

    zh = "本专项资金事件流的第 {appropriation} 号事件不是指标下达。"
    remedy = "Give the version of an AppropriationReceived, as the fund's appropriations show it."
    remedy_zh = "按本专项资金的指标清单填写指标下达事件的版本号。"
    appropriation: int


@dataclass(eq=False)
class OriginTooSmall(Refused):
    """The account {account} holds {available} yuan of {origin} for {place}, less than the {amount} yuan requested."""

    zh = "{place} 的 {account} 中属于 {origin} 的只有 {available} 元，少于所需的 {amount} 元。"
    remedy = "Request no more than it holds of this source or appropriation, or name another one or none."
    remedy_zh = "金额不超过该来源（指标）在此的余额；或另填来源（指标），或不填。"
    source = PRACTICE
    account: str
    place: str
    origin: str
    available: Money
    amount: Money


@dataclass(eq=False)
class PlanNamesUnknown(Refused):
    """The plan's line {project} refers to {what}, which the plan does not list."""

    zh = "计划项目 {project} 引用了计划未列出的 {what}。"
    remedy = "List the task or batch in the plan, or correct the line that refers to it."
    remedy_zh = "在计划中列出该任务或批次，或更正引用它的项目。"
    project: str
    what: str


@dataclass(eq=False)
class NotTheLatestDraft(Refused):
    """Version {draft} of the fund is not the plan's latest draft; the latest is: {latest}."""

    zh = "本事件流第 {draft} 号事件不是最新的计划草案；最新草案版本号：{latest}。"
    remedy = "Draft the plan first, then adopt the version of the fund's latest PlanDrafted event."
    remedy_zh = "先起草计划，再按最近一次计划草案（PlanDrafted）的版本号批准。"
    draft: int
    latest: int | None


@dataclass(eq=False)
class PlanExceedsPool(Refused):
    """The plan has {planned} yuan left to allot, more than the {pool} yuan in the pool."""

    zh = "计划尚需分配 {planned} 元，超过待分配资金 {pool} 元。"
    remedy = "Post the received appropriations first, or reduce the plan."
    remedy_zh = "先登记已下达的指标，或压减计划。"
    source = SEED
    planned: Money
    pool: Money


@dataclass(eq=False)
class NotInPlan(Refused):
    """The adopted plan has no line for the project {project}."""

    zh = "已批准的计划中没有项目 {project}。"
    remedy = "Adopt the plan first, and use the code of a project that it lists."
    remedy_zh = "先批准计划，并使用计划所列的项目代码。"
    source = SEED
    project: str


@dataclass(eq=False)
class BatchNotInPlan(Refused):
    """The adopted plan has no batch {batch} for the project {project}."""

    zh = "已批准的计划中，项目 {project} 没有第 {batch} 批。"
    remedy = "Use a batch number that the plan lists for this project."
    remedy_zh = "使用计划为该项目列明的批次号。"
    source = SEED
    project: str
    batch: int


@dataclass(eq=False)
class AllotmentExceedsPlan(Refused):
    """{project}, batch {batch}: {allotted} yuan allotted plus {amount} more exceed the {planned} planned."""

    zh = "项目 {project} 第 {batch} 批：已分配 {allotted} 元，再加 {amount} 元将超过计划 {planned} 元。"
    remedy = "Allot no more than the plan leaves for this batch of the project."
    remedy_zh = "分配金额不超过该项目该批次计划的未分配数。"
    source = SEED
    project: str
    batch: int
    allotted: Money
    amount: Money
    planned: Money


@dataclass(eq=False)
class MoneyLeft(Refused):
    """These accounts must be empty but hold {amount} yuan: {accounts}."""

    zh = "{accounts} 中尚有 {amount} 元，须为零。"
    remedy = "Bring these accounts to zero first: pay, end or return what is awarded; surrender what the fund has left."
    remedy_zh = "先使上述账户余额归零：应付的付清或收回，专项资金的结余上缴，再办理结项。"
    accounts: str
    amount: Money


@dataclass(eq=False)
class ProjectsStillOpen(Refused):
    """These projects have allotments and are not closed: {projects}."""

    zh = "以下已分配资金的项目尚未结项：{projects}。"
    remedy = "Close these projects first, then the fund."
    remedy_zh = "先办理上述项目结项，再办理专项资金结项。"
    projects: str


@dataclass(eq=False)
class PlanNotAdopted(Refused):
    """There is no adopted plan to revise."""

    zh = "尚无已批准的计划可供调整。"
    remedy = "Draft and adopt the plan first; revise it afterwards."
    remedy_zh = "先起草并批准计划，再作调整。"
    source = SEED


@dataclass(eq=False)
class PlanBelowAllotted(Refused):
    """{project}, batch {batch}: the planned {planned} yuan are less than the {allotted} already allotted."""

    zh = "项目 {project} 第 {batch} 批：计划 {planned} 元低于已分配的 {allotted} 元。"
    remedy = "Plan no less than is already allotted, or withdraw or recover money from the project first."
    remedy_zh = "计划数不得低于已分配数；确需压减的，先收回分配或追回资金。"
    source = BUDGET
    project: str
    batch: int
    allotted: Money
    planned: Money


@dataclass(eq=False)
class GateFixed(Refused):
    """{project}, batch {batch}: money is allotted with the gate {gate}; the gate cannot become {asked_gate}."""

    zh = "项目 {project} 第 {batch} 批已按拨付条件“{gate}”分配资金，不能改为“{asked_gate}”。"
    remedy = "Keep the gate, or withdraw the batch's allotment before revising the plan."
    remedy_zh = "保持原拨付条件，或先收回该批次已分配资金再调整计划。"
    project: str
    batch: int
    gate: str
    asked_gate: str


@dataclass(eq=False)
class CheckpointsFixed(Refused):
    """{project}: money was allotted with the checkpoints {checkpoints}; they cannot be changed."""

    zh = "项目 {project} 已按检查点“{checkpoints}”分配过资金，检查点不能再改。"
    remedy = "Keep the line's checkpoints and their order; plan other checkpoints for a new line."
    remedy_zh = "保持该项目的检查点及其顺序；确需其他检查点的，另设项目。"
    project: str
    checkpoints: str


@dataclass(eq=False)
class SameProject(Refused):
    """Money of {project} cannot be reallocated to the same project."""

    zh = "不能把项目 {project} 的资金调剂给它自己。"
    remedy = "Name two different projects; within one project, withdraw the allotment and revise the plan."
    remedy_zh = "填写两个不同的项目；同一项目内各批次的变动，先收回分配再调整计划。"
    source = BUDGET
    project: str


@dataclass(eq=False)
class SourceMismatch(Refused):
    """Wrong fields to surrender from {account}: recovered takes project, award and batch; pool takes none of them."""

    zh = "上缴账户 {account} 填写不符：待分配资金不填项目、立项和批次，已追回资金三项均填。"
    remedy = "Give account pool alone, or account recovered with project, award and batch."
    remedy_zh = "账户填 pool（不填其余三项），或填 recovered 并填写项目、立项和批次。"
    account: str


@dataclass(eq=False)
class YearNotOver(Refused):
    """The year {year} is not over on {occurred_on}."""

    zh = "{occurred_on} 时 {year} 年度尚未终了。"
    remedy = "Carry a year forward after its last day."
    remedy_zh = "年度终了后再办理结转。"
    source = BUDGET
    year: int
    occurred_on: date


@dataclass(eq=False)
class YearOutOfTurn(Refused):
    """The next year to carry forward for the appropriation of version {appropriation} is {expected}, not {year}."""

    zh = "第 {appropriation} 号指标下一个应结转的年度为 {expected}，不是 {year}。"
    remedy = "Carry forward each year once and in order, starting with the appropriation's budget year."
    remedy_zh = "自该指标的预算年度起逐年结转，每年只结转一次。"
    source = BUDGET
    appropriation: int
    year: int
    expected: int


@dataclass(eq=False)
class CarriedTooMuch(Refused):
    """The {amount} yuan to carry forward are more than the appropriation's {appropriated} yuan."""

    zh = "结转金额 {amount} 元超过该指标的 {appropriated} 元。"
    remedy = (
        "Carry forward no more than was received and not reversed; the fund's `appropriations` show the remaining"
        " amount."
    )
    remedy_zh = "结转金额不超过该指标的到账数（减已冲销）；尚余数见该专项资金的 appropriations。"
    source = BUDGET
    amount: Money
    appropriated: Money


@dataclass(eq=False)
class PeriodOutOfTurn(Refused):
    """The next period to close is {expected}, not {period}."""

    zh = "下一个应结账期间为 {expected}，不是 {period}。"
    remedy = "Close the months one after the other, starting with the fund's first month."
    remedy_zh = "自专项资金设立当月起逐月结账。"
    source = ACCOUNTING
    period: str
    expected: str


@dataclass(eq=False)
class PeriodNotOver(Refused):
    """The period {period} ends on {last_day}; {occurred_on} is not after it."""

    zh = "会计期间 {period} 于 {last_day} 终了，{occurred_on} 尚不能结账。"
    remedy = "Close a period after its last day."
    remedy_zh = "期间终了后再结账。"
    source = ACCOUNTING
    period: str
    last_day: date
    occurred_on: date
