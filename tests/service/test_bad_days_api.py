"""The bad days of a fund over HTTP: what an auditor finds of each afterwards.

Each day has a project of its own in one fund. An auditor must find what happened, which rule it broke, on what
document, who recorded it, and what became of the money.
"""

from urllib.parse import quote

import pytest

from service import example
from tests.service.bad_days import AUDIT, FUND, OTHER, SHOWN, UNIT, BadDay, applicant, irregular, recipient, serving

INSPECTOR = example.DEMO_PERSONS["inspection"]


@pytest.fixture(scope="module")
def served(server_url, template, tmp_path_factory):
    with serving(server_url, template, tmp_path_factory.mktemp("plan")) as served:
        yield served


@pytest.fixture
def days(served):
    return lambda number: BadDay(served, f"{FUND}-{number:02}")


# The recipient ---------------------------------------------------------------


def test_an_award_and_its_payments_are_found_by_the_firm_that_the_recipient_was_merged_into(days):
    day = days(1)
    old = day.awarded()
    day.paid("P-1", 1, "600.00", old)
    new = recipient(OTHER, "示例合并后有限公司", "6222021234560002")
    renamed = {"application": "A-1", "old": applicant(old), "new": applicant(new)}
    day.happens("RecipientRenamed", "2022-07-01", ["登记通知书"], **renamed)
    change = {"award": "L-1", "old": old, "new": new, "approver": "局长"}
    day.happens("PayeeChanged", "2022-07-02", ["变更函"], **change)
    for code in (UNIT, OTHER):
        award = day.only("awards", f"/v1/awards?project={day.project}&recipient={code}")
        payment = day.only("payments", f"/v1/payments?project={day.project}&recipient={code}")
        assert (award["uscc"], award["payee_uscc"], payment["payee_uscc"]) == (UNIT, OTHER, UNIT)
    recorded = [day.event(position) for position in award["events"]]
    assert ("PayeeChanged", "党组秘书", "变更函") in recorded


def test_money_that_a_departing_recipient_owes_with_interest_comes_back_apart(days):
    day = days(2)
    day.paid("P-1", 1, "600.00", day.awarded())
    day.happens("AwardTerminated", "2022-08-01", ["终止文号"], award="L-1", reason="迁出本区")
    order = {"recovery": "R-1", "payment": "P-1", "amount": "600.00", "interest": "4.35", "due_on": "2022-11-02"}
    day.happens("RecoveryOrdered", "2022-08-02", ["追缴通知"], **order, reason="迁出本区")
    more = {"recovery": "R-1", "amount": "604.35"}
    day.refused("MoreThanOutstanding", "RecoveryReceived", "2022-10-01", ["缴款书"], **more)
    day.happens("RecoveryReceived", "2022-10-01", ["缴款书"], recovery="R-1", amount="600.00", interest="4.35")
    found = day.recovery()
    assert {name: found[name] for name in ("payment", "reason", "received", "outstanding", "interest_received")} == {
        "payment": "P-1", "reason": "迁出本区",
        "received": "600.00", "outstanding": "0.00", "interest_received": "4.35",
    }  # fmt: skip
    assert (found["ordered_by"], found["ordered_by_person"]) == ("党组秘书", example.DEMO_PERSONS["award-board"])
    assert [each["kind"] for each in found["documents"]] == ["追缴通知"]
    movements = day.read(f"/v1/funds/{FUND}/interest")["movements"]
    [came] = [each for each in movements if each["project"] == day.project]
    assert (came["recovery"], came["received"], came["actor"]) == ("R-1", "4.35", "出纳")
    assert [each["kind"] for each in came["documents"]] == ["缴款书"]
    assert came["person"] == example.DEMO_PERSONS["treasury"]


def test_a_change_of_leader_and_of_the_agreement_is_on_record_with_its_document(days):
    day = days(3)
    day.awarded()
    for kind in ("leader_changed", "agreement_changed"):
        day.happens("NoteRecorded", "2022-05-01", ["函"], kind=kind, award="L-1", text="按申请变更")
    notes = day.read(f"/v1/notes?project={day.project}&award=L-1")["notes"]
    assert [(each["kind"], each["actor"]) for each in notes] == [
        ("leader_changed", "资金科"), ("agreement_changed", "资金科"),
    ]  # fmt: skip
    assert all(
        (each["documents"][0]["kind"], each["person"]) == ("函", example.DEMO_PERSONS["fund-office"]) for each in notes
    )


