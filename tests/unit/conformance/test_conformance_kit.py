"""The conformance kit: what it sends, what it finds, and what its certificate is worth."""

from __future__ import annotations

import json
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from connectors.errors import ChangeSettings
from connectors.kafka.settings import KafkaSettings
from connectors.signing import new_key, verify
from schemas.codec import decode_event
from schemas.field_classes import leaves
from schemas.registry import load_event_types
from schemas.validation import validate
from schemas.vocabulary import FieldClass
from schemas.wire import wire
from streams.conformance.certificate import NotGenuine, report, signed, verified
from streams.conformance.judge import CHECKS, Answer, Publication, Unreadable
from streams.conformance.kafka_door import KafkaDoor
from streams.conformance.offers import CASES, FUTURE_FIELD, Offer, future_schema, richest_of
from tests.conformance_bench import (
    AGENCY,
    KINDS,
    SHOWN,
    answer,
    event,
    good_answers,
    kinds,
    offers,
    published,
    readable,
    tried,
    verdict,
)
from tests.events import NOW_MS, at, put

# --- what is sent ---


def of_case(case: str) -> list[Offer]:
    return [each for each in offers() if each.case == case]


def test_every_case_is_sent_and_every_event_type_whole_and_withheld() -> None:
    """None is left out, and no delivery or event id is used twice."""
    assert {each.case for each in offers()} == set(CASES)
    for case in ("type", "withheld"):
        assert [each.event_type for each in of_case(case)] == list(KINDS)
    assert len({each.delivery_id for each in offers()}) == len({each.event_id for each in offers()}) == len(offers())


def test_deliveries_are_such_as_the_router_makes() -> None:
    """Readable, without instructions to the exchange; what is null against the rules is named as withheld."""
    for each in offers():
        headers = {name: value.decode() for name, value in each.headers}
        assert (headers["ce_type"], headers["masa-recipient"]) == (each.event_type, AGENCY)
        if each.case == "future-field":
            continue
        decoded = decode_event(each.value)
        for leaf in decoded.event_type.leaves:
            if FieldClass.CONTROL in leaf.classes:
                assert at(decoded.datum, leaf.path) is None
        if each.case in ("type", "long-text"):  # codes of the future, such as UNKNOWN, may come by delivery alone
            assert validate(decoded.event_type, decoded.datum, received_at_ms=NOW_MS, allow_synthetic=True) == []


def test_a_protected_child_is_not_located_and_everything_that_can_be_is_withheld() -> None:
    """Nothing of class LOCATING that may be null; of `withheld`, routing metadata alone is left."""
    for each in of_case("protected"):
        decoded = decode_event(each.value)
        assert at(decoded.datum, "envelope.addressProtection") == "PROTECTED"
        located = [leaf for leaf in decoded.event_type.leaves if FieldClass.LOCATING in leaf.classes]
        assert located
        assert [leaf.path for leaf in located if at(decoded.datum, leaf.path) is not None] == []
    for each in of_case("withheld"):
        decoded = decode_event(each.value)
        left = [leaf for leaf in decoded.event_type.leaves if at(decoded.datum, leaf.path) is not None]
        assert [leaf.path for leaf in left if leaf.nullable and not leaf.is_routing] == []


def test_every_symbol_of_every_coded_field_is_shown() -> None:
    """UNKNOWN included, of each enumeration that a delivery may hold."""
    shown: set[tuple[str, str]] = set()
    wanted: set[tuple[str, str]] = set()
    for kind in kinds():
        for leaf in kind.leaves:
            if leaf.symbols and FieldClass.CONTROL not in leaf.classes:
                wanted |= {(leaf.node["name"], symbol) for symbol in leaf.symbols}
    for each in of_case("symbols") + of_case("type"):
        decoded = decode_event(each.value)
        for leaf in decoded.event_type.leaves:
            value = at(decoded.datum, leaf.path) if leaf.symbols else None
            if value is not None:
                shown.add((leaf.node["name"], value))
    assert wanted - shown == set()


