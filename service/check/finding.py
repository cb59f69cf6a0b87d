"""The report of a check, and the kinds of findings, each with a severity and a message in two languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    ERROR = "error"
    NOTE = "note"


class Kind(NamedTuple):
    """A kind of finding. The messages `en` and `zh` are format strings that take a finding's facts."""

    severity: Severity
    en: str
    zh: str


KINDS = {
    "missing-row": Kind(Severity.ERROR, "{table} lacks the row {key}.", "表 {table} 缺少行 {key}。"),
    "extra-row": Kind(
        Severity.ERROR,
        "{table} has the row {key}, which cannot be derived from the log.",
        "表 {table} 多出行 {key}，日志中没有依据。",
    ),
    "wrong-amount": Kind(
        Severity.ERROR,
        "{table}, row {key}: {columns} should be {expected} but is {found}.",
        "表 {table} 的行 {key}：{columns} 应为 {expected}，实为 {found}。",
    ),
    "wrong-value": Kind(
        Severity.ERROR,
        "{table}, row {key}: {columns} should be {expected} but is {found}.",
        "表 {table} 的行 {key}：{columns} 应为 {expected}，实为 {found}。",
    ),
    "conservation-broken": Kind(
        Severity.ERROR,
        "The appropriations of fund {fund} are {appropriated} yuan, but its accounts hold {held} yuan in total.",
        "专项资金 {fund} 下达 {appropriated} 元，各账户合计 {held} 元。",
    ),
    "fen-misplaced": Kind(
        Severity.ERROR,
        "Version {version} of {stream} moves fen that are in two places, or not in the place they move from: {reason}",
        "{stream} 第 {version} 号事件移动的分不在转出账户，或同时在两处：{reason}",
    ),
    "cannot-be-folded": Kind(
        Severity.ERROR,
        "The log cannot be folded into {table} at position {position}: {reason}",
        "日志第 {position} 号事件无法推算到表 {table}：{reason}",
    ),
    "fund-held": Kind(
        Severity.ERROR,
        "The fund {fund} is held: version {version} of {stream} ({type}), position {position}, cannot be folded into"
        " {projection}: {finding}",
        "专项资金 {fund} 已暂停推算：{stream} 第 {version} 号事件（{type}，日志第 {position} 号）无法推算到表"
        " {projection}：{finding}",
    ),
    "position-gap": Kind(
        Severity.ERROR,
        "After position {before}, the next position of the log is {position}.",
        "日志第 {before} 号之后直接是第 {position} 号。",
    ),
    "version-gap": Kind(
        Severity.ERROR,
        "The stream {stream} has version {version} where version {expected} is expected.",
        "事件流 {stream} 应为第 {expected} 号，实为第 {version} 号。",
    ),
    "time-goes-back": Kind(
        Severity.ERROR,
        "Position {position} has an earlier recording time than the position before it, or one in the future.",
        "第 {position} 号事件的入账时间早于前一号，或晚于当前时间。",
    ),
    "unreadable-event": Kind(
        Severity.ERROR,
        "Position {position}, {type}, cannot be read: {reason}",
        "第 {position} 号事件（{type}）无法读取：{reason}",
    ),
    "newer-event": Kind(
        Severity.ERROR,
        "Position {position}, {type}, was recorded by a newer version of the program: this version does not know"
        " {unknown}. Run the check of the newer version.",
        "第 {position} 号事件（{type}）由更新的版本登记，本版本不认识{unknown_zh}：请用更新的版本核查。",
    ),
    "post-missing": Kind(
        Severity.ERROR,
        "Position {position} has no stored post: if it is sent again, it will be recorded twice.",
        "第 {position} 号事件没有对应的提交记录：重发会重复入账。",
    ),
    "claim-wrong": Kind(
        Severity.ERROR,
        "In the table of claimed numbers, {of} {number} is {state}.",
        "{of} {number} 在已用号码中{state_zh}。",
    ),
    "refused-today": Kind(
        Severity.NOTE,
        "Position {position}, {type}, would be refused by the current rules: {rule}. {reason}",
        "第 {position} 号事件（{type}）按现行规则会被拒绝：{rule}。{reason_zh}",
    ),
    "moves-otherwise": Kind(
        Severity.ERROR,
        "Position {position}, {type}, moves other fen than the rules require: {differs}.",
        "第 {position} 号事件（{type}）移动的分与规则的结果不同：{differs}。",
    ),
    "says-otherwise": Kind(
        Severity.NOTE,
        "Position {position}, {type}, has other field values than the current rules set: {differs}.",
        "第 {position} 号事件（{type}）所记与现行规则设定的不同：{differs}。",
    ),
    "projection-behind": Kind(
        Severity.NOTE,
        "The projections are at position {position}, {events} events behind the log.",
        "投影位于第 {position} 号事件，落后日志 {events} 个事件。",
    ),
    "cursor-wrong": Kind(
        Severity.ERROR,
        "The cursor of {table} is at position {at}; all projections should be at the same position of the log.",
        "表 {table} 记录的推算位置为 {at}；各表应处于日志的同一位置。",
    ),
    "serial-wrong": Kind(
        Severity.ERROR,
        "The stored next serial is {next}, but the serials issued by the log end at {issued}.",
        "已保存的下一编号为 {next}，日志中已发放的编号止于 {issued}。",
    ),
    "snapshot-wrong": Kind(
        Severity.ERROR,
        "The snapshot of {stream} at version {version} is not the state that its events lead to: {reason}",
        "事件流 {stream} 第 {version} 号的状态快照与其事件推得的状态不符：{reason}",
    ),
    "post-wrong": Kind(
        Severity.ERROR,
        "The post {source} {id} is stored with positions {first} to {last} or a digest that its events do not have.",
        "提交 {source} {id} 记录的位置 {first} 至 {last} 或其内容摘要与其事件不符。",
    ),
    "event-lost": Kind(
        Severity.ERROR,
        "A follower has received position {position}, {type} of {stream}, which {sender} sent as {sender_id}; the log,"
        " which ends at {head}, does not have it.",
        "跟随方收到过第 {position} 号事件（{type}，{stream}，由 {sender} 以 {sender_id} 提交），"
        "日志（止于第 {head} 号）中没有。",
    ),
    "range-lost": Kind(
        Severity.ERROR,
        "The events from position {first} to {last} that a follower has received are not those of the log, which ends"
        " at {head}.",
        "跟随方收到过的第 {first} 至 {last} 号事件与日志（止于第 {head} 号）不一致。",
    ),
    "sql-changed": Kind(
        Severity.ERROR,
        "{table} was folded by another version of its SQL than this program's.",
        "表 {table} 由不同版本的 SQL 推算。",
    ),
}
"""The kinds of findings by their published names."""
MAX_SHOWN = 100
"""Maximum number of findings that a report lists of each kind and table; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    facts: dict[str, Any]

    @property
    def severity(self) -> Severity:
        return KINDS[self.kind].severity

    @property
    def en(self) -> str:
        return KINDS[self.kind].en.format(**self.facts)

    @property
    def zh(self) -> str:
        return KINDS[self.kind].zh.format(**self.facts)

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "severity": self.severity, "sentence": self.en, "sentence_zh": self.zh,
            "facts": self.facts,
        }  # fmt: skip


def new_finding(kind: str, /, **facts: Any) -> Finding:
    return Finding(kind, facts)


@dataclass(slots=True)
class Report:
    """The findings in the log up to `head` and in the tables up to `position`.

    `events` and `rows`: how many events and table rows were checked.
    """

    position: int = 0
    head: int = 0
    events: int = 0
    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, findings: Iterable[Finding]) -> None:
        """Count all findings, and list the first MAX_SHOWN of each kind and table."""
        for each in findings:
            place = f"{each.kind} {each.facts.get('table', '')}"
            self.counts[each.kind] += 1
            self.counts[place] += 1
            if self.counts[place] <= MAX_SHOWN:
                self.findings.append(each)

    def merge(self, other: Report) -> None:
        """Add the findings and counts of `other`, which reports on another part of the same check."""
        self.events += other.events
        self.rows += other.rows
        self.findings += other.findings
        self.counts += other.counts

    @property
    def errors(self) -> int:
        return sum(self.counts[name] for name, kind in KINDS.items() if kind.severity is Severity.ERROR)

    def document(self) -> dict[str, Any]:
        """The report as JSON-compatible values, errors before notes."""
        ordered = sorted(self.findings, key=lambda each: each.severity is not Severity.ERROR)
        return {
            "position": self.position,
            "head": self.head,
            "events": self.events,
            "rows": self.rows,
            "errors": self.errors,
            "counts": {name: self.counts[name] for name in KINDS if self.counts[name]},
            "findings": [each.document() for each in ordered],
        }
