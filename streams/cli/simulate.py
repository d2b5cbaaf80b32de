"""`masa simulate`: seeded synthetic traffic for the running exchange, bad input included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    DataDir,
    emit,
    now_ms,
    random_bits,
    say,
    settings,
)

if TYPE_CHECKING:
    from streams.simulation.publish import Counts

SEED_BITS = 32
PROGRESS_EVERY = 10_000


def simulate(
    events: Annotated[int, typer.Option("--events", min=1, metavar="N", help="How many events.")] = 1_000,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="S", help="The same seed gives the same people and mixture.")
    ] = None,
    bad: Annotated[
        float, typer.Option("--bad", min=0.0, max=1.0, metavar="SHARE", help="Share of bad input, 0 to 1.")
    ] = 0.02,
    days: Annotated[
        float, typer.Option("--days", min=0.0, help="Spread over so many past days, busy when agencies are busy.")
    ] = 0.0,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.01, help="Events a second. Default: all at once.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until ctrl-C or SIGTERM.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="As without: one JSON object of counts.")] = False,
) -> None:
    """Publish synthetic events of every type for the area whose rules are in force.

    Invented people and real formats: missing NHS numbers, protected children, children from outside the
    area, late events, publishers' retries, and a chosen share of bad input of many kinds. Prints what was
    published as JSON.

    [bold]Examples[/bold]

    \b
      masa simulate --events 1000 --seed 7 --bad 0.05
      masa simulate --follow --rate 20
      masa simulate --events 50000 --days 14 --seed 1
    """
    from connectors.kafka.publisher import Publisher
    from schemas.pseudonym import Pseudonymiser
    from streams.cli.areas import required_rule_set
    from streams.cli.people import known_signatories
    from streams.cli.processes import stopped_by_signal
    from streams.cli.traffic import instants, traffic_of
    from streams.simulation.bad import BadInput
    from streams.simulation.publish import Counts, Stream, publish_all, publish_paced

    found = settings(data_dir)
    kafka, pseudonymiser = found.kafka(), Pseudonymiser(found.pseudonym_key())
    chosen = random_bits(SEED_BITS) if seed is None else seed
    say(f"seed {chosen}")
    area = found.connection.area if found.connection else None
    traffic = traffic_of(required_rule_set(kafka, known_signatories(found)).document(), area, chosen)
    stream = Stream(traffic, BadInput(traffic, pseudonymiser, chosen), pseudonymiser, chosen, bad)
    counts, stop = Counts(), stopped_by_signal()
    with Publisher(kafka, client_id="masa-simulate") as publisher:
        if follow or rate is not None:
            publish_paced(
                publisher,
                lambda times: stream.records(times, counts),
                rate or 1.0,
                clock_ms=now_ms,
                wait=stop.wait,
                limit=None if follow else events,
            )
        else:
            times = instants(traffic, events, days, chosen)
            publish_all(publisher, stream.records(times, counts), progress=_tell)
    emit(_shown(counts, chosen))


def _tell(done: int) -> None:
    if done % PROGRESS_EVERY == 0:
        say(f"published {done} records")


def _shown(counts: Counts, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "records": counts.records,
        "good": dict(counts.good),
        "bad": dict(counts.bad),
        "prepared": counts.prepared,
        "types": dict(counts.types),
    }
