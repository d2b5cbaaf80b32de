"""A window rebuilt from the partition's own tail remembers what the one before it remembered."""

from __future__ import annotations

from typing import NamedTuple

from schemas.codec import encode_event
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.routing.intake import Intake
from streams.routing.plan import Planner
from streams.routing.repeats import Seen, Window
from tests.events import EVENT_ID, NOW_MS, an_event, event_type

KEY = Pseudonymiser(b"a key for tests only, 32 bytes!!")
TOPIC = "agency.northshire-police.outbox"


class Tail(NamedTuple):
    """A record as the client gives it."""

    at: int
    data: bytes

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes | None:
        return self.data

    def headers(self) -> list[tuple[str, bytes]] | None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, NOW_MS


def planner() -> Planner:
    return Planner(Intake(load_event_types(), KEY), KEY, slot=0)


def test_a_repeat_in_the_tail_does_not_take_the_place_of_the_first() -> None:
    """A third sending after a restart is a repeat of the first record, not of the second."""
    contract = event_type("police.domestic-abuse-incident")
    data = encode_event(contract, an_event(contract))
    window = Window()
    planner().rebuild(window, [Tail(4, data), Tail(9, data)])
    assert window.find(EVENT_ID, KEY.digest(data)) == Seen(4, same_content=True)
