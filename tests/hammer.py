"""A program that posts the same fact many times from many threads, and prints the outcome of each post."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from domain.fund.funding import AppropriationReceived
from service.ledger.outcomes import Committed
from tests.lives import FUND, yuan
from tests.posting import identified, open_ledger
from tests.scenario import post


def main(url: str, times: int) -> None:
    fact = post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2")
    same = identified(replace(fact, header=replace(fact.header, source_id="hammer")))
    with open_ledger(url) as ledger, ThreadPoolExecutor(8) as pool:
        outcomes = [sent.result()[0] for sent in [pool.submit(ledger.post, [same]) for _ in range(times)]]
    assert all(isinstance(each, Committed) for each in outcomes)
    json.dump([(each.first, each.replayed) for each in outcomes], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
