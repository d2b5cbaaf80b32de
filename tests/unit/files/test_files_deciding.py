"""What becomes of each record, and of the same record in the next file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from connectors.files.journal import Version
from connectors.files.prepare import OLDER, Batch, Outcome, Preparer, Ready, Refused, Unchanged
from connectors.files.records import Row
from schemas.errors import FieldProblem
from schemas.registry import EventType
from schemas.wire import Datum
from tests.unit.files.support import (
    POLICE,
    SAMPLES,
    SCHOOL,
    events,
    never,
    nothing_before,
    preparer,
    reader,
    shipped,
    vouched,
)

POLICE_ROW = next(csv.DictReader((SAMPLES / "encompass-police.csv").open(encoding="utf-8-sig")))
SCHOOL_ROW = next(csv.DictReader((SAMPLES / "school-attendance-exclusions.csv").open(encoding="windows-1252")))


class Supplier:
    """Writes records and has them decided, one file after the other."""

    def __init__(self, mapping: str = "encompass-police", vouch: object = vouched) -> None:
        agency = POLICE if mapping == "encompass-police" else SCHOOL
        self.row = POLICE_ROW if mapping == "encompass-police" else SCHOOL_ROW
        self.preparer: Preparer = preparer(shipped(mapping), agency, vouch)
        self.known: dict[bytes, Version] = {}

    def file(self, *changes: Mapping[str, str]) -> Batch:
        """A file with one record for each dict of changed columns."""
        out = io.StringIO()
        writer = csv.DictWriter(out, list(self.row))
        writer.writeheader()
        writer.writerows([{**self.row, **change} for change in changes])
        mapping = self.preparer.program.mapping
        read = reader(
            io.BytesIO(out.getvalue().encode(mapping.format.encoding)), mapping, self.preparer.program.sources
        )
        batch = self.preparer.batch(list(read.records()), self._versions, {})
        self.known.update(batch.versions)
        return batch

    def outcomes(self, *changes: Mapping[str, str]) -> list[Outcome]:
        return [outcome for _, outcome in self.file(*changes).outcomes]

    def _versions(self, keys: Sequence[bytes]) -> Mapping[bytes, Version]:
        return {key: self.known[key] for key in keys if key in self.known}


def test_a_record_is_published_once() -> None:
    """The same content again, in the same file or the next, is no event."""
    supplier = Supplier()
    first, again = supplier.outcomes({}, {})
    assert isinstance(first, Ready)
    assert again == Unchanged(1)
    assert supplier.outcomes({"Incident Postcode": "ZZ1 1ZZ"}) == [Unchanged(1)], "a column that nobody reads"


def test_a_changed_record_is_its_next_version() -> None:
    """Other content, other event, same source record; back again is a third version and not the first one's repeat."""
    supplier = Supplier()
    ids = []
    for sequence, grade in enumerate(("High", "Low?", "Medium", "High"), 1):
        batch = supplier.file({"Risk Grade": grade})
        if grade == "Low?":
            assert isinstance(batch.outcomes[0][1], Refused), "a refused version is no version"
            continue
        (event,) = events(batch)
        ids.append(event["envelope"]["eventId"])
        assert event["envelope"]["sequence"] == sequence - (sequence > 2)
        assert batch.events[0].key == supplier.preparer.pseudonymiser.record_key(
            POLICE.id, event["envelope"]["sourceRef"]
        )
    assert len(set(ids)) == 3


def test_an_old_file_does_not_undo_a_new_one() -> None:
    """A record that says when it was written is not replaced by one that was written before."""
    supplier = Supplier()
    supplier.file({"Recorded At": "15/09/2025 09:00:00"})
    assert supplier.outcomes({"Recorded At": "15/09/2025 08:00:00", "Risk Grade": "High"}) == [OLDER]
    assert isinstance(supplier.outcomes({"Recorded At": "15/09/2025 10:00:00"})[0], Ready)


def test_the_same_file_makes_the_same_events() -> None:
    """Whoever imports it, and however often it has to begin anew: same ids, same bytes."""
    changes = [{"Occurrence No": str(number)} for number in range(3)]
    assert Supplier().file(*changes).events == Supplier().file(*changes).events
    assert Supplier(vouch=never).file(*changes).events == Supplier().file(*changes).events


