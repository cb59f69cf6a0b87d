"""The balances computed anew from an archive, by another engine and the same SQL that folds the live tables.

sqlglot reads each projection as PostgreSQL's and writes it as the engine's. What only PostgreSQL has is a handful of
idioms, each with its line here; what the log keeps as JSON is a typed column in the archive.
"""

from __future__ import annotations

from typing import cast

import sqlglot
from sqlglot import exp

from projections import PROJECTIONS
from service.archive.compare import KEY
from service.archive.engines import Balances, Engine
from service.archive.manifest import Archive

REPLAYED = ("movement", "balance")
"""The projections that are replayed, each after the one it reads."""


def balances(engine: Engine, archive: Archive) -> list[Balances]:
    """Every balance at the archive's end, as the table `balance` has them."""
    engine.attach(archive)
    *read, last = REPLAYED
    for name in read:
        engine.compute(name, translated(name, engine, archive.manifest.head).sql(engine.dialect))
    fold = translated(last, engine, archive.manifest.head)
    nothing = ", ".join(f"null as {column}" for column in fold.named_selects)
    engine.define(last, f"select {nothing} where 1 = 0")  # a fold adds to what there is: here to nothing
    rows = engine.rows(fold.sql(engine.dialect))
    return sorted(rows, key=lambda row: tuple(row[name] for name in KEY))


def translated(name: str, engine: Engine, head: int) -> exp.Query:
    """The rows that a projection's SQL inserts, folding from zero to `head`, in the engine's words."""
    insert = sqlglot.parse_one(PROJECTIONS[name], read="postgres")
    assert isinstance(insert, exp.Insert)
    select = insert.expression
    assert isinstance(select, exp.Select)
    for column, value in zip(insert.this.expressions, list(select.expressions), strict=True):
        value.replace(exp.alias_(value.unalias(), column.name))
    if named := insert.args.get("with_"):
        select.set("with_", named)
    bounds = {"after": exp.Literal.number(0), "upto": exp.Literal.number(head)}

    def written(node: exp.Expression) -> exp.Expression:
        return bounds[node.name] if isinstance(node, exp.Placeholder) else _idiom(node, engine)

    return cast("exp.Query", select.transform(written))


def _idiom(node: exp.Expression, engine: Engine) -> exp.Expression:
    """What only PostgreSQL has, as the others say it: JSON is in typed columns, a set of fen is text."""
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
        case exp.Lateral() if node.args.get("ordinality"):
            of = _idiom(node.this.expressions[0], engine).sql(engine.dialect)
            elements = sqlglot.parse_one(engine.elements.format(of=of), read=engine.dialect, into=exp.Select)
            return exp.Lateral(this=elements.subquery(), alias=exp.TableAlias(this=node.args["alias"].this))
    return node
