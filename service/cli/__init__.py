"""The command line: `suyuan run` is all of it on an empty machine; the others are its parts for operators."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import psycopg
import structlog
from marshmallow import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

import projections
from projections import Changed, FoldStopped
from service import calendar, checker, config, example, keeper, logs, plan_file, projector, rebuild, summary, web
from service.access import keys, tokens
from service.api import cloudevents
from service.api.contract.promise import taken_away
from service.api.funds import annex
from service.api.problems import of_outcome
from service.app import close, create_app, open_ledger
from service.cli.access import keys_
from service.cli.archive import archive_, replay_, restore_
from service.cli.books import check_, rebuild_
from service.cli.reconcile import hold_against, reconcile_, tell
from service.cli.terminal import administered, connect, out, url_of
from service.config import Config
from service.database import database
from service.embedded import HomeInUse, PostgresFailed
from service.example import life
from service.ledger import Counted, Ledger, NotRecorded
from service.migrate import MigrationChanged, MigrationsPending, check_migrated, migrate
from service.queries import QUERIES
from service.reads import Reader, open_pool

log = structlog.get_logger()


@click.group()
def cli() -> None:
    """溯元 Suyuan: the books of special funds, every fen traced to its source."""
    logs.configure()
    signal.signal(signal.SIGTERM, _interrupt)  # so that what was started is stopped in order


for _command in (keys_, rebuild_, check_, reconcile_, archive_, replay_, restore_):
    cli.add_command(_command)

SAID_PLAINLY = (
    Changed,
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
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            keys.check_secret(conn, chosen.secret)
            if changed := projections.changed(conn):
                log.warning("projections are to be rebuilt", projections=changed)
            if conn.execute(QUERIES["logs_values"]).fetchone():
                log.warning("this PostgreSQL writes parameters into its log: set log_parameter_max_length = 0")
        web.serve(chosen)


@cli.command("migrate")
def migrate_() -> None:
    """Bring the database's tables up to date. 升级数据库结构。"""
    with database(config.from_environment(), join=True) as chosen:
        for name in migrate(url_of(chosen)):
            out.print(name)
        with connect(url_of(chosen)) as conn:
            keys.check_secret(conn, chosen.secret)


@cli.command("projector")
def projector_() -> None:
    """Follow the log and fold it into the projections. 跟随日志，更新投影。"""
    stop = _told_to_stop()
    keeper.watch_parent(stop.set)
    with database(config.from_environment(), join=True) as chosen:
        no_more = threading.Event()
        checking = threading.Thread(target=checker.follow, args=(chosen, no_more), name="checker")
        checking.start()
        try:
            projector.follow(url_of(chosen), stop)
        except FoldStopped as stopped:
            log.error(  # noqa: TRY400 - the finding says all; a traceback would bury it
                "projector stopped",
                position=stopped.position,
                projection=stopped.projection,
                finding=stopped.finding,
            )
            sys.exit(keeper.FAULT)
        except Changed as changed:
            out.print(str(changed), soft_wrap=True)
            sys.exit(keeper.FAULT)
        finally:
            no_more.set()
            checking.join()


@cli.command("load-plan")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--actor", required=True, help="who adopts the plan 经办人")
def load_plan(file: Path, actor: str) -> None:
    """Set up the fund of a plan file, all of it or nothing (docs/plan-format.md). 载入资金安排计划。"""
    events = list(plan_file.posts(plan_file.read(file), actor))
    with administered(new=True) as (chosen, _):
        posts = [cloudevents.read(cloudevents.opened(event), "load-plan", chosen.secret) for event in events]
        ledger = open_ledger(url_of(chosen))
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
            why = "may not be used 不允许使用" if isinstance(error, PermissionError) else "is taken 端口被占用"
            address = f"{settings.host}:{settings.port}"
            raise click.ClickException(f"{address} {why}; set PORT 请设置 PORT ({error})") from error


def _prepare(chosen: Config) -> None:
    """The tables up to date and folded by this program's SQL, the secret the one that the database was set up with."""
    url = url_of(chosen)
    migrate(url)
    with connect(url) as conn:
        keys.check_secret(conn, chosen.secret)
        changed = projections.changed(conn)
    if changed:
        rebuild.run(url, changed, changed, out)


def _is_free_for(setup: list[dict[str, Any]], chosen: Config) -> bool:
    with connect(url_of(chosen)) as conn:
        row = conn.execute(QUERIES["has_example"], {"source": setup[0]["source"]}).fetchone()
    return bool(row and row["ours"])


def _play(chosen: Config, setup: list[dict[str, Any]]) -> None:
    """Load the example plan, play its life, fold it, and print the plan beside what became of it."""
    url, file = url_of(chosen), chosen.home / "demo-keys.json"
    with connect(url) as conn:
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
    out.print(f"\n与示例对账单核对 held against the example's statement: {example.STATEMENT.name}")
    tell(hold_against(url, chosen.secret, example.STATEMENT, example.FUND), out)
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
