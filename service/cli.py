"""The command line: `suyuan run` is all of it on an empty machine; the others are its parts for operators."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import psycopg
import structlog
from marshmallow import ValidationError
from psycopg.rows import dict_row
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from projections import FoldStopped
from service import calendar, config, example, keeper, logs, plan_file, projector, summary, web
from service.access import SCOPES, grant, keys, tokens
from service.api import cloudevents
from service.api.contract.promise import taken_away
from service.api.funds import annex
from service.api.problems import of_outcome
from service.app import close, create_app, open_ledger
from service.config import Config
from service.database import database
from service.embedded import HomeInUse, PostgresFailed
from service.example import life
from service.ledger import Counted, Ledger, NotRecorded
from service.migrate import MigrationChanged, MigrationsPending, check_migrated, migrate
from service.queries import QUERIES
from service.reads import Reader, open_pool

log = structlog.get_logger()
out = Console()


@click.group()
def cli() -> None:
    """溯元 Suyuan: the books of special funds, every fen traced to its source."""
    logs.configure()
    signal.signal(signal.SIGTERM, _interrupt)  # so that what was started is stopped in order


SAID_PLAINLY = (
    HomeInUse,
    PostgresFailed,
    MigrationChanged,
    MigrationsPending,
    plan_file.PlanFileWrong,
    keys.OtherSecret,
    tokens.TokenFileWrong,
)


def main() -> None:
    """Run a command; what a person can mend is said in two sentences, not in a traceback."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except SAID_PLAINLY as error:
        sys.exit(str(error))
    except ValidationError as error:
        sys.exit(f"the plan file's values are wrong 计划文件内容有误: {error.messages}")
    except psycopg.errors.InsufficientPrivilege as error:
        sys.exit(f"the database's role may not do that 数据库角色权限不足: {error}")
    except psycopg.OperationalError as error:
        sys.exit(f"the database is out of reach 数据库无法连接: {error}")
    except PermissionError as error:
        sys.exit(f"{error.filename}: belongs to another user; set SUYUAN_HOME 属于其他用户，请设置 SUYUAN_HOME")


def _told_to_stop() -> threading.Event:
    """An event that SIGINT and SIGTERM set. Only ever look at it: a handler that meets a wait in progress hangs."""
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    return told


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@cli.command()
def run() -> None:
    """Start everything on the example: database, projector, web service. 一键启动示例。"""
    settings = config.from_environment()
    _check_port(settings)
    with database(settings) as chosen:
        _step("数据库已就绪 database ready", lambda: _prepare(chosen))
        setup = list(plan_file.posts(plan_file.read(example.PLAN), actor="示例·资金科赵某"))
        if _is_free_for(setup, chosen):
            chosen = replace(chosen, example=True)  # noqa: PLW2901 - the same, and the page is open
            _play(chosen, setup)
        else:
            out.print("账簿已有其他数据，不载入示例 this ledger has other data: the example is left out")
        out.print(f"服务地址 serving on: [link]http://{chosen.host}:{chosen.port}[/link]  Ctrl-C 停止 stops it\n")
        told = _told_to_stop()
        with keeper.command(chosen, "projector"), keeper.command(chosen, "serve"):
            while not told.is_set():
                time.sleep(0.2)
    out.print("已全部停止 all stopped")


@cli.command()
def serve() -> None:
    """Serve the API; `suyuan migrate` comes first. 只启动网络服务。"""
    keeper.watch_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    with database(config.from_environment(), join=True) as chosen:
        if chosen.oidc:
            tokens.read(chosen.oidc)  # what is wrong in it is better said here than by a worker
        with _connect(_url(chosen)) as conn:
            check_migrated(conn)
            keys.check_secret(conn, chosen.secret)
            if conn.execute(QUERIES["logs_values"]).fetchone():
                log.warning("this PostgreSQL writes parameters into its log: set log_parameter_max_length = 0")
        web.serve(chosen)


@cli.command("migrate")
def migrate_() -> None:
    """Bring the database's tables up to date. 升级数据库结构。"""
    with database(config.from_environment(), join=True) as chosen:
        for name in migrate(_url(chosen)):
            out.print(name)
        with _connect(_url(chosen)) as conn:
            keys.check_secret(conn, chosen.secret)


@cli.command("projector")
def projector_() -> None:
    """Follow the log and fold it into the projections. 跟随日志，更新投影。"""
    stop = _told_to_stop()
    keeper.watch_parent(stop.set)
    with database(config.from_environment(), join=True) as chosen:
        try:
            projector.follow(_url(chosen), stop)
        except FoldStopped as stopped:
            log.error(  # noqa: TRY400 - the finding says all; a traceback would bury it
                "projector stopped",
                position=stopped.position,
                projection=stopped.projection,
                finding=stopped.finding,
            )
            sys.exit(keeper.FAULT)


@cli.group("keys")
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
    with _administered() as (chosen, conn):
        try:
            key = keys.create(conn, chosen.secret, name, grant(**limits), _end_of(expires))
        except keys.KeyExists as error:
            raise click.ClickException(f"the name {name} is taken; names are never used again 名称已被使用") from error
        out.print(key, soft_wrap=True, highlight=False)


