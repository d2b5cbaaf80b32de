"""Keyed pseudonyms: what stands for a child or a setting wherever content must not appear (requirement I-09).

Every pseudonym is HMAC-SHA-256 under the exchange's key. A plain or salted hash would not do: there are about a
thousand million NHS numbers and a few tens of thousands of schools, so anyone could try them all.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import TypeVar

MIN_KEY_BYTES = 32
_BLOCK_BYTES = 128  # of SHA-512
_RELATIONSHIPS = b"relationships:"  # keeps these pseudonyms apart from all others
_TOKEN_HEX = 32  # 128 bits: no two of England's children or settings collide by chance

T = TypeVar("T")


class Pseudonymiser:
    """Makes pseudonyms under one key. Equal input under the same key gives equal output, for ever.

    Raises `ValueError` when the key is shorter than 32 bytes.
    """

    __slots__ = ("_inner", "_key", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"pseudonym key has {len(key)} bytes: at least {MIN_KEY_BYTES} are needed")
        self._key = key
        block = (hashlib.sha512(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha512(bytes(byte ^ 0x36 for byte in block) + _RELATIONSHIPS)
        self._outer = hashlib.sha512(bytes(byte ^ 0x5C for byte in block))

    def token(self, kind: str, value: str) -> str:
        """32 hex digits for a value of one kind; the kind keeps equal values of different kinds apart."""
        text = f"{kind}:{value}".encode()
        return hmac.digest(self._key, text, "sha256").hex()[:_TOKEN_HEX]

    def locator(self, scheme: str, value: str) -> str:
        """Token of an organisation code, e.g. `("URN", "990001")`."""
        return self.token("locator:" + scheme, value)

    def subject(self, *, nhs_number: str | None, upn: str | None, source: str, local_ref: str | None) -> str | None:
        """Token of the child: by NHS number, else UPN, else the publisher's own reference; None without any.

        Two agencies that both know the NHS number get the same token, which is what keeps one child's events in
        order. Tokens made from different identifiers are never linked (I-06).
        """
        if nhs_number is not None:
            return self.token("nhs", nhs_number)
        if upn is not None:
            return self.token("upn", upn)
        if local_ref is not None:
            return self.token("local:" + source, local_ref)
        return None

    def record_key(self, agency: str, source_ref: str) -> str:
        """Key of an outbox record: one per source record, so that its versions stay in order."""
        return self.token("record:" + agency, source_ref)

    def relationships(self, subject: str) -> bytes:
        """64 bytes: the relationship register's keys of one child, 16 for each kind of relationship.

        No key tells of another, so what the register holds of one child cannot be put together without this key.
        """
        # HMAC-SHA-512 from its two hashes with the key already taken in, a fifth of the time of the library's one call:
        # the router asks for every event.
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(subject.encode())
        outer.update(inner.digest())
        return outer.digest()

    def digest(self, content: bytes) -> bytes:
        """32 bytes that name a record's content without revealing it."""
        return hmac.digest(self._key, content, "sha256")

    def keyed(self, make: Callable[[bytes], T]) -> T:
        """Whatever `make` makes of the key: for what computes the same pseudonyms elsewhere."""
        return make(self._key)

    def __repr__(self) -> str:
        return "Pseudonymiser(key=hidden)"


def delivery_id(event_id: str, recipient: str, revision: int) -> str:
    """Deterministic delivery id: same event, recipient and revision, same id (UUID version 8, RFC 9562)."""
    raw = hashlib.sha256(f"{event_id}/{recipient}/{revision}".encode()).hexdigest()
    return f"{raw[:8]}-{raw[8:12]}-8{raw[13:16]}-8{raw[17:20]}-{raw[20:32]}"
