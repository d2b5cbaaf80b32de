"""What a difference is made of: rows of recipients, changes, and the conditions under which they happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from streams.policy.facts import AgencyId, RuleId

# What agencies are called in conditions: each recipient of a row and the others, each agency replaced and the others.
ITSELF, PEER, REPLACED, ALIKE = "itself", "peer", "replaced", "alike"


class ProofBroken(AssertionError):  # noqa: N818 (a fault of this software, not of the rules)
    """A difference that was found does not show when the event is decided. Please report it; trust neither side."""


class Allowed(NamedTuple):
    """What one dimension may say: any of `names`, or, if `but`, anything else than they."""

    names: tuple[str, ...]
    but: bool = False


class Region(NamedTuple):
    """One box of conditions on an event, all of which hold. A dimension not named may be anything.

    `old` and `new` are the rules that spoke for or against the recipient in one event of the box.
    """

    when: Mapping[str, Allowed]
    old: tuple[RuleId, ...]
    new: tuple[RuleId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes different, and in exactly which events: those in any of `regions`.

    `what` is outcome (before -> after: DELIVERED, HELD or NOT_TOLD), gained or lost (`fields`), clock, roles or basis
    (before -> after); of whole events paused or resumed; while standing in, same: nothing changes there after all.
    """

    what: str
    before: str = ""
    after: str = ""
    fields: tuple[str, ...] = ()
    regions: tuple[Region, ...]
    more: bool = False  # it also happens in special cases, which are not among the regions


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All changes for recipients who are told alike. In conditions each of them is `itself`, the others are `peer`.

    A row with `standing_in_for` says what is different from the row without, while one of these agencies (`replaced`;
    the others are `alike`) is excluded for a conflict of interest and a recipient stands in for it.
    """

    event_type: str
    recipients: tuple[AgencyId, ...]
    standing_in_for: tuple[AgencyId, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Empty exactly when the two rule sets answer every possible event alike from the day `at` on.

    `paused` are periods and places in which one side only lets whole events wait, its rules past their review date.
    `calendars` are areas whose working or school days differ, so that equal clocks end at different times.
    `follow_up` are areas that say otherwise what happens after a delivery: ladders, hours, digests, rhythms, patterns.
    """

    old: str
    new: str
    at: date
    rows: tuple[Row, ...]
    paused: tuple[Change, ...]
    calendars: tuple[str, ...]
    follow_up: tuple[str, ...] = ()
    complete: bool = True  # False: special cases are only known to exist, in which a publisher speaks of recipients

    @property
    def empty(self) -> bool:
        return not (self.rows or self.paused or self.calendars or self.follow_up)
