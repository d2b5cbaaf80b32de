"""Takes every step that is due, in the engine's open transaction: step, next deadline, notice, transition together.

Rows are gathered in batches, decided by pure functions (`escalation`, `addressing`, `notices`), written set-wise. The
engine calls it only when the audit and all receipts were read to the ends that they had after `now`, so that nobody is
escalated whose answer is waiting to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from connectors.postgres import followup_ladder, followup_store
from connectors.postgres.connection import Connection
from connectors.postgres.followup_store import Delivery
from connectors.postgres.outbox import enqueue
from schemas.registry import EventTypes
from streams.followup import life
from streams.followup.escalation import Climb, Ground, Progress, Taken, climb, ground_of, phone_by, waits_for
from streams.followup.notices import Step, digests, recipients_of, sort_notices, window_of
from streams.followup.telling import transition_record
from streams.followup.voice import Lateness, Level, Voice, exchange_agency
from streams.policy.facts import EpochMillis
from streams.policy.follow_up_build import FollowUp

BATCH = 2_000  # deliveries a statement
MOST = 10 * BATCH  # a sweep, so that receipts are read between; the rest is due at the next one, a second later
PHONE_RUNG = 50  # number of the step that says that no call is on record

# The follow-up of the rule set in force; None: none is known yet, so no clock may be judged.
Current = Callable[[], FollowUp | None]
# Told what a sweep did, for metrics: (level, reason) of each step.
Noted = Callable[[Sequence[Taken]], object]


class _Risen(NamedTuple):
    """One delivery's climb; without ground its clock stops."""

    delivery: Delivery
    ground: Ground | None
    climb: Climb


