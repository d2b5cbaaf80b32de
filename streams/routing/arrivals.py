"""What arrives: each record read, its publisher authenticated, and held against the rule set."""

from __future__ import annotations

from collections.abc import Callable

from connectors.kafka import topics
from connectors.kafka.batch_consumer import Record
from schemas.pseudonym import Pseudonymiser
from schemas.vocabulary import RejectReason
from streams.policy.facts import AgencyId, EpochMillis
from streams.policy.index import RuleSet
from streams.routing.audit_pieces import Origin
from streams.routing.event import Claim, Event, Rejection
from streams.routing.intake import Intake
from streams.routing.release import RELEASE_HEADER, release_of
from streams.routing.sources import disagreement, header_mismatch, publisher

_FORGED = Rejection(
    RejectReason.HEADERS, None, f"a `{RELEASE_HEADER}` header that the exchange did not write for it: leave it out"
)
_NO_HEADERS: dict[str, bytes] = {}
_NOBODY = AgencyId("")  # reads an event whose publisher is not known, for its id and type alone


class Arrivals:
    """Reads records. Remembers whose topic is whose and which claims were found true, nothing of events."""

    def __init__(self, intake: Intake, pseudonymiser: Pseudonymiser) -> None:
        self._intake = intake
        self._digest: Callable[[bytes], bytes] = pseudonymiser.digest
        self._pseudonymiser = pseudonymiser
        self._owners: dict[str, str | None] = {}
        self._authentic: set[tuple[str, AgencyId, Claim]] = set()

    def forget(self) -> None:
        """Another rule set: every claim must be held against it anew."""
        self._authentic.clear()

    def read(self, record: Record) -> tuple[Origin, Event | Rejection]:
        """The record's event, readable and agreeing with its headers, or why not."""
        value = record.value() or b""
        received_at = EpochMillis(record.timestamp()[1])
        origin = Origin(record.topic(), record.partition(), record.offset(), received_at, self._digest(value))
        pairs = record.headers()
        headers = dict(pairs) if pairs else _NO_HEADERS
        source = publisher(self.owner(origin.topic), headers)
        if isinstance(source, Rejection):
            return origin, source.about(self._intake.read(value, _NOBODY, received_at))
        event = self._intake.read(value, source, received_at)
        if isinstance(event, Event):
            mismatch = header_mismatch(headers, event.facts.event_id, event.facts.event_type)
            if mismatch:
                return origin, mismatch.about(event)
            if RELEASE_HEADER in headers:
                return origin, self._released(event, headers[RELEASE_HEADER], origin.digest)
        return origin, event

    def _released(self, event: Event, header: bytes | None, digest: bytes) -> Event | Rejection:
        """The event for those who waited for it alone."""
        release = release_of(self._pseudonymiser, header or b"", digest)
        if release is None:
            return _FORGED.about(event)
        return event._replace(release=release, facts=release.on(event.facts))

    def refusal(self, origin: Origin, event: Event, rules: RuleSet) -> Rejection | None:
        """Why the rule set does not let this publisher say this."""
        facts = event.facts
        claimed = (origin.topic, facts.source, event.claim)
        if claimed not in self._authentic:
            through_gateway = self.owner(origin.topic) is None
            refusal = disagreement(rules.agencies.get(facts.source), event.claim, through_gateway=through_gateway)
            if refusal:
                return refusal
            self._authentic.add(claimed)  # as many as there are agencies
        return unknown_recipient(event, rules) if facts.judgements or facts.exclusions else None

    def publisher_of(self, record: Record, rules: RuleSet | None) -> AgencyId | None:
        """Who published a rejected record. A name that the rule set does not have could be anything, so is not said."""
        owner = self.owner(record.topic())
        if rules is None:
            return None if owner is None else AgencyId(owner)
        found = publisher(owner, dict(record.headers() or ()))
        return None if isinstance(found, Rejection) or found not in rules.agencies else found

    def owner(self, topic: str) -> str | None:
        """The agency a topic belongs to, None for the gateway's."""
        try:
            return self._owners[topic]
        except KeyError:
            parsed = topics.parse(topic)
            if parsed is None:
                raise ValueError(f"`{topic}` is not an outbox") from None
            return self._owners.setdefault(topic, parsed.agency)


def unknown_recipient(event: Event, rules: RuleSet) -> Rejection | None:
    """A judgement or exclusion about a name nobody has cannot be honoured, so the event must not go out."""
    for path, named in (
        ("envelope.proposedRecipients", event.facts.judgements),
        ("envelope.excludeRecipients", event.facts.exclusions),
    ):
        for each in named:
            if each.agency is not None and each.agency not in rules.agencies:
                return _no_such(path, "an agency")
            if each.role is not None and not any(each.role in area.roles for area in rules.areas.values()):
                return _no_such(path, "a role")
    return None


def _no_such(path: str, what: str) -> Rejection:
    return Rejection(RejectReason.UNKNOWN_RECIPIENT, path, f"names {what} that is not in the rule set: use its id")
