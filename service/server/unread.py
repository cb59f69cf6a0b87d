"""Bounds what answers hold that their clients do not read: bytes per sender and in total, and seconds without progress.

The web server keeps an answer in memory until its client has read it. It has no limit of its own, and does not say how
much it still holds, or when a connection has ended: the kernel's table of connections does.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path

import psutil

STALLED_SECONDS = 30
"""A connection whose client reads nothing, or does not confirm what it was sent, is closed after this time."""
SEND_BUFFER_BYTES = 256 * 1024
"""How much of an answer the kernel takes at a time. The kernel reserves twice as much, and without this limit several
MiB for each connection."""
SMALL_ANSWER_BYTES = 128 * 1024
"""A larger answer is a large answer. Its connection is closed after it, and has ended when the answer was read."""
MAX_UNREAD_PER_SENDER, MAX_UNREAD = 16 * 1024 * 1024, 64 * 1024 * 1024
"""Maximum number of bytes in the large answers that were not read yet, per sender and in total."""


TABLES = Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6")
"""The kernel's tables of connections, on Linux. Elsewhere the answers that were not read are not limited."""
SENDING = re.compile(":([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) (?:01|04|08|09|0B) ")
"""Finds both ports, in TABLES, of each connection that has something to send, or may yet have: it is in a state from
ESTABLISHED to CLOSING. A regular expression passes over ended connections, of which there may be many, in little time.
"""
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.02, 0.25
MAX_TIMES = 5
"""The tables are not read again before this many times the time that it took to read them."""


class Connections:
    """Finds out when connections have ended, from the kernel's tables, which a thread reads."""

    def __init__(self) -> None:
        self._read_at = self._read_again_at = float("-inf")
        self._sending = frozenset[tuple[int, int]]()
        self._lock = asyncio.Lock()

    async def ended(self, server: str, client: str) -> None:
        """Returns when all that was sent on this connection was read, and it has ended.

        `server`, `client`: the addresses of its two ends, such as `127.0.0.1:8000`. Connections are known by
        their ports only.
        """
        began, ends, pause = time.monotonic(), (_port(server), _port(client)), FIRST_PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            await self._read()
            if self._read_at > began and ends not in self._sending:
                return
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    async def _read(self) -> None:
        """Read the tables, unless they were read a short time ago.

        The time is FIRST_PAUSE_SECONDS, or longer if the tables are so long that to read them takes time.
        """
        async with self._lock:
            began = time.monotonic()
            if began > self._read_again_at:
                with suppress(OSError, RuntimeError):  # no file may be opened, or no thread started: try again later
                    self._sending, self._read_at = await asyncio.to_thread(_all_sending), began
                ended = time.monotonic()
                self._read_again_at = ended + max(FIRST_PAUSE_SECONDS, MAX_TIMES * (ended - began))


def _all_sending() -> frozenset[tuple[int, int]]:
    """The ports of both ends of each connection that is SENDING."""
    found = (SENDING.findall(table.read_text(encoding="ascii")) for table in TABLES if table.exists())
    return frozenset((int(local, 16), int(remote, 16)) for ports in found for local, remote in ports)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def limit_connections() -> None:
    """Set the limits of the connections that this process accepts from now on, on each socket on which it listens.

    Accepted sockets have the options of the listening one. Granian opens this itself and has no settings for them.
    """
    for each in psutil.Process().net_connections("tcp"):
        if each.status == psutil.CONN_LISTEN:
            with socket.socket(fileno=os.dup(each.fd)) as listening:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
                if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
                    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1_000)
