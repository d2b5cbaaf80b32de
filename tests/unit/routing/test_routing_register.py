"""The relationship register: who is involved with a child, from one event to the next (R-04, R-05, I-06)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka import topics
from schemas.examples import new_event_id
from schemas.registry import load_event_types
from schemas.relationships import RelationshipKind
from streams.policy.artefact import compile_areas
from streams.policy.facts import EpochMillis, LocatorToken
from streams.policy.index import RuleSet
from streams.routing.register import Register, Relationship
from tests.events import NOW_MS, an_event, event_type
from tests.planned import PSEUDONYMS, Arrived, Desk, Planned, sent
from tests.unit.policy.builders import ABSENCE, AGENCIES, INCIDENT, TODAY, agency, allow, area

DAY = 86_400_000
CHILD = "9991002340"
OTHER_CHILD = "9995003465"
OFF_ROLL, STATUS, SEVERED = "education.off-roll", "social-care.status-changed", "identity.severed"
PUBLISHER = {
    "oak-school": ("SCHOOL", "URN", "990001"),
    "elm-school": ("SCHOOL", "URN", "990002"),
    "north-police": ("POLICE", "GSS", "E23000099"),
    "north-csc": ("LA_CSC", "GSS", "E10000099"),
    "north-ids": ("IDENTITY_SERVICE", "LOCAL", "NORTH-IDS"),
}
TO_SCHOOL = allow("to-school", "dsl", "child.school")
TO_TEAM = allow("to-team", "front-door", "child.allocatedTeam")


@cache
def rules() -> RuleSet:
    """Incidents reach the child's school and the allocated team; what declares is decided as well."""
    identity = agency("north-ids", category="IDENTITY_SERVICE")
    projections = {"name-only": {"reason": "who", "common": ["envelope.child.name"]}}
    nobody_instead = {"responsibleOfficerRole": None}
    made = area([TO_SCHOOL, TO_TEAM], agencies=[*AGENCIES, identity], projections=projections, spec=nobody_instead)
    artefact = compile_areas([made], load_event_types(), TODAY)
    return RuleSet.build(artefact, load_event_types(), lambda s, c: LocatorToken(PSEUDONYMS.locator(s, c)))


class Slot:
    """One router slot, to which agencies publish one event after the other."""

    def __init__(self, desk: Desk | None = None) -> None:
        self.desk = desk or Desk(rules())
        self.sent = 0

    def event(self, name: str, by: str, *, now: int = NOW_MS, **changes: Any) -> Arrived:
        self.sent += 1
        category, scheme, code = PUBLISHER[by]
        given = {
            "envelope__masaId": "north",
            "envelope__sourceOrg__category": category,
            "envelope__sourceOrg__scheme": scheme,
            "envelope__sourceOrg__id": code,
            "envelope__child__nhsNumber": CHILD,
            "envelope__settings__schoolUrn": None,
            **changes,
        }
        datum = an_event(name, **given)
        datum["envelope"]["eventId"] = new_event_id(NOW_MS, self.sent)
        for field in ("occurredAt", "recordedAt", "publishedAt"):
            datum["envelope"][field] += now - NOW_MS
        return sent(event_type(name), datum, agency=by, offset=self.sent, at=now)

    def plan(self, name: str, by: str, *, now: int = NOW_MS, commit: bool = True, **changes: Any) -> Planned:
        return self.desk.plan([self.event(name, by, now=now, **changes)], now=now, commit=commit)

    def told(self, *, now: int = NOW_MS, **changes: Any) -> list[str]:
        """Who receives a police incident that names no school."""
        return [each.agency for each in self.incident(now=now, **changes).deliveries]

    def incident(self, *, now: int = NOW_MS, **changes: Any) -> Planned:
        given = {"envelope__legalGateway": "S16LA", **changes}
        return self.plan(INCIDENT, "north-police", now=now, **given)


def records(planned: Planned) -> list[tuple[bytes, dict[str, Any] | None]]:
    found = []
    for _, value, key, headers in planned.to(topics.RELATIONSHIPS):
        assert isinstance(key, bytes)
        assert headers is None
        found.append((key, None if value is None else json.loads(value)))
    return found


def test_a_school_that_says_something_of_its_pupil_is_found_for_the_next_event() -> None:
    """The incident names no school; the one that published an absence is told, and every record says why."""
    slot = Slot()
    assert slot.told() == []
    slot.plan(ABSENCE, "oak-school")
    planned = slot.incident()
    assert [each.agency for each in planned.deliveries] == ["oak-school"]
    (audit,) = planned.audits
    assert audit["inputs"]["registered"] == ["school"]
    assert audit["inputs"]["school"] == PSEUDONYMS.locator("URN", "990001")
    (outcome,) = [each for each in audit["outcomes"] if each["agency"] == "oak-school"]
    assert outcome["reasons"] == ["ALLOWED", "RELATIONSHIP_REGISTER"]


