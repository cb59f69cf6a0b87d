"""The commands that the guides print are run, in their order, on a new ledger with the example: each guide on its own.

What a command answers must be what the guide prints below it, but for white space; `…` in a guide stands for anything.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.service.test_kill import running

ROOT = Path(__file__).parents[2]
GUIDES = ("README.md", "README.zh.md", "docs/zh/README.md", "docs/zh/audit.md", "docs/zh/reconcile.md")
NOT_RUN = {
    "make run": "it would start a second service",
    "批复.pdf": "the reader's own file",
    "suyuan replay": "the reader's own archive",
    "accept.py accept": "a person edits the file first",
}
"""Commands that are left out, and why."""
if not shutil.which("hledger"):
    NOT_RUN["hledger"] = "it is not installed"
OF_THE_LEDGER = re.compile(r"[0-9a-f]{64}|/srv/suyuan/var")
"""What differs between ledgers: digests, which depend on the secret, and the folder."""
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


class Printed(NamedTuple):
    """A block of commands, and the answer that the guide prints right below it, without a word between, if any."""

    line: int
    commands: str
    answer: str | None


def printed_in(guide):
    text = (ROOT / guide).read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    for block, below in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] == "sh" and not any(left_out in block[2] for left_out in NOT_RUN):
            is_answer = below and below[1] in ("", "json") and not text[block.end() : below.start()].strip()
            yield Printed(text.count("\n", 0, block.start()) + 1, block[2], below[2] if is_answer else None)


def not_answered(printed, answer):
    """The first piece of the `printed` answer that is not in the answer in its place; None if all is as printed."""
    start, *pieces = OF_THE_LEDGER.sub("…", "".join(printed.split())).split("…")
    rest = "".join(answer.split())
    if not rest.startswith(start) or not (pieces or rest == start):
        return start
    rest = rest[len(start) :]
    for piece in pieces[:-1]:
        _, found, rest = rest.partition(piece) if piece else ("", "found", rest)
        if not found:
            return piece
    return next((piece for piece in pieces[-1:] if not rest.endswith(piece)), None)


def run(script, folder, environment):
    """What the commands answer. What a guide says will take a moment is asked for again until it is finished."""
    for _ in range(30):
        shell = subprocess.run(
            ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, check=False, text=True
        )
        if not re.search('"status":"(waiting|running)"', shell.stdout):
            break
        time.sleep(1)
    return shell


@pytest.mark.long("starts a service for each guide")
@pytest.mark.parametrize("guide", GUIDES)
def test_each_command_that_a_guide_prints_gives_the_answer_that_the_guide_prints(guide, folder, tmp_path):
    home, desk = folder, tmp_path
    for name, target in {"var": home, "service": ROOT / "service", "docs": ROOT / "docs", ".venv": sys.prefix}.items():
        (desk / name).symlink_to(target)
    wrong = []
    with running(home) as service:
        service.await_folded()
        path = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "SUYUAN_HOME": str(home), "KEY": service.keys()["auditor"]}
        for block in printed_in(guide):
            commands = block.commands.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{service.port}")
            script = f"[ -f .state ] && . ./.state; set -a\n{commands}\nexport -p > .state"
            shell = run(script, desk, environment)
            failed = shell.returncode != 0 or '"status":4' in shell.stdout or "Traceback" in shell.stderr
            missing = None if block.answer is None else not_answered(block.answer, shell.stdout)
            if (failed and block.answer is None) or missing is not None:
                wrong.append(f"{guide}:{block.line}: not answered: {missing}\n{shell.stdout}{shell.stderr}")
            service.await_folded()
    assert not wrong, "\n".join(wrong)
