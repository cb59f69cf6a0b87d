"""Interest 孳息: what a bank pays on the fund's account. It is not the fund's money, and is surrendered 上缴.

The fen of interest have serials of their own and are only ever in the accounts `interest` and `interest_surrendered`.
So they never mix with appropriated money.
"""

from __future__ import annotations

from datetime import date
from typing import assert_never, get_args

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reversible
from domain.fund.lifecycle import FundFact
from domain.interest import TAKEN, taken, with_interest
from domain.money import Money
from domain.posting import Place, move
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause
from domain.state.fund import Fund

# Events ----------------------------------------------------------------------


class InterestReceived(FundFact, frozen=True):
    """The bank paid interest on the fund's account. `since` and `until` are the days that it was paid for."""

    zh = "孳息收入"
    about_zh = "银行结息：孳息不属于专项资金，取得自己的编号，记入孳息账户，另行上缴。"
    allowed = Allowed.ALWAYS
    reversible = Reversible(in_part=True)
    cites = (("利息单",),)
    refused_by = (BeforeItsCause, *TAKEN)
    amount: Money
    since: date | None = None
    until: date | None = None

    def takes_serials(self) -> bool:
        return True


class InterestSurrendered(FundFact, frozen=True):
    """Interest was surrendered to the treasury."""

    zh = "孳息上缴"
    about_zh = "把孳息上缴国库。"
    allowed = Allowed.ALWAYS
    reversible = Reversible(in_part=True)
    cites = (("缴款书",),)
    claims = ("缴款书",)
    claims_for = "（孳息上缴）"
    refused_by = (BalanceTooSmall,)
    amount: Money


Event = InterestReceived | InterestSurrendered
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(fund: Fund, fact: Event, event: Recorded) -> Fund:
    match fact:
        case InterestReceived():
            return with_interest(fund, event)
        case InterestSurrendered():
            return fund
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def decide(context: Context, fund: Fund, fact: Event) -> Decision:
    match fact:
        case InterestReceived():
            last = fact.until or fact.since
            if last and last > context.occurred_on:
                raise BeforeItsCause(occurred_on=context.occurred_on, cause="InterestReceived", cause_on=last)
            return context.allow(taken(context, fund, "InterestReceived", fact.amount))
        case InterestSurrendered():
            return context.allow(move(fund.accounts, "InterestSurrendered", Place(), fact.amount))
        case _:
            assert_never(fact)
