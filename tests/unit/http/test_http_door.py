"""The API before the exchange in memory: what goes in, what comes out, and what is refused and told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connectors.http.problems import PROBLEM_JSON
from tests.http_door import (
    DELIVERY,
    EVENT,
    OTHER,
    OTHERS_DELIVERY,
    SCHOOL,
    DoorAtHand,
    bearer,
    claims,
    door_at_hand,
    token,
)

CLOUD = {"specversion": "1.0", "id": "id-1", "source": "/mis", "type": "early-help.episode", "data": EVENT}


@pytest.fixture
def door() -> DoorAtHand:
    return door_at_hand()


def test_an_event_is_accepted_once_however_often_it_is_sent(door: DoorAtHand) -> None:
    """202 and where to ask for its outcome; with the same key the same answer, another event under it is a conflict."""
    headers = bearer() | {"idempotency-key": "k-1"}
    first = door.client.post("/v1/events", headers=headers, json=EVENT)
    again = door.client.post("/v1/events", headers=headers, json=EVENT)
    other = door.client.post("/v1/events", headers=headers, json={"envelope": EVENT["envelope"], "change": "ENDED"})
    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 409)
    assert first.json() | {"repeated": True} == again.json()
    answer = door.client.get(first.headers["location"], headers=bearer())
    assert answer.json()["recipients"][0]["acknowledged"] == "NOTED"
    assert door.client.get(first.headers["location"], headers=bearer(OTHER)).status_code == 404


def test_what_is_wrong_is_named_with_a_pointer_and_never_repeated(door: DoorAtHand) -> None:
    """RFC 9457, in every form that an event can come in."""
    bad = {"envelope": {"eventType": "SECRET.type"}}
    plain = door.client.post("/v1/events", headers=bearer(), json=bad)
    assert plain.headers["content-type"] == PROBLEM_JSON
    assert plain.json()["errors"][0]["pointer"] == "#/envelope/eventType"
    cloud = bearer() | {"content-type": "application/cloudevents+json"}
    structured = door.client.post("/v1/events", headers=cloud, content=json.dumps(CLOUD | {"data": {}, "type": "x"}))
    assert structured.json()["errors"][0]["pointer"].startswith("#/data/envelope")
    batch = door.client.post("/v1/events/batch", headers=bearer(), json=[EVENT, bad, 7])
    assert [each["status"] for each in batch.json()["results"]] == [202, 422, 422]
    assert batch.json()["results"][1]["problem"]["errors"][0]["pointer"] == "#/1/envelope/eventType"
    assert "SECRET" not in plain.text + structured.text + batch.text


def test_cloudevents_are_read_in_both_modes_and_in_batches(door: DoorAtHand) -> None:
    """Attributes fill in what the event leaves out, and must agree with what it says."""
    cloud = bearer() | {"content-type": "application/cloudevents+json"}
    binary = bearer() | {f"ce-{name}": str(CLOUD[name]) for name in ("specversion", "id", "source", "type")}
    many = bearer() | {"content-type": "application/cloudevents-batch+json"}
    bare = {"envelope": {}}
    assert door.client.post("/v1/events", headers=cloud, json=CLOUD | {"data": bare}).json()["eventId"] == "id-1"
    assert door.client.post("/v1/events", headers=binary, json=EVENT).json()["eventId"] == "id-1"
    answer = door.client.post("/v1/events/batch", headers=many, json=[CLOUD | {"id": "id-2"}, CLOUD | {"source": ""}])
    assert [each["status"] for each in answer.json()["results"]] == [202, 422]
    assert door.client.post("/v1/events/preview", headers=cloud, json=CLOUD).json()["disposition"] == "DECIDED"
    wrong = [
        CLOUD | {"type": "police.domestic-abuse-incident"},
        CLOUD | {"specversion": "0.3"},
        CLOUD | {"source": f"urn:masa:northshire:{OTHER}"},
        {name: value for name, value in CLOUD.items() if name != "id"},
        [CLOUD],
    ]
    assert [door.client.post("/v1/events", headers=cloud, json=each).status_code for each in wrong] == [422] * 5
    encoded = door.client.post("/v1/events", headers=cloud, json=CLOUD | {"data_base64": "AA=="})
    assert encoded.status_code == 415


def test_a_batch_answers_for_each_line_and_for_the_whole(door: DoorAtHand) -> None:
    """200 when anything was accepted, 422 when nothing was; a line that is no JSON spoils only itself."""
    lines = bearer() | {"content-type": "application/x-ndjson"}
    body = json.dumps(EVENT) + "\n{broken\n\n" + json.dumps(EVENT) + "\n"
    mixed = door.client.post("/v1/events/batch", headers=lines, content=body)
    assert mixed.status_code == 200
    assert [each["status"] for each in mixed.json()["results"]] == [202, 400, 202]
    none = door.client.post("/v1/events/batch", headers=bearer(), json=[{}])
    assert (none.status_code, none.headers["content-type"]) == (422, PROBLEM_JSON)
    assert none.json()["refused"] == 1
    keyed = bearer() | {"idempotency-key": "b"}
    twice = [door.client.post("/v1/events/batch", headers=keyed, json=[EVENT, EVENT]).json() for _ in range(2)]
    assert [[each["status"] for each in answer["results"]] for answer in twice] == [[202, 202], [200, 200]]
    for body in ("[]", "{}", "7"):
        assert door.client.post("/v1/events/batch", headers=bearer(), json=json.loads(body)).status_code == 400
    assert door_at_hand(max_batch_events=1).client.post(
        "/v1/events/batch", headers=bearer(), json=[EVENT, EVENT]
    ).status_code == 413  # fmt: skip


def test_deliveries_are_claimed_opened_and_acknowledged(door: DoorAtHand) -> None:
    """204 when nothing waits; the first acknowledgement stands, the same one again is fine, another is a conflict."""
    post, path = door.client.post, f"/v1/deliveries/{DELIVERY}"
    (claimed,) = post("/v1/inbox/poll", headers=bearer(), json={"limit": 5, "leaseSeconds": 30}).json()["deliveries"]
    assert (claimed["deliveryId"], claimed["state"]) == (DELIVERY, "LEASED")
    assert claimed["withheld"][0]["fields"] == [{"path": "child.address", "label": "Address"}]
    assert post("/v1/inbox/poll", headers=bearer()).status_code == 204
    assert door.client.get(path, headers=bearer()).json()["event"] == claimed["event"]
    done = {"outcome": "NOTED", "lease": claimed["lease"]}
    lost = post(f"{path}/acknowledge", headers=bearer(), json=done | {"lease": "another"})
    assert (lost.status_code, lost.json()["why"]) == (409, "LEASE_LOST")
    answers = [post(f"{path}/acknowledge", headers=bearer(), json=done) for _ in range(2)]
    assert [(each.status_code, each.json()["repeated"]) for each in answers] == [(200, False), (200, True)]
    other = post(f"{path}/acknowledge", headers=bearer(), json=done | {"outcome": "DUPLICATE"})
    assert (other.status_code, other.json()["outcome"]) == (409, "NOTED")


def test_anothers_delivery_is_not_there_and_the_attempt_is_on_record(door: DoorAtHand) -> None:
    """Word for word the answer for one that does not exist, for reading and for acknowledging."""
    for call in (
        lambda path: door.client.get(path, headers=bearer()),
        lambda path: door.client.post(f"{path}/acknowledge", headers=bearer(), json={"outcome": "NOTED"}),
    ):
        theirs, nobodys = (call(f"/v1/deliveries/{each}") for each in (OTHERS_DELIVERY, DELIVERY.replace("1", "7")))
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()
    assert (SCHOOL, OTHERS_DELIVERY) in door.doors.refused_accesses
    for odd in ("..%2f..%2fetc", "%00", "a'--", "x" * 500, "%F0%9F%92%A9"):
        assert door.client.get(f"/v1/deliveries/{odd}", headers=bearer()).status_code == 404


@pytest.mark.parametrize("header", ["masa-agency", "x-agency", "x-forwarded-user", "x-remote-user", "ce-masaagency"])
def test_no_header_makes_a_caller_somebody_else(door: DoorAtHand, header: str) -> None:
    """The agency is the token's, whatever a request says of itself."""
    spoofed = bearer() | {header: OTHER, "x-forwarded-for": "10.0.0.1", "x-original-url": "/v1/inbox/poll"}
    assert door.client.get("/v1/me", headers=spoofed).json()["agency"] == SCHOOL
    (claimed,) = door.client.post("/v1/inbox/poll", headers=spoofed).json()["deliveries"]
    assert claimed["deliveryId"] == DELIVERY


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/inbox/poll", {"agency": OTHER}),
        ("/v1/inbox/poll", {"limit": 5, "state": "ACKNOWLEDGED"}),
        ("/v1/inbox/poll", {"limit": "5"}),
        ("/v1/inbox/poll", {"limit": 0}),
        ("/v1/inbox/poll", {"leaseSeconds": 86_400}),
        ("/v1/inbox/poll", {"lease_seconds": 30}),
        (f"/v1/deliveries/{DELIVERY}/acknowledge", {"outcome": "NOTED", "agency": OTHER}),
        (f"/v1/deliveries/{DELIVERY}/acknowledge", {"outcome": "NOTED", "acknowledgedAt": 0}),
        (f"/v1/deliveries/{DELIVERY}/acknowledge", {"outcome": "DONE"}),
        (f"/v1/deliveries/{DELIVERY}/acknowledge", {"outcome": "NOTED", "note": "a sentence about a child"}),
        (f"/v1/deliveries/{DELIVERY}/acknowledge", {}),
        (f"/v1/deliveries/{DELIVERY}/acknowledge", []),
    ],
)
def test_a_body_has_what_is_named_and_nothing_more(door: DoorAtHand, path: str, body: Any) -> None:
    """Mass assignment, wrong types and out-of-range values are 422, each with its pointer; nothing happens."""
    answer = door.client.post(path, headers=bearer(), json=body)
    assert answer.status_code == 422
    assert all(each["pointer"].startswith("#") for each in answer.json()["errors"])
    assert door.doors.waiting[SCHOOL][DELIVERY].state == "AVAILABLE"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"outcome": "NOTED", "outcome": "DUPLICATE"}', 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b"[" * 20_000, 400),
        ("application/json", b'{"outcome": NaN}', 400),
        ("application/json", b'{"outcome": ' + b"9" * 5000 + b"}", 400),
        ("application/json", b"", 400),
        ("application/json; charset=utf-16", b"{}", 415),
        ("text/plain", b'{"outcome": "NOTED"}', 415),
        ("application/x-www-form-urlencoded", b"outcome=NOTED", 415),
        ("", b'{"outcome": "NOTED"}', 415),
    ],
)
def test_a_body_that_is_not_plain_json_is_refused(
    door: DoorAtHand, content_type: str, body: bytes, status: int
) -> None:
    """A form cannot be posted from another site, a key cannot stand twice, and nothing nests without end."""
    headers = bearer() | ({"content-type": content_type} if content_type else {})
    answer = door.client.post(f"/v1/deliveries/{DELIVERY}/acknowledge", headers=headers, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM_JSON)
    assert door.told.failed == []


