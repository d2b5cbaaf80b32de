"""Recall, protection and severance (P-13, P-14, P-02, I-06): engine's transaction, gateway and rules, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.http.taken_back import Removed, TakenBack
from connectors.http.values import Conflict, Delivery, NotFound
from connectors.postgres.connection import connect
from connectors.postgres.followup_recall import holders
from connectors.postgres.migrate import migrate
from schemas.codec import decode_event, encode_event
from schemas.registry import load_event_types
from schemas.vocabulary import FieldClass
from streams.recall.by_hand import By, freeze, frozen_now, take_back, thaw
from streams.recall.places import places_of
from tests.canaries import Brood
from tests.events import NOW_MS, an_event, event_type
from tests.integration.gateway_support import INCIDENT, OTHER_SCHOOL, SCHOOL, Bench, delivered, empty, person, system
from tests.integration.gateway_support import record as in_inbox
from tests.integration.recall_support import FRONT_DOOR, GP, POLICE, Desk, a_delivery, event_id

pytestmark = pytest.mark.integration
RETRACTION, CORRECTION = "control.retraction", "control.correction"
SEVERED, PROTECTED = "identity.severed", "identity.protection-changed"


@pytest.fixture
def desk(postgres: str) -> Iterator[Desk]:
    migrate(postgres)
    empty(postgres)
    bench = Bench(postgres)
    yield Desk(bench)
    bench.close()


def retracted(desk: Desk, number: int = 90, of: int = 1, **changes: Any) -> None:
    desk.asked(number, RETRACTION, envelope__supersedes=event_id(of), ground="WRONG_CHILD", removeBy=None, **changes)


def test_a_retraction_reaches_every_recipient_of_the_original_and_nobody_else(desk: Desk) -> None:
    """One message each that names nobody else; another event's recipients hear nothing (P-13)."""
    desk.delivered(a_delivery(1, SCHOOL), a_delivery(1, FRONT_DOOR), a_delivery(1, GP), a_delivery(2, OTHER_SCHOOL))
    retracted(desk)
    assert sorted(desk.told_of()) == sorted((RETRACTION, each, event_id(1)) for each in (SCHOOL, FRONT_DOOR, GP))
    assert desk.states(1) == dict.fromkeys((SCHOOL, FRONT_DOOR, GP), "RETRACTED")
    assert desk.states(2) == {OTHER_SCHOOL: "AVAILABLE"}
    assert desk.told.counts == {"RETRACTION": 3}
    assert {each for each in desk.transitions() if each[2] == "recall"} == {
        (agency, "RETRACTED", "recall") for agency in (SCHOOL, FRONT_DOOR, GP)
    }


@pytest.mark.parametrize("order", ["recall first", "delivery first", "audit of the request last", "late filler"])
def test_a_recall_that_races_the_delivery_loses_neither(desk: Desk, order: str) -> None:
    """Whichever of request, its audit record, the delivery and the gateway's row comes first, the end is the same."""
    original = a_delivery(1, SCHOOL)
    if order != "late filler":
        delivered(desk.bench.url, in_inbox(1))
    if order in ("delivery first", "audit of the request last"):
        desk.delivered(original)
    own = desk.asked(
        90,
        RETRACTION,
        envelope__supersedes=event_id(1),
        ground="WRONG_CHILD",
        audited=order != "audit of the request last",
    )
    if order == "audit of the request last":
        desk.delivered(own)
    if order in ("recall first", "late filler"):
        desk.delivered(original)
    if order == "late filler":
        delivered(desk.bench.url, in_inbox(1))
    assert isinstance(desk.bench.gateway.open(person(), original.delivery_id), TakenBack)
    assert desk.bench.gateway.inbox(person()) == []
    assert not desk.bench.gateway.poll(system(), limit=5, lease_seconds=60)
    assert desk.states(1) == {SCHOOL: "RETRACTED"}
    assert desk.told_of() == [(RETRACTION, SCHOOL, event_id(1))]


