"""What stands behind the door, on a real PostgreSQL and the shipped area's rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.errors import RetryLater
from connectors.http.taken_back import TakenBack
from connectors.http.values import (
    Accepted,
    Acknowledged,
    AlreadyAcknowledged,
    Caller,
    Conflict,
    Delegation,
    NotFound,
    Preview,
    Refused,
    Submission,
)
from connectors.kafka.topics import AUDIT, GATEWAY_OUTBOX
from connectors.postgres.connection import connect
from connectors.postgres.migrate import migrate
from schemas.codec import decode_event, encode_record
from schemas.validation import validate
from streams.gateway.in_force import RulesInForce
from streams.ledger.audit import audit_row_reader
from streams.ledger.store import LedgerWriter
from tests.events import NOW_MS, event_type
from tests.integration.gateway_support import (
    ABSENCE,
    INCIDENT,
    OTHER_SCHOOL,
    SCHOOL,
    Bench,
    delivered,
    empty,
    person,
    record,
    system,
)
from tests.unit.ledger.world import audit, outcome

pytestmark = pytest.mark.integration
POLICE = "northshire-police"
DAY_MS = 86_400_000


@pytest.fixture
def bench(postgres: str) -> Iterator[Bench]:
    migrate(postgres)
    empty(postgres)
    with connect(postgres) as connection:
        connection.execute("TRUNCATE ledger.event, ledger.outcome, ledger.progress, ledger.chain")
    made = Bench(postgres)
    yield made
    made.close()


def accepted(answer: Accepted | Refused) -> Accepted:
    assert isinstance(answer, Accepted), answer
    return answer


def refused(answer: object) -> Refused:
    assert isinstance(answer, Refused), answer
    return answer


# --- publishing ---


def test_what_is_accepted_is_the_whole_valid_event_in_the_agencys_name(bench: Bench) -> None:
    """Id, times, area and organisation are filled in; the agency is the token's, in a header that the router reads."""
    answer = accepted(bench.gateway.publish(system(), bench.document(), idempotency_key="k"))
    (written,) = bench.kafka.records
    assert (written.topic, answer.topic, answer.offset) == (GATEWAY_OUTBOX, GATEWAY_OUTBOX, 0)
    headers = dict(written.headers)
    assert (headers["masa-agency"], headers["ce_id"]) == (SCHOOL.encode(), answer.event_id.encode())
    kind = event_type(ABSENCE)
    datum = decode_event(written.value or b"").datum
    assert validate(kind, datum, received_at_ms=bench.now) == []
    assert datum["envelope"]["sourceOrg"] == {"category": "SCHOOL", "scheme": "LAESTAB", "id": "9992001"}


def test_the_same_request_again_publishes_nothing_and_answers_the_same(bench: Bench) -> None:
    """By its key when the gateway makes the event id, by the event id when the publisher does."""
    own = bench.document()
    own["envelope"]["eventId"] = "01a0fd32-2d00-7000-8000-00000000abcd"
    for document, key in ((bench.document(), "k"), (own, None), (own, "other")):
        first = accepted(bench.gateway.publish(system(), document, idempotency_key=key))
        bench.now += 60_000
        again = accepted(bench.gateway.publish(system(), document, idempotency_key=key))
        assert again == first._replace(repeated=True)
    assert len(bench.kafka.records) == 2
    changed = {**own, "envelope": {**own["envelope"], "urgency": "INFORMATION"}}
    for document, key in ((bench.document(envelope__urgency="INFORMATION"), "k"), (changed, None), (changed, "new")):
        assert refused(bench.gateway.publish(system(), document, idempotency_key=key)).why == "KEY_REUSED"
    accepted(bench.gateway.publish(system(OTHER_SCHOOL), bench.document(), idempotency_key="k"))  # its own keys


