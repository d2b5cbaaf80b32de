"""Seeded traffic of an area: the same agencies, seed and times give the same events, byte for byte.

Pure: time comes in with the instants at which events are to be published. Beside ordinary events there are updates of
the same source record, events that come late, publishers' retries (same id, same content), and events about earlier
events: corrections, answers, acknowledgements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from random import Random
from typing import NamedTuple

from schemas.dates import MILLIS_PER_DAY
from schemas.examples import new_event_id
from schemas.registry import EventType
from schemas.wire import Datum
from streams.simulation import envelope as fill
from streams.simulation.agencies import AreaAgency, Roster
from streams.simulation.choices import ChildChooser, RecipientChooser
from streams.simulation.habits import ABOUT_OWN_EVENT, LEAN
from streams.simulation.payload import PayloadVariety
from streams.simulation.people import HOUSEHOLDS, Child, Population
from streams.simulation.references import PayloadReferences
from streams.simulation.rhythm import SchoolDay, naturally, spread, weekdays
from streams.simulation.sources import SourceMix
from streams.simulation.template import Template

DUTY_COMMENCED_MS = 20_726 * MILLIS_PER_DAY  # 30 September 2026: when the population is 0 to 17 years old
_RETRY, _UPDATE, _LATE = 0.02, 0.07, 0.04
_REMEMBERED = 300
_RETRIED_WITHIN = 40
_MINUTE_MS = 60_000


class Kind(StrEnum):
    """How an event came about."""

    NEW = "new"
    UPDATE = "update"  # the next sequence number of a source record
    LATE = "late"  # days or weeks after it occurred
    RETRY = "retry"  # the publisher sends it again: same id, same content
    FOLLOW_UP = "follow-up"  # about an earlier event


class SimulatedEvent(NamedTuple):
    """One event to publish at `at_ms` (epoch milliseconds). The datum is valid; do not change it."""

    agency: AreaAgency
    event_type: EventType
    datum: Datum
    at_ms: int
    kind: Kind


class _Remembered(NamedTuple):
    event: SimulatedEvent
    child: Child

    @property
    def event_id(self) -> str:
        return str(self.event.datum["envelope"]["eventId"])


class Traffic:
    """The traffic of one area. Each generator continues where the one before stopped."""

    def __init__(
        self,
        agencies: Iterable[AreaAgency],
        event_types: Mapping[str, EventType],
        seed: int,
        *,
        area: str | None = None,
        as_of_ms: int = DUTY_COMMENCED_MS,
        school_day: SchoolDay = weekdays,
        households: int = HOUSEHOLDS,
    ) -> None:
        """`area` is the main one, default the one with most agencies; `as_of_ms` the day the population is of."""
        self.roster = Roster(agencies, area)
        self.event_types = event_types
        self.mix = SourceMix(self.roster, event_types.values(), school_day)
        self._rng = Random(f"{seed}:traffic")
        self._people = Population(self.roster, seed, as_of_ms // MILLIS_PER_DAY, households)
        self._children = ChildChooser(self.roster, self._people)
        self._recipients = RecipientChooser(self.roster)
        self._parts: dict[str, tuple[Template, PayloadVariety, PayloadReferences]] = {}
        self._recent: list[_Remembered] = []
        self._records = 0

    def events(self, times: Iterable[int]) -> Iterator[SimulatedEvent]:
        """One event for each instant (epoch milliseconds), which must not go back."""
        for at_ms in times:
            yield self._next(at_ms)

    def natural(self, start_ms: int) -> Iterator[SimulatedEvent]:
        """Events from `start_ms` on, as fast as such an area publishes, for ever."""
        return self.events(naturally(self._rng, start_ms, self.mix.rate_at))

    def spread(self, count: int, start_ms: int, end_ms: int) -> Iterator[SimulatedEvent]:
        """`count` events between two instants, dense where the area's days and nights are busy."""
        return self.events(spread(self._rng, count, start_ms, end_ms, self.mix.rate_at))

    def compose(
        self, event_type: str, at_ms: int, fits: Callable[[AreaAgency], bool] = lambda agency: True
    ) -> SimulatedEvent | None:
        """An ordinary event of one type by an agency that fits; None when the area has no such agency."""
        sources = [source for source in self.mix.of_type(event_type) if fits(source.agency)]
        if not sources:
            return None
        main = [source for source in sources if source.agency.area == self.roster.area]
        source = self._rng.choice(main or sources)
        return self._make(source.agency, source.event_type, at_ms, Kind.NEW).event

    def _next(self, at_ms: int) -> SimulatedEvent:
        draw = self._rng.random()
        if self._recent and draw < _RETRY:
            again = self._rng.choice(self._recent[-_RETRIED_WITHIN:])
            return again.event._replace(at_ms=at_ms, kind=Kind.RETRY)
        if self._recent and draw < _RETRY + _UPDATE:
            made = self._update(at_ms)
        else:
            source = self.mix.choose(self._rng, at_ms)
            kind = Kind.LATE if draw > 1 - _LATE else Kind.NEW
            kind = Kind.FOLLOW_UP if source.event_type.name in ABOUT_OWN_EVENT else kind
            made = self._make(source.agency, source.event_type, at_ms, kind)
        self._recent.append(made)
        if len(self._recent) > _REMEMBERED:
            del self._recent[0]
        return made.event

    def _update(self, at_ms: int) -> _Remembered:
        """The next version of a source record; the version before is forgotten, so that sequences never fork."""
        before = self._recent.pop(self._rng.randrange(len(self._recent)))
        said = before.event.datum["envelope"]
        return self._make(
            before.event.agency,
            before.event.event_type,
            at_ms,
            Kind.UPDATE,
            child=before.child,
            source_ref=said["sourceRef"],
            sequence=said["sequence"] + 1,
            supersedes=said["supersedes"],
        )

    def _make(
        self,
        agency: AreaAgency,
        event_type: EventType,
        at_ms: int,
        kind: Kind,
        *,
        child: Child | None = None,
        source_ref: str | None = None,
        sequence: int = 1,
        supersedes: str | None = None,
    ) -> _Remembered:
        rng = self._rng
        template, variety, references = self._parts_of(event_type)
        target = self._target(agency, event_type) if child is None else None
        occurred = self._occurred(template, at_ms, kind)
        day = occurred // MILLIS_PER_DAY
        child = child or (target.child if target else self._children.choose(rng, agency, template, day))
        datum = template.at(occurred)
        head = datum["envelope"]
        about = supersedes or (target.event_id if target else None) or head["supersedes"]
        if head["supersedes"] is not None:
            head["supersedes"] = about
        recorded = min(at_ms, occurred + rng.randint(1, 90) * _MINUTE_MS) if kind is not Kind.LATE else at_ms
        head.update(
            eventId=new_event_id(at_ms, rng.getrandbits), recordedAt=recorded, publishedAt=at_ms, sequence=sequence
        )
        fill.name_source(rng, head, agency, source_ref or self._new_source_ref(agency, at_ms))
        variety.vary(rng, datum)
        if event_type.name in LEAN:
            head["child"]["nhsNumber"] = child.nhs_number
        else:
            fill.describe_child(rng, head, agency, child, self._people.siblings.get(child.household, []), day)
            fill.handle(rng, head, child)
        if "level" in datum and event_type.name == "identity.protection-changed":
            head["addressProtection"] = datum["level"]
        references.fill(rng, datum, agency, child, about)
        fill.state_basis(rng, head, event_type)
        self._recipients.judge(rng, head, agency, child, target.event.agency if target else None, at_ms)
        return _Remembered(SimulatedEvent(agency, event_type, datum, at_ms, kind), child)

    def _occurred(self, template: Template, at_ms: int, kind: Kind) -> int:
        occurred = at_ms - int(template.lag_ms * self._rng.uniform(1.0, 1.6)) - self._rng.randint(1, 20) * _MINUTE_MS
        if kind is Kind.LATE and not template.unborn:
            occurred -= int(self._rng.uniform(2, 40) * MILLIS_PER_DAY)
        return occurred

    def _target(self, agency: AreaAgency, event_type: EventType) -> _Remembered | None:
        """The earlier event that one of this type is about."""
        own = ABOUT_OWN_EVENT.get(event_type.name)
        if own is None:
            return None
        fitting = [
            each
            for each in self._recent
            if (each.event.agency.id == agency.id) == own and each.event.event_type.name not in ABOUT_OWN_EVENT
        ]
        return self._rng.choice(fitting) if fitting else None

    def _new_source_ref(self, agency: AreaAgency, at_ms: int) -> str:
        self._records += 1
        return f"{fill.initials(agency)}/{at_ms // MILLIS_PER_DAY}/{self._records:06d}"

    def _parts_of(self, event_type: EventType) -> tuple[Template, PayloadVariety, PayloadReferences]:
        parts = self._parts.get(event_type.name)
        if parts is None:
            references = PayloadReferences(event_type, self.roster, self._people)
            parts = self._parts[event_type.name] = (Template(event_type), PayloadVariety(event_type), references)
        return parts
