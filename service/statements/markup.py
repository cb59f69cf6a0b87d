"""Parses untrusted XML: without a document type declaration there are no entities to expand and nothing to fetch."""

from __future__ import annotations

import re
from datetime import date, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DTDForbidden
from defusedxml.ElementTree import fromstring

from service.calendar import SHANGHAI
from service.statements import cells
from service.statements.cells import Wrong
from service.statements.placeholders import is_placeholder
from service.statements.statement import StatementWrong

HEAD_BYTES = 4_096
"""How many bytes at the start of a file are searched for its first element."""
CHINESE = ("gbk", "gb2312", "gb18030", "cp936")
"""Declared encodings that the XML parser does not support. GB18030 includes the others."""
_BEFORE_ROOT = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<![^>]*>)*", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w.-]{1,100}:)?([\w.-]{1,100})")


def head(content: bytes) -> str:
    """The start of a file as text; bytes that are not text in its encoding are replaced."""
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content[:HEAD_BYTES].decode("utf-16" if utf_16 else "utf-8-sig", "replace").replace("\0", "")


def root_name(content: bytes) -> str:
    """The local name of a file's first element, without parsing the file; "" if it does not begin with an element."""
    written = head(content)
    before = _BEFORE_ROOT.match(written)
    root = _ROOT.match(written, before.end() if before else 0)
    return root[1] if root else ""


def parse(content: bytes) -> Element:
    """The root element of the XML document. Raises StatementWrong."""
    try:
        root: Element = fromstring(_decoded(content), forbid_dtd=True)
    except DTDForbidden as error:
        raise StatementWrong(
            [("", "The document must not have a document type declaration.", "不得含文档类型声明。")]
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise StatementWrong([("", f"The file is not valid XML: {error}.", f"XML 格式有误：{error}。")]) from error
    return root


def encoding(content: bytes) -> str | None:
    """The encoding that the XML declaration names, in lower case; None if it names none."""
    declared = re.match(rb"<\?xml[^>]{0,100}encoding=[\"']([A-Za-z0-9_-]{1,20})[\"']", content.lstrip()[:200])
    return declared[1].decode().lower() if declared else None


def _decoded(content: bytes) -> bytes | str:
    """`content` decoded to text if it declares a Chinese encoding; otherwise `content` unchanged."""
    chinese = (encoding(content) or "").replace("-", "") in CHINESE
    return content.decode("gb18030").lstrip() if chinese else content


def find(parent: Element | None, path: str) -> Element | None:
    """The first element at `path`, such as `Refs/EndToEndId`, of local names in any namespace."""
    return None if parent is None else parent.find("/".join(f"{{*}}{step}" for step in path.split("/")))


def find_all(parent: Element, path: str) -> list[Element]:
    return parent.findall("/".join(f"{{*}}{step}" for step in path.split("/")))


def text(parent: Element | None, *paths: str) -> str | None:
    """The text at the first of `paths` that has any; None if none has."""
    for path in paths:
        element = find(parent, path)
        if element is not None and (written := (element.text or "").strip()):
            return written
    return None


def number(*written: str | None) -> str | None:
    """The first of the references or voucher numbers that is not a placeholder; None if there is none. Raises Wrong."""
    return cells.number(next((each for each in written if each and not is_placeholder(each)), None))


def day(parent: Element | None, path: str) -> date | None:
    """The date at `path`, which has `Dt` or `DtTm`; None if absent. Raises Wrong."""
    if written := text(parent, f"{path}/DtTm"):
        return day_of(written)
    return cells.day(written) if (written := text(parent, f"{path}/Dt")) else None


def day_of(time: str) -> date:
    """The day of an ISO date and time; a time with an offset is converted to Asia/Shanghai. Raises Wrong."""
    try:
        parsed = datetime.fromisoformat(time)
        return cells.day(parsed.astimezone(SHANGHAI) if parsed.tzinfo else parsed)
    except Wrong:
        raise
    except (ValueError, OverflowError) as error:
        raise Wrong("The value is not a date and time.", "不是时间。") from error
