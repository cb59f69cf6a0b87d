"""One project of a running service on which things go wrong, posted and read over HTTP, and the fund that it is in."""

import json
from contextlib import contextmanager
from urllib.parse import quote

from service import example
from service.plans import plan_file
from tests.conftest import new_database
from tests.service.conftest import build, close
from tests.service.test_gateway import Served

FUND = "wrong-2022"
LINES = 17
PLAN = f"""
format: suyuan-plan/1
fund:
  code: {FUND}
  name: 示例：诸事不顺专项资金
  established_on: 2022-01-04
  settings: {{notice_working_days: 5, approvals: [审核, 审批], acceptance_tries: 2, bank: 示例银行}}
  documents: [{{kind: 立项依据, number: 示例依〔2022〕1号}}]
appropriation:
  amount: {LINES}000
  budget_year: 2022
  received_on: 2022-01-05
  documents: [{{kind: 本级指标文号, number: 示例指〔2022〕1号}}]
plan:
  title: 示例：诸事不顺的计划
  unit: 元
  drafted_on: 2022-01-06
  adopted_on: 2022-01-10
  allotted_on: 2022-01-11
  documents: [{{kind: 纪要, number: 示例纪〔2022〕1号}}]
  allotment_documents: [{{kind: 资金分配文, number: 示例分〔2022〕1号}}]
  tasks: [{{code: 甲, name: 任务}}]
  batches:
    - {{batch: 1, name: 首款, gate: award, total: {LINES * 600}}}
    - {{batch: 2, name: 尾款, gate: acceptance, total: {LINES * 400}}}
  total: {LINES}000
  projects:
"""
LINE = (
    "    - {{code: {0}-{1:02}, number: {1}, name: 第{1}日,"
    " tasks: [甲], awards: {{max: 2}}, amounts: {{1: 600, 2: 400}}, total: 1000}}\n"
)
OFFICES = {
    "fund-office": "资金科", "call-desk": "受理窗口", "award-board": "党组秘书", "treasury": "出纳", "approver": "科长",
    "final-approver": "局长", "acceptance-panel": "验收组", "waiver-board": "主任会议", "corrections": "会计",
    "inspection": "检查组",
}  # fmt: skip
AUDIT = {"kind": "审计报告", "number": "示例审〔2022〕7号"}
SHOWN = {"applications": [{"application": "A-1", "amount": "1000.00"}], "first_day": "2022-02-24"}
UNIT, OTHER = "91440104MA00000014", "91440104MA0000003A"


def recipient(uscc=UNIT, name="示例一号有限公司", account="6222021234560001"):
    return {"name": name, "uscc": uscc, "account": account}


def applicant(of):
    return {name: of[name] for name in ("name", "uscc")}


@contextmanager
def serving(server_url, template, folder):
    """A running service with the plan, and the keys of its offices."""
    file = folder / "plan.yaml"
    lines = "".join(LINE.format(FUND, number) for number in range(1, LINES + 1))
    file.write_text(PLAN + lines, encoding="utf-8")
    with new_database(server_url, template) as url:
        api = build(url)
        served = Served(api)
        posts = [{**each, "source": "/test"} for each in plan_file.posts(plan_file.read(file), "资金科")]
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        try:
            status, _, answer = served.call("POST", "/v1/events", json.dumps(posts), "fund-office", **kind)
            assert status == 201, answer
            yield served
        finally:
            served.stop()
            close(api)


def irregular(rule):
    return [{"rule": rule, "found_by": "audit", "basis": AUDIT}]


