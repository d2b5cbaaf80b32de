"""Which notices of a sweep go one by one and which are gathered, so that a storm stays readable (D-10). Pure.

One role of one agency gets so many notices in a window; more become one digest at its end. A ladder may say that its
notices always go alone, or always in the day's digest. What is restricted always goes alone, for it is rare and the
lane is narrow; so does whatever the rules let the exchange say as an escalation only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connectors.kafka.publisher import Outgoing
from connectors.postgres.followup_ladder import Gathered, Key
from connectors.postgres.followup_store import Delivery
from streams.followup import voice as say
from streams.followup.addressing import CONTACT, told
from streams.followup.escalation import Ground, Taken
from streams.followup.telling import about
from streams.followup.voice import About, Recipient, Voice
from streams.policy.calendar_hours import next_time_of_day
from streams.policy.facts import EpochMillis
from streams.policy.follow_up import Gathering
from streams.policy.follow_up_build import AreaFollowUp, FollowUp

_NO_PROTECTION = "NONE"
_LATE_RULE = "late-deliveries"
_LATE_TEXT = "Deliveries that nobody has acknowledged in time, told together because they are many (D-10)."


class Step(NamedTuple):
    """A rung taken of one delivery, with its ladder."""

    delivery: Delivery
    ground: Ground
    taken: Taken
    phone: bool  # somebody must be rung as well, and no call is on record


class Told(NamedTuple):
    """What a sweep says: records for the outbox, steps for digests, and how many went to whom."""

    records: list[Outgoing]
    gathered: list[Gathered]
    sent: Counter[Key]


def window_of(area: AreaFollowUp, now: EpochMillis) -> tuple[EpochMillis, EpochMillis]:
    """Start and end of the window of time that `now` is in."""
    length = area.digest.minutes * 60_000
    start = now - now % length
    return EpochMillis(start), EpochMillis(start + length)


def recipients_of(step: Step, follow_up: FollowUp) -> tuple[Recipient, ...]:
    """Whom a step tells."""
    taken = step.taken
    return told(taken.to, step.delivery, step.ground.area, follow_up, out_of_hours=taken.out_of_hours)


def sort_notices(
    steps: Iterable[tuple[Step, Sequence[Recipient]]],
    voices: Mapping[str, Voice],
    follow_up: FollowUp,
    sent_before: Mapping[Key, int],
    now: EpochMillis,
) -> Told:
    """Each step's notice, to those who have not had too many; the others get it in a digest. In the steps' order."""
    out = Told([], [], Counter())
    for step, recipients in steps:
        area = step.ground.area
        voice = voices.get(area.area)
        if voice is None:
            continue
        alone = []
        for each in recipients:
            key = (each.agency, each.role or "")
            flush_at = _gathered_until(step, each, follow_up, sent_before.get(key, 0) + out.sent[key], now)
            if flush_at is None:
                alone.append(each)
                out.sent[key] += 1
            else:
                out.gathered.append(_gathered(step, each, flush_at))
        if alone:
            out.records.append(_escalation(voice, step, alone))
    return out


def _gathered_until(step: Step, to: Recipient, follow_up: FollowUp, sent: int, now: EpochMillis) -> EpochMillis | None:
    """When the digest goes that this notice is in; None: it goes alone."""
    area, gathering = step.ground.area, step.ground.ladder.digest
    if gathering is Gathering.NEVER or step.delivery.restricted or digest_reader(to, area, follow_up) is None:
        return None
    if gathering is Gathering.ALWAYS:
        return next_time_of_day(EpochMillis(now + 1), area.daily, area.calendar)
    return window_of(area, now)[1] if sent >= area.digest.most else None


def digest_reader(to: Recipient, area: AreaFollowUp, follow_up: FollowUp) -> Recipient | None:
    """Who reads a digest for this recipient: the same role, else the agency's safeguarding contact."""
    desk = follow_up.desks.get(to.agency)
    role = next((role for role in (to.role, CONTACT) if role in area.digestible and desk and role in desk.roles), None)
    return None if role is None else Recipient(to.agency, role)


def _gathered(step: Step, to: Recipient, flush_at: EpochMillis) -> Gathered:
    delivery, taken = step.delivery, step.taken
    return Gathered(
        to.agency, to.role or "", delivery.protection, flush_at, step.ground.area.area,
        delivery.delivery_id, taken.number, taken.due_at,
    )  # fmt: skip


def _escalation(voice: Voice, step: Step, to: Sequence[Recipient]) -> Outgoing:
    taken = step.taken
    return say.escalation(
        voice,
        about(step.delivery),
        delivery_id=step.delivery.delivery_id,
        step=taken.number,
        level=taken.level,
        reason=taken.reason,
        to=to,
        due_at=taken.missed,
        late_role=step.delivery.roles[0] if step.delivery.roles else None,
        phone=step.phone,
        at=taken.due_at,
    )


def digests(
    rows: Iterable[Gathered], waiting: Mapping[str, Delivery], voices: Mapping[str, Voice], follow_up: FollowUp
) -> list[Outgoing]:
    """One digest for each role, protection and time, of what is still waited for; none of what was answered since."""
    groups: dict[tuple[str, str, str, int, str], list[Gathered]] = {}
    for row in rows:
        if row.delivery_id in waiting:
            groups.setdefault((row.agency, row.role, row.protection, row.flush_at, row.area), []).append(row)
    made = []
    for (agency, role, protection, flush_at, area), late in sorted(groups.items()):
        known, voice = follow_up.areas.get(area), voices.get(area)
        reader = None if known is None else digest_reader(Recipient(agency, role), known, follow_up)
        if voice is not None and reader is not None:
            made.append(_digest(voice, reader, f"{agency}/{role}/{protection}/{flush_at}", late, waiting, flush_at))
    return made


def _digest(
    voice: Voice, reader: Recipient, says: str, late: list[Gathered], waiting: Mapping[str, Delivery], at: int
) -> Outgoing:
    late.sort(key=lambda each: (each.due_at, each.delivery_id, each.step))
    ids = list(dict.fromkeys(each.delivery_id for each in late))
    oldest, protection = waiting[ids[0]], late[0].protection
    marking = About(oldest.event_id, oldest.event_type, protection) if protection != _NO_PROTECTION else None
    return say.digest(
        voice,
        says=says,
        to=(reader,),
        event_ids=[waiting[each].event_id for each in ids],
        count=len(ids),
        since=late[0].due_at,
        until=late[-1].due_at,
        rule_id=_LATE_RULE,
        rule_text=_LATE_TEXT,
        about=marking,
        at=at,
    )
