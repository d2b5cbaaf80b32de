"""What a receipt makes of a delivery."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from connectors.client.outbox import AGENCY_HEADER
from connectors.kafka.offset_consumer import Record
from connectors.postgres.followup_store import Delivery, EarlyReceipt
from schemas.codec import encode_record
from schemas.registry import load_event_types
from streams.followup import quick_answers
from streams.followup import voice as voice_module
from streams.followup.batch import Parts, fold
from streams.followup.hooks import NoRecall
from streams.followup.life import Refusal, Transition, receive, refused, scheduled, sound
from streams.followup.receipts import ReceiptReader
from streams.followup.telling import Speaker, nobody, transition_value
from streams.followup.voice import About, Voice
from streams.followup.work import Sorter

DELIVERY, EVENT, RECEIPT = (f"0190c0de-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))


def delivery(state: str = "AVAILABLE", **changes: Any) -> Delivery:
    stated: dict[str, Any] = {
        "delivery_id": DELIVERY, "event_id": EVENT, "event_type": "education.absence-concern",
        "agency": "oakfield-primary",
        "source": "northshire-police", "roles": ["dsl"], "area": "northshire", "clock": "PT4H", "urgency": "URGENT",
        "protection": "NONE", "restricted": False, "subject": None, "available_at": 100, "ack_by": 200,
        "pick_up_by": 150,
        "state": state, "outcome": None, "picked_up_at": None, "acknowledged_at": None, "acknowledged_role": None,
        "step": 0, "next_due": 150, "recalled_by": None, "answer": None, **changes,
    }  # fmt: skip
    return Delivery(**stated)


def answered(outcome: str, state: str = "ACKNOWLEDGED") -> Delivery:
    return delivery(state, outcome=outcome, acknowledged_at=120, picked_up_at=110, next_due=None)


def receipt(kind: str, outcome: str | None = None, **changes: Any) -> EarlyReceipt:
    stated: dict[str, Any] = {
        "topic": "gateway.receipts", "partition": 0, "offset": 7, "receipt_id": RECEIPT, "delivery_id": DELIVERY,
        "event_id": EVENT, "agency": "oakfield-primary", "kind": kind, "outcome": outcome, "role": None, "at": 130,
        **changes,
    }  # fmt: skip
    return EarlyReceipt(**stated)


NOTED = receipt("ACKNOWLEDGED", "NOTED")
PICKED_UP = receipt("PICKED_UP")
REMOVED = receipt("REMOVED")

ACCEPTED = [
    (delivery(), PICKED_UP, "PICKED_UP"),
    (delivery(), NOTED, "ACKNOWLEDGED"),
    (delivery("PICKED_UP", picked_up_at=110), NOTED, "ACKNOWLEDGED"),
    (delivery(), receipt("ACKNOWLEDGED", "NOT_OUR_CHILD"), "MISDIRECTED"),
    (delivery(), receipt("ACKNOWLEDGED", "CANNOT_IDENTIFY"), "MISDIRECTED"),
    (answered("ASK_MORE"), NOTED, "ACKNOWLEDGED"),
    (delivery("RETRACTED", recalled_by=EVENT), REMOVED, "CLOSED"),
]


@pytest.mark.parametrize(("before", "said", "after"), ACCEPTED)
def test_a_receipt_takes_a_delivery_further(before: Delivery, said: EarlyReceipt, after: str) -> None:
    """The state it leads to, on record with the state before."""
    got = receive(before, said)
    assert (got.delivery.state, got.transition.before, got.transition.after) == (after, before.state, after)
    assert got.transition.refusal is None


REFUSED = [
    (delivery(), receipt("PICKED_UP", agency="northshire-police"), Refusal.OTHER_AGENCY),
    (delivery(), receipt("PICKED_UP", event_id=RECEIPT), Refusal.OTHER_EVENT),
    (delivery(), receipt("SHRUGGED"), Refusal.UNKNOWN_KIND),
    (delivery(), receipt("ACKNOWLEDGED"), Refusal.WITHOUT_OUTCOME),
    (delivery(), receipt("ACKNOWLEDGED", "UNKNOWN"), Refusal.WITHOUT_OUTCOME),
    (delivery("PICKED_UP", picked_up_at=110), PICKED_UP, Refusal.REPEATED),
    (answered("NOTED"), PICKED_UP, Refusal.OVERTAKEN),
    (answered("NOTED"), NOTED, Refusal.REPEATED),
    (answered("NOTED", "CLOSED"), NOTED, Refusal.REPEATED),
    (answered("ACTION_TAKEN"), NOTED, Refusal.CONTRADICTORY),
    (answered("NOT_OUR_CHILD", "MISDIRECTED"), NOTED, Refusal.CONTRADICTORY),
    (delivery("RETRACTED"), NOTED, Refusal.RECALLED),
    (delivery("FROZEN"), PICKED_UP, Refusal.RECALLED),
    (delivery(), REMOVED, Refusal.NOT_RECALLED),
    (answered("REMOVED", "CLOSED"), REMOVED, Refusal.REPEATED),
]


@pytest.mark.parametrize(("before", "said", "refusal"), REFUSED)
def test_a_receipt_that_changes_nothing_is_refused_by_name(
    before: Delivery, said: EarlyReceipt, refusal: Refusal
) -> None:
    """The delivery stays as it was, and the reason is on record."""
    got = receive(before, said)
    assert (got.delivery, got.transition.refusal, got.transition.after) == (before, refusal, before.state)


def test_lateness_is_told_for_each_deadline() -> None:
    """Late to pick up after 150, late to acknowledge after 200."""
    said = (("PICKED_UP", None, 150), ("PICKED_UP", None, 151), ("ACKNOWLEDGED", "NOTED", 200), (*NOTED[7:9], 201))
    told = [receive(delivery(), receipt(kind, outcome, at=at)).transition.late for kind, outcome, at in said]
    assert told == [False, True, False, True]


def test_an_acknowledgement_stops_every_clock() -> None:
    """Picking up goes on to the next deadline; acknowledging leaves none."""
    folded = fold({DELIVERY: delivery()}, [PICKED_UP], Parts(scheduled, NoRecall(), nobody))
    assert folded.changed[DELIVERY].next_due == 200
    folded = fold({DELIVERY: delivery()}, [PICKED_UP, NOTED], Parts(scheduled, NoRecall(), nobody))
    assert (folded.changed[DELIVERY].next_due, folded.changed[DELIVERY].picked_up_at) == (None, 130)


def test_a_receipt_before_its_delivery_is_early_and_no_error() -> None:
    """It is kept and nothing is said of it."""
    folded = fold({}, [NOTED], Parts(scheduled, NoRecall(), nobody))
    assert (folded.early, folded.transitions, folded.records) == ([NOTED], [], [])


def test_the_publisher_is_told_and_of_a_wrong_place_the_front_door() -> None:
    """One event to the publisher for an outcome, one more to the front door when it is not their child."""
    speaker = Speaker(Voice(area="northshire"), "northshire-csc")
    for outcome, said in (("NOTED", 1), ("NOT_OUR_CHILD", 2)):
        parts = Parts(scheduled, NoRecall(), lambda area: speaker)
        folded = fold({DELIVERY: delivery()}, [receipt("ACKNOWLEDGED", outcome)], parts)
        assert [each.topic for each in folded.records] == ["agency.northshire-exchange.outbox"] * said
        assert folded.changed[DELIVERY].answer is not None


def test_what_an_exchange_says_is_not_answered() -> None:
    """Or the answer would be answered in turn, for ever."""
    speaker = Speaker(Voice(area="northshire"), "northshire-csc")
    before = delivery(source="northshire-exchange")
    assert fold({DELIVERY: before}, [NOTED], Parts(scheduled, NoRecall(), lambda area: speaker)).records == []


def record(topic: str, agency: str, header: str | None = None, **changes: Any) -> Record:
    datum = {"receiptId": RECEIPT, "deliveryId": DELIVERY, "eventId": EVENT, "agency": agency, "kind": "PICKED_UP",
             "outcome": None, "role": None, "person": None, "at": 90, **changes}  # fmt: skip
    headers = () if header is None else ((AGENCY_HEADER, header.encode()),)
    return Record(topic, 0, 5, 95, None, encode_record("receipt", datum), headers)


def test_who_says_it_is_known_from_where_it_stands() -> None:
    """An agency's own topic or the gateway's header; the record's own word counts for nothing."""
    reader = ReceiptReader()
    own = reader.read(record("agency.oakfield-primary.receipts", "oakfield-primary"))
    assert isinstance(own, EarlyReceipt)
    assert (own.agency, own.at) == ("oakfield-primary", 95)
    through = reader.read(record("gateway.receipts", "oakfield-primary", "oakfield-primary"))
    assert isinstance(through, EarlyReceipt)
    assert through.at == 90
    for wrong in (
        record("agency.northshire-police.receipts", "oakfield-primary"),
        record("gateway.receipts", "oakfield-primary", "northshire-police"),
    ):
        found = reader.read(wrong)
        assert isinstance(found, Transition)
        assert (found.refusal, found.agency) == ("OTHER_AGENCY", "northshire-police")


