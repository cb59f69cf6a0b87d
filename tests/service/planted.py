"""A ledger in which every text that belongs to a fund or project contains the mark of its owner.

The fund `own` and the fund `gmark-fund` each live the example life. The marks are parts of codes, names, actors,
documents, payees, keys, sources and ids. The project `own-1` and the fund `own` have no mark.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row
from stdnum.cn import uscc

from service.api.posting.event_schemas import SCHEMAS
from service.auth import api_keys
from service.auth.grants import SCOPES, grant
from tests.service.conftest import SECRET, Api

LAST = "demo-161"
"""The last event of the example life that is posted. Later ones close the projects and the fund."""
NAMES = ("award", "application", "payment", "repeats", "objection", "recovery", "hold")
TEXTS = (
    "actor", "number", "title", "issuer", "name", "name_annex", "name_en", "reason", "method", "explanation",
    "reference", "voucher", "approver", "payee", "text", "objective", "rewarded_for", "grounds",
)  # fmt: skip
"""The fields of posts whose text gets a mark. The fields in NAMES get it as a suffix with a hyphen."""
SEPARATE = {"approve:payment": "approver", "post:waiver": "waiver", "post:reversal": "books"}
"""The posts that need another sender than the office. Irregular posts have their own sender too, the inspection."""


class Owners(NamedTuple):
    """The codes of a fund and of its two projects, the mark of each, and four digits of each.

    The mark is empty for an owner whose texts have none. The digits are the last digits of the owner's bank accounts,
    and a part of its social credit codes.
    """

    codes: tuple[str, str, str]
    marks: tuple[str, str, str]
    digits: tuple[str, str, str]


OWN = Owners(("own", "own-1", "qmark-2"), ("", "", "qmark"), ("5050", "5151", "7391"))
FOREIGN = Owners(("gmark-fund", "amark-1", "bmark-2"), ("gmark", "amark", "bmark"), ("8620", "8426", "9517"))
DIGITS = {mark: digits for each in (OWN, FOREIGN) for mark, digits in zip(each.marks, each.digits, strict=True) if mark}
"""The digits of each owner that has a mark, by the mark."""


def plant(api: Api) -> None:
    """Record and fold the life of both funds, and add what is planted beside the log: refusals, a check."""
    for owners in (FOREIGN, OWN):
        senders = _senders(api, owners)
        for event in _life(api):
            mark, posted = _marked(event, owners)
            duty = SEPARATE.get(SCHEMAS[event["type"]].scope, "office")
            sender = senders[mark, "inspection" if "irregular" in event["data"] else duty]
            answer = api.post(posted, sender)
            assert answer.status_code == 201, (posted, answer.json)
    for owners in (FOREIGN, OWN):
        for number, mark in enumerate(owners.marks[1:], 1):
            _plant_refusals(api, owners, number, mark)
    with psycopg.connect(api.url, autocommit=True) as conn:
        conn.execute(PLANT_CHECK)
    api.fold()


def _plant_refusals(api: Api, owners: Owners, number: int, mark: str) -> None:
    """Have a sender without limits post to the own fund what names this project, so that refusals are stored."""
    names = Names(owners.codes[0], owners.codes[number], f"示例凭证P-{'07' if number == 1 else '21'}{mark}")
    for event in refused_posts(names).values():
        answer = api.post(event, "all")
        assert answer.status_code in (404, 409, 412, 422), (event, answer.json)


SOURCE, UNUSED = "/refused", "/unused"
"""The source of the refused posts, and a source that no recorded post has."""
NAMED: dict[str, list[str]] = {}
"""What each refused post names, by the id of the post."""


class Names(NamedTuple):
    """What a post may name: a fund, a project, a voucher's number, and the identity of a post."""

    fund: str
    project: str
    voucher: str
    source: str = UNUSED
    id: str = "unused-id"


def refused_posts(names: Names) -> dict[str, Any]:
    """Posts that are refused in any case, most of them to the own fund and its first project. Each names `names`."""
    entries = [{"stream": stream, "version": 3} for stream in (f"project/{names.project}", f"fund/{names.fund}")]
    own_fund, own_project = (f"{kind}/{code}" for kind, code in zip(("fund", "project"), OWN.codes, strict=False))
    much = "99999999.00"
    opening = _post("ProjectOpened", f"project/{names.project}", fund=OWN.codes[0])
    instruction = _post("PaymentInstructed", own_project, ("支付凭证号", names.voucher), payment="P-07")
    reallocated = {"from_project": OWN.codes[1], "from_batch": 1, "to_project": names.project, "to_batch": 1}
    posts: dict[str, Any] = {
        "allotment": _post("FundsAllotted", own_fund, ("资金分配文", "1"), project=names.project, batch=1, amount=much),
        "reallocation": _post("FundsReallocated", own_fund, ("调剂批复", "1"), **reallocated, amount=much),
        "opening": opening,
        "opening in a fund": _post("ProjectOpened", own_project, fund=names.fund),
        "reversal in a fund": _post("EntryReversed", f"fund/{names.fund}", ("冲销凭证号", "1"), version=1, reason="x"),
        "reversal in a project": _post(
            "EntryReversed", entries[0]["stream"], ("冲销凭证号", "1"), version=1, reason="x"
        ),
        **{f"statement {each['stream'][:4]}": _statement(own_fund, {**each, "amount": "1.00"}) for each in entries},
        "used document": {**instruction, "data": instruction["data"] | {"occurred_on": "2025-11-25"}},
        "expected version": {**opening, "expectedversion": 5},
        "used identity": {**instruction, "source": names.source, "id": names.id},
    }
    for about, event in posts.items():
        event["id"] = event.get("id") or f"{about}-{hashlib.sha256(repr(names).encode()).hexdigest()[:12]}"
        NAMED[event["id"]] = [each for each in names if each in json.dumps(event, ensure_ascii=False)]
    return posts


