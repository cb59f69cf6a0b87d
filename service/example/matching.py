"""The second part of the example's life: the district adds money of its own, and some of it goes wrong.

The plan is revised by two lines. One is a list of rewards, to a unit and to a natural person. The other is a project
with a midterm checkpoint: a court holds its money for some days, and a payment is made before its gate is open. The
bank executes the voucher of a reward twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from stdnum.cn import ric

from domain.money import Money
from domain.state.fund import Gate
from service.example.history import History
from service.example.payments import Due, pass_checkpoint, pay
from service.example.recipients import Recipient, invent
from service.example.selection import select
from service.example.steps import Project, Step, days, rows

DISTRICT = "区配套"
GIVEN = Money(300_000_00)
"""What the district gives, in fen. What the two lines leave of it stays in the pool."""
REWARD = 20_000_00
"""The amount in fen of each reward."""
PART = 110_000_00
"""The amount in fen of each batch of the project with the midterm checkpoint."""
MIDTERM, FINAL = "midterm", "final"
REWARDED_FOR = ("中国专利优秀奖", "主导制定国家标准", "发明专利授权")


class Moved(NamedTuple):
    """Money that was reallocated since the plan was adopted: `amount` fen of a project's batch."""

    batch: int
    from_project: str
    to_project: str
    amount: int


