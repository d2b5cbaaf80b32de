"""What the commands about files share: the mapping of a file, the agency that publishes, and the exchange's checks."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from streams.cli.runtime import BadUsage, Refused

if TYPE_CHECKING:
    from connectors.files.kafka_sink import KafkaSink
    from connectors.files.mapping import FileAgency, MappingProblem, SupplierMapping
    from connectors.files.service import Checks, FileService
    from connectors.settings import Settings
    from schemas.registry import EventTypes

FILES_DIR = "files"  # in the data directory: a folder an agency, with its journal
MAPPINGS = Path("deploy") / "mappings"
STAND_IN = "stand-in"  # id of the agency when none is named

MappingName = Annotated[
    str, typer.Option("--mapping", metavar="NAME|FILE", help="A mapping of deploy/mappings, or a file of your own.")
]
AgencyId = Annotated[str, typer.Option("--agency", metavar="ID", help="Who publishes.")]


class FoundMapping(NamedTuple):
    """A mapping and its file."""

    mapping: SupplierMapping
    file: Path
    marks: Any  # where each key stands


def shipped() -> Path:
    """The folder of shipped mappings: below the current directory, else in the repository this runs from."""
    return MAPPINGS if MAPPINGS.is_dir() else Path(__file__).resolve().parents[2] / MAPPINGS


def mapping_named(name: str) -> FoundMapping:
    """A shipped mapping by name, or one by file. Raises Refused with located problems, BadUsage when there is none."""
    from pydantic import ValidationError

    from connectors.files.mapping import SupplierMapping
    from streams.policy.located import problem_at, read_yaml
    from streams.policy.shape_problems import shape_problem

    file = Path(name) if Path(name).suffix else shipped() / f"{name}.yaml"
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        there = ", ".join(sorted(path.stem for path in shipped().glob("*.yaml")))
        raise BadUsage(f"no mapping `{name}`: name a file, or one of {there}") from None
    read = read_yaml(text, str(file))
    problems = list(read.problems)
    try:
        mapping = SupplierMapping.model_validate(read.value)
    except ValidationError as error:
        for detail in error.errors():
            path, message, suggestion = shape_problem(SupplierMapping, detail)
            problems.append(problem_at(str(file), read.marks, _in_file(path), message, suggestion))
        raise Refused("\n".join(map(str, problems))) from None
    if problems:
        raise Refused("\n".join(map(str, problems)))
    return FoundMapping(mapping, file, read.marks)


def _in_file(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Without the names that pydantic gives to the branches of a union."""
    return tuple(part for part in path if part not in ("FieldSpec", "Test"))


