"""The extract for a data protection impact assessment: what could harm a child, what prevents it, what is left."""

from __future__ import annotations

from schemas.vocabulary import FieldClass
from streams.policy.documents import words
from streams.policy.documents.front import banner, version
from streams.policy.documents.items import items_of
from streams.policy.documents.markdown import bullets, code, heading, listed, paragraph, sentence, strong, table, text
from streams.policy.documents.refusals import LAWS
from streams.policy.documents.risks import RISKS, Risk
from streams.policy.documents.source import Entry, Source
from streams.policy.words import Serves

_WATCHED = (
    FieldClass.LOCATING, FieldClass.PLACEMENT, FieldClass.CONTACT, FieldClass.SEXUAL_HEALTH,
    FieldClass.SENSITIVE_SERVICE, FieldClass.OFFENCE, FieldClass.NARRATIVE, FieldClass.ADOPTION,
)  # fmt: skip


def dpia_extract(source: Source) -> str:
    """The whole extract, as Markdown."""
    return (
        heading(1, f"{text(source.spec['name'])}: extract for the data protection impact assessment")
        + banner()
        + version(source)
        + _scope(source)
        + _necessity(source)
        + _flows(source)
        + _locating(source)
        + _person_of_concern(source)
        + heading(2, "6. Risks to children and others")
        + paragraph(
            "Ratings are proposals for the practitioners who review this assessment. Numbers such as P-02 are those",
            "of the requirement catalogue.",
        )
        + _summary()
        + "".join(_risk(number, risk, source) for number, risk in enumerate(RISKS, 1))
        + _proved(source)
        + _consultation()
    )


def _scope(source: Source) -> str:
    kinds = {event for rule in source.allows for event in rule["events"]}
    return (
        heading(2, "1. What is assessed")
        + paragraph(
            "An exchange that carries events about children between the parties of the arrangement: a message once,",
            "from the agency that learned something, to those who are entitled to know it, and to nobody else.",
            f"It carries {len(kinds)} kinds of event between {len(source.agencies)} parties,",
            f"under {len(source.allows)} rules that share and {len(source.denies)} that refuse.",
        )
        + paragraph(
            "It processes data of children and special category data, at scale, in new ways, about people who may be",
            "in danger. An assessment is therefore made before it is used, and again when the rules change in a way",
            "that the comparison of rule sets shows to be material. This extract is written from the rules; the",
            "assessment itself, with the views of those consulted and the advice of the data protection officers, is",
            "the partnership's.",
        )
    )


def _necessity(source: Source) -> str:
    return heading(2, "2. Necessity and proportionality") + bullets(
        (
            "Lawful basis, gateway and agreement of each flow: sections 4 and 5 and schedule A of the agreement annex.",
            f"Necessity: each of the {len(source.rules)} rules carries its own reason (schedules A and B).",
            "Minimisation: items are given one by one, and what no rule names is withheld from everybody.",
            "Consent is not the basis, since it could not be free where a child may be at risk and since the duty "
            "does not ask for it. Openness with families is the rule and silence the exception that is recorded.",
            "The alternative of a shared index or a common view of records was rejected: it would let many people "
            "find every child. ContactPoint, which was such an index, was closed in 2010.",
        )
    )


def _flows(source: Source) -> str:
    return (
        heading(2, "3. Where the data that can harm most goes")
        + paragraph(
            "Counted over all rules and all kinds of event, for a child whose address is not protected and a",
            "recipient whom the publisher has confirmed. This is the most that can happen.",
        )
        + table(
            "Roles that are given each class, and the number of flows (rule by kind of event)",
            ("Class", "Flows", "Roles"),
            (_flow(each, source) for each in _WATCHED),
        )
    )


def _flow(watched: FieldClass, source: Source) -> tuple[str, ...]:
    flows = [
        rule["to"]["role"]
        for rule in source.allows
        for event in rule["events"]
        if any(watched in item.classes for item in items_of(source, rule, event))
    ]
    roles = sorted({source.title(role) for role in flows})
    return words.class_name(watched), str(len(flows)), text("; ".join(roles)) or "none"


