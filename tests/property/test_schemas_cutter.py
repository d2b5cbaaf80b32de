"""The cutter against the codec: the same values, the same projections, and never certain of what is not sound."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import decode_event, encode_event
from schemas.cutter import Cutter, compile_cutter
from schemas.errors import ContractError
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.identifiers import check_format
from schemas.projection import project_datum
from schemas.projector import compile_projector
from schemas.registry import EventType, load_event_types
from schemas.sure_checks import sure_checks
from streams.routing.quick import RUNS, WANTED
from tests.datums import datums

TYPES = list(load_event_types().values())
ANYTHING: Mapping[str, Any] = dict.fromkeys(sure_checks(), lambda _: True)


@cache
def cutter(event_type: EventType) -> Cutter:
    return compile_cutter(event_type.schema, WANTED, ANYTHING, RUNS)


def value_at(datum: Any, path: str) -> Any:
    for name in path.split("."):
        datum = None if datum is None else datum[name]
    return datum


@pytest.mark.parametrize("event_type", TYPES, ids=lambda each: each.name)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_cut_values_and_projections_equal_the_plain_way(event_type: EventType, data: st.DataObject) -> None:
    """For any datum and any set of kept fields, joining slices gives the bytes that re-encoding would give."""
    datum = data.draw(datums(event_type))
    encoded = encode_event(event_type, datum)
    plain = compile_cutter(event_type.schema, WANTED, ANYTHING)
    values, cuts = cutter(event_type).cut(encoded, 10)
    assert cutter(event_type).cut(encoded, 10) == plain.cut(encoded, 10) == (values, cuts), "a run comes again"
    assert list(values) == [value_at(datum, path) for path in WANTED]
    always = {leaf.path for leaf in event_type.leaves if not leaf.nullable}
    kept = frozenset(data.draw(st.sets(st.sampled_from(event_type.paths)))) | always
    project = compile_projector(cutter(event_type).units, kept, SINGLE_OBJECT_MARK + event_type.fingerprint)
    assert project(encoded, cuts) == encode_event(event_type, project_datum(event_type.schema, datum, kept))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_bytes_are_never_vouched_for(data: st.DataObject) -> None:
    """Whatever the cutter accepts, the strict codec accepts too, with the same values."""
    event_type = data.draw(st.sampled_from(TYPES))
    encoded = bytearray(encode_event(event_type, data.draw(datums(event_type))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(10, len(encoded) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert"])):
            case "flip":
                encoded[at] = data.draw(st.integers(0, 255))
            case "cut":
                del encoded[at : at + data.draw(st.integers(1, 4))]
            case _:
                encoded[at:at] = data.draw(st.binary(min_size=1, max_size=4))
        if len(encoded) < 12:
            break
    damaged = bytes(encoded)
    try:
        values, _ = cutter(event_type).cut(damaged, 10)
    except (ValueError, LookupError):
        return
    try:
        decoded = decode_event(damaged)
    except ContractError as error:
        raise AssertionError(f"the cutter accepted what the codec refuses: {error}") from error
    assert list(values) == [value_at(decoded.datum, path) for path in WANTED]


IDENTIFIERS = st.sampled_from(
    ["9449306494", "9691292211", "9912003888", "9434765919", "1234567890", "9991234566", "B801200005001"]
)
DIGITS = st.text("0123456789", min_size=9, max_size=13)
SHAPES = st.one_of(
    IDENTIFIERS,
    DIGITS,
    st.builds(str.__add__, st.sampled_from("ABCDEFGHJKLMNPQRTUVWXYZIOS"), DIGITS),
    st.text(max_size=14),
)


@settings(max_examples=1500, deadline=None)
@given(fmt=st.sampled_from(sorted(sure_checks())), value=SHAPES)
def test_a_sure_identifier_is_a_valid_one(fmt: str, value: str) -> None:
    """The quick predicates are true only where the validators agree."""
    if sure_checks()[fmt](value):
        assert check_format(fmt, value) is None


@given(st.integers(0, 999_999_999))
def test_every_right_check_digit_is_recognised_quickly(nine: int) -> None:
    """Quick and full check agree on all ten last digits of an NHS number."""
    sure = sure_checks()["nhs-number"]
    for last in range(10):
        number = f"{nine:09d}{last}"
        assert sure(number) == (check_format("nhs-number", number) is None)