def test_the_newer_schema_is_one_that_readers_of_this_release_do_not_know() -> None:
    """A nullable field more at its end; written under a fingerprint that is none of ours."""
    (offer,) = of_case("future-field")
    assert [each.case for each in offers() if not readable(each)] == ["future-field"]
    newer = future_schema(richest_of(kinds()))
    assert offer.value[2:10] == newer.fingerprint
    datum, end = newer.read(offer.value, 10)
    assert (datum[FUTURE_FIELD], end) == ("something new", len(offer.value))
    assert leaves(newer.schema)[-1].path == FUTURE_FIELD
    assert wire(newer.schema).fingerprint == newer.fingerprint


# --- what is found ---


def test_a_system_that_does_everything_right_passes() -> None:
    """Every check looked at something; a duplicate that is answered the same again is no fault."""
    checked = verdict(tried())
    assert list(checked) == list(CHECKS)
    assert {code: each.findings for code, each in checked.items() if not each.passed} == {}


def once_more(offer: Offer) -> Iterator[Answer]:
    yield answer(offer, receipt_id=str(uuid.uuid4()))  # a new receipt for every record that is read


def two_minds() -> Callable[[Offer], Sequence[Answer]]:
    seen: set[str] = set()

    def answers(offer: Offer) -> Sequence[Answer]:
        outcome = "DUPLICATE" if offer.delivery_id in seen else "NOTED"
        seen.add(offer.delivery_id)
        return [answer(offer, outcome=outcome)]

    return answers


def only(case: str, **changes: Any) -> Callable[[Offer], Sequence[Answer]]:
    """Right, but for the deliveries of one case."""
    return lambda offer: [answer(offer, **changes)] if offer.case == case else good_answers(offer)


