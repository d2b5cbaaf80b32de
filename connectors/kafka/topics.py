"""The names of all topics, in one place.

Agency first, because Kafka's access control matches a literal name or a prefix and nothing else: everything under
`agency.<id>.` belongs to one agency.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from connectors.errors import ChangeSettings

AUDIT = "masa.audit"  # one record an event read, every candidate with exactly one outcome
HELD = "masa.held"  # needs a person
REJECTED = "masa.rejected"  # bytes kept, with the named reason
CHECKPOINTS = "masa.checkpoints"  # what is signed of the ledger's chain
OPERATIONS = "masa.operations"  # what people did to the exchange
TRANSITIONS = "masa.transitions"  # what became of deliveries
POLICY = "masa.policy"  # compacted; signed rule sets and stops
RELATIONSHIPS = "masa.relationships"  # compacted; the expiring register
SIGHTINGS = "masa.sightings"  # who was seen when, and how far the audit is read: between two of the side streams
SCHEMAS = "masa.schemas"  # compacted; fingerprint (16 hex digits) -> self-contained Avro schema

GATEWAY_OUTBOX = "gateway.outbox"
GATEWAY_INBOX = "gateway.inbox"
GATEWAY_RECEIPTS = "gateway.receipts"

# librdkafka reads a subscription that starts with ^ as a regular expression, and new topics that match it are found at
# the next metadata refresh: a new agency needs no restart.
OUTBOX_PATTERN = r"^(agency\.[a-z0-9-]+|gateway)\.outbox$"
RECEIPTS_PATTERN = r"^(agency\.[a-z0-9-]+|gateway)\.receipts$"

SIDE_STREAMS = "masa-streams"  # their consumer group, and the prefix of their tables' topics
SIDE_TABLES = ("mix", "patterns", "silence")


def changelog(table: str) -> str:
    """Topic that keeps a table of the side streams."""
    return f"{SIDE_STREAMS}-{table}-changelog"


_AGENCY_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")
_AGENCY_TOPIC = re.compile(r"agency\.(?P<agency>[a-z0-9-]+)\.(?P<kind>outbox|inbox|receipts)")


class TopicKind(StrEnum):
    OUTBOX = "outbox"
    INBOX = "inbox"
    RECEIPTS = "receipts"


_GATEWAY_TOPICS = {
    GATEWAY_OUTBOX: TopicKind.OUTBOX,
    GATEWAY_INBOX: TopicKind.INBOX,
    GATEWAY_RECEIPTS: TopicKind.RECEIPTS,
}


class AgencyTopic(NamedTuple):
    """A parsed topic name. `agency` is None for the gateway's shared topics."""

    agency: str | None
    kind: TopicKind


def outbox(agency: str) -> str:
    """Topic that `agency` publishes events to; the name authenticates the source."""
    return _agency_topic(agency, TopicKind.OUTBOX)


def inbox(agency: str) -> str:
    """Topic that `agency` reads its deliveries from."""
    return _agency_topic(agency, TopicKind.INBOX)


def receipts(agency: str) -> str:
    """Topic that `agency` writes acknowledgements to."""
    return _agency_topic(agency, TopicKind.RECEIPTS)


def agency_prefix(agency: str) -> str:
    """Prefix of everything that belongs to `agency`."""
    return f"agency.{_checked(agency)}."


def parse(topic: str) -> AgencyTopic | None:
    """Whose topic this is and which, or None when it is not an outbox, inbox or receipts topic."""
    if topic in _GATEWAY_TOPICS:
        return AgencyTopic(None, _GATEWAY_TOPICS[topic])
    match = _AGENCY_TOPIC.fullmatch(topic)
    if match is None or not _AGENCY_ID.fullmatch(match["agency"]):
        return None
    return AgencyTopic(match["agency"], TopicKind(match["kind"]))


def _agency_topic(agency: str, kind: TopicKind) -> str:
    return f"agency.{_checked(agency)}.{kind}"


def _checked(agency: str) -> str:
    if not _AGENCY_ID.fullmatch(agency):
        raise ChangeSettings(
            f"agency id `{agency}` cannot be a topic name: lower-case letters, digits and inner hyphens, at most 100"
        )
    return agency
