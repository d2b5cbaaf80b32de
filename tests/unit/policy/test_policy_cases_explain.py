"""Cases fail when they should, cover rules, and every answer can be explained in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.examples import example
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.policy.artefact import compile_areas
from streams.policy.cases import CaseReport, run_cases
from streams.policy.explain import Explanation, explain
from streams.policy.facts import AgencyId, Facts
from streams.policy.facts_from import facts_from_datum
from streams.policy.load import load_areas
from streams.policy.reasons import SENTENCES, ReasonCode
from tests.unit.policy.area_folder import CASES, FILES, write_areas
from tests.unit.policy.builders import (
    NOW,
    TODAY,
    allow,
    area,
    artefact,
    deny,
    exclusion,
    facts,
    judgement,
    rule_set,
    token,
)

CASES_FILE = "north/cases/all.yaml"
KEY = Pseudonymiser(b"0123456789abcdef0123456789abcdef")


def report(root: Path, cases: str) -> CaseReport:
    areas = load_areas(write_areas(root, {**FILES, CASES_FILE: cases}), TODAY)
    return run_cases(areas, compile_areas(areas, load_event_types(), TODAY), load_event_types())


def failures(root: Path, old: str, new: str) -> str:
    assert old in CASES
    (result, *_) = report(root, CASES.replace(old, new)).results
    return " / ".join(result.failures)


GOOD = CASES.replace(", reason: NO_RULE", "")


def test_a_case_passes_and_covers_its_rule(tmp_path: Path) -> None:
    """At work in one case; nothing shows it at rest yet."""
    found = report(tmp_path, GOOD)
    assert [r.failures for r in found.results] == [()]
    assert "encompass" not in found.without_positive
    assert "encompass" in found.without_negative
    assert "no-school" in found.without_positive
    assert not found.passed


def test_a_negative_case_covers_the_other_half(tmp_path: Path) -> None:
    calm = """\
  - name: an incident that is not urgent stays with the police
    rule: encompass
    event: {type: police.domestic-abuse-incident, source: north-police, set: {envelope.urgency: ROUTINE}}
    at: 2026-10-05T18:00:00Z
    expect: [{agency: oak-school, outcome: ABSENT}]