def test_a_request_whose_answer_was_lost_becomes_the_very_same_record(bench: Bench) -> None:
    """Kafka may have it all the same: equal bytes are what lets the router drop the second as a repeat."""
    document = bench.document()
    accepted(bench.gateway.publish(system(), document, idempotency_key="k"))
    with connect(bench.url) as connection:  # as if the process had been killed before it noted the place
        connection.execute('UPDATE gateway_publication SET topic = NULL, partition = NULL, "offset" = NULL')
    bench.now += 60_000
    accepted(bench.gateway.publish(system(), document, idempotency_key="k"))
    first, second = bench.kafka.records
    assert first == second


def test_one_failure_in_a_batch_loses_nothing(bench: Bench) -> None:
    """The caller is told to come back; what was acknowledged is not written again, the rest is."""
    batch = [Submission(bench.document(envelope__sourceRef=f"R{n}"), f"k{n}") for n in range(3)]
    bench.kafka.failing = [RetryLater("away")]
    with pytest.raises(RetryLater):
        bench.gateway.publish_batch(system(), batch)
    assert len(bench.kafka.records) == 2
    answers = [accepted(each) for each in bench.gateway.publish_batch(system(), batch)]
    assert [each.repeated for each in answers] == [False, True, True]
    assert len({record.value for record in bench.kafka.records}) == len(bench.kafka.records) == 3


def test_each_of_a_batch_is_answered_on_its_own(bench: Bench) -> None:
    """In the order given, each problem with a JSON pointer into its own document."""
    bad = bench.document(envelope__child__nhsNumber="9991002340")
    bad["envelope"]["child"]["nhsNumber"] = "1234567890"
    bad["envelope"]["proposedRecipients"] = [{"judgement": "WITHHELD", "decidedBy": "NAMED_DECISION_MAKER"}]
    good, wrong, nothing = bench.gateway.publish_batch(
        system(), [Submission(each) for each in (bench.document(), bad, {})]
    )
    accepted(good)
    pointers = {problem.pointer for problem in refused(wrong).problems}
    assert {"/envelope/child/nhsNumber", "/envelope/proposedRecipients/0/ground"} <= pointers
    assert "1234567890" not in repr(wrong)
    assert [problem.pointer for problem in refused(nothing).problems] == ["/envelope/eventType"]


@pytest.mark.parametrize(
    ("caller", "why"),
    [
        (system(scopes=frozenset({"inbox"})), "NOT_PERMITTED"),
        (system("nobody-here"), "NOT_PERMITTED"),
        (system(POLICE), "NOT_PERMITTED"),  # publishes on Kafka
    ],
)
def test_who_may_not_publish_here_is_refused(bench: Bench, caller: Caller, why: str) -> None:
    """Without the scope, without a place in the rules, or with a door of its own."""
    assert refused(bench.gateway.publish(caller, bench.document(), idempotency_key=None)).why == why
    assert refused(bench.gateway.preview(caller, bench.document())).why == why
    assert bench.kafka.records == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sourceOrg", {"category": "SCHOOL", "scheme": "URN", "id": "990004"}),
        ("sourceOrg", {"category": "POLICE", "scheme": None, "id": None}),
        ("masaId", "eastmarch"),
    ],
)
def test_publishing_as_another_is_refused_and_on_record(bench: Bench, path: str, value: Any) -> None:
    """The envelope may not speak for anybody but the token's agency."""
    document = bench.document()
    document["envelope"][path] = value
    answer = refused(bench.gateway.publish(system(), document, idempotency_key=None))
    assert "SPOOFED_SOURCE" in {problem.code for problem in answer.problems}
    assert bench.operations() == [("access.refused", f"{SCHOOL}/{SCHOOL}-mis", SCHOOL)]


def test_an_event_that_is_too_large_is_refused(bench: Bench) -> None:
    """256 KiB encoded, as the router takes it; said before anything is written."""
    document = bench.document()
    document["envelope"]["relatedPersons"] = None
    document["envelope"]["proposedRecipients"] = [
        {"agency": f"a{n}", "judgement": "CONFIRMED", "decidedBy": "STANDING_ADOPTION", "reasonDigest": "f" * 64}
        for n in range(4_000)
    ]
    assert refused(bench.gateway.publish(system(), document, idempotency_key=None)).why == "TOO_LARGE"


