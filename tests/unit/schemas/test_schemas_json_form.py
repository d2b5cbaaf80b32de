"""The JSON form: plain values, every problem with its path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.errors import EventInvalid
from schemas.json_form import from_json, read_json, record_to_json, to_json
from schemas.vocabulary import RejectReason
from tests.events import an_event, event_type, put

ENCOMPASS = "police.domestic-abuse-incident"


def form() -> dict[str, Any]:
    return to_json(event_type(ENCOMPASS), an_event(ENCOMPASS))


def problems(obj: Any) -> dict[str, str]:
    with pytest.raises(EventInvalid) as caught:
        from_json(event_type(ENCOMPASS), obj)
    return {problem.path: problem.code.value for problem in caught.value.problems}


def test_values_are_plain() -> None:
    """Instants and days as ISO 8601, nullable values bare, no union wrappers."""
    obj = form()
    assert obj["envelope"]["publishedAt"] == "2026-10-02T10:00:00.000Z"
    assert obj["incidentDate"] == "2026-10-02"
    assert obj["envelope"]["child"]["name"] == "Maya Ellery"
    assert obj["envelope"]["excludeRecipients"] is None
    assert json.loads(json.dumps(obj)) == obj


def test_the_form_is_read_back() -> None:
    """Reading what was written gives the same datum."""
    assert from_json(event_type(ENCOMPASS), form()) == an_event(ENCOMPASS)


def test_nullable_fields_may_be_left_out() -> None:
    """A missing nullable field or record is null; a record of nullable fields may be missing altogether."""
    obj = form()
    del obj["note"], obj["envelope"]["childVoice"], obj["envelope"]["settings"], obj["envelope"]["child"]["upn"]
    datum = from_json(event_type(ENCOMPASS), obj)
    assert datum["note"] is None
    assert datum["envelope"]["childVoice"] is None
    assert datum["envelope"]["settings"]["schoolUrn"] is None
    assert datum["envelope"]["child"]["upn"] is None


def test_every_problem_is_collected_with_its_path() -> None:
    """A publisher mends all mistakes at once."""
    obj = form()
    obj["envelope"].pop("legalGateway")
    obj["envelope"]["urgency"] = "SOON"
    obj["envelope"]["occurredAt"] = "2026-10-02 10:00"
    obj["envelope"]["handling"]["restricted"] = "no"
    obj["envelope"]["child"]["nhsNo"] = "9449306494"
    obj["envelope"]["relatedPersons"][1]["contactLevel"] = None
    obj["envelope"]["schemaVersion"] = 1.0
    obj["circumstances"] = "SHOUTING"
    assert problems(obj) == {
        "envelope.legalGateway": "REQUIRED_FIELD",
        "envelope.urgency": "UNKNOWN_ENUM",
        "envelope.occurredAt": "TIME",
        "envelope.handling.restricted": "TYPE_MISMATCH",
        "envelope.child.nhsNo": "TYPE_MISMATCH",
        "envelope.relatedPersons[1].contactLevel": "REQUIRED_FIELD",
        "envelope.schemaVersion": "TYPE_MISMATCH",
        "circumstances": "TYPE_MISMATCH",
    }


def test_an_unknown_key_gets_the_nearest_right_name() -> None:
    """A misspelt field would be lost if it were ignored."""
    obj = form()
    obj["envelope"]["child"]["nhsNumbr"] = "9449306494"
    with pytest.raises(EventInvalid) as caught:
        from_json(event_type(ENCOMPASS), obj)
    [problem] = caught.value.problems
    assert "`nhsNumber`" in problem.expected
    assert "9449306494" not in str(problem)


def test_a_key_that_is_no_name_is_not_repeated() -> None:
    """A value that slipped into a key's place stays out of the message."""
    obj = form()
    obj["envelope"]["child"]["Maya Ellery 9449306494"] = True
    assert problems(obj) == {"envelope.child.?": "TYPE_MISMATCH"}