def _locating(source: Source) -> str:
    reasons = source.governance.get("locatingReasons", {})
    rows = [
        (text(source.title(role)), sentence(reasons[role]) if role in reasons else "No reason recorded. To be given.")
        for role in source.spec["locatingRoles"]
    ]
    return (
        heading(2, "4. Who may know where a protected child is")
        + paragraph(
            "Each role on this list needs a reason that this assessment accepts. Everybody else is given nothing",
            "from which the place can be told, and neither the home authority.",
        )
        + table("Roles that keep locating items of a protected child", ("Role", "Why"), rows)
    )


def _person_of_concern(source: Source) -> str:
    roles = [
        (name, role) for name, role in sorted(source.spec["roles"].items())
        if role["serves"] == Serves.PERSON_OF_CONCERN.value
    ]  # fmt: skip
    return (
        heading(2, "5. Services that work with a person of concern")
        + paragraph("What each is given, over all rules. Locating, contact and placement items can never be among it.")
        + table(
            "Roles that serve a person of concern",
            ("Role", "Held by", "Given"),
            ((text(role["title"]), _holders(name, source), _given(name, source)) for name, role in roles),
        )
    )


def _holders(role: str, source: Source) -> str:
    return text("; ".join(str(agency["name"]) for agency in source.agencies if role in agency["roles"])) or "nobody"


def _given(role: str, source: Source) -> str:
    rules = [rule for rule in source.allows if rule["to"]["role"] == role]
    found = {c for rule in rules for e in rule["events"] for item in items_of(source, rule, e) for c in item.classes}
    return listed(words.class_name(c) for c in FieldClass if c in found) or "nothing"


def _summary() -> str:
    return table(
        "Summary of risks",
        ("Risk", "Before", "After", "Owner of what is left"),
        (
            (f"6.{number} {text(risk.title)}", risk.before, risk.after, text(risk.owner))
            for number, risk in enumerate(RISKS, 1)
        ),
    )


def _risk(number: int, risk: Risk, source: Source) -> str:
    known = {each.id: each for each in source.proven}
    laws = [f"{LAWS[law].words} ({LAWS[law].basis})" for law in risk.laws]
    proved = [f"To be proved: {text(known[i].title)} ({code(i)})." for i in risk.invariants if i in known]
    refused = [
        f"The partnership refuses it besides: {code(rule['id'])}, {text(source.title(rule['to']['role']))}."
        for rule in source.denies
        if risk.id in _guards(rule)
    ]
    return (
        heading(3, f"6.{number} {text(risk.title)}")
        + paragraph(text(risk.harm))
        + bullets([*laws, *risk.measures, *refused, *proved])
        + paragraph(strong("What is left:"), text(risk.residual))
    )


def _guards(rule: Entry) -> frozenset[str]:
    """Which risks a refusal of the partnership answers, read from the requirement that its reason names."""
    return frozenset(risk for mark, risk in REQUIREMENTS.items() if mark in rule["reason"])


REQUIREMENTS = {
    "P-02": "address-found",
    "P-06": "found-through-offender-services",
    "P-16": "accused-told",
    "I-06": "adoption-linked",
    "P-08": "sealed-record-shown",
    "P-09": "services-avoided",
    "s16LA(3)": "detriment",
    "5(1)(c)": "too-much",
    "L-07": "no-power",
    "L-08": "no-power",
}


def _proved(source: Source) -> str:
    return (
        heading(2, "7. What must be proved before anybody signs")
        + paragraph(
            "Each of these statements is proved for every event that the schemas allow, and not tried out on",
            "examples, by the command that verifies a rule set. Where one does not hold, the command shows an event",
            "that breaks it, and the rule set is not signed. Those that the arrangement has added are among them.",
        )
        + table(
            "Invariants of this arrangement",
            ("Invariant", "Statement"),
            ((code(each.id), sentence(each.title)) for each in source.proven),
        )
        if source.proven
        else ""
    )


def _consultation() -> str:
    return heading(2, "8. Still to be done by the partnership") + bullets(
        (
            "Ask children, young people and parents, those with experience of domestic abuse and of care among them, "
            "and practitioners of each kind of party. Record what they said and what was changed.",
            "Take the advice of the data protection officers, and record where it was not followed and why.",
            "Decide whether what is left is acceptable. Where a high risk is left that nothing lowers, consult the "
            "Information Commissioner before the exchange is used.",
            "Review this assessment with the rules, and after each incident.",
        )
    )
