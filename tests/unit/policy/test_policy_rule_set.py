"""The rule set in memory: equal content is the same object, caches stay bounded, the index stays narrow."""

from __future__ import annotations

from typing import Any

import pytest

from streams.policy import decide as decide_module
from streams.policy.compiled import NO, UNSURE, YES
from streams.policy.conditions import MAX_ENTRIES, split
from streams.policy.decide import decide
from streams.policy.index import RuleSet
from tests.unit.policy.builders import (
    ABSENCE,
    INCIDENT,
    NOW,
    allow,
    area,
    east,
    facts,
    judgement,
    millis,
    rule_set,
    token,
)

HOME = allow("home", "front-door", "child.homeAuthority", share="everything")
SCHOOL = allow("school", "dsl", "child.school", share="school")


def test_equal_outcomes_and_plans_are_the_same_object() -> None:
    """The router keeps pieces encoded beforehand by identity."""
    rules = rule_set(area([HOME, SCHOOL]))
    first = decide(facts(), rules, NOW).outcomes
    again = decide(facts(event_id="other", judgements=(judgement("oak-school"),)), rules, millis("2026-10-09")).outcomes
    assert [a is b for a, b in zip(first, again, strict=True)] == [True, True]
    assert [a.plan is b.plan for a, b in zip(first, again, strict=True)] == [True, True]


def test_two_agencies_with_equal_fields_share_one_plan() -> None:
    rules = rule_set(area([allow("all", "dsl", "category:SCHOOL", share="school")]))
    first, second = decide(facts(), rules, NOW).outcomes
    assert first.plan is second.plan


def test_caches_are_bounded_and_forgetting_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound everything is forgotten and worked out again, equally."""
    monkeypatch.setattr(decide_module, "MAX_INTERNED", 50)
    rules = rule_set(area([HOME, SCHOOL]))
    first = decide(facts(), rules, NOW)
    for n in range(200):
        decide(facts(judgements=(judgement(f"agency-{n}"),)), rules, NOW)
        assert rules.settled_count <= 50 + 4
        assert len(rules.outcomes) <= 50 + 4
    assert decide(facts(), rules, NOW) == first


def test_agencies_are_found_by_their_codes() -> None:
    rules = rule_set(area([]), east([]))
    found = rules.agency_for("URN", "990001")
    assert found is not None
    assert (found.id, found.channel, found.area) == ("oak-school", "kafka", "north")
    assert rules.agency_for("URN", "000000") is None


def test_authorities_belong_to_areas() -> None:
    rules = rule_set(area([]), east([]))
    assert rules.area_of_gss.get("E06000099") == "east"
    assert rules.area_of_gss.get("E09000001") is None


def rules_asked(rules: RuleSet, event_type: str) -> int:
    """How many rules an event of the type makes the index look at."""
    event = facts(event_type=event_type)
    return sum(
        len(table.get(key_of(event), ())) for key_of, table in rules.shapes.get((event_type, "north"), ())  # type: ignore[call-overload]
    )  # fmt: skip


def test_rules_for_other_events_are_never_looked_at() -> None:
    """Whatever equality condition sets a rule apart keeps it out of the way."""
    apart: list[dict[str, Any]] = [
        {"when": {"source": ["north-csc"]}},
        {"when": {"sourceCategory": ["YOT"]}},
        {"when": {"urgency": ["ROUTINE"]}},
        {"when": {"grade": ["LOW"], "urgency": ["URGENT"]}},
        {"when": {"areaGss": ["E06000098"]}},
        {"when": {"protection": ["REFUGE"]}},
        {"when": {"restricted": True}},
        {"gateways": ["S49A_DAA"]},
        {"events": [ABSENCE]},
    ]
    others = [allow(f"r{n}", "front-door", "area", **changes) for n, changes in enumerate(apart)]
    assert rules_asked(rule_set(area([HOME, *others])), INCIDENT) == 1


def test_a_rule_takes_a_bounded_number_of_index_entries() -> None:
    """What would exceed it is asked rule by rule instead."""
    gss = [f"E1000{n:04}" for n in range(40)]
    parted = split({"areaGss": gss, "grade": ["HIGH", "LOW"], "unborn": False}, ["S16LA"], deny=False)
    assert len(parted.entries) <= MAX_ENTRIES
    assert len(parted.rest) == 1


def test_a_condition_without_a_place_in_the_key_is_asked_afterwards() -> None:
    """It answers as the index would have: yes, no, or that the event does not say."""
    gss = [f"E1000{n:04}" for n in range(40)]
    (condition,) = split({"areaGss": gss, "grade": ["HIGH", "LOW"]}, None, deny=False).rest
    assert [condition(facts(grade=grade)) for grade in ("HIGH", "MEDIUM", "UNKNOWN")] == [YES, NO, UNSURE]


def test_tokens_are_resolved_for_schools_surgeries_and_authorities() -> None:
    tokens = rule_set(area([]), east([])).tokens
    assert tokens.school[token("URN", "990003")] == "ash-school"
    assert tokens.health[token("ODS", "Z99001")] == "elm-surgery"
    assert tokens.authority[token("GSS", "E06000098")] == "E06000098"
