"""A limited key reads nothing of other funds and projects, at every address of the contract, by real requests."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote, unquote, urlencode

import psycopg
import pytest
from psycopg.rows import dict_row

from service.api.contract.examples import PERSON
from service.auth import api_keys
from service.auth.grants import SCOPES, grant
from tests.conftest import new_database
from tests.service import planted
from tests.service.conftest import SECRET, build, close
from tests.service.test_auth import provided
from tests.service.test_feed import Stream
from tests.service.test_gateway import Served

SCOPES_OF_OFFICE = [scope for scope in SCOPES if scope != "admin"]
SCOPES_TO_POST = [scope for scope in SCOPES_OF_OFFICE if scope != "read"]
OWNERS = dict(zip("fpqgab", (*planted.OWN.codes, *planted.FOREIGN.codes), strict=True))
"""The code of each owner of texts. f: the own fund, with the projects p and q. g: the foreign fund, with a and b."""
MARKS = dict(zip("fpqgab", (*planted.OWN.marks, *planted.FOREIGN.marks), strict=True))


class Key(NamedTuple):
    """A limited key. `reads`: the owners whose texts it may read. `knows`: the owners that it may know to exist."""

    reads: str
    knows: str


KEYS = {
    "project": Key("p", "fp"),
    "projects": Key("pga", "fpga"),
    "fund": Key("fpq", "fpq"),
    "poster": Key("", "fpq"),
    "two-grants": Key("p", "fpga"),
}
"""The limited keys. A key that may read a project reads, in traces, the documents of the fund that its money rests on:
`projects` may see texts of the foreign fund there. `two-grants` reads own-1 and posts to amark-1."""
GRANTS = {
    "project": grant(SCOPES_OF_OFFICE, projects=[OWNERS["p"]], sources=[planted.SOURCE]),
    "projects": grant(SCOPES_OF_OFFICE, projects=[OWNERS["p"], OWNERS["a"]], sources=[planted.SOURCE]),
    "fund": grant(SCOPES_OF_OFFICE, funds=[OWNERS["f"]], sources=[planted.SOURCE]),
    "poster": grant(SCOPES_TO_POST, funds=[OWNERS["f"]], sources=[planted.SOURCE]),
}
ROLES = {
    "reader": {"scopes": ["read"], "projects": [OWNERS["p"]]},
    "poster": {"scopes": SCOPES_TO_POST, "projects": [OWNERS["a"]], "sources": [planted.SOURCE]},
}

# What every parameter is filled with --------------------------------------------


def _of_projects(first: str, second: str, hyphen: str = "") -> dict[str, str]:
    """A text of the first project of each fund and one of the second, each with its owner's mark."""
    texts = zip("pqab", (first, second, first, second), strict=True)
    return {owner: f"{text}{hyphen if MARKS[owner] else ''}{MARKS[owner]}" for owner, text in texts}


