"""The chain, its tree and its checkpoints; and that every way to tamper with the ledger is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.signing import SigningKey, new_key
from connectors.signing import verify as ed25519
from schemas.codec import encode_record
from streams.ledger import chain
from streams.ledger.audit import audit_row_reader
from streams.ledger.chain import Head, extended, packed, segment, unpacked
from streams.ledger.checkpoint import ChainDiffers, Signed, next_checkpoint, parse, standing_after
from streams.ledger.rows import EventRow, OutcomeRow
from streams.ledger.verify import Report, SegmentSeen, View, verify_ledger
from tests.unit.ledger.world import NOW, audit, outcome

READER = audit_row_reader()
KEY = new_key()
OFFSETS = [0, 1, 2, 4, 5, 7, 8, 9]  # gaps are transaction markers


@dataclass
class Book:
    """A ledger of one partition: eight records in three segments, the first two of them signed."""

    events: list[EventRow] = field(default_factory=list)
    outcomes: list[OutcomeRow] = field(default_factory=list)
    segments: list[SegmentSeen] = field(default_factory=list)
    signed: list[Signed | None] = field(default_factory=list)
    key: SigningKey = KEY

    def store(self, offsets: list[int]) -> None:
        rows = []
        for offset in offsets:
            record = encode_record("audit", audit(offset, outcomes=[outcome(offset, "csc"), outcome(offset, "gp")]))
            rows.append(READER.rows(0, offset, NOW, record))
        self.events += [each.event for each in rows]
        self.outcomes += [each for row in rows for each in row.outcomes]
        self.chain([(each.event.audit_offset, each.event.record) for each in rows])

    def chain(self, records: list[tuple[int, bytes]]) -> None:
        _, entries, head = segment(0, self.head(), records)
        self.segments.append(SegmentSeen(head.first, head.last, head.rows, head.link, packed(entries)))

    def head(self) -> Head:
        return Head(*self.segments[-1][:4]) if self.segments else Head()

    def sign(self) -> None:
        known = [each for each in self.signed if each is not None]
        entries = [entry for each in self.segments for entry in unpacked(each.entries)]
        made = next_checkpoint(
            known[-1].checkpoint if known else None,
            standing_after(known),
            {0: self.head()},
            lambda _, after, last: [each for each in entries if after < each.offset <= last],
            NOW,
        )
        assert made is not None
        self.signed.append(Signed(made, self.key.key_id, self.key.sign(made.message())))

    def verified(self) -> Report:
        view = View(
            partitions=[0],
            segments=lambda _: self.segments,
            events=lambda _: sorted(self.events, key=lambda row: row.audit_offset),
            outcomes=lambda _: sorted(self.outcomes, key=lambda row: row.audit_offset),
            checkpoints=self.signed,
            keys={KEY.key_id: KEY.public_key},
            verify=ed25519,
        )
        return verify_ledger(view, READER)

    def found(self) -> set[tuple[str, int | None]]:
        return {(each.kind.value, each.offset) for each in self.verified().differences}

    def rewrite(self) -> None:
        """What a thief of the database does who knows how the chain is made: make everything agree again."""
        self.segments = []
        self.chain([(each.audit_offset, each.record) for each in sorted(self.events, key=lambda row: row.audit_offset)])


@pytest.fixture
def book() -> Book:
    made = Book()
    made.store(OFFSETS[:3])
    made.sign()
    made.store(OFFSETS[3:6])
    made.sign()
    made.store(OFFSETS[6:])
    return made


def changed_record(book: Book) -> None:
    record = encode_record("audit", audit(4, outcomes=[outcome(4, "csc")]))
    book.events[3] = book.events[3]._replace(record=record)


def changed_column(book: Book) -> None:
    book.events[1] = book.events[1]._replace(source="another-agency")


def changed_outcome(book: Book) -> None:
    book.outcomes[4] = book.outcomes[4]._replace(agency="somebody-else")


def removed_outcome(book: Book) -> None:
    del book.outcomes[5]


def removed(book: Book) -> None:
    del book.events[2]


def inserted(book: Book) -> None:
    book.events.append(book.events[2]._replace(audit_offset=3))


def doubled(book: Book) -> None:
    book.events.append(book.events[5]._replace(decided_at=0))


def reordered(book: Book) -> None:
    a, b = book.events[1], book.events[4]
    book.events[1], book.events[4] = b._replace(audit_offset=1), a._replace(audit_offset=5)


def broken_link(book: Book) -> None:
    book.segments[1] = book.segments[1]._replace(link=bytes(32))


def lost_segment(book: Book) -> None:
    del book.segments[2]


def lost_checkpoint(book: Book) -> None:
    del book.signed[0]


def forged_checkpoint(book: Book) -> None:
    signed = book.signed[1]
    assert signed is not None
    stretch = replace(signed.checkpoint.stretches[0], rows=7)
    book.signed[1] = signed._replace(checkpoint=replace(signed.checkpoint, stretches=(stretch,)))


def unreadable_checkpoint(book: Book) -> None:
    book.signed.append(None)


def strangers_checkpoint(book: Book) -> None:
    book.key = new_key()
    book.sign()


def changed_and_chained_again(book: Book) -> None:
    changed_record(book)
    book.rewrite()


def removed_and_chained_again(book: Book) -> None:
    removed(book)
    book.rewrite()


def emptied(book: Book) -> None:
    book.events, book.outcomes, book.segments = [], [], []


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (changed_record, {("CHANGED", 4)}),
        (changed_column, {("CHANGED", 1)}),
        (changed_outcome, {("CHANGED", 2)}),
        (removed_outcome, {("CHANGED", 2)}),
        (removed, {("REMOVED", 2), ("INSERTED", 2)}),  # its outcomes are left over
        (inserted, {("INSERTED", 3)}),
        (doubled, {("INSERTED", 7)}),
        (reordered, {("REORDERED", 1), ("REORDERED", 5)}),
        (broken_link, {("CHAIN", 7), ("CHAIN", 9)}),
        (lost_segment, {("INSERTED", 8), ("INSERTED", 9)}),
        (lost_checkpoint, {("CHECKPOINT", None), ("CHECKPOINT", 7)}),
        (forged_checkpoint, {("CHECKPOINT", None)}),
        (unreadable_checkpoint, {("CHECKPOINT", None)}),
        (strangers_checkpoint, {("CHECKPOINT", None)}),
        (changed_and_chained_again, {("CHECKPOINT", 7), ("CHANGED", 4)}),
        (removed_and_chained_again, {("CHECKPOINT", 2), ("INSERTED", 2)}),
        (emptied, {("CHECKPOINT", 2), ("CHECKPOINT", 7)}),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_what_was_tampered_with_is_named(
    book: Book, tamper: Callable[[Book], None], named: set[tuple[str, int | None]]
) -> None:
    """Changed, removed, put in, moved: the row is named; rewritten with its chain: the signed stretch is."""
    tamper(book)
    assert named <= book.found()


def test_an_untouched_ledger_is_clean_and_says_how_much_of_it_is_signed(book: Book) -> None:
    """Eight rows, the six of the first two segments under checkpoints."""
    report = book.verified()
    assert (report.ok, report.rows, report.signed, report.checkpoints) == (True, 8, 6, 2)


def test_a_chain_that_was_rewritten_is_not_signed(book: Book) -> None:
    """The key never vouches for a chain that contradicts what it vouched for before."""
    changed_and_chained_again(book)
    with pytest.raises(ChainDiffers, match="partition 0: the chain after offset 7"):
        book.sign()


def test_a_ledger_that_is_built_anew_agrees_with_what_was_signed(book: Book) -> None:
    """Batches do not matter: the same stream has the same chain."""
    signed = book.signed
    anew = Book(signed=signed)
    anew.store(OFFSETS)
    assert anew.verified().ok
    anew.sign()
    assert anew.verified().signed == 8


def test_a_ledger_built_from_a_stream_without_its_beginning_proves_the_rest(book: Book) -> None:
    """What lies before its first record is named, what comes after a checkpoint is held against the next one."""
    cut = Book(signed=book.signed)
    cut.store(OFFSETS[3:])
    assert cut.found() == {("BEFORE", 2)}
    cut.sign()
    assert (cut.found(), cut.verified().signed) == ({("BEFORE", 2)}, 5)


def test_a_restored_ledger_that_is_behind_is_waited_for(book: Book) -> None:
    """Nothing is signed until it has caught up."""
    del book.segments[1:]
    with pytest.raises(AssertionError):
        book.sign()


def test_a_checkpoint_reads_back_and_nothing_else_does(book: Book) -> None:
    signed = book.signed[0]
    assert signed is not None
    assert parse(signed.to_bytes()) == signed
    for wrong in (
        b"",
        b"{}",
        b"[]",
        b'{"checkpoint": {"stretches": 1}}',
        signed.to_bytes().replace(b'"link":"', b'"link":"z'),
    ):
        with pytest.raises(ValueError, match="no checkpoint"):
            parse(wrong)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_every_leaf_has_a_path_to_the_root_and_no_other_leaf_fits_it(leaves: list[bytes], data: st.DataObject) -> None:
    """RFC 6962's tree, whatever its size."""
    at = data.draw(st.integers(0, len(leaves) - 1))
    path = chain.path_of(leaves, at)
    assert chain.root_from(leaves[at], path) == chain.root_of(leaves) == _reference_root(leaves)
    assert chain.root_from(sha256(leaves[at]).digest(), path) != chain.root_of(leaves)


def _reference_root(leaves: list[bytes]) -> bytes:
    """As RFC 6962 section 2.1 writes it."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + _reference_root(leaves[:half]) + _reference_root(leaves[half:])).digest()


@given(st.lists(st.tuples(st.integers(0, 2**40), st.binary(min_size=32, max_size=32)), max_size=20), st.integers(0, 20))
def test_a_chain_does_not_depend_on_its_batches(pairs: list[tuple[int, bytes]], cut: int) -> None:
    entries = [chain.Entry(*each) for each in pairs]
    assert extended(extended(Head(), entries[:cut]), entries[cut:]) == extended(Head(), entries)
    assert unpacked(packed(entries)) == entries
