"""An archive can be restored to an identical ledger, verified by hashes, and replayed in DuckDB to equal balances."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
import sqlglot
from msgspec import structs
from psycopg.rows import dict_row
from pyarrow import parquet
from sqlglot import exp

import projections
from bench import mixed_log
from service.archive import replay, write
from service.archive.compare import compare
from service.archive.engines import ENGINES, DuckDb
from service.archive.manifest import NAME, Archive, ArchiveWrong, Segment, empty, file_of, opened
from service.archive.restore import restore
from service.archive.write import archive
from service.auth import api_keys
from service.check import check
from service.codec import NewerEvent
from service.workers import projector
from tests.conftest import new_database
from tests.service.conftest import SECRET, build, close
from tests.service.newer_events import record_newer

LEDGER = empty("/suyuan", api_keys.fingerprint(SECRET))
COMPARED_TABLES = ("event", "post", "claim", "serial", *projections.ORDER)
JAVA = shutil.which("java")
needs_spark = pytest.mark.skipif(
    not (JAVA and find_spec("pyspark")), reason="Spark needs Java 17 and pyspark (requirements-spark.lock)"
)


def connect(url):
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


@pytest.fixture(scope="module")
def original(server_url, example_database):
    """The URL of a database with the example. No test changes this database."""
    with new_database(server_url, example_database) as url:
        yield url


@pytest.fixture(scope="module")
def archived(original, tmp_path_factory):
    """The archive of the example, in files of 100 events."""
    folder = tmp_path_factory.mktemp("archive")
    with connect(original) as conn:
        return archive(conn, folder, LEDGER, 100)


@pytest.fixture(scope="module")
def mixed(server_url, template):
    """The URL of a database with a generated log of at least 3,000 events."""
    with new_database(server_url, template) as url:
        with psycopg.connect(url, autocommit=True) as conn:
            mixed_log.fill(url, conn, 3_000)
        yield url


@pytest.fixture
def copied(archived, tmp_path):
    """A copy of the archive that the test may damage."""
    return Path(shutil.copytree(archived.folder, tmp_path / "copy"))


def rows(url, name):
    with connect(url) as conn:
        found = conn.execute(f"select * from {name} as t order by t::text").fetchall()
    for row in found:
        row.pop("nonce", None)  # a restored event gets a new one
    return sorted(found, key=str)


def test_an_archive_restores_to_an_identical_ledger(original, archived, database_url):
    with connect(database_url) as conn:
        restore(conn, opened(archived.folder))
    projector.catch_up(database_url)
    for name in COMPARED_TABLES:
        assert rows(database_url, name) == rows(original, name), name
    report = check(database_url)
    assert (report.findings, report.events) == ([], archived.manifest.head)


def test_the_hashes_of_the_archive_equal_the_digests_of_the_service(original, archived):
    api = build(original)
    try:
        for each in archived.manifest.segments:
            digest = api.get(f"/v1/events/digest?after={each.first - 1}&upto={each.last}").json
            assert (digest["sha256"], digest["count"]) == (each.events_sha256, each.count)
    finally:
        close(api)
    assert sum(each.posts for each in archived.manifest.segments) == len(rows(original, "post"))


def test_a_restored_ledger_records_the_next_post_after_the_archive(archived, database_url):
    with connect(database_url) as conn:
        restore(conn, archived)
    projector.catch_up(database_url)
    api = build(database_url)
    try:
        [setup] = [row for row in rows(database_url, "post") if row["first_position"] == 1]
        first_post = api.get(f"/v1/posts?source={setup['source']}&id={setup['id']}").json
        assert first_post["position"] == 1
        confirmed = api.event(
            "PaymentConfirmed", "project/yx-ip-2018-08", "2019-09-05", payment="yx-ip-2018-08-L02-B1-1",
            amount="295055.00", payee={"name": "示例8号项目乙单位", "account": "620000000000080001"},
        )  # fmt: skip
        used = next(row for row in rows(database_url, "claim") if row["kind"] == "流水号")
        confirmed["source"] = used["source"]
        with connect(database_url) as conn:
            api_keys.allow(conn, "treasury", [used["source"]])
        slip = {"kind": "流水号", "number": used["number"], "date": used["day"] or used["event_day"]}
        confirmed["data"]["documents"] = [slip]
        assert api.post(confirmed, "treasury").json["rule"] == "DocumentAlreadyUsed"
        confirmed["data"]["documents"] = [{"kind": "流水号", "number": "新的"}]
        answer = api.post(confirmed, "treasury")
        assert (answer.status_code, answer.json["position"]) == (201, archived.manifest.head + 1)
        api.fold()
    finally:
        close(api)
    assert check(database_url).findings == []


@pytest.mark.parametrize("size", [1, 3])
def test_a_post_whose_events_are_in_two_segments_is_restored(original, database_url, tmp_path, size):
    with connect(original) as conn:
        segmented = archive(conn, tmp_path, LEDGER, size)
    with connect(database_url) as conn:
        restore(conn, segmented)
    for name in ("event", "post", "claim", "serial"):
        assert rows(database_url, name) == rows(original, name), name


def test_a_folder_with_segments_and_no_manifest_is_not_changed(archived, copied, original):
    (copied / NAME).unlink()
    with connect(original) as conn, pytest.raises(ArchiveWrong, match="no manifest"):
        archive(conn, copied, LEDGER, 100)
    assert {file.name for file in copied.glob("events-*")} == {each.file for each in archived.manifest.segments}


def test_nothing_is_added_to_an_archive_with_a_missing_file(archived, copied, original):
    (copied / archived.manifest.segments[1].file).unlink()
    with connect(original) as conn, pytest.raises(ArchiveWrong, match="missing"):
        archive(conn, copied, LEDGER, 100)


def test_an_archive_with_another_chain_than_the_expected_one_is_not_opened(archived):
    assert opened(archived.folder, archived.manifest.chain) == archived
    with pytest.raises(ArchiveWrong, match="The chain is"):
        opened(archived.folder, "0" * 64)


def test_duckdb_refuses_a_path_with_a_wildcard(archived, tmp_path):
    folder = Path(shutil.copytree(archived.folder, tmp_path / "st*r"))
    shutil.copytree(archived.folder, tmp_path / "star")
    with pytest.raises(ArchiveWrong, match="in a path"):
        replayed(opened(folder))


def test_an_archive_is_restored_only_into_an_empty_database(archived, api):
    settings = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
    api.post(api.event("FundEstablished", "fund/f", cites=["立项依据"], name="甲", settings=settings), "fund-office")
    with connect(api.url) as conn, pytest.raises(ArchiveWrong, match="empty"):
        restore(conn, archived)
    assert len(rows(api.url, "event")) == 1


def test_archiving_again_adds_only_new_events_and_keeps_existing_segments(archived, copied, original, database_url):
    with connect(database_url) as conn:
        restore(conn, archived)
    api = build(database_url)
    try:
        settings = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
        event = api.event("FundEstablished", "fund/f", cites=["立项依据"], name="甲", settings=settings)
        assert api.post(event, "fund-office").status_code == 201
    finally:
        close(api)
    with connect(database_url) as conn:
        more = archive(conn, copied, LEDGER, 100)
        again = archive(conn, copied, LEDGER, 100)
    assert more.manifest.segments[:-1] == archived.manifest.segments
    assert more.manifest.segments[-1].first == more.manifest.head == archived.manifest.head + 1
    assert again == more == opened(copied)


def test_the_same_log_and_segment_size_give_the_same_manifest(original, archived, tmp_path):
    with connect(original) as conn:
        again = archive(conn, tmp_path / "again", LEDGER, 100)
        whole = archive(conn, tmp_path / "whole", LEDGER)
    assert again.manifest == archived.manifest
    assert len(whole.manifest.segments) == 1


def test_events_of_another_ledger_are_not_archived(archived, copied, database_url, original):
    with connect(database_url) as conn, pytest.raises(ArchiveWrong, match="another ledger"):
        archive(conn, copied, LEDGER)
    with connect(original) as conn, pytest.raises(ArchiveWrong, match="another ledger"):
        archive(conn, copied, empty("/other", LEDGER.secret))


def test_a_log_that_lost_its_last_events_is_not_added_to_the_archive(archived, copied, database_url):
    """A log may have lost events after a restore from a backup. Their positions then belong to other events."""
    older = Archive(archived.folder, structs.replace(archived.manifest, segments=archived.manifest.segments[:4]))
    with connect(database_url) as conn:
        restore(conn, older)
    api = build(database_url)
    try:
        for number in range(30):
            settings = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
            event = api.event("FundEstablished", f"fund/f{number}", cites=["立项依据"], name="甲", settings=settings)
            assert api.post(event, "fund-office").status_code == 201
    finally:
        close(api)
    with connect(database_url) as conn, pytest.raises(ArchiveWrong, match="another ledger"):
        archive(conn, copied, LEDGER, 100)


def test_files_of_a_killed_run_are_removed_and_two_runs_cannot_archive_at_once(archived, copied, original):
    after = archived.manifest.segments[-1].last + 1
    for name in (f"events-{after:012}-{after + 3:012}.parquet", f"events-{after:012}-{after + 83:012}.parquet.new"):
        (copied / name).write_bytes(b"half")
    (copied / "events-2025.csv").write_text("unrelated")
    (copied / "events-unrelated").mkdir()
    with connect(original) as conn:
        archive(conn, copied, LEDGER, 100)
        expected = {each.file for each in archived.manifest.segments} | {"events-2025.csv", "events-unrelated"}
        assert {file.name for file in copied.glob("events-*")} == expected
        with (copied / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(ArchiveWrong, match="another process is archiving"):
                archive(conn, copied, LEDGER, 100)


@pytest.mark.long("starts a process after each kill")
def test_an_archive_run_killed_at_any_moment_can_be_continued(mixed, tmp_path):
    with connect(mixed) as conn:
        whole = archive(conn, tmp_path / "whole", LEDGER, 40)
    settings = {"DATABASE_URL": mixed, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}
    folder, killed, grown = tmp_path / "killed", 0, set()
    command = [sys.executable, "-m", "service", "archive", "--to", str(folder), "--segment", "40"]
    while True:
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
        before = files(folder)
        while process.poll() is None and files(folder) < before + 7:
            time.sleep(0.005)
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed += 1
        grown.add(files(folder))
        if (folder / NAME).exists():
            opened(folder)
    assert process.returncode == 0
    assert killed > 3
    assert opened(folder).manifest == whole.manifest
    assert whole.manifest.head == 3_000


def files(folder):
    return len(list(folder.glob("*.parquet")))


def test_a_changed_or_missing_file_is_found(archived, copied):
    file = copied / archived.manifest.segments[1].file
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArchiveWrong, match=file.name):
        opened(copied)
    file.unlink()
    with pytest.raises(ArchiveWrong, match=file.name):
        opened(copied)


def forge(folder, column, change, *, chained=True):
    """Change `column` of the archive's last segment, as a forger with write access to the folder could.

    The hash of the file is recomputed. If `chained`, the hash of the chain is recomputed too.
    """
    manifest = json.loads((folder / NAME).read_text())
    segment = manifest["segments"][-1]
    file = folder / file_of(segment["first"], segment["last"])
    table = parquet.read_table(file)
    field = table.schema.get_field_index(column)
    values = table.column(column).to_pylist()
    at = next(index for index, value in enumerate(values) if change(value) != value)
    changed = pa.array([*values[:at], change(values[at]), *values[at + 1 :]], table.schema.field(field).type)
    parquet.write_table(table.set_column(field, table.schema.field(field), changed), file)
    segment["file_sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    if chained:
        chained_again = Segment(**segment).after(manifest["segments"][-2]["chain"])
        segment["chain"] = chained_again.chain
    (folder / NAME).write_text(json.dumps(manifest))


FORGED = {
    "fact": lambda fact: fact.replace('"actor": "', '"actor": "伪'),
    "stream": lambda _: "fund/other",
    "post_id": lambda _: None,
    "post_source": lambda _: "/other",
    "post_last": lambda _: 10_000,
    "post_digest": lambda _: None,
    "fund": lambda _: "other",
    "moves": lambda _: [],
}


@pytest.mark.parametrize("column", FORGED)
def test_forged_rows_with_recomputed_file_hashes_are_not_restored(copied, database_url, column):
    forge(copied, column, FORGED[column])
    with connect(database_url) as conn, pytest.raises(ArchiveWrong):
        restore(conn, opened(copied))
    assert rows(database_url, "event") == rows(database_url, "post") == rows(database_url, "claim") == []


def test_a_forged_column_changes_the_chain(archived, copied):
    for column, change in (("moves", lambda _: []), ("post_digest", lambda _: b"0" * 32)):
        forge(copied, column, change, chained=False)
        with pytest.raises(ArchiveWrong, match="does not follow"):
            opened(copied)
        forge(copied, column, change)
        assert opened(copied).manifest.chain != archived.manifest.chain


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda m: m["segments"].pop(1), "does not follow"),
        (lambda m: m["segments"][1].update(first=150), "does not follow"),
        (lambda m: m["segments"][1].update(events_sha256="0" * 64), "does not follow"),
        (lambda m: m["segments"].clear(), "no archive"),
        (lambda m: m.update(form=3), "not supported"),
        (lambda m: m.pop("segments") and m.update(segments="x"), "Expected"),
    ],
)
def test_an_inconsistent_manifest_is_found(copied, damage, message):
    manifest = json.loads((copied / NAME).read_text())
    damage(manifest)
    (copied / NAME).write_text(json.dumps(manifest))
    with pytest.raises(ArchiveWrong, match=message):
        opened(copied)


def replayed(archive_):
    return replay.balances(DuckDb(), archive_)


def test_duckdb_replays_the_archive_to_the_ledger_s_balances(original, archived):
    with connect(original) as conn:
        compared = compare(conn, replayed(archived), archived.manifest.head)
    assert (compared.differing, compared.position) == (0, archived.manifest.head)
    assert compared.rows > 20


def test_an_older_archive_is_compared_with_the_balances_at_its_last_event(original, archived):
    older = Archive(archived.folder, structs.replace(archived.manifest, segments=archived.manifest.segments[:2]))
    assert older.manifest.head == 200
    with connect(original) as conn:
        assert compare(conn, replayed(older), 200).differing == 0
        assert compare(conn, replayed(older), archived.manifest.head).differing > 0


@pytest.mark.long("replays thousands of events")
def test_duckdb_replays_a_generated_log_to_the_ledger_s_balances_once_it_is_folded(mixed, tmp_path):
    with connect(mixed) as conn:
        generated = archive(conn, tmp_path, LEDGER, 700)
        rows_replayed = replayed(generated)
        with pytest.raises(ArchiveWrong, match="The tables are at"):
            compare(conn, rows_replayed, generated.manifest.head)
        projector.catch_up(mixed)
        assert compare(conn, rows_replayed, generated.manifest.head).differing == 0


def test_a_balance_changed_by_hand_is_found(server_url, example_database, archived):
    with new_database(server_url, example_database) as url, connect(url) as conn:
        conn.execute("update balance set paid = paid + 1 where award = 'yx-ip-2018-08-L01' and batch = 1")
        compared = compare(conn, replayed(archived), archived.manifest.head)
    assert compared.differing == 1
    [shown] = compared.document()["shown"]
    assert shown["key"][2:] == [1, "yx-ip-2018-08-L01"]
    assert (shown["live"]["paid"], shown["replayed"]["paid"]) == ("304945.01", "304945.00")


@pytest.mark.parametrize("name", replay.REPLAYED)
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_each_projection_is_translated_to_each_engine_s_dialect(name, engine):
    fold = replay.translated(name, engine, 9)
    again = sqlglot.parse_one(fold.sql(engine.dialect), read=engine.dialect)
    assert not list(again.find_all(exp.Placeholder, exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBContainsTopKey))
    inserted = sqlglot.parse_one(projections.PROJECTIONS[name], read="postgres").this.expressions
    assert fold.named_selects == [column.name for column in inserted]


@pytest.mark.long("starts a Java machine")
@needs_spark
def test_spark_replays_the_archive_to_the_ledger_s_balances(original, archived):
    settings = {"DATABASE_URL": original, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}
    with connect(original) as conn:
        api_keys.claim_secret(conn, SECRET)
    command = [sys.executable, "-m", "service", "replay", "--from", str(archived.folder), "--engine", "spark", "--json"]
    answer = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["differing"] == 0


def run(url, *arguments, before="pass", secret=SECRET.decode(), **more):
    settings = {"DATABASE_URL": url, "SUYUAN_SECRET": secret, "SUYUAN_HOME": "/nowhere", "COLUMNS": "200", **more}
    program = f"import sys; {before}; from service.cli import main; sys.argv[0] = 'suyuan'; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_archive_replay_and_restore_a_ledger(server_url, example_database, database_url, tmp_path):
    with new_database(server_url, example_database) as url:
        assert "个文件" in run(url, "archive", "--to", str(tmp_path / "a")).stdout
        replay_run = run(url, "replay", "--from", str(tmp_path / "a"))
        assert (replay_run.returncode, "余额一致" in replay_run.stdout) == (0, True)
    offline = run("", "replay", "--from", str(tmp_path / "a"), "--offline")
    pool = next(row for row in json.loads(offline.stdout)["rows"] if row["project"] == "")
    assert pool["pool"] == "71428.00"
    other = run(database_url, "restore", "--from", str(tmp_path / "a"), secret="another secret of the tests, 32 b")
    assert (other.returncode, "SUYUAN_SECRET" in other.stderr) == (2, True)
    source = run(database_url, "restore", "--from", str(tmp_path / "a"), SUYUAN_SOURCE="/elsewhere")
    assert (source.returncode, "SUYUAN_SOURCE" in source.stderr) == (2, True)
    home = tmp_path / "new"
    no_secret = run("", "restore", "--from", str(tmp_path / "a"), secret="", SUYUAN_HOME=str(home))
    assert (no_secret.returncode, "SUYUAN_SECRET" in no_secret.stderr, home.exists()) == (2, True, False)
    assert "已恢复" in run(database_url, "restore", "--from", str(tmp_path / "a")).stdout
    with connect(database_url) as conn:
        conn.execute("update balance set pool = pool + 1 where pool > 0")
    wrong = run(database_url, "replay", "--from", str(tmp_path / "a"))
    assert wrong.returncode == 1
    assert "71428.01" in wrong.stdout
    again = run(database_url, "restore", "--from", str(tmp_path / "a"))
    assert (again.returncode, "Traceback" in again.stderr) == (2, False)


def test_archive_without_its_optional_packages_names_the_missing_extra(database_url, tmp_path):
    before = "sys.modules['pyarrow'] = None"
    answer = run(database_url, "archive", "--to", str(tmp_path), before=before)
    assert (answer.returncode, "archive" in answer.stderr, "Traceback" in answer.stderr) == (2, True, False)
    assert run(database_url, "check", before=before).returncode == 0, "other commands work without it"


MOVE = {"from": "pool", "to": "surrendered", "fen": "{[0,1)}", "amount": "0.01"}
NEWER = [
    ("TaxLevied", {}, "TaxLevied"),
    ("AppropriationTransferred", {"moves": [{**MOVE, "from": "treasury", "to": "pool"}]}, "AppropriationTransferred"),
    ("SurplusSurrendered", {"moves": [{**MOVE, "channel": "card"}]}, r"moves\[\].channel of SurplusSurrendered"),
    ("SurplusSurrendered", {"moves": [{**MOVE, "to": "reserve"}]}, r"moves\[\].to of SurplusSurrendered"),
    ("PeriodClosed", {"period": {"year": 2030}}, "period of PeriodClosed"),
]


@pytest.fixture(params=NEWER, ids=[name for _, _, name in NEWER])
def newer(request, server_url, example_database):
    """The URL of a database with the example and an event of a newer version; and how an error names the event."""
    type_, more, name = request.param
    with new_database(server_url, example_database) as url:
        record_newer(url, "fund/yx-ip-2018", type_, **more)
        yield url, name


def as_newer_version(url, folder, monkeypatch):
    """The archive that a version writes which can read every event."""
    monkeypatch.setattr(write, "_check_readable", lambda *_: None)
    with connect(url) as conn:
        return archive(conn, folder, LEDGER, 100)


def test_a_log_with_an_event_of_a_newer_version_is_not_archived(newer, archived, copied):
    url, name = newer
    before = sorted(copied.iterdir())
    with connect(url) as conn, pytest.raises(NewerEvent, match=name):
        archive(conn, copied, LEDGER, 100)
    assert sorted(copied.iterdir()) == before
    assert opened(copied).manifest == archived.manifest


def test_an_archive_with_an_event_of_a_newer_version_is_not_restored(newer, tmp_path, database_url, monkeypatch):
    url, name = newer
    newer_archive = as_newer_version(url, tmp_path / "newer", monkeypatch)
    with connect(database_url) as conn, pytest.raises(NewerEvent, match=name):
        restore(conn, opened(newer_archive.folder))
    for table in ("event", "post", "claim"):
        assert rows(database_url, table) == []


@pytest.mark.parametrize("event", NEWER[:2] + NEWER[3:4], ids=["type", "type that issues fen", "account"])
def test_an_archive_with_a_type_or_an_account_of_a_newer_version_is_not_replayed(
    server_url, example_database, tmp_path, monkeypatch, event
):
    type_, more, name = event
    with new_database(server_url, example_database) as url:
        record_newer(url, "fund/yx-ip-2018", type_, **more)
        newer_archive = as_newer_version(url, tmp_path, monkeypatch)
    with pytest.raises(NewerEvent, match=name):
        replay.balances(DuckDb(), newer_archive)


def test_the_archive_commands_name_the_event_of_a_newer_version_without_a_traceback(
    server_url, example_database, database_url, tmp_path, monkeypatch
):
    with new_database(server_url, example_database) as url:
        record_newer(url, "fund/yx-ip-2018")
        answers = [run(url, "archive", "--to", str(tmp_path / "a"))]
        as_newer_version(url, tmp_path / "b", monkeypatch)
    answers += [run(database_url, name, "--from", str(tmp_path / "b")) for name in ("restore", "replay")]
    for answer in answers:
        assert (answer.returncode, "Traceback" in answer.stderr) == (2, False), answer.stderr
        assert "fund/yx-ip-2018 有 TaxLevied 类型的事件" in answer.stderr
    assert rows(database_url, "event") == []
