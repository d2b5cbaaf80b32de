"""The audit stream is shared out among workers without a record lost or read twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.partition import Partition
from streams.rehearsal.stream import Ranges, divided, size

RANGES = st.dictionaries(
    st.integers(0, 5).map(lambda number: Partition("masa.audit", number)),
    st.tuples(st.integers(0, 40), st.integers(1, 60)).map(lambda pair: (pair[0], pair[0] + pair[1])),
)


@given(RANGES, st.integers(1, 7))
def test_parts_cover_every_offset_once_and_are_of_equal_size(ranges: Ranges, parts: int) -> None:
    """No more parts than wanted, and none does more than one record above its share."""
    found = divided(ranges, parts)
    offsets = [(each, at) for part in found for each, (start, end) in part.items() for at in range(start, end)]
    assert sorted(offsets) == [(each, at) for each in sorted(ranges) for at in range(*ranges[each])]
    assert len(found) <= parts
    assert max(map(size, found), default=0) <= -(-size(ranges) // parts)
