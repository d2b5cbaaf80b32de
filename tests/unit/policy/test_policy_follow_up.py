"""Mistakes in `follow-up.yaml` and odd calendars are reported with file, line and what would be right."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.policy.calendar_checks import calendar_problems
from streams.policy.load import english_bank_holidays, load_area
from streams.policy.located import Problem
from tests.unit.policy.area_folder import FILES, write_areas
from tests.unit.policy.test_policy_mistakes_errors import problems_of

FOLLOW_UP, AREA = "north/follow-up.yaml", "north/area.yaml"
TODAY = date(2026, 10, 1)

SOUND = """\
calendar:
  insetDays: [2026-09-02]
  outOfHoursRole: front-door
  schools:
    - {agency: oak-school, insetDays: [2026-10-23]}
ladders:
  - id: fast
    when: {urgency: [IMMEDIATE], events: [police.domestic-abuse-incident]}
    reason: it is urgent
    pickUp: PT15M
    phone: {within: PT1H, tell: {of: SOURCE, roles: [front-door]}}
    outOfHours: TELL
    steps:
      - {level: REMINDER, to: {of: RECIPIENT}}
      - {level: DEPUTY, after: PT1H, to: {of: AGENCY, roles: [dsl]}}
  - id: rest
    reason: everything else
    steps:
      - {level: NAMED_LEAD, after: "1WD", to: {of: AREA, roles: [front-door]}}
rhythms:
  - {id: police-daily, categories: [POLICE], days: 2, tell: front-door, reason: they publish every day}
patterns:
  - {id: three, atLeast: 3, agencies: 2, days: 28, tell: front-door, reason: three small ones}
heartbeat: {everyMinutes: 15}
"""


class Slip(NamedTuple):
    """`old` becomes `new`; the problem is expected on the line that holds `new`."""

    name: str
    old: str
    new: str
    message: str
    suggestion: str


SLIPS = [
    Slip("unknown key", "pickUp:", "pickup:", "unknown key `pickup`", "did you mean `pickUp`"),
    Slip("unknown clock", "after: PT1H", "after: PT2H", "`PT2H` is not known here", "PT72H"),
    Slip("unknown level", "level: DEPUTY", "level: DEPUTIE", "`DEPUTIE` is not known here", "did you mean `DEPUTY`"),
    Slip("unknown role", "roles: [dsl]", "roles: [dls]", "there is no role `dls`", "did you mean `dsl`"),
    Slip("role of nobody", "roles: [dsl]", "roles: [offender-manager]", "no agency of the area has the role", "give"),
    Slip("unknown event", "police.domestic-abuse-incident", "police.domestic-incident", "there is no event type",
         "did you mean `police.domestic-abuse-incident`"),
    Slip("endless step", "after: PT1H", "after: NONE", "`NONE` never ends", "name a time"),
    Slip("two at once", "level: DEPUTY, after: PT1H,", "level: DEPUTY,", "together with the step above", "after"),
    Slip("roles of the recipient", "{of: RECIPIENT}", "{of: RECIPIENT, roles: [dsl]}", "those of the delivery", ""),
    Slip("nobody's role", "{of: AGENCY, roles: [dsl]}", "{of: AGENCY}", "of which role", "add `roles:`"),
    Slip("unreachable ladder", "    when: {urgency: [IMMEDIATE], events: [police.domestic-abuse-incident]}\n", "",
         "`fast` above matches every delivery", "last"),
    Slip("no last ladder", "  - id: rest\n", "  - id: rest\n    when: {urgency: [ROUTINE]}\n",
         "no ladder is for everything", "without `when`"),
    Slip("twice", "id: rest", "id: fast", "`fast` is defined twice", "choose another"),
    Slip("unknown school", "agency: oak-school", "agency: oak-skool", "there is no agency `oak-skool`", "`oak-school`"),
    Slip("nobody at night", "  outOfHoursRole: front-door\n", "", "nobody to tell", "outOfHoursRole"),
    Slip("whose rhythm", "categories: [POLICE], ", "", "whose rhythm?", "one of the two"),
    Slip("more agencies than events", "agencies: 2", "agencies: 4", "3 events have no 4 publishers", "fewer"),
    Slip("short window", "heartbeat:", "digest: {most: 5, minutes: 1}\nheartbeat:", "greater than or equal to 5", ""),
    Slip("time of day", "insetDays: [2026-09-02]", "insetDays: [2026-09-02]\n  schoolBegins: 8am", "`8am`", ""),
]  # fmt: skip


def test_the_file_without_mistakes_compiles(tmp_path: Path) -> None:
    """The slips below break one thing each; unbroken, nothing is wrong."""
    assert problems_of(tmp_path, {**FILES, FOLLOW_UP: SOUND}) == ()


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_a_slip_is_located_and_explained(tmp_path: Path, slip: Slip) -> None:
    """File, what is wrong and what would be right; the line is within the file."""
    assert slip.old in SOUND, "the slip does not apply to the file"
    found = problems_of(tmp_path, {**FILES, FOLLOW_UP: SOUND.replace(slip.old, slip.new, 1)})
    wanted = [each for each in found if slip.message in each.message]
    assert wanted, "\n".join(map(str, found))
    assert wanted[0].file == FOLLOW_UP
    assert wanted[0].line >= 1
    assert slip.suggestion in (wanted[0].suggestion or ""), str(wanted[0])


TERMS = """\
schoolTerms:
  - {from: 2026-09-02, to: 2026-10-23}
  - {from: 2026-11-02, to: 2026-12-18}
  - {from: 2027-01-05, to: 2027-02-12}
  - {from: 2027-02-22, to: 2027-03-25}
  - {from: 2027-04-12, to: 2027-05-28}
  - {from: 2027-06-07, to: 2027-07-21}
  - {from: 2027-09-02, to: 2027-10-22}
