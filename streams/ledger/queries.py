"""Questions to the ledger. Answers are plain JSON-able values in the contract's form (ISO instants, camelCase)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from connectors.postgres.connection import Connection, database_failures
from schemas.codec import decode_record
from schemas.errors import ContractError
from schemas.paths import expand
from schemas.registry import EventTypes
from streams.ledger import sql
from streams.ledger.times import iso, iso_of_millis

DELIVERIES_LISTED = 1_000

# (event type, short paths) -> leaf paths
Expand = Callable[[str | None, Iterable[str]], Iterable[str]]
# Which audit record of an event answers for it: the one that decided, before those that only mention it.
_RANK = ("DECIDED", "UNROUTED", "HELD", "REJECTED", "REPEATED")


class NotInLedger(LookupError):  # noqa: N818 - reads as the answer it is
    """No audit record with this event id has been stored (yet)."""


def leaf_paths(event_types: EventTypes) -> Expand:
    """Expands a record's path to the leaves in it; paths of an unknown event type stay as they are."""

    def expanded(event_type: str | None, paths: Iterable[str]) -> Iterable[str]:
        known = event_types.get(event_type) if event_type is not None else None
        return paths if known is None else expand(paths, known.paths)

    return expanded


def show(connection: Connection, event_id: str, *, leaves: Expand) -> dict[str, Any]:
    """As `found`. Raises `NotInLedger` where that gives None."""
    answer = found(connection, event_id, leaves=leaves)
    if answer is None:
        raise NotInLedger(f"event `{event_id}` is not in the ledger: check the id, or the ledger may be behind")
    return answer


def found(connection: Connection, event_id: str, *, leaves: Expand, source: str | None = None) -> dict[str, Any] | None:
    """What became of one event: every candidate with its outcome, reasons and withheld fields.

    `{eventId, eventType, source, ruleSet, decidedAt, kind, reasons, rejection, receivedAt, position, audit, outcomes:
    [{agency, outcome, deliveryId, rules, reasons, roles, basis, clock, ackBy, topic, withheld: [{path, reason}]}],
    repeats, others}`. `repeats` are the same event published again, `others` every further audit record with this id
    (an id used for other content, an event held first and decided later). Who waited and was released has the outcome
    of the latest release. With `source`, only what that agency published. None when no audit record with this id has
    been stored (yet).
    """
    with database_failures():
        rows = connection.execute(sql.BY_EVENT, (event_id,)).fetchall()
    read = ((_readable(record), (partition, offset)) for partition, offset, _, record in rows)
    audits = [(audit, at) for audit, at in read if audit is not None and source in (None, audit["source"])]
    if not audits:
        return None
    main = min(audits, key=_answers_for_it)
    rest = [each for each in audits if each is not main]
    return {
        **_event(*main),
        "outcomes": [
            _outcome(main[0]["eventType"], each, leaves) for each in _outcomes([audit for audit, _ in audits], main[0])
        ],
        "repeats": [_mention(*each) for each in rest if each[0]["kind"] == "REPEATED"],
        "others": [_mention(*each) for each in rest if each[0]["kind"] != "REPEATED"],
    }


def deliveries(
    connection: Connection,
    *,
    agency: str | None = None,
    since: datetime | None = None,
    outcome: str | None = None,
    limit: int = DELIVERIES_LISTED,
) -> list[dict[str, Any]]:
    """Outcomes, newest first, each with its event: `{agency, outcome, eventId, eventType, source, ruleSet, decidedAt,
    deliveryId, rules, reasons, roles, ackBy, topic, position}`."""
    wanted = {"agency": agency, "since": since, "outcome": outcome, "limit": limit}
    with database_failures():
        rows = connection.execute(sql.DELIVERIES, wanted).fetchall()
    answer = []
    for _, _, who, record in rows:
        audit = _readable(record)
        candidates = audit["outcomes"] if audit is not None else ()
        answer += [_delivery(audit, each) for each in candidates if audit is not None and each["agency"] == who]
    return answer


