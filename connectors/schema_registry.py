"""A Confluent-compatible schema registry: what the ids in Confluent frames stand for, and our schemas made known there.

The REST interface is the one that Confluent's registry, Karapace and Apicurio share (`/schemas/ids/<id>`,
`/subjects/<subject>/versions`). Ids never change their meaning, so what was once read is kept for ever.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from connectors.errors import ChangeSettings, NotPermitted, RetryLater
from schemas.registry import EventType
from schemas.wire import wire

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
TIMEOUT = httpx.Timeout(2.0, connect=1.0)  # the router asks between two events
REGISTER_TIMEOUT = httpx.Timeout(30.0)
UNKNOWN_SECONDS = 30.0  # an id that is not known is asked for again after this
AWAY_SECONDS = 5.0  # a registry that did not answer is left alone so long
MAX_UNKNOWN = 1_000  # ids remembered as unknown: a publisher's nonsense must not fill the memory


class Registered(NamedTuple):
    """One schema in the registry."""

    subject: str
    schema_id: int


class SchemaRegistry:
    """Thread-safe. `url` may carry a user and a password."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise ChangeSettings("SCHEMA_REGISTRY_URL is not an http or https address")
        self._base = url.rstrip("/")
        self._client = httpx.Client(timeout=TIMEOUT, headers={"Accept": CONTENT_TYPE}, follow_redirects=False)

    def schema(self, schema_id: int) -> str | None:
        """The Avro schema of an id, None when the registry has none or it is of another kind.

        Raises RetryLater (no answer, or an answer that is none), NotPermitted.
        """
        answer = self._ask("GET", f"/schemas/ids/{schema_id}")
        if answer is None or answer.get("schemaType", "AVRO") != "AVRO" or answer.get("references"):
            return None
        text = answer.get("schema")
        return text if isinstance(text, str) else None

    def register(self, event_types: Iterable[EventType]) -> Iterator[Registered]:
        """Make the current schema of each event type known under its record name (RecordNameStrategy); idempotent."""
        for each in event_types:
            body = {"schema": json.dumps(each.schema), "schemaType": "AVRO"}
            path = f"/subjects/{quote(each.record_name, safe='')}/versions"
            answer = self._ask("POST", path, body=body, timeout=REGISTER_TIMEOUT)
            if answer is None or not isinstance(answer.get("id"), int):
                raise RetryLater(f"the schema registry did not take `{each.record_name}`")
            yield Registered(each.record_name, answer["id"])

    def close(self) -> None:
        self._client.close()

    def _ask(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, timeout: httpx.Timeout = TIMEOUT
    ) -> dict[str, Any] | None:
        """The JSON object that answers, None for 404. No message names the address: it may hold a password."""
        headers = {"Content-Type": CONTENT_TYPE} if body is not None else {}
        try:
            answer = self._client.request(method, self._base + path, json=body, headers=headers, timeout=timeout)
        except httpx.HTTPError as failure:
            raise RetryLater(f"the schema registry does not answer ({type(failure).__name__})") from None
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise NotPermitted(f"the schema registry refused us: status {answer.status_code}")
        try:
            found = answer.raise_for_status().json()
        except (httpx.HTTPStatusError, ValueError):
            raise RetryLater(f"the schema registry answered status {answer.status_code}") from None
        return found if isinstance(found, dict) else None


class RegistryIds:
    """From the ids in Confluent frames to fingerprints of schemas. Never raises: what is not known now is None."""

    def __init__(self, registry: SchemaRegistry, clock: Callable[[], float], trouble: Callable[[str], object]) -> None:
        """`clock` gives seconds; `trouble` is told, without personal data, that the registry could not be asked."""
        self._registry, self._clock, self._trouble = registry, clock, trouble
        self._known: dict[int, bytes] = {}
        self._unknown: dict[int, float] = {}
        self._away_until = 0.0

    def get(self, schema_id: int) -> bytes | None:
        """CRC-64-AVRO fingerprint (8 bytes as on the wire) of the schema with this id."""
        found = self._known.get(schema_id)
        if found is not None:
            return found
        now = self._clock()
        if now < self._away_until or now < self._unknown.get(schema_id, 0.0):
            return None
        return self._learn(schema_id, now)

    def _learn(self, schema_id: int, now: float) -> bytes | None:
        try:
            text = self._registry.schema(schema_id)
        except (RetryLater, NotPermitted) as failure:
            self._away_until = now + AWAY_SECONDS
            self._trouble(str(failure))
            return None
        fingerprint = None if text is None else _fingerprint(text)
        if fingerprint is None:
            if len(self._unknown) >= MAX_UNKNOWN:
                self._unknown.clear()
            self._unknown[schema_id] = now + UNKNOWN_SECONDS
            return None
        self._known[schema_id] = fingerprint
        return fingerprint


def _fingerprint(text: str) -> bytes | None:
    """Fingerprint of a schema's parsing canonical form; None when it is no self-contained Avro record."""
    try:
        return wire(json.loads(text)).fingerprint
    except Exception:  # noqa: BLE001 - whatever the registry holds, it cannot stop the router
        return None