@pytest.mark.parametrize("value", [b"", b"\xc3\x01nonsense", None])
def test_what_is_no_receipt_is_refused_and_nothing_of_it_repeated(value: bytes | None) -> None:
    """Only its place is on record."""
    found = ReceiptReader().read(Record("agency.oakfield-primary.receipts", 0, 5, 95, None, value, ()))
    assert isinstance(found, Transition)
    assert (found.refusal, found.delivery_id, found.agency) == ("UNREADABLE", None, "oakfield-primary")


def test_ids_that_are_none_of_ours_are_not_repeated() -> None:
    """A narrative in an id's place never reaches a record."""
    found = ReceiptReader().read(
        record("agency.oakfield-primary.receipts", "oakfield-primary", deliveryId="He was seen")
    )
    assert isinstance(found, Transition)
    assert found.refusal == "UNREADABLE"
    assert "seen" not in repr(found)
    assert sound(NOTED)


def test_a_broken_record_of_ours_is_counted_and_stops_nothing() -> None:
    """The receipts beside it are read."""
    work = Sorter(load_event_types()).sort(
        [
            Record("masa.audit", 0, 1, 1, None, b"nonsense", ()),
            Record("agency.northshire-exchange.inbox", 0, 1, 1, None, b"nonsense", ()),
            record("agency.oakfield-primary.receipts", "oakfield-primary"),
        ]
    )
    assert (work.unreadable, len(work.receipts)) == (2, 1)


