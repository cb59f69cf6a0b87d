"""The best assignment of the lines and entries that no stage could pair, because something differs between them.

Each pair has a weight, which depends on what the line and the entry have in common. The pairs are chosen so that the
sum of their weights is the greatest.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import networkx as nx  # type: ignore[import-untyped]

from domain.tie_out.criteria import no_number_conflict, same_account, same_name
from domain.tie_out.open_items import OpenItems
from domain.tie_out.parts import Days, Entry, Line

SAME_PAYEE, SAME_AMOUNT, NEAR_AMOUNT, OTHER_AMOUNT, SAME_DAY, NEAR_DAY = 40, 60, 25, -20, 25, 4
"""The weights. SAME_AMOUNT is divided by how often the amount occurs, because a frequent amount is weak evidence."""
LEAST = 25
"""The least weight of a pair: below it, what a line and an entry have in common counts as a coincidence.

A frequent amount on the same day is just enough. A different amount on a different day is not enough, even for the same
payee, unless the two amounts are near.
"""
NEAR_SHARE, NEAR_FEN, NEAR_FEN_SHARE = 100, 100_00, 10
"""The limits within which two amounts are near. NEAR_FEN is in fen; the others divide the amount of the entry.

Two amounts are near if they differ by at most 1/NEAR_SHARE of the entry's amount. They are also near if they differ by
at most NEAR_FEN and by at most 1/NEAR_FEN_SHARE of the entry's amount.
"""
MAX_CANDIDATES = 40
"""The most entries whose pairs with one line are weighed: those nearest to the line by date."""
MAX_DAYS = 1_000
MAX_NODES = 120
"""The most lines and entries in a group that is solved exactly; in a larger group, the heaviest pair is taken first."""

Edge = tuple[int, int, int]
"""A pair: its weight, the number of the line, and the index of the entry. Nearer days weigh a little more."""


def assign(items: OpenItems) -> None:
    """Pair lines with entries so that the sum of the weights of all pairs is the greatest."""
    lines = {line.number: line for line in items.open_lines()}
    entries = items.open_entries()
    edges = list(_edges(items, entries))
    for group in _groups(edges):
        for number, at in _chosen(group):
            items.pair([lines[number]], [entries[at]])


def _edges(items: OpenItems, entries: Sequence[Entry]) -> Iterator[Edge]:
    index: dict[Hashable, list[int]] = {}
    for at, entry in enumerate(entries):
        for key in _keys(entry):
            index.setdefault(key, []).append(at)
    for line in items.open_lines():
        found = {at for key in _keys(line) for at in index.get(key, ())}
        nearest = sorted(found, key=lambda at: (abs((entries[at].on - line.on).days), at))[:MAX_CANDIDATES]
        for at in nearest:
            weight = _weight(line, entries[at], items.days, max(1, items.occurrences(line) - 1))
            if weight >= LEAST and no_number_conflict(line, entries[at]):
                yield weight * MAX_DAYS - min(abs((line.on - entries[at].on).days), MAX_DAYS - 1), line.number, at


def _keys(each: Line | Entry) -> Iterator[Hashable]:
    """What a line and an entry must share at least one of: the amount, the payee or the account."""
    yield "amount", each.direction, each.amount
    if each.name:
        yield "name", each.direction, each.name
    if each.account and each.account.digest:
        yield "account", each.direction, each.account.digest


def _weight(line: Line, entry: Entry, days: Days, occurs: int) -> int:
    """The weight of a pair. `occurs`: how many other lines and entries have the amount of the line."""
    weight = SAME_PAYEE if same_account(line, entry) or same_name(line, entry) else 0
    apart = abs((line.on - entry.on).days)
    if line.amount == entry.amount:
        weight += SAME_AMOUNT // occurs
    elif abs(line.amount - entry.amount) <= max(
        entry.amount // NEAR_SHARE, min(NEAR_FEN, entry.amount // NEAR_FEN_SHARE)
    ):
        weight += NEAR_AMOUNT
    else:
        weight += OTHER_AMOUNT
    if apart == 0:
        weight += SAME_DAY
    elif days.near(line, entry):
        weight += max(0, NEAR_DAY - apart)
    return weight


def _groups(edges: Sequence[Edge]) -> Iterator[list[Edge]]:
    """The edges in groups that share neither a line nor an entry with one another."""
    graph = nx.Graph()
    graph.add_edges_from((("line", number), ("entry", at)) for _, number, at in edges)
    of_node = {node: group for group, nodes in enumerate(nx.connected_components(graph)) for node in nodes}
    groups: dict[int, list[Edge]] = {}
    for edge in edges:
        groups.setdefault(of_node["line", edge[1]], []).append(edge)
    yield from groups.values()


def _chosen(edges: Sequence[Edge]) -> list[tuple[int, int]]:
    """The pairs of a group whose weights have the greatest sum, in the order of their lines.

    If several choices have the greatest sum, the one that pairs earlier lines with earlier entries is returned. For a
    group of more than MAX_NODES lines and entries, the sum may be less than the greatest.
    """
    nodes = {number for _, number, _ in edges}, {at for _, _, at in edges}
    if sum(map(len, nodes)) > MAX_NODES:
        return _greatest_first(edges)
    ranks = [{each: rank for rank, each in enumerate(sorted(side))} for side in nodes]
    graph = nx.Graph()
    for weight, number, at in edges:
        tie = MAX_NODES - abs(ranks[0][number] - ranks[1][at])
        graph.add_edge(("line", number), ("entry", at), weight=weight * MAX_NODES * MAX_NODES + tie)
    pairs = [dict(pair) for pair in nx.max_weight_matching(graph)]
    return sorted((pair["line"], pair["entry"]) for pair in pairs)


def _greatest_first(edges: Iterable[Edge]) -> list[tuple[int, int]]:
    taken: tuple[set[int], set[int]] = set(), set()
    chosen = []
    for _, number, at in sorted(edges, key=lambda edge: (-edge[0], edge[1], edge[2])):
        if number not in taken[0] and at not in taken[1]:
            taken[0].add(number)
            taken[1].add(at)
            chosen.append((number, at))
    return sorted(chosen)
