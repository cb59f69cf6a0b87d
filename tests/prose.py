"""Run by `make lint`: text is wrapped at 120 columns, Chinese after punctuation; no text or name uses the old dialect.

Text is Markdown and the comments of SQL.
"""

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
    "told": "notified, reported",
    "tells nobody": "reports nothing",
    "door": "the mechanism's own noun: lock, entrance, gateway",
    "mend": "correct, repair",
    "mends": "corrects, repairs",
    "mended": "corrected, repaired",
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
"""The words and phrases of the dialect, each with its replacement. A name such as `_is_told` is read as its words."""
CHINESE = {"经手": "经办", "出局": "排除", "不再属实": "与账面不符"}
"""The Chinese words that must not be used, each with its replacement. Chinese has no spaces between words."""
WORDS = re.compile(rf"\b({'|'.join(map(re.escape, DIALECT))})\b|({'|'.join(CHINESE)})", re.IGNORECASE)
PROSE = (".md", ".py", ".sql", ".html", ".toml", ".yaml", ".yml", "Makefile", "Dockerfile", ".ci/run")
NOT_PROSE = ("docs/openapi.json", "tests/prose.py", "migrations/schema.sql", "tests/released/", "bench/node/")
"""The beginnings of the paths that are not checked."""
RELEASED = tuple(f"migrations/{number:04}_" for number in range(1, 30))
"""The migrations that are not checked, because they must not change: every ledger has recorded their checksums."""
HASHED = "projections/"
"""The folder whose SQL must keep its names, because new names would make a new version. Only comments are checked."""


def files() -> Iterator[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines():
        if name.endswith(PROSE) and not name.startswith(NOT_PROSE + RELEASED):
            path = ROOT / name
            if path.is_file():
                yield path


def columns(line: str) -> int:
    """The width of a line in columns; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def too_wide(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The lines that are too wide, each with the reason. Code blocks, tables and lines with a URL may be wider."""
    fenced = False
    for number, line in enumerate(lines, 1):
        fenced ^= line.lstrip().startswith("```")
        free = fenced or line.startswith("|") or "://" in line
        if not free and columns(line) > MAX_COLUMNS:
            yield number, f"{columns(line)} columns, more than {MAX_COLUMNS}"


BROKEN = re.compile(r"[\u4e00-\u9fff]$"), re.compile(r" *[\u4e00-\u9fff]")


def broken_words(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The Chinese lines that end within a phrase, where a browser would show a space. Code blocks are not checked."""
    fenced = False
    for number, (line, following) in enumerate(pairwise(lines), 1):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and not line.startswith("#") and BROKEN[0].search(line) and BROKEN[1].match(following):
            yield number, "break Chinese lines after punctuation, or it is shown with a space"


def only_comments(lines: list[str]) -> list[str]:
    """The lines of SQL that are comments. Each other line is replaced by an empty line."""
    return [line if line.lstrip().startswith("--") else "" for line in lines]


def dialect(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The lines with words of the dialect, which may also be parts of names. Each comes with the word to write."""
    for number, line in enumerate(lines, 1):
        for found in WORDS.finditer(line.replace("_", " ")):
            word = found[0].lower()
            yield number, f"{found[0]!r}: write {DIALECT.get(word) or CHINESE[word]}"


def main() -> None:
    findings = []
    for path in files():
        name, lines = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8").splitlines()
        comments = only_comments(lines) if path.suffix == ".sql" else []
        in_file = list(dialect(comments if comments and name.startswith(HASHED) else lines))
        if path.suffix == ".md":
            in_file += [*too_wide(lines), *broken_words(lines)]
        in_file += too_wide(comments)
        findings += [f"{name}:{number}: {reason}" for number, reason in sorted(in_file)]
    print("\n".join(findings) or "prose: nothing to change")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
