"""Identifier formats, with the test values of the domain catalogue (section 5)."""

from __future__ import annotations

import pytest

from schemas.identifiers import VALIDATORS, check_format, has_postcode, nhs_number

VALID = [
    ("nhs-number", "9449306494"),
    ("nhs-number", "9691292211"),
    ("nhs-number", "9912003888"),
    ("nhs-number", "9434765919"),
    ("upn", "B801200005001"),
    ("upn", "M80120000500A"),
    ("gss", "E09000011"),
    ("gss", "E10000099"),
    ("gss", "E06000098"),
    ("gss", "E07000099"),
    ("gss", "E23000099"),
    ("gss", "W06000015"),
    ("ods", "R0A"),
    ("ods", "Z99001"),
    ("urn", "990001"),
    ("setting-urn", "990001"),
    ("setting-urn", "EY990001"),
    ("setting-urn", "SC990101"),
    ("setting-urn", "2599001"),
    ("laestab", "9992001"),
    ("uprn", "1"),
    ("uprn", "100000000001"),
    ("postcode", "ZZ9 9ZZ"),
    ("postcode", "W1A 1AA"),
    ("phone", "01632 960001"),
    ("phone", "+44 1632 960001"),
    ("phone", "01632 960001 ext 12"),
    ("agency-id", "oakfield-primary"),
    ("role-id", "dsl"),
    ("uuid", "01a0fd32-2d00-7000-8000-000000000001"),
]
INVALID = [
    ("nhs-number", "1234567890"),  # both of these stand in published sample files
    ("nhs-number", "9991234566"),
    ("nhs-number", "9449306495"),
    ("nhs-number", "944930649"),
    ("nhs-number", "944 930 6494"),
    ("nhs-number", "٩٤٤٩٣٠٦٤٩٤"),
    ("nhs-number", ""),
    ("upn", "A801200005001"),
    ("upn", "X80120000A001"),
    ("upn", "I801200005001"),
    ("upn", "M80120000500O"),
    ("upn", "B80120000500"),
    ("upn", "b801200005001"),
    ("gss", "E0900001"),
    ("gss", "E99000011"),
    ("gss", "e09000011"),
    ("gss", "E090000111"),
    ("ods", "r0a"),
    ("ods", "R0"),
    ("ods", "R0A/1"),
    ("urn", "099001"),
    ("urn", "9900011"),
    ("urn", "99000"),
    ("urn", "EY990001"),
    ("setting-urn", "099001"),
    ("setting-urn", "99000"),
    ("setting-urn", "25990011"),
    ("setting-urn", "ey990001"),
    ("setting-urn", "EY 990001"),
    ("setting-urn", "EY99001"),
    ("setting-urn", "XX990001"),
    ("setting-urn", "EY990001\n"),
    ("setting-urn", ""),
    ("laestab", "999/2001"),
    ("laestab", "999200"),
    ("uprn", "0100"),
    ("uprn", "1000000000001"),
    ("postcode", "zz9 9zz"),
    ("postcode", "ZZ99ZZZ"),
    ("phone", "ring me"),
    ("phone", "123"),
    ("agency-id", "Oakfield Primary"),
    ("agency-id", "-oakfield"),
    ("role-id", ""),
    ("uuid", "01A0FD32-2D00-7000-8000-000000000001"),
    ("uuid", "01a0fd322d0070008000000000000001"),
]


@pytest.mark.parametrize(("fmt", "value"), VALID)
def test_right_identifiers_are_accepted(fmt: str, value: str) -> None:
    """A right identifier has nothing to explain."""
    assert check_format(fmt, value) is None


@pytest.mark.parametrize(("fmt", "value"), INVALID)
def test_wrong_identifiers_are_explained_without_repeating_them(fmt: str, value: str) -> None:
    """A wrong identifier gets an explanation of what would be right, which does not hold the value."""
    explanation = check_format(fmt, value)
    assert explanation
    assert not value or value not in explanation


@pytest.mark.parametrize("fmt", sorted(VALIDATORS))
def test_a_line_break_never_slips_through(fmt: str) -> None:
    """A right value followed by a line break is wrong: a pattern's `$` would let it pass."""
    right = next(value for name, value in VALID if name == fmt) if fmt in dict(VALID) else "9"
    assert check_format(fmt, right + "\n")


def test_an_nhs_check_value_of_ten_is_refused() -> None:
    """Nine digits whose check value is 10 have no valid tenth digit at all."""
    assert all(nhs_number(f"400000008{digit}") for digit in range(10))


@pytest.mark.parametrize("value", ["9991002340", "9995003465", "4444444444"])
def test_synthetic_nhs_numbers_are_for_testing_only(value: str) -> None:
    """The range 999 and repetitions pass in testing and are refused in production."""
    assert nhs_number(value) is None
    assert "testing" in (nhs_number(value, synthetic_ok=False) or "")


def test_an_issued_nhs_number_passes_in_production() -> None:
    """A number outside the test range is accepted with synthetic numbers forbidden."""
    assert check_format("nhs-number", "9449306494", synthetic_ok=False) is None


def test_an_unknown_format_is_a_mistake_of_the_caller() -> None:
    """A format nobody defined raises instead of accepting."""
    with pytest.raises(KeyError):
        check_format("shoe-size", "9")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("she is at 4 Elm Street ZZ9 9ZZ now", True),
        ("ZZ99ZZ", True),
        ("ask at zz9 9zz", True),
        ("term 2 ends 9 July", False),
        ("code E10000099", False),
        ("", False),
    ],
)
def test_postcodes_are_found_inside_text(text: str, *, found: bool) -> None:
    """A full postcode anywhere in a text is noticed; codes and dates are not taken for one."""
    assert has_postcode(text) is found
