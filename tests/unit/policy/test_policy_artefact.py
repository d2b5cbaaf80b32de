"""The compiled artefact: the same for everybody, complete, and refused when damaged."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schemas.registry import load_event_types
from streams.policy.artefact import Artefact, ArtefactBroken, compile_areas
from streams.policy.facts import RuleSetHash
from streams.policy.load import load_areas
from streams.policy.located import AreaInvalid
from tests.unit.policy.area_folder import FILES, write_areas
from tests.unit.policy.builders import EVENT_TYPES, INCIDENT, PROJECTIONS, TODAY, allow, area, artefact, east

RULE = allow("x", "front-door", "area", share="everything")


def test_an_artefact_survives_the_journey() -> None:
    """What is published is what is read, under the same hash."""
    sent = artefact(area([RULE]))
    assert Artefact.from_bytes(sent.content, expected=sent.hash) == sent


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-1], "not readable as JSON"),
        (lambda content: b"\xff" + content, "not readable as JSON"),
        (lambda content: b"[]", "not of version 1"),
        (lambda content: content.replace(b'"version":1', b'"version":2'), "not of version 1"),
        (lambda content: content.replace(b":", b": ", 1), "not in canonical form"),
    ],
)
def test_a_damaged_artefact_is_refused(damage, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArtefactBroken, match=reason):
        Artefact.from_bytes(damage(artefact(area([RULE])).content))


def test_an_artefact_under_another_hash_is_refused() -> None:
    """A tampered rule set names itself."""
    sent = artefact(area([RULE]))
    tampered = sent.content.replace(b'"classes":["CIRCUMSTANCE"', b'"classes":["ADOPTION"', 1)
    assert tampered != sent.content
    with pytest.raises(ArtefactBroken, match=f"expected `{sent.hash}`"):
        Artefact.from_bytes(tampered, expected=sent.hash)
    with pytest.raises(ArtefactBroken, match="expected"):
        Artefact.from_bytes(sent.content, expected=RuleSetHash("0" * 64))


def test_the_day_of_compiling_is_not_in_it() -> None:
    """`today` only decides whether review dates are past."""
    here = area([RULE])
    assert compile_areas([here], EVENT_TYPES, date(2026, 10, 1)) == compile_areas([here], EVENT_TYPES, date(2027, 1, 1))


def test_any_change_of_a_rule_changes_the_hash() -> None:
    assert artefact(area([RULE])).hash != artefact(area([RULE | {"reason": "another"}])).hash


def test_past_the_review_date_nothing_compiles() -> None:
    with pytest.raises(AreaInvalid, match="review date 2028-09-30 is past"):
        compile_areas([area([RULE])], EVENT_TYPES, date(2028, 10, 1))


def test_shares_are_expanded_to_single_fields() -> None:
    """A field added to a record later is shared by nobody until a rule names it."""
    document = artefact(area([RULE])).document()
    fields = document["areas"]["north"]["projections"]["everything"]["events"][INCIDENT]
    assert "envelope.child.name" in fields
    assert "envelope.child" not in fields


def test_unused_projections_are_left_out() -> None:
    assert set(artefact(area([RULE])).document()["areas"]["north"]["projections"]) == {"everything"}
    assert len(PROJECTIONS) > 1


def test_bank_holidays_of_england_are_in_it(tmp_path: Path) -> None:
    """Deadlines can be worked out from the artefact alone."""
    areas = load_areas(write_areas(tmp_path, FILES), TODAY)
    days = compile_areas(areas, load_event_types(), TODAY).document()["areas"]["north"]["bankHolidays"]
    assert {"2026-12-25", "2026-12-28", "2027-03-26", "2027-08-30", "2029-05-28"} <= set(days)
    assert "2026-11-30" not in days  # Saint Andrew's day is Scotland's


def test_neighbours_are_compiled_together(tmp_path: Path) -> None:
    areas = load_areas(write_areas(tmp_path, FILES), TODAY)
    assert [a.spec.area for a in areas] == ["east", "north"]


def test_the_order_of_areas_does_not_matter() -> None:
    here, there = area([RULE]), east([RULE | {"id": "y"}])
    assert artefact(here, there) == artefact(there, here)
