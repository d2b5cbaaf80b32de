"""Audit records become rows, and nothing on the stream can stop the reader."""

from __future__ import annotations

from schemas.codec import encode_record
from streams.ledger.audit import audit_row_reader
from streams.ledger.rows import UNREADABLE, Rows
from streams.ledger.times import Month, month_of, pg_micros
from tests.unit.ledger.world import NOW, OUTBOX, RULE_SET, audit, outcome

READER = audit_row_reader()


def rows(value: bytes | None, timestamp: int = NOW) -> Rows:
    return READER.rows(1, 42, timestamp, value)


def test_an_audit_record_is_one_event_row_and_a_row_a_candidate() -> None:
    """Every column is filled from the record, and the record itself is kept."""
    value = encode_record("audit", audit(7, outcomes=[outcome(7, "csc"), outcome(7, "gp", "DENIED")]))
    event, outcomes = rows(value)
    assert event._asdict() == {
        "audit_partition": 1,
        "audit_offset": 42,
        "decided_at": pg_micros(NOW + 7),
        "received_at": pg_micros(NOW),
        "kind": "DECIDED",
        "source_topic": OUTBOX,
        "source_partition": 0,
        "source_offset": 7,
        "event_id": "00000000-0000-0000-0000-000000000007",
        "event_type": "police.domestic-abuse-incident",
        "source": "northshire-police",
        "rule_set": RULE_SET,
        "subject": "c" * 32,
        "record": value,
    }
    assert [(row.agency, row.outcome, row.reason) for row in outcomes] == [
        ("csc", "DELIVERED", "RULE"),
        ("gp", "DENIED", "NO_RULE"),
    ]
    assert outcomes[0].ack_by == pg_micros(NOW + 14_400_000)
    assert outcomes[1].delivery_id is None


def test_a_rejected_record_has_a_row_without_inputs() -> None:
    """Nothing is known of it but where it was and why it was refused."""
    event, outcomes = rows(encode_record("audit", audit(7, "REJECTED", eventId=None, eventType=None, source=None)))
    assert (event.kind, event.event_id, event.subject, outcomes) == ("REJECTED", None, None, [])


def test_what_cannot_be_read_is_a_row_with_its_bytes() -> None:
    """Junk, a cut record, trailing bytes, another record kind and a tombstone are all mirrored."""
    good = encode_record("audit", audit(7))
    for value in (b"junk", good[:-3], good + b"\0", b"\xc3\x01" + bytes(8) + good[10:], b""):
        event, outcomes = rows(value)
        assert (event.kind, event.record, event.decided_at, outcomes) == (UNREADABLE, value, pg_micros(NOW), [])
    assert rows(None).event.record == b""


def test_values_that_fit_no_column_make_the_record_unreadable() -> None:
    """A time in another century, or a position below zero, must not make the database refuse the batch."""
    for changes in ({"decidedAt": 0}, {"decidedAt": 1 << 60}, {"sourcePartition": -1}, {"sourceOffset": -1}):
        assert rows(encode_record("audit", audit(7, **changes))).event.kind == UNREADABLE
    assert rows(encode_record("audit", audit(7, receivedAt=-1))).event.received_at is None


def test_a_time_that_kafka_does_not_know_falls_into_the_first_month() -> None:
    """An unreadable record without a timestamp still has a partition to go to."""
    assert month_of(rows(b"junk", timestamp=-1).event.decided_at) == Month(2000, 1)


def test_a_nul_is_replaced_because_postgresql_cannot_store_it() -> None:
    """The columns show U+FFFD; the record's bytes keep the truth."""
    value = encode_record("audit", audit(7, eventId="a\0b", outcomes=[outcome(7, "c\0d")]))
    event, outcomes = rows(value)
    assert (event.event_id, outcomes[0].agency) == ("a\ufffdb", "c\ufffdd")
    assert event.record == value


def test_months_follow_each_other_across_years() -> None:
    """December is followed by January, and the last millisecond of a month is still in it."""
    assert Month(2026, 12).next == Month(2027, 1)
    assert str(Month(2026, 9)) == "2026_09"
    assert month_of(pg_micros(1_793_491_199_999)) == Month(2026, 10)
    assert month_of(pg_micros(1_793_491_200_000)) == Month(2026, 11)
