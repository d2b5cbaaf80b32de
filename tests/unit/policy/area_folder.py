"""A small area folder as text, right in everything, for tests that break one thing at a time."""

from __future__ import annotations

from pathlib import Path

AREA = """\
area: north
name: North Safeguarding Children Partnership
authorities: [E10000099]
dutyCommencedOn: 2026-09-30
legalText: s16LA-2026-09-30
frontDoor: north-csc
responsibleOfficerRole: ehe-officer
reviewBy: 2029-09-30
neighbours: [east]
locatingRoles: [front-door]
bankHolidays: england
schoolTerms:
  - {from: 2026-09-02, to: 2026-10-23}
roles:
  front-door:
    title: Front door
    staffed: ROUND_THE_CLOCK
    classes: [IDENTITY, CIRCUMSTANCE, LOCATING, THIRD_PARTY]
  dsl:
    title: Designated safeguarding lead
    classes: [IDENTITY, CIRCUMSTANCE]
  ehe-officer: {title: Home education officer, classes: [IDENTITY]}
  offender-manager:
    title: Offender manager
    serves: PERSON_OF_CONCERN
    classes: [CIRCUMSTANCE]
"""

AGENCIES = """\
agencies:
  - id: north-police
    name: North Police
    category: POLICE
    dutyBasis: {basis: S11_BODY, evidence: s11(1)(h), from: 2026-09-30}
    identifiers: [{scheme: GSS, id: E23000099}]
    channel: kafka
    contacts: {office: {name: Control room, phone: 01632 960001}}
  - id: north-csc
    name: North children's social care
    category: LA_CSC
    dutyBasis: {basis: S11_BODY, evidence: s11(1)(a), from: 2026-09-30}
    identifiers: [{scheme: GSS, id: E10000099}]
    channel: kafka
    roles: [front-door, ehe-officer]
    contacts: {office: {name: Duty desk, phone: 01632 960002}}
  - id: oak-school
    name: Oak School
    category: SCHOOL
    dutyBasis: {basis: DESIGNATED_EDU, evidence: s16E, from: 2026-09-30}
    identifiers: [{scheme: URN, id: "990001"}]
    channel: gateway
    roles: [dsl]
    contacts: {office: {name: Lead, phone: 01632 960003}}
    alternate: north-csc
  - id: safe-harbour
    name: Safe Harbour
    category: CONTRACTED_VCS
    dutyBasis: {basis: CONTRACTED, evidence: contract, from: 2026-09-30}
    identifiers: [{scheme: CHARITY, id: "9999001"}]
    channel: gateway
    contacts: {office: {name: Advocate, phone: 01632 960004}}
    contract:
      commissioner: north-csc
      scope: {eventTypes: [police.domestic-abuse-incident]}
      until: 2028-03-31
"""

AGREEMENTS = """\
agreements:
  - id: north-dsa
    title: North agreement
    parties: [category:SCHOOL, category:LA_CSC, safe-harbour]
    purposes: [SAFEGUARDING]
    gateways: [S16LA, S49A_DAA]
    lawfulBasis: Art 6(1)(c)
    regimes: [UKGDPR]
    signedOn: 2026-09-01
    reviewBy: 2028-09-01
"""

PROJECTIONS = """\
school:
  reason: what a school needs
  common: [envelope.child.name]
  events:
    police.domestic-abuse-incident: [incidentDate]
front-door:
  reason: all
  common: [envelope.child, envelope.settings]
"""

RULES = """\
rules:
  - id: encompass
    effect: allow
    events: [police.domestic-abuse-incident]
    when:
      sourceCategory: [POLICE]
      urgency: [URGENT]
      concerns: [DOMESTIC_ABUSE]
      areaGss: [E10000099]
      source: [north-police]
      ageYears: {atLeast: 4, atMost: 18}
    gateways: [S49A_DAA]
    regimes: [UKGDPR]
    to: {role: dsl, of: child.school}
    share: school
    under: north-dsa
    clock: NEXT_SCHOOL_DAY
    reason: before the child walks in
    validFrom: 2026-09-30
    validUntil: 2027-09-30
  - id: no-school
    effect: deny
    events: [education.absence-concern]
    to: {role: dsl, of: area}
    reason: never
"""

CASES = """\
cases:
  - name: the school is told
    rule: encompass
    event: {type: police.domestic-abuse-incident, source: north-police}
    at: 2026-10-05T18:00:00Z
    expect:
      - {agency: oak-school, outcome: DELIVERED, rule: encompass, gets: [envelope.child.name]}
      - {agency: north-csc, outcome: ABSENT, reason: NO_RULE}
"""

EAST_AREA = """\
area: east
name: East
authorities: [E06000099]
dutyCommencedOn: 2026-09-30
legalText: s16LA-2026-09-30
frontDoor: east-csc
reviewBy: 2029-09-30
roles:
  front-door: {title: Front door, classes: [IDENTITY]}
"""

EAST_AGENCIES = """\
agencies:
  - id: east-csc
    name: East children's social care
    category: LA_CSC
    dutyBasis: {basis: S11_BODY, evidence: s11(1)(a), from: 2026-09-30}
    identifiers: [{scheme: GSS, id: E06000099}]
    channel: kafka
    roles: [front-door]
    contacts: {office: {name: Duty desk, phone: 01632 960005}}
"""

FILES = {
    "north/area.yaml": AREA,
    "north/agencies/all.yaml": AGENCIES,
    "north/agreements.yaml": AGREEMENTS,
    "north/projections.yaml": PROJECTIONS,
    "north/rules/all.yaml": RULES,
    "north/cases/all.yaml": CASES,
    "east/area.yaml": EAST_AREA,
    "east/agencies/all.yaml": EAST_AGENCIES,
    "east/agreements.yaml": "agreements: []\n",
    "east/projections.yaml": "{}\n",
}


def write_areas(root: Path, files: dict[str, str]) -> Path:
    """Write the files under `root`; the main area's folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / "north"
