"""The compiled rule set in memory: an inverted index from the fields of an event to the few rules that can match.

Rules of one event type and area are grouped by which equality conditions they ask (their *shape*); each group is one
dict from those fields' values to its rules, so finding rules costs one lookup a shape however many rules there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from operator import itemgetter
from typing import Any, NamedTuple

from streams.policy.artefact import Artefact
from streams.policy.build import (
    build_agencies,
    build_areas,
    build_calendars,
    build_rules,
    build_school_calendars,
)
from streams.policy.calendar_days import Calendar, joined
from streams.policy.clocks import COUNTED_IN_DAYS, ack_by
from streams.policy.compiled import CompiledAgency, CompiledArea, CompiledRule
from streams.policy.contract import EventTypesLike
from streams.policy.decision import FieldPlan, Outcome
from streams.policy.facts import AgencyId, AreaId, EpochMillis, Facts, LocatorToken, RoleId, RuleSetHash
from streams.policy.fields import ONLY_CONFIRMED
from streams.policy.stops import Stop, in_order_of_id

LocatorTokens = Callable[[str, str], LocatorToken]  # (scheme, code) -> token
Matches = tuple[tuple[CompiledRule, bool], ...]  # (rule, whether its key is certain)
Shapes = tuple[tuple[Callable[[Facts], Any], Mapping[Any, Matches]], ...]

AGENCY_SCHEME = "AGENCY"  # of a locator that is an agency's own id
MAX_INTERNED = 50_000  # outcomes and plans kept; then all are forgotten and made again, never changed


class Tokens(NamedTuple):
    """What each locator token stands for. Nothing else can turn a token back into an organisation."""

    school: Mapping[LocatorToken, AgencyId]
    health: Mapping[LocatorToken, AgencyId]  # GP practices and 0-19 providers
    accused: Mapping[LocatorToken, frozenset[AgencyId]]
    authority: Mapping[LocatorToken, str]  # GSS
    agency: Mapping[LocatorToken, AgencyId]  # by its own id; the register names teams so


class RuleSet:
    """Immutable but for caches that never change a result."""

    def __init__(
        self,
        *,
        artefact: Artefact,
        areas: Mapping[AreaId, CompiledArea],
        agencies: Mapping[AgencyId, CompiledAgency],
        rules: tuple[CompiledRule, ...],
        shapes: Mapping[tuple[str, AreaId], Shapes],
        clocks: Mapping[str, str],
        calendars: Mapping[AreaId, Calendar],
        school_calendars: Mapping[AgencyId, Calendar],
        tokens: Tokens,
        event_types: EventTypesLike,
    ) -> None:
        self.hash: RuleSetHash = artefact.hash
        self.areas, self.agencies, self.rules, self.shapes = areas, agencies, rules, shapes
        self.clocks, self.tokens, self.event_types = clocks, tokens, event_types
        self.calendars, self.school_calendars = calendars, school_calendars
        self.calendar = joined(calendars.values())  # of all areas together: the earlier deadline counts
        self._codes = {code: a.id for a in agencies.values() for code in a.identifiers}
        self.area_of_gss: Mapping[str | None, AreaId] = {
            gss: area.id for area in areas.values() for gss in area.authorities
        }
        self.with_role = _with_role(agencies)
        self.in_category = _in_category(agencies)
        self.serving = _serving(agencies)
        self.in_organisation = _in_organisation(agencies)
        self.confirmable = frozenset(
            kind.name for kind in event_types.values() if any(leaf.classes & ONLY_CONFIRMED for leaf in kind.leaves)
        )
        self.stops: tuple[Stop, ...] = ()
        self.stopped_agencies: frozenset[AgencyId] = frozenset()
        self._fresh_caches()

    @classmethod
    def build(cls, artefact: Artefact, event_types: EventTypesLike, locator_token: LocatorTokens) -> RuleSet:
        """Make the index. Pure: equal input gives a rule set that decides equally."""
        document = artefact.document()
        areas = build_areas(document)
        agencies = build_agencies(document, areas)
        rules, keys = build_rules(document, areas)
        calendars = build_calendars(document)
        return cls(
            artefact=artefact,
            areas=areas,
            agencies=agencies,
            rules=rules,
            shapes=_shapes(keys),
            clocks=document["clocks"],
            calendars=calendars,
            school_calendars=build_school_calendars(document, calendars),
            tokens=_tokens(agencies, areas, locator_token),
            event_types=event_types,
        )

    def with_stops(self, stops: Iterable[Stop]) -> RuleSet:
        """The same rule set under exactly these stops, whatever stops it was under. Cheap: all parts are shared."""
        stopped = copy(self)
        stopped.stops = in_order_of_id(stops)
        stopped.stopped_agencies = frozenset(stop.agency for stop in stopped.stops if stop.agency is not None)
        stopped._fresh_caches()
        return stopped

    def agency_for(self, scheme: str, code: str) -> CompiledAgency | None:
        """The agency that a code identifies, None if it takes no part."""
        found = self._codes.get((scheme, code))
        return None if found is None else self.agencies[found]

    def calendar_of(self, agency: AgencyId) -> Calendar:
        """The agency's own calendar, else that of its area; of all areas together for one that is not known."""
        own, known = self.school_calendars.get(agency), self.agencies.get(agency)
        if own is not None:
            return own
        return self.calendar if known is None else self.calendars[known.area]

    def clock_for(self, clock: str | None, agency: AgencyId) -> str | None:
        """The clock, and whose days it counts where that matters: `NEXT_SCHOOL_DAY@oakfield-primary`.

        Agencies with the same days get the same name, so that a batch works out each deadline once.
        """
        if clock not in COUNTED_IN_DAYS:
            return clock
        known = self.agencies.get(agency)
        return f"{clock}@{agency if agency in self.school_calendars or known is None else '/' + known.area}"

    def ack_by(self, clock: str, from_ms: EpochMillis) -> EpochMillis | None:
        """When a clock named by `clock_for` ends, started at `from_ms`; None when it does not."""
        name, _, whose = clock.partition("@")
        if not whose.startswith("/"):
            return ack_by(name, from_ms, self.calendar_of(AgencyId(whose)))
        return ack_by(name, from_ms, self.calendars[AreaId(whose[1:])])

    def forget(self) -> None:
        """Drop all caches, because they are full. Outcomes made later equal the earlier ones, but are new objects."""
        self._fresh_caches()

    def _fresh_caches(self) -> None:
        """What was worked out once. Caches change no result and are bounded by MAX_INTERNED."""
        self.settled: dict[Any, dict[Any, Outcome]] = {}
        self.settled_count = 0
        self.outcomes: dict[Outcome, Outcome] = {}
        self.plans: dict[FieldPlan, FieldPlan] = {}


