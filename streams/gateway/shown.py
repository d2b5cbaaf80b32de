"""Rows of the store as the door shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from connectors.http.taken_back import TakenBack, TakenBackHow
from connectors.http.values import AckOutcome, Delivery, Summary
from connectors.postgres.gateway_recalls import Withdrawal
from connectors.postgres.gateway_store import DeliveryRow, ListedRow
from connectors.sealing import SealBroken, Sealer
from schemas.codec import decode_event, encode_event
from schemas.errors import ContractError
from schemas.json_form import to_json
from schemas.registry import EventTypes
from schemas.vocabulary import AddressProtection, Urgency
from streams.gateway.in_force import InForce
from streams.gateway.judging import is_leased, state_of
from streams.gateway.wording import NOT_STATED, front_door, withheld_fields
from streams.recall.places import places_of, without_places

URGENCIES = (Urgency.UNKNOWN, Urgency.IMMEDIATE, Urgency.URGENT, Urgency.ROUTINE, Urgency.INFORMATION)
_PURGED = "its content was removed 14 days after it came: the recipient's own system is the record (A-04)"


def summary(row: ListedRow, agency: str, force: InForce, types: EventTypes, now: int) -> Summary:
    """A line of the list."""
    kind = types.get(row.event_type)
    return Summary(
        delivery_id=row.delivery_id,
        event_type=row.event_type,
        title=kind.title if kind is not None else row.event_type,
        urgency=URGENCIES[row.urgency].value,
        roles=force.titles_for(agency, row.roles),
        available_at=row.available_at,
        ack_by=row.ack_by,
        state=state_of(row, now),
        from_area=force.area_name(row.source_area),
        overdue=row.ack_by is not None and row.ack_by < now,
        leased=is_leased(row, now),
    )


def delivery(row: DeliveryRow, sealer: Sealer, force: InForce, types: EventTypes, now: int) -> Delivery:
    """The delivery with its content, unsealed. Why fields were withheld is on record elsewhere: see `explained`."""
    kind = types.get(row.event_type)
    narrowed = _is_narrowed(row, force)
    value, event, problem = _content(row, sealer, types, narrowed=narrowed)
    withheld = [path for path in row.headers.get("masa-withheld", "").split(",") if path]
    if narrowed and kind is not None:
        withheld = sorted({*withheld, *places_of(kind)})
        row = row._replace(headers={**row.headers, "masa-withheld": ",".join(withheld)})
    envelope = {} if event is None else event["envelope"]
    return Delivery(
        delivery_id=row.delivery_id,
        event_id=row.event_id,
        event_type=row.event_type,
        title=kind.title if kind is not None else row.event_type,
        urgency=URGENCIES[row.urgency].value,
        roles=tuple(row.roles),
        role_titles=force.titles_for(row.agency, row.roles),
        available_at=row.available_at,
        ack_by=row.ack_by,
        state=state_of(row, now),
        event=event,
        problem=problem,
        withheld=withheld_fields({NOT_STATED: withheld}, None) if withheld else (),
        from_area=force.area_name(row.source_area),
        basis=row.headers.get("masa-basis") or None,
        rules=tuple(rule for rule in row.headers.get("masa-rule", "").split(",") if rule),
        policy=row.headers.get("masa-policy"),
        contacts=front_door(force, row.source_area),
        also_told=(),
        no_onward=_is_careful(envelope) or bool(envelope.get("handling", {}).get("doNotDiscloseToSubject")),
        headers=row.headers,
        value=value,
        lease=row.lease if is_leased(row, now) else None,
        lease_until=row.lease_until if is_leased(row, now) else None,
        acknowledged=_outcome(row),
        acknowledged_at=row.acknowledged_at,
    )


def explained(shown: Delivery, agency: str, audit: Mapping[str, Any], force: InForce, types: EventTypes) -> Delivery:
    """The delivery with what only the audit record knows: why fields were withheld, which categories were told (P-12).

    `audit` is an event as `streams.ledger.queries.show` gives it.
    """
    own = next((each for each in audit["outcomes"] if each["agency"] == agency), None)
    if own is None:
        return shown
    by_reason: dict[str, list[str]] = {}
    for each in own["withheld"]:
        by_reason.setdefault(each["reason"], []).append(each["path"])
    withheld = withheld_fields(by_reason, types.get(shown.event_type))
    told = {
        force.agencies[each["agency"]]["category"]
        for each in audit["outcomes"]
        if each["outcome"] == "DELIVERED" and each["agency"] != agency and each["agency"] in force.agencies
    }
    careful = shown.event is None or _is_careful(shown.event["envelope"])
    return shown._replace(withheld=withheld, also_told=() if careful else tuple(sorted(told)))


_HOW: Mapping[str, TakenBackHow] = {"FREEZE": "FROZEN", "SEVERANCE": "QUARANTINED", "CORRECTION": "CORRECTED"}


def taken_back(row: DeliveryRow, by: Withdrawal | None, force: InForce, types: EventTypes) -> TakenBack:
    """What its addressee is told of one that nobody can open any more. Of a ground nothing: it may be an adoption."""
    kind = types.get(row.event_type)
    return TakenBack(
        delivery_id=row.delivery_id,
        event_id=row.event_id,
        title=kind.title if kind is not None else row.event_type,
        how="RECALLED" if by is None else _HOW.get(by.kind, "RECALLED"),
        at=row.available_at if by is None else by.at,
        opened_at=row.picked_up_at,
        acknowledged=_outcome(row),
        remove_by=None if by is None else by.remove_by,
        removed_at=None if by is None else by.removed_at,
        contacts=front_door(force, row.source_area),
    )


def _is_narrowed(row: DeliveryRow, force: InForce) -> bool:
    """Whether the child has been protected since, and nobody whom it is for may know where it is (P-02)."""
    if row.block != "WITHOUT_PLACES":
        return False
    area = force.agencies.get(row.agency, {}).get("area")
    locating = force.areas[area]["locatingRoles"] if area is not None and area in force.areas else ()
    return not set(locating).intersection(row.roles)


class _Content(NamedTuple):
    value: bytes | None
    event: dict[str, Any] | None
    problem: str | None


def _content(row: DeliveryRow, sealer: Sealer, types: EventTypes, *, narrowed: bool) -> _Content:
    if row.value is None:
        return _Content(None, None, _PURGED)
    value = None
    try:
        value = sealer.unseal(row.value, row.delivery_id)
        found = decode_event(value, schema_ids=None, event_types=types)
        datum = found.datum
        if narrowed:
            datum = without_places(found.event_type, datum)
            value = encode_event(found.event_type, datum)
        return _Content(value, to_json(found.event_type, datum), None)
    except (SealBroken, ContractError) as error:
        return _Content(None if narrowed else value, None, f"its content cannot be read: {error}")


def _is_careful(envelope: Mapping[str, Any]) -> bool:
    """A child whose whereabouts or case must stay narrow: not even categories of others are told."""
    handling = envelope.get("handling", {})
    protected = envelope.get("addressProtection") != AddressProtection.NONE.value
    return protected or bool(handling.get("restricted")) or bool(handling.get("sensitiveService"))


def _outcome(row: DeliveryRow) -> AckOutcome | None:
    return cast("AckOutcome | None", row.outcome)  # the store holds no others
