"""The query `cash` returns, at any position, exactly the entries that a statement shows by the rules of the domain."""

from collections import defaultdict
from datetime import date
from random import Random

import pytest

from domain.entry_reversed import EntryReversed
from domain.fund.reconciliation import CASH, cash_of
from service.postgres.queries import QUERIES
from tests.random_life import RandomLife


def expected_cash(events):
    """The amount in fen that a statement shows for each entry, less what was reversed, by stream and version.

    Wholly reversed entries are left out.
    """
    left = defaultdict(int)
    for event in events:
        if event.mirrors is None and (amount := cash_of(event)):
            left[event.stream, event.version] = int(amount)
        if isinstance(event.fact, EntryReversed) and event.mirrors is None:
            at = event.stream, event.fact.version
            if at in left:
                left[at] -= sum(move.amount for move in event.moves)
    return {at: amount for at, amount in left.items() if amount}


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_the_cash_query_returns_the_cash_entries_less_their_reversals(log, seed):
    life = RandomLife(Random(seed))
    for _ in life.live(500):
        pass
    log.append(life.events).fold()
    years = {"first": date(2019, 1, 1), "last": date(2030, 1, 1)}
    file = {"file_sha256": "0" * 64, "statement_first": years["first"], "statement_last": years["last"]}
    for position in (len(life.events), len(life.events) * 2 // 3, len(life.events) // 3):
        of_fund = [event for event in life.events[:position] if event.fund == life.fund.code]
        parameters = {"fund": life.fund.code, "position": position, "types": list(CASH), **years, **file}
        rows = log.conn.execute(QUERIES["cash"], parameters).fetchall()
        assert {(row["stream"], row["version"]): row["amount"] for row in rows} == expected_cash(of_fund)
        for row in rows:
            [event] = [each for each in of_fund if (each.stream, each.version) == (row["stream"], row["version"])]
            numbers = {document.number for document in event.header.documents}
            assert row["reference"] in {*numbers, None}
    assert expected_cash(life.events)
