"""Bytes to events and back, and a named reason for every kind of bad bytes."""

from __future__ import annotations

import pytest

from schemas.codec import decode_event, decode_record, encode_event, encode_record
from schemas.errors import EventInvalid, FrameError
from schemas.framing import frame, frame_confluent
from schemas.registry import load_event_types
from schemas.vocabulary import RejectReason
from tests.events import an_event, event_type, put

ENCOMPASS = "police.domestic-abuse-incident"
ID_LENGTH_AT = 10  # first byte after the frame: the length of envelope.eventId
CATEGORY_AT = ID_LENGTH_AT + 1 + 36 + 1 + len(ENCOMPASS) + 1 + 1 + len("northshire")  # envelope.sourceOrg.category


def encoded() -> bytearray:
    return bytearray(encode_event(event_type(ENCOMPASS), an_event(ENCOMPASS)))


def refusal(data: bytes) -> EventInvalid:
    with pytest.raises(EventInvalid) as caught:
        decode_event(bytes(data))
    return caught.value


def test_what_is_encoded_is_decoded_to_the_same_values() -> None:
    """Type and datum come back, logical types as plain integers and strings."""
    datum = an_event(ENCOMPASS)
    decoded = decode_event(encode_event(event_type(ENCOMPASS), datum))
    assert decoded.event_type is event_type(ENCOMPASS)
    assert decoded.datum == datum
    assert type(decoded.datum["envelope"]["occurredAt"]) is int


def test_a_confluent_frame_is_decoded_through_its_id() -> None:
    """A registry id is looked up in the ids the caller gives."""
    kind = event_type(ENCOMPASS)
    data = frame_confluent(7, bytes(encoded()[10:]))
    assert decode_event(data, schema_ids={7: kind.fingerprint}).datum == an_event(ENCOMPASS)


@pytest.mark.parametrize("ids", [None, {}, {8: bytes(8)}, {7: bytes(8)}])
def test_an_unknown_schema_is_named(ids: dict[int, bytes] | None) -> None:
    """An id nobody registered, or one of a schema that is not ours, is UNKNOWN_SCHEMA."""
    with pytest.raises(FrameError) as caught:
        decode_event(frame_confluent(7, b""), schema_ids=ids)
    assert caught.value.reason is RejectReason.UNKNOWN_SCHEMA


def test_an_unknown_fingerprint_is_named() -> None:
    """A single-object frame of somebody else's schema is UNKNOWN_SCHEMA."""
    with pytest.raises(FrameError) as caught:
        decode_event(frame(bytes(8), b""))
    assert caught.value.reason is RejectReason.UNKNOWN_SCHEMA


def test_bytes_after_the_event_are_named() -> None:
    """One event and nothing else."""
    problem = refusal(encoded() + b"\x00").problems[0]
    assert problem.code is RejectReason.TRAILING_BYTES


@pytest.mark.parametrize("index", [0x7E, 0x01, 0x80])
def test_an_unknown_symbol_is_named_with_its_path(index: int) -> None:
    """A symbol number beyond the list, or below zero (which fastavro takes for the last symbol)."""
    data = encoded()
    data[CATEGORY_AT] = index
    if index & 0x80:
        data[CATEGORY_AT + 1 : CATEGORY_AT + 1] = b"\x02"
    problem = refusal(data).problems[0]
    assert (problem.path, problem.code) == ("envelope.sourceOrg.category", RejectReason.UNKNOWN_ENUM)
    assert "POLICE" in problem.expected


def test_text_that_is_not_utf8_is_named_with_its_path() -> None:
    """Latin-1 bytes in a string."""
    data = encoded()
    data[ID_LENGTH_AT + 1] = 0xE9
    problem = refusal(data).problems[0]
    assert (problem.path, problem.code) == ("envelope.eventId", RejectReason.TEXT_NOT_UTF8)


@pytest.mark.parametrize("keep", [10, 11, 30, 80, 200])
def test_bytes_that_end_early_are_undecodable(keep: int) -> None:
    """A cut value names the field in which it ends."""
    problem = refusal(encoded()[:keep]).problems[0]
    assert problem.code is RejectReason.UNDECODABLE
    assert problem.path.startswith("envelope")


@pytest.mark.parametrize(
    "head",
    [
        b"\x01",  # a negative length
        b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # the greatest length there is
        b"\xff" * 11,  # a number without end
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # more than 64 bits
    ],
)
def test_impossible_lengths_are_undecodable(head: bytes) -> None:
    """Nothing is read beyond the bytes that are there, whatever a length says."""
    data = encoded()
    data[ID_LENGTH_AT : ID_LENGTH_AT + 1] = head
    assert refusal(data).problems[0].code is RejectReason.UNDECODABLE


