"""A difference in words and as JSON: what a policy lead reads."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from streams.policy.artefact import Artefact
from streams.proof.diff import compare
from streams.proof.diff_json import to_json
from streams.proof.diff_model import ITSELF, Allowed
from streams.proof.diff_words import Line, Words
from tests.unit.policy.builders import EVENT_TYPES, INCIDENT, allow, area, artefact

AT = date(2026, 9, 30)


def words(old: Artefact, new: Artefact, *, verbose: bool = False) -> Words:
    return Words(old=old.document(), new=new.document(), event_types=EVENT_TYPES, at=AT, verbose=verbose)


def lines(old: list[dict[str, Any]], new: list[dict[str, Any]], recipient: str) -> list[Line]:
    """The lines about one recipient."""
    one, two = artefact(area(old)), artefact(area(new))
    said, _ = words(one, two).lines(compare(one, two, EVENT_TYPES, AT, complete=False))
    return [line for line in said if recipient in line.who]


@pytest.mark.parametrize(
    ("name", "allowed", "said"),
    [
        ("grade", Allowed(("HIGH", "MEDIUM")), "grade HIGH or MEDIUM"),
        ("urgency", Allowed(("IMMEDIATE",), True), "urgency anything but IMMEDIATE"),
        ("purpose", Allowed(("UNKNOWN",), True), None),
        ("ageYears", Allowed(("4", "5 to 17", "18 or older")), "child aged 4 or older"),
        ("ageYears", Allowed(("0 to 3", "unborn")), "child aged 0 to 3 or not yet born"),
        ("concern:NEGLECT", Allowed(("yes",)), "a concern of NEGLECT"),
        ("school", Allowed((ITSELF,)), "the child's school is the recipient"),
        ("school", Allowed(("none",)), "no school stated"),
        ("source", Allowed((ITSELF,), True), None),
        ("placingAuthority", Allowed(("E06000098",), True), None),
        ("placingAuthority", Allowed(("E06000098",)), "placed by E06000098"),
        ("restricted", Allowed(("no",)), None),
        ("restricted", Allowed(("yes",)), "restricted"),
        ("withheldRole:dsl", Allowed(("no",)), None),
        ("withheldRole:dsl", Allowed(("yes",)), "the publisher withholds from dsl"),
        ("confirmed:itself/dsl", Allowed(("yes",)), "the publisher confirms the recipient as dsl"),
        ("excluded:itself/*", Allowed(("yes",)), "the publisher excludes the recipient"),
        ("day", Allowed(("2026-09-30/..",)), None),
        ("day", Allowed(("2026-11-01/2027-01-31",)), "from 2026-11-01 until 2027-01-31"),
    ],
)
def test_conditions_are_said_in_words(name: str, allowed: Allowed, said: str | None) -> None:
    """Each kind of condition, and None for what every ordinary event meets."""
    rules = artefact(area([]))
    assert words(rules, rules).condition(name, allowed) == said


def test_a_wider_condition_is_told_by_what_it_adds() -> None:
    """Not the rule's whole condition, but the events in which something changes."""
    before = allow("r", "front-door", "child.homeAuthority", when={"grade": ["HIGH"]})
    after = allow("r", "front-door", "child.homeAuthority", when={"grade": ["HIGH", "MEDIUM"]})
    (told,) = (line for line in lines([before], [after], "north-csc") if "newly told" in line.what)
    assert told.event_type == INCIDENT
    assert told.roles == ("front-door (the authority where the child lives)",)
    assert told.rules == ("+ r",)
    assert all("grade MEDIUM" in case and "HIGH" not in case for case in told.when)
    assert "+ IDENTITY: child.name" in told.what


def test_a_clock_alone_is_a_change() -> None:
    """Told the same, but sooner to be acknowledged."""
    before = allow("r", "front-door", "child.homeAuthority")
    (line,) = lines([before], [before | {"clock": "PT1H"}], "north-csc")
    assert line.what == ("acknowledges within an hour, not before the next school day begins",)


def test_schools_that_are_told_alike_are_one_line() -> None:
    """A change for every school is not one line a school."""
    (line,) = (
        each for each in lines([], [allow("r", "dsl", "child.school")], "oak-school") if "newly told" in each.what
    )
    assert line.who == ("elm-school", "oak-school")


def test_the_json_has_every_condition_and_says_whether_anything_differs() -> None:
    """One object a row, the summary last; all of it plain JSON."""
    one, two = artefact(area([])), artefact(area([allow("r", "gp-lead", "child.gp")]))
    *rows, summary = json.loads(json.dumps(list(to_json(compare(one, two, EVENT_TYPES, AT)))))
    assert summary["differs"] is True
    assert (summary["old"], summary["new"]) == (one.hash, two.hash)
    (row,) = (row for row in rows if row["recipients"] == ["elm-surgery"])
    gained = [change for change in row["changes"] if change["what"] == "gained"]
    assert {"envelope.child.name"} <= {field for change in gained for field in change["fields"]}
    assert all(case["when"]["gp"] == {"anyOf": ["itself"]} for change in gained for case in change["anyOf"])
