"""When which kind of agency publishes what: events an hour by type, category and local time.

Figures are for one agency of a middling county, an order of magnitude from published returns rather than measured
anywhere. What matters is the shape: domestic abuse at night and at weekends, schools in school hours, clinics in clinic
hours, so that clocks, queues and silence are exercised as they would be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from random import Random
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
MILLIS_PER_HOUR = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SchoolDay = Callable[[date], bool]


def weekdays(day: date) -> bool:
    """School days where no terms are known."""
    return day.weekday() < 5


def local_time(at_ms: int) -> datetime:
    """An instant on the clocks of England."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(LONDON)


class Profile(Enum):
    """Shape of a week: relative weight of an hour (0 to 23) on Monday to Thursday, Friday, Saturday, Sunday."""

    NIGHTS_AND_WEEKENDS = "nights-and-weekends"
    EVENINGS = "evenings"
    ROUND_THE_CLOCK = "round-the-clock"
    SCHOOL_HOURS = "school-hours"
    CLINIC_HOURS = "clinic-hours"
    OFFICE_HOURS = "office-hours"


_P = Profile
_DAY_WEIGHTS = {  # Monday to Thursday, Friday, Saturday, Sunday
    _P.NIGHTS_AND_WEEKENDS: (0.8, 1.3, 1.7, 1.4),
    _P.EVENINGS: (0.95, 1.2, 1.15, 0.85),
    _P.ROUND_THE_CLOCK: (1.0, 1.05, 1.0, 0.95),
    _P.SCHOOL_HOURS: (1.0, 1.1, 0.0, 0.0),
    _P.CLINIC_HOURS: (1.0, 0.8, 0.05, 0.0),
    _P.OFFICE_HOURS: (1.0, 1.15, 0.02, 0.02),
}
_HOUR_WEIGHTS: dict[Profile, dict[range, float]] = {  # hours not named weigh 0.02
    _P.NIGHTS_AND_WEEKENDS: {
        range(3): 1.6,
        range(3, 8): 0.4,
        range(8, 17): 0.6,
        range(17, 21): 1.3,
        range(21, 24): 2.2,
    },
    _P.EVENINGS: {range(2): 0.9, range(2, 8): 0.2, range(8, 15): 0.6, range(15, 19): 1.5, range(19, 24): 2.0},
    _P.ROUND_THE_CLOCK: {range(7): 0.6, range(7, 12): 1.1, range(12, 22): 1.4, range(22, 24): 1.0},
    _P.SCHOOL_HOURS: {range(8, 9): 1.0, range(9, 12): 1.6, range(12, 15): 1.2, range(15, 17): 1.9, range(17, 18): 0.4},
    _P.CLINIC_HOURS: {range(8, 9): 0.5, range(9, 13): 1.6, range(13, 17): 1.5, range(17, 19): 0.6},
    _P.OFFICE_HOURS: {range(8, 9): 0.4, range(9, 12): 1.5, range(12, 14): 1.0, range(14, 17): 1.7, range(17, 19): 0.4},
}
_QUIET = 0.02

# The habits of a category that no entry below says otherwise about.
_OF_CATEGORY = {
    "POLICE": _P.ROUND_THE_CLOCK,
    "BTP": _P.EVENINGS,
    "NHS_FT": _P.ROUND_THE_CLOCK,
    "NHS_TRUST": _P.ROUND_THE_CLOCK,
    "SCHOOL": _P.SCHOOL_HOURS,
    "COLLEGE": _P.SCHOOL_HOURS,
    "EARLY_YEARS": _P.SCHOOL_HOURS,
    "GP": _P.CLINIC_HOURS,
    "DENTAL": _P.CLINIC_HOURS,
    "PHARM": _P.CLINIC_HOURS,
    "HV_SN": _P.CLINIC_HOURS,
    "RESIDENTIAL": _P.EVENINGS,
    "SECURE_HOME": _P.ROUND_THE_CLOCK,
    "PRISON": _P.ROUND_THE_CLOCK,
}
_SELDOM = 0.3  # events a week of one agency where nothing is said
# Types that nearly every agency may publish, so that many agencies make up for few events each.
_SELDOM_OF_TYPE = {
    "control.acknowledgement": 0.6,
    "control.correction": 0.08,
    "control.retraction": 0.03,
    "control.withheld": 0.06,
    "control.information-request": 0.12,
    "control.information-response": 0.12,
    "control.escalation": 0.06,
    "social-care.access-notification": 0.3,
    "identity.protection-changed": 0.04,
    "lado.allegation": 0.05,
    "exploitation.concern": 0.1,
    "dv.marac-referral": 0.1,
}

