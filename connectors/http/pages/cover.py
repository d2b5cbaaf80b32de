"""Cover while somebody is away: one of a person's roles for a deputy or a colleague, until a day (D-09)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from connectors.http.pages.answers import DAY_PARTS, Wrong, day_of, first
from connectors.http.pages.asking import Answer, Ask, Go, Show
from connectors.http.pages.questions import Question
from connectors.http.pages.times import end_words, from_local, in_days
from connectors.http.values import Delegation, Refused

LONGEST_DAYS = 92  # a term; longer, and it is not cover but a change of role
LONGEST_SUBJECT = 200
_UNTIL = Question("until", "day", "The last day of your absence", "", required=True)


class Given(NamedTuple):
    delegation: Delegation
    role: str
    to: str
    until: str


def show(ask: Ask) -> Answer:
    return _page(ask, [])


def give(ask: Ask) -> Answer:
    """Set cover up. It begins at once and ends at the end of the day given."""
    role, to = first(ask.form, "role"), first(ask.form, "to")
    colleague = first(ask.form, "colleague")
    wrong: list[Wrong] = []
    if role not in ask.profile.my_roles:
        wrong.append(Wrong("role", "Select which of your roles needs cover"))
    to_role = to.removeprefix("role:") if to.startswith("role:") else None
    if to_role is None and to != "colleague":
        wrong.append(Wrong("to", "Select who covers for you"))
    elif to == "colleague" and not 0 < len(colleague) <= LONGEST_SUBJECT:
        wrong.append(Wrong("colleague", "Enter the sign-in name of your colleague"))
    elif to_role is not None and (to_role not in ask.profile.roles or to_role == role):
        wrong.append(Wrong("to", "Select another role of your organisation"))
    until = _until(ask, wrong)
    if wrong or until is None:
        return _page(ask, wrong)
    given = ask.doors.delegate(
        ask.caller, role, to_role=to_role, to_subject=None if to_role else colleague, until=until
    )
    if isinstance(given, Refused):
        return _page(ask, [Wrong("to", given.message[:1].upper() + given.message[1:])])
    return Go("/cover", "covered")


def end(ask: Ask) -> Answer:
    ended = ask.doors.end_delegation(ask.caller, first(ask.form, "delegation"))
    return Go("/cover", "uncovered" if ended else "uncovered.none")


def _until(ask: Ask, wrong: list[Wrong]) -> int | None:
    """The end of the last day, in milliseconds since the epoch."""
    day = day_of(_UNTIL, ask.form, wrong)
    if day is None:
        return None
    if not in_days(ask.now, 0) <= day <= in_days(ask.now, LONGEST_DAYS):
        wrong.append(Wrong("until", f"The last day of your absence must be today or at most {LONGEST_DAYS} days away"))
        return None
    return round(from_local(day + timedelta(days=1), 0, 0).timestamp() * 1000)


def _page(ask: Ask, wrong: list[Wrong]) -> Answer:
    profile = ask.profile
    only = profile.my_roles if len(profile.my_roles) == 1 else {}  # nobody covers a role with that role
    by_title = sorted(profile.roles.items(), key=lambda each: each[1])
    given = [
        Given(
            each,
            profile.roles.get(each.role, each.role),
            "a colleague" if each.to_role is None else profile.roles.get(each.to_role, each.to_role),
            end_words(each.until, ask.now),
        )
        for each in ask.doors.delegations(ask.caller)
    ]
    values: dict[str, Any] = {
        "mine": [each for each in given if each.delegation.mine],
        "received": [each for each in given if not each.delegation.mine],
        "others": {role: title for role, title in by_title if role not in only},
        "form": {
            name: first(ask.form, name) for name in ("role", "to", "colleague", *(f"until-{p}" for p in DAY_PARTS))
        },
        "wrong": [(each.path, each.text) for each in wrong],
        "example": in_days(ask.now, 14),
    }
    return Show("cover.html", "Cover while you are away", values, 422 if wrong else 200)
