"""Every rule of validation: one change to a valid event, one named problem."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import FieldProblem
from schemas.examples import example
from schemas.registry import load_event_types
from schemas.validation import validate
from tests.events import EVENT_ID, NOW_MS, an_event, at, event_type, put

ENCOMPASS = "police.domestic-abuse-incident"
MOVED = "housing.household-moved"
LADO = "lado.allegation"
MINUTE_MS, DAY_MS = 60_000, 86_400_000
TODAY = NOW_MS // DAY_MS


def judgement(**changes: Any) -> dict[str, Any]:
    whole = {
        "agency": "northshire-csc", "role": None, "judgement": "CONFIRMED", "ground": None,
        "decidedBy": "NAMED_DECISION_MAKER", "reasonDigest": None, "reviewOn": None,
    }  # fmt: skip
    return whole | changes


def problems(type_name: str, *changes: tuple[str, Any], **options: Any) -> list[FieldProblem]:
    datum = an_event(type_name)
    for path, value in changes:
        put(datum, path, value)
    return validate(event_type(type_name), datum, received_at_ms=NOW_MS, **options)


@pytest.mark.parametrize("name", list(load_event_types()))
def test_every_example_is_valid(name: str) -> None:
    """What `masa schemas example` prints can be published as it is."""
    assert validate(event_type(name), an_event(name), received_at_ms=NOW_MS) == []


E = "envelope."
ONE_CHANGE = [
    # shape
    (ENCOMPASS, E + "urgency", "SOON", E + "urgency", "UNKNOWN_ENUM"),
    (ENCOMPASS, E + "sequence", "1", E + "sequence", "TYPE_MISMATCH"),
    (ENCOMPASS, E + "masaId", None, E + "masaId", "REQUIRED_FIELD"),
    # the schema is named
    (ENCOMPASS, E + "eventType", "early-help.episode", E + "eventType", "UNKNOWN_SCHEMA"),
    (ENCOMPASS, E + "schemaVersion", 99, E + "schemaVersion", "UNKNOWN_SCHEMA"),
    (ENCOMPASS, E + "schemaVersion", 0, E + "schemaVersion", "UNKNOWN_SCHEMA"),
    # stated
    (ENCOMPASS, E + "purpose", "UNKNOWN", E + "purpose", "REQUIRED_FIELD"),
    (ENCOMPASS, E + "urgency", "UNKNOWN", E + "urgency", "REQUIRED_FIELD"),
    (ENCOMPASS, E + "dpRegime", "UNKNOWN", E + "dpRegime", "REQUIRED_FIELD"),
    (ENCOMPASS, E + "addressProtection", "UNKNOWN", E + "addressProtection", "REQUIRED_FIELD"),
    (ENCOMPASS, E + "sourceOrg.category", "UNKNOWN", E + "sourceOrg.category", "REQUIRED_FIELD"),
    (ENCOMPASS, "incidentDate", None, "incidentDate", "REQUIRED_FIELD"),
    ("health.ed-attendance-concern", "codedConcerns", [], "codedConcerns", "REQUIRED_FIELD"),
    # legal basis and publisher
    (ENCOMPASS, E + "legalGateway", "UNKNOWN", E + "legalGateway", "GATEWAY_MISSING"),
    (ENCOMPASS, E + "legalGateway", "S213B_HOUSING", E + "legalGateway", "GATEWAY_NOT_PERMITTED"),
    (ENCOMPASS, E + "settings.schoolUrn", None, E + "settings.schoolUrn", "GATEWAY_CONDITIONS"),
    (ENCOMPASS, E + "purpose", "HOUSING_DUTY", E + "purpose", "GATEWAY_CONDITIONS"),
    ("education.absence-concern", E + "dpRegime", "DPA_PART3", E + "dpRegime", "GATEWAY_CONDITIONS"),
    (ENCOMPASS, E + "sourceOrg.category", "SCHOOL", E + "sourceOrg.category", "PUBLISHER_NOT_PERMITTED"),
    # the setting of the accused is named, or the exchange could not keep the event from it (P-16)
    (LADO, E + "settings.accusedSettingUrn", None, E + "settings.accusedSettingUrn", "REQUIRED_FIELD"),
    # identifiers
    (LADO, E + "settings.accusedSettingUrn", "EY9", E + "settings.accusedSettingUrn", "IDENTIFIER"),
    (ENCOMPASS, E + "eventId", "1", E + "eventId", "IDENTIFIER"),
    (ENCOMPASS, E + "masaId", "North Shire", E + "masaId", "IDENTIFIER"),
    (ENCOMPASS, E + "sourceOrg.id", "Northshire", E + "sourceOrg.id", "IDENTIFIER"),
    (ENCOMPASS, E + "area.gss", "X99999999", E + "area.gss", "IDENTIFIER"),
    (ENCOMPASS, E + "child.nhsNumber", "1234567890", E + "child.nhsNumber", "IDENTIFIER"),
    (ENCOMPASS, E + "child.upn", "A801200005001", E + "child.upn", "IDENTIFIER"),
    (ENCOMPASS, E + "settings.schoolUrn", "12345", E + "settings.schoolUrn", "IDENTIFIER"),
    (ENCOMPASS, E + "settings.gpOds", "z99001", E + "settings.gpOds", "IDENTIFIER"),
    (ENCOMPASS, E + "supersedes", "that one", E + "supersedes", "IDENTIFIER"),
    (ENCOMPASS, E + "contact.phone", "ring", E + "contact.phone", "IDENTIFIER"),
    # lengths
    (ENCOMPASS, "note", "x" * 2001, "note", "TEXT_TOO_LONG"),
    (ENCOMPASS, E + "child.name", "x" * 201, E + "child.name", "TEXT_TOO_LONG"),
    (ENCOMPASS, E + "child.nhsNumber", "9" * 11, E + "child.nhsNumber", "TEXT_TOO_LONG"),
    # times
    (ENCOMPASS, E + "occurredAt", NOW_MS + 1, E + "recordedAt", "TIME"),
    (ENCOMPASS, E + "recordedAt", NOW_MS + 1, E + "publishedAt", "TIME"),
    (ENCOMPASS, E + "publishedAt", NOW_MS + 6 * MINUTE_MS, E + "publishedAt", "TIME"),
    (ENCOMPASS, E + "occurredAt", -3_000_000_000_000, E + "occurredAt", "TIME"),
    (ENCOMPASS, "incidentDate", 900_000, "incidentDate", "TIME"),
    ("health.ed-attendance-concern", "arrivalAt", 2**60, "arrivalAt", "TIME"),
    (ENCOMPASS, E + "child.dateOfBirth", TODAY + 2, E + "child.dateOfBirth", "TIME"),
    (ENCOMPASS, E + "child.dateOfBirth", TODAY - 27 * 366, E + "child.dateOfBirth", "TIME"),
    (ENCOMPASS, E + "child.expectedDeliveryDate", TODAY + 60, E + "child.expectedDeliveryDate", "TIME"),
    # judgements
    (ENCOMPASS, E + "proposedRecipients", [judgement(judgement="WITHHELD")], E + "proposedRecipients[0].ground",
     "REQUIRED_FIELD"),
    (ENCOMPASS, E + "proposedRecipients", [judgement(judgement="WITHHELD", ground="UNKNOWN")],
     E + "proposedRecipients[0].ground", "REQUIRED_FIELD"),
    (ENCOMPASS, E + "proposedRecipients", [judgement(), judgement(agency=None)], E + "proposedRecipients[1]",
     "REQUIRED_FIELD"),
    (ENCOMPASS, E + "proposedRecipients", [judgement(judgement="UNKNOWN")], E + "proposedRecipients[0].judgement",
     "REQUIRED_FIELD"),
    (ENCOMPASS, E + "proposedRecipients", [judgement(agency="Not An Id")], E + "proposedRecipients[0].agency",
     "IDENTIFIER"),
    (ENCOMPASS, E + "proposedRecipients", [judgement(reviewOn=2**31 - 1)], E + "proposedRecipients[0].reviewOn",
     "TIME"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path", "value", "where", "code"), ONE_CHANGE)
def test_one_mistake_gives_one_problem(name: str, path: str, value: Any, where: str, code: str) -> None:
    """The problem names the reason and the path, says what would be right, and does not repeat the value."""
    found = problems(name, (path, value))
    assert [(p.path, p.code.value) for p in found] == [(where, code)]
    assert found[0].expected
    if isinstance(value, str) and value not in ("UNKNOWN", "1"):
        assert value not in str(found[0])


def test_an_unborn_child_has_an_expected_date_only() -> None:
    """With the date of birth empty an expected date of delivery is right, within a pregnancy's reach."""
    unborn = (E + "child.dateOfBirth", None)
    assert problems(ENCOMPASS, unborn, (E + "child.expectedDeliveryDate", TODAY + 60)) == []
    for days in (-60, 400):
        [problem] = problems(ENCOMPASS, unborn, (E + "child.expectedDeliveryDate", TODAY + days))
        assert problem.path == "envelope.child.expectedDeliveryDate"


