"""What a batch did, counted while it is planned, so that telemetry costs one call a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from connectors.telemetry import RoutedBatch
from schemas.vocabulary import Disposition, OutcomeKind, RejectReason
from streams.routing.deliveries import Prepared

UNREADABLE_TYPE = "unreadable"


class Tally:
    """Counts of one batch. Outcomes are counted by identity and spelled out once, at the end."""

    __slots__ = ("_events", "_held", "_outcomes", "_prepared", "_received", "_rejected")

    def __init__(self) -> None:
        self._received: list[int] = []
        self._events: Counter[tuple[str, str]] = Counter()
        self._outcomes: dict[int, int] = {}
        self._prepared: dict[int, Prepared] = {}
        self._rejected: Counter[str] = Counter()
        self._held: Counter[str] = Counter()

    def arrived(self, received_at: int) -> None:
        self._received.append(received_at)

    def event(self, event_type: str, disposition: Disposition) -> None:
        self._events[event_type, disposition] += 1

    def rejected(self, event_type: str | None, reason: RejectReason) -> None:
        self._events[event_type or UNREADABLE_TYPE, Disposition.REJECTED] += 1
        self._rejected[reason] += 1

    def held(self, event_type: str, reasons: Iterable[str]) -> None:
        self._events[event_type, Disposition.HELD] += 1
        self._held.update(reasons)

    def decided(self, prepared: Prepared) -> None:
        """One candidate's outcome."""
        key = id(prepared)
        self._outcomes[key] = self._outcomes.get(key, 0) + 1
        self._prepared[key] = prepared

    def oldest(self) -> int | None:
        """Kafka timestamp (ms) of the oldest record of the batch."""
        return min(self._received, default=None)

    def batch(self, seconds: float, now: float) -> RoutedBatch:
        """Everything, for telemetry. `seconds` from begin to commit, `now` in Unix seconds."""
        outcomes: Counter[tuple[str, str]] = Counter()
        deliveries: Counter[str] = Counter()
        withheld: Counter[str] = Counter()
        held = Counter(self._held)
        for key, count in self._outcomes.items():
            outcome = self._prepared[key].outcome
            outcomes[outcome.kind, outcome.reasons[0]] += count
            if outcome.kind is OutcomeKind.HELD:
                held[outcome.reasons[0]] += count
            if outcome.plan is not None:
                deliveries[outcome.plan.event_type] += count
                for _, reason in outcome.plan.withheld:
                    withheld[reason] += count
        return RoutedBatch(
            records=len(self._received),
            seconds=seconds,
            events=self._events,
            outcomes=outcomes,
            deliveries=deliveries,
            withheld_fields=withheld,
            rejected=self._rejected,
            held=held,
            latencies=[max(0.0, now - received / 1000) for received in self._received],
        )
