"""The audit record as the ledger reads it: put together from the released schema and the contract's codec."""

from __future__ import annotations

from functools import partial

from schemas.codec import decode_record
from schemas.framing import frame
from schemas.registry import load_record_schema, record_wire
from streams.ledger.rows import WANTED, RowReader
from streams.ledger.scan import compile_scanner


def audit_row_reader() -> RowReader:
    """Reads audit records of the current schema fast, and of any released one in full."""
    scan = compile_scanner(load_record_schema("audit"), WANTED)
    head = frame(record_wire("audit").fingerprint, b"")
    return RowReader(head, scan, partial(decode_record, "audit"))
