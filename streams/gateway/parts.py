"""What every part of the gateway works with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from connectors.http.values import Caller
from connectors.postgres.outbox import enqueue
from connectors.postgres.pool import Pool
from connectors.sealing import Sealer
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventTypes
from streams.gateway import records
from streams.gateway.in_force import RulesInForce

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
MALFORMED = "malformed"  # stands on record for an id that is none, whatever it was


class GatewayTelemetry(Protocol):
    """What the gateway tells: one method an occurrence."""

    def gateway_published(self, *, result: str, events: int) -> object: ...
    def gateway_claimed(self, *, deliveries: int) -> object: ...
    def gateway_acknowledged(self, *, outcome: str) -> object: ...
    def gateway_access_refused(self, *, what: str) -> object: ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One set a process. `now` gives milliseconds since the epoch."""

    pool: Pool
    pseudonymiser: Pseudonymiser
    sealer: Sealer
    event_types: EventTypes
    rules: RulesInForce
    now: Callable[[], int]
    telemetry: GatewayTelemetry
    allow_synthetic: bool

    def actor(self, caller: Caller) -> str:
        return records.actor(self.pseudonymiser, caller)

    def refuse_access(self, caller: Caller, what: str, target: str) -> None:
        """Put on record that somebody asked for what is not theirs, or not there: the same work for both, so that not
        even the time it takes tells them apart."""
        with self.pool.transaction() as connection:
            told = records.operation(
                caller,
                self.actor(caller),
                records.ACCESS_REFUSED,
                target,
                self.now(),
                operation_id=records.new_id(),
                result="REFUSED",
                details={"what": what},
            )
            enqueue(connection, [told])
        self.telemetry.gateway_access_refused(what=what)
