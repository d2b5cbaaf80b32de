"""What the checker is shown, and what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]


class Place(NamedTuple):
    """A partition."""

    topic: str
    partition: int


class AuditSeen(NamedTuple):
    """A record of the audit topic. `settled`: every effect of its transaction is visible in this view."""

    partition: int
    offset: int
    timestamp: int  # Kafka's, milliseconds
    value: bytes | None
    settled: bool = True


class OutboxSeen(NamedTuple):
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class InboxSeen(NamedTuple):
    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Headers


class KeptSeen(NamedTuple):
    """A record of the held or the rejected topic."""

    partition: int
    offset: int
    value: bytes | None


class EventRowSeen(NamedTuple):
    """`ledger.event`; instants in microseconds since 1970."""

    audit_partition: int
    audit_offset: int
    decided_at: int
    received_at: int | None
    kind: str
    source_topic: str | None
    source_partition: int | None
    source_offset: int | None
    event_id: str | None
    event_type: str | None
    source: str | None
    rule_set: str | None
    subject: str | None
    record: bytes


class OutcomeRowSeen(NamedTuple):
    """`ledger.outcome`; instants in microseconds since 1970."""

    audit_partition: int
    audit_offset: int
    decided_at: int
    agency: str
    outcome: str
    reason: str | None
    delivery_id: str | None
    ack_by: int | None


@dataclass(frozen=True, kw_only=True)
class LedgerView:
    """One consistent snapshot of the database, taken before the end of the audits seen.

    `progress` is the next offset of each audit partition.
    """

    progress: Mapping[int, int]
    events: Callable[[], Iterable[EventRowSeen]]
    outcomes: Callable[[], Iterable[OutcomeRowSeen]]


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything visible from outside, committed records only. Each callable reads anew.

    Order matters only within a partition. Inboxes and kept topics are seen up to a point after every settled audit's
    transaction, audits up to a point after every delivery seen.
    """

    audits: Callable[[], Iterable[AuditSeen]]
    outbox: Callable[[], Iterable[OutboxSeen]]
    inbox: Callable[[frozenset[Place] | None], Iterable[InboxSeen]]  # only these partitions, or all
    held: Callable[[], Iterable[KeptSeen]]
    rejected: Callable[[], Iterable[KeptSeen]]
    ledger: LedgerView | None = None
    # Source partition -> next offset that the router's group committed: everything below must have been audited.
    passed: Mapping[Place, int] = field(default_factory=dict)
    # Oldest offset still in each outbox partition that retention or an operator cut.
    outbox_starts: Mapping[Place, int] = field(default_factory=dict)
    # Oldest offset still in each audit partition that retention cut.
    audit_starts: Mapping[int, int] = field(default_factory=dict)
    # Topic -> time of its oldest record, for topics that retention cut: what was decided before may be gone.
    kept_since: Mapping[str, int] = field(default_factory=dict)
    salt: bytes = b""  # other in each run


class Law(StrEnum):
    """The laws of `streams.ledger.reconcile`, which states them."""

    AUDITED_ONCE = "AUDITED_ONCE"
    AUDIT_SOUND = "AUDIT_SOUND"
    DELIVERED_ONCE = "DELIVERED_ONCE"
    DELIVERY_EXPLAINED = "DELIVERY_EXPLAINED"
    IDS_DISTINCT = "IDS_DISTINCT"
    NOT_TORN = "NOT_TORN"
    REJECTED_KEPT = "REJECTED_KEPT"
    HELD_KEPT = "HELD_KEPT"
    REPEAT_TRUE = "REPEAT_TRUE"
    ORDER_KEPT = "ORDER_KEPT"
    LEDGER_EQUAL = "LEDGER_EQUAL"


Verdict = Literal["missing", "duplicate", "unexplained"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `topic`, `partition`, `offset` are where to look; `details` hold no content of an event."""

    verdict: Verdict
    law: Law
    what: str
    topic: str
    partition: int
    offset: int
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        position = {"topic": self.topic, "partition": self.partition, "offset": self.offset}
        return {"law": self.law.value, "what": self.what, "position": position, **self.details}


@dataclass(slots=True)
class Report:
    """What was counted and what differs. Lists stop at `limit` each; `totals` do not."""

    limit: int
    events: int = 0  # outbox records up to the audited point
    audited: int = 0  # of these, how many have an audit record
    waiting: int = 0  # outbox records beyond that point
    delivered: int = 0  # audited deliveries found in their inbox
    expired: int = 0  # things that could not be checked because retention has cut the topic
    ledger_rows: int | None = None
    ledger_behind: int | None = None  # audit records that the ledger has yet to read
    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    by_law: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def say(self, verdict: Verdict, law: Law, what: str, at: tuple[str, int, int], **details: Any) -> None:
        """Note one difference."""
        self.totals[verdict] += 1
        self.by_law[law.value] += 1
        if self.totals[verdict] <= self.limit:
            self.differences.append(Difference(verdict, law, what, *at, details))

    @property
    def ok(self) -> bool:
        return not self.totals

    def listed(self, verdict: Verdict) -> list[dict[str, Any]]:
        return [each.to_json() for each in self.differences if each.verdict == verdict]

    def to_json(self) -> dict[str, Any]:
        """The shape that `masa ledger reconcile --json` prints."""
        return {
            "events": self.events,
            "audited": self.audited,
            "delivered": self.delivered,
            "missing": self.listed("missing"),
            "duplicate": self.listed("duplicate"),
            "unexplained": self.listed("unexplained"),
            "waiting": self.waiting,
            "expired": self.expired,
            "kinds": dict(sorted(self.kinds.items())),
            "outcomes": dict(sorted(self.outcomes.items())),
            "ledger": {"rows": self.ledger_rows, "behind": self.ledger_behind},
            "totals": {verdict: self.totals[verdict] for verdict in ("missing", "duplicate", "unexplained")},
            "laws": dict(sorted(self.by_law.items())),
        }
