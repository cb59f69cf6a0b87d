"""The response types of the imported holiday calendars."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from service.api.response_types.every import Day, Document, Position


class Calendar(TypedDict):
    """An imported calendar of a year.

    The events from `from_position` on are decided by this calendar, until it is replaced.
    """

    year: int
    state: Literal["in force", "replaced"]
    documents: list[Document]
    days_off: list[Day]
    working_weekends: Annotated[list[Day], Meta(description="Weekend days that are worked. 调休上班的周末。")]
    content: Annotated[str, Meta(description="The file that was imported. 所导入的文件。")]
    sha256: Annotated[str, Meta(description="The SHA-256 digest of the file. 文件的 SHA-256。")]
    actor: str
    imported_at: datetime
    from_position: Position


class Calendars(TypedDict):
    calendars: list[Calendar]
