"""Every member of an answer that the contract documents occurs in an answer of the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from service.example import FUND
from tests.service.conftest import live
from tests.service.test_reconciliations_api import accepting, send, without_a_line
from tests.service.test_rules_api import allocate


def members(schema, components, value, seen) -> Iterator[None]:
    """Add to `seen` each member of a named type that occurs in `value`. A member that is null does not count."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from members({**components[name], "title": name}, components, value, seen)
        return
    for part in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(part, ()):
            yield from members(each, components, value, seen)
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name in value:
            inner = properties.get(name, others if isinstance(others, dict) else {})
            if value[name] is not None:
                seen.add((schema.get("title"), name))
                yield from members(inner, components, value[name], seen)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for each in value:
            yield from members(schema["items"], components, each, seen)


def documented(contract):
    """The named types that answers refer to, each with each of its members."""
    components, expected, todo = contract["components"]["schemas"], set(), []
    for item in contract["paths"].values():
        for operation in item.values():
            for response in operation.get("responses", {}).values():
                todo += [content["schema"] for content in response.get("content", {}).values()]
    visited = set()
    while todo:
        schema = todo.pop()
        if isinstance(schema, list):
            todo += schema
        elif isinstance(schema, dict):
            if "$ref" in schema:
                name = schema["$ref"].rpartition("/")[2]
                if name not in visited:
                    visited.add(name)
                    expected |= {(name, member) for member in components[name].get("properties", {})}
                    todo.append(components[name])
            todo += [each for key, each in schema.items() if key not in ("examples", "example")]
    return expected


EXAMPLE_LIFE = {
    "fund": "demo-2025", "project": "demo-2025-01", "payment": "P-05", "number": "示例局〔2025〕3号", "position": "1",
    "serial": "0", "type_": "PaymentConfirmed", "kind": "balance-too-small", "rule": "BalanceTooSmall",
}  # fmt: skip
PLAYED = EXAMPLE_LIFE | {
    "fund": FUND,
    "project": f"{FUND}-07",
    "payment": f"{FUND}-08-L02-B1-1",
    "number": "穗知〔2018〕99号",
}
QUERIES = {
    "/v1/posts": ["?source=/example/sender&id=demo-001", "?source=/test&id=refused-1"],
    "/v1/projects/{project}/why": [f"?batch={batch}{award}" for batch in (1, 2) for award in ("", "&award=L-01")]
    + [f"?batch=2&award={FUND}-07-L{number:02}" for number in (1, 2, 3)],
    "/v1/events/digest": ["?upto=9"],
    "/v1/reconciliations": ["?fund=demo-2025", f"?fund={FUND}"],
    "/v1/funds/{fund}/balances": [
        f"?by={by}" for by in ("batch", "project", "award", "task", "month", "source", "appropriation")
    ]
    + ["?position=60", "?booked_on=2025-12-31", "?by=award&limit=1"],
    "/v1/funds/{fund}/appropriations": ["", "?limit=1"],
    "/v1/notes": ["", "?limit=1"],
    "/v1/funds/{fund}/movements": ["", "?limit=1"],
    "/v1/projects/{project}": [""],
    "/v1/documents/{number}": ["", "?limit=1"],
    "/v1/refusals": ["", "?limit=1"],
    "/v1/awards": ["", "?limit=1"],
    "/v1/payments": ["", "?limit=1"],
    "/v1/findings": ["", "?limit=1"],
    "/v1/holds": ["", "?limit=1"],
    "/v1/applications": ["", "?limit=1"],
    "/v1/funds/{fund}/recoveries": ["", "?limit=1"],
}


PROJECTS = {"demo-2025-01": ["demo-2025-02"], f"{FUND}-07": [f"{FUND}-{number:02}" for number in range(1, 10)]}
SEEN_ELSEWHERE = {
    "test_calendar_command.py": ("Calendar",),
    "test_check.py": ("Check", "CheckReport", "CheckRun", "Finding"),
    "test_auth.py": ("Key.expires_at", "Key.revoked_at"),
    "test_keys_command.py": ("KeyChange.reason",),
    "test_visibility.py": ("Step.withheld",),
    "test_persons_api.py": ("Self.person",),
    "test_reconciliations_api.py": ("Exceptional.settled",),
    "test_alerts_api.py": ("Accepted.outdated_since", "OutdatedSince"),
    "test_registers_api.py": ("Unevidenced.evidenced_by", "Project.awards_missing", "ProjectNow.awards_missing"),
    "test_recipients_api.py": (
        "Award.registration", "Award.payee_registration", "Payment.payee_id_last4", "Payment.payee_registration",
        "PaymentNow.payee_id_last4", "PaymentNow.payee_registration", "PersonalIdentity",
    ),
    "test_bad_days_api.py": ("PaymentNow.repeats",),
    "test_annex_api.py": ("Annex.mark",),
    "test_held_fund.py": ("AsOf.held", "Fund.held_at", "FundNow.held_at", "HeldFund", "Problem.position"),
    "test_events_api.py": ("Problem.waivable", "Problem.detail"),
    "test_refusals.py": ("DroppedRefusals", "Problem.kept"),
}  # fmt: skip
"""The types and members that only other tests produce. For example, a finding of a check needs a damaged ledger."""


