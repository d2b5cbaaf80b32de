"""`masa gateway`: the HTTP door as a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.documents import openapi
from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    DataDir,
    MetricsPort,
    environment,
    monotonic,
    settings,
    unix_seconds,
)

if TYPE_CHECKING:
    from connectors.http.serving import App
    from connectors.http.settings import GatewaySettings
    from connectors.settings import Settings
    from connectors.telemetry import Telemetry
    from streams.gateway.process import OpenGateway

READY_LOOK_SECONDS = 1.0
WEBHOOK_CONNECTIONS = 4
END_SECONDS = 20.0  # for the threads beside the server to finish what they are at

app = typer.Typer(invoke_without_command=True)


@app.callback()
def gateway(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8080,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    metrics_port: MetricsPort = None,
) -> None:
    """Run the HTTP door until SIGTERM: publish, inbox, browser pages, webhooks.

    One process serves HTTP, fills its inboxes from Kafka and relays receipts to Kafka; several may run beside
    each other. It speaks plain HTTP: put a proxy that ends TLS before it. `masa up` runs its own.

    [bold]Examples[/bold]

    \b
      export KAFKA_BOOTSTRAP_SERVERS=kafka:9092 DATABASE_URL=postgresql://…
      export MASA_PSEUDONYM_KEY_FILE=/run/secrets/key MASA_SIGNATORIES_FILE=/etc/masa/signatories.yaml
      MASA_GATEWAY_URL=https://masa.example.org.uk MASA_OIDC_ISSUER=https://sign-in.example.org.uk masa gateway
    """
    if context.invoked_subcommand is None:
        _run(host, port, settings(data_dir), metrics_port)


app.command("openapi")(openapi)


def _run(host: str, port: int, found: Settings, metrics_port: int | None) -> None:
    from connectors.http.serving import serve
    from streams.cli.people import required_signatories
    from streams.cli.processes import process_of, stopped_by_signal
    from streams.gateway.process import open_gateway

    shell = shell_settings(found)
    kafka, database = found.kafka(), found.database()
    key, signatories = found.pseudonym_key(), required_signatories(found)
    stop = stopped_by_signal()
    with process_of("gateway", metrics_port) as telemetry:
        opened = open_gateway(
            kafka,
            database,
            key,
            telemetry,
            stop,
            signatories=signatories,
            clock=unix_seconds,
            allow_synthetic=found.allow_synthetic,
        )
        try:
            with all_beside({**opened.work, **_own_work(opened, shell, database, telemetry, stop)}, stop):
                serve(
                    _app(opened, shell, telemetry), host=host, port=port, stop=stop, header_seconds=shell.header_seconds
                )
        finally:
            opened.close()


def shell_settings(found: Settings) -> GatewaySettings:
    """From the environment; on this machine from where `masa up` put the gateway and its issuer."""
    from connectors.http.settings import GatewaySettings

    here = found.connection
    return GatewaySettings.load(
        environment(), public_url=here.gateway if here else None, issuer=here.issuer if here else None
    )


def _app(opened: OpenGateway, shell: GatewaySettings, telemetry: Telemetry) -> App:
    """The API and the pages."""
    from connectors.http.app import create_app
    from connectors.http.discovery import Discovery
    from connectors.http.door import Door
    from connectors.http.pages.oidc import OidcIdentity
    from connectors.http.pages.router import pages_router
    from connectors.http.tokens import TokenVerifier

    issuer = Discovery(shell.issuer)
    verifier = TokenVerifier(shell, issuer, clock=unix_seconds, monotonic=monotonic)
    door = Door(opened.doors, shell, verifier, telemetry=telemetry, clock=unix_seconds, monotonic=monotonic)
    pages = pages_router(opened.sessions, lambda door: OidcIdentity(door.settings, issuer.endpoints, door.verifier))
    return create_app(door, routers=[pages])


def _own_work(
    opened: OpenGateway, shell: GatewaySettings, database: str, telemetry: Telemetry, stop: threading.Event
) -> dict[str, Callable[[], None]]:
    """What the shell needs beside the server: telling whether it is ready, and webhooks where they are set up."""
    work: dict[str, Callable[[], None]] = {
        "readiness": lambda: keep_telling_readiness(opened.doors.unavailable, telemetry, stop)
    }
    if shell.webhooks_file is not None:
        work["webhooks"] = _pushing(shell, Path(shell.webhooks_file), database, telemetry, stop)
    return work


def _pushing(
    shell: GatewaySettings, file: Path, database: str, telemetry: Telemetry, stop: threading.Event
) -> Callable[[], None]:
    """Pushes until told to stop. The file is read now, so that a wrong one is refused before anything is served."""
    from connectors.http.webhook_post import post
    from connectors.http.webhooks import Pusher, read_hooks
    from connectors.postgres.pool import Pool
    from connectors.postgres.webhook_store import WebhookStore

    hooks = read_hooks(file, allow_private=shell.webhooks_allow_private)
    pool = Pool(database, size=WEBHOOK_CONNECTIONS, application="masa-webhooks")
    pusher = Pusher(
        hooks,
        WebhookStore(pool),
        partial(post, allow_private=shell.webhooks_allow_private),
        gateway=shell.public_url,
        telemetry=telemetry,
        clock=unix_seconds,
    )

    def run() -> None:
        try:
            pusher.keep_pushing(stop.wait, stop.is_set)
        finally:
            pool.close()

    return run


def keep_telling_readiness(unavailable: Callable[[], str | None], telemetry: Telemetry, stop: threading.Event) -> None:
    """Ready when nothing is missing for work; looks every second, and tells changes only."""
    from connectors.errors import ConnectorFailure

    told: str | None = ""
    while not stop.is_set():
        try:
            missing = unavailable()
        except ConnectorFailure:
            missing = "the database"
        if missing != told:
            told = missing
            if missing is None:
                telemetry.process_ready()
            else:
                telemetry.process_waiting(missing)
        stop.wait(READY_LOOK_SECONDS)


@contextmanager
def all_beside(work: Mapping[str, Callable[[], None]], stop: threading.Event) -> Iterator[None]:
    """Run each of `work` in a thread while the body runs; any of them ending sets `stop`, which all heed.

    Raises what the first of them raised, or StartFailed when one ended unasked, so that a supervisor starts all again.
    """
    from connectors.errors import ExitForSupervisor

    failures: list[BaseException] = []

    def guarded(name: str, run: Callable[[], None]) -> None:
        try:
            run()
            if not stop.is_set():
                failures.append(ExitForSupervisor(f"{name} ended by itself"))
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            failures.append(error)
        finally:
            stop.set()

    threads = [threading.Thread(target=guarded, args=(name, run), name=name, daemon=True) for name, run in work.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(END_SECONDS)
    if failures:
        raise failures[0]