RECEIVING: dict[str, tuple[str, Callable[[Offer], Sequence[Answer | Unreadable]]]] = {
    "stops at a schema that it does not know": (
        "ANSWERED", lambda offer: [] if offer.case == "future-field" else good_answers(offer)),
    "leaves out what is withheld": ("ANSWERED", lambda offer: [] if offer.case == "withheld" else good_answers(offer)),
    "picks up only": ("ANSWERED", lambda offer: good_answers(offer)[:1]),
    "writes JSON as receipts": ("READABLE", lambda offer: [*good_answers(offer), Unreadable("no receipt")]),
    "keys receipts by agency": ("READABLE", only("type", key=AGENCY)),
    "answers for somebody else": ("OWN_DELIVERY", only("type", agency="northshire-csc")),
    "mixes deliveries up": ("OWN_DELIVERY", only("duplicate", event_id=str(uuid.uuid4()))),
    "makes deliveries up": (
        "OWN_DELIVERY", lambda offer: [*good_answers(offer), answer(offer, delivery_id="x", key="x")]),
    "says nothing of what was done": ("OUTCOME", only("long-text", outcome=None)),
    "answers UNKNOWN": ("OUTCOME", only("symbols", outcome="UNKNOWN")),
    "gives an outcome at pick-up": (
        "OUTCOME", lambda offer: [answer(offer), answer(offer, kind="PICKED_UP", outcome="NOTED")]),
    "removes": ("OUTCOME", lambda offer: [*good_answers(offer), answer(offer, kind="REMOVED", outcome=None)]),
    "answers every copy anew": ("ONCE", once_more),  # type: ignore[dict-item]
    "changes its mind at a copy": ("ONCE", two_minds()),
    "stamps seconds": ("CLOCK", only("type", made_at=NOW_MS // 1000)),
    "names who acted": ("NOBODY_NAMED", only("type", person="jo.bloggs@example.org")),
}  # fmt: skip


@pytest.mark.parametrize("fault", sorted(RECEIVING))
def test_a_fault_in_receiving_is_found_and_nothing_else_is(fault: str) -> None:
    """Each planted fault fails its own check only."""
    code, answers = RECEIVING[fault]
    checked = verdict(tried(answers))
    assert [each.code for each in checked.values() if not each.passed] == [code]
    assert checked[code].findings


NHS_NUMBER, OTHER = "9992005114", "police.domestic-abuse-incident"
OTHER_FORCE = {"category": "POLICE", "scheme": "GSS", "id": "E23000001"}
PUBLISHING: dict[str, tuple[str, Callable[[], Sequence[Publication]]]] = {
    "publishes nothing of the kind": ("PUBLISHED", lambda: [published(the_other(), name=OTHER)]),
    "publishes JSON": ("VALID", lambda: [published(), published(value=b'{"envelope": {}}')]),
    "publishes an impossible NHS number": (
        "VALID", lambda: [published(), published(put(event(), "envelope.child.nhsNumber", "9991002341"))]),
    "has another id in the header": (
        "HEADERS", lambda: [published()._replace(headers=published().headers | {"ce_id": b"1"})]),
    "publishes as another force": (
        "SOURCE", lambda: [published(event(envelope__sourceOrg=OTHER_FORCE))]),
    "publishes for another area": ("SOURCE", lambda: [published(event(envelope__masaId="eastmarch"))]),
    "uses an id twice": ("ID_ONCE", lambda: [published(), published(event(envelope__sourceRef="another"))]),
    "keys records by NHS number": ("NO_IDENTIFIER", lambda: [published(key=NHS_NUMBER.encode())]),
    "has the child's name in a header": (
        "NO_IDENTIFIER", lambda: [published()._replace(headers=published().headers | {"x": name_of_the_child()})]),
}  # fmt: skip


def the_other() -> dict[str, Any]:
    from schemas.examples import example

    given = {
        "envelope.masaId": "northshire",
        "envelope.sourceOrg": {"category": "POLICE", "scheme": "GSS", "id": "E23000099"},
    }
    kind = load_event_types()[OTHER]
    return example(kind, now_ms=NOW_MS, event_id="01a0fd32-2d00-7000-8000-00000000000b", overrides=given)


def name_of_the_child() -> bytes:
    return str(at(event(), "envelope.child.name")).upper().encode()


@pytest.mark.parametrize("fault", sorted(PUBLISHING))
def test_a_fault_in_publishing_is_found_and_nothing_else_is(fault: str) -> None:
    """Each planted fault fails its own check only; no finding repeats a value."""
    code, publications = PUBLISHING[fault]
    checked = verdict(tried(publications=publications()))
    assert [each.code for each in checked.values() if not each.passed] == [code]
    said = " ".join(checked[code].findings)
    assert said
    assert NHS_NUMBER not in said


def test_a_system_that_need_not_publish_is_judged_by_what_it_receives() -> None:
    """Checks of publishing are not tried, rather than passed; once it publishes, they are."""
    receiving = verdict(tried(publications=()), wanted=())
    assert all(each.passed for each in receiving.values())
    assert "VALID" not in receiving
    assert "VALID" in verdict(tried(), wanted=())


def test_the_kit_keeps_away_from_an_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up deliveries never get into a real inbox."""
    monkeypatch.setattr("streams.conformance.kafka_door.topic_names", lambda settings: frozenset({"masa.policy"}))
    with pytest.raises(ChangeSettings, match="there is an exchange on this broker"):
        KafkaDoor(KafkaSettings.create(bootstrap_servers="127.0.0.1:1"), AGENCY, [])


# --- the certificate ---


def a_report(**changes: Any) -> dict[str, Any]:
    checked = tuple(verdict(tried()).values())
    made = report(
        checked, agency=AGENCY, door="kafka", types=load_event_types(), received=len(offers()), published=[SHOWN],
        at_ms=NOW_MS,
    )  # fmt: skip
    return made | changes


def test_a_certificate_is_genuine_for_the_key_that_signed_it_alone() -> None:
    """Another key, a changed word, or no certificate at all are told apart from it."""
    key, other = new_key(), new_key()
    text = signed(a_report(), key)
    assert verified(text, key.public_key, verify) == a_report()
    assert b64decode(json.loads(text)["signature"]["publicKey"]) == key.public_key
    wrong = [(text, other.public_key), (text.replace(AGENCY, "northshire-fire"), key.public_key),
             ("{}", key.public_key), ("[]", key.public_key), ("", key.public_key)]  # fmt: skip
    for content, public in wrong:
        with pytest.raises(NotGenuine):
            verified(content, public, verify)


def test_a_system_that_failed_gets_none() -> None:
    """Not even when asked for."""
    with pytest.raises(ValueError, match="passed"):
        signed(a_report(result="FAILED"), new_key())
