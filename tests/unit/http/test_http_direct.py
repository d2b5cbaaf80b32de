"""The short way of common requests answers as the framework's way does."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.app import create_bare_app
from connectors.http.edge import Edge
from tests.http_door import DELIVERY, EVENT, OTHER, OTHERS_DELIVERY, Client, DoorAtHand, bearer, door_at_hand

DONE = {"outcome": "NOTED"}
ACKNOWLEDGE = f"/v1/deliveries/{DELIVERY}/acknowledge"
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/events", {"json": EVENT, "headers": bearer()}),
    ("POST", "/v1/events?now=1", {"json": EVENT, "headers": bearer() | {"idempotency-key": "k"}}),
    ("POST", "/v1/events", {"json": EVENT, "headers": bearer() | {"idempotency-key": "\t"}}),
    ("POST", "/v1/events", {"json": [EVENT], "headers": bearer()}),
    ("POST", "/v1/events", {"json": {"envelope": {"eventType": "x"}}, "headers": bearer()}),
    ("POST", "/v1/events", {"content": b"{", "headers": bearer() | {"content-type": "application/json"}}),
    ("POST", "/v1/events", {"content": b"{}", "headers": bearer()}),
    ("POST", "/v1/events", {"content": b"x" * 2_000_000, "headers": bearer()}),
    ("POST", "/v1/events", {"json": EVENT}),
    ("POST", "/v1/events", {"json": EVENT, "headers": {"authorization": "Bearer forged.forged.forged"}}),
    ("POST", "/v1/events", {"json": EVENT, "headers": bearer(scope="inbox")}),
    ("POST", "/v1/events/", {"json": EVENT, "headers": bearer()}),
    ("PUT", "/v1/events", {"json": EVENT, "headers": bearer()}),
    ("POST", "/v1/inbox/poll", {"headers": bearer()}),
    ("POST", "/v1/inbox/poll", {"json": {"limit": 0}, "headers": bearer()}),
    ("GET", "/v1/inbox/poll", {"headers": bearer()}),
    ("POST", ACKNOWLEDGE, {"json": DONE, "headers": bearer()}),
    ("POST", ACKNOWLEDGE, {"json": DONE | {"agency": OTHER}, "headers": bearer()}),
    ("POST", ACKNOWLEDGE, {"json": DONE, "headers": bearer(scope="publish")}),
    ("POST", f"/v1/deliveries/{OTHERS_DELIVERY}/acknowledge", {"json": DONE, "headers": bearer()}),
    ("POST", "/v1/deliveries//acknowledge", {"json": DONE, "headers": bearer()}),
    ("POST", "/v1/deliveries/a/b/acknowledge", {"json": DONE, "headers": bearer()}),
    ("POST", "/v1/deliveries/a%2fb/acknowledge", {"json": DONE, "headers": bearer()}),
    ("POST", "/v1/deliveries/a%00b/acknowledge", {"json": DONE, "headers": bearer()}),
    ("POST", "/v1/deliveries/acknowledge", {"json": DONE, "headers": bearer()}),
]
OF_ONE_REQUEST = ("x-request-id", "retry-after")


def the_frameworks_way(at_hand: DoorAtHand) -> Client:
    return Client(Edge(create_bare_app(at_hand.door), door=at_hand.door))


@pytest.mark.parametrize(("method", "path", "more"), REQUESTS)
def test_both_ways_give_the_same_answer_and_tell_the_same(method: str, path: str, more: dict[str, Any]) -> None:
    """Status, headers, body, and the route under which it is counted; and so for the same request again."""
    short, long = door_at_hand(), door_at_hand()
    other = the_frameworks_way(long)
    for _ in range(2):
        found, expected = short.client(method, path, **more), other(method, path, **more)
        assert found.status_code == expected.status_code
        assert _body(found) == _body(expected)
        assert _headers(found.headers) == _headers(expected.headers)
    assert [_told(each) for each in short.told.answered] == [_told(each) for each in long.told.answered]
    assert short.told.refused == long.told.refused


def _body(answer: Any) -> Any:
    """Without what the clock says."""
    body = answer.json() if answer.content else None
    return {key: value for key, value in body.items() if key not in ("acceptedAt", "at")} if body else body


def _headers(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OF_ONE_REQUEST}


def _told(what: dict[str, Any]) -> dict[str, Any]:
    return {name: what[name] for name in ("route", "method", "status", "agency")}
