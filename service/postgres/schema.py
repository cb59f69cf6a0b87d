"""Makes the SQL text of the schema as it is after all migrations. The privileges are in migrations/privileges.sql."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg.conninfo import make_conninfo

from service.postgres import roles
from service.postgres.embedded import programs, serve
from service.postgres.migrate import migrate

HEADING = """\
-- The whole schema as the migrations leave it: read it here, change it by a new migration.
-- Written by `make schema`; a test fails while it is out of date. What each role may do: privileges.sql.

"""
NOISE = re.compile(
    r"^(SET |SELECT pg_catalog\.set_config|\\(un)?restrict |-- (Dumped|PostgreSQL database dump)).*\n", re.MULTILINE
)


def current_schema() -> str:
    """The SQL of the schema that an empty embedded PostgreSQL has after all migrations."""
    with TemporaryDirectory(prefix="suyuan-schema-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the server runs as another user where root starts it
        with serve(folder / "postgres", programs(), {"fsync": "off"}) as server:
            with psycopg.connect(server, autocommit=True) as conn:
                roles.create(conn)
                conn.execute(f"create database schema owner {roles.OWNER}")
            database = make_conninfo(server, dbname="schema")
            migrate(make_conninfo(database, user=roles.OWNER))
            dump = [str(programs() / "pg_dump"), "--schema-only", "--no-owner", "--no-privileges", "--dbname", database]
            text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    return HEADING + _readable(text)


def _readable(dump: str) -> str:
    """The text of `dump`, the output of pg_dump, made shorter.

    Three things are removed: settings, the comments above each object, and repeated blank lines.
    """
    text = re.sub(r"--\n-- Name: .*\n--\n", "", NOISE.sub("", dump))
    text = re.sub(r"^--\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