def test_a_missing_identifier_never_holds_an_event_back() -> None:
    """No NHS number, UPN, name or date of birth: still publishable (s16LC(8))."""
    fields = ("localRef", "nhsNumber", "upn", "name", "dateOfBirth")
    assert problems(ENCOMPASS, *[(E + "child." + field, None) for field in fields]) == []


def test_a_child_born_today_is_a_child() -> None:
    """The boundary of the date of birth, and that of a care leaver."""
    assert problems(ENCOMPASS, (E + "child.dateOfBirth", TODAY)) == []
    assert problems(ENCOMPASS, (E + "child.dateOfBirth", TODAY - 26 * 365)) == []


def test_a_publishers_clock_may_run_a_little_ahead() -> None:
    """Five minutes of skew are not a mistake."""
    assert problems(ENCOMPASS, (E + "publishedAt", NOW_MS + 5 * MINUTE_MS)) == []


def test_test_numbers_are_refused_in_production() -> None:
    """The example's NHS number is of the test range: right here, wrong in production."""
    [problem] = problems(ENCOMPASS, allow_synthetic=False)
    assert (problem.path, problem.code) == ("envelope.child.nhsNumber", "IDENTIFIER")


def refuge(**changes: Any) -> list[str]:
    datum = an_event(MOVED, **{"envelope__addressProtection": "REFUGE", "newAddress": None, "note": None, **changes})
    found = validate(event_type(MOVED), datum, received_at_ms=NOW_MS)
    return [p.path for p in found if p.code.value == "REFUGE_ADDRESS"]