def test_who_sent_it_and_how_they_judged_is_on_record(bench: Bench) -> None:
    """By person, as a pseudonym; once, however often it is sent (L-02, A-01)."""
    judgement = {"agency": "northshire-csc", "judgement": "WITHHELD", "ground": "DETRIMENT",
                 "decidedBy": "NAMED_DECISION_MAKER"}  # fmt: skip
    document = bench.document()
    document["envelope"]["proposedRecipients"] = [judgement]
    for _ in range(2):
        answer = accepted(bench.gateway.publish(person(), document, idempotency_key="k"))
    told = set(bench.operations())
    assert len(told) == 1
    ((kind, actor, target),) = told
    assert (kind, target) == ("event.submitted", answer.event_id)
    assert "dsl@oakfield" not in actor
    assert b"withheld.DETRIMENT" in (bench.outbox()[0].value or b"")


@pytest.mark.parametrize("hostile", ["\0", "\ud800", "x" * 5_000, "'; DROP TABLE outbox; --", ["a"], {"a": None}, 7])
def test_nonsense_where_an_id_belongs_is_refused_and_nothing_worse(bench: Bench, hostile: Any) -> None:
    """Never an error of ours, whatever stands there."""
    document = bench.document()
    document["envelope"]["eventId"] = hostile
    assert refused(bench.gateway.publish(system(), document, idempotency_key="k")).why == "INVALID"
    if isinstance(hostile, str):
        assert refused(bench.gateway.publish(system(), bench.document(), idempotency_key=hostile)).why == "INVALID"
        assert bench.gateway.outcome(system(), hostile) is None
        assert bench.gateway.open(person(), hostile) is None
        assert not bench.gateway.end_delegation(person(), hostile)
        until = bench.now + DAY_MS
        answer = bench.gateway.delegate(person(), hostile, to_role=None, to_subject=hostile, until=until)
        assert refused(answer).why == "INVALID"
    assert bench.kafka.records == []


def test_nothing_works_before_there_are_rules(bench: Bench) -> None:
    """Answers come from the rules in force, never from none."""
    bench.gateway._parts.__dict__["rules"] = RulesInForce(bench.pseudonymiser)
    assert bench.gateway.unavailable() == "rules in force"
    with pytest.raises(RetryLater):
        bench.gateway.publish(system(), bench.document(), idempotency_key=None)


# --- before and after ---


def test_a_preview_shows_who_would_get_which_field_and_hears_the_sender(bench: Bench) -> None:
    """Each candidate with reasons in words; a recipient that the sender vetoes is not told; nothing is written."""
    found = bench.gateway.preview(person(), bench.document())
    assert isinstance(found, Preview)
    told = {each.agency: each for each in found.candidates if each.outcome == "DELIVERED"}
    desk = told["northshire-attendance"]
    assert desk.may_withhold
    assert desk.gets
    assert all(reason.endswith((".", ")")) for reason in desk.reasons)
    assert any(field.label == "Child: name" for field in desk.gets)
    document = bench.document()
    document["envelope"]["proposedRecipients"] = [
        {
            "agency": "northshire-attendance",
            "judgement": "WITHHELD",
            "ground": "DETRIMENT",
            "decidedBy": "NAMED_DECISION_MAKER",
        }
    ]
    vetoed = bench.gateway.preview(person(), document)
    assert isinstance(vetoed, Preview)
    assert {each.agency: each.outcome for each in vetoed.candidates}["northshire-attendance"] == "WITHHELD"
    assert (bench.kafka.records, bench.outbox()) == ([], [])


def in_the_ledger(bench: Bench, event_id: str, source: str, *outcomes: dict[str, Any]) -> None:
    writer = LedgerWriter(bench.url, AUDIT)
    try:
        value = encode_record("audit", audit(0, outcomes=outcomes, eventId=event_id, source=source))
        writer.write([audit_row_reader().rows(0, 0, NOW_MS, value)], {0: (None, 1)})
    finally:
        writer.close()


