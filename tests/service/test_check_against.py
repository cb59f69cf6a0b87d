"""`suyuan check --against` names the events that a follower has received and that the log has lost."""

import json
import os

import pytest
from psycopg import connect
from psycopg.rows import dict_row

from service.check.against import SavedFileWrong, check_against
from tests.service.commands import run_command
from tests.service.conftest import SECRET
from tests.service.test_lost_history import lose

LOST = 3


class Followed:
    """Two files in which a follower has stored the whole log: one has the events, the other has digests."""

    def __init__(self, api, folder):
        self.api, self.head = api, api.get("/readyz", key=None).json["log_position"]
        pages = [api.get(f"/v1/events?after={after}&limit=100").json for after in range(0, self.head, 100)]
        self.events = [event for page in pages for event in page]
        ranges = [(0, self.head - 20), (self.head - 20, self.head - 10), (self.head - 10, self.head)]
        digests = [api.get(f"/v1/events/digest?after={after}&upto={upto}").json for after, upto in ranges]
        self.files = []
        for name, documents in (("events", self.events), ("digests", digests)):
            file = folder / name
            file.write_text("".join(json.dumps(each) + "\n" for each in documents))
            self.files.append(file)

    def findings(self, file):
        with connect(self.api.url, row_factory=dict_row) as conn:
            return [(each.kind, each.facts) for each in check_against(conn, file, "/suyuan")]


@pytest.fixture
def followed(sample_copy, tmp_path):
    return Followed(sample_copy, tmp_path)


def test_a_log_that_lost_nothing_has_all_that_a_follower_saved(followed):
    assert len(followed.events) == followed.head
    assert [followed.findings(file) for file in followed.files] == [[], []]


def test_lost_events_are_named_by_position_sender_and_id_and_ranges_by_their_ends(followed):
    lose(followed.api.url, followed.head - LOST)
    events, digests = map(followed.findings, followed.files)
    assert [facts["position"] for _, facts in events] == [followed.head - 2, followed.head - 1, followed.head]
    sent = [(each["data"]["source"], each["data"]["source_id"]) for each in followed.events[-LOST:]]
    assert [(facts["sender"], facts["sender_id"]) for _, facts in events] == sent
    lost = {"first": followed.head - 9, "last": followed.head, "head": followed.head - LOST}
    assert digests == [("range-lost", lost)]


def test_another_event_at_the_position_of_a_lost_one_does_not_hide_the_loss(followed):
    later = "update event set recorded_at = recorded_at + interval '1 second' where position = %s"
    with connect(followed.api.url, autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")
        admin.execute(later, [followed.head])
    [(kind, facts)] = followed.findings(followed.files[0])
    assert (kind, facts["position"]) == ("event-lost", followed.head)
    assert [kind for kind, _ in followed.findings(followed.files[1])] == ["range-lost"]


FILTERED = {"after": 1, "upto": 2, "count": 1, "sha256": "", "fund": "x"}


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"specversion": "1.0"}', json.dumps(FILTERED)])
def test_a_line_that_is_neither_event_nor_digest_is_refused_with_its_number(followed, line):
    file = followed.files[0]
    file.write_text(file.read_text() + "\n" + line + "\n")
    with pytest.raises(SavedFileWrong, match=f"{file}:{followed.head + 2}: .*须为.*must be"):
        followed.findings(file)


def test_the_command_names_each_lost_event_in_both_languages(followed):
    lose(followed.api.url, followed.head - LOST)
    settings = {"DATABASE_URL": followed.api.url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}
    answer = run_command("check", "--against", followed.files[0], env={**os.environ, **settings})
    assert answer.returncode == 1
    for event in followed.events[-LOST:]:
        named = f"第 {event['position']} 号事件（{event['type']}，{event['subject']}"
        lines = [line for line in answer.stdout.splitlines() if named in line and event["data"]["source_id"] in line]
        assert any("does not have it" in line for line in lines)