BY_OWNER = {
    "fund": {"f": OWNERS["f"], "g": OWNERS["g"]},
    "project": {owner: OWNERS[owner] for owner in "pqab"},
    "award": _of_projects("L-01", "M-01", "-"),
    "payment": _of_projects("P-07", "P-21", "-"),
    "number of /v1/documents/{number}": {
        "f": "示例局〔2025〕3号",
        "g": "示例局〔2025〕3号gmark",
        **_of_projects("示例凭证P-07", "示例凭证P-21"),
    },
    "number of /v1/checks/{number}": {"g": "1"},
    "voucher": _of_projects("示例凭证P-07", "示例凭证P-21"),
    "bank_reference": _of_projects("示例流水P-07", "示例流水P-21"),
    "payee": _of_projects("示例科技有限公司", "示例种业有限公司"),
    "key": {"f": "plain-office", "q": "qmark-office", "g": "gmark-office", "a": "amark-office", "b": "bmark-office"},
    "source": {"p": "/plain/sender", "g": "/gmark/sender", **{o: f"/{MARKS[o]}/sender" for o in "qab"}},
    "id": {
        "p": "own-demo-016-",
        "q": "own-demo-033-qmark",
        "g": "gmark-fund-demo-001-gmark",
        "a": "gmark-fund-demo-016-amark",
        "b": "gmark-fund-demo-033-bmark",
    },
}
"""Values of parameters that belong to an owner, by parameter and owner. Serials and positions are read from the log.

A parameter that means something else at one address has the address in its name.
"""
ABSENT = {
    "fund": "no-fund", "project": "no-1", "award": "L-99", "payment": "P-99", "serial": "999999999999",
    "position": "999999", "number of /v1/documents/{number}": "示例第99号", "number of /v1/checks/{number}": "99",
    "voucher": "第99号", "bank_reference": "第98号", "payee": "无此单位", "key": "nobody", "source": "/nobody",
    "id": "no-such-id", "uscc": "91440104MA00000014", "recipient": "91440104MA00000014", "recipient_name": "无此单位",
}  # fmt: skip
"""For each of these parameters a value that belongs to nobody: the answer to a foreign value must be the same."""
PLAIN = {
    "after": [], "limit": ["1"], "min_position": ["1"], "history": [], "timeout": ["0"], "upto": ["200"],
    "booked_on": ["2025-12-31"], "booked_from": ["2025-01-01"], "booked_to": ["2026-12-31"],
    "confirmed_from": ["2025-01-01"], "confirmed_to": ["2026-12-31"], "by": ["batch", "project", "task", "award"],
    "batch": ["1", "2", "3"], "status": ["confirmed", "live"], "acceptance": ["none"], "account": ["paid", "recovered"],
    "kind": ["支付凭证号"], "kind of /v1/problems/{kind}": ["out-of-limits"], "rule": ["UnknownStream"],
    "kind of /v1/notes": ["leader_changed", "evaluation"], "q": ["变更"],
    "type": ["PaymentConfirmed"], "type_": ["PaymentConfirmed"], "tolerance": ["3"],
    "first_day": ["2025-04-01"], "last_day": ["2025-11-30"], "atomic": ["false"], "dry_run": ["true"],
    "position of /v1/funds/{fund}/balances": ["100"], "position of /v1/funds/{fund}/plan": ["100"],
    "position of /v1/funds/{fund}/annex": ["100"], "position of /v1/funds/{fund}/annex.txt": ["100"],
    "amounts": ["printed", "current", "compared"],
    "position of /v1/awards": ["100"], "position of /v1/reconciliations": ["200"],
    **{f"column_{part}": [] for part in (
        "date", "out", "in", "amount", "direction", "payee", "account", "reference", "voucher", "summary", "balance",
        "currency",
    )},
    "If-Match": [], "If-None-Match": [],
}  # fmt: skip
"""Values of the parameters that belong to nobody."""
PAIRS = ("source", "id")
"""Optional parameters that an address needs all the same."""


def _events(names: planted.Names) -> dict[str, bytes]:
    return {about: json.dumps(event).encode() for about, event in planted.refused_posts(names).items()}


def _events_of(kind: str) -> Callable[[planted.Names], dict[str, bytes]]:
    """The events whose subject is the stream in the address."""

    def events(names: planted.Names) -> dict[str, bytes]:
        own = f"{kind}/{getattr(names, kind)}".encode()
        return {about: body for about, body in _events(names).items() if b'"subject": "%s"' % own in body}

    return events


CLOUD_EVENT = "application/cloudevents+json"
BODIES: dict[str, dict[str, Callable[[planted.Names], dict[str, bytes]]]] = {
    "/v1/events": {CLOUD_EVENT: _events},
    "/v1/funds/{fund}/events": {CLOUD_EVENT: _events_of("fund")},
    "/v1/projects/{project}/events": {CLOUD_EVENT: _events_of("project")},
    "/v1/checks": {"application/json": lambda _: {"empty": b""}},
    "/v1/projects/{project}/allocations": {"application/json": lambda _: {"default": b"{}"}},
    "/v1/reconciliations": {"text/csv": lambda _: {"statement": STATEMENT}},
    "/v1/reconciliations/account": {"text/csv": lambda _: {"statement": STATEMENT}},
    "/v1/identities": {"application/json": lambda _: {"person": json.dumps({"id_card": PERSON["id_card"]}).encode()}},
}
"""For every address that takes a POST, the bodies to send: by content type, the bodies that name what is given."""
STATEMENT = (
    "交易日期,借方发生额,贷方发生额,对方户名,流水号\n2025-04-22,600000.00,,示例科技有限公司,示例流水P-05\n"
    "2025-04-30,180000.00,,示例种业有限公司,示例流水P-21\n"
).encode()


class Value(NamedTuple):
    """The value of a parameter. `owner`: one of OWNERS, empty if the value belongs to nobody."""

    name: str
    text: str
    owner: str = ""


Values = dict[str, Value]