def test_a_recipient_that_is_supported_twice_is_reported_with_both_awards(days):
    twice = recipient("91440104MA0000005G", "示例重复有限公司", "6222021234560005")
    first, second = days(4), days(5)
    first.awarded(twice)
    second.awarded(twice)
    alert = second.alerts()["recipient-twice"]
    assert alert["facts"]["awards"] == f"{first.project}/L-1, {second.project}/L-1"
    decided = [second.event(position) for position in alert["events"]]
    assert decided == [("AwardListDecided", "党组秘书", "纪要")] * 2


def test_an_award_to_another_payee_that_was_decided_all_the_same_is_a_finding(days):
    day = days(6)
    review, notice = day.noticed(recipient())
    stranger = recipient(OTHER, "示例无关有限公司", "6222021234560009")
    decided = day.decision(review, notice, stranger)
    invalid = day.decision(review, notice, {**stranger, "uscc": "91440104MA0000003B"})
    cites = ("纪要", "立项文号")
    day.refused("InvalidCode", "AwardListDecided", "2022-03-08", cites, **invalid)
    day.refused("PayeeNotApplicant", "AwardListDecided", "2022-03-08", cites, **decided)
    version = day.happens("AwardListDecided", "2022-03-08", cites, **decided, irregular=irregular("PayeeNotApplicant"))
    finding = day.finding()
    assert (finding["finding"], finding["type"]) == (f"PayeeNotApplicant-{version}", "AwardListDecided")
    assert (finding["documents"], finding["opened_by_person"]) == ([AUDIT], INSPECTOR)
    assert {"payee-not-applicant", "finding-open"} <= day.alerts().keys()
    award = day.only("awards", f"/v1/awards?project={day.project}")
    assert (award["uscc"], award["payee_uscc"], award["decided"]) == (UNIT, OTHER, "1000.00")


def test_a_waiver_lets_the_tax_office_be_paid_and_nobody_else(days):
    day = days(7)
    day.awarded()
    tax = recipient("91440104MA0000004D", "示例税务所", "6222021234560007")
    waived = {"rule": "PayeeMismatch", "award": "L-1", "payee": tax, "at_most": "120.00", "reason": "代扣税款"}
    day.happens("WaiverGranted", "2022-03-09", ["批准文件"], **waived)
    request = ("PaymentRequested", "2022-03-10", ["支付申请编号"])
    stranger = recipient(OTHER, "示例路人公司", "6222021234560008")
    day.refused("PayeeMismatch", *request, **day.asked("P-1", 1, "120.00", stranger))
    day.refused("WaiverUsedUp", *request, **day.asked("P-1", 1, "120.01", tax))
    day.paid("P-1", 1, "120.00", tax)
    [waiver] = day.read(f"/v1/projects/{day.project}")["waivers"]
    assert (waiver["at_most"], waiver["granted_by"]) == ("120.00", "主任会议")
    assert [each["kind"] for each in waiver["documents"]] == ["批准文件"]
    assert "示例税务所" in waiver["payee"]
    payment = day.only("payments", f"/v1/payments?project={day.project}")
    assert (payment["payee"], payment["status"], payment["payee_differs"]) == ("示例税务所", "confirmed", False)
    refusals = day.read(f"/v1/refusals?project={day.project}")["refusals"]
    assert {each["rule"] for each in refusals} == {"PayeeMismatch", "WaiverUsedUp"}


# The project -----------------------------------------------------------------


def test_an_agreement_ends_later_only_by_extensions_with_their_documents(days):
    day = days(8)
    day.awarded()
    signed = {"award": "L-1", "starts_on": "2022-04-01"}
    day.happens("AgreementSigned", "2022-04-01", ["合同号"], **signed, ends_on="2022-12-31")
    for on, end in (("2022-12-01", "2023-06-30"), ("2023-06-01", "2023-12-31")):
        day.happens("ExtensionGranted", on, ["批复"], award="L-1", ends_on=end)
    again = {**signed, "ends_on": "2025-12-31"}
    day.refused("EndMovedWithoutExtension", "AgreementSigned", "2023-07-01", ["合同号"], **again)
    award = day.only("awards", f"/v1/awards?project={day.project}")
    assert award["ends_on"] == "2023-12-31"
    recorded = [day.event(position) for position in award["events"]]
    assert recorded.count(("ExtensionGranted", "党组秘书", "批复")) == 2


