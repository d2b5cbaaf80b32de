"""The rehearsal itself: audit records in, a tally out. Pure but for what it remembers."""

from __future__ import annotations

from typing import NamedTuple

from schemas.codec import decode_record
from streams.policy.contract import EventTypesLike
from streams.policy.decide import decide
from streams.policy.facts import EpochMillis
from streams.policy.index import RuleSet
from streams.rehearsal.cells import Example, Tally
from streams.rehearsal.changes import Comparer
from streams.rehearsal.past import DECIDING, PastReader, Recorded, recorded

_REMEMBERED = 100_000  # outcomes, and pairs of them; then all are forgotten and worked out again


class Period(NamedTuple):
    """Decisions of this time only: milliseconds, UTC; `until` is not part of it, None is no limit."""

    since: int | None = None
    until: int | None = None

    def holds(self, at: int) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


ALWAYS = Period()


class Rehearsal:
    """Decides what is on the audit stream again under one rule set.

    Equal to deciding each record's facts anew and comparing field by field; what is alike is worked out once.
    """

    def __init__(
        self,
        rules: RuleSet,
        event_types: EventTypesLike,
        *,
        at: EpochMillis | None,
        period: Period = ALWAYS,
        remembered: int = _REMEMBERED,
    ) -> None:
        """`at` is the instant to decide as of; None: each event as of when it was decided."""
        self.tally = Tally()
        self._rules, self._at, self._period = rules, at, period
        self._reader = PastReader()
        self._comparer = Comparer(event_types, remembered)
        self._remembered = remembered
        self._recorded: dict[bytes, Recorded] = {}

    def feed(self, value: bytes | None) -> None:
        """Take one record of the audit stream."""
        tally = self.tally
        tally.records += 1
        past = self._reader.read(value)
        if past is None or value is None:
            tally.undecided["UNREADABLE"] += 1
            return
        if not self._period.holds(past.decided_at):
            tally.outside += 1
            return
        if past.kind not in DECIDING or past.inputs is None or past.event_type is None:
            tally.undecided[past.kind] += 1
            return
        tally.rule_sets[past.rule_set or ""] += 1
        before = self._outcomes(past.outcomes, value)
        now = EpochMillis(past.decided_at) if self._at is None else self._at
        after = decide(self._reader.facts(past.inputs), self._rules, now)
        if any(each.stopped for each in before):
            tally.stopped += 1
        changes = self._comparer.changes(past.event_type, past.kind, before, after)
        if changes:
            tally.changed += 1
            tally.add(changes, Example(past.decided_at, past.event_id or ""))

    def _outcomes(self, pieces: tuple[bytes, ...], value: bytes) -> list[Recorded]:
        """Equal outcomes are the same object for as long as they are remembered."""
        try:
            return [self._recorded[piece] for piece in pieces]
        except KeyError:
            pass
        if len(self._recorded) >= self._remembered:
            self._recorded.clear()
        found = map(recorded, decode_record("audit", value)["outcomes"])
        return [self._recorded.setdefault(*each) for each in zip(pieces, found, strict=True)]
