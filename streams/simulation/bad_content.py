"""Bad input that decodes, but whose content the contract refuses."""

from __future__ import annotations

from random import Random

from connectors.kafka.publisher import Outgoing
from schemas.vocabulary import DpRegime, LegalGateway, Purpose, RejectReason
from schemas.wire import Datum
from streams.simulation.agencies import AreaAgency
from streams.simulation.changes import Change, all_of, content_kind, put
from streams.simulation.spoiling import BadKind, Donor, SeenBy, set_path

_S213B_TYPE = "housing.homelessness-risk"
_MOVED = "housing.household-moved"
_ENCOMPASS = "police.domestic-abuse-incident"


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
CONTENT_KINDS: tuple[BadKind, ...] = (
    content_kind("gateway-missing", _R.GATEWAY_MISSING, put(_E + "legalGateway", "UNKNOWN"), _E + "legalGateway"),
    content_kind(
        "gateway-not-permitted",
        _R.GATEWAY_NOT_PERMITTED,
        _outside("legalGateway", "gateways", LegalGateway),
        _E + "legalGateway",
        _ENCOMPASS,
        "education.absence-concern",
        "health.was-not-brought",
    ),
    content_kind(
        "housing-duty-without-consent",
        _R.GATEWAY_CONDITIONS,
        all_of(put(_E + "legalGateway", "S213B_HOUSING"), put("consentEvidence", None)),
        "consentEvidence",
        _S213B_TYPE,
    ),
    content_kind(
        "encompass-without-school",
        _R.GATEWAY_CONDITIONS,
        all_of(put(_E + "legalGateway", "S49A_DAA"), put(_E + "settings.schoolUrn", None)),
        _E + "settings.schoolUrn",
        _ENCOMPASS,
    ),
    content_kind(
        "regime-not-permitted",
        _R.GATEWAY_CONDITIONS,
        _outside("dpRegime", "regimes", DpRegime),
        _E + "dpRegime",
        "education.absence-concern",
        "health.was-not-brought",
    ),
    content_kind(
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
    content_kind("purpose-not-stated", _R.REQUIRED_FIELD, put(_E + "purpose", "UNKNOWN"), _E + "purpose"),
    content_kind("urgency-not-stated", _R.REQUIRED_FIELD, put(_E + "urgency", "UNKNOWN"), _E + "urgency"),
    content_kind(
        "protection-not-stated",
        _R.REQUIRED_FIELD,
        put(_E + "addressProtection", "UNKNOWN"),
        _E + "addressProtection",
    ),
    content_kind("required-field-missing", _R.REQUIRED_FIELD, _without_required, None),
    content_kind(
        "withheld-without-ground",
        _R.REQUIRED_FIELD,
        _withheld_without_ground,
        _E + "proposedRecipients[0].ground",
    ),
    content_kind("judgement-of-nobody", _R.REQUIRED_FIELD, _judgement_of_nobody, _E + "proposedRecipients[0]"),
    content_kind(
        "judgement-undecided", _R.REQUIRED_FIELD, _undecided_judgement, _E + "proposedRecipients[0].judgement"
    ),
    content_kind("text-too-long", _R.TEXT_TOO_LONG, put(_E + "relevanceReason", "x" * 501), _E + "relevanceReason"),
    content_kind("refuge-address", _R.REFUGE_ADDRESS, _refuge_address, "newAddress.line1", _MOVED),
    content_kind("refuge-postcode-in-text", _R.REFUGE_ADDRESS, _refuge_postcode_in_text, "note", _ENCOMPASS),
    content_kind(
        "other-type-named", _R.UNKNOWN_SCHEMA, put(_E + "eventType", "police.parking-ticket"), _E + "eventType"
    ),
    content_kind("later-version-named", _R.UNKNOWN_SCHEMA, put(_E + "schemaVersion", 99), _E + "schemaVersion"),
)
