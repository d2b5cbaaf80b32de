"""The record of processing activities (Article 30 of the UK GDPR), one activity for each agreement.

Part A is what Article 30(1) asks of controllers, part B what Article 30(2) asks of a processor. Authorities that share
under Part 3 of the Data Protection Act 2018 keep the record of that regime themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.vocabulary import AgencyCategory, DpRegime, FieldClass, LegalGateway, Purpose
from streams.policy.documents import words
from streams.policy.documents.front import banner, contact, version
from streams.policy.documents.items import classes_given
from streams.policy.documents.markdown import capital, heading, listed, paragraph, sentence, table, text
from streams.policy.documents.source import Entry, Source

_SUBJECTS = (  # class -> whose data a field of it may be
    (FieldClass.IDENTITY, "children, the unborn included"),
    (FieldClass.CIRCUMSTANCE, "children, the unborn included"),
    (FieldClass.THIRD_PARTY, "parents, carers, siblings and other people related to a child or to a case"),
    (FieldClass.WORKER, "workers of the parties, by role"),
)
_ABOUT_NO_CHILD = frozenset({"control.notice", "control.heartbeat"})  # to the partnership's office
_SPECIAL = (FieldClass.HEALTH, FieldClass.SEXUAL_HEALTH, FieldClass.SENSITIVE_SERVICE)


def record_of_processing(source: Source) -> str:
    """The whole record, as Markdown."""
    return (
        heading(1, f"{text(source.spec['name'])}: record of processing activities")
        + banner()
        + version(source)
        + _controllers(source)
        + heading(2, "A2. Processing activities")
        + paragraph(
            "One activity for each agreement under which rules share. Kinds of event, recipients and classes of data",
            "are read from the rules; each item is in schedule A of the agreement annex.",
        )
        + "".join(_activity(number, name, entry, source) for number, (name, entry) in enumerate(_active(source), 1))
        + _idle(source)
        + _common(source)
        + _processor(source)
    )


def _controllers(source: Source) -> str:
    governance = source.governance
    return (
        heading(2, "A1. Controllers")
        + paragraph(sentence(governance.get("controllers", "")))
        + (paragraph(contact(governance["dataProtectionOfficer"]) + ".") if governance else "")
        + table(
            "Controllers, with the contact of each party",
            ("Legal person", "Parties", "Contact"),
            (_controller(slug, source) for slug in _organisations(source)),
        )
        + _business_unit(source)
    )


def _business_unit(source: Source) -> str:
    """Said only where it is so: a partnership's own office is told of nothing but what is about no child."""
    offices = [
        agency
        for agency in source.agencies
        if agency["category"] == AgencyCategory.SAFEGUARDING_PARTNERSHIP.value
        and agency["dutyBasis"]["basis"] == "NONE"
    ]
    roles = {role for office in offices for role in office["roles"]}
    told = [r for r in source.allows if r["to"]["role"] in roles and not _ABOUT_NO_CHILD.issuperset(r["events"])]
    said = (
        "The business unit of the partnership works on totals. The exchange gives it no child's data; it tells it when "
        "an agency has fallen silent."
    )
    return paragraph(said if offices and not told else "")


def _organisations(source: Source) -> list[str]:
    slugs = {
        agency["organisation"] for agency in source.agencies
        if agency["category"] != AgencyCategory.SAFEGUARDING_PARTNERSHIP.value
    }  # fmt: skip
    return sorted(slugs, key=lambda slug: (source.organisation(slug), slug))


def _controller(slug: str, source: Source) -> tuple[str, ...]:
    parts = [agency for agency in source.agencies if agency["organisation"] == slug]
    return (
        text(source.organisation(slug)),
        "; ".join(text(agency["name"]) for agency in parts if agency["name"] != source.organisation(slug)) or "itself",
        "; ".join(contact(agency["contacts"]["office"]) for agency in parts),
    )


def _active(source: Source) -> list[tuple[str, Entry]]:
    used = {rule["under"] for rule in source.allows}
    return [(name, entry) for name, entry in source.agreements if name in used]


def _idle(source: Source) -> str:
    used = {rule["under"] for rule in source.allows}
    idle = [text(entry["title"]) for name, entry in source.agreements if name not in used]
    return paragraph(f"No rule shares at present under: {'; '.join(idle)}.") if idle else ""


