"""Publishers for fault tests: seeded traffic in bursts, from a thread, with every record's place remembered."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

from connectors.kafka.publisher import Publisher
from connectors.settings import Settings
from schemas.pseudonym import Pseudonymiser
from streams.cli.areas import required_rule_set
from streams.cli.traffic import traffic_of
from streams.simulation.bad import BadInput
from streams.simulation.publish import Counts, Stream

BAD_SHARE = 0.03
OUTAGE_SECONDS = 240.0  # how long the publishers' client keeps trying: longer than any outage a test makes
MOST_BEHIND_SECONDS = 1.0  # what the publishers make up for

Position = tuple[str, int, int]  # topic, partition, offset


class Publishers:
    """Publishes `events` instants' worth of traffic at about `rate` a second; retries and bad input are among it.

    `positions` grows as records are acknowledged. A failure ends the thread and is raised by `check`.
    """

    def __init__(self, data_dir: Path, *, events: int, rate: float, seed: int) -> None:
        found = Settings.load(data_dir, {})
        self._kafka = found.kafka()
        pseudonymiser = Pseudonymiser(found.pseudonym_key())
        area = found.connection.area if found.connection else None
        traffic = traffic_of(required_rule_set(self._kafka).document(), area, seed)
        self._stream = Stream(traffic, BadInput(traffic, pseudonymiser, seed), pseudonymiser, seed, BAD_SHARE)
        self._events, self._rate = events, rate
        self._rng = Random(f"{seed}:bursts")
        self._due = time.monotonic()  # of the next burst
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="publishers")
        self.counts = Counts()
        self.positions: list[Position] = []
        self.done = 0  # instants published

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Publish no more; the burst in hand is finished."""
        self._stop.set()
        self._thread.join(OUTAGE_SECONDS + 30)

    def check(self) -> None:
        """Raise what ended the thread, if something did."""
        if self._failure is not None:
            raise self._failure

    @property
    def finished(self) -> bool:
        return not self._thread.is_alive()

    def ends(self) -> dict[tuple[str, int], int]:
        """For each outbox partition, the offset after the last record published."""
        ends: dict[tuple[str, int], int] = {}
        for topic, partition, offset in self.positions:
            ends[topic, partition] = max(offset + 1, ends.get((topic, partition), 0))
        return ends

    def repeats(self) -> int:
        return Counter(self.counts.good)["retry"]

    def _run(self) -> None:
        try:
            with Publisher(self._kafka, client_id="fault-publishers", timeout=OUTAGE_SECONDS) as publisher:
                while self.done < self._events and not self._stop.is_set():
                    self._burst(publisher)
        except BaseException as failure:  # noqa: BLE001 - handed to the test's thread
            self._failure = failure

    def _burst(self, publisher: Publisher) -> None:
        """Uneven on purpose: large bursts make long transactions, single events make many."""
        began = time.monotonic()
        size = min(self._rng.choice((1, 3, 40, 120, 400)), self._events - self.done)
        now = time.time_ns() // 1_000_000
        places = publisher.publish(self._stream.records([now] * size, self.counts))
        self.positions += [tuple(place) for place in places]
        self.done += size
        # By the schedule, so that a burst that took longer is made up for; an outage is not.
        self._due = max(self._due + size / self._rate, began - MOST_BEHIND_SECONDS)
        self._stop.wait(max(0.0, self._due - time.monotonic()))