def test_an_event_that_names_its_school_does_not_ask() -> None:
    """What the event says comes first (R-04)."""
    slot = Slot()
    slot.plan(ABSENCE, "oak-school")
    named = slot.incident(envelope__settings__schoolUrn="990002")
    assert [each.agency for each in named.deliveries] == ["elm-school"]
    assert named.audits[0]["inputs"]["registered"] == []


def test_a_record_can_be_turned_into_nothing() -> None:
    """Key and token are keyed pseudonyms; no code, no identifier, not even the subject key of the audit stream."""
    planned = Slot().plan(ABSENCE, "oak-school")
    ((key, value),) = records(planned)
    assert value is not None
    assert set(value) == {"kind", "token", "until", "event"}
    assert (value["kind"], value["token"]) == ("school", PSEUDONYMS.locator("URN", "990001"))
    told = key + json.dumps(value).encode()
    subject = planned.audits[0]["inputs"]["subject"]
    for secret in (b"990001", CHILD.encode(), subject.encode(), bytes.fromhex(subject)):
        assert secret not in told


def test_it_counts_within_the_batch_and_is_taken_back_with_it() -> None:
    """An enrolment and an incident in one batch; the batch fails, and nothing of it is remembered."""
    slot = Slot()
    both = [slot.event(ABSENCE, "oak-school"), slot.event(INCIDENT, "north-police", envelope__legalGateway="S16LA")]
    assert [each.agency for each in slot.desk.plan(both, commit=False).deliveries] == ["oak-school"]
    assert slot.told() == []


def test_another_slot_learns_it_from_the_topic() -> None:
    """The records are all there is: a slot that reads them finds the same."""
    here, there = Slot(), Slot()
    planned = here.plan(ABSENCE, "oak-school")
    there.desk.planner.register.take(
        ((key, value) for _, value, key, _ in planned.to(topics.RELATIONSHIPS) if isinstance(key, bytes)),
        EpochMillis(NOW_MS),
    )
    assert there.told() == ["oak-school"]


def test_a_relationship_expires() -> None:
    """A year after the last event that declared it."""
    slot = Slot()
    slot.plan(ABSENCE, "oak-school")
    assert slot.incident(now=NOW_MS + 363 * DAY).audits[0]["inputs"]["registered"] == ["school"]
    assert slot.incident(now=NOW_MS + 365 * DAY).audits[0]["inputs"]["registered"] == []


def test_it_is_written_again_only_when_it_then_lives_longer() -> None:
    """A school that publishes daily writes once a week; the next one replaces it; old news changes nothing."""
    slot = Slot()
    assert len(records(slot.plan(ABSENCE, "oak-school"))) == 1
    assert records(slot.plan(ABSENCE, "oak-school", now=NOW_MS + DAY)) == []
    assert len(records(slot.plan(ABSENCE, "oak-school", now=NOW_MS + 8 * DAY))) == 1
    assert records(slot.plan(ABSENCE, "elm-school")) == []
    assert len(records(slot.plan(ABSENCE, "elm-school", now=NOW_MS + 9 * DAY))) == 1
    assert slot.told(now=NOW_MS + 9 * DAY) == ["elm-school"]


def test_a_school_ends_only_its_own_relationship() -> None:
    """Off roll at the old school, after the new one is known, leaves the new one; the pupil's own school ends it."""
    slot = Slot()
    slot.plan(ABSENCE, "elm-school")
    slot.plan(OFF_ROLL, "oak-school")
    assert slot.told() == ["elm-school"]
    assert records(slot.plan(OFF_ROLL, "elm-school"))[0][1] is None
    assert slot.told() == []


