"""The compiled lane: `streams.routing.native`, built from native.pyx where a C compiler is at hand.

Used through `streams.routing.fast_lane` only; a property test holds it to what the planner writes without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.kafka.batch_consumer import Record
from connectors.kafka.partition import Partition
from connectors.kafka.transaction import Output
from schemas.native import Cutter, Projector
from schemas.registry import EventType
from streams.policy.facts import Facts
from streams.routing.event import Claim
from streams.routing.repeats import Window
from streams.routing.tally import Tally

SOURCE_STAMP: str  # of the sources it was built from

class Contract:
    """One event type: its cutter (of `lane_desk.LOOKED_AT`), and the units of the parts that the lane looks at.

    `tells` when events of the type may tell the relationship register something. Raises `ValueError` for units that
    are not there.
    """

    def __init__(
        self, event_type: EventType, cutter: Cutter, places: Mapping[str, int], required: Iterable[int], *, tells: bool
    ) -> None: ...
    @property
    def event_type(self) -> EventType: ...
    def value(self, data: bytes, want: int) -> Any:
        """A value of the event that was cut last, which must be `data`."""

class Delivering:
    """One outcome as it is written; `project` is None unless it was delivered."""

    def __init__(
        self,
        prepared: object,
        audit: bytes,
        topic: str | None,
        agency: bytes,
        headers: Iterable[tuple[str, bytes]],
        project: Projector | None,
        clock: str | None,
    ) -> None: ...
    @property
    def prepared(self) -> object: ...

class Manner:
    """What the fixed part of an envelope says, found permitted. `asks` when the register may be asked."""

    def __init__(
        self,
        template: Iterable[Any],
        claim: Claim,
        *,
        needs_school: bool,
        needs_accused: bool,
        asks: bool,
        protected: bool,
    ) -> None: ...
    @property
    def template(self) -> list[Any]: ...

class Situation:
    """What events with the same particulars have in common: pieces of the audit record, and who gets what."""

    def __init__(
        self,
        head: bytes,
        middle: bytes,
        after: bytes,
        outcomes: Iterable[Delivering],
        routed: tuple[str, str],
        facts: Facts,
        registered: int,
    ) -> None: ...

class Lane:
    """Plans records, one call each. Not thread-safe. `desk` answers what it meets for the first time."""

    def __init__(
        self,
        desk: object,
        contracts: Mapping[bytes, Contract],
        secret: bytes,
        *,
        audit_topic: str,
        gateway_header: str,
        release_header: str,
        slot: bytes,
        skew_ms: int,
        most_days: int,
        most_bytes: int,
        most_situations: int,
    ) -> None: ...
    def forget(self) -> None:
        """Another rule set: nothing that was worked out may be used again. A new day is noticed by itself."""

    def begin(
        self,
        now: int,
        windows: Mapping[Partition, Window],
        touched: dict[Partition, int],
        tally: Tally,
        relationships: Sequence[Mapping[bytes, Any]],
    ) -> None:
        """A batch, as `fast_lane.Batch`."""

    def plan(self, record: Record) -> list[Output] | None:
        """The outputs of one record, or None when it is left to the plain way; then nothing has changed."""

def spoken(what: str, *given: Any) -> Any:
    """Small things (`iso_instant`, `varint`, `completed_years`, `delivery_id`) as the lane says them, for tests."""