def _activity(number: int, name: str, entry: Entry, source: Source) -> str:
    rules = [rule for rule in source.allows if rule["under"] == name]
    given = classes_given(source, rules)
    rows = (
        ("Purposes", text("; ".join(words.PURPOSES[p] for p in Purpose if p.value in entry["purposes"]))),
        ("Lawful basis", sentence(entry["lawfulBasis"])),
        ("Legal gateways", text("; ".join(_gateways(rules)))),
        ("Regimes", text("; ".join(words.REGIMES[r] for r in DpRegime if r.value in entry["regimes"]))),
        ("Kinds of event", text("; ".join(sorted({source.event(e) for rule in rules for e in rule["events"]})))),
        ("Published by", capital(_publishers(rules, source))),
        ("Data subjects", "; ".join(dict.fromkeys(who for c, who in _SUBJECTS if c in given))),
        ("Personal data", "; ".join(words.class_name(c) for c in FieldClass if c in given)),
        ("Special category data", _named(given, _SPECIAL)),
        ("Criminal offence data", _named(given, (FieldClass.OFFENCE,))),
        ("Recipients", text("; ".join(sorted({source.title(rule["to"]["role"]) for rule in rules})))),
        ("Erasure", sentence(entry["retention"] or "As for all activities, in A3")),
        ("Reviewed by", words.day(entry["reviewBy"])),
    )  # fmt: skip
    title = text(entry["title"])
    return heading(3, f"{number}. {title}") + table(f"Activity {number}", ("Particular", "Entry"), rows)


def _gateways(rules: Iterable[Entry]) -> list[str]:
    named = {gateway for rule in rules for gateway in rule["gateways"]}
    return [words.GATEWAYS[g] for g in LegalGateway if g.value in named]


def _publishers(rules: Iterable[Entry], source: Source) -> str:
    kinds = [source.event_types[event] for rule in rules for event in rule["events"]]
    return words.publishers({category for kind in kinds for category in kind.publishers})


def _named(given: frozenset[FieldClass], wanted: Iterable[FieldClass]) -> str:
    return listed(words.class_name(c) for c in wanted if c in given) or "none"


def _common(source: Source) -> str:
    governance = source.governance
    kept = governance.get("retention", {})
    content = (
        f"Content is erased from the exchange after {kept['deliveriesDays']} days, or {kept['heldDays']} days where it "
        f"waits for a person or was refused. " if kept else ""
    )  # fmt: skip
    rows = (
        ("Recipients outside the United Kingdom", sentence(governance.get("transfers", "not stated"))),
        ("Time limits for erasure", content + sentence(kept.get("recipients", "not stated"))),
        ("Legal hold", sentence(kept.get("legalHold", "not stated"))),
        (
            "Security of the parties",
            " ".join(sentence(each) for each in governance.get("assurance", ())) or "not stated",
        ),
        ("Onward sharing", sentence(governance.get("onward", "not stated"))),
        ("Appropriate policy document", sentence(governance.get("policyDocument", "not stated"))),
    )
    return heading(2, "A3. Common to all activities") + table("All activities", ("Particular", "Entry"), rows)


def _processor(source: Source) -> str:
    kept = source.governance.get("retention", {})
    return (
        heading(2, "B. The exchange as processor")
        + paragraph("Carried out for the controllers of A1, on the instructions that the rules are.")
        + paragraph(
            "Categories of processing: receiving an event, deciding by rule who may have it, cutting from it what",
            "each recipient may have, keeping it until it is fetched, and recording the decision without its",
            "content.",
        )
        + table(
            "What the exchange keeps",
            ("Store", "Content", "How long"),
            (
                ("Channels to and from agencies", "events and deliveries", f"{kept.get('deliveriesDays', '?')} days"),
                ("Acknowledgements", "delivery, outcome code, role", f"{kept.get('receiptsDays', '?')} days"),
                ("Events that wait for a person", "the event", f"{kept.get('heldDays', '?')} days"),
                ("Refused messages", "the message and the reason", f"{kept.get('rejectedDays', '?')} days"),
                (
                    "Decisions",
                    "keyed pseudonyms, codes, names of items; no content",
                    f"{kept.get('auditDays', '?')} days",
                ),
                ("Ledger", "the same, as records", sentence(kept.get("ledger", "not stated"))),
            ),
        )
        + _register(source)
        + paragraph(
            "Security: a channel for each agency, guarded by access control; encrypted connections; keyed pseudonyms",
            "in place of numbers wherever something outlives its delivery; rules signed by two people; no search.",
            "Whoever hosts the exchange is a further processor, to be named here before it is used.",
        )
    )


def _register(source: Source) -> str:
    """What the relationship register remembers, and which events make it do so."""
    rows = [
        (text(kind.title), "; ".join(_KINDS[each.value] for each in said.kinds), f"{said.days} days")
        for _, kind in sorted(source.event_types.items())
        for said in kind.relationships
        if said.days is not None
    ]
    return paragraph(
        "The relationship register tells the exchange which school, practice, health service or social work team a",
        "child has, where an event does not say. It holds a keyed pseudonym of the child and one of the",
        "organisation, no name and no number. It cannot be searched or listed; every use is in the reasons of a",
        "decision; it is not used for a child whose address is protected or whose record is sealed.",
    ) * bool(rows) + table(
        "What the relationship register remembers", ("Kind of event", "Relationship", "At most"), rows
    )


_KINDS = {
    "school": "school", "gp": "GP practice", "communityHealth": "0-19 health service", "socialCare": "social work team",
}  # fmt: skip
