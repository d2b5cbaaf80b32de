"""What one rule set answers to one recipient, for every possible event of a type at once.

The same steps as `streams.policy.decide`, each over diagrams instead of one event's facts: conditions, selectors and
laws are asked of the very functions that decide, over all combinations of the few dimensions that each of them reads;
how their answers are put together is written here anew and held to `decide` by a property test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streams.policy import laws
from streams.policy.compiled import NO, UNSURE, CompiledAgency
from streams.policy.facts import AgencyId
from streams.policy.fields import Grant, plan
from streams.policy.laws import AGENCY_LAWS, HIT_LAWS, Circumstances, Claim, Standing
from streams.policy.settle import view_of
from streams.proof.boxes import Diagram, Diagrams
from streams.proof.diff_reach import Named, Reach, chain_to, roles_of
from streams.proof.diff_space import Side, Space
from streams.proof.diff_voice import BROKEN, DELIVERED, EXCLUDED, HELD, NOTHING, SILENT, Voice, joined, settled

# What each law reads of the event and of how the recipient stands to it.
LAW_READS: Mapping[Callable[..., Any], tuple[str, ...]] = {
    laws.accused_setting: ("is_accused",),
    laws.duty_commenced: ("gateway", "day"),
    laws.duty_basis: ("gateway", "day"),
    laws.contract_in_time: ("day",),
    laws.contract_in_scope: (),
    laws.not_the_source: ("is_source",),
    laws.rule_area_commenced: ("gateway", "day"),
    laws.restricted_lane: ("restricted",),
    laws.sensitive_service: ("sensitive", "confirmed"),
    laws.regime_covered: ("regime",),
    laws.purpose_agreed: ("purpose",),
    laws.agreement_in_force: ("day",),
    laws.party_to_agreement: (),
}


class Answers(Reach):
    """One side's answers over one space."""

    def __init__(self, side: Side, space: Space, diagrams: Diagrams) -> None:
        super().__init__(side, space, diagrams)
        self._plans: dict[tuple[Grant, bool], frozenset[str]] = {}

    def answer(self, recipient: AgencyId, excluded: tuple[AgencyId, ...] = ()) -> Diagram:
        """The recipient's Answer, when of the agencies that it stands in for only `excluded` may be excluded."""
        hits = [*self.hits(recipient)]
        for agency in excluded:
            hits += self._stand_ins(agency, recipient)
        voice = self._made.leaf(SILENT)
        for hit in hits:
            voice = self._made.combine(joined, voice, self._voice(hit, recipient))
        holder = self._holder(recipient)
        barred = self._made.either(
            self.stale(), self._withheld(recipient, hits), self._agency_laws(recipient), self._denied(recipient)
        )
        whole, partly = self._bit(f"excluded:{recipient}"), self._made.either(*self._excluded_roles(recipient))
        return self._made.combine(settled, voice, barred, whole, partly, holder)

    def _withheld(self, agency: AgencyId, hits: list[Named]) -> Diagram:
        by_role = []
        for hit in hits:
            there = self._made.combine(lambda state: state != NO, hit.state)
            said = self._made.either(*(self._bit(f"withheldRole:{role}") for role in roles_of(hit)))
            by_role.append(self._made.both(there, said))
        return self._made.either(self._bit(f"withheld:{agency}"), *by_role)

    def _excluded(self, agency: AgencyId, hit: Named) -> Diagram:
        """Whether a conflict of interest bars the hit."""
        by_role = (self._bit(f"excluded:{agency}/{role}") for role in roles_of(hit))
        return self._made.either(self._bit(f"excluded:{agency}"), *by_role)  # the first only for those between

    def _confirmed(self, agency: AgencyId, hit: Named) -> Diagram:
        by_name = [f"{kind}:{agency}/{role}" for role in roles_of(hit) for kind in ("confirmed", "confirmedByName")]
        return self._made.either(*map(self._bit, (*by_name, *(f"confirmedRole:{role}" for role in roles_of(hit)))))

    def _law_axis(self, name: str, agency: AgencyId, hit: Named | None) -> Diagram:
        if name == "confirmed" and hit is not None:
            return self._confirmed(agency, hit)
        if name == "is_source":
            return self._asked(("source",), lambda facts: facts.source == agency)
        if name == "is_accused":
            accused = self._rules.tokens.accused
            return self._asked(("accused_setting",), lambda f: agency in accused.get(f.accused_setting, ()))  # type: ignore[arg-type]
        return self._axis("sensitiveService" if name == "sensitive" else name)

    def _agency_laws(self, agency: AgencyId) -> Diagram:
        """Whether a law denies the agency whatever the rules say."""
        known = self._rules.agencies.get(agency)
        if known is None:
            return self._made.leaf(False)
        area = self._rules.areas.get(known.area)
        found = []
        for law in AGENCY_LAWS:
            reads = LAW_READS[law]

            def barred(*said: Any, law: Any = law, reads: tuple[str, ...] = reads) -> bool:
                event = dict(zip(reads, said, strict=True))
                standing = Standing(known, area, False, event.get("is_accused", False))
                return law(self._case(event), known, standing) is not None

            found.append(self._law(barred, reads, agency, None))
        return self._made.either(*found)

    def _broken(self, agency: AgencyId, hit: Named) -> Diagram:
        """Whether a law takes the hit away."""
        known = self._rules.agencies.get(agency)
        area = None if known is None else self._rules.areas.get(known.area)
        view = view_of(self._rules, agency, hit.rule.hit(hit.role))
        found = []
        for law in HIT_LAWS:
            reads = LAW_READS[law]

            def taken(*said: Any, law: Any = law, reads: tuple[str, ...] = reads) -> bool:
                event = dict(zip(reads, said, strict=True))
                standing = Standing(known, area, event.get("is_source", False), False)
                claim = Claim(hit.rule, self._rules.areas[hit.rule.area], view, event.get("confirmed", False))
                return law(self._case(event), standing, claim) is not None

            found.append(self._law(taken, reads, agency, hit))
        return self._made.either(*found)

    def _law(self, law: Callable[..., bool], reads: tuple[str, ...], agency: AgencyId, hit: Named | None) -> Diagram:
        axes = [self._law_axis(name, agency, hit) for name in reads]
        return self._made.combine(law, *axes) if axes else self._made.leaf(law())

    def _case(self, event: Mapping[str, Any]) -> Circumstances:
        plain = {"gateway": "", "regime": "", "purpose": "", "sensitive": False, "restricted": False, "day": 0}
        given = {name: event.get(name, otherwise) for name, otherwise in plain.items()}
        return Circumstances(event_type=self._space.event_type, protected=False, **given)

    def _voice(self, hit: Named, agency: AgencyId) -> Diagram:
        """What one hit says for the agency."""
        basis = NOTHING if hit.rule.agreement is None else frozenset({hit.rule.agreement.lawful_basis})
        clock = hit.rule.clock or self._rules.clocks.get(self._space.event_type, "NONE")
        share = hit.rule.shares.get(self._space.event_type, frozenset())
        view = view_of(self._rules, agency, hit.rule.hit(hit.role))

        def voice(state: int, excluded: bool, broken: bool, protection: str, confirmed: bool) -> Voice:
            if state == NO:
                return SILENT
            if excluded or broken:
                return Voice(EXCLUDED if excluded else BROKEN)
            if state == UNSURE:
                return Voice(HELD)
            kept = self._kept(Grant(share, view, confirmed), protection != "NONE")
            return Voice(DELIVERED, kept, clock, frozenset({hit.role}), basis)

        return self._made.combine(
            voice,
            hit.state,
            self._excluded(agency, hit),
            self._broken(agency, hit),
            self._axis("protection"),
            self._confirmed(agency, hit),
        )

    def _kept(self, grant: Grant, protected: bool) -> frozenset[str]:
        found = self._plans.get((grant, protected))
        if found is None:
            found = NOTHING if self._kind is None else plan(self._kind, (grant,), protected=protected).kept
            self._plans[(grant, protected)] = found
        return found

    def _stand_ins(self, agency: AgencyId, recipient: AgencyId) -> list[Named]:
        """What the recipient is given in the place of an excluded agency (P-05)."""
        known, alternate = self._rules.agencies.get(agency), self._rules.agencies.get(recipient)
        if known is None or alternate is None:
            return []
        chain = chain_to(self._side, agency, recipient)
        if chain is None:
            return []
        hits = self.hits(agency)
        spared = [
            self._made.combine(lambda state, out: state != NO and not out, hit.state, self._excluded(agency, hit))
            for hit in hits
        ]
        against = self._made.either(
            *spared,
            self._withheld(agency, hits),
            self._denied(agency),
            self._agency_laws(agency),
            self._bit(f"excluded:{recipient}"),
        )
        out = self._made.either(self._bit(f"excluded:{agency}"), *self._excluded_roles(agency))
        on = [out, *(self._bit(f"excluded:{each}") for each in chain)]
        open_ = self._made.combine(lambda there, bar: there and not bar, self._made.both(*on), against)
        return [self._stand_in(agency, alternate, hit, open_) for hit in hits]

    def _stand_in(self, agency: AgencyId, alternate: CompiledAgency, hit: Named, open_: Diagram) -> Named:
        role = hit.role if hit.role in alternate.roles or not alternate.roles else alternate.roles[0]
        broken = self._broken(agency, hit)
        state = self._made.combine(lambda on, out, was: was if on and not out else NO, open_, broken, hit.state)
        return Named(hit.rule, role, state)
