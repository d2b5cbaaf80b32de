"""The parts of a compiled rule set, as decisions use them. Dates are days since 1970-01-01, UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from schemas.vocabulary import FieldClass
from streams.policy.facts import AgencyId, AreaId, Facts, RoleId, RuleId
from streams.policy.reasons import ReasonCode

if TYPE_CHECKING:
    from streams.policy.index import RuleSet

DAY_MS = 86_400_000
FOREVER = 10**9  # a day that never comes

YES, NO, UNSURE = 1, 0, -1  # whether a condition holds; UNSURE when the event does not say
Condition = Callable[[Facts], int]
Holds = tuple[ReasonCode, ...]
Resolver = Callable[["CompiledRule", Facts, "RuleSet", Holds], tuple[tuple[AgencyId, ...], "Hit"]]


def day_of(text: str | None, otherwise: int) -> int:
    """`2026-09-30` as days since 1970-01-01."""
    return otherwise if text is None else date.fromisoformat(text).toordinal() - 719_163


class RoleView(NamedTuple):
    """What a role may hold. A recipient addressed through several roles gets what all of them may hold."""

    classes: frozenset[FieldClass]
    restricted: bool
    person_of_concern: bool
    locating: bool  # may hold LOCATING fields of a protected child

    def narrowed(self, other: RoleView) -> RoleView:
        return RoleView(
            self.classes & other.classes,
            self.restricted and other.restricted,
            self.person_of_concern or other.person_of_concern,
            self.locating and other.locating,
        )


NO_ROLE = RoleView(frozenset(), False, True, False)  # holds nothing


@dataclass(frozen=True, slots=True, eq=False)
class CompiledAgency:
    id: AgencyId
    name: str
    category: str
    channel: str  # kafka | gateway
    identifiers: tuple[tuple[str, str], ...]  # (scheme, id)
    area: AreaId
    organisation: str
    roles: tuple[RoleId, ...]
    authorities: tuple[str, ...]  # GSS
    basis: str  # DutyBasis
    basis_from: int
    basis_until: int
    alternate: AgencyId | None
    contract_until: int = FOREVER
    contract_types: frozenset[str] | None = None  # None: no contract


@dataclass(frozen=True, slots=True, eq=False)
class CompiledAgreement:
    id: str
    signed_on: int
    review_by: int
    lawful_basis: str
    purposes: frozenset[str]
    agencies: frozenset[str]
    categories: frozenset[tuple[str, str]]  # (area, category)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledArea:
    id: AreaId
    name: str
    authorities: frozenset[str]
    commenced: int
    front_door: AgencyId
    officer_role: RoleId | None
    review_by: int
    roles: Mapping[RoleId, RoleView]
    titles: Mapping[RoleId, str]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """One rule. `number` is its place in order of ids; `when` what its index key does not already say."""

    number: int
    id: RuleId
    area: AreaId
    deny: bool
    of: str
    role: RoleId
    view: RoleView
    first_day: int
    last_day: int
    regimes: frozenset[str] | None  # None: all
    when: tuple[Condition, ...]
    agreement: CompiledAgreement | None
    clock: str | None  # None: the event type's own
    shares: Mapping[str, frozenset[str]]  # event type -> fields
    needs_school: bool  # `hasSchool: true` is asked, so there is no fallback without one
    reason: str
    resolve: Resolver
    hits: dict[tuple[RoleId, tuple[ReasonCode, ...], Holds], Hit] = field(default_factory=dict)
    plain: Hit = field(init=False)  # the hit through its own role, found as it says, with nothing to wait for

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", self.hit(self.role))

    def hit(self, role: RoleId, marks: tuple[ReasonCode, ...] = (), holds: tuple[ReasonCode, ...] = ()) -> Hit:
        """The one Hit object of this rule with these properties."""
        key = (role, marks, holds)
        found = self.hits.get(key)
        if found is None:
            found = self.hits[key] = Hit(self, role, marks, holds)
        return found


class Hit:
    """A rule that names a recipient: through which role, how it was found, what makes it wait.

    Equal only to itself; `CompiledRule.hit` makes each one once, so hits can key caches cheaply.
    """

    __slots__ = ("holds", "marks", "role", "rule")

    def __init__(self, rule: CompiledRule, role: RoleId, marks: tuple[ReasonCode, ...], holds: Holds) -> None:
        self.rule, self.role, self.marks, self.holds = rule, role, marks, holds

    @property
    def roles(self) -> tuple[RoleId, ...]:
        """The addressed role and the one that the rule names; they differ for stand-ins."""
        return (self.role,) if self.role == self.rule.role else (self.role, self.rule.role)
