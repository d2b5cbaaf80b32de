"""Bad input that only the router can tell: who published it, in whose name, for whom, and whether it came before."""

from __future__ import annotations

from random import Random
from typing import Any

from connectors.client.outbox import AGENCY_HEADER
from connectors.kafka.publisher import Outgoing
from connectors.kafka.topics import GATEWAY_OUTBOX, outbox
from schemas.vocabulary import RejectReason
from streams.simulation import envelope as fill
from streams.simulation.agencies import Agency
from streams.simulation.spoiling import BadKind, Donor, SeenBy, Spoil, Spoiled, on_gateway, on_kafka

NOBODY = "no-such-agency"
_NOBODY = Agency(
    id=NOBODY,
    name="Nobody",
    category="SCHOOL",
    channel="gateway",
    identifiers=(),
    area="nowhere",
    roles=(),
    authorities=(),
)
_SPOOF_TYPES = ("dv.marac-referral", "exploitation.concern", "early-help.episode", "lado.allegation")


def _kind(name: str, reason: RejectReason, spoil: Spoil, **more: Any) -> BadKind:
    return BadKind(name=name, reason=reason, seen_by=SeenBy.ROUTER, spoil=spoil, **more)


def _header(record: Outgoing, name: str, value: bytes | None) -> Outgoing:
    """The record with one header replaced, or left out when `value` is None."""
    kept = tuple(pair for pair in record.headers if pair[0] != name)
    return record._replace(headers=kept if value is None else (*kept, (name, value)))


def _with_header(name: str, value: bytes | None) -> Spoil:
    return lambda donor, rng: _header(donor.record, name, value)


def _other_identifier(donor: Donor, rng: Random) -> Outgoing | None:
    """Another agency's code in an event on the own topic."""
    agency = donor.event.agency
    own = frozenset(agency.identifiers)
    codes = [
        code
        for other in donor.roster.all
        if other.category == agency.category
        for code in sorted(other.identifiers)
        if code not in own
    ]
    if not codes:
        return None
    scheme, code = rng.choice(codes)
    datum = donor.datum()
    datum["envelope"]["sourceOrg"].update(scheme=scheme, id=code)
    return donor.republished(datum)


def _other_category(donor: Donor, rng: Random) -> Outgoing | None:
    """A category that may publish the type, but is not the agency's."""
    others = [c.value for c in donor.event.event_type.publishers if c.value != donor.event.agency.category]
    if not others:
        return None
    datum = donor.datum()
    datum["envelope"]["sourceOrg"] = {"category": rng.choice(others), "scheme": None, "id": None}
    return donor.republished(datum)


def _on_other_topic(donor: Donor, rng: Random) -> Outgoing | None:
    """A true copy of an agency's event, produced to another agency's outbox."""
    agency = donor.event.agency
    others = [other for other in donor.roster.all if on_kafka(other) and other.id != agency.id]
    if not others:
        return None
    datum = donor.datum()
    scheme, code = sorted(agency.identifiers)[0]
    datum["envelope"]["sourceOrg"] = {"category": agency.category, "scheme": scheme, "id": code}
    record = _header(donor.republished(datum), AGENCY_HEADER, None)
    return record._replace(topic=outbox(rng.choice(others).id))


def _other_agency_stamped(donor: Donor, rng: Random) -> Outgoing | None:
    """The gateway's header names another agency than the envelope."""
    agency = donor.event.agency
    others = [
        other
        for other in donor.roster.all
        if on_gateway(other) and other.id != agency.id and other.category != agency.category
    ]
    if not others:
        return None
    return _header(donor.record, AGENCY_HEADER, rng.choice(others).id.encode())


def _other_area(donor: Donor, rng: Random) -> Outgoing:
    del rng
    datum = donor.datum()
    others = [area for area in donor.roster.areas if area != donor.event.agency.area]
    datum["envelope"]["masaId"] = others[0] if others else "elsewhere"
    return donor.republished(datum)


