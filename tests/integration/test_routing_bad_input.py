"""Bad input among good, on a real broker with the real rules of the main area, through one router process."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.client.outbox import outbox_record
from connectors.kafka import topics
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.reader import read_topic
from connectors.kafka.settings import KafkaSettings
from schemas.codec import decode_event
from schemas.errors import ContractError
from schemas.examples import example, new_event_id
from schemas.limits import KEPT_VALUE_BYTES
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.simulation.agencies import agencies_of
from streams.simulation.bad import BAD_KINDS, BadInput, BadKind, good_record
from streams.simulation.bad_sources import NOBODY
from streams.simulation.traffic import Kind, Traffic
from tests.integration.simulated_exchange import AREAS, PSEUDONYM_KEY, Exchange, Position, compiled, now_ms, on_kafka

pytestmark = pytest.mark.integration

SEED = 20_260_930
OF_EACH_KIND = 3
GOOD = 150
UUID_FORM = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PSEUDONYMS = Pseudonymiser(PSEUDONYM_KEY)
NEW_SCHOOL = """
agencies:
  - id: late-joiner-primary
    name: Late Joiner Primary School
    category: SCHOOL
    dutyBasis: {basis: DESIGNATED_EDU, evidence: "designated by regulations under s16E", from: 2026-09-30, until: null}
    identifiers: [{scheme: URN, id: "990077"}, {scheme: LAESTAB, id: "9992077"}]
    channel: gateway
    roles: [dsl, deputy-dsl, safeguarding-contact]
    contacts: {office: {name: Duty DSL, phone: "01632 960077"}}
