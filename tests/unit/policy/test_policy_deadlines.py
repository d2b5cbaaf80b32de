"""Deadlines in both shipped areas, held to a table worked out by hand (`deadlines.yaml`)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest
import yaml

from schemas.registry import load_event_types
from streams.policy.artefact import compile_areas
from streams.policy.facts import AgencyId, EpochMillis
from streams.policy.index import RuleSet
from streams.policy.load import load_areas

TABLE = yaml.safe_load((Path(__file__).parent / "deadlines.yaml").read_text(encoding="utf-8"))
AREAS = Path(__file__).parents[3] / "deploy" / "areas"
OF_AREA = {"northshire": "oakfield-primary", "eastmarch": "eastmarch-primary"}  # schools without days of their own


@cache
def rules() -> RuleSet:
    areas = load_areas(AREAS / "northshire", date(2026, 11, 2))
    types = load_event_types()
    return RuleSet.build(compile_areas(areas, types, date(2026, 11, 2)), types, lambda scheme, code: None)  # type: ignore[arg-type,return-value]


def millis(text: str) -> EpochMillis:
    return EpochMillis(round(datetime.fromisoformat(text).timestamp() * 1000))


def shown(at: int | None) -> str:
    return "never" if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat()


def test_the_table_is_large_enough_to_mean_something() -> None:
    """Sixty deadlines at least, none of them twice."""
    assert len(TABLE) >= 60
    assert len({tuple(row[:3]) for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize(("clock", "whose", "since", "until", "why"), TABLE, ids=[row[4] for row in TABLE])
def test_a_deadline_is_what_a_person_with_a_calendar_says(
    clock: str, whose: str, since: str, until: str | None, why: str
) -> None:
    """The clock of a delivery to this agency ends when the table says."""
    named = rules().clock_for(clock, AgencyId(OF_AREA.get(whose, whose)))
    assert named is not None
    found = rules().ack_by(named, millis(since))
    assert shown(found) == shown(None if until is None else millis(until)), why


def test_agencies_with_the_same_days_share_a_deadline() -> None:
    """A batch works out one deadline for all schools of an area that have no days of their own."""
    one, other = AgencyId("oakfield-primary"), AgencyId("moorland-primary")
    assert rules().clock_for("5SD", one) == rules().clock_for("5SD", other)
    assert rules().clock_for("5SD", one) != rules().clock_for("5SD", AgencyId("kingsmere-academy"))
    assert rules().clock_for("PT4H", one) == "PT4H"
