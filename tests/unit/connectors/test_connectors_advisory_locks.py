"""Numbers of PostgreSQL's advisory locks."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOCK = re.compile(r"= (0x6D617361_[0-9A-F]{4})$", re.MULTILINE)


def test_no_two_duties_share_a_lock() -> None:
    """One of them would wait for the other for ever, and say only that another process does its work."""
    files = [path for layer in ("connectors", "streams") for path in (ROOT / layer).rglob("*.py")]
    found = Counter(number for path in files for number in LOCK.findall(path.read_text()))
    assert len(found) > 5
    assert {number: times for number, times in found.items() if times > 1} == {}
