"""What the exchange says: valid, repeatable, without a child, and told by the shipped rules to whom it names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.publisher import Outgoing
from schemas.codec import decode_event
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from schemas.validation import validate
from schemas.vocabulary import Disposition, OutcomeKind
from streams.followup import voice as say
from streams.followup.voice import About, Door, Lateness, Level, NoticeKind, Recipient, Voice
from streams.policy.artefact import compile_areas
from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.facts import AgencyId, EpochMillis, LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet
from streams.policy.load import load_areas

AREAS = Path(__file__).parents[3] / "deploy" / "areas"
PSEUDONYMISER = Pseudonymiser(b"nobody is hidden behind this key")
TODAY = date(2026, 10, 1)
AT = EpochMillis(int(datetime(2026, 10, 5, 9, tzinfo=UTC).timestamp() * 1000))
EVENT = "01990c3a-7b2e-7c41-9d3f-5a1be0c47d12"
NORTH, EAST = Voice(area="northshire"), Voice(area="eastmarch")
INCIDENT = About(EVENT, "police.domestic-abuse-incident", "PROTECTED", False)
SEALED = INCIDENT._replace(restricted=True)
SCHOOL, FRONT_DOOR = Recipient("oakfield-primary", "safeguarding-contact"), Recipient("northshire-csc", "front-door")

Made = Callable[[About], Outgoing]
MESSAGES: dict[str, tuple[Made, set[str]]] = {
    "escalation": (
        lambda about: say.escalation(
            NORTH, about, delivery_id="d1", step=2, level=Level.NAMED_LEAD, reason=Lateness.NOT_PICKED_UP,
            to=[SCHOOL, Recipient("northshire-icb", "delegated-safeguarding-partner")], due_at=AT - 1, at=AT,
        ),
        {"oakfield-primary", "northshire-icb"},
    ),
    "outcome": (
        lambda about: say.acknowledged(
            NORTH, about, delivery_id="d1", receipt_id="r1", outcome="NOTED", publisher="northshire-police", at=AT
        ),
        {"northshire-police"},
    ),
    "retraction": (
        lambda about: say.recall_notice(
            NORTH, about, recall_id="c1", delivery_id="d1", to=SCHOOL, ground="WRONG_CHILD", remove_by=AT + 1, at=AT
        ),
        {"oakfield-primary"},
    ),
    "correction": (
        lambda about: say.recall_notice(
            NORTH, about, recall_id="c1", delivery_id="d2", to=Recipient("eastmarch-primary", "safeguarding-contact"),
            ground="INACCURATE", remove_by=AT + 1, corrected_fields=["incidentDate"], at=AT,
        ),
        {"eastmarch-primary"},
    ),
    "notice": (
        lambda about: say.notice(
            NORTH, NoticeKind.PATTERN, says="p/2026-10-05", to=[FRONT_DOOR], rule_id="three-in-28-days",
            rule_text="Three events in 28 days", event_ids=[EVENT], source_categories=["POLICE"], about=about, at=AT,
        ),
        {"northshire-csc"},
    ),
    "digest": (
        lambda about: say.digest(
            NORTH, says="oakfield/2026-10-05", to=[SCHOOL], event_ids=[EVENT], count=40, about=about, at=AT
        ),
        {"oakfield-primary"},
    ),
}  # fmt: skip


@cache
def rules() -> RuleSet:
    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(PSEUDONYMISER.locator(scheme, code))

    types = load_event_types()
    return RuleSet.build(compile_areas(tuple(load_areas(AREAS / "northshire", TODAY)), types, TODAY), types, token)


def decided(record: Outgoing, source: str) -> Decision:
    made = decode_event(record.value or b"")
    return decide(facts_from_datum(made.event_type, made.datum, AgencyId(source), PSEUDONYMISER), rules(), AT)


def delivered(record: Outgoing, source: str) -> set[str]:
    return {each.agency for each in decided(record, source).outcomes if each.kind is OutcomeKind.DELIVERED}


def envelope(record: Outgoing) -> dict[str, Any]:
    found: dict[str, Any] = decode_event(record.value or b"").datum["envelope"]
    return found


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_may_be_published_and_reaches_exactly_whom_it_names(name: str) -> None:
    """Also in the other area, for whoever got the original must hear that it was wrong."""
    made, named = MESSAGES[name]
    record = made(INCIDENT)
    read = decode_event(record.value or b"")
    assert not validate(read.event_type, read.datum, received_at_ms=AT, allow_synthetic=False)
    assert record.topic == "agency.northshire-exchange.outbox"
    assert delivered(record, "northshire-exchange") == named


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_holds_no_child_no_place_and_no_account(name: str) -> None:
    """Each of these would be one more copy of what the original may have said wrongly."""
    said = envelope(MESSAGES[name][0](INCIDENT))
    assert set(said["child"].values()) == set(said["settings"].values()) == {None}
    assert (said["area"], said["relevanceReason"], said["relatedPersons"]) == ({"gss": None}, None, None)
    assert (said["sourceRef"], said["contact"]["phone"], said["sourceOrg"]["id"]) == (None, None, None)
    assert (said["supersedes"], said["addressProtection"]) == (EVENT, "PROTECTED")


@pytest.mark.parametrize("name", MESSAGES)
def test_saying_it_again_is_the_same_record(name: str) -> None:
    """Same id and same bytes: the router drops it as a repeat and refuses nothing."""
    made = MESSAGES[name][0]
    assert made(INCIDENT) == made(INCIDENT)


def test_messages_that_say_something_else_have_other_ids() -> None:
    """Neither two kinds, nor two steps, nor two areas share one."""
    records = [made(INCIDENT) for made, _ in MESSAGES.values()]
    records += [
        say.escalation(
            speaker, INCIDENT, delivery_id="d1", step=3, level=Level.LEAD_PARTNER, reason=Lateness.NOT_PICKED_UP,
            to=[SCHOOL], due_at=AT, at=AT,
        )
        for speaker in (NORTH, EAST)
    ] + [say.heartbeat(speaker, at=at) for speaker in (NORTH, EAST) for at in (AT, AT + 1)]  # fmt: skip
    assert len({envelope(record)["eventId"] for record in records}) == len(records)


@pytest.mark.parametrize("name", sorted(set(MESSAGES) - {"outcome"}))
def test_what_is_said_of_a_sealed_record_reaches_no_ordinary_role(name: str) -> None:
    """That a sealed record exists must not show in an ordinary inbox (P-08)."""
    record = MESSAGES[name][0](SEALED)
    assert envelope(record)["handling"]["restricted"]
    assert delivered(record, "northshire-exchange") == set()


def test_the_outcome_of_a_sealed_event_reaches_a_publisher_that_is_cleared_for_it() -> None:
    """The rules know which of its roles may; one without such a role hears nothing."""
    told = {
        publisher: delivered(
            say.acknowledged(
                NORTH, SEALED, delivery_id="d", receipt_id="r", outcome="NOTED", publisher=publisher, at=AT
            ),
            "northshire-exchange",
        )
        for publisher in ("northshire-police", "oakfield-primary")
    }
    assert told == {"northshire-police": {"northshire-police"}, "oakfield-primary": set()}


@pytest.mark.parametrize("name", ["retraction", "correction", "notice", "digest"])
def test_nobody_else_can_speak_with_the_voice_of_the_exchange(name: str) -> None:
    """The same words from a police force reach nobody whom they name, at most an exchange."""
    assert delivered(MESSAGES[name][0](INCIDENT), "northshire-police") <= {"northshire-exchange"}


def test_an_agency_is_named_beside_no_event() -> None:
    """A school's name beside an event tells where the child is; of a silent agency there is no event."""
    silent = say.notice(NORTH, NoticeKind.SILENT_AGENCY, says="x", to=[FRONT_DOOR], agency="oakfield-primary", at=AT)
    beside = say.notice(
        NORTH, NoticeKind.MISDIRECTED, says="x", to=[FRONT_DOOR], agency="oakfield-primary", event_ids=[EVENT], at=AT
    )
    named = [decode_event(record.value or b"").datum["agency"] for record in (silent, beside)]
    assert named == ["oakfield-primary", None]


