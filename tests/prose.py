"""Run by `make lint`: Markdown is wrapped at 120 columns, Chinese after punctuation; no text uses the old dialect."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_COLUMNS = 120
DIALECT = {
    "anew": "again, from scratch",
    "abreast": "together, in one batch",
    "in vain": "without need",
    "is told": "is notified, is reported",
    "are told": "are notified, are reported",
    "tells nobody": "reports nothing",
    "nobody is told": "nothing is reported",
    "who comes": "the client that …",
    "whoever": "the person, client or process that …",
    "stands aside": "is suspended",
    "in company": "in a batch",
    "as may": "as are allowed",
    "on their way back": "usually send again",
    "look on": "observe",
    "looks on": "observes",
    "so long as": "while",
    "befits": "suits",
    "likeness": "similarity",
    "what stands where": "the folder tree",
    "lives on": "stays valid, remains",
    "stand still": "do not change",
    "a second time round": "again",
}
"""A word or phrase, and its replacement."""
WORDS = re.compile(r"\b(" + "|".join(map(re.escape, DIALECT)) + r")\b", re.IGNORECASE)
PROSE = (".md", ".py", ".sql", ".html", ".toml", ".yaml", ".yml", "Makefile", "Dockerfile", ".ci/run")
NOT_PROSE = ("docs/openapi.json", "tests/prose.py", "migrations/", "tests/released/", "bench/node/")
"""Files that are not checked. A migration must not change: its checksum is recorded in every ledger."""


def files() -> Iterator[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines():
        if name.endswith(
            (".md", ".py", ".sql", ".html", ".toml", ".yaml", ".yml", "Makefile", "Dockerfile", ".ci/run")
        ) and not name.startswith(NOT_PROSE):
            path = ROOT / name
            if path.is_file():
                yield path


def columns(line: str) -> int:
    """The width of a line in columns; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def too_wide(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines of Markdown that are too wide; code blocks, tables and bare URLs may be wider."""
    fenced = False
    for number, line in enumerate(lines, 1):
        fenced ^= line.lstrip().startswith("```")
        free = fenced or line.startswith("|") or " " not in line.strip()
        if not free and columns(line) > MAX_COLUMNS:
            yield number, f"{columns(line)} columns, more than {MAX_COLUMNS}"


BROKEN = re.compile(r"[\u4e00-\u9fff]$"), re.compile(r" *[\u4e00-\u9fff]")


def broken_words(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines of Chinese that end within a phrase: a browser shows a space there. Code blocks may."""
    fenced = False
    for number, (line, following) in enumerate(pairwise(lines), 1):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and not line.startswith("#") and BROKEN[0].search(line) and BROKEN[1].match(following):
            yield number, "break Chinese lines after punctuation, or it is shown with a space"


def main() -> None:
    findings = []
    for path in files():
        lines = path.read_text(encoding="utf-8").splitlines()
        in_file = [*too_wide(lines), *broken_words(lines)] if path.suffix == ".md" else []
        for number, line in enumerate(lines, 1):
            in_file += [(number, f"{word!r}: write {DIALECT[word.lower()]}") for word in WORDS.findall(line)]
        findings += [f"{path.relative_to(ROOT)}:{number}: {reason}" for number, reason in sorted(in_file)]
    print("\n".join(findings) or "prose: nothing to change")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
