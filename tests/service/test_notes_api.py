"""The register of notes, on the life that the contract shows."""

import psycopg
import pytest
from psycopg.rows import dict_row

from service.api.contract import examples
from service.auth import api_keys
from service.auth.grants import grant
from service.example import DEMO_PERSONS
from tests.service.conftest import SECRET, live

FUND, FIRST, SECOND = examples.FUND, examples.FIRST, examples.SECOND


@pytest.fixture
def noted(api):
    events = examples.life()
    last = max(n for n, event in enumerate(events) if event["type"] == "NoteRecorded")
    live(api, events[: last + 1])
    api.fold()
    return api


def texts(api, query, key="auditor"):
    return [each["text"] for each in api.get(f"/v1/notes?{query}", key).json["notes"]]


def test_a_note_has_its_documents_and_what_corrects_it(noted):
    wrong, right, evaluation = noted.get(f"/v1/notes?fund={FUND}").json["notes"]
    assert wrong["corrected_by"] == right["position"]
    assert right["corrected_by"] is None
    assert (right["project"], right["award"], right["application"]) == (FIRST, "L-01", "A-01")
    assert (right["kind"], right["kind_zh"]) == ("leader_changed", "负责人变更")
    assert [each["kind"] for each in right["documents"]] == ["函"]
    assert (evaluation["project"], evaluation["kind_zh"], evaluation["corrected_by"]) == (None, "绩效评价", None)


def test_notes_are_found_by_what_they_are_about_and_by_a_part_of_their_text(noted):
    assert len(texts(noted, f"project={FIRST}")) == 2
    assert texts(noted, f"project={SECOND}") == []
    assert len(texts(noted, f"fund={FUND}&award=L-01")) == 2
    assert texts(noted, f"fund={FUND}&kind=evaluation") == texts(noted, f"fund={FUND}&q=绩效") != []
    assert len(texts(noted, f"fund={FUND}&q=示例·李")) == 1
    assert texts(noted, f"fund={FUND}&q=没有写的") == []
    assert texts(noted, f"fund={FUND}&q=%25") == [], "a percent sign is no wildcard"


def test_the_notes_come_in_pages(noted):
    first = noted.get(f"/v1/notes?fund={FUND}&limit=2").json
    rest = noted.get(f"/v1/notes?fund={FUND}&limit=2&after={first['next']}").json
    assert (len(first["notes"]), len(rest["notes"]), rest["next"]) == (2, 1, None)


def test_a_note_names_the_person_of_the_key_by_which_it_was_posted(noted):
    with psycopg.connect(noted.url, autocommit=True, row_factory=dict_row) as conn:
        granted = grant(["post:note"], sources=["/test"])
        noted.keys["archivist"] = api_keys.create(conn, SECRET, "archivist", granted, person="1007")
    note = noted.event("NoteRecorded", f"fund/{FUND}", "2025-12-09", ("函",), kind="other", text="档案移交")
    assert noted.post(note, "archivist").status_code == 201
    noted.fold()
    persons = [each["person"] for each in noted.get(f"/v1/notes?fund={FUND}").json["notes"]]
    assert persons == [DEMO_PERSONS["fund-office"]] * 3 + ["1007"]


def test_an_unknown_kind_is_a_wrong_parameter(noted):
    assert noted.get("/v1/notes?kind=rumour").status_code == 400
