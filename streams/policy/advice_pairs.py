"""Rules that contradict or repeat each other: the same recipient, the same events, two answers.

Definitions, for two allow rules of one area that address the same role through the same selector:

- *clocks contradict* when, in every event in which a rule delivers, others that speak too have a sooner clock: the
  soonest counts, so the rule's own clock never does. A stricter clock for part of the events is no contradiction.
- *bases contradict* when in some event both deliver at least one same field under agreements whose `lawfulBasis`
  differs: the record would then name two bases for one disclosure.
- *a rule repeats others* when, in every event in which it delivers, others that speak too share all its fields, under
  the same agreement and with a clock at least as soon: taking it away changes nothing.

An allow and a deny rule contradict when nothing is left of the allow rule; `advice_rules` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from schemas.vocabulary import FieldClass
from streams.policy.clocks import soonest
from streams.policy.contract_checks import expand
from streams.policy.event_space import Box, PublishedType, left_over, meet
from streams.policy.findings import Findings
from streams.policy.located import Problem
from streams.policy.model import Area, RuleModel, at
from streams.policy.reach import Reached

Group = Sequence[RuleModel]


def pairs_advice(findings: Findings) -> Iterator[Problem]:
    """Contradictions and repetitions among the allow rules of one area that address the same recipient."""
    for area in findings.areas:
        groups: dict[tuple[str, str, str], list[RuleModel]] = {}
        for rule in area.rules:
            for name in dict.fromkeys(rule.events) if rule.id in findings.reached else ():
                groups.setdefault((name, rule.to.role, rule.to.of), []).append(rule)
        for (name, _, _), rules in groups.items():
            if len(rules) > 1:
                yield from _Group(findings, area, findings.types[name], rules).problems()


class _Group:
    """The rules of one area that name the same recipient for one type."""

    def __init__(self, findings: Findings, area: Area, kind: PublishedType, rules: Group) -> None:
        self._findings, self._area, self._kind, self._rules = findings, area, kind, rules
        self._delivers: dict[str, dict[str, Reached]] = {}
        for rule in rules:
            mine = self._delivers[rule.id] = {}
            for each in findings.reached[rule.id]:
                if each.kind is kind and each.delivered:
                    mine[each.agency.id] = each
        self._fields = {rule.id: self._shared(rule) for rule in rules}

    def problems(self) -> Iterator[Problem]:
        gone: set[str] = set()
        for rule in reversed(self._rules):  # of two that say the same, the later one is said to repeat the earlier
            by = self._covering(rule, lambda other, mine: other.id not in gone and self._gives_all(other, mine))
            if by:
                gone.add(rule.id)
                path = ("events", rule.events.index(self._kind.name))
                message = f"for `{self._kind.name}` the rule adds nothing to {_names(by)}"
                yield at(self._area, "rules", rule.id, path, message, "remove the event type from one of them")
        for rule in self._rules:
            sooner = [] if rule.id in gone else self._covering(rule, self._is_sooner)
            if sooner:
                quick = soonest(self._clock(other) for other in sooner)
                yield at(self._area, "rules", rule.id, ("clock",),
                         f"clock `{self._clock(rule)}` never counts for `{self._kind.name}`: {_names(sooner)} names "
                         f"the same recipients, and `{quick}` is sooner",
                         f"give it `{quick}`, or narrow {_names(sooner)}")  # fmt: skip
        yield from self._bases(gone)

    def _bases(self, gone: set[str]) -> Iterator[Problem]:
        for one, other in combinations((rule for rule in self._rules if rule.id not in gone), 2):
            same = sorted(self._fields[one.id] & self._fields[other.id])
            if one.under == other.under or not same or not self._meet(one, other):
                continue
            bases = [self._findings.reach.agreement_of(self._area, rule) for rule in (one, other)]
            if len({agreement.lawful_basis for agreement in bases if agreement is not None}) > 1:
                yield at(self._area, "rules", other.id, ("under",),
                         f"`{same[0]}` of `{self._kind.name}` is given to the same recipients under two lawful "
                         f"bases: here under `{other.under}`, by `{one.id}` under `{one.under}`",
                         "put both rules under one agreement, or share the field in one of them")  # fmt: skip

    def _meet(self, one: RuleModel, other: RuleModel) -> bool:
        """Whether both deliver to one agency in one event on one day."""
        mine, theirs = self._delivers[one.id], self._delivers[other.id]
        return any(
            meet(a, b)
            for agency in mine.keys() & theirs.keys()
            if mine[agency].days.common(*theirs[agency].days)
            for a in mine[agency].delivered
            for b in theirs[agency].delivered
        )

    def _covering(self, rule: RuleModel, counts: Callable[[RuleModel, RuleModel], bool]) -> list[RuleModel]:
        """The others that count and, together, deliver wherever the rule does; empty when they leave it something."""
        used: dict[str, RuleModel] = {}
        mine = self._delivers[rule.id]
        for agency, each in mine.items():
            covers: list[Box] = []
            for other in self._rules:
                theirs = self._delivers[other.id].get(agency)
                if other is rule or theirs is None or not counts(other, rule) or not theirs.days.contain(each.days):
                    continue
                if any(meet(a, b) for a in each.delivered for b in theirs.delivered):
                    covers.extend(theirs.delivered)
                    used[other.id] = other
            if not covers or any(left_over(box, covers) for box in each.delivered):
                return []
        return list(used.values())

    def _gives_all(self, other: RuleModel, rule: RuleModel) -> bool:
        no_later = soonest((self._clock(other), self._clock(rule))) == self._clock(other)
        return other.under == rule.under and no_later and self._fields[rule.id] <= self._fields[other.id]

    def _is_sooner(self, other: RuleModel, rule: RuleModel) -> bool:
        one, two = self._clock(other), self._clock(rule)
        return one != two and soonest((one, two)) == one

    def _clock(self, rule: RuleModel) -> str:
        return rule.clock.value if rule.clock is not None else str(self._kind.clock)

    def _shared(self, rule: RuleModel) -> frozenset[str]:
        """Fields that the rule shares beyond the metadata that everybody gets."""
        projection = self._area.projections[rule.share or ""]
        paths = (*projection.common, *projection.events.get(self._kind.name, ()))
        leaves = (leaf for path in paths for leaf in expand(path, self._kind))
        return frozenset(leaf.path for leaf in leaves if leaf.classes != {FieldClass.ROUTING})


def _names(rules: Sequence[RuleModel]) -> str:
    return ", ".join(f"`{rule.id}`" for rule in rules)
