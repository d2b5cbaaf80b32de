"""The relationship register in a router's memory (requirements R-04, R-05, I-06).

`masa.relationships` is compacted. A record's key is 16 bytes, the keyed pseudonym of one child and one kind of
relationship; its value is JSON `{"kind", "token", "until", "event"}`: the organisation's locator token, when it expires
(epoch milliseconds) and the event that declared it; no value ends it. Nothing of it can be turned back without the
exchange's key, and there is no way to list or search: the only question is who is involved with one known child.

Every slot holds all of it: one integer beside the key for each relationship, about 200 bytes. What a slot writes
counts for the events that follow in the same slot at once, and is taken back if its transaction fails; what other slots
write arrives through the topic. The topic's order is the truth that all slots converge to.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.relationships import RelationshipKind
from streams.policy.facts import EpochMillis, LocatorToken

KEY_BYTES = 16
# (kind, where its key begins and ends) in what `Pseudonymiser.relationships` gives for a child
PLACES = tuple((kind, n * KEY_BYTES, (n + 1) * KEY_BYTES) for n, kind in enumerate(RelationshipKind))
LIMIT = 20_000_000  # relationships held, 4 GB; more are not taken in, so that a flood cannot end the router
_UNTIL_BITS = 32  # seconds since 1970, until 2106
_UNTIL_MASK = (1 << _UNTIL_BITS) - 1
# The beginning of every value that a router writes; what a later version may add comes after it. A pattern, because
# reading a million values as JSON would take half of the time that a slot has for its start.
_VALUE = re.compile(rb'\{"kind":"[a-zA-Z]{2,20}","token":"([0-9a-f]{32})","until":([0-9]{1,16})[,}]')

Place = int | None  # token's number and until in one integer; None: ended


class Relationship(NamedTuple):
    """One relationship, as a record says it. The child is only in the key."""

    kind: RelationshipKind
    token: LocatorToken
    until: EpochMillis
    event_id: str

    def value(self) -> bytes:
        """The record's value."""
        said = {"kind": self.kind.value, "token": self.token, "until": self.until, "event": self.event_id}
        return json.dumps(said, separators=(",", ":")).encode()


class Register:
    """Who is involved with whom. Unreadable records are counted, change nothing and never raise."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._held: dict[bytes, int] = {}
        self._numbers: dict[str, int] = {}
        self._tokens: list[LocatorToken] = []
        self._layers: deque[dict[bytes, Place]] = deque()
        self.refused = 0  # records that could not be read or had no room

    def __len__(self) -> int:
        return len(self._held)

    def take(self, records: Iterable[tuple[bytes | None, bytes | None]], now: EpochMillis) -> None:
        """Take in (key, value) of records in the topic's order. What has expired by `now` is not kept."""
        seconds = now // 1000
        for key, value in records:
            if key is None or len(key) != KEY_BYTES:
                self.refused += 1
            elif value is None:
                self._held.pop(key, None)
            else:
                self._take(key, value, seconds)

    def known(self, key: bytes, now: EpochMillis) -> tuple[LocatorToken, EpochMillis] | None:
        """(who is involved, until when); None if nobody is, or not any more."""
        place = self._place(key)
        if place is None or (place & _UNTIL_MASK) * 1000 <= now:
            return None
        return self._tokens[place >> _UNTIL_BITS], EpochMillis((place & _UNTIL_MASK) * 1000)

    def is_empty(self) -> bool:
        """Whether nothing at all is known, so that nobody need be asked about."""
        return not (self._held or any(self._layers))

    def all_of(self, keys: bytes, now: EpochMillis) -> dict[RelationshipKind, LocatorToken]:
        """Who is involved with one child, by kind; `keys` are its keys one after the other, a kind's at its place."""
        layered = any(self._layers)
        found: dict[RelationshipKind, LocatorToken] = {}
        for kind, start, end in PLACES:
            key = keys[start:end]
            place = self._place(key) if layered else self._held.get(key)
            if place is not None and (place & _UNTIL_MASK) * 1000 > now:
                found[kind] = self._tokens[place >> _UNTIL_BITS]
        return found

    def sweep(self, now: EpochMillis) -> int:
        """Forget what has expired; how many did. A second for five million, so once a day."""
        seconds = now // 1000
        gone = [key for key, place in self._held.items() if place & _UNTIL_MASK <= seconds]
        for key in gone:
            del self._held[key]
        return len(gone)

    # what this slot's own batches say, until they are committed

    def open_layer(self) -> None:
        """Another batch is being planned, on top of those that are not committed yet."""
        self._layers.append({})

    def stage(self, key: bytes, relationship: Relationship | None) -> None:
        """Part of the newest batch: counts at once, and for good if that batch commits. None ends it."""
        self._layers[-1][key] = None if relationship is None else self._packed(relationship.token, relationship.until)

    def keep(self) -> None:
        """The oldest batch committed."""
        for key, place in self._layers.popleft().items():
            if place is None:
                self._held.pop(key, None)
            else:
                self._hold(key, place)

    def drop(self) -> None:
        """No batch under way was committed."""
        self._layers.clear()

    def lookups(self) -> list[Mapping[bytes, Place]]:
        """Where relationships are held, for the compiled lane to see whether there are any. Good for one batch."""
        return [*self._layers, self._held]

    def _place(self, key: bytes) -> Place:
        for layer in reversed(self._layers):
            if key in layer:
                return layer[key]
        return self._held.get(key)

    def _take(self, key: bytes, value: bytes, now_seconds: int) -> None:
        said = _VALUE.match(value)
        until = -1 if said is None else int(said[2]) // 1000
        if said is None or until > _UNTIL_MASK:
            self.refused += 1
        elif until <= now_seconds:
            self._held.pop(key, None)
        else:
            self._hold(key, self._packed(said[1].decode(), until * 1000))

    def _hold(self, key: bytes, place: int) -> None:
        if len(self._held) >= self._limit and key not in self._held:
            self.refused += 1
            return
        self._held[key] = place

    def _packed(self, token: str, until: int) -> int:
        number = self._numbers.get(token)
        if number is None:
            number = self._numbers[token] = len(self._tokens)
            self._tokens.append(LocatorToken(token))
        return number << _UNTIL_BITS | until // 1000
