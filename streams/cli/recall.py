"""`masa recall`: what was taken back, by whom and from whom; taking an event back, freezing a delivery."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, BadUsage, DataDir, Refused, emit, now_ms, say, settings, table

if TYPE_CHECKING:
    from connectors.postgres.connection import Connection
    from connectors.postgres.followup_recall import RecallRow
    from connectors.settings import Settings
    from streams.recall.by_hand import By

_OPENINGS = ("delivery.opened", "delivery.claimed")


class _EventFirst(TyperGroup):
    """`masa recall EVENT` is `masa recall event EVENT`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["event", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_EventFirst,
    no_args_is_help=True,
    help="Take back what should not have been sent (`masa recall EVENT`), see who removed it, freeze a delivery.",
)

As = Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are, for the record.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why, for the record; nothing about a child.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it. Without, it is only said what would be done.")]


@app.command("event")
def event(
    event_id: Annotated[str, typer.Argument(metavar="EVENT", help="Event id, as `masa ledger show` has it.")],
    ground: Annotated[
        str, typer.Option("--ground", help="WRONG_CHILD, INACCURATE, UNLAWFUL … what recipients are told.")
    ],
    person: As,
    because: Because,
    yes: Yes = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Take an event back from everybody who received it, and from whoever still would: a dry run without --yes.

    Nobody can open it at the gateway any more from that moment. Each recipient is told to remove it and to
    confirm that; the exchange keeps asking. Who opened it before is listed. It cannot be undone: publish it
    anew if it was right after all.

    [bold]Examples[/bold]

    \b
      masa recall event 0192d5a4-… --ground WRONG_CHILD --as asha-patel --because "call from the school"
      masa recall event 0192d5a4-… --ground WRONG_CHILD --as asha-patel --because "call from the school" --yes
    """
    from connectors.postgres.connection import connect
    from streams.recall.by_hand import GROUNDS, take_back

    if ground not in GROUNDS:
        raise BadUsage(f"no ground `{ground}`: one of {', '.join(GROUNDS)}")
    found = settings(data_dir)
    with connect(found.database(), application="masa-cli") as connection:
        area = _area_of_event(found, connection, event_id)
        with connection.transaction(force_rollback=not yes):
            made = take_back(connection, event_id, area, ground, _by(person, because))
            shown = _shown(connection, made)
    _tell(shown, as_json, done=yes)


@app.command("freeze")
def freeze(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="Delivery id.")],
    person: As,
    because: Because,
    yes: Yes = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Freeze one delivery that may have gone to the wrong place: a dry run without --yes.

    Nobody can open it any more, its content is kept, everybody who opened it is listed, its publisher is told
    and the 72 hours in which a breach must be notified begin (Article 33 UK GDPR). `thaw` lets it go again.

    [bold]Example[/bold]

    \b
      masa recall freeze 5f0c6d1e-… --as asha-patel --because "wrong school rang" --yes
    """
    from connectors.postgres.connection import connect
    from streams.recall.by_hand import freeze as do

    found = settings(data_dir)
    with connect(found.database(), application="masa-cli") as connection:
        area = _area_of_delivery(connection, delivery)
        with connection.transaction(force_rollback=not yes):
            made = do(connection, delivery, area, _by(person, because))
            shown = _shown(connection, made)
    _tell(shown, as_json, done=yes)


@app.command("thaw")
def thaw(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="Delivery id.")],
    person: As,
    because: Because,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let a frozen delivery go on where it stood: it was in the right place after all.

    [bold]Example[/bold]

    \b
      masa recall thaw 5f0c6d1e-… --as asha-patel --because "right school, checked by phone"
    """
    from connectors.postgres.connection import connect
    from streams.recall.by_hand import frozen_now
    from streams.recall.by_hand import thaw as do

    with connect(settings(data_dir).database(), application="masa-cli") as connection, connection.transaction():
        recall = frozen_now(connection, delivery)
        if recall is None:
            raise Refused(f"delivery `{delivery}` is not frozen")
        do(connection, recall, _by(person, because))
    say(f"delivery {delivery} can be opened again")


@app.command("list")
def list_(
    kind: Annotated[
        str | None, typer.Option("--kind", help="RETRACTION, CORRECTION, PROTECTION, SEVERANCE or FREEZE.")
    ] = None,
    of: Annotated[str | None, typer.Option("--event", help="Only of this original.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 100,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List what was taken back, newest first, and how many recipients have not confirmed the removal yet.

    [bold]Examples[/bold]

    \b
      masa recall list
      masa recall list --kind FREEZE --json
    """
    from connectors.postgres.connection import connect
    from connectors.postgres.followup_recall import listed, outstanding

    with connect(settings(data_dir).database(), application="masa-cli") as connection, connection.transaction():
        rows = [_shown(connection, each, brief=True) for each in listed(connection, kind=kind, event=of, limit=limit)]
        waiting, late = outstanding(connection, now_ms())
    if as_json:
        for row in rows:
            emit(row)
        return
    columns = ("at", "kind", "state", "event", "by", "ground", "deliveries", "unremoved", "recallId")
    table(None, columns, ([str(row[name] if row[name] is not None else "") for name in columns] for row in rows))
    say(f"{waiting} deliveries wait for their removal to be confirmed, {late} of them overdue")


