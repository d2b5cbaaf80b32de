"""Every event type's example is accepted, audited once, and every candidate has one outcome with its reasons."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.codec import decode_record
from schemas.registry import load_event_types
from tests.integration.live_exchange import LiveExchange

pytestmark = pytest.mark.integration

NAMES = list(load_event_types())


@dataclass(frozen=True)
class Published:
    """The example of every type, by type."""

    where: dict[str, dict[str, Any]]
    audits: dict[str, list[dict[str, Any]]]  # by event id

    def event_id(self, name: str) -> str:
        return str(self.where[name]["eventId"])


@pytest.fixture(scope="module")
def published(live: LiveExchange) -> Published:
    examples = [live.call("schemas", "example", name, "--line").stdout for name in NAMES]
    where = dict(zip(NAMES, live.answers("publish", "-", stdin="".join(examples)), strict=True))
    live.in_the_ledger([row["eventId"] for row in where.values()])
    audits: dict[str, list[dict[str, Any]]] = {}
    for record in live.records(["masa.audit"]):
        audit = decode_record("audit", record.value or b"")
        audits.setdefault(audit["eventId"], []).append(audit)
    return Published(where, audits)


@pytest.mark.parametrize("name", [NAMES[0], "lado.allegation"])
def test_an_example_can_be_piped_into_publish(live: LiveExchange, name: str) -> None:
    """`masa schemas example TYPE | masa publish -`, in a shell: one line comes back and says where the event is."""
    (line,) = live.pipe(f"schemas example {name}", "publish -").splitlines()
    assert set(json.loads(line)) >= {"eventId", "topic", "partition", "offset"}


@pytest.mark.parametrize("name", NAMES)
def test_the_example_is_accepted_and_audited_exactly_once(published: Published, name: str) -> None:
    """One audit record, which says that it was decided, and about the very record that was published."""
    (audit,) = published.audits[published.event_id(name)]
    where = published.where[name]
    position = (audit["sourceTopic"], audit["sourcePartition"], audit["sourceOffset"])
    assert position == (where["topic"], where["partition"], where["offset"])
    assert audit["kind"] in ("DECIDED", "UNROUTED")
    assert audit["rejection"] is None


@pytest.mark.parametrize("name", NAMES)
def test_the_ledger_shows_every_candidate_with_one_outcome_and_its_reasons(
    live: LiveExchange, published: Published, name: str
) -> None:
    """`masa ledger show EVENT --json` has the candidates of the audit record, each once."""
    event_id = published.event_id(name)
    (shown,) = live.answers("ledger", "show", event_id, "--json")
    assert (shown["eventId"], shown["eventType"]) == (event_id, name)
    assert shown["source"]
    assert len(shown["ruleSet"]) == 64
    (audit,) = published.audits[event_id]
    agencies = Counter(outcome["agency"] for outcome in shown["outcomes"])
    assert agencies == Counter(outcome["agency"] for outcome in audit["outcomes"])
    assert max(agencies.values(), default=1) == 1
    for outcome in shown["outcomes"]:
        assert outcome["outcome"] in ("DELIVERED", "WITHHELD", "DENIED", "HELD")
        assert outcome["reasons"]
        assert (outcome["deliveryId"] is not None) == (outcome["outcome"] == "DELIVERED")
        assert all(each["path"] and each["reason"] for each in outcome["withheld"])


@pytest.mark.parametrize("name", [name for name in NAMES if name != "control.withheld"])
def test_the_example_has_somebody_to_reach(published: Published, name: str) -> None:
    """No type that a shipped area can receive goes unrouted; that something was withheld is told to nobody."""
    (audit,) = published.audits[published.event_id(name)]
    assert [o["agency"] for o in audit["outcomes"] if o["outcome"] == "DELIVERED"]


def test_every_delivery_in_the_audit_is_in_its_inbox_once(live: LiveExchange, published: Published) -> None:
    """And nothing else is in any inbox for these events."""
    ids = {published.event_id(name) for name in NAMES}
    audited = Counter(
        (outcome["topic"], outcome["deliveryId"])
        for event_id in ids
        for audit in published.audits[event_id]
        for outcome in audit["outcomes"]
        if outcome["deliveryId"]
    )
    inboxes = [topic for topic in live.topics() if topic.endswith("inbox")]
    found = Counter((r.topic, r.header("masa-delivery-id")) for r in live.records(inboxes) if r.header("ce_id") in ids)
    assert found == audited
    assert set(found.values()) == {1}
