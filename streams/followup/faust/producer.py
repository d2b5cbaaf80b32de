"""The producer of faust 0.15.3, repaired: idempotent, and a flush that waits for every record or raises.

Offsets are committed after a flush. Stock faust gives up waiting after a tenth of a second and ignores records that
could not be written, so that a commit may promise a table's state that its changelog does not have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer


class CountingBuffer(ProducerBuffer):
    """Knows every record that was given to it until the broker has it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outstanding: set[Any] = set()
        self.failure: BaseException | None = None

    def put(self, fut: Any) -> None:
        """A record to be sent; `fut` is done when the broker has acknowledged it, or never will."""
        self.outstanding.add(fut)
        fut.add_done_callback(self._done)
        super().put(fut)

    async def _send_pending(self, fut: Any) -> None:
        try:
            await super()._send_pending(fut)
        except Exception as error:  # noqa: BLE001 - whatever it is, the record was not written
            if not fut.done():
                fut.set_exception(error)

    def _done(self, fut: Any) -> None:
        self.outstanding.discard(fut)
        if fut.cancelled():
            self.failure = self.failure or asyncio.CancelledError()
        elif fut.exception() is not None:
            self.failure = self.failure or fut.exception()

    async def flush(self) -> None:
        """Wait for everything given so far. Raises ProducerSendError from the first record on that was not written."""
        while self.outstanding and self.failure is None:
            await asyncio.wait(set(self.outstanding), timeout=1.0, return_when=asyncio.FIRST_EXCEPTION)
        self.check()

    def check(self) -> None:
        """Once a table's change is lost, nothing read afterwards may be committed: the process must start anew."""
        if self.failure is not None:
            raise ProducerSendError(f"a record was not written: {type(self.failure).__name__}") from self.failure


class RepairedProducer(driver.Producer):
    """Its buffer counts."""

    buffer: CountingBuffer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        buffer = CountingBuffer(loop=self.loop, beacon=self.beacon)
        buffer.app = self.app
        self.buffer = buffer

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def flush(self) -> None:
        """As the buffer's."""
        await self.buffer.flush()
        if self._producer is not None:
            await self._producer.flush()
