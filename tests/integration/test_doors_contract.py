"""What the door may rely on, held by both: the exchange on a real PostgreSQL, and the double of the pages' tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from connectors.http.pages.sessions import IDLE_MS
from connectors.http.ports import Doors, Sessions
from connectors.http.values import (
    Accepted,
    Acknowledged,
    AlreadyAcknowledged,
    Conflict,
    NotFound,
    Preview,
    Refused,
)
from connectors.postgres.gateway_people import SessionStore
from connectors.postgres.migrate import migrate
from tests.inbox_double import DAY, HOUR, NOW, InboxDouble, SessionsDouble, encompass, event_of, id_of
from tests.integration.gateway_support import OTHER_SCHOOL, SCHOOL, Bench, delivered, empty, person, record, system

pytestmark = pytest.mark.integration
NOBODYS = "00000000-0000-8000-8000-000000000000"


class Side(Protocol):
    """One implementation and a way to put deliveries into it."""

    doors: Doors
    sessions: Sessions

    def deliver(self, number: int, agency: str) -> str:
        """A delivery for an agency's safeguarding lead; its id."""
        ...


class DoubleSide:
    def __init__(self) -> None:
        self.double = InboxDouble({})
        self.doors: Doors = self.double
        self.sessions: Sessions = SessionsDouble()

    def deliver(self, number: int, agency: str) -> str:
        made = encompass(number)
        self.double.waiting.setdefault(agency, {})[made.delivery_id] = made
        return made.delivery_id


class GatewaySide:
    def __init__(self, bench: Bench) -> None:
        bench.now = NOW
        self.url = bench.url
        self.doors: Doors = bench.gateway
        self.sessions: Sessions = SessionStore(bench.pool)

    def deliver(self, number: int, agency: str) -> str:
        return delivered(self.url, record(number, agency))[0]


