"""What each key of `follow-up.yaml` means, in the words of whoever writes it: model and key -> one or two sentences."""

from __future__ import annotations

from collections.abc import Mapping

_CLOCK = "PT15M PT1H PT4H PT72H, 1WD 2WD 5WD (working days), 5SD 10SD (school days), NEXT_SCHOOL_DAY."
_TIME = "A time of day such as `09:00`, in London."

FOLLOW_UP_GUIDE: Mapping[str, Mapping[str, str]] = {
    "FollowUpFile": {
        "calendar": "School days that the terms do not tell, and when offices are open.",
        "digest": "How many notices one role gets before they are gathered (D-10).",
        "ladders": "Who is told when nobody acts. The first ladder that matches a delivery is its ladder (D-04).",
        "rhythms": "How often somebody is expected to publish, and who hears when they fall silent (G-03).",
        "patterns": "Several events about one child that say little alone (R-12).",
        "heartbeat": "A synthetic event through each door, so that a silent door is noticed.",
    },
    "CalendarModel": {
        "schoolBegins": f"{_TIME} What must be known before school begins is due then.",
        "office": "When offices are open on working days.",
        "outOfHoursRole": "The role that is told too when a step of a TELL ladder falls outside office hours.",
        "insetDays": "Days within the terms on which no school of the area has pupils in.",
        "schools": "Schools whose days differ from the area's.",
    },
    "OfficeHours": {"opens": _TIME, "closes": f"{_TIME} From then until the next morning it is out of hours."},
    "SchoolCalendar": {
        "agency": "The school.",
        "terms": "Its terms in place of the area's. Left out: the area's.",
        "insetDays": "Its own days without pupils, beside the area's.",
    },
    "DigestModel": {
        "most": "Notices that one role of one agency gets one by one within the window.",
        "minutes": "Length of the window, in minutes.",
        "daily": f"{_TIME} When what is always gathered goes, on working days.",
    },
    "LadderModel": {
        "id": "The ladder's name in records and metrics.",
        "when": "Which deliveries it is for. Left out: all that no ladder above matches.",
        "reason": "Why it is as steep as it is.",
        "pickUp": f"{_CLOCK} Since it was available: unopened by then, the recipient is reminded.",
        "phone": "A person must be rung and the call recorded as well (D-05).",
        "outOfHours": "TELL: steps are taken at night too, the out-of-hours role hears. WAIT: when the office opens.",
        "digest": "NEVER, BEYOND_LIMIT or ALWAYS: whether its notices may be gathered.",
        "steps": "In order. Each is taken when it is due and nobody has acknowledged.",
    },
    "LadderWhen": {
        "events": "Event types.",
        "urgency": "Urgencies of the event.",
        "clock": "Clocks that the delivery was given.",
    },
    "PhoneModel": {
        "within": f"{_CLOCK} Since it was available.",
        "tell": "Who hears when no call has been recorded by then.",
    },
    "StepModel": {
        "level": "Which step of the partnership's escalation policy this is.",
        "after": f"{_CLOCK} Since the step before was due; of the first, since acknowledging was. Left out: at once.",
        "to": "Who is told.",
    },
    "StepTo": {
        "of": "RECIPIENT, AGENCY (the recipient), ALTERNATE, SOURCE (the publisher), AREA (all that have the role).",
        "roles": "The first of these that the agency has. RECIPIENT: left out.",
    },
    "RhythmModel": {
        "id": "The rhythm's name in notices and metrics.",
        "agencies": "Agencies that are expected to publish.",
        "categories": "Or every agency of these categories.",
        "events": "Event types that count. Left out: any.",
        "days": "Days that may pass without one.",
        "count": "Which days are counted.",
        "tell": "The role that hears, at every agency of the area that has it.",
        "reason": "Why that often is expected.",
    },
    "PatternModel": {
        "id": "The pattern's name in notices and metrics.",
        "events": "Event types that count. Left out: any that tells of a child.",
        "urgency": "Urgencies that count. Left out: any.",
        "grade": "Grades that count. Left out: any.",
        "atLeast": "Events within the time, at least.",
        "agencies": "Different publishers among them, at least.",
        "days": "Length of the time, in days.",
        "protected": "Whether events of children whose address is protected count.",
        "restricted": "Whether events of the restricted lane count.",
        "tell": "The role of the front door that hears, by references only.",
        "reason": "The rule in words, as the reader is shown it.",
    },
    "HeartbeatModel": {
        "everyMinutes": "Minutes between two.",
        "doors": "Doors through which they go.",
        "lateAfterSeconds": "Seconds after which one that has not come back is late.",
    },
}  # fmt: skip
