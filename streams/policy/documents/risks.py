"""What could harm a child, or somebody close to one, through this exchange, and what stands against it.

Drawn from sections 3.5 and 6.3 of the domain catalogue. Each risk names the laws and field rules that prevent it (see
`refusals.py`), the invariants that are proved, and what is left. Ratings are proposals for the practitioners who
review the assessment: likelihood and severity, each low, medium or high.
"""

from __future__ import annotations

from typing import NamedTuple


class Risk(NamedTuple):
    id: str
    title: str
    harm: str
    before: str  # likelihood, severity, were nothing done
    laws: tuple[str, ...]  # of refusals.LAWS
    measures: tuple[str, ...]  # what else stands against it
    invariants: tuple[str, ...]  # ids of shipped invariants, proved for the rule set
    residual: str
    after: str
    owner: str


RISKS: tuple[Risk, ...] = (
    Risk(
        "address-found",
        "A child in hiding is found",
        "A child in a refuge, a placement or a protected address is found by the person they were moved away from, "
        "through an address, a school, a surgery or a worker's team.",
        "likelihood high, severity high",
        (),
        (
            "Everything from which it can be told where a child is has a class of its own. With a protected address "
            "it is taken out for all but the roles named below, and so is the code of the home authority.",
            "An address protection that is not known counts as protected.",
            "An event that carries an address of a refuge is refused.",
            "A change of protection is an event of its own and reaches those who hold locating data.",
        ),
        (
            "protected-location",
            "protected-location-for-those-who-serve-the-child",
        ),
        "Free text may still say where somebody is. It reaches social workers and the owners of a case only, and "
        "publishers are trained to keep places out of it. What was delivered before a protection began stays with "
        "its recipient until the recipient removes it.",
        "likelihood low, severity high",
        "Director of children's services",
    ),
    Risk(
        "found-through-offender-services",
        "A victim is found, or the person of concern warned, through a service for that person",
        "A victim is found, or the person of concern is warned, through a service that works with that person.",
        "likelihood high, severity high",
        (),
        (
            "Roles that serve a person of concern are given no locating, contact or placement item, whatever a rule "
            "says.",
            "An event can be marked not to be disclosed to its subject; the mark travels with it.",
            "Safe-contact instructions reach those who may have to ring the family.",
        ),
        ("person-of-concern-no-whereabouts", "offender-services-no-whereabouts"),
        "A worker who knows the family can put two facts together. Agencies decide with the conflict-of-interest "
        "list of each event who must not see it.",
        "likelihood low, severity high",
        "Chief constable and head of probation",
    ),
    Risk(
        "accused-told",
        "An accused person learns of the allegation too soon",
        "Somebody who works with children learns of an allegation against them before it is safe, or the setting "
        "where they work does.",
        "likelihood medium, severity high",
        ("accused_setting", "restricted_lane"),
        (
            "The setting of the accused person is recognised under each of its codes and never receives the event, "
            "nor does anybody stand in for it there.",
        ),
        ("allegation-not-to-the-accused", "allegation-lane"),
        "An accused person who works for several settings is known to the exchange by those that the event names. "
        "The designated officer must ask for the others.",
        "likelihood low, severity high",
        "Local authority designated officer",
    ),
    Risk(
        "adoption-linked",
        "An adoption is undone by a link",
        "An adopted child is linked with their earlier identity, or birth family learns where they are.",
        "likelihood medium, severity high",
        (),
        (
            "No role may hold an item of the class adoption.",
            "When an identity is severed, the event carries the dead number and never a new one; the new identity "
            "starts empty.",
            "A retraction because of an adoption does not give the adoption as its ground.",
        ),
        ("severed-identity-no-link", "adoption-never"),
        "Workers who knew the child before and after remain. Their agencies' own access controls are what protects "
        "here.",
        "likelihood low, severity high",
        "Head of the identity service",
    ),
    Risk(
        "sealed-record-shown",
        "A sealed record is shown to exist",
        "The existence of a sealed record is shown: witness protection, a covert operation, an adoption, a child of "
        "a member of staff.",
        "likelihood medium, severity high",
        ("restricted_lane",),
        ("What the named officer is given is a reference and whom to ring.",),
        ("restricted-lane",),
        "Restricted events are kept apart by rule, but share channels with ordinary ones; channels and keys of their "
        "own are still to be built. Until then a party's own administrators must be cleared for what its inbox may "
        "hold.",
        "likelihood low, severity high",
        "Named officers for sealed records",
    ),
    Risk(
        "services-avoided",
        "Young people stay away from services that tell",
        "Young people and parents stay away from a clinic, a counsellor or a drugs service because they fear that it "
        "tells.",
        "likelihood high, severity high",
        ("sensitive_service",),
        (
            "Items that show use of a sensitive service are given only to recipients whom the publisher has confirmed.",
            "The privacy notice says this in words that a young person can read.",
        ),
        ("sensitive-service-by-decision-only", "sensitive-service-event-by-decision-only"),
        "A confirmed recipient can still tell others. Onward sharing is limited by the agreement and not by the "
        "exchange.",
        "likelihood medium, severity medium",
        "Designated nurse",
    ),
    Risk(
        "wrong-child",
        "The wrong child",
        "Information about one child is put on another's record.",
        "likelihood medium, severity high",
        (),
        (
            "A match that is not certain holds every recipient who is found through the child's record until a "
            "person has looked. The front door still hears, so that doubt about a number never delays protection.",
            "Numbers are checked when an event is published. A missing NHS number blocks nothing (section 16LC(8)).",
            "A retraction goes to exactly those who got the original and asks for removal.",
        ),
        (),
        "A publisher can be certain and wrong. Recipients are asked to say when a child is not theirs.",
        "likelihood low, severity high",
        "Each publisher",
    ),
    Risk(
        "detriment",
        "Telling does more harm than silence",
        "A disclosure does a child more harm than keeping silent would.",
        "likelihood medium, severity high",
        (),
        (
            "The publisher's no to a recipient prevails over every rule (section 16LA(3)), and is recorded with its "
            "ground.",
            "Recipients with a conflict of interest are left out and somebody else in their stead is told.",
            "Decisions not to share are told to nobody.",
        ),
        ("withheld-wins", "conflict-of-interest"),
        "The exchange cannot know what the publisher did not consider. Training and sampled audits are what remains.",
        "likelihood medium, severity medium",
        "Each publisher",
    ),
    Risk(
        "too-much",
        "More than is needed",
        "More is shared than is needed: private life is exposed, and what matters is lost among what does not.",
        "likelihood high, severity medium",
        ("purpose_agreed", "regime_covered"),
        (
            "Nothing is given that a rule does not name, item by item; a new item is given to nobody until a rule "
            "names it.",
            "Free text comes last and goes to few.",
            "Each rule carries the reason why it is necessary, and the partnership's refusals carry theirs.",
            "A change of rules is rehearsed on past decisions before it is signed, so that what would newly be "
            "shared is seen.",
        ),
        (),
        "A rule can be well-formed and still too wide. Rules, reasons and figures of events that led to nothing are "
        "reviewed together every year.",
        "likelihood medium, severity medium",
        "Delegated safeguarding partners",
    ),
    Risk(
        "no-power",
        "No lawful ground",
        "Information reaches a body that has no lawful ground to have it.",
        "likelihood medium, severity medium",
        (
            "duty_basis",
            "duty_commenced",
            "rule_area_commenced",
            "contract_in_time",
            "contract_in_scope",
            "agreement_in_force",
            "party_to_agreement",
        ),
        ("The ground of every party is recorded with its evidence and its dates.",),
        ("duty-needs-a-basis", "duty-outside-the-statute", "duty-commenced", "contract-scope-and-dates"),
        "Which settings the regulations designate is not yet known (see the open points of the agreement annex).",
        "likelihood low, severity medium",
        "Business manager of the partnership",
    ),
    Risk(
        "look-ups",
        "Curiosity and misuse",
        "Somebody looks up a child out of curiosity, or an abuser who works for a party does.",
        "likelihood high, severity high",
        (),
        (
            "There is nothing to look up: no search, no list of children, no view across agencies. A recipient sees "
            "what was delivered to its role.",
            "Where the exchange must know which school, surgery or team a child has, it keeps keyed pseudonyms that "
            "expire and that only its own router can use; every use is in the reasons of the decision.",
        ),
        (),
        "Each party's own inbox can be misused. The agreement asks for access by role, a log by person and a monthly "
        "sample.",
        "likelihood low, severity high",
        "Each recipient",
    ),
    Risk(
        "honeypot",
        "The exchange itself",
        "The exchange itself is broken into, or its operators read what passes.",
        "likelihood medium, severity high",
        (),
        (
            "Content is kept for days, not years. What is kept longer holds pseudonyms, codes and names of items.",
            "Pseudonyms are keyed, since a plain hash of an NHS number can be tried out in minutes.",
            "Connections to other machines are encrypted, and each agency has access to its own channels only.",
        ),
        (),
        "While an event is kept its content is readable to whoever operates the exchange; keys of its own for each "
        "event are still to be built. Separation of duties among operators is the partnership's to arrange.",
        "likelihood low, severity high",
        "Operator of the exchange",
    ),
    Risk(
        "weak-recipient",
        "A party with weak security",
        "A small party with weak security loses what it received.",
        "likelihood medium, severity high",
        (),
        (
            "Assurance is shown before a party is connected and every year after.",
            "Each party holds its own share only.",
        ),
        (),
        "Security among many parties is uneven, and no design removes that. It is why each of them is given little.",
        "likelihood medium, severity medium",
        "Business manager of the partnership",
    ),
    Risk(
        "not-read",
        "Delivered and not read; silence taken for safety",
        "An event is delivered and nobody reads it, or silence is taken for safety.",
        "likelihood high, severity high",
        (),
        (
            "Each delivery has a time by which it is acknowledged by a role, with an outcome.",
            "What is immediate is addressed to a role that answers day and night, and is rung through as well.",
            "What cannot be decided or delivered waits in a queue with an owner and an alarm; nothing is dropped.",
            "Every document and notice says that no event is no sign of safety.",
        ),
        ("immediate-reaches-someone-awake",),
        "Judgement, curiosity and the visit remain with people. Escalation of late acknowledgements is still to be "
        "built.",
        "likelihood medium, severity high",
        "Delegated safeguarding partners",
    ),
    Risk(
        "bad-rules",
        "Mistaken or forged rules",
        "A mistaken or forged change of rules opens what should be closed.",
        "likelihood medium, severity high",
        ("agreement_in_force",),
        (
            "A change is checked, compared with what is in force, rehearsed on past traffic and proved against the "
            "invariants before two people sign it. The exchange takes nothing that is not signed by both.",
            "Every decision names the rule set that made it and can be replayed under it.",
            "One signatory can stop a rule, an agency or a kind of event within seconds; what is stopped waits and "
            "is not lost.",
        ),
        (),
        "Two signatories can agree on a mistake. The differences and the rehearsal are shown to both before they sign.",
        "likelihood low, severity high",
        "The signatories",
    ),
    Risk(
        "profiling",
        "Unequal watching",
        "Poor and minority families are watched more closely because more events are recorded about them.",
        "likelihood medium, severity medium",
        (),
        (
            "The exchange counts nothing about a child, gives no score and draws no conclusion.",
            "Figures for the partnership are totals with small numbers suppressed.",
        ),
        (),
        "Unequal recording by the parties passes through unchanged. The yearly review looks at totals by group.",
        "likelihood medium, severity medium",
        "Independent scrutineer",
    ),
)