def test_what_was_reached_only_in_part_is_paid_in_part_and_the_rest_ordered_back(days):
    day = days(9)
    of = day.awarded()
    day.paid("P-1", 1, "600.00", of)
    day.accepted(conclusion="basically_qualified", score="70", settled="700.00")
    less = {"award": "L-1", "batch": 2, "increase": False, "amount": "300.00", "reason": "完成70%"}
    day.happens("AwardAmended", "2022-06-02", ["纪要"], **less)
    day.paid("P-2", 2, "100.00", of, on="2022-06-10")
    award = day.only("awards", f"/v1/awards?project={day.project}")
    assert {name: award[name] for name in ("decided", "amended", "awarded", "paid")} == {
        "decided": "1000.00", "amended": "-300.00", "awarded": "700.00", "paid": "700.00",
    }  # fmt: skip
    [checkpoint] = award["checkpoints"]
    assert (checkpoint["conclusion"], checkpoint["score"], checkpoint["settled"]) == (
        "basically_qualified", "70", "700.00",
    )  # fmt: skip


def test_money_that_a_court_has_frozen_is_not_paid_before_it_is_released(days):
    day = days(10)
    of = day.awarded()
    court = {"hold": "H-1", "award": "L-1", "authority": "示例法院", "reason": "财产保全"}
    day.happens("FundsHeld", "2022-03-09", ["冻结文书"], **court)
    request = ("PaymentRequested", "2022-03-10", ["支付申请编号"])
    refusal = day.refused("HoldStands", *request, **day.asked("P-1", 1, "600.00", of))
    assert refusal["title_zh"].startswith("冻结 H-1 限制的金额（元）：全部；")
    hold = day.only("holds", f"/v1/holds?project={day.project}")
    assert (hold["status"], hold["held_by"], hold["released_by"]) == ("held", "党组秘书", None)
    assert (hold["documents"][0]["kind"], hold["release_documents"]) == ("冻结文书", [])
    day.happens("HoldReleased", "2022-04-01", ["解除文书"], hold="H-1", reason="保全解除")
    day.paid("P-1", 1, "600.00", of, on="2022-04-02")
    hold = day.only("holds", f"/v1/holds?project={day.project}")
    assert (hold["status"], hold["released_on"], hold["release_reason"]) == ("released", "2022-04-01", "保全解除")
    assert (hold["released_by"], hold["released_by_person"]) == ("党组秘书", example.DEMO_PERSONS["award-board"])
    assert hold["release_documents"][0]["kind"] == "解除文书"


def test_an_award_that_is_ended_after_its_project_was_closed_is_paid_back_in_parts(days):
    day = days(11)
    of = day.awarded()
    day.paid("P-1", 1, "600.00", of)
    day.accepted()
    day.paid("P-2", 2, "400.00", of, on="2022-06-10")
    day.happens("ProjectClosed", "2022-12-01", ["结项"])
    day.happens("AwardTerminated", "2025-03-01", ["终止文号"], award="L-1", reason="弄虚作假")
    order = {"recovery": "R-1", "payment": "P-2", "amount": "400.00", "due_on": "2025-06-01", "reason": "弄虚作假"}
    day.happens("RecoveryOrdered", "2025-03-02", ["追缴通知"], **order)
    day.happens("RecoveryReceived", "2025-05-01", ["缴款书"], recovery="R-1", amount="100.00")
    day.happens("RecoveryExtended", "2025-05-02", ["批复"], recovery="R-1", due_on="2026-12-31")
    found = day.recovery()
    assert (found["received"], found["outstanding"], found["due_on"]) == ("100.00", "300.00", "2026-12-31")
    award = day.only("awards", f"/v1/awards?project={day.project}")
    assert {name: award[name] for name in ("status", "decided", "paid", "recovery_received")} == {
        "status": "terminated", "decided": "1000.00", "paid": "900.00", "recovery_received": "100.00",
    }  # fmt: skip


# The fund --------------------------------------------------------------------


def test_interest_of_the_account_is_surrendered_and_is_not_the_fund_s_money(days):
    day, fund = days(17), f"fund/{FUND}"
    before = day.read(f"/v1/funds/{FUND}/balances")["total"]
    bank = {"amount": "12.34", "since": "2022-09-21", "until": "2022-12-20"}
    day.happens("InterestReceived", "2022-12-21", ["利息单"], stream=fund, **bank)
    day.happens("InterestSurrendered", "2022-12-22", ["缴款书"], stream=fund, amount="12.34")
    movements = day.read(f"/v1/funds/{FUND}/interest")["movements"]
    own = [each for each in movements if each["project"] is None]
    assert [(each["type"], each["actor"], each["documents"][0]["kind"]) for each in own] == [
        ("InterestReceived", "资金科", "利息单"), ("InterestSurrendered", "资金科", "缴款书"),
    ]  # fmt: skip
    assert day.read(f"/v1/funds/{FUND}/balances")["total"] == before


