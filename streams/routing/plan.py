"""The router's decision about a batch: records in, records out, nothing touched.

`Planner.plan` yields every output of a batch and counts what it did; the shell (`streams.routing.router`) sends them in
one transaction and then tells the planner whether it committed. Time comes in as an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from connectors.kafka import topics
from connectors.kafka.batch_consumer import Record
from connectors.kafka.partition import Partition
from connectors.kafka.transaction import Headers, Output, Resume
from schemas.acceleration import PLAIN, Acceleration
from schemas.codec import encode_record
from schemas.dates import iso_instant
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.pseudonym import Pseudonymiser, delivery_id
from schemas.registry import EventType, record_wire
from schemas.vocabulary import Disposition, OutcomeKind, RejectReason
from streams.policy.decide import decide
from streams.policy.decision import Decision, Outcome
from streams.policy.facts import AgencyId, EpochMillis
from streams.policy.index import RuleSet
from streams.routing.arrivals import Arrivals
from streams.routing.audit_pieces import AuditPieces, Origin, ack_by_piece, delivered_piece
from streams.routing.audit_record import audit_datum
from streams.routing.deliveries import Prepared, Preparer
from streams.routing.event import Event, Rejection
from streams.routing.fast_lane import Batch, FastLane
from streams.routing.intake import Intake
from streams.routing.involvement import Involvement
from streams.routing.kept import held_record, rejected_record
from streams.routing.lane_desk import Plain
from streams.routing.register import Register
from streams.routing.release import stage_release
from streams.routing.repeats import Window
from streams.routing.tally import Tally

_ID_REUSED = Rejection(RejectReason.ID_REUSED, "envelope.eventId", "already used for other content: make a new id")


class Due(NamedTuple):
    """A deadline, as the audit record and as the delivery's headers say it."""

    piece: bytes
    headers: Headers


