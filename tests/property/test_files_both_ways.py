"""Both ways of making an event of a record agree, whatever is in the columns."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.files.prepare import Preparer, Ready, Refused
from connectors.files.records import Row
from schemas.errors import FieldProblem
from schemas.registry import EventType, load_event_types
from schemas.sure_event import SureEvents
from tests.unit.files.support import NOW, SAMPLES, SHIPPED, never, nothing_before, preparer, reader, shipped

ODD = ("", "Y", "N", "990001", "31/12/2024", "2024-12-31", "9991002340", "REFUGE", "PROTECTED", "XXX", "Zoë", "é" * 70)
SURE = SureEvents(load_event_types(), allow_synthetic=True)


@cache
def ways(mapping: str) -> tuple[Preparer, Preparer, list[Row]]:
    """The quick way, the other one, and rows of the sample."""
    rules, (agency, files) = shipped(mapping), SHIPPED[mapping]
    quick = preparer(rules, agency, lambda value: SURE.occurred_at(value, NOW))
    with (SAMPLES / files[0]).open("rb") as file:
        read = reader(file, rules, quick.program.sources)
        rows = [record for record in read.records() if isinstance(record, Row)]
    return quick, preparer(rules, agency, never), rows


@pytest.mark.parametrize("mapping", sorted(SHIPPED))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_both_ways_agree_on_any_record(mapping: str, data: st.DataObject) -> None:
    """The same event byte for byte, the same skipping, or the same problems."""
    quick, slow, rows = ways(mapping)
    row = data.draw(st.sampled_from(rows))
    texts = list(row.texts)
    others = st.sampled_from([text for each in rows for text in each.texts] + list(ODD)) | st.text(max_size=12)
    for place in data.draw(st.sets(st.integers(0, len(texts) - 1), max_size=4)):
        texts[place] = data.draw(others).strip()
    made = [way.batch([row._replace(texts=texts)], nothing_before, {}) for way in (quick, slow)]
    assert made[0] == made[1]
    outcome: Any = made[0].outcomes[0][1]
    assert not isinstance(outcome, Refused) or outcome.problems


@pytest.mark.parametrize("mapping", sorted(SHIPPED))
def test_the_quick_way_is_taken_by_ordinary_records(mapping: str) -> None:
    """Otherwise the two ways agree because there is only one."""
    quick, _, rows = ways(mapping)
    looked_at: list[str] = []

    def check(event_type: EventType, datum: dict[str, Any]) -> list[FieldProblem]:
        del event_type
        looked_at.append(datum["envelope"]["addressProtection"])
        return []

    outcomes = replace(quick, check=check).batch(rows, nothing_before, {}).outcomes
    assert [outcome for _, outcome in outcomes if isinstance(outcome, Ready)]
    assert set(looked_at) <= {"REFUGE"}, "only a refuge needs a second look"
