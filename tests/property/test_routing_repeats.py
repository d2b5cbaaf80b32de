"""The window of routed events, against a plain dict."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.routing import repeats
from streams.routing.repeats import METADATA_MAX, WINDOW_EVENTS, Window

DIGESTS = st.sampled_from([b"a" * 32, b"b" * 32])
STEPS = st.lists(
    st.tuples(st.sampled_from(["routed", "not-routed", "keep", "drop"]), st.integers(0, 20), DIGESTS), max_size=60
)


@given(STEPS)
def test_only_kept_routed_records_are_found(steps: list[tuple[str, int, bytes]]) -> None:
    """A record is found exactly when its transaction was kept and it was routed; dropped ones leave no trace."""
    window, staged, kept = Window(), {}, {}
    window.open_layer()
    for offset, (step, event, digest) in enumerate(steps):
        event_id = f"event-{event}"
        if step == "routed" and event_id not in kept and event_id not in staged:
            window.stage_routed(event_id, digest, offset)
            staged[event_id] = (offset, digest)
        elif step == "not-routed":
            window.stage_not_routed(offset)
        elif step == "keep":
            window.keep()
            window.open_layer()
            kept.update(staged)
            staged = {}
        elif step == "drop":
            window.drop()
            window.open_layer()
            staged = {}
        known = kept | staged
        for candidate in range(21):
            found = window.find(f"event-{candidate}", digest)
            expected = known.get(f"event-{candidate}")
            assert (found is None) == (expected is None)
            if found and expected:
                assert found == (expected[0], expected[1] == digest)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3_000), unique=True, max_size=400).map(sorted))
def test_what_was_not_routed_survives_in_the_metadata(offsets: list[int]) -> None:
    """A window made from the metadata knows the same records as not routed."""
    window = Window()
    window.open_layer()
    for offset in offsets:
        window.stage_not_routed(offset)
    window.keep()
    again = Window(window.metadata())
    assert [n for n in range(3_001) if not again.was_routed(n)] == offsets
    assert again.metadata() == window.metadata()


@settings(max_examples=10, deadline=None)
@given(st.integers(3_500, 8_000), st.integers(1, 300))
def test_too_many_to_name_forgets_the_oldest_but_never_calls_one_routed(count: int, gap: int) -> None:
    """Metadata stays within the broker's limit; what no longer fits counts as not routed."""
    offsets = range(0, count * gap, gap)
    window = Window()
    window.open_layer()
    for offset in offsets:
        window.stage_not_routed(offset)
    assert len(window.metadata()) <= METADATA_MAX
    window.keep()
    again = Window(window.metadata())
    recent = [n for n in offsets if n > offsets[-1] - WINDOW_EVENTS]
    assert not any(again.was_routed(n) for n in recent)


@given(st.text(max_size=30))
def test_foreign_metadata_counts_as_none(text: str) -> None:
    """Whatever another tool wrote into the committed metadata, a window comes of it."""
    assert len(Window(text)) == 0


def test_the_last_hundred_thousand_are_remembered_and_memory_is_bounded() -> None:
    """The newest 100,000 routed events are always found; at most 150,000 are kept."""
    window = Window()
    digest = b"d" * 32
    for offset in range(260_000):
        if offset % 5_000 == 0:
            window.open_layer()
        window.stage_routed(str(offset), digest, offset)
        if offset % 5_000 == 4_999:
            window.keep()
    assert all(window.find(str(n), digest) for n in range(160_000, 260_000, 500))
    assert len(window) <= WINDOW_EVENTS + 2 * repeats._GENERATION_EVENTS
    assert window.find("0", digest) is None


def test_a_batch_planned_on_top_of_one_under_way_sees_it_and_falls_with_it() -> None:
    """Layers are found through each other, kept oldest first, and dropped together."""
    window, digest = Window(), b"d" * 32
    window.open_layer()
    window.stage_routed("first", digest, 1)
    window.open_layer()
    window.stage_routed("second", digest, 2)
    window.stage_not_routed(3)
    assert window.find("first", digest) == (1, True)
    assert not Window(window.metadata()).was_routed(3)
    window.keep()
    window.drop()
    assert window.find("first", digest) == (1, True)
    assert window.find("second", digest) is None
    assert window.was_routed(3)
