"""What a batch did, counted while it is planned, so that telemetry costs one call a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from connectors.telemetry import RoutedBatch
from schemas.vocabulary import Disposition, OutcomeKind, RejectReason
from streams.routing.deliveries import Prepared

UNREADABLE_TYPE = "unreadable"


class Tally:
    """Counts of one batch: noted while planning, added up once at the end."""

    __slots__ = ("_events", "_held", "_rejected", "decided", "received", "relationships", "routed")

    def __init__(self) -> None:
        self.received: list[int] = []  # Kafka timestamps (ms), one a record
        self.routed: list[tuple[str, Disposition]] = []  # (event type, disposition), one a routed record
        self.decided: list[Prepared] = []  # one a candidate
        self.relationships: Counter[str] = Counter()  # used, declared or ended
        self._events: Counter[tuple[str, str]] = Counter()
        self._rejected: Counter[str] = Counter()
        self._held: Counter[str] = Counter()

    def rejected(self, event_type: str | None, reason: RejectReason) -> None:
        self._events[event_type or UNREADABLE_TYPE, Disposition.REJECTED] += 1
        self._rejected[reason] += 1

    def held(self, event_type: str, reasons: Iterable[str]) -> None:
        self._events[event_type, Disposition.HELD] += 1
        self._held.update(reasons)

    def oldest(self) -> int | None:
        """Kafka timestamp (ms) of the oldest record of the batch."""
        return min(self.received, default=None)

    def batch(self, seconds: float, now: float) -> RoutedBatch:
        """Everything, for telemetry. `seconds` from begin to commit, `now` in Unix seconds."""
        outcomes: Counter[tuple[str, str]] = Counter()
        deliveries: Counter[str] = Counter()
        withheld: Counter[str] = Counter()
        held = Counter(self._held)
        prepared = {id(each): each for each in self.decided}
        for key, count in Counter(map(id, self.decided)).items():
            outcome = prepared[key].outcome
            outcomes[outcome.kind, outcome.reasons[0]] += count
            if outcome.kind is OutcomeKind.HELD:
                held[outcome.reasons[0]] += count
            if outcome.plan is not None:
                deliveries[outcome.plan.event_type] += count
                for _, reason in outcome.plan.withheld:
                    withheld[reason] += count
        return RoutedBatch(
            records=len(self.received),
            seconds=seconds,
            events=self._events + Counter(self.routed),
            outcomes=outcomes,
            deliveries=deliveries,
            withheld_fields=withheld,
            rejected=self._rejected,
            held=held,
            relationships=self.relationships,
            latencies=[max(0.0, now - received / 1000) for received in self.received],
        )
