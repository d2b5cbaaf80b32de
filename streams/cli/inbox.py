"""`masa inbox` and `masa ack`: what one agency received, and its answer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    BadUsage,
    DataDir,
    Refused,
    emit,
    emit_pretty,
    flush,
    instant,
    now_ms,
    settings,
)

if TYPE_CHECKING:
    from connectors.kafka.reader import Record
    from connectors.kafka.settings import KafkaSettings
    from streams.gateway.publishers import Publisher

OUTCOMES = ("NOTED", "ACTION_TAKEN", "REFERRED_ON", "NOT_OUR_CHILD", "DUPLICATE", "CANNOT_IDENTIFY", "ASK_MORE")


def inbox(
    agency: Annotated[str, typer.Argument(metavar="AGENCY", help="Agency id, e.g. oakfield-primary.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more, until ctrl-C.")] = False,
    most: Annotated[int | None, typer.Option("--max", min=1, metavar="N", help="Stop after so many.")] = None,
    event: Annotated[str | None, typer.Option("--event", help="Only deliveries of this event id.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="One line a delivery instead of indented JSON.")] = False,
) -> None:
    """Print what one agency received, oldest first: the event as it was minimised for it, and its headers.

    Only committed deliveries are shown. Fields that were not shared are null; the header masa-withheld
    names them.

    [bold]Examples[/bold]

    \b
      masa inbox oakfield-primary --max 1
      masa inbox northshire-csc --follow --json
    """
    import itertools

    kafka = settings(data_dir).kafka()
    records = _deliveries(kafka, _agency(kafka, agency), follow)
    wanted = (record for record in records if event is None or record.header("ce_id") == event)
    for record in itertools.islice(wanted, most):
        (emit if as_json else emit_pretty)(as_delivery(record, agency))
        if follow:
            flush()


def ack(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="Delivery id: header masa-delivery-id.")],
    outcome: Annotated[str | None, typer.Argument(metavar="[OUTCOME]", help=", ".join(OUTCOMES))] = None,
    agency: Annotated[
        str | None, typer.Option("--agency", help="Agency that answers. Default: whoever has received it.")
    ] = None,
    role: Annotated[str | None, typer.Option("--role", help="Role that acted.")] = None,
    removed: Annotated[
        bool, typer.Option("--removed", help="It was taken back, and is out of the agency's records now.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Acknowledge a delivery: say what was done with it, or that it was removed after it was taken back.

    Prints the receipt that was written to the agency's receipts topic.

    [bold]Examples[/bold]

    \b
      masa ack 5f0c6d1e-8a44-8b1c-8d2e-93be1f27aa10 --removed
      masa ack 5f0c6d1e-8a44-8b1c-8d2e-93be1f27aa10 ACTION_TAKEN --role dsl
    """
    from connectors.client.receipts import receipt_record
    from connectors.kafka.publisher import Publisher

    if removed == (outcome is not None):
        raise BadUsage("say what was done: an OUTCOME, or --removed of what was taken back")
    if not removed and outcome not in OUTCOMES:
        raise BadUsage(f"no outcome `{outcome}`: one of {', '.join(OUTCOMES)}")
    kafka = settings(data_dir).kafka()
    event_id, addressee = _find_delivery(kafka, delivery, agency)
    who = _agency(kafka, addressee)
    at = now_ms()
    receipt = {
        "receiptId": str(uuid.uuid4()),
        "deliveryId": delivery,
        "eventId": event_id,
        "agency": addressee,
        "kind": "REMOVED" if removed else "ACKNOWLEDGED",
        "outcome": outcome,
        "role": role,
        "person": None,
        "at": at,
    }
    with Publisher(kafka) as publisher:
        (place,) = publisher.publish([receipt_record(receipt, gateway=who.gateway)])
    where = {"topic": place.topic, "partition": place.partition, "offset": place.offset}
    emit({**receipt, "at": instant(at), **where})


def as_delivery(record: Record, agency: str) -> dict[str, Any]:
    """One delivery as JSON. A value that cannot be read is said to be so, with its position."""
    from schemas.codec import decode_event
    from schemas.errors import ContractError
    from schemas.json_form import to_json

    shown: dict[str, Any] = {
        "deliveryId": record.header("masa-delivery-id"),
        "agency": agency,
        "availableAt": instant(record.timestamp),
        "position": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
        "headers": {name: (value or b"").decode(errors="replace") for name, value in record.headers},
    }
    try:
        decoded = decode_event(record.value or b"", schema_ids=None)
    except ContractError as error:
        return shown | {"event": None, "problem": str(error)}
    return shown | {"event": to_json(decoded.event_type, decoded.datum)}


def _agency(kafka: KafkaSettings, name: str) -> Publisher:
    from streams.cli.areas import required_rule_set
    from streams.gateway.publishers import Publishers

    found = Publishers.of_rule_set(required_rule_set(kafka).document()).named(name)
    if isinstance(found, str):
        raise BadUsage(found)
    return found


def _deliveries(kafka: KafkaSettings, agency: Publisher, follow: bool) -> Iterator[Record]:
    from connectors.kafka.reader import read_topic, tail
    from connectors.kafka.topics import GATEWAY_INBOX
    from connectors.kafka.topics import inbox as inbox_topic

    topic = GATEWAY_INBOX if agency.gateway else inbox_topic(agency.id)
    records = tail(kafka, [topic], from_beginning=True) if follow else read_topic(kafka, [topic])
    for record in records:
        if record is not None and (not agency.gateway or record.header("masa-recipient") == agency.id):
            yield record


def _find_delivery(kafka: KafkaSettings, delivery: str, agency: str | None) -> tuple[str, str]:
    """Event id and addressee of a delivery, from the agency's inbox or, when none is named, from all inboxes."""
    from connectors.kafka.admin import topic_names
    from connectors.kafka.reader import read_topic
    from connectors.kafka.topics import TopicKind, parse

    if agency is not None:
        records = _deliveries(kafka, _agency(kafka, agency), follow=False)
    else:
        known = ((name, parse(name)) for name in sorted(topic_names(kafka)))
        inboxes = [name for name, parsed in known if parsed is not None and parsed.kind is TopicKind.INBOX]
        records = read_topic(kafka, inboxes)
    for record in records:
        if record.header("masa-delivery-id") == delivery:
            return record.header("ce_id") or "", record.header("masa-recipient") or ""
    raise Refused(f"{f'`{agency}` has received' if agency else 'there is'} no delivery `{delivery}`")
