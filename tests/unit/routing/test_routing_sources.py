"""Who published a record: the topic decides, and the envelope must agree."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from schemas.vocabulary import RejectReason
from streams.routing.event import Claim, Rejection
from streams.routing.sources import disagreement, header_mismatch, publisher


class Agency(NamedTuple):
    category: str = "SCHOOL"
    area: str = "northshire"
    identifiers: tuple[tuple[str, str], ...] = (("URN", "990001"), ("LAESTAB", "9992001"))
    channel: str = "gateway"


CLAIM = Claim("SCHOOL", "URN", "990001", "northshire")


def test_a_topic_of_an_agencys_own_names_it_whatever_a_header_says() -> None:
    """Only that agency may write there; a stamp on it means nothing."""
    assert publisher("northshire-police", {"masa-agency": b"oakfield-primary"}) == "northshire-police"


def test_on_the_shared_topic_the_stamp_names_the_agency() -> None:
    """Only the gateway may write there, and it stamps what it authenticated."""
    assert publisher(None, {"masa-agency": b"oakfield-primary"}) == "oakfield-primary"


@pytest.mark.parametrize("headers", [{}, {"masa-agency": b""}, {"Masa-Agency": b"oakfield-primary"}])
def test_without_a_stamp_nobody_published(headers: dict[str, bytes]) -> None:
    """A record that the gateway did not stamp did not come from it."""
    found = publisher(None, headers)
    assert isinstance(found, Rejection)
    assert found.reason is RejectReason.HEADERS


@pytest.mark.parametrize("identifier", [("URN", "990001"), ("LAESTAB", "9992001"), (None, None), ("URN", None)])
def test_any_code_of_its_own_or_none_will_do(identifier: tuple[str | None, str | None]) -> None:
    """A school may say its URN or its LAESTAB number, or leave it to the topic."""
    scheme, code = identifier
    claim = CLAIM._replace(scheme=scheme, identifier=code)
    assert disagreement(Agency(), claim, through_gateway=True) is None


@pytest.mark.parametrize(
    ("claim", "path"),
    [
        (CLAIM._replace(category="COLLEGE"), "envelope.sourceOrg.category"),
        (CLAIM._replace(identifier="990002"), "envelope.sourceOrg.id"),
        (CLAIM._replace(scheme="LAESTAB"), "envelope.sourceOrg.id"),
        (CLAIM._replace(scheme=None), "envelope.sourceOrg.id"),
        (CLAIM._replace(masa_id="eastmarch"), "envelope.masaId"),
    ],
)
def test_what_names_another_is_a_spoof(claim: Claim, path: str) -> None:
    """Category, code or area of somebody else, each told by its field and without the value."""
    found = disagreement(Agency(), claim, through_gateway=True)
    assert found is not None
    assert (found.reason, found.path) == (RejectReason.SPOOFED_SOURCE, path)
    assert "990002" not in found.explanation


@pytest.mark.parametrize(("channel", "through_gateway"), [("gateway", False), ("kafka", True)])
def test_an_agency_publishes_on_its_own_channel_only(channel: str, through_gateway: bool) -> None:
    """A gateway agency has no outbox of its own, and the other way about."""
    found = disagreement(Agency(channel=channel), CLAIM, through_gateway=through_gateway)
    assert found is not None
    assert found.reason is RejectReason.SPOOFED_SOURCE


def test_nobody_known_publishes_nothing() -> None:
    """Not in the rule set: named for itself, because the cure is another one."""
    found = disagreement(None, CLAIM, through_gateway=True)
    assert found is not None
    assert found.reason is RejectReason.UNKNOWN_AGENCY


@pytest.mark.parametrize(
    "headers", [{}, {"ce_id": b"an-id"}, {"ce_type": b"a.type", "ce_id": b"an-id"}, {"ce_time": b"x"}]
)
def test_headers_that_agree_or_are_not_there_are_fine(headers: dict[str, bytes]) -> None:
    """CloudEvents headers help ordinary tools; an event without them is still one."""
    assert header_mismatch(headers, "an-id", "a.type") is None


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"ce_id": b"another-id"}, "envelope.eventId"),
        ({"ce_id": b""}, "envelope.eventId"),
        ({"ce_type": b"another.type", "ce_id": b"an-id"}, "envelope.eventType"),
        ({"ce_type": b"\xff"}, "envelope.eventType"),
    ],
)
def test_headers_that_contradict_the_envelope_are_refused(headers: dict[str, bytes], path: str) -> None:
    """A tool that went by the headers would route it wrongly."""
    found = header_mismatch(headers, "an-id", "a.type")
    assert found is not None
    assert (found.reason, found.path) == (RejectReason.HEADERS, path)
