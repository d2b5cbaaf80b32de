"""The compiled lane against the plain way: batches of records of every kind, the same outputs from both planners."""

from __future__ import annotations

import copy
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.client.outbox import AGENCY_HEADER
from connectors.kafka import topics
from connectors.kafka.partition import Partition
from schemas.acceleration import PLAIN, acceleration
from schemas.codec import encode_event
from schemas.dates import MILLIS_PER_DAY, completed_years, iso_instant
from schemas.pseudonym import delivery_id
from schemas.registry import EventType, load_event_types
from streams.policy.artefact import compile_areas
from streams.policy.facts import EpochMillis, LocatorToken
from streams.policy.index import RuleSet
from streams.policy.load import load_areas
from streams.routing.audit_pieces import varint
from streams.routing.fast_lane import FastLane
from streams.routing.plan import Planner
from streams.routing.repeats import Window
from tests.events import NOW_MS, an_event
from tests.planned import PSEUDONYMS, intake
from tests.property.test_routing_intake import DAYS, INSTANTS, damaged, spoilt

BUILT = acceleration()
if BUILT.reason:
    pytest.skip(f"the compiled modules are {BUILT.reason}", allow_module_level=True)
native: Any = BUILT.modules["streams.routing.native"]

AREAS = Path(__file__).resolve().parents[2] / "deploy" / "areas"
TYPES = list(load_event_types().values())
TODAY = NOW_MS // MILLIS_PER_DAY


@cache
def rules() -> RuleSet:
    """Northshire and what it is joined with."""
    made = compile_areas(load_areas(AREAS / "northshire", date(2026, 10, 1)), load_event_types(), date(2026, 10, 1))
    return RuleSet.build(made, load_event_types(), lambda s, c: LocatorToken(PSEUDONYMS.locator(s, c)))


@cache
def codes(scheme: str) -> list[str]:
    return [code for agency in rules().agencies.values() for s, code in agency.identifiers if s == scheme]


class Came(NamedTuple):
    """A record as the Kafka client gives it."""

    outbox: str
    number: int
    raw: bytes | None
    said: tuple[tuple[str, Any], ...]
    at_ms: int

    def topic(self) -> str:
        return self.outbox

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.number

    def key(self) -> bytes | None:
        return b"key"

    def value(self) -> bytes | None:
        return self.raw

    def headers(self) -> list[tuple[str, Any]] | None:
        return list(self.said) or None

    def timestamp(self) -> tuple[int, int]:
        return 1, self.at_ms


@st.composite
def told(draw: st.DrawFn) -> Came:
    """A record of any kind; most are sound events of those who may publish them, about few children."""
    rnd = Random(draw(st.integers(0, 2**32)))
    event_type = rnd.choice(TYPES)
    datum = varied(event_type, rnd)
    envelope = datum["envelope"]
    source = rules().agency_for(envelope["sourceOrg"]["scheme"], envelope["sourceOrg"]["id"])
    publisher = source.id if source and rnd.random() < 0.95 else "northshire-police"
    gateway = (source is not None and source.channel == "gateway") != (rnd.random() < 0.03)
    raw: bytes | None = encode_event(event_type, datum)
    what = draw(st.sampled_from(["sound"] * 8 + ["damaged", "spoilt", "random"]))
    if what == "damaged":
        raw = draw(damaged(raw or b""))
    elif what == "spoilt":
        raw = draw(spoilt())
    elif what == "random":
        raw = draw(st.none() | st.binary(max_size=40) | st.just(b"x" * (256 * 1024 + 1)))
    said: list[tuple[str, Any]] = [("ce_id", envelope["eventId"].encode()), ("ce_type", event_type.name.encode())]
    if rnd.random() < 0.1:
        odd = [("ce_id", b"x" * 36), ("ce_type", b"x"), ("ce_id", None), ("ce_type", None), ("ce_id", b""), ("o", b"o")]
        said.insert(rnd.randrange(3), rnd.choice(odd))
    if rnd.random() < 0.1:
        said = said[rnd.randrange(3) :]
    if gateway and rnd.random() < 0.95:
        said.append((AGENCY_HEADER, rnd.choice([publisher.encode()] * 9 + [b"", b"\xff", b"nobody"])))
    topic = topics.GATEWAY_OUTBOX if gateway else topics.outbox(publisher)
    return Came(
        topic,
        rnd.choice([1, 1, 1, 90, 2**20]),
        raw,
        tuple(said),
        NOW_MS + rnd.choice([0, 0, 0, 5, -300_000, 86_400_000]),
    )


