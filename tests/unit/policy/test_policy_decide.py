"""What a decision says, requirement by requirement."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schemas.vocabulary import Disposition, OutcomeKind
from streams.policy.decide import decide
from streams.policy.decision import Decision, Outcome
from streams.policy.facts import EpochMillis, Facts
from streams.policy.model import Area
from tests.unit.policy.builders import (
    ABSENCE,
    AGENCIES,
    NOW,
    agency,
    agreement,
    allow,
    area,
    deny,
    east,
    exclusion,
    facts,
    judgement,
    millis,
    rule_set,
    school,
    token,
)

SCHOOL = allow("to-school", "dsl", "child.school", share="school", gateways=["S16LA", "S49A_DAA"])
GP = allow("to-gp", "gp-lead", "child.gp")
HOME = allow("to-home", "front-door", "child.homeAuthority", share="everything")


def outcomes(event: Facts, *areas: Area, now: EpochMillis = NOW) -> dict[str, Outcome]:
    return {outcome.agency: outcome for outcome in decided(event, *areas, now=now).outcomes}


def decided(event: Facts, *areas: Area, now: EpochMillis = NOW) -> Decision:
    return decide(event, rule_set(*areas), now)


def said(event: Facts, *areas: Area, now: EpochMillis = NOW) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Agency to (outcome, reasons)."""
    return {name: (o.kind.value, o.reasons) for name, o in outcomes(event, *areas, now=now).items()}


def with_agency(changed: dict[str, Any]) -> list[dict[str, Any]]:
    """The usual agencies, one of them changed."""
    return [changed if a["id"] == changed["id"] else a for a in AGENCIES]


# the event as a whole


def test_without_rules_everything_is_held() -> None:
    """Policy absent: hold, never deliver, never drop (R-02)."""
    assert decide(facts(), None, NOW) == Decision(Disposition.HELD, None, (), ("POLICY_ABSENT",))


def test_past_the_review_date_everything_is_held() -> None:
    """A rule set that nobody reviewed in time decides nothing; the last day still counts."""
    here = area([HOME], spec={"reviewBy": date(2026, 10, 4)})
    assert decided(facts(), here).reasons == ("POLICY_STALE",)
    assert decided(facts(), here, now=millis("2026-10-04T23:59")).disposition is Disposition.DECIDED


def test_a_neighbours_lapse_holds_only_its_own_events() -> None:
    """The review date asked is that of the areas concerned."""
    lapsed = east([HOME | {"id": "east-home"}], spec={"reviewBy": date(2026, 10, 4)})
    assert decided(facts(), area([HOME]), lapsed).disposition is Disposition.DECIDED
    assert decided(facts(area_gss="E06000099"), area([HOME]), lapsed).reasons == ("POLICY_STALE",)


def test_an_event_for_nobody_is_unrouted() -> None:
    """Never a silent nothing: a person is alarmed."""
    decision = decided(facts(), area([]))
    assert (decision.disposition, decision.reasons) == (Disposition.UNROUTED, ("NO_CANDIDATE",))


def test_an_event_denied_to_everybody_is_unrouted() -> None:
    """Candidates who are all denied are nobody who knows."""
    decision = decided(facts(), area([HOME, deny("no", "front-door", "child.homeAuthority")]))
    assert (decision.disposition, decision.reasons) == (Disposition.UNROUTED, ("NOBODY_ENTITLED",))
    assert [o.kind for o in decision.outcomes] == [OutcomeKind.DENIED]


def test_outcomes_are_ordered_by_agency() -> None:
    names = [o.agency for o in decided(facts(), area([SCHOOL, GP, HOME])).outcomes]
    assert names == ["elm-surgery", "north-csc", "oak-school"]


# finding recipients


def test_the_childs_school_home_and_gp_are_found() -> None:
    found = said(facts(), area([SCHOOL, GP, HOME]))
    assert set(found.values()) == {("DELIVERED", ("ALLOWED",))}


def test_a_school_that_takes_no_part_is_held_and_the_front_door_stands_in() -> None:
    """R-04: unresolved goes to the front door, under its own rule, and is marked."""
    found = said(facts(school=token("URN", "999999")), area([SCHOOL, HOME]))
    assert found == {
        "unresolved:child.school": ("HELD", ("UNRESOLVED_RECIPIENT",)),
        "north-csc": ("DELIVERED", ("ALLOWED", "FALLBACK_FRONT_DOOR")),
    }


