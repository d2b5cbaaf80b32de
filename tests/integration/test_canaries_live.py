"""No canary anywhere it may not be, on a running exchange: every topic, table, log file and metrics page, byte by byte.

What an inbox may hold is read from the rule set on `masa.policy` (`tests.entitlements`).
"""

from __future__ import annotations

import json
import secrets
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.client.outbox import outbox_record
from connectors.kafka.publisher import Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.settings import Settings
from schemas.codec import decode_event, decode_record
from schemas.examples import example, new_event_id
from schemas.json_form import to_json
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, load_event_types
from schemas.vocabulary import FieldClass
from tests.canaries import Brood, Canary, Planted, Search, not_null
from tests.entitlements import Entitlements
from tests.events import at, put
from tests.integration.live_exchange import LiveExchange, RawRecord
from tests.support import wait_for

pytestmark = pytest.mark.integration

TYPES = load_event_types()
SETTINGS = tuple(path for path in TYPES["lado.allegation"].paths if path.startswith("envelope.settings."))
SOURCE = "envelope.sourceOrg.id"
# Which event takes the place of another is kept with the recall, as a reference like `supersedes`: an id says nothing.
OPEN = (SOURCE, "replacementEventId")
KEPT_WHOLE = {"masa.held": "held", "masa.rejected": "rejected"}
Place = tuple[str, int, int]  # topic, partition, offset


@dataclass(frozen=True)
class Told:
    """A published event and its canaries."""

    event_type: EventType
    level: str
    planted: Planted

    @property
    def event_id(self) -> str:
        return str(self.planted.datum["envelope"]["eventId"])

    @property
    def protected(self) -> bool:
        return self.level != "NONE"


class Events:
    """Makes the events of this test: no value of one is in another."""

    def __init__(self) -> None:
        self._brood = Brood()

    def make(self, kind: EventType, level: str, *, known_settings: bool) -> Told:
        """`known_settings`: the codes of school, GP and so on are those of agencies, so that these receive."""
        now = time.time_ns() // 1_000_000
        overrides: dict[str, Any] = {"envelope.addressProtection": level}
        if level == "REFUGE" and "newAddress.line1" in kind.leaf_by_path:
            overrides["newAddress"] = None
        datum = example(kind, now_ms=now, event_id=new_event_id(now, secrets.randbits), overrides=overrides)
        keep = SETTINGS if known_settings else tuple(path for path in SETTINGS if at(datum, path) is None)
        planted = self._brood.plant(kind, datum, (*keep, *OPEN))
        mine = tuple(each for each in planted.canaries if set(each.paths).isdisjoint((*keep, *OPEN)))
        return Told(kind, level, Planted(planted.datum, mine))


class Story:
    """Everything published for this test, and where its canaries may be."""

    def __init__(
        self, told: Sequence[Told], rejected: Sequence[Told], withheld: dict[str, list[str]], places: Sequence[Place]
    ) -> None:
        self.places = places  # of the rejected ones
        self.told = {each.event_id: each for each in (*told, *rejected)}
        self.rejected = {each.event_id for each in rejected}
        self.withheld = withheld  # event id -> agencies the publisher withheld it from
        self.owner = {canary: each for each in self.told.values() for canary in each.planted.canaries}

    @cached_property
    def search(self) -> Search:
        return Search(self.owner)


@pytest.fixture(scope="module")
def story(live: LiveExchange) -> Story:
    events = Events()
    told = [events.make(kind, "PROTECTED", known_settings=known) for kind in TYPES.values() for known in (True, False)]
    told += [events.make(kind, level, known_settings=True) for kind in TYPES.values() for level in ("REFUGE", "NONE")]
    told += [events.make(TYPES["missing.episode-started"], "PLACEMENT", known_settings=True)]
    withheld = withhold(events, told)
    live.publish([(each.event_type, each.planted.datum) for each in told])
    rejected = [
        events.make(TYPES["police.domestic-abuse-incident"], "PROTECTED", known_settings=True) for _ in range(3)
    ]
    places = publish_badly(live, rejected)
    live.in_the_ledger([each.event_id for each in told])
    wait_for(lambda: set(places) <= set(audits_of(live, places)), 60, what="an audit record of each rejected event")
    return Story(told, rejected, withheld, places)


