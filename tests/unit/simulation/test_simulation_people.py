"""The synthetic population."""

from __future__ import annotations

from itertools import islice

from schemas.dates import MILLIS_PER_DAY
from schemas.identifiers import nhs_number, upn
from streams.simulation.agencies import Roster, agencies_of, code_of, school_days_of
from streams.simulation.people import Population
from streams.simulation.synthetic_ids import nhs_numbers
from streams.simulation.synthetic_ids import upn as make_upn
from tests.unit.simulation.area import HOME, NEIGHBOUR, NOW_MS, UNITARY, agencies

TODAY = NOW_MS // MILLIS_PER_DAY


def population(seed: int = 3) -> Population:
    return Population(Roster(agencies()), seed, TODAY, households=150)


def test_every_nhs_number_is_of_the_test_range_with_a_right_check_digit_and_given_once() -> None:
    """Synthetic NHS numbers are valid, reserved for testing, and unique."""
    numbers = list(islice(nhs_numbers(17), 5_000))
    assert {nhs_number(number) for number in numbers} == {None}
    assert all(number.startswith("999") for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_pupil_numbers_have_right_check_letters_temporary_ones_too() -> None:
    """UPNs agree with the published test value and with their check."""
    assert make_upn("801", "2000", 2005, 1) == "B801200005001"
    made = [make_upn("999", "2001", 2019, serial, temporary=serial % 5 == 0) for serial in range(500)]
    assert {upn(number) for number in made} == {None}
    assert made[5][-1].isalpha()


def test_no_two_children_share_an_nhs_number() -> None:
    """One number, one child."""
    numbers = [child.nhs_number for child in population().children if child.nhs_number]
    assert len(numbers) > 200
    assert len(set(numbers)) == len(numbers)


def test_some_children_lack_an_nhs_number_and_some_a_school() -> None:
    """Missing identifiers and home education are part of the population."""
    children = population().children
    assert any(child.nhs_number is None for child in children)
    school_age = [child for child in children if child.age(TODAY) in range(5, 16)]
    assert any(child.school is None for child in school_age)


def test_children_have_the_codes_of_the_agencies_that_know_them() -> None:
    """A school's roll is exactly the children whose school it is; a surgery's list likewise."""
    people = population()
    for school in (a for a in agencies() if a.category == "SCHOOL"):
        roll = people.known_to(school)
        assert roll == [child for child in people.children if child.school == code_of(school, "URN")]
    surgery = next(a for a in agencies() if a.category == "GP")
    assert {child.gp for child in people.known_to(surgery)} == {"Z99001"}


def test_primary_schools_have_young_children_and_secondary_schools_older_ones() -> None:
    """The establishment number decides the phase."""
    people = population()
    ages = {
        urn: [child.age(TODAY) or 0 for child in people.children if child.school == urn] for urn in ("990001", "990004")
    }
    assert max(ages["990001"]) < 11 <= min(ages["990004"])


def test_protected_looked_after_and_out_of_area_children_exist() -> None:
    """The rare cases that decide whether a rule set is safe are in every population."""
    children = population().children
    assert {"NONE", "PROTECTED", "PLACEMENT"} <= {child.protection for child in children}
    placed = [child for child in children if child.looked_after]
    assert placed
    assert all(child.placing_gss in (HOME, UNITARY) for child in placed)
    assert {child.home_gss for child in children} == {HOME, UNITARY, NEIGHBOUR}


def test_unborn_children_have_a_due_date_ahead_and_no_number_of_their_own() -> None:
    """A pregnancy is keyed to the mother (E-08), in any year."""
    people = population()
    for day in (TODAY, TODAY + 400, TODAY + 4_000):
        expected = people.expected(day)
        assert expected
        assert all(child.due is not None and 0 <= child.due - day <= 210 for child in expected)
        assert all(child.nhs_number is None and child.mother_nhs_number and child.born is None for child in expected)


def test_the_same_seed_gives_the_same_people() -> None:
    """Order of agencies does not matter, the seed does."""
    again = Population(Roster(reversed(agencies())), 3, TODAY, households=150)
    assert population().children == again.children
    assert population(4).children != again.children


def test_agencies_come_from_the_document_of_a_rule_set() -> None:
    """An agency that names no authorities serves all of its area."""
    entry = {
        "id": "test-police",
        "name": "Test Police",
        "category": "POLICE",
        "channel": "kafka",
        "identifiers": [["GSS", "E23000099"]],
        "area": "testshire",
        "roles": ["police-safeguarding"],
        "authorities": None,
    }
    document = {"agencies": [entry], "areas": {"testshire": {"authorities": [UNITARY, HOME]}}}
    (agency,) = agencies_of(document)
    assert agency.identifiers == (("GSS", "E23000099"),)
    assert set(agency.authorities) == {HOME, UNITARY}


def test_school_days_follow_terms_and_bank_holidays() -> None:
    """No school at weekends, in the holidays or on a bank holiday."""
    from datetime import date

    area = {"schoolTerms": [["2026-11-02", "2026-12-18"]], "bankHolidays": ["2026-12-03"]}
    is_open = school_days_of({"areas": {"testshire": area}}, "testshire")
    days = {day: is_open(date(2026, 12, day)) for day in (2, 3, 5, 18, 21)}
    assert days == {2: True, 3: False, 5: False, 18: True, 21: False}
