"""Builds the gateway in the worker process of the web server."""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading

import structlog
from flask import Flask

from service import supervisor
from service.api.http.work import MONITOR, POSTING
from service.app import create_app
from service.auth.rate_limit import RateLimit
from service.config import Config
from service.observability import logs
from service.server import memory, read_process
from service.server.application import Local
from service.server.gateway import Gateway
from service.server.log_watcher import LogWatcher
from service.server.single_posts import SinglePosts

log = structlog.get_logger()

GC_THRESHOLDS = 20_000, 50, 20
"""The thresholds of the garbage collector. It runs rarely, because posts create few reference cycles, and frequent
collections took a sixth of the processing time of posts."""
SWITCH_SECONDS = 0.001
"""How long a thread may keep the interpreter while others wait for it. A post needs it several times; with Python's
default of 5 ms, a thread that computes would delay each of them by as much."""


def _warm_up(app: Flask) -> None:
    """Cache the states of the longest streams. `/readyz` answers 503 until this function ends.

    If caching fails, the service still works, but the first post to each of these streams waits until the stream is
    replayed.
    """
    try:
        app.extensions["ledger"].warm_up()
    except Exception:
        log.exception("warming up")


def build(config: Config) -> Gateway:
    """The gateway that the web server's worker loads. The worker calls this function after the fork."""
    memory.keep_large_blocks_apart()
    reads = read_process.fork(config)  # before anything starts a thread
    logs.configure(in_background=True)
    supervisor.watch_parent(lambda: os._exit(1))  # an orphaned worker would occupy the port for ever
    app = create_app(config, (*POSTING, MONITOR))
    app.extensions["metrics"].of_reads = reads.state
    app.extensions["warming"] = threading.Thread(target=_warm_up, args=(app,), name="warm up", daemon=True)
    app.extensions["warming"].start()
    gc.freeze()  # objects created so far are never garbage
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)
    return Gateway(
        Local(app),
        reads,
        route=app.extensions["route"],
        authenticator=app.extensions["authenticator"],
        log_watcher=LogWatcher(app.config["DATABASE_URL"]),
        single_posts=SinglePosts(app.extensions["ledger"], config.secret),
        rate_limit=RateLimit(config.rate),
        share=config.share / 100,
        probes_socket=_probes_socket(config),
    )


def _probes_socket(config: Config) -> socket.socket | None:
    """The socket on which health and metrics have a port of their own; None if they have none. Raises OSError."""
    if not config.health_port:
        return None
    family = socket.AF_INET6 if ":" in config.health_host else socket.AF_INET
    return socket.create_server((config.health_host, config.health_port), family=family)
