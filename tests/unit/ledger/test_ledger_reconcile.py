"""The checker finds and names each planted fault, and nothing in a sound exchange."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.codec import encode_record
from streams.ledger.reconcile import reconcile
from streams.ledger.reconcile_view import AuditSeen, InboxSeen, Law, Place, Report
from tests.unit.ledger.world import NOW, OUTBOX, World, audit, delivery_id, outcome, sound_world


def test_a_sound_exchange_has_no_differences_and_is_counted() -> None:
    """Events, audits, deliveries and ledger rows of a sound exchange are counted and agree."""
    report = reconcile(sound_world().view())
    assert report.to_json() == {
        "events": 8,
        "audited": 8,
        "delivered": 6,
        "missing": [],
        "duplicate": [],
        "unexplained": [],
        "waiting": 0,
        "expired": 0,
        "kinds": {"DECIDED": 4, "HELD": 1, "REJECTED": 1, "REPEATED": 1, "UNROUTED": 1},
        "outcomes": {"DELIVERED": 6, "DENIED": 1, "HELD": 1},
        "ledger": {"rows": 8, "behind": 0},
        "totals": {"missing": 0, "duplicate": 0, "unexplained": 0},
        "laws": {},
    }
    assert report.ok


def test_an_empty_exchange_is_sound() -> None:
    """Nothing published, nothing differs."""
    world = World()
    world.stored()
    assert reconcile(world.view()).ok


# --- planted faults ---------------------------------------------------------------------------------------------
def drop_delivery(world: World) -> None:
    del world.inbox[0]


def duplicate_delivery(world: World) -> None:
    world.inbox.append(world.inbox[0]._replace(offset=9))


def deliver_to_another_inbox(world: World) -> None:
    world.inbox[0] = world.inbox[0]._replace(topic="agency.gp.inbox", headers=without(world.inbox[0], "masa-recipient"))


def deliver_to_another_gateway_recipient(world: World) -> None:
    headers = (*without(world.inbox[1], "masa-recipient"), ("masa-recipient", b"school"))
    world.inbox[1] = world.inbox[1]._replace(headers=headers)


def deliver_in_anothers_name(world: World) -> None:
    headers = (*without(world.inbox[0], "masa-recipient"), ("masa-recipient", b"school"))
    world.inbox[0] = world.inbox[0]._replace(headers=headers)


def deliver_without_audit(world: World) -> None:
    world.deliver(outcome(99, "csc"))


def deliver_without_id(world: World) -> None:
    world.inbox.append(InboxSeen("agency.csc.inbox", 0, 9, None, (("masa-rule", b"r"),)))


def deliver_without_rule(world: World) -> None:
    world.inbox[0] = world.inbox[0]._replace(headers=without(world.inbox[0], "masa-rule"))


def remove_audit(world: World) -> None:
    del world.audits[3]


def remove_last_audit(world: World) -> None:
    world.outbox.append(world.outbox[-1]._replace(offset=16))
    world.settings["passed"] = {Place(OUTBOX, 0): 17}


def duplicate_audit(world: World) -> None:
    world.audits.append(world.audits[3]._replace(offset=99))


def audit_of_nothing(world: World) -> None:
    del world.outbox[3]


def unreadable_audit(world: World) -> None:
    world.audits[3] = world.audits[3]._replace(value=b"\xc3\x01 not an audit record")


def same_id_twice(world: World) -> None:
    world.publish()
    again = outcome(0, "csc")
    world.audited(audit(16, outcomes=[again]))


def candidate_twice(world: World) -> None:
    world.change_audit(1, outcomes=[outcome(2, "csc"), outcome(2, "gp", "DENIED"), outcome(2, "gp", "WITHHELD")])


def audited_without_rule(world: World) -> None:
    world.change_audit(1, outcomes=[outcome(2, "csc", rules=[]), outcome(2, "gp", "DENIED")])


def denied_but_delivered(world: World) -> None:
    world.change_audit(1, outcomes=[outcome(2, "csc", "DENIED"), outcome(2, "gp", "DENIED")])


def denied_with_an_id(world: World) -> None:
    changed = outcome(2, "gp", "DENIED", deliveryId=delivery_id(2, "gp"))
    world.change_audit(1, outcomes=[outcome(2, "csc"), changed])


def delivered_though_unrouted(world: World) -> None:
    world.change_audit(3, outcomes=[outcome(6, "csc")])
    world.deliver(outcome(6, "csc"), key=b"another subject")  # which may stand anywhere


def lose_rejected(world: World) -> None:
    world.rejected.clear()


def reject_twice(world: World) -> None:
    world.rejected.append(world.rejected[0]._replace(offset=1))


def alter_rejected_value(world: World) -> None:
    world.rejected[0] = world.rejected[0]._replace(value=world.kept("rejected", 10, value=b"other"))


def alter_rejected_null(world: World) -> None:
    world.outbox[5] = world.outbox[5]._replace(value=b"")
    world.rejected[0] = world.rejected[0]._replace(value=world.kept("rejected", 10, value=None))


def alter_rejected_header(world: World) -> None:
    world.rejected[0] = world.rejected[0]._replace(value=world.kept("rejected", 10, headers=[]))


def reject_what_was_decided(world: World) -> None:
    world.rejected.append(world.rejected[0]._replace(offset=1, value=world.kept("rejected", 0)))


def lose_held(world: World) -> None:
    del world.held[0]


def hold_twice(world: World) -> None:
    world.held.append(world.held[1]._replace(offset=9))


def hold_other_candidates(world: World) -> None:
    world.held[0] = world.held[0]._replace(value=world.kept("held", 4, agencies=["gp"]))


def hold_in_part_what_waits_whole(world: World) -> None:
    world.held[1] = world.held[1]._replace(value=world.kept("held", 8, whole=False))


def unreadable_held(world: World) -> None:
    world.held.append(world.held[0]._replace(offset=9, value=None))


def repeat_with_other_value(world: World) -> None:
    world.outbox[6] = world.outbox[6]._replace(value=b"something else")


def repeat_of_a_later_one(world: World) -> None:
    world.change_audit(6, firstSeen={"topic": OUTBOX, "partition": 0, "offset": 14})


def repeat_of_nothing(world: World) -> None:
    world.change_audit(6, firstSeen={"topic": OUTBOX, "partition": 0, "offset": 1})


def swap_order(world: World) -> None:
    csc = [index for index, seen in enumerate(world.inbox) if seen.topic == "agency.csc.inbox"]
    first, last = csc[0], csc[-1]
    world.inbox[first], world.inbox[last] = (
        world.inbox[last]._replace(offset=world.inbox[first].offset),
        world.inbox[first]._replace(offset=world.inbox[last].offset),
    )


def without(seen: InboxSeen, name: str) -> tuple[tuple[str, bytes | None], ...]:
    return tuple(header for header in seen.headers if header[0] != name)


Fault = Callable[[World], None]
FAULTS: list[tuple[Fault, set[tuple[str, Law]]]] = [
    (drop_delivery, {("missing", Law.DELIVERED_ONCE), ("missing", Law.NOT_TORN)}),
    (duplicate_delivery, {("duplicate", Law.DELIVERED_ONCE)}),
    (
        deliver_to_another_inbox,
        {
            ("unexplained", Law.DELIVERY_EXPLAINED),
            ("missing", Law.DELIVERED_ONCE),
            ("missing", Law.NOT_TORN),
        },
    ),
    (
        deliver_to_another_gateway_recipient,
        {
            ("unexplained", Law.DELIVERY_EXPLAINED),
            ("missing", Law.DELIVERED_ONCE),
            ("missing", Law.NOT_TORN),
        },
    ),
    (
        deliver_in_anothers_name,
        {
            ("unexplained", Law.DELIVERY_EXPLAINED),
            ("missing", Law.DELIVERED_ONCE),
            ("missing", Law.NOT_TORN),
        },
    ),
    (deliver_without_audit, {("unexplained", Law.DELIVERY_EXPLAINED)}),
    (deliver_without_id, {("unexplained", Law.DELIVERY_EXPLAINED)}),
    (deliver_without_rule, {("unexplained", Law.DELIVERY_EXPLAINED)}),
    (remove_audit, {("missing", Law.AUDITED_ONCE)}),
    (remove_last_audit, {("missing", Law.AUDITED_ONCE)}),
    (duplicate_audit, {("duplicate", Law.AUDITED_ONCE)}),
    (audit_of_nothing, {("unexplained", Law.AUDIT_SOUND)}),
    (unreadable_audit, {("unexplained", Law.AUDIT_SOUND), ("missing", Law.AUDITED_ONCE)}),
    (same_id_twice, {("duplicate", Law.IDS_DISTINCT)}),
    (candidate_twice, {("unexplained", Law.AUDIT_SOUND)}),
    (audited_without_rule, {("unexplained", Law.AUDIT_SOUND)}),
    (denied_but_delivered, {("unexplained", Law.DELIVERY_EXPLAINED)}),
    (denied_with_an_id, {("unexplained", Law.AUDIT_SOUND)}),
    (delivered_though_unrouted, {("unexplained", Law.AUDIT_SOUND)}),
    (lose_rejected, {("missing", Law.REJECTED_KEPT)}),
    (reject_twice, {("duplicate", Law.REJECTED_KEPT)}),
    (alter_rejected_value, {("unexplained", Law.REJECTED_KEPT)}),
    (alter_rejected_null, {("unexplained", Law.REJECTED_KEPT)}),
    (alter_rejected_header, {("unexplained", Law.REJECTED_KEPT)}),
    (reject_what_was_decided, {("unexplained", Law.REJECTED_KEPT)}),
    (lose_held, {("missing", Law.HELD_KEPT)}),
    (hold_twice, {("duplicate", Law.HELD_KEPT)}),
    (hold_other_candidates, {("unexplained", Law.HELD_KEPT)}),
    (hold_in_part_what_waits_whole, {("unexplained", Law.HELD_KEPT)}),
    (unreadable_held, {("unexplained", Law.HELD_KEPT)}),
    (repeat_with_other_value, {("unexplained", Law.REPEAT_TRUE)}),
    (repeat_of_a_later_one, {("unexplained", Law.REPEAT_TRUE)}),
    (repeat_of_nothing, {("unexplained", Law.REPEAT_TRUE)}),
    (swap_order, {("unexplained", Law.ORDER_KEPT)}),
]


def laws(report: Report) -> set[tuple[str, Law]]:
    return {(each.verdict, each.law) for each in report.differences}


@pytest.mark.parametrize(("plant", "expected"), FAULTS, ids=[plant.__name__ for plant, _ in FAULTS])
def test_each_planted_fault_is_found_and_named(plant: Fault, expected: set[tuple[str, Law]]) -> None:
    """A fault in the topics breaks exactly the laws that speak about it."""
    world = sound_world()
    plant(world)
    world.stored()
    report = reconcile(world.view())
    assert laws(report) == expected
    assert not report.ok


def test_a_missing_delivery_is_named_with_its_id_agency_and_position() -> None:
    """Who did not get what, and which event it was."""
    world = sound_world()
    drop_delivery(world)
    missing = reconcile(world.view()).to_json()["missing"]
    assert missing[0] == {
        "law": "DELIVERED_ONCE",
        "what": "audited delivery is not in the recipient's inbox",
        "position": {"topic": OUTBOX, "partition": 0, "offset": 0},
        "agency": "csc",
        "inbox": "agency.csc.inbox",
        "deliveryId": delivery_id(0, "csc"),
    }
    assert missing[1]["what"] == "torn: 2 of 3 deliveries of one event are there"


def test_a_delivery_to_the_wrong_recipient_names_both() -> None:
    """The difference says who got it and who should have."""
    world = sound_world()
    deliver_to_another_inbox(world)
    found = reconcile(world.view()).to_json()["unexplained"][0]
    assert (found["agency"], found["audited"]) == ("gp", "csc")
    assert found["position"] == {"topic": "agency.gp.inbox", "partition": 0, "offset": 0}


# --- the ledger -------------------------------------------------------------------------------------------------
def lose_row(world: World) -> None:
    assert world.events is not None
    del world.events[2]


def double_row(world: World) -> None:
    assert world.events is not None
    world.events.append(world.events[2])


def alter_column(world: World) -> None:
    assert world.events is not None
    world.events[2] = world.events[2]._replace(kind="UNROUTED")


def alter_bytes(world: World) -> None:
    assert world.events is not None
    world.events[2] = world.events[2]._replace(record=world.events[2].record[:-1] + b"\1")


def alter_time(world: World) -> None:
    assert world.events is not None
    world.events[2] = world.events[2]._replace(decided_at=world.events[2].decided_at + 1)


def invent_row(world: World) -> None:
    assert world.events is not None
    world.events.append(world.events[2]._replace(audit_offset=1))


def lose_outcome(world: World) -> None:
    assert world.outcomes is not None
    del world.outcomes[1]


def double_outcome(world: World) -> None:
    assert world.outcomes is not None
    world.outcomes.append(world.outcomes[1])


def alter_outcome(world: World) -> None:
    assert world.outcomes is not None
    world.outcomes[1] = world.outcomes[1]._replace(outcome="DENIED")


def invent_outcome(world: World) -> None:
    assert world.outcomes is not None
    world.outcomes.append(world.outcomes[1]._replace(audit_offset=1))


def store_beyond_progress(world: World) -> None:
    world.settings["progress"] = {0: 3, 1: 99}


LEDGER_FAULTS: list[tuple[Fault, str]] = [
    (lose_row, "missing"),
    (double_row, "duplicate"),
    (alter_column, "unexplained"),
    (alter_bytes, "unexplained"),
    (alter_time, "unexplained"),
    (invent_row, "unexplained"),
    (lose_outcome, "missing"),
    (double_outcome, "duplicate"),
    (alter_outcome, "unexplained"),
    (invent_outcome, "unexplained"),
    (store_beyond_progress, "unexplained"),
]


@pytest.mark.parametrize(("plant", "verdict"), LEDGER_FAULTS, ids=[plant.__name__ for plant, _ in LEDGER_FAULTS])
def test_each_fault_in_the_ledger_is_found_and_named(plant: Fault, verdict: str) -> None:
    """A row lost, doubled, altered or invented breaks the ledger's law and no other."""
    world = sound_world()
    plant(world)
    assert laws(reconcile(world.view())) == {(verdict, Law.LEDGER_EQUAL)}


