"""Each thing in area files that compiles and is still not right is found with its place and what to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.registry import EventTypes, load_event_types
from streams.policy.inspection import Inspection, inspect_folder
from streams.policy.located import Severity
from tests.unit.policy.area_folder import write_areas
from tests.unit.policy.quiet_folder import FILES

TODAY = date(2026, 10, 1)
ALL = load_event_types()
TYPES = EventTypes(ALL[n] for n in ("police.domestic-abuse-incident", "education.absence-concern", "control.withheld"))

AREA_TEXT = FILES["north/area.yaml"]
AREA, AGENCIES, AGREEMENTS = "north/area.yaml", "north/agencies/all.yaml", "north/agreements.yaml"
PROJECTIONS, RULES = "north/projections.yaml", "north/rules/all.yaml"

ENCOMPASS = "  - id: encompass-school\n    effect: allow\n    events: [police.domestic-abuse-incident]\n"
FROM_LOCATING = AREA_TEXT[AREA_TEXT.index("locatingRoles:") : AREA_TEXT.index("  front-door:")]


def rule(identity: str, **changes: str) -> str:
    """One more rule, a copy of `encompass-school` but for the changes; an empty text leaves the key out."""
    keys = {
        "effect": "allow",
        "events": "[police.domestic-abuse-incident]",
        "gateways": "[S49A_DAA]",
        "to": "{role: dsl, of: child.school}",
        "share": "school",
        "under": "encompass",
        "clock": "NEXT_SCHOOL_DAY",
        "reason": "one more",
    } | changes
    return f"  - id: {identity}\n" + "".join(f"    {key}: {value}\n" for key, value in keys.items() if value)


def deny(identity: str, when: str, to: str = "{role: dsl, of: child.school}", events: str = "") -> str:
    return rule(identity, effect="deny", when=when, to=to, gateways="", share="", under="", clock="",
                events=events or "[police.domestic-abuse-incident]")  # fmt: skip


class Slip(NamedTuple):
    """`old` becomes `new` in `file` (an empty `old` adds to its end); the warning stands where `at` does."""

    name: str
    file: str
    old: str
    new: str
    message: str
    suggestion: str
    at: str  # the file's text from the reported line and column on begins with this
    key: str


SLIPS = [
    # rules that can never match
    Slip("category that may not publish", RULES, ENCOMPASS, ENCOMPASS + "    when: {sourceCategory: [SCHOOL]}\n",
         "no agency that may publish `police.domestic-abuse-incident` is among its `sourceCategory`",
         "published by POLICE, BTP", "sourceCategory", "rules[0].when.sourceCategory"),
    Slip("source that may not publish", RULES, ENCOMPASS, ENCOMPASS + "    when: {source: [oak-school]}\n",
         "is among its `source`", "published by POLICE, BTP", "source", "rules[0].when.source"),
    Slip("gateway of other types", RULES, "[S16LA, VITAL_INTERESTS]", "[S213B_HOUSING]",
         "never published under its `gateways`", "S16LA, ", "gateways", "rules[1].gateways"),
    Slip("regime of other types", RULES, "gateways: [S16LA]\n    to: {role: hub",
         "gateways: [S16LA]\n    regimes: [DPA_PART3]\n    to: {role: hub", "never published under its `regimes`",
         "under UKGDPR", "regimes", "rules[2].regimes"),
    Slip("purpose of other types", RULES, ENCOMPASS, ENCOMPASS + "    when: {purpose: [HOUSING_DUTY]}\n",
         "never published under its `purpose`", "SAFEGUARDING", "purpose", "rules[0].when.purpose"),
    Slip("word that is refused", RULES, "when: {urgency: [IMMEDIATE, URGENT]}", "when: {urgency: [UNKNOWN]}",
         "no accepted event meets `urgency`", "`UNKNOWN` is refused", "urgency", "rules[2].when.urgency"),
    Slip("nobody is that old", RULES, ENCOMPASS, ENCOMPASS + "    when: {ageYears: {atLeast: 27}}\n",
         "no child of whom events are accepted meets `ageYears`", "at most 26", "ageYears", "rules[0].when.ageYears"),
    Slip("unborn and four years old", RULES, ENCOMPASS,
         ENCOMPASS + "    when: {unborn: true, ageYears: {atLeast: 4}}\n",
         "no child of whom events are accepted meets `ageYears`", "must agree", "ageYears", "rules[0].when.ageYears"),
    Slip("s49A without a school", RULES, "",
         rule("homeless", when="{hasSchool: false}", to="{role: dsl, of: category:SCHOOL}"),
         "under `S49A_DAA` an event always names a school", "another gateway", "hasSchool", "rules[6].when.hasSchool"),
    Slip("value that changes nothing", RULES, "[S16LA, VITAL_INTERESTS]", "[S16LA, VITAL_INTERESTS, S213B_HOUSING]",
         "`S213B_HOUSING` changes nothing: no event of the rule can have it", "remove it", "S213B_HOUSING",
         "rules[1].gateways[2]"),
    Slip("category that changes nothing", RULES, ENCOMPASS,
         ENCOMPASS + "    when: {sourceCategory: [POLICE, BTP]}\n", "`BTP` changes nothing: no agency of the areas",
         "remove it", "BTP", "rules[0].when.sourceCategory[1]"),
    # rules that name nobody, or nobody who may have it
    Slip("role nobody has", AGENCIES, "    roles: [advocate]\n", "",
         "no agency that `explicit` could find has role `advocate`",
         "give an agency the role", "role: advocate, of: explicit}\n    share", "rules[3].to.role"),
    Slip("category without the role", RULES, "to: {role: hub, of: area}", "to: {role: hub, of: category:SCHOOL}",
         "no agency of category `SCHOOL` that", "address another role", "role: hub", "rules[2].to.role"),
    Slip("deny of a role nobody has", RULES, "", deny("never", "{urgency: [ROUTINE]}",
         "{role: dsl, of: category:POLICE}"),
         "the rule can never deny anything: no agency of category `POLICE`", "give an agency",
         "role: dsl, of: category",
         "rules[6].to.role"),
    Slip("no party to the agreement", AGREEMENTS, "parties: [category:SCHOOL]", "parties: [category:POLICE]",
         "`oak-school` is not a party to agreement `encompass`", "who may have it", "to: {role: dsl", "rules[0].to"),
    Slip("outside the contract", AGENCIES, "[police.domestic-abuse-incident]", "[education.absence-concern]",
         "the contract of `safe-harbour` does not cover it", "who may have it",
         "to: {role: advocate, of: explicit}\n    sh",
         "rules[3].to"),
    Slip("not under the duty", AGENCIES, "basis: S11_BODY, evidence: s11(1)(h)", "basis: NONE, evidence: none",
         "`north-police` is not under the duty, so not under `S16LA`", "who may have it", "to: {role: hub",
         "rules[2].to"),
    Slip("not cleared for the lane", RULES, ENCOMPASS, ENCOMPASS + "    when: {restricted: true}\n",
         "role `dsl` is not cleared for restricted events", "who may have it", "to: {role: dsl", "rules[0].to"),
    Slip("its own event", RULES, "",
         rule("own", when="{source: [north-police]}", gateways="[S16LA]", to="{role: hub, of: area}",
         under="north-dsa"),
         "`north-police` would be told of its own event", "who may have it",
         "to: {role: hub, of: area}\n    share: school",
         "rules[6].to"),
    Slip("purpose outside the agreement", AGREEMENTS, "purposes: [SAFEGUARDING]", "purposes: [HOUSING_DUTY]",
         "agreement `encompass` covers no purpose", "SAFEGUARDING, WELFARE", "under: encompass", "rules[0].under"),
    # allow against deny
    Slip("shadowed by one deny", RULES, "", deny("never", "{}"), "`never` denies all of it, and deny wins",
         "narrow `never`", "id: encompass-school", "rules[0]"),
    Slip("shadowed by two denies", RULES, "",
         deny("some", "{grade: [HIGH, UNGRADED]}") + deny("rest", "{grade: [STANDARD, MEDIUM, LOW], urgency: [URGENT]}")
         + deny("others", "{grade: [STANDARD, MEDIUM, LOW], urgency: [IMMEDIATE, ROUTINE, INFORMATION]}"),
         "`others`, `rest`, `some` together deny all of it", "narrow `others`", "id: encompass-school", "rules[0]"),
    Slip("shadowed for one type", RULES, "",
         deny("never", "{}", "{role: front-door, of: area}", "[education.absence-concern]"),
         "deliver anything of `education.absence-concern`: `never` denies all of it", "narrow `never`",
         "education.absence-concern]\n    gateways: [S16LA, VITAL", "rules[1].events[1]"),
    Slip("shadowed by a broad deny", RULES, "", deny("never", "{}", "{role: dsl, of: category:SCHOOL}"),
         "`never` denies all of it", "remove this rule", "id: encompass-school", "rules[0]"),
    Slip("deny that another says", RULES, "",
         deny("wide", "{urgency: [URGENT, ROUTINE]}") + deny("narrow", "{urgency: [URGENT], hasGp: true}"),
         "the rule can never deny anything: `wide` already denies all of it", "remove one", "id: narrow", "rules[7]"),
    # allow against allow
    Slip("clock that never counts", RULES, "", rule("later", clock="5WD", share="front-door"),
         "clock `5WD` never counts for `police.domestic-abuse-incident`: `encompass-school` names the same recipients",
         "give it `NEXT_SCHOOL_DAY`", "clock: 5WD", "rules[6].clock"),
    Slip("two lawful bases", RULES, "",
         rule("twice", when="{grade: [HIGH]}", under="north-dsa", clock="PT1H"),
         "`envelope.child.name` of `police.domestic-abuse-incident` is given to the same recipients under two lawful",
         "under one agreement", "under: north-dsa\n    clock: PT1H\n    reason: one", "rules[6].under"),
    Slip("repeats another", RULES, "", rule("again", when="{grade: [HIGH]}"),
         "for `police.domestic-abuse-incident` the rule adds nothing to `encompass-school`", "from one of them",
         "police.domestic-abuse-incident]\n    gateways: [S49A_DAA]\n    to: {role: dsl, of: child.school}\n    share: "
         "school\n    under: encompass\n    clock: NEXT_SCHOOL_DAY\n    reason: one more", "rules[6].events[0]"),
    # days
    Slip("rule that is over", RULES, ENCOMPASS, ENCOMPASS + "    validUntil: 2026-09-30\n",
         "its last day was 2026-09-30", "a later day", "validUntil", "rules[0].validUntil"),
    Slip("rule after its agreement", RULES, ENCOMPASS, ENCOMPASS + "    validFrom: 2028-10-01\n",
         "agreement `encompass` is in force from 2026-09-01 to 2028-09-01, the rule from 2028-10-01",
         "in force on the rule's days", "validFrom", "rules[0].validFrom"),
    Slip("agreement not signed", AGREEMENTS, "signedOn: 2026-09-01\n    reviewBy: 2028-09-01\n  - id: encompass",
         "signedOn: 2026-11-01\n    reviewBy: 2028-09-01\n  - id: encompass",
         "`north-dsa` is not signed before 2026-11-01", "validFrom", "signedOn: 2026-11", "agreements[0].signedOn"),
    Slip("signed after it was signed", AGREEMENTS, "  - id: encompass",
         "    approvals: [{organisation: north-csc, capacity: Director, signedOn: 2026-10-02}]\n  - id: encompass",
         "`north-csc` signs on 2026-10-02, after", "`signedOn` 2026-10-02", "signedOn: 2026-10-02",
         "agreements[0].approvals[0].signedOn"),
    Slip("agreement soon due", AGREEMENTS, "    reviewBy: 2028-09-01\n  - id: encompass",
         "    reviewBy: 2026-11-01\n  - id: encompass", "`north-dsa` is due for review in 31 days", "renew it now",
         "reviewBy: 2026-11-01", "agreements[0].reviewBy"),
    Slip("area soon due", AREA, "reviewBy: 2029-09-30", "reviewBy: 2026-10-02", "due for review in 1 day",
         "review the rules now", "reviewBy", "reviewBy"),
    Slip("duty that has ended", AGENCIES, "evidence: s16E, from: 2026-09-30",
         "evidence: s16E, from: 2026-08-30, until: 2026-09-30", "not been under the duty since 2026-09-30", "L-07",
         "until: 2026-09-30", "agencies[2].dutyBasis.until"),
    Slip("contract that has ended", AGENCIES, "until: 2028-03-31", "until: 2026-09-30",
         "the contract of `safe-harbour` ended on 2026-09-30", "renew the contract", "until",
         "agencies[3].contract.until"),
    Slip("terms that end", AREA, "to: 2027-07-21", "to: 2026-10-23",
         "the last school term known ends on 2026-10-23: clocks in school days, as that of `encompass-school`",
         "add the terms", "schoolTerms", "schoolTerms"),
    # who is left out
    Slip("not connected yet", AGENCIES, "    roles: [dsl]\n", "    roles: [dsl]\n    connectedFrom: 2027-01-04\n",
         "`encompass-school` would deliver to an inbox that nobody reads before 2027-01-04", "connect it first",
         "connectedFrom", "agencies[2].connectedFrom"),
    Slip("asleep when it is immediate", AGENCIES, ", outOfHours: {name: Head, phone: 01632 960004}", "",
         "`encompass-school` may bring it IMMEDIATE events, and nobody answers at night", "add `outOfHours:`",
         "contacts: {office: {name: Lead", "agencies[2].contacts"),
    Slip("nobody awake", AREA, "    staffed: ROUND_THE_CLOCK\n", "",
         "an IMMEDIATE `police.domestic-abuse-incident` about a child in `E10000099`, `E06000098` reaches no role",
         "urgency: [IMMEDIATE]", "roles:", "roles"),
    Slip("agency no rule reaches", RULES, "to: {role: hub, of: area}", "to: {role: front-door, of: area}",
         "no rule reaches `north-police`", "one of its roles", "id: north-police", "agencies[0]"),
    Slip("authority nobody serves", AGENCIES, "    roles: [front-door]\n",
         "    roles: [front-door]\n    authorities: [E10000099]\n",
         "no agency with role `front-door` serves `E06000098`", "give an agency that serves it the role",
         "role: front-door", "rules[1].to.role"),
    Slip("type nobody hears of", RULES, "[control.withheld]", "[education.absence-concern]",
         "no rule of the area delivers `control.withheld` to anybody", "a deny rule that says why", "area: north",
         "area"),
    # entries nothing refers to
    Slip("agreement without rules", RULES, "under: encompass", "under: north-dsa",
         "no rule is under agreement `encompass`",
         "`under:`", "id: encompass", "agreements[1]"),
    Slip("projection without rules", RULES, "share: school", "share: front-door", "no rule shares projection `school`",
         "`share:`", "school:", "school"),
    Slip("type no rule shares", PROJECTIONS, "[incidentDate]\n",
         "[incidentDate]\n    education.absence-concern: [sessionsMissed]\n",
         "no rule shares `school` for `education.absence-concern`", "remove it", "education.absence-concern",
         "school.events.education.absence-concern"),
    Slip("role nobody uses", AREA, "  advocate:", "  deputy: {title: Deputy, classes: []}\n  advocate:",
         "no agency has role `deputy` and no rule addresses it", "give it to an agency", "deputy:", "roles.deputy"),
    Slip("locating role nobody has", AREA, FROM_LOCATING,
         FROM_LOCATING.replace("]", ", night]", 1) + "  night: {title: Night, classes: []}\n",
         "no agency has role `night`", "as short as it can be", "night]", "locatingRoles[1]"),
]  # fmt: skip


def inspected(root: Path, file: str = AREA, old: str = "", new: str = "") -> tuple[Inspection, str]:
    text = FILES[file].replace(old, new, 1) if old else FILES[file] + new
    return inspect_folder(write_areas(root, {**FILES, file: text}), TYPES, TODAY), text


def test_the_folder_without_slips_is_quiet(tmp_path: Path) -> None:
    """The tests below disturb one thing each; undisturbed, there is nothing to say."""
    inspection, _ = inspected(tmp_path)
    assert inspection.problems == ()
    assert inspection.artefact is not None


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_a_slip_is_located_and_explained(tmp_path: Path, slip: Slip) -> None:
    """A warning, at the line and column of what to change, with what to do; the area compiles all the same."""
    assert slip.old in FILES[slip.file], "the slip does not apply to the folder"
    inspection, text = inspected(tmp_path, slip.file, slip.old, slip.new)
    files = {**FILES, slip.file: text}
    found = [p for p in inspection.problems if slip.message in p.message]
    assert found, "\n".join(map(str, inspection.problems))
    problem = found[0]
    assert (problem.severity, problem.key) == (Severity.WARNING, slip.key)
    lines = files[problem.file].splitlines(keepends=True)
    there = lines[problem.line - 1][problem.column - 1 :] + "".join(lines[problem.line :])
    assert there.startswith(slip.at), there[:80]
    assert slip.suggestion in (problem.suggestion or ""), problem.suggestion
    assert inspection.artefact is not None
