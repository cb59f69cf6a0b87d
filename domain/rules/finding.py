"""Rules for findings, and for events that are recorded though they broke a rule."""

from __future__ import annotations

from dataclasses import dataclass

from domain.rules.refused import Refused


@dataclass(eq=False)
class NotIrregular(Refused):
    """The rule {rule} would not have refused this event, is one that cannot be left out, or is named twice."""

    zh = "规则 {rule} 不会拒绝此事件，或不属于可以不适用的规则，或重复列出。"
    remedy = "Name in `irregular` only the rules that the event broke, once each; /v1/rules shows which are improper."
    remedy_zh = "irregular 只列该事件确实违反的规则，每条一次；哪些规则可列，见 /v1/rules（improper）。"
    rule: str


@dataclass(eq=False)
class FindingSettledAlready(Refused):
    """The finding {finding} is already settled."""

    zh = "问题 {finding} 已经销号。"
    remedy = "Settle a finding only once; record a new finding if the fault has come back."
    remedy_zh = "同一问题只销号一次；再次发生的，另行登记问题。"
    finding: str