def test_a_ledger_that_is_behind_is_not_wrong() -> None:
    """Audit records beyond the ledger's progress are counted as behind."""
    world = sound_world()
    world.events, world.outcomes, world.settings["progress"] = [], [], {}
    report = reconcile(world.view())
    assert report.ok
    assert report.ledger_behind == 8


def test_an_unreadable_audit_record_is_in_the_ledger_too() -> None:
    """The ledger mirrors what it cannot read, and the checker expects that."""
    world = sound_world()
    world.audits.append(AuditSeen(0, 77, NOW, b"junk"))
    world.audits.append(AuditSeen(0, 78, -1, None))
    world.stored()
    report = reconcile(world.view())
    assert laws(report) == {("unexplained", Law.AUDIT_SOUND)}
    assert report.ledger_rows == 10


# --- a running exchange -----------------------------------------------------------------------------------------
def test_records_not_yet_routed_wait() -> None:
    """Records beyond the audited point are neither missing nor counted as events."""
    world = sound_world()
    world.publish()
    report = reconcile(world.view())
    assert report.ok
    assert (report.events, report.waiting) == (8, 1)


def test_deliveries_of_unsettled_audits_may_be_visible_or_not() -> None:
    """What was written while the view was taken is explained where it shows, and not missed where it does not."""
    world = sound_world()
    world.publish()
    world.publish()
    for offset in (16, 18):
        world.audited(audit(offset, outcomes=[outcome(offset, "csc")]))
        world.audits[-1] = world.audits[-1]._replace(settled=False)
    del world.inbox[-1]
    world.stored()
    report = reconcile(world.view())
    assert report.ok
    assert (report.events, report.waiting, report.delivered) == (8, 2, 7)


