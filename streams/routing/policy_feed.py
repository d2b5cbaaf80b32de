"""The rule set in force, as `masa.policy` carries it: the newest sound artefact wins, a broken one changes nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from connectors.errors import RetryLater
from connectors.kafka.compacted import CompactedReader, Entry
from connectors.kafka.transaction import Headers
from schemas.registry import EventTypes
from streams.policy.artefact import Artefact
from streams.policy.facts import LocatorToken
from streams.policy.index import RuleSet

RULE_SET_KEY = b"rule-set"
HASH_HEADER = "masa-policy"
_MAX_ARTEFACT_BYTES = 512 * 1024 * 1024  # a decompression bomb stops here


class PolicyTelemetry(Protocol):
    def policy_activated(self, *, version: int, rule_set: str) -> None: ...
    def policy_refused(self, *, reason: str, explanation: str) -> None: ...


class PolicyRecord(NamedTuple):
    """A rule set as it is published on `masa.policy`."""

    key: bytes
    value: bytes
    headers: Headers


def policy_record(artefact: Artefact) -> PolicyRecord:
    """The record that puts an artefact in force."""
    return PolicyRecord(RULE_SET_KEY, zlib.compress(artefact.content, 6), [(HASH_HEADER, artefact.hash)])


def artefact_of(entry: Entry) -> Artefact:
    """The artefact in a record. Raises `ValueError` saying what is wrong with it."""
    if entry.value is None:
        raise ValueError("the record is a tombstone: publish a rule set instead")
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(entry.value, _MAX_ARTEFACT_BYTES)
    except zlib.error:
        raise ValueError("the record is not a compressed artefact") from None
    if not inflate.eof:
        raise ValueError("the artefact is cut short or too large")
    artefact = Artefact.from_bytes(content)
    stated = entry.headers.get(HASH_HEADER, b"").decode("ascii", "replace")
    if stated != artefact.hash:
        raise ValueError("the artefact's hash is not the one its header states")
    return artefact


class PolicyFeed:
    """Follows `masa.policy` for one router slot."""

    def __init__(
        self,
        reader: CompactedReader,
        event_types: EventTypes,
        locator: Callable[[str, str], str],
        telemetry: PolicyTelemetry,
    ) -> None:
        self._reader = reader
        self._event_types = event_types
        self._locator = locator
        self._telemetry = telemetry
        self.rules: RuleSet | None = None

    def refresh(self, wait_seconds: float) -> bool:
        """Take over what is new; true when another rule set is in force now. Never raises for a broken artefact."""
        entries = [entry for entry in self._reader.poll(wait_seconds) if entry.key == RULE_SET_KEY]
        changed = False
        for entry in entries:
            changed = self._accept(entry) or changed
        return changed

    def read_to_end(self, attempts: int, beat: Callable[[], None]) -> bool:
        """Block until the topic's end was reached once, in at most `attempts` waits of a second; false if it was not.

        `beat` is called before each wait.
        """
        for _ in range(attempts):
            beat()
            try:
                self.refresh(1.0)
            except RetryLater:
                continue
            if self._reader.caught_up():
                return True
        return False

    def _accept(self, entry: Entry) -> bool:
        try:
            artefact = artefact_of(entry)
            if self.rules is not None and self.rules.hash == artefact.hash:
                return False
            rules = RuleSet.build(artefact, self._event_types, self._token)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the last good set stays in force
            self._telemetry.policy_refused(reason="unreadable", explanation=str(error)[:200])
            return False
        self.rules = rules
        self._telemetry.policy_activated(version=artefact.version, rule_set=rules.hash)
        return True

    def _token(self, scheme: str, value: str) -> LocatorToken:
        return LocatorToken(self._locator(scheme, value))
