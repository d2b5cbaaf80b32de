"""How much of a refused record is kept."""

from __future__ import annotations

from schemas.limits import KEPT_HEADER_BYTES, KEPT_KEY_BYTES, KEPT_VALUE_BYTES, kept_headers, kept_key, kept_value


def test_an_ordinary_record_is_kept_whole() -> None:
    """What an outbox takes uncompressed is kept to the last byte, null told from empty."""
    value = b"v" * KEPT_VALUE_BYTES
    headers = [("a", b"1"), ("b", None), ("c", b"")]
    assert (kept_key(b"k"), kept_value(value), kept_headers(headers)) == (b"k", value, headers)
    assert (kept_key(None), kept_value(None), kept_headers([])) == (None, None, [])
    assert kept_value(b"") == b""


def test_what_unpacks_to_more_is_cut_so_that_it_fits_one_record() -> None:
    """Together the kept parts stay below what a producer may send."""
    key = kept_key(b"k" * (KEPT_KEY_BYTES + 1)) or b""
    value = kept_value(b"v" * (KEPT_VALUE_BYTES + 1)) or b""
    headers = kept_headers([("name", b"h" * 1_000)] * 100_000)
    assert len(key) == KEPT_KEY_BYTES
    assert len(value) == KEPT_VALUE_BYTES
    size = sum(len(name) + len(content or b"") for name, content in headers)
    assert KEPT_HEADER_BYTES - 2_000 < size <= KEPT_HEADER_BYTES
    assert len(key) + len(value) + size < 4 * 1024 * 1024
