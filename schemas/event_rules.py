"""Rules about an event as a whole: who publishes it, under which power, when, about whom, and for whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas.dates import MILLIS_PER_DAY, date_of_days
from schemas.errors import FieldProblem
from schemas.field_classes import Leaf
from schemas.field_rules import FIRST_DAY, LAST_DAY
from schemas.identifiers import SCHEME_FORMATS, check_format, has_postcode
from schemas.registry import EventType
from schemas.vocabulary import FieldClass, IdentifierScheme, LegalGateway, RejectReason
from schemas.wire import Datum

CLOCK_SKEW_MS = 5 * 60_000  # how far ahead of ours a publisher's clock may run
OLDEST_YEARS = 26  # a care leaver is supported to 25
EARLIEST_DELIVERY_DAYS = -42  # an expected date may have passed by this much when the event comes
LATEST_DELIVERY_DAYS = 310
ALLEGATION = "lado.allegation"
S213B_FIELDS = ("consentEvidence", "chosenAuthority")  # of every type that S213B_HOUSING may be used for
_UNKNOWN = "UNKNOWN"
_URN_SCHEMES = frozenset({IdentifierScheme.URN, IdentifierScheme.OFSTED_URN})
_MUST_BE_STATED = ("purpose", "urgency", "dpRegime", "addressProtection")
_ADDRESS_NAME = re.compile(r"(?:line[0-9]*|street|town|.*postcode|.*uprn|.*address(?:line[0-9]*)?)", re.IGNORECASE)
_TEXT_CLASSES = frozenset({FieldClass.NARRATIVE, FieldClass.CONTACT})
_ADDRESS_FORMATS = frozenset({"postcode", "uprn"})


@dataclass(frozen=True, slots=True)
class Context:
    """One event under validation. Its datum has the right shape."""

    event_type: EventType
    datum: Datum
    envelope: Datum
    received_at_ms: int


Rule = Callable[[Context], Iterable[FieldProblem]]


def schema_is_named(event: Context) -> Iterator[FieldProblem]:
    """The envelope names the type and version that the event is encoded as."""
    event_type, envelope = event.event_type, event.envelope
    if envelope["eventType"] != event_type.name:
        yield _problem(
            "eventType",
            RejectReason.UNKNOWN_SCHEMA,
            "is not the type the event is encoded as",
            f"`{event_type.name}`",
        )
    if not 1 <= envelope["schemaVersion"] <= event_type.version:
        right = f"the version it was written with, at most {event_type.version}"
        yield _problem("schemaVersion", RejectReason.UNKNOWN_SCHEMA, "is not a version of this type", right)


def words_are_stated(event: Context) -> Iterator[FieldProblem]:
    """What routing depends on is stated, and is in the catalogue's entry."""
    envelope, event_type = event.envelope, event.event_type
    for name in _MUST_BE_STATED:
        if envelope[name] == _UNKNOWN:
            yield _problem(name, RejectReason.REQUIRED_FIELD, "is UNKNOWN", "one of its other words")
    for name, allowed in (("purpose", event_type.purposes), ("dpRegime", event_type.regimes)):
        if envelope[name] != _UNKNOWN and envelope[name] not in allowed:
            right = _one_of(allowed)
            yield _problem(name, RejectReason.GATEWAY_CONDITIONS, "is not one this type is shared for", right)


def publisher_may(event: Context) -> Iterator[FieldProblem]:
    """The publisher's category may publish this type; its code has the form of its scheme."""
    source, publishers = event.envelope["sourceOrg"], event.event_type.publishers
    if source["category"] == _UNKNOWN:
        yield _problem("sourceOrg.category", RejectReason.REQUIRED_FIELD, "is UNKNOWN", _one_of(publishers))
    elif source["category"] not in publishers:
        code = RejectReason.PUBLISHER_NOT_PERMITTED
        yield _problem("sourceOrg.category", code, "may not publish this type", _one_of(publishers))
    if right := check_format("agency-id", event.envelope["masaId"]):
        yield _problem("masaId", RejectReason.IDENTIFIER, "is not an area id", right)
    fmt = SCHEME_FORMATS.get(source["scheme"] or "")
    if fmt and source["id"] is not None and (right := check_format(fmt, source["id"])):
        yield _problem("sourceOrg.id", RejectReason.IDENTIFIER, f"is not a valid {fmt}", right)


