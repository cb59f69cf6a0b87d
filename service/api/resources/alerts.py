"""The alerts of a fund, its appropriations, and its citations of documents without a file's SHA-256.

/v1/funds/{fund}/alerts: what is overdue, due or odd (irregular). …/appropriations: the appropriations with their
deadlines. …/missing-evidence: the citations that do not give the SHA-256 of the cited file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any

import msgspec
from flask import Blueprint, Response

from domain.alerts import SENTENCES, Alert, Urgency, alerts, urgency
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.recipient import ID_CARD
from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import existing_fund, tables
from service.api.http.operation import operation
from service.api.http.parameters import MIN_POSITION, pattern, text, whole
from service.api.http.request_context import ledger, reader
from service.api.http.responses import answer
from service.api.http.visibility import can_read, limits, must_read, project_of
from service.api.resources.why import heads, last_position, look_up_in
from service.postgres.session import Row
from service.postgres.snapshots import NotInTheLog, NotYet, Snapshot

bp = Blueprint("alerts", __name__, url_prefix="/v1/funds")

MAX_OF_A_KIND = pagination.MAX_ROWS
"""How many alerts of one kind an answer lists, and how many log positions one of them has at most."""
AlertWithPositions = tuple[Alert, list[int]]
"""An alert, and the log positions of further events on which it is based, besides the events that the alert itself
names in `by`."""


class Found:
    """The alerts of a fund.

    Of some kinds, only the first MAX_OF_A_KIND are looked up; `unread` counts the others, by the alert's name.
    """

    def __init__(self, alerts: Iterable[Alert] = ()) -> None:
        self._alerts: list[AlertWithPositions] = [(each, []) for each in alerts]
        self._unread = Counter[str]()

    def add(self, alert: Alert, positions: list[int], of: int = 0) -> None:
        """Add an alert. `of`: how many of its kind there are, if not all of them are looked up."""
        self._alerts.append((alert, positions))
        self._unread[alert.name] = max(of - MAX_OF_A_KIND, 0)

    def listed(self, today: date) -> tuple[list[AlertWithPositions], Counter[str]]:
        """The alerts that the answer lists, the most urgent first, and the number of all others by their name."""
        in_order = sorted(
            self._alerts, key=lambda each: (list(Urgency).index(each[0].urgency), each[0].due_on or today)
        )
        listed, seen = list[AlertWithPositions](), Counter[str]()
        for each in in_order:
            seen[each[0].name] += 1
            if seen[each[0].name] <= MAX_OF_A_KIND:
                listed.append(each)
        return listed, self._unread + seen - Counter(alert.name for alert, _ in listed)


@bp.get("/<code:fund>/alerts")
@operation("List a fund's alerts", "预警事项", response_types.Alerts, min_position=MIN_POSITION)
def all_alerts(fund: str, *, min_position: int | None) -> Response:
    must_read(fund)
    with _at_one_position(fund, min_position or 0) as (snapshot, codes, view):
        if held := snapshot.held.get(fund):
            alert = Alert("fund-held", Urgency.ODD, {name: held[name] for name in held if name != "held_at"})
            found = Found()
            found.add(alert, [held["position"]])
        else:
            found = Found(alerts(view, fund, codes))
            _add_alerts_of_movements(found, snapshot, fund, view)
            _add_alerts_of_recipients(found, snapshot, fund)
            _add_alerts_of_numbers(found, snapshot, fund)
        return _answer(snapshot, fund, view, _streams(fund, codes), found)


@contextmanager
def _at_one_position(fund: str, min_position: int) -> Iterator[tuple[Snapshot, tuple[str, ...], LedgerView]]:
    """Context manager: the tables, the codes of the fund's projects that were opened, and the states of all of these.

    The tables and the states are after the same event, at or after `min_position`: otherwise an alert that is found in
    the tables could be about what the states disprove, or the other way round. The states are read up to the position
    of the tables. If some are cached at a later one, it is better to wait for the tables than to replay the streams.
    """
    with reader().at(min_position) as snapshot:
        streams = _streams(fund, _opened(snapshot, fund))
    cached = ledger().cached_position(*streams)
    with _tables_at(min_position, preferred=cached) as snapshot:
        codes = _opened(snapshot, fund)
        yield snapshot, codes, ledger().view(*_streams(fund, codes), upto=snapshot.position)


@contextmanager
def _tables_at(min_position: int, *, preferred: int) -> Iterator[Snapshot]:
    """Context manager: the tables, if possible at or after the position `preferred`, in any case at `min_position`."""
    with ExitStack() as stack:
        try:
            snapshot = stack.enter_context(reader().at(max(min_position, preferred)))
        except (NotYet, NotInTheLog):
            snapshot = stack.enter_context(reader().at(min_position))
        yield snapshot


def _opened(snapshot: Snapshot, fund: str) -> tuple[str, ...]:
    rows = snapshot.rows("projects", fund=fund, project=None)
    return tuple(row["project"] for row in rows if row["opened_position"])


def _streams(fund: str, codes: Iterable[str]) -> tuple[str, ...]:
    return (f"fund/{fund}", *(f"project/{code}" for code in codes))


def _answer(snapshot: Snapshot, fund: str, view: LedgerView, streams: Iterable[str], found: Found) -> Response:
    last, (listed, left_out) = look_up_in(snapshot, heads(view, *streams)), found.listed(view.today)
    places = look_up_in(snapshot, {reference for each, _ in listed for reference in each.by})
    rows = [
        _row(each, [*(places[at.stream, at.version]["position"] for at in each.by), *also]) for each, also in listed
    ]
    return answer(
        {
            "fund": fund,
            "as_of": {"position": snapshot.position},
            "states_as_of": {"position": last_position(last)},
            "today": view.today,
            "alerts": rows,
            "left_out": left_out,
        }
    )


def _row(alert: Alert, positions: list[int]) -> dict[str, Any]:
    facts = {"project": alert.project, "due_on": alert.due_on}
    return {
        "alert": alert.name,
        "urgency": alert.urgency,
        "sentence": alert.en,
        "sentence_zh": alert.zh,
        "rule": SENTENCES[alert.name].rule,
        "source": SENTENCES[alert.name].source._asdict(),
        **{name: value for name, value in facts.items() if value is not None},
        "facts": msgspec.to_builtins(alert.facts, enc_hook=str),
        "events": positions,
    }


def _add_alerts_of_movements(found: Found, snapshot: Snapshot, fund: str, view: LedgerView) -> None:
    """Add the alerts about movements of money, such as the alert that money was never paid.

    The movements are read from `snapshot`, because only the tables of the projections keep them. The fund's settings
    and today's date are read from `view`.
    """
    settings, first = view.fund(fund).settings, {"fund": fund, "limit": MAX_OF_A_KIND}
    for row in snapshot.rows("unspent", **first, year=view.today.year):
        facts = {"received_on": row["received_on"], "amount": _money(row, "unspent")}
        due_on: date = row["spend_by"]
        alert = Alert("unspent", urgency(due_on, view.today), facts, due_on=due_on)
        found.add(alert, [row["position"]], of=row["total"])
    for row in snapshot.rows("never_paid", **first, today=view.today, days=settings.idle_days):
        facts = {"batch": row["batch"], "amount": _money(row, "amount"), "since": row["since"], "award": row["award"]}
        name = "never-paid" if row["award"] else "never-awarded"
        found.add(Alert(name, Urgency.ODD, facts, project=row["project"]), row["positions"], of=row["total"])
    for row in snapshot.rows("december", **first):
        if row["december"] * 100 >= row["total"] * settings.december_percent:
            facts = {"year": row["year"], "amount": _money(row, "december"), "total": _money(row, "total")}
            found.add(Alert("december-rush", Urgency.ODD, facts), row["positions"])
    for row in snapshot.rows("payees_differ", **first):
        facts = {"payment": row["payment"], "amount": _money(row, "amount"), "payee": row["payee"]}
        alert = Alert("payee-differs", Urgency.ODD, facts, project=row["project"])
        found.add(alert, [row["position"]], of=row["total"])
    for row in snapshot.rows("reconciliations", fund=fund, position=snapshot.position, file_sha256=None):
        if row["status"] == "accepted" and (since := row["outdated_since"]):
            days = {"first_day": row["first_day"], "last_day": row["last_day"]}
            entry = {"entry": since["entry"], "stream": since["stream"], "version": since["entry_version"]}
            facts = {**days, **entry, "position": since["position"]}
            found.add(Alert("statement-outdated", Urgency.ODD, facts), [row["position"], since["position"]])


MAX_NAMED = 20
"""How many payees or awards the sentence of an alert names."""


def _add_alerts_of_recipients(found: Found, snapshot: Snapshot, fund: str) -> None:
    """Add the alerts about recipients: paid in another's place, sharing an account, or with awards of two projects.

    Of awards in other projects, only those are reported that the principal may read.
    """
    first = {"fund": fund, "limit": MAX_OF_A_KIND}
    for row in snapshot.rows("payees_not_applicants", **first):
        facts = {name: row[name] for name in ("award", "applicant", "payee", "type")}
        alert = Alert("payee-not-applicant", Urgency.ODD, facts, project=row["project"])
        found.add(alert, row["positions"], of=row["total"])
    for row in snapshot.rows("accounts_shared", **first):
        facts = {"last4": row["last4"], "payees": _named(row["payees"])}
        found.add(Alert("account-shared", Urgency.ODD, facts), row["positions"][:MAX_OF_A_KIND], of=row["total"])
    funds, projects = limits() or (None, None)
    rows = snapshot.rows("recipients_twice", **first, funds=funds, projects=projects)
    # A recipient that was renamed in all of them is found by both identities.
    for row in {tuple(row["awards"]): row for row in rows}.values():
        code = f"…{row['code']}" if row["kind"] == ID_CARD else row["code"]
        facts = {"recipient": row["recipient"], "code": code, "awards": _named(row["awards"])}
        found.add(Alert("recipient-twice", Urgency.ODD, facts), row["positions"][:MAX_OF_A_KIND], of=row["total"])


def _named(names: list[str]) -> str:
    more = [f"… ({len(names)})"] if len(names) > MAX_NAMED else []
    return ", ".join([*names[:MAX_NAMED], *more])


def _add_alerts_of_numbers(found: Found, snapshot: Snapshot, fund: str) -> None:
    """Add the alerts that two senders have used a document number, if the principal may read both events."""
    for row in snapshot.rows("shared_numbers", fund=fund, position=snapshot.position):
        if can_read(row["other_stream"]):
            facts = {"kind": row["kind"], "number": row["number"]}
            alert = Alert("number-shared", Urgency.ODD, facts, project=project_of(row["stream"]))
            found.add(alert, [row["position"], row["other_position"]])


def _money(row: Row, name: str) -> Money:
    return Money(int(row[name]))


@bp.get("/<code:fund>/appropriations")
@operation(
    "List a fund's appropriations with their deadlines",
    "指标及其时限",
    response_types.Appropriations,
    after=whole("Cursor: return only appropriations after this version of the fund", "从该版本之后开始"),
    limit=pagination.LONG_LIMIT,
    min_position=MIN_POSITION,
)
def appropriations(fund: str, *, after: int | None, limit: int | None, min_position: int | None) -> Response:
    must_read(fund)
    size = limit or pagination.MAX_ROWS
    with tables(min_position, fund) as snapshot:
        existing_fund(snapshot, fund)
        rows = snapshot.rows("appropriations", fund=fund, after=after or 0, limit=size)
        members = {"fund": fund, "as_of": {"position": snapshot.position}}
    return pagination.answer_rows("appropriations", rows, members, size, lambda row: str(row["version"]))


@bp.get("/<code:fund>/missing-evidence")
@operation(
    "List citations without the SHA-256 of the cited file",
    "缺少文件哈希的引用",
    response_types.MissingEvidence,
    kind=text("Filter by kind of document", "仅限该类文件", 20),
    after=pattern("[0-9]{1,18}[.][0-9]{1,9}", "Cursor: the `next` of the previous page", "从 next 所示之后开始"),
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def missing_evidence(
    fund: str, *, kind: str | None, after: str | None, limit: int | None, min_position: int | None
) -> Response:
    must_read(fund)
    size = limit or pagination.DEFAULT_ROWS
    position, seq = (after or "0.0").split(".")
    with tables(min_position, fund) as snapshot:
        existing_fund(snapshot, fund)
        rows = snapshot.rows("missing_evidence", fund=fund, kind=kind, position=int(position), seq=int(seq), limit=size)
        members = {"fund": fund, "as_of": {"position": snapshot.position}}
    return pagination.answer_rows("missing", rows, members, size, lambda row: f"{row['position']}.{row['seq']}")
