"""What goes in and out of the HTTP door: frozen values, nothing of HTTP in them.

Instants are milliseconds since the epoch, UTC; `event` is the JSON form of an event (schemas.json_form); field paths
are dotted as in the schema. Words for people (`reasons`, `lines`, `title`, `label`) are plain English sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Kind = Literal["person", "system"]
Scope = Literal["publish", "inbox", "outcome"]
AckOutcome = Literal[
    "NOTED", "ACTION_TAKEN", "REFERRED_ON", "NOT_OUR_CHILD", "DUPLICATE", "CANNOT_IDENTIFY", "ASK_MORE"
]
ACK_OUTCOMES: tuple[AckOutcome, ...] = (
    "NOTED", "ACTION_TAKEN", "REFERRED_ON", "NOT_OUR_CHILD", "DUPLICATE", "CANNOT_IDENTIFY", "ASK_MORE",
)  # fmt: skip
# What an acknowledgement may add: codes only, because a note in words would be content of its own.
NoteCode = Literal["CALL_US", "MORE_DETAIL", "MOVED_AWAY", "NEVER_HERE", "WRONG_ROLE"]
NOTE_CODES: tuple[NoteCode, ...] = ("CALL_US", "MORE_DETAIL", "MOVED_AWAY", "NEVER_HERE", "WRONG_ROLE")
RefusedWhy = Literal[
    "NOT_PERMITTED",  # the caller lacks the scope, or the agency is not in the rule set in force
    "INVALID",  # the document breaks the contract; `problems` says where
    "KEY_REUSED",  # the idempotency key (or the event id) stands for another document
    "TOO_LARGE",  # more than an event may have
]
DeliveryState = Literal["AVAILABLE", "LEASED", "PICKED_UP", "ACKNOWLEDGED"]  # FROZEN and RECALLED are never shown


class Caller(NamedTuple):
    """Who is asking, as an access token or a session vouched for it. Nothing of it comes from the request itself."""

    agency: str
    subject: str  # the identity issuer's id of the person or system; kept as a keyed pseudonym only
    kind: Kind
    roles: frozenset[str]  # role ids of that agency
    scopes: frozenset[str]
    name: str | None = None  # shown to the person; never stored


# --- publishing ---


class FieldProblem(NamedTuple):
    """One thing wrong with a document. Never repeats a value of it."""

    pointer: str  # JSON pointer (RFC 6901) into the document as sent; "" for the whole
    code: str  # schemas.vocabulary.RejectReason
    message: str  # what is wrong
    expected: str  # what would be right

    @property
    def detail(self) -> str:
        return f"{self.message}: {self.expected}" if self.expected else self.message


class Accepted(NamedTuple):
    """Durable in Kafka, in all in-sync replicas. It does not mean that anyone was told: ask for the outcome."""

    event_id: str
    event_type: str
    accepted_at: int
    topic: str
    partition: int
    offset: int
    repeated: bool = False  # the same document was accepted before; this is the answer given then


class Refused(NamedTuple):
    """Nothing was published."""

    why: RefusedWhy
    message: str
    problems: tuple[FieldProblem, ...] = ()


class Submission(NamedTuple):
    """One event to publish. Absent `eventId`, `publishedAt`, `schemaVersion`, `masaId`, `sourceOrg` are filled in."""

    document: Mapping[str, Any]
    idempotency_key: str | None = None  # 1 to 200 visible ASCII characters


# --- before publishing ---


class NamedField(NamedTuple):
    path: str  # of a field or of a record, which stands for everything in it
    label: str


class WithheldFields(NamedTuple):
    reason: str  # reason code
    sentence: str
    fields: tuple[NamedField, ...]


class Candidate(NamedTuple):
    """What one possible recipient would get. The publisher may confirm or withhold by `agency` (L-02)."""

    agency: str  # agency id, or `unresolved:<selector>`
    name: str
    category: str | None
    outcome: str  # OutcomeKind
    roles: tuple[str, ...]  # titles
    reasons: tuple[str, ...]  # sentences, the decisive one first
    gets: tuple[NamedField, ...]
    withheld: tuple[WithheldFields, ...]
    basis: str | None
    due: str | None  # "within 1 working day"
    may_withhold: bool  # a judgement of the publisher would be heard


class Preview(NamedTuple):
    """What would be decided now. The relationship register is not asked: a preview must not tell who knows a child."""

    event_type: str
    disposition: str  # DECIDED, UNROUTED or HELD
    lines: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    rule_set: str  # hash


# --- after publishing ---


class RecipientOutcome(NamedTuple):
    """What became of one candidate, as far as the publisher may know it."""

    category: str | None  # AgencyCategory
    agency: str | None  # id; None when only the relationship register knew it (P-10), or the publisher could not
    name: str | None
    outcome: str  # OutcomeKind
    reasons: tuple[str, ...]  # codes
    sentences: tuple[str, ...]
    state: str | None  # SENT, PICKED_UP or ACKNOWLEDGED; None when not delivered
    acknowledged: AckOutcome | None  # outcome code only (D-11)
    note: NoteCode | None
    ack_by: int | None


class EventOutcome(NamedTuple):
    event_id: str
    event_type: str | None
    disposition: str  # PENDING (accepted, not decided yet), DECIDED, UNROUTED, HELD, REJECTED
    accepted_at: int | None
    decided_at: int | None
    reasons: tuple[str, ...]  # sentences about the event as a whole; of a rejected one what is wrong with it
    recipients: tuple[RecipientOutcome, ...]


# --- receiving ---


class Contact(NamedTuple):
    """Whom to ring. Agencies' desks, never a family's number."""

    who: str
    name: str
    phone: str
    out_of_hours: bool


class Summary(NamedTuple):
    """A line of the list: nothing about the child."""

    delivery_id: str
    event_type: str
    title: str
    urgency: str
    roles: tuple[str, ...]  # titles
    available_at: int
    ack_by: int | None
    state: DeliveryState
    from_area: str | None  # name
    overdue: bool
    leased: bool  # the agency's own software is working on it


class Delivery(NamedTuple):
    """One delivery with its content, already minimised for this recipient."""

    delivery_id: str
    event_id: str
    event_type: str
    title: str
    urgency: str
    roles: tuple[str, ...]  # ids
    role_titles: tuple[str, ...]
    available_at: int
    ack_by: int | None
    state: DeliveryState
    event: Mapping[str, Any] | None  # None when it cannot be read, or was removed after 14 days
    problem: str | None  # why there is no event
    withheld: tuple[WithheldFields, ...]
    from_area: str | None
    basis: str | None
    rules: tuple[str, ...]
    policy: str | None
    contacts: tuple[Contact, ...]
    also_told: tuple[str, ...]  # categories (P-12); none for protected or restricted children
    no_onward: bool  # not to be passed on, not to be disclosed to whom it is about
    headers: Mapping[str, str]  # CloudEvents and masa-* headers, as on Kafka
    value: bytes | None  # Avro, as on Kafka
    lease: str | None = None
    lease_until: int | None = None
    acknowledged: AckOutcome | None = None
    acknowledged_at: int | None = None
    removal_asked: bool = False  # it asks for something to be removed, or is asked for itself in part


class Acknowledged(NamedTuple):
    delivery_id: str
    outcome: AckOutcome
    at: int


class AlreadyAcknowledged(NamedTuple):
    """The caller said the same before; nothing was done again."""

    delivery_id: str
    outcome: AckOutcome
    at: int


class Conflict(NamedTuple):
    """Somebody else acknowledged it, with this outcome; or another holder's lease runs."""

    delivery_id: str
    why: Literal["ACKNOWLEDGED", "LEASED", "LEASE_LOST", "TAKEN_BACK"]
    outcome: AckOutcome | None = None
    at: int | None = None


