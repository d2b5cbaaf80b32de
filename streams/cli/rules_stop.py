"""`masa rules stop`, `lift`, `stops`: sharing halted everywhere within seconds, and resumed as deliberately (R-10)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.rules_activate import Metrics
from streams.cli.rules_sign import As, Key
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
    from connectors.settings import Settings
    from streams.cli.policy_topic import PolicyTopic
    from streams.cli.policy_write import ToWrite, Written
    from streams.policy.stop_orders import StopOrder

_ID_BYTES = 4
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


def stop(
    person: As,
    key: Key,
    reason: Why,
    rule: Annotated[str | None, typer.Option("--rule", help="What this rule shares.")] = None,
    agency: Annotated[str | None, typer.Option("--agency", help="What this agency would receive or publishes.")] = None,
    event_type: Annotated[str | None, typer.Option("--event-type", help="Events of this type.")] = None,
    metrics: Metrics = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Stop sharing now: one person, one command, every router slot within seconds.

    Of what --rule, --agency and --event-type name together nothing more is delivered; it is held, so nothing
    is lost, and `masa held release` decides it anew after `masa rules lift`. Deliveries already made are not
    called back. Exit status 1 unless every live slot has taken it over.

    [bold]Examples[/bold]

    \b
      masa rules stop --agency oakfield-primary --as asha-patel --key asha.pem --reason "inbox compromised"
      masa rules stop --rule hv-concern-to-gp --as asha-patel --key asha.pem --reason "wrong share"
      masa rules stop --event-type health.hv-concern --agency moorland-housing-trust --as … --key … --reason …
    """
    from streams.cli.people import required_signatories, signer
    from streams.cli.policy_write import ToWrite, operation, write_policy
    from streams.cli.provision import outgoing
    from streams.policy.activation import PolicyRecord
    from streams.policy.facts import AgencyId, EpochMillis, RuleId
    from streams.policy.stops import Stop, StopId

    named = {"rule": rule, "agency": agency, "eventType": event_type}
    if not any(named.values()):
        raise BadUsage("name what to stop: --rule, --agency, --event-type, or several that must all match")
    found = settings(data_dir)
    signatories = required_signatories(found)
    who, now = signer(signatories, person, key), now_ms()
    order = who.order(
        signatories.area,
        Stop(
            id=StopId(secrets.token_hex(_ID_BYTES)),
            rule=RuleId(rule) if rule else None,
            agency=AgencyId(agency) if agency else None,
            event_type=event_type,
            reason=reason,
            by=who.name,
            since=EpochMillis(now),
        ),
    )
    details = {name: value for name, value in named.items() if value}

    def planned(topic: PolicyTopic) -> ToWrite:
        _must_exist(topic, rule, agency, event_type)
        done = operation(
            "rules.stop", order.stop.id, at=now, actors=[(who.name, who.role)], reason=reason, details=details
        )
        return ToWrite(outgoing([PolicyRecord(order.key(), order.to_value(), [])]), done)

    written = write_policy(found.kafka(), signatories, planned)
    _await(found, metrics, written, order)
    seconds = (now_ms() - now) / 1000
    if as_json:
        emit({**_shown(order), "seconds": seconds})
    else:
        say(f"stopped {_words(order)} after {seconds:.1f} s; `masa rules lift {order.stop.id}` resumes it")
        typer.echo(order.stop.id)


