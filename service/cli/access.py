"""`suyuan keys`: who may do what. 接口密钥。"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import click
from rich.table import Table

from service import calendar
from service.access import SCOPES, grant, keys
from service.cli.terminal import administered, out


@click.group("keys")
def keys_() -> None:
    """API keys. 接口密钥。"""


NAMED = click.argument("name")
UNTIL = click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="last day (Asia/Shanghai) 有效期至（含）")


@keys_.command("create")
@NAMED
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="what it may do 权限")
@click.option("--fund", "funds", multiple=True, help="only in this fund 仅限专项资金")
@click.option("--project", "projects", multiple=True, help="only in this project 仅限项目")
@click.option("--source", "sources", multiple=True, help="only for this event source 仅限来源")
@UNTIL
def create_key(name: str, expires: datetime | None, **limits: tuple[str, ...]) -> None:
    """Make a key and print it, the only time it is ever shown. 新建密钥（只显示一次）。"""
    if not re.fullmatch("[a-z0-9][a-z0-9.-]{0,63}", name):
        raise click.ClickException(
            "a name is lower-case letters, digits, dots and hyphens 名称须为小写字母、数字、点、连字符"
        )
    if "admin" in limits["scopes"] and (limits["funds"] or limits["projects"]):
        raise click.ClickException("admin has no limits: it is for the whole ledger  admin 权限不能限于专项资金或项目")
    with administered(new=True) as (chosen, conn):
        try:
            key = keys.create(conn, chosen.secret, name, grant(**limits), _end_of(expires))
        except keys.KeyExists as error:
            raise click.ClickException(f"the name {name} is taken; names are never used again 名称已被使用") from error
        out.print(key, soft_wrap=True, highlight=False)


@keys_.command("list")
def list_keys() -> None:
    """All keys that ever were. 列出密钥。"""
    table = Table("名称 name", "状态 state", "权限 scopes", "限于 only", "到期 expires", "最近使用 last used")
    with administered() as (_, conn):
        for key in keys.listed(conn):
            only = sorted(key.grant.funds | key.grant.projects | key.grant.sources)
            days = [_local(day) if day else "" for day in (key.expires_at, key.last_used_at)]
            table.add_row(key.name, key.state, " ".join(sorted(key.grant.scopes)), " ".join(only), *days)
    out.print(table)


@keys_.command("rotate")
@NAMED
@click.option(
    "--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 24 * 90), help="旧密钥保留小时数"
)
@UNTIL
def rotate_key(name: str, overlap_hours: int, expires: datetime | None) -> None:
    """Print a new key for this name; the old one opens for a while yet. 轮换密钥。"""
    with administered() as (chosen, conn), _in_force(name):
        key = keys.rotate(conn, chosen.secret, name, timedelta(hours=overlap_hours), _end_of(expires))
        out.print(key, soft_wrap=True, highlight=False)


@keys_.command("revoke")
@NAMED
def revoke_key(name: str) -> None:
    """Revoke a key; it opens nothing from then on. 吊销密钥。"""
    with administered() as (_, conn), _in_force(name):
        keys.revoke(conn, name)


@keys_.command("history")
def key_history() -> None:
    """Every grant and revocation, oldest first. 授权与吊销记录。"""
    table = Table("时间 at", "密钥 key", "动作 action", "经手 by", "内容 detail")
    with administered() as (_, conn):
        for change in keys.history(conn):
            detail = json.dumps(change["detail"], ensure_ascii=False)
            table.add_row(_local(change["at"]), change["key"], change["action"], change["by"], detail)
    out.print(table)


@contextmanager
def _in_force(name: str) -> Iterator[None]:
    try:
        yield
    except keys.NoSuchKey as error:
        raise click.ClickException(f"no key {name} is in force 没有有效的密钥 {name}") from error


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(calendar.SHANGHAI):%Y-%m-%d %H:%M}"


def _end_of(day: datetime | None) -> datetime | None:
    return day and (day + timedelta(days=1)).replace(tzinfo=calendar.SHANGHAI)