def audits_of(live: LiveExchange, places: Sequence[Place]) -> dict[Place, dict[str, Any]]:
    """The ledger's audit records of records at these places."""
    query = "SELECT record FROM ledger.event WHERE source_topic = %s AND source_partition = %s AND source_offset = %s"
    with psycopg.connect(live.database) as connection:
        rows = [(place, row) for place in places for row in connection.execute(query, place).fetchall()]
    return {place: decode_record("audit", bytes(row[0])) for place, row in rows}


def withhold(events: Events, told: list[Told]) -> dict[str, list[str]]:
    """Two more events, whose publisher withholds from agencies that would have received."""
    withheld = {}
    for agencies in (["oakfield-primary"], ["northshire-csc", "oakfield-primary", "elm-street-surgery"]):
        more = events.make(TYPES["police.domestic-abuse-incident"], "PROTECTED", known_settings=True)
        judgement = {"role": None, "judgement": "WITHHELD", "ground": "DETRIMENT", "decidedBy": "NAMED_DECISION_MAKER"}
        proposed = [{"agency": name, **judgement, "reasonDigest": None, "reviewOn": None} for name in agencies]
        put(more.planted.datum, "envelope.proposedRecipients", proposed)
        told.append(more)
        withheld[more.event_id] = agencies
    return withheld


def publish_badly(live: LiveExchange, rejected: Sequence[Told]) -> list[Place]:
    """Straight into an outbox, as faulty software would: protection not said, another's code, a wrong header."""
    settings = Settings.load(live.data_dir, {})
    pseudonymiser = Pseudonymiser(settings.pseudonym_key())
    unsaid, spoofed, header = rejected
    put(unsaid.planted.datum, "envelope.addressProtection", "UNKNOWN")
    put(spoofed.planted.datum, SOURCE, "E23000098")
    places: list[Place] = []
    with Publisher(KafkaSettings.create(bootstrap_servers=live.connection()["kafka"])) as publisher:
        for each in (unsaid, spoofed, header):
            record = outbox_record(
                each.event_type,
                each.planted.datum,
                agency="northshire-police",
                gateway=False,
                pseudonymiser=pseudonymiser,
            )
            if each is header:
                changed = tuple((n, b"other.type" if n == "ce_type" else v) for n, v in record.headers)
                record = record._replace(headers=changed)
            places += [(place.topic, place.partition, place.offset) for place in publisher.publish([record])]
    return places


@pytest.fixture(scope="module")
def entitlements(live: LiveExchange) -> Entitlements:
    newest = [record for record in live.records(["masa.policy"]) if record.key == b"activation"][-1]
    return Entitlements(json.loads(zlib.decompress((newest.value or b"").split(b"\n", 2)[2])))


def leaks_in(record: RawRecord, story: Story, entitlements: Entitlements) -> Iterator[str]:
    """What a record of any topic holds that it may not, as sentences."""
    place = f"{record.topic}[{record.partition}]@{record.offset}"
    beside = b"\n".join([record.key or b"", *(name.encode() + b"=" + (value or b"") for name, value in record.headers)])
    yield from (f"{place}: {', '.join(each.paths)} in key or headers" for each in story.search.found(beside))
    value = record.value or b""
    if record.topic.endswith(".outbox"):
        return
    if record.topic in KEPT_WHOLE:
        kept = decode_record(KEPT_WHOLE[record.topic], value)  # type: ignore[arg-type]
        value = repr({**kept, "value": None}).encode()
    if not record.topic.endswith(".inbox"):
        yield from (f"{place}: {', '.join(each.paths)}" for each in story.search.found(value))
        return
    yield from (f"{place}: {leak}" for leak in leaks_in_delivery(record, story, entitlements))


def leaks_in_delivery(record: RawRecord, story: Story, entitlements: Entitlements) -> Iterator[str]:
    found = story.search.found(record.value or b"")
    told = story.told.get(record.header("ce_id"))
    if told is None:
        yield from (f"{each.paths[0]} of another event" for each in found)
        return
    agency, roles = record.header("masa-recipient"), record.header("masa-role").split(",")
    rules, to = record.header("masa-rule").split(","), f"{record.header('masa-recipient')}"
    may = entitlements.fields(told.event_type, agency, roles, rules, protected=told.protected)
    for path in not_null(told.event_type, decode_event(record.value or b"").datum) - may:
        yield f"{path} of {told.event_type.name} to {to}"
    for canary in found:
        if story.owner[canary] is not told:
            yield f"{canary.paths[0]} of another event to {to}"
        if may.isdisjoint(canary.paths):
            yield f"the canary of {canary.paths[0]} to {to}"
        if told.protected and FieldClass.LOCATING in canary.classes and not entitlements.is_locating(agency, roles):
            yield f"where a protected child is ({canary.paths[0]}) to {to}"


@pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
def test_every_byte_of_every_topic(
    live: LiveExchange, story: Story, entitlements: Entitlements, isolation: str
) -> None:
    """Values, keys and headers, Kafka's own topics too: only the publisher's outbox, the bytes kept for a person, and
    entitled inboxes hold canaries."""
    names = live.topics()
    assert {"masa.audit", "masa.held", "masa.rejected", "masa.policy", "gateway.inbox", "__consumer_offsets"} <= set(
        names
    )
    leaks: list[str] = []
    seen: set[Canary] = set()
    topics_read: set[str] = set()
    for record in live.records(names, isolation=isolation):
        topics_read.add(record.topic)
        leaks += leaks_in(record, story, entitlements)
        if record.topic.endswith(".inbox"):
            seen |= story.search.plainly(record.value or b"")
    assert leaks == []
    assert {"masa.audit", "masa.held", "masa.rejected", "gateway.inbox", "gateway.outbox"} <= topics_read
    classes = {each for canary in seen for each in canary.classes}
    assert {FieldClass.LOCATING, FieldClass.IDENTITY, FieldClass.NARRATIVE} <= classes, "entitled inboxes do hold them"


def test_what_was_published_is_found_in_the_outboxes(live: LiveExchange, story: Story) -> None:
    """The same search over the outboxes finds every canary, so it would find one elsewhere."""
    outboxes = [topic for topic in live.topics() if topic.endswith(".outbox")]
    found = {each for record in live.records(outboxes) for each in story.search.plainly(record.value or b"")}
    assert set(story.owner) - found == set()


def test_every_row_of_every_table(live: LiveExchange, story: Story) -> None:
    """Texts and bytea, the ledger's tables and PostgreSQL's own."""
    tables = live.tables()
    assert ("ledger", "progress") in tables
    rows, leaks = 0, list[str]()
    for schema, table in tables:
        for row in live.rows_of(schema, table):
            rows += schema == "ledger"
            leaks += [f"{schema}.{table}: {', '.join(each.paths)}" for each in story.search.found(row)]
    assert leaks == []
    assert rows >= len(story.told)


def test_the_database_files(live: LiveExchange, story: Story) -> None:
    """Write-ahead log included: what is in no table any more would still be there."""
    with psycopg.connect(live.database) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    files = [path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()]
    assert any("pg_wal" in str(path) for path in files)
    assert {each for path in files for each in story.search.plainly(path.read_bytes())} == set()


def test_every_log_file_metrics_page_and_printed_line(live: LiveExchange, story: Story) -> None:
    """Of broker, database, router, ledger and `masa up`."""
    logs, pages = live.logs(), live.metrics()
    assert {"router-0.log", "ledger.log", "up.log", "kafka.log", "postgres.log"} <= {
        name.rsplit("/")[-1] for name in logs
    }
    assert len(pages) >= 3
    texts = {**logs, **pages, "output": live.said().encode()}
    leaks = [f"{where}: {', '.join(each.paths)}" for where, text in texts.items() for each in story.search.found(text)]
    assert leaks == []


def test_nothing_at_all_reaches_those_the_publisher_withheld_from(live: LiveExchange, story: Story) -> None:
    """No record, and no other recipient's record names them."""
    inboxes = [topic for topic in live.topics() if topic.endswith(".inbox")]
    received: dict[str, set[str]] = {event_id: set() for event_id in story.withheld}
    for record in live.records(inboxes, isolation="read_uncommitted"):
        event_id = record.header("ce_id")
        if event_id in received:
            received[event_id].add(record.header("masa-recipient"))
            beside = repr(record.headers) + record.topic
            assert not any(agency in beside for agency in story.withheld[event_id])
    assert any(received.values())
    for event_id, agencies in story.withheld.items():
        assert received[event_id].isdisjoint(agencies)
        (shown,) = live.answers("ledger", "show", event_id, "--json")
        outcomes = {each["agency"]: (each["outcome"], each["reasons"]) for each in shown["outcomes"]}
        for agency in agencies:
            assert outcomes[agency] == ("WITHHELD", ["PUBLISHER_WITHHELD", "DETRIMENT"])


