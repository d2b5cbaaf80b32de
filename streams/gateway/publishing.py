"""Publishing: check, reserve the request's keys, write to Kafka, note where it is.

An answer `Accepted` follows the acknowledgement of all in-sync replicas. Before anything is written, the request's keys
stand in PostgreSQL with the event id and the time that were given out, so that the same request sent again, by whoever
got no answer, becomes the very same event: the router then drops the second as a repeat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from connectors.errors import ConnectorFailure, RetryLater
from connectors.http.asked import PublishAsked
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


class _Good(NamedTuple):
    """One that may be published."""

    caller: Caller
    publisher: Publisher
    checked: Checked

    def reserved(self, found: Mapping[tuple[str, str], PublicationRow]) -> Reserved:
        return Reserved(self.checked, tuple(found[self.caller.agency, key] for key in self.checked.keys))


class Publishing:
    """Safe from any thread."""

    def __init__(self, parts: Parts, kafka: Writes, randbits: Callable[[int], int]) -> None:
        """`randbits` gives that many random bits, for the event ids that the gateway makes."""
        self._parts, self._kafka, self._randbits = parts, kafka, randbits
        self._reserving = Combiner(self._reserve_all)
        self._noting = Combiner(self._note_all)

    def publish(self, caller: Caller, submissions: Sequence[Submission]) -> list[Answer]:
        """An answer for each, in order. Raises ConnectorFailure when that of any of them is unknown."""
        found = self._all([PublishAsked(caller, each) for each in submissions])
        answers = [each for each in found if not isinstance(each, Exception)]
        self._tell(caller, answers)
        for each in found:
            if isinstance(each, Exception):
                raise each
        return answers

    def publish_together(self, asked: Sequence[PublishAsked]) -> list[Answer | Exception]:
        """Each as if it had come alone; what it would have raised stands in its place."""
        found = self._all(asked)
        for index, (each, answer) in enumerate(zip(asked, found, strict=True)):
            if not isinstance(answer, Exception):
                try:
                    self._tell(each.caller, [answer])
                except ConnectorFailure as failure:
                    found[index] = failure
        return found

    def _all(self, asked: Sequence[PublishAsked]) -> list[Answer | Exception]:
        """Check each, reserve and send those that are good together."""
        found: dict[int, Answer | Exception] = {}
        good: dict[int, _Good] = {}
        for index, each in enumerate(asked):
            looked = self._looked_at(each)
            if isinstance(looked, _Good):
                good[index] = looked
            else:
                found[index] = looked
        try:
            answers = self._reserved_and_sent(list(good.values()))
        except ConnectorFailure as failure:
            answers = [failure] * len(good)
        found.update(zip(good, answers, strict=True))
        return [found[index] for index in range(len(asked))]

    def _looked_at(self, asked: PublishAsked) -> _Good | Answer | Exception:
        try:
            publisher = self.publisher(asked.caller)
            if isinstance(publisher, Refused):
                return publisher
            found = self._checked(publisher, asked.submission)
        except Exception as failure:  # noqa: BLE001 - a fault with one is nothing to the others
            return failure
        return _Good(asked.caller, publisher, found) if isinstance(found, Checked) else found

    def _reserved_and_sent(self, good: Sequence[_Good]) -> list[Answer | Exception]:
        """Raises ConnectorFailure when nothing was sent."""
        found: dict[int, Answer | Exception] = {}
        waiting: dict[int, tuple[Publisher, Reserved]] = {}
        for index, (each, reserved) in enumerate(zip(good, self._reserve(good), strict=True)):
            settled = _settled(reserved)
            if settled is None:
                waiting[index] = each.publisher, reserved
            else:
                found[index] = settled
        found.update(zip(waiting, self._send(list(waiting.values())), strict=True))
        return [found[index] for index in range(len(good))]

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

    def _reserve(self, good: Sequence[_Good]) -> list[Reserved]:
        return self._reserving.do(good) if good else []

    def _reserve_all(self, wanted: Sequence[Sequence[_Good]]) -> list[list[Reserved]]:
        """For all of several rounds in one transaction, with what is put on record of them."""
        with self._parts.pool.transaction() as connection:
            rows = [row for good in wanted for each in good for row in each.checked.rows(each.caller.agency)]
            found = gateway_publications.reserve(connection, rows)
            answers = [[each.reserved(found) for each in good] for good in wanted]
            every = [pair for good, of in zip(wanted, answers, strict=True) for pair in zip(good, of, strict=True)]
            people = [(each.caller, reserved) for each, reserved in every if each.caller.kind == "person"]
            enqueue(connection, (told for caller, reserved in people for told in self._on_record(caller, [reserved])))
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

    def _send(self, wanted: Sequence[tuple[Publisher, Reserved]]) -> list[Answer | Exception]:
        """Write all to Kafka; each one's answer. What was acknowledged is noted even if another was not."""
        events = [self._as_given_out(*each) for each in wanted]
        places = iter(self._kafka.publish([each.record for each in events if isinstance(each, Checked)]))
        answers: list[Answer | Exception] = []
        rows: list[PublicationRow] = []
        for (_, reserved), event in zip(wanted, events, strict=True):
            place = event if isinstance(event, Refused) else next(places)
            if isinstance(place, Published):
                done = [row._replace(**place._asdict()) for row in reserved.rows]
                rows += done
                answers.append(accepted(done[0], repeated=False))
            else:
                answers.append(place)
        self._note(rows)
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

    def _tell(self, caller: Caller, answers: Sequence[Answer]) -> None:
        results = Counter(_result(each) for each in answers)
        for result, events in results.items():
            self._parts.telemetry.gateway_published(result=result, events=events)
        if any(isinstance(each, Refused) and _is_spoof(each) for each in answers):
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
