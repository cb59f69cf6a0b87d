"""The benchmark suite: `python -m bench [--long] [SECTION …]` prints tables and writes bench/suite.json.

A section varies one parameter at a time. Suyuan and the programs it is compared with (the peers) take turns in several
rounds. Every figure is the median of the rounds, with their lowest and highest rate and its ratio to the peers' figures
in the same rounds. A calibration loop is timed around each round; if other work made the machine slower, the targets of
that work are not judged. `--long` adds a log of ten million events, replays one million events instead of 100,000, and
measures what one key can do to another, and the instructions of a post.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import psycopg
from rich.console import Console
from rich.table import Table

from bench import (
    appends,
    cold,
    folding,
    growth,
    instructions,
    isolation,
    journals,
    lag,
    memory,
    mixed_log,
    posts,
    reads,
    rebuild,
    replay,
    served,
    statements,
)
from bench.bare import TABLE
from bench.peers import peers, raw
from bench.race import Pace, Row, Run, loop_seconds, on_the_clock
from bench.server import machine, new_ledger, server, versions
from bench.targets import MAX_SLOWNESS, verdicts
from bench.workload import Fund, Payments, found, settle
from service.app import open_ledger
from service.ledger.application import Ledger
from service.workers.projector import catch_up

out = Console(width=140)
PORTS = 8191, 8192
LONG_LIFE = Fund("long", 1, awards=20_000, appropriations=57_000)
OF_SOURCES, SOURCED_PAYMENTS = Fund("sourced", 1, awards=20_000, appropriations=3, sources=3), 40_000
PAYMENTS = 100_000
LOGS = (10_000, 1_000_000)
MAX_LOG_EVENTS = 10_000_000
SECTIONS = ("append", "http", "life", "sources", "log", "memory", "replay", "fold", "rebuild", "cold", "statements")
LONG_SECTIONS = ("isolation", "instructions")
"""The sections that take too long for the suite; `--long` runs them too."""
PACES = {"http": Pace(5, 1)}
USUAL_PACE = Pace(3, 0.5)
"""The pace of the sections that have none of their own in PACES, so that the suite stays under a quarter of an hour."""
REPLAYED, REPLAYED_LONG = 100_000, 1_000_000
REBUILT = 40_000
READ_PAYMENTS, ISOLATED_FUNDS = 10_000, 10
COLD_LIFE, COLD_PAYMENTS = Fund("cold", 1, awards=1_000), 30_000


class Suite:
    """The sections of the suite: each is a method that measures and yields rows of figures.

    `sections`: these methods, by name. `missing`: the reasons why some of the programs to compare with cannot be
    measured.
    """

    def __init__(self, server_url: str, rebuilt: int, *, long: bool) -> None:
        self._server, self._rebuilt, self._long = server_url, rebuilt, long
        self._pace = USUAL_PACE
        self.missing: list[str] = []
        self.sections: dict[str, Callable[[], Iterator[Row]]] = {
            name: getattr(self, name) for name in (*SECTIONS, *LONG_SECTIONS)
        }

    def run(self, section: str, rounds: int | None, seconds: float | None) -> Iterator[Row]:
        """The rows of a section, at its own pace if the number of rounds or the seconds of each are not given."""
        usual = PACES.get(section, USUAL_PACE)
        self._pace = Pace(rounds or usual.rounds, seconds or usual.seconds)
        yield from self.sections[section]()

    def append(self) -> Iterator[Row]:
        """Appending events to the log without HTTP, compared with other programs that append events."""
        many, hot = Fund("many", 200), Fund("hot", 1)
        with (
            peers(self._server, max(appends.WRITERS)) as (made, missing),
            self._ledger("append", many, hot) as (url, ledger),
        ):
            self.missing += missing
            yield from appends.rows(ledger, (url, self._server), (many, hot), made, self._pace)

    def http(self) -> Iterator[Row]:
        """Posting over HTTP, compared with a bare Flask route and with inserting rows by SQL. The projector runs."""
        many, bundled = Fund("many", 200), Fund("bundled", 200)
        bare_url = new_ledger(self._server, "bare")
        with psycopg.connect(bare_url, autocommit=True) as conn:
            conn.execute(TABLE)
        with self._ledger("http", many, bundled) as (url, _):
            pass
        with ExitStack() as stack:
            enter = stack.enter_context
            made = enter(raw(self._server, 2))
            ours, bare = enter(served.suyuan(url, PORTS[0])), enter(served.bare(bare_url, PORTS[1]))
            enter(served.projector(url))
            yield from posts.rows(ours, bare, (many, bundled), made, self._pace)

    def life(self) -> Iterator[Row]:
        """A project with a long history: appends, projector lag, reads, and journals checked by other programs."""
        short, thousand = Fund("short", 1_000), Fund("thousand", 1)
        with self._ledger("life", short, thousand, LONG_LIFE) as (url, ledger):
            settle(ledger, Payments(thousand).events([0], 990))
            settle(ledger, Payments(LONG_LIFE).events([0], 3 * PAYMENTS))
            funds = {growth.SHORT: short, growth.THOUSAND: thousand, growth.LONG: LONG_LIFE}
            yield from growth.of_projects(ledger, funds, self._pace)
            _fold(url)
            yield from lag.rows(ledger, url, short, self._pace)
        with served.suyuan(url, PORTS[0]) as ours:
            yield from reads.rows(ours, url, LONG_LIFE, self._pace)
            yield from journals.rows(ours, thousand, 990)

    def sources(self) -> Iterator[Row]:
        """Reading where the money of three sources is, in a fund of 20,000 awards of which each is paid twice."""
        with self._ledger("sources", OF_SOURCES) as (url, ledger):
            settle(ledger, Payments(OF_SOURCES).events([0], 3 * SOURCED_PAYMENTS))
            _fold(url)
        with served.suyuan(url, PORTS[0]) as ours:
            yield from reads.by_source(ours, url, OF_SOURCES, self._pace)

    def log(self) -> Iterator[Row]:
        """Appending to a log of 10,000 events and to logs of a million events or more."""
        many = Fund("many", 200)
        with ExitStack() as stack:
            ledgers = {}
            for events in (*LOGS, *([MAX_LOG_EVENTS] if self._long else [])):
                _, ledger = stack.enter_context(self._ledger(f"log_{events}", many, events=events))
                ledgers[f"{events:,} events"] = ledger, many
            yield from growth.of_logs(ledgers, self._pace)

    def memory(self) -> Iterator[Row]:
        many = Fund("many", 200)
        with self._ledger("memory", many) as (url, _):
            pass
        with served.suyuan(url, PORTS[0]) as ours:
            yield from memory.rows(ours, many)

    def replay(self) -> Iterator[Row]:
        """Folding, rebuilding, checking, following and archiving a log.

        They are compared with the runner that the eventsourcing library offers to fold a log.
        """
        url = new_ledger(self._server, "replay")
        events = REPLAYED_LONG if self._long else REPLAYED
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            size = process.submit(replay.fill, url, events).result()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            before = loop_seconds()
            results = process.submit(replay.run, url, size).result()
            slower = max(before, loop_seconds())
        runners = {name: results[name]["events_per_second"] for name in (replay.RUNNER, replay.BATCHED)}
        for work, each in results.items():
            rate = each["events_per_second"]
            ratios = {name: rate / runner for name, runner in runners.items()}
            run = Run(rate, each["seconds"] * 1000, 0.0, loop_seconds=slower)
            yield Row("replay", work, "Suyuan", [run], ratios)

    def fold(self) -> Iterator[Row]:
        """Folding a log into all tables, compared with writing the same rows by plain SQL."""
        url = new_ledger(self._server, "fold")
        with psycopg.connect(url, autocommit=True) as conn:
            events = mixed_log.fill(url, conn, REPLAYED)
        yield from folding.rows(lambda: psycopg.connect(url, autocommit=True), events, self._pace)

    def rebuild(self) -> Iterator[Row]:
        """Rebuilding all tables while posts arrive, compared with rebuilding them while none arrive."""
        many = Fund("many", 200)
        with self._ledger("rebuild", many, events=self._rebuilt) as (url, ledger):
            _fold(url)
            yield from rebuild.rows(ledger, url, many, self._pace)

    def cold(self) -> Iterator[Row]:
        """Replaying a long stream without a snapshot, and posts to another fund that are sent meanwhile."""
        many = Fund("many", 200)
        with self._ledger("cold", many, COLD_LIFE) as (url, ledger):
            settle(ledger, Payments(COLD_LIFE).events([0], 3 * COLD_PAYMENTS))
        yield from cold.rows(url, COLD_LIFE, many, self._pace)

    def statements(self) -> Iterator[Row]:
        """Reading the statements of banks and comparing them with the books."""
        yield from statements.rows(out, self._pace)

    def isolation(self) -> Iterator[Row]:
        """Posting over HTTP while another key sends one kind of request on many connections."""
        funds = [Fund(f"posting-{number}", 200) for number in range(ISOLATED_FUNDS)]
        read = Fund("read", 1, awards=1_000)
        with self._ledger("isolation", *funds, read) as (url, ledger):
            settle(ledger, Payments(read).events([0], 3 * READ_PAYMENTS))
            _fold(url)
        with served.suyuan(url, PORTS[0]) as ours:
            yield from isolation.rows(ours, url, funds, read, self._pace)

    def instructions(self) -> Iterator[Row]:
        """The machine instructions of reading, deciding and folding a post."""
        if why_not := instructions.missing():
            self.missing.append(f"instructions: {why_not}")
        else:
            yield from instructions.rows()

    @contextmanager
    def _ledger(self, name: str, *funds: Fund, events: int = 0) -> Iterator[tuple[str, Ledger]]:
        """Creates a ledger with `funds` in a new database `name`. Yields the ledger's URL, and the open ledger.

        `events`: if not 0, the log begins with at least this many events of other funds (see `mixed_log.py`).
        """
        url = new_ledger(self._server, name)
        if events:
            with psycopg.connect(url, autocommit=True) as conn:
                mixed_log.fill(url, conn, events)
        ledger = open_ledger(url)
        try:
            for fund in funds:
                found(ledger, fund)
            yield url, ledger
        finally:
            ledger.close()


def _fold(url: str) -> None:
    """Fold the whole log into the tables."""
    catch_up(url)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("analyze")  # autovacuum does it within a minute


PLAIN = ("work", "who", "× the rate of")


def _table(title: str, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in PLAIN else "right")
    for line in lines:
        table.add_row(*line)
    return table


def _of_rows(section: str, rows: Sequence[Row]) -> Table:
    """The table of a section. The first program of each work is compared with each of the others, in their rows."""
    headings = ("work", "who", "a second", "from – to", "p99 ms", "slowest ms", "µs each", "first × it")
    lines = []
    for _, of_work in groupby(rows, lambda row: row.work):
        first, *others = of_work
        lines += [_line(first, None), *(_line(row, first.ratios.get(row.name)) for row in others)]
    return _table(section, headings, lines)


def _print_clock(rows: Sequence[Row]) -> None:
    """Print what is timed in each program's rows, and what the columns of the table are."""
    clocks = {row.name: text for row in rows if (text := on_the_clock(row))}
    for name, text in clocks.items():
        out.print(f"  {name}: {text}", style="dim")
    if any(row.database_us for row in rows):
        out.print("  µs each: the processor time of client + service + database for each item", style="dim")


