"""What waited is released on a running exchange: after a stop, after a look, to whom nobody had found."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from streams.cli.people import demo_key_file
from streams.cli.runtime import BadUsage, Refused
from streams.routing.signers import DEMO_PEOPLE
from tests.integration.live_exchange import LiveExchange
from tests.support import wait_for

pytestmark = pytest.mark.integration

INCIDENT = "police.domestic-abuse-incident"
SCHOOL, NOT_FOUND = "oakfield-primary", "unresolved:child.school"
LEAD = DEMO_PEOPLE[0][0]
BY = ("--as", LEAD, "--because", "looked at the record, spoke to the publisher")


def published(live: LiveExchange, **changes: str) -> dict[str, Any]:
    """An incident and what became of it."""
    overrides = {name.replace("__", "."): value for name, value in changes.items()}
    (place,) = live.answers("publish", "-", stdin=live.example(INCIDENT, **overrides))
    (shown,) = live.answers("ledger", "show", place["eventId"], "--json", "--wait", "60")
    return shown


def outcome(shown: dict[str, Any], agency: str) -> dict[str, Any] | None:
    return next((each for each in shown["outcomes"] if each["agency"] == agency), None)


def told(live: LiveExchange, shown: dict[str, Any], agency: str) -> dict[str, Any]:
    """The agency's outcome, once it was delivered."""

    def delivered() -> dict[str, Any] | None:
        now = outcome(live.answers("ledger", "show", shown["eventId"], "--json")[0], agency)
        return now if now is not None and now["outcome"] == "DELIVERED" else None

    return wait_for(delivered, what=f"the delivery to {agency}")


def deliveries(live: LiveExchange, shown: dict[str, Any], agency: str) -> int:
    inbox = live.records([f"agency.{agency}.inbox" if agency != SCHOOL else school_inbox(live)])
    headers = ("ce_id", "masa-recipient")
    return sum(tuple(map(each.header, headers)) == (shown["eventId"], agency) for each in inbox)


def school_inbox(live: LiveExchange) -> str:
    own = f"agency.{SCHOOL}.inbox"
    return own if own in live.topics() else "gateway.inbox"


def test_what_a_stop_held_a_doubt_and_a_lost_recipient_are_released_and_reconciled(live: LiveExchange) -> None:
    """Each to the one who waited, once, however often it is released; the record stays whole and is replayed."""
    key = ("--as", LEAD, "--key", str(demo_key_file(live.data_dir, LEAD)), "--reason", "wrong share")
    (stop,) = live.answers("rules", "stop", "--event-type", INCIDENT, *key, "--json")
    stopped = published(live)
    assert {each["outcome"] for each in stopped["outcomes"]} <= {"HELD", "DENIED", "WITHHELD"}
    assert live.call("rules", "lift", stop["id"], *key).exit_code == 0
    doubted = published(live, envelope__matchStatus="POTENTIAL_MATCH")
    lost = published(live, envelope__settings__schoolUrn="990999", envelope__child__localRef=secrets.token_hex(4))
    assert outcome(doubted, SCHOOL)["reasons"][0] == "LOW_MATCH_STATUS"  # type: ignore[index]
    assert outcome(lost, NOT_FOUND)["outcome"] == "HELD"  # type: ignore[index]

    assert isinstance(live.call("held", "release", position(doubted)).exception, BadUsage), "it names the person"
    assert isinstance(live.call("held", "release", position(lost), *BY).exception, Refused), "nobody knows for whom"
    own: set[str] = set()
    for _ in range(2):
        for shown, *which in (
            (stopped,),
            (doubted, "--agency", SCHOOL),
            (lost, "--agency", NOT_FOUND, "--to", f"{NOT_FOUND}={SCHOOL}"),
        ):
            released = live.answers("held", "release", position(shown), *which, *BY)
            assert released
            own |= {each["operation"] for each in released}
            assert told(live, shown, SCHOOL)["topic"] == school_inbox(live)
    assert "RELEASED" in told(live, doubted, SCHOOL)["reasons"]

    for shown in (stopped, doubted, lost):
        wait_for(lambda shown=shown: repeated(live, shown), what="the second release, audited as a repeat")
        assert deliveries(live, shown, SCHOOL) == 1
        (explained,) = live.answers("rules", "explain", shown["eventId"], "--json")
        assert (explained["warnings"], explained["faithful"]) == ([], True)
    operations = live.answers("ledger", "operations", "--kind", "held.release", "--json")
    by = {each["operationId"]: each["actor"] for each in operations}  # other tests' on the same exchange too
    assert {by.get(each) for each in own} == {LEAD}
    reconciled = live.call("ledger", "reconcile")
    assert reconciled.exit_code == 0, reconciled.stdout


def position(shown: dict[str, Any]) -> str:
    return ":".join(str(shown["position"][part]) for part in ("topic", "partition", "offset"))


def repeated(live: LiveExchange, shown: dict[str, Any]) -> bool:
    return bool(live.answers("ledger", "show", shown["eventId"], "--json")[0]["repeats"])
