"""What a form begins with."""

from __future__ import annotations

from connectors.http.pages.questions import questions
from connectors.http.values import Profile
from schemas.registry import EventType

_OWN_SETTING = {
    "SCHOOL": ("envelope.settings.schoolUrn", "URN"),
    "COLLEGE": ("envelope.settings.schoolUrn", "URN"),
    "GP": ("envelope.settings.gpOds", "ODS"),
    "HV_SN": ("envelope.settings.communityHealthOds", "ODS"),
}


def beginnings(event_type: EventType, profile: Profile) -> dict[str, list[str]]:
    """Answers that the exchange knows, for the sender to change. What protects the child is never guessed."""
    given = {
        "envelope.urgency": event_type.urgency.value,
        "envelope.purpose": event_type.purposes[0].value,
        "envelope.legalGateway": event_type.gateways[0].value,
        "envelope.area.gss": profile.authorities[0] if len(profile.authorities) == 1 else "",
        "envelope.contact.org": profile.name,
    }
    own = _OWN_SETTING.get(profile.category)
    if own:
        given[own[0]] = next((code for scheme, code in profile.identifiers if scheme == own[1]), "")
    desk = next((each for each in profile.contacts if not each.out_of_hours), None)
    if desk:
        given |= {"envelope.contact.role": desk.name, "envelope.contact.phone": desk.phone}
    return {path: [value] for path, value in given.items() if value and path in questions(event_type)}
