"""The reader of a file, as its mapping says it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from connectors.files.mapping import MappingProblem, SupplierMapping
from connectors.files.read_csv import CsvReader
from connectors.files.read_json import JsonReader, NdjsonReader
from connectors.files.read_xml import XmlReader
from connectors.files.records import Position, Reader


def open_reader(
    file: BinaryIO, mapping: SupplierMapping, sources: Sequence[str], *, start: Position | None = None
) -> Reader:
    """Reads `sources` from `start` on. Raises FileInvalid when the file as a whole cannot be read."""
    form = mapping.format
    match form.kind:
        case "csv":
            return CsvReader(
                file, sources, encoding=form.encoding, delimiter=form.delimiter,
                optional=mapping.optional, ignored=mapping.ignored, start=start,
            )  # fmt: skip
        case "ndjson":
            return NdjsonReader(file, sources, start=start)
        case "json":
            return JsonReader(file, sources, records=form.records, start=start)
        case "xml":
            return XmlReader(file, sources, records=form.records or "", start=start)


def format_problems(mapping: SupplierMapping) -> list[MappingProblem]:
    """What is wrong with how the mapping says that the file is written."""
    form = mapping.format
    problems = []
    if form.kind == "xml" and not (form.records or "").startswith("/"):
        message = "the repeated element is not given"
        problems.append(MappingProblem(("format",), message, "`records: /Root/Parent/Element`, a path from the root"))
    if form.kind in ("csv", "ndjson") and form.records is not None:
        problems.append(MappingProblem(("format", "records"), f"{form.kind} has no path of records", "leave it out"))
    if form.kind != "csv" and form.encoding != "utf-8":
        problems.append(MappingProblem(("format", "encoding"), f"{form.kind} is read as UTF-8", "leave it out"))
    return problems
