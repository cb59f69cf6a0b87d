"""`suyuan keys`: manages the API keys. 接口密钥。"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

import click
import psycopg
from marshmallow import ValidationError
from marshmallow.fields import Field
from rich.markup import escape
from rich.table import Table

from service import calendar
from service.api.posting.fields import Code, Party, Source, Text
from service.auth import api_keys
from service.auth.api_keys import KeyRecord
from service.auth.grants import POSTING, SCOPES, Grant, grant
from service.cli import duties
from service.cli.duties import BothSides
from service.cli.terminal import (
    AS_JSON,
    NEW,
    Group,
    administered,
    err,
    out,
    say,
    say_json,
    say_key,
    variables,
)
from service.config import OF_LEDGER
from service.postgres import roles
from service.postgres.queries import QUERIES

HELP = variables(*OF_LEDGER)
HELP_OF_CHANGES = variables(*OF_LEDGER, "LOGNAME")
MAX_YEAR = 2199
"""The last year in which a key may expire; posts may not name a later year either."""


@click.group("keys", cls=Group)
def command() -> None:
    """接口密钥：新建、检查、指明使用人、增加来源、轮换、吊销。API keys: create, review, name, allow, rotate, revoke."""


NAMED = click.argument("name")
EXPIRES = click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="last day (Asia/Shanghai) 有效期至（含）")
MAX_REASON = 200


def _valid(option: str, field: Field[Any], text: str) -> str:
    """Return `text`, the value of `option`. Raises ClickException if the field refuses it."""
    try:
        field.deserialize(text)
    except ValidationError as error:
        raise click.ClickException(f"{option} {text[:40]!r}: {' '.join(map(str, error.messages))}") from error
    return text


REASON: Callable[[Any], Any] = click.option(
    "--reason",
    callback=lambda _, __, text: text if text is None else _valid("--reason", Text(max_length=MAX_REASON), text),
    help="why, shown by `keys history` 事由，记入变更记录",
)


def _person(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    """The person `text`. A token's subject (`https://ISSUER#SUBJECT`) may have long numbers; another person may not."""
    field = Text() if text and re.match("https?://[^#]+#", text) else Party()
    return text if text is None else _valid("--person", field, text)


PERSON: Callable[[Any], Any] = click.option(
    "--person", callback=_person, help="who uses the key, such as a staff number and name 使用人，如工号和姓名"
)


@command.command("create", epilog=HELP_OF_CHANGES)
@NAMED
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="what the key may do 权限"
)
@click.option("--fund", "funds", multiple=True, help="limit the key to this fund; repeatable 仅限专项资金，可多个")
@click.option("--project", "projects", multiple=True, help="limit the key to this project; repeatable 仅限项目，可多个")
@click.option(
    "--source",
    "sources",
    multiple=True,
    help="source of its events, required if it may post; repeatable 来源，提交事件的密钥必填，可多个",
)
@click.option(
    "--not-yet-established",
    is_flag=True,
    help="accept funds and projects that are not in the ledger yet 资金或项目尚未入账",
)
@PERSON
@EXPIRES
@REASON
@NEW
def create_key(
    name: str,
    person: str | None,
    expires: datetime | None,
    reason: str | None,
    *,
    new: bool,
    not_yet_established: bool,
    **limits: tuple[str, ...],
) -> None:
    """新建密钥（只显示一次）。Create a key and print it; it cannot be shown again."""
    if not re.fullmatch("[a-z0-9][a-z0-9.-]{0,63}", name):
        raise click.ClickException(
            "名称须为小写字母、数字、点、连字符 a name is lower-case letters, digits, dots and hyphens"
        )
    if "admin" in limits["scopes"] and (limits["funds"] or limits["projects"]):
        raise click.ClickException(
            "admin 权限不能限于专项资金或项目 the scope admin cannot be limited to funds or projects"
        )
    if POSTING.intersection(limits["scopes"]) and not limits["sources"]:
        raise click.ClickException(
            "可以提交事件的密钥须以 --source 写明来源，例如 --source /yuexiu/treasury（支付系统）\n"
            "a key that may post names the source of its events, such as: --source /yuexiu/treasury"
        )
    _check_sources(limits["sources"])
    until = _end_of(expires)
    with administered(roles.KEYS, new=new) as (chosen, conn):
        _warn_of_shared_sources(conn, name, grant(**limits))
        _check_limits(conn, limits, not_yet_established=not_yet_established)
        try:
            with conn.transaction():  # a key that cannot be shown is not created
                of = grant(**limits)
                say_key(api_keys.create(conn, chosen.secret, name, of, until, person=person, reason=reason))
        except api_keys.KeyExists as error:
            raise click.ClickException(f"名称已被使用 the name {name} is taken; names are never reused") from error
        except api_keys.LooksLikeAnother as error:
            raise click.ClickException(
                f"名称 {name} 与已有的 {error.name} 难以分辨 the name {name} looks like {error.name}; choose another"
            ) from error
        _warn(conn, name)


