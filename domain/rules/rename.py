"""Rules of a recipient's change of name or identity."""

from __future__ import annotations

from dataclasses import dataclass

from domain.rules.refused import Refused


@dataclass(eq=False)
class RecipientUnchanged(Refused):
    """The new name and identity of the recipient of {application} are the same as the old ones."""

    zh = "申报 {application} 的单位或个人变更前后相同。"
    remedy = "Give the name and identity after the change."
    remedy_zh = "填写变更后的名称和代码（证件号码）。"
    application: str


@dataclass(eq=False)
class NotRecipient(Refused):
    """{recipient} is neither the applicant of {application} nor the payee of its award."""

    zh = "{recipient} 不是申报 {application} 的申报单位，也不是其立项的收款人。"
    remedy = "Give as `old` the identity that the applicant or the payee has in the ledger before the change."
    remedy_zh = "old 填写申报单位或收款人变更前在账簿中的代码（证件号码）。"
    application: str
    recipient: str
