"""/openapi.json, the OpenAPI document generated from the operations, and /docs, the same reference as an HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from apispec import APISpec
from flask import Blueprint, Response, current_app, render_template
from markupsafe import Markup, escape
from werkzeug.routing import Rule

from service import __version__
from service.api import response_types
from service.api.contract import schemas
from service.api.contract.event_types import CATALOGUE, LIFE
from service.api.contract.glossary import ACCOUNTS, FIELDS
from service.api.contract.problem_pages import PROBLEMS
from service.api.http import response_headers
from service.api.http.limits import BINARY, BUNDLE, EVENT, LIMITS, LINES, MAX_BUNDLE_EVENTS, STREAM
from service.api.http.operation import Operation
from service.api.http.parameters import MAX_INTEGER, CodeConverter, NameConverter
from service.api.http.problems import kebab
from service.api.http.responses import answer
from service.api.posting.event_schemas import SCHEMAS
from service.api.posting.event_schemas.event_schema import CIRCUMSTANCES
from service.auth.grants import SCOPES
from service.observability import request_ids

bp = Blueprint("openapi", __name__, template_folder="templates")

PROBLEM = "application/problem+json"
PATH_SCHEMAS = {
    "code": {"type": "string", "pattern": f"^{CodeConverter.regex}$"},
    "name": {"type": "string", "pattern": f"^{NameConverter.regex}$"},
    "int": {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER},
    "path": {"type": "string", "minLength": 1},
    "default": {"type": "string", "minLength": 1},
}
OPEN = ("health", "event_types", "rules", "openapi", "problem_pages")
PUBLISHED_AS = {
    "alerts": "attention",
    "event_types": "catalogue",
    "keys": "operations",
    "metrics": "operations",
    "openapi": "description",
    "problem_pages": "explanations",
}
"""Maps each module that was renamed to its former name. The published ids of the module's operations begin with this
name, because the contract must not change them."""
CONDITIONAL = (
    ("If-Match", "The last stream version that you have read, in quotes.", r'^"(0|[1-9][0-9]{0,15})"$'),
    ("If-None-Match", "*: post only if the stream does not exist yet.", r"^\*$"),
)


REQUEST_ID = {
    "description": "The id of the request: as in the service's log and in a problem document. 本次请求的编号。",
    "schema": {"type": "string", "pattern": f"^{request_ids.ACCEPTED.pattern}$"},
}
"""The response header X-Request-Id."""


@bp.get("/openapi.json")
def openapi() -> Response:
    """The response with the OpenAPI document. The document is generated once: it changes only with the program."""
    cache = current_app.extensions.setdefault("openapi", [])
    if not cache:
        cache.append(document())
    return answer(cache[0], headers={"Cache-Control": response_headers.REVALIDATE})


def document() -> dict[str, Any]:
    """The OpenAPI document of the current application."""
    return describe(list(_operations()))


@bp.get("/docs")
def docs() -> str:
    """The HTML reference of the API. The page is rendered once: it changes only with the program."""
    cache: list[str] = current_app.extensions.setdefault("docs", [])
    if not cache:
        cache.append(_docs())
    return cache[0]


def _docs() -> str:
    operations = [
        {"method": method, "path": _path(rule), "about": about, "key": "" if _is_open(rule) else "Bearer"}
        for rule, method, about in _operations()
    ]
    return render_template(
        "docs.html",
        operations=operations,
        types=CATALOGUE.values(),
        every=CIRCUMSTANCES,
        meaning=FIELDS,
        kebab=kebab,
        problems=PROBLEMS,
        limits=LIMITS,
        scopes=SCOPES,
        first=LIFE[0],
        life=LIFE,
        scope_of={name: about["scope"] for name, about in CATALOGUE.items()},
        accounts=ACCOUNTS,
    )


@bp.app_template_filter("pretty")
def pretty(value: Any) -> str:
    """The JSON of `value`, with line breaks and indentation."""
    return msgspec.json.format(msgspec.json.encode(value)).decode()


@bp.app_template_filter("ticked")
def ticked(text: str) -> Markup:
    """The text as escaped HTML. A part between backticks becomes a <code> element."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


