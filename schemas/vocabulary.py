"""The closed word lists of the contract, as Python enums.

Every enum here that also appears in an Avro schema carries exactly the symbols of that schema, in that order; a
contract test holds the two equal. `UNKNOWN` is the Avro default: what a reader sees when a newer writer used a symbol
it does not know, and every decision treats it as the most protective value.
"""

from __future__ import annotations

from enum import StrEnum

# Roles of the exchange itself and event types that it sends to itself: no person holds or sees them.
EXCHANGE_DESK, PROBE_DESK = "exchange-desk", "probe-desk"
UNMANNED_ROLES = frozenset({EXCHANGE_DESK, PROBE_DESK})
HEARTBEAT = "control.heartbeat"


class FieldClass(StrEnum):
    """What kind of information a schema field holds (requirement P-01).

    `ROUTING` is the metadata every recipient gets; `CONTROL` is instructions to the exchange, never delivered to
    anyone; `CIRCUMSTANCE` is a coded fact about what happened that falls in no narrower class.
    """

    ROUTING = "ROUTING"
    CONTROL = "CONTROL"
    CIRCUMSTANCE = "CIRCUMSTANCE"
    IDENTITY = "IDENTITY"
    LOCATING = "LOCATING"
    CONTACT = "CONTACT"
    THIRD_PARTY = "THIRD_PARTY"
    HEALTH = "HEALTH"
    SEXUAL_HEALTH = "SEXUAL_HEALTH"
    SENSITIVE_SERVICE = "SENSITIVE_SERVICE"
    OFFENCE = "OFFENCE"
    NARRATIVE = "NARRATIVE"
    WORKER = "WORKER"
    PLACEMENT = "PLACEMENT"
    ADOPTION = "ADOPTION"


class AgencyCategory(StrEnum):
    """Agency categories of the arrangement (domain catalogue, section 2)."""

    UNKNOWN = "UNKNOWN"
    LA_CSC = "LA_CSC"
    LA_OTHER = "LA_OTHER"
    DISTRICT = "DISTRICT"
    ICB = "ICB"
    NHS_TRUST = "NHS_TRUST"
    NHS_FT = "NHS_FT"
    SPHA = "SPHA"
    GP = "GP"
    PHARM = "PHARM"
    DENTAL = "DENTAL"
    HV_SN = "HV_SN"
    POLICE = "POLICE"
    BTP = "BTP"
    NCA = "NCA"
    PROBATION = "PROBATION"
    YOT = "YOT"
    PRISON = "PRISON"
    YOUTH_SUPPORT = "YOUTH_SUPPORT"
    SCHOOL = "SCHOOL"
    COLLEGE = "COLLEGE"
    EARLY_YEARS = "EARLY_YEARS"
    SECURE_HOME = "SECURE_HOME"
    RESIDENTIAL = "RESIDENTIAL"
    FOSTER_AGENCY = "FOSTER_AGENCY"
    CONTRACTED_VCS = "CONTRACTED_VCS"
    HOUSING_RP = "HOUSING_RP"
    COURT_CAFCASS = "COURT_CAFCASS"
    UKVI = "UKVI"
    FIRE = "FIRE"
    DWP = "DWP"
    FAITH_SPORT = "FAITH_SPORT"
    IDENTITY_SERVICE = "IDENTITY_SERVICE"
    SAFEGUARDING_PARTNERSHIP = "SAFEGUARDING_PARTNERSHIP"


class DutyBasis(StrEnum):
    """Why an agency is under the Information Sharing Duty (s16LA(4)), or that it is not."""

    S11_BODY = "S11_BODY"
    DESIGNATED_EDU = "DESIGNATED_EDU"
    CONTRACTED = "CONTRACTED"
    NONE = "NONE"


class IdentifierScheme(StrEnum):
    """Schemes that identify an organisation."""

    UNKNOWN = "UNKNOWN"
    MASA = "MASA"  # the exchange's own agency id
    GSS = "GSS"
    ODS = "ODS"
    URN = "URN"
    LAESTAB = "LAESTAB"
    UKPRN = "UKPRN"
    OFSTED_URN = "OFSTED_URN"
    CHARITY = "CHARITY"
    COMPANY = "COMPANY"
    RSH = "RSH"
    PRISON = "PRISON"
    LOCAL = "LOCAL"


class LegalGateway(StrEnum):
    """The legal power or duty a publisher relies on (requirement L-01)."""

    UNKNOWN = "UNKNOWN"
    S16LA = "S16LA"
    S49A_DAA = "S49A_DAA"
    S213B_HOUSING = "S213B_HOUSING"
    S16H = "S16H"
    S16C = "S16C"
    S47_CA1989 = "S47_CA1989"
    S46_CA1989 = "S46_CA1989"
    EDUCATION_REGULATIONS = "EDUCATION_REGULATIONS"
    COURT_ORDER = "COURT_ORDER"
    CONSENT = "CONSENT"
    VITAL_INTERESTS = "VITAL_INTERESTS"
    PUBLIC_TASK = "PUBLIC_TASK"


class DpRegime(StrEnum):
    """Data-protection regime of the processing (requirement L-06)."""

    UNKNOWN = "UNKNOWN"
    UKGDPR = "UKGDPR"
    DPA_PART3 = "DPA_PART3"


