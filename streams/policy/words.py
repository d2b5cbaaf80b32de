"""The closed word lists of area files that the event contract does not have."""

from __future__ import annotations

from enum import StrEnum


class Effect(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


class Channel(StrEnum):
    KAFKA = "kafka"
    GATEWAY = "gateway"


class Serves(StrEnum):
    CHILD = "CHILD"
    FAMILY = "FAMILY"
    PERSON_OF_CONCERN = "PERSON_OF_CONCERN"  # never LOCATING, CONTACT or PLACEMENT (P-06)


class Staffed(StrEnum):
    ROUND_THE_CLOCK = "ROUND_THE_CLOCK"
    EXTENDED_HOURS = "EXTENDED_HOURS"
    OFFICE_HOURS = "OFFICE_HOURS"
    SCHOOL_HOURS = "SCHOOL_HOURS"


class OutcomeExpected(StrEnum):
    DELIVERED = "DELIVERED"
    WITHHELD = "WITHHELD"
    DENIED = "DENIED"
    HELD = "HELD"
    ABSENT = "ABSENT"  # not a candidate at all


class Clock(StrEnum):
    """Time allowed to acknowledge. WD working days, SD school days."""

    PT15M = "PT15M"
    PT1H = "PT1H"
    PT4H = "PT4H"
    PT72H = "PT72H"
    WD1 = "1WD"
    WD2 = "2WD"
    WD5 = "5WD"
    SD5 = "5SD"
    SD10 = "10SD"
    NEXT_SCHOOL_DAY = "NEXT_SCHOOL_DAY"
    NONE = "NONE"