class Planner:
    """Plans batches for one slot under one rule set at a time.

    Pure but for its memory: what was routed, and the relationship register.
    """

    def __init__(
        self,
        intake: Intake,
        pseudonymiser: Pseudonymiser,
        slot: int,
        register: Register | None = None,
        built: Acceleration = PLAIN,
    ) -> None:
        """`built` is what of the compiled modules is in use: most records then take the fast lane."""
        self.register = Register() if register is None else register
        self._intake = intake
        self._arrivals = Arrivals(intake, pseudonymiser)
        self._pieces = AuditPieces(SINGLE_OBJECT_MARK + record_wire("audit").fingerprint, slot)
        self._slot = slot
        self._rules: RuleSet | None = None
        self._preparer: Preparer | None = None
        self._windows: dict[Partition, Window] = {}
        self._touched: dict[Partition, int] = {}
        self._planned: deque[dict[Partition, int]] = deque()
        self._due: dict[str | None, Due] = {}
        self.tally = Tally()
        involved = self._involved = Involvement(self.register, pseudonymiser)
        plain = Plain(intake, self._arrivals, self._pieces, self._prepared, self._due_at, involved, pseudonymiser, slot)
        self._lane = FastLane(built, plain) if built.modules else None

    def use(self, rules: RuleSet | None) -> None:
        """The rule set for the batches to come; None holds every event."""
        self._rules = rules
        self._arrivals.forget()
        self._preparer = Preparer(rules.agencies, _inbox_of, rules.hash, self._intake.projector) if rules else None
        if self._lane is not None:
            self._lane.use(rules)

    def own(self, partition: Partition, window: Window) -> None:
        self._windows[partition] = window

    def disown(self, partition: Partition) -> None:
        self._windows.pop(partition, None)

    def rebuild(self, window: Window, records: Iterable[Record]) -> None:
        """Fill a window from the tail of its own partition."""
        for record in records:
            if window.was_routed(record.offset()):
                origin, event = self._arrivals.read(record)
                if isinstance(event, Event) and window.find(event.routed_as, origin.digest) is None:
                    window.open_layer()
                    window.stage_routed(event.routed_as, origin.digest, origin.offset)
                    window.keep()

    def plan(self, records: Iterable[Record], now: EpochMillis) -> Iterator[Output]:
        """Every output of a batch. Exactly one of them a record is its audit record.

        A batch may be planned before the one before it is known to have committed: it sees that one's events as
        routed, and `aborted` drops both.
        """
        self.tally = Tally()
        self._touched = {}
        self._planned.append(self._touched)
        self.register.open_layer()
        self._due = {}
        quickly = _not_at_all if self._lane is None else self._lane.begin(self._batch(now))
        for record in records:
            yield from quickly(record) or self._one(record, now)

    def resume(self) -> Iterator[Resume]:
        """Where each partition of the batch planned last goes on, if it commits; lazy, may be asked beforehand."""
        for each, offset in self._touched.items():
            yield Resume(each.topic, each.partition, offset + 1, self._windows[each].metadata())

    def committed(self) -> None:
        """The oldest planned batch committed."""
        self.register.keep()
        for partition in self._planned.popleft():
            if partition in self._windows:
                self._windows[partition].keep()

    def aborted(self) -> None:
        """The oldest planned batch was not committed, so no later one will be either."""
        self._planned.clear()
        self.register.drop()
        for window in self._windows.values():
            window.drop()

    def _one(self, record: Record, now: EpochMillis) -> list[Output]:
        origin, event = self._arrivals.read(record)
        partition = Partition(origin.topic, origin.partition)
        window = self._windows[partition]
        if partition not in self._touched:
            window.open_layer()
        self._touched[partition] = origin.offset
        self.tally.received.append(origin.received_at)
        if isinstance(event, Rejection):
            return self._reject(record, origin, event, None, window, now)
        try:
            return self._route(record, origin, event, window, now)
        except Exception as error:  # noqa: BLE001 - one record must never stop the others; its bytes are kept
            fault = Rejection(
                RejectReason.UNKNOWN, None, f"the router failed on it ({type(error).__name__}): report it"
            )
            return self._reject(record, origin, fault, event, window, now)

    def _route(self, record: Record, origin: Origin, event: Event, window: Window, now: EpochMillis) -> list[Output]:
        rules = self._rules
        if rules is None:
            window.stage_not_routed(origin.offset)
            return self._hold(record, origin, event, decide(event.facts, None, now), now)
        refusal = self._arrivals.refusal(origin, event, rules)
        if refusal:
            return self._reject(record, origin, refusal, event, window, now)
        seen = window.find(event.routed_as, origin.digest)
        if seen is not None:
            if seen.same_content:
                return [self._repeat(origin, event, seen.offset, now)]
            return self._reject(record, origin, _ID_REUSED, event, window, now)
        event = self._involved.completed(event, now)
        if event.facts.registered:
            self.tally.relationships["used"] += len(event.facts.registered)
        decision = decide(event.facts, rules, now)
        if decision.disposition is Disposition.HELD:
            window.stage_not_routed(origin.offset)
            return self._hold(record, origin, event, decision, now)
        outputs = self._deliver(record, origin, event, decision, now)
        if event.release is not None:  # what it told the register it told when it first came
            stage_release(window, event.routed_as, origin, decision)
            return outputs
        if learnt := self._involved.learnt(event, rules, now):
            self.tally.relationships.update("ended" if value is None else "declared" for _, value, _, _ in learnt)
            outputs = learnt + outputs  # before the audit record, like everything it tells of
        window.stage_routed(event.routed_as, origin.digest, origin.offset)
        return outputs

    def _deliver(
        self, record: Record, origin: Origin, event: Event, decision: Decision, now: EpochMillis
    ) -> list[Output]:
        facts, contract = event.facts, event.event_type
        rules, preparer, tally = self._rules, self._preparer, self.tally
        assert rules is not None  # noqa: S101 - set together
        assert preparer is not None  # noqa: S101 - set together
        key = facts.subject or facts.event_id
        outputs: list[Output] = []
        pieces: list[bytes] = []
        held: list[str] = []
        dynamic: Headers = []
        for outcome in decision.outcomes:
            prepared = preparer.prepare(outcome, contract)
            tally.decided.append(prepared)
            if prepared.topic is None or prepared.plan is None:
                pieces.append(prepared.audit)
                if outcome.kind is OutcomeKind.HELD:
                    held.append(outcome.agency)
                continue
            if not dynamic:
                dynamic = [("ce_id", facts.event_id.encode()), ("ce_time", iso_instant(facts.occurred_at).encode())]
            identity = delivery_id(facts.event_id, outcome.agency, 1).encode()
            due = self._due_at(rules.clock_for(outcome.clock, outcome.agency), now)
            pieces.append(prepared.audit + delivered_piece(identity, due.piece))
            headers = [("masa-delivery-id", identity), *dynamic, *prepared.headers, *due.headers]
            if event.cuts is None:
                value = self._intake.project(event, prepared.plan)
            else:
                value = prepared.project(event.data, event.cuts)
            outputs.append((prepared.topic, value, key, headers))
        if held:
            outputs.append(held_record(record, origin, event, decision, held, now))
        audit = self._pieces.join(origin, now, facts, decision, pieces, event.times)
        outputs.append((topics.AUDIT, audit, key, None))
        tally.routed.append((facts.event_type, decision.disposition))
        return outputs

    def _batch(self, now: EpochMillis) -> Batch:
        return Batch(now, self._windows, self._touched, self.tally, self.register.lookups())

    def _prepared(self, outcome: Outcome, contract: EventType) -> Prepared:
        assert self._preparer is not None  # noqa: S101 - set together with the rules
        return self._preparer.prepare(outcome, contract)

    def _due_at(self, clock: str | None, now: EpochMillis) -> Due:
        return self._due.get(clock) or self._due_of(clock, now)

    def _due_of(self, clock: str | None, now: EpochMillis) -> Due:
        """When acknowledgement is due; the same for the whole batch."""
        assert self._rules is not None  # noqa: S101 - only called with rules
        at = self._rules.ack_by(clock, now) if clock else None
        due = self._due[clock] = Due(
            ack_by_piece(at), [] if at is None else [("masa-ack-by", iso_instant(at).encode())]
        )
        return due

    def _repeat(self, origin: Origin, event: Event, first: int, now: EpochMillis) -> Output:
        self.tally.routed.append((event.facts.event_type, Disposition.REPEATED))
        rule_set = self._rules.hash if self._rules else None
        datum = audit_datum(
            Disposition.REPEATED, origin, now, self._slot, facts=event.facts, rule_set=rule_set, first_seen=first
        )
        return self._audit(datum, event)

    def _reject(
        self,
        record: Record,
        origin: Origin,
        rejection: Rejection,
        event: Event | None,
        window: Window,
        now: EpochMillis,
    ) -> list[Output]:
        window.stage_not_routed(origin.offset)
        self.tally.rejected(event.facts.event_type if event else rejection.event_type, rejection.reason)
        rules = self._rules
        datum = audit_datum(
            Disposition.REJECTED,
            origin,
            now,
            self._slot,
            facts=event.facts if event else None,
            rule_set=rules.hash if rules else None,
            source=self._arrivals.publisher_of(record, rules),
            rejection=rejection,
        )
        return [rejected_record(record, origin, rejection, now), self._audit(datum, event)]

    def _hold(self, record: Record, origin: Origin, event: Event, decision: Decision, now: EpochMillis) -> list[Output]:
        """The event as a whole waits."""
        self.tally.held(event.facts.event_type, decision.reasons)
        audit = self._pieces.join(origin, now, event.facts, decision, [])
        key = event.facts.subject or event.facts.event_id
        return [
            held_record(record, origin, event, decision, [], now),
            (topics.AUDIT, audit, key, None),
        ]

    def _audit(self, datum: dict[str, Any], event: Event | None) -> Output:
        key = (event.facts.subject or event.facts.event_id) if event else datum["sourceTopic"]
        return topics.AUDIT, encode_record("audit", datum), key, None


def _not_at_all(record: Record) -> None:
    """The fast lane where there is none."""
    del record


def _inbox_of(agency: AgencyId, channel: str) -> str:
    return topics.GATEWAY_INBOX if channel == "gateway" else topics.inbox(agency)
