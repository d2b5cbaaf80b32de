"""Whom an event is about, and what its publisher says about its recipients."""

from __future__ import annotations

from random import Random

from schemas.wire import Datum
from streams.simulation import envelope as fill
from streams.simulation.agencies import AreaAgency, Roster, code_of
from streams.simulation.habits import AGES, LEAN, MAY_BE_UNBORN
from streams.simulation.people import Child, Population
from streams.simulation.template import Template

_ELSEWHERE = 0.03  # share of events about a child that the agency does not have on its list
_TRIES = 16
_EXPLICIT, _WITHHELD, _EXCLUDED = 0.06, 0.03, 0.01
_ALL_AGES = range(18)
# Roles that only ever receive when the publisher names them.
_NAMED_ROLES = frozenset(
    {"idva", "family-support-worker", "allocated-team", "exploitation-worker", "mash-health", "camhs-safeguarding"}
)


class ChildChooser:
    """Finds a child that an event of a type by an agency may be about."""

    def __init__(self, roster: Roster, people: Population) -> None:
        self._people = people
        self._by_authority: dict[str, list[Child]] = {}
        for child in people.children:
            self._by_authority.setdefault(child.home_gss, []).append(child)
        self._lists: dict[str, list[Child]] = {agency.id: self._list(agency) for agency in roster.all}

    def choose(self, rng: Random, agency: AreaAgency, template: Template, on_day: int) -> Child:
        """A child of a fitting age on a day (since 1970-01-01)."""
        name = template.event_type.name
        if template.unborn or rng.random() < MAY_BE_UNBORN.get(name, 0.0):
            expected = self._people.expected(on_day)
            if expected:
                return rng.choice(expected)
        everyone = self._people.children
        candidates = self._lists[agency.id] if rng.random() >= _ELSEWHERE else everyone
        ages = AGES.get(name, _ALL_AGES)
        needs_number = name in LEAN or template.needs_nhs_number
        for _ in range(_TRIES):
            child = rng.choice(candidates)
            if child.age(on_day) in ages and (child.nhs_number is not None or not needs_number):
                return child
        fitting = [child for child in everyone if child.nhs_number is not None and child.age(on_day) in ages]
        return rng.choice(fitting or everyone)

    def _list(self, agency: AreaAgency) -> list[Child]:
        own = self._people.known_to(agency)
        if own:
            return own
        nearby = [child for gss in sorted(agency.authorities) for child in self._by_authority.get(gss, [])]
        return nearby or self._people.children


class RecipientChooser:
    """The publisher's judgements (L-02, L-03) and exclusions (P-05), about agencies that exist."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._by_code = {code: agency for agency in roster.all for code in agency.identifiers}
        self._named = [agency for agency in roster.all if _NAMED_ROLES.intersection(agency.roles)]
        self._front_doors = {
            gss: agency for agency in roster.all if (gss := code_of(agency, "GSS")) and "front-door" in agency.roles
        }

    def judge(
        self, rng: Random, envelope: Datum, agency: AreaAgency, child: Child, asker: AreaAgency | None, at_ms: int
    ) -> None:
        """Fill `proposedRecipients` and `excludeRecipients`. `asker` published the event this one is about."""
        likely = [each for each in self._likely(child) if each is not agency]
        said = envelope["proposedRecipients"]
        judgements: list[Datum] = []
        if said is not None:
            withholds = said[0]["judgement"] == "WITHHELD"
            others = [asker] if asker is not None and asker is not agency else likely[: len(said)]
            others = others or [each for each in self._roster.in_area(agency.area) if each is not agency][:1]
            judgements = [fill.withheld(rng, e, at_ms) if withholds else fill.confirmed(e) for e in others]
        elif self._named and rng.random() < _EXPLICIT:
            named = rng.choice(self._named)
            judgements = [] if named is agency else [fill.confirmed(named)]
        if likely and rng.random() < _WITHHELD:
            against = rng.choice(likely)
            judgements = [each for each in judgements if each["agency"] != against.id]
            judgements.append(fill.withheld(rng, against, at_ms))
        envelope["proposedRecipients"] = judgements or None
        self._exclude(rng, envelope, likely)

    def _exclude(self, rng: Random, envelope: Datum, likely: list[AreaAgency]) -> None:
        accused = self._by_code.get(("URN", envelope["settings"]["accusedSettingUrn"]))
        exclusions = [fill.excluded(rng, accused)] if accused is not None else []
        if likely and rng.random() < _EXCLUDED:
            exclusions.append(fill.excluded(rng, rng.choice(likely)))
        envelope["excludeRecipients"] = exclusions or None

    def _likely(self, child: Child) -> list[AreaAgency]:
        """Agencies that rules will probably choose: the child's school, council, surgery, health visitor."""
        codes = (("URN", child.school), ("ODS", child.gp), ("ODS", child.community_health))
        found = [self._by_code[scheme, code] for scheme, code in codes if code and (scheme, code) in self._by_code]
        home = self._front_doors.get(child.home_gss)
        return found if home is None else [found[0], home, *found[1:]] if found else [home]
