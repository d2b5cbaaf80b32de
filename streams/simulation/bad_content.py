"""Bad input that decodes, but whose content the contract refuses."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from connectors.kafka.publisher import Outgoing
from schemas.dates import MILLIS_PER_DAY
from schemas.vocabulary import DpRegime, LegalGateway, Purpose, RejectReason
from schemas.wire import Datum
from streams.simulation.agencies import AreaAgency
from streams.simulation.spoiling import BadKind, Donor, SeenBy, Spoil, get_path, set_path

_HOUR_MS = 3_600_000
_YEAR_1700_MS = -8_520_336_000_000
_YEAR_2090_MS = 3_786_912_000_000
_DAMAGED_NHS_NUMBER = "9991234566"  # check digit wrong
_S213B_TYPE = "housing.homelessness-risk"
_MOVED = "housing.household-moved"
_ENCOMPASS = "police.domestic-abuse-incident"

Change = Callable[[Donor, Datum], bool | None]


def _changed(change: Change) -> Spoil:
    """The event changed by `change`, which returns False when this donor cannot show it."""

    def spoil(donor: Donor, rng: Random) -> Outgoing | None:
        del rng
        datum = donor.datum()
        return None if change(donor, datum) is False else donor.republished(datum)

    return spoil


def _kind(name: str, reason: RejectReason, change: Change, path: str | None, *types: str, **more: Any) -> BadKind:
    spoil = _changed(change)
    return BadKind(name=name, reason=reason, seen_by=SeenBy.VALIDATION, spoil=spoil, path=path, types=types, **more)


def _put(path: str, value: Any) -> Change:
    def change(donor: Donor, datum: Datum) -> bool:
        del donor
        *records, _ = path.split(".")
        if records and get_path(datum, ".".join(records)) is None:
            return False
        set_path(datum, path, value)
        return True

    return change


def _all(*changes: Change) -> Change:
    def change(donor: Donor, datum: Datum) -> bool:
        return all(each(donor, datum) is not False for each in changes)

    return change


def _shift(path: str, later_than: str, by_ms: int) -> Change:
    """Set one instant relative to another."""

    def change(donor: Donor, datum: Datum) -> None:
        del donor
        set_path(datum, path, get_path(datum, later_than) + by_ms)

    return change


def _unborn_in(days: int) -> Change:
    def change(donor: Donor, datum: Datum) -> None:
        today = donor.event.at_ms // MILLIS_PER_DAY
        datum["envelope"]["child"].update(dateOfBirth=None, expectedDeliveryDate=today + days)

    return change


def _born_and_expected(donor: Donor, datum: Datum) -> None:
    today = donor.event.at_ms // MILLIS_PER_DAY
    datum["envelope"]["child"].update(dateOfBirth=today - 30, expectedDeliveryDate=today + 30)


def _outside(field: str, allowed: str, words: type[LegalGateway | DpRegime | Purpose]) -> Change:
    """A word that the type's catalogue entry does not permit."""

    def change(donor: Donor, datum: Datum) -> bool:
        permitted = {str(word) for word in getattr(donor.event.event_type, allowed)}
        other = next((str(word) for word in words if word != "UNKNOWN" and str(word) not in permitted), None)
        if other is None:
            return False
        datum["envelope"][field] = other
        return True

    return change


def _without_required(donor: Donor, datum: Datum) -> bool:
    required = donor.event.event_type.requires
    if not required:
        return False
    set_path(datum, required[0], None)
    return True


def _withheld_without_ground(donor: Donor, datum: Datum) -> None:
    datum["envelope"]["proposedRecipients"] = [
        _judgement(_other_agency(donor).id, "WITHHELD"),
    ]


def _judgement_of_nobody(donor: Donor, datum: Datum) -> None:
    del donor
    datum["envelope"]["proposedRecipients"] = [_judgement(None, "CONFIRMED")]


def _undecided_judgement(donor: Donor, datum: Datum) -> None:
    datum["envelope"]["proposedRecipients"] = [_judgement(_other_agency(donor).id, "UNKNOWN")]


def _judgement(agency: str | None, judgement: str) -> Datum:
    return {
        "agency": agency,
        "role": None,
        "judgement": judgement,
        "ground": None,
        "decidedBy": "NAMED_DECISION_MAKER",
        "reasonDigest": None,
        "reviewOn": None,
    }


