"""A synthetic population: households whose children have schools, surgeries, carers and histories.

Everything is made from a seed. Names are invented, NHS numbers are of the test range, and nobody exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count, islice
from random import Random

from schemas.dates import date_of_days
from streams.simulation.agencies import AreaAgency, Roster, code_of
from streams.simulation.names import FAMILY_NAMES, GIVEN_NAMES
from streams.simulation.relations import Relation, relations_of
from streams.simulation.synthetic_ids import nhs_numbers, upn

HOUSEHOLDS = 500
_CHILDREN_PER_HOUSEHOLD = (1, 1, 1, 2, 2, 2, 3, 3, 4)
_OUT_OF_AREA = 0.05  # share of households that live in a neighbouring area
_PROTECTED, _REFUGE, _LOOKED_AFTER, _SEALED = 0.04, 0.01, 0.05, 0.005
_WITHOUT_NHS_NUMBER, _HOME_EDUCATED, _OTHER_SCHOOL = 0.03, 0.04, 0.05
_MOTHERS_TO_BE = 60
_PREGNANCY_EVERY_DAYS = 500
_EXPECTED_WITHIN_DAYS = 210
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One child, born or expected. `born` and `due` are days since 1970-01-01, one of them set.

    `nhs_number` and `upn` are what exists; which agency knows them is another matter. `setting` is the id of the
    nursery or childminder, `school` and the rest are codes as the envelope's `settings` has them.
    """

    number: int
    household: int
    name: str | None
    born: int | None
    due: int | None
    nhs_number: str | None
    mother_nhs_number: str | None
    upn: str | None
    upn_unknown_reason: str | None
    home_gss: str
    school: str | None
    gp: str | None
    community_health: str | None
    setting: str | None
    protection: str
    looked_after: bool
    placing_gss: str | None
    host_gss: str | None
    sealed: bool  # adoption, witness protection: the restricted lane
    relations: tuple[Relation, ...]

    def age(self, on_day: int) -> int | None:
        """Completed years; None before birth or when not yet born."""
        if self.born is None or on_day < self.born:
            return None
        return int((on_day - self.born) / _DAYS_PER_YEAR)


