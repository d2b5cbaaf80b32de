"""One batch of the follow-up in one database transaction: gather the rows, decide, write, move the positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from connectors.kafka.partition import Partition
from connectors.kafka.publisher import Outgoing
from connectors.postgres import followup_ladder, followup_store
from connectors.postgres.connection import Connection, database_failures
from connectors.postgres.followup_store import Delivery, EarlyReceipt
from connectors.postgres.outbox import enqueue
from streams.followup import life
from streams.followup.hooks import Recall, Removal, Schedule
from streams.followup.life import Refusal, State, Transition, refused
from streams.followup.telling import SpeakerOf, answer, misdirected, transition_record
from streams.followup.work import Work

Moves = Mapping[Partition, tuple[int | None, int]]


class Parts(NamedTuple):
    """What meets in the engine's transaction."""

    schedule: Schedule
    recall: Recall
    speaker_of: SpeakerOf


class Tally(NamedTuple):
    """What a batch did."""

    deliveries: int
    receipts: int  # accepted
    refusals: Counter[str]
    misdirected: int
    late: int
    early: int


class Folded(NamedTuple):
    """What receipts made of deliveries. Pure data."""

    changed: dict[str, Delivery]
    removed: list[Removal]
    transitions: list[Transition]
    records: list[Outgoing]  # what is said of it
    early: list[EarlyReceipt]


def process(connection: Connection, work: Work, moves: Moves, parts: Parts) -> Tally:
    """All of a batch, or nothing. Raises `PositionMoved`; after `RetryLater` it is unknown whether it took effect."""
    with database_failures(), connection.transaction():
        new = followup_store.insert(connection, [_scheduled(each, parts.schedule) for each in work.deliveries])
        receipts = [*followup_store.take_early(connection, new), *work.receipts]
        rows = followup_store.locked(connection, {each.delivery_id for each in receipts}) if receipts else {}
        folded = fold(rows, receipts, parts)
        followup_store.update(connection, folded.changed.values())
        followup_store.keep_early(connection, folded.early)
        closed = _close(connection, work.told)
        followup_ladder.answer(connection, work.answers)
        transitions = [*work.refused, *folded.transitions, *closed]
        enqueue(connection, [*map(transition_record, transitions), *folded.records])
        _recall(connection, parts.recall, [each for each in work.deliveries if each.delivery_id in new], work, folded)
        followup_store.advance(connection, moves)
    return tally(len(new), transitions, len(folded.early))


def give_up(connection: Connection, until: Mapping[Partition, int]) -> Tally:
    """Name unknown what waited for its delivery although the audit was read past it, in a transaction of its own."""
    with database_failures(), connection.transaction():
        unknown = followup_store.give_up_early(connection, until)
        transitions = [refused(each, Refusal.UNKNOWN_DELIVERY) for each in unknown]
        enqueue(connection, map(transition_record, transitions))
    return tally(0, transitions, 0)


def fold(rows: Mapping[str, Delivery], receipts: Iterable[EarlyReceipt], parts: Parts) -> Folded:
    """What `receipts`, in their order, make of these deliveries; one whose delivery is not there is early. Pure."""
    folded = Folded({}, [], [], [], [])
    for receipt in receipts:
        before = folded.changed.get(receipt.delivery_id) or rows.get(receipt.delivery_id)
        if before is None:
            folded.early.append(receipt)
            continue
        after, transition = life.receive(before, receipt)
        folded.transitions.append(transition)
        if transition.refusal is None:
            _apply(after, receipt, parts, folded)
    return folded


def tally(deliveries: int, transitions: Iterable[Transition], early: int) -> Tally:
    """Counts of what happened."""
    refusals: Counter[str] = Counter()
    receipts = wrong = late = 0
    for each in transitions:
        if each.refusal is not None:
            refusals[each.refusal] += 1
        elif each.cause.startswith("receipt:"):
            receipts += 1
            wrong += each.after == State.MISDIRECTED
            late += each.late
    return Tally(deliveries, receipts, refusals, wrong, late, early)


def _apply(after: Delivery, receipt: EarlyReceipt, parts: Parts, folded: Folded) -> None:
    """Note what an accepted receipt changed and what is said of it."""
    if receipt.kind == life.REMOVED:
        folded.removed.append(Removal(after, receipt.at))
    elif after.state in life.OPEN:
        after = parts.schedule(after)
    else:
        said = answer(after, receipt, parts.speaker_of)
        if said is not None:
            after = after._replace(answer=said.event_id)
            folded.records.extend(said.records)
        if after.state == State.MISDIRECTED:
            folded.records.extend(misdirected(after, receipt.at, parts.speaker_of))
    folded.changed[after.delivery_id] = after


def _scheduled(delivery: Delivery, schedule: Schedule) -> Delivery:
    return schedule(delivery) if delivery.state in life.OPEN else delivery


def _close(connection: Connection, told: list[str]) -> list[Transition]:
    """The publisher has the outcome: nothing more is to come, unless more was asked for."""
    heard = [each for each in followup_store.answered_by(connection, told) if each.outcome != life.ASK_MORE]
    followup_store.update(connection, [each._replace(state=State.CLOSED.value) for each in heard])
    return [
        life.transition(
            each, State.CLOSED.value, cause=f"audit:{each.answer}", at=each.acknowledged_at or 0, outcome=each.outcome
        )
        for each in heard
    ]


def _recall(connection: Connection, recall: Recall, stored: list[Delivery], work: Work, folded: Folded) -> None:
    """Last, so that what receipts said is there and nothing overwrites what is taken back."""
    if folded.removed:
        recall.removed(connection, folded.removed)
    if stored:
        recall.recorded(connection, stored)
    if work.heard:
        recall.heard(connection, work.heard)
