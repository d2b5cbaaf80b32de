"""What the router slots say about the policy that each follows, and waiting until all of them follow a new one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors import metrics as defined
from connectors.settings import Settings
from streams.cli.runtime import BadUsage, monotonic
from streams.cli.scrape import Sample, scrape

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 30.0  # a rule set of 100,000 rules takes so long to build; a usual one a second


@dataclass(frozen=True, kw_only=True)
class SlotState:
    """One slot, as its metrics say."""

    name: str  # such as `router-0`
    ready: bool
    version: int  # sequence in force, 0 for none
    scheduled: int  # highest sequence that waits for its time, 0 for none
    offset: int  # of the newest record of `masa.policy` dealt with, -1 for none
    stops: int  # in force


@dataclass(frozen=True, kw_only=True)
class Followed:
    """Which slots follow, by name, and which do not."""

    following: tuple[str, ...]
    lagging: tuple[SlotState, ...]
    silent: tuple[str, ...]  # addresses that do not answer: their slots read the topic when they start

    @property
    def complete(self) -> bool:
        return bool(self.following) and not self.lagging


def addresses(found: Settings, given: Sequence[str]) -> tuple[str, ...]:
    """Metrics pages of the routers: those given, or those of the exchange that runs here."""
    if given:
        wrong = next((url for url in given if not url.startswith(("http://", "https://"))), None)
        if wrong is not None:
            raise BadUsage(f"--metrics `{wrong}` is no address such as http://127.0.0.1:9464/metrics")
        return tuple(given)
    return found.connection.metrics if found.connection else ()


def state_of(samples: Sequence[Sample]) -> SlotState | None:
    """The slot behind a metrics page, None when it is another process's."""
    values = {sample.name: sample.value for sample in samples if not sample.labels}
    names = (dict(sample.labels).get("process", "") for sample in samples if sample.name == defined.PROCESS_INFO.name)
    name = next(names, "")
    if not name.startswith("router"):
        return None
    return SlotState(
        name=name,
        ready=values.get(defined.READY.name, 0) == 1,
        version=int(values.get(defined.POLICY_VERSION.name, 0)),
        scheduled=int(values.get(defined.POLICY_SCHEDULED.name, 0)),
        offset=int(values.get(defined.POLICY_OFFSET.name, -1)),
        stops=int(values.get(defined.POLICY_STOPS.name, 0)),
    )


def await_slots(
    urls: Sequence[str], follows: Callable[[SlotState], bool], *, patience: float = PATIENCE_SECONDS
) -> Followed:
    """Wait until every slot that answers follows; what is so at the latest after `patience` seconds."""
    until = monotonic() + patience
    while True:
        found = _look(urls, follows)
        if found.complete or not urls or monotonic() >= until:
            return found
        time.sleep(POLL_SECONDS)


def _look(urls: Sequence[str], follows: Callable[[SlotState], bool]) -> Followed:
    pages = {url: scrape(url) for url in urls}
    states = [state for page in pages.values() if page is not None and (state := state_of(page)) is not None]
    return Followed(
        following=tuple(state.name for state in states if follows(state)),
        lagging=tuple(state for state in states if not follows(state)),
        silent=tuple(url for url, page in pages.items() if page is None),
    )
