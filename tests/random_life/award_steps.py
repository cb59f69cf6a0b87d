"""Steps of an award: agreement, extension, amendment, payee change, acceptance, waiver, early end, project closing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from domain.event import Fact, Posted, Recorded
from domain.money import Money
from domain.note import NoteKind, NoteRecorded
from domain.posting import COMMITTED, IN_APPROVAL, IN_TRANSIT, LINE, PAYABLE
from domain.project import acceptance, amendment, rename
from domain.project.lifecycle import ProjectClosed
from domain.project.waiver import WaiverGranted
from domain.state.entities import Acceptance, AwardStatus, RoundStatus
from domain.state.fund import Gate, Line
from domain.state.project import Project
from tests.random_life.base import Life
from tests.random_life.recipients import name_of, payee, recipient, renamed
from tests.random_life.round_steps import new_name


def pick_award(life: Life, project: Project) -> str | None:
    """The name of an award of the project, mostly of a live award; None if there is none."""
    live = [name for name, each in project.awards.items() if each.status is AwardStatus.LIVE]
    return life.pick_any(live if life.chance(94) else project.awards)


def sign(life: Life, project: Project) -> Fact | None:
    """Sign an agreement, or sign it again, mostly without another end."""
    name = pick_award(life, project)
    if name is None:
        return None
    ends_on = project.awards[name].ends_on
    if ends_on and life.chance(80):
        return amendment.AgreementSigned(name, min(life.day, ends_on), ends_on)
    return amendment.AgreementSigned(name, life.day, life.day + timedelta(days=life.random.randint(0, 40)))


def extend(life: Life, project: Project) -> Fact | None:
    name = pick_award(life, project)
    if name is None:
        return None
    award, later = project.awards[name], timedelta(days=life.random.randint(1, 20))
    due = {at: each.rectify_by for at, each in sorted(award.checks.items()) if each.rectify_by}
    if due and life.chance(70):
        at = life.pick(list(due))
        return amendment.ExtensionGranted(name, due_on=due[at] + later, checkpoint=posted_name(life, project, at))
    return amendment.ExtensionGranted(name, ends_on=(award.ends_on or life.day) + later)


def amend(life: Life, project: Project) -> Fact | None:
    """Increase an award with money of the line, or reduce an award by money that is not requested yet."""
    award, line = pick_award(life, project), life.fund.lines.get(project.code)
    if award is None or line is None:
        return None
    increase = life.chance(60)
    sources = (LINE,) if increase else (COMMITTED, PAYABLE)
    held = {at.place.batch: fen.total for at, fen in project.accounts.holdings.items()
            if at.account in sources and at.place.award in (None, award)}  # fmt: skip
    batch = life.pick(sorted(held)) if held else life.pick(line.batches).batch
    available = held.get(batch, 20)
    amount = Money(available) if life.chance(40) else life.amount(available + 3)
    return amendment.AwardAmended(award, batch, increase, amount, "核减" if not increase else "核增")


def change_payee(life: Life, project: Project) -> Posted | None:
    award = pick_award(life, project)
    if award is None:
        return None
    old, actor = project.awards[award].payee, life.pick(("甲", "乙"))
    new = payee(f"{award.removeprefix('L-')}-{life.random.randint(1, 3)}")
    fact = amendment.PayeeChanged(award, old, new, approver=life.other_than(actor))
    return life.post(fact, f"project/{project.code}", by=actor)


def end(life: Life, project: Project) -> Fact | None:
    """End an award early: the award is declined, revoked or terminated."""
    award = pick_award(life, project)
    kinds = (amendment.AwardDeclined, amendment.AwardRevoked, amendment.AwardTerminated)
    return award and life.pick(kinds)(award, "随机")


def accept(life: Life, project: Project) -> Fact | None:
    """The next step of an award's acceptance, mostly at the first of its checkpoints that is not passed."""
    name = pick_award(life, project)
    if name is None:
        return None
    line = life.fund.lines.get(project.code)
    award, order = project.awards[name], line.all_checkpoints if line else (Gate.ACCEPTANCE,)
    to_pass = [each for each in order if award.check(each).status is not Acceptance.PASSED]
    if not to_pass:
        return None
    key = to_pass[0] if life.chance(92) else life.pick(to_pass)
    at = posted_name(life, project, key)
    match award.check(key).status:
        case Acceptance.NONE | Acceptance.RECTIFYING if unsettled(line, project, name, key) and life.chance(85):
            return None
        case Acceptance.NONE | Acceptance.RECTIFYING:
            return acceptance.AcceptanceRequested(name, at)
        case Acceptance.REQUESTED if life.chance(60):
            return acceptance.AcceptancePassed(name, at, **graded(life, line))
        case Acceptance.REQUESTED:
            return acceptance.AcceptanceFailed(name, "随机", at)
        case _:
            return acceptance.RectificationOrdered(name, life.day + timedelta(days=life.pick((3, 15, 60, 60))), at)


