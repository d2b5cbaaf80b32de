"""The checker's pass over the ledger's tables.

The expected rows are worked out here from the decoded audit record, on purpose without the code that wrote them.
"""

from __future__ import annotations

from typing import Any

from connectors.kafka.topics import AUDIT as AUDIT_TOPIC
from streams.ledger.reconcile_books import (
    EVENT,
    EVENT_FOUND,
    OUTCOME_COUNT,
    OUTCOME_COUNT_FOUND,
    OUTCOMES,
    OUTCOMES_FOUND,
    Books,
)
from streams.ledger.reconcile_view import AuditSeen, EventRowSeen, Law, LedgerView, OutcomeRowSeen

_WRAP = (1 << 64) - 1
_FIRST_MS, _AFTER_LAST_MS = 946_684_800_000, 7_258_118_400_000  # what a column of the ledger can hold: 2000 to 2199
_INT_LIMIT = 1 << 31


def expected_rows(books: Books, seen: AuditSeen, audit: dict[str, Any] | None) -> tuple[int, int, int]:
    """Digest of the event row, sum of the digests of its outcome rows, and their number."""
    event, outcomes = _expected(seen, audit)
    return _event_digest(books, event), _sum(_outcome_digest(books, row) for row in outcomes), len(outcomes)


def _expected(seen: AuditSeen, audit: dict[str, Any] | None) -> tuple[EventRowSeen, list[OutcomeRowSeen]]:
    place = (seen.partition, seen.offset)
    if audit is None or not _fits(audit):
        at = seen.timestamp if _FIRST_MS <= seen.timestamp < _AFTER_LAST_MS else _FIRST_MS
        blank = (None,) * 8
        return EventRowSeen(*place, at * 1000, None, "UNREADABLE", *blank, record=seen.value or b""), []
    at = audit["decidedAt"] * 1000
    event = EventRowSeen(
        *place,
        at,
        _instant(audit["receivedAt"]),
        audit["kind"],
        _text(audit["sourceTopic"]),
        audit["sourcePartition"],
        audit["sourceOffset"],
        _text(audit["eventId"]),
        _text(audit["eventType"]),
        _text(audit["source"]),
        _text(audit["ruleSet"]),
        _text(audit["inputs"]["subject"]) if audit["inputs"] else None,
        seen.value or b"",
    )
    outcomes = [
        OutcomeRowSeen(
            *place,
            at,
            str(_text(each["agency"])),
            each["outcome"],
            _text(each["reasons"][0]) if each["reasons"] else None,
            _text(each["deliveryId"]),
            _instant(each["ackBy"]),
        )
        for each in audit["outcomes"]
    ]
    return event, outcomes


def _fits(audit: dict[str, Any]) -> bool:
    at, partition, offset = int(audit["decidedAt"]), int(audit["sourcePartition"]), int(audit["sourceOffset"])
    return _FIRST_MS <= at < _AFTER_LAST_MS and 0 <= partition < _INT_LIMIT and offset >= 0


def _instant(millis: int | None) -> int | None:
    return millis * 1000 if millis is not None and _FIRST_MS <= millis < _AFTER_LAST_MS else None


def _text(value: str | None) -> str | None:
    return value.replace("\0", "\ufffd") if value else value


def _event_digest(books: Books, row: EventRowSeen) -> int:
    return books.digest(repr(row[:-1]).encode(), row.record)


def _outcome_digest(books: Books, row: OutcomeRowSeen) -> int:
    return books.digest(repr(tuple(row)).encode())


def _sum(digests: Any) -> int:
    """Order does not count, number does."""
    return int(sum(digests)) & _WRAP


def check_ledger(books: Books, ledger: LedgerView) -> None:
    """Rows against audit records, up to the ledger's progress. The order of rows does not matter."""
    books.report.ledger_rows = 0
    for row in books.read("ledger events", ledger.events()):
        _event_row(books, row)
    for outcome in books.read("ledger outcomes", ledger.outcomes()):
        _outcome_row(books, outcome)
    _settle(books, ledger)


def _event_row(books: Books, row: EventRowSeen) -> None:
    at = (AUDIT_TOPIC, row.audit_partition, row.audit_offset)
    found = books.rows.find(books.key(*at))
    if found is None:
        if not _cut(books, row.audit_partition, row.audit_offset):
            what = "ledger row for an audit record that does not exist"
            books.report.say("unexplained", Law.LEDGER_EQUAL, what, at)
        return
    books.report.ledger_rows = (books.report.ledger_rows or 0) + 1
    counts = books.rows.columns[EVENT_FOUND]
    counts[found] += 1
    if counts[found] > 1:
        books.report.say("duplicate", Law.LEDGER_EQUAL, "audit record has more than one ledger row", at)
    if _event_digest(books, row) != books.rows.columns[EVENT][found]:
        books.report.say("unexplained", Law.LEDGER_EQUAL, "ledger row differs from the audit record", at)


def _outcome_row(books: Books, row: OutcomeRowSeen) -> None:
    at = (AUDIT_TOPIC, row.audit_partition, row.audit_offset)
    found = books.rows.find(books.key(*at))
    if found is None:
        if not _cut(books, row.audit_partition, row.audit_offset):
            what = "ledger outcome for an audit record that does not exist"
            books.report.say("unexplained", Law.LEDGER_EQUAL, what, at, agency=row.agency)
        return
    sums, counts = books.rows.columns[OUTCOMES_FOUND], books.rows.columns[OUTCOME_COUNT_FOUND]
    sums[found] = (sums[found] + _outcome_digest(books, row)) & _WRAP
    counts[found] += 1


def _cut(books: Books, partition: int, offset: int) -> bool:
    """Retention has taken the audit record away; the ledger keeps its row."""
    return offset < books.view.audit_starts.get(partition, 0)


def _settle(books: Books, ledger: LedgerView) -> None:
    behind = 0
    columns = books.rows.columns
    for row, key in enumerate(books.rows.keys):
        topic, partition, offset = books.position(key)
        at = (topic, partition, offset)
        if offset >= ledger.progress.get(partition, 0):
            behind += 1
            if columns[EVENT_FOUND][row] or columns[OUTCOME_COUNT_FOUND][row]:
                what = "ledger row beyond the ledger's own progress"
                books.report.say("unexplained", Law.LEDGER_EQUAL, what, at)
            continue
        if not columns[EVENT_FOUND][row]:
            books.report.say("missing", Law.LEDGER_EQUAL, "audit record has no ledger row", at)
        wanted, found = columns[OUTCOME_COUNT][row], columns[OUTCOME_COUNT_FOUND][row]
        if found < wanted:
            what = f"ledger has {found} of {wanted} outcomes"
            books.report.say("missing", Law.LEDGER_EQUAL, what, at)
        elif found > wanted:
            what = f"ledger has {found} outcomes, the audit record {wanted}"
            books.report.say("duplicate", Law.LEDGER_EQUAL, what, at)
        elif columns[OUTCOMES_FOUND][row] != columns[OUTCOMES][row]:
            books.report.say("unexplained", Law.LEDGER_EQUAL, "ledger outcomes differ from the audit record", at)
    books.report.ledger_behind = behind
