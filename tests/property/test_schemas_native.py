"""The compiled cutter, projector and digests against what they stand in for."""

from __future__ import annotations

import hashlib
import hmac
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.acceleration import acceleration
from schemas.codec import encode_event
from schemas.cut_program import FORMATS, STRING, CutProgram, Op, cut_program
from schemas.cutter import Cutter, compile_cutter
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.projector import compile_projector, pieces_of
from schemas.registry import EventType, load_event_types
from schemas.sure_checks import sure_checks
from streams.routing.quick import RUNS, WANTED
from tests.datums import datums
from tests.events import an_event
from tests.property.test_routing_intake import CODES, TEXTS, spoilt

BUILT = acceleration()
if BUILT.reason:
    pytest.skip(f"the compiled modules are {BUILT.reason}", allow_module_level=True)
native: Any = BUILT.modules["schemas.native"]

TYPES = {SINGLE_OBJECT_MARK + each.fingerprint: each for each in load_event_types().values()}
SLOW = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
PICTURES = [
    "9991002340", "B801200005001", "E10000099", "EY990001", "RZ1", "ZZ9 9ZZ", "GIR 0AA", "EC1A 1BB", "W1A0AX",
    "+44 1632 960001 ext 12", "01632 960001x3", "front-door", "100000000001", "8801234", "990001",
]  # fmt: skip


@cache
def both(event_type: EventType, synthetic_ok: bool) -> tuple[Cutter, Any]:
    checks = sure_checks(synthetic_ok=synthetic_ok)
    program = cut_program(event_type.schema, WANTED)
    return compile_cutter(event_type.schema, WANTED, checks, RUNS), native.Cutter(program, synthetic_ok=synthetic_ok)


def answer(cut: Any, data: bytes) -> Any:
    try:
        return cut(data, 10)
    except (ValueError, LookupError):
        return None


@SLOW
@given(value=spoilt() | st.binary(min_size=10, max_size=80), synthetic_ok=st.booleans())
def test_the_compiled_cutter_says_what_the_plain_one_says(value: bytes, synthetic_ok: bool) -> None:
    """The same values and places, or no answer from either, for sound, edged, damaged and random bytes."""
    event_type = TYPES.get(value[:10]) or next(iter(TYPES.values()))
    plain, compiled = both(event_type, synthetic_ok)
    expected = answer(plain.cut, value)
    found = answer(compiled.cut, value)
    assert found == expected
    if found is not None:
        assert [type(each) for each in found[0]] == [type(each) for each in expected[0]]


@pytest.mark.parametrize("event_type", TYPES.values(), ids=lambda each: each.name)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_datum_is_cut_and_projected_alike(event_type: EventType, data: st.DataObject) -> None:
    """Any datum, any fields kept: the bytes of the plain projector, from the cuts of either."""
    plain, compiled = both(event_type, True)
    datum = data.draw(datums(event_type)) if data.draw(st.booleans()) else an_event(event_type)
    encoded = encode_event(event_type, datum)
    expected = answer(plain.cut, encoded)
    assert answer(compiled.cut, encoded) == expected
    if expected is None:
        return
    kept = frozenset(data.draw(st.sets(st.sampled_from(event_type.paths))))
    frame = encoded[:10]
    pieces = list(pieces_of(plain.units, kept))
    project = native.Projector(pieces, len(plain.units), frame)
    assert project(encoded, expected[1]) == compile_projector(plain.units, kept, frame)(encoded, expected[1])


@settings(max_examples=3000, deadline=None)
@given(data=st.data())
def test_the_same_texts_are_sure(data: st.DataObject) -> None:
    """Every format: texts right, nearly right and wrong, in and beyond ASCII."""
    fmt = data.draw(st.sampled_from([each for each in FORMATS if each]))
    text = data.draw(st.sampled_from([*CODES[fmt], *TEXTS] if fmt in CODES else PICTURES) | st.sampled_from(PICTURES))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(text)))
        extra = data.draw(st.sampled_from([*"0123456789", *"AZEYSCIO", *"azex -+\n", "é", "٩", ""]))
        text = text[:place] + extra + text[place + data.draw(st.integers(0, 1)) :]
    synthetic_ok = data.draw(st.booleans())
    expected = sure_checks(synthetic_ok=synthetic_ok)[fmt](text)
    assert native.sure(FORMATS.index(fmt), text.encode(), synthetic_ok=synthetic_ok) == expected