@pytest.mark.parametrize("obj", [None, [], "event", 3, True])
def test_anything_but_an_object_is_refused(obj: Any) -> None:
    """The event itself must be an object."""
    assert list(problems(obj)) == [""]


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-10-02T10:00:00Z", "2026-10-02T10:00:00.000Z"),
        ("2026-10-02T11:00:00+01:00", "2026-10-02T10:00:00.000Z"),
        ("2026-10-02T10:00:00.5Z", "2026-10-02T10:00:00.500Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_instants_are_read_in_any_stated_zone(text: str, same_as: str) -> None:
    """An offset is turned into UTC; milliseconds may be left out."""
    obj = form()
    obj["envelope"]["occurredAt"] = text
    kind = event_type(ENCOMPASS)
    assert to_json(kind, from_json(kind, obj))["envelope"]["occurredAt"] == same_as


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-02T10:00:00",  # no zone
        "2026-10-02T25:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-10-02T10:00:00.1234Z",
        "20261002T100000Z",
        "0001-01-01T00:00:00+01:00",
        "2026-10-02",
        "",
    ],
)
def test_other_instants_are_refused(text: str) -> None:
    """An instant without zone could be an hour wrong; a day that does not exist is nobody's."""
    obj = form()
    obj["envelope"]["occurredAt"] = text
    assert problems(obj)["envelope.occurredAt"] == "TIME"


@pytest.mark.parametrize("text", ["2026-02-30", "02/10/2026", "2026-1-1", "20261002", "2026-W40-5", ""])
def test_other_days_are_refused(text: str) -> None:
    """Days are year, month, day, and exist."""
    obj = form()
    obj["incidentDate"] = text
    assert problems(obj) == {"incidentDate": "TIME"}


@pytest.mark.parametrize("millis", [2**62, -(2**62)])
def test_an_instant_beyond_the_calendar_is_named(millis: int) -> None:
    """Bytes may hold any number; showing it as a time may not be possible."""
    datum = put(an_event(ENCOMPASS), "envelope.occurredAt", millis)
    with pytest.raises(EventInvalid) as caught:
        to_json(event_type(ENCOMPASS), datum)
    assert caught.value.problems[0].path == "envelope.occurredAt"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"\xff{}", RejectReason.TEXT_NOT_UTF8),
        ("{", RejectReason.UNDECODABLE),
        ("", RejectReason.UNDECODABLE),
        ('{"a": 1, "a": 2}', RejectReason.UNDECODABLE),
        ('{"a": NaN}', RejectReason.UNDECODABLE),
        ('{"a": -Infinity}', RejectReason.UNDECODABLE),
        ("[" * 100_000, RejectReason.UNDECODABLE),
        ("9" * 10_000, RejectReason.UNDECODABLE),
    ],
)
def test_unreadable_json_is_named(text: str | bytes, code: RejectReason) -> None:
    """Broken, ambiguous or hostile JSON text gets a reason and no stack overflow."""
    with pytest.raises(EventInvalid) as caught:
        read_json(text)
    assert caught.value.reason is code


def test_half_a_surrogate_pair_is_named() -> None:
    """JSON can spell text that no UTF-8 can hold."""
    obj = form()
    obj["note"] = json.loads('"\\ud83d"')
    assert problems(obj) == {"note": "TEXT_NOT_UTF8"}


def test_records_of_ours_have_a_json_form_too() -> None:
    """Bytes become Base64, times ISO 8601."""
    rejected = {
        "sourceTopic": "agency.a.outbox", "sourcePartition": 0, "sourceOffset": 7, "receivedAt": 0, "rejectedAt": 1,
        "reason": "EMPTY", "path": None, "explanation": "no value", "key": b"k", "value": None, "headers": [],
    }  # fmt: skip
    obj = record_to_json("rejected", rejected)
    assert obj["key"] == "aw=="
    assert obj["rejectedAt"] == "1970-01-01T00:00:00.001Z"
