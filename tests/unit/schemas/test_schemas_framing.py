"""Frames before Avro values."""

from __future__ import annotations

import pytest

from schemas.errors import FrameError
from schemas.framing import FrameKind, frame, frame_confluent, unframe
from schemas.vocabulary import RejectReason

FINGERPRINT = bytes(range(8))


def test_a_single_object_frame_is_read_back() -> None:
    """Mark, fingerprint, payload; the payload starts after ten bytes."""
    data = frame(FINGERPRINT, b"payload")
    framed = unframe(data)
    assert data == b"\xc3\x01" + FINGERPRINT + b"payload"
    assert framed == (FrameKind.SINGLE_OBJECT, FINGERPRINT, None, 10)


def test_a_confluent_frame_is_read_back() -> None:
    """A zero byte, the registry's id big-endian, payload; the payload starts after five bytes."""
    data = frame_confluent(258, b"payload")
    assert data == b"\x00\x00\x00\x01\x02payload"
    assert unframe(data) == (FrameKind.CONFLUENT, None, 258, 5)


def test_an_empty_value_is_named_as_such() -> None:
    """No bytes at all is EMPTY, not a wrong frame."""
    with pytest.raises(FrameError) as caught:
        unframe(b"")
    assert caught.value.reason is RejectReason.EMPTY


@pytest.mark.parametrize("data", [b"\xc3", b"\xc3\x02" + FINGERPRINT, b"{}", b"\xc3\x01abc", b"\x00\x00", b"\x01" * 20])
def test_other_bytes_have_no_known_frame(data: bytes) -> None:
    """Anything else is FRAMING, also a frame that is cut short."""
    with pytest.raises(FrameError) as caught:
        unframe(data)
    assert caught.value.reason is RejectReason.FRAMING


def test_a_fingerprint_of_the_wrong_length_is_refused() -> None:
    """Writing a frame that nobody could read is a mistake of the caller."""
    with pytest.raises(ValueError, match="must have 8"):
        frame(b"short", b"")
