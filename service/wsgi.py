"""What a WSGI server loads: one application per worker process, built after the fork."""

from __future__ import annotations

import os

from flask import Flask

from service import keeper, logs
from service.app import create_app
from service.config import from_environment


def build() -> Flask:
    """The application that the environment configures."""
    logs.configure()
    keeper.watch_parent(lambda: os._exit(1))  # a worker whose server was killed would hold its port for ever
    return create_app(from_environment())
