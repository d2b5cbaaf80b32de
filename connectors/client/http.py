"""The HTTP door: for every agency whose channel is the gateway."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from connectors.client.handled import Handled, InMemory
from connectors.client.http_session import HttpSession, problem, said
from connectors.client.interface import (
    DEFAULT_LEASE_SECONDS,
    MOST_AT_ONCE,
    AckOutcome,
    EventRefused,
    NotAcknowledged,
    Problem,
    Received,
    Sent,
    one_of,
    received,
)
from connectors.errors import ConnectorFailure, NotPermitted, RetryLater
from connectors.waiting import Deadline

MOST_IN_BATCH = 500  # events; the gateway's own bounds are above both
MOST_BATCH_BYTES = 4 * 1024 * 1024
POLL_SECONDS = 1.0  # between polls of an empty inbox

Event = Mapping[str, Any]


class HttpPublisher:
    """A `Publisher` that posts to the gateway."""

    def __init__(self, session: HttpSession) -> None:
        """The session is closed with it."""
        self._session = session

    def publish(self, event: Event) -> Sent:
        return one_of(self.publish_all([event]))

    def publish_all(self, events: Iterable[Event]) -> list[Sent | EventRefused]:
        answers: list[Sent | EventRefused] = []
        for batch in batches(events):
            answers += self._batch(batch)
        return answers

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _batch(self, batch: list[Event]) -> list[Sent | EventRefused]:
        """An event without an id gets the same one however often this is sent, because of the key."""
        answer = self._session.post("/v1/events/batch", batch, headers={"idempotency-key": str(uuid.uuid4())})
        results = problem(answer).get("results")
        if not isinstance(results, list) or len(results) != len(batch):
            if answer.status_code == 413 and len(batch) == 1:
                return [EventRefused(said(answer))]
            raise unexpected(answer)
        for each in results:
            if each["status"] == 403:  # the agency's channel, not the event
                raise NotPermitted(f"the gateway refused: {each['problem']['detail']}")
        return [_answer(each) for each in results]


class HttpInbox:
    """An `Inbox` that claims deliveries at the gateway."""

    def __init__(
        self, session: HttpSession, *, handled: Handled | None = None, lease_seconds: int = DEFAULT_LEASE_SECONDS
    ) -> None:
        """The session is closed with it. `handled` remembers across restarts when it is `OnDisk`."""
        self._session, self._lease = session, lease_seconds
        self._handled = handled or InMemory()

    def receive(self, most: int = 10, *, wait_seconds: float = 0.0) -> list[Received]:
        deadline = Deadline(wait_seconds)
        while True:
            found = self._poll(min(most, MOST_AT_ONCE))
            if found or deadline.passed:
                return found
            time.sleep(min(POLL_SECONDS, deadline.remaining()))

    def acknowledge(self, delivery: Received, outcome: AckOutcome) -> None:
        if (self._handled.outcome(delivery.delivery_id) or outcome) != outcome:
            raise NotAcknowledged("the delivery was acknowledged before, with another outcome")
        self._handled.remember(delivery.delivery_id, outcome)
        body = {"outcome": outcome} | ({"lease": delivery.lease} if delivery.lease else {})
        answer = self._session.post(f"/v1/deliveries/{delivery.delivery_id}/acknowledge", body)
        if answer.status_code in (404, 409):
            raise NotAcknowledged(said(answer))
        if answer.status_code != 200:
            raise unexpected(answer)

    def close(self) -> None:
        self._session.close()
        self._handled.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _poll(self, most: int) -> list[Received]:
        answer = self._session.post("/v1/inbox/poll", {"limit": most, "leaseSeconds": self._lease})
        if answer.status_code == 204:
            return []
        found = problem(answer).get("deliveries")
        if answer.status_code != 200 or not isinstance(found, list):
            raise unexpected(answer)
        return [each for each in map(_delivery, found) if not self._answered(each)]

    def _answered(self, delivery: Received) -> bool:
        """Whether it was answered before; if so the answer is given again, for it was lost on its way."""
        outcome = self._handled.outcome(delivery.delivery_id)
        if outcome is None:
            return False
        try:
            self.acknowledge(delivery, outcome)
        except NotAcknowledged:  # settled by somebody else meanwhile
            return True
        return True


def batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    """The events in order, in batches that the gateway takes."""
    batch: list[Event] = []
    size = 0
    for event in events:
        length = len(json.dumps(event)) + 2
        if batch and (len(batch) >= MOST_IN_BATCH or size + length > MOST_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch


def unexpected(answer: Any) -> ConnectorFailure:
    """An answer that is none of this API's: a proxy's, or a newer gateway's."""
    return RetryLater(f"unexpected answer of the gateway: {said(answer)}")


def _answer(result: Mapping[str, Any]) -> Sent | EventRefused:
    accepted = result.get("accepted")
    if accepted:
        return Sent(
            accepted["eventId"], accepted["topic"], accepted["partition"], accepted["offset"], accepted["repeated"]
        )
    told = result.get("problem") or {}
    problems = [_problem(each, result["index"]) for each in told.get("errors") or ()]
    return EventRefused(str(told.get("detail", "refused")), problems)


def _problem(error: Mapping[str, str], index: int) -> Problem:
    """Its pointer is into the event, as at the other door; the gateway's is into the batch."""
    pointer = error["pointer"].removeprefix("#")
    return Problem(pointer.removeprefix(f"/{index}"), error["code"], error["detail"])


def _delivery(body: Mapping[str, Any]) -> Received:
    found = received(body["headers"], body["event"], body["problem"], available_at=body["availableAt"])
    return found._replace(delivery_id=body["deliveryId"], lease=body["lease"])
