"""Bytes to data and back: events and the exchange's own records.

A datum is a plain dict of strings, integers, booleans, lists and dicts, exactly as avro-python3 would read it: no
logical types applied, no union wrappers. Reading is strict: whatever comes back is what a correct writer wrote.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from schemas.errors import EventInvalid, FieldProblem, FrameError
from schemas.framing import Framed, frame, unframe
from schemas.registry import (
    EventType,
    EventTypes,
    RecordName,
    Writer,
    load_event_types,
    record_wire,
    released_record_wire,
)
from schemas.shape import shape_problems
from schemas.strict_reader import read_strictly
from schemas.vocabulary import RejectReason
from schemas.wire import Datum, Wire


class SchemaIds(Protocol):
    """What a registry's schema ids stand for; a dict will do."""

    def get(self, schema_id: int, /) -> bytes | None:
        """Fingerprint (8 bytes as on the wire) of the schema with this id, None when it is not known."""


class DecodedEvent(NamedTuple):
    """An event as read: in the shape of its type's current schema, whichever version it was written with."""

    event_type: EventType
    datum: Datum


def encode_event(event_type: EventType, datum: Datum) -> bytes:
    """Single-object encoding of an event. Raises `EventInvalid` with every misfit when it lacks the right shape.

    Shape only: `schemas.validation` says whether the content may be published.
    """
    return frame(event_type.fingerprint, encode_payload(event_type.wire, datum))


def decode_event(
    data: bytes,
    *,
    schema_ids: SchemaIds | None = None,
    event_types: EventTypes | None = None,
) -> DecodedEvent:
    """Read a framed event.

    `schema_ids` gives the fingerprint of each Confluent registry id; without it only single-object frames are
    readable. Raises `FrameError` (EMPTY, FRAMING, UNKNOWN_SCHEMA) or `EventInvalid` (UNDECODABLE, TRAILING_BYTES,
    UNKNOWN_ENUM, TEXT_NOT_UTF8, the last two with their path).
    """
    types = event_types if event_types is not None else load_event_types()
    framed = unframe(data)
    writer = _writer(framed, types, schema_ids or {})
    datum = decode_payload(writer.wire, data, framed.offset)
    if not writer.current:
        datum = writer.wire.read_as(data, framed.offset, writer.event_type.wire)
    return DecodedEvent(writer.event_type, datum)


def encode_record(name: RecordName, datum: Datum) -> bytes:
    """Single-object encoding of one of the exchange's own records. Raises `EventInvalid` for a wrong shape."""
    prepared = record_wire(name)
    return frame(prepared.fingerprint, encode_payload(prepared, datum))


def decode_record(name: RecordName, data: bytes) -> Datum:
    """Read one of the exchange's own records, also as an earlier release wrote it, in its current shape.

    Raises `FrameError`, also when it is a record of another kind.
    """
    current = record_wire(name)
    framed = unframe(data)
    writer: Wire | None = current
    if framed.fingerprint != current.fingerprint:
        writer = released_record_wire(name, framed.fingerprint or b"")
    if writer is None:
        raise FrameError(RejectReason.UNKNOWN_SCHEMA, f"not a `{name}` record: its schema fingerprint is another")
    try:
        datum, end = writer.read(data, framed.offset)
        if writer is not current:
            datum = writer.read_as(data, framed.offset, current)
    except (IndexError, EOFError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise FrameError(RejectReason.UNDECODABLE, f"damaged `{name}` record") from error
    if end != len(data):
        raise FrameError(RejectReason.TRAILING_BYTES, f"`{name}` record has bytes after its end")
    return datum


def encode_payload(wire: Wire, datum: Datum) -> bytes:
    """The bytes after the frame. Raises `EventInvalid` for a wrong shape."""
    if problems := shape_problems(wire, datum):
        raise EventInvalid(problems)
    return wire.write(datum)


def decode_payload(wire: Wire, data: bytes, offset: int) -> Datum:
    """The datum written with `wire`'s schema in `data` from `offset` to the end. Raises `EventInvalid`."""
    try:
        datum, end = wire.read(data, offset)
        faithful = end == len(data) and wire.write(datum) == data[offset:] and not shape_problems(wire, datum)
    except Exception:  # noqa: BLE001  fastavro fails in many ways on damaged bytes; the strict reader says how
        faithful = False
    return datum if faithful else _strictly(wire, data, offset)


def _strictly(wire: Wire, data: bytes, offset: int) -> Datum:
    datum: dict[str, Any]
    datum, end = read_strictly(wire.schema, data, offset)
    if end != len(data):
        left = len(data) - end
        problem = FieldProblem(
            "", RejectReason.TRAILING_BYTES, f"has {left} bytes after the event", "one event and nothing else"
        )
        raise EventInvalid([problem])
    return datum


def _writer(framed: Framed, types: EventTypes, schema_ids: SchemaIds) -> Writer:
    fingerprint = framed.fingerprint or schema_ids.get(framed.schema_id or 0)
    if fingerprint is None:
        raise FrameError(
            RejectReason.UNKNOWN_SCHEMA,
            f"schema id {framed.schema_id} is not known: register the schema, or use single-object encoding",
        )
    writer = types.writer(fingerprint)
    if writer is None:
        raise FrameError(
            RejectReason.UNKNOWN_SCHEMA,
            f"schema fingerprint {fingerprint.hex()} is none of ours: use a schema of this or an earlier release",
        )
    return writer