def test_a_boolean_is_zero_or_one() -> None:
    """fastavro takes any byte for a boolean; we do not."""
    kind = event_type(ENCOMPASS)
    plain, changed = an_event(kind), an_event(kind)
    put(changed, "envelope.handling.restricted", True)
    one, other = encode_event(kind, plain), encode_event(kind, changed)
    place = next(n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
    data = bytearray(one)
    data[place] = 7
    problem = refusal(data).problems[0]
    assert (problem.path, problem.code) == ("envelope.handling.restricted", RejectReason.UNDECODABLE)


def test_a_number_beyond_its_bits_is_undecodable() -> None:
    """An `int` of 35 bits would be another number to a reader that keeps to 32."""
    kind = event_type("education.absence-concern")
    datum = an_event(kind, sessionsMissed=1_000_000)
    data = encode_event(kind, datum)
    small = kind.wire.write(datum)
    assert data.endswith(small)
    at = data.index(b"\x02\x80\x89\x7a")  # branch 1, then zigzag of 1,000,000
    problem = refusal(data[: at + 1] + b"\x80\x80\x80\x80\x80\x01" + data[at + 4 :]).problems[0]
    assert (problem.path, problem.code) == ("sessionsMissed", RejectReason.UNDECODABLE)


def test_a_list_in_several_blocks_is_read() -> None:
    """Other writers may cut a list into blocks, and give a block's size: that is sound Avro."""
    kind = event_type(ENCOMPASS)
    symbols = kind.leaf_by_path["circumstances"].node["items"]["symbols"]
    data = encode_event(kind, an_event(kind, circumstances=[symbols[-1]]))
    last, first = 2 * (len(symbols) - 1), 2
    whole = bytes([2, 2, last, 0])  # not null, one item, that item, end
    assert data.count(whole) == 1
    blocks = bytes([2, 2, last, 1, 2, first, 0])  # one item; minus one item in one byte, that item; end
    decoded = decode_event(data.replace(whole, blocks))
    assert decoded.datum["circumstances"] == [symbols[-1], symbols[1]]


def test_a_misfit_is_refused_with_every_problem() -> None:
    """Encoding names all fields that do not fit, not only the first."""
    datum = an_event(ENCOMPASS)
    put(datum, "envelope.urgency", "SOON")
    put(datum, "envelope.occurredAt", "yesterday")
    put(datum, "envelope.schemaVersion", 2**31)
    put(datum, "envelope.handling.restricted", 1)
    put(datum, "envelope.child.name", "\ud800")
    put(datum, "nickname", None)
    del datum["envelope"]["masaId"]
    with pytest.raises(EventInvalid) as caught:
        encode_event(event_type(ENCOMPASS), datum)
    assert {(p.path, p.code.value) for p in caught.value.problems} == {
        ("envelope.urgency", "UNKNOWN_ENUM"),
        ("envelope.occurredAt", "TYPE_MISMATCH"),
        ("envelope.schemaVersion", "TYPE_MISMATCH"),
        ("envelope.handling.restricted", "TYPE_MISMATCH"),
        ("envelope.child.name", "TEXT_NOT_UTF8"),
        ("nickname", "TYPE_MISMATCH"),
        ("envelope.masaId", "REQUIRED_FIELD"),
    }


def test_a_record_of_ours_is_read_back() -> None:
    """Audit, held, rejected and receipt records use the same frame."""
    receipt = {
        "receiptId": "r1", "deliveryId": "d1", "eventId": "e1", "agency": "northshire-csc", "kind": "ACKNOWLEDGED",
        "outcome": "NOTED", "role": None, "person": None, "at": 1_790_935_200_000,
    }  # fmt: skip
    assert decode_record("receipt", encode_record("receipt", receipt)) == receipt


def test_a_record_of_another_kind_is_refused() -> None:
    """An event is not a receipt, and neither is a damaged one."""
    with pytest.raises(FrameError) as caught:
        decode_record("receipt", bytes(encoded()))
    assert caught.value.reason is RejectReason.UNKNOWN_SCHEMA


def test_event_types_can_be_given() -> None:
    """A caller may read under another set of event types than the packaged one."""
    data = bytes(encoded())
    assert decode_event(data, event_types=load_event_types()).datum == an_event(ENCOMPASS)
