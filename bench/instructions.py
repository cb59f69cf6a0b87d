"""The number of machine instructions of the parts of a post, counted by valgrind's callgrind.

Other work on the machine does not change them. Each part is run so many times more in one process than in another; the
instructions that this process takes more are those of the part.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import msgspec

from bench.race import Row, Run
from bench.workload import SECRET, Fund
from domain.decision import decide
from domain.replay import advance
from service.api.http import strict_json
from service.api.posting import cloudevents
from tests.lives import awarded, request
from tests.scenario import view_for

SECTION = "instructions"
TIMES, MORE = 50, 250
EVENT = msgspec.json.encode(next(Fund("f", 1).payment(0, 0, 1)))
LIFE = awarded()
POST = request(amount="0.01")
VIEW = view_for(LIFE.ledger, POST)
EVENTS = decide(VIEW, POST)


def read_post() -> object:
    return cloudevents.parse_post(cloudevents.parse_envelope(strict_json.parse(EVENT)), "bench", SECRET)


PARTS: dict[str, Callable[[], object]] = {
    "read a post: its JSON, its schema, its digests": read_post,
    "decide a payment request": lambda: decide(VIEW, POST),
    "fold its event into the state": lambda: advance(LIFE.ledger, EVENTS),
}


def missing() -> str | None:
    return None if shutil.which("valgrind") else "valgrind is not installed 未安装 valgrind"


def rows() -> Iterator[Row]:
    """Counts the instructions of each part; yields a row for each, which has the count in the place of a rate."""
    names = list(PARTS)
    few = _counted([TIMES] * len(names))
    for nth, name in enumerate(names):
        more = _counted([MORE if each == nth else TIMES for each in range(len(names))])
        row = Row(SECTION, name, "Suyuan")
        row.runs.append(Run((more - few) / (MORE - TIMES), 0.0, 0.0))
        yield row


def _counted(times: list[int]) -> int:
    """The instructions of a process that runs each part so many times."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m", __name__]
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run([*command, *map(str, times)], env=env, check=True, capture_output=True, text=True)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    assert counted, done.stderr
    return int(counted[1])


def main(times: list[int]) -> None:
    for part, each in zip(PARTS.values(), times, strict=True):
        for _ in range(each):
            part()


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]])
