"""`masa deliveries`: where deliveries are, and which nobody has acknowledged in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.deliveries_phoned import phoned, unphoned
from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, emit, now_ms, settings, table

if TYPE_CHECKING:
    from connectors.postgres.followup_store import Delivery

app = typer.Typer(invoke_without_command=True)
app.command()(phoned)
app.command()(unphoned)

_COLUMNS = ("ackBy", "agency", "roles", "eventType", "urgency", "state", "step", "deliveryId")


@app.callback()
def deliveries(
    context: typer.Context,
    late: Annotated[bool, typer.Option("--late", help="Those that nobody has acknowledged in time.")] = False,
    event: Annotated[str | None, typer.Option("--event", help="Those of this event, whatever their state.")] = None,
    agency: Annotated[str | None, typer.Option("--agency", help="Only this agency's.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the longest overdue first.")] = 100,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Say where deliveries are: available, picked up, acknowledged, closed, misdirected or taken back.

    Holds no content of an event. `step` says how far up the ladder of escalation a delivery is.

    [bold]Examples[/bold]

    \b
      masa deliveries --late
      masa deliveries --late --agency oakfield-primary --json
      masa deliveries --event 0192d5a4-7c1e-7000-8000-3c5e12ab9f01
    """
    if context.invoked_subcommand is not None:
        return
    if not late and event is None:
        raise typer.BadParameter("say which: --late, or --event EVENT")
    rows = [_shown(each) for each in _found(settings(data_dir).database(), event, agency, limit)]
    if as_json:
        for row in rows:
            emit(row)
        return
    table(None, _COLUMNS, ([str(row[name] if row[name] is not None else "") for name in _COLUMNS] for row in rows))


def _found(url: str, event: str | None, agency: str | None, limit: int) -> list[Delivery]:
    from connectors.postgres import followup_store
    from connectors.postgres.connection import connect

    with connect(url, application="masa-cli") as connection:
        if event is None:
            return followup_store.late(connection, now_ms(), agency=agency, limit=limit)
        found = followup_store.of_event(connection, event)
    return [each for each in found if agency in (None, each.agency)][:limit]


def _shown(delivery: Delivery) -> dict[str, Any]:
    from streams.ledger.times import iso_of_millis

    return {
        "deliveryId": delivery.delivery_id,
        "eventId": delivery.event_id,
        "eventType": delivery.event_type,
        "agency": delivery.agency,
        "roles": ",".join(delivery.roles),
        "urgency": delivery.urgency,
        "state": delivery.state,
        "outcome": delivery.outcome,
        "late": delivery.ack_by is not None and delivery.ack_by < (delivery.acknowledged_at or now_ms()),
        "step": delivery.step,
        "availableAt": iso_of_millis(delivery.available_at),
        "pickUpBy": iso_of_millis(delivery.pick_up_by),
        "ackBy": iso_of_millis(delivery.ack_by),
        "pickedUpAt": iso_of_millis(delivery.picked_up_at),
        "acknowledgedAt": iso_of_millis(delivery.acknowledged_at),
        "nextDue": iso_of_millis(delivery.next_due),
    }
