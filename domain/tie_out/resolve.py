"""Rewrites the lines of a statement in the ledger's terms, before they are matched.

A bank may number payments itself, cut names off, use former names of a payee, and write a word for a batch instead of a
name. The pairings are returned with the lines as the statement has them: see `restored`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from domain.tie_out.parts import Entry, Line, Pairing

MIN_NAME = 8
"""The least number of characters of a name that is treated as cut off: shorter names may begin several others."""
OWN_SHARE = 10
"""The numbers of a statement are foreign if fewer than one in OWN_SHARE of them is the number of an entry."""
_BATCH = re.compile("批量|代发|代付|批扣|集中支付|汇总|多笔|多户|待清算|过渡户|内部户")
_CODE = re.compile("(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Z])")


class Resolved(Struct, frozen=True):
    """The lines in the ledger's terms. `names`: by line number, how the name of its payee was found.

    `foreign`: the kinds of numbers, `reference` or `voucher`, in which the bank uses a numbering of its own: see
    OWN_SHARE.
    """

    lines: tuple[Line, ...]
    names: Mapping[int, str]
    foreign: frozenset[str]


def foreign_numbers(lines: Sequence[Line], entries: Sequence[Entry]) -> frozenset[str]:
    """The kinds of numbers that lines and entries both have, but in which the bank uses a numbering of its own.

    Different numbers of such a kind do not show that a line and an entry are different payments. See OWN_SHARE.
    """
    return frozenset(kind for kind in ("reference", "voucher") if _is_foreign(kind, lines, entries))


def _is_foreign(kind: str, lines: Sequence[Line], entries: Sequence[Entry]) -> bool:
    ours = {entry.numbers[kind] for entry in entries if kind in entry.numbers}
    stated = [line.numbers[kind] for line in lines if kind in line.numbers]
    shared = sum(number in ours for number in stated)
    return bool(ours and stated) and shared * OWN_SHARE < len(stated)


def resolve(lines: Sequence[Line], entries: Sequence[Entry]) -> Resolved:
    """The lines in the terms of `entries`: without foreign numbers, and with the payee names that the ledger uses.

    A name is replaced only if it can be the name of exactly one payee. A line of a batch gets no payee and no account.
    """
    foreign = foreign_numbers(lines, entries)
    found = dict(_names(lines, entries))
    return Resolved(
        tuple(_rewritten(line, foreign, found.get(line.number)) for line in lines),
        {number: how for number, (how, _) in found.items()},
        foreign,
    )


def _rewritten(line: Line, foreign: Iterable[str], found: tuple[str, str | None] | None) -> Line:
    without = dict.fromkeys(foreign)
    if found is None:
        return replace(line, **without) if without else line
    name = found[1]
    return replace(line, **without, payee=name, account=line.account if name else None)


def _names(lines: Sequence[Line], entries: Sequence[Entry]) -> Iterator[tuple[int, tuple[str, str | None]]]:
    """By line number: how the payee of the line was found, and its name in the ledger; no name for a batch."""
    known = {entry.name: entry.payee for entry in entries if entry.name}
    former = _unique((alias, entry.name) for entry in entries for alias in entry.former_names)
    codes = _unique((entry.code, entry.name) for entry in entries if entry.code)
    for line in lines:
        if not line.name or line.name in known:
            continue
        if _BATCH.search(line.name):
            yield line.number, ("batch", None)
        elif code := next((each for each in _CODE.findall(f"{line.payee} {line.summary}") if each in codes), None):
            yield line.number, ("code", known[codes[code]])
        elif line.name in former:
            yield line.number, ("former_name", known[former[line.name]])
        elif name := _cut_off(line.name, known):
            yield line.number, ("shortened_name", known[name])


def _unique(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    """The pairs as a dict, without keys that have several values."""
    values: dict[str, set[str]] = {}
    for key, value in pairs:
        values.setdefault(key, set()).add(value)
    return {key: next(iter(each)) for key, each in values.items() if len(each) == 1}


def _cut_off(name: str, known: Mapping[str, str | None]) -> str | None:
    """The only known name that begins with `name`; None if there is none, or if `name` is too short."""
    if len(name) < MIN_NAME:
        return None
    longer = [each for each in known if each.startswith(name)]
    return longer[0] if len(longer) == 1 else None


def restored(pairing: Pairing, lines: Mapping[int, Line], names: Mapping[int, str]) -> Pairing:
    """`pairing` with the lines as the statement has them, and with how their payees were found among its reasons."""
    how = sorted({names[line.number] for line in pairing.lines if line.number in names})
    if not how or "payee" not in pairing.reasons:
        reasons = pairing.reasons
    else:
        reasons = tuple(each for name in pairing.reasons for each in (how if name == "payee" else [name]))
    return replace(pairing, lines=tuple(lines[line.number] for line in pairing.lines), reasons=reasons)
