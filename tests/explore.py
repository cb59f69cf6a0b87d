"""Runs new random lives for a given time, and prints each failing one as a list of posts that can become a test."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from random import Random, SystemRandom

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from tests.domain.test_random_lives import check_all, reverse_at_once, wind_up
from tests.random_life import RandomLife, prove
from tests.random_life.model import Model

out = Console()


def whole_life(random: Random) -> RandomLife:
    return prove(random, 800, each=check_all, observer=Model)


def life_with_reversals(random: Random) -> RandomLife:
    return prove(random, 400, each=reverse_at_once)


def life_wound_up(random: Random) -> RandomLife:
    return prove(random, random.choice((30, 80, 140, 300)), end=wind_up)


PROPERTIES = (whole_life, life_with_reversals, life_wound_up)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("seconds", type=float, help="how long to run")
    arguments.add_argument("--seed", type=int, help="run the life of this seed only")
    options = arguments.parse_args()
    deadline, seeds, tried, failed = time.monotonic() + options.seconds, SystemRandom(), Counter[str](), 0
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed} lives"), TimeElapsedColumn())
    with Progress(*columns, console=out, disable=not out.is_terminal) as progress:
        bars = {each: progress.add_task(each.__name__, total=None) for each in PROPERTIES}
        while time.monotonic() < deadline:
            for each in PROPERTIES:
                seed = seeds.getrandbits(48) if options.seed is None else options.seed
                tried[each.__name__] += 1
                progress.advance(bars[each])
                try:
                    each(Random(seed))
                except Exception as error:  # noqa: BLE001 - any exception is a finding
                    failed += 1
                    out.print(f"[red]{each.__name__} fails[/red] with --seed {seed}")
                    out.print("".join(traceback.format_exception(error, limit=-3)), markup=False, highlight=False)
            if options.seed is not None:
                break
    out.print(f"{dict(tried)}: {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
