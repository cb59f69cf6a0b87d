"""Follow Suyuan's log for ever, across restarts of both sides, and verify of each page that nothing is missing."""

import hashlib
import http.client
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path


class Incomplete(Exception):
    """The events received differ from the digest that the ledger states for the same range."""


def follow(url: str, key: str, cursor: Path, only: str = "") -> Iterator[dict]:
    """Each event after the position in the file `cursor`. Asking for the next event marks the last one as processed;
    after a crash, the event being processed comes again. `only`: `&fund=…`, `&project=…` or `&type=…`, to follow a part
    of the log. Raises Incomplete; SystemExit if the log does not have the event at `cursor`, because the ledger was
    restored from an older backup.
    """

    def ask(path: str) -> tuple[bytes, str]:
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/x-ndjson, application/json;q=0.5"}
        with urllib.request.urlopen(urllib.request.Request(url + path, headers=headers), timeout=60) as answer:
            return answer.read(), answer.headers.get("Link", "")

    position, history = _read(cursor)
    while True:
        try:
            body, link = ask(f"/v1/events?after={position}{history}&limit=5000&timeout=20{only}")
            events = [json.loads(line) for line in body.splitlines()]
            read = re.search(r"after=(\d+)(&history=\d+|)", link)  # `history` names the event at the position
            upto = int(read[1]) if read else position
            proof = json.loads(ask(f"/v1/events/digest?after={position}&upto={upto}{only}")[0])
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code in (400, 401, 403, 404):
                raise SystemExit(error.read().decode()) from error  # a retry would get the same answer
            print(f"retried in a second: {error}", file=sys.stderr)
            time.sleep(1)
            continue
        if (len(events), _hash(events)) != (proof["count"], proof["sha256"]):
            raise Incomplete(position, upto)
        if events:
            _remember(cursor, proof)
        for event in events:
            yield event
            _keep(cursor, event["position"])
        if read:
            position, history = upto, read[2]
            _keep(cursor, f"{position}{history}")


def _read(cursor: Path) -> tuple[int, str]:
    """The position in the file, and the parameter by which the ledger knows the event that was read there, if any."""
    position, parameter, history = (cursor.read_text() if cursor.exists() else "0").partition("&")
    return int(position), parameter + history


def _hash(events: list[dict]) -> str:
    canonical = (json.dumps(e, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for e in events)
    return hashlib.sha256(b"".join(hashlib.sha256(b"\0" + each.encode()).digest() for each in canonical)).hexdigest()


def _keep(cursor: Path, position: int | str) -> None:
    written = cursor.with_suffix(".new")
    written.write_text(str(position))
    written.replace(cursor)


def _remember(cursor: Path, proof: dict) -> None:
    """Keep the digest of a page: if the ledger ever loses events, `suyuan check --against` finds it by them."""
    with cursor.with_suffix(".digests").open("a") as digests:
        digests.write(json.dumps(proof) + "\n")


if __name__ == "__main__":
    for each in follow(sys.argv[1], sys.argv[2], Path(sys.argv[3]), "".join(sys.argv[4:5])):
        print(each["position"], each["type"], each["subject"], flush=True)
