"""Declarations of relationships in the catalogue: what is shipped, and what is refused."""

from __future__ import annotations

import hmac
from typing import Any

import pytest

from connectors.kafka.topic_plan import RELATIONSHIP_DAYS
from schemas.errors import SchemaError
from schemas.pseudonym import Pseudonymiser
from schemas.relationships import MAX_DAYS, RelationshipKind, parse_declarations
from schemas.vocabulary import AgencyCategory

PUBLISHERS = (AgencyCategory.SCHOOL, AgencyCategory.COLLEGE)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("school", "`relationships` must be a list of mappings"),
        ([{"declares": "school", "from": "source", "day": 3}], "unknown key `day`"),
        ([{"from": "source"}], "say either `declares` or `ends`"),
        ([{"declares": "school", "ends": ["gp"], "days": 3}], "say either `declares` or `ends`"),
        ([{"declares": "school", "from": "source"}], "`declares` needs it"),
        ([{"ends": ["school"], "days": 3}], "`days` belongs to `declares`"),
        ([{"declares": "school", "from": "source", "days": MAX_DAYS + 1}], "use 1 to 400"),
        ([{"declares": "school", "days": 3}], "`declares` needs `from`"),
        ([{"declares": "scool", "from": "source", "days": 3}], "`declares` has `scool`"),
        ([{"declares": "school", "from": "publisher", "days": 3}], "`from` has `publisher`"),
        ([{"declares": "gp", "from": "source", "days": 3, "publishers": ["GP"]}], "`GP` may not publish it"),
    ],
)
def test_a_declaration_that_could_be_misread_is_refused(raw: Any, message: str) -> None:
    """With the entry it stands in and what would be right."""
    with pytest.raises(SchemaError, match=message) as refused:
        parse_declarations("education.absence-concern", raw, PUBLISHERS)
    assert "education.absence-concern" in str(refused.value)


def test_a_declaration_is_read() -> None:
    """Kinds, who is named, how long, under which conditions."""
    (read,) = parse_declarations(
        "x", [{"declares": "school", "from": "source", "days": 30, "publishers": ["SCHOOL"], "when": {"a": ["B"]}}],
        PUBLISHERS,
    )  # fmt: skip
    assert (read.kinds, read.by, read.days) == ((RelationshipKind.SCHOOL,), "source", 30)
    assert (read.publishers, read.when, read.paths) == ({"SCHOOL"}, {"a": {"B"}}, ("a",))


def test_the_topic_keeps_a_relationship_longer_than_it_lives() -> None:
    """A living relationship must never be swept away by the broker."""
    assert RELATIONSHIP_DAYS > MAX_DAYS + 30


@pytest.mark.parametrize("length", [32, 128, 129, 300])
def test_register_keys_are_hmac_sha_512(length: int) -> None:
    """Computed from its parts, for keys shorter and longer than a block of the hash."""
    key = bytes(range(256))[:length].ljust(length, b"k")
    expected = hmac.digest(key, b"relationships:" + b"f" * 32, "sha512")
    assert Pseudonymiser(key).relationships("f" * 32) == expected


def test_register_keys_of_one_child_do_not_meet() -> None:
    """Four kinds, four keys of 16 bytes, and none is another child's."""
    pseudonymiser = Pseudonymiser(b"k" * 32)
    keys = [pseudonymiser.relationships(child) for child in ("0" * 32, "1" * 32)]
    assert len({each[start : start + 16] for each in keys for start in (0, 16, 32, 48)}) == 8
