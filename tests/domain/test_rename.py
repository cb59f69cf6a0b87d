"""The change of a recipient's name or identity, by rename or merger."""

from msgspec.structs import replace

from domain.fund.lifecycle import FundClosed
from domain.project.amendment import PayeeChanged
from domain.project.call import Applicant, ApplicationReceived, ApplicationWithdrawn
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import PaymentRequested
from domain.project.rename import RecipientRenamed
from domain.recipient import PersonalId, Recipient
from domain.rules.award import PayeeNotApplicant
from domain.rules.call import AlreadyApplied, InvalidCode
from domain.rules.every_post import BeforeItsCause, UnknownName
from domain.rules.payment import PayeeMismatch
from domain.rules.project import ProjectIsClosed
from domain.rules.rename import NotRecipient, RecipientUnchanged
from domain.rules.reversal import NotTheLast
from domain.rules.waiver import SamePerson
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    allotted,
    award_list,
    awarded,
    balances,
    called,
    line,
    noticed,
    payee,
    row,
    wholly_paid,
    yuan,
)
from tests.scenario import Scenario, post

OLD, NEW = Recipient("示例a", "9a"), Recipient("示例集团", "9n")
MERGED = RecipientRenamed("A-a", OLD, NEW)
TO_NEW = replace(payee("n"), name="示例集团")

called_project = Scenario().given(*allotted(line()), *called())
noticed_project = Scenario().given(*allotted(line()), *noticed())


def renamed(scenario, fact=MERGED, on="3-1"):
    return scenario.given(post(PROJECT, fact, on, **ANOTHER))


def test_who_recorded_the_rename_does_not_decide_the_list_that_pays_the_new_identity():
    scenario = noticed_project.given(post(PROJECT, MERGED, "2-25"))
    to_new = replace(row("a", "30.00", "20.00"), payee=TO_NEW)
    scenario.when(post(PROJECT, award_list(scenario, to_new), "3-1")).refused(SamePerson)
    scenario.when(post(PROJECT, award_list(scenario, to_new), "3-1", **ANOTHER)).accepted()
    scenario.when(post(PROJECT, award_list(scenario, row("b", "30.00", score=89)), "3-1")).accepted()


def test_a_list_pays_the_recipient_under_its_identity_of_today():
    scenario = renamed(noticed_project, on="2-25")
    to_new = replace(row("a", "30.00", "20.00"), payee=TO_NEW)
    scenario.when(post(PROJECT, award_list(scenario, to_new), "3-1")).accepted()
    to_old = row("a", "30.00", "20.00")
    scenario.when(post(PROJECT, award_list(scenario, to_old), "3-1")).refused(
        PayeeNotApplicant, application="A-a", payee="示例a (9a, …0001)", applicant="9n"
    )


def test_a_rename_changes_neither_money_nor_whom_it_is_paid_to():
    before = awarded()
    after = renamed(before)
    assert balances(after) == balances(before)
    assert after.ledger.project("p").awards == before.ledger.project("p").awards
    to_new = PaymentRequested("P1", "L-a", 1, yuan("30.00"), TO_NEW)
    after.when(post(PROJECT, to_new, "3-3")).refused(PayeeMismatch, payee="示例集团 (9n, …0001)")
    changed = after.given(post(PROJECT, PayeeChanged("L-a", payee("a"), TO_NEW, "分管领导"), "3-2"))
    changed.when(post(PROJECT, to_new, "3-3")).accepted()


def test_neither_the_old_nor_the_new_identity_applies_again_in_the_round():
    after = renamed(called_project, on="2-6")
    for code in ("9a", "9n"):
        again = post(PROJECT, ApplicationReceived("A-x", Applicant("示例x", code)), "2-7")
        after.when(again).refused(AlreadyApplied, uscc=code, application="A-a", round=1)
        withdrawn = after.given(post(PROJECT, ApplicationWithdrawn("A-a", "撤回"), "2-7"))
        withdrawn.when(again).accepted()


