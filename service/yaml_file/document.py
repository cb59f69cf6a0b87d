"""Opens a YAML file, and reports what is wrong with it to the person who wrote it."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from service.config import ExitCode, OperatorError
from service.text import escaped
from service.yaml_file.kinds import Wrong
from service.yaml_file.yaml_lines import WrongYaml, load

MAX_BYTES = 8 * 1024 * 1024
"""A plan of as many projects and batches as one load takes has less than 1 MiB."""
MAX_LISTED = 20
"""The maximum number of errors that the message lists."""


class FileWrong(OperatorError):
    """The file is not in its documented format. The message names each line, field and reason, then gives `advice`."""

    exit_code = ExitCode.DIFFERS

    def __init__(self, file: Path, wrong: Iterable[Wrong], advice: str = "") -> None:
        self.wrong = tuple(sorted(set(wrong)))
        more = len(self.wrong) - MAX_LISTED
        listed = [escaped(_shown(file, each)) for each in self.wrong[:MAX_LISTED]]
        rest = [f"… 另有 {more} 处 and {more} more"] if more > 0 else []
        super().__init__("\n".join([*listed, *rest, *([advice] if advice else [])]))


def _shown(file: Path, wrong: Wrong) -> str:
    """The error as one line. An option of the command, such as `--actor`, is in no line of the file."""
    return f"{wrong.path}: {wrong.zh} {wrong.en}" if wrong.path.startswith("--") else f"{file}:{wrong}"


def document_of(file: Path, text: str) -> Any:
    """The document in `text`, which was read from `file`, with the line of every value. Raises FileWrong."""
    try:
        return load(text)
    except WrongYaml as error:
        raise FileWrong(file, [Wrong(line, "YAML", zh, en) for line, zh, en in error.problems]) from error


REASONS = {
    errno.ENOENT: ("没有此文件", "there is no such file"),
    errno.EISDIR: ("是文件夹，不是文件", "it is a folder, not a file"),
    errno.ENOTDIR: ("路径中有一段不是文件夹", "a part of the path is not a folder"),
    errno.EACCES: ("无权读取", "permission denied"),
    errno.EPERM: ("无权读取", "permission denied"),
    errno.ELOOP: ("符号链接循环", "the symbolic link leads back to itself"),
    errno.ENAMETOOLONG: ("文件名过长", "the name is too long"),
}
"""Why the operating system does not open or read a file."""


class FileUnreadable(OperatorError):
    """The file cannot be opened or read, or is too large."""

    def __init__(self, file: Path, zh: str, en: str) -> None:
        super().__init__(f"{escaped(str(file))}: {zh} {en}")


def text_of(file: Path) -> str:
    """The text of `file`, which is read once, because it may be a pipe. Raises FileUnreadable, or FileWrong."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        zh, en = REASONS.get(error.errno or 0, ("无法读取", f"it cannot be read: {error.strerror}"))
        raise FileUnreadable(file, zh, en) from error
    if len(content) > MAX_BYTES:
        limit = f"{MAX_BYTES // 1024 // 1024} MiB"
        raise FileUnreadable(file, f"超过 {limit}", f"it is larger than {limit}")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileWrong(file, [Wrong(line, "YAML", "须为 UTF-8 编码", "it must be in UTF-8")]) from error