def test_the_front_door_gets_nothing_for_another_without_a_rule_of_its_own() -> None:
    found = said(facts(school=token("URN", "999999")), area([SCHOOL]))
    assert found == {"unresolved:child.school": ("HELD", ("UNRESOLVED_RECIPIENT",))}


def test_without_a_school_the_responsible_officer_is_told() -> None:
    """R-11: home education or no school."""
    found = outcomes(facts(school=None), area([SCHOOL]))
    assert found["north-ehe"].reasons == ("ALLOWED", "NO_SCHOOL_FALLBACK")
    assert found["north-ehe"].roles == ("ehe-officer",)


def test_the_responsible_officer_gets_no_more_than_both_roles_may_hold() -> None:
    """The share is made for a school; the officer's own ceiling has no LOCATING."""
    plan = outcomes(facts(school=None), area([SCHOOL]))["north-ehe"].plan
    assert plan is not None
    assert {w.path: w.reason for w in plan.withheld}["envelope.settings.schoolUrn"] == "ROLE_CEILING"


def test_a_rule_that_asks_for_a_school_does_not_fall_back() -> None:
    assert said(facts(school=None), area([SCHOOL | {"when": {"hasSchool": True}}])) == {}


def test_without_officer_a_child_without_school_is_held() -> None:
    found = said(facts(school=None), area([SCHOOL], spec={"responsibleOfficerRole": None}))
    assert found == {"unresolved:child.school": ("HELD", ("UNRESOLVED_RECIPIENT",))}


def test_the_only_health_service_of_an_authority_is_found_without_a_code() -> None:
    """R-04: health visiting by local authority; with two of them a person must look."""
    service = agency("zero-nineteen", category="HV_SN", roles=["gp-lead"], authorities=["E10000099"])
    to = allow("hv", "gp-lead", "child.communityHealth", under="hv-dsa")
    dsa = agreement(id="hv-dsa", parties=["category:HV_SN"])
    here = area([to], agencies=[a for a in AGENCIES if a["category"] != "GP"] + [service], agreements=[dsa])
    assert said(facts(), here) == {"zero-nineteen": ("DELIVERED", ("ALLOWED",))}
    second = agency("other", category="HV_SN", roles=["gp-lead"])
    two = area([to], agencies=[*AGENCIES, service, second], agreements=[dsa])
    assert said(facts(), two) == {"unresolved:child.communityHealth": ("HELD", ("UNRESOLVED_RECIPIENT",))}


def test_an_authority_is_found_by_where_the_child_lives() -> None:
    """Only agencies that serve that authority."""
    port = agency("port-csc", roles=["front-door"], authorities=["E06000098"])
    county = next(a for a in AGENCIES if a["id"] == "north-csc") | {"authorities": ["E10000099"]}
    agencies = [*with_agency(county), port]
    assert set(said(facts(), area([HOME], agencies=agencies))) == {"north-csc"}
    assert set(said(facts(area_gss="E06000098"), area([HOME], agencies=agencies))) == {"port-csc"}


def test_a_category_selects_its_agencies_of_the_area() -> None:
    assert set(said(facts(), area([allow("all", "dsl", "category:SCHOOL")]))) == {"oak-school", "elm-school"}


def test_a_publisher_is_no_recipient_of_its_own_event() -> None:
    event = facts(source="north-csc", source_category="LA_CSC")
    assert said(event, area([HOME])) == {"north-csc": ("DENIED", ("SOURCE_IS_RECIPIENT",))}


def test_a_rule_for_the_source_gives_feedback() -> None:
    event = facts(source="north-csc", source_category="LA_CSC")
    assert said(event, area([allow("back", "front-door", "source")])) == {"north-csc": ("DELIVERED", ("ALLOWED",))}


def test_an_explicit_recipient_is_one_the_publisher_confirmed_by_name() -> None:
    here = area([allow("named", "dsl", "explicit")])
    assert said(facts(judgements=(judgement("elm-school"),)), here) == {"elm-school": ("DELIVERED", ("ALLOWED",))}
    assert said(facts(judgements=(judgement(None, role="dsl"),)), here) == {}


