"""`masa publish`: events from a file or a pipe to their publishers' outboxes, all of them or none."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    BadUsage,
    DataDir,
    Exit,
    emit,
    flush,
    now_ms,
    say,
    settings,
)

if TYPE_CHECKING:
    from connectors.kafka.settings import KafkaSettings
    from schemas.pseudonym import Pseudonymiser
    from streams.cli.event_file import LineProblem
    from streams.gateway.checks import ReadyEvent
    from streams.gateway.publishers import Publishers

PROGRESS_EVERY = 10_000
CHUNK = 2_000  # records handed to Kafka at once, and printed once acknowledged
PROBLEMS_SHOWN = 200


def publish(
    source: Annotated[str, typer.Argument(metavar="FILE", help="File of events, `-` for standard input.")] = "-",
    agency: Annotated[
        str | None, typer.Option("--agency", help="Publish as this agency. Default: whom envelope.sourceOrg names.")
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Publish the valid events even if others are not.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, publish nothing.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="As without: one JSON line an event.")] = False,
) -> None:
    """Check events and publish them to their agency's outbox.

    One JSON object a line (pretty-printed ones work too). All are checked first; if any is wrong, each
    problem is named as `file:line: field: what is wrong and what would be right`, nothing is published and
    the exit status is 1. Prints one line an event: eventId, topic, partition, offset.

    [bold]Examples[/bold]

    \b
      masa schemas example early-help.episode | masa publish -
      masa publish referrals.ndjson --agency northshire-csc
      masa publish referrals.ndjson --dry-run
    """
    from schemas.pseudonym import Pseudonymiser
    from streams.cli.areas import required_rule_set
    from streams.cli.people import known_signatories
    from streams.gateway.publishers import Publishers

    found = settings(data_dir)
    kafka, pseudonymiser = found.kafka(), Pseudonymiser(found.pseudonym_key())
    publishers = Publishers.of_rule_set(required_rule_set(kafka, known_signatories(found)).document())
    with _lines(source) as (name, lines):
        ready, problems = _check(lines, publishers, agency)
    for problem in problems[:PROBLEMS_SHOWN]:
        say(problem.shown(name))
    if len(problems) > PROBLEMS_SHOWN:
        say(f"and {len(problems) - PROBLEMS_SHOWN} more problems")
    if problems and not keep_going:
        say("nothing was published")
    elif not dry_run:
        _send(ready, kafka, pseudonymiser)
    if problems:
        raise typer.Exit(Exit.NO)


def _check(
    lines: Iterable[str], publishers: Publishers, agency: str | None
) -> tuple[list[ReadyEvent], list[LineProblem]]:
    """The valid events and everything that is wrong with the others, in the order of the text."""
    from schemas.registry import load_event_types
    from streams.cli.event_check import check_event
    from streams.cli.event_file import LineProblem, documents
    from streams.gateway.checks import ReadyEvent

    types, received_at = load_event_types(), now_ms()
    ready: list[ReadyEvent] = []
    problems: list[LineProblem] = []
    for count, document in enumerate(documents(lines), 1):
        if count % PROGRESS_EVERY == 0:
            say(f"checked {count} events")
        if isinstance(document, LineProblem):
            problems.append(document)
            continue
        checked = check_event(document, types, publishers, agency=agency, received_at_ms=received_at)
        if isinstance(checked, ReadyEvent):
            ready.append(checked)
        else:
            problems.extend(checked)
    return ready, problems


def _send(ready: list[ReadyEvent], kafka: KafkaSettings, pseudonymiser: Pseudonymiser) -> None:
    """Publish in order; a line for each once all in-sync replicas have it."""
    from connectors.client.outbox import outbox_record
    from connectors.kafka.publisher import Publisher

    with Publisher(kafka) as publisher:
        for start in range(0, len(ready), CHUNK):
            chunk = ready[start : start + CHUNK]
            places = publisher.publish(
                outbox_record(
                    event.event_type,
                    event.datum,
                    agency=event.publisher.id,
                    gateway=event.publisher.gateway,
                    pseudonymiser=pseudonymiser,
                )
                for event in chunk
            )
            for event, place in zip(chunk, places, strict=True):
                where = {"topic": place.topic, "partition": place.partition, "offset": place.offset}
                emit({"eventId": event.event_id, **where})
            flush()
            if len(ready) > PROGRESS_EVERY:
                say(f"published {start + len(chunk)} of {len(ready)} events")


@contextlib.contextmanager
def _lines(source: str) -> Iterator[tuple[str, Iterable[str]]]:
    """Name and lines of the input. Bytes that are not UTF-8 come through as surrogates, for the check to name."""
    with contextlib.ExitStack() as stack:
        if source == "-":
            # Whatever the locale says, events are UTF-8.
            yield "stdin", io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape")
            return
        try:
            file = stack.enter_context(Path(source).open(encoding="utf-8-sig", errors="surrogateescape"))
        except OSError as error:
            raise BadUsage(f"`{source}` cannot be read: {error.strerror}") from None
        yield source, file
