"""What a supplier's system did, held against the rules of the exchange.

Pure: offers and what was seen in, a verdict out. What is published is read by the router's own reader, so the kit and
the exchange cannot disagree. No finding repeats a value of an event.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.codec import DecodedEvent, decode_event
from schemas.errors import ContractError
from schemas.vocabulary import FieldClass
from streams.conformance.offers import Offer
from streams.policy.facts import AgencyId, EpochMillis
from streams.routing.event import Rejection
from streams.routing.intake import Intake
from streams.routing.sources import KnownAgency, disagreement, header_mismatch

CLOCK_SKEW_MS = 5 * 60_000
SHORTEST_IDENTIFIER = 5  # characters; a shorter one is found in a key by chance
FINDINGS_SHOWN = 20  # of one check
_NOT_A_PSEUDONYM = re.compile(r"[@\s]")

# Check -> what is asked for, in the report's words and order.
CHECKS: Mapping[str, str] = {
    "ANSWERED": "every delivery is acknowledged in time",
    "READABLE": "receipts can be read, and are keyed by their delivery",
    "OWN_DELIVERY": "receipts name a delivery of this agency, with its event",
    "OUTCOME": "an acknowledgement says what was done, a pick-up does not",
    "ONCE": "a delivery has one answer, however often it is delivered",
    "CLOCK": "receipts are stamped with the time at which they were made",
    "NOBODY_NAMED": "who acted is a pseudonym or left out",
    "PUBLISHED": "each event type to be shown was published",
    "VALID": "what is published is taken by the exchange",
    "HEADERS": "CloudEvents headers say what the envelope says",
    "SOURCE": "the agency publishes as itself",
    "ID_ONCE": "an event id stands for one event",
    "NO_IDENTIFIER": "no record key or header holds a child's identifier or name",
}

_OF_ANSWERS = ("OWN_DELIVERY", "OUTCOME", "ONCE", "CLOCK", "NOBODY_NAMED")
_OF_PUBLISHING = frozenset({"PUBLISHED", "VALID", "HEADERS", "SOURCE", "ID_ONCE", "NO_IDENTIFIER"})


class Answer(NamedTuple):
    """One receipt, whichever door it came through. Times are epoch milliseconds."""

    delivery_id: str
    event_id: str
    agency: str
    kind: str
    outcome: str | None
    receipt_id: str
    person: str | None
    made_at: int
    seen_at: int
    key: str | None


class Unreadable(NamedTuple):
    """A receipt that is none."""

    why: str


class Publication(NamedTuple):
    """One published record, or an event that the gateway refused, with what was wrong."""

    value: bytes | None
    key: bytes | None
    headers: Mapping[str, bytes]
    seen_at: int
    refused: str | None = None


class Seen(NamedTuple):
    """Everything that the supplier's system did."""

    answers: Sequence[Answer | Unreadable]
    publications: Sequence[Publication]


class Checked(NamedTuple):
    """One check. It is passed when it looked at something and found nothing."""

    code: str
    looked_at: int
    findings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.looked_at > 0 and not self.findings


class Finding(NamedTuple):
    code: str
    about: str


def judge(
    offers: Sequence[Offer],
    seen: Seen,
    *,
    agency: KnownAgency,
    name: str,
    wanted: Iterable[str],
    intake: Intake,
) -> tuple[Checked, ...]:
    """The checks, in the order of `CHECKS`. `wanted` are event types that must have been published.

    Of a system that need not publish and does not, only what it receives is judged.
    """
    to_show = tuple(wanted)
    answers = [each for each in seen.answers if isinstance(each, Answer)]
    found = [
        *_unanswered(offers, answers),
        *(Finding("READABLE", each.why) for each in seen.answers if isinstance(each, Unreadable)),
        *_answers({each.delivery_id: each for each in offers}, answers, name),
        *_published(seen.publications, to_show, agency, name, intake),
    ]
    said: dict[str, list[str]] = defaultdict(list)
    for finding in found:
        said[finding.code].append(finding.about)
    published = len(seen.publications)
    looked = {"ANSWERED": sum(not each.optional for each in offers), "PUBLISHED": len(to_show)}
    others = {"READABLE": len(seen.answers)} | dict.fromkeys(_OF_ANSWERS, len(answers))
    counts = dict.fromkeys(CHECKS, published) | others | looked
    tried = [code for code in CHECKS if code not in _OF_PUBLISHING or to_show or published]
    return tuple(Checked(code, counts[code], tuple(sorted(set(said[code]))[:FINDINGS_SHOWN])) for code in tried)


def outstanding(offers: Iterable[Offer], answers: Iterable[Answer | Unreadable]) -> list[Offer]:
    """Deliveries that still wait for the acknowledgement that is due."""
    done = {each.delivery_id for each in answers if isinstance(each, Answer) and each.kind == "ACKNOWLEDGED"}
    return [each for each in offers if not each.optional and each.delivery_id not in done]


def type_of(publication: Publication) -> str | None:
    """Event type of a record, None when it cannot be read."""
    found = _decoded(publication)
    return None if isinstance(found, str) else found.event_type.name