def _through_gateway(donor: Donor, rng: Random) -> Outgoing:
    """An agency with topics of its own, through the gateway."""
    del rng
    record = _header(donor.record, AGENCY_HEADER, donor.event.agency.id.encode())
    return record._replace(topic=GATEWAY_OUTBOX)


def _around_gateway(donor: Donor, rng: Random) -> Outgoing:
    """An agency of the gateway on a topic of its own."""
    del rng
    return _header(donor.record, AGENCY_HEADER, None)._replace(topic=outbox(donor.event.agency.id))


def _unknown_topic_owner(donor: Donor, rng: Random) -> Outgoing:
    del rng
    return _header(donor.record, AGENCY_HEADER, None)._replace(topic=outbox(NOBODY))


def _unknown_recipient(donor: Donor, rng: Random) -> Outgoing:
    del rng
    datum = donor.datum()
    datum["envelope"]["proposedRecipients"] = [fill.confirmed(_NOBODY)]
    return donor.republished(datum)


def _unknown_exclusion(donor: Donor, rng: Random) -> Outgoing:
    datum = donor.datum()
    datum["envelope"]["excludeRecipients"] = [fill.excluded(rng, _NOBODY)]
    return donor.republished(datum)


def _id_reused(donor: Donor, rng: Random) -> Spoiled:
    """The same event id with other content, after the first was routed."""
    del rng
    datum = donor.datum()
    datum["envelope"]["sequence"] += 1
    return Spoiled(donor.republished(datum), before=(donor.record,))


_R = RejectReason
_E = "envelope."
SOURCE_KINDS: tuple[BadKind, ...] = (
    _kind("gateway-header-missing", _R.HEADERS, _with_header(AGENCY_HEADER, None), fits=on_gateway),
    _kind("gateway-header-empty", _R.HEADERS, _with_header(AGENCY_HEADER, b""), fits=on_gateway),
    _kind("ce-id-contradicts", _R.HEADERS, _with_header("ce_id", b"another"), path=_E + "eventId"),
    _kind("ce-type-contradicts", _R.HEADERS, _with_header("ce_type", b"police.parking-ticket"), path=_E + "eventType"),
    _kind("unknown-agency-stamped", _R.UNKNOWN_AGENCY, _with_header(AGENCY_HEADER, NOBODY.encode()), fits=on_gateway),
    _kind("agency-header-not-utf8", _R.UNKNOWN_AGENCY, _with_header(AGENCY_HEADER, b"\xff\xfe\xfa"), fits=on_gateway),
    _kind("unknown-topic-owner", _R.UNKNOWN_AGENCY, _unknown_topic_owner, own_topic=True),
    _kind("other-agency-s-code", _R.SPOOFED_SOURCE, _other_identifier, path=_E + "sourceOrg.id"),
    _kind(
        "other-category",
        _R.SPOOFED_SOURCE,
        _other_category,
        path=_E + "sourceOrg.category",
        types=_SPOOF_TYPES,
    ),
    _kind("on-another-agency-s-topic", _R.SPOOFED_SOURCE, _on_other_topic, fits=on_kafka),
    _kind("another-agency-stamped", _R.SPOOFED_SOURCE, _other_agency_stamped, fits=on_gateway),
    _kind("other-area", _R.SPOOFED_SOURCE, _other_area, path=_E + "masaId"),
    _kind("kafka-agency-through-gateway", _R.SPOOFED_SOURCE, _through_gateway, fits=on_kafka),
    _kind("gateway-agency-on-own-topic", _R.SPOOFED_SOURCE, _around_gateway, fits=on_gateway, own_topic=True),
    _kind("unknown-recipient", _R.UNKNOWN_RECIPIENT, _unknown_recipient, path=_E + "proposedRecipients"),
    _kind("unknown-exclusion", _R.UNKNOWN_RECIPIENT, _unknown_exclusion, path=_E + "excludeRecipients"),
    _kind("id-reused", _R.ID_REUSED, _id_reused, path=_E + "eventId"),
)
