"""What the side streams say, in the exchange's voice. Pure. Ids come from what is said, so a repeat is known as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.kafka.publisher import Outgoing
from schemas.registry import EventTypes
from streams.followup.faust.patterns import OPEN_ADDRESS, Met, Noted
from streams.followup.faust.seen import Seen
from streams.followup.faust.silence import Silence, watch_key
from streams.followup.voice import About, NoticeKind, Recipient, Voice, notice
from streams.policy.artefact import Document
from streams.policy.follow_up_build import AreaFollowUp, FollowUp

_STRENGTH = ("NONE", "UNKNOWN", "PLACEMENT", "PROTECTED", "REFUGE")  # weakest first


def area_for(seen: Seen, follow_up: FollowUp, areas: Mapping[str, Document]) -> AreaFollowUp | None:
    """Whose patterns count for an event: the area where the child lives, else the publisher's."""
    homes = [name for name, entry in areas.items() if seen.gss is not None and seen.gss in entry["authorities"]]
    return follow_up.areas.get(homes[0] if homes else seen.area)


def pattern_notice(found: Met, seen: Seen, area: AreaFollowUp, types: EventTypes) -> Outgoing:
    """References and the pattern's own text, for the front door. `seen` is the event that completed it."""
    events = found.events
    return notice(
        Voice(area=area.area, event_types=types),
        NoticeKind.PATTERN,
        says="/".join((found.pattern.id, *sorted(each.event_id for each in events))),
        to=(Recipient(area.front_door, found.pattern.tell),),
        rule_id=found.pattern.id,
        rule_text=found.pattern.reason,
        event_ids=[each.event_id for each in events],
        source_categories=[each.category for each in events],
        since=events[0].occurred_at,
        until=events[-1].occurred_at,
        about=_marked(events, seen),
        at=seen.decided_at,
    )


def _marked(events: Sequence[Noted], seen: Seen) -> About:
    """The newest event, with the strongest marking of them all."""
    protection = max((each.protection for each in events), key=_strength, default=OPEN_ADDRESS)
    return About(
        seen.event_id,
        seen.event_type,
        protection=protection,
        restricted=any(each.restricted for each in events),
        do_not_disclose=any(each.do_not_disclose for each in events),
    )


def _strength(protection: str) -> int:
    return _STRENGTH.index(protection) if protection in _STRENGTH else len(_STRENGTH)


def silence_notice(found: Silence, follow_up: FollowUp, types: EventTypes) -> Outgoing:
    """Who is silent, since when, under which rhythm; for the partnership."""
    each = found.watched
    return notice(
        Voice(area=each.area, event_types=types),
        NoticeKind.SILENT_AGENCY,
        says=f"{watch_key(each)}/{found.since}",
        to=[Recipient(agency, each.rhythm.tell) for agency in follow_up.with_role(each.area, each.rhythm.tell)],
        rule_id=each.rhythm.id,
        rule_text=each.rhythm.reason,
        agency=each.agency,
        since=found.since,
        until=found.due,
        at=found.due,
    )
