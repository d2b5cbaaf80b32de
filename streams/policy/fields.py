"""Which fields of an event a recipient gets, and why not the others (requirements P-01, P-02, P-06, P-09).

Everything is withheld unless a rule's share names it; then the recipient's role and the child's protection take away.
Routing metadata is always kept, instructions to the exchange never.

One exception among the metadata: the home authority of a protected child (address protection anything but NONE) goes
to the area's locating roles only, whatever the type of event. Tying it to events that tell of a move would not do: two
ordinary events compared tell of one as well, and an agency may serve several authorities. The decision and its audit
record still use it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.vocabulary import FieldClass
from streams.policy.compiled import RoleView
from streams.policy.contract import EventTypeLike, LeafLike
from streams.policy.decision import FieldPlan, Withheld
from streams.policy.reasons import ReasonCode

HOME_AUTHORITY = "envelope.area.gss"
ONLY_ROUTING = frozenset({FieldClass.ROUTING})
NOT_FOR_PERSON_OF_CONCERN = frozenset({FieldClass.LOCATING, FieldClass.CONTACT, FieldClass.PLACEMENT})
ONLY_CONFIRMED = frozenset({FieldClass.SEXUAL_HEALTH, FieldClass.SENSITIVE_SERVICE})

_WEIGHT = (  # of several reasons why shared fields were taken away, the first is told
    ReasonCode.PROTECTED_ADDRESS,
    ReasonCode.PERSON_OF_CONCERN_SERVICE,
    ReasonCode.SENSITIVE_SERVICE,
    ReasonCode.ROLE_CEILING,
)


class Grant(NamedTuple):
    """What one rule would give: its share, what the role may hold, whether the publisher confirmed."""

    share: frozenset[str]
    view: RoleView
    confirmed: bool


def plan(kind: EventTypeLike, grants: Iterable[Grant], *, protected: bool) -> FieldPlan:
    """The union of what each grant leaves. `protected`: address protection is anything but NONE."""
    given = tuple(grants)
    kept: set[str] = set()
    withheld: list[Withheld] = []
    for leaf in kind.leaves:
        reason = _reason(leaf, given, protected=protected)
        if reason is None:
            kept.add(leaf.path)
        else:
            withheld.append(Withheld(leaf.path, reason.value))
    return FieldPlan(kind.name, frozenset(kept), tuple(withheld))


def _reason(leaf: LeafLike, grants: tuple[Grant, ...], *, protected: bool) -> ReasonCode | None:
    """Why the field is withheld, None when at least one grant gives it."""
    if protected and leaf.path == HOME_AUTHORITY:
        return _home_withheld(grants)
    if leaf.classes == ONLY_ROUTING:
        return None
    if FieldClass.CONTROL in leaf.classes:
        return ReasonCode.CONTROL_FIELD
    taken = {taken_away(leaf, grant, protected=protected) for grant in grants if leaf.path in grant.share}
    if None in taken:
        return None
    return next((reason for reason in _WEIGHT if reason in taken), ReasonCode.NOT_IN_SHARE)


def _home_withheld(grants: tuple[Grant, ...]) -> ReasonCode | None:
    """Why a protected child's home authority is withheld, None when a role of the recipient may hold it."""
    if any(grant.view.locating and not grant.view.person_of_concern for grant in grants):
        return None
    if all(grant.view.person_of_concern for grant in grants):
        return ReasonCode.PERSON_OF_CONCERN_SERVICE
    return ReasonCode.PROTECTED_ADDRESS


def taken_away(leaf: LeafLike, grant: Grant, *, protected: bool) -> ReasonCode | None:
    """Why a field that the share names is not given after all."""
    classes, view = leaf.classes, grant.view
    if protected and FieldClass.LOCATING in classes and not view.locating:
        return ReasonCode.PROTECTED_ADDRESS
    if view.person_of_concern and classes & NOT_FOR_PERSON_OF_CONCERN:
        return ReasonCode.PERSON_OF_CONCERN_SERVICE
    if classes & ONLY_CONFIRMED and not grant.confirmed:
        return ReasonCode.SENSITIVE_SERVICE
    if not classes - ONLY_ROUTING <= view.classes:
        return ReasonCode.ROLE_CEILING
    return None