def test_what_was_opened_before_is_listed_as_opened(desk: Desk) -> None:
    """By a person or by software that polled; what was not opened can no longer be, and says so (Must show 3)."""
    delivered(desk.bench.url, in_inbox(1), in_inbox(1, OTHER_SCHOOL), in_inbox(1, GP))
    mine, others, unread = (a_delivery(1, agency) for agency in (SCHOOL, OTHER_SCHOOL, GP))
    desk.delivered(mine, others, unread)
    assert isinstance(desk.bench.gateway.open(person(), mine.delivery_id), Delivery)
    (polled,) = desk.bench.gateway.poll(system(OTHER_SCHOOL), limit=1, lease_seconds=60)
    retracted(desk)
    (recall,) = desk.recalls_now()
    opened = {each.agency: (each.opened_at is not None, each.handed_out) for each in desk.holders_of(recall)}
    assert opened == {SCHOOL: (True, False), OTHER_SCHOOL: (False, True), GP: (False, False)}
    answer = desk.bench.gateway.acknowledge(system(OTHER_SCHOOL), polled.delivery_id, "NOTED", lease=polled.lease)
    assert answer == Conflict(polled.delivery_id, "TAKEN_BACK")


def test_only_the_publisher_of_the_original_may_take_it_back(desk: Desk) -> None:
    """Another's request is refused on record, told to the front door, and the delivery can be opened as before."""
    delivered(desk.bench.url, in_inbox(1))
    desk.delivered(a_delivery(1, SCHOOL))
    retracted(desk, by=OTHER_SCHOOL)
    assert [(each.state, each.refusal, each.by_agency) for each in desk.recalls_now()] == [
        ("REFUSED", "NOT_THE_PUBLISHER", OTHER_SCHOOL)
    ]
    assert desk.told.counts == {"NOT_THE_PUBLISHER": 1}
    assert [each["kind"] for each in desk.said()] == ["RECALL_REFUSED"]
    assert isinstance(desk.bench.gateway.open(person(), a_delivery(1, SCHOOL).delivery_id), Delivery)


def test_a_stranger_who_was_quicker_than_the_audit_record_is_refused_when_it_comes(desk: Desk) -> None:
    """Until then nothing is shown; afterwards it is as if nobody had asked."""
    delivered(desk.bench.url, in_inbox(1))
    retracted(desk, by=OTHER_SCHOOL)
    identity = a_delivery(1, SCHOOL).delivery_id
    assert isinstance(desk.bench.gateway.open(person(), identity), TakenBack)
    desk.delivered(a_delivery(1, SCHOOL))
    assert isinstance(desk.bench.gateway.open(person(), identity), Delivery)
    assert desk.states(1) == {SCHOOL: "AVAILABLE"}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_correction_of_a_correction_goes_to_the_recipients_of_the_original(desk: Desk, backwards: bool) -> None:
    """In whichever order the exchange hears of them."""
    desk.delivered(a_delivery(1, SCHOOL), a_delivery(1, GP))
    links = [(91, 1), (92, 91), (93, 92)]
    for number, of in reversed(links) if backwards else links:
        desk.asked(number, CORRECTION, envelope__supersedes=event_id(of), ground="INACCURATE")
    told = [each for each in desk.told_of() if each[0] == CORRECTION]
    assert sorted(told) == sorted([(CORRECTION, each, event_id(1)) for each in (SCHOOL, GP)] * 3)
    assert {each.event_id for each in desk.recalls_now()} == {event_id(1)}
    assert {each.state for each in desk.recalls_now()} == {"ACTIVE"}


