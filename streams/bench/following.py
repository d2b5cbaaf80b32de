"""What the follow-up gets through: receipts a second, and how soon it is back with many open clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from uuid import UUID

from connectors.client.receipts import receipt_record
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.keeping import Loop
from connectors.postgres import followup_store
from connectors.postgres.connection import connect
from connectors.postgres.followup_store import Delivery
from schemas.registry import EventTypes
from streams.bench.stage import Incomplete, Progress
from streams.followup.batch import Parts
from streams.followup.engine import Engine, follow_up, is_followed
from streams.followup.hooks import NoRecall, no_sweep
from streams.followup.life import scheduled
from streams.followup.telling import Speaker
from streams.followup.voice import Voice
from streams.followup.work import Sorter

AREA = "northshire"
_CHUNK = 20_000
_DAY_MS = 86_400_000
_PATIENCE_S = 600.0
_LOOK_S = 0.02


class _Watch:
    """Counts what the engine tells."""

    def __init__(self) -> None:
        self.receipts = 0
        self.swept = threading.Event()

    def followup_committed(self, *, receipts: int, **_: object) -> None:
        self.receipts += receipts

    def followup_behind(self, records: int) -> None: ...

    def followup_swept(self, *, now_ms: int, steps: int) -> None:
        self.swept.set()


def prepare(url: str, settings: KafkaSettings, agency: str, count: int, now_ms: int, progress: Progress) -> None:
    """`count` open clocks in the database, and nothing to read before what is published from now on."""
    ends = LogEnds(settings)
    partitions = ends.partitions(is_followed)
    with connect(url, application="masa-bench") as connection:
        for done in range(0, count, _CHUNK):
            rows = [_delivery(number, agency, now_ms) for number in range(done, min(done + _CHUNK, count))]
            with connection.transaction():
                followup_store.insert(connection, rows)
            progress(f"{done + len(rows):,} of {count:,} open clocks")
        with connection.transaction():
            followup_store.advance(connection, {each: (None, at) for each, at in ends.written(partitions).items()})
        connection.execute("ANALYZE followup.delivery")


def publish_receipts(settings: KafkaSettings, agency: str, count: int, now_ms: int, progress: Progress) -> None:
    """One pick-up and one acknowledgement for each of `count / 2` deliveries."""
    with Publisher(settings) as publisher:
        for done in range(0, count // 2, _CHUNK):
            last = min(done + _CHUNK, count // 2)
            publisher.publish(_receipts(range(done, last), agency, now_ms))
            progress(f"{2 * last:,} of {count:,} receipts")


def seconds_to_be_back(
    settings: KafkaSettings, url: str, types: EventTypes, now_ms: int, monotonic: Callable[[], float]
) -> float:
    """From nothing to the first moment at which every deadline so far is dealt with."""
    watch, begun = _Watch(), monotonic()
    with_engine(settings, url, types, now_ms, watch, watch.swept.is_set, monotonic)
    return monotonic() - begun


def receipts_a_second(
    settings: KafkaSettings, url: str, types: EventTypes, now_ms: int, count: int, monotonic: Callable[[], float]
) -> float:
    """Accepted receipts by the time from the engine's start to the last commit; its start included."""
    watch, begun = _Watch(), monotonic()
    with_engine(settings, url, types, now_ms, watch, lambda: watch.receipts >= count, monotonic)
    took = monotonic() - begun
    if watch.receipts != count:
        raise Incomplete(f"follow-up: {watch.receipts} receipts of {count} were accepted: not measured")
    return count / took


def with_engine(
    settings: KafkaSettings,
    url: str,
    types: EventTypes,
    now_ms: int,
    watch: _Watch,
    done: Callable[[], bool],
    monotonic: Callable[[], float],
) -> None:
    """Run an engine until `done`; outcomes are told, nothing is escalated."""
    stop = threading.Event()
    speaker = Speaker(Voice(area=AREA, event_types=types), None)
    engine = Engine(
        sorter=Sorter(types),
        parts=Parts(scheduled, NoRecall(), {AREA: speaker}.get),
        sweep=no_sweep,
        now=lambda: now_ms,
        events=watch,
    )
    thread = threading.Thread(
        target=follow_up, args=(settings, url, engine, Loop(stop.wait, stop.is_set, lambda error: None)), daemon=True
    )
    begun = monotonic()
    thread.start()
    while not done() and thread.is_alive():
        if monotonic() - begun > _PATIENCE_S:
            break
        stop.wait(_LOOK_S)
    stop.set()
    thread.join(_PATIENCE_S)


def _receipts(numbers: range, agency: str, now_ms: int) -> Iterator[Outgoing]:
    for number in numbers:
        delivery, event = _ids(number)
        for kind, outcome in (("PICKED_UP", None), ("ACKNOWLEDGED", "NOTED")):
            yield receipt_record(
                {
                    "receiptId": delivery,
                    "deliveryId": delivery,
                    "eventId": event,
                    "agency": agency,
                    "kind": kind,
                    "outcome": outcome,
                    "role": None,
                    "person": None,
                    "at": now_ms,
                },
                gateway=False,
            )


def _ids(number: int) -> tuple[str, str]:
    return str(UUID(int=(0xD0 << 120) | number)), str(UUID(int=(0xE0 << 120) | number))


def _delivery(number: int, agency: str, now_ms: int) -> Delivery:
    delivery, event = _ids(number)
    due = now_ms + _DAY_MS + number
    return Delivery(
        delivery, event, "education.absence-concern", agency, "a-publisher", ["dsl"], AREA, "PT4H", "URGENT", "NONE",
        False, None, now_ms, due, None, "AVAILABLE", None, None, None, None, 0, due, None, None,
    )  # fmt: skip
