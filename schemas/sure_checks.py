"""Quick predicates for the cutter: true only for values that `schemas.identifiers` would accept.

False means no more than "not sure": the slow path then decides and explains. Organisation codes are remembered, since
the same few thousand come again and again; a child's identifiers are never kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from schemas.identifiers import check_format

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_REMEMBERED_CODES = 65_536
_ORGANISATION_FORMATS = ("urn", "setting-urn", "ods", "gss", "laestab", "agency-id", "role-id")
_PERSONAL_FORMATS = ("uprn", "postcode", "phone")

Check = Callable[[str], bool]


def sure_checks(*, synthetic_ok: bool = True) -> Mapping[str, Check]:
    """A predicate for every `masa:format`. `synthetic_ok=False` is not sure of test NHS numbers."""
    checks: dict[str, Check] = {fmt: _remembering(fmt) for fmt in _ORGANISATION_FORMATS}
    checks.update({fmt: _each_time(fmt) for fmt in _PERSONAL_FORMATS})
    nhs = sure_nhs_number if synthetic_ok else _sure_issued_nhs_number
    checks.update({"nhs-number": nhs, "upn": sure_upn, "uuid": sure_uuid})
    return checks


def sure_nhs_number(value: str) -> bool:
    """Ten digits with a right check digit (mod 11, weights 10 to 2)."""
    if len(value) != 10 or not (value.isascii() and value.isdigit()):
        return False
    a, b, c, d, e, f, g, h, i, check = value.encode()
    total = 10 * a + 9 * b + 8 * c + 7 * d + 6 * e + 5 * f + 4 * g + 3 * h + 2 * i + check - 55 * 48
    return total % 11 == 0


def _sure_issued_nhs_number(value: str) -> bool:
    return sure_nhs_number(value) and not value.startswith("999") and len(set(value)) > 1


def sure_upn(value: str) -> bool:
    """A permanent UPN: check letter, then twelve digits."""
    digits = value[1:]
    if len(value) != 13 or not (digits.isascii() and digits.isdigit()):
        return False
    a, b, c, d, e, f, g, h, i, j, k, m = digits.encode()
    total = 2 * a + 3 * b + 4 * c + 5 * d + 6 * e + 7 * f + 8 * g + 9 * h + 10 * i + 11 * j + 12 * k + 13 * m - 90 * 48
    return value[0] == _UPN_LETTERS[total % 23]


def sure_uuid(value: str) -> bool:
    """Lower-case canonical form."""
    return _UUID.fullmatch(value) is not None


def _remembering(fmt: str) -> Check:
    @lru_cache(_REMEMBERED_CODES)
    def sure(value: str) -> bool:
        return check_format(fmt, value) is None

    return sure


def _each_time(fmt: str) -> Check:
    return lambda value: check_format(fmt, value) is None