def _other_agency(donor: Donor) -> AreaAgency:
    return next(agency for agency in donor.roster.all if agency.id != donor.event.agency.id)


def _refuge_address(donor: Donor, datum: Datum) -> None:
    del donor
    datum["newAddress"] = {"line1": "1 Example Row", "postcode": "ZZ9 9ZZ", "uprn": "100000000001"}
    datum["envelope"]["addressProtection"] = "REFUGE"


def _refuge_postcode_in_text(donor: Donor, datum: Datum) -> None:
    del donor
    datum["note"] = "They are staying near ZZ9 9ZZ for now."
    datum["envelope"]["addressProtection"] = "REFUGE"


def _not_permitted(donor: Donor, rng: Random) -> Outgoing | None:
    """Honestly published by an agency whose category may not publish the type."""
    permitted = {category.value for category in donor.event.event_type.publishers}
    others = [agency for agency in donor.roster.in_area(donor.roster.area) if agency.category not in permitted]
    if not others:
        return None
    agency, datum = rng.choice(others), donor.datum()
    scheme, code = sorted(agency.identifiers)[0]
    datum["envelope"]["sourceOrg"] = {"category": agency.category, "scheme": scheme, "id": code}
    datum["envelope"]["masaId"] = agency.area
    return donor.republished(datum, agency)


