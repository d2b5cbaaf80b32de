"""Mappings, agencies and preparers for the tests of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from connectors.files.journal import Version
from connectors.files.mapping import FileAgency, SupplierMapping
from connectors.files.open_file import open_reader
from connectors.files.prepare import Batch, Preparer
from connectors.files.program import Program
from connectors.files.records import Position, Reader
from schemas.codec import decode_event
from schemas.errors import FieldProblem
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, load_event_types
from schemas.validation import validate
from schemas.wire import Datum
from streams.policy.located import read_yaml

ROOT = Path(__file__).resolve().parents[3]
MAPPINGS = ROOT / "deploy" / "mappings"
SAMPLES = MAPPINGS / "samples"
NOW = 1_790_000_000_000  # 2026-09-21
KEY = b"k" * 32

POLICE = FileAgency(
    "northshire-police", "Northshire Police", "northshire", "POLICE", (("GSS", "E23000099"),), "Hub", "01632 960071"
)
SCHOOL = FileAgency(
    "oakfield-primary", "Oakfield Primary School", "northshire", "SCHOOL",
    (("URN", "990001"), ("LAESTAB", "9992001")), "Duty DSL", "01632 960083",
)  # fmt: skip
HOSPITAL = FileAgency("northshire-acute", "Northshire Acute", "northshire", "NHS_FT", (("ODS", "RZ1"),), "Desk", None)

SHIPPED: Mapping[str, tuple[FileAgency, tuple[str, ...]]] = {
    "encompass-police": (POLICE, ("encompass-police.csv",)),
    "school-attendance-exclusions": (SCHOOL, ("school-attendance-exclusions.csv",)),
    "hospital-ed": (HOSPITAL, ("hospital-ed.ndjson",)),
    "dfe-ctf-24": (SCHOOL, ("dfe-ctf-24-leavers.xml", "dfe-ctf-24-missing.xml")),
}


def shipped(name: str) -> SupplierMapping:
    """A mapping of `deploy/mappings`."""
    return SupplierMapping.model_validate(read_yaml((MAPPINGS / f"{name}.yaml").read_text(), name).value)


def checked(event_type: EventType, datum: Datum) -> list[FieldProblem]:
    return validate(event_type, datum, received_at_ms=NOW)


def never(value: bytes) -> int | None:
    """Vouches for nothing: every record takes the slow way."""
    return None


def vouched(value: bytes) -> int | None:
    """Vouches for what the contract finds nothing wrong with."""
    event_type, datum = decode_event(value)
    return None if checked(event_type, datum) else int(datum["envelope"]["occurredAt"])


def preparer(mapping: SupplierMapping, agency: FileAgency, vouch: Any = vouched) -> Preparer:
    program = Program(mapping, agency, load_event_types(), published_at=NOW)
    return Preparer(program=program, pseudonymiser=Pseudonymiser(KEY), vouch=vouch, check=checked)


def reader(
    file: BinaryIO, mapping: SupplierMapping, sources: Sequence[str] | None = None, start: Position | None = None
) -> Reader:
    wanted = sources if sources is not None else Program(mapping, SCHOOL, load_event_types(), published_at=NOW).sources
    return open_reader(file, mapping, wanted, start=start)


def nothing_before(keys: Sequence[bytes]) -> Mapping[bytes, Version]:
    """A journal in which nothing stands."""
    return {}


def events(batch: Batch) -> list[Datum]:
    return [decode_event(each.value).datum for each in batch.events]
