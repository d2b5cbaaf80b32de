"""The difference of two rule sets is exact: every event that is decided otherwise is in it, and no other event is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest

from streams.policy.artefact import Artefact, compile_areas
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, EpochMillis, Facts
from streams.policy.follow_up import FollowUpFile
from streams.policy.index import RuleSet
from streams.policy.laws import AGENCY_LAWS, HIT_LAWS
from streams.proof.diff import compare
from streams.proof.diff_answers import LAW_READS
from streams.proof.diff_model import Allowed, Difference, Row
from streams.proof.diff_question import answered, changed
from tests.property.policy_worlds import areas, event, instant, rule
from tests.unit.policy.builders import EVENT_TYPES, TODAY, allow, area, artefact, deny, token

AT = date(2026, 9, 30)
EVENTS_A_PAIR = 300


def pair_of(rnd: Random) -> tuple[Artefact, Artefact]:
    """Two rule sets that have most in common: a few rules changed, added or gone, now and then the area as well."""
    given = [rule(rnd, f"rule-{n:02}") for n in range(rnd.randint(1, 6))]
    other = [each for each in given if rnd.random() < 0.8]
    other += [rule(rnd, f"new-{n}") for n in range(rnd.choice([0, 1, 2]))]
    seed = rnd.random()
    same = rnd.random() < 0.7
    one, two = (areas(Random(seed if same else rnd.random()), each) for each in (given, other))
    return compile_areas(one, EVENT_TYPES, TODAY), compile_areas(two, EVENT_TYPES, TODAY)


@pytest.mark.parametrize("seed", [1, 2, 5, 9, 11])
def test_the_difference_is_that_of_the_decisions(seed: int) -> None:
    """Random pairs of rule sets: each random event is decided otherwise exactly where the difference says so, how."""
    rnd = Random(seed)
    old, new = pair_of(rnd)
    difference = compare(old, new, EVENT_TYPES, AT)
    sides = [RuleSet.build(each, EVENT_TYPES, token) for each in (old, new)]
    reading = Reading(difference, sides)
    for _ in range(EVENTS_A_PAIR):
        facts, now = event(rnd), instant(rnd)
        if now // 86_400_000 >= AT.toordinal() - 719_163 and facts.event_type in EVENT_TYPES:
            reading.check(facts, now)


def rewritten(given: list[dict[str, Any]], rnd: Random) -> list[dict[str, Any]]:
    """The same rules in other words: split by event type and by the values of a condition, renamed, shuffled."""
    out: list[dict[str, Any]] = []
    for each in given:
        for kind in each["events"]:
            lists = [name for name, wanted in each["when"].items() if isinstance(wanted, list) and name != "concerns"]
            split = rnd.choice(lists) if lists and "UNKNOWN" not in each["when"][lists[0]] else None
            for value in each["when"][split] if split else [None]:
                when = {**each["when"], **({split: [value]} if split else {})}
                out.append({**each, "id": f"part-{len(out):03}", "events": [kind], "when": when, "reason": "anew"})
    rnd.shuffle(out)
    return out


@pytest.mark.parametrize("seed", range(4))
def test_the_same_rules_in_other_words_make_no_difference(seed: int) -> None:
    """Split, renamed, reordered: nothing is shared otherwise, so nothing is reported."""
    rnd = Random(seed)
    given = [rule(rnd, f"rule-{n:02}") for n in range(rnd.randint(1, 8))]
    old, new = (compile_areas(areas(Random(seed), each), EVENT_TYPES, TODAY) for each in (given, rewritten(given, rnd)))
    assert old.hash != new.hash
    assert compare(old, new, EVENT_TYPES, AT).empty


def test_a_rule_shadowed_by_a_deny_makes_no_difference() -> None:
    """What never comes to anything may go."""
    never = deny("never", "dsl", "area")
    vain = allow("vain", "dsl", "category:SCHOOL", when={"grade": ["HIGH"]})
    old, new = (artefact(area(given)) for given in ([never], [never, vain]))
    assert compare(old, new, EVENT_TYPES, AT).empty


def test_a_difference_of_a_later_day_is_told_with_its_days() -> None:
    """A rule that begins next month is in the difference, from then on."""
    later = allow("later", "front-door", "child.homeAuthority", validFrom=date(2026, 11, 1))
    difference = compare(artefact(area([])), artefact(area([later])), EVENT_TYPES, AT)
    days = {region.when["day"].names for row in difference.rows for c in row.changes for region in c.regions}
    assert {first for period in days for first, _, _ in (period[0].partition("/"),)} == {"2026-11-01"}


def test_rules_past_review_are_told_once_for_all_events() -> None:
    """A shorter review date pauses every event from then on."""
    short = area([], spec={"reviewBy": date(2027, 9, 30)})
    (paused,) = compare(artefact(area([])), artefact(short), EVENT_TYPES, AT).paused
    assert paused.what == "paused"
    assert paused.regions[0].when["day"].names[0] == "2027-10-01/2028-09-30"


def test_a_changed_school_holiday_is_a_difference() -> None:
    """Equal clocks end at different times then."""
    term = {"from": date(2026, 9, 2), "to": date(2026, 12, 18)}
    one, two = (area([], spec={"schoolTerms": [t]}) for t in (term, term | {"to": date(2026, 12, 17)}))
    assert compare(artefact(one), artefact(two), EVENT_TYPES, AT).calendars == ("north",)


def test_another_ladder_is_a_difference() -> None:
    """Who signs is told that other people hear when nobody acts, although everybody is told the same at first."""
    rest = {"id": "rest", "reason": "all", "steps": [{"level": "REMINDER", "to": {"of": "RECIPIENT"}}]}
    said = [FollowUpFile.model_validate({"ladders": [rest | {"digest": word}]}) for word in ("NEVER", "ALWAYS")]
    one, other = (artefact(replace(area([]), follow_up=each)) for each in said)
    assert compare(one, other, EVENT_TYPES, AT).follow_up == ("north",)
    assert not compare(one, other, EVENT_TYPES, AT).empty


def test_every_law_says_what_it_reads() -> None:
    """A law that is added must be added to the encoding."""
    assert set(LAW_READS) == {*AGENCY_LAWS, *HIT_LAWS}


class Reading:
    """Reads a difference as a person would: from the names in its conditions alone."""

    def __init__(self, difference: Difference, sides: list[RuleSet]) -> None:
        self.difference, self.sides = difference, sides
        self.rows: dict[tuple[str, str], list[Row]] = {}
        for row in difference.rows:
            for recipient in row.recipients:
                self.rows.setdefault((row.event_type, recipient), []).append(row)

    def check(self, facts: Facts, now: EpochMillis) -> None:
        decisions = [decide(facts, side, now) for side in self.sides]
        told = {outcome.agency for decision in decisions for outcome in decision.outcomes}
        told |= {AgencyId(recipient) for kind, recipient in self.rows if kind == facts.event_type}
        for recipient in told:
            old, new = (answered(decision, recipient) for decision in decisions)
            expected = self.expected(facts, now, recipient)
            if expected is not None:
                assert changed(old, new) == expected, (facts, recipient)
            elif old != new:
                assert (facts.event_type, recipient) in self.rows

    def expected(self, facts: Facts, now: EpochMillis, recipient: AgencyId) -> frozenset[Any] | None:
        """What the rows say; None when several are excluded for whom the recipient stands in, which rows join."""
        rows = self.rows.get((facts.event_type, recipient), [])
        out = {each.agency for each in facts.exclusions} & self.replaced_by(recipient)
        if len(out) > 1:
            return None
        for row in rows:
            if out & set(row.standing_in_for):
                said = self.said(row, facts, now, recipient, next(iter(out)))
                if said:
                    return said - {("same", "", "")}
        base = [row for row in rows if not row.standing_in_for]
        return self.said(base[0], facts, now, recipient, None) if base else frozenset()

    def replaced_by(self, recipient: AgencyId) -> set[AgencyId]:
        found: set[AgencyId] = set()
        for side in self.sides:
            for agency in side.agencies.values():
                seen, known = {agency.id}, agency
                while known.alternate and known.alternate not in seen and known.alternate in side.agencies:
                    seen.add(known.alternate)
                    known = side.agencies[known.alternate]
                if recipient in seen - {agency.id}:
                    found.add(agency.id)
        return found

    def said(self, row: Row, facts: Facts, now: EpochMillis, recipient: str, replaced: str | None) -> frozenset[Any]:
        found: set[Any] = set()
        for change in row.changes:
            if any(self.inside(region.when, facts, now, row, recipient, replaced) for region in change.regions):
                moved = {(change.what, field, "") for field in change.fields}
                found |= moved or {(change.what, change.before, change.after)}
        return frozenset(found)

    def inside(self, when: Any, facts: Facts, now: EpochMillis, row: Row, recipient: str, replaced: str | None) -> bool:
        def called(agency: str | None) -> str:
            if agency == recipient:
                return "itself"
            if agency in row.recipients:
                return "peer"
            if agency is not None and agency == replaced:
                return "replaced"
            if agency in row.standing_in_for:
                return "alike"
            known = any(agency in side.agencies for side in self.sides)
            mentioned = {"north-police", "north-csc", "oak-school"}
            return agency if agency is not None and (known or agency in mentioned) else "another"

        real = {"itself": recipient, "replaced": replaced}
        return all(self.holds(name, allowed, facts, now, called, real) for name, allowed in when.items())

    def holds(
        self, name: str, allowed: Allowed, facts: Facts, now: EpochMillis, called: Any, real: dict[str, str | None]
    ) -> bool:
        words = set(self.words(name, allowed, facts, now, called, real))
        return words.isdisjoint(allowed.names) if allowed.but else not words.isdisjoint(allowed.names)

    def words(
        self, name: str, allowed: Allowed, facts: Facts, now: EpochMillis, called: Any, real: dict[str, str | None]
    ) -> Iterator[str]:
        """What the event says in one dimension, in the words of conditions."""
        kind, _, about = name.partition(":")
        if name == "day":
            day = date.fromordinal(now // 86_400_000 + 719_163).isoformat()
            yield from (p for p in allowed.names if p[:10] <= day and (p.endswith("..") or day <= p[11:]))
        elif name == "ageYears":
            yield from (span for span in allowed.names if aged(span, facts))
        elif name in PLAIN_WORDS:
            value = getattr(facts, PLAIN_WORDS[name])
            yield {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        elif name == "areaGss":
            known = {gss for side in self.sides for gss in side.area_of_gss} | {"E10000099", "E06000098", "E06000099"}
            yield "none" if facts.area_gss is None else facts.area_gss if facts.area_gss in known else "another"
        elif name in ("placingAuthority", "hostAuthority"):
            code = facts.placing_la if name == "placingAuthority" else facts.host_la
            known = {token("GSS", gss) for side in self.sides for gss in side.area_of_gss if gss}
            yield "none" if code is None else code.partition(":")[2] if code in known else "another"
        elif name == "masaId":
            yield facts.masa_id if any(facts.masa_id in side.areas for side in self.sides) else "another"
        elif name == "source":
            yield called(facts.source)
        elif name in SETTINGS:
            yield from self.settings(getattr(facts, SETTINGS[name]), name, called)
        elif kind == "concern":
            yield "yes" if about in facts.concerns else "no"
        else:
            yield "yes" if stated(kind, about, facts, real) else "no"

    def settings(self, code: Any, name: str, called: Any) -> Iterator[str]:
        if code is None:
            yield "none"
            return
        found: set[AgencyId] = set()
        for side in self.sides:
            tokens = side.tokens
            if name == "accusedSetting":
                found |= tokens.accused.get(code, frozenset())
            else:
                table = {"school": tokens.school, "allocatedTeam": tokens.agency}.get(name, tokens.health)
                found |= {table[code]} if code in table else set()
        words = {called(each) for each in found}
        if name == "accusedSetting":
            words &= {"itself", "replaced"}
        yield from words or {"another"}


PLAIN_WORDS = {
    "gateway": "gateway", "regime": "regime", "purpose": "purpose", "protection": "protection", "urgency": "urgency",
    "grade": "grade", "marking": "marking", "match": "match", "sourceCategory": "source_category",
    "restricted": "restricted", "sensitiveService": "sensitive_service",
    "doNotDiscloseToSubject": "do_not_disclose_to_subject",
}  # fmt: skip
SETTINGS = {"school": "school", "gp": "gp", "communityHealth": "community_health", "allocatedTeam": "allocated_team",
            "accusedSetting": "accused_setting"}  # fmt: skip


def aged(span: str, facts: Facts) -> bool:
    if facts.unborn or facts.age_years is None:
        return span == ("unborn" if facts.unborn else "unknown")
    low, _, high = span.partition(" to ")
    if span in ("unborn", "unknown"):
        return False
    if span.endswith(" or older"):
        return facts.age_years >= int(span.split()[0])
    return int(low) <= facts.age_years <= int(high or low)


def stated(kind: str, about: str, facts: Facts, real: dict[str, str | None]) -> bool:
    """Whether the publisher said it of the agency, as a whole or in the role."""
    name, _, role = about.partition("/")
    agency = real.get(name, name)
    if kind == "withheldRole":
        return any(j.judgement != "CONFIRMED" and j.agency is None and j.role == about for j in facts.judgements)
    if kind == "withheld":
        return any(
            j.judgement != "CONFIRMED" and (j.agency == agency or (j.agency is None and j.role is None))
            for j in facts.judgements
        )
    if kind == "confirmedRole":
        return any(j.judgement == "CONFIRMED" and j.agency is None and j.role == about for j in facts.judgements)
    if kind == "confirmedByName":
        return any(
            j.judgement == "CONFIRMED" and j.agency == agency and j.role in (None, role) for j in facts.judgements
        )
    if kind == "confirmed":
        return any(
            j.judgement == "CONFIRMED"
            and ((j.agency == agency and j.role in (None, role)) or (j.agency is None and j.role == role))
            for j in facts.judgements
        )
    return any(e.agency == agency and (role == "*" or e.role in (None, role)) for e in facts.exclusions)
