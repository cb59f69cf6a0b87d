"""What posting over HTTP is compared with: a bare Flask route that reads JSON and inserts a row.

It checks neither rules nor API keys, and inserts a row even for a post that was recorded before.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

TABLE = """
    create table if not exists bare_event (
        position bigserial primary key, stream text, version bigint, type text,
        recorded_at timestamptz default now(), fact jsonb
    )
"""
INSERT = "insert into bare_event (stream, version, type, fact) values (%s, 1, %s, %s) returning position"


def build() -> Any:
    """The WSGI application of the bare route, which writes to the database that DATABASE_URL names."""
    app = Flask(__name__)
    pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=16, max_size=16, kwargs={"autocommit": True})

    @app.post("/v1/events")
    def post() -> Any:
        event = request.get_json()
        with pool.connection() as conn:
            [(position,)] = conn.execute(INSERT, (event["subject"], event["type"], Jsonb(event["data"]))).fetchall()
        return {"position": position}, 201

    return app


if __name__ == "__main__":
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels

    Granian(
        "bench.bare:build",
        factory=True,
        port=int(os.environ["PORT"]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=16,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
    ).serve()