def lift(
    stop_id: Annotated[str, typer.Argument(metavar="ID", help="The stop, as `masa rules stops` lists it.")],
    person: As,
    key: Key,
    reason: Why,
    metrics: Metrics = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Lift a stop: what it named is shared again. What was held meanwhile waits for `masa held release`.

    [bold]Example[/bold]

    \b
      masa rules lift 3f2a9c1e --as ben-okafor --key ben.pem --reason "new mailbox, checked by phone"
    """
    from streams.cli.people import required_signatories, signer
    from streams.cli.policy_write import ToWrite, operation, write_policy
    from streams.cli.provision import outgoing
    from streams.policy.activation import PolicyRecord
    from streams.policy.facts import EpochMillis
    from streams.policy.stop_orders import Lift
    from streams.policy.stops import StopId

    found = settings(data_dir)
    signatories = required_signatories(found)
    who, now = signer(signatories, person, key), now_ms()
    lifted: list[StopOrder] = []

    def planned(topic: PolicyTopic) -> ToWrite:
        order = topic.stops.get(StopId(stop_id))
        if order is None:
            raise Refused(f"no stop `{stop_id}` is known here: `masa rules stops --all` lists them")
        if not order.holds:
            raise Refused(f"stop `{stop_id}` was lifted already")
        lifted.append(
            who.lift(order, Lift(stop=order.stop.id, at=EpochMillis(now), by=who.name, reason=reason)),
        )
        done = operation("rules.lift", stop_id, at=now, actors=[(who.name, who.role)], reason=reason, details={})
        return ToWrite(outgoing([PolicyRecord(lifted[0].key(), lifted[0].to_value(), [])]), done)

    written = write_policy(found.kafka(), signatories, planned)
    _await(found, metrics, written, lifted[0])
    if as_json:
        emit(_shown(lifted[0]))
    else:
        say(f"lifted: {_words(lifted[0])} is shared again")


def stops(
    everything: Annotated[bool, typer.Option("--all", help="Lifted ones too.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List the stops in force: what is not shared now, since when, who ordered it and why.

    [bold]Example[/bold]

    \b
      masa rules stops --all --json
    """
    from streams.cli.people import known_signatories
    from streams.cli.policy_topic import read_policy

    found = settings(data_dir)
    topic = read_policy(found.kafka(), known_signatories(found))
    orders = sorted(topic.stops.values(), key=lambda order: order.stop.since)
    rows = [_shown(order) for order in orders if everything or order.holds]
    if as_json:
        for row in rows:
            emit(row)
        return
    columns = ("id", "since", "rule", "agency", "eventType", "by", "reason", "liftedAt")
    table(None, columns, ([str(row.get(column) or "") for column in columns] for row in rows))


def _await(found: Settings, metrics: list[str] | None, written: Written, order: StopOrder) -> None:
    """Until every live slot has read it and honours as many stops as there are now."""
    from streams.cli.policy_write import wait_everywhere
    from streams.cli.slots import addresses

    now = {**written.before.stops, order.stop.id: order}
    count = sum(each.holds for each in now.values())
    wait_everywhere(
        addresses(found, metrics or ()),
        f"stop {order.stop.id}" if order.holds else f"the lifting of {order.stop.id}",
        lambda state: state.offset >= written.offset and state.stops == count,
    )


def _must_exist(topic: PolicyTopic, rule: str | None, agency: str | None, event_type: str | None) -> None:
    """A name that is spelt wrong would stop nothing, and nobody would notice. Raises BadUsage."""
    from schemas.registry import load_event_types

    artefact = topic.artefact_in_force(now_ms())
    if artefact is None:
        raise Refused("no rule set is in force, so nothing is shared: there is nothing to stop")
    document = artefact.document()
    _known("--rule", rule, (entry["id"] for entry in document["rules"]))
    _known("--agency", agency, (entry["id"] for entry in document["agencies"]))
    _known("--event-type", event_type, load_event_types())


def _known(option: str, name: str | None, names: Iterable[str]) -> None:
    from difflib import get_close_matches

    known = sorted(names)
    if name is None or name in known:
        return
    near = get_close_matches(name, known, n=3)
    hint = f": did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
    raise BadUsage(f"{option} `{name}` is not in the rule set in force{hint}")


def _shown(order: StopOrder) -> dict[str, Any]:
    lifted = order.lifted.lift if order.lifted is not None else None
    return {
        **order.stop.as_document(),
        "since": instant(order.stop.since),
        "liftedAt": instant(lifted.at) if lifted else None,
        "liftedBy": lifted.by if lifted else None,
        "liftReason": lifted.reason if lifted else None,
    }


def _words(order: StopOrder) -> str:
    found = order.stop
    parts = {"rule": found.rule, "agency": found.agency, "event type": found.event_type}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)
