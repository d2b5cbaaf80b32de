"""The HTTP door of a running exchange: publish, receive, acknowledge, see the outcome; and what is on record of it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.integration.live_exchange import LiveExchange
from tests.support import wait_for

pytestmark = pytest.mark.integration
PUBLISHER, RECIPIENT, STRANGER = "oakfield-primary", "northshire-attendance", "kingsmere-academy"


class HttpDoor:
    """One agency's system before the running gateway."""

    def __init__(self, live: LiveExchange, agency: str) -> None:
        token = live.call("token", agency).stdout.strip()
        self._client = httpx.Client(
            base_url=live.connection()["gateway"], headers={"authorization": f"Bearer {token}"}, timeout=30
        )

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._client.request(method, path, **more)


def absence(live: LiveExchange) -> dict[str, Any]:
    """A valid event that leaves to the gateway what the gateway knows."""
    event: dict[str, Any] = json.loads(live.example("education.absence-concern"))
    for known in ("sourceOrg", "masaId", "publishedAt", "schemaVersion"):
        del event["envelope"][known]
    return event


def claimed(door: HttpDoor, event_id: str) -> dict[str, Any]:
    """The delivery of an event, once it has arrived; whatever else waits is acknowledged on the way."""

    def look() -> dict[str, Any] | None:
        answer = door("POST", "/v1/inbox/poll", json={"limit": 50, "leaseSeconds": 60})
        assert answer.status_code in (200, 204), answer.text
        for each in answer.json()["deliveries"] if answer.status_code == 200 else ():
            if each["eventId"] == event_id:
                return dict(each)
            done = {"outcome": "NOTED", "lease": each["lease"]}
            door("POST", f"/v1/deliveries/{each['deliveryId']}/acknowledge", json=done)
        return None

    return wait_for(look, 60, what="the delivery in the recipient's inbox")


def test_an_event_goes_in_by_http_and_its_outcome_comes_back(live: LiveExchange) -> None:
    """Published once however often it is sent, delivered to who may have it, acknowledged, and seen by its sender."""
    sender, recipient, event = HttpDoor(live, PUBLISHER), HttpDoor(live, RECIPIENT), absence(live)
    headers = {"idempotency-key": event["envelope"]["eventId"]}
    answers = [sender("POST", "/v1/events", json=event, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 200], answers[0].text
    accepted = answers[0].json()
    delivery = claimed(recipient, accepted["eventId"])
    path = f"/v1/deliveries/{delivery['deliveryId']}"
    assert delivery["event"]["envelope"]["eventType"] == "education.absence-concern"
    assert recipient("GET", path).json()["event"] == delivery["event"]
    done = {"outcome": "ACTION_TAKEN", "lease": delivery["lease"]}
    assert recipient("POST", f"{path}/acknowledge", json=done).status_code == 200
    assert recipient("POST", f"{path}/acknowledge", json=done).json()["repeated"] is True

    def seen() -> bool:
        outcome = sender("GET", accepted["outcome"]).json()
        return "ACTION_TAKEN" in [each["acknowledged"] for each in outcome["recipients"]]

    wait_for(seen, 60, what="the outcome at the publisher")
    (shown,) = live.answers("ledger", "show", accepted["eventId"], "--json")
    assert [each["deliveryId"] for each in shown["outcomes"]].count(delivery["deliveryId"]) == 1


def test_anothers_delivery_is_not_there_and_the_attempt_is_audited(live: LiveExchange) -> None:
    """The same answer as for one that there is not, for reading, acknowledging and asking for the outcome."""
    sender, recipient, stranger = (HttpDoor(live, agency) for agency in (PUBLISHER, RECIPIENT, STRANGER))
    accepted = sender("POST", "/v1/events", json=absence(live)).json()
    delivery_id = claimed(recipient, accepted["eventId"])["deliveryId"]
    path, nobodys = f"/v1/deliveries/{delivery_id}", "/v1/deliveries/00000000-0000-5000-8000-000000000000"
    assert stranger("GET", path).status_code == 404
    assert stranger("GET", path).json() == stranger("GET", nobodys).json()
    assert stranger("POST", f"{path}/acknowledge", json={"outcome": "NOTED"}).status_code == 404
    assert stranger("GET", accepted["outcome"]).status_code == 404

    def audited() -> bool:
        operations = live.answers("ledger", "operations", "--json")
        refused = [each for each in operations if each["result"] == "REFUSED" and each["target"] == delivery_id]
        return len(refused) >= 2 and all(STRANGER in each["actor"] for each in refused)

    wait_for(audited, 60, what="the refused accesses among the operations")


def test_a_batch_is_accepted_event_by_event_and_a_spoofed_source_is_not(live: LiveExchange) -> None:
    """An event in another agency's name is refused with a pointer, the others go through."""
    sender, good, spoofed = HttpDoor(live, PUBLISHER), absence(live), absence(live)
    spoofed["envelope"]["sourceOrg"] = {"category": "SCHOOL", "scheme": "URN", "id": "990002"}
    lines = "\n".join(json.dumps(each) for each in (good, spoofed))
    answer = sender("POST", "/v1/events/batch", content=lines, headers={"content-type": "application/x-ndjson"})
    statuses = [each["status"] for each in answer.json()["results"]]
    assert statuses == [202, 422], answer.text
    (error,) = answer.json()["results"][1]["problem"]["errors"]
    assert error["pointer"].startswith("#/envelope/sourceOrg")
    preview = sender("POST", "/v1/events/preview", json=absence(live)).json()
    assert RECIPIENT in [each["agency"] for each in preview["candidates"]]


def test_nothing_personal_is_in_the_gateways_log_or_metrics(live: LiveExchange) -> None:
    """Routes as templates, counts by status; neither names of children nor tokens nor ids of deliveries."""
    sender, event = HttpDoor(live, PUBLISHER), absence(live)
    event["envelope"]["child"]["name"] = "Zebedee Canary"
    event["envelope"]["child"]["nhsNumber"] = "not a number: Zebedee"
    refused = sender("POST", "/v1/events", json=event)
    assert refused.status_code == 422
    assert "Zebedee" not in refused.text
    log = (live.data_dir / "gateway.log").read_text()
    metrics = b"".join(live.metrics().values()).decode()
    assert '"route": "/v1/events"' in log
    assert 'masa_http_requests_total{method="POST",route="/v1/events",status="422"}' in metrics
    assert not any(word in log + metrics for word in ("Zebedee", "Bearer", "eyJ"))