_R = RejectReason
_E = "envelope."
IDENTIFIER_KINDS: tuple[BadKind, ...] = tuple(
    _kind(name, _R.IDENTIFIER, change, path, *types)
    for name, path, change, types in (
        ("nhs-number-check-digit", _E + "child.nhsNumber", _put(_E + "child.nhsNumber", _DAMAGED_NHS_NUMBER), ()),
        ("nhs-number-with-letter", _E + "child.nhsNumber", _put(_E + "child.nhsNumber", "943476591O"), ()),
        ("upn-check-letter", _E + "child.upn", _put(_E + "child.upn", "A801200005001"), ()),
        ("upn-letter-in-the-middle", _E + "child.upn", _put(_E + "child.upn", "X80120000A001"), ()),
        ("school-urn", _E + "settings.schoolUrn", _put(_E + "settings.schoolUrn", "99001"), ()),
        ("gp-ods-code", _E + "settings.gpOds", _put(_E + "settings.gpOds", "z99001"), ()),
        ("area-gss-code", _E + "area.gss", _put(_E + "area.gss", "X10000099"), ()),
        ("event-id-not-a-uuid", _E + "eventId", _put(_E + "eventId", "NS/26/104412"), ()),
        (
            "telephone",
            _E + "contact.phone",
            _all(_put(_E + "contact", {"role": None, "org": None, "phone": None}), _put(_E + "contact.phone", "ask")),
            (),
        ),
        (
            "postcode",
            "newAddress.postcode",
            _all(
                _put(_E + "addressProtection", "NONE"),
                _put("newAddress", {"line1": None, "postcode": "ZZ99ZZZ", "uprn": None}),
            ),
            (_MOVED,),
        ),
        (
            "uprn",
            "newAddress.uprn",
            _all(
                _put(_E + "addressProtection", "NONE"),
                _put("newAddress", {"line1": None, "postcode": None, "uprn": "0012"}),
            ),
            (_MOVED,),
        ),
    )
)
TIME_KINDS: tuple[BadKind, ...] = tuple(
    _kind(name, _R.TIME, change, path)
    for name, path, change in (
        (
            "recorded-before-it-occurred",
            _E + "recordedAt",
            _shift(_E + "recordedAt", _E + "occurredAt", -_HOUR_MS),
        ),
        ("published-before-recorded", _E + "publishedAt", _shift(_E + "publishedAt", _E + "recordedAt", -_HOUR_MS)),
        ("published-in-the-future", _E + "publishedAt", _put(_E + "publishedAt", _YEAR_2090_MS)),
        ("occurred-in-1700", _E + "occurredAt", _put(_E + "occurredAt", _YEAR_1700_MS)),
        (
            "born-in-the-future",
            _E + "child.dateOfBirth",
            _all(
                _put(_E + "child.expectedDeliveryDate", None),
                _put(_E + "child.dateOfBirth", _YEAR_2090_MS // MILLIS_PER_DAY),
            ),
        ),
        (
            "not-a-child",
            _E + "child.dateOfBirth",
            _all(_put(_E + "child.expectedDeliveryDate", None), _put(_E + "child.dateOfBirth", -7_305)),
        ),
        ("born-and-expected", _E + "child.expectedDeliveryDate", _born_and_expected),
        ("expected-in-two-years", _E + "child.expectedDeliveryDate", _unborn_in(700)),
    )
)
CONTENT_KINDS: tuple[BadKind, ...] = (
    *IDENTIFIER_KINDS,
    *TIME_KINDS,
    _kind("gateway-missing", _R.GATEWAY_MISSING, _put(_E + "legalGateway", "UNKNOWN"), _E + "legalGateway"),
    _kind(
        "gateway-not-permitted",
        _R.GATEWAY_NOT_PERMITTED,
        _outside("legalGateway", "gateways", LegalGateway),
        _E + "legalGateway",
        _ENCOMPASS,
        "education.absence-concern",
        "health.was-not-brought",
    ),
    _kind(
        "housing-duty-without-consent",
        _R.GATEWAY_CONDITIONS,
        _all(_put(_E + "legalGateway", "S213B_HOUSING"), _put("consentEvidence", None)),
        "consentEvidence",
        _S213B_TYPE,
    ),
    _kind(
        "encompass-without-school",
        _R.GATEWAY_CONDITIONS,
        _all(_put(_E + "legalGateway", "S49A_DAA"), _put(_E + "settings.schoolUrn", None)),
        _E + "settings.schoolUrn",
        _ENCOMPASS,
    ),
    _kind(
        "regime-not-permitted",
        _R.GATEWAY_CONDITIONS,
        _outside("dpRegime", "regimes", DpRegime),
        _E + "dpRegime",
        "education.absence-concern",
        "health.was-not-brought",
    ),
    _kind(
        "purpose-not-permitted",
        _R.GATEWAY_CONDITIONS,
        _outside("purpose", "purposes", Purpose),
        _E + "purpose",
        _ENCOMPASS,
        "education.absence-concern",
    ),
    BadKind(
        name="publisher-not-permitted",
        reason=_R.PUBLISHER_NOT_PERMITTED,
        seen_by=SeenBy.VALIDATION,
        spoil=_not_permitted,
        types=(_ENCOMPASS, "education.absence-concern", "health.was-not-brought", "social-care.status-changed"),
        path=_E + "sourceOrg.category",
    ),
    _kind("purpose-not-stated", _R.REQUIRED_FIELD, _put(_E + "purpose", "UNKNOWN"), _E + "purpose"),
    _kind("urgency-not-stated", _R.REQUIRED_FIELD, _put(_E + "urgency", "UNKNOWN"), _E + "urgency"),
    _kind(
        "protection-not-stated",
        _R.REQUIRED_FIELD,
        _put(_E + "addressProtection", "UNKNOWN"),
        _E + "addressProtection",
    ),
    _kind("required-field-missing", _R.REQUIRED_FIELD, _without_required, None),
    _kind(
        "withheld-without-ground",
        _R.REQUIRED_FIELD,
        _withheld_without_ground,
        _E + "proposedRecipients[0].ground",
    ),
    _kind("judgement-of-nobody", _R.REQUIRED_FIELD, _judgement_of_nobody, _E + "proposedRecipients[0]"),
    _kind("judgement-undecided", _R.REQUIRED_FIELD, _undecided_judgement, _E + "proposedRecipients[0].judgement"),
    _kind("text-too-long", _R.TEXT_TOO_LONG, _put(_E + "relevanceReason", "x" * 501), _E + "relevanceReason"),
    _kind("refuge-address", _R.REFUGE_ADDRESS, _refuge_address, "newAddress.line1", _MOVED),
    _kind("refuge-postcode-in-text", _R.REFUGE_ADDRESS, _refuge_postcode_in_text, "note", _ENCOMPASS),
    _kind("other-type-named", _R.UNKNOWN_SCHEMA, _put(_E + "eventType", "police.parking-ticket"), _E + "eventType"),
    _kind("later-version-named", _R.UNKNOWN_SCHEMA, _put(_E + "schemaVersion", 99), _E + "schemaVersion"),
)
