"""How far the side streams are, as metrics: lag, age of commits, table sizes, the live aggregates."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from faust.types import TP

from streams.followup.faust.mix import Mix, Totals, of_last_day

LOOK_SECONDS = 2.0


class StandingTelemetry(Protocol):
    """`connectors.telemetry.Telemetry`."""

    def streams_stand(self, *, lag: int, commit_age: float, partitions: int, keys: Mapping[str, int]) -> object: ...
    def streams_silent(self, agencies: Mapping[tuple[str, str], int]) -> object: ...
    def streams_mix(self, totals: Mapping[tuple[str, str], tuple[int, int, float]]) -> object: ...
    def process_ready(self) -> object: ...
    def process_waiting(self, what: str) -> object: ...


class CommitAge:
    """For how long what could be committed has not been. Times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._since: dict[TP, float] = {}

    def of(self, behind: Iterable[TP], now: float) -> float:
        """`behind` names the partitions of which something done is not committed at this moment."""
        waiting = set(behind)
        self._since = {tp: self._since.get(tp, now) for tp in waiting}
        return max((now - since for since in self._since.values()), default=0.0)


def totals_by_type(mixes: Iterable[tuple[bytes, Mix]], now_ms: int) -> dict[tuple[str, str], tuple[int, int, float]]:
    """Events, deliveries and mean age in seconds of the last day, by (category, event type)."""
    grouped: dict[tuple[str, str], list[Mix]] = {}
    for key, mix in mixes:
        grouped.setdefault((mix.category, key.decode().rpartition("|")[2]), []).append(mix)
    summed = {key: of_last_day(each, now_ms) for key, each in grouped.items()}
    return {key: (t.events, t.deliveries, _mean_age(t)) for key, t in summed.items() if t.events}


def _mean_age(totals: Totals) -> float:
    return totals.age_ms / totals.events / 1000


async def keep_telling(streams: Any, telemetry: StandingTelemetry, now_ms: Any) -> None:
    """Every two seconds, for as long as the application runs. `streams` is a `worker.SideStreams`."""
    ages, ready = CommitAge(), False
    while not streams.stopping:
        await asyncio.sleep(LOOK_SECONDS)
        consumer = streams.consumer
        ends, committed = await consumer.standing()
        behind = [tp for tp, done in consumer.committable().items() if done > (committed.get(tp) or 0)]
        telemetry.streams_stand(
            lag=max((end - (committed.get(tp) or 0) for tp, end in ends.items()), default=0),
            commit_age=ages.of(behind, asyncio.get_running_loop().time()),
            partitions=len(streams.owned()),
            keys=streams.table_sizes(),
        )
        telemetry.streams_silent(streams.judge.silent)
        telemetry.streams_mix(totals_by_type(streams.mixes(streams.owned()), now_ms()))
        if streams.restored and not ready:
            telemetry.process_ready()
        elif ready and not streams.restored:
            telemetry.process_waiting("tables to be restored")
        ready = streams.restored
