"""A whole mapping, compiled for one agency and one file: which event a record becomes, and its identity.

Pure: texts in, a choice out. The texts of a record are those of `sources`, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from connectors.files.conditions import Holds, Undecidable, compiled
from connectors.files.event_plan import EventPlan, Specs, compile_event, names_of
from connectors.files.fields import Context, LeafPlan, Texts, set_leaves
from connectors.files.mapping import (
    EventSpec,
    FieldSpec,
    FileAgency,
    MappingInvalid,
    MappingProblem,
    SupplierMapping,
)
from connectors.files.values import ColumnProblem
from schemas.catalogue import suggest
from schemas.registry import EventType, EventTypes

_BETWEEN = "\x1f"  # parts of what is digested
REFERENCE_CHARACTERS = 100  # of `envelope.sourceRef`


class Chosen(NamedTuple):
    """A record that becomes an event. `content` is what its version is told by: the texts that are read."""

    plan: EventPlan
    reference: str
    content: str


class Skipped(NamedTuple):
    """A record of which deliberately no event is made."""

    reason: str


class _Event(NamedTuple):
    plan: EventPlan
    holds: Holds
    named: tuple[tuple[int, str], ...]  # place and name of every column that it reads


class Program:
    """A compiled mapping."""

    def __init__(self, mapping: SupplierMapping, agency: FileAgency, types: EventTypes, *, published_at: int) -> None:
        """`published_at` (epoch milliseconds) is the moment the file was taken in.

        Raises MappingInvalid with everything that is wrong.
        """
        self.mapping, self.agency = mapping, agency
        problems: list[MappingProblem] = []
        self.sources = tuple(dict.fromkeys(_columns(mapping)))
        place = {column: index for index, column in enumerate(self.sources)}
        problems.extend(_clashes(mapping, self.sources))
        self._record = tuple(place[column] for column in mapping.record)
        self._skips = [(compiled(skip.when, place), skip.reason) for skip in mapping.skip]
        self._events = []
        for index, spec in enumerate(mapping.events):
            event_type = types.get(spec.type)
            if event_type is None:
                hint = suggest(spec.type, types).removeprefix("; ")
                path = ("events", index, "type")
                problems.append(MappingProblem(path, f"there is no event type `{spec.type}`", hint))
                continue
            context = Context(place, mapping.zone, agency, names_of(event_type), problems)
            self._events.append(_event(mapping, index, spec, event_type, context, published_at))
        self._belongs = _publisher_check(mapping, agency, place)
        if problems:
            raise MappingInvalid(list(dict.fromkeys(problems)))
        self._deciding = tuple(dict.fromkeys(c for spec in mapping.events for c in spec.when or ()))

    @property
    def plans(self) -> tuple[EventPlan, ...]:
        return tuple(event.plan for event in self._events)

    def choose(self, texts: Texts) -> Chosen | Skipped | ColumnProblem:
        """What a record becomes, or why it becomes nothing."""
        try:
            if problem := self._belongs(texts):
                return problem
            for holds, reason in self._skips:
                if holds(texts):
                    return Skipped(reason)
            event = next((each for each in self._events if each.holds(texts)), None)
        except Undecidable as wrong:
            return ColumnProblem((wrong.column,), "", wrong.message, wrong.expected)
        if event is None:
            right = "one of the kinds of record that the mapping's `events` and `skip` name"
            return ColumnProblem(self._deciding, "", "is no kind of record that the mapping knows", right)
        reference = "/".join([texts[place] for place in self._record])
        if not all(texts[place] for place in self._record):
            return ColumnProblem(self.mapping.record, "envelope.sourceRef", "is empty", "what identifies the record")
        if len(reference) > REFERENCE_CHARACTERS:
            right = f"at most {REFERENCE_CHARACTERS} characters"
            return ColumnProblem(self.mapping.record, "envelope.sourceRef", "is too long", right)
        content = _BETWEEN.join([name + text for place, name in event.named if (text := texts[place])])
        return Chosen(event.plan, reference, content)


def stamped(texts: Sequence[str], reference: str, event_id: str, sequence: int) -> list[str]:
    """The texts of a record with what the importer adds to them."""
    return [*texts, reference, event_id, str(sequence)]


def _columns(mapping: SupplierMapping) -> Iterator[str]:
    """Every column that the mapping reads, some more than once."""
    yield from mapping.record
    if mapping.publisher:
        yield from mapping.publisher.from_
    for condition in (*(skip.when for skip in mapping.skip), *(event.when for event in mapping.events)):
        yield from condition or ()
    for spec in _all_specs(mapping):
        yield from _columns_of(spec)


def _all_specs(mapping: SupplierMapping) -> Iterator[FieldSpec]:
    yield from mapping.fields.values()
    for event in mapping.events:
        yield from event.fields.values()


def _columns_of(spec: FieldSpec) -> Iterator[str]:
    yield from spec.from_
    yield from spec.when or ()
    for item in spec.items or ():
        for inner in item.values():
            yield from _columns_of(inner)


def _clashes(mapping: SupplierMapping, sources: Sequence[str]) -> Iterator[MappingProblem]:
    for index, column in enumerate(mapping.ignored):
        if column in sources:
            yield MappingProblem(("ignored", index), f"`{column}` is read, so it is not ignored", "keep one of the two")
    for index, column in enumerate(mapping.optional):
        if column not in sources:
            yield MappingProblem(("optional", index), f"no field reads `{column}`", "leave it out")


def _event(
    mapping: SupplierMapping, index: int, spec: EventSpec, event_type: EventType, context: Context, published_at: int
) -> _Event:
    specs: Specs = {
        **{path: (each, ("fields", path)) for path, each in mapping.fields.items()},
        **{path: (each, ("events", index, "fields", path)) for path, each in spec.fields.items()},
    }
    automatic = _automatic(event_type, context.agency, published_at)
    if "envelope.recordedAt" in specs:
        del automatic["envelope.recordedAt"]
    plan = compile_event(event_type, specs, context, automatic)
    read = dict.fromkeys([*mapping.record, *(c for each, _ in specs.values() for c in _columns_of(each))])
    named = tuple((context.place[column], column + "=") for column in read)
    return _Event(plan, compiled(spec.when, context.place), named)


def _automatic(event_type: EventType, agency: FileAgency, published_at: int) -> dict[str, LeafPlan]:
    """Leaves that say who publishes, what and when: no mapping may set them. `recordedAt` it may."""
    scheme, code = agency.identifiers[0] if agency.identifiers else (None, None)
    fixed = {
        "envelope.eventType": event_type.name,
        "envelope.schemaVersion": event_type.version,
        "envelope.masaId": agency.area,
        "envelope.sourceOrg.category": agency.category,
        "envelope.sourceOrg.scheme": scheme,
        "envelope.sourceOrg.id": code,
        "envelope.publishedAt": published_at,
        "envelope.recordedAt": published_at,
    }
    made: dict[str, Callable[[Texts], str | int]] = {
        "envelope.sourceRef": lambda texts: texts[-3],
        "envelope.eventId": lambda texts: texts[-2],
        "envelope.sequence": lambda texts: int(texts[-1]),
    }
    return set_leaves(event_type, fixed, made)


def _publisher_check(
    mapping: SupplierMapping, agency: FileAgency, place: dict[str, int]
) -> Callable[[Texts], ColumnProblem | None]:
    check = mapping.publisher
    if check is None:
        return lambda texts: None
    codes = frozenset(code for scheme, code in agency.identifiers if scheme == check.scheme)
    places = [place[column] for column in check.from_]
    right = f"{agency.id}'s own {check.scheme}: an agency publishes its own records only"
    problem = ColumnProblem(check.from_, "envelope.sourceOrg.id", "names another agency", right)
    return lambda texts: None if "".join([texts[index] for index in places]) in codes else problem
