"""What an invariant can ask of a recipient: each question twice, of the formulas and of a decision that was made.

The second form confirms every counterexample by the real decision, so a mistake in the first cannot accuse anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from streams.policy.decision import Outcome
from streams.policy.facts import Facts
from streams.proof.encoding import Encoding
from streams.proof.event import said_by
from streams.proof.invariants import LOCATING_ROLES, Recipient
from streams.proof.terms import Term, every, no, some
from streams.proof.world import Entry, Token, World, within


@dataclass(frozen=True)
class Delivered:
    """One delivery of a decision that was made."""

    world: World
    facts: Facts
    day: date
    outcome: Outcome
    token: Token

    @property
    def agency(self) -> Entry:
        return self.world.agencies[self.outcome.agency]

    @property
    def roles(self) -> frozenset[str]:
        """Roles addressed, and those that the rules name."""
        named = (self.world.rules[rule]["to"]["role"] for rule in self.outcome.rules if rule in self.world.rules)
        return frozenset((*self.outcome.roles, *named))

    def said(self, what: str, *, by_role: bool) -> bool:
        """Whether a judgement or exclusion says this of the recipient."""
        name = self.outcome.agency
        return any(
            each.what == what
            and ((each.agency == name and each.role in (None, *self.roles))
                 or (each.agency is None and by_role and each.role in self.roles))
            for each in said_by(self.facts)
        )  # fmt: skip


def matches(encoding: Encoding, name: str, wanted: Recipient) -> Term:
    """When a delivery to the agency is one to such a recipient."""
    return every(ask(encoding, name, value) for ask, value in _asked(wanted, 0))


def matched(delivered: Delivered, wanted: Recipient) -> bool:
    """Whether a delivery that was decided is one to such a recipient."""
    return all(bool(ask(delivered, value)) for ask, value in _asked(wanted, 1))


def _asked(wanted: Recipient, form: int) -> Iterable[tuple[Callable[..., Any], Any]]:
    for name in type(wanted).model_fields:
        value = getattr(wanted, name)
        if value is not None:
            yield _QUESTIONS[name][form], value


def _static(test: Callable[[World, Entry, Any], bool]) -> tuple[Callable[..., Term], Callable[..., bool]]:
    """A question that the agency's entry answers."""
    return (
        lambda encoding, name, wanted: test(encoding.world, encoding.world.agencies[name], wanted),
        lambda delivered, wanted: test(delivered.world, delivered.agency, wanted),
    )


def _listed(world: World, agency: Entry, wanted: Any) -> frozenset[str]:
    return frozenset(world.areas[agency["area"]]["locatingRoles"] if wanted == LOCATING_ROLES else wanted)


def _to_some(fits: Callable[[World, Entry, str, Any], bool]) -> tuple[Callable[..., Term], Callable[..., bool]]:
    """Whether one of the addressed roles fits."""

    def symbolic(encoding: Encoding, name: str, wanted: Any) -> Term:
        agency = encoding.world.agencies[name]
        return some(s for hit, s in encoding.standing(name) if fits(encoding.world, agency, hit.role, wanted))

    def concrete(delivered: Delivered, wanted: Any) -> bool:
        roles = delivered.outcome.roles
        return any(fits(delivered.world, delivered.agency, role, wanted) for role in roles)

    return symbolic, concrete


def _negated(question: tuple[Callable[..., Term], Callable[..., bool]]) -> tuple[Callable[..., Term],
                                                                                 Callable[..., bool]]:  # fmt: skip
    ask, asked = question
    return lambda e, name, wanted: no(ask(e, name, wanted)), lambda d, wanted: not asked(d, wanted)


def _truth(
    ask: Callable[[Encoding, str], Term], asked: Callable[[Delivered], bool]
) -> tuple[Callable[..., Term], Callable[..., bool]]:
    """A question that is wanted to be true or false."""
    return (
        lambda encoding, name, wanted: ask(encoding, name) if wanted else no(ask(encoding, name)),
        lambda delivered, wanted: asked(delivered) is wanted,
    )


def _fits_class(key: str) -> Callable[[World, Entry, str, Any], bool]:
    return lambda world, agency, role, wanted: world.role(agency["area"], role)[key] in wanted


def _in_roles(world: World, agency: Entry, role: str, wanted: Any) -> bool:
    return role in _listed(world, agency, wanted)


