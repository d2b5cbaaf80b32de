"""What becomes of a record: routed, repeated, reused, spoofed, held and tried again, in the order it came."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from typing import Any

import pytest

from connectors.kafka import topics
from connectors.kafka.publisher import Outgoing
from schemas.codec import encode_event
from schemas.examples import new_event_id
from schemas.registry import load_event_types
from schemas.vocabulary import RejectReason
from streams.policy.artefact import compile_areas
from streams.policy.facts import LocatorToken
from streams.policy.index import RuleSet
from streams.routing.repeats import Window
from tests.events import EVENT_ID, an_event, event_type, put
from tests.planned import PSEUDONYMS, Arrived, Desk, sent
from tests.unit.policy.builders import INCIDENT, allow, area

TODAY = date(2026, 10, 1)
OUTBOX = topics.outbox("north-police")
SHARES: dict[str, Any] = {
    "everything": {"reason": "all", "common": ["envelope.child", "envelope.sourceOrg.id"],
                   "events": {INCIDENT: ["note"]}},
    "name-only": {"reason": "who", "common": ["envelope.child.name"]},
}  # fmt: skip


@cache
def rules() -> RuleSet:
    """The front door gets everything, the school a name, the same clock for both."""
    made = area(
        [
            allow("to-front-door", "front-door", "child.homeAuthority", share="everything", clock="PT1H"),
            allow("to-school", "dsl", "child.school", share="name-only", clock="PT1H"),
        ],
        projections=SHARES,
    )
    artefact = compile_areas([made], load_event_types(), TODAY)
    return RuleSet.build(artefact, load_event_types(), lambda s, c: LocatorToken(PSEUDONYMS.locator(s, c)))


def an_incident(**changes: Any) -> dict[str, Any]:
    given = {
        "envelope__masaId": "north",
        "envelope__sourceOrg__id": "E23000099",
        "envelope__legalGateway": "S16LA",
        "envelope__settings__schoolUrn": "990001",
        **changes,
    }
    return an_event(INCIDENT, **given)


def record(datum: dict[str, Any] | None = None, offset: int = 0) -> Arrived:
    return sent(event_type(INCIDENT), datum or an_incident(), agency="north-police", offset=offset)


def ids() -> Iterator[str]:
    return (new_event_id(1_790_935_200_000 + n, n) for n in range(1, 1_000))


def test_an_event_is_delivered_to_each_entitled_agency_and_audited_once() -> None:
    """Two inboxes, one audit record that names both deliveries, one key for all: the child's pseudonym."""
    planned = Desk(rules()).plan([record()])
    assert [each.agency for each in planned.deliveries] == ["north-csc", "oak-school"]
    (audit,) = planned.audits
    assert (audit["kind"], audit["sourceOffset"], audit["eventId"]) == ("DECIDED", 0, EVENT_ID)
    told = {each["agency"]: each["deliveryId"] for each in audit["outcomes"] if each["outcome"] == "DELIVERED"}
    assert told == {each.agency: each.headers["masa-delivery-id"] for each in planned.deliveries}
    assert {output[2] for output in planned.outputs} == {audit["inputs"]["subject"]}


def test_the_audit_record_comes_after_what_it_tells_of() -> None:
    """A reader of a torn log could never find an audit record without its delivery."""
    planned = Desk(rules()).plan([record()])
    assert [output[0] for output in planned.outputs][-1] == topics.AUDIT


@pytest.mark.parametrize("same_batch", [True, False])
def test_a_publishers_retry_is_audited_as_a_repeat_of_the_first(same_batch: bool) -> None:
    """Same id, same content: no second delivery, a reference to the first record; a third refers to the first too."""
    desk = Desk(rules())
    sending = [record(offset=n) for n in (5, 8, 9)]
    batches = [desk.plan(sending)] if same_batch else [desk.plan([each]) for each in sending]
    audits = [audit for batch in batches for audit in batch.audits]
    assert [audit["kind"] for audit in audits] == ["DECIDED", "REPEATED", "REPEATED"]
    assert [audit["firstSeen"] for audit in audits[1:]] == [{"topic": OUTBOX, "partition": 0, "offset": 5}] * 2
    assert [audit["outcomes"] for audit in audits[1:]] == [[], []]
    assert sum(len(batch.deliveries) for batch in batches) == 2


