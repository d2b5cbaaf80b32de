"""`masa conformance`: is a supplier's system fit to be connected?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from streams.cli.runtime import (
    AsJson,
    BadUsage,
    Exit,
    Refused,
    default_area,
    emit,
    environment,
    event_type_named,
    monotonic,
    now_ms,
    random_bits,
    say,
    table,
)

if TYPE_CHECKING:
    from connectors.kafka.settings import KafkaSettings
    from schemas.registry import EventType
    from streams.conformance.doors import KitDoor
    from streams.conformance.judge import Seen
    from streams.conformance.offers import Offer

app = typer.Typer(invoke_without_command=True)

Types = Annotated[list[str] | None, typer.Option("--type", metavar="TYPE", help="Deliver these only. Default: all.")]
Shows = Annotated[
    list[str] | None, typer.Option("--publishes", metavar="TYPE", help="The system must publish one of these each.")
]
SignKey = Annotated[Path | None, typer.Option("--key", metavar="FILE", help="Sign a certificate with this PEM key.")]


class Party(NamedTuple):
    """The agency under test, as its area's rules have it; a `KnownAgency`."""

    id: str
    area: str
    category: str
    channel: str
    identifiers: tuple[tuple[str, str], ...]
    roles: tuple[str, ...]


@app.callback()
def conformance(
    context: typer.Context,
    door: Annotated[Literal["kafka", "http"], typer.Option("--door", help="Door of the agency.")] = "kafka",
    agency: Annotated[str, typer.Option("--agency", help="Agency whose system is tried, e.g. northshire-csc.")] = "",
    area: Annotated[Path | None, typer.Option("--area", help="Area folder. Default: deploy/areas/northshire.")] = None,
    types: Types = None,
    publishes: Shows = None,
    within: Annotated[float, typer.Option("--within", min=1, metavar="SECONDS", help="Time for everything.")] = 600.0,
    quiet: Annotated[float, typer.Option("--quiet", min=0, metavar="SECONDS", help="Watched after that.")] = 5.0,
    key: SignKey = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Certificate. Default: conformance-AGENCY.json.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play the exchange to a supplier's system, and judge what it does.

    At the Kafka door it starts a broker of its own (with KAFKA_BOOTSTRAP_SERVERS set it uses that one, unless an
    exchange is on it), at the HTTP door a gateway and an issuer on this machine. It says where: connect the system
    there. It is sent every event type and every odd case, all fictional: everything withheld,
    a newer schema, duplicates, a protected child, long texts, every symbol. It must acknowledge each, and publish what
    --publishes names. Exit status 1 when a check failed. With --key, a system that passed gets a signed certificate.

    [bold]Examples[/bold]

    \b
      masa conformance --agency northshire-csc
      masa conformance --door http --agency oakfield-primary --publishes education.absence-concern
      masa conformance --agency northshire-police --publishes police.child-detained --key operator.pem
      masa conformance verify conformance-northshire-police.json --public-key BASE64
    """
    if context.invoked_subcommand is not None:
        return
    from streams.conformance.certificate import report

    party = _party(area or default_area(), agency, door)
    wanted, kinds = _names(publishes), _names(types)
    signer = _signer(key)
    offers, seen = _tried(party, kinds, wanted, within=within, quiet=quiet)
    checked = _judged(party, offers, seen, wanted)
    found = report(
        checked,
        agency=party.id,
        door=door,
        types=event_types(),
        received=len(offers),
        published=wanted,
        at_ms=now_ms(),
    )
    _show(found, as_json)
    if found["result"] != "PASSED":
        raise typer.Exit(Exit.NO)
    if signer is not None:
        _certify(found, signer, out or Path(f"conformance-{party.id}.json"))


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A certificate.")],
    public_key: Annotated[
        str, typer.Option("--public-key", metavar="BASE64", help="The operator's, as from `masa rules keygen`.")
    ],
    as_json: AsJson = False,
) -> None:
    """Whether a certificate is the operator's own and unchanged; exit status 1 when not.

    Get the operator's public key from the operator, not from the file.

    [bold]Example[/bold]

    \b
      masa conformance verify conformance-northshire-csc.json --public-key "$(cat operator.pub)"
    """
    from base64 import b64decode

    from connectors.signing import verify as genuine
    from streams.conformance.certificate import NotGenuine, verified

    try:
        content = verified(file.read_text("utf-8", errors="replace"), b64decode(public_key, validate=True), genuine)
    except NotGenuine as wrong:
        raise Refused(f"{file}: {wrong}") from None
    except ValueError:
        raise BadUsage("--public-key is not base64: `masa rules keygen` prints it as `publicKey`") from None
    if as_json:
        emit(content)
    else:
        say(f"genuine: `{content['agency']}` passed {len(content['checks'])} checks at the {content['door']} door, "
            f"{content['at']}")  # fmt: skip


def event_types() -> Any:
    from schemas.registry import load_event_types

    return load_event_types()


def _names(given: Sequence[str] | None) -> list[str]:
    return [event_type_named(name)[1].name for name in given or ()]


def _party(folder: Path, agency: str, door: str) -> Party:
    from streams.cli.areas import compile_area
    from streams.gateway.publishers import Publishers

    if not agency:
        raise BadUsage("--agency: say whose system is tried")
    document: Mapping[str, Any] = compile_area(folder).artefact.document()
    known = Publishers.of_rule_set(document).named(agency)
    if isinstance(known, str):
        raise BadUsage(known)
    entry = next(each for each in document["agencies"] if each["id"] == agency)
    if (entry["channel"] == "gateway") != (door == "http"):
        right = "http" if entry["channel"] == "gateway" else "kafka"
        raise BadUsage(f"the door of `{agency}` is {right} in its area's rules: say --door {right}")
    return Party(agency, known.area, known.category, entry["channel"], known.identifiers, tuple(entry["roles"]))


def _tried(
    party: Party, names: Sequence[str], wanted: Sequence[str], *, within: float, quiet: float
) -> tuple[list[Offer], Seen]:
    from streams.conformance.doors import run
    from streams.conformance.offers import Addressee, Maker

    known = event_types()
    kinds = [known[name] for name in names or known]
    addressee = Addressee(party.id, party.area, party.roles)
    offers = Maker(addressee, now_ms=now_ms(), randbits=random_bits).all_of(kinds)
    with _door(party, kinds) as door:
        say(f"{len(offers)} deliveries wait for the system of `{party.id}`")
        with _progress() as told:
            seen = run(
                door,
                offers,
                wanted,
                within_seconds=within,
                quiet_seconds=quiet,
                monotonic=monotonic,
                progress=told,
            )
    return offers, seen


@contextmanager
def _door(party: Party, kinds: Sequence[EventType]) -> Iterator[KitDoor]:
    """The agency's door, open; says where it is."""
    if party.channel == "gateway":
        from streams.cli.conformance_http import http_door

        with http_door(party) as found:
            yield found
        return
    from streams.conformance.kafka_door import KafkaDoor
    from streams.conformance.offers import future_schema, richest_of

    with _broker() as kafka:
        opened = KafkaDoor(kafka, party.id, [future_schema(richest_of(kinds))])
        say(f"connect the system to Kafka at {kafka.bootstrap_servers}")
        yield opened


@contextmanager
def _broker() -> Iterator[KafkaSettings]:
    """The broker that is named in the environment, or one of the kit's own that is gone afterwards."""
    import tempfile

    from connectors.kafka.local import LocalBroker
    from connectors.settings import Settings

    with tempfile.TemporaryDirectory(prefix="masa-conformance-", ignore_cleanup_errors=True) as folder:
        if environment().get("KAFKA_BOOTSTRAP_SERVERS"):
            yield Settings.load(Path(folder), environment()).kafka()
            return
        broker = LocalBroker(data_dir=Path(folder), progress=say)
        try:
            yield broker.start()
        finally:
            broker.stop()


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("answered and published"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _judged(party: Party, offers: list[Offer], seen: Seen, wanted: Sequence[str]) -> tuple[Any, ...]:
    from schemas.pseudonym import Pseudonymiser
    from streams.conformance.judge import judge
    from streams.routing.intake import Intake

    key = random_bits(256).to_bytes(32, "big")  # of this run alone: nothing is kept under it
    intake = Intake(event_types(), Pseudonymiser(key), allow_synthetic=True)
    return judge(offers, seen, agency=party, name=party.id, wanted=wanted, intake=intake)


def _show(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        emit(found)
        return
    rows = (
        ("passed" if each["passed"] else "FAILED", each["check"], each["asks"], str(each["lookedAt"]))
        for each in found["checks"]
    )
    table(f"`{found['agency']}` at the {found['door']} door: {found['result']}", ("", "check", "asks", "seen"), rows)
    for each in found["checks"]:
        for finding in each["findings"]:
            say(f"{each['check']}: {finding}")
        if not each["lookedAt"]:
            say(f"{each['check']}: there was nothing to look at")


def _signer(key: Path | None) -> Any:
    """Read before anything is tried, so that a wrong file does not cost a run."""
    from connectors.signing import read_key

    return None if key is None else read_key(key)


def _certify(found: Mapping[str, Any], signer: Any, path: Path) -> None:
    from base64 import b64encode

    from streams.conformance.certificate import signed

    path.write_text(signed(found, signer), encoding="utf-8")
    say(f"certificate in {path}, signed by key {signer.key_id}; verify with {b64encode(signer.public_key).decode()}")
