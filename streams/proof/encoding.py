"""The decision as formulas: who is delivered an event of one type, and which fields, second half.

Says what `streams.policy.settle`, `special`, `judgements` and `fields` say, for a symbolic event and without stops. It
shares no code with them; a property test holds the two, and so the proofs, to the same answers. Only what is DELIVERED
is encoded: nothing else discloses anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from schemas.vocabulary import FieldClass
from streams.policy.contract import EventTypeLike, LeafLike
from streams.proof.event import SymbolicEvent
from streams.proof.laws import Laws, SymbolicHit, all_laws, home_withheld, may_hold_home, view_of
from streams.proof.naming import Namer, Naming
from streams.proof.terms import Term, every, no, some
from streams.proof.world import Entry, World

_ROUTING = frozenset({FieldClass.ROUTING})


class Encoding:
    """All decisions about events of one type under one rule set."""

    def __init__(self, world: World, kind: EventTypeLike, event: SymbolicEvent, laws: Laws | None = None) -> None:
        self.world, self.kind, self.event = world, kind, event
        self.namer = Namer(world, event)
        self.laws = laws or all_laws(kind.name)
        rules = world.rules_for(kind.name)
        self._allows = [rule for rule in rules if rule["effect"] == "allow"]
        self._denies = [rule for rule in rules if rule["effect"] == "deny"]
        self._own: dict[str, list[SymbolicHit]] = {}
        self._standing: dict[str, list[tuple[SymbolicHit, Term]]] = {}
        self._delivered: dict[str, Term] = {}
        self._denied: dict[str, Term] = {}

    # what the rules say

    def _own_hits(self, name: str) -> list[SymbolicHit]:
        """Allow rules that may name the agency themselves."""
        found = self._own.get(name)
        if found is None:
            agency = self.world.agencies[name]
            found = self._own[name] = [
                self._hit(rule, agency, naming) for rule in self._allows for naming in self.namer.named(rule, agency)
            ]
        return found

    def _hit(self, rule: Entry, agency: Entry, naming: Naming) -> SymbolicHit:
        says, name = self.event.says, agency["id"]
        roles = dict.fromkeys((naming.role, rule["to"]["role"]))
        confirmed = [says("confirmed", name)]
        confirmed += [says("confirmed", who, role) for role in roles for who in (name, None)]
        view = view_of(self.world, rule, naming.role, agency)
        return SymbolicHit(rule, naming.role, view, naming.when, naming.doubtful, some(confirmed))

    def hits(self, name: str) -> list[SymbolicHit]:
        """Its own, and those it has as the alternate of an agency excluded for a conflict (P-05)."""
        return [*self._own_hits(name), *self._stand_ins[name]] if name in self._stand_ins else self._own_hits(name)

    @cached_property
    def _stand_ins(self) -> dict[str, list[SymbolicHit]]:
        found: dict[str, list[SymbolicHit]] = {}
        if self.laws.conflicts:
            for name in self.world.agencies:
                for alternate, chosen in self._alternates(name):
                    found.setdefault(alternate["id"], []).extend(self._passed_on(name, alternate, chosen))
        return found

    def _alternates(self, name: str) -> Iterator[tuple[Entry, Term]]:
        """Along the chain of alternates, each with when it is the first that is not excluded itself."""
        seen, before = {name}, True
        following = self.world.agencies[name]["alternate"]
        while following is not None and following not in seen and following in self.world.agencies:
            barred = self.event.says("excluded", following)
            yield self.world.agencies[following], every([before, no(barred)])
            before = every([before, barred])
            seen.add(following)
            following = self.world.agencies[following]["alternate"]

    def _passed_on(self, name: str, alternate: Entry, chosen: Term) -> Iterator[SymbolicHit]:
        """What the agency would get if nothing but the conflict barred it."""
        hits = self._own_hits(name)
        if not hits:
            return
        only_conflict = every([
            chosen,
            some([self.event.says("excluded", name), *(self._excluded(name, hit) for hit in hits)]),
            *(some([no(hit.present), self._excluded(name, hit)]) for hit in hits),
            no(self._withheld(name, hits)),
            no(self._denied_to(name)),
            no(self._agency_barred(name)),
        ])  # fmt: skip
        roles = alternate["roles"]
        for hit in hits:
            role = hit.role if hit.role in roles or not roles else roles[0]
            when = every([only_conflict, hit.present, no(self._broken(name, hit))])
            yield self._hit(hit.rule, alternate, Naming(role, when, hit.doubtful))

    # what speaks against

    def _withheld(self, name: str, hits: list[SymbolicHit]) -> Term:
        """The publisher withholds from the agency, from everybody, or from a role that a rule addresses there."""
        if not self.laws.withholding:
            return False
        says = self.event.says
        by_role = (every([hit.present, says("withheld", None, role)]) for hit in hits for role in hit.roles)
        return some([says("withheld", name), says("withheld"), *by_role])

    def _excluded(self, name: str, hit: SymbolicHit) -> Term:
        if not self.laws.conflicts:
            return False
        says = self.event.says
        return some([says("excluded", name), *(says("excluded", name, role) for role in hit.roles)])

    def _agency_barred(self, name: str) -> Term:
        agency = self.world.agencies[name]
        return some(law(self.namer, agency) for law in self.laws.agency.values())

    def _broken(self, name: str, hit: SymbolicHit) -> Term:
        agency = self.world.agencies[name]
        return some(law(self.namer, agency, hit) for law in self.laws.hit.values())

    def _denied_to(self, name: str) -> Term:
        """A deny rule names the agency; one that is not sure to apply does."""
        term = self._denied.get(name)
        if term is None:
            agency = self.world.agencies[name]
            term = self._denied[name] = some(
                naming.when for rule in self._denies for naming in self.namer.named(rule, agency)
            )
        return term

    def _holds_unknown_home(self, name: str) -> Term:
        """The front door of the publisher's area holds the event of a child whose area takes no part (R-07)."""
        areas = [area for area, entry in self.world.areas.items() if entry["frontDoor"] == name]
        if not areas:
            return False
        unknown = every([self.namer.no_home(), no(self.event.among("area_gss", (None,)))])
        return every([
            unknown,
            some(self.namer.published_in(area) for area in areas),
            no(self.event.among("source", (name,))),
        ])  # fmt: skip

    @cached_property
    def stale(self) -> Term:
        """The rules of an area concerned are past their review date, so nothing is decided."""
        return some(
            every([self.namer.concerned(name), no(self.namer.on_days(None, area["reviewBy"]))])
            for name, area in self.world.areas.items()
        )

    # what is delivered

    def standing(self, name: str) -> list[tuple[SymbolicHit, Term]]:
        """Hits with when they stand: they name the agency, and neither a law nor a conflict takes them away."""
        found = self._standing.get(name)
        if found is None:
            found = []
            for hit in self.hits(name):
                term = every([hit.present, no(self._excluded(name, hit)), no(self._broken(name, hit))])
                if term is not False:
                    found.append((hit, term))
            self._standing[name] = found
        return found

    def delivered(self, name: str) -> Term:
        """When the agency receives the event, be it with no more than its metadata."""
        term = self._delivered.get(name)
        if term is None:
            term = self._delivered[name] = self._deliver(name)
        return term

    def _deliver(self, name: str) -> Term:
        standing = self.standing(name)
        if not standing:
            return False
        return every([
            some(stands for _, stands in standing),
            no(self.stale),
            no(self._withheld(name, self.hits(name))),
            no(self._agency_barred(name)),
            no(self._denied_to(name)),
            no(self._holds_unknown_home(name)),
            *(no(every([stands, hit.doubtful])) for hit, stands in standing),
        ])  # fmt: skip

    def addressed(self, name: str, role: str) -> Term:
        """When a delivery to the agency is addressed to the role."""
        return some(stands for hit, stands in self.standing(name) if hit.role == role)

    def kept(self, name: str, leaf: LeafLike) -> Term:
        """When a delivery to the agency has the field."""
        standing = self.standing(name)
        home = home_withheld(self.namer, leaf)
        if home is False:
            return self._given(standing, leaf)
        return some([every([home, may_hold_home(standing)]), every([no(home), self._given(standing, leaf)])])

    def _given(self, standing: list[tuple[SymbolicHit, Term]], leaf: LeafLike) -> Term:
        if leaf.classes == _ROUTING:
            return True
        if FieldClass.CONTROL in leaf.classes and self.laws.control:
            return False
        return some(
            every([stands, no(some(law(self.namer, leaf, hit) for law in self.laws.field.values()))])
            for hit, stands in standing
            if leaf.path in self._share(hit)
        )

    def _share(self, hit: SymbolicHit) -> frozenset[str]:
        projection = self.world.areas[hit.rule["area"]]["projections"][hit.rule["share"]]
        return frozenset(projection["events"].get(self.kind.name, ()))