def test_the_publisher_learns_what_became_of_its_event_and_nobody_else_does(bench: Bench) -> None:
    """Pending, then every candidate with its answer as a code; whom the register found is a category only (P-10)."""
    event_id = accepted(bench.gateway.publish(system(), bench.document(), idempotency_key="k")).event_id
    pending = bench.gateway.outcome(system(), event_id)
    assert pending is not None
    assert pending.disposition == "PENDING"
    found_by_register = {"reasons": ["ALLOWED", "RELATIONSHIP_REGISTER"]}
    in_the_ledger(
        bench, event_id, SCHOOL,
        outcome(1, OTHER_SCHOOL), outcome(1, "northshire-csc", reasons=["ALLOWED"]),
        outcome(1, "northshire-locality-teams", **found_by_register),
        outcome(1, "little-acorns-nursery", "DENIED", reasons=["CONFLICT_OF_INTEREST"]),
    )  # fmt: skip
    (identity,) = delivered(bench.url, record(agency=OTHER_SCHOOL))
    with connect(bench.url) as connection:
        connection.execute("UPDATE gateway_delivery SET event_id = %s", (event_id,))
    bench.gateway.acknowledge(person(OTHER_SCHOOL), identity, "ASK_MORE", lease=None, note_code="CALL_US")
    decided = bench.gateway.outcome(system(), event_id)
    assert decided is not None
    shown = {each.agency: (each.outcome, each.state, each.acknowledged, each.note) for each in decided.recipients}
    assert shown == {
        OTHER_SCHOOL: ("DELIVERED", "ACKNOWLEDGED", "ASK_MORE", "CALL_US"),
        "northshire-csc": ("DELIVERED", "SENT", None, None),
        None: ("DELIVERED", "SENT", None, None),
        "little-acorns-nursery": ("DENIED", None, None, None),
    }
    assert {each.category for each in decided.recipients if each.agency is None} == {"LA_CSC"}
    for other in (system(OTHER_SCHOOL), system(scopes=frozenset({"inbox"}))):
        assert bench.gateway.outcome(other, event_id) is None
    assert bench.told.counts["refused outcome"] == 1


# --- receiving ---


def test_opening_shows_the_delivery_and_is_recorded_every_time_by_person(bench: Bench) -> None:
    """Picked up once (D-01), an operation each time (P-11); reasons and categories come from the ledger."""
    (identity,) = delivered(bench.url, record())
    in_the_ledger(
        bench, "01a0fd32-2d00-7000-8000-000000000001", POLICE,
        outcome(1, SCHOOL, withheld=[{"reason": "ROLE_CEILING", "paths": ["envelope.relevanceReason"]}]),
        outcome(1, "northshire-csc"), outcome(1, "little-acorns-nursery", "DENIED"),
    )  # fmt: skip
    for who in (person(), person(), person(subject="deputy")):
        found = bench.gateway.open(who, identity)
        assert found is not None
    assert found.event is not None
    assert found.event["envelope"]["eventType"] == INCIDENT
    assert (found.state, found.role_titles, found.from_area) == (
        "PICKED_UP", ("Designated safeguarding lead",), "Northshire Safeguarding Children Partnership",
    )  # fmt: skip
    assert [(each.reason, [field.label for field in each.fields]) for each in found.withheld] == [
        ("ROLE_CEILING", ["Relevance reason"])
    ]
    assert found.also_told == ("LA_CSC",)
    assert [contact.phone for contact in found.contacts] == ["01632 960001", "01632 960002"]
    assert [(each["kind"], each["role"]) for each in bench.receipts()] == [("PICKED_UP", "dsl")]
    opened = [actor for kind, actor, target in bench.operations() if (kind, target) == ("delivery.opened", identity)]
    assert (len(opened), len(set(opened))) == (3, 2)