# who knows whose record it is


@pytest.mark.parametrize("match", ["POTENTIAL_MATCH", "LOW_CONFIDENCE", "MANY_MATCH", "ERROR"])
def test_a_doubtful_match_holds_whom_the_record_points_at(match: str) -> None:
    """I-04: the school and GP wait for a person; where the child lives is not in doubt."""
    found = said(facts(match=match), area([SCHOOL, GP, HOME]))
    held = ("HELD", ("LOW_MATCH_STATUS",))
    assert found == {"oak-school": held, "elm-surgery": held, "north-csc": ("DELIVERED", ("ALLOWED",))}


@pytest.mark.parametrize("match", ["MATCH", "NO_MATCH", "NOT_ATTEMPTED", "UNKNOWN"])
def test_never_blocked_on_the_identifier(match: str) -> None:
    """Without an identifier the event's own fields route it."""
    assert set(said(facts(match=match), area([SCHOOL, GP])).values()) == {("DELIVERED", ("ALLOWED",))}


# areas


def test_the_rules_of_where_the_child_lives_apply() -> None:
    """R-07: a child of the neighbouring area is handed to that area's rules."""
    there = east([HOME | {"id": "east-home"}])
    assert set(said(facts(area_gss="E06000099"), area([HOME]), there)) == {"east-csc"}


def test_a_placement_brings_in_both_areas() -> None:
    """R-07: home, placing and host authority each by their own rules."""
    placing = allow("placing", "front-door", "child.placingAuthority")
    host = allow("east-host", "front-door", "child.hostAuthority")
    event = facts(placing_la=token("GSS", "E10000099"), host_la=token("GSS", "E06000099"))
    assert set(said(event, area([placing]), east([host]))) == {"north-csc", "east-csc"}


def test_a_child_of_an_unknown_area_is_held_at_the_front_door() -> None:
    """R-07: the publisher's rules apply, and its front door must hand the child over."""
    found = said(facts(area_gss="E09000001"), area([SCHOOL, HOME]))
    assert found["north-csc"] == ("HELD", ("CROSS_BORDER_UNKNOWN_AREA",))
    assert found["oak-school"] == ("DELIVERED", ("ALLOWED",))


def test_a_front_door_that_publishes_about_an_unknown_area_is_held_too() -> None:
    event = facts(area_gss="E09000001", source="north-csc", source_category="LA_CSC")
    assert said(event, area([HOME])) == {"unresolved:child.homeAuthority": ("HELD", ("CROSS_BORDER_UNKNOWN_AREA",))}


def test_a_school_across_the_border_must_be_a_party() -> None:
    """The home area's rule reaches it if the agreement names its category there."""
    event = facts(school=token("URN", "990003"))
    assert said(event, area([SCHOOL]), east([])) == {"ash-school": ("DENIED", ("AGREEMENT_NOT_PARTY",))}
    wider = area([SCHOOL], agreements=[agreement(parties=["category:SCHOOL@east"])])
    assert said(event, wider, east([])) == {"ash-school": ("DELIVERED", ("ALLOWED",))}


# the publisher's judgement


def test_a_withheld_recipient_gets_nothing_whatever_the_rules() -> None:
    event = facts(judgements=(judgement("oak-school", "WITHHELD", ground="DETRIMENT"),))
    found = outcomes(event, area([SCHOOL, deny("no", "dsl", "child.school")]))["oak-school"]
    assert (found.kind, found.reasons) == (OutcomeKind.WITHHELD, ("PUBLISHER_WITHHELD", "DETRIMENT"))
    assert (found.plan, found.basis, found.clock) == (None, None, None)


def test_withholding_from_a_role_reaches_every_agency_addressed_through_it() -> None:
    event = facts(judgements=(judgement(None, "WITHHELD", role="dsl"),))
    found = said(event, area([SCHOOL, HOME]))
    assert found["oak-school"] == ("WITHHELD", ("PUBLISHER_WITHHELD", "GROUND_NOT_STATED"))
    assert found["north-csc"] == ("DELIVERED", ("ALLOWED",))


def test_withholding_from_one_role_withholds_from_the_agency() -> None:
    """One inbox: a message for another role would be read by the same people."""
    event = facts(judgements=(judgement("north-csc", "WITHHELD", role="sealed-desk", ground="OPERATIONAL_RISK"),))
    assert said(event, area([HOME]))["north-csc"][0] == "WITHHELD"