def _check_sources(sources: Sequence[str]) -> None:
    for source in sources:
        _valid("--source", Source(), source)


def _warn_of_shared_sources(conn: psycopg.Connection[dict[str, Any]], name: str, of: Grant) -> None:
    """Print each source in `of` that another valid key has, which is limited to other funds or projects."""
    for key in api_keys.list_keys(conn):
        shared = key.grant.sources & of.sources
        same_limits = (key.grant.funds, key.grant.projects) == (of.funds, of.projects)
        if shared and not same_limits and key.name != name and key.state == "in force":
            say(
                f"密钥 {key.name} 范围不同而来源相同：{escape(' '.join(sorted(shared)))}；可以占用彼此的编号\n"
                f"the key {key.name} has other limits and the same source: each can use up ids of the other",
                console=err,
            )


def _check_limits(
    conn: psycopg.Connection[dict[str, Any]], limits: dict[str, tuple[str, ...]], *, not_yet_established: bool
) -> None:
    """Raises ClickException if `limits` names a fund or project that the ledger does not have, with similar codes.

    A key that is limited to an unknown fund or project would grant nothing. With `not_yet_established`, such codes are
    only printed: the office of a fund may need its key to establish the fund. They must be codes that a fund can have.
    """
    streams = [f"{kind}/{code}" for kind in ("fund", "project") for code in limits[f"{kind}s"]]
    known = {row["stream"] for row in conn.execute(QUERIES["known_codes"], {"streams": streams})}
    unknown = [stream for stream in streams if stream not in known]
    if unknown and not not_yet_established:
        similar = _similar(conn, unknown)
        raise click.ClickException(
            f"账簿中没有 not in this ledger: {', '.join(each + similar[each] for each in unknown)}\n"
            "尚未入账的，请加 --not-yet-established；if it is yet to be established: --not-yet-established"
        )
    for stream in unknown:
        kind, _, code = stream.partition("/")
        _valid(f"--{kind}", Code(), code)
        say(f"账簿中尚无 not yet in this ledger: {stream}", console=err)


def _similar(conn: psycopg.Connection[dict[str, Any]], streams: Sequence[str]) -> dict[str, str]:
    """For each stream: the similar ones that the ledger has, in a remark; "" if there are none."""
    codes = {row["stream"].casefold(): row["stream"] for row in conn.execute(QUERIES["all_codes"])}
    return {stream: _remark(stream.casefold(), codes) for stream in streams}


def _remark(text: str, names: dict[str, str]) -> str:
    """A remark that lists the `names` whose keys are similar to `text`; "" if there are none."""
    similar = [names[each] for each in get_close_matches(text, names, n=3, cutoff=0.75)]
    return f" (相近 similar: {', '.join(similar)})" if similar else ""


def _warn(conn: psycopg.Connection[dict[str, Any]], name: str) -> None:
    """Print what a review of the duties finds about the key `name`."""
    both, without_person = _review(conn)
    for found in both:
        if name in (found.first_key, found.second_key):
            say(f"注意 note: {_sentence(found)}", console=err)
    if name in without_person:
        say(f"注意 note: {_no_person(name)}", console=err)


def _review(conn: psycopg.Connection[dict[str, Any]]) -> tuple[list[BothSides], list[str]]:
    """Who holds both sides of duties that rules keep apart, and the keys for such duties that name no person."""
    listed = api_keys.list_keys(conn)
    funds = {row["project"]: frozenset(row["funds"]) for row in conn.execute(QUERIES["key_funds"])}
    return list(duties.both_sides(listed, funds)), duties.without_person(listed)


