"""The laws as the encoding says them: each a small function that tells when it is broken.

Beside `streams.policy.laws` and `fields`, and in the same order. A test takes each away and must notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from schemas.vocabulary import FieldClass
from streams.policy.contract import LeafLike
from streams.proof.naming import Namer
from streams.proof.terms import Term, every, no, some
from streams.proof.world import NOTHING, Entry, World

DUTY = ("S16LA",)
HOME_AUTHORITY = "envelope.area.gss"
_NOT_FOR_PERSON_OF_CONCERN = frozenset({FieldClass.LOCATING, FieldClass.CONTACT, FieldClass.PLACEMENT})
_ONLY_CONFIRMED = frozenset({FieldClass.SEXUAL_HEALTH, FieldClass.SENSITIVE_SERVICE})
_ROUTING = frozenset({FieldClass.ROUTING})


class View(NamedTuple):
    """What the addressed role may hold: no more than each of the definitions that bind it."""

    classes: frozenset[FieldClass]
    restricted: bool
    person_of_concern: bool
    locating: bool


def view_of(world: World, rule: Entry, role: str, agency: Entry) -> View:
    def locating(area: str, name: str) -> bool:
        return name in world.areas[area]["locatingRoles"] and name in world.areas[area]["roles"]

    by_rule = world.role(rule["area"], rule["to"]["role"])
    own = world.role(agency["area"], role) if role in agency["roles"] else NOTHING
    both = (by_rule, own)
    return View(
        frozenset(map(FieldClass, by_rule["classes"])) & frozenset(map(FieldClass, own["classes"])),
        all(each["restricted"] for each in both),
        any(each["serves"] == "PERSON_OF_CONCERN" for each in both),
        locating(rule["area"], rule["to"]["role"]) and own is not NOTHING and locating(agency["area"], role),
    )


@dataclass(frozen=True, eq=False)
class SymbolicHit:
    """A rule that may name an agency. `present`: it does; `confirmed`: the publisher confirmed this recipient."""

    rule: Entry
    role: str
    view: View
    present: Term
    doubtful: Term
    confirmed: Term

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.role, self.rule["to"]["role"])))


AgencyLaw = Callable[[Namer, Entry], Term]
HitLaw = Callable[[Namer, Entry, SymbolicHit], Term]
FieldLaw = Callable[[Namer, LeafLike, SymbolicHit], Term]


def _protected(namer: Namer) -> Term:
    return no(namer.event.among("protection", ("NONE",)))


def _accused(namer: Namer, agency: Entry) -> Term:
    return namer.event.among("accused_setting", namer.world.accused_codes[agency["id"]])


def _not_commenced(namer: Namer, agency: Entry) -> Term:
    begun = namer.on_days(namer.world.areas[agency["area"]]["dutyCommencedOn"], None)
    return every([namer.event.among("gateway", DUTY), no(begun)])


def _no_basis(namer: Namer, agency: Entry) -> Term:
    basis = agency["dutyBasis"]
    under = namer.on_days(basis["from"], basis["until"]) if basis["basis"] != "NONE" else False
    return every([namer.event.among("gateway", DUTY), no(under)])


def _contract_over(namer: Namer, agency: Entry) -> Term:
    return no(namer.on_days(None, agency["contract"]["until"])) if "contract" in agency else False


def _own_event(namer: Namer, agency: Entry, hit: SymbolicHit) -> Term:
    return False if hit.rule["to"]["of"] == "source" else namer.event.among("source", (agency["id"],))


def _rule_not_commenced(namer: Namer, agency: Entry, hit: SymbolicHit) -> Term:
    return _not_commenced(namer, hit.rule)


def _restricted(namer: Namer, agency: Entry, hit: SymbolicHit) -> Term:
    return False if hit.view.restricted else namer.event.flags["restricted"]


def _unconfirmed(namer: Namer, agency: Entry, hit: SymbolicHit) -> Term:
    return every([namer.event.flags["sensitive_service"], no(hit.confirmed)])


def _other_regime(namer: Namer, agency: Entry, hit: SymbolicHit) -> Term:
    return no(namer.event.among("regime", hit.rule["regimes"])) if hit.rule["regimes"] is not None else False


def _other_purpose(namer: Namer, agency: Entry, hit: SymbolicHit) -> Term:
    return no(namer.event.among("purpose", _agreement(namer, hit)["purposes"]))


def _agreement_over(namer: Namer, agency: Entry, hit: SymbolicHit) -> Term:
    agreement = _agreement(namer, hit)
    return no(namer.on_days(agreement["signedOn"], agreement["reviewBy"]))


def _not_party(namer: Namer, agency: Entry, hit: SymbolicHit) -> Term:
    parties, category = _agreement(namer, hit)["parties"], f"category:{agency['category']}"
    here = agency["area"] == hit.rule["area"] and category in parties
    return not (here or agency["id"] in parties or f"{category}@{agency['area']}" in parties)


def _agreement(namer: Namer, hit: SymbolicHit) -> Entry:
    found: Entry = namer.world.areas[hit.rule["area"]]["agreements"][hit.rule["under"]]
    return found


def _protected_address(namer: Namer, leaf: LeafLike, hit: SymbolicHit) -> Term:
    return FieldClass.LOCATING in leaf.classes and not hit.view.locating and _protected(namer)


def _person_of_concern(namer: Namer, leaf: LeafLike, hit: SymbolicHit) -> Term:
    return hit.view.person_of_concern and bool(leaf.classes & _NOT_FOR_PERSON_OF_CONCERN)


def _sensitive_field(namer: Namer, leaf: LeafLike, hit: SymbolicHit) -> Term:
    return bool(leaf.classes & _ONLY_CONFIRMED) and no(hit.confirmed)


def _ceiling(namer: Namer, leaf: LeafLike, hit: SymbolicHit) -> Term:
    return not leaf.classes - _ROUTING <= hit.view.classes


@dataclass(frozen=True)
class Laws:
    """What the encoding takes to be law, by the reason that a decision gives."""

    agency: Mapping[str, AgencyLaw]
    hit: Mapping[str, HitLaw]
    field: Mapping[str, FieldLaw]
    withholding: bool = True  # the publisher's WITHHELD wins
    conflicts: bool = True  # exclusions for a conflict of interest hold
    control: bool = True  # instructions to the exchange are never delivered

    def without(self, reason: str) -> Laws:
        """Without one of them, to show what it is there for."""
        match reason:
            case "withholding":
                return replace(self, withholding=False)
            case "conflicts":
                return replace(self, conflicts=False)
            case "control":
                return replace(self, control=False)
        if not any(reason in part for part in (self.agency, self.hit, self.field)):
            raise KeyError(reason)
        return replace(
            self,
            agency={name: law for name, law in self.agency.items() if name != reason},
            hit={name: law for name, law in self.hit.items() if name != reason},
            field={name: law for name, law in self.field.items() if name != reason},
        )


def all_laws(event_type: str) -> Laws:
    """Every law, for events of one type."""

    def out_of_scope(namer: Namer, agency: Entry) -> Term:
        return "contract" in agency and event_type not in agency["contract"]["eventTypes"]

    return Laws(
        agency={
            "ACCUSED_SETTING": _accused,
            "DUTY_NOT_COMMENCED": _not_commenced,
            "NO_DUTY_BASIS": _no_basis,
            "CONTRACT_EXPIRED": _contract_over,
            "OUT_OF_CONTRACT_SCOPE": out_of_scope,
        },
        hit={
            "SOURCE_IS_RECIPIENT": _own_event,
            "RULE_NOT_COMMENCED": _rule_not_commenced,
            "RESTRICTED_LANE": _restricted,
            "SENSITIVE_SERVICE_UNCONFIRMED": _unconfirmed,
            "REGIME_NOT_IN_RULE": _other_regime,
            "PURPOSE_NOT_IN_AGREEMENT": _other_purpose,
            "AGREEMENT_EXPIRED": _agreement_over,
            "AGREEMENT_NOT_PARTY": _not_party,
        },
        field={
            "PROTECTED_ADDRESS": _protected_address,
            "PERSON_OF_CONCERN_SERVICE": _person_of_concern,
            "SENSITIVE_SERVICE": _sensitive_field,
            "ROLE_CEILING": _ceiling,
        },
    )


def home_withheld(namer: Namer, leaf: LeafLike) -> Term:
    """Whether the field is a protected child's home authority, which has a rule of its own."""
    return leaf.path == HOME_AUTHORITY and _protected(namer)


def may_hold_home(hits: list[tuple[SymbolicHit, Term]]) -> Term:
    """Whether a standing hit's role may hold the home authority of a protected child."""
    return some(standing for hit, standing in hits if hit.view.locating and not hit.view.person_of_concern)
