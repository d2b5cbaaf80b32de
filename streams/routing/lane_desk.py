"""Where the compiled lane asks what it meets for the first time, and the plain modules answer.

May this publisher say this (a *manner*: the fixed part of an envelope), and who gets what when a child of this age,
with these settings, is spoken of so (a *situation*)? The lane remembers the answers under the very bytes that were
asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from connectors.kafka.batch_consumer import Record
from connectors.kafka.partition import Partition
from connectors.kafka.transaction import Headers, Output
from schemas.event_rules import ALLEGATION
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.projector import pieces_of
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType
from schemas.relationships import RelationshipKind
from schemas.vocabulary import AddressProtection, Disposition, OutcomeKind
from streams.policy.decide import decide
from streams.policy.decision import Decision, FieldPlan, Outcome
from streams.policy.facts import AgencyId, EpochMillis, Facts, LocatorToken, SubjectKey
from streams.policy.index import RuleSet
from streams.policy.registered import complete, ended_by, may_ask
from streams.routing.arrivals import Arrivals
from streams.routing.audit_pieces import AuditPieces, Origin, text, varint
from streams.routing.deliveries import Prepared
from streams.routing.event import Claim, Event
from streams.routing.intake import Intake
from streams.routing.involvement import Involvement

MOST_SITUATIONS = 20_000
# What the lane reads of an event, in the order that native.pyx knows.
LOOKED_AT = (
    "envelope.eventId",
    "envelope.occurredAt",
    "envelope.recordedAt",
    "envelope.publishedAt",
    "envelope.concerns",
    "envelope.proposedRecipients",
    "envelope.excludeRecipients",
    "envelope.settings.schoolUrn",
    "envelope.settings.gpOds",
    "envelope.settings.communityHealthOds",
    "envelope.settings.placingLaGss",
    "envelope.settings.hostLaGss",
    "envelope.settings.accusedSettingUrn",
    "envelope.child.localRef",
    "envelope.child.nhsNumber",
    "envelope.child.upn",
    "envelope.child.dateOfBirth",
    "envelope.child.expectedDeliveryDate",
)
_CONCERNS = LOOKED_AT.index("envelope.concerns")
_SETTINGS = LOOKED_AT.index("envelope.settings.schoolUrn")
_SOMEBODY = SubjectKey("0" * 32)
_FIELD = {name: index for index, name in enumerate(Facts._fields)}
_AGE, _WHAT, _JUDGED, _EXCLUDED = (_FIELD[name] for name in ("age_years", "concerns", "judgements", "exclusions"))
# The settings: what is looked at, the scheme of its codes, the place in the facts.
_TOKENS = tuple(
    (_SETTINGS + number, scheme, _FIELD[name])
    for number, (name, scheme) in enumerate(
        (
            ("school", "URN"),
            ("gp", "ODS"),
            ("community_health", "ODS"),
            ("placing_la", "GSS"),
            ("host_la", "GSS"),
            ("accused_setting", "URN"),
        )
    )
)


class Native(Protocol):
    """`streams.routing.native`."""

    Lane: Any
    Contract: Any
    Delivering: Any
    Manner: Any
    Situation: Any


class Plain(NamedTuple):
    """The plain modules that answer, shared with the planner."""

    intake: Intake
    arrivals: Arrivals
    pieces: AuditPieces
    prepare: Callable[[Outcome, EventType], Prepared]
    due: Callable[[str | None, EpochMillis], tuple[bytes, Headers]]
    involved: Involvement
    pseudonymiser: Pseudonymiser
    slot: int


class Desk:
    """Answers what the lane has not met before. Called from the lane, inside `Lane.plan`."""

    def __init__(self, modules: Mapping[str, Any], plain: Plain) -> None:
        self._native: Native = modules["streams.routing.native"]
        self._projector_of = modules["schemas.native"].Projector
        self._plain = plain
        self._projectors: dict[tuple[str, frozenset[str]], Any] = {}
        self._delivering: dict[int, Any] = {}
        self.rules: RuleSet | None = None

    def use(self, rules: RuleSet | None) -> None:
        """Another rule set; the lane must forget as well."""
        self.rules = rules
        self._delivering.clear()

    def place(self, topic: str, partition: int) -> tuple[AgencyId | None, bytes, Partition]:
        """Whose topic it is (None: the gateway's), the place as audit records say it, and its name."""
        owner = self._plain.arrivals.owner(topic)
        return None if owner is None else AgencyId(owner), text(topic) + varint(partition), Partition(topic, partition)

    def manner(self, contract: Any, data: bytes, source: AgencyId, record: Record, digest: bytes) -> Any:
        """What the fixed part of the envelope of `data` says, if the plain way takes it; None if it is not sure."""
        event = self._permitted(data, source, record, digest)
        if event is None or self.rules is None:
            return None
        facts = event.facts
        return self._native.Manner(
            facts,
            event.claim,
            needs_school=facts.gateway == "S49A_DAA",
            needs_accused=facts.event_type == ALLEGATION,
            asks=may_ask(facts._replace(subject=_SOMEBODY)),
            protected=facts.protection != AddressProtection.NONE,
        )

    def situation(
        self,
        contract: Any,
        manner: Any,
        data: bytes,
        source: AgencyId,
        record: Record,
        digest: bytes,
        age: int | None,
        now: EpochMillis,
        judged: bool,
        known: Mapping[RelationshipKind, LocatorToken],
    ) -> Any:
        """What is decided in this situation, ready to be written; False when it takes the plain way."""
        if judged:
            event = self._permitted(data, source, record, digest)
            if event is None:
                return False
            facts = event.facts
        else:
            facts = self._facts(contract, manner, data, age)
        if known:
            facts = complete(facts, known.get, ended_by(contract.event_type))
        decision = decide(facts, self.rules, now)
        if decision.disposition is Disposition.HELD or any(o.kind is OutcomeKind.HELD for o in decision.outcomes):
            return False
        return self._situation(contract.event_type, facts, decision)

    def known(self, subject: SubjectKey, now: EpochMillis) -> Mapping[RelationshipKind, LocatorToken]:
        """Who is involved with a child, by kind."""
        return self._plain.involved.known(subject, now)

    def learnt(
        self, contract: EventType, claim: Claim, facts: Facts, about: tuple[Any, ...], data: bytes, now: EpochMillis
    ) -> list[Output]:
        """What an event tells the register; `about` is its id, subject, and when it occurred."""
        if self.rules is None:
            return []
        event_id, subject, occurred_at = about
        told = facts._replace(event_id=event_id, subject=subject, occurred_at=occurred_at)
        return self._plain.involved.learnt(Event(contract, claim, told, data, None, None), self.rules, now)

    def due(self, clock: str | None, now: EpochMillis) -> tuple[bytes, Headers]:
        """When acknowledgement is due: as the audit record says it, and as headers."""
        return self._plain.due(clock, now)

    def _permitted(self, data: bytes, source: AgencyId, record: Record, digest: bytes) -> Event | None:
        """The event, if it is surely in order and the rule set lets its publisher say it."""
        received_at = EpochMillis(record.timestamp()[1])
        event = self._plain.intake.surely(data, source, received_at)
        if event is None or self.rules is None:
            return None
        origin = Origin(record.topic(), record.partition(), record.offset(), received_at, digest)
        return None if self._plain.arrivals.refusal(origin, event, self.rules) else event

    def _facts(self, contract: Any, manner: Any, data: bytes, age: int | None) -> Facts:
        """The facts, but for what no decision looks at: id, subject, times, what it supersedes."""
        values = list(manner.template)
        token, value = self._plain.intake.token, contract.value
        concerns = value(data, _CONCERNS)
        values[_AGE] = age
        values[_WHAT] = tuple(concerns) if concerns else ()
        values[_JUDGED] = values[_EXCLUDED] = ()
        for want, scheme, field in _TOKENS:
            code = value(data, want)
            values[field] = token(scheme, code) if code else None
        return Facts._make(values)

    def _situation(self, contract: EventType, facts: Facts, decision: Decision) -> Any:
        pieces = self._plain.pieces
        outcomes = [self._delivered(self._plain.prepare(outcome, contract), contract) for outcome in decision.outcomes]
        return self._native.Situation(
            pieces.head(decision),
            pieces.middle(facts, decision),
            pieces.after(facts),
            outcomes,
            (facts.event_type, decision.disposition),
            facts,
            len(facts.registered),
        )

    def _delivered(self, prepared: Prepared, contract: EventType) -> Any:
        known = self._delivering.get(id(prepared))
        if known is not None and known.prepared is prepared:
            return known
        if len(self._delivering) >= MOST_SITUATIONS:
            self._delivering.clear()
        outcome, delivered = prepared.outcome, prepared.topic is not None and prepared.plan is not None
        made = self._delivering[id(prepared)] = self._native.Delivering(
            prepared,
            prepared.audit,
            prepared.topic,
            outcome.agency.encode(),
            prepared.headers,
            self._projector(contract, prepared.plan) if delivered and prepared.plan else None,
            outcome.clock if self.rules is None else self.rules.clock_for(outcome.clock, outcome.agency),
        )
        return made

    def _projector(self, contract: EventType, plan: FieldPlan) -> Any:
        key = (contract.name, plan.kept)
        projector = self._projectors.get(key)
        if projector is None:
            frame = SINGLE_OBJECT_MARK + contract.fingerprint
            units = self._plain.intake.units(contract)
            pieces = pieces_of(units, plan.kept)
            projector = self._projectors[key] = self._projector_of(pieces, len(units), frame)
        return projector