class Sent(NamedTuple):
    """A request. `path` is the address as the contract has it."""

    method: str
    path: str
    values: Values
    body: bytes | None = None
    kind: str = "application/json"
    names: tuple[str, ...] = ()
    """What the body names."""

    def url(self) -> str:
        query = {value.name: value.text for name, value in self.values.items() if f"{{{name}}}" not in self.path}
        filled = re.sub("{([a-z_]+)}", lambda name: quote(self.values[name[1]].text), self.path)
        return f"{filled}?{urlencode(query)}" if query else filled

    def without(self, owners: str) -> Sent:
        """The same request with absent values in place of those that belong to `owners`."""
        values = {
            name: Value(name, ABSENT[_name_at(name, self.path)]) if value.owner and value.owner in owners else value
            for name, value in self.values.items()
        }
        return self._replace(values=values)


def _name_at(name: str, path: str) -> str:
    """The name of the parameter in the tables above, where the parameter of this address may have its own values."""
    own = f"{name} of {path}"
    return own if own in BY_OWNER or own in PLAIN else name


class Walk:
    """The served ledger, and the requests that the contract's addresses can be sent."""

    def __init__(self, served: Served, contract: dict, by_owner: dict[str, dict[str, str]]) -> None:
        self.served, self.contract, self.by_owner = served, contract, by_owner
        self.connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)

    def send(self, sent: Sent, key: str) -> tuple[int, str, str]:
        """The status, the headers and the body of the answer, as text."""
        headers = self.served.api.headers(key) | ({"Content-Type": sent.kind} if sent.body is not None else {})
        headers["X-Request-Id"] = "the-same"  # otherwise each problem document would have another
        self.connection.request(sent.method, sent.url(), sent.body, headers)
        answer = self.connection.getresponse()
        body = answer.read().decode()
        shown = {name.lower(): unquote(value.replace("+", " ")) for name, value in answer.getheaders()}
        return answer.status, "\n".join(f"{name}: {value}" for name, value in shown.items()), body

    def reads(self) -> Iterator[Sent]:
        """GET of every address, each with its parameters filled in many ways, and of the console."""
        for path, item in self.contract["paths"].items():
            if "get" in item:
                yield from self._of_address("GET", path, item["get"])
        yield Sent("GET", "/", {})

    def posts(self, names: planted.Names) -> dict[str, Sent]:
        """POST of every address, with every body that BODIES has for it. Addresses and bodies name `names`."""
        found = {}
        for path, item in self.contract["paths"].items():
            if "post" in item and path not in BODIES:
                pytest.fail(f"POST {path} has no body: add some to BODIES, here")
            for kind, bodies in BODIES[path].items() if "post" in item else ():
                filled = [each["name"] for each in item["post"]["parameters"] if each.get("required")]
                values = {name: Value(name, getattr(names, name)) for name in filled}
                for about, body in bodies(names).items():
                    sent = Sent("POST", path, values, body, kind, (*names, *_id_of(body)))
                    found[f"{path}: {about}"] = sent
                    if path.endswith("/events"):
                        dry = {"dry_run": Value("dry_run", "true")}
                        found[f"{path}: {about}, dry run"] = sent._replace(values=values | dry)
        return found

    def _of_address(self, method: str, path: str, about: dict) -> Iterator[Sent]:
        parameters = {each["name"]: each.get("required", False) for each in about["parameters"]}
        needed = [name for name, required in parameters.items() if required or name in PAIRS]
        free = [name for name in parameters if name not in needed]
        seen = set()
        for owner in OWNERS:
            for values in _combined({name: self._values(name, path) for name in needed}, owner):
                for more in self._filters(free, path):
                    sent = Sent(method, path, values | more)
                    if sent.url() not in seen:
                        seen.add(sent.url())
                        yield sent

    def _filters(self, names: list[str], path: str) -> Iterator[Values]:
        """No filter; each filter alone; each filter together with a fund, with a project, and with both."""
        places: list[Values] = [{}]
        for name in ("fund", "project"):
            values = self._values(name, path) if name in names else []
            places += [place | {name: value} for place in places for value in values]
        yield from places
        for name in names:
            if name not in ("fund", "project"):
                yield from (place | {name: value} for place in places[:8] for value in self._values(name, path))

    def _values(self, name: str, path: str) -> list[Value]:
        at = _name_at(name, path)
        if at in self.by_owner:
            return [Value(name, text, owner) for owner, text in self.by_owner[at].items()]
        if at in PLAIN:
            return [Value(name, text) for text in PLAIN[at]]
        pytest.fail(f"{path} has the parameter {name}: add values of it to BY_OWNER and ABSENT, or to PLAIN, here")


