"""Content at rest is ciphertext that opens for its own record only."""

from __future__ import annotations

import pytest

from connectors.sealing import SealBroken, Sealer

KEY = bytes(range(32))
SEALER = Sealer(KEY, "test")


def test_what_was_sealed_opens_and_shows_nothing() -> None:
    """Twice the same value looks different each time."""
    for value in (b"", b"a child's name" * 100):
        one, other = SEALER.seal(value, "d1"), SEALER.seal(value, "d1")
        assert SEALER.unseal(one, "d1") == SEALER.unseal(other, "d1") == value
        assert one != other
        assert b"child" not in one
    assert "00010203" not in repr(SEALER)


@pytest.mark.parametrize(
    ("sealer", "about", "spoil"),
    [
        (SEALER, "d2", lambda sealed: sealed),  # put under another record
        (Sealer(KEY, "other"), "d1", lambda sealed: sealed),
        (Sealer(bytes(32), "test"), "d1", lambda sealed: sealed),
        (SEALER, "d1", lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (SEALER, "d1", lambda sealed: b"\x02" + sealed[1:]),
        (SEALER, "d1", lambda sealed: sealed[:20]),
        (SEALER, "d1", lambda sealed: b""),
    ],
)
def test_nothing_else_opens_it(sealer: Sealer, about: str, spoil: object) -> None:
    """Another record, purpose or key, and whatever was changed."""
    sealed = SEALER.seal(b"content", "d1")
    with pytest.raises(SealBroken):
        sealer.unseal(spoil(sealed), about)  # type: ignore[operator]