def test_a_judgement_in_an_unknown_word_withholds() -> None:
    assert said(facts(judgements=(judgement("oak-school", "UNKNOWN"),)), area([SCHOOL]))["oak-school"][0] == "WITHHELD"


def test_a_withheld_agency_is_recorded_even_if_no_rule_names_it() -> None:
    event = facts(judgements=(judgement("elm-school", "WITHHELD", ground="NOT_RELEVANT"),))
    assert said(event, area([]))["elm-school"] == ("WITHHELD", ("PUBLISHER_WITHHELD", "NOT_RELEVANT"))


def test_a_confirmed_agency_that_no_rule_names_is_denied() -> None:
    event = facts(judgements=(judgement("elm-school"), judgement("nobody")))
    found = said(event, area([HOME]))
    assert found["elm-school"] == ("DENIED", ("NO_RULE",))
    assert found["nobody"] == ("DENIED", ("UNKNOWN_AGENCY",))


# conflicts of interest


def test_an_excluded_agency_is_denied_and_its_alternate_told() -> None:
    """P-05: the alternate stands in with its own role and no more than the excluded role's share."""
    found = outcomes(facts(exclusions=(exclusion("oak-school"),)), area([SCHOOL]))
    assert found["oak-school"].reasons == ("CONFLICT_OF_INTEREST",)
    alternate = found["north-csc"]
    assert (alternate.reasons, alternate.roles) == (("ALLOWED", "ALTERNATE_FOR_EXCLUDED"), ("front-door",))
    assert alternate.plan is not None
    assert "envelope.contact.phone" not in alternate.plan.kept


def test_an_excluded_alternate_is_passed_over() -> None:
    oak = school("oak-school", "990001", alternate="elm-school")
    elm = school("elm-school", "990002", alternate="north-csc")
    event = facts(exclusions=(exclusion("oak-school"), exclusion("elm-school")))
    agencies = [a for a in AGENCIES if a["id"] not in ("oak-school", "elm-school")] + [oak, elm]
    found = said(event, area([SCHOOL], agencies=agencies))
    assert found["north-csc"] == ("DELIVERED", ("ALLOWED", "ALTERNATE_FOR_EXCLUDED"))
    assert found["elm-school"] == ("DENIED", ("CONFLICT_OF_INTEREST",))


def test_an_excluded_role_leaves_the_agencys_other_roles() -> None:
    rules = [HOME, allow("sealed", "sealed-desk", "area")]
    found = outcomes(facts(exclusions=(exclusion("north-csc", "front-door"),)), area(rules))["north-csc"]
    assert (found.kind, found.roles, found.rules) == (OutcomeKind.DELIVERED, ("sealed-desk",), ("sealed",))


def test_the_alternate_gets_nothing_that_the_excluded_agency_would_not_have_got() -> None:
    """Barred by the publisher, by law or by a deny rule: then nobody stands in."""
    excluded = (exclusion("oak-school"),)
    withheld = facts(exclusions=excluded, judgements=(judgement("oak-school", "WITHHELD"),))
    assert "north-csc" not in said(withheld, area([SCHOOL]))
    assert "north-csc" not in said(facts(exclusions=excluded), area([SCHOOL, deny("no", "dsl", "child.school")]))
    accused = facts(exclusions=excluded, accused_setting=token("URN", "990001"))
    assert "north-csc" not in said(accused, area([SCHOOL]))


# deny rules


def test_deny_wins_over_allow() -> None:
    found = outcomes(facts(), area([SCHOOL, deny("never", "dsl", "child.school")]))["oak-school"]
    assert (found.kind, found.reasons, found.rules) == (OutcomeKind.DENIED, ("DENY_RULE",), ("never", "to-school"))


def test_a_broad_deny_speaks_about_candidates_and_makes_none() -> None:
    """Otherwise every event would list every agency of the area."""
    found = said(facts(), area([SCHOOL, deny("no-schools", "dsl", "category:SCHOOL")]))
    assert found == {"oak-school": ("DENIED", ("DENY_RULE",))}


