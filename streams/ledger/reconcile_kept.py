"""The checker's passes over what was rejected, held and repeated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from connectors.kafka.topics import HELD as HELD_TOPIC
from connectors.kafka.topics import REJECTED as REJECTED_TOPIC
from schemas.codec import decode_record
from schemas.errors import ContractError
from streams.ledger.compact import fits
from streams.ledger.reconcile_books import (
    AUDIT,
    COPIES,
    DISPOSITIONS,
    FIRST,
    FLAGS,
    IN_OUTBOX,
    KIND,
    NONE,
    SETTLED,
    SOME_HELD,
    VALUE,
    WAITERS,
    WHOLE,
    Books,
)
from streams.ledger.reconcile_view import KeptSeen, Law

HELD, REJECTED, REPEATED = (DISPOSITIONS.index(kind) for kind in ("HELD", "REJECTED", "REPEATED"))


def check_kept(books: Books) -> None:
    """REJECTED <=> one rejected record, HELD <=> one held record, each with the outbox record's bytes."""
    _check(books, "rejected", books.view.rejected())
    _check(books, "held", books.view.held())


def _check(books: Books, name: Literal["held", "rejected"], records: Iterable[KeptSeen]) -> None:
    law = Law.HELD_KEPT if name == "held" else Law.REJECTED_KEPT
    topic = HELD_TOPIC if name == "held" else REJECTED_TOPIC
    copies = books.audits.columns[COPIES]
    for seen in books.read(name, records):
        at = (topic, seen.partition, seen.offset)
        kept = _decoded(name, seen)
        if kept is None:
            books.report.say("unexplained", law, f"{name} record cannot be read", at)
            continue
        source = books.key(kept["sourceTopic"], kept["sourcePartition"], kept["sourceOffset"])
        row = next((row for row in books.audits.rows(source) if _calls_for(books, row, name)), None)
        if row is None:
            what = f"{name} record without an audit record that says so"
            books.report.say("unexplained", law, what, at, source=books.source_json(source))
            continue
        copies[row] += 1
        if copies[row] > 1:
            what = f"{name} more than once"
            books.report.say("duplicate", law, what, at, source=books.source_json(source))
        for fault in _faults(books, row, kept, name):
            books.report.say("unexplained", law, fault, at, source=books.source_json(source))
    _missing(books, name, law, books.view.kept_since.get(topic))


def _decoded(name: Literal["held", "rejected"], seen: KeptSeen) -> dict[str, Any] | None:
    try:
        kept = decode_record(name, seen.value or b"")
    except ContractError:
        return None
    return kept if fits(kept["sourceOffset"]) else None


def _calls_for(books: Books, row: int, name: str) -> bool:
    """Whether this audit record demands such a kept record. (None demands both, so one count serves.)"""
    kind = books.audits.columns[KIND][row]
    if name == "rejected":
        return kind == REJECTED
    return kind == HELD or (kind != REJECTED and bool(books.audits.columns[FLAGS][row] & SOME_HELD))


def _faults(books: Books, row: int, kept: dict[str, Any], name: str) -> list[str]:
    faults = []
    in_outbox = books.audits.columns[FLAGS][row] & IN_OUTBOX
    headers = tuple((each["name"], each["value"]) for each in kept["headers"])
    whole = books.whole_digest(kept["key"], kept["value"], headers)
    if in_outbox and whole != books.audits.columns[WHOLE][row]:
        faults.append(f"{name} record has other bytes than the outbox record")
    if name == "held":
        if kept["whole"] != (books.audits.columns[KIND][row] == HELD):
            faults.append("held record and audit record disagree whether the whole event waits")
        waiters = books.digest(*(agency.encode() for agency in sorted(kept["agencies"])))
        if not kept["whole"] and waiters != books.audits.columns[WAITERS][row]:
            faults.append("held record and audit record name different candidates")
    return faults


def _missing(books: Books, name: str, law: Law, kept_since: int | None) -> None:
    """Settled audit records without their kept record. A kept topic that was cut proves nothing about old ones."""
    flags, copies = books.audits.columns[FLAGS], books.audits.columns[COPIES]
    for row, source in enumerate(books.audits.keys):
        if copies[row] or not flags[row] & SETTLED or not _calls_for(books, row, name):
            continue
        if kept_since is not None:
            books.report.expired += 1
            continue
        books.report.say(
            "missing",
            law,
            f"audited as {name}, but there is no {name} record",
            books.position(source),
            audit=books.source_json(books.audits.columns[AUDIT][row]),
        )


def check_repeats(books: Books) -> None:
    """A repeat's first record is earlier, audited, no repeat itself, and has the same value."""
    audits = books.audits
    for row, source in enumerate(audits.keys):
        first = audits.columns[FIRST][row]
        if audits.columns[KIND][row] != REPEATED or first == NONE:
            continue
        fault = _repeat_fault(books, row, source, first)
        if fault:
            books.report.say(
                "unexplained", Law.REPEAT_TRUE, fault, books.position(source), first=books.source_json(first)
            )


def _repeat_fault(books: Books, row: int, source: int, first: int) -> str | None:
    audits = books.audits
    topic, partition, offset = books.position(source)
    first_topic, first_partition, first_offset = books.position(first)
    if (first_topic, first_partition) != (topic, partition) or first_offset >= offset:
        return "repeat names a first record that is not before it in its own partition"
    found = audits.find(first)
    if found is None or audits.columns[KIND][found] == REPEATED:
        return "repeat names a first record that has no audit record of its own, or is a repeat too"
    both = audits.columns[FLAGS][found] & audits.columns[FLAGS][row] & IN_OUTBOX
    if both and audits.columns[VALUE][found] != audits.columns[VALUE][row]:
        return "repeat has another value than the record that it repeats"
    return None
