"""A difference as JSON: exact, with every condition and every special case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from streams.proof.diff_model import Change, Difference


def to_json(difference: Difference) -> Iterator[Mapping[str, Any]]:
    """The whole difference, one object a row and last the summary."""
    for row in difference.rows:
        yield {
            "eventType": row.event_type,
            "recipients": list(row.recipients),
            "standingInFor": list(row.standing_in_for),
            "changes": [_change_json(change) for change in row.changes],
        }
    yield {
        "old": difference.old,
        "new": difference.new,
        "from": difference.at.isoformat(),
        "differs": not difference.empty,
        "wholeEvents": [_change_json(change) for change in difference.paused],
        "calendars": list(difference.calendars),
        "followUp": list(difference.follow_up),
    }


def _change_json(change: Change) -> dict[str, Any]:
    out: dict[str, Any] = {"what": change.what}
    if change.fields:
        out["fields"] = list(change.fields)
    elif change.before or change.after:
        out |= {"before": change.before, "after": change.after}
    out["anyOf"] = [
        {
            "when": {n: {"anyBut" if a.but else "anyOf": list(a.names)} for n, a in region.when.items()},
            "oldRules": list(region.old),
            "newRules": list(region.new),
        }
        for region in change.regions
    ]
    return out