def test_the_same_id_with_other_content_is_rejected_and_its_bytes_kept() -> None:
    """ID_REUSED, at `envelope.eventId`; the first delivery stands, and the second's content is not delivered."""
    desk = Desk(rules())
    desk.plan([record()])
    second = record(an_incident(envelope__child__name="Somebody Else"), offset=1)
    planned = desk.plan([second])
    assert planned.deliveries == []
    (kept,) = planned.rejected
    assert (kept["reason"], kept["path"], kept["value"]) == ("ID_REUSED", "envelope.eventId", second.value())
    assert planned.audits[0]["rejection"]["reason"] == "ID_REUSED"


def test_a_rejected_id_may_be_used_again() -> None:
    """What was rejected was not routed: the corrected event comes with the same id and is delivered."""
    desk = Desk(rules())
    refused = desk.plan([record(put(an_incident(), "envelope.urgency", "UNKNOWN"))])
    assert [each["reason"] for each in refused.rejected] == ["REQUIRED_FIELD"]
    assert len(desk.plan([record(offset=1)]).deliveries) == 2


def test_a_batch_that_was_aborted_leaves_no_memory() -> None:
    """The same records planned again are delivered, not called repeats."""
    desk = Desk(rules())
    desk.plan([record()], commit=False)
    again = desk.plan([record()])
    assert (again.audits[0]["kind"], len(again.deliveries)) == ("DECIDED", 2)


def test_without_rules_everything_is_held_and_routed_when_it_comes_again() -> None:
    """Never delivered, never dropped: the bytes wait; after the fix the same record is routed as if new (R-02)."""
    desk = Desk(None)
    first = record()
    held = desk.plan([first])
    assert held.deliveries == []
    (kept,) = held.held
    assert (kept["whole"], kept["agencies"], kept["reasons"]) == (True, [], ["POLICY_ABSENT"])
    assert (kept["key"], kept["value"]) == (first.key(), first.value())
    assert (held.audits[0]["kind"], held.audits[0]["ruleSet"]) == ("HELD", None)
    desk.planner.use(rules())
    assert len(desk.plan([record(offset=1)]).deliveries) == 2


def test_what_was_held_survives_in_the_committed_metadata() -> None:
    """After a restart the held record does not count as routed, and the routed one does."""
    desk = Desk(None)
    desk.plan([record()])
    desk.planner.use(rules())
    other = an_incident(envelope__eventId=next(ids()))
    (resume,) = desk.plan([record(other, offset=1)]).resume
    again = Desk(rules())
    window = Window(resume.metadata)
    again.planner.rebuild(window, [record(), record(other, offset=1)])
    again.own(OUTBOX, window)
    kinds = [audit["kind"] for audit in again.plan([record(offset=2), record(other, offset=3)]).audits]
    assert kinds == ["DECIDED", "REPEATED"]


def test_where_to_go_on_is_after_the_last_record_of_each_partition() -> None:
    """Offsets of two outboxes, each its own."""
    other = Outgoing(topics.outbox("oak-school"), b"nonsense")
    planned = Desk(rules()).plan([record(offset=4), Arrived(other, 11), record(offset=7)])
    assert {(each.topic, each.offset) for each in planned.resume} == {(OUTBOX, 8), (topics.outbox("oak-school"), 12)}


def test_order_is_kept_for_each_child() -> None:
    """Deliveries of one child appear in the order its events came, also when another child's come between."""
    desk = Desk(rules())
    made = [
        an_incident(envelope__eventId=event_id, envelope__sequence=n)
        for n, event_id in zip(range(6), ids(), strict=False)
    ]
    for datum in made[1::2]:
        datum["envelope"]["child"].update(nhsNumber=None, upn=None, localRef="another child")
    planned = desk.plan([record(datum, offset=n) for n, datum in enumerate(made)])
    by_key: dict[Any, list[int]] = {}
    for each in planned.deliveries:
        if each.agency == "north-csc":
            by_key.setdefault(each.output[2], []).append(each.datum["envelope"]["sequence"])
    assert sorted(by_key.values()) == [[0, 2, 4], [1, 3, 5]]