def varied(event_type: EventType, rnd: Random) -> dict[str, Any]:
    """The type's example with much of what routing reads drawn anew, from few values."""
    datum = copy.deepcopy(an_event(event_type))
    envelope = datum["envelope"]
    envelope["eventId"] = f"01a0fd32-2d00-7000-8000-{rnd.randrange(60):012x}"
    if rnd.random() < 0.3:
        return datum
    keep = 1 - 2 / (rnd.randrange(12) + 3)

    def maybe(holder: dict[str, Any], name: str, *values: Any) -> None:
        if name in holder and rnd.random() > keep:
            holder[name] = rnd.choice(values)

    settings_, child, handling = envelope["settings"], envelope["child"], envelope["handling"]
    for name, scheme in (("schoolUrn", "URN"), ("gpOds", "ODS"), ("communityHealthOds", "ODS"), ("placingLaGss", "GSS"),
                         ("hostLaGss", "GSS"), ("accusedSettingUrn", "URN")):  # fmt: skip
        maybe(settings_, name, None, *codes(scheme)[:2], *codes(scheme)[-1:], "")
    maybe(child, "nhsNumber", None, "9991002340", "9434765919", "9991002341")
    maybe(child, "upn", None, "B801200005001")
    maybe(child, "localRef", None, "", "é" * 9, "ref")
    maybe(child, "dateOfBirth", None, *DAYS)
    maybe(child, "expectedDeliveryDate", None, None, TODAY)
    maybe(handling, "sensitiveService", True, False)
    maybe(handling, "restricted", True, False)
    maybe(envelope, "addressProtection", "NONE", "PROTECTED", "PLACEMENT", "REFUGE")
    maybe(envelope, "matchStatus", "MATCH", "MATCH", "POTENTIAL_MATCH", "MANY_MATCH")
    maybe(envelope, "concerns", None, [], ["NEGLECT"], ["DOMESTIC_ABUSE", "NEGLECT"])
    maybe(envelope, "supersedes", None, "01a0fd32-2d00-7000-8000-000000000001")
    maybe(envelope["area"], "gss", None, *codes("GSS")[:3], "E06000098")
    maybe(envelope, "urgency", "UNKNOWN", "IMMEDIATE", "URGENT")
    maybe(envelope, "publishedAt", envelope["publishedAt"], *INSTANTS)
    maybe(envelope, "proposedRecipients", None, [judged(rnd)])
    excluded = {"agency": rnd.choice(["oakfield-primary", "nobody"]), "role": None, "ground": "SUBJECT_OF_ALLEGATION"}
    maybe(envelope, "excludeRecipients", None, [excluded])
    return datum


def judged(rnd: Random) -> dict[str, Any]:
    said, ground = rnd.choice([("CONFIRMED", None), ("WITHHELD", "DETRIMENT"), ("WITHHELD", None)])
    whom = rnd.choice([*list(rules().agencies)[:9], "nobody", None])
    return {"agency": whom, "role": None, "judgement": said, "ground": ground, "decidedBy": "UNKNOWN",
            "reasonDigest": None, "reviewOn": None}  # fmt: skip