def _operations() -> Iterator[tuple[Rule, str, Operation]]:
    """Yields the URL rule, HTTP method and Operation of every view that has an Operation, ordered by URL."""
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule):
        about = getattr(current_app.view_functions[rule.endpoint], "operation", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if about:
                yield rule, method, about


def _operation_id(rule: Rule) -> str:
    module, _, view = rule.endpoint.partition(".")
    return f"{PUBLISHED_AS.get(module, module)}-{view}"


def _path(rule: Rule) -> str:
    return re.sub("<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule)


def _is_open(rule: Rule) -> bool:
    return rule.endpoint.partition(".")[0] in OPEN


def describe(operations: list[tuple[Rule, str, Operation]]) -> dict[str, Any]:
    """The OpenAPI document of these operations."""
    spec = APISpec(
        "溯元 Suyuan",
        __version__,
        "3.1.0",
        info={"description": "The ledger of special funds, in which every fen is traced to its source. See /docs."},
        security=[{"bearer": []}],
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.header(request_ids.HEADER, REQUEST_ID)
    response_models = [about.response for _, _, about in operations if about.response is not None]
    answers, components = schemas.of_answers([*response_models, response_types.Problem])
    for name, schema in components.items():
        spec.components.schema(name, schema)
    for name in SCHEMAS:
        spec.components.schema(f"{name}.data", schemas.DATA[name])
        spec.components.schema(f"{name}.event", schemas.of_event(name, f"#/components/schemas/{name}.data"))
    response_schemas = iter(answers)
    for rule, method, about in operations:
        body = next(response_schemas) if about.response is not None else None
        operation = _operation(rule, about, body)
        if about.request is not None:
            content = {BINARY: {"schema": schemas.of_shape(about.request)}}
            operation |= {"requestBody": {"required": True, "content": content}}
        elif about.request_types:
            file = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
            operation |= {"requestBody": {"required": True, "content": dict.fromkeys(about.request_types, file)}}
        elif method == "POST" and rule.endpoint.startswith("intake."):
            operation |= {"requestBody": _event_body()}
            operation["parameters"] += [] if rule.rule == "/v1/events" else [_header(*each) for each in CONDITIONAL]
        spec.path(_path(rule), operations={method.lower(): operation})
    return spec.to_dict()


def _operation(rule: Rule, about: Operation, body: dict[str, Any] | None) -> dict[str, Any]:
    headers = {request_ids.HEADER: {"$ref": f"#/components/headers/{request_ids.HEADER}"}}
    problem = {
        "description": "A problem document with its remedy. 错误说明。",
        "headers": headers,
        "content": _problem_content(),
    }
    described: dict[str, Any] = {
        "operationId": _operation_id(rule),
        "summary": f"{about.summary} {about.summary_zh}",
        "parameters": [*_path_parameters(rule), *_query_parameters(about)],
        "responses": {
            "2XX": {"description": about.summary, "headers": headers, "content": _response_content(rule, body)},
            "default": problem,
        },
    }
    if _is_open(rule):
        described["security"] = []
    elif about.scope:
        described["description"] = f"Scope: `{about.scope}`"
    return described


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    for converter, name in re.findall("<(?:([a-z]+):)?([a-z_]+)>", rule.rule):
        yield {"name": name, "in": "path", "required": True, "schema": PATH_SCHEMAS[converter or "default"]}


def _query_parameters(about: Operation) -> Iterator[dict[str, Any]]:
    for name, parameter in about.parameters.items():
        described = {"name": name, "in": "query", "schema": parameter.schema, "description": " ".join(parameter.about)}
        yield described | ({"required": True} if parameter.required else {})


def _header(name: str, description: str, pattern: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
    }


def _response_content(rule: Rule, body: dict[str, Any] | None) -> dict[str, Any]:
    if body is None:
        return {"text/plain": {"schema": {"type": "string"}}}
    kinds = {"events.log": BUNDLE, "events.of_fund": BUNDLE, "events.of_project": BUNDLE, "events.one": EVENT}
    lines = {kind: {"schema": {"type": "string", "description": about}} for kind, about in FEED_TEXTS.items()}
    return {kinds.get(rule.endpoint, BINARY): {"schema": body}, **(lines if rule.endpoint == "events.log" else {})}


FEED_TEXTS = {
    LINES: "One event per line, in the same order. 每行一个事件。",
    STREAM: "Server-sent events: `id` is the log position, `data` the event. 事件流：id 为位置，data 为事件。",
}
"""The descriptions, in the OpenAPI document, of the media types other than JSON in which the event feed is served."""


def _problem_content() -> dict[str, Any]:
    return {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _event_body() -> dict[str, Any]:
    """The OpenAPI request body of a post: one event, a bundle of events, or in binary mode the data of one event."""
    events = [{"$ref": f"#/components/schemas/{name}.event"} for name in SCHEMAS]
    mapping = {name: f"#/components/schemas/{name}.event" for name in SCHEMAS}
    one = {"oneOf": events, "discriminator": {"propertyName": "type", "mapping": mapping}}
    bundle = {"type": "array", "minItems": 1, "maxItems": MAX_BUNDLE_EVENTS, "items": one}
    data = {"anyOf": [{"$ref": f"#/components/schemas/{name}.data"} for name in SCHEMAS]}
    examples = {name: {"value": about["example"]} for name, about in CATALOGUE.items()}
    return {
        "required": True,
        "description": f"{BINARY}: only the data of one event; its CloudEvents attributes are ce- headers.",
        "content": {EVENT: {"schema": one, "examples": examples}, BUNDLE: {"schema": bundle}, BINARY: {"schema": data}},
    }