def position(connection: Connection) -> dict[str, Any]:
    """How far the ledger has read: `{newestDecidedAt, partitions: [{topic, partition, nextOffset}]}`."""
    with database_failures():
        rows = connection.execute(sql.POSITION).fetchall()
        newest = connection.execute(sql.NEWEST).fetchone()
    partitions = [{"topic": topic, "partition": number, "nextOffset": offset} for topic, number, offset in rows]
    return {"newestDecidedAt": iso(newest[0]) if newest else None, "partitions": partitions}


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """`{kinds: {DECIDED: n …}, outcomes: {DELIVERED: n …}}`. Reads the whole ledger."""
    with database_failures():
        kinds = connection.execute(sql.COUNTS).fetchall()
        outcomes = connection.execute(sql.OUTCOME_COUNTS).fetchall()
    return {"kinds": dict(kinds), "outcomes": dict(outcomes)}


def _readable(record: bytes) -> dict[str, Any] | None:
    """A damaged record cannot be shown; the checker names it."""
    try:
        return decode_record("audit", record)
    except ContractError:
        return None


def _answers_for_it(found: tuple[dict[str, Any], tuple[int, int]]) -> tuple[bool, int]:
    """A release is about a few candidates, so it never answers for the event."""
    kind = found[0]["kind"]
    return bool(_released(found[0])), _RANK.index(kind) if kind in _RANK else len(_RANK)


def _released(audit: dict[str, Any]) -> list[str]:
    """The candidates of a release; none of any other record."""
    inputs = audit["inputs"]
    return list(inputs["released"]) if inputs else []


def _outcomes(audits: Iterable[dict[str, Any]], main: dict[str, Any]) -> list[dict[str, Any]]:
    """The main record's outcomes, those of releases since in their place; `audits` in the order of their decisions."""
    found = {each["agency"]: each for each in main["outcomes"]}
    for audit in audits:
        if audit is not main and audit["outcomes"] and _released(audit):
            for agency in _released(audit):
                found.pop(agency, None)
            found.update((each["agency"], each) for each in audit["outcomes"])
    return [found[agency] for agency in sorted(found)]


def _event(audit: dict[str, Any], at: tuple[int, int]) -> dict[str, Any]:
    return {
        "eventId": audit["eventId"],
        "eventType": audit["eventType"],
        "source": audit["source"],
        "ruleSet": audit["ruleSet"],
        "decidedAt": iso_of_millis(audit["decidedAt"]),
        "kind": audit["kind"],
        "reasons": audit["reasons"],
        "rejection": audit["rejection"],
        "receivedAt": iso_of_millis(audit["receivedAt"]),
        "position": _source(audit),
        "audit": {"partition": at[0], "offset": at[1]},
    }


def _mention(audit: dict[str, Any], at: tuple[int, int]) -> dict[str, Any]:
    event = _event(audit, at)
    kept = ("kind", "source", "decidedAt", "receivedAt", "rejection", "position", "audit")
    return {**{name: event[name] for name in kept}, "firstSeen": audit["firstSeen"]}


def _source(audit: dict[str, Any]) -> dict[str, Any]:
    return {
        "topic": audit["sourceTopic"],
        "partition": audit["sourcePartition"],
        "offset": audit["sourceOffset"],
    }


def _outcome(event_type: str | None, outcome: dict[str, Any], leaves: Expand) -> dict[str, Any]:
    withheld = [
        {"path": path, "reason": group["reason"]}
        for group in outcome["withheld"]
        for path in leaves(event_type, group["paths"])
    ]
    kept = ("agency", "outcome", "deliveryId", "rules", "reasons", "roles", "basis", "clock", "topic")
    return {
        **{name: outcome[name] for name in kept},
        "ackBy": iso_of_millis(outcome["ackBy"]),
        "withheld": withheld,
    }


def _delivery(audit: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    own = ("deliveryId", "rules", "reasons", "roles", "topic")
    return {
        "agency": outcome["agency"],
        "outcome": outcome["outcome"],
        **{name: audit[name] for name in ("eventId", "eventType", "source", "ruleSet")},
        "decidedAt": iso_of_millis(audit["decidedAt"]),
        **{name: outcome[name] for name in own},
        "ackBy": iso_of_millis(outcome["ackBy"]),
        "position": _source(audit),
    }
