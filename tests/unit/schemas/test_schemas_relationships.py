"""Declarations of relationships in the catalogue: what is shipped, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kafka.topic_plan import RELATIONSHIP_DAYS
from schemas.errors import SchemaError
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
