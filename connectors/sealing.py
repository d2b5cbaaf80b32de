"""Content at rest that only the exchange's own processes can read (A-11).

Whoever reads the database, its backups or its write-ahead log finds ciphertext: AES-256-GCM under a key of the record's
own, derived from the exchange's key. A sealed value that is put under another record does not open.
"""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SHORTEST = len(_VERSION) + _NONCE_BYTES + _TAG_BYTES


class SealBroken(ValueError):  # noqa: N818 (a state, not an error of ours)
    """The bytes were sealed under another key, for another record, or were changed."""


class Sealer:
    """Seals values of one purpose. Safe from any thread."""

    __slots__ = ("_key",)

    def __init__(self, exchange_key: bytes, purpose: str) -> None:
        """`exchange_key` has at least 32 random bytes; different purposes cannot read each other's."""
        self._key = hmac.digest(exchange_key, f"seal:{purpose}".encode(), "sha256")

    def seal(self, value: bytes, about: str) -> bytes:
        """The value sealed; `about` names the record it belongs to."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher(about).encrypt(nonce, value, about.encode())

    def unseal(self, sealed: bytes, about: str) -> bytes:
        """The value. Raises SealBroken."""
        if len(sealed) < _SHORTEST or sealed[:1] != _VERSION:
            raise SealBroken("not a sealed value")
        nonce, content = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher(about).decrypt(nonce, content, about.encode())
        except InvalidTag:
            raise SealBroken("sealed under another key or for another record, or changed since") from None

    def _cipher(self, about: str) -> AESGCM:
        return AESGCM(hmac.digest(self._key, about.encode(), "sha256"))

    def __repr__(self) -> str:
        return "Sealer(key=hidden)"