class BadDay:
    """One project of the fund, in which everything is posted and read over HTTP."""

    def __init__(self, served, project):
        self.served, self.project, self.stream = served, project, f"project/{project}"

    def post(self, type_, on, cites=(), *, stream=None, **data):
        """Returns the status and the answer. Cites a document with a new number for each kind, or the given ones."""
        kinds = [each for each in cites if isinstance(each, str)]
        event = self.served.api.event(type_, stream or self.stream, on, kinds, **data)
        event["data"]["documents"] += [each for each in cites if isinstance(each, dict)]
        key = example.key_of(event)
        event["data"]["actor"] = OFFICES[key]
        status, _, body = self.served.call("POST", "/v1/events", json.dumps(event), key)
        return status, json.loads(body)

    def happens(self, type_, on, cites=(), **data):
        """What is recorded; returns its version."""
        status, answer = self.post(type_, on, cites, **data)
        assert status == 201, answer
        return answer["version"]

    def refused(self, rule, type_, on, cites=(), **data):
        status, answer = self.post(type_, on, cites, **data)
        assert (status, answer.get("rule")) == (422, rule), answer
        return answer

    def read(self, path):
        self.served.api.fold()
        status, _, body = self.served.call("GET", quote(path, safe="/?=&:%"), key="auditor")
        assert status == 200, body
        return json.loads(body)

    def only(self, register, path):
        """The one row of a register."""
        [row] = self.read(path)[register]
        return row

    def finding(self, of=None):
        return self.only("findings", f"/v1/findings?project={of or self.project}")

    def recovery(self):
        return self.only("recoveries", f"/v1/funds/{FUND}/recoveries?project={self.project}")

    def alerts(self):
        alerts = self.read(f"/v1/funds/{FUND}/alerts")["alerts"]
        return {each["alert"]: each for each in alerts if self.project in json.dumps(each)}

    def event(self, position):
        """An event of the log: its type, who recorded it, and what it cites."""
        data = self.read(f"/v1/events/{position}")
        return data["type"], data["data"]["actor"], *[each["kind"] for each in data["data"].get("documents", [])[:1]]

    # A usual life ------------------------------------------------------------

    def reviewed(self, of):
        """A call in which `of` applies and is reviewed; returns the version of the review."""
        self.happens(
            "CallPublished", "2022-02-07", ["申报指南"], round=1, opens_on="2022-02-08", closes_on="2022-02-18"
        )
        self.happens("ApplicationReceived", "2022-02-09", ["受理号"], application="A-1", applicant=applicant(of))
        self.happens("CallClosed", "2022-02-21", round=1)
        self.happens("ApplicationScreened", "2022-02-22", ["审查表"], application="A-1", passed=True)
        scores = [{"application": "A-1", "score": "90"}]
        return self.happens("ReviewConcluded", "2022-02-23", ["评审意见"], method="平均分", scores=scores)

    def noticed(self, of):
        """The same, and what `of` is to get is shown to the public; returns the versions of review and notice."""
        review = self.reviewed(of)
        version = self.happens("NoticeStarted", "2022-02-24", ["公示"], **SHOWN, last_day="2022-03-04")
        self.happens("NoticeCompleted", "2022-03-07")
        return review, version

    def decision(self, review, notice, payee):
        amounts = [{"batch": 1, "amount": "600.00"}, {"batch": 2, "amount": "400.00"}]
        row = {"award": "L-1", "application": "A-1", "payee": payee, "score": "90", "rank": 1, "amounts": amounts}
        return {"review": review, "notice": notice, "method": "按得分", "awards": [row]}

    def awarded(self, of=None):
        of = of or recipient()
        review, notice = self.noticed(of)
        self.happens("AwardListDecided", "2022-03-08", ["纪要", "立项文号"], **self.decision(review, notice, of))
        return of

    def asked(self, payment, batch, amount, payee, on="2022-03-10", **more):
        return {"payment": payment, "award": "L-1", "batch": batch, "amount": amount, "payee": payee, **more}

    def approved(self, payment, on="2022-03-11"):
        for level in ("审核", "审批"):
            self.happens("PaymentApproved", on, ["审批单"], payment=payment, level=level)

    def paid(self, payment, batch, amount, payee, *, on="2022-03-10", voucher="支付凭证号", slip="流水号", **more):
        """A payment from its request to its confirmation."""
        asked = self.asked(payment, batch, amount, payee)
        self.happens("PaymentRequested", on, ["支付申请编号"], **asked, **more)
        self.approved(payment, on)
        self.happens("PaymentInstructed", on, [voucher], payment=payment)
        self.happens("PaymentConfirmed", on, [slip], payment=payment, amount=amount, payee=payee)

    def accepted(self, on="2022-06-01", **found):
        self.happens("AcceptanceRequested", on, award="L-1")
        self.happens("AcceptancePassed", on, ["验收意见"], award="L-1", **found)
