"""Bad input that the bytes alone give away: frames, encodings, sizes."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from connectors.kafka.publisher import Outgoing
from schemas.framing import CONFLUENT_MARK, SINGLE_OBJECT_MARK, frame, frame_confluent
from schemas.json_form import to_json
from schemas.vocabulary import RejectReason
from streams.simulation.spoiling import BadKind, Donor, SeenBy, Spoil, set_path

_HEAD = len(SINGLE_OBJECT_MARK) + 8
_OVERSIZE_BYTES = 300 * 1024  # an event has at most 256 KiB
_NOBODYS_SCHEMA_ID = 2_000_000_001
_MARKER = "Q" * 24


def _value(change: Callable[[Donor, Random], bytes | None]) -> Spoil:
    """Only the value is bad; topic, key and headers stay."""
    return lambda donor, rng: donor.record._replace(value=change(donor, rng))


def _kind(name: str, reason: RejectReason, change: Callable[[Donor, Random], bytes | None], **more: Any) -> BadKind:
    return BadKind(name=name, reason=reason, seen_by=SeenBy.CODEC, spoil=_value(change), **more)


def _noise(donor: Donor, rng: Random) -> bytes:
    return b"\xff" + rng.randbytes(len(donor.value()))


def _big_endian_fingerprint(donor: Donor, rng: Random) -> bytes:
    del rng
    value = donor.value()
    return value[:2] + value[2:_HEAD][::-1] + value[_HEAD:]


def _truncated(donor: Donor, rng: Random) -> bytes:
    value = donor.value()
    return value[: rng.randrange(_HEAD + 1, len(value))]


def _with_byte(path: str, one: Any, other: Any, replacement: bytes) -> Callable[[Donor, Random], bytes]:
    """Replace the byte in which the encodings of two values of a field differ first; what follows it stays."""

    def change(donor: Donor, rng: Random) -> bytes:
        del rng
        value, index = _first_difference(donor, path, one, other)
        return value[:index] + replacement + value[index + 1 :]

    return change


def _first_difference(donor: Donor, path: str, one: Any, other: Any) -> tuple[bytes, int]:
    datum = donor.datum()
    set_path(datum, path, one)
    first = donor.encoded(datum)
    set_path(datum, path, other)
    second = donor.encoded(datum)
    return first, next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)


def _endless_array(donor: Donor, rng: Random) -> bytes:
    """A thousand thousand million items announced, none there: must cost neither memory nor time."""
    del rng
    value, index = _first_difference(donor, "envelope.concerns", None, ["OTHER"])
    return value[:index] + b"\x02" + _varint(1 << 40)


def _huge_text(donor: Donor, rng: Random) -> bytes:
    del rng
    value, index = _first_difference(donor, "envelope.masaId", "a" * 10, "a" * 11)
    return value[:index] + _varint(1 << 40) + value[index + 1 :]


def _latin1(donor: Donor, rng: Random) -> bytes:
    del rng
    datum = donor.datum()
    set_path(datum, "envelope.relevanceReason", _MARKER)
    return donor.encoded(datum).replace(_MARKER.encode(), "caf\xe9 ".encode("latin-1") * 4 + b"\xe9" * 4)


def _without_people(donor: Donor, rng: Random) -> bytes:
    """Damaged behind an absent list: what defines the list's codes was never read, and other fields use them too."""
    datum = donor.datum()
    set_path(datum, "envelope.relatedPersons", None)
    return donor.encoded(datum) + rng.randbytes(1)


def _as_json(donor: Donor, rng: Random) -> bytes:
    del rng
    return json.dumps(to_json(donor.event.event_type, donor.event.datum)).encode()


def _varint(number: int) -> bytes:
    """Avro long of a number from 0."""
    zigzag, out = number << 1, bytearray()
    while zigzag > 127:
        out.append(zigzag & 127 | 128)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def _tombstone(donor: Donor, rng: Random) -> Outgoing:
    del rng
    return donor.record._replace(value=None)


