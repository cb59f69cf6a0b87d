"""`suyuan run`: runs the database, the projector and the web service on one machine, with the example."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.text import Text

from projections import FoldStopped
from service import config, example, supervisor
from service.api.resources.funds import planned_and_actual
from service.app import open_ledger
from service.cli import plan_table
from service.cli.rebuild_progress import say_held
from service.cli.reconcile import compare_file
from service.cli.terminal import TICK, connect, location, out, progress, say, variables
from service.cli.upgrade import upgrade
from service.codec import NewerEvent
from service.config import OF_LEDGER, OF_PROJECTOR, OF_SERVER, Config
from service.example import life
from service.ledger.application import Ledger
from service.plans import plan_file
from service.postgres.connect import database, url_of
from service.postgres.queries import QUERIES
from service.postgres.snapshots import Reader, open_pool
from service.server import startup
from service.workers import projector

Setup = list[dict[str, Any]]


@click.command("run", epilog=variables(*OF_LEDGER, *OF_SERVER, *OF_PROJECTOR, "LOGNAME"))
def command() -> None:
    """一键启动示例。Run the database, the projector and the web service with the example."""
    supervisor.no_core_dumps()
    settings = startup.checked(config.from_environment(new=True))
    with database(settings) as chosen:
        _step("数据库已就绪 database ready", lambda: _prepare(chosen))
        setup = list(plan_file.posts(plan_file.read(example.PLAN), actor="示例·资金科赵某"))
        if _is_free_for(setup, chosen):
            chosen = replace(chosen, example=True)  # noqa: PLW2901 - only the example flag differs
            _play(chosen, setup)
        else:
            say("账簿已有其他数据，不载入示例 this ledger has other data: the example is not loaded")
        stop = supervisor.stop_signal()
        with (
            supervisor.command(chosen, "projector", "--no-checks"),
            supervisor.command(chosen, "checker"),
            supervisor.command(chosen, "serve") as ended,
        ):
            _announce(settings, chosen, lambda: stop.is_set() or ended.is_set())
            while not (stop.is_set() or ended.is_set()):
                time.sleep(0.2)
    if not stop.is_set():
        raise click.ClickException("网络服务无法运行，原因见上 the web service cannot run: see above")
    say("已全部停止 everything has stopped")


def _prepare(chosen: Config) -> None:
    """Upgrade the ledger, and say which funds are held because one of their events cannot be folded any more."""
    with connect(url_of(chosen)) as conn:
        say_held(upgrade(chosen, conn, out).held, out)


def _is_free_for(setup: Setup, chosen: Config) -> bool:
    with connect(url_of(chosen)) as conn:
        row = conn.execute(QUERIES["has_example"], {"source": setup[0]["source"]}).fetchone()
    return bool(row and row["ours"])


def _play(chosen: Config, setup: Setup) -> None:
    """Post the example's plan and history, fold the events, and print the planned and the paid amounts.

    Then compare the example's statement with the ledger. If the folding stops, or if a newer version has recorded an
    event of the example, print the reason, and neither print the amounts nor compare the statement.
    """
    url = url_of(chosen)
    with connect(url) as conn:
        example.ensure_demo_keys(conn, chosen.secret, chosen.home / "demo-keys.json")
    ledger = open_ledger(url)
    try:
        _live(ledger, chosen.secret, setup)
    except example.OtherHistory:
        say("沿用此前版本的示例数据 the example data of an earlier version is kept")
    except NewerEvent as newer:
        say(Text("示例未继续 the example is not continued:", "yellow"), str(newer))
        return
    finally:
        ledger.close()
    try:
        _step("投影已更新 projections folded", lambda: projector.catch_up(url))
    except FoldStopped as stopped:
        say(Text("投影停止 projections stopped:", "red"), str(stopped))
        return
    pool = open_pool(url, size=1)
    try:
        with Reader(pool).at() as snapshot:
            out.print(plan_table.table(planned_and_actual(snapshot, setup[0]["subject"].partition("/")[2])))
    finally:
        pool.close()
    _compare_statement(chosen)


def _live(ledger: Ledger, secret: bytes, setup: Setup) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with progress(*columns, console=out) as display:
        task = display.add_task("示例资金的经过 the example's history", total=None)
        post = example.poster(ledger, secret, lambda: display.advance(task))
        for event in setup:
            post(event)
        life.play(post, setup, ledger.view().working_days)
        display.update(task, total=display.tasks[0].completed)


def _compare_statement(chosen: Config) -> None:
    """Compare the example's bank statement with the ledger, and print how many lines match.

    On purpose, the statement differs from the ledger once in every way that a reconciliation distinguishes.
    """
    try:
        found = compare_file(url_of(chosen), chosen.secret, example.STATEMENT, example.FUND)
    except click.ClickException as error:  # such as: the fund is held
        say(Text("示例对账单未比较 the example's statement is not compared:", "yellow"), error.message)
        return
    matched, lines = sum(len(each.lines) for each in found.matches), len(found.statement.lines)
    exceptions = len(found.exceptions)
    say(
        f"\n示例对账单：{lines} 行中 {matched} 行相符，另有 {exceptions} 项差异，均为示例所设\n"
        f"The example's statement: {matched} of {lines} lines match; it has {exceptions} exceptions on purpose\n"
        f"  suyuan reconcile {example.STATEMENT} --fund {example.FUND}"
    )


def _step(name: str, work: Callable[[], Any]) -> None:
    with out.status(name):
        work()
    say(TICK, name)


def _announce(settings: Config, chosen: Config, stopped: Callable[[], bool]) -> None:
    """Wait until the service answers, then print its address and how to read and post.

    Prints nothing if `stopped()` becomes true first.
    """
    while not stopped():
        with suppress(OSError), socket.create_connection((chosen.host, chosen.port)):
            break
        time.sleep(0.1)
    else:
        return
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    address = f"http://{host}:{chosen.port}"
    keys = chosen.home / "demo-keys.json"
    key = f"$(python3 -c \"import json; print(json.load(open('{keys}'))['auditor'])\")" if keys.exists() else "$KEY"
    with connect(url_of(chosen)) as conn:
        ledger = location(settings, conn)
    rows: Mapping[str, str | Text] = {
        "打开 open": Text(address, f"link {address}") if chosen.example else f"{address}/docs",
        "查询 read": f'curl -H "Authorization: Bearer {key}" {address}/v1/funds',
        "提交 post": f"{address}/docs#post · README",
        "账簿 ledger": ledger,
        "密钥 keys": f"{keys} (mode 600)" if keys.exists() else "suyuan keys create",
        "停止 stop": "Ctrl-C",
    }
    say(Text("\n✓ 已启动 running", "bold green"))
    for name, value in rows.items():
        say(" ", Text(name, "bold"), "", value)
