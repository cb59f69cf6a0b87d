"""Notes on record: on a fund, a project, an application or an award; they move nothing and change nothing."""

import pytest

from domain.fund.lifecycle import FundClosed
from domain.note import NOTE_KINDS_ZH, NoteKind, NoteRecorded
from domain.project.lifecycle import ProjectClosed
from domain.rules.every_post import MissingCitation, UnknownEntry, UnknownName, UnknownStream
from domain.rules.reversal import NotReversible
from tests.lives import FUND, PROJECT, awarded, wholly_paid
from tests.scenario import Scenario, post

LEADER = NoteRecorded(NoteKind.LEADER_CHANGED, "负责人变更为示例·李某")
decided = awarded()
noted = decided.given(post(PROJECT, LEADER, "3-2"))


@pytest.mark.parametrize("stream", [FUND, PROJECT])
def test_a_note_changes_nothing_but_the_version_of_its_stream(stream):
    [event] = decided.when(post(stream, LEADER, "3-2")).events()
    assert event.moves == ()
    after = decided.given(post(stream, LEADER, "3-2")).ledger.stream(stream)
    assert after.state == decided.ledger.stream(stream).state


def test_a_note_may_be_recorded_after_the_project_and_the_fund_are_closed():
    closed = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"), post(FUND, FundClosed(), "8-2"))
    for stream in (FUND, PROJECT):
        closed.when(post(stream, NoteRecorded(NoteKind.EVALUATION, "评价为优"), "2020-3-1")).accepted()


def test_a_note_names_an_application_and_an_award_of_its_project():
    decided.when(post(PROJECT, NoteRecorded(NoteKind.OTHER, "说明", "A-a", "L-a"), "3-2")).accepted()
    for about in ({"application": "A-z"}, {"award": "L-z"}):
        [(kind, name)] = about.items()
        decided.when(post(PROJECT, NoteRecorded(NoteKind.OTHER, "说明", **about), "3-2")).refused(
            UnknownName, kind=kind, name=name
        )
    decided.when(post(FUND, NoteRecorded(NoteKind.OTHER, "说明", award="L-a"), "3-2")).refused(UnknownName, name="L-a")


def test_a_note_cites_a_paper():
    decided.when(post(PROJECT, LEADER, "3-2", cites=())).refused(MissingCitation)
    decided.when(post(PROJECT, LEADER, "3-2", cites=("备案表",))).accepted()


def test_a_note_corrects_an_earlier_note_of_its_stream_and_nothing_else():
    version = noted.last(NoteRecorded).version
    again = NoteRecorded(NoteKind.LEADER_CHANGED, "负责人变更为示例·王某", corrects=version)
    noted.when(post(PROJECT, again, "3-3")).accepted()
    noted.when(post(FUND, again, "3-3")).refused(UnknownEntry, version=version)
    for other in (1, version + 1):
        wrong = NoteRecorded(NoteKind.OTHER, "更正", corrects=other)
        noted.when(post(PROJECT, wrong, "3-3")).refused(UnknownEntry, stream=PROJECT, version=other)


def test_a_note_is_not_reversed():
    noted.when(noted.reversing(NoteRecorded, "3-3")).refused(NotReversible, entry="NoteRecorded")


def test_a_note_needs_a_fund_or_a_project():
    for stream in (FUND, PROJECT):
        Scenario().when(post(stream, LEADER, "3-2")).refused(UnknownStream, stream=stream)


def test_every_kind_of_note_has_a_chinese_name():
    assert set(NOTE_KINDS_ZH) == set(NoteKind)
