"""What no rule can allow: the laws, each with the case in which it speaks and the one in which it does not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.unit.policy.builders import (
    ABSENCE,
    AGENCIES,
    INCIDENT,
    agency,
    agreement,
    allow,
    area,
    exclusion,
    facts,
    judgement,
    millis,
    token,
)
from tests.unit.policy.test_policy_decide import HOME, SCHOOL, outcomes, said

CHARITY = agency(
    "charity",
    category="CONTRACTED_VCS",
    roles=["front-door"],
    dutyBasis={"basis": "CONTRACTED", "evidence": "contract", "from": date(2026, 9, 30)},
    contract={"commissioner": "north-csc", "scope": {"eventTypes": [INCIDENT]}, "until": date(2026, 10, 5)},
)
LANDLORD = agency(
    "landlord",
    category="HOUSING_RP",
    roles=["front-door"],
    dutyBasis={"basis": "NONE", "evidence": "not under s16LA", "from": date(2026, 1, 1)},
)


def only(entry: dict[str, Any], **rule: Any) -> Any:
    """An area whose one rule is for this agency's category."""
    to = allow("x", "front-door", f"category:{entry['category']}", gateways=["S16LA", "S49A_DAA"], **rule)
    parties = [f"category:{entry['category']}"]
    return area([to], agencies=[*AGENCIES, entry], agreements=[agreement(parties=parties)])


@pytest.mark.parametrize(("gateway", "told"), [("S16LA", False), ("S49A_DAA", True)])
def test_without_duty_basis_nothing_is_shared_under_s16la(gateway: str, told: bool) -> None:
    """L-07: it may receive under another gateway only."""
    expected = ("DELIVERED", ("ALLOWED",)) if told else ("DENIED", ("NO_DUTY_BASIS",))
    assert said(facts(gateway=gateway), only(LANDLORD)) == {"landlord": expected}


@pytest.mark.parametrize(("day", "reasons"), [("2026-10-05", ("ALLOWED",)), ("2026-10-06", ("CONTRACT_EXPIRED",))])
def test_a_contractor_receives_to_the_last_day_of_its_contract(day: str, reasons: tuple[str, ...]) -> None:
    """L-08."""
    assert said(facts(), only(CHARITY), now=millis(day))["charity"][1] == reasons


def test_a_contractor_receives_only_what_its_contract_is_about() -> None:
    """L-08."""
    here = only(CHARITY, events=[INCIDENT, ABSENCE])
    assert said(facts(event_type=ABSENCE), here)["charity"] == ("DENIED", ("OUT_OF_CONTRACT_SCOPE",))


@pytest.mark.parametrize(("day", "kind"), [("2026-10-05", "DENIED"), ("2026-10-06", "DELIVERED")])
def test_the_duty_begins_on_its_day(day: str, kind: str) -> None:
    """L-09: switched on per area and date."""
    here = area([HOME], spec={"dutyCommencedOn": date(2026, 10, 6)})
    found = said(facts(), here, now=millis(day))["north-csc"]
    assert found == (kind, ("ALLOWED",) if kind == "DELIVERED" else ("DUTY_NOT_COMMENCED",))


def test_the_duty_does_not_matter_to_another_gateway() -> None:
    here = area([SCHOOL], spec={"dutyCommencedOn": date(2027, 1, 1)})
    assert said(facts(gateway="S49A_DAA"), here)["oak-school"][0] == "DELIVERED"


@pytest.mark.parametrize(("regimes", "kind"), [(None, "DENIED"), (["UKGDPR", "DPA_PART3"], "DELIVERED")])
def test_no_re_purposing_across_regimes(regimes: list[str] | None, kind: str) -> None:
    """L-06: a rule covers UK GDPR unless it says otherwise."""
    found = said(facts(regime="DPA_PART3"), area([HOME | {"regimes": regimes}]))["north-csc"]
    assert found == (kind, ("ALLOWED",) if kind == "DELIVERED" else ("REGIME_NOT_IN_RULE",))