def _tokens(
    agencies: Mapping[AgencyId, CompiledAgency], areas: Mapping[AreaId, CompiledArea], token: LocatorTokens
) -> Tokens:
    school: dict[LocatorToken, AgencyId] = {}
    health: dict[LocatorToken, AgencyId] = {}
    accused: dict[LocatorToken, frozenset[AgencyId]] = {}
    for agency in agencies.values():
        for scheme, code in agency.identifiers:
            if scheme == "URN":
                school[token("URN", code)] = agency.id
            if scheme == "ODS":
                health[token("ODS", code)] = agency.id
            if scheme in ("URN", "OFSTED_URN"):  # an event names an accused setting by either kind of URN
                key = token("URN", code)
                accused[key] = accused.get(key, frozenset()) | {agency.id}
    authority = {token("GSS", gss): gss for area in areas.values() for gss in area.authorities}
    own = {token(AGENCY_SCHEME, agency): agency for agency in agencies}
    return Tokens(school, health, accused, authority, own)


def _with_role(
    agencies: Mapping[AgencyId, CompiledAgency],
) -> dict[tuple[AreaId, RoleId], tuple[AgencyId, ...]]:
    found: dict[tuple[AreaId, RoleId], list[AgencyId]] = {}
    for agency in agencies.values():
        for role in agency.roles:
            found.setdefault((agency.area, role), []).append(agency.id)
    return {key: tuple(sorted(ids)) for key, ids in found.items()}


def _in_category(
    agencies: Mapping[AgencyId, CompiledAgency],
) -> dict[tuple[AreaId, RoleId, str], tuple[AgencyId, ...]]:
    found: dict[tuple[AreaId, RoleId, str], list[AgencyId]] = {}
    for agency in agencies.values():
        for role in agency.roles:
            found.setdefault((agency.area, role, agency.category), []).append(agency.id)
    return {key: tuple(sorted(ids)) for key, ids in found.items()}


def _in_organisation(
    agencies: Mapping[AgencyId, CompiledAgency],
) -> dict[tuple[AreaId, RoleId, str], tuple[AgencyId, ...]]:
    """(area, role, organisation) -> agencies, of organisations that are more than one agency."""
    found: dict[tuple[AreaId, RoleId, str], list[AgencyId]] = {}
    for agency in agencies.values():
        if agency.organisation != agency.id:
            for role in agency.roles:
                found.setdefault((agency.area, role, agency.organisation), []).append(agency.id)
    return {key: tuple(sorted(ids)) for key, ids in found.items()}


def _serving(
    agencies: Mapping[AgencyId, CompiledAgency],
) -> dict[tuple[AreaId, RoleId, str], tuple[AgencyId, ...]]:
    """(area, role, GSS) -> agencies with that role that serve that authority."""
    found: dict[tuple[AreaId, RoleId, str], list[AgencyId]] = {}
    for agency in agencies.values():
        for role in agency.roles:
            for gss in agency.authorities:
                found.setdefault((agency.area, role, gss), []).append(agency.id)
    return {key: tuple(sorted(ids)) for key, ids in found.items()}


def _shapes(
    keys: Mapping[tuple[str, AreaId], Mapping[tuple[int, ...], Mapping[Any, list[tuple[CompiledRule, bool]]]]],
) -> dict[tuple[str, AreaId], Shapes]:
    return {
        place: tuple(
            (_getter(dims), {key: tuple(found) for key, found in table.items()})
            for dims, table in sorted(by_dims.items())
        )
        for place, by_dims in keys.items()
    }


def _getter(dims: tuple[int, ...]) -> Callable[[Facts], Any]:
    """Reads the key of a shape from facts: one value bare, several as a tuple (as `build_rules` stores them)."""
    if not dims:
        return _nothing
    return itemgetter(*dims)


def _nothing(facts: Facts) -> tuple[()]:
    return ()
