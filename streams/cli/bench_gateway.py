"""`masa bench --only gateway`: the HTTP door of the exchange that runs here, under load."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli.runtime import BadUsage, monotonic, now_ms, say, settings

if TYPE_CHECKING:
    from connectors.settings import Connection, Settings
    from streams.bench.table import Row

EVENT_TYPE = "education.absence-concern"  # schools publish it, other gateway agencies receive it
FILLED_IN = ("sourceOrg", "masaId", "publishedAt", "schemaVersion")  # by the gateway


def gateway_rows(data_dir: Path, *, seconds: float, rate: float, pollers: int) -> Iterator[Row]:
    """Publishes at `rate` and so many pollers, for so long. Raises BadUsage when no exchange runs here."""
    from streams.bench.http_door import Child, Load, quantile, run_load
    from streams.bench.table import Row

    found = settings(data_dir)
    connection = found.connection
    if connection is None or connection.gateway is None or connection.issuer is None:
        raise BadUsage(f"no exchange runs in `{data_dir}`: start one with `masa up`, or name its --data-dir")
    agencies = _gateway_agencies(found)
    schools = [agency for agency, category in agencies if category == "SCHOOL"]
    names = [agencies[number % len(agencies)][0] for number in range(pollers)]
    load = Load(connection.gateway, schools, names, rate, seconds, _tokens(found, connection), _events())
    door = Child(data_dir, "gateway")
    say(f"{rate:g} publishes a second and {pollers} pollers for {seconds:g} s on {connection.gateway}")
    before, worked = door.mebibytes(), door.cpu_seconds()
    measured = run_load(load, monotonic)
    worked = max(0.0, door.cpu_seconds() - worked)
    yield Row("gateway-published", len(measured.publishes) / measured.elapsed, "ev/s")
    for name, times in (("publish", measured.publishes), ("poll", measured.polls)):
        yield Row(f"gateway-{name}-p50", quantile(times, 0.5) * 1000, "ms")
        yield Row(f"gateway-{name}-p99", quantile(times, 0.99) * 1000, "ms")
    yield Row("gateway-acknowledged", measured.answers["acknowledge", 200] / measured.elapsed, "ev/s")
    yield Row("gateway-cpu-per-request", worked / max(1, measured.answers.total()) * 1000, "ms")
    yield Row("gateway-errors", measured.errors, "answers")
    yield Row("gateway-memory-before", before, "MiB")
    yield Row("gateway-memory-after", door.mebibytes(), "MiB")
    for (what, status), count in sorted(measured.answers.items()):
        say(f"{what} {status}: {count}")


def _gateway_agencies(found: Settings) -> list[tuple[str, str]]:
    """Id and category of every agency that has no Kafka client."""
    from streams.cli.areas import required_rule_set
    from streams.cli.people import known_signatories

    document = required_rule_set(found.kafka(), known_signatories(found)).document()
    return [(entry["id"], entry["category"]) for entry in document["agencies"] if entry["channel"] == "gateway"]


def _tokens(found: Settings, connection: Connection) -> Callable[[str], str]:
    from connectors.http.discovery import client_credentials
    from connectors.http.issuer import client_secret, read_secret

    secret = read_secret(found.data_dir)

    def token(agency: str) -> str:
        answer = client_credentials(f"{connection.issuer}/token", agency, client_secret(secret, agency))
        return str(answer["access_token"])

    return token


def _events() -> Callable[[], dict[str, Any]]:
    """Different events of one kind, with what the gateway knows left out."""
    from schemas.examples import example, new_event_id
    from schemas.json_form import to_json
    from schemas.registry import load_event_types

    known = load_event_types()[EVENT_TYPE]
    at = now_ms()
    shown = to_json(known, example(known, now_ms=at, event_id=new_event_id(at, secrets.randbits)))
    envelope = {name: value for name, value in shown["envelope"].items() if name not in FILLED_IN}

    def event() -> dict[str, Any]:
        own = {"eventId": new_event_id(now_ms(), secrets.randbits), "sourceRef": secrets.token_hex(8)}
        return {**shown, "envelope": {**envelope, **own}}

    return event