def gateway_holds(event: Context) -> Iterator[FieldProblem]:
    """A legal gateway is stated, fits the type, and its own conditions hold (L-01, L-05)."""
    gateway, gateways = event.envelope["legalGateway"], event.event_type.gateways
    if gateway == _UNKNOWN:
        yield _problem("legalGateway", RejectReason.GATEWAY_MISSING, "is UNKNOWN", _one_of(gateways))
    elif gateway not in gateways:
        code = RejectReason.GATEWAY_NOT_PERMITTED
        yield _problem("legalGateway", code, "is not a gateway of this type", _one_of(gateways))
    elif gateway == LegalGateway.S49A_DAA and event.envelope["settings"]["schoolUrn"] is None:
        right = "the school's URN: s49A notifies an education setting; without one use another gateway"
        yield _problem("settings.schoolUrn", RejectReason.GATEWAY_CONDITIONS, "is empty under S49A_DAA", right)
    elif gateway == LegalGateway.S213B_HOUSING:
        yield from _s213b(event)


def _s213b(event: Context) -> Iterator[FieldProblem]:
    """The duty to refer needs the person's consent and goes to the authority they choose (code of guidance 4)."""
    for name in S213B_FIELDS:
        if event.datum.get(name) in (None, _UNKNOWN):
            right = "a value: s213B Housing Act 1996 needs consent and the authority that the person chose"
            yield FieldProblem(name, RejectReason.GATEWAY_CONDITIONS, "is empty under S213B_HOUSING", right)


def times_are_ordered(event: Context) -> Iterator[FieldProblem]:
    """Occurred, recorded, published, received: in this order."""
    envelope = event.envelope
    for earlier, later in (("occurredAt", "recordedAt"), ("recordedAt", "publishedAt")):
        if envelope[earlier] > envelope[later]:
            right = f"not before `envelope.{earlier}`"
            yield _problem(later, RejectReason.TIME, f"is before `envelope.{earlier}`", right)
    if envelope["publishedAt"] > event.received_at_ms + CLOCK_SKEW_MS:
        right = "the present: at most 5 minutes ahead of the exchange's clock"
        yield _problem("publishedAt", RejectReason.TIME, "is in the future", right)


def child_is_young(event: Context) -> Iterator[FieldProblem]:
    """Date of birth or expected delivery, not both, and each plausible (E-08)."""
    child = event.envelope["child"]
    today = event.received_at_ms // MILLIS_PER_DAY
    born, due = child["dateOfBirth"], child["expectedDeliveryDate"]
    if born is not None and due is not None:
        right = "empty once the child is born"
        yield _problem("child.expectedDeliveryDate", RejectReason.TIME, "stands beside a date of birth", right)
    if born is not None and FIRST_DAY <= born <= LAST_DAY:
        if born > today + 1:
            right = "a day that has come; for an unborn child use `expectedDeliveryDate`"
            yield _problem("child.dateOfBirth", RejectReason.TIME, "is in the future", right)
        elif _years_after(born, OLDEST_YEARS) < today:
            right = f"a day at most {OLDEST_YEARS} years ago"
            yield _problem("child.dateOfBirth", RejectReason.TIME, "is not that of a child or care leaver", right)
    if due is not None and not EARLIEST_DELIVERY_DAYS <= due - today <= LATEST_DELIVERY_DAYS:
        right = "a day of a present pregnancy"
        yield _problem("child.expectedDeliveryDate", RejectReason.TIME, "is not that of an unborn child", right)


