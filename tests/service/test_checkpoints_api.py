"""The checkpoints of awards in the registers and the plan, on the life that the contract shows."""

import pytest

from service import example
from service.api.contract import examples
from tests.service.conftest import live

FIRST = examples.FIRST


@pytest.fixture
def posted(api):
    """The API after the example life up to the final acceptance, and its award L-01."""
    events = examples.life()
    last = max(n for n, event in enumerate(events) if event["type"] == "AcceptancePassed")
    live(api, events[: last + 1])
    api.fold()
    return api


def award(api, query=""):
    [row] = [each for each in api.get(f"/v1/awards?project={FIRST}{query}").json["awards"] if each["award"] == "L-01"]
    return row


def test_an_award_lists_its_checkpoints_in_the_order_of_the_plan_with_what_the_acceptance_found(posted):
    assert award(posted)["checkpoints"] == [
        {
            "checkpoint": "midterm", "status": "passed", "on": "2025-11-10", "rectify_by": None,
            "conclusion": "qualified", "score": "81.5", "settled": "800000.00",
            "actuals": [{"goal": "发明专利授权", "actual": "12"}],
        },
        {
            "checkpoint": "final", "status": "passed", "on": "2025-11-18", "rectify_by": None, "conclusion": None,
            "score": None, "settled": None, "actuals": [],
        },
    ]  # fmt: skip
    assert posted.get(f"/v1/projects/{FIRST}").json["award_list"] == [award(posted)]


def test_the_acceptance_of_an_award_is_that_of_its_last_checkpoint(api):
    events = examples.life()
    ordered = next(n for n, event in enumerate(events) if event["type"] == "RectificationOrdered")
    live(api, events[: ordered + 1])
    api.fold()
    row = award(api)
    assert (row["acceptance"], row["rectify_by"]) == ("none", None)
    midterm, final = row["checkpoints"]
    assert (midterm["status"], midterm["rectify_by"]) == ("rectifying", "2025-10-31")
    assert (final["status"], final["on"]) == ("none", None)
    assert not api.get(f"/v1/awards?project={FIRST}&acceptance=rectifying").json["awards"]


def test_the_register_of_a_past_time_has_the_checkpoints_of_that_time(posted):
    """The acceptance is that of the last checkpoint then too, and not that of any checkpoint before it."""
    seen = []
    for position in range(award(posted)["events"][0], award(posted)["events"][-1] + 1):
        row = award(posted, f"&position={position}")
        state = (row["acceptance"], *(each["status"] for each in row["checkpoints"]))
        seen += [state] if state not in seen[-1:] else []
    assert seen == [
        ("none", "none", "none"),
        ("none", "requested", "none"),
        ("none", "failed", "none"),
        ("none", "rectifying", "none"),
        ("none", "requested", "none"),
        ("none", "passed", "none"),
        ("requested", "passed", "requested"),
        ("passed", "passed", "passed"),
    ]


def test_a_line_without_checkpoints_has_one_which_is_called_acceptance(posted):
    [other, *_] = posted.get(f"/v1/awards?project={examples.SECOND}").json["awards"]
    assert [each["checkpoint"] for each in other["checkpoints"]] == ["acceptance"]


def test_the_plan_and_the_projects_show_the_checkpoints_and_the_gates_as_written(posted):
    first, second, _ = posted.get(f"/v1/funds/{examples.FUND}/plan").json["rows"]
    assert (first["checkpoints"], second["checkpoints"]) == (["midterm", "final"], [])
    assert [batch["gate"] for batch in first["batches"]] == ["award", "agreement", "final"]
    assert posted.get(f"/v1/projects/{FIRST}").json["checkpoints"] == ["midterm", "final"]


def test_the_plan_and_the_projects_show_what_the_line_is_for(posted):
    [first, second, third] = posted.get(f"/v1/funds/{examples.FUND}/plan").json["rows"]
    assert first["objective"].startswith("建设示例平台")
    assert (first["support"], first["goals"]) == ("advance", examples.GOALS)
    assert (second["objective"], second["support"], second["goals"]) == (None, None, [])
    assert [each["selection"] for each in (first, second, third)] == ["open_call", "open_call", "list"]
    project = posted.get(f"/v1/projects/{FIRST}").json
    assert {name: project[name] for name in ("objective", "support", "goals")} == {
        name: first[name] for name in ("objective", "support", "goals")
    }


def test_a_step_at_a_checkpoint_that_the_line_lacks_is_refused_by_its_rule(api):
    events = examples.life()
    requested = next(n for n, event in enumerate(events) if event["type"] == "AcceptanceRequested")
    live(api, events[:requested])
    event = {**events[requested], "data": {**events[requested]["data"], "checkpoint": "second"}}
    answer = api.post(event, example.key_of(event))
    assert (answer.status_code, answer.json["rule"]) == (422, "CheckpointNotInPlan")
