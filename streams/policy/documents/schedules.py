"""The schedules of the annex: every flow of data, every refusal, who holds which role, what each item means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas.vocabulary import FieldClass
from streams.policy.documents import words
from streams.policy.documents.items import Item, by_class, definition, item_name, items_of
from streams.policy.documents.markdown import code, heading, listed, paragraph, sentence, strong, table, text
from streams.policy.documents.source import Entry, Source
from streams.policy.words import Serves, Staffed

NOT_IF_PROTECTED = "†"
ONLY_CONFIRMED = "‡"


def schedules(source: Source) -> str:
    return _flows(source) + _refusals(source) + _roles(source) + _dictionary(source) + _sets(source)


def _flows(source: Source) -> str:
    shared = sorted({event for rule in source.allows for event in rule["events"]}, key=source.event)
    return (
        heading(2, "Schedule A. Who is told what")
        + paragraph(
            "One table for each kind of event. Each row is one rule: who is told, when it applies, what is given, and",
            "why it is necessary. The agreement is named by its reference in section 4, the data set by its name in",
            "schedule E. An agency to which several rows apply gets one delivery with what they give together.",
        )
        + paragraph(
            f"{NOT_IF_PROTECTED} is taken out when the child's address is protected.",
            f"{ONLY_CONFIRMED} is given only when the publisher has confirmed the recipient for this event.",
        )
        + "".join(_flow(name, source) for name in shared)
    )


def _flow(name: str, source: Source) -> str:
    kind = source.event_types[name]
    rules = [rule for rule in source.allows if name in rule["events"]]
    return (
        heading(3, text(kind.title))
        + paragraph(
            f"{code(name)}. Published by {words.publishers(kind.publishers)}.",
            f"Basis: {sentence(kind.basis)}",
        )
        + table(
            f"Who is told of: {text(kind.title)}",
            ("Recipient", "When", "Data items", "Why, and by when it is acknowledged"),
            (_row(rule, name, source) for rule in rules),
        )
    )


def _row(rule: Entry, event_type: str, source: Source) -> tuple[str, ...]:
    due = words.clock(rule, event_type, source)
    return (
        _recipient(rule, source),
        _when(rule, source),
        _items(items_of(source, rule, event_type)),
        f"{sentence(rule['reason'])} {f'Acknowledged {due}. ' if due else ''}"
        f"Rule {code(rule['id'])} under {code(rule['under'])}, data set {code(rule['share'])}.",
    )


def _recipient(rule: Entry, source: Source) -> str:
    to = rule["to"]
    return text(f"{source.title(to['role'])} ({words.recipient(to['of'])})")


def _when(rule: Entry, source: Source) -> str:
    asked = words.conditions(rule["when"], source)
    days = [
        f"from {words.day(rule['validFrom'])}" if rule["validFrom"] else "",
        f"until {words.day(rule['validUntil'])}" if rule["validUntil"] else "",
    ]
    return text("; ".join(part for part in (asked, *days) if part)) or "always"


def _items(items: Iterable[Item]) -> str:
    """Class by class, with what may be taken out marked; message details alone when nothing else is given."""
    parts = [
        f"{strong(words.class_name(shown))}: {text(', '.join(_marked(item) for item in found))}."
        for shown, found in by_class(items).items()
    ]
    return " ".join(parts) or "Message details only."


def _marked(item: Item) -> str:
    marks = (NOT_IF_PROTECTED if item.not_if_protected else "") + (ONLY_CONFIRMED if item.only_confirmed else "")
    return item_name(item.path) + marks


def _refusals(source: Source) -> str:
    return heading(2, "Schedule B. What the partnership refuses") + table(
        "Refusals that the partnership has added; a refusal prevails over every rule of schedule A",
        ("To", "Kinds of event", "When", "Why"),
        (
            (
                _recipient(rule, source),
                text("; ".join(sorted(source.event(name) for name in rule["events"]))),
                _when(rule, source),
                f"{sentence(rule['reason'])} Rule {code(rule['id'])}.",
            )
            for rule in source.denies
        ),
    )


def _roles(source: Source) -> str:
    holders = {
        role: sorted(str(agency["name"]) for agency in source.agencies if role in agency["roles"])
        for role in source.spec["roles"]
    }
    return (
        heading(2, "Schedule C. Roles")
        + paragraph(
            "Information is addressed to a role, never to a person. The classes are the most that a role may ever",
            "hold; what it is given is in schedule A. Message details go to all.",
        )
        + table(
            "Roles, who holds them, and the most that each may hold",
            ("Role", "Held by", "Serves", "Answers", "Sealed records", "May hold"),
            (
                (
                    text(role["title"]),
                    text("; ".join(holders[name])) or "nobody at present",
                    words.SERVES[Serves(role["serves"])],
                    words.STAFFED[Staffed(role["staffed"])],
                    "yes" if role["restricted"] else "no",
                    listed(words.class_name(c) for c in FieldClass if c.value in role["classes"]) or "nothing else",
                )
                for name, role in sorted(source.spec["roles"].items(), key=lambda pair: str(pair[1]["title"]))
            ),
        )
    )


def _dictionary(source: Source) -> str:
    return (
        heading(2, "Schedule D. What each data item holds")
        + paragraph("Items that schedule A gives to at least one recipient. Codes are those of the event schemas.")
        + table(
            "Data items",
            ("Item", "Class", "What it holds", "Kinds of event"),
            _definitions(source),
        )
    )


def _definitions(source: Source) -> Iterator[tuple[str, ...]]:
    """Items of the same name and meaning once, with the kinds of event that carry them."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for rule in source.allows:
        for name in rule["events"]:
            kind = source.event_types[name]
            for item in items_of(source, rule, name):
                classes = listed(words.class_name(c) for c in FieldClass if c in item.classes)
                key = (item_name(item.path), classes, definition(kind, item.path))
                found.setdefault(key, set()).add("every kind" if item.path.startswith("envelope.") else kind.title)
    for (item_words, classes, meaning), kinds in sorted(found.items()):
        yield text(item_words), classes, sentence(meaning), text("; ".join(sorted(kinds)))


def _sets(source: Source) -> str:
    """Why each kind of recipient is given what it is given: proportionality, in the words of the projections."""
    roles = {
        name: sorted({source.title(rule["to"]["role"]) for rule in source.allows if rule["share"] == name})
        for name in source.spec["projections"]
    }
    return (
        heading(2, "Schedule E. Why these items and no others")
        + paragraph("A data set is the list of items that a kind of recipient is given; rules of schedule A name it.")
        + table(
            "Data sets",
            ("Data set", "Given to", "Why these items"),
            (
                (code(name), text("; ".join(roles[name])), sentence(entry["reason"]))
                for name, entry in sorted(source.spec["projections"].items())
            ),
        )
    )
