"""The closed word lists of the contract in the words of an agreement.

Each mapping has an entry for every member but UNKNOWN; a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.vocabulary import AgencyCategory, DpRegime, DutyBasis, FieldClass, LegalGateway, Purpose
from streams.policy.documents.markdown import listed
from streams.policy.documents.source import Source
from streams.policy.explain_words import CLOCK_WORDS, SELECTOR_WORDS, wish
from streams.policy.reference_match import LISTS
from streams.policy.words import Serves, Staffed

CLASSES: Mapping[FieldClass, tuple[str, str]] = {
    FieldClass.ROUTING: ("Message details", "kind of event, times, urgency, legal gateway, purpose, markings"),
    FieldClass.CONTROL: ("Instructions to the exchange", "whom the publisher confirms, withholds from or excludes"),
    FieldClass.CIRCUMSTANCE: ("Circumstances", "coded facts about what happened"),
    FieldClass.IDENTITY: ("Identity", "name, date of birth, numbers and references of the child or the case"),
    FieldClass.LOCATING: ("Locating", "anything from which it can be told where a child is"),
    FieldClass.CONTACT: ("Contact", "whether, how and when it is safe to make contact"),
    FieldClass.THIRD_PARTY: ("Other people", "people related to the child or to the case"),
    FieldClass.HEALTH: ("Health", "information about health, coded"),
    FieldClass.SEXUAL_HEALTH: ("Sexual health", "use of, or signs known to, sexual health services"),
    FieldClass.SENSITIVE_SERVICE: ("Sensitive services", "use of a service about which young people expect silence"),
    FieldClass.OFFENCE: ("Offences", "offences alleged or proved, by family; orders and conditions"),
    FieldClass.NARRATIVE: ("Free text", "a sentence or two in a person's own words"),
    FieldClass.WORKER: ("Workers", "role and duty number of whom to ring"),
    FieldClass.PLACEMENT: ("Placement", "where and with whom a child in care is placed"),
    FieldClass.ADOPTION: ("Adoption", "anything that links an adopted child with an earlier identity"),
}
GATEWAYS: Mapping[LegalGateway, str] = {
    LegalGateway.S16LA: "s16LA Children Act 2004, the information sharing duty",
    LegalGateway.S49A_DAA: "s49A Domestic Abuse Act 2021, notification of the education setting (Operation Encompass)",
    LegalGateway.S213B_HOUSING: "s213B Housing Act 1996, duty to refer, with the consent that the section asks for",
    LegalGateway.S16H: "s16H Children Act 2004, request by a safeguarding partner",
    LegalGateway.S16C: "s16C Children Act 2004, notification of a serious incident",
    LegalGateway.S47_CA1989: "s47 Children Act 1989, enquiries into significant harm",
    LegalGateway.S46_CA1989: "s46 Children Act 1989, police protection",
    LegalGateway.EDUCATION_REGULATIONS: "the education Acts and regulations that the event type names",
    LegalGateway.COURT_ORDER: "an order of a court",
    LegalGateway.CONSENT: "consent, where the law behind the event asks for it",
    LegalGateway.VITAL_INTERESTS: "vital interests, where life or limb is in danger",
    LegalGateway.PUBLIC_TASK: "a public task laid down in law",
}
PURPOSES: Mapping[Purpose, str] = {
    Purpose.SAFEGUARDING: "safeguarding",
    Purpose.WELFARE: "promoting welfare",
    Purpose.CHILD_PROTECTION: "child protection",
    Purpose.EARLY_HELP: "early help",
    Purpose.HOUSING_DUTY: "duties to homeless households",
    Purpose.ALLEGATION_MANAGEMENT: "managing allegations against people who work with children",
    Purpose.RECORD_INTEGRITY: "keeping records right",
}
BASES: Mapping[DutyBasis, str] = {
    DutyBasis.S11_BODY: "s16LA(4)(a): a person or body of s11(1)",
    DutyBasis.DESIGNATED_EDU: "s16LA(4)(b): a designated childcare or education agency",
    DutyBasis.CONTRACTED: "s16LA(4)(c): a provider under arrangements",
    DutyBasis.NONE: "not under s16LA",
}
REGIMES: Mapping[DpRegime, str] = {
    DpRegime.UKGDPR: "UK GDPR",
    DpRegime.DPA_PART3: "Part 3 Data Protection Act 2018 (law enforcement)",
}
CATEGORIES: Mapping[AgencyCategory, str] = {
    AgencyCategory.LA_CSC: "children's services of the local authority",
    AgencyCategory.LA_OTHER: "other functions of the local authority",
    AgencyCategory.DISTRICT: "district councils",
    AgencyCategory.ICB: "the integrated care board",
    AgencyCategory.NHS_TRUST: "NHS trusts",
    AgencyCategory.NHS_FT: "NHS foundation trusts",
    AgencyCategory.SPHA: "special health authorities",
    AgencyCategory.GP: "GP practices",
    AgencyCategory.PHARM: "pharmacies",
    AgencyCategory.DENTAL: "dental practices",
    AgencyCategory.HV_SN: "health visiting and school nursing",
    AgencyCategory.POLICE: "the police",
    AgencyCategory.BTP: "British Transport Police",
    AgencyCategory.NCA: "the National Crime Agency",
    AgencyCategory.PROBATION: "probation",
    AgencyCategory.YOT: "youth justice services",
    AgencyCategory.PRISON: "prisons",
    AgencyCategory.YOUTH_SUPPORT: "youth support services",
    AgencyCategory.SCHOOL: "schools",
    AgencyCategory.COLLEGE: "colleges",
    AgencyCategory.EARLY_YEARS: "nurseries, childminders and family hubs",
    AgencyCategory.SECURE_HOME: "secure children's homes",
    AgencyCategory.RESIDENTIAL: "children's homes",
    AgencyCategory.FOSTER_AGENCY: "fostering agencies",
    AgencyCategory.CONTRACTED_VCS: "voluntary organisations under contract",
    AgencyCategory.HOUSING_RP: "housing associations",
    AgencyCategory.COURT_CAFCASS: "Cafcass",
    AgencyCategory.UKVI: "UK Visas and Immigration",
    AgencyCategory.FIRE: "the fire and rescue service",
    AgencyCategory.DWP: "the Department for Work and Pensions",
    AgencyCategory.FAITH_SPORT: "faith and sports organisations",
    AgencyCategory.IDENTITY_SERVICE: "the identity service",
    AgencyCategory.SAFEGUARDING_PARTNERSHIP: "the partnership's business unit",
}
STAFFED: Mapping[Staffed, str] = {
    Staffed.ROUND_THE_CLOCK: "day and night",
    Staffed.EXTENDED_HOURS: "extended hours",
    Staffed.OFFICE_HOURS: "office hours",
    Staffed.SCHOOL_HOURS: "school hours",
}
SERVES: Mapping[Serves, str] = {
    Serves.CHILD: "the child",
    Serves.FAMILY: "the family",
    Serves.PERSON_OF_CONCERN: "a person of concern",
}


def class_name(shown: FieldClass) -> str:
    return CLASSES[shown][0]


def party(name: str, source: Source) -> str:
    """A party as agreements name it: an agency, `category:SCHOOL`, or `category:SCHOOL@eastmarch`."""
    kind, _, category = name.partition(":")
    if not category:
        return source.agency(kind)
    category, _, area = category.partition("@")
    words = CATEGORIES[AgencyCategory(category)]
    return f"{words} of {source.document['areas'][area]['name']}" if area in source.document["areas"] else words


def recipient(of: str) -> str:
    """How a rule finds its recipient."""
    kind, _, category = of.partition(":")
    return CATEGORIES[AgencyCategory(category)] if category else SELECTOR_WORDS[kind]


def most_of(some: Iterable[str], every: Iterable[str], what: str) -> str:
    """`a; b`, or `all WHAT but c` where that is shorter."""
    chosen, all_words = set(some), set(every)
    left_out = sorted(all_words - chosen)
    if len(left_out) * 2 > len(all_words) or len(chosen) < 6:
        return "; ".join(sorted(chosen))
    return f"all {what} but: {'; '.join(left_out)}" if left_out else f"all {what}"


def conditions(when: Mapping[str, Any], source: Source) -> str:
    """What a rule asks of the event, empty when it asks nothing."""
    return listed(wish(name, _softened(name, wanted, source)) for name, wanted in sorted(when.items()))


def _softened(name: str, wanted: Any, source: Source) -> Any:
    """Codes as words; authorities, bounds and flags as they are."""
    if name == "sourceCategory":
        return [CATEGORIES[AgencyCategory(code)] for code in wanted]
    if name == "source":
        return [source.agency(agency) for agency in wanted]
    if name == "purpose":
        return [PURPOSES[Purpose(code)] for code in wanted]
    if (name in LISTS and name != "areaGss") or name == "concerns":
        return [str(code).lower().replace("_", " ") for code in wanted]
    return wanted


def clock(rule: Mapping[str, Any], event_type: str, source: Source) -> str:
    """Time allowed to acknowledge, empty when there is none."""
    code = rule.get("clock") or source.document["clocks"].get(event_type, "NONE")
    return CLOCK_WORDS.get(code, "")


def gateways(codes: Iterable[str]) -> list[str]:
    return [GATEWAYS[LegalGateway(code)] for code in codes]


def categories(codes: Iterable[str]) -> str:
    return listed(CATEGORIES[code] for code in AgencyCategory if code.value in set(codes) and code in CATEGORIES)


def publishers(some: Iterable[AgencyCategory]) -> str:
    """Most categories may publish what concerns every agency; then those that may not are named."""
    chosen = set(some)
    left_out = [category.value for category in CATEGORIES if category not in chosen]
    if len(left_out) > 4:
        return categories(chosen)
    return f"any party but {categories(left_out)}" if left_out else "any party"


def day(value: str) -> str:
    """`2026-09-30` as `30 September 2026`."""
    year, month, number = value.split("-")
    return f"{int(number)} {_MONTHS[int(month) - 1]} {year}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
