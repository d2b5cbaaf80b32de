"""How long a national rule set takes: from models to the artefact, and from that to a router's index. No broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from schemas.registry import EventTypes
from streams.bench.scenario import TODAY, Size, area_of
from streams.policy.artefact import compile_areas
from streams.policy.facts import LocatorToken
from streams.policy.index import RuleSet


class Compiled(NamedTuple):
    """Seconds for all checks and the artefact, seconds for the index, and the artefact's size."""

    compile_seconds: float
    index_seconds: float
    megabytes: float


def compiled(rules: int, event_types: EventTypes, timer: Callable[[], int]) -> Compiled:
    """Compile an area of so many rules. `timer` gives nanoseconds. Raises AssertionError if a rule got lost."""
    area = area_of(Size(rules=rules))
    began = timer()
    artefact = compile_areas([area], event_types, TODAY)
    made = timer()
    rule_set = RuleSet.build(artefact, event_types, lambda scheme, code: LocatorToken(f"{scheme}:{code}"))
    done = timer()
    if len(rule_set.rules) != rules:
        raise AssertionError(f"{len(rule_set.rules)} rules instead of {rules}: not measured")
    return Compiled((made - began) / 1e9, (done - made) / 1e9, len(artefact.content) / 2**20)
