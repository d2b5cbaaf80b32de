"""The checker's first pass: audit records into the books, and what each must hold by itself."""

from __future__ import annotations

from typing import Any

from connectors.kafka.topics import AUDIT as AUDIT_TOPIC
from schemas.codec import decode_record
from schemas.errors import ContractError
from streams.ledger.compact import fits
from streams.ledger.reconcile_books import (
    AUDIT,
    DELIVERIES_SHIFT,
    DISPOSITIONS,
    DUE,
    MAYBE,
    NONE,
    OLD,
    SETTLED,
    SOME_HELD,
    SOURCE,
    Books,
)
from streams.ledger.reconcile_ledger import expected_rows
from streams.ledger.reconcile_view import AuditSeen, Law, Place


def take_audits(books: Books) -> None:
    """Fill the tables, then report every key that occurs twice."""
    for seen in books.read("audits", books.view.audits()):
        audit = _decoded(seen)
        if books.view.ledger is not None:
            books.rows.add(books.key(*_at(seen)), *expected_rows(books, seen, audit), 0, 0, 0)
        if audit is None or audit["kind"] not in DISPOSITIONS or not fits(audit["sourceOffset"]):
            books.report.say("unexplained", Law.AUDIT_SOUND, "audit record cannot be read", _at(seen))
            continue
        _take(books, seen, audit)
    for table in (books.audits, books.deliveries, books.rows):
        table.sort()
    _repeated_audits(books)
    _repeated_deliveries(books)


def _decoded(seen: AuditSeen) -> dict[str, Any] | None:
    try:
        return decode_record("audit", seen.value or b"")
    except ContractError:
        return None


def _at(seen: AuditSeen) -> tuple[str, int, int]:
    return AUDIT_TOPIC, seen.partition, seen.offset


def _take(books: Books, seen: AuditSeen, audit: dict[str, Any]) -> None:
    place = Place(audit["sourceTopic"], audit["sourcePartition"])
    source = books.key(*place, audit["sourceOffset"])
    if seen.settled:
        books.points[place] = max(books.points.get(place, 0), audit["sourceOffset"] + 1)
        books.report.kinds[audit["kind"]] += 1
    delivered = 0
    waiters = []
    for outcome in audit["outcomes"]:
        if seen.settled:
            books.report.outcomes[outcome["outcome"]] += 1
        if outcome["outcome"] == "HELD":
            waiters.append(outcome["agency"])
        if outcome["outcome"] == "DELIVERED" and outcome["deliveryId"] is not None:
            delivered += 1
            _expect(books, source, outcome, _demanded(books, seen, audit, outcome))
    for fault in _faults(audit):
        books.report.say("unexplained", Law.AUDIT_SOUND, fault, _at(seen), source=books.source_json(source))
    first = audit["firstSeen"] if _first_fits(audit["firstSeen"]) else None
    books.audits.add(
        source,
        books.key(*_at(seen)),
        DISPOSITIONS.index(audit["kind"]),
        (SETTLED if seen.settled else 0) | (SOME_HELD if waiters else 0) | delivered << DELIVERIES_SHIFT,
        books.key(first["topic"], first["partition"], first["offset"]) if first else NONE,
        NONE,
        0,
        books.digest(*(agency.encode() for agency in sorted(waiters))),
        0,
    )


def _expect(books: Books, source: int, outcome: dict[str, Any], demanded: int) -> None:
    books.deliveries.add(
        books.digest(outcome["deliveryId"].encode()),
        source,
        books.names.number(outcome["agency"]),
        books.names.number(outcome["topic"]),
        demanded,
        0,
    )


def _first_fits(first: dict[str, Any] | None) -> bool:
    return first is not None and fits(first["offset"])


def _demanded(books: Books, seen: AuditSeen, audit: dict[str, Any], outcome: dict[str, Any]) -> int:
    """Whether the delivery must be there: it may not be visible yet, or not any more."""
    if audit["decidedAt"] < books.view.kept_since.get(outcome["topic"], 0):
        return OLD
    return DUE if seen.settled else MAYBE


def _faults(audit: dict[str, Any]) -> list[str]:
    """Where an audit record disagrees with itself."""
    faults = []
    kind, outcomes = audit["kind"], audit["outcomes"]
    agencies = [outcome["agency"] for outcome in outcomes]
    if len(set(agencies)) != len(agencies):
        faults.append("a candidate has more than one outcome")
    for outcome in outcomes:
        ties = (outcome["deliveryId"] is not None, outcome["topic"] is not None)
        if outcome["outcome"] == "DELIVERED":
            if ties != (True, True):
                faults.append(f"delivery to `{outcome['agency']}` without id or topic")
            if not outcome["rules"]:
                faults.append(f"delivery to `{outcome['agency']}` without a rule")
            if kind != "DECIDED":
                faults.append(f"delivery to `{outcome['agency']}` of an event that is {kind}")
        elif ties != (False, False):
            faults.append(f"`{outcome['agency']}` has a delivery id or topic, but is {outcome['outcome']}")
    if (kind == "REJECTED") != (audit["rejection"] is not None):
        faults.append("a rejection goes with REJECTED only, and REJECTED with a rejection")
    if (kind == "REPEATED") != (audit["firstSeen"] is not None):
        faults.append("a first position goes with REPEATED only, and REPEATED with a first position")
    return faults


def _repeated_audits(books: Books) -> None:
    for row in books.audits.repeated():
        source = books.audits.keys[row]
        pair = [books.source_json(books.audits.columns[AUDIT][each]) for each in (row - 1, row)]
        what = "outbox record has more than one audit record"
        books.report.say("duplicate", Law.AUDITED_ONCE, what, books.position(source), audits=pair)


def _repeated_deliveries(books: Books) -> None:
    table = books.deliveries
    for row in table.repeated():
        first, second = table.columns[SOURCE][row - 1], table.columns[SOURCE][row]
        books.report.say(
            "duplicate",
            Law.IDS_DISTINCT,
            "delivery id is in two audited outcomes",
            books.position(second),
            other=books.source_json(first),
        )
