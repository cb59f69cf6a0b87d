"""The end of the log, for readers who wait for it: told by NOTIFY, with a poll for the notice that was lost.

One connection, in a thread of its own, serves all who wait in this process; they wait without a thread.
"""

from __future__ import annotations

import asyncio
import threading
import time

import psycopg
import structlog

from service.queries import QUERIES

log = structlog.get_logger()

POLL_SECONDS = 1.0
RECONNECT_SECONDS = 1.0
AT_MOST_EVERY = 0.05
"""Seconds between two wakings: what is recorded in between is told in one."""


class Tail:
    """Where the log ends. Begun with the first who waits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._head = 0
        self._moved = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def beyond(self, position: int, seconds: float) -> bool:
        """Wait until the log has something after `position`; whether it has, so many seconds at most."""
        self._begin()
        try:
            async with asyncio.timeout(max(seconds, 0)):
                while self._head <= position:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def _begin(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._listen, name="tail", daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                with psycopg.connect(self._url, autocommit=True) as conn:
                    conn.execute("listen ledger_events")
                    while True:
                        for (head,) in conn.execute(QUERIES["head"]):
                            self._tell(head)
                        time.sleep(AT_MOST_EVERY)
                        for _ in conn.notifies(timeout=POLL_SECONDS, stop_after=1):
                            pass
            except psycopg.OperationalError as error:
                log.warning("tail lost the database", reason=str(error).strip())
                time.sleep(RECONNECT_SECONDS)

    def _tell(self, head: int) -> None:
        if head != self._head and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._move, head)

    def _move(self, head: int) -> None:
        self._head = head
        self._moved.set()
        self._moved = asyncio.Event()
