"""Recipients that the relationship register knows and the event does not name (R-04, R-05)."""

from __future__ import annotations

from typing import Any

import pytest

from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.explain import explain
from tests.unit.policy.builders import AGENCIES, NOW, agency, allow, area, artefact, deny, east, facts, rule_set, token

SCHOOL = allow("to-school", "dsl", "child.school", share="school")
GP = allow("to-gp", "gp-lead", "child.gp")
TEAM = allow("to-team", "sealed-desk", "child.allocatedTeam")
TEAMS = [
    *({**a, "organisation": "council"} if a["id"] in ("north-csc", "north-ehe") else a for a in AGENCIES),
    agency("north-teams", roles=["front-door", "gp-lead"], organisation="council"),
    agency("north-other", roles=["gp-lead"], organisation="council"),
]


def decided(*rules: dict[str, Any], **changes: Any) -> Decision:
    return decide(facts(**changes), rule_set(area(list(rules), agencies=TEAMS)), NOW)


def said(*rules: dict[str, Any], **changes: Any) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {o.agency: (o.kind.value, o.reasons) for o in decided(*rules, **changes).outcomes}


def test_a_registered_school_is_told_and_the_reasons_say_how_it_was_found() -> None:
    """The same delivery as if the event named it, with the mark that makes every use of the register visible."""
    assert said(SCHOOL, GP, registered=("school",)) == {
        "oak-school": ("DELIVERED", ("ALLOWED", "RELATIONSHIP_REGISTER")),
        "elm-surgery": ("DELIVERED", ("ALLOWED",)),
    }


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"match": "MANY_MATCH"}, ("HELD", ("LOW_MATCH_STATUS", "RELATIONSHIP_REGISTER"))),
        ({"restricted": True}, ("DENIED", ("RESTRICTED_LANE", "RELATIONSHIP_REGISTER"))),
    ],
)
def test_the_mark_stays_when_the_outcome_is_not_a_delivery(changes: dict[str, Any], outcome: Any) -> None:
    """Whoever audits the register sees its uses that came to nothing as well; the decisive reason stays first."""
    assert said(SCHOOL, registered=("school",), **changes)["oak-school"] == outcome


def test_a_deny_rule_that_the_register_resolves_is_marked() -> None:
    """A refusal that rests on the register says so."""
    denied = said(SCHOOL, deny("no-school", "dsl", "child.school"), registered=("school",))
    assert denied["oak-school"] == ("DENIED", ("DENY_RULE", "RELATIONSHIP_REGISTER"))


def test_a_registered_school_that_left_is_looked_for_by_a_person() -> None:
    """A token that stands for nobody any more is a recipient not found, as it would be in the event."""
    lost = said(SCHOOL, school="lost", registered=("school",))
    assert lost == {
        "unresolved:child.school": ("HELD", ("UNRESOLVED_RECIPIENT", "RELATIONSHIP_REGISTER")),
    }


@pytest.mark.parametrize(
    ("role", "declared", "expected"),
    [
        pytest.param("sealed-desk", "north-csc", "north-csc", id="the declaring agency has the role"),
        pytest.param("front-door", "north-ehe", None, id="two of the organisation have the role"),
        pytest.param("sealed-desk", "north-ehe", "north-csc", id="one of the organisation has the role"),
        pytest.param("dsl", "north-csc", None, id="nobody of the organisation has the role"),
        pytest.param("gp-lead", "elm-surgery", "elm-surgery", id="an agency that is its own organisation"),
        pytest.param("front-door", "nobody", None, id="the declaring agency takes no part any more"),
    ],
)
def test_the_allocated_team(role: str, declared: str, expected: str | None) -> None:
    """Who declared the case if it has the role, else the one agency of its organisation that has it."""
    found = said(TEAM | {"to": {"role": role, "of": "child.allocatedTeam"}}, allocated_team=token("AGENCY", declared))
    assert list(found) == [expected or "unresolved:child.allocatedTeam"]


def test_a_child_without_a_known_case_has_no_team() -> None:
    """Most children have no case: the rule asks for nobody, and nothing waits."""
    assert said(TEAM) == {}


def test_the_team_of_another_area_has_its_own_rules() -> None:
    """As with placing and host authorities: this area's rule asks for nobody."""
    both = rule_set(area([TEAM]), east([]))
    assert decide(facts(allocated_team=token("AGENCY", "east-csc")), both, NOW).outcomes == ()


def test_an_explanation_says_what_the_register_knew() -> None:
    """In words, for the event and for the recipient."""
    here = area([SCHOOL | {"when": {"hasSchool": True}}, GP])
    told = explain(
        facts(registered=("school",)), rule_set(here), artefact(here).document(), token, NOW, agency="oak-school"
    ).text()
    assert "The event does not name the child's school; the relationship register knew from earlier events." in told
    assert "an earlier event declared that it is involved with the child" in told