def test_a_deny_denies_the_agency_in_all_its_roles() -> None:
    found = said(facts(), area([HOME, deny("no", "sealed-desk", "area")]))
    assert found == {"north-csc": ("DENIED", ("DENY_RULE",))}


# conditions that the event does not answer


def test_an_allow_rule_that_cannot_be_evaluated_holds() -> None:
    """Age unknown, grade in a word we do not know: a person must look."""
    aged = area([SCHOOL | {"when": {"ageYears": {"atLeast": 4, "atMost": 18}}}])
    assert said(facts(age_years=None), aged) == {"oak-school": ("HELD", ("CONDITION_UNKNOWN",))}
    graded = area([SCHOOL | {"when": {"grade": ["HIGH"]}}])
    assert said(facts(grade="UNKNOWN"), graded) == {"oak-school": ("HELD", ("CONDITION_UNKNOWN",))}


def test_a_deny_rule_that_cannot_be_evaluated_applies() -> None:
    young = deny("young", "dsl", "child.school", when={"ageYears": {"atMost": 3}})
    assert said(facts(age_years=None), area([SCHOOL, young])) == {"oak-school": ("DENIED", ("DENY_RULE",))}


@pytest.mark.parametrize(
    ("age", "unborn", "told"),
    [(3, False, False), (4, False, True), (18, False, True), (19, False, False), (None, True, False)],
)
def test_ages_are_inclusive_and_an_unborn_child_is_younger_than_any(age: int | None, unborn: bool, told: bool) -> None:
    here = area([SCHOOL | {"when": {"ageYears": {"atLeast": 4, "atMost": 18}}}])
    assert bool(said(facts(age_years=age, unborn=unborn), here)) is told


@pytest.mark.parametrize(
    ("when", "yes", "no"),
    [
        ({"sourceCategory": ["POLICE"]}, {}, {"source_category": "YOT"}),
        ({"source": ["north-police"]}, {}, {"source": "north-probation"}),
        ({"urgency": ["URGENT"]}, {}, {"urgency": "ROUTINE"}),
        ({"grade": ["MEDIUM"]}, {}, {"grade": "LOW"}),
        ({"purpose": ["SAFEGUARDING"]}, {}, {"purpose": "WELFARE"}),
        ({"protection": ["NONE"]}, {}, {"protection": "REFUGE"}),
        ({"match": ["MATCH"]}, {}, {"match": "NO_MATCH"}),
        ({"marking": ["OFFICIAL_SENSITIVE"]}, {}, {"marking": "OFFICIAL"}),
        ({"areaGss": ["E10000099"]}, {}, {"area_gss": "E06000098"}),
        ({"concerns": ["NEGLECT", "DOMESTIC_ABUSE"]}, {}, {"concerns": ("MISSING",)}),
        ({"restricted": False}, {}, {"restricted": True}),
        ({"sensitiveService": False}, {}, {"sensitive_service": True}),
        ({"doNotDiscloseToSubject": True}, {}, {"do_not_disclose_to_subject": False}),
        ({"unborn": True}, {"unborn": True}, {}),
        ({"hasSchool": True}, {}, {"school": None}),
        ({"hasGp": True}, {}, {"gp": None}),
        ({"hasCommunityHealth": False}, {}, {"community_health": token("ODS", "Z99001")}),
    ],
    ids=lambda value: next(iter(value), "-") if isinstance(value, dict) else None,
)
def test_each_condition_selects(when: dict[str, Any], yes: dict[str, Any], no: dict[str, Any]) -> None:
    here = area([allow("x", "front-door", "area", when=when)])
    assert "north-csc" in said(facts(**yes), here)
    assert "north-csc" not in said(facts(**no), here)


def test_a_rule_holds_from_its_first_to_its_last_day() -> None:
    here = area([HOME | {"validFrom": date(2026, 10, 2), "validUntil": date(2026, 10, 4)}])
    held = {day: bool(said(facts(), here, now=millis(f"2026-10-0{day}T23:59"))) for day in range(1, 6)}
    assert held == {1: False, 2: True, 3: True, 4: True, 5: False}


def test_a_rule_is_silent_under_another_gateway() -> None:
    assert said(facts(gateway="S49A_DAA"), area([HOME])) == {}


def test_rules_are_for_their_event_types() -> None:
    assert said(facts(event_type=ABSENCE), area([HOME])) == {}
