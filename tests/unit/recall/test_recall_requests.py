"""What a publisher asks to be taken back, and who may."""

from __future__ import annotations

import pytest

from streams.recall import plan
from streams.recall.requests import HOUR_MS, lowers, read
from tests.events import NOW_MS, an_event

ORIGINAL, OWN = "01990c3a-7b2e-7c41-9d3f-5a1be0c47d12", "01990c3a-7b2e-7c41-9d3f-5a1be0c47d13"


@pytest.mark.parametrize(
    ("asked", "removed_by"),
    [
        (None, NOW_MS + 24 * HOUR_MS),
        (NOW_MS + 5 * HOUR_MS, NOW_MS + 5 * HOUR_MS),
        (NOW_MS - HOUR_MS, NOW_MS + 24 * HOUR_MS),  # nobody can do it in the past
        (NOW_MS + 10_000 * HOUR_MS, NOW_MS + 720 * HOUR_MS),  # nor may it be put off for ever
    ],
)
def test_removal_is_due_as_asked_within_reason(asked: int | None, removed_by: int) -> None:
    """At least an hour, at most thirty days, a day when nobody says."""
    datum = an_event("control.retraction", envelope__supersedes=ORIGINAL, removeBy=None) | {"removeBy": asked}
    request = read("control.retraction", OWN, datum, NOW_MS)
    assert request is not None
    assert request.remove_by == removed_by


@pytest.mark.parametrize(
    ("level", "ends"), [("NONE", True), ("PROTECTED", False), ("REFUGE", False), ("SEALED", False)]
)
def test_only_a_level_that_says_so_ends_a_protection(level: str, ends: bool) -> None:
    """And its ground is never told."""
    request = read("identity.protection-changed", OWN, {"envelope": {}, "level": level}, NOW_MS)
    assert request is not None
    assert (lowers(request), request.ground) == (ends, "GROUND_NOT_GIVEN")


@pytest.mark.parametrize(
    ("publishers", "state", "refusal"),
    [
        (set(), "PENDING", None),
        ({"northshire-police"}, "ACTIVE", None),
        ({"oakfield-primary"}, "REFUSED", "NOT_THE_PUBLISHER"),
    ],
)
def test_a_recall_is_judged_by_who_published_the_original(
    publishers: set[str], state: str, refusal: str | None
) -> None:
    """Until anybody was told, nobody can say."""
    request = read("control.retraction", OWN, an_event("control.retraction", envelope__supersedes=ORIGINAL), NOW_MS)
    assert request is not None
    recall = plan.asked_for(request, "northshire", "northshire-police", None, ORIGINAL)
    judged = plan.judged(recall, publishers)
    assert (judged.state, judged.refusal) == (state, refusal)


def test_a_request_that_names_nothing_is_refused() -> None:
    """No original, or no child that the exchange could know."""
    for kind in ("control.retraction", "identity.severed"):
        request = read(kind, OWN, {"envelope": {}}, NOW_MS)
        assert request is not None
        recall = plan.asked_for(request, "northshire", "somebody", None, None)
        assert (recall.state, recall.refusal) == ("REFUSED", "NAMES_NOTHING")


def test_ordinary_events_take_nothing_back() -> None:
    """Whatever they supersede."""
    assert read("education.absence-concern", OWN, {"envelope": {"supersedes": ORIGINAL}}, NOW_MS) is None


def test_only_fields_of_the_contract_are_kept_of_those_that_were_wrong() -> None:
    """The list is the publisher's own words: what is no field of ours could say anything about a child."""
    datum = {
        "envelope": {"supersedes": ORIGINAL},
        "correctedFields": ["envelope.settings.schoolUrn", "ShelteredAtTheMill", "incidentDate"],
    }
    request = read("control.correction", OWN, datum, NOW_MS)
    assert request is not None
    assert request.fields == ["envelope.settings.schoolUrn", "incidentDate"]
