"""The checker: proves from outside that everything read was audited and everything decided was done, once.

It reads topics and tables, and knows nothing of the router's code. Laws, each over committed records only and over
every outbox record up to the *audited point* of its partition (the last one that a settled audit record names, or that
the router's group has committed past, whichever is further):

AUDITED_ONCE        Every outbox record has exactly one audit record.
AUDIT_SOUND         Every audit record can be read, names a record that is in its outbox, and agrees with itself:
                    each candidate once; DELIVERED with an id, a topic and a rule (no delivery without a rule), other
                    outcomes with neither id nor topic; nothing delivered of what was rejected, repeated, unrouted or
                    held as a whole; a rejection with its reason.
DELIVERED_ONCE      Every DELIVERED outcome has exactly one record with its delivery id, in the inbox that the audit
                    names and that belongs to that recipient (`agency.<id>.inbox`, or `gateway.inbox` with the id in
                    `masa-recipient`).
DELIVERY_EXPLAINED  Every inbox record has a delivery id that is audited as DELIVERED to that recipient, and names a
                    rule.
IDS_DISTINCT        No delivery id stands in two audited outcomes.
NOT_TORN            Of one event's deliveries all are there, or the batch was torn.
REJECTED_KEPT       REJECTED <=> exactly one record in `masa.rejected` with that position, and with the same key,
                    value and headers as the outbox record.
HELD_KEPT           HELD, as a whole or for some candidates <=> exactly one record in `masa.held` with that position,
                    the same key, value and headers, and the same candidates.
REPEAT_TRUE         REPEATED names an earlier record of the same outbox partition, audited, not itself a repeat, with
                    the same value.
ORDER_KEPT          In each inbox partition, deliveries with the same key that come from the same outbox partition are
                    in the order of that partition.
LEDGER_EQUAL        Up to the ledger's own progress, it has one row for each audit record with the same bytes and
                    columns, one row for each outcome, and no other rows.

All matching is by position and by keyed 64-bit digests made anew each run, so memory stays near 150 bytes an event and
50 a delivery. What retention has already cut is counted as `expired`, not as missing.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.ledger.reconcile_audits import take_audits
from streams.ledger.reconcile_books import Books
from streams.ledger.reconcile_kept import check_kept, check_repeats
from streams.ledger.reconcile_ledger import check_ledger
from streams.ledger.reconcile_streams import check_inboxes, check_outboxes, missing_deliveries
from streams.ledger.reconcile_view import Report, View

DIFFERENCES_LISTED = 10_000

Progress = Callable[[str, int], object]  # what is being read, how many records so far


def reconcile(view: View, *, limit: int = DIFFERENCES_LISTED, progress: Progress = lambda *_: None) -> Report:
    """Check every law; pure but for reading the view. At most `limit` differences of each verdict are listed."""
    books = Books(view, Report(limit), progress)
    take_audits(books)
    check_outboxes(books)
    check_inboxes(books)
    missing_deliveries(books)
    check_kept(books)
    check_repeats(books)
    if view.ledger is not None:
        check_ledger(books, view.ledger)
    return books.report
