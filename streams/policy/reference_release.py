"""Reference interpreter, releases: what a person found out or set aside, the slow, obvious way."""

from __future__ import annotations

from collections.abc import Collection

from streams.policy.artefact import Artefact
from streams.policy.facts import Facts
from streams.policy.reference_match import Token

# Recipients that a person may name: field of the facts, how `registered` calls it, scheme of the code.
NAMED_BY = {
    "child.school": ("school", "school", "URN"),
    "child.gp": ("gp", "gp", "ODS"),
    "child.communityHealth": ("community_health", "communityHealth", "ODS"),
    "child.allocatedTeam": ("allocated_team", "allocatedTeam", "AGENCY"),
}
DOUBTS = ("LOW_MATCH_STATUS", "CONDITION_UNKNOWN", "CROSS_BORDER_UNKNOWN_AREA")


def as_if_named(facts: Facts, artefact: Artefact, token: Token, reached: Collection[str]) -> Facts:
    """The event as if it had named the recipients that a person found, except agencies that it reaches anyway."""
    taken: list[str] = []
    for text in facts.resolved:
        selector, _, name = text.partition("=")
        entry = next((each for each in artefact.document()["agencies"] if each["id"] == name), None)
        if entry is None or selector not in NAMED_BY or name in reached:
            continue
        field, registered, scheme = NAMED_BY[selector]
        codes = [(scheme, name)] if scheme == "AGENCY" else [code for code in entry["identifiers"] if code[0] == scheme]
        if codes:
            others = tuple(each for each in facts.registered if each != registered)
            facts = facts._replace(registered=others, **{field: token(*codes[0])})  # type: ignore[arg-type]
            taken.append(text)
    return facts._replace(resolved=tuple(taken))


def found_by_a_person(facts: Facts) -> list[str]:
    return [text.partition("=")[2] for text in facts.resolved]


def waits(facts: Facts, hold: str) -> bool:
    """Whether nobody has set this doubt aside."""
    return not (facts.released and hold in DOUBTS and hold in facts.waived)
