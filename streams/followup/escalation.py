"""When a delivery's next step is due, and what it is: the ladder as a pure function (D-03, D-04, D-05).

A ladder has rungs. Rung 0 is the pick-up target: unopened by then, the recipient is reminded; who has opened passes it
in silence. Rungs 1, 2, … are the ladder's steps; the first is due when the acknowledgement was, each further one a
clock after the one before it *was due*, never after it was taken, so that no deadline depends on when a sweep ran.
After a standstill every rung that has come due is taken: a child's clock does not stop because the exchange did.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from connectors.postgres.followup_store import Delivery
from streams.followup.life import OPEN, REQUEST, State
from streams.followup.voice import NOTICE, Lateness, Level
from streams.policy.calendar_days import Calendar
from streams.policy.clocks import ack_by
from streams.policy.facts import EpochMillis
from streams.policy.follow_up import LadderModel, OutOfHours, StepModel, StepOf, StepTo
from streams.policy.follow_up_build import AreaFollowUp, FollowUp

REMOVAL = "control.retraction"
# The ladder's own voice is not escalated: the clock that it speaks of still runs, and tells the next person.
SILENT = frozenset({"control.escalation", "control.acknowledgement", NOTICE, "control.heartbeat"})
REMOVAL_RUNGS = 100  # rungs of a recalled delivery are numbered from here, beside those of its first life
_OURS = "-exchange"  # of its retractions the removal is chased, on the delivery that is to be removed
_REMINDER = StepTo(of=StepOf.RECIPIENT)


class Progress(StrEnum):
    """What a ladder waits for, which decides what its steps complain of."""

    ACKNOWLEDGEMENT = "ACKNOWLEDGEMENT"
    ANSWER = "ANSWER"  # to a request for information: acknowledging it is none (L-10)
    REMOVAL = "REMOVAL"  # of what was recalled


_LATENESS = {
    Progress.ACKNOWLEDGEMENT: Lateness.NOT_ACKNOWLEDGED,
    Progress.ANSWER: Lateness.NO_ANSWER_TO_REQUEST,
    Progress.REMOVAL: Lateness.REMOVAL_NOT_CONFIRMED,
}


class Taken(NamedTuple):
    """A rung that has come due and that nobody prevented."""

    number: int  # on the delivery's ladder; with the delivery it names this step for ever
    level: Level
    reason: Lateness
    to: StepTo
    due_at: EpochMillis  # when the rung was due
    missed: EpochMillis  # the deadline that was missed
    out_of_hours: bool  # the office was closed, and the ladder does not wait


class Climb(NamedTuple):
    """What a sweep makes of one delivery."""

    taken: tuple[Taken, ...]
    step: int  # rungs passed
    next_due: EpochMillis | None  # of the next rung; None: the ladder's end


class Ground(NamedTuple):
    """The ladder of one delivery, with whose days and hours it is climbed."""

    ladder: LadderModel
    area: AreaFollowUp
    days: Calendar  # the recipient's


def waits_for(delivery: Delivery) -> Progress | None:
    """None when nothing is waited for: the delivery's ladder has been stopped."""
    if delivery.state == State.RETRACTED:
        return Progress.REMOVAL
    if delivery.event_type in SILENT or (delivery.event_type == REMOVAL and delivery.source.endswith(_OURS)):
        return None
    if delivery.event_type == REQUEST and delivery.state in (*OPEN, State.ACKNOWLEDGED, State.CLOSED):
        return Progress.ANSWER
    return Progress.ACKNOWLEDGEMENT if delivery.state in OPEN else None


def ground_of(delivery: Delivery, follow_up: FollowUp) -> Ground | None:
    """The first ladder of the recipient's area that matches; None when there is none, or nothing to wait for."""
    area, days = follow_up.area_of(delivery.agency), follow_up.calendar_of(delivery.agency)
    progress = waits_for(delivery)
    if area is None or days is None or progress is None:
        return None
    event_type = REMOVAL if progress is Progress.REMOVAL else delivery.event_type
    ladder = next((each for each in area.ladders if _matches(each, delivery, event_type)), None)
    return None if ladder is None else Ground(ladder, area, days)


def _matches(ladder: LadderModel, delivery: Delivery, event_type: str) -> bool:
    when = ladder.when
    return (
        (when.events is None or event_type in when.events)
        and (when.urgency is None or delivery.urgency in when.urgency)
        and (when.clock is None or delivery.clock in when.clock)
    )


