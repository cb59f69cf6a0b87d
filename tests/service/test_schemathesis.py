"""schemathesis tests a running service with the example against the published contract."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from service.auth import api_keys
from service.auth.grants import SCOPES, grant
from tests.service.conftest import SECRET, build, close, live, play_example
from tests.service.test_gateway import Served

SETTINGS = Path(__file__).with_name("schemathesis.toml")
SEED = "20261126"
"""The seed of the requests. It is fixed, because with some seeds schemathesis sends a valid value as a wrong one."""


@pytest.mark.long("generates requests for two minutes")
def test_schemathesis_finds_no_fault(database_url):
    api = build(database_url)
    play_example(api)
    live(api, api.get("/v1/event-types", None).json["example_life"])
    api.fold()
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        key = api_keys.create(conn, SECRET, "schemathesis", grant(SCOPES, sources=["/example/sender"]))
    close(api)
    served = Served(api)
    try:
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
        options = [
            "--checks",
            "all",
            "--header",
            f"Authorization: Bearer {key}",
            "--max-time",
            "120",
            "--warnings",
            "off",
            "--seed",
            SEED,
        ]
        result = subprocess.run(
            [*command, f"http://127.0.0.1:{served.port}/openapi.json", *options, "--continue-on-failure"],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        served.stop()
    assert result.returncode == 0, result.stdout
    assert "Tested: " in result.stdout
