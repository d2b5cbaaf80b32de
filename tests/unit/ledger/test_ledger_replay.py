"""A decision made again is compared with the one on record in every part that rules decide."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.codec import decode_record
from schemas.vocabulary import Disposition, OutcomeKind
from streams.ledger.replay import PastDecision, decision_of, differences
from streams.policy.decide import decide
from streams.policy.decision import Decision, Outcome, Withheld
from streams.policy.facts import AgencyId, RoleId, RuleId
from streams.policy.stops import Stop, StopId
from tests.rehearsed import audit_of
from tests.unit.policy.builders import EVENT_TYPES, FACTS, NOW, allow, area, rule_set

RULES = rule_set(area([allow("to-school", "dsl", "child.school"), allow("to-door", "front-door", "area")]))
STOP = Stop(id=StopId("s-1"), agency=AgencyId("oak-school"), reason="asked", by="asha", since=NOW)
DECISION = decide(FACTS, RULES, NOW)


def on_record(decision: Decision) -> PastDecision:
    return decision_of(decode_record("audit", audit_of(FACTS, decision, int(NOW), EVENT_TYPES)))


def told(now: Decision) -> list[str]:
    return list(differences(on_record(DECISION), now, EVENT_TYPES))


def with_school(change: Callable[[Outcome], Outcome]) -> Decision:
    outcomes = tuple(change(each) if each.agency == "oak-school" else each for each in DECISION.outcomes)
    return DECISION._replace(outcomes=outcomes)


def test_the_same_decision_has_no_difference() -> None:
    """From the record alone comes the same answer, field by field."""
    assert [outcome.kind for outcome in DECISION.outcomes] == [OutcomeKind.DELIVERED] * 2
    past = on_record(DECISION)
    assert list(differences(past, decide(past.facts, RULES, past.decided_at), EVENT_TYPES)) == []


CHANGES: list[tuple[Callable[[Outcome], Outcome], str]] = [
    (lambda o: o._replace(kind=OutcomeKind.HELD, plan=None), "`oak-school` was DELIVERED, and would be HELD"),
    (lambda o: o._replace(agency=AgencyId("zoo")), "`oak-school` was DELIVERED, and would be no candidate"),
    (lambda o: o._replace(roles=(RoleId("head"),)), "with other roles: dsl, and now head"),
    (lambda o: o._replace(rules=(RuleId("other"),)), "with other rules: to-school, and now other"),
    (lambda o: o._replace(reasons=("ALLOWED", "FALLBACK_FRONT_DOOR")), "with other reasons: ALLOWED, and now ALLOWED,"),
    (lambda o: o._replace(basis=None), "with other basis: Art 6(1)(c), and now none"),
    (lambda o: o._replace(clock="PT1H"), "with other clock: NEXT_SCHOOL_DAY, and now PT1H"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_each_part_of_an_outcome_that_differs_is_named(change: Callable[[Outcome], Outcome], said: str) -> None:
    """Outcome, roles, rules, reasons, basis and clock."""
    assert said in told(with_school(change))[0]


def test_each_withheld_field_that_differs_is_named() -> None:
    """A field more, a field less, and one withheld for another reason."""
    plan = next(each.plan for each in DECISION.outcomes if each.agency == "oak-school")
    assert plan is not None
    first, second, *rest = plan.withheld
    changed = plan._replace(withheld=(Withheld(first.path, "ROLE_CEILING"), *rest, Withheld("note2", "NOT_IN_SHARE")))
    found = told(with_school(lambda outcome: outcome._replace(plan=changed)))
    assert len(found) == 4
    assert f"did not get `{second.path}` ({second.reason}), which would not be so" in "\n".join(found)
    assert "would not get `note2` (NOT_IN_SHARE), which was not so" in found[-1]


def test_the_event_as_a_whole_is_compared() -> None:
    """Another disposition is a difference even where no candidate's outcome is."""
    found = told(Decision(Disposition.UNROUTED, DECISION.rule_set, DECISION.outcomes, ("NOBODY_ENTITLED",)))
    assert found == ["the event was DECIDED, and would be UNROUTED NOBODY_ENTITLED"]


def test_the_record_names_the_stops_that_a_replay_needs() -> None:
    """Under them the decision comes out the same, without them it does not."""
    past = on_record(decide(FACTS, RULES.with_stops([STOP]), NOW))
    assert past.stops == ("s-1",)
    again = decide(past.facts, RULES.with_stops([STOP]), past.decided_at)
    assert list(differences(past, again, EVENT_TYPES)) == []
    assert list(differences(past, DECISION, EVENT_TYPES)) == ["`oak-school` was HELD, and would be DELIVERED"]
