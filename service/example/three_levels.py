"""An invented history of a fund whose money comes from three levels over two years.

Its plan is adopted against its sources before all money has come. What arrives is allotted by its source; the awards
are increased then, and each payment names the source that it takes. At the end, the last of the district's money has
not arrived, so that one project waits for it, and one payment is in transit; the other projects are closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from domain.money import Money
from domain.period import following, last_day, period_of
from service.example.history import History, WorkingDays, poster_of
from service.example.payments import Due, pass_checkpoint, pay
from service.example.recipients import Recipient
from service.example.selection import select
from service.example.steps import EventPoster, Post, Project, Step, days
from service.example.units import invent

CENTRAL, PROVINCIAL, DISTRICT = "中央", "省", "区"
QUARTERS = {1: {CENTRAL: 4}, 2: {PROVINCIAL: 3, DISTRICT: 1}, 3: {CENTRAL: 2, DISTRICT: 2}}
"""How many quarters of each batch are of each source."""
WAITING = 2
"""The number of the project that waits for the district's last money."""
LATE = 4
"""The number of the project whose first award fails its midterm acceptance, and passes it in the second year."""
Awarded = tuple[Project, Recipient]


class Arrival(NamedTuple):
    """An appropriation, and the batch that it is allotted to. `waiting`: the projects for which it is not enough."""

    on: date
    source: str
    document: str
    yuan: str
    batch: int
    waiting: tuple[int, ...] = ()


FIRST_YEAR = (
    Arrival(date(2022, 6, 20), PROVINCIAL, "上级指标文号", "3000000.00", 2),
    Arrival(date(2022, 7, 11), DISTRICT, "本级指标文号", "1000000.00", 2),
)
SECOND_YEAR = (
    Arrival(date(2023, 2, 13), CENTRAL, "上级指标文号", "2000000.00", 3),
    Arrival(date(2023, 3, 6), DISTRICT, "本级指标文号", "1500000.00", 3, waiting=(WAITING,)),
)


