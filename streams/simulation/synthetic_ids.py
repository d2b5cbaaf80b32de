"""Synthetic identifiers of children: of the right form, never issued to anybody."""

from __future__ import annotations

from collections.abc import Iterator

TEST_RANGE = "999"  # NHS numbers that begin so are reserved for testing
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"  # worth 0 to 22
_STEP = 387_421  # no common factor with a million: every number once, in an order that looks like none
_NUMBERS = 1_000_000


def nhs_numbers(start: int) -> Iterator[str]:
    """NHS numbers of the test range, each once, with right check digits; `start` shifts the order."""
    for index in range(_NUMBERS):
        nine = f"{TEST_RANGE}{(start + index * _STEP) % _NUMBERS:06d}"
        check = nhs_check_digit(nine)
        if check is not None:
            yield nine + check


def nhs_check_digit(nine: str) -> str | None:
    """Modulus 11 check digit of nine digits; None where it would be 10, which is never issued."""
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), nine, strict=True))
    check = (11 - total % 11) % 11
    return None if check == 10 else str(check)


def upn(authority: str, establishment: str, year: int, serial: int, *, temporary: bool = False) -> str:
    """Unique pupil number from a school's LAESTAB parts, year of admission and serial number in that year."""
    last = UPN_LETTERS[serial % 23] if temporary else str(serial % 10)
    body = f"{authority:0>3}{establishment:0>4}{year % 100:02d}{serial // 10 % 100:02d}{last}"
    total = sum(place * _worth(sign) for place, sign in enumerate(body, 2))
    return UPN_LETTERS[total % 23] + body


def _worth(sign: str) -> int:
    return int(sign) if sign.isdigit() else UPN_LETTERS.index(sign)
