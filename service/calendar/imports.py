"""The imported calendars: append-only, so that every event can be decided again by the calendar of its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import structlog
from immutables import Map
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from service.calendar.calendar_file import CalendarFile
from service.calendar.working_days import Calendar, WorkingDays, YearCalendar
from service.config import OperatorError
from service.postgres.queries import QUERIES

log = structlog.get_logger(__name__)


class Import(msgspec.Struct, frozen=True):
    """The import of a year's calendar.

    The calendar is in force for the events after `position`, until another import of the same year replaces it.
    `content`, `sha256`: the imported file's text and digest. `replaces`: the `imported_at` of the import that this one
    replaces.
    """

    imported_at: datetime
    year: int
    days_off: list[date]
    working_weekends: list[date]
    documents: list[dict[str, Any]]
    content: str
    sha256: str
    actor: str
    position: int
    replaces: datetime | None

    @property
    def calendar(self) -> YearCalendar:
        return YearCalendar(self.year, frozenset(self.days_off), frozenset(self.working_weekends))


class YearImported(OperatorError):
    """The ledger already has a different calendar of the year. Only the option `--replace` replaces it."""

    def __init__(self, existing: Import) -> None:
        at = f"{existing.imported_at:%Y-%m-%d}, {existing.actor}, SHA-256 {existing.sha256}"
        super().__init__(
            f"{existing.year} 年的放假安排已导入，内容不同（{at}）：确要更换的，加 --replace；原安排仍保留\n"
            f"another calendar of {existing.year} is imported ({at}): to replace it, add --replace; the old one is kept"
        )


def history(conn: Connection[Any]) -> list[Import]:
    """All imports of calendars, also those that were replaced, oldest first."""
    return [Import(**row) for row in conn.cursor(row_factory=dict_row).execute(QUERIES["calendar_imports"])]


def in_force(imports: Iterable[Import], position: int | None = None) -> dict[int, Import]:
    """For each year, the import in force for the event at log position `position`; by default, for the next event."""
    return {each.year: each for each in imports if position is None or each.position < position}


def calendar_of(imports: Iterable[Import], packaged: WorkingDays, position: int | None = None) -> Calendar:
    """The calendar in force for the event at log position `position`; by default, for the next event.

    `packaged` counts the working days of the years that were not imported.
    """
    current = in_force(imports, position)
    years = Map({year: each.calendar for year, each in current.items()})
    return Calendar(packaged, years, max((each.imported_at for each in current.values()), default=None))


def as_json(imported: Sequence[Import]) -> list[dict[str, Any]]:
    """The imports as JSON objects. `from_position`: the first log position for which the import is or was in force."""
    current = in_force(imported)
    names = ("year", "documents", "days_off", "working_weekends", "content", "sha256", "actor", "imported_at")
    return [
        {
            **{name: getattr(each, name) for name in names},
            "from_position": each.position + 1,
            "state": "in force" if current[each.year] is each else "replaced",
        }
        for each in imported
    ]


def add(conn: Connection[Any], file: CalendarFile, actor: str, *, replace: bool = False) -> Import | None:
    """Import the calendar in `file` and return the import.

    If the same calendar is in force already, writes nothing and returns None. Raises YearImported if another calendar
    of the same year is in force and `replace` is false. No event can be appended during the import, because the import
    takes the append lock. So the new calendar applies to exactly the events after the import's position.
    """
    calendar = file.calendar
    with conn.transaction():
        # Whatever the server's default, what follows the lock must see all that was committed before it was taken.
        conn.execute("set transaction isolation level read committed")
        conn.execute(QUERIES["append_lock"])
        existing = in_force(history(conn)).get(calendar.year)
        if existing and (existing.calendar, existing.documents) == (calendar, file.documents):
            return None
        if existing and not replace:
            raise YearImported(existing)
        row = {"year": calendar.year, "content": file.content, "actor": actor, "documents": file.documents}
        row |= {name: sorted(getattr(calendar, name)) for name in ("days_off", "working_weekends")}
        insert(conn, {**row, "replaces": existing.imported_at if existing else None})
        added = history(conn)[-1]
    log.info("calendar imported", year=added.year, actor=actor, sha256=added.sha256, position=added.position)
    return added


def insert(conn: Connection[Any], row: Mapping[str, Any]) -> None:
    """Insert the import `row` into the table of imports.

    If `row` has neither `imported_at` nor `position`, the import is in force from the next event on.
    """
    given = {"imported_at": None, "position": None, **row, "documents": Jsonb(row["documents"])}
    conn.execute(QUERIES["import_calendar"], given)


class CurrentCalendar:
    """The ledger's calendar, cached in this process. It is read again after any process has imported a year."""

    def __init__(self, packaged: WorkingDays) -> None:
        self.calendar = Calendar(packaged)

    def as_of(self, conn: Connection[Any], imported_at: datetime | None) -> Calendar:
        """The calendar whose last import was made at `imported_at`.

        If `imported_at` is None, the calendar has no imports.
        """
        calendar = self.calendar
        if calendar.imported_at != imported_at:
            imports = (each for each in history(conn) if imported_at and each.imported_at <= imported_at)
            self.calendar = calendar = calendar_of(imports, calendar.packaged)
        return calendar
