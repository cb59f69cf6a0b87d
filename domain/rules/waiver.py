"""Rules for waivers, and for the separation of duties."""

from __future__ import annotations

from dataclasses import dataclass

from domain.rules.refused import DUTIES, Refused


@dataclass(eq=False)
class NotWaivable(Refused):
    """The rule {rule} cannot be waived for a single {kind}."""

    zh = "规则 {rule} 不能针对单个 {kind} 豁免。"
    remedy = "See /v1/rules for the rules that can be waived, and name either the award or the application, not both."
    remedy_zh = "在 /v1/rules 查看可豁免的规则；立项和申报只填其一。"
    rule: str
    kind: str


@dataclass(eq=False)
class AlreadyWaived(Refused):
    """The rule {rule} is already waived for {name}."""

    zh = "规则 {rule} 已对 {name} 豁免。"
    remedy = "Grant each waiver only once."
    remedy_zh = "同一豁免只批准一次。"
    rule: str
    name: str


@dataclass(eq=False)
class SamePerson(Refused):
    """{who} has already acted in this matter: another person, with another key, must take this step."""

    zh = "{who} 已经办过此事项，须由另一人使用另一密钥办理。"
    remedy = "Have another person post it, or name another approver."
    remedy_zh = "由另一人办理，或填写另一位批准人。"
    source = DUTIES
    who: str
