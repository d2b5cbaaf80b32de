"""Whom a step tells: agencies and roles, from the rule set. Pure.

Nobody is told who may not be: of an agency's roles only those count that the rules let the exchange address, and of the
restricted lane hear restricted roles only (P-08). A step that finds nobody tells the front door, for nothing may go
unheard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.postgres.followup_store import Delivery
from streams.followup.voice import Recipient
from streams.policy.follow_up import StepOf, StepTo
from streams.policy.follow_up_build import AreaFollowUp, FollowUp

CONTACT = "safeguarding-contact"  # answers for an agency where no other role is named


def told(
    to: StepTo, delivery: Delivery, area: AreaFollowUp, follow_up: FollowUp, *, out_of_hours: bool
) -> tuple[Recipient, ...]:
    """Recipients in order, each once; empty only if the rules let the exchange address nobody at all."""
    found = list(_named(to, delivery, area, follow_up))
    night = area.file.calendar.out_of_hours_role
    if out_of_hours and night is not None:
        found += [Recipient(agency, night) for agency in follow_up.with_role(area.area, night)]
    allowed = [each for each in dict.fromkeys(found) if _may_hear(each, delivery, area)]
    return tuple(allowed) or _fallback(delivery, area, follow_up)


def _named(to: StepTo, delivery: Delivery, area: AreaFollowUp, follow_up: FollowUp) -> Iterator[Recipient]:
    if to.of is StepOf.AREA:
        for role in to.roles:
            yield from (Recipient(agency, role) for agency in follow_up.with_role(area.area, role))
        return
    agency = _agency(to, delivery, follow_up)
    desk = None if agency is None else follow_up.desks.get(agency)
    if agency is None or desk is None:
        return
    if to.of is StepOf.RECIPIENT:
        mine = [role for role in delivery.roles if role in desk.roles and _role_may_hear(role, delivery, area)]
        yield from (Recipient(agency, role) for role in mine or _first(desk.roles, (CONTACT,)))
    else:
        yield from (Recipient(agency, role) for role in _first(desk.roles, to.roles))


def _first(held: Iterable[str], wanted: Iterable[str]) -> list[str]:
    return [role for role in wanted if role in held][:1]


def _agency(to: StepTo, delivery: Delivery, follow_up: FollowUp) -> str | None:
    if to.of is StepOf.SOURCE:
        return delivery.source
    desk = follow_up.desks.get(delivery.agency)
    if to.of is StepOf.ALTERNATE:
        return None if desk is None else desk.alternate
    return delivery.agency


def _may_hear(recipient: Recipient, delivery: Delivery, area: AreaFollowUp) -> bool:
    return recipient.role is not None and _role_may_hear(recipient.role, delivery, area)


def _role_may_hear(role: str, delivery: Delivery, area: AreaFollowUp) -> bool:
    return role in area.addressable and (not delivery.restricted or role in area.restricted_roles)


def _fallback(delivery: Delivery, area: AreaFollowUp, follow_up: FollowUp) -> tuple[Recipient, ...]:
    """The recipient's own restricted roles, then the front door's, of what is restricted; else the front door."""
    for agency in (delivery.agency, area.front_door) if delivery.restricted else (area.front_door,):
        desk = follow_up.desks.get(agency)
        roles = [role for role in (desk.roles if desk else ()) if _role_may_hear(role, delivery, area)]
        if roles:
            return (Recipient(agency, roles[0]),)
    return ()
