"""How agencies of each kind publish: what they know of a child, under which power, through which system."""

from __future__ import annotations

# Chance that a publisher of the category knows the child's NHS number and UPN. Health has the one, schools the other,
# police mostly neither: an event is never held back for a missing identifier (s16LC(8), I-01).
KNOWS_NHS_NUMBER: dict[str, float] = {
    "GP": 1.0,
    "NHS_FT": 0.97,
    "NHS_TRUST": 0.95,
    "HV_SN": 0.98,
    "PHARM": 0.8,
    "DENTAL": 0.8,
    "ICB": 0.95,
    "LA_CSC": 0.85,
    "LA_OTHER": 0.6,
    "IDENTITY_SERVICE": 1.0,
    "SCHOOL": 0.4,
    "COLLEGE": 0.3,
    "EARLY_YEARS": 0.4,
    "YOT": 0.5,
    "POLICE": 0.2,
}
OTHERS_KNOW_NHS_NUMBER = 0.15
KNOWS_UPN: dict[str, float] = {"SCHOOL": 0.98, "COLLEGE": 0.7, "LA_CSC": 0.7, "YOT": 0.4, "LA_OTHER": 0.2}
OTHERS_KNOW_UPN = 0.03

# How sure a publisher is whose record it is, where it knows the NHS number and where it does not (I-04).
MATCH_WITH_NUMBER = (("MATCH", 94), ("POTENTIAL_MATCH", 2), ("LOW_CONFIDENCE", 1), ("NOT_ATTEMPTED", 3))
MATCH_WITHOUT_NUMBER = (
    ("NOT_ATTEMPTED", 55),
    ("MATCH", 20),
    ("NO_MATCH", 14),
    ("POTENTIAL_MATCH", 6),
    ("LOW_CONFIDENCE", 3),
    ("MANY_MATCH", 1),
    ("ERROR", 1),
)

SOURCE_SYSTEMS: dict[str, str] = {
    "POLICE": "Niche RMS",
    "BTP": "Niche RMS",
    "SCHOOL": "Arbor",
    "COLLEGE": "EBS",
    "EARLY_YEARS": "Famly",
    "LA_CSC": "Mosaic",
    "LA_OTHER": "Mosaic",
    "DISTRICT": "Civica",
    "NHS_FT": "Cerner",
    "NHS_TRUST": "Symphony",
    "GP": "EMIS Web",
    "HV_SN": "SystmOne",
    "YOT": "ChildView",
    "PROBATION": "nDelius",
    "PRISON": "NOMIS",
    "IDENTITY_SERVICE": "Identity desk",
    "CONTRACTED_VCS": "Oasis",
}

# Ages (completed years) of the children an event type is about, where not 0 to 17.
AGES: dict[str, range] = {
    "police.child-detained": range(10, 18),
    "youth-justice.contact": range(10, 18),
    "missing.episode-started": range(9, 18),
    "missing.episode-ended": range(9, 18),
    "missing.return-interview-completed": range(9, 18),
    "education.absence-concern": range(4, 18),
    "education.suspension-or-exclusion": range(5, 18),
    "education.off-roll": range(4, 17),
    "education.home-education-started": range(5, 16),
    "education.missing-education": range(5, 16),
    "education.cp-file-transfer": range(4, 18),
    "health.hv-concern": range(6),
    "send.status": range(3, 18),
    "exploitation.concern": range(10, 18),
}
# Types that may be about an unborn child although their example is not, and how often.
MAY_BE_UNBORN: dict[str, float] = {
    "social-care.status-changed": 0.08,
    "social-care.contact-outcome": 0.06,
    "dv.marac-referral": 0.06,
    "exploitation.concern": 0.0,
}
# Types whose envelope says no more of the child than the example does: more would be a link that must not exist.
LEAN = frozenset({"identity.severed"})
# Types that are about an earlier event, and whether about one of the publisher's own.
ABOUT_OWN_EVENT: dict[str, bool] = {
    "control.correction": True,
    "control.retraction": True,
    "control.withheld": True,
    "control.information-response": False,
    "control.acknowledgement": False,
    "control.escalation": False,
    "social-care.contact-outcome": False,
    "social-care.access-notification": False,
}
