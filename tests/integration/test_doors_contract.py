"""The contract of `Doors`: what the HTTP shell relies on, held by the real ones and by the double in memory alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from connectors.http.ports import Doors
from connectors.http.values import Accepted, Acknowledged, AlreadyAcknowledged, Conflict, NotFound, Refused, Submission
from connectors.postgres.migrate import migrate
from tests.doors_double import DoorsDouble, delivery
from tests.integration.gateway_support import (
    ABSENCE,
    OTHER_SCHOOL,
    SCHOOL,
    Bench,
    delivered,
    empty,
    person,
    record,
    system,
)

pytestmark = pytest.mark.integration
NOWHERE = "01a0fd32-2d00-7000-8000-00000000dead"


class Held(NamedTuple):
    """An implementation with two deliveries for the school and none for the other."""

    doors: Doors
    bench: Bench  # makes documents


@pytest.fixture(params=["real", "double"])
def held(request: pytest.FixtureRequest, postgres: str) -> Iterator[Held]:
    migrate(postgres)
    empty(postgres)
    bench = Bench(postgres)
    ids = delivered(postgres, record(1), record(2))
    double = DoorsDouble({SCHOOL: [delivery(identity) for identity in ids], OTHER_SCHOOL: []})
    yield Held(bench.gateway if request.param == "real" else double, bench)
    bench.close()


def test_a_delivery_is_claimed_once_and_acknowledged_once(held: Held) -> None:
    """Under its lease; the same answer again is no error, another one is."""
    doors = held.doors
    claimed = [*doors.poll(system(), limit=1, lease_seconds=60), *doors.poll(system(), limit=5, lease_seconds=60)]
    assert len({each.delivery_id for each in claimed}) == len(claimed) == 2
    assert not doors.poll(system(), limit=5, lease_seconds=60)
    first = claimed[0]
    assert (first.state, first.lease is not None, first.event is not None) == ("LEASED", True, True)
    wrong = doors.acknowledge(system(), first.delivery_id, "NOTED", lease="another")
    assert isinstance(wrong, Conflict)
    assert wrong.why == "LEASE_LOST"
    done = doors.acknowledge(system(), first.delivery_id, "NOTED", lease=first.lease)
    assert isinstance(done, Acknowledged)
    again = doors.acknowledge(system(), first.delivery_id, "NOTED", lease=first.lease)
    assert again == AlreadyAcknowledged(first.delivery_id, "NOTED", done.at)
    other = doors.acknowledge(system(), first.delivery_id, "ASK_MORE", lease=first.lease)
    assert other == Conflict(first.delivery_id, "ACKNOWLEDGED", "NOTED", done.at)


def test_a_person_lists_opens_and_acknowledges_without_a_lease(held: Held) -> None:
    """What is acknowledged leaves the list."""
    doors = held.doors
    lines = doors.inbox(person())
    assert len(lines) == 2
    found = doors.open(person(), lines[0].delivery_id)
    assert found is not None
    assert found.delivery_id == lines[0].delivery_id
    assert found.withheld
    assert isinstance(doors.acknowledge(person(), found.delivery_id, "ACTION_TAKEN", lease=None), Acknowledged)
    assert [line.delivery_id for line in doors.inbox(person())] == [lines[1].delivery_id]


def test_anothers_delivery_is_as_absent_as_one_that_never_was(held: Held) -> None:
    """To open, to acknowledge and to poll."""
    doors = held.doors
    (theirs, *_) = [line.delivery_id for line in doors.inbox(person())]
    for identity in (theirs, NOWHERE):
        assert doors.open(person(OTHER_SCHOOL), identity) is None
        assert doors.acknowledge(system(OTHER_SCHOOL), identity, "NOTED", lease=None) == NotFound(identity)
    assert not doors.poll(system(OTHER_SCHOOL), limit=5, lease_seconds=60)
    assert not doors.inbox(person(OTHER_SCHOOL))


def test_a_key_stands_for_one_document(held: Held) -> None:
    """The same request gets the same answer; the outcome is its publisher's alone."""
    doors, document = held.doors, held.bench.document()
    first = doors.publish(system(), document, idempotency_key="k")
    assert isinstance(first, Accepted)
    assert (first.event_type, first.repeated) == (ABSENCE, False)
    assert doors.publish(system(), document, idempotency_key="k") == first._replace(repeated=True)
    changed = held.bench.document(envelope__urgency="INFORMATION")
    refused = doors.publish(system(), changed, idempotency_key="k")
    assert isinstance(refused, Refused)
    assert refused.why == "KEY_REUSED"
    assert doors.outcome(system(), first.event_id) is not None
    assert doors.outcome(system(OTHER_SCHOOL), first.event_id) is None


def test_what_is_wrong_is_pointed_at_one_by_one(held: Held) -> None:
    """A batch is answered in its order; a preview refuses what publishing would refuse."""
    doors, nothing = held.doors, {"payload": {}}
    good, bad = doors.publish_batch(system(), [Submission(held.bench.document()), Submission(nothing)])
    assert isinstance(good, Accepted)
    assert isinstance(bad, Refused)
    assert bad.why == "INVALID"
    assert all(problem.pointer.startswith("/envelope") for problem in bad.problems)
    assert bad.problems
    preview = doors.preview(person(), nothing)
    assert isinstance(preview, Refused)
    assert preview.why == "INVALID"
