"""Files of suppliers on a running exchange: what is dropped arrives, once; what is refused can be mended."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from tests.integration.live_exchange import LiveExchange
from tests.unit.files.support import SAMPLES

SCHOOL = ("--mapping", "school-attendance-exclusions", "--agency", "oakfield-primary")


def school_file(path: Path, tag: str, **changes: str) -> Path:
    """The sample with record ids of the test's own, and columns of its first record changed."""
    with (SAMPLES / "school-attendance-exclusions.csv").open(encoding="windows-1252", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0].update(changes)
    with path.open("w", encoding="windows-1252", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "Record Id": f"{tag}-{row['Record Id']}"} for row in rows)
    return path


def imported(live: LiveExchange, file: Path, *more: str, status: int = 0) -> dict[str, Any]:
    """`masa files import FILE --json`."""
    done = live.masa("files", "import", str(file), *SCHOOL, "--json", *more)
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def published_ids(report: str) -> list[str]:
    with Path(report).open() as file:
        return [row["event id"] for row in csv.DictReader(file) if row["result"] == "published"]


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in ("published", "unchanged", "skipped", "refused"))


def test_records_of_a_file_reach_the_ledger_once(live: LiveExchange, tmp_path: Path) -> None:
    """Imported, imported again, changed, and mended: each version of each record is one event of the school."""
    first = imported(live, school_file(tmp_path / "monday.csv", "W1"))
    assert counts(first) == (4, 0, 1, 0)
    ids = published_ids(first["report"])
    live.in_the_ledger(ids)
    (shown,) = live.answers("ledger", "show", ids[0], "--json")
    assert (shown["eventType"], shown["source"]) == ("education.absence-concern", "oakfield-primary")
    assert [outcome for outcome in shown["outcomes"] if outcome["outcome"] == "DELIVERED"]

    changed = school_file(tmp_path / "tuesday.csv", "W1", Sessions="22", DOB="30/02/2020")
    refused = imported(live, changed, status=1)
    assert counts(refused) == (0, 3, 1, 1)
    mended = Path(refused["refusedFile"])
    mended.write_bytes(mended.read_bytes().replace(b"30/02/2020", b"28/02/2020"))
    last = imported(live, mended)
    assert counts(last) == (1, 0, 0, 0)
    assert set(published_ids(last["report"])).isdisjoint(ids)
    live.in_the_ledger(published_ids(last["report"]))


def test_a_drop_folder_is_emptied(live: LiveExchange, tmp_path: Path) -> None:
    """Files of two kinds of trouble and of none: imported, refused as a whole, and left alone."""
    school_file(tmp_path / "good.csv", "W2")
    (tmp_path / "wrong.csv").write_text("Name,Date\nx,y\n")
    (tmp_path / "unfinished.csv.part").write_text("x")
    (tmp_path / "other.xml").write_text("<x/>")
    done = live.masa("files", "watch", str(tmp_path), *SCHOOL, "--once")
    assert done.returncode == 0, done.stderr
    lines = {line["file"].split(".")[0]: line for line in map(json.loads, done.stdout.splitlines())}
    assert counts(lines["good"]) == (4, 0, 1, 0)
    assert "has no column" in lines["wrong"]["problem"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["other.xml", "unfinished.csv.part"]
    (report,) = (tmp_path / "reports").glob("good.*.report.csv")
    live.in_the_ledger(published_ids(str(report)))
    assert len(list((tmp_path / "quarantine").glob("wrong.*"))) == 2
    assert list((tmp_path / ".taken").iterdir()) == []


def test_an_agency_that_does_not_exist_publishes_nothing(live: LiveExchange, tmp_path: Path) -> None:
    """The rule set in force says who there is; a near name is offered."""
    file = school_file(tmp_path / "x.csv", "W3")
    done = live.masa("files", "import", str(file), "--mapping", SCHOOL[1], "--agency", "oakfeld-primary")
    assert done.returncode == 1
    assert "did you mean `oakfield-primary`" in done.stderr
    dry = imported(live, file, "--dry-run")
    assert counts(dry) == (4, 0, 1, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv"]
