"""A message as a page shows it: plain rows in the order of need, nothing of a program."""

from __future__ import annotations

import re

import pytest

from connectors.http.pages.showing import child_words, event_parts, kept, parts, withheld
from connectors.http.values import NamedField, WithheldFields
from schemas.registry import load_event_types
from tests.inbox_double import NOW, encompass, event_of, id_of

_OF_A_PROGRAM = re.compile(r"[A-Z]_[A-Z]|T\d\d:\d\d:\d\d|\bTrue\b|\{")
KNOWN = {"E10000099": "Northshire County Council", "990001": "Oakfield Primary School"}


def test_who_it_is_about_and_what_happened_come_first() -> None:
    """Then what the child said, how to reach the family, whom to ring; what is seldom needed is folded."""
    shown = parts(encompass(1), NOW, KNOWN)
    assert [each.id for each in shown] == ["child", "what", "voice", "reach", "ring", "why", "settings", "message"]
    assert [each.id for each in shown if each.folded] == ["settings", "message"]
    assert [row.label for row in shown[0].rows][:2] == ["Name", "Date of birth"]
    assert child_words(encompass(1), NOW) == "Maya Ellery, 9 years old"


def test_what_keeps_somebody_safe_stands_out() -> None:
    """A `no` to ringing, texting or writing is marked."""
    reach = next(each for each in parts(encompass(1), NOW, KNOWN) if each.id == "reach")
    assert [(row.label, row.values) for row in reach.rows if row.warning] == [
        ("Is it safe to text?", ("No",)),
        ("Is it safe to write?", ("No",)),
    ]


def test_codes_of_organisations_that_are_known_are_named() -> None:
    """Of the reader's own and of councils; others stay codes."""
    settings = next(each for each in parts(encompass(1), NOW, KNOWN) if each.id == "settings")
    values = {row.path: row.values[0] for row in settings.rows}
    assert values["envelope.area.gss"] == "Northshire County Council (E10000099)"
    assert values["envelope.settings.schoolUrn"] == "Oakfield Primary School (990001)"
    assert values["envelope.settings.gpOds"] == "Z99001"


@pytest.mark.parametrize("name", sorted(load_event_types()))
def test_every_event_reads_as_words(name: str) -> None:
    """No symbol, no machine's time, no path in any row of any example; free text alone is shown as it came."""
    for part in event_parts(load_event_types()[name], event_of(name, id_of(1)), NOW, KNOWN):
        for row in part.rows:
            assert row.label[0].isupper(), row.path
            if not row.long and not row.path.endswith("Fields"):
                assert not [each for each in row.values if _OF_A_PROGRAM.search(each)], row


def test_what_was_withheld_is_grouped_by_its_reason_in_plain_names() -> None:
    """Each name once; instructions to the exchange, which nobody gets, and numbers of requirements are left out."""
    paths = (
        "envelope.child.upn",
        "envelope.child.upnUnknownReason",
        "envelope.settings",
        "envelope.proposedRecipients",
    )
    fields = WithheldFields(
        "P", "It could show where a child is (P-02).", tuple(NamedField(each, each) for each in paths)
    )
    nobodys = WithheldFields("C", "Control.", (NamedField("envelope.excludeRecipients", "x"),))
    (found,) = kept(load_event_types()["police.domestic-abuse-incident"], (fields, nobodys))
    assert found.sentence == "It could show where a child is."
    assert found.names == ("Unique pupil number (UPN)", "Services involved with the child")


def test_a_message_whose_content_is_gone_still_says_what_it_was() -> None:
    """After 14 days, or when it cannot be read: no rows, no child, but what was withheld."""
    gone = encompass(1, event=None, problem="its content was removed")
    assert parts(gone, NOW, KNOWN) == ()
    assert child_words(gone, NOW) == ""
    assert withheld(gone)
