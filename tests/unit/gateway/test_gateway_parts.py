"""The pure parts of the gateway: what is filled in, how requests are known again, what people read."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from connectors.client.filling import pointer
from schemas.pseudonym import Pseudonymiser
from streams.gateway.completion import completed, digest
from streams.gateway.publishers import Publisher
from streams.gateway.records import actor, person
from streams.gateway.submissions import keys_of
from streams.gateway.wording import label, sentence, withheld_fields
from tests.events import EVENT_ID, NOW_MS, event_type
from tests.integration.gateway_support import person as somebody
from tests.integration.gateway_support import system

KEY = Pseudonymiser(bytes(32))
OAKFIELD = Publisher(
    id="oakfield-primary", category="SCHOOL", area="northshire", gateway=True, identifiers=(("URN", "990001"),)
)


def fill(document: dict[str, Any], at: int = NOW_MS) -> dict[str, Any]:
    return completed(document, event_type("education.absence-concern"), OAKFIELD, event_id=EVENT_ID, at=at)


def test_what_is_missing_is_filled_in_and_nothing_overwritten() -> None:
    """The sender's document itself is left alone."""
    document = {"envelope": {"sequence": 7, "recordedAt": "2026-10-01T08:00:00.000Z"}, "payload": {}}
    before = copy.deepcopy(document)
    envelope = fill(document)["envelope"]
    assert document == before
    assert (envelope["sequence"], envelope["recordedAt"]) == (7, "2026-10-01T08:00:00.000Z")
    assert (envelope["eventId"], envelope["publishedAt"]) == (EVENT_ID, "2026-10-02T10:00:00.000Z")
    assert envelope["sourceOrg"] == {"category": "SCHOOL", "scheme": "URN", "id": "990001"}
    assert fill(document) == fill(document)


@pytest.mark.parametrize("document", [{}, {"envelope": None}, {"envelope": []}, {"envelope": "x", "a": 1}])
def test_what_is_no_event_at_all_stays_as_it_is(document: dict[str, Any]) -> None:
    """The checks say what is wrong with it."""
    assert fill(document) == document


def test_a_request_is_known_again_by_what_it_says_only() -> None:
    """Not by the order of keys; and nobody without the key can try digests out."""
    one, other = {"a": 1, "b": [{"c": "é"}]}, {"b": [{"c": "é"}], "a": 1}
    assert digest(KEY, one) == digest(KEY, other)
    assert digest(KEY, one) != digest(KEY, {**one, "a": 2})
    assert digest(KEY, one) != digest(Pseudonymiser(bytes(31) + b"x"), one)


@pytest.mark.parametrize(
    ("event_id", "key", "keys"),
    [
        (EVENT_ID, None, ("event:" + EVENT_ID,)),
        (EVENT_ID, "k", ("event:" + EVENT_ID, "key:k")),
        (None, "k", ("key:k",)),
        (None, None, ("event:made",)),
    ],
)
def test_a_request_has_the_keys_that_the_publisher_gave(
    event_id: str | None, key: str | None, keys: tuple[str, ...]
) -> None:
    """An id that the gateway made is a key only for want of any other."""
    envelope = {} if event_id is None else {"eventId": event_id}
    assert keys_of({"envelope": envelope}, key, "made") == keys


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ""),
        ("envelope.child.name", "/envelope/child/name"),
        ("envelope.concerns[2]", "/envelope/concerns/2"),
        ("envelope.proposedRecipients[0].ground", "/envelope/proposedRecipients/0/ground"),
        ("envelope.a/b~c", "/envelope/a~1b~0c"),
    ],
)
def test_paths_become_json_pointers(path: str, expected: str) -> None:
    """RFC 6901, escapes included."""
    assert pointer(path) == expected


def test_people_read_labels_and_sentences() -> None:
    """A whole record is one line; a code of a newer release stays as it is."""
    kind = event_type("education.absence-concern")
    assert label("envelope.child.dateOfBirth") == "Child: date of birth"
    below = [path for path in kind.paths if path.startswith("envelope.child.")]
    (found,) = withheld_fields({"PROTECTED_ADDRESS": [*below, "envelope.noSuchField"]}, kind)
    assert [field.label for field in found.fields] == ["Child"]
    assert found.sentence.endswith("(P-02).")
    assert sentence("SOME_FUTURE_CODE") == "SOME_FUTURE_CODE"


def test_persons_are_pseudonyms_of_their_agency_and_systems_have_names() -> None:
    """The same person at two agencies cannot be joined up; a system's name is made harmless."""
    assert actor(KEY, somebody(subject="asha")) == person(KEY, "oakfield-primary", "asha")
    assert person(KEY, "oakfield-primary", "asha") != person(KEY, "kingsmere-academy", "asha")
    assert actor(KEY, system(subject="m i\ns")) == "oakfield-primary/m_i_s"
