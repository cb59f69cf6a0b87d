"""What every rule is: a refusal that says itself in two languages, with its numbers, and how it is avoided."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(eq=False)
class Refused(Exception):
    """The ledger refuses this event."""

    zh: ClassVar[str] = "账簿拒绝此事件。"
    remedy: ClassVar[str]
    remedy_zh: ClassVar[str]

    @property
    def facts(self) -> dict[str, object]:
        """The numbers of this refusal, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        return self._told(self.__doc__ or "", "none")

    @property
    def chinese(self) -> str:
        return self._told(self.zh, "无")

    def _told(self, sentence: str, nothing: str) -> str:
        return sentence.format(**{name: nothing if value is None else value for name, value in self.facts.items()})
