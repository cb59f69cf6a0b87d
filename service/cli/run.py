"""`suyuan run`: runs the database, the projector and the web service on one machine, with the example."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
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
from service.example.catalogue import DEFAULT, EXAMPLES, sources
from service.ledger.application import Ledger
from service.plans import plan_file
from service.postgres.connect import database, url_of
from service.postgres.queries import QUERIES
from service.postgres.snapshots import Reader, open_pool
from service.server import startup
from service.workers import projector

ABOUT_EXAMPLES = "\n".join(f"  {name:20} {each.about_zh} {each.about}" for name, each in EXAMPLES.items())


@click.command(
    "run",
    epilog=f"\b\nExamples 示例:\n{ABOUT_EXAMPLES}\n\n{variables(*OF_LEDGER, *OF_SERVER, *OF_PROJECTOR, 'LOGNAME')}",
)
@click.option(
    "--example",
    "name",
    metavar="NAME",
    type=click.Choice(list(EXAMPLES)),
    help=f"the example to load, listed below; a ledger can have several 要载入的示例，见下 [{DEFAULT}]",
)
def command(name: str | None) -> None:
    """一键启动示例。Run the database, the projector and the web service with the example."""
    supervisor.no_core_dumps()
    settings = startup.checked(config.from_environment(new=True))
    with database(settings) as chosen:
        _step("数据库已就绪 database ready", lambda: _prepare(chosen))
        examples = _examples_of(chosen, name)
        if examples:
            chosen = replace(chosen, example=True)  # noqa: PLW2901 - only the example flag differs
            _play(chosen, examples)
        else:
            say("账簿已有其他数据，不载入示例 this ledger has other data: the example is not loaded")
        stop = supervisor.stop_signal()
        with (
            supervisor.command(chosen, "projector", "--no-checks"),
            supervisor.command(chosen, "checker"),
            supervisor.command(chosen, "serve") as ended,
        ):
            _announce(settings, chosen, list(examples), lambda: stop.is_set() or ended.is_set())
            while not (stop.is_set() or ended.is_set()):
                time.sleep(0.2)
    if not stop.is_set():
        raise click.ClickException("网络服务无法运行，原因见上 the web service cannot run: see above")
    say("已全部停止 everything has stopped")


def _prepare(chosen: Config) -> None:
    """Upgrade the ledger, and say which funds are held because one of their events cannot be folded any more."""
    with connect(url_of(chosen)) as conn:
        say_held(upgrade(chosen, conn, out).held, out)


def _examples_of(chosen: Config, name: str | None) -> dict[str, bool]:
    """The examples to load or continue: those that the ledger has, and at the end `name`, if it is given.

    An empty ledger gets the example DEFAULT if none is given. A ledger that has other data and no example gets none.
    Returns for each name whether the ledger is known to have all of the example.
    """
    with connect(url_of(chosen)) as conn:
        row = conn.execute(QUERIES["examples"], {"sources": [s for each in EXAMPLES for s in sources(each)]}).fetchone()
    assert row is not None
    posts = {each: sum(row["posts"].get(source, 0) for source in sources(each)) for each in EXAMPLES}
    there = [each for each in EXAMPLES if posts[each]]
    if not there and not row["empty"]:
        return {}
    last = [name] if name else [DEFAULT] if row["empty"] else []
    names = [*(each for each in there if each not in last), *last]
    return {each: posts[each] == EXAMPLES[each].posts for each in names}


def _play(chosen: Config, examples: Mapping[str, bool]) -> None:
    """Post the plan and history of each example, fold the events, and print the planned and the paid amounts.

    `examples`: the names, each with whether the ledger is known to have all of the example: then nothing is posted.
    Then compare the example's statement with the ledger, if it has one. If the folding stops, print the reason, and
    neither print the amounts nor compare the statement.
    """
    url = url_of(chosen)
    with connect(url) as conn:
        example.ensure_demo_keys(conn, chosen.secret, chosen.home / "demo-keys.json")
    ledger = open_ledger(url)
    try:
        loaded = [name for name, whole in examples.items() if whole or _is_loaded(ledger, chosen.secret, name)]
    finally:
        ledger.close()
    if not loaded:
        return
    try:
        _step("投影已更新 projections folded", lambda: projector.catch_up(url))
    except FoldStopped as stopped:
        say(Text("投影停止 projections stopped:", "red"), str(stopped))
        return
    for name in loaded:
        say(TICK, f"{name}: {EXAMPLES[name].about_zh} {EXAMPLES[name].about}")
        _show(chosen, name)


def _is_loaded(ledger: Ledger, secret: bytes, name: str) -> bool:
    """Post an example, and return whether all of it, or an earlier version of it, is recorded.

    Otherwise, print the reason: a newer version has recorded an event of the example, or a post is refused, for example
    because another fund has the example's code.
    """
    try:
        _live(ledger, secret, name)
    except example.OtherHistory:
        say("沿用此前版本的示例数据 the example data of an earlier version is kept")
    except NewerEvent as newer:
        say(Text("示例未继续 the example is not continued:", "yellow"), str(newer))
        return False
    except example.Refused as refused:
        id_, problem = refused.args
        reason = f"{name}, {id_}: {problem['title_zh']} {problem['title']}"
        say(Text("示例未载入 the example is not loaded:", "yellow"), reason)
        return False
    return True


def _live(ledger: Ledger, secret: bytes, name: str) -> None:
    one = EXAMPLES[name]
    setup = list(plan_file.posts(plan_file.read(one.plan), actor="示例·资金科赵某"))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with progress(*columns, console=out) as display:
        task = display.add_task(f"示例资金的经过 history of the example {name}", total=one.posts)
        post = example.poster(ledger, secret, lambda: display.advance(task))
        for event in setup:
            post(event)
        one.play(post, setup, ledger.view().working_days)
        display.update(task, total=display.tasks[0].completed)


def _show(chosen: Config, name: str) -> None:
    """Print the planned and paid amounts of an example, and how its statement compares with the ledger."""
    pool = open_pool(url_of(chosen), size=1)
    try:
        with Reader(pool).at() as snapshot:
            out.print(plan_table.table(planned_and_actual(snapshot, name)))
    finally:
        pool.close()
    if statement := EXAMPLES[name].statement:
        _compare_statement(chosen, name, statement)


def _compare_statement(chosen: Config, fund: str, statement: Path) -> None:
    """Compare the bank statement of the example fund with the ledger, and print how many lines match.

    On purpose, the statement differs from the ledger once in every way that a reconciliation distinguishes.
    """
    try:
        [found] = compare_file(url_of(chosen), chosen.secret, statement, [fund])
    except click.ClickException as error:  # such as: the fund is held
        say(Text("示例对账单未比较 the example's statement is not compared:", "yellow"), error.message)
        return
    matched, lines = sum(len(each.lines) for each in found.matches), len(found.statement.lines)
    exceptions = len(found.exceptions)
    say(
        f"\n示例对账单：{lines} 行中 {matched} 行相符，另有 {exceptions} 项差异，均为示例所设\n"
        f"The example's statement: {matched} of {lines} lines match; it has {exceptions} exceptions on purpose\n"
        f"  suyuan reconcile {statement} --fund {fund}"
    )


def _step(name: str, work: Callable[[], Any]) -> None:
    with out.status(name):
        work()
    say(TICK, name)


def _announce(settings: Config, chosen: Config, names: Sequence[str], stopped: Callable[[], bool]) -> None:
    """Wait until the service answers, then print its address and how to read and to post to the last of the examples.

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
    confirmation = EXAMPLES[names[-1]].confirmation if names else None
    body = f"-H 'Content-Type: application/cloudevents+json' --data-binary @{quote(str(confirmation))}"
    with connect(url_of(chosen)) as conn:
        ledger = location(settings, conn)
    rows: Mapping[str, str | Text] = {
        "打开 open": Text(address, f"link {address}") if chosen.example else f"{address}/docs",
        "查询 read": f"curl {_authorization(keys, 'auditor')} {address}/v1/funds",
        "提交 post": f"curl {_authorization(keys, 'treasury')} {body} {address}/v1/events"
        if confirmation
        else f"{address}/docs#post · README",
        "账簿 ledger": ledger,
        "密钥 keys": f"{keys} (mode 600)" if keys.exists() else "suyuan keys create",
        "停止 stop": "Ctrl-C",
    }
    say(Text("\n✓ 已启动 running", "bold green"))
    for name, value in rows.items():
        say(" ", Text(name, "bold"), "", value)


def _authorization(keys: Path, name: str) -> str:
    """The option with which curl sends the demo key `name`, read from the file `keys`; or $KEY if there is no file."""
    read = f"python3 -c \"import json; print(json.load(open('{keys}'))['{name}'])\""
    key = f"$({read})" if keys.exists() else "$KEY"
    return f'-H "Authorization: Bearer {key}"'