class Both:
    """A plain planner and one with the lane, fed alike."""

    def __init__(self) -> None:
        self.planners = [Planner(intake(), PSEUDONYMS, 3, built=built) for built in (PLAIN, BUILT)]
        for planner in self.planners:
            planner.use(rules())
        self.offset = 0

    def next_offset(self, gap: int) -> int:
        self.offset += gap
        return self.offset

    def plan(self, records: list[Came], now: int) -> list[Any]:
        found = []
        records = [record._replace(number=self.next_offset(record.number)) for record in records]
        for planner in self.planners:
            for topic in {record.topic() for record in records}:
                if Partition(topic, 0) not in planner._windows:
                    planner.own(Partition(topic, 0), Window())
            outputs = list(planner.plan(records, EpochMillis(now)))
            found.append((outputs, planner.tally.batch(1.0, 1.0), planner.tally.oldest(), list(planner.resume())))
        plain, fast = found
        for expected, output in zip(plain[0], fast[0], strict=True):
            assert output == expected
            assert [type(part) for part in output] == [type(part) for part in expected]
        assert fast == plain
        return list(plain[0])

    def ended(self, *, committed: bool) -> None:
        for planner in self.planners:
            if committed:
                planner.committed()
            else:
                planner.aborted()

    def use(self, given: RuleSet | None) -> None:
        for planner in self.planners:
            planner.use(given)


@cache
def both() -> Both:
    """One pair for all examples, so that what the lane remembers of one is there when the next comes."""
    return Both()


BATCHES = st.lists(
    st.tuples(
        st.lists(told(), max_size=12),
        st.sampled_from([NOW_MS, NOW_MS + 1, NOW_MS + 43_200_000, NOW_MS + 40 * MILLIS_PER_DAY]),
        st.booleans(),
        st.sampled_from([None, None, None, "none", "rules"]),
    ),
    max_size=4,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=BATCHES, fresh=st.booleans())
def test_the_lane_writes_what_the_plain_way_writes(batches: list[Any], fresh: bool) -> None:
    """Sound, edged, damaged, repeated, spoofed and random records; commits, aborts, other days, other rules."""
    pair = Both() if fresh else both()
    pair.use(rules())
    try:
        for records, now, committed, other in batches:
            if other is not None:
                pair.use(None if other == "none" else rules())
            pair.plan(records, now)
            pair.ended(committed=committed)
    except BaseException:
        both.cache_clear()  # the two are no longer alike
        raise
    pair.ended(committed=False)


def test_the_lane_takes_most_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sound events, all but those that wait for a person, are refused or are rare; so the test above looks at it."""
    counted: list[bool] = []
    begin = FastLane.begin

    def counting(self: FastLane, *given: Any) -> Any:
        plan = begin(self, *given)

        def one(record: Any) -> Any:
            outputs = plan(record)
            counted.append(outputs is not None)
            return outputs

        return one

    monkeypatch.setattr(FastLane, "begin", counting)
    pair, rnd = Both(), Random(5)
    records = []
    for number in range(400):
        event_type = TYPES[number % len(TYPES)]
        datum = copy.deepcopy(an_event(event_type))
        envelope = datum["envelope"]
        envelope["eventId"] = f"01a0fd32-2d00-7000-8000-{number:012x}"
        source = rules().agency_for(envelope["sourceOrg"]["scheme"], envelope["sourceOrg"]["id"])
        assert source is not None
        said = ((AGENCY_HEADER, source.id.encode()),) if source.channel == "gateway" else ()
        topic = topics.GATEWAY_OUTBOX if said else topics.outbox(source.id)
        envelope["child"]["nhsNumber"] = rnd.choice(["9991002340", None])
        records.append(Came(topic, number, encode_event(event_type, datum), said, NOW_MS))
    pair.plan(records, NOW_MS)
    assert sum(counted) > 0.7 * len(counted), f"{sum(counted)} of {len(counted)}"


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999), st.integers(-25_567, 47_846))
def test_times_and_ages_are_told_alike(millis: int, born: int) -> None:
    """Every instant of years 1 to 9999; every birth that a date can hold."""
    assert native.spoken("iso_instant", millis) == iso_instant(millis).encode()
    assert native.spoken("completed_years", born, millis) == completed_years(born, millis)


@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=60), st.uuids())
def test_numbers_and_delivery_ids_are_written_alike(number: int, agency: str, event_id: Any) -> None:
    assert native.spoken("varint", number) == varint(number)
    said = native.spoken("delivery_id", str(event_id).encode(), agency.encode()[:255])
    assert said == delivery_id(str(event_id), agency, 1).encode()


def test_without_the_compiled_modules_there_is_no_lane() -> None:
    """Then every record takes the plain way."""
    assert Planner(intake(), PSEUDONYMS, 0, built=PLAIN)._lane is None
