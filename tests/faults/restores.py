"""Faults that give a running service another history: restores, and a failover to a standby."""

from __future__ import annotations

from pathlib import Path
from random import Random

from psycopg.conninfo import make_conninfo

from tests.faults.fault import fault
from tests.faults.server import DATABASE, Server, configure
from tests.faults.site import Site
from tests.faults.waiting import wait_until

NEWER = 5
"""How many events each sender has acknowledged after the backup; the restore loses them."""


@fault("a dump is restored", loses=True)
def dump(site: Site, _: Random, __: float) -> None:
    server = site.server
    file = server.archive / "dump"
    server.run("pg_dump", "--format=custom", f"--file={file}", server.url)
    site.await_acknowledged(NEWER)
    with site.offline():
        server.ask(f"drop database {DATABASE} with (force)", f"create database {DATABASE}", database="postgres")
        server.run("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={server.url}", file)
    file.unlink()


@fault("a base backup is restored", loses=True)
def base_backup(site: Site, _: Random, __: float) -> None:
    folder = site.new_folder()
    site.server.copy(folder, "recovery.signal")
    site.await_acknowledged(NEWER)
    with site.offline():
        site.replace_server(recovered(folder, site))


@fault("a point in time is restored", loses=True)
def point_in_time(site: Site, _: Random, __: float) -> None:
    folder = site.new_folder()
    site.server.copy(folder, "recovery.signal")
    site.await_acknowledged(NEWER)
    instant = site.server.ask("select clock_timestamp()::text")
    site.await_acknowledged(NEWER)
    archive_the_log(site.server)
    restore = {"restore_command": f'cp "{site.archive}/%f" %p', "recovery_target_time": instant}
    configure(folder / "postgres", {**restore, "recovery_target_action": "promote"})
    with site.offline():
        site.replace_server(recovered(folder, site))


def recovered(folder: Path, site: Site) -> Server:
    """The server on a copy, after its recovery."""
    server = site.start_server(folder)
    await_end_of_recovery(server)
    return server


def archive_the_log(server: Server) -> None:
    """Wait until the write-ahead log up to now is in the archive."""
    segment = server.ask("select pg_walfile_name(pg_switch_wal())")
    wait_until((server.archive / segment).exists, f"{segment} in the archive")


def await_end_of_recovery(server: Server) -> None:
    wait_until(lambda: not server.ask("select pg_is_in_recovery()"), "the end of the recovery")


@fault("failover to a standby", loses=True)
def failover(site: Site, _: Random, __: float) -> None:
    """The standby receives nothing of the last moment, so that acknowledged events are lost."""
    folder, primary = site.new_folder(), site.server
    primary.copy(folder, "standby.signal", primary_conninfo=make_conninfo(primary.url, dbname=""))
    standby = site.start_server(folder)
    wait_until(lambda: primary.ask("select state from pg_stat_replication") == "streaming", "a streaming standby")
    site.await_acknowledged(NEWER)
    standby.ask("alter system set primary_conninfo = ''", "select pg_reload_conf()")
    wait_until(lambda: not primary.ask("select count(*) from pg_stat_replication"), "a standby that receives nothing")
    site.await_acknowledged(NEWER)
    with site.offline():
        standby.ask("select pg_promote()")
        await_end_of_recovery(standby)
        site.replace_server(standby)
