"""The current state of a special fund: its settings, its plan, its allotments and its money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from domain.event_part import EventPart
from domain.fen import FenSet
from domain.money import Money
from domain.posting import ACCOUNTS, LINE, PAID, POOL, Accounts, Move
from domain.rules.fund import BatchNotInPlan, NotInPlan
from domain.state.finding import Finding


class Gate(StrEnum):
    """What must happen to an award before a batch is paid: the decision, the agreement or the acceptance.

    If a line names its checkpoints, each checkpoint is a gate too, and ACCEPTANCE is another name of the last
    checkpoint.
    """

    AWARD = "award"
    AGREEMENT = "agreement"
    ACCEPTANCE = "acceptance"


class NoticeOrder(StrEnum):
    """Whether the public notice precedes or follows the award decision."""

    BEFORE_DECISION = "before_decision"
    AFTER_DECISION = "after_decision"


USUAL_MAX_APPROPRIATION, USUAL_MAX_TOTAL = Money(10**12), Money(10**13)
"""Ten billion and a hundred billion yuan. They keep a mistake in one fund from using up the serial numbers, which all
funds of the ledger share."""


class Settings(EventPart, frozen=True):
    """The parameters of one fund. Such parameters are never constants in code.

    `notice_working_days`: the least number of working days of a public notice. `approvals`: the approval levels of a
    payment, in order; empty if payments are approved outside this ledger and only recorded here. `acceptance_tries`:
    how often an award may fail at one checkpoint before no further acceptance is requested. `rectification_months`: the
    most months that a rectification may last; None: no limit. `quantum`: amounts allocated by score are multiples of
    this amount. `years_to_spend`: the number of years in which an appropriation may be spent, its budget year included;
    money left after these years is surplus.

    `period_close_days`: a month must be closed within this number of days after its end; None: no alert asks for the
    closing. `idle_days`: allotted money raises an alert after this number of days without a payment.
    `december_percent`: the payments of December raise an alert if they reach this percentage of the year's payments.
    `reconcile_before_close`: if true, a period can be closed only when accepted statements cover all its days.
    `max_appropriation`: the largest amount of one appropriation; None: USUAL_MAX_APPROPRIATION. `max_total`: the
    largest sum of all appropriations of the fund; None: USUAL_MAX_TOTAL.

    `notice_binds_amounts`: if true or None, no more may be awarded and paid than the public notice showed.
    `approvers_differ`: if true or None, each approval level of a payment must be approved by a different person.
    `bank`: the fund's bank, which is the issuer of bank slips that are cited without one. `extension_months`: the last
    day of an agreement may be at most this number of months after the last day agreed first; None: no limit.
    `acceptance_months`: acceptance is due this number of months after the end of the agreement; None: it has no due
    day. `applications_per_recipient`: how many live applications a recipient may have in one round; None: one.
    """

    notice_working_days: int
    approvals: tuple[str, ...]
    acceptance_tries: int
    notice_order: NoticeOrder = NoticeOrder.BEFORE_DECISION
    rectification_months: int | None = None
    quantum: Money = Money(1)
    years_to_spend: int = 2
    period_close_days: int | None = None
    idle_days: int = 180
    december_percent: int = 30
    reconcile_before_close: bool = False
    max_appropriation: Money | None = None
    max_total: Money | None = None
    notice_binds_amounts: bool | None = None
    approvers_differ: bool | None = None
    bank: str | None = None
    extension_months: int | None = None
    acceptance_months: int | None = None
    applications_per_recipient: int | None = None

    @property
    def ceilings(self) -> tuple[Money, Money]:
        """The largest amount of one appropriation, and the largest sum of all."""
        return self.max_appropriation or USUAL_MAX_APPROPRIATION, self.max_total or USUAL_MAX_TOTAL


class Selection(StrEnum):
    """How the awards of a line are chosen: among those who apply to a call 公开征集, or from a list 名单 of rewards.

    A line whose awards are chosen from a list has no calls, applications, reviews or scores. Its public notice says who
    gets how much, and why.
    """

    OPEN_CALL = "open_call"
    LIST = "list"


class Share(StrEnum):
    """How the money of a line is divided among its awards: as the meeting decides, or in proportion to the scores."""

    DECIDED = "decided"
    BY_SCORE = "by_score"


class Support(StrEnum):
    """How a line supports its projects: with money before the work 前补助, after it 后补助, or as a reward 奖励."""

    ADVANCE = "advance"
    AFTER = "after"
    REWARD = "reward"


class Level(StrEnum):
    """The level of government that gives the money of a source."""

    CENTRAL = "central"
    PROVINCIAL = "provincial"
    MUNICIPAL = "municipal"
    DISTRICT = "district"
    OTHER = "other"


class Source(EventPart, frozen=True):
    """A source of the plan's money 资金来源, and the amount that it is to give."""

    source: str
    name: str
    level: Level
    amount: Money