OTHER_CODE = "envelope.sourceOrg.id"
SPOOFS: dict[str, tuple[dict[str, str], str]] = {
    "another's code": ({OTHER_CODE: "E23000098"}, OTHER_CODE),
    "a code of another scheme": ({"envelope.sourceOrg.scheme": "URN", OTHER_CODE: "990001"}, OTHER_CODE),
    "another's area": ({"envelope.masaId": "east"}, "envelope.masaId"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOOFS)
def test_an_envelope_that_speaks_for_another_is_rejected(name: str) -> None:
    """The topic says who it is; nothing is delivered, and the audit record names the field."""
    changes, path = SPOOFS[name]
    datum = an_incident()
    for where, value in changes.items():
        put(datum, where, value)
    planned = Desk(rules()).plan([record(datum)])
    assert planned.deliveries == []
    (audit,) = planned.audits
    assert (audit["kind"], audit["rejection"]["reason"]) == ("REJECTED", "SPOOFED_SOURCE")
    assert audit["rejection"]["path"] == path
    assert audit["source"] == "north-police"


def test_a_good_event_does_not_open_the_door_for_a_spoofed_one() -> None:
    """Each claim is checked for itself, however many good ones came on the same topic."""
    desk = Desk(rules())
    desk.plan([record()])
    datum = put(an_incident(envelope__eventId=next(ids())), "envelope.sourceOrg.id", "E23000098")
    assert desk.plan([record(datum, offset=1)]).deliveries == []


def test_an_envelope_without_its_code_is_taken_at_its_topics_word() -> None:
    """What is not said cannot be spoofed."""
    datum = an_incident()
    datum["envelope"]["sourceOrg"].update(scheme=None, id=None)
    assert len(Desk(rules()).plan([record(datum)]).deliveries) == 2


def gateway(datum: dict[str, Any], **headers: bytes) -> Arrived:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Arrived(Outgoing(topics.GATEWAY_OUTBOX, encode_event(event_type(INCIDENT), datum), None, pairs), 0)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "HEADERS"),
        ({"masa_agency": b""}, "HEADERS"),
        ({"masa_agency": b"nobody-known"}, "UNKNOWN_AGENCY"),
        ({"masa_agency": b"\xff\xfe"}, "UNKNOWN_AGENCY"),
        ({"masa_agency": b"north-police"}, "SPOOFED_SOURCE"),  # its channel is Kafka
    ],
)
def test_the_gateways_stamp_decides_on_the_shared_topic(headers: dict[str, bytes], reason: str) -> None:
    """No stamp, an unknown agency, or one that does not publish there: rejected."""
    planned = Desk(rules()).plan([gateway(an_incident(), **headers)])
    assert [each["rejection"]["reason"] for each in planned.audits] == [reason]
    assert planned.deliveries == []


def test_an_unknown_publishers_stamp_is_not_in_the_audit_record() -> None:
    """The audit record names agencies of the rule set only: a stamp nobody knows could hold anything."""
    (audit,) = Desk(rules()).plan([gateway(an_incident(), masa_agency=b"jane-doe-12-park-road")]).audits
    assert audit["source"] is None
    assert "jane-doe" not in repr(audit)


def test_a_rejected_event_that_came_through_the_gateway_names_its_publisher() -> None:
    """The gateway authenticated the school, so the audit record can tell whose event it was."""
    datum = put(an_incident(), "envelope.urgency", "UNKNOWN")
    (audit,) = Desk(rules()).plan([gateway(datum, masa_agency=b"oak-school")]).audits
    assert (audit["kind"], audit["source"]) == ("REJECTED", "oak-school")
    assert Desk(None).plan([gateway(datum, masa_agency=b"oak-school")]).audits[0]["source"] is None


@pytest.mark.parametrize("header", ["ce_id", "ce_type"])
def test_headers_must_say_what_the_envelope_says(header: str) -> None:
    """CloudEvents, binary mode."""
    good = record()
    pairs = tuple((name, b"other" if name == header else value) for name, value in good.outgoing.headers)
    planned = Desk(rules()).plan([Arrived(good.outgoing._replace(headers=pairs), 0)])
    assert [each["reason"] for each in planned.rejected] == ["HEADERS"]


def with_header(name: str, value: bytes) -> Arrived:
    good = record()
    pairs = tuple((each, value if each == name else said) for each, said in good.outgoing.headers)
    return Arrived(good.outgoing._replace(headers=pairs), 0)