def test_an_encoded_body_is_not_unpacked(door: DoorAtHand) -> None:
    """A small one could be a bomb."""
    headers = bearer() | {"content-encoding": "gzip"}
    assert door.client.post("/v1/events", headers=headers, json=EVENT).status_code == 415


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "absent"),
        ({"authorization": "Basic b2FrZmllbGQ6eA=="}, "malformed"),
        ({"authorization": "Bearer"}, "malformed"),
        ({"authorization": "Bearer a.b.c"}, "malformed"),
        ({"authorization": f"Bearer {token(exp=1)}"}, "expired"),
    ],
)
def test_without_a_valid_token_nothing_is_told(door: DoorAtHand, given: dict[str, str], reason: str) -> None:
    """401 with a challenge, on every route alike, and told of without the token."""
    for method, path in (("GET", "/v1/me"), ("POST", "/v1/events"), ("GET", "/v1/schemas"), ("POST", "/v1/inbox/poll")):
        answer = door.client(method, path, headers=given)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="masa"')
    assert door.told.refused == [reason] * 4


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("publish", "POST", "/v1/events"),
        ("publish", "POST", "/v1/events/batch"),
        ("publish", "POST", "/v1/events/preview"),
        ("outcome", "GET", f"/v1/events/{DELIVERY}/outcome"),
        ("inbox", "POST", "/v1/inbox/poll"),
        ("inbox", "GET", f"/v1/deliveries/{DELIVERY}"),
        ("inbox", "POST", f"/v1/deliveries/{DELIVERY}/acknowledge"),
    ],
)
def test_each_operation_needs_its_scope(door: DoorAtHand, scope: str, method: str, path: str) -> None:
    """403, and the scope that is lacking, however good the request is otherwise."""
    others = " ".join({"publish", "inbox", "outcome"} - {scope})
    answer = door.client(method, path, headers=bearer(scope=others), json=None if method == "GET" else EVENT)
    assert answer.status_code == 403
    assert f'scope="{scope}"' in answer.headers["www-authenticate"]


