"""Ladders: when a step is due, whom it tells, and when it is gathered; on the shipped area."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from connectors.postgres.followup_ladder import Gathered
from connectors.postgres.followup_store import Delivery, EarlyReceipt
from schemas.codec import decode_event
from schemas.registry import load_event_types
from streams.followup import life
from streams.followup.addressing import told
from streams.followup.escalation import Climb, Taken, climb, ground_of, phone_by, scheduled
from streams.followup.notices import Step, digests, recipients_of, sort_notices
from streams.followup.voice import Lateness, Level, Recipient, Voice
from streams.policy.artefact import Document, compile_areas
from streams.policy.facts import EpochMillis
from streams.policy.follow_up_build import FollowUp, build_follow_up
from streams.policy.load import load_areas

AREAS = Path(__file__).parents[3] / "deploy" / "areas"
DAY = date(2026, 11, 2)


@cache
def shipped_document() -> Document:
    return compile_areas(load_areas(AREAS / "northshire", DAY), load_event_types(), DAY).document()


@cache
def shipped() -> FollowUp:
    return build_follow_up(shipped_document())


def at(text: str) -> int:
    """A London time in winter."""
    return round(datetime.fromisoformat(text + "+00:00").timestamp() * 1000)


def delivery(**changes: Any) -> Delivery:
    """A referral to the front door on a Wednesday at ten, to be acknowledged within a working day."""
    plain: dict[str, Any] = {
        "delivery_id": "11111111-1111-5111-8111-111111111111", "event_id": "22222222-2222-5222-8222-222222222222",
        "event_type": "police.public-protection-notice", "agency": "northshire-csc", "source": "northshire-police",
        "roles": ["front-door"], "area": "northshire", "clock": "1WD", "urgency": "URGENT", "protection": "NONE",
        "restricted": False, "subject": None, "available_at": at("2026-11-25T10:00"), "ack_by": at("2026-11-27T00:00"),
        "pick_up_by": None, "state": "AVAILABLE", "outcome": None, "picked_up_at": None, "acknowledged_at": None,
        "acknowledged_role": None, "step": 0, "next_due": None, "recalled_by": None, "answer": None,
    }  # fmt: skip
    return Delivery(**(plain | changes))


def immediate(**changes: Any) -> Delivery:
    """An immediate one at ten in the evening, to be acknowledged within the hour."""
    times = {"available_at": at("2026-11-25T22:00"), "ack_by": at("2026-11-25T23:00"), "clock": "PT1H"}
    return delivery(**({"urgency": "IMMEDIATE", "event_type": "missing.episode-started", **times} | changes))


def request(**changes: Any) -> Delivery:
    asked = {"event_type": "control.information-request", "urgency": "ROUTINE", "agency": "northshire-community-health"}
    return delivery(**({**asked, "roles": ["safeguarding-contact"]} | changes))


def climbed(given: Delivery, now: str) -> Climb:
    ground = ground_of(given, shipped())
    assert ground is not None
    return climb(given, ground, EpochMillis(at(now)))


def steps_of(given: Delivery, now: str) -> list[tuple[int, str, str]]:
    return [(t.number, t.level.value, t.reason.value) for t in climbed(given, now).taken]


# --- when


def test_a_ladder_that_waits_begins_when_the_office_opens() -> None:
    """A deadline at midnight is complained of at nine, and the next step four hours after that."""
    open_ = scheduled(delivery(), shipped())
    assert (open_.step, open_.pick_up_by, open_.next_due) == (1, None, at("2026-11-27T09:00"))
    assert climbed(open_, "2026-11-27T08:59").taken == ()
    first = climbed(open_, "2026-11-27T09:00")
    assert [t.level for t in first.taken] == [Level.REMINDER]
    assert (first.step, first.next_due) == (2, at("2026-11-27T13:00"))


def test_a_ladder_that_tells_goes_on_at_night() -> None:
    """What is immediate is chased within the night, and the night team hears."""
    open_ = scheduled(immediate(), shipped())
    assert (open_.step, open_.pick_up_by, open_.next_due) == (0, at("2026-11-25T22:15"), at("2026-11-25T22:15"))
    assert steps_of(open_, "2026-11-25T23:15") == [
        (0, "REMINDER", "NOT_PICKED_UP"),
        (1, "REMINDER", "NOT_ACKNOWLEDGED"),
        (2, "DEPUTY", "NOT_ACKNOWLEDGED"),
    ]
    assert all(t.out_of_hours for t in climbed(open_, "2026-11-25T23:15").taken)


def test_who_has_opened_is_not_reminded_to() -> None:
    """The pick-up rung is passed in silence; the deadline to acknowledge stands."""
    opened = scheduled(scheduled(immediate(), shipped())._replace(state="PICKED_UP", picked_up_at=1), shipped())
    assert (opened.step, opened.next_due) == (1, at("2026-11-25T23:00"))
    unscheduled = scheduled(immediate(), shipped())._replace(state="PICKED_UP", picked_up_at=1)
    assert steps_of(unscheduled, "2026-11-25T23:00") == [(1, "REMINDER", "NOT_ACKNOWLEDGED")]


def test_after_a_standstill_every_step_is_taken_once_and_the_ladder_ends() -> None:
    """However late the sweep, deadlines are those of the ladder, not of the sweep."""
    open_ = scheduled(delivery(), shipped())
    late = climbed(open_, "2027-02-01T00:00")
    assert [t.level.value for t in late.taken] == [
        "REMINDER", "DEPUTY", "NAMED_LEAD", "DELEGATED_PARTNER", "LEAD_PARTNER",
    ]  # fmt: skip
    assert late.next_due is None
    step_by_step: list[Taken] = []
    given = open_
    ground = ground_of(open_, shipped())
    assert ground is not None
    for hour in range(24 * 40):
        made = climb(given, ground, EpochMillis(at("2026-11-27T00:30") + hour * 3_600_000))
        step_by_step += made.taken
        given = given._replace(step=made.step, next_due=made.next_due)
    assert tuple(step_by_step) == late.taken


def test_scheduling_again_moves_no_clock() -> None:
    """Picking up in the middle of a ladder changes neither its step nor its next deadline."""
    middle = delivery(step=3, next_due=at("2026-12-01T09:00"), state="PICKED_UP")
    assert scheduled(middle, shipped()) == middle


def test_a_pick_up_target_beyond_the_deadline_is_none() -> None:
    """An hour to acknowledge leaves no working day to open a request in."""
    hurried = scheduled(request(clock="PT1H", ack_by=at("2026-11-25T11:00")), shipped())
    assert (hurried.step, hurried.pick_up_by, hurried.next_due) == (1, None, at("2026-11-25T11:00"))


def test_without_a_deadline_nothing_is_escalated() -> None:
    """A delivery that asks for no acknowledgement has no clock."""
    assert scheduled(delivery(clock="NONE", ack_by=None), shipped()).next_due is None


def test_an_escalation_is_not_escalated() -> None:
    """The clock that it speaks of still runs; two ladders for one silence would double every notice."""
    assert scheduled(delivery(event_type="control.escalation"), shipped()).next_due is None


def test_a_request_is_not_answered_by_acknowledging_it() -> None:
    """Its clock runs on after NOTED and after the publisher was told, until there is an answer (L-10)."""
    open_ = scheduled(request(clock="2WD", ack_by=at("2026-11-28T00:00")), shipped())
    receipt = EarlyReceipt("t", 0, 0, open_.delivery_id, open_.delivery_id, open_.event_id, open_.agency,
                           "ACKNOWLEDGED", "NOTED", None, at("2026-11-25T11:00"))  # fmt: skip
    noted = life.receive(open_, receipt).delivery
    assert (noted.state, noted.next_due) == ("ACKNOWLEDGED", open_.next_due)
    assert steps_of(noted._replace(state="CLOSED"), "2026-11-30T09:00") == [(1, "REMINDER", "NO_ANSWER_TO_REQUEST")]


def test_removal_is_chased_on_a_ladder_of_its_own() -> None:
    """A recalled delivery's steps have their own numbers: those of its first life are on record under theirs."""
    recalled = delivery(state="RETRACTED", step=0, next_due=at("2026-11-26T10:00"))
    made = climbed(recalled, "2026-11-26T10:30")
    assert [(t.number, t.reason) for t in made.taken] == [(100, Lateness.REMOVAL_NOT_CONFIRMED)]
    assert made.next_due == at("2026-11-26T11:00")