@app.command("show")
def show(
    recall_id: Annotated[str, typer.Argument(metavar="RECALL", help="Recall id, as `list` shows it.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show one recall: every delivery that it took back, who had opened it, and whether its removal is confirmed.

    [bold]Example[/bold]

    \b
      masa recall show 7c1e0192-… --json | jq '.deliveries[] | select(.openedBy != [])'
    """
    from connectors.postgres.connection import connect
    from connectors.postgres.followup_recall import by_id

    with connect(settings(data_dir).database(), application="masa-cli") as connection, connection.transaction():
        recall = by_id(connection, recall_id)
        if recall is None:
            raise Refused(f"there is no recall `{recall_id}`")
        shown = _shown(connection, recall)
    _tell(shown, as_json, done=True)


def _by(person: str, because: str) -> By:
    from streams.recall.by_hand import By

    return By(person=person, because=because, at=now_ms(), identity=str(uuid.uuid4()))


def _area_of_event(found: Settings, connection: Connection, event_id: str) -> str:
    """The publisher's area: of a delivery of it, else of the publisher that the ledger names. Raises Refused."""
    from connectors.postgres.followup_store import of_event
    from streams.cli.areas import required_rule_set
    from streams.cli.ledger_view import event_or_none

    for each in of_event(connection, event_id):
        return each.area
    audit = event_or_none(found.database(), event_id, 0)
    if audit is None:
        raise Refused(f"neither follow-up nor ledger knows an event `{event_id}`: check the id")
    agencies = {each["id"]: each["area"] for each in required_rule_set(found.kafka()).document()["agencies"]}
    if audit["source"] not in agencies:
        raise Refused(f"the publisher of `{event_id}` takes no part under the rules in force")
    return str(agencies[audit["source"]])


def _area_of_delivery(connection: Connection, delivery_id: str) -> str:
    from connectors.postgres import followup_store

    with connection.transaction():
        row = followup_store.locked(connection, [delivery_id]).get(delivery_id)
    if row is None:
        raise Refused(f"the follow-up knows no delivery `{delivery_id}`: check the id, or is `masa followup` behind?")
    return row.area


def _shown(connection: Connection, recall: RecallRow, *, brief: bool = False) -> dict[str, Any]:
    from connectors.postgres.followup_recall import holders
    from streams.ledger.operations import operations
    from streams.ledger.times import iso_of_millis

    found = holders(connection, recall.recall_id)
    answer: dict[str, Any] = {
        "recallId": recall.recall_id,
        "kind": recall.kind,
        "state": recall.state,
        "refusal": recall.refusal,
        "event": recall.event_id,
        "delivery": recall.delivery_id,
        "by": recall.by_person or recall.by_agency,
        "because": recall.because,
        "ground": recall.ground,
        "at": iso_of_millis(recall.at),
        "removeBy": iso_of_millis(recall.remove_by),
        "notifyBy": iso_of_millis(recall.notify_by),
        "endedAt": iso_of_millis(recall.ended_at),
        "deliveries": len(found),
        "unremoved": sum(each.remove_by is not None and each.removed_at is None for each in found),
    }
    if brief:
        return answer
    rows = []
    for each in found:
        done = operations(connection, kind="delivery", target=each.delivery_id)
        rows.append({
            "deliveryId": each.delivery_id,
            "agency": each.agency,
            "eventType": each.event_type,
            "before": each.before,
            "state": each.state,
            "opened": each.opened_at is not None or each.handed_out,
            "openedAt": iso_of_millis(each.opened_at),
            "handedOut": each.handed_out,
            "openedBy": sorted({one["actor"] for one in done if one["kind"] in _OPENINGS}),
            "removeBy": iso_of_millis(each.remove_by),
            "removedAt": iso_of_millis(each.removed_at),
        })  # fmt: skip
    return answer | {"deliveries": rows}


def _tell(shown: dict[str, Any], as_json: bool, *, done: bool) -> None:
    if as_json:
        emit(shown | {"dryRun": not done})
        return
    about = (
        f"event {shown['event']}"
        if shown["event"]
        else f"delivery {shown['delivery']}"
        if shown["delivery"]
        else "a child"
    )
    typer.echo(f"{shown['kind'].lower()} of {about}, {shown['state'].lower()}: {shown['ground']}, by {shown['by']}")
    if shown["notifyBy"]:
        typer.echo(f"if it is a breach that must be notified: by {shown['notifyBy']} (Article 33 UK GDPR)")
    columns = ("agency", "before", "opened", "removeBy", "removedAt", "deliveryId")
    table(
        None,
        columns,
        ([str(row[name] if row[name] is not None else "") for name in columns] for row in shown["deliveries"]),
    )
    for row in shown["deliveries"]:
        for who in row["openedBy"]:
            typer.echo(f"opened at {row['agency']} by {who}")
    if not done:
        say("nothing was done: say --yes to do it")
