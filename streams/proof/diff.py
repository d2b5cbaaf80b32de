"""The difference of two rule sets: who is newly told what, and who no longer is, over all possible events.

Not a sample and not a comparison of texts: for each event type and recipient both rule sets' answers are functions of
everything an event can say, from the day `at` on, and their difference is written as boxes of conditions. Rule sets
that share alike have an empty difference however they are written. Compared is what `decide` answers without stops:
outcome, fields, clock, roles addressed and lawful bases; not the names of rules nor the reasons of refusals.

An agency that stands in for others when they are excluded for a conflict of interest is asked about once with nobody
excluded and once for each of them. That is enough: what it is given for several at once is the union of what it is
given for each, so no difference can show only there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from schemas.vocabulary import Disposition, OutcomeKind
from streams.policy.artefact import Artefact
from streams.policy.clocks import Calendar
from streams.policy.compiled import DAY_MS
from streams.policy.contract import EventTypesLike
from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.facts import AgencyId, EpochMillis, RuleId
from streams.proof.boxes import Box, Diagram, Diagrams
from streams.proof.diff_answers import NOT_TOLD, Answer, Answers
from streams.proof.diff_scope import alike, chain_both, ground, recipients, roles_addressed, rules_read, stands_in_for
from streams.proof.diff_space import Choice, Pair, Side, Space, space_for

EPOCH = 719_163  # date.toordinal() of 1970-01-01
Progress = Callable[[int, int], None]  # (done, of how many)
Leaf = tuple[Answer, Answer] | None  # None: both sides answer alike
# What agencies are called in conditions: each recipient of a row and the others, each agency replaced and the others.
ITSELF, PEER, REPLACED, ALIKE = "itself", "peer", "replaced", "alike"
SAME = (Answer("", clock="same"), Answer("", clock="same"))


class ProofBroken(AssertionError):  # noqa: N818 (a fault of this software, not of the rules)
    """A difference that was found does not show when the event is decided. Please report it; trust neither side."""


class Allowed(NamedTuple):
    """What one dimension may say: any of `names`, or, if `but`, anything else than they."""

    names: tuple[str, ...]
    but: bool = False


class Region(NamedTuple):
    """One box of conditions on an event, all of which hold. A dimension not named may be anything.

    `old` and `new` are the rules that spoke for or against the recipient in one event of the box.
    """

    when: Mapping[str, Allowed]
    old: tuple[RuleId, ...]
    new: tuple[RuleId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes different, and in exactly which events: those in any of `regions`.

    `what` is outcome (before -> after: DELIVERED, HELD or NOT_TOLD), gained or lost (`fields`), clock, roles or basis
    (before -> after); of whole events paused or resumed; while standing in, same: nothing changes there after all.
    """

    what: str
    before: str = ""
    after: str = ""
    fields: tuple[str, ...] = ()
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All changes for recipients who are told alike. In conditions each of them is `itself`, the others are `peer`.

    A row with `standing_in_for` says what is different from the row without, while one of these agencies (`replaced`;
    the others are `alike`) is excluded for a conflict of interest and a recipient stands in for it.
    """

    event_type: str
    recipients: tuple[AgencyId, ...]
    standing_in_for: tuple[AgencyId, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Empty exactly when the two rule sets answer every possible event alike from the day `at` on.

    `paused` are periods and places in which one side only lets whole events wait, its rules past their review date.
    `calendars` are areas whose working or school days differ, so that equal clocks end at different times.
    """

    old: str
    new: str
    at: date
    rows: tuple[Row, ...]
    paused: tuple[Change, ...]
    calendars: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not (self.rows or self.paused or self.calendars)


def compare(
    old: Artefact, new: Artefact, event_types: EventTypesLike, at: date, progress: Progress | None = None
) -> Difference:
    """The exact difference from the day `at` on. Raises ProofBroken if a difference found does not show in `decide`."""
    rows: list[Row] = []
    paused: tuple[Change, ...] = ()
    calendars: tuple[str, ...] = ()
    if old.hash != new.hash:
        pair = (Side.of(old, event_types), Side.of(new, event_types))
        day = at.toordinal() - EPOCH
        kinds = sorted({*event_types, *pair[0].by_type, *pair[1].by_type, *_in_contracts(pair)})
        paused = _paused(pair, kinds[0], day)
        calendars = _calendars(pair)
        for number, kind in enumerate(kinds):
            rows += _rows(pair, kind, day)
            if progress is not None:
                progress(number + 1, len(kinds))
    return Difference(old=old.hash, new=new.hash, at=at, rows=tuple(rows), paused=paused, calendars=calendars)


def _in_contracts(pair: Pair) -> set[str]:
    agencies = (agency for side in pair for agency in side.rules.agencies.values())
    return {name for agency in agencies for name in agency.contract_types or ()}


