"""What a person reads from `masa.policy`, and what `masa up` makes of it."""

from __future__ import annotations

import pytest

from connectors.kafka.reader import Record
from connectors.kafka.topics import POLICY
from streams.cli.policy_topic import PolicyTopic, policy_of
from streams.cli.provision import BOOTSTRAP_REASON, Bootstrap, standing
from streams.cli.rules_history import rows_of
from streams.cli.runtime import Refused
from streams.policy.activation import activation_records
from streams.policy.artefact import Artefact
from streams.policy.facts import EpochMillis
from streams.policy.statement import Statement
from streams.routing.signers import signatories_of, signed_by, throwaway_signers
from tests.unit.policy.builders import allow, area, artefact

PEOPLE = throwaway_signers()
LIST = signatories_of("north", PEOPLE)
NOW = 1_800_000_000_000


def made(*names: str) -> Artefact:
    return artefact(area([allow(name, "front-door", "area") for name in names]))


A, B, C = made("one"), made("one", "two"), made("three")


def activation(of: Artefact, sequence: int, *, at: int = 0, reason: str = "agreed", signers: int = 2) -> list[Record]:
    statement = Statement(
        area="north", sequence=sequence, rule_set=of.hash, activates_at=EpochMillis(at), reason=reason
    )
    records = activation_records(signed_by(statement, PEOPLE[:signers]), of)
    return [Record(POLICY, 0, 0, NOW - 100 + sequence, each.key, each.value, ()) for each in records]


def read(*records: list[Record]) -> PolicyTopic:
    return policy_of([each for some in records for each in some], LIST)


def test_the_highest_sequence_that_is_due_is_in_force() -> None:
    """As routers have it; what is not signed by two is named and left out."""
    topic = read(activation(A, 1), activation(B, 2), activation(C, 3, at=NOW + 1), activation(C, 9, signers=1))
    found = topic.in_force(NOW)
    assert found is not None
    assert (found.statement.sequence, topic.artefact_in_force(NOW), topic.next_sequence()) == (2, B, 4)
    assert topic.artefact_in_force(NOW + 1) == C
    assert {each.reason for each in topic.ignored} == {"one-signer"}


def test_history_says_what_is_in_force_past_and_scheduled() -> None:
    """Newest first, each with its signers."""
    rows = rows_of(read(activation(A, 1), activation(B, 2), activation(A, 3, at=NOW + 5_000)), NOW)
    assert [(row["sequence"], row["state"]) for row in rows] == [(3, "scheduled"), (2, "in force"), (1, "past")]
    assert rows[0]["signedBy"] == [each.name for each in PEOPLE]
    assert rows[0]["takesEffect"] > rows[1]["takesEffect"] == rows[1]["publishedAt"]


def test_any_rule_set_of_the_past_is_found_by_its_hash() -> None:
    """Eight digits suffice; fewer, or a hash that was never published, are refused."""
    topic = read(activation(A, 1), activation(B, 2))
    assert topic.artefact_like(A.hash) == topic.artefact_like(A.hash[:8]) == A
    for unknown in (A.hash[:7], C.hash, ""):
        with pytest.raises(Refused, match="was ever published"):
            topic.artefact_like(unknown)


OWN = BOOTSTRAP_REASON
STANDINGS = [
    ("nothing is there", [], Bootstrap.ACTIVATED),
    ("the folder's is in force", [activation(B, 1)], Bootstrap.IN_FORCE),
    ("an older folder's is in force", [activation(A, 1, reason=OWN)], Bootstrap.ACTIVATED),
    ("the folder was changed after people activated another", [activation(A, 1)], Bootstrap.ACTIVATED),
    ("people rolled it back", [activation(A, 1, reason=OWN), activation(B, 2), activation(A, 3)], Bootstrap.SUPERSEDED),
    ("the folder went back", [activation(B, 1, reason=OWN), activation(A, 2, reason=OWN)], Bootstrap.ACTIVATED),
]


@pytest.mark.parametrize(("records", "wanted"), [each[1:] for each in STANDINGS], ids=[each[0] for each in STANDINGS])
def test_a_start_activates_the_folder_unless_people_decided_against_it(
    records: list[list[Record]], wanted: Bootstrap
) -> None:
    """A restart must not undo a rollback."""
    assert standing(read(*records), B, NOW) is wanted