class Population:
    """The children of an area, found by the agency that knows them."""

    def __init__(self, roster: Roster, seed: int, as_of_day: int, households: int = HOUSEHOLDS) -> None:
        """Children are 0 to 17 years old on `as_of_day` (days since 1970-01-01)."""
        self._rng = Random(f"{seed}:people")
        self._numbers = nhs_numbers(self._rng.randrange(1_000_000))
        self._places = {area: _Places(roster, area) for area in roster.areas}
        self._roster = roster
        self._as_of = as_of_day
        self._count = count(1)
        self.children: list[Child] = []
        self._known_to: dict[str, list[Child]] = {}
        self.siblings: dict[int, list[Child]] = {}
        for number in range(households):
            self._household(number)
        self._expected = [self._unborn(mother) for mother in islice(self._numbers, _MOTHERS_TO_BE)]

    def known_to(self, agency: AreaAgency) -> list[Child]:
        """Children on an agency's own roll or list; none for agencies that keep no such list."""
        return self._known_to.get(agency.id, [])

    def expected(self, on_day: int) -> list[Child]:
        """Unborn children whose mothers are pregnant on a day."""
        found = []
        for child, first_due in self._expected:
            due = first_due + -(-(on_day - first_due) // _PREGNANCY_EVERY_DAYS) * _PREGNANCY_EVERY_DAYS
            if 0 <= due - on_day <= _EXPECTED_WITHIN_DAYS:
                found.append(replace(child, due=due))
        return found

    def spare_nhs_number(self) -> str:
        """A number nobody has, for an identifier that is replaced."""
        return next(self._numbers)

    def _household(self, number: int) -> None:
        rng, roster = self._rng, self._roster
        area = roster.area
        if len(roster.areas) > 1 and rng.random() < _OUT_OF_AREA:
            area = rng.choice(roster.areas[1:])
        places = self._places[area]
        home = rng.choice(places.authorities)
        family = rng.choice(FAMILY_NAMES)
        draw = rng.random()
        protection = "REFUGE" if draw < _REFUGE else "PROTECTED" if draw < _REFUGE + _PROTECTED else "NONE"
        gp = rng.choice(places.surgeries) if places.surgeries else None
        made = [
            self._child(number, family, area, home, gp, protection) for _ in range(rng.choice(_CHILDREN_PER_HOUSEHOLD))
        ]
        self.siblings[number] = made
        self.children.extend(made)

    def _child(
        self, household: int, family: str, area: str, home: str, gp: AreaAgency | None, protection: str
    ) -> Child:
        rng, roster, places = self._rng, self._roster, self._places[area]
        born = self._as_of - 1 - int(rng.random() * 18 * _DAYS_PER_YEAR)
        age = int((self._as_of - born) / _DAYS_PER_YEAR)
        looked_after = rng.random() < _LOOKED_AFTER
        placing = rng.choice(roster.authorities()) if looked_after else None
        if looked_after and protection == "NONE":
            protection = "PLACEMENT"
        school_area = rng.choice(roster.areas) if rng.random() < _OTHER_SCHOOL else area
        school = self._places[school_area].school(rng, age) if rng.random() >= _HOME_EDUCATED else None
        nursery = rng.choice(places.nurseries) if places.nurseries and age < 5 and rng.random() < 0.6 else None
        health = rng.choice(places.community_health) if places.community_health else None
        number = next(self._numbers)
        pupil_number = None if school is None else self._upn(school, born)
        child = Child(
            number=next(self._count),
            household=household,
            name=f"{rng.choice(GIVEN_NAMES)} {family}",
            born=born,
            due=None,
            nhs_number=None if rng.random() < _WITHOUT_NHS_NUMBER else number,
            mother_nhs_number=None,
            upn=pupil_number,
            upn_unknown_reason=None if pupil_number else "UN1" if age < 5 else rng.choice(("UN2", "UN3", "UN5")),
            home_gss=home,
            school=code_of(school, "URN") if school else None,
            gp=code_of(gp, "ODS") if gp else None,
            community_health=code_of(health, "ODS") if health else None,
            setting=nursery.id if nursery else None,
            protection=protection,
            looked_after=looked_after,
            placing_gss=placing,
            host_gss=home if placing not in (None, home) else None,
            sealed=rng.random() < _SEALED,
            relations=relations_of(rng, looked_after=looked_after),
        )
        for agency in (school, gp, nursery, health):
            if agency is not None:
                self._known_to.setdefault(agency.id, []).append(child)
        return child

    def _upn(self, school: AreaAgency, born: int) -> str | None:
        rng = self._rng
        laestab = code_of(school, "LAESTAB") or "9994000"
        year = date_of_days(born).year + 4
        return upn(laestab[:3], laestab[3:], year, rng.randrange(1000), temporary=rng.random() < 0.02)

    def _unborn(self, mother: str) -> tuple[Child, int]:
        """A pregnancy and the day of its first due date; the next ones follow at a fixed distance."""
        rng, places = self._rng, self._places[self._roster.area]
        gp = rng.choice(places.surgeries) if places.surgeries else None
        health = rng.choice(places.community_health) if places.community_health else None
        child = Child(
            number=next(self._count),
            household=-1,
            name=None,
            born=None,
            due=0,
            nhs_number=None,
            mother_nhs_number=mother,
            upn=None,
            upn_unknown_reason=None,
            home_gss=rng.choice(places.authorities),
            school=None,
            gp=code_of(gp, "ODS") if gp else None,
            community_health=code_of(health, "ODS") if health else None,
            setting=None,
            protection="PROTECTED" if rng.random() < _PROTECTED else "NONE",
            looked_after=False,
            placing_gss=None,
            host_gss=None,
            sealed=False,
            relations=relations_of(rng, looked_after=False),
        )
        return child, self._as_of + rng.randrange(_PREGNANCY_EVERY_DAYS)


class _Places:
    """Where children of one area can belong."""

    def __init__(self, roster: Roster, area: str) -> None:
        self.authorities = roster.authorities(area)
        self.surgeries = roster.of_category("GP", area)
        self.community_health = roster.of_category("HV_SN", area)
        self.nurseries = roster.of_category("EARLY_YEARS", area)
        self._schools = tuple(a for a in roster.of_category("SCHOOL", area) if code_of(a, "URN"))
        self._colleges = tuple(a for a in roster.of_category("COLLEGE", area) if code_of(a, "URN"))

    def school(self, rng: Random, age: int) -> AreaAgency | None:
        if age < 4 or not self._schools:
            return None
        phase = [school for school in self._schools if _takes(school, age)]
        if age >= 16 and self._colleges:
            phase += self._colleges
        return rng.choice(phase or list(self._schools))


def _takes(school: AreaAgency, age: int) -> bool:
    """Establishment numbers tell the phase: 2000 to 3999 are primaries, 4000 to 5999 secondaries."""
    phase = (code_of(school, "LAESTAB") or "")[3:4]
    if phase in ("2", "3"):
        return age < 11
    return age >= 11 if phase in ("4", "5") else True
