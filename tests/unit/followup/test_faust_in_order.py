"""Which offsets may be committed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.followup.faust.in_order import InOrder


def test_holes_in_the_offsets_do_not_hold_commits_back() -> None:
    """A transaction's marker leaves a hole that no record fills."""
    order: InOrder[str] = InOrder()
    for offset in (0, 2, 4, 6):
        order.delivered("p", offset)
    assert order.committable("p") is None
    for offset in (0, 2, 4, 6):
        order.acked("p", offset)
    assert order.committable("p") == 7


def test_nothing_is_committed_past_what_is_still_in_work() -> None:
    """The first one that is not acknowledged is where a restart must begin."""
    order: InOrder[str] = InOrder()
    for offset in (10, 12, 15):
        order.delivered("p", offset)
    order.acked("p", 15)
    order.acked("p", 10)
    assert order.committable("p") == 11
    assert not order.done_before("p", 13)
    assert order.done_before("p", 12)


def test_after_going_back_only_the_new_deliveries_count() -> None:
    """An acknowledgement of before is no promise for what was delivered again after it."""
    order: InOrder[str] = InOrder()
    for offset in (3, 4, 5):
        order.delivered("p", offset)
    order.acked("p", 5)
    order.delivered("p", 4)
    assert not order.acked("p", 5)
    order.acked("p", 3)
    order.acked("p", 4)
    assert order.committable("p") == 5


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=40).flatmap(
        lambda gaps: st.tuples(st.just(gaps), st.permutations(range(len(gaps))))
    )
)
def test_whatever_the_order_of_acknowledgements_the_commit_is_exact(drawn: tuple[list[int], list[int]]) -> None:
    """It is one more than the last offset of the longest acknowledged head, never more and never less."""
    gaps, sequence = drawn
    offsets = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    order: InOrder[str] = InOrder()
    for offset in offsets:
        order.delivered("p", offset)
    acked: set[int] = set()
    for index in sequence:
        order.acked("p", offsets[index])
        acked.add(offsets[index])
        head = [offset for n, offset in enumerate(offsets) if set(offsets[: n + 1]) <= acked]
        assert order.committable("p") == (head[-1] + 1 if head else None)
