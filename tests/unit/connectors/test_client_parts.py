"""The parts of the client: what it remembers, how far it is, how it waits, what it sends over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.client.handled import Handled, InMemory, OnDisk
from connectors.client.http import MOST_IN_BATCH, HttpInbox, HttpPublisher, batches
from connectors.client.http_session import HttpSession
from connectors.client.interface import AckOutcome, EventRefused, NotAcknowledged, Problem, Sent
from connectors.client.kafka import LARGEST_EVENT_BYTES
from connectors.client.patience import ComeBack, Patience
from connectors.client.progress import Progress
from connectors.errors import ChangeSettings, NotPermitted, RetryLater
from connectors.kafka.partition import Partition
from streams.routing.intake import MAX_EVENT_BYTES

GATEWAY = "https://masa.example.org.uk"
PARTITION = Partition("agency.somebody.inbox", 0)


# --- what was answered ---


@pytest.fixture(params=["in memory", "on disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[int], Handled]]:
    made: list[Handled] = []

    def one(most: int) -> Handled:
        handled: Handled = InMemory(most) if request.param == "in memory" else OnDisk(tmp_path / "handled", most)
        made.append(handled)
        return handled

    yield one
    for each in made:
        each.close()


def test_the_first_answer_about_a_delivery_is_the_one_remembered(make: Callable[[int], Handled]) -> None:
    handled = make(10)
    assert handled.outcome("d1") is None
    handled.remember("d1", "NOTED")
    handled.remember("d1", "REFERRED_ON")
    assert handled.outcome("d1") == "NOTED"


def test_as_many_are_remembered_as_were_asked_for_and_no_more(make: Callable[[int], Handled]) -> None:
    handled = make(3)
    for number in range(5):
        handled.remember(f"d{number}", "NOTED")
    assert [number for number in range(5) if handled.outcome(f"d{number}")] == [2, 3, 4]


def test_a_file_remembers_for_the_next_process(tmp_path: Path) -> None:
    first = OnDisk(tmp_path / "handled")
    first.remember("d1", "DUPLICATE")
    second = OnDisk(tmp_path / "handled")  # beside the first, as after a kill
    assert second.outcome("d1") == "DUPLICATE"
    first.close()
    second.close()


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "handled").write_text("this is a letter, not a database of any kind at all" * 50)
    with pytest.raises(ChangeSettings, match="handled"):
        OnDisk(tmp_path / "handled")


# --- how far ---


@given(st.permutations(range(8)), st.integers(0, 8))
def test_offsets_are_committed_up_to_the_first_that_is_not_finished(order: list[int], finished: int) -> None:
    """Whatever the order they are finished in: a crash never passes over one in hand."""
    progress = Progress()
    for offset in range(8):
        progress.taken(PARTITION, offset)
    for offset in order[:finished]:
        progress.finished(PARTITION, offset)
    assert progress.to_commit() == {PARTITION: min(order[finished:], default=8)}
    progress.committed(progress.to_commit())
    assert progress.to_commit() == {}


def test_a_lost_partition_is_somebody_elses_to_commit() -> None:
    progress = Progress()
    progress.taken(PARTITION, 4)
    progress.lost(PARTITION)
    progress.finished(PARTITION, 4)
    assert progress.to_commit() == {}


# --- how long ---


def test_what_was_asked_for_is_waited_else_longer_each_time() -> None:
    waits: list[float] = []
    patience = Patience(60, waits.append, lambda: 1.0)
    failures = iter([ComeBack("busy", 7.0), RetryLater("away"), RetryLater("away"), RetryLater("away")])

    def attempt() -> str:
        for failure in failures:
            raise failure
        return "done"

    assert patience.until_done(attempt) == "done"
    assert waits == pytest.approx([7.2, 0.4, 0.8, 1.6])


def test_patience_ends_at_once_when_the_wait_asked_for_is_beyond_it() -> None:
    def attempt() -> str:
        raise ComeBack("busy", 120.0)

    with pytest.raises(RetryLater, match="busy"):
        Patience(60, lambda _: pytest.fail("nobody should wait"), lambda: 0.0).until_done(attempt)


def test_both_sides_mean_the_same_by_too_large() -> None:
    assert LARGEST_EVENT_BYTES == MAX_EVENT_BYTES


# --- over HTTP ---


class Token:
    def __init__(self) -> None:
        self.given = 0

    def token(self) -> str:
        return f"token-{self.given}"

    def forget(self) -> None:
        self.given += 1


class Gateway:
    """Answers in the order given, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | httpx.HTTPError) -> None:
        self._answers = iter(answers)
        self.asked: list[httpx.Request] = []
        self.waits: list[float] = []

    def session(self) -> HttpSession:
        transport = httpx.MockTransport(self._handle)
        return HttpSession(GATEWAY, Token(), patience=Patience(60, self.waits.append, lambda: 0.0), transport=transport)

    def bodies(self) -> list[Any]:
        return [json.loads(each.content) for each in self.asked]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = next(self._answers)
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer


def accepted(index: int = 0) -> dict[str, Any]:
    where = {"eventId": f"e{index}", "topic": "gateway.outbox", "partition": 0, "offset": index, "repeated": False}
    return {"index": index, "status": 202, "accepted": where}


def batch(*results: dict[str, Any], status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"results": list(results)})


