"""The side streams as a Faust application: who is silent, what adds up, who publishes what.

    masa.audit ──► mix, patterns (by audit partition) ──► notices to the exchange's outbox
                      │ newest sign of each agency, and up to when a partition is read
                      ▼
    masa.sightings ──► silence (one partition) ──► notices to the exchange's outbox

A notice is sent, its acknowledgement awaited, and only then is it written down that it was sent: a crash in between
says it again under the same id, which the router drops. Whatever nobody foresaw ends the process at once, with nothing
of it committed, for its supervisor: an agent that raises would skip the record.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, cast

import faust
from faust.types import TP

from connectors.kafka import topics
from connectors.kafka.publisher import Outgoing
from schemas.errors import ContractError
from schemas.registry import EventTypes
from streams.followup.faust.consumer import RepairedConsumer
from streams.followup.faust.judging import SilenceJudge
from streams.followup.faust.mix import Mix, counted
from streams.followup.faust.mix import from_bytes as mix_from
from streams.followup.faust.mix import to_bytes as mix_bytes
from streams.followup.faust.pattern_keeper import PatternKeeper
from streams.followup.faust.rules import SideRules
from streams.followup.faust.seen import Seen, seen_in
from streams.followup.faust.standing import StandingTelemetry, keep_telling

FRONTIER_SECONDS = 15.0
SLACK_MS = 60_000  # a decision is stamped before its transaction ends, and clocks of slots differ


class StreamsTelemetry(StandingTelemetry, Protocol):
    """What the worker tells as it goes."""

    def streams_processed(self, *, topic: str, records: int) -> object: ...
    def streams_unreadable(self, *, topic: str, partition: int, offset: int) -> object: ...
    def streams_noticed(self, *, kind: str) -> object: ...
    def streams_crashed(self, *, error: str) -> object: ...


@dataclass(frozen=True, kw_only=True)
class Around:
    """What the worker is given. `exit_now` ends the process without another word to Kafka."""

    rules: Callable[[], SideRules]
    event_types: EventTypes
    telemetry: StreamsTelemetry
    now_ms: Callable[[], int]
    exit_now: Callable[[], NoReturn]
    audit_partitions: int
    frontier_seconds: float = FRONTIER_SECONDS


class SideStreams:
    """Tables and agents of one application."""

    def __init__(self, app: faust.App, around: Around) -> None:
        self._app, self._around = app, around
        self._mix = _table(app, "mix", around.audit_partitions)
        self._forwarded: dict[bytes, int] = {}
        self.patterns = PatternKeeper(_table(app, "patterns", around.audit_partitions), around.event_types, self._say)
        self.judge = SilenceJudge(_table(app, "silence", 1), around.event_types, self._say, around.audit_partitions)
        app.agent(app.topic(topics.AUDIT, key_type=bytes, value_type=bytes), name="audit")(self._audits)
        app.agent(app.topic(topics.SIGHTINGS, key_type=bytes, value_type=bytes), name="sightings")(self._sightings)
        app.task(self._keep_frontier)
        app.task(self._keep_telling)

    # --- agents --------------------------------------------------------------------------------------------------

    async def _audits(self, stream: Any) -> None:
        async for event in stream.events():
            await self._guarded(self._audit, event)

    async def _sightings(self, stream: Any) -> None:
        async for event in stream.events():
            await self._guarded(self._sighting, event)

    async def _guarded(self, work: Callable[[Any], Awaitable[None]], event: Any) -> None:
        """A record's own fault is told and passed over, for the audit keeps it; anything else ends the process."""
        message = event.message
        try:
            await work(event)
        except ContractError:
            self._around.telemetry.streams_unreadable(
                topic=message.topic, partition=message.partition, offset=message.offset
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the record must not be skipped
            self._end(error)
        self._around.telemetry.streams_processed(topic=message.topic, records=1)

    async def _audit(self, event: Any) -> None:
        seen = seen_in(event.value)
        if seen is None:
            return
        rules, partition = self._around.rules(), event.message.partition
        if not seen.restricted:
            self._count(seen, partition, event.message.offset)
        await self.patterns.take(seen, partition, rules)

    async def _sighting(self, event: Any) -> None:
        await self.judge.take(event.value, self._around.rules())

    def _count(self, seen: Seen, partition: int, offset: int) -> None:
        key = f"{partition}|{seen.source}|{seen.event_type}".encode()
        before = mix_from(self._mix.get(key), seen.category)
        after = counted(before, seen, offset)
        if after is not before:
            self._mix[key] = mix_bytes(after)

    # --- beside --------------------------------------------------------------------------------------------------

    async def _keep_frontier(self) -> None:
        while not self._app.should_stop:
            await asyncio.sleep(self._around.frontier_seconds)
            try:
                await self.tell_frontier()
            except TimeoutError:
                continue  # the consumer is busy restoring; next time
            except Exception as error:  # noqa: BLE001 - as in `_guarded`
                self._end(error)

    async def _keep_telling(self) -> None:
        try:
            await keep_telling(self, self._around.telemetry, self._around.now_ms)
        except Exception as error:  # noqa: BLE001 - as in `_guarded`
            self._end(error)

    async def tell_frontier(self) -> None:
        """Say of each audit partition that is read to its end when that was, after the newest signs that were in it."""
        if self._app.in_recovery or self._app.rebalancing:
            return
        asked = self._around.now_ms()
        done = await self.consumer.read_to_end()
        mine = sorted(tp.partition for tp in done if tp.topic == topics.AUDIT)
        signs = [(key, mix) for key, mix in self.mixes(mine) if mix.last_at > self._forwarded.get(key, 0)]
        for key, mix in signs:
            _, agency, event_type = key.decode().split("|")
            await self._sight({"agency": agency, "type": event_type, "at": mix.last_at})
            self._forwarded[key] = mix.last_at
        for partition in mine:
            await self._sight({"partition": partition, "upTo": asked - SLACK_MS})

    def mixes(self, partitions: list[int]) -> Iterator[tuple[bytes, Mix]]:
        """Of these audit partitions only: a table keeps keys of partitions that it has lost."""
        for key, value in list(self._mix.items()):
            if int(key.partition(b"|")[0]) in partitions:
                yield key, mix_from(value)

    @property
    def consumer(self) -> RepairedConsumer:
        return cast(RepairedConsumer, self._app.consumer)

    @property
    def stopping(self) -> bool:
        return bool(self._app.should_stop)

    @property
    def restored(self) -> bool:
        """Whether tables are up to date and records flow."""
        return bool(self.consumer.flow_active and not self._app.in_recovery and not self._app.rebalancing)

    def table_sizes(self) -> dict[str, int]:
        """Keys by table, those of lost partitions included: they take memory too."""
        return {name: len(table) for name, table in self._app.tables.items()}

    def owned(self) -> list[int]:
        """Audit partitions that are this worker's now."""
        tps: set[TP] = self.consumer.assignment()
        return sorted(tp.partition for tp in tps if tp.topic == topics.AUDIT)

    async def _sight(self, value: dict[str, Any]) -> None:
        await self._send(Outgoing(topics.SIGHTINGS, json.dumps(value, separators=(",", ":")).encode()))

    async def _say(self, kind: str, record: Outgoing) -> None:
        await self._send(record)
        self._around.telemetry.streams_noticed(kind=kind)

    async def _send(self, record: Outgoing) -> None:
        """Return once the broker has it."""
        headers = [(name, value.encode() if isinstance(value, str) else value or b"") for name, value in record.headers]
        await self._app.producer.send_and_wait(record.topic, record.key, record.value, None, None, headers)

    def _end(self, error: Exception) -> NoReturn:
        self._around.telemetry.streams_crashed(error=type(error).__name__)
        self._around.exit_now()


def _table(app: faust.App, name: str, partitions: int) -> Any:
    return app.Table(name, partitions=partitions, key_type=bytes, value_type=bytes)
