"""The engines that can replay an archive: DuckDB in this process, Spark on one machine or a cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from service.archive.manifest import Archive, ArchiveWrong

Balances = Mapping[str, Any]
"""A row of balances: its key (fund, project, batch, award), and the fen in each account."""
MAX_MEMORY = "100MB"
"""DuckDB's memory limit; it writes larger intermediate results to disk."""


class Engine(Protocol):
    """An SQL engine. `dialect` is the engine's name in sqlglot.

    `elements` is the template of a query that lists the elements of the list `{of}`, one per row, with the columns
    `move` (the element) and `seq` (the element's number, counted from 1).
    """

    dialect: str
    elements: str

    def attach(self, archive: Archive) -> None:
        """Make the archived log readable as the table `event`."""

    def compute(self, name: str, query: str) -> None:
        """Create the table `name` with the rows of `query`."""

    def define(self, name: str, query: str) -> None:
        """Create the view `name` of `query`."""

    def rows(self, query: str) -> Iterable[Balances]:
        """The rows of `query`, as mappings by column name."""


class DuckDb:
    """DuckDB in this process."""

    extra = "archive"
    dialect = "duckdb"
    elements = "select unnest({of}) as move, generate_subscripts({of}, 1) as seq"

    def __init__(self) -> None:
        import duckdb  # noqa: PLC0415 - an extra

        self._conn = duckdb.connect(config={"memory_limit": MAX_MEMORY, "temp_directory": tempfile.gettempdir()})

    def attach(self, archive: Archive) -> None:
        files = [str(archive.file(segment)) for segment in archive.manifest.segments]
        if set("*?[") & set(files[0]):  # DuckDB would treat them as wildcards and read other files
            raise ArchiveWrong(f"{archive.folder}: DuckDB accepts no * ? [ in a path. 路径不得含 * ? [。")
        self._conn.read_parquet(files).create_view("event")

    def compute(self, name: str, query: str) -> None:
        self._conn.execute(f"create table {name} as {query}")

    def define(self, name: str, query: str) -> None:
        self._conn.execute(f"create view {name} as {query}")

    def rows(self, query: str) -> Iterable[Balances]:
        result = self._conn.execute(query)
        names = [column[0] for column in result.description or ()]
        while rows := result.fetchmany(1_000):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


class Spark:
    """Spark: uses an existing session or the server in SPARK_REMOTE; otherwise runs locally, on all cores."""

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
        self.define(name, query)  # Spark decides itself when to compute it

    def define(self, name: str, query: str) -> None:
        self._spark.sql(query).createOrReplaceTempView(name)

    def rows(self, query: str) -> Iterable[Balances]:
        for row in self._spark.sql(query).toLocalIterator():
            yield row.asDict()


ENGINES: dict[str, type[Any]] = {"duckdb": DuckDb, "spark": Spark}
"""The engines by their names on the command line."""


class EngineMissing(Exception):
    """The packages of an optional extra are not installed."""

    def __init__(self, extra: str) -> None:
        super().__init__(f"the optional extra {extra} is required; see docs/operations.md 需要安装可选依赖 {extra}")


def engine(name: str) -> Engine:
    """A new engine. Raises EngineMissing if its packages are not installed."""
    try:
        created: Engine = ENGINES[name]()
    except ImportError as error:
        raise EngineMissing(ENGINES[name].extra) from error
    return created
