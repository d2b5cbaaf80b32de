"""What all documents open with: that they are drafts, and of which rule set they speak."""

from __future__ import annotations

from streams.policy.documents import words
from streams.policy.documents.markdown import code, paragraph, strong, table, text
from streams.policy.documents.source import Entry, Source


def banner() -> str:
    return paragraph(
        strong("Draft for practitioners to review."),
        "References to statute and guidance are to be checked by legal advisers before anybody relies on them. All",
        "organisations are fictional.",
    )


def version(source: Source) -> str:
    """The rule set, so that whoever holds two copies can tell whether they say the same."""
    spec = source.spec
    areas = ", ".join(spec["authorities"])
    return table(
        "Version",
        ("Item", "Value"),
        (
            ("Arrangement", text(spec["name"])),
            ("Local authorities", text(areas)),
            ("Rule set (SHA-256)", code(source.rule_set)),
            ("Rules of this arrangement", f"{len(source.allows)} that share, {len(source.denies)} that refuse"),
            ("Review by", words.day(spec["reviewBy"])),
        ),
    )


def contact(entry: Entry) -> str:
    """`Name, telephone 01632 960000`."""
    return f"{text(entry['name'])}, telephone {text(entry['phone'])}"