def test_a_silent_agency_is_told_to_the_partnership_which_hears_of_no_event() -> None:
    """The monitor's office is addressed in that role and no other."""
    monitor = Recipient("northshire-scp", "partnership-monitor")
    record = say.notice(NORTH, NoticeKind.SILENT_AGENCY, says="x", to=[monitor], agency="oakfield-primary", at=AT)
    assert delivered(record, "northshire-exchange") == {"northshire-scp"}


def test_a_heartbeat_comes_back_to_its_sender_alone() -> None:
    """Under the id by which its sender waits for it."""
    record = say.heartbeat(NORTH, at=AT)
    assert envelope(record)["eventId"] == say.heartbeat_id("northshire", Door.KAFKA, AT)
    assert delivered(record, "northshire-exchange") == {"northshire-exchange"}
    assert delivered(record, "northshire-probe") == {"northshire-probe"}
    assert decided(record, "northshire-scp").disposition is Disposition.UNROUTED


def test_the_probe_s_heartbeat_is_an_event_of_the_http_door() -> None:
    """It may be published as it is, under the probe's own door."""
    datum = say.gateway_heartbeat(NORTH, at=AT)
    assert not validate(load_event_types()[say.HEARTBEAT], datum, received_at_ms=AT, allow_synthetic=False)
    assert (datum["door"], datum["envelope"]["eventId"]) == (
        "GATEWAY",
        say.heartbeat_id("northshire", Door.GATEWAY, AT),
    )
