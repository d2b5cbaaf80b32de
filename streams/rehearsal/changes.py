"""What differs between a decision on record and the one made anew. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from schemas.vocabulary import FieldClass, OutcomeKind
from streams.policy.contract import EventTypesLike
from streams.policy.decision import Decision, Outcome
from streams.policy.words import OutcomeExpected
from streams.rehearsal.cells import Cell, Change, Kind
from streams.rehearsal.past import Recorded

ABSENT = OutcomeExpected.ABSENT.value
_NO_FIELDS: frozenset[str] = frozenset()
_Found = tuple[Cell, frozenset[str]]


def changes(
    event_types: EventTypesLike, event_type: str, disposition: str, before: Sequence[Recorded], after: Decision
) -> tuple[Change, ...]:
    """Every difference, cell by cell in order; nothing when the decision would be the same.

    A delivery counts once in each class of which it would have (or lose) at least one field, whatever their number.
    """
    counts: Counter[Cell] = Counter()
    fields: dict[Cell, frozenset[str]] = {}
    if disposition != after.disposition.value:
        counts[Cell(Kind.DISPOSITION, event_type, "", (disposition, after.disposition.value))] = 1
    was = {each.agency: each for each in before}
    now: Mapping[str, Outcome] = {each.agency: each for each in after.outcomes}
    for agency in {**was, **now}:
        for cell, paths in _of_one(event_types, event_type, was.get(agency), now.get(agency)):
            counts[cell] += 1
            fields[cell] = fields.get(cell, _NO_FIELDS) | paths
    return tuple(Change(cell, count, fields.get(cell, _NO_FIELDS)) for cell, count in sorted(counts.items()))


def _of_one(
    event_types: EventTypesLike, event_type: str, before: Recorded | None, after: Outcome | None
) -> Iterator[_Found]:
    """The differences for one candidate."""
    old_kind = ABSENT if before is None else before.kind
    new_kind = ABSENT if after is None else after.kind.value
    old_role = "" if before is None else ", ".join(before.roles)
    new_role = "" if after is None else ", ".join(after.roles)
    delivered = OutcomeKind.DELIVERED.value
    if old_kind != new_kind:
        # Under the role that gets or loses the delivery, so that the counts of one role belong together.
        role = old_role if old_kind == delivered or after is None else new_role
        yield Cell(Kind.OUTCOME, event_type, role, (old_kind, new_kind)), _NO_FIELDS
    elif old_kind == delivered and before is not None and after is not None and before.clock != after.clock:
        yield Cell(Kind.CLOCK, event_type, new_role, (str(before.clock), str(after.clock))), _NO_FIELDS
    kept = _NO_FIELDS if before is None else before.kept(event_types, event_type)
    given = _NO_FIELDS if after is None or after.plan is None else after.plan.kept
    classes = _classes(event_types, event_type)
    for field_class, paths in _by_class(classes, given - kept):
        yield Cell(Kind.GAINED, event_type, new_role, (field_class,)), paths
    for field_class, paths in _by_class(classes, kept - given):
        yield Cell(Kind.LOST, event_type, old_role, (field_class,)), paths


def _classes(event_types: EventTypesLike, event_type: str) -> Mapping[str, frozenset[FieldClass]]:
    known = event_types.get(event_type)
    return {leaf.path: leaf.classes for leaf in known.leaves} if known is not None else {}


def _by_class(
    classes: Mapping[str, frozenset[FieldClass]], paths: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    for field_class in sorted({each for path in paths for each in classes[path]}):
        yield field_class.value, frozenset(path for path in paths if field_class in classes[path])