def test_only_what_is_immediate_demands_a_call() -> None:
    """Within an hour of being available."""
    assert phone_by(immediate(), shipped()) == at("2026-11-25T23:00")
    assert phone_by(delivery(), shipped()) is None


# --- whom


def taken_steps(given: Delivery, now: str = "2027-02-01T00:00") -> list[Step]:
    ground = ground_of(given, shipped())
    assert ground is not None
    return [Step(given, ground, taken, False) for taken in climb(given, ground, EpochMillis(at(now))).taken]


def test_a_school_is_chased_role_by_role() -> None:
    """The lead, the deputy, the contact, then the partners of the area; not all of them at once."""
    school = scheduled(delivery(agency="oakfield-primary", roles=["dsl"]), shipped())
    heard = [[(r.agency, r.role) for r in recipients_of(step, shipped())] for step in taken_steps(school)]
    assert heard[0] == [("oakfield-primary", "dsl")]
    assert heard[1] == [("oakfield-primary", "deputy-dsl")]
    assert heard[2] == [("oakfield-primary", "safeguarding-contact")]
    assert {role for _, role in heard[3]} == {"delegated-safeguarding-partner"}
    assert {agency for agency, _ in heard[4]} == {"northshire-csc", "northshire-icb", "northshire-police"}


def test_a_role_that_may_not_be_addressed_is_replaced_by_the_contact() -> None:
    """The rules let the exchange remind some roles; others hear through their agency's safeguarding contact."""
    desk = scheduled(delivery(agency="northshire-attendance", roles=["attendance-officer"]), shipped())
    assert recipients_of(taken_steps(desk)[0], shipped()) == (
        Recipient("northshire-attendance", "safeguarding-contact"),
    )


