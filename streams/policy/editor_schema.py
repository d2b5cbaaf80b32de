"""JSON Schema (2020-12) of the area files, from their models, so that editors complete, explain and check them.

What the contract knows is put in too: event types, concern codes, the fields that a projection can name. What depends
on other files (roles, agencies, agreements) is left to `masa rules check`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas.registry import EventType, EventTypes
from streams.policy.checks import CATEGORIES
from streams.policy.contract_checks import CONCERNS
from streams.policy.follow_up import FollowUpFile
from streams.policy.guide import GUIDE
from streams.policy.model import SELECTORS, AgencyModel, AgreementModel, AreaFile, CaseModel, ProjectionModel, RuleModel

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE = "envelope."
_LISTS: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("agencies", AgencyModel, "The agencies of an area."),
    ("agreements", AgreementModel, "The agreements under which an area shares."),
    ("rules", RuleModel, "Rules of an area: who is told what, under which law, and why."),
    ("cases", CaseModel, "Cases that show each rule at work and silent."),
)
_NOT_OFFERED = {  # words of the contract that are wrong in area files
    "AgencyCategory": {"UNKNOWN"},
    "DpRegime": {"UNKNOWN"},
    "DutyBasis": {"UNKNOWN"},
    "FieldClass": {"CONTROL"},
    "IdentifierScheme": {"UNKNOWN"},
    "LegalGateway": {"UNKNOWN"},
    "Purpose": {"UNKNOWN"},
}


def editor_schemas(event_types: EventTypes) -> Mapping[str, str]:
    """File name -> text of each schema, the same for the same models and contract."""
    made = {"area": _whole(AreaFile, event_types, "An area: its authorities, roles and dates.")}
    for key, model, says in _LISTS:
        made[key] = _list(key, model, event_types, says)
    made["projections"] = _projections(event_types)
    made["follow-up"] = _whole(FollowUpFile, event_types, "What happens after a delivery: days, ladders, rhythms.")
    return {
        f"{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in made.items()
    }


def _whole(model: type[BaseModel], event_types: EventTypes, says: str) -> Schema:
    definitions = _definitions(model, event_types)
    return {"$schema": DIALECT, "description": says, "$ref": f"#/$defs/{model.__name__}", "$defs": definitions}


def _list(key: str, model: type[BaseModel], event_types: EventTypes, says: str) -> Schema:
    return {
        "$schema": DIALECT,
        "description": says,
        "type": "object",
        "properties": {key: {"type": "array", "items": {"$ref": f"#/$defs/{model.__name__}"}}},
        "required": [key],
        "additionalProperties": False,
        "$defs": _definitions(model, event_types),
    }


def _projections(event_types: EventTypes) -> Schema:
    return {
        "$schema": DIALECT,
        "description": "Which fields each kind of recipient gets. What is named nowhere is given to nobody.",
        "type": "object",
        "additionalProperties": {"$ref": f"#/$defs/{ProjectionModel.__name__}"},
        "$defs": _definitions(ProjectionModel, event_types),
    }


def _definitions(model: type[BaseModel], event_types: EventTypes) -> Schema:
    _, schema = models_json_schema([(model, "validation")], by_alias=True)
    definitions: Schema = schema["$defs"]
    for name, definition in definitions.items():
        definition.pop("title", None)
        if "enum" in definition:
            definition["enum"] = [word for word in definition["enum"] if word not in _NOT_OFFERED.get(name, ())]
        for key, described in definition.get("properties", {}).items():
            described.pop("title", None)
            if key in GUIDE.get(name, {}):
                described["description"] = GUIDE[name][key]
    _add_contract(definitions, event_types)
    return {name: definitions[name] for name in sorted(definitions)}


def _add_contract(definitions: Schema, event_types: EventTypes) -> None:
    """Put what the contract knows where the models say only `text`."""
    names = list(event_types)
    for holder, key in (("RuleModel", "events"), ("ScopeModel", "eventTypes")):
        if holder in definitions:
            definitions[holder]["properties"][key]["items"] = {"enum": names}
    for holder in {"LadderWhen", "RhythmModel", "PatternModel"} & definitions.keys():
        _list_in(definitions[holder]["properties"]["events"])["items"] = {"enum": names}
    if "CaseEvent" in definitions:
        definitions["CaseEvent"]["properties"]["type"]["enum"] = names
    if "To" in definitions:
        definitions["To"]["properties"]["of"]["enum"] = [*SELECTORS, *sorted(CATEGORIES)]
    if "When" in definitions:
        codes = sorted({code for kind in event_types.values() for code in _concerns(kind)})
        _list_in(definitions["When"]["properties"]["concerns"])["items"] = {"enum": codes}
    if "ProjectionModel" in definitions:
        shared = definitions["ProjectionModel"]["properties"]
        everywhere = sorted(
            {path for kind in event_types.values() for path in _paths(kind) if path.startswith(ENVELOPE)}
        )
        definitions["EnvelopeField"] = {"enum": everywhere, "type": "string"}
        shared["common"]["items"] = {"$ref": "#/$defs/EnvelopeField"}
        shared["events"].pop("additionalProperties")
        shared["events"]["additionalProperties"] = False
        shared["events"]["properties"] = {name: _fields(kind) for name, kind in event_types.items()}


def _fields(kind: EventType) -> Schema:
    own = [path for path in _paths(kind) if not path.startswith(ENVELOPE) and path != ENVELOPE.rstrip(".")]
    return {
        "description": kind.title,
        "type": "array",
        "items": {"anyOf": [{"enum": own, "type": "string"}, {"$ref": "#/$defs/EnvelopeField"}]},
    }


def _list_in(schema: Schema) -> Schema:
    """The array among the alternatives of a value that may also be left out."""
    return next(each for each in schema["anyOf"] if each.get("type") == "array")


def _paths(kind: EventType) -> Sequence[str]:
    """Every field of a type and every record in it, in schema order."""
    found: dict[str, None] = {}
    for leaf in kind.leaves:
        parts = leaf.path.split(".")
        for depth in range(len(parts)):
            found[".".join(parts[: depth + 1])] = None
    return list(found)


def _concerns(kind: EventType) -> Iterator[str]:
    node = next((leaf.node for leaf in kind.leaves if leaf.path == CONCERNS), None)
    items = node.get("items") if isinstance(node, dict) else None
    yield from items.get("symbols", ()) if isinstance(items, dict) else ()
