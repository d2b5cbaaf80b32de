"""The annex to a data-sharing agreement: who, why, under which law, and what happens to what is shared.

Contents follow the Information Commissioner's data-sharing code and section 7.1 of the domain catalogue. The schedules,
in which each flow of data is set out, are in `schedules.py`; what happens to it afterwards is in `care.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.vocabulary import DpRegime, DutyBasis, FieldClass, LegalGateway, Purpose
from streams.policy.documents import words
from streams.policy.documents.care import care
from streams.policy.documents.front import banner, version
from streams.policy.documents.items import classes_given
from streams.policy.documents.markdown import bullets, capital, code, heading, listed, paragraph, sentence, table, text
from streams.policy.documents.refusals import FIELDS, LAWS
from streams.policy.documents.schedules import schedules
from streams.policy.documents.source import Entry, Source

SPECIAL = (FieldClass.HEALTH, FieldClass.SEXUAL_HEALTH, FieldClass.SENSITIVE_SERVICE)


def agreement_annex(source: Source) -> str:
    """The whole annex, as Markdown."""
    parts = (_opening, _parties, _purposes, _gateways, _special, _items, _refusals, _judgement, care, schedules)
    return "".join(part(source) for part in parts)


def _opening(source: Source) -> str:
    name = text(source.spec["name"])
    return (
        heading(1, f"{name}: annex to the data-sharing agreements")
        + banner()
        + version(source)
        + heading(2, "1. What this annex is")
        + paragraph(
            "The parties share information about children through an exchange that carries out written rules. This",
            "annex states those rules in full: for each kind of event, who is told, what they are told, when, under",
            "which agreement and why it is necessary. It is written from the same compiled rule set that the",
            "exchange carries out, so that what is signed and what is done are one thing.",
        )
        + paragraph(
            "Each disclosure remains the decision of the party that makes it. Section 16LA(2) of the Children Act",
            "2004 has it disclose if, and only so far as, it considers that this may help the recipient in its own",
            "functions for children. A rule proposes recipients; the publisher confirms them, trims them or says no,",
            "by having adopted the rule or for the event in hand. Its no is recorded and always prevails.",
        )
        + paragraph(sentence(source.governance.get("controllers", "")))
    )


_OWN_RIGHT = {
    DutyBasis.S11_BODY: "a person or body of section 11(1), s16LA(4)(a)",
    DutyBasis.DESIGNATED_EDU: "a designated childcare or education agency, s16LA(4)(b)",
}


def _parties(source: Source) -> str:
    listed_agencies = sorted(source.agencies, key=lambda a: (source.organisation(a["organisation"]), a["name"]))
    by_basis = {basis: [a for a in listed_agencies if a["dutyBasis"]["basis"] == basis] for basis in DutyBasis}
    return (
        heading(2, "2. Parties, and why each is under the duty")
        + paragraph(
            "One council is one legal person with many functions. Information goes to the function that acts on it,",
            "and never to the council as such; functions that must be walled off from each other are listed apart.",
        )
        + "".join(
            table(
                f"Parties under the duty as {caption}",
                ("Party", "Legal person", "Kind", "Evidence", "Under the duty"),
                (_party(agency, source) for agency in by_basis[basis]),
            )
            for basis, caption in _OWN_RIGHT.items()
        )
        + table(
            "Providers under contract, and the kinds of event that each contract covers",
            ("Party", "Commissioner", "Evidence", "Scope", "Last day"),
            (_provider(agency, source) for agency in by_basis[DutyBasis.CONTRACTED]),
        )
        + table(
            "Bodies outside the duty, which receive only under another gateway that a rule names",
            ("Body", "Kind", "Why it is outside"),
            (
                (text(a["name"]), _kind(a), text(a["dutyBasis"]["evidence"]))
                for a in by_basis[DutyBasis.NONE]
            ),
        )
        + paragraph(
            "Agencies of neighbouring arrangements are parties where an agreement in section 4 names them, so that a",
            "child who crosses a boundary is not lost at it.",
        )
    )  # fmt: skip


def _party(agency: Entry, source: Source) -> tuple[str, ...]:
    basis = agency["dutyBasis"]
    until = f" to {words.day(basis['until'])}" if basis["until"] else ""
    return (
        text(agency["name"]),
        text(source.organisation(agency["organisation"])),
        _kind(agency),
        text(basis["evidence"]),
        f"from {words.day(basis['from'])}{until}",
    )


def _provider(agency: Entry, source: Source) -> tuple[str, ...]:
    contract = agency.get("contract")
    scope = sorted(source.event(name) for name in contract["eventTypes"]) if contract else []
    return (
        text(agency["name"]),
        text(source.agency(contract["commissioner"])) if contract else "not stated",
        text(agency["dutyBasis"]["evidence"]),
        text("; ".join(scope)) or "not stated",
        words.day(contract["until"]) if contract else "not stated",
    )


def _kind(agency: Entry) -> str:
    return capital(words.categories([agency["category"]]).removeprefix("the "))


def _purposes(source: Source) -> str:
    used = {purpose for _, entry in source.agreements for purpose in entry["purposes"]}
    return (
        heading(2, "3. Purposes")
        + paragraph(
            "Information is shared to safeguard children and to promote their welfare, and for the duties that go",
            "with it. A publisher states one of these purposes with every event; the exchange refuses a purpose that",
            "the agreement behind a rule does not list.",
        )
        + bullets(sentence(words.PURPOSES[p]) for p in Purpose if p.value in used)
    )


def _gateways(source: Source) -> str:
    every = {source.event(event) for rule in source.allows for event in rule["events"]}
    allowed = [
        (
            gateway,
            sorted({source.event(e) for r in source.allows if gateway.value in r["gateways"] for e in r["events"]}),
        )
        for gateway in LegalGateway
        if gateway in words.GATEWAYS
    ]
    return (
        heading(2, "4. Agreements, legal gateways and lawful bases")
        + paragraph(
            "Every rule rests on one of these agreements and on a legal gateway. Consent is not the basis of sharing",
            "under section 16LA and is not asked for as one. Families are told openly what is shared and why, unless",
            "that would put somebody at risk; the publisher states which.",
        )
        + table(
            "Agreements in force",
            ("Agreement", "Parties", "Purposes", "Lawful basis", "Regimes", "Signed and review"),
            (_agreement(name, entry, source) for name, entry in source.agreements),
        )
        + table(
            "Legal gateways, and the kinds of event that rules share under each",
            ("Gateway", "Kinds of event"),
            (
                (text(words.GATEWAYS[g]), text(words.most_of(events, every, "kinds of event")))
                for g, events in allowed
                if events
            ),
        )
    )


def _agreement(name: str, entry: Entry, source: Source) -> tuple[str, ...]:
    return (
        f"{text(entry['title'])} ({code(name)})",
        text("; ".join(_party_names(entry["parties"], source))),
        text("; ".join(words.PURPOSES[p] for p in Purpose if p.value in entry["purposes"])),
        sentence(entry["lawfulBasis"]),
        text("; ".join(words.REGIMES[r] for r in DpRegime if r.value in entry["regimes"])),
        f"{words.day(entry['signedOn'])}; review by {words.day(entry['reviewBy'])}",
    )


def _party_names(parties: Iterable[str], source: Source) -> list[str]:
    """Own parties first, in alphabetical order, then those of other areas, each area once."""
    own = sorted(words.party(name, source) for name in parties if "@" not in name)
    others: dict[str, list[str]] = {}
    for name in sorted(parties):
        kind, _, area = name.partition("@")
        if area:
            others.setdefault(area, []).append(words.party(kind, source))
    areas = source.document["areas"]
    abroad = [f"of {areas[a]['name'] if a in areas else a}: {listed(sorted(n))}" for a, n in sorted(others.items())]
    return own + abroad


def _special(source: Source) -> str:
    rows = []
    for name in sorted({event for rule in source.allows for event in rule["events"]}, key=source.event):
        given = classes_given(source, [{**r, "events": [name]} for r in source.allows if name in r["events"]])
        kind = source.event_types[name]
        rows += [
            (text(kind.title), words.class_name(c), sentence(why))
            for c, why in sorted(kind.sensitive.items(), key=lambda pair: pair[0].value)
            if c in given
        ]
    return (
        heading(2, "5. Special category and criminal offence data")
        + paragraph(
            "Health information and information about offences is shared only where the purpose of the event needs",
            "it. The condition relied on is named in the agreement (section 4), in general Article 9(2)(g) of the UK",
            "GDPR with paragraph 18 of Schedule 1 to the Data Protection Act 2018, safeguarding of children and of",
            "individuals at risk. Diagnoses, findings and reports are not carried by the exchange.",
            sentence(source.governance.get("policyDocument", "")),
        )
        + table(
            "Kinds of event that carry such data to at least one recipient, and why",
            ("Kind of event", "Class", "Why the purpose needs it"),
            rows,
        )
    )


def _items(source: Source) -> str:
    given = classes_given(source, source.allows)
    return (
        heading(2, "6. Data items")
        + paragraph(
            "Every data item of every kind of event has a class. Schedule A lists what each recipient is given, item",
            "by item; schedule D says what each item holds. What is not listed there is not given. Message details",
            "go with every delivery.",
        )
        + table(
            "Classes of data items",
            ("Class", "What it covers", "Given to anybody"),
            (
                (name, meaning, "yes" if c in given or c is FieldClass.ROUTING else "no")
                for c, (name, meaning) in words.CLASSES.items()
            ),
        )
        + paragraph(
            "Where a child with a protected address is may be known to these roles only:",
            listed(text(source.title(role)) for role in source.spec["locatingRoles"]) + ".",
        )
    )


def _refusals(source: Source) -> str:
    return (
        heading(2, "7. What is never shared")
        + paragraph(
            "These refusals are part of the exchange itself. No rule of an area can lift them. Refusals that the",
            "partnership has added are in schedule B.",
        )
        + table("Disclosures that are refused", ("Refusal", "What it means", "From"),
                ((law.short, law.words, law.basis) for law in LAWS.values()))
        + table("Items that are taken out of a disclosure", ("Refusal", "What it means", "From"),
                ((law.short, law.words, law.basis) for law in FIELDS))
    )  # fmt: skip


def _judgement(source: Source) -> str:
    return heading(2, "8. How a disclosure is decided") + bullets(
        (
            "The publisher states the legal gateway, the purpose, why the event is relevant, and any recipient from "
            "whom it withholds or who has a conflict of interest.",
            "What the publisher withholds is withheld. Then come the refusals of section 7, exclusions for a "
            "conflict of interest, and the partnership's own refusals. Only what passes all of them is delivered.",
            "Where the exchange cannot be sure, because it is not certain whose record it is, the recipient cannot "
            "be found, or the event leaves out what a rule asks, the event waits for a person. Nothing is dropped.",
            "Each event leaves one record that names every possible recipient, told or not, with the reasons and "
            "with the rule set that decided. It holds no narrative and nothing from which a child can be found.",
            "Nobody can search. A recipient sees what was delivered to its role and nothing else.",
            "No event about a child is not a sign that all is well, and an urgent event is rung through as well: the "
            "exchange is never the only channel.",
        )
    )
