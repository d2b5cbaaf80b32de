"""From the artefact's document to what follow-up needs of it: ladders and days by area, and who can be told what.

Lighter than a `RuleSet`: no index, no event types, no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import NamedTuple

from streams.policy.artefact import Document
from streams.policy.build import build_calendars, build_school_calendars
from streams.policy.calendar_days import Calendar
from streams.policy.calendar_hours import Office
from streams.policy.facts import AgencyId, AreaId
from streams.policy.follow_up import DigestModel, FollowUpFile, LadderModel

ESCALATION, NOTICE = "control.escalation", "control.notice"


class Desk(NamedTuple):
    """What follow-up needs to know of an agency."""

    area: str
    roles: tuple[str, ...]
    alternate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaFollowUp:
    area: str
    file: FollowUpFile
    calendar: Calendar
    office: Office
    daily: time  # of digests
    front_door: str
    restricted_roles: frozenset[str]  # may hear of the restricted lane (P-08)
    addressable: frozenset[str]  # roles to which the rules let the area's exchange address an escalation
    digestible: frozenset[str]  # and a notice, which a digest is

    @property
    def ladders(self) -> tuple[LadderModel, ...]:
        return self.file.ladders

    @property
    def digest(self) -> DigestModel:
        return self.file.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Of every area of one rule set; areas without `follow-up.yaml` are absent."""

    areas: Mapping[str, AreaFollowUp]
    desks: Mapping[str, Desk]
    schools: Mapping[AgencyId, Calendar]  # whose days differ from their area's

    def area_of(self, agency: str) -> AreaFollowUp | None:
        """The area whose ladders an agency's deliveries climb."""
        desk = self.desks.get(agency)
        return None if desk is None else self.areas.get(desk.area)

    def calendar_of(self, agency: str) -> Calendar | None:
        area = self.area_of(agency)
        return self.schools.get(AgencyId(agency), None if area is None else area.calendar)

    def with_role(self, area: str, role: str) -> tuple[str, ...]:
        """Agencies of an area that have a role, in order of id."""
        return tuple(sorted(name for name, desk in self.desks.items() if desk.area == area and role in desk.roles))


def build_follow_up(document: Document) -> FollowUp:
    """Pure: equal documents give equal follow-ups. `document` is a compiled rule set's (`Artefact.document`)."""
    calendars = build_calendars(document)
    return FollowUp(
        areas={
            name: _area(name, document, calendars[AreaId(name)])
            for name, entry in document["areas"].items()
            if entry.get("followUp") is not None
        },
        desks={
            entry["id"]: Desk(entry["area"], tuple(entry["roles"]), entry["alternate"])
            for entry in document["agencies"]
        },
        schools=build_school_calendars(document, calendars),
    )


def _area(name: str, document: Document, calendar: Calendar) -> AreaFollowUp:
    entry = document["areas"][name]
    file = FollowUpFile.model_validate(entry["followUp"], by_alias=True, by_name=False)
    office = file.calendar.office
    return AreaFollowUp(
        area=name,
        file=file,
        calendar=calendar,
        office=Office(time.fromisoformat(office.opens), time.fromisoformat(office.closes)),
        daily=time.fromisoformat(file.digest.daily),
        front_door=entry["frontDoor"],
        restricted_roles=frozenset(role for role, held in entry["roles"].items() if held["restricted"]),
        addressable=_addressable(name, document, ESCALATION),
        digestible=_addressable(name, document, NOTICE),
    )


def _addressable(area: str, document: Document, event_type: str) -> frozenset[str]:
    return frozenset(
        rule["to"]["role"]
        for rule in document["rules"]
        if rule["effect"] == "allow"
        and rule["area"] == area
        and rule["to"]["of"] == "explicit"
        and event_type in rule["events"]
        and f"{area}-exchange" in rule["when"].get("source", [f"{area}-exchange"])
    )
