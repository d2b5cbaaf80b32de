"""What the diagrams answer is what `decide` decides, point by point, publishers' statements and stand-ins included."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from streams.policy.artefact import compile_areas
from streams.policy.compiled import DAY_MS
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, EpochMillis, Facts
from streams.policy.index import RuleSet
from streams.proof.boxes import Diagrams
from streams.proof.diff_answers import Answers
from streams.proof.diff_dimensions import space_for
from streams.proof.diff_question import STATEMENTS, answered
from streams.proof.diff_scope import alike, chain_both, recipients, roles_addressed, stands_in_for
from streams.proof.diff_space import Pair, Side, Space
from tests.property.policy_worlds import areas, rule, rules
from tests.unit.policy.builders import EVENT_TYPES, FACTS, INCIDENT, TODAY

FIRST_DAY = TODAY.toordinal() - 719_163 - 2
POINTS = 100
STEPS = 40


def world(rnd: Random) -> Pair:
    given = [*rules(rnd, 20), *(rule(rnd, f"never-{n}", effect="deny") for n in range(3))]
    side = Side.of(compile_areas(areas(rnd, given), EVENT_TYPES, TODAY), EVENT_TYPES)
    return side, side


def point(rnd: Random, space: Space) -> dict[str, int]:
    """A random point, near an ordinary event so that rules are met; a few statements of the publisher."""
    chosen: dict[str, int] = {}
    for name, choices in space.dimensions.items():
        usual = [n for n, each in enumerate(choices) if each.sets and all(getattr(FACTS, f) == v for f, v in each.sets)]
        if name.partition(":")[0] in STATEMENTS:
            chosen[name] = int(rnd.random() < 0.12)
        elif usual and rnd.random() < 0.9:
            chosen[name] = usual[0]
        else:
            chosen[name] = rnd.randrange(len(choices))
    return chosen


def test_somebody_is_told_and_somebody_waits() -> None:
    """The comparison would prove little in worlds in which nobody ever hears of anything."""
    kinds = set()
    for seed in range(4):
        pair = world(Random(seed))
        for recipient in recipients(pair, INCIDENT, None)[:6]:
            space = space_for(pair, INCIDENT, (recipient,), FIRST_DAY, roles_addressed(pair, INCIDENT, (recipient,)))
            made = Diagrams({name: len(choices) for name, choices in space.dimensions.items()})
            kinds |= {value.kind for value in made.values(Answers(pair[0], space, made).answer(recipient))}
    assert kinds == {"DELIVERED", "HELD", "NOT_TOLD"}


def points_of_each_answer(rnd: Random, space: Space, made: Diagrams, answer: int) -> Iterator[dict[str, int]]:
    """Some points of each answer that the diagram gives anywhere, however rare, and those one or two steps away."""
    names = [name for name in space.dimensions if len(space.dimensions[name]) > 1]
    for value in sorted(made.values(answer), key=repr)[:16]:
        box = next(made.boxes(made.combine(lambda v, w=value: v == w, answer)))  # type: ignore[misc]
        for _ in range(STEPS):
            at = point(rnd, space) | {name: rnd.choice(sorted(choices)) for name, choices in box.items()}
            said = [name for name in names if name.partition(":")[0] in STATEMENTS]
            for name in rnd.sample(names, k=rnd.choice([0, 1, 1, 2])) + rnd.sample(said, k=rnd.choice([0, 1])):
                at[name] = rnd.randrange(len(space.dimensions[name]))
            yield at


def decided(side: Side, facts: Facts, day: int, recipient: AgencyId) -> Any:
    return answered(decide(facts, side.rules, EpochMillis(day * DAY_MS)), recipient)


@pytest.mark.parametrize("seed", range(12))
def test_answers_are_those_of_decide(seed: int) -> None:
    """Random rule sets, recipients and events; with and without somebody excluded for whom the recipient stands in."""
    rnd = Random(seed)
    pair = world(rnd)
    event_type = rnd.choice(list(EVENT_TYPES))
    everyone = recipients(pair, event_type, None)
    for recipient in rnd.sample(everyone, min(6, len(everyone))):
        replaced = rnd.choice([*(chain_both(pair, each, recipient) for each in stands_in_for(pair, recipient)), ()])
        targets = (recipient, *replaced)
        space = space_for(pair, event_type, targets, FIRST_DAY, roles_addressed(pair, event_type, targets))
        made = Diagrams({name: len(choices) for name, choices in space.dimensions.items()})
        answer = Answers(pair[0], space, made).answer(recipient, tuple(replaced))
        for at in (*(point(rnd, space) for _ in range(POINTS)), *points_of_each_answer(rnd, space, made, answer)):
            day = space.dimensions["day"][at["day"]].value
            assert made.at(answer, at) == decided(pair[0], space.facts(at), day, recipient), (recipient, at)


@pytest.mark.parametrize("seed", range(8))
def test_recipients_who_are_alike_are_told_alike(seed: int) -> None:
    """An event with two such agencies exchanged in it tells the one what it would have told the other."""
    rnd = Random(seed)
    pair = world(rnd)
    side, event_type = pair[0], rnd.choice(list(EVENT_TYPES))
    groups: dict[Any, list[AgencyId]] = {}
    for each in recipients(pair, event_type, None):
        if not stands_in_for(pair, each):
            groups.setdefault(alike(pair, event_type, each), []).append(each)
    for one, other in ((group[0], group[-1]) for group in groups.values() if len(group) > 1):
        roles = roles_addressed(pair, event_type, (one,))
        space = space_for(pair, event_type, (one,), FIRST_DAY, roles)
        for _ in range(POINTS):
            at = point(rnd, space)
            day, facts = space.dimensions["day"][at["day"]].value, space.facts(at)
            assert decided(side, facts, day, one) == decided(side, exchanged(facts, side.rules, one, other), day, other)


def exchanged(facts: Facts, rules: RuleSet, one: AgencyId, other: AgencyId) -> Facts:
    """The event with the two agencies, and their codes, in each other's place."""
    names: dict[Any, Any] = {
        one: other,
        other: one,
        f"AGENCY:{one}": f"AGENCY:{other}",
        f"AGENCY:{other}": f"AGENCY:{one}",
    }
    codes = [dict(rules.agencies[each].identifiers) for each in (one, other)]
    for scheme in codes[0].keys() & codes[1].keys():
        first, second = (f"{scheme}:{each[scheme]}" for each in codes)
        names |= {first: second, second: first}

    def swap(value: Any) -> Any:
        if isinstance(value, tuple) and value and hasattr(value[0], "_replace"):
            return tuple(each._replace(agency=names.get(each.agency, each.agency)) for each in value)
        return names.get(value, value) if isinstance(value, str) else value

    return Facts(*(swap(value) for value in facts))