def _id_of(body: bytes) -> list[str]:
    return [found.decode() for found in re.findall(b'"id": "([^"]+)', body)]


def _combined(choices: dict[str, list[Value]], owner: str) -> Iterator[Values]:
    """The needed parameters with the values of `owner`, and with other values where the owner has none."""
    filled: list[Values] = [{}]
    for name, values in choices.items():
        own = [value for value in values if value.owner == owner] or values
        filled = [each | {name: value} for each in filled for value in own]
    yield from filled


def _stripped(text: str, sent: Sent) -> str:
    """The answer `text` without the values that the client itself sent."""
    return _without(text, (*(each.text for each in sent.values.values()), *sent.names))


def _without(text: str, values: Iterable[str]) -> str:
    for value in sorted(values, key=len, reverse=True):
        text = re.sub(f"(?<![0-9A-Za-z-]){re.escape(value)}(?![0-9A-Za-z-])", "§", text, flags=re.IGNORECASE)
    return text


def _named_by_others(body: str, sent: Sent) -> str:
    """The body without what the senders of refused posts named, and without the partners of reallocations.

    A refused post to a stream that the key may read is shown with what its sender wrote. The events AllotmentReceived
    and AllotmentReduced of a project have both moves of a reallocation, and so the code of the other project.
    """
    if sent.path in ("/v1/refusals", "/v1/posts") and '"refusals"' in body:
        rows = json.loads(body)["refusals"]
        return "".join(_without(json.dumps(row, ensure_ascii=False), planted.NAMED[row["post_id"]]) for row in rows)
    if sent.path in ("/v1/events", "/v1/projects/{project}/events"):
        return re.sub('"project": "[a-z0-9-]+"', "", body)
    return body


def _marks(text: str, owners: str) -> list[str]:
    """The owners, of `owners`, whose mark or digits are in `text`."""
    return [
        owner
        for owner in owners
        if (mark := MARKS[owner]) and re.search(f'{mark}|MA{planted.DIGITS[mark]}|"{planted.DIGITS[mark]}"', text)
    ]


def _near_marks(text: str) -> list[str]:
    """The members of the JSON `text` that have a mark, for the message of a failed test."""
    return re.findall("[^,{[]*mark[^,]*", text)[:12]


COMPARED = (
    "content-type:",
    "cache-control:",
    "link:",
    "location:",
    "stream-version:",
    "event-position:",
    "retry-after:",
)


def _normal(answer: tuple[int, str, str], sent: Sent) -> tuple[int, str, str]:
    """The answer without what changes with what was sent: the sent values, the length and the hash of the body."""
    status, headers, body = answer
    kept = [line for line in headers.split("\n") if line.startswith(COMPARED)]
    return status, _stripped("\n".join(kept), sent), _stripped(body, sent)


@pytest.fixture(scope="module")
def walk(server_url, template, tmp_path_factory):
    with provided() as provider, new_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        file = tmp_path_factory.mktemp("oidc") / "oidc.yaml"
        file.write_text(json.dumps({"issuer": provider.issuer, "audience": "suyuan", "roles": ROLES}))
        patch.setenv("SUYUAN_OIDC", str(file))
        api = build(url)
        planted.plant(api)
        api.keys["two-grants"] = provider.token(roles=["reader", "poster"])
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
            for name, granted in GRANTS.items():
                api.keys[name] = api_keys.create(conn, SECRET, name, granted)
            by_owner = BY_OWNER | {"serial": _serials(conn), "position": _positions(conn), "uscc": _codes(conn)}
            by_owner |= {"recipient": by_owner["uscc"], "recipient_name": _applicants(conn)}
        served = Served(api)
        walk = Walk(served, api.get("/openapi.json", None).json, by_owner)
        yield walk
        walk.connection.close()
        served.stop()
        close(api)


def _serials(conn) -> dict[str, str]:
    """For each project a fen that it paid. The fen of `own-1` was awarded by `qmark-2` before it was reallocated."""
    paid = "select max(lower(fen)) from movement where project = %s and target = 'paid'"
    serials = {owner: str(conn.execute(paid, [OWNERS[owner]]).fetchone()["max"]) for owner in "pqab"}
    moved = "select lower(fen) from movement where type = 'FundsReallocated' and project = %s and fund = %s"
    serials["p"] = str(conn.execute(moved, [OWNERS["p"], OWNERS["f"]]).fetchone()["lower"])
    serials["a"] = str(conn.execute(moved, [OWNERS["a"], OWNERS["g"]]).fetchone()["lower"])
    return serials


