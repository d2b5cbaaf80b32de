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


def delivered_piece(delivery_id: str, ack_by: int | None) -> bytes:
    """The rest of a DELIVERED outcome; every other outcome ends in two nulls."""
    return b"\x02\x48" + delivery_id.encode() + (NULL if ack_by is None else _PRESENT + varint(ack_by))


class AuditPieces:
    """Joins audit records for one router slot. Remembers pieces in bounded dicts; holds no content of events."""

    def __init__(self, frame: bytes, slot: int) -> None:
        """`frame` is the audit schema's single-object frame (10 bytes)."""
        self._frame = frame
        self._slot = varint(slot)
        self._texts: dict[str | None, bytes] = {}
        self._fixed: dict[tuple[Any, ...], bytes] = {}
        self._reasons: dict[tuple[str, ...], bytes] = {}

    def join(self, origin: Origin, decided_at: int, facts: Facts, decision: Decision, outcomes: list[bytes]) -> bytes:
        """One audit record. `outcomes` are the complete pieces of the decision's outcomes, in order."""
        word, count = self._word, len(outcomes)
        return b"".join(
            (
                self._frame,
                _KIND_BYTE[decision.disposition],
                word(origin.topic)[1:],
                varint(origin.partition),
                varint(origin.offset),
                varint(origin.received_at),
                varint(decided_at),
                self._slot,
                origin.digest,
                b"\x02\x48",
                facts.event_id.encode(),
                word(facts.event_type),
                word(facts.source),
                word(decision.rule_set),
                self._words(decision.reasons),
                _PRESENT,
                self._inputs(facts),
                varint(count),
                *outcomes,
                b"\x00\x00\x00" if count else b"\x00\x00",
            )
        )

    def _inputs(self, facts: Facts) -> bytes:
        word = self._word
        return b"".join(
            (
                self._fixed_inputs(facts),
                NULL if facts.age_years is None else _PRESENT + varint(facts.age_years),
                b"\x01" if facts.unborn else b"\x00",
                self._words(facts.concerns),
                word(facts.school),
                word(facts.gp),
                word(facts.community_health),
                word(facts.placing_la),
                word(facts.host_la),
                word(facts.accused_setting),
                _judgements(facts) if facts.judgements else _NO_ITEMS,
                _exclusions(facts) if facts.exclusions else _NO_ITEMS,
                optional(facts.supersedes),
                optional(facts.subject),
                varint(facts.occurred_at),
                varint(facts.published_at),
            )
        )

    def _fixed_inputs(self, facts: Facts) -> bytes:
        """Category to match status: few distinct combinations."""
        key = facts[_FIXED_INPUTS]
        piece = self._fixed.get(key)
        if piece is None:
            piece = b"".join(
                optional(value) if name == "area_gss" else _plain(value)
                for name, value in zip(Facts._fields[_FIXED_INPUTS], key, strict=True)
            )
            _remember(self._fixed, key, piece)
        return piece

    def _word(self, value: str | None) -> bytes:
        """`optional(value)` of a value that comes again: a topic, a type, an agency, a setting's token."""
        piece = self._texts.get(value)
        if piece is None:
            piece = optional(value)
            _remember(self._texts, value, piece)
        return piece

    def _words(self, values: tuple[str, ...]) -> bytes:
        piece = self._reasons.get(values)
        if piece is None:
            piece = texts(values)
            _remember(self._reasons, values, piece)
        return piece


def _remember(memory: dict[Any, bytes], key: Any, piece: bytes) -> None:
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


def _exclusions(facts: Facts) -> bytes:
    items = [text(each.agency) + optional(each.role) + text(each.ground) for each in facts.exclusions]
    return varint(len(items)) + b"".join(items) + NULL
