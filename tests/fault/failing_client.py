"""A Kafka producer that fails at a chosen call: before it takes effect, or after, when only its answer is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer


class Kind(Enum):
    """What the client says about its failure; librdkafka's flags, which decide the caller's next move."""

    RETRIABLE = "retriable"
    ABORTABLE = "abortable"
    FATAL = "fatal"
    UNKNOWN = "unknown"
    DEATH = "death"  # the process is killed there

    def strike(self) -> None:
        if self is Kind.DEATH:
            os.kill(os.getpid(), signal.SIGKILL)
        raise KafkaException(
            KafkaError(
                KafkaError._TIMED_OUT if self is Kind.RETRIABLE else KafkaError._FAIL,
                "made for a test",
                self is Kind.FATAL,
                self is Kind.RETRIABLE,
                self is Kind.ABORTABLE,
            )
        )


class Fault(NamedTuple):
    """The `nth` call of that name from now on fails, and the ones after it, `times` in all."""

    call: str
    nth: int
    after: bool  # the call takes effect, and then fails
    kind: Kind
    times: int = 1

    def __str__(self) -> str:
        moment = "after" if self.after else "before"
        return f"{self.call}-{self.nth}-{moment}-{self.kind.value}" + ("-for-ever" if self.times > 1 else "")


class Faults:
    """Arms faults and counts calls. `calls` are the names of the calls since the last arming."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._struck: dict[Fault, int] = {}
        self.calls: list[str] = []

    def arm(self, *faults: Fault) -> None:
        self._armed, self._struck, self.calls = list(faults), dict.fromkeys(faults, 0), []

    def struck(self) -> bool:
        """Whether every armed fault has happened."""
        return all(self._struck.values())

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            fault = self._due(name)
            if fault is not None and not fault.after:
                fault.kind.strike()
            answer = call(*args, **kwargs)
            if fault is not None:
                fault.kind.strike()
            return answer

        return called

    def _due(self, name: str) -> Fault | None:
        for fault in self._armed:
            late = self.calls.count(name) >= fault.nth
            if fault.call == name and late and self._struck[fault] < fault.times:
                self._struck[fault] += 1
                return fault
        return None


FAILING = ("begin_transaction", "produce", "send_offsets_to_transaction", "commit_transaction", "abort_transaction")


class FailingProducer:
    """The real client with faults around its transactional calls."""

    def __init__(self, faults: Faults, conf: Any) -> None:
        self._client = Producer(conf)
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        return self._faults.around(name, call) if name in FAILING else call
