"""What `masa ledger show` prints for people."""

from __future__ import annotations

from typing import Any

import pytest

from streams.cli.ledger_view import print_event

REFUSED = {"reason": "REQUIRED_FIELD", "path": "envelope.urgency", "explanation": "is UNKNOWN: one of its other words"}


def shown(**changes: Any) -> dict[str, Any]:
    """The ledger's answer about an event."""
    whole: dict[str, Any] = {
        "eventType": "early-help.episode",
        "source": "northshire-csc",
        "ruleSet": "ab" * 32,
        "decidedAt": "2026-10-05T09:00:00.000Z",
        "kind": "DECIDED",
        "reasons": [],
        "rejection": None,
        "outcomes": [],
        "repeats": [],
        "others": [],
    }
    return whole | changes


def test_a_rejection_is_told_with_reason_field_and_what_would_be_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_event(shown(kind="REJECTED", rejection=REFUSED))
    said = capsys.readouterr().out
    assert "early-help.episode from northshire-csc" in said
    assert "rejected at 2026-10-05T09:00:00.000Z" in said
    assert "REQUIRED_FIELD in envelope.urgency: is UNKNOWN: one of its other words" in said


def test_an_earlier_rejection_of_the_same_id_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """The publisher corrected the event and sent it again under its id; a hold beside it has no such reason."""
    at = "2026-10-05T08:00:00.000Z"
    others = [
        {"kind": "REJECTED", "decidedAt": at, "rejection": REFUSED},
        {"kind": "REJECTED", "decidedAt": at, "rejection": {**REFUSED, "reason": "FRAMING", "path": None}},
        {"kind": "HELD", "decidedAt": at, "rejection": None},
    ]
    print_event(shown(others=others))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [
        f"also rejected at {at}: REQUIRED_FIELD in envelope.urgency: is UNKNOWN: one of its other words",
        f"also rejected at {at}: FRAMING: is UNKNOWN: one of its other words",
        f"also held at {at}",
    ]
