"""A poll becomes rows and moves of the stored offsets."""

from __future__ import annotations

from connectors.kafka.offset_consumer import Polled, Record
from connectors.kafka.partition import Partition
from connectors.kafka.topics import AUDIT
from schemas.codec import encode_record
from streams.ledger.audit import audit_row_reader
from streams.ledger.consume import plan
from tests.unit.ledger.world import NOW, audit

READER = audit_row_reader()


def record(partition: int, offset: int) -> Record:
    return Record(AUDIT, partition, offset, NOW, None, encode_record("audit", audit(offset)), ())


def test_offsets_move_past_the_last_record_of_each_partition() -> None:
    """The move says what the database must still hold."""
    planned = plan(Polled([record(0, 5), record(1, 9), record(0, 6)], {}), {0: 5, 1: None}, READER)
    assert [(each.event.audit_partition, each.event.audit_offset) for each in planned.rows] == [(0, 5), (1, 9), (0, 6)]
    assert planned.moves == {0: (5, 7), 1: (None, 10)}


def test_markers_at_the_end_are_passed() -> None:
    """An end beyond the last record moves the offset there, once."""
    end = {Partition(AUDIT, 0): 8}
    assert plan(Polled([record(0, 5)], end), {0: 5}, READER).moves == {0: (5, 8)}
    assert plan(Polled([], end), {0: 8}, READER).moves == {}


def test_records_that_are_stored_already_are_left_out() -> None:
    """A record below the stored offset never makes a second row."""
    planned = plan(Polled([record(0, 4), record(0, 5), record(0, 5)], {}), {0: 5}, READER)
    assert [each.event.audit_offset for each in planned.rows] == [5]


def test_an_empty_topic_starts_at_nought() -> None:
    """Its first offset is stored, so that later gaps are noticed."""
    assert plan(Polled([], {Partition(AUDIT, 0): 0}), {0: None}, READER).moves == {0: (None, 0)}
