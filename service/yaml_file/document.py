"""Opens a YAML file, and reports what is wrong with it to the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from service.config import ExitCode, OperatorError
from service.text import escaped
from service.yaml_file.kinds import Wrong
from service.yaml_file.yaml_lines import WrongYaml, load

MAX_BYTES = 8 * 1024 * 1024
"""The maximum size of a file. The largest plan that can be loaded at once has less than 1 MiB."""
MAX_LISTED = 20
"""The maximum number of errors that the message of a FileWrong lists."""


class FileWrong(OperatorError):
    """The file is not in its documented format.

    The message lists up to MAX_LISTED errors, each with its line, field and reason, and then gives `advice`.
    """

    exit_code = ExitCode.DIFFERS

    def __init__(self, file: Path, wrong: Iterable[Wrong], advice: str = "") -> None:
        self.wrong = tuple(sorted(set(wrong)))
        more = len(self.wrong) - MAX_LISTED
        listed = [escaped(_shown(file, each)) for each in self.wrong[:MAX_LISTED]]
        rest = [f"… 另有 {more} 处 and {more} more"] if more > 0 else []
        super().__init__("\n".join([*listed, *rest, *([advice] if advice else [])]))


def _shown(file: Path, wrong: Wrong) -> str:
    """The error `wrong` as one line of text.

    An error without a line is in an option, such as `--actor`; its text names neither file nor line.
    """
    return f"{file}:{wrong}" if wrong.line else f"{wrong.path}: {wrong.zh} {wrong.en}"


def document_of(file: Path, text: str) -> Any:
    """The YAML document in `text`, the text of `file`, with the line of every value. Raises FileWrong."""
    try:
        return load(text)
    except WrongYaml as error:
        raise FileWrong(file, [Wrong(line, "YAML", zh, en) for line, zh, en in error.problems]) from error


class FileUnreadable(OperatorError):
    """The file is too large to be read: it has more than MAX_BYTES."""

    def __init__(self, file: Path) -> None:
        limit = f"{MAX_BYTES // 1024 // 1024} MiB"
        super().__init__(f"{escaped(str(file))}: 超过 {limit} it is larger than {limit}")


def bytes_of(file: Path) -> bytes:
    """The content of `file`, which may have up to MAX_BYTES.

    The file is read only once, because a pipe cannot be read twice. It is not read far beyond MAX_BYTES, because a
    device may be endless. Raises FileUnreadable if the file is larger. Raises OSError, with its `filename` set, if the
    file cannot be opened or read.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        error.filename = str(file)
        raise
    if len(content) > MAX_BYTES:
        raise FileUnreadable(file)
    return content


def text_of(file: Path) -> str:
    """The text of `file`.

    Raises FileUnreadable if the file is too large, FileWrong if its text is not in UTF-8, and OSError if it cannot be
    opened or read.
    """
    content = bytes_of(file)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileWrong(file, [Wrong(line, "YAML", "须为 UTF-8 编码", "it must be in UTF-8")]) from error
