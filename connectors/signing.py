"""Ed25519 signatures (RFC 8032) and the files that private keys live in (PEM, PKCS #8).

A private key is never printed, logged or compared: `SigningKey` gives out its public half and signatures, nothing else.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from connectors.errors import ChangeSettings

KEY_ID_DIGITS = 16


class SigningKey:
    """A person's private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)  # 32 bytes
        self.key_id = key_id_of(self.public_key)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same for the same message."""
        return self._key.sign(message)

    def write(self, path: Path) -> None:
        """Keep it in a new file that its owner alone can read. Raises ChangeSettings when there is a file already."""
        content = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise ChangeSettings(f"`{path}` is there already: a key is never overwritten, name another file") from None
        except OSError as error:
            raise ChangeSettings(f"`{path}` cannot be written: {error.strerror}") from None


def new_key() -> SigningKey:
    """A new key from the operating system's randomness."""
    return SigningKey(Ed25519PrivateKey.generate())


def read_key(path: Path) -> SigningKey:
    """The key in a PEM file. Raises ChangeSettings, whose message never quotes the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ChangeSettings(f"no signing key in `{path}`: {error.strerror}") from None
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ChangeSettings(
            f"`{path}` is no private key in PEM without a password: `masa rules keygen` makes one"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ChangeSettings(f"`{path}` holds a key of another kind: `masa rules keygen` makes Ed25519 keys")
    return SigningKey(key)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is the key's over `message`. Never raises: a malformed key or signature is not genuine."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id_of(public_key: bytes) -> str:
    """Short name of a key: the first 16 hexadecimal digits of the SHA-256 of its public half."""
    return hashlib.sha256(public_key).hexdigest()[:KEY_ID_DIGITS]