def _sentence(found: BothSides) -> str:
    first, second = f"{found.first} ({found.first_key})", f"{found.second} ({found.second_key})"
    who = found.person or found.first_key
    return (
        f"{who} 一人兼有须由两人分办的权限 holds both sides of duties that two people must share: "
        f"{first} 与 and {second}"
    )


def _no_person(name: str) -> str:
    return (
        f"密钥 {name} 未指明使用人，须由两人办理的事项只凭填写的姓名和密钥分辨 the key {name} names no person: "
        "that two people act rests on typed names and keys only (--person)"
    )


@command.command("list", epilog=HELP)
@AS_JSON
def list_keys(*, as_json: bool) -> None:
    """列出全部密钥。List all keys, including expired and revoked ones."""
    with administered(roles.KEYS, read_only=True) as (_, conn):
        listed = api_keys.list_keys(conn)
    if as_json:
        say_json([_document(key) for key in listed])
        return
    table = Table(
        "名称 name",
        "使用人 person",
        "状态 state",
        "权限 scopes",
        "限于 limited to",
        "来源 sources",
        "到期 expires",
        "最近使用 last used",
    )
    for key in listed:
        parts = key.grant.scopes, key.grant.funds | key.grant.projects, key.grant.sources
        days = [_local(day) if day else "" for day in (key.expires_at, key.last_used_at)]
        texts = [escape(" ".join(sorted(part))) for part in parts]
        table.add_row(key.name, escape(key.person or ""), key.state, *texts, *days)
    out.print(table)


def _document(key: KeyRecord) -> dict[str, Any]:
    limits = {part: sorted(getattr(key.grant, part)) for part in ("scopes", "funds", "projects", "sources")}
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "last_used_at", "revoked_at")}
    return {"name": key.name, "person": key.person, "state": key.state, **limits, **times}


@command.command("review", epilog=HELP)
@AS_JSON
def review_keys(*, as_json: bool) -> None:
    """检查分工。List people who hold both sides of a duty, keys without a person, and keys without a source."""
    with administered(roles.KEYS, read_only=True) as (_, conn):
        both, without_person = _review(conn)
        without_source = [key.name for key in api_keys.list_keys(conn) if key.may_post_with_no_source]
    if as_json:
        found = [each._asdict() for each in both]
        say_json({"both_sides": found, "without_person": without_person, "without_source": without_source})
        return
    sentences = [*map(_sentence, both), *map(_no_person, without_person), *map(_no_source, without_source)]
    for sentence in sentences:
        say(sentence)
    if not sentences:
        say("无人兼任，密钥均已指明使用人和来源 nobody holds both sides, and each key names its person and sources")


def _no_source(name: str) -> str:
    return (
        f"密钥 {name} 未写明来源，不能提交：suyuan keys allow {name} --source …\n"
        f"the key {name} names no source, so it cannot post: suyuan keys allow {name} --source …"
    )


@command.command("person", epilog=HELP_OF_CHANGES)
@NAMED
@click.argument("person", callback=_person)
@REASON
def name_person(name: str, person: str, reason: str | None) -> None:
    """指明使用人。Name the person who uses a key that names nobody yet."""
    with administered(roles.KEYS) as (_, conn), _in_force(conn, name):
        try:
            api_keys.name_person(conn, name, person, reason=reason)
        except api_keys.NamesAnother as error:
            raise click.ClickException(
                f"密钥 {name} 已指明使用人 {error.person}；改由他人使用的，请轮换：suyuan keys rotate {name} --person\n"
                f"the key {name} names {error.person}; hand it to another by: suyuan keys rotate {name} --person"
            ) from error
        _warn(conn, name)


