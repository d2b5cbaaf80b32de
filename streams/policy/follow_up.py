"""follow-up.yaml as frozen models: what happens after a delivery, as a partnership writes it down.

School days that the area's terms do not tell, ladders of escalation, digests, expected rhythms, patterns, heartbeat.
References to agencies, roles and event types are checked in `follow_up_checks.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.vocabulary import AgencyCategory, AgencyGrade, Urgency
from streams.policy.shapes import Day, Model, Slug, Term, Text
from streams.policy.words import Clock

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]  # Europe/London


class Level(StrEnum):
    """Steps of a ladder, the words of `control.escalation`."""

    REMINDER = "REMINDER"
    DEPUTY = "DEPUTY"
    NAMED_LEAD = "NAMED_LEAD"
    DELEGATED_PARTNER = "DELEGATED_PARTNER"
    LEAD_PARTNER = "LEAD_PARTNER"


class StepOf(StrEnum):
    RECIPIENT = "RECIPIENT"  # the roles that the delivery went to
    AGENCY = "AGENCY"  # a role of the agency that it went to
    ALTERNATE = "ALTERNATE"  # a role of the agency's alternate
    SOURCE = "SOURCE"  # a role of the publisher
    AREA = "AREA"  # every agency of the area that has the role


class OutOfHours(StrEnum):
    """What a step does that falls outside office hours."""

    TELL = "TELL"  # it is taken at once, and the area's out-of-hours role is told too
    WAIT = "WAIT"  # it waits until the office opens


class Gathering(StrEnum):
    NEVER = "NEVER"  # each step is a notice of its own, however many there are
    BEYOND_LIMIT = "BEYOND_LIMIT"  # what is beyond the area's limit for one role is gathered until the window ends
    ALWAYS = "ALWAYS"  # one digest a working day


class OfficeHours(Model):
    opens: TimeOfDay = "09:00"
    closes: TimeOfDay = "17:00"


class SchoolCalendar(Model):
    """One school whose days differ from the area's."""

    agency: Slug
    terms: tuple[Term, ...] | None = Field(default=None, min_length=1)  # in place of the area's; None: the area's
    inset_days: tuple[Day, ...] = ()  # beside the area's


class CalendarModel(Model):
    school_begins: TimeOfDay = "08:00"  # children may be met from then: what must be known before, is due then
    office: OfficeHours = OfficeHours()
    out_of_hours_role: Slug | None = None  # who is told too when a step of a TELL ladder falls outside office hours
    inset_days: tuple[Day, ...] = ()  # days within terms on which no school of the area has pupils in
    schools: tuple[SchoolCalendar, ...] = ()


class StepTo(Model):
    of: StepOf
    roles: tuple[Slug, ...] = ()  # the first of these that the agency has; RECIPIENT needs none


class StepModel(Model):
    level: Level
    after: Clock | None = None  # since the step before was due; of the first: since the acknowledgement was
    to: StepTo


class PhoneModel(Model):
    """A person must be rung and the call recorded (D-05)."""

    within: Clock  # since the delivery was available
    tell: StepTo  # who hears when no call has been recorded by then


class LadderWhen(Model):
    """All that is named must match. Nothing named: everything."""

    events: tuple[str, ...] | None = Field(default=None, min_length=1)
    urgency: tuple[Urgency, ...] | None = Field(default=None, min_length=1)
    clock: tuple[Clock, ...] | None = Field(default=None, min_length=1)


class LadderModel(Model):
    """The first ladder that matches a delivery is its ladder."""

    id: Slug
    when: LadderWhen = LadderWhen()
    reason: Text
    pick_up: Clock | None = None  # since it was available: unopened by then, its recipient is reminded
    phone: PhoneModel | None = None
    out_of_hours: OutOfHours = OutOfHours.WAIT
    digest: Gathering = Gathering.BEYOND_LIMIT
    steps: tuple[StepModel, ...] = Field(min_length=1)


class DigestModel(Model):
    """Bounds a storm of notices to one role of one agency (D-10)."""

    most: int = Field(ge=1, le=1000)  # notices of their own within the window
    minutes: int = Field(ge=5, le=1440)  # length of the window
    daily: TimeOfDay = "09:00"  # when what is always gathered goes, on working days


class RhythmModel(Model):
    """How often somebody is expected to publish (G-03). Absent for longer: a notice to the partnership."""

    id: Slug
    agencies: tuple[Slug, ...] | None = Field(default=None, min_length=1)
    categories: tuple[AgencyCategory, ...] | None = Field(default=None, min_length=1)  # or each agency of these
    events: tuple[str, ...] | None = Field(default=None, min_length=1)  # None: any
    days: int = Field(ge=1, le=366)  # that may pass without one
    count: Literal["ALL_DAYS", "WORKING_DAYS", "SCHOOL_DAYS"] = "ALL_DAYS"
    tell: Slug  # role, at every agency of the area that has it
    reason: Text


class PatternModel(Model):
    """Several events about one child that say little alone (R-12). The reader sees this text, and no score."""

    id: Slug
    events: tuple[str, ...] | None = Field(default=None, min_length=1)  # None: any that tells of a child
    urgency: tuple[Urgency, ...] | None = Field(default=None, min_length=1)
    grade: tuple[AgencyGrade, ...] | None = Field(default=None, min_length=1)
    at_least: int = Field(ge=2, le=100)  # events
    agencies: int = Field(ge=1, le=50)  # different publishers among them, at least
    days: int = Field(ge=1, le=366)
    protected: bool = False  # whether events of protected children count
    restricted: bool = False  # whether events of the restricted lane count
    tell: Slug  # role of the area's front door
    reason: Text


class HeartbeatModel(Model):
    """A synthetic event through each door, so that silence of a door is noticed before a child's event is lost."""

    every_minutes: int = Field(default=15, ge=1, le=1440)
    doors: tuple[Literal["gateway", "kafka"], ...] = Field(default=("gateway", "kafka"), min_length=1)
    late_after_seconds: int = Field(default=120, ge=1, le=3600)  # a round trip longer than this is late


class FollowUpFile(Model):
    """follow-up.yaml."""

    calendar: CalendarModel = CalendarModel()
    digest: DigestModel = DigestModel(most=10, minutes=60)
    ladders: tuple[LadderModel, ...] = ()
    rhythms: tuple[RhythmModel, ...] = ()
    patterns: tuple[PatternModel, ...] = ()
    heartbeat: HeartbeatModel | None = None