@pytest.fixture(params=["double", "gateway"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "double":
        yield DoubleSide()
        return
    url = request.getfixturevalue("postgres")
    migrate(url)
    empty(url)
    bench = Bench(url)
    yield GatewaySide(bench)
    bench.close()


def absence(number: int, **changes: Any) -> dict[str, Any]:
    """An event in JSON form without what the exchange fills in."""
    event = event_of("education.absence-concern", id_of(number), **changes)
    for name in ("schemaVersion", "masaId", "sourceOrg", "publishedAt"):
        del event["envelope"][name]
    return event


def test_anothers_delivery_is_as_one_that_does_not_exist(side: Side) -> None:
    """For opening and for answering, whoever asks."""
    theirs = side.deliver(1, OTHER_SCHOOL)
    for delivery_id in (theirs, NOBODYS, "x"):
        assert side.doors.open(person(), delivery_id) is None
        assert side.doors.acknowledge(person(), delivery_id, "NOTED", lease=None) == NotFound(delivery_id)
    assert side.doors.inbox(person()) == []


def test_the_list_names_what_waits_and_no_child(side: Side) -> None:
    """Title, urgency, due time and state; what was opened stays until it is answered."""
    mine = side.deliver(1, SCHOOL)
    (line,) = side.doors.inbox(person())
    assert (line.delivery_id, line.event_type, line.state) == (mine, "police.domestic-abuse-incident", "AVAILABLE")
    assert "Ellery" not in str(line)
    opened = side.doors.open(person(), mine)
    assert opened is not None
    assert opened.event is not None
    assert opened.delivery_id == mine
    assert [each.delivery_id for each in side.doors.inbox(person())] == [mine]


def test_the_first_answer_stands(side: Side) -> None:
    """The same again is no error; another is a conflict that names the first; answered, it leaves the list."""
    mine = side.deliver(1, SCHOOL)
    assert isinstance(side.doors.acknowledge(person(), mine, "ACTION_TAKEN", lease=None), Acknowledged)
    again = side.doors.acknowledge(person(), mine, "ACTION_TAKEN", lease=None)
    assert isinstance(again, AlreadyAcknowledged)
    other = side.doors.acknowledge(person(), mine, "NOTED", lease=None)
    assert isinstance(other, Conflict)
    assert (other.why, other.outcome) == ("ACKNOWLEDGED", "ACTION_TAKEN")
    assert side.doors.inbox(person()) == []
    shown = side.doors.open(person(), mine)
    assert shown is not None
    assert shown.acknowledged == "ACTION_TAKEN"


def test_a_claimed_delivery_is_given_to_nobody_else(side: Side) -> None:
    """Only who holds the lease may answer by machine; a person may all the same, and sees that it is worked on."""
    mine = side.deliver(1, SCHOOL)
    (claimed,) = side.doors.poll(system(), limit=10, lease_seconds=60)
    assert claimed.delivery_id == mine
    assert claimed.lease
    assert list(side.doors.poll(system(), limit=10, lease_seconds=60)) == []
    assert side.doors.inbox(person())[0].leased
    assert isinstance(side.doors.acknowledge(system(), mine, "NOTED", lease="another"), Conflict)
    assert isinstance(side.doors.acknowledge(person(), mine, "NOTED", lease=None), Acknowledged)


def test_the_same_event_is_accepted_once(side: Side) -> None:
    """Sent again it gets the same answer; another event under its id is refused."""
    first = side.doors.publish(person(), absence(1), idempotency_key=id_of(1))
    again = side.doors.publish(person(), absence(1), idempotency_key=id_of(1))
    assert isinstance(first, Accepted)
    assert isinstance(again, Accepted)
    assert (again.event_id, again.offset, again.repeated) == (first.event_id, first.offset, True)
    other = side.doors.publish(person(), absence(1, sessionsMissed=99), idempotency_key=id_of(1))
    assert isinstance(other, Refused)
    assert other.why == "KEY_REUSED"


def test_what_is_wrong_is_pointed_at_before_and_at_sending(side: Side) -> None:
    """The same pointer from the preview and from publishing, and no value of the document in it."""
    wrong = absence(1, envelope__child={"nhsNumber": "1234567890"})
    answers = [side.doors.preview(person(), wrong), side.doors.publish(person(), wrong, idempotency_key=None)]
    for answer in answers:
        assert isinstance(answer, Refused)
        assert answer.why == "INVALID"
        assert [each.pointer for each in answer.problems] == ["/envelope/child/nhsNumber"]
        assert "1234567890" not in str(answer)


def test_a_preview_heeds_the_senders_judgement(side: Side) -> None:
    """Who is withheld from is not told, and the rest as before."""
    before = side.doors.preview(person(), absence(1))
    assert isinstance(before, Preview)
    chosen = next(each for each in before.candidates if each.outcome == "DELIVERED" and each.may_withhold)
    judged = {"judgement": "WITHHELD", "ground": "NOT_RELEVANT", "decidedBy": "NAMED_DECISION_MAKER"}
    proposed = [{"agency": chosen.agency, **judged}]
    after = side.doors.preview(person(), absence(1, envelope__proposedRecipients=proposed))
    assert isinstance(after, Preview)
    outcomes = {each.agency: each.outcome for each in after.candidates}
    assert outcomes == {**{each.agency: each.outcome for each in before.candidates}, chosen.agency: "WITHHELD"}


def test_cover_is_seen_and_ended_by_who_gave_it(side: Side) -> None:
    """Ending it twice, or as somebody else, ends nothing."""
    given = side.doors.delegate(person(), "dsl", to_role="deputy-dsl", to_subject=None, until=NOW + DAY)
    assert not isinstance(given, Refused)
    (listed,) = side.doors.delegations(person())
    assert listed == given
    assert (listed.mine, listed.until) == (True, NOW + DAY)
    other = person(SCHOOL, "somebody-else@oakfield")
    assert not side.doors.end_delegation(other, given.delegation_id)
    assert side.doors.end_delegation(person(), given.delegation_id)
    assert not side.doors.end_delegation(person(), given.delegation_id)
    assert list(side.doors.delegations(person())) == []


def test_sessions_end_when_idle_and_when_old(side: Side) -> None:
    """Seen keeps it; put again keeps when it began; dropped it is gone; dropped twice is fine."""
    key, store = b"k" * 32, side.sessions
    store.put(key, {"a": 1}, now=NOW, expires_at=NOW + HOUR)
    assert store.get(key, now=NOW + IDLE_MS - 1, idle_ms=IDLE_MS)
    store.put(key, {"a": 2}, now=NOW + IDLE_MS, expires_at=NOW + HOUR)
    found = store.get(key, now=NOW + IDLE_MS + 1, idle_ms=IDLE_MS)
    assert found is not None
    assert (dict(found.data), found.created_at) == ({"a": 2}, NOW)
    assert store.get(key, now=NOW + HOUR, idle_ms=IDLE_MS) is None
    assert store.get(key, now=NOW + 2 * IDLE_MS + 1, idle_ms=IDLE_MS) is None
    store.drop(key)
    store.drop(key)
    assert store.get(key, now=NOW + IDLE_MS + 2, idle_ms=IDLE_MS) is None