def _line(row: Row, ratio: float | None) -> Sequence[str]:
    parties = (row.processor_us, row.service_us, row.database_us)
    processor = " + ".join(f"{each:.0f}" if each else "–" for each in parties) if any(parties) else ""
    low, high = row.range
    slowest = f"{row.slowest_ms:.1f}" if row.slowest_ms else ""
    figures = f"{row.a_second:,.0f}", f"{low:,.0f} – {high:,.0f}", f"{row.p99_ms:.1f}", slowest, processor
    return row.work, row.name, *figures, "" if ratio is None else f"{ratio:.2f}"


def _of_verdicts(results: Sequence[dict[str, Any]]) -> Table:
    headings = ("work", "who", "against", "of its", "found", "at least", "wanted", "")
    lines = [
        (
            each["work"], each["who"], _against(each), each["of"], f"{each['found']:,.2f}",
            f"{each['least']:,.2f}", f"{each['wanted']:,.2f}", _judgement(each),
        )
        for each in results
    ]  # fmt: skip
    return _table("targets (for p99 and memory: at most)", headings, lines)


def _judgement(verdict: dict[str, Any]) -> str:
    if verdict["slowness"] > MAX_SLOWNESS:
        return f"not judged: {verdict['slowness']:.1f} × slower"
    return "met" if verdict["met"] else "MISSED"


