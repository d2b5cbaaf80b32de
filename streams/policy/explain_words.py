"""Words for people: selectors, conditions and times as a safeguarding lead would say them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.policy.facts import Facts
from streams.policy.reference_match import FLAGS, LISTS, PRESENT

SELECTOR_WORDS = {
    "child.school": "the child's school",
    "child.gp": "the child's GP practice",
    "child.communityHealth": "the child's 0-19 health service",
    "child.homeAuthority": "the authority where the child lives",
    "child.placingAuthority": "the authority that placed the child",
    "child.hostAuthority": "the authority that hosts the placement",
    "child.allocatedTeam": "the team that has the child's social-care case",
    "area": "everyone in the area with that role",
    "explicit": "those whom the publisher names",
    "source": "the publisher",
}
_LIST_WORDS = {
    "sourceCategory": "a publisher of category",
    "source": "the publisher",
    "urgency": "urgency",
    "grade": "grade",
    "purpose": "purpose",
    "protection": "address protection",
    "match": "match status",
    "marking": "marking",
    "areaGss": "a child who lives in",
}
_FLAG_WORDS = {
    "restricted": "a restricted event",
    "sensitiveService": "an event of a sensitive service",
    "doNotDiscloseToSubject": "an event not to be disclosed to its subject",
    "unborn": "an unborn child",
}
_PRESENT_WORDS = {
    "hasSchool": "a child with a school",
    "hasGp": "a child with a GP practice",
    "hasCommunityHealth": "a child with a 0-19 health service",
}
SETTING_OF = {"hasSchool": "school", "hasGp": "gp", "hasCommunityHealth": "communityHealth"}  # as selectors say it


def selector_words(of: str) -> str:
    category = of.removeprefix("category:")
    return SELECTOR_WORDS.get(of, f"every agency of category {category} with that role")


CLOCK_WORDS = {
    "PT15M": "within 15 minutes",
    "PT1H": "within an hour",
    "PT4H": "within 4 hours",
    "PT72H": "within 72 hours",
    "1WD": "within 1 working day",
    "2WD": "within 2 working days",
    "5WD": "within 5 working days",
    "5SD": "within 5 school days",
    "10SD": "within 10 school days",
    "NEXT_SCHOOL_DAY": "before the next school day begins",
}


def all_of(words: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def one_of(words: Sequence[str]) -> str:
    """`A`, `A or B`, `A, B or C`."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def wish(name: str, wanted: Any) -> str:
    """What a condition asks for."""
    if name in LISTS:
        return f"{_LIST_WORDS[name]} {one_of(wanted)}"
    if name in FLAGS or name in PRESENT:
        thing = {**_FLAG_WORDS, **_PRESENT_WORDS}[name]
        return thing if wanted else f"anything but {thing}"
    if name == "concerns":
        return f"a concern of {one_of(wanted)}"
    at_least, at_most = wanted
    if at_most is None:
        return f"a child of {at_least} or older"
    return f"a child of {at_most} or younger" if at_least is None else f"a child of {at_least} to {at_most}"


def fact(name: str, facts: Facts) -> str:
    """What the event says about it."""
    if name in LISTS:
        value = getattr(facts, LISTS[name])
        return "the event does not say" if value in (None, "UNKNOWN") else f"the event says {value}"
    if name in FLAGS:
        return "the event is" if getattr(facts, FLAGS[name]) else "the event is not"
    if name in PRESENT:
        if getattr(facts, PRESENT[name]) is None:
            return "the event names none"
        return "the register knows one" if SETTING_OF[name] in facts.registered else "the event names one"
    if name == "concerns":
        return f"the event says {', '.join(facts.concerns)}" if facts.concerns else "the event codes no concern"
    if facts.unborn:
        return "the child is not born yet"
    return "the age is not known" if facts.age_years is None else f"the child was {facts.age_years}"
