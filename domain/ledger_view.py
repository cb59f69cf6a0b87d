"""The input of a decision: the streams, today's date, the calendar, and the state that the whole ledger shares.

A view never changes: each event leads to a new view. So nothing needs to be undone if one of several posts in a request
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from itertools import count

from immutables import Map
from msgspec import Struct

from domain.documents import Claim
from domain.event import Recorded, Reference
from domain.rules.every_post import UnknownStream
from domain.rules.project import ProjectOfOtherFund
from domain.state.fund import Fund
from domain.state.project import Project

State = Fund | Project


class Claims(Struct, frozen=True):
    """Claims, each with the event that made it.

    `by_number`: the claims of each number, by their common `number_alone`.
    """

    by_number: Map[Claim, tuple[tuple[Claim, Reference], ...]] = Map()

    @classmethod
    def of(cls, claims: Iterable[tuple[Claim, Reference]]) -> Claims:
        found: dict[Claim, tuple[tuple[Claim, Reference], ...]] = {}
        for claim, at in claims:
            found[claim.number_alone] = (*found.get(claim.number_alone, ()), (claim, at))
        return cls(Map(found))

    def get(self, claim: Claim) -> Reference | None:
        """The event that made exactly this claim."""
        return next((at for each, at in self._of_number(claim) if each == claim), None)

    def same_as(self, claim: Claim) -> Reference | None:
        """The first event with a claim that may be of the same document as `claim`."""
        return next((at for each, at in self._of_number(claim) if each.is_same(claim)), None)

    def with_number_of(self, claims: Iterable[Claim]) -> Claims:
        """The claims that have the same number as one of `claims`."""
        return Claims.of(pair for number in {each.number_alone for each in claims} for pair in self._of_number(number))

    def add(self, claim: Claim, at: Reference) -> Claims:
        """These claims and `claim`, unless it is among them."""
        if claim in self:
            return self
        return Claims(self.by_number.set(claim.number_alone, (*self._of_number(claim), (claim, at))))

    def remove(self, claim: Claim) -> Claims:
        left = tuple(pair for pair in self._of_number(claim) if pair[0] != claim)
        number = claim.number_alone
        return Claims(self.by_number.set(number, left) if left else self.by_number.delete(number))

    def _of_number(self, claim: Claim) -> tuple[tuple[Claim, Reference], ...]:
        return self.by_number.get(claim.number_alone, ())

    def items(self) -> Iterator[tuple[Claim, Reference]]:
        return (pair for pairs in self.by_number.values() for pair in pairs)

    def __iter__(self) -> Iterator[Claim]:
        return (claim for claim, _ in self.items())

    def __contains__(self, claim: object) -> bool:
        return isinstance(claim, Claim) and self.get(claim) is not None

    def __len__(self) -> int:
        return sum(map(len, self.by_number.values()))


class Stream(Struct, frozen=True):
    """The state of a fund or project after its event number `version`, and the booking date of that event.

    Before the first event, `version` is 0.
    """

    version: int = 0
    booked_on: date | None = None
    state: State | None = None


class LedgerView(Struct, frozen=True):
    """The state of the ledger that decisions read.

    `working_days(first, last)` counts the working days from `first` to `last`, both included; it returns None if the
    calendar does not cover the years of these days. `valid_uscc` says whether a text is a valid unified social credit
    code. `alike` says whether a reader could take two names for one. `claims` has the claimed document numbers, such as
    voucher numbers, and the claimed codes, each with the event that claims it. `next_serial` is the serial that the
    next new fen will get. `entries` are the recorded events that a decision may need: those that posts refer to, and
    those of earlier posts in the same request.
    """

    today: date
    working_days: Callable[[date, date], int | None]
    valid_uscc: Callable[[str], bool]
    alike: Callable[[str, str], bool]
    streams: Map[str, Stream] = Map()
    claims: Claims = Claims()
    next_serial: int = 0
    entries: Map[Reference, Recorded] = Map()

    def missing_year(self, year: int) -> int:
        """The first year, from `year` on, that has no official calendar."""
        new_years_days = (date(each, 1, 1) for each in count(year))
        return next(day.year for day in new_years_days if self.working_days(day, day) is None)

    def calendar_days_left(self) -> int:
        """The number of days from `today` to the last day that the calendar covers; negative if that day is past."""
        return (date(self.missing_year(self.today.year), 1, 1) - self.today).days - 1

    def earliest_end(self, first_day: date, min_working_days: int) -> date:
        """The earliest last day of a notice that starts on `first_day` and needs `min_working_days` working days.

        If the calendar ends before that day, the result is the first day that the calendar does not cover.
        """
        days = 0
        for day in (first_day + timedelta(number) for number in count()):
            worked = self.working_days(day, day)
            if worked is None or (days := days + worked) >= min_working_days:
                return day
        raise AssertionError("no calendar is endless")

    def stream(self, name: str) -> Stream:
        return self.streams.get(name, Stream())

    def fund(self, code: str) -> Fund:
        """The fund with this code. Raises UnknownStream."""
        state = self.stream(f"fund/{code}").state
        if not isinstance(state, Fund):
            raise UnknownStream(stream=f"fund/{code}")
        return state

    def project(self, code: str) -> Project:
        """The project with this code. Raises UnknownStream."""
        state = self.stream(f"project/{code}").state
        if not isinstance(state, Project):
            raise UnknownStream(stream=f"project/{code}")
        return state

    def open_project(self, code: str, fund: str) -> Project:
        """The project `code`, which must be open and belong to the fund with the code `fund`.

        Raises UnknownStream, ProjectOfOtherFund, ProjectIsClosed.
        """
        project = self.project(code)
        if project.fund != fund:
            raise ProjectOfOtherFund(project=code, fund=project.fund)
        project.must_be_open()
        return project

    def fund_of(self, stream: str) -> Fund | None:
        """The fund that the stream of a fund or project belongs to; None before the stream's first event."""
        state = self.stream(stream).state
        return self.fund(state.fund) if isinstance(state, Project) else state