def test_removal_is_confirmed_at_the_gateway_counted_and_ends_the_clock(desk: Desk) -> None:
    """By the delivery or by the message that asks for it, which is answered with it; nobody else can (P-13)."""
    original = a_delivery(1, SCHOOL)
    delivered(desk.bench.url, in_inbox(1))
    desk.delivered(original)
    assert desk.bench.gateway.removed(person(), original.delivery_id) == NotFound(original.delivery_id)
    retracted(desk)
    with connect(desk.bench.url) as connection:
        due = connection.execute("SELECT next_due, step FROM followup.delivery WHERE agency = %s", (SCHOOL,)).fetchone()
    assert due == (NOW_MS + 1_090 + 24 * 3_600_000, 0)
    assert desk.bench.gateway.removed(person(OTHER_SCHOOL), original.delivery_id) == NotFound(original.delivery_id)
    assert desk.bench.gateway.removed(person(), original.delivery_id) == Removed(original.delivery_id, desk.bench.now)
    desk.removal(original, NOW_MS + 61_090)
    (recall,) = desk.recalls_now()
    assert [each.removed_at for each in desk.holders_of(recall)] == [NOW_MS + 61_090]
    assert desk.told.seconds == [60.0]
    assert desk.states(1) == {SCHOOL: "CLOSED"}
    found = desk.bench.gateway.open(person(), original.delivery_id)
    assert isinstance(found, TakenBack)
    assert found.removed_at == NOW_MS + 61_090


def test_raised_protection_takes_places_out_of_what_was_delivered(desk: Desk) -> None:
    """Out of what waits and what comes later; who holds places is told which; who may know them keeps them (P-02)."""
    kind = event_type(INCIDENT)
    places = places_of(kind)
    planted = Brood().plant(kind, an_event(kind))
    value = encode_event(kind, planted.datum)
    full = in_inbox(1)._replace(value=value, key=b"5" * 32)
    late = in_inbox(2)._replace(value=value, key=b"5" * 32)
    trusted = in_inbox(3, roles="front-door")._replace(value=value, key=b"5" * 32)
    delivered(desk.bench.url, full, trusted)
    desk.delivered(a_delivery(1, SCHOOL), a_delivery(3, FRONT_DOOR, roles=["front-door"]))
    desk.asked(90, PROTECTED, by=FRONT_DOOR, subject="5" * 32, level="PROTECTED")
    delivered(desk.bench.url, late)
    for number in (1, 2):
        shown = desk.bench.gateway.open(person(), a_delivery(number, SCHOOL).delivery_id)
        assert isinstance(shown, Delivery)
        datum = decode_event(shown.value or b"").datum
        seen = shown.value + repr(shown).encode() if shown.value else b""
        secret = [each for each in planted.canaries if FieldClass.LOCATING in each.classes]
        assert secret
        assert {each for each in secret if each.value.encode() in seen} == set()
        assert {path for path in places if leaf_of(datum, path) is not None} == set()
        assert shown.event is not None
    (told,) = desk.said()
    assert (told["envelope"]["eventType"], set(told["correctedFields"])) == (CORRECTION, set(places))
    assert told["envelope"]["addressProtection"] == "PROTECTED"
    desk.asked(91, PROTECTED, by=FRONT_DOOR, subject="5" * 32, level="NONE")
    assert [each.state for each in desk.recalls_now()] == ["ENDED"]


def leaf_of(datum: Any, path: str) -> Any:
    for part in path.split("."):
        datum = datum.get(part) if isinstance(datum, dict) else None
    return datum


def test_a_severed_identity_quarantines_what_was_under_it(desk: Desk) -> None:
    """Nothing under the old key opens any more, late or not; a school hears nothing; the new key is as ever (I-06)."""
    old, new = "5" * 32, "6" * 32
    delivered(desk.bench.url, in_inbox(1)._replace(key=old.encode()), in_inbox(2)._replace(key=new.encode()))
    desk.delivered(a_delivery(1, SCHOOL), a_delivery(1, FRONT_DOOR), a_delivery(2, SCHOOL, subject=new))
    desk.asked(90, SEVERED, by="northshire-identity", subject=old)
    delivered(desk.bench.url, in_inbox(3)._replace(key=old.encode()))
    for number in (1, 3):
        found = desk.bench.gateway.open(person(), a_delivery(number, SCHOOL).delivery_id)
        assert isinstance(found, TakenBack)
        assert found.how == "QUARANTINED"
    assert isinstance(desk.bench.gateway.open(person(), a_delivery(2, SCHOOL).delivery_id), Delivery)
    assert desk.told_of() == [(RETRACTION, FRONT_DOOR, event_id(1))]
    assert [each["ground"] for each in desk.said()] == ["GROUND_NOT_GIVEN"]
    assert new not in repr(desk.recalls_now()) + repr(desk.said())