def scheduled(delivery: Delivery, follow_up: FollowUp) -> Delivery:
    """`delivery`, just available or just picked up, with the targets of its ladder. Safe to ask again.

    Without a deadline to acknowledge nothing is escalated. A pick-up target after that deadline is none.
    """
    ground = ground_of(delivery, follow_up)
    if ground is None or delivery.ack_by is None:
        return delivery._replace(pick_up_by=None, next_due=None)
    if delivery.step > 0:
        return delivery
    first = first_due(ground, delivery)
    if delivery.state != State.AVAILABLE:
        return delivery._replace(step=1, next_due=first)
    target = ground.ladder.pick_up
    pick_up = None if target is None else ack_by(target, EpochMillis(delivery.available_at), ground.days)
    due = None if pick_up is None else _at_hours(ground, pick_up)
    if pick_up is None or due is None or pick_up >= delivery.ack_by or first is None or due >= first:
        return delivery._replace(pick_up_by=None, step=1, next_due=first)
    return delivery._replace(pick_up_by=pick_up, next_due=due)


def phone_by(delivery: Delivery, follow_up: FollowUp) -> EpochMillis | None:
    """Until when a call about a delivery must be on record (D-05); None: its ladder demands none."""
    ground = ground_of(delivery, follow_up)
    if ground is None or ground.ladder.phone is None:
        return None
    return ack_by(ground.ladder.phone.within, EpochMillis(delivery.available_at), ground.days)


def first_due(ground: Ground, delivery: Delivery) -> EpochMillis | None:
    """When the first step after the deadline to acknowledge is due."""
    return None if delivery.ack_by is None else _after(ground, EpochMillis(delivery.ack_by), ground.ladder.steps[0])


def climb(delivery: Delivery, ground: Ground, now: EpochMillis) -> Climb:
    """Every rung that is due at `now`, in order, and when the next one is."""
    progress = waits_for(delivery)
    assert progress is not None  # noqa: S101 - `ground_of` found a ladder, so something is waited for
    taken: list[Taken] = []
    step, due = delivery.step, delivery.next_due
    while due is not None and due <= now:
        rung = _rung(delivery, ground, progress, step, EpochMillis(due))
        if rung is not None:
            taken.append(rung)
        step += 1
        due = _next_due(delivery, ground, progress, step, EpochMillis(due))
    return Climb(tuple(taken), step, None if due is None else EpochMillis(due))


def _rung(delivery: Delivery, ground: Ground, progress: Progress, step: int, due: EpochMillis) -> Taken | None:
    closed = not ground.area.office.is_open(due, ground.area.calendar)
    out_of_hours = closed and ground.ladder.out_of_hours is OutOfHours.TELL
    if step == 0 and progress is not Progress.REMOVAL:
        if delivery.state != State.AVAILABLE or delivery.pick_up_by is None:
            return None
        missed = EpochMillis(delivery.pick_up_by)
        return Taken(0, Level.REMINDER, Lateness.NOT_PICKED_UP, _REMINDER, due, missed, out_of_hours)
    place = _place(progress, step)
    if place >= len(ground.ladder.steps):  # the ladder has become shorter
        return None
    rung = ground.ladder.steps[place]
    missed = EpochMillis(due if progress is Progress.REMOVAL or delivery.ack_by is None else delivery.ack_by)
    number = REMOVAL_RUNGS + step if progress is Progress.REMOVAL else step
    return Taken(number, Level(rung.level.value), _LATENESS[progress], rung.to, due, missed, out_of_hours)


def _place(progress: Progress, step: int) -> int:
    """Which of the ladder's steps a delivery that has passed `step` rungs takes next; a removal has no rung 0."""
    return step if progress is Progress.REMOVAL else step - 1


def _next_due(
    delivery: Delivery, ground: Ground, progress: Progress, step: int, before: EpochMillis
) -> EpochMillis | None:
    place = _place(progress, step)
    if place >= len(ground.ladder.steps):
        return None
    if place == 0:
        return first_due(ground, delivery)
    return _after(ground, before, ground.ladder.steps[place])


def _after(ground: Ground, base: EpochMillis, step: StepModel) -> EpochMillis | None:
    due = base if step.after is None else ack_by(step.after, base, ground.days)
    return None if due is None else _at_hours(ground, due)


def _at_hours(ground: Ground, due: EpochMillis) -> EpochMillis:
    if ground.ladder.out_of_hours is OutOfHours.TELL:
        return due
    return ground.area.office.next_open(due, ground.area.calendar)
