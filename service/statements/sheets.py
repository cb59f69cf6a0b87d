"""Reads a CSV file in UTF-8 or GBK, or an XLSX workbook, into sheets of rows and cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook

from service.statements.cells import Cell
from service.statements.statement import MAX_LINES, StatementWrong, too_long

ENCODINGS = ("utf-8-sig", "gb18030")
"""The encodings in which a CSV file may be. They are tried in this order, because hardly any text in GBK is valid
UTF-8. GB18030 includes all of GBK and GB 2312."""
MAX_ROWS, MAX_COLUMNS = MAX_LINES + 1_000, 200
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
"""The size limit of an unpacked workbook."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of cells. `rows[n - 1]` is row n of the file, in a spreadsheet's numbering from 1."""

    form: str
    encoding: str | None
    rows: Sequence[Sequence[Cell]]


def read(content: bytes) -> list[Sheet]:
    """The visible sheets of the file with this content. Raises StatementWrong."""
    if content.startswith(b"PK\x03\x04"):
        return [Sheet("xlsx", None, rows) for rows in _workbook(content)]
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise StatementWrong(
            [
                (
                    "",
                    "The old .xls format is not supported: save the file as .xlsx or CSV.",
                    "请先将旧版 .xls 另存为 .xlsx 或 CSV。",
                )
            ]
        )
    return [_csv(content)]


def _csv(content: bytes) -> Sheet:
    for encoding in ENCODINGS:
        try:
            written = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return Sheet("csv", encoding.removesuffix("-sig"), _limited(_rows_of(written)))
    raise StatementWrong([("", "The file is encoded in neither UTF-8 nor GBK.", "既不是 UTF-8 也不是 GBK 编码。")])


def _limited(rows: Iterator[Sequence[Cell]]) -> list[Sequence[Cell]]:
    """The rows as a list. Raises StatementWrong as soon as there are more than MAX_ROWS."""
    kept: list[Sequence[Cell]] = []
    for row in rows:
        if len(kept) == MAX_ROWS:
            raise too_long()
        kept.append(row)
    return kept


def _rows_of(written: str) -> Iterator[list[str]]:
    if "\0" in written:
        raise StatementWrong([("", "The file is not a text file.", "不是文本文件。")])
    delimiter = _delimiter(written)
    if written.count(delimiter) > MAX_ROWS * MAX_COLUMNS:
        raise StatementWrong([("", "The file has too many cells.", "单元格过多。")])
    try:
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True):
            # Banks add a tab to numbers or write them as ="…", so that a spreadsheet does not change them.
            yield [re.sub(r'^="(.*)"$', r"\1", cell.strip()) for cell in row]
    except csv.Error as error:
        raise StatementWrong([("", f"The file is not valid CSV: {error}.", f"CSV 格式有误：{error}。")]) from error


def _delimiter(written: str) -> str:
    """The delimiter of the CSV text `written`: the one that is most frequent at its start.

    In a tie, the comma is preferred. Tabs at the end of cells do not count.
    """
    first = re.sub(r"\t(?=[,;|\r\n])", "", written[:10_000])
    return max(",\t;|", key=lambda each: (first.count(each), each == ","))


def _workbook(content: bytes) -> Iterator[list[Sequence[Cell]]]:
    """The rows of each visible sheet of a workbook.

    Rows are streamed, so a cell far from the other cells costs no memory. The dimensions that the workbook declares
    are not relied on.
    """
    try:
        with ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise StatementWrong([("", "The workbook is too large.", "工作簿过大。")])
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        for sheet in workbook.worksheets:
            if sheet.sheet_state == "visible":
                rows = sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True)
                yield _limited(cast("Iterator[Sequence[Cell]]", rows))
    except (BadZipFile, KeyError, ValueError, TypeError, SyntaxError, AttributeError, OSError) as error:
        raise StatementWrong([("", "The file is not a valid workbook.", "不是有效的工作簿。")]) from error
