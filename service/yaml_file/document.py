"""Opens a YAML file, and reports what is wrong with it to the person who wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.config import OperatorError
from service.yaml_file.kinds import Wrong
from service.yaml_file.yaml_lines import WrongYaml, load

MAX_LISTED = 20
"""The maximum number of errors that the message lists."""


class FileWrong(OperatorError):
    """The file is not in its documented format; the message names each line, field and reason."""

    def __init__(self, file: Path, wrong: Sequence[Wrong]) -> None:
        more = len(wrong) - MAX_LISTED
        listed = [f"{file}:{each}" for each in wrong[:MAX_LISTED]]
        super().__init__("\n".join([*listed, *([f"… 另有 {more} 处 and {more} more"] if more > 0 else [])]))
        self.wrong = tuple(wrong)


def parse(file: Path, content: bytes) -> Any:
    """The document in `content`, which was read from `file`, with the line of every value. Raises FileWrong."""
    try:
        return load(content.decode("utf-8"))
    except WrongYaml as error:
        raise FileWrong(file, [Wrong(error.line, "YAML", error.zh, error.en)]) from error
    except UnicodeDecodeError as error:
        raise FileWrong(file, [Wrong(1, "YAML", "须为 UTF-8 编码", "it must be in UTF-8")]) from error