def test_a_quick_answer_has_the_bytes_of_a_plain_one() -> None:
    """Whoever is told, whatever the marking, whenever: the quick way only saves time."""
    voice = Voice(area="northshire")
    for outcome in ("NOTED", "ASK_MORE"):
        for protection, restricted in (("NONE", False), ("PROTECTED", True)):
            for at in (1, 1_700_000_000_000, 4_000_000_000_000):
                facts = About(EVENT, "x", protection=protection, restricted=restricted)
                said = {"delivery_id": DELIVERY, "receipt_id": RECEIPT, "outcome": outcome, "publisher": "somebody"}
                plain = voice_module.acknowledged(voice, facts, **said, at=at)  # type: ignore[arg-type]
                identity, quick = quick_answers.acknowledged(voice, facts, **said, at=at)  # type: ignore[arg-type]
                assert quick == plain
                assert dict(quick.headers)["ce_id"] == identity.encode()


def test_a_transition_joined_by_hand_is_what_the_codec_writes() -> None:
    """With everything and with nothing that may be absent."""
    nothing = refused(NOTED._replace(delivery_id=""), Refusal.UNREADABLE)
    for told in (receive(answered("NOTED"), NOTED).transition, receive(delivery(), PICKED_UP).transition, nothing):
        assert transition_value(told) == encode_record("transition", told.datum())
        assert UUID(told.transition_id).version == 5