"""


@pytest.fixture(scope="module")
def exchange(kafka: KafkaSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    made = Exchange(kafka, tmp_path_factory.mktemp("exchange"))
    artefact = compiled(AREAS / "northshire")
    made.provision([*on_kafka(artefact), NOBODY])
    made.activate(artefact)
    made.start()
    yield made
    status = made.stop()
    assert status == 0, made.log()[-4000:]


@dataclass
class Mixture:
    """What was published, in order, and what each record is."""

    records: list[Outgoing] = field(default_factory=list)
    what: list[BadKind | Kind | None] = field(default_factory=list)  # None: a good one that a bad one needs before it

    def add(self, record: Outgoing, what: BadKind | Kind | None) -> None:
        self.records.append(record)
        self.what.append(what)


def mixture() -> Mixture:
    """Every kind of bad input, three of each from different events, shuffled among good events."""
    agencies = agencies_of(compiled(AREAS / "northshire").document())
    traffic = Traffic(agencies, load_event_types(), SEED, area="northshire")
    bad = BadInput(traffic, PSEUDONYMS, SEED, own_topics=True)
    order: list[BadKind | None] = [*BAD_KINDS * OF_EACH_KIND, *[None] * GOOD]
    Random(SEED).shuffle(order)
    made = Mixture()
    for kind in order:
        if kind is None:
            (event,) = traffic.events([now_ms()])
            made.add(good_record(event, PSEUDONYMS), event.kind)
            continue
        record = bad.make(kind, now_ms())
        assert record is not None, f"northshire cannot show {kind.name}"
        for before in record.before:
            made.add(before, None)
        made.add(record.record, kind)
    return made


@dataclass
class Routed:
    """What became of a mixture."""

    mixture: Mixture
    positions: list[Position]
    audits: dict[Position, list[Any]]
    rejected: dict[Position, list[Any]]

    def each(self) -> Iterator[tuple[BadKind | Kind | None, Outgoing, Position]]:
        return zip(self.mixture.what, self.mixture.records, self.positions, strict=True)


@pytest.fixture(scope="module")
def routed(exchange: Exchange) -> Routed:
    made = mixture()
    exchange.provision({parsed.agency for r in made.records if (parsed := topics.parse(r.topic)) and parsed.agency})
    since = exchange.ends()
    positions = exchange.publish(made.records)
    audits = exchange.audits(since, positions)
    return Routed(made, positions, audits, exchange.rejected(since, positions))


def test_every_record_has_exactly_one_audit_record(routed: Routed) -> None:
    """Good or bad, readable or not: nothing is skipped and nothing counted twice."""
    assert set(routed.audits) == set(routed.positions)
    assert [position for position, found in routed.audits.items() if len(found) != 1] == []


@pytest.mark.parametrize("kind", BAD_KINDS, ids=lambda kind: kind.name)
def test_bad_input_is_rejected_for_its_named_reason(routed: Routed, kind: BadKind) -> None:
    """The audit record says REJECTED, the reason and the field; it names no candidate."""
    positions = [position for what, _, position in routed.each() if what is kind]
    assert len(positions) == OF_EACH_KIND
    for position in positions:
        (audit,) = routed.audits[position]
        said = audit["rejection"] or {}
        assert (audit["kind"], said.get("reason")) == ("REJECTED", kind.reason), said
        assert kind.path is None or said["path"] == kind.path
        assert said["explanation"]
        assert audit["outcomes"] == []


def test_bad_input_that_can_be_read_is_found_by_its_event_id(routed: Routed) -> None:
    """Its audit record has id and type and no further word of it; what cannot be read, or has no UUID, has no id."""
    named = 0
    for what, record, position in routed.each():
        if not isinstance(what, BadKind):
            continue
        (audit,) = routed.audits[position]
        assert audit["inputs"] is None
        expected = said_of(record.value) if what.reason != "OVERSIZE" else (None, None)
        assert (audit["eventId"], audit["eventType"]) == expected, what.name
        named += audit["eventId"] is not None
    assert named > 20 * OF_EACH_KIND


def said_of(value: bytes | None) -> tuple[str | None, str | None]:
    """Id, if it is a UUID, and type of an event; nothing of what cannot be read."""
    try:
        event_type, datum = decode_event(value or b"")
    except ContractError:
        return None, None
    said = datum["envelope"]["eventId"]
    return said if UUID_FORM.fullmatch(said) else None, event_type.name


def test_rejected_records_are_kept_byte_for_byte(routed: Routed) -> None:
    """Key, value and headers as they came, once each, with the audit record's reason; good ones are not there."""
    bad = {position: record for what, record, position in routed.each() if isinstance(what, BadKind)}
    assert set(routed.rejected) == set(bad)
    for position, record in bad.items():
        (kept,) = routed.rejected[position]
        assert (kept["key"], kept["value"]) == (record.key, record.value)
        assert [(each["name"], each["value"]) for each in kept["headers"]] == list(record.headers)
        assert kept["reason"] == routed.audits[position][0]["rejection"]["reason"]


def test_good_events_among_them_are_routed(routed: Routed) -> None:
    """Decided, or repeated when the publisher sent it again; most reach somebody."""
    kinds = {position: what for what, _, position in routed.each() if not isinstance(what, BadKind)}
    dispositions = {position: routed.audits[position][0]["kind"] for position in kinds}
    retries = [position for position, what in kinds.items() if what is Kind.RETRY]
    assert {dispositions[position] for position in retries} <= {"REPEATED"}
    first = [kind for position, kind in dispositions.items() if position not in retries]
    assert set(first) <= {"DECIDED", "UNROUTED"}
    assert first.count("DECIDED") > 0.7 * len(first)


def test_explanations_repeat_nothing_of_the_event(routed: Routed) -> None:
    """No NHS number, name or reference of a child is in any audit record of a rejection."""
    said = " ".join(
        found["rejection"]["explanation"]
        for what, _, position in routed.each()
        if isinstance(what, BadKind)
        for found in routed.audits[position]
    )
    for telling in ("9991234566", "943476591O", "Late Joiner", "no-such-agency"):
        assert telling not in said