class Sweeper:
    """A `Sweep` (streams.followup.hooks). Knows whose exchange speaks under the rules in force."""

    def __init__(self, current: Current, types: EventTypes, noted: Noted = len) -> None:
        self._current, self._types, self._noted = current, types, noted

    def __call__(self, connection: Connection, now: int) -> int:
        follow_up = self._current()
        if follow_up is None:
            return 0
        voices = self._voices(follow_up)
        at, steps = EpochMillis(now), 0
        for _ in range(MOST // BATCH):
            rows = followup_store.due(connection, now, BATCH)
            steps += self._ladders(connection, rows, follow_up, voices, at)
            if len(rows) < BATCH:
                break
        steps += self._calls(connection, follow_up, voices, at)
        self._digests(connection, follow_up, voices, at)
        return steps

    def _voices(self, follow_up: FollowUp) -> dict[str, Voice]:
        return {
            area: Voice(area=area, event_types=self._types)
            for area in follow_up.areas
            if exchange_agency(area) in follow_up.desks
        }

    def _ladders(
        self,
        connection: Connection,
        rows: list[Delivery],
        follow_up: FollowUp,
        voices: dict[str, Voice],
        now: EpochMillis,
    ) -> int:
        answered = _answered(connection, rows)
        risen = [_rise(each, follow_up, answered, now) for each in rows]
        called = followup_ladder.called(connection, [each.delivery.delivery_id for each in risen if _wants_call(each)])
        steps = [step for each in risen for step in _steps(each, called)]
        followup_store.update(
            connection, [each.delivery._replace(step=each.climb.step, next_due=each.climb.next_due) for each in risen]
        )
        self._say(connection, steps, follow_up, voices, now)
        return len(steps)

    def _calls(self, connection: Connection, follow_up: FollowUp, voices: dict[str, Voice], now: EpochMillis) -> int:
        """Tell of IMMEDIATE deliveries that nobody has acknowledged and about which no call is on record (D-05)."""
        told = 0
        while True:
            missing, looked_at = followup_ladder.calls_due(connection, now, BATCH)
            rows = followup_store.locked(connection, missing) if missing else {}
            steps = [step for each in rows.values() for step in _call(each, follow_up)]
            self._say(connection, steps, follow_up, voices, now)
            told += len(steps)
            if looked_at < BATCH:
                return told

    def _say(
        self,
        connection: Connection,
        steps: list[Step],
        follow_up: FollowUp,
        voices: dict[str, Voice],
        now: EpochMillis,
    ) -> None:
        if not steps:
            return
        addressed = [(step, recipients_of(step, follow_up)) for step in steps]
        starts: dict[int, set[followup_ladder.Key]] = {}
        for step, recipients in addressed:
            keys = starts.setdefault(window_of(step.ground.area, now)[0], set())
            keys.update((each.agency, each.role or "") for each in recipients)
        before: dict[followup_ladder.Key, int] = {}
        for start, keys in starts.items():
            before |= followup_ladder.sent_in(connection, keys, start)
        told = sort_notices(addressed, voices, follow_up, before, now)
        followup_ladder.gather(connection, told.gathered)
        for start, keys in starts.items():
            followup_ladder.count_sent(connection, {k: n for k, n in told.sent.items() if k in keys and n}, start)
        enqueue(connection, [*map(transition_record, _transitions(steps, now)), *told.records])
        self._noted([step.taken for step in steps])

    def _digests(self, connection: Connection, follow_up: FollowUp, voices: dict[str, Voice], now: EpochMillis) -> None:
        rows = followup_ladder.flush(connection, now)
        if not rows:
            return
        late = followup_store.locked(connection, {each.delivery_id for each in rows})
        answered = _answered(connection, late.values())
        waiting = {name: each for name, each in late.items() if _still_waits(each, answered)}
        enqueue(connection, digests(rows, waiting, voices, follow_up))


def _answered(connection: Connection, rows: Iterable[Delivery]) -> set[tuple[str, str]]:
    asked = [(each.event_id, each.agency) for each in rows if waits_for(each) is Progress.ANSWER]
    return followup_ladder.answered(connection, asked)


def _still_waits(delivery: Delivery, answered: set[tuple[str, str]]) -> bool:
    return waits_for(delivery) is not None and (delivery.event_id, delivery.agency) not in answered


def _rise(delivery: Delivery, follow_up: FollowUp, answered: set[tuple[str, str]], now: EpochMillis) -> _Risen:
    """A clock that nothing is waited for with stops: acknowledged, answered, or no ladder of the rules in force."""
    ground = ground_of(delivery, follow_up) if _still_waits(delivery, answered) else None
    if ground is None:
        return _Risen(delivery, None, Climb((), delivery.step, None))
    return _Risen(delivery, ground, climb(delivery, ground, now))


def _wants_call(risen: _Risen) -> bool:
    return risen.ground is not None and risen.ground.ladder.phone is not None


def _steps(risen: _Risen, called: set[str]) -> list[Step]:
    if risen.ground is None:
        return []
    phone = _wants_call(risen) and risen.delivery.delivery_id not in called
    return [Step(risen.delivery, risen.ground, taken, phone) for taken in risen.climb.taken]


def _call(delivery: Delivery, follow_up: FollowUp) -> list[Step]:
    ground = ground_of(delivery, follow_up)
    if ground is None or ground.ladder.phone is None or delivery.state not in life.OPEN:
        return []
    reason = Lateness.NOT_PICKED_UP if delivery.state == life.State.AVAILABLE else Lateness.NOT_ACKNOWLEDGED
    due = phone_by(delivery, follow_up)
    if due is None:
        return []
    taken = Taken(PHONE_RUNG, Level.REMINDER, reason, ground.ladder.phone.tell, due, due, out_of_hours=False)
    return [Step(delivery, ground, taken, phone=True)]


def _transitions(steps: Iterable[Step], now: EpochMillis) -> list[life.Transition]:
    return [
        life.transition(
            step.delivery, step.delivery.state, cause=f"sweep:{step.taken.number}", at=now,
            outcome=step.delivery.outcome, late=True,
        )
        for step in steps
    ]  # fmt: skip
