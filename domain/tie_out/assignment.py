"""The best assignment of the lines and entries that no stage could pair, in which something differs.

What a line and an entry have in common gives their pair a weight; the pairs are chosen so that the sum of their weights
is the greatest.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import networkx as nx  # type: ignore[import-untyped]

from domain.tie_out.criteria import no_number_conflict, same_account, same_name
from domain.tie_out.open_items import OpenItems
from domain.tie_out.parts import Days, Entry, Line

SAME_PAYEE, SAME_AMOUNT, NEAR_AMOUNT, OTHER_AMOUNT, SAME_DAY, NEAR_DAY = 40, 60, 25, -20, 25, 4
"""The weights. That of the same amount is divided by how often the amount occurs: a common one says little."""
LEAST = 25
"""A pair of less weight is a coincidence. A common amount on the same day is just enough, another amount on another
day is not, even for the same payee."""
NEAR_SHARE, NEAR_FEN, NEAR_FEN_SHARE = 100, 100_00, 10
"""Two amounts are near if they differ by one in NEAR_SHARE at most, or by NEAR_FEN and one in NEAR_FEN_SHARE."""
MAX_CANDIDATES = 40
"""How many entries are weighed for one line at most: those of the nearest days."""
MAX_DAYS = 1_000
MAX_NODES = 120
"""A group of more lines and entries is not solved, but paired by the greatest weight first."""

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

    Of several such choices, it is the one that pairs earlier lines with earlier entries.
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