def located(found: FoundMapping, problems: Iterable[MappingProblem]) -> str:
    """Problems of a mapping as `file:line:column: key: what is wrong`."""
    from streams.policy.located import problem_at

    def written(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """A list of records may be written without the key `items`."""
        return path if path in found.marks else tuple(part for part in path if part != "items")

    lines = (problem_at(str(found.file), found.marks, written(p.path), p.message, p.suggestion) for p in problems)
    return "\n".join(map(str, sorted(lines)))


def compiled(found: FoundMapping, agency: FileAgency, types: EventTypes) -> Any:
    """The program of a mapping. Raises Refused with everything that is wrong, located."""
    from connectors.files.mapping import MappingInvalid
    from connectors.files.open_file import format_problems
    from connectors.files.program import Program

    problems = format_problems(found.mapping)
    try:
        program = Program(found.mapping, agency, types, published_at=0)
    except MappingInvalid as invalid:
        raise Refused(located(found, [*problems, *invalid.problems])) from None
    if problems:
        raise Refused(located(found, problems))
    return program


class Publishing(NamedTuple):
    """The agency of the rule set in force."""

    agency: FileAgency
    gateway: bool  # publishes through the gateway's shared topics


def publishing_agency(found: Settings, agency: str) -> Publishing:
    """Raises Refused when the rule set in force has no such agency."""
    from connectors.files.mapping import FileAgency
    from streams.cli.areas import required_rule_set
    from streams.cli.people import known_signatories
    from streams.gateway.publishers import Publishers

    document = required_rule_set(found.kafka(), known_signatories(found)).document()
    named = Publishers.of_rule_set(document).named(agency)
    if isinstance(named, str):
        raise Refused(named)
    entry = next(each for each in document["agencies"] if each["id"] == agency)
    office = (entry.get("contacts") or {}).get("office") or {}
    return Publishing(
        FileAgency(
            id=agency,
            name=entry["name"],
            area=named.area,
            category=named.category,
            identifiers=_urn_first(named.identifiers),
            contact=office.get("name"),
            phone=office.get("phone"),
        ),
        named.gateway,
    )


def _urn_first(identifiers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The identifier that events name the agency by comes first: a school's URN rather than its LAESTAB."""
    order = ("URN", "OFSTED_URN", "ODS", "GSS")
    return tuple(sorted(identifiers, key=lambda each: order.index(each[0]) if each[0] in order else len(order)))


def stand_in(mapping: SupplierMapping, types: EventTypes) -> FileAgency:
    """An agency that may publish what the mapping makes, for checking a mapping without a running exchange."""
    from connectors.files.mapping import FileAgency

    publishers = [set(types[event.type].publishers) for event in mapping.events if event.type in types]
    common = sorted(set.intersection(*publishers)) if publishers else []
    category = str(common[0]) if common else "UNKNOWN"
    return FileAgency(STAND_IN, "The agency", "the-area", category, (), "Its contact", "01632 960000")


def service(found: Settings, mapping: SupplierMapping, agency: FileAgency) -> FileService:
    """Everything for importing files, wired to the exchange's own checks."""
    from connectors.files.service import FileService
    from schemas.pseudonym import Pseudonymiser
    from schemas.registry import load_event_types

    types, pseudonymiser = load_event_types(), Pseudonymiser(found.pseudonym_key())
    gc.freeze()  # what is loaded by now stays; the collector need not walk through it for every batch
    return FileService(
        mapping=mapping,
        agency=agency,
        types=types,
        pseudonymiser=pseudonymiser,
        checks=lambda now: _checks(types, now, allow_synthetic=found.allow_synthetic),
        state=found.data_dir / FILES_DIR / agency.id,
    )


def kafka_door(found: Settings, publishing: Publishing) -> KafkaSink:
    """Where the agency's events go. The HTTP door is another `connectors.files.importer.Sink`."""
    from connectors.files.kafka_sink import KafkaSink
    from connectors.kafka.publisher import Publisher

    kafka = found.kafka()
    return KafkaSink(lambda: Publisher(kafka, client_id="masa-files"), publishing.agency, gateway=publishing.gateway)


def _checks(types: EventTypes, now: int, *, allow_synthetic: bool) -> Checks:
    """The contract's validation, and the quick way to know that it would find nothing."""
    from connectors.files.service import Checks
    from schemas.sure_event import SureEvents
    from schemas.validation import validate

    sure = SureEvents(types, allow_synthetic=allow_synthetic)
    return Checks(
        lambda value: sure.occurred_at(value, now),
        lambda event_type, datum: validate(event_type, datum, received_at_ms=now, allow_synthetic=allow_synthetic),
    )


def without_exchange(mapping: SupplierMapping, agency: FileAgency, data_dir: Path) -> FileService:
    """For trying a mapping: under a key of no meaning, with nothing published before, test numbers accepted."""
    from connectors.files.service import FileService
    from schemas.pseudonym import MIN_KEY_BYTES, Pseudonymiser
    from schemas.registry import load_event_types

    types, pseudonymiser = load_event_types(), Pseudonymiser(bytes(MIN_KEY_BYTES))
    return FileService(
        mapping=mapping,
        agency=agency,
        types=types,
        pseudonymiser=pseudonymiser,
        checks=lambda now: _checks(types, now, allow_synthetic=True),
        state=data_dir / FILES_DIR / STAND_IN,
    )