REFUSED: dict[str, Callable[[], Arrived]] = {
    "validation": lambda: record(put(an_incident(), "envelope.urgency", "UNKNOWN")),
    "another type named": lambda: record(put(an_incident(), "envelope.eventType", "jane-doe")),
    "a header": lambda: with_header("ce_type", b"other"),
    "no stamp of the gateway": lambda: gateway(an_incident()),
    "no stamp, and not valid": lambda: gateway(put(an_incident(), "envelope.urgency", "UNKNOWN")),
    "an unknown agency": lambda: gateway(an_incident(), masa_agency=b"nobody-known"),
    "another's code": lambda: record(put(an_incident(), "envelope.sourceOrg.id", "E23000098")),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("known_rules", [True, False])
def test_a_rejected_event_that_can_be_read_is_named_by_id_and_type(name: str, known_rules: bool) -> None:
    """So that its publisher's question about it finds the reason; nothing else of it is said, and it is counted."""
    desk = Desk(rules() if known_rules else None)
    planned = desk.plan([REFUSED[name]()])
    if planned.rejected:
        (audit,) = planned.audits
        assert (audit["kind"], audit["eventId"], audit["eventType"]) == ("REJECTED", EVENT_ID, INCIDENT)
        assert audit["inputs"] is None
        assert "jane-doe" not in repr(audit)
        assert desk.planner.tally.batch(0.1, 1_790_935_201.0).events == {(INCIDENT, "REJECTED"): 1}
    else:
        assert not known_rules, "without rules, what only rules can refuse is held"


def test_an_event_id_that_is_none_is_not_in_the_audit_record() -> None:
    """It could hold anything at all; the type is the schema's own name."""
    (audit,) = Desk(rules()).plan([record(put(an_incident(), "envelope.eventId", "jane-doe-12-park-road"))]).audits
    assert (audit["kind"], audit["eventId"], audit["eventType"]) == ("REJECTED", None, INCIDENT)
    assert "jane-doe" not in repr(audit)


@pytest.mark.parametrize("value", [None, b"nonsense", b"\xc3\x01" + bytes(8)])
def test_what_cannot_be_read_has_no_name(value: bytes | None) -> None:
    """No event id, no type; with or without the gateway's stamp."""
    unstamped = Arrived(Outgoing(topics.GATEWAY_OUTBOX, value), 0)
    for audit in Desk(rules()).plan([Arrived(Outgoing(OUTBOX, value), 0), unstamped]).audits:
        assert (audit["kind"], audit["eventId"], audit["eventType"]) == ("REJECTED", None, None)


def judging(agency: str | None, role: str | None) -> dict[str, Any]:
    """An event whose publisher withholds from these."""
    datum = an_incident()
    one = {"judgement": "WITHHELD", "ground": "DETRIMENT", "decidedBy": "NAMED_DECISION_MAKER"}
    datum["envelope"]["proposedRecipients"] = [
        {"agency": agency, "role": role, **one, "reasonDigest": None, "reviewOn": None}
    ]
    return datum


def excluding(agency: str, role: str | None) -> dict[str, Any]:
    """An event with a conflict of interest (P-05)."""
    datum = an_incident()
    ground = "CLOSE_TO_PERSON_OF_CONCERN"
    datum["envelope"]["excludeRecipients"] = [{"agency": agency, "role": role, "ground": ground}]
    return datum


UNHEARD_OF = {
    "judgement about an agency": judging("oak-scool", None),
    "judgement about a role": judging(None, "dsll"),
    "judgement about a role in an agency": judging("oak-school", "dsll"),
    "exclusion of an agency": excluding("oak-scool", None),
    "exclusion of a role": excluding("oak-school", "dsll"),
}


@pytest.mark.parametrize("name", UNHEARD_OF)
def test_a_misspelt_recipient_stops_the_event(name: str) -> None:
    """What the publisher withheld from a name nobody has cannot be honoured, so nothing goes out to anybody."""
    planned = Desk(rules()).plan([record(UNHEARD_OF[name])])
    assert planned.deliveries == []
    assert [each["reason"] for each in planned.rejected] == [RejectReason.UNKNOWN_RECIPIENT]


def test_withholding_from_a_role_keeps_everybody_in_it_from_receiving() -> None:
    """Spelt rightly, the same judgement is honoured."""
    planned = Desk(rules()).plan([record(judging(None, "dsl"))])
    assert [each.agency for each in planned.deliveries] == ["north-csc"]


@pytest.mark.parametrize(
    "datum", [judging("jane-doe-12-park-road", None), put(an_incident(), "envelope.masaId", "jane-doe")]
)
def test_a_rejected_events_claims_are_not_in_the_audit_record(datum: dict[str, Any]) -> None:
    """Nothing was decided by them, and names that nobody knows could hold anything (A-02)."""
    (audit,) = Desk(rules()).plan([record(datum)]).audits
    assert (audit["kind"], audit["eventId"]) == ("REJECTED", EVENT_ID)
    assert "jane-doe" not in repr(audit)


def test_a_candidate_that_cannot_be_found_is_held_and_the_others_receive() -> None:
    """An unknown school: its part waits in `masa.held` with the bytes; the front door still gets the event."""
    planned = Desk(rules()).plan([record(an_incident(envelope__settings__schoolUrn="990999"))])
    assert [each.agency for each in planned.deliveries] == ["north-csc"]
    (kept,) = planned.held
    assert (kept["whole"], kept["agencies"]) == (False, ["unresolved:child.school"])


def test_every_record_has_exactly_one_audit_record_whatever_it_is() -> None:
    """Empty, nonsense, good, repeated, spoofed: as many audit records as records, in their order."""
    good, spoofed = record(offset=2), put(an_incident(), "envelope.masaId", "east")
    odd = [Arrived(Outgoing(OUTBOX, value), n) for n, value in enumerate((None, b"nonsense"))]
    planned = Desk(rules()).plan([*odd, good, record(offset=3), record(spoofed, offset=4)])
    assert [audit["sourceOffset"] for audit in planned.audits] == [0, 1, 2, 3, 4]
    assert [audit["kind"] for audit in planned.audits] == ["REJECTED", "REJECTED", "DECIDED", "REPEATED", "REJECTED"]


def test_delivery_ids_are_the_same_in_every_attempt() -> None:
    """So that every door can drop a second copy."""
    first, second = (Desk(rules()).plan([record()]).deliveries for _ in range(2))
    assert [each.headers["masa-delivery-id"] for each in first] == [each.headers["masa-delivery-id"] for each in second]
    assert len({each.headers["masa-delivery-id"] for each in first}) == 2


def test_headers_of_a_delivery_never_name_the_publisher() -> None:
    """A school as publisher would tell where the child is: the source is the arrangement."""
    (delivery, _) = Desk(rules()).plan([record()]).deliveries
    assert delivery.headers["ce_source"] == "urn:masa:north"
    assert "north-police" not in repr(delivery.headers)


def test_what_the_batch_did_is_counted() -> None:
    """Events by type and disposition, outcomes by reason, deliveries, withheld fields, rejections: once each."""
    desk = Desk(rules())
    unknown = put(an_incident(envelope__eventId=next(ids())), "envelope.settings.schoolUrn", "990999")
    desk.plan([record(), record(offset=1), record(unknown, offset=2), Arrived(Outgoing(OUTBOX, b"x"), 3)])
    batch = desk.planner.tally.batch(0.5, 1_790_935_201.0)
    assert batch.records == 4
    assert batch.events == {(INCIDENT, "DECIDED"): 2, (INCIDENT, "REPEATED"): 1, ("unreadable", "REJECTED"): 1}
    assert batch.deliveries == {INCIDENT: 3}
    assert sum(n for (kind, _), n in batch.outcomes.items() if kind == "DELIVERED") == 3
    assert batch.held == {"UNRESOLVED_RECIPIENT": 1}
    assert sum(batch.rejected.values()) == 1
    assert batch.withheld_fields["NOT_IN_SHARE"] > 0
    assert batch.latencies == [1.0] * 4


def test_an_idle_batch_counts_nothing() -> None:
    """No record, no figure."""
    desk = Desk(rules())
    assert desk.plan([]).outputs == ()
    assert desk.planner.tally.oldest() is None
    assert desk.planner.tally.batch(0.0, 0.0).records == 0


def test_events_are_not_changed_by_being_planned() -> None:
    """The datum that a test or a tool holds stays as it was."""
    datum = an_incident()
    before = copy.deepcopy(datum)
    Desk(rules()).plan([record(datum)])
    assert datum == before