@settings(max_examples=2000, deadline=None)
@given(
    st.lists(st.binary(max_size=5) | st.text(max_size=9).map(lambda t: t.encode("utf-8", "surrogatepass")), max_size=5)
)
def test_the_same_bytes_are_text(parts: list[bytes]) -> None:
    """UTF-8 exactly as Python decodes it."""
    raw = b"".join(parts)
    try:
        raw.decode()
    except UnicodeDecodeError:
        assert not native.sure(0, raw, synthetic_ok=True)
    else:
        assert native.sure(0, raw, synthetic_ok=True)


def test_every_lead_and_edge_of_utf8_is_judged_alike() -> None:
    """All sequences of a first byte and continuation bytes at the edges."""
    edges = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
    for first in range(256):
        for second in edges:
            for rest in (b"", b"\x80", b"\x80\x80", b"\xbf\xc0"):
                raw = b"plain text " + bytes((first, second)) + rest
                try:
                    raw.decode()
                    right = True
                except UnicodeDecodeError:
                    right = False
                assert native.sure(0, raw, synthetic_ok=True) == right, raw


@pytest.mark.parametrize("plain", [True, False])
def test_digests_are_those_of_hashlib(plain: bool) -> None:
    """Every length around the block size, keys shorter and longer than a block; FIPS 180-4's own example."""
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert native.sha256(b"abc", plain=plain).hex() == known
    text = bytes(range(256)) * 2
    for size in (*range(300), 512):
        assert native.sha256(text[:size], plain=plain) == hashlib.sha256(text[:size]).digest()
        for key in (b"", text[:32], text[:64], text[:65]):
            found = native.hmac_sha256(key, text[:size], plain=plain)
            assert found == hmac.digest(key, text[:size], "sha256")


def test_an_unsound_program_is_refused() -> None:
    """Whatever would read or write outside the buffers."""
    sound = Op(STRING, False, -1, -1, limit=5)
    for bad in (
        sound._replace(kind=6),
        sound._replace(unit=1),
        sound._replace(want=0),
        sound._replace(fmt=len(FORMATS)),
        sound._replace(limit=-1),
        Op(0, True, -1, -1, end=2),
        Op(5, False, -1, -1, end=1),
        Op(2, False, -1, -1, limit=10),
    ):
        with pytest.raises(ValueError, match="not sound"):
            native.Cutter(CutProgram((bad,), (), ()), synthetic_ok=True)
    with pytest.raises(ValueError, match="not sound"):
        native.Projector([(0, 2, None, False)], 1, b"")
    project = native.Projector([(0, 1, None, False)], 1, b"")
    for cuts in ((0,), (0, 9), (1, 0), (-1, 1)):
        with pytest.raises(ValueError, match="cuts of"):
            project(b"abc", cuts)


def test_an_integer_beyond_its_type_is_not_sure() -> None:
    """Five bytes of a varint can hold more than an int: neither cutter vouches for what the codec refuses."""
    event_type = next(each for each in TYPES.values() if each.name == "police.domestic-abuse-incident")
    plain, compiled = both(event_type, True)
    datum = an_event(event_type, previousIncidents12Months=2**31 - 1)
    encoded = encode_event(event_type, datum)
    _, cuts = compiled.cut(encoded, 10)
    end = cuts[[unit.path for unit in plain.units].index("previousIncidents12Months") + 1]
    beyond = encoded[: end - 1] + b"\x7f" + encoded[end:]
    assert answer(plain.cut, beyond) is None
    assert answer(compiled.cut, beyond) is None
