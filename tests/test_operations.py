"""The files for operators agree with the service, in metrics, alerts, environment variables and containers."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import yaml

from service import __version__
from service.config import ABOUT
from service.observability.metrics import NAMES
from tests.faults.__main__ import MODULES
from tests.faults.fault import FAULTS

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
RULES = yaml.safe_load((ROOT / "docs/operations/alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
DASHBOARD = json.loads((ROOT / "docs/operations/dashboard.json").read_text(encoding="utf-8"))
MANUAL = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
OWN_CONTAINERS = ("migrate", "web", "projector", "checker", "keys")


def test_every_metric_in_an_alert_or_the_dashboard_is_exported():
    in_alerts = [rule["expr"] for rule in RULES]
    in_dashboard = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    for expression in in_alerts + in_dashboard:
        assert set(re.findall(r"\bsuyuan_\w+", expression)) <= NAMES, expression


def test_the_manual_has_a_section_for_every_alert_in_order():
    assert re.findall(r"^### (Suyuan\w+)", MANUAL, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_the_manual_of_faults_has_every_fault_of_the_campaign():
    assert MODULES, "they register the faults"
    table = (ROOT / "docs/operations/faults.md").read_text(encoding="utf-8").partition("## How long")[2]
    assert re.findall(r"^\| ([^|]+) \|.* s \|$", table, re.MULTILINE) == list(FAULTS)


def test_containers_set_only_variables_that_the_service_reads():
    foreign = {"PATH", "PYTHONDONTWRITEBYTECODE", "PGSERVICEFILE"}  # read by the shell, Python and libpq
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    variables = {name for line in re.findall(r"^ENV (.+)", image, re.MULTILINE) for name in re.findall(r"(\w+)=", line)}
    for name in OWN_CONTAINERS:
        variables |= set(COMPOSE["services"][name]["environment"])
    assert variables - foreign <= set(ABOUT)


def test_the_manual_explains_every_environment_variable():
    assert set(ABOUT) == set(re.findall(r"^\| `([A-Z_]+)` \|", MANUAL, re.MULTILINE))


def test_no_container_runs_as_root_or_can_write_its_own_files():
    user = re.findall(r"^USER (\d+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user[-1] != "0"
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "user" not in service if name in OWN_CONTAINERS else not service["user"].startswith("0"), name


def test_the_database_logs_no_statement_parameters():
    settings = set(COMPOSE["services"]["database"]["command"])
    assert {
        "--log_parameter_max_length=0",
        "--log_parameter_max_length_on_error=0",
        "--log_error_verbosity=terse",
    } <= settings


def test_the_projector_is_unhealthy_after_an_event_has_waited_for_a_minute(database_url):
    _, _, *arguments = COMPOSE["services"]["projector"]["healthcheck"]["test"]

    def healthy():
        env = {**os.environ, "DATABASE_URL": database_url}
        return subprocess.run([sys.executable, *arguments], env=env, check=False).returncode == 0

    with psycopg.connect(database_url, autocommit=True) as conn:
        assert healthy()
        conn.execute(
            "insert into event (position, stream, version, type, recorded_at, fact)"
            " values (1, 'fund/a', 1, 'FundEstablished', now(), '{}')"
        )
        conn.execute("insert into projection_cursor (position) values (0)")
        conn.execute("insert into projection (name, cursor) select 'fund', id from projection_cursor")
        assert healthy()
        conn.execute("update projection_cursor set moved_at = now() - interval '2 minutes'")
        assert not healthy()
        conn.execute("update projection_cursor set position = 1")
        assert healthy()


def test_the_image_and_the_changelog_have_the_version_of_the_service():
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^ARG VERSION=(\S+)$", image, re.MULTILINE) == [__version__]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d\S*)\]", changelog, re.MULTILINE)[0] == __version__


def test_every_container_has_limits_of_memory_processes_and_time():
    for name, container in COMPOSE["services"].items():
        assert {"mem_limit", "pids_limit", "cpus"} <= set(container), name