def test_another_bureau_and_another_name_of_the_fund_are_on_record(days):
    day, fund = days(17), f"fund/{FUND}"
    moved = {"kind": "authority_changed", "text": "主管部门由甲局变更为乙局"}
    day.happens("NoteRecorded", "2022-05-01", ["批复"], stream=fund, **moved)
    day.happens("FundRenamed", "2022-05-02", ["批复"], stream=fund, name="示例：改名后的专项资金")
    assert day.read(f"/v1/funds/{FUND}")["name"] == "示例：改名后的专项资金"
    note = day.only("notes", f"/v1/notes?fund={FUND}&kind=authority_changed")
    assert (note["text"], note["project"], note["documents"][0]["kind"]) == (moved["text"], None, "批复")


# Money that went wrong -------------------------------------------------------


def test_a_batch_that_was_paid_before_its_acceptance_is_a_finding_until_it_is_put_right(days):
    day = days(12)
    of = day.awarded()
    day.paid("P-1", 1, "600.00", of)
    request = ("PaymentRequested", "2022-05-15", ["支付申请编号"])
    early = day.asked("P-2", 2, "400.00", of)
    day.refused("GateShut", *request, **early)
    day.paid("P-2", 2, "400.00", of, on="2022-05-15", irregular=irregular("GateShut"))
    finding = day.finding()
    assert {name: finding[name] for name in ("rule", "type", "award", "payment", "amount", "status")} == {
        "rule": "GateShut", "type": "PaymentRequested", "award": "L-1", "payment": "P-2", "amount": "400.00",
        "status": "open",
    }  # fmt: skip
    assert (finding["found_by"], finding["documents"]) == ("audit", [AUDIT])
    assert (finding["opened_by"], finding["opened_by_person"]) == ("检查组", INSPECTOR)
    assert day.alerts()["finding-open"]["events"] == finding["events"]
    day.accepted("2022-08-01")
    settled = {"finding": finding["finding"], "how": "regularised", "text": "验收已补办"}
    day.happens("FindingSettled", "2022-08-02", ["整改报告"], **settled)
    finding = day.finding()
    assert (finding["status"], finding["how"], finding["settlement"]) == ("settled", "regularised", "验收已补办")
    assert (finding["settled_by"], finding["settled_by_person"]) == ("检查组", INSPECTOR)
    assert [each["kind"] for each in finding["settlement_documents"]] == ["整改报告"]
    payment = day.read(f"/v1/payments/P-2?project={day.project}")
    assert (payment["status"], payment["irregular"]) == ("confirmed", ["GateShut"])


def test_a_payment_that_was_charged_to_the_wrong_project_is_reversed_and_posted_with_the_same_voucher(days):
    wrong, right = days(13), days(14)
    of, voucher = wrong.awarded(), {"kind": "支付凭证号", "number": "示例凭证-14"}
    right.awarded()
    slip = {"kind": "流水号", "number": "示例流水-14"}
    wrong.paid("P-1", 1, "100.00", of, voucher=voucher, slip=slip)
    payment = wrong.only("payments", f"/v1/payments?project={wrong.project}")
    types = {wrong.event(each)[0]: wrong.read(f"/v1/events/{each}")["streamversion"] for each in payment["events"]}
    for entry in ("PaymentConfirmed", "PaymentInstructed"):
        reversal = {"version": types[entry], "reason": "用错项目"}
        wrong.happens("EntryReversed", "2022-05-20", ["冲销凭证号"], **reversal)
    wrong.happens("PaymentCancelled", "2022-05-20", payment="P-1", reason="用错项目")
    right.paid("P-1", 1, "100.00", of, voucher=voucher, slip=slip)
    rows = right.read(f"/v1/payments?fund={FUND}&voucher=示例凭证-14")["payments"]
    assert [(each["project"], each["status"]) for each in rows] == [(right.project, "confirmed")]
    payment = wrong.only("payments", f"/v1/payments?project={wrong.project}")
    assert payment["status"] == "cancelled"
    recorded = [wrong.event(each) for each in payment["events"]]
    assert recorded.count(("EntryReversed", "会计", "冲销凭证号")) == 2
    number = quote("示例流水-14")
    cited = [each["stream"] for each in right.read(f"/v1/documents/{number}")["citations"]]
    assert cited == [wrong.stream, right.stream]


