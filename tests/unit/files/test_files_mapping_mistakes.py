"""Mistakes in a mapping: each is found before a file is, at its line, with what would be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from tests.unit.files.support import MAPPINGS, SAMPLES

GOOD = (MAPPINGS / "encompass-police.yaml").read_text()

# what to write instead of what -> key blamed, part of the message, part of the suggestion
MISTAKES = [
    ("policeRef: Occurrence No", "policRef: Occurrence No", "events[0].fields.policRef", "has no field", "`policeRef`"),
    ("{const: SAFEGUARDING}", "{const: SAFEGARDING}", "fields.envelope.purpose.const", "is not a word", "SAFEGUARDING"),
    ("{const: UKGDPR}", "{const: ukgdpr}", "fields.envelope.dpRegime.const", "not written as in", "UKGDPR"),
    ("Heard: HEARD", "Heard: HERD", "fields.envelope.childVoice.howPresent.codes.Heard", "`HERD` is not a word", ""),
    ('day: "%d/%m/%Y"', 'day: "%d/%m/%y"', "fields.envelope.child.dateOfBirth.day", "`%y` is not known here", ""),
    (', day: "%d/%m/%Y"}', "}", "fields.envelope.child.dateOfBirth", "its form is not given", "day:"),
    ("{const: REPORTED}", "{}", "fields.envelope.assertionBasis", "is not mapped, and is never empty", "`from`"),
    ("  envelope.urgency: {const: URGENT}\n", "", "fields", "`envelope.urgency` is not mapped", "`const`"),
    ("envelope.sourceSystem", "envelope.eventId", "fields.envelope.eventId", "is set by the exchange", "leave it out"),
    ("{const: [DOMESTIC_ABUSE]}", "{const: [7]}", "fields.envelope.concerns.const", "does not fit the field", "a word"),
    ("restricted: {const: false}", "restricted: {const: 1}", "fields.envelope.handling.restricted.const", "does", ""),
    ('yes: ["Y", "Yes"], no: ["N", "No"]}', 'yes: ["Y"]}', "fields.envelope.childVoice.spokenTo", "neither", "yes"),
    ("type: police.domestic", "type: polic.domestic", "events[0].type", "there is no event type", "police.domestic"),
    ("ignored: [Incident Address", "ignored: [LA Code", "ignored[0]", "`LA Code` is read", "keep one"),
    ("optional: [Child Words", "optional: [Child Wrds", "optional[0]", "no field reads", "leave it out"),
    ("{kind: csv,", "{kind: cvs,", "format.kind", "`cvs` is not known here", "csv"),
    ("{kind: csv,", "{kind: csv, records: x,", "format.records", "has no path of records", ""),
    ("title:", "titel:", "titel", "unknown key", "`title`"),
    ("version: 1", "version: 0", "version", "", ""),
    ("ref: Victim Nominal", "reff: Victim Nominal", "fields.envelope.relatedPersons[0].reff", "has no field", "`ref`"),
    ("record: [Occurrence No, Child Nominal]", "record: []", "record", "should not be empty", ""),
    ("zone: Europe/London", "zone: London", "zone", "`London` is not known here", "Europe/London"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "key", "message", "hint"), MISTAKES)
def test_a_mistake_is_found_at_its_line(
    tmp_path: Path, right: str, wrong: str, key: str, message: str, hint: str
) -> None:
    """`masa files check` names file, line, column and key, what is wrong and what would be right; exit status 1."""
    assert right in GOOD
    text = GOOD.replace(right, wrong, 1)
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    done = CliRunner().invoke(app, ["files", "check", str(file)])
    said = str(done.exception) if done.exception and not isinstance(done.exception, SystemExit) else done.stderr
    place = re.compile(rf"{re.escape(str(file))}:\d+:\d+: {re.escape(key)}: ")
    lines = [line for line in said.splitlines() if place.match(line)]
    assert lines, said
    assert message in lines[0]
    assert hint in lines[0]
    number = int(lines[0][len(str(file)) :].split(":")[1])
    first = GOOD[: GOOD.index(right)].count("\n") + 1
    assert key == "fields" or first - 6 <= number <= first, "the line of the entry that holds the mistake"


def test_every_shipped_mapping_is_sound() -> None:
    """What ships compiles; the command says what each makes of which columns."""
    for path in sorted(MAPPINGS.glob("*.yaml")):
        done = CliRunner().invoke(app, ["files", "check", path.stem])
        assert done.exit_code == 0, done.stderr
        assert path.stem in done.stderr


def test_a_mapping_is_tried_on_a_file_without_an_exchange(tmp_path: Path) -> None:
    """Counts as JSON; a problem names file and line, the status is 1; a new column is told."""
    sample = SAMPLES / "school-attendance-exclusions.csv"
    done = CliRunner().invoke(app, ["files", "check", "school-attendance-exclusions", str(sample), "--json"])
    assert (done.exit_code, '"published": 4' in done.stdout) == (0, True), done.stderr
    bad = tmp_path / "bad.csv"
    bad.write_bytes(sample.read_bytes().replace(b"30/03/2020", b"30/33/2020").replace(b"Note\r\n", b"Note2\r\n"))
    done = CliRunner().invoke(app, ["files", "check", "school-attendance-exclusions", str(bad)])
    assert done.exit_code == 1
    assert f"{bad}:2: `DOB` is a day that does not exist" in done.stderr
    assert f"{bad}:1: column `Note2` is not in the mapping" in done.stderr
    assert "30/33" not in done.stderr
