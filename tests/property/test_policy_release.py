"""A release takes waiting away from those it names and changes nothing else."""

from __future__ import annotations

from random import Random

import pytest

from schemas.vocabulary import OutcomeKind
from streams.policy.artefact import compile_areas
from streams.policy.decide import decide
from streams.policy.decision import Outcome
from streams.policy.index import RuleSet
from streams.policy.release import WAIVABLE
from tests.property.policy_worlds import areas, event, instant, stops
from tests.unit.policy.builders import EVENT_TYPES, TODAY, token

DOUBTS = [reason.value for reason in sorted(WAIVABLE)]


@pytest.mark.parametrize("seed", range(3))
def test_a_release_never_widens(seed: int) -> None:
    """Without naming anybody anew: who was told or refused is so again, to the field; who waited waits on if any doubt
    is left or a stop holds it, and is otherwise told; nobody else is decided on."""
    rnd, let_go = Random(seed), 0
    for _ in range(60):
        rules = RuleSet.build(compile_areas(areas(rnd), EVENT_TYPES, TODAY), EVENT_TYPES, token)
        for _ in range(15):
            facts, now, under = event(rnd), instant(rnd), rules.with_stops(stops(rnd))
            before = {each.agency: each for each in decide(facts, under, now).outcomes}
            named = [agency for agency in before if rnd.random() < 0.6]
            if not named:
                continue
            waived = tuple(doubt for doubt in DOUBTS if rnd.random() < 0.8)
            after = decide(facts._replace(released=tuple(named), waived=waived), under, now)
            assert [each.agency for each in after.outcomes] == sorted(named)
            for each in after.outcomes:
                let_go += _only_waiting_went(before[each.agency], each, waived)
    assert let_go > 5


def _only_waiting_went(before: Outcome, after: Outcome, waived: tuple[str, ...]) -> bool:
    """Whether it was let go."""
    if before.kind is not OutcomeKind.HELD:
        assert after == before
        return False
    doubts = set(before.reasons) - set(waived) - {"RELATIONSHIP_REGISTER"}
    if after.kind is OutcomeKind.DELIVERED:
        assert (doubts, "RELEASED" in after.reasons) == (set(), True)
        return True
    if after.kind is OutcomeKind.HELD:
        assert doubts <= set(after.reasons) <= set(before.reasons)
        assert doubts or not before.rules  # no rule speaks for it: nothing to let go
        return False
    # The hold of an unknown area stood before laws that take every rule away (`settle`): they answer now.
    assert after.kind is OutcomeKind.DENIED
    assert "CROSS_BORDER_UNKNOWN_AREA" in {*waived} & {*before.reasons}
    return False
