"""Operation records: what people did to the exchange, as `masa.operations` carries it.

One function for everybody who has something to put on record (the command line, the gateway), so that all of it reads
alike. Never anything about a child: targets and details are ids, numbers and codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.kafka.publisher import Outgoing
from connectors.kafka.topics import OPERATIONS
from schemas.codec import encode_record

Result = Literal["DONE", "REFUSED", "FAILED"]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation; the fields are those of `schemas/records/operation.avsc`."""

    operation_id: str  # UUID; the same one for the same operation sent again
    at: int  # milliseconds since the epoch
    actor: str
    kind: str  # dotted, such as `rules.stop`
    target: str
    result: Result
    role: str | None = None
    reason: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def operation_record(operation: Operation) -> Outgoing:
    """The record to publish, in the transaction of what was done where there is one."""
    datum = {
        "operationId": operation.operation_id,
        "at": operation.at,
        "actor": operation.actor,
        "role": operation.role,
        "kind": operation.kind,
        "target": operation.target,
        "reason": operation.reason,
        "result": operation.result,
        "details": [{"name": name, "value": value} for name, value in sorted(operation.details.items())],
    }
    return Outgoing(OPERATIONS, encode_record("operation", datum), operation.target.encode())
