"""`masa calendar`: an area's days, and when a clock ends."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.runtime import AreaDir, AsJson, BadUsage, Exit, default_area, emit, now_ms, say, today

if TYPE_CHECKING:
    from streams.policy.calendar_days import Calendar

app = typer.Typer(no_args_is_help=True, help="Terms, holidays and deadlines of an area.")

AtDay = Annotated[
    datetime | None, typer.Option("--at", metavar="DAY", formats=["%Y-%m-%d"], help="As of this day. Default: today.")
]
Agency = Annotated[
    str | None, typer.Option("--agency", help="Whose days: a school may have its own. Default: the area's.")
]


@app.command()
def check(area: AreaDir = None, at: AtDay = None, as_json: AsJson = False) -> None:
    """Check an area's terms, inset days and bank holidays, and those of schools that have their own.

    Finds what makes deadlines wrong without keeping the rules from compiling: terms that overlap or leave a hole, days
    that are no school days, English bank holidays that are missing, a last term that is less than a year away. Exit
    status 1 when anything is found.

    [bold]Examples[/bold]

    \b
      masa calendar check deploy/areas/northshire
      masa calendar check --at 2029-01-15 --json      # are there terms enough, two years from now?
    """
    from streams.policy.calendar_checks import calendar_problems
    from streams.policy.load import english_bank_holidays, load_area

    folder = _folder(area)
    day = today() if at is None else at.date()
    found = load_area(folder, today())
    problems = calendar_problems(found, day, english_bank_holidays(found.spec))
    for problem in problems:
        if as_json:
            emit({name: getattr(problem, name) for name in problem.__dataclass_fields__})
        else:
            typer.echo(str(problem))
    if problems:
        raise typer.Exit(Exit.NO)
    say(f"{found.spec.area}: {len(found.spec.school_terms)} terms, nothing odd")


@app.command()
def due(
    clock: Annotated[str, typer.Argument(metavar="CLOCK", help="Such as NEXT_SCHOOL_DAY, 1WD, 5SD, PT4H.")],
    at: Annotated[str | None, typer.Option("--at", metavar="INSTANT", help="Since when. Default: now.")] = None,
    agency: Agency = None,
    area: AreaDir = None,
    as_json: AsJson = False,
) -> None:
    """Say when a clock ends that starts at an instant: what a delivery's deadline to acknowledge would be.

    Bank holidays, terms, inset days, a school's own days and the night the clocks change are counted. An instant
    without a zone is London's. Exit status 1 when it never ends: there is no such day in the terms known.

    [bold]Examples[/bold]

    \b
      masa calendar due NEXT_SCHOOL_DAY --at 2026-10-23T16:30          # the Friday before half term
      masa calendar due 5SD --at 2026-11-24T10:00 --agency kingsmere-academy
      masa calendar due 1WD --at 2026-12-24T12:00 --json
    """
    from streams.policy.clocks import LONDON, ack_by
    from streams.policy.facts import EpochMillis
    from streams.policy.words import Clock

    if clock not in list(Clock):
        raise BadUsage(f"`{clock}` is no clock: one of {', '.join(Clock)}")
    since = now_ms() if at is None else _instant(at)
    until = ack_by(clock, EpochMillis(since), _days(_folder(area), agency))
    shown: dict[str, Any] = {"clock": clock, "agency": agency, "since": _shown(since), "until": _shown(until)}
    if as_json:
        emit(shown)
    elif until is None:
        typer.echo(f"{clock} from {shown['since']}: never ends")
    else:
        moment = datetime.fromtimestamp(until / 1000, LONDON)
        typer.echo(f"{clock} from {shown['since']}: {moment:%A} {shown['until']}")
    if until is None and clock != Clock.NONE:
        raise typer.Exit(Exit.NO)


def _folder(area: Path | None) -> Path:
    folder = area or default_area()
    if not (folder / "area.yaml").is_file():
        raise BadUsage(f"`{folder}` is not an area folder: it has no area.yaml")
    return folder


def _instant(text: str) -> int:
    from streams.policy.clocks import LONDON

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadUsage(f"--at: `{text}` is no instant; write it as `2026-10-23T16:30`") from error
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=LONDON)
    return round(zoned.timestamp() * 1000)


def _shown(at: int | None) -> str | None:
    from streams.policy.clocks import LONDON

    return None if at is None else datetime.fromtimestamp(at / 1000, LONDON).isoformat(timespec="minutes")


def _days(folder: Path, agency: str | None) -> Calendar:
    from schemas.registry import load_event_types
    from streams.policy.artefact import compile_areas
    from streams.policy.build import build_calendars, build_school_calendars
    from streams.policy.facts import AgencyId, AreaId
    from streams.policy.load import load_areas

    document = compile_areas(load_areas(folder, today()), load_event_types(), today()).document()
    areas = build_calendars(document)
    home = {entry["id"]: entry["area"] for entry in document["agencies"]}
    if agency is None:
        return areas[AreaId(folder.resolve().name)]
    if agency not in home:
        raise BadUsage(f"there is no agency `{agency}` in these areas")
    return build_school_calendars(document, areas).get(AgencyId(agency), areas[AreaId(home[agency])])
