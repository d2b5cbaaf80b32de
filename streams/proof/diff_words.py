"""A difference in words: what a policy lead reads.

Conditions that every ordinary event meets are left out of the words (`ORDINARY` says which), and cases that need a
publisher to withhold, confirm or exclude are counted instead; `diff_json` has everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from schemas.vocabulary import FieldClass
from streams.policy.artefact import Document
from streams.policy.contract import EventTypesLike
from streams.policy.explain_words import CLOCK_WORDS, all_of, one_of, selector_words
from streams.policy.recipients import LOW_MATCH, UNRESOLVED
from streams.proof.diff_model import ALIKE, ITSELF, PEER, REPLACED, Allowed, Change, Difference, Region, Row
from streams.proof.diff_question import STATEMENTS

ORDINARY = (
    "Conditions name what is special. Beside them an event is ordinary: the publisher withholds from nobody, confirms "
    "nobody and excludes nobody, is not the recipient, and states what the rules ask for; the child is not placed; no "
    "sensitive service; not restricted."
)
FIELDS_SHOWN = 4  # of each class, unless everything is asked for
CASES_SHOWN = 3  # of each line, likewise
AGENCIES_SHOWN = 4  # in each condition, likewise
_OUTCOMES = {
    ("NOT_TOLD", "DELIVERED"): "newly told",
    ("NOT_TOLD", "HELD"): "newly a candidate, but waits for a person",
    ("DELIVERED", "NOT_TOLD"): "no longer told",
    ("HELD", "NOT_TOLD"): "no longer waits for a person: not told",
    ("DELIVERED", "HELD"): "waits for a person instead of being told",
    ("HELD", "DELIVERED"): "told instead of waiting for a person",
}
_NAMES = {
    "gateway": "gateway", "regime": "data-protection regime", "purpose": "purpose", "protection": "address protection",
    "urgency": "urgency", "grade": "grade", "marking": "marking", "match": "match status",
    "sourceCategory": "a publisher of category", "source": "the publisher is", "school": "the child's school is",
    "gp": "the child's GP practice is", "communityHealth": "the child's 0-19 service is",
    "allocatedTeam": "the child's case is with", "areaGss": "the child lives in", "placingAuthority": "placed by",
    "hostAuthority": "hosted by", "masaId": "the publisher's area is", "accusedSetting": "the accused setting is",
}  # fmt: skip
_AGENCY_WORDS = {
    ITSELF: "the recipient", PEER: "another of these recipients", REPLACED: "the excluded agency",
    ALIKE: "another of those it stands in for", "another": "anybody else", "none": "not stated",
}  # fmt: skip
_UNSTATED = {
    "areaGss": "the event does not say where the child lives",
    "school": "no school stated",
    "gp": "no GP practice stated",
    "communityHealth": "no 0-19 service stated",
    "allocatedTeam": "no open case known",
    "placingAuthority": "the child is not placed",
    "hostAuthority": "the child is not hosted",
    "accusedSetting": "no accused setting",
}
_FLAGS = {
    "restricted": "restricted", "sensitiveService": "of a sensitive service",
    "doNotDiscloseToSubject": "not to be disclosed to its subject",
}  # fmt: skip


class Line(NamedTuple):
    """One line of the table: all that changes for one group of recipients under the same conditions."""

    event_type: str
    who: tuple[str, ...]
    roles: tuple[str, ...]  # through which, and how they were found
    what: tuple[str, ...]
    when: tuple[str, ...]  # any of these
    rules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What turns a difference into words: both documents, for the rules' recipients, and the fields' classes."""

    old: Document
    new: Document
    event_types: EventTypesLike
    at: date
    verbose: bool = False

    def lines(self, difference: Difference) -> tuple[list[Line], int]:
        """The lines, by event type and recipient, and how many changes have special cases that they leave out."""
        lines: list[Line] = []
        for row in difference.rows:
            for changes in _together(row.changes):
                if changes[0].regions:
                    lines.append(self._line(row, changes, changes[0].regions))
        return _joined(lines), sum(change.more for row in difference.rows for change in row.changes)

    def _line(self, row: Row, changes: Sequence[Change], regions: Sequence[Region]) -> Line:
        what = [text for change in changes for text in self._what(row.event_type, change)]
        when = tuple(dict.fromkeys(self.when(region) for region in regions))
        if len(when) > CASES_SHOWN and not self.verbose:
            when = (*when[: CASES_SHOWN - 1], f"in {len(when) - CASES_SHOWN + 1} more cases")
        old = sorted({rule for region in regions for rule in region.old})
        new = sorted({rule for region in regions for rule in region.new})
        gone, came = [rule for rule in old if rule not in new], [rule for rule in new if rule not in old]
        rules = (*(f"- {rule}" for rule in gone), *(f"+ {rule}" for rule in came))
        return Line(row.event_type, row.recipients, self._roles(row, regions), tuple(what), when, rules)

    def _roles(self, row: Row, regions: Sequence[Region]) -> tuple[str, ...]:
        """Roles and how they were found, by the rules that spoke."""
        spoke = {rule for region in regions for rule in (*region.old, *region.new)}
        to = {
            (entry["to"]["role"], entry["to"]["of"])
            for document in (self.old, self.new)
            for entry in document["rules"]
            if entry["id"] in spoke and entry["effect"] == "allow"
        }
        place = [f"in the place of {', '.join(row.standing_in_for)}"] if row.standing_in_for else []
        return (*(f"{role} ({selector_words(of)})" for role, of in sorted(to)), *place)

    def recipients(self, line: Line) -> str:
        """Who, with names if they are few."""
        if line.who[0].startswith(UNRESOLVED):
            return "somebody who cannot be found"
        few = len(line.who) <= AGENCIES_SHOWN or self.verbose
        return ", ".join(line.who) if few else f"{len(line.who)} agencies: {', '.join(line.who[:2])} …"

    def _what(self, event_type: str, change: Change) -> Iterator[str]:
        if change.what == "outcome":
            yield _OUTCOMES[change.before, change.after]
        elif change.what == "clock":
            yield f"acknowledges {_clock(change.after)}, not {_clock(change.before)}"
        elif change.what == "roles":
            yield f"addressed as {change.after}, not {change.before}"
        elif change.what == "basis":
            yield f"lawful basis becomes: {change.after}" + (f"\n(was: {change.before})" if self.verbose else "")
        elif change.what == "same":
            yield "no change after all"
        else:
            yield from self._fields("+" if change.what == "gained" else "-", event_type, change.fields)

    def _fields(self, sign: str, event_type: str, fields: Iterable[str]) -> Iterator[str]:
        """Fields by class, with their names; metadata that everybody gets is not counted."""
        kind = self.event_types.get(event_type)
        classes = {} if kind is None else {leaf.path: leaf.classes for leaf in kind.leaves}
        by_class: dict[str, list[str]] = {}
        for field in fields:
            of = sorted(classes.get(field, frozenset()) - {FieldClass.ROUTING})
            if of or field == "envelope.area.gss":
                by_class.setdefault(" and ".join(of) or "home authority", []).append(field.removeprefix("envelope."))
        for name, names in sorted(by_class.items()):
            shown = names if self.verbose or len(names) <= FIELDS_SHOWN else names[: FIELDS_SHOWN - 1]
            more = "" if len(shown) == len(names) else f" and {len(names) - len(shown)} more"
            yield f"{sign} {name}: {', '.join(shown)}{more}"

    def when(self, region: Region) -> str:
        said = [text for name, allowed in region.when.items() if (text := self.condition(name, allowed))]
        return "; ".join(said) or "always"

    def condition(self, name: str, allowed: Allowed) -> str | None:
        """One condition in words; None if every ordinary event meets it."""
        kind, _, about = name.partition(":")
        if kind == "day":
            return self._days(allowed.names)
        if kind in STATEMENTS:
            return self._statement(kind, about, allowed.names[0] == "yes")
        if kind in _FLAGS:
            yes = allowed.names == ("yes",)
            quiet = not yes and kind != "doNotDiscloseToSubject" and not self.verbose
            return None if quiet else f"{'' if yes else 'not '}{_FLAGS[kind]}"
        if kind == "concern":
            return f"{'a' if allowed.names == ('yes',) else 'no'} concern of {about}"
        if kind == "ageYears":
            return f"child {'not ' if allowed.but else ''}{one_of(_ages(allowed.names))}"
        return self._listed(kind, allowed)

    def _listed(self, kind: str, allowed: Allowed) -> str | None:
        if not self.verbose and _is_ordinary(kind, allowed):
            return None
        if kind == "match" and not self.verbose and _is_certain(allowed):
            return "no doubt whose record it is"
        if allowed.names == ("none",):
            return f"not: {_UNSTATED[kind]}" if allowed.but else _UNSTATED[kind]
        names = [_AGENCY_WORDS.get(name, name) for name in self._condensed(allowed.names)]
        return f"{_NAMES[kind]} {'anything but ' if allowed.but else ''}{one_of(names)}"

    def _condensed(self, names: tuple[str, ...]) -> list[str]:
        """All agencies of an area as one, and no more than a few."""
        left = dict.fromkeys(names)
        for document in (self.old, self.new):
            for area in document["areas"] if not self.verbose else ():
                those = {each["id"] for each in document["agencies"] if each["area"] == area}
                if len(those) > 1 and those <= left.keys():
                    left = {name: None for name in left if name not in those} | {f"any agency of {area}": None}
        if self.verbose or len(left) <= AGENCIES_SHOWN:
            return list(left)
        return [*list(left)[: AGENCIES_SHOWN - 1], f"{len(left) - AGENCIES_SHOWN + 1} more"]

    def _days(self, periods: Sequence[str]) -> str | None:
        spans = [tuple(period.split("/")) for period in periods]
        said = []
        for first, last in spans:
            begins = "" if first == self.at.isoformat() else f"from {first}"
            said.append(" ".join(filter(None, [begins, "" if last == ".." else f"until {last}"])))
        return one_of(said) if any(said) else None

    def _statement(self, kind: str, about: str, yes: bool) -> str | None:
        if not yes and not self.verbose:
            return None
        agency, _, role = about.partition("/")
        who = _AGENCY_WORDS.get(agency, agency)
        does = "" if yes else "does not "
        s = "s" if yes else ""
        in_role = "" if role in ("", "*") else f" as {role}"
        if kind == "excluded":
            return f"the publisher {does}exclude{s} {who}{in_role}"
        verb = "withhold" if kind.startswith("withheld") else "confirm"
        return f"the publisher {does}{verb}{s}{' from' if verb == 'withhold' else ''} {who}{in_role}"