@pytest.mark.parametrize(
    ("caller", "delivery"),
    [
        (person(OTHER_SCHOOL), "theirs"),
        (system(OTHER_SCHOOL), "theirs"),
        (person(SCHOOL, "bursar", "safeguarding-contact"), "theirs"),  # a role it was not delivered to
        (person(scopes=frozenset({"publish"})), "theirs"),
        (person(), "01a0fd32-2d00-7000-8000-00000000dead"),
        (person(), "../gateway_delivery' OR 1=1 --"),
    ],
)
def test_what_is_not_yours_looks_as_if_it_were_not_there(bench: Bench, caller: Caller, delivery: str) -> None:
    """Opening and acknowledging answer the same for another agency's, another role's and no delivery; on record."""
    (identity,) = delivered(bench.url, record())
    wanted = identity if delivery == "theirs" else delivery
    assert bench.gateway.open(caller, wanted) is None
    assert bench.gateway.acknowledge(caller, wanted, "NOTED", lease=None) == NotFound(wanted)
    assert [kind for kind, _, _ in bench.operations()] == ["access.refused", "access.refused"]
    assert all("OR 1=1" not in target for _, _, target in bench.operations())
    assert bench.receipts() == []


@pytest.mark.parametrize("state", ["FROZEN", "RECALLED"])
def test_a_frozen_or_recalled_delivery_is_closed_to_its_own_agency_too(bench: Bench, state: str) -> None:
    """It learns that it was taken back and whom to ring, and nothing of what it said; others learn nothing."""
    (identity,) = delivered(bench.url, record())
    with connect(bench.url) as connection:
        connection.execute("UPDATE gateway_delivery SET state = %s", (state,))
    found = bench.gateway.open(person(), identity)
    assert isinstance(found, TakenBack)
    assert (found.delivery_id, bool(found.contacts)) == (identity, True)
    assert bench.gateway.open(person(OTHER_SCHOOL), identity) is None
    assert bench.gateway.acknowledge(person(), identity, "NOTED", lease=None) == Conflict(identity, "TAKEN_BACK")
    assert bench.gateway.poll(system(), limit=5, lease_seconds=60) == ()
    assert bench.gateway.inbox(person()) == []


def test_polling_leases_the_content_and_the_first_acknowledgement_stands(bench: Bench) -> None:
    """Idempotent with the same lease; a lost lease and another outcome are conflicts (D-02, D-06)."""
    delivered(bench.url, record(1), record(2, OTHER_SCHOOL))
    (mine,) = bench.gateway.poll(system(), limit=5, lease_seconds=60)
    assert bench.gateway.poll(system(), limit=5, lease_seconds=60) == ()
    assert mine.value == record(1).value
    assert bench.gateway.acknowledge(system(), mine.delivery_id, "NOTED", lease=None) == Conflict(
        mine.delivery_id, "LEASED"
    )
    bench.now += 61_000
    (again,) = bench.gateway.poll(system(), limit=5, lease_seconds=60)
    lost = bench.gateway.acknowledge(system(), mine.delivery_id, "NOTED", lease=mine.lease)
    assert lost == Conflict(mine.delivery_id, "LEASE_LOST")
    done = bench.gateway.acknowledge(system(), again.delivery_id, "REFERRED_ON", lease=again.lease)
    assert done == Acknowledged(again.delivery_id, "REFERRED_ON", bench.now)
    bench.now += 1
    for lease, wanted in ((again.lease, "REFERRED_ON"), (again.lease, "NOTED"), (mine.lease, "REFERRED_ON")):
        answer = bench.gateway.acknowledge(system(), again.delivery_id, wanted, lease=lease)  # type: ignore[arg-type]
        expected = AlreadyAcknowledged if (lease, wanted) == (again.lease, "REFERRED_ON") else Conflict
        assert isinstance(answer, expected)
    assert [(each["kind"], each["outcome"]) for each in bench.receipts()] == [
        ("PICKED_UP", None), ("ACKNOWLEDGED", "REFERRED_ON"),
    ]  # fmt: skip
    assert [kind for kind, _, _ in bench.operations()] == [
        "delivery.claimed", "delivery.claimed", "delivery.acknowledged",
    ]  # fmt: skip


