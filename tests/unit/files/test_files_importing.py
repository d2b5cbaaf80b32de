"""A file imported: what is written beside it, and what is left of an import that died at any of its steps."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.client.interface import EventRefused, Problem, Sent
from connectors.errors import RetryLater
from connectors.files import importer
from connectors.files.client_sink import ClientSink
from connectors.files.importer import Refusals
from connectors.files.journal import Counts, Journal, Written
from connectors.files.outputs import OutputPaths, Outputs
from connectors.files.prepare import Ready
from connectors.files.records import FileInvalid, Position
from connectors.files.service import JOURNAL, Checks, FileService
from schemas.json_form import from_json
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from tests.unit.files.support import KEY, NOW, POLICE, SAMPLES, SCHOOL, checked, shipped, vouched

ROWS = 23
BAD = (4, 11, 12, 22)  # records that cannot be published


class Dies(Exception):  # noqa: N818
    """As a power cut would."""


class Door:
    """Keeps what was published; dies, or is away, at a call of the test's choice."""

    def __init__(self) -> None:
        self.published: list[Ready] = []
        self.calls = 0
        self.fails: dict[int, Exception] = {}

    def publish(self, events: Sequence[Ready]) -> Refusals:
        self.calls += 1
        half = len(events) // 2
        if failure := self.fails.get(self.calls):
            self.published.extend(events[:half])  # some of it got through
            raise failure
        self.published.extend(events)
        return {}


class Desk:
    """A service with a folder of the test's own."""

    def __init__(self, tmp_path: Path, mapping: str = "encompass-police") -> None:
        self.folder, self.door = tmp_path, Door()
        self.outputs = OutputPaths(tmp_path / "refused", tmp_path / "reasons", tmp_path / "report")
        self.service = FileService(
            mapping=shipped(mapping),
            agency=POLICE if mapping == "encompass-police" else SCHOOL,
            types=load_event_types(),
            pseudonymiser=Pseudonymiser(KEY),
            checks=lambda now: Checks(vouched, checked),
            state=tmp_path / "state",
        )

    def take(self, file: Path, **more: Any) -> Any:
        return self.service.take(file, self.outputs, self.door, now_ms=NOW, **more)

    def report(self) -> list[dict[str, str]]:
        return list(csv.DictReader(self.outputs.report.open()))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small file has many of them."""
    monkeypatch.setattr(importer, "BATCH_RECORDS", 5)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def export(path: Path, rows: int = ROWS, bad: Sequence[int] = BAD, line_end: str = "\r\n") -> Path:
    """A police export; the child's date of birth is wrong in the records named (from 1)."""
    source = csv.DictReader((SAMPLES / "encompass-police.csv").open(encoding="utf-8-sig"))
    first = next(source)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(first), lineterminator=line_end)
        writer.writeheader()
        for number in range(1, rows + 1):
            born = "32/01/2015" if number in bad else first["Child DOB"]
            writer.writerow(first | {"Occurrence No": f"NS/{number}", "Child DOB": born})
    return path


def test_everything_has_its_line_and_refused_records_keep_their_bytes(desk: Desk) -> None:
    """The report tells each record, the quarantine file is the header and the refused lines as they were."""
    file = export(desk.folder / "export.csv")
    taken = desk.take(file)
    assert taken.counts == Counts(published=ROWS - len(BAD), refused=len(BAD))
    lines = file.read_bytes().splitlines(keepends=True)
    assert desk.outputs.refused.read_bytes() == b"".join([lines[0], *(lines[number] for number in BAD)])
    report = desk.report()
    assert [int(row["record"]) for row in report] == list(range(1, ROWS + 1))
    assert [row["event id"] for row in report if row["result"] == "published"] == [
        event.event_id for event in desk.door.published
    ]
    reasons = list(csv.DictReader(desk.outputs.reasons.open()))
    assert [(int(row["line"]), row["columns"]) for row in reasons] == [(number + 1, "Child DOB") for number in BAD]
    said = desk.outputs.report.read_text() + desk.outputs.reasons.read_text()
    assert "32/01/2015" not in said
    assert "Ellery" not in said


