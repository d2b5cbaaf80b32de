"""`masa issuer`, a part of `masa up`: demo people and systems of this machine's exchange. And `masa token`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    AsJson,
    BadUsage,
    DataDir,
    Refused,
    emit,
    say,
    settings,
    unix_seconds,
    write,
)

if TYPE_CHECKING:
    from connectors.http.issuer import DemoAgency
    from connectors.settings import Connection, Settings

ONLY_HERE = "this sign-in asks for no password and is for this machine alone: it answers on 127.0.0.1 only"


def issuer(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on 127.0.0.1.")],
    part_of_masa_up: Annotated[
        bool, typer.Option("--part-of-masa-up", help="Given by `masa up`; without it, or without that run, refused.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """The identity issuer of one machine, started by `masa up` and by nothing else.

    One fictional person a role of each agency and one system an agency, without passwords. A real exchange
    names its OpenID provider in MASA_OIDC_ISSUER.

    [bold]Example[/bold]

    \b
      masa up                       starts `masa issuer`, and prints its address
    """
    from connectors.http.issuer import Issuer, read_secret
    from connectors.http.issuer_app import create_issuer_app
    from connectors.http.serving import serve
    from connectors.http.settings import GatewaySettings
    from streams.cli.processes import process_of, stopped_by_signal
    from streams.cli.runtime import environment

    found = settings(data_dir)
    connection = _beside_masa_up(found, part_of_masa_up)
    secret = read_secret(data_dir)
    url = f"http://127.0.0.1:{port}"
    gateway = GatewaySettings.load(environment(), public_url=connection.gateway, issuer=url)
    say(ONLY_HERE)
    stop = stopped_by_signal()
    with process_of("issuer", None) as telemetry:
        made = Issuer(
            url,
            secret,
            _agencies(found),
            audience=gateway.audience,
            client_id=gateway.client_id,
            gateway_url=gateway.public_url,
            callback_url=gateway.callback_url,
            clock=unix_seconds,
        )
        telemetry.process_ready()
        serve(create_issuer_app(made), host="127.0.0.1", port=port, stop=stop)


def token(
    agency: Annotated[str, typer.Argument(metavar="AGENCY", help="Agency whose system asks, e.g. oakfield-primary.")],
    credentials: Annotated[
        bool, typer.Option("--credentials", help="Client id, secret and token endpoint instead, for a client library.")
    ] = False,
    scope: Annotated[str, typer.Option("--scope", help="Scopes, space-separated. Default: all of them.")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """An access token for an agency's system on this machine's exchange, good for ten minutes.

    Only `masa up`'s own issuer gives one so easily. A real one knows its clients.

    [bold]Examples[/bold]

    \b
      curl -H "Authorization: Bearer $(masa token oakfield-primary)" "$GATEWAY/v1/me"
      masa token oakfield-primary --credentials
    """
    from connectors.http.issuer import client_secret, read_secret

    connection = settings(data_dir).connection
    if connection is None or connection.issuer is None:
        raise BadUsage(f"no exchange with a local issuer runs in `{data_dir}`: start one with `masa up`")
    secret = client_secret(read_secret(data_dir), agency)
    if credentials:
        shown = {"clientId": agency, "clientSecret": secret, "tokenEndpoint": f"{connection.issuer}/token"}
        emit(shown | {"gateway": connection.gateway})
        return
    answer = _ask(connection.issuer, agency, secret, scope)
    if as_json:
        emit(answer)
    else:
        write(str(answer["access_token"]) + "\n")


def _ask(issuer_url: str, agency: str, secret: str, scope: str) -> dict[str, object]:
    from connectors.http.discovery import client_credentials

    answer = client_credentials(f"{issuer_url}/token", agency, secret, scope)
    if "access_token" not in answer:
        raise Refused(f"no token for `{agency}`: {answer.get('error_description', answer.get('error'))}")
    return answer


def _beside_masa_up(found: Settings, part_of_masa_up: bool) -> Connection:
    """The connection of the `masa up` that runs now in this data directory. Raises BadUsage, ChangeSettings."""
    from connectors.supervisor import DataDirLock

    lock = DataDirLock(found.data_dir)
    alone = lock.take()
    if alone:
        lock.release()
    connection = found.connection
    if not part_of_masa_up or alone or connection is None or connection.gateway is None:
        raise BadUsage(
            "the local issuer asks for no password, so it runs only as a part of `masa up`; elsewhere name your OpenID "
            "provider in MASA_OIDC_ISSUER"
        )
    return connection


def _agencies(found: Settings) -> list[DemoAgency]:
    """Every agency of the rule set in force, with the titles of its roles."""
    from connectors.http.issuer import DemoAgency
    from streams.cli.areas import required_rule_set
    from streams.cli.people import known_signatories

    document = required_rule_set(found.kafka(), known_signatories(found)).document()
    return [
        DemoAgency(
            entry["id"],
            entry["name"],
            entry["category"],
            {role: document["areas"][entry["area"]]["roles"][role]["title"] for role in entry["roles"]},
        )
        for entry in document["agencies"]
    ]
