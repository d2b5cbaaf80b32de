"""The kit's end of a door, and the run: deliver everything, watch what comes back, deliver some again, judge later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from streams.conformance.judge import Answer, Publication, Seen, Unreadable, type_of
from streams.conformance.offers import Offer

Observation = Answer | Unreadable | Publication
Progress = Callable[[int, int], None]  # done, of how many


class KitDoor(Protocol):
    """What the supplier's system is connected to."""

    def offer(self, offers: Sequence[Offer], /) -> None:
        """Make deliveries; durable on return."""
        ...

    def watch(self, stop: Callable[[], bool], /) -> Iterator[Observation | None]:
        """What the system does, as it comes; None now and then when it does nothing. Goes on where it left off."""
        ...


def run(
    door: KitDoor,
    offers: Sequence[Offer],
    wanted: Iterable[str],
    *,
    within_seconds: float,
    quiet_seconds: float,
    monotonic: Callable[[], float],
    progress: Progress = lambda done, of: None,
) -> Seen:
    """Everything the system did. Ends `quiet_seconds` after all was done, or when `within_seconds` have passed.

    Those marked `again` are made twice at first, and once more when everything was answered.
    """
    until = monotonic() + within_seconds
    due = {each.delivery_id for each in offers if not each.optional} | {f"type {name}" for name in wanted}
    total = len(due)
    answers: list[Answer | Unreadable] = []
    publications: list[Publication] = []

    def take(stop: Callable[[], bool]) -> None:
        for each in door.watch(stop):
            if isinstance(each, Publication):
                publications.append(each)
                due.discard(f"type {type_of(each)}")
            elif each is not None:
                answers.append(each)
                if isinstance(each, Answer) and each.kind == "ACKNOWLEDGED":
                    due.discard(each.delivery_id)

    again = [each for each in offers if each.again]
    door.offer([*offers, *again])

    def done() -> bool:
        progress(total - len(due), total)
        return not due or monotonic() >= until

    take(done)
    door.offer(again)
    quiet = monotonic() + quiet_seconds
    take(lambda: monotonic() >= quiet)
    return Seen(tuple(answers), tuple(publications))
