"""The fund's plan: drafting, adoption and revision. Each line of the plan can be opened as a project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import assert_never, get_args

from immutables import Map
from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.documents import FUND_CODE, PROJECT_CODE, Claim
from domain.event import Fact, Recorded, Reference
from domain.event_part import EventPart
from domain.fund.lifecycle import FundFact
from domain.ledger_view import Claims
from domain.money import Money
from domain.origin import received_from
from domain.posting import POOL
from domain.rules.every_post import BeforeItsCause
from domain.rules.fund import (
    CheckpointsFixed,
    CodeOfOtherFund,
    GateFixed,
    ListHasNoScores,
    NotTheLatestDraft,
    PlanAlreadyAdopted,
    PlanBelowAllotted,
    PlanExceedsPool,
    PlanExceedsSources,
    PlanLacksSource,
    PlanNamesTwice,
    PlanNamesUnknown,
    PlanNotAdopted,
    PlanSumsDisagree,
)
from domain.state.fund import UNNAMED, Draft, Fund, Gate, Line, PlannedBatch, Share, Source, Task

WHOLE = (
    PlanNamesTwice,
    PlanNamesUnknown,
    ListHasNoScores,
    PlanSumsDisagree,
    PlanExceedsSources,
    CodeOfOtherFund,
)
"""The rules that may refuse each event that contains a whole plan: PlanDrafted and PlanRevised."""

# Events ----------------------------------------------------------------------


class Headings(EventPart, frozen=True):
    """What the annex prints above its columns, and before its totals (`sum`). A batch has its name above its column."""

    scheme: str = "实施方案"
    tasks: str = "主要任务"
    number: str = "序号"
    name: str = "项目名称"
    awards: str = "项数"
    total: str = "总金额"
    sum: str = "合计"


class Annex(EventPart, frozen=True):
    """How the plan prints the table of its lines, in the order of the lines; amounts are in `unit`, one of UNITS.

    `label` is printed above the plan's title, for example 附件1. `caption` and `title` are printed above the table. If
    `title` is None, the plan's title is printed there.
    """

    label: str | None = None
    caption: str = "附表"
    title: str | None = None
    unit: str = "元"
    headings: Headings = Headings()


class WholePlan(FundFact, frozen=True):
    """The fields of an event that contains a whole plan. The codes of its projects belong to the fund from then on.

    If `sources` is omitted, all money is of one source without a name. Otherwise an appropriation that names no source
    belongs to the first of `sources`. If `annex` is omitted, the table is printed like that of the previous plan, or
    with the defaults of Annex if there is none.
    """

    title: str
    total: Money
    tasks: tuple[Task, ...]
    batches: tuple[PlannedBatch, ...]
    lines: tuple[Line, ...]
    sources: tuple[Source, ...] | None = None
    annex: Annex | None = None

    def reserves(self, stream: str) -> tuple[Claim, ...]:
        return tuple(Claim(PROJECT_CODE, line.project) for line in self.lines)

    def looks_up(self) -> tuple[Claim, ...]:
        return tuple({Claim(FUND_CODE, code): None for line in self.lines for code in _beginnings(line.project)})


class PlanDrafted(WholePlan, frozen=True):
    """A complete plan was drafted. It replaces any earlier draft.

    The amounts of `lines` and `batches` must add up to each other and to `total`. If the plan lists `sources`, their
    sum must be at least `total`.
    """

    zh = "计划起草"
    about_zh = "起草完整的资金安排计划，取代先前的草案；各项目、批次与总额须相符，所列资金来源合计不少于总额。"
    reversible = None
    refused_by = (PlanAlreadyAdopted, *WHOLE)


class PlanAdopted(FundFact, frozen=True):
    """The latest draft was adopted as the fund's plan. `draft` is the version of the adopted PlanDrafted event.

    The plan may be adopted before all of its money has arrived; only what has arrived can be allotted.
    """

    zh = "计划批准"
    about_zh = "批准最新的计划草案；draft 为该草案的版本。资金可以分年、分来源到位，到位的才能分配。"
    reversible = None
    cites = (("局文", "纪要"),)
    refused_by = (PlanAlreadyAdopted, NotTheLatestDraft, BeforeItsCause, PlanExceedsPool, PlanLacksSource)
    draft: int


class PlanRevised(WholePlan, frozen=True):
    """A complete new plan replaced the plan in force.

    For each batch with allotted money, the new plan must have at least the allotted amount and the same gate. For each
    line that was ever allotted money, the checkpoints must stay the same.
    """

    zh = "计划调整"
    about_zh = "以调整后的完整计划取代现行计划；不得低于已分配数；已分配批次的拨付条件、分配过资金的项目的检查点不变。"
    reversible = None
    cites = (("批复",),)
    refused_by = (
        PlanNotAdopted,
        *WHOLE,
        PlanBelowAllotted,
        GateFixed,
        CheckpointsFixed,
        PlanExceedsPool,
        PlanLacksSource,
    )


Event = PlanDrafted | PlanAdopted | PlanRevised
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(fund: Fund, fact: Event, event: Recorded) -> Fund:
    match fact:
        case PlanDrafted():
            return replace(fund, draft=Draft(event.version, event.header.occurred_on, fact.lines, fact.sources or ()))
        case PlanAdopted():
            assert fund.draft is not None, "the plan adopted was drafted"
            return _in_force(fund, fund.draft, event)
        case PlanRevised():
            return _in_force(fund, fact, event)
        case _:
            assert_never(fact)


def _in_force(fund: Fund, plan: Draft | PlanRevised, event: Recorded) -> Fund:
    by_project = Map({line.project: line for line in plan.lines})
    return replace(fund, lines=by_project, sources=plan.sources or (), plan=event.version, adopted_on=event.booked_on)


# Decide ----------------------------------------------------------------------


def decide(context: Context, fund: Fund, fact: Event) -> Decision:
    match fact:
        case PlanDrafted():
            if fund.plan is not None:
                raise PlanAlreadyAdopted
            _check_whole(fact)
            _check_codes(context, fund, fact)
            return context.allow()
        case PlanAdopted():
            return _adopt(context, fund, fact)
        case PlanRevised():
            return _revise(context, fund, fact)
        case _:
            assert_never(fact)


def _check_whole(plan: PlanDrafted | PlanRevised) -> None:
    _names_once("batch", (batch.batch for batch in plan.batches))
    _names_once("task", (task.code for task in plan.tasks))
    _names_once("project", (line.project for line in plan.lines))
    _names_once("number", (line.number for line in plan.lines))
    _names_once("source", (source.source for source in plan.sources or ()))
    tasks, batches = {task.code for task in plan.tasks}, {batch.batch for batch in plan.batches}
    for line in plan.lines:
        _names_once(f"{line.project} batch", (batch.batch for batch in line.batches))
        _names_once(f"{line.project} goal", (goal.name for goal in line.goals or ()))
        _check_gates(line)
        if line.is_list and line.share is Share.BY_SCORE:
            raise ListHasNoScores(project=line.project)
        for unknown in sorted(set(line.tasks) - tasks):
            raise PlanNamesUnknown(project=line.project, what=f"task {unknown}")
        for missing in sorted({batch.batch for batch in line.batches} - batches):
            raise PlanNamesUnknown(project=line.project, what=f"batch {missing}")
        _sums_agree(line.project, line.total, (batch.amount for batch in line.batches))
    for total in plan.batches:
        amounts = (b.amount for line in plan.lines for b in line.batches if b.batch == total.batch)
        _sums_agree(f"batch {total.batch}", total.total, amounts)
    _sums_agree("total", plan.total, (line.total for line in plan.lines))
    given = Money(sum(source.amount for source in plan.sources or ()))
    if plan.sources and plan.total > given:
        raise PlanExceedsSources(planned=plan.total, sources=given)


def _check_gates(line: Line) -> None:
    """Checks that each batch of the line has a known gate, and that no two gates have one name.

    The known gates are the members of Gate and the checkpoints of the line. Raises PlanNamesUnknown for another gate,
    and PlanNamesTwice if a checkpoint has the name of another gate. Only the last checkpoint may be called
    "acceptance", because this is its other name anyway.
    """
    checkpoints = line.checkpoints or ()
    known = (*Gate, *checkpoints)
    _names_once(f"{line.project} gate", known if checkpoints[-1:] != (Gate.ACCEPTANCE,) else (*Gate, *checkpoints[:-1]))
    for batch in line.batches:
        if batch.gate not in known:
            raise PlanNamesUnknown(project=line.project, what=f"gate {batch.gate}")


def _check_codes(context: Context, fund: Fund, plan: PlanDrafted | PlanRevised) -> None:
    """Raises CodeOfOtherFund if the code of a project in `plan` belongs to another fund.

    A code belongs to the fund whose plan named it first. A code that no plan has named belongs to the fund whose code
    it begins with, if there is one.
    """
    for line in plan.lines:
        owner = _owner(context.ledger.claims, line.project)
        if owner and owner.stream != context.stream and line.project not in fund.lines:
            raise CodeOfOtherFund(project=line.project)


def _owner(claims: Claims, code: str) -> Reference | None:
    asked = Claim(PROJECT_CODE, code), *(Claim(FUND_CODE, prefix) for prefix in _beginnings(code))
    return next((owner for claim in asked if (owner := claims.get(claim))), None)


def _beginnings(code: str) -> tuple[str, ...]:
    """`code`, and what stands before each of its hyphens, longest first: `a-b-01`, `a-b` and `a` for `a-b-01`."""
    parts = code.split("-")
    return tuple("-".join(parts[:count]) for count in range(len(parts), 0, -1))


def _names_once(kind: str, names: Iterable[object]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise PlanNamesTwice(what=f"{kind} {name}")


def _sums_agree(what: str, stated: Money, amounts: Iterable[int]) -> None:
    computed = sum(amounts)
    if stated != computed:
        raise PlanSumsDisagree(what=what, stated=stated, computed=Money(computed))


def _adopt(context: Context, fund: Fund, fact: PlanAdopted) -> Decision:
    if fund.plan is not None:
        raise PlanAlreadyAdopted
    if fund.draft is None or fund.draft.version != fact.draft:
        latest = fund.draft.version if fund.draft else None
        raise NotTheLatestDraft(draft=fact.draft, latest=latest)
    context.not_before("PlanDrafted", fund.draft.occurred_on)
    _check_money(context, fund, fund.draft)
    return context.allow()


def _revise(context: Context, fund: Fund, fact: PlanRevised) -> Decision:
    if fund.plan is None:
        raise PlanNotAdopted
    _check_whole(fact)
    _check_codes(context, fund, fact)
    lines = {line.project: line for line in fact.lines}
    for (project, number), allotted in sorted(fund.allotted.items()):
        if not allotted:
            continue
        line, batch = lines.get(project), fund.line(project).batch(number)
        planned = line.find(number) if line else None
        amount = planned.amount if planned else Money(0)
        if amount < allotted:
            raise PlanBelowAllotted(project=project, batch=number, allotted=Money(allotted), planned=amount)
        if line and planned and line.gate_of(planned) != fund.line(project).gate_of(batch):
            raise GateFixed(project=project, batch=number, gate=batch.gate, asked_gate=planned.gate)
    for project in sorted({project for project, _ in fund.allotted}.intersection(lines, fund.lines)):
        before = fund.line(project).checkpoints
        if lines[project].checkpoints != before:
            raise CheckpointsFixed(project=project, checkpoints=", ".join(before or (Gate.ACCEPTANCE,)))
    _check_money(context, fund, fact)
    return context.allow()


def _check_money(context: Context, fund: Fund, plan: Draft | PlanRevised) -> None:
    """Checks that the plan assigns the money received so far to its sources. Raises PlanLacksSource.

    The plan must list each named source that has given money. If appropriations without a named source were received,
    the first source of the plan in force must stay the first, because their money belongs to it.

    By the first edition of the rules, also raises PlanExceedsPool if the pool holds less than is left to allot.
    """
    if context.header.edition == 1:
        needed, pool = Money(fund.to_allot(plan.lines)), fund.accounts.balance(POOL)
        if needed > pool:
            raise PlanExceedsPool(planned=needed, pool=pool)
    listed = [source.source for source in plan.sources or ()]
    for name in sorted(set(fund.issued) - {UNNAMED, *listed}):
        if received_from(fund, name):
            raise PlanLacksSource(named=name)
    if fund.sources and UNNAMED in fund.issued and listed[:1] != [fund.sources[0].source]:
        raise PlanLacksSource(named=fund.sources[0].source)
