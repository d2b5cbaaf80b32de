"""Every reason a decision can give, in order of weight, with the sentence that explains it.

The order of the members is the order in which an outcome lists its reasons: the decisive one first.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class ReasonCode(StrEnum):
    # the event as a whole
    POLICY_ABSENT = "POLICY_ABSENT"
    POLICY_STALE = "POLICY_STALE"
    NO_CANDIDATE = "NO_CANDIDATE"
    NOBODY_ENTITLED = "NOBODY_ENTITLED"
    # WITHHELD: the publisher's judgement, then its ground
    PUBLISHER_WITHHELD = "PUBLISHER_WITHHELD"
    DETRIMENT = "DETRIMENT"
    NOT_RELEVANT = "NOT_RELEVANT"
    LEGAL_RESTRICTION = "LEGAL_RESTRICTION"
    OPERATIONAL_RISK = "OPERATIONAL_RISK"
    GROUND_NOT_STATED = "GROUND_NOT_STATED"
    # DENIED by law, for the whole agency
    ACCUSED_SETTING = "ACCUSED_SETTING"
    DUTY_NOT_COMMENCED = "DUTY_NOT_COMMENCED"
    NO_DUTY_BASIS = "NO_DUTY_BASIS"
    CONTRACT_EXPIRED = "CONTRACT_EXPIRED"
    OUT_OF_CONTRACT_SCOPE = "OUT_OF_CONTRACT_SCOPE"
    # DENIED by law, rule by rule
    SOURCE_IS_RECIPIENT = "SOURCE_IS_RECIPIENT"
    RESTRICTED_LANE = "RESTRICTED_LANE"
    SENSITIVE_SERVICE_UNCONFIRMED = "SENSITIVE_SERVICE_UNCONFIRMED"
    REGIME_NOT_IN_RULE = "REGIME_NOT_IN_RULE"
    PURPOSE_NOT_IN_AGREEMENT = "PURPOSE_NOT_IN_AGREEMENT"
    AGREEMENT_EXPIRED = "AGREEMENT_EXPIRED"
    AGREEMENT_NOT_PARTY = "AGREEMENT_NOT_PARTY"
    # DENIED otherwise
    CONFLICT_OF_INTEREST = "CONFLICT_OF_INTEREST"
    DENY_RULE = "DENY_RULE"
    NO_RULE = "NO_RULE"
    UNKNOWN_AGENCY = "UNKNOWN_AGENCY"
    # HELD
    SHARING_STOPPED = "SHARING_STOPPED"
    CROSS_BORDER_UNKNOWN_AREA = "CROSS_BORDER_UNKNOWN_AREA"
    UNRESOLVED_RECIPIENT = "UNRESOLVED_RECIPIENT"
    LOW_MATCH_STATUS = "LOW_MATCH_STATUS"
    CONDITION_UNKNOWN = "CONDITION_UNKNOWN"
    # DELIVERED, and how the recipient came to be chosen
    ALLOWED = "ALLOWED"
    RELEASED = "RELEASED"
    FALLBACK_FRONT_DOOR = "FALLBACK_FRONT_DOOR"
    NO_SCHOOL_FALLBACK = "NO_SCHOOL_FALLBACK"
    RELATIONSHIP_REGISTER = "RELATIONSHIP_REGISTER"
    ALTERNATE_FOR_EXCLUDED = "ALTERNATE_FOR_EXCLUDED"
    # fields withheld from a recipient
    CONTROL_FIELD = "CONTROL_FIELD"
    PROTECTED_ADDRESS = "PROTECTED_ADDRESS"
    PERSON_OF_CONCERN_SERVICE = "PERSON_OF_CONCERN_SERVICE"
    SENSITIVE_SERVICE = "SENSITIVE_SERVICE"
    ROLE_CEILING = "ROLE_CEILING"
    NOT_IN_SHARE = "NOT_IN_SHARE"
    # why a rule did not speak (explain only)
    GATEWAY_NOT_IN_RULE = "GATEWAY_NOT_IN_RULE"


SENTENCES: dict[ReasonCode, str] = {
    ReasonCode.POLICY_ABSENT: "No rules are in force, so nothing is shared and the event waits for a person.",
    ReasonCode.POLICY_STALE: "The area's rules are past their review date, so the event waits for a person.",
    ReasonCode.NO_CANDIDATE: "No rule names a recipient for this event; a person must decide who should know.",
    ReasonCode.NOBODY_ENTITLED: "Every possible recipient is denied; a person must decide who should know.",
    ReasonCode.PUBLISHER_WITHHELD: "The publisher decided that this recipient must not be told (s16LA(3)).",
    ReasonCode.DETRIMENT: "Telling them would harm the child more than not telling them.",
    ReasonCode.NOT_RELEVANT: "The publisher judged it not relevant to what this recipient does.",
    ReasonCode.LEGAL_RESTRICTION: "A court order or another legal restriction forbids it.",
    ReasonCode.OPERATIONAL_RISK: "Telling them would put an operation at risk.",
    ReasonCode.GROUND_NOT_STATED: "The publisher gave no ground that this exchange knows.",
    ReasonCode.ACCUSED_SETTING: "The allegation is about someone who works there (P-16).",
    ReasonCode.DUTY_NOT_COMMENCED: "The information sharing duty is not in force in that area yet (L-09).",
    ReasonCode.NO_DUTY_BASIS: "It is not under the information sharing duty on this day (L-07).",
    ReasonCode.CONTRACT_EXPIRED: "Its contract has ended (L-08).",
    ReasonCode.OUT_OF_CONTRACT_SCOPE: "Its contract does not cover this kind of event (L-08).",
    ReasonCode.SOURCE_IS_RECIPIENT: "It published the event itself.",
    ReasonCode.RESTRICTED_LANE: "The event is restricted and this role may not see restricted events (P-08).",
    ReasonCode.SENSITIVE_SERVICE_UNCONFIRMED: (
        "The event comes from a sensitive service and the publisher did not confirm this recipient (P-09)."
    ),
    ReasonCode.REGIME_NOT_IN_RULE: "The rule does not cover this data-protection regime (L-06).",
    ReasonCode.PURPOSE_NOT_IN_AGREEMENT: "The agreement behind the rule does not cover this purpose.",
    ReasonCode.AGREEMENT_EXPIRED: "The agreement behind the rule is not in force on this day.",
    ReasonCode.AGREEMENT_NOT_PARTY: "It is not a party to the agreement behind the rule.",
    ReasonCode.CONFLICT_OF_INTEREST: "The publisher excluded it because of a conflict of interest (P-05).",
    ReasonCode.DENY_RULE: "A rule of the area forbids it.",
    ReasonCode.NO_RULE: "The publisher named it, but no rule of the area allows it.",
    ReasonCode.UNKNOWN_AGENCY: "The publisher named it, but no agency of that name takes part.",
    ReasonCode.SHARING_STOPPED: "A person has stopped this sharing; it waits until the stop is lifted (R-10).",
    ReasonCode.CROSS_BORDER_UNKNOWN_AREA: "The child lives in an authority whose area does not take part.",
    ReasonCode.UNRESOLVED_RECIPIENT: "The rule's recipient cannot be found from the event; a person must look.",
    ReasonCode.LOW_MATCH_STATUS: "It is not sure whose record this is; a person must look first (I-04).",
    ReasonCode.CONDITION_UNKNOWN: "The event does not say what the rule asks; a person must look.",
    ReasonCode.ALLOWED: "A rule of the area shares this with them.",
    ReasonCode.RELEASED: "It waited; a person looked and let it go.",
    ReasonCode.FALLBACK_FRONT_DOOR: "It also stands in for a recipient that could not be found (R-04).",
    ReasonCode.NO_SCHOOL_FALLBACK: "The child has no school, so the responsible officer is told (R-11).",
    ReasonCode.RELATIONSHIP_REGISTER: (
        "The event does not name it; an earlier event declared that it is involved with the child (R-04, R-05)."
    ),
    ReasonCode.ALTERNATE_FOR_EXCLUDED: "It stands in for a recipient excluded for a conflict of interest (P-05).",
    ReasonCode.CONTROL_FIELD: "An instruction to the exchange; nobody receives it.",
    ReasonCode.PROTECTED_ADDRESS: "It could show where a protected child is (P-02).",
    ReasonCode.PERSON_OF_CONCERN_SERVICE: "This role serves the person of concern (P-06).",
    ReasonCode.SENSITIVE_SERVICE: "It shows use of a sensitive service and was not confirmed (P-09).",
    ReasonCode.ROLE_CEILING: "This role may never hold this kind of information.",
    ReasonCode.NOT_IN_SHARE: "The rule does not share it.",
    ReasonCode.GATEWAY_NOT_IN_RULE: "The rule does not cover this legal gateway.",
}

GROUNDS = {
    "DETRIMENT": ReasonCode.DETRIMENT,
    "NOT_RELEVANT": ReasonCode.NOT_RELEVANT,
    "LEGAL_RESTRICTION": ReasonCode.LEGAL_RESTRICTION,
    "OPERATIONAL_RISK": ReasonCode.OPERATIONAL_RISK,
}

_RANK = {code: rank for rank, code in enumerate(ReasonCode)}


def in_order(codes: Iterable[ReasonCode]) -> tuple[str, ...]:
    """Each code once, the decisive one first, as plain strings."""
    return tuple(code.value for code in sorted(set(codes), key=_RANK.__getitem__))