def _positions(conn) -> dict[str, str]:
    """For each owner the position of an event with its mark."""
    last = "select max(position) from event where stream = %s"
    kinds = dict.fromkeys("fg", "fund")
    return {
        owner: str(conn.execute(last, [f"{kinds.get(owner, 'project')}/{code}"]).fetchone()["max"])
        for owner, code in OWNERS.items()
    }


def _codes(conn) -> dict[str, str]:
    """For each project the social credit code of an applicant."""
    one = "select min(uscc) from award where project = %s and uscc <> ''"
    return {owner: conn.execute(one, [OWNERS[owner]]).fetchone()["min"] for owner in "pqab"}


def _applicants(conn) -> dict[str, str]:
    """For each project the name of an applicant."""
    one = "select min(applicant) from award where project = %s and uscc <> ''"
    return {owner: conn.execute(one, [OWNERS[owner]]).fetchone()["min"] for owner in "pqab"}


def _secret(key: str) -> str:
    """The owners whose texts the key may not read."""
    return "".join(set(OWNERS) - set(KEYS[key].reads))


def _unknown(key: str) -> str:
    """The owners of which the key may not know that they exist."""
    return "".join(set(OWNERS) - set(KEYS[key].knows))


@pytest.mark.parametrize("key", KEYS)
def test_no_answer_contains_a_text_that_the_key_may_not_read(walk, key):
    leaks = {}
    for sent in walk.reads():
        if sent.path == "/v1/keys/self":
            continue  # the key's own limits
        _, headers, body = walk.send(sent, key)
        if found := _marks(_stripped(headers + _named_by_others(body, sent), sent), _secret(key)):
            leaks.setdefault(sent.path, f"{sent.url()} shows texts of {found}: {_near_marks(body)}")
    assert not leaks, "\n\n".join(leaks.values())


@pytest.mark.parametrize("key", KEYS)
def test_what_the_key_may_not_know_is_answered_as_what_does_not_exist(walk, key):
    different = {}
    for sent in walk.reads():
        twin = sent.without(_unknown(key))
        if twin != sent:
            answer, other = _normal(walk.send(sent, key), sent), _normal(walk.send(twin, key), twin)
            if answer != other:
                different.setdefault(sent.path, f"{sent.url()}: {answer}\n{twin.url()}: {other}")
    assert not different, "\n\n".join(different.values())


def test_a_step_that_the_key_may_not_read_keeps_position_type_days_and_amount(walk):
    """The fen was awarded in the project q, and then reallocated to own-1 and paid."""
    trace = Sent("GET", "/v1/fen/{serial}", {"serial": Value("serial", walk.by_owner["serial"]["p"])})
    [whole, limited] = [json.loads(walk.send(trace, key)[2])["steps"] for key in ("auditor", "project")]
    assert [step["position"] for step in limited] == [step["position"] for step in whole]
    empty = {"stream": "", "version": 0, "actor": "", "documents": [], "payee": None, "withheld": True}
    for step, shown in zip(whole, limited, strict=True):
        kept = {name: step[name] for name in ("position", "type", "occurred_on", "booked_on", "amount") if name in step}
        assert shown == (kept | empty if "withheld" in shown else step)
    readable = [step for step in limited if "withheld" not in step]
    assert {step["stream"] for step in readable} == {"fund/own", "project/own-1"}
    assert {step["type"] for step in readable if step["stream"] == "fund/own"} == {
        "FundEstablished", "AppropriationReceived", "PlanDrafted", "PlanAdopted", "PlanRevised", "FundsReallocated",
    }  # fmt: skip
    withheld = {step["type"] for step in limited if "withheld" in step}
    assert {"FundsAllotted", "ReviewConcluded", "NoticeStarted", "AwardListDecided", "AwardRevoked"} <= withheld


WITHOUT_TEXTS = {
    "/healthz", "/metrics", "/readyz", "/v1/event-types", "/v1/event-types/{type_}", "/v1/posting-rules",
    "/v1/problems", "/v1/problems/{kind}", "/v1/rules", "/v1/rules/{rule}", "/v1/keys/self", "/v1/events/digest",
    "/v1/calendars",
}  # fmt: skip
"""The addresses whose answers have no text of a fund or project."""


