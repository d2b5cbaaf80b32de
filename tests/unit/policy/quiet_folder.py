"""A small area folder about which there is nothing to say, for tests of warnings that disturb one thing at a time."""

from __future__ import annotations

AREA = """\
area: north
name: North Safeguarding Children Partnership
authorities: [E10000099, E06000098]
dutyCommencedOn: 2026-09-30
legalText: s16LA-2026-09-30
frontDoor: north-csc
reviewBy: 2029-09-30
locatingRoles: [front-door]
schoolTerms:
  - {from: 2026-09-02, to: 2027-07-21}
roles:
  front-door:
    title: Front door
    restricted: true
    staffed: ROUND_THE_CLOCK
    classes: [IDENTITY, CIRCUMSTANCE, LOCATING]
  dsl: {title: Designated safeguarding lead, classes: [IDENTITY, CIRCUMSTANCE]}
  advocate: {title: Advocate, classes: [IDENTITY, CIRCUMSTANCE]}
  hub: {title: Police hub, staffed: ROUND_THE_CLOCK, classes: [IDENTITY, CIRCUMSTANCE]}
"""

AGENCIES = """\
agencies:
  - id: north-police
    name: North Police
    category: POLICE
    dutyBasis: {basis: S11_BODY, evidence: s11(1)(h), from: 2026-09-30}
    identifiers: [{scheme: GSS, id: E23000099}]
    channel: kafka
    roles: [hub]
    contacts: {office: {name: Control room, phone: 01632 960001}}
  - id: north-csc
    name: North children's social care
    category: LA_CSC
    dutyBasis: {basis: S11_BODY, evidence: s11(1)(a), from: 2026-09-30}
    identifiers: [{scheme: GSS, id: E10000099}]
    channel: kafka
    roles: [front-door]
    contacts: {office: {name: Duty desk, phone: 01632 960002}}
  - id: oak-school
    name: Oak School
    category: SCHOOL
    dutyBasis: {basis: DESIGNATED_EDU, evidence: s16E, from: 2026-09-30}
    identifiers: [{scheme: URN, id: "990001"}]
    channel: gateway
    roles: [dsl]
    contacts: {office: {name: Lead, phone: 01632 960003}, outOfHours: {name: Head, phone: 01632 960004}}
  - id: safe-harbour
    name: Safe Harbour
    category: CONTRACTED_VCS
    dutyBasis: {basis: CONTRACTED, evidence: contract, from: 2026-09-30}
    identifiers: [{scheme: CHARITY, id: "9999001"}]
    channel: gateway
    roles: [advocate]
    contacts: {office: {name: Advocate, phone: 01632 960005}, outOfHours: {name: Line, phone: 01632 960006}}
    contract:
      commissioner: north-csc
      scope: {eventTypes: [police.domestic-abuse-incident]}
      until: 2028-03-31
"""

AGREEMENTS = """\
agreements:
  - id: north-dsa
    title: North agreement
    parties: [category:SCHOOL, category:LA_CSC, category:POLICE, safe-harbour]
    purposes: [SAFEGUARDING, WELFARE, HOUSING_DUTY]
    gateways: [S16LA, S49A_DAA, VITAL_INTERESTS, S213B_HOUSING, EDUCATION_REGULATIONS]
    lawfulBasis: Art 6(1)(c)
    regimes: [UKGDPR, DPA_PART3]
    signedOn: 2026-09-01
    reviewBy: 2028-09-01
  - id: encompass
    title: Encompass protocol
    parties: [category:SCHOOL]
    purposes: [SAFEGUARDING]
    gateways: [S49A_DAA, S16LA]
    lawfulBasis: Art 6(1)(e)
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
  reason: who and how
  common: [envelope.child.name, envelope.child.dateOfBirth]
"""

RULES = """\
rules:
  - id: encompass-school
    effect: allow
    events: [police.domestic-abuse-incident]
    gateways: [S49A_DAA]
    to: {role: dsl, of: child.school}
    share: school
    under: encompass
    clock: NEXT_SCHOOL_DAY
    reason: before the child walks in
  - id: incident-front-door
    effect: allow
    events: [police.domestic-abuse-incident, education.absence-concern]
    gateways: [S16LA, VITAL_INTERESTS]
    regimes: [UKGDPR, DPA_PART3]
    to: {role: front-door, of: child.homeAuthority}
    share: front-door
    under: north-dsa
    clock: PT4H
    reason: decides on harm
  - id: absence-hub
    effect: allow
    events: [education.absence-concern]
    when: {urgency: [IMMEDIATE, URGENT]}
    gateways: [S16LA]
    to: {role: hub, of: area}
    share: front-door
    under: north-dsa
    clock: PT1H
    reason: looks for the child
  - id: incident-advocate
    effect: allow
    events: [police.domestic-abuse-incident]
    gateways: [S16LA]
    to: {role: advocate, of: explicit}
    share: front-door
    under: north-dsa
    clock: 2WD
    reason: speaks for the victim
  - id: absence-never-to-advocate
    effect: deny
    events: [education.absence-concern]
    to: {role: advocate, of: explicit}
    reason: not their work
  - id: withheld-is-for-the-audit
    effect: deny
    events: [control.withheld]
    to: {role: dsl, of: explicit}
    reason: nobody is told
"""

FILES = {
    "north/area.yaml": AREA,
    "north/agencies/all.yaml": AGENCIES,
    "north/agreements.yaml": AGREEMENTS,
    "north/projections.yaml": PROJECTIONS,
    "north/rules/all.yaml": RULES,
}
