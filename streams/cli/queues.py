"""`masa rejected` and `masa held`: what waits for a person, and putting it back into the flow.

A record goes back into the outbox it came from, byte for byte, under its own key. The router keeps no memory of an
event that it rejected or held as a whole, so it decides anew; what it did route before is recognised as a repeat. Of
an event that was held for some recipients, these alone are decided on anew (`held_release`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streams.cli.held_release import As, Because, release
from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    AsJson,
    BadUsage,
    DataDir,
    Refused,
    emit,
    instant,
    now_ms,
    say,
    settings,
    table,
)

if TYPE_CHECKING:
    from connectors.kafka.publisher import Outgoing
    from connectors.kafka.settings import KafkaSettings

Queue = Literal["rejected", "held"]
REPLAY_HEADER = "masa-replay-of"  # position of the record that is put back

rejected = typer.Typer(no_args_is_help=True, help="Records that were refused: look at them, put them back after a fix.")
held = typer.Typer(no_args_is_help=True, help="Events that wait for a person: look at them, release them.")

Positions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TOPIC:PARTITION:OFFSET]...", help="Positions of the records, as `list` shows them."),
]
All = Annotated[bool, typer.Option("--all", help="All of them.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only those with this reason code.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be put back, and do nothing.")]


@rejected.command("list")
def list_rejected(reason: ReasonOption = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """List refused records, oldest first: where each came from, why it was refused, what would be right.

    Their content is kept in `masa.rejected` and not shown, for it is about a child.

    [bold]Example[/bold]

    \b
      masa rejected list --reason IDENTIFIER --json
    """
    rows = [_rejected_row(datum) for datum in read_queue("rejected", settings(data_dir).kafka(), reason)]
    _show(rows, ("position", "rejectedAt", "reason", "path", "explanation"), as_json)


@rejected.command("replay")
def replay_rejected(
    positions: Positions = None,
    every: All = False,
    reason: ReasonOption = None,
    person: As = None,
    because: Because = None,
    dry_run: DryRun = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Put refused records back into the outboxes they came from, after the cause was mended.

    Name them by position, or take --all, with --reason only those with that reason. A record that is still
    wrong is refused again. Prints one line a record; what was put back is on record (`masa ledger operations`)
    and waits no more.

    [bold]Examples[/bold]

    \b
      masa rejected replay agency.northshire-police.outbox:0:17
      masa rejected replay --all --reason UNKNOWN_SCHEMA --dry-run
    """
    kafka = settings(data_dir).kafka()
    found = chosen(read_queue("rejected", kafka, reason), positions or [], every)
    if dry_run:
        for datum in found:
            emit({"from": position_of(datum), "wouldPutBack": True})
        return
    if found:
        _put_back(kafka, found, _operation("replay", found, person or "not named", because))


