"""The local broker and the local database as services that the supervisor keeps running."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

from connectors.errors import StartFailed
from connectors.kafka.local import LocalBroker
from connectors.postgres.embedded import EmbeddedPostgres

_GONE = -1  # the exit status of a process that is not our child cannot be known


@dataclass
class BrokerService:
    """The local Kafka broker. Starting blocks until it serves transactions."""

    broker: LocalBroker
    name: str = field(default="kafka", init=False)
    stop_signal: int = field(default=signal.SIGTERM, init=False)

    def start(self) -> int:
        self.broker.start()
        found = self.broker.process_of()
        if found is None:
            raise StartFailed(f"kafka ended while starting: look at `{self.broker.log_file()}`")
        return int(found.pid)

    def status(self) -> int | None:
        return None if self.broker.running else _GONE

    def stop(self, grace_seconds: float) -> bool:
        self.broker.stop(timeout=grace_seconds)
        return False


@dataclass
class DatabaseService:
    """The local PostgreSQL server. Starting blocks until it answers, crash recovery included."""

    server: EmbeddedPostgres
    name: str = field(default="postgres", init=False)
    stop_signal: int = field(default=signal.SIGINT, init=False)  # PostgreSQL's fast shutdown: waits for no client

    def start(self) -> int:
        self.server.start()
        found = self.server.running_process()
        if found is None:
            raise StartFailed(f"postgresql ended while starting: look at `{self.server.log_file}`")
        return int(found.pid)

    def status(self) -> int | None:
        return None if self.server.running_process() else _GONE

    def stop(self, grace_seconds: float) -> bool:
        self.server.stop(timeout=grace_seconds)
        return False
