"""Deletes refusals that are older than the ledger keeps them, next to the projector."""

from __future__ import annotations

import threading

import psycopg
import structlog

from service.config import Config
from service.postgres import session
from service.postgres.queries import QUERIES

log = structlog.get_logger()

INTERVAL_SECONDS = 3_600.0


def follow(config: Config, stop: threading.Event) -> None:
    """Delete what has expired, now and after each INTERVAL_SECONDS, until `stop` is set. Errors are logged."""
    while config.refusal_days:
        try:
            with session.connect(config.database_url or "", session.WORKERS) as conn:
                expired = conn.execute(QUERIES["expire_refusals"], {"days": config.refusal_days}).rowcount
            if expired:
                log.info("refusals expired", number=expired)
        except psycopg.Error as error:
            log.warning("refusals were not expired", reason=str(error).strip())
        if stop.wait(INTERVAL_SECONDS):
            return