def judgements_are_whole(event: Context) -> Iterator[FieldProblem]:
    """A judgement about a recipient says about whom, which, and why when it withholds (L-02, L-03)."""
    code = RejectReason.REQUIRED_FIELD
    for index, each in enumerate(event.envelope["proposedRecipients"] or ()):
        path = f"proposedRecipients[{index}]"
        if each["agency"] is None and each["role"] is None:
            yield _problem(path, code, "names nobody", "an `agency`, a `role`, or both")
        if each["judgement"] == _UNKNOWN:
            yield _problem(path + ".judgement", code, "is UNKNOWN", "CONFIRMED or WITHHELD")
        if each["judgement"] == "WITHHELD" and each["ground"] in (None, _UNKNOWN):
            right = "DETRIMENT, NOT_RELEVANT, LEGAL_RESTRICTION or OPERATIONAL_RISK (s16LA(3))"
            yield _problem(path + ".ground", code, "is empty though the recipient is withheld", right)


def required_fields_are_there(event: Context) -> Iterator[FieldProblem]:
    """The catalogue's `requires`: fields without which the event says nothing."""
    for path in event.event_type.requires:
        value = _value(event.datum, path)
        if value is None or value in ("", []):
            right = f"a value: `{event.event_type.name}` says nothing without it"
            yield FieldProblem(path, RejectReason.REQUIRED_FIELD, "is empty", right)


def accused_setting_is_named(event: Context) -> Iterator[FieldProblem]:
    """An allegation in a setting that has a URN names it, so that it can be kept from that setting (P-16)."""
    if event.event_type.name != ALLEGATION or event.datum["settingScheme"] not in _URN_SCHEMES:
        return
    if not event.envelope["settings"]["accusedSettingUrn"]:
        right = "the setting's URN: without it the exchange cannot keep the event from that setting"
        path = "settings.accusedSettingUrn"
        yield _problem(path, RejectReason.REQUIRED_FIELD, "is empty though `settingScheme` is a URN", right)


def refuge_has_no_address(event: Context) -> Iterator[FieldProblem]:
    """A refuge's address never enters the exchange, neither as a field nor inside a text (P-03)."""
    if event.envelope["addressProtection"] != "REFUGE":
        return
    addresses, texts = _address_leaves(event.event_type)
    code, right = RejectReason.REFUGE_ADDRESS, "empty: say through which service the family can be reached"
    for leaf in addresses:
        if _value(event.datum, leaf.path) is not None:
            yield FieldProblem(leaf.path, code, "is an address while the child is in a refuge", right)
    for leaf in texts:
        text = _value(event.datum, leaf.path)
        if text is not None and has_postcode(text):
            yield FieldProblem(leaf.path, code, "has a postcode in it while the child is in a refuge", right)


EVENT_RULES: tuple[Rule, ...] = (
    schema_is_named,
    words_are_stated,
    publisher_may,
    gateway_holds,
    times_are_ordered,
    child_is_young,
    judgements_are_whole,
    required_fields_are_there,
    accused_setting_is_named,
    refuge_has_no_address,
)


@lru_cache(maxsize=512)
def _address_leaves(event_type: EventType) -> tuple[tuple[Leaf, ...], tuple[Leaf, ...]]:
    """Leaves that hold an address, and other leaves of free text that might."""
    addresses = tuple(leaf for leaf in event_type.leaves if is_address(leaf))
    texts = tuple(leaf for leaf in event_type.leaves if leaf.kind == "string" and leaf.classes & _TEXT_CLASSES)
    return addresses, texts


def is_address(leaf: Leaf) -> bool:
    """Whether a leaf holds an address or part of one. A local authority's code is not an address."""
    if FieldClass.LOCATING not in leaf.classes or leaf.kind not in ("string", "array"):
        return False
    named = any(_ADDRESS_NAME.fullmatch(part) for part in leaf.path.split("."))
    return leaf.format in _ADDRESS_FORMATS or (named and leaf.format != "gss")


def _value(datum: Datum, path: str) -> Any:
    value: Any = datum
    for part in path.split("."):
        if value is None:
            return None
        value = value[part]
    return value


def _years_after(days: int, years: int) -> int:
    """Days since the epoch of the same day `years` later."""
    day = date_of_days(days)
    shifted = day.replace(year=day.year + years, day=28 if (day.month, day.day) == (2, 29) else day.day)
    return days + (shifted - day).days


def _one_of(words: Iterable[str]) -> str:
    return "one of " + ", ".join(words)


def _problem(path: str, code: RejectReason, message: str, expected: str) -> FieldProblem:
    return FieldProblem("envelope." + path, code, message, expected)