def test_the_router_goes_on_after_all_of_it(exchange: Exchange, routed: Routed) -> None:
    """The same process routes the next good event."""
    assert exchange.is_alive()
    since = exchange.ends()
    (position,) = exchange.publish([absence_concern("990001", "oakfield-primary")])
    (audit,) = exchange.audits(since, [position])[position]
    assert audit["kind"] == "DECIDED"
    assert routed.positions


def test_a_rejected_record_is_delivered_when_it_is_replayed_after_a_fix(exchange: Exchange, tmp_path: Path) -> None:
    """An agency the rule set did not know; then it does; then the operator puts the record back."""
    since = exchange.ends()
    (position,) = exchange.publish([absence_concern("990077", "late-joiner-primary")])
    (refused,) = exchange.audits(since, [position])[position]
    assert refused["rejection"]["reason"] == "UNKNOWN_AGENCY"

    shutil.copytree(AREAS, tmp_path / "areas")
    (tmp_path / "areas" / "northshire" / "agencies" / "late-joiner.yaml").write_text(NEW_SCHOOL)
    fixed = compiled(tmp_path / "areas" / "northshire")
    exchange.activate(fixed)
    in_force(exchange, fixed.hash)

    since = exchange.ends()
    answer = exchange.masa("rejected", "replay", ":".join(map(str, position)))
    assert answer.returncode == 0, answer.stderr
    again = (position[0], position[1], position[2] + 1)
    (audit,) = exchange.audits(since, [again])[again]
    delivered = [outcome for outcome in audit["outcomes"] if outcome["outcome"] == "DELIVERED"]
    assert (audit["kind"], audit["source"], audit["ruleSet"]) == ("DECIDED", "late-joiner-primary", fixed.hash)
    assert delivered
    for outcome in delivered:
        assert outcome["deliveryId"] in delivery_ids(exchange, outcome["topic"])


def in_force(exchange: Exchange, rule_set: str) -> None:
    """Wait until the router decides by a rule set: publish good events until an audit record names it."""
    from tests.support import wait_for

    def named() -> bool:
        since = exchange.ends()
        (position,) = exchange.publish([absence_concern("990001", "oakfield-primary")])
        (audit,) = exchange.audits(since, [position])[position]
        return bool(audit["ruleSet"] == rule_set)

    wait_for(named, what="the new rule set")


def delivery_ids(exchange: Exchange, topic: str) -> set[str | None]:
    return {record.header("masa-delivery-id") for record in read_topic(exchange.kafka, [topic])}


def absence_concern(urn: str, agency: str) -> Outgoing:
    """A school's good event, published through the gateway."""
    event_type = load_event_types()["education.absence-concern"]
    at_ms = now_ms()
    datum = example(
        event_type,
        now_ms=at_ms,
        event_id=new_event_id(at_ms, Random(f"{agency}{at_ms}").getrandbits),
        overrides={"envelope.sourceOrg.id": urn, "envelope.settings.schoolUrn": urn, "envelope.sourceRef": agency},
    )
    return outbox_record(event_type, datum, agency=agency, gateway=True, pseudonymiser=PSEUDONYMS)


def test_a_record_that_unpacks_to_far_more_than_its_topic_takes_is_refused(exchange: Exchange) -> None:
    """Compressed it is small and gets in; what is kept of it fits one record, and routing goes on."""
    since = exchange.ends()
    hostile = Outgoing(topics.outbox("northshire-police"), bytes(12 * 1024 * 1024), b"key", (("h", b"v" * 100),))
    with Publisher(exchange.kafka, max_bytes=32 * 1024 * 1024) as publisher:
        (place,) = publisher.publish([hostile])
    position = (place.topic, place.partition, place.offset)
    (audit,) = exchange.audits(since, [position])[position]
    (kept,) = exchange.rejected(since, [position])[position]
    assert audit["rejection"]["reason"] == kept["reason"] == "OVERSIZE"
    assert kept["value"] == bytes(KEPT_VALUE_BYTES)
    assert exchange.is_alive()
