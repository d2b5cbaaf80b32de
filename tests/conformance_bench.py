"""A supplier's system in memory: answers every delivery and publishes, rightly unless a fault is planted in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from connectors.client.outbox import outbox_record
from connectors.client.receipts import receipt_id
from connectors.kafka.publisher import Outgoing
from schemas.codec import decode_event
from schemas.errors import ContractError
from schemas.examples import example
from schemas.registry import EventType, load_event_types
from streams.conformance.doors import Observation, run
from streams.conformance.judge import Answer, Checked, Publication, Seen, Unreadable, judge
from streams.conformance.offers import Addressee, Maker, Offer
from tests.events import NOW_MS
from tests.planned import PSEUDONYMS, intake

SHOWN = "police.child-detained"
KINDS = ("police.domestic-abuse-incident", "control.correction", "early-help.episode")


class Party(NamedTuple):
    area: str = "northshire"
    category: str = "POLICE"
    channel: str = "kafka"
    identifiers: tuple[tuple[str, str], ...] = (("GSS", "E23000099"),)


AGENCY = "northshire-police"


@cache
def kinds() -> tuple[EventType, ...]:
    return tuple(load_event_types()[name] for name in KINDS)


@cache
def offers() -> tuple[Offer, ...]:
    addressee = Addressee(AGENCY, "northshire", ("police-safeguarding", "mace-rep"))
    return tuple(Maker(addressee, now_ms=NOW_MS, randbits=random.Random(5).getrandbits).all_of(kinds()))


Answers = Callable[[Offer], Sequence[Answer | Unreadable]]


def good_answers(offer: Offer) -> list[Answer]:
    """Picked up and acknowledged, under ids that are the same again."""
    both = [("PICKED_UP", None), ("ACKNOWLEDGED", "NOTED")]
    return [answer(offer, kind=kind, outcome=outcome) for kind, outcome in both]


def answer(offer: Offer, **changes: Any) -> Answer:
    kind = changes.get("kind", "ACKNOWLEDGED")
    made = Answer(
        delivery_id=offer.delivery_id,
        event_id=offer.event_id,
        agency=AGENCY,
        kind=kind,
        outcome="NOTED" if kind == "ACKNOWLEDGED" else None,
        receipt_id=receipt_id(offer.delivery_id, kind),
        person=None,
        made_at=NOW_MS,
        seen_at=NOW_MS,
        key=offer.delivery_id,
    )
    return made._replace(**changes)


def event(event_id: str = "01a0fd32-2d00-7000-8000-00000000000a", **overrides: Any) -> dict[str, Any]:
    given = {
        "envelope.masaId": "northshire",
        "envelope.sourceOrg": {"category": "POLICE", "scheme": "GSS", "id": "E23000099"},
    } | {path.replace("__", "."): value for path, value in overrides.items()}
    return example(load_event_types()[SHOWN], now_ms=NOW_MS, event_id=event_id, overrides=given)


def published(datum: dict[str, Any] | None = None, *, name: str = SHOWN, **changes: Any) -> Publication:
    """What a record of an event looks like to the kit; `changes` are of the record."""
    kind = load_event_types()[name]
    made: Outgoing = outbox_record(kind, datum or event(), agency=AGENCY, gateway=False, pseudonymiser=PSEUDONYMS)
    headers = {name: value.encode() if isinstance(value, str) else value or b"" for name, value in made.headers}
    return Publication(made.value, made.key, headers, NOW_MS)._replace(**changes)


class Bench:
    """A `KitDoor` with a system at its other end."""

    def __init__(self, answers: Answers, publications: Sequence[Publication]) -> None:
        self._answers, self._waiting = answers, list[Observation](publications)

    def offer(self, offers: Sequence[Offer]) -> None:
        for each in offers:
            self._waiting += self._answers(each)

    def watch(self, stop: Callable[[], bool]) -> Iterator[Observation | None]:
        while not stop():
            yield self._waiting.pop(0) if self._waiting else None


def tried(answers: Answers = good_answers, publications: Sequence[Publication] | None = None) -> Seen:
    """What the kit sees of such a system; its clock goes a second a look."""
    seconds = iter(range(10**9))
    shown = [published()] if publications is None else publications
    return run(
        Bench(answers, shown),
        offers(),
        [SHOWN],
        within_seconds=2_000,
        quiet_seconds=20,
        monotonic=lambda: float(next(seconds)),
    )


def verdict(seen: Seen, wanted: Sequence[str] = (SHOWN,)) -> dict[str, Checked]:
    checked = judge(offers(), seen, agency=Party(), name=AGENCY, wanted=wanted, intake=intake())
    return {each.code: each for each in checked}


def readable(offer: Offer) -> bool:
    try:
        decode_event(offer.value)
    except ContractError:
        return False
    return True
