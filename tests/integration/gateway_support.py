"""The gateway at hand: a real database, the shipped area's rules, a clock of the test's, Kafka as a list or real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from connectors.errors import ConnectorFailure
from connectors.http.values import Caller
from connectors.kafka.offset_consumer import Record
from connectors.kafka.publisher import Outgoing, Published
from connectors.kafka.topics import GATEWAY_INBOX
from connectors.operations import OPERATIONS
from connectors.postgres import gateway_store
from connectors.postgres.connection import connect
from connectors.postgres.outbox import queued
from connectors.postgres.pool import Pool
from connectors.sealing import Sealer
from schemas.codec import decode_record, encode_event
from schemas.dates import iso_instant
from schemas.json_form import to_json
from schemas.pseudonym import Pseudonymiser, delivery_id
from schemas.registry import load_event_types
from streams.cli.areas import compile_area
from streams.gateway.filler import arrived
from streams.gateway.in_force import RulesInForce
from streams.gateway.parts import Parts
from streams.gateway.service import Gateway
from streams.policy.artefact import Artefact
from streams.policy.facts import LocatorToken
from streams.policy.index import RuleSet
from tests.events import NOW_MS, an_event, event_type
from tests.integration.masa_command import NORTHSHIRE

KEY = bytes(range(32))
INCIDENT = "police.domestic-abuse-incident"
ABSENCE = "education.absence-concern"
SCHOOL, OTHER_SCHOOL = "oakfield-primary", "kingsmere-academy"
EVERYTHING = frozenset({"publish", "inbox", "outcome"})
TABLES = "gateway_delivery, gateway_position, gateway_publication, gateway_session, gateway_delegation, outbox"


PSEUDONYMS, SEALER = Pseudonymiser(KEY), Sealer(KEY, "test")


@cache
def northshire() -> Artefact:
    return compile_area(NORTHSHIRE).artefact


@cache
def northshires_rules() -> RuleSet:
    """Built once: it takes most of a second."""

    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(PSEUDONYMS.locator(scheme, code))

    return RuleSet.build(northshire(), load_event_types(), token)


def system(agency: str = SCHOOL, **changes: Any) -> Caller:
    """An agency's own software."""
    return Caller(agency, f"{agency}-mis", "system", frozenset(), EVERYTHING)._replace(**changes)


def person(agency: str = SCHOOL, subject: str = "dsl@oakfield", *roles: str, **changes: Any) -> Caller:
    """Somebody at an agency, by default its designated safeguarding lead."""
    return Caller(agency, subject, "person", frozenset(roles or ("dsl",)), EVERYTHING)._replace(**changes)


def empty(url: str) -> None:
    """A database as freshly migrated."""
    with connect(url) as connection:
        connection.execute(f"TRUNCATE {TABLES}")


def record(number: int = 1, agency: str = SCHOOL, *, roles: str = "dsl", **changes: Any) -> Record:
    """A delivery as the router writes it: the whole event, for the sake of simplicity."""
    event_id = f"01a0fd32-2d00-7000-8000-{number:012d}"
    kind = event_type(INCIDENT)
    datum = an_event(kind, envelope__eventId=event_id, **changes)
    headers = {
        "masa-delivery-id": delivery_id(event_id, agency, 1),
        "ce_id": event_id,
        "ce_type": kind.name,
        "ce_source": "urn:masa:northshire",
        "masa-recipient": agency,
        "masa-role": roles,
        "masa-rule": "encompass-dsl",
        "masa-policy": "ab" * 32,
        "masa-basis": "Article 6(1)(c)",
        "masa-withheld": "envelope.relevanceReason",
        "masa-ack-by": iso_instant(NOW_MS + 86_400_000),
    }
    pairs = tuple((name, value.encode()) for name, value in headers.items())
    return Record(GATEWAY_INBOX, 0, number, NOW_MS + number, None, encode_event(kind, datum), pairs)


def delivered(url: str, *records: Record) -> list[str]:
    """Store deliveries; their ids."""
    rows = [row for each in records if (row := arrived(each, load_event_types(), SEALER)) is not None]
    with connect(url) as connection:
        gateway_store.insert(connection, rows)
    return [row.delivery_id for row in rows]


class Written:
    """Kafka as a list. `failing` makes the next records fail."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.failing: list[ConnectorFailure] = []

    def publish(self, records: Sequence[Outgoing], /) -> Sequence[Published | ConnectorFailure]:
        return [self._one(each) for each in records]

    def _one(self, each: Outgoing) -> Published | ConnectorFailure:
        if self.failing:
            return self.failing.pop()
        self.records.append(each)
        return Published(each.topic, 0, len(self.records) - 1)

    def stalled(self) -> bool:
        return False


class Told:
    """Counts what the gateway tells."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def gateway_published(self, *, result: str, events: int) -> None:
        self.counts[result] += events

    def gateway_claimed(self, *, deliveries: int) -> None:
        self.counts["claimed"] += deliveries

    def gateway_acknowledged(self, *, outcome: str) -> None:
        self.counts[outcome] += 1

    def gateway_access_refused(self, *, what: str) -> None:
        self.counts[f"refused {what}"] += 1

    def gateway_purged(self, *, state: str, deliveries: int) -> None:
        self.counts[f"purged {state}"] += deliveries


class Bench:
    """A gateway and what it stands on."""

    def __init__(self, url: str, *, kafka: Written | None = None, pool_size: int = 8) -> None:
        self.url = url
        self.now = NOW_MS + 1_000_000
        self.kafka = kafka or Written()
        self.told = Told()
        self.pseudonymiser = PSEUDONYMS
        self.pool = Pool(url, size=pool_size, application="test")
        self.rules = RulesInForce(self.pseudonymiser)
        self.rules.set(northshires_rules(), northshire())
        self.gateway = Gateway(self._parts(), self.kafka)

    def outbox(self) -> list[Outgoing]:
        """What waits for the relay; it is left there."""
        with connect(self.url) as connection:
            return [each.record for each in queued(connection, 10_000)]

    def operations(self) -> list[tuple[str, str, str]]:
        """(kind, actor, target) of every operation on record."""
        found = (decode_record("operation", each.value or b"") for each in self.outbox() if each.topic == OPERATIONS)
        return [(each["kind"], each["actor"], each["target"]) for each in found]

    def receipts(self) -> list[dict[str, Any]]:
        """Every receipt on record."""
        return [decode_record("receipt", each.value or b"") for each in self.outbox() if each.topic != OPERATIONS]

    def document(self, kind: str = ABSENCE, **changes: Any) -> dict[str, Any]:
        """An event of the school in JSON form, without what the gateway fills in."""
        found = to_json(event_type(kind), an_event(kind, **changes))
        for name in ("eventId", "schemaVersion", "masaId", "sourceOrg", "publishedAt", "recordedAt", "sequence"):
            del found["envelope"][name]
        return found

    def close(self) -> None:
        self.pool.close()

    def _parts(self) -> Parts:
        return Parts(
            pool=self.pool,
            pseudonymiser=self.pseudonymiser,
            sealer=SEALER,
            event_types=load_event_types(),
            rules=self.rules,
            now=lambda: self.now,
            telemetry=self.told,
            allow_synthetic=True,
        )