def _rows(pair: Pair, event_type: str, at: int) -> Iterator[Row]:
    """The rows of one event type, recipients who are told alike together."""
    read = (rules_read(pair[0], event_type), rules_read(pair[1], event_type))
    known = ground(pair[0]) == ground(pair[1])
    if known and read[0].keys() == read[1].keys():
        return
    changed = None
    if known:
        changed = [
            (side, rule)
            for side, mine, other in ((pair[0], *read), (pair[1], *reversed(read)))
            for content, rule in mine.items()
            if content not in other
        ]
    groups: dict[Any, list[AgencyId]] = {}
    for each in recipients(pair, event_type, changed):
        stands_in = each if stands_in_for(pair, each) else None
        groups.setdefault((stands_in, alike(pair, event_type, each)), []).append(each)
    for group in groups.values():
        yield from _group_rows(pair, event_type, at, tuple(group))


def _group_rows(pair: Pair, event_type: str, at: int, group: tuple[AgencyId, ...]) -> Iterator[Row]:
    question = _Question(pair, event_type, at, group)
    changes = question.changes(question.difference(()))
    if changes:
        yield Row(event_type=event_type, recipients=group, standing_in_for=(), changes=changes)
    places: dict[Any, list[AgencyId]] = {}
    for agency in stands_in_for(pair, group[0]):
        chain = chain_both(pair, agency, group[0])
        places.setdefault((chain[1:], alike(pair, event_type, agency)), []).append(agency)
    for (between, _), agencies in places.items():
        question = _Question(pair, event_type, at, group, tuple(agencies), between)
        difference = question.standing_in()
        if difference is not None:
            changes = question.changes(difference)
            yield Row(event_type=event_type, recipients=group, standing_in_for=tuple(agencies), changes=changes)


class _Question:
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
    ) -> None:
        self._pair, self._recipient, self._others = pair, group[0], (*replaced[:1], *between)
        self._names: dict[str, str] = dict.fromkeys(replaced, ALIKE) | dict.fromkeys(group, PEER)
        self._names |= dict.fromkeys(replaced[:1], REPLACED) | {group[0]: ITSELF}
        targets = (group[0], *self._others)
        self._space = space_for(pair, event_type, targets, at, roles_addressed(pair, event_type, targets))
        self.made = Diagrams({name: len(choices) for name, choices in self._space.dimensions.items()})
        self._boxes: dict[Diagram, tuple[Box, ...]] = {}
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
            out.append(Change(what=what, before=before, after=after, regions=self._regions(region, wanted)))
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
                yield Change(
                    what=what, fields=tuple(fields), regions=self._regions(region, (what, fields[0], fields[-1]))
                )

    def _regions(self, region: Diagram, change: tuple[str, str, str]) -> tuple[Region, ...]:
        boxes = self._boxes.get(region)
        if boxes is None:
            boxes = self._boxes[region] = tuple(self.made.boxes(region))
        return tuple(self._shown(box, change) for box in boxes)

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
        return Region(_named(box, self._space, self._names), *spoke)


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


def _named(box: Box, space: Space, names: Mapping[str, str]) -> Mapping[str, Allowed]:
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


def _paused(pair: Pair, event_type: str, at: int) -> tuple[Change, ...]:
    """Where one side only lets whole events wait because rules are past their review date (any event type)."""
    space = space_for(pair, event_type, (AgencyId(""),), at, {})
    made = Diagrams({name: len(choices) for name, choices in space.dimensions.items()})
    old, new = (Answers(side, space, made).stale() for side in pair)
    out = []
    for what, wanted in (("paused", (False, True)), ("resumed", (True, False))):
        region = made.combine(lambda a, b, w=wanted: (a, b) == w, old, new)
        boxes = tuple(made.boxes(region))
        for box in boxes:
            _confirm_paused(pair, space, made, box, wanted)
        if boxes:
            out.append(Change(what=what, regions=tuple(Region(_named(box, space, {}), (), ()) for box in boxes)))
    return tuple(out)


def _confirm_paused(pair: Pair, space: Space, made: Diagrams, box: Box, wanted: tuple[bool, bool]) -> None:
    point = made.point(box)
    now = EpochMillis(space.dimensions["day"][point.get("day", 0)].value * DAY_MS)
    decisions = [decide(space.facts(point), side.rules, now) for side in pair]
    if tuple(d.disposition is Disposition.HELD for d in decisions) != wanted:
        raise ProofBroken(f"rules past review: {wanted} does not show in an event")


def _calendars(pair: Pair) -> tuple[str, ...]:
    """Areas of both sides whose working or school days differ on any day that either calendar names."""
    both = sorted(pair[0].rules.calendars.keys() & pair[1].rules.calendars.keys())
    return tuple(area for area in both if _days_differ(*(side.rules.calendars[area] for side in pair)))


def _days_differ(one: Calendar, other: Calendar) -> bool:
    if one == other:
        return False
    named = {day for calendar in (one, other) for day in calendar.bank_holidays}
    named |= {day for calendar in (one, other) for term in calendar.terms for day in term}
    if not named:
        return False
    days = (min(named) + timedelta(days=n) for n in range((max(named) - min(named)).days + 1))
    return any(
        one.is_working_day(day) != other.is_working_day(day) or one.is_school_day(day) != other.is_school_day(day)
        for day in days
    )
