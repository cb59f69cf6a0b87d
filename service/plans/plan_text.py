"""Reads the text of a plan file: once, because it may be a pipe, and never more than MAX_BYTES."""

from __future__ import annotations

import errno
from pathlib import Path

from service.config import OperatorError
from service.text import escaped

MAX_BYTES = 8 * 1024 * 1024
"""A plan of as many projects and batches as one load takes has less than 1 MiB."""

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


class PlanFileUnreadable(OperatorError):
    """The file cannot be opened or read, or is too large."""

    def __init__(self, file: Path, zh: str, en: str) -> None:
        super().__init__(f"{escaped(str(file))}: {zh} {en}")


def text_of(file: Path) -> str:
    """The text of `file`. Raises PlanFileUnreadable, or UnicodeDecodeError if it is not in UTF-8."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        zh, en = REASONS.get(error.errno or 0, ("无法读取", f"it cannot be read: {error.strerror}"))
        raise PlanFileUnreadable(file, zh, en) from error
    if len(content) > MAX_BYTES:
        limit = f"{MAX_BYTES // 1024 // 1024} MiB"
        raise PlanFileUnreadable(file, f"超过 {limit}，不是计划文件", f"it is larger than {limit}: not a plan file")
    return content.decode("utf-8")
