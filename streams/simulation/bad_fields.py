"""Bad input that decodes, but has a field that cannot be right: an identifier, a date, an instant."""

from __future__ import annotations

from schemas.dates import MILLIS_PER_DAY
from schemas.vocabulary import RejectReason
from schemas.wire import Datum
from streams.simulation.changes import Change, all_of, content_kind, put, shift
from streams.simulation.spoiling import BadKind, Donor

_HOUR_MS = 3_600_000
_YEAR_1700_MS = -8_520_336_000_000
_YEAR_2090_MS = 3_786_912_000_000
_DAMAGED_NHS_NUMBER = "9991234566"  # check digit wrong
_MOVED = "housing.household-moved"


def _unborn_in(days: int) -> Change:
    def change(donor: Donor, datum: Datum) -> None:
        today = donor.event.at_ms // MILLIS_PER_DAY
        datum["envelope"]["child"].update(dateOfBirth=None, expectedDeliveryDate=today + days)

    return change


def _born_and_expected(donor: Donor, datum: Datum) -> None:
    today = donor.event.at_ms // MILLIS_PER_DAY
    datum["envelope"]["child"].update(dateOfBirth=today - 30, expectedDeliveryDate=today + 30)


_R = RejectReason
_E = "envelope."
IDENTIFIER_KINDS: tuple[BadKind, ...] = tuple(
    content_kind(name, _R.IDENTIFIER, change, path, *types)
    for name, path, change, types in (
        ("nhs-number-check-digit", _E + "child.nhsNumber", put(_E + "child.nhsNumber", _DAMAGED_NHS_NUMBER), ()),
        ("nhs-number-with-letter", _E + "child.nhsNumber", put(_E + "child.nhsNumber", "943476591O"), ()),
        ("upn-check-letter", _E + "child.upn", put(_E + "child.upn", "A801200005001"), ()),
        ("upn-letter-in-the-middle", _E + "child.upn", put(_E + "child.upn", "X80120000A001"), ()),
        ("school-urn", _E + "settings.schoolUrn", put(_E + "settings.schoolUrn", "99001"), ()),
        ("gp-ods-code", _E + "settings.gpOds", put(_E + "settings.gpOds", "z99001"), ()),
        ("area-gss-code", _E + "area.gss", put(_E + "area.gss", "X10000099"), ()),
        ("event-id-not-a-uuid", _E + "eventId", put(_E + "eventId", "NS/26/104412"), ()),
        (
            "telephone",
            _E + "contact.phone",
            all_of(put(_E + "contact", {"role": None, "org": None, "phone": None}), put(_E + "contact.phone", "ask")),
            (),
        ),
        (
            "postcode",
            "newAddress.postcode",
            all_of(
                put(_E + "addressProtection", "NONE"),
                put("newAddress", {"line1": None, "postcode": "ZZ99ZZZ", "uprn": None}),
            ),
            (_MOVED,),
        ),
        (
            "uprn",
            "newAddress.uprn",
            all_of(
                put(_E + "addressProtection", "NONE"),
                put("newAddress", {"line1": None, "postcode": None, "uprn": "0012"}),
            ),
            (_MOVED,),
        ),
    )
)
TIME_KINDS: tuple[BadKind, ...] = tuple(
    content_kind(name, _R.TIME, change, path)
    for name, path, change in (
        (
            "recorded-before-it-occurred",
            _E + "recordedAt",
            shift(_E + "recordedAt", _E + "occurredAt", -_HOUR_MS),
        ),
        ("published-before-recorded", _E + "publishedAt", shift(_E + "publishedAt", _E + "recordedAt", -_HOUR_MS)),
        ("published-in-the-future", _E + "publishedAt", put(_E + "publishedAt", _YEAR_2090_MS)),
        ("occurred-in-1700", _E + "occurredAt", put(_E + "occurredAt", _YEAR_1700_MS)),
        (
            "born-in-the-future",
            _E + "child.dateOfBirth",
            all_of(
                put(_E + "child.expectedDeliveryDate", None),
                put(_E + "child.dateOfBirth", _YEAR_2090_MS // MILLIS_PER_DAY),
            ),
        ),
        (
            "not-a-child",
            _E + "child.dateOfBirth",
            all_of(put(_E + "child.expectedDeliveryDate", None), put(_E + "child.dateOfBirth", -7_305)),
        ),
        ("born-and-expected", _E + "child.expectedDeliveryDate", _born_and_expected),
        ("expected-in-two-years", _E + "child.expectedDeliveryDate", _unborn_in(700)),
    )
)