def test_the_same_request_again_changes_nothing(desk: Desk) -> None:
    """After a crash the engine reads it again."""
    desk.delivered(a_delivery(1, SCHOOL))
    retracted(desk)
    before = (desk.told_of(), desk.recalls_now())
    retracted(desk)
    assert (desk.told_of(), desk.recalls_now()) == before
    assert load_event_types()[RETRACTION].version


def by(number: int) -> By:
    return By(person="asha-patel", because="wrong school rang", at=NOW_MS + 5_000, identity=f"0f0{number:033d}")


def test_a_frozen_delivery_opens_for_nobody_until_it_is_let_go_again(desk: Desk) -> None:
    """The misdelivery drill: one action, its publisher is told, 72 hours run, others notice nothing (P-14)."""
    delivered(desk.bench.url, in_inbox(1), in_inbox(1, OTHER_SCHOOL))
    mine, other = a_delivery(1, SCHOOL), a_delivery(1, OTHER_SCHOOL)
    desk.delivered(mine, other)
    assert isinstance(desk.bench.gateway.open(person(), mine.delivery_id), Delivery)
    with connect(desk.bench.url) as connection, connection.transaction():
        recall = freeze(connection, mine.delivery_id, "northshire", by(1))
    found = desk.bench.gateway.open(person(), mine.delivery_id)
    assert isinstance(found, TakenBack)
    assert (found.how, found.removal_asked) == ("FROZEN", False)
    assert isinstance(desk.bench.gateway.open(person(OTHER_SCHOOL), other.delivery_id), Delivery)
    assert [(each.agency, each.opened_at is not None) for each in desk.holders_of(recall)] == [(SCHOOL, True)]
    assert recall.notify_by == NOW_MS + 5_000 + 72 * 3_600_000
    assert [(each["kind"], each["until"]) for each in desk.said()] == [("MISDELIVERY", recall.notify_by)]
    assert desk.told_of() == [("control.notice", POLICE, event_id(1))]
    with connect(desk.bench.url) as connection, connection.transaction():
        again = frozen_now(connection, mine.delivery_id)
        assert again is not None
        thaw(connection, again, by(2))
    assert isinstance(desk.bench.gateway.open(person(), mine.delivery_id), Delivery)
    assert desk.states(1) == {SCHOOL: "AVAILABLE", OTHER_SCHOOL: "AVAILABLE"}
    assert {"recall.frozen", "recall.thawed"} <= {kind for kind, _, _ in desk.bench.operations()}


def test_a_person_takes_an_event_back_and_a_dry_run_changes_nothing(desk: Desk) -> None:
    """What it would do is what it then does, for late deliveries as well."""
    delivered(desk.bench.url, in_inbox(1))
    original = a_delivery(1, SCHOOL)
    desk.delivered(original)
    with connect(desk.bench.url) as connection, connection.transaction(force_rollback=True):
        planned = take_back(connection, event_id(1), "northshire", "UNLAWFUL", by(1))
        assert [each.agency for each in holders(connection, planned.recall_id)] == [SCHOOL]
    assert (desk.recalls_now(), desk.told_of()) == ([], [])
    assert isinstance(desk.bench.gateway.open(person(), original.delivery_id), Delivery)
    with connect(desk.bench.url) as connection, connection.transaction():
        take_back(connection, event_id(1), "northshire", "UNLAWFUL", by(1))
    desk.delivered(a_delivery(1, GP))
    assert sorted(desk.told_of()) == sorted((RETRACTION, each, event_id(1)) for each in (SCHOOL, GP))
    assert isinstance(desk.bench.gateway.open(person(), original.delivery_id), TakenBack)
