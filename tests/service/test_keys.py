import json

import psycopg
import pytest
from psycopg.rows import dict_row

from service import keys
from service.example import DEMO_KEYS, ensure_demo_keys
from service.reads import open_pool

SECRET = b"s" * 32


@pytest.fixture
def admin(database_url):
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        yield conn


@pytest.fixture
def ring(database_url):
    pool = open_pool(database_url, size=1)
    yield keys.Keyring(pool, SECRET)
    pool.close()


def test_a_key_opens_what_its_scopes_say(admin, ring):
    key = keys.create(admin, SECRET, "office", ["read", "post:fund"])
    assert len(key) >= len(keys.PREFIX) + 43, "256 bits"
    assert ring.principal(key) == keys.Principal("office", frozenset({"read", "post:fund"}))
    assert ring.principal(key + "x") is None


def test_a_key_is_never_stored(admin):
    key = keys.create(admin, SECRET, "office", ["read"])
    [row] = admin.execute("select * from api_key").fetchall()
    assert key.encode() not in bytes(row["digest"])
    assert key not in repr(row)


def test_a_hash_is_worth_nothing_without_the_secret(admin, database_url):
    key = keys.create(admin, SECRET, "office", ["read"])
    pool = open_pool(database_url, size=1)
    assert keys.Keyring(pool, b"another secret" * 3).principal(key) is None
    pool.close()


def test_a_revoked_key_opens_nothing_and_stays_listed(admin, ring, monkeypatch):
    monkeypatch.setattr(keys, "REMEMBERED_SECONDS", 0.0)
    key = keys.create(admin, SECRET, "office", ["read"])
    assert ring.principal(key)
    assert keys.revoke(admin, "office")
    assert ring.principal(key) is None
    [listed] = keys.listed(admin)
    assert listed.revoked_at
    assert not keys.revoke(admin, "office")


def test_a_database_keeps_to_the_secret_it_was_set_up_with(admin):
    keys.check_secret(admin, SECRET)
    keys.check_secret(admin, SECRET)
    with pytest.raises(keys.OtherSecret):
        keys.check_secret(admin, b"another secret" * 3)


def test_a_name_is_never_used_again_because_events_carry_it(admin):
    keys.create(admin, SECRET, "office", ["read"])
    keys.revoke(admin, "office")
    with pytest.raises(keys.KeyExists):
        keys.create(admin, SECRET, "office", ["read"])


def test_demo_keys_are_made_once_and_readable_by_their_owner_only(admin, ring, tmp_path):
    file = tmp_path / "demo-keys.json"
    ensure_demo_keys(admin, SECRET, file)
    first = file.read_text()
    ensure_demo_keys(admin, SECRET, file)
    assert file.read_text() == first
    assert file.stat().st_mode & 0o777 == 0o600
    for name, key in json.loads(first).items():
        assert ring.principal(key) == keys.Principal(name, frozenset(DEMO_KEYS[name]))


def test_demo_keys_whose_file_was_lost_are_made_anew(admin, ring, tmp_path):
    file = tmp_path / "demo-keys.json"
    ensure_demo_keys(admin, SECRET, file)
    file.unlink()
    ensure_demo_keys(admin, SECRET, file)
    for name, key in json.loads(file.read_text()).items():
        assert ring.principal(key).name == name
