"""Audit records of decided events, joined from pieces that were encoded before.

Nearly everything in an audit record repeats: topics, rule-set hash, an agency's outcome under the same rules. Encoding
those once and joining bytes costs a quarter of encoding each record from a dict. `audit_datum` builds the same record
as values; a property test holds the two to the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.vocabulary import Disposition, OutcomeKind
from streams.policy.decision import Decision, Outcome
from streams.policy.facts import Facts

NULL = b"\x00"
_PRESENT = b"\x02"
_NO_ITEMS = b"\x00"
_BYTES = [bytes((n,)) for n in range(256)]
_REMEMBERED = 20_000
_KIND_BYTE = {kind: _BYTES[2 * n] for n, kind in enumerate(Disposition)}
_OUTCOME_BYTE = {kind: _BYTES[2 * n] for n, kind in enumerate(OutcomeKind)}
_FIXED_INPUTS = slice(Facts._fields.index("source_category"), Facts._fields.index("age_years"))
_ADDED = slice(Facts._fields.index("allocated_team"), None)
_NO_ADDITIONS: tuple[Any, ...] = (None, (), (), (), (), None, None)
_NOTHING_ADDED = NULL * len(_NO_ADDITIONS)
_SETTINGS = slice(Facts._fields.index("school"), Facts._fields.index("judgements"))


class Origin(NamedTuple):
    """The record an audit record is about."""

    topic: str
    partition: int
    offset: int
    received_at: int  # epoch milliseconds
    digest: bytes  # 32 bytes


class Delivered(NamedTuple):
    """What one delivery adds to its outcome."""

    delivery_id: str
    ack_by: int | None  # epoch milliseconds


def varint(number: int) -> bytes:
    """Avro int or long."""
    zigzag = number << 1 if number >= 0 else (-number << 1) - 1
    if zigzag < 128:
        return _BYTES[zigzag]
    out = bytearray()
    while zigzag > 127:
        out.append(zigzag & 127 | 128)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def text(value: str) -> bytes:
    """Avro string."""
    raw = value.encode()
    return varint(len(raw)) + raw


def optional(value: str | None) -> bytes:
    """Avro null or string."""
    return NULL if value is None else _PRESENT + text(value)


def texts(values: Iterable[str]) -> bytes:
    """Avro array of strings."""
    items = [text(value) for value in values]
    return varint(len(items)) + b"".join(items) + NULL if items else _NO_ITEMS


def outcome_piece(outcome: Outcome, withheld: tuple[tuple[str, tuple[str, ...]], ...], topic: str | None) -> bytes:
    """The part of an outcome that is the same for every event. `withheld` is (reason, short paths)."""
    groups = [text(reason) + texts(paths) for reason, paths in withheld]
    return b"".join(
        (
            text(outcome.agency),
            _OUTCOME_BYTE[outcome.kind],
            texts(outcome.roles),
            texts(outcome.rules),
            texts(outcome.reasons),
            optional(outcome.basis),
            optional(outcome.clock),
            varint(len(groups)) + b"".join(groups) + NULL if groups else _NO_ITEMS,
            optional(topic),
        )
    )


def delivered_piece(delivery_id: bytes, ack_by: bytes) -> bytes:
    """The rest of a DELIVERED outcome; every other outcome ends in two nulls. `ack_by` is from `ack_by_piece`."""
    return b"\x02\x48" + delivery_id + ack_by


def ack_by_piece(at: int | None) -> bytes:
    """When acknowledgement is due (epoch milliseconds), if ever."""
    return NULL if at is None else _PRESENT + varint(at)


class AuditPieces:
    """Joins audit records for one router slot. Remembers pieces in bounded dicts; holds no content of events."""

    def __init__(self, frame: bytes, slot: int) -> None:
        """`frame` is the audit schema's single-object frame (10 bytes)."""
        self._frame = frame
        self._slot = varint(slot)
        self._places: dict[tuple[Any, ...], bytes] = {}
        self._headings: dict[tuple[Any, ...], bytes] = {}
        self._fixed: dict[tuple[Any, ...], bytes] = {}
        self._lists: dict[tuple[str, ...], bytes] = {}
        self._settings: dict[tuple[Any, ...], bytes] = {}
        self._received = (-1, b"")
        self._decided = (-1, b"")

    def join(
        self,
        origin: Origin,
        decided_at: int,
        facts: Facts,
        decision: Decision,
        outcomes: list[bytes],
        times: bytes | None = None,
    ) -> bytes:
        """One audit record. `outcomes` are the complete pieces of the decision's outcomes, in order; `times` is
        occurred and published time as the event itself encodes them, when they are at hand."""
        count = len(outcomes)
        place = self._places.get(origin[:2]) or self._place(origin)
        if self._received[0] != origin.received_at:
            self._received = (origin.received_at, varint(origin.received_at))
        if self._decided[0] != decided_at:
            self._decided = (decided_at, varint(decided_at))
        return b"".join(
            (
                self._frame,
                _KIND_BYTE[decision.disposition],
                place,
                varint(origin.offset),
                self._received[1],
                self._decided[1],
                self._slot,
                origin.digest,
                b"\x02\x48",
                facts.event_id.encode(),
                *self._same(facts, decision),
                NULL if facts.supersedes is None else optional(facts.supersedes),
                NULL if facts.subject is None else b"\x02\x40" + facts.subject.encode(),
                times or varint(facts.occurred_at) + varint(facts.published_at),
                self.after(facts),
                varint(count),
                *outcomes,
                b"\x00\x00\x00" if count else b"\x00\x00",
            )
        )

    def head(self, decision: Decision) -> bytes:
        """What every record about such a decision begins with, up to its place."""
        return self._frame + _KIND_BYTE[decision.disposition]

    def middle(self, facts: Facts, decision: Decision) -> bytes:
        """What events in the same situation have in common: event type to exclusions."""
        return b"".join(self._same(facts, decision))

    def after(self, facts: Facts) -> bytes:
        """What stands between an event's times and its outcomes: what the register added, and who was released."""
        return _NOTHING_ADDED if facts[_ADDED] == _NO_ADDITIONS else _added(facts)

    def _same(self, facts: Facts, decision: Decision) -> tuple[bytes, ...]:
        about = (facts.event_type, facts.source, decision.rule_set, decision.reasons)
        return (
            self._headings.get(about) or self._heading(about),
            _PRESENT,
            self._fixed_inputs(facts),
            NULL if facts.age_years is None else _PRESENT + varint(facts.age_years),
            b"\x01" if facts.unborn else b"\x00",
            self._words(facts.concerns),
            self._settings_of(facts),
            _judgements(facts) if facts.judgements else _NO_ITEMS,
            _exclusions(facts) if facts.exclusions else _NO_ITEMS,
        )

    def _settings_of(self, facts: Facts) -> bytes:
        """The tokens of the child's school, GP and so on."""
        key: tuple[Any, ...] = tuple.__getitem__(facts, _SETTINGS)
        piece = self._settings.get(key)
        if piece is None:
            piece = b"".join(map(optional, key))
            _remember(self._settings, key, piece)
        return piece

    def _fixed_inputs(self, facts: Facts) -> bytes:
        """Category to match status: few distinct combinations."""
        key: tuple[Any, ...] = tuple.__getitem__(facts, _FIXED_INPUTS)
        piece = self._fixed.get(key)
        if piece is None:
            piece = b"".join(
                optional(value) if name == "area_gss" else _plain(value)
                for name, value in zip(Facts._fields[_FIXED_INPUTS], key, strict=True)
            )
            _remember(self._fixed, key, piece)
        return piece

    def _place(self, origin: Origin) -> bytes:
        piece = text(origin.topic) + varint(origin.partition)
        _remember(self._places, origin[:2], piece)
        return piece

    def _heading(self, about: tuple[str, str, str | None, tuple[str, ...]]) -> bytes:
        """Event type to reasons."""
        event_type, source, rule_set, reasons = about
        piece = optional(event_type) + optional(source) + optional(rule_set) + texts(reasons)
        _remember(self._headings, about, piece)
        return piece

    def _words(self, values: tuple[str, ...]) -> bytes:
        piece = self._lists.get(values)
        if piece is None:
            piece = texts(values)
            _remember(self._lists, values, piece)
        return piece


def _remember(memory: dict[Any, bytes], key: object, piece: bytes) -> None:
    if len(memory) >= _REMEMBERED:
        memory.clear()
    memory[key] = piece


def _plain(value: str | bool) -> bytes:
    if isinstance(value, bool):
        return b"\x01" if value else b"\x00"
    return text(value)


def _judgements(facts: Facts) -> bytes:
    items = [
        optional(each.agency) + optional(each.role) + text(each.judgement) + optional(each.ground)
        for each in facts.judgements
    ]
    return varint(len(items)) + b"".join(items) + NULL


def _added(facts: Facts) -> bytes:
    """The allocated team, which settings the register filled in, who was released and how."""
    return b"".join(
        (
            optional(facts.allocated_team),
            texts(facts.registered),
            texts(facts.released),
            texts(facts.waived),
            texts(facts.resolved),
            optional(facts.operation),
            optional(facts.release_of),
        )
    )


def _exclusions(facts: Facts) -> bytes:
    items = [text(each.agency) + optional(each.role) + text(each.ground) for each in facts.exclusions]
    return varint(len(items)) + b"".join(items) + NULL
