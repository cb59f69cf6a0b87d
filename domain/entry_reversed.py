"""EntryReversed: the event that reverses another event."""

from __future__ import annotations

from collections.abc import Iterable

from immutables import Map

from domain.documents import Claim
from domain.event import Allowed, Fact, Reference, Restored
from domain.fen import FenSet
from domain.money import Money
from domain.posting import Move
from domain.rules.award import AboveNotice, AwardInFlight, NoPlacesLeft
from domain.rules.call import AlreadyApplied, AlreadyReviewed, ObjectionOpen, ObjectionUpheld
from domain.rules.every_post import BeforeItsCause, UnknownEntry
from domain.rules.fund import AllotmentExceedsPlan, BatchNotInPlan, FundIsClosed, NotInPlan
from domain.rules.payment import PayeeMismatch
from domain.rules.recovery import MoreThanPaid
from domain.rules.reversal import (
    AlreadyReversed,
    BeforeClosing,
    MoreThanLeft,
    MovedOn,
    NotInPart,
    NotRemembered,
    NotReversible,
    NotTheLast,
    WouldUnsettle,
)
from domain.rules.waiver import SamePerson, WaiverUsedUp


class EntryReversed(Fact, frozen=True):
    """An entry of the same stream is reversed: its fen move back to their source and its state changes are undone.

    `version` is the version of the reversed entry. `amount` is the part of the entry to reverse; only entries of some
    types can be reversed in part. If `amount` is omitted, all that is not reversed yet is reversed. The ledger sets
    `entry` (the type of the reversed entry), `restored` (the entities whose earlier state is restored) and `frees` (the
    document numbers that may be used again).
    """

    zh = "红字冲销"
    about_zh = "红字冲销同一事件流中的一个事件：资金原路退回，其改变的事项恢复原状；部分类型可以部分冲销。"
    streams = ("fund", "project")
    cites = (("冲销凭证号",),)
    claims = ("冲销凭证号",)
    records_too = ("AllotmentReceived", "AllotmentReduced", "FundsReturned", "FundsReturnReversed")
    allowed = Allowed.ALWAYS
    reversible = None
    refused_by = (
        UnknownEntry,
        NotReversible,
        NotInPart,
        BeforeClosing,
        BeforeItsCause,
        AlreadyReversed,
        MoreThanLeft,
        MovedOn,
        NotTheLast,
        ObjectionUpheld,
        ObjectionOpen,
        PayeeMismatch,
        SamePerson,
        NotRemembered,
        AlreadyReviewed,
        AlreadyApplied,
        AwardInFlight,
        FundIsClosed,
        NotInPlan,
        BatchNotInPlan,
        WouldUnsettle,
        MoreThanPaid,
        NoPlacesLeft,
        AllotmentExceedsPlan,
        AboveNotice,
        WaiverUsedUp,
    )
    version: int
    reason: str
    amount: Money | None = None
    entry: str = ""
    restored: tuple[Restored, ...] = ()
    frees: tuple[Claim, ...] = ()

    def refers_to(self, stream: str) -> tuple[Reference, ...]:
        return (Reference(stream, self.version),)

    def noted(self, reversed_: Map[int, FenSet], moves: Iterable[Move]) -> Map[int, FenSet]:
        """The map `reversed_` after this reversal, which made the moves `moves`.

        `reversed_` maps the version of an entry to the fen of this entry that reversals have moved back. The fen of
        `moves` are added under the version of the reversed entry.
        """
        fen = FenSet.of(span for moved in moves for span in moved.fen.ranges)
        return reversed_.set(self.version, reversed_.get(self.version, FenSet()) + fen)