@rejected.command("close")
def close_rejected(
    positions: Annotated[list[str], typer.Argument(metavar="TOPIC:PARTITION:OFFSET...", help="Positions.")],
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are, for the record.")],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why nothing more is to be done.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Say that refused records need nothing more, as when the agency has sent them again in another way.

    They wait no more and raise no alarm; who said so and why is on record. Their bytes stay until the broker
    forgets them, so they can still be replayed.

    [bold]Example[/bold]

    \b
      masa rejected close agency.northshire-police.outbox:0:17 --as asha-patel --because "sent again by phone"
    """
    from connectors.kafka.publisher import Publisher
    from connectors.operations import operation_record

    kafka = settings(data_dir).kafka()
    found = chosen(read_queue("rejected", kafka, None), positions, False)
    operation = _operation("close", found, person, because)
    with Publisher(kafka) as publisher:
        publisher.publish([operation_record(operation)])
    for datum in found:
        emit({"from": position_of(datum), "closed": True, "operation": operation.operation_id})


def _operation(what: Literal["replay", "close"], found: Sequence[Mapping[str, Any]], by: str, why: str | None) -> Any:
    """What a person did with refused records: positions only."""
    import uuid

    from connectors.operations import Operation

    places = [position_of(datum) for datum in found]
    return Operation(
        operation_id=str(uuid.uuid4()),
        at=now_ms(),
        actor=by,
        kind=f"rejected.{what}",
        target=places[0] if len(places) == 1 else f"{len(places)} of masa.rejected",
        reason=why,
        result="DONE",
        details={"replayed" if what == "replay" else "closed": " ".join(places)},
    )


@held.command("list")
def list_held(reason: ReasonOption = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """List held events, oldest first: whether all of it waits or only some recipients, and why.

    [bold]Example[/bold]

    \b
      masa held list --json | jq 'select(.whole)'
    """
    rows = [_held_row(datum) for datum in read_queue("held", settings(data_dir).kafka(), reason)]
    _show(rows, ("position", "heldAt", "eventType", "eventId", "whole", "agencies", "reasons"), as_json)


held.command("release")(release)


def position_of(datum: Mapping[str, Any]) -> str:
    """Where a record came from, as commands take it: `topic:partition:offset`."""
    return f"{datum['sourceTopic']}:{datum['sourcePartition']}:{datum['sourceOffset']}"


def put_back_record(datum: Mapping[str, Any]) -> Outgoing:
    """The record as it first came, marked with the position that it came from."""
    from connectors.kafka.publisher import Outgoing

    kept = tuple((each["name"], each["value"]) for each in datum["headers"] if each["name"] != REPLAY_HEADER)
    return Outgoing(
        topic=datum["sourceTopic"],
        value=datum["value"],
        key=datum["key"],
        headers=(*kept, (REPLAY_HEADER, position_of(datum).encode())),
        partition=datum["sourcePartition"],
    )


def read_queue(queue: Queue, kafka: KafkaSettings, reason: str | None) -> Iterator[dict[str, Any]]:
    """Records of `masa.rejected` or `masa.held`, oldest first, with this reason if one is given."""
    from connectors.kafka.reader import read_topic
    from connectors.kafka.topics import HELD, REJECTED
    from schemas.codec import decode_record

    for record in read_topic(kafka, [REJECTED if queue == "rejected" else HELD]):
        if record.value is not None:
            datum = decode_record(queue, record.value)
            if reason is None or reason in (datum.get("reason"), *datum.get("reasons", ())):
                yield datum


def chosen(found: Iterator[dict[str, Any]], positions: list[str], every: bool) -> list[dict[str, Any]]:
    """Those named, each once; BadUsage when neither or both ways of choosing are used, Refused for one not there."""
    if bool(positions) == every:
        raise BadUsage("name positions, or say --all: `list` shows them")
    by_position = {position_of(datum): datum for datum in found}
    if every:
        return list(by_position.values())
    missing = [position for position in positions if position not in by_position]
    if missing:
        raise Refused(f"no such record: {', '.join(missing)}")
    return [by_position[position] for position in positions]


def _put_back(kafka: KafkaSettings, found: Sequence[Mapping[str, Any]], operation: Any) -> None:
    from connectors.kafka.publisher import Publisher
    from connectors.operations import operation_record

    with Publisher(kafka) as publisher:
        places = publisher.publish([*map(put_back_record, found), operation_record(operation)])
    for datum, place in zip(found, places, strict=False):  # the last place is the operation's
        emit({"from": position_of(datum), "topic": place.topic, "partition": place.partition, "offset": place.offset})
    say(f"{len(found)} records put back")


def _rejected_row(datum: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "position": position_of(datum),
        "rejectedAt": instant(datum["rejectedAt"]),
        "receivedAt": instant(datum["receivedAt"]),
        "reason": datum["reason"],
        "path": datum["path"],
        "explanation": datum["explanation"],
        "bytes": len(datum["value"] or b""),
    }


def _held_row(datum: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "position": position_of(datum),
        "heldAt": instant(datum["heldAt"]),
        "eventId": datum["eventId"],
        "eventType": datum["eventType"],
        "source": datum["source"],
        "whole": datum["whole"],
        "agencies": datum["agencies"],
        "reasons": datum["reasons"],
    }


def _show(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        for row in rows:
            emit(row)
        return
    table(None, columns, ([_cell(row[column]) for column in columns] for row in rows))


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
