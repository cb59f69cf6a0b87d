"""Watches the end of the log for readers that wait for new events: by NOTIFY, and by polling in case a NOTIFY is lost.

One connection in one thread serves all readers of this process; a waiting reader occupies no thread.
"""

from __future__ import annotations

import asyncio
import threading
import time

import psycopg
import structlog

from service.postgres import session
from service.postgres.queries import QUERIES

log = structlog.get_logger()

POLL_SECONDS = 1.0
RECONNECT_SECONDS = 1.0
MIN_INTERVAL_SECONDS = 0.05
"""Minimum time between two wake-ups of the readers that wait for new events; all events recorded in between cause one
wake-up."""


class LogWatcher:
    """Tracks the position of the last event in the log. Its thread starts when the first reader waits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._head = self._restores = 0
        """The position of the last event, and how often this position was lower than before."""
        self._moved = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait_beyond(self, position: int, seconds: float) -> bool:
        """Wait up to `seconds` for an event after `position`, or until the log loses events because it is restored.

        Returns False if neither happened in this time.
        """
        self._start()
        restores = self._restores
        try:
            async with asyncio.timeout(max(seconds, 0)):
                while self._head <= position and self._restores == restores:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def _start(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._listen, name="log watcher", daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                with session.connect(self._url, session.WORKERS) as conn:
                    conn.execute("listen ledger_events")
                    while True:
                        for (head,) in conn.execute(QUERIES["head"]):
                            self._publish(head)
                        time.sleep(MIN_INTERVAL_SECONDS)
                        for _ in conn.notifies(timeout=POLL_SECONDS, stop_after=1):
                            pass
            except psycopg.OperationalError as error:
                log.warning("log watcher lost the database", reason=str(error).strip())
            except Exception:  # readers wait for this thread: it must go on after any error
                log.exception("log watcher")
            time.sleep(RECONNECT_SECONDS)

    def _publish(self, head: int) -> None:
        if head != self._head and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._move, head)

    def _move(self, head: int) -> None:
        self._restores += head < self._head
        self._head = head
        self._moved.set()
        self._moved = asyncio.Event()