def posted_name(life: Life, project: Project, key: str) -> str | None:
    """How a post names a checkpoint of the project; the last one is mostly left out."""
    line = life.fund.lines.get(project.code)
    if key != Gate.ACCEPTANCE:
        return key
    return life.pick((None, None, Gate.ACCEPTANCE, *((line.checkpoints or ()) if line else ())[-1:]))


def graded(life: Life, line: Line | None) -> dict[str, Any]:
    """What a passed acceptance may carry; it moves nothing. Sometimes an actual is of a goal that is not planned."""
    if life.chance(60):
        return {}
    actuals = (acceptance.Actual("专利", "3"),) if (line and line.goals) or life.chance(30) else None
    conclusion = life.pick(tuple(acceptance.Conclusion))
    return {"conclusion": conclusion, "score": Decimal(80), "settled": life.amount(), "actuals": actuals}


def unsettled(line: Line | None, project: Project, name: str, checkpoint: str) -> int:
    """The unpaid money of the award `name`, in fen, in all batches behind gates before the checkpoint."""
    return sum(
        project.accounts.balance(account, project.place(name, batch.batch))
        for batch in (line.batches if line else ())
        if line and line.gates.index(line.gate_of(batch)) < line.gates.index(checkpoint)
        for account in (COMMITTED, PAYABLE, IN_APPROVAL, IN_TRANSIT)
    )


def waive(life: Life, project: Project) -> Posted | None:
    """Waive a rule for an award, or for an application that is not received yet."""
    stream, name = f"project/{project.code}", pick_award(life, project)
    if name is None or life.chance(30):
        future = f"A-{new_name(project.code, project.applications)}"
        return life.post(waiver_of(life, life.pick(("OutsideWindow", "PayeeNotApplicant")), application=future), stream)
    rule = life.pick(("PayeeMismatch", "NoTriesLeft", "EarlierBatchesUnsettled", "AboveNotice", "CheckpointOutOfTurn"))
    by = life.other_than(project.awards[name].by.actor)
    return life.post(waiver_of(life, rule, award=name), stream, by=by)


def rename_recipient(life: Life, project: Project) -> Fact | None:
    """The applicant, or the payee of its award, gets another name; mostly another identity too."""
    name = life.pick_any(project.applications)
    if name is None:
        return None
    application = project.applications[name]
    payee_ = project.awards[application.award].payee if application.award else None
    identity = payee_.identity if payee_ and life.chance(30) else application.identities[-1]
    old = recipient(name_of(identity or ""))
    new = renamed(old, code=life.chance(80), name=f"{name.removeprefix('A-')}-n{life.random.randint(1, 3)}")
    return rename.RecipientRenamed(name, old, new)


def waiver_of(life: Life, rule: str, **target: str) -> WaiverGranted:
    """A waiver of `rule` with an amount, if it needs one; about payees, it mostly names the payee `other`."""
    about_payee = rule in ("PayeeMismatch", "PayeeNotApplicant")
    named = {"payee": payee("other" if life.chance(80) else "third")} if about_payee and life.chance(95) else {}
    amount = {"at_most": life.amount()} if rule in ("PayeeMismatch", "AboveNotice") else {}
    return WaiverGranted(rule, "特批", **target, **named, **amount)


def close(life: Life, project: Project) -> Fact | None:
    """Close the project if it has awards and nothing obvious prevents the closing."""
    last = project.rounds.get(str(project.round))
    busy = last and last.status is RoundStatus.UNDER_WAY
    unsettled_ = project.accounts.total((COMMITTED, PAYABLE, IN_APPROVAL, IN_TRANSIT))
    return ProjectClosed() if project.awards and not busy and not unsettled_ and life.chance(50) else None


def note(life: Life, project: Project) -> Posted:
    """A note on the fund or the project. What it names or corrects may not exist."""
    on_fund = life.chance(30)
    state = life.fund if on_fund else project
    stream = f"fund/{state.code}" if on_fund else f"project/{state.code}"
    version = life.ledger.stream(stream).version
    notes = (at.version for at, entry in life.ledger.entries.items() if at.stream == stream and _is_note(entry))
    corrected = life.pick([*notes] or [life.random.randint(1, version)])
    about: dict[str, Any] = {
        "application": None if life.chance(70) else life.pick_any({*project.applications, "A-没有"}),
        "award": None if life.chance(70) else life.pick_any({*project.awards, "L-没有"}),
        "corrects": life.pick((corrected, version)) if life.chance(40) else None,
    }
    return life.post(NoteRecorded(life.pick(tuple(NoteKind)), "随机", **about), stream)


def _is_note(entry: Recorded) -> bool:
    return isinstance(entry.fact, NoteRecorded)


AWARD_STEPS = {
    accept: 10,
    sign: 3,
    amend: 2,
    extend: 1,
    change_payee: 1,
    end: 2,
    waive: 1,
    rename_recipient: 1,
    note: 2,
    close: 2,
}