def test_a_person_may_acknowledge_what_software_holds_and_only_one_of_two_counts(bench: Bench) -> None:
    """Somebody has read it; the software is told that it was too late, a colleague that it was done."""
    delivered(bench.url, record())
    (held,) = bench.gateway.poll(system(), limit=5, lease_seconds=60)
    assert bench.gateway.inbox(person())[0].leased
    bench.gateway.acknowledge(person(), held.delivery_id, "ACTION_TAKEN", lease=None)
    late = bench.gateway.acknowledge(system(), held.delivery_id, "NOTED", lease=held.lease)
    colleague = bench.gateway.acknowledge(person(subject="other"), held.delivery_id, "ACTION_TAKEN", lease=None)
    twice = bench.gateway.acknowledge(person(), held.delivery_id, "ACTION_TAKEN", lease=None)
    assert isinstance(late, Conflict)
    assert isinstance(colleague, Conflict)
    assert colleague.outcome == "ACTION_TAKEN"
    assert isinstance(twice, AlreadyAcknowledged)


def test_the_list_is_by_urgency_and_due_time_and_for_ones_roles(bench: Bench) -> None:
    """Nothing about a child; what is acknowledged is gone; software gets no list."""
    wanted = delivered(
        bench.url,
        record(1, envelope__urgency="ROUTINE"),
        record(2, envelope__urgency="IMMEDIATE"),
        record(3, envelope__urgency="ROUTINE", roles="safeguarding-contact"),
    )
    bench.now = NOW_MS + DAY_MS + 1
    lines = bench.gateway.inbox(person())
    assert [line.delivery_id for line in lines] == [wanted[1], wanted[0]]
    assert all(line.overdue for line in lines)
    bench.gateway.acknowledge(person(), wanted[1], "NOTED", lease=None)
    assert [line.delivery_id for line in bench.gateway.inbox(person())] == [wanted[0]]
    assert bench.gateway.inbox(system()) == ()


def test_a_role_is_handed_to_a_deputy_until_a_day(bench: Bench) -> None:
    """To a role or to a colleague; not onwards, not for ever, and each on record (D-09)."""
    (identity,) = delivered(bench.url, record())
    deputy, colleague = person(SCHOOL, "dep", "deputy-dsl"), person(SCHOOL, "col", "safeguarding-contact")
    until = bench.now + DAY_MS
    assert bench.gateway.open(deputy, identity) is None
    given = bench.gateway.delegate(person(), "dsl", to_role="deputy-dsl", to_subject=None, until=until)
    assert isinstance(given, Delegation)
    assert bench.gateway.delegate(person(), "dsl", to_role=None, to_subject="col", until=until)
    for who in (deputy, colleague):
        assert [line.delivery_id for line in bench.gateway.inbox(who)] == [identity]
        assert bench.gateway.open(who, identity) is not None
        assert [each.mine for each in bench.gateway.delegations(who)] == [False]
    refused(bench.gateway.delegate(deputy, "dsl", to_role=None, to_subject="x", until=until))
    refused(
        bench.gateway.delegate(person(), "dsl", to_role="deputy-dsl", to_subject=None, until=bench.now + 100 * DAY_MS)
    )
    refused(bench.gateway.delegate(person(), "dsl", to_role="no-such", to_subject=None, until=until))
    assert not bench.gateway.end_delegation(deputy, given.delegation_id)
    assert bench.gateway.end_delegation(person(), given.delegation_id)
    assert bench.gateway.inbox(deputy) == []
    bench.now = until
    assert bench.gateway.inbox(colleague) == []
    kinds = [kind for kind, _, _ in bench.operations() if kind.startswith("role.")]
    assert kinds == ["role.delegated", "role.delegated", "role.delegation-ended"]


def test_the_caller_sees_its_own_agency_and_what_it_may_publish(bench: Bench) -> None:
    """For the forms of the browser; an agency outside the rules has no profile."""
    profile = bench.gateway.profile(person())
    assert profile is not None
    assert (profile.category, profile.area_name, dict(profile.my_roles)) == (
        "SCHOOL", "Northshire Safeguarding Children Partnership", {"dsl": "Designated safeguarding lead"},
    )  # fmt: skip
    may = {each.name for each in bench.gateway.event_types(person()) if each.may_publish}
    assert ABSENCE in may
    assert INCIDENT not in may
    assert bench.gateway.profile(person("nobody-here")) is None