def test_what_the_bank_paid_twice_is_taken_from_another_line_until_it_comes_back(days):
    """All money of the project itself is awarded or paid, so that it has no account that holds enough."""
    day, other, fund = days(15), days(17), f"fund/{FUND}"
    of = day.awarded()
    day.paid("P-1", 1, "600.00", of)
    slip = {"kind": "流水号", "number": "示例重复流水-15", "issuer": "示例银行"}
    twice = {
        "payment": "U-1", "award": "L-1", "batch": 1, "amount": "600.00", "payee": of, "repeats": "P-1",
        "reason": "同一凭证重复执行",
    }  # fmt: skip
    found = ("UnorderedPaymentFound", "2022-04-19", [slip])
    for account in ("payable", "line", "pool"):
        day.refused("BalanceTooSmall", *found, **twice, account=account)
    line = {"project": other.project, "batch": 1, "amount": "600.00"}
    day.happens("AllotmentWithdrawn", "2022-04-18", ["批复"], stream=fund, **line)
    version = day.happens(*found, **twice, account="pool")
    finding = day.finding()
    assert finding["finding"] == f"UnorderedPaymentFound-{version}"
    assert {name: finding[name] for name in ("payment", "repeats", "award", "amount", "text", "rule")} == {
        "payment": "U-1", "repeats": "P-1", "award": "L-1", "amount": "600.00",
        "text": "同一凭证重复执行", "rule": None,
    }  # fmt: skip
    assert (finding["documents"][0]["number"], finding["opened_by_person"]) == ("示例重复流水-15", INSPECTOR)
    order = {"recovery": "R-1", "payment": "U-1", "amount": "600.00", "due_on": "2022-05-20", "reason": "重复支付"}
    day.happens("RecoveryOrdered", "2022-04-20", ["追缴通知"], **order)
    day.happens("RecoveryReceived", "2022-05-01", ["缴款书"], recovery="R-1", amount="600.00")
    day.happens("FindingSettled", "2022-05-02", ["缴款书"], finding=finding["finding"], how="recovered", text="已追回")
    payment = day.read(f"/v1/payments/U-1?project={day.project}")
    assert {name: payment[name] for name in ("unordered", "repeats", "amount", "recovered", "status")} == {
        "unordered": True, "repeats": "P-1", "amount": "600.00", "recovered": "600.00", "status": "confirmed",
    }  # fmt: skip
    trace = day.read(f"/v1/payments/U-1/trace?project={day.project}")
    assert {"UnorderedPaymentFound", "RecoveryReceived"} <= {step["type"] for step in trace["steps"]}
    assert (day.finding()["status"], day.finding()["how"]) == ("settled", "recovered")
    back = {"project": day.project, "award": "L-1", "batch": 1, "amount": "600.00"}
    day.happens("FundsReinstated", "2022-05-03", ["恢复文"], stream=fund, **back)
    day.happens("FundsAllotted", "2022-05-04", ["资金分配文"], stream=fund, **line)
    batches = day.read(f"/v1/projects/{other.project}")["batches"]
    assert [each["line"] for each in batches] == ["600.00", "400.00"]


def test_a_notice_that_was_too_short_is_a_finding_of_the_award_s_round(days):
    day = days(16)
    review = day.reviewed(recipient())
    short = {**SHOWN, "last_day": "2022-03-01"}
    day.refused("NoticeTooShort", "NoticeStarted", "2022-02-24", ["公示"], **short)
    version = day.happens("NoticeStarted", "2022-02-24", ["公示"], **short, irregular=irregular("NoticeTooShort"))
    day.happens("NoticeCompleted", "2022-03-02")
    decided = day.decision(review, version, recipient())
    day.happens("AwardListDecided", "2022-03-08", ["纪要", "立项文号"], **decided)
    finding = day.finding()
    assert (finding["finding"], finding["rule"]) == (f"NoticeTooShort-{version}", "NoticeTooShort")
    assert (finding["documents"], finding["opened_by_person"], finding["payment"]) == ([AUDIT], INSPECTOR, None)
    assert day.event(finding["events"][0]) == ("NoticeStarted", "检查组", "公示")
    report = {
        "finding": "W-7", "kind": "selection", "text": "公示仅四个工作日", "authority": "示例审计局",
        "events": [{"stream": day.stream, "version": version}], "due_on": "2022-09-30",
    }  # fmt: skip
    day.happens("FindingRecorded", "2022-07-01", [AUDIT], stream=f"fund/{FUND}", **report)
    [recorded] = [each for each in day.read(f"/v1/findings?fund={FUND}")["findings"] if each["finding"] == "W-7"]
    assert (recorded["about"], recorded["documents"]) == (finding["events"], [AUDIT])
    assert (recorded["authority"], recorded["due_on"], recorded["rule"]) == ("示例审计局", "2022-09-30", None)
