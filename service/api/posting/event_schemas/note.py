"""Schema of the note on a fund or a project."""

from __future__ import annotations

from domain import note
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import EnumMember, Integer, Name, Text


class NoteRecorded(FactSchema):
    fact = note.NoteRecorded
    scope = "post:note"
    kind = EnumMember(note.NoteKind, required=True)
    text = Text(max_length=2_000, required=True)
    application = Name()
    award = Name()
    corrects = Integer(1, 2**53)


SCHEMAS = (NoteRecorded,)
