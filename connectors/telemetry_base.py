"""What every group of occurrences stands on; `Telemetry` provides it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.metrics import Metric


class Occurrences(ABC):
    """One method an occurrence. The metrics themselves are `Telemetry`'s."""

    @abstractmethod
    def _add(self, metric: Metric, counts: Mapping[Any, int]) -> None: ...

    @abstractmethod
    def _set(self, metric: Metric, value: float, labels: tuple[str, ...] = ()) -> None: ...

    @abstractmethod
    def _replace(self, metric: Metric, values: Mapping[tuple[str, ...], float]) -> None:
        """All values of a gauge with labels: those not named are forgotten."""

    @abstractmethod
    def _observe(self, metric: Metric, values: Sequence[float], labels: tuple[str, ...] = ()) -> None: ...

    @abstractmethod
    def _say(self, level: int, event: str, **fields: object) -> None: ...