def test_a_mended_quarantine_file_is_imported_and_the_rest_is_not_again(desk: Desk) -> None:
    """The quarantine file is a file; what was published stays published once."""
    file = export(desk.folder / "export.csv")
    desk.take(file)
    mended = desk.folder / "mended.csv"
    mended.write_bytes(desk.outputs.refused.read_bytes().replace(b"32/01/2015", b"31/01/2015"))
    assert desk.take(mended).counts == Counts(published=len(BAD))
    assert desk.take(export(desk.folder / "whole.csv", bad=())).counts == Counts(unchanged=ROWS - 4, published=4)


def test_the_very_same_file_is_not_read_twice(desk: Desk) -> None:
    """Unless a record of it was refused: that one may be acceptable by now."""
    sound, unsound = export(desk.folder / "a.csv", bad=()), export(desk.folder / "b.csv")
    assert not desk.take(sound).before
    assert desk.take(sound).before
    desk.take(unsound)
    again = desk.take(unsound)
    assert (again.before, again.counts) == (False, Counts(unchanged=ROWS - len(BAD), refused=len(BAD)))
    assert len(desk.door.published) == ROWS


@pytest.mark.parametrize("step", ["publish", "write", "note"])
@pytest.mark.parametrize("batch", range(1, 7))
def test_an_import_that_died_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, batch: int
) -> None:
    """At whichever step of whichever batch: the same events with the same bytes, nothing lost, nothing told twice."""
    whole, desk = Desk(tmp_path / "whole"), Desk(tmp_path / "died")
    for each in (whole, desk):
        each.folder.mkdir()
    file = export(tmp_path / "export.csv")
    whole.take(file)
    with monkeypatch.context() as patch:
        _die(patch, desk, step, batch)
        with pytest.raises(Dies):
            desk.take(file)
    assert desk.take(file).counts == Counts(published=ROWS - len(BAD), refused=len(BAD))
    assert set(desk.door.published) == set(whole.door.published)
    again = Counter(event.event_id for event in desk.door.published)
    assert sum(again.values()) - len(again) <= 5, "at most one batch was published again"
    for mine, other in zip(desk.outputs, whole.outputs, strict=True):
        assert mine.read_bytes() == other.read_bytes()


def _die(patch: pytest.MonkeyPatch, desk: Desk, step: str, batch: int) -> None:
    if step == "publish":
        desk.door.fails = {batch: Dies()} if batch < 6 else {5: Dies()}  # there are five batches
        return
    owner: type = Outputs if step == "write" else Journal
    name = "flush" if step == "write" else "advance"
    plain, calls = getattr(owner, name), iter(range(1, 100))

    def dying(self: Any, *given: Any, **more: Any) -> Any:
        if next(calls) == batch:
            raise Dies
        return plain(self, *given, **more)

    patch.setattr(owner, name, dying)


def test_a_door_that_is_away_leaves_the_file_where_it_was(desk: Desk) -> None:
    """The caller tries again later; what got through is recognised by its id."""
    file = export(desk.folder / "export.csv")
    desk.door.fails = {2: RetryLater("away"), 3: RetryLater("away")}
    for _ in range(2):
        with pytest.raises(RetryLater):
            desk.take(file)
    assert desk.take(file).counts == Counts(published=ROWS - len(BAD), refused=len(BAD))


class Client:
    """A client of an agency (`connectors.client.interface.Publisher`) whose door refuses some events."""

    def __init__(self, refuses: str) -> None:
        self._refuses = refuses
        self.sent: list[Mapping[str, Any]] = []

    def publish_all(self, events: Iterable[Mapping[str, Any]]) -> list[Sent | EventRefused]:
        answers: list[Sent | EventRefused] = []
        for event in events:
            envelope = event["envelope"]
            if self._refuses in envelope["sourceRef"]:
                answers.append(EventRefused("no", [Problem("/envelope/area/gss", "IDENTIFIER", "another one")]))
            else:
                self.sent.append(event)
                answers.append(Sent(envelope["eventId"], "gateway.outbox", 0, len(self.sent), False))
        return answers


