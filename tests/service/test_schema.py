"""migrations/schema.sql shows the current schema, so that it can be read in one file."""

from pathlib import Path

from service.postgres.schema import current_schema

SCHEMA = Path(__file__).parents[2] / "migrations/schema.sql"


def test_schema_sql_equals_the_result_of_the_migrations():
    assert SCHEMA.read_text(encoding="utf-8") == current_schema(), "run `make schema` to update it"
