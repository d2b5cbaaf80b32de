"""Each mistake in an area file is reported with its file, its line and what would be right."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.registry import load_event_types
from streams.policy.artefact import compile_areas
from streams.policy.inspection import inspect_folder
from streams.policy.load import load_areas
from streams.policy.located import AreaInvalid, Problem
from tests.unit.policy.area_folder import FILES, write_areas

TODAY = date(2026, 10, 1)

AREA, AGENCIES, AGREEMENTS = "north/area.yaml", "north/agencies/all.yaml", "north/agreements.yaml"
PROJECTIONS, RULES, CASES = "north/projections.yaml", "north/rules/all.yaml", "north/cases/all.yaml"


class Mistake(NamedTuple):
    """`old` becomes `new` in `file`; the problem is expected on the line that holds `line` (default: `new`)."""

    name: str
    file: str
    old: str
    new: str
    message: str
    suggestion: str
    line: str | None = None


MISTAKES = [
    Mistake("unknown key", RULES, "share: school", "shre: school", "unknown key `shre`", "did you mean `share`"),
    Mistake("unknown condition", RULES, "urgency: [URGENT]", "urgencie: [URGENT]", "unknown key `urgencie`",
            "did you mean `urgency`"),
    Mistake("missing key", AGENCIES, "    channel: gateway\n    roles: [dsl]", "    roles: [dsl]",
            "`channel` is missing", "add `channel:`", line="id: oak-school"),
    Mistake("repeated key", AREA, "legalText: s16LA-2026-09-30", "name: again", "`name` is given twice", "keep one"),
    Mistake("broken YAML", RULES, "when:", "when: [", "not readable as YAML", "", line="urgency"),
    Mistake("alias", AREA, "authorities: [E10000099]", "authorities: &x [E10000099]\nneighbours: *x",
            "aliases are not used", "write the value out", line="neighbours: *x"),
    Mistake("wrong top key", RULES, "rules:", "rule:", "`rules`", "start the file with `rules:`", line="rule:"),
    Mistake("word for a number", RULES, "atMost: 18", "atMost: eighteen", "whole number", ""),
    Mistake("unquoted code", AGENCIES, 'id: "990001"', "id: 990001", "should be text", "quotes"),
    Mistake("unknown category", AGENCIES, "category: SCHOOL", "category: SCHOL", "`SCHOL` is not known",
            "did you mean `SCHOOL`"),
    Mistake("unknown basis", AGENCIES, "basis: DESIGNATED_EDU", "basis: DESIGNATED", "`DESIGNATED` is not known",
            "DESIGNATED_EDU"),
    Mistake("unknown channel", AGENCIES, "channel: gateway\n    roles", "channel: email\n    roles",
            "`email` is not known", "gateway", line="channel: email"),
    Mistake("unknown field class", AREA, "classes: [IDENTITY]", "classes: [IDENTITTY]", "`IDENTITTY` is not known",
            "did you mean `IDENTITY`"),
    Mistake("bad date", RULES, "validFrom: 2026-09-30", "validFrom: 30/09/2026", "is not a date", "2026-09-30"),
    Mistake("impossible date", AREA, "reviewBy: 2029-09-30", "reviewBy: 2029-02-30", "is not a date", "2026-09-30"),
    Mistake("year for a date", AREA, "reviewBy: 2029-09-30", "reviewBy: 2029", "should be a date", "2026-09-30"),
    Mistake("instant without zone", CASES, "18:00:00Z", "18:00:00", "no time zone", "2026-10-05T18:00:00Z"),
    Mistake("bad id", AGENCIES, "id: oak-school", "id: Oak_School", "not a valid name", "lower-case"),
    Mistake("duplicate agency", AGENCIES, "id: safe-harbour", "id: oak-school", "`oak-school` is defined twice",
            "north/agencies/all.yaml:17"),
    Mistake("duplicate rule", RULES, "id: no-school", "id: encompass", "`encompass` is defined twice", ":2"),
    Mistake("review past", AREA, "reviewBy: 2029-09-30", "reviewBy: 2026-09-30", "review date 2026-09-30 is past",
            "set a new date"),
    Mistake("agreement past", AGREEMENTS, "reviewBy: 2028-09-01", "reviewBy: 2026-09-20", "is past", "renew"),
    Mistake("unknown front door", AREA, "frontDoor: north-csc", "frontDoor: north-cse", "no agency `north-cse`",
            "did you mean `north-csc`"),
    Mistake("unknown locating role", AREA, "locatingRoles: [front-door]", "locatingRoles: [front-doors]",
            "no role `front-doors`", "did you mean `front-door`"),
    Mistake("unknown officer role", AREA, "responsibleOfficerRole: ehe-officer", "responsibleOfficerRole: ehe",
            "no role `ehe`", "ehe-officer"),
    Mistake("missing neighbour", AREA, "neighbours: [east]", "neighbours: [west]", "no area folder `west`", "east"),
    Mistake("term backwards", AREA, "to: 2026-10-23", "to: 2026-08-23", "ends before it begins", "swap"),
    Mistake("area in another folder", AREA, "area: north", "area: south", "stands in the folder `north`", "same name"),
    Mistake("control class", AREA, "classes: [IDENTITY]}", "classes: [CONTROL]}", "`CONTROL`", "remove it",
            line="ehe-officer: {"),
    Mistake("locating for a person of concern", AREA, "classes: [CIRCUMSTANCE]", "classes: [LOCATING]",
            "may not hold LOCATING", "P-06"),
    Mistake("unknown role of an agency", AGENCIES, "roles: [dsl]", "roles: [dls]", "no role `dls`",
            "did you mean `dsl`"),
    Mistake("unknown alternate", AGENCIES, "alternate: north-csc", "alternate: north-csd", "agency `north-csd`",
            "did you mean `north-csc`"),
    Mistake("own alternate", AGENCIES, "alternate: north-csc", "alternate: oak-school", "no other agency `oak-school`",
            ""),
    Mistake("contract missing", AGENCIES, "basis: S11_BODY, evidence: s11(1)(h)",
            "basis: CONTRACTED, evidence: none", "needs its `contract`", "L-08", line="id: north-police"),
    Mistake("contract of a statutory body", AGENCIES, "basis: CONTRACTED", "basis: S11_BODY",
            "only a CONTRACTED agency", "remove the contract", line="    contract:"),
    Mistake("unknown commissioner", AGENCIES, "commissioner: north-csc", "commissioner: north-icb",
            "no other agency `north-icb`", "north-csc"),
    Mistake("unknown type in a contract", AGENCIES, "eventTypes: [police.domestic-abuse-incident]",
            "eventTypes: [police.domestic-abuse]", "no event type `police.domestic-abuse`",
            "did you mean `police.domestic-abuse-incident`"),
    Mistake("authority outside the area", AGENCIES, "    roles: [dsl]",
            "    roles: [dsl]\n    authorities: [E06000099]", "`E06000099` is not an authority of this area",
            "E10000099", line="authorities: [E06000099]"),
    Mistake("bad GSS", AREA, "authorities: [E10000099]", "authorities: [E1000099]", "`E1000099` is no gss code", "GSS"),
    Mistake("bad Ofsted URN", AGENCIES, '{scheme: URN, id: "990001"}', '{scheme: OFSTED_URN, id: "ey990001"}',
            "`ey990001` is no setting-urn code", "Ofsted"),
    Mistake("bad URN", AGENCIES, 'id: "990001"', 'id: "99001"', "`99001` is no urn code", "URN"),
    Mistake("bad phone", AGENCIES, "phone: 01632 960003", "phone: ask Jane", "is no phone code", "telephone"),
    Mistake("code used twice", AGENCIES, "scheme: GSS, id: E10000099", "scheme: GSS, id: E23000099",
            "already identifies `north-police`", "its own code"),
    Mistake("authority of two areas", AREA, "authorities: [E10000099]", "authorities: [E10000099, E06000099]",
            "`E06000099` already belongs to `east`", "one area only"),
    Mistake("name used in two areas", AGENCIES, "id: safe-harbour", "id: east-csc", "already used in area `east`",
            "choose another"),
    Mistake("unknown party", AGREEMENTS, "safe-harbour]", "safe-haven]", "no agency `safe-haven`", "safe-harbour"),
    Mistake("unknown party category", AGREEMENTS, "category:SCHOOL,", "category:SCHOOLS,", "no category `SCHOOLS`",
            "did you mean `SCHOOL`"),
    Mistake("party of an unknown area", AGREEMENTS, "category:SCHOOL,", "category:SCHOOL@wesst,", "no area `wesst`",
            "east"),
    Mistake("unknown rule role", RULES, "role: dsl, of: child.school", "role: dsll, of: child.school",
            "no role `dsll`", "did you mean `dsl`"),
    Mistake("unknown selector", RULES, "of: child.school", "of: child.shool", "`child.shool` selects nobody",
            "did you mean `child.school`"),
    Mistake("unknown category selector", RULES, "of: area", "of: category:SCHOOLS", "selects nobody",
            "did you mean `category:SCHOOL`"),
    Mistake("unknown projection", RULES, "share: school", "share: shool", "no projection `shool`",
            "did you mean `school`"),
    Mistake("unknown agreement", RULES, "under: north-dsa", "under: north-dsb", "no agreement `north-dsb`",
            "did you mean `north-dsa`"),
    Mistake("unknown clock", RULES, "clock: NEXT_SCHOOL_DAY", "clock: NEXT_SCHOOLDAY", "`NEXT_SCHOOLDAY` is not known",
            "did you mean `NEXT_SCHOOL_DAY`"),
    Mistake("no gateways", RULES, "    gateways: [S49A_DAA]\n", "", "names the legal gateways", "add `gateways:`",
            line="id: encompass"),
    Mistake("gateway outside the agreement", RULES, "gateways: [S49A_DAA]", "gateways: [CONSENT]",
            "does not cover gateway `CONSENT`", "S16LA"),
    Mistake("regime outside the agreement", RULES, "regimes: [UKGDPR]", "regimes: [DPA_PART3]",
            "does not cover regime `DPA_PART3`", "UKGDPR"),
    Mistake("rule backwards", RULES, "validUntil: 2027-09-30", "validUntil: 2025-09-30", "ends before it begins",
            "swap"),
    Mistake("no age in range", RULES, "atLeast: 4", "atLeast: 19", "no age is in this range", "swap"),
    Mistake("deny with a share", RULES, "    reason: never", "    reason: never\n    share: school",
            "a deny rule has no `share`", "remove it", line="    share: school\n\n"),
    Mistake("event type twice", RULES, "[education.absence-concern]",
            "[education.absence-concern, education.absence-concern]", "`education.absence-concern` is given twice",
            "keep one"),
    Mistake("unknown event type", RULES, "[education.absence-concern]", "[education.absense-concern]",
            "no event type `education.absense-concern`", "did you mean `education.absence-concern`"),
    Mistake("school asked and denied", RULES, "urgency: [URGENT]", "hasSchool: false", "cannot be found",
            "another recipient"),
    Mistake("unknown concern", RULES, "concerns: [DOMESTIC_ABUSE]", "concerns: [DOMESTIC_ABUSSE]",
            "no concern `DOMESTIC_ABUSSE`", "did you mean `DOMESTIC_ABUSE`"),
    Mistake("condition on an unknown agency", RULES, "source: [north-police]", "source: [north-polise]",
            "no agency `north-polise`", "did you mean `north-police`"),
    Mistake("condition on an unknown authority", RULES, "areaGss: [E10000099]", "areaGss: [E10000098]",
            "no authority `E10000098`", "E10000099"),
    Mistake("unknown path", PROJECTIONS, "common: [envelope.child.name]", "common: [envelope.child.nme]",
            "no field `envelope.child.nme`", "did you mean `envelope.child.name`"),
    Mistake("unknown path of a type", PROJECTIONS, "[incidentDate]", "[incidentDay]", "no field `incidentDay`",
            "did you mean `incidentDate`"),
    Mistake("unknown type of a projection", PROJECTIONS, "police.domestic-abuse-incident:", "police.domestic-abuse:",
            "no event type `police.domestic-abuse`", "did you mean"),
    Mistake("control field shared", PROJECTIONS, "[incidentDate]", "[envelope.proposedRecipients]",
            "instruction to the exchange", "never shared"),
    Mistake("share above the ceiling", RULES, "share: school", "share: front-door",
            "gives role `dsl` more than it may hold", "smaller projection"),
    Mistake("case of an unknown rule", CASES, "rule: encompass\n    event", "rule: encompas\n    event",
            "no rule `encompas`", "did you mean `encompass`", line="    rule: encompas"),
    Mistake("case of an unknown agency", CASES, "agency: north-csc", "agency: north-cse", "no agency `north-cse`",
            "did you mean `north-csc`"),
    Mistake("case of an unknown reason", CASES, "reason: NO_RULE", "reason: NO_RULES", "no reason `NO_RULES`",
            "did you mean `NO_RULE`"),
    Mistake("case of an unknown field", CASES, "gets: [envelope.child.name]", "gets: [envelope.child.nam]",
            "no field `envelope.child.nam`", "did you mean"),
    Mistake("case of an unknown outcome", CASES, "outcome: ABSENT", "outcome: MISSING", "`MISSING` is not known",
            "ABSENT"),
]  # fmt: skip


def problems_of(root: Path, files: dict[str, str]) -> tuple[Problem, ...]:
    folder = write_areas(root, files)
    try:
        compile_areas(load_areas(folder, TODAY), load_event_types(), TODAY)
    except AreaInvalid as invalid:
        return invalid.problems
    return ()


def test_the_folder_without_mistakes_compiles(tmp_path: Path) -> None:
    """The tests below break one thing each; unbroken, nothing is wrong."""
    assert problems_of(tmp_path, FILES) == ()


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_located_and_explained(tmp_path: Path, mistake: Mistake) -> None:
    """File, line, what is wrong and what would be right."""
    assert mistake.old in FILES[mistake.file], "the mistake does not apply to the folder"
    text = FILES[mistake.file].replace(mistake.old, mistake.new, 1)
    found = problems_of(tmp_path, {**FILES, mistake.file: text})
    wanted = [p for p in found if mistake.message in p.message]
    assert wanted, "\n".join(map(str, found))
    marker = (mistake.line or mistake.new).strip().splitlines()[0]
    lines = [n for n, line in enumerate(text.splitlines(), 1) if marker in line]
    assert (wanted[0].file, wanted[0].line) in {(mistake.file, n) for n in lines}, str(wanted[0])
    assert mistake.suggestion in (wanted[0].suggestion or ""), str(wanted[0])
    assert _points_at_its_key(text, wanted[0]), str(wanted[0])


def _points_at_its_key(text: str, problem: Problem) -> bool:
    """Whether line and column are where the key, its item or, for a missing key, the entry around it begins."""
    line = text.splitlines()[problem.line - 1]
    before, there = line[: problem.column - 1], line[problem.column - 1 :]
    last = problem.key.rpartition(".")[2]
    return there.startswith(last) or before.rstrip(" ").endswith(("-", "[", ",", "{")) or not before.strip()


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """An author who makes three mistakes sees three problems, not the first of them."""
    files = dict(FILES)
    files[RULES] = files[RULES].replace("role: dsl, of: child.school", "role: dls, of: child.school")
    files[AGENCIES] = files[AGENCIES].replace("category: SCHOOL", "category: SCHOL")
    files[AREA] = files[AREA].replace("frontDoor: north-csc", "frontDoor: nobody")
    assert {p.file for p in problems_of(tmp_path, files)} == {RULES, AGENCIES, AREA}


def test_an_entry_of_the_wrong_shape_is_not_missed_elsewhere(tmp_path: Path) -> None:
    """A misspelt key in an agency is one problem: those who name the agency have done nothing wrong."""
    text = FILES[AGENCIES].replace("channel: kafka\n    roles: [front-door", "chanel: kafka\n    roles: [front-door")
    found = inspect_folder(write_areas(tmp_path, {**FILES, AGENCIES: text}), load_event_types(), TODAY).problems
    assert [p.message for p in found] == ["`channel` is missing", "unknown key `chanel`"]


def test_the_contract_is_asked_behind_other_errors(tmp_path: Path) -> None:
    """A misspelt key in one rule does not hide a misspelt field in a projection."""
    files = dict(FILES)
    files[RULES] = files[RULES].replace("    reason: never", "    reasn: never")
    files[PROJECTIONS] = files[PROJECTIONS].replace("[incidentDate]", "[incidentDat]")
    found = inspect_folder(write_areas(tmp_path, files), load_event_types(), TODAY).problems
    assert {p.file for p in found} == {RULES, PROJECTIONS}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A folder without agreements is told which file is missing."""
    files = {name: text for name, text in FILES.items() if name != AGREEMENTS}
    found = problems_of(tmp_path, files)
    assert [(p.file, p.message) for p in found if p.file == AGREEMENTS] == [(AGREEMENTS, "there is no such file")]


@pytest.mark.parametrize(
    ("stray", "right"),
    [
        ("north/agreement.yaml", "did you mean `agreements.yaml`"),
        ("north/rule/more.yaml", "did you mean `rules/more.yaml`"),
        ("north/rules/old/more.yaml", "did you mean `rules/more.yaml`"),
    ],
)
def test_a_file_that_nothing_reads_is_named(tmp_path: Path, stray: str, right: str) -> None:
    """Rules in a misspelt folder would have no effect, and nobody would know."""
    found = problems_of(tmp_path, {**FILES, stray: "rules: []\n"})
    assert [(p.file, p.message, p.suggestion) for p in found] == [(stray, "nothing reads this file", right)]


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    """An empty file is no list of rules."""
    found = problems_of(tmp_path, {**FILES, RULES: ""})
    assert (RULES, "is empty") in {(p.file, p.message) for p in found}


def test_a_problem_reads_as_one_line() -> None:
    """`file:line:column: key: message; suggestion`, as editors and people expect."""
    problem = Problem(file="a/b.yaml", line=3, column=5, key="rules[0].to", message="is wrong", suggestion="mend it")
    assert str(problem) == "a/b.yaml:3:5: rules[0].to: is wrong; mend it"