def _uncleared(encoding: Encoding, name: str) -> Term:
    agency = encoding.world.agencies[name]
    hits = encoding.standing(name)
    return some(s for hit, s in hits if not encoding.world.role(agency["area"], hit.role)["restricted"])


def _is_cleared(delivered: Delivered) -> bool:
    area = delivered.agency["area"]
    return all(delivered.world.role(area, role)["restricted"] for role in delivered.outcome.roles)


def _under_duty(encoding: Encoding, name: str) -> Term:
    basis = encoding.world.agencies[name]["dutyBasis"]
    return basis["basis"] != "NONE" and encoding.namer.on_days(basis["from"], basis["until"])


def _is_under_duty(delivered: Delivered) -> bool:
    basis = delivered.agency["dutyBasis"]
    return basis["basis"] != "NONE" and within(delivered.day, basis["from"], basis["until"])


def _commenced(encoding: Encoding, name: str) -> Term:
    area = encoding.world.agencies[name]["area"]
    return encoding.namer.on_days(encoding.world.areas[area]["dutyCommencedOn"], None)


def _is_commenced(delivered: Delivered) -> bool:
    return within(delivered.day, delivered.world.areas[delivered.agency["area"]]["dutyCommencedOn"], None)


def _in_contract(encoding: Encoding, name: str) -> Term:
    agency = encoding.world.agencies[name]
    contract = agency.get("contract")
    if contract is None:
        return agency["dutyBasis"]["basis"] != "CONTRACTED"
    return encoding.kind.name in contract["eventTypes"] and encoding.namer.on_days(None, contract["until"])


def _is_in_contract(delivered: Delivered) -> bool:
    contract = delivered.agency.get("contract")
    if contract is None:
        return bool(delivered.agency["dutyBasis"]["basis"] != "CONTRACTED")
    return delivered.facts.event_type in contract["eventTypes"] and within(delivered.day, None, contract["until"])


def _said(what: str, *, by_role: bool) -> tuple[Callable[..., Term], Callable[..., bool]]:
    """A judgement or exclusion of the agency, of a role that is addressed there, or of such a role anywhere."""

    def symbolic(encoding: Encoding, name: str) -> Term:
        says = encoding.event.says
        whom = (name, None) if by_role else (name,)
        roles = (
            every([stands, says(what, who, role)])
            for hit, stands in encoding.standing(name)
            for role in hit.roles
            for who in whom
            if not (what == "withheld" and who is not None)  # withholding names agencies without a role
        )
        return some([says(what, name), *roles])

    return _truth(symbolic, lambda delivered: delivered.said(what, by_role=by_role))


def _accused(encoding: Encoding, name: str) -> Term:
    return encoding.event.among("accused_setting", encoding.world.accused_codes[name])


def _is_accused(delivered: Delivered) -> bool:
    codes = delivered.world.accused_codes[delivered.outcome.agency]
    return delivered.facts.accused_setting in {delivered.token("URN", code) for code in codes}


_QUESTIONS: dict[str, tuple[Callable[..., Term], Callable[..., bool]]] = {
    "agencies": _static(lambda world, agency, wanted: agency["id"] in wanted),
    "areas": _static(lambda world, agency, wanted: agency["area"] in wanted),
    "categories": _static(lambda world, agency, wanted: agency["category"] in wanted),
    "not_categories": _static(lambda world, agency, wanted: agency["category"] not in wanted),
    "roles": _to_some(_in_roles),
    "not_roles": _negated(_to_some(_in_roles)),
    "serves": _to_some(_fits_class("serves")),
    "staffed": _to_some(_fits_class("staffed")),
    "cleared": _truth(lambda encoding, name: no(_uncleared(encoding, name)), _is_cleared),
    "under_duty": _truth(_under_duty, _is_under_duty),
    "duty_commenced": _truth(_commenced, _is_commenced),
    "within_contract": _truth(_in_contract, _is_in_contract),
    "confirmed": _said("confirmed", by_role=True),
    "withheld": _said("withheld", by_role=True),
    "excluded": _said("excluded", by_role=False),
    "accused_setting": _truth(_accused, _is_accused),
    "source": _truth(
        lambda encoding, name: encoding.event.among("source", (name,)),
        lambda delivered: delivered.facts.source == delivered.outcome.agency,
    ),
}