def test_the_marks_are_in_what_a_key_without_limits_reads(walk):
    """Otherwise the tests above would prove nothing."""
    found: dict[str, set[str]] = {}
    for sent in walk.reads():
        _, _, body = walk.send(sent, "all")
        found.setdefault(sent.path, set()).update(_marks(_stripped(body, sent), "qgab"))
    assert {path for path, owners in found.items() if not owners} == WITHOUT_TEXTS


@pytest.mark.parametrize(("key", "fund"), [("project", OWNERS["f"]), ("project", OWNERS["g"]), ("fund", OWNERS["g"])])
def test_a_held_fund_tells_no_more(walk, key, fund):
    """A fund is held if an event of it cannot be folded; what may be in a held fund is answered as 503."""
    first = "select min(position) from event where stream = 'fund/' || %(fund)s"
    hold = f"insert into held_fund (fund, position, projection, finding) values (%(fund)s, ({first}), 'lot', 'x')"
    with psycopg.connect(walk.served.api.url, autocommit=True) as conn:
        conn.execute(hold, {"fund": fund})
        try:
            test_what_the_key_may_not_know_is_answered_as_what_does_not_exist(walk, key)
        finally:
            conn.execute("delete from held_fund")


@pytest.mark.parametrize(("key", "query"), [("project", "project=own-1"), ("fund", "fund=own")])
def test_a_stream_sends_no_event_that_the_key_may_not_read(walk, key, query):
    stream = Stream(walk.served, key=key, query=query)
    text = json.dumps(stream.read(40), ensure_ascii=False)
    stream.close()
    assert not _marks(re.sub('"project": "[a-z0-9-]+"', "", text), _secret(key))
    refused = Sent("GET", "/v1/events", {"fund": Value("fund", OWNERS["g"])})
    assert walk.send(refused, key)[0] == 403


def _named(owner: str) -> planted.Names:
    """What posts may name of a project of one of OWNERS, and of its fund."""
    of_project = {name: BY_OWNER[name][owner] for name in ("project", "voucher", "source", "id")}
    return planted.Names(fund=OWNERS["f" if owner in "pq" else "g"], **of_project)


def _absent(owner: str) -> planted.Names:
    """Names of nothing, to compare with those of `owner`. The own fund is named in both, for its project q."""
    return planted.Names(OWNERS["f"] if owner == "q" else ABSENT["fund"], ABSENT["project"], ABSENT["voucher"])


@pytest.mark.parametrize("key", KEYS)
def test_no_answer_to_a_post_names_what_the_key_may_not_know(walk, key):
    leaks = {}
    for owner in _unknown(key).replace("g", ""):
        for about, sent in walk.posts(_named(owner)).items():
            status, headers, body = walk.send(sent, key)
            assert status not in (201, 500), (about, body)
            if found := _marks(_stripped(headers + body, sent), _unknown(key)):
                leaks.setdefault(about, f"{about} shows texts of {found}: {body}")
    assert not leaks, "\n\n".join(leaks.values())


@pytest.mark.parametrize("key", KEYS)
def test_a_post_is_refused_alike_whether_or_not_what_it_names_exists(walk, key):
    different = {}
    for owner in _unknown(key).replace("g", ""):
        absent = walk.posts(_absent(owner))
        for about, sent in walk.posts(_named(owner)).items():
            if not any(each in about for each in planted.TELL_EXISTENCE):
                answer, other = (_normal(walk.send(each, key), each) for each in (sent, absent[about]))
                if answer != other:
                    different.setdefault(about, f"{about}, {owner}: {answer}\n{other}")
    assert not different, "\n\n".join(different.values())


def test_a_refused_opening_is_listed_for_the_fund_of_its_sender(walk):
    """It names a project of another fund, whose readers would otherwise see the post of a stranger."""
    opening = planted.refused_posts(_named("a"))["opening"] | {"id": "opening-of-another"}
    opening["data"]["actor"] = "someone of own"
    sent = Sent("POST", "/v1/events", {}, json.dumps(opening).encode(), CLOUD_EVENT)
    assert walk.send(sent, "fund")[0] == 422

    def listed(key, query):
        return '"opening-of-another"' in walk.send(Sent("GET", f"/v1/refusals?limit=1000&{query}", {}), key)[2]

    assert listed("fund", "fund=own")
    assert listed("auditor", "project=amark-1")
    assert not listed("auditor", "fund=gmark-fund")
    assert not listed("projects", "project=amark-1")