def refused(index: int) -> dict[str, Any]:
    error = {"pointer": f"#/{index}/envelope/eventType", "code": "UNKNOWN_SCHEMA", "detail": "no such type"}
    return {"index": index, "status": 422, "problem": {"detail": "the event breaks the contract", "errors": [error]}}


def delivery(identity: str = "d1", lease: str = "l1") -> dict[str, Any]:
    headers = {"masa-delivery-id": identity, "ce_id": "e1", "masa-role": "dsl,deputy", "masa-withheld": "a.b"}
    at = "2026-10-01T08:30:00.000Z"
    return {"deliveryId": identity, "headers": headers, "event": {}, "problem": None, "availableAt": at, "lease": lease}


def polled(*found: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"deliveries": list(found)})


def problem(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"title": "Not now", "detail": "come back", "status": status}, headers=headers)


def test_a_busy_gateway_is_asked_again_with_the_same_key_when_it_said() -> None:
    """Also when it is away, or a proxy before it is."""
    answers: list[httpx.Response | httpx.HTTPError] = [
        problem(429, **{"retry-after": "3"}),
        httpx.ConnectError("no"),
        httpx.Response(502, text="<html>"),
        batch(accepted()),
    ]
    gateway = Gateway(*answers)
    assert HttpPublisher(gateway.session()).publish({"envelope": {}}).event_id == "e0"
    assert len({each.headers["idempotency-key"] for each in gateway.asked}) == 1
    assert gateway.waits[0] == 3.0
    assert len(gateway.waits) == 3


def test_a_refused_token_is_renewed_once() -> None:
    gateway = Gateway(problem(401), batch(accepted()), problem(401), problem(401))
    publisher = HttpPublisher(gateway.session())
    assert publisher.publish({"envelope": {}})
    assert [each.headers["authorization"] for each in gateway.asked] == ["Bearer token-0", "Bearer token-1"]
    with pytest.raises(NotPermitted, match="401"):
        publisher.publish({"envelope": {}})


def test_each_event_of_a_batch_has_its_own_answer_with_pointers_into_it() -> None:
    gateway = Gateway(batch(accepted(0), refused(1), accepted(2)), batch(refused(0), status=422))
    publisher = HttpPublisher(gateway.session())
    first, second, third = publisher.publish_all([{}, {}, {}])
    assert isinstance(first, Sent)
    assert isinstance(third, Sent)
    assert isinstance(second, EventRefused)
    assert second.problems == (Problem("/envelope/eventType", "UNKNOWN_SCHEMA", "no such type"),)
    with pytest.raises(EventRefused, match="no such type"):
        publisher.publish({})


def test_an_agency_that_may_not_use_the_door_is_told_so_not_that_its_event_is_wrong() -> None:
    result = {"index": 0, "status": 403, "problem": {"detail": "the agency's channel is kafka"}}
    with pytest.raises(NotPermitted, match="channel is kafka"):
        HttpPublisher(Gateway(batch(result, status=422)).session()).publish({})


def test_many_events_go_in_batches_that_the_gateway_takes() -> None:
    events = [{"n": number} for number in range(MOST_IN_BATCH + 1)]
    assert [len(each) for each in batches(events)] == [MOST_IN_BATCH, 1]
    assert [len(each) for each in batches([{"text": "x" * 3_000_000}] * 3)] == [1, 1, 1]


def test_a_delivery_says_for_whom_it_is_and_what_is_missing() -> None:
    (found,) = HttpInbox(Gateway(polled(delivery())).session()).receive()
    assert (found.delivery_id, found.event_id, found.lease) == ("d1", "e1", "l1")
    assert (found.roles, found.withheld) == (("dsl", "deputy"), ("a.b",))


def test_an_answered_delivery_that_comes_again_is_answered_again_and_not_handed_out() -> None:
    """Its answer was lost on the way; somebody else may have settled it meanwhile."""
    gateway = Gateway(
        polled(delivery()), problem(503, **{"retry-after": "3600"}),
        polled(delivery(lease="l2")), httpx.Response(200, json={}),
        polled(delivery(lease="l3"), delivery("d2")), problem(409),
    )  # fmt: skip
    inbox = HttpInbox(gateway.session())
    (first,) = inbox.receive()
    with pytest.raises(RetryLater, match="not available"):
        inbox.acknowledge(first, "NOTED")
    assert inbox.receive() == []
    assert gateway.bodies()[3] == {"outcome": "NOTED", "lease": "l2"}
    assert [each.delivery_id for each in inbox.receive()] == ["d2"]


@pytest.mark.parametrize("status", [404, 409])
def test_an_answer_that_does_not_count_is_said_to(status: int) -> None:
    inbox = HttpInbox(Gateway(polled(delivery()), problem(status), polled(delivery("d2"))).session())
    (found,) = inbox.receive()
    with pytest.raises(NotAcknowledged, match="come back"):
        inbox.acknowledge(found, "NOTED")
    other: AckOutcome = "ASK_MORE"
    with pytest.raises(NotAcknowledged, match="another outcome"):
        inbox.acknowledge(found, other)


@pytest.mark.parametrize("url", ["http://masa.example.org.uk", "ftp://masa.example.org.uk", "masa.example.org.uk"])
def test_a_token_never_crosses_a_network_in_the_clear(url: str) -> None:
    with pytest.raises(ChangeSettings, match="https"):
        HttpSession(url, Token())
    HttpSession("http://127.0.0.1:8080", Token()).close()
