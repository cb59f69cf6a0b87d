"""The engines that replay an archive: DuckDB in this process, Spark on one machine or a cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from service.archive.manifest import Archive, ArchiveWrong

Balances = Mapping[str, Any]
"""A row of balances: a place, and fen by account."""
MEMORY = "100MB"
"""What DuckDB may hold; what is more it writes to disk."""


class Engine(Protocol):
    """What computes. `dialect` is its name for sqlglot, `elements` its query for a list's elements, counted from 1."""

    dialect: str
    elements: str

    def attach(self, archive: Archive) -> None:
        """Make the archived log its table `event`."""

    def compute(self, name: str, query: str) -> None:
        """Make a query's rows a table."""

    def define(self, name: str, query: str) -> None:
        """Make a query a view."""

    def rows(self, query: str) -> Iterable[Balances]:
        """A query's rows, by column."""


class DuckDb:
    """DuckDB, in this process."""

    extra = "archive"
    dialect = "duckdb"
    elements = "select unnest({of}) as move, generate_subscripts({of}, 1) as seq"

    def __init__(self) -> None:
        import duckdb  # noqa: PLC0415 - an extra

        self._conn = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": tempfile.gettempdir()})

    def attach(self, archive: Archive) -> None:
        files = [str(archive.file(segment)) for segment in archive.manifest.segments]
        if set("*?[") & set(files[0]):  # it would read what else they stand for
            raise ArchiveWrong(f"{archive.folder}: DuckDB takes no * ? [ in a path. 路径不得含 * ? [。")
        self._conn.read_parquet(files).create_view("event")

    def compute(self, name: str, query: str) -> None:
        self._conn.execute(f"create table {name} as {query}")

    def define(self, name: str, query: str) -> None:
        self._conn.execute(f"create view {name} as {query}")

    def rows(self, query: str) -> Iterable[Balances]:
        found = self._conn.execute(query)
        names = [column[0] for column in found.description or ()]
        while rows := found.fetchmany(1_000):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


class Spark:
    """Spark. Without SPARK_REMOTE or a session of its surroundings it is local, on all cores."""

    extra = "spark"
    dialect = "spark"
    elements = "select pos + 1 as seq, col as move from (select posexplode({of}))"

    def __init__(self) -> None:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

        self._spark = SparkSession.builder.appName("suyuan replay").getOrCreate()

    def attach(self, archive: Archive) -> None:
        files = [archive.file(segment).resolve().as_uri() for segment in archive.manifest.segments]
        self._spark.read.parquet(*files).createOrReplaceTempView("event")

    def compute(self, name: str, query: str) -> None:
        self.define(name, query)  # it is Spark's to say when

    def define(self, name: str, query: str) -> None:
        self._spark.sql(query).createOrReplaceTempView(name)

    def rows(self, query: str) -> Iterable[Balances]:
        for row in self._spark.sql(query).toLocalIterator():
            yield row.asDict()


ENGINES: dict[str, type[Any]] = {"duckdb": DuckDb, "spark": Spark}
"""By the name that is asked for."""


class EngineMissing(Exception):
    """The packages of an optional extra are not installed."""

    def __init__(self, extra: str) -> None:
        super().__init__(f"this needs the extra {extra}; see docs/operations.md 需要安装可选依赖 {extra}")


def engine(name: str) -> Engine:
    """Raises EngineMissing."""
    try:
        made: Engine = ENGINES[name]()
    except ImportError as error:
        raise EngineMissing(ENGINES[name].extra) from error
    return made
