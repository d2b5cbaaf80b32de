"""Ed25519 keys in files: made once, readable by their owner only, never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from connectors.errors import ChangeSettings
from connectors.signing import new_key, read_key, verify

# RFC 8032, section 7.1, test 2: an implementation that is not ours made these.
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
MESSAGE = bytes.fromhex("72")


def test_a_signature_of_the_standard_is_genuine_and_nothing_else_is() -> None:
    """Malformed keys and signatures are not genuine, without an exception."""
    assert verify(PUBLIC, SIGNATURE, MESSAGE)
    assert not verify(PUBLIC, SIGNATURE, MESSAGE + b"x")
    assert not verify(PUBLIC, SIGNATURE[:-1], MESSAGE)
    assert not verify(PUBLIC, bytes(64), MESSAGE)
    assert not verify(PUBLIC[:-1], SIGNATURE, MESSAGE)
    assert not verify(new_key().public_key, SIGNATURE, MESSAGE)


def test_a_key_is_kept_in_a_file_of_its_owner(tmp_path: Path) -> None:
    """Mode 0600, and what is read back signs the same."""
    key, path = new_key(), tmp_path / "secrets" / "asha.pem"
    key.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = read_key(path)
    assert (again.key_id, again.sign(b"m")) == (key.key_id, key.sign(b"m"))
    assert verify(key.public_key, key.sign(b"m"), b"m")


def test_a_key_is_never_overwritten_and_never_shown(tmp_path: Path) -> None:
    """A second key under its name would lock its owner out."""
    path = tmp_path / "asha.pem"
    key = new_key()
    key.write(path)
    with pytest.raises(ChangeSettings, match="never overwritten"):
        new_key().write(path)
    body = path.read_text().splitlines()[1]
    assert body not in repr(key) + str(key) + repr(vars(key))


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no signing key"), ("secret text", "no private key in PEM"), ("", "no private key in PEM")],
)
def test_what_is_no_key_is_said_without_quoting_it(tmp_path: Path, content: str | None, said: str) -> None:
    """A wrong file may be another secret."""
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ChangeSettings, match=said) as caught:
        read_key(path)
    assert "secret text" not in str(caught.value)
