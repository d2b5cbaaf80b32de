"""Publishing: check, reserve the request's keys, write to Kafka, note where it is.

An answer `Accepted` follows the acknowledgement of all in-sync replicas. Before anything is written, the request's keys
stand in PostgreSQL with the event id and the time that were given out, so that the same request sent again, by whoever
got no answer, becomes the very same event: the router then drops the second as a repeat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from connectors.errors import ConnectorFailure, RetryLater
from connectors.http.values import Accepted, Caller, Refused, Submission
from connectors.kafka.publisher import Outgoing, Published
from connectors.postgres import gateway_publications
from connectors.postgres.gateway_publications import PublicationRow
from connectors.postgres.outbox import enqueue
from schemas.examples import new_event_id
from schemas.vocabulary import RejectReason
from streams.gateway import records
from streams.gateway.combining import Combiner
from streams.gateway.completion import PRINTABLE, digest
from streams.gateway.parts import Parts
from streams.gateway.publishers import Publisher
from streams.gateway.submissions import Checked, Reserved, accepted, checked, judged, keys_of

_REUSED = "this idempotency key or event id was used for another document: make a new one"

Answer = Accepted | Refused


class Writes(Protocol):
    """`connectors.kafka.concurrent.ConcurrentPublisher`."""

    def publish(self, records: Sequence[Outgoing], /) -> Sequence[Published | ConnectorFailure]: ...
    def stalled(self) -> bool: ...


class _Wanted(NamedTuple):
    """What one caller wants reserved."""

    caller: Caller
    good: Sequence[Checked]


class Publishing:
    """Safe from any thread."""

    def __init__(self, parts: Parts, kafka: Writes, randbits: Callable[[int], int]) -> None:
        """`randbits` gives that many random bits, for the event ids that the gateway makes."""
        self._parts, self._kafka, self._randbits = parts, kafka, randbits
        self._reserving = Combiner(self._reserve_all)
        self._noting = Combiner(self._note_all)

    def publish(self, caller: Caller, submissions: Sequence[Submission]) -> list[Answer]:
        """An answer for each, in order. Raises ConnectorFailure when that of any of them is unknown."""
        publisher = self.publisher(caller)
        if isinstance(publisher, Refused):
            return [publisher] * len(submissions)
        answers: dict[int, Answer] = {}
        good: dict[int, Checked] = {}
        for index, each in enumerate(submissions):
            found = self._checked(publisher, each)
            if isinstance(found, Checked):
                good[index] = found
            else:
                answers[index] = found
        waiting: dict[int, Reserved] = {}
        for index, reserved in zip(good, self._reserve(caller, list(good.values())), strict=True):
            settled = _settled(reserved)
            if settled is None:
                waiting[index] = reserved
            else:
                answers[index] = settled
        answers.update(zip(waiting, self._send(publisher, list(waiting.values())), strict=True))
        self._tell(caller, answers)
        return [answers[index] for index in range(len(submissions))]

    def publisher(self, caller: Caller) -> Publisher | Refused:
        """The caller's agency, if it may publish through this door. Raises RetryLater while no rules are in force."""
        if "publish" not in caller.scopes:
            return Refused("NOT_PERMITTED", "the scope `publish` is missing")
        found = self._parts.rules.now().publisher(caller.agency)
        if found is None:
            return Refused("NOT_PERMITTED", "the agency is not in the rule set in force")
        if not found.gateway:
            return Refused("NOT_PERMITTED", "the agency's channel is kafka: it publishes to its own outbox")
        return found

    def _checked(self, publisher: Publisher, submission: Submission) -> Checked | Answer:
        """An event to publish; why it is none; or the answer given before, which stands under other rules too."""
        now = self._parts.now()
        found = checked(self._parts, publisher, submission, event_id=new_event_id(now, self._randbits), at=now)
        if isinstance(found, Checked) or found.why != "INVALID":
            return found
        before = self._answered_before(publisher, submission)
        return found if before is None else before

    def _answered_before(self, publisher: Publisher, submission: Submission) -> Accepted | None:
        """What was answered to the same request earlier, if it was accepted then."""
        keys = keys_of(submission.document, submission.idempotency_key, None)
        if not keys or not all(map(PRINTABLE.fullmatch, keys)):  # not checked yet: it may be anything
            return None
        with self._parts.pool.transaction() as connection:
            rows = [row for row in gateway_publications.find(connection, publisher.id, keys) if row.topic is not None]
        if not rows or rows[0].digest != digest(self._parts.pseudonymiser, submission.document):
            return None
        return accepted(rows[0], repeated=True)

    def _reserve(self, caller: Caller, good: Sequence[Checked]) -> list[Reserved]:
        return self._reserving.do(_Wanted(caller, good)) if good else []

    def _reserve_all(self, wanted: Sequence[_Wanted]) -> list[list[Reserved]]:
        """For several callers in one transaction, with what is put on record of them."""
        answers: list[list[Reserved]] = []
        with self._parts.pool.transaction() as connection:
            rows = [row for caller, good in wanted for each in good for row in each.rows(caller.agency)]
            found = gateway_publications.reserve(connection, rows)
            for caller, good in wanted:
                answers.append([Reserved(each, tuple(found[caller.agency, key] for key in each.keys)) for each in good])
            people = [(caller, of) for (caller, _), of in zip(wanted, answers, strict=True) if caller.kind == "person"]
            enqueue(connection, (told for caller, of in people for told in self._on_record(caller, of)))
        return answers

    def _on_record(self, caller: Caller, reserved: Sequence[Reserved]) -> Iterator[Outgoing]:
        """Which person submitted what, with the judgements that they made about recipients."""
        who, now = self._parts.actor(caller), self._parts.now()
        for each in reserved:
            if each.same:
                yield records.operation(
                    caller,
                    who,
                    records.SUBMITTED,
                    each.first.event_id,
                    now,
                    operation_id=records.named_id("submitted", each.first.event_id, who),
                    details=judged(each.checked.ready),
                )

    def _send(self, publisher: Publisher, wanted: Sequence[Reserved]) -> list[Answer]:
        """Write all to Kafka; each one's answer. What was acknowledged is noted even if another was not."""
        events = [self._as_given_out(publisher, each) for each in wanted]
        places = iter(self._kafka.publish([each.record for each in events if isinstance(each, Checked)]))
        answers: list[Answer] = []
        rows: list[PublicationRow] = []
        failure: ConnectorFailure | None = None
        for reserved, event in zip(wanted, events, strict=True):
            place = event if isinstance(event, Refused) else next(places)
            if isinstance(place, Refused):
                answers.append(place)
            elif isinstance(place, ConnectorFailure):
                failure = failure or place
            else:
                done = [row._replace(**place._asdict()) for row in reserved.rows]
                rows += done
                answers.append(accepted(done[0], repeated=False))
        self._note(rows)
        if failure is not None:
            raise failure
        return answers

    def _as_given_out(self, publisher: Publisher, reserved: Reserved) -> Checked | Refused:
        """A request that comes again gets the id and the time of the first one, and so is the same event."""
        if reserved.is_new:
            return reserved.checked
        first = reserved.first
        submission = reserved.checked.submission
        return checked(self._parts, publisher, submission, event_id=first.event_id, at=first.accepted_at)

    def _note(self, rows: Sequence[PublicationRow]) -> None:
        """Best effort: without it the same request would be written again, and dropped as a repeat by the router."""
        if rows:
            with suppress(RetryLater):
                self._noting.do(rows)

    def _note_all(self, noted: Sequence[Sequence[PublicationRow]]) -> Sequence[None]:
        with self._parts.pool.transaction(durable=False) as connection:
            gateway_publications.placed(connection, [row for rows in noted for row in rows])
        return [None] * len(noted)

    def _tell(self, caller: Caller, answers: dict[int, Answer]) -> None:
        results = Counter(_result(each) for each in answers.values())
        for result, events in results.items():
            self._parts.telemetry.gateway_published(result=result, events=events)
        if any(isinstance(each, Refused) and _is_spoof(each) for each in answers.values()):
            self._parts.refuse_access(caller, "publish-as-another", caller.agency)


def _settled(reserved: Reserved) -> Answer | None:
    """The answer that needs no writing, None when it must be written."""
    if not reserved.same:
        return Refused("KEY_REUSED", _REUSED)
    placed = reserved.placed
    return None if placed is None else accepted(placed, repeated=True)


def _result(answer: Answer) -> str:
    if isinstance(answer, Refused):
        return answer.why
    return "REPEATED" if answer.repeated else "ACCEPTED"


def _is_spoof(refused: Refused) -> bool:
    return any(problem.code == RejectReason.SPOOFED_SOURCE.value for problem in refused.problems)