"""

ODDITIES = [
    Slip("overlap", "2026-11-02", "2026-10-20", "before the term above has ended", "do not overlap"),
    Slip("hole", "  - {from: 2027-02-22, to: 2027-03-25}\n  - {from: 2027-04-12, to: 2027-05-28}\n", "",
         "114 days without school", "add the term between"),
    Slip("short term", "to: 2027-02-12", "to: 2027-01-08", "a term of 4 days", "correct the dates"),
    Slip("bank holiday", "to: 2027-03-25", "to: 2027-03-26", "Friday 2027-03-26 is no working day", "pupils"),
    Slip("weekend", "from: 2027-06-07", "from: 2027-06-06", "Sunday 2027-06-06", "pupils"),
    Slip("end in sight", "  - {from: 2027-09-02, to: 2027-10-22}\n", "", "the last term known ends on 2027-07-21",
         "published since"),
]  # fmt: skip


def odd(root: Path, area: str, follow_up: str = SOUND, today: date = TODAY) -> list[Problem]:
    folder = write_areas(root, {**FILES, AREA: area, FOLLOW_UP: follow_up})
    found = load_area(folder, TODAY)
    return calendar_problems(found, today, english_bank_holidays(found.spec))


def with_terms(terms: str) -> str:
    return FILES[AREA].replace("schoolTerms:\n  - {from: 2026-09-02, to: 2026-10-23}\n", terms)


def test_sound_terms_have_nothing_odd(tmp_path: Path) -> None:
    """The oddities below change one thing each."""
    assert odd(tmp_path, with_terms(TERMS)) == []


@pytest.mark.parametrize("slip", ODDITIES, ids=lambda slip: slip.name)
def test_an_odd_term_is_located_and_explained(tmp_path: Path, slip: Slip) -> None:
    """Overlaps, holes, days that are no school days, and an end that is near."""
    assert slip.old in TERMS
    found = odd(tmp_path, with_terms(TERMS.replace(slip.old, slip.new, 1)), today=date(2026, 11, 1))
    wanted = [each for each in found if slip.message in each.message]
    assert wanted, "\n".join(map(str, found))
    assert (wanted[0].file, slip.suggestion in (wanted[0].suggestion or "")) == (AREA, True)
    assert wanted[0].line > 10  # within schoolTerms, not at the top of the file


def test_bank_holidays_that_are_left_out_are_named(tmp_path: Path) -> None:
    """An area that lists its own holidays and forgets some hears which."""
    area = with_terms(TERMS).replace("bankHolidays: england", "bankHolidays: [2026-12-25, 2026-12-28]")
    messages = [each.message for each in odd(tmp_path, area)]
    assert any("2026-01-01, 2026-04-03, 2026-04-06 and" in message for message in messages), messages


def test_inset_days_must_be_school_days_of_whom_they_are_for(tmp_path: Path) -> None:
    """An inset day in the holidays, at a weekend or given twice is a slip."""
    text = SOUND.replace("insetDays: [2026-10-23]", "insetDays: [2026-10-27, 2026-10-22, 2026-10-22]")
    messages = [each.message for each in odd(tmp_path, with_terms(TERMS), text)]
    assert messages == ["Tuesday 2026-10-27 is no day of a term", "2026-10-22 is given twice"]


def test_a_school_with_terms_of_its_own_is_checked_by_them(tmp_path: Path) -> None:
    """The independent school's overlapping terms are found in its own entry."""
    own = "terms: [{from: 2026-09-03, to: 2027-01-15}, {from: 2027-01-11, to: 2027-07-09}]"
    text = SOUND.replace("insetDays: [2026-10-23]", own)
    found = odd(tmp_path, with_terms(TERMS), text)
    assert [(each.file, each.key) for each in found] == [
        (FOLLOW_UP, "calendar.schools[0].terms[1]"),
        (FOLLOW_UP, "calendar.schools[0].terms"),
    ]