def test_the_team_with_the_case_is_known_until_the_case_closes() -> None:
    """A plan that ends leaves a child in need; when that ends, the case is closed. A move of authority ends it too."""
    slot = Slot()
    slot.plan(STATUS, "north-csc", status="CPP", change="STARTED")
    assert slot.told() == ["north-csc"]
    slot.plan(STATUS, "north-csc", status="CPP", change="ENDED")
    assert slot.told(envelope__addressProtection="PLACEMENT") == ["north-csc"]
    slot.plan(STATUS, "north-csc", status="CIN", change="ENDED")
    assert slot.told() == []
    slot.plan(STATUS, "north-csc", status="CLA", change="STARTED")
    slot.plan(STATUS, "north-csc", status="CLA", change="RESPONSIBLE_AUTHORITY_CHANGED")
    assert slot.told() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"envelope__addressProtection": "PROTECTED"},
        {"envelope__handling__restricted": True},
        {"envelope__matchStatus": "POTENTIAL_MATCH"},
    ],
)
def test_the_register_is_not_asked(changes: dict[str, Any]) -> None:
    """A protected child (P-02), the restricted lane (P-08), a match in doubt (I-04)."""
    slot = Slot()
    slot.plan(ABSENCE, "oak-school")
    assert slot.incident(**changes).audits[0]["inputs"]["registered"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"envelope__addressProtection": "PROTECTED"},
        {"envelope__handling__restricted": True},
        {"envelope__handling__sensitiveService": True},
        {"envelope__matchStatus": "POTENTIAL_MATCH"},
    ],
)
def test_nothing_is_declared(changes: dict[str, Any]) -> None:
    """By an event of a protected child, of the restricted lane, of a sensitive service, of perhaps another child."""
    assert records(Slot().plan(ABSENCE, "oak-school", **changes)) == []


def test_who_says_that_a_child_is_protected_makes_the_register_forget_where_it_is() -> None:
    """School, GP and health visitor of before may be dangerous now; the team with the case is an authority's."""
    slot = Slot()
    slot.plan(ABSENCE, "oak-school")
    slot.plan(STATUS, "north-csc", status="CIN", change="STARTED")
    assert slot.told() == ["north-csc", "oak-school"]
    assert [value for _, value in records(slot.incident(envelope__addressProtection="PROTECTED"))] == [None]
    assert slot.told() == ["north-csc"]


def test_a_severed_identity_loses_every_relationship_and_nobody_elses() -> None:
    """By the identifier that the event says is over (I-06); nothing links it to another."""
    slot = Slot()
    for child in (CHILD, OTHER_CHILD):
        slot.plan(ABSENCE, "oak-school", envelope__child__nhsNumber=child)
        slot.plan(STATUS, "north-csc", status="CIN", change="STARTED", envelope__child__nhsNumber=child)
    over = slot.plan(SEVERED, "north-ids", severedNhsNumber=CHILD, severedUpn=None)
    assert [value for _, value in records(over)] == [None, None]
    assert slot.told() == []
    assert slot.told(envelope__child__nhsNumber=OTHER_CHILD) == ["north-csc", "oak-school"]


def test_what_is_held_or_refused_declares_nothing() -> None:
    """Only decided events count: without rules everything waits; a spoof is rejected."""
    held = Slot(Desk(None)).plan(ABSENCE, "oak-school")
    spoofed = Slot().plan(ABSENCE, "oak-school", envelope__sourceOrg__id="990002")
    assert (held.audits[0]["kind"], records(held)) == ("HELD", [])
    assert (spoofed.audits[0]["kind"], records(spoofed)) == ("REJECTED", [])


KEY = b"k" * 16
GOOD = Relationship(RelationshipKind.GP, LocatorToken("0" * 32), EpochMillis(NOW_MS + DAY), "e").value()


def test_what_is_known_follows_the_topic() -> None:
    """The last word on each key; a tombstone and an expired word end it; a sweep forgets what expired since."""
    register, now = Register(), EpochMillis(NOW_MS)
    register.take([(KEY, GOOD)], now)
    assert register.known(KEY, now) == ("0" * 32, NOW_MS + DAY)
    assert register.known(KEY, EpochMillis(NOW_MS + DAY)) is None
    assert (register.sweep(now), register.sweep(EpochMillis(NOW_MS + DAY)), len(register)) == (0, 1, 0)
    register.take([(KEY, GOOD), (KEY, None)], now)
    assert register.known(KEY, now) is None
    register.take([(KEY, GOOD)], EpochMillis(NOW_MS + 2 * DAY))
    assert len(register) == 0


def test_a_full_register_takes_no_more_and_says_so() -> None:
    """A flood cannot end the router; what is known stays, and may still change."""
    register, now = Register(limit=1), EpochMillis(NOW_MS)
    register.take([(KEY, GOOD), (b"l" * 16, GOOD), (KEY, GOOD)], now)
    assert (len(register), register.refused) == (1, 1)


@given(st.binary(max_size=40) | st.none(), st.binary(max_size=60) | st.from_type(type(None)))
def test_no_record_can_stop_it(key: bytes | None, value: bytes | None) -> None:
    """Whatever stands on the topic is refused by count and changes nothing."""
    register = Register()
    register.take([(key, value), (KEY, value), (KEY, b'{"token":1,"until":"x"}')], EpochMillis(NOW_MS))
    assert len(register) == 0
    assert register.refused >= 1
