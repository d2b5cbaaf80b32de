"""How long a decision takes, and how that grows with rules, agencies and recipients. No broker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from statistics import median

from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventTypes
from streams.bench.scenario import Size, artefact_of, samples
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, EpochMillis, Facts, LocatorToken
from streams.policy.index import RuleSet
from streams.routing.event import Event
from streams.routing.intake import Intake

_EVENTS = 2_000
_GROUP = 20  # decisions timed together, to stay well above the clock's resolution


def decision_micros(size: Size, event_types: EventTypes, now: datetime, timer: Callable[[], int]) -> float:
    """Median microseconds a decision in an area of that size. `timer` gives nanoseconds."""
    pseudonymiser = Pseudonymiser(b"b" * 32)

    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(pseudonymiser.locator(scheme, code))

    rules = RuleSet.build(artefact_of(size, event_types), event_types, token)
    millis = EpochMillis(int(now.timestamp() * 1000))
    facts = _facts(size, event_types, pseudonymiser, now)
    for each in facts:
        delivered = len(decide(each, rules, millis).outcomes)
        if delivered != size.recipients:
            raise AssertionError(f"{delivered} candidates instead of {size.recipients}: not measured")
    spent = []
    for start in range(0, len(facts), _GROUP):
        group = facts[start : start + _GROUP]
        began = timer()
        for each in group:
            decide(each, rules, millis)
        spent.append((timer() - began) / len(group) / 1000)
    return median(spent)


def _facts(size: Size, event_types: EventTypes, pseudonymiser: Pseudonymiser, now: datetime) -> list[Facts]:
    intake = Intake(event_types, pseudonymiser)
    millis = EpochMillis(int(now.timestamp() * 1000))
    found = []
    for sample in samples(event_types, _EVENTS, 3, now, size.schools):
        event = intake.read(sample.value, AgencyId(sample.publisher), millis)
        if not isinstance(event, Event):
            raise TypeError(f"the bench's own event is refused: {event.explanation}")
        found.append(event.facts)
    return found