def _unanswered(offers: Sequence[Offer], answers: Sequence[Answer]) -> Iterator[Finding]:
    for each in outstanding(offers, answers):
        yield Finding("ANSWERED", f"case {each.case}, {each.event_type}: delivery {each.delivery_id} has no answer")


def _answers(offers: Mapping[str, Offer], answers: Sequence[Answer], name: str) -> Iterator[Finding]:
    stands: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for each in answers:
        offer = offers.get(each.delivery_id)
        if each.key is not None and each.key != each.delivery_id:
            yield Finding("READABLE", f"receipt of {each.delivery_id}: the record's key is not the delivery id")
        if offer is None:
            yield Finding("OWN_DELIVERY", "a receipt names a delivery that was never made")
        elif each.event_id != offer.event_id:
            yield Finding("OWN_DELIVERY", f"receipt of {each.delivery_id}: names another event")
        if each.agency != name:
            yield Finding("OWN_DELIVERY", f"receipt of {each.delivery_id}: `agency` is not `{name}`")
        yield from _about_one(each)
        if offer is not None and each.kind == "ACKNOWLEDGED":
            stands[each.delivery_id].add((each.receipt_id, each.outcome))
    for delivery_id, given in stands.items():
        if len(given) > 1:
            yield Finding("ONCE", f"delivery {delivery_id} has {len(given)} different answers")


def _about_one(answer: Answer) -> Iterator[Finding]:
    which = f"receipt of {answer.delivery_id}"
    acknowledged = answer.kind == "ACKNOWLEDGED"
    if answer.kind not in ("ACKNOWLEDGED", "PICKED_UP"):
        yield Finding("OUTCOME", f"{which}: kind `{answer.kind}` is the exchange's own")
    elif acknowledged and answer.outcome in (None, "UNKNOWN"):
        yield Finding("OUTCOME", f"{which}: acknowledged without an outcome")
    elif not acknowledged and answer.outcome is not None:
        yield Finding("OUTCOME", f"{which}: picked up, yet with an outcome")
    if abs(answer.made_at - answer.seen_at) > CLOCK_SKEW_MS:
        yield Finding("CLOCK", f"{which}: `at` is more than {CLOCK_SKEW_MS // 60_000} minutes off: milliseconds, UTC")
    if answer.person is not None and _NOT_A_PSEUDONYM.search(answer.person):
        yield Finding("NOBODY_NAMED", f"{which}: `person` looks like a name or an address")


def _published(
    publications: Sequence[Publication], wanted: Sequence[str], agency: KnownAgency, name: str, intake: Intake
) -> Iterator[Finding]:
    good: set[str] = set()
    values: dict[str, set[bytes]] = defaultdict(set)
    for number, each in enumerate(publications, 1):
        which = f"record {number}"
        if each.refused is not None:
            yield Finding("VALID", f"{which}: refused: {each.refused}")
            continue
        event = intake.read(each.value, AgencyId(name), EpochMillis(each.seen_at))
        yield from _identifiers(each, which)
        if isinstance(event, Rejection):
            yield Finding("VALID", f"{which}: {event.reason} {event.path or ''}: {event.explanation}")
            continue
        good.add(event.event_type.name)
        values[event.facts.event_id].add(each.value or b"")
        if agency.category not in event.event_type.publishers:
            yield Finding("SOURCE", f"{which}: {agency.category} may not publish {event.event_type.name}")
        spoofed = disagreement(agency, event.claim, through_gateway=agency.channel == "gateway")
        if spoofed is not None:
            yield Finding("SOURCE", f"{which}: {spoofed.path or 'source'}: {spoofed.explanation}")
        wrong = header_mismatch(each.headers, event.facts.event_id, event.event_type.name)
        if wrong is not None:
            yield Finding("HEADERS", f"{which}: {wrong.explanation}")
    yield from (Finding("PUBLISHED", f"{kind} was not published, or could not be read") for kind in wanted
                if kind not in good)  # fmt: skip
    yield from (Finding("ID_ONCE", f"event id {one} stands for {len(all_of)} different events")
                for one, all_of in values.items() if len(all_of) > 1)  # fmt: skip


def _identifiers(publication: Publication, which: str) -> Iterator[Finding]:
    """Whatever identifies the child, in the key or in a header. Values are looked for, never repeated (I-09)."""
    found = _decoded(publication)
    if isinstance(found, str):
        return
    beside = b"\n".join([publication.key or b"", *publication.headers.values()]).decode("utf-8", "replace").lower()
    for leaf in found.event_type.leaves:
        if leaf.kind == "string" and FieldClass.IDENTITY in leaf.classes:
            value = _at(found.datum, leaf.path)
            if isinstance(value, str) and len(value) >= SHORTEST_IDENTIFIER and value.lower() in beside:
                yield Finding("NO_IDENTIFIER", f"{which}: the key or a header holds `{leaf.path}`")


def _decoded(publication: Publication) -> DecodedEvent | str:
    try:
        return decode_event(publication.value or b"")
    except ContractError as error:
        return str(error)


def _at(datum: Any, path: str) -> Any:
    for part in path.split("."):
        datum = None if datum is None else datum[part]
    return datum
