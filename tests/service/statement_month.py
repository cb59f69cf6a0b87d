"""A synthetic month of a district: the entries of its books, and a bank's statement that has errors of each kind.

Half of the amounts are round, as those of rewards are, and occur several times. Most payees are paid once or twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from msgspec.structs import replace

from domain.fund.reconciliation import Difference, Direction
from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Entry, Line, Pairing

FIRST, LAST = date(2019, 9, 1), date(2019, 9, 30)
PAYMENTS, PAYEES = 4_800, 3_000
ERRORS = 0.03
"""The share of the payments that have an error, for each kind of error."""
PLACES = ("广州", "深圳", "佛山", "东莞", "惠州", "中山", "珠海", "江门")
KINDS = ("科技有限公司", "研究院", "检测中心", "制造有限公司", "创新中心", "软件有限公司")


@dataclass(frozen=True)
class Month:
    """The entries of a ledger, a statement's lines with errors, and what differs: by line number, or by version."""

    entries: Sequence[Entry]
    lines: Sequence[Line]
    wrong_lines: dict[int, Difference]
    missing: set[int]


def payee(number: int) -> tuple[str, str]:
    """The name and the account of an invented payee."""
    place, kind = PLACES[number % len(PLACES)], KINDS[number // 8 % len(KINDS)]
    return f"示例{place}第{number:04d}{kind}", f"62{number:017d}"


def month(seed: int, payments: int = PAYMENTS) -> Month:
    """A month with as many payments: some to the same payee, some of the same amount."""
    random = Random(seed)
    entries = [_entry(number, random) for number in range(1, payments + 1)]
    entries.sort(key=lambda entry: entry.on)
    errors: dict[int, Difference] = {}
    for kind in Difference:
        if kind is not Difference.CONTRADICTION:
            free = [entry.version for entry in entries if entry.version not in errors]
            errors |= dict.fromkeys(random.sample(free, round(ERRORS * payments)), kind)
    written: list[tuple[Line, Difference | None]] = []
    for entry in entries:
        written += _lines(entry, errors.get(entry.version), random)
    written.sort(key=lambda each: each[0].on)
    numbered = [(replace(line, number=number), kind) for number, (line, kind) in enumerate(written, 1)]
    return Month(
        [entry for entry in entries if errors.get(entry.version) is not Difference.STATEMENT_ONLY],
        [line for line, _ in numbered],
        {line.number: kind for line, kind in numbered if kind},
        {version for version, kind in errors.items() if kind is Difference.LEDGER_ONLY},
    )


def _entry(number: int, random: Random) -> Entry:
    name, account = payee(random.randrange(PAYEES))
    amount = random.choice((random.randrange(1_000_00, 5_000_000_00), random.randrange(1, 500) * 1_000_00))
    return Entry(
        FIRST + timedelta(days=random.randrange(20)), Direction.OUT, Money(amount), name,
        BankAccount(account[-4:], account),
        f"示例流水{number:06d}", f"示例凭证{number:06d}", stream="project/p", version=number, position=number,
        type="PaymentConfirmed", payment=f"P{number}",
    )  # fmt: skip


def _lines(entry: Entry, kind: Difference | None, random: Random) -> Iterator[tuple[Line, Difference | None]]:
    account = entry.account.digest if entry.account else None
    line = Line(entry.on, entry.direction, entry.amount, entry.payee, account, entry.reference, entry.voucher)  # type: ignore[arg-type]
    match kind:
        case Difference.LEDGER_ONLY:
            return
        case Difference.DUPLICATE:
            yield line, None
            again = entry.on + timedelta(days=random.randrange(3))
            yield replace(line, on=again, reference=f"{entry.reference}再"), kind
        case Difference.AMOUNT_DIFFERS:
            yield replace(line, amount=Money(entry.amount + random.randrange(1, 100_00))), kind
        case Difference.PAYEE_DIFFERS:
            name, number = payee(PAYEES + random.randrange(PAYEES))
            yield replace(line, payee=name, account=number), kind  # type: ignore[arg-type]
        case Difference.DATE_DIFFERS:
            yield replace(line, on=entry.on + timedelta(days=random.randrange(5, 10))), kind
        case _:
            yield line, kind


def score(of: Month, pairings: Sequence[Pairing], numbers: dict[int, int]) -> tuple[float, float]:
    """Precision and recall. `numbers`: the number in the month of each line as it was read."""
    found = {
        (_number(of, each, line, numbers), kind)
        for each in pairings
        for line in each.lines
        for kind in each.differs[:1]
    }
    lost = {entry.version for each in pairings if each.differs and not each.lines for entry in each.entries}
    wanted = set(of.wrong_lines.items())
    right = len(found & wanted) + len(lost & of.missing)
    return right / (len(found) + len(lost)), right / (len(wanted) + len(of.missing))


def _number(of: Month, pairing: Pairing, line: Line, numbers: dict[int, int]) -> int:
    """The number of the line in the month. Of two equal lines, either may be called the duplicate of the other."""
    number = numbers[line.number]
    twin = numbers.get(pairing.twin or 0, number)
    return twin if of.wrong_lines.get(twin) is Difference.DUPLICATE else number