@command.command("rotate", epilog=HELP_OF_CHANGES)
@NAMED
@click.option(
    "--overlap-hours",
    show_default="24; 0 with --person",
    type=click.IntRange(0, 24 * 90),
    help="how long the old key stays valid 旧密钥保留小时数",
)
@PERSON
@EXPIRES
@REASON
def rotate_key(
    name: str, overlap_hours: int | None, person: str | None, expires: datetime | None, reason: str | None
) -> None:
    """轮换密钥。Print a new key for this name; the old one stays valid for a while, unless a person takes it over."""
    if person and overlap_hours:
        raise click.ClickException(
            "移交给 --person 时旧密钥立即失效，不能与 --overlap-hours 同用\n"
            "handed to --person, the old key ends at once: give no --overlap-hours"
        )
    overlap, until = timedelta(hours=24 if overlap_hours is None else overlap_hours), _end_of(expires)
    with administered(roles.KEYS) as (chosen, conn), _in_force(conn, name):
        with conn.transaction():
            say_key(api_keys.rotate(conn, chosen.secret, name, overlap, until, person=person, reason=reason))
        _warn(conn, name)


@command.command("allow", epilog=HELP_OF_CHANGES)
@NAMED
@click.option("--source", "sources", multiple=True, required=True, help="a further source of its events 增加的来源")
@REASON
def allow_key(name: str, sources: tuple[str, ...], reason: str | None) -> None:
    """增加来源。Let a key post events of a further source."""
    _check_sources(sources)
    with administered(roles.KEYS) as (_, conn), _in_force(conn, name):
        api_keys.allow(conn, name, sources, reason=reason)
        [key] = (each for each in api_keys.list_keys(conn) if each.name == name)
        _warn_of_shared_sources(conn, name, key.grant)


@command.command("revoke", epilog=HELP_OF_CHANGES)
@NAMED
@REASON
def revoke_key(name: str, reason: str | None) -> None:
    """吊销密钥。Revoke a key; it is refused from then on."""
    with administered(roles.KEYS) as (_, conn), _in_force(conn, name):
        api_keys.revoke(conn, name, reason=reason)


@command.command("history", epilog=HELP)
@AS_JSON
def key_history(*, as_json: bool) -> None:
    """授权与吊销记录。List every grant and revocation, oldest first."""
    with administered(roles.KEYS, read_only=True) as (_, conn):
        changes: Sequence[dict[str, Any]] = api_keys.history(conn)
    if as_json:
        say_json(changes)
        return
    table = Table("时间 at", "密钥 key", "动作 action", "经办 by", "事由 reason", "内容 detail")
    for change in changes:
        texts = change["by"], change["reason"] or "", json.dumps(change["detail"], ensure_ascii=False)
        table.add_row(_local(change["at"]), change["key"], change["action"], *map(escape, texts))
    out.print(table)


@contextmanager
def _in_force(conn: psycopg.Connection[dict[str, Any]], name: str) -> Iterator[None]:
    """Context manager: reports a key of this name that there never was, or that has ended, and what to do."""
    try:
        yield
    except api_keys.NoSuchKey as error:
        similar = _remark(name, {key.name: key.name for key in api_keys.list_keys(conn)})
        raise click.ClickException(
            f"没有名为 {name} 的密钥 there is no key named {name}{similar}\n见 see: suyuan keys list"
        ) from error
    except api_keys.KeyEnded as ended:
        raise click.ClickException(_ended(name, ended)) from ended


def _ended(name: str, ended: api_keys.KeyEnded) -> str:
    at = _local(ended.at)
    if ended.revoked:
        return (
            f"密钥 {name} 已于 {at} 吊销，不能恢复；请以新名称新建：suyuan keys create\n"
            f"the key {name} was revoked at {at} and cannot be restored; create one of another name: suyuan keys create"
        )
    return (
        f"密钥 {name} 已于 {at} 到期；如需续用，请给出新的有效期：--expires 日期\n"
        f"the key {name} expired at {at}; to go on using it, give a new last day: --expires DAY"
    )


def _end_of(day: datetime | None) -> datetime | None:
    """The end of `day` in Asia/Shanghai, or None if `day` is None.

    Raises ClickException if the day is past, or if its year is after MAX_YEAR.
    """
    if day is None:
        return None
    if day.date() < calendar.today():
        raise click.ClickException(f"有效期已过 the expiry date is past: {day.date()}")
    if day.year > MAX_YEAR:
        raise click.ClickException(f"年份不得晚于 {MAX_YEAR} the year must be at most {MAX_YEAR}; or give no --expires")
    return day.replace(tzinfo=calendar.SHANGHAI) + timedelta(days=1)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(calendar.SHANGHAI):%Y-%m-%d %H:%M}"
