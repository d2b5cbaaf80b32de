"""Examples and event ids."""

from __future__ import annotations

import secrets
import uuid
from datetime import date, datetime
from random import Random
from typing import Any

import pytest

from schemas.errors import EventInvalid
from schemas.examples import example, new_event_id
from schemas.json_form import to_json
from schemas.registry import load_event_types
from tests.events import EVENT_ID, NOW_MS, an_event, at, event_type

ENCOMPASS = "police.domestic-abuse-incident"


def test_event_ids_are_uuid_version_7() -> None:
    """Version, variant, and the moment in the first 48 bits."""
    made = uuid.UUID(new_event_id(NOW_MS, secrets.randbits))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == NOW_MS


def test_event_ids_sort_by_time_and_differ_by_chance() -> None:
    """Later ids are greater; two of the same millisecond differ."""
    chance = Random(1)
    assert new_event_id(NOW_MS, 0) < new_event_id(NOW_MS + 1, 0)
    assert new_event_id(NOW_MS, chance.getrandbits) != new_event_id(NOW_MS, chance.getrandbits)
    assert new_event_id(NOW_MS, (1 << 74) - 1) == "01a0fd32-2d00-7fff-bfff-ffffffffffff".replace(
        "01a0fd32-2d00", new_event_id(NOW_MS, 0)[:13]
    )


@pytest.mark.parametrize("name", list(load_event_types()))
def test_examples_say_something(name: str) -> None:
    """Every payload field but a few is filled, so that an example shows what the type can carry."""
    kind = event_type(name)
    payload = [leaf.path for leaf in kind.leaves if not leaf.path.startswith("envelope.")]
    empty = [path for path in payload if at(an_event(kind), path) is None]
    assert len(empty) <= max(len(payload) // 2, 1), empty


def test_an_example_is_of_its_moment() -> None:
    """It is published now, recorded shortly before, and occurred before that."""
    envelope = an_event(ENCOMPASS)["envelope"]
    assert envelope["publishedAt"] == NOW_MS
    assert envelope["occurredAt"] <= envelope["recordedAt"] <= NOW_MS
    assert (envelope["eventId"], envelope["eventType"]) == (EVENT_ID, ENCOMPASS)


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("incidentDate", "2026-09-30", "2026-09-30"),
        ("incidentDate", date(2026, 9, 30), "2026-09-30"),
        ("incidentDate", datetime(2026, 9, 30, 8, 0), "2026-09-30"),  # noqa: DTZ001  YAML gives such
        ("incidentDate", "now-2d", "2026-09-30"),
        ("incidentDate", "now", "2026-10-02"),
        ("incidentDate", 0, "1970-01-01"),
        ("envelope.child.dateOfBirth", "now-9y", "2017-10-02"),
        ("envelope.occurredAt", "now-90m", "2026-10-02T08:30:00.000Z"),
        ("envelope.occurredAt", "now-1w", "2026-09-25T10:00:00.000Z"),
        ("envelope.occurredAt", date(2026, 10, 1), "2026-10-01T00:00:00.000Z"),
        ("envelope.occurredAt", "2026-10-02T09:00:00+01:00", "2026-10-02T08:00:00.000Z"),
        ("envelope.recordedAt", NOW_MS - 1, "2026-10-02T09:59:59.999Z"),
        ("envelope.child.name", "now", "now"),
        ("note", None, None),
    ],
)
def test_overrides_take_json_values_and_relative_times(path: str, value: Any, shown: Any) -> None:
    """Text, dates, raw numbers and relative times go to where they are meant for."""
    kind = event_type(ENCOMPASS)
    datum = example(kind, now_ms=NOW_MS, event_id=EVENT_ID, overrides={path: value})
    assert at(to_json(kind, datum), path) == shown


def test_times_inside_lists_are_relative_too() -> None:
    """The review date of a judgement, given as a Python date, relative, or in JSON form."""
    each = {"agency": "northshire-csc", "judgement": "CONFIRMED", "decidedBy": "STANDING_ADOPTION"}
    given = [{**each, "reviewOn": when} for when in ("now+1d", date(2026, 10, 3), "2026-10-03")]
    datum = an_event(ENCOMPASS, envelope__proposedRecipients=given)
    assert {judgement["reviewOn"] for judgement in datum["envelope"]["proposedRecipients"]} == {20_729}


def test_a_record_is_emptied_or_given_whole() -> None:
    """A record's path takes null or an object of its fields."""
    assert an_event(ENCOMPASS, envelope__childVoice=None)["envelope"]["childVoice"] is None
    settings = an_event(ENCOMPASS, envelope__settings={"gpOds": "Z99002"})["envelope"]["settings"]
    assert (settings["gpOds"], settings["schoolUrn"]) == ("Z99002", None)
    assert an_event(ENCOMPASS, envelope__settings=None)["envelope"]["settings"]["gpOds"] is None


def test_a_leaf_below_a_null_record_brings_the_record_back() -> None:
    """Filling one leaf of an empty record leaves its other leaves null."""
    kind = event_type("education.absence-concern")
    assert an_event(kind)["envelope"]["safeContact"] is None
    contact = an_event(kind, envelope__safeContact__callSafe=True)["envelope"]["safeContact"]
    assert contact == {"callSafe": True, "textSafe": None, "letterSafe": None, "byWhom": None, "whenSafe": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("envelope.child.nme", "x"),
        ("envelope.urgency", "SOON"),
        ("envelope.urgency", 3),
        ("incidentDate", "2026-02-30"),
        ("envelope.settings", "none"),
        ("envelope.settings", {"school": "990001"}),
        ("envelope.masaId", None),
    ],
)
def test_overrides_that_do_not_fit_are_refused(path: str, value: Any) -> None:
    """A misspelt path or a value of the wrong kind names the path."""
    with pytest.raises(EventInvalid) as caught:
        example(event_type(ENCOMPASS), now_ms=NOW_MS, event_id=EVENT_ID, overrides={path: value})
    assert caught.value.problems[0].path.startswith(path.split(".")[0])
