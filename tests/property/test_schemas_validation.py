"""Validation answers for any event, never repeats content, and misses no wrong digit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stdnum.gb import upn as stdnum_upn

from schemas.errors import EventInvalid
from schemas.examples import new_event_id
from schemas.identifiers import nhs_number, upn
from schemas.json_form import from_json, to_json
from schemas.registry import EventType, load_event_types
from schemas.validation import validate
from tests.datums import datums
from tests.events import NOW_MS, an_event

TYPES = list(load_event_types().values())
EACH_TYPE = pytest.mark.parametrize("event_type", TYPES, ids=lambda each: each.name)
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
CANARY = "Zq7canary"


@EACH_TYPE
@settings(max_examples=8, **PATIENT)
@given(data=st.data())
def test_any_datum_gets_an_answer(event_type: EventType, data: st.DataObject) -> None:
    """Whatever well-shaped content comes, validation returns problems with a path in the schema, and never raises."""
    datum = data.draw(datums(event_type))
    for problem in validate(event_type, datum, received_at_ms=NOW_MS, allow_synthetic=False):
        path = problem.path.split("[")[0]
        assert any(leaf == path or leaf.startswith(path + ".") for leaf in event_type.paths), path
        assert problem.expected


@EACH_TYPE
def test_no_content_is_repeated_in_a_message(event_type: EventType) -> None:
    """A canary in every text, wherever it is wrong, is in no message, of validation or of reading JSON."""
    datum = _with_canaries(an_event(event_type, envelope__addressProtection="REFUGE"))
    for allow_synthetic in (True, False):
        problems = validate(event_type, datum, received_at_ms=NOW_MS, allow_synthetic=allow_synthetic)
        assert problems
        assert CANARY not in " ".join(map(str, problems))
    form = _everything_wrong(to_json(event_type, an_event(event_type)))
    with pytest.raises(EventInvalid) as caught:
        from_json(event_type, form)
    assert len(caught.value.problems) > 10
    assert CANARY not in str(caught.value)


def _with_canaries(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _with_canaries(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_canaries(each) if isinstance(each, dict) else each for each in value]
    is_word = isinstance(value, str) and value.isupper() and value.replace("_", "").isalpha()
    return CANARY * 300 if isinstance(value, str) and not is_word else value


def _everything_wrong(value: Any) -> Any:
    """Every number, boolean and text replaced: texts where there were numbers, numbers in lists where texts were."""
    if isinstance(value, dict):
        wrong = {key: _everything_wrong(each) for key, each in value.items()}
        return wrong | {f"{CANARY} 9449306494": CANARY}
    if isinstance(value, list):
        return [CANARY]
    return [CANARY] if isinstance(value, str) else CANARY


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9 - 1), st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_of_an_nhs_number_is_always_found(first: int, place: int, shift: int) -> None:
    """Modulus 11 finds every single wrong digit."""
    digits = f"{first:09d}"
    check = -sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
    if check == 10:
        assert all(nhs_number(digits + str(last)) for last in range(10))
        return
    right = digits + str(check)
    assert nhs_number(right) is None
    wrong = right[:place] + str((int(right[place]) + shift) % 10) + right[place + 1 :]
    assert nhs_number(wrong)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**12 - 1), st.integers(1, 12), st.integers(1, 9), st.booleans())
def test_one_wrong_digit_of_a_upn_is_always_found(number: int, place: int, shift: int, temporary: bool) -> None:
    """Modulus 23 finds every single wrong digit, in permanent and temporary numbers."""
    body = f"{number:012d}"
    if temporary:
        body = body[:11] + "ABCDEFGHJKLMNPQRTUVWXYZ"[number % 23]
    right = stdnum_upn.calc_check_digit(body) + body
    assert upn(right) is None
    if right[place].isdigit():
        wrong = right[:place] + str((int(right[place]) + shift) % 10) + right[place + 1 :]
        assert upn(wrong)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**48 - 2), st.integers(0, 2**74 - 1), st.integers(0, 2**74 - 1))
def test_event_ids_are_ordered_by_their_moment(at_ms: int, first: int, then: int) -> None:
    """An id made later sorts later, whatever chance adds."""
    assert new_event_id(at_ms, first) < new_event_id(at_ms + 1, then)