def test_what_another_door_refuses_goes_into_quarantine_too(desk: Desk) -> None:
    """Over an agency's client: valid events arrive in JSON form, a refused one was never a version."""
    file = export(desk.folder / "export.csv", rows=8, bad=())
    client = Client("NS/3/")
    desk.door = ClientSink(client)  # type: ignore[assignment, arg-type]
    assert desk.take(file).counts == Counts(published=7, refused=1)
    (reason,) = csv.DictReader(desk.outputs.reasons.open())
    assert (reason["record"], reason["field"], reason["what would be right"]) == (
        "3",
        "envelope.area.gss",
        "another one",
    )
    assert check_forms(client.sent)
    desk.door = ClientSink(Client("none"))  # type: ignore[assignment, arg-type]
    assert desk.take(file).counts == Counts(published=1, unchanged=7), "acceptable by now, as its first version"


def check_forms(documents: Sequence[Mapping[str, Any]]) -> bool:
    types = load_event_types()
    data = [(kind := types[each["envelope"]["eventType"]], from_json(kind, dict(each))) for each in documents]
    return bool(data) and not any(checked(kind, datum) for kind, datum in data)


def test_an_import_can_be_stopped_and_gone_on_with(desk: Desk) -> None:
    """Between two batches; the next call does the rest."""
    file = export(desk.folder / "export.csv", bad=())
    answers = iter([False, False, True])
    assert desk.take(file, stopped=lambda: next(answers)).counts is None
    assert len(desk.door.published) == 10
    assert desk.take(file).counts == Counts(published=ROWS)
    assert len(desk.door.published) == ROWS


def test_a_rehearsal_says_what_an_import_would_do_and_does_nothing(desk: Desk) -> None:
    """Same counts, with the journal heeded; nothing published, nothing noted, nothing written."""
    export(desk.folder / "a.csv", rows=5, bad=())
    desk.take(desk.folder / "a.csv")
    desk.outputs.report.unlink()
    file = export(desk.folder / "b.csv")
    for _ in range(2):
        taken = desk.service.rehearse(file, lambda batch, offset: None, now_ms=NOW)
        assert taken.counts == Counts(published=ROWS - len(BAD) - 4, unchanged=4, refused=len(BAD))
    assert len(desk.door.published) == 5
    assert not desk.outputs.report.exists()


def test_quarantine_of_a_document_is_a_document(tmp_path: Path) -> None:
    """Refused elements of XML stand between the same head and tail as in the original."""
    desk = Desk(tmp_path, "dfe-ctf-24")
    text = (SAMPLES / "dfe-ctf-24-leavers.xml").read_text()
    bad = tmp_path / "bad.xml"
    bad.write_text(text.replace("<DOB>2020-03-30</DOB>", "<DOB>2020-13-30</DOB>"))
    assert desk.take(bad).counts == Counts(published=1, refused=1)
    mended = tmp_path / "mended.xml"
    mended.write_text(desk.outputs.refused.read_text().replace("2020-13-30", "2020-03-30"))
    assert desk.take(mended).counts == Counts(published=1)


def test_a_file_that_cannot_be_read_at_all_publishes_nothing(desk: Desk) -> None:
    """Wrong columns: the caller is told, and nothing is written."""
    file = desk.folder / "wrong.csv"
    file.write_text("Name,DOB\nx,y\n")
    with pytest.raises(FileInvalid):
        desk.take(file)
    assert desk.door.calls == 0
    assert not desk.outputs.report.exists()


def test_the_journal_holds_nothing_of_a_child(desk: Desk) -> None:
    """Pseudonyms, digests and counts only: no name, number or reference can be read from it."""
    desk.take(export(desk.folder / "export.csv"))
    held = b"".join(path.read_bytes() for path in (desk.folder / "state").iterdir())
    assert b"police.domestic-abuse-incident" in held, "it is looked at where there is something"
    assert not [word for word in (b"NS/", b"NS-P", b"Ellery", b"Maya", b"999000") if word in held]


def test_a_journal_knows_how_far_a_file_was_read(tmp_path: Path) -> None:
    """What was noted is there for the next process; a forgotten file begins anew."""
    with Journal(tmp_path / JOURNAL) as journal:
        assert journal.progress(b"f") is None
        assert journal.begin(b"f", 7).position is None
        journal.advance(b"f", {}, Position(10, 2, 1), Counts(published=1), Written(1, 2, 3))
    with Journal(tmp_path / JOURNAL) as journal:
        assert journal.begin(b"f", 99) == (7, False, (10, 2, 1), (1, 0, 0, 0), (1, 2, 3))
        journal.forget(b"f")
        assert journal.progress(b"f") is None
