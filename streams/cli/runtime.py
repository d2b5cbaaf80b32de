"""What every command shares: the environment, the clock, output, options and exit statuses.

The composition root: the only place where environment variables and the system clock are read. Results go
to standard output, one JSON object a line with `--json`; everything said to a person beside the result goes
to standard error.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.dates import iso_instant

if TYPE_CHECKING:
    from rich.console import Console

    from connectors.settings import Settings
    from connectors.telemetry import Telemetry
    from schemas.acceleration import Acceleration
    from schemas.registry import EventType, EventTypes

PIPED_WIDTH = 200  # columns of a table that is not shown on a terminal
DEFAULT_AREA = "northshire"
VERSION = "0.1.0"


class Exit(IntEnum):
    """Exit statuses of every command."""

    OK = 0
    NO = 1  # the answer is no: invalid, refused, differs
    USAGE = 2
    ENVIRONMENT = 3  # broker, database or a program is missing or unreachable


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """The answer is no. `str()` is what the person reads, possibly many lines."""


class BadUsage(Exception):  # noqa: N818 - as above
    """An argument cannot be right. `str()` says which and what would be."""


class ReaderGone(Exception):  # noqa: N818 - as above
    """Whoever read our standard output has left, as `head` does. Nothing more needs to be said."""


DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        envvar="MASA_DATA_DIR",
        help="Directory of the running exchange, the one given to `masa up`.",
        show_default=True,
    ),
]
DEFAULT_DATA_DIR = Path(".masa")
AreaDir = Annotated[
    Path | None, typer.Argument(metavar="[AREA_DIR]", help="Area folder. Default: deploy/areas/northshire.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output, one object a line.")]
MetricsPort = Annotated[
    int | None, typer.Option("--metrics-port", help="Serve /metrics and /health on this port of 127.0.0.1.")
]


def environment() -> Mapping[str, str]:
    """The process's environment variables."""
    return os.environ


def compiled_modules() -> Acceleration:
    """The compiled modules, unless MASA_PURE_PYTHON is set: then the plain ones do their work."""
    from schemas.acceleration import acceleration

    return acceleration(wanted=not environment().get("MASA_PURE_PYTHON"))


def now_ms() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def unix_seconds() -> float:
    """Seconds since the epoch, UTC; the clock that telemetry is given."""
    return time.time()


def monotonic() -> float:
    """Seconds of a clock that never goes back."""
    return time.monotonic()


def today() -> date:
    """Today's date in UTC."""
    return datetime.now(UTC).date()


def random_bits(count: int) -> int:
    """Unpredictable bits, for identifiers."""
    return secrets.randbits(count)


def instant(milliseconds: int | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as everywhere on the wire."""
    if milliseconds is None:
        return None
    return iso_instant(milliseconds)


def emit(value: object) -> None:
    """One line of JSON on standard output. Raises ReaderGone."""
    write(json.dumps(value, ensure_ascii=False) + "\n")


def emit_pretty(value: object) -> None:
    """JSON for people to read and edit, on standard output. Raises ReaderGone."""
    write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write(text: str) -> None:
    """Text on standard output. Raises ReaderGone."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise ReaderGone from None


def flush() -> None:
    """Let a reader at the other end of a pipe see what was written so far. Raises ReaderGone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGone from None


def say(text: str) -> None:
    """A line for people, on standard error."""
    typer.echo(text, err=True)


def console() -> Console:
    """Where tables and other results for people go: standard output."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(highlight=False, width=width)


def table(title: str | None, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A result for people as a table; plain text when standard output is not a terminal."""
    from rich import box
    from rich.table import Table

    shown = Table(*columns, title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for row in rows:
        shown.add_row(*row)
    console().print(shown)


def settings(data_dir: Path) -> Settings:
    """Settings of the running exchange; see connectors.settings."""
    from connectors.settings import Settings

    return Settings.load(data_dir, environment())


def make_telemetry(process: str) -> Telemetry:
    """Telemetry of this process, with its log lines as JSON on standard error."""
    from connectors.json_log import configure
    from connectors.telemetry import Telemetry

    configure(sys.stderr, level=environment().get("MASA_LOG_LEVEL", "INFO"), process=process)
    telemetry = Telemetry(process=process, clock=unix_seconds)
    telemetry.process_started(version=VERSION)
    return telemetry


def event_type_named(name: str) -> tuple[EventTypes, EventType]:
    """The catalogue and one type of it; BadUsage with the nearest names when there is no such type."""
    from difflib import get_close_matches

    from schemas.registry import load_event_types

    types = load_event_types()
    found = types.get(name)
    if found is None:
        near = get_close_matches(name, list(types), n=3)
        hint = f": did you mean {' or '.join(f'`{n}`' for n in near)}?" if near else ": see `masa schemas list`"
        raise BadUsage(f"no event type `{name}`{hint}")
    return types, found


def default_area() -> Path:
    """The main area's folder: below the current directory, else in the repository this runs from."""
    below = Path("deploy") / "areas" / DEFAULT_AREA
    return below if below.is_dir() else Path(__file__).resolve().parents[2] / below