def test_restricted_events_reach_cleared_roles_only() -> None:
    """P-08: roles without clearance are dropped, and without one left the agency is denied."""
    event = facts(restricted=True)
    assert said(event, area([HOME]))["north-csc"] == ("DENIED", ("RESTRICTED_LANE",))
    both = outcomes(event, area([HOME, allow("sealed", "sealed-desk", "area")]))["north-csc"]
    assert (both.reasons, both.roles, both.rules) == (("ALLOWED",), ("sealed-desk",), ("sealed",))


def test_a_sensitive_service_is_shared_with_the_confirmed_only() -> None:
    """P-09."""
    event = facts(sensitive_service=True, judgements=(judgement("north-csc"),))
    found = said(event, area([SCHOOL, HOME]))
    assert found["north-csc"] == ("DELIVERED", ("ALLOWED",))
    assert found["oak-school"] == ("DENIED", ("SENSITIVE_SERVICE_UNCONFIRMED",))


def test_the_accused_setting_never_hears_of_the_allegation() -> None:
    """P-16."""
    event = facts(accused_setting=token("URN", "990001"), judgements=(judgement("oak-school"),))
    assert said(event, area([SCHOOL]))["oak-school"] == ("DENIED", ("ACCUSED_SETTING",))


def test_an_accused_nursery_is_recognised_by_its_ofsted_number() -> None:
    nursery = agency("nursery", roles=["dsl"], identifiers=[{"scheme": "OFSTED_URN", "id": "EY990009"}])
    here = area([allow("x", "dsl", "area")], agencies=[*AGENCIES, nursery])
    event = facts(accused_setting=token("URN", "EY990009"))
    assert said(event, here)["nursery"] == ("DENIED", ("ACCUSED_SETTING",))


def test_only_parties_of_an_agreement_in_force_receive_under_it() -> None:
    lapsed = agreement(reviewBy=date(2026, 10, 4))
    assert said(facts(), area([HOME], agreements=[lapsed]))["north-csc"] == ("DENIED", ("AGREEMENT_EXPIRED",))
    stranger = agreement(parties=["category:SCHOOL"])
    assert said(facts(), area([HOME], agreements=[stranger]))["north-csc"] == ("DENIED", ("AGREEMENT_NOT_PARTY",))
    other = agreement(purposes=["EARLY_HELP"])
    assert said(facts(), area([HOME], agreements=[other]))["north-csc"] == ("DENIED", ("PURPOSE_NOT_IN_AGREEMENT",))


# fields


def reasons_of(event: Any, here: Any, agency_id: str) -> dict[str, str]:
    plan = outcomes(event, here)[agency_id].plan
    assert plan is not None
    return {field.path: field.reason for field in plan.withheld}


@pytest.mark.parametrize("protection", ["PROTECTED", "REFUGE", "PLACEMENT", "UNKNOWN"])
def test_where_a_protected_child_is_reaches_listed_roles_only(protection: str) -> None:
    """P-02: also a UPN, which names a school."""
    event, here = facts(protection=protection), area([SCHOOL, HOME])
    school = reasons_of(event, here, "oak-school")
    assert school["envelope.settings.schoolUrn"] == school["envelope.child.upn"] == "PROTECTED_ADDRESS"
    assert "envelope.child.name" not in school
    assert "envelope.settings.schoolUrn" not in reasons_of(event, here, "north-csc")


def test_locating_fields_of_an_unprotected_child_follow_the_share() -> None:
    assert "envelope.settings.schoolUrn" not in reasons_of(facts(), area([SCHOOL]), "oak-school")


HOME_AUTHORITY = "envelope.area.gss"
PROBATION = allow("to-probation", "offender-manager", "category:PROBATION")


@pytest.mark.parametrize("protection", ["PROTECTED", "REFUGE", "PLACEMENT", "UNKNOWN"])
def test_the_home_authority_of_a_protected_child_reaches_listed_roles_only(protection: str) -> None:
    """P-02, P-06: two events compared would tell of a move; the reason names a service of the person of concern."""
    event, here = facts(protection=protection), area([SCHOOL, HOME, PROBATION])
    assert reasons_of(event, here, "oak-school")[HOME_AUTHORITY] == "PROTECTED_ADDRESS"
    assert reasons_of(event, here, "north-probation")[HOME_AUTHORITY] == "PERSON_OF_CONCERN_SERVICE"
    assert HOME_AUTHORITY not in reasons_of(event, here, "north-csc")


