"""Releases: what waited is decided again for those who waited, after a person has looked.

A release names candidates and nothing else is decided on; it may set doubts aside (`waived`) and say who a recipient is
that could not be found (`resolved`, `child.school=oakfield-primary`: decided as if the event had named that agency).
It only ever takes waiting away: what the publisher withholds, laws, conflicts, deny rules and stops still in force
answer as always. A doubt that it does not name keeps waiting, so nobody lets go what they were not shown.

Readings where there is room, all on the protective side: an agency that the event reaches by itself cannot be named
for another recipient, because it has its one delivery; recipients that follow from an authority (`child.homeAuthority`
…) cannot be named, for the authority decides which rules apply: such an event needs a correction.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from streams.policy.decision import Outcome
from streams.policy.facts import AgencyId, Facts
from streams.policy.laws import Circumstances
from streams.policy.reasons import ReasonCode
from streams.policy.settle import Candidate, settle
from streams.policy.special import Gathered, special_candidates

if TYPE_CHECKING:
    from streams.policy.compiled import Hit, Holds
    from streams.policy.index import RuleSet

# What a person who has looked can set aside. A stop is lifted, and a recipient that was not found is named instead.
WAIVABLE = frozenset({ReasonCode.LOW_MATCH_STATUS, ReasonCode.CONDITION_UNKNOWN, ReasonCode.CROSS_BORDER_UNKNOWN_AREA})
# Selectors whose recipient a person may name: field of Facts that says who it is, its name in `registered`.
NAMEABLE = {
    "child.school": ("school", "school"),
    "child.gp": ("gp", "gp"),
    "child.communityHealth": ("community_health", "communityHealth"),
    "child.allocatedTeam": ("allocated_team", "allocatedTeam"),
}
_BY_A_PERSON = (ReasonCode.RELEASED,)


def resolution(text: str) -> tuple[str, AgencyId]:
    """`child.school=oakfield-primary` as (selector, agency)."""
    selector, _, agency = text.partition("=")
    return selector, AgencyId(agency)


def without_release(facts: Facts) -> Facts:
    """The facts as everybody is decided on."""
    return facts._replace(released=(), waived=(), resolved=())


def identified(facts: Facts, rules: RuleSet, reached: Collection[AgencyId]) -> Facts:
    """The facts as if the event had named the recipients that a person found; `resolved` keeps those that count.

    `reached` are the agencies that it is delivered to without any release. An agency that has no code by which an event
    could name it counts for nothing: its recipient stays unresolved.
    """
    taken = []
    for text in facts.resolved:
        selector, agency = resolution(text)
        token = None if agency in reached else _token(rules, selector, agency)
        if token is not None:
            field, name = NAMEABLE[selector]
            registered = tuple(each for each in facts.registered if each != name)
            facts = facts._replace(registered=registered, **{field: token})  # type: ignore[arg-type]
            taken.append(text)
    return facts._replace(resolved=tuple(taken))


def _token(rules: RuleSet, selector: str, agency: AgencyId) -> str | None:
    tokens = rules.tokens
    if selector not in NAMEABLE:
        return None
    table = tokens.school if selector == "child.school" else tokens.health
    if selector == "child.allocatedTeam":
        table = tokens.agency
    return next((token for token, named in table.items() if named == agency), None)


def released_outcomes(facts: Facts, rules: RuleSet, case: Circumstances, gathered: Gathered) -> tuple[Outcome, ...]:
    """Outcomes of the released candidates alone, without the doubts that a person set aside. `facts` are identified."""
    named = frozenset(resolution(text)[1] for text in facts.resolved)
    waived = frozenset(reason for reason in WAIVABLE if reason.value in facts.waived)
    outcomes = []
    for candidate in special_candidates(facts, rules, case, gathered):
        if candidate.agency in facts.released or candidate.agency in named:
            rules.settled_count += 1
            outcomes.append(settle(rules, case, _let_go(candidate, waived, candidate.agency in named)))
    return tuple(sorted(outcomes))


def _let_go(candidate: Candidate, waived: frozenset[ReasonCode], named: bool) -> Candidate:
    """The candidate without these doubts, marked if that or a person's naming it changes anything.

    Where no rule speaks for it there is nothing to let go: it keeps waiting.
    """
    if not candidate.hits:
        return candidate
    notes = candidate.notes
    holds = tuple(each for each in notes.holds if each not in waived)
    if named or holds != notes.holds:
        notes = notes._replace(holds=holds, marks=(*notes.marks, *_BY_A_PERSON))
    return candidate._replace(hits=tuple(_certain(hit, waived) for hit in candidate.hits), notes=notes)


def _certain(hit: Hit, waived: frozenset[ReasonCode]) -> Hit:
    holds: Holds = tuple(each for each in hit.holds if each not in waived)
    return hit if holds == hit.holds else hit.rule.hit(hit.role, (*hit.marks, *_BY_A_PERSON), holds)
