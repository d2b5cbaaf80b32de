"""The checker's passes over outboxes and inboxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from connectors.kafka.topics import AUDIT as AUDIT_TOPIC
from schemas.codec import decode_record
from schemas.errors import ContractError
from streams.ledger.compact import unpacked
from streams.ledger.reconcile_books import (
    AUDIT,
    DELIVERIES_SHIFT,
    DEMANDED,
    DUE,
    FLAGS,
    FOUND,
    IN_OUTBOX,
    OLD,
    RECIPIENT,
    SETTLED,
    SOURCE,
    TOPIC,
    VALUE,
    WHOLE,
    Books,
)
from streams.ledger.reconcile_view import Headers, InboxSeen, Law, OutboxSeen, Place

_INBOX_PREFIX, _INBOX_SUFFIX = "agency.", ".inbox"


def check_outboxes(books: Books) -> None:
    """Every record up to the audited point has its audit record, and the other way round."""
    for seen in books.read("outboxes", books.view.outbox()):
        _outbox_record(books, seen)
    flags = books.audits.columns[FLAGS]
    for row, source in enumerate(books.audits.keys):
        if flags[row] & IN_OUTBOX or not flags[row] & SETTLED:
            continue
        topic, partition, offset = books.position(source)
        if offset < books.view.outbox_starts.get(Place(topic, partition), 0):
            books.report.expired += 1
            books.report.events += 1  # it was there once: the audit says so
            books.report.audited += 1
            continue
        audit = books.position(books.audits.columns[AUDIT][row])
        what = "audit record names a record that is not in its outbox"
        books.report.say("unexplained", Law.AUDIT_SOUND, what, audit, source=books.source_json(source))


def _outbox_record(books: Books, seen: OutboxSeen) -> None:
    beyond = seen.offset >= books.points.get(Place(seen.topic, seen.partition), 0)
    found = False
    audits = books.audits
    for row in audits.rows(books.key(seen.topic, seen.partition, seen.offset)):
        found = True
        audits.columns[FLAGS][row] |= IN_OUTBOX
        audits.columns[VALUE][row] = books.digest(b"\0" if seen.value is None else b"\1" + seen.value)
        audits.columns[WHOLE][row] = books.whole_digest(seen.key, seen.value, seen.headers)
    if beyond:
        books.report.waiting += 1
        return
    books.report.events += 1
    if found:
        books.report.audited += 1
    else:
        at = (seen.topic, seen.partition, seen.offset)
        books.report.say("missing", Law.AUDITED_ONCE, "outbox record has no audit record", at)


def check_inboxes(books: Books) -> None:
    """Every delivery is explained and stands once; order is watched, and looked into where it seems broken."""
    latest: dict[tuple[Place, int], int] = {}
    suspects: set[Place] = set()
    for seen in books.read("inboxes", books.view.inbox(None)):
        source = _inbox_record(books, seen)
        if source is None:
            continue
        place = Place(seen.topic, seen.partition)
        stream, offset = unpacked(source)
        if offset < latest.get((place, stream), 0):
            suspects.add(place)
        else:
            latest[place, stream] = offset
    if suspects:
        _check_order(books, books.view.inbox(frozenset(suspects)))


def _inbox_record(books: Books, seen: InboxSeen) -> int | None:
    """The source position of a delivery that is where it should be; None, with a difference told, otherwise."""
    at = (seen.topic, seen.partition, seen.offset)
    delivery_id, recipient = _header(seen.headers, "masa-delivery-id"), _recipient(seen)
    if delivery_id is None or recipient is None:
        what = "inbox record has no delivery id, or no recipient that the inbox belongs to"
        books.report.say("unexplained", Law.DELIVERY_EXPLAINED, what, at)
        return None
    told = {"deliveryId": delivery_id, "agency": recipient}
    if not _header(seen.headers, "masa-rule"):
        books.report.say("unexplained", Law.DELIVERY_EXPLAINED, "delivery names no rule", at, **told)
    table = books.deliveries
    candidates = list(table.rows(books.digest(delivery_id.encode())))
    row = _addressed(books, candidates, recipient, seen.topic)
    if row is None:
        what = "delivery has no audited outcome"
        if candidates:
            what = "delivered to another recipient or inbox than audited"
            told["audited"] = str(books.names.value(table.columns[RECIPIENT][candidates[0]]))
        books.report.say("unexplained", Law.DELIVERY_EXPLAINED, what, at, **told)
        return None
    table.columns[FOUND][row] += 1
    if table.columns[FOUND][row] > 1:
        books.report.say("duplicate", Law.DELIVERED_ONCE, "delivery id is in the inbox more than once", at, **told)
        return None
    books.report.delivered += 1
    return table.columns[SOURCE][row]


def _addressed(books: Books, candidates: list[int], recipient: str, topic: str) -> int | None:
    """The audited delivery to this recipient in this inbox, one not yet found if there are several."""
    table = books.deliveries
    who, where = books.names.known(recipient), books.names.known(topic)
    right = [row for row in candidates if table.columns[RECIPIENT][row] == who and table.columns[TOPIC][row] == where]
    return min(right, key=table.columns[FOUND].__getitem__, default=None)


def _recipient(seen: InboxSeen) -> str | None:
    """Whose delivery it is: the inbox's owner, or who the header names in a shared inbox."""
    stated = _header(seen.headers, "masa-recipient")
    if not seen.topic.startswith(_INBOX_PREFIX):
        return stated
    owner = seen.topic.removeprefix(_INBOX_PREFIX).removesuffix(_INBOX_SUFFIX)
    return owner if stated in (None, owner) else None


