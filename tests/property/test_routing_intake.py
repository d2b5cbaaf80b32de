"""The quick reader never vouches for what validation rejects, and says of an event what the slow way says.

One intake serves all examples, so that whatever it remembers of one event is there when the next comes.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import encode_event
from schemas.dates import MILLIS_PER_DAY
from schemas.errors import ContractError
from schemas.examples import new_event_id
from schemas.field_classes import Leaf
from schemas.registry import EventType, load_event_types
from streams.policy.decision import FieldPlan
from streams.policy.facts import AgencyId, EpochMillis
from streams.routing.event import Event, Rejection
from streams.routing.intake import Intake
from tests.datums import datums
from tests.events import EVENT_ID, NOW_MS, an_event, at
from tests.planned import PSEUDONYMS, intake

TYPES = list(load_event_types().values())
SOURCE = AgencyId("northshire-police")
SLOW = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
TODAY = NOW_MS // MILLIS_PER_DAY
TEXTS = [
    "",
    " ",
    "x",
    "é" * 31,
    "é" * 32,
    "\0",
    "ZZ9 9ZZ",
    "\u2028",
    "\U0001f600" * 16,
    "a" * 63,
    "a" * 64,
    "a" * 128,
    "a" * 2001,
]
CODES: dict[str, list[str]] = {
    "nhs-number": ["9991002340", "9991002341", "9434765919", "943476591 ", "٩٩٩١٠٠٢٣٤٠", "1111111111"],
    "upn": ["B801200005001", "A801200005001", "B80120000500A", "b801200005001", ""],
    "urn": ["990001", "090001", "99000", "9900011", "٩٩٠٠٠١", "990001\n"],
    "setting-urn": ["990001", "EY990001", "SC990101", "2599001", "ey990001", "EY99001", "EY990001\n", "090001"],
    "ods": ["RZ1", "rz1", "RZ", "Z99001", "Z99001\n", "ÀZ1"],
    "gss": ["E10000099", "E06000098", "E23000099", "X10000099", "E1000009", "E10000099\n"],
    "uprn": ["100000000001", "0", "1000000000012", "1"],
    "postcode": ["ZZ9 9ZZ", "ZZ99ZZ", "zz9 9zz", "ZZ9  9ZZ", "ZZ9 9ZZ\n"],
    "phone": ["01632 960001", "12", "0" * 30, "01632 960001\n"],
    "agency-id": ["northshire-csc", "Northshire", "-x", "x" * 65],
    "role-id": ["front-door", "Front", "front_door", ""],
    "uuid": [EVENT_ID, EVENT_ID[:-1] + "G", EVENT_ID[:8], EVENT_ID + "\n"],
}  # fmt: skip
DAYS = [TODAY, TODAY + 1, TODAY + 2, TODAY - 25 * 365, TODAY - 25 * 365 - 1, TODAY - 9496, TODAY - 9497, TODAY - 9498,
        -25_568, -25_567, 47_846, 47_847, 0, -1, TODAY - 42, TODAY + 310, TODAY + 311]  # fmt: skip
INSTANTS = [NOW_MS, NOW_MS + 300_000, NOW_MS + 300_001, NOW_MS - 1, 0, -1, 1, -2_208_988_800_000, -2_208_988_800_001,
            4_133_980_799_999, 4_133_980_800_000, 2**62]  # fmt: skip


def compared(value: bytes, received_at: int = NOW_MS, reader: Intake | None = None) -> Event | None:
    """What the quick way makes of the bytes, held to the slow way."""
    desk = reader or intake()
    at_ms = EpochMillis(received_at)
    quick = desk._quick(value, SOURCE, at_ms)
    if quick is None:
        return None
    slow = desk._slow(value, SOURCE, at_ms)
    assert isinstance(slow, Event), f"vouched for what the slow way rejects: {slow}"
    assert quick.event_type is slow.event_type
    assert quick.facts == slow.facts
    assert quick.claim == slow.claim
    assert (quick.data, quick.cuts is not None, quick.datum) == (value, True, None)
    assert all(type(a) is type(b) for a, b in zip(quick.facts, slow.facts, strict=True))
    return quick


def nasty(leaf: Leaf, node: Any = None) -> st.SearchStrategy[Any]:
    """Values around the edge of what a field may hold."""
    kind, node = (leaf.kind, leaf.node) if node is None else (kind_of(node), node)
    match kind:
        case "string":
            longest = leaf.max_length or 200
            edges = ["a" * longest, "a" * (longest + 1), "é" * longest, "é" * (longest + 1)]
            return st.sampled_from([*CODES.get(leaf.format or "", []), *TEXTS, *edges])
        case "enum":
            return st.sampled_from(node["symbols"])
        case "boolean":
            return st.booleans()
        case "int":
            return st.sampled_from(DAYS) if leaf.logical else st.integers(-(2**31), 2**31 - 1)
        case "long":
            return st.sampled_from(INSTANTS) if leaf.logical else st.integers(-(2**63), 2**63 - 1)
    return st.nothing()


def kind_of(node: Any) -> str:
    return str(node["type"]) if isinstance(node, dict) else str(node)


@cache
def changeable(event_type: EventType) -> tuple[Leaf, ...]:
    return tuple(leaf for leaf in event_type.leaves if leaf.kind != "array")


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """An example with up to four fields at or beyond the edge, or a damaged one, or any datum at all."""
    event_type = draw(st.sampled_from(TYPES))
    if draw(st.integers(0, 9)) == 0:
        return encode_event(event_type, draw(datums(event_type)))
    datum = copy.deepcopy(an_event(event_type))
    for leaf in draw(st.lists(st.sampled_from(changeable(event_type)), max_size=4)):
        holder: Any = datum
        *records, name = leaf.path.split(".")
        for record in records:
            holder = holder and holder[record]
        if holder is not None:
            absent = st.none() if leaf.nullable else st.nothing()
            holder[name] = draw(absent | nasty(leaf))
    if draw(st.booleans()):
        judgement, exclusion = draw(judged()), draw(excluded())
        datum["envelope"]["proposedRecipients"], datum["envelope"]["excludeRecipients"] = judgement, exclusion
    value = encode_event(event_type, datum)
    return draw(damaged(value)) if draw(st.integers(0, 4)) == 0 else value


def judged() -> st.SearchStrategy[Any]:
    slug = st.none() | st.sampled_from(["oakfield-primary", "dsl", "Not A Slug", ""])
    one = st.fixed_dictionaries(
        {
            "agency": slug,
            "role": slug,
            "judgement": st.sampled_from(["UNKNOWN", "CONFIRMED", "WITHHELD"]),
            "ground": st.none() | st.sampled_from(["UNKNOWN", "DETRIMENT"]),
            "decidedBy": st.sampled_from(["UNKNOWN", "STANDING_ADOPTION"]),
            "reasonDigest": st.none() | st.sampled_from(["", "a" * 64, "a" * 65]),
            "reviewOn": st.none() | st.sampled_from(DAYS),
        }
    )
    return st.none() | st.lists(one, max_size=3)


def excluded() -> st.SearchStrategy[Any]:
    one = st.fixed_dictionaries(
        {
            "agency": st.sampled_from(["oakfield-primary", "Not A Slug", ""]),
            "role": st.none() | st.sampled_from(["dsl", "Not A Slug"]),
            "ground": st.sampled_from(["UNKNOWN", "SUBJECT_OF_ALLEGATION"]),
        }
    )
    return st.none() | st.lists(one, max_size=2)


@st.composite
def damaged(draw: st.DrawFn, value: bytes) -> bytes:
    raw = bytearray(value)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(raw) - 1))
        match draw(st.sampled_from(["flip", "cut", "insert"])):
            case "flip":
                raw[place] ^= 1 << draw(st.integers(0, 7))
            case "cut" if len(raw) > 20:
                del raw[place : place + draw(st.integers(1, 3))]
            case _:
                raw[place:place] = draw(st.binary(min_size=1, max_size=3))
    return bytes(raw)


@SLOW
@given(
    value=spoilt(),
    received_at=st.sampled_from([NOW_MS, NOW_MS - 300_001, NOW_MS + 86_400_000, NOW_MS + 10 * 365 * 86_400_000]),
)
def test_the_quick_way_vouches_for_nothing_that_the_slow_way_rejects(value: bytes, received_at: int) -> None:
    """For fields at and beyond every edge and for damaged bytes: no answer, or the answer of the slow way."""
    compared(value, received_at)


@pytest.mark.parametrize("event_type", TYPES, ids=lambda each: each.name)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_projections_of_both_ways_are_the_same_bytes(event_type: EventType, data: st.DataObject) -> None:
    """Whatever a recipient gets, cutting and re-encoding give the same."""
    value = encode_event(event_type, an_event(event_type))
    quick, slow = intake().read(value, SOURCE, EpochMillis(NOW_MS)), intake()._slow(value, SOURCE, EpochMillis(NOW_MS))
    assert isinstance(quick, Event)
    assert isinstance(slow, Event)
    always = {leaf.path for leaf in event_type.leaves if not leaf.nullable}
    kept = frozenset(data.draw(st.sets(st.sampled_from(event_type.paths)))) | always
    plan = FieldPlan(event_type.name, kept, ())
    assert intake().project(quick, plan) == intake().project(slow, plan)


def test_the_quick_way_does_most_of_the_work() -> None:
    """Every example but those of the rare conditions (unborn, s213B, refuge) is vouched for, so the tests above look at
    something."""
    ways: Counter[bool] = Counter()
    for event_type in TYPES:
        for level in ("NONE", "PROTECTED", "PLACEMENT"):
            value = encode_event(event_type, an_event(event_type, envelope__addressProtection=level))
            ways[compared(value) is not None] += 1
    assert ways[True] > 0.9 * ways.total()


EDGES: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("refuge", lambda e: e.update(addressProtection="REFUGE")),
    ("no gateway", lambda e: e.update(legalGateway="UNKNOWN")),
    ("no purpose", lambda e: e.update(purpose="UNKNOWN")),
    ("no regime", lambda e: e.update(dpRegime="UNKNOWN")),
    ("no urgency", lambda e: e.update(urgency="UNKNOWN")),
    ("no protection", lambda e: e.update(addressProtection="UNKNOWN")),
    ("no publisher", lambda e: e["sourceOrg"].update(category="UNKNOWN")),
    ("another's publisher", lambda e: e["sourceOrg"].update(category="DWP")),
    ("wrong version", lambda e: e.update(schemaVersion=99)),
    ("version 0", lambda e: e.update(schemaVersion=0)),
    ("wrong type", lambda e: e.update(eventType="police.child-detained-not")),
    ("occurred last", lambda e: e.update(occurredAt=e["publishedAt"] + 1)),
    ("published in the future", lambda e: e.update(publishedAt=NOW_MS + 300_001)),
    ("born tomorrow", lambda e: e["child"].update(dateOfBirth=TODAY + 2)),
    ("too old", lambda e: e["child"].update(dateOfBirth=TODAY - 27 * 366)),
    ("born and unborn", lambda e: e["child"].update(expectedDeliveryDate=TODAY, dateOfBirth=TODAY - 1)),
    ("bad NHS number", lambda e: e["child"].update(nhsNumber="9991002341")),
    ("bad masa", lambda e: e.update(masaId="Not An Area")),
    ("s49A without a school", lambda e: (e.update(legalGateway="S49A_DAA"), e["settings"].update(schoolUrn=None))),
]  # fmt: skip


@pytest.mark.parametrize("edge", EDGES, ids=lambda each: each[0])
@pytest.mark.parametrize("event_type", TYPES[::5], ids=lambda each: each.name)
def test_each_rule_of_validation_holds_the_quick_way_back(
    event_type: EventType, edge: tuple[str, Callable[[dict[str, Any]], None]]
) -> None:
    """Also right after a good event that is the same but for this."""
    good = an_event(event_type)
    bad = copy.deepcopy(good)
    edge[1](bad["envelope"])
    compared(encode_event(event_type, good))
    compared(encode_event(event_type, bad))
    compared(encode_event(event_type, good))


@pytest.mark.parametrize("scheme", ["URN", "OFSTED_URN", "LOCAL", None])
def test_an_allegation_that_names_no_accused_setting_is_left_to_the_slow_way(scheme: str | None) -> None:
    """P-16: only the slow way reads the payload's scheme; it rejects a kind of URN, and takes the others."""
    event_type = load_event_types()["lado.allegation"]
    named = an_event(event_type, settingScheme=scheme, envelope__settings__accusedSettingUrn="EY990001")
    assert compared(encode_event(event_type, named)) is not None
    unnamed = encode_event(event_type, an_event(event_type, settingScheme=scheme,
                                                envelope__settings__accusedSettingUrn=None))  # fmt: skip
    assert compared(unnamed) is None
    found = intake().read(unnamed, SOURCE, EpochMillis(NOW_MS))
    if scheme in ("URN", "OFSTED_URN"):
        assert isinstance(found, Rejection)
        assert (found.reason, found.path) == ("REQUIRED_FIELD", "envelope.settings.accusedSettingUrn")
    else:
        assert isinstance(found, Event)


