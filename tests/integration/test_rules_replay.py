"""Old decisions replay identically, whatever rules came after them; one that does not is loud."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from connectors.settings import SECRETS_DIR
from schemas.codec import decode_record, encode_record
from streams.cli.areas import compile_area
from streams.policy.artefact import canonical
from streams.routing.signers import DEMO_PEOPLE
from tests.integration.live_exchange import LiveExchange
from tests.integration.masa_command import NORTHSHIRE

pytestmark = pytest.mark.integration

INCIDENT = "police.domestic-abuse-incident"
BEFORE = (INCIDENT, "health.hv-concern", "education.absence-concern", "social-care.status-changed")
# Five versions one after the other, each a change of one rule about domestic abuse incidents.
CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("encompass-front-door", "when", {"grade": ["HIGH"]}),
    ("encompass-dsl", "clock", "PT4H"),
    ("encompass-dsl", "when", {"ageYears": [17, 18]}),
    ("encompass-front-door", "clock", "PT72H"),
    ("encompass-front-door", "when", {"grade": ["HIGH", "MEDIUM"]}),
)
LEAD, DPO = (name for name, _ in DEMO_PEOPLE)


class Decided(NamedTuple):
    event_id: str
    shown: dict[str, Any]  # the ledger's answer when it was decided


class History(NamedTuple):
    exchange: LiveExchange
    events: list[Decided]  # in order: some before all changes, one under a stop, one after each change


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """An exchange of its own that has lived through a stop and five changes of its rules."""
    exchange = LiveExchange(tmp_path_factory.mktemp("replay") / "data")
    file = tmp_path_factory.mktemp("changed") / "rules.json"
    document = compile_area(NORTHSHIRE).artefact.document()
    try:
        exchange.start()
        events = [decided(exchange, event_type) for event_type in BEFORE]
        stop = ("rules", "stop", "--event-type", INCIDENT, "--agency", "oakfield-primary", "--reason", "inbox lost")
        (stopped,) = exchange.answers(*stop, *signed_by(exchange, LEAD), "--json")
        events.append(decided(exchange, INCIDENT))
        done(exchange, "rules", "lift", stopped["id"], "--reason", "inbox found", *signed_by(exchange, DPO))
        for rule, name, value in CHANGES:
            next(each for each in document["rules"] if each["id"] == rule)[name] = value
            file.write_bytes(canonical(document))
            activated(exchange, file)
            events.append(decided(exchange, INCIDENT))
        yield History(exchange, events)
    finally:
        exchange.close()


def signed_by(exchange: LiveExchange, person: str) -> tuple[str, ...]:
    return "--as", person, "--key", str(exchange.data_dir / SECRETS_DIR / f"{person}.pem")


def done(exchange: LiveExchange, *arguments: str) -> None:
    answer = exchange.call(*arguments)
    assert answer.exit_code == 0, (arguments, answer.stderr, answer.exception)


def activated(exchange: LiveExchange, rule_set: Path) -> None:
    """Signed by two, activated, followed by every router slot."""
    proposal = str(rule_set.with_name("proposal.json"))
    sign = ("rules", "sign", str(rule_set), *signed_by(exchange, LEAD), "--reason", "a try", "-o", proposal, "--yes")
    done(exchange, *sign)
    done(exchange, "rules", "sign", proposal, *signed_by(exchange, DPO), "--yes")
    done(exchange, "rules", "activate", proposal)


def decided(exchange: LiveExchange, event_type: str) -> Decided:
    (published,) = exchange.answers("publish", "-", stdin=exchange.example(event_type))
    event_id = published["eventId"]
    (shown,) = exchange.answers("ledger", "show", event_id, "--json", "--wait", "30")
    return Decided(event_id, shown)


def outcomes(shown: dict[str, Any]) -> dict[str, str]:
    return {each["agency"]: each["outcome"] for each in shown["outcomes"]}


def test_the_versions_and_the_stop_did_change_decisions(history: History) -> None:
    """What follows would prove nothing if all these rules decided alike."""
    rule_sets = [event.shown["ruleSet"] for event in history.events]
    assert len(set(rule_sets)) == 1 + len(CHANGES)
    first, stopped, last = history.events[0], history.events[len(BEFORE)], history.events[-1]
    assert outcomes(first.shown)["oakfield-primary"] == "DELIVERED"
    assert outcomes(stopped.shown)["oakfield-primary"] == "HELD"
    assert outcomes(last.shown) != outcomes(first.shown)


def test_old_decisions_replay_identically_after_five_later_versions(history: History) -> None:
    """Each under the very rule set that decided it and the stops of then, in every part."""
    for event in history.events:
        (told,) = history.exchange.answers("rules", "explain", event.event_id, "--json")
        assert (told["warnings"], told["faithful"]) == ([], True)
        assert told["ruleSet"] == event.shown["ruleSet"]
        assert {each["agency"]: each["outcome"] for each in told["agencies"]} == outcomes(event.shown)


def test_what_would_be_under_other_rules_is_told_and_no_failure(history: History) -> None:
    """An area folder asks another question: the differences are warnings, the status is 0."""
    (told,) = history.exchange.answers("rules", "explain", str(NORTHSHIRE), history.events[-1].event_id, "--json")
    assert told["faithful"]
    assert "decided under rule set" in told["warnings"][0]
    assert any("would be" in warning or "with other" in warning for warning in told["warnings"][1:])


def test_a_decision_on_record_that_the_rules_did_not_make_is_loud(history: History) -> None:
    """Somebody altered the ledger: status 1, the agency named, and a line that nobody overlooks."""
    event = history.events[1]
    agency = tampered(history.exchange.database, event.event_id)
    answer = history.exchange.call("rules", "explain", event.event_id, "--json")
    assert answer.exit_code == 1
    assert f"`{agency}` was WITHHELD, and would be DELIVERED" in json.loads(answer.stdout)["warnings"]
    assert "THE REPLAY DIFFERS" in answer.stderr


def tampered(database: str, event_id: str) -> str:
    """Have the ledger say that a delivery was withheld; to whom."""
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT record FROM ledger.event WHERE event_id = %s", (event_id,)).fetchone()
        assert row is not None
        audit = decode_record("audit", row[0])
        outcome = next(each for each in audit["outcomes"] if each["outcome"] == "DELIVERED")
        outcome["outcome"] = "WITHHELD"
        record = encode_record("audit", audit)
        connection.execute("UPDATE ledger.event SET record = %s WHERE event_id = %s", (record, event_id))
    return str(outcome["agency"])
