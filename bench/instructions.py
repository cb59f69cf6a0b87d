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
PARTS = (
    "read a post: its JSON, its schema, its digests", "decide a payment request", "fold its event into the state",
)  # fmt: skip


def _works() -> tuple[Callable[[], object], ...]:
    """For each of PARTS, a function that does it once."""
    event = msgspec.json.encode(next(Fund("f", 1).payment(0, 0, 1)))
    ledger, post = awarded().ledger, request(amount="0.01")
    view = view_for(ledger, post)
    events = decide(view, post)

    def read() -> object:
        return cloudevents.parse_post(cloudevents.parse_envelope(strict_json.parse(event)), "bench", SECRET)

    return read, lambda: decide(view, post), lambda: advance(ledger, events)


def missing() -> str | None:
    return None if shutil.which("valgrind") else "valgrind is not installed 未安装 valgrind"


def rows() -> Iterator[Row]:
    """Counts the instructions of each part; yields a row for each, which has the count in the place of a rate."""
    few = _counted([TIMES] * len(PARTS))
    for nth, name in enumerate(PARTS):
        more = _counted([MORE if each == nth else TIMES for each in range(len(PARTS))])
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
    for work, each in zip(_works(), times, strict=True):
        for _ in range(each):
            work()


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]])
