"""Invariants as data: what is wrong in a file is said where it stands, and no name may mean nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import z3

from streams.policy.located import AreaInvalid
from streams.proof.invariants import Invariant, area_invariants, check_names, shipped_invariants
from streams.proof.terms import Dimension, every, no, some, variable
from streams.proof.world import World, periods
from tests.unit.proof.shipped import NORTHSHIRE, rule, shipped, spoilt, types

GOOD = """\
invariants:
  - id: no-dsl
    title: No school is told of moves
    source: none
    reason: because
    never:
      types: [housing.household-moved]
      to: {roles: [dsl]}
"""
MISTAKES = [
    ("to: {roles: [dsl]}", "to: {rolls: [dsl]}", 8, "unknown key `rolls`", "did you mean `roles`"),
    ("to: {roles: [dsl]}", "to: {categories: [SCHOOLS]}", 8, "`SCHOOLS` is not known here", "did you mean `SCHOOL`"),
    ("never:", "newer:", 6, "unknown key `newer`", "did you mean `never`"),
    ("    reason: because\n", "", 2, "`reason` is missing", "add `reason:`"),
    ("types: [housing.household-moved]", "types: []", 7, "should not be empty", "leave the key out"),
    ("id: no-dsl", "id: No DSL", 2, "`No DSL` is not a valid name", "lower-case letters"),
    ("id: no-dsl", "id: no-dsl\n    area: north", 3, "unknown key `area`", "the folder"),
    ("invariants:", "invariant:", 1, "should hold a list named `invariants`", "start the file"),
]


def written(folder: Path, text: str) -> Path:
    (folder / "invariants.yaml").write_text(text)
    return folder


def test_an_area_without_the_file_has_no_invariants_of_its_own(tmp_path: Path) -> None:
    """The file is optional."""
    assert area_invariants(tmp_path) == ()


def test_an_areas_own_invariants_know_whose_they_are(tmp_path: Path) -> None:
    """They speak of that area's agencies only."""
    (entry,) = area_invariants(written(tmp_path, GOOD))
    assert (entry.id, entry.area) == ("no-dsl", tmp_path.name)


@pytest.mark.parametrize(("right", "wrong", "line", "message", "hint"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_a_mistake_is_said_with_its_place(
    tmp_path: Path, right: str, wrong: str, line: int, message: str, hint: str
) -> None:
    """File, line, what is wrong and what would be right."""
    with pytest.raises(AreaInvalid) as caught:
        area_invariants(written(tmp_path, GOOD.replace(right, wrong, 1)))
    said = next(problem for problem in caught.value.problems if message in problem.message)
    assert said.line == line
    assert said.file == f"{tmp_path.name}/invariants.yaml"
    assert hint in (said.suggestion or "")


def test_an_invariant_claims_one_thing(tmp_path: Path) -> None:
    """`never` and `always` are two invariants, and so is a second one of the same name."""
    both = GOOD + "    always: {reaches: {staffed: [ROUND_THE_CLOCK]}}\n" + GOOD.split("\n", 1)[1]
    with pytest.raises(AreaInvalid, match=r"either `never` or `always`(.|\n)*`no-dsl` is defined twice"):
        area_invariants(written(tmp_path, both.replace("    never:\n      types", "    never:\n      types", 1)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"never": {"types": ["housing.moved"]}}, "no event type `housing.moved`"),
        ({"never": {"exceptTypes": ["housing.household-move"]}}, "did you mean `housing.household-moved`"),
        ({"never": {"to": {"roles": ["dls"]}}}, "no role `dls`; did you mean `dsl`"),
        ({"never": {"to": {"notRoles": ["front-dor"]}}}, "no role `front-dor`"),
        ({"never": {"to": {"agencies": ["oakfield"]}}}, "no agency `oakfield`"),
        ({"never": {"to": {"areas": ["southshire"]}}}, "no area `southshire`"),
        ({"never": {"fields": {"paths": ["envelope.child.nam"]}}}, "did you mean `envelope.child.name`"),
        ({"never": {"when": {"source": ["northshire-polis"]}}}, "no agency `northshire-polis`"),
        ({"always": {"reaches": {"roles": ["frontdoor"]}}}, "no role `frontdoor`"),
    ],
)
def test_a_name_that_means_nothing_is_refused(given: dict[str, object], said: str) -> None:
    """Otherwise the invariant would be proven because it is about nothing."""
    entry = Invariant.model_validate({"id": "x", "title": "x", "source": "x", "reason": "x", **given})
    (problem,) = check_names([entry], World(shipped().document()), types())
    assert said in problem


def test_the_shipped_library_and_northshires_own_name_only_what_exists() -> None:
    """They are read, and every name in them means something."""
    everything = (*shipped_invariants(), *area_invariants(NORTHSHIRE))
    assert check_names(everything, World(shipped().document()), types()) == []
    assert len({each.id for each in everything}) == len(everything) >= 20


def test_days_fall_into_spans_in_which_nothing_changes() -> None:
    """A span begins with the first day of something, and the day after the last of something."""
    changed = spoilt(
        lambda document: rule(document, "moved-edt").update(validFrom="2027-02-03", validUntil="2027-03-04")
    )
    plain, more = (set(periods(World(each.document()), date(2026, 10, 5))) for each in (shipped(), changed))
    assert more - plain == {date(2027, 2, 3), date(2027, 3, 5)}
    assert min(plain) == date(2026, 10, 5)


def test_constants_are_folded_away() -> None:
    """What the rule set has decided already never reaches the solver."""
    a = variable("a")
    assert every([a, False]) is False
    assert every([True, True]) is True
    assert some([a, True]) is True
    assert some([False]) is False
    assert no(no(False)) is False
    assert every([True, a]) is a
    colour = Dimension("colour", ["red", "green"])
    assert colour.among(["red", "green"]) is True
    assert colour.among(["blue"]) is False


def test_terms_mean_what_they_say() -> None:
    """Joined terms are z3's own conjunction, disjunction and negation."""
    a, b = variable("a"), variable("b")
    solver = z3.Solver()
    solver.add(z3.Or(every([a, b]) != z3.And(a, b), some([a, b]) != z3.Or(a, b), no(a) != z3.Not(a)))
    assert solver.check() == z3.unsat


def masa(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", "rules", "verify", *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_command_proves_and_says_so_in_json() -> None:
    """One object for each invariant asked for; exit status 0."""
    done = masa(str(NORTHSHIRE), "--invariant", "severed-identity-no-link", "--json", "--at", "2026-10-05")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["status"], found["from"], found["counterexamples"]) == ("PROVEN", "2026-10-05", [])


def test_the_command_suggests_the_right_name() -> None:
    """A misspelt invariant is wrong usage."""
    done = masa(str(NORTHSHIRE), "--invariant", "severed-identity-no-links")
    assert done.returncode == 2
    assert "did you mean `severed-identity-no-link`" in done.stderr
