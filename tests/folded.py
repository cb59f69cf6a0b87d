"""Compares the tables with a fold of the whole log."""

from __future__ import annotations

import psycopg

import projections

OWN_CURSOR = """
    with made as (insert into projection_cursor (position) values ({position}) returning id)
    update projection set cursor = made.id from made where name = '{name}'
"""
"""A statement that gives a projection a cursor of its own."""


def differing_from_a_fold(conn: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """The projections whose tables differ from a fold of the log from zero. Changes nothing."""
    live = _tables(conn)
    with conn.transaction(force_rollback=True):
        for name in (*projections.ORDER, "projection"):
            conn.execute(f"delete from {name}")
        while projections.advance(conn):
            pass
        folded = _tables(conn)
    return [name for name in projections.ORDER if live[name] != folded[name]]


def _tables(conn: psycopg.Connection[tuple[object, ...]]) -> dict[str, list[str]]:
    return {name: sorted(map(repr, conn.execute(f"select * from {name}"))) for name in projections.ORDER}