def test_an_agency_that_asks_too_fast_is_told_when_to_come_back(door: DoorAtHand) -> None:
    """Each agency has its own bucket, a batch counts each event, and guessing tokens has a bucket of its own."""
    slow = door_at_hand(rate_per_second=0.5, rate_burst=5, failures_per_second=0.1, failures_burst=3)
    assert slow.client.post("/v1/events/batch", headers=bearer(), json=[EVENT] * 5).status_code == 200
    refused = slow.client.get("/v1/me", headers=bearer())
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert slow.client.get("/v1/me", headers=bearer(OTHER)).status_code == 200
    guesses = [slow.client.get("/v1/me").status_code for _ in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert slow.client.get("/v1/me", headers=bearer(OTHER)).status_code == 200


def test_when_the_exchange_is_away_the_answer_is_503_and_says_when_to_come_back(door: DoorAtHand) -> None:
    """On every route, without naming a server of ours; ready says what is missing, live stays alive."""
    door.doors.away = True
    for method, path, body in (
        ("POST", "/v1/events", EVENT),
        ("POST", "/v1/events/batch", [EVENT]),
        ("POST", "/v1/inbox/poll", {}),
        ("GET", f"/v1/deliveries/{DELIVERY}", None),
        ("GET", "/v1/schemas", None),
    ):
        answer = door.client(method, path, headers=bearer(), json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "kafka-1" not in answer.text
    assert door.client.get("/health/ready").status_code == 503
    assert door.client.get("/health/live").status_code == 200


def test_a_fault_of_ours_shows_and_logs_nothing_of_the_request() -> None:
    """500 as a problem; the error is told by its class and place."""

    class Broken:
        def event_types(self, caller: object) -> object:
            raise ZeroDivisionError("Ivy Example, born 2015")

    door = door_at_hand(doors=Broken())  # type: ignore[arg-type]
    answer = door.client.get("/v1/schemas", headers=bearer())
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM_JSON)
    assert "Ivy" not in answer.text
    assert [type(error) for error in door.told.failed] == [ZeroDivisionError]


def test_bodies_are_bounded_in_size_and_time() -> None:
    """413 by what is announced and by what arrives, 408 for one that trickles; a batch may be larger."""
    door = door_at_hand(max_event_bytes=2048, max_batch_bytes=4096, body_seconds=0.2)

    async def trickle() -> AsyncIterator[bytes]:
        yield b'{"envelope"'
        await asyncio.sleep(5)
        yield b": {}}"

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 1024

    headers = bearer() | {"content-type": "application/json"}
    large = json.dumps([EVENT] * 60)
    assert 2048 < len(large) < 4096
    assert door.client.post("/v1/events", headers=headers, content=large).status_code == 413
    assert door.client.post("/v1/events/batch", headers=headers, content=large).status_code == 200
    assert door.client.post("/v1/events", headers=headers, content=endless()).status_code == 413
    assert door.client.post("/v1/events", headers=headers, content=trickle()).status_code == 408
    assert door.told.refused == ["oversize", "oversize", "slow-body"]


def test_every_answer_carries_the_headers_that_keep_browsers_safe(door: DoorAtHand) -> None:
    """Errors too. No CORS, no banner, no cookie, an id of its own that the caller cannot choose."""
    for path in ("/v1/me", "/v1/nothing", "/health/live", "/v1/openapi.json"):
        headers = door.client.get(path, headers={"origin": "https://evil.example", "x-request-id": "mine"}).headers
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"] != "mine"
        assert not {"access-control-allow-origin", "server", "set-cookie", "x-powered-by"} & set(headers)
    assert "strict-transport-security" not in headers
    safe = door_at_hand(public_url="https://masa.example.org").client.get("/health/live").headers
    assert "max-age" in safe["strict-transport-security"]


def test_what_is_told_of_a_request_names_no_person_and_no_path(door: DoorAtHand) -> None:
    """The route's template, the status, the agency."""
    door.client.get(f"/v1/deliveries/{DELIVERY}", headers=bearer())
    door.client.get("/v1/children?name=Ivy")
    told, unmatched = door.told.answered
    assert (told["route"], told["agency"]) == ("/v1/deliveries/{delivery_id}", SCHOOL)
    assert unmatched["route"] == "unmatched"
    assert not any(word in str(door.told.answered) for word in (DELIVERY, "Ivy", "system@", "127.0.0.1"))


def test_no_more_requests_are_in_work_than_the_settings_allow() -> None:
    """The next one is answered 503 at once; a probe of health is not."""
    door = door_at_hand(max_requests=1)

    async def hold() -> AsyncIterator[bytes]:
        # While this body is awaited, the request is in work.
        statuses.append((await door.client._client.get("/v1/me", headers=bearer())).status_code)
        statuses.append((await door.client._client.get("/health/live")).status_code)
        yield json.dumps(EVENT).encode()

    statuses: list[int] = []
    headers = bearer() | {"content-type": "application/json"}
    assert door.client.post("/v1/events", headers=headers, content=hold()).status_code == 202
    assert statuses == [503, 200]


def test_answers_have_the_shape_that_the_document_gives_them(door: DoorAtHand) -> None:
    """Every kind of answer validates against its schema in the OpenAPI document."""
    document = door.client.get("/v1/openapi.json").json()

    def holds(name: str, value: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        assert list(Draft202012Validator(schema).iter_errors(value)) == []

    get, post, headers = door.client.get, door.client.post, bearer()
    accepted = post("/v1/events", headers=headers, json=EVENT).json()
    holds("AcceptedAnswer", accepted)
    holds("OutcomeAnswer", get(accepted["outcome"], headers=headers).json())
    holds("PreviewAnswer", post("/v1/events/preview", headers=headers, json=EVENT).json())
    holds("BatchAnswer", post("/v1/events/batch", headers=headers, json=[EVENT, {}]).json())
    holds("ProblemAnswer", post("/v1/events/batch", headers=headers, json=[{}]).json())
    claimed = post("/v1/inbox/poll", headers=headers).json()
    holds("DeliveriesAnswer", claimed)
    done = {"outcome": "NOTED", "lease": claimed["deliveries"][0]["lease"]}
    holds("AcknowledgedAnswer", post(f"/v1/deliveries/{DELIVERY}/acknowledge", headers=headers, json=done).json())
    holds("DeliveryAnswer", get(f"/v1/deliveries/{DELIVERY}", headers=headers).json())
    holds("TypesAnswer", get("/v1/schemas", headers=headers).json())
    holds("SchemaAnswer", get("/v1/schemas/police.domestic-abuse-incident", headers=headers).json())
    holds("CallerAnswer", get("/v1/me", headers=headers).json())
    assert claims()["agency"] == SCHOOL


def test_an_example_from_the_catalogue_fits_its_own_schemas(door: DoorAtHand) -> None:
    """Of every event type: the JSON Schema takes the example, and refuses a field that there is not."""
    from schemas.examples import example
    from schemas.json_form import to_json
    from schemas.json_schema import event_json_schema
    from schemas.registry import load_event_types

    for known in load_event_types().values():
        shown = to_json(
            known, example(known, now_ms=1_790_000_000_000, event_id="01a0fd32-2d00-7000-8000-000000000001")
        )
        validator = Draft202012Validator(event_json_schema(known))
        assert list(validator.iter_errors(shown)) == []
        assert list(validator.iter_errors(shown | {"surname": "x"}))
        sparse = {name: value for name, value in shown.items() if value is not None}
        assert list(validator.iter_errors(sparse)) == []
