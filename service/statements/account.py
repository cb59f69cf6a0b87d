"""A statement of an account that serves several funds: which lines are of which fund, and which are of none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from domain.normalise import normalized
from domain.tie_out import Entry, Line, Pairing
from service.statements.statement import Statement


class Related(Struct, frozen=True):
    """By what a line that matches no entry is recognised as one of a fund.

    `names`, `accounts`: those of the payees of its awards, the names normalised, the accounts as digests. `projects`:
    the codes of its projects, normalised.
    """

    names: frozenset[str]
    accounts: frozenset[str]
    projects: frozenset[str]

    def has(self, line: Line) -> bool:
        """Whether the line pays a payee of the fund, or names one of its projects."""
        written = normalized(f"{line.summary or ''} {line.voucher or ''}")
        return (
            line.name in self.names
            or bool(line.account and line.account.digest in self.accounts)
            or any(code in written for code in self.projects)
        )


class Share(Struct, frozen=True):
    """What of a statement is of one fund: its lines, numbered from 1, and their pairings with the entries of the fund.

    `others`: the other lines of the statement.
    """

    statement: Statement
    pairings: tuple[Pairing, ...]
    others: tuple[Line, ...]


def divide(
    statement: Statement, pairings: Sequence[Pairing], funds: Sequence[str], related: Mapping[str, Related] | None
) -> dict[str, Share]:
    """The share of each of `funds`.

    A line is of the funds of the entries that it is paired with, of the payment that it confirms or repeats, or else of
    the first fund that it is related to. Without `related`, every other line is of the first fund.
    """
    owners = dict(_owners(pairings, funds, related))
    return {fund: _share(statement, pairings, owners, fund) for fund in funds}


def _owners(
    pairings: Sequence[Pairing], funds: Sequence[str], related: Mapping[str, Related] | None
) -> Iterator[tuple[int, frozenset[str]]]:
    """The funds of each line, by its number."""
    of_entries = {line.number: _funds(each.entries) for each in pairings if each.entries for line in each.lines}
    for each in pairings:
        explained = _funds([entry for entry in (each.settled, each.pending) if entry])
        for line in each.lines:
            found = of_entries.get(line.number) or explained or of_entries.get(each.twin or 0)
            yield line.number, found or _related_to(line, funds, related)


def _funds(entries: Sequence[Entry]) -> frozenset[str]:
    return frozenset(entry.fund for entry in entries)


def _related_to(line: Line, funds: Sequence[str], related: Mapping[str, Related] | None) -> frozenset[str]:
    if related is None:
        return frozenset(funds[:1])
    return frozenset(next(([fund] for fund in funds if related[fund].has(line)), []))


def _share(statement: Statement, pairings: Sequence[Pairing], owners: Mapping[int, frozenset[str]], fund: str) -> Share:
    own = [line for line in statement.lines if fund in owners.get(line.number, ())]
    renumbered = {line.number: number for number, line in enumerate(own, 1)}
    rows = dict(zip((line.number for line in statement.lines), statement.rows, strict=True))
    return Share(
        replace(
            statement,
            lines=tuple(replace(line, number=renumbered[line.number]) for line in own),
            rows=tuple(rows[line.number] for line in own),
        ),
        tuple(_of_fund(each, renumbered, fund) for each in pairings if _is_of(each, renumbered, fund)),
        tuple(line for line in statement.lines if line.number not in renumbered),
    )


def _is_of(pairing: Pairing, renumbered: Mapping[int, int], fund: str) -> bool:
    if pairing.lines:
        return any(line.number in renumbered for line in pairing.lines)
    return not pairing.entries or any(entry.fund == fund for entry in pairing.entries)


def _of_fund(pairing: Pairing, renumbered: Mapping[int, int], fund: str) -> Pairing:
    """The pairing with the entries of this fund only, and with its lines by their numbers in the share."""
    return replace(
        pairing,
        lines=tuple(replace(line, number=renumbered[line.number]) for line in pairing.lines),
        entries=tuple(entry for entry in pairing.entries if entry.fund == fund),
        twin=renumbered.get(pairing.twin or 0),
    )
