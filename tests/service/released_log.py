"""`python -m tests.service.released_log` writes files of the current version to a folder under tests/released.

The files are the log of the contract's example events, posted over HTTP, the answers to reads of this log, and a dump
of the ledger. Set SUYUAN_TEST_POSTGRES_BIN to the oldest supported PostgreSQL: newer ones can restore its dump.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg.conninfo import make_conninfo

from service import __version__
from service.api.contract import examples
from service.postgres.embedded import serve
from service.postgres.migrate import migrate
from tests.conftest import PROGRAMS
from tests.service.conftest import build, close, live

FUND = examples.FUND
PROJECTS = (examples.FIRST, examples.SECOND)
ADDRESSES = (
    "/v1/funds",
    f"/v1/funds/{FUND}",
    f"/v1/funds/{FUND}/plan",
    *(f"/v1/funds/{FUND}/balances?by={by}" for by in ("batch", "project", "award", "task")),
    *(f"/v1/funds/{FUND}/balances?by=award&position={position}" for position in (20, 60, 90)),
    f"/v1/funds/{FUND}/balances?by=batch&booked_on=2025-12-31",
    f"/v1/funds/{FUND}/movements",
    f"/v1/reconciliations?fund={FUND}",
    *(f"/v1/projects/{project}" for project in PROJECTS),
    "/v1/awards",
    "/v1/payments",
    "/v1/fen/0",
    "/v1/fen/60000000",
)
"""The reads whose answers are stored. Their answers do not depend on the day of the request."""
LOG = "select position, stream, version, type, recorded_at::text, fact::text from event order by position"
COLUMNS = ("position", "stream", "version", "type", "recorded_at", "fact")


def main() -> None:
    folder = Path(__file__).parents[1] / "released" / __version__
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="suyuan-") as name:
        Path(name).chmod(0o711)
        with serve(Path(name) / "postgres", PROGRAMS, {"fsync": "off"}) as server:
            with psycopg.connect(server, autocommit=True) as conn:
                conn.execute("create database released")
            url = make_conninfo(server, dbname="released")
            migrate(url)
            api = build(url)
            live(api, examples.life())
            api.fold()
            with psycopg.connect(url) as conn, (folder / "log.ndjson").open("w", encoding="utf-8") as log:
                for *row, fact in conn.execute(LOG):
                    event = dict(zip(COLUMNS, [*row, json.loads(fact)], strict=True))
                    log.write(json.dumps(event, ensure_ascii=False) + "\n")
            answers = {address: api.get(address).json for address in ADDRESSES}
            text = json.dumps(answers, ensure_ascii=False, indent=0) + "\n"
            (folder / "answers.json").write_text(text, encoding="utf-8")
            close(api)
            dump = [PROGRAMS / "pg_dump", "--format=custom", "--no-owner", url]
            (folder / "ledger.dump").write_bytes(subprocess.run(dump, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    main()