def _header(headers: Headers, name: str) -> str | None:
    for each, value in headers:
        if each == name and value is not None:
            return value.decode("utf-8", "replace")
    return None


def _check_order(books: Books, records: Iterable[InboxSeen]) -> None:
    """By key, exactly; for the few inboxes where deliveries of one outbox partition were seen out of order."""
    latest: dict[tuple[Place, int, int], int] = {}
    for seen in books.read("order", records):
        delivery_id = _header(seen.headers, "masa-delivery-id")
        row = books.deliveries.find(books.digest(delivery_id.encode())) if delivery_id is not None else None
        if row is None or seen.key is None or books.deliveries.columns[FOUND][row] != 1:
            continue
        stream, offset = unpacked(books.deliveries.columns[SOURCE][row])
        track = (Place(seen.topic, seen.partition), stream, books.digest(seen.key))
        if offset < latest.get(track, 0):
            at = (seen.topic, seen.partition, seen.offset)
            source = books.source_json(books.deliveries.columns[SOURCE][row])
            what = "delivery stands after a later one of the same key"
            books.report.say("unexplained", Law.ORDER_KEPT, what, at, deliveryId=delivery_id, source=source)
        latest[track] = max(offset, latest.get(track, 0))


def missing_deliveries(books: Books) -> None:
    """Audited deliveries that no inbox has, named; and the events of which only some are missing."""
    table = books.deliveries
    demanded, found = table.columns[DEMANDED], table.columns[FOUND]
    books.report.expired += sum(demanded[row] == OLD and not found[row] for row in range(len(table)))
    absent = [row for row in range(len(table)) if demanded[row] == DUE and not found[row]]
    if not absent:
        return
    ids = _delivery_ids(books, {table.keys[row] for row in absent})
    lacking: Counter[int] = Counter()
    for row in absent:
        source = table.columns[SOURCE][row]
        lacking[source] += 1
        books.report.say(
            "missing",
            Law.DELIVERED_ONCE,
            "audited delivery is not in the recipient's inbox",
            books.position(source),
            agency=books.names.value(table.columns[RECIPIENT][row]),
            inbox=books.names.value(table.columns[TOPIC][row]),
            deliveryId=ids.get(table.keys[row]),
        )
    for source, count in lacking.items():
        wanted = sum(books.audits.columns[FLAGS][row] >> DELIVERIES_SHIFT for row in books.audits.rows(source))
        if count < wanted:
            what = f"torn: {wanted - count} of {wanted} deliveries of one event are there"
            books.report.say("missing", Law.NOT_TORN, what, books.position(source))


def _delivery_ids(books: Books, wanted: set[int]) -> dict[int, str]:
    """The ids behind some digests, found by reading the audits once more."""
    found: dict[int, str] = {}
    for seen in books.read(f"{AUDIT_TOPIC} again", books.view.audits()):
        try:
            audit = decode_record("audit", seen.value or b"")
        except ContractError:
            continue
        for outcome in audit["outcomes"]:
            delivery_id = outcome["deliveryId"]
            if delivery_id is not None and (digest := books.digest(delivery_id.encode())) in wanted:
                found[digest] = delivery_id
    return found
