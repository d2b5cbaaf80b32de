"""`masa calendar`: an area's days looked at, and a clock's end told."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from streams.cli.calendar import app
from streams.cli.runtime import BadUsage
from tests.unit.cli.test_cli_rules_check import NORTHSHIRE

AREA = str(NORTHSHIRE)
EASTMARCH = str(NORTHSHIRE.parent / "eastmarch")


@pytest.mark.parametrize("area", [AREA, EASTMARCH])
def test_the_shipped_areas_have_sound_calendars(area: str) -> None:
    """Nothing overlaps, nothing is missing, and the terms go on for years."""
    done = CliRunner().invoke(app, ["check", area, "--at", "2026-11-24"])
    assert (done.exit_code, done.stdout) == (0, "")


def test_an_end_in_sight_is_the_answer_no() -> None:
    """A year before the last term ends, somebody should add more; the file and the line are named."""
    done = CliRunner().invoke(app, ["check", AREA, "--at", "2029-02-01", "--json"])
    assert done.exit_code == 1
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {each["file"] for each in found} == {"northshire/area.yaml", "northshire/follow-up.yaml"}
    assert all("the last term known ends on" in each["message"] for each in found)


def test_a_deadline_is_told_in_londons_time() -> None:
    """An instant without a zone is London's; so is the answer, with its offset."""
    asked = ["due", "NEXT_SCHOOL_DAY", "--at", "2026-10-23T16:30", AREA]
    assert "Tuesday 2026-11-03T08:00+00:00" in CliRunner().invoke(app, asked).stdout
    told = json.loads(CliRunner().invoke(app, [*asked, "--agency", "hallam-house-school", "--json"]).stdout)
    assert told["since"] == "2026-10-23T16:30+01:00"
    assert told["until"] == "2026-11-03T08:00+00:00"


def test_a_clock_that_never_ends_is_the_answer_no() -> None:
    """Beyond the last term there is no school day; a clock that asks for nothing is in order."""
    asked = ["due", "5SD", "--at", "2029-10-19T12:00", AREA]
    done = CliRunner().invoke(app, asked)
    assert (done.exit_code, "never ends" in done.stdout) == (1, True)
    assert CliRunner().invoke(app, ["due", "NONE", AREA]).exit_code == 0


@pytest.mark.parametrize(
    "asked",
    [["due", "1WEEK"], ["due", "1WD", "--at", "yesterday"], ["due", "1WD", "--agency", "nobody"]],
)
def test_what_is_not_known_is_wrong_usage(asked: list[str]) -> None:
    """A clock, an instant or an agency that does not exist."""
    assert isinstance(CliRunner().invoke(app, [*asked, AREA]).exception, BadUsage)
