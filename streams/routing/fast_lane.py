"""The compiled lane: what most records take, where the compiled modules are in use (`schemas.acceleration`).

It works out by itself only what differs from event to event, and asks `streams.routing.lane_desk` about the rest. What
is rare, refused, held or a repeat takes the plain way altogether.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.client.outbox import AGENCY_HEADER
from connectors.kafka import topics
from connectors.kafka.batch_consumer import Record
from connectors.kafka.partition import Partition
from connectors.kafka.transaction import Output
from schemas.acceleration import Acceleration
from schemas.cut_program import cut_program
from schemas.event_rules import CLOCK_SKEW_MS
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.registry import EventType
from streams.policy.facts import EpochMillis
from streams.policy.index import RuleSet
from streams.routing.audit_pieces import varint
from streams.routing.intake import MAX_EVENT_BYTES
from streams.routing.lane_desk import LOOKED_AT, MOST_SITUATIONS, Desk, Plain
from streams.routing.quick import SURELY_YOUNG_DAYS
from streams.routing.release import RELEASE_HEADER
from streams.routing.repeats import Window
from streams.routing.tally import Tally

# The bytes under which answers are remembered: first and last leaf of what says a manner, and of the particulars.
_MANNER_A = ("envelope.eventType", "envelope.urgency")
_MANNER_B = ("envelope.handling.marking", "envelope.agencyGrade")
_PARTICULARS = ("envelope.concerns", "envelope.settings.accusedSettingUrn")


class Batch(NamedTuple):
    """What the planner lets the lane change: `touched` is the last offset of each partition that was read in it."""

    now: EpochMillis
    windows: dict[Partition, Window]
    touched: dict[Partition, int]
    tally: Tally
    relationships: Sequence[Mapping[bytes, Any]]  # dicts of which one has something if the register has


class FastLane:
    """The lane of one planner, with the desk that answers it. Needs the compiled modules."""

    def __init__(self, built: Acceleration, plain: Plain) -> None:
        modules = built.modules
        self._desk = Desk(modules, plain)
        contracts = {
            SINGLE_OBJECT_MARK + each.fingerprint: _contract(modules, each, plain.intake.allow_synthetic)
            for each in plain.intake.event_types.values()
        }
        self._lane = plain.pseudonymiser.keyed(
            lambda key: modules["streams.routing.native"].Lane(
                self._desk,
                contracts,
                key,
                audit_topic=topics.AUDIT,
                gateway_header=AGENCY_HEADER,
                release_header=RELEASE_HEADER,
                slot=varint(plain.slot),
                skew_ms=CLOCK_SKEW_MS,
                most_days=SURELY_YOUNG_DAYS,
                most_bytes=MAX_EVENT_BYTES,
                most_situations=MOST_SITUATIONS,
            )
        )

    def use(self, rules: RuleSet | None) -> None:
        """Another rule set: nothing that was worked out may be used again."""
        self._desk.use(rules)
        self._lane.forget()

    def begin(self, batch: Batch) -> Callable[[Record], list[Output] | None]:
        """What gives a record's outputs in the batch that begins, or None: then it takes the plain way.

        It opens a layer of the record's window when `touched` does not have its partition yet, notes its offset there,
        stages the event, counts it in the tally, and tells the register, as the plain way does.
        """
        self._lane.begin(*batch)
        plan: Callable[[Record], list[Output] | None] = self._lane.plan
        return plan


def _contract(modules: Mapping[str, Any], contract: EventType, allow_synthetic: bool) -> Any:
    cutter = modules["schemas.native"].Cutter(cut_program(contract.schema, LOOKED_AT), synthetic_ok=allow_synthetic)
    place = {unit.path: index for index, unit in enumerate(cutter.units)}
    required = [place[path] for path in contract.requires if contract.leaf_by_path[path].nullable]
    places = {
        "manner_a": place[_MANNER_A[0]],
        "manner_a_end": place[_MANNER_A[1]] + 1,
        "manner_b": place[_MANNER_B[0]],
        "manner_b_end": place[_MANNER_B[1]] + 1,
        "particulars": place[_PARTICULARS[0]],
        "particulars_end": place[_PARTICULARS[1]] + 1,
        "occurred": place["envelope.occurredAt"],
        "published": place["envelope.publishedAt"],
        "supersedes": place["envelope.supersedes"],
    }
    tells = bool(contract.relationships)
    return modules["streams.routing.native"].Contract(contract, cutter, places, required, tells=tells)