def test_the_home_authority_is_told_through_any_listed_role_whatever_it_shares() -> None:
    """An agency addressed twice gets what its listed role may have; addressed in others only, it gets none."""
    mixed = agency("mixed", category="PROBATION", roles=["offender-manager", "front-door"])
    agencies = [*(a for a in AGENCIES if a["id"] != "north-probation"), mixed]
    listed = allow("b", "front-door", "category:PROBATION")
    event = facts(protection="PROTECTED")
    assert HOME_AUTHORITY not in reasons_of(event, area([PROBATION, listed], agencies=agencies), "mixed")
    unlisted = area([PROBATION, listed], agencies=agencies, spec={"locatingRoles": []})
    assert reasons_of(event, unlisted, "mixed")[HOME_AUTHORITY] == "PROTECTED_ADDRESS"


def test_the_home_authority_of_an_unprotected_child_is_metadata() -> None:
    here = area([SCHOOL, PROBATION])
    for name in ("oak-school", "north-probation"):
        assert HOME_AUTHORITY not in reasons_of(facts(), here, name)


def test_instructions_to_the_exchange_reach_nobody() -> None:
    assert reasons_of(facts(), area([HOME]), "north-csc")["envelope.proposedRecipients"] == "CONTROL_FIELD"


def test_what_no_share_names_is_withheld() -> None:
    """P-01: a missing rule is an absent field."""
    assert reasons_of(facts(), area([SCHOOL]), "oak-school")["note"] == "NOT_IN_SHARE"


def test_fields_of_a_sensitive_service_reach_the_confirmed_only() -> None:
    """P-09, field by field."""
    assert reasons_of(facts(), area([HOME]), "north-csc")["service"] == "SENSITIVE_SERVICE"
    confirmed = facts(judgements=(judgement("north-csc"),))
    assert "service" not in reasons_of(confirmed, area([HOME]), "north-csc")


def test_a_service_of_the_person_of_concern_standing_in_gets_no_locating_field() -> None:
    """P-06: a stand-in gets no more than its own role may hold."""
    probation = next(a for a in AGENCIES if a["id"] == "north-probation")
    oak = next(a for a in AGENCIES if a["id"] == "oak-school") | {"alternate": "north-probation"}
    agencies = [a for a in AGENCIES if a["id"] not in ("oak-school", "north-probation")] + [oak, probation]
    event = facts(exclusions=(exclusion("oak-school"),))
    found = reasons_of(event, area([SCHOOL], agencies=agencies), "north-probation")
    assert found["envelope.settings.schoolUrn"] == "PERSON_OF_CONCERN_SERVICE"


def test_several_rules_give_the_union_and_name_themselves() -> None:
    """R-06: matched twice, delivered once, with the most urgent clock."""
    rules = [
        HOME | {"share": "name-only", "clock": "5WD"},
        allow("b", "front-door", "area", share="school", clock="PT1H"),
    ]
    found = outcomes(facts(), area(rules))["north-csc"]
    assert (found.rules, found.clock, found.basis) == (("b", "to-home"), "PT1H", "Art 6(1)(c)")
    assert found.plan is not None
    assert {"envelope.child.name", "envelope.settings.schoolUrn", "incidentDate"} <= found.plan.kept


def test_without_a_clock_of_its_own_a_rule_takes_the_event_types() -> None:
    assert outcomes(facts(), area([HOME]))["north-csc"].clock == "NEXT_SCHOOL_DAY"


def test_each_agreement_relied_on_names_its_lawful_basis() -> None:
    """In the order of the rules, each once."""
    second = agreement(id="other-dsa", lawfulBasis="Art 6(1)(e)")
    rules = [HOME, allow("a", "front-door", "area", under="other-dsa"), allow("z", "front-door", "area")]
    found = outcomes(facts(), area(rules, agreements=[agreement(), second]))["north-csc"]
    assert found.basis == "Art 6(1)(e) | Art 6(1)(c)"
