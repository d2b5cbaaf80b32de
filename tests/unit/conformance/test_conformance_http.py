"""The kit's HTTP door behind the gateway's own application: what a system does there is seen, and its faults found."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from schemas.examples import example
from schemas.json_form import to_json
from schemas.registry import load_event_types
from streams.conformance.doors import Observation
from streams.conformance.http_door import HttpDoor
from streams.conformance.judge import Answer, Checked, Publication, Seen, judge
from streams.conformance.offers import Addressee, Maker, Offer
from streams.gateway.publishers import Publisher
from tests.events import NOW_MS
from tests.http_door import SCHOOL, Client, bearer, door_at_hand
from tests.planned import intake

SHOWN = "education.absence-concern"
SCHOOLS = Publisher(id=SCHOOL, category="SCHOOL", area="northshire", gateway=True, identifiers=(("URN", "990001"),))


class Party(Publisher):
    channel = "gateway"


@cache
def offers() -> tuple[Offer, ...]:
    kinds = [load_event_types()["early-help.episode"]]
    made = Maker(Addressee(SCHOOL, "northshire", ("dsl",)), now_ms=NOW_MS, randbits=random.Random(5).getrandbits)
    return tuple(made.all_of(kinds))


def an_event(**changes: Any) -> dict[str, Any]:
    kind = load_event_types()[SHOWN]
    event = to_json(kind, example(kind, now_ms=NOW_MS, event_id="01a0fd32-2d00-7000-8000-00000000000a"))
    for name in ("masaId", "sourceOrg", "publishedAt", "recordedAt"):
        del event["envelope"][name]
    return {**event, "envelope": {**event["envelope"], **changes}}


class System:
    """A supplier's system that does everything right."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def post(self, path: str, body: Any) -> Any:
        return self._client.post(path, json=body, headers=bearer())

    def publish(self) -> None:
        assert self.post("/v1/events", an_event()).status_code in (200, 201, 202)

    def work(self) -> None:
        """Polls until there is nothing, and answers."""
        while True:
            answer = self.post("/v1/inbox/poll", {"limit": 100})
            if answer.status_code == 204:
                return
            for each in answer.json()["deliveries"]:
                self.acknowledge(each)

    def acknowledge(self, each: Mapping[str, Any]) -> None:
        body = {"outcome": "NOTED", "lease": each["lease"]}
        assert self.post(f"/v1/deliveries/{each['deliveryId']}/acknowledge", body).status_code == 200


class WithoutLease(System):
    def acknowledge(self, each: Mapping[str, Any]) -> None:
        self.post(f"/v1/deliveries/{each['deliveryId']}/acknowledge", {"outcome": "NOTED"})


class TwoMinds(System):
    def acknowledge(self, each: Mapping[str, Any]) -> None:
        super().acknowledge(each)
        self.post(f"/v1/deliveries/{each['deliveryId']}/acknowledge", {"outcome": "DUPLICATE", "lease": each["lease"]})


class Invalid(System):
    def publish(self) -> None:
        super().publish()
        assert self.post("/v1/events", an_event(urgency="WHENEVER")).status_code == 422


class ReusesIds(System):
    def publish(self) -> None:
        super().publish()
        assert self.post("/v1/events", an_event(sourceRef="another")).status_code == 409


class Silent(System):
    def publish(self) -> None:
        """Publishes nothing."""


def verdict(make: Callable[[Client], System]) -> dict[str, Checked]:
    door = HttpDoor(SCHOOLS, load_event_types(), clock=lambda: NOW_MS)
    system = make(door_at_hand(doors=door, rate_burst=1_000_000).client)
    system.publish()
    door.offer(offers())
    system.work()
    door.offer([each for each in offers() if each.again])
    system.work()
    seen: list[Observation | None] = [...]  # type: ignore[list-item]
    found = []
    for each in door.watch(lambda: seen[-1] is None):
        seen.append(each)
        found += [] if each is None else [each]
    answers = [each for each in found if not isinstance(each, Publication)]
    publications = [each for each in found if isinstance(each, Publication)]
    party = Party(id=SCHOOL, category="SCHOOL", area="northshire", gateway=True, identifiers=SCHOOLS.identifiers)
    whole = Seen(answers, publications)
    assert all(isinstance(each, Answer) for each in answers)
    checked = judge(offers(), whole, agency=party, name=SCHOOL, wanted=[SHOWN], intake=intake())
    return {each.code: each for each in checked}


def test_a_system_that_does_everything_right_passes() -> None:
    """The delivery that came again after its answer was answered again, and that is right."""
    assert {code: each for code, each in verdict(System).items() if not each.passed} == {}


@pytest.mark.parametrize(
    ("system", "codes"),
    [
        (WithoutLease, {"ANSWERED", "READABLE", "OWN_DELIVERY", "OUTCOME", "ONCE", "CLOCK", "NOBODY_NAMED"}),
        (TwoMinds, {"ONCE"}),
        (Invalid, {"VALID"}),
        (ReusesIds, {"ID_ONCE"}),
        (Silent, {"PUBLISHED", "VALID", "HEADERS", "SOURCE", "ID_ONCE", "NO_IDENTIFIER"}),
    ],
)
def test_a_fault_is_found(system: type[System], codes: set[str]) -> None:
    """Each planted fault fails its own check; where nothing was seen at all, nothing is passed."""
    assert {code for code, each in verdict(system).items() if not each.passed} == codes