def _joined(lines: Iterable[Line]) -> list[Line]:
    """Lines that differ in the recipients only, as one."""
    groups: dict[tuple[Any, ...], list[Line]] = {}
    for line in lines:
        key = (line._replace(who=()), line.who[0].startswith(UNRESOLVED))
        groups.setdefault(key, []).append(line)
    return [same[0]._replace(who=tuple(sorted(a for line in same for a in line.who))) for same in groups.values()]


def _together(changes: Sequence[Change]) -> list[list[Change]]:
    """Changes that happen under the same conditions, as one."""
    groups: dict[Any, list[Change]] = {}
    for change in changes:
        key = tuple(tuple(sorted(region.when.items())) for region in change.regions)
        groups.setdefault(key, []).append(change)
    return list(groups.values())


def _is_ordinary(kind: str, allowed: Allowed) -> bool:
    """Whether every ordinary event meets the condition."""
    if kind == "masaId":  # matters for publishers that take no part only
        return True
    if kind in ("placingAuthority", "hostAuthority"):
        return ("none" in allowed.names) != allowed.but
    return allowed.but and set(allowed.names) <= {"UNKNOWN", ITSELF, REPLACED}


def _is_certain(allowed: Allowed) -> bool:
    doubtful = {each.value for each in LOW_MATCH}
    return (
        set(allowed.names) == doubtful
        if allowed.but
        else doubtful.isdisjoint(allowed.names) and len(allowed.names) >= len(doubtful)
    )


def _ages(names: Sequence[str]) -> list[str]:
    """Spans that follow one another as one: `4` and `5 to 18` are `4 to 18`."""
    out: list[str] = []
    for name in names:
        low, _, high = name.partition(" to ")
        before = out[-1].rpartition(" ")[2] if out and out[-1][-1:].isdigit() else ""
        if before and name[0].isdigit() and int(low.split()[0]) == int(before) + 1:
            first = out.pop().partition(" ")[0]
            out.append(f"{first} or older" if name.endswith("older") else f"{first} to {high or low}")
        else:
            out.append({"unborn": "not yet born", "unknown": "of unknown age"}.get(name, name))
    return [f"aged {each}" if each[0].isdigit() else each for each in out]


def _clock(name: str) -> str:
    return CLOCK_WORDS.get(name, "at any time")


def paused_words(change: Change, words: Words) -> str:
    """A sentence about whole events that one side only lets wait."""
    whose = "the new rules are" if change.what == "paused" else "the old rules were"
    places = all_of([words.when(region) for region in change.regions])
    return f"every event waits for a person, because {whose} past their review date: {places}"
