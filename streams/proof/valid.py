"""Which events are possible at all: what the contract lets pass, as formulas over the symbolic event.

Says what `schemas.event_rules` and the router's check of the publisher say about the fields that a decision reads. Too
strict, and a proof would leave real events out; too lax, and a counterexample could not be published. Tests hold it to
both: real events satisfy it, and what satisfies it can be made into a real event. A setting that the relationship
register fills in makes an event like one that carries it; the child's team comes from the register alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from schemas.event_rules import OLDEST_YEARS
from schemas.registry import EventType
from schemas.vocabulary import LegalGateway
from streams.proof.event import SymbolicEvent
from streams.proof.naming import DOUBTFUL
from streams.proof.terms import Term, every, no, some
from streams.proof.world import Entry, World

_STATED = ("urgency", "protection")  # never UNKNOWN in a valid event; purpose, regime and gateway are of the type's


def possible(event: SymbolicEvent, kind: EventType) -> Iterator[Term]:
    """Everything that a valid event of the type fulfils, beside having one value for each field."""
    yield from _publisher(event, kind)
    yield event.among("gateway", map(str, kind.gateways))
    yield event.among("regime", map(str, kind.regimes))
    yield event.among("purpose", map(str, kind.purposes))
    yield from (no(event.among(name, ("UNKNOWN",))) for name in _STATED)
    no_school = event.among("school", (None,))
    yield no(every([event.among("gateway", (LegalGateway.S49A_DAA.value,)), no_school]))
    yield event.among("age_years", [None, *range(OLDEST_YEARS + 1)])
    yield some([no(event.flags["unborn"]), event.among("age_years", (None,))])
    doubtful = event.among("match", DOUBTFUL)
    unasked = event.among("allocated_team", (None,))
    yield some([unasked, every([no(event.flags["restricted"]), no(doubtful)])])  # when the register may be asked
    yield no(event.says("withheld"))  # a judgement names somebody
    yield no(event.says("confirmed"))


def _publisher(event: SymbolicEvent, kind: EventType) -> Iterator[Term]:
    """An agency that may publish the type, and says truly who it is."""
    world = event.world
    codes = sole_codes(world)
    may = [e for e in world.agencies.values() if e["category"] in kind.publishers and e["id"] in codes]
    yield event.among("source", (entry["id"] for entry in may))
    for dimension, key in (("source_category", "category"), ("masa_id", "area")):
        for value in {entry[key] for entry in may}:
            others = (entry["id"] for entry in may if entry[key] != value)
            yield some([event.among("source", others), event.among(dimension, (value,))])


def sole_codes(world: World) -> dict[str, tuple[str, str]]:
    """A code of each agency that identifies it among those of its category."""
    known: Counter[tuple[str, str, str]] = Counter(
        (entry["category"], scheme, code) for entry in world.agencies.values() for scheme, code in entry["identifiers"]
    )

    def sole(entry: Entry) -> Iterator[tuple[str, str]]:
        return ((s, c) for s, c in entry["identifiers"] if known[entry["category"], s, c] == 1)

    return {name: code for name, entry in world.agencies.items() for code in sole(entry)}
