"""What differs between a decision on record and the one made anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from schemas.paths import expand
from schemas.vocabulary import FieldClass, OutcomeKind
from streams.policy.contract import EventTypesLike
from streams.policy.decision import Decision, Outcome
from streams.policy.words import OutcomeExpected
from streams.rehearsal.cells import Cell, Change, Kind
from streams.rehearsal.past import Recorded

ABSENT = OutcomeExpected.ABSENT.value
_DELIVERED = OutcomeKind.DELIVERED.value
_NO_FIELDS: frozenset[str] = frozenset()
_Found = tuple[tuple[Cell, frozenset[str]], ...]


class Comparer:
    """Compares decisions, remembering which pairs of outcomes it has compared. Pure but for that."""

    def __init__(self, event_types: EventTypesLike, remembered: int) -> None:
        self._event_types = event_types
        self._remembered = remembered
        self._pairs: dict[tuple[str, int, int], _Pair] = {}
        self._kept: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}

    def changes(
        self, event_type: str, disposition: str, before: Sequence[Recorded], after: Decision
    ) -> tuple[Change, ...]:
        """Every difference, cell by cell in order; nothing when the decision would be the same.

        A delivery counts once in each class of which it would have (or lose) at least one field, whatever their number.
        """
        now = {outcome.agency: outcome for outcome in after.outcomes}
        found: list[_Found] = []
        for recorded in before:
            found.append(self._pair(event_type, recorded, now.pop(recorded.agency, None)))  # type: ignore[call-overload]
        found.extend(self._pair(event_type, None, outcome) for outcome in now.values())
        if disposition != after.disposition:
            cell = Cell(Kind.DISPOSITION, event_type, "", (disposition, after.disposition.value))
            found.append(((cell, _NO_FIELDS),))
        return _summed(found) if any(found) else ()

    def _pair(self, event_type: str, before: Recorded | None, after: Outcome | None) -> _Found:
        """Equal outcomes are mostly the same object; `_Pair` keeps both, so that no other can take their place."""
        key = (event_type, id(before), id(after))
        pair = self._pairs.get(key)
        if pair is None:
            if len(self._pairs) >= self._remembered:
                self._pairs.clear()
                self._kept.clear()
            pair = self._pairs[key] = _Pair(tuple(self._compare(event_type, before, after)), before, after)
        return pair.found

    def _compare(
        self, event_type: str, before: Recorded | None, after: Outcome | None
    ) -> Iterator[tuple[Cell, frozenset[str]]]:
        """The differences for one candidate."""
        old_kind = ABSENT if before is None else before.kind
        new_kind = ABSENT if after is None else after.kind.value
        old_role = "" if before is None else ", ".join(before.roles)
        new_role = "" if after is None else ", ".join(after.roles)
        if old_kind != new_kind:
            # Under the role that gets or loses the delivery, so that the counts of one role belong together.
            role = old_role if old_kind == _DELIVERED or after is None else new_role
            yield Cell(Kind.OUTCOME, event_type, role, (old_kind, new_kind)), _NO_FIELDS
        elif old_kind == _DELIVERED and before is not None and after is not None and before.clock != after.clock:
            yield Cell(Kind.CLOCK, event_type, new_role, (str(before.clock), str(after.clock))), _NO_FIELDS
        kept = self._kept_by(event_type, before)
        given = _NO_FIELDS if after is None or after.plan is None else after.plan.kept
        classes = self._classes(event_type)
        for field_class, paths in _by_class(classes, given - kept):
            yield Cell(Kind.GAINED, event_type, new_role, (field_class,)), paths
        for field_class, paths in _by_class(classes, kept - given):
            yield Cell(Kind.LOST, event_type, old_role, (field_class,)), paths

    def _kept_by(self, event_type: str, outcome: Recorded | None) -> frozenset[str]:
        """The fields that were given: those of the schema that were not withheld, none unless it was delivered."""
        known = self._event_types.get(event_type)
        if outcome is None or outcome.kind != _DELIVERED or known is None:
            return _NO_FIELDS
        kept = self._kept.get((event_type, outcome.withheld))
        if kept is None:
            leaves = [leaf.path for leaf in known.leaves]
            kept = frozenset(leaves).difference(expand(outcome.withheld, leaves))
            self._kept[event_type, outcome.withheld] = kept
        return kept

    def _classes(self, event_type: str) -> Mapping[str, frozenset[FieldClass]]:
        known = self._event_types.get(event_type)
        return {leaf.path: leaf.classes for leaf in known.leaves} if known is not None else {}


class _Pair(NamedTuple):
    found: _Found
    before: Recorded | None
    after: Outcome | None


def _summed(found: Sequence[_Found]) -> tuple[Change, ...]:
    counts: Counter[Cell] = Counter()
    fields: dict[Cell, frozenset[str]] = {}
    for one in found:
        for cell, paths in one:
            counts[cell] += 1
            fields[cell] = fields.get(cell, _NO_FIELDS) | paths
    return tuple(Change(cell, times, fields[cell]) for cell, times in sorted(counts.items()))


def _by_class(
    classes: Mapping[str, frozenset[FieldClass]], paths: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    for field_class in sorted({each for path in paths for each in classes[path]}):
        yield field_class.value, frozenset(path for path in paths if field_class in classes[path])
