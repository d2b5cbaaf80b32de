"""`masa deliveries phoned` and `unphoned`: the call that an IMMEDIATE delivery demands, put on record (D-05)."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, BadUsage, DataDir, Refused, emit, now_ms, say, settings, table

_COLUMNS = ("availableAt", "agency", "eventType", "state", "deliveryId")


def phoned(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")],
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="Who rang, for the record.")],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="What was agreed, without naming a child.")],
    spoke_to: Annotated[str | None, typer.Option("--spoke-to", metavar="ROLE", help="Role of who answered.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Put on record that somebody was rung about an IMMEDIATE delivery.

    The exchange is never the only way: 999 first, then a call, then the event. Until a call is on record each step of
    the ladder says that one is needed, and past its time the publisher is told. Recording it does not acknowledge the
    delivery: only its recipient can. One call counts; a second one is refused, exit status 1.

    [bold]Examples[/bold]

    \b
      masa deliveries unphoned
      masa deliveries phoned 5b2c… --as asha-patel --spoke-to front-door --because "duty manager has it, visit tonight"
    """
    from connectors.operations import Operation, operation_record
    from connectors.postgres import followup_ladder, followup_store
    from connectors.postgres.connection import connect
    from connectors.postgres.outbox import enqueue

    if not person.strip() or not because.strip():
        raise BadUsage("--as and --because must not be empty")
    at, operation_id = now_ms(), str(uuid.uuid4())
    details = {"spokeTo": spoke_to} if spoke_to else {}
    with connect(settings(data_dir).database(), application="masa-cli") as connection, connection.transaction():
        if not followup_store.known(connection, delivery):
            raise Refused(f"there is no delivery `{delivery}`, or the follow-up has not read of it yet")
        if not followup_ladder.record_call(connection, delivery, at=at, person=person, operation=operation_id):
            raise Refused(f"a call about `{delivery}` is on record already: see `masa ledger operations`")
        done = Operation(
            operation_id=operation_id, at=at, actor=person, kind="delivery.phoned", target=delivery, result="DONE",
            reason=because, details=details,
        )  # fmt: skip
        enqueue(connection, [operation_record(done)])
    if as_json:
        emit({"deliveryId": delivery, "operationId": operation_id, "at": at, "actor": person})
    else:
        say(f"on record: {person} rang about {delivery}")


def unphoned(
    agency: Annotated[str | None, typer.Option("--agency", help="Only this agency's.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the oldest first.")] = 100,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List IMMEDIATE deliveries about which no call is on record, acknowledged or not.

    [bold]Examples[/bold]

    \b
      masa deliveries unphoned --agency northshire-csc
    """
    from connectors.postgres import followup_ladder
    from connectors.postgres.connection import connect
    from streams.ledger.times import iso_of_millis

    with connect(settings(data_dir).database(), application="masa-cli") as connection:
        rows = followup_ladder.missing_calls(connection, agency=agency, limit=limit)
    shown = [
        {"deliveryId": name, "eventType": kind, "agency": whose, "state": state, "availableAt": iso_of_millis(at)}
        for name, kind, whose, state, at in rows
    ]
    if as_json:
        for row in shown:
            emit(row)
        return
    table(None, _COLUMNS, ([str(row[name]) for name in _COLUMNS] for row in shown))
