"""End-to-end latency: from the publisher's call to a delivery that a read_committed consumer can read."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from connectors.kafka import topics
from connectors.kafka.publisher import Publisher
from connectors.kafka.reader import tail
from streams.bench.scenario import Sample, samples
from streams.bench.stage import Stage, outgoing, workers_of
from streams.bench.worker import Job

_TICK_SECONDS = 0.01
_WARM_UP_SHARE = 0.1


def latencies(
    stage: Stage,
    *,
    rate: int,
    seconds: int,
    now: datetime,
    clock: Callable[[], float],
    pause: Callable[[float], object],
) -> list[float]:
    """Seconds of each event, sorted, at `rate` events a second; the first tenth, a warm-up, is left out.

    `clock` is monotonic seconds, `pause` waits so long.
    """
    events = list(samples(stage.event_types, rate * seconds, 11, now))
    job = Job("router", stage.settings.bootstrap_servers, f"latency-{rate}", 10**9, signatories=stage.signatories)
    sent: dict[bytes, float] = {}
    arrived: dict[bytes, float] = {}
    stop = threading.Event()
    with workers_of([job]) as (worker,):
        lines = worker.lines()
        for line in lines:
            if isinstance(line, int) and line >= stage.published:
                break  # the backlog is routed: from here on it keeps up or does not
        threading.Thread(target=deque, args=(lines, 0), daemon=True).start()  # so that it never waits for us
        reader = threading.Thread(target=_read, args=(stage, sent, arrived, clock, stop), daemon=True)
        reader.start()
        _publish(stage, events, rate, sent, clock, pause)
        deadline = clock() + 60
        while len(arrived) < len(events) and clock() < deadline:
            pause(0.1)
        stop.set()
        reader.join()
    lost = len(events) - len(arrived)
    if lost:
        raise AssertionError(f"{lost} of {len(events)} deliveries did not arrive: not measured")
    order = sorted(sent, key=sent.__getitem__)[int(len(sent) * _WARM_UP_SHARE) :]
    return sorted(arrived[identity] - sent[identity] for identity in order)


def _publish(
    stage: Stage,
    events: Sequence[Sample],
    rate: int,
    sent: dict[bytes, float],
    clock: Callable[[], float],
    pause: Callable[[float], object],
) -> None:
    per_tick = max(1, int(rate * _TICK_SECONDS))
    began = clock()
    with Publisher(stage.settings) as publisher:
        for tick, start in enumerate(range(0, len(events), per_tick)):
            late = began + tick * _TICK_SECONDS - clock()
            if late > 0:
                pause(late)
            group = events[start : start + per_tick]
            instant = clock()
            for sample in group:
                sent[_id(sample.headers)] = instant
            publisher.publish(map(outgoing, group))


def _read(
    stage: Stage,
    sent: dict[bytes, float],
    arrived: dict[bytes, float],
    clock: Callable[[], float],
    stop: threading.Event,
) -> None:
    for record in tail(stage.settings, [topics.inbox("care")], stop=stop.is_set):
        if record is not None:
            identity = (record.header("ce_id") or "").encode()
            if identity in sent:
                arrived.setdefault(identity, clock())


def _id(headers: list[tuple[str, str | bytes | None]]) -> bytes:
    value = dict(headers)["ce_id"]
    return value.encode() if isinstance(value, str) else value or b""
