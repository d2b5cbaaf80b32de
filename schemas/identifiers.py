"""Identifier formats of the contract (domain catalogue, section 5; requirements I-02 and I-03).

Every validator takes the text as it stands on the wire and returns None, or what would be right. No answer repeats
the value: it may be a child's. A valid form says nothing about whether the identifier has been issued.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from stdnum.gb import nhs as stdnum_nhs
from stdnum.gb import upn as stdnum_upn

Explanation = str
Validator = Callable[[str], Explanation | None]

_UPN_TEMPORARY_SERIAL = "ABCDEFGHJKLMNPQRTUVWXYZ"  # letters worth 0 to 22: no I, O or S
# Entity codes: England's unitary, non-metropolitan and metropolitan districts, London boroughs, counties, police
# areas; and the councils of Wales, Scotland and Northern Ireland, where a child may live.
_GSS = re.compile(r"(?:E0[6-9]|E10|E23|W06|S12|N09)[0-9]{6}")
_ODS = re.compile(r"[A-Z0-9]{3,8}")
_URN = re.compile(r"[1-9][0-9]{5}")
# Ofsted numbers childcare EY…, social care SC…, childminder agencies CA…, and newer registrations without letters.
_SETTING_URN = re.compile(r"(?:(?:EY|SC|CA)[0-9]{6}|[1-9][0-9]{5,6})")
_LAESTAB = re.compile(r"[2-9][0-9]{6}")
_UPRN = re.compile(r"[1-9][0-9]{0,11}")
_POSTCODE = re.compile(r"(?:GIR ?0AA|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2})")
_POSTCODE_IN_TEXT = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2}(?![A-Z0-9])", re.I)
_PHONE = re.compile(r"\+?[0-9][0-9 ]{5,18}[0-9](?: ?(?:x|ext) ?[0-9]{1,6})?")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def nhs_number(value: str, *, synthetic_ok: bool = True) -> Explanation | None:
    """NHS number: 10 digits whose last is the modulus 11 check digit; a check value of 10 is never issued.

    With `synthetic_ok=False` (production) the test range 999 and repetitions of one digit are refused as well.
    """
    if not _digits(value, 10):
        return "10 digits without spaces"
    if not stdnum_nhs.is_valid(value):
        return "an NHS number whose last digit agrees with its modulus 11 check"
    if not synthetic_ok and (value.startswith("999") or len(set(value)) == 1):
        return "an issued NHS number: numbers starting 999 and repeated digits are for testing only"
    return None


def upn(value: str) -> Explanation | None:
    """Unique pupil number: check letter, authority (3), school (4), year (2), serial (3).

    The last character of a temporary number is a letter. Authority numbers are not looked up: they change at
    reorganisations.
    """
    if len(value) != 13 or not value.isascii():
        return "13 characters: a check letter and 12 digits"
    if value[0] not in _UPN_TEMPORARY_SERIAL:
        return "a check letter first, A to Z without I, O and S"
    if not value[1:12].isdigit():
        return "digits in places 2 to 12; only the last may be a letter, in a temporary number"
    if not (value[12].isdigit() or value[12] in _UPN_TEMPORARY_SERIAL):
        return "a digit last, or a letter without I, O and S in a temporary number"
    if stdnum_upn.calc_check_digit(value[1:]) != value[0]:
        return "a unique pupil number whose first letter agrees with its modulus 23 check"
    return None


def gss(value: str) -> Explanation | None:
    """Government Statistical Service code of a council or a police area."""
    return _shape(_GSS, value, "a GSS code: E06, E07, E08, E09 or E10 (council), or E23 (police), and 6 digits")


def ods(value: str) -> Explanation | None:
    """Organisation Data Service code."""
    return _shape(_ODS, value, "an ODS code: 3 to 8 capital letters and digits")


def urn(value: str) -> Explanation | None:
    """Unique reference number of a setting in Get Information about Schools."""
    return _shape(_URN, value, "a URN: 6 digits, the first not 0")


def setting_urn(value: str) -> Explanation | None:
    """URN of any setting: of a school (Get Information about Schools) or of a provider registered with Ofsted."""
    right = "a URN of a school or an Ofsted URN: 6 or 7 digits, the first not 0, or EY, SC or CA and 6 digits"
    return _shape(_SETTING_URN, value, right)


def laestab(value: str) -> Explanation | None:
    """Authority (3) and establishment (4) number."""
    return _shape(_LAESTAB, value, "a LAESTAB: 7 digits without `/`, authority 201 to 999 first")


def uprn(value: str) -> Explanation | None:
    """Unique property reference number. It is an address."""
    return _shape(_UPRN, value, "a UPRN: up to 12 digits without leading zeros")


def postcode(value: str) -> Explanation | None:
    """Postcode in capitals."""
    return _shape(_POSTCODE, value, "a postcode in capitals with one space, such as `ZZ9 9ZZ`")


def phone(value: str) -> Explanation | None:
    """Telephone number; spaces and an extension are allowed."""
    return _shape(_PHONE, value, "a telephone number: 7 to 20 digits and spaces, `+` first if international")


def uuid(value: str) -> Explanation | None:
    """UUID in its canonical form (RFC 9562)."""
    return _shape(_UUID, value, "a UUID in lower case, 8-4-4-4-12 hexadecimal digits")


def slug(value: str) -> Explanation | None:
    """Id of an agency, a role or an area."""
    return _shape(_SLUG, value, "lower-case letters, digits and hyphens, at most 64")


def has_postcode(text: str) -> bool:
    """Whether a full postcode, in capitals or not, stands anywhere in a text."""
    return _POSTCODE_IN_TEXT.search(text) is not None


VALIDATORS: Mapping[str, Validator] = {
    "nhs-number": nhs_number,
    "upn": upn,
    "urn": urn,
    "setting-urn": setting_urn,
    "ods": ods,
    "gss": gss,
    "laestab": laestab,
    "uprn": uprn,
    "postcode": postcode,
    "phone": phone,
    "agency-id": slug,
    "role-id": slug,
    "uuid": uuid,
}

# Formats by which organisations are identified, by IdentifierScheme.
SCHEME_FORMATS: Mapping[str, str] = {
    "MASA": "agency-id",
    "GSS": "gss",
    "ODS": "ods",
    "URN": "urn",
    "LAESTAB": "laestab",
    "OFSTED_URN": "setting-urn",
}


def check_format(fmt: str, value: str, *, synthetic_ok: bool = True) -> Explanation | None:
    """Check a value against a `masa:format`. Raises `KeyError` for a format that does not exist."""
    if fmt == "nhs-number":
        return nhs_number(value, synthetic_ok=synthetic_ok)
    return VALIDATORS[fmt](value)


def _shape(pattern: re.Pattern[str], value: str, right: Explanation) -> Explanation | None:
    return None if pattern.fullmatch(value) else right


def _digits(value: str, count: int) -> bool:
    return len(value) == count and value.isascii() and value.isdigit()
