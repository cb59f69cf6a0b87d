"""Decodes files of plain text that name no encoding, or a wrong one."""

from __future__ import annotations

from service.statements.statement import StatementWrong

ENCODINGS = ("utf-8-sig", "gb18030")
"""The encodings that are tried, in this order, because hardly any text in GBK is valid UTF-8."""


def decoded(content: bytes) -> tuple[str, str]:
    """The text, and the name of its encoding. Raises StatementWrong."""
    for encoding in ENCODINGS:
        try:
            written = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in written:
            raise StatementWrong([("", "The file is not a text file.", "不是文本文件。")])
        return written, encoding.removesuffix("-sig")
    raise StatementWrong([("", "The file is encoded in neither UTF-8 nor GBK.", "既不是 UTF-8 也不是 GBK 编码。")])