def play(post: Post, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
    """Post an invented history of the fund that the events `setup` established.

    `post` posts one CloudEvent and returns the new version of its stream.
    """
    _History(poster_of(post, setup, "示例三级"), setup, working_days).play()


class _History(History):
    def __init__(self, poster: EventPoster, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
        super().__init__(poster, setup, working_days)
        self._spent = Counter[str]()

    def play(self) -> None:
        self._award()
        awarded = [(project, each) for project in self._projects for each in project.awarded]
        late = next(each for each in awarded if each[0].line["number"] == LATE)
        on_time = [each for each in awarded if each is not late]
        received = {each.source: self._arrive(each) for each in FIRST_YEAR}
        self._check(on_time, "midterm", date(2022, 9, 13))
        self._post(_failed(*late, date(2022, 9, 13)))
        self._pay(on_time, 2, date(2022, 11, 1))
        self._end_year(2022, received)
        self._check([late], "midterm", date(2023, 1, 16))
        for each in SECOND_YEAR:
            self._arrive(each)
        self._pay([late], 2, date(2023, 4, 10))
        self._check(awarded, "final", date(2023, 8, 15))
        *others, last = awarded
        self._pay(others, 3, date(2023, 10, 9))
        self._pay([last], 3, date(2023, 10, 16), in_transit=DISTRICT)
        for project in self._projects:
            if project.line["number"] != WAITING and project is not last[0]:
                self._poster.post(project.stream, "ProjectClosed", date(2023, 11, 20), "结项")

    def _award(self) -> None:
        """Select the recipients, and pay the first batch to them. A bank returns one of the payments."""
        units = invent("三级", 1)
        for project in self._projects:
            project.applicants = list(islice(units, project.line["awards"] + 1))
            for index, each in enumerate(project.applicants):
                each.score = f"{91 - 2 * index}.5"
        signed = select(self._poster, self._projects, self._start + days(5), self._notice_ends, decided=(1,))
        awarded = [(project, each) for project in self._projects for each in project.awarded]
        awarded[0][1].trouble = "payment returned"
        self._pay(awarded, 1, signed + days(10))

    def _arrive(self, arrival: Arrival) -> int:
        """Receive an appropriation, allot it, and increase the awards by it.

        Returns the version of the appropriation's event.
        """
        money = {"amount": arrival.yuan, "budget_year": arrival.on.year, "funding_source": arrival.source}
        version = self._poster.post(self._fund, "AppropriationReceived", arrival.on, arrival.document, **money)
        of_source = {"batch": arrival.batch, "funding_source": arrival.source}
        projects = [each for each in self._projects if each.line["number"] not in arrival.waiting]
        for project in projects:
            amount = str(_part(project.amounts()[arrival.batch], arrival.batch, arrival.source))
            place = {"project": project.code, **of_source, "amount": amount}
            self._poster.post(self._fund, "FundsAllotted", arrival.on + days(7), "资金分配文", **place)
        reason = {"increase": True, "reason": f"示例：{arrival.source}资金到位，按公示金额追加"}
        for project in projects:
            for each in project.awarded:
                amount = str(_part(each.amounts[arrival.batch], arrival.batch, arrival.source))
                change = {"award": each.award, **of_source, "amount": amount, **reason}
                self._poster.post(project.stream, "AwardAmended", arrival.on + days(14), "纪要", **change)
        return version

    def _check(self, awards: Sequence[Awarded], checkpoint: str, on: date) -> None:
        """Post that these awards pass their acceptance at `checkpoint`, which is requested on the day `on`."""
        self._post(step for each in awards for step in pass_checkpoint(*each, checkpoint, on))

    def _pay(self, awards: Sequence[Awarded], batch: int, on: date, in_transit: str | None = None) -> None:
        """Pay the batch to these awards from the day `on`, in a payment for each source of it.

        The project WAITING gets only what has arrived. The payments from the source `in_transit` are not confirmed.
        """
        self._post(
            step
            for index, (project, each) in enumerate(awards)
            for source in QUARTERS[batch]
            if (project.line["number"], batch, source) != (WAITING, 3, DISTRICT)
            for step in self._payment(project, each, batch, source, on + days(index))
            if source != in_transit or step.type != "PaymentConfirmed"
        )

    def _payment(self, project: Project, each: Recipient, batch: int, source: str, on: date) -> Iterator[Step]:
        """The steps of the payment of a batch out of the money of `source`. Its number says which source it is."""
        number = list(QUARTERS[batch]).index(source) + 1
        due = Due(project, each, batch, self._settings["approvals"], _part(each.amounts[batch], batch, source))
        for step in pay(due, on + days(number), attempt=number):
            if step.type == "PaymentConfirmed":
                self._spent[source] += due.amount
            if step.type == "PaymentReturned":
                self._spent[source] -= due.amount
            named = {"funding_source": source} if step.type == "PaymentRequested" else {}
            yield step._replace(data={**step.data, **named})

    def _end_year(self, year: int, received: Mapping[str, int]) -> None:
        """Carry forward what is not spent of the appropriations `received`, and close the months of the year."""
        on = date(year + 1, 1, 10)
        for arrival in FIRST_YEAR:
            unspent = Money(Money.parse(arrival.yuan) - self._spent[arrival.source])
            carried = {"appropriation": received[arrival.source], "year": year, "amount": str(unspent)}
            self._poster.post(self._fund, "YearCarriedForward", on, "结转批复", **carried)
        period = period_of(self._established)
        while last_day(period).year == year:
            self._poster.post(self._fund, "PeriodClosed", on + days(5), "对账单", period=period)
            period = following(period)

    def _post(self, steps: Iterable[Step]) -> None:
        self._poster.post_in_order(steps)


def _part(amount: int, batch: int, source: str) -> Money:
    """What of `amount` fen of a batch is of `source`."""
    return Money(amount * QUARTERS[batch][source] // 4)


def _failed(project: Project, each: Recipient, on: date) -> Iterator[Step]:
    """The steps of a midterm acceptance that is requested on the day `on` and not passed."""
    award = {"award": each.award, "checkpoint": "midterm"}
    yield Step(on, project.stream, "AcceptanceRequested", (), award)
    yield Step(on + days(20), project.stream, "AcceptanceFailed", ("验收意见",), {**award, "reason": "示例：进度滞后"})
    due = {**award, "due_on": (on + days(150)).isoformat()}
    yield Step(on + days(25), project.stream, "RectificationOrdered", ("整改通知",), due)