class Purpose(StrEnum):
    """Why the information is shared."""

    UNKNOWN = "UNKNOWN"
    SAFEGUARDING = "SAFEGUARDING"
    WELFARE = "WELFARE"
    CHILD_PROTECTION = "CHILD_PROTECTION"
    EARLY_HELP = "EARLY_HELP"
    HOUSING_DUTY = "HOUSING_DUTY"
    ALLEGATION_MANAGEMENT = "ALLEGATION_MANAGEMENT"
    RECORD_INTEGRITY = "RECORD_INTEGRITY"


class Urgency(StrEnum):
    UNKNOWN = "UNKNOWN"
    IMMEDIATE = "IMMEDIATE"
    URGENT = "URGENT"
    ROUTINE = "ROUTINE"
    INFORMATION = "INFORMATION"


class AgencyGrade(StrEnum):
    """The publishing agency's own grade of the concern (requirement E-06)."""

    UNKNOWN = "UNKNOWN"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    STANDARD = "STANDARD"
    LOW = "LOW"
    UNGRADED = "UNGRADED"


class Marking(StrEnum):
    """Government security classification of the content."""

    UNKNOWN = "UNKNOWN"
    OFFICIAL = "OFFICIAL"
    OFFICIAL_SENSITIVE = "OFFICIAL_SENSITIVE"


class AddressProtection(StrEnum):
    """Whether where the child lives must be kept from ordinary recipients (requirement P-02)."""

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    PROTECTED = "PROTECTED"
    REFUGE = "REFUGE"
    PLACEMENT = "PLACEMENT"


class MatchStatus(StrEnum):
    """How sure the publisher is whose record this is (requirement I-04)."""

    UNKNOWN = "UNKNOWN"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    MATCH = "MATCH"
    POTENTIAL_MATCH = "POTENTIAL_MATCH"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    MANY_MATCH = "MANY_MATCH"
    NO_MATCH = "NO_MATCH"
    ERROR = "ERROR"


class RecipientJudgement(StrEnum):
    """The publisher's judgement about one recipient (requirement L-02)."""

    UNKNOWN = "UNKNOWN"
    CONFIRMED = "CONFIRMED"
    WITHHELD = "WITHHELD"


class WithholdGround(StrEnum):
    """Why a publisher withholds (requirement L-03, s16LA(3))."""

    UNKNOWN = "UNKNOWN"
    DETRIMENT = "DETRIMENT"
    NOT_RELEVANT = "NOT_RELEVANT"
    LEGAL_RESTRICTION = "LEGAL_RESTRICTION"
    OPERATIONAL_RISK = "OPERATIONAL_RISK"


class ExclusionGround(StrEnum):
    """Why a recipient is excluded for conflict (requirement P-05)."""

    UNKNOWN = "UNKNOWN"
    PERSON_OF_CONCERN_WORKS_THERE = "PERSON_OF_CONCERN_WORKS_THERE"
    CLOSE_TO_PERSON_OF_CONCERN = "CLOSE_TO_PERSON_OF_CONCERN"
    BIRTH_FAMILY_WORKS_THERE = "BIRTH_FAMILY_WORKS_THERE"
    SUBJECT_OF_ALLEGATION = "SUBJECT_OF_ALLEGATION"


class OutcomeKind(StrEnum):
    """What was decided for one candidate recipient."""

    UNKNOWN = "UNKNOWN"
    DELIVERED = "DELIVERED"
    WITHHELD = "WITHHELD"
    DENIED = "DENIED"
    HELD = "HELD"


class Disposition(StrEnum):
    """What became of one record read from an outbox: the kind of its audit record."""

    UNKNOWN = "UNKNOWN"
    DECIDED = "DECIDED"
    UNROUTED = "UNROUTED"  # decided, and nobody is entitled: alarmed, never dropped
    HELD = "HELD"  # the whole event waits for a person (no policy in force)
    REJECTED = "REJECTED"
    REPEATED = "REPEATED"


class RejectReason(StrEnum):
    """Why a record was rejected. Its bytes are in `masa.rejected`."""

    UNKNOWN = "UNKNOWN"
    EMPTY = "EMPTY"
    OVERSIZE = "OVERSIZE"
    FRAMING = "FRAMING"
    UNKNOWN_SCHEMA = "UNKNOWN_SCHEMA"
    UNDECODABLE = "UNDECODABLE"
    TRAILING_BYTES = "TRAILING_BYTES"
    UNKNOWN_ENUM = "UNKNOWN_ENUM"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    HEADERS = "HEADERS"
    SPOOFED_SOURCE = "SPOOFED_SOURCE"
    UNKNOWN_AGENCY = "UNKNOWN_AGENCY"
    PUBLISHER_NOT_PERMITTED = "PUBLISHER_NOT_PERMITTED"
    GATEWAY_MISSING = "GATEWAY_MISSING"
    GATEWAY_NOT_PERMITTED = "GATEWAY_NOT_PERMITTED"
    GATEWAY_CONDITIONS = "GATEWAY_CONDITIONS"
    IDENTIFIER = "IDENTIFIER"
    TIME = "TIME"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    TEXT_NOT_UTF8 = "TEXT_NOT_UTF8"
    REFUGE_ADDRESS = "REFUGE_ADDRESS"
    UNKNOWN_RECIPIENT = "UNKNOWN_RECIPIENT"
    REQUIRED_FIELD = "REQUIRED_FIELD"
    ID_REUSED = "ID_REUSED"
