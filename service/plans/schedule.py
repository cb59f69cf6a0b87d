"""In which order a plan's appropriations arrive and its money is allotted, as far as it has arrived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from domain.money import Money


class Arrival(NamedTuple):
    """An appropriation of the plan file at the path `place`. `on`: the day it was received; None: not yet."""

    place: str
    id_: str
    on: str | None
    content: Mapping[str, Any]

    @property
    def amount(self) -> Money:
        return _money(self.content["amount"])


class Portion(NamedTuple):
    """The amount of one line of the plan in one batch. `number`: the number of the line, from 1."""

    number: int
    project: str
    batch: int
    text: str

    @property
    def amount(self) -> Money:
        return _money(self.text)


class Schedule(NamedTuple):
    """What is loaded of a plan. `before`: the appropriations that arrived before the plan was drafted.

    `between`: those that arrived after that day and before the plan was adopted. `steps`: what follows the adoption:
    appropriations, and portions with the day of their allotment. `not_arrived`, `not_allotted`: what is not loaded,
    because the money is not there yet.
    """

    before: tuple[Arrival, ...]
    between: tuple[Arrival, ...]
    steps: tuple[Arrival | tuple[Portion, str], ...]
    not_arrived: tuple[Arrival, ...]
    not_allotted: tuple[Portion, ...]


def schedule(plan: Mapping[str, Any]) -> Schedule:
    """The schedule of a parsed plan file.

    If all money is there when it is allotted, it is allotted line by line. Otherwise it is allotted batch by batch,
    each portion as soon as the money for it is there; the portions for which there is not enough are left out.
    """
    body = plan["plan"]
    arrivals = list(_arrivals(plan))
    arrived = sorted((each for each in arrivals if each.on), key=lambda each: str(each.on))
    single = "appropriation" in plan
    before = [each for each in arrived if single or str(each.on) <= str(body["drafted_on"])]
    between = [each for each in arrived if each not in before and str(each.on) <= str(body["adopted_on"])]
    later = [each for each in arrived if each not in (*before, *between)]
    due = [each for each in later if str(each.on) <= str(body["allotted_on"])]
    portions = list(_portions(body))
    pool = sum(each.amount for each in (*before, *between, *due))
    if sum(portion.amount for portion in portions) > pool:
        portions.sort(key=lambda portion: portion.batch)
    steps, left_out = _allotted(portions, pool, later[len(due) :], body["allotted_on"])
    not_arrived = tuple(each for each in arrivals if not each.on)
    return Schedule(tuple(before), tuple(between), (*due, *steps), not_arrived, tuple(left_out))


def _allotted(
    portions: Sequence[Portion], pool: int, later: Sequence[Arrival], day: str
) -> tuple[list[Arrival | tuple[Portion, str]], list[Portion]]:
    """The allotments from `day` on, with the appropriations that arrive `later`; and the portions that are left out.

    What is allotted before an appropriation arrives does not depend on it, so that a file can be loaded again.
    """
    steps: list[Arrival | tuple[Portion, str]] = []
    left_out, to_come = list(portions), list(later)
    while True:
        waiting, left_out = left_out, []
        for portion in waiting:
            if portion.amount > pool:
                left_out.append(portion)
                continue
            steps.append((portion, day))
            pool -= portion.amount
        if not to_come:
            return steps, left_out
        arrival = to_come.pop(0)
        steps.append(arrival)
        pool, day = pool + arrival.amount, str(arrival.on)


def _arrivals(plan: Mapping[str, Any]) -> Iterator[Arrival]:
    if "appropriation" in plan:
        one = plan["appropriation"]
        yield Arrival("appropriation", "appropriated", str(one["received_on"]), one)
    for number, each in enumerate(plan.get("appropriations", ()), 1):
        id_ = f"appropriated-{number}" if number > 1 else "appropriated"  # as if it were the only one
        yield Arrival(f"appropriations[{number}]", id_, each.get("received_on"), each)


def _portions(body: Mapping[str, Any]) -> Iterator[Portion]:
    for number, line in enumerate(body["projects"], 1):
        for batch, amount in line["amounts"].items():
            yield Portion(number, line["code"], batch, amount)


def _money(text: str | None) -> Money:
    """The amount; zero if it could not be read, which is reported elsewhere."""
    return Money.parse(text) if text else Money(0)
