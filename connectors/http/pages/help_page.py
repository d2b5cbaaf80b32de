"""How to use the pages, whom to ring, and staying signed in."""

from __future__ import annotations

from connectors.http.pages.asking import Answer, Ask, Show
from connectors.http.pages.sessions import ABSOLUTE_MS


def show(ask: Ask) -> Answer:
    values = {"contacts": ask.profile.contacts, "roles": tuple(ask.profile.my_roles.values())}
    return Show("help.html", "Help", {**values, "hours": ABSOLUTE_MS // 3600_000})


def stay(ask: Ask) -> Answer:
    """Asked for by the script when a person wants to stay signed in: having asked is enough."""
    return Show("stay.html", "You are still signed in")
