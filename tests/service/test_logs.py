"""A background thread writes the log of the web service, completely and in order."""

from __future__ import annotations

import json
import subprocess
import sys

import structlog
from structlog.testing import capture_logs

from service.observability import logs

PROGRAM = """
import structlog
from service.observability import logs
logs.configure(in_background=True)
log = structlog.get_logger()
for number in range(2_000):
    log.info("written", number=number, 名称="示例", odd=ValueError(7) if number == 7 else None)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
logs.BACKGROUND.finish()
log.info("more")  # starts the thread again
logs.BACKGROUND.finish()
"""


def run(**options):
    return subprocess.run([sys.executable, "-c", PROGRAM], check=False, timeout=60, **options)


def test_every_line_is_written_in_order_before_the_program_ends():
    done = run(capture_output=True)
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line.get("number") for line in lines[:2_000]] == list(range(2_000))
    assert lines[0]["名称"] == "示例"
    assert lines[7]["odd"] == "ValueError(7)"
    assert lines[2_000]["event"] == "failed"
    assert lines[2_000]["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert lines[2_001]["event"] == "more"


def test_a_log_that_cannot_be_written_does_not_stop_the_program():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        assert run(stderr=full).returncode == 0


def test_lines_longer_than_a_pipe_buffer_are_written_completely():
    program = """
import structlog
from service.observability import logs
logs.configure(in_background=True)
log = structlog.get_logger()
for number in range(50):
    log.info("long", number=number, text="示" * 5_000)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60, capture_output=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["number"] for line in lines] == list(range(50)), "queued lines are written at exit"
    assert all(line["text"] == "示" * 5_000 for line in lines)


def test_a_logger_follows_each_configuration_of_a_process_that_runs_commands():
    log = structlog.get_logger()
    logs.configure()
    log.info("first", number=1)
    logs.configure()
    with capture_logs() as lines:
        log.info("second", number=2)
    assert lines == [{"event": "second", "number": 2, "log_level": "info"}]