def _against(verdict: dict[str, Any]) -> str:
    than = f", than at {verdict['than'].rpartition(': ')[2]}" if verdict["than"] else ""
    return f"{verdict['peer'] or ''}{than}"


@click.command()
@click.argument("sections", nargs=-1, type=click.Choice((*SECTIONS, *LONG_SECTIONS)))
@click.option("--long", is_flag=True, help="Also run the long rows and sections.")
@click.option("--rounds", type=int, help="By default, as many as each section needs.")
@click.option("--seconds", type=float, help="For each contender in each round.")
@click.option("--rebuilt", default=REBUILT, show_default=True, help="Events of the log that is rebuilt beside posts.")
def main(sections: Sequence[str], *, long: bool, rounds: int | None, seconds: float | None, rebuilt: int) -> None:
    """Measure these sections, or all of them if none is given."""
    started = time.perf_counter()
    with server() as server_url:
        suite = Suite(server_url, rebuilt, long=long)
        about = {"machine": machine(server_url), "versions": versions()}
        rows: list[Row] = []
        for name in sections or (*SECTIONS, *(LONG_SECTIONS if long else ())):
            for section, grouped in groupby(suite.run(name, rounds, seconds), lambda row: row.section):
                of_section = list(grouped)
                rows += of_section
                out.print(_of_rows(section, of_section))
                _print_clock(of_section)
                _save(
                    {
                        **about,
                        "missing": suite.missing,
                        "rows": [row.as_dict() for row in rows],
                        "asked": verdicts(rows),
                    }
                )
        out.print(_of_verdicts(verdicts(rows)))
        for each in suite.missing:
            out.print(f"missing: {each}")
        out.print(f"{time.perf_counter() - started:.0f} s")


def _save(results: dict[str, Any]) -> None:
    """Write the results so far to bench/suite.json."""
    Path(__file__).with_name("suite.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
