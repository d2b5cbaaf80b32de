"""What a router says about itself, its policy and its register: its part of `connectors.telemetry.Telemetry`."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors import metrics as defined
from connectors.telemetry_base import Occurrences


@dataclass(frozen=True, kw_only=True)
class RoutedBatch:
    """What one committed transaction of the router did, already counted, so that a batch costs one call.

    `latencies` are seconds from a record's Kafka timestamp to now, one a record.
    """

    records: int
    seconds: float  # begin to commit
    events: Mapping[tuple[str, str], int]  # (event type, disposition)
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (outcome, decisive reason)
    deliveries: Mapping[str, int] = field(default_factory=dict)  # event type
    withheld_fields: Mapping[str, int] = field(default_factory=dict)  # reason
    rejected: Mapping[str, int] = field(default_factory=dict)  # reason
    held: Mapping[str, int] = field(default_factory=dict)  # reason
    relationships: Mapping[str, int] = field(default_factory=dict)  # used, declared or ended
    latencies: Sequence[float] = ()


class RouterOccurrences(Occurrences):
    """One method an occurrence."""

    # --- router -------------------------------------------------------------------------------------------

    def batch_committed(self, batch: RoutedBatch) -> None:
        self._add(defined.TRANSACTIONS, {("committed",): 1})
        self._add(defined.ROUTED, batch.events)
        self._add(defined.OUTCOMES, batch.outcomes)
        self._add(defined.DELIVERIES, _singly(batch.deliveries))
        self._add(defined.WITHHELD_FIELDS, _singly(batch.withheld_fields))
        self._add(defined.REJECTED, _singly(batch.rejected))
        self._add(defined.HELD, _singly(batch.held))
        self._add(defined.REGISTER_USES, _singly(batch.relationships))
        self._observe(defined.TRANSACTION_SECONDS, (batch.seconds,))
        self._observe(defined.BATCH_SIZE, (batch.records,))
        self._observe(defined.LATENCY, batch.latencies)
        spoofed = batch.rejected.get("SPOOFED_SOURCE", 0)
        if spoofed:
            self._say(logging.ERROR, "router.spoofed-source", records=spoofed)
        unrouted = sum(n for (_, disposition), n in batch.events.items() if disposition == "UNROUTED")
        if unrouted:
            self._say(logging.WARNING, "router.unrouted", records=unrouted)
        self._say(logging.DEBUG, "router.batch-committed", records=batch.records, seconds=round(batch.seconds, 4))

    def batch_not_committed(self, *, result: str, records: int, error: str) -> None:
        """`result` is `aborted`, `fenced` or `unknown`; `error` is the client library's error name."""
        self._add(defined.TRANSACTIONS, {(result,): 1})
        self._say(logging.WARNING, "router.batch-not-committed", result=result, records=records, error=error)

    def oldest_unrouted(self, received_at_ms: int | None) -> None:
        """Kafka timestamp (ms) of the oldest record read but not committed; None when there is none."""
        self._waits_since(received_at_ms)

    def partitions_assigned(self, count: int) -> None:
        self._set(defined.PARTITIONS, count)
        self._say(logging.INFO, "router.partitions-assigned", partitions=count)

    # --- policy -------------------------------------------------------------------------------------------

    def policy_activated(self, *, version: int, rule_set: str) -> None:
        self._set(defined.POLICY_VERSION, version)
        self._set(defined.POLICY_ACTIVATED, self._now())
        self._say(logging.INFO, "policy.activated", version=version, ruleSet=rule_set)

    def policy_refused(self, *, reason: str, explanation: str) -> None:
        """`reason` is one of streams.policy.statement.RefusalReason. The last good one stays in force."""
        self._add(defined.POLICY_REFUSED, {(reason,): 1})
        self._say(logging.ERROR, "policy.refused", reason=reason, explanation=explanation)

    def policy_scheduled(self, *, version: int) -> None:
        """`version` waits for its time; 0 when none does."""
        self._set(defined.POLICY_SCHEDULED, version)
        if version:
            self._say(logging.INFO, "policy.scheduled", version=version)

    def policy_read(self, *, offset: int) -> None:
        """Everything on `masa.policy` up to `offset` was taken in, or refused."""
        self._set(defined.POLICY_OFFSET, offset)

    def stops_changed(self, *, in_force: int) -> None:
        self._set(defined.POLICY_STOPS, in_force)
        self._say(logging.WARNING, "policy.stops-changed", inForce=in_force)

    # --- relationship register ----------------------------------------------------------------------------

    def register_holds(self, *, relationships: int, refused: int) -> None:
        self._set(defined.REGISTER_RELATIONSHIPS, relationships)
        self._set(defined.REGISTER_REFUSED, refused)
        self._say(logging.DEBUG, "register.holds", relationships=relationships, refused=refused)

    @abstractmethod
    def _waits_since(self, received_at_ms: int | None) -> None: ...

    @abstractmethod
    def _now(self) -> float: ...


def _singly(counts: Mapping[str, int]) -> Mapping[tuple[str], int]:
    return {(label,): count for label, count in counts.items()}