def test_at_night_the_duty_team_hears_too() -> None:
    """Whoever answers at night is told beside the one who does not."""
    step = taken_steps(scheduled(immediate(), shipped()), "2026-11-25T23:00")[-1]
    assert Recipient("northshire-csc", "emergency-duty-team") in recipients_of(step, shipped())
    day = taken_steps(scheduled(delivery(), shipped()), "2026-11-27T09:00")[-1]
    assert Recipient("northshire-csc", "emergency-duty-team") not in recipients_of(day, shipped())


def test_of_a_restricted_delivery_only_restricted_roles_hear() -> None:
    """No step of the ladder tells a deputy or a partner that the restricted lane holds something (P-08)."""
    sealed = scheduled(immediate(restricted=True, roles=["restricted-lane-officer"]), shipped())
    area = shipped().areas["northshire"]
    for step in taken_steps(sealed):
        heard = recipients_of(step, shipped())
        assert heard
        assert {each.role for each in heard} <= area.restricted_roles


def test_a_step_that_finds_nobody_tells_the_front_door() -> None:
    """A publisher that has left the rule set is told through whoever answers for the children of the area."""
    ground = ground_of(immediate(), shipped())
    assert ground is not None
    assert ground.ladder.phone is not None
    stray = delivery(source="somebody-else")
    heard = told(ground.ladder.phone.tell, stray, ground.area, shipped(), out_of_hours=False)
    assert {each.agency for each in heard} == {"northshire-csc"}


# --- how many


VOICES = {"northshire": Voice(area="northshire")}


def many(count: int, **changes: Any) -> list[tuple[Step, tuple[Recipient, ...]]]:
    made = []
    for number in range(count):
        given = scheduled(delivery(delivery_id=f"{number:08d}-1111-5111-8111-111111111111", **changes), shipped())
        step = taken_steps(given, "2026-11-27T09:00")[0]
        made.append((step, recipients_of(step, shipped())))
    return made


def test_a_storm_becomes_a_digest_at_the_end_of_the_hour() -> None:
    """Ten notices one by one, the other five together."""
    now = EpochMillis(at("2026-11-27T09:00"))
    out = sort_notices(many(15), VOICES, shipped(), {}, now)
    assert len(out.records) == 10
    assert [each.flush_at for each in out.gathered] == [at("2026-11-27T10:00")] * 5
    assert out.sent == Counter({("northshire-csc", "front-door"): 10})


def test_what_was_sent_before_in_the_hour_counts() -> None:
    """Sweeps a second apart share one limit."""
    now = EpochMillis(at("2026-11-27T09:00"))
    out = sort_notices(many(3), VOICES, shipped(), {("northshire-csc", "front-door"): 9}, now)
    assert (len(out.records), len(out.gathered)) == (1, 2)


def test_the_restricted_lane_and_the_immediate_are_never_gathered() -> None:
    """However many: a life is not told in a list, and a sealed record not beside others."""
    now = EpochMillis(at("2026-11-27T09:00"))
    for changes in (
        {"urgency": "IMMEDIATE", "event_type": "missing.episode-started"},
        {"restricted": True, "roles": ["restricted-lane-officer"]},
    ):
        out = sort_notices(many(15, **changes), VOICES, shipped(), {}, now)
        assert (len(out.records), len(out.gathered)) == (15, 0)


def test_information_waits_for_the_daily_digest() -> None:
    """Not one notice of its own (D-10)."""
    now = EpochMillis(at("2026-11-27T09:00"))
    out = sort_notices(many(2, urgency="INFORMATION"), VOICES, shipped(), {}, now)
    assert out.records == []
    assert {each.flush_at for each in out.gathered} == {at("2026-11-30T09:00")}  # the next working day


def test_a_digest_names_what_is_still_waited_for() -> None:
    """Answered ones are left out; a digest of none is not sent; it says how many and since when, by reference."""
    one, other = delivery(), delivery(delivery_id="3" * 36, event_id="4" * 36)
    rows = [
        Gathered("northshire-csc", "front-door", "NONE", 500, "northshire", each.delivery_id, 1, due)
        for each, due in ((one, 200), (other, 100))
    ]
    assert digests(rows, {}, VOICES, shipped()) == []
    both = digests(rows, {each.delivery_id: each for each in (one, other)}, VOICES, shipped())
    assert len(both) == 1
    event = decode_event(both[0].value or b"", schema_ids=None, event_types=load_event_types()).datum
    assert (event["kind"], event["count"]) == ("DIGEST", 2)
    assert event["eventIds"] == [other.event_id, one.event_id]  # the oldest first
    assert event["envelope"]["proposedRecipients"][0]["agency"] == "northshire-csc"
    left = digests(rows, {one.delivery_id: one}, VOICES, shipped())
    assert decode_event(left[0].value or b"", schema_ids=None, event_types=load_event_types()).datum["count"] == 1
