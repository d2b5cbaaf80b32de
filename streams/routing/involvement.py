"""What events tell of who is involved with a child, and what the register adds to an event before it is decided.

The catalogue says which events declare or end a relationship. Readings where it leaves room, all on the protective
side: restricted events and those of sensitive services declare nothing; whoever says that a child is protected makes
the register forget the child's school, GP and health visitor, because what was true before may be dangerous now; news
older than what is known changes nothing; a doubtful match (I-04) neither declares nor ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.kafka import topics
from connectors.kafka.transaction import Output
from schemas.codec import decode_event
from schemas.pseudonym import Pseudonymiser
from schemas.relationships import Declaration, DeclaredBy, RelationshipKind
from schemas.vocabulary import AddressProtection
from streams.policy.facts import EpochMillis, LocatorToken
from streams.policy.index import AGENCY_SCHEME, RuleSet
from streams.policy.recipients import LOW_MATCH
from streams.policy.registered import complete, ended_by, may_ask
from streams.routing.event import Event
from streams.routing.register import PLACES, Register, Relationship

DAY_MS = 86_400_000
REFRESH_MS = 7 * DAY_MS  # the same involvement declared again is written anew only if it then lives this much longer
_SCHEMES = {RelationshipKind.SCHOOL: "URN", RelationshipKind.GP: "ODS", RelationshipKind.COMMUNITY_HEALTH: "ODS"}
_SETTINGS = {  # field of Facts, name in selectors
    DeclaredBy.SCHOOL: ("school", "school"),
    DeclaredBy.GP: ("gp", "gp"),
    DeclaredBy.COMMUNITY_HEALTH: ("community_health", "communityHealth"),
}
_PLACE = {kind: slice(start, end) for kind, start, end in PLACES}
_UNPROTECTED = AddressProtection.NONE.value


class Involvement:
    """Reads and writes the register for one planner. Writes count for later events of the same batch."""

    def __init__(self, register: Register, pseudonymiser: Pseudonymiser) -> None:
        self._register, self._pseudonymiser = register, pseudonymiser

    def completed(self, event: Event, now: EpochMillis) -> Event:
        """The event with what the register knows of its child; the same object when that is nothing."""
        facts = event.facts
        if self._register.is_empty() or facts.subject is None or not may_ask(facts):
            return event
        known = self.known(facts.subject, now)
        if not known:
            return event
        filled = complete(facts, known.get, ended_by(event.event_type))
        return event if filled is facts else event._replace(facts=filled)

    def known(self, subject: str, now: EpochMillis) -> dict[RelationshipKind, LocatorToken]:
        """Who is involved with a child, by kind."""
        return self._register.all_of(self._pseudonymiser.relationships(subject), now)

    def learnt(self, event: Event, rules: RuleSet, now: EpochMillis) -> list[Output]:
        """Records that tell the register what a decided event says; what they say holds from the next event on."""
        if not event.event_type.relationships and event.facts.protection == _UNPROTECTED:
            return []
        changes: dict[bytes, Relationship | None] = {}
        for key, said in self._said(event, rules, now):
            changes[key] = said
        for key, said in changes.items():
            self._register.stage(key, said)
        return [
            (topics.RELATIONSHIPS, None if said is None else said.value(), key, None) for key, said in changes.items()
        ]

    def _said(self, event: Event, rules: RuleSet, now: EpochMillis) -> Iterator[tuple[bytes, Relationship | None]]:
        facts = event.facts
        if facts.protection != _UNPROTECTED and facts.subject is not None:
            yield from self._forgotten(facts.subject, tuple(_SCHEMES), None, now)
        for declaration in event.event_type.relationships:
            if not _counts(event, declaration):
                continue
            if declaration.days is None:
                yield from self._ended(event, declaration, rules, now)
            else:
                yield from self._declared(event, declaration, declaration.days, rules, now)

    def _ended(
        self, event: Event, declaration: Declaration, rules: RuleSet, now: EpochMillis
    ) -> Iterator[tuple[bytes, None]]:
        if declaration.of:
            for subject in self._identified(event, declaration):
                yield from self._forgotten(subject, declaration.kinds, None, now)
            return
        child = event.facts.subject
        if child is None or event.facts.match in LOW_MATCH:
            return
        for kind in declaration.kinds:
            token = None if declaration.by is None else self._token(event, declaration.by, kind, rules)
            if declaration.by is None or token is not None:
                yield from self._forgotten(child, (kind,), token, now)

    def _declared(
        self, event: Event, declaration: Declaration, days: int, rules: RuleSet, now: EpochMillis
    ) -> Iterator[tuple[bytes, Relationship]]:
        facts = event.facts
        if facts.subject is None or facts.restricted or facts.sensitive_service or facts.match in LOW_MATCH:
            return
        keys, until = self._pseudonymiser.relationships(facts.subject), EpochMillis(facts.occurred_at + days * DAY_MS)
        for kind in declaration.kinds:
            if facts.protection != _UNPROTECTED and kind is not RelationshipKind.SOCIAL_CARE:
                continue
            token = self._token(event, declaration.by or DeclaredBy.SOURCE, kind, rules)
            key = _key(keys, kind)
            if token is not None and until > now and self._is_news(key, token, until, now):
                yield key, Relationship(kind, token, until, facts.event_id)

    def _is_news(self, key: bytes, token: LocatorToken, until: EpochMillis, now: EpochMillis) -> bool:
        known = self._register.known(key, now)
        if known is None:
            return True
        longer = until - known[1]
        return longer >= (REFRESH_MS if known[0] == token else 0)

    def _forgotten(
        self, subject: str, kinds: tuple[RelationshipKind, ...], only: LocatorToken | None, now: EpochMillis
    ) -> Iterator[tuple[bytes, None]]:
        """Ends what is known of these kinds, with `only` that organisation if given."""
        keys = self._pseudonymiser.relationships(subject)
        for kind in kinds:
            key = _key(keys, kind)
            known = self._register.known(key, now)
            if known is not None and only in (None, known[0]):
                yield key, None

    def _identified(self, event: Event, declaration: Declaration) -> Iterator[str]:
        """Keys of the children whose identifiers the payload names."""
        datum = _datum(event)
        for identifier, path in declaration.of.items():
            value = datum[path]
            nhs_number, upn = (value, None) if identifier == "nhsNumber" else (None, value)
            subject = self._pseudonymiser.subject(
                nhs_number=nhs_number, upn=upn, source=event.facts.source, local_ref=None
            )
            if subject is not None:
                yield subject

    def _token(self, event: Event, by: DeclaredBy, kind: RelationshipKind, rules: RuleSet) -> LocatorToken | None:
        """The organisation that a declaration is about; None if the event does not say."""
        facts = event.facts
        if by is not DeclaredBy.SOURCE:
            field, name = _SETTINGS[by]
            token: LocatorToken | None = None if name in facts.registered else getattr(facts, field)
            return token
        scheme = _SCHEMES.get(kind, AGENCY_SCHEME)
        code = facts.source if scheme == AGENCY_SCHEME else _code(event, scheme, rules)
        return None if code is None else LocatorToken(self._pseudonymiser.locator(scheme, code))


def _key(keys: bytes, kind: RelationshipKind) -> bytes:
    return keys[_PLACE[kind]]


def _code(event: Event, scheme: str, rules: RuleSet) -> str | None:
    """The publisher's code of that scheme: as it says itself, else as the rule set has it."""
    if event.claim.scheme == scheme:
        return event.claim.identifier
    known = rules.agencies.get(event.facts.source)
    return next((code for own, code in known.identifiers if own == scheme), None) if known else None


def _counts(event: Event, declaration: Declaration) -> bool:
    """Whether its publisher and its payload are of those that count."""
    if declaration.publishers and event.facts.source_category not in declaration.publishers:
        return False
    if not declaration.when:
        return True
    datum = _datum(event)
    return all(datum[path] in symbols for path, symbols in declaration.when.items())


def _datum(event: Event) -> Mapping[str, Any]:
    """The event in wire form; only the few types whose payload declares something are decoded for it."""
    return decode_event(event.data).datum if event.datum is None else event.datum