# columns changed -> columns blamed, start of what is wrong
MISTAKES: list[tuple[dict[str, str], tuple[str, ...], str]] = [
    ({"NHS Number": "123 456 7890"}, ("NHS Number",), "is not a valid nhs-number"),
    ({"Child DOB": "1/13/2015"}, ("Child DOB",), "is a day that does not exist"),
    ({"Child DOB": "2015-01-13"}, ("Child DOB",), "is not a day of the form expected"),
    ({"Child DOB": "13/01/1915"}, ("Child DOB",), "is not that of a child"),
    ({"Recorded At": "14/09/2099 01:00:00"}, ("Recorded At",), "is later than the file"),
    ({"Incident Date": ""}, ("Incident Date", "Incident Time"), "is not a time of the form expected"),
    ({"Recorded At": "01/09/2025 00:00:00"}, ("Recorded At",), "is before `envelope.occurredAt`"),
    ({"Circumstances": "Shouting; Swearing"}, ("Circumstances",), "is not in the list of codes"),
    ({"Location Type": "Moon"}, ("Location Type",), "is not in the list of codes"),
    ({"Parent Told": "Perhaps"}, ("Parent Told",), "is not in the list of codes"),
    ({"Suspect Unaware": "Perhaps"}, ("Suspect Unaware",), "says neither yes nor no"),
    ({"Previous 12m": "two"}, ("Previous 12m",), "is not a whole number"),
    ({"School URN": "99"}, ("School URN",), "is not a valid urn"),
    ({"School Match": ""}, ("School Match",), "is empty"),
    ({"Victim Relationship": "", "Victim Nominal": "X"}, ("Victim Relationship",), "is empty"),
    ({"Child Words": "x" * 1001}, ("Child Words",), "has 1001 characters"),
    ({"Address Marker": "REFUGE", "Child Words": "at SW1A 1AA"}, ("Child Words",), "has a postcode in it"),
    ({"Occurrence No": ""}, ("Occurrence No", "Child Nominal"), "is empty"),
    ({"Occurrence No": "x" * 101}, ("Occurrence No", "Child Nominal"), "is too long"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "columns", "message"), MISTAKES, ids=[" ".join(each[1]) + str(i) for i, each in enumerate(MISTAKES)]
)
def test_a_mistake_is_named_by_its_column_and_never_repeated(
    change: dict[str, str], columns: tuple[str, ...], message: str
) -> None:
    """What the supplier can act on: which column, what is wrong, what would be right; not what was there."""
    (outcome,) = Supplier().outcomes(change)
    assert isinstance(outcome, Refused)
    blamed = [problem for problem in outcome.problems if problem.columns == columns]
    assert [problem for problem in blamed if problem.message.startswith(message)], outcome.problems
    assert all(problem.expected for problem in outcome.problems)
    said = " ".join(map(str, outcome.problems))
    assert not [value for value in change.values() if len(value) > 2 and value in said]


def test_all_mistakes_of_a_record_are_told_at_once() -> None:
    """Nobody has to drop a file five times."""
    (outcome,) = Supplier().outcomes({"NHS Number": "1", "Child DOB": "x", "Location Type": "Moon"})
    assert isinstance(outcome, Refused)
    assert {problem.columns for problem in outcome.problems} == {("NHS Number",), ("Child DOB",), ("Location Type",)}


@pytest.mark.parametrize(
    ("change", "columns", "message"),
    [
        ({"School URN": "990002"}, ("School URN",), "names another agency"),
        ({"Recorded On": "19/09/2099"}, ("Recorded On",), "is in the future"),
        ({"Record Type": "DIN"}, ("Record Type", "Sessions"), "is no kind of record"),
        ({"Sessions": "many"}, ("Sessions",), "is not a whole number"),
    ],
)
def test_a_record_that_fits_no_case_is_refused(change: dict[str, str], columns: tuple[str, ...], message: str) -> None:
    """Another agency's record, an unknown kind, or a number that is none: never skipped in silence."""
    (outcome,) = Supplier("school-attendance-exclusions").outcomes(change)
    assert isinstance(outcome, Refused)
    assert (outcome.problems[0].columns, outcome.problems[0].message[: len(message)]) == (columns, message)


def test_sensitive_reasons_of_absence_stay_in_the_school() -> None:
    """Illness and religion become `AUTHORISED_NOT_STATED`, once (E-12)."""
    (event,) = events(Supplier("school-attendance-exclusions").file({"Codes": "I O M R"}))
    assert event["absenceCodes"] == ["AUTHORISED_NOT_STATED", "O_UNAUTHORISED"]


def test_what_is_being_published_counts_as_published() -> None:
    """Versions that are not in the journal yet are heeded."""
    supplier = Supplier()
    batch = supplier.file({})
    rows = [record for record, _ in batch.outcomes if isinstance(record, Row)]
    again = supplier.preparer.batch(rows, nothing_before, batch.versions)
    assert [outcome for _, outcome in again.outcomes] == [Unchanged(1)]


def test_no_record_can_stop_the_others() -> None:
    """What nobody foresaw is one refused record, without its content in what is said."""
    supplier = Supplier(vouch=never)
    plain = supplier.preparer.check

    def failing(event_type: EventType, datum: Datum) -> list[FieldProblem]:
        if datum["policeRef"] == "odd":
            raise ZeroDivisionError(datum)
        return plain(event_type, datum)

    supplier.preparer = replace(supplier.preparer, check=failing)
    first, odd, last = supplier.outcomes({}, {"Occurrence No": "odd"}, {"Occurrence No": "last"})
    assert isinstance(first, Ready)
    assert isinstance(last, Ready)
    assert isinstance(odd, Refused)
    assert odd.problems[0].message == "made the importer fail (ZeroDivisionError)"
