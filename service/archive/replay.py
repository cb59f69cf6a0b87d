"""Recompute the balances from an archive, in another engine, with the same SQL that folds the live tables.

sqlglot translates the SQL of each projection from PostgreSQL's dialect to the engine's. A few idioms that only
PostgreSQL has are translated here. Fields that the log has as JSON are typed columns in the archive.
"""

from __future__ import annotations

from typing import cast

import sqlglot
from sqlglot import exp

from domain.decision import FACTS
from domain.posting import ACCOUNTS
from projections import PROJECTIONS
from service.archive.compare import KEY
from service.archive.engines import Balances, Engine
from service.archive.manifest import Archive
from service.codec import NewerEvent

REPLAYED = ("movement", "balance")
"""The projections that are computed from an archive. Each comes after the projections that it reads."""


def balances(engine: Engine, archive: Archive) -> list[Balances]:
    """All balances at the archive's end, with the columns of the table `balance`.

    Raises NewerEvent if the archive has a type of event or an account that this version of the program does not know.
    """
    engine.attach(archive)
    _check_types(engine)
    *read, last = REPLAYED
    for name in read:
        engine.compute(name, translated(name, engine, archive.manifest.head).sql(engine.dialect))
    _check_accounts(engine)
    fold = translated(last, engine, archive.manifest.head)
    nothing = ", ".join(f"null as {column}" for column in fold.named_selects)
    engine.define(last, f"select {nothing} where 1 = 0")  # the fold reads the balances before it: here an empty table
    rows = engine.rows(fold.sql(engine.dialect))
    return sorted(rows, key=lambda row: tuple(row[name] for name in KEY))


def _check_types(engine: Engine) -> None:
    for row in engine.rows("select type, min(stream) as stream from event group by type"):
        if row["type"] not in FACTS:
            raise NewerEvent(row["stream"], row["type"])


def _check_accounts(engine: Engine) -> None:
    for row in engine.rows("select distinct fund, type, source, target from movement"):
        ends = {"moves[].from": row["source"], "moves[].to": row["target"]}
        if unknown := [path for path, account in ends.items() if account not in ACCOUNTS]:
            raise NewerEvent(f"fund/{row['fund']}", row["type"], unknown)


def translated(name: str, engine: Engine, head: int) -> exp.Query:
    """The query for the rows that the projection `name` inserts for positions 1 to `head`, translated for `engine`."""
    insert = sqlglot.parse_one(PROJECTIONS[name], read="postgres")
    assert isinstance(insert, exp.Insert)
    select = insert.expression
    assert isinstance(select, exp.Select)
    for column, value in zip(insert.this.expressions, list(select.expressions), strict=True):
        value.replace(exp.alias_(value.unalias(), column.name))
    if named := insert.args.get("with_"):
        select.set("with_", named)
    bounds = {"after": exp.Literal.number(0), "upto": exp.Literal.number(head)}

    def translate(node: exp.Expression) -> exp.Expression:
        return bounds[node.name] if isinstance(node, exp.Placeholder) else _idiom(node, engine)

    return cast("exp.Query", select.transform(translate))


def _idiom(node: exp.Expression, engine: Engine) -> exp.Expression:
    """The translation of `node` if it is an idiom that only PostgreSQL has; otherwise `node` itself.

    For example, a field of the JSON fact becomes a typed column, and a set of fen (int8multirange) becomes text.
    """
    match node:
        case exp.JSONExtractScalar() | exp.JSONExtract():  # fact ->> 'fund', move ->> 'from'
            of, key = node.this, node.expression.expressions[-1].this
            if of.name == "fact":
                return exp.column(key, of.table)
            return exp.Bracket(this=of.copy(), expressions=[exp.Literal.string(key)])
        case exp.JSONBContainsTopKey():  # fact ? 'mirrors'
            return exp.column(node.expression.name, node.this.table)
        case exp.DataType() if node.this is exp.DataType.Type.INT8MULTIRANGE:
            return exp.DataType.build("text")
        case exp.Anonymous() if node.name.lower() == "fen":
            yuan = _idiom(node.expressions[0], engine)
            return exp.cast(exp.func("replace", yuan, exp.Literal.string("."), exp.Literal.string("")), "bigint")
        case exp.CTE():  # with … as materialized
            node.set("materialized", None)
        case exp.Lateral() if node.args.get("ordinality"):
            of = _idiom(node.this.expressions[0], engine).sql(engine.dialect)
            elements = sqlglot.parse_one(engine.elements.format(of=of), read=engine.dialect, into=exp.Select)
            return exp.Lateral(this=elements.subquery(), alias=exp.TableAlias(this=node.args["alias"].this))
    return node