@keys_.command("list")
def list_keys() -> None:
    """All keys that ever were. 列出密钥。"""
    table = Table("名称 name", "状态 state", "权限 scopes", "限于 only", "到期 expires", "最近使用 last used")
    with _administered() as (_, conn):
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
    with _administered() as (chosen, conn), _in_force(name):
        key = keys.rotate(conn, chosen.secret, name, timedelta(hours=overlap_hours), _end_of(expires))
        out.print(key, soft_wrap=True, highlight=False)


@keys_.command("revoke")
@NAMED
def revoke_key(name: str) -> None:
    """Revoke a key; it opens nothing from then on. 吊销密钥。"""
    with _administered() as (_, conn), _in_force(name):
        keys.revoke(conn, name)


@keys_.command("history")
def key_history() -> None:
    """Every grant and revocation, oldest first. 授权与吊销记录。"""
    table = Table("时间 at", "密钥 key", "动作 action", "经手 by", "内容 detail")
    with _administered() as (_, conn):
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


@cli.command("load-plan")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--actor", required=True, help="who adopts the plan 经办人")
def load_plan(file: Path, actor: str) -> None:
    """Set up the fund of a plan file, all of it or nothing (docs/plan-format.md). 载入资金安排计划。"""
    events = list(plan_file.posts(plan_file.read(file), actor))
    with _administered() as (chosen, _):
        posts = [cloudevents.read(cloudevents.opened(event), "load-plan", chosen.secret) for event in events]
        ledger = open_ledger(_url(chosen))
        try:
            outcomes = ledger.post(posts)
        finally:
            ledger.close()
    for event, outcome in zip(events, outcomes, strict=True):
        if not isinstance(outcome, Counted | NotRecorded):
            problem = of_outcome(outcome)
            raise click.ClickException(f"{event['id']}: {problem['title']} {problem['title_zh']}")
    out.print(f"{sum(not each.replayed for each in outcomes if isinstance(each, Counted))} 个事件入账 recorded")


@cli.command("contract")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def contract_(file: Path) -> None:
    """Write the API's contract into FILE, if it keeps all that FILE promises. 更新接口契约（只增不减）。"""
    with database(config.from_environment(), join=True) as chosen:
        app = create_app(chosen)
        try:
            now = app.test_client().get("/openapi.json").json
        finally:
            close(app)
    if file.exists() and (broken := list(taken_away(json.loads(file.read_text(encoding="utf-8")), now))):
        raise click.ClickException("a published contract changes only by adding  契约只增不减\n" + "\n".join(broken))
    file.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _check_port(settings: Config) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            address = f"{settings.host}:{settings.port}"
            raise click.ClickException(f"{address} is taken; set PORT 端口被占用，请设置 PORT ({error})") from error


def _prepare(chosen: Config) -> None:
    """The tables up to date, and the secret the one that this database was set up with."""
    migrate(_url(chosen))
    with _connect(_url(chosen)) as conn:
        keys.check_secret(conn, chosen.secret)


def _is_free_for(setup: list[dict[str, Any]], chosen: Config) -> bool:
    with _connect(_url(chosen)) as conn:
        row = conn.execute(QUERIES["has_example"], {"source": setup[0]["source"]}).fetchone()
    return bool(row and row["ours"])


def _play(chosen: Config, setup: list[dict[str, Any]]) -> None:
    """Load the example plan, play its life, fold it, and print the plan beside what became of it."""
    url, file = _url(chosen), chosen.home / "demo-keys.json"
    with _connect(url) as conn:
        example.ensure_demo_keys(conn, chosen.secret, file)
    ledger = open_ledger(url)
    try:
        _live(ledger, chosen.secret, setup)
    except example.PlayedOtherwise:
        out.print("沿用此前版本的示例数据 the example of an earlier version is kept as it is")
    finally:
        ledger.close()
    try:
        _step("投影已更新 projections folded", lambda: projector.catch_up(url))
    except FoldStopped as stopped:
        out.print(f"[red]投影停止 projections stopped[/red]: {stopped}")
        return
    pool = open_pool(url, size=1)
    try:
        with Reader(pool).at() as snapshot:
            out.print(summary.table(annex(snapshot, setup[0]["subject"].partition("/")[2])))
    finally:
        pool.close()
    out.print(f"\n示例密钥 demo keys: {file} (mode 600)")


def _live(ledger: Ledger, secret: bytes, setup: list[dict[str, Any]]) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=out) as progress:
        task = progress.add_task("示例资金的一生 the example's life", total=None)
        post = example.poster(ledger, secret, lambda: progress.advance(task))
        for event in setup:
            post(event)
        life.play(post, setup, calendar.working_days)
        progress.update(task, total=progress.tasks[0].completed)


def _step(name: str, work: Callable[[], Any]) -> None:
    with out.status(name):
        work()
    out.print(f"[green]✓[/green] {name}")


@contextmanager
def _administered() -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """A connection to the database; also while `suyuan run` has it. An embedded one is brought up to date first."""
    settings = config.from_environment()
    with database(settings, join=True) as chosen:
        if settings.database_url is None:
            migrate(_url(chosen))
        with _connect(_url(chosen)) as conn:
            check_migrated(conn)
            keys.check_secret(conn, chosen.secret)
            yield chosen, conn


def _connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def _url(chosen: Config) -> str:
    assert chosen.database_url is not None
    return chosen.database_url
