"""The response types of funds: balances, plans, movements."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import AsOf, Cursor, Day, Document, Fen, Level, Position, Yuan


class Fund(TypedDict):
    """A special fund. `title` is the title of its plan; null before a plan is adopted."""

    fund: str
    name: str
    name_en: str | None
    title: str | None
    status: Literal["open", "closed"]
    appropriated: Yuan
    planned: Yuan
    projects: int
    settings: Annotated[dict[str, Any], Meta(description="As set by the latest event that set them. 最近一次设定。")]
    settings_version: int
    closed_through: Annotated[Day | None, Meta(description="The last day of the last closed period. 已结账至。")]
    established_position: Position
    draft_position: Annotated[
        Position | None, Meta(description="The position of the last draft of the plan. 最近一次计划草案。")
    ]
    adopted_position: Position | None
    plan_position: Annotated[
        Position | None, Meta(description="The position of the event that put the current plan in force. 现行计划。")
    ]
    closed_position: Position | None
    held_at: Annotated[
        datetime | None,
        Meta(
            description="Since when an event of the fund cannot be folded, so that its tables do not change. 暂停时间。"
        ),
    ]


class FundNow(Fund):
    as_of: AsOf


class Funds(TypedDict):
    as_of: AsOf
    funds: list[Fund]


class Figures(TypedDict):
    planned: Yuan
    allotted: Yuan
    line: Yuan
    committed: Yuan
    payable: Yuan
    in_approval: Yuan
    in_transit: Yuan
    paid: Yuan


class BalanceRow(Figures):
    """One row of the balances. Which identifying members it has depends on the member `by` of the response.

    A row of a source or an appropriation says also what it gave (`appropriated`) and what of it is not allotted. What
    is `planned` of a source is the amount that the plan lists, null if the plan lists no sources.

    A row of a month has what changed in it: the amounts of all months add up to the balances. It also has flows, net of
    reversals: `awarded` is what awards got out of their lines less what went back to these, `confirmed` what the bank
    paid, `returned` and `recovery_received` what payees gave back, so that `paid` is `confirmed` less these two.
    """

    batch: NotRequired[int]
    project: NotRequired[str]
    name: NotRequired[str]
    task: NotRequired[str]
    month: NotRequired[Annotated[str, Meta(description="Of the booking dates, such as 2019-03. 记账月份。")]]
    award: NotRequired[str | None]
    applicant: NotRequired[str | None]
    source: NotRequired[
        Annotated[str | None, Meta(description="Null if the plan lists no sources. 计划未列来源的为空。")]
    ]
    level: NotRequired[Level | None]
    appropriation: NotRequired[
        Annotated[int, Meta(description="The version of its AppropriationReceived. 指标事件的版本。")]
    ]
    documents: NotRequired[list[Document]]
    appropriated: NotRequired[Yuan]
    pool: NotRequired[Yuan]
    recovered: NotRequired[Yuan]
    surrendered: NotRequired[Yuan]
    awarded: NotRequired[Annotated[Yuan, Meta(description="Of a month. 当月立项（净额）。")]]
    confirmed: NotRequired[Annotated[Yuan, Meta(description="Of a month. 当月支付。")]]
    returned: NotRequired[Annotated[Yuan, Meta(description="Of a month. 当月退回。")]]
    recovery_received: NotRequired[Annotated[Yuan, Meta(description="Of a month. 当月追缴到账。")]]
    paid_to_date: NotRequired[
        Annotated[Yuan, Meta(description="The balance `paid` at the end of the month. 截至月末累计已付（净额）。")]
    ]


class BalanceTotal(Figures):
    pool: Yuan
    recovered: Yuan
    surrendered: Yuan
    appropriated: Yuan


class Balances(TypedDict):
    fund: str
    by: Literal["batch", "project", "task", "month", "source", "appropriation", "award"]
    as_of: AsOf
    rows: list[BalanceRow]
    total: BalanceTotal
    next: Cursor


class PlanFigures(TypedDict):
    planned: Yuan
    allotted: Yuan
    awarded: Yuan
    paid: Yuan


class PlanBatch(PlanFigures):
    batch: int
    name: str
    gate: NotRequired[str]
    adopted: NotRequired[Annotated[Yuan, Meta(description="The amount as first adopted. 批准数。")]]


class Task(TypedDict):
    code: str
    name: str


class Goal(TypedDict):
    """A performance goal 绩效目标 of a line of the plan."""

    name: str
    target: str
    unit: NotRequired[str]


Support = Literal["advance", "after", "reward"]
Selection = Literal["open_call", "list"]


class PlanLine(PlanFigures):
    number: int
    number_raw: str | None
    project: str
    name: str
    name_annex: str
    name_en: str | None
    tasks: list[Task]
    award_rule: Literal["exact", "max"]
    awards: int
    fixed_total: bool
    checkpoints: Annotated[
        list[str], Meta(description="Empty if the line has only the final one. 只有终期验收的为空。")
    ]
    objective: Annotated[str | None, Meta(description="What it is to do and to reach. 项目主要任务和目标。")]
    support: Annotated[Support | None, Meta(description="前补助、后补助或奖励。")]
    goals: list[Goal]
    selection: Annotated[Selection, Meta(description="公开征集，或按名单立项（奖励）。")]
    awarded_count: int
    in_plan: Annotated[bool, Meta(description="False if a revision has taken the line out. 计划调整后退出的为 false。")]
    adopted: Annotated[Yuan, Meta(description="The amount as first adopted. 批准数。")]
    batches: list[PlanBatch]


class PlanTotal(PlanFigures):
    batches: list[PlanBatch]


class Plan(TypedDict):
    """The annex of a plan. While none is adopted, it is that of the last draft, which has no adopted or actual amounts.

    `status`: `none` without a draft; `draft` 征求意见稿; `adopted` as drafted; `revised` by PlanRevised.
    `position`: that of the event that drafted the plan, or put it in force.
    """

    fund: str
    title: str | None
    status: Literal["none", "draft", "adopted", "revised"]
    position: Position | None
    unit: str
    as_of: AsOf
    rows: list[PlanLine]
    total: PlanTotal


InUnit = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$",
        description="An exact amount in the `unit` of the annex. 附表金额单位的准确金额。",
    ),
]


class AnnexBatch(TypedDict):
    batch: int
    amount: InUnit


class AnnexAmounts(TypedDict):
    total: InUnit
    batches: list[AnnexBatch]


class AnnexFigures(TypedDict):
    """The amounts as printed in the plan that was adopted 批准数, their adjustment 调整数, and as they are now 现行数.

    `adjustment` is `current` less `printed`. What a plan does not have is zero.
    """

    printed: AnnexAmounts
    adjustment: AnnexAmounts
    current: AnnexAmounts


class AnnexRow(AnnexFigures):
    """A row of the annex, with its cells as printed. Null: it shares the cell of the row before it.

    `in_plan`: false if only the plan as printed has the line. Such lines stand at the end.
    """

    project: str
    in_plan: bool
    scheme: Annotated[str | None, Meta(description="The codes of the tasks. 任务代码，如（一）（三）。")]
    tasks: Annotated[str | None, Meta(description="The names of the tasks. 任务名称。")]
    number: Annotated[str, Meta(description="As printed, or else the line's number. 所印序号。")]
    name: str
    awards: Annotated[str, Meta(description="The number of awards, such as 不超过10个. 项数。")]


class AnnexTotal(AnnexFigures):
    heading: str


class Annex(TypedDict):
    """The annex of a plan, with its own title, headings and unit. A draft is printed as drafted, without adjustments.

    `status`: `draft` 征求意见稿; `adopted` as drafted; `revised` by PlanRevised. `position`: that of the event that
    drafted the plan, or put it in force.
    """

    fund: str
    as_of: AsOf
    status: Literal["draft", "adopted", "revised"]
    position: Position
    mark: Annotated[str | None, Meta(description="征求意见稿 while the plan is a draft, else null. 草案的标记。")]
    label: Annotated[str | None, Meta(description="Above the plan's title, such as 附件1. 计划的附件号。")]
    plan_title: str
    caption: Annotated[str, Meta(description="Above the title, such as 附表. 表题之上的文字。")]
    title: str
    unit: Literal["分", "元", "万元"]
    columns: Annotated[list[str], Meta(description="The headings of the columns. 栏目名。")]
    rows: list[AnnexRow]
    total: AnnexTotal


# `from` is a Python keyword: such types are written as calls.
Movement = TypedDict(
    "Movement",
    {
        "position": Position,
        "seq": int,
        "type": str,
        "entry": Annotated[str | None, Meta(description="The type of the entry reversed. 被冲销事项类型。")],
        "booked_on": Day,
        "from": str,
        "to": str,
        "project": str | None,
        "batch": int | None,
        "award": str | None,
        "payment": str | None,
        "fen": Fen,
        "amount": Yuan,
    },
)


class Movements(TypedDict):
    fund: str
    as_of: AsOf
    movements: list[Movement]
    next: Cursor