def test_rejected_events_reach_nobody_and_their_audit_says_nothing_of_them(live: LiveExchange, story: Story) -> None:
    """Protection not stated, another's code, a header that contradicts: named reasons, no delivery."""
    audits = audits_of(live, story.places).values()
    assert [each["outcomes"] for each in audits] == [[], [], []]
    reasons = [each["rejection"]["reason"] for each in audits]
    assert sorted(reasons) == ["HEADERS", "REQUIRED_FIELD", "SPOOFED_SOURCE"]
    inboxes = [topic for topic in live.topics() if topic.endswith(".inbox")]
    assert story.rejected.isdisjoint(record.header("ce_id") for record in live.records(inboxes))


def test_a_refused_publication_says_nothing_of_the_child(live: LiveExchange) -> None:
    """`masa publish` names line, field and what would be right, and repeats no value."""
    told = Events().make(TYPES["housing.household-moved"], "PROTECTED", known_settings=True)
    refused = json.loads(json.dumps(to_json(told.event_type, told.planted.datum)))
    number, postcode = at(told.planted.datum, "envelope.child.nhsNumber"), at(told.planted.datum, "newAddress.postcode")
    refused["envelope"]["child"]["nhsNumber"] = number[:-1] + str((int(number[-1]) + 1) % 10)
    refused["newAddress"]["postcode"] = postcode + "Q"
    refused["envelope"]["addressProtection"] = "REFUGE"
    refused["envelope"]["childs"] = {"name": at(told.planted.datum, "envelope.child.name")}
    done = live.call("publish", "-", stdin=json.dumps(refused))
    assert done.exit_code == 1
    said = done.output + done.stderr
    assert "envelope.childs" in said
    assert Search(told.planted.canaries).found(said.encode()) == set()
    assert number[:-1] not in said
    del refused["envelope"]["childs"]
    said = live.call("publish", "-", stdin=json.dumps(refused)).stderr
    assert "envelope.child.nhsNumber" in said
    assert "newAddress.postcode" in said
    assert Search(told.planted.canaries).found(said.encode()) == set()
    assert number[:-1] not in said


def test_the_scan_finds_what_is_planted(live: LiveExchange, story: Story, entitlements: Entitlements) -> None:
    """In a record of any topic, in a header, in a table, in a log line."""
    told = next(each for each in story.told.values() if each.event_type.name == "police.domestic-abuse-incident")
    for canary in told.planted.canaries:
        value = canary.value.encode()
        assert list(leaks_in(RawRecord("masa.audit", 0, 0, None, b"\x0c" + value + b"\0", ()), story, entitlements))
        assert list(leaks_in(RawRecord("agency.x.outbox", 0, 0, None, None, (("h", value),)), story, entitlements))
        assert story.search.found(b'{"at": "now", "error": "' + value + b'"}')
        assert story.search.found(zlib.compress(b"before " + value))
    whole = next(r for r in live.records(["agency.northshire-police.outbox"]) if r.header("ce_id") == told.event_id)
    headers = (
        ("ce_id", told.event_id.encode()),
        ("masa-recipient", b"oakfield-primary"),
        ("masa-role", b"dsl"),
        ("masa-rule", b"encompass-dsl"),
    )
    found = list(leaks_in(RawRecord("gateway.inbox", 0, 0, None, whole.value, headers), story, entitlements))
    assert any("where a protected child is (envelope.contact.phone) to oakfield-primary" in each for each in found)
    text = next(each.value for each in told.planted.canaries if not each.is_code)
    with psycopg.connect(live.database, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.planted (a text, b bytea)")
        try:
            connection.execute("INSERT INTO public.planted VALUES ('nothing', %s)", (b"\x3c" + text.encode(),))
            assert ("public", "planted") in live.tables()
            (row,) = live.rows_of("public", "planted")
            assert {each.value for each in story.search.found(row)} == {text}
        finally:
            connection.execute("DROP TABLE public.planted")
