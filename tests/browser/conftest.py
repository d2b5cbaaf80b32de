"""One browser and one set of pages a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.inbox_double import InboxDouble
from tests.pages_site import PagesSite, running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Not for longer than a module: while it runs, no other event loop can on this thread."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def served() -> Iterator[PagesSite]:
    """The pages on a port."""
    with running() as site:
        yield site


@pytest.fixture
def site(served: PagesSite) -> PagesSite:
    """The same with a fresh inbox."""
    served.doors.__dict__.update(InboxDouble().__dict__)
    served.sessions.rows.clear()
    return served
