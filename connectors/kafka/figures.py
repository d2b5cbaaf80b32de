"""Lets a client tell how it is, every so often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.client_statistics import ClientFigures, client_figures
from connectors.kafka.settings import ClientConf

# librdkafka writes about 1 kB a partition each time, so not too often.
EVERY_MS = 15_000


def with_figures(conf: ClientConf, tell: Callable[[ClientFigures], object]) -> ClientConf:
    """The configuration of a client that tells its figures, from within its calls to poll."""

    def told(text: str) -> None:
        try:
            tell(client_figures(text))
        except ValueError:
            return  # not the format we know: no figures, and no harm to the client's work

    made: dict[str, Any] = {**conf, "statistics.interval.ms": EVERY_MS, "stats_cb": told}
    return made