"""
    found = report(tmp_path, GOOD + calm)
    assert all(r.passed for r in found.results), [r.failures for r in found.results]
    assert "encompass" not in found.without_negative


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("outcome: DELIVERED", "outcome: HELD", "`oak-school` should be HELD, but is DELIVERED (ALLOWED) by encompass"),
        ("outcome: ABSENT, reason: NO_RULE", "outcome: DENIED", "`north-csc` should be DENIED, but is no candidate"),
        ("agency: oak-school, outcome: DELIVERED", "agency: oak-school, outcome: ABSENT", "should be ABSENT, but is"),
        ("DELIVERED, rule: encompass", "DELIVERED, rule: no-school", "by `no-school`, but is by encompass"),
        ("gets: [envelope.child.name]", "gets: [note]", "should get `note`, but does not (NOT_IN_SHARE)"),
        ("gets: [envelope.child.name]", "withheld: [envelope.child]", "should not get `envelope.child.name`, but does"),
        ("DELIVERED, rule: encompass", "DELIVERED, reason: NO_RULE", "should have reason NO_RULE, but has ALLOWED"),
        ("source: north-police}", "source: oak-school}", "would be rejected: `envelope.sourceOrg.category`"),
        ("source: north-police}", "set: {envelope.urgencee: x}}", "cannot be made: `envelope.urgencee`"),
        ("source: north-police}", "set: {envelope.sourceOrg.id: E23000001}}", "no agency has the code"),
    ],
)
def test_a_wrong_expectation_fails_and_says_what_came_out(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in failures(tmp_path, old, new)


def test_a_failed_case_names_its_line(tmp_path: Path) -> None:
    (result, *_) = report(tmp_path, GOOD.replace("outcome: DELIVERED", "outcome: HELD")).results
    assert (result.file, result.line, result.passed) == (CASES_FILE, 2, False)


# facts from a decoded event


def decoded(**overrides: object) -> Facts:
    kind = load_event_types()["police.domestic-abuse-incident"]
    given = {"envelope." + path.replace("__", "."): value for path, value in overrides.items()}
    datum = example(kind, now_ms=NOW, event_id="01928bd0-0000-7000-8000-00000000ca5e", overrides=given)
    return facts_from_datum(kind, datum, AgencyId("north-police"), KEY)


def test_facts_hold_tokens_and_no_code_or_identifier() -> None:
    """Nothing of a child or a place can be read from facts (I-09, A-02)."""
    found = decoded(child__nhsNumber="9434765919", settings__schoolUrn="990001", settings__gpOds="Z99001")
    assert found.school == KEY.locator("URN", "990001")
    assert found.gp == KEY.locator("ODS", "Z99001")
    assert not {"9434765919", "990001", "Z99001"} & {str(value) for value in found}


def test_age_is_in_completed_years_on_the_day_it_occurred() -> None:
    occurred = {"occurredAt": "2026-10-05T07:00:00Z"}
    assert decoded(child__dateOfBirth="2016-10-05", **occurred).age_years == 10
    assert decoded(child__dateOfBirth="2016-10-06", **occurred).age_years == 9


def test_an_unborn_child_has_no_age() -> None:
    found = decoded(child__dateOfBirth=None, child__expectedDeliveryDate="2026-12-01")
    assert (found.age_years, found.unborn) == (None, True)


def test_judgements_and_exclusions_are_carried() -> None:
    proposed = [{"agency": "oak-school", "role": "dsl", "judgement": "WITHHELD", "ground": "DETRIMENT",
                 "decidedBy": "NAMED_DECISION_MAKER", "reasonDigest": None, "reviewOn": None}]  # fmt: skip
    excluded = [{"agency": "north-csc", "role": None, "ground": "CLOSE_TO_PERSON_OF_CONCERN"}]
    found = decoded(proposedRecipients=proposed, excludeRecipients=excluded)
    assert found.judgements == (judgement("oak-school", "WITHHELD", role="dsl", ground="DETRIMENT"),)
    assert found.exclusions == (exclusion("north-csc"),)


# explanations

SCHOOL = allow("to-school", "dsl", "child.school", share="school", when={"ageYears": {"atLeast": 4}})
HOME = allow(
    "to-home", "front-door", "child.homeAuthority", share="everything", when={"urgency": ["IMMEDIATE", "URGENT"]}
)
NEVER = deny("never-probation", "offender-manager", "explicit")


def explained(event: Facts, agency: str | None = None) -> Explanation:
    here = area([SCHOOL, HOME, NEVER])
    return explain(event, rule_set(here), artefact(here).document(), token, NOW, agency)


def test_every_candidate_is_explained() -> None:
    found = explained(facts())
    assert [(each.agency, each.outcome) for each in found.agencies] == [
        ("north-csc", "DELIVERED"),
        ("oak-school", "DELIVERED"),
    ]
    text = found.text()
    assert "2 of 2 possible recipients receive it." in text
    assert "For Designated safeguarding lead." in text
    assert "Rule `to-school`: because" in text
    assert "before the next school day begins" in text
    assert "Does not get envelope.proposedRecipients: An instruction to the exchange; nobody receives it." in text


@pytest.mark.parametrize(
    ("event", "agency", "said"),
    [
        (facts(age_years=3), "oak-school", "it asks for a child of 4 or older, the child was 3"),
        (facts(urgency="ROUTINE"), "north-csc", "it asks for urgency IMMEDIATE or URGENT, the event says ROUTINE"),
        (facts(gateway="CONSENT"), "north-csc", "it holds for the legal gateway S16LA, the event relies on CONSENT"),
        (facts(), "elm-school", "it is for the child's school, not this agency"),
        (facts(area_gss="E06000099"), "north-csc", "it is for the authority where the child lives"),
        (facts(), "north-police", "No rule for this kind of event can name it (its roles: none)."),
        (facts(), "somebody", "No agency `somebody` takes part."),
        (facts(), "north-probation", "Rule `never-probation` does not speak"),
        (facts(judgements=(judgement("north-probation"),)), "north-probation",
         "Rule `never-probation` forbids it: never"),
        (facts(judgements=(judgement("oak-school", "WITHHELD", ground="DETRIMENT"),)), "oak-school",
         "Telling them would harm the child more than not telling them."),
        (facts(regime="DPA_PART3"), "north-csc", "The rule does not cover this data-protection regime"),
    ],
)  # fmt: skip
def test_why_or_why_not_is_told_for_any_agency(event: Facts, agency: str, said: str) -> None:
    found = explained(event, agency)
    assert [each.agency for each in found.agencies] == [agency]
    assert said in found.text()


def test_every_reason_has_a_sentence() -> None:
    assert set(SENTENCES) == set(ReasonCode)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())