def addresses(path, values):
    more = [{**values, "project": other} for other in PROJECTS[values["project"]]] if "{project}" in path else []
    for each in (values, *more):
        filled = re.sub(
            "{([a-z_]+)}", lambda name, each=each: each[name[1]], path.replace("checks/{number}", "checks/1")
        )
        yield from (filled + query for query in QUERIES.get(path, [""]))


def add_members(operation, answer, components, seen):
    """Add the members of one answer or problem to `seen`."""
    responses = operation["responses"]
    content = responses["2XX" if answer.status_code < 300 else "default"]["content"].get(answer.mimetype)
    if content and answer.is_json:
        list(members(content["schema"], components, answer.json, seen))


def posts(api):
    """Answers to posts with every possible outcome, and to POST /v1/checks. Each comes with its path."""
    event = api.event("FundsAllotted", "fund/demo-2025", project="demo-2025-01", batch=1, amount="1.00")
    refused = {**event, "id": "refused-1"}
    known = api.get("/v1/event-types", key=None).json["example_life"][0]
    yield "/v1/events", api.post(refused, "all")
    yield "/v1/events", api.post(known, "all")
    yield "/v1/events", api.post({**known, "data": {}}, "all")
    yield "/v1/events", api.post(api.event("PaymentConfirmed", "fund/none"), "auditor")
    new = api.event("FundEstablished", "fund/new", cites=("立项依据",), name="新", settings=SETTINGS)
    yield "/v1/events", api.post(new, "all", "/v1/events?dry_run=true")
    yield "/v1/events", api.bundle([new, {**new, "id": "new-1"}], "all", "/v1/events?dry_run=true&atomic=false")
    full = {**new, "id": "new-4", "subject": "fund/full"}
    full["data"] = {**new["data"], "documents": [FULL_DOCUMENT]}
    yield "/v1/events", api.post(full, "all")
    yield "/v1/events", api.bundle([{**new, "id": "new-2"}, refused, known], "all", "/v1/events?atomic=false")
    yield "/v1/events", api.bundle([{**new, "id": "new-3", "subject": "fund/other"}, refused], "all")
    yield "/v1/checks", api.post("", "all", "/v1/checks")


FULL_DOCUMENT = {
    "kind": "立项依据", "number": "示例局〔2025〕3号", "title": "示例", "issuer": "示例局", "date": "2019-12-01",
    "sha256": "0" * 64, "year": 2019, "item": 1,
}  # fmt: skip
SETTINGS = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}


def reconciled(sample_copy):
    """Answers to the comparison of a statement, two acceptances, a waiver, and a second comparison.

    Each answer comes with its path.
    """
    comparison = send(sample_copy)
    yield "/v1/reconciliations", comparison
    yield "/v1/reconciliations", send(sample_copy, without_a_line(), related_only="true")
    yield "/v1/reconciliations/account", send(sample_copy, path="/v1/reconciliations/account", related_only="true")
    for _ in range(2):
        yield "/v1/events", sample_copy.post(accepting(sample_copy, comparison.json), "fund-office")
    waiver = {"rule": "NoTriesLeft", "award": f"{FUND}-08-L02", "reason": "示例"}
    granted = sample_copy.event("WaiverGranted", f"project/{FUND}-08", "2020-09-12", ["批准文件"], **waiver)
    yield "/v1/events", sample_copy.post(granted, "waiver-board")
    sample_copy.fold()
    yield "/v1/reconciliations", send(sample_copy)


def allocated(api, life):
    """The answer with the allocation by score for the first award list of `life`, before that list is decided.

    The answer comes with its path. All events of `life` are posted.
    """
    decided = next(number for number, event in enumerate(life) if event["type"] == "AwardListDecided")
    live(api, life[:decided])
    project = life[decided]["subject"].partition("/")[2]
    amounts = [{"batch": 1, "amount": "10.00"}, {"batch": 2, "amount": "5.01"}]
    yield "/v1/projects/{project}/allocations", allocate(api, project, "award-board", amounts=amounts, quantum="0.01")
    live(api, life[decided:])


@pytest.mark.long("reads every path, on the example and on the life of the contract")
def test_every_documented_member_occurs_in_some_answer(api, sample_copy):
    contract = api.get("/openapi.json", key=None).json
    life = api.get("/v1/event-types", key=None).json["example_life"]
    answered = [*allocated(api, life), *posts(api), *reconciled(sample_copy)]
    api.fold()
    components, seen = contract["components"]["schemas"], set()
    for service, values in ((api, EXAMPLE_LIFE), (sample_copy, PLAYED)):
        for path, item in contract["paths"].items():
            if "get" in item:
                for address in addresses(path, values):
                    for key in ("all", None):
                        add_members(item["get"], service.get(address, key), components, seen)
    for path, answer in answered:
        add_members(contract["paths"][path]["post"], answer, components, seen)
    elsewhere = {name for names in SEEN_ELSEWHERE.values() for name in names}
    expected = {(f"{name}.{member}", name) for name, member in documented(contract) - seen}
    unseen = sorted(full for full, name in expected if not {full, name} & elsewhere)
    assert not unseen, f"documented in docs/openapi.json but in no answer here: {', '.join(unseen)}"