class Matching(History):
    def play(self, on: date, moved: Sequence[Moved]) -> None:
        """Post the second part from the day `on`. `moved`: what the revised plan changes in the lines of the first."""
        first, last = (self._drafted["batches"][index]["batch"] for index in (0, -1))
        rewards, project = (self._project(line) for line in self._lines(first, last))
        self._arrive(on, moved, (rewards, project))
        listed = self._reward(rewards, first, on + days(15))
        self._interest(on + days(40))
        self._repeat(rewards, listed[0], first, on + days(60))
        next_year = date(on.year + 1, 1, 10)
        self._carry_forward(next_year, sum(rewards.amounts().values()))
        unit = self._select(project, next_year + days(5))
        paid = self._midterm(project, unit, first, next_year + days(230))
        self._final(project, unit, last, paid + days(70))

    # The money and the plan

    def _lines(self, first: int, last: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two new lines of the plan, with the fund's `first` and `last` batch."""
        number = 1 + max(line["number"] for line in self._drafted["lines"])
        task = self._drafted["tasks"][-2]["code"]
        rewards = {
            **self._line(number, "示例：知识产权奖励", task, {first: (Gate.AWARD, REWARD * len(REWARDED_FOR))}),
            "awards": len(REWARDED_FOR),
            "selection": "list",
            "support": "reward",
            "objective": "示例：奖励获得专利奖、主导制定标准、取得发明专利授权的单位和个人。",
        }
        project = {
            **self._line(number + 1, "示例：知识产权公共服务站", task, {first: (MIDTERM, PART), last: (FINAL, PART)}),
            "awards": 1,
            "checkpoints": [MIDTERM, FINAL],
            "support": "after",
            "objective": "示例：建设两个知识产权公共服务站，中期检查合格后拨付首批，验收合格后拨付余款。",
            "goals": [{"name": "示例：服务企业数", "unit": "家", "target": "200"}],
        }
        return rewards, project

    def _line(self, number: int, name: str, task: str, batches: Mapping[int, tuple[str, int]]) -> dict[str, Any]:
        """A line with these batches: each with its gate, and its amount in fen."""
        return {
            "project": f"{self._fund.partition('/')[2]}-{number:02d}",
            "number": number,
            "number_raw": f"示例{number}",
            "name": name,
            "name_annex": name,
            "tasks": [task],
            "award_rule": "exact",
            "fixed_total": False,
            "batches": [{"batch": each, "gate": gate, "amount": str(Money(a))} for each, (gate, a) in batches.items()],
            "total": str(Money(sum(amount for _, amount in batches.values()))),
        }

    def _arrive(self, on: date, moved: Sequence[Moved], projects: Sequence[Project]) -> None:
        """Revise the plan, receive the district's money, open the projects and allot the money to them."""
        self._poster.post(
            self._fund, "PlanRevised", on, "批复", **self._revised(moved, [each.line for each in projects])
        )
        money = {"amount": str(GIVEN), "budget_year": on.year, "funding_source": DISTRICT}
        self._given = self._poster.post(self._fund, "AppropriationReceived", on + days(7), "本级指标文号", **money)
        allotted = on + days(10)
        for project in projects:
            code = self._fund.partition("/")[2]
            self._poster.post(project.stream, "ProjectOpened", allotted, fund=code)
            for batch, amount in project.amounts().items():
                place = {"project": project.code, "batch": batch, "funding_source": DISTRICT}
                self._poster.post(
                    self._fund, "FundsAllotted", allotted, "资金分配文", **place, amount=str(Money(amount))
                )

    def _revised(self, moved: Sequence[Moved], new: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The plan after the amounts `moved`, with the lines `new`, and the district as a second source."""
        drafted = self._drafted
        lines = [*(_with_moved(line, moved) for line in drafted["lines"]), *new]
        central = {"source": "中央", "name": "中央专项资金", "level": "central", "amount": drafted["total"]}
        district = {"source": DISTRICT, "name": "示例：区财政配套资金", "level": "district", "amount": str(GIVEN)}
        of_batch = Counter[int]()
        for line in lines:
            for each in line["batches"]:
                of_batch[each["batch"]] += Money.parse(each["amount"])
        return {
            "title": drafted["title"],
            "tasks": drafted["tasks"],
            "lines": lines,
            "batches": [{**each, "total": str(Money(of_batch[each["batch"]]))} for each in drafted["batches"]],
            "total": str(Money(of_batch.total())),
            "sources": [central, district],
        }

    def _interest(self, on: date) -> None:
        received = {"amount": "3068.52", "since": (on - days(91)).isoformat(), "until": (on - days(1)).isoformat()}
        self._poster.post(self._fund, "InterestReceived", on, "利息单", **received)
        self._poster.post(self._fund, "InterestSurrendered", on + days(15), "缴款书", amount=received["amount"])

    def _carry_forward(self, on: date, paid: int) -> None:
        """Carry forward the district's money at the end of the year before `on`: all but `paid` fen."""
        carried = {"appropriation": self._given, "year": on.year - 1, "amount": str(Money(GIVEN - paid))}
        self._poster.post(self._fund, "YearCarriedForward", on, "结转批复", **carried)

    # The list of rewards

    def _reward(self, project: Project, batch: int, on: date) -> list[Recipient]:
        """Show the list to the public from the day `on`, decide it, and pay it."""
        [unit] = invent(project.code, project.line["number"], 1)
        person = _natural_person(project.line["number"])
        listed = []
        for number, recipient in enumerate((unit, unit, person), 1):
            name = {"application": f"{project.code}-A{number:02d}", "award": f"{project.code}-L{number:02d}"}
            listed.append(Recipient(**{**vars(recipient), **name, "score": "", "amounts": {batch: REWARD}}))
        entries = [
            {
                "application": each.application,
                "recipient": each.identity,
                "rewarded_for": rewarded_for,
                "amount": str(Money(REWARD)),
                "grounds": f"示例奖励办法第{number}条，证书示例〔{on.year}〕{number}号",
            }
            for number, (each, rewarded_for) in enumerate(zip(listed, REWARDED_FOR, strict=True), 1)
        ]
        last = self._notice_ends(on)
        shown = {"first_day": on.isoformat(), "last_day": last.isoformat(), "entries": entries}
        notice = self._poster.post(project.stream, "NoticeStarted", on, "公示", **shown)
        self._poster.post(project.stream, "NoticeCompleted", last + days(1))
        decided = {"notice": notice, "method": "示例：按奖励办法逐项核定", "awards": list(rows(listed))}
        self._poster.post(project.stream, "AwardListDecided", last + days(4), "纪要", "立项文号", **decided)
        self._post(step for each in listed for step in pay(self._due(project, each, batch), last + days(10)))
        return listed

    def _repeat(self, project: Project, each: Recipient, batch: int, on: date) -> None:
        """The bank executes the voucher of a reward a second time. The money comes back, with interest."""
        amount, payment = str(Money(REWARD)), f"{each.award}-X1"
        twice = {"payment": payment, "award": each.award, "batch": batch, "amount": amount, "payee": each.payee}
        repeats = {"account": "pool", "repeats": f"{each.award}-B{batch}-1", "reason": "示例：银行重复执行同一支付凭证"}
        found = self._poster.post(project.stream, "UnorderedPaymentFound", on, "流水号", **twice, **repeats)
        recovery, interest = {"recovery": f"{each.award}-R1"}, "5.20"
        order = {"payment": payment, "amount": amount, "interest": interest, "reason": "示例：重复支付"}
        due = {"due_on": (on + days(30)).isoformat()}
        self._poster.post(project.stream, "RecoveryOrdered", on + days(2), "追缴通知", **recovery, **order, **due)
        back = {**recovery, "amount": amount, "interest": interest}
        self._poster.post(project.stream, "RecoveryReceived", on + days(13), "缴款书", **back)
        place = {"project": project.code, "award": each.award, "batch": batch}
        self._poster.post(self._fund, "FundsReinstated", on + days(17), "恢复文", **place, amount=amount)
        self._poster.post(self._fund, "InterestSurrendered", on + days(18), "缴款书", amount=interest)
        settled = {
            "finding": f"UnorderedPaymentFound-{found}",
            "how": "recovered",
            "text": "示例：重复支付的资金已追回",
        }
        self._poster.post(project.stream, "FindingSettled", on + days(20), "整改报告", **settled)

    # The project with a midterm checkpoint

    def _select(self, project: Project, on: date) -> Recipient:
        """From the call to the agreement, for the best of three applicants."""
        project.applicants = list(invent(project.code, project.line["number"], 3))
        select(self._poster, [project], on, self._notice_ends, decided=tuple(project.amounts()))
        return project.awarded[0]

    def _midterm(self, project: Project, each: Recipient, batch: int, on: date) -> date:
        """The midterm check, a hold of a court, and the payment of the first batch. Returns the day of the payment."""
        self._post(pass_checkpoint(project, each, MIDTERM, on))
        held = {"hold": f"{each.award}-H1", "award": each.award, "authority": "示例区人民法院"}
        reason = {"reason": "示例：财产保全", "until": (on + days(180)).isoformat()}
        self._poster.post(project.stream, "FundsHeld", on + days(23), "冻结文书", **held, **reason)
        released = {"hold": held["hold"], "reason": "示例：保全解除"}
        self._poster.post(project.stream, "HoldReleased", on + days(37), "解除文书", **released)
        self._post(pay(self._due(project, each, batch), on + days(40)))
        return on + days(47)

    def _final(self, project: Project, each: Recipient, batch: int, on: date) -> None:
        """Half of the last batch is paid before the acceptance. An inspection finds it; it is put right afterwards."""
        half = project.amounts()[batch] // 2
        basis = {"kind": "检查报告", "number": f"示例检〔{on.year}〕1号"}
        broken = {"irregular": [{"rule": "GateShut", "found_by": "inspection", "basis": basis}]}
        early = self._due(project, each, batch, half)
        request, *rest = pay(early, on)
        asked = self._poster.post(request.stream, request.type, on, *request.cites, **request.data, **broken)
        self._post(rest)
        checked = on + days(45)
        self._post(pass_checkpoint(project, each, FINAL, checked))
        settled = {"finding": f"GateShut-{asked}", "how": "regularised", "text": "示例：验收已补办，支付条件已具备"}
        self._poster.post(project.stream, "FindingSettled", checked + days(22), "整改报告", **settled)
        self._post(pay(self._due(project, each, batch, project.amounts()[batch] - half), checked + days(25), attempt=2))
        self._poster.post(project.stream, "ProjectClosed", checked + days(40), "结项")

    def _due(self, project: Project, each: Recipient, batch: int, amount: int = 0) -> Due:
        return Due(project, each, batch, self._settings["approvals"], amount)

    def _post(self, steps: Iterable[Step]) -> None:
        self._poster.post_in_order(steps)


def _with_moved(line: Mapping[str, Any], moved: Sequence[Moved]) -> dict[str, Any]:
    """The line of the plan after the amounts `moved`, without a batch that has no money left."""
    amounts = Counter({each["batch"]: Money.parse(each["amount"]) for each in line["batches"]})
    for each in moved:
        amounts[each.batch] += each.amount * (line["project"] == each.to_project)
        amounts[each.batch] -= each.amount * (line["project"] == each.from_project)
    batches = [
        {**each, "amount": str(Money(amounts[each["batch"]]))} for each in line["batches"] if amounts[each["batch"]]
    ]
    return {**line, "batches": batches, "total": str(Money(amounts.total()))}


def _natural_person(number: int) -> Recipient:
    """An invented person: the identity card is of a day on which no recipient can have been born."""
    code = f"44010419000101{number:03d}"
    name = f"示例发明人{number}号"
    return Recipient("", name, "", f"6200000000{number:04d}9999", "", id_card=code + ric.calc_check_digit(code + "0"))