def test_two_applicants_of_a_round_may_merge():
    merged = renamed(called_project, RecipientRenamed("A-a", OLD, Recipient("示例b", "9b")), on="2-6")
    again = post(PROJECT, ApplicationReceived("A-x", Applicant("示例b", "9b")), "2-7")
    withdrawn = merged.given(post(PROJECT, ApplicationWithdrawn("A-b", "合并"), "2-6"))
    withdrawn.when(again).refused(AlreadyApplied, uscc="9b", application="A-a", round=1)


def test_a_withdrawal_is_not_reversed_once_the_new_identity_has_applied_again():
    withdrawn = renamed(called_project, on="2-6").given(post(PROJECT, ApplicationWithdrawn("A-a", "撤回"), "2-6"))
    again = post(PROJECT, ApplicationReceived("A-x", Applicant("示例集团", "9n")), "2-7")
    after = withdrawn.given(again)
    after.when(after.reversing(ApplicationWithdrawn, "2-8")).refused(AlreadyApplied, uscc="9n", application="A-x")


def test_a_further_rename_starts_from_any_earlier_identity():
    further = RecipientRenamed("A-a", NEW, Recipient("示例股份", "9s"))
    renamed(renamed(awarded()), further).when(
        post(PROJECT, RecipientRenamed("A-a", OLD, Recipient("示例控股", "9t")), "3-2")
    ).accepted()


def test_a_change_of_the_name_alone_is_a_rename():
    awarded().when(post(PROJECT, RecipientRenamed("A-a", OLD, Recipient("新名", "9a")), "3-2")).accepted()


def test_a_payee_other_than_the_applicant_is_renamed_without_becoming_the_applicant():
    to_b = awarded().given(post(PROJECT, PayeeChanged("L-a", payee("a"), payee("z"), "分管领导"), "3-2"))
    after = renamed(to_b, RecipientRenamed("A-a", Recipient("示例z", "9z"), NEW), on="3-3")
    assert after.ledger.project("p").applications["A-a"].identities == ("uscc:9a",)


def test_only_a_recipient_is_renamed():
    stranger = RecipientRenamed("A-a", Recipient("示例x", "9x"), NEW)
    awarded().when(post(PROJECT, stranger, "3-2")).refused(NotRecipient, application="A-a", recipient="示例x (9x)")
    person = replace(stranger, old=Recipient("某人", id_card=PersonalId("0011", "d" * 32)))
    awarded().when(post(PROJECT, person, "3-2")).refused(NotRecipient, recipient="某人 (…0011)")
    awarded().when(post(PROJECT, replace(MERGED, application="A-x"), "3-2")).refused(UnknownName, name="A-x")


def test_a_rename_changes_something_to_a_valid_code_after_the_application():
    same = RecipientRenamed("A-a", OLD, Recipient("示例 a", "9a"))
    awarded().when(post(PROJECT, same, "3-2")).refused(RecipientUnchanged, application="A-a")
    invalid = replace(MERGED, new=Recipient("示例集团", "0n"))
    awarded().when(post(PROJECT, invalid, "3-2")).refused(InvalidCode, uscc="0n")
    early = post(PROJECT, MERGED, "2-4", booked="3-2")
    awarded().when(early).refused(BeforeItsCause, cause="ApplicationReceived")


def test_a_recipient_is_renamed_years_after_the_project_and_fund_are_closed():
    closed = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"), post(FUND, FundClosed(), "8-2"))
    after = renamed(closed, on="2020-3-1")
    assert after.ledger.project("p").applications["A-a"].identities == ("uscc:9a", "uscc:9n")
    assert after.ledger.project("p").closed
    change = post(PROJECT, PayeeChanged("L-a", payee("a"), TO_NEW, "分管领导"), "2020-3-2")
    after.when(change).refused(ProjectIsClosed)
    undone = after.given(after.reversing(RecipientRenamed, "2020-3-2"))
    assert undone.ledger.project("p").applications == closed.ledger.project("p").applications


def test_a_rename_on_which_an_award_rests_is_not_reversed():
    scenario = renamed(noticed_project, on="2-25")
    to_new = replace(row("a", "30.00", "20.00"), payee=TO_NEW)
    decided = scenario.given(post(PROJECT, award_list(scenario, to_new), "3-1"))
    decided.when(decided.reversing(RecipientRenamed, "3-2")).refused(NotTheLast, kind="application", name="A-a")