def test_a_refuge_has_no_address() -> None:
    """Any part of an address beside REFUGE is refused (P-03); without one the event passes."""
    assert refuge() == []
    assert refuge(newAddress__line1="4 Elm Street") == ["newAddress.line1"]
    assert refuge(newAddress__postcode="ZZ9 9ZZ") == ["newAddress.postcode"]
    assert refuge(newAddress__uprn="100000000001") == ["newAddress.uprn"]


def test_a_refuge_has_no_address_inside_a_text_either() -> None:
    """A postcode written into the note is found; the same note passes when there is no refuge."""
    text = "They are safe near ZZ9 9ZZ."
    assert refuge(note=text) == ["note"]
    assert refuge(envelope__safeContact__byWhom="the office at zz9 9zz") == ["envelope.safeContact.byWhom"]
    assert refuge(note="They are safe.") == []
    assert problems(MOVED, ("note", text)) == []


def test_the_housing_duty_needs_consent_and_a_chosen_authority() -> None:
    """S213B: both fields, or GATEWAY_CONDITIONS (L-05)."""
    kind = event_type("housing.homelessness-risk")
    datum = an_event(kind, envelope__legalGateway="S213B_HOUSING", consentEvidence="UNKNOWN", chosenAuthority=None)
    found = validate(kind, datum, received_at_ms=NOW_MS)
    assert {(p.path, p.code.value) for p in found} == {
        ("consentEvidence", "GATEWAY_CONDITIONS"),
        ("chosenAuthority", "GATEWAY_CONDITIONS"),
    }


def test_all_problems_come_at_once() -> None:
    """A publisher learns of every mistake in one answer."""
    found = problems(ENCOMPASS, (E + "child.nhsNumber", "1"), (E + "legalGateway", "UNKNOWN"), ("note", "x" * 3000))
    assert {p.path for p in found} == {"envelope.child.nhsNumber", "envelope.legalGateway", "note"}


@pytest.mark.parametrize("name", list(load_event_types()))
def test_every_required_field_is_missed(name: str) -> None:
    """Each path of the catalogue's `requires` is reported when it is empty."""
    kind = event_type(name)
    for path in kind.requires:
        datum = example(kind, now_ms=NOW_MS, event_id=EVENT_ID, overrides={path: None})
        assert at(datum, path) is None
        found = validate(kind, datum, received_at_ms=NOW_MS)
        assert (path, "REQUIRED_FIELD") in {(p.path, p.code.value) for p in found}


@pytest.mark.parametrize("scheme", ["URN", "OFSTED_URN"])
@pytest.mark.parametrize("accused", [None, ""])
def test_an_allegation_in_a_setting_with_a_urn_names_the_setting_it_is_kept_from(scheme: str, accused: Any) -> None:
    """P-16: the payload names it by a kind of URN, so the envelope can, and must."""
    path = "envelope.settings.accusedSettingUrn"
    found = problems(LADO, ("settingScheme", scheme), (path, accused))
    assert (path, "REQUIRED_FIELD") in [(each.path, each.code) for each in found]


@pytest.mark.parametrize("scheme", [None, "UNKNOWN", "ODS", "LOCAL", "CHARITY"])
def test_an_allegation_in_a_setting_without_a_urn_needs_none(scheme: str | None) -> None:
    """A foster home, a hospital, a club."""
    assert problems(LADO, ("settingScheme", scheme), ("envelope.settings.accusedSettingUrn", None)) == []


@pytest.mark.parametrize("code", ["990001", "EY990001", "SC990101", "2599001"])
def test_an_accused_setting_is_named_by_either_kind_of_urn(code: str) -> None:
    """A school's, a nursery's, a children's home's."""
    assert problems(LADO, ("envelope.settings.accusedSettingUrn", code)) == []
