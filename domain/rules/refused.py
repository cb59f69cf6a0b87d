"""The base class of all rules. An instance is a refusal, with the values that fill its English and Chinese message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple


class Source(NamedTuple):
    """Where a rule comes from, or why an alert exists, in two languages.

    `kind` is "law", "seed" (the fund's plan), "setting" (of the fund), "practice", or "books" (sound accounts).
    """

    kind: str
    zh: str
    en: str


BOOKS = Source("books", "账簿一致", "what keeps the books sound")
SEED = Source("seed", "专项资金安排计划", "the plan of the special fund")
ACCOUNTING = Source("law", "会计法；财会〔2024〕12号第二十一条", "Accounting Law; Caikuai [2024] No. 12, article 21")
BUDGET = Source("law", "预算法及其实施条例", "Budget Law and its implementing regulation")
DUTIES = Source("practice", "不相容岗位分离", "separation of duties")
PRACTICE = Source("practice", "公开的管理办法和通知", "published rules and notices of such funds")


def setting(name: str) -> Source:
    """The Source of a rule that rests on the fund's setting `name`."""
    return Source("setting", f"规则参数 {name}", f"the fund's setting {name}")


WORDS = {
    "application": "申报",
    "award": "立项",
    "payment": "支付",
    "project": "项目",
    "batch": "批次",
    "task": "任务",
    "line": "项目额度",
    "review": "评审",
    "notice": "公示",
    "agreement": "合同",
    "objection": "异议",
    "recovery": "追缴",
    "waiver": "豁免",
    "round": "征集轮次",
    "appropriation": "指标",
    "source": "来源",
    "goal": "绩效目标",
    "payee": "收款人",
    "at_most": "最多可收的金额",
    "decided": "会议决定",
    "by_score": "按得分",
    "rank": "名次",
    "number": "序号",
    "total": "合计",
    "acceptance": "验收",
    "treasury": "国库",
    "pool": "待分配资金",
    "surrendered": "已上缴",
    "interest": "孳息",
    "interest_surrendered": "已上缴孳息",
    "hold": "冻结",
    "finding": "问题",
    "all": "全部",
    "recovered": "已追回",
    "committed": "立项承诺",
    "payable": "应付",
    "in_approval": "审批中",
    "in_transit": "在途",
    "paid": "已付",
    "none": "未开始",
    "pending": "待处理",
    "passed": "通过",
    "failed": "未通过",
    "requested": "已申请",
    "approved": "已审批",
    "rejected": "已驳回",
    "cancelled": "已作废",
    "instructed": "已支付指令",
    "confirmed": "已支付",
    "live": "有效",
    "declined": "已放弃",
    "revoked": "已撤销",
    "terminated": "已终止",
    "rectifying": "整改中",
    "running": "公示中",
    "completed": "公示完成",
    "withdrawn": "已撤回",
    "excluded": "因异议成立已排除",
    "awarded": "已立项",
    "unscreened": "未通过审查",
    "unscored": "未评分",
    "past": "属于以前轮次",
    "statement": "对账单",
    "period": "会计期间",
    "contradiction": "对账单自相矛盾",
    "statement_only": "仅对账单有",
    "ledger_only": "仅账簿有",
    "duplicate": "对账单重复",
    "amount_differs": "金额不符",
    "payee_differs": "收款人不符",
    "date_differs": "日期不符",
    "out": "支出",
    "in": "收入",
}
"""The Chinese names of the codes in refusals, such as statuses and accounts, in the terms of a finance office."""


CODED = frozenset(
    {
        "kind",
        "what",
        "status",
        "wanted",
        "account",
        "accounts",
        "cause",
        "gate",
        "asked_gate",
        "checkpoint",
        "earlier",
        "entry",
        "lacks",
        "origin",
        "share",
        "direction",
        "difference",
        "held",
    }
)
"""The facts of refusals that have codes as values, such as a status. Other values may be names, never translated."""
_CODE = re.compile(r"(?<![\w-])[A-Za-z_]+(?![\w-])")
_NEXT_TO_CHINESE = re.compile(r"(?<=[\u3000-\u9fff“”]) (?=[\u3000-\u9fff“”])")


def _in_chinese(name: str, value: object, words: Mapping[str, str]) -> object:
    """The value of the refusal's fact `name`, as a Chinese message shows it.

    If the fact is in CODED, its codes are translated by `words`. None becomes 无.
    """
    if value is None:
        return "无"
    if name in CODED and isinstance(value, str):
        translated = _CODE.sub(lambda code: words.get(code[0], code[0]), value).replace(", ", "、")
        return _NEXT_TO_CHINESE.sub("", translated)
    return value


def _spaced(template: str, facts: Mapping[str, object]) -> str:
    """The Chinese message `template` without the spaces around placeholders that Chinese words will fill.

    Spaces are removed only around the placeholders of facts in CODED whose value in `facts` is all Chinese.
    """
    for name in CODED & facts.keys():
        if re.fullmatch(r"[\u3000-\u9fff“”]+", str(facts[name])):
            field = f"{{{name}}}"
            template = template.replace(f" {field} ", field).replace(f" {field}", field).replace(f"{field} ", field)
    return template


@dataclass(eq=False)
class Refused(Exception):
    """The ledger refuses this event."""

    zh: ClassVar[str] = "账簿拒绝此事件。"
    remedy: ClassVar[str]
    remedy_zh: ClassVar[str]
    source: ClassVar[Source] = BOOKS
    waivable: ClassVar[str | None] = None
    improper: ClassVar[bool] = False

    @property
    def facts(self) -> dict[str, object]:
        """The values that fill the placeholders of the message, by the placeholders' names."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        facts = {name: "none" if value is None else value for name, value in self.facts.items()}
        return (self.__doc__ or "").format(**facts)

    def chinese(self, titles: Mapping[str, str]) -> str:
        """The Chinese message, with its placeholders filled. `titles`: the Chinese names of the event types."""
        words = {**WORDS, **titles}
        facts = {name: _in_chinese(name, value, words) for name, value in self.facts.items()}
        return _spaced(self.zh, facts).format(**facts)
