"""Publishing simulated events."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pytest

from connectors.kafka.publisher import Outgoing, Published
from streams.simulation.bad import BadInput
from streams.simulation.publish import Counts, Stream, publish_all, publish_paced
from streams.simulation.rhythm import evenly
from tests.unit.simulation.area import NOW_MS, PSEUDONYMS, traffic


class Kept:
    """A sink that keeps what it is given, in batches."""

    def __init__(self) -> None:
        self.batches: list[list[Outgoing]] = []

    def publish(self, records: Iterable[Outgoing], /) -> list[Published]:
        batch = list(records)
        self.batches.append(batch)
        return [Published(record.topic, 0, offset) for offset, record in enumerate(batch)]

    @property
    def records(self) -> list[Outgoing]:
        return [record for batch in self.batches for record in batch]


class Clock:
    """Time that passes only by waiting."""

    def __init__(self, stop_after_seconds: float) -> None:
        self.seconds = 0.0
        self._stop_after = stop_after_seconds

    def now_ms(self) -> int:
        return NOW_MS + int(self.seconds * 1000)

    def wait(self, seconds: float) -> bool:
        self.seconds += seconds
        return self.seconds >= self._stop_after


def stream(share: float, seed: int = 5) -> Stream:
    made = traffic(seed)
    return Stream(made, BadInput(made, PSEUDONYMS, seed), PSEUDONYMS, seed, share)


def test_counts_tell_good_from_bad() -> None:
    """As many records as instants, and about the share of them bad, each by its kind."""
    counts = Counts()
    sink = Kept()
    times = islice(evenly(NOW_MS, 100.0), 1_200)
    published = publish_all(sink, stream(0.25).records(times, counts))
    assert published == len(sink.records) == counts.records
    assert counts.good.total() + counts.bad.total() == 1_200
    assert 220 < counts.bad.total() < 380
    assert counts.types.total() == counts.good.total()


def test_no_bad_input_is_made_unless_asked_for() -> None:
    """A share of nothing is nothing; a share of all is all."""
    counts = Counts()
    list(stream(0.0).records([NOW_MS] * 100, counts))
    assert counts.bad.total() == 0
    list(stream(1.0).records([NOW_MS] * 100, counts))
    assert counts.bad.total() == 100


def test_a_share_outside_nought_to_one_is_refused() -> None:
    """Named with its value."""
    with pytest.raises(ValueError) as raised:
        stream(1.5)
    assert "1.5" in str(raised.value)


def test_the_same_seed_and_times_publish_the_same_records() -> None:
    """Topics, keys, values and headers alike, bad ones included."""
    times = [NOW_MS + number * 10 for number in range(200)]
    first, second, other = (list(stream(0.2, seed).records(times, Counts())) for seed in (5, 5, 6))
    assert first == second
    assert first != other


def test_keys_headers_and_topics_hold_no_identifier_of_a_child() -> None:
    """An outbox key is a pseudonym of the source record (I-09)."""
    made = traffic()
    events = list(made.events([NOW_MS] * 300))
    numbers = {e.datum["envelope"]["child"]["nhsNumber"] for e in events} - {None}
    refs = {e.datum["envelope"]["sourceRef"] for e in events}
    around = b"|".join(
        part
        for record in stream(0.0, 7).records([NOW_MS] * 300, Counts())
        for part in (record.key or b"", *(str(value).encode() for _, value in record.headers))
    )
    assert numbers
    assert not [value for value in numbers | refs if value.encode() in around]


def test_a_paced_stream_keeps_its_rate_and_publishes_at_the_present() -> None:
    """Ten seconds at 20 a second are about 200 events, each stamped when it goes out."""
    clock, sink, seen = Clock(stop_after_seconds=10.0), Kept(), list[int]()

    def make(times: Iterable[int]) -> Iterable[Outgoing]:
        for at_ms in times:
            assert at_ms == clock.now_ms()
            seen.append(at_ms)
            yield Outgoing("gateway.outbox", b"event")

    done = publish_paced(sink, make, 20.0, clock_ms=clock.now_ms, wait=clock.wait)
    assert done == len(seen) == len(sink.records)
    assert 180 <= done <= 205


def test_a_paced_stream_stops_at_its_limit() -> None:
    """Not one more."""
    clock, sink = Clock(stop_after_seconds=1_000.0), Kept()
    done = publish_paced(
        sink,
        lambda times: [Outgoing("gateway.outbox", b"event") for _ in times],
        3.0,
        clock_ms=clock.now_ms,
        wait=clock.wait,
        limit=10,
    )
    assert done == len(sink.records) == 10
    assert clock.seconds < 5.0


def test_a_stall_is_not_made_up_for_in_a_burst() -> None:
    """After a minute without a turn at most a second's worth goes out at once."""
    clock, sink = Clock(stop_after_seconds=70.0), Kept()
    stalled = iter([60.0])

    def wait(seconds: float) -> bool:
        return clock.wait(next(stalled, seconds))

    publish_paced(
        sink,
        lambda times: [Outgoing("gateway.outbox", b"event") for _ in times],
        10.0,
        clock_ms=clock.now_ms,
        wait=wait,
    )
    assert max(map(len, sink.batches)) <= 10
