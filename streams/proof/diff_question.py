"""One question of a comparison: how two rule sets answer one recipient about one event type, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.vocabulary import OutcomeKind
from streams.policy.compiled import DAY_MS
from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.facts import AgencyId, EpochMillis, RuleId
from streams.proof.boxes import Box, Diagram, Diagrams
from streams.proof.diff_answers import Answers
from streams.proof.diff_dimensions import space_for
from streams.proof.diff_model import ALIKE, ITSELF, PEER, REPLACED, Allowed, Change, ProofBroken, Region
from streams.proof.diff_scope import roles_addressed
from streams.proof.diff_space import Choice, Pair, Space
from streams.proof.diff_voice import NOT_TOLD, Answer

STATEMENTS = ("withheld", "withheldRole", "confirmed", "confirmedByName", "confirmedRole", "excluded")
Leaf = tuple[Answer, Answer] | None  # None: both sides answer alike
SAME = (Answer("", clock="same"), Answer("", clock="same"))


class Question:
    """Both sides' answers to the first of a group of recipients, who stands in for the first of `replaced`.

    `between` are the alternates before it, who are excluded too.
    """

    def __init__(
        self,
        pair: Pair,
        event_type: str,
        at: int,
        group: tuple[AgencyId, ...],
        replaced: tuple[AgencyId, ...] = (),
        between: tuple[AgencyId, ...] = (),
        complete: bool = True,
    ) -> None:
        self._pair, self._recipient, self._others = pair, group[0], (*replaced[:1], *between)
        names = [(each, ALIKE) for each in replaced] + [(each, PEER) for each in group]
        names += [(each, REPLACED) for each in replaced[:1]] + [(group[0], ITSELF)]
        self._names: dict[str, str] = dict(names)
        targets = (group[0], *self._others)
        self._space = space_for(pair, event_type, targets, at, roles_addressed(pair, event_type, targets))
        self.made = Diagrams({name: len(choices) for name, choices in self._space.dimensions.items()})
        self._boxes: dict[Diagram, tuple[Box, ...]] = {}
        statements = [name for name in self.made.names if name.partition(":")[0] in STATEMENTS]
        self._ordinary = None if complete else self.made.region(dict.fromkeys(statements, frozenset({0})))
        self._sides = (Answers(pair[0], self._space, self.made), Answers(pair[1], self._space, self.made))

    def difference(self, excluded: tuple[AgencyId, ...]) -> Diagram:
        """A Leaf at every point."""
        old, new = (side.answer(self._recipient, excluded) for side in self._sides)
        return self.made.combine(_differ, old, new)

    def standing_in(self) -> Diagram | None:
        """The difference where it is another one because the others are excluded; None if there is no such place."""
        aside, told = self.difference(()), self.difference(self._others)
        if aside == told:
            return None
        return self.made.combine(_other, told, aside)

    def changes(self, difference: Diagram) -> tuple[Change, ...]:
        """The difference as changes, each with its regions."""
        leaves = [leaf for leaf in self.made.values(difference) if leaf is not None]
        out = []
        for what, before, after in sorted({change for leaf in leaves for change in _changes(leaf)}):
            wanted = (what, before, after)
            region = self.made.combine(lambda leaf, w=wanted: leaf is not None and w in _changes(leaf), difference)
            regions, more = self._regions(region, wanted)
            out.append(Change(what=what, before=before, after=after, regions=regions, more=more))
        return (*out, *self._fields(difference, leaves))

    def _fields(self, difference: Diagram, leaves: list[Any]) -> Iterator[Change]:
        """Fields gained and lost, those with equal regions together."""
        for what in ("gained", "lost"):
            by_leaves: dict[frozenset[Any], list[str]] = {}  # fields that move in equal answers move together
            for field in sorted({field for leaf in leaves for field in _moved(leaf, what)}):
                moved = frozenset(leaf for leaf in leaves if field in _moved(leaf, what))
                by_leaves.setdefault(moved, []).append(field)
            for moved, fields in by_leaves.items():
                region = self.made.combine(lambda leaf, m=moved: leaf in m, difference)
                regions, more = self._regions(region, (what, fields[0], fields[-1]))
                yield Change(what=what, fields=tuple(fields), regions=regions, more=more)

    def _regions(self, region: Diagram, change: tuple[str, str, str]) -> tuple[tuple[Region, ...], bool]:
        """The region in boxes, and whether special cases are left out."""
        part = region if self._ordinary is None else self.made.both(region, self._ordinary)
        boxes = self._boxes.get(region)
        if boxes is None:
            boxes = self._boxes[region] = tuple(self.made.boxes(region, part))
        return tuple(self._shown(box, change) for box in boxes), part != region

    def _shown(self, box: Box, change: tuple[str, str, str]) -> Region:
        """The box in names, after one event of it has been decided by both sides and shows the change."""
        point = self.made.point(box)
        facts = self._space.facts(point)
        days = self._space.dimensions["day"]
        now = EpochMillis(days[point.get("day", 0)].value * DAY_MS)
        answers, spoke = [], []
        for side in self._pair:
            decision = decide(facts, side.rules, now)
            answers.append(answered(decision, self._recipient))
            spoke.append(_spoke(decision, self._recipient))
        what, before, after = change
        leaf = _differ(answers[0], answers[1]) or (SAME if what == "same" else None)
        shows = {before, after} <= _moved(leaf, what) if what in ("gained", "lost") else change in _changes(leaf)
        if not shows:
            raise ProofBroken(f"{self._space.event_type}: `{self._recipient}`: {change} does not show in an event")
        return Region(named(box, self._space, self._names), *spoke)


def answered(decision: Decision, recipient: AgencyId) -> Answer:
    """What a decision answers to one recipient, in the terms that are compared."""
    for outcome in decision.outcomes:
        if outcome.agency == recipient:
            if outcome.kind is OutcomeKind.HELD:
                return Answer(outcome.kind.value)
            if outcome.plan is None or outcome.basis is None:
                break
            bases = frozenset(outcome.basis.split(" | ")) - {""}
            return Answer(outcome.kind.value, outcome.plan.kept, outcome.clock, frozenset(outcome.roles), bases)
    return Answer(NOT_TOLD)


def changed(old: Answer, new: Answer) -> frozenset[tuple[str, str, str]]:
    """All that is different between two answers, in the words of Change: (what, before or a field, after)."""
    leaf = _differ(old, new)
    fields = ((what, field, "") for what in ("gained", "lost") for field in _moved(leaf, what))
    return frozenset((*_changes(leaf), *fields))


def _spoke(decision: Decision, recipient: AgencyId) -> tuple[RuleId, ...]:
    return next((outcome.rules for outcome in decision.outcomes if outcome.agency == recipient), ())


def _other(told: Leaf, aside: Leaf) -> Leaf:
    """The difference while standing in, where that is another; SAME where there is none any more."""
    if told == aside:
        return None
    return SAME if told is None else told


def _differ(old: Answer, new: Answer) -> Leaf:
    return None if old == new else (old, new)


def _changes(leaf: Leaf) -> frozenset[tuple[str, str, str]]:
    """What is different but the fields: (what, before, after)."""
    if leaf is None:
        return frozenset()
    old, new = leaf
    if leaf == SAME:
        return frozenset({("same", "", "")})
    if old.kind != new.kind:
        return frozenset({("outcome", old.kind, new.kind)})
    pairs = (
        ("clock", old.clock or "", new.clock or ""),
        ("roles", ", ".join(sorted(old.roles)), ", ".join(sorted(new.roles))),
        ("basis", " | ".join(sorted(old.bases)), " | ".join(sorted(new.bases))),
    )
    return frozenset(pair for pair in pairs if pair[1] != pair[2])


def _moved(leaf: Leaf, what: str) -> frozenset[str]:
    """Fields that are gained or lost."""
    if leaf is None:
        return frozenset()
    old, new = leaf
    return new.kept - old.kept if what == "gained" else old.kept - new.kept


def named(box: Box, space: Space, names: Mapping[str, str]) -> Mapping[str, Allowed]:
    """A box in words; `names` are what agencies are called that stand for several."""
    out: dict[str, Allowed] = {}
    for name, choices in space.dimensions.items():
        if name not in box:
            continue
        allowed = [word for n in sorted(box[name]) for word in _words(choices[n], names)]
        others = [word for n in range(len(choices)) if n not in box[name] for word in _words(choices[n], names)]
        kind, _, about = name.partition(":")
        agency, slash, role = about.partition("/")
        shown = f"{kind}:{names.get(agency, agency)}{slash}{role}" if about else name
        if name == "day":
            out[name] = Allowed(_periods(sorted(box[name]), choices))
        elif len(choices) > 2 and len(others) < len(allowed):
            out[shown] = Allowed(tuple(dict.fromkeys(others)), True)
        else:
            out[shown] = Allowed(tuple(dict.fromkeys(allowed)))
    return out


def _words(choice: Choice, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names.get(each, each) for each in choice.members or (choice.name,))


def _periods(numbers: list[int], days: tuple[Choice, ...]) -> tuple[str, ...]:
    """ISO 8601 intervals of whole days, `..` for no end; spans that follow one another as one."""
    out: list[str] = []
    for number in numbers:
        first, last = days[number].name, (days[number].members or ("..",))[0]
        if out and number - 1 in numbers:
            first = out.pop().partition("/")[0]
        out.append(f"{first}/{last}")
    return tuple(out)
