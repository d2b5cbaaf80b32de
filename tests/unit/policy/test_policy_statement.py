"""Statements: what is signed, who must sign it, and what a list of signatories may hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.signing import verify
from streams.policy.activation import activation_records, read_record
from streams.policy.artefact import canonical
from streams.policy.facts import EpochMillis, RuleSetHash
from streams.policy.signatories import SignatoriesInvalid, parse_signatories
from streams.policy.statement import (
    PREFIX,
    Refusal,
    SignedStatement,
    Statement,
    check,
    signed_from_document,
)
from streams.policy.stop_orders import Lift, order_from_record, stop_message
from streams.policy.stops import Stop, StopId
from streams.routing.signers import signatories_of, signed_by, throwaway_signers
from tests.unit.policy.builders import allow, area, artefact

PEOPLE = throwaway_signers()
LIST = signatories_of("north", PEOPLE)
STATEMENT = Statement(area="north", sequence=7, rule_set=RuleSetHash("a" * 64), reason="agreed on 5 October")
SIGNED = signed_by(STATEMENT, PEOPLE)


def test_what_is_signed_is_canonical_json_behind_a_prefix_of_its_own() -> None:
    """So that another implementation can check it, and a signature on a stop is none on a statement."""
    wanted = (
        b'masa-policy-v1\n{"activatesAt":0,"area":"north","reason":"agreed on 5 October","ruleSet":"'
        + b"a" * 64
        + b'","sequence":7}'
    )
    assert STATEMENT.message() == wanted
    stop = Stop(id=StopId("s"), rule=None, agency=None, event_type="x", reason="r", by="b", since=EpochMillis(1))
    lift = Lift(stop=stop.id, at=EpochMillis(1), by="b", reason="r")
    prefixes = {PREFIX, stop_message("north", stop).split(b"{")[0], lift.message("north").split(b"{")[0]}
    assert len(prefixes) == 3


def test_two_listed_people_make_it_complete() -> None:
    """And it reads back from its own document."""
    check(SIGNED, LIST, verify)
    assert signed_from_document(SIGNED.as_document()) == SIGNED


@pytest.mark.parametrize(
    "change",
    [{"sequence": 8}, {"rule_set": RuleSetHash("b" * 64)}, {"activates_at": EpochMillis(1)}, {"reason": "other"}],
    ids=lambda change: next(iter(change)),
)
def test_a_change_to_any_part_voids_every_signature(change: dict[str, object]) -> None:
    """The refusal says tampered, not merely unsigned: somebody should look."""
    changed = replace(SIGNED, statement=replace(STATEMENT, **change))  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="changed") as caught:
        check(changed, LIST, verify)
    assert caught.value.reason == "tampered"


def test_one_key_under_two_names_is_one_signer() -> None:
    """A list is read so that it cannot happen; the check does not rely on it."""
    one, two = PEOPLE
    shared = replace(LIST, people=(LIST.people[0], replace(LIST.people[0], name=two.name, key_id="other")))
    second = replace(one.signature(STATEMENT.message()), signatory=two.name, key_id="other")
    with pytest.raises(Refusal) as caught:
        check(SignedStatement(statement=STATEMENT, signatures=(SIGNED.signatures[0], second)), shared, verify)
    assert caught.value.reason == "one-signer"


BAD_STATEMENTS = [
    ({"sequence": 0}, "sequence `0` must be 1 or more"),
    ({"rule_set": RuleSetHash("A" * 64)}, "no rule-set hash"),
    ({"activates_at": EpochMillis(-1)}, "must be 0"),
    ({"reason": "  "}, "1 to 500 characters"),
    ({"reason": "x" * 501}, "1 to 500 characters"),
]


@pytest.mark.parametrize(("change", "said"), BAD_STATEMENTS, ids=[said for _, said in BAD_STATEMENTS])
def test_a_statement_that_says_nothing_cannot_be_made(change: dict[str, object], said: str) -> None:
    """The error says what would be right."""
    with pytest.raises(ValueError, match=said):
        replace(STATEMENT, **change)  # type: ignore[arg-type]


BAD_DOCUMENTS: list[tuple[object, str]] = [
    ([], "must be an object with statement, signatures"),
    ({"statement": {}}, "`signatures` of a signed statement is missing"),
    ({**SIGNED.as_document(), "more": 1}, "a signed statement has no `more`"),
    ({**SIGNED.as_document(), "statement": {}}, "`area` of a statement is missing"),
    ({**SIGNED.as_document(), "statement": {**STATEMENT.as_document(), "sequence": True}}, "`sequence`"),
    ({**SIGNED.as_document(), "signatures": [{"signatory": "a", "keyId": "b", "signature": "%"}]}, "not base64"),
]


@pytest.mark.parametrize(("document", "said"), BAD_DOCUMENTS, ids=[said for _, said in BAD_DOCUMENTS])
def test_a_damaged_document_is_refused_by_the_name_of_its_key(document: object, said: str) -> None:
    """Whatever JSON it is."""
    with pytest.raises(ValueError, match=said):
        signed_from_document(document)


def test_records_need_the_rule_set_that_the_statement_names() -> None:
    """Nothing can be published that would be refused for it."""
    one = artefact(area([allow("one", "front-door", "area")]))
    with pytest.raises(ValueError, match="names rule set"):
        activation_records(SIGNED, one)
    own = signed_by(replace(STATEMENT, rule_set=one.hash), PEOPLE)
    keys = [each.key.decode() for each in activation_records(own, one)]
    assert keys == ["statement:7", f"artefact:{one.hash}", "activation"]
    assert {read_record(each.key, each.value).signed for each in activation_records(own, one)} == {own}


def test_a_stop_reads_back_as_it_was_lifted_or_not() -> None:
    """The lifted one keeps the stop, so that decisions under it can be replayed."""
    one, two = PEOPLE
    stop = Stop(id=StopId("s1"), event_type="x", reason="r", by=one.name, since=EpochMillis(1))
    order = one.order("north", stop)
    lifted = two.lift(order, Lift(stop=stop.id, at=EpochMillis(2), by=two.name, reason="mended"))
    for each in (order, lifted):
        assert order_from_record(each.key(), each.to_value()) == each
    assert (order.holds, lifted.holds) == (True, False)


GOOD_LIST = LIST.to_yaml()
BAD_LISTS = [
    ("area: north", "`signatories`"),
    ("area: [north", "people.yaml:1: not readable as YAML"),
    (GOOD_LIST + "more: 1\n", "`more`"),
    (GOOD_LIST.replace("publicKey: ", "publicKey: A"), "32 bytes of an Ed25519 public key"),
    (GOOD_LIST.replace(f"name: {PEOPLE[0].name}", "name: Asha Patel"), "`Asha Patel` is no name here"),
    (GOOD_LIST.replace(f"name: {PEOPLE[0].name}", f"name: {PEOPLE[1].name}"), "stands twice"),
    (GOOD_LIST.replace(PEOPLE[0].key.key_id, PEOPLE[1].key.key_id), "`keyId`"),
]


@pytest.mark.parametrize(("text", "said"), BAD_LISTS, ids=[said for _, said in BAD_LISTS])
def test_a_wrong_list_of_signatories_is_refused(text: str, said: str) -> None:
    """The error names the file and the entry."""
    with pytest.raises(SignatoriesInvalid, match=said) as caught:
        parse_signatories(text, "people.yaml")
    assert str(caught.value).startswith("people.yaml")


def test_a_list_of_signatories_reads_back() -> None:
    """The file that `masa up` and `masa rules keygen` write is the file that routers read."""
    assert parse_signatories(GOOD_LIST, "people.yaml") == LIST
    assert b"private" not in canonical({"list": GOOD_LIST})