# --- retention --------------------------------------------------------------------------------------------------
def test_what_retention_has_cut_is_counted_not_missed() -> None:
    """Outbox, inbox, kept and audit records that are too old to be there are counted as expired."""
    world = sound_world()
    world.outbox = world.outbox[2:]
    world.inbox = [each for each in world.inbox if each.topic != "agency.csc.inbox" or each.offset > 0]
    world.rejected.clear()
    world.settings |= {
        "outbox_starts": {Place(OUTBOX, 0): 4},
        "kept_since": {"agency.csc.inbox": NOW + 1, "masa.rejected": NOW + 100},
    }
    report = reconcile(world.view())
    assert report.ok
    assert (report.events, report.audited, report.expired) == (8, 8, 4)


def test_ledger_rows_outlive_the_audit_topic() -> None:
    """Rows whose audit record retention has cut are no difference."""
    world = sound_world()
    assert world.events is not None
    assert world.outcomes is not None
    world.events.append(world.events[0]._replace(audit_offset=1))
    world.outcomes.append(world.outcomes[0]._replace(audit_offset=1))
    world.settings["audit_starts"] = {0: 2}
    assert reconcile(world.view()).ok


def test_the_lists_are_bounded_and_the_totals_are_not() -> None:
    """A disaster does not fill the memory; its size is still told."""
    world = sound_world()
    world.inbox.clear()
    report = reconcile(world.view(), limit=2)
    assert len(report.listed("missing")) == 2
    assert report.totals["missing"] == 6


def test_a_forged_position_is_named_and_stops_nothing() -> None:
    """Offsets that no log can have are unreadable audit and kept records."""
    world = sound_world()
    forged = audit(1 << 60)
    world.audits.append(AuditSeen(0, 77, NOW, encode_record("audit", forged)))
    world.held.append(world.held[0]._replace(offset=7, value=world.kept("held", 4, sourceOffset=-5)))
    world.stored()
    assert laws(reconcile(world.view())) == {("unexplained", Law.AUDIT_SOUND), ("unexplained", Law.HELD_KEPT)}


def test_progress_is_told() -> None:
    """Each stream read says how many records went by."""
    told: dict[str, int] = {}
    reconcile(sound_world().view(), progress=told.__setitem__)
    assert told["audits"] == 8
    assert told["inboxes"] == 6
    assert told["ledger outcomes"] == 8