class NotFound(NamedTuple):
    """No such delivery, or not the caller's: both look the same."""

    delivery_id: str


AckAnswer = Acknowledged | AlreadyAcknowledged | Conflict | NotFound

# --- who ---


class Profile(NamedTuple):
    """The caller's own agency in the rule set in force."""

    agency: str
    name: str
    category: str
    area: str
    area_name: str
    identifiers: tuple[tuple[str, str], ...]  # (scheme, id)
    roles: Mapping[str, str]  # role id -> title
    my_roles: Mapping[str, str]  # of the caller, those delegated to it included
    authorities: tuple[str, ...]  # GSS codes it serves
    contacts: tuple[Contact, ...]
    councils: tuple[tuple[str, str], ...] = ()  # (GSS code, name) of those that take part, here and next door


class TypeInfo(NamedTuple):
    """An event type of the catalogue, seen by one agency."""

    name: str
    version: int
    title: str
    may_publish: bool
    urgency: str
    gateways: tuple[str, ...]
    purposes: tuple[str, ...]
    regimes: tuple[str, ...]
    requires: tuple[str, ...]  # paths that must be filled


class Delegation(NamedTuple):
    """One role of a person handed to a deputy role or to a colleague for a while (D-09)."""

    delegation_id: str
    role: str
    to_role: str | None
    to_person: bool  # to a colleague, whose id is not shown
    until: int
    mine: bool  # given by the caller; else received


class StoredSession(NamedTuple):
    """A browser session. The key is the SHA-256 of the cookie's value; `data` is the shell's own."""

    data: Mapping[str, Any]
    created_at: int
    seen_at: int
