"""The consumer of faust 0.15.3, repaired: committed records only, commits that keep up, no record lost at a start.

Two faults of it lose or repeat records on topics that are written in transactions. Both rest on private methods of
exactly this version, so the version is pinned and `tests/fault/test_faust_faults.py` holds the repair to both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import aiokafka
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ack_lock

from streams.followup.faust.in_order import InOrder

REST_SECONDS = 10.0  # a fetch under way takes at most one second to come back

Message = Any  # faust.Message


class CommittedConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads committed records: the router writes in transactions, and faust has no setting for it."""

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer

    async def last_stable_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Where what is committed ends, asked of the broker now."""
        return cast(Mapping[TP, int], await self.call_thread(self._ensure_consumer().end_offsets, list(partitions)))


class RepairedConsumer(driver.Consumer):
    """Offsets are committed in the order of delivery (fault A); partitions are read from what is committed before
    anything of them reaches a stream (fault B)."""

    _thread: CommittedConsumerThread

    def __init__(
        self, transport: Any, callback: Callable[[Message], Awaitable[None]], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(transport, callback, *args, **kwargs)
        self._deliver = callback
        self.callback = self._note_and_deliver
        self.order: InOrder[TP] = InOrder()
        self._draining = 0
        self._at_rest = asyncio.Event()
        self._turned = asyncio.Event()  # set each time what was fetched has been handed over
        self._seeks = 0

    def _new_consumer_thread(self) -> CommittedConsumerThread:
        return CommittedConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # --- fault A: commits ----------------------------------------------------------------------------------------

    async def _note_and_deliver(self, message: Message) -> None:
        if self.app.topics.acks_enabled_for(message.topic):
            self.order.delivered(message.tp, message.offset)
        await self._deliver(message)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """A hole between offsets means nothing here."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in self.order.partitions() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        self._take_acks(tp)
        return self.order.committable(tp)

    def _take_acks(self, tp: TP) -> None:
        """What streams have noted (the compiled ones into these lists directly, past `ack`)."""
        with ack_lock:
            acked, self._acked[tp] = self._acked[tp], []
            self._acked_index[tp].clear()
        for offset in acked:
            self.order.acked(tp, offset)

    def _forget(self, tp: TP) -> None:
        self._take_acks(tp)
        self.order.forget(tp)

    # --- fault B: where reading goes on after a start or a rebalance ---------------------------------------------

    async def perform_seek(self) -> None:
        """Go back to what is committed, and to the beginning where nothing is, with nothing on its way meanwhile.

        Called when tables are restored. Stock faust seeks while records flow, does not seek where nothing is
        committed, and then clears the streams' queues: what was in them is never read again.
        """
        self._seeks += 1
        self.stop_flow()  # `resume_flow` follows once the queues were cleared
        if self._draining:
            await asyncio.wait_for(self._at_rest.wait(), REST_SECONDS)
        for tp in self.order.partitions():
            self._forget(tp)
        await super().perform_seek()
        fresh = [tp for tp in self.assignment() if not self._committed_offset[tp] and not self._is_changelog_tp(tp)]
        if fresh:
            await self._thread.seek_to_beginning(*(self._new_topicpartition(*tp) for tp in fresh))
        for tp in fresh:
            self._read_offset[tp] = None

    async def _drain_messages(self, fetcher: Any) -> None:
        self._draining += 1
        self._at_rest.clear()
        try:
            await super()._drain_messages(fetcher)
        finally:
            self._draining -= 1
            self._at_rest.set()

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        self._turned.set()
        if not self.flow_active:
            self._at_rest.set()
            try:
                await self.wait(self.can_resume_flow.wait())
            finally:
                self._at_rest.clear()
        records, active = await super()._wait_next_records(timeout)
        if not self.flow_active:  # stopped while it fetched: the seek that follows brings these again
            return None, None
        return records, active

    def on_buffer_drop(self, tp: TP) -> None:
        """A queue has room again; a partition that is paused while tables are restored stays so."""
        if tp in self._paused_partitions:
            self._buffered_partitions.discard(tp)
        else:
            super().on_buffer_drop(tp)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what is done, then forget what is no longer ours."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._forget(tp)

    # --- how far it is -------------------------------------------------------------------------------------------

    async def positions(self) -> Mapping[TP, int | None]:
        """The next offset to fetch of each source partition, holes passed."""
        mine = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
        return {ensure_TP(tp): await self.position(tp) for tp in mine}

    async def standing(self) -> tuple[Mapping[TP, int], Mapping[TP, int | None]]:
        """Where each source partition ends now, and what is committed of it; nothing while tables are restored."""
        mine = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
        if not mine or not self.flow_active:
            return {}, {}
        ends = await self._thread.last_stable_offsets(mine)
        return {ensure_TP(tp): end for tp, end in ends.items()}, {tp: self._committed_offset[tp] for tp in mine}

    def committable(self) -> Mapping[TP, int]:
        """What could be committed at this moment."""
        found = {}
        for tp in self.order.partitions():
            self._take_acks(tp)
            found[tp] = self.order.committable(tp)
        return {tp: offset for tp, offset in found.items() if offset is not None}

    async def read_to_end(self) -> frozenset[TP]:
        """Source partitions of which everything that was committed when this was called has been dealt with.

        Takes up to a second: what was fetched before the answer may still be on its way to a stream.
        """
        mine, seeks = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)], self._seeks
        if not mine or not self.flow_active:
            return frozenset()
        ends = await self._thread.last_stable_offsets(mine)
        reached = await self.positions()
        self._turned.clear()
        await asyncio.wait_for(self._turned.wait(), REST_SECONDS)
        if not self.flow_active or seeks != self._seeks:  # it is read anew from somewhere else
            return frozenset()
        for tp in mine:
            self._take_acks(tp)
        return frozenset(
            tp for tp in mine if (reached.get(tp) or 0) >= ends[tp] and self.order.done_before(tp, ends[tp])
        )
