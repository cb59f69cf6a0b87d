"""Accounting periods: the calendar months that are closed one by one, written `2019-03`."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta


def period_of(day: date) -> str:
    """The period that contains `day`."""
    return f"{day:%Y-%m}"


def first_day(period: str) -> date:
    return date.fromisoformat(f"{period}-01")


def last_day(period: str) -> date:
    year, month = (int(part) for part in period.split("-"))
    return date(year, month, monthrange(year, month)[1])


def following(period: str) -> str:
    """The period after `period`."""
    return period_of(last_day(period) + timedelta(days=1))


def months_between(day: date, later: date) -> int:
    """The number of month ends on or after `day` and before `later`."""
    return (later.year - day.year) * 12 + later.month - day.month


def months_after(day: date, months: int) -> date:
    """The date `months` months after `day`: the same day of a later month, or the last day if that month is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
