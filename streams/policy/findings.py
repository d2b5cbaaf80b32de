"""What advice is made from: the areas, the day, and what each rule reaches, worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from streams.policy.event_space import Axis, PublishedType, side
from streams.policy.model import Area, RuleModel
from streams.policy.reach import Reach, Reached
from streams.policy.words import Effect


class Findings:
    """`reached` holds, rule by rule, everything an allow rule could do; empty for a rule that names nobody."""

    def __init__(self, areas: Sequence[Area], event_types: Mapping[str, PublishedType], day: date) -> None:
        self.areas, self.types, self.day = tuple(areas), event_types, day
        self.area_of_rule = {rule.id: area for area in areas for rule in area.rules}
        self.reach = Reach(areas, event_types, day)
        self.reached: Mapping[str, tuple[Reached, ...]] = {
            rule.id: tuple(self.reach.of_rule(area, rule)) for area, rule in self.allows()
        }

    def allows(self) -> Iterator[tuple[Area, RuleModel]]:
        return ((area, rule) for area in self.areas for rule in area.rules if rule.effect is Effect.ALLOW)

    def denies(self) -> Iterator[tuple[Area, RuleModel]]:
        return ((area, rule) for area in self.areas for rule in area.rules if rule.effect is Effect.DENY)

    def denies_of(self, area: Area, type_name: str) -> Iterator[tuple[Area, RuleModel]]:
        """The deny rules of one area that speak of a type."""
        return ((area, rule) for rule in area.rules if rule.effect is Effect.DENY and type_name in rule.events)

    def space_purposes(self, rule: RuleModel, kind: PublishedType) -> int:
        """The purposes for which the type is shared and that rule and agreement have in common; 0 for none."""
        area = self.area_of_rule[rule.id]
        agreement = self.reach.agreement_of(area, rule)
        agreed = () if agreement is None else (purpose.value for purpose in agreement.purposes)
        return side(self.reach.asked(rule, kind), Axis.PURPOSE) & self.reach.space.mask(Axis.PURPOSE, agreed)

    def delivered(self) -> Iterator[Reached]:
        """Everything that is delivered to somebody."""
        return (each for found in self.reached.values() for each in found if each.delivered)
