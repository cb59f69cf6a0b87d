"""The published OpenAPI contract is correct, complete and readable, and it is changed only by additions."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from domain.decision import POSTABLE
from domain.rules import RULES
from service.api.contract import schemas
from service.api.contract.compatibility import removals
from service.api.contract.glossary import FIELDS
from service.api.http.problem_types import PROBLEM_TYPES
from service.api.posting.event_schemas import SCHEMAS
from service.auth.grants import SCOPES
from tests.service.conftest import live

PUBLISHED = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture
def contract(api):
    return api.get("/openapi.json", key=None).json


def test_all_examples_posted_in_order_are_recorded_and_every_read_matches_the_contract(api, contract):
    live(api, api.get("/v1/event-types", key=None).json["example_life"])
    last = api.fold()
    assert api.get("/v1/funds/demo-2025").json["status"] == "closed"
    values = {
        "fund": "demo-2025", "project": "demo-2025-01", "payment": "P-05", "number": "示例局〔2025〕3号",
        "position": "1", "serial": "0", "type_": "PaymentConfirmed", "kind": "balance-too-small",
        "rule": "BalanceTooSmall",
    }  # fmt: skip
    queries = {
        "/v1/posts": "?source=/example/sender&id=demo-001",
        "/v1/projects/{project}/why": "?batch=1&award=L-01",
        "/v1/events/digest": "?upto=9",
        "/v1/reconciliations": "?fund=demo-2025",
    }
    assert api.post("", "all", "/v1/checks").json["check"] == "/v1/checks/1"
    checked = 0
    for path, item in contract["paths"].items():
        if "get" in item and "text/plain" not in item["get"]["responses"]["2XX"]["content"]:
            address = re.sub("{([a-z_]+)}", lambda name: values[name[1]], path.replace("checks/{number}", "checks/1"))
            response = api.get(address + queries.get(path, ""), "all")
            assert response.status_code == 200, (path, response.text)
            check(contract, item["get"], response)
            checked += 1
    assert checked > 20
    assert api.get(f"/v1/payments?min_position={last}", "all").json["payments"]


def check(contract, operation, response):
    """Validate the answer `response` against the schema of `operation`."""
    content = operation["responses"]["2XX"]["content"]
    assert response.mimetype in content
    schema = {**content[response.mimetype]["schema"], "components": contract["components"]}
    jsonschema.validate(response.json, schema, jsonschema.Draft202012Validator)


def test_every_example_event_matches_its_published_schema_and_an_unknown_field_does_not(contract):
    for name in SCHEMAS:
        schema = {"$ref": f"#/components/schemas/{name}.event", "components": contract["components"]}
        posted = contract["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/cloudevents+json"]
        event = posted["examples"][name]["value"]
        jsonschema.validate(event, schema, jsonschema.Draft202012Validator)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**event, "data": {**event["data"], "unknown": 1}}, schema)


def test_each_event_type_is_described_with_its_rules_scope_and_movements(api):
    described = api.get("/v1/event-types", key=None).json["event_types"]
    assert [each["type"] for each in described] == list(SCHEMAS)
    for each in described:
        assert each["scope"] in SCOPES
        assert each["title_zh"]
        assert each["description"].endswith((".", "。"))
        assert set(each["rules"]) <= set(RULES)
        assert api.get(f"/v1/event-types/{each['type']}", key=None).json == each
    paid = next(each for each in described if each["type"] == "PaymentConfirmed")
    assert paid["moves"] == [{"from": "in_transit", "to": "paid", "when": ""}]
    assert (paid["cites"], paid["claims"], paid["scope"]) == ([["流水号"]], ["流水号"], "post:payment")
    assert set(POSTABLE) == {each["type"] for each in described}


def test_the_glossary_has_exactly_the_fields_of_posts():
    def names(schema):
        for name, field in schema.get("properties", {}).items():
            yield from (name, *names(field), *names(field.get("items", {})))

    used = {name for schema in schemas.DATA.values() for name in names(schema)}
    glossary = "service/api/contract/glossary.py"
    assert not used - set(FIELDS), f"{glossary}: add {sorted(used - set(FIELDS))} to FIELDS"
    assert not set(FIELDS) - used, f"{glossary}: remove {sorted(set(FIELDS) - used)} from FIELDS, no post has it"
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in chinese) for chinese, _ in FIELDS.values())


def test_every_serial_of_a_fen_that_is_published_as_a_number_is_also_published_as_text(api):
    """The serial of an OfficialNumber is not the serial of a fen: it is a part of a document number."""
    types = api.get("/openapi.json", key=None).json["components"]["schemas"]
    numbered = {name: each["properties"] for name, each in types.items() if "serial" in each.get("properties", {})}
    assert set(numbered) == {"FenTrace", "OfficialNumber"}
    assert numbered["FenTrace"]["serial_text"]["type"] == "string"


def test_every_problem_type_has_a_page_with_its_remedy_in_both_languages(api):
    problems = {each["type"]: each for each in api.get("/v1/problems", key=None).json["problems"]}
    assert len(problems) == len(PROBLEM_TYPES) + len(RULES)
    for address, problem in problems.items():
        assert api.get(address, key=None).json == problem
        assert all(problem[part] for part in ("title", "title_zh", "remedy", "remedy_zh"))
        page = api.client.get(address, headers={"Accept": "text/html"})
        assert page.mimetype == "text/html"
        assert problem["remedy_zh"] in page.text.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&")
    assert api.get("/v1/problems/none", key=None).status_code == 404


def test_every_problem_that_the_api_returns_has_a_page(api):
    answered = [
        api.get("/v1/nothing"), api.get("/v1/funds", key=None), api.get("/v1/fen/9"), api.post(b"{", "all"),
        api.post(b"{}", "all"), api.get("/v1/funds?x=1"), api.client.put("/v1/events", headers=api.headers("all")),
    ]  # fmt: skip
    for problem in answered:
        assert problem.status_code >= 400
        explained = api.get(problem.json["type"], key=None)
        assert (explained.status_code, explained.json["status"]) == (200, problem.status_code)


def test_the_documentation_page_is_complete_and_loads_no_external_resources(api, contract):
    page = api.get("/docs", key=None)
    assert page.status_code == 200
    for name in (*SCHEMAS, *contract["paths"], *PROBLEM_TYPES):
        assert name.replace("<", "&lt;") in page.text, name
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
    assert "<script" not in page.text


def test_the_contract_has_exactly_the_paths_that_are_served(api, contract):
    served = {
        re.sub("<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule)
        for rule in api.app.url_map.iter_rules()
        if rule.endpoint not in ("console.home", "openapi.docs", "openapi.openapi")
    }
    assert served == set(contract["paths"])


def test_the_published_contract_is_not_broken_and_is_up_to_date(contract):
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert list(removals(published, contract)) == [], "a published contract changes only by adding"
    assert published == contract, "run `make contract` to add what is new"


def test_a_contract_that_removes_something_is_not_written(folder, contract):
    contract["paths"]["/v1/gone"] = {}
    file = folder / "openapi.json"
    file.write_text(json.dumps(contract))
    environment = {**os.environ, "SUYUAN_HOME": str(folder), "DATABASE_URL": ""}
    command = [sys.executable, "-m", "service", "contract", str(file)]
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "/paths/~v1~gone is gone".replace("~", "/") in refused.stderr
    assert "/v1/gone" in file.read_text()


BREAKS = {
    "a required parameter is added": lambda c: c["paths"]["/v1/payments"]["get"]["parameters"].append(
        {"in": "query", "name": "more", "required": True, "schema": {}}
    ),
    "a path is removed": lambda c: c["paths"].pop("/v1/payments"),
    "a parameter is removed": lambda c: c["paths"]["/v1/payments"]["get"]["parameters"].pop(),
    "an answer loses a member": lambda c: c["components"]["schemas"]["Payment"]["properties"].pop("voucher"),
    "a required member of an answer becomes optional": lambda c: c["components"]["schemas"]["Payment"][
        "required"
    ].pop(),
    "an optional field of a post becomes required": lambda c: c["components"]["schemas"]["FundClosed.data"][
        "required"
    ].append("role"),
    "a field of a post is removed": lambda c: c["components"]["schemas"]["FundClosed.data"]["properties"].pop("role"),
    "a value of an enumeration is removed": lambda c: c["components"]["schemas"]["PlanDrafted.data"]["properties"][
        "lines"
    ]["items"]["properties"]["award_rule"]["enum"].pop(),
    "a limit of an answer is widened": lambda c: c["components"]["schemas"]["AsOf"]["properties"]["position"].update(
        minimum=-1
    ),
    "a limit of a post is narrowed": lambda c: c["components"]["schemas"]["FundClosed.data"]["properties"][
        "actor"
    ].update(maxLength=5),
}


@pytest.mark.parametrize("change", BREAKS.values(), ids=BREAKS.keys())
def test_a_breaking_change_of_the_contract_is_found(contract, change):
    changed = json.loads(json.dumps(contract))
    change(changed)
    assert list(removals(contract, changed))


def test_additions_and_wider_limits_do_not_break_the_contract(contract):
    changed = json.loads(json.dumps(contract))
    closing = changed["components"]["schemas"]["FundClosed.data"]
    closing["properties"]["actor"] |= {"maxLength": 500, "minLength": 0}
    closing["required"].remove("actor")
    after = changed["paths"]["/v1/funds/{fund}/movements"]["get"]["parameters"]
    cursor = next(each["schema"] for each in after if each["name"] == "after")
    cursor["pattern"] = f"^({cursor['pattern'][1:-1]}|[a-z])$"
    posted = changed["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/cloudevents+json"]
    posted["examples"]["FundClosed"]["value"]["data"]["actor"] = "another"
    line = changed["components"]["schemas"]["PlanDrafted.data"]["properties"]["lines"]["items"]["properties"]
    del line["award_rule"]["enum"]  # one of several texts before, now any text
    changed["paths"]["/v1/new"] = {}
    changed["components"]["schemas"]["Payment"]["properties"]["more"] = {}
    changed["paths"]["/v1/payments"]["get"]["parameters"].append({"in": "query", "name": "more", "schema": {}})
    changed["paths"]["/v1/payments/{payment}"]["get"]["parameters"][0]["example"] = "P-01"
    assert list(removals(contract, changed)) == []