PLANT_CHECK = """
    insert into check_run (asked_by, started_at, finished_at, errors, report)
    values ('gmark-office', now(), now(), 1, '{"findings": [{"facts": {"stream": "project/amark-1"}}]}')
"""
TELL_EXISTENCE = ("expected version",)
"""The posts whose refusal tells that a project's code is used: codes are unique in the whole ledger."""


def _post(type_: str, subject: str, cites: tuple[str, str] | None = None, **data: object) -> dict:
    documents = [{"kind": cites[0], "number": cites[1]}] if cites else []
    circumstances = {"occurred_on": "2026-06-01", "actor": "测试", "documents": documents}
    identity = {"specversion": "1.0", "source": SOURCE}
    return {**identity, "type": type_, "subject": subject, "data": {**circumstances, **data}}


def _statement(subject: str, entry: dict) -> dict:
    match = {"lines": [1], "entries": [entry], "reasons": ["amount"], "confidence": 25}
    days = {"first_day": "2025-04-01", "last_day": "2025-04-30"}
    totals = {"position": 1, "lines": 1, "received": "0.00", "paid_out": "1.00", "matches": [match]}
    return _post("StatementReconciled", subject, ("对账单", "1"), file_sha256="0" * 64, **days, **totals)


def _life(api: Api) -> list[dict]:
    life = api.get("/v1/event-types", None).json["example_life"]
    return [event for event in life if event["id"] <= LAST]


def _senders(api: Api, owners: Owners) -> dict[tuple[str, str], str]:
    """The keys that post for each mark, by mark and duty. Their names contain the mark."""
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        return {
            (mark, duty): api_keys.create(
                conn, SECRET, f"{mark or 'plain'}-{duty}", grant(SCOPES, sources=[_source(mark), SOURCE, UNUSED])
            )
            for mark in dict.fromkeys(owners.marks)
            for duty in ("office", "inspection", *SEPARATE.values())
        }


def _source(mark: str) -> str:
    return f"/{mark or 'plain'}/sender"


def _marked(event: dict, owners: Owners) -> tuple[str, dict]:
    """The owner's mark of an event of the example life, and the event with the owner's codes and texts."""
    owner = _owner(event)
    mark, digits = owners.marks[owner], owners.digits[owner]
    text = json.dumps(event["data"], ensure_ascii=False)
    data = _with_mark(json.loads(text), mark)
    for line in data["lines"] if event["type"] in ("PlanDrafted", "PlanRevised") else ():
        line_mark = owners.marks[_number(line["project"])]
        line.update({name: f"{line[name]}{line_mark}" for name in ("name", "name_annex") if name in line})
    text = json.dumps({"subject": event["subject"], "data": data}, ensure_ascii=False)
    for old, new in zip(
        ("demo-2025-01", "demo-2025-02", "demo-2025-03", "demo-2025"),
        (*owners.codes[1:], f"{owners.codes[2]}-3", owners.codes[0]),
        strict=True,
    ):
        text = text.replace(old, new)
    text = re.sub("6222 0212 3456 7890 [0-9]{3}", lambda found: _account(found[0], digits), text)
    text = re.sub("91440104MA[0-9A-Z]{8}", lambda found: _uscc(found[0], digits), text)
    source, id_ = _source(mark), f"{owners.codes[0]}-{event['id']}-{mark}"
    return mark, {**event, **json.loads(text), "source": source, "id": id_}


def _owner(event: dict) -> int:
    """The owner of an event of the example life: 0 for the fund, 1 and 2 for its projects. The third has the second's.

    A reconciled statement belongs to the second one too.
    """
    if event["subject"].startswith("project/"):
        return _number(event["subject"])
    if event["type"] == "StatementReconciled":
        return 2
    return _number(event["data"]["project"]) if "project" in event["data"] else 0


def _number(project: str) -> int:
    return min(int(project[-1]), 2)


def _with_mark(value: Any, mark: str, field: str = "") -> Any:
    if field == "goals":
        return value  # acceptances name them
    if isinstance(value, dict):
        return {name: _with_mark(each, mark, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_mark(each, mark) for each in value]
    if isinstance(value, str) and mark and field in NAMES:
        return f"{value}-{mark}"
    return f"{value}{mark}" if isinstance(value, str) and field in TEXTS else value


def _account(number: str, digits: str) -> str:
    return f"{number[:-4]}{number[-3:]}{digits}"


def _uscc(code: str, digits: str) -> str:
    body = f"{code[:10]}{digits}{code[14:17]}"
    return body + uscc.calc_check_digit(body)
