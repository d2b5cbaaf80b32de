"""The publisher's judgements about recipients, read once an event (requirements L-02, L-03).

A judgement names an agency, a role, or a role in an agency. Readings on the protective side: withholding from a role of
an agency withholds from the agency, which has one inbox; withholding from a role withholds from every candidate that a
rule addresses through it; a judgement in a word this software does not know withholds; one that names nobody withholds
from everybody and confirms nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.vocabulary import RecipientJudgement
from streams.policy.compiled import Hit
from streams.policy.facts import AgencyId, Facts, Judgement, RoleId
from streams.policy.reasons import GROUNDS, ReasonCode
from streams.policy.settle import NO_ROLES

if TYPE_CHECKING:
    from streams.policy.index import RuleSet

CONFIRMED = RecipientJudgement.CONFIRMED.value
Grounds = tuple[ReasonCode, ...]


class Judged(NamedTuple):
    withheld_agencies: dict[AgencyId, Grounds]
    withheld_roles: dict[RoleId | None, Grounds]  # whatever the agency; None: everybody
    confirmed_agencies: dict[AgencyId, frozenset[RoleId] | None]  # None: the whole agency
    confirmed_roles: frozenset[RoleId]  # whatever the agency

    def withheld(self, agency: AgencyId, hits: tuple[Hit, ...]) -> Grounds:
        """Grounds on which the publisher withholds from this candidate; empty if it does not."""
        grounds = self.withheld_agencies.get(agency, ())
        if self.withheld_roles:
            roles = {None, *(role for hit in hits for role in hit.roles)}
            grounds = (*grounds, *(g for role in roles for g in self.withheld_roles.get(role, ())))
        return tuple(sorted(set(grounds))) if grounds else ()

    def confirmed(self, agency: AgencyId, hits: tuple[Hit, ...]) -> frozenset[RoleId] | None:
        """Roles that the publisher confirmed here, of those that rules address; None: the whole agency."""
        named = self.confirmed_agencies.get(agency, NO_ROLES)
        if named is None:
            return None
        roles = named | self.confirmed_roles if self.confirmed_roles else named
        return roles & {role for hit in hits for role in hit.roles} if roles else NO_ROLES


def digest(judgements: tuple[Judgement, ...]) -> Judged:
    if not judgements:
        return _NONE
    judged = Judged({}, {}, {}, NO_ROLES)
    confirmed_roles: set[RoleId] = set()
    for agency, role, judgement, ground in judgements:
        if judgement == CONFIRMED:
            if agency is not None:
                so_far = judged.confirmed_agencies.get(agency, NO_ROLES)
                whole = role is None or so_far is None
                judged.confirmed_agencies[agency] = None if whole else (so_far or NO_ROLES) | {role}  # type: ignore[arg-type]
            elif role is not None:
                confirmed_roles.add(role)
        else:
            reason = GROUNDS.get(ground or "", ReasonCode.GROUND_NOT_STATED)
            if agency is not None:
                judged.withheld_agencies[agency] = (*judged.withheld_agencies.get(agency, ()), reason)
            else:
                judged.withheld_roles[role] = (*judged.withheld_roles.get(role, ()), reason)
    return judged._replace(confirmed_roles=frozenset(confirmed_roles)) if confirmed_roles else judged


def confirmation_matters(facts: Facts, rules: RuleSet) -> bool:
    """Whether the outcome of a candidate can depend on being confirmed: only sensitive services ask (P-09)."""
    return facts.sensitive_service or facts.event_type in rules.confirmable


def named_only(judgements: tuple[Judgement, ...]) -> bool:
    """Whether every judgement confirms an agency by name."""
    return all(each.judgement == CONFIRMED and each.agency is not None for each in judgements)


_NONE = Judged({}, {}, {}, NO_ROLES)
