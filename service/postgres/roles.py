"""The database roles: each process connects as the role that may do its work and nothing else.

What a role may do is said in migrations/privileges.sql alone. The roles themselves have no login: a login of an
operator is a member of one of them, so its password can be replaced, by a second login, while the first is in use.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import structlog
from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

OWNER, WEB, PROJECTOR, CHECKER, KEYS = (
    "suyuan_owner", "suyuan_web", "suyuan_projector", "suyuan_checker", "suyuan_keys",
)  # fmt: skip
PROCESSES = (WEB, PROJECTOR, CHECKER, KEYS)
"""The roles of the processes. The role OWNER owns the tables and functions."""
WITH_TEMPORARY_TABLES = (PROJECTOR, CHECKER)
"""The roles whose logins need the privilege TEMPORARY on the database: the projector while a fund is held."""

log = structlog.get_logger(__name__)


def login(role: str) -> str:
    """The login for `role` that docs/operations/roles.sql and the embedded server have."""
    return role if role == OWNER else f"{role}_login"


def create(conn: Connection[Any]) -> None:
    """Create the roles and their logins that the server lacks, without passwords. Needs a superuser."""
    existing = {name for (name,) in conn.cursor(row_factory=tuple_row).execute("select rolname from pg_roles")}
    statements = {
        OWNER: SQL("create role {} login").format(Identifier(OWNER)),
        **{role: SQL("create role {}").format(Identifier(role)) for role in PROCESSES},
        **{
            login(role): SQL("create role {} login in role {}").format(Identifier(login(role)), Identifier(role))
            for role in PROCESSES
        },
    }
    for name, statement in statements.items():
        if name not in existing:
            conn.execute(statement)


def hand_over(conn: Connection[Any]) -> None:
    """Make OWNER the owner of this database and its objects, and let only the logins connect. Needs a superuser.

    Does nothing if OWNER owns the database already. Until version 0.2.0 the embedded server's superuser owned it all.
    """
    rows = conn.cursor(row_factory=tuple_row)
    [(database, owner)] = rows.execute(DATABASE).fetchall()
    if owner == OWNER:
        return
    statements: list[SQL | Composed] = [
        SQL("alter database {} owner to {}").format(Identifier(database), Identifier(OWNER)),
        SQL("revoke all on database {} from public").format(Identifier(database)),
        *(
            SQL("grant {} on database {} to {}").format(
                SQL("connect, temporary" if role in WITH_TEMPORARY_TABLES else "connect"),
                Identifier(database),
                Identifier(login(role)),
            )
            for role in PROCESSES
        ),
        SQL("drop schema if exists suyuan_rebuild cascade"),  # of a rebuild that was killed
    ]
    for statement in statements:
        conn.execute(statement)
    for (of_object,) in rows.execute(OBJECTS).fetchall():
        conn.execute(SQL("alter {} owner to {}").format(SQL(of_object), Identifier(OWNER)))


DATABASE = "select datname, datdba::regrole::text from pg_database where datname = current_database()"
OBJECTS = """
    select format('table public.%I', relname) from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
    union all
    select format('routine public.%I(%s)', proname, pg_get_function_identity_arguments(oid)) from pg_proc
    where pronamespace = 'public'::regnamespace
    union all
    select format('domain public.%I', typname) from pg_type
    where typnamespace = 'public'::regnamespace and typtype = 'd'
"""


def set_privileges(conn: Connection[Any]) -> None:
    """Give the roles exactly the privileges of migrations/privileges.sql. `conn`: of the tables' owner."""
    for statement in differences(conn):
        conn.execute(statement.encode())


def differences(conn: Connection[Any]) -> list[str]:
    """The statements that would give the roles exactly the privileges of migrations/privileges.sql."""
    return [statement for (_, statement) in conn.cursor(row_factory=tuple_row).execute(PRIVILEGES)]


PRIVILEGES = (resources.files("migrations") / "privileges.sql").read_bytes()


def warn_if_more_than(role: str, conn: Connection[Any]) -> None:
    """Log a warning if the session of `conn` may do more than `role`, because it is a superuser or has other roles."""
    rows = conn.cursor(row_factory=tuple_row).execute(MAY_ACT_AS, [[OWNER, *PROCESSES, LEGACY]])
    others = sorted(name for (name,) in rows if name != role)
    if others:
        log.warning("数据库角色权限过大 the database role may do more than it needs", needs=role, may_act_as=others)


LEGACY = "suyuan"
"""The role of all services until version 0.2.0. It has the privileges of web, projector and checker."""
MAY_ACT_AS = "select rolname from pg_roles where rolname = any(%s) and pg_has_role(oid, 'member')"