def test_every_day_of_birth_around_the_limit_is_judged_alike() -> None:
    """Care leavers are children here to their 26th birthday, leap days included."""
    event_type = TYPES[0]
    reader = intake()
    for text in ("2026-10-02", "2028-02-28", "2028-02-29", "2028-03-01"):
        now = round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000) + 3_600_000
        today = now // MILLIS_PER_DAY
        for days in (
            *range(today - 9_500, today - 9_120, 7),
            *range(today - 9_499, today - 9_490),
            *range(today - 2, today + 4),
        ):
            datum = an_event(event_type)
            envelope = datum["envelope"]
            envelope.update(occurredAt=now - 3, recordedAt=now - 2, publishedAt=now - 1)
            envelope["child"]["dateOfBirth"] = days
            compared(encode_event(event_type, datum), now, reader)


def test_production_vouches_for_no_test_number() -> None:
    """Where synthetic NHS numbers are refused, the quick way does not know better."""
    strict = Intake({TYPES[0].name: TYPES[0]}, PSEUDONYMS, allow_synthetic=False)  # type: ignore[arg-type]
    datum = an_event(TYPES[0])
    assert at(datum, "envelope.child.nhsNumber").startswith("999")
    assert strict._quick(encode_event(TYPES[0], datum), SOURCE, EpochMillis(NOW_MS)) is None


@SLOW
@given(value=st.binary(max_size=60) | spoilt())
def test_any_bytes_at_all_get_an_answer(value: bytes) -> None:
    """An event or a named reason; never an exception, which would stop the router."""
    try:
        found = intake().read(value, SOURCE, EpochMillis(NOW_MS))
    except ContractError as error:  # pragma: no cover - the failure this looks for
        raise AssertionError("the intake let an error out") from error
    if not isinstance(found, Event):
        assert found.explanation
        assert "report it" not in found.explanation
    assert new_event_id(NOW_MS, 1)
