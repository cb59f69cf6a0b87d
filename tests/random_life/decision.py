"""The award list that a life decides, and changes that make the list invalid, by the rule that each change breaks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from domain.allocation import allocate
from domain.money import Money
from domain.posting import LINE
from domain.project.award import AwardListDecided
from domain.project.eligibility import Awarded, BatchAmount
from domain.rules.award import NothingToShareBy, QuantumTooCoarse
from domain.state.entities import Round
from domain.state.fund import Line, Share
from domain.state.project import Project
from tests.random_life.base import Life
from tests.random_life.recipients import name_of, payee


def decide(life: Life, project: Project) -> AwardListDecided | None:
    """An award list that shares the line, or a part of it, among one to three eligible applications."""
    current = project.rounds.get(str(project.round))
    line = life.fund.lines.get(project.code)
    if current is None or line is None or (current.review is None and not current.is_list):
        return None
    notice = current.notice if current.notice_comes_first(life.fund.settings) else None
    names = notice.applications if notice else current.scores
    eligible = sorted(name for name in names if project.eligible(name))[: life.pick((1, 2, 2, 3))]
    available = {b.batch: project.accounts.balance(LINE, project.place("", b.batch)) for b in line.batches}
    available = {batch: left for batch, left in available.items() if left}
    if not eligible or not available:
        return None
    shares, by_score = _shares(life, line, current, eligible, available)
    awarded = [(name, share) for name, share in zip(eligible, shares, strict=True) if any(share.values())]
    rows = tuple(_row(project, rank, name, share) for rank, (name, share) in enumerate(awarded, 1))
    if not rows:
        return None
    quantum = life.fund.settings.quantum if by_score else None
    review, version = current.review.version if current.review else None, notice.version if notice else None
    return AwardListDecided("随机", rows, review, version, quantum, by_score=by_score)


def _shares(
    life: Life, line: Line, current: Round, names: list[str], available: dict[int, Money]
) -> tuple[list[dict[int, Money]], bool]:
    """The share of each application by batch, and whether the shares are allocated by score."""
    whole = line.fixed_total or life.chance(40)
    as_planned = line.share is not None and life.chance(90)
    if not current.is_list and (line.share is Share.BY_SCORE if as_planned else life.chance(40)):
        if not whole:
            available = {batch: Money(left // 2 // 10 * 10) for batch, left in available.items()}
        try:
            return allocate(available, [current.scores[name] for name in names], life.fund.settings.quantum), True
        except (QuantumTooCoarse, NothingToShareBy):
            pass  # the shares below are equal instead
    parts = len(names) if whole else len(names) + 1
    first, *others = ({batch: Money(left // parts) for batch, left in available.items()} for _ in names)
    if whole:
        first = {batch: Money(left - left // parts * (parts - 1)) for batch, left in available.items()}
    return [first, *others], False


def _row(project: Project, rank: int, name: str, share: dict[int, Money]) -> Awarded:
    to, score = payee(name_of(project.applications[name].identities[-1])), project.current_round().scores.get(name)
    amounts = tuple(BatchAmount(batch, amount) for batch, amount in share.items() if amount)
    return Awarded(f"L-{name.removeprefix('A-')}", name, to, rank, amounts, score)


def _to_another(decided: AwardListDecided) -> AwardListDecided:
    return with_first_row(decided, payee=payee("other"))


def with_first_row(decided: AwardListDecided, **changes: object) -> AwardListDecided:
    """The award list `decided` with changes to its first row."""
    first, *others = decided.awards
    return replace(decided, awards=(replace(first, **changes), *others))


def _one_fen_less(decided: AwardListDecided) -> AwardListDecided:
    first, *others = decided.awards[0].amounts
    less = BatchAmount(first.batch, Money(max(first.amount - 1, 1)))
    return replace(with_first_row(decided, amounts=(less, *others)), by_score=False)


def _by_score(decided: AwardListDecided, quantum: int = 1) -> AwardListDecided:
    """The award list `decided`, declared as allocated by score. Mostly its amounts are not allocated by score."""
    return replace(decided, by_score=True, quantum=Money(quantum))


DEFECTS_BY_RULE: dict[str, Callable[[AwardListDecided], AwardListDecided]] = {
    "BasisMismatch": lambda decided: replace(decided, review=1),
    "ScoreMismatch": lambda decided: with_first_row(decided, score=Decimal(1)),
    "FixedTotalNotUsed": _one_fen_less,
    "NothingToShareBy": _by_score,
    "AllocationMismatch": lambda decided: _by_score(_one_fen_less(decided)),
    "QuantumTooCoarse": lambda decided: _by_score(decided, 7),
    "PayeeNotApplicant": _to_another,
    "NobodyListed": lambda decided: replace(decided, awards=()),
}
DEFECTS = tuple(DEFECTS_BY_RULE.values())
