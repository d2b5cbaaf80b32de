"""The rehearsal itself: audit records in, a tally out. Pure but for what it remembers."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.codec import decode_record
from streams.ledger.replay import facts_of
from streams.policy.compiled import DAY_MS
from streams.policy.contract import EventTypesLike
from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.facts import EpochMillis
from streams.policy.index import RuleSet
from streams.rehearsal.cells import Change, Example, Tally
from streams.rehearsal.changes import changes
from streams.rehearsal.past import DECIDING, PastReader, Pieces, Recorded, recorded

_REMEMBERED = 50_000  # of each kind of thing; then all is forgotten and worked out again


class Period(NamedTuple):
    """Decisions of this time only: milliseconds, UTC; `until` is not part of it, None is no limit."""

    since: int | None = None
    until: int | None = None

    def holds(self, at: int) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


ALWAYS = Period()


class Rehearsal:
    """Decides what is on the audit stream again under one rule set.

    Equal to deciding each record's facts anew and comparing field by field; records that are alike are worked out once.
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
        self._rules, self._event_types, self._at, self._period = rules, event_types, at, period
        self._reader = PastReader()
        self._remembered = remembered
        self._events: dict[Any, _Event] = {}
        self._recorded: dict[bytes, Recorded] = {}
        self._compared: dict[Any, _Compared] = {}

    def feed(self, value: bytes | None) -> None:
        """Take one record of the audit stream."""
        tally = self.tally
        tally.records += 1
        pieces = self._reader.pieces(value)
        if pieces is None or value is None:
            tally.undecided["UNREADABLE"] += 1
            return
        if not self._period.holds(pieces.decided_at):
            tally.outside += 1
            return
        if pieces.kind not in DECIDING or pieces.asked is None:
            tally.undecided[pieces.kind] += 1
            return
        tally.rule_sets[pieces.rule_set or ""] += 1
        self._make_room()
        found = self._compare(pieces, value)
        if found.stopped:
            tally.stopped += 1
        if found.changes:
            tally.changed += 1
            tally.add(found.changes, Example(pieces.decided_at, pieces.event_id or ""))

    def _compare(self, pieces: Pieces, value: bytes) -> _Compared:
        event, before = self._event(pieces, value), self._outcomes(pieces, value)
        after = event.decision
        # Equal outcomes are the same object, on either side, for as long as they are remembered.
        key = (event.event_type, pieces.kind, after.disposition, tuple(map(id, before)), tuple(map(id, after.outcomes)))
        compared = self._compared.get(key)
        if compared is None:
            found = changes(self._event_types, event.event_type, pieces.kind, before, after)
            compared = self._compared[key] = _Compared(found, any(each.stopped for each in before), before, after)
        return compared

    def _event(self, pieces: Pieces, value: bytes) -> _Event:
        day = None if self._at is not None else pieces.decided_at // DAY_MS
        event = self._events.get((pieces.asked, day))
        if event is None:
            audit = decode_record("audit", value)
            now = EpochMillis(audit["decidedAt"]) if self._at is None else self._at
            event = _Event(audit["eventType"], decide(facts_of(audit), self._rules, now))
            self._events[pieces.asked, day] = event
        return event

    def _outcomes(self, pieces: Pieces, value: bytes) -> tuple[Recorded, ...]:
        known = [self._recorded.get(piece) for piece in pieces.outcomes]
        if None in known:
            found = map(recorded, decode_record("audit", value)["outcomes"])
            known = [self._recorded.setdefault(*each) for each in zip(pieces.outcomes, found, strict=True)]
        return tuple(each for each in known if each is not None)

    def _make_room(self) -> None:
        if max(len(self._events), len(self._recorded), len(self._compared)) >= self._remembered:
            self._events.clear()
            self._recorded.clear()
            self._compared.clear()


class _Event(NamedTuple):
    event_type: str
    decision: Decision


class _Compared(NamedTuple):
    changes: tuple[Change, ...]
    stopped: bool
    before: tuple[Recorded, ...]  # this and the next are kept so that no other object can take their place in memory
    after: Decision
