"""Who published a record: the topic it came on decides, and the envelope must agree.

An agency can write to its own outbox only (broker ACL), so the topic authenticates it. Agencies without Kafka share the
gateway's outbox, where the gateway, which alone may write there, stamps the agency in a header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from connectors.client.outbox import AGENCY_HEADER
from schemas.vocabulary import RejectReason
from streams.policy.facts import AgencyId
from streams.routing.event import Claim, Rejection

CHECKED_HEADERS = {"ce_id": "envelope.eventId", "ce_type": "envelope.eventType"}


class KnownAgency(Protocol):
    """What authentication needs to know of an agency."""

    @property
    def category(self) -> str: ...
    @property
    def area(self) -> str: ...
    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def channel(self) -> str: ...


def publisher(owner: str | None, headers: Mapping[str, bytes]) -> AgencyId | Rejection:
    """The agency behind a record. `owner` is the topic's agency, None for the gateway's shared outbox."""
    if owner is not None:
        return AgencyId(owner)
    stamped = headers.get(AGENCY_HEADER)
    if not stamped:
        return Rejection(
            RejectReason.HEADERS, None, f"no `{AGENCY_HEADER}` header: the gateway stamps every record it publishes"
        )
    return AgencyId(stamped.decode("utf-8", "replace"))


def disagreement(agency: KnownAgency | None, claim: Claim, *, through_gateway: bool) -> Rejection | None:
    """Why the envelope may not speak for the agency that published it; None when it may.

    An envelope that leaves its organisation's code out is taken at its topic's word; one that names another
    organisation, category or area is a spoof.
    """
    if agency is None:
        return Rejection(
            RejectReason.UNKNOWN_AGENCY, None, "the publisher is not an agency of the rule set: add it to the area"
        )
    if through_gateway != (agency.channel == "gateway"):
        return Rejection(RejectReason.SPOOFED_SOURCE, None, f"the agency's channel is {agency.channel}: publish there")
    if claim.category != agency.category:
        return Rejection(
            RejectReason.SPOOFED_SOURCE,
            "envelope.sourceOrg.category",
            f"not the category of the publishing agency: it is {agency.category}",
        )
    if claim.identifier is not None and (claim.scheme, claim.identifier) not in agency.identifiers:
        return Rejection(
            RejectReason.SPOOFED_SOURCE,
            "envelope.sourceOrg.id",
            "not an identifier of the agency whose outbox this is: publish as yourself",
        )
    if claim.masa_id != agency.area:
        return Rejection(
            RejectReason.SPOOFED_SOURCE, "envelope.masaId", f"not the publishing agency's area: it is {agency.area}"
        )
    return None


def header_mismatch(headers: Mapping[str, bytes], event_id: str, event_type: str) -> Rejection | None:
    """CloudEvents headers, where present, must say what the envelope says (Kafka binding, binary mode)."""
    for name, said in (("ce_id", event_id), ("ce_type", event_type)):
        header = headers.get(name)
        if header is not None and header != said.encode():
            return Rejection(
                RejectReason.HEADERS, CHECKED_HEADERS[name], f"the `{name}` header says something else: make them equal"
            )
    return None
