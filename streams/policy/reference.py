"""Reference interpreter: the slow, obvious way from an artefact to a decision.

Written to be read beside the requirements and compared with `decide`: property tests hold the two equal on random rule
sets and events. It shares only the words of the reasons with the compiled rule set.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from schemas.vocabulary import Disposition, OutcomeKind
from streams.policy.artefact import Artefact
from streams.policy.clocks import soonest
from streams.policy.contract import EventTypesLike
from streams.policy.decision import Decision, FieldPlan, Outcome
from streams.policy.facts import AgencyId, EpochMillis, Facts, RoleId, RuleId
from streams.policy.reasons import ReasonCode, in_order
from streams.policy.reference_fields import Granted, plan_by_reference
from streams.policy.reference_laws import agency_laws, hit_laws
from streams.policy.reference_match import (
    Entry,
    Named,
    Token,
    World,
    applying,
    concerned,
    day_of,
    home_area,
    named_by,
    source_area,
)
from streams.policy.reference_release import as_if_named, found_by_a_person, waits
from streams.policy.stops import Stop

GROUNDS = ("DETRIMENT", "NOT_RELEVANT", "LEGAL_RESTRICTION", "OPERATIONAL_RISK")


def decide_by_reference(
    facts: Facts,
    artefact: Artefact | None,
    event_types: EventTypesLike,
    token: Token,
    now: EpochMillis,
    stops: Sequence[Stop] = (),
) -> Decision:
    """The same decision as `decide` under these stops, straight from the artefact."""
    if artefact is None:
        return Decision(Disposition.HELD, None, (), ("POLICY_ABSENT",))
    if facts.resolved:
        everybody = facts._replace(released=(), waived=(), resolved=())
        reached = decide_by_reference(everybody, artefact, event_types, token, now, stops).outcomes
        facts = as_if_named(facts, artefact, token, {o.agency for o in reached if o.kind is OutcomeKind.DELIVERED})
    world = World(artefact.document(), token, facts, day_of(now))
    if any(world.day > date.fromisoformat(world.areas[name]["reviewBy"]) for name in concerned(world)):
        return Decision(Disposition.HELD, artefact.hash, (), ("POLICY_STALE",))
    outcomes = _Interpreter(world, event_types, stops).outcomes()
    if not outcomes:
        return Decision(Disposition.UNROUTED, artefact.hash, (), ("NO_CANDIDATE",))
    if all(outcome.kind is OutcomeKind.DENIED for outcome in outcomes):
        return Decision(Disposition.UNROUTED, artefact.hash, outcomes, ("NOBODY_ENTITLED",))
    return Decision(Disposition.DECIDED, artefact.hash, outcomes, ())


class _Interpreter:
    """One event under one artefact and its stops."""

    def __init__(self, world: World, event_types: EventTypesLike, stops: Sequence[Stop]) -> None:
        self.stops = sorted(stops, key=lambda stop: stop.id)
        self.world, self.facts, self.event_types = world, world.facts, event_types
        self.allows: dict[str, list[Named]] = {}
        self.denies: dict[str, list[Entry]] = {}
        self.broad_denies: list[Entry] = []
        self.denied_by_register: set[str] = set()
        for rule, unsure in applying(world):
            self._take(rule, named_by(world, rule, unsure))

    def _take(self, rule: Entry, named: dict[str, Named]) -> None:
        of = rule["to"]["of"]
        if rule["effect"] == "allow":
            for agency, how in named.items():
                self.allows.setdefault(agency, []).append(how)
        elif of == "area" or of.startswith("category:"):
            self.broad_denies.append(rule)
        else:
            for agency, how in named.items():
                self.denies.setdefault(agency, []).append(rule)
                if how.marks:
                    self.denied_by_register.add(agency)

    def outcomes(self) -> tuple[Outcome, ...]:
        self._add_alternates()
        released = (*self.facts.released, *found_by_a_person(self.facts))
        asked = [agency for agency in sorted(self._candidates()) if not self.facts.released or agency in released]
        return tuple(self._outcome(agency) for agency in asked)

    def _candidates(self) -> set[str]:
        names = {*self.allows, *self.denies}
        names |= {j.agency for j in self.facts.judgements if j.agency is not None}
        names |= {e.agency for e in self.facts.exclusions}
        holder = self._holder_of_unknown_home()
        return names if holder is None else names | {holder}

    def _holder_of_unknown_home(self) -> str | None:
        if self.facts.area_gss is None or home_area(self.world) is not None:
            return None
        area = self.world.areas.get(source_area(self.world))
        if area is None or area["frontDoor"] == self.facts.source:
            return "unresolved:child.homeAuthority"
        return str(area["frontDoor"])

    def _outcome(self, agency: str) -> Outcome:
        hits = self.allows.get(agency, [])
        withheld = self._withheld(agency, hits)
        if withheld:
            return self._refused(agency, OutcomeKind.WITHHELD, ["PUBLISHER_WITHHELD", *withheld])
        against = self._agency_laws(agency)
        if self._conflicted(agency, hits):
            against.append("CONFLICT_OF_INTEREST")
        if self._denies(agency):
            against.append("DENY_RULE")
        open_hits = [hit for hit in hits if not self._excluded(agency, hit)]
        sound = [hit for hit in open_hits if not self._hit_laws(agency, hit)]
        holds = [hold for hit in sound for hold in hit.holds if waits(self.facts, hold)]
        border = "CROSS_BORDER_UNKNOWN_AREA"
        if agency == self._holder_of_unknown_home() and (waits(self.facts, border) or not hits):
            holds.append(border)
        if against or not (sound or holds):
            against += [law for hit in open_hits for law in self._hit_laws(agency, hit)]
            known = "NO_RULE" if agency in self.world.agencies else "UNKNOWN_AGENCY"
            return self._refused(agency, OutcomeKind.DENIED, against or [known])
        going = [hit for hit in sound if not self._stops(agency, hit)]
        stopped = [stop.mark for stop in self.stops if any(stop in self._stops(agency, hit) for hit in sound)]
        if sound and not going:
            return self._refused(agency, OutcomeKind.HELD, ["SHARING_STOPPED", *holds], stopped)
        if holds:
            return self._refused(agency, OutcomeKind.HELD, holds)
        return self._delivered(agency, going, stopped)

    def _refused(self, agency: str, kind: OutcomeKind, reasons: list[str], stopped: Sequence[RuleId] = ()) -> Outcome:
        hits = self.allows.get(agency, [])
        rules = sorted({r["id"] for r in self._denies(agency)}) + sorted({h.rule["id"] for h in hits}) + list(stopped)
        roles = sorted({RoleId(hit.role) for hit in hits})
        if agency in self.denied_by_register or any("RELATIONSHIP_REGISTER" in hit.marks for hit in hits):
            reasons = [*reasons, "RELATIONSHIP_REGISTER"]
        words = in_order(ReasonCode(reason) for reason in reasons)
        return Outcome(AgencyId(agency), kind, tuple(roles), tuple(map(RuleId, rules)), words, None, None, None)

    # what the publisher said

    def _withheld(self, agency: str, hits: list[Named]) -> list[str]:
        grounds = []
        for judgement in self.facts.judgements:
            anyone = judgement.agency is None and judgement.role is None
            by_role = judgement.agency is None and any(hit.addresses(judgement.role) for hit in hits)
            if judgement.judgement != "CONFIRMED" and (judgement.agency == agency or anyone or by_role):
                grounds.append(judgement.ground if judgement.ground in GROUNDS else "GROUND_NOT_STATED")
        return [ground for ground in grounds if ground is not None]

    def _confirmed(self, agency: str, hit: Named) -> bool:
        for judgement in self.facts.judgements:
            if judgement.judgement != "CONFIRMED" or (judgement.agency is None and judgement.role is None):
                continue
            here = judgement.agency is None or judgement.agency == agency
            if here and (judgement.role is None or hit.addresses(judgement.role)):
                return True
        return False

    def _excluded(self, agency: str, hit: Named) -> bool:
        return any(e.agency == agency and (e.role is None or hit.addresses(e.role)) for e in self.facts.exclusions)

    def _conflicted(self, agency: str, hits: list[Named]) -> bool:
        exclusions = [e for e in self.facts.exclusions if e.agency == agency]
        if any(e.role is None for e in exclusions):
            return True
        return bool(exclusions) and all(self._excluded(agency, hit) for hit in hits)

    # what the area's deny rules say

    def _denies(self, agency: str) -> list[Entry]:
        entry = self.world.agencies.get(agency)
        broad = [rule for rule in self.broad_denies if entry is not None and _in_class(rule, entry)]
        return [*self.denies.get(agency, []), *broad]

    # what the law says

    def _agency_laws(self, agency: str) -> list[str]:
        return agency_laws(self.world, self.world.agencies.get(agency))

    def _hit_laws(self, agency: str, hit: Named) -> list[str]:
        cleared = all(role["restricted"] for role in self._roles(agency, hit))
        return hit_laws(self.world, agency, hit, cleared=cleared, confirmed=self._confirmed(agency, hit))

    def _roles(self, agency: str, hit: Named) -> list[Entry]:
        """Definitions that bind the addressed role here; all of them must permit. A role it lacks permits nothing."""
        nothing = {"classes": [], "restricted": False, "serves": "PERSON_OF_CONCERN", "locating": False}
        entry = self.world.agencies.get(agency)
        own_area = hit.rule["area"] if entry is None else entry["area"]
        lacks = entry is not None and hit.role not in entry["roles"]
        found = []
        for area, role in ((hit.rule["area"], hit.rule["to"]["role"]), (own_area, hit.role)):
            definition = self.world.areas[area]["roles"].get(role, nothing)
            found.append({**definition, "locating": role in self.world.areas[area]["locatingRoles"]})
        return [found[0], nothing] if lacks else found

    # what a person has stopped

    def _stops(self, agency: str, hit: Named) -> list[Stop]:
        """Stops all of whose parts match this rule for this agency."""
        found = list(self.stops)
        found = [stop for stop in found if stop.rule is None or stop.rule == hit.rule["id"]]
        found = [stop for stop in found if stop.event_type is None or stop.event_type == self.facts.event_type]
        return [stop for stop in found if stop.agency is None or stop.agency in (agency, self.facts.source)]

    # who stands in

    def _add_alternates(self) -> None:
        barred = {e.agency for e in self.facts.exclusions if e.role is None}
        added: list[tuple[str, Named]] = []
        for agency in sorted({e.agency for e in self.facts.exclusions}):
            hits = self.allows.get(agency, [])
            alternate = self._alternate(agency, barred)
            free = not (self._withheld(agency, hits) or self._denies(agency) or self._agency_laws(agency))
            if alternate is None or not free or not all(self._excluded(agency, hit) for hit in hits):
                continue
            for hit in hits:
                if not self._hit_laws(agency, hit):
                    roles = alternate["roles"]
                    role = hit.role if hit.role in roles or not roles else roles[0]
                    marks = [*hit.marks, "ALTERNATE_FOR_EXCLUDED"]
                    added.append((alternate["id"], Named(hit.rule, role, marks, hit.holds)))
        for name, hit in added:
            self.allows.setdefault(name, []).append(hit)

    def _alternate(self, agency: str, barred: set[AgencyId]) -> Entry | None:
        agencies, seen = self.world.agencies, {agency}
        here = agencies.get(agency)
        while here is not None and here["alternate"] is not None and here["alternate"] not in seen:
            here = agencies.get(here["alternate"])
            if here is not None and here["id"] not in barred:
                return here
            seen.add(here["id"] if here is not None else "")
        return None

    # what is delivered

    def _delivered(self, agency: str, hits: list[Named], stopped: Sequence[RuleId]) -> Outcome:
        rules = {hit.rule["id"]: hit.rule for hit in hits}
        speaking = [rules[name] for name in sorted(rules)]
        default = self.world.document["clocks"][self.facts.event_type]
        bases = [self.world.areas[r["area"]]["agreements"][r["under"]]["lawfulBasis"] for r in speaking]
        marks = [mark for hit in hits for mark in hit.marks]
        lost = [h for name, named in self.allows.items() if name.startswith("unresolved:") for h in named]
        if any(self.world.areas[h.rule["area"]]["frontDoor"] == agency for h in lost):
            marks.append("FALLBACK_FRONT_DOOR")
        border = "CROSS_BORDER_UNKNOWN_AREA"
        doubted = [hold for hit in hits for hold in hit.holds]
        doubted += [border] if agency == self._holder_of_unknown_home() else []
        if self.facts.released and (doubted or agency in found_by_a_person(self.facts)):
            marks.append("RELEASED")
        return Outcome(
            AgencyId(agency),
            OutcomeKind.DELIVERED,
            tuple(sorted({RoleId(hit.role) for hit in hits})),
            (*(RuleId(rule["id"]) for rule in speaking), *stopped),
            in_order(ReasonCode(word) for word in ["ALLOWED", *marks]),
            " | ".join(dict.fromkeys(bases)),
            self._plan(agency, hits),
            soonest(rule["clock"] or default for rule in speaking),
        )

    def _plan(self, agency: str, hits: list[Named]) -> FieldPlan:
        granted = []
        for hit in hits:
            projection = self.world.areas[hit.rule["area"]]["projections"][hit.rule["share"]]
            share = projection["events"].get(self.facts.event_type, [])
            granted.append(Granted(share, self._roles(agency, hit), self._confirmed(agency, hit)))
        return plan_by_reference(self.event_types[self.facts.event_type], self.facts, granted)


def _in_class(rule: Entry, agency: Entry) -> bool:
    same_area = bool(agency["area"] == rule["area"] and rule["to"]["role"] in agency["roles"])
    return same_area and rule["to"]["of"] in ("area", "category:" + agency["category"])
