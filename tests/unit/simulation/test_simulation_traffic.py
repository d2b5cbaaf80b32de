"""Seeded traffic of an area."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import islice

import pytest

from schemas.codec import encode_event
from schemas.registry import load_event_types
from schemas.validation import validate
from streams.simulation.agencies import Roster
from streams.simulation.sources import OF_THE_EXCHANGE
from streams.simulation.traffic import Kind, SimulatedEvent, Traffic
from tests.unit.simulation.area import NOW_MS, WEEK_MS, agencies, traffic


@cache
def week() -> tuple[SimulatedEvent, ...]:
    """A week with thirty times its natural traffic."""
    return tuple(traffic().spread(6_000, NOW_MS - WEEK_MS, NOW_MS))


def envelope(event: SimulatedEvent) -> dict[str, object]:
    made: dict[str, object] = event.datum["envelope"]
    return made


def test_every_event_type_comes_about() -> None:
    """All types of the catalogue are in a busy week, but those that the exchange alone publishes."""
    assert {event.event_type.name for event in week()} == set(load_event_types()) - OF_THE_EXCHANGE


def test_every_event_is_valid_and_can_be_encoded() -> None:
    """Nothing that the simulation calls good is refused."""
    for event in week():
        assert validate(event.event_type, event.datum, received_at_ms=event.at_ms) == []
        assert encode_event(event.event_type, event.datum)


def test_every_kind_comes_about() -> None:
    """New, updated, late, retried and about an earlier event."""
    counts = Counter(event.kind for event in week())
    assert set(counts) == set(Kind)
    assert counts[Kind.NEW] > counts.total() / 2


def test_a_retry_has_the_id_and_content_of_an_event_before_it() -> None:
    """Byte for byte, so that the exchange recognises it."""
    seen: dict[object, bytes] = {}
    retries = 0
    for event in week():
        identity, encoded = envelope(event)["eventId"], encode_event(event.event_type, event.datum)
        if event.kind is Kind.RETRY:
            assert seen[identity] == encoded
            retries += 1
        else:
            assert identity not in seen
        seen[identity] = encoded
    assert retries > 50


def test_an_update_is_the_next_in_its_records_sequence() -> None:
    """Sequences count up by one per source record and never fork (E-10)."""
    latest: dict[tuple[str, object], int] = {}
    for event in week():
        if event.kind is Kind.RETRY:
            continue
        said = envelope(event)
        record = (event.agency.id, said["sourceRef"])
        assert said["sequence"] == latest.get(record, 0) + 1
        latest[record] = latest.get(record, 0) + 1
    assert max(latest.values()) > 2


def test_an_update_is_about_the_same_child() -> None:
    """Whatever changed, the agency's own number of the child stays."""
    children: dict[object, object] = {}
    for event in week():
        said = envelope(event)
        child = said["child"]
        assert isinstance(child, dict)
        assert children.setdefault(said["sourceRef"], child["localRef"]) == child["localRef"]


def test_a_late_event_occurred_days_before_it_is_published() -> None:
    """At least two days."""
    late = [event for event in week() if event.kind is Kind.LATE and event.datum["envelope"]["child"]["dateOfBirth"]]
    assert late
    two_days = 2 * 24 * 3_600_000
    assert all(event.at_ms - event.datum["envelope"]["occurredAt"] >= two_days for event in late)


def test_an_event_about_another_names_one_that_was_published() -> None:
    """Corrections name the publisher's own event, acknowledgements another agency's."""
    publisher_of: dict[object, str] = {}
    corrections = acknowledgements = 0
    for event in week():
        said = envelope(event)
        publisher_of[said["eventId"]] = event.agency.id
        target = publisher_of.get(said["supersedes"])
        if target is not None and event.event_type.name == "control.correction":
            assert target == event.agency.id
            corrections += 1
        if target is not None and event.event_type.name == "control.acknowledgement":
            assert target != event.agency.id
            acknowledgements += 1
    assert corrections > 0
    assert acknowledgements > 50


def test_publishers_speak_in_their_own_name() -> None:
    """Category, code and area are the agency's; every named recipient exists and is not the publisher."""
    known = {agency.id for agency in agencies()}
    for event in week():
        said = event.datum["envelope"]
        source = said["sourceOrg"]
        assert source["category"] == event.agency.category
        assert source["id"] is None or (source["scheme"], source["id"]) in event.agency.identifiers
        assert said["masaId"] == event.agency.area
        assert event.agency.category in event.event_type.publishers
        for each in (*(said["proposedRecipients"] or ()), *(said["excludeRecipients"] or ())):
            assert each["agency"] in known
        assert all(each["agency"] != event.agency.id for each in said["proposedRecipients"] or ())


def test_judgements_exclusions_and_handling_marks_come_about() -> None:
    """Explicit and withheld recipients, conflicts, sealed records and sensitive services."""
    said = [event.datum["envelope"] for event in week()]
    judgements = {each["judgement"] for e in said for each in e["proposedRecipients"] or ()}
    assert judgements == {"CONFIRMED", "WITHHELD"}
    assert any(e["excludeRecipients"] for e in said)
    for mark in ("restricted", "sensitiveService", "doNotDiscloseToSubject"):
        assert any(e["handling"][mark] for e in said)
    assert {e["addressProtection"] for e in said} == {"NONE", "PROTECTED", "REFUGE", "PLACEMENT"}


def test_health_mostly_knows_the_nhs_number_and_police_mostly_do_not() -> None:
    """Publishing is never blocked by a missing identifier (I-01)."""

    def share(category: str) -> float:
        found = [e.datum["envelope"]["child"]["nhsNumber"] for e in week() if e.agency.category == category]
        return sum(number is not None for number in found) / len(found)

    assert share("GP") > 0.8
    assert share("POLICE") < 0.35


def test_a_severed_identity_says_nothing_else_about_the_child() -> None:
    """No name, no date of birth, no setting: nothing that could link old to new (I-06)."""
    severed = [event.datum["envelope"] for event in week() if event.event_type.name == "identity.severed"]
    assert severed
    for said in severed:
        filled = {name for name, value in said["child"].items() if value not in (None, False)}
        assert filled <= {"nhsNumber"}
        assert set(said["settings"].values()) == {None}


def test_natural_traffic_has_about_the_weekly_figure() -> None:
    """As many events in a week as the rates of the area's agencies promise."""
    made = traffic()
    promised = sum(made.mix.rate_at(NOW_MS + hour * 3_600_000) for hour in range(168))
    count = 0
    for event in made.natural(NOW_MS):
        if event.at_ms >= NOW_MS + WEEK_MS:
            break
        count += 1
    assert count == pytest.approx(promised, rel=0.25)


def test_a_composed_event_is_of_the_type_and_agency_asked_for() -> None:
    """None when the area has no such agency."""
    made = traffic()
    event = made.compose("dv.marac-referral", NOW_MS, lambda agency: agency.channel == "gateway")
    assert event is not None
    assert (event.event_type.name, event.agency.channel) == ("dv.marac-referral", "gateway")
    assert made.compose("dv.marac-referral", NOW_MS, lambda agency: False) is None


def test_traffic_needs_only_the_agencies_there_are() -> None:
    """One school alone is simulated too; no agency at all is an error."""
    school = next(agency for agency in agencies() if agency.id == "low-primary")
    alone = Traffic([school], load_event_types(), 1, households=30)
    for event in islice(alone.events([NOW_MS] * 200), 200):
        assert validate(event.event_type, event.datum, received_at_ms=NOW_MS) == []
    with pytest.raises(ValueError) as raised:
        Roster([])
    assert "no agencies" in str(raised.value)
