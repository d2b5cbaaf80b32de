"""A small Faust worker for the faults of its transport: `python -m tests.fault.faust_copier …`.

Remembers every record of a topic in a table and says so in a file, one line a record: offset, then value.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from connectors.kafka.settings import KafkaSettings
from streams.followup.faust.application import AppSettings, new_app, run_app
from streams.followup.faust.consumer import RepairedConsumer
from streams.followup.faust.transport import RepairedTransport


def main(bootstrap: str, name: str, partitions: str, work: str, pause: str, seek_delay: str, repaired: str) -> None:
    """`pause` seconds of work a record; `seek_delay` seconds that the start-up seek takes longer."""
    delayed(float(seek_delay))
    app = new_app(
        AppSettings(
            kafka=KafkaSettings(bootstrap_servers=bootstrap), name=name, slot=0, partitions=int(partitions),
            data_dir=Path(work),
        )
    )  # fmt: skip
    if repaired == "stock":
        from faust.transport.drivers import aiokafka as driver

        app.transport = driver.Transport(app.conf.broker_consumer, app)
        app.producer_transport = driver.Transport(app.conf.broker_producer, app)
    source = app.topic(f"{name}-source", key_type=bytes, value_type=bytes)
    table = app.Table("seen", partitions=int(partitions), key_type=bytes, value_type=bytes)
    log = (Path(work) / "seen.log").open("a", buffering=1)

    @app.agent(source)
    async def copy(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] = event.value
            log.write(f"{event.message.partition} {event.message.offset} {event.value.decode()} {time.time()}\n")
            if float(pause):
                await asyncio.sleep(float(pause))

    sys.exit(run_app(app))


def delayed(seconds: float) -> None:
    """Have the broker answer late where committed offsets are asked for at the start, as a busy one does."""
    if not seconds:
        return
    from faust.transport.drivers import aiokafka as driver

    original = driver.AIOKafkaConsumerThread.seek_to_committed

    async def late(self: Any) -> Any:
        await asyncio.sleep(seconds)
        return await original(self)

    driver.AIOKafkaConsumerThread.seek_to_committed = late  # type: ignore[method-assign]


__all__ = ["RepairedConsumer", "RepairedTransport"]

if __name__ == "__main__":
    main(*sys.argv[1:])