class Task(EventPart, frozen=True):
    code: str
    name: str


class PlannedBatch(EventPart, frozen=True):
    """A batch of the plan. `total` is the sum of the batch's amounts in all lines of the plan."""

    batch: int
    name: str
    total: Money


class Goal(EventPart, frozen=True):
    """A performance goal 绩效目标 of a line. The target is text, since many are no numbers, such as "不少于 20 件"."""

    name: str
    target: str
    unit: str | None = None


class LineBatch(EventPart, frozen=True):
    """The amount of one line in one batch, and the gate that must be open before the amount is paid.

    `gate`: a member of Gate, or the name of a checkpoint of the line.
    """

    batch: int
    amount: Money
    gate: str


class Line(EventPart, frozen=True):
    """One project of the plan, with its name in the plan's body (`name`) and in the annex (`name_annex`).

    `awards`: the number of awards. If `award_rule` is "exact", the plan requires this number; otherwise this number is
    the maximum. `fixed_total`: whether an award list must award all money of the line. `share`: how the money is
    divided; None: each list decides. `checkpoints`: the acceptances of an award, in their order; None: only the final
    one. `selection`: how the awards are chosen; None: by open call. `objective` is what the project must do and achieve
    项目主要任务和目标. No decision about money depends on `objective`, `support` or `goals`.
    """

    project: str
    number: int
    name: str
    name_annex: str
    tasks: tuple[str, ...]
    award_rule: str
    awards: int
    fixed_total: bool
    total: Money
    batches: tuple[LineBatch, ...]
    name_en: str | None = None
    number_raw: str | None = None
    share: Share | None = None
    checkpoints: tuple[str, ...] | None = None
    objective: str | None = None
    support: Support | None = None
    goals: tuple[Goal, ...] | None = None
    selection: Selection | None = None

    @property
    def is_list(self) -> bool:
        """Whether the awards are chosen from a list, without a call."""
        return self.selection is Selection.LIST

    def find(self, number: int) -> LineBatch | None:
        return next((batch for batch in self.batches if batch.batch == number), None)

    def batch(self, number: int) -> LineBatch:
        """The batch with this number. Raises BatchNotInPlan if the line has no such batch."""
        batch = self.find(number)
        if batch is None:
            raise BatchNotInPlan(project=self.project, batch=number)
        return batch

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates in the order in which they open, each by its one name: see `gate`."""
        return (Gate.AWARD, Gate.AGREEMENT, *self.all_checkpoints)

    @property
    def all_checkpoints(self) -> tuple[str, ...]:
        """The checkpoints in their order, each by the one name of its gate: see `gate`."""
        return (*(self.checkpoints or ())[:-1], Gate.ACCEPTANCE)

    def gate(self, name: str) -> str:
        """The one name of the gate `name`. The last checkpoint and the acceptance are one gate, ACCEPTANCE."""
        return Gate.ACCEPTANCE if self.checkpoints and name == self.checkpoints[-1] else name

    def gate_of(self, batch: LineBatch) -> str:
        """The one name of the gate of `batch`, a batch of this line."""
        return self.gate(batch.gate)

    def behind(self, gate: str) -> Iterator[LineBatch]:
        """The batches behind `gate`, which is the one name of a gate."""
        return (batch for batch in self.batches if self.gate_of(batch) == gate)

    def changed(self, number: int, by: int) -> Line:
        """The line with `by` fen added to its batch `number` and to its total; `by` may be negative."""
        batches = tuple(
            replace(each, amount=Money(each.amount + by)) if each.batch == number else each for each in self.batches
        )
        return replace(self, batches=batches, total=Money(self.total + by))


class Draft(Struct, frozen=True):
    version: int
    occurred_on: date
    lines: tuple[Line, ...]
    sources: tuple[Source, ...] = ()


class Carried(Struct, frozen=True):
    """A carry-forward of money left at the end of `year`. `version` is the version of its YearCarriedForward event."""

    version: int
    year: int


class Appropriation(Struct, frozen=True):
    """One appropriation: the amount received, its budget year, its carry-forwards, its fen, and its source.

    `source`: None if the appropriation names no source; such an appropriation belongs to the first source of the plan.
    """

    amount: Money
    budget_year: int
    carried: tuple[Carried, ...] = ()
    fen: FenSet = FenSet()
    source: str | None = None

    @property
    def next_year(self) -> int:
        """The year whose unspent money the next carry-forward must carry forward.

        This is the budget year before the first carry-forward, and later the year after that of the last carry-forward.
        """
        return self.carried[-1].year + 1 if self.carried else self.budget_year


class Reconciled(Struct, frozen=True):
    """One StatementReconciled event of a statement: its version, and the days that the statement covers."""

    version: int
    first_day: date
    last_day: date


UNNAMED = ""
"""The key, in `Fund.issued`, of the fen of the appropriations that name no source."""


class Fund(Struct, frozen=True):
    """The state of a special fund.

    `ever_appropriated`: the sum of all appropriations, including reversed ones. `allotted`: the number of fen allotted
    to each project and batch, minus the fen that came back to the fund. `plan`: the version of the event that put the
    plan in force. `adopted_on`: the booking date of that event. `first_approvals`: the approval levels at the fund's
    establishment. `closed_through`: the last day of the last closed period. `closed_by`: the version of the
    PeriodClosed event of that period. `closed_at`: the version of the FundClosed event.

    `reconciled`: the StatementReconciled events of each statement, by statement identifier. `reversed`: by the version
    of a reversed entry, the fen that reversals moved back. `sources`: the sources of the plan in force. `issued`: the
    fen of all appropriations, by the name of their source; "" is the key for appropriations that name no source.
    `interest`: the sum of all interest received, including reversed receipts. `findings`: the findings by name.
    `unordered`: the payments that a bank made out of the pool although nobody had ordered them, each as the project's
    code and the payment's name.
    """

    code: str
    settings: Settings
    accounts: Accounts = Accounts("fund")
    established_on: date = date.min
    first_approvals: tuple[str, ...] = ()
    settings_version: int = 1
    draft: Draft | None = None
    lines: Map[str, Line] = Map()
    plan: int | None = None
    adopted_on: date | None = None
    allotted: Map[tuple[str, int], int] = Map()
    appropriations: Map[int, Appropriation] = Map()
    ever_appropriated: Money = Money(0)
    closed_projects: frozenset[str] = frozenset()
    closed_through: date | None = None
    closed_by: int | None = None
    closed_at: int | None = None
    reconciled: Map[str, tuple[Reconciled, ...]] = Map()
    reversed: Map[int, FenSet] = Map()
    sources: tuple[Source, ...] = ()
    issued: Map[str, FenSet] = Map()
    interest: Money = Money()
    findings: Map[str, Finding] = Map()
    unordered: frozenset[tuple[str | None, str | None]] = frozenset()

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    def first_unreconciled(self, first: date, last: date) -> date | None:
        """The first day from `first` to `last` that no accepted statement covers; None if all are covered."""
        day = first
        in_force = (each[-1] for each in self.reconciled.values())
        for accepted in sorted(in_force, key=lambda each: each.first_day):
            if accepted.first_day <= day <= accepted.last_day:
                day = accepted.last_day + timedelta(days=1)
        return day if day <= last else None

    def line(self, project: str) -> Line:
        """The line of the project with the code `project` in the plan in force. Raises NotInPlan."""
        line = self.lines.get(project)
        if line is None:
            raise NotInPlan(project=project)
        return line

    def wholly_allotted(self, project: str) -> bool:
        """Whether the whole planned amount of `project` is allotted, in every batch. Raises NotInPlan."""
        batches = self.line(project).batches
        return all(self.allotted.get((project, batch.batch), 0) >= batch.amount for batch in batches)

    def to_allot(self, lines: Iterable[Line]) -> int:
        """The number of fen planned in `lines` and not allotted yet. Lines of closed projects are not counted."""
        return sum(
            max(batch.amount - self.allotted.get((line.project, batch.batch), 0), 0)
            for line in lines
            if line.project not in self.closed_projects
            for batch in line.batches
        )


def after_moves(fund: Fund, moves: Iterable[Move]) -> Fund:
    """The fund after `moves`: its `accounts`, `allotted` and `unordered` are updated.

    Only moves between an account of the fund and an account of a project change `allotted`. Money that a bank paid out
    of the pool without an order was never allotted. So neither this payment nor its return changes `allotted`.
    """
    allotted, unordered = fund.allotted, fund.unordered
    for each in moves:
        leaves = ACCOUNTS[each.source].owner == "fund"
        enters = ACCOUNTS[each.target].owner == "fund"
        project, batch, payment = each.place.project, each.place.batch, (each.place.project, each.place.payment)
        if {each.source, each.target} == {POOL, PAID}:
            unordered = unordered | {payment} if leaves else unordered - {payment}
        elif leaves != enters and project is not None and batch is not None and payment not in unordered:
            sign = 1 if leaves else -1
            allotted = allotted.set((project, batch), allotted.get((project, batch), 0) + sign * each.amount)
    return replace(fund, accounts=fund.accounts.apply(moves), allotted=allotted, unordered=unordered)


def plan_after(lines: Map[str, Line], moves: Iterable[Move]) -> Map[str, Line]:
    """The plan's lines, by project, after the `moves` of a reallocation or of its reversal.

    If a move enters the account `line`, its amount is added to the planned amount of its batch. If the move leaves that
    account, the amount is subtracted.
    """
    for moved in moves:
        project, batch = moved.place.project, moved.place.batch
        assert project is not None
        assert batch is not None
        sign = 1 if moved.target == LINE else -1
        lines = lines.set(project, lines[project].changed(batch, sign * moved.amount))
    return lines