# (event type, category) -> events a week of one agency, and its shape where it is not the category's.
_WEEKLY: dict[tuple[str, str], tuple[float, Profile | None]] = {
    ("police.domestic-abuse-incident", "POLICE"): (70.0, _P.NIGHTS_AND_WEEKENDS),
    ("police.public-protection-notice", "POLICE"): (90.0, _P.EVENINGS),
    ("police.protection-power-used", "POLICE"): (2.5, _P.NIGHTS_AND_WEEKENDS),
    ("police.child-detained", "POLICE"): (14.0, _P.EVENINGS),
    ("missing.episode-started", "POLICE"): (18.0, _P.EVENINGS),
    ("missing.episode-started", "RESIDENTIAL"): (2.0, _P.EVENINGS),
    ("missing.episode-ended", "POLICE"): (17.0, _P.ROUND_THE_CLOCK),
    ("missing.return-interview-completed", "CONTRACTED_VCS"): (5.0, _P.OFFICE_HOURS),
    ("youth-justice.contact", "YOT"): (12.0, None),
    ("education.absence-concern", "SCHOOL"): (4.0, None),
    ("education.absence-concern", "COLLEGE"): (3.0, None),
    ("education.suspension-or-exclusion", "SCHOOL"): (2.0, None),
    ("education.off-roll", "SCHOOL"): (0.6, None),
    ("education.cp-file-transfer", "SCHOOL"): (0.6, None),
    ("health.ed-attendance-concern", "NHS_FT"): (20.0, _P.EVENINGS),
    ("health.ed-attendance-concern", "NHS_TRUST"): (10.0, _P.EVENINGS),
    ("health.was-not-brought", "NHS_FT"): (12.0, _P.CLINIC_HOURS),
    ("health.was-not-brought", "GP"): (3.0, None),
    ("health.hv-concern", "HV_SN"): (18.0, None),
    ("health.maternity-concern", "NHS_FT"): (5.0, _P.CLINIC_HOURS),
    ("social-care.status-changed", "LA_CSC"): (12.0, None),
    ("social-care.contact-outcome", "LA_CSC"): (40.0, None),
    ("early-help.episode", "LA_CSC"): (8.0, None),
    ("early-help.episode", "SCHOOL"): (0.5, None),
    ("send.status", "LA_CSC"): (6.0, None),
    ("dv.marac-referral", "POLICE"): (9.0, _P.OFFICE_HOURS),
    ("dv.marac-referral", "CONTRACTED_VCS"): (1.5, None),
    ("housing.homelessness-risk", "DISTRICT"): (8.0, None),
    ("housing.household-moved", "DISTRICT"): (3.0, None),
    ("probation.person-of-concern", "PROBATION"): (9.0, None),
    ("prison.release-or-contact-risk", "PRISON"): (5.0, _P.OFFICE_HOURS),
    ("identity.identifier-changed", "IDENTITY_SERVICE"): (4.0, _P.OFFICE_HOURS),
    ("identity.severed", "IDENTITY_SERVICE"): (1.5, _P.OFFICE_HOURS),
}

