"""The closed set of conditions: how a rule's `when` is split into an index key and what remains.

Every condition answers YES, NO or UNSURE. UNSURE means that the event does not say: its field is `UNKNOWN` or empty.
An allow rule that is UNSURE waits for a person; a deny rule that is UNSURE applies (withhold by default).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from streams.policy.compiled import NO, UNSURE, YES, Condition
from streams.policy.facts import Facts

UNKNOWN = "UNKNOWN"
UNBORN_AGE = -1  # an unborn child is younger than any age a rule can name
MAX_ENTRIES = 48  # index entries one rule may take; what exceeds it stays a condition

_LISTS = {  # name in the file -> field of Facts, most selective first
    "source": "source",
    "areaGss": "area_gss",
    "sourceCategory": "source_category",
    "grade": "grade",
    "urgency": "urgency",
    "match": "match",
    "protection": "protection",
    "purpose": "purpose",
    "marking": "marking",
}
_FLAGS = {
    "restricted": "restricted",
    "sensitiveService": "sensitive_service",
    "doNotDiscloseToSubject": "do_not_disclose_to_subject",
    "unborn": "unborn",
}
_PRESENT = {"hasSchool": "school", "hasGp": "gp", "hasCommunityHealth": "community_health"}

_AT = {name: place for place, name in enumerate(Facts._fields)}


class Split(NamedTuple):
    """`dims` are places in Facts; `entries` their values with whether each is certain; `rest` remains to ask."""

    dims: tuple[int, ...]
    entries: tuple[tuple[tuple[Any, ...], bool], ...]
    rest: tuple[Condition, ...]


def split(when: Mapping[str, Any], gateways: Sequence[str] | None, *, deny: bool) -> Split:
    """Take as many equality conditions into the index key as MAX_ENTRIES allows, the rest as conditions."""
    options: list[tuple[int, tuple[tuple[Any, bool], ...]]] = []
    rest: list[Condition] = []
    size = 1
    for place, values in _equalities(when, gateways, deny=deny):
        if size * len(values) <= MAX_ENTRIES:
            size *= len(values)
            options.append((place, values))
        else:
            rest.append(_listed(place, values))
    rest.extend(_others(when))
    options.sort()
    keys = product(*([value for value, _ in values] for _, values in options))
    certain = product(*([sure for _, sure in values] for _, values in options))  # in the same order
    entries = tuple((key, False not in sure) for key, sure in zip(keys, certain, strict=True))
    return Split(tuple(place for place, _ in options), entries, tuple(rest))


def _equalities(
    when: Mapping[str, Any], gateways: Sequence[str] | None, *, deny: bool
) -> list[tuple[int, tuple[tuple[Any, bool], ...]]]:
    found: list[tuple[int, tuple[tuple[Any, bool], ...]]] = []
    for name, field in _LISTS.items():
        if name in when:
            found.append((_AT[field], _with_unknown(when[name], None if name == "areaGss" else UNKNOWN)))
    if gateways is not None:
        # a gateway nobody stated is never one that an allow rule holds for
        sure = tuple((value, True) for value in gateways)
        found.append((_AT["gateway"], _with_unknown(gateways, UNKNOWN) if deny else sure))
    for name, field in _FLAGS.items():
        if name in when:
            found.append((_AT[field], ((when[name], True),)))
    return found


def _with_unknown(values: Sequence[str], unknown: str | None) -> tuple[tuple[Any, bool], ...]:
    sure = tuple((value, True) for value in values)
    return sure if unknown in values else (*sure, (unknown, False))


def _listed(place: int, values: tuple[tuple[Any, bool], ...]) -> Condition:
    answers = {value: YES if sure else UNSURE for value, sure in values}

    def listed(facts: Facts) -> int:
        return answers.get(facts[place], NO)

    return listed


def _others(when: Mapping[str, Any]) -> list[Condition]:
    out: list[Condition] = []
    for name, field in _PRESENT.items():
        if name in when:
            out.append(_present(_AT[field], when[name]))
    if "ageYears" in when:
        out.append(_aged(*when["ageYears"]))
    if "concerns" in when:
        out.append(_concerned(frozenset(when["concerns"])))
    return out


def _present(place: int, wanted: bool) -> Condition:
    def present(facts: Facts) -> int:
        return YES if (facts[place] is not None) is wanted else NO

    return present


def _aged(at_least: int | None, at_most: int | None) -> Condition:
    low = -10 if at_least is None else at_least
    high = 1000 if at_most is None else at_most

    def aged(facts: Facts) -> int:
        age = UNBORN_AGE if facts.unborn else facts.age_years
        if age is None:
            return UNSURE
        return YES if low <= age <= high else NO

    return aged


def _concerned(wanted: frozenset[str]) -> Condition:
    def concerned(facts: Facts) -> int:
        if not wanted.isdisjoint(facts.concerns):
            return YES
        return UNSURE if UNKNOWN in facts.concerns else NO

    return concerned
