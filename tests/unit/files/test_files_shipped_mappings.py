"""The mappings that ship, each with a file as its supplier would write it."""

from __future__ import annotations

import pytest

from connectors.files.prepare import Refused
from connectors.files.program import Skipped
from tests.unit.files.support import (
    NOW,
    SAMPLES,
    SHIPPED,
    events,
    never,
    nothing_before,
    preparer,
    reader,
    shipped,
    vouched,
)

FILES = [(mapping, file) for mapping, (_, files) in SHIPPED.items() for file in files]

# file -> what becomes of each record: the event's type, or why there is none
EXPECTED = {
    "encompass-police.csv": [*["police.domestic-abuse-incident"] * 3, "skipped", "police.domestic-abuse-incident"],
    "school-attendance-exclusions.csv": [
        "education.absence-concern", "skipped", "education.absence-concern",
        "education.suspension-or-exclusion", "education.suspension-or-exclusion",
    ],
    "hospital-ed.ndjson": ["health.ed-attendance-concern", "skipped", *["health.ed-attendance-concern"] * 2],
    "dfe-ctf-24-leavers.xml": ["education.off-roll"] * 2,
    "dfe-ctf-24-missing.xml": ["education.missing-education"],
}  # fmt: skip


def prepared(mapping: str, file: str, vouch=vouched):  # type: ignore[no-untyped-def]
    rules = shipped(mapping)
    made = preparer(rules, SHIPPED[mapping][0], vouch)
    with (SAMPLES / file).open("rb") as opened:
        read = reader(opened, rules, made.program.sources)
        assert read.unknown == ()
        return made.batch(list(read.records()), nothing_before, {})


@pytest.mark.parametrize(("mapping", "file"), FILES)
def test_a_sample_becomes_the_events_it_tells_of(mapping: str, file: str) -> None:
    """Each record of a sample becomes one valid event, or is skipped for the reason that the mapping gives."""
    batch = prepared(mapping, file)
    refused = [outcome.problems for _, outcome in batch.outcomes if isinstance(outcome, Refused)]
    assert refused == []
    told = ["skipped" if isinstance(o, Skipped) else o.event_type.name for _, o in batch.outcomes]
    assert told == EXPECTED[file]


@pytest.mark.parametrize(("mapping", "file"), FILES)
def test_both_ways_of_making_an_event_give_the_same_bytes(mapping: str, file: str) -> None:
    """The quick way writes exactly what encoding the datum of the slow way gives."""
    quick, slow = prepared(mapping, file), prepared(mapping, file, never)
    assert [each.value for each in quick.events] == [each.value for each in slow.events]
    assert quick.events == slow.events
    assert quick.events


def test_no_shipped_mapping_is_without_a_sample() -> None:
    """A mapping that nobody tries is a mapping that is wrong."""
    assert {path.stem for path in SAMPLES.parent.glob("*.yaml")} == set(SHIPPED)
    assert {path.name for path in SAMPLES.iterdir()} == set(EXPECTED)


def test_an_encompass_row_says_what_a_school_needs_and_no_more() -> None:
    """Names, words and codes arrive; where it happened does not, and a refuge is marked."""
    first, second, refuge, no_school = events(prepared("encompass-police", "encompass-police.csv"))
    envelope = first["envelope"]
    assert (envelope["sourceRef"], envelope["sequence"]) == ("NS/25/200101/NS-P-20418", 1)
    assert (envelope["legalGateway"], no_school["envelope"]["legalGateway"]) == ("S49A_DAA", "S16LA")
    assert envelope["occurredAt"] == 1_757_889_600_000  # 23:40 British summer time
    assert (envelope["publishedAt"], envelope["masaId"]) == (NOW, "northshire")
    assert envelope["child"]["name"] == "Maya Ellery"
    assert envelope["child"]["nhsNumber"] == "9990001014"
    assert envelope["childVoice"]["words"] == 'She said she put her pillow over her ears, and "hid with the dog".'
    assert [person["role"] for person in envelope["relatedPersons"]] == ["ADULT_VICTIM", "PERSON_OF_CONCERN"]
    assert first["circumstances"] == ["SHOUTING_OR_SCREAMING", "DAMAGE_TO_HOME", "POLICE_IN_HOME"]
    assert second["envelope"]["child"]["nhsNumber"] is None
    assert refuge["envelope"]["addressProtection"] == "REFUGE"
    assert b"Example" not in repr((first, refuge)).encode()


def test_a_leaver_whose_destination_nobody_knows_is_missing_education() -> None:
    """The same CTF without a destination school is another event, with the last of the schools in it."""
    (missing,) = events(prepared("dfe-ctf-24", "dfe-ctf-24-missing.xml"))
    leaver, looked_after = events(prepared("dfe-ctf-24", "dfe-ctf-24-leavers.xml"))
    assert (missing["state"], missing["lastSchoolUrn"]) == ("MISSING", "990001")
    assert (leaver["ground"], leaver["destination"]) == ("REGISTERED_AT_OTHER_SCHOOL", "SCHOOL_IN_OTHER_AUTHORITY")
    assert leaver["destinationUrn"] == "990009"
    assert looked_after["envelope"]["addressProtection"] == "PLACEMENT"