# A council publishes through its functions: of the agencies of a category, those with one of these roles do it.
PUBLISHING_ROLES: dict[str, tuple[str, ...]] = {
    "social-care.status-changed": ("front-door", "allocated-team"),
    "social-care.contact-outcome": ("front-door",),
    "early-help.episode": ("early-help-coordinator", "dsl", "family-support-worker"),
    "education.home-education-started": ("ehe-officer", "dsl"),
    "education.missing-education": ("cme-officer", "dsl"),
    "send.status": ("send-officer",),
    "missing.return-interview-completed": ("return-interview-worker",),
    "missing.episode-started": ("front-door", "police-safeguarding", "registered-manager"),
    "missing.episode-ended": ("front-door", "police-safeguarding", "registered-manager"),
    "health.ed-attendance-concern": ("ed-safeguarding",),
    "health.maternity-concern": ("maternity-safeguarding",),
    "dv.marac-outcome": ("marac-coordinator",),
}


def weekly(event_type: str, category: str) -> float:
    """Events a week of one agency."""
    named = _WEEKLY.get((event_type, category))
    return _SELDOM_OF_TYPE.get(event_type, _SELDOM) if named is None else named[0]


def profile(event_type: str, category: str) -> Profile:
    named = _WEEKLY.get((event_type, category), (_SELDOM, None))[1]
    return named or _OF_CATEGORY.get(category, Profile.OFFICE_HOURS)


def rate_per_hour(event_type: str, category: str, at: datetime, school_day: SchoolDay = weekdays) -> float:
    """Events an hour of one agency of a category, at a local time."""
    shape = profile(event_type, category)
    if shape is Profile.SCHOOL_HOURS and not school_day(at.date()):
        return 0.0
    return weekly(event_type, category) / 168 * weight(shape, at.weekday(), at.hour)


def weight(shape: Profile, weekday: int, hour: int) -> float:
    """Weight of an hour, 1 on average over the week. `weekday` counts from Monday, 0."""
    return _raw_weight(shape, weekday, hour) / _MEAN[shape]


def _raw_weight(shape: Profile, weekday: int, hour: int) -> float:
    by_hour = next((value for hours, value in _HOUR_WEIGHTS[shape].items() if hour in hours), _QUIET)
    return _DAY_WEIGHTS[shape][max(0, weekday - 3)] * by_hour


_MEAN = {shape: sum(_raw_weight(shape, day, hour) for day in range(7) for hour in range(24)) / 168 for shape in Profile}


def evenly(start_ms: int, per_second: float) -> Iterator[int]:
    """Instants at a steady rate, for ever."""
    index = 0
    while True:
        yield start_ms + int(index * 1000 / per_second)
        index += 1


def naturally(rng: Random, start_ms: int, rate_at: Callable[[int], float]) -> Iterator[int]:
    """Instants of a process whose rate (events an hour) is `rate_at` of the hour they are in, for ever.

    Raises `ValueError` when nothing happens for a whole year.
    """
    at = float(start_ms)
    while True:
        wanted = rng.expovariate(1.0)  # hours at rate 1 until the next event
        for _ in range(366 * 24):
            left = MILLIS_PER_HOUR - at % MILLIS_PER_HOUR
            rate = rate_at(int(at))
            if rate > 0 and wanted * MILLIS_PER_HOUR / rate < left:
                at += wanted * MILLIS_PER_HOUR / rate
                break
            wanted -= rate * left / MILLIS_PER_HOUR
            at += left
        else:
            raise ValueError("nothing is published for a year: no agency of the area may publish any event type")
        yield math.floor(at)


def spread(rng: Random, count: int, start_ms: int, end_ms: int, rate_at: Callable[[int], float]) -> list[int]:
    """`count` instants from `start_ms` to before `end_ms`, in order, dense where `rate_at` is high."""
    hours = list(range(start_ms, end_ms, MILLIS_PER_HOUR))
    if not hours:
        return [start_ms] * count
    rates = [rate_at(hour) for hour in hours]
    if not any(rates):
        rates = [1.0] * len(hours)
    chosen = rng.choices(hours, rates, k=count)
    return sorted(min(end_ms - 1, hour + rng.randrange(MILLIS_PER_HOUR)) for hour in chosen)
