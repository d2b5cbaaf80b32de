"""Questions to the ledger as the command line asks them, and answers as people read them."""

from __future__ import annotations

import time
from typing import Any

import typer

from connectors.postgres.connection import connect
from schemas.registry import load_event_types
from streams.cli.runtime import monotonic, table
from streams.ledger import queries
from streams.ledger.operations import operations
from streams.ledger.transitions import transitions

POLL_SECONDS = 0.2


def event_or_none(url: str, event_id: str, wait_seconds: float) -> dict[str, Any] | None:
    """What became of an event; None when it is not in the ledger after waiting so long for it."""
    leaves = queries.leaf_paths(load_event_types())
    deadline = monotonic() + wait_seconds
    with connect(url, application="masa-cli") as connection:
        while True:
            try:
                found = queries.show(connection, event_id, leaves=leaves)
                return {**found, "transitions": transitions(connection, event_id)}
            except queries.NotInLedger:
                if monotonic() >= deadline:
                    return None
                time.sleep(POLL_SECONDS)


def delivery_rows(url: str, *, agency: str | None, outcome: str | None, limit: int) -> list[dict[str, Any]]:
    """Outcomes, newest first."""
    with connect(url, application="masa-cli") as connection:
        return queries.deliveries(connection, agency=agency, outcome=outcome, limit=limit)


def operation_rows(
    url: str, *, kind: str | None, actor: str | None, target: str | None, limit: int
) -> list[dict[str, Any]]:
    """What people did, newest first."""
    with connect(url, application="masa-cli") as connection:
        return operations(connection, kind=kind, actor=actor, target=target, limit=limit)


def print_event(found: dict[str, Any]) -> None:
    """The event and a row for each candidate."""
    typer.echo(f"{found['eventType'] or 'unreadable record'} from {found['source'] or 'nobody known'}")
    typer.echo(f"{found['kind'].lower()} at {found['decidedAt']} under rule set {(found['ruleSet'] or 'none')[:12]}")
    if found["reasons"]:
        typer.echo(f"reasons: {', '.join(found['reasons'])}")
    if found["rejection"]:
        typer.echo(_why(found["rejection"]))
    if found["outcomes"]:
        columns = ("agency", "outcome", "rules", "reasons", "withheld", "answer by")
        table(None, columns, (_outcome_row(outcome) for outcome in found["outcomes"]))
    if found.get("transitions"):
        told = ("at", "agency", "from", "to", "outcome", "late", "refused")
        table(None, told, (_transition_row(each) for each in found["transitions"]))
    if found["repeats"]:
        typer.echo(f"published {len(found['repeats'])} more times with the same content, not delivered again")
    for other in found["others"]:
        why = f": {_why(other['rejection'])}" if other["rejection"] else ""
        typer.echo(f"also {other['kind'].lower()} at {other['decidedAt']}{why}")


def _why(rejection: dict[str, Any]) -> str:
    where = f" in {rejection['path']}" if rejection["path"] else ""
    return f"{rejection['reason']}{where}: {rejection['explanation']}"


def _transition_row(transition: dict[str, Any]) -> tuple[str, ...]:
    late = "late" if transition["late"] else ""
    return (*(str(transition[name] or "") for name in ("at", "agency", "from", "to", "outcome")), late,
            transition["refusal"] or "")  # fmt: skip


def _outcome_row(outcome: dict[str, Any]) -> tuple[str, ...]:
    withheld = f"{len(outcome['withheld'])} fields" if outcome["withheld"] else ""
    return (
        outcome["agency"],
        outcome["outcome"],
        ", ".join(outcome["rules"]),
        ", ".join(outcome["reasons"]),
        withheld,
        outcome["ackBy"] or "",
    )
