"""What is prepared once for each distinct outcome: topic, headers, the audit record's piece."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dates import iso_instant
from schemas.paths import expand
from schemas.vocabulary import OutcomeKind
from streams.policy.decision import FieldPlan, Outcome, Withheld
from streams.policy.facts import AgencyId, RoleId, RuleId
from streams.routing.deliveries import Preparer, shortened
from tests.events import event_type
from tests.planned import intake

CONTRACT = event_type("police.domestic-abuse-incident")
KEPT = frozenset(leaf.path for leaf in CONTRACT.leaves if leaf.is_routing) | {"envelope.child.name"}
PLAN = FieldPlan(CONTRACT.name, KEPT, tuple(Withheld(p, "NOT_IN_SHARE") for p in CONTRACT.paths if p not in KEPT))


class Agency(NamedTuple):
    channel: str
    area: str


AGENCIES = {AgencyId("csc"): Agency("kafka", "northshire"), AgencyId("school"): Agency("gateway", "eastmarch")}


def preparer() -> Preparer:
    return Preparer(AGENCIES, lambda agency, channel: f"{channel}/{agency}", "f" * 64, intake().projector)


def outcome(agency: str = "csc", kind: OutcomeKind = OutcomeKind.DELIVERED, plan: FieldPlan | None = PLAN) -> Outcome:
    roles, rules = (RoleId("front-door"), RoleId("lado")), (RuleId("one"), RuleId("two"))
    return Outcome(AgencyId(agency), kind, roles, rules, ("ALLOWED",), "Art 6(1)(c)", plan, "PT1H")


def test_a_delivery_goes_to_its_agencys_inbox_with_what_the_design_promises() -> None:
    """The source is the recipient's arrangement, never the publisher."""
    prepared = preparer().prepare(outcome("school"), CONTRACT)
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in prepared.headers}
    assert prepared.topic == "gateway/school"
    assert headers["ce_source"] == "urn:masa:eastmarch"
    assert headers["ce_type"] == CONTRACT.name
    assert (headers["masa-recipient"], headers["masa-role"]) == ("school", "front-door,lado")
    assert (headers["masa-rule"], headers["masa-policy"]) == ("one,two", "f" * 64)
    assert headers["masa-basis"] == "Art 6(1)(c)"


def test_the_withheld_header_names_every_field_that_is_not_given() -> None:
    """Whether or not the publisher filled it: so its presence tells nothing."""
    prepared = preparer().prepare(outcome(), CONTRACT)
    said = next(value for name, value in prepared.headers if name == "masa-withheld")
    assert isinstance(said, bytes)
    assert set(expand(said.decode().split(","), CONTRACT.paths)) == set(CONTRACT.paths) - KEPT


def test_the_same_outcome_is_prepared_once() -> None:
    """And an equal one that is another object is prepared equally."""
    desk, one = preparer(), outcome()
    first = desk.prepare(one, CONTRACT)
    assert desk.prepare(one, CONTRACT) is first
    assert desk.prepare(outcome(), CONTRACT) == first


@pytest.mark.parametrize("kind", [OutcomeKind.WITHHELD, OutcomeKind.DENIED, OutcomeKind.HELD])
def test_every_other_outcome_has_no_topic_and_no_headers(kind: OutcomeKind) -> None:
    """Nothing to send, an audit piece all the same."""
    prepared = preparer().prepare(outcome(kind=kind, plan=None), CONTRACT)
    assert (prepared.topic, prepared.headers, prepared.plan) == (None, [], None)
    assert prepared.audit.endswith(b"\0\0")


@given(st.sets(st.sampled_from(sorted(set(CONTRACT.paths) - KEPT)), min_size=1), st.data())
def test_short_paths_by_reason_stand_for_exactly_the_withheld_fields(paths: set[str], data: st.DataObject) -> None:
    """No field is lost or added by writing them short, and each keeps its reason."""
    reasons = {path: data.draw(st.sampled_from(["NOT_IN_SHARE", "PROTECTED_ADDRESS"])) for path in sorted(paths)}
    plan = FieldPlan(CONTRACT.name, KEPT, tuple(Withheld(path, why) for path, why in reasons.items()))
    told = {path: why for why, short in shortened(plan, CONTRACT) for path in expand(short, CONTRACT.paths)}
    assert told == reasons


@given(st.integers(0, 4_133_980_799_999))
def test_times_are_rfc_3339_in_utc(millis: int) -> None:
    """To the millisecond, as CloudEvents wants them."""
    parsed = datetime.fromisoformat(iso_instant(millis))
    assert parsed.tzinfo == UTC
    assert round(parsed.timestamp() * 1000) == millis