_R = RejectReason
BYTES_KINDS: tuple[BadKind, ...] = (
    _kind("empty-value", _R.EMPTY, lambda donor, rng: b""),
    BadKind(name="tombstone", reason=_R.EMPTY, seen_by=SeenBy.CODEC, spoil=_tombstone),
    _kind("noise", _R.FRAMING, _noise),
    _kind("no-frame", _R.FRAMING, lambda donor, rng: donor.value()[_HEAD:]),
    _kind("json-instead-of-avro", _R.FRAMING, _as_json),
    _kind("frame-cut-short", _R.FRAMING, lambda donor, rng: donor.value()[: rng.randrange(2, _HEAD)]),
    _kind("registry-frame-cut-short", _R.FRAMING, lambda donor, rng: CONFLUENT_MARK + b"\x00\x01"),
    _kind("unknown-fingerprint", _R.UNKNOWN_SCHEMA, lambda donor, rng: frame(rng.randbytes(8), donor.value()[_HEAD:])),
    _kind("fingerprint-byte-order", _R.UNKNOWN_SCHEMA, _big_endian_fingerprint),
    _kind(
        "unknown-registry-id",
        _R.UNKNOWN_SCHEMA,
        lambda donor, rng: frame_confluent(_NOBODYS_SCHEMA_ID, donor.value()[_HEAD:]),
    ),
    _kind("frame-only", _R.UNDECODABLE, lambda donor, rng: donor.value()[:_HEAD], path="envelope.eventId"),
    _kind(
        "garbage-after-frame",
        _R.UNDECODABLE,
        lambda donor, rng: donor.value()[:_HEAD] + b"\xff" * 64,
        path="envelope.eventId",
    ),
    _kind("truncated", _R.UNDECODABLE, _truncated),
    _kind("trailing-bytes", _R.TRAILING_BYTES, lambda donor, rng: donor.value() + rng.randbytes(rng.randint(1, 40))),
    _kind(
        "trailing-byte-without-people", _R.TRAILING_BYTES, _without_people, types=("police.domestic-abuse-incident",)
    ),
    _kind("two-events-in-one", _R.TRAILING_BYTES, lambda donor, rng: donor.value() * 2),
    BadKind(
        name="oversize",
        reason=_R.OVERSIZE,
        seen_by=SeenBy.ROUTER,
        spoil=_value(lambda donor, rng: donor.value() + bytes(_OVERSIZE_BYTES)),
    ),
    _kind(
        "unknown-enum-index",
        _R.UNKNOWN_ENUM,
        _with_byte("envelope.urgency", "IMMEDIATE", "URGENT", b"\x7e"),
        path="envelope.urgency",
    ),
    _kind(
        "negative-enum-index",
        _R.UNKNOWN_ENUM,
        _with_byte("envelope.purpose", "SAFEGUARDING", "WELFARE", b"\x01"),
        path="envelope.purpose",
    ),
    _kind(
        "no-such-union-branch",
        _R.UNDECODABLE,
        _with_byte("envelope.concerns", None, ["OTHER"], b"\x08"),
        path="envelope.concerns",
    ),
    _kind(
        "not-a-boolean",
        _R.UNDECODABLE,
        _with_byte("envelope.handling.restricted", False, True, b"\x07"),
        path="envelope.handling.restricted",
    ),
    _kind(
        "negative-text-length",
        _R.UNDECODABLE,
        _with_byte("envelope.masaId", "a" * 10, "a" * 11, b"\x01"),
        path="envelope.masaId",
    ),
    _kind(
        "number-without-end",
        _R.UNDECODABLE,
        _with_byte("envelope.sequence", 1, 2, b"\xff" * 11),
        path="envelope.sequence",
    ),
    _kind(
        "number-too-large",
        _R.UNDECODABLE,
        _with_byte("envelope.schemaVersion", 1, 2, _varint(1 << 40)),
        path="envelope.schemaVersion",
    ),
    _kind("endless-array", _R.UNDECODABLE, _endless_array),
    _kind("huge-text-announced", _R.UNDECODABLE, _huge_text, path="envelope.masaId"),
    _kind("text-not-utf8", _R.TEXT_NOT_UTF8, _latin1, path="envelope.relevanceReason"),
)
