"""What a page is given and what it answers: plain values, so that a page is an ordinary function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connectors.http.pages.answers import Form
from connectors.http.pages.sessions import Session
from connectors.http.ports import Doors
from connectors.http.values import Caller, Profile, Scope


class Ask(NamedTuple):
    """One request of a signed-in person."""

    doors: Doors
    session: Session
    profile: Profile
    path: Mapping[str, str]
    form: Form
    now: int

    @property
    def known(self) -> Mapping[str, str]:
        """Codes that the exchange can name to this person: councils that take part, and its own organisation's."""
        return dict(self.profile.councils) | {code: self.profile.name for _, code in self.profile.identifiers}

    @property
    def caller(self) -> Caller:
        return self.session.caller


class Show(NamedTuple):
    """A page to show. `values` are the template's; `title` stands in the browser's tab."""

    template: str
    title: str
    values: Mapping[str, Any] = {}
    status: int = 200


class Go(NamedTuple):
    """Another page to go to. `say` is a message of `SAYINGS` for it."""

    to: str
    say: str | None = None


Answer = Show | Go
Page = Callable[[Ask], Answer]


class Spot(NamedTuple):
    """One page at one address. `scope` is what the person must have."""

    method: str
    path: str
    page: Page
    scope: Scope | None = None


# What a page may say at its head about what was just done.
SAYINGS: Mapping[str, tuple[str, str]] = {
    "answered.NOTED": ("Your answer was recorded: noted", "The sender is told that you have read it."),
    "answered.ACTION_TAKEN": ("Your answer was recorded: acted on", "The sender is told. Record what you did."),
    "answered.REFERRED_ON": ("Your answer was recorded: passed on", "The sender is told that it was passed on."),
    "answered.ASK_MORE": ("Your question was recorded", "The sender is told. If it cannot wait, ring."),
    "answered.NOT_OUR_CHILD": (
        "Recorded: not your child",
        "Somebody looks for the right place. Keep no copy, and do not discuss what you read.",
    ),
    "answered.CANNOT_IDENTIFY": (
        "Recorded: you cannot tell which child this is",
        "The sender is told. If you are worried, ring.",
    ),
    "answered.DUPLICATE": ("Recorded: you have had this before", ""),
    "answered.before": ("You have given this answer before", "Nothing was recorded again."),
    "removed": ("Recorded: you have removed it", "Thank you. The sender is told that it is gone, not by whom."),
    "sent": ("Your message was sent", "It is stored safely and goes to those who may have it."),
    "covered": ("Your cover was set up", "It ends by itself. You can end it earlier here."),
    "uncovered": ("The cover was ended", ""),
    "uncovered.none": ("There was nothing to end", "The cover had ended already, or somebody else gave it."),
}  # fmt: skip


def not_found() -> Show:
    """The same for what does not exist and for what is somebody else's."""
    return Show("missing.html", "There is nothing here for you", {}, 404)
