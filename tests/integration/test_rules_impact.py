"""Rules rehearsed on the traffic of a running exchange."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.kafka import topics
from schemas.codec import decode_record
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.cli.areas import compile_area
from streams.cli.runtime import settings
from streams.policy.artefact import Artefact
from streams.rehearsal.cells import Cell, Kind, Tally
from streams.rehearsal.past import DECIDING
from streams.rehearsal.rehearse import Period
from streams.rehearsal.report import as_json, report
from streams.rehearsal.stream import Task, rehearse_stream
from tests.integration.live_exchange import LiveExchange
from tests.integration.masa_command import NORTHSHIRE
from tests.rehearsed import plainly
from tests.support import wait_for

pytestmark = pytest.mark.integration

EVENTS = 60


class Past(NamedTuple):
    """Traffic of this test's own, and a folder whose rules would have treated it otherwise."""

    period: Period
    values: list[bytes]  # its audit records in which something was decided
    folder: Path


@pytest.fixture(scope="module")
def past(live: LiveExchange, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Simulated traffic, decided; the period holds nothing else."""
    since = time.time_ns() // 1_000_000
    (made,) = live.answers("simulate", "--events", str(EVENTS), "--seed", "11", "--bad", "0")
    period = Period(since, None)
    found: list[bytes] = []

    def decided() -> bool:
        found[:] = [value for value, audit in audits(live) if period.holds(audit["decidedAt"])]
        return len(found) >= made["records"]

    wait_for(decided, 120, what="the decisions about the simulated events")
    until = max(decode_record("audit", value)["decidedAt"] for value in found) + 1
    values = [value for value in found if decode_record("audit", value)["kind"] in DECIDING]
    areas = tmp_path_factory.mktemp("proposed") / "areas"
    shutil.copytree(NORTHSHIRE.parent, areas)
    return Past(Period(since, until), values, stricter(areas / "northshire"))


def audits(live: LiveExchange) -> list[tuple[bytes, dict[str, Any]]]:
    values = [record.value or b"" for record in live.records([topics.AUDIT])]
    return [(value, decode_record("audit", value)) for value in values]


def stricter(folder: Path) -> Path:
    """Other clocks everywhere, and the first rule of each file speaks no more."""
    for file in (folder / "rules").glob("*.yaml"):
        text = file.read_text().replace("clock: 1WD", "clock: PT4H")
        file.write_text(text.replace("    gateways:", "    validUntil: 2026-10-01\n    gateways:", 1))
    return folder


def task(live: LiveExchange, artefact: Artefact, period: Period) -> Task:
    found = settings(live.data_dir)
    return Task(found.kafka(), artefact, found.pseudonym_key(), None, period)


def counts(tally: Tally) -> Counter[Cell]:
    return Counter({cell: counted.count for cell, counted in tally.cells.items()})


def test_impact_equals_deciding_each_event_anew_with_the_reference(live: LiveExchange, past: Past) -> None:
    """Real traffic, real rules: every count, and the number of events that would have been different."""
    artefact = compile_area(past.folder).artefact
    locator = Pseudonymiser(settings(live.data_dir).pseudonym_key()).locator
    tally = rehearse_stream(task(live, artefact, past.period), workers=1, progress=lambda done, total: None)
    expected, changed = plainly(past.values, artefact, load_event_types(), locator, None)
    assert counts(tally) == expected
    assert (tally.decisions, tally.changed) == (len(past.values), changed)
    kinds = {cell.kind for cell in expected}
    assert {Kind.LOST, Kind.OUTCOME, Kind.CLOCK} <= kinds, "the proposed rules change too little to prove much"


def test_any_number_of_workers_finds_the_same(live: LiveExchange, past: Past) -> None:
    """Processes of their own, partitions cut between them, examples included."""
    wanted = task(live, compile_area(past.folder).artefact, past.period)
    told: list[int] = []
    one = rehearse_stream(wanted, workers=1, progress=lambda done, total: told.append(total))
    two = rehearse_stream(wanted, workers=2, alone=0, progress=lambda done, total: told.append(total))
    assert as_json(report(two)) == as_json(report(one))


def test_the_rules_in_force_change_nothing(live: LiveExchange, past: Past) -> None:
    """Each event decided again as of its own time under the rule set that decided it is as it was."""
    since, until = iso(past.period.since), iso(past.period.until)
    done = live.call("rules", "impact", "active", "--since", since, "--until", until, "--at", "then")
    assert done.exit_code == 0, done.stderr
    assert f"{len(past.values)} decisions" in done.stdout
    assert "nothing would have been different" in done.stdout


def test_a_time_without_decisions_is_no_failure(live: LiveExchange) -> None:
    """Nothing to read, nothing to say, status 0; the wrong way round is a mistake."""
    (told,) = live.answers("rules", "impact", "active", "--since", "2099-01-01", "--json")
    assert (told["records"], told["decisions"], told["changed"]) == (0, 0, 0)
    assert live.masa("rules", "impact", "active", "--since", "1d", "--until", "2d").returncode == 2


def test_the_command_says_what_would_be_lost_and_hides_small_numbers(live: LiveExchange, past: Past) -> None:
    """The table has types, roles, classes and examples; suppressed, no example and no small count is left."""
    when = ("--since", iso(past.period.since), "--until", iso(past.period.until), "--at", "then")
    done = live.call("rules", "impact", str(past.folder), *when)
    assert done.exit_code == 0, done.stderr
    assert {"Lost disclosures", "Outcomes of recipients", "Clocks"} <= {
        line.strip() for line in done.stdout.splitlines()
    }
    (shown,) = live.answers("rules", "impact", str(past.folder), *when, "--json")
    known = {decode_record("audit", value)["eventId"] for value in past.values}
    assert {event for row in shown["lost"] for event in row["examples"]} <= known
    assert all(row["examples"] and row["fields"] for row in shown["lost"])
    (hidden,) = live.answers("rules", "impact", str(past.folder), *when, "--suppress", "1000", "--json")
    assert {row["count"] for row in hidden["lost"]} == {"<1000"}
    assert (hidden["changed"], hidden["complete"], hidden["lostDeliveries"]) == (None, False, 0)
    assert not any(event in str(hidden) for event in known)


def iso(millis: int | None) -> str:
    from streams.cli.runtime import instant

    return instant(millis) or ""
