"""A stop holds some recipients of an event; once it is lifted they are decided on anew, and they alone (R-10)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from schemas.acceleration import acceleration
from schemas.registry import load_event_types
from streams.cli.queues import put_back_record
from streams.cli.releasing import marked_for_release
from streams.policy.artefact import compile_areas
from streams.policy.facts import AgencyId, EpochMillis, LocatorToken
from streams.policy.index import RuleSet
from streams.policy.stops import Stop, StopId
from streams.routing.release import RELEASE_HEADER
from streams.routing.repeats import Window
from tests import planned
from tests.events import an_event, event_type
from tests.planned import PSEUDONYMS, Arrived, Planned, sent
from tests.unit.policy.builders import INCIDENT, TODAY, allow, area


@cache
def rules() -> RuleSet:
    """The front door and the school hear of an incident."""
    projections = {"name-only": {"reason": "who", "common": ["envelope.child.name"]}}
    made = area(
        [allow("to-front-door", "front-door", "child.homeAuthority"), allow("to-school", "dsl", "child.school")],
        projections=projections,
    )
    artefact = compile_areas([made], load_event_types(), TODAY)
    return RuleSet.build(artefact, load_event_types(), lambda s, c: LocatorToken(PSEUDONYMS.locator(s, c)))


def stopped(**parts: Any) -> RuleSet:
    return rules().with_stops([Stop(id=StopId("s1"), reason="-", by="-", since=EpochMillis(0), **parts)])


def a_desk(rules: RuleSet | None) -> planned.Desk:
    """With the compiled lane where it is built: it must leave every release to the plain way."""
    return planned.Desk(rules, acceleration())


SCHOOL_STOPPED = {"agency": AgencyId("oak-school")}


def incident(offset: int = 0, *, match: str = "MATCH", school: str = "990001") -> Arrived:
    datum = an_event(
        INCIDENT,
        envelope__masaId="north",
        envelope__sourceOrg__id="E23000099",
        envelope__legalGateway="S16LA",
        envelope__settings__schoolUrn=school,
        envelope__matchStatus=match,
    )
    return sent(event_type(INCIDENT), datum, agency="north-police", offset=offset)


def released(held: Planned, offset: int) -> Arrived:
    """The held record as `masa held release` puts it back."""
    (kept,) = held.held
    return Arrived(put_back_record(marked_for_release(kept, PSEUDONYMS)), offset)


def told(planned: Planned) -> list[str]:
    return [each.agency for each in planned.deliveries]


def test_after_the_stop_only_those_who_waited_receive_it() -> None:
    """The front door had it at once; the school gets it now, with one record that says who was decided on."""
    desk = a_desk(stopped(**SCHOOL_STOPPED))
    held = desk.plan([incident()])
    assert told(held) == ["north-csc"]
    assert held.held[0]["reasons"] == ["SHARING_STOPPED"]
    desk.planner.use(rules())
    later = desk.plan([released(held, 1)])
    assert told(later) == ["oak-school"]
    (audit,) = later.audits
    assert (audit["kind"], audit["inputs"]["released"]) == ("DECIDED", ["oak-school"])
    assert [each["agency"] for each in audit["outcomes"]] == ["oak-school"]


def test_a_held_record_is_released_once() -> None:
    """Who releases it twice, also after a restart, delivers once."""
    desk = a_desk(stopped(event_type=INCIDENT))
    held = desk.plan([incident()])
    assert told(held) == []
    desk.planner.use(rules())
    first = released(held, 1)
    assert told(desk.plan([first])) == ["north-csc", "oak-school"]
    again = desk.plan([released(held, 2)])
    assert (again.audits[0]["kind"], again.audits[0]["firstSeen"]["offset"]) == ("REPEATED", 1)
    restarted, window = a_desk(rules()), Window()
    restarted.planner.rebuild(window, [incident(), first])
    restarted.own(incident().topic(), window)
    assert restarted.plan([released(held, 3)]).audits[0]["kind"] == "REPEATED"


def test_what_still_waits_waits_on_and_can_be_released_later() -> None:
    """The stop is still in force: held anew at the new position, with the same recipients; then it is lifted."""
    desk = a_desk(stopped(**SCHOOL_STOPPED))
    held = desk.plan([incident()])
    still = desk.plan([released(held, 1)])
    assert (told(still), still.held[0]["agencies"]) == ([], ["oak-school"])
    desk.planner.use(rules())
    assert told(desk.plan([released(still, 2)])) == ["oak-school"]


def test_a_release_that_is_held_as_a_whole_stays_one() -> None:
    """No rules when it came: what waits as a whole is the release, and it goes to nobody else afterwards."""
    desk = a_desk(stopped(**SCHOOL_STOPPED))
    held = desk.plan([incident()])
    desk.planner.use(None)
    whole = desk.plan([released(held, 1)])
    assert whole.held[0]["whole"]
    desk.planner.use(rules())
    assert told(desk.plan([released(whole, 2)])) == ["oak-school"]


def test_nobody_who_waited_is_entitled_any_more() -> None:
    """A person is alarmed, as with any event for nobody."""
    desk = a_desk(stopped(**SCHOOL_STOPPED))
    held = desk.plan([incident()])
    fewer = area(
        [allow("to-front-door", "front-door", "child.homeAuthority")],
        projections={"name-only": {"reason": "who", "common": ["envelope.child.name"]}},
    )
    artefact = compile_areas([fewer], load_event_types(), TODAY)
    desk.planner.use(RuleSet.build(artefact, load_event_types(), lambda s, c: LocatorToken(PSEUDONYMS.locator(s, c))))
    assert desk.plan([released(held, 1)]).audits[0]["kind"] == "UNROUTED"


@pytest.mark.parametrize("forge", [b"p:0:0;north-csc,oak-school;" + b"0" * 32, b"", b"\xff", b";;"])
def test_an_agency_cannot_write_a_release(forge: bytes) -> None:
    """Nor change one: what the exchange did not write for this content is refused, and its bytes are kept."""
    desk = a_desk(rules())
    record = incident()
    headers = (*record.outgoing.headers, (RELEASE_HEADER, forge))
    result = desk.plan([replace(record, outgoing=record.outgoing._replace(headers=headers))])
    assert ([each["reason"] for each in result.rejected], told(result)) == (["HEADERS"], [])


def put_back(held: Planned, offset: int, **how: Any) -> Arrived:
    """Released for some, with doubts set aside or recipients named."""
    (kept,) = held.held
    return Arrived(put_back_record(marked_for_release(kept, PSEUDONYMS, **how)), offset)


def test_a_doubt_is_set_aside_for_whom_a_person_names_and_no_further() -> None:
    """It is not sure whose record it is: the school waits. Not named, the doubt holds it again; named, it goes, marked
    and under the operation."""
    desk = a_desk(rules())
    held = desk.plan([incident(match="POTENTIAL_MATCH")])
    assert (told(held), held.held[0]["agencies"]) == (["north-csc"], ["oak-school"])
    still = desk.plan([put_back(held, 1, operation="o1")])
    assert (told(still), still.held[0]["reasons"]) == ([], ["LOW_MATCH_STATUS"])
    gone = desk.plan([put_back(still, 2, operation="o2", waived=["LOW_MATCH_STATUS"])])
    assert told(gone) == ["oak-school"]
    (audit,) = gone.audits
    assert audit["outcomes"][0]["reasons"] == ["ALLOWED", "RELEASED"]
    inputs = audit["inputs"]
    assert (inputs["operation"], inputs["waived"]) == ("o2", ["LOW_MATCH_STATUS"])
    assert inputs["releaseOf"] == f"{incident().topic()}:0:1"
    assert desk.plan([put_back(held, 3, waived=["LOW_MATCH_STATUS"])]).audits[0]["kind"] == "REPEATED"


@pytest.mark.parametrize(
    ("named", "delivered"),
    [("oak-school", ["oak-school"]), ("north-csc", []), ("elm-surgery", []), ("nobody", [])],
)
def test_a_recipient_that_was_not_found_is_whom_a_person_names_if_the_event_could_have(
    named: str, delivered: list[str]
) -> None:
    """A school of the area goes; the front door has its delivery, a surgery is no school: it waits on."""
    desk = a_desk(rules())
    lost = desk.plan([incident(school="990999")])
    assert (told(lost), lost.held[0]["agencies"]) == (["north-csc"], ["unresolved:child.school"])
    released = desk.plan([put_back(lost, 1, resolved=[f"child.school={named}"])])
    assert told(released) == delivered
    assert [each["agencies"] for each in released.held] == ([] if delivered else [["unresolved:child.school"]])
